//! A site: settings and all the content that they name, loaded and checked together. Used by `serve`, by its reload on
//! SIGHUP, and by `check`.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use crate::config::{self, CallBackGateway, Config, Source};
use crate::desk::answers::Answers;
use crate::desk::clocks::{Calendar, ClockBook};
use crate::desk::hours::Hours;
use crate::desk::notifications::{NotifyChannel, NotifyRules, Templates, Webhooks};
use crate::desk::people::{Directory, Person, PlaceTarget};
use crate::desk::phones::Phones;
use crate::desk::tasks::WorkRules;
use crate::desk::trunks::{Gateway, Trunk, Trunks};
use crate::flow::{CompileContext, Flow};
use crate::prompts::{Library, LibraryOptions};
use crate::sip::wire::Uri;
use crate::tls::{ClientAuth, Pair, Tls, TlsFiles};
use crate::types::{Lang, Problem};

/// A bigger file is no flow, directory or the like.
const FILE_BYTES_MAX: u64 = 10_000_000;

/// Everything that calls are served with.
#[derive(Clone)]
pub struct Site {
    pub config: Config,
    pub flow: Arc<Flow>,
    pub answers: Arc<Answers>,
    pub people: Arc<Directory>,
    pub phones: Arc<Phones>,
    pub trunks: Arc<Trunks>,
    pub hours: Arc<Hours>,
    pub webhooks: Arc<Webhooks>,
    /// The words of notifications.
    pub templates: Arc<Templates>,
    pub prompts: Arc<Library>,
    /// Where a listener needs it.
    pub tls: Option<Tls>,
    /// What does not keep the line from answering, but should be mended: a greeting that says another name, a prompt
    /// without audio in one language.
    pub warnings: Vec<Problem>,
}

impl Site {
    /// # Errors
    /// Every fault of every file that keeps the line from answering as its desk means it.
    pub fn load(config: Config) -> Result<Site, Vec<Problem>> {
        let mut problems = Vec::new();
        let desk = config.desk.clone();
        let desk_name = move |lang: &Lang| desk.name_in(lang).to_owned();
        let (prompts, mut warnings) = Library::load(&LibraryOptions {
            dir: config.prompts.path().map(ToOwned::to_owned),
            languages: config.desk.languages.clone(),
            desk_name: &desk_name,
        });
        let answers = read(&config.answers, "built-in answers", Answers::default_text(), Answers::parse, &mut problems);
        let people =
            read(&config.people, "built-in people", Directory::default_text(), Directory::parse, &mut problems);
        let hours = read(&config.hours, "built-in hours", Hours::default_text(), Hours::parse, &mut problems);
        let phones = read(&config.phones, "built-in phones", Phones::default_text(), Phones::parse, &mut problems);
        let trunks = read(&config.trunks, "built-in trunks", Trunks::default_text(), Trunks::parse, &mut problems);
        let trunks = trunks.unwrap_or_default();
        let file = &config.webhooks.file;
        let webhooks = read(file, "built-in webhooks", Webhooks::default_text(), Webhooks::parse, &mut problems);
        let file = &config.notifications.templates;
        let templates = read(file, "built-in notices", Templates::default_text(), Templates::parse, &mut problems);
        // What can't be read stands as it is built in, so that the faults of the rest are told too.
        let built_in = "what is built in is good";
        let answers =
            answers.unwrap_or_else(|| Answers::parse(Answers::default_text(), "built-in answers").expect(built_in));
        let people =
            people.unwrap_or_else(|| Directory::parse(Directory::default_text(), "built-in people").expect(built_in));
        let hours = hours.unwrap_or_else(|| Hours::parse(Hours::default_text(), "built-in hours").expect(built_in));
        let phones =
            phones.unwrap_or_else(|| Phones::parse(Phones::default_text(), "built-in phones").expect(built_in));
        problems.extend(phones_of_nobody(&config, &phones, &people));
        problems.extend(duties_of_nobody(&config, &hours, &people));
        problems.extend(numbers_without_gateway(&config, &people));
        problems.extend(gateways_without_trunk(&config, &trunks));
        for person in people.people() {
            if let Some(id) = person.prompt.as_ref().filter(|id| !prompts.has(id)) {
                problems.push(Problem {
                    file: name_of(&config.people, "built-in people"),
                    line: Some(person.line),
                    what: format!("the prompt `{id}` of {} does not exist", person.name),
                    remedy: "record it into [prompts] dir, or leave `prompt` out: the extension is said then"
                        .to_owned(),
                });
            }
        }
        problems.extend(trunks_to_nowhere(&config, &trunks));
        problems.extend(clocks_without_calendar(&config, &hours));
        problems.extend(login_without_password(&config));
        let tls = load_tls(&config, &trunks, &mut problems);
        warnings.extend(tls.iter().flat_map(|tls| tls.warnings(&config.tls.names, chrono::Utc::now())));
        let context = CompileContext {
            prompts: &|id| prompts.has(id),
            answers: &answers,
            languages: &config.desk.languages,
            hours: &hours,
            time_zone: config.desk.time_zone,
        };
        let compile = |text: &str, file: &str| Flow::compile(text, file, &context);
        let flow = read(&config.flow, "built-in flow", Flow::default_text(), compile, &mut problems);
        let Some(flow) = flow.filter(|_| problems.is_empty()) else { return Err(problems) };
        warnings.extend(said_in_one_language_only(&config, &flow, &answers, &prompts));
        warnings.extend(calls_not_made(&config, &flow));
        warnings.extend(mail_without_server(&config, &people));
        Ok(Site {
            flow: Arc::new(flow),
            answers: Arc::new(answers),
            people: Arc::new(people),
            phones: Arc::new(phones),
            trunks: Arc::new(trunks),
            hours: Arc::new(hours),
            webhooks: Arc::new(webhooks.unwrap_or_default()),
            templates: Arc::new(templates.unwrap_or_else(Templates::built_in)),
            prompts: Arc::new(prompts),
            tls,
            warnings,
            config,
        })
    }
}

