//! `people.toml` as it is written, and its reading with every fault of it.

use chrono::NaiveDateTime;
use serde::Deserialize;
use serde::de::{self, Deserializer};
use toml::Spanned;

use super::keypad::keys_of_name;
use super::place::{RawPlace, ready_place};
use super::{Directory, Duty, Person};
use crate::desk::notifications::NotifyChannel;
use crate::desk::secret_hash::SecretHash;
use crate::types::{Lang, Reader};

/// People in one directory.
const PEOPLE_MAX: usize = 10_000;
/// RFC 5321 section 4.5.3.1.3.
const EMAIL_BYTES_MAX: usize = 254;
/// Places in one person's hunt list.
const HUNT_MAX: usize = 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDirectory {
    #[serde(default)]
    person: Vec<Spanned<RawPerson>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPerson {
    extension: Spanned<String>,
    name: Spanned<String>,
    pinyin: Option<Spanned<String>>,
    prompt: Option<String>,
    department: Option<String>,
    present: Option<Spanned<bool>>,
    absent_until: Option<Spanned<LocalTime>>,
    #[serde(default)]
    do_not_disturb: bool,
    #[serde(default)]
    hunt: Vec<Spanned<RawPlace>>,
    #[serde(default)]
    number_may_be_given: bool,
    #[serde(default)]
    duty: Vec<Duty>,
    pin: Option<Spanned<String>>,
    email: Option<Spanned<String>>,
    notify: Option<Vec<Spanned<NotifyChannel>>>,
    language: Option<Spanned<String>>,
}

/// A time in quotes, on the desk's clock.
struct LocalTime(NaiveDateTime);

impl<'de> Deserialize<'de> for LocalTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M");
        let wrong = |_| de::Error::custom(format!("`{text}` is no time; write it like \"2026-11-27 18:00\""));
        time.map(LocalTime).map_err(wrong)
    }
}

pub(super) fn ready(raw: RawDirectory, reader: &mut Reader<'_>) -> Directory {
    if raw.person.len() > PEOPLE_MAX {
        reader.problem(None, format!("there are {} people", raw.person.len()), format!("write at most {PEOPLE_MAX}"));
        return Directory::default();
    }
    let mut people: Vec<Person> = Vec::with_capacity(raw.person.len());
    let mut lines = std::collections::BTreeMap::new();
    for person in raw.person {
        let at = person.get_ref().extension.span().start;
        let person = ready_person(person.into_inner(), reader);
        if let Some(first) = lines.insert(person.extension.clone(), person.line) {
            let what = format!("extension {} stands twice, first in line {first}", person.extension);
            reader.problem(Some(at), what, "give each person an extension of their own");
        }
        people.push(person);
    }
    people.sort_by(|a, b| a.extension.cmp(&b.extension));
    Directory { people }
}

