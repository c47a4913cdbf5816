//! A fault in something that the desk's people write: config, flow, prompts, directory.

use std::fmt;

/// One fault: where it is, what is wrong, and what to write in its place. Checks collect all of them before they speak.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file's path as the config names it, or `built-in flow` and the like.
    pub file: String,
    /// 1-based line, when it is known.
    pub line: Option<usize>,
    pub what: String,
    /// The remedy: what to write or do.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}; {}", self.what, self.remedy)
    }
}

/// The 1-based line of a byte offset in a text, for spans of the TOML parser.
pub fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1
}

/// The nearest of the known words, for a "did you mean"; `None` when nothing is near.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|k| (strsim::jaro_winkler(word, k), k))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}
