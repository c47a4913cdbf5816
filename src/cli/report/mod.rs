//! `frontdesk report`: the line's work in figures (R42). `answer`: how fast calls are answered; `figures`: all the rest.

mod answer;
mod figures;

use std::io::Write;

use super::context::{CliError, Context};

/// Sum up the line's work
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// How fast calls were answered, and how many gave up
    Answer(answer::AnswerArgs),
    /// Calls: offered, answered by machine and by people, lost, service levels, waits; by menu branch and trunk
    Calls(figures::CallsArgs),
    /// Tickets: opened, closed, open; promises kept and breached; rework; per category and owner
    Tickets(figures::FiguresArgs),
    /// What customers said: follow-up calls, and their word on closed tickets
    Satisfaction(figures::FiguresArgs),
    /// Messages: left, confirmed, how long that took, escalated
    Messages(figures::FiguresArgs),
}

pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    match &args.command {
        Command::Answer(args) => answer::run(args, context, out),
        Command::Calls(args) => figures::calls(args, context, out),
        Command::Tickets(args) => figures::tickets(args, context, out),
        Command::Satisfaction(args) => figures::satisfaction(args, context, out),
        Command::Messages(args) => figures::messages(args, context, out),
    }
}
