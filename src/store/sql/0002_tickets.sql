-- Tickets of the four kinds with their clocks and history (R18, R19, R23, R25, R33).
CREATE TABLE tickets (
    id                   INTEGER PRIMARY KEY,
    number               TEXT    NOT NULL UNIQUE,
    kind                 TEXT    NOT NULL,
    class                TEXT    NOT NULL,
    urgency              TEXT,
    category             TEXT,
    channel              TEXT    NOT NULL,
    status               TEXT    NOT NULL,
    stage                TEXT    NOT NULL,
    owner                TEXT    NOT NULL, -- one from acceptance on (R13)
    caller               TEXT,
    callback_number      TEXT,
    building             TEXT,
    room                 TEXT,
    resident             TEXT,
    wanted_time          TEXT,
    key_left             INTEGER,
    description          TEXT,
    recording            TEXT,
    opened_at_ms         INTEGER NOT NULL,
    clocks_started_at_ms INTEGER,          -- null until the caller's report is complete or the call is over (R23, R24)
    incomplete           INTEGER NOT NULL,
    call                 INTEGER,
    updated_at_ms        INTEGER NOT NULL
) STRICT;

CREATE INDEX tickets_by_opening ON tickets (opened_at_ms);
CREATE INDEX tickets_by_caller ON tickets (caller) WHERE caller IS NOT NULL;
CREATE INDEX tickets_by_call ON tickets (call) WHERE call IS NOT NULL;
CREATE INDEX tickets_open ON tickets (id) WHERE status = 'open';
CREATE INDEX tickets_unstarted ON tickets (id) WHERE clocks_started_at_ms IS NULL;

CREATE TABLE ticket_clocks (
    ticket     INTEGER NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    name       TEXT    NOT NULL,
    due_at_ms  INTEGER NOT NULL,
    met_at_ms  INTEGER,
    PRIMARY KEY (ticket, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX ticket_clocks_running ON ticket_clocks (due_at_ms) WHERE met_at_ms IS NULL;

CREATE TABLE ticket_events (
    id      INTEGER PRIMARY KEY,
    ticket  INTEGER NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    at_ms   INTEGER NOT NULL,
    who     TEXT    NOT NULL,
    what    TEXT    NOT NULL,
    note    TEXT
) STRICT;

CREATE INDEX ticket_events_by_ticket ON ticket_events (ticket);

-- The last number given on each day of the desk's time zone: numbers are never given twice, not even after a deletion.
CREATE TABLE ticket_days (
    day   TEXT    PRIMARY KEY,
    last  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
