//! `frontdesk people`: shows the directory, tries lookups, and says who is in and who is out.

use std::io::Write;
use std::path::Path;

use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Tz;

use super::context::{CliError, Context};
use super::import::ImportArgs;
use super::output::{self, Column, FormatArgs};
use super::period::Until;
use super::pin::PinArgs;
use crate::desk::people::{Directory, Person};
use crate::desk::presence::{Notice, Presences, Whereabouts};
use crate::desk::view::PersonView;
use crate::store::{Reader, StoreError};

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
    /// Says that a person is in, out, or not to be disturbed; the running line knows it at once
    Set(SetArgs),
    /// Puts a list of people (CSV, vCard) into the people's file, which keeps what the list does not mention
    Import(ImportArgs),
    /// Says how many people there are; faults of the file are told before it comes to that
    Check,
}

#[derive(Debug, clap::Args)]
pub struct SetArgs {
    pub extension: String,
    /// in, out, dnd (not to be disturbed), or usual: what the people's file says
    #[arg(value_enum)]
    pub state: Said,
    /// When it ends by itself: 18:00, "2026-11-27 18:00", 2026-11-27 (to its end), 30m, 2h, 3d
    #[arg(long, value_name = "WHEN")]
    pub until: Option<Until>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Said {
    In,
    Out,
    Dnd,
    Usual,
}

/// What the people's commands need to know.
pub struct Known<'a> {
    pub directory: &'a Directory,
    pub presences: Presences,
    pub time_zone: Tz,
    pub now: DateTime<Utc>,
}

impl Known<'_> {
    fn view(&self, person: &Person) -> PersonView {
        PersonView::new(person, self.presences.of(person, self.time_zone, self.now), self.time_zone)
    }
}

/// What was said of people's presence; nothing where no line has run yet.
pub fn presences(database: &Path) -> Result<Presences, CliError> {
    match Reader::open(database) {
        Ok(reader) => Ok(Presences::new(reader.presences()?)),
        Err(StoreError::Missing { .. } | StoreError::Older { .. }) => Ok(Presences::default()),
        Err(fault) => Err(fault.into()),
    }
}

/// Writes what was asked for; `Failed` when a lookup finds nobody.
pub fn run(args: &PeopleArgs, known: &Known<'_>, out: &mut dyn Write) -> Result<(), CliError> {
    let directory = known.directory;
    match &args.command {
        None => list(out, args.format, known, directory.people().iter()),
        Some(PeopleCommand::List { format }) => {
            list(out, either(*format, args.format), known, directory.people().iter())
        }
        Some(PeopleCommand::Find { digits, format }) => {
            let found = directory.find(digits);
            if found.is_empty() {
                return Err(CliError::Failed(format!(
                    "nobody has extension {digits} or a name or department that begins with these keys"
                )));
            }
            list(out, either(*format, args.format), known, found.into_iter())
        }
        Some(PeopleCommand::Check) => {
            writeln!(out, "{} people, no faults", directory.people().len())?;
            Ok(())
        }
        Some(PeopleCommand::Pin(_) | PeopleCommand::Import(_) | PeopleCommand::Set(_)) => {
            Err(CliError::Usage("it is done without the list".to_owned()))
        }
    }
}

/// Says where a person is: at once, for the running line too.
pub fn set(args: &SetArgs, directory: &Directory, context: &Context, out: &mut dyn Write) -> Result<(), CliError> {
    let SetArgs { extension, state, until } = args;
    let Some(person) = directory.person(extension) else {
        let what = format!("nobody has extension {extension}; `frontdesk people` shows who there is");
        return Err(CliError::Failed(what));
    };
    let name = output::printable(&person.name);
    let beyond = || CliError::Usage("--until lies beyond the calendar".to_owned());
    let until = until.as_ref().map(|until| until.resolve(context.now, context.time_zone).ok_or_else(beyond));
    let until = until.transpose()?;
    if until.is_some_and(|until| until <= context.now) {
        return Err(CliError::Usage("--until must lie ahead".to_owned()));
    }
    let state = match state {
        Said::In => Whereabouts::In,
        Said::Out => Whereabouts::Out,
        Said::Dnd => Whereabouts::Dnd,
        Said::Usual if until.is_some() => {
            return Err(CliError::Usage("what people.toml says has no end here".to_owned()));
        }
        Said::Usual => {
            context.editor()?.clear_presence(extension)?;
            writeln!(out, "{extension} {name}: as people.toml says")?;
            return Ok(());
        }
    };
    let (set_at, set_by) = (context.now, context.who.clone());
    let notice = Notice { extension: extension.clone(), state, until, set_at, set_by };
    context.editor()?.set_presence(&notice)?;
    writeln!(
        out,
        "{extension} {name}: {}",
        presence_text(state, until.map(|at| at.with_timezone(&context.time_zone)))
    )?;
    Ok(())
}

