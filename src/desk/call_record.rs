//! One row of the call log (来电接待记录, R4).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::words;
use crate::types::{CallId, Codec, MessageId, RecordingId, TicketNumber};

/// What came of a call. Every call ends in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Completed,
    Abandoned,
    Rejected,
    Failed,
    Transferred,
    Voicemail,
    Ticket,
}

words!(Outcome {
    Completed => "completed",
    Abandoned => "abandoned",
    Rejected => "rejected",
    Failed => "failed",
    Transferred => "transferred",
    Voicemail => "voicemail",
    Ticket => "ticket",
});

/// Who made the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Somebody called the desk.
    #[default]
    In,
    /// The desk called somebody: an errand.
    Out,
}

words!(Direction { In => "in", Out => "out" });

/// One step of the way through the menu.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PathStep {
    /// Milliseconds since the call was answered.
    pub at_ms: u64,
    /// The flow node's name.
    pub node: String,
    /// The keys that were pressed there, or null.
    pub input: Option<String>,
}

/// How a leg that the desk rang for a caller ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LegEnd {
    /// They took the call and talked.
    Talked,
    Declined,
    /// They asked that a message be taken.
    MessageWanted,
    /// It rang as long as it may.
    NoAnswer,
    /// It was answered, but nobody said that they take the call: a mobile's voicemail, for one (R15).
    NoConsent,
    Busy,
    /// The phone or its network refused, or could not be reached; `status` tells.
    Failed,
    /// Somebody else took the call, or the caller gave up.
    Cancelled,
    /// The address could not be called at all.
    NotCalled,
}

words!(LegEnd {
    Talked => "talked",
    Declined => "declined",
    MessageWanted => "message_wanted",
    NoAnswer => "no_answer",
    NoConsent => "no_consent",
    Busy => "busy",
    Failed => "failed",
    Cancelled => "cancelled",
    NotCalled => "not_called",
});

/// One place that was rung for a caller (R17): the whole search is in the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LegRecord {
    /// Within the call, from 1; twice where another telephone took the place of the one that was rung.
    pub leg: u32,
    /// Empty for a customer who was called back.
    pub extension: String,
    /// The configured address.
    pub place: String,
    /// Milliseconds since the call came in.
    pub at_ms: u64,
    /// From the INVITE to the end, or to the talk.
    pub ring_ms: u64,
    /// How long they talked.
    pub talk_ms: Option<u64>,
    /// Null while it goes on.
    pub end: Option<LegEnd>,
    /// The final SIP response, where it was none that made a call.
    pub status: Option<u16>,
    #[schema(value_type = Option<String>)]
    pub codec: Option<Codec>,
    pub rtp: RtpStats,
}

/// Quality of the media as RTP and RTCP told it (RFC 3550 section 6.4).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct RtpStats {
    pub sent: u64,
    pub received: u64,
    pub lost: u64,
    /// Interarrival jitter in ms.
    pub jitter_ms: f64,
    /// Estimated listening quality, 1.0 to 4.5 (ITU-T G.107 simplified); null before anything was received.
    pub mos: Option<f64>,
}

/// A call, from its INVITE on. `ended_at` is null while it lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    pub id: CallId,
    #[serde(default)]
    pub direction: Direction,
    /// The caller's number or SIP user as it was sent; null when withheld.
    pub caller: Option<String>,
    /// The display name, untrusted text.
    pub caller_name: Option<String>,
    /// The user part that was called; of a call that the desk made, the person's extension or the customer's number.
    pub callee: String,
    pub started_at: DateTime<Utc>,
    pub answered_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// From INVITE to 200, in ms.
    pub answer_ms: Option<u64>,
    /// Rings that had begun by then, 1 for an answer at once (R2).
    pub answer_rings: Option<u32>,
    pub outcome: Option<Outcome>,
    pub path: Vec<PathStep>,
    /// Extension of the last person who talked to the caller.
    pub handled_by: Option<String>,
    /// Whom the desk rang for this call.
    #[serde(default)]
    pub legs: Vec<LegRecord>,
    /// The trunk that it came in over.
    pub trunk: Option<String>,
    /// The number that was called first, where the call was diverted here.
    pub diverted_from: Option<String>,
    pub tickets: Vec<TicketNumber>,
    pub messages: Vec<MessageId>,
    pub recording: Option<RecordingId>,
    pub codec: Option<Codec>,
    pub rtp: RtpStats,
    /// Why it ended: `caller_hung_up`, `flow_ended`, `cancelled`, `no_ack`, `media_silence`, `interrupted`, `rejected_488` and so on.
    pub end_reason: Option<String>,
    pub sip_call_id: String,
}

impl CallRecord {
    /// A row that begins at that moment, of which nothing else is known yet.
    pub fn begun(id: CallId, direction: Direction, at: DateTime<Utc>) -> Self {
        Self {
            id,
            direction,
            caller: None,
            caller_name: None,
            callee: String::new(),
            started_at: at,
            answered_at: None,
            ended_at: None,
            answer_ms: None,
            answer_rings: None,
            outcome: None,
            path: Vec::new(),
            handled_by: None,
            legs: Vec::new(),
            trunk: None,
            diverted_from: None,
            tickets: Vec::new(),
            messages: Vec::new(),
            recording: None,
            codec: None,
            rtp: RtpStats::default(),
            end_reason: None,
            sip_call_id: String::new(),
        }
    }

    /// From the INVITE until somebody was first rung for the caller, in ms.
    pub fn sought_ms(&self) -> Option<u64> {
        self.legs.iter().map(|leg| leg.at_ms).filter(|ms| self.lived(*ms)).min()
    }

    /// From the INVITE until a person first talked with the caller, in ms; who calls back later is not meant.
    pub fn person_ms(&self) -> Option<u64> {
        let talked = self.legs.iter().filter(|leg| leg.talk_ms.is_some() && !leg.extension.is_empty());
        talked.map(|leg| leg.at_ms + leg.ring_ms).filter(|ms| self.lived(*ms)).min()
    }

    /// Whether the call was not over so long after its INVITE.
    fn lived(&self, ms: u64) -> bool {
        let lasted = self.ended_at.map(|end| (end - self.started_at).num_milliseconds());
        lasted.is_none_or(|lasted| i64::try_from(ms).is_ok_and(|ms| ms <= lasted))
    }

    /// Where the caller's last key at the first menu led: a node's name. Who pressed none is where the call ended.
    pub fn branch(&self) -> Option<&str> {
        let keyed = |step: &&PathStep| step.input.is_some();
        let menu = self.path.iter().find(keyed).map(|step| &step.node);
        let chosen = self.path.iter().rposition(|step| step.input.is_some() && Some(&step.node) == menu);
        let next = chosen.and_then(|at| self.path.get(at + 1));
        next.or(self.path.last()).map(|step| step.node.as_str())
    }
}
