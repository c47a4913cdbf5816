//! The desk's journal (R41). The writing function is part of a transaction that its caller makes.

use rusqlite::{Connection, Row, params};

use super::time::{At, word};
use crate::desk::journal::JournalEntry;

/// The columns that `read` takes, in its order.
pub const COLUMNS: &str = "at_ms, kind, about, text";

pub fn add(connection: &Connection, entry: &JournalEntry) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO journal (at_ms, kind, about, text) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![At(entry.at), entry.kind.as_str(), entry.about, entry.text])?;
    Ok(())
}

pub fn read(row: &Row<'_>) -> rusqlite::Result<JournalEntry> {
    Ok(JournalEntry { at: row.get::<_, At>(0)?.0, kind: word(row, 1)?, about: row.get(2)?, text: row.get(3)? })
}