fn ready_person(raw: RawPerson, reader: &mut Reader<'_>) -> Person {
    let at = raw.extension.span().start;
    let line = reader.line(at);
    let extension = raw.extension.into_inner();
    if extension.is_empty() || extension.len() > 8 || !extension.bytes().all(|b| b.is_ascii_digit()) || extension == "0"
    {
        let what = format!("`{extension}` can't be keyed as an extension");
        reader.problem(Some(at), what, "write 1 to 8 digits in quotes, not \"0\" alone (that is a human)");
    }
    let name_at = Some(raw.name.span().start);
    let name = raw.name.into_inner().trim().to_owned();
    if name.is_empty() {
        reader.problem(name_at, format!("extension {extension} has no name"), "write name = \"张伟\"");
    }
    let pinyin = raw.pinyin.as_ref().map(|p| p.get_ref().as_str());
    let keys = keys_of_name(&name, pinyin);
    if keys.is_empty() && !name.is_empty() {
        let keyed = pinyin.unwrap_or(&name);
        let what = format!("`{keyed}` gives no letters for the keypad");
        reader.problem(raw.pinyin.as_ref().map(|p| p.span().start).or(name_at), what, "write pinyin = \"Zhang Wei\"");
    }
    if raw.hunt.len() > HUNT_MAX {
        let at = raw.hunt.first().map(|p| p.span().start);
        reader.problem(
            at,
            format!("extension {extension} has {} places", raw.hunt.len()),
            format!("write at most {HUNT_MAX}"),
        );
    }
    if let (Some(present), Some(_)) = (&raw.present, &raw.absent_until) {
        let what = format!("extension {extension} has both `present` and `absent_until`");
        reader.problem(Some(present.span().start), what, "keep one of them: absent_until ends by itself");
    }
    let email = raw.email.and_then(|email| ready_email(email, &extension, reader));
    let notify = ready_notify(raw.notify, email.is_some(), &extension, reader);
    let language = raw.language.and_then(|language| ready_language(&language, reader));
    let pin = raw.pin.and_then(|pin| ready_pin(&pin, &extension, reader));
    let hunt = raw.hunt.into_iter().map(|place| ready_place(place, reader)).collect();
    Person {
        extension,
        name,
        department_keys: raw.department.as_deref().map(|name| keys_of_name(name, None)).unwrap_or_default(),
        department: raw.department,
        present: raw.present.is_none_or(Spanned::into_inner),
        absent_until: raw.absent_until.map(|until| until.into_inner().0),
        do_not_disturb: raw.do_not_disturb,
        hunt,
        number_may_be_given: raw.number_may_be_given,
        duty: raw.duty,
        pin,
        email,
        notify,
        language,
        prompt: raw.prompt,
        keys,
        line,
    }
}

/// What no mail server takes is found here: one `@`, something before it, a name of a host after it, and no more.
fn ready_email(email: Spanned<String>, extension: &str, reader: &mut Reader<'_>) -> Option<String> {
    let at = email.span().start;
    let email = email.into_inner();
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\\\"".contains(c);
    let host = |host: &str| {
        !host.is_empty()
            && host.split('.').all(|label| !label.is_empty())
            && host.chars().all(|c| c.is_alphanumeric() || ".-".contains(c))
    };
    let good = email.len() <= EMAIL_BYTES_MAX
        && email.chars().filter(|c| *c == '@').count() == 1
        && email.split_once('@').is_some_and(|(user, name)| !user.is_empty() && user.chars().all(plain) && host(name));
    if !good {
        let what = format!("`{email}` of extension {extension} is no e-mail address");
        reader.problem(Some(at), what, "write it like \"zhangwei@example.com\"");
        return None;
    }
    Some(email)
}

fn ready_notify(
    notify: Option<Vec<Spanned<NotifyChannel>>>,
    has_email: bool,
    extension: &str,
    reader: &mut Reader<'_>,
) -> Vec<NotifyChannel> {
    let Some(written) = notify else { return vec![NotifyChannel::Email] };
    let mut ways: Vec<NotifyChannel> = Vec::new();
    for way in written {
        let (at, way) = (way.span().start, way.into_inner());
        match way {
            NotifyChannel::Webhook => {
                reader.problem(
                    Some(at),
                    "a person is no webhook",
                    "write \"email\", \"sip\" or both, or [] for neither",
                );
            }
            NotifyChannel::Email if !has_email => {
                let what = format!("extension {extension} is to be told by e-mail, and has no address");
                reader.problem(Some(at), what, "write email = \"zhangwei@example.com\", or take \"email\" out");
            }
            way if ways.contains(&way) => {}
            way => ways.push(way),
        }
    }
    ways
}

fn ready_language(language: &Spanned<String>, reader: &mut Reader<'_>) -> Option<Lang> {
    let code = language.get_ref();
    if code.len() > 8 || code.is_empty() || !code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
        reader.problem(Some(language.span().start), format!("`{code}` is no language"), "write \"zh\" or \"en\"");
        return None;
    }
    Some(Lang::new(code))
}

fn ready_pin(pin: &Spanned<String>, extension: &str, reader: &mut Reader<'_>) -> Option<SecretHash> {
    let hash = SecretHash::parse(pin.get_ref());
    if let Err(fault) = &hash {
        // What stands there may be the PIN itself: it is not shown.
        let remedy = format!("write what `frontdesk people pin {extension}` gives");
        reader.problem(Some(pin.span().start), format!("the pin of extension {extension} is {fault}"), remedy);
    }
    hash.ok()
}
