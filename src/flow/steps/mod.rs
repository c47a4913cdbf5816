//! What a node can do: one file per step, one line in `STEPS`.

mod answers;
mod comment;
mod complete;
mod hangup;
mod hours;
mod human;
mod language;
mod login;
mod mailbox;
mod menu;
mod number;
mod person;
mod place;
mod play;
mod record;
mod repeat;
mod result;
mod ring;
mod says;
mod ticket;
mod voicemail;
mod work;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::DeValue;

use super::definition::Word;
use super::line::{Exit, Gone, Line};
use super::run::CallerInfo;
use crate::types::Reader;

/// A step on its way.
pub type Walk = Pin<Box<dyn Future<Output = Result<Exit, Gone>> + Send>>;

/// What leads from one node to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The caller pressed a key.
    Key,
    /// Somebody who talked to the caller, or their line, did it.
    Person,
    /// It happens without the caller's doing.
    Itself,
}

#[derive(Debug)]
pub struct Link<'a> {
    /// The key, or the name of the case.
    pub label: String,
    pub to: &'a Word,
    pub by: By,
}

impl<'a> Link<'a> {
    pub fn key(label: impl Into<String>, to: &'a Word) -> Self {
        Self { label: label.into(), to, by: By::Key }
    }

    pub fn person(label: &str, to: &'a Word) -> Self {
        Self { label: label.to_owned(), to, by: By::Person }
    }

    pub fn itself(label: &str, to: &'a Word) -> Self {
        Self { label: label.to_owned(), to, by: By::Itself }
    }
}

/// What a node is for, as the checks see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// The caller passes through.
    Passage,
    /// It asks for keys: `#` alone comes back to it.
    Level,
    /// It gives a choice: there must be a way to a human or a message from it (R7).
    Menu,
    /// A human, or a recording that a human will hear.
    Refuge,
    /// What was told is kept: from here `#` leads back to the first level.
    Landmark,
    /// What came of a call of the desk's own: not for callers.
    Errand,
    /// The end of the call.
    End,
}

/// A node's doing, with its parameters.
pub trait Step: fmt::Debug + Send + Sync {
    fn links(&self) -> Vec<Link<'_>>;

    /// All that it may say.
    fn words(&self) -> Vec<&Word>;

    /// The schedule or duty group whose hours it asks for.
    fn group(&self) -> Option<&Word> {
        None
    }

    fn nature(&self) -> Nature {
        Nature::Passage
    }

    /// Where it leads though the caller is gone: what follows may have something to do for them.
    fn leads_the_gone(&self) -> Option<&Word> {
        None
    }

    /// Whether it has something to do for a caller who is gone before it began (R18).
    fn serves_the_gone(&self) -> bool {
        false
    }

    /// Whether it wants to know where the caller lives (R11).
    fn knows_callers(&self) -> bool {
        self.words().iter().any(|word| word.get_ref() == "{home}")
    }

    /// Whether a menu offers it to this caller.
    fn is_offered(&self, _caller: &CallerInfo) -> bool {
        true
    }

    /// Faults of its parameters that their types let through: where and what, and the remedy.
    fn faults(&self) -> Vec<(Option<usize>, String, String)> {
        Vec::new()
    }

    /// Walks one caller through it.
    fn walk(self: Arc<Self>, line: Line) -> Walk;
}

/// Reads a step's parameters out of its node's table.
type ReadStep = for<'a> fn(&mut Reader<'a>, &str, &Spanned<DeValue<'a>>) -> Option<Arc<dyn Step>>;

/// One line of the table.
pub struct StepKind {
    pub name: &'static str,
    /// What it does, for people.
    pub about: &'static str,
    pub read: ReadStep,
}

