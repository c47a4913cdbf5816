//! The directory (`people.toml`): who can be asked for, and how callers key them (R14, R16, R17).

use std::collections::BTreeSet;
use std::fmt;

use pinyin::ToPinyin;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::DeValue;

use super::hours::Span;
use super::pin::PinHash;
use crate::types::{Problem, Reader};

/// People in one directory.
const PEOPLE_MAX: usize = 10_000;
/// People that one lookup finds at most: as many as can be read out.
pub const MATCHES_MAX: usize = 8;
/// Places in one person's hunt list.
const HUNT_MAX: usize = 16;
/// Readings of one name: characters with several multiply.
const READINGS_MAX: usize = 16;

/// What a person may be called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    Receptionist,
    Emergency,
    Engineer,
}

/// One place to try. In JSON as in the file: a string, or an object when there is more to it than the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub uri: String,
    /// Seconds that it rings; the desk's own when null.
    pub ring_s: Option<u16>,
    /// Only then, in the desk's time zone.
    pub hours: Option<Span>,
    /// Together with the places before it, not after them.
    pub all_at_once: bool,
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.ring_s.is_none() && self.hours.is_none() && !self.all_at_once {
            return self.uri.serialize(serializer);
        }
        let mut place = serializer.serialize_struct("Place", 4)?;
        place.serialize_field("uri", &self.uri)?;
        place.serialize_field("ring_s", &self.ring_s)?;
        place.serialize_field("hours", &self.hours.map(|span| span.to_string()))?;
        place.serialize_field("all_at_once", &self.all_at_once)?;
        place.end()
    }
}

/// One person, ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub extension: String,
    pub name: String,
    pub department: Option<String>,
    pub present: bool,
    pub hunt: Vec<Place>,
    pub number_may_be_given: bool,
    pub duty: Vec<Duty>,
    /// A hash, made by `frontdesk people pin`.
    pub pin: Option<PinHash>,
    /// Prompt id of the name's recording.
    pub prompt: Option<String>,
    /// Digits that the name can be keyed with: all of it and its initials, in every reading.
    pub keys: Vec<String>,
    /// 1-based line.
    pub line: usize,
}

/// Everyone, by extension.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directory {
    people: Vec<Person>,
}

impl Directory {
    /// Every fault at once, by line.
    pub fn parse(text: &str, file: &str) -> Result<Directory, Vec<Problem>> {
        let mut reader = Reader::new(text, file);
        let document = Spanned::new(0..0, DeValue::Table(reader.document()));
        let directory = reader.read::<RawDirectory>("people", &document).map(|raw| ready(raw, &mut reader));
        reader.finish(directory)
    }

    /// The built-in people (`config/people.toml`).
    pub fn default_text() -> &'static str {
        include_str!("../../config/people.toml")
    }

    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// The one with exactly this extension; else those whose keys begin with these digits, whole keys first, at most eight.
    pub fn find(&self, digits: &str) -> Vec<&Person> {
        if digits.is_empty() {
            return Vec::new();
        }
        if let Ok(at) = self.people.binary_search_by(|p| p.extension.as_str().cmp(digits)) {
            return vec![&self.people[at]];
        }
        let mut found: Vec<&Person> =
            self.people.iter().filter(|p| p.keys.iter().any(|k| k.starts_with(digits))).collect();
        found.sort_by_key(|p| !p.keys.iter().any(|k| k == digits));
        found.truncate(MATCHES_MAX);
        found
    }
}

/// The key of a telephone that carries a letter (ITU-T E.161).
pub fn keypad(letter: char) -> Option<char> {
    Some(match letter.to_ascii_lowercase() {
        'a'..='c' => '2',
        'd'..='f' => '3',
        'g'..='i' => '4',
        'j'..='l' => '5',
        'm'..='o' => '6',
        'p'..='s' => '7',
        't'..='v' => '8',
        'w'..='z' => '9',
        '0'..='9' => letter,
        _ => return None,
    })
}

