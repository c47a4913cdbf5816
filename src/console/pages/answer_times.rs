//! How fast the line is answered (R2): over time, in ms and in rings, by machine and by person, and at which hours of the
//! week calls come and are lost. Each chart is drawn in the browser from the table that stands beside it.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};

use super::frame::Frame;
use super::list::Asked;
use super::{Paged, page};
use crate::console::gate::Visitor;
use crate::console::shared::Shared;
use crate::desk::hours::to_utc;
use crate::desk::report::answer_times::{AnswerTimesReport, WeekHour};
use crate::desk::report::calls::{CallFigures, CallRules};
use crate::desk::report::table::{Cell, Tongue};
use crate::desk::report::{Step, Timed};
use crate::store::ReportPeriod;

const PATH: &str = "/answer-times";
/// Days that are shown unless others are asked for.
const DAYS: u64 = 28;
/// No period is longer: more calls than a desk has in two years cost more than a page may.
const DAYS_MAX: i64 = 732;
/// Rows of a table and points of a chart at most; where there would be more, the step is longer.
const ROWS_MAX: i64 = 400;

pub fn router() -> Router<Arc<Shared>> {
    Router::new().route(PATH, get(times))
}

/// What the colours of the week show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heat {
    Offered,
    BeforeThirdRing,
    Abandoned,
}

crate::desk::words::words!(Heat {
    Offered => "offered",
    BeforeThirdRing => "before_third_ring",
    Abandoned => "abandoned",
});

/// One cell of the week: what is written, how strong its colour is (0 to 5), and all of it in words.
struct WeekCell {
    text: String,
    level: u64,
    words: String,
}

#[derive(Template)]
#[template(path = "answer_times.html")]
struct TimesPage {
    frame: Frame,
    /// What the form shows: days of the desk's zone.
    since: String,
    until: String,
    step: Step,
    heat: Heat,
    within_s: u64,
    report: AnswerTimesReport,
    /// One row for each hour of the day, Monday first.
    week: Vec<(String, Vec<WeekCell>)>,
}

