//! A ticket's way: what is opened by hand, each step of its workflow, its clocks by hand. Each function is part of a
//! transaction that its caller makes, and writes nothing where it refuses.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, named_params, params};

use super::call_rows;
use super::clock_rows;
use super::resident_rows;
use super::ticket_rows::{self, Opening, event};
use super::time::{At, word, word_or_null};
use crate::desk::clocks::{self, ClockBook, ClockKey, PauseReason};
use crate::desk::report::table::Tongue;
use crate::desk::report::tables::clock_name;
use crate::desk::ticket::{Kind, Status};
use crate::desk::ticket_edit::{HandTicket, Progress};
use crate::desk::told::{Told, told};
use crate::desk::workflow::{self, Advance, Move, Standing};
use crate::types::TicketNumber;

/// Who does it, and when, by which clocks.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    pub who: &'a str,
    pub at: DateTime<Utc>,
    pub book: &'a ClockBook,
}

/// Why nothing was written: said to people.
pub type Refused<T> = Result<T, Refusing>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusing {
    /// There is no such ticket or clock.
    Unknown(Told),
    /// Why it can't be.
    Because(Told),
    /// Somebody else changed it meanwhile: the version it has now.
    Changed(i64),
}

/// A ticket as its workflow sees it.
struct Known {
    id: i64,
    version: i64,
    standing: Standing,
}

fn known(connection: &Connection, number: &TicketNumber) -> rusqlite::Result<Option<Known>> {
    connection
        .prepare_cached(
            "SELECT id, version, kind, urgency, stage, status, quote, engineer, awaiting, responsible IS NOT NULL,
                (SELECT max(max(c.breached_at_ms, c.due_at_ms)) FROM ticket_clocks c WHERE c.ticket = t.id
                    AND c.met_at_ms IS NULL AND c.breached_at_ms IS NOT NULL AND c.next_at_ms IS NULL
                    AND NOT EXISTS (SELECT 1 FROM ticket_events e WHERE e.ticket = t.id AND e.what = 'progress'
                        AND e.at_ms >= max(c.breached_at_ms, c.due_at_ms)))
             FROM tickets t WHERE number = ?1",
        )?
        .query_row([&number.0], |row| {
            let standing = Standing {
                kind: word(row, 2)?,
                urgency: word_or_null(row, 3)?,
                stage: row.get(4)?,
                closed: row.get::<_, String>(5)? == Status::Closed.as_str(),
                quote: word_or_null(row, 6)?,
                engineer: row.get(7)?,
                awaiting: row.get(8)?,
                assigned: row.get(9)?,
                overdue_untold: row.get::<_, Option<At>>(10)?.map(|at| at.0),
            };
            Ok(Known { id: row.get(0)?, version: row.get(1)?, standing })
        })
        .optional()
}

fn wanted(connection: &Connection, number: &TicketNumber, version: Option<i64>) -> rusqlite::Result<Refused<Known>> {
    let Some(known) = known(connection, number)? else {
        return Ok(Err(Refusing::Unknown(told!("工单 {number}", "ticket {number}"))));
    };
    match version.filter(|version| *version != known.version) {
        Some(_) => Ok(Err(Refusing::Changed(known.version))),
        None => Ok(Ok(known)),
    }
}

macro_rules! ok_or_refused {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(refusing) => return Ok(Err(refusing)),
        }
    };
}

/// The version that a ticket has; every change of it counts up.
pub fn version(connection: &Connection, number: &TicketNumber) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT version FROM tickets WHERE number = ?1")?
        .query_row([&number.0], |row| row.get(0))
        .optional()
}

/// Refuses where the ticket is not of that version any more.
pub fn expect(connection: &Connection, number: &TicketNumber, version: Option<i64>) -> rusqlite::Result<Refused<()>> {
    Ok(wanted(connection, number, version)?.map(|_| ()))
}

