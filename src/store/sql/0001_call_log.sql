-- The call log (R4): one row per INVITE. Times are milliseconds since 1970 in UTC.
CREATE TABLE calls (
    id              INTEGER PRIMARY KEY,
    caller          TEXT,
    caller_name     TEXT,
    callee          TEXT    NOT NULL,
    started_at_ms   INTEGER NOT NULL,
    answered_at_ms  INTEGER,
    ended_at_ms     INTEGER,
    answer_ms       INTEGER,
    answer_rings    INTEGER,
    outcome         TEXT,
    path            TEXT    NOT NULL, -- JSON: [{at_ms, node, input}]
    handled_by      TEXT,
    tickets         TEXT    NOT NULL, -- JSON: ["20261123-0007"]
    messages        TEXT    NOT NULL, -- JSON: [12]
    recording       TEXT,
    codec           TEXT,
    rtp_sent        INTEGER NOT NULL,
    rtp_received    INTEGER NOT NULL,
    rtp_lost        INTEGER NOT NULL,
    rtp_jitter_ms   REAL    NOT NULL,
    rtp_mos         REAL,
    end_reason      TEXT,
    sip_call_id     TEXT    NOT NULL,
    updated_at_ms   INTEGER NOT NULL  -- when the row was last put: the last thing known of an interrupted call
) STRICT;

CREATE INDEX calls_by_start ON calls (started_at_ms);
CREATE INDEX calls_by_caller ON calls (caller) WHERE caller IS NOT NULL;
CREATE INDEX calls_live ON calls (id) WHERE ended_at_ms IS NULL;