/// Digits that a name can be keyed with, in the order of the digits; `pinyin` is read in its place where it is given.
pub fn keys_of_name(name: &str, pinyin: Option<&str>) -> Vec<String> {
    let mut keys = BTreeSet::new();
    let is_latin = name.chars().all(|c| sounds_of(c).is_empty());
    for syllables in readings(pinyin.unwrap_or(name)) {
        let key = |words: &[String]| words.concat().chars().filter_map(keypad).collect::<String>();
        let initials = |words: &[String]| words.iter().filter_map(|w| w.chars().next()).filter_map(keypad).collect();
        keys.insert(key(&syllables));
        keys.insert(initials(&syllables));
        // A Latin name may be looked for by its last word: Smith, Anna.
        if is_latin && syllables.len() > 1 {
            let mut turned = syllables;
            turned.rotate_right(1);
            keys.insert(key(&turned));
            keys.insert(initials(&turned));
        }
    }
    keys.into_iter().filter(|k| !k.is_empty()).collect()
}

/// A name's syllables and words in Latin letters, in every way that it can be read.
fn readings(name: &str) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    let mut in_word = false;
    for c in name.chars() {
        let sounds = sounds_of(c);
        if !sounds.is_empty() {
            in_word = false;
            let room = READINGS_MAX / all.len();
            let with = |sound: &String| {
                all.iter().map(|r| [r.as_slice(), std::slice::from_ref(sound)].concat()).collect::<Vec<_>>()
            };
            all = sounds.iter().take(room.max(1)).flat_map(with).collect();
        } else if let Some(letter) = plain_letter(c) {
            for reading in &mut all {
                match reading.last_mut().filter(|_| in_word) {
                    Some(word) => word.push(letter),
                    None => reading.push(letter.to_string()),
                }
            }
            in_word = true;
        } else if c != '\'' {
            in_word = false;
        }
    }
    all
}

/// Characters that are read otherwise in names, beside what the dictionary says: callers key either.
const READ_IN_NAMES: &[(char, &str)] = &[
    ('单', "shan"),
    ('曾', "zeng"),
    ('解', "xie"),
    ('仇', "qiu"),
    ('区', "ou"),
    ('查', "zha"),
    ('任', "ren"),
    ('盖', "ge"),
    ('朴', "piao"),
    ('翟', "zhai"),
    ('尉', "yu"),
    ('乐', "yue"),
    ('乐', "le"),
    ('覃', "qin"),
    ('覃', "tan"),
    ('缪', "miao"),
    ('长', "zhang"),
    ('长', "chang"),
    ('员', "yun"),
    ('召', "shao"),
    ('折', "she"),
    ('黑', "he"),
    ('种', "chong"),
    ('重', "chong"),
    ('句', "gou"),
    ('冼', "xian"),
    ('洗', "xian"),
    ('行', "xing"),
    ('朝', "zhao"),
    ('朝', "chao"),
    ('茜', "qian"),
    ('茜', "xi"),
    ('晟', "sheng"),
    ('晟', "cheng"),
    ('柏', "bai"),
    ('沈', "shen"),
    ('卜', "bu"),
    ('万', "wan"),
    ('宁', "ning"),
    ('华', "hua"),
];

/// Pinyin of a character without tones, the usual reading first; none for others.
fn sounds_of(c: char) -> Vec<String> {
    let mut sounds: Vec<String> = c.to_pinyin().map(|p| latin(p.plain())).into_iter().collect();
    for (_, sound) in READ_IN_NAMES.iter().filter(|(other, _)| *other == c) {
        if !sounds.iter().any(|s| s == sound) {
            sounds.push((*sound).to_owned());
        }
    }
    sounds
}

/// `ü` is keyed as `v` or `u`, which are the same key.
fn latin(pinyin: &str) -> String {
    pinyin.replace('ü', "v")
}

