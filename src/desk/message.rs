//! Messages left for an absent person and their relay (R5).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::words::words;
use crate::types::{CallId, MessageId, RecordingId};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relay {
    Pending,
    Notified,
    Heard,
    Confirmed,
    Escalated,
}

words!(Relay {
    Pending => "pending",
    Notified => "notified",
    Heard => "heard",
    Confirmed => "confirmed",
    Escalated => "escalated",
});

/// One try to pass a message on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub at: DateTime<Utc>,
    pub channel: String,
    pub result: String,
}

/// A message as the contract shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub id: MessageId,
    /// Extension of the person, or null for the desk itself.
    pub for_person: Option<String>,
    pub from_number: Option<String>,
    pub from_name: Option<String>,
    pub recording: Option<RecordingId>,
    pub duration_ms: u64,
    pub left_at: DateTime<Utc>,
    pub relay: Relay,
    pub attempts: Vec<Attempt>,
    pub incomplete: bool,
    pub call: Option<CallId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageDraft {
    pub for_person: Option<String>,
    pub from_number: Option<String>,
    pub from_name: Option<String>,
    pub call: CallId,
}

/// What is added to a message already begun; `None` leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageChange {
    pub recording: Option<RecordingId>,
    pub duration_ms: Option<u64>,
    pub from_number: Option<String>,
    /// `Some(true)` when the caller kept it; until then it is `incomplete`.
    pub complete: Option<bool>,
}
