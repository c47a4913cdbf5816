//! Recordings that go by age (R12): marked, their files removed, their rows told so; in steps that a crash may cut anywhere.
//!
//! 1. `mark` writes down what is due, in one transaction.
//! 2. `delete` removes one file inside of the transaction that takes it out of its rows. What is cut off between the file
//!    and the commit stays marked; the next look finds the file gone already and finishes it.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, named_params, params};

use super::time::{At, word};
use super::{StoreError, anonymise, audit_rows, connection, ticket_rows};
use crate::desk::audit::{AuditEntry, Deed};
use crate::desk::retention::{DueRecording, HeldKind, RecordingKind, Retention};
use crate::types::RecordingId;

/// Who is named for what nobody did by hand.
const WHO: &str = "system";
const FROM: &str = "retention";

/// A connection of its own beside the writer's; each step is one short transaction.
#[derive(Debug)]
pub struct Sweeper {
    connection: Connection,
    path: PathBuf,
}

/// Why a recording could not be deleted.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{recording}: {source}")]
    File { recording: String, source: io::Error },
}

impl Sweeper {
    /// The database must exist and have this version's form.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { connection: connection::for_editing(path)?, path: path.to_owned() })
    }

    /// Marks recordings that are due and not held, and gives all that are marked, earlier ones too: at most `limit`.
    pub fn mark(&mut self, now: DateTime<Utc>, rules: &Retention, limit: u32) -> Result<Vec<DueRecording>, StoreError> {
        let mut run = || {
            let t = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut marked = marked(&t, limit)?;
            let room = limit.saturating_sub(u32::try_from(marked.len()).unwrap_or(u32::MAX));
            for due in due(&t, now, rules, room)? {
                t.prepare_cached(
                    "INSERT INTO deleted_recordings (recording, kind, about, marked_at_ms) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (recording) DO UPDATE SET deleted_at_ms = NULL, marked_at_ms = ?4",
                )?
                .execute(params![due.recording.0, due.kind.as_str(), due.about, At(now)])?;
                marked.push(due);
            }
            t.commit()?;
            Ok(marked)
        };
        run().map_err(|source| StoreError::sqlite(&self.path, source))
    }

    /// Removes one that is marked: `remove` takes its file away, and finds it right that there is none. False when it was
    /// held meanwhile, or is needed again: nothing is removed then, and it is marked no more.
    pub fn delete(
        &mut self,
        now: DateTime<Utc>,
        rules: &Retention,
        due: &DueRecording,
        remove: impl FnOnce() -> io::Result<()>,
    ) -> Result<bool, SweepError> {
        let fault = |source| StoreError::sqlite(&self.path, source);
        let t = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
        if is_kept(&t, now, rules, &due.recording.0).map_err(fault)? {
            t.execute(
                "DELETE FROM deleted_recordings WHERE recording = ?1 AND deleted_at_ms IS NULL",
                [&due.recording.0],
            )
            .and_then(|_| t.commit())
            .map_err(fault)?;
            return Ok(false);
        }
        remove().map_err(|source| SweepError::File { recording: due.recording.0.clone(), source })?;
        forget(&t, now, due).and_then(|()| t.commit()).map_err(fault)?;
        Ok(true)
    }

    /// Takes numbers and names out of rows that are old enough, at most so many of each table; gives how many.
    pub fn anonymise(&mut self, now: DateTime<Utc>, rules: &Retention, limit: u32) -> Result<usize, StoreError> {
        let Some(before) = Retention::before(rules.numbers_days, now) else { return Ok(0) };
        let mut run = || {
            let t = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = anonymise::rows(&t, before, limit)?;
            if done.all() > 0 {
                audit(&t, now, Deed::Anonymised, done.to_string())?;
            }
            t.commit()?;
            Ok(done.all())
        };
        run().map_err(|source| StoreError::sqlite(&self.path, source))
    }

    /// Takes away entries of the audit log that are old enough, at most so many; gives how many.
    pub fn trim_audit(&mut self, now: DateTime<Utc>, rules: &Retention, limit: u32) -> Result<usize, StoreError> {
        let Some(before) = Retention::before(rules.audit_days, now) else { return Ok(0) };
        let mut run = || {
            let t = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = audit_rows::trim(&t, before, limit)?;
            t.commit()?;
            Ok(done)
        };
        run().map_err(|source| StoreError::sqlite(&self.path, source))
    }
}

