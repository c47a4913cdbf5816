//! `frontdesk people import`: puts a list of people, CSV or vCard, into the people's file. What the list does not mention
//! stays as it is, comments too; with any fault nothing is written.
//!
//! - `field`: what a list may say of a person.
//! - `table`, `vcard`: lists as entries.
//! - `merge`: entries into the people's file.

mod field;
mod merge;
mod table;
mod vcard;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use toml_edit::DocumentMut;

use self::field::Entry;
use self::merge::{Change, Report};
use super::failure::Failure;
use super::output;
use crate::config::Config;
use crate::desk::people::Directory;
use crate::setup::toml_file::write_over;
use crate::types::Problem;

/// A bigger file is no list of people.
const FILE_BYTES_MAX: u64 = 10_000_000;
/// Faults that are told at most: the rest come back when these are mended.
const PROBLEMS_MAX: usize = 200;

#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// A CSV file with a header line, or vCards (.vcf)
    pub file: PathBuf,
    /// Only say what would be added and changed
    #[arg(long)]
    pub dry_run: bool,
    /// Write JSON, for programs
    #[arg(long)]
    pub json: bool,
}

/// What a list says, what of it is not used, and what is wrong with it.
#[derive(Debug, Default)]
struct List {
    entries: Vec<Entry>,
    notes: Vec<String>,
    problems: Vec<Problem>,
}

/// # Errors
/// Every fault of the list, with its line; or why the people's file can't be changed.
pub fn run(args: &ImportArgs, config: &Config, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let name = args.file.display().to_string();
    let Some(people) = config.people.path() else {
        let what = "the people are built in, and can't be changed";
        return Err(problem(&name, what, "copy config/people.toml, name it in [people] file, and import again"));
    };
    let text = fs::read_to_string(people).map_err(|error| {
        problem(&people.display().to_string(), &error.to_string(), "name a readable file in [people] file")
    })?;
    Directory::parse(&text, &people.display().to_string()).map_err(Failure::Problems)?;
    let mut document: DocumentMut = text.parse()?;
    let list = read(&args.file, config.sip.gateway.is_some()).map_err(Failure::Problems)?;
    let (mut report, faults) = merge::merge(&list.entries, &mut document, &name);
    let mut problems = [list.problems, faults].concat();
    if !problems.is_empty() {
        problems.sort();
        problems.dedup();
        problems.truncate(PROBLEMS_MAX);
        return Err(Failure::Problems(problems));
    }
    report.notes = list.notes;
    let merged = document.to_string();
    // What is fine by itself may not be together.
    Directory::parse(&merged, &people.display().to_string()).map_err(Failure::Problems)?;
    if !args.dry_run && merged != text {
        write_over(people, &merged)
            .map_err(|error| problem(&people.display().to_string(), &error.to_string(), "nothing was changed"))?;
        report.written = true;
    }
    tell(&report, args, json, people, out)
}

fn tell(report: &Report, args: &ImportArgs, json: bool, people: &Path, out: &mut dyn Write) -> Result<(), Failure> {
    if json || args.json {
        return output::json(out, report).map_err(Failure::Command);
    }
    for person in &report.added {
        writeln!(out, "added    {} {}", person.extension, output::printable(&person.name))?;
    }
    for person in &report.changed {
        let change = |c: &Change| format!("{} {} -> {}", c.field, c.from.as_deref().unwrap_or("(none)"), c.to);
        let changes: Vec<String> = person.changes.iter().map(change).collect();
        let line = format!("changed  {} {}: {}", person.extension, person.name, changes.join("; "));
        writeln!(out, "{}", output::printable(&line))?;
    }
    for note in &report.notes {
        writeln!(out, "note     {}", output::printable(note))?;
    }
    let (added, changed) = (report.added.len(), report.changed.len());
    write!(out, "{added} added, {changed} changed, {} of the list left as they are", report.left)?;
    match (report.written, args.dry_run) {
        (true, _) => writeln!(out, "; SIGHUP makes the line use {}", people.display())?,
        (false, true) => writeln!(out, "; nothing is written: a dry run")?,
        (false, false) => writeln!(out, "; nothing to write")?,
    }
    Ok(())
}

/// The list in a file, of the sort that its name or its first line says. An error is one of the file as a whole.
fn read(path: &Path, has_gateway: bool) -> Result<List, Vec<Problem>> {
    let name = path.display().to_string();
    let fault = |line: Option<usize>, what: String, remedy: &str| {
        vec![Problem { file: name.clone(), line, what, remedy: remedy.to_owned() }]
    };
    let readable = "name a readable CSV or vCard file";
    let size = fs::metadata(path).map_err(|error| fault(None, error.to_string(), readable))?.len();
    if size > FILE_BYTES_MAX {
        return Err(fault(None, format!("{size} bytes are too many"), "split it"));
    }
    let bytes = fs::read(path).map_err(|error| fault(None, error.to_string(), readable))?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = crate::types::line_of(&String::from_utf8_lossy(&bytes[..error.valid_up_to()]), error.valid_up_to());
        let remedy = "save it as UTF-8: in Excel, Save As, \"CSV UTF-8\" (另存为，CSV UTF-8); in WPS or Notepad, encoding UTF-8; \
                      or run iconv -f GB18030 -t UTF-8";
        fault(Some(line), "it is not UTF-8 text".to_owned(), remedy)
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_vcard = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("vcf") || e.eq_ignore_ascii_case("vcard"))
        || text.trim_start().get(..11).is_some_and(|begin| begin.eq_ignore_ascii_case("BEGIN:VCARD"));
    Ok(if is_vcard { vcard::read(text, &name, has_gateway) } else { table::read(text, &name) })
}

fn problem(file: &str, what: &str, remedy: &str) -> Failure {
    let (file, what, remedy) = (file.to_owned(), what.to_owned(), remedy.to_owned());
    Failure::Problems(vec![Problem { file, line: None, what, remedy }])
}
