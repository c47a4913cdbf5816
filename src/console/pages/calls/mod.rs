//! The call log (R4): with filters, page by page, and as a table for spreadsheets.
//!
//! - `detail`: one call, with what happened in it, its quality and its recording. `ladder`: its SIP messages.

mod detail;
mod ladder;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};

use super::frame::Frame;
use super::list::{Asked, Listed, ROWS};
use super::{Paged, page, shown, words};
use crate::console::exports::exported_calls;
use crate::console::gate::Visitor;
use crate::console::shared::Shared;
use crate::desk::audit::Deed;
use crate::desk::call_record::{CallRecord, Direction, Outcome};
use crate::desk::people::Directory;
use crate::desk::privacy::Surface;
use crate::desk::residents::in_one_form;
use crate::sheets::call_log;
use crate::store::CallFilter;
use crate::types::{CallId, NumberPlan, TicketNumber};

const PATH: &str = "/calls";

pub fn router() -> Router<Arc<Shared>> {
    let own = Router::new().route(PATH, get(list)).route("/calls/export", get(export));
    own.merge(detail::router()).merge(ladder::router())
}

/// A call in a list.
struct Row {
    id: CallId,
    started_at: DateTime<Utc>,
    out: bool,
    caller: String,
    name: String,
    callee: String,
    outcome: Option<Outcome>,
    live: bool,
    answer_ms: Option<u64>,
    ring: Option<u32>,
    /// The desk's ring cadence makes this too late (R2).
    late: bool,
    lasted: String,
    /// The node where it was last.
    last: String,
    handled_by: String,
    tickets: Vec<TicketNumber>,
    messages: usize,
    recorded: bool,
}

impl Row {
    fn new(call: &CallRecord, visitor: &Visitor) -> Self {
        let lasted = call.ended_at.map(|end| (end - call.started_at).num_seconds().max(0).unsigned_abs());
        let called = |node| visitor.settings.flow.called(node, visitor.tongue);
        Self {
            id: call.id,
            started_at: call.started_at,
            out: call.direction == Direction::Out,
            caller: call.caller.clone().unwrap_or_default(),
            name: call.caller_name.clone().unwrap_or_default(),
            callee: call.callee.clone(),
            outcome: call.outcome,
            live: call.ended_at.is_none(),
            answer_ms: call.answer_ms,
            ring: call.answer_rings,
            late: call.answer_ms.is_some_and(|ms| ms >= visitor.settings.cadence.third_ring_ms()),
            lasted: lasted.map(clock).unwrap_or_default(),
            last: call.path.last().map(|step| called(&step.node).to_owned()).unwrap_or_default(),
            handled_by: words::person(visitor, call.handled_by.as_deref().unwrap_or_default()),
            tickets: call.tickets.clone(),
            messages: call.messages.len(),
            recorded: call.recording.is_some(),
        }
    }
}

/// `1:02:07`, `0:07`.
fn clock(seconds: u64) -> String {
    let (h, m, s) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m}:{s:02}") }
}

#[derive(Template)]
#[template(path = "calls.html")]
struct CallsPage {
    frame: Frame,
    asked: Asked,
    listed: Listed<Row>,
    /// Names and extensions, and names of nodes, to choose from.
    people: Vec<(String, String)>,
    nodes: Vec<(String, String)>,
}

impl CallsPage {
    fn outcomes(&self) -> Vec<(Outcome, &'static str)> {
        Outcome::ALL.iter().map(|word| (*word, self.outcome(word))).collect()
    }

    fn outcome(&self, outcome: &Outcome) -> &'static str {
        call_log::outcome(*outcome).of(self.frame.tongue)
    }

    fn colour(&self, outcome: &Outcome) -> &'static str {
        colour(outcome)
    }

    fn directions(&self) -> Vec<(Direction, &'static str)> {
        Direction::ALL.iter().map(|word| (*word, call_log::direction(*word).of(self.frame.tongue))).collect()
    }

    fn seconds(&self, ms: &u64) -> String {
        seconds(*ms)
    }
}

/// `1.234 s`.
fn seconds(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1_000, ms % 1_000)
}

/// The colour of an outcome; its word stands beside it.
fn colour(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Completed | Outcome::Transferred => "green",
        Outcome::Ticket | Outcome::Voicemail => "blue",
        Outcome::Abandoned => "amber",
        Outcome::Rejected | Outcome::Failed => "red",
    }
}

