//! Records as the outside sees them: the JSON of the command line and of the HTTP API, with times in the desk's zone.
//!
//! Field names, their order and their null values are a promise. Times are RFC 3339 with offset and milliseconds,
//! durations integer milliseconds.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use super::alarm::{Alarm, AlarmId, AlarmKind, AlarmState};
use super::audit::KeptAudit;
use super::call_record::{CallRecord, Direction, LegRecord, Outcome, PathStep, RtpStats};
use super::clocks::PauseReason;
use super::errand::{ErrandId, ErrandKind, ErrandRecord, ErrandResult, ErrandState};
use super::happening::Happening;
use super::journal::{JournalKind, KeptEntry};
use super::message::{Message, Relay};
use super::notifications::{Notification, NotificationId, NotificationState, NotifyChannel};
use super::people::{Duty, Person, Place};
use super::presence::{Presence, Whereabouts};
use super::retention::{HeldKind, Hold};
use super::tasks::{TaskKind, TaskRow};
use super::ticket::{Channel, Class, Kind, Ticket, Urgency, Work};
use super::trunk_state::{TrunkState, TrunkWord};
use super::workflow::{Nature, Quote, Satisfaction};
use crate::types::{CallId, MessageId, RecordingId, TicketNumber};

/// A moment, shown in the desk's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime(DateTime<Tz>);

impl LocalTime {
    pub fn new(at: DateTime<Utc>, time_zone: Tz) -> Self {
        Self(at.with_timezone(&time_zone))
    }

    /// `2026-11-23T21:14:05.123+08:00`.
    pub fn rfc3339(&self) -> String {
        self.0.to_rfc3339_opts(SecondsFormat::Millis, false)
    }

    /// `2026-11-23 21:14:05`, for people.
    pub fn short(&self) -> String {
        self.0.format("%Y-%m-%d %H:%M:%S").to_string()
    }
}

impl Serialize for LocalTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.rfc3339())
    }
}

impl PartialSchema for LocalTime {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

impl ToSchema for LocalTime {}

/// `call` of the contract.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallView<'a> {
    pub id: CallId,
    pub direction: Direction,
    pub caller: Option<&'a str>,
    pub caller_name: Option<&'a str>,
    pub callee: &'a str,
    pub started_at: LocalTime,
    pub answered_at: Option<LocalTime>,
    pub ended_at: Option<LocalTime>,
    pub answer_ms: Option<u64>,
    pub answer_rings: Option<u32>,
    pub outcome: Option<Outcome>,
    pub path: &'a [PathStep],
    pub handled_by: Option<&'a str>,
    pub legs: &'a [LegRecord],
    pub trunk: Option<&'a str>,
    pub diverted_from: Option<&'a str>,
    pub tickets: &'a [TicketNumber],
    pub messages: &'a [MessageId],
    pub recording: Option<&'a RecordingId>,
    pub codec: Option<&'static str>,
    pub rtp: RtpView,
    pub end_reason: Option<&'a str>,
    pub sip_call_id: &'a str,
}

impl<'a> CallView<'a> {
    pub fn new(call: &'a CallRecord, time_zone: Tz) -> Self {
        let local = |at| LocalTime::new(at, time_zone);
        Self {
            id: call.id,
            direction: call.direction,
            caller: call.caller.as_deref(),
            caller_name: call.caller_name.as_deref(),
            callee: &call.callee,
            started_at: local(call.started_at),
            answered_at: call.answered_at.map(local),
            ended_at: call.ended_at.map(local),
            answer_ms: call.answer_ms,
            answer_rings: call.answer_rings,
            outcome: call.outcome,
            path: &call.path,
            handled_by: call.handled_by.as_deref(),
            legs: &call.legs,
            trunk: call.trunk.as_deref(),
            diverted_from: call.diverted_from.as_deref(),
            tickets: &call.tickets,
            messages: &call.messages,
            recording: call.recording.as_ref(),
            codec: call.codec.map(|c| c.encoding_name()),
            rtp: RtpView::new(call.rtp),
            end_reason: call.end_reason.as_deref(),
            sip_call_id: &call.sip_call_id,
        }
    }
}

