//! `frontdesk check`: every fault of what the desk's people write, or what the line will do. Works while the line runs.

use std::path::Path;

use chrono::Utc;
use serde::Serialize;

use super::context::CliError;
use super::failure::Failure;
use super::moment;
use super::period::When;
use super::{Global, output};
use crate::desk::moment::Moment;
use crate::prompts::{LibraryOptions, audio_check};
use crate::site::Site;
use crate::store::{Reader, StoreError};
use crate::types::{Lang, Problem};

#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// Say what is so at this time, not now: "2026-10-01 20:15", or a day
    #[arg(long, value_name = "WHEN")]
    at: Option<When>,
    /// Write JSON, for programs
    #[arg(long)]
    json: bool,
}

/// What JSON says.
#[derive(Debug, Serialize)]
struct Told<'a> {
    problems: Vec<Fault<'a>>,
    moment: Option<Moment>,
}

#[derive(Debug, Serialize)]
struct Fault<'a> {
    file: &'a str,
    line: Option<usize>,
    what: &'a str,
    remedy: &'a str,
}

pub(super) fn run(args: &CheckArgs, global: &Global) -> Result<(), Failure> {
    let (config, of_settings) = global.load_config_as_far_as_it_goes();
    let (site, mut problems) = match Site::load(config) {
        Ok(site) => (site, of_settings),
        Err(mut problems) => {
            problems.extend(of_settings);
            problems.extend(data_problems(&global.data));
            problems.sort();
            problems.dedup();
            return tell(args, &problems);
        }
    };
    let desk = &site.config.desk;
    let desk_name = |lang: &Lang| desk.name_in(lang).to_owned();
    problems.extend(audio_check::check(&LibraryOptions {
        dir: site.config.prompts.path().map(ToOwned::to_owned),
        languages: desk.languages.clone(),
        desk_name: &desk_name,
    }));
    problems.extend(site.warnings.iter().cloned());
    problems.extend(data_problems(&global.data));
    problems.sort();
    problems.dedup();
    if !problems.is_empty() {
        return tell(args, &problems);
    }
    let now = Utc::now();
    let beyond = || Failure::Command(CliError::Usage("--at lies beyond the calendar".to_owned()));
    let at = args.at.as_ref().map_or(Ok(now), |at| at.start(now, desk.time_zone).ok_or_else(beyond))?;
    let presences = super::people::presences(&global.data.join(super::DATABASE)).map_err(Failure::Command)?;
    let moment = Moment::of(super::roster::staff(&site, &presences), at);
    if args.json {
        return print(&Told { problems: Vec::new(), moment: Some(moment) });
    }
    println!("{}\n{}", summary(&site, &global.data), moment::Told(&moment));
    Ok(())
}

fn print(told: &Told<'_>) -> Result<(), Failure> {
    output::json(&mut std::io::stdout().lock(), told).map_err(Failure::Command)
}

/// Faults are this command's product, so they go to stdout.
fn tell(args: &CheckArgs, problems: &[Problem]) -> Result<(), Failure> {
    if args.json {
        let problems_told =
            problems.iter().map(|p| Fault { file: &p.file, line: p.line, what: &p.what, remedy: &p.remedy });
        print(&Told { problems: problems_told.collect(), moment: None })?;
        return Err(Failure::Told(problems.len()));
    }
    for problem in problems {
        println!("{problem}");
    }
    Err(Failure::Told(problems.len()))
}

fn data_problems(data: &Path) -> Vec<Problem> {
    let problem = |what: String, remedy: &str| Problem {
        file: data.display().to_string(),
        line: None,
        what,
        remedy: remedy.to_owned(),
    };
    let mut problems = Vec::new();
    if !data.exists() {
        return problems;
    }
    if rustix::fs::access(data, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_err() {
        let remedy = "give this user the right to, or name another folder with --data";
        problems.push(problem("this user may not write to the data folder".to_owned(), remedy));
    }
    let database = data.join("frontdesk.db");
    if !database.exists() {
        return problems;
    }
    match Reader::open(&database) {
        Ok(_) => {}
        // The next start brings it up to date: nothing to be mended.
        Err(error @ StoreError::Older { .. }) => eprintln!("note: {error}"),
        Err(error) => problems.push(problem(error.to_string(), "restore a backup, or name another folder with --data")),
    }
    problems
}

/// What the line will do with these settings.
fn summary(site: &Site, data: &Path) -> String {
    let config = &site.config;
    let listen: Vec<String> = config.sip.listen.iter().map(ToString::to_string).collect();
    let languages: Vec<&str> = config.desk.languages.iter().map(|lang| lang.0.as_str()).collect();
    let from = |source: &crate::config::Source| {
        source.path().map_or_else(|| "built in".to_owned(), |path| path.display().to_string())
    };
    format!(
        "ok {}\n  listens   {}\n  audio     UDP ports {}\n  languages {}\n  flow      {}\n  answers   {}\n  people    {} ({})\n  phones    {} ({})\n  trunks    {} ({})\n  hours     {}\n  prompts   {}\n  data      {}",
        config.desk.name,
        listen.join(", "),
        config.rtp.ports,
        languages.join(", "),
        from(&config.flow),
        from(&config.answers),
        from(&config.people),
        site.people.people().len(),
        from(&config.phones),
        site.phones.phones().len(),
        from(&config.trunks),
        site.trunks.trunks().len(),
        from(&config.hours),
        from(&config.prompts),
        data.display()
    )
}
