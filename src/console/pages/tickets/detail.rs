//! One ticket: what is known of it, its clocks, its history, and the steps that there are from here.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use chrono::{DateTime, Utc};

use super::{person, place};
use crate::console::gate::Visitor;
use crate::console::pages::account::Said;
use crate::console::pages::frame::Frame;
use crate::console::pages::{Paged, page, shown, words};
use crate::console::problem::ProblemDetails;
use crate::console::shared::Shared;
use crate::desk::category::CATEGORIES;
use crate::desk::clocks::PauseReason;
use crate::desk::people::Person;
use crate::desk::privacy::Surface;
use crate::desk::report::table::Tongue;
use crate::desk::ticket::{Kind, Ticket, Urgency};
use crate::desk::told::told;
use crate::desk::workflow::{Nature, Need, Quote, Satisfaction, edges};
use crate::types::TicketNumber;

pub fn router() -> Router<Arc<Shared>> {
    Router::new().route("/tickets/{number}", get(one))
}

/// A step from here, with what its form asks for.
struct Step {
    to: &'static str,
    name: String,
    note_needed: bool,
    engineer: bool,
    price: bool,
    consent: bool,
    nature: bool,
    responsible: bool,
    satisfaction: bool,
    sheet: bool,
}

struct ClockRow {
    key: String,
    name: String,
    at: DateTime<Utc>,
    met_at: Option<DateTime<Utc>>,
    over: bool,
    paused: Option<String>,
}

struct Line {
    at: DateTime<Utc>,
    who: String,
    what: String,
    note: String,
}

#[derive(Template)]
#[template(path = "ticket.html")]
struct TicketPage<'a> {
    frame: Frame,
    ticket: Ticket,
    steps: Vec<Step>,
    clocks: Vec<ClockRow>,
    history: Vec<Line>,
    people: &'a [Person],
    owner: String,
    engineer: String,
    /// Of a complaint (R33).
    responsible: String,
    place: String,
    closed: bool,
    /// Whether it can be closed as dealt with from here: its way is not cut short.
    ends_here: bool,
    prints: bool,
    /// It is theirs to change (R12), and to give another owner.
    may_change: bool,
    may_hand_over: bool,
}

impl TicketPage<'_> {
    fn kind(&self) -> &'static str {
        words::kind(self.ticket.kind, self.frame.tongue)
    }

    fn stage(&self) -> String {
        words::stage(self.ticket.kind, &self.ticket.stage, self.frame.tongue)
    }

    fn tongue(&self) -> Tongue {
        self.frame.tongue
    }

    fn category(&self) -> String {
        self.ticket.category.as_deref().map(|key| words::category(key, self.frame.tongue)).unwrap_or_default()
    }

    fn urgent(&self) -> bool {
        self.ticket.urgency == Some(Urgency::Urgent)
    }

    fn is_complaint(&self) -> bool {
        self.ticket.kind == Kind::Complaint
    }

    fn is_repair(&self) -> bool {
        self.ticket.kind == Kind::Repair
    }

    /// Categories of its kind: key, name, whether it is this one.
    fn categories(&self) -> Vec<(&'static str, &'static str, bool)> {
        let of_kind = CATEGORIES.iter().filter(|found| found.kind == self.ticket.kind);
        let name = |zh, en| self.frame.say(zh, en);
        of_kind.map(|c| (c.key, name(c.zh, c.en), self.ticket.category.as_deref() == Some(c.key))).collect()
    }

    fn reasons(&self) -> Vec<(PauseReason, &'static str)> {
        PauseReason::ALL.iter().map(|reason| (*reason, words::pause(*reason).of(self.frame.tongue))).collect()
    }

    fn quote(&self, quote: &Quote) -> &'static str {
        words::quote(*quote).of(self.frame.tongue)
    }

    fn nature(&self, nature: &Nature) -> &'static str {
        words::nature(*nature).of(self.frame.tongue)
    }

    fn satisfaction(&self, satisfaction: &Satisfaction) -> &'static str {
        words::satisfaction(*satisfaction).of(self.frame.tongue)
    }

    /// What the form of the fields shows, so that only what somebody changes is written: a masked number never is, nor what
    /// another has changed meanwhile.
    fn shown_fields(&self) -> [(&'static str, &str); 10] {
        let ticket = &self.ticket;
        let urgency = ticket.urgency.map_or("", |urgency| urgency.as_str());
        let key_left = ticket.key_left.map_or("", |left| if left { "yes" } else { "no" });
        [
            ("category", self.text(&ticket.category)),
            ("urgency", urgency),
            ("building", self.text(&ticket.building)),
            ("room", self.text(&ticket.room)),
            ("resident", self.text(&ticket.resident)),
            ("callback_number", self.text(&ticket.callback_number)),
            ("wanted_time", self.text(&ticket.wanted_time)),
            ("key_left", key_left),
            ("owner", &self.owner),
            ("description", self.text(&ticket.description)),
        ]
    }

    /// The same of the work sheet.
    fn shown_sheet(&self) -> [(&'static str, String); 4] {
        let sheet = &self.ticket.work.sheet;
        [
            ("work_done", self.text(&sheet.work_done).to_owned()),
            ("materials", self.text(&sheet.materials).to_owned()),
            ("material_cost", self.money(&sheet.material_cents)),
            ("labour_cost", self.money(&sheet.labour_cents)),
        ]
    }

    /// Whether a price may be asked for at its stage (R27).
    fn is_priced(&self) -> bool {
        self.is_repair()
            && matches!(self.ticket.stage.as_str(), "accepted" | "on_site")
            && self.ticket.work.quote.is_none()
    }

    fn money(&self, cents: &Option<i64>) -> String {
        cents.map(|cents| self.cents(&cents)).unwrap_or_default()
    }

    fn cents(&self, cents: &i64) -> String {
        format!("{}.{:02}", cents / 100, cents % 100)
    }

    fn text<'t>(&self, text: &'t Option<String>) -> &'t str {
        text.as_deref().unwrap_or_default()
    }
}

