//! Recordings that go by age (R12): marked, their files removed, their rows told so; in steps that a crash may cut anywhere.
//!
//! 1. `mark` writes down what is due, in one transaction.
//! 2. `delete` removes one file inside of the transaction that takes it out of its rows. What is cut off between the file
//!    and the commit stays marked; the next look finds the file gone already and finishes it.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::time::At;
use super::{StoreError, anonymise, audit_rows, connection, due_recordings, ticket_rows, transcript_rows};
use crate::desk::audit::{AuditEntry, Deed};
use crate::desk::retention::{DueRecording, HeldKind, RecordingKind, Retention};

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

    /// Marks recordings that are due and not held, and gives all that are marked, earlier ones too: at most `limit`. They are
    /// looked for without keeping others from writing; what became of one meanwhile is seen before it is deleted.
    pub fn mark(&mut self, now: DateTime<Utc>, rules: &Retention, limit: u32) -> Result<Vec<DueRecording>, StoreError> {
        let mut run = || {
            let mut marked = marked(&self.connection, limit)?;
            let room = limit.saturating_sub(u32::try_from(marked.len()).unwrap_or(u32::MAX));
            let due = due_recordings::due(&self.connection, now, rules, room)?;
            if due.is_empty() {
                return Ok(marked);
            }
            let t = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for due in due {
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
        if due_recordings::is_kept(&t, now, rules, &due.recording).map_err(fault)? {
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

fn marked(connection: &Connection, limit: u32) -> rusqlite::Result<Vec<DueRecording>> {
    connection
        .prepare_cached(
            "SELECT recording, kind, about FROM deleted_recordings WHERE deleted_at_ms IS NULL ORDER BY marked_at_ms LIMIT ?1",
        )?
        .query_map([limit], due_recordings::read)?
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
    transcript_rows::forget(t, recording)?;
    let of = match due.kind {
        RecordingKind::Ticket | RecordingKind::Feedback => HeldKind::Ticket,
        RecordingKind::Message => HeldKind::Message,
        RecordingKind::Call => HeldKind::Call,
    };
    audit(t, now, Deed::Deleted, format!("{of} {}", due.about))
}
