//! A consistent copy of the database while the daemon writes it, and what a restore must know.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::{StoreError, schema};

/// How long the copy waits for a writer that holds the database.
const BUSY: Duration = Duration::from_secs(30);

/// Copies the database at `from` to the new file `to`, as it stands at one moment, with all that is committed by then.
/// One of an older form is copied as it is.
///
/// # Errors
/// When `from` is no database of ours, `to` exists, or the disk is full.
pub fn copy_database(from: &Path, to: &Path) -> Result<(), StoreError> {
    let Some(name) = to.to_str() else {
        return Err(StoreError::Refused(format!("{} is not a name in UTF-8", to.display()).into()));
    };
    let database = open(from)?;
    // VACUUM INTO reads within one transaction; writers go on beside it in WAL mode.
    database.execute("VACUUM INTO ?1", [name]).map_err(|source| StoreError::sqlite(from, source))?;
    Ok(())
}

/// Reads a whole database and makes sure that it is ours, undamaged, and of a form that this program knows.
///
/// # Errors
/// What it is instead.
pub fn verify_database(path: &Path) -> Result<(), StoreError> {
    let finding: String = open(path)?
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|source| StoreError::sqlite(path, source))?;
    match finding.as_str() {
        "ok" => Ok(()),
        _ => Err(StoreError::Damaged { path: path.to_owned(), finding }),
    }
}

/// The right to put another database in the place of this one: no daemon owns it while this lives.
#[derive(Debug)]
pub struct Owned {
    _lock: File,
}

/// Takes a database into ownership, as a daemon would.
///
/// # Errors
/// When a daemon owns it, or its folder can't be written.
pub fn own_database(path: &Path) -> Result<Owned, StoreError> {
    Ok(Owned { _lock: super::lock(path)? })
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing { path: path.to_owned() });
    }
    let fault = |source| StoreError::sqlite(path, source);
    // Not read-only: a database in WAL mode that nobody has open may need its shared memory made first.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags).map_err(fault)?;
    database.busy_timeout(BUSY).map_err(fault)?;
    schema::form_of(&database, path)?;
    Ok(database)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_holds_what_is_committed_while_a_writer_has_more_open() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a.db"), folder.path().join("b.db"));
        let writer = Connection::open(&from).unwrap();
        writer.execute_batch("PRAGMA application_id = 0x4644534b; PRAGMA user_version = 1;").unwrap();
        writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (n); INSERT INTO t VALUES (1);").unwrap();
        writer.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (2);").unwrap();
        copy_database(&from, &to).unwrap();
        verify_database(&to).unwrap();
        let copied: i64 = Connection::open(&to).unwrap().query_row("SELECT sum(n) FROM t", [], |r| r.get(0)).unwrap();
        assert_eq!(copied, 1);
    }

    #[test]
    fn what_is_no_database_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        std::fs::write(&path, vec![b'x'; 8192]).unwrap();
        assert!(verify_database(&path).is_err());
        assert!(copy_database(&folder.path().join("missing.db"), &path).is_err());
    }

    #[test]
    fn a_database_is_owned_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("frontdesk.db");
        let owned = own_database(&path).unwrap();
        assert!(matches!(own_database(&path), Err(StoreError::InUse { .. })));
        drop(owned);
        own_database(&path).unwrap();
    }
}
