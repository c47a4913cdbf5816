-- Who lives where, and from which numbers they call (R11). Numbers are written as `[numbers]` says, and looked up exactly.
CREATE TABLE residents (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    building       TEXT    NOT NULL,
    room           TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    note           TEXT,
    updated_at_ms  INTEGER NOT NULL,
    UNIQUE (building, room, name)
) STRICT;

CREATE TABLE resident_numbers (
    number    TEXT    NOT NULL,
    resident  INTEGER NOT NULL REFERENCES residents (id) ON DELETE CASCADE,
    PRIMARY KEY (number, resident)
) STRICT, WITHOUT ROWID;

CREATE INDEX resident_numbers_of ON resident_numbers (resident);
