//! The command line: one file per command. Exit code 0 when done, 1 when it failed, 2 when it was called wrongly.

pub mod alarms;
pub mod audit;
pub mod bans;
pub mod calls;
pub mod context;
pub mod errands;
pub mod flow;
pub mod handover;
pub mod hold;
pub mod import;
pub mod journal;
mod limit;
pub mod messages;
pub mod notifications;
pub mod output;
pub mod people;
pub mod period;
pub mod pin;
pub mod prompts;
pub mod report;
pub mod residents;
pub mod roster;
pub mod tasks;
pub mod tickets;
mod tokens;
mod trunks;
mod user;

mod backup;
mod check;
mod copy;
mod dial;
mod failure;
mod ladder;
mod moment;
mod secret_input;
mod serve;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::Utc;
use clap::{Args, Parser, Subcommand};

use self::context::{CliError, Context};
use self::failure::Failure;
use crate::config::{self, Config};
use crate::desk::audit::{AuditEntry, Deed};
use crate::desk::handover_view::DutyView;
use crate::desk::journal::{JournalEntry, JournalKind};
use crate::desk::privacy::Role;
use crate::setup;
use crate::site::Site;
use crate::store::{Editor, StoreError};
use crate::telemetry::LogFormat;

/// The database in the data folder.
const DATABASE: &str = "frontdesk.db";

#[derive(Debug, Parser)]
#[command(
    name = "frontdesk",
    version,
    about = "A front desk's telephone line: answers, takes requests, loses nothing."
)]
#[command(propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The settings' file; without one the built-in defaults hold.
    #[arg(long, global = true, env = "FRONTDESK_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The folder that holds everything the line writes: frontdesk.db, recordings/, exports/.
    #[arg(long, global = true, env = "FRONTDESK_DATA", default_value = "./data", value_name = "DIR")]
    pub data: PathBuf,
    /// How the log is written to stderr; RUST_LOG chooses what is in it.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// See callers as this role does: engineer, receptionist, supervisor or administrator; never more than `[privacy] cli_role`
    #[arg(long, global = true, env = "FRONTDESK_ROLE", value_name = "ROLE")]
    pub role: Option<Role>,
}

impl Global {
    /// The settings of file and environment.
    ///
    /// # Errors
    /// Every fault of them.
    pub fn load_config(&self) -> Result<Config, Failure> {
        setup::load_config(self.config.as_deref(), &self.data).map_err(Failure::Problems)
    }

    /// The settings with defaults in the place of what is faulty, and the faults.
    pub fn load_config_as_far_as_it_goes(&self) -> (Config, Vec<crate::types::Problem>) {
        let (config, problems) = config::load_as_far_as_it_goes(self.config.as_deref(), config::process_env());
        (setup::with_own_prompts(config, &self.data), problems)
    }

    /// Settings and all the content that they name.
    ///
    /// # Errors
    /// Every fault of them.
    pub fn load_site(&self) -> Result<Site, Failure> {
        Site::load(self.load_config()?).map_err(Failure::Problems)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Validates settings, flow, answers, people, hours, prompts and database; tells every fault with its remedy.
    ///
    /// Without faults it says what is so now, or at another time: whether the desk is open, and who is on duty.
    Check(check::CheckArgs),
    Calls(calls::Args),
    Tickets(Box<tickets::Args>),
    Tasks(tasks::Args),
    Notifications(notifications::Args),
    Messages(messages::Args),
    Alarms(alarms::Args),
    Errands(errands::Args),
    Bans(bans::Args),
    Journal(journal::Args),
    Handover(handover::Args),
    Roster(roster::Args),
    Audit(audit::Args),
    Hold(hold::Args),
    Trunks(trunks::Args),
    Tokens(tokens::Args),
    User(user::Args),
    Report(report::Args),
    Residents(residents::Args),
    /// Runs the line until SIGTERM or SIGINT; SIGHUP reads settings and content again.
    Serve,
    /// Calls a line, presses keys, speaks, records what it hears, and shows what happened with times.
    Dial(Box<dial::DialArgs>),
    People(people::PeopleArgs),
    Flow(flow::FlowArgs),
    Prompts(prompts::Args),
    /// Copies database and recordings into one file, also while the line runs.
    Backup(backup::BackupArgs),
    /// Makes a data folder from a backup.
    Restore(backup::RestoreArgs),
}

impl Command {
    /// Whether it speaks with others over connections.
    fn has_peers(&self) -> bool {
        matches!(self, Command::Serve | Command::Dial(_))
    }

