-- What repeats is folded into one event with a count; a detail names what a kind leaves open.

ALTER TABLE event ADD COLUMN detail TEXT NOT NULL DEFAULT '';
ALTER TABLE event ADD COLUMN count INTEGER NOT NULL DEFAULT 1;
ALTER TABLE event ADD COLUMN last_at TEXT NOT NULL DEFAULT '';   -- empty: never repeated
