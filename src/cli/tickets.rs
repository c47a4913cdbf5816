//! `frontdesk tickets`: lists, shows and changes tickets. `work`: the steps of their workflows. `print`: forms to sign.

mod print;
mod work;

use std::io::Write;
use std::path::PathBuf;

use super::context::{CliError, Context};
use super::copy;
use super::limit::{LIST_LIMIT, at_most, tell_if_cut};
use super::output::{self, Column, FormatArgs, or_empty, printable};
use super::period::PeriodArgs;
use crate::desk::audit::Deed;
use crate::desk::privacy::Surface;
use crate::desk::ticket::{Kind, Status, Ticket, Urgency};
use crate::desk::ticket_edit::{Closing, TicketEdit};
use crate::desk::view::{LocalTime, TicketView};
use crate::desk::workflow::next_of;
use crate::store::TicketFilter;
use crate::types::TicketNumber;

/// List, show and change tickets
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
    /// List tickets, the newest first (the same as without a subcommand)
    List(ListArgs),
    /// Show one ticket with its clocks and history
    Show(ShowArgs),
    /// Add a line to a ticket's history
    Note(NoteArgs),
    /// Change fields of a ticket, or hand it over to another owner
    Set(Box<SetArgs>),
    /// Note that a clock's promise was kept: on_site, repaired, reply
    Met(MetArgs),
    /// Close a ticket, saying what was done or whose matter it is
    Close(CloseArgs),
    /// Copy what the caller said into a new WAV file
    Export(ExportArgs),
    /// Write a repair's work sheet (R29) or a complaint's report (R38) as a page to print and sign
    Print(print::PrintArgs),
    #[command(flatten)]
    Work(work::Command),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    period: PeriodArgs,
    /// repair, complaint, inquiry or help
    #[arg(long)]
    kind: Option<Kind>,
    /// open or closed
    #[arg(long)]
    status: Option<Status>,
    /// Only open ones (the same as --status open)
    #[arg(long, conflicts_with = "status")]
    open: bool,
    /// Only open ones with a clock that is breached
    #[arg(long)]
    overdue: bool,
    /// Only those whose caller did not finish
    #[arg(long)]
    incomplete: bool,
    /// Tickets of this caller; the number's last four digits or more are enough
    #[arg(long, value_name = "NUMBER")]
    caller: Option<String>,
    /// Tickets of this owner
    #[arg(long)]
    owner: Option<String>,
    /// At most so many; 0 for all
    #[arg(long, value_name = "N", default_value_t = LIST_LIMIT)]
    limit: u32,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    number: String,
    /// Write JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Who makes a change.
#[derive(Debug, clap::Args)]
struct ByArgs {
    /// Who does this, for the history; the shell's user by default
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(Debug, clap::Args)]
struct NoteArgs {
    number: String,
    text: String,
    #[command(flatten)]
    by: ByArgs,
}

#[derive(Debug, clap::Args)]
struct SetArgs {
    number: String,
    /// Who takes it over (R13)
    #[arg(long)]
    owner: Option<String>,
    /// urgent or general
    #[arg(long)]
    urgency: Option<Urgency>,
    #[arg(long)]
    category: Option<String>,
    #[arg(long, value_name = "NUMBER")]
    callback_number: Option<String>,
    #[arg(long)]
    building: Option<String>,
    #[arg(long)]
    room: Option<String>,
    #[arg(long)]
    resident: Option<String>,
    #[arg(long)]
    wanted_time: Option<String>,
    /// true or false
    #[arg(long)]
    key_left: Option<bool>,
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    by: ByArgs,
}

#[derive(Debug, clap::Args)]
struct MetArgs {
    number: String,
    clock: String,
    #[command(flatten)]
    by: ByArgs,
}

#[derive(Debug, clap::Args)]
struct CloseArgs {
    number: String,
    /// What was done, or why it is withdrawn; required unless it is another's matter
    #[arg(long, required_unless_present = "referred_to")]
    note: Option<String>,
    /// The customer takes it back, or it was a mistake or said twice: it may end before its way does
    #[arg(long, conflicts_with = "referred_to")]
    withdrawn: bool,
    /// Not ours: the department that the customer was sent to
    #[arg(long, value_name = "DEPARTMENT", requires = "contact")]
    referred_to: Option<String>,
    /// How the customer reaches that department, as they were told
    #[arg(long, requires = "referred_to")]
    contact: Option<String>,
    #[command(flatten)]
    by: ByArgs,
}

#[derive(Debug, clap::Args)]
struct ExportArgs {
    number: String,
    /// A new file
    file: PathBuf,
    /// The customer's comment after the work, not the report
    #[arg(long)]
    feedback: bool,
}

pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    match &args.command {
        None => list(&args.list, context, out),
        Some(Command::List(args)) => list(args, context, out),
        Some(Command::Show(args)) => show(args, context, out),
        Some(Command::Note(args)) => {
            let number = number(&args.number);
            context.editor()?.note(&number, args.by.name(context), context.now, &args.text)?;
            told(out, &number, "noted")
        }
        Some(Command::Set(args)) => {
            let number = number(&args.number);
            context.editor()?.edit(&number, args.by.name(context), context.now, &args.edit())?;
            told(out, &number, "changed")
        }
        Some(Command::Met(args)) => {
            let number = number(&args.number);
            context.editor()?.meet_clock(&number, args.by.name(context), context.now, &args.clock)?;
            told(out, &number, "noted")
        }
        Some(Command::Close(args)) => {
            let number = number(&args.number);
            context.editor()?.close(&number, args.by.name(context), context.now, &args.closing())?;
            told(out, &number, "closed")
        }
        Some(Command::Export(args)) => {
            let number = number(&args.number);
            let Some(ticket) = context.reader()?.ticket(&number, context.now)? else {
                return Err(CliError::Failed(format!("there is no ticket {number}")));
            };
            let recording = if args.feedback { &ticket.work.feedback } else { &ticket.recording };
            copy::recording(context, &format!("ticket {number}"), recording.as_ref(), &args.file, out)
        }
        Some(Command::Print(args)) => print::run(args, context, out),
        Some(Command::Work(command)) => work::run(command, context, out),
    }
}

impl ByArgs {
    fn name<'a>(&'a self, context: &'a Context) -> &'a str {
        self.by.as_deref().unwrap_or(&context.who)
    }
}

impl SetArgs {
    fn edit(&self) -> TicketEdit {
        TicketEdit {
            owner: self.owner.clone(),
            urgency: self.urgency,
            category: self.category.clone(),
            callback_number: self.callback_number.clone(),
            building: self.building.clone(),
            room: self.room.clone(),
            resident: self.resident.clone(),
            wanted_time: self.wanted_time.clone(),
            key_left: self.key_left,
            description: self.description.clone(),
        }
    }
}

impl CloseArgs {
    fn closing(&self) -> Closing {
        let note = self.note.clone().unwrap_or_default();
        match (&self.referred_to, &self.contact) {
            (Some(department), contact) => {
                Closing::Referred { department: department.clone(), contact: contact.clone().unwrap_or_default(), note }
            }
            (None, _) if self.withdrawn => Closing::Withdrawn { note },
            (None, _) => Closing::Done { note },
        }
    }
}

fn list(args: &ListArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let (since, until) = args.period.resolve(context)?;
    let filter = TicketFilter {
        since,
        until,
        caller: args.caller.clone(),
        kind: args.kind,
        status: if args.open { Some(Status::Open) } else { args.status },
        overdue: args.overdue,
        incomplete: args.incomplete.then_some(true),
        owner: args.owner.clone(),
        limit: at_most(args.limit),
        offset: 0,
    };
    let sight = context.list_sight(args.format);
    let tickets: Vec<_> =
        context.reader()?.tickets(&filter, context.now)?.into_iter().map(|ticket| sight.ticket(ticket)).collect();
    tell_if_cut(tickets.len(), args.limit);
    context.audit_list(args.format, "tickets", tickets.len())?;
    if args.format.json {
        let views: Vec<_> = tickets.iter().map(|t| TicketView::new(t, context.time_zone)).collect();
        return output::json(out, &views);
    }
    output::list(out, args.format, COLUMNS, &tickets, context.time_zone)
}

fn show(args: &ShowArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let number = number(&args.number);
    let Some(ticket) = context.reader()?.ticket(&number, context.now)? else {
        return Err(CliError::Failed(format!("there is no ticket {number}")));
    };
    let ticket = context.sight(Surface::Record).ticket(ticket);
    if ticket.shows(Surface::Record) {
        context.audit(Deed::Shown, &format!("ticket {number}"))?;
    }
    if args.json {
        return output::json(out, &TicketView::new(&ticket, context.time_zone));
    }
    let lines: Vec<_> = COLUMNS.iter().map(|c| (c.name, (c.cell)(&ticket, context.time_zone))).collect();
    output::details(out, &lines)?;
    writeln!(out, "\nhistory")?;
    for event in &ticket.events {
        let at = LocalTime::new(event.at, context.time_zone).short();
        let note = event.note.as_ref().map(|n| format!(": {}", printable(n))).unwrap_or_default();
        writeln!(out, "  {at}  {}  {}{note}", printable(&event.who), printable(&event.what))?;
    }
    Ok(())
}

fn number(text: &str) -> TicketNumber {
    TicketNumber(text.trim().to_owned())
}

fn told(out: &mut dyn Write, number: &TicketNumber, what: &str) -> Result<(), CliError> {
    Ok(writeln!(out, "ticket {number} {what}")?)
}

