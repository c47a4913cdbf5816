//! The desk's answers to what callers ask (R14): a tree of `answers.toml`, nested as deep as wanted.

use serde::Deserialize;
use toml::Spanned;
use toml::de::DeValue;

use crate::types::{Digit, Problem, Reader};

/// Levels of the tree: a caller gets lost long before.
const DEPTH_MAX: usize = 16;

/// A file of answers, ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    file: String,
    /// The top level.
    pub root: Topic,
    /// The key for "my question isn't here", at every level.
    pub unanswered: Digit,
}

/// A level of the tree: with topics below it a menu, without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// For people who read the file.
    pub name: String,
    /// Prompt ids: the menu's text, or the answer's.
    pub say: Vec<String>,
    pub topics: Vec<(Digit, Topic)>,
    /// 1-based line.
    pub line: usize,
}

impl Topic {
    pub fn topic(&self, key: Digit) -> Option<&Topic> {
        self.topics.iter().find(|(k, _)| *k == key).map(|(_, topic)| topic)
    }
}

impl Answers {
    /// Every fault at once, by line.
    pub fn parse(text: &str, file: &str) -> Result<Answers, Vec<Problem>> {
        let mut reader = Reader::new(text, file);
        let document = Spanned::new(0..0, DeValue::Table(reader.document()));
        let answers = reader.read::<RawAnswers>("answers", &document).map(|raw| ready(raw, file, &mut reader));
        reader.finish(answers)
    }

    /// The built-in answers (`config/answers.toml`).
    pub fn default_text() -> &'static str {
        include_str!("../../config/answers.toml")
    }

    pub fn file(&self) -> &str {
        &self.file
    }

    /// The topic that these keys lead to.
    pub fn topic(&self, way: &[Digit]) -> Option<&Topic> {
        way.iter().try_fold(&self.root, |topic, key| topic.topic(*key))
    }

    /// Every prompt that is named, with its line.
    pub fn prompt_ids(&self) -> Vec<(&str, usize)> {
        let mut ids = Vec::new();
        let mut todo = vec![&self.root];
        while let Some(topic) = todo.pop() {
            ids.extend(topic.say.iter().map(|id| (id.as_str(), topic.line)));
            todo.extend(topic.topics.iter().rev().map(|(_, t)| t));
        }
        ids
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAnswers {
    say: Spanned<Vec<String>>,
    unanswered: Spanned<String>,
    topic: Vec<RawTopic>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTopic {
    key: Spanned<String>,
    name: String,
    say: Spanned<Vec<String>>,
    #[serde(default)]
    topic: Vec<RawTopic>,
}

fn ready(raw: RawAnswers, file: &str, reader: &mut Reader<'_>) -> Answers {
    let unanswered = digit(&raw.unanswered, reader).unwrap_or(Digit::HASH);
    let line = reader.line(raw.say.span().start);
    let topics = topics(raw.topic, unanswered, 1, reader);
    let root = Topic { name: "answers".to_owned(), say: said(raw.say, reader), topics, line };
    Answers { file: file.to_owned(), root, unanswered }
}

fn topics(raw: Vec<RawTopic>, unanswered: Digit, depth: usize, reader: &mut Reader<'_>) -> Vec<(Digit, Topic)> {
    let mut ready: Vec<(Digit, Topic)> = Vec::new();
    for topic in raw {
        let at = topic.key.span().start;
        if depth > DEPTH_MAX {
            reader.problem(
                Some(at),
                format!("topic `{}` lies too deep", topic.name),
                format!("use at most {DEPTH_MAX} levels"),
            );
            return ready;
        }
        let Some(key) = digit(&topic.key, reader) else { continue };
        if let Some((_, other)) = ready.iter().find(|(k, _)| *k == key) {
            let what = format!("key {key} leads to `{}` and to `{}`", other.name, topic.name);
            reader.problem(Some(at), what, "give each topic of a level a key of its own");
        } else if key == unanswered {
            let what = format!("key {key} leads to `{}` and means \"my question isn't here\"", topic.name);
            reader.problem(Some(at), what, "give one of them another key");
        }
        let line = reader.line(at);
        let below = topics(topic.topic, unanswered, depth + 1, reader);
        ready.push((key, Topic { name: topic.name, say: said(topic.say, reader), topics: below, line }));
    }
    ready
}

fn digit(key: &Spanned<String>, reader: &mut Reader<'_>) -> Option<Digit> {
    let mut chars = key.get_ref().chars();
    match (chars.next(), chars.next()) {
        (Some(c @ '1'..='9'), None) => Digit::from_char(c),
        _ => {
            let what = format!("`{}` can't be a topic's key", key.get_ref());
            reader.problem(Some(key.span().start), what, "write \"1\" to \"9\": 0 is a human, * again, # back");
            None
        }
    }
}

fn said(say: Spanned<Vec<String>>, reader: &mut Reader<'_>) -> Vec<String> {
    if say.get_ref().is_empty() {
        reader.problem(Some(say.span().start), "nothing is said", "name a prompt: say = [\"answer-hours\"]");
    }
    say.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NESTED: &str = r#"
say = ["inquiry-menu"]
unanswered = "6"
[[topic]]
key = "1"
name = "fees"
say = ["fees-menu"]
[[topic.topic]]
key = "2"
name = "parking"
say = ["fees-menu"]
[[topic.topic.topic]]
key = "1"
name = "monthly"
say = ["fees-parking-monthly"]
"#;

    fn key(c: char) -> Digit {
        Digit::from_char(c).expect("it is a digit")
    }

    #[test]
    fn answers_nest_as_deep_as_wanted() {
        let answers = Answers::parse(NESTED, "answers.toml").expect("it is good");
        let way = [key('1'), key('2'), key('1')];
        assert_eq!(answers.topic(&way).map(|t| t.say[0].as_str()), Some("fees-parking-monthly"));
        assert_eq!(answers.topic(&[key('3')]), None);
        assert_eq!(answers.prompt_ids().len(), 4);
    }

    #[test]
    fn the_built_in_answers_tell_hours_fees_transport_facilities_and_rules() {
        let answers = Answers::parse(Answers::default_text(), "built-in answers").expect("they are good");
        let names: Vec<&str> = answers.root.topics.iter().map(|(_, t)| t.name.as_str()).collect();
        assert_eq!(names, ["hours and address", "fees", "transport", "facilities", "rules"]);
    }

    #[test]
    fn all_faults_are_told_with_their_lines() {
        let text = "say = []\nunanswered = \"6\"\n[[topic]]\nkey = \"0\"\nname = \"a\"\nsay = [\"x\"]\n[[topic]]\nkey = \"6\"\nname = \"b\"\nsay = [\"x\"]\n[[topic]]\nkey = \"6\"\nname = \"c\"\nsay = [\"x\"]\n";
        let faults: Vec<String> =
            Answers::parse(text, "a.toml").expect_err("it has faults").iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "a.toml:1: nothing is said; name a prompt: say = [\"answer-hours\"]",
                "a.toml:4: `0` can't be a topic's key; write \"1\" to \"9\": 0 is a human, * again, # back",
                "a.toml:8: key 6 leads to `b` and means \"my question isn't here\"; give one of them another key",
                "a.toml:12: key 6 leads to `b` and to `c`; give each topic of a level a key of its own",
            ]
        );
    }
}
