//! What is written of tickets. Each function is part of a transaction that its caller makes.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rusqlite::{Connection, OptionalExtension, named_params, params};

use super::clock_rows::{self, Found};
use super::resident_rows;
use super::time::{At, word, word_or_null};
use super::work_rows::{self, By, Refused, Refusing};
use crate::desk::clocks::{self, ClockBook};
use crate::desk::names;
use crate::desk::ticket::{Channel, Class, Kind, Status, TicketChange, TicketDraft, Urgency};
use crate::desk::ticket_edit::{Closing, TicketEdit};
use crate::desk::ticket_number::{day_of, numbered};
use crate::desk::told::told;
use crate::desk::workflow::{self, Advance};
use crate::types::{CallId, TicketNumber};

/// When and by whom a ticket is taken on.
pub struct Opening<'a> {
    pub at: DateTime<Utc>,
    pub time_zone: Tz,
    /// Its owner from acceptance on (R13).
    pub owner: &'a str,
    pub book: &'a ClockBook,
}

/// Begins a ticket: incomplete until the caller's report is (R24). An emergency's clocks run at once (R18).
pub fn open(connection: &Connection, opening: &Opening<'_>, draft: &TicketDraft) -> rusqlite::Result<TicketNumber> {
    let number = next_number_at(connection, opening)?;
    connection
        .prepare_cached(
            "INSERT INTO tickets (number, kind, class, urgency, category, channel, status, stage, owner, caller,
                opened_at_ms, incomplete, call, language, updated_at_ms)
             VALUES (:number, :kind, :class, :urgency, :category, :channel, :status, :stage, :owner, :caller,
                :at, 1, :call, :language, :at)",
        )?
        .execute(named_params! {
            ":number": number.0,
            ":kind": draft.kind.as_str(),
            ":class": draft.class.as_str(),
            ":urgency": draft.urgency.map(|u| u.as_str()),
            ":category": draft.category,
            ":channel": Channel::Phone.as_str(),
            ":status": Status::Open.as_str(),
            ":stage": draft.kind.first_stage(),
            ":owner": opening.owner,
            ":caller": draft.caller,
            ":at": At(opening.at),
            ":call": draft.call.0,
            ":language": draft.language.as_ref().map(|language| &language.0),
        })?;
    let ticket = connection.last_insert_rowid();
    event(connection, ticket, opening.at, "system", "opened", Some(opening.owner))?;
    if clocks::start_at_opening(draft.kind, draft.class) {
        start_clocks(connection, opening.book, (ticket, draft.kind, draft.urgency), opening.at)?;
    }
    Ok(number)
}

/// Adds what the caller told. False when there is no such ticket.
pub fn change(
    connection: &Connection,
    book: &ClockBook,
    at: DateTime<Utc>,
    number: &TicketNumber,
    change: &TicketChange,
) -> rusqlite::Result<bool> {
    let Some(before) = Standing::of(connection, number)? else { return Ok(false) };
    connection
        .prepare_cached(
            "UPDATE tickets SET class = coalesce(:class, class), urgency = coalesce(:urgency, urgency),
                category = coalesce(:category, category),
                callback_number = coalesce(:callback_number, callback_number),
                building = coalesce(:building, building), room = coalesce(:room, room),
                wanted_time = coalesce(:wanted_time, wanted_time), description = coalesce(:description, description),
                recording = coalesce(:recording, recording), resident = coalesce(:resident, resident),
                incomplete = CASE WHEN :complete THEN 0 ELSE incomplete END, updated_at_ms = :at
             WHERE id = :id",
        )?
        .execute(named_params! {
            ":id": before.id,
            ":class": change.class.map(|c| c.as_str()),
            ":urgency": change.urgency.map(|u| u.as_str()),
            ":category": change.category,
            ":callback_number": change.callback_number,
            ":building": change.building,
            ":room": change.room,
            ":wanted_time": change.wanted_time,
            ":description": change.description,
            ":recording": change.recording.as_ref().map(|r| &r.0),
            ":resident": change.resident,
            ":complete": change.complete == Some(true),
            ":at": At(at),
        })?;
    let added = added(change);
    if !added.is_empty() {
        event(connection, before.id, at, "caller", "added", Some(&added))?;
    }
    if let Some(open) = &change.same_as
        && hurry(connection, at, (before.id, number), open)?
    {
        return Ok(true);
    }
    if change.complete.is_some() {
        resident_rows::link_rework(connection, at, before.id, book.warranty())?;
    }
    match change.complete {
        Some(true) => event(connection, before.id, at, "caller", "report_complete", None)?,
        Some(false) => event(connection, before.id, at, "system", "call_ended_early", None)?,
        None => {}
    }
    if let Some(note) = &change.note {
        event(connection, before.id, at, "system", "note", Some(note))?;
    }
    let urgency = before.urgency;
    let after = Standing { class: change.class.unwrap_or(before.class), urgency: change.urgency.or(urgency), ..before };
    after.keep_clocks(connection, book, urgency, at, change.complete.is_some())?;
    Ok(true)
}

