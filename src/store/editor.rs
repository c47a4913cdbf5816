//! Changes by hand, from another process or the console, while the daemon writes.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rusqlite::{Connection, TransactionBehavior};

use super::ticket_rows::{Edited, Opening};
use super::work_rows::{self, By, Refused, Refusing};
use super::{
    StoreError, alarm_rows, ban_rows, connection, errand_rows, message_rows, presence_rows, resident_rows, ticket_rows,
};
use crate::desk::alarm::{AlarmId, AlarmWord};
use crate::desk::ban::BannedNetwork;
use crate::desk::clocks::{ClockBook, PauseReason};
use crate::desk::errand::{EndedErrand, ErrandId, NewErrand};
use crate::desk::message::{Attempt, MessageChange};
use crate::desk::presence::Notice;
use crate::desk::report::table::Tongue;
use crate::desk::report::tables::clock_name;
use crate::desk::residents::{ListChange, ListPreview, Resident};
use crate::desk::ticket_edit::{Closing, HandTicket, Progress, TicketEdit};
use crate::desk::told::told;
use crate::desk::workflow::{Advance, WorkSheet};
use crate::types::{MessageId, TicketNumber};

/// A connection whose every call is one short transaction; it waits up to 5 s for the daemon's.
#[derive(Debug)]
pub struct Editor {
    connection: Connection,
    path: PathBuf,
    clocks: Arc<ClockBook>,
}

