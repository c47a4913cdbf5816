//! The desk's memory: the call log, tickets and messages in SQLite. The only room that names `rusqlite`.
//!
//! One thread writes ([`Store`]), with group commit: it takes everything that is queued, makes one transaction of it,
//! and replies after the commit. The journal is a WAL with `synchronous = FULL`, so a reply means that the disk has it
//! (R9). Call rows are waited for by nobody: they gather for a moment, travel with the next commit, and the newest row of
//! a call takes the place of an older one that still waits. Anybody may read beside it ([`Reader`]), and other processes
//! change tickets and messages by short transactions of their own ([`Editor`]).
//!
//! What holds:
//! - Requests of one call are carried out in the order they were made; call rows come after the requests of their batch.
//! - A request that fails is replied to with why; it never fails another one.
//! - A call row that could not be written is kept and tried again, up to a written number of rows.
//! - One daemon owns a database: a second one is refused by a lock that dies with its process.

mod account_rows;
mod alarm_rows;
mod anonymise;
mod answer_rows;
mod audit_rows;
pub mod backup;
mod ban_rows;
mod board_rows;
mod call_back_rows;
mod call_rows;
mod clerk;
mod clock_rows;
mod connection;
mod counters;
mod due_recordings;
mod editor;
mod errand_rows;
mod error;
mod filter;
mod handover_rows;
mod happening_rows;
mod hold_rows;
mod interrupted;
mod journal_rows;
mod ladder_rows;
mod message_rows;
mod message_watch;
mod notification_rows;
mod outbox;
mod presence_rows;
mod queue;
mod reader;
mod report_rows;
mod resident_rows;
mod schema;
mod sweeper;
mod task_rows;
mod ticket_reads;
mod ticket_rows;
mod time;
mod token_rows;
mod tokens;
mod transcript_rows;
mod trunk_rows;
mod work_report_rows;
mod work_rows;
mod writer;

pub use account_rows::{AccountChange, Changer, Invite, NewSession};
pub use answer_rows::{KeptAnswer, RequestKey};
pub use audit_rows::AuditFilter;
pub use ban_rows::BanWatch;
pub use clerk::{Clerk, Desk, Looked};
pub use counters::StoreCounters;
pub use editor::Editor;
pub use errand_rows::{ErrandLook, ErrandWatch};
pub use error::StoreError;
pub use filter::{
    AlarmFilter, CallFilter, CallState, ErrandFilter, JournalFilter, MessageFilter, NotificationFilter, Place,
    ResidentFilter, TaskFilter, TicketFilter,
};
pub use message_watch::MessageWatch;
pub use outbox::{Outbox, Told};
pub use presence_rows::PresenceWatch;
pub use reader::Reader;
pub use report_rows::ReportPeriod;
pub use sweeper::{SweepError, Sweeper};
pub use transcript_rows::{DueTranscript, Transcribed, Transcripts};

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::desk::call_back::WaitingCallBack;
use crate::desk::call_record::CallRecord;
use crate::desk::clocks::ClockBook;
use crate::desk::request::{DeskError, DeskReply, DeskRequest};
use crate::types::CallId;

use queue::Queue;
use writer::Writer;

/// What the store is opened with. `new` gives the defaults.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The database's file: `DATA/frontdesk.db`. Its folder must exist.
    pub path: PathBuf,
    /// The zone whose days number the tickets.
    pub time_zone: Tz,
    /// Who owns a ticket until somebody else takes it over (R13).
    pub owner: String,
    /// Requests that may wait to be carried out; more are refused as overload.
    pub queue_max: usize,
    /// Calls whose row may wait to be written. The last quarter is kept for rows of ended calls, so that under overload
    /// it is the interim rows that are missed and no call is lost.
    pub calls_max: usize,
    /// How many days the SIP messages of calls are kept; 0 keeps none.
    pub ladder_days: u32,
    /// In how many bytes: beyond it the oldest go.
    pub ladder_bytes_max: u64,
    /// How long call rows gather before a commit of their own.
    pub gather: Duration,
    /// How long after a failed write the call rows are tried again.
    pub retry: Duration,
    /// How long to wait for another process's transaction.
    pub busy: Duration,
    /// How long the clocks of tickets are; `Store::set_clocks` changes it.
    pub clocks: Arc<ClockBook>,
    /// A ceiling for the database in pages of 4096 bytes; beyond it writes fail as on a full disk.
    pub pages_max: Option<u32>,
}

