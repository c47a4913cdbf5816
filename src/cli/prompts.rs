//! `frontdesk prompts`: builds, checks and lists what the desk says.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use crate::prompts::audio_check;
use crate::prompts::builder::espeak::Espeak;
use crate::prompts::builder::service::Service;
use crate::prompts::builder::{self, BuildError, BuildOptions, Person, Step, Synthesiser};
use crate::prompts::library::{Library, LibraryOptions, Origin};
use crate::types::Lang;

/// Environment variable with the key of a speech service: keys on a command line are seen by every user of the machine.
pub const SERVICE_KEY_ENV: &str = "FRONTDESK_SPEECH_KEY";

/// Build, check and list what the desk says
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Speak the texts that have no audio, or whose text, voice or desk's name has changed
    ///
    /// Texts are in DIR/<language>/catalogue.toml (or the built-in ones), audio goes to DIR/<language>/<id>.flac.
    /// Studio recordings (files that this command did not make) are never overwritten. Needs espeak-ng, or a speech
    /// service.
    Build(BuildArgs),
    /// Check texts (politeness, R8) and audio (format, level, peak, length, silence); exit code 1 if anything is wrong
    Check(SelectArgs),
    /// List all prompts with their texts and audio
    List(ListArgs),
}

#[derive(Debug, clap::Args)]
struct SelectArgs {
    /// The folder of prompts; left out: `[prompts] dir` of the config, else the built-in prompts
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Only this language (may be given again); left out: `[desk] languages`
    #[arg(long, value_name = "LANGUAGE")]
    lang: Vec<String>,
}

#[derive(Debug, clap::Args)]
struct BuildArgs {
    #[command(flatten)]
    select: SelectArgs,
    /// Also build what is up to date
    #[arg(long)]
    force: bool,
    /// Only this prompt (may be given again)
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// Also speak the names of people.toml, as name-<extension>
    #[arg(long)]
    people: bool,
    /// A speech service to use in place of espeak-ng, such as http://127.0.0.1:8880 (`POST /v1/audio/speech`); its key, if it
    /// wants one, in the environment variable FRONTDESK_SPEECH_KEY
    #[arg(long, value_name = "URL", requires = "voice")]
    service: Option<String>,
    /// The service's voice
    #[arg(long, value_name = "NAME", requires = "service")]
    voice: Option<String>,
    /// The service's model
    #[arg(long, value_name = "NAME", default_value = "tts-1")]
    model: String,
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    #[command(flatten)]
    select: SelectArgs,
    /// Write JSON, for programs
    #[arg(long)]
    json: bool,
}

/// What the command needs to know of the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// `[prompts] dir`.
    pub prompts_dir: Option<PathBuf>,
    /// `[desk] languages`.
    pub languages: Vec<Lang>,
    /// `[desk] name`.
    pub desk_name: String,
    /// `[desk.names]`.
    pub desk_names: BTreeMap<Lang, String>,
    /// Extension and name of everybody in people.toml.
    pub people: Vec<Person>,
    /// [`SERVICE_KEY_ENV`].
    pub service_key: Option<String>,
}

