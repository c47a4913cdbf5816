-- What the desk sees through by itself, as it stands between its steps (R5, R19, R26, R37). One open task of a kind for a
-- ticket or message; those that are over are kept.
CREATE TABLE tasks (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         TEXT    NOT NULL, -- dispatch, relay, follow_up, alert
    subject      TEXT    NOT NULL, -- a ticket's number, a message's id
    state        TEXT    NOT NULL, -- JSON: desk::tasks::Task
    next_at_ms   INTEGER,          -- null once it is over
    begun_at_ms  INTEGER NOT NULL,
    ended_at_ms  INTEGER
) STRICT;

CREATE UNIQUE INDEX tasks_open ON tasks (kind, subject) WHERE next_at_ms IS NOT NULL AND kind <> 'alert';
CREATE INDEX tasks_to_step ON tasks (next_at_ms) WHERE next_at_ms IS NOT NULL;
CREATE INDEX tasks_by_subject ON tasks (subject);

-- How far each reader of happenings has come.
CREATE TABLE cursors (
    name TEXT PRIMARY KEY,
    id   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What happened before there were tasks begins none.
INSERT INTO cursors VALUES ('clerk', coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'happenings'), 0));
