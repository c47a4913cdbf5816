//! Hours, days, weeks and months of the desk's time zone, also where clocks change.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Offset, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::Timed;
use crate::desk::hours::to_utc;
use crate::desk::words::words;

/// How long one row of a report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Hour,
    Day,
    /// From Monday on (ISO 8601).
    Week,
    Month,
}

words!(Step { Hour => "hour", Day => "day", Week => "week", Month => "month" });

/// One hour, day, week or month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// `2026-11-23T21:00+08:00`, `2026-11-23`, `2026-W48`, `2026-11`.
    pub label: String,
    /// From this moment on.
    pub from: DateTime<Utc>,
    /// Before this one; for an hour in which clocks change it may end early, and another of the same label goes on.
    pub to: DateTime<Utc>,
}

impl Span {
    /// The one that a moment lies in.
    pub fn of(at: DateTime<Utc>, step: Step, zone: Tz) -> Span {
        let local = at.with_timezone(&zone);
        let date = local.date_naive();
        match step {
            Step::Hour => hour(at, zone),
            Step::Day => of_days(at, date, date.checked_add_days(Days::new(1)), zone, date.to_string()),
            Step::Week => {
                let monday =
                    date.checked_sub_days(Days::new(u64::from(date.weekday().num_days_from_monday()))).unwrap_or(date);
                let week = date.iso_week();
                let label = format!("{}-W{:02}", week.year(), week.week());
                of_days(at, monday, monday.checked_add_days(Days::new(7)), zone, label)
            }
            Step::Month => {
                let first = date.with_day(1).unwrap_or(date);
                let label = date.format("%Y-%m").to_string();
                of_days(at, first, first.checked_add_months(Months::new(1)), zone, label)
            }
        }
    }

    pub fn holds(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && at < self.to
    }
}

fn of_days(at: DateTime<Utc>, first: NaiveDate, next: Option<NaiveDate>, zone: Tz, label: String) -> Span {
    let start = |date: NaiveDate| to_utc(date.and_time(NaiveTime::MIN), zone);
    // At the ends of the calendar a span is a moment: nothing is lost by it but time.
    let from = start(first).unwrap_or(at);
    let to = next.and_then(start).unwrap_or(at + TimeDelta::milliseconds(1));
    Span { label, from, to }
}

fn hour(at: DateTime<Utc>, zone: Tz) -> Span {
    let local = at.with_timezone(&zone);
    let into = TimeDelta::seconds(i64::from(local.minute() * 60 + local.second()))
        + TimeDelta::nanoseconds(i64::from(local.nanosecond()));
    let (from, to) = (at - into, at - into + TimeDelta::hours(1));
    let offset = |at: DateTime<Utc>| at.with_timezone(&zone).offset().fix();
    // Where clocks change by half an hour within it, only the moment itself is sure to be in it.
    let whole = offset(from) == offset(at) && offset(to - TimeDelta::milliseconds(1)) == offset(at);
    let (from, to) = if whole { (from, to) } else { (at, at + TimeDelta::milliseconds(1)) };
    Span { label: local.format("%Y-%m-%dT%H:00%:z").to_string(), from, to }
}

/// Sums by hour, day, week or month. Facts that come in the order of time cost next to nothing.
#[derive(Debug)]
pub struct Buckets<T> {
    step: Step,
    zone: Tz,
    spans: Vec<(Span, T)>,
    current: usize,
}

impl<T: Default> Buckets<T> {
    pub fn new(step: Step, zone: Tz) -> Self {
        Self { step, zone, spans: Vec::new(), current: 0 }
    }

    /// The sum that a moment belongs to.
    pub fn at(&mut self, at: DateTime<Utc>) -> &mut T {
        if !self.spans.get(self.current).is_some_and(|(span, _)| span.holds(at)) {
            self.current = self.find(at);
        }
        &mut self.spans[self.current].1
    }

    fn find(&mut self, at: DateTime<Utc>) -> usize {
        let span = Span::of(at, self.step, self.zone);
        match self.spans.binary_search_by(|(other, _)| other.from.cmp(&span.from)) {
            Ok(found) => found,
            Err(place) => {
                self.spans.insert(place, (span, T::default()));
                place
            }
        }
    }

