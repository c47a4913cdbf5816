-- What must be seen by somebody until they say so by name (R41); one of each kind for a call. `watched` may come to one.
CREATE TABLE alarms (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    raised_at_ms INTEGER NOT NULL,
    call INTEGER NOT NULL,
    caller TEXT,
    ticket TEXT,
    note TEXT NOT NULL,
    acknowledged_at_ms INTEGER,
    acknowledged_by TEXT,
    UNIQUE (kind, call)
);

CREATE INDEX alarms_by_state ON alarms (state, raised_at_ms);
