//! Reports (R42). One more is one line in the table, with a function that gives anything that has a JSON.

use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::ObjectBuilder;

use super::ask::Ask;
use super::endpoint::{CSV, Endpoint, HTML, Shape, shape};
use super::page::{SINCE, UNTIL};
use super::query::{Param, ParamKind};
use super::reply::Reply;
use crate::console::problem::ProblemDetails;
use crate::desk::answer_time::{AnswerReport, AnswerTally};
use crate::desk::flow_chart::FlowChart;
use crate::desk::report::Step;
use crate::desk::report::calls::CallRules;
use crate::desk::report::table::{Table, Tongue};
use crate::desk::report::ways::WaysReport;
use crate::desk::token::Scope;
use crate::sheets::{self, Letterhead, ReportHead, spreadsheet};
use crate::store::{Reader, ReportPeriod};

pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint::read("/reports/answer", Scope::ReportsRead, "How fast calls were answered (R2)", answer)
        .query(&[SINCE, UNTIL, Param::new("by", "Only the rows of hours, or of days", ParamKind::Word(by))])
        .one(shape::<AnswerReport>),
    Endpoint::read("/reports/calls", Scope::ReportsRead, "How calls were answered, lost, and led to people", calls)
        .query(&[SINCE, UNTIL, STEP, FORMAT, LANG, WITHIN, SHORT])
        .one(figures)
        .also(&[CSV, HTML]),
    Endpoint::read(
        "/reports/answer-times",
        Scope::ReportsRead,
        "How answer times spread in ms and rings, and over the hours of the week (R2); and the report on calls",
        answer_times,
    )
    .query(&[SINCE, UNTIL, STEP, WITHIN, SHORT])
    .one(figures),
    Endpoint::read("/reports/flow", Scope::ReportsRead, "The flow, and which ways callers took through it", flow)
        .query(&[
            SINCE,
            UNTIL,
            Param::new("calls", "At most so many calls, the newest: 10000", ParamKind::Count(WAYS_CALLS_MAX)),
        ])
        .one(shape::<FlowReport>),
    Endpoint::read("/reports/tickets", Scope::ReportsRead, "What was opened, closed, and kept in time", tickets)
        .query(&[SINCE, UNTIL, STEP, FORMAT, LANG])
        .one(figures)
        .also(&[CSV, HTML]),
    Endpoint::read("/reports/satisfaction", Scope::ReportsRead, "What customers said afterwards (R37)", satisfaction)
        .query(&[SINCE, UNTIL, STEP, FORMAT, LANG])
        .one(figures)
        .also(&[CSV, HTML]),
    Endpoint::read("/reports/messages", Scope::ReportsRead, "How messages were passed on (R5)", messages)
        .query(&[SINCE, UNTIL, STEP, FORMAT, LANG])
        .one(figures)
        .also(&[CSV, HTML]),
];

const WITHIN: Param = Param::new("within", "The T of the service levels, in seconds: 20", ParamKind::Count(3_600));
const SHORT: Param =
    Param::new("short", "Who hangs up sooner has not been lost, in seconds: 5", ParamKind::Count(3_600));
const STEP: Param = Param::new("step", "How long a row is: a day unless said otherwise", ParamKind::Word(steps));

const FORMAT: Param =
    Param::new("format", "json unless said otherwise; html is a page to print", ParamKind::Word(formats));
/// Of pages to print, and of a CSV's headings.
pub const LANG: Param =
    Param::new("lang", "The language of headings: zh unless said otherwise", ParamKind::Word(tongues));

fn formats() -> Vec<&'static str> {
    vec!["json", "csv", "html"]
}

fn tongues() -> Vec<&'static str> {
    Tongue::ALL.iter().map(|word| word.as_str()).collect()
}

fn steps() -> Vec<&'static str> {
    Step::ALL.iter().map(|word| word.as_str()).collect()
}

/// The form of figures; docs/reports.md says what each is.
fn figures() -> Shape {
    let object = ObjectBuilder::new().description(Some("The fields are those of `frontdesk report --json`"));
    Shape { name: "Report".to_owned(), schema: object.into(), parts: Vec::new() }
}

fn period(ask: &Ask) -> ReportPeriod {
    ReportPeriod { since: ask.query.time("since"), until: ask.query.time("until") }
}

