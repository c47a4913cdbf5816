//! Calls that live, as they are at one moment: for whoever looks at the board, or is rung for one of them (R11).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::call_record::Direction;
use super::errand::ErrandKind;
use super::report::table::{Both, Tongue};
use super::words::words;
use crate::types::{CallId, RecordingId, TicketNumber};

/// One call, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveCall {
    pub id: CallId,
    pub direction: Direction,
    /// As in the call log.
    pub caller: Option<String>,
    /// Untrusted text.
    pub caller_name: Option<String>,
    /// The user part that was called.
    pub callee: String,
    pub trunk: Option<String>,
    pub started_at: DateTime<Utc>,
    pub answered_at: Option<DateTime<Utc>>,
    /// Rings that had begun by the answer, or so far (R2).
    pub rings: u32,
    pub phase: Phase,
    /// Since when it is in this phase.
    pub since: DateTime<Utc>,
    /// Extensions that ring for the caller now, in order.
    pub rung: Vec<String>,
    pub tickets: Vec<TicketNumber>,
    /// The latest of this call; the one that is being made, too.
    pub recording: Option<RecordingId>,
}

/// Where a call is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// The line rings for the caller; nobody has answered.
    Ringing,
    /// The caller hears the menu.
    Menu { node: Node },
    /// What the caller says is recorded.
    Recording { node: Node },
    /// Waits for a receptionist, at this place from 1.
    Queued { place: u32 },
    /// Somebody is rung for the caller: `LiveCall::rung` says who.
    Reaching,
    /// `held`: hears music meanwhile.
    Talking { with: String, held: bool },
    /// Whoever has the caller asks a colleague meanwhile; `answered` once they talk.
    Asking { by: String, whom: String, answered: bool },
    /// On the way to somebody who is rung, from the one who gave the caller away.
    HandedOn { by: String },
    /// Waits at the place of this number.
    Parked { by: String, slot: u16 },
    /// Was forgotten: whoever had the caller is rung to take them back.
    Recalled { by: String },
    /// The desk itself calls somebody, who has not lifted.
    Calling { errand: Option<ErrandKind> },
    /// The caller is gone: people are rung on (R18), or call back. `by`: who has taken it.
    After { call_back: bool, by: Option<String> },
    /// It is over but for what is still written.
    Ending,
}

impl Phase {
    /// Its word for programs and style sheets.
    pub const fn word(&self) -> &'static str {
        match self {
            Phase::Ringing => "ringing",
            Phase::Menu { .. } => "menu",
            Phase::Recording { .. } => "recording",
            Phase::Queued { .. } => "queued",
            Phase::Reaching => "reaching",
            Phase::Talking { .. } => "talking",
            Phase::Asking { .. } => "asking",
            Phase::HandedOn { .. } => "handed_on",
            Phase::Parked { .. } => "parked",
            Phase::Recalled { .. } => "recalled",
            Phase::Calling { .. } => "calling",
            Phase::After { .. } => "after",
            Phase::Ending => "ending",
        }
    }
}

/// A node of the flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub name: String,
    /// What the desk calls it.
    pub title: Option<Title>,
}

/// What a node of the flow is called on screens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Title {
    pub zh: String,
    pub en: String,
}

impl Title {
    pub fn of(&self, tongue: Tongue) -> &str {
        match tongue {
            Tongue::Zh => &self.zh,
            Tongue::En => &self.en,
        }
    }
}

impl LiveCall {
    /// Who has the caller: talks to them, or has them on hold, in a park or on the way to somebody else.
    pub fn with(&self) -> Option<&str> {
        match &self.phase {
            Phase::Talking { with, .. } => Some(with),
            Phase::Asking { by, .. }
            | Phase::HandedOn { by }
            | Phase::Parked { by, .. }
            | Phase::Recalled { by }
            | Phase::After { by: Some(by), .. } => Some(by),
            Phase::Ringing
            | Phase::Menu { .. }
            | Phase::Recording { .. }
            | Phase::Queued { .. }
            | Phase::Reaching
            | Phase::Calling { .. }
            | Phase::After { by: None, .. }
            | Phase::Ending => None,
        }
    }

    /// Whether this person is to know who calls: they are rung for the caller, or have them.
    pub fn concerns(&self, extension: &str) -> bool {
        self.rung.iter().any(|rung| rung == extension) || self.with() == Some(extension)
    }

    /// Whether the caller waits for a person, whoever that will be.
    pub fn waits(&self) -> bool {
        matches!(self.phase, Phase::Queued { .. } | Phase::Reaching | Phase::HandedOn { .. } | Phase::Recalled { .. })
            || matches!(&self.phase, Phase::Ringing if self.direction == Direction::In)
    }
}

/// What is to become of somebody's caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Steer {
    /// To that person, whoever asks is free at once.
    Transfer { to: String },
    /// To a place with a number.
    Park,
    /// From the place, to the telephone of that person.
    PickUp { extension: String },
    /// Back to the menu.
    HandBack,
}

/// Whose caller is to be steered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SteerOrder {
    pub call: CallId,
    pub steer: Steer,
    /// The extension that asks, and that must have the caller; without one whoever has the caller loses them.
    pub by: Option<String>,
}

/// Why it can't be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SteerFault {
    /// It is over.
    NoCall,
    /// Nobody of the staff has the caller on the line.
    NoTalk,
    NotTheirs,
    /// No such extension.
    Nobody,
    Out,
    /// The caller talks to that person already.
    Same,
    NotParked,
    /// For one more parked caller.
    NoPlace,
    /// The line does not answer.
    NoLine,
}

words!(SteerFault {
    NoCall => "no_call",
    NoTalk => "no_talk",
    NotTheirs => "not_theirs",
    Nobody => "nobody",
    Out => "out",
    Same => "same",
    NotParked => "not_parked",
    NoPlace => "no_place",
    NoLine => "no_line",
});

impl SteerFault {
    /// For whoever asked.
    pub const fn text(self) -> Both {
        match self {
            SteerFault::NoCall => Both::new("通话已结束", "The call is over"),
            SteerFault::NoTalk => Both::new("现在没有人与来电人通话", "Nobody talks with this caller now"),
            SteerFault::NotTheirs => Both::new("来电人正与其他同事通话", "A colleague has this caller"),
            SteerFault::Nobody => Both::new("没有这个分机", "Nobody has that extension"),
            SteerFault::Out => Both::new("此人不在", "That person is out"),
            SteerFault::Same => Both::new("来电人已在与此人通话", "The caller is with that person already"),
            SteerFault::NotParked => Both::new("来电人不在驻留位", "The caller is not parked"),
            SteerFault::NoPlace => Both::new("驻留位已满", "Every place for parked callers is taken"),
            SteerFault::NoLine => Both::new("电话线路没有响应", "The line does not answer"),
        }
    }
}
