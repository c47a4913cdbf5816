-- What goes by age is found by its age, in indexes that hold recordings alone.
CREATE INDEX tickets_recorded_by_end ON tickets (coalesce(closed_at_ms, updated_at_ms))
    WHERE recording IS NOT NULL AND status <> 'open';
CREATE INDEX tickets_with_feedback_by_end ON tickets (coalesce(closed_at_ms, updated_at_ms))
    WHERE feedback IS NOT NULL AND status <> 'open';
CREATE INDEX messages_recorded_by_time ON messages (left_at_ms) WHERE recording IS NOT NULL;
CREATE INDEX calls_recorded_by_start ON calls (started_at_ms) WHERE recording IS NOT NULL;