/// `on_site 23:14 met, repaired 2026-11-24 21:14:05 BREACHED`.
fn clocks(ticket: &Ticket, tz: chrono_tz::Tz) -> String {
    let clock = |(name, clock): (&String, &crate::desk::ticket::Clock)| {
        let paused = clock.paused.map(|pause| format!(" PAUSED ({})", pause.reason)).unwrap_or_default();
        let state = match (clock.breached, clock.met_at) {
            (false, None) if !paused.is_empty() => paused.as_str(),
            (true, None) => " BREACHED",
            (true, Some(_)) => " met late",
            (false, Some(_)) => " met",
            (false, None) => "",
        };
        format!("{name} {}{state}", LocalTime::new(clock.at, tz).short())
    };
    ticket.due.iter().map(clock).collect::<Vec<_>>().join(", ")
}

/// `12.50`, or nothing.
fn money(cents: Option<i64>) -> String {
    cents.map(|cents| format!("{}.{:02}", cents / 100, cents % 100)).unwrap_or_default()
}

const COLUMNS: &[Column<Ticket>] = &[
    Column { name: "number", in_table: true, cell: |t, _| t.number.to_string() },
    Column { name: "opened_at", in_table: true, cell: |t, tz| LocalTime::new(t.opened_at, tz).short() },
    Column { name: "kind", in_table: true, cell: |t, _| t.kind.to_string() },
    Column { name: "class", in_table: true, cell: |t, _| t.class.to_string() },
    Column { name: "urgency", in_table: true, cell: |t, _| or_empty(&t.urgency) },
    Column { name: "category", in_table: true, cell: |t, _| or_empty(&t.category) },
    Column { name: "channel", in_table: false, cell: |t, _| t.channel.to_string() },
    Column { name: "status", in_table: true, cell: |t, _| t.status.clone() },
    Column { name: "stage", in_table: true, cell: |t, _| t.stage.clone() },
    Column { name: "incomplete", in_table: false, cell: |t, _| t.incomplete.to_string() },
    Column { name: "owner", in_table: true, cell: |t, _| or_empty(&t.owner) },
    Column { name: "caller", in_table: true, cell: |t, _| or_empty(&t.caller) },
    Column { name: "callback_number", in_table: false, cell: |t, _| or_empty(&t.callback_number) },
    Column { name: "building", in_table: true, cell: |t, _| or_empty(&t.building) },
    Column { name: "room", in_table: true, cell: |t, _| or_empty(&t.room) },
    Column { name: "resident", in_table: false, cell: |t, _| or_empty(&t.resident) },
    Column { name: "wanted_time", in_table: false, cell: |t, _| or_empty(&t.wanted_time) },
    Column { name: "key_left", in_table: false, cell: |t, _| or_empty(&t.key_left) },
    Column { name: "description", in_table: false, cell: |t, _| or_empty(&t.description) },
    Column { name: "transcript", in_table: false, cell: |t, _| or_empty(&t.transcript) },
    Column { name: "recording", in_table: false, cell: |t, _| or_empty(&t.recording.as_ref().map(|r| &r.0)) },
    Column { name: "due", in_table: false, cell: clocks },
    Column { name: "engineer", in_table: false, cell: |t, _| or_empty(&t.work.engineer) },
    Column { name: "nature", in_table: false, cell: |t, _| or_empty(&t.work.nature) },
    Column { name: "serious", in_table: false, cell: |t, _| t.work.serious.to_string() },
    Column { name: "responsible", in_table: false, cell: |t, _| or_empty(&t.work.responsible) },
    Column { name: "rework_of", in_table: false, cell: |t, _| or_empty(&t.work.rework_of.as_ref().map(|n| &n.0)) },
    Column { name: "quote", in_table: false, cell: |t, _| or_empty(&t.work.quote) },
    Column { name: "price", in_table: false, cell: |t, _| money(t.work.quote_cents) },
    Column { name: "work_done", in_table: false, cell: |t, _| or_empty(&t.work.sheet.work_done) },
    Column { name: "materials", in_table: false, cell: |t, _| or_empty(&t.work.sheet.materials) },
    Column { name: "material_cost", in_table: false, cell: |t, _| money(t.work.sheet.material_cents) },
    Column { name: "labour_cost", in_table: false, cell: |t, _| money(t.work.sheet.labour_cents) },
    Column { name: "awaiting", in_table: false, cell: |t, _| or_empty(&t.work.awaiting) },
    Column { name: "satisfaction", in_table: false, cell: |t, _| or_empty(&t.work.satisfaction) },
    Column { name: "feedback", in_table: false, cell: |t, _| or_empty(&t.work.feedback.as_ref().map(|r| &r.0)) },
    Column { name: "reopened", in_table: false, cell: |t, _| t.work.reopened.to_string() },
    Column { name: "next", in_table: false, cell: |t, _| next_of(t.kind, &t.stage) },
    Column {
        name: "overdue",
        in_table: true,
        cell: |t, _| {
            let late = |c: &&crate::desk::ticket::Clock| c.breached && c.met_at.is_none();
            if t.due.values().any(|c| late(&c)) { "yes".to_owned() } else { String::new() }
        },
    },
];