/// `rtp` of a call.
#[derive(Debug, Serialize, ToSchema)]
pub struct RtpView {
    pub sent: u64,
    pub received: u64,
    pub lost: u64,
    /// Rounded: durations are integers outside.
    pub jitter_ms: u64,
    /// With two decimals.
    pub mos: Option<f64>,
}

impl RtpView {
    fn new(rtp: RtpStats) -> Self {
        Self {
            sent: rtp.sent,
            received: rtp.received,
            lost: rtp.lost,
            // A float becomes the nearest u64 by `as`: negative and NaN are 0, nothing overflows.
            jitter_ms: rtp.jitter_ms.round() as u64,
            mos: rtp.mos.map(|mos| (mos * 100.0).round() / 100.0),
        }
    }
}

/// `ticket` of the contract.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketView<'a> {
    pub number: &'a TicketNumber,
    pub kind: Kind,
    pub class: Class,
    pub urgency: Option<Urgency>,
    pub category: Option<&'a str>,
    pub channel: Channel,
    pub status: &'a str,
    pub stage: &'a str,
    pub owner: Option<&'a str>,
    pub caller: Option<&'a str>,
    pub callback_number: Option<&'a str>,
    pub building: Option<&'a str>,
    pub room: Option<&'a str>,
    pub resident: Option<&'a str>,
    pub wanted_time: Option<&'a str>,
    pub key_left: Option<bool>,
    pub description: Option<&'a str>,
    pub recording: Option<&'a RecordingId>,
    /// What was said, in writing, where the settings ask for it.
    pub transcript: Option<&'a str>,
    pub opened_at: LocalTime,
    pub due: BTreeMap<&'a str, ClockView>,
    pub events: Vec<EventView<'a>>,
    pub incomplete: bool,
    pub version: i64,
    #[serde(flatten)]
    pub work: WorkView<'a>,
}

/// What became of a ticket on its way; money in hundredths of the currency's unit.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkView<'a> {
    pub nature: Option<Nature>,
    pub serious: bool,
    pub responsible: Option<&'a str>,
    pub engineer: Option<&'a str>,
    pub rework_of: Option<&'a TicketNumber>,
    pub quote: Option<Quote>,
    pub quote_cents: Option<i64>,
    pub work_done: Option<&'a str>,
    pub materials: Option<&'a str>,
    pub material_cents: Option<i64>,
    pub labour_cents: Option<i64>,
    pub awaiting: Option<&'a str>,
    pub satisfaction: Option<Satisfaction>,
    pub feedback: Option<&'a RecordingId>,
    pub reopened: u32,
    pub repaired_at: Option<LocalTime>,
    pub closed_at: Option<LocalTime>,
}

impl<'a> WorkView<'a> {
    fn new(work: &'a Work, time_zone: Tz) -> Self {
        let local = |at| LocalTime::new(at, time_zone);
        Self {
            nature: work.nature,
            serious: work.serious,
            responsible: work.responsible.as_deref(),
            engineer: work.engineer.as_deref(),
            rework_of: work.rework_of.as_ref(),
            quote: work.quote,
            quote_cents: work.quote_cents,
            work_done: work.sheet.work_done.as_deref(),
            materials: work.sheet.materials.as_deref(),
            material_cents: work.sheet.material_cents,
            labour_cents: work.sheet.labour_cents,
            awaiting: work.awaiting.as_deref(),
            satisfaction: work.satisfaction,
            feedback: work.feedback.as_ref(),
            reopened: work.reopened,
            repaired_at: work.repaired_at.map(local),
            closed_at: work.closed_at.map(local),
        }
    }
}

/// One clock of a ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClockView {
    pub at: LocalTime,
    pub met_at: Option<LocalTime>,
    pub breached: bool,
    pub warned_at: Option<LocalTime>,
    /// Null while it runs.
    pub paused: Option<PauseView>,
}

/// Since when a clock stands still, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct PauseView {
    pub at: LocalTime,
    pub reason: PauseReason,
}

/// One line of a ticket's history.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventView<'a> {
    pub at: LocalTime,
    pub who: &'a str,
    pub what: &'a str,
    pub note: Option<&'a str>,
}

