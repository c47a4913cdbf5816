//! Settings from the environment: `FRONTDESK_SECTION__KEY`, and `FRONTDESK_DESK__NAMES__EN` for tables.

use super::SECTIONS;
use super::place::Place;
use super::raw::{Node, Table, Value, parse_variable};
use crate::types::{Problem, did_you_mean};

const PREFIX: &str = "FRONTDESK_";

/// The process's environment; variables that are not UTF-8 are none of ours.
pub fn process() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Puts the variables' values over those of the file.
///
/// Names without a double underscore are let be: service managers and container platforms set such ones
/// (`FRONTDESK_PORT`). Only one that would be right with two underscores is taken for a slip.
pub(super) fn lay_over(table: &mut Table, env: impl Iterator<Item = (String, String)>, problems: &mut Vec<Problem>) {
    let mut variables: Vec<_> = env.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    variables.sort();
    for (name, text) in variables {
        let path: Vec<String> = name[PREFIX.len()..].split("__").map(str::to_lowercase).collect();
        match &path[..] {
            [single] => problems.extend(single_underscore(&name, single)),
            [section, key, below @ ..] if is_known(section, key, below) => {
                put(table, &path, parse_variable(&name, &text));
            }
            [section, key, ..] => problems.push(unknown(&name, section, key)),
            [] => {}
        }
    }
}

fn is_known(section: &str, key: &str, below: &[String]) -> bool {
    let known = SECTIONS.iter().find(|s| s.name == section).and_then(|s| s.key(key));
    match known {
        // Only a key that holds a table has names below it.
        Some(key) => below.is_empty() || (below.len() == 1 && key.example.starts_with('{')),
        None => false,
    }
}

fn put(table: &mut Table, path: &[String], node: Node) {
    match path {
        [] => {}
        [last] => {
            table.insert(last.clone(), node);
        }
        [first, rest @ ..] => {
            let empty = || Node { place: node.place.clone(), value: Value::Table(Table::new()), plain: None };
            let inner = table.entry(first.clone()).or_insert_with(empty);
            // A section that the file holds as something else is reported by its reader.
            if let Value::Table(inner) = &mut inner.value {
                put(inner, rest, node);
            }
        }
    }
}

fn variable(section: &str, key: &str) -> String {
    format!("{PREFIX}{}__{}", section.to_uppercase(), key.to_uppercase())
}

fn unknown(name: &str, section: &str, key: &str) -> Problem {
    let near = || {
        let section = did_you_mean(section, SECTIONS.iter().map(|s| s.name))?;
        let keys = SECTIONS.iter().find(|s| s.name == section)?.keys;
        Some(variable(section, did_you_mean(key, keys.iter().map(|k| k.name))?))
    };
    let remedy = match near() {
        Some(near) => format!("did you mean {near}?"),
        None => "unset it; docs/configuration.md lists the settings".to_owned(),
    };
    Place::environment(name).problem("no such setting", remedy)
}

fn single_underscore(name: &str, lowercase: &str) -> Option<Problem> {
    let (section, key) = SECTIONS
        .iter()
        .flat_map(|s| s.keys.iter().map(move |k| (s.name, k.name)))
        .find(|(section, key)| format!("{section}_{key}") == lowercase)?;
    let remedy = format!("put two underscores between section and key: {}", variable(section, key));
    Some(Place::environment(name).problem("no such setting", remedy))
}