    fn run(&self, global: &Global) -> Result<(), Failure> {
        match self {
            Command::Check(args) => check::run(args, global),
            Command::Calls(args) => on_store(global, |context, out| calls::run(args, context, out)),
            Command::Tickets(args) => on_store(global, |context, out| tickets::run(args, context, out)),
            Command::Notifications(args) => {
                let site = || global.load_site().map_err(|failure| CliError::Failed(failure.to_string()));
                on_store(global, |context, out| notifications::run(args, site, context, out))
            }
            Command::Tasks(args) => on_store(global, |context, out| tasks::run(args, context, out)),
            Command::Messages(args) => on_store(global, |context, out| messages::run(args, context, out)),
            Command::Alarms(args) => on_store(global, |context, out| alarms::run(args, context, out)),
            Command::Errands(args) => on_store(global, |context, out| errands::run(args, context, out)),
            Command::Bans(args) => on_store(global, |context, out| bans::run(args, context, out)),
            Command::Journal(args) => on_store(global, |context, out| journal::run(args, context, out)),
            Command::Handover(args) => {
                let duty = || {
                    let site = Site::load(global.load_config().map_err(|_| "the settings have faults".to_owned())?)
                        .map_err(|problems| told(&problems))?;
                    let presences =
                        people::presences(&global.data.join(DATABASE)).map_err(|fault| fault.to_string())?;
                    Ok(DutyView::all(roster::staff(&site, &presences), Utc::now()))
                };
                on_store(global, |context, out| handover::run(args, context, duty, out))
            }
            Command::Audit(args) => on_store(global, |context, out| audit::run(args, context, out)),
            Command::Hold(args) => on_store(global, |context, out| hold::run(args, context, out)),
            Command::Roster(args) => {
                let site = global.load_site()?;
                let presences = people::presences(&global.data.join(DATABASE)).map_err(Failure::Command)?;
                on_stdout(|out| roster::run(args, roster::staff(&site, &presences), Utc::now(), out))
            }
            Command::Trunks(args) => on_store(global, |context, out| trunks::run(args, context, out)),
            Command::Residents(args) => {
                let numbers = global.load_config()?.numbers;
                on_store(global, |context, out| residents::run(args, &numbers, context, out))
            }
            Command::Tokens(args) => on_store(global, |context, out| tokens::run(args, context, out)),
            Command::User(args) => {
                let url = global.load_config()?.console.address_for_browsers();
                on_store(global, |context, out| user::run(args, &url, context, out))
            }
            Command::Report(args) => on_store(global, |context, out| report::run(args, context, out)),
            Command::Serve => serve::run(global),
            Command::Dial(args) => dial::run(args, global),
            Command::People(people::PeopleArgs { command: Some(people::PeopleCommand::Pin(args)), .. }) => {
                let config = global.load_config()?;
                on_stdout(|out| pin::run(args, config.people.path(), out))
            }
            Command::People(people::PeopleArgs { command: Some(people::PeopleCommand::Import(args)), format }) => {
                let config = global.load_config()?;
                import::run(args, &config, format.json, &mut io::stdout().lock())?;
                if !args.dry_run {
                    write_down(global, JournalKind::Imported, &format!("people from {}", args.file.display()));
                }
                Ok(())
            }
            Command::People(people::PeopleArgs { command: Some(people::PeopleCommand::Set(args)), .. }) => {
                let directory = crate::site::people(&global.load_config()?).map_err(Failure::Problems)?;
                on_store(global, |context, out| people::set(args, &directory, context, out))
            }
            Command::People(args) => {
                let site = global.load_site()?;
                let presences = people::presences(&global.data.join(DATABASE)).map_err(Failure::Command)?;
                let time_zone = site.config.desk.time_zone;
                let known = people::Known { directory: &site.people, presences, time_zone, now: Utc::now() };
                on_stdout(|out| people::run(args, &known, out))
            }
            Command::Flow(args) => {
                let site = global.load_site()?;
                on_stdout(|out| flow::run(args, &site.flow, out))
            }
            Command::Prompts(args) => {
                let site = prompts_site(&global.load_config()?)?;
                let mut out = BufWriter::new(io::stdout().lock());
                let ran = prompts::run(args, &site, &mut out);
                out.flush()?;
                ran.map_err(Failure::Prompts)
            }
            Command::Backup(args) => backup::back_up(args, global),
            Command::Restore(args) => backup::restore(args, global),
        }
    }
}

/// What `prompts` needs of the settings; not the whole site, since it also mends what keeps that from loading.
fn prompts_site(config: &Config) -> Result<prompts::Site, Failure> {
    let people = crate::site::people(config).map_err(Failure::Problems)?;
    let person = |p: &crate::desk::people::Person| crate::prompts::builder::Person {
        extension: p.extension.clone(),
        name: p.name.clone(),
    };
    Ok(prompts::Site {
        prompts_dir: config.prompts.path().map(ToOwned::to_owned),
        languages: config.desk.languages.clone(),
        desk_name: config.desk.name.clone(),
        desk_names: config.desk.names.clone(),
        people: people.people().iter().map(person).collect(),
        service_key: std::env::var(prompts::SERVICE_KEY_ENV).ok(),
    })
}

/// Runs a command that writes to stdout.
fn on_stdout(run: impl FnOnce(&mut dyn Write) -> Result<(), CliError>) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let ran = run(&mut out);
    // What was shown before a failure is shown all the same.
    let flushed = out.flush().map_err(CliError::from);
    ran.and(flushed).map_err(Failure::Command)
}

