//! Looks what is due at the desk: clocks to be warned of, and those that are over (R19, R23, R36).

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::ticket_rows::event;
use super::{StoreError, alarm_rows, clock_rows, connection};
use crate::desk::alarm::{AlarmKind, AlarmState, AlarmWord};
use crate::types::CallId;

/// Clocks that one look deals with; more wait for the next one, which follows at once.
const CLOCKS_MAX: u32 = 200;
/// Who is named in histories for what nobody did by hand.
const WHO: &str = "system";

/// What a look came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Looked {
    pub warned: usize,
    pub breached: usize,
    /// There is more to be done now.
    pub more: bool,
    /// When something is due next, as far as that is known now.
    pub next: Option<DateTime<Utc>>,
}

/// A connection of its own beside the writer's; each look is one short transaction.
#[derive(Debug)]
pub struct Clerk {
    connection: Connection,
    path: PathBuf,
}

impl Clerk {
    /// The database must exist and have this version's form.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { connection: connection::for_editing(path)?, path: path.to_owned() })
    }

    /// Warns of clocks whose warning has come, and raises an alarm for those that are over. What was told once is never
    /// told again, whatever becomes of the time of day.
    pub fn look(&mut self, now: DateTime<Utc>) -> Result<Looked, StoreError> {
        let mut run = || {
            let mut looked = Looked { next: clock_rows::next(&self.connection)?, ..Looked::default() };
            if looked.next.is_none_or(|next| next > now) {
                return Ok(looked);
            }
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            clocks(&transaction, now, &mut looked)?;
            looked.next = clock_rows::next(&transaction)?;
            looked.more = looked.next.is_some_and(|next| next <= now);
            transaction.commit()?;
            Ok(looked)
        };
        run().map_err(|source| StoreError::sqlite(&self.path, source))
    }
}

fn clocks(transaction: &Transaction<'_>, now: DateTime<Utc>, looked: &mut Looked) -> rusqlite::Result<()> {
    for clock in clock_rows::to_look_at(transaction, now, CLOCKS_MAX)? {
        if now <= clock.due {
            clock_rows::warned(transaction, clock.ticket, &clock.name, now)?;
            let until = format!("{}, due {}", clock.name, clock.due.format("%Y-%m-%d %H:%M UTC"));
            event(transaction, clock.ticket, now, WHO, "clock_warned", Some(&until))?;
            looked.warned += 1;
            continue;
        }
        clock_rows::over(transaction, clock.ticket, &clock.name, now)?;
        event(transaction, clock.ticket, now, WHO, "clock_breached", Some(&clock.name))?;
        let note = format!(
            "{} of {} was due {}; owner: {}",
            clock.name,
            clock.number,
            clock.due.format("%Y-%m-%d %H:%M UTC"),
            clock.owner
        );
        let word = AlarmWord {
            about: format!("{} {}", clock.number, clock.name),
            ticket: Some(clock.number),
            note,
            ..AlarmWord::of_call(AlarmKind::Overdue, CallId(0), AlarmState::Open)
        };
        alarm_rows::put(transaction, now, &word)?;
        looked.breached += 1;
    }
    Ok(())
}
