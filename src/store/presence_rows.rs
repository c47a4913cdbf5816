//! What was said of people's whereabouts, and the watch for a new word.

use std::path::Path;

use rusqlite::{Connection, Row, named_params};

use super::time::{At, word};
use super::{Reader, StoreError};
use crate::desk::presence::Notice;

/// Puts this word in the place of an older one of the same person.
pub fn set(connection: &Connection, notice: &Notice) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO presence (extension, state, until_ms, set_at_ms, set_by)
             VALUES (:extension, :state, :until, :set_at, :set_by)
             ON CONFLICT (extension) DO UPDATE SET state = :state, until_ms = :until, set_at_ms = :set_at, set_by = :set_by",
        )?
        .execute(named_params! {
            ":extension": notice.extension,
            ":state": notice.state.as_str(),
            ":until": notice.until.map(At),
            ":set_at": At(notice.set_at),
            ":set_by": notice.set_by,
        })?;
    Ok(())
}

/// Takes the word back; whether there was one.
pub fn clear(connection: &Connection, extension: &str) -> rusqlite::Result<bool> {
    Ok(connection.execute("DELETE FROM presence WHERE extension = ?1", [extension])? > 0)
}

/// Everybody's, by extension.
pub fn list(connection: &Connection) -> rusqlite::Result<Vec<Notice>> {
    let sql = "SELECT extension, state, until_ms, set_at_ms, set_by FROM presence ORDER BY extension";
    connection.prepare_cached(sql)?.query_map([], read)?.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Notice> {
    Ok(Notice {
        extension: row.get(0)?,
        state: word(row, 1)?,
        until: row.get::<_, Option<At>>(2)?.map(|at| at.0),
        set_at: row.get::<_, At>(3)?.0,
        set_by: row.get(4)?,
    })
}

/// Looks whether anything new was said, by whichever process. A look costs microseconds where nothing was written at all.
#[derive(Debug)]
pub struct PresenceWatch {
    reader: Reader,
    version: Option<i64>,
    seen: Option<Vec<Notice>>,
}

impl PresenceWatch {
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { reader: Reader::open(path)?, version: None, seen: None })
    }

    /// Everybody's, where that is another thing than at the look before; also at the first look.
    pub fn look(&mut self) -> Result<Option<Vec<Notice>>, StoreError> {
        let version = self.reader.version()?;
        if self.version == Some(version) {
            return Ok(None);
        }
        let notices = self.reader.presences()?;
        self.version = Some(version);
        if self.seen.as_ref() == Some(&notices) {
            return Ok(None);
        }
        self.seen = Some(notices.clone());
        Ok(Some(notices))
    }
}
