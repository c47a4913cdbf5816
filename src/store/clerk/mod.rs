//! Looks what is due at the desk and sees to it: clocks are warned of and alarmed (R19, R23, R36), tasks begin, go on and
//! end (R5, R26, R37).
//!
//! Each look is a few short transactions beside the writer's. What a task wants done is written in the transaction that
//! keeps its new state: nothing is done twice, and nothing is forgotten, whatever is cut off when.
//!
//! - `clocks`: those whose warning or end has come.
//! - `tasks`: what begins tasks, and what they want done.
//! - `notices`: who is told of what happened.

mod clocks;
mod notices;
mod tasks;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{StoreError, clock_rows, connection, errand_rows, happening_rows, presence_rows, task_rows};
use crate::desk::clocks::ClockBook;
use crate::desk::hours::Hours;
use crate::desk::notifications::NotifyRules;
use crate::desk::people::Directory;
use crate::desk::presence::Presences;
use crate::desk::tasks::WorkRules;

/// Who is named in histories for what nobody did by hand.
const WHO: &str = "system";
/// How far the clerk has read what happened.
const CURSOR: &str = "clerk";
/// Things that one transaction deals with; the rest follows in the next one.
const AT_ONCE: u32 = 100;

/// What the clerk knows of the desk; another one takes its place when the settings are read again.
#[derive(Debug, Clone)]
pub struct Desk {
    pub people: Arc<Directory>,
    pub hours: Arc<Hours>,
    pub rules: Arc<WorkRules>,
    pub clocks: Arc<ClockBook>,
    pub notify: Arc<NotifyRules>,
    /// Whether what callers say is written down.
    pub transcribes: bool,
}

/// What a look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Looked {
    pub warned: usize,
    pub breached: usize,
    pub tasks_begun: usize,
    pub tasks_stepped: usize,
    /// Put into the outbox.
    pub notified: usize,
    /// There is more to be done now.
    pub more: bool,
    /// When something is due next, as far as that is known now.
    pub next: Option<DateTime<Utc>>,
}

/// A connection of its own; each look is one short transaction, or none where nothing is due.
#[derive(Debug)]
pub struct Clerk {
    connection: Connection,
    path: PathBuf,
    /// Of the database, when nothing was left to be done.
    idle_at: Option<i64>,
    next: Option<DateTime<Utc>>,
}

impl Clerk {
    /// The database must exist and have this version's form.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { connection: connection::for_editing(path)?, path: path.to_owned(), idle_at: None, next: None })
    }

    /// A ceiling for the database in pages of 4096 bytes, as a full disk is one.
    #[cfg(test)]
    pub(super) fn limit_pages(&self, pages: u32) {
        self.connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).expect("it is set");
    }

    /// Does what is due. What was told once is never told again, whatever becomes of the time of day. Costs microseconds
    /// where nothing was written since and nothing is due.
    pub fn look(&mut self, now: DateTime<Utc>, desk: &Desk) -> Result<Looked, StoreError> {
        self.looked(now, desk).map_err(|source| StoreError::sqlite(&self.path, source))
    }

    fn looked(&mut self, now: DateTime<Utc>, desk: &Desk) -> rusqlite::Result<Looked> {
        let version: i64 = self.connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
        if self.idle_at == Some(version) && self.next.is_none_or(|next| next > now) {
            return Ok(Looked { next: self.next, ..Looked::default() });
        }
        self.idle_at = None;
        let mut looked = Looked { next: next(&self.connection)?, ..Looked::default() };
        if has_work(&self.connection, &looked, now)? {
            // A task that can't be read or kept stops no alarm, and what can't be told stops neither.
            let tasks = in_one(&mut self.connection, |t| work(t, now, desk, &mut looked));
            let notices = in_one(&mut self.connection, |t| tell(t, now, desk, &mut looked));
            let clocks = in_one(&mut self.connection, |t| clocks::look(t, now, &mut looked));
            tasks.and(notices).and(clocks)?;
            looked.next = next(&self.connection)?;
            looked.more = has_work(&self.connection, &looked, now)?;
        }
        self.next = looked.next;
        if !looked.more {
            self.idle_at = Some(version);
        }
        Ok(looked)
    }
}

fn in_one(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    work(&transaction)?;
    transaction.commit()
}

/// The next moment at which a clock or a task is to be looked at.
fn next(connection: &Connection) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let (clock, task) = (clock_rows::next(connection)?, task_rows::next(connection)?);
    Ok(match (clock, task) {
        (Some(clock), Some(task)) => Some(clock.min(task)),
        (one, other) => one.or(other),
    })
}

fn has_work(connection: &Connection, looked: &Looked, now: DateTime<Utc>) -> rusqlite::Result<bool> {
    let read = task_rows::cursor(connection, CURSOR)?.min(task_rows::cursor(connection, notices::CURSOR)?);
    Ok(looked.next.is_some_and(|next| next <= now)
        || happening_rows::last(connection)? > read
        || errand_rows::any_unseen(connection)?)
}

fn work(transaction: &Transaction<'_>, now: DateTime<Utc>, desk: &Desk, looked: &mut Looked) -> rusqlite::Result<()> {
    let presences = Presences::new(presence_rows::list(transaction)?);
    let at_work = tasks::AtWork { now, desk, presences: &presences };
    tasks::hear(transaction, &at_work, looked)?;
    tasks::begin(transaction, &at_work, looked)?;
    tasks::go_on(transaction, &at_work, looked)
}

fn tell(transaction: &Transaction<'_>, now: DateTime<Utc>, desk: &Desk, looked: &mut Looked) -> rusqlite::Result<()> {
    let presences = Presences::new(presence_rows::list(transaction)?);
    notices::put(transaction, &tasks::AtWork { now, desk, presences: &presences }, looked)?;
    happening_rows::trim(transaction)?;
    Ok(())
}
