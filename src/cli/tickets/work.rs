//! The steps of tickets' workflows from a shell, and tickets of those who came or wrote (R39).

use std::io::Write;

use super::{ByArgs, number, told};
use crate::cli::context::{CliError, Context};
use crate::cli::period::When;
use crate::desk::clocks::PauseReason;
use crate::desk::ticket::{Channel, Class, Kind, Urgency};
use crate::desk::ticket_edit::{HandTicket, Progress};
use crate::desk::workflow::{Advance, Nature, Satisfaction, WorkSheet};
use crate::types::CallId;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Open a ticket for somebody who came, wrote or was called
    Open(Box<OpenArgs>),
    /// Make the next step of a ticket's way: `tickets show` tells which there are
    Advance(Box<AdvanceArgs>),
    /// Ask the engineering supervisor for a price: 15 minutes (R27)
    Quote(NotedArgs),
    /// Note that the customer was told why it lasts, and by when (R36)
    Progress(ProgressArgs),
    /// Let a clock stand still, for a listed reason
    Pause(PauseArgs),
    /// Let a clock go on
    Resume(ClockArgs),
    /// Write what a repair's work sheet says (R29)
    Sheet(SheetArgs),
    /// Mark a complaint as one whose result is reported up in writing (R38)
    Serious(SeriousArgs),
}

#[derive(Debug, clap::Args)]
pub struct OpenArgs {
    /// repair, complaint, inquiry or help
    #[arg(long)]
    kind: Kind,
    /// visit, letter or phone
    #[arg(long, default_value = "visit")]
    channel: Channel,
    /// Of a request for help: A to G (R18)
    #[arg(long)]
    class: Option<Class>,
    /// urgent or general; that of the category, where it has one
    #[arg(long)]
    urgency: Option<Urgency>,
    #[arg(long)]
    category: Option<String>,
    /// Who sees it through (R13); the desk, where nobody is named
    #[arg(long)]
    owner: Option<String>,
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
    /// A complaint whose result is reported up in writing (R38)
    #[arg(long)]
    serious: bool,
    /// The call in which somebody was told of it
    #[arg(long, value_name = "ID")]
    call: Option<i64>,
    #[command(flatten)]
    by: ByArgs,
}

#[derive(Debug, clap::Args)]
pub struct AdvanceArgs {
    number: String,
    /// The stage that it goes on to
    to: String,
    /// What was done, found or agreed, or why
    #[arg(long)]
    note: Option<String>,
    /// Who is sent, or takes it
    #[arg(long)]
    engineer: Option<String>,
    /// The price that the customer was told, such as 120.50 (R28)
    #[arg(long, value_parser = cents)]
    price: Option<i64>,
    /// Whether the customer agrees to the price: true or false
    #[arg(long)]
    consent: Option<bool>,
    /// valid or communicative (R32)
    #[arg(long)]
    nature: Option<Nature>,
    /// Who answers for what the complaint is about
    #[arg(long)]
    responsible: Option<String>,
    /// satisfied or not_satisfied (R37)
    #[arg(long)]
    satisfaction: Option<Satisfaction>,
    #[command(flatten)]
    sheet: SheetFields,
    #[command(flatten)]
    by: ByArgs,
}

#[derive(Debug, clap::Args)]
pub struct SheetFields {
    #[arg(long)]
    work_done: Option<String>,
    #[arg(long)]
    materials: Option<String>,
    /// Such as 35.00
    #[arg(long, value_parser = cents)]
    material_cost: Option<i64>,
    /// Such as 80.00
    #[arg(long, value_parser = cents)]
    labour_cost: Option<i64>,
}

impl SheetFields {
    fn sheet(&self) -> WorkSheet {
        WorkSheet {
            work_done: self.work_done.clone(),
            materials: self.materials.clone(),
            material_cents: self.material_cost,
            labour_cents: self.labour_cost,
        }
    }
}

#[derive(Debug, clap::Args)]
pub struct NotedArgs {
    number: String,
    #[arg(long)]
    note: Option<String>,
    #[command(flatten)]
    by: ByArgs,
}

#[derive(Debug, clap::Args)]
pub struct ProgressArgs {
    number: String,
    /// Why it lasts, as the customer was told
    #[arg(long)]
    note: String,
    /// By when they will hear, such as 2026-12-01T18:00: a complaint's reply is due then
    #[arg(long, value_name = "TIME")]
    until: Option<When>,
    #[command(flatten)]
    by: ByArgs,
}

#[derive(Debug, clap::Args)]
pub struct PauseArgs {
    number: String,
    clock: String,
    /// customer_wish, no_access, parts, quote_consent, weather or others
    #[arg(long)]
    reason: PauseReason,
    #[arg(long)]
    note: Option<String>,
    #[command(flatten)]
    by: ByArgs,
}