/// Certificates, where a listener shows one, and whom we trust, where a trunk shows one.
fn load_tls(config: &Config, trunks: &Trunks, problems: &mut Vec<Problem>) -> Option<Tls> {
    let asked = trunks.trunks().iter().any(Trunk::is_secure);
    if !asked && !config.console.tls && !config.sip.listen.iter().any(|listen| listen.is_secure()) {
        return None;
    }
    let settings = &config.tls;
    let pairs = settings.certificates.iter().cloned().zip(settings.keys.iter().cloned());
    let files = TlsFiles {
        pairs: pairs.map(|(certificate, key)| Pair { certificate, key }).collect(),
        names: settings.names.clone(),
        client_auth: match settings.client_auth {
            config::ClientAuth::Off => ClientAuth::Off,
            config::ClientAuth::Optional => ClientAuth::Optional,
            config::ClientAuth::Required => ClientAuth::Required,
        },
        client_ca: settings.client_ca.clone(),
        trust: settings.trust.clone(),
    };
    Tls::load(&files).map_err(|faults| problems.extend(faults)).ok()
}

/// A flow of before the desk made calls itself. Where some kinds of them are left out, that is meant.
fn calls_not_made(config: &Config, flow: &Flow) -> Option<Problem> {
    (config.errands.at_once > 0 && !flow.makes_errands()).then(|| Problem {
        file: name_of(&config.flow, "built-in flow"),
        line: None,
        what: "there is no [errand]: the desk makes no calls about its work".to_owned(),
        remedy: "copy [errand] and its nodes from the built-in flow, or set [errands] at_once = 0".to_owned(),
    })
}

/// A mail server that is logged in to with half of a login.
fn login_without_password(config: &Config) -> Option<Problem> {
    let mail = &config.mail;
    (mail.user.is_some() != mail.password.is_some()).then(|| Problem {
        file: config.file.as_ref().map_or_else(|| "settings".to_owned(), |file| file.display().to_string()),
        line: None,
        what: "[mail] has only one of user and password".to_owned(),
        remedy: "write both, the password better as FRONTDESK_MAIL__PASSWORD into the environment; or neither"
            .to_owned(),
    })
}

/// People who are to be told by e-mail, and nothing sends one.
fn mail_without_server(config: &Config, people: &Directory) -> Option<Problem> {
    let wants = |person: &&Person| person.email.is_some() && person.notify.contains(&NotifyChannel::Email);
    let person = people.people().iter().find(wants).filter(|_| config.mail.server.is_none())?;
    Some(Problem {
        file: name_of(&config.people, "built-in people"),
        line: Some(person.line),
        what: format!(
            "extension {} has an e-mail address, and no mail server is named: no e-mails are sent",
            person.extension
        ),
        remedy: "write server and from into [mail]".to_owned(),
    })
}

