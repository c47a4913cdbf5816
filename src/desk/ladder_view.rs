//! The SIP messages of a call as people and programs look at them: one column for everybody, and each message in full.

use chrono::TimeDelta;
use chrono_tz::Tz;
use serde::Serialize;
use utoipa::ToSchema;

use super::ladder::{CallLadder, LadderMessage};
use super::view::LocalTime;
use crate::types::CallId;

/// The desk stands between the caller and those who were rung: its place among the parties.
pub const DESK: usize = 1;

/// All that was kept of a call.
#[derive(Debug, Serialize, ToSchema)]
pub struct LadderView {
    pub call: CallId,
    pub began_at: LocalTime,
    /// In the order of their columns: whose leg 0 is, the desk, those of the other legs.
    pub parties: Vec<PartyView>,
    pub messages: Vec<MessageView>,
    /// Messages that were too many to be kept; they would stand before the one of index `gap_at`.
    pub left_out: u32,
    pub gap_at: usize,
}

/// One who took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PartyView {
    /// The address that was rung, `caller`, or `frontdesk`.
    pub name: String,
    pub address: String,
}

/// A message as JSON shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SipMessageView)]
pub struct MessageView {
    pub at_ms: u64,
    pub at: LocalTime,
    /// `in` or `out`, as the desk sees it.
    pub direction: &'static str,
    /// 0 for the caller's leg.
    pub leg: u32,
    pub transport: String,
    pub local: String,
    pub remote: String,
    pub first_line: String,
    /// The method, or the status and reason, and what of the message matters.
    pub summary: String,
    pub retransmission: bool,
    pub text: String,
}

impl LadderView {
    pub fn new(ladder: &CallLadder, time_zone: Tz) -> Self {
        Self {
            call: ladder.call,
            began_at: LocalTime::new(ladder.began_at, time_zone),
            parties: parties(ladder),
            messages: messages(ladder, time_zone),
            left_out: ladder.left_out,
            gap_at: ladder.gap_at,
        }
    }
}

/// Every message, in order.
pub fn messages(ladder: &CallLadder, time_zone: Tz) -> Vec<MessageView> {
    let view = |(index, m): (usize, &LadderMessage)| MessageView {
        at_ms: m.at_ms,
        at: moment(ladder, m, time_zone),
        direction: if m.out { "out" } else { "in" },
        leg: m.leg,
        transport: m.transport.clone(),
        local: m.local.to_string(),
        remote: m.remote.to_string(),
        first_line: text(m.first_line()),
        summary: summary(m),
        retransmission: ladder.is_again(index),
        text: text(&m.bytes),
    };
    ladder.messages.iter().enumerate().map(view).collect()
}

/// When a message went or came.
pub fn moment(ladder: &CallLadder, message: &LadderMessage, time_zone: Tz) -> LocalTime {
    let after = TimeDelta::milliseconds(i64::try_from(message.at_ms).unwrap_or(i64::MAX / 1_000_000));
    LocalTime::new(ladder.began_at + after, time_zone)
}

/// Bytes as text; what is no UTF-8 is replaced.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The column of whose leg it is.
pub fn column(leg: u32) -> usize {
    if leg == 0 { 0 } else { leg as usize + DESK }
}

/// A request's method, or a response's status and reason, in one line.
pub fn summary(message: &LadderMessage) -> String {
    let line = text(message.first_line());
    let method = message.cseq().map_or("", |(_, method)| method);
    let mut what = match message.status() {
        Some(_) if method == "INVITE" => line.trim_start_matches("SIP/2.0 ").to_owned(),
        Some(_) => format!("{} ({method})", line.trim_start_matches("SIP/2.0 ")),
        None => line.split(' ').next().unwrap_or_default().to_owned(),
    };
    if message.has_sdp() {
        what += " (SDP)";
    }
    if let Some(reason) = message.header("Reason", "") {
        what += &format!(" {}", text(reason));
    }
    what
}

/// Those who took part, in the order of their columns.
pub fn parties(ladder: &CallLadder) -> Vec<PartyView> {
    let legs = ladder.messages.iter().map(|m| m.leg + 1).max().unwrap_or(1);
    let party = |leg: u32| {
        let first = ladder.messages.iter().find(|m| m.leg == leg);
        let name = first.map_or_else(String::new, |m| name_of(m, leg));
        PartyView { name, address: first.map_or_else(String::new, |m| m.remote.to_string()) }
    };
    let desk = ladder.messages.first().map_or_else(String::new, |m| m.local.to_string());
    let mut parties: Vec<_> = (0..legs).map(party).collect();
    parties.insert(DESK, PartyView { name: "frontdesk".to_owned(), address: desk });
    parties
}

/// The address that was rung, or who rang.
fn name_of(first: &LadderMessage, leg: u32) -> String {
    let line = text(first.first_line());
    match (first.out, leg) {
        (true, _) => line.split(' ').nth(1).unwrap_or_default().to_owned(),
        (false, 0) => "caller".to_owned(),
        (false, _) => {
            let from = text(first.header("From", "f").unwrap_or_default());
            let inside = from.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
            inside.map_or(from.clone(), |(uri, _)| uri.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::ladder::tests::message;

    #[test]
    fn everybody_has_a_column_and_the_desk_stands_beside_the_caller() {
        let ladder = CallLadder {
            call: CallId(3),
            began_at: "2026-11-28T00:00:00Z".parse().expect("a time"),
            messages: vec![
                message(0, false, 0, "INVITE sip:desk@192.0.2.1 SIP/2.0\r\n\r\n"),
                message(40, true, 1, "INVITE sip:201@192.0.2.9 SIP/2.0\r\n\r\n"),
                message(90, true, 1, "INVITE sip:201@192.0.2.9 SIP/2.0\r\n\r\n"),
            ],
            left_out: 0,
            gap_at: 0,
        };
        let view = LadderView::new(&ladder, chrono_tz::Asia::Shanghai);
        let names: Vec<_> = view.parties.iter().map(|party| party.name.as_str()).collect();
        assert_eq!(names, ["caller", "frontdesk", "sip:201@192.0.2.9"]);
        assert_eq!((column(0), column(1), DESK), (0, 2, 1));
        let again: Vec<_> = view.messages.iter().map(|m| m.retransmission).collect();
        assert_eq!(again, [false, false, true]);
        assert_eq!(view.messages[1].at.rfc3339(), "2026-11-28T08:00:00.040+08:00");
        assert_eq!(view.messages[2].direction, "out");
    }
}
