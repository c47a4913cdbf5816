//! The desk's reports (R42), to be printed and taken along: of a week, a month, or any days. The API makes them; this page
//! chooses the time and leads there.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::routing::get;
use chrono::{DateTime, TimeDelta, Utc};

use super::frame::Frame;
use super::list::Asked;
use super::{Paged, page};
use crate::console::gate::Visitor;
use crate::console::shared::Shared;
use crate::desk::report::table::Both;
use crate::desk::report::{Span, Step};

const PATH: &str = "/reports";

pub fn router() -> Router<Arc<Shared>> {
    Router::new().route(PATH, get(choose))
}

/// A time that is a click away: its word in the address, its name, and when it is.
struct Chosen {
    word: &'static str,
    name: &'static str,
    span: (DateTime<Utc>, DateTime<Utc>),
}

#[derive(Template)]
#[template(path = "reports.html")]
struct ReportsPage {
    frame: Frame,
    times: Vec<Chosen>,
    word: String,
    step: Step,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl ReportsPage {
    fn reports(&self) -> [(&'static str, &'static str); 4] {
        [
            ("calls", self.frame.say("来电统计", "Calls")),
            ("tickets", self.frame.say("报事统计", "Tickets")),
            ("satisfaction", self.frame.say("满意度统计", "Satisfaction")),
            ("messages", self.frame.say("留言统计", "Messages")),
        ]
    }

    /// Where a report is, in this form (`csv`, `html`).
    fn address(&self, report: &str, format: &str) -> String {
        let at = |at: &DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%SZ");
        let (since, until, lang, step) = (at(&self.since), at(&self.until), self.frame.tongue, self.step);
        format!("/api/v1/reports/{report}?since={since}&until={until}&step={step}&lang={lang}&format={format}")
    }

    /// What one row of a report is (R42).
    fn steps(&self) -> [(Step, &'static str); 3] {
        [
            (Step::Day, self.frame.say("日", "days")),
            (Step::Week, self.frame.say("周", "weeks")),
            (Step::Month, self.frame.say("月", "months")),
        ]
    }

    fn day(&self, at: &DateTime<Utc>) -> String {
        at.with_timezone(&self.frame.time_zone).format("%Y-%m-%d").to_string()
    }
}

/// This week, the one before, this month and the one before; in the desk's own days.
fn times(visitor: &Visitor) -> Vec<Chosen> {
    let zone = visitor.settings.time_zone;
    let of = |at, step| Span::of(at, step, zone);
    let (week, month) = (of(visitor.now, Step::Week), of(visitor.now, Step::Month));
    let moment = TimeDelta::seconds(1);
    let (last_week, last_month) = (of(week.from - moment, Step::Week), of(month.from - moment, Step::Month));
    let named = [
        ("week", Both::new("本周", "This week"), week),
        ("last-week", Both::new("上周", "Last week"), last_week),
        ("month", Both::new("本月", "This month"), month),
        ("last-month", Both::new("上月", "Last month"), last_month),
    ];
    named.map(|(word, name, span)| Chosen { word, name: name.of(visitor.tongue), span: (span.from, span.to) }).into()
}

async fn choose(visitor: Visitor, asked: Asked) -> Paged {
    let times = times(&visitor);
    let zone = visitor.settings.time_zone;
    let (since, until) = (asked.time("since", zone), asked.time("until", zone));
    let word = asked.some("time").unwrap_or(if since.is_some() { "" } else { "week" }).to_owned();
    let chosen = times.iter().find(|time| time.word == word).map(|time| time.span);
    let of_days = since.map(|since| (since, until.filter(|until| *until > since).unwrap_or(visitor.now)));
    let (since, until) = chosen.or(of_days).unwrap_or(times[0].span);
    let step = asked.word("step").filter(|step| *step != Step::Hour).unwrap_or(Step::Day);
    page(&ReportsPage { frame: Frame::of(&visitor, PATH), times, word, step, since, until })
}
