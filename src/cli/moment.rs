//! How a moment is told at the shell: whether the desk is open, and who is on duty (R43).

use std::fmt;

use chrono::{DateTime, FixedOffset};

use super::output::printable;
use crate::desk::moment::{Moment, OnDuty, TIME};
use crate::desk::on_duty::Because;
use crate::desk::presence::Whereabouts;

/// See the module.
pub(super) struct Told<'a>(pub &'a Moment);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Told(moment) = self;
        let until = |at: Option<DateTime<FixedOffset>>| {
            at.map_or_else(|| "always".to_owned(), |at| format!("until {}", at.format(TIME)))
        };
        let state = |open: bool| if open { "open" } else { "closed" };
        writeln!(f, "at {}", moment.at.format(TIME))?;
        writeln!(f, "  the desk is {}, {}", state(moment.open), until(moment.changes_at))?;
        if let Some(special) = &moment.special {
            writeln!(f, "  it is {}", printable(&special.to_string()))?;
        }
        for schedule in &moment.schedules {
            writeln!(f, "  {} is {}, {}", schedule.name, state(schedule.open), until(schedule.changes_at))?;
        }
        for group in &moment.duty {
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
        for warning in &moment.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        Ok(())
    }
}
