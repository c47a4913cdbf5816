-- Callers who are to be called back and keep their place in the queue (R9): one for a call. `waiting` ones wait on after a
-- restart. `say` is what the receptionist hears, as the line wrote it.
CREATE TABLE call_backs (
    call INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    say TEXT NOT NULL
);

CREATE INDEX call_backs_waiting ON call_backs (since_ms) WHERE state = 'waiting';
