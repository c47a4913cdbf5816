//! `[desk]`: who answers, where, and in which languages.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use super::keys::{Key, SectionKeys};
use super::reader::{Fault, Section};
use crate::types::{Lang, did_you_mean};

pub const KEYS: SectionKeys = SectionKeys {
    name: "desk",
    en: "Who answers, where, and in which languages.",
    zh: "由谁接听、在何地、说哪些语言。",
    keys: &[
        Key {
            name: "name",
            default: Some("\"光明物业项目服务机构\""),
            example: "\"光明物业项目服务机构\"",
            en: "The desk's name as it is said in the greeting (R3). After changing it, `frontdesk prompts build` \
                 makes the greeting anew.",
            zh: "问候语中报出的服务机构名称（R3）。修改后用 `frontdesk prompts build` 重新生成问候语。",
        },
        Key {
            name: "names",
            default: Some("{}"),
            example: "{ en = \"Guangming Property Services\" }",
            en: "The name in other languages, by language: `[desk.names]` with `en = \"...\"`. `name` stands in for \
                 those left out.",
            zh: "其他语言的名称，按语言填写：`[desk.names]` 下写 `en = \"...\"`。未填写的语言用 `name`。",
        },
        Key {
            name: "time_zone",
            default: Some("\"Asia/Shanghai\""),
            example: "\"Asia/Shanghai\"",
            en: "IANA name of the desk's time zone: hours, ticket numbers and reports go by it.",
            zh: "服务机构所在时区的 IANA 名称：服务时间、单号和报表均按此时区。",
        },
        Key {
            name: "languages",
            default: Some("[\"zh\", \"en\"]"),
            example: "[\"zh\", \"en\"]",
            en: "Languages of the line, the first one at the start of a call. Each is a folder of prompts.",
            zh: "热线使用的语言，通话以第一种开始。每种语言对应一个提示音文件夹。",
        },
    ],
};

/// Longest name in characters, so that the greeting stays within its 15 seconds.
const NAME_CHARS_MAX: usize = 60;
/// Key 8 leads from one language to the next: more than these nobody would page through.
const LANGUAGES_MAX: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desk {
    pub name: String,
    /// Names in languages other than the first; see `name_in`.
    pub names: BTreeMap<Lang, String>,
    pub time_zone: Tz,
    /// Never empty, no language twice.
    pub languages: Vec<Lang>,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            name: "光明物业项目服务机构".to_owned(),
            names: BTreeMap::new(),
            time_zone: chrono_tz::Asia::Shanghai,
            languages: vec![Lang::new("zh"), Lang::new("en")],
        }
    }
}

impl Desk {
    /// The desk's name in a language.
    pub fn name_in(&self, lang: &Lang) -> &str {
        self.names.get(lang).unwrap_or(&self.name)
    }

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let default = Self::default();
        let desk = Self {
            name: section.text("name", name).unwrap_or(default.name),
            names: section.names("names", named_language).map_or(default.names, BTreeMap::from_iter),
            time_zone: section.text("time_zone", time_zone).unwrap_or(default.time_zone),
            languages: section.list("languages", language).unwrap_or(default.languages),
        };
        desk.check_languages(&mut section);
        desk
    }

    fn check_languages(&self, section: &mut Section<'_>) {
        if let Some(place) = section.place("languages") {
            if self.languages.is_empty() || self.languages.len() > LANGUAGES_MAX {
                let what = format!("languages has {} entries", self.languages.len());
                section.fault(&place, Fault::new(what, format!("name 1 to {LANGUAGES_MAX} languages")));
            }
            for (i, lang) in self.languages.iter().enumerate() {
                if self.languages[..i].contains(lang) {
                    section
                        .fault(&place, Fault::new(format!("the language {lang} is there twice"), "keep one of them"));
                }
            }
        }
        let strangers: Vec<_> = self.names.keys().filter(|lang| !self.languages.contains(lang)).collect();
        if let Some(place) = section.place("names") {
            for lang in strangers {
                let what = format!("names has {lang}, which is not among the languages");
                section.fault(&place, Fault::new(what, format!("add \"{lang}\" to languages, or take its name out")));
            }
        }
    }
}

fn name(text: &str) -> Result<String, Fault> {
    let chars = text.chars().count();
    if text.trim().is_empty() {
        return Err(Fault::new("the desk has an empty name", "write name = \"光明物业项目服务机构\""));
    }
    if chars > NAME_CHARS_MAX {
        let what = format!("the name has {chars} characters");
        return Err(Fault::new(what, format!("write at most {NAME_CHARS_MAX}, it is said in every greeting")));
    }
    if text.chars().any(char::is_control) {
        return Err(Fault::new("the name has control characters", "write it on one line"));
    }
    Ok(text.trim().to_owned())
}

fn named_language(code: &str, text: &str) -> Result<(Lang, String), Fault> {
    Ok((language(code)?, name(text)?))
}

fn language(code: &str) -> Result<Lang, Fault> {
    let right = (2..=8).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    if right {
        Ok(Lang::new(code))
    } else {
        Err(Fault::new(format!("{code:?} is no language"), "write its code in small letters, such as \"zh\" or \"en\""))
    }
}

fn time_zone(text: &str) -> Result<Tz, Fault> {
    text.parse().map_err(|_| {
        let near = did_you_mean(text, chrono_tz::TZ_VARIANTS.iter().map(|tz| tz.name()));
        let remedy = match near {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "write an IANA name such as \"Asia/Shanghai\"".to_owned(),
        };
        Fault::new(format!("there is no time zone {text:?}"), remedy)
    })
}
