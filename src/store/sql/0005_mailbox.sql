-- Messages that a person has listened to and deleted by phone: hidden from lists, kept with who and when (R5, R12).
ALTER TABLE messages ADD COLUMN deleted_at_ms INTEGER;
ALTER TABLE messages ADD COLUMN deleted_by TEXT;

CREATE INDEX messages_by_person ON messages (for_person, left_at_ms) WHERE deleted_at_ms IS NULL;
