//! Entries into the people's file: what they say is put there, all else stays, comments too.

use std::collections::BTreeMap;

use serde::Serialize;
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, Value};

use super::field::Entry;
use crate::desk::people::Directory;
use crate::setup::toml_file::put;
use crate::types::Problem;

/// What came of it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub added: Vec<Who>,
    pub changed: Vec<Changed>,
    /// How many of the list were known, with all that it says.
    pub left: usize,
    /// What of the list is not used.
    pub notes: Vec<String>,
    pub written: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Who {
    pub extension: String,
    pub name: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Changed {
    pub extension: String,
    pub name: String,
    pub changes: Vec<Change>,
}

#[derive(Debug, Serialize)]
pub(super) struct Change {
    pub field: &'static str,
    pub from: Option<String>,
    pub to: String,
}

/// What came of it, and every fault of the entries; with any, the document is half changed and of no use.
pub(super) fn merge(entries: &[Entry], document: &mut DocumentMut, file: &str) -> (Report, Vec<Problem>) {
    let mut report = Report::default();
    let mut problems = Vec::new();
    let people = document.entry("person").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let Some(people) = people.as_array_of_tables_mut() else {
        let what = "the people's file has its people in one line".to_owned();
        let remedy = "write each of them there as [[person]]".to_owned();
        return (report, vec![Problem { file: file.to_owned(), line: None, what, remedy }]);
    };
    let extension = |person: &Table| Some(person.get("extension")?.as_str()?.to_owned());
    let mut known: BTreeMap<String, usize> =
        people.iter().enumerate().filter_map(|(at, person)| Some((extension(person)?, at))).collect();
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in entries {
        if let Some(first) = lines.insert(&entry.extension, entry.line) {
            problems.push(Problem {
                file: file.to_owned(),
                line: Some(entry.line),
                what: format!("extension {} stands twice, first in line {first}", entry.extension),
                remedy: "give each person an extension of their own".to_owned(),
            });
            continue;
        }
        let is_new = !known.contains_key(&entry.extension);
        let at = *known.entry(entry.extension.clone()).or_insert_with(|| add(people, &entry.extension));
        let Some(person) = people.get_mut(at) else { continue };
        let changes = change(person, entry);
        let faults = faults_of(person, entry.line, file);
        if !faults.is_empty() {
            problems.extend(faults);
            continue;
        }
        let name = person.get("name").and_then(Item::as_str).unwrap_or_default().to_owned();
        let extension = entry.extension.clone();
        match (is_new, changes.is_empty()) {
            (true, _) => report.added.push(Who { extension, name }),
            (false, false) => report.changed.push(Changed { extension, name, changes }),
            (false, true) => report.left += 1,
        }
    }
    (report, problems)
}

/// A new person below the others; gives their place.
fn add(people: &mut ArrayOfTables, extension: &str) -> usize {
    let mut person = Table::new();
    person.insert("extension", Item::Value(Value::from(extension)));
    if !people.is_empty() {
        person.decor_mut().set_prefix("\n");
    }
    people.push(person);
    people.len() - 1
}

/// Puts what the entry says where it is not so yet.
fn change(person: &mut Table, entry: &Entry) -> Vec<Change> {
    let mut changes = Vec::new();
    for (field, said) in &entry.said {
        let old = person.get(field.key).and_then(Item::as_value);
        let both = match (old.and_then(Value::as_array), said.as_array()) {
            (Some(old), Some(more)) if entry.adds_places => Some(Value::Array(joined(old, more))),
            _ => None,
        };
        let said = both.as_ref().unwrap_or(said);
        let is_so = old.map_or_else(|| field.goes_without_saying(said), |old| meaning(old) == meaning(said));
        if is_so {
            continue;
        }
        let to = shown(said);
        let from = old.map(shown);
        let value = match (old.and_then(Value::as_array), said.as_array()) {
            (Some(old), Some(said)) => Value::Array(with_the_old_ones(said, old)),
            _ => said.clone(),
        };
        put(person, field.key, value);
        changes.push(Change { field: field.key, from, to });
    }
    changes
}

/// Those that are known, then those that are new.
fn joined(old: &Array, more: &Array) -> Array {
    let is_new = |value: &&Value| !old.iter().any(|old| meaning(old) == meaning(value));
    old.iter().chain(more.iter().filter(is_new)).cloned().collect()
}

/// A place that was there already keeps its ring time and hours.
fn with_the_old_ones(said: &Array, old: &Array) -> Array {
    let mut places = Array::new();
    for value in said {
        let mut place = old.iter().find(|old| meaning(old) == meaning(value)).unwrap_or(value).clone();
        place.decor_mut().clear();
        places.push_formatted(place);
    }
    places
}

/// A value without its form; of a place its address alone.
fn meaning(value: &Value) -> String {
    match value {
        Value::Array(values) => values.iter().map(meaning).collect::<Vec<_>>().join("\n"),
        Value::InlineTable(place) => place.get("uri").map(meaning).unwrap_or_default(),
        Value::String(text) => text.value().clone(),
        other => other.clone().decorated("", "").to_string(),
    }
}

fn shown(value: &Value) -> String {
    match meaning(value) {
        text if text.is_empty() => "(none)".to_owned(),
        text => text.replace('\n', ", "),
    }
}

/// Faults of this person as the file would have them, with the list's line.
fn faults_of(person: &Table, line: usize, file: &str) -> Vec<Problem> {
    let mut alone = person.clone();
    alone.decor_mut().clear();
    alone.set_position(None);
    let mut document = DocumentMut::new();
    let mut people = ArrayOfTables::new();
    people.push(alone);
    document.insert("person", Item::ArrayOfTables(people));
    let faults = Directory::parse(&document.to_string(), file).err().unwrap_or_default();
    faults.into_iter().map(|fault| Problem { line: Some(line), ..fault }).collect()
}
