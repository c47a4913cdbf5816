//! Reports (R42). One more is one line in the table, with a function that gives anything that has a JSON.

use utoipa::openapi::schema::ObjectBuilder;

use super::ask::Ask;
use super::endpoint::{Endpoint, Shape, shape};
use super::page::{SINCE, UNTIL};
use super::query::{Param, ParamKind};
use super::reply::Reply;
use crate::console::problem::ProblemDetails;
use crate::desk::answer_time::{AnswerReport, AnswerTally};
use crate::desk::report::Step;
use crate::desk::report::calls::CallRules;
use crate::desk::token::Scope;
use crate::store::{Reader, ReportPeriod};

pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint::read("/reports/answer", Scope::ReportsRead, "How fast calls were answered (R2)", answer)
        .query(&[SINCE, UNTIL, Param::new("by", "Only the rows of hours, or of days", ParamKind::Word(by))])
        .one(shape::<AnswerReport>),
    Endpoint::read("/reports/calls", Scope::ReportsRead, "How calls were answered, lost, and led to people", calls)
        .query(&[
            SINCE,
            UNTIL,
            STEP,
            Param::new("within", "The T of the service levels, in seconds: 20", ParamKind::Count(3_600)),
            Param::new("short", "Who hangs up sooner has not been lost, in seconds: 5", ParamKind::Count(3_600)),
        ])
        .one(figures),
    Endpoint::read("/reports/tickets", Scope::ReportsRead, "What was opened, closed, and kept in time", tickets)
        .query(&[SINCE, UNTIL, STEP])
        .one(figures),
    Endpoint::read("/reports/satisfaction", Scope::ReportsRead, "What customers said afterwards (R37)", satisfaction)
        .query(&[SINCE, UNTIL, STEP])
        .one(figures),
    Endpoint::read("/reports/messages", Scope::ReportsRead, "How messages were passed on (R5)", messages)
        .query(&[SINCE, UNTIL, STEP])
        .one(figures),
];

const STEP: Param = Param::new("step", "How long a row is: a day unless said otherwise", ParamKind::Word(steps));

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

fn calls(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let ms = |name: &str, otherwise: u64| ask.query.word::<u64>(name).unwrap_or(otherwise) * 1_000;
    let rules = CallRules {
        step: step(ask),
        cadence: ask.settings.cadence,
        within_ms: ms("within", 20),
        short_ms: ms("short", 5),
    };
    Reply::report(&reader.calls_report(period(ask), rules, ask.time_zone())?)
}

fn tickets(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    Reply::report(&reader.tickets_report(period(ask), step(ask), ask.time_zone(), ask.now)?)
}

fn satisfaction(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    Reply::report(&reader.satisfaction_report(period(ask), step(ask), ask.time_zone())?)
}

fn messages(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    Reply::report(&reader.messages_report(period(ask), step(ask), ask.time_zone())?)
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
    Reply::report(&report)
}
