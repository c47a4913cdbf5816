//! The directory (`people.toml`): who can be asked for, and how callers key them (R14, R16, R17).

//!
//! - `keypad`: names and departments as digits.
//! - `place`: where a person is rung.
//! - `raw`: the file as it is written.

mod keypad;
mod place;
mod raw;

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::DeValue;
use utoipa::ToSchema;

pub use keypad::{keypad, keys_of_name};
pub use place::{Place, PlaceTarget};

use super::notifications::NotifyChannel;
use super::secret_hash::SecretHash;
use super::told::{Told, told};
use super::words::words;
use crate::types::{Lang, Problem, Reader};

/// People that one lookup finds at most: more nobody listens to.
pub const FOUND_MAX: usize = 64;
/// Keys from which on the beginning of a department's name is one: a single key would be half of them.
const DEPARTMENT_KEYS_MIN: usize = 2;

/// What a person may be called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    Receptionist,
    Emergency,
    Engineer,
    /// Is told what is overdue, and what nobody took (R19, R26).
    Supervisor,
}

words!(Duty {
    Receptionist => "receptionist",
    Emergency => "emergency",
    Engineer => "engineer",
    Supervisor => "supervisor",
});

/// One person, ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub extension: String,
    pub name: String,
    pub department: Option<String>,
    /// As the file says; see `presence` for how it is now.
    pub present: bool,
    /// Absent until then, in the desk's time zone.
    pub absent_until: Option<NaiveDateTime>,
    pub do_not_disturb: bool,
    pub hunt: Vec<Place>,
    pub number_may_be_given: bool,
    pub duty: Vec<Duty>,
    /// A hash, made by `frontdesk people pin`.
    pub pin: Option<SecretHash>,
    /// Where e-mails go.
    pub email: Option<String>,
    /// By which ways they are told what concerns them, besides telephone calls.
    pub notify: Vec<NotifyChannel>,
    /// What they read; the desk's where there is none.
    pub language: Option<Lang>,
    /// Prompt id of the name's recording.
    pub prompt: Option<String>,
    /// Digits that the name can be keyed with: all of it and its initials, in every reading.
    pub keys: Vec<String>,
    /// Digits that the department can be keyed with, in the same way.
    pub department_keys: Vec<String>,
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
        let directory = reader.read::<raw::RawDirectory>("people", &document).map(|raw| raw::ready(raw, &mut reader));
        reader.finish(directory)
    }

    /// The built-in people (`config/people.toml`).
    pub fn default_text() -> &'static str {
        include_str!("../../../config/people.toml")
    }

    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// Who has exactly this extension.
    pub fn person(&self, extension: &str) -> Option<&Person> {
        let at = self.people.binary_search_by(|p| p.extension.as_str().cmp(extension)).ok()?;
        Some(&self.people[at])
    }

    /// Whom somebody means who writes an extension, a name or a part of it, or both: `201`, `张伟`, `张伟 201`.
    ///
    /// # Errors
    /// That it is nobody, or several.
    pub fn meant(&self, text: &str) -> Result<&Person, Told> {
        let text = text.trim();
        let last = text.rsplit(char::is_whitespace).next().unwrap_or_default();
        if let Some(person) = self.person(last) {
            return Ok(person);
        }
        let lower = text.to_lowercase();
        let within = |person: &&Person| !text.is_empty() && person.name.to_lowercase().contains(&lower);
        let named: Vec<&Person> = self.people.iter().filter(within).collect();
        let exact: Vec<&Person> = named.iter().copied().filter(|person| person.name == text).collect();
        match (exact.as_slice(), named.as_slice()) {
            ([one], _) | (_, [one]) => Ok(one),
            (_, []) => Err(told!("没有这个分机或姓名", "nobody has that extension or name")),
            _ => Err(told!("有几个人叫这个名字：请用分机", "several have that name: use the extension")),
        }
    }

    /// The one with exactly this extension; else those whose name is or begins with these keys, and those whose department
    /// is, whole keys first; where there are none, those of a department that begins with them.
    pub fn find(&self, digits: &str) -> Vec<&Person> {
        if digits.is_empty() {
            return Vec::new();
        }
        if let Some(person) = self.person(digits) {
            return vec![person];
        }
        let mut found: Vec<(Fit, &Person)> =
            self.people.iter().filter_map(|person| Some((fit(person, digits)?, person))).collect();
        found.sort_by_key(|(fit, _)| *fit);
        if found.first().is_some_and(|(fit, _)| *fit < Fit::Department) {
            found.retain(|(fit, _)| *fit < Fit::Department);
        }
        found.truncate(FOUND_MAX);
        found.into_iter().map(|(_, person)| person).collect()
    }
}