fn step(ask: &Ask) -> Step {
    ask.query.word("step").unwrap_or(Step::Day)
}

/// Calls whose ways are followed: a busy week; each costs the reading of its row.
const WAYS_CALLS: u32 = 10_000;
const WAYS_CALLS_MAX: u32 = 50_000;

/// The flow as it is now, and what calls did in it.
#[derive(Serialize, ToSchema)]
struct FlowReport {
    flow: FlowChart,
    ways: WaysReport,
}

fn flow(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let calls_max = ask.query.word("calls").unwrap_or(WAYS_CALLS);
    let ways = reader.ways_report(period(ask), calls_max)?;
    Reply::value(&FlowReport { flow: FlowChart::clone(&ask.settings.flow), ways })
}

fn answer_times(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    Reply::value(&reader.answer_times_report(period(ask), rules(ask), ask.time_zone())?)
}

fn rules(ask: &Ask) -> CallRules {
    let ms = |name: &str, otherwise: u64| ask.query.word::<u64>(name).unwrap_or(otherwise) * 1_000;
    CallRules { step: step(ask), cadence: ask.settings.cadence, within_ms: ms("within", 20), short_ms: ms("short", 5) }
}

fn calls(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let rules = rules(ask);
    let report = reader.calls_report(period(ask), rules, ask.time_zone())?;
    written(ask, &report, |_| report.table(), |tongue| rules.note(tongue))
}

fn tickets(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let report = reader.tickets_report(period(ask), step(ask), ask.time_zone(), ask.now)?;
    written(ask, &report, |tongue| report.table(tongue), no_note)
}

fn satisfaction(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let report = reader.satisfaction_report(period(ask), step(ask), ask.time_zone())?;
    written(ask, &report, |tongue| report.table(tongue), no_note)
}

fn messages(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let report = reader.messages_report(period(ask), step(ask), ask.time_zone())?;
    written(ask, &report, |_| report.table(), no_note)
}

fn no_note(_: Tongue) -> String {
    String::new()
}

/// In the form that was asked for. Without a language a CSV has the names of the JSON.
fn written(
    ask: &Ask,
    report: &impl Serialize,
    table: impl Fn(Tongue) -> Table,
    note: impl Fn(Tongue) -> String,
) -> Result<Reply, ProblemDetails> {
    let failed = |fault: String| ProblemDetails::new(StatusCode::INTERNAL_SERVER_ERROR, fault);
    match ask.query.text("format") {
        Some("csv") => {
            let tongue: Option<Tongue> = ask.query.word("lang");
            let mut csv = Vec::new();
            spreadsheet::report(&mut csv, &table(tongue.unwrap_or(Tongue::En)), tongue)
                .map_err(|fault| failed(fault.to_string()))?;
            Ok(Reply::text(CSV, String::from_utf8(csv).map_err(|fault| failed(fault.to_string()))?))
        }
        Some("html") => {
            let head = letterhead(ask);
            let ReportPeriod { since, until } = period(ask);
            let about = ReportHead::new(since, until, ask.time_zone(), note(head.tongue));
            let page = sheets::report(&table(head.tongue), &about, &head).map_err(|fault| failed(fault.to_string()))?;
            Ok(Reply::text(HTML, page))
        }
        _ => Reply::value(report),
    }
}

/// What every page says of the desk.
pub fn letterhead(ask: &Ask) -> Letterhead {
    let tongue = ask.query.word("lang").unwrap_or(Tongue::Zh);
    let desk = ask.settings.desk_name(Some(tongue)).to_owned();
    Letterhead { desk, tongue, time_zone: ask.time_zone(), printed_at: ask.now }
}

fn by() -> Vec<&'static str> {
    vec!["hour", "day"]
}

fn answer(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let mut tally = AnswerTally::new(ask.time_zone(), ask.settings.cadence);
    reader.answer_facts(ask.query.time("since"), ask.query.time("until"), |call| tally.add(call))?;
    let mut report = tally.report();
    match ask.query.text("by") {
        Some("hour") => report.by_day.clear(),
        Some("day") => report.by_hour.clear(),
        _ => {}
    }
    Reply::value(&report)
}