fn plain_letter(c: char) -> Option<char> {
    let plain = match c {
        'à'..='å' | 'À'..='Å' => 'a',
        'ç' | 'Ç' => 'c',
        'è'..='ë' | 'È'..='Ë' => 'e',
        'ì'..='ï' | 'Ì'..='Ï' => 'i',
        'ñ' | 'Ñ' => 'n',
        'ò'..='ö' | 'Ò'..='Ö' | 'ø' | 'Ø' => 'o',
        'ù'..='ü' | 'Ù'..='Ü' => 'u',
        other => other,
    };
    plain.is_ascii_alphanumeric().then(|| plain.to_ascii_lowercase())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDirectory {
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
    #[serde(default = "yes")]
    present: bool,
    #[serde(default)]
    hunt: Vec<Spanned<RawPlace>>,
    #[serde(default)]
    number_may_be_given: bool,
    #[serde(default)]
    duty: Vec<Duty>,
    pin: Option<Spanned<String>>,
}

fn yes() -> bool {
    true
}

/// `"sip:..."`, or a table.
struct RawPlace(PlaceTable);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceTable {
    uri: String,
    ring_s: Option<u16>,
    hours: Option<Span>,
    #[serde(default)]
    all_at_once: bool,
}

impl<'de> Deserialize<'de> for RawPlace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = RawPlace;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"sip:user@host\" or { uri = \"sip:user@host\", ring_s = 20 }")
            }

            fn visit_str<E: de::Error>(self, uri: &str) -> Result<RawPlace, E> {
                Ok(RawPlace(PlaceTable { uri: uri.to_owned(), ring_s: None, hours: None, all_at_once: false }))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawPlace, A::Error> {
                PlaceTable::deserialize(de::value::MapAccessDeserializer::new(map)).map(RawPlace)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

fn ready(raw: RawDirectory, reader: &mut Reader<'_>) -> Directory {
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
    let pin = raw.pin.and_then(|pin| ready_pin(&pin, &extension, reader));
    let hunt = raw.hunt.into_iter().map(|place| ready_place(place, reader)).collect();
    Person {
        extension,
        name,
        department: raw.department,
        present: raw.present,
        hunt,
        number_may_be_given: raw.number_may_be_given,
        duty: raw.duty,
        pin,
        prompt: raw.prompt,
        keys,
        line,
    }
}

fn ready_pin(pin: &Spanned<String>, extension: &str, reader: &mut Reader<'_>) -> Option<PinHash> {
    let hash = PinHash::parse(pin.get_ref());
    if let Err(fault) = &hash {
        // What stands there may be the PIN itself: it is not shown.
        let remedy = format!("write what `frontdesk people pin {extension}` gives");
        reader.problem(Some(pin.span().start), format!("the pin of extension {extension} is {fault}"), remedy);
    }
    hash.ok()
}

fn ready_place(raw: Spanned<RawPlace>, reader: &mut Reader<'_>) -> Place {
    let at = Some(raw.span().start);
    let PlaceTable { uri, ring_s, hours, all_at_once } = raw.into_inner().0;
    if !is_sip_uri(&uri) {
        reader.problem(at, format!("`{uri}` is no SIP address"), "write it like \"sip:201@192.0.2.5:5060\"");
    }
    if ring_s.is_some_and(|s| !(1..=300).contains(&s)) {
        reader.problem(at, format!("`{uri}` can't ring so long"), "write ring_s between 1 and 300");
    }
    Place { uri, ring_s, hours, all_at_once }
}

/// `sip:` or `sips:`, a user and a host, no spaces: what the SIP room will read more closely.
fn is_sip_uri(uri: &str) -> bool {
    let lower = uri.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix("sip:").or_else(|| lower.strip_prefix("sips:")) else { return false };
    let Some((user, host)) = rest.split_once('@') else { return false };
    let clean = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && !"<>\"@".contains(c));
    clean(user) && clean(host) && host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> Directory {
        Directory::parse(Directory::default_text(), "built-in people").expect("it is good")
    }

    fn found(digits: &str) -> Vec<String> {
        directory().find(digits).iter().map(|p| p.extension.clone()).collect()
    }

    #[test]
    fn an_extension_goes_before_names() {
        assert_eq!(found("201"), ["201"]);
        assert_eq!(found(""), Vec::<String>::new());
        assert_eq!(found("555"), Vec::<String>::new());
    }

    #[test]
    fn a_name_is_found_by_all_of_its_pinyin_its_beginning_or_its_initials() {
        assert_eq!(found("94264934"), ["201"], "zhangwei");
        assert_eq!(found("94264"), ["201"], "zhang");
        assert_eq!(found("99"), ["201", "202"], "zw is Zhang Wei and Zhou Wei");
        assert_eq!(found("98"), Vec::<String>::new(), "wu: nobody");
        assert_eq!(found("93"), ["100"], "wf: Wang Fang");
    }

    #[test]
    fn a_latin_name_is_found_by_first_or_last_name() {
        assert_eq!(found("2662"), ["302"], "anna");
        assert_eq!(found("76484"), ["302"], "smith");
        assert_eq!(found("27"), ["302"], "as");
    }

    #[test]
    fn pinyin_overrides_and_every_reading_of_a_character_is_keyed() {
        assert!(keys_of_name("单雄", None).contains(&"742694664".to_owned()), "shan xiong");
        assert!(keys_of_name("吕布", None).contains(&"5828".to_owned()), "lü bu");
        assert_eq!(keys_of_name("José Ibáñez", None), keys_of_name("Jose Ibanez", None));
        let text = "[[person]]\nextension = \"1\"\nname = \"盖聂\"\npinyin = \"Ge Nie\"\n";
        let people = Directory::parse(text, "p.toml").expect("it is good");
        assert_eq!(people.people()[0].keys, ["43643", "46"]);
    }

    #[test]
    fn at_most_eight_are_found() {
        let text: String =
            (0..30).map(|n| format!("[[person]]\nextension = \"{}\"\nname = \"王{n}\"\n", 500 + n)).collect();
        let people = Directory::parse(&text, "p.toml").expect("it is good");
        assert_eq!(people.find("9264").len(), MATCHES_MAX);
    }

    #[test]
    fn all_faults_are_told_with_their_lines() {
        let text = r#"[[person]]
extension = "201"
name = "张伟"
hunt = ["201@host", { uri = "sip:a@b", ring_s = 0 }]
[[person]]
extension = "201"
name = " "
[[person]]
extension = "2o3"
name = "★"
pin = "4711"
dutty = ["engineer"]
duty = ["enginer"]
"#;
        let faults: Vec<String> =
            Directory::parse(text, "p.toml").expect_err("it has faults").iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "p.toml:12: people: unknown word `dutty`; did you mean `duty`?",
                "p.toml:13: people: unknown word `enginer`; did you mean `engineer`?",
            ]
        );
        let text = text.replace("dutty = [\"engineer\"]\nduty = [\"enginer\"]\n", "");
        let faults: Vec<String> =
            Directory::parse(&text, "p.toml").expect_err("it has faults").iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "p.toml:4: `201@host` is no SIP address; write it like \"sip:201@192.0.2.5:5060\"",
                "p.toml:4: `sip:a@b` can't ring so long; write ring_s between 1 and 300",
                "p.toml:6: extension 201 stands twice, first in line 2; give each person an extension of their own",
                "p.toml:7: extension 201 has no name; write name = \"张伟\"",
                "p.toml:9: `2o3` can't be keyed as an extension; write 1 to 8 digits in quotes, not \"0\" alone (that is a human)",
                "p.toml:10: `★` gives no letters for the keypad; write pinyin = \"Zhang Wei\"",
                "p.toml:11: the pin of extension 2o3 is no hash of a PIN (`$argon2id$...`); write what `frontdesk people pin 2o3` gives",
            ]
        );
    }
}
