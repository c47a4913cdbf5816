//! Changes by hand, from another process or the console, while the daemon writes.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::ticket_rows::Edited;
use super::{StoreError, alarm_rows, ban_rows, connection, errand_rows, message_rows, presence_rows, ticket_rows};
use crate::desk::alarm::AlarmId;
use crate::desk::ban::BannedNetwork;
use crate::desk::errand::{EndedErrand, ErrandId, NewErrand};
use crate::desk::presence::Notice;
use crate::desk::ticket_edit::{Closing, TicketEdit};
use crate::types::{MessageId, TicketNumber};

/// A connection whose every call is one short transaction; it waits up to 5 s for the daemon's.
#[derive(Debug)]
pub struct Editor {
    connection: Connection,
    path: PathBuf,
}

impl Editor {
    /// The database must exist and have this version's form.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { connection: connection::for_editing(path)?, path: path.to_owned() })
    }

    /// Adds a line to a ticket's history.
    pub fn note(&mut self, number: &TicketNumber, who: &str, at: DateTime<Utc>, text: &str) -> Result<(), StoreError> {
        if text.trim().is_empty() {
            return Err(StoreError::Refused("the note is empty".to_owned()));
        }
        match self.transaction(|t| ticket_rows::note(t, at, number, who, text.trim()))? {
            true => Ok(()),
            false => Err(unknown(number)),
        }
    }

    /// Closes a ticket (R20).
    pub fn close(
        &mut self,
        number: &TicketNumber,
        who: &str,
        at: DateTime<Utc>,
        closing: &Closing,
    ) -> Result<(), StoreError> {
        closing.check().map_err(StoreError::Refused)?;
        match self.transaction(|t| ticket_rows::close(t, at, number, who, closing))? {
            Edited::Done => Ok(()),
            Edited::Already => Err(StoreError::Refused(format!("ticket {number} is closed already"))),
            Edited::NoTicket | Edited::NoClock => Err(unknown(number)),
        }
    }

    /// Changes fields of a ticket; a new owner is a hand-over and logged as one (R13).
    pub fn edit(
        &mut self,
        number: &TicketNumber,
        who: &str,
        at: DateTime<Utc>,
        edit: &TicketEdit,
    ) -> Result<(), StoreError> {
        edit.check().map_err(StoreError::Refused)?;
        match self.transaction(|t| ticket_rows::edit(t, at, number, who, edit))? {
            Edited::Done => Ok(()),
            Edited::Already | Edited::NoTicket | Edited::NoClock => Err(unknown(number)),
        }
    }

    /// Notes that a clock's promise was kept.
    pub fn meet_clock(
        &mut self,
        number: &TicketNumber,
        who: &str,
        at: DateTime<Utc>,
        clock: &str,
    ) -> Result<(), StoreError> {
        match self.transaction(|t| ticket_rows::meet_clock(t, at, number, who, clock))? {
            Edited::Done => Ok(()),
            Edited::Already => {
                Err(StoreError::Refused(format!("the clock `{clock}` of ticket {number} was met before")))
            }
            Edited::NoClock => Err(StoreError::Unknown(format!("a running clock `{clock}` of ticket {number}"))),
            Edited::NoTicket => Err(unknown(number)),
        }
    }

    /// Notes that the person has the message (R5). Confirming twice changes nothing.
    pub fn confirm(&mut self, message: MessageId, who: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        match self.transaction(|t| message_rows::confirm(t, at, message, who))? {
            Some(_) => Ok(()),
            None => Err(StoreError::Unknown(format!("message {}", message.0))),
        }
    }

    /// Notes where a person is; the running line knows it at its next lookup.
    pub fn set_presence(&mut self, notice: &Notice) -> Result<(), StoreError> {
        self.transaction(|t| presence_rows::set(t, notice))
    }

    /// Takes back what was said of a person: `people.toml` holds again. Whether there was anything.
    pub fn clear_presence(&mut self, extension: &str) -> Result<bool, StoreError> {
        self.transaction(|t| presence_rows::clear(t, extension))
    }

    /// Lifts a ban; the running line notices it. Whether there was one.
    pub fn lift_ban(&mut self, network: BannedNetwork) -> Result<bool, StoreError> {
        self.transaction(|t| ban_rows::lift(t, network))
    }

    /// Asks the desk to make a call; the running line makes it.
    pub fn add_errand(&mut self, at: DateTime<Utc>, errand: &NewErrand) -> Result<ErrandId, StoreError> {
        self.transaction(|t| errand_rows::add(t, at, errand))
    }

    /// Calls of the desk's own that have ended, and that whoever asked for them has not seen yet; the oldest first.
    pub fn ended_errands(&mut self) -> Result<Vec<EndedErrand>, StoreError> {
        self.transaction(|t| errand_rows::ended_unseen(t))
    }

    /// What came of it was seen.
    pub fn see_errand(&mut self, errand: ErrandId) -> Result<(), StoreError> {
        self.transaction(|t| errand_rows::seen(t, errand))
    }

    /// Takes back a call that is not begun yet.
    pub fn cancel_errand(&mut self, errand: ErrandId, who: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        match self.transaction(|t| errand_rows::cancel(t, at, errand, who))? {
            true => Ok(()),
            false => Err(StoreError::Refused(format!("errand {} does not wait: see `frontdesk errands`", errand.0))),
        }
    }

    /// Notes who has seen an alarm (R41).
    pub fn acknowledge(&mut self, alarm: AlarmId, who: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        if who.trim().is_empty() {
            return Err(StoreError::Refused("the name is empty: an alarm is acknowledged by somebody".to_owned()));
        }
        match self.transaction(|t| alarm_rows::acknowledge(t, at, alarm, who.trim()))? {
            Some(true) => Ok(()),
            Some(false) => Err(StoreError::Refused(format!("alarm {} was acknowledged before", alarm.0))),
            None => Err(StoreError::Unknown(format!("alarm {}", alarm.0))),
        }
    }

    fn transaction<T>(&mut self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let run = || {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        };
        run().map_err(|source| StoreError::sqlite(&self.path, source))
    }
}

fn unknown(number: &TicketNumber) -> StoreError {
    StoreError::Unknown(format!("ticket {number}"))
}
