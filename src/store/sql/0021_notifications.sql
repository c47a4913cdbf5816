-- What people and other programs are told, each of them once (R5, R26, R41): one row for an event, a channel and a
-- recipient. Written in the transaction that notes how far happenings were read; sent by a thread of its own.
CREATE TABLE notifications (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    happening     INTEGER,          -- null for a trial
    event         TEXT    NOT NULL, -- message.left, alarm.raised, ticket.accepted
    channel       TEXT    NOT NULL, -- email, webhook, sip
    recipient     TEXT    NOT NULL, -- a person's extension, a webhook's name
    about         TEXT    NOT NULL, -- a ticket's number, a call's, message's or alarm's id
    content       TEXT,             -- JSON; null once it is over: what was said stays in no second place (R12)
    state         TEXT    NOT NULL, -- waiting, sending, sent, failed
    tries         INTEGER NOT NULL DEFAULT 0,
    next_at_ms    INTEGER,          -- null while it is sent, and once it is over
    error         TEXT,             -- of the last try
    created_at_ms INTEGER NOT NULL,
    ended_at_ms   INTEGER
) STRICT;

CREATE UNIQUE INDEX notifications_once ON notifications (happening, channel, recipient);
CREATE INDEX notifications_due ON notifications (next_at_ms) WHERE next_at_ms IS NOT NULL;
CREATE INDEX notifications_failed ON notifications (id) WHERE state = 'failed';

-- How it is with each way of telling: `email`, `sip`, `webhook NAME`.
CREATE TABLE channels (
    name             TEXT    PRIMARY KEY,
    failures         INTEGER NOT NULL, -- in a row
    failing_since_ms INTEGER,
    error            TEXT,
    alarmed          INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- A message that is forwarded waits for another person from now on.
CREATE TRIGGER message_forwarded AFTER UPDATE OF for_person ON messages
WHEN NOT NEW.incomplete AND OLD.for_person IS NOT NEW.for_person BEGIN
    INSERT INTO happenings (at_ms, kind, what, about) VALUES (NEW.updated_at_ms, 'message', 'forwarded', NEW.id);
END;

-- Nobody is told of what happened before there were notifications.
INSERT INTO cursors VALUES ('notifications', coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'happenings'), 0));
