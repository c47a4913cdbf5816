-- Whom the desk rang for a call (R17): the whole search, leg by leg.
ALTER TABLE calls ADD COLUMN legs TEXT NOT NULL DEFAULT '[]'; -- JSON: [{leg, extension, place, at_ms, ring_ms, ...}]
