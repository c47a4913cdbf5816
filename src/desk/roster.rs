//! Who is on duty from when to when, and where nobody is (R43): the roster as a list, for people who plan by it.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use utoipa::ToSchema;

use super::on_duty::{Because, Staff};
use super::people::{Duty, Person};
use super::view::LocalTime;

/// Duties without whom the desk can't keep its promises: a gap in them is told.
pub const NEEDED: [Duty; 3] = [Duty::Receptionist, Duty::Emergency, Duty::Supervisor];
/// Stretches that one list has at most.
const STRETCHES_MAX: usize = 2_000;

/// From when to when the same people are rung for a duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch<'a> {
    pub duty: Duty,
    pub from: DateTime<Utc>,
    /// None when it goes on beyond what was asked for.
    pub to: Option<DateTime<Utc>>,
    pub people: Vec<&'a Person>,
    pub because: Because,
}

impl Stretch<'_> {
    /// Whether the roster has nobody then, or nobody can be rung.
    pub fn is_gap(&self) -> bool {
        NEEDED.contains(&self.duty) && (self.people.is_empty() || self.because == Because::RosterEmpty)
    }
}

/// One stretch, for programs.
#[derive(Debug, Serialize, ToSchema)]
pub struct StretchView {
    pub group: Duty,
    pub from: LocalTime,
    pub to: Option<LocalTime>,
    pub people: Vec<PersonOnDuty>,
    pub because: Because,
    pub gap: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PersonOnDuty {
    pub extension: String,
    pub name: String,
}

impl StretchView {
    pub fn new(stretch: &Stretch<'_>, zone: Tz) -> Self {
        let person = |p: &&Person| PersonOnDuty { extension: p.extension.clone(), name: p.name.clone() };
        Self {
            group: stretch.duty,
            from: LocalTime::new(stretch.from, zone),
            to: stretch.to.map(|to| LocalTime::new(to, zone)),
            people: stretch.people.iter().map(person).collect(),
            because: stretch.because,
            gap: stretch.is_gap(),
        }
    }
}

/// Every stretch of a duty from `from` on, so many days long, the first one first. What is known of people's whereabouts
/// now ends at a time or holds on; so it is asked at each change.
pub fn stretches<'a>(staff: Staff<'a>, duty: Duty, from: DateTime<Utc>, days: u64) -> Vec<Stretch<'a>> {
    let until = i64::try_from(days).ok().and_then(TimeDelta::try_days).and_then(|days| from.checked_add_signed(days));
    let until = until.unwrap_or(DateTime::<Utc>::MAX_UTC);
    let mut stretches = Vec::new();
    let mut at = from;
    while stretches.len() < STRETCHES_MAX {
        let on_duty = staff.on_duty(duty, at);
        let next =
            staff.hours.next_change(at, staff.time_zone, |at| staff.on_duty(duty, at)).filter(|next| *next < until);
        stretches.push(Stretch { duty, from: at, to: next, people: on_duty.people, because: on_duty.because });
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    stretches
}

/// Who is on duty at a moment, and who comes then.
pub fn now_and_next<'a>(staff: Staff<'a>, duty: Duty, at: DateTime<Utc>) -> (Stretch<'a>, Option<Stretch<'a>>) {
    let of = |at: DateTime<Utc>| {
        let on_duty = staff.on_duty(duty, at);
        let to = staff.hours.next_change(at, staff.time_zone, |at| staff.on_duty(duty, at));
        Stretch { duty, from: at, to, people: on_duty.people, because: on_duty.because }
    };
    let now = of(at);
    let next = now.to.map(of);
    (now, next)
}

#[cfg(test)]
mod tests {
    use chrono_tz::Asia::Shanghai;
    use chrono_tz::Tz;

    use super::*;
    use crate::desk::hours::{Hours, to_utc};
    use crate::desk::people::Directory;
    use crate::desk::presence::Presences;

    const SHIFTS: &str = r#"
[[duty]]
group = "receptionist"
people = ["100"]
hours = ["07:00-19:00"]
[[duty]]
group = "receptionist"
people = ["101"]
hours = ["19:00-03:00"]
"#;

    fn told(zone: Tz, from: &str, days: u64, duty: Duty) -> Vec<String> {
        let people = Directory::parse(Directory::default_text(), "people").expect("they are good");
        let hours = Hours::parse(&format!("{}\n{SHIFTS}", Hours::default_text()), "hours.toml").expect("they are good");
        let presences = Presences::default();
        let staff = Staff { people: &people, hours: &hours, presences: &presences, time_zone: zone };
        let local = chrono::NaiveDateTime::parse_from_str(from, "%Y-%m-%d %H:%M").expect("a time");
        let show = |at: DateTime<Utc>| at.with_timezone(&zone).format("%d %H:%M").to_string();
        let stretches = stretches(staff, duty, to_utc(local, zone).expect("it exists"), days);
        let people = |s: &Stretch<'_>| s.people.iter().map(|p| p.extension.as_str()).collect::<Vec<_>>().join("+");
        let line = |s: &Stretch<'_>| {
            let to = s.to.map_or_else(|| "…".to_owned(), show);
            format!("{}-{} {}{}", show(s.from), to, people(s), if s.is_gap() { " GAP" } else { "" })
        };
        stretches.iter().map(line).collect()
    }

    #[test]
    fn shifts_follow_each_other_and_a_gap_is_told() {
        assert_eq!(
            told(Shanghai, "2026-11-23 12:00", 1, Duty::Receptionist),
            ["23 12:00-23 19:00 100", "23 19:00-24 03:00 101", "24 03:00-24 07:00 100+101 GAP", "24 07:00-… 100"]
        );
    }

    #[test]
    fn without_a_roster_all_are_rung_and_with_nobody_it_is_a_gap() {
        assert_eq!(told(Shanghai, "2026-11-23 12:00", 30, Duty::Emergency), ["23 12:00-… 201+301"]);
        assert_eq!(told(Shanghai, "2026-11-23 12:00", 30, Duty::Supervisor), ["23 12:00-…  GAP"]);
    }

    #[test]
    fn a_night_on_which_clocks_are_set_is_an_hour_shorter_or_longer() {
        let berlin = chrono_tz::Europe::Berlin;
        let spring = told(berlin, "2027-03-28 01:00", 1, Duty::Receptionist);
        assert_eq!(spring[..2], ["28 01:00-28 03:00 101", "28 03:00-28 07:00 100+101 GAP"]);
        let autumn = told(berlin, "2026-10-25 01:00", 1, Duty::Receptionist);
        assert_eq!(autumn[..2], ["25 01:00-25 03:00 101", "25 03:00-25 07:00 100+101 GAP"]);
    }
}
