//! The SIP messages of one call, kept with its row for whoever looks into a fault.
//!
//! They are kept as text that is read without any program: a line of facts, then the message's bytes, for each of them.

use std::net::SocketAddr;

use chrono::{DateTime, Utc};

use crate::types::CallId;

/// No call has more legs, or lasts longer: what says so is no ladder.
const LEGS_MAX: u32 = 4_096;
const MS_MAX: u64 = 366 * 86_400_000;

/// One message, its secrets masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LadderMessage {
    /// Milliseconds since the first message of the call.
    pub at_ms: u64,
    /// Sent by the desk, or received.
    pub out: bool,
    /// 0 for the caller's, from 1 for the legs that were rung, in their order.
    pub leg: u32,
    /// As in a Via: `UDP`, `TCP` and so on.
    pub transport: String,
    /// The desk's own address.
    pub local: SocketAddr,
    pub remote: SocketAddr,
    pub bytes: Vec<u8>,
}

/// All that was kept of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallLadder {
    pub call: CallId,
    /// When its first message came.
    pub began_at: DateTime<Utc>,
    pub messages: Vec<LadderMessage>,
    /// Messages in the middle that were too many to be kept: they would stand before the one of index `gap_at`.
    pub left_out: u32,
    pub gap_at: usize,
}

impl LadderMessage {
    /// `INVITE sip:desk@192.0.2.1 SIP/2.0`, or `SIP/2.0 200 OK`.
    pub fn first_line(&self) -> &[u8] {
        let end = self.bytes.iter().position(|b| matches!(b, b'\r' | b'\n')).unwrap_or(self.bytes.len());
        &self.bytes[..end]
    }

    /// The status of a response; `None` for a request.
    pub fn status(&self) -> Option<u16> {
        let rest = self.bytes.strip_prefix(b"SIP/2.0 ")?;
        std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()
    }

    /// A header's value by its long and its compact name, as it stands on its first line.
    pub fn header(&self, name: &str, compact: &str) -> Option<&[u8]> {
        header_lines(&self.bytes).find_map(|line| {
            let colon = line.iter().position(|b| *b == b':')?;
            let (found, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
            let named = |name: &str| !name.is_empty() && found.eq_ignore_ascii_case(name.as_bytes());
            (named(name) || named(compact)).then_some(value)
        })
    }

    /// Number and method.
    pub fn cseq(&self) -> Option<(u32, &str)> {
        let value = std::str::from_utf8(self.header("CSeq", "")?).ok()?;
        let (number, method) = value.split_once([' ', '\t'])?;
        Some((number.parse().ok()?, method.trim()))
    }

    /// Whether it has a body that offers or answers a session.
    pub fn has_sdp(&self) -> bool {
        let kind = self.header("Content-Type", "c").unwrap_or_default();
        kind.get(..15).is_some_and(|kind| kind.eq_ignore_ascii_case(b"application/sdp"))
    }
}

/// What of a message says whether it is answered, read once.
struct Facts<'a> {
    leg: u32,
    out: bool,
    number: u32,
    method: &'a str,
    status: Option<u16>,
    bytes: &'a [u8],
}

impl Facts<'_> {
    fn of(message: &LadderMessage) -> Option<Facts<'_>> {
        let (number, method) = message.cseq()?;
        let LadderMessage { leg, out, bytes, .. } = message;
        Some(Facts { leg: *leg, out: *out, number, method, status: message.status(), bytes })
    }

    /// Whether it goes the other way for the same transaction, with this method in its CSeq.
    fn answers(&self, other: &Facts<'_>, method: &str) -> bool {
        (self.leg, self.number, self.method) == (other.leg, other.number, method) && self.out != other.out
    }
}

/// The lines of a message's head, without the first one.
fn header_lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = bytes.split(|b| *b == b'\n').skip(1);
    lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line)).take_while(|line| !line.is_empty())
}

impl CallLadder {
    /// Whether the message of that index was there before: a retransmission is the same to the byte (RFC 3261 section
    /// 17).
    pub fn is_again(&self, index: usize) -> bool {
        let Some(message) = self.messages.get(index) else { return false };
        self.messages[..index].iter().any(|m| (m.leg, m.out) == (message.leg, message.out) && m.bytes == message.bytes)
    }

    /// Whether every request has had its answer, so that nothing more is to come once the call is over.
    pub fn is_settled(messages: &[LadderMessage]) -> bool {
        let facts: Vec<Facts<'_>> = messages.iter().filter_map(Facts::of).collect();
        let open = |(index, this): (usize, &Facts<'_>)| match this.status {
            None if this.method == "ACK" => false,
            None => !facts.iter().any(|other| other.answers(this, this.method) && other.status >= Some(200)),
            // A final answer to an INVITE waits for its ACK; of retransmitted ones the last does.
            Some(200..) if this.method == "INVITE" => {
                let settles = |other: &Facts<'_>| other.bytes == this.bytes || other.answers(this, "ACK");
                !facts[index + 1..].iter().any(settles)
            }
            Some(_) => false,
        };
        !facts.iter().enumerate().any(open)
    }

    /// How it is kept: for each message a line of facts, its bytes, and an end of line.
    pub fn encode(&self) -> Vec<u8> {
        let mut kept = format!("{} left out before {}\n", self.left_out, self.gap_at).into_bytes();
        for m in &self.messages {
            let way = if m.out { '>' } else { '<' };
            let LadderMessage { at_ms, leg, transport, local, remote, .. } = m;
            let length = m.bytes.len();
            kept.extend(format!("{at_ms} {way} {leg} {transport} {local} {remote} {length}\n").into_bytes());
            kept.extend(&m.bytes);
            kept.push(b'\n');
        }
        kept
    }

