//! The tree of answers as a form changes it (`answers.toml`, R14).

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, Value};

use super::hours::put_text;
use super::toml_file::put;
use super::{Content, Fingerprint, Refusal, Setup, Written};
use crate::desk::told::told;

/// The keys that lead to a topic, from the top.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicWay(pub Vec<String>);

impl TopicWay {
    /// From `3-1`; the top is empty.
    pub fn read(text: &str) -> Self {
        Self(text.split('-').filter(|key| !key.is_empty()).map(str::to_owned).collect())
    }
}

impl std::fmt::Display for TopicWay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("-"))
    }
}

/// What a form says of one topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicForm {
    pub key: String,
    pub name: String,
    /// Ids of prompts, one after the other.
    pub say: Vec<String>,
}

/// All topics of a text with the ways to them, each before those below it; none where it can't be read.
pub fn topics_of(text: &str) -> Vec<(TopicWay, TopicForm)> {
    let document: DocumentMut = text.parse().unwrap_or_default();
    let mut found = Vec::new();
    collect(document.as_table(), &TopicWay::default(), &mut found);
    found
}

fn collect(table: &Table, way: &TopicWay, found: &mut Vec<(TopicWay, TopicForm)>) {
    for topic in table.get("topic").and_then(Item::as_array_of_tables).into_iter().flatten() {
        let said = |key: &str| topic.get(key).and_then(Item::as_str).unwrap_or_default().to_owned();
        let say = topic.get("say").and_then(Item::as_array).into_iter().flatten();
        let say = say.filter_map(|id| Some(id.as_str()?.to_owned())).collect();
        let mut below = way.clone();
        below.0.push(said("key"));
        found.push((below.clone(), TopicForm { key: said("key"), name: said("name"), say }));
        collect(topic, &below, found);
    }
}

impl Setup {
    /// A topic below `above`.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn add_topic(&self, seen: &Fingerprint, above: &TopicWay, form: &TopicForm) -> Result<Written, Refusal> {
        self.change_seen(Content::Answers, seen, |document| {
            let table = topic_at(document.as_table_mut(), &above.0).ok_or_else(|| gone(above))?;
            let topics = table.entry("topic").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
            let topics = topics.as_array_of_tables_mut().ok_or_else(|| gone(above))?;
            let mut topic = Table::new();
            topic.decor_mut().set_prefix("\n");
            write(&mut topic, form)?;
            topics.push(topic);
            Ok(())
        })
    }

    /// What a form says of the topic at `way`.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn change_topic(&self, seen: &Fingerprint, way: &TopicWay, form: &TopicForm) -> Result<Written, Refusal> {
        self.change_seen(Content::Answers, seen, |document| {
            let found = topic_at(document.as_table_mut(), &way.0).filter(|_| !way.0.is_empty());
            write(found.ok_or_else(|| gone(way))?, form)
        })
    }

    /// Takes a topic out, with those below it.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn remove_topic(&self, seen: &Fingerprint, way: &TopicWay) -> Result<Written, Refusal> {
        self.change_seen(Content::Answers, seen, |document| {
            let (key, above) = way.0.split_last().ok_or_else(|| gone(way))?;
            let table = topic_at(document.as_table_mut(), above).ok_or_else(|| gone(way))?;
            let topics = table.get_mut("topic").and_then(Item::as_array_of_tables_mut).ok_or_else(|| gone(way))?;
            let at = topics.iter().position(|topic| is_of(topic, key)).ok_or_else(|| gone(way))?;
            topics.remove(at);
            if topics.is_empty() {
                table.remove("topic");
            }
            Ok(())
        })
    }
}

fn gone(way: &TopicWay) -> Refusal {
    Refusal::Gone(told!("答复 {way}", "topic {way}"))
}

fn is_of(topic: &Table, key: &str) -> bool {
    topic.get("key").and_then(Item::as_str) == Some(key)
}

fn topic_at<'a>(mut table: &'a mut Table, way: &[String]) -> Option<&'a mut Table> {
    for key in way {
        let topics = table.get_mut("topic")?.as_array_of_tables_mut()?;
        table = topics.iter_mut().find(|topic| is_of(topic, key))?;
    }
    Some(table)
}

fn write(topic: &mut Table, form: &TopicForm) -> Result<(), Refusal> {
    put_text(topic, "key", &form.key)?;
    put_text(topic, "name", &form.name)?;
    let said: Vec<&str> =
        topic.get("say").and_then(Item::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let wanted: Vec<&str> = form.say.iter().map(|id| id.trim()).filter(|id| !id.is_empty()).collect();
    if said != wanted {
        let wanted: Array = wanted.into_iter().collect();
        put(topic, "say", Value::Array(wanted));
    }
    Ok(())
}
