//! The settings: as they were written (`raw`), then ready (`Config`), with every fault of them at once.
//!
//! - One file per section: its table of keys, its type, its defaults, its reading.
//! - `keys`, `place`: what the tables are made of, and where a setting stands.
//! - `raw`, `env`: TOML text and environment variables as trees that know their lines.
//! - `reader`: typed values out of a section.
//!
//! A new key is one row in its section's table, one field, and one line in that section's `read`; tests hold the
//! table, the defaults and `docs/configuration*.md` together.

mod address;
mod answer;
mod call_back;
mod clocks;
mod console;
mod content;
mod daemon;
mod desk;
mod env;
mod errands;
mod guard;
mod keys;
mod mail;
mod notifications;
mod numbers;
mod place;
mod privacy;
mod raw;
mod reader;
mod record;
mod retention;
mod rtp;
mod sip;
mod store;
mod tls;
mod transcription;
mod work;

use std::path::{Path, PathBuf};

pub use address::{External, Listen};
pub use answer::Answer;
pub use call_back::{CallBack, CallBackGateway};
pub use clocks::Clocks;
pub use console::Console;
pub use content::Source;
pub use daemon::Daemon;
pub use desk::Desk;
pub use env::process as process_env;
pub use errands::Errands;
pub use guard::Guard;
pub use ipnet::IpNet;
pub use keys::{Key, SectionKeys};
pub use mail::{Mail, MailSecurity};
pub use notifications::{Notifications, Webhooks};
pub use place::Place;
pub use privacy::Privacy;
pub use record::Record;
pub use rtp::{InbandDtmf, Ports, Rtp};
pub use sip::{ReliableProvisional, Sip};
pub use store::Store;
pub use tls::{ClientAuth, Tls};
pub use transcription::Transcription;

use self::raw::Table;
use self::reader::Section;
use crate::desk::retention::Retention;
use crate::desk::tasks::WorkRules;
use crate::types::{NumberPlan, Problem};

/// Every section of the file, in the order of the documents.
pub const SECTIONS: &[SectionKeys] = &[
    desk::KEYS,
    sip::KEYS,
    tls::KEYS,
    guard::KEYS,
    rtp::KEYS,
    console::KEYS,
    answer::KEYS,
    call_back::KEYS,
    clocks::KEYS,
    work::DISPATCH,
    work::RELAY,
    work::FOLLOW_UP,
    work::ALERT,
    errands::KEYS,
    notifications::KEYS,
    mail::KEYS,
    notifications::WEBHOOKS,
    transcription::KEYS,
    numbers::KEYS,
    content::FLOW,
    content::ANSWERS,
    content::PEOPLE,
    content::PHONES,
    content::TRUNKS,
    content::HOURS,
    content::PROMPTS,
    record::KEYS,
    retention::KEYS,
    privacy::KEYS,
    store::KEYS,
    daemon::KEYS,
];

/// A bigger file is no config file.
const FILE_BYTES_MAX: u64 = 1_000_000;

/// The settings, ready: addresses parsed, durations in milliseconds, every value within its bounds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// The file that they were read from, if any: SIGHUP reads it again.
    pub file: Option<PathBuf>,
    pub desk: Desk,
    pub sip: Sip,
    pub tls: Tls,
    pub guard: Guard,
    pub rtp: Rtp,
    pub console: Console,
    pub answer: Answer,
    pub call_back: CallBack,
    pub clocks: Clocks,
    /// Whom the desk calls by itself: `[dispatch]`, `[relay]`, `[follow_up]`, `[alert]`.
    pub work: WorkRules,
    pub errands: Errands,
    pub notifications: Notifications,
    pub mail: Mail,
    pub webhooks: Webhooks,
    pub transcription: Transcription,
    pub numbers: NumberPlan,
    pub flow: Source,
    pub answers: Source,
    pub people: Source,
    pub phones: Source,
    pub trunks: Source,
    pub hours: Source,
    pub prompts: Source,
    pub record: Record,
    pub retention: Retention,
    pub privacy: Privacy,
    pub store: Store,
    pub daemon: Daemon,
}

impl Config {
    /// The defaults, but every port is any free one.
    pub fn for_testing() -> Self {
        let local = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            sip: Sip { listen: vec![Listen::Udp(local), Listen::Tcp(local)], ..Sip::default() },
            rtp: Rtp { ports: Ports::Any, ..Rtp::default() },
            console: Console { listen: local, ..Console::default() },
            daemon: Daemon { shutdown_grace_ms: 1000 },
            ..Self::default()
        }
    }

    /// Calls that are held at the same time: what `sip.calls_max` says, as far as there are ports for them.
    pub fn calls_max(&self) -> u32 {
        self.rtp.ports.pairs().map_or(self.sip.calls_max, |pairs| pairs.min(self.sip.calls_max))
    }
}

