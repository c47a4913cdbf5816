-- What happened, for whoever must be told of it: notifications and live listeners read it by its ids, once each. Written by
-- the triggers below in the transaction of the change itself, whichever process makes it. Old rows are trimmed.
CREATE TABLE happenings (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms  INTEGER NOT NULL,
    kind   TEXT    NOT NULL, -- call, ticket, message, alarm, journal
    what   TEXT    NOT NULL,
    about  TEXT    NOT NULL, -- the call's, message's or alarm's id, the ticket's number
    who    TEXT
) STRICT;

CREATE TRIGGER call_began AFTER INSERT ON calls BEGIN
    INSERT INTO happenings (at_ms, kind, what, about) VALUES (NEW.started_at_ms, 'call', 'began', NEW.id);
    INSERT INTO happenings (at_ms, kind, what, about)
        SELECT NEW.answered_at_ms, 'call', 'answered', NEW.id WHERE NEW.answered_at_ms IS NOT NULL;
    INSERT INTO happenings (at_ms, kind, what, about)
        SELECT NEW.ended_at_ms, 'call', 'ended', NEW.id WHERE NEW.ended_at_ms IS NOT NULL;
END;

CREATE TRIGGER call_answered AFTER UPDATE OF answered_at_ms ON calls
WHEN OLD.answered_at_ms IS NULL AND NEW.answered_at_ms IS NOT NULL BEGIN
    INSERT INTO happenings (at_ms, kind, what, about) VALUES (NEW.answered_at_ms, 'call', 'answered', NEW.id);
END;

CREATE TRIGGER call_ended AFTER UPDATE OF ended_at_ms ON calls
WHEN OLD.ended_at_ms IS NULL AND NEW.ended_at_ms IS NOT NULL BEGIN
    INSERT INTO happenings (at_ms, kind, what, about) VALUES (NEW.ended_at_ms, 'call', 'ended', NEW.id);
END;

CREATE TRIGGER message_left AFTER UPDATE OF incomplete ON messages WHEN OLD.incomplete AND NOT NEW.incomplete BEGIN
    INSERT INTO happenings (at_ms, kind, what, about) VALUES (NEW.updated_at_ms, 'message', 'left', NEW.id);
END;

CREATE TRIGGER message_passed_on AFTER UPDATE OF relay ON messages WHEN OLD.relay <> NEW.relay BEGIN
    INSERT INTO happenings (at_ms, kind, what, about) VALUES (NEW.updated_at_ms, 'message', NEW.relay, NEW.id);
END;

CREATE TRIGGER alarm_inserted AFTER INSERT ON alarms WHEN NEW.state = 'open' BEGIN
    INSERT INTO happenings (at_ms, kind, what, about) VALUES (NEW.raised_at_ms, 'alarm', 'raised', NEW.id);
END;

CREATE TRIGGER alarm_changed AFTER UPDATE OF state ON alarms
WHEN OLD.state <> NEW.state AND NEW.state IN ('open', 'acknowledged', 'settled') BEGIN
    INSERT INTO happenings (at_ms, kind, what, about, who) VALUES (coalesce(NEW.acknowledged_at_ms, NEW.raised_at_ms),
        'alarm', CASE NEW.state WHEN 'open' THEN 'raised' ELSE NEW.state END, NEW.id, NEW.acknowledged_by);
END;

CREATE TRIGGER journal_added AFTER INSERT ON journal BEGIN
    INSERT INTO happenings (at_ms, kind, what, about) VALUES (NEW.at_ms, 'journal', NEW.kind, NEW.id);
END;

-- Tickets that are seen through (R13, R23, R27 to R33). Money is in hundredths of the currency's unit.
ALTER TABLE tickets ADD COLUMN version INTEGER NOT NULL DEFAULT 1; -- counts the entries of its history
ALTER TABLE tickets ADD COLUMN nature TEXT;                        -- of a complaint: valid, communicative (R32)
ALTER TABLE tickets ADD COLUMN serious INTEGER NOT NULL DEFAULT 0; -- reported up in writing (R38)
ALTER TABLE tickets ADD COLUMN responsible TEXT;                   -- who answers for what a complaint is about
ALTER TABLE tickets ADD COLUMN engineer TEXT;                      -- extension or name of whoever is sent
ALTER TABLE tickets ADD COLUMN rework_of TEXT;                     -- the ticket whose warranty this is (R31)
ALTER TABLE tickets ADD COLUMN quote TEXT;                         -- requested, told, accepted, refused (R27, R28)
ALTER TABLE tickets ADD COLUMN quote_cents INTEGER;
ALTER TABLE tickets ADD COLUMN work_done TEXT;
ALTER TABLE tickets ADD COLUMN materials TEXT;
ALTER TABLE tickets ADD COLUMN material_cents INTEGER;
ALTER TABLE tickets ADD COLUMN labour_cents INTEGER;
ALTER TABLE tickets ADD COLUMN awaiting TEXT;                      -- what acceptance waits for: rain (R30)
ALTER TABLE tickets ADD COLUMN satisfaction TEXT;                  -- satisfied, not_satisfied (R37)
ALTER TABLE tickets ADD COLUMN feedback TEXT;                      -- recording of the customer's comment
ALTER TABLE tickets ADD COLUMN reopened INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tickets ADD COLUMN repaired_at_ms INTEGER;
ALTER TABLE tickets ADD COLUMN closed_at_ms INTEGER;

CREATE INDEX tickets_by_place ON tickets (building, room) WHERE room IS NOT NULL;

UPDATE tickets SET version = max(1, (SELECT count(*) FROM ticket_events WHERE ticket = tickets.id));

CREATE TRIGGER ticket_happened AFTER INSERT ON ticket_events BEGIN
    UPDATE tickets SET version = version + 1 WHERE id = NEW.ticket;
    INSERT INTO happenings (at_ms, kind, what, about, who)
        SELECT NEW.at_ms, 'ticket', NEW.what, number, NEW.who FROM tickets WHERE id = NEW.ticket;
END;

-- A clock says when it is to be looked at next: at its warning, then at its end, then no more. A paused one keeps what is
-- left of its time, counted in its calendar.
ALTER TABLE ticket_clocks ADD COLUMN started_at_ms INTEGER;
ALTER TABLE ticket_clocks ADD COLUMN next_at_ms INTEGER;
ALTER TABLE ticket_clocks ADD COLUMN warned_at_ms INTEGER;
ALTER TABLE ticket_clocks ADD COLUMN breached_at_ms INTEGER;
ALTER TABLE ticket_clocks ADD COLUMN paused_at_ms INTEGER;
ALTER TABLE ticket_clocks ADD COLUMN pause_reason TEXT;
ALTER TABLE ticket_clocks ADD COLUMN left_ms INTEGER;

UPDATE ticket_clocks SET next_at_ms = due_at_ms WHERE met_at_ms IS NULL;

CREATE INDEX ticket_clocks_to_look_at ON ticket_clocks (next_at_ms) WHERE next_at_ms IS NOT NULL;