impl StoreOptions {
    pub fn new(path: impl Into<PathBuf>, time_zone: Tz) -> Self {
        Self {
            path: path.into(),
            time_zone,
            owner: "desk".to_owned(),
            queue_max: 16_384,
            calls_max: 65_536,
            ladder_days: 30,
            ladder_bytes_max: 1_000_000_000,
            gather: Duration::from_millis(25),
            retry: Duration::from_secs(1),
            busy: Duration::from_secs(5),
            clocks: Arc::default(),
            pages_max: None,
        }
    }
}

/// What was found in the database as it was opened.
#[derive(Debug)]
pub struct Opened {
    /// The first id for this run's calls; later ones count up from it.
    pub next_call_id: i64,
    /// Calls that an earlier run left open, as they are now: ended, with the reason `interrupted`.
    pub interrupted: Vec<CallRecord>,
    /// Emergencies that still rang when an earlier run was cut off: they are alarms now.
    pub missed_emergencies: usize,
    /// Calls of the desk's own that an earlier run did not end: they are made again.
    pub errands_again: usize,
    /// Callers who are still to be called back, in the order of their places.
    pub call_backs: Vec<WaitingCallBack>,
}

/// The writer's handle. When the last clone goes, the queue is drained and the writer stops.
#[derive(Clone)]
pub struct Store(Arc<Handle>);

struct Handle {
    queue: Arc<Queue>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Held for its lock: one daemon per database.
    _lock: File,
}

impl Store {
    /// Opens or creates the database, brings it up to this version's form, ends the calls that an earlier run left open,
    /// and starts the writer. `reply` is called on the writer's thread and must not block.
    pub fn open(options: StoreOptions, reply: Box<dyn Fn(DeskReply) + Send>) -> Result<(Store, Opened), StoreError> {
        let lock = lock(&options.path)?;
        let mut connection = connection::for_writing(&options)?;
        let opened = interrupted::end_calls_of_earlier_runs(&mut connection, &options.clocks, Utc::now())
            .map_err(|source| StoreError::sqlite(&options.path, source))?;
        let queue = Arc::new(Queue::new(&options));
        let writer = Writer::new(connection, Arc::clone(&queue), reply, options);
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer.run())
            .map_err(StoreError::NoThread)?;
        Ok((Store(Arc::new(Handle { queue, writer: Mutex::new(Some(thread)), _lock: lock })), opened))
    }

    /// Hands a request to the writer; `at` is when it was made. Never waits for the disk. Call rows are not replied to;
    /// every other request that is accepted here gets exactly one reply.
    pub fn submit(&self, call: CallId, at: DateTime<Utc>, request: DeskRequest) -> Result<(), DeskError> {
        self.0.queue.submit(call, at, request)
    }

    /// Clocks that begin from now on are as long as these.
    pub fn set_clocks(&self, clocks: Arc<ClockBook>) {
        self.0.queue.set_clocks(clocks);
    }

    /// What the store has done since it was opened, and what waits.
    pub fn counters(&self) -> StoreCounters {
        self.0.queue.counters()
    }

    /// Takes no more, writes what is queued, folds the journal into the database. Gives the number of call rows that
    /// could not be written.
    pub fn shutdown(self) -> usize {
        self.0.stop();
        self.0.queue.counters().calls_waiting
    }
}

impl Handle {
    fn stop(&self) {
        self.queue.close();
        let thread = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the store's writer panicked; what was queued after that is lost");
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Takes the lock that says which process owns the database.
fn lock(database: &Path) -> Result<File, StoreError> {
    let path = database.with_extension("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|source| StoreError::NoFile { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::InUse { path: database.to_owned() }),
        Err(std::fs::TryLockError::Error(source)) => Err(StoreError::NoFile { path, source }),
    }
}

#[cfg(test)]
mod tests;
