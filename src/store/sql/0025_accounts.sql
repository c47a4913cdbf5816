-- Who may use the console: accounts, one-time links that set a password, and sessions.
CREATE TABLE users (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT    NOT NULL,  -- signs in with it; in small letters
    full_name       TEXT    NOT NULL,
    extension       TEXT,              -- their place in the directory of people
    role            TEXT    NOT NULL,
    lang            TEXT,              -- in which they read the console
    password        TEXT,              -- Argon2id in PHC format; none until a link was used
    totp            BLOB,              -- shared secret of the second factor (RFC 6238)
    totp_step       INTEGER,           -- last time step whose code was used: a code opens once
    failed          INTEGER NOT NULL DEFAULT 0, -- wrong passwords and codes since the last right one
    locked_until_ms INTEGER,
    made_at_ms      INTEGER NOT NULL,
    signed_in_at_ms INTEGER,
    disabled_at_ms  INTEGER
) STRICT;

CREATE UNIQUE INDEX users_by_name ON users (name);

-- Links that may be used once; one without a user makes the first administrator.
CREATE TABLE invites (
    hash     BLOB    PRIMARY KEY,  -- SHA-256 of the link's secret
    user     INTEGER REFERENCES users (id),
    until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    user          INTEGER NOT NULL REFERENCES users (id),
    hash          BLOB    NOT NULL,  -- SHA-256 of the cookie's secret
    hash_before   BLOB,              -- of the one before, for requests that were under way as it was renewed
    renewed_at_ms INTEGER NOT NULL,
    taken_at_ms   INTEGER,           -- when the browser showed the new secret first
    csrf          BLOB    NOT NULL,  -- what the session's pages send with every change
    began_at_ms   INTEGER NOT NULL,
    seen_at_ms    INTEGER NOT NULL,
    address       TEXT    NOT NULL,
    agent         TEXT    NOT NULL   -- what the browser calls itself
) STRICT;

CREATE INDEX sessions_by_user ON sessions (user);
