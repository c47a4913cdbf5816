//! Connections to the database, each opened for what it is meant for.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{StoreError, StoreOptions, schema};

/// How long a reader or editor beside the writer waits for a lock.
const BUSY: Duration = Duration::from_secs(5);

/// The writer's connection: the database is created or brought up to date.
pub fn for_writing(options: &StoreOptions) -> Result<Connection, StoreError> {
    let path = &options.path;
    let fault = |source| StoreError::sqlite(path, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(fault)?;
    connection.busy_timeout(options.busy).map_err(fault)?;
    // Whose file it is must be known before anything in it is changed, the journal's mode included.
    schema::form_of(&connection, path)?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0)).map_err(fault)?;
    if mode != "wal" {
        return Err(StoreError::NoWal { path: path.clone(), mode });
    }
    settle(&connection).map_err(fault)?;
    schema::migrate(&mut connection, path)?;
    if let Some(pages) = options.pages_max {
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).map_err(fault)?;
    }
    Ok(connection)
}

/// A connection that can't change anything.
pub fn for_reading(path: &Path) -> Result<Connection, StoreError> {
    let connection = beside_the_writer(path)?;
    connection.pragma_update(None, "query_only", true).map_err(|source| StoreError::sqlite(path, source))?;
    Ok(connection)
}

/// A connection for short changes from another process.
pub fn for_editing(path: &Path) -> Result<Connection, StoreError> {
    beside_the_writer(path)
}

fn beside_the_writer(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing { path: path.to_owned() });
    }
    let fault = |source| StoreError::sqlite(path, source);
    // Read and write even for readers: the last one out folds the journal in, and it may be a reader.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fault)?;
    connection.busy_timeout(BUSY).map_err(fault)?;
    settle(&connection).map_err(fault)?;
    match schema::form_of(&connection, path)? {
        schema::FORM => Ok(connection),
        0 => Err(StoreError::Missing { path: path.to_owned() }),
        found => Err(StoreError::Older { path: path.to_owned(), found, known: schema::FORM }),
    }
}

fn settle(connection: &Connection) -> rusqlite::Result<()> {
    // FULL syncs the WAL at each commit: only then does a reply mean that power may fail.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    // 16 MB of journal between checkpoints: under load each takes the writer a few ms.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 4_000, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", 64 * 1024 * 1024, |_| Ok(()))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}
