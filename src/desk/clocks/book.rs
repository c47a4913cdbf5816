//! How long each clock is, and in which calendar it counts.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::ClockKey;
use crate::desk::hours::Hours;

/// Stretches of a calendar that one clock may run through; one that needs more runs on without a calendar, so that it ends.
const STRETCHES_MAX: usize = 4_000;

/// When a clock counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Calendar {
    /// Day and night.
    #[default]
    Always,
    /// While the desk is open.
    Open,
    /// While that schedule of `hours.toml` holds.
    Schedule(String),
}

/// What became of a clock that begins, or goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    pub due: DateTime<Utc>,
    /// When it is warned of; never after `due`.
    pub warn: DateTime<Utc>,
}

/// See the module. The default is the rule book's, around the clock.
#[derive(Debug, Clone)]
pub struct ClockBook {
    /// In the order of `ClockKey::ALL`.
    lengths: Vec<(TimeDelta, Calendar)>,
    /// Share of its time after which a clock is warned of, in percent (R23: 75).
    warn_percent: i32,
    /// How long the work of a repair is warranted (R31).
    warranty: TimeDelta,
    hours: Option<Arc<Hours>>,
    time_zone: Tz,
}

impl Default for ClockBook {
    fn default() -> Self {
        let lengths = ClockKey::ALL.iter().map(|key| (Self::usual(*key), Calendar::Always)).collect();
        Self { lengths, warn_percent: 75, warranty: TimeDelta::days(90), hours: None, time_zone: Tz::UTC }
    }
}

impl ClockBook {
    /// How long a clock is, where nobody says otherwise.
    pub const fn usual(key: ClockKey) -> TimeDelta {
        match key {
            ClockKey::UrgentOnSite => TimeDelta::hours(2),
            ClockKey::UrgentRepaired | ClockKey::ComplaintReply | ClockKey::Assign => TimeDelta::hours(24),
            ClockKey::GeneralRepaired | ClockKey::Handle => TimeDelta::hours(72),
            ClockKey::Quote => TimeDelta::minutes(15),
            ClockKey::Reply => TimeDelta::minutes(5),
            ClockKey::Receive => TimeDelta::hours(1),
            ClockKey::Judge => TimeDelta::hours(4),
            ClockKey::Analyse => TimeDelta::hours(12),
            ClockKey::FollowUp => TimeDelta::hours(48),
            ClockKey::SumUp => TimeDelta::days(7),
        }
    }

    pub fn new(warn_percent: u8, hours: Arc<Hours>, time_zone: Tz) -> Self {
        Self { warn_percent: warn_percent.into(), hours: Some(hours), time_zone, ..Self::default() }
    }

    /// The desk's own.
    pub fn time_zone(&self) -> Tz {
        self.time_zone
    }

    pub fn set(&mut self, key: ClockKey, length: TimeDelta, calendar: Calendar) {
        self.lengths[Self::place(key)] = (length, calendar);
    }

    pub fn set_warranty(&mut self, warranty: TimeDelta) {
        self.warranty = warranty;
    }

    /// How long the work of a repair is warranted (R31).
    pub fn warranty(&self) -> TimeDelta {
        self.warranty
    }

    fn place(key: ClockKey) -> usize {
        ClockKey::ALL.iter().position(|other| *other == key).unwrap_or_default()
    }

    fn of(&self, key: ClockKey) -> &(TimeDelta, Calendar) {
        &self.lengths[Self::place(key)]
    }

    /// A clock that begins at `start`.
    pub fn begun(&self, key: ClockKey, start: DateTime<Utc>) -> Times {
        let (length, calendar) = self.of(key);
        let warn = *length * self.warn_percent / 100;
        Times { due: self.after(calendar, start, *length), warn: self.after(calendar, start, warn) }
    }

    /// A clock that has so much of its time left at `now`. It is warned of as if it had not stood still.
    pub fn resumed(&self, key: ClockKey, now: DateTime<Utc>, left: TimeDelta) -> Times {
        let (length, calendar) = self.of(key);
        let until_warning = (left - *length * (100 - self.warn_percent) / 100).max(TimeDelta::zero());
        Times { due: self.after(calendar, now, left), warn: self.after(calendar, now, until_warning.min(left)) }
    }

