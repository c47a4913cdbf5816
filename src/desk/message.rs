//! Messages left for an absent person and their relay (R5).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::words;
use crate::types::{CallId, Lang, MessageId, RecordingId};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
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

impl Relay {
    /// Whether the person has yet to hear it: `escalated` counts as unheard, since nobody has confirmed it.
    pub fn is_unheard(self) -> bool {
        matches!(self, Relay::Pending | Relay::Notified | Relay::Escalated)
    }

    /// How far a message has been passed on after a change: never backward, unless it has become another message, by
    /// another recording or for another person.
    #[must_use]
    pub fn after(self, change: &MessageChange) -> Relay {
        if change.for_person.is_some() {
            return Relay::Pending;
        }
        let before = if change.recording.is_some() && self == Relay::Heard { Relay::Pending } else { self };
        match (before, change.relay) {
            (Relay::Confirmed, _) | (_, None) => before,
            (Relay::Heard, Some(Relay::Pending | Relay::Notified)) => before,
            (_, Some(next)) => next,
        }
    }
}

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
    /// What was said, in writing, where that is asked for.
    pub transcript: Option<String>,
    pub duration_ms: u64,
    pub left_at: DateTime<Utc>,
    pub relay: Relay,
    pub attempts: Vec<Attempt>,
    pub incomplete: bool,
    pub call: Option<CallId>,
    /// Hidden from the person's list, and kept all the same.
    pub deleted: Option<Deletion>,
}

/// Who took a message off the list, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    pub at: DateTime<Utc>,
    /// An extension.
    pub by: String,
}

/// How many messages wait for an extension (RFC 3842: new and old).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessagesWaiting {
    pub extension: String,
    /// Those that were not heard yet.
    pub new: u64,
    /// Those that were heard or confirmed.
    pub old: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageDraft {
    pub for_person: Option<String>,
    pub from_number: Option<String>,
    pub from_name: Option<String>,
    pub call: CallId,
    /// That the caller has chosen, or that the line began with.
    pub language: Option<Lang>,
}

/// What is added to a message already begun; `None` leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageChange {
    pub recording: Option<RecordingId>,
    pub duration_ms: Option<u64>,
    pub from_number: Option<String>,
    /// `Some(true)` when the caller kept it; until then it is `incomplete`.
    pub complete: Option<bool>,
    /// The state that passing it on has come to; see `Relay::after`.
    pub relay: Option<Relay>,
    /// Tries to pass it on, to be added to those there are.
    pub attempts: Vec<Attempt>,
    /// The extension that takes it off the list.
    pub deleted_by: Option<String>,
    /// The extension that it is forwarded to: it waits there as a new one.
    pub for_person: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r5_relay_goes_on_and_never_back() {
        let to = |relay| MessageChange { relay: Some(relay), ..MessageChange::default() };
        for before in [Relay::Pending, Relay::Notified, Relay::Escalated, Relay::Heard] {
            assert_eq!(before.after(&to(Relay::Heard)), Relay::Heard);
            assert_eq!(before.after(&to(Relay::Confirmed)), Relay::Confirmed);
            assert_eq!(before.after(&MessageChange::default()), before);
        }
        for later in [Relay::Pending, Relay::Notified, Relay::Heard, Relay::Escalated] {
            assert_eq!(Relay::Confirmed.after(&to(later)), Relay::Confirmed);
        }
        assert_eq!(Relay::Heard.after(&to(Relay::Notified)), Relay::Heard);
    }

    #[test]
    fn r5_what_is_forwarded_or_spoken_anew_has_been_heard_by_nobody() {
        let forwarded = MessageChange { for_person: Some("202".to_owned()), ..MessageChange::default() };
        assert_eq!(Relay::Confirmed.after(&forwarded), Relay::Pending);
        let spoken = MessageChange { recording: Some(RecordingId("b.wav".to_owned())), ..MessageChange::default() };
        assert_eq!(Relay::Heard.after(&spoken), Relay::Pending);
        assert_eq!(Relay::Confirmed.after(&spoken), Relay::Confirmed);
    }
}