fn audit(connection: &Connection, at: DateTime<Utc>, what: Deed, about: String) -> rusqlite::Result<()> {
    audit_rows::add(connection, &AuditEntry { at, who: WHO.to_owned(), what, about, from_where: FROM.to_owned() })
}

fn read(row: &Row<'_>) -> rusqlite::Result<DueRecording> {
    Ok(DueRecording { recording: RecordingId(row.get(0)?), kind: word(row, 1)?, about: row.get(2)? })
}

fn marked(connection: &Connection, limit: u32) -> rusqlite::Result<Vec<DueRecording>> {
    connection
        .prepare_cached(
            "SELECT recording, kind, about FROM deleted_recordings WHERE deleted_at_ms IS NULL ORDER BY marked_at_ms LIMIT ?1",
        )?
        .query_map([limit], read)?
        .collect()
}

/// `r` is a recording: something that holds still leads to it.
const HELD: &str = "EXISTS (SELECT 1 FROM holds h WHERE h.lifted_at_ms IS NULL AND (
    (h.what = 'recording' AND h.about = r)
    OR (h.what = 'ticket' AND h.about IN (SELECT number FROM tickets WHERE recording = r OR feedback = r
        UNION ALL SELECT t.number FROM calls c JOIN tickets t ON t.call = c.id WHERE c.recording = r))
    OR (h.what = 'message' AND h.about IN (SELECT CAST(id AS TEXT) FROM messages WHERE recording = r))
    OR (h.what = 'call' AND h.about IN (SELECT CAST(id AS TEXT) FROM calls WHERE recording = r
        UNION ALL SELECT CAST(call AS TEXT) FROM tickets WHERE recording = r OR feedback = r
        UNION ALL SELECT CAST(call AS TEXT) FROM messages WHERE recording = r))))";

/// A ticket is closed, and a message has reached its person or was taken off the list: before that nothing of it goes.
const CLOSED_AT: &str = "coalesce(closed_at_ms, updated_at_ms)";
const TAKEN: &str = "(relay IN ('heard', 'confirmed') OR deleted_at_ms IS NOT NULL)";

/// `r` is a recording: a row that leads to it needs it still. A talk is needed while a ticket that it led to is open.
fn needed() -> String {
    format!(
        "(EXISTS (SELECT 1 FROM tickets WHERE recording = r AND (status = 'open' OR {CLOSED_AT} >= :ticket))
        OR EXISTS (SELECT 1 FROM tickets WHERE feedback = r AND (status = 'open' OR {CLOSED_AT} >= :feedback))
        OR EXISTS (SELECT 1 FROM messages WHERE recording = r AND (left_at_ms >= :message OR NOT {TAKEN}))
        OR EXISTS (SELECT 1 FROM calls WHERE recording = r AND ended_at_ms IS NULL)
        OR EXISTS (SELECT 1 FROM calls c JOIN tickets t ON t.call = c.id WHERE c.recording = r AND t.status = 'open'))"
    )
}

/// Milliseconds before which each sort goes.
fn befores(rules: &Retention, now: DateTime<Utc>) -> [i64; 4] {
    use RecordingKind::{Call, Feedback, Message, Ticket};
    [Ticket, Feedback, Message, Call]
        .map(|kind| Retention::before(rules.days(kind), now).map_or(i64::MIN, |at| at.timestamp_millis()))
}

