-- The history of one gateway. Stamps are ms, begins of quarter hours s since 1970; sums and what was counted millionths
-- of the unit, as text where they have more than 63 bits.
CREATE TABLE channel (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    unit TEXT NOT NULL,
    kind TEXT NOT NULL,
    modulus REAL,
    flow TEXT NOT NULL,                -- of the grid meter's counters: import or export
    decimals INTEGER NOT NULL,         -- of its numbers, in the chunk before
    oldest INTEGER,                    -- stamp of the first value that is still there raw
    newest INTEGER,                    -- and of the last one
    first_at INTEGER, first_amount,    -- of a counter or a power: the earliest, and the one that came last
    last_at INTEGER, last_amount,
    counted_until INTEGER              -- the latest stamp of energy
);
CREATE TABLE tail (number INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT;
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY,
    channel INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    n INTEGER NOT NULL,
    content BLOB NOT NULL
) STRICT;
CREATE INDEX chunk_of_channel ON chunk (channel, last, first);
CREATE TABLE quarter (
    channel INTEGER NOT NULL,
    start INTEGER NOT NULL,
    n INTEGER NOT NULL,
    total,
    low,
    high,
    counted,
    estimated,                         -- of what was counted; of a power in W its energy
    PRIMARY KEY (channel, start)
) WITHOUT ROWID;
CREATE TABLE day (
    channel INTEGER NOT NULL,
    date TEXT NOT NULL,
    n INTEGER NOT NULL,
    total,
    low,
    high,
    counted,
    estimated,                         -- of what was counted; of a power in W its energy
    PRIMARY KEY (channel, date)
) WITHOUT ROWID;
CREATE TABLE price (
    start INTEGER PRIMARY KEY,
    import TEXT NOT NULL,
    export TEXT NOT NULL,
    currency TEXT NOT NULL
) STRICT;
CREATE TABLE written (date TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT;
CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
