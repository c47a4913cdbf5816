//! Reports (R42). One more is one line in the table, with a function that gives anything that has a JSON.

use super::ask::Ask;
use super::endpoint::{Endpoint, shape};
use super::page::{SINCE, UNTIL};
use super::query::{Param, ParamKind};
use super::reply::Reply;
use crate::console::problem::ProblemDetails;
use crate::desk::answer_time::{AnswerReport, AnswerTally};
use crate::desk::token::Scope;
use crate::store::Reader;

pub const ENDPOINTS: &[Endpoint] =
    &[Endpoint::read("/reports/answer", Scope::ReportsRead, "How fast calls were answered (R2)", answer)
        .query(&[SINCE, UNTIL, Param::new("by", "Only the rows of hours, or of days", ParamKind::Word(by))])
        .one(shape::<AnswerReport>)];

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
