-- Shifts and their handover (R40), and the journal by hand (R41).

-- One row for each handover: who went, who came. A row without `on_at_ms` waits for somebody to sign on; the newest row
-- with it is the shift that runs. What was read is kept as the last ids that the page had, so that the next one begins
-- behind them, whatever the time of day did meanwhile.
CREATE TABLE handovers (
    id                INTEGER PRIMARY KEY,
    off_by            TEXT,
    off_at_ms         INTEGER,
    note              TEXT,
    on_by             TEXT,
    on_at_ms          INTEGER,
    without_sign_off  TEXT,             -- why nobody signed off before
    last_journal      INTEGER,          -- the last ids on the page that was read
    last_event        INTEGER,
    last_happening    INTEGER
) STRICT;

CREATE UNIQUE INDEX handovers_waiting ON handovers (on_at_ms IS NULL) WHERE on_at_ms IS NULL;

CREATE TRIGGER handovers_are_kept BEFORE DELETE ON handovers BEGIN
    SELECT raise(ABORT, 'handovers are never deleted');
END;

CREATE TRIGGER handovers_are_signed_once BEFORE UPDATE ON handovers
WHEN OLD.on_at_ms IS NOT NULL OR NEW.off_by IS NOT OLD.off_by OR NEW.off_at_ms IS NOT OLD.off_at_ms OR NEW.note IS NOT OLD.note
BEGIN
    SELECT raise(ABORT, 'what was signed is never changed');
END;

CREATE TRIGGER handover_signed_off AFTER INSERT ON handovers WHEN NEW.off_at_ms IS NOT NULL BEGIN
    INSERT INTO happenings (at_ms, kind, what, about, who) VALUES (NEW.off_at_ms, 'handover', 'signed_off', NEW.id, NEW.off_by);
END;

CREATE TRIGGER handover_signed_on AFTER UPDATE OF on_at_ms ON handovers
WHEN OLD.on_at_ms IS NULL AND NEW.on_at_ms IS NOT NULL BEGIN
    INSERT INTO happenings (at_ms, kind, what, about, who) VALUES (NEW.on_at_ms, 'handover', 'signed_on', NEW.id, NEW.on_by);
END;

CREATE TRIGGER handover_without_sign_off AFTER INSERT ON handovers WHEN NEW.on_at_ms IS NOT NULL BEGIN
    INSERT INTO happenings (at_ms, kind, what, about, who) VALUES (NEW.on_at_ms, 'handover', 'signed_on', NEW.id, NEW.on_by);
END;

-- Who wrote an entry; null for the system. A correction is an entry of its own that names the one it corrects.
ALTER TABLE journal ADD COLUMN who TEXT;
ALTER TABLE journal ADD COLUMN corrects INTEGER REFERENCES journal (id);

CREATE INDEX journal_corrections ON journal (corrects) WHERE corrects IS NOT NULL;
CREATE INDEX journal_runs ON journal (id) WHERE kind IN ('started', 'stopped');

CREATE TRIGGER journal_is_kept BEFORE DELETE ON journal BEGIN
    SELECT raise(ABORT, 'the journal is never deleted');
END;

CREATE TRIGGER journal_is_never_changed BEFORE UPDATE ON journal BEGIN
    SELECT raise(ABORT, 'the journal is never changed: add a correction');
END;

DROP TRIGGER journal_added;
CREATE TRIGGER journal_added AFTER INSERT ON journal BEGIN
    INSERT INTO happenings (at_ms, kind, what, about, who) VALUES (NEW.at_ms, 'journal', NEW.kind, NEW.id, NEW.who);
END;

-- Every alarm is an abnormal event (R41). Lines that are down are written down by the line itself.
CREATE TRIGGER alarm_journaled AFTER INSERT ON alarms WHEN NEW.state = 'open' AND NEW.kind <> 'line_down' BEGIN
    INSERT INTO journal (at_ms, kind, about, text) VALUES (NEW.raised_at_ms,
        CASE WHEN NEW.kind IN ('missed_emergency', 'outgoing_calls', 'overdue', 'disk_low') THEN NEW.kind ELSE 'alarm' END,
        coalesce(NEW.ticket, nullif(NEW.about, ''), 'call ' || nullif(NEW.call, 0), ''), NEW.note);
END;

CREATE TRIGGER alarm_journaled_when_opened AFTER UPDATE OF state ON alarms
WHEN NEW.state = 'open' AND OLD.state <> 'open' AND NEW.kind <> 'line_down' BEGIN
    INSERT INTO journal (at_ms, kind, about, text) VALUES (NEW.raised_at_ms,
        CASE WHEN NEW.kind IN ('missed_emergency', 'outgoing_calls', 'overdue', 'disk_low') THEN NEW.kind ELSE 'alarm' END,
        coalesce(NEW.ticket, nullif(NEW.about, ''), 'call ' || nullif(NEW.call, 0), ''), NEW.note);
END;
