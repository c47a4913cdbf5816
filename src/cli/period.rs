//! `--since` and `--until`: from when to when.

use std::str::FromStr;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::context::{CliError, Context};
use crate::desk::hours::to_utc;

/// A moment as people write it; what it means depends on the desk's zone and on now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// `2026-11-23`: a whole day.
    Day(NaiveDate),
    /// `2026-11-23T21:00`, in the desk's zone.
    Local(NaiveDateTime),
    /// `2026-11-23T21:00:00+08:00`.
    Exact(DateTime<Utc>),
    /// `today`, `yesterday`: a whole day so many days ago.
    DaysBack(u64),
    /// `90m`, `2h`, `7d`: so long ago.
    Ago(TimeDelta),
}

/// What was written is none of these.
#[derive(Debug, thiserror::Error)]
#[error("write a day (2026-11-23), a time (2026-11-23T21:00), today, yesterday, or how long ago (90m, 2h, 7d)")]
pub struct NotATime;

impl FromStr for When {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        match text {
            "today" => return Ok(When::DaysBack(0)),
            "yesterday" => return Ok(When::DaysBack(1)),
            _ => {}
        }
        if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            return Ok(When::Day(day));
        }
        if let Ok(exact) = DateTime::parse_from_rfc3339(text) {
            return Ok(When::Exact(exact.to_utc()));
        }
        for format in ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"] {
            if let Ok(local) = NaiveDateTime::parse_from_str(text, format) {
                return Ok(When::Local(local));
            }
        }
        ago(text).map(When::Ago).ok_or(NotATime)
    }
}

impl When {
    /// The moment it begins; `None` beyond the calendar.
    pub(super) fn start(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        match self {
            When::Day(day) => day_start(*day, zone),
            When::Local(local) => to_utc(*local, zone),
            When::Exact(at) => Some(*at),
            When::DaysBack(n) => {
                day_start(now.with_timezone(&zone).date_naive().checked_sub_days(Days::new(*n))?, zone)
            }
            When::Ago(ago) => now.checked_sub_signed(*ago),
        }
    }

    /// The moment it is over: a day's end, otherwise the moment itself.
    fn end(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let next = Days::new(1);
        match self {
            When::Day(day) => day_start(day.checked_add_days(next)?, zone),
            When::DaysBack(n) => {
                let day = now.with_timezone(&zone).date_naive().checked_sub_days(Days::new(*n))?;
                day_start(day.checked_add_days(next)?, zone)
            }
            When::Local(_) | When::Exact(_) | When::Ago(_) => self.start(now, zone),
        }
    }
}

/// `--since` and `--until`, the same for every list.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct PeriodArgs {
    /// From this day or time on: 2026-11-23, 2026-11-23T21:00, today, yesterday, 90m, 2h, 7d
    #[arg(long, value_name = "WHEN")]
    pub since: Option<When>,
    /// To the end of this day, or before this time
    #[arg(long, value_name = "WHEN")]
    pub until: Option<When>,
}

/// From (inclusive) and to (exclusive), as far as they are given.
pub type Period = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

impl PeriodArgs {
    pub fn resolve(&self, context: &Context) -> Result<Period, CliError> {
        let beyond = || CliError::Usage("--since or --until lies beyond the calendar".to_owned());
        let (now, zone) = (context.now, context.time_zone);
        let since = self.since.as_ref().map(|w| w.start(now, zone).ok_or_else(beyond)).transpose()?;
        let until = self.until.as_ref().map(|w| w.end(now, zone).ok_or_else(beyond)).transpose()?;
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            return Err(CliError::Usage("--since must lie before --until".to_owned()));
        }
        Ok((since, until))
    }
}

fn ago(text: &str) -> Option<TimeDelta> {
    let unit = text.chars().last()?;
    let count: i64 = text[..text.len() - unit.len_utf8()].parse().ok().filter(|n| *n >= 0)?;
    match unit {
        'm' => TimeDelta::try_minutes(count),
        'h' => TimeDelta::try_hours(count),
        'd' => TimeDelta::try_days(count),
        _ => None,
    }
}

/// Until when something lasts, as people write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Until {
    /// `18:00`: the next time that the desk's clock shows it.
    Clock(NaiveTime),
    /// `30m`, `2h`, `3d` from now.
    In(TimeDelta),
    /// A time, or the end of a day.
    At(When),
}

