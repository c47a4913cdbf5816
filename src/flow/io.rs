//! What a running flow is told and what it asks for.

use chrono::{NaiveDate, NaiveTime};

use crate::desk::errand::ErrandResult;
use crate::desk::people::Person;
use crate::desk::request::{DeskReply, DeskRequest, RequestId};
use crate::types::{Digit, Lang, Mono, RecordingId, Redacted};

/// One thing to be heard. `call` turns it into prompt clips of the caller's language.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Say {
    /// A text of the catalogue, by id.
    Prompt(String),
    /// The same, left out where no language of the line has it: a category of the site's own, for one.
    IfKnown(String),
    /// Digit by digit, as for tickets, rooms and telephones (幺 for 1 in Mandarin): `0`-`9`; `*`, `-` and others are short pauses.
    Digits(String),
    /// A cardinal number (两百零三).
    Number(u64),
    /// A day with its year, and a time of day to the minute.
    Date(NaiveDate),
    Time(NaiveTime),
    /// A name on the keypad, spelled, where no recording of the name exists: an extension is said digit by digit.
    Extension(String),
    /// What this caller has just recorded, or another one has.
    Recording(RecordingId),
    Beep,
    Silence {
        ms: u32,
    },
}

/// Ties `PlayDone` and `RecordDone` to their request: those of an older token are stale and ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Token(pub u32);

/// Limits of one recording (R6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSpec {
    pub max_ms: u32,
    /// Ends after this much silence in a row.
    pub silence_ms: u32,
    /// Shorter ones count as nothing said.
    pub min_ms: u32,
    /// A warning tone is played this long before `max_ms`.
    pub warn_ms: u32,
    /// Any of these ends it, and is not part of it.
    pub stop_keys: Vec<Digit>,
}

impl Default for RecordSpec {
    /// Three minutes, six seconds of silence (R6), at least a second, a warning ten seconds before the end, `#`.
    fn default() -> Self {
        Self { max_ms: 180_000, silence_ms: 6_000, min_ms: 1_000, warn_ms: 10_000, stop_keys: vec![Digit::HASH] }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordEnd {
    Key(Digit),
    Silence,
    Limit,
    /// The caller hung up: the recording is kept.
    HangUp,
    /// It could not be written; what is on disk is kept.
    Failed,
}

/// A person that a lookup found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonMatch {
    pub extension: String,
    pub name: String,
    /// The prompt id of the name's recording, if there is one; else the extension is said.
    pub name_prompt: Option<String>,
    pub present: bool,
}

impl From<&Person> for PersonMatch {
    fn from(person: &Person) -> Self {
        Self {
            extension: person.extension.clone(),
            name: person.name.clone(),
            name_prompt: person.prompt.clone(),
            present: person.present,
        }
    }
}

/// Whom a flow wants to reach for its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// The person with this extension, at the places of their hunt list (R17).
    Person(String),
    /// The receptionists who are free, in this order; the caller waits in the queue until one is (R1).
    Receptionists(Strategy),
    /// Everybody on emergency duty at once, again and again until one takes the call (R18).
    DutyOfficers,
}

/// In which order the receptionists are rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// All at once.
    #[default]
    All,
    /// One after the other, beginning after the one who was rung last.
    InTurn,
    /// One after the other, the one whose last talk is longest ago first.
    LongestIdle,
}

/// How a search ended in which nobody took the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SearchEnd {
    /// The person does not want to talk now.
    Declined,
    /// The person asks that a message be taken.
    MessageWanted,
    /// Nobody took the call.
    Absent,
}

