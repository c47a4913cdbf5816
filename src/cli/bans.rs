//! `frontdesk bans`: addresses that are not served for a while, since somebody there guessed passwords.

use std::io::Write;

use chrono_tz::Tz;
use serde::Serialize;

use super::context::{CliError, Context};
use super::output::{self, Column, FormatArgs};
use crate::desk::ban::{Ban, BannedNetwork};
use crate::desk::view::LocalTime;

/// Show who is banned for guessing passwords, and lift bans
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List bans that hold, the newest first (the same as without a subcommand)
    List {
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Serve an address again; the running line knows it at once
    Lift {
        /// The address, or any other of the same IPv6 /64
        address: BannedNetwork,
    },
}

/// A ban as it is shown.
#[derive(Debug, Serialize)]
struct BanView {
    address: String,
    since: LocalTime,
    until: LocalTime,
    failures: u32,
}

impl BanView {
    fn new(ban: &Ban, time_zone: Tz) -> Self {
        Self {
            address: ban.network.to_string(),
            since: LocalTime::new(ban.since, time_zone),
            until: LocalTime::new(ban.until, time_zone),
            failures: ban.failures,
        }
    }
}

pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    match &args.command {
        None => list(args.format, context, out),
        Some(Command::List { format }) => list(*format, context, out),
        Some(Command::Lift { address }) => match context.editor()?.lift_ban(*address)? {
            true => Ok(writeln!(out, "{address} is served again")?),
            false => Err(CliError::Failed(format!("{address} is not banned; `frontdesk bans` shows who is"))),
        },
    }
}

fn list(format: FormatArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let bans = context.reader()?.bans(context.now)?;
    if format.json {
        let views: Vec<_> = bans.iter().map(|ban| BanView::new(ban, context.time_zone)).collect();
        return output::json(out, &views);
    }
    output::list(out, format, COLUMNS, &bans, context.time_zone)
}

const COLUMNS: &[Column<Ban>] = &[
    Column { name: "address", in_table: true, cell: |b, _| b.network.to_string() },
    Column { name: "since", in_table: true, cell: |b, tz| LocalTime::new(b.since, tz).short() },
    Column { name: "until", in_table: true, cell: |b, tz| LocalTime::new(b.until, tz).short() },
    Column { name: "failures", in_table: true, cell: |b, _| b.failures.to_string() },
];
