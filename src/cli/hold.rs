//! `frontdesk hold`: what is not deleted and not made anonymous, however old (R12).

use std::io::Write;

use super::context::{CliError, Context};
use super::output::{self, Column, FormatArgs};
use crate::desk::privacy::Kept;
use crate::desk::retention::{HeldKind, Hold};
use crate::desk::view::{HoldView, LocalTime};

/// Hold a ticket, message, call or recording back from deletion by age, and lift that
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Hold something: ticket 20261123-0007, message 12, call 42, recording 2026/11/23/000042-1.wav
    Set(SetArgs),
    /// Let it go by age again
    Lift(LiftArgs),
    /// What is held
    List(ListArgs),
}

#[derive(Debug, clap::Args)]
struct SetArgs {
    /// ticket, message, call or recording
    what: HeldKind,
    /// Its number, id or path
    about: String,
    /// What it is held for
    #[arg(long, value_name = "REASON")]
    why: String,
    /// Who holds it; the shell's user by default
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(Debug, clap::Args)]
struct LiftArgs {
    /// The hold's number
    id: i64,
    /// Why it is not needed any more
    #[arg(long, value_name = "REASON")]
    why: String,
    /// Who lifts it; the shell's user by default
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    format: FormatArgs,
    /// Also those that were lifted
    #[arg(long)]
    all: bool,
}

pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    context.allow(Kept::Audit, "holding things back")?;
    match &args.command {
        Command::Set(args) => {
            let by = args.by.as_deref().unwrap_or(&context.who);
            let id = context.editor()?.hold(args.what, &args.about, (by, "shell"), context.now, &args.why)?;
            Ok(writeln!(out, "hold {id}: {} {} is kept", args.what, output::printable(args.about.trim()))?)
        }
        Command::Lift(args) => {
            let by = args.by.as_deref().unwrap_or(&context.who);
            context.editor()?.lift_hold(args.id, (by, "shell"), context.now, &args.why)?;
            Ok(writeln!(out, "hold {} lifted", args.id)?)
        }
        Command::List(args) => {
            let holds = context.reader()?.holds(args.all)?;
            if args.format.json {
                let views: Vec<_> = holds.iter().map(|hold| HoldView::new(hold, context.time_zone)).collect();
                return output::json(out, &views);
            }
            output::list(out, args.format, COLUMNS, &holds, context.time_zone)
        }
    }
}

fn lifted(hold: &Hold, time_zone: chrono_tz::Tz) -> String {
    let told =
        |l: &crate::desk::retention::Lifted| format!("{} {}: {}", LocalTime::new(l.at, time_zone).short(), l.by, l.why);
    hold.lifted.as_ref().map(told).unwrap_or_default()
}

const COLUMNS: &[Column<Hold>] = &[
    Column { name: "id", in_table: true, cell: |h, _| h.id.to_string() },
    Column { name: "what", in_table: true, cell: |h, _| h.what.to_string() },
    Column { name: "about", in_table: true, cell: |h, _| h.about.clone() },
    Column { name: "why", in_table: true, cell: |h, _| h.why.clone() },
    Column { name: "by", in_table: true, cell: |h, _| h.by.clone() },
    Column { name: "at", in_table: true, cell: |h, tz| LocalTime::new(h.at, tz).short() },
    Column { name: "lifted", in_table: true, cell: lifted },
];