fn presence_text<Z: TimeZone<Offset: std::fmt::Display>>(state: Whereabouts, until: Option<DateTime<Z>>) -> String {
    match until {
        Some(until) => format!("{state} until {}", until.format("%Y-%m-%d %H:%M")),
        None => state.to_string(),
    }
}

/// `people --json list` and `people list --json` are the same.
fn either(a: FormatArgs, b: FormatArgs) -> FormatArgs {
    FormatArgs { json: a.json || b.json, csv: a.csv || b.csv }
}

fn list<'a>(
    out: &mut dyn Write,
    format: FormatArgs,
    known: &Known<'_>,
    people: impl Iterator<Item = &'a Person>,
) -> Result<(), CliError> {
    let people: Vec<PersonView> = people.map(|person| known.view(person)).collect();
    if format.json { output::json(out, &people) } else { output::list(out, format, COLUMNS, &people, known.time_zone) }
}

const COLUMNS: &[Column<PersonView>] = &[
    Column { name: "extension", in_table: true, cell: |p, _| p.extension.clone() },
    Column { name: "name", in_table: true, cell: |p, _| p.name.clone() },
    Column { name: "keys", in_table: true, cell: |p, _| p.keys.join(" ") },
    Column { name: "department", in_table: true, cell: |p, _| p.department.clone().unwrap_or_default() },
    Column {
        name: "hunt",
        in_table: false,
        cell: |p, _| p.hunt.iter().map(|h| h.target.to_string()).collect::<Vec<_>>().join(" "),
    },
    Column { name: "present", in_table: false, cell: |p, _| if p.present { "yes" } else { "no" }.to_owned() },
    Column { name: "presence", in_table: true, cell: |p, _| presence_text(p.presence, p.presence_until) },
    Column {
        name: "duty",
        in_table: true,
        cell: |p, _| p.duty.iter().map(|d| d.as_str()).collect::<Vec<_>>().join(" "),
    },
];

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn noon() -> DateTime<Utc> {
        "2026-11-23T04:00:00Z".parse().expect("a time")
    }

    fn shown(command: Option<PeopleCommand>, format: FormatArgs) -> Result<String, CliError> {
        let directory = Directory::parse(Directory::default_text(), "built-in people").expect("it is good");
        let mut out = Vec::new();
        let known = Known {
            directory: &directory,
            presences: Presences::new([Notice {
                extension: "201".to_owned(),
                state: Whereabouts::Out,
                until: Some(noon() + TimeDelta::hours(6)),
                set_at: noon(),
                set_by: "wang".to_owned(),
            }]),
            time_zone: chrono_tz::Asia::Shanghai,
            now: noon(),
        };
        run(&PeopleArgs { command, format }, &known, &mut out)?;
        Ok(String::from_utf8(out).expect("it is text"))
    }

    #[test]
    fn people_have_the_contracts_fields_and_never_a_pin() {
        let json = shown(None, FormatArgs { json: true, csv: false }).expect("it is shown");
        let people: Vec<serde_json::Value> = serde_json::from_str(&json).expect("it is JSON");
        let zhang = people.iter().find(|p| p["extension"] == "201").expect("he is there");
        let mut fields: Vec<&str> = zhang.as_object().expect("an object").keys().map(String::as_str).collect();
        fields.sort_unstable();
        let of_the_contract = ["department", "duty", "extension", "hunt", "keys", "name", "present"];
        assert!(of_the_contract.iter().all(|field| fields.contains(field)), "{fields:?}");
        assert!(fields.len() == 10 && !fields.contains(&"pin"), "{fields:?}");
        assert_eq!((&zhang["present"], &zhang["presence"]), (&serde_json::json!(false), &serde_json::json!("out")));
        assert_eq!(zhang["presence_until"], "2026-11-23T18:00:00+08:00");
        assert_eq!(people.iter().filter(|p| p["present"] == true).count(), 4, "Anna Smith is absent in the file");
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