/// Prompts that a language of the line lacks: callers hear them in the first language that has them.
fn said_in_one_language_only(config: &Config, flow: &Flow, answers: &Answers, prompts: &Library) -> Vec<Problem> {
    let answers = answers.prompt_ids().into_iter().map(|(id, _)| id.to_owned());
    let ids: BTreeSet<String> = flow.prompt_ids().map(str::to_owned).chain(answers).collect();
    let mut problems = Vec::new();
    for lang in &config.desk.languages {
        for id in ids.iter().filter(|id| !prompts.has_in(lang, id)) {
            problems.push(Problem {
                file: format!("prompts/{lang}"),
                line: None,
                what: format!("there is no prompt `{id}` in the language {lang}"),
                remedy: "add it to catalogue.toml of that language and run `frontdesk prompts build`, or record it"
                    .to_owned(),
            });
        }
    }
    problems
}

/// Phones whose person is not in the directory.
fn phones_of_nobody(config: &Config, phones: &Phones, people: &Directory) -> Vec<Problem> {
    let known = |extension: &str| people.people().iter().any(|person| person.extension == extension);
    let file = name_of(&config.phones, "built-in phones");
    let of_nobody = phones.phones().iter().filter_map(|phone| {
        let extension = phone.extension.as_ref().filter(|extension| !known(extension))?;
        Some(Problem {
            file: file.clone(),
            line: Some(phone.line),
            what: format!("phone {} is extension {extension}'s, whom the directory does not know", phone.user),
            remedy: "write the extension of a person in people.toml, or leave it out".to_owned(),
        })
    });
    of_nobody.collect()
}

/// People of the duty roster who are not in the directory.
fn duties_of_nobody(config: &Config, hours: &Hours, people: &Directory) -> Vec<Problem> {
    let file = name_of(&config.hours, "built-in hours");
    let of_nobody = hours.rostered().filter(|(extension, _)| people.person(extension).is_none());
    of_nobody
        .map(|(extension, line)| Problem {
            file: file.clone(),
            line: Some(line),
            what: format!("extension {extension} is on duty, whom the directory does not know"),
            remedy: "write the extension of a person in people.toml, or take it out".to_owned(),
        })
        .collect()
}

/// Clocks that count in a calendar which `hours.toml` does not have.
fn clocks_without_calendar(config: &Config, hours: &Hours) -> Vec<Problem> {
    let file = config.file.as_ref().map_or_else(|| "settings".to_owned(), |file| file.display().to_string());
    let known = hours.groups();
    let unknown = config.clocks.calendars.iter().filter_map(|(key, calendar)| match calendar {
        Calendar::Schedule(name) if !known.contains(&name.as_str()) => Some(Problem {
            file: file.clone(),
            line: None,
            what: format!("[clocks] calendars: `{key}` counts in `{name}`, which hours.toml does not have"),
            remedy: format!("write [schedule.{name}] there, or one of: always, open, {}", known.join(", ")),
        }),
        _ => None,
    });
    unknown.collect()
}

/// How long the clocks of tickets are.
///
/// # Errors
/// Every fault of the hours in which they count.
pub fn clocks(config: &Config) -> Result<ClockBook, Vec<Problem>> {
    let mut problems = Vec::new();
    let hours = read(&config.hours, "built-in hours", Hours::default_text(), Hours::parse, &mut problems);
    let Some(hours) = hours.filter(|_| problems.is_empty()) else { return Err(problems) };
    Ok(clock_book(config, &Arc::new(hours)))
}

/// The same, of hours that were read before.
pub fn clock_book(config: &Config, hours: &Arc<Hours>) -> ClockBook {
    let mut book = ClockBook::new(config.clocks.warn_percent, Arc::clone(hours), config.desk.time_zone);
    config.clocks.fill(&mut book);
    book
}

/// Who is told of what, by which channel, and when.
pub fn notify_rules(site: &Site) -> NotifyRules {
    let (desk, own) = (&site.config.desk, &site.config.notifications);
    let first = || desk.languages.first().cloned().unwrap_or_else(|| Lang::new("zh"));
    NotifyRules {
        mail: site.config.mail.server.is_some(),
        webhooks: Arc::clone(&site.webhooks),
        templates: Arc::clone(&site.templates),
        language: own.language.clone().unwrap_or_else(first),
        desk_names: ["zh", "en"]
            .map(Lang::new)
            .iter()
            .chain(&desk.languages)
            .chain(&own.language)
            .map(|lang| (lang.clone(), desk.name_in(lang).to_owned()))
            .collect(),
        time_zone: desk.time_zone,
        quiet: own.quiet,
        again: own.again.clone(),
        give_up: own.give_up,
        alarm_after: own.alarm_after,
    }
}

