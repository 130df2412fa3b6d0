-- Every table is a map: the gateway sets or deletes whole rows by their key.

CREATE TABLE allocation (
    appliance TEXT NOT NULL,
    allocation TEXT NOT NULL,
    app TEXT NOT NULL,
    status TEXT,                 -- NULL: sent and not yet answered
    text TEXT NOT NULL,
    message TEXT NOT NULL,       -- JSON of the allocation
    given_at TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    PRIMARY KEY (appliance, allocation)
);

CREATE TABLE connection (
    appliance TEXT NOT NULL PRIMARY KEY,
    app TEXT,                    -- NULL: no app, by hand
    by_hand INTEGER NOT NULL,
    changed_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE override (
    appliance TEXT NOT NULL PRIMARY KEY,
    action TEXT NOT NULL,
    until TEXT NOT NULL,
    by TEXT NOT NULL,
    parameters TEXT NOT NULL     -- JSON object
) WITHOUT ROWID;

CREATE TABLE bound (
    name TEXT NOT NULL PRIMARY KEY,
    source TEXT NOT NULL,
    lower_w REAL,
    upper_w REAL,
    phase TEXT,
    appliance TEXT,
    begins TEXT,
    ends TEXT,
    reason TEXT NOT NULL,
    by TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE memory (
    instance TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,         -- JSON
    PRIMARY KEY (instance, key)
);

CREATE TABLE event (
    slot INTEGER NOT NULL PRIMARY KEY,  -- number modulo the size of the ring
    number INTEGER NOT NULL,
    at TEXT NOT NULL,
    level TEXT NOT NULL,
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    cure TEXT NOT NULL
);

CREATE TABLE revision (
    number INTEGER NOT NULL PRIMARY KEY,
    at TEXT NOT NULL,
    by TEXT NOT NULL,
    why TEXT NOT NULL,
    origin TEXT NOT NULL,
    verdict TEXT NOT NULL,
    digest TEXT NOT NULL,
    source TEXT NOT NULL,
    note TEXT NOT NULL           -- why it was rejected
);

CREATE TABLE document (
    number INTEGER NOT NULL PRIMARY KEY,  -- of the revision
    text BLOB NOT NULL,          -- as written, zlib
    data BLOB NOT NULL           -- the same as JSON, zlib
);

CREATE TABLE note (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