fn filter(asked: &Asked, visitor: &Visitor) -> CallFilter {
    let tz = visitor.settings.time_zone;
    CallFilter {
        since: asked.time("since", tz),
        until: asked.time("until", tz),
        caller: asked.some("caller").map(|number| in_digits(number, &visitor.settings.numbers)),
        outcome: asked.word("outcome"),
        direction: asked.word("direction"),
        handler: asked.some("handler").map(|who| extension_of(who, &visitor.settings.people)),
        through: asked.owned("through"),
        ..CallFilter::default()
    }
}

/// A number as the log has it, however somebody writes it; fewer digits are the end of one.
fn in_digits(number: &str, plan: &NumberPlan) -> String {
    let spaced = |c: &char| matches!(c, ' ' | '-' | '(' | ')');
    match number.starts_with('+') {
        true => in_one_form(number, plan),
        false => number.chars().filter(|c| !spaced(c)).collect(),
    }
}

/// Whoever is meant; what means nobody is looked for as it stands.
fn extension_of(who: &str, people: &Directory) -> String {
    people.meant(who).map_or_else(|_| who.to_owned(), |person| person.extension.clone())
}

async fn list(State(shared): State<Arc<Shared>>, visitor: Visitor, asked: Asked) -> Paged {
    let filter = CallFilter { limit: Some(ROWS as u32 + 1), ..filter(&asked, &visitor) };
    let (place, by) = (asked.place(), visitor.clone());
    let calls = shown(&shared, &visitor, move |reader| {
        let found = reader.calls_beyond(&filter, place)?.into_iter();
        let seen: Vec<_> = found.map(|call| by.sight(Surface::List).call(call)).collect();
        let shows = seen.iter().take(ROWS).filter(|call| call.shows(Surface::List)).count();
        Ok((seen, (shows > 0).then(|| format!("list of calls, {shows} rows"))))
    })
    .await?;
    let listed = Listed::new(calls, |call| (call.started_at, call.id.to_string()));
    let rows = listed.rows.iter().map(|call| Row::new(call, &visitor)).collect();
    let (people, tongue) = (visitor.settings.people.people().iter(), visitor.tongue);
    page(&CallsPage {
        frame: Frame::of(&visitor, PATH),
        asked,
        listed: Listed { rows, next: listed.next },
        people: people.map(|person| (person.name.clone(), person.extension.clone())).collect(),
        nodes: visitor
            .settings
            .flow
            .nodes
            .iter()
            .map(|node| (node.name.clone(), node.called(tongue).to_owned()))
            .collect(),
    })
}

/// All calls of the filter, in a file.
async fn export(State(shared): State<Arc<Shared>>, visitor: Visitor, asked: Asked) -> Paged {
    let (filter, by, access) = (filter(&asked, &visitor), visitor.clone(), shared.access.clone());
    let csv = shared.pool.read(move |reader| {
        let (sight, tz) = (by.sight(Surface::Export), by.settings.time_zone);
        let (csv, rows) = exported_calls(reader, filter, sight, Some(by.tongue), tz)?;
        access.audit(&by.entry(Deed::Exported, &format!("calls as CSV, {rows} rows")))?;
        Ok(csv)
    });
    let day = visitor.now.with_timezone(&visitor.settings.time_zone).format("%Y%m%d");
    Ok(file(csv.await?, "text/csv; charset=utf-8", &format!("calls-{day}.csv")))
}

/// A file that the browser keeps.
fn file(content: impl Into<Body>, kind: &'static str, name: &str) -> Response {
    let mut response = ([(header::CONTENT_TYPE, kind)], content.into()).into_response();
    if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_clocks() {
        assert_eq!([0, 7, 67, 3_727].map(clock), ["0:00", "0:07", "1:07", "1:02:07"]);
    }

    #[test]
    fn a_number_is_found_however_it_is_written_and_a_person_by_name() {
        let plan = NumberPlan::default();
        for written in ["138 0013 8000", "138-0013-8000", "+86 138 0013 8000", "13800138000"] {
            assert_eq!(in_digits(written, &plan), "13800138000", "{written}");
        }
        assert_eq!((in_digits("8000", &plan), in_digits("alice", &plan)), ("8000".to_owned(), "alice".to_owned()));
        let people = "[[person]]\nextension = \"201\"\nname = \"张伟\"\nhunt = [\"sip:201@127.0.0.1\"]\n";
        let people = Directory::parse(people, "p").expect("good");
        for (who, extension) in [("张伟", "201"), ("张伟 201", "201"), ("201", "201"), ("李四", "李四")] {
            assert_eq!(extension_of(who, &people), extension);
        }
    }
}