impl<'a> TicketView<'a> {
    pub fn new(ticket: &'a Ticket, time_zone: Tz) -> Self {
        let local = |at| LocalTime::new(at, time_zone);
        let clock = |c: &super::ticket::Clock| ClockView {
            at: local(c.at),
            met_at: c.met_at.map(local),
            breached: c.breached,
            warned_at: c.warned_at.map(local),
            paused: c.paused.map(|p| PauseView { at: local(p.at), reason: p.reason }),
        };
        Self {
            number: &ticket.number,
            kind: ticket.kind,
            class: ticket.class,
            urgency: ticket.urgency,
            category: ticket.category.as_deref(),
            channel: ticket.channel,
            status: &ticket.status,
            stage: &ticket.stage,
            owner: ticket.owner.as_deref(),
            caller: ticket.caller.as_deref(),
            callback_number: ticket.callback_number.as_deref(),
            building: ticket.building.as_deref(),
            room: ticket.room.as_deref(),
            resident: ticket.resident.as_deref(),
            wanted_time: ticket.wanted_time.as_deref(),
            key_left: ticket.key_left,
            description: ticket.description.as_deref(),
            recording: ticket.recording.as_ref(),
            transcript: ticket.transcript.as_deref(),
            opened_at: local(ticket.opened_at),
            due: ticket.due.iter().map(|(name, c)| (name.as_str(), clock(c))).collect(),
            events: ticket
                .events
                .iter()
                .map(|e| EventView { at: local(e.at), who: &e.who, what: &e.what, note: e.note.as_deref() })
                .collect(),
            incomplete: ticket.incomplete,
            version: ticket.version,
            work: WorkView::new(&ticket.work, time_zone),
        }
    }
}

/// `message` of the contract.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageView<'a> {
    pub id: MessageId,
    pub for_person: Option<&'a str>,
    pub from_number: Option<&'a str>,
    pub from_name: Option<&'a str>,
    pub recording: Option<&'a RecordingId>,
    /// What was said, in writing, where the settings ask for it.
    pub transcript: Option<&'a str>,
    pub duration_ms: u64,
    pub left_at: LocalTime,
    pub relay: Relay,
    pub attempts: Vec<AttemptView<'a>>,
    pub incomplete: bool,
    /// Null unless the person has deleted it.
    pub deleted: Option<DeletionView<'a>>,
}

/// Who took a message off the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeletionView<'a> {
    pub at: LocalTime,
    pub by: &'a str,
}

/// Something that the desk sees to by itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct TaskView<'a> {
    pub id: i64,
    pub kind: TaskKind,
    pub subject: &'a str,
    pub begun_at: LocalTime,
    pub next_at: Option<LocalTime>,
    pub ended_at: Option<LocalTime>,
}

impl<'a> TaskView<'a> {
    pub fn new(task: &'a TaskRow, time_zone: Tz) -> Self {
        let local = |at| LocalTime::new(at, time_zone);
        Self {
            id: task.id,
            kind: task.kind,
            subject: &task.subject,
            begun_at: local(task.begun_at),
            next_at: task.next_at.map(local),
            ended_at: task.ended_at.map(local),
        }
    }
}

/// What somebody is told.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotificationView<'a> {
    pub id: NotificationId,
    /// `message.left`, `alarm.raised`, `ticket.accepted`.
    pub event: &'a str,
    /// A ticket's number, a call's, message's or alarm's id.
    pub about: &'a str,
    pub channel: NotifyChannel,
    /// A person's extension, a webhook's name.
    pub recipient: &'a str,
    pub state: NotificationState,
    pub tries: u32,
    pub created_at: LocalTime,
    /// Null while it is sent, and once it is over.
    pub next_at: Option<LocalTime>,
    pub ended_at: Option<LocalTime>,
    /// Of the last try.
    pub error: Option<&'a str>,
}

impl<'a> NotificationView<'a> {
    pub fn new(one: &'a Notification, time_zone: Tz) -> Self {
        let local = |at| LocalTime::new(at, time_zone);
        Self {
            id: one.id,
            event: &one.event,
            about: &one.about,
            channel: one.channel,
            recipient: &one.recipient,
            state: one.state,
            tries: one.tries,
            created_at: local(one.created_at),
            next_at: one.next_at.map(local),
            ended_at: one.ended_at.map(local),
            error: one.error.as_deref(),
        }
    }
}

