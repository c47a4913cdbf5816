//! `frontdesk alarms`: what went wrong and must be seen by somebody, until they say so by name (R41).

use std::io::Write;

use super::context::{CliError, Context};
use super::limit::{LIST_LIMIT, at_most, tell_if_cut};
use super::output::{self, Column, FormatArgs, or_empty};
use super::period::PeriodArgs;
use crate::desk::alarm::{Alarm, AlarmId};
use crate::desk::view::{AlarmView, LocalTime};
use crate::store::AlarmFilter;

/// List alarms, such as emergencies that nobody took, and acknowledge them
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List alarms, the newest first (the same as without a subcommand)
    List(ListArgs),
    /// Note who has seen an alarm
    Ack(AckArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    period: PeriodArgs,
    /// Only those that nobody has acknowledged
    #[arg(long)]
    open: bool,
    /// At most so many; 0 for all
    #[arg(long, value_name = "N", default_value_t = LIST_LIMIT)]
    limit: u32,
}

#[derive(Debug, clap::Args)]
struct AckArgs {
    id: i64,
    /// Who has seen it
    name: String,
}

pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    match &args.command {
        None => list(&args.list, context, out),
        Some(Command::List(args)) => list(args, context, out),
        Some(Command::Ack(args)) => {
            context.editor()?.acknowledge(AlarmId(args.id), &args.name, context.now)?;
            Ok(writeln!(out, "alarm {} acknowledged by {}", args.id, output::printable(args.name.trim()))?)
        }
    }
}

fn list(args: &ListArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let (since, until) = args.period.resolve(context)?;
    let filter = AlarmFilter { since, until, open: args.open, limit: at_most(args.limit), offset: 0 };
    let sight = context.list_sight(args.format);
    let alarms: Vec<_> = context.reader()?.alarms(&filter)?.into_iter().map(|alarm| sight.alarm(alarm)).collect();
    tell_if_cut(alarms.len(), args.limit);
    context.audit_list(args.format, "alarms", alarms.len())?;
    if args.format.json {
        let views: Vec<_> = alarms.iter().map(|a| AlarmView::new(a, context.time_zone)).collect();
        return output::json(out, &views);
    }
    output::list(out, args.format, COLUMNS, &alarms, context.time_zone)
}

/// When and by whom.
fn acknowledged(alarm: &Alarm, time_zone: chrono_tz::Tz) -> String {
    let told =
        |a: &crate::desk::alarm::Acknowledgement| format!("{} {}", LocalTime::new(a.at, time_zone).short(), a.by);
    alarm.acknowledged.as_ref().map(told).unwrap_or_default()
}

const COLUMNS: &[Column<Alarm>] = &[
    Column { name: "id", in_table: true, cell: |a, _| a.id.0.to_string() },
    Column { name: "raised_at", in_table: true, cell: |a, tz| LocalTime::new(a.raised_at, tz).short() },
    Column { name: "kind", in_table: true, cell: |a, _| a.kind.to_string() },
    Column { name: "state", in_table: true, cell: |a, _| a.state.to_string() },
    Column { name: "about", in_table: true, cell: |a, _| or_empty(&a.about) },
    Column { name: "caller", in_table: true, cell: |a, _| or_empty(&a.caller) },
    Column { name: "ticket", in_table: true, cell: |a, _| or_empty(&a.ticket.as_ref().map(|t| &t.0)) },
    Column { name: "note", in_table: true, cell: |a, _| a.note.clone() },
    Column { name: "acknowledged", in_table: true, cell: acknowledged },
    Column { name: "call", in_table: false, cell: |a, _| or_empty(&a.call) },
];