/// What was written is none of these.
#[derive(Debug, thiserror::Error)]
#[error("write a time (18:00, \"2026-11-27 18:00\"), a day (2026-11-27, to its end), or how long (30m, 2h, 3d)")]
pub struct NotAnEnd;

impl FromStr for Until {
    type Err = NotAnEnd;

    fn from_str(text: &str) -> Result<Self, NotAnEnd> {
        if let Ok(time) = NaiveTime::parse_from_str(text, "%H:%M") {
            return Ok(Until::Clock(time));
        }
        match text.parse() {
            Ok(When::Ago(length)) => Ok(Until::In(length)),
            Ok(When::DaysBack(_)) | Err(NotATime) => Err(NotAnEnd),
            Ok(when) => Ok(Until::At(when)),
        }
    }
}

impl Until {
    /// That moment; `None` beyond the calendar.
    pub fn resolve(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        match self {
            Until::In(length) => now.checked_add_signed(*length),
            Until::At(when) => when.end(now, zone),
            Until::Clock(time) => {
                let today = now.with_timezone(&zone).date_naive();
                let on = |day: NaiveDate| to_utc(day.and_time(*time), zone);
                on(today).filter(|at| *at > now).or_else(|| on(today.checked_add_days(Days::new(1))?))
            }
        }
    }
}

fn day_start(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    to_utc(day.and_hms_opt(0, 0, 0)?, zone)
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn an_end_is_a_time_of_the_desks_clock_a_day_or_a_length() {
        let until = |text: &str| {
            let until: Until = text.parse().expect(text);
            until.resolve(now(), SHANGHAI).expect(text).with_timezone(&SHANGHAI).format("%d %H:%M").to_string()
        };
        assert_eq!(until("18:00"), "24 18:00");
        assert_eq!(until("02:00"), "25 02:00", "it is 02:00 now: the next one");
        assert_eq!(until("2h"), "24 04:00");
        assert_eq!(until("2026-11-27 18:00"), "27 18:00");
        assert_eq!(until("2026-11-27"), "28 00:00", "to the end of that day");
        for text in ["", "today", "25:00", "soon", "-2h"] {
            assert!(text.parse::<Until>().is_err(), "{text}");
        }
    }

    const SHANGHAI: Tz = chrono_tz::Asia::Shanghai;

    fn now() -> DateTime<Utc> {
        // 02:00 on the 24th in Shanghai.
        Utc.with_ymd_and_hms(2026, 11, 23, 18, 0, 0).unwrap()
    }

    fn span(text: &str) -> (String, String) {
        let when: When = text.parse().expect(text);
        let show = |at: Option<DateTime<Utc>>| at.expect(text).with_timezone(&SHANGHAI).to_rfc3339();
        (show(when.start(now(), SHANGHAI)), show(when.end(now(), SHANGHAI)))
    }

    #[test]
    fn days_are_the_desks_and_are_whole() {
        let day = ("2026-11-24T00:00:00+08:00".to_owned(), "2026-11-25T00:00:00+08:00".to_owned());
        assert_eq!(span("2026-11-24"), day);
        assert_eq!(span("today"), day);
        assert_eq!(span("yesterday").1, day.0);
    }

    #[test]
    fn times_are_the_desks_unless_they_say_otherwise() {
        assert_eq!(span("2026-11-23T21:00").0, "2026-11-23T21:00:00+08:00");
        assert_eq!(span("2026-11-23T21:00:00+00:00").0, "2026-11-24T05:00:00+08:00");
        assert_eq!(span("2h").0, "2026-11-24T00:00:00+08:00");
        assert_eq!(span("90m").0, "2026-11-24T00:30:00+08:00");
    }

    #[test]
    fn what_is_no_time_is_answered_with_what_is() {
        for text in ["", "m", "-2h", "2026-13-01", "yesteryear", "9999999999999999999d", "2h张"] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
        let far: When = "100000000d".parse().expect("a length of time");
        assert_eq!(far.start(now(), SHANGHAI), None);
    }

    #[test]
    fn a_day_that_begins_in_a_gap_begins_after_it() {
        // Cuba sets its clocks forward at midnight.
        let day = NaiveDate::from_ymd_opt(2026, 3, 8).unwrap();
        let start = day_start(day, chrono_tz::America::Havana).unwrap();
        assert_eq!(start.with_timezone(&chrono_tz::America::Havana).to_rfc3339(), "2026-03-08T01:00:00-04:00");
    }
}