/// Reads the file, if one is named, and lays the environment's settings over it.
///
/// # Errors
/// Every fault of both, in the order of files and lines.
pub fn load(path: Option<&Path>, env: impl Iterator<Item = (String, String)>) -> Result<Config, Vec<Problem>> {
    let (config, problems) = load_as_far_as_it_goes(path, env);
    if problems.is_empty() { Ok(config) } else { Err(problems) }
}

/// The same, with the default in the place of what is faulty: to look for the faults of everything else too.
pub fn load_as_far_as_it_goes(
    path: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
) -> (Config, Vec<Problem>) {
    let Some(path) = path else { return from_text("", "", Path::new(""), env) };
    match read_file(path) {
        Ok(text) => {
            let folder = path.parent().unwrap_or(Path::new(""));
            let (config, problems) = from_text(&path.to_string_lossy(), &text, folder, env);
            (Config { file: Some(path.to_owned()), ..config }, problems)
        }
        Err(problem) => (Config::default(), vec![problem]),
    }
}

fn read_file(path: &Path) -> Result<String, Problem> {
    let problem = |what: String, remedy: &str| Problem {
        file: path.to_string_lossy().into_owned(),
        line: None,
        what,
        remedy: remedy.to_owned(),
    };
    let too_big = |bytes| problem(format!("{bytes} bytes are too many"), "name a config file with --config");
    match std::fs::metadata(path) {
        Ok(file) if file.is_file() && file.len() > FILE_BYTES_MAX => return Err(too_big(file.len())),
        _ => {}
    }
    std::fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => problem("it is not UTF-8 text".to_owned(), "save it as UTF-8"),
        std::io::ErrorKind::NotFound => {
            problem("there is no such file".to_owned(), "name an existing one with --config, or none for the defaults")
        }
        _ => problem(format!("it can't be read: {error}"), "make it readable for the user that runs frontdesk"),
    })
}

fn from_text(
    file: &str,
    text: &str,
    folder: &Path,
    env: impl Iterator<Item = (String, String)>,
) -> (Config, Vec<Problem>) {
    let (mut root, mut problems) = raw::parse(file, text);
    env::lay_over(&mut root, env, &mut problems);
    let console_place = root.get("console").or_else(|| root.get("sip")).map(|node| node.place.clone());
    let sip_place = root.get("sip").map(|node| node.place.clone());
    let config = ready(&mut root, folder, &mut problems);
    reader::report_unknown_sections(&root, &mut problems);
    problems.extend(taken_twice(&config, console_place.as_ref()));
    problems.extend(without_certificate(&config, sip_place.as_ref()));
    problems.extend(console_without_certificate(&config, console_place.as_ref()));
    problems.sort();
    problems.dedup();
    (config, problems)
}

/// A listener with TLS shows a certificate.
fn without_certificate(config: &Config, place: Option<&Place>) -> Option<Problem> {
    let fault = config.tls.lacks().filter(|_| config.sip.listen.iter().any(|listen| listen.is_secure()))?;
    place.map(|place| place.problem(fault.what, fault.remedy))
}

/// The console shows one over HTTPS.
fn console_without_certificate(config: &Config, place: Option<&Place>) -> Option<Problem> {
    let fault = config.tls.lacks_certificate("[console] tls = \"on\"").filter(|_| config.console.tls)?;
    place.map(|place| place.problem(fault.what, fault.remedy))
}

/// The console and SIP over TCP can't listen on one port.
fn taken_twice(config: &Config, place: Option<&Place>) -> Option<Problem> {
    let listen = config.console.listen;
    let streams = config.sip.listen.iter().filter(|one| !matches!(one, Listen::Udp(_)));
    if listen.port() == 0 || !streams.map(|one| one.address()).any(|address| address == listen) {
        return None;
    }
    let what = format!("[console] listen and [sip] listen both have TCP {listen}");
    place.map(|place| place.problem(what, "give one of them another port"))
}

