-- The number that was called first, where the call was diverted to the desk (RFC 5806, RFC 7044).
ALTER TABLE calls ADD COLUMN diverted_from TEXT;
