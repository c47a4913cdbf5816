-- Messages left for absent persons and their relay (R5).
CREATE TABLE messages (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    for_person     TEXT,
    from_number    TEXT,
    from_name      TEXT,
    recording      TEXT,
    duration_ms    INTEGER NOT NULL,
    left_at_ms     INTEGER NOT NULL,
    relay          TEXT    NOT NULL,
    incomplete     INTEGER NOT NULL,
    call           INTEGER,
    updated_at_ms  INTEGER NOT NULL
) STRICT;

CREATE INDEX messages_by_time ON messages (left_at_ms);
CREATE INDEX messages_by_call ON messages (call) WHERE call IS NOT NULL;
CREATE INDEX messages_unconfirmed ON messages (id) WHERE relay <> 'confirmed';

CREATE TABLE message_attempts (
    id       INTEGER PRIMARY KEY,
    message  INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    at_ms    INTEGER NOT NULL,
    channel  TEXT    NOT NULL,
    result   TEXT    NOT NULL
) STRICT;

CREATE INDEX message_attempts_by_message ON message_attempts (message);
