-- The language that a caller spoke with the desk: what the desk calls them about later is said in it (R37).
ALTER TABLE tickets ADD COLUMN language TEXT;
ALTER TABLE messages ADD COLUMN language TEXT;