    /// What `encode` wrote; `None` where it is something else.
    pub fn decode(call: CallId, began_at: DateTime<Utc>, kept: &[u8]) -> Option<CallLadder> {
        let (first, mut rest) = line(kept)?;
        let (left_out, gap_at) = first.split_once(" left out before ")?;
        let mut messages = Vec::new();
        while !rest.is_empty() {
            let (facts, after) = line(rest)?;
            let (message, length) = message(facts)?;
            let bytes = after.get(..length)?.to_vec();
            rest = after.get(length + 1..)?;
            messages.push(LadderMessage { bytes, ..message });
        }
        let (left_out, gap_at) = (left_out.parse().ok()?, gap_at.parse().ok()?);
        Some(CallLadder { call, began_at, messages, left_out, gap_at })
    }
}

fn line(text: &[u8]) -> Option<(&str, &[u8])> {
    let end = text.iter().position(|b| *b == b'\n')?;
    Some((std::str::from_utf8(&text[..end]).ok()?, &text[end + 1..]))
}

fn message(facts: &str) -> Option<(LadderMessage, usize)> {
    let mut facts = facts.split(' ');
    let message = LadderMessage {
        at_ms: facts.next()?.parse().ok().filter(|ms| *ms <= MS_MAX)?,
        out: facts.next()? == ">",
        leg: facts.next()?.parse().ok().filter(|leg| *leg < LEGS_MAX)?,
        transport: facts.next()?.to_owned(),
        local: facts.next()?.parse().ok()?,
        remote: facts.next()?.parse().ok()?,
        bytes: Vec::new(),
    };
    Some((message, facts.next()?.parse().ok()?))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn message(at_ms: u64, out: bool, leg: u32, text: &str) -> LadderMessage {
        let remote = format!("192.0.2.7:{}", 5062 + leg).parse().expect("an address");
        LadderMessage {
            at_ms,
            out,
            leg,
            transport: "UDP".to_owned(),
            local: "192.0.2.1:5060".parse().expect("an address"),
            remote,
            bytes: text.as_bytes().to_vec(),
        }
    }

    fn said(out: bool, first: &str, cseq: &str) -> LadderMessage {
        message(0, out, 0, &format!("{first}\r\nCSeq: {cseq}\r\n\r\n"))
    }

    fn ladder(messages: Vec<LadderMessage>) -> CallLadder {
        let began_at = "2026-11-28T00:00:00Z".parse().expect("a time");
        CallLadder { call: CallId(3), began_at, messages, left_out: 7, gap_at: 1 }
    }

    #[test]
    fn what_is_kept_is_read_back_to_the_byte() {
        let mut odd = message(12, true, 1, "");
        odd.bytes = b"\n\xff\0 7 > 0\n".to_vec();
        let ladder = ladder(vec![message(0, false, 0, "INVITE sip:a@b SIP/2.0\r\n\r\n"), odd]);
        let kept = ladder.encode();
        assert_eq!(CallLadder::decode(ladder.call, ladder.began_at, &kept).as_ref(), Some(&ladder));
        for end in 0..kept.len() {
            // Cut off anywhere it is no panic, and never more than there was.
            let cut = CallLadder::decode(ladder.call, ladder.began_at, &kept[..end]);
            assert!(cut.is_none_or(|cut| cut.messages.len() < ladder.messages.len()));
        }
    }

    #[test]
    fn a_damaged_row_is_no_ladder_of_billions_of_legs_or_years() {
        let kept = |at_ms: u64, leg: u32| {
            let kept = format!("0 left out before 0\n{at_ms} > {leg} UDP 192.0.2.1:5060 192.0.2.7:5062 1\nx\n");
            CallLadder::decode(CallId(3), DateTime::UNIX_EPOCH, kept.as_bytes())
        };
        assert!(kept(3_600_000, 255).is_some());
        assert!(kept(u64::MAX, 1).is_none() && kept(i64::MAX as u64, 1).is_none() && kept(1, u32::MAX).is_none());
    }

    #[test]
    fn a_call_is_settled_when_every_request_has_its_answer() {
        let mut messages = vec![said(false, "INVITE sip:a@b SIP/2.0", "1 INVITE")];
        assert!(!CallLadder::is_settled(&messages));
        messages.push(said(true, "SIP/2.0 180 Ringing", "1 INVITE"));
        assert!(!CallLadder::is_settled(&messages));
        messages.push(said(true, "SIP/2.0 486 Busy Here", "1 INVITE"));
        assert!(!CallLadder::is_settled(&messages), "the ACK is to come");
        messages.push(said(true, "SIP/2.0 486 Busy Here", "1 INVITE"));
        assert!(!CallLadder::is_settled(&messages));
        messages.push(said(false, "ACK sip:a@b SIP/2.0", "1 ACK"));
        assert!(CallLadder::is_settled(&messages));
        messages.push(said(true, "BYE sip:c@d SIP/2.0", "1 BYE"));
        assert!(!CallLadder::is_settled(&messages));
        messages.push(said(false, "SIP/2.0 481 Gone", "1 BYE"));
        assert!(CallLadder::is_settled(&messages));
        assert!(ladder(messages).is_again(3));
    }

    #[test]
    fn headers_are_found_by_either_name_and_only_in_the_head() {
        let m = message(0, false, 0, "INVITE sip:a SIP/2.0\r\ni : x@y\r\nc: Application/SDP\r\n\r\nCSeq: 1 BYE\r\n");
        assert_eq!((m.header("Call-ID", "i"), m.cseq()), (Some(&b"x@y"[..]), None));
        assert!(m.has_sdp() && m.status().is_none());
        assert_eq!(m.first_line(), b"INVITE sip:a SIP/2.0");
    }
}
