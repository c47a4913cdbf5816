//! `frontdesk residents`: who lives where, and from which numbers they call (R11).

use std::io::Write;
use std::path::{Path, PathBuf};

use super::context::{CliError, Context};
use super::limit::{LIST_LIMIT, at_most, tell_if_cut};
use super::output::{self, Column, FormatArgs, or_empty};
use crate::desk::resident_list::{self, List};
use crate::desk::residents::{Resident, in_one_form};
use crate::store::ResidentFilter;
use crate::types::NumberPlan;

/// A bigger file is no list of residents.
const FILE_BYTES_MAX: u64 = 50_000_000;

/// List, add and import residents: who calls is known by them
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
    /// List residents (the same as without a subcommand)
    List(ListArgs),
    /// Who calls from this number, as the line sees it
    Find(FindArgs),
    /// Add a resident, or give the one of that place and name other numbers
    Add(AddArgs),
    /// Take a resident out of the list
    Remove(RemoveArgs),
    /// Read a list from a CSV file with a header line: building, room, name, phone (楼号, 房号, 姓名, 电话)
    Import(ImportArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    format: FormatArgs,
    #[arg(long)]
    building: Option<String>,
    #[arg(long)]
    room: Option<String>,
    /// At most so many; 0 for all
    #[arg(long, value_name = "N", default_value_t = LIST_LIMIT)]
    limit: u32,
}

#[derive(Debug, clap::Args)]
struct FindArgs {
    number: String,
    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    #[arg(long)]
    building: String,
    #[arg(long)]
    room: String,
    #[arg(long)]
    name: String,
    /// May be given again
    #[arg(long = "number", value_name = "NUMBER")]
    numbers: Vec<String>,
    #[arg(long)]
    note: Option<String>,
}

#[derive(Debug, clap::Args)]
struct RemoveArgs {
    /// As `residents list` shows it
    id: i64,
}

#[derive(Debug, clap::Args)]
struct ImportArgs {
    file: PathBuf,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
    /// Those whom the list does not mention are taken out
    #[arg(long)]
    replace: bool,
    /// Write JSON, for programs
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args, numbers: &NumberPlan, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    match &args.command {
        None => list(&args.list, context, out),
        Some(Command::List(args)) => list(args, context, out),
        Some(Command::Find(args)) => {
            let filter =
                ResidentFilter { number: Some(in_one_form(&args.number, numbers)), ..ResidentFilter::default() };
            let found = context.reader()?.residents(&filter)?;
            if found.is_empty() && !args.format.json {
                return Err(CliError::Failed(format!("nobody here has the number {}", args.number)));
            }
            show(&found, args.format, context, out)
        }
        Some(Command::Add(args)) => {
            let given: Vec<&str> = args.numbers.iter().map(String::as_str).collect();
            let resident = Resident::new(&args.building, &args.room, &args.name, &given, numbers)
                .map_err(|fault| CliError::Usage(fault.told().to_string()))?;
            let resident = Resident { note: args.note.clone(), ..resident };
            let change = context.editor()?.put_residents(context.now, &[resident], false, false)?;
            let what = if change.added > 0 { "added" } else { "changed" };
            Ok(writeln!(out, "{} {} {} {what}", args.building, args.room, output::printable(&args.name))?)
        }
        Some(Command::Remove(args)) => {
            context.editor()?.remove_resident(args.id)?;
            Ok(writeln!(out, "resident {} removed", args.id)?)
        }
        Some(Command::Import(args)) => {
            let list = read(&args.file, numbers)?;
            if args.replace && list.residents.is_empty() {
                let what = "names nobody, and --replace would take everybody out; nothing was changed";
                return Err(CliError::Failed(format!("{} {what}", args.file.display())));
            }
            let change = context.editor()?.put_residents(context.now, &list.residents, args.replace, args.dry_run)?;
            if args.json {
                return output::json(out, &change);
            }
            for note in &list.notes {
                writeln!(out, "note     {}", output::printable(&note.to_string()))?;
            }
            let end = if args.dry_run { "; nothing is written: a dry run" } else { "" };
            Ok(writeln!(
                out,
                "{} added, {} changed, {} left as they are, {} removed{end}",
                change.added, change.changed, change.left, change.removed
            )?)
        }
    }
}

fn read(path: &Path, numbers: &NumberPlan) -> Result<List, CliError> {
    let name = path.display().to_string();
    let failed = |what: String| CliError::Failed(format!("{name}: {what}"));
    let size = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if size > FILE_BYTES_MAX {
        return Err(failed(format!("{size} bytes are too many; split it")));
    }
    let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    resident_list::read(&bytes, numbers).map_err(|faults| CliError::Failed(faults.in_file(&name)))
}

fn list(args: &ListArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let filter = ResidentFilter {
        building: args.building.clone(),
        room: args.room.clone(),
        limit: at_most(args.limit),
        ..ResidentFilter::default()
    };
    let residents = context.reader()?.residents(&filter)?;
    tell_if_cut(residents.len(), args.limit);
    show(&residents, args.format, context, out)
}

fn show(residents: &[Resident], format: FormatArgs, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    context.audit_list(format, "residents", residents.len())?;
    let sight = context.list_sight(format);
    let residents: Vec<Resident> = residents.iter().cloned().map(|resident| sight.resident(resident)).collect();
    if format.json {
        return output::json(out, &residents);
    }
    output::list(out, format, COLUMNS, &residents, context.time_zone)
}

const COLUMNS: &[Column<Resident>] = &[
    Column { name: "id", in_table: true, cell: |r, _| r.id.to_string() },
    Column { name: "building", in_table: true, cell: |r, _| r.building.clone() },
    Column { name: "room", in_table: true, cell: |r, _| r.room.clone() },
    Column { name: "name", in_table: true, cell: |r, _| r.name.clone() },
    Column { name: "phone", in_table: true, cell: |r, _| r.numbers_cell() },
    Column { name: "note", in_table: true, cell: |r, _| or_empty(&r.note) },
];
