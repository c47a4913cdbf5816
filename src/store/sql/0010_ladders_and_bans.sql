-- The SIP messages of calls that are over, for whoever looks into a fault: as `desk::ladder` writes them, secrets masked.
-- Kept for so many days and bytes as the settings say; they go with their call.
CREATE TABLE call_ladders (
    call INTEGER PRIMARY KEY,
    began_at_ms INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    messages BLOB NOT NULL
);

CREATE INDEX call_ladders_began ON call_ladders (began_at_ms, bytes);

CREATE TRIGGER call_ladders_go_with_calls AFTER DELETE ON calls BEGIN
    DELETE FROM call_ladders WHERE call = OLD.id;
END;

-- Addresses (of IPv6 the /64) that are not served for a while, since they guessed passwords. A row that is taken away is a
-- ban that is lifted, which the running line notices.
CREATE TABLE bans (
    network TEXT PRIMARY KEY,
    since_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    failures INTEGER NOT NULL
);