impl Editor {
    /// The database must exist and have this version's form. Clocks are as long as the rule book says.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::with_clocks(path, Arc::default())
    }

    /// The same with other clocks.
    pub fn with_clocks(path: &Path, clocks: Arc<ClockBook>) -> Result<Self, StoreError> {
        Ok(Self { connection: connection::for_editing(path)?, path: path.to_owned(), clocks })
    }

    /// Opens a ticket for somebody who came, wrote, or was called (R39); its clocks run at once. `owner` is the desk's own
    /// name, for where nobody is named.
    pub fn open_by_hand(
        &mut self,
        who: &str,
        at: DateTime<Utc>,
        (time_zone, owner): (Tz, &str),
        ticket: &HandTicket,
    ) -> Result<TicketNumber, StoreError> {
        ticket.check().map_err(StoreError::Refused)?;
        let ticket = ticket.clone().with_urgency_of_category();
        let book = Arc::clone(&self.clocks);
        let opening = Opening { at, time_zone, owner, book: &book };
        self.by(who, at, |t, by| work_rows::open_by_hand(t, by, &opening, &ticket))
    }

    /// Makes one step of a ticket's workflow; refused where the table of steps has none, with what there is. `version`
    /// is the one that was seen, where it must not have changed since. Gives the stage that it stands in then.
    pub fn advance(
        &mut self,
        number: &TicketNumber,
        who: &str,
        at: DateTime<Utc>,
        version: Option<i64>,
        step: &Advance,
    ) -> Result<&'static str, StoreError> {
        self.by(who, at, |t, by| work_rows::advance(t, by, number, version, step))
    }

    /// Refuses where a ticket was changed since that version was seen.
    pub fn expect_version(&mut self, number: &TicketNumber, version: i64) -> Result<(), StoreError> {
        self.by("", DateTime::UNIX_EPOCH, |t, _| work_rows::expect(t, number, Some(version)))
    }

    /// The version that a ticket has: every change counts it up.
    pub fn version(&mut self, number: &TicketNumber) -> Result<i64, StoreError> {
        self.transaction(|t| work_rows::version(t, number))?.ok_or_else(|| unknown(number))
    }

    /// The engineering supervisor is to judge a price: 15 minutes (R27).
    pub fn request_quote(
        &mut self,
        number: &TicketNumber,
        who: &str,
        at: DateTime<Utc>,
        note: Option<&str>,
    ) -> Result<(), StoreError> {
        self.by(who, at, |t, by| work_rows::request_quote(t, by, number, note))
    }

    /// The customer was told why it lasts, and by when they hear (R36).
    pub fn progress(
        &mut self,
        number: &TicketNumber,
        who: &str,
        at: DateTime<Utc>,
        told: &Progress,
    ) -> Result<(), StoreError> {
        self.by(who, at, |t, by| work_rows::progress(t, by, number, told))
    }

    /// A clock stands still, for a listed reason.
    pub fn pause_clock(
        &mut self,
        number: &TicketNumber,
        who: &str,
        at: DateTime<Utc>,
        clock: &str,
        (reason, note): (PauseReason, Option<&str>),
    ) -> Result<(), StoreError> {
        self.by(who, at, |t, by| work_rows::pause(t, by, number, clock, reason, note))
    }

    /// A clock goes on with what it had left.
    pub fn resume_clock(
        &mut self,
        number: &TicketNumber,
        who: &str,
        at: DateTime<Utc>,
        clock: &str,
    ) -> Result<(), StoreError> {
        self.by(who, at, |t, by| work_rows::resume(t, by, number, clock))
    }

    /// A complaint whose result is reported up in writing (R38), or no more.
    pub fn set_serious(
        &mut self,
        number: &TicketNumber,
        who: &str,
        at: DateTime<Utc>,
        serious: bool,
    ) -> Result<(), StoreError> {
        self.by(who, at, |t, by| work_rows::set_serious(t, by, number, serious))
    }

    /// What a repair's work sheet says (R29).
    pub fn write_sheet(
        &mut self,
        number: &TicketNumber,
        who: &str,
        at: DateTime<Utc>,
        sheet: &WorkSheet,
    ) -> Result<(), StoreError> {
        self.by(who, at, |t, by| work_rows::write_sheet(t, by, number, sheet))
    }

    /// Adds a line to a ticket's history.
    pub fn note(&mut self, number: &TicketNumber, who: &str, at: DateTime<Utc>, text: &str) -> Result<(), StoreError> {
        if text.trim().is_empty() {
            return Err(StoreError::Refused(told!("备注是空的", "the note is empty")));
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
        self.by(who, at, |t, by| ticket_rows::close(t, by, number, closing))
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
        let book = Arc::clone(&self.clocks);
        match self.transaction(|t| ticket_rows::edit(t, By { who, at, book: &book }, number, edit))? {
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
                let zh = clock_name(clock, Tongue::Zh);
                Err(StoreError::Refused(told!(
                    "工单 {number} 的“{zh}”时限已办结",
                    "the clock `{clock}` of ticket {number} was met before"
                )))
            }
            Edited::NoClock => {
                let zh = clock_name(clock, Tongue::Zh);
                Err(StoreError::Unknown(told!(
                    "工单 {number} 正在计时的“{zh}”",
                    "a running clock `{clock}` of ticket {number}"
                )))
            }
            Edited::NoTicket => Err(unknown(number)),
        }
    }

    /// Makes a message another person's: it waits for them from now on.
    pub fn forward(&mut self, message: MessageId, to: &str, who: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        let attempt = Attempt { at, channel: "console".to_owned(), result: format!("forwarded by {who} to {to}") };
        let change =
            MessageChange { for_person: Some(to.to_owned()), attempts: vec![attempt], ..MessageChange::default() };
        self.transaction(|t| message_rows::change(t, at, message, &change))?
            .map(drop)
            .ok_or_else(|| no_message(message))
    }

    /// Notes that the person has the message (R5). Confirming twice changes nothing.
    pub fn confirm(&mut self, message: MessageId, who: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        match self.transaction(|t| message_rows::confirm(t, at, message, who))? {
            Some(_) => Ok(()),
            None => Err(no_message(message)),
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

    /// Raises an alarm that no call raises.
    pub fn raise(&mut self, word: &AlarmWord, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.transaction(|t| alarm_rows::put(t, at, word))
    }

    /// Asks the desk to make a call; the running line makes it.
    pub fn add_errand(&mut self, at: DateTime<Utc>, errand: &NewErrand) -> Result<ErrandId, StoreError> {
        self.transaction(|t| errand_rows::add(t, at, errand))
    }

    /// Calls of the desk's own that have ended, and that whoever asked for them has not seen yet; the oldest first.
    pub fn ended_errands(&mut self) -> Result<Vec<EndedErrand>, StoreError> {
        self.transaction(|t| errand_rows::ended_unseen(t, 1_000))
    }

    /// What came of it was seen.
    pub fn see_errand(&mut self, errand: ErrandId) -> Result<(), StoreError> {
        self.transaction(|t| errand_rows::seen(t, errand))
    }

    /// Takes back a call that is not begun yet.
    pub fn cancel_errand(&mut self, errand: ErrandId, who: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        let id = errand.0;
        match self.transaction(|t| errand_rows::cancel(t, at, errand, who))? {
            true => Ok(()),
            false => Err(StoreError::Refused(told!(
                "呼出任务 {id} 不在等待",
                "errand {id} does not wait: see `frontdesk errands`"
            ))),
        }
    }

    /// Notes who has seen an alarm (R41).
    pub fn acknowledge(&mut self, alarm: AlarmId, who: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        if who.trim().is_empty() {
            return Err(StoreError::Refused(told!(
                "姓名是空的：警报要有人确认",
                "the name is empty: an alarm is acknowledged by somebody"
            )));
        }
        let id = alarm.0;
        match self.transaction(|t| alarm_rows::acknowledge(t, at, alarm, who.trim()))? {
            Some(true) => Ok(()),
            Some(false) => Err(StoreError::Refused(told!("警报 {id} 已确认过", "alarm {id} was acknowledged before"))),
            None => Err(StoreError::Unknown(told!("警报 {id}", "alarm {id}"))),
        }
    }

    /// Puts residents into the list, all or none: how many are new, changed, left as they are. `replace`: those whom it does
    /// not mention go, and how many went.
    pub fn put_residents(
        &mut self,
        at: DateTime<Utc>,
        residents: &[Resident],
        replace: bool,
        dry_run: bool,
    ) -> Result<ListChange, StoreError> {
        names_somebody(residents, replace)?;
        let work = |connection: &Connection| -> rusqlite::Result<ListChange> {
            let mut change = ListChange::default();
            for resident in residents {
                match resident_rows::put(connection, at, resident)? {
                    Some(true) => change.added += 1,
                    Some(false) => change.changed += 1,
                    None => change.left += 1,
                }
            }
            if replace {
                let listed: HashSet<(&str, &str, &str)> =
                    residents.iter().map(|r| (r.building.as_str(), r.room.as_str(), r.name.as_str())).collect();
                for (id, building, room, name) in resident_rows::ids(connection)? {
                    if !listed.contains(&(building.as_str(), room.as_str(), name.as_str())) {
                        resident_rows::remove(connection, id)?;
                        change.removed += 1;
                    }
                }
            }
            Ok(change)
        };
        if dry_run { self.taken_back(work) } else { self.transaction(work) }
    }

    /// What a list would do, with at most so many residents one by one; nothing is written.
    pub fn preview_residents(
        &mut self,
        residents: &[Resident],
        replace: bool,
        rows: usize,
    ) -> Result<ListPreview, StoreError> {
        names_somebody(residents, replace)?;
        self.taken_back(|connection| resident_rows::preview(connection, residents, replace, rows))
    }

    /// Does what a preview said; `None`, and nothing, where it would be something else by now.
    pub fn put_residents_as_seen(
        &mut self,
        at: DateTime<Utc>,
        residents: &[Resident],
        replace: bool,
        digest: &str,
    ) -> Result<Option<ListChange>, StoreError> {
        if self.preview_residents(residents, replace, 0)?.digest != digest {
            return Ok(None);
        }
        self.put_residents(at, residents, replace, false).map(Some)
    }

    /// Adds a resident of a place and name that nobody has yet; gives the id.
    pub fn add_resident(&mut self, at: DateTime<Utc>, resident: &Resident) -> Result<i64, StoreError> {
        self.by("", at, |t, _| resident_rows::add(t, at, resident))
    }

    /// Writes another place, name, numbers and note for a resident.
    pub fn change_resident(&mut self, at: DateTime<Utc>, id: i64, resident: &Resident) -> Result<(), StoreError> {
        self.by("", at, |t, _| resident_rows::change(t, at, id, resident))
    }

    /// Takes a resident out of the list, with their numbers (R12).
    pub fn remove_resident(&mut self, id: i64) -> Result<(), StoreError> {
        match self.transaction(|t| resident_rows::remove(t, id))? {
            true => Ok(()),
            false => Err(StoreError::Unknown(told!("住户 {id}", "resident {id}"))),
        }
    }

    /// One transaction in somebody's name, whose refusal leaves nothing written.
    pub(super) fn by<T>(
        &mut self,
        who: &str,
        at: DateTime<Utc>,
        work: impl FnOnce(&Connection, By<'_>) -> rusqlite::Result<Refused<T>>,
    ) -> Result<T, StoreError> {
        let book = Arc::clone(&self.clocks);
        let done = self.transaction(|t| work(t, By { who, at, book: &book }))?;
        done.map_err(|refusing| match refusing {
            Refusing::Unknown(what) => StoreError::Unknown(what),
            Refusing::Because(why) => StoreError::Refused(why),
            Refusing::Changed(version) => StoreError::Changed { version },
        })
    }

    pub(super) fn transaction<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let run = || {
            if !self.connection.is_autocommit() {
                // A part of `at_once`.
                let part = self.connection.savepoint()?;
                let done = work(&part)?;
                part.commit()?;
                return Ok(done);
            }
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        };
        run().map_err(|source| StoreError::sqlite(&self.path, source))
    }

    /// What a change would come to: nothing of it is kept.
    fn taken_back<T>(&mut self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let run = || {
            if !self.connection.is_autocommit() {
                // A part of `at_once`. Dropped, it is rolled back.
                return work(&*self.connection.savepoint()?);
            }
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.rollback()?;
            Ok(done)
        };
        run().map_err(|source| StoreError::sqlite(&self.path, source))
    }

    /// Several changes as one: all of them are kept, or none.
    ///
    /// # Errors
    /// What the work says, after which nothing of it is kept; or why it can't be written.
    pub fn at_once<T, E: From<StoreError>>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.run("BEGIN IMMEDIATE")?;
        let worked = work(self);
        // Where COMMIT fails, the transaction may still be open.
        let ended = worked.and_then(|done| self.run("COMMIT").map(|()| done).map_err(E::from));
        if ended.is_err() && !self.connection.is_autocommit() {
            self.run("ROLLBACK")?;
        }
        ended
    }

    fn run(&mut self, sql: &str) -> Result<(), StoreError> {
        self.connection.execute_batch(sql).map_err(|source| StoreError::sqlite(&self.path, source))
    }
}

fn no_message(MessageId(id): MessageId) -> StoreError {
    StoreError::Unknown(told!("留言 {id}", "message {id}"))
}

fn unknown(number: &TicketNumber) -> StoreError {
    StoreError::Unknown(told!("工单 {number}", "ticket {number}"))
}

/// A list that names nobody is no list to replace everybody by.
pub(super) fn names_somebody(residents: &[Resident], replace: bool) -> Result<(), StoreError> {
    if replace && residents.is_empty() {
        return Err(StoreError::Refused(told!(
            "名单是空的，按它替换会删去所有住户：未作改动",
            "the list names nobody, and to replace by it would take everybody out: nothing was changed"
        )));
    }
    Ok(())
}
