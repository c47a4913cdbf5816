//! What is so at one moment: whether the desk is open, who is on duty, and when either changes (R43).

use std::fmt;

use chrono::{DateTime, FixedOffset, Utc, Weekday};
use serde::{Serialize, Serializer};

use super::hours::{Hours, Special};
use super::on_duty::{Because, Staff};
use super::people::{Duty, Person};
use super::presence::Whereabouts;

/// So many days ahead the roster is looked through for times at which nobody is on it.
pub const GAP_DAYS: u64 = 14;
/// Gaps that are told of one group.
const GAPS_MAX: usize = 3;

/// See the module. Times are the desk's.
#[derive(Debug, Serialize)]
pub struct Moment {
    pub at: DateTime<FixedOffset>,
    pub open: bool,
    /// When it opens or closes; null when it never does.
    pub changes_at: Option<DateTime<FixedOffset>>,
    /// Null on a day like every week's.
    pub special: Option<SpecialDay>,
    pub schedules: Vec<Schedule>,
    pub duty: Vec<Group>,
    pub warnings: Vec<MomentWarning>,
}

/// A holiday, or a make-up workday (调休).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecialDay {
    /// Empty where the file gives none.
    pub name: String,
    /// Of a make-up workday: the day of the week that it goes like.
    pub like: Option<Weekday>,
}

impl fmt::Display for SpecialDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.like {
            None => f.write_str("a holiday")?,
            Some(like) => write!(f, "a make-up workday that goes like {like}")?,
        }
        if self.name.is_empty() { Ok(()) } else { write!(f, ": {}", self.name) }
    }
}

impl Serialize for SpecialDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What should be seen to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MomentWarning {
    /// Nobody is on the roster; `to` is `None` for longer than is looked ahead.
    Gap { duty: Duty, from: DateTime<FixedOffset>, to: Option<DateTime<FixedOffset>> },
    /// So many more gaps.
    MoreGaps { duty: Duty, count: usize },
    /// Nobody can be rung at all.
    Nobody { duty: Duty },
}

impl fmt::Display for MomentWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MomentWarning::Gap { duty, from, to } => {
                let to = to.map_or_else(|| format!("beyond {GAP_DAYS} days"), |to| to.format(TIME).to_string());
                let from = from.format(TIME);
                write!(f, "nobody is on the roster of {duty} from {from} to {to}: all who have that duty are rung then")
            }
            MomentWarning::MoreGaps { duty, count } => {
                write!(f, "and {count} more times within {GAP_DAYS} days for {duty}")
            }
            MomentWarning::Nobody { duty } => {
                let comes = match duty {
                    Duty::Receptionist | Duty::Emergency => "callers leave a message",
                    Duty::Engineer => {
                        "repairs go to the supervisor; give somebody duty = [\"engineer\"] in people.toml"
                    }
                    Duty::Supervisor => {
                        "nobody hears what is overdue; give somebody duty = [\"supervisor\"] in people.toml"
                    }
                };
                write!(f, "nobody can be rung for {duty}: {comes}")
            }
        }
    }
}

impl Serialize for MomentWarning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How times are told at the shell.
pub const TIME: &str = "%a %Y-%m-%d %H:%M";

/// Other hours than the desk's.
#[derive(Debug, Serialize)]
pub struct Schedule {
    pub name: String,
    pub open: bool,
    pub changes_at: Option<DateTime<FixedOffset>>,
}

#[derive(Debug, Serialize)]
pub struct Group {
    pub group: Duty,
    /// Who is rung.
    pub people: Vec<OnDuty>,
    pub because: Because,
    /// The next change of the roster; null without one.
    pub changes_at: Option<DateTime<FixedOffset>>,
}

#[derive(Debug, Serialize)]
pub struct OnDuty {
    pub extension: String,
    pub name: String,
    pub presence: Whereabouts,
}

impl Moment {
    pub fn of(staff: Staff<'_>, at: DateTime<Utc>) -> Moment {
        let (hours, presences, zone) = (staff.hours, staff.presences, staff.time_zone);
        let local = |at: DateTime<Utc>| at.with_timezone(&zone).fixed_offset();
        let is_duty = |name: &str| Duty::ALL.iter().any(|duty| duty.as_str() == name);
        let schedule = |name: &str| {
            let open = |at| hours.is_group_open(name, at, zone);
            let changes_at = hours.next_change(at, zone, open).map(local);
            Schedule { name: name.to_owned(), open: open(at).unwrap_or(false), changes_at }
        };
        let group = |duty: Duty| {
            let on_duty = staff.on_duty(duty, at);
            let person = |p: &&Person| OnDuty {
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
            special: hours.special(at, zone).map(|special| match special {
                Special::Holiday { name } => SpecialDay { name: name.to_owned(), like: None },
                Special::Workday { name, like } => SpecialDay { name: name.to_owned(), like: Some(like) },
            }),
            schedules: hours.groups().into_iter().filter(|name| !is_duty(name)).map(schedule).collect(),
            duty,
            warnings,
        }
    }
}

/// Times at which the roster has nobody.
fn gaps(hours: &Hours, duty: Duty, at: DateTime<Utc>, zone: chrono_tz::Tz) -> Vec<MomentWarning> {
    let gaps = hours.gaps(duty, at, zone, GAP_DAYS);
    let local = |at: DateTime<Utc>| at.with_timezone(&zone).fixed_offset();
    let told = gaps.iter().take(GAPS_MAX);
    let told = told.map(|(from, to)| MomentWarning::Gap { duty, from: local(*from), to: to.map(local) });
    let more = gaps.len().saturating_sub(GAPS_MAX);
    told.chain((more > 0).then_some(MomentWarning::MoreGaps { duty, count: more })).collect()
}

/// Groups in which nobody can be rung at all.
fn nobody(groups: &[Group]) -> impl Iterator<Item = MomentWarning> {
    groups.iter().filter(|group| group.people.is_empty()).map(|group| MomentWarning::Nobody { duty: group.group })
}
