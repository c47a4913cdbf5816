//! Alarms (R41): what went wrong and must be seen by somebody, until they say so by name.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::words;
use crate::types::{CallId, TicketNumber};

/// What an alarm is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// Nobody took an emergency (R18).
    MissedEmergency,
    /// Calls can't come in over a trunk (R1).
    LineDown,
    /// As many calls went out through a gateway within an hour as may: fraud, or a limit that is too low.
    OutgoingCalls,
    /// A clock of a ticket is over, and its promise is not kept (R19, R23, R36).
    Overdue,
    /// There is too little room on the disk for recordings (R6).
    DiskLow,
    /// Nobody took a repair (R26).
    NotDispatched,
    /// Whom a message is for has not confirmed it (R5).
    MessageUnconfirmed,
    /// People or programs can't be told by e-mail, text or webhook.
    ChannelFailing,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlarmState {
    /// It may come to one: duty officers ring. What a crash leaves in this state was missed.
    Watched,
    Open,
    /// Somebody has seen it.
    Acknowledged,
    /// It never came to one.
    Settled,
}

words!(AlarmKind {
    MissedEmergency => "missed_emergency", LineDown => "line_down", OutgoingCalls => "outgoing_calls",
    Overdue => "overdue", DiskLow => "disk_low",
    NotDispatched => "not_dispatched",
    MessageUnconfirmed => "message_unconfirmed",
    ChannelFailing => "channel_failing",
});
words!(AlarmState { Watched => "watched", Open => "open", Acknowledged => "acknowledged", Settled => "settled" });

/// Number of an alarm: unique within one data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct AlarmId(pub i64);

/// What is to be said of an alarm: there is one of each kind for a call, or for another thing, at most, and the later word
/// holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmWord {
    pub kind: AlarmKind,
    /// 0 for what concerns no call.
    pub call: CallId,
    /// The trunk's name, for what concerns a trunk.
    pub about: String,
    /// Never `Acknowledged`: that is people's.
    pub state: AlarmState,
    pub caller: Option<String>,
    pub ticket: Option<TicketNumber>,
    /// What happened, for people.
    pub note: String,
}

impl AlarmWord {
    pub fn of_call(kind: AlarmKind, call: CallId, state: AlarmState) -> Self {
        Self { kind, call, about: String::new(), state, caller: None, ticket: None, note: String::new() }
    }

    /// What concerns no call.
    pub fn about(kind: AlarmKind, about: &str, state: AlarmState) -> Self {
        Self { about: about.to_owned(), ..Self::of_call(kind, CallId(0), state) }
    }
}

/// An alarm as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    pub id: AlarmId,
    pub kind: AlarmKind,
    pub state: AlarmState,
    pub raised_at: DateTime<Utc>,
    /// None for what concerns no call.
    pub call: Option<CallId>,
    /// The trunk's name, for what concerns a trunk.
    pub about: Option<String>,
    pub caller: Option<String>,
    pub ticket: Option<TicketNumber>,
    pub note: String,
    /// When somebody saw it, and who.
    pub acknowledged: Option<Acknowledgement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    pub at: DateTime<Utc>,
    pub by: String,
}
