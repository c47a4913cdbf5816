//! Answer times as people look at them: how they spread in ms and in rings, machine and person apart, and the weekdays
//! and hours at which calls come, wait and are lost (R2, R42).

use chrono::{Datelike, Timelike};
use chrono_tz::Tz;
use serde::Serialize;
use utoipa::ToSchema;

use super::calls::{CallFact, CallRules, CallsReport, CallsTally};
use super::{mean, share};
use crate::desk::call_record::{Direction, Outcome};

/// Upper bounds of the spread, in ms, each inclusive; what takes longer is in a last row of its own.
const BOUNDS_MS: [u64; 14] =
    [20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 7_500, 10_000, 15_000, 20_000, 30_000, 60_000];
/// Answers in this ring or a later one are counted together.
const RINGS_MAX: u32 = 12;
const HOURS: usize = 24;
const WEEKDAYS: usize = 7;

/// The report. `calls` is the report on calls of the same period and rules.
#[derive(Debug, PartialEq, Serialize)]
pub struct AnswerTimesReport {
    #[serde(flatten)]
    pub calls: CallsReport,
    pub spread: Vec<SpreadRow>,
    pub rings: Vec<RingRow>,
    /// Every hour of the week, Monday first.
    pub week: Vec<WeekHour>,
}

/// Answers that took no longer than `to_ms`, and longer than the row before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct SpreadRow {
    /// Null for all that took longer.
    pub to_ms: Option<u64>,
    pub machine: u64,
    pub person: u64,
}

/// Answers for which so many rings had begun: 1 for an answer at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct RingRow {
    pub ring: u32,
    /// Also later ones.
    pub or_more: bool,
    pub machine: u64,
    pub person: u64,
}

/// One hour of one weekday, over all weeks of the period.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct WeekHour {
    /// 1 for Monday to 7 for Sunday (ISO 8601).
    pub weekday: u32,
    pub hour: u32,
    pub offered: u64,
    pub answered: u64,
    pub before_third_ring: u64,
    /// Of the answered ones.
    pub before_third_ring_share: Option<f64>,
    pub mean_answer_ms: Option<u64>,
    /// The caller hung up before the answer, and not at once.
    pub abandoned: u64,
}

/// Collects calls for the report; its size does not grow with their number.
#[derive(Debug)]
pub struct AnswerTimesTally {
    rules: CallRules,
    zone: Tz,
    calls: CallsTally,
    /// Machine and person.
    spread: [[u64; 2]; BOUNDS_MS.len() + 1],
    rings: [[u64; 2]; RINGS_MAX as usize],
    week: Box<[Hour; WEEKDAYS * HOURS]>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Hour {
    offered: u64,
    answered: u64,
    in_time: u64,
    answer_ms: u64,
    abandoned: u64,
}

impl AnswerTimesTally {
    pub fn new(rules: CallRules, zone: Tz) -> Self {
        Self {
            rules,
            zone,
            calls: CallsTally::new(rules, zone),
            spread: Default::default(),
            rings: Default::default(),
            week: Box::new([Hour::default(); WEEKDAYS * HOURS]),
        }
    }

    pub fn add(&mut self, call: &CallFact<'_>) {
        self.calls.add(call);
        if call.direction == Direction::Out {
            return;
        }
        let local = call.started_at.with_timezone(&self.zone);
        let weekday = local.weekday().num_days_from_monday() as usize;
        let hour = &mut self.week[weekday * HOURS + local.hour() as usize];
        hour.offered += 1;
        if let Some(ms) = call.answer_ms {
            let who = usize::from(call.is_answered_by_person(ms));
            let bound = BOUNDS_MS.iter().position(|to| ms <= *to).unwrap_or(BOUNDS_MS.len());
            self.spread[bound][who] += 1;
            let ring = self.rules.cadence.rings_begun(ms).clamp(1, RINGS_MAX);
            self.rings[ring as usize - 1][who] += 1;
            hour.answered += 1;
            hour.in_time += u64::from(ms < self.rules.cadence.third_ring_ms());
            hour.answer_ms += ms;
        } else if call.outcome == Some(Outcome::Abandoned) {
            let short = call.after_ms().is_some_and(|ms| ms < self.rules.short_ms);
            hour.abandoned += u64::from(!short);
        }
    }