/// A caller asks after what is open already: that one is hurried up, the new one is withdrawn. False, and nothing done, where
/// that one was closed meanwhile.
fn hurry(
    connection: &Connection,
    at: DateTime<Utc>,
    (id, number): (i64, &TicketNumber),
    open: &TicketNumber,
) -> rusqlite::Result<bool> {
    let Some(hurried) = Standing::of(connection, open)?.filter(|hurried| hurried.open) else { return Ok(false) };
    let caller: Option<String> =
        connection.prepare_cached("SELECT caller FROM tickets WHERE id = ?1")?.query_row([id], |row| row.get(0))?;
    let note = format!("{}, instead of {number}", caller.as_deref().unwrap_or("a caller"));
    event(connection, hurried.id, at, "caller", "urged", Some(&note))?;
    connection
        .prepare_cached(
            "UPDATE tickets SET status = 'closed', stage = 'closed', closed_at_ms = ?2, updated_at_ms = ?2,
                clocks_started_at_ms = coalesce(clocks_started_at_ms, ?2)
             WHERE id = ?1",
        )?
        .execute(params![id, At(at)])?;
    clock_rows::meet_all(connection, id, at)?;
    event(connection, id, at, "caller", "withdrawn", Some(&format!("the same as {open}")))?;
    Ok(true)
}

/// Starts the clocks of a call's tickets from its end, where nothing did before (R24): nobody said that its report was over, so
/// the end of the call is that.
pub fn start_clocks_of_call(
    connection: &Connection,
    book: &ClockBook,
    call: CallId,
    end: DateTime<Utc>,
) -> rusqlite::Result<()> {
    let unstarted: Vec<Standing> = connection
        .prepare_cached(&format!(
            "SELECT {STANDING} FROM tickets WHERE call = ?1 AND clocks_started_at_ms IS NULL AND status = 'open'"
        ))?
        .query_map([call.0], Standing::read)?
        .collect::<Result<_, _>>()?;
    unstarted.iter().try_for_each(|ticket| end_report(connection, book, ticket, end))
}

/// The report of a ticket is over without its caller's word.
fn end_report(
    connection: &Connection,
    book: &ClockBook,
    ticket: &Standing,
    end: DateTime<Utc>,
) -> rusqlite::Result<()> {
    event(connection, ticket.id, end, "system", "call_ended_early", None)?;
    start_clocks(connection, book, (ticket.id, ticket.kind, ticket.urgency), end)
}

/// The same for one ticket.
pub fn start_clocks_of_ticket(
    connection: &Connection,
    book: &ClockBook,
    ticket: i64,
    start: DateTime<Utc>,
) -> rusqlite::Result<()> {
    let standing = connection
        .prepare_cached(&format!("SELECT {STANDING} FROM tickets WHERE id = ?1"))?
        .query_row([ticket], Standing::read)?;
    end_report(connection, book, &standing, start)
}

/// Adds a line to the history. False when there is no such ticket.
pub fn note(
    connection: &Connection,
    at: DateTime<Utc>,
    number: &TicketNumber,
    who: &str,
    text: &str,
) -> rusqlite::Result<bool> {
    let Some(ticket) = Standing::of(connection, number)? else { return Ok(false) };
    event(connection, ticket.id, at, who, "note", Some(text))?;
    Ok(true)
}

/// The row of a ticket.
pub(super) fn id(connection: &Connection, number: &TicketNumber) -> rusqlite::Result<Option<i64>> {
    Ok(Standing::of(connection, number)?.map(|ticket| ticket.id))
}

/// How a change by hand went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    Done,
    NoTicket,
    /// It was already so: its clock was met.
    Already,
    NoClock,
}