/// Takes all known sections out of the tables.
fn ready(root: &mut Table, folder: &Path, problems: &mut Vec<Problem>) -> Config {
    Config {
        file: None,
        desk: Desk::read(Section::open(&desk::KEYS, root, folder, problems)),
        guard: Guard::read(Section::open(&guard::KEYS, root, folder, problems)),
        sip: Sip::read(Section::open(&sip::KEYS, root, folder, problems)),
        tls: Tls::read(Section::open(&tls::KEYS, root, folder, problems)),
        rtp: Rtp::read(Section::open(&rtp::KEYS, root, folder, problems)),
        console: Console::read(Section::open(&console::KEYS, root, folder, problems)),
        answer: Answer::read(Section::open(&answer::KEYS, root, folder, problems)),
        call_back: CallBack::read(Section::open(&call_back::KEYS, root, folder, problems)),
        clocks: Clocks::read(Section::open(&clocks::KEYS, root, folder, problems)),
        work: WorkRules {
            dispatch: work::dispatch(Section::open(&work::DISPATCH, root, folder, problems)),
            relay: work::relay(Section::open(&work::RELAY, root, folder, problems)),
            follow_up: work::follow_up(Section::open(&work::FOLLOW_UP, root, folder, problems)),
            alert: work::alert(Section::open(&work::ALERT, root, folder, problems)),
            time_zone: WorkRules::default().time_zone,
        },
        errands: Errands::read(Section::open(&errands::KEYS, root, folder, problems)),
        notifications: Notifications::read(Section::open(&notifications::KEYS, root, folder, problems)),
        mail: Mail::read(Section::open(&mail::KEYS, root, folder, problems)),
        webhooks: Webhooks::read(Section::open(&notifications::WEBHOOKS, root, folder, problems)),
        transcription: Transcription::read(Section::open(&transcription::KEYS, root, folder, problems)),
        numbers: numbers::read(Section::open(&numbers::KEYS, root, folder, problems)),
        flow: Section::open(&content::FLOW, root, folder, problems).file("file").unwrap_or_default(),
        answers: Section::open(&content::ANSWERS, root, folder, problems).file("file").unwrap_or_default(),
        people: Section::open(&content::PEOPLE, root, folder, problems).file("file").unwrap_or_default(),
        phones: Section::open(&content::PHONES, root, folder, problems).file("file").unwrap_or_default(),
        trunks: Section::open(&content::TRUNKS, root, folder, problems).file("file").unwrap_or_default(),
        hours: Section::open(&content::HOURS, root, folder, problems).file("file").unwrap_or_default(),
        prompts: Section::open(&content::PROMPTS, root, folder, problems).file("dir").unwrap_or_default(),
        record: Record::read(Section::open(&record::KEYS, root, folder, problems)),
        retention: retention::read(Section::open(&retention::KEYS, root, folder, problems)),
        privacy: Privacy::read(Section::open(&privacy::KEYS, root, folder, problems)),
        store: Store::read(Section::open(&store::KEYS, root, folder, problems)),
        daemon: Daemon::read(Section::open(&daemon::KEYS, root, folder, problems)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str) -> Result<Config, Vec<Problem>> {
        let (config, problems) = from_text("test.toml", text, Path::new(""), std::iter::empty());
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    #[test]
    fn the_defaults_of_the_table_are_those_that_hold() {
        let mut text = String::new();
        for section in SECTIONS {
            text += &format!("[{}]\n", section.name);
            for key in section.keys {
                text.extend(key.default.map(|default| format!("{} = {default}\n", key.name)));
            }
        }
        assert_eq!(load_text(&text), Ok(Config::default()));
        assert_eq!(load_text(""), Ok(Config::default()));
    }

    #[test]
    fn every_example_of_the_table_is_right() {
        for section in SECTIONS {
            for key in section.keys {
                let text = format!("[{}]\n{} = {}\n", section.name, key.name, key.example);
                assert_eq!(load_text(&text).err(), None, "{text}");
            }
        }
    }

    #[test]
    fn every_key_of_the_table_is_read_and_names_its_line_when_wrong() {
        for section in SECTIONS {
            for key in section.keys {
                let text = format!("\n[{}]\n{} = 1979-05-27\n", section.name, key.name);
                let problems = load_text(&text).expect_err("no key is a date");
                assert_eq!(problems.len(), 1, "{problems:?}");
                assert_eq!(problems[0].line, Some(3), "{problems:?}");
                assert!(problems[0].what.starts_with(&format!("{} is a date", key.name)), "{problems:?}");
            }
        }
    }

    #[test]
    fn a_console_over_https_has_a_certificate() {
        let of = |text: &str| load_text(text).err().map(|problems| problems[0].to_string());
        let none = of("[console]\ntls = \"on\"").expect("it has none");
        assert!(none.contains("[console] tls = \"on\" needs a certificate") && none.contains("[tls]"), "{none}");
        let keyless = of("[console]\ntls = \"on\"\n[tls]\ncertificates = [\"desk.pem\"]").expect("it has no key");
        assert!(keyless.contains("1 certificates and 0 keys"), "{keyless}");
        let pair = "[tls]\ncertificates = [\"desk.pem\"]\nkeys = [\"desk.key\"]";
        assert_eq!(of(&format!("[console]\ntls = \"on\"\n{pair}")), None);
        assert_eq!(of("[console]\ntls = \"off\""), None);
    }

    #[test]
    fn the_least_of_ports_and_calls_max_is_the_limit() {
        let config = load_text("[rtp]\nports = \"20000-20009\"").expect("it is right");
        assert_eq!(config.calls_max(), 5);
        assert_eq!(Config::default().calls_max(), 5000);
        assert_eq!(Config::for_testing().calls_max(), 5000);
    }
}
