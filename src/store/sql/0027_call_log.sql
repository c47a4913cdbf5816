-- The call log by whom a call came to, and by the nodes of the flow that it went through.
CREATE INDEX calls_by_handler ON calls (handled_by, started_at_ms) WHERE handled_by IS NOT NULL;

-- The names of nodes, each once: calls name them by their ids. A name stays when the flow has it no more.
CREATE TABLE flow_nodes (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- Which nodes a call went through, once it is over. Rows are those of calls.path, so that the newest calls of a node are
-- found without reading the whole log; they go with their call.
CREATE TABLE call_nodes (
    node        INTEGER NOT NULL,
    began_at_ms INTEGER NOT NULL, -- calls.started_at_ms
    call        INTEGER NOT NULL,
    PRIMARY KEY (node, began_at_ms, call)
) STRICT, WITHOUT ROWID;

INSERT INTO flow_nodes (name)
    SELECT DISTINCT step.value ->> 'node' FROM calls, json_each(calls.path) AS step
    WHERE calls.ended_at_ms IS NOT NULL AND json_valid(calls.path) AND step.value ->> 'node' IS NOT NULL;
INSERT INTO call_nodes (node, began_at_ms, call)
    SELECT DISTINCT flow_nodes.id, calls.started_at_ms, calls.id
    FROM calls, json_each(calls.path) AS step JOIN flow_nodes ON flow_nodes.name = step.value ->> 'node'
    WHERE calls.ended_at_ms IS NOT NULL AND json_valid(calls.path)
    ORDER BY 1, 2, 3;

CREATE TRIGGER call_nodes_of_ended AFTER UPDATE OF ended_at_ms ON calls
WHEN OLD.ended_at_ms IS NULL AND NEW.ended_at_ms IS NOT NULL AND json_valid(NEW.path) BEGIN
    INSERT INTO flow_nodes (name)
        SELECT DISTINCT step.value ->> 'node' FROM json_each(NEW.path) AS step
        WHERE step.value ->> 'node' IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM flow_nodes WHERE name = step.value ->> 'node');
    INSERT OR IGNORE INTO call_nodes (node, began_at_ms, call)
        SELECT DISTINCT flow_nodes.id, NEW.started_at_ms, NEW.id
        FROM json_each(NEW.path) AS step JOIN flow_nodes ON flow_nodes.name = step.value ->> 'node';
END;

-- A call that was over before its row was first written: the writer was behind.
CREATE TRIGGER call_nodes_of_new AFTER INSERT ON calls
WHEN NEW.ended_at_ms IS NOT NULL AND json_valid(NEW.path) BEGIN
    INSERT INTO flow_nodes (name)
        SELECT DISTINCT step.value ->> 'node' FROM json_each(NEW.path) AS step
        WHERE step.value ->> 'node' IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM flow_nodes WHERE name = step.value ->> 'node');
    INSERT OR IGNORE INTO call_nodes (node, began_at_ms, call)
        SELECT DISTINCT flow_nodes.id, NEW.started_at_ms, NEW.id
        FROM json_each(NEW.path) AS step JOIN flow_nodes ON flow_nodes.name = step.value ->> 'node';
END;

CREATE TRIGGER call_nodes_go_with_calls AFTER DELETE ON calls WHEN json_valid(OLD.path) BEGIN
    DELETE FROM call_nodes WHERE call = OLD.id AND began_at_ms = OLD.started_at_ms AND node IN
        (SELECT flow_nodes.id FROM json_each(OLD.path) AS step JOIN flow_nodes ON flow_nodes.name = step.value ->> 'node');
END;