/// Makes one step. Gives the stage that the ticket stands in then.
pub fn advance(
    connection: &Connection,
    by: By<'_>,
    number: &TicketNumber,
    version: Option<i64>,
    step: &Advance,
) -> rusqlite::Result<Refused<&'static str>> {
    let known = ok_or_refused!(wanted(connection, number, version)?);
    if let Err(why) = step.sheet.check() {
        return Ok(Err(Refusing::Because(why)));
    }
    let made = match workflow::advance(&known.standing, step) {
        Ok(made) => made,
        Err(refusal) => return Ok(Err(Refusing::Because(refusal.told(by.book.time_zone())))),
    };
    write_step(connection, by, &known, step, &made)?;
    keep_clocks(connection, by, &known, &made)?;
    event(connection, known.id, by.at, by.who, made.event, history_note(step, &known).as_deref())?;
    go_on_after(connection, by, &known, &made)?;
    if made.closes {
        clock_rows::meet_all(connection, known.id, by.at)?;
    }
    Ok(Ok(made.stage))
}

fn write_step(connection: &Connection, by: By<'_>, known: &Known, step: &Advance, made: &Move) -> rusqlite::Result<()> {
    let trimmed =
        |text: &Option<String>| text.as_ref().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    connection
        .prepare_cached(
            "UPDATE tickets SET stage = :stage, status = :status,
                engineer = CASE WHEN :reopens THEN NULL ELSE coalesce(:engineer, engineer) END,
                responsible = coalesce(:responsible, responsible), nature = coalesce(:nature, nature),
                quote = coalesce(:quote, quote), quote_cents = coalesce(:price, quote_cents),
                work_done = coalesce(:work_done, work_done), materials = coalesce(:materials, materials),
                material_cents = coalesce(:material_cents, material_cents),
                labour_cents = coalesce(:labour_cents, labour_cents),
                satisfaction = coalesce(:satisfaction, satisfaction), reopened = reopened + :reopens,
                repaired_at_ms = CASE WHEN :reopens THEN NULL WHEN :stage = 'repaired' THEN :at ELSE repaired_at_ms END,
                awaiting = CASE WHEN :stage = 'accepted_by_customer' OR :reopens THEN NULL
                    WHEN :stage = 'repaired' AND category = 'roof_leak' THEN 'rain' ELSE awaiting END,
                clocks_started_at_ms = CASE WHEN :reopens THEN :at ELSE clocks_started_at_ms END,
                closed_at_ms = CASE WHEN :closes THEN :at ELSE NULL END, updated_at_ms = :at
             WHERE id = :id",
        )?
        .execute(named_params! {
            ":id": known.id,
            ":stage": made.stage,
            ":status": if made.closes { Status::Closed.as_str() } else { Status::Open.as_str() },
            ":reopens": made.reopens,
            ":closes": made.closes,
            ":engineer": trimmed(&step.engineer),
            ":responsible": trimmed(&step.responsible),
            ":nature": step.nature.map(|nature| nature.as_str()),
            ":quote": made.quote.map(|quote| quote.as_str()),
            ":price": step.price_cents,
            ":work_done": step.sheet.work_done,
            ":materials": step.sheet.materials,
            ":material_cents": step.sheet.material_cents,
            ":labour_cents": step.sheet.labour_cents,
            ":satisfaction": step.satisfaction.map(|said| said.as_str()),
            ":at": At(by.at),
        })?;
    Ok(())
}

fn keep_clocks(connection: &Connection, by: By<'_>, known: &Known, made: &Move) -> rusqlite::Result<()> {
    for name in &made.meets {
        clock_rows::meet(connection, known.id, name, by.at)?;
    }
    for name in made.takes_back {
        clock_rows::take_back(connection, known.id, name)?;
    }
    let Standing { kind, urgency, .. } = known.standing;
    if made.reopens && kind == Kind::Repair {
        for key in clocks::clocks_of(kind, urgency) {
            clock_rows::begin_anew(connection, by.book, known.id, *key, by.at)?;
        }
    }
    for key in &made.starts {
        clock_rows::begin_anew(connection, by.book, known.id, *key, by.at)?;
    }
    Ok(())
}

