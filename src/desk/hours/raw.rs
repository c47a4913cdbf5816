//! `hours.toml` as it is written, and its reading with every fault of it.

use std::collections::BTreeMap;

use chrono::{NaiveDate, Weekday};
use serde::Deserialize;
use serde::de::{self, Deserializer};
use toml::Spanned;

use super::Hours;
use super::calendar::{Calendar, Holiday, Week, Workday};
use super::roster::{Shift, When};
use super::span::Span;
use crate::desk::people::Duty;
use crate::types::{Reader, did_you_mean};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHours {
    week: RawWeek,
    #[serde(default)]
    holiday: Vec<RawHoliday>,
    #[serde(default)]
    workday: Vec<RawWorkday>,
    #[serde(default)]
    schedule: BTreeMap<Spanned<String>, RawSchedule>,
    #[serde(default)]
    duty: Vec<RawDuty>,
}

/// A week of its own: a day that is left out is a closed one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSchedule {
    #[serde(default)]
    mon: Vec<Span>,
    #[serde(default)]
    tue: Vec<Span>,
    #[serde(default)]
    wed: Vec<Span>,
    #[serde(default)]
    thu: Vec<Span>,
    #[serde(default)]
    fri: Vec<Span>,
    #[serde(default)]
    sat: Vec<Span>,
    #[serde(default)]
    sun: Vec<Span>,
    #[serde(default)]
    holiday: Vec<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDuty {
    #[serde(default, rename = "name")]
    _name: String,
    group: Spanned<Duty>,
    people: Spanned<Vec<String>>,
    /// Either this or `days` and `hours`.
    schedule: Option<Spanned<String>>,
    /// Left out: every day, holidays too.
    days: Option<Spanned<Vec<DutyDay>>>,
    /// Left out: the whole day.
    hours: Option<Vec<Span>>,
    from: Option<Spanned<Date>>,
    to: Option<Spanned<Date>>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum DutyDay {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
    Holiday,
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
    #[serde(default)]
    name: String,
    from: Spanned<Date>,
    to: Spanned<Date>,
    #[serde(default)]
    open: Vec<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWorkday {
    #[serde(default)]
    name: String,
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

/// Duties and schedules in one file, and people in one duty: each is looked through for each call.
const DUTIES_MAX: usize = 500;
const SCHEDULES_MAX: usize = 100;
const DUTY_PEOPLE_MAX: usize = 100;

pub(super) fn ready(raw: RawHours, reader: &mut Reader<'_>) -> Hours {
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
        holidays.push(Holiday { name: holiday.name, from, to, open: holiday.open });
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
        workdays.push(Workday { name: workday.name, date, like });
    }
    for (count, max, what) in [(raw.duty.len(), DUTIES_MAX, "duties"), (raw.schedule.len(), SCHEDULES_MAX, "schedules")]
    {
        if count > max {
            reader.problem(None, format!("there are {count} {what}"), format!("write at most {max}"));
        }
    }
    let schedules = ready_schedules(raw.schedule, reader);
    let shifts = raw.duty.into_iter().filter_map(|duty| ready_duty(duty, &schedules, reader)).collect();
    let week = Week { days: [w.mon, w.tue, w.wed, w.thu, w.fri, w.sat, w.sun], holiday: Vec::new() };
    Hours { week, calendar: Calendar { holidays, workdays }, schedules, shifts }
}

fn ready_schedules(raw: BTreeMap<Spanned<String>, RawSchedule>, reader: &mut Reader<'_>) -> BTreeMap<String, Week> {
    let mut schedules = BTreeMap::new();
    for (name, s) in raw {
        if name.get_ref().parse::<Duty>().is_ok() {
            let what = format!("`{}` is a group of the duty roster", name.get_ref());
            reader.problem(Some(name.span().start), what, "name the schedule otherwise");
        }
        let days = [s.mon, s.tue, s.wed, s.thu, s.fri, s.sat, s.sun];
        schedules.insert(name.into_inner(), Week { days, holiday: s.holiday });
    }
    schedules
}

fn ready_duty(raw: RawDuty, schedules: &BTreeMap<String, Week>, reader: &mut Reader<'_>) -> Option<Shift> {
    let line = reader.line(raw.group.span().start);
    if raw.people.get_ref().is_empty() {
        let remedy = "write people = [\"100\"], the extensions of people.toml";
        reader.problem(Some(raw.people.span().start), "nobody is in this duty", remedy);
    }
    if raw.people.get_ref().len() > DUTY_PEOPLE_MAX {
        let what = format!("{} people are in this duty", raw.people.get_ref().len());
        reader.problem(Some(raw.people.span().start), what, format!("write at most {DUTY_PEOPLE_MAX}"));
    }
    let is_own = raw.days.is_some() || raw.hours.is_some();
    let when = match (&raw.from, &raw.to) {
        (None, Some(to)) => {
            let what = "a duty has an end but no beginning";
            reader.problem(Some(to.span().start), what, "write its first day as `from`");
            None
        }
        (Some(from), to) => {
            let to = to.as_ref().unwrap_or(from);
            if to.get_ref().0 < from.get_ref().0 {
                let remedy = "write its first day as `from` and its last as `to`";
                reader.problem(Some(to.span().start), "a duty ends before it begins", remedy);
            }
            let other = raw.days.as_ref().map(|days| ("days", days.span()));
            let other = other.or(raw.schedule.as_ref().map(|schedule| ("schedule", schedule.span())));
            if let Some((key, span)) = other {
                let remedy = format!("leave `{key}` out, or write two duties");
                reader.problem(Some(span.start), format!("a duty has both dates and {key}"), remedy);
            }
            let spans = raw.hours.unwrap_or_else(|| vec![Span::WHOLE_DAY]);
            Some(When::Dates { from: from.get_ref().0, to: to.get_ref().0, spans })
        }
        (None, None) => match raw.schedule {
            Some(name) if is_own => {
                let what = "a duty has a schedule, and days or hours of its own";
                reader.problem(Some(name.span().start), what, "keep one of them");
                None
            }
            Some(name) => schedule_of(&name, schedules, reader).map(When::Weekly),
            None => Some(When::Weekly(own_week(raw.days.as_ref().map(Spanned::get_ref), raw.hours))),
        },
    };
    Some(Shift { group: raw.group.into_inner(), people: raw.people.into_inner(), when: when?, line })
}

fn schedule_of(name: &Spanned<String>, schedules: &BTreeMap<String, Week>, reader: &mut Reader<'_>) -> Option<Week> {
    let found = schedules.get(name.get_ref()).cloned();
    if found.is_none() {
        let name_in_text = name.get_ref();
        let remedy = match did_you_mean(name_in_text, schedules.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write [schedule.{name_in_text}], or `days` and `hours`"),
        };
        reader.problem(Some(name.span().start), format!("there is no schedule `{name_in_text}`"), remedy);
    }
    found
}

/// The same spans on each of these days.
fn own_week(days: Option<&Vec<DutyDay>>, hours: Option<Vec<Span>>) -> Week {
    const WEEKDAYS: [DutyDay; 7] =
        [DutyDay::Mon, DutyDay::Tue, DutyDay::Wed, DutyDay::Thu, DutyDay::Fri, DutyDay::Sat, DutyDay::Sun];
    let hours = hours.unwrap_or_else(|| vec![Span::WHOLE_DAY]);
    let on = |day: DutyDay| match days {
        Some(days) if !days.contains(&day) => Vec::new(),
        Some(_) | None => hours.clone(),
    };
    Week { days: WEEKDAYS.map(on), holiday: on(DutyDay::Holiday) }
}