impl TimesPage {
    fn steps(&self) -> [(Step, &'static str); 4] {
        [
            (Step::Hour, self.frame.say("小时", "hours")),
            (Step::Day, self.frame.say("日", "days")),
            (Step::Week, self.frame.say("周", "weeks")),
            (Step::Month, self.frame.say("月", "months")),
        ]
    }

    fn heats(&self) -> [(Heat, &'static str); 3] {
        [
            (Heat::Offered, self.frame.say("来电数", "calls")),
            (Heat::BeforeThirdRing, self.frame.say("三声内接听率", "answered before the third ring")),
            (Heat::Abandoned, self.frame.say("接听前挂断", "abandoned")),
        ]
    }

    fn weekdays(&self) -> [&'static str; 7] {
        [
            self.frame.say("周一", "Mon"),
            self.frame.say("周二", "Tue"),
            self.frame.say("周三", "Wed"),
            self.frame.say("周四", "Thu"),
            self.frame.say("周五", "Fri"),
            self.frame.say("周六", "Sat"),
            self.frame.say("周日", "Sun"),
        ]
    }

    fn totals(&self) -> &CallFigures {
        &self.report.calls.totals
    }

    fn rows(&self) -> &[Timed<CallFigures>] {
        &self.report.calls.rows
    }

    fn share(&self, share: &Option<f64>) -> String {
        share.map_or_else(|| "—".to_owned(), |share| format!("{:.1}%", share * 100.0))
    }

    /// A share as the chart takes it: in percent, or nothing.
    fn percent(&self, share: &Option<f64>) -> String {
        share.map(|share| format!("{:.2}", share * 100.0)).unwrap_or_default()
    }

    fn ms(&self, ms: &Option<u64>) -> String {
        match ms {
            Some(ms) if *ms < 1_000 => format!("{ms} ms"),
            Some(ms) => Cell::Ms(*ms).shown(),
            None => "—".to_owned(),
        }
    }

    /// The start of a row as people read it: an hour without its offset.
    fn start(&self, start: &str) -> String {
        start.get(..16).filter(|_| start.contains('T')).unwrap_or(start).replace('T', " ")
    }

    /// Up to how many ms a row of the spread goes.
    fn to_ms(&self, to_ms: &Option<u64>) -> String {
        match to_ms {
            Some(ms) if *ms < 1_000 => format!("≤ {ms} ms"),
            Some(ms) => format!("≤ {} s", *ms as f64 / 1_000.0),
            None => self.frame.say("更长", "longer").to_owned(),
        }
    }

    fn ring(&self, ring: &u32, or_more: &bool) -> String {
        let more = if *or_more { self.frame.say("及以后", " and later") } else { "" };
        match self.frame.tongue {
            Tongue::Zh => format!("第 {ring} 声{more}"),
            Tongue::En => format!("ring {ring}{more}"),
        }
    }

    /// The share before the third ring as a colour: all of them, nearly all, or fewer.
    fn grade(&self, share: &Option<f64>) -> &'static str {
        match share {
            Some(0.999..) => "green",
            Some(0.95..) => "amber",
            Some(_) => "red",
            None => "",
        }
    }
}

async fn times(State(shared): State<Arc<Shared>>, visitor: Visitor, asked: Asked) -> Paged {
    let tz = visitor.settings.time_zone;
    let today = visitor.now.with_timezone(&tz).date_naive();
    let midnight = |date: chrono::NaiveDate| to_utc(date.and_time(NaiveTime::MIN), tz);
    let day = |at: DateTime<Utc>| at.with_timezone(&tz).date_naive().to_string();
    let until = asked.time("until", tz).or_else(|| midnight(today.checked_add_days(Days::new(1))?));
    let until = until.unwrap_or(visitor.now);
    let first = until.with_timezone(&tz).date_naive().checked_sub_days(Days::new(DAYS));
    let since = asked.time("since", tz).or_else(|| first.and_then(midnight)).unwrap_or(until);
    let since = since.clamp(until - TimeDelta::days(DAYS_MAX), until);
    let step = fitting(asked.word("step").unwrap_or(Step::Day), until - since);
    let within_s = asked.word::<u64>("within").filter(|s| (1..=3_600).contains(s)).unwrap_or(20);
    let rules =
        CallRules { step, cadence: visitor.settings.cadence, within_ms: within_s * 1_000, ..CallRules::default() };
    let period = ReportPeriod { since: Some(since), until: Some(until) };
    let report = shared.pool.read(move |reader| Ok(reader.answer_times_report(period, rules, tz)?)).await?;
    let heat = asked.word("heat").unwrap_or(Heat::Offered);
    let mut shown = TimesPage {
        frame: Frame::of(&visitor, PATH),
        since: day(since),
        until: day(until),
        step,
        heat,
        within_s,
        week: Vec::new(),
        report,
    };
    shown.week = week(&shown);
    page(&shown)
}

/// The step that was asked for, or the next longer one that does not give too many rows.
fn fitting(step: Step, period: TimeDelta) -> Step {
    let rows = |step| match step {
        Step::Hour => period.num_hours(),
        Step::Day => period.num_days(),
        Step::Week => period.num_weeks(),
        Step::Month => 0,
    };
    let longer = Step::ALL.iter().copied().skip_while(|other| *other != step);
    longer.into_iter().find(|step| rows(*step) <= ROWS_MAX).unwrap_or(Step::Month)
}

fn week(shown: &TimesPage) -> Vec<(String, Vec<WeekCell>)> {
    let hours = &shown.report.week;
    let value = |hour: &WeekHour| match shown.heat {
        Heat::Offered => hour.offered,
        Heat::Abandoned => hour.abandoned,
        // How many were answered too late: the worse, the stronger.
        Heat::BeforeThirdRing => hour.answered - hour.before_third_ring,
    };
    let most = hours.iter().map(value).max().unwrap_or(0);
    let weekdays = shown.weekdays();
    let tongue = shown.frame.tongue;
    let cell = |hour: &WeekHour| {
        let text = match shown.heat {
            _ if hour.offered == 0 => String::new(),
            Heat::Offered => hour.offered.to_string(),
            Heat::Abandoned => hour.abandoned.to_string(),
            Heat::BeforeThirdRing => {
                hour.before_third_ring_share.map(|share| format!("{:.0}%", share * 100.0)).unwrap_or_default()
            }
        };
        let share = shown.share(&hour.before_third_ring_share);
        let day = weekdays[(hour.weekday as usize - 1) % 7];
        let words = match tongue {
            Tongue::Zh => format!(
                "{day} {:02}:00：来电 {}，三声内 {share}，接听前挂断 {}",
                hour.hour, hour.offered, hour.abandoned
            ),
            Tongue::En => format!(
                "{day} {:02}:00: {} calls, {share} before the third ring, {} abandoned",
                hour.hour, hour.offered, hour.abandoned
            ),
        };
        WeekCell { text, level: level(value(hour), most), words }
    };
    let row = |of_day: u32| {
        let cells = hours.iter().filter(|hour| hour.hour == of_day).map(cell).collect();
        (format!("{of_day:02}:00"), cells)
    };
    (0..24).map(row).collect()
}

/// From 0 for nothing to 5 for the most.
fn level(value: u64, most: u64) -> u64 {
    if most == 0 { 0 } else { (value * 5).div_ceil(most) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_period_has_longer_steps() {
        let fitted = |step, days| fitting(step, TimeDelta::days(days));
        assert_eq!(
            [fitted(Step::Hour, 7), fitted(Step::Hour, 28), fitted(Step::Day, 401)],
            [Step::Hour, Step::Day, Step::Week]
        );
        assert_eq!((fitted(Step::Month, 1), fitted(Step::Week, 4_000)), (Step::Month, Step::Month));
    }

    #[test]
    fn the_strongest_colour_is_the_most() {
        assert_eq!([level(0, 0), level(0, 9), level(1, 9), level(5, 9), level(9, 9)], [0, 0, 1, 3, 5]);
    }
}
