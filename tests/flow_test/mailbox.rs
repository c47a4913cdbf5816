//! Messages that wait for extension 201, and what their person does with them.

use chrono::{DateTime, TimeDelta, Utc};
use frontdesk::desk::message::{Deletion, Message, MessageChange, MessagesWaiting, Relay};
use frontdesk::desk::request::Done;
use frontdesk::flow::io::Say;
use frontdesk::types::{MessageId, RecordingId};

/// Ids from here on, so that they are told from those that a caller leaves in the same test.
const FIRST: i64 = 101;

#[derive(Debug, Default)]
pub struct Mailbox {
    pub messages: Vec<Message>,
    /// This recording can't be read.
    pub unreadable: Option<RecordingId>,
}

impl Mailbox {
    /// One more: `new`, `heard`, `withheld` (no number), `number` (no recording) or `unreadable`.
    pub fn add(&mut self, kind: &str) {
        let nth = i64::try_from(self.messages.len()).expect("they are few");
        let left_at: DateTime<Utc> = "2026-11-22T01:05:00Z".parse().expect("it is a time");
        let recording = RecordingId(format!("left-{}.wav", nth + 1));
        if kind == "unreadable" {
            self.unreadable = Some(recording.clone());
        }
        self.messages.push(Message {
            id: MessageId(FIRST + nth),
            for_person: Some("201".to_owned()),
            from_number: (kind != "withheld").then(|| format!("1390013900{nth}")),
            from_name: None,
            recording: (kind != "number").then_some(recording),
            transcript: None,
            duration_ms: 2_000,
            left_at: left_at + TimeDelta::hours(nth),
            relay: if kind == "heard" { Relay::Heard } else { Relay::Pending },
            attempts: Vec::new(),
            incomplete: false,
            call: None,
            deleted: None,
        });
    }

    /// `None` when it can't be checked.
    pub fn opens(&self, extension: &str, pin: &str) -> Option<bool> {
        (pin != "9999").then_some((extension, pin) == ("201", "4711"))
    }

    pub fn unreadable_of(&self, say: &[Say]) -> Option<RecordingId> {
        self.unreadable.clone().filter(|lost| say.contains(&Say::Recording(lost.clone())))
    }

    pub fn list(&self, extension: &str) -> Done {
        let listed = |m: &&Message| m.for_person.as_deref() == Some(extension) && m.deleted.is_none();
        let mut list: Vec<Message> = self.messages.iter().filter(listed).cloned().collect();
        list.sort_by_key(|m| !m.relay.is_unheard());
        let new = list.iter().filter(|m| m.relay.is_unheard()).count() as u64;
        let old = list.len() as u64 - new;
        Done::Messages { list, waiting: MessagesWaiting { extension: extension.to_owned(), new, old } }
    }

    /// Whether the message is one of these.
    pub fn change(&mut self, message: MessageId, change: &MessageChange) -> bool {
        let Some(found) = self.messages.iter_mut().find(|m| m.id == message) else { return false };
        found.relay = found.relay.after(change);
        found.for_person = change.for_person.clone().or(found.for_person.take());
        let deletion = |by: &String| Deletion { at: found.left_at, by: by.clone() };
        found.deleted = found.deleted.take().or(change.deleted_by.as_ref().map(deletion));
        true
    }
}
