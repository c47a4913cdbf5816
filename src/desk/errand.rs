//! Telephone calls that the desk itself makes about its work: an engineer is sent (R26), a message is passed on (R5), a
//! customer is asked whether they are satisfied (R37), somebody is told what is overdue (R19, R23).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ticket::{Kind, Urgency};
use super::words::words;
use crate::types::{CallId, Lang, MessageId, RecordingId, TicketNumber};

/// Number of an errand: unique within one data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct ErrandId(pub i64);

/// What the call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrandKind {
    /// Whether the engineer takes the repair (R26).
    Dispatch,
    /// A message is passed on to whom it is for (R5).
    Relay,
    /// Whether the customer is satisfied (R37).
    FollowUp,
    /// What somebody must know: a clock of a ticket is overdue, a message waits for a colleague.
    Notice,
    /// Somebody of the desk says a prompt, whose language and id are the note: `zh/greeting` (R3).
    Prompt,
}

words!(ErrandKind {
    Dispatch => "dispatch",
    Relay => "relay",
    FollowUp => "follow_up",
    Notice => "notice",
    Prompt => "prompt",
});

/// Where that stands which a call is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// Of its ticket.
    pub stage: Option<String>,
    pub closed: bool,
    /// Its message is with somebody, or deleted.
    pub passed_on: bool,
}

impl ErrandKind {
    /// Whether a call that the desk itself asked for comes too late: the ticket is closed or somebody else's by now, the
    /// message is passed on. Nobody is rung for it any more (R10).
    pub fn is_overtaken(self, standing: &Standing) -> bool {
        let beyond = |stages: [&str; 2]| standing.stage.as_deref().is_some_and(|stage| !stages.contains(&stage));
        let overtaken = match self {
            ErrandKind::Dispatch => beyond(["reported", "dispatched"]),
            ErrandKind::FollowUp => beyond(["accepted_by_customer", "follow_up"]),
            ErrandKind::Relay => standing.passed_on,
            ErrandKind::Notice | ErrandKind::Prompt => false,
        };
        standing.closed || overtaken
    }
}

/// Who is called. Only people of the directory, and customers by the number that they left or called from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrandTo {
    Person { extension: String },
    Customer { number: String },
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewErrand {
    pub kind: ErrandKind,
    pub to: ErrandTo,
    pub ticket: Option<TicketNumber>,
    pub message: Option<MessageId>,
    /// For a notice: the name of the clock, or why.
    pub note: Option<String>,
    /// The task that waits for its end.
    pub task: Option<i64>,
    /// It is not begun before.
    pub not_before: DateTime<Utc>,
}

/// With what the call needs to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    pub id: ErrandId,
    pub kind: ErrandKind,
    pub to: ErrandTo,
    pub ticket: Option<TicketNumber>,
    pub message: Option<MessageId>,
    pub note: Option<String>,
    /// Since when it could have been begun.
    pub due: DateTime<Utc>,
    /// Nobody needs to be called for it any more.
    pub overtaken: bool,
    pub about: ErrandAbout,
}

/// Of its ticket or message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrandAbout {
    pub kind: Option<Kind>,
    pub urgency: Option<Urgency>,
    pub category: Option<String>,
    pub building: Option<String>,
    pub room: Option<String>,
    /// What the caller said.
    pub recording: Option<RecordingId>,
    pub from_number: Option<String>,
    pub left_at: Option<DateTime<Utc>>,
    /// That a customer spoke with the desk; staff hears the desk's own.
    pub language: Option<Lang>,
    /// Extension of whom a message is for, where it is somebody else who is called.
    pub for_person: Option<String>,
    /// The number that the customer's call came from, and the trunk that it came over: it is called back without more ado.
    pub called_from: Option<String>,
    pub trunk: Option<String>,
    /// By whom of the desk the number to call back was written, where it is not what a caller keyed.
    pub number_by: Option<String>,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrandState {
    Waiting,
    /// Somebody is rung, or talks to the desk.
    Calling,
    Ended,
}

words!(ErrandState { Waiting => "waiting", Calling => "calling", Ended => "ended" });

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrandResult {
    /// Dispatch: the engineer takes it.
    Accepted,
    /// Dispatch: they pass it on to the next.
    Declined,
    /// Relay: they have the message. Notice: they know.
    Confirmed,
    /// Relay: they heard it to its end and said nothing.
    Heard,
    /// Follow-up.
    Satisfied,
    NotSatisfied,
    /// Follow-up: they want to speak to somebody, and were put through or are called back.
    WantsToSpeak,
    /// Nobody answered, or nobody pressed a key (R15).
    NotReached,
    /// It could not be tried: nowhere to call, not allowed, too many calls.
    Failed,
}

words!(ErrandResult {
    Accepted => "accepted",
    Declined => "declined",
    Confirmed => "confirmed",
    Heard => "heard",
    Satisfied => "satisfied",
    NotSatisfied => "not_satisfied",
    WantsToSpeak => "wants_to_speak",
    NotReached => "not_reached",
    Failed => "failed",
});

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrandEnd {
    pub errand: ErrandId,
    pub at: DateTime<Utc>,
    pub result: ErrandResult,
    /// Why not, for people: `busy`, `no_answer`, `no_consent` and so on.
    pub why: Option<String>,
    /// The recording of what a customer had to say.
    pub comment: Option<RecordingId>,
}

/// An errand as it is kept, for lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrandRecord {
    pub id: ErrandId,
    pub kind: ErrandKind,
    /// Of a person.
    pub extension: Option<String>,
    /// Of a customer.
    pub number: Option<String>,
    pub ticket: Option<TicketNumber>,
    pub message: Option<MessageId>,
    pub note: Option<String>,
    pub state: ErrandState,
    pub result: Option<ErrandResult>,
    /// Why not, or who cancelled it.
    pub why: Option<String>,
    pub comment: Option<RecordingId>,
    /// The call that was made for it last.
    pub call: Option<CallId>,
    pub created_at: DateTime<Utc>,
    pub not_before: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// An errand that has ended, for whoever asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedErrand {
    pub kind: ErrandKind,
    pub to: ErrandTo,
    pub ticket: Option<TicketNumber>,
    pub message: Option<MessageId>,
    pub note: Option<String>,
    pub task: Option<i64>,
    pub call: Option<CallId>,
    pub end: ErrandEnd,
}
