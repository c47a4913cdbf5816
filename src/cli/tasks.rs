//! `frontdesk tasks`: what the desk sees to by itself (R5, R19, R26, R37).

use std::io::Write;

use super::context::{CliError, Context};
use super::limit::{LIST_LIMIT, at_most, tell_if_cut};
use super::output::{self, Column, FormatArgs};
use crate::desk::tasks::TaskRow;
use crate::desk::view::{LocalTime, TaskView};
use crate::store::TaskFilter;

/// List what the desk sees to by itself: engineers sent, messages passed on, customers asked, supervisors told
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    format: FormatArgs,
    /// Only those that go on
    #[arg(long)]
    open: bool,
    /// At most so many; 0 for all
    #[arg(long, value_name = "N", default_value_t = LIST_LIMIT)]
    limit: u32,
}

pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let tasks = context.reader()?.tasks(&TaskFilter {
        open: args.open,
        limit: at_most(args.limit),
        ..TaskFilter::default()
    })?;
    tell_if_cut(tasks.len(), args.limit);
    if args.format.json {
        let views: Vec<_> = tasks.iter().map(|task| TaskView::new(task, context.time_zone)).collect();
        return output::json(out, &views);
    }
    output::list(out, args.format, COLUMNS, &tasks, context.time_zone)
}

fn shown(at: Option<chrono::DateTime<chrono::Utc>>, zone: chrono_tz::Tz) -> String {
    at.map(|at| LocalTime::new(at, zone).short()).unwrap_or_default()
}

const COLUMNS: &[Column<TaskRow>] = &[
    Column { name: "id", in_table: true, cell: |t, _| t.id.to_string() },
    Column { name: "kind", in_table: true, cell: |t, _| t.kind.to_string() },
    Column { name: "subject", in_table: true, cell: |t, _| t.subject.clone() },
    Column { name: "begun_at", in_table: true, cell: |t, tz| shown(Some(t.begun_at), tz) },
    Column { name: "next_at", in_table: true, cell: |t, tz| shown(t.next_at, tz) },
    Column { name: "ended_at", in_table: true, cell: |t, tz| shown(t.ended_at, tz) },
];
