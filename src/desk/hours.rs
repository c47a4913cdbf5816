//! When the desk is open: a week of spans, holidays, and make-up workdays (`hours.toml`).

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Timelike, Utc, Weekday};
use chrono_tz::Tz;
use serde::Deserialize;
use serde::de::{self, Deserializer};
use toml::Spanned;
use toml::de::DeValue;

use crate::types::{Problem, Reader};

/// Opening hours, ready. Times are those of the desk's time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// Monday first.
    week: [Vec<Span>; 7],
    holidays: Vec<Holiday>,
    workdays: Vec<Workday>,
}

/// Minutes of a day, from (with) and to (without): 0 to 1440.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    from_min: u16,
    to_min: u16,
}

impl Span {
    pub fn contains(self, at: NaiveTime) -> bool {
        let minute = at.hour() * 60 + at.minute();
        (u32::from(self.from_min)..u32::from(self.to_min)).contains(&minute)
    }

    /// From `HH:MM-HH:MM`, within one day; `24:00` ends it.
    pub fn parse(text: &str) -> Option<Span> {
        let (from, to) = text.split_once('-')?;
        let span = Span { from_min: minute(from.trim())?, to_min: minute(to.trim())? };
        (span.from_min < span.to_min).then_some(span)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from_min, self.to_min);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let fits = |t: &str| t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit());
    if !fits(hour) || !fits(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (minute < 60 && (hour < 24 || hour == 24 && minute == 0)).then_some(hour * 60 + minute)
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || {
            de::Error::custom(format!(
                "`{text}` is no span of a day; write it like \"08:30-17:00\", to \"24:00\" at most"
            ))
        };
        Span::parse(&text).ok_or_else(wrong)
    }
}

/// Days on which the desk is closed, or open otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Holiday {
    from: NaiveDate,
    to: NaiveDate,
    open: Vec<Span>,
}

/// A day that goes like another weekday (调休).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Workday {
    date: NaiveDate,
    like: Weekday,
}

impl Hours {
    /// Every fault at once, by line.
    pub fn parse(text: &str, file: &str) -> Result<Hours, Vec<Problem>> {
        let mut reader = Reader::new(text, file);
        let document = Spanned::new(0..0, DeValue::Table(reader.document()));
        let hours = reader.read::<RawHours>("hours", &document).map(|raw| ready(raw, &mut reader));
        reader.finish(hours)
    }

