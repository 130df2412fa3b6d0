-- What somebody named as the end of an override, or the begin or end of a limit, and how far away it is.

CREATE TABLE deadline (
    name TEXT NOT NULL PRIMARY KEY,
    kept TEXT NOT NULL           -- JSON object
) WITHOUT ROWID;
