//! `frontdesk roster`: who is on duty from when to when, and where nobody is (R43).

use std::io::Write;

use chrono::{DateTime, Utc};

use super::context::CliError;
use super::output::{self, Column, FormatArgs};
use super::period::When;
use crate::desk::on_duty::Staff;
use crate::desk::people::Duty;
use crate::desk::presence::Presences;
use crate::desk::roster::{StretchView, stretches};
use crate::site::Site;

/// Show who is on duty for each group, when that changes, and gaps
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    format: FormatArgs,
    /// From this time on, not from now: "2026-10-01 20:15", or a day
    #[arg(long, value_name = "WHEN")]
    at: Option<When>,
    /// So many days
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u64).range(1..=366))]
    days: u64,
    /// Only this group: receptionist, emergency, engineer or supervisor
    #[arg(long)]
    group: Option<Duty>,
}

/// The staff of a site, as `presences` says of their whereabouts.
pub(super) fn staff<'a>(site: &'a Site, presences: &'a Presences) -> Staff<'a> {
    Staff { people: &site.people, hours: &site.hours, presences, time_zone: site.config.desk.time_zone }
}

pub fn run(args: &Args, staff: Staff<'_>, now: DateTime<Utc>, out: &mut dyn Write) -> Result<(), CliError> {
    let beyond = || CliError::Usage("--at lies beyond the calendar".to_owned());
    let at = args.at.as_ref().map_or(Ok(now), |at| at.start(now, staff.time_zone).ok_or_else(beyond))?;
    let groups = Duty::ALL.iter().filter(|duty| args.group.is_none_or(|group| group == **duty));
    let views = |duty: &Duty| -> Vec<StretchView> {
        stretches(staff, *duty, at, args.days)
            .iter()
            .map(|stretch| StretchView::new(stretch, staff.time_zone))
            .collect()
    };
    let all: Vec<StretchView> = groups.flat_map(views).collect();
    if args.format.json {
        return output::json(out, &all);
    }
    output::list(out, args.format, COLUMNS, &all, staff.time_zone)?;
    if !args.format.csv {
        for gap in all.iter().filter(|stretch| stretch.gap) {
            writeln!(out, "{}", told(gap, args.days))?;
        }
    }
    Ok(())
}

fn told(gap: &StretchView, days: u64) -> String {
    let from = gap.from.short();
    let to = gap.to.map_or_else(|| format!("beyond {days} days"), |to| to.short());
    let what = match (gap.group, gap.people.is_empty()) {
        (Duty::Supervisor, true) => {
            "nobody hears what is overdue; give somebody duty = [\"supervisor\"] in people.toml"
        }
        (_, true) => "nobody can be rung: callers leave a message",
        (_, false) => "nobody is on the roster: all who have that duty are rung",
    };
    format!("warning: {} from {from} to {to}: {what}", gap.group)
}

fn people(stretch: &StretchView) -> String {
    stretch.people.iter().map(|p| format!("{} {}", p.extension, p.name)).collect::<Vec<_>>().join(", ")
}

const COLUMNS: &[Column<StretchView>] = &[
    Column { name: "group", in_table: true, cell: |s, _| s.group.to_string() },
    Column { name: "from", in_table: true, cell: |s, _| s.from.short() },
    Column { name: "to", in_table: true, cell: |s, _| s.to.map(|to| to.short()).unwrap_or_default() },
    Column { name: "people", in_table: true, cell: |s, _| people(s) },
    Column { name: "because", in_table: true, cell: |s, _| s.because.to_string() },
    Column { name: "gap", in_table: true, cell: |s, _| if s.gap { "GAP".to_owned() } else { String::new() } },
];
