//! Tickets: by their next deadline, by stage, all of them with filters; new ones by hand (R39).
//!
//! - `detail`: one ticket. `changes`: what is done with it. `new`: one is opened by hand.

mod changes;
mod detail;
mod new;

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use chrono::{DateTime, Utc};

pub use self::changes::change_from;
use super::frame::Frame;
use super::list::{Asked, ROWS};
use super::words::person;
use super::{Paged, page, shown, words};
use crate::console::gate::Visitor;
use crate::console::shared::Shared;
use crate::desk::privacy::{Role, Surface};
use crate::desk::ticket::{Kind, Status, Ticket, Urgency};
use crate::desk::workflow::edges;
use crate::store::TicketFilter;
use crate::types::TicketNumber;

const PATH: &str = "/tickets";
/// Open tickets that are shown at once, by deadline or by stage; a desk with more has another problem.
const OPEN_MAX: u32 = 300;

pub fn router() -> Router<Arc<Shared>> {
    Router::new().route(PATH, get(list)).merge(new::router()).merge(detail::router()).merge(changes::router())
}

/// A ticket in a list.
struct Row {
    number: TicketNumber,
    kind: &'static str,
    urgent: bool,
    serious: bool,
    incomplete: bool,
    about: String,
    place: String,
    caller: String,
    stage: String,
    owner: String,
    opened_at: DateTime<Utc>,
    /// The clock that is over first: its name, when, and whether it is over already.
    next: Option<(String, DateTime<Utc>, bool)>,
    /// Clocks that stand still.
    paused: bool,
}

impl Row {
    fn new(ticket: &Ticket, visitor: &Visitor) -> Self {
        let tongue = visitor.tongue;
        let running = ticket.due.iter().filter(|(_, clock)| clock.met_at.is_none());
        let next = running.clone().filter(|(_, clock)| clock.paused.is_none()).min_by_key(|(_, clock)| clock.at);
        let category = ticket.category.as_deref().map(|key| words::category(key, tongue));
        let description = ticket.description.as_deref().map(|text| text.chars().take(40).collect());
        Self {
            number: ticket.number.clone(),
            kind: words::kind(ticket.kind, tongue),
            urgent: ticket.urgency == Some(Urgency::Urgent),
            serious: ticket.work.serious,
            incomplete: ticket.incomplete,
            about: [category, description].into_iter().flatten().collect::<Vec<String>>().join(" · "),
            place: place(ticket),
            caller: ticket.callback_number.clone().or_else(|| ticket.caller.clone()).unwrap_or_default(),
            stage: words::stage(ticket.kind, &ticket.stage, tongue),
            owner: person(visitor, ticket.work.engineer.as_deref().or(ticket.owner.as_deref()).unwrap_or_default()),
            opened_at: ticket.opened_at,
            next: next.map(|(name, clock)| (words::clock(name, tongue), clock.at, clock.at <= visitor.now)),
            paused: running.clone().any(|(_, clock)| clock.paused.is_some()),
        }
    }
}

/// Building and room as one.
fn place(ticket: &Ticket) -> String {
    [ticket.building.as_deref(), ticket.room.as_deref()].into_iter().flatten().collect::<Vec<_>>().join("-")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    /// Open ones, the one that is over first at the top.
    Due,
    /// Open ones of a kind, by stage.
    Stages(Kind),
    /// All of them, the newest first.
    All,
}

#[derive(Template)]
#[template(path = "tickets.html")]
struct TicketsPage {
    frame: Frame,
    asked: Asked,
    view: View,
    /// Only one's own.
    mine: bool,
    rows: Vec<Row>,
    /// Where the next page begins.
    next: Option<String>,
    /// Stages in their order, with their tickets.
    stages: Vec<(String, Vec<Row>)>,
    /// There are more open ones than are shown.
    cut: bool,
}