/// Clocks that stood still for a reason which is over with this step.
fn go_on_after(connection: &Connection, by: By<'_>, known: &Known, made: &Move) -> rusqlite::Result<()> {
    for reason in PauseReason::over_with(made.event, made.stage) {
        for (name, left) in clock_rows::paused_for(connection, known.id, *reason)? {
            let Some(key) = ClockKey::of(known.standing.kind, known.standing.urgency, &name) else { continue };
            clock_rows::set_times(connection, known.id, &name, by.book.resumed(key, by.at, left))?;
            event(connection, known.id, by.at, by.who, "clock_resumed", Some(&name))?;
        }
    }
    Ok(())
}

/// What the history says of a step: who is sent, what it costs, what was said.
fn history_note(step: &Advance, known: &Known) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    let sent = step.engineer.as_ref().or(known.standing.engineer.as_ref().filter(|_| step.to == "accepted"));
    if let Some(engineer) = sent.filter(|_| matches!(step.to.as_str(), "dispatched" | "accepted")) {
        parts.push(engineer.trim().to_owned());
    }
    if let Some(cents) = step.price_cents.filter(|_| step.to == "quoted") {
        parts.push(format!("{}.{:02}", cents / 100, cents % 100));
    }
    let told = |to: &[&str]| to.contains(&step.to.as_str());
    parts.extend(step.nature.filter(|_| told(&["analyse"])).map(|nature| nature.to_string()));
    parts.extend(step.responsible.as_ref().filter(|_| told(&["handle"])).map(|name| name.trim().to_owned()));
    parts.extend(step.satisfaction.filter(|_| told(&["sum_up", "followed_up"])).map(|said| said.to_string()));
    parts.extend(step.note.as_ref().map(|note| note.trim().to_owned()));
    parts.retain(|part| !part.is_empty());
    (!parts.is_empty()).then(|| parts.join(": "))
}

/// The price is to be judged: its clock begins (R27).
pub fn request_quote(
    connection: &Connection,
    by: By<'_>,
    number: &TicketNumber,
    note: Option<&str>,
) -> rusqlite::Result<Refused<()>> {
    let known = ok_or_refused!(wanted(connection, number, None)?);
    let standing = &known.standing;
    if standing.kind != Kind::Repair || !matches!(standing.stage.as_str(), "accepted" | "on_site") {
        let stage = &standing.stage;
        return Ok(Err(Refusing::Because(told!(
            "工程师接单后才能请求核价（R27）",
            "a price is asked for once an engineer has a repair (R27); {number} is at `{stage}`"
        ))));
    }
    connection
        .prepare_cached("UPDATE tickets SET quote = 'requested', updated_at_ms = ?2 WHERE id = ?1")?
        .execute(params![known.id, At(by.at)])?;
    clock_rows::begin_anew(connection, by.book, known.id, ClockKey::Quote, by.at)?;
    event(connection, known.id, by.at, by.who, "quote_requested", note)?;
    Ok(Ok(()))
}

/// The customer was told why it lasts, and by when (R36): from then on the reply is due at that time.
pub fn progress(
    connection: &Connection,
    by: By<'_>,
    number: &TicketNumber,
    told: &Progress,
) -> rusqlite::Result<Refused<()>> {
    let known = ok_or_refused!(wanted(connection, number, None)?);
    if let Err(why) = told.check(by.at) {
        return Ok(Err(Refusing::Because(why)));
    }
    if known.standing.closed {
        return Ok(Err(Refusing::Because(told!("工单 {number} 已关闭", "ticket {number} is closed"))));
    }
    if let Some(until) = told.until
        && clock_rows::running(connection, known.id, "reply")?.is_some()
        && let Some(key) = ClockKey::of(known.standing.kind, known.standing.urgency, "reply")
    {
        clock_rows::set_times(connection, known.id, "reply", by.book.promised(key, by.at, until))?;
    }
    let until = told.until.map(|at| format!(" (by {})", at.format("%Y-%m-%d %H:%M UTC"))).unwrap_or_default();
    event(connection, known.id, by.at, by.who, "progress", Some(&format!("{}{until}", told.note.trim())))?;
    Ok(Ok(()))
}

