//! `frontdesk messages`: messages left for absent persons, and their relay (R5).

use std::io::Write;
use std::path::PathBuf;

use super::context::{CliError, Context};
use super::copy;
use super::limit::{LIST_LIMIT, at_most, tell_if_cut};
use super::output::{self, Column, FormatArgs, or_empty, printable};
use super::period::PeriodArgs;
use crate::desk::audit::Deed;
use crate::desk::message::{Deletion, Message, Relay};
use crate::desk::privacy::Surface;
use crate::desk::view::{LocalTime, MessageView};
use crate::store::MessageFilter;
use crate::types::MessageId;

/// List and show messages, and note that they arrived
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
    /// List messages, the newest first (the same as without a subcommand)
    List(ListArgs),
    /// Show one message with the tries to pass it on
    Show(ShowArgs),
    /// Note that the person has confirmed the message
    Confirm(ConfirmArgs),
    /// Copy what was said into a new WAV file
    Export(ExportArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    period: PeriodArgs,
    /// Messages for this extension
    #[arg(long = "for", value_name = "EXTENSION")]
    for_person: Option<String>,
    /// Messages from this number; its last four digits or more are enough
    #[arg(long, value_name = "NUMBER")]
    caller: Option<String>,
    /// pending, notified, heard, confirmed or escalated
    #[arg(long)]
    relay: Option<Relay>,
    /// Only those that are not confirmed yet
    #[arg(long, conflicts_with = "relay")]
    unconfirmed: bool,
    /// Also those that the person has deleted by phone
    #[arg(long)]
    all: bool,
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
struct ConfirmArgs {
    id: i64,
    /// Who notes it; the shell's user by default
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(Debug, clap::Args)]
struct ExportArgs {
    id: i64,
    /// A new file
    file: PathBuf,
}

pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    match &args.command {
        None => list(&args.list, context, out),
        Some(Command::List(args)) => list(args, context, out),
        Some(Command::Show(args)) => show(args, context, out),
        Some(Command::Confirm(args)) => {
            let who = args.by.as_deref().unwrap_or(&context.who);
            context.editor()?.confirm(MessageId(args.id), who, context.now)?;
            Ok(writeln!(out, "message {} confirmed", args.id)?)
        }
        Some(Command::Export(args)) => {
            let Some(message) = context.reader()?.message(MessageId(args.id))? else {
                return Err(CliError::Failed(format!("there is no message {}", args.id)));
            };
            let about = format!("message {}", args.id);
            copy::recording(context, &about, message.recording.as_ref(), &args.file, out)
        }
    }
}

fn list(args: &ListArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let (since, until) = args.period.resolve(context)?;
    let filter = MessageFilter {
        since,
        until,
        for_person: args.for_person.clone(),
        caller: args.caller.clone(),
        relay: args.relay,
        unconfirmed: args.unconfirmed,
        deleted_too: args.all,
        limit: at_most(args.limit),
        ..MessageFilter::default()
    };
    let sight = context.list_sight(args.format);
    let messages: Vec<_> = context.reader()?.messages(&filter)?.into_iter().map(|m| sight.message(m)).collect();
    tell_if_cut(messages.len(), args.limit);
    context.audit_list(args.format, "messages", messages.len())?;
    if args.format.json {
        let views: Vec<_> = messages.iter().map(|m| MessageView::new(m, context.time_zone)).collect();
        return output::json(out, &views);
    }
    output::list(out, args.format, COLUMNS, &messages, context.time_zone)
}

fn show(args: &ShowArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let Some(message) = context.reader()?.message(MessageId(args.id))? else {
        return Err(CliError::Failed(format!("there is no message {}", args.id)));
    };
    let message = context.sight(Surface::Record).message(message);
    if message.shows(Surface::Record) {
        context.audit(Deed::Shown, &format!("message {}", args.id))?;
    }
    if args.json {
        return output::json(out, &MessageView::new(&message, context.time_zone));
    }
    let lines: Vec<_> = COLUMNS.iter().map(|c| (c.name, (c.cell)(&message, context.time_zone))).collect();
    output::details(out, &lines)?;
    for attempt in &message.attempts {
        let at = LocalTime::new(attempt.at, context.time_zone).short();
        writeln!(out, "  {at}  {}  {}", printable(&attempt.channel), printable(&attempt.result))?;
    }
    Ok(())
}

/// When and by whom.
fn deleted(message: &Message, time_zone: chrono_tz::Tz) -> String {
    let told = |d: &Deletion| format!("{} {}", LocalTime::new(d.at, time_zone).short(), d.by);
    message.deleted.as_ref().map(told).unwrap_or_default()
}

const COLUMNS: &[Column<Message>] = &[
    Column { name: "id", in_table: true, cell: |m, _| m.id.0.to_string() },
    Column { name: "left_at", in_table: true, cell: |m, tz| LocalTime::new(m.left_at, tz).short() },
    Column { name: "for_person", in_table: true, cell: |m, _| or_empty(&m.for_person) },
    Column { name: "from_number", in_table: true, cell: |m, _| or_empty(&m.from_number) },
    Column { name: "from_name", in_table: true, cell: |m, _| or_empty(&m.from_name) },
    Column { name: "duration_ms", in_table: true, cell: |m, _| m.duration_ms.to_string() },
    Column { name: "relay", in_table: true, cell: |m, _| m.relay.to_string() },
    Column { name: "incomplete", in_table: true, cell: |m, _| m.incomplete.to_string() },
    Column { name: "deleted", in_table: true, cell: deleted },
    Column { name: "transcript", in_table: false, cell: |m, _| or_empty(&m.transcript) },
    Column { name: "recording", in_table: false, cell: |m, _| or_empty(&m.recording.as_ref().map(|r| &r.0)) },
    Column { name: "attempts", in_table: false, cell: |m, _| m.attempts.len().to_string() },
];
