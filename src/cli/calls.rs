//! `frontdesk calls`: the call log (R4).

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use super::context::{CliError, Context};
use super::ladder;
use super::limit::{LIST_LIMIT, at_most, tell_if_cut};
use super::output::{self, Column, FormatArgs, or_empty, printable};
use super::period::PeriodArgs;
use crate::desk::audit::Deed;
use crate::desk::call_record::{CallRecord, Direction, Outcome};
use crate::desk::ladder::CallLadder;
use crate::desk::ladder_view;
use crate::desk::privacy::{Kept, Surface};
use crate::desk::view::{CallView, LocalTime};
use crate::sheets::pcap;
use crate::store::{CallFilter, CallState};
use crate::types::CallId;

/// Show the call log
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
    /// List calls, the newest first (the same as without a subcommand)
    List(ListArgs),
    /// Show one call with its way through the menu, or its SIP messages
    Show(ShowArgs),
    /// Write the SIP messages of one call into a file that Wireshark and sngrep read
    Pcap(PcapArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    period: PeriodArgs,
    /// Calls of this number; its last four digits or more are enough
    #[arg(long, value_name = "NUMBER")]
    caller: Option<String>,
    /// completed, abandoned, rejected, failed, transferred, voicemail or ticket
    #[arg(long)]
    outcome: Option<Outcome>,
    /// in: somebody called the desk; out: the desk called somebody
    #[arg(long)]
    direction: Option<Direction>,
    /// live or ended
    #[arg(long)]
    state: Option<CallState>,
    /// Calls that came to this person in the end, by extension
    #[arg(long, value_name = "EXTENSION")]
    handler: Option<String>,
    /// Calls that went through this node of the flow and are over
    #[arg(long, value_name = "NODE")]
    through: Option<String>,
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
    /// Draw its SIP messages as a ladder: who sent what, and when
    #[arg(long, conflicts_with = "messages")]
    ladder: bool,
    /// Write its SIP messages in full; secrets are masked
    #[arg(long)]
    messages: bool,
}

#[derive(Debug, clap::Args)]
struct PcapArgs {
    id: i64,
    /// A new file
    file: PathBuf,
}

pub fn run(args: &Args, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    match &args.command {
        None => list(&args.list, context, out),
        Some(Command::List(list_args)) => list(list_args, context, out),
        Some(Command::Show(show_args)) => show(show_args, context, out),
        Some(Command::Pcap(args)) => write_pcap(args, context, out),
    }
}

fn list(args: &ListArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let (since, until) = args.period.resolve(context)?;
    let filter = CallFilter {
        since,
        until,
        caller: args.caller.clone(),
        outcome: args.outcome,
        direction: args.direction,
        state: args.state,
        handler: args.handler.clone(),
        through: args.through.clone(),
        limit: at_most(args.limit),
        offset: 0,
    };
    let sight = context.list_sight(args.format);
    let calls: Vec<_> = context.reader()?.calls(&filter)?.into_iter().map(|call| sight.call(call)).collect();
    tell_if_cut(calls.len(), args.limit);
    context.audit_list(args.format, "calls", calls.len())?;
    if args.format.json {
        let views: Vec<_> = calls.iter().map(|c| CallView::new(c, context.time_zone)).collect();
        return output::json(out, &views);
    }
    output::list(out, args.format, COLUMNS, &calls, context.time_zone)
}

fn show(args: &ShowArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let id = CallId(args.id);
    let Some(call) = context.reader()?.call(id)? else {
        return Err(CliError::Failed(format!("there is no call {id}")));
    };
    if args.ladder || args.messages {
        context.allow(Kept::Signalling, "what a call said in SIP")?;
        context.audit(Deed::Shown, &format!("SIP messages of call {id}"))?;
        let kept = ladder_of(&call, context)?;
        return match (args.json, args.ladder) {
            (true, _) => output::json(out, &ladder_view::messages(&kept, context.time_zone)),
            (false, true) => ladder::draw(&kept, context.time_zone, out),
            (false, false) => ladder::write_messages(&kept, context.time_zone, out),
        };
    }
    let call = context.sight(Surface::Record).call(call);
    if call.recording.is_some() {
        context.audit(Deed::Shown, &format!("call {id}"))?;
    }
    if args.json {
        return output::json(out, &CallView::new(&call, context.time_zone));
    }
    let lines: Vec<_> = COLUMNS.iter().map(|c| (c.name, (c.cell)(&call, context.time_zone))).collect();
    output::details(out, &lines)?;
    path(&call, out)
}

/// The SIP messages that were kept of a call.
fn ladder_of(call: &CallRecord, context: &Context) -> Result<CallLadder, CliError> {
    let id = call.id;
    context.reader()?.ladder(id)?.ok_or_else(|| {
        CliError::Failed(match call.ended_at {
            None => format!("call {id} still goes on: its SIP messages are written when it is over"),
            Some(_) => format!(
                "no SIP messages are kept of call {id}: it is older than [record] ladder_days, was refused before it began, ended \
                 only seconds ago, the line was cut off, or something is still done for its caller (a call-back, duty officers \
                 who ring on)"
            ),
        })
    })
}

