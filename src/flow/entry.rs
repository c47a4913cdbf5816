//! `[entry]`: where a call begins, by the user part or number that was called.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::definition::Word;

/// Service numbers of one site.
const ENTRIES_MAX: usize = 500;

/// The beginnings of one flow, by callee.
#[derive(Debug, Clone, Default)]
pub struct Entries {
    /// As they stand in the file.
    written: BTreeMap<String, Word>,
    /// The keys as they are compared: the place in `written` of each.
    compared: BTreeMap<String, String>,
}

impl Entries {
    pub fn new(written: BTreeMap<String, Word>) -> Self {
        let compared = written.keys().map(|callee| (plain(callee).into_owned(), callee.clone())).collect();
        Self { written, compared }
    }

    /// The node for this callee; `None` for every other one.
    pub fn of(&self, callee: &str) -> Option<&Word> {
        if self.written.is_empty() {
            return None;
        }
        self.compared.get(&*plain(callee)).and_then(|written| self.written.get(written))
    }

    /// (callee, node), as they stand in the file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Word)> {
        self.written.iter().map(|(callee, word)| (callee.as_str(), word))
    }

    /// (callee, node, fault, remedy) of entries that can't be told apart, or never be called.
    pub fn faults(&self) -> Vec<(&str, &Word, String, String)> {
        let mut faults = Vec::new();
        for (nth, (callee, word)) in self.iter().enumerate() {
            let compared = plain(callee);
            let twin = self.compared.get(&*compared).filter(|other| *other != callee);
            let (fault, remedy) = if nth == ENTRIES_MAX {
                (format!("there are {} entries", self.written.len()), format!("write at most {ENTRIES_MAX}"))
            } else if compared.is_empty() {
                ("nobody can call that".to_owned(), "write a user part or a number".to_owned())
            } else if let Some(twin) = twin {
                (format!("it is the same as `{twin}`"), "take one of them out".to_owned())
            } else {
                continue;
            };
            faults.push((callee, word, fault, remedy));
        }
        faults
    }
}

/// A callee as it is compared: without parameters; a telephone number without its separators (RFC 3966 section 5.1.1).
fn plain(callee: &str) -> Cow<'_, str> {
    let callee = callee.split(';').next().unwrap_or_default().trim();
    let is_separator = |c: char| matches!(c, '-' | '.' | '(' | ')' | ' ');
    let is_number = callee.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '*' | '#') || is_separator(c));
    if is_number && callee.contains(is_separator) {
        Cow::Owned(callee.chars().filter(|c| !is_separator(*c)).collect())
    } else {
        Cow::Borrowed(callee)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::definition::word;

    fn entries(list: &[(&str, &str)]) -> Entries {
        Entries::new(list.iter().map(|(callee, to)| ((*callee).to_owned(), word(to))).collect())
    }

    fn of<'a>(entries: &'a Entries, callee: &str) -> Option<&'a str> {
        entries.of(callee).map(|w| w.get_ref().as_str())
    }

    #[test]
    fn a_number_is_found_however_it_is_written() {
        let entries = entries(&[("+86 10 1234-5678", "repair"), ("95588", "complaint"), ("front-desk", "main")]);
        assert_eq!(of(&entries, "+861012345678"), Some("repair"));
        assert_eq!(of(&entries, "+86(10)1234.5678;npdi"), Some("repair"));
        assert_eq!(of(&entries, "95588"), Some("complaint"));
        assert_eq!(of(&entries, "front-desk"), Some("main"));
    }

    #[test]
    fn names_and_other_numbers_are_not_mistaken_for_an_entry() {
        let entries = entries(&[("95588", "complaint"), ("front-desk", "main")]);
        for callee in ["", "9558", "955880", "+95588", "frontdesk", "front", ";95588"] {
            assert_eq!(of(&entries, callee), None, "{callee}");
        }
    }

    #[test]
    fn the_same_number_twice_and_none_at_all_are_faults() {
        let entries = entries(&[("955-88", "a"), ("95588", "b"), ("--", "c"), ("1000", "d")]);
        let told: Vec<(&str, String)> = entries.faults().into_iter().map(|(c, _, fault, _)| (c, fault)).collect();
        assert_eq!(
            told,
            [("--", "nobody can call that".to_owned()), ("955-88", "it is the same as `95588`".to_owned())]
        );
    }

    #[test]
    fn one_more_entry_than_may_be_is_told_once() {
        let many: BTreeMap<String, Word> = (0..ENTRIES_MAX + 3).map(|n| (format!("u{n:04}"), word("main"))).collect();
        assert_eq!(Entries::new(many).faults().len(), 1);
    }
}
