//! Settings as they were written, each with its place: the tree that a TOML text or an environment variable makes.
//! The only file of `config` that names the TOML parser.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::place::Place;
use crate::types::{Problem, line_of};

/// Keys and values of one table.
pub(super) type Table = BTreeMap<String, Node>;

/// A value and where it stands: the key's line in a table, the value's own in a list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub place: Place,
    pub value: Value,
    /// The characters of an environment variable, for keys that want a text whatever it looks like.
    pub plain: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    /// Saturated at the ends of the type, which no setting reaches.
    Integer(i128),
    List(Vec<Node>),
    Table(Table),
    /// A kind that no setting has: `true`, `2.5`, a date.
    Other(&'static str),
}

impl Value {
    /// What a person calls this kind of value.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Text(_) => "a text",
            Value::Integer(_) => "a whole number",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
            Value::Other(kind) => kind,
        }
    }
}

/// Reads a TOML text; what could be read is returned beside every fault of its grammar.
pub(super) fn parse(file: &str, text: &str) -> (Table, Vec<Problem>) {
    let (document, errors) = DeTable::parse_recoverable(text);
    let source = Source { file, text };
    let problems = errors.iter().map(|e| source.grammar_problem(e)).collect();
    (source.table(document.get_ref()), problems)
}

/// Reads an environment variable's value as TOML, or as the plain text that it is when it is none.
pub(super) fn parse_variable(variable: &str, text: &str) -> Node {
    let place = Place::environment(variable);
    let document = format!("value = {text}");
    let value = match DeTable::parse(&document) {
        // More than one key means that the text went on after its first line: that is no single value.
        Ok(table) if table.get_ref().len() == 1 => {
            let source = Source { file: &place.file, text: "" };
            table.get_ref().iter().next().map(|(_, v)| source.value(v.get_ref()))
        }
        _ => None,
    };
    let value = value.unwrap_or_else(|| Value::Text(text.to_owned()));
    Node { place: place.clone(), value: at_place(value, &place), plain: Some(text.to_owned()) }
}

/// Gives every node below the variable's place, since lines mean nothing there.
fn at_place(value: Value, place: &Place) -> Value {
    let node = |n: Node| Node { place: place.clone(), value: at_place(n.value, place), plain: None };
    match value {
        Value::List(items) => Value::List(items.into_iter().map(node).collect()),
        Value::Table(table) => Value::Table(table.into_iter().map(|(k, n)| (k, node(n))).collect()),
        other => other,
    }
}

struct Source<'a> {
    file: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn place(&self, offset: usize) -> Place {
        Place { file: self.file.to_owned(), line: Some(line_of(self.text, offset)) }
    }

    fn grammar_problem(&self, error: &toml::de::Error) -> Problem {
        let offset = error.span().map_or(0, |span| span.start);
        let what = error.message().lines().collect::<Vec<_>>().join(", ");
        let remedy = if what.contains("duplicate") {
            "keep one of the two"
        } else {
            "write TOML: key = \"text\", key = 5 or key = [\"one\", \"two\"]"
        };
        self.place(offset).problem(format!("not TOML: {what}"), remedy)
    }

    fn table(&self, table: &DeTable<'_>) -> Table {
        let node = |place, value| Node { place, value, plain: None };
        table
            .iter()
            .map(|(key, value)| {
                let place = self.place(key.span().start);
                (key.get_ref().to_string(), node(place, self.value(value.get_ref())))
            })
            .collect()
    }

    fn value(&self, value: &DeValue<'_>) -> Value {
        match value {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(n) => Value::Integer(integer(n.as_str(), n.radix())),
            DeValue::Array(items) => Value::List(
                items
                    .iter()
                    .map(|v| Node { place: self.place(v.span().start), value: self.value(v.get_ref()), plain: None })
                    .collect(),
            ),
            DeValue::Table(table) => Value::Table(self.table(table)),
            DeValue::Float(_) => Value::Other("a number with a point"),
            DeValue::Boolean(_) => Value::Other("true or false"),
            DeValue::Datetime(_) => Value::Other("a date or time"),
        }
    }
}

fn integer(digits: &str, radix: u32) -> i128 {
    let saturated = if digits.starts_with('-') { i128::MIN } else { i128::MAX };
    i128::from_str_radix(digits, radix).unwrap_or(saturated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_know_their_lines() {
        let (table, problems) = parse("f.toml", "[sip]\n\nlisten = [\n  'a',\n  'b',\n]\n");
        assert!(problems.is_empty());
        let Value::Table(sip) = &table["sip"].value else { panic!("a section is a table") };
        assert_eq!(sip["listen"].place.line, Some(3));
        let Value::List(items) = &sip["listen"].value else { panic!("a list") };
        assert_eq!(items[1].place.line, Some(5));
    }

    #[test]
    fn a_variable_is_toml_or_the_text_that_it_is() {
        let value = |text| parse_variable("FRONTDESK_X__Y", text).value;
        assert_eq!(value("5"), Value::Integer(5));
        assert_eq!(value("'quoted'"), Value::Text("quoted".into()));
        assert_eq!(value("光明"), Value::Text("光明".into()));
        assert_eq!(value(""), Value::Text("".into()));
        assert_eq!(value("1\nother = 2"), Value::Text("1\nother = 2".into()));
        assert!(matches!(value("['a', 'b']"), Value::List(items) if items.len() == 2));
    }

    #[test]
    fn numbers_beyond_all_bounds_stay_numbers() {
        assert_eq!(integer("99999999999999999999999999999999999999999999", 10), i128::MAX);
        assert_eq!(integer("-99999999999999999999999999999999999999999999", 10), i128::MIN);
        assert_eq!(integer("ff", 16), 255);
    }
}
