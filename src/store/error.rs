//! Why the database can't be opened, read or changed.

use std::io;
use std::path::{Path, PathBuf};

use crate::desk::report::table::Tongue;
use crate::desk::told::Told;

/// Each says what is wrong and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{} does not exist", path.display())]
    Missing { path: PathBuf },
    #[error("{} can't be opened: {source}; its folder must exist and be writable by the user that runs frontdesk", path.display())]
    NoFile { path: PathBuf, source: io::Error },
    #[error("{} is in use by another frontdesk: stop that one, or give this one another --data folder", path.display())]
    InUse { path: PathBuf },
    #[error(
        "{} has form {found}, and this frontdesk knows forms up to {known}: it was written by a newer version; run that one, or restore a backup",
        path.display()
    )]
    Newer { path: PathBuf, found: u32, known: u32 },
    #[error(
        "{} has form {found}, and this frontdesk reads form {known}: `frontdesk serve` of this version brings it up to date",
        path.display()
    )]
    Older { path: PathBuf, found: u32, known: u32 },
    #[error("{} is a database of another program: choose another --data folder", path.display())]
    NotOurs { path: PathBuf },
    #[error("{} is damaged ({finding}): restore a backup", path.display())]
    Damaged { path: PathBuf, finding: String },
    #[error("{} can't keep a write-ahead log (its journal is `{mode}`): a network file system can't hold the database", path.display())]
    NoWal { path: PathBuf, mode: String },
    #[error("{}: {source}", path.display())]
    Sqlite { path: PathBuf, source: rusqlite::Error },
    #[error("the migration {name} failed, and nothing of it was kept: {source}")]
    Migration { name: &'static str, source: rusqlite::Error },
    #[error("the store's thread can't be started: {0}")]
    NoThread(io::Error),
    #[error("{0} does not exist")]
    Unknown(Told),
    #[error("{0}")]
    Refused(Told),
    /// Nothing was written: the ticket is not as it was seen.
    #[error("somebody else changed it meanwhile (it is at version {version} now): look at it again")]
    Changed { version: i64 },
}

impl StoreError {
    pub(super) fn sqlite(path: &Path, source: rusqlite::Error) -> Self {
        StoreError::Sqlite { path: path.to_owned(), source }
    }

    /// What is said of it to people; `None`: it is not for everybody's eyes.
    pub fn told(&self) -> Option<Told> {
        match self {
            StoreError::Unknown(what) => Some(Told::new(format!("没有{}", what.of(Tongue::Zh)), self.to_string())),
            StoreError::Refused(why) => Some(why.clone()),
            StoreError::Changed { .. } => Some(Told::new("别人刚刚改过，请再看一遍", self.to_string())),
            _ => None,
        }
    }
}
