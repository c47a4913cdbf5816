//! `frontdesk journal`: every abnormal event, however it was handled (R41).

use std::io::Write;

use super::context::{CliError, Context};
use super::limit::{LIST_LIMIT, at_most, tell_if_cut};
use super::output::{self, Column, FormatArgs};
use super::period::PeriodArgs;
use crate::desk::journal::JournalEntry;
use crate::desk::view::{JournalView, LocalTime};
use crate::store::JournalFilter;

/// List the desk's journal, the newest entry first: lines that went down and came back
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    period: PeriodArgs,
    /// At most so many; 0 for all
    #[arg(long, value_name = "N", default_value_t = LIST_LIMIT)]
    limit: u32,
}

pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let (since, until) = args.period.resolve(context)?;
    let filter = JournalFilter { since, until, limit: at_most(args.limit), offset: 0 };
    let entries = context.reader()?.journal(&filter)?;
    tell_if_cut(entries.len(), args.limit);
    if args.format.json {
        let views: Vec<_> = entries.iter().map(|entry| JournalView::new(entry, context.time_zone)).collect();
        return output::json(out, &views);
    }
    output::list(out, args.format, COLUMNS, &entries, context.time_zone)
}

const COLUMNS: &[Column<JournalEntry>] = &[
    Column { name: "at", in_table: true, cell: |e, tz| LocalTime::new(e.at, tz).short() },
    Column { name: "kind", in_table: true, cell: |e, _| e.kind.to_string() },
    Column { name: "about", in_table: true, cell: |e, _| e.about.clone() },
    Column { name: "text", in_table: true, cell: |e, _| e.text.clone() },
];