/// Closes a ticket: every clock that still ran is met now. What is done is closed at the end of its way alone; what is
/// taken back, or another's matter, from anywhere.
pub fn close(
    connection: &Connection,
    by: By<'_>,
    number: &TicketNumber,
    closing: &Closing,
) -> rusqlite::Result<Refused<()>> {
    let Some(ticket) = Standing::of(connection, number)? else {
        return Ok(Err(Refusing::Unknown(told!("工单 {number}", "ticket {number}"))));
    };
    if is_closed(connection, ticket.id)? {
        return Ok(Err(Refusing::Because(told!("工单 {number} 已经关闭", "ticket {number} is closed already"))));
    }
    if let Closing::Done { note } = closing {
        let step = Advance::to(ticket.kind.last_stage()).with_note(note);
        return Ok(work_rows::advance(connection, by, number, None, &step)?.map(|_| ()));
    }
    connection.execute(
        "UPDATE tickets SET status = 'closed', closed_at_ms = ?2, updated_at_ms = ?2, stage = ?3 WHERE id = ?1",
        params![ticket.id, At(by.at), ticket.kind.last_stage()],
    )?;
    clock_rows::meet_all(connection, ticket.id, by.at)?;
    let (what, note) = closing.event();
    event(connection, ticket.id, by.at, by.who, what, Some(&note))?;
    Ok(Ok(()))
}

fn is_closed(connection: &Connection, ticket: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT status = 'closed' FROM tickets WHERE id = ?1")?
        .query_row([ticket], |row| row.get(0))
}

/// Notes that a clock's promise was kept: somebody is on site, the customer was answered.
pub fn meet_clock(
    connection: &Connection,
    at: DateTime<Utc>,
    number: &TicketNumber,
    who: &str,
    clock: &str,
) -> rusqlite::Result<Edited> {
    let Some(ticket) = Standing::of(connection, number)? else { return Ok(Edited::NoTicket) };
    match clock_rows::find(connection, ticket.id, clock)? {
        Found::None => return Ok(Edited::NoClock),
        Found::Met => return Ok(Edited::Already),
        Found::Running => {}
    }
    clock_rows::meet(connection, ticket.id, clock, at)?;
    event(connection, ticket.id, at, who, "clock_met", Some(clock))?;
    Ok(Edited::Done)
}

/// Changes fields by hand. A hand-over is a line of its own in the history (R13).
pub fn edit(
    connection: &Connection,
    By { who, at, book }: By<'_>,
    number: &TicketNumber,
    edit: &TicketEdit,
) -> rusqlite::Result<Edited> {
    let Some(before) = Standing::of(connection, number)? else { return Ok(Edited::NoTicket) };
    let owner: String =
        connection.query_row("SELECT owner FROM tickets WHERE id = ?1", [before.id], |row| row.get(0))?;
    connection.execute(
        "UPDATE tickets SET owner = coalesce(:owner, owner), urgency = coalesce(:urgency, urgency),
            category = nullif(coalesce(:category, category), ''),
            callback_number = nullif(coalesce(:callback_number, callback_number), ''),
            building = nullif(coalesce(:building, building), ''), room = nullif(coalesce(:room, room), ''),
            resident = nullif(coalesce(:resident, resident), ''),
            wanted_time = nullif(coalesce(:wanted_time, wanted_time), ''), key_left = coalesce(:key_left, key_left),
            description = nullif(coalesce(:description, description), ''), updated_at_ms = :at
         WHERE id = :id",
        named_params! {
            ":id": before.id,
            ":owner": edit.owner,
            ":urgency": edit.urgency.map(|u| u.as_str()),
            ":category": edit.category,
            ":callback_number": edit.callback_number,
            ":building": edit.building,
            ":room": edit.room,
            ":resident": edit.resident,
            ":wanted_time": edit.wanted_time,
            ":key_left": edit.key_left,
            ":description": edit.description,
            ":at": At(at),
        },
    )?;
    if let Some(next) = edit.owner.as_ref().filter(|next| **next != owner) {
        event(connection, before.id, at, who, "handed_over", Some(&format!("{owner} -> {next}")))?;
    }
    let edited = edited(edit);
    if !edited.is_empty() {
        event(connection, before.id, at, who, "changed", Some(&edited))?;
    }
    let urgency = before.urgency;
    let after = Standing { urgency: edit.urgency.or(urgency), ..before };
    after.keep_clocks(connection, book, urgency, at, false)?;
    Ok(Edited::Done)
}

/// The columns that `Standing::read` takes, in its order.
const STANDING: &str = "id, kind, class, urgency, clocks_started_at_ms, status = 'open', stage";

/// What decides a ticket's clocks.
#[derive(Debug, Clone)]
struct Standing {
    id: i64,
    kind: Kind,
    class: Class,
    urgency: Option<Urgency>,
    started: Option<At>,
    open: bool,
    stage: String,
}

