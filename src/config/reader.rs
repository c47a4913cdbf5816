//! Takes typed values out of one section as it was written; whatever is wrong is collected, and the default stands in
//! so that the reading goes on and finds the other faults too.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::keys::SectionKeys;
use super::place::Place;
use super::raw::{Node, Table, Value};
use super::{SECTIONS, Source};
use crate::types::{Problem, did_you_mean};

/// No list of settings is longer.
const LIST_MAX: usize = 256;
/// No text of settings is longer, in bytes.
const TEXT_BYTES_MAX: usize = 4096;

/// What is wrong with a value and what to write in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub what: String,
    pub remedy: String,
}

impl Fault {
    pub fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }
}

pub(super) struct Section<'a> {
    keys: &'static SectionKeys,
    table: Table,
    /// Where relative file names begin.
    folder: &'a Path,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Section<'a> {
    /// Takes the section out of the file's tables and reports the keys that it doesn't have.
    pub fn open(
        keys: &'static SectionKeys,
        root: &mut Table,
        folder: &'a Path,
        problems: &'a mut Vec<Problem>,
    ) -> Section<'a> {
        let table = match root.remove(keys.name) {
            None => Table::new(),
            Some(Node { value: Value::Table(table), .. }) => table,
            Some(Node { place, value, .. }) => {
                let what = format!("{} is {}, but it is a section", keys.name, value.kind());
                problems.push(place.problem(what, format!("write it as a heading: [{}]", keys.name)));
                Table::new()
            }
        };
        for (name, node) in table.iter().filter(|(name, _)| keys.key(name).is_none()) {
            problems.push(unknown_key(keys, name, &node.place));
        }
        Section { keys, table, folder, problems }
    }

    /// Where a key was written, for checks between keys; `None` when its default holds.
    pub fn place(&self, key: &str) -> Option<Place> {
        self.table.get(key).map(|node| node.place.clone())
    }

    pub fn fault(&mut self, place: &Place, fault: Fault) {
        self.problems.push(place.problem(fault.what, fault.remedy));
    }

    /// A whole number within bounds.
    pub fn number<T>(&mut self, key: &'static str, bounds: RangeInclusive<T>) -> Option<T>
    where
        T: Copy + TryFrom<i128> + Into<i128>,
    {
        let node = self.node(key)?;
        let Value::Integer(n) = node.value else { return self.wrong_kind(key, &node, "a whole number") };
        let (min, max): (i128, i128) = ((*bounds.start()).into(), (*bounds.end()).into());
        match T::try_from(n) {
            Ok(in_range) if (min..=max).contains(&n) => Some(in_range),
            _ => {
                let what = format!("{key} = {} is out of range", shown(n));
                self.fault(&node.place, Fault::new(what, format!("write a number from {min} to {max}")));
                None
            }
        }
    }

    /// A text that `parse` understands.
    pub fn text<T>(&mut self, key: &'static str, parse: impl Fn(&str) -> Result<T, Fault>) -> Option<T> {
        let node = self.node(key)?;
        match as_text(&node) {
            Some(text) => self.parsed(&node.place, text, &parse),
            None => self.wrong_kind(key, &node, "a text"),
        }
    }

    /// A list of texts that `parse` understands each. `None` when any is wrong, so that half a list never holds.
    /// A single word from the environment is a list of one.
    pub fn list<T>(&mut self, key: &'static str, parse: impl Fn(&str) -> Result<T, Fault>) -> Option<Vec<T>> {
        let node = self.node(key)?;
        let one;
        let items = match &node.value {
            Value::List(items) => items,
            Value::Text(_) if node.plain.is_some() => {
                one = vec![node.clone()];
                &one
            }
            _ => return self.wrong_kind(key, &node, "a list"),
        };
        if items.len() > LIST_MAX {
            let what = format!("{key} has {} entries", items.len());
            self.fault(&node.place, Fault::new(what, format!("write at most {LIST_MAX}")));
            return None;
        }
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            match as_text(item) {
                Some(text) => out.push(self.parsed(&item.place, text, &parse)),
                None => out.push(self.wrong_kind(key, item, "a list of texts")),
            }
        }
        out.into_iter().collect()
    }

    /// A table from names to texts.
    pub fn names<T>(&mut self, key: &'static str, parse: impl Fn(&str, &str) -> Result<T, Fault>) -> Option<Vec<T>> {
        let node = self.node(key)?;
        let Value::Table(table) = &node.value else { return self.wrong_kind(key, &node, "a table") };
        let mut out = Vec::with_capacity(table.len());
        for (name, item) in table {
            match as_text(item) {
                Some(text) => out.push(self.parsed(&item.place, text, |text| parse(name, text))),
                None => out.push(self.wrong_kind(key, item, "a table of texts")),
            }
        }
        out.into_iter().collect()
    }

    /// A file or folder; a relative name begins at the config file's folder, from the environment at the working one.
    pub fn file(&mut self, key: &'static str) -> Option<Source> {
        let place = self.place(key)?;
        let from_environment = self.table.get(key).is_some_and(|node| node.plain.is_some());
        let name = self.text(key, |text| match text {
            "" => Err(Fault::new(format!("{key} is empty"), "name a file, or leave the key out for the built-in one")),
            name => Ok(PathBuf::from(name)),
        })?;
        let path = if from_environment { name } else { self.folder.join(name) };
        Some(Source::At { path, place })
    }

    /// Files by name, as `file` reads each.
    pub fn files(&mut self, key: &'static str) -> Option<Vec<PathBuf>> {
        let from_environment = self.table.get(key).is_some_and(|node| node.plain.is_some());
        let folder = if from_environment { PathBuf::new() } else { self.folder.to_owned() };
        self.list(key, |text| match text {
            "" => Err(Fault::new(format!("a name in {key} is empty"), "name a file")),
            name => Ok(folder.join(name)),
        })
    }

    fn node(&mut self, key: &'static str) -> Option<Node> {
        debug_assert!(self.keys.key(key).is_some(), "[{}] {key} is not in the table of keys", self.keys.name);
        self.table.get(key).cloned()
    }

    fn parsed<T>(&mut self, place: &Place, text: &str, parse: impl Fn(&str) -> Result<T, Fault>) -> Option<T> {
        if text.len() > TEXT_BYTES_MAX {
            let fault = Fault::new("this text is too long", format!("write at most {TEXT_BYTES_MAX} bytes"));
            self.fault(place, fault);
            return None;
        }
        parse(text).map_err(|fault| self.fault(place, fault)).ok()
    }

    fn wrong_kind<T>(&mut self, key: &str, node: &Node, wanted: &str) -> Option<T> {
        let example = self.keys.key(key).map_or("", |k| k.example);
        let what = format!("{key} is {}, but {wanted} is wanted", node.value.kind());
        self.fault(&node.place, Fault::new(what, format!("write {key} = {example}")));
        None
    }
}

