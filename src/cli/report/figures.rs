//! `frontdesk report calls|tickets|satisfaction|messages`: each as table, JSON, CSV or a page to print.

use std::io::Write;

use serde::Serialize;

use crate::cli::context::{CliError, Context};
use crate::cli::output;
use crate::cli::period::PeriodArgs;
use crate::desk::report::Step;
use crate::desk::report::calls::CallRules;
use crate::desk::report::table::{Cell, Heading, Table, Tongue};
use crate::sheets::{self, Letterhead, ReportHead};
use crate::store::ReportPeriod;

#[derive(Debug, clap::Args)]
pub struct FiguresArgs {
    #[command(flatten)]
    period: PeriodArgs,
    #[command(flatten)]
    step: StepArgs,
    #[command(flatten)]
    form: FormArgs,
}

/// How long one row is; a day by default.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct StepArgs {
    /// A row for each hour
    #[arg(long)]
    hour: bool,
    /// A row for each day (the default)
    #[arg(long)]
    day: bool,
    /// A row for each week, from Monday
    #[arg(long)]
    week: bool,
    /// A row for each month
    #[arg(long)]
    month: bool,
}

#[derive(Debug, clap::Args)]
struct FormArgs {
    /// Write JSON, for programs
    #[arg(long, group = "form")]
    json: bool,
    /// Write CSV, for spreadsheets
    #[arg(long, group = "form")]
    csv: bool,
    /// Write a page that can be printed
    #[arg(long, group = "form")]
    html: bool,
    /// Headings in zh or en; without it tables and CSV have the names of the JSON
    #[arg(long, value_name = "LANGUAGE")]
    lang: Option<Tongue>,
}

#[derive(Debug, clap::Args)]
pub struct CallsArgs {
    #[command(flatten)]
    figures: FiguresArgs,
    /// The T of both service levels, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    within: u32,
    /// Callers who hang up sooner than this, in seconds, have not been lost
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    short: u32,
}

impl StepArgs {
    fn step(&self) -> Step {
        match self {
            StepArgs { hour: true, .. } => Step::Hour,
            StepArgs { week: true, .. } => Step::Week,
            StepArgs { month: true, .. } => Step::Month,
            _ => Step::Day,
        }
    }
}

impl FiguresArgs {
    fn period(&self, context: &Context) -> Result<ReportPeriod, CliError> {
        let (since, until) = self.period.resolve(context)?;
        Ok(ReportPeriod { since, until })
    }

    fn tongue(&self) -> Tongue {
        self.form.lang.unwrap_or(Tongue::En)
    }
}

pub fn calls(args: &CallsArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let rules = CallRules {
        step: args.figures.step.step(),
        cadence: context.cadence,
        within_ms: u64::from(args.within) * 1000,
        short_ms: u64::from(args.short) * 1000,
    };
    let period = args.figures.period(context)?;
    let report = context.reader()?.calls_report(period, rules, context.time_zone)?;
    let note = rules.note(args.figures.tongue());
    write(&args.figures, context, &report, &report.table(), note, out)
}

pub fn tickets(args: &FiguresArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let step = args.step.step();
    let report = context.reader()?.tickets_report(args.period(context)?, step, context.time_zone, context.now)?;
    write(args, context, &report, &report.table(args.tongue()), String::new(), out)
}

pub fn satisfaction(args: &FiguresArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let report = context.reader()?.satisfaction_report(args.period(context)?, args.step.step(), context.time_zone)?;
    write(args, context, &report, &report.table(args.tongue()), String::new(), out)
}

pub fn messages(args: &FiguresArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let report = context.reader()?.messages_report(args.period(context)?, args.step.step(), context.time_zone)?;
    write(args, context, &report, &report.table(), String::new(), out)
}

fn write(
    args: &FiguresArgs,
    context: &Context,
    report: &impl Serialize,
    table: &Table,
    note: String,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    if args.form.json {
        return output::json(out, report);
    }
    if args.form.html {
        let head = context.letterhead(args.tongue());
        let ReportPeriod { since, until } = args.period(context)?;
        let about = ReportHead::new(since, until, context.time_zone, note);
        let page = sheets::report(table, &about, &head).map_err(|fault| CliError::Failed(fault.to_string()))?;
        return Ok(out.write_all(page.as_bytes())?);
    }
    if args.form.csv {
        return Ok(sheets::spreadsheet::report(out, table, args.form.lang)?);
    }
    let narrow = |heading: &&Heading| heading.narrow;
    let rows: Vec<_> = table.rows.iter().map(|row| table.cells(row, args.form.lang, narrow, Cell::shown)).collect();
    output::table(out, &table.header(args.form.lang, narrow), &rows)?;
    if note.is_empty() { Ok(()) } else { Ok(writeln!(out, "\n{note}")?) }
}

impl Context {
    /// What every page says of the desk.
    pub fn letterhead(&self, tongue: Tongue) -> Letterhead {
        let desk = self.desk_names.get(tongue.as_str()).or_else(|| self.desk_names.get("")).cloned();
        Letterhead { desk: desk.unwrap_or_default(), tongue, time_zone: self.time_zone, printed_at: self.now }
    }
}
