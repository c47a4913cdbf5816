//! How fast the line is answered (R2), counted over the call log.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use utoipa::ToSchema;

use super::call_record::Outcome;

/// The rhythm in which a phone rings. China's: 1 s on, 4 s off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Cadence {
    pub ring_on_ms: u32,
    pub ring_off_ms: u32,
}

impl Default for Cadence {
    fn default() -> Self {
        Self { ring_on_ms: 1_000, ring_off_ms: 4_000 }
    }
}

impl Cadence {
    /// From one ring's start to the next one's, in ms; at least 1.
    pub fn period_ms(self) -> u64 {
        (u64::from(self.ring_on_ms) + u64::from(self.ring_off_ms)).max(1)
    }

    /// Rings that have begun when a call is answered after so many ms: 1 for an answer at once.
    pub fn rings_begun(self, answer_ms: u64) -> u32 {
        u32::try_from(answer_ms / self.period_ms() + 1).unwrap_or(u32::MAX)
    }

    /// When the third ring starts: an answer must come before it (R2). 10,000 by default.
    pub fn third_ring_ms(self) -> u64 {
        2 * self.period_ms()
    }
}

/// What the report needs to know of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallFacts {
    pub started_at: DateTime<Utc>,
    /// From INVITE to 200, in ms; null when it was never answered.
    pub answer_ms: Option<u64>,
    pub ended: bool,
    pub outcome: Option<Outcome>,
}

/// The report: all calls, and those that began in each hour and on each day of the desk's time zone.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct AnswerReport {
    pub cadence: Cadence,
    pub totals: AnswerFigures,
    pub by_hour: Vec<AnswerRow>,
    pub by_day: Vec<AnswerRow>,
}

/// The figures of one hour or day.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct AnswerRow {
    /// `2026-11-23T21:00+08:00` for an hour, `2026-11-23` for a day.
    pub start: String,
    #[serde(flatten)]
    pub figures: AnswerFigures,
}

/// Every call is counted in `offered`, and in exactly one of `live`, `rejected`, `failed`, `abandoned_before_answer`,
/// `abandoned_after_answer` and `served`.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct AnswerFigures {
    pub offered: u64,
    /// Calls that were answered, whatever came of them.
    pub answered: u64,
    pub answer_ms: Spread,
    pub answer_rings: Spread,
    pub answered_before_third_ring: u64,
    /// Of the answered ones; null when there were none.
    pub share_before_third_ring: Option<f64>,
    /// Ended with what the caller wanted: completed, transferred, a message or a ticket.
    pub served: u64,
    /// The caller hung up before the answer.
    pub abandoned_before_answer: u64,
    /// The caller hung up after the answer and left nothing.
    pub abandoned_after_answer: u64,
    pub rejected: u64,
    pub failed: u64,
    /// Not ended yet.
    pub live: u64,
}

/// Percentiles by nearest rank; null when there is nothing to rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct Spread {
    pub p50: Option<u64>,
    pub p95: Option<u64>,
    pub max: Option<u64>,
}

/// Collects calls for the report. It keeps four bytes per answered call and list, so a million calls take 12 MB.
#[derive(Debug)]
pub struct AnswerTally {
    time_zone: Tz,
    cadence: Cadence,
    totals: Counts,
    hours: BTreeMap<String, Counts>,
    days: BTreeMap<String, Counts>,
}

impl AnswerTally {
    pub fn new(time_zone: Tz, cadence: Cadence) -> Self {
        Self { time_zone, cadence, totals: Counts::default(), hours: BTreeMap::new(), days: BTreeMap::new() }
    }

    pub fn add(&mut self, call: &CallFacts) {
        let local = call.started_at.with_timezone(&self.time_zone);
        self.totals.add(call);
        self.hours.entry(local.format("%Y-%m-%dT%H:00%:z").to_string()).or_default().add(call);
        self.days.entry(local.format("%Y-%m-%d").to_string()).or_default().add(call);
    }

    pub fn report(self) -> AnswerReport {
        let cadence = self.cadence;
        let rows = |counts: BTreeMap<String, Counts>| {
            counts.into_iter().map(|(start, c)| AnswerRow { start, figures: c.figures(cadence) }).collect()
        };
        AnswerReport {
            cadence,
            totals: self.totals.figures(cadence),
            by_hour: rows(self.hours),
            by_day: rows(self.days),
        }
    }
}

#[derive(Debug, Default)]
struct Counts {
    offered: u64,
    answer_ms: Vec<u32>,
    served: u64,
    abandoned_before: u64,
    abandoned_after: u64,
    rejected: u64,
    failed: u64,
    live: u64,
}

impl Counts {
    fn add(&mut self, call: &CallFacts) {
        self.offered += 1;
        if let Some(ms) = call.answer_ms {
            self.answer_ms.push(u32::try_from(ms).unwrap_or(u32::MAX));
        }
        let counted = match (call.ended, call.outcome) {
            (false, _) => &mut self.live,
            (true, Some(Outcome::Rejected)) => &mut self.rejected,
            (true, Some(Outcome::Failed) | None) => &mut self.failed,
            (true, Some(Outcome::Abandoned)) if call.answer_ms.is_none() => &mut self.abandoned_before,
            (true, Some(Outcome::Abandoned)) => &mut self.abandoned_after,
            (true, Some(Outcome::Completed | Outcome::Transferred | Outcome::Voicemail | Outcome::Ticket)) => {
                &mut self.served
            }
        };
        *counted += 1;
    }

