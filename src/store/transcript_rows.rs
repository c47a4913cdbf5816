//! What was said, in writing: which recordings wait for it, and what came of them.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::time::At;
use super::{StoreError, audit_rows, connection, notification_rows};
use crate::desk::audit::{AuditEntry, Deed};
use crate::desk::notifications::{CHANNEL_TRANSCRIPTION, NotifyRules};
use crate::types::RecordingId;

/// A longer text is cut.
const TEXT_CHARS_MAX: usize = 20_000;

/// Asks for a recording's text, once.
pub fn ask_for(connection: &Connection, at: DateTime<Utc>, recording: &RecordingId) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO transcripts (recording, state, next_at_ms, asked_at_ms) VALUES (?1, 'waiting', ?2, ?2)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![recording.0, At(at)])?;
    Ok(())
}

/// It goes with its recording.
pub fn forget(connection: &Connection, recording: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM transcripts WHERE recording = ?1")?.execute([recording])?;
    Ok(())
}

/// One that is to be made now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueTranscript {
    pub recording: RecordingId,
    /// This one included.
    pub tries: u32,
    pub asked_at: DateTime<Utc>,
}

/// What a try came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transcribed {
    /// What was said; empty where nothing was understood.
    Text(String),
    /// It may go better later.
    Again(String),
    /// It never will: the recording is gone, or the service does not take it.
    Refused(String),
}

/// Whoever makes them: a connection of its own beside the writer's, each step one short transaction.
#[derive(Debug)]
pub struct Transcripts {
    connection: Connection,
    path: PathBuf,
}

impl Transcripts {
    /// The database must exist and have this version's form. What an earlier run was at is due now.
    pub fn open(path: &Path, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let connection = connection::for_editing(path)?;
        let again = "UPDATE transcripts SET state = 'waiting', next_at_ms = ?1 WHERE state = 'sending'";
        connection.execute(again, [At(now)]).map_err(|source| StoreError::sqlite(path, source))?;
        Ok(Self { connection, path: path.to_owned() })
    }

    /// The one that has waited longest, marked as being made.
    pub fn take(&mut self, now: DateTime<Utc>) -> Result<Option<DueTranscript>, StoreError> {
        let mut take = || {
            if !is_due(&self.connection, now)? {
                return Ok(None);
            }
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let due = first_due(&transaction, now)?;
            if let Some(due) = &due {
                transaction
                    .prepare_cached(
                        "UPDATE transcripts SET state = 'sending', tries = tries + 1, next_at_ms = NULL WHERE recording = ?1",
                    )?
                    .execute([&due.recording.0])?;
            }
            transaction.commit()?;
            Ok(due)
        };
        take().map_err(|source| StoreError::sqlite(&self.path, source))
    }

    /// Keeps what a try came to. True when the service is an alarm from now on.
    pub fn came_to(
        &mut self,
        now: DateTime<Utc>,
        rules: &NotifyRules,
        due: &DueTranscript,
        result: &Transcribed,
    ) -> Result<bool, StoreError> {
        let mut keep = || {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let alarmed = keep(&transaction, now, rules, due, result)?;
            transaction.commit()?;
            Ok(alarmed)
        };
        keep().map_err(|source| StoreError::sqlite(&self.path, source))
    }
}

fn is_due(connection: &Connection, now: DateTime<Utc>) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM transcripts WHERE next_at_ms <= ?1 LIMIT 1")?.exists([At(now)])
}

fn first_due(connection: &Connection, now: DateTime<Utc>) -> rusqlite::Result<Option<DueTranscript>> {
    connection
        .prepare_cached(
            "SELECT recording, tries, asked_at_ms FROM transcripts WHERE next_at_ms <= ?1 ORDER BY next_at_ms LIMIT 1",
        )?
        .query_row([At(now)], |row| {
            Ok(DueTranscript {
                recording: RecordingId(row.get(0)?),
                tries: row.get::<_, u32>(1)? + 1,
                asked_at: row.get::<_, At>(2)?.0,
            })
        })
        .optional()
}

fn keep(
    t: &Transaction<'_>,
    now: DateTime<Utc>,
    rules: &NotifyRules,
    due: &DueTranscript,
    result: &Transcribed,
) -> rusqlite::Result<bool> {
    match result {
        Transcribed::Text(text) => {
            let text: String = text.trim().chars().take(TEXT_CHARS_MAX).collect();
            end(t, now, due, "done", Some(&text), None)?;
            notification_rows::channel_works(t, CHANNEL_TRANSCRIPTION)?;
            // Somebody outside heard it.
            let entry = AuditEntry {
                at: now,
                who: "system".to_owned(),
                what: Deed::Exported,
                about: format!("recording {}", due.recording.0),
                from_where: CHANNEL_TRANSCRIPTION.to_owned(),
            };
            audit_rows::add(t, &entry)?;
            Ok(false)
        }
        Transcribed::Refused(error) => {
            end(t, now, due, "failed", None, Some(&notification_rows::cut(error))).map(|()| false)
        }
        Transcribed::Again(error) => {
            let error = notification_rows::cut(error);
            match rules.next_try(due.tries, due.asked_at, now) {
                Some(again) => {
                    t.prepare_cached(
                        "UPDATE transcripts SET state = 'waiting', next_at_ms = ?2, error = ?3 WHERE recording = ?1",
                    )?
                    .execute(params![due.recording.0, At(again), error])?;
                }
                None => end(t, now, due, "failed", None, Some(&error))?,
            }
            notification_rows::fail_channel(t, now, rules, CHANNEL_TRANSCRIPTION, &error)
        }
    }
}

fn end(
    t: &Transaction<'_>,
    now: DateTime<Utc>,
    due: &DueTranscript,
    state: &str,
    text: Option<&str>,
    error: Option<&str>,
) -> rusqlite::Result<()> {
    t.prepare_cached(
        "UPDATE transcripts SET state = ?2, text = ?3, error = ?4, next_at_ms = NULL, ended_at_ms = ?5 WHERE recording = ?1",
    )?
    .execute(params![due.recording.0, state, text, error, At(now)])?;
    Ok(())
}
