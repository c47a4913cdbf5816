//! What is so at one moment: whether the desk is open, who is on duty, and when either changes (R43).

use std::fmt;

use chrono::{DateTime, FixedOffset, Utc};
use serde::Serialize;

use super::output::printable;
use crate::desk::hours::Hours;
use crate::desk::on_duty::{Because, Staff};
use crate::desk::people::Duty;
use crate::desk::presence::{Presences, Whereabouts};
use crate::site::Site;

/// So many days ahead the roster is looked through for times at which nobody is on it.
const GAP_DAYS: u64 = 14;
/// Gaps that are told of one group.
const GAPS_MAX: usize = 3;

/// See the module. Times are the desk's.
#[derive(Debug, Serialize)]
pub(super) struct Moment {
    at: DateTime<FixedOffset>,
    open: bool,
    /// When it opens or closes; null when it never does.
    changes_at: Option<DateTime<FixedOffset>>,
    schedules: Vec<Schedule>,
    duty: Vec<Group>,
    warnings: Vec<String>,
}

/// Other hours than the desk's.
#[derive(Debug, Serialize)]
struct Schedule {
    name: String,
    open: bool,
    changes_at: Option<DateTime<FixedOffset>>,
}

#[derive(Debug, Serialize)]
struct Group {
    group: Duty,
    /// Who is rung.
    people: Vec<OnDuty>,
    because: Because,
    /// The next change of the roster; null without one.
    changes_at: Option<DateTime<FixedOffset>>,
}

#[derive(Debug, Serialize)]
struct OnDuty {
    extension: String,
    name: String,
    presence: Whereabouts,
}

impl Moment {
    pub fn of(site: &Site, presences: &Presences, at: DateTime<Utc>) -> Moment {
        let (hours, zone): (&Hours, _) = (&site.hours, site.config.desk.time_zone);
        let local = |at: DateTime<Utc>| at.with_timezone(&zone).fixed_offset();
        let is_duty = |name: &str| Duty::ALL.iter().any(|duty| duty.as_str() == name);
        let schedule = |name: &str| {
            let open = |at| hours.is_group_open(name, at, zone);
            let changes_at = hours.next_change(at, zone, open).map(local);
            Schedule { name: name.to_owned(), open: open(at).unwrap_or(false), changes_at }
        };
        let staff = Staff { people: &site.people, hours, presences, time_zone: zone };
        let group = |duty: Duty| {
            let on_duty = staff.on_duty(duty, at);
            let person = |p: &&crate::desk::people::Person| OnDuty {
                extension: p.extension.clone(),
                name: p.name.clone(),
                presence: presences.of(p, zone, at).state,
            };
            Group {
                group: duty,
                people: on_duty.people.iter().map(person).collect(),
                because: on_duty.because,
                changes_at: hours.next_change(at, zone, |at| hours.on_roster(duty, at, zone)).map(local),
            }
        };
        let duty: Vec<Group> = Duty::ALL.iter().copied().map(group).collect();
        let warnings = Duty::ALL.iter().flat_map(|duty| gaps(hours, *duty, at, zone)).chain(nobody(&duty)).collect();
        Moment {
            at: local(at),
            open: hours.is_open(at, zone),
            changes_at: hours.next_change(at, zone, |at| hours.is_open(at, zone)).map(local),
            schedules: hours.groups().into_iter().filter(|name| !is_duty(name)).map(schedule).collect(),
            duty,
            warnings,
        }
    }
}

/// Times at which the roster has nobody.
fn gaps(hours: &Hours, duty: Duty, at: DateTime<Utc>, zone: chrono_tz::Tz) -> Vec<String> {
    let gaps = hours.gaps(duty, at, zone, GAP_DAYS);
    let local = |at: DateTime<Utc>| at.with_timezone(&zone).format(TIME).to_string();
    let told = gaps.iter().take(GAPS_MAX).map(|(from, to)| {
        let to = to.map_or_else(|| format!("beyond {GAP_DAYS} days"), local);
        format!("nobody is on the roster of {duty} from {} to {to}: all who have that duty are rung then", local(*from))
    });
    let more = gaps.len().saturating_sub(GAPS_MAX);
    let rest = (more > 0).then(|| format!("and {more} more times within {GAP_DAYS} days for {duty}"));
    told.chain(rest).collect()
}

/// Groups in which nobody can be rung at all, and what comes of it.
fn nobody(groups: &[Group]) -> Vec<String> {
    let empty = groups.iter().filter(|group| group.people.is_empty());
    let told = empty.map(|group| {
        let comes = match group.group {
            Duty::Receptionist | Duty::Emergency => "callers leave a message",
            Duty::Engineer => "repairs go to the supervisor; give somebody duty = [\"engineer\"] in people.toml",
            Duty::Supervisor => "nobody hears what is overdue; give somebody duty = [\"supervisor\"] in people.toml",
        };
        format!("nobody can be rung for {}: {comes}", group.group)
    });
    told.collect()
}

const TIME: &str = "%a %Y-%m-%d %H:%M";

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = |at: Option<DateTime<FixedOffset>>| {
            at.map_or_else(|| "always".to_owned(), |at| format!("until {}", at.format(TIME)))
        };
        let state = |open: bool| if open { "open" } else { "closed" };
        writeln!(f, "at {}", self.at.format(TIME))?;
        writeln!(f, "  the desk is {}, {}", state(self.open), until(self.changes_at))?;
        for schedule in &self.schedules {
            writeln!(f, "  {} is {}, {}", schedule.name, state(schedule.open), until(schedule.changes_at))?;
        }
        for group in &self.duty {
            let person = |p: &OnDuty| match p.presence {
                Whereabouts::In => format!("{} {}", p.extension, printable(&p.name)),
                Whereabouts::Out | Whereabouts::Dnd => {
                    format!("{} {} ({})", p.extension, printable(&p.name), p.presence)
                }
            };
            let people: Vec<String> = group.people.iter().map(person).collect();
            let people = if people.is_empty() { "nobody".to_owned() } else { people.join(", ") };
            let why = match group.because {
                Because::Rostered => until(group.changes_at),
                Because::NoRoster => "there is no roster of it".to_owned(),
                Because::RosterEmpty => format!("nobody is on the roster {}", until(group.changes_at)),
                Because::RosterAway => "those on the roster are out".to_owned(),
                Because::AllAway => "all are out, and rung all the same".to_owned(),
            };
            writeln!(f, "  {}: {people} ({why})", group.group)?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        Ok(())
    }
}
