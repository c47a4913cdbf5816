//! What the console needs of the daemon: where records are, and the settings of now.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use chrono_tz::Tz;
use tokio_rustls::rustls::ServerConfig;

use crate::desk::answer_time::Cadence;
use crate::desk::audit::AuditEntry;
use crate::desk::clocks::ClockBook;
use crate::desk::flow_chart::FlowChart;
use crate::desk::hours::Hours;
use crate::desk::people::Directory;
use crate::desk::report::table::Tongue;
use crate::desk::retention::Retention;
use crate::setup::Setup;
use crate::store::{Editor, StoreError};
use crate::types::NumberPlan;

/// What SIGHUP may change.
#[derive(Debug, Clone)]
pub struct DeskSettings {
    pub time_zone: Tz,
    pub cadence: Cadence,
    pub clocks: Arc<ClockBook>,
    pub people: Arc<Directory>,
    pub hours: Arc<Hours>,
    /// The flow, to be drawn.
    pub flow: Arc<FlowChart>,
    /// How numbers are written.
    pub numbers: NumberPlan,
    /// The desk's own name as an owner of tickets.
    pub owner: String,
    /// The desk's names by language; under "" the one for all others.
    pub desk_names: BTreeMap<String, String>,
    /// How long what was recorded is kept.
    pub retention: Retention,
}

impl DeskSettings {
    /// The desk's name as pages say it: in a language, or the one for all.
    pub(super) fn desk_name(&self, tongue: Option<Tongue>) -> &str {
        let named = tongue.and_then(|tongue| self.desk_names.get(tongue.as_str()));
        named.or_else(|| self.desk_names.get("")).map_or("", String::as_str)
    }
}

/// Where the desk's records are, and its settings of now. Clones share them.
#[derive(Debug, Clone)]
pub struct DeskAccess {
    pub database: PathBuf,
    pub recordings: PathBuf,
    settings: Arc<RwLock<Arc<DeskSettings>>>,
    tls: Arc<RwLock<Option<Arc<ServerConfig>>>>,
    /// The way to change settings and content; none where nothing of it may be changed.
    setup: Option<Setup>,
}

impl DeskAccess {
    pub fn new(database: PathBuf, recordings: PathBuf, settings: DeskSettings) -> Self {
        Self {
            database,
            recordings,
            settings: Arc::new(RwLock::new(Arc::new(settings))),
            tls: Arc::default(),
            setup: None,
        }
    }

    /// With the way to change settings and content.
    pub fn with_setup(self, setup: Setup) -> Self {
        Self { setup: Some(setup), ..self }
    }

    pub(super) fn setup(&self) -> Option<&Setup> {
        self.setup.as_ref()
    }

    /// Certificates for the handshakes that begin from now on.
    pub fn set_tls(&self, tls: Option<Arc<ServerConfig>>) {
        *self.tls.write().unwrap_or_else(PoisonError::into_inner) = tls;
    }

    pub(super) fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.tls.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Requests from now on go by these.
    pub fn set(&self, settings: DeskSettings) {
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }

    /// Writes down who saw or heard what (R12), before they do: what can't be written down is not given.
    pub(super) fn audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        Editor::open(&self.database)?.audit(entry)
    }

    pub(super) fn settings(&self) -> Arc<DeskSettings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }
}
