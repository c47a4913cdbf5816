//! What the commands on the store need to know, and how they fail.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::desk::answer_time::Cadence;
use crate::desk::audit::{AuditEntry, Deed};
use crate::desk::clocks::ClockBook;
use crate::desk::privacy::{Kept, Role, Sight, Surface};
use crate::store::{Editor, Reader, StoreError};

/// Settings of the desk and of this one run.
#[derive(Debug, Clone)]
pub struct Context {
    /// `DATA/frontdesk.db`.
    pub db_path: PathBuf,
    /// The desk's zone: times are shown and read in it.
    pub time_zone: Tz,
    /// How phones ring here (`[answer] ring_on_ms, ring_off_ms`).
    pub cadence: Cadence,
    /// One reading of the clock, for everything that the command shows.
    pub now: DateTime<Utc>,
    /// How long the clocks of tickets are, or why that can't be told.
    pub clocks: Result<Arc<ClockBook>, String>,
    /// The desk's own name as an owner of tickets.
    pub owner: String,
    /// The desk's names by language, as pages say them; under "" the one for all others.
    pub desk_names: BTreeMap<String, String>,
    /// Names of people by extension, as far as the directory can be read.
    pub people: BTreeMap<String, String>,
    /// Who changes things, for the tickets' histories: the shell's user unless `--by` names somebody.
    pub who: String,
    /// What the shell's user may see of callers (R12).
    pub role: Role,
    /// The desk's name, for what is printed.
    pub desk: String,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The arguments don't make sense.
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Failed(String),
    #[error("the output could not be written: {0}")]
    Output(#[from] io::Error),
}

impl CliError {
    /// 1 for a failure, 2 for wrong usage, 0 when the reader of a pipe has gone: it had what it wanted.
    pub fn exit_code(&self) -> u8 {
        match self {
            CliError::Usage(_) => 2,
            CliError::Output(fault) if fault.kind() == io::ErrorKind::BrokenPipe => 0,
            CliError::Failed(_) | CliError::Output(_) => 1,
        }
    }
}

impl From<StoreError> for CliError {
    fn from(fault: StoreError) -> Self {
        CliError::Failed(fault.to_string())
    }
}

impl From<serde_json::Error> for CliError {
    fn from(fault: serde_json::Error) -> Self {
        CliError::Output(fault.into())
    }
}

impl Context {
    /// How a surface shows callers to this user.
    pub(super) fn sight(&self, surface: Surface) -> Sight<'_> {
        Sight { role: self.role, surface, who: Some(&self.who) }
    }

    /// A list is one that leaves the desk when it is CSV.
    pub(super) fn list_sight(&self, format: super::output::FormatArgs) -> Sight<'_> {
        self.sight(if format.csv { Surface::Export } else { Surface::List })
    }

    /// Writes down that this user gets to see or hear something, before they do.
    pub(super) fn audit(&self, what: Deed, about: &str) -> Result<(), CliError> {
        let entry = AuditEntry {
            at: self.now,
            who: self.who.clone(),
            what,
            about: about.to_owned(),
            from_where: "shell".to_owned(),
        };
        let written = Editor::open(&self.db_path).and_then(|mut editor| editor.audit(&entry));
        written.map_err(|fault| CliError::Failed(format!("not shown, since the audit log can't be written: {fault}")))
    }

    /// A list that leaves the desk as CSV is written down.
    pub(super) fn audit_list(
        &self,
        format: super::output::FormatArgs,
        what: &str,
        rows: usize,
    ) -> Result<(), CliError> {
        if format.csv { self.audit(Deed::Exported, &format!("{what} as CSV, {rows} rows")) } else { Ok(()) }
    }

    /// Refuses what this user's role may not have.
    pub(super) fn allow(&self, kept: Kept, what: &str) -> Result<(), CliError> {
        if self.role.may_have(kept) {
            return Ok(());
        }
        Err(CliError::Failed(format!(
            "{what} is not for the role {}: ask a supervisor or an administrator (R12)",
            self.role
        )))
    }

    /// The store for reading; before the first `serve` there is none, and that is said plainly.
    pub(super) fn reader(&self) -> Result<Reader, CliError> {
        Reader::open(&self.db_path).map_err(|fault| self.told(fault))
    }

    /// The store for changes.
    pub(super) fn editor(&self) -> Result<Editor, CliError> {
        let clocks = self.clocks.clone().map_err(CliError::Failed)?;
        Editor::with_clocks(&self.db_path, clocks).map_err(|fault| self.told(fault))
    }

    fn told(&self, fault: StoreError) -> CliError {
        match fault {
            StoreError::Missing { path } => CliError::Failed(format!(
                "no calls yet: {} does not exist; start `frontdesk serve`, or name its folder with --data",
                path.display()
            )),
            other => other.into(),
        }
    }
}