fn is_kept(connection: &Connection, now: DateTime<Utc>, rules: &Retention, recording: &str) -> rusqlite::Result<bool> {
    let [ticket, feedback, message, _] = befores(rules, now);
    let sql = format!("SELECT {HELD} OR {} FROM (SELECT :recording AS r)", needed());
    connection.prepare_cached(&sql)?.query_row(
        named_params! {
            ":recording": recording, ":ticket": ticket, ":feedback": feedback, ":message": message,
        },
        |row| row.get(0),
    )
}

/// Recordings that nothing keeps any longer. One that several rows lead to goes when the last of them lets it go.
fn due(
    connection: &Connection,
    now: DateTime<Utc>,
    rules: &Retention,
    limit: u32,
) -> rusqlite::Result<Vec<DueRecording>> {
    let [ticket, feedback, message, call] = befores(rules, now);
    let needed = needed();
    let sql = format!(
        "SELECT r, kind, about FROM (
            SELECT recording AS r, 'ticket' AS kind, number AS about FROM tickets
                WHERE recording IS NOT NULL AND status <> 'open' AND {CLOSED_AT} < :ticket
            UNION ALL SELECT feedback, 'feedback', number FROM tickets
                WHERE feedback IS NOT NULL AND status <> 'open' AND {CLOSED_AT} < :feedback
            UNION ALL SELECT recording, 'message', CAST(id AS TEXT) FROM messages
                WHERE recording IS NOT NULL AND left_at_ms < :message AND {TAKEN}
            UNION ALL SELECT recording, 'call', CAST(id AS TEXT) FROM calls
                WHERE recording IS NOT NULL AND ended_at_ms IS NOT NULL AND started_at_ms < :call
                    AND NOT EXISTS (SELECT 1 FROM tickets t WHERE t.recording = calls.recording OR t.feedback = calls.recording)
                    AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.recording = calls.recording)
                    AND NOT EXISTS (SELECT 1 FROM errands e JOIN tickets t ON t.number = e.ticket
                        WHERE e.comment = calls.recording AND t.status = 'open')
         )
         WHERE NOT {needed}
            AND NOT EXISTS (SELECT 1 FROM deleted_recordings d WHERE d.recording = r AND d.deleted_at_ms IS NULL)
            AND NOT {HELD}
         GROUP BY r ORDER BY r LIMIT :limit"
    );
    connection
        .prepare_cached(&sql)?
        .query_map(
            named_params! {
                ":ticket": ticket,
                ":feedback": feedback,
                ":message": message,
                ":call": call,
                ":limit": limit,
            },
            read,
        )?
        .collect()
}

/// No row leads to it any more; its ticket's history says when it went.
fn forget(t: &Connection, now: DateTime<Utc>, due: &DueRecording) -> rusqlite::Result<()> {
    let recording = &due.recording.0;
    t.prepare_cached("UPDATE deleted_recordings SET deleted_at_ms = ?2 WHERE recording = ?1")?
        .execute(params![recording, At(now)])?;
    let ticket: Option<i64> = t
        .prepare_cached("SELECT id FROM tickets WHERE recording = ?1 OR feedback = ?1")?
        .query_row([recording], |row| row.get(0))
        .optional()?;
    if let Some(ticket) = ticket {
        ticket_rows::event(t, ticket, now, WHO, "recording_deleted", Some(recording))?;
    }
    for sql in [
        "UPDATE tickets SET recording = NULL WHERE recording = ?1",
        "UPDATE tickets SET feedback = NULL WHERE feedback = ?1",
        "UPDATE messages SET recording = NULL WHERE recording = ?1",
        "UPDATE calls SET recording = NULL WHERE recording = ?1",
        "UPDATE errands SET comment = NULL WHERE comment = ?1",
    ] {
        t.prepare_cached(sql)?.execute([recording])?;
    }
    let of = match due.kind {
        RecordingKind::Ticket | RecordingKind::Feedback => HeldKind::Ticket,
        RecordingKind::Message => HeldKind::Message,
        RecordingKind::Call => HeldKind::Call,
    };
    audit(t, now, Deed::Deleted, format!("{of} {}", due.about))
}