    /// The built-in hours (`config/hours.toml`): around the clock.
    pub fn default_text() -> &'static str {
        include_str!("../../config/hours.toml")
    }

    /// A make-up workday goes before a holiday, and that before the week.
    pub fn is_open(&self, at: DateTime<Utc>, time_zone: Tz) -> bool {
        let local = at.with_timezone(&time_zone).naive_local();
        let date = local.date();
        let week = |day: Weekday| &self.week[day.num_days_from_monday() as usize];
        let spans = if let Some(workday) = self.workdays.iter().find(|w| w.date == date) {
            week(workday.like)
        } else if let Some(holiday) = self.holidays.iter().find(|h| (h.from..=h.to).contains(&date)) {
            &holiday.open
        } else {
            week(date.weekday())
        };
        spans.iter().any(|span| span.contains(local.time()))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHours {
    week: RawWeek,
    #[serde(default)]
    holiday: Vec<RawHoliday>,
    #[serde(default)]
    workday: Vec<RawWorkday>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWeek {
    mon: Vec<Span>,
    tue: Vec<Span>,
    wed: Vec<Span>,
    thu: Vec<Span>,
    fri: Vec<Span>,
    sat: Vec<Span>,
    sun: Vec<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHoliday {
    #[serde(default, rename = "name")]
    _name: String,
    from: Spanned<Date>,
    to: Spanned<Date>,
    #[serde(default)]
    open: Vec<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWorkday {
    #[serde(default, rename = "name")]
    _name: String,
    date: Spanned<Date>,
    like: Day,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// A date in quotes.
struct Date(NaiveDate);

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let date = NaiveDate::parse_from_str(&text, "%Y-%m-%d");
        date.map(Date).map_err(|_| de::Error::custom(format!("`{text}` is no date; write it like \"2026-10-01\"")))
    }
}

fn ready(raw: RawHours, reader: &mut Reader<'_>) -> Hours {
    let w = raw.week;
    let mut holidays: Vec<Holiday> = Vec::new();
    for holiday in raw.holiday {
        let (from, to) = (holiday.from.get_ref().0, holiday.to.get_ref().0);
        let at = Some(holiday.to.span().start);
        if to < from {
            reader.problem(at, "a holiday ends before it begins", "write its first day as `from` and its last as `to`");
        }
        if holidays.iter().any(|h| h.from <= to && from <= h.to) {
            reader.problem(at, "two holidays share a day", "put each day into one of them");
        }
        holidays.push(Holiday { from, to, open: holiday.open });
    }
    let mut workdays: Vec<Workday> = Vec::new();
    for workday in raw.workday {
        let date = workday.date.get_ref().0;
        if workdays.iter().any(|w| w.date == date) {
            reader.problem(Some(workday.date.span().start), format!("workday {date} stands twice"), "take one out");
        }
        let like = match workday.like {
            Day::Mon => Weekday::Mon,
            Day::Tue => Weekday::Tue,
            Day::Wed => Weekday::Wed,
            Day::Thu => Weekday::Thu,
            Day::Fri => Weekday::Fri,
            Day::Sat => Weekday::Sat,
            Day::Sun => Weekday::Sun,
        };
        workdays.push(Workday { date, like });
    }
    Hours { week: [w.mon, w.tue, w.wed, w.thu, w.fri, w.sat, w.sun], holidays, workdays }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use chrono_tz::Asia::Shanghai;

    use super::*;

    const OFFICE: &str = r#"
[week]
mon = ["08:30-12:00", "13:30-18:00"]
tue = []
wed = []
thu = []
fri = ["09:00-24:00"]
sat = []
sun = []
[[holiday]]
name = "国庆节"
from = "2026-10-01"
to = "2026-10-07"
[[holiday]]
from = "2026-12-25"
to = "2026-12-25"
open = ["10:00-11:00"]
[[workday]]
date = "2026-10-03"
like = "mon"
"#;

    fn open_at(month: u32, day: u32, hour: u32, minute: u32) -> bool {
        let hours = Hours::parse(OFFICE, "hours.toml").expect("it is good");
        let local = Shanghai.with_ymd_and_hms(2026, month, day, hour, minute, 0).single().expect("the time exists");
        hours.is_open(local.with_timezone(&Utc), Shanghai)
    }

    #[test]
    fn the_week_holds_in_the_desks_own_time() {
        assert!(open_at(11, 23, 8, 30) && open_at(11, 23, 17, 59), "a Monday");
        assert!(!open_at(11, 23, 8, 29) && !open_at(11, 23, 12, 0) && !open_at(11, 23, 18, 0));
        assert!(!open_at(11, 24, 10, 0), "a Tuesday");
        assert!(open_at(11, 27, 23, 59), "24:00 is the end of the day");
    }

    #[test]
    fn holidays_close_it_and_make_up_workdays_open_it() {
        assert!(!open_at(10, 2, 10, 0), "a Friday within the holiday");
        assert!(open_at(10, 3, 10, 0), "a Saturday that goes like a Monday");
        assert!(open_at(12, 25, 10, 30) && !open_at(12, 25, 12, 0), "a holiday with hours of its own");
    }

    #[test]
    fn the_built_in_hours_are_around_the_clock() {
        let hours = Hours::parse(Hours::default_text(), "built-in hours").expect("they are good");
        for hour in 0..24 * 7 {
            assert!(hours.is_open(DateTime::UNIX_EPOCH + chrono::Duration::hours(hour), Shanghai));
        }
    }

    #[test]
    fn all_faults_are_told_with_their_lines() {
        let text = OFFICE
            .replace("08:30-12:00", "8-12")
            .replace("to = \"2026-10-07\"", "to = \"2026-13-07\"")
            .replace("sun", "sunn");
        let faults: Vec<String> =
            Hours::parse(&text, "h.toml").expect_err("it has faults").iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "h.toml:3: hours: `8-12` is no span of a day; write it like \"08:30-17:00\", to \"24:00\" at most",
                "h.toml:9: hours: unknown word `sunn`; did you mean `sun`?",
                "h.toml:13: hours: `2026-13-07` is no date; write it like \"2026-10-01\"",
            ]
        );
    }
}