impl TicketsPage {
    fn statuses(&self) -> [(Status, &'static str); 2] {
        [(Status::Open, self.frame.say("未关闭", "open")), (Status::Closed, self.frame.say("已关闭", "closed"))]
    }

    fn kinds(&self) -> Vec<(Kind, &'static str, bool)> {
        let chosen = |kind| self.view == View::Stages(kind);
        Kind::ALL.iter().map(|kind| (*kind, words::kind(*kind, self.frame.tongue), chosen(*kind))).collect()
    }
}

async fn list(State(shared): State<Arc<Shared>>, visitor: Visitor, asked: Asked) -> Paged {
    let view = match asked.text("view") {
        "all" => View::All,
        "stages" => View::Stages(asked.word("kind").unwrap_or(Kind::Repair)),
        _ => View::Due,
    };
    // An engineer begins with their own.
    let mine = asked.text("mine") == "1" || (visitor.user.role == Role::Engineer && asked.text("mine").is_empty());
    let tz = visitor.settings.time_zone;
    let filter = TicketFilter {
        since: asked.time("since", tz),
        until: asked.time("until", tz),
        caller: asked.owned("caller"),
        kind: asked.word("kind"),
        status: asked.word("status"),
        overdue: asked.text("overdue") == "1",
        owner: asked.owned("owner"),
        limit: Some(ROWS as u32 + 1),
        ..TicketFilter::default()
    };
    let after = asked.some("after").and_then(|after| {
        let (ms, number) = after.split_once('~')?;
        Some((DateTime::from_timestamp_millis(ms.parse().ok()?)?, TicketNumber(number.to_owned())))
    });
    let (by, now) = (visitor.clone(), visitor.now);
    let tickets = shown(&shared, &visitor, move |reader| {
        let found = match view {
            View::All => reader.tickets_beyond(&filter, now, after.as_ref().map(|(at, number)| (*at, number)))?,
            View::Due | View::Stages(_) => {
                let kind = if let View::Stages(kind) = view { Some(kind) } else { filter.kind };
                let own = mine.then(|| by.user.as_owner().to_owned());
                reader.open_tickets_by_deadline(kind, own.as_deref(), OPEN_MAX + 1, now)?
            }
        };
        let seen: Vec<Ticket> = found.into_iter().map(|ticket| by.sight(Surface::List).ticket(ticket)).collect();
        let shows = seen.iter().any(|ticket| ticket.shows(Surface::List));
        Ok((seen, shows.then(|| "list of tickets".to_owned())))
    })
    .await?;
    let mut page_of = TicketsPage {
        frame: Frame::of(&visitor, PATH),
        view,
        mine,
        rows: Vec::new(),
        next: None,
        stages: Vec::new(),
        cut: view != View::All && tickets.len() > OPEN_MAX as usize,
        asked,
    };
    match view {
        View::Stages(kind) => page_of.stages = by_stage(kind, &tickets, &visitor),
        View::Due => page_of.rows = tickets.iter().take(OPEN_MAX as usize).map(|t| Row::new(t, &visitor)).collect(),
        View::All => {
            let last = tickets.get(ROWS - 1).filter(|_| tickets.len() > ROWS);
            page_of.next = last.map(|t| format!("{}~{}", t.opened_at.timestamp_millis(), t.number));
            page_of.rows = tickets.iter().take(ROWS).map(|t| Row::new(t, &visitor)).collect();
        }
    }
    page(&page_of)
}

/// The stages of a kind in the order of their way, but for the last, which has what is closed.
fn by_stage(kind: Kind, tickets: &[Ticket], visitor: &Visitor) -> Vec<(String, Vec<Row>)> {
    let mut order: Vec<&'static str> = vec![kind.first_stage()];
    for edge in edges(kind) {
        for stage in [edge.from, edge.to] {
            if !order.contains(&stage) && stage != kind.last_stage() {
                order.push(stage);
            }
        }
    }
    let mut found: BTreeMap<&str, Vec<Row>> = BTreeMap::new();
    for ticket in tickets.iter().take(OPEN_MAX as usize) {
        found.entry(ticket.stage.as_str()).or_default().push(Row::new(ticket, visitor));
    }
    let named =
        |stage: &'static str| (words::stage(kind, stage, visitor.tongue), found.remove(stage).unwrap_or_default());
    order.into_iter().map(named).collect()
}
