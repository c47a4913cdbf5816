//! The outbox as whoever sends sees it: what is due, and what came of it. A connection of its own beside the writer's; each
//! step is one short transaction.
//!
//! What is taken is marked before it is sent, and its end is written before the next look: a run that is cut off between
//! the two sends it again under the same id, by which receivers know a repeat. Nothing else is ever sent twice.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{StoreError, connection, message_rows, notification_rows};
use crate::desk::message::{Attempt, MessageChange, Relay};
use crate::desk::notifications::{
    Delivery, DueNotification, NoticeContent, NotificationState, NotifyRules, channel_name,
};

/// See the module.
#[derive(Debug)]
pub struct Outbox {
    connection: Connection,
    path: PathBuf,
}

impl Outbox {
    /// The database must exist and have this version's form. What an earlier run was sending as it was cut off is due now;
    /// and how many those are.
    pub fn open(path: &Path, now: DateTime<Utc>) -> Result<(Self, usize), StoreError> {
        let connection = connection::for_editing(path)?;
        let again = notification_rows::again_after_a_crash(&connection, now);
        let again = again.map_err(|source| StoreError::sqlite(path, source))?;
        Ok((Self { connection, path: path.to_owned() }, again))
    }

    /// Changes whenever another connection has written.
    pub fn version(&self) -> Result<i64, StoreError> {
        let version = self.connection.pragma_query_value(None, "data_version", |row| row.get(0));
        version.map_err(|source| StoreError::sqlite(&self.path, source))
    }

    /// Those that are due, at most so many and none of the channels `full`, marked as being sent; and when the next one is
    /// due.
    pub fn take(
        &mut self,
        now: DateTime<Utc>,
        limit: u32,
        full: &[&str],
    ) -> Result<(Vec<DueNotification>, Option<DateTime<Utc>>), StoreError> {
        let mut take = || {
            let next = notification_rows::next(&self.connection)?;
            if limit == 0 || next.is_none_or(|next| next > now) {
                return Ok((Vec::new(), next));
            }
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let due = notification_rows::due(&transaction, now, limit, full)?;
            for one in &due {
                notification_rows::begin_try(&transaction, one.id)?;
            }
            let next = notification_rows::next(&transaction)?;
            transaction.commit()?;
            Ok((due, next))
        };
        take().map_err(|source| StoreError::sqlite(&self.path, source))
    }

    /// Keeps what a try came to, with all that follows from it.
    pub fn delivered(
        &mut self,
        now: DateTime<Utc>,
        rules: &NotifyRules,
        due: &DueNotification,
        delivery: &Delivery,
    ) -> Result<Told, StoreError> {
        let mut keep = || {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let told = keep(&transaction, now, rules, due, delivery)?;
            transaction.commit()?;
            Ok(told)
        };
        keep().map_err(|source| StoreError::sqlite(&self.path, source))
    }
}

/// What is worth a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// It is given up.
    pub failed: bool,
    /// The channel is an alarm from now on.
    pub alarmed: bool,
    /// The channel works again.
    pub works_again: bool,
}

fn keep(
    t: &Transaction<'_>,
    now: DateTime<Utc>,
    rules: &NotifyRules,
    due: &DueNotification,
    delivery: &Delivery,
) -> rusqlite::Result<Told> {
    let channel = channel_name(due.channel, &due.recipient);
    let mut told = Told::default();
    match delivery {
        Delivery::Sent => {
            notification_rows::end(t, now, due.id, NotificationState::Sent, None)?;
            told.works_again = notification_rows::channel_works(t, &channel)?;
            pass_on(t, now, due, "sent", Some(Relay::Notified))?;
        }
        Delivery::Again(error) => {
            let error = notification_rows::cut(error);
            told.alarmed = notification_rows::fail_channel(t, now, rules, &channel, &error)?;
            told.failed = !put_off(t, now, rules, due, &error)?;
        }
        Delivery::Absent(error) => told.failed = !put_off(t, now, rules, due, &notification_rows::cut(error))?,
        Delivery::Refused(error) => {
            let error = notification_rows::cut(error);
            told.failed = true;
            give_up(t, now, due, &error)?;
            notification_rows::alarm(t, now, &format!("{} {}", due.channel, due.recipient), error)?;
            told.alarmed = true;
        }
        Delivery::Dropped(error) => {
            told.failed = true;
            give_up(t, now, due, &notification_rows::cut(error))?;
        }
    }
    Ok(told)
}

/// It is tried again, or given up. Whether it is tried again.
fn put_off(
    t: &Transaction<'_>,
    now: DateTime<Utc>,
    rules: &NotifyRules,
    due: &DueNotification,
    error: &str,
) -> rusqlite::Result<bool> {
    let Some(again) = rules.next_try(due.tries, due.created_at, now) else {
        give_up(t, now, due, error)?;
        return Ok(false);
    };
    let again = if waits_for_morning(due) { rules.when_awake(again) } else { again };
    notification_rows::put_off(t, due.id, again, error)?;
    Ok(true)
}

fn give_up(t: &Transaction<'_>, now: DateTime<Utc>, due: &DueNotification, error: &str) -> rusqlite::Result<()> {
    notification_rows::end(t, now, due.id, NotificationState::Failed, Some(error))?;
    pass_on(t, now, due, &format!("failed: {error}"), None)
}

/// A message's note that was sent, or given up, is a try to pass it on (R5).
fn pass_on(
    t: &Transaction<'_>,
    now: DateTime<Utc>,
    due: &DueNotification,
    result: &str,
    relay: Option<Relay>,
) -> rusqlite::Result<()> {
    let NoticeContent::Note(note) = &due.content else { return Ok(()) };
    let Some(message) = note.message else { return Ok(()) };
    let attempt =
        Attempt { at: now, channel: format!("{}: {}", due.channel, due.recipient), result: result.to_owned() };
    // Told of is less than escalated, heard or confirmed: none of those is taken back.
    let pending = message_rows::one(t, message)?.is_some_and(|message| message.relay == Relay::Pending);
    let change = MessageChange { relay: relay.filter(|_| pending), attempts: vec![attempt], ..Default::default() };
    message_rows::change(t, now, message, &change)?;
    Ok(())
}

fn waits_for_morning(due: &DueNotification) -> bool {
    matches!(&due.content, NoticeContent::Note(note) if !note.at_once)
}