/// A clock stands still, for a listed reason.
pub fn pause(
    connection: &Connection,
    by: By<'_>,
    number: &TicketNumber,
    name: &str,
    reason: PauseReason,
    note: Option<&str>,
) -> rusqlite::Result<Refused<()>> {
    let (known, key) = ok_or_refused!(with_clock(connection, number, name)?);
    let zh = clock_name(name, Tongue::Zh);
    if !key.can_pause() {
        return Ok(Err(Refusing::Because(told!(
            "“{zh}”时限不能暂停：答复不能等",
            "the clock `{name}` can't be paused: an answer does not wait"
        ))));
    }
    let Some(clock) = clock_rows::running(connection, known.id, name)? else {
        return Ok(Err(Refusing::Because(told!(
            "工单 {number} 的“{zh}”时限已办结",
            "the clock `{name}` of ticket {number} was met before"
        ))));
    };
    if clock.paused.is_some() {
        return Ok(Err(Refusing::Because(told!(
            "工单 {number} 的“{zh}”时限已暂停",
            "the clock `{name}` of ticket {number} stands still already"
        ))));
    }
    if clock.breached || by.at > clock.due {
        return Ok(Err(Refusing::Because(told!(
            "工单 {number} 的“{zh}”时限已超，不能再暂停：请告知客户原因和期限（R36）",
            "the clock `{name}` of ticket {number} is overdue: it can't be paused any more; tell the customer why and by when (R36)"
        ))));
    }
    clock_rows::pause(connection, known.id, name, by.at, reason, by.book.left(key, by.at, clock.due))?;
    let why = note.map(|note| format!(": {}", note.trim())).unwrap_or_default();
    event(connection, known.id, by.at, by.who, "clock_paused", Some(&format!("{name}, {reason}{why}")))?;
    Ok(Ok(()))
}

/// A clock goes on.
pub fn resume(connection: &Connection, by: By<'_>, number: &TicketNumber, name: &str) -> rusqlite::Result<Refused<()>> {
    let (known, key) = ok_or_refused!(with_clock(connection, number, name)?);
    let paused = clock_rows::running(connection, known.id, name)?.and_then(|clock| clock.paused);
    let Some((_, _, left)) = paused else {
        let zh = clock_name(name, Tongue::Zh);
        return Ok(Err(Refusing::Because(told!(
            "工单 {number} 的“{zh}”时限没有暂停",
            "the clock `{name}` of ticket {number} does not stand still"
        ))));
    };
    clock_rows::set_times(connection, known.id, name, by.book.resumed(key, by.at, left))?;
    event(connection, known.id, by.at, by.who, "clock_resumed", Some(name))?;
    Ok(Ok(()))
}

fn with_clock(
    connection: &Connection,
    number: &TicketNumber,
    name: &str,
) -> rusqlite::Result<Refused<(Known, ClockKey)>> {
    let known = ok_or_refused!(wanted(connection, number, None)?);
    let key = ClockKey::of(known.standing.kind, known.standing.urgency, name);
    match (key, clock_rows::find(connection, known.id, name)?) {
        (Some(key), clock_rows::Found::Met | clock_rows::Found::Running) => Ok(Ok((known, key))),
        _ => {
            let zh = clock_name(name, Tongue::Zh);
            let what = told!("工单 {number} 的“{zh}”时限", "a clock `{name}` of ticket {number}");
            Ok(Err(Refusing::Unknown(what)))
        }
    }
}

