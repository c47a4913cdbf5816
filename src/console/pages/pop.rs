//! Somebody who calls, on the receptionist's screen before hello is said (R11): who they are, where they live, what is open for
//! them, what they said a minute ago; and what is done with them: notes, tickets, a transfer, back to the menu. All of it by
//! keys (`?` lists them).

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};

use super::account::{Said, change};
use super::board::{Shown, Words};
use super::form::Form;
use super::frame::Frame;
use super::tickets::change_from;
use super::{Paged, done, page, shown, words};
use crate::console::board::{KnownCall, Seen};
use crate::console::gate::Visitor;
use crate::console::problem::{ProblemDetails, wrong};
use crate::console::shared::Shared;
use crate::desk::call_record::{CallRecord, Direction};
use crate::desk::category::{CATEGORIES, Category};
use crate::desk::live::{Phase, Steer, SteerOrder};
use crate::desk::people::{Duty, Person};
use crate::desk::presence::Presences;
use crate::desk::privacy::{Kept, Role, Surface};
use crate::desk::report::table::Both;
use crate::desk::residents::Resident;
use crate::desk::ticket::{Channel, Kind, Status, Ticket};
use crate::desk::ticket_edit::HandTicket;
use crate::desk::workflow::{Advance, Need, edges};
use crate::sheets::call_log;
use crate::store::{CallFilter, Reader, ResidentFilter, TicketFilter};
use crate::types::{CallId, TicketNumber};

pub fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/pop/{call}", get(pop))
        .route("/pop/{call}/transfer", post(transfer))
        .route("/pop/{call}/back", post(back))
        .route("/pop/{call}/park", post(park))
        .route("/pop/{call}/pick-up", post(pick_up))
        .route("/pop/{call}/note", post(note))
        .route("/pop/{call}/ticket", post(open))
        .route("/pop/{call}/advance", post(advance))
}

/// Residents, tickets and calls of one caller that are shown.
const RESIDENTS_MAX: u32 = 8;
const TICKETS_MAX: u32 = 8;
const CALLS_MAX: u32 = 6;

/// What the desk knows of a caller.
struct Caller {
    /// As it may be seen by whoever looks.
    number: Option<String>,
    name: Option<String>,
    residents: Vec<Resident>,
    tickets: Vec<TicketRow>,
    /// Earlier ones, the newest first.
    calls: Vec<CallRecord>,
    presences: Presences,
    over: Option<CallRecord>,
}

/// A ticket that is open for the caller, and what can be done with it at once.
struct TicketRow {
    ticket: Ticket,
    /// It was opened by this call.
    is_own: bool,
    steps: Vec<Step>,
    next: Option<(String, DateTime<Utc>)>,
}

/// A step that needs no more than a note and somebody who is sent.
struct Step {
    to: &'static str,
    name: String,
    note: bool,
    engineer: bool,
}

#[derive(Template)]
#[template(path = "pop.html")]
struct PopPage<'a> {
    frame: Frame,
    id: CallId,
    caller: Caller,
    now: String,
    people: Vec<(&'a Person, &'static str)>,
    categories: &'static [Category],
    /// Where the first of the residents lives, or what the caller keyed.
    place: (String, String),
    settings: &'a crate::console::DeskSettings,
}

impl TicketRow {
    fn sends(&self) -> bool {
        self.steps.iter().any(|step| step.engineer)
    }
}

impl PopPage<'_> {
    fn kinds(&self) -> &'static [Kind] {
        Kind::ALL
    }

    fn kind(&self, kind: &Kind) -> &'static str {
        words::kind(*kind, self.frame.tongue)
    }

    fn category(&self, category: &Category) -> &'static str {
        Both::new(category.zh, category.en).of(self.frame.tongue)
    }

    fn about(&self, ticket: &Ticket) -> String {
        let category = ticket.category.as_deref().map(|key| words::category(key, self.frame.tongue));
        category.unwrap_or_else(|| words::kind(ticket.kind, self.frame.tongue).to_owned())
    }

    fn stage(&self, ticket: &Ticket) -> String {
        words::stage(ticket.kind, &ticket.stage, self.frame.tongue)
    }

    fn words(&self) -> Words<'_> {
        Words { settings: self.settings, tongue: self.frame.tongue, now: self.frame.now }
    }

    /// Who may be sent.
    fn engineers(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().map(|(person, _)| *person).filter(|person| person.duty.contains(&Duty::Engineer))
    }

    fn outcome(&self, call: &CallRecord) -> &'static str {
        let outcome = call.outcome.map(call_log::outcome);
        outcome.unwrap_or(Both::new("进行中", "going on")).of(self.frame.tongue)
    }

    fn person(&self, extension: &str) -> String {
        self.words().person(extension)
    }
}