/// Whom the desk calls by itself, when and how often.
pub fn work_rules(config: &Config) -> WorkRules {
    WorkRules { time_zone: config.desk.time_zone, ..config.work.clone() }
}

/// Trunks whose addresses can't be read: they would silently not be there.
fn trunks_to_nowhere(config: &Config, trunks: &Trunks) -> Vec<Problem> {
    let unreadable = |address: &&str| address.parse::<Uri>().map_or(true, |uri| uri.host.is_none());
    let problem = |trunk: &Trunk, address: &str| Problem {
        file: name_of(&config.trunks, "built-in trunks"),
        line: Some(trunk.line),
        what: format!("`{address}` of the trunk {} is no SIP address", trunk.name),
        remedy:
            "write host, port and parameters as in \"sip:sip.example.com:5060;transport=tls\" or \"sip:[2001:db8::1]\""
                .to_owned(),
    };
    let faults = |trunk: &Trunk| -> Vec<Problem> {
        trunk.addresses().filter(unreadable).map(|address| problem(trunk, address)).collect()
    };
    trunks.trunks().iter().flat_map(faults).collect()
}

/// Gateways that name a trunk which is not there.
fn gateways_without_trunk(config: &Config, trunks: &Trunks) -> Vec<Problem> {
    let sip = match &config.sip.gateway {
        Some(Gateway::Trunk(name)) => Some(("[sip]", name)),
        Some(Gateway::Address(_)) | None => None,
    };
    let call_back = match &config.call_back.gateway {
        Some(CallBackGateway::Trunk(name)) => Some(("[call_back]", name)),
        Some(CallBackGateway::Address(_)) | None => None,
    };
    let file = name_of(&config.trunks, "built-in trunks");
    let named = [sip, call_back].into_iter().flatten().filter(|(_, name)| trunks.of(name).is_none());
    named
        .map(|(section, name)| Problem {
            file: file.clone(),
            line: None,
            what: format!("{section} gateway is trunk:{name}, and there is no trunk of that name"),
            remedy: "add it with [[trunk]], or name another; [trunks] file says where trunks are written".to_owned(),
        })
        .collect()
}

/// Numbers in hunt lists that nothing leads to.
fn numbers_without_gateway(config: &Config, people: &Directory) -> Vec<Problem> {
    let file = name_of(&config.people, "built-in people");
    let numbers = |person: &&Person| person.hunt.iter().any(|place| matches!(place.target, PlaceTarget::Number(_)));
    let lost = people.people().iter().filter(|_| config.sip.gateway.is_none()).filter(numbers);
    lost.map(|person| Problem {
        file: file.clone(),
        line: Some(person.line),
        what: format!("extension {} is to be called at a number, and there is no gateway", person.extension),
        remedy: "write gateway = \"sip:gw.example.com\" into [sip], or a SIP address in place of the number".to_owned(),
    })
    .collect()
}

fn name_of(source: &Source, built_in: &str) -> String {
    source.path().map_or_else(|| built_in.to_owned(), |path| path.display().to_string())
}

/// The directory alone.
///
/// # Errors
/// Every fault of it.
pub fn people(config: &Config) -> Result<Directory, Vec<Problem>> {
    let mut problems = Vec::new();
    let people = read(&config.people, "built-in people", Directory::default_text(), Directory::parse, &mut problems);
    people.ok_or(problems)
}

fn read<T>(
    source: &Source,
    built_in_name: &str,
    built_in: &str,
    parse: impl FnOnce(&str, &str) -> Result<T, Vec<Problem>>,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let parsed = match source {
        Source::BuiltIn => parse(built_in, built_in_name),
        Source::At { path, place } => match read_file(path) {
            Ok(text) => parse(&text, &path.to_string_lossy()),
            Err(what) => Err(vec![Problem {
                file: place.file.clone(),
                line: place.line,
                what: format!("{}: {what}", path.display()),
                remedy: "name a readable file, or leave the key out for the built-in one".to_owned(),
            }]),
        },
    };
    parsed.map_err(|found| problems.extend(found)).ok()
}

fn read_file(path: &std::path::Path) -> Result<String, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > FILE_BYTES_MAX {
        return Err(format!("{size} bytes are too many"));
    }
    fs::read_to_string(path).map_err(|error| error.to_string())
}
