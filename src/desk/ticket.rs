//! Tickets of the four kinds and their clocks (R18, R19, R21 to R25, R32).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::clocks::PauseReason;
use super::words::words;
use super::workflow::{Nature, Quote, Satisfaction, WorkSheet};
use crate::types::{CallId, Lang, RecordingId, TicketNumber};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Repair,
    Complaint,
    Inquiry,
    Help,
}

/// The class of a help request (R18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum Class {
    A,
    B,
    C,
    D,
    E,
    F,
    G,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    Urgent,
    General,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Phone,
    Visit,
    Letter,
}

/// Whether a ticket is still somebody's task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Open,
    Closed,
}

words!(Kind { Repair => "repair", Complaint => "complaint", Inquiry => "inquiry", Help => "help" });
words!(Class { A => "A", B => "B", C => "C", D => "D", E => "E", F => "F", G => "G" });
words!(Urgency { Urgent => "urgent", General => "general" });
words!(Channel { Phone => "phone", Visit => "visit", Letter => "letter" });
words!(Status { Open => "open", Closed => "closed" });

impl Kind {
    /// The stage that a ticket of this kind begins in: a complaint's is the first of eight (接诉, R33).
    pub const fn first_stage(self) -> &'static str {
        match self {
            Kind::Repair => "reported",
            Kind::Complaint => "receive",
            Kind::Inquiry | Kind::Help => "received",
        }
    }

    /// The stage of a ticket that is closed: a complaint's is the last of eight (归档, R33).
    pub const fn last_stage(self) -> &'static str {
        match self {
            Kind::Complaint => "archive",
            Kind::Repair | Kind::Inquiry | Kind::Help => "closed",
        }
    }
}

/// One clock of a ticket: when it is due, when that was met, whether it was breached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    pub at: DateTime<Utc>,
    pub met_at: Option<DateTime<Utc>>,
    pub breached: bool,
    pub warned_at: Option<DateTime<Utc>>,
    /// It stands still.
    pub paused: Option<Pause>,
}

/// Since when a clock stands still, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub at: DateTime<Utc>,
    pub reason: PauseReason,
}

/// One entry of a ticket's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketEvent {
    pub at: DateTime<Utc>,
    /// `system`, `caller` or a person.
    pub who: String,
    pub what: String,
    pub note: Option<String>,
}

/// A ticket as the contract shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    pub number: TicketNumber,
    pub kind: Kind,
    pub class: Class,
    pub urgency: Option<Urgency>,
    /// A key of the category list, such as `burst_pipe` or `lift`.
    pub category: Option<String>,
    pub channel: Channel,
    pub status: String,
    pub stage: String,
    pub owner: Option<String>,
    pub caller: Option<String>,
    pub callback_number: Option<String>,
    pub building: Option<String>,
    pub room: Option<String>,
    pub resident: Option<String>,
    pub wanted_time: Option<String>,
    pub key_left: Option<bool>,
    pub description: Option<String>,
    pub recording: Option<RecordingId>,
    /// What was said, in writing, where that is asked for.
    pub transcript: Option<String>,
    pub opened_at: DateTime<Utc>,
    pub due: BTreeMap<String, Clock>,
    pub events: Vec<TicketEvent>,
    pub incomplete: bool,
    /// The call that opened it.
    pub call: Option<CallId>,
    /// Counts up with every change.
    pub version: i64,
    pub work: Work,
}

/// What became of a ticket on its way. Money in hundredths of the currency's unit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Work {
    /// Of a complaint (R32).
    pub nature: Option<Nature>,
    /// Its result is reported up in writing (R38).
    pub serious: bool,
    pub responsible: Option<String>,
    /// Extension or name of whoever is sent, or has it.
    pub engineer: Option<String>,
    /// The repair whose warranty this one is (R31).
    pub rework_of: Option<TicketNumber>,
    pub quote: Option<Quote>,
    pub quote_cents: Option<i64>,
    pub sheet: WorkSheet,
    /// What its acceptance waits for: `rain` (R30).
    pub awaiting: Option<String>,
    pub satisfaction: Option<Satisfaction>,
    /// What the customer had to say.
    pub feedback: Option<RecordingId>,
    pub reopened: u32,
    pub repaired_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
}

/// What a call knows of a ticket when it begins one. The store gives number, owner and opening time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketDraft {
    pub kind: Kind,
    pub class: Class,
    pub urgency: Option<Urgency>,
    pub category: Option<String>,
    pub caller: Option<String>,
    pub call: CallId,
    /// That the caller has chosen, or that the line began with.
    pub language: Option<Lang>,
}

/// What the caller adds to a ticket already begun; `None` leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TicketChange {
    pub class: Option<Class>,
    pub urgency: Option<Urgency>,
    pub category: Option<String>,
    pub callback_number: Option<String>,
    pub building: Option<String>,
    pub room: Option<String>,
    pub wanted_time: Option<String>,
    pub description: Option<String>,
    pub recording: Option<RecordingId>,
    /// `Some(true)`: the caller's report is complete, so the clocks start now (R23) and `incomplete` goes.
    /// `Some(false)`: the call ended before; the clocks start all the same, `incomplete` stays (R24).
    pub complete: Option<bool>,
    /// The resident's name, where the number is theirs alone (R11).
    pub resident: Option<String>,
    /// It is what that open ticket is about already: that one is hurried up, this one is withdrawn (催单).
    pub same_as: Option<TicketNumber>,
    /// A line for the history.
    pub note: Option<String>,
}
