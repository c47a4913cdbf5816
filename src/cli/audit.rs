//! `frontdesk audit`: who heard, saw, exported or deleted what of callers (R12).

use std::io::Write;

use super::context::{CliError, Context};
use super::limit::{LIST_LIMIT, at_most, tell_if_cut};
use super::output::{self, Column, FormatArgs};
use super::period::PeriodArgs;
use crate::desk::audit::KeptAudit;
use crate::desk::privacy::Kept;
use crate::desk::view::{AuditView, LocalTime};
use crate::store::AuditFilter;

/// List who heard, saw, exported or deleted what of callers, the newest first
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    period: PeriodArgs,
    /// Only what this person or extension did
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// Only this: heard, played, shown, exported, deleted, anonymised, held, released, refused
    #[arg(long, value_name = "WORD")]
    what: Option<String>,
    /// Only about this: "message 12", "ticket 20261123-0007", "call 42"
    #[arg(long, value_name = "THING")]
    about: Option<String>,
    /// At most so many; 0 for all
    #[arg(long, value_name = "N", default_value_t = LIST_LIMIT)]
    limit: u32,
}

pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    context.allow(Kept::Audit, "the audit log")?;
    let (since, until) = args.period.resolve(context)?;
    let filter = AuditFilter {
        since,
        until,
        who: args.who.clone(),
        what: args.what.clone(),
        about: args.about.clone(),
        limit: at_most(args.limit),
        offset: 0,
    };
    let entries = context.reader()?.audit(&filter)?;
    tell_if_cut(entries.len(), args.limit);
    if args.format.json {
        let views: Vec<_> = entries.iter().map(|entry| AuditView::new(entry, context.time_zone)).collect();
        return output::json(out, &views);
    }
    output::list(out, args.format, COLUMNS, &entries, context.time_zone)
}

const COLUMNS: &[Column<KeptAudit>] = &[
    Column { name: "id", in_table: true, cell: |e, _| e.id.to_string() },
    Column { name: "at", in_table: true, cell: |e, tz| LocalTime::new(e.at, tz).short() },
    Column { name: "who", in_table: true, cell: |e, _| e.who.clone() },
    Column { name: "what", in_table: true, cell: |e, _| e.what.clone() },
    Column { name: "about", in_table: true, cell: |e, _| e.about.clone() },
    Column { name: "from_where", in_table: true, cell: |e, _| e.from_where.clone() },
];
