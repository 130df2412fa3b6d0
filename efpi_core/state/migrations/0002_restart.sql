-- What came of the last allocations, and which one carries an override out.

CREATE TABLE ended (
    slot INTEGER NOT NULL PRIMARY KEY,  -- number modulo the size of the ring
    number INTEGER NOT NULL,
    appliance TEXT NOT NULL,
    allocation TEXT NOT NULL,
    app TEXT NOT NULL,
    status TEXT NOT NULL,        -- the final one
    text TEXT NOT NULL,
    ended_at TEXT NOT NULL
);

ALTER TABLE override ADD COLUMN allocation TEXT;  -- NULL: not carried out yet, or by no allocation