impl Standing {
    fn of(connection: &Connection, number: &TicketNumber) -> rusqlite::Result<Option<Self>> {
        connection
            .prepare_cached(&format!("SELECT {STANDING} FROM tickets WHERE number = ?1"))?
            .query_row([&number.0], Self::read)
            .optional()
    }

    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            kind: word(row, 1)?,
            class: word(row, 2)?,
            urgency: word_or_null(row, 3)?,
            started: row.get(4)?,
            open: row.get(5)?,
            stage: row.get(6)?,
        })
    }

    /// Starts the clocks when the time has come; when the urgency of a repair changes while they run, those of the new
    /// urgency count from the same start.
    fn keep_clocks(
        &self,
        connection: &Connection,
        book: &ClockBook,
        before: Option<Urgency>,
        at: DateTime<Utc>,
        report_over: bool,
    ) -> rusqlite::Result<()> {
        match self.started {
            None if self.open && (report_over || clocks::start_at_opening(self.kind, self.class)) => {
                start_clocks(connection, book, (self.id, self.kind, self.urgency), at)
            }
            Some(At(started)) if self.urgency != before && self.kind == Kind::Repair && self.open => {
                for key in clocks::clocks_of(self.kind, before) {
                    clock_rows::forget_running(connection, self.id, *key)?;
                }
                for key in clocks::clocks_of(self.kind, self.urgency) {
                    if !workflow::is_kept_by(self.kind, &self.stage, key.name()) {
                        clock_rows::begin(connection, book, self.id, *key, started)?;
                    }
                }
                Ok(())
            }
            None | Some(_) => Ok(()),
        }
    }
}

/// Starts the clocks of one ticket.
pub(super) fn start_clocks(
    connection: &Connection,
    book: &ClockBook,
    (ticket, kind, urgency): (i64, Kind, Option<Urgency>),
    start: DateTime<Utc>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE tickets SET clocks_started_at_ms = ?2 WHERE id = ?1")?
        .execute(params![ticket, At(start)])?;
    for key in clocks::clocks_of(kind, urgency) {
        clock_rows::begin(connection, book, ticket, *key, start)?;
    }
    Ok(())
}

/// The next number of the day.
pub(super) fn next_number_at(connection: &Connection, opening: &Opening<'_>) -> rusqlite::Result<TicketNumber> {
    next_number(connection, &day_of(opening.at, opening.time_zone))
}

fn next_number(connection: &Connection, day: &str) -> rusqlite::Result<TicketNumber> {
    let nth: u32 = connection
        .prepare_cached(
            "INSERT INTO ticket_days (day, last) VALUES (?1, 1)
             ON CONFLICT (day) DO UPDATE SET last = last + 1 RETURNING last",
        )?
        .query_row([day], |row| row.get(0))?;
    Ok(numbered(day, nth))
}

pub(super) fn event(
    connection: &Connection,
    ticket: i64,
    at: DateTime<Utc>,
    who: &str,
    what: &str,
    note: Option<&str>,
) -> rusqlite::Result<()> {
    debug_assert!(names::is_event(what), "`{what}` has no name");
    connection
        .prepare_cached("INSERT INTO ticket_events (ticket, at_ms, who, what, note) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![ticket, At(at), who, what, note])?;
    Ok(())
}

/// The names of what the caller added, for the history.
fn added(change: &TicketChange) -> String {
    names(&[
        ("class", change.class.is_some()),
        ("urgency", change.urgency.is_some()),
        ("category", change.category.is_some()),
        ("callback_number", change.callback_number.is_some()),
        ("building", change.building.is_some()),
        ("room", change.room.is_some()),
        ("wanted_time", change.wanted_time.is_some()),
        ("description", change.description.is_some()),
        ("recording", change.recording.is_some()),
        ("resident", change.resident.is_some()),
    ])
}

/// The names of what was changed by hand, for the history; the owner has its own line.
fn edited(edit: &TicketEdit) -> String {
    names(&[
        ("urgency", edit.urgency.is_some()),
        ("category", edit.category.is_some()),
        ("callback_number", edit.callback_number.is_some()),
        ("building", edit.building.is_some()),
        ("room", edit.room.is_some()),
        ("resident", edit.resident.is_some()),
        ("wanted_time", edit.wanted_time.is_some()),
        ("key_left", edit.key_left.is_some()),
        ("description", edit.description.is_some()),
    ])
}

fn names(fields: &[(&str, bool)]) -> String {
    let given: Vec<_> = fields.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    given.join(", ")
}