    /// A clock whose end was promised anew at `now` (R36).
    pub fn promised(&self, key: ClockKey, now: DateTime<Utc>, due: DateTime<Utc>) -> Times {
        let time = self.left(key, now, due);
        let warn = self.after(&self.of(key).1, now, time * self.warn_percent / 100);
        Times { due, warn: warn.min(due) }
    }

    /// How much of its time a clock that ends at `due` has left at `now`: negative once it is over.
    pub fn left(&self, key: ClockKey, now: DateTime<Utc>, due: DateTime<Utc>) -> TimeDelta {
        let calendar = &self.of(key).1;
        if now > due { -self.counted(calendar, due, now) } else { self.counted(calendar, now, due) }
    }

    /// The moment when so much of the calendar's time has gone by.
    fn after(&self, calendar: &Calendar, start: DateTime<Utc>, time: TimeDelta) -> DateTime<Utc> {
        if time <= TimeDelta::zero() {
            // A clock that was over when it stood still is over when it goes on.
            return start.checked_add_signed(time).unwrap_or(start);
        }
        let (mut at, mut left) = (start, time);
        for _ in 0..STRETCHES_MAX {
            let Some(open) = self.is_open(calendar, at) else { break };
            let Some(change) = self.next_change(calendar, at) else {
                if open {
                    break;
                }
                // It never opens again: around the clock, rather than never.
                return at.checked_add_signed(left).unwrap_or(start);
            };
            let stretch = change - at;
            if open && stretch >= left {
                break;
            }
            if open {
                left -= stretch;
            }
            at = change;
        }
        at.checked_add_signed(left).unwrap_or(start)
    }

    /// How much of the calendar's time lies between two moments.
    fn counted(&self, calendar: &Calendar, from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
        let (mut at, mut counted) = (from, TimeDelta::zero());
        for _ in 0..STRETCHES_MAX {
            let Some(open) = self.is_open(calendar, at) else { break };
            let change = self.next_change(calendar, at).filter(|change| *change < to).unwrap_or(to);
            if open {
                counted += change - at;
            }
            if change == to {
                return counted;
            }
            at = change;
        }
        counted + (to - at)
    }

    /// `None` for around the clock.
    fn is_open(&self, calendar: &Calendar, at: DateTime<Utc>) -> Option<bool> {
        let hours = self.hours.as_ref()?;
        match calendar {
            Calendar::Always => None,
            Calendar::Open => Some(hours.is_open(at, self.time_zone)),
            Calendar::Schedule(name) => hours.is_group_open(name, at, self.time_zone),
        }
    }

