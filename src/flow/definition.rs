//! The words of a flow file: what stands in `flow.toml` beside the steps' own parameters.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::io::RecordSpec;

/// A word of the file with its place: a prompt's id, a node's name.
pub type Word = Spanned<String>;

/// What is said, one after the other: prompt ids, and `{ticket}`, `{callback}`, `{caller}`, `{building}`, `{room}`,
/// `{person}` for what is known of this call.
pub type Saying = Vec<Word>;

/// A word that the file does not hold: a default.
pub fn word(text: &str) -> Word {
    Spanned::new(0..0, text.to_owned())
}

/// Byte offset of a word; `None` for a default.
pub fn place(word: &Word) -> Option<usize> {
    let span = word.span();
    (!span.is_empty()).then_some(span.start)
}

/// Limits of one recording that differ from the desk's (R6); seconds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub max_s: Option<u16>,
    pub silence_s: Option<u16>,
    pub min_s: Option<u16>,
    pub warn_s: Option<u16>,
}

impl Limits {
    /// The desk's limits with these laid over them.
    pub fn over(&self, desk: &RecordSpec) -> RecordSpec {
        let ms = |s: Option<u16>, otherwise: u32| s.map_or(otherwise, |s| u32::from(s) * 1000);
        RecordSpec {
            max_ms: ms(self.max_s, desk.max_ms),
            silence_ms: ms(self.silence_s, desk.silence_ms),
            min_ms: ms(self.min_s, desk.min_ms),
            warn_ms: ms(self.warn_s, desk.warn_ms),
            stop_keys: desk.stop_keys.clone(),
        }
    }
}

/// What may stand in braces in a saying.
pub const PLACEHOLDERS: [&str; 10] =
    ["ticket", "callback", "caller", "caller_name", "building", "room", "person", "position", "minutes", "report"];

/// The name in braces, if the word is `{name}`.
pub fn placeholder(word: &str) -> Option<&str> {
    word.strip_prefix('{')?.strip_suffix('}')
}

/// `[keys]`: how long and how often keys are waited for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// Seconds for the first key, after the prompt has ended.
    pub first_s: u16,
    /// Seconds between two keys of an entry.
    pub next_s: u16,
    /// So many wrong keys and the caller is led on (R7).
    pub tries_wrong: u8,
    /// So many silences and the caller is led on; counted apart from wrong keys.
    pub tries_none: u8,
}

impl Default for Keys {
    fn default() -> Self {
        Self { first_s: 6, next_s: 4, tries_wrong: 3, tries_none: 3 }
    }
}

/// `[prompts]`: what is said at any node when something goes otherwise.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Phrases {
    pub wrong_key: Word,
    pub no_key: Word,
    /// A ticket or message could not be written: no number is promised.
    pub unsaved: Word,
    /// Something else failed on our side.
    pub trouble: Word,
    /// Said before an extension that stands for a name.
    pub extension: Word,
    /// To whom a caller is handed by somebody of the staff: who it is, and that 1 takes the call (R15).
    pub announcement: Saying,
    /// Said before the first recording of a call, where `[record] notice` is on (R12).
    pub recording_notice: Word,
}

impl Default for Phrases {
    fn default() -> Self {
        Self {
            wrong_key: word("sorry-wrong-key"),
            no_key: word("sorry-no-key"),
            unsaved: word("ticket-unsaved"),
            trouble: word("trouble"),
            extension: word("person-extension"),
            recording_notice: word("recording-notice"),
            announcement: ["whisper-from", "{caller_name}", "whisper-keys"].map(word).to_vec(),
        }
    }
}

impl Phrases {
    pub fn words(&self) -> impl Iterator<Item = &Word> {
        let single =
            [&self.wrong_key, &self.no_key, &self.unsaved, &self.trouble, &self.extension, &self.recording_notice];
        single.into_iter().chain(&self.announcement)
    }
}

/// The tables beside `[node.*]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Top {
    /// The first node.
    pub start: Word,
    /// The first node of those who called this user part or number.
    #[serde(default)]
    pub entry: BTreeMap<String, Word>,
    #[serde(default)]
    pub keys: Keys,
    #[serde(default)]
    pub prompts: Phrases,
}
