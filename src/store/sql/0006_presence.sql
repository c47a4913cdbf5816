-- What was said of a person's whereabouts since people.toml was written: the newest word alone.
CREATE TABLE presence (
    extension  TEXT    PRIMARY KEY,
    state      TEXT    NOT NULL, -- in, out, dnd
    until_ms   INTEGER,          -- when it ends by itself
    set_at_ms  INTEGER NOT NULL,
    set_by     TEXT    NOT NULL
) STRICT;