    pub fn report(self) -> AnswerTimesReport {
        let bounds = BOUNDS_MS.into_iter().map(Some).chain([None]);
        let spread = bounds.zip(self.spread).map(|(to_ms, [machine, person])| SpreadRow { to_ms, machine, person });
        let rings = (1..).zip(self.rings).map(|(ring, [machine, person])| {
            let or_more = ring == RINGS_MAX;
            RingRow { ring, or_more, machine, person }
        });
        let week = self.week.iter().enumerate().map(|(at, hour)| hour.row(at));
        AnswerTimesReport {
            spread: spread.collect(),
            rings: rings.collect(),
            week: week.collect(),
            calls: self.calls.report(),
        }
    }
}

impl Hour {
    fn row(&self, at: usize) -> WeekHour {
        WeekHour {
            weekday: (at / HOURS + 1) as u32,
            hour: (at % HOURS) as u32,
            offered: self.offered,
            answered: self.answered,
            before_third_ring: self.in_time,
            before_third_ring_share: share(self.in_time, self.answered),
            mean_answer_ms: mean(self.answer_ms, self.answered),
            abandoned: self.abandoned,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;

    /// Monday, 09:00 in Shanghai.
    fn monday() -> DateTime<Utc> {
        "2026-11-23T01:00:00Z".parse().expect("a time")
    }

    fn call(after: TimeDelta, answer_ms: Option<u64>) -> CallFact<'static> {
        let started_at = monday() + after;
        CallFact {
            direction: Direction::In,
            started_at,
            ended_at: Some(started_at + TimeDelta::seconds(30)),
            answer_ms,
            outcome: Some(if answer_ms.is_some() { Outcome::Completed } else { Outcome::Abandoned }),
            sought_ms: None,
            person_ms: None,
            branch: None,
            trunk: None,
        }
    }

    fn report(calls: &[CallFact<'_>]) -> AnswerTimesReport {
        let mut tally = AnswerTimesTally::new(CallRules::default(), chrono_tz::Asia::Shanghai);
        calls.iter().for_each(|call| tally.add(call));
        tally.report()
    }

    #[test]
    fn every_answer_is_in_one_row_of_ms_and_in_one_of_rings_under_who_gave_it() {
        let zero = TimeDelta::zero();
        let by_person = CallFact { sought_ms: Some(100), person_ms: Some(6_200), ..call(zero, Some(6_000)) };
        let out = CallFact { direction: Direction::Out, ..call(zero, Some(5)) };
        let r = report(&[
            call(zero, Some(20)),
            call(zero, Some(21)),
            by_person,
            call(zero, Some(10_000)),
            call(zero, Some(3_600_000)),
            call(zero, None),
            out,
        ]);
        let spread: Vec<_> =
            r.spread.iter().filter(|r| r.machine + r.person > 0).map(|r| (r.to_ms, r.machine, r.person)).collect();
        assert_eq!(
            spread,
            [(Some(20), 1, 0), (Some(50), 1, 0), (Some(7_500), 0, 1), (Some(10_000), 1, 0), (None, 1, 0)]
        );
        let rings: Vec<_> =
            r.rings.iter().filter(|r| r.machine + r.person > 0).map(|r| (r.ring, r.machine, r.person)).collect();
        // An answer as the third ring begins is one in the third ring: too late (R2).
        assert_eq!(rings, [(1, 2, 0), (2, 0, 1), (3, 1, 0), (12, 1, 0)]);
        assert!(r.rings[11].or_more && !r.rings[10].or_more);
        assert_eq!((r.calls.totals.answered, r.calls.outgoing.made), (5, 1));
    }

    #[test]
    fn the_hours_of_the_week_are_the_desks() {
        let short = CallFact { ended_at: Some(monday() + TimeDelta::seconds(2)), ..call(TimeDelta::zero(), None) };
        let r = report(&[
            call(TimeDelta::zero(), Some(9_999)),
            call(TimeDelta::minutes(59), Some(10_001)),
            call(TimeDelta::zero(), None),
            short,
            call(TimeDelta::days(7), Some(0)),
            call(TimeDelta::hours(14 + 6 * 24), Some(0)),
        ]);
        let hours: Vec<_> = r.week.iter().filter(|h| h.offered > 0).collect();
        let [monday, sunday] = hours[..] else { panic!("{hours:?}") };
        assert_eq!((monday.weekday, monday.hour, monday.offered, monday.answered), (1, 9, 5, 3));
        assert_eq!((monday.before_third_ring, monday.before_third_ring_share), (2, Some(0.6667)));
        assert_eq!((monday.abandoned, monday.mean_answer_ms), (1, Some(6_666)), "who hung up at once is not lost");
        assert_eq!((sunday.weekday, sunday.hour), (7, 23));
        assert_eq!(r.week.len(), 168);
    }
}