async fn pop(
    State(shared): State<Arc<Shared>>,
    visitor: Visitor,
    Path(call): Path<i64>,
    Query(Said { said }): Query<Said>,
) -> Paged {
    let id = CallId(call);
    let seen = shared.board.now().await;
    let known = find(&seen, id).cloned();
    may_see(&visitor, known.as_ref())?;
    let by = visitor.clone();
    let caller = shown(&shared, &visitor, {
        let known = known.clone();
        move |reader| look_up(reader, &by, id, known.as_ref())
    });
    let caller = caller.await?;
    let settings = Arc::clone(&visitor.settings);
    let page_words = Words { settings: &settings, tongue: visitor.tongue, now: visitor.now };
    let now = now_part(page_words, &visitor, id, known.as_ref());
    let people = settings.people.people().iter().map(|person| {
        let standing = caller.presences.of(person, settings.time_zone, visitor.now);
        (person, words::whereabouts(standing.state).of(visitor.tongue))
    });
    let place = place_of(&caller);
    let title = Both::new("来电", "Caller").of(visitor.tongue).to_owned();
    let frame = Frame::new(&visitor, title).saying(said.as_deref());
    let people = people.collect();
    page(&PopPage { frame, id, caller, now, people, categories: CATEGORIES, place, settings: &settings })
}

fn find(seen: &Seen, id: CallId) -> Option<&KnownCall> {
    seen.view.live.as_deref()?.iter().find(|known| known.call.id == id)
}

/// Engineers see those who call them.
pub fn may_see(visitor: &Visitor, known: Option<&KnownCall>) -> Result<(), ProblemDetails> {
    let own = visitor.user.extension.as_deref();
    let is_own = known.is_some_and(|known| own.is_some_and(|own| known.call.concerns(own)));
    if visitor.may(Role::Receptionist) || is_own {
        return Ok(());
    }
    let what = Both::new("这个来电不是打给您的", "This caller does not call you").of(visitor.tongue);
    Err(ProblemDetails::new(StatusCode::FORBIDDEN, what))
}

type LookedUp = (Caller, Option<String>);

