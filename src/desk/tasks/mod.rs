//! What the desk sees through by itself, step by step: somebody is sent to a repair (R26), a message is passed on until its
//! person has it (R5), a customer is asked whether they are satisfied (R37), a supervisor is told what is late (R19).
//!
//! A task is a small state machine that is kept in the database between its steps: an event comes, `step` says what to do,
//! and when it wants to be asked again. The store carries that out in the transaction that keeps the task's new state, so
//! that nothing is done twice and nothing forgotten, whatever is cut off when.
//!
//! - `dispatch`, `relay`, `follow_up`, `alert`: one task each.
//! - `rules`: when the desk may call whom, and how often.

mod alert;
mod dispatch;
mod follow_up;
mod relay;
mod rules;

pub use alert::{Alert, UNANSWERED};
pub use dispatch::Dispatch;
pub use follow_up::FollowUp;
pub use relay::RelayTask;
pub use rules::{AlertRules, DispatchRules, FollowUpRules, RelayRules, WorkRules};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::alarm::AlarmKind;
use super::errand::{EndedErrand, ErrandKind, ErrandTo};
use super::message::Relay;
use super::on_duty::Staff;
use super::people::{Duty, Person};
use super::ticket::{Kind, Urgency};
use super::words::words;
use super::workflow::Advance;
use crate::types::RecordingId;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    Dispatch,
    Relay,
    FollowUp,
    Alert,
}

words!(TaskKind { Dispatch => "dispatch", Relay => "relay", FollowUp => "follow_up", Alert => "alert" });

/// A task's state between its steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    Dispatch(Dispatch),
    Relay(RelayTask),
    FollowUp(FollowUp),
    Alert(Alert),
}

impl Task {
    pub fn kind(&self) -> TaskKind {
        match self {
            Task::Dispatch(_) => TaskKind::Dispatch,
            Task::Relay(_) => TaskKind::Relay,
            Task::FollowUp(_) => TaskKind::FollowUp,
            Task::Alert(_) => TaskKind::Alert,
        }
    }

    /// One step: what is to be done now, and when the task goes on.
    pub fn step(&mut self, world: &World<'_>, event: Event<'_>) -> Stepped {
        match self {
            Task::Dispatch(task) => task.step(world, event),
            Task::Relay(task) => task.step(world, event),
            Task::FollowUp(task) => task.step(world, event),
            Task::Alert(task) => task.step(world, event),
        }
    }
}

/// A task for lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRow {
    pub id: i64,
    pub kind: TaskKind,
    /// A ticket's number, a message's id.
    pub subject: String,
    /// Null once it is over.
    pub next_at: Option<DateTime<Utc>>,
    pub begun_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// Why a task is stepped.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// Its time has come; also its first step.
    Due,
    /// A call that it asked for is over.
    Ended(&'a EndedErrand),
}

/// What a task knows as it is stepped.
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    pub now: DateTime<Utc>,
    pub staff: Staff<'a>,
    pub rules: &'a WorkRules,
    pub subject: Subject<'a>,
}

/// What it is about.
#[derive(Debug, Clone, Copy)]
pub enum Subject<'a> {
    Ticket(&'a TicketFacts),
    Message(&'a MessageFacts),
}

/// A ticket as a task sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketFacts {
    pub kind: Kind,
    pub urgency: Option<Urgency>,
    pub stage: String,
    pub closed: bool,
    pub owner: String,
    /// Whether an engineer would know where to go, or at least what was said.
    pub can_be_dispatched: bool,
    /// Where the customer can be called: the number that they left, else the one that they called from.
    pub number: Option<String>,
}

/// A message as a task sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageFacts {
    pub for_person: Option<String>,
    pub relay: Relay,
    pub deleted: bool,
    pub from_number: Option<String>,
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Do {
    /// Somebody is called; the task is told of the end.
    Call { kind: ErrandKind, to: ErrandTo, note: Option<String>, not_before: DateTime<Utc> },
    /// Calls that the task asked for and that are not over are taken back.
    CancelCalls,
    /// A step of the ticket's workflow.
    Advance(Advance),
    /// A line in the ticket's history.
    Note { what: &'static str, note: String },
    /// A try to pass the message on, in its history.
    Attempt { channel: String, result: String },
    /// How far the message has been passed on.
    Relay(Relay),
    /// The recording of what the customer had to say goes to the ticket.
    Feedback(RecordingId),
    /// Somebody must see it.
    Alarm { kind: AlarmKind, note: String },
}

/// When a task goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Then, or when its call is over.
    At(DateTime<Utc>),
    Ended,
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stepped {
    pub todo: Vec<Do>,
    pub next: Next,
}

impl Stepped {
    fn ended(todo: Vec<Do>) -> Self {
        Self { todo, next: Next::Ended }
    }

    fn until(todo: Vec<Do>, at: DateTime<Utc>) -> Self {
        Self { todo, next: Next::At(at) }
    }
}

impl<'a> World<'a> {
    fn ticket(&self) -> Option<&'a TicketFacts> {
        match self.subject {
            Subject::Ticket(ticket) => Some(ticket),
            Subject::Message(_) => None,
        }
    }

    fn message(&self) -> Option<&'a MessageFacts> {
        match self.subject {
            Subject::Message(message) => Some(message),
            Subject::Ticket(_) => None,
        }
    }

    /// Who is on duty and can be rung, by extension, without those.
    fn on_duty(&self, duty: Duty, without: &[String]) -> Vec<&'a Person> {
        let people = self.staff.on_duty(duty, self.now).people;
        people.into_iter().filter(|person| !without.contains(&person.extension)).collect()
    }

    /// Whether anybody has that duty at all.
    fn anybody(&self, duty: Duty) -> bool {
        self.staff.people.people().iter().any(|person| person.duty.contains(&duty))
    }
}

/// A call to somebody of the directory, at once.
fn call(kind: ErrandKind, extension: &str, now: DateTime<Utc>) -> Do {
    Do::Call { kind, to: ErrandTo::Person { extension: extension.to_owned() }, note: None, not_before: now }
}

/// So long a call may wait for the line, and last. One that is longer is taken back: the line is full, or makes none.
const CALL_MAX: TimeDelta = TimeDelta::minutes(30);

/// Whom an errand was to.
fn called(ended: &EndedErrand) -> &str {
    match &ended.to {
        ErrandTo::Person { extension } => extension,
        ErrandTo::Customer { number } => number,
    }
}

/// Why it came to nothing, for a history: `301: no_answer`.
fn outcome(ended: &EndedErrand) -> String {
    let why = ended.end.why.as_deref().unwrap_or(ended.end.result.as_str());
    format!("{}: {why}", called(ended))
}
