//! What the API needs of the daemon.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use chrono_tz::Tz;

use crate::desk::answer_time::Cadence;
use crate::desk::clocks::ClockBook;
use crate::desk::people::Directory;

/// What SIGHUP may change.
#[derive(Debug, Clone)]
pub struct DeskSettings {
    pub time_zone: Tz,
    pub cadence: Cadence,
    pub clocks: Arc<ClockBook>,
    pub people: Arc<Directory>,
    /// The desk's own name as an owner of tickets.
    pub owner: String,
}

/// Where the desk's records are, and its settings of now. Clones share them.
#[derive(Debug, Clone)]
pub struct DeskAccess {
    pub database: PathBuf,
    pub recordings: PathBuf,
    settings: Arc<RwLock<Arc<DeskSettings>>>,
}

impl DeskAccess {
    pub fn new(database: PathBuf, recordings: PathBuf, settings: DeskSettings) -> Self {
        Self { database, recordings, settings: Arc::new(RwLock::new(Arc::new(settings))) }
    }

    /// Requests from now on go by these.
    pub fn set(&self, settings: DeskSettings) {
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }

    pub(super) fn settings(&self) -> Arc<DeskSettings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }
}
