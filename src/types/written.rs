//! Reading what the desk's people write: TOML tables, all of whose faults are told at once, each with line and remedy.

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::{Problem, did_you_mean};

/// At most so many faults are told of one file: the rest come back when these are mended.
const PROBLEMS_MAX: usize = 200;

/// One file that is being read, and the faults that were seen in it so far.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a str,
    /// Offsets of the line breaks: big directories ask for many lines.
    breaks: Vec<usize>,
    file: &'a str,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// `file` is the name that faults are told with.
    pub fn new(text: &'a str, file: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
        Self { text, breaks, file, problems: Vec::new() }
    }

    /// The whole document as far as it can be read; faults of syntax and doubled keys are noted.
    pub fn document(&mut self) -> DeTable<'a> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let at = error.span().map(|s| s.start);
            let message = error.message().to_owned();
            let remedy = if message.contains("duplicate") { "write each key once" } else { "write it as TOML asks" };
            self.problem(at, message, remedy);
        }
        table.into_inner()
    }

    /// A value as a `T`. Every unknown or ill-typed key of it is noted, not only the first; `None` when there was any.
    pub fn read<T: DeserializeOwned>(&mut self, what: &str, value: &Spanned<DeValue<'a>>) -> Option<T> {
        let mut rest = value.clone();
        let mut dropped: Vec<String> = Vec::new();
        while self.problems.len() < PROBLEMS_MAX {
            let error = match T::deserialize(ValueDeserializer::from(rest.clone())) {
                Ok(read) => return dropped.is_empty().then_some(read),
                Err(error) => error,
            };
            let message = error.message();
            let at = error.span().map(|s| s.start).filter(|at| *at > 0).unwrap_or(value.span().start);
            if let Some((word, known)) = unknown_word(message) {
                let near = did_you_mean(&word, known.iter().map(String::as_str)).map(str::to_owned);
                let remedy = remedy_for_unknown(near.as_deref(), &known);
                dropped.extend(near);
                self.problem(Some(at), format!("{what}: unknown word `{word}`"), remedy);
            } else if let Some(field) = missing_field(message) {
                if !dropped.iter().any(|d| d == field) {
                    self.problem(Some(at), format!("{what}: `{field}` is missing"), "write it");
                }
            } else {
                let (said, remedy) = message.split_once("; ").unwrap_or((message, "write it as that"));
                self.problem(Some(at), format!("{what}: {said}"), remedy);
            }
            match drop_at(rest.get_mut(), at) {
                Some(key) => dropped.push(key),
                None => return None,
            }
        }
        None
    }

    /// Notes a fault; `at` is a byte offset into the text.
    pub fn problem(&mut self, at: Option<usize>, what: impl Into<String>, remedy: impl Into<String>) {
        self.problem_at(at, None, what, remedy);
    }

    /// The same, with a line at hand for where no offset is known.
    pub fn problem_at(
        &mut self,
        at: Option<usize>,
        line: Option<usize>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let line = at.map(|at| self.line(at)).or(line);
        if self.problems.len() < PROBLEMS_MAX {
            let (what, remedy) = (what.into(), remedy.into());
            self.problems.push(Problem { file: self.file.to_owned(), line, what, remedy });
        }
    }

    /// Whether nothing was noted so far.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// 1-based line of a byte offset.
    pub fn line(&self, at: usize) -> usize {
        self.breaks.partition_point(|line_break| *line_break < at) + 1
    }

    /// What was read, if nothing was wrong; else every fault, by line.
    pub fn finish<T>(mut self, read: Option<T>) -> Result<T, Vec<Problem>> {
        match read {
            Some(read) if self.problems.is_empty() => Ok(read),
            _ => {
                self.problems.sort_by(|a, b| (a.line, &a.what).cmp(&(b.line, &b.what)));
                self.problems.dedup();
                Err(self.problems)
            }
        }
    }
}

/// What to write for a word that isn't known.
pub fn remedy_for_unknown(near: Option<&str>, known: &[String]) -> String {
    match near {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "take it out".to_owned(),
        None => format!("write one of: {}", known.join(", ")),
    }
}

/// serde's words: "unknown field `x`, expected one of `a`, `b`", also for variants.
fn unknown_word(message: &str) -> Option<(String, Vec<String>)> {
    let rest = message.strip_prefix("unknown field ").or_else(|| message.strip_prefix("unknown variant "))?;
    let mut quoted = rest.split('`').skip(1).step_by(2).map(str::to_owned);
    let word = quoted.next()?;
    Some((word, quoted.collect()))
}

fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

/// Takes out the innermost entry that a byte offset lies in, so that the rest can be read; its key, if there is one.
fn drop_at(value: &mut DeValue<'_>, at: usize) -> Option<String> {
    match value {
        DeValue::Table(table) => {
            for (_, inner) in table.iter_mut() {
                if let Some(key) = drop_at(inner.get_mut(), at) {
                    return Some(key);
                }
            }
            let here = table
                .iter()
                .find(|(key, inner)| key.span().contains(&at) || inner.span().contains(&at))
                .map(|(key, _)| key.get_ref().clone().into_owned())?;
            table.remove(here.as_str());
            Some(here)
        }
        DeValue::Array(array) => {
            for inner in array.iter_mut() {
                if let Some(key) = drop_at(inner.get_mut(), at) {
                    return Some(key);
                }
            }
            None
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Dish {
        name: String,
        price: u32,
        sides: Vec<Side>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Side {
        what: String,
    }

    fn read(text: &str) -> Result<Dish, Vec<String>> {
        let mut reader = Reader::new(text, "menu.toml");
        let document = reader.document();
        let dish = document.get("dish").and_then(|value| reader.read("dish", value));
        reader.finish(dish).map_err(|problems| problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_good_table_is_read() {
        let dish = read("[dish]\nname = \"mapo\"\nprice = 3\nsides = [{ what = \"rice\" }]").expect("it is good");
        assert_eq!((dish.name.as_str(), dish.price, dish.sides[0].what.as_str()), ("mapo", 3, "rice"));
    }

    #[test]
    fn all_faults_of_a_table_are_told_with_their_lines() {
        let faults = read("[dish]\nnmae = \"mapo\"\nprice = \"three\"\nsides = [{ waht = \"rice\" }]\ntip = 1")
            .expect_err("it has four faults");
        assert_eq!(
            faults,
            [
                "menu.toml:2: dish: unknown word `nmae`; did you mean `name`?",
                "menu.toml:3: dish: invalid type: string \"three\", expected u32; write it as that",
                "menu.toml:4: dish: unknown word `waht`; did you mean `what`?",
                "menu.toml:5: dish: unknown word `tip`; write one of: name, price, sides",
            ]
        );
    }

    #[test]
    fn a_doubled_key_and_a_missing_one_are_told() {
        let faults = read("[dish]\nname = \"a\"\nname = \"b\"\nprice = 1").expect_err("it has two faults");
        assert!(faults[1].starts_with("menu.toml:3:") && faults[1].contains("duplicate"), "{faults:?}");
        assert_eq!(faults[0], "menu.toml:1: dish: `sides` is missing; write it");
    }

    #[test]
    fn any_truncation_is_told_and_never_panics() {
        let text = "[dish]\nname = \"mapo 豆腐\"\nprice = 3\nsides = [{ what = \"rice\" }]";
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            let _ = read(&text[..end]);
        }
    }
}
