-- What was said, in writing, beside its recording: made by a service that the settings name, and gone with the recording
-- (R12).
CREATE TABLE transcripts (
    recording   TEXT    PRIMARY KEY,
    state       TEXT    NOT NULL, -- waiting, sending, done, failed
    text        TEXT,
    tries       INTEGER NOT NULL DEFAULT 0,
    next_at_ms  INTEGER,          -- null while it is made, and once it is over
    error       TEXT,             -- of the last try
    asked_at_ms INTEGER NOT NULL,
    ended_at_ms INTEGER
) STRICT;

CREATE INDEX transcripts_due ON transcripts (next_at_ms) WHERE next_at_ms IS NOT NULL;
