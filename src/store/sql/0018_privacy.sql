-- Privacy (R12): who heard and saw what, what is held back from deletion, and what was deleted by age.

-- Who heard, saw, exported or deleted what. Rows are added, and go by age alone.
CREATE TABLE audit (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms       INTEGER NOT NULL,
    who         TEXT    NOT NULL,
    what        TEXT    NOT NULL, -- heard, shown, exported, deleted, anonymised, held, released and so on
    about       TEXT    NOT NULL, -- `message 12`, `ticket 20261123-0007`, `call 42`, `recording 2026/11/23/000042-1.wav`
    from_where  TEXT    NOT NULL  -- shell, phone, console, api 192.0.2.7, retention
) STRICT;

CREATE INDEX audit_by_time ON audit (at_ms);
CREATE INDEX audit_by_about ON audit (about);

-- Entries from before this moment may be taken away: `[retention] audit_days` moves it.
CREATE TABLE audit_floor (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    before_ms  INTEGER NOT NULL
) STRICT;
INSERT INTO audit_floor VALUES (1, 0);

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit BEGIN
    SELECT raise(ABORT, 'the audit log is never changed');
END;

CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit WHEN OLD.at_ms >= (SELECT before_ms FROM audit_floor) BEGIN
    SELECT raise(ABORT, 'the audit log is kept for as long as the settings say');
END;

-- What people do with their messages by phone: `heard by 201`.
CREATE TRIGGER message_attempt_audited AFTER INSERT ON message_attempts
WHEN NEW.channel = 'phone' AND instr(NEW.result, ' by ') > 0 BEGIN
    INSERT INTO audit (at_ms, who, what, about, from_where) VALUES (NEW.at_ms, substr(NEW.result, instr(NEW.result, ' by ') + 4),
        substr(NEW.result, 1, instr(NEW.result, ' by ') - 1), 'message ' || NEW.message, 'phone');
END;

-- What is not deleted and not made anonymous, however old it is: a dispute, a lawsuit.
CREATE TABLE holds (
    id            INTEGER PRIMARY KEY,
    what          TEXT    NOT NULL, -- ticket, message, call, recording
    about         TEXT    NOT NULL, -- its number, id or path
    why           TEXT    NOT NULL,
    set_by        TEXT    NOT NULL,
    set_at_ms     INTEGER NOT NULL,
    lifted_by     TEXT,
    lifted_at_ms  INTEGER,
    lifted_why    TEXT
) STRICT;

CREATE UNIQUE INDEX holds_that_hold ON holds (what, about) WHERE lifted_at_ms IS NULL;

CREATE TRIGGER holds_are_kept BEFORE DELETE ON holds BEGIN
    SELECT raise(ABORT, 'holds are never deleted: lift them');
END;

-- Recordings that went by age. A row without `deleted_at_ms` is on its way: its file may be gone or not, and the next look
-- finishes it.
CREATE TABLE deleted_recordings (
    recording      TEXT    PRIMARY KEY,
    kind           TEXT    NOT NULL, -- ticket, message, call, feedback
    about          TEXT    NOT NULL, -- the ticket's number, the message's or call's id
    marked_at_ms   INTEGER NOT NULL,
    deleted_at_ms  INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX deleted_recordings_on_their_way ON deleted_recordings (marked_at_ms) WHERE deleted_at_ms IS NULL;

CREATE INDEX tickets_recorded ON tickets (recording) WHERE recording IS NOT NULL;
CREATE INDEX tickets_with_feedback ON tickets (feedback) WHERE feedback IS NOT NULL;
CREATE INDEX messages_recorded ON messages (recording) WHERE recording IS NOT NULL;
CREATE INDEX calls_recorded ON calls (recording) WHERE recording IS NOT NULL;

-- Whose numbers and names were taken out.
ALTER TABLE calls ADD COLUMN anonymised INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tickets ADD COLUMN anonymised INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN anonymised INTEGER NOT NULL DEFAULT 0;

CREATE INDEX calls_with_numbers ON calls (started_at_ms) WHERE NOT anonymised;
CREATE INDEX tickets_with_numbers ON tickets (opened_at_ms) WHERE NOT anonymised;
CREATE INDEX messages_with_numbers ON messages (left_at_ms) WHERE NOT anonymised;

CREATE INDEX errands_commented ON errands (comment) WHERE comment IS NOT NULL;
CREATE INDEX errands_with_numbers ON errands (created_at_ms) WHERE to_number IS NOT NULL AND to_number <> '*';

-- A customer's number is in no list of what happened.
DROP TRIGGER errand_ended;
CREATE TRIGGER errand_ended AFTER UPDATE OF state ON errands WHEN OLD.state <> 'ended' AND NEW.state = 'ended' BEGIN
    INSERT INTO happenings (at_ms, kind, what, about, who)
        VALUES (NEW.ended_at_ms, 'errand', NEW.result, NEW.id, NEW.to_extension);
END;