/// Runs a command that shows or changes the store.
fn on_store(
    global: &Global,
    run: impl FnOnce(&Context, &mut dyn Write) -> Result<(), CliError>,
) -> Result<(), Failure> {
    let config = global.load_config()?;
    let role = role(global, &config).map_err(Failure::Command)?;
    let context = Context {
        db_path: global.data.join(DATABASE),
        time_zone: config.desk.time_zone,
        cadence: config.answer.cadence(),
        now: Utc::now(),
        clocks: crate::site::clocks(&config).map(std::sync::Arc::new).map_err(|problems| told(&problems)),
        owner: "desk".to_owned(),
        desk_names: desk_names(&config),
        people: crate::site::people(&config).map(|people| people_names(&people)).unwrap_or_default(),
        who: shell_user(),
        role,
        desk: config.desk.name.clone(),
    };
    on_stdout(|out| run(&context, out))
}

/// What this user may see: as the settings say, or less.
fn role(global: &Global, config: &Config) -> Result<Role, CliError> {
    let most = config.privacy.cli_role;
    match global.role {
        Some(role) if role > most => {
            Err(CliError::Failed(format!("the role here is {most} ([privacy] cli_role): it can't become {role}")))
        }
        role => Ok(role.unwrap_or(most)),
    }
}

fn desk_names(config: &Config) -> BTreeMap<String, String> {
    let named = config.desk.names.iter().map(|(lang, name)| (lang.0.clone(), name.clone()));
    named.chain([(String::new(), config.desk.name.clone())]).collect()
}

fn people_names(directory: &crate::desk::people::Directory) -> BTreeMap<String, String> {
    directory.people().iter().map(|person| (person.extension.clone(), person.name.clone())).collect()
}

/// What a command did besides its own: in the journal, where there is one (R41). An older database gets its entry when the
/// line has brought it up to date, which it says itself.
fn write_down(global: &Global, kind: JournalKind, text: &str) {
    let entry = JournalEntry { who: Some(shell_user()), ..JournalEntry::of_system(Utc::now(), kind, "", text) };
    match Editor::open(&global.data.join(DATABASE)).and_then(|mut editor| editor.add_to_journal(&entry)) {
        Ok(_) | Err(StoreError::Missing { .. } | StoreError::Older { .. }) => {}
        Err(fault) => eprintln!("note: not written in the journal: {fault}"),
    }
}

/// A backup is a copy of everything: who made it is in the audit log, where the database has this version's form.
fn audit_backup(global: &Global, file: &std::path::Path) {
    let entry = AuditEntry {
        at: Utc::now(),
        who: shell_user(),
        what: Deed::Exported,
        about: format!("backup {}", file.display()),
        from_where: "shell".to_owned(),
    };
    match Editor::open(&global.data.join(DATABASE)).and_then(|mut editor| editor.audit(&entry)) {
        Ok(()) | Err(StoreError::Missing { .. } | StoreError::Older { .. }) => {}
        Err(fault) => eprintln!("note: not written in the audit log: {fault}"),
    }
}

/// Faults as one text.
fn told(problems: &[crate::types::Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Who is at the shell, for the histories of tickets.
fn shell_user() -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    named.into_iter().find(|user| !user.is_empty()).unwrap_or_else(|| "shell".to_owned())
}

/// Carries out what the arguments say (the program's name first) and tells failures on stderr.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, with code 0. Nobody is left to tell when this can't be printed.
            let _ = error.print();
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    if !cli.command.has_peers() {
        end_quietly_when_nobody_reads();
    }
    match cli.command.run(&cli.global) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprint!("{failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

/// For commands that only print: to one that has connections, a peer that resets its own would be the end of all.
/// `frontdesk calls | head` ends like any Unix tool when `head` has read enough, rather than by a panic of `println!`.
fn end_quietly_when_nobody_reads() {
    // SAFETY: no other thread runs yet, and SIG_DFL is a handler that every signal has.
    #[cfg(unix)]
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod argument_tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent_and_every_command_says_what_it_does() {
        let mut cli = Cli::command();
        cli.build();
        cli.clone().debug_assert();
        for command in cli.get_subcommands() {
            assert!(command.get_about().is_some(), "{} has no help", command.get_name());
        }
    }
}