    fn next_change(&self, calendar: &Calendar, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.hours.as_ref()?.next_change(at, self.time_zone, |at| self.is_open(calendar, at))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use chrono_tz::America::New_York;
    use chrono_tz::Asia::Shanghai;

    use super::*;

    const OFFICE: &str = r#"
[week]
mon = ["09:00-12:00", "13:00-18:00"]
tue = ["09:00-12:00", "13:00-18:00"]
wed = ["09:00-12:00", "13:00-18:00"]
thu = ["09:00-12:00", "13:00-18:00"]
fri = ["09:00-12:00", "13:00-18:00"]
sat = []
sun = []
[[holiday]]
from = "2026-10-01"
to = "2026-10-07"
[schedule.night]
mon = ["20:00-08:00"]
tue = ["20:00-08:00"]
wed = ["20:00-08:00"]
thu = ["20:00-08:00"]
fri = ["20:00-08:00"]
sat = ["20:00-08:00"]
sun = ["20:00-08:00"]
"#;

    fn book(zone: Tz, hours: i64, calendar: Calendar) -> ClockBook {
        let parsed = Hours::parse(OFFICE, "hours.toml").expect("they are good");
        let mut book = ClockBook::new(75, Arc::new(parsed), zone);
        book.set(ClockKey::Handle, TimeDelta::hours(hours), calendar);
        book
    }

    fn at(zone: Tz, text: &str) -> DateTime<Utc> {
        let local = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a time");
        zone.from_local_datetime(&local).earliest().expect("it exists").to_utc()
    }

    fn shown(zone: Tz, at: DateTime<Utc>) -> String {
        at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string()
    }

    #[test]
    fn around_the_clock_a_day_is_24_hours_also_when_clocks_change() {
        for (zone, start) in
            [(Shanghai, "2026-11-28 09:00"), (New_York, "2026-03-07 12:00"), (New_York, "2026-10-31 12:00")]
        {
            let start = at(zone, start);
            assert_eq!(
                book(zone, 24, Calendar::Always).begun(ClockKey::Handle, start).due - start,
                TimeDelta::hours(24)
            );
        }
    }

    #[test]
    fn office_hours_leave_out_noon_nights_weekends_and_holidays() {
        let book = book(Shanghai, 10, Calendar::Open);
        // A Friday: one hour before noon, five after it, four on Monday; the warning after seven and a half.
        let times = book.begun(ClockKey::Handle, at(Shanghai, "2026-11-27 11:00"));
        assert_eq!(shown(Shanghai, times.due), "2026-11-30 14:00");
        assert_eq!(shown(Shanghai, times.warn), "2026-11-30 10:30");
        // It begins while the desk is closed, before a week of holidays.
        let times = book.begun(ClockKey::Handle, at(Shanghai, "2026-09-30 20:00"));
        assert_eq!(shown(Shanghai, times.due), "2026-10-09 11:00");
    }

    #[test]
    fn a_night_that_loses_or_gains_an_hour_is_as_long_as_it_is() {
        let book = book(New_York, 12, Calendar::Schedule("night".into()));
        let due = |start: &str| shown(New_York, book.begun(ClockKey::Handle, at(New_York, start)).due);
        assert_eq!(due("2026-06-01 20:00"), "2026-06-02 08:00");
        assert_eq!(due("2026-03-07 20:00"), "2026-03-08 21:00", "eleven hours in that night, one in the next");
        assert_eq!(due("2026-10-31 20:00"), "2026-11-01 07:00", "that night has thirteen");
    }

    #[test]
    fn what_is_left_after_a_pause_is_what_was_left_before_it() {
        let book = book(Shanghai, 10, Calendar::Open);
        let start = at(Shanghai, "2026-11-27 11:00");
        let due = book.begun(ClockKey::Handle, start).due;
        let paused = at(Shanghai, "2026-11-27 17:00");
        let left = book.left(ClockKey::Handle, paused, due);
        assert_eq!(left, TimeDelta::hours(5));
        let times = book.resumed(ClockKey::Handle, at(Shanghai, "2026-12-02 15:00"), left);
        assert_eq!(shown(Shanghai, times.due), "2026-12-03 11:00");
        assert_eq!(shown(Shanghai, times.warn), "2026-12-02 17:30", "two and a half hours before");
        // One that was overdue stays so.
        let late = book.left(ClockKey::Handle, due + TimeDelta::hours(1), due);
        assert!(late < TimeDelta::zero());
        assert!(book.resumed(ClockKey::Handle, paused, late).due < paused);
    }

    #[test]
    fn a_calendar_that_never_opens_or_is_gone_does_not_stop_a_clock_for_ever() {
        let parsed =
            Hours::parse("[week]\nmon=[]\ntue=[]\nwed=[]\nthu=[]\nfri=[]\nsat=[]\nsun=[]\n", "h").expect("good");
        let mut book = ClockBook::new(75, Arc::new(parsed), Shanghai);
        let start = at(Shanghai, "2026-11-27 11:00");
        for calendar in [Calendar::Open, Calendar::Schedule("gone".into())] {
            book.set(ClockKey::Handle, TimeDelta::hours(1), calendar);
            assert_eq!(book.begun(ClockKey::Handle, start).due - start, TimeDelta::hours(1));
        }
    }
}