/// How a talk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Parted {
    TheyHungUp,
    /// They gave the caller back to the menu.
    HandedBack,
    /// Their leg failed.
    Lost,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The call is answered and acknowledged: begin.
    Start,
    Digit(Digit),
    PlayDone(Token),
    RecordDone {
        token: Token,
        recording: RecordingId,
        duration_ms: u64,
        end: RecordEnd,
    },
    Found {
        id: RequestId,
        matches: Vec<PersonMatch>,
    },
    /// Somebody took the call: the caller talks to them, the flow is silent until `Parted`.
    Met {
        id: RequestId,
    },
    SearchEnded {
        id: RequestId,
        end: SearchEnd,
    },
    Parted {
        id: RequestId,
        how: Parted,
    },
    /// Where the caller stands in the queue, from 1, and how long it will take.
    Queue {
        id: RequestId,
        position: u32,
        wait_s: u32,
        /// Whether there is room for one more who is to be called back.
        may_call_back: bool,
    },
    Desk(DeskReply),
    /// Whether the PIN is right; `None` when it could not be checked.
    PinChecked {
        id: RequestId,
        right: Option<bool>,
    },
    /// A recording of what plays now can't be read: it is left out.
    Unreadable(RecordingId),
    /// Time has come to what `Output::Wait` named (or later).
    Timeout,
    /// The caller is gone: finish what was begun (as incomplete), ask for nothing that must be heard.
    HungUp,
}

// One at a time, taken at once: boxing the large ones would cost more than their size does.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Plays these one after the other in place of what is playing; `PlayDone` with that token follows unless stopped.
    Play {
        token: Token,
        say: Vec<Say>,
        lang: Lang,
    },
    /// Plays these over and over in place of what is playing, until `StopPlay` or another `Play`.
    PlayLoop {
        say: Vec<Say>,
        lang: Lang,
    },
    StopPlay,
    /// Begins to ring people. `Met` or `SearchEnded` follows, unless `StopSearch` comes before.
    Search {
        id: RequestId,
        whom: Whom,
        /// What they hear when they lift, in the desk's own language.
        whisper: Vec<Say>,
        /// For so long does the caller wait in the queue.
        wait_max_s: u32,
    },
    /// The caller who is to be called back keeps their place in the queue meanwhile.
    StopSearch {
        id: RequestId,
        keeps_place: bool,
    },
    /// A place that was kept is given up.
    LeaveQueue,
    /// The caller is gone: the search goes on without them (R18). `brief` is for the one who takes the call.
    RingOn {
        id: RequestId,
        brief: Vec<Say>,
    },
    /// The caller leaves, and is called back when their place in the queue comes up: the receptionists are rung then.
    CallBack {
        strategy: Strategy,
        /// What they hear when they lift.
        whisper: Vec<Say>,
        /// For the one who takes it.
        brief: Vec<Say>,
    },
    /// Starts recording (after the beep has been heard); `RecordDone` follows in any case.
    Record {
        token: Token,
        spec: RecordSpec,
    },
    StopRecord,
    /// A person by extension or by the digits of a name.
    Find {
        id: RequestId,
        digits: String,
    },
    Desk(DeskRequest),
    /// What came of the errand that the desk calls for: kept, and replied to as the desk's.
    Errand {
        id: RequestId,
        result: ErrandResult,
    },
    /// What a customer has to say about it.
    Comment(RecordingId),
    /// Whether this PIN opens the messages of this extension; `PinChecked` follows.
    CheckPin {
        id: RequestId,
        extension: String,
        pin: Redacted<String>,
    },
    /// A step for the call's path: the node's name, and the keys when there were any.
    Step {
        node: String,
        input: Option<String>,
    },
    /// The flow is over: hang up. `Input` after it is ignored.
    Finished(Finish),
    /// Nothing more to do until then (or until the next input, when `None`).
    Wait(Option<Mono>),
}

/// How a flow ended, for the call's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Finish {
    /// The caller heard what they wanted.
    Completed,
    /// A ticket was opened.
    Ticket,
    /// A message was left.
    Voicemail,
    /// Something was to be kept, and none of it could be written.
    NotSaved,
    /// The caller talked to somebody.
    Transferred,
    /// The caller hung up before anything came of the call: no answer heard, nothing left.
    Abandoned,
}
