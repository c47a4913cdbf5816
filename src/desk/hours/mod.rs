//! When the desk is open, and who is on duty when (`hours.toml`, R43).
//!
//! - `span`: a span of a day's time.
//! - `calendar`: weekdays, holidays and make-up workdays, and weeks of spans.
//! - `roster`: shifts, week after week or on dates.
//! - `changes`: when anything changes next, and where the roster has gaps.
//! - `raw`: the file as it is written.

mod calendar;
mod changes;
mod raw;
mod roster;
mod span;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use toml::Spanned;
use toml::de::DeValue;

pub use calendar::Special;
pub use changes::to_utc;
pub use span::Span;

use self::calendar::{Calendar, Kind, Week, covers};
use self::roster::Shift;
use super::people::Duty;
use crate::types::{Problem, Reader};

/// Opening hours, ready. Times are those of the desk's time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    week: Week,
    calendar: Calendar,
    /// Other hours than the desk's, by name.
    schedules: BTreeMap<String, Week>,
    shifts: Vec<Shift>,
}

impl Hours {
    /// Every fault at once, by line.
    pub fn parse(text: &str, file: &str) -> Result<Hours, Vec<Problem>> {
        let mut reader = Reader::new(text, file);
        let document = Spanned::new(0..0, DeValue::Table(reader.document()));
        let hours = reader.read::<raw::RawHours>("hours", &document).map(|raw| raw::ready(raw, &mut reader));
        reader.finish(hours)
    }

    /// The built-in hours (`config/hours.toml`): around the clock.
    pub fn default_text() -> &'static str {
        include_str!("../../../config/hours.toml")
    }

    /// Whether the desk is open.
    pub fn is_open(&self, at: DateTime<Utc>, time_zone: Tz) -> bool {
        covers(at.with_timezone(&time_zone).naive_local(), |date| match self.calendar.kind(date) {
            Kind::Holiday(holiday) => &holiday.open,
            weekday @ Kind::Weekday(_) => self.week.on(weekday),
        })
    }

    /// What is special about the day that a moment lies in.
    pub fn special(&self, at: DateTime<Utc>, time_zone: Tz) -> Option<Special<'_>> {
        self.calendar.special(at.with_timezone(&time_zone).date_naive())
    }

    /// What a flow may ask for by name: schedules, and groups of the roster.
    pub fn groups(&self) -> Vec<&str> {
        let mut groups: Vec<&str> = self.schedules.keys().map(String::as_str).collect();
        let rostered = Duty::ALL.iter().filter(|duty| self.shifts.iter().any(|shift| shift.group == **duty));
        groups.extend(rostered.map(|duty| duty.as_str()));
        groups
    }

    /// Whether a schedule holds now, or somebody of a roster's group is on duty; `None` for a name that is neither.
    pub fn is_group_open(&self, group: &str, at: DateTime<Utc>, time_zone: Tz) -> Option<bool> {
        if let Some(schedule) = self.schedules.get(group) {
            let local = at.with_timezone(&time_zone).naive_local();
            return Some(covers(local, |date| schedule.on(self.calendar.kind(date))));
        }
        let duty = Duty::ALL.iter().copied().find(|duty| duty.as_str() == group)?;
        self.on_roster(duty, at, time_zone).map(|people| !people.is_empty())
    }

    /// Extensions of those whom the roster has on duty; `None` when it says nothing of that group at all.
    pub fn on_roster(&self, group: Duty, at: DateTime<Utc>, time_zone: Tz) -> Option<Vec<&str>> {
        roster::on_duty(&self.shifts, &self.calendar, group, at.with_timezone(&time_zone).naive_local())
    }

    /// Everybody on the roster, with the line of their shift.
    pub fn rostered(&self) -> impl Iterator<Item = (&str, usize)> {
        self.shifts.iter().flat_map(|shift| shift.people.iter().map(|extension| (extension.as_str(), shift.line)))
    }

    /// Every span of the file.
    fn spans(&self) -> Vec<Span> {
        let weeks = self.schedules.values().chain([&self.week]).flat_map(Week::spans);
        let of_holidays = self.calendar.holidays.iter().flat_map(|holiday| &holiday.open).copied();
        weeks.chain(of_holidays).chain(self.shifts.iter().flat_map(Shift::spans)).collect()
    }
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

    const ROSTER: &str = r#"