/// Why the command failed.
#[derive(Debug, thiserror::Error)]
pub enum PromptsError {
    /// The arguments don't make sense.
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Build(#[from] BuildError),
    /// `check` has found and written this many problems.
    #[error("{0} problems")]
    Problems(usize),
    #[error("the output could not be written: {0}")]
    Output(#[from] io::Error),
}

impl PromptsError {
    /// 1 for a failure, 2 for wrong usage, 0 when the reader of a pipe has gone: it had what it wanted.
    pub fn exit_code(&self) -> u8 {
        match self {
            PromptsError::Usage(_)
            | PromptsError::Build(BuildError::UnknownId { .. } | BuildError::UnknownLanguage(_)) => 2,
            PromptsError::Output(fault) if fault.kind() == io::ErrorKind::BrokenPipe => 0,
            PromptsError::Build(_) | PromptsError::Problems(_) | PromptsError::Output(_) => 1,
        }
    }
}

/// Runs the command; lists and progress go to `out`.
pub fn run(args: &Args, site: &Site, out: &mut dyn Write) -> Result<(), PromptsError> {
    match &args.command {
        Command::Build(args) => build(args, site, out),
        Command::Check(args) => check(args, site, out),
        Command::List(args) => list(args, site, out),
    }
}

impl Site {
    fn name_in(&self, lang: &Lang) -> String {
        self.desk_names.get(lang).unwrap_or(&self.desk_name).clone()
    }
}

impl SelectArgs {
    fn dir(&self, site: &Site) -> Option<PathBuf> {
        self.dir.clone().or_else(|| site.prompts_dir.clone())
    }

    fn languages(&self, site: &Site) -> Vec<Lang> {
        if self.lang.is_empty() { site.languages.clone() } else { self.lang.iter().map(|l| Lang::new(l)).collect() }
    }
}

fn build(args: &BuildArgs, site: &Site, out: &mut dyn Write) -> Result<(), PromptsError> {
    let voice: Box<dyn Synthesiser> = match (&args.service, &args.voice) {
        (Some(url), Some(voice)) => {
            let service = Service::new(url, voice, &args.model, site.service_key.clone());
            Box::new(service.map_err(|fault| PromptsError::Usage(format!("--service {url}: {fault}")))?)
        }
        _ => Box::new(Espeak::default()),
    };
    let options = BuildOptions {
        dir: args.select.dir(site).unwrap_or_else(|| PathBuf::from("prompts")),
        languages: args.select.languages(site),
        only: args.only.clone(),
        force: args.force,
        people: if args.people { site.people.clone() } else { Vec::new() },
        desk_name: &|lang| site.name_in(lang),
    };
    let (mut built, mut kept, mut studio, mut removed) = (0, 0, 0, 0);
    let mut written = Ok(());
    builder::build(&options, voice.as_ref(), |lang, id, step| match step {
        Step::Built { duration_ms } => {
            built += 1;
            // A reader that has gone must not stop the build half-way; it is told at the end.
            written = writeln!(out, "built   {lang}/{id}.flac  {:.1} s", *duration_ms as f64 / 1000.0);
        }
        Step::Removed => {
            removed += 1;
            written = writeln!(out, "removed {lang}/{id}: no text asks for it");
        }
        Step::Kept => kept += 1,
        Step::Studio => studio += 1,
    })?;
    written?;
    let dir = options.dir.display();
    writeln!(out, "{dir}: {built} built, {kept} up to date, {studio} studio recordings left alone, {removed} removed")?;
    Ok(())
}

fn check(args: &SelectArgs, site: &Site, out: &mut dyn Write) -> Result<(), PromptsError> {
    let desk_name = |lang: &Lang| site.name_in(lang);
    let options = LibraryOptions { dir: args.dir(site), languages: args.languages(site), desk_name: &desk_name };
    let problems = audio_check::check(&options);
    for problem in &problems {
        writeln!(out, "{problem}")?;
    }
    if !problems.is_empty() {
        return Err(PromptsError::Problems(problems.len()));
    }
    let (library, _) = Library::load(&options);
    writeln!(out, "{} prompts are fine", library.list().len())?;
    Ok(())
}

/// A prompt as programs see it.
#[derive(Debug, Serialize)]
struct Row {
    lang: Lang,
    id: String,
    group: String,
    text: String,
    file: Option<String>,
    duration_ms: Option<u64>,
    /// `generated`, `studio`, or `missing`.
    audio: &'static str,
}

fn list(args: &ListArgs, site: &Site, out: &mut dyn Write) -> Result<(), PromptsError> {
    let desk_name = |lang: &Lang| site.name_in(lang);
    let languages = args.select.languages(site);
    let (library, problems) =
        Library::load(&LibraryOptions { dir: args.select.dir(site), languages, desk_name: &desk_name });
    let rows = library.list().into_iter().map(|listed| {
        let (file, duration_ms, audio) = match listed.audio {
            Some((file, ms, Origin::Generated(_))) => (Some(file), Some(ms), "generated"),
            Some((file, ms, Origin::Studio)) => (Some(file), Some(ms), "studio"),
            None => (None, None, "missing"),
        };
        Row { lang: listed.lang, id: listed.id, group: listed.group, text: listed.text, file, duration_ms, audio }
    });
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &rows.collect::<Vec<_>>()).map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    for row in rows {
        let seconds = row.duration_ms.map_or("     -".to_owned(), |ms| format!("{:5.1}s", ms as f64 / 1000.0));
        writeln!(out, "{:<3} {:<26} {seconds} {:<9} {}", row.lang.0, row.id, row.audio, row.text)?;
    }
    for problem in &problems {
        writeln!(out, "{problem}")?;
    }
    Ok(())
}
