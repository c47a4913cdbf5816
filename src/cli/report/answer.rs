//! `frontdesk report answer`: how fast calls are answered (R2), with the spread of delays.

use std::io::Write;

use crate::cli::context::{CliError, Context};
use crate::cli::output::{self, FormatArgs};
use crate::cli::period::PeriodArgs;
use crate::desk::answer_time::{AnswerFigures, AnswerReport, AnswerRow, AnswerTally};

#[derive(Debug, clap::Args)]
pub struct AnswerArgs {
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    period: PeriodArgs,
    /// Only the rows of each hour, or of each day; both by default
    #[arg(long)]
    by: Option<By>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Hour,
    Day,
}

crate::desk::words::words!(By { Hour => "hour", Day => "day" });

pub fn run(args: &AnswerArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let (since, until) = args.period.resolve(context)?;
    let mut tally = AnswerTally::new(context.time_zone, context.cadence);
    context.reader()?.answer_facts(since, until, |call| tally.add(call))?;
    let mut report = tally.report();
    match args.by {
        Some(By::Hour) => report.by_day.clear(),
        Some(By::Day) => report.by_hour.clear(),
        None => {}
    }
    match args.format {
        FormatArgs { json: true, .. } => output::json(out, &report),
        FormatArgs { csv: true, .. } => output::csv(out, HEADER, rows(&report)),
        FormatArgs { json: false, csv: false } => {
            output::table(out, HEADER, &rows(&report))?;
            let third = report.cadence.third_ring_ms();
            Ok(writeln!(
                out,
                "\nthe third ring starts after {third} ms; rows are of the hour or day that a call began in"
            )?)
        }
    }
}

const HEADER: &[&str] = &[
    "period",
    "offered",
    "answered",
    "p50_ms",
    "p95_ms",
    "max_ms",
    "p50_rings",
    "p95_rings",
    "max_rings",
    "before_third_ring",
    "share",
    "served",
    "abandoned_before",
    "abandoned_after",
    "rejected",
    "failed",
    "live",
];

fn rows(report: &AnswerReport) -> Vec<Vec<String>> {
    let row = |row: &AnswerRow| cells(&row.start, &row.figures);
    let total = std::iter::once(cells("total", &report.totals));
    total.chain(report.by_day.iter().map(row)).chain(report.by_hour.iter().map(row)).collect()
}

fn cells(period: &str, f: &AnswerFigures) -> Vec<String> {
    let or_empty = |n: Option<u64>| output::or_empty(&n);
    vec![
        period.to_owned(),
        f.offered.to_string(),
        f.answered.to_string(),
        or_empty(f.answer_ms.p50),
        or_empty(f.answer_ms.p95),
        or_empty(f.answer_ms.max),
        or_empty(f.answer_rings.p50),
        or_empty(f.answer_rings.p95),
        or_empty(f.answer_rings.max),
        f.answered_before_third_ring.to_string(),
        output::or_empty(&f.share_before_third_ring.map(|share| format!("{:.2}%", share * 100.0))),
        f.served.to_string(),
        f.abandoned_before_answer.to_string(),
        f.abandoned_after_answer.to_string(),
        f.rejected.to_string(),
        f.failed.to_string(),
        f.live.to_string(),
    ]
}
