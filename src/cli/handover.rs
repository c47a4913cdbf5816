//! `frontdesk handover`: a shift is handed over (交接班, R40).

use std::io::Write;

use super::context::{CliError, Context};
use super::output::{self, Column, FormatArgs, fitting, or_empty, printable};
use crate::desk::audit::Deed;
use crate::desk::handover::{Handover, Mark};
use crate::desk::handover_view::{DutyView, HandoverView, PageView};
use crate::desk::notes::Notes;
use crate::desk::privacy::Surface;
use crate::desk::report::table::Tongue;
use crate::desk::view::LocalTime;

/// Entries of each list that JSON has at most.
const LISTED_MAX: u32 = 1_000;
/// The widest line of the page, in columns of the terminal.
const LINE_COLUMNS_MAX: usize = 160;

/// Show what whoever takes the shift over must know, sign off, and sign on
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// The page: alarms, open tickets by deadline, messages, journal since the last handover, and who is on duty
    Show(ShowArgs),
    /// Whoever has the shift goes
    SignOff(SignOffArgs),
    /// Somebody takes the shift over, having read the page
    SignOn(SignOnArgs),
    /// Handovers of the past, the newest first
    List(ListArgs),
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// Write JSON, for programs
    #[arg(long, conflicts_with = "html")]
    json: bool,
    /// Write a page to be printed and signed by hand
    #[arg(long)]
    html: bool,
    /// The language of that page: zh or en
    #[arg(long, value_name = "LANGUAGE", default_value = "zh", requires = "html")]
    lang: Tongue,
    /// So many lines of each list at most
    #[arg(long, value_name = "N", default_value_t = 15)]
    lines: usize,
}

#[derive(Debug, clap::Args)]
struct SignOffArgs {
    name: String,
    /// What whoever comes should know
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    note: String,
}

#[derive(Debug, clap::Args)]
struct SignOnArgs {
    name: String,
    /// The code at the foot of the page: you have read it
    #[arg(long, value_name = "CODE")]
    read: Mark,
    /// Why nobody signed off; it is written in the journal
    #[arg(long, value_name = "REASON")]
    without_sign_off: Option<String>,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    format: FormatArgs,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
}

/// `duty` tells who is on duty, or why that can't be told; it is asked by the page alone.
pub fn run(
    args: &Args,
    context: &Context,
    duty: impl FnOnce() -> Result<Vec<DutyView>, String>,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    match &args.command {
        Command::Show(args) => show(args, context, duty, out),
        Command::SignOff(args) => {
            let id = context.editor()?.sign_off(&args.name, context.now, &args.note)?;
            Ok(writeln!(out, "handover {id}: {} signed off", printable(args.name.trim()))?)
        }
        Command::SignOn(args) => {
            let why = args.without_sign_off.as_deref();
            context.editor()?.sign_on(&args.name, context.now, args.read, why)?;
            writeln!(out, "{} has the shift", printable(args.name.trim()))?;
            let last = context.reader()?.handover_page(context.now, 0)?.journal.total;
            if last > 0 {
                writeln!(
                    out,
                    "the journal has {last} entries that came after that page: read `frontdesk handover show`"
                )?;
            }
            Ok(())
        }
        Command::List(args) => list(args, context, out),
    }
}

fn show(
    args: &ShowArgs,
    context: &Context,
    duty: impl FnOnce() -> Result<Vec<DutyView>, String>,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let page = context.reader()?.handover_page(context.now, LISTED_MAX)?;
    let duty = duty().unwrap_or_else(|why| {
        eprintln!("note: who is on duty can't be told: {why}");
        Vec::new()
    });
    let view = PageView::new(page, (&context.desk, context.time_zone), duty, context.sight(Surface::Record));
    if view.shows {
        context.audit(Deed::Shown, "handover page")?;
    }
    if args.json {
        return output::json(out, &view);
    }
    if args.html {
        let name_of = |who: &str| context.people.get(who).cloned();
        let notes = Notes { people: &name_of, time_zone: context.time_zone, tongue: args.lang };
        return Ok(out.write_all(view.html(args.lines, &notes).as_bytes())?);
    }
    let mut text = String::new();
    // A string takes all that is written.
    let _ = view.write_text(args.lines, &|line| fitting(line, LINE_COLUMNS_MAX), &mut text);
    Ok(out.write_all(text.as_bytes())?)
}

fn list(args: &ListArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let handovers = context.reader()?.handovers(args.limit)?;
    if args.format.json {
        let views: Vec<_> = handovers.iter().map(|h| HandoverView::new(h, context.time_zone)).collect();
        return output::json(out, &views);
    }
    output::list(out, args.format, COLUMNS, &handovers, context.time_zone)
}

const COLUMNS: &[Column<Handover>] = &[
    Column { name: "id", in_table: true, cell: |h, _| h.id.to_string() },
    Column { name: "signed_off_by", in_table: true, cell: |h, _| or_empty(&h.off.as_ref().map(|off| &off.by)) },
    Column {
        name: "signed_off_at",
        in_table: true,
        cell: |h, tz| h.off.as_ref().map(|off| LocalTime::new(off.at, tz).short()).unwrap_or_default(),
    },
    Column { name: "signed_on_by", in_table: true, cell: |h, _| or_empty(&h.on.as_ref().map(|on| &on.by)) },
    Column {
        name: "signed_on_at",
        in_table: true,
        cell: |h, tz| h.on.as_ref().map(|on| LocalTime::new(on.at, tz).short()).unwrap_or_default(),
    },
    Column { name: "note", in_table: true, cell: |h, _| or_empty(&h.off.as_ref().map(|off| &off.note)) },
    Column { name: "without_sign_off", in_table: true, cell: |h, _| or_empty(&h.without_sign_off) },
    Column { name: "read", in_table: false, cell: |h, _| or_empty(&h.on.as_ref().map(|on| on.read)) },
];
