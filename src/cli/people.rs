//! `frontdesk people`: shows the directory and tries lookups.

use std::io::Write;

use serde::Serialize;

use super::context::CliError;
use super::output::{self, Column, FormatArgs};
use super::pin::PinArgs;
use crate::desk::people::{Directory, Duty, Person, Place};

/// Show the directory, and whom callers find in it
#[derive(Debug, clap::Args)]
pub struct PeopleArgs {
    #[command(subcommand)]
    pub command: Option<PeopleCommand>,
    #[command(flatten)]
    pub format: FormatArgs,
}

#[derive(Debug, clap::Subcommand)]
pub enum PeopleCommand {
    /// Everyone (also without a command)
    List {
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Whom a caller finds by these keys: an extension, or letters of a name on the keypad
    Find {
        digits: String,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Gives a person the PIN that opens their messages by phone
    Pin(PinArgs),
    /// Says how many people there are; faults of the file are told before it comes to that
    Check,
}

/// A person as the contract shows one: no pin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonView {
    pub extension: String,
    pub name: String,
    pub keys: Vec<String>,
    pub department: Option<String>,
    pub hunt: Vec<Place>,
    pub present: bool,
    pub duty: Vec<Duty>,
}

impl From<&Person> for PersonView {
    fn from(person: &Person) -> Self {
        Self {
            extension: person.extension.clone(),
            name: person.name.clone(),
            keys: person.keys.clone(),
            department: person.department.clone(),
            hunt: person.hunt.clone(),
            present: person.present,
            duty: person.duty.clone(),
        }
    }
}

/// Writes what was asked for; `Failed` when a lookup finds nobody.
pub fn run(args: &PeopleArgs, directory: &Directory, out: &mut dyn Write) -> Result<(), CliError> {
    match &args.command {
        None => list(out, args.format, directory.people().iter()),
        Some(PeopleCommand::List { format }) => list(out, either(*format, args.format), directory.people().iter()),
        Some(PeopleCommand::Find { digits, format }) => {
            let found = directory.find(digits);
            if found.is_empty() {
                return Err(CliError::Failed(format!(
                    "nobody has extension {digits} or a name that begins with these keys"
                )));
            }
            list(out, either(*format, args.format), found.into_iter())
        }
        Some(PeopleCommand::Pin(_)) => Err(CliError::Usage("a PIN is given without the directory".to_owned())),
        Some(PeopleCommand::Check) => {
            writeln!(out, "{} people, no faults", directory.people().len())?;
            Ok(())
        }
    }
}

/// `people --json list` and `people list --json` are the same.
fn either(a: FormatArgs, b: FormatArgs) -> FormatArgs {
    FormatArgs { json: a.json || b.json, csv: a.csv || b.csv }
}

fn list<'a>(out: &mut dyn Write, format: FormatArgs, people: impl Iterator<Item = &'a Person>) -> Result<(), CliError> {
    let people: Vec<PersonView> = people.map(PersonView::from).collect();
    if format.json { output::json(out, &people) } else { output::list(out, format, COLUMNS, &people, chrono_tz::UTC) }
}

/// None of them is a time, so the time zone makes no difference.
const COLUMNS: &[Column<PersonView>] = &[
    Column { name: "extension", in_table: true, cell: |p, _| p.extension.clone() },
    Column { name: "name", in_table: true, cell: |p, _| p.name.clone() },
    Column { name: "keys", in_table: true, cell: |p, _| p.keys.join(" ") },
    Column { name: "department", in_table: true, cell: |p, _| p.department.clone().unwrap_or_default() },
    Column {
        name: "hunt",
        in_table: false,
        cell: |p, _| p.hunt.iter().map(|h| h.uri.as_str()).collect::<Vec<_>>().join(" "),
    },
    Column { name: "present", in_table: true, cell: |p, _| if p.present { "yes" } else { "no" }.to_owned() },
    Column {
        name: "duty",
        in_table: true,
        cell: |p, _| p.duty.iter().map(|d| duty_name(*d)).collect::<Vec<_>>().join(" "),
    },
];

fn duty_name(duty: Duty) -> &'static str {
    match duty {
        Duty::Receptionist => "receptionist",
        Duty::Emergency => "emergency",
        Duty::Engineer => "engineer",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(command: Option<PeopleCommand>, format: FormatArgs) -> Result<String, CliError> {
        let directory = Directory::parse(Directory::default_text(), "built-in people").expect("it is good");
        let mut out = Vec::new();
        run(&PeopleArgs { command, format }, &directory, &mut out)?;
        Ok(String::from_utf8(out).expect("it is text"))
    }

    #[test]
    fn people_have_the_contracts_fields_and_never_a_pin() {
        let json = shown(None, FormatArgs { json: true, csv: false }).expect("it is shown");
        let people: Vec<serde_json::Value> = serde_json::from_str(&json).expect("it is JSON");
        let zhang = people.iter().find(|p| p["extension"] == "201").expect("he is there");
        let mut fields: Vec<&str> = zhang.as_object().expect("an object").keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["department", "duty", "extension", "hunt", "keys", "name", "present"]);
        assert_eq!(zhang["keys"], serde_json::json!(["94264934", "99"]));
        assert_eq!(zhang["hunt"], serde_json::json!(["sip:201@127.0.0.1:5080"]));
        assert_eq!(zhang["duty"], serde_json::json!(["emergency", "engineer"]));
    }

    #[test]
    fn a_lookup_shows_whom_a_caller_would_find_and_fails_for_nobody() {
        let format = FormatArgs { json: false, csv: true };
        let find = |digits: &str| PeopleCommand::Find { digits: digits.to_owned(), format: FormatArgs::default() };
        let csv = shown(Some(find("99")), format).expect("they are found");
        assert_eq!(csv.lines().count(), 3, "{csv}");
        assert!(matches!(shown(Some(find("555")), format), Err(CliError::Failed(_))));
    }
}