/// An alarm (R41).
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmView<'a> {
    pub id: AlarmId,
    pub kind: AlarmKind,
    pub state: AlarmState,
    pub raised_at: LocalTime,
    pub call: Option<CallId>,
    pub about: Option<&'a str>,
    pub caller: Option<&'a str>,
    pub ticket: Option<&'a TicketNumber>,
    pub note: &'a str,
    pub acknowledged_at: Option<LocalTime>,
    pub acknowledged_by: Option<&'a str>,
}

impl<'a> AlarmView<'a> {
    pub fn new(alarm: &'a Alarm, time_zone: Tz) -> Self {
        Self {
            id: alarm.id,
            kind: alarm.kind,
            state: alarm.state,
            raised_at: LocalTime::new(alarm.raised_at, time_zone),
            call: alarm.call,
            about: alarm.about.as_deref(),
            caller: alarm.caller.as_deref(),
            ticket: alarm.ticket.as_ref(),
            note: &alarm.note,
            acknowledged_at: alarm.acknowledged.as_ref().map(|a| LocalTime::new(a.at, time_zone)),
            acknowledged_by: alarm.acknowledged.as_ref().map(|a| a.by.as_str()),
        }
    }
}

/// A call that the desk makes about its work.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrandView<'a> {
    pub id: ErrandId,
    pub kind: ErrandKind,
    pub extension: Option<&'a str>,
    pub number: Option<&'a str>,
    pub ticket: Option<&'a TicketNumber>,
    pub message: Option<MessageId>,
    pub note: Option<&'a str>,
    pub state: ErrandState,
    pub result: Option<ErrandResult>,
    pub why: Option<&'a str>,
    pub comment: Option<&'a RecordingId>,
    pub call: Option<CallId>,
    pub created_at: LocalTime,
    pub not_before: LocalTime,
    pub started_at: Option<LocalTime>,
    pub ended_at: Option<LocalTime>,
}

impl<'a> ErrandView<'a> {
    pub fn new(errand: &'a ErrandRecord, time_zone: Tz) -> Self {
        let local = |at| LocalTime::new(at, time_zone);
        Self {
            id: errand.id,
            kind: errand.kind,
            extension: errand.extension.as_deref(),
            number: errand.number.as_deref(),
            ticket: errand.ticket.as_ref(),
            message: errand.message,
            note: errand.note.as_deref(),
            state: errand.state,
            result: errand.result,
            why: errand.why.as_deref(),
            comment: errand.comment.as_ref(),
            call: errand.call,
            created_at: local(errand.created_at),
            not_before: local(errand.not_before),
            started_at: errand.started_at.map(local),
            ended_at: errand.ended_at.map(local),
        }
    }
}

/// How it is with one trunk.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrunkView<'a> {
    pub name: &'a str,
    pub state: TrunkState,
    pub since: LocalTime,
    pub server: Option<&'a str>,
    pub external: Option<&'a str>,
    pub note: &'a str,
}

impl<'a> TrunkView<'a> {
    pub fn new(trunk: &'a TrunkWord, time_zone: Tz) -> Self {
        Self {
            name: &trunk.name,
            state: trunk.state,
            since: LocalTime::new(trunk.since, time_zone),
            server: trunk.server.as_deref(),
            external: trunk.external.as_deref(),
            note: &trunk.note,
        }
    }
}

/// One entry of the journal.
#[derive(Debug, Serialize, ToSchema)]
pub struct JournalView<'a> {
    pub id: i64,
    pub at: LocalTime,
    pub kind: JournalKind,
    pub about: &'a str,
    pub text: &'a str,
    /// Null for the system.
    pub who: Option<&'a str>,
    pub corrects: Option<i64>,
    pub corrected_by: Option<i64>,
}

impl<'a> JournalView<'a> {
    pub fn new(kept: &'a KeptEntry, time_zone: Tz) -> Self {
        let entry = &kept.entry;
        Self {
            id: kept.id,
            at: LocalTime::new(entry.at, time_zone),
            kind: entry.kind,
            about: &entry.about,
            text: &entry.text,
            who: entry.who.as_deref(),
            corrects: entry.corrects,
            corrected_by: kept.corrected_by,
        }
    }
}

/// One entry of the audit log (R12).
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditView<'a> {
    pub id: i64,
    pub at: LocalTime,
    pub who: &'a str,
    pub what: &'a str,
    pub about: &'a str,
    pub from_where: &'a str,
}

