-- How it is with the lines of carriers and PBXs, as the daemon last said (R1).
CREATE TABLE trunks (
    name TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    server TEXT,
    external TEXT,
    note TEXT NOT NULL
) STRICT;

-- The desk's journal (R41): entries are added, never changed.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    about TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;

CREATE INDEX journal_by_time ON journal (at_ms);

-- The trunk that a call came in over, if it came over one.
ALTER TABLE calls ADD COLUMN trunk TEXT;

-- Alarms can be about something else than a call: about a trunk, by its name; their call is 0 then.
CREATE TABLE alarms_about (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    raised_at_ms INTEGER NOT NULL,
    call INTEGER NOT NULL,
    about TEXT NOT NULL,
    caller TEXT,
    ticket TEXT,
    note TEXT NOT NULL,
    acknowledged_at_ms INTEGER,
    acknowledged_by TEXT,
    UNIQUE (kind, call, about)
) STRICT;

INSERT INTO alarms_about
    SELECT id, kind, state, raised_at_ms, call, '', caller, ticket, note, acknowledged_at_ms, acknowledged_by FROM alarms;

DROP TABLE alarms;

ALTER TABLE alarms_about RENAME TO alarms;

CREATE INDEX alarms_by_state ON alarms (state, raised_at_ms);
