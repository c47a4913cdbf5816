-- Telephone calls that the desk itself makes (R5, R19, R26, R37): one row for each, kept for ever.
CREATE TABLE errands (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    kind            TEXT    NOT NULL, -- dispatch, relay, follow_up, notice
    to_extension    TEXT,             -- a person of the directory, or
    to_number       TEXT,             -- a customer
    ticket          TEXT,
    message         INTEGER,
    note            TEXT,
    task            INTEGER,          -- what waits for its end
    not_before_ms   INTEGER NOT NULL,
    state           TEXT    NOT NULL, -- waiting, calling, ended
    tries           INTEGER NOT NULL DEFAULT 0,
    call            INTEGER,          -- the call that was made for it last
    result          TEXT,             -- kept as soon as it is known, while the call still goes on
    why             TEXT,
    comment         TEXT,             -- recording of what a customer had to say
    seen            INTEGER NOT NULL DEFAULT 0,
    created_at_ms   INTEGER NOT NULL,
    started_at_ms   INTEGER,
    ended_at_ms     INTEGER,
    CHECK ((to_extension IS NULL) <> (to_number IS NULL))
) STRICT;

CREATE INDEX errands_waiting ON errands (not_before_ms) WHERE state = 'waiting';
CREATE INDEX errands_unseen ON errands (id) WHERE state = 'ended' AND NOT seen;
CREATE INDEX errands_by_ticket ON errands (ticket) WHERE ticket IS NOT NULL;
CREATE INDEX errands_by_message ON errands (message) WHERE message IS NOT NULL;

CREATE TRIGGER errand_ended AFTER UPDATE OF state ON errands WHEN OLD.state <> 'ended' AND NEW.state = 'ended' BEGIN
    INSERT INTO happenings (at_ms, kind, what, about, who)
        VALUES (NEW.ended_at_ms, 'errand', NEW.result, NEW.id, coalesce(NEW.to_extension, NEW.to_number));
END;

-- Who made the call: the calls of errands are in the log too, and no report on answer times counts them.
ALTER TABLE calls ADD COLUMN direction TEXT NOT NULL DEFAULT 'in';