#[derive(Debug, clap::Args)]
pub struct ClockArgs {
    number: String,
    clock: String,
    #[command(flatten)]
    by: ByArgs,
}

#[derive(Debug, clap::Args)]
pub struct SheetArgs {
    number: String,
    #[command(flatten)]
    sheet: SheetFields,
    #[command(flatten)]
    by: ByArgs,
}

#[derive(Debug, clap::Args)]
pub struct SeriousArgs {
    number: String,
    /// Take that back
    #[arg(long)]
    no: bool,
    #[command(flatten)]
    by: ByArgs,
}

pub fn run(command: &Command, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let now = context.now;
    match command {
        Command::Open(args) => {
            let who = args.by.name(context);
            let desk = (context.time_zone, context.owner.as_str());
            let opened = context.editor()?.open_by_hand(who, now, desk, &args.ticket())?;
            Ok(writeln!(out, "ticket {opened} opened")?)
        }
        Command::Advance(args) => {
            let number = number(&args.number);
            let stage = context.editor()?.advance(&number, args.by.name(context), now, None, &args.step())?;
            told(out, &number, &format!("is at {stage}"))
        }
        Command::Quote(args) => {
            let number = number(&args.number);
            context.editor()?.request_quote(&number, args.by.name(context), now, args.note.as_deref())?;
            told(out, &number, "waits for a price")
        }
        Command::Progress(args) => {
            let number = number(&args.number);
            let beyond = || CliError::Usage("--until lies beyond the calendar".to_owned());
            let until =
                args.until.as_ref().map(|at| at.start(now, context.time_zone).ok_or_else(beyond)).transpose()?;
            let progress = Progress { note: args.note.clone(), until };
            context.editor()?.progress(&number, args.by.name(context), now, &progress)?;
            told(out, &number, "noted")
        }
        Command::Pause(args) => {
            let number = number(&args.number);
            let why = (args.reason, args.note.as_deref());
            context.editor()?.pause_clock(&number, args.by.name(context), now, &args.clock, why)?;
            told(out, &number, "paused")
        }
        Command::Resume(args) => {
            let number = number(&args.number);
            context.editor()?.resume_clock(&number, args.by.name(context), now, &args.clock)?;
            told(out, &number, "goes on")
        }
        Command::Sheet(args) => {
            let number = number(&args.number);
            let sheet = args.sheet.sheet();
            if sheet == WorkSheet::default() {
                return Err(CliError::Usage("nothing to write was given".to_owned()));
            }
            context.editor()?.write_sheet(&number, args.by.name(context), now, &sheet)?;
            told(out, &number, "noted")
        }
        Command::Serious(args) => {
            let number = number(&args.number);
            context.editor()?.set_serious(&number, args.by.name(context), now, !args.no)?;
            told(out, &number, "noted")
        }
    }
}

impl OpenArgs {
    fn ticket(&self) -> HandTicket {
        HandTicket {
            class: self.class,
            urgency: self.urgency,
            category: self.category.clone(),
            owner: self.owner.clone(),
            callback_number: self.callback_number.clone(),
            building: self.building.clone(),
            room: self.room.clone(),
            resident: self.resident.clone(),
            wanted_time: self.wanted_time.clone(),
            key_left: self.key_left,
            description: self.description.clone(),
            serious: self.serious,
            call: self.call.map(CallId),
            ..HandTicket::new(self.kind, self.channel)
        }
    }
}

impl AdvanceArgs {
    fn step(&self) -> Advance {
        Advance {
            to: self.to.clone(),
            note: self.note.clone(),
            engineer: self.engineer.clone(),
            price_cents: self.price,
            consent: self.consent,
            nature: self.nature,
            responsible: self.responsible.clone(),
            satisfaction: self.satisfaction,
            sheet: self.sheet.sheet(),
        }
    }
}

/// `120.5` as 12050.
fn cents(text: &str) -> Result<i64, String> {
    let fault = || format!("`{text}` is no sum of money; write it as 120 or 120.50");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 12 || part.len() > 2 || !digits(whole) || !digits(part) {
        return Err(fault());
    }
    let whole: i64 = whole.parse().map_err(|_| fault())?;
    let part: i64 = format!("{part:0<2}").parse().map_err(|_| fault())?;
    Ok(whole * 100 + part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_money_are_read_as_people_write_them() {
        assert_eq!((cents("120"), cents("120.5"), cents("0.05")), (Ok(12_000), Ok(12_050), Ok(5)));
        for wrong in ["", ".5", "1.234", "-3", "1,5", "9999999999999"] {
            assert!(cents(wrong).is_err(), "{wrong}");
        }
    }
}
