-- What reports ask of every call (R42), told once as its row is written and not from JSON each time. See
-- `CallRecord::sought_ms`, `person_ms` and `branch`.
ALTER TABLE calls ADD COLUMN sought_ms INTEGER; -- from the INVITE until somebody was first rung for the caller
ALTER TABLE calls ADD COLUMN person_ms INTEGER; -- from the INVITE until a person first talked with the caller
ALTER TABLE calls ADD COLUMN branch TEXT;       -- where the caller's last key at the first menu led

UPDATE calls SET
    sought_ms = (SELECT min(json_extract(value, '$.at_ms')) FROM json_each(calls.legs)
        WHERE ended_at_ms IS NULL OR json_extract(value, '$.at_ms') <= ended_at_ms - started_at_ms),
    person_ms = (SELECT min(json_extract(value, '$.at_ms') + json_extract(value, '$.ring_ms')) FROM json_each(calls.legs)
        WHERE json_extract(value, '$.talk_ms') IS NOT NULL AND json_extract(value, '$.extension') <> ''
            AND (ended_at_ms IS NULL
                OR json_extract(value, '$.at_ms') + json_extract(value, '$.ring_ms') <= ended_at_ms - started_at_ms))
    WHERE legs <> '[]' AND json_valid(calls.legs);

UPDATE calls SET branch = coalesce(
    (SELECT json_extract(next.value, '$.node') FROM json_each(calls.path) next WHERE next.key = 1 +
        (SELECT max(step.key) FROM json_each(calls.path) step WHERE json_extract(step.value, '$.input') IS NOT NULL
            AND json_extract(step.value, '$.node') =
                (SELECT json_extract(first.value, '$.node') FROM json_each(calls.path) first
                    WHERE json_extract(first.value, '$.input') IS NOT NULL ORDER BY first.key LIMIT 1))),
    (SELECT json_extract(value, '$.node') FROM json_each(calls.path) ORDER BY key DESC LIMIT 1))
    WHERE path <> '[]' AND json_valid(calls.path);

-- A report reads this index alone.
CREATE INDEX calls_for_reports ON calls (started_at_ms, direction, ended_at_ms, answered_at_ms, answer_ms, outcome,
    sought_ms, person_ms, branch, trunk);
CREATE INDEX calls_by_outcome ON calls (outcome, started_at_ms) WHERE outcome IS NOT NULL;
CREATE INDEX calls_outgoing ON calls (started_at_ms) WHERE direction = 'out';

-- Numbers are looked for by their last digits, four or more.
DROP INDEX calls_by_caller;
CREATE INDEX calls_by_caller ON calls (caller, started_at_ms) WHERE caller IS NOT NULL;
CREATE INDEX calls_by_last_digits ON calls (substr(caller, -4), started_at_ms) WHERE caller IS NOT NULL;
CREATE INDEX tickets_by_last_digits ON tickets (substr(caller, -4), opened_at_ms) WHERE caller IS NOT NULL;
CREATE INDEX messages_by_last_digits ON messages (substr(from_number, -4), left_at_ms) WHERE from_number IS NOT NULL;

CREATE INDEX tickets_by_kind ON tickets (kind, opened_at_ms);
CREATE INDEX tickets_by_owner ON tickets (owner, opened_at_ms);
CREATE INDEX tickets_open_by_opening ON tickets (opened_at_ms) WHERE status = 'open';
CREATE INDEX tickets_incomplete ON tickets (opened_at_ms) WHERE incomplete;
-- What was closed in a period, and what was open at its end.
CREATE INDEX tickets_by_closing ON tickets (closed_at_ms, opened_at_ms, kind, category, owner, satisfaction);

CREATE INDEX errands_by_end ON errands (kind, ended_at_ms) WHERE ended_at_ms IS NOT NULL;