impl<'a> AuditView<'a> {
    pub fn new(entry: &'a KeptAudit, time_zone: Tz) -> Self {
        let at = LocalTime::new(entry.at, time_zone);
        let KeptAudit { id, who, what, about, from_where, .. } = entry;
        Self { id: *id, at, who, what, about, from_where }
    }
}

/// What is held back from deletion (R12).
#[derive(Debug, Serialize, ToSchema)]
pub struct HoldView<'a> {
    pub id: i64,
    pub what: HeldKind,
    pub about: &'a str,
    pub why: &'a str,
    pub by: &'a str,
    pub at: LocalTime,
    pub lifted_by: Option<&'a str>,
    pub lifted_at: Option<LocalTime>,
    pub lifted_why: Option<&'a str>,
}

impl<'a> HoldView<'a> {
    pub fn new(hold: &'a Hold, time_zone: Tz) -> Self {
        let lifted = hold.lifted.as_ref();
        Self {
            id: hold.id,
            what: hold.what,
            about: &hold.about,
            why: &hold.why,
            by: &hold.by,
            at: LocalTime::new(hold.at, time_zone),
            lifted_by: lifted.map(|lifted| lifted.by.as_str()),
            lifted_at: lifted.map(|lifted| LocalTime::new(lifted.at, time_zone)),
            lifted_why: lifted.map(|lifted| lifted.why.as_str()),
        }
    }
}

/// `person` of the contract: no pin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonView {
    pub extension: String,
    pub name: String,
    pub keys: Vec<String>,
    pub department: Option<String>,
    pub department_keys: Vec<String>,
    #[schema(value_type = Vec<Value>)]
    pub hunt: Vec<Place>,
    /// Whether they are rung now.
    pub present: bool,
    pub presence: Whereabouts,
    /// When that ends by itself.
    #[schema(value_type = Option<LocalTime>)]
    pub presence_until: Option<DateTime<FixedOffset>>,
    pub duty: Vec<Duty>,
}

impl PersonView {
    pub fn new(person: &Person, presence: Presence, time_zone: Tz) -> Self {
        Self {
            extension: person.extension.clone(),
            name: person.name.clone(),
            keys: person.keys.clone(),
            department: person.department.clone(),
            department_keys: person.department_keys.clone(),
            hunt: person.hunt.clone(),
            present: presence.state == Whereabouts::In,
            presence: presence.state,
            presence_until: presence.until.map(|until| until.with_timezone(&time_zone).fixed_offset()),
            duty: person.duty.clone(),
        }
    }
}

/// One thing that happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct HappeningView<'a> {
    pub id: i64,
    pub at: LocalTime,
    /// `call`, `ticket`, `message`, `alarm`, `journal`.
    pub kind: &'a str,
    /// `began`, `opened`, `left`, `raised` and so on; of a ticket, the word in its history.
    pub what: &'a str,
    /// The call's, message's or alarm's id, the ticket's number.
    pub about: &'a str,
    pub who: Option<&'a str>,
}

impl<'a> HappeningView<'a> {
    pub fn new(happening: &'a Happening, time_zone: Tz) -> Self {
        Self {
            id: happening.id,
            at: LocalTime::new(happening.at, time_zone),
            kind: &happening.kind,
            what: &happening.what,
            about: &happening.about,
            who: happening.who.as_deref(),
        }
    }
}

/// One try to pass a message on.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptView<'a> {
    pub at: LocalTime,
    pub channel: &'a str,
    pub result: &'a str,
}

impl<'a> MessageView<'a> {
    pub fn new(message: &'a Message, time_zone: Tz) -> Self {
        let local = |at| LocalTime::new(at, time_zone);
        Self {
            id: message.id,
            for_person: message.for_person.as_deref(),
            from_number: message.from_number.as_deref(),
            from_name: message.from_name.as_deref(),
            recording: message.recording.as_ref(),
            transcript: message.transcript.as_deref(),
            duration_ms: message.duration_ms,
            left_at: local(message.left_at),
            relay: message.relay,
            attempts: message
                .attempts
                .iter()
                .map(|a| AttemptView { at: local(a.at), channel: &a.channel, result: &a.result })
                .collect(),
            incomplete: message.incomplete,
            deleted: message.deleted.as_ref().map(|d| DeletionView { at: local(d.at), by: &d.by }),
        }
    }
}
