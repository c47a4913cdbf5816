//! What happened in one call, in the order of time: ring, answer, each node and key, legs, talk, end (R4). Made of its
//! record, for whoever looks at it.

use serde::Serialize;
use utoipa::ToSchema;

use super::call_record::{CallRecord, LegEnd, Outcome};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Moment {
    /// Milliseconds since the call came in.
    pub at_ms: u64,
    #[serde(flatten)]
    pub what: Happened,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Happened {
    /// It came in and rang; or the desk made it.
    Began,
    /// In this ring.
    Answered { ring: Option<u32> },
    /// A node of the flow was come to: what it says began to play.
    Node { node: String },
    /// Keys were pressed there.
    Keys { node: String, keys: String },
    /// Somebody was rung for the caller; an empty extension is a customer who was called back.
    Rang { leg: u32, extension: String, place: String },
    /// They took the call.
    Talked { leg: u32, extension: String },
    /// How the leg ended; `status` is the final SIP response, where it was none that made a call.
    LegEnded { leg: u32, extension: String, end: LegEnd, status: Option<u16> },
    /// Null where nobody wrote down what came of it.
    Ended { outcome: Option<Outcome>, reason: Option<String> },
}

/// All that is known of the call.
pub fn of(call: &CallRecord) -> Vec<Moment> {
    let mut moments = vec![Moment { at_ms: 0, what: Happened::Began }];
    let since_start =
        |at: chrono::DateTime<chrono::Utc>| u64::try_from((at - call.started_at).num_milliseconds()).unwrap_or(0);
    let answered_ms = call.answer_ms.or_else(|| call.answered_at.map(since_start));
    if let Some(at_ms) = answered_ms {
        moments.push(Moment { at_ms, what: Happened::Answered { ring: call.answer_rings } });
    }
    for step in &call.path {
        let node = step.node.clone();
        let what = match &step.input {
            None => Happened::Node { node },
            Some(keys) => Happened::Keys { node, keys: keys.clone() },
        };
        moments.push(Moment { at_ms: answered_ms.unwrap_or(0).saturating_add(step.at_ms), what });
    }
    for leg in &call.legs {
        let extension = || leg.extension.clone();
        let over_ms = leg.at_ms.saturating_add(leg.ring_ms);
        let rang = Happened::Rang { leg: leg.leg, extension: extension(), place: leg.place.clone() };
        moments.push(Moment { at_ms: leg.at_ms, what: rang });
        if leg.talk_ms.is_some() {
            moments.push(Moment { at_ms: over_ms, what: Happened::Talked { leg: leg.leg, extension: extension() } });
        }
        if let Some(end) = leg.end {
            let what = Happened::LegEnded { leg: leg.leg, extension: extension(), end, status: leg.status };
            moments.push(Moment { at_ms: over_ms.saturating_add(leg.talk_ms.unwrap_or(0)), what });
        }
    }
    if let Some(end) = call.ended_at {
        let what = Happened::Ended { outcome: call.outcome, reason: call.end_reason.clone() };
        moments.push(Moment { at_ms: since_start(end), what });
    }
    // What is of the same moment stays in the order above.
    moments.sort_by_key(|moment| moment.at_ms);
    moments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::call_record::{Direction, LegRecord, PathStep, RtpStats};
    use crate::types::CallId;

    fn call() -> CallRecord {
        let started_at = "2026-11-23T04:00:00Z".parse().expect("a time");
        let step = |at_ms, node: &str, input: Option<&str>| PathStep {
            at_ms,
            node: node.to_owned(),
            input: input.map(str::to_owned),
        };
        let leg = LegRecord {
            leg: 1,
            extension: "201".to_owned(),
            place: "sip:201@desk".to_owned(),
            at_ms: 9_000,
            ring_ms: 2_000,
            talk_ms: Some(30_000),
            end: Some(LegEnd::Talked),
            status: None,
            codec: None,
            rtp: RtpStats::default(),
        };
        CallRecord {
            id: CallId(1),
            direction: Direction::In,
            caller: None,
            caller_name: None,
            callee: "desk".to_owned(),
            started_at,
            answered_at: Some(started_at + chrono::TimeDelta::milliseconds(1_000)),
            ended_at: Some(started_at + chrono::TimeDelta::milliseconds(41_000)),
            answer_ms: Some(1_000),
            answer_rings: Some(1),
            outcome: Some(Outcome::Transferred),
            path: vec![step(0, "welcome", None), step(3_000, "main", None), step(7_900, "main", Some("0"))],
            handled_by: Some("201".to_owned()),
            legs: vec![leg],
            trunk: None,
            diverted_from: None,
            tickets: vec![],
            messages: vec![],
            recording: None,
            codec: None,
            rtp: RtpStats::default(),
            end_reason: Some("caller_hung_up".to_owned()),
            sip_call_id: "1@x".to_owned(),
        }
    }

    #[test]
    fn everything_stands_in_the_order_of_time_from_the_invite_on() {
        let moments = of(&call());
        let words = serde_json::to_value(&moments).expect("JSON");
        let words = words.as_array().expect("a list").iter().map(|m| (m["at_ms"].clone(), m["what"].clone()));
        let words: Vec<(u64, String)> = words
            .into_iter()
            .map(|(at, what)| (at.as_u64().expect("ms"), what.as_str().expect("a word").to_owned()))
            .collect();
        let expected = [
            (0, "began"),
            (1_000, "answered"),
            (1_000, "node"),
            (4_000, "node"),
            (8_900, "keys"),
            (9_000, "rang"),
            (11_000, "talked"),
            (41_000, "leg_ended"),
            (41_000, "ended"),
        ];
        assert_eq!(words, expected.map(|(at, what)| (at, what.to_owned())));
    }

    #[test]
    fn a_call_that_was_never_answered_or_still_lives_has_what_there_was() {
        let bare =
            CallRecord { answered_at: None, answer_ms: None, ended_at: None, path: vec![], legs: vec![], ..call() };
        assert_eq!(of(&bare), [Moment { at_ms: 0, what: Happened::Began }]);
    }
}
