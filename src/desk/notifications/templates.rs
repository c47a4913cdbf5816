//! The words of notifications (`notices.toml`): one subject and one text for each kind and language.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;
use toml::de::DeValue;

use crate::desk::words::words;
use crate::types::{Lang, Problem, Reader, did_you_mean};

/// Longer subjects are cut: they are one line of a header.
const SUBJECT_CHARS_MAX: usize = 150;
/// Longer texts are cut.
const TEXT_CHARS_MAX: usize = 8_000;
/// No word that is filled in is longer.
const FACT_CHARS_MAX: usize = 2_000;

/// What a notification is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// To whom a message was left for (R5).
    MessageLeft,
    /// To supervisors: nobody has confirmed it (R5).
    MessageUnconfirmed,
    /// To those on duty (R26).
    TicketNew,
    /// To whoever has it now (R13).
    TicketYours,
    /// To its owner: three quarters of a clock's time are over.
    TicketLate,
    /// To its owner (R37).
    TicketReopened,
    /// To supervisors (R41).
    Alarm,
    /// `frontdesk notifications trial`.
    Trial,
}

words!(NoticeKind {
    MessageLeft => "message_left",
    MessageUnconfirmed => "message_unconfirmed",
    TicketNew => "ticket_new",
    TicketYours => "ticket_yours",
    TicketLate => "ticket_late",
    TicketReopened => "ticket_reopened",
    Alarm => "alarm",
    Trial => "trial",
});

/// The words in braces.
const PLACEHOLDERS: &[&str] = &[
    "about",
    "callback",
    "category",
    "description",
    "desk",
    "due",
    "duration",
    "from",
    "from_name",
    "id",
    "kind",
    "note",
    "number",
    "owner",
    "person",
    "place",
    "resident",
    "stage",
    "time",
    "urgency",
    "wanted",
];

/// What is filled in; what is missing is empty.
pub type Facts = BTreeMap<&'static str, String>;

/// Subject and text, filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Template {
    subject: String,
    text: String,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Templates {
    by_kind: BTreeMap<(NoticeKind, Lang), Template>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTemplate {
    subject: Spanned<String>,
    text: Spanned<String>,
}

type RawTemplates = BTreeMap<NoticeKind, BTreeMap<String, RawTemplate>>;

impl Templates {
    /// The built-in words, with those of this file in their place. Every fault of it, by line.
    pub fn parse(text: &str, file: &str) -> Result<Templates, Vec<Problem>> {
        let mut templates = Self::built_in();
        templates.by_kind.extend(read(text, file)?);
        Ok(templates)
    }

    pub fn default_text() -> &'static str {
        include_str!("../../../config/notices.toml")
    }

    /// Those of `config/notices.toml`.
    pub fn built_in() -> Templates {
        Templates { by_kind: read(Self::default_text(), "built-in notices").unwrap_or_default() }
    }

    /// In that language, or in the first one that there is.
    pub fn render(&self, kind: NoticeKind, lang: &Lang, facts: &Facts) -> Rendered {
        let own = self.by_kind.get(&(kind, lang.clone()));
        let any = || self.by_kind.iter().find(|((of, _), _)| *of == kind).map(|(_, template)| template);
        let Some(template) = own.or_else(any) else {
            return Rendered { subject: kind.to_string(), text: String::new() };
        };
        let subject = fill(&template.subject, facts).0;
        let lines = template.text.lines().filter_map(|line| {
            let (filled, is_empty) = fill(line, facts);
            (!is_empty).then(|| filled.trim_end().to_owned())
        });
        let text: Vec<String> = lines.collect();
        Rendered {
            subject: shortened(&on_one_line(&subject), SUBJECT_CHARS_MAX),
            text: shortened(text.join("\n").trim(), TEXT_CHARS_MAX) + "\n",
        }
    }
}

fn read(text: &str, file: &str) -> Result<BTreeMap<(NoticeKind, Lang), Template>, Vec<Problem>> {
    let mut reader = Reader::new(text, file);
    let document = Spanned::new(0..0, DeValue::Table(reader.document()));
    let raw = reader.read::<RawTemplates>("notices", &document);
    let ready = raw.map(|raw| {
        let mut by_kind = BTreeMap::new();
        for (kind, by_lang) in raw {
            for (lang, template) in by_lang {
                for words in [&template.subject, &template.text] {
                    check(words, &mut reader);
                }
                let template = Template { subject: template.subject.into_inner(), text: template.text.into_inner() };
                by_kind.insert((kind, Lang(lang)), template);
            }
        }
        by_kind
    });
    reader.finish(ready)
}

fn check(words: &Spanned<String>, reader: &mut Reader<'_>) {
    for piece in pieces(words.get_ref()) {
        let Piece::Word(word) = piece else { continue };
        if !PLACEHOLDERS.contains(&word) {
            let near = did_you_mean(word, PLACEHOLDERS.iter().copied());
            let remedy = match near {
                Some(near) => format!("did you mean {{{near}}}?"),
                None => format!("write one of: {}", PLACEHOLDERS.join(", ")),
            };
            reader.problem(Some(words.span().start), format!("{{{word}}} is not known"), remedy);
        }
    }
}