/// What a ticket's page shows of it, in the visitor's sight.
pub(super) async fn seen(shared: &Arc<Shared>, visitor: &Visitor, number: &str) -> Result<Ticket, ProblemDetails> {
    let (number, by) = (TicketNumber(number.to_owned()), visitor.clone());
    shown(shared, visitor, move |reader| {
        let found = reader.ticket(&number, by.now)?;
        let found = found.ok_or_else(|| {
            ProblemDetails::new(StatusCode::NOT_FOUND, told!("没有工单 {number}", "ticket {number} does not exist"))
        })?;
        let seen = by.sight(Surface::Record).ticket(found);
        let shows = seen.shows(Surface::Record).then(|| format!("ticket {number}"));
        Ok((seen, shows))
    })
    .await
}

async fn one(
    State(shared): State<Arc<Shared>>,
    visitor: Visitor,
    Path(number): Path<String>,
    Query(Said { said }): Query<Said>,
) -> Paged {
    let ticket = seen(&shared, &visitor, &number).await?;
    let frame = Frame::new(&visitor, ticket.number.0.clone()).saying(said.as_deref());
    let history = ticket.events.iter().rev().map(|event| Line {
        at: event.at,
        who: person(&visitor, &event.who),
        what: words::event(&event.what, visitor.tongue),
        note: words::notes(&visitor).history(event),
    });
    let sight = visitor.sight(Surface::Record);
    page(&TicketPage {
        may_change: sight.may_change(&ticket),
        may_hand_over: sight.may_hand_over(),
        steps: steps(&ticket, visitor.tongue),
        clocks: clocks(&ticket, &visitor),
        history: history.collect(),
        people: visitor.settings.people.people(),
        owner: person(&visitor, ticket.owner.as_deref().unwrap_or_default()),
        engineer: person(&visitor, ticket.work.engineer.as_deref().unwrap_or_default()),
        responsible: person(&visitor, ticket.work.responsible.as_deref().unwrap_or_default()),
        place: place(&ticket),
        closed: ticket.work.closed_at.is_some() && ticket.status == "closed",
        ends_here: edges(ticket.kind).any(|edge| edge.from == ticket.stage && edge.closes),
        prints: matches!(ticket.kind, Kind::Repair | Kind::Complaint),
        frame,
        ticket,
    })
}

fn steps(ticket: &Ticket, tongue: Tongue) -> Vec<Step> {
    let from_here = edges(ticket.kind).filter(|edge| edge.from == ticket.stage);
    let step = |edge: &crate::desk::workflow::Edge| {
        let needs = |need| edge.needs.contains(&need);
        Step {
            to: edge.to,
            name: words::step(edge.from, edge.to, edge.reopens, tongue),
            note_needed: needs(Need::Note) || (needs(Need::Rain) && ticket.work.awaiting.is_some()),
            engineer: needs(Need::Engineer),
            price: needs(Need::Price),
            consent: needs(Need::Consent),
            nature: needs(Need::Nature),
            responsible: needs(Need::Responsible),
            satisfaction: needs(Need::Satisfaction),
            sheet: edge.to == "repaired",
        }
    };
    from_here.map(step).collect()
}

fn clocks(ticket: &Ticket, visitor: &Visitor) -> Vec<ClockRow> {
    let row = |(key, clock): (&String, &crate::desk::ticket::Clock)| ClockRow {
        key: key.clone(),
        name: words::clock(key, visitor.tongue),
        at: clock.at,
        met_at: clock.met_at,
        over: clock.breached || (clock.met_at.is_none() && clock.paused.is_none() && clock.at <= visitor.now),
        paused: clock.paused.map(|pause| words::pause(pause.reason).of(visitor.tongue).to_owned()),
    };
    let mut rows: Vec<ClockRow> = ticket.due.iter().map(row).collect();
    rows.sort_by_key(|row| (row.met_at.is_some(), row.at));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_ask_for_what_each_step_needs() {
        let with = |stage: &str, awaiting: Option<&str>| {
            let mut ticket = crate::sheets::tests::ticket(Kind::Repair);
            ticket.stage = stage.to_owned();
            ticket.work.awaiting = awaiting.map(ToOwned::to_owned);
            steps(&ticket, Tongue::En)
        };
        let on_site = with("on_site", None);
        let find = |steps: &[Step], to: &str| steps.iter().position(|step| step.to == to);
        let quoted = find(&on_site, "quoted").expect("a price can be told");
        assert!(on_site[quoted].price && !on_site[quoted].engineer);
        let dispatched = find(&on_site, "dispatched").expect("another can be sent");
        assert!(on_site[dispatched].engineer && on_site[dispatched].note_needed);
        assert!(!with("repaired", None).iter().any(|step| step.to == "accepted_by_customer" && step.note_needed));
        assert!(
            with("repaired", Some("rain")).iter().any(|step| step.to == "accepted_by_customer" && step.note_needed)
        );
        assert!(with("closed", None).iter().all(|step| step.name == "Begin again" && step.note_needed));
    }
}