[schedule.day]
mon = ["08:00-20:00"]
tue = ["08:00-20:00"]
holiday = ["09:00-17:00"]
[schedule.night]
mon = ["20:00-08:00"]
[[duty]]
group = "receptionist"
people = ["100"]
schedule = "day"
[[duty]]
group = "receptionist"
people = ["101", "100"]
days = ["mon", "holiday"]
hours = ["19:00-02:00"]
[[duty]]
group = "emergency"
people = ["301"]
[[duty]]
group = "emergency"
people = ["201", "302"]
from = "2026-11-23"
hours = ["20:00-06:00"]
"#;

    fn roster() -> Hours {
        Hours::parse(&format!("{OFFICE}{ROSTER}"), "hours.toml").expect("it is good")
    }

    fn utc(local: &str) -> DateTime<Utc> {
        let local = chrono::NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M").expect("a time");
        to_utc(local, Shanghai).expect("it exists")
    }

    fn on(group: Duty, local: &str) -> Option<Vec<String>> {
        let hours = roster();
        let people = hours.on_roster(group, utc(local), Shanghai)?;
        Some(people.into_iter().map(str::to_owned).collect())
    }

    fn some(people: &[&str]) -> Option<Vec<String>> {
        Some(people.iter().map(|p| (*p).to_owned()).collect())
    }

    #[test]
    fn a_roster_goes_by_weekdays_and_a_night_belongs_to_the_day_on_which_it_began() {
        use Duty::{Engineer, Receptionist};
        assert_eq!(on(Receptionist, "2026-11-23 10:00"), some(&["100"]), "a Monday");
        assert_eq!(on(Receptionist, "2026-11-23 19:30"), some(&["100", "101"]), "both shifts, nobody twice");
        assert_eq!(on(Receptionist, "2026-11-24 01:59"), some(&["101", "100"]), "Monday's night");
        assert_eq!(on(Receptionist, "2026-11-24 02:00"), some(&[]));
        assert_eq!(on(Receptionist, "2026-11-25 10:00"), some(&[]), "a Wednesday");
        assert_eq!(on(Engineer, "2026-11-23 10:00"), None, "nothing is said of them");
    }

    #[test]
    fn holidays_and_make_up_workdays_hold_for_the_roster_too() {
        assert_eq!(on(Duty::Receptionist, "2026-10-02 16:59"), some(&["100"]), "a Friday, but a holiday");
        assert_eq!(on(Duty::Receptionist, "2026-10-02 18:00"), some(&[]));
        assert_eq!(on(Duty::Receptionist, "2026-10-08 01:00"), some(&["101", "100"]), "the last holiday's night");
        assert_eq!(on(Duty::Receptionist, "2026-10-03 19:59"), some(&["100", "101"]), "a Saturday like a Monday");
    }

    #[test]
    fn dates_go_before_what_is_so_each_week_while_they_last() {
        assert_eq!(on(Duty::Emergency, "2026-11-23 19:59"), some(&["301"]));
        assert_eq!(on(Duty::Emergency, "2026-11-23 20:00"), some(&["201", "302"]));
        assert_eq!(on(Duty::Emergency, "2026-11-24 05:59"), some(&["201", "302"]));
        assert_eq!(on(Duty::Emergency, "2026-11-24 06:00"), some(&["301"]));
    }

    #[test]
    fn a_flow_may_ask_for_a_schedule_or_for_a_group_of_the_roster() {
        let hours = roster();
        assert_eq!(hours.groups(), ["day", "night", "receptionist", "emergency"]);
        let open = |group: &str, at: &str| hours.is_group_open(group, utc(at), Shanghai);
        assert_eq!((open("night", "2026-11-24 07:59"), open("night", "2026-11-24 08:00")), (Some(true), Some(false)));
        assert_eq!(open("receptionist", "2026-11-25 10:00"), Some(false));
        assert_eq!((open("engineer", "2026-11-23 10:00"), open("nights", "2026-11-23 10:00")), (None, None));
    }

    #[test]
    fn the_next_change_and_the_gaps_are_found() {
        let hours = roster();
        let change = hours.next_change(utc("2026-11-23 10:00"), Shanghai, |at| hours.is_open(at, Shanghai));
        assert_eq!(change, Some(utc("2026-11-23 12:00")));
        let emergency = |at| hours.on_roster(Duty::Emergency, at, Shanghai);
        assert_eq!(hours.next_change(utc("2026-11-24 06:00"), Shanghai, emergency), None, "never again");
        let gaps = hours.gaps(Duty::Receptionist, utc("2026-11-23 12:00"), Shanghai, 7);
        let wanted = [("2026-11-24 02:00", Some("2026-11-24 08:00")), ("2026-11-24 20:00", Some("2026-11-30 08:00"))];
        let wanted: Vec<_> = wanted.iter().map(|(from, to)| (utc(from), to.map(utc))).collect();
        assert_eq!(gaps, wanted);
        assert_eq!(hours.gaps(Duty::Engineer, utc("2026-11-23 12:00"), Shanghai, 7), []);
        assert_eq!(
            hours.gaps(Duty::Receptionist, utc("2026-11-25 12:00"), Shanghai, 2),
            [(utc("2026-11-25 12:00"), None)]
        );
    }

    #[test]
    fn the_rosters_faults_are_told_with_their_lines() {
        let text = r#"
[schedule.emergency]
mon = ["08:00-20:00"]
[[duty]]
group = "receptionist"
people = []
schedule = "dya"
[[duty]]
group = "receptionist"
people = ["100"]
schedule = "emergency"
days = ["mon"]
[[duty]]
group = "engineer"
people = ["100"]
from = "2026-10-07"
to = "2026-10-01"
days = ["mon"]
[[duty]]
group = "engineer"
people = ["100"]
to = "2026-10-01"
"#;
        let faults = |text: &str| -> Vec<String> {
            let told = Hours::parse(&format!("{OFFICE}{text}"), "h.toml").expect_err("it has faults");
            told.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            faults(text),
            [
                "h.toml:22: `emergency` is a group of the duty roster; name the schedule otherwise",
                "h.toml:26: nobody is in this duty; write people = [\"100\"], the extensions of people.toml",
                "h.toml:27: there is no schedule `dya`; write [schedule.dya], or `days` and `hours`",
                "h.toml:31: a duty has a schedule, and days or hours of its own; keep one of them",
                "h.toml:37: a duty ends before it begins; write its first day as `from` and its last as `to`",
                "h.toml:38: a duty has both dates and days; leave `days` out, or write two duties",
                "h.toml:42: a duty has an end but no beginning; write its first day as `from`",
            ]
        );
        assert_eq!(
            faults("[[duty]]\ngroup = \"recptionist\"\npeople = [\"1\"]\n"),
            ["h.toml:22: hours: unknown word `recptionist`; did you mean `receptionist`?"]
        );
    }

    #[test]
    fn the_examples_in_the_built_in_hours_are_good() {
        let examples: Vec<&str> = Hours::default_text().lines().filter_map(|line| line.strip_prefix("#   ")).collect();
        let hours = Hours::parse(&format!("{}\n{}", Hours::default_text(), examples.join("\n")), "hours.toml");
        assert_eq!(hours.expect("they are good").groups(), ["day", "receptionist", "emergency"]);
    }

    #[test]
    fn more_duties_than_are_looked_through_are_told() {
        let duty = "[[duty]]\ngroup = \"engineer\"\npeople = [\"1\"]\n";
        let told = Hours::parse(&format!("{OFFICE}{}", duty.repeat(501)), "h.toml").expect_err("they are too many");
        assert_eq!(told[0].to_string(), "h.toml: there are 501 duties; write at most 500");
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
                "h.toml:3: hours: `8-12` is no span of a day; write it like \"08:30-17:00\", to \"24:00\" at most, or \"22:00-06:00\" over midnight",
                "h.toml:9: hours: unknown word `sunn`; did you mean `sun`?",
                "h.toml:13: hours: `2026-13-07` is no date; write it like \"2026-10-01\"",
            ]
        );
    }
}
