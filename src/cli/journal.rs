//! `frontdesk journal`: every abnormal event, however it was handled; read, written and corrected (R41).

use std::io::Write;

use super::context::{CliError, Context};
use super::limit::{LIST_LIMIT, at_most, tell_if_cut};
use super::output::{self, Column, FormatArgs, or_empty};
use super::period::PeriodArgs;
use crate::desk::journal::{JournalEntry, JournalKind, KeptEntry};
use crate::desk::view::{JournalView, LocalTime};
use crate::store::JournalFilter;

/// List the desk's journal, write in it, and correct what it says by a new entry
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
    /// List entries, the newest first (the same as without a subcommand)
    List(ListArgs),
    /// Write an entry
    Add(AddArgs),
    /// Write what is to be read in the place of an entry; that one stays as it is
    Correct(CorrectArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    period: PeriodArgs,
    /// At most so many; 0 for all
    #[arg(long, value_name = "N", default_value_t = LIST_LIMIT)]
    limit: u32,
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// What happened, and what was done
    text: String,
    /// note, incident, equipment or visitor
    #[arg(long, default_value = "note")]
    kind: JournalKind,
    /// What it concerns: a ticket's number, a place, a piece of equipment
    #[arg(long, default_value = "", hide_default_value = true)]
    about: String,
    /// Who writes it; the shell's user by default
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(Debug, clap::Args)]
struct CorrectArgs {
    /// The entry's number
    id: i64,
    text: String,
    /// Who writes it; the shell's user by default
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    match &args.command {
        None => list(&args.list, context, out),
        Some(Command::List(args)) => list(args, context, out),
        Some(Command::Add(args)) => {
            let who = args.by.as_deref().unwrap_or(&context.who);
            let entry = JournalEntry::by_hand(context.now, args.kind, (&args.about, &args.text), who);
            let id = context.editor()?.add_to_journal(&entry.map_err(|why| CliError::Usage(why.to_string()))?)?;
            Ok(writeln!(out, "journal entry {id} written")?)
        }
        Some(Command::Correct(args)) => {
            let who = args.by.as_deref().unwrap_or(&context.who);
            let entry = JournalEntry::correction(context.now, args.id, &args.text, who);
            let entry = entry.map_err(|why| CliError::Usage(why.to_string()))?;
            let id = context.editor()?.add_to_journal(&entry)?;
            Ok(writeln!(out, "journal entry {id} written: it corrects {}", args.id)?)
        }
    }
}

fn list(args: &ListArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let (since, until) = args.period.resolve(context)?;
    let filter = JournalFilter { since, until, limit: at_most(args.limit), offset: 0 };
    let entries = context.reader()?.journal(&filter)?;
    tell_if_cut(entries.len(), args.limit);
    let sight = context.list_sight(args.format);
    let entries: Vec<KeptEntry> = entries.into_iter().map(|entry| sight.entry(entry)).collect();
    if args.format.json {
        let views: Vec<_> = entries.iter().map(|entry| JournalView::new(entry, context.time_zone)).collect();
        return output::json(out, &views);
    }
    output::list(out, args.format, COLUMNS, &entries, context.time_zone)
}

const COLUMNS: &[Column<KeptEntry>] = &[
    Column { name: "id", in_table: true, cell: |e, _| e.id.to_string() },
    Column { name: "at", in_table: true, cell: |e, tz| LocalTime::new(e.entry.at, tz).short() },
    Column { name: "kind", in_table: true, cell: |e, _| e.entry.kind.to_string() },
    Column { name: "about", in_table: true, cell: |e, _| e.entry.about.clone() },
    Column { name: "who", in_table: true, cell: |e, _| or_empty(&e.entry.who) },
    Column { name: "text", in_table: true, cell: |e, _| e.entry.text.clone() },
    Column { name: "corrects", in_table: true, cell: |e, _| or_empty(&e.entry.corrects) },
    Column { name: "corrected_by", in_table: true, cell: |e, _| or_empty(&e.corrected_by) },
];