enum Piece<'a> {
    Text(&'a str),
    Word(&'a str),
}

/// A brace without its other one is a brace.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let word = after.split_once('}').filter(|(word, _)| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
        match word {
            Some((word, after)) => {
                found.extend([Piece::Text(before), Piece::Word(word)]);
                rest = after;
            }
            None => {
                found.push(Piece::Text(&rest[..=before.len()]));
                rest = after;
            }
        }
    }
    found.push(Piece::Text(rest));
    found
}

/// The text filled in, and whether it had words of which none was known.
fn fill(text: &str, facts: &Facts) -> (String, bool) {
    let mut filled = String::with_capacity(text.len());
    let (mut words, mut known) = (0, 0);
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Word(word) => {
                words += 1;
                if let Some(fact) = facts.get(word).filter(|fact| !fact.is_empty()) {
                    known += 1;
                    filled.push_str(&shortened(&on_one_line(fact), FACT_CHARS_MAX));
                }
            }
        }
    }
    (filled, words > 0 && known == 0)
}

/// What callers and colleagues wrote makes no line of its own: no header, and no line that looks like one of ours.
fn on_one_line(text: &str) -> String {
    let plain = |c: char| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c };
    let text: String = text.chars().map(plain).collect();
    text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn shortened(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(known: &[(&'static str, &str)]) -> Facts {
        known.iter().map(|(word, fact)| (*word, (*fact).to_owned())).collect()
    }

    #[test]
    fn every_kind_has_words_in_both_languages() {
        let built_in = read(Templates::default_text(), "notices.toml").expect("they are good");
        for kind in NoticeKind::ALL {
            for lang in ["zh", "en"] {
                assert!(built_in.contains_key(&(*kind, Lang::new(lang))), "{kind} {lang}");
            }
        }
    }

    #[test]
    fn a_line_whose_words_are_all_empty_is_left_out() {
        let facts = facts(&[("person", "张伟"), ("desk", "前台"), ("time", "2026-11-23 21:14"), ("from_name", "")]);
        let rendered = Templates::built_in().render(NoticeKind::MessageLeft, &Lang::new("en"), &facts);
        assert_eq!(
            rendered.text,
            "Hello 张伟,\na message was left for you.\nLeft at: 2026-11-23 21:14\nIt is attached, or call the desk and \
             press 7. Please confirm it: the desk goes on telling you until then.\n"
        );
        assert_eq!(rendered.subject, "前台: a message for you ()");
    }

    #[test]
    fn what_somebody_wrote_stays_on_its_line() {
        let text = "[alarm.en]\nsubject = \"A {note}\"\ntext = \"{note}\\n{ and {x\"\n";
        let templates = Templates::parse(text, "n.toml").expect("it is good");
        let facts = facts(&[("note", "a\r\nBcc: everybody\u{2028}{desk}")]);
        let rendered = templates.render(NoticeKind::Alarm, &Lang::new("en"), &facts);
        assert_eq!(rendered.subject, "A a Bcc: everybody {desk}");
        assert_eq!(rendered.text, "a Bcc: everybody {desk}\n{ and {x\n");
    }

    #[test]
    fn a_file_of_ones_own_takes_the_place_of_what_it_names() {
        let own =
            "[trial.zh]\nsubject = \"你好\"\ntext = \"测试\"\n[trial.fr]\nsubject = \"Essai\"\ntext = \"Essai\"\n";
        let templates = Templates::parse(own, "n.toml").expect("it is good");
        let subject = |kind, lang| templates.render(kind, &Lang::new(lang), &facts(&[("desk", "D")])).subject;
        assert_eq!(subject(NoticeKind::Trial, "zh"), "你好");
        assert_eq!(subject(NoticeKind::Trial, "en"), "D: a trial");
        assert_eq!(subject(NoticeKind::Trial, "fr"), "Essai");
        assert_eq!(subject(NoticeKind::Alarm, "fr"), "D ALARM:", "the first language that there is");
    }

    #[test]
    fn faults_are_told_with_their_lines() {
        let text =
            "[alarms.zh]\nsubject = \"a\"\ntext = \"b\"\n\n[trial.en]\nsubject = \"{persn}\"\ntext = \"{colour}\"\n";
        let problems = Templates::parse(text, "n.toml").expect_err("it is wrong");
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(told[0].starts_with("n.toml:1: notices: unknown word `alarms`; did you mean `alarm`"), "{told:?}");
        let text = text.replace("alarms", "alarm");
        let problems = Templates::parse(&text, "n.toml").expect_err("it is wrong");
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(told[0], "n.toml:6: {persn} is not known; did you mean {person}?");
        assert!(told[1].starts_with("n.toml:7: {colour} is not known; write one of: about, "), "{told:?}");
    }
}