fn write_pcap(args: &PcapArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let id = CallId(args.id);
    let Some(call) = context.reader()?.call(id)? else {
        return Err(CliError::Failed(format!("there is no call {id}")));
    };
    context.allow(Kept::Signalling, "what a call said in SIP")?;
    let kept = ladder_of(&call, context)?;
    context.audit(Deed::Exported, &format!("SIP messages of call {id}"))?;
    let told = |fault: std::io::Error| CliError::Failed(format!("{}: {fault}", args.file.display()));
    let file = File::options().write(true).create_new(true).open(&args.file).map_err(told)?;
    let mut file = BufWriter::new(file);
    let left_out = pcap::write(&kept, &mut file).and_then(|left_out| file.flush().map(|()| left_out)).map_err(told)?;
    let written = kept.messages.len() - left_out;
    writeln!(out, "{written} SIP messages of call {id} are in {}", args.file.display())?;
    if kept.left_out > 0 || left_out > 0 {
        writeln!(out, "{} were too many to be kept, {left_out} too long for a packet", kept.left_out)?;
    }
    Ok(())
}

/// The way through the menu, with the time since the answer.
fn path(call: &CallRecord, out: &mut dyn Write) -> Result<(), CliError> {
    if call.path.is_empty() {
        return Ok(());
    }
    writeln!(out, "\npath")?;
    for step in &call.path {
        let seconds = step.at_ms as f64 / 1000.0;
        let keys = step.input.as_ref().map(|keys| format!("  <- {}", printable(keys))).unwrap_or_default();
        writeln!(out, "{seconds:>9.3} s  {}{keys}", printable(&step.node))?;
    }
    Ok(())
}

const COLUMNS: &[Column<CallRecord>] = &[
    Column { name: "id", in_table: true, cell: |c, _| c.id.to_string() },
    Column { name: "started_at", in_table: true, cell: |c, tz| LocalTime::new(c.started_at, tz).short() },
    Column { name: "caller", in_table: true, cell: |c, _| or_empty(&c.caller) },
    Column { name: "caller_name", in_table: true, cell: |c, _| or_empty(&c.caller_name) },
    Column { name: "callee", in_table: false, cell: |c, _| c.callee.clone() },
    Column { name: "direction", in_table: false, cell: |c, _| c.direction.to_string() },
    Column {
        name: "answered_at",
        in_table: false,
        cell: |c, tz| or_empty(&c.answered_at.map(|at| LocalTime::new(at, tz).short())),
    },
    Column {
        name: "ended_at",
        in_table: false,
        cell: |c, tz| or_empty(&c.ended_at.map(|at| LocalTime::new(at, tz).short())),
    },
    Column {
        name: "duration_s",
        in_table: true,
        cell: |c, _| or_empty(&c.ended_at.map(|end| (end - c.started_at).num_seconds())),
    },
    Column { name: "answer_ms", in_table: true, cell: |c, _| or_empty(&c.answer_ms) },
    Column { name: "answer_rings", in_table: true, cell: |c, _| or_empty(&c.answer_rings) },
    Column {
        name: "outcome",
        in_table: true,
        cell: |c, _| match (c.outcome, c.ended_at) {
            (Some(outcome), _) => outcome.to_string(),
            (None, None) => "(live)".to_owned(),
            (None, Some(_)) => String::new(),
        },
    },
    Column { name: "end_reason", in_table: true, cell: |c, _| or_empty(&c.end_reason) },
    Column { name: "handled_by", in_table: false, cell: |c, _| or_empty(&c.handled_by) },
    Column {
        name: "tickets",
        in_table: true,
        cell: |c, _| c.tickets.iter().map(|t| t.0.as_str()).collect::<Vec<_>>().join(" "),
    },
    Column {
        name: "messages",
        in_table: true,
        cell: |c, _| c.messages.iter().map(|m| m.0.to_string()).collect::<Vec<_>>().join(" "),
    },
    Column { name: "recording", in_table: false, cell: |c, _| or_empty(&c.recording.as_ref().map(|r| &r.0)) },
    Column { name: "codec", in_table: false, cell: |c, _| or_empty(&c.codec) },
    Column { name: "rtp_sent", in_table: false, cell: |c, _| c.rtp.sent.to_string() },
    Column { name: "rtp_received", in_table: false, cell: |c, _| c.rtp.received.to_string() },
    Column { name: "rtp_lost", in_table: false, cell: |c, _| c.rtp.lost.to_string() },
    Column { name: "rtp_jitter_ms", in_table: false, cell: |c, _| format!("{:.1}", c.rtp.jitter_ms) },
    Column { name: "rtp_mos", in_table: false, cell: |c, _| or_empty(&c.rtp.mos.map(|mos| format!("{mos:.2}"))) },
    Column { name: "trunk", in_table: false, cell: |c, _| or_empty(&c.trunk) },
    Column { name: "diverted_from", in_table: false, cell: |c, _| or_empty(&c.diverted_from) },
    Column { name: "sip_call_id", in_table: false, cell: |c, _| c.sip_call_id.clone() },
];