    fn figures(mut self, cadence: Cadence) -> AnswerFigures {
        self.answer_ms.sort_unstable();
        let spread = Spread::of_sorted(&self.answer_ms);
        let in_rings = |ms: Option<u64>| ms.map(|ms| u64::from(cadence.rings_begun(ms)));
        let answered = self.answer_ms.len() as u64;
        let before = self.answer_ms.partition_point(|ms| u64::from(*ms) < cadence.third_ring_ms()) as u64;
        AnswerFigures {
            offered: self.offered,
            answered,
            answer_ms: spread,
            answer_rings: Spread { p50: in_rings(spread.p50), p95: in_rings(spread.p95), max: in_rings(spread.max) },
            answered_before_third_ring: before,
            share_before_third_ring: (answered > 0)
                .then(|| (before as f64 / answered as f64 * 10_000.0).round() / 10_000.0),
            served: self.served,
            abandoned_before_answer: self.abandoned_before,
            abandoned_after_answer: self.abandoned_after,
            rejected: self.rejected,
            failed: self.failed,
            live: self.live,
        }
    }
}

impl Spread {
    fn of_sorted(sorted: &[u32]) -> Self {
        let at = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100).max(1);
            sorted.get(rank - 1).map(|ms| u64::from(*ms))
        };
        Self { p50: at(50), p95: at(95), max: sorted.last().map(|ms| u64::from(*ms)) }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn call(minute: u32, answer_ms: Option<u64>, outcome: Option<Outcome>) -> CallFacts {
        // 15:00 UTC is 23:00 in Shanghai: an hour later is the next day there.
        let started_at = Utc.with_ymd_and_hms(2026, 11, 23, 15 + minute / 60, minute % 60, 0).unwrap();
        CallFacts { started_at, answer_ms, ended: outcome.is_some(), outcome }
    }

    fn report(calls: &[CallFacts]) -> AnswerReport {
        let mut tally = AnswerTally::new(chrono_tz::Asia::Shanghai, Cadence::default());
        for c in calls {
            tally.add(c);
        }
        tally.report()
    }

    #[test]
    fn r2_rings_are_counted_as_they_begin() {
        let cadence = Cadence::default();
        assert_eq!([0, 4_999, 5_000, 9_999, 10_000].map(|ms| cadence.rings_begun(ms)), [1, 1, 2, 2, 3]);
        assert_eq!(cadence.third_ring_ms(), 10_000);
        let none = Cadence { ring_on_ms: 0, ring_off_ms: 0 };
        assert_eq!(none.rings_begun(u64::MAX - 1), u32::MAX);
    }

    #[test]
    fn r2_an_answer_as_the_third_ring_starts_is_too_late() {
        let at = |ms| call(0, Some(ms), Some(Outcome::Completed));
        let figures = report(&[at(9_999), at(10_000), at(0), at(10_001)]).totals;
        assert_eq!((figures.answered, figures.answered_before_third_ring), (4, 2));
        assert_eq!(figures.share_before_third_ring, Some(0.5));
        assert_eq!(figures.answer_rings, Spread { p50: Some(2), p95: Some(3), max: Some(3) });
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let calls: Vec<_> = (1..=20).rev().map(|n| call(0, Some(n * 10), Some(Outcome::Ticket))).collect();
        assert_eq!(report(&calls).totals.answer_ms, Spread { p50: Some(100), p95: Some(190), max: Some(200) });
        assert_eq!(report(&[]).totals.answer_ms, Spread::default());
        assert_eq!(report(&[]).totals.share_before_third_ring, None);
    }

    #[test]
    fn every_call_is_counted_once_whatever_came_of_it() {
        let figures = report(&[
            call(0, Some(5), Some(Outcome::Completed)),
            call(0, Some(5), Some(Outcome::Ticket)),
            call(0, Some(5), Some(Outcome::Voicemail)),
            call(0, Some(5), Some(Outcome::Transferred)),
            call(0, None, Some(Outcome::Abandoned)),
            call(0, Some(5), Some(Outcome::Abandoned)),
            call(0, None, Some(Outcome::Rejected)),
            call(0, None, Some(Outcome::Failed)),
            call(0, Some(5), Some(Outcome::Failed)),
            call(0, Some(5), None),
            call(0, None, None),
        ])
        .totals;
        assert_eq!((figures.offered, figures.answered, figures.served), (11, 7, 4));
        assert_eq!((figures.abandoned_before_answer, figures.abandoned_after_answer), (1, 1));
        assert_eq!((figures.rejected, figures.failed, figures.live), (1, 2, 2));
    }

    #[test]
    fn hours_and_days_are_the_desks() {
        let r = report(&[
            call(59, Some(1), Some(Outcome::Completed)),
            call(60, Some(2), Some(Outcome::Completed)),
            call(61, None, Some(Outcome::Abandoned)),
        ]);
        let rows = |rows: &[AnswerRow]| rows.iter().map(|r| (r.start.clone(), r.figures.offered)).collect::<Vec<_>>();
        assert_eq!(rows(&r.by_hour), [("2026-11-23T23:00+08:00".into(), 1), ("2026-11-24T00:00+08:00".into(), 2)]);
        assert_eq!(rows(&r.by_day), [("2026-11-23".into(), 1), ("2026-11-24".into(), 2)]);
    }
}
