//! The words of a flow file: what stands in `flow.toml` beside the steps' own parameters.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::io::RecordSpec;
use crate::desk::errand::ErrandKind;

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
pub const PLACEHOLDERS: [&str; 20] = [
    "ticket",
    "callback",
    "caller",
    "caller_name",
    "building",
    "room",
    "person",
    "position",
    "minutes",
    "report",
    // Of the caller, and of the repair that is open for them already.
    "home",
    "repeat",
    // Of the ticket or message that the desk calls for, or that is reported on.
    "urgency",
    "category",
    "place",
    "said",
    "left",
    "from",
    "for_person",
    "note",
];

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
    /// Said before the building and the room of a ticket.
    pub building: Word,
    pub room: Word,
    /// Said before the number of tickets that are open for a caller's place.
    pub open_tickets: Word,
    /// Said before the extension of whom a message is for.
    pub for_person: Word,
    /// Said of a message whose caller's number is withheld.
    pub withheld: Word,
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
            building: word("place-building"),
            room: word("place-readback-room"),
            open_tickets: word("home-open"),
            for_person: word("relay-for"),
            withheld: word("mailbox-withheld"),
            announcement: ["whisper-from", "{caller_name}", "whisper-keys"].map(word).to_vec(),
        }
    }
}

impl Phrases {
    pub fn words(&self) -> impl Iterator<Item = &Word> {
        let single =
            [&self.wrong_key, &self.no_key, &self.unsaved, &self.trouble, &self.extension, &self.recording_notice];
        let of_tickets = [&self.building, &self.room, &self.open_tickets, &self.for_person, &self.withheld];
        single.into_iter().chain(of_tickets).chain(&self.announcement)
    }
}

/// `[errand]`: where the desk's own calls begin. A kind that is left out is not called for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Errands {
    pub dispatch: Option<Word>,
    pub relay: Option<Word>,
    pub follow_up: Option<Word>,
    /// About a ticket.
    pub notice: Option<Word>,
    /// About a message.
    pub message_notice: Option<Word>,
    /// A prompt of the desk's own is said.
    pub prompt: Option<Word>,
}

impl Errands {
    /// `of_message`: it is about a message, not about a ticket.
    pub fn of(&self, kind: ErrandKind, of_message: bool) -> Option<&Word> {
        match kind {
            ErrandKind::Dispatch => self.dispatch.as_ref(),
            ErrandKind::Relay => self.relay.as_ref(),
            ErrandKind::FollowUp => self.follow_up.as_ref(),
            ErrandKind::Notice if of_message => self.message_notice.as_ref(),
            ErrandKind::Notice => self.notice.as_ref(),
            ErrandKind::Prompt => self.prompt.as_ref(),
        }
    }

    /// Those that there are.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Word)> {
        let all = ErrandKind::ALL.iter().map(|kind| (kind.as_str(), self.of(*kind, false)));
        let all = all.chain([("message_notice", self.message_notice.as_ref())]);
        all.filter_map(|(name, word)| word.map(|word| (name, word)))
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
    /// The first node of each kind of call that the desk itself makes.
    #[serde(default)]
    pub errand: Errands,
    #[serde(default)]
    pub keys: Keys,
    #[serde(default)]
    pub prompts: Phrases,
}
