//! What people and other programs are told (R5, R26, R41): e-mails and texts to people of the directory, webhooks to
//! programs. Telephone calls are tasks (`desk::tasks`), lamps are the line's.
//!
//! - `plan`: who is told of a happening, by which channel.
//! - `note`, `payload`: what a person reads, and what a program does.
//! - `templates`: the words of a note (`notices.toml`), in each language.
//! - `rules`: channels that are there, quiet hours, how often a failed one is tried again.
//! - `webhooks`: programs that are told (`webhooks.toml`).

mod note;
mod payload;
mod plan;
mod rules;
mod templates;
mod webhooks;

pub use note::trial;
pub use payload::trial_payload;
pub use plan::{About, concerns, plan, ways};
pub use rules::{NotifyRules, channel_name};
pub use templates::{Facts, NoticeKind, Rendered, Templates};
pub use webhooks::{EventPattern, SigningSecret, Webhook, Webhooks};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::words;
use crate::types::{MessageId, RecordingId};

/// By which way somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotifyChannel {
    Email,
    Webhook,
    /// A text on the person's telephones (RFC 3428).
    Sip,
}

/// How far a notification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotificationState {
    /// To be sent, or to be sent again.
    Waiting,
    /// On its way. What a crash leaves in this state is sent again, under the same id.
    Sending,
    Sent,
    /// Given up, or refused for good.
    Failed,
}

words!(NotifyChannel { Email => "email", Webhook => "webhook", Sip => "sip" });
words!(NotificationState { Waiting => "waiting", Sending => "sending", Sent => "sent", Failed => "failed" });

/// Number of a notification: unique within one data directory. What receivers know a repeat by is made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct NotificationId(pub i64);

/// What somebody is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotification {
    /// `message.left`, `alarm.raised`, `ticket.accepted`.
    pub event: String,
    pub channel: NotifyChannel,
    /// A person's extension, a webhook's name.
    pub recipient: String,
    /// A ticket's number, a call's, message's or alarm's id.
    pub about: String,
    pub content: NoticeContent,
    /// It is not sent before.
    pub not_before: DateTime<Utc>,
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeContent {
    /// To a person.
    Note(Note),
    /// To a program: the body of the request, as it is signed.
    Payload(String),
}

/// What a person reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub subject: String,
    pub text: String,
    /// What was said goes with an e-mail (R5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<RecordingId>,
    /// The message that is passed on by it (R5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// Also in quiet hours.
    #[serde(default)]
    pub at_once: bool,
}

/// One that is to be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueNotification {
    pub id: NotificationId,
    pub event: String,
    pub channel: NotifyChannel,
    pub recipient: String,
    pub about: String,
    pub content: NoticeContent,
    /// Tries, this one included.
    pub tries: u32,
    pub created_at: DateTime<Utc>,
}

/// One for lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    pub id: NotificationId,
    pub event: String,
    pub channel: NotifyChannel,
    pub recipient: String,
    pub about: String,
    pub state: NotificationState,
    pub tries: u32,
    pub created_at: DateTime<Utc>,
    /// Null once it is over.
    pub next_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// Of the last try.
    pub error: Option<String>,
}

/// What a try came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    Sent,
    /// The channel fails; it may go better later.
    Again(String),
    /// The recipient can't be reached now, which is no fault of the channel.
    Absent(String),
    /// It never will: the address is wrong, the program is gone. Somebody must see it.
    Refused(String),
    /// Nobody is left to be told.
    Dropped(String),
}

impl Delivery {
    /// Why it was not sent.
    pub fn why(&self) -> Option<&str> {
        match self {
            Delivery::Sent => None,
            Delivery::Again(why) | Delivery::Absent(why) | Delivery::Refused(why) | Delivery::Dropped(why) => Some(why),
        }
    }
}