/// What is known of a caller, and what is written down of its being shown (R12).
fn look_up(
    reader: &Reader,
    visitor: &Visitor,
    id: CallId,
    known: Option<&KnownCall>,
) -> Result<LookedUp, ProblemDetails> {
    let record = reader.call(id)?;
    if record.is_none() && known.is_none() {
        let what = Both::new("没有这个通话", "There is no such call").of(visitor.tongue);
        return Err(ProblemDetails::new(StatusCode::NOT_FOUND, what));
    }
    let sight = visitor.sight(Surface::Record);
    let of_record = record.as_ref().and_then(|record| match record.direction {
        Direction::In => record.caller.clone(),
        Direction::Out => Some(record.callee.clone()),
    });
    let number = known.and_then(|known| known.call.caller.clone()).or(of_record);
    let name = record.as_ref().and_then(|record| record.caller_name.clone());
    let mut own = record.as_ref().map(|record| record.tickets.clone()).unwrap_or_default();
    own.extend(known.iter().flat_map(|known| known.call.tickets.iter().cloned()));
    let (mut residents, mut tickets, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    for ticket in &own {
        tickets.extend(reader.ticket(ticket, visitor.now)?);
    }
    if let Some(number) = &number {
        let filter =
            ResidentFilter { number: Some(number.clone()), limit: Some(RESIDENTS_MAX), ..ResidentFilter::default() };
        residents = reader.residents(&filter)?;
        let filter = TicketFilter {
            caller: Some(number.clone()),
            status: Some(Status::Open),
            limit: Some(TICKETS_MAX),
            ..TicketFilter::default()
        };
        tickets.extend(reader.tickets(&filter, visitor.now)?);
        let filter = CallFilter { caller: Some(number.clone()), limit: Some(CALLS_MAX + 1), ..CallFilter::default() };
        calls = reader.calls(&filter)?.into_iter().filter(|call| call.id != id).take(CALLS_MAX as usize).collect();
    }
    for resident in &residents {
        tickets.extend(reader.open_tickets_of((&resident.building, &resident.room), TICKETS_MAX, visitor.now)?);
    }
    let mut seen = Vec::new();
    tickets.retain(|ticket| {
        let new = !seen.contains(&ticket.number);
        seen.push(ticket.number.clone());
        new
    });
    tickets.truncate(TICKETS_MAX as usize * 2);
    // Without one its row is on its way to the disk.
    let as_record = CallRecord {
        caller: number.clone(),
        ..record.clone().unwrap_or_else(|| CallRecord::begun(id, Direction::In, visitor.now))
    };
    let as_record = sight.call(as_record);
    let tickets: Vec<Ticket> = tickets.into_iter().map(|ticket| sight.ticket(ticket)).collect();
    let residents: Vec<Resident> = residents.into_iter().map(|resident| sight.resident(resident)).collect();
    let whole = as_record.shows(Surface::Record) || tickets.iter().any(|ticket| ticket.shows(Surface::Record));
    let caller = Caller {
        number: as_record.caller,
        name: name.map(|_| as_record.caller_name.unwrap_or_default()).filter(|name| !name.is_empty()),
        residents,
        tickets: tickets.into_iter().map(|ticket| row(visitor, &own, ticket)).collect(),
        calls: calls.into_iter().map(|call| visitor.sight(Surface::List).call(call)).collect(),
        presences: Presences::new(reader.presences()?),
        over: record.filter(|record| record.ended_at.is_some() && known.is_none()),
    };
    Ok((caller, whole.then(|| format!("call {id}"))))
}

fn row(visitor: &Visitor, own: &[TicketNumber], ticket: Ticket) -> TicketRow {
    let plain = |needs: &[Need]| needs.iter().all(|need| matches!(need, Need::Note | Need::Engineer));
    let steps = edges(ticket.kind).filter(|edge| edge.from == ticket.stage && !edge.reopens && plain(edge.needs));
    let step = |edge: &crate::desk::workflow::Edge| Step {
        to: edge.to,
        name: words::step(edge.from, edge.to, edge.reopens, visitor.tongue),
        note: edge.needs.contains(&Need::Note),
        engineer: edge.needs.contains(&Need::Engineer),
    };
    let running = ticket.due.iter().filter(|(_, clock)| clock.met_at.is_none() && clock.paused.is_none());
    let next = running.min_by_key(|(_, clock)| clock.at);
    let next = next.map(|(name, clock)| (words::clock(name, visitor.tongue), clock.at));
    TicketRow { is_own: own.contains(&ticket.number), steps: steps.map(step).collect(), next, ticket }
}

fn place_of(caller: &Caller) -> (String, String) {
    let keyed = caller.tickets.iter().find(|row| row.is_own && row.ticket.building.is_some());
    let keyed = keyed.map(|row| (row.ticket.building.clone(), row.ticket.room.clone()));
    let lives = caller.residents.first().map(|resident| (Some(resident.building.clone()), Some(resident.room.clone())));
    let (building, room) = keyed.or(lives).unwrap_or_default();
    (building.unwrap_or_default(), room.unwrap_or_default())
}

/// Where the call is now, and what can be done with it.
#[derive(Template)]
#[template(path = "pop_now.html")]
struct PopNow<'a> {
    words: Words<'a>,
    id: CallId,
    known: Option<&'a KnownCall>,
    shown: Option<Shown>,
    /// The caller is on the line with somebody, so that they can be steered.
    talks: bool,
    parked: bool,
    /// What was recorded is written, and may be heard.
    hears: bool,
}

/// The part of the page that follows the call.
pub fn now_part(words: Words<'_>, visitor: &Visitor, id: CallId, known: Option<&KnownCall>) -> String {
    let phase = known.map(|known| &known.call.phase);
    let own = visitor.user.extension.as_deref();
    let recorded = known.is_some_and(|known| known.call.recording.is_some());
    let part = PopNow {
        words,
        id,
        known,
        shown: known.map(|known| words.phase(known)),
        talks: matches!(phase, Some(Phase::Talking { with, .. }) if visitor.may(Role::Supervisor) || own == Some(with)),
        parked: matches!(phase, Some(Phase::Parked { .. })) && own.is_some(),
        hears: recorded
            && !matches!(phase, Some(Phase::Recording { .. }))
            && visitor.user.role.may_have(Kept::Recording),
    };
    part.render().unwrap_or_default()
}