    /// One row each, in the order of time; those without anything are left out.
    pub fn rows<U>(self, merge: impl Fn(&mut T, T), figures: impl Fn(T) -> U) -> Vec<Timed<U>> {
        let mut sums: Vec<(String, T)> = Vec::with_capacity(self.spans.len());
        for (span, sum) in self.spans {
            match sums.last_mut().filter(|(label, _)| *label == span.label) {
                Some((_, last)) => merge(last, sum),
                None => sums.push((span.label, sum)),
            }
        }
        sums.into_iter().map(|(start, sum)| Timed { start, figures: figures(sum) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn counted(step: Step, zone: Tz, times: &[&str]) -> Vec<(String, u32)> {
        let mut buckets = Buckets::<u32>::new(step, zone);
        times.iter().for_each(|time| *buckets.at(at(time)) += 1);
        let rows = buckets.rows(|sum, more| *sum += more, |sum| sum);
        rows.into_iter().map(|row| (row.start, row.figures)).collect()
    }

    fn rows(expected: &[(&str, u32)]) -> Vec<(String, u32)> {
        expected.iter().map(|(start, n)| ((*start).to_owned(), *n)).collect()
    }

    #[test]
    fn days_weeks_and_months_begin_at_the_desks_midnight() {
        let times =
            ["2026-11-22T15:59:59.999Z", "2026-11-22T16:00:00Z", "2026-11-30T16:00:00Z", "2026-11-22T16:00:01Z"];
        let shanghai = chrono_tz::Asia::Shanghai;
        let days = [("2026-11-22", 1), ("2026-11-23", 2), ("2026-12-01", 1)];
        assert_eq!(counted(Step::Day, shanghai, &times), rows(&days));
        let weeks = [("2026-W47", 1), ("2026-W48", 2), ("2026-W49", 1)];
        assert_eq!(counted(Step::Week, shanghai, &times), rows(&weeks));
        assert_eq!(counted(Step::Month, shanghai, &times), rows(&[("2026-11", 3), ("2026-12", 1)]));
        let year = ["2026-12-31T20:00:00Z", "2027-01-03T10:00:00Z", "2027-01-03T16:00:00Z"];
        assert_eq!(counted(Step::Week, shanghai, &year), rows(&[("2026-W53", 2), ("2027-W01", 1)]));
    }

    #[test]
    fn the_hour_that_comes_twice_has_two_rows_and_the_day_has_25_hours() {
        let berlin = chrono_tz::Europe::Berlin;
        let times = ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z"];
        let hours = [
            ("2026-10-25T00:00+02:00", 1),
            ("2026-10-25T02:00+02:00", 1),
            ("2026-10-25T02:00+01:00", 1),
            ("2026-10-25T23:00+01:00", 1),
        ];
        assert_eq!(counted(Step::Hour, berlin, &times), rows(&hours));
        assert_eq!(counted(Step::Day, berlin, &times), rows(&[("2026-10-25", 4)]));
        let day = Span::of(at("2026-10-25T12:00:00Z"), Step::Day, berlin);
        assert_eq!(day.to - day.from, TimeDelta::hours(25));
        let spring = Span::of(at("2026-03-29T12:00:00Z"), Step::Day, berlin);
        assert_eq!(spring.to - spring.from, TimeDelta::hours(23));
    }

    #[test]
    fn zones_of_half_hours_and_half_hour_changes_lose_nothing() {
        let kolkata = ["2026-11-22T18:29:59Z", "2026-11-22T18:30:00Z"];
        let hours = [("2026-11-22T23:00+05:30", 1), ("2026-11-23T00:00+05:30", 1)];
        assert_eq!(counted(Step::Hour, chrono_tz::Asia::Kolkata, &kolkata), rows(&hours));
        // Clocks go back from 02:00 to 01:30 on 5 April 2026.
        let lord_howe =
            ["2026-04-04T14:10:00Z", "2026-04-04T14:50:00Z", "2026-04-04T15:10:00Z", "2026-04-04T15:40:00Z"];
        let counted: u32 =
            counted(Step::Hour, chrono_tz::Australia::Lord_Howe, &lord_howe).iter().map(|row| row.1).sum();
        assert_eq!(counted, 4);
    }

    /// Whatever moment and zone: it lies in its span, spans of days meet without gap, and every fact is counted once.
    #[test]
    fn every_moment_lies_in_exactly_one_span() {
        let mut random = crate::types::Random::for_testing(19);
        let zones = ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Africa/Cairo", "America/Sao_Paulo", "UTC"];
        for _ in 0..20_000 {
            let zone: Tz = zones[random.u32() as usize % zones.len()].parse().expect("a zone");
            let moment =
                DateTime::from_timestamp(1_600_000_000 + i64::from(random.u32() % 400_000_000), 0).expect("a time");
            for step in Step::ALL {
                let span = Span::of(moment, *step, zone);
                assert!(span.holds(moment), "{zone} {step} {moment}: {span:?}");
                assert_eq!(Span::of(span.from, *step, zone).label, span.label, "{zone} {step} {moment}");
                if *step != Step::Hour {
                    let next = Span::of(span.to, *step, zone);
                    assert_eq!(next.from, span.to, "{zone} {step} {moment}");
                    assert_ne!(next.label, span.label);
                }
            }
        }
    }
}
