-- The call log by node and outcome, and by person and outcome: the newest rejected calls of a node that nearly every call
-- goes through are found without walking through all of them.
CREATE INDEX calls_by_handler_and_outcome ON calls (handled_by, outcome, started_at_ms) WHERE handled_by IS NOT NULL;

ALTER TABLE call_nodes ADD COLUMN ended_as TEXT; -- calls.outcome
UPDATE call_nodes SET ended_as = (SELECT outcome FROM calls WHERE id = call);
CREATE INDEX call_nodes_by_outcome ON call_nodes (node, ended_as, began_at_ms, call);

DROP TRIGGER call_nodes_of_ended;
CREATE TRIGGER call_nodes_of_ended AFTER UPDATE OF ended_at_ms ON calls
WHEN OLD.ended_at_ms IS NULL AND NEW.ended_at_ms IS NOT NULL AND json_valid(NEW.path) BEGIN
    INSERT INTO flow_nodes (name)
        SELECT DISTINCT step.value ->> 'node' FROM json_each(NEW.path) AS step
        WHERE step.value ->> 'node' IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM flow_nodes WHERE name = step.value ->> 'node');
    INSERT OR IGNORE INTO call_nodes (node, began_at_ms, call, ended_as)
        SELECT DISTINCT flow_nodes.id, NEW.started_at_ms, NEW.id, NEW.outcome
        FROM json_each(NEW.path) AS step JOIN flow_nodes ON flow_nodes.name = step.value ->> 'node';
END;

-- A call that was over before its row was first written: the writer was behind.
DROP TRIGGER call_nodes_of_new;
CREATE TRIGGER call_nodes_of_new AFTER INSERT ON calls
WHEN NEW.ended_at_ms IS NOT NULL AND json_valid(NEW.path) BEGIN
    INSERT INTO flow_nodes (name)
        SELECT DISTINCT step.value ->> 'node' FROM json_each(NEW.path) AS step
        WHERE step.value ->> 'node' IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM flow_nodes WHERE name = step.value ->> 'node');
    INSERT OR IGNORE INTO call_nodes (node, began_at_ms, call, ended_as)
        SELECT DISTINCT flow_nodes.id, NEW.started_at_ms, NEW.id, NEW.outcome
        FROM json_each(NEW.path) AS step JOIN flow_nodes ON flow_nodes.name = step.value ->> 'node';
END;

-- A result that is known only after the call's end.
CREATE TRIGGER call_nodes_told_anew AFTER UPDATE OF outcome ON calls
WHEN OLD.ended_at_ms IS NOT NULL AND NEW.outcome IS NOT OLD.outcome AND json_valid(NEW.path) BEGIN
    UPDATE call_nodes SET ended_as = NEW.outcome WHERE call = NEW.id AND began_at_ms = NEW.started_at_ms AND node IN
        (SELECT flow_nodes.id FROM json_each(NEW.path) AS step JOIN flow_nodes ON flow_nodes.name = step.value ->> 'node');
END;
