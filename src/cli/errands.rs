//! `frontdesk errands`: telephone calls that the desk makes about its work (R5, R26, R37).

use std::io::Write;

use super::context::{CliError, Context};
use super::limit::{LIST_LIMIT, at_most, tell_if_cut};
use super::output::{self, Column, FormatArgs, or_empty};
use super::period::PeriodArgs;
use crate::desk::errand::{ErrandId, ErrandKind, ErrandRecord, ErrandState, ErrandTo, NewErrand};
use crate::desk::privacy::Surface;
use crate::desk::view::{ErrandView, LocalTime};
use crate::store::ErrandFilter;
use crate::types::{MessageId, TicketNumber};

/// List calls that the desk makes about its work, ask for one, and take one back
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
    /// List them, the newest first (the same as without a subcommand)
    List(ListArgs),
    /// Show one with what came of it
    Show(ShowArgs),
    /// Ask for a call: the running line makes it
    Add(AddArgs),
    /// Take back a call that is not begun yet
    Cancel(CancelArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    period: PeriodArgs,
    /// dispatch, relay, follow_up or notice
    #[arg(long)]
    kind: Option<ErrandKind>,
    /// waiting, calling or ended
    #[arg(long)]
    state: Option<ErrandState>,
    /// About this ticket
    #[arg(long, value_name = "NUMBER")]
    ticket: Option<String>,
    /// At most so many; 0 for all
    #[arg(long, value_name = "N", default_value_t = LIST_LIMIT)]
    limit: u32,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    id: i64,
    /// Write JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// dispatch, relay, follow_up or notice
    kind: ErrandKind,
    /// Extension of a person of people.toml
    #[arg(long, value_name = "EXTENSION", conflicts_with = "number", required_unless_present = "number")]
    person: Option<String>,
    /// Number of a customer
    #[arg(long)]
    number: Option<String>,
    /// The ticket that it is about
    #[arg(long, value_name = "NUMBER")]
    ticket: Option<String>,
    /// The message that is passed on
    #[arg(long, value_name = "ID", required_if_eq("kind", "relay"))]
    message: Option<i64>,
    /// Of a notice: the clock that is overdue, such as on_site
    #[arg(long, value_name = "CLOCK")]
    note: Option<String>,
}

#[derive(Debug, clap::Args)]
struct CancelArgs {
    id: i64,
    /// Who takes it back; the shell's user by default
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    match &args.command {
        None => list(&args.list, context, out),
        Some(Command::List(args)) => list(args, context, out),
        Some(Command::Show(args)) => show(args, context, out),
        Some(Command::Add(args)) => add(args, context, out),
        Some(Command::Cancel(args)) => {
            let who = args.by.as_deref().unwrap_or(&context.who);
            context.editor()?.cancel_errand(ErrandId(args.id), who, context.now)?;
            Ok(writeln!(out, "errand {} cancelled", args.id)?)
        }
    }
}

fn list(args: &ListArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let (since, until) = args.period.resolve(context)?;
    let filter = ErrandFilter {
        since,
        until,
        kind: args.kind,
        state: args.state,
        ticket: args.ticket.clone().map(TicketNumber),
        limit: at_most(args.limit),
        offset: 0,
    };
    let sight = context.list_sight(args.format);
    let errands: Vec<_> = context.reader()?.errands(&filter)?.into_iter().map(|errand| sight.errand(errand)).collect();
    tell_if_cut(errands.len(), args.limit);
    if args.format.json {
        let views: Vec<_> = errands.iter().map(|errand| ErrandView::new(errand, context.time_zone)).collect();
        return output::json(out, &views);
    }
    output::list(out, args.format, COLUMNS, &errands, context.time_zone)
}

fn show(args: &ShowArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let Some(errand) = context.reader()?.errand(ErrandId(args.id))? else {
        return Err(CliError::Failed(format!("there is no errand {}", args.id)));
    };
    let errand = context.sight(Surface::Record).errand(errand);
    if args.json {
        return output::json(out, &ErrandView::new(&errand, context.time_zone));
    }
    let lines: Vec<_> = COLUMNS.iter().map(|c| (c.name, (c.cell)(&errand, context.time_zone))).collect();
    output::details(out, &lines)
}

fn add(args: &AddArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let reader = context.reader()?;
    let ticket = args.ticket.clone().map(TicketNumber);
    if let Some(number) = &ticket
        && reader.ticket(number, context.now)?.is_none()
    {
        return Err(CliError::Failed(format!("there is no ticket {number}")));
    }
    let message = args.message.map(MessageId);
    if let Some(id) = message
        && reader.message(id)?.is_none()
    {
        return Err(CliError::Failed(format!("there is no message {}", id.0)));
    }
    let to = match (&args.person, &args.number) {
        (Some(extension), _) => ErrandTo::Person { extension: extension.clone() },
        (None, number) => ErrandTo::Customer { number: number.clone().unwrap_or_default() },
    };
    let (kind, note) = (args.kind, args.note.clone());
    let errand = NewErrand { kind, to, ticket, message, note, task: None, not_before: context.now };
    let id = context.editor()?.add_errand(context.now, &errand)?;
    Ok(writeln!(out, "errand {} waits for the line", id.0)?)
}

const COLUMNS: &[Column<ErrandRecord>] = &[
    Column { name: "id", in_table: true, cell: |e, _| e.id.0.to_string() },
    Column { name: "created_at", in_table: true, cell: |e, tz| LocalTime::new(e.created_at, tz).short() },
    Column { name: "kind", in_table: true, cell: |e, _| e.kind.to_string() },
    Column { name: "extension", in_table: true, cell: |e, _| or_empty(&e.extension) },
    Column { name: "number", in_table: true, cell: |e, _| or_empty(&e.number) },
    Column { name: "ticket", in_table: true, cell: |e, _| or_empty(&e.ticket.as_ref().map(|t| &t.0)) },
    Column { name: "message", in_table: true, cell: |e, _| or_empty(&e.message.map(|m| m.0)) },
    Column { name: "state", in_table: true, cell: |e, _| e.state.to_string() },
    Column { name: "result", in_table: true, cell: |e, _| or_empty(&e.result) },
    Column { name: "why", in_table: true, cell: |e, _| or_empty(&e.why) },
    Column { name: "note", in_table: false, cell: |e, _| or_empty(&e.note) },
    Column { name: "comment", in_table: false, cell: |e, _| or_empty(&e.comment.as_ref().map(|c| &c.0)) },
    Column { name: "call", in_table: true, cell: |e, _| or_empty(&e.call) },
    Column { name: "not_before", in_table: false, cell: |e, tz| LocalTime::new(e.not_before, tz).short() },
    Column { name: "started_at", in_table: false, cell: |e, tz| short(e.started_at, tz) },
    Column { name: "ended_at", in_table: false, cell: |e, tz| short(e.ended_at, tz) },
];

fn short(at: Option<chrono::DateTime<chrono::Utc>>, time_zone: chrono_tz::Tz) -> String {
    at.map(|at| LocalTime::new(at, time_zone).short()).unwrap_or_default()
}