/// Opens a ticket that no call made: somebody came, wrote, or was called (R39). Its clocks run at once.
pub fn open_by_hand(
    connection: &Connection,
    by: By<'_>,
    opening: &Opening<'_>,
    ticket: &HandTicket,
) -> rusqlite::Result<Refused<TicketNumber>> {
    if let Some(call) = ticket.call
        && call_rows::one(connection, call)?.is_none()
    {
        return Ok(Err(Refusing::Because(told!("没有通话 {call}", "there is no call {call}"))));
    }
    let number = ticket_rows::next_number_at(connection, opening)?;
    let owner = ticket.owner.as_deref().map(str::trim).filter(|owner| !owner.is_empty()).unwrap_or(opening.owner);
    connection
        .prepare_cached(
            "INSERT INTO tickets (number, kind, class, urgency, category, channel, status, stage, owner, caller,
                callback_number, building, room, resident, wanted_time, key_left, description, serious, call,
                opened_at_ms, incomplete, updated_at_ms)
             VALUES (:number, :kind, :class, :urgency, :category, :channel, 'open', :stage, :owner, :caller,
                :callback_number, :building, :room, :resident, :wanted_time, :key_left, :description, :serious, :call,
                :at, 0, :at)",
        )?
        .execute(named_params! {
            ":number": number.0,
            ":kind": ticket.kind.as_str(),
            ":class": ticket.class().as_str(),
            ":urgency": ticket.urgency.map(|urgency| urgency.as_str()),
            ":category": ticket.category,
            ":channel": ticket.channel.as_str(),
            ":stage": ticket.kind.first_stage(),
            ":owner": owner,
            ":caller": ticket.caller,
            ":callback_number": ticket.callback_number,
            ":building": ticket.building,
            ":room": ticket.room,
            ":resident": ticket.resident,
            ":wanted_time": ticket.wanted_time,
            ":key_left": ticket.key_left,
            ":description": ticket.description,
            ":serious": ticket.serious,
            ":call": ticket.call.map(|call| call.0),
            ":at": At(by.at),
        })?;
    let id = connection.last_insert_rowid();
    if let Some(call) = ticket.call {
        call_rows::add_ticket(connection, call, &number)?;
    }
    event(connection, id, by.at, by.who, "opened", Some(owner))?;
    resident_rows::link_rework(connection, by.at, id, by.book.warranty())?;
    event(connection, id, by.at, by.who, "report_complete", None)?;
    ticket_rows::start_clocks(connection, by.book, (id, ticket.kind, ticket.urgency), by.at)?;
    Ok(Ok(number))
}

/// Flags a complaint as one whose results are reported up in writing (R38), or takes that back.
pub fn set_serious(
    connection: &Connection,
    by: By<'_>,
    number: &TicketNumber,
    serious: bool,
) -> rusqlite::Result<Refused<()>> {
    let known = ok_or_refused!(wanted(connection, number, None)?);
    if known.standing.kind != Kind::Complaint {
        return Ok(Err(Refusing::Because(told!(
            "只有投诉可列为重大上报（R38）",
            "only complaints are reported up as serious (R38)"
        ))));
    }
    connection.prepare_cached("UPDATE tickets SET serious = ?2 WHERE id = ?1")?.execute(params![known.id, serious])?;
    event(connection, known.id, by.at, by.who, if serious { "serious" } else { "not_serious" }, None)?;
    Ok(Ok(()))
}

/// What the work sheet says (R29), also after the step that it belongs to: corrected, with a line in the history.
pub fn write_sheet(
    connection: &Connection,
    by: By<'_>,
    number: &TicketNumber,
    sheet: &workflow::WorkSheet,
) -> rusqlite::Result<Refused<()>> {
    let known = ok_or_refused!(wanted(connection, number, None)?);
    if let Err(why) = sheet.check() {
        return Ok(Err(Refusing::Because(why)));
    }
    if known.standing.kind != Kind::Repair {
        return Ok(Err(Refusing::Because(told!(
            "只有报修工单有任务单（R29）",
            "only repairs have a work sheet (R29)"
        ))));
    }
    connection
        .prepare_cached(
            "UPDATE tickets SET work_done = nullif(coalesce(?2, work_done), ''), materials = nullif(coalesce(?3, materials), ''),
                material_cents = coalesce(?4, material_cents), labour_cents = coalesce(?5, labour_cents), updated_at_ms = ?6
             WHERE id = ?1",
        )?
        .execute(params![known.id, sheet.work_done, sheet.materials, sheet.material_cents, sheet.labour_cents, At(by.at)])?;
    let said = [
        sheet.work_done.as_ref().map(|text| format!("work: {text}")),
        sheet.materials.as_ref().map(|text| format!("materials: {text}")),
        sheet.material_cents.map(|cents| format!("material cost: {}.{:02}", cents / 100, cents % 100)),
        sheet.labour_cents.map(|cents| format!("labour cost: {}.{:02}", cents / 100, cents % 100)),
    ];
    let said: Vec<String> = said.into_iter().flatten().collect();
    event(connection, known.id, by.at, by.who, "work_sheet", Some(&said.join("; ")))?;
    Ok(Ok(()))
}