pub const STEPS: &[StepKind] = &[
    kind::<menu::Menu>("menu", "says something and leads on by one key"),
    kind::<play::Play>("play", "says something and goes on"),
    kind::<ticket::Ticket>("ticket", "begins a ticket of a kind and class"),
    kind::<place::Place>("place", "asks for building * room # and reads it back"),
    kind::<repeat::Repeat>(
        "repeat",
        "tells a caller of a repair that is open for their place already, and hurries it up",
    ),
    kind::<number::Number>("number", "asks for the number to call back"),
    kind::<record::Record>("record", "takes down what the caller says, for the ticket"),
    kind::<complete::Complete>("complete", "makes sure that ticket and message are on disk, complete"),
    kind::<person::Person>("person", "looks a person up by extension or name"),
    kind::<ring::Ring>("ring", "rings the person who was looked up, or the duty officers, and puts the call through"),
    kind::<voicemail::Voicemail>("voicemail", "takes down a message to the person, or to the desk"),
    kind::<mailbox::Mailbox>("mailbox", "plays a person their messages, who passes them on or confirms them"),
    kind::<work::Work>("work", "lets a person of the staff report how far they are with a ticket"),
    kind::<answers::AnswerTree>("answers", "lets the caller choose among the desk's answers"),
    kind::<language::Language>("language", "changes to the next language"),
    kind::<hours::OpeningHours>("hours", "leads on by whether the desk is open"),
    kind::<human::Human>("human", "rings the receptionists, with a queue where they are busy"),
    kind::<result::Keep>("result", "keeps what came of a call that the desk made"),
    kind::<comment::Comment>("comment", "takes down what a customer has to say whom the desk called"),
    kind::<hangup::Hangup>("hangup", "says goodbye and ends the call"),
];

/// Every step's name and what it does.
pub fn catalogue() -> impl Iterator<Item = (&'static str, &'static str)> {
    STEPS.iter().map(|step| (step.name, step.about))
}

const fn kind<S: Step + DeserializeOwned + 'static>(name: &'static str, about: &'static str) -> StepKind {
    StepKind { name, about, read: read::<S> }
}

fn read<'a, S: Step + DeserializeOwned + 'static>(
    reader: &mut Reader<'a>,
    what: &str,
    value: &Spanned<DeValue<'a>>,
) -> Option<Arc<dyn Step>> {
    let step: S = reader.read(what, value)?;
    Some(Arc::new(step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_name_of_its_own_and_says_what_it_does() {
        for (i, step) in STEPS.iter().enumerate() {
            assert!(STEPS[..i].iter().all(|s| s.name != step.name), "{} stands twice", step.name);
            assert!(step.about.len() > 10, "{} does not say what it does", step.name);
        }
    }

    /// The parameters that a step names when it is given one that it does not know.
    fn parameters(step: &StepKind) -> Vec<String> {
        let mut reader = Reader::new("qqq = 1", "test");
        let table = Spanned::new(0..0, DeValue::Table(reader.document()));
        assert!((step.read)(&mut reader, step.name, &table).is_none());
        let problems = reader.finish(Some(())).expect_err("it was refused");
        let unknown = problems.iter().find(|p| p.what.contains("qqq")).unwrap_or_else(|| panic!("{problems:?}"));
        let known = unknown.remedy.strip_prefix("write one of: ").unwrap_or_else(|| panic!("{unknown:?}"));
        let mut names: Vec<String> = known.split(", ").map(str::to_owned).collect();
        names.sort();
        names
    }

    #[test]
    fn the_documents_hold_every_step_with_every_parameter_and_every_placeholder() {
        for (file, text) in [
            ("docs/flow.md", include_str!("../../../docs/flow.md")),
            ("docs/flow.zh.md", include_str!("../../../docs/flow.zh.md")),
        ] {
            for step in STEPS {
                let begin = format!("| `{}` | ", step.name);
                let row = text.lines().find(|line| line.starts_with(&begin));
                let row = row.unwrap_or_else(|| panic!("{file} has no row for the step {}", step.name));
                let cell = row[begin.len()..].split(" |").next().expect("a cell");
                let mut named: Vec<String> = cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
                named.sort();
                assert_eq!(named, parameters(step), "{file}: {}", step.name);
            }
            for name in crate::flow::definition::PLACEHOLDERS {
                assert!(text.contains(&format!("`{{{name}}}`")), "{file} does not tell what {{{name}}} is");
            }
        }
    }

    #[test]
    fn every_step_reads_and_refuses_unknown_words() {
        for step in STEPS {
            let mut reader = Reader::new("no_such_word = 1", "test");
            let table = Spanned::new(0..0, DeValue::Table(reader.document()));
            assert!((step.read)(&mut reader, step.name, &table).is_none(), "{}", step.name);
            let problems = reader.finish(Some(())).expect_err("it was refused");
            assert!(problems[0].what.contains("no_such_word") || problems[0].what.contains("missing"), "{problems:?}");
        }
    }
}