/// Reports the sections that don't exist, once the known ones have been taken out.
pub(super) fn report_unknown_sections(root: &Table, problems: &mut Vec<Problem>) {
    for (name, node) in root {
        let (what, remedy) = match &node.value {
            Value::Table(_) => {
                let near = did_you_mean(name, SECTIONS.iter().map(|s| s.name));
                let remedy = near.map(|n| format!("did you mean [{n}]?"));
                (format!("there is no section [{name}]"), remedy)
            }
            _ => (format!("{name} stands outside of any section"), elsewhere(name)),
        };
        let remedy = remedy.unwrap_or_else(|| "take it out; docs/configuration.md lists the settings".to_owned());
        problems.push(node.place.problem(what, remedy));
    }
}

fn unknown_key(section: &SectionKeys, name: &str, place: &Place) -> Problem {
    let near = did_you_mean(name, section.keys.iter().map(|k| k.name));
    let remedy = near.map(|n| format!("did you mean {n}?")).or_else(|| elsewhere(name)).unwrap_or_else(|| {
        let known: Vec<_> = section.keys.iter().map(|k| k.name).collect();
        format!("take it out; [{}] has: {}", section.name, known.join(", "))
    });
    place.problem(format!("[{}] has no key {name}", section.name), remedy)
}

/// The section that has this key, or one much like it.
fn elsewhere(name: &str) -> Option<String> {
    let near = did_you_mean(name, SECTIONS.iter().flat_map(|s| s.keys.iter().map(|k| k.name)))?;
    let section = SECTIONS.iter().find(|s| s.key(near).is_some())?;
    Some(format!("did you mean {near} under [{}]?", section.name))
}

fn as_text(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Text(text) => Some(text),
        _ => node.plain.as_deref(),
    }
}

fn shown(n: i128) -> String {
    match n {
        i128::MIN | i128::MAX => "this number".to_owned(),
        n => n.to_string(),
    }
}
