-- Programs that may ask the HTTP API, and what was answered to them.
CREATE TABLE api_tokens (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL,
    hash            BLOB    NOT NULL,  -- SHA-256 of the secret
    scopes          TEXT    NOT NULL,  -- words with spaces between
    role            TEXT    NOT NULL,
    made_at_ms      INTEGER NOT NULL,
    expires_at_ms   INTEGER,
    last_used_at_ms INTEGER,
    revoked_at_ms   INTEGER
) STRICT;

-- What was answered to a request with an Idempotency-Key, kept for a day: asked again, it is answered again and not done again.
CREATE TABLE api_answers (
    token   INTEGER NOT NULL,
    key     TEXT    NOT NULL,
    request BLOB    NOT NULL,  -- SHA-256 of method, path, query and body
    status  INTEGER NOT NULL,
    headers TEXT    NOT NULL,  -- JSON: names and values
    body    BLOB    NOT NULL,
    at_ms   INTEGER NOT NULL,
    PRIMARY KEY (token, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX api_answers_by_age ON api_answers (at_ms);
