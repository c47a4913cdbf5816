//! The desk's journal (R41). Each writing function is part of a transaction that its caller makes.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::editor::Editor;
use super::error::StoreError;
use super::time::{At, word};
use crate::desk::journal::{JournalEntry, JournalKind, KeptEntry};
use crate::desk::told::told;

/// The columns that `read` takes, in its order.
pub const COLUMNS: &str = "id, at_ms, kind, about, text, who, corrects, \
    (SELECT max(c.id) FROM journal c WHERE c.corrects = journal.id)";

/// A clock that stands so much before the last entry was set back.
const BEHIND: TimeDelta = TimeDelta::seconds(60);

pub fn add(connection: &Connection, entry: &JournalEntry) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "INSERT INTO journal (at_ms, kind, about, text, who, corrects) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![At(entry.at), entry.kind.as_str(), entry.about, entry.text, entry.who, entry.corrects])?;
    // The triggers' own rows don't count here (SQLite restores the number when a trigger ends).
    Ok(connection.last_insert_rowid())
}

pub fn read(row: &Row<'_>) -> rusqlite::Result<KeptEntry> {
    let entry = JournalEntry {
        at: row.get::<_, At>(1)?.0,
        kind: word(row, 2)?,
        about: row.get(3)?,
        text: row.get(4)?,
        who: row.get(5)?,
        corrects: row.get(6)?,
    };
    Ok(KeptEntry { id: row.get(0)?, entry, corrected_by: row.get(7)? })
}

pub fn one(connection: &Connection, id: i64) -> rusqlite::Result<Option<KeptEntry>> {
    let sql = format!("SELECT {COLUMNS} FROM journal WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id], read).optional()
}

/// The newest id; 0 in an empty journal.
pub fn last(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT coalesce(max(id), 0) FROM journal")?.query_row([], |row| row.get(0))
}

/// The newest entries after that one, the oldest of them first.
pub fn after(connection: &Connection, id: i64, limit: u32) -> rusqlite::Result<Vec<KeptEntry>> {
    let sql = format!("SELECT {COLUMNS} FROM journal WHERE id > ?1 ORDER BY id DESC LIMIT ?2");
    let newest: Vec<KeptEntry> =
        connection.prepare_cached(&sql)?.query_map(params![id, limit], read)?.collect::<Result<_, _>>()?;
    Ok(newest.into_iter().rev().collect())
}

fn exists(connection: &Connection, id: i64) -> rusqlite::Result<bool> {
    connection.prepare_cached("SELECT 1 FROM journal WHERE id = ?1")?.exists([id])
}

/// The newest of the entries that say that the daemon began or ended.
fn last_run(connection: &Connection) -> rusqlite::Result<Option<(JournalKind, DateTime<Utc>)>> {
    connection
        .prepare_cached(
            "SELECT kind, at_ms FROM journal WHERE kind IN ('started', 'stopped') ORDER BY id DESC LIMIT 1",
        )?
        .query_row([], |row| Ok((word(row, 0)?, row.get::<_, At>(1)?.0)))
        .optional()
}

fn newest_time(connection: &Connection) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let at: Option<At> =
        connection.prepare_cached("SELECT max(at_ms) FROM journal")?.query_row([], |row| row.get(0))?;
    Ok(at.map(|at| at.0))
}

impl Editor {
    /// Adds an entry to the journal; gives its number.
    pub fn add_to_journal(&mut self, entry: &JournalEntry) -> Result<i64, StoreError> {
        let added = self.transaction(|t| match entry.corrects {
            Some(corrected) if !exists(t, corrected)? => Ok(None),
            _ => add(t, entry).map(Some),
        })?;
        added.ok_or_else(|| {
            let id = entry.corrects.unwrap_or_default();
            StoreError::Unknown(told!("第 {id} 条值班记录", "journal entry {id}"))
        })
    }

    /// Writes down that the daemon begins; and before it, that an earlier run was cut off, or that the clock stands before
    /// the last entry.
    pub fn begin_run(&mut self, now: DateTime<Utc>, version: &str) -> Result<(), StoreError> {
        self.transaction(|t| {
            if let Some(newest) = newest_time(t)?.filter(|newest| *newest - now > BEHIND) {
                let text = format!(
                    "the clock stands {} s before the newest entry of the journal ({})",
                    (newest - now).num_seconds(),
                    newest.format("%Y-%m-%d %H:%M:%S UTC")
                );
                add(t, &JournalEntry::of_system(now, JournalKind::ClockSet, "", &text))?;
            }
            if let Some((JournalKind::Started, since)) = last_run(t)? {
                let text = format!("the run of {} was cut off", since.format("%Y-%m-%d %H:%M:%S UTC"));
                add(t, &JournalEntry::of_system(now, JournalKind::CutOff, "", &text))?;
            }
            add(t, &JournalEntry::of_system(now, JournalKind::Started, "", &format!("frontdesk {version}"))).map(drop)
        })
    }

    /// Writes down that the daemon ended in good order.
    pub fn end_run(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        self.transaction(|t| add(t, &JournalEntry::of_system(now, JournalKind::Stopped, "", "")).map(drop))
    }
}
