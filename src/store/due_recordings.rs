//! Which recordings nothing keeps any longer (R12). Each question is answered by indexes: the oldest of each sort first, and what
//! else leads to one by its name.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, named_params};

use super::time::word;
use crate::desk::retention::{DueRecording, RecordingKind, Retention};
use crate::types::RecordingId;

/// `r` is a recording: something that holds still leads to it.
const HELD: &str = "EXISTS (SELECT 1 FROM holds h WHERE h.lifted_at_ms IS NULL AND (
    (h.what = 'recording' AND h.about = r)
    OR (h.what = 'ticket' AND h.about IN (SELECT number FROM tickets WHERE recording = r OR feedback = r
        UNION ALL SELECT t.number FROM calls c CROSS JOIN tickets t ON t.call = c.id WHERE c.recording = r))
    OR (h.what = 'message' AND h.about IN (SELECT CAST(id AS TEXT) FROM messages WHERE recording = r))
    OR (h.what = 'call' AND h.about IN (SELECT CAST(id AS TEXT) FROM calls WHERE recording = r
        UNION ALL SELECT CAST(call AS TEXT) FROM tickets WHERE recording = r OR feedback = r
        UNION ALL SELECT CAST(call AS TEXT) FROM messages WHERE recording = r))))";

/// `r` is a recording: a row that leads to it needs it still. A talk is needed while a ticket that it led to is open, and what
/// a customer said while the ticket is that they were asked about.
const NEEDED: &str = "(
    EXISTS (SELECT 1 FROM tickets WHERE recording = r AND (status = 'open' OR coalesce(closed_at_ms, updated_at_ms) >= :ticket))
    OR EXISTS (SELECT 1 FROM tickets WHERE feedback = r
        AND (status = 'open' OR coalesce(closed_at_ms, updated_at_ms) >= :feedback))
    OR EXISTS (SELECT 1 FROM messages WHERE recording = r AND (left_at_ms >= :message
        OR NOT (relay IN ('heard', 'confirmed') OR deleted_at_ms IS NOT NULL)))
    OR EXISTS (SELECT 1 FROM calls WHERE recording = r AND ended_at_ms IS NULL)
    OR EXISTS (SELECT 1 FROM calls c CROSS JOIN tickets t ON t.call = c.id WHERE c.recording = r AND t.status = 'open')
    OR EXISTS (SELECT 1 FROM errands e CROSS JOIN tickets t ON t.number = e.ticket WHERE e.comment = r AND t.status = 'open'))";

/// Those of each sort that are old enough, as `r`, `kind` and `about`, the oldest first. A ticket is closed, and a message has
/// reached its person or was taken off the list: before that nothing of it goes.
const OLD: [&str; 4] = [
    "SELECT recording AS r, 'ticket' AS kind, number AS about FROM tickets INDEXED BY tickets_recorded_by_end
     WHERE recording IS NOT NULL AND status <> 'open' AND coalesce(closed_at_ms, updated_at_ms) < :ticket
     ORDER BY coalesce(closed_at_ms, updated_at_ms)",
    "SELECT feedback AS r, 'feedback' AS kind, number AS about FROM tickets INDEXED BY tickets_with_feedback_by_end
     WHERE feedback IS NOT NULL AND status <> 'open' AND coalesce(closed_at_ms, updated_at_ms) < :feedback
     ORDER BY coalesce(closed_at_ms, updated_at_ms)",
    "SELECT recording AS r, 'message' AS kind, CAST(id AS TEXT) AS about FROM messages INDEXED BY messages_recorded_by_time
     WHERE recording IS NOT NULL AND left_at_ms < :message
        AND (relay IN ('heard', 'confirmed') OR deleted_at_ms IS NOT NULL)
     ORDER BY left_at_ms",
    "SELECT recording AS r, 'call' AS kind, CAST(id AS TEXT) AS about FROM calls INDEXED BY calls_recorded_by_start
     WHERE recording IS NOT NULL AND started_at_ms < :call AND ended_at_ms IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM tickets t WHERE t.recording = calls.recording)
        AND NOT EXISTS (SELECT 1 FROM tickets t WHERE t.feedback = calls.recording)
        AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.recording = calls.recording)
     ORDER BY started_at_ms",
];

/// Milliseconds before which each sort goes.
struct Before {
    ticket: i64,
    feedback: i64,
    message: i64,
    call: i64,
}

impl Before {
    fn new(now: DateTime<Utc>, rules: &Retention) -> Self {
        let ms = |kind| Retention::before(rules.days(kind), now).map_or(i64::MIN, |at| at.timestamp_millis());
        Self {
            ticket: ms(RecordingKind::Ticket),
            feedback: ms(RecordingKind::Feedback),
            message: ms(RecordingKind::Message),
            call: ms(RecordingKind::Call),
        }
    }
}

/// Whether something holds it or needs it.
pub fn is_kept(
    connection: &Connection,
    now: DateTime<Utc>,
    rules: &Retention,
    recording: &RecordingId,
) -> rusqlite::Result<bool> {
    let Before { ticket, feedback, message, .. } = Before::new(now, rules);
    let sql = format!("SELECT {HELD} OR {NEEDED} FROM (SELECT :recording AS r)");
    connection.prepare_cached(&sql)?.query_row(
        named_params! { ":recording": recording.0, ":ticket": ticket, ":feedback": feedback, ":message": message },
        |row| row.get(0),
    )
}

/// Recordings that nothing keeps any longer and that are not marked, at most so many. One that several rows lead to is due
/// when the last of them lets it go.
pub fn due(
    connection: &Connection,
    now: DateTime<Utc>,
    rules: &Retention,
    limit: u32,
) -> rusqlite::Result<Vec<DueRecording>> {
    let Before { ticket, feedback, message, call } = Before::new(now, rules);
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    for old in OLD {
        let room = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
        let mut statement = connection.prepare_cached(&of(old))?;
        let rows = statement.query_map(
            named_params! { ":ticket": ticket, ":feedback": feedback, ":message": message, ":call": call, ":limit": room },
            read,
        )?;
        for row in rows {
            let due = row?;
            if seen.insert(due.recording.clone()) {
                found.push(due);
            }
        }
    }
    Ok(found)
}

fn of(old: &str) -> String {
    // Every name is in it, so that all of them can be bound.
    format!(
        "SELECT r, kind, about FROM ({old}) WHERE NOT {NEEDED} AND NOT {HELD}
            AND NOT EXISTS (SELECT 1 FROM deleted_recordings d WHERE d.recording = r AND d.deleted_at_ms IS NULL)
            AND :call IS NOT NULL
         LIMIT :limit"
    )
}

pub fn read(row: &Row<'_>) -> rusqlite::Result<DueRecording> {
    Ok(DueRecording { recording: RecordingId(row.get(0)?), kind: word(row, 1)?, about: row.get(2)? })
}

/// Every query of this room, for the test of their plans.
#[cfg(test)]
pub fn queries() -> Vec<String> {
    OLD.into_iter().map(of).chain([format!("SELECT {HELD} OR {NEEDED} FROM (SELECT 'x' AS r)")]).collect()
}