/// Carries out what is asked for with the visitor's caller; a supervisor steers everybody's.
async fn steer(shared: &Arc<Shared>, visitor: &Visitor, call: i64, steer: Steer, said: &str) -> Paged {
    let by = match visitor.may(Role::Supervisor) {
        true => None,
        false => Some(own_extension(visitor)?),
    };
    let order = SteerOrder { call: CallId(call), steer, by };
    let refused = |fault: crate::desk::live::SteerFault| {
        ProblemDetails::new(StatusCode::CONFLICT, fault.text().of(visitor.tongue))
    };
    shared.daemon.steer(order).await.map_err(refused)?;
    done(&format!("/pop/{call}"), said)
}

fn own_extension(visitor: &Visitor) -> Result<String, ProblemDetails> {
    let what = || {
        let what = Both::new("您的帐号没有分机", "Your account has no extension").of(visitor.tongue);
        ProblemDetails::new(StatusCode::CONFLICT, what)
    };
    visitor.user.extension.clone().ok_or_else(what)
}

async fn transfer(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(call): Path<i64>, form: Form) -> Paged {
    let to = visitor.settings.people.meant(form.text("to")).map_err(wrong)?.extension.clone();
    steer(&shared, &visitor, call, Steer::Transfer { to }, "handed-on").await
}

async fn back(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(call): Path<i64>) -> Paged {
    steer(&shared, &visitor, call, Steer::HandBack, "handed-back").await
}

async fn park(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(call): Path<i64>) -> Paged {
    steer(&shared, &visitor, call, Steer::Park, "parked").await
}

async fn pick_up(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(call): Path<i64>) -> Paged {
    let extension = own_extension(&visitor)?;
    steer(&shared, &visitor, call, Steer::PickUp { extension }, "picked-up").await
}

async fn note(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(call): Path<i64>, form: Form) -> Paged {
    receptionist(&visitor)?;
    let (number, text, now) = (TicketNumber(form.text("ticket").to_owned()), form.text("text").to_owned(), visitor.now);
    change(&shared, &visitor, move |editor, by| editor.note(&number, by.who, now, &text)).await?;
    done(&format!("/pop/{call}"), "saved")
}

async fn advance(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(call): Path<i64>, form: Form) -> Paged {
    receptionist(&visitor)?;
    let step = Advance {
        to: form.text("to").to_owned(),
        note: form.some("note"),
        engineer: form.some("engineer"),
        ..Advance::default()
    };
    let (page, number) = (format!("/pop/{call}"), form.text("ticket").to_owned());
    change_from(&page, &shared, &visitor, (&number, &form), move |editor, number, who, at| {
        editor.advance(number, who, at, None, &step).map(drop)
    })
    .await
}

/// Opens a ticket for the caller, whoever does it being the first who was asked (R13).
async fn open(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(call): Path<i64>, form: Form) -> Paged {
    receptionist(&visitor)?;
    let id = CallId(call);
    let seen = shared.board.now().await;
    let live = find(&seen, id).and_then(|known| known.call.caller.clone());
    let kept = shared.pool.read(move |reader| Ok(reader.call(id)?)).await?;
    let caller = live.or(kept.as_ref().and_then(|record| record.caller.clone()));
    let ticket = HandTicket {
        category: form.some("category"),
        owner: Some(visitor.user.as_owner().to_owned()),
        callback_number: form.some("callback").or_else(|| caller.clone()),
        caller,
        building: form.some("building"),
        room: form.some("room"),
        resident: form.some("resident"),
        description: form.some("description"),
        call: kept.is_some().then_some(id),
        ..HandTicket::new(form.word("kind")?, Channel::Phone)
    };
    let (zone, owner, now) = (visitor.settings.time_zone, visitor.settings.owner.clone(), visitor.now);
    change(&shared, &visitor, move |editor, by| editor.open_by_hand(by.who, now, (zone, &owner), &ticket)).await?;
    done(&format!("/pop/{call}"), "opened")
}

/// Tickets are the desk's to write here; engineers have pages of theirs.
fn receptionist(visitor: &Visitor) -> Result<(), ProblemDetails> {
    if visitor.may(Role::Receptionist) {
        return Ok(());
    }
    let what = Both::new("由前台接待及以上角色操作", "This is for receptionists and above").of(visitor.tongue);
    Err(ProblemDetails::new(StatusCode::FORBIDDEN, what))
}