/// How keys fit a person, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    WholeName,
    WholeDepartment,
    Name,
    Department,
}

fn fit(person: &Person, digits: &str) -> Option<Fit> {
    let is = |keys: &[String]| keys.iter().any(|key| key == digits);
    let begins = |keys: &[String]| keys.iter().any(|key| key.starts_with(digits));
    if is(&person.keys) {
        Some(Fit::WholeName)
    } else if is(&person.department_keys) {
        Some(Fit::WholeDepartment)
    } else if begins(&person.keys) {
        Some(Fit::Name)
    } else {
        let begins = digits.len() >= DEPARTMENT_KEYS_MIN && begins(&person.department_keys);
        begins.then_some(Fit::Department)
    }
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
    fn a_lookup_has_an_end() {
        let text: String =
            (0..100).map(|n| format!("[[person]]\nextension = \"{}\"\nname = \"王{n}\"\n", 500 + n)).collect();
        let people = Directory::parse(&text, "p.toml").expect("it is good");
        assert_eq!(people.find("9264").len(), FOUND_MAX);
    }

    #[test]
    fn a_department_is_found_as_names_are_and_after_them() {
        assert_eq!(found("422"), ["201", "202"], "gcb: 工程部");
        assert_eq!(found("466"), ["201", "202"], "gon...");
        assert_eq!(found("42"), ["201", "202"], "the beginning of its initials");
        assert_eq!(found("4"), Vec::<String>::new(), "one key is no department");
        assert_eq!(found("543"), ["100", "101"], "khf...: 客户服务中心");
        assert_eq!(found("99"), ["201", "202"], "a name goes before zx...: 秩序维护部");
        let text = "[[person]]\nextension = \"1\"\nname = \"李明\"\ndepartment = \"客服\"\n\
                    [[person]]\nextension = \"2\"\nname = \"柯凡\"\ndepartment = \"工程部\"\n\
                    [[person]]\nextension = \"3\"\nname = \"康福来\"\n";
        let people = Directory::parse(text, "p.toml").expect("it is good");
        let found: Vec<&str> = people.find("53").iter().map(|p| p.extension.as_str()).collect();
        assert_eq!(found, ["2", "1", "3"], "kf: a whole name, a whole department, a name's beginning");
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
                "p.toml:4: `201@host` is no place that can be rung; write it like \"sip:201@192.0.2.5:5060\", \"sip:100@frontdesk\" or \"tel:13800138000\"",
                "p.toml:4: `sip:a@b` can't ring so long; write ring_s between 1 and 300",
                "p.toml:6: extension 201 stands twice, first in line 2; give each person an extension of their own",
                "p.toml:7: extension 201 has no name; write name = \"张伟\"",
                "p.toml:9: `2o3` can't be keyed as an extension; write 1 to 8 digits in quotes, not \"0\" alone (that is a human)",
                "p.toml:10: `★` gives no letters for the keypad; write pinyin = \"Zhang Wei\"",
                "p.toml:11: the pin of extension 2o3 is no hash of a secret (`$argon2id$...`); write what `frontdesk people pin 2o3` gives",
            ]
        );
    }
}
