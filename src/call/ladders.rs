//! The SIP messages of each call, while it lives: bounded, told to the store when the call is over (see `desk::ladder`).
//!
//! A message belongs to the call that its Call-ID is known to be a leg of; an INVITE that begins a call is held until it has
//! become one. What is over the limits is left out in the middle of a call: its beginning and its end tell the most.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::desk::ladder::{CallLadder, LadderMessage};
use crate::sip::mask::mask;
use crate::sip::peek;
use crate::types::{CallId, Mono, Now};

/// Messages that are kept of one call, and of them those of its beginning.
const MESSAGES_MAX: usize = 256;
const FIRST_MAX: usize = 64;
const BYTES_MAX: usize = 256 * 1024;
const FIRST_BYTES_MAX: usize = 64 * 1024;
/// Of all calls together; beyond it messages are left out.
const TOTAL_BYTES_MAX: usize = 128 << 20;
/// Legs of one call whose messages are kept.
const LEGS_MAX: usize = 256;
/// How long the last answers are waited for once a call is over.
const LINGER: Duration = Duration::from_secs(4);

/// Where a message went or came from.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    pub transport: &'static str,
    pub local: std::net::SocketAddr,
    pub remote: std::net::SocketAddr,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Ladders {
    by_call_id: HashMap<Box<[u8]>, (CallId, u32)>,
    calls: HashMap<CallId, Kept>,
    /// Calls that are over, in the order in which they are due.
    closing: VecDeque<(Mono, CallId)>,
    settled: VecDeque<CallId>,
    fresh: Option<(Link, Vec<u8>)>,
    bytes: usize,
    off: bool,
}

#[derive(Debug)]
struct Kept {
    began: Mono,
    began_at: DateTime<Utc>,
    call_ids: Vec<Box<[u8]>>,
    first: Vec<LadderMessage>,
    first_bytes: usize,
    last: VecDeque<LadderMessage>,
    last_bytes: usize,
    left_out: u32,
    over: bool,
}

impl Ladders {
    /// No call that begins from now on is kept.
    pub fn turn_off(&mut self) {
        self.off = true;
    }

    /// A message came.
    pub fn received(&mut self, now: Mono, bytes: &[u8], link: impl FnOnce() -> Option<Link>) {
        self.fresh = None;
        if self.off && self.calls.is_empty() {
            return;
        }
        match self.known(bytes) {
            Some(leg) => self.keep(now, leg, false, bytes, link),
            None if peek::is_invite(bytes) && !self.off => {
                self.fresh = link().map(|link| (link, bytes.to_vec()));
            }
            None => {}
        }
    }

    /// A message goes out.
    pub fn sent(&mut self, now: Mono, bytes: &[u8], link: impl FnOnce() -> Option<Link>) {
        if let Some(leg) = self.known(bytes) {
            self.keep(now, leg, true, bytes, link);
        }
    }

    /// The dialogs of this Call-ID are a leg of that call from now on, also the INVITE that has just come.
    pub fn join(&mut self, now: Now, call: CallId, call_id: &str) {
        let key: Box<[u8]> = call_id.as_bytes().into();
        if self.off && !self.calls.contains_key(&call) || self.by_call_id.contains_key(&key) {
            return;
        }
        let kept = self.calls.entry(call).or_insert_with(|| Kept::new(now));
        if kept.call_ids.len() >= LEGS_MAX {
            return;
        }
        let leg = kept.call_ids.len() as u32;
        kept.call_ids.push(key.clone());
        self.by_call_id.insert(key, (call, leg));
        let is_its = |(_, bytes): &mut (Link, Vec<u8>)| peek::glance(bytes).call_id == Some(call_id.as_bytes());
        if let Some((link, bytes)) = self.fresh.take_if(is_its) {
            self.keep(now.mono, (call, leg), false, &bytes, || Some(link));
        }
    }

    /// The call is over: what was kept of it is handed out by `poll`, once its last request is answered.
    pub fn end(&mut self, now: Mono, call: CallId, at_once: bool) {
        let Some(kept) = self.calls.get_mut(&call).filter(|kept| !kept.over) else { return };
        kept.over = true;
        if at_once || kept.is_settled() {
            self.settled.push_back(call);
        } else {
            self.closing.push_back((now + LINGER, call));
        }
    }

    /// Nothing more is waited for.
    pub fn close_all(&mut self) {
        self.settled.extend(self.closing.drain(..).map(|(_, call)| call));
    }

    pub fn next_wake(&self) -> Option<Mono> {
        self.closing.front().map(|(at, _)| *at)
    }

    /// What was kept of a call that is over.
    pub fn poll(&mut self, now: Mono) -> Option<CallLadder> {
        while let Some((_, call)) = self.closing.pop_front_if(|(at, _)| *at <= now) {
            self.settled.push_back(call);
        }
        loop {
            let call = self.settled.pop_front()?;
            let Some(kept) = self.calls.remove(&call) else { continue };
            self.bytes -= kept.first_bytes + kept.last_bytes;
            for call_id in &kept.call_ids {
                self.by_call_id.remove(call_id);
            }
            return Some(kept.into_ladder(call));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.by_call_id.is_empty() && self.bytes == 0
    }

    fn known(&self, bytes: &[u8]) -> Option<(CallId, u32)> {
        if self.by_call_id.is_empty() {
            return None;
        }
        self.by_call_id.get(peek::glance(bytes).call_id?).copied()
    }

    fn keep(
        &mut self,
        now: Mono,
        (call, leg): (CallId, u32),
        out: bool,
        bytes: &[u8],
        link: impl FnOnce() -> Option<Link>,
    ) {
        let Some(kept) = self.calls.get_mut(&call) else { return };
        let before = kept.first_bytes + kept.last_bytes;
        match link().filter(|_| self.bytes + bytes.len() <= TOTAL_BYTES_MAX && bytes.len() <= BYTES_MAX / 2) {
            Some(Link { transport, local, remote }) => {
                let (at_ms, transport) = (now.ms_since(kept.began), transport.to_owned());
                let bytes = bytes.to_vec();
                kept.push(LadderMessage { at_ms, out, leg, transport, local, remote, bytes });
            }
            None => kept.left_out += 1,
        }
        self.bytes = self.bytes - before + kept.first_bytes + kept.last_bytes;
        if kept.over && kept.is_settled() {
            self.closing.retain(|(_, closing)| *closing != call);
            self.settled.push_back(call);
        }
    }
}

impl Kept {
    fn new(now: Now) -> Kept {
        Kept {
            began: now.mono,
            began_at: now.wall,
            call_ids: Vec::new(),
            first: Vec::new(),
            first_bytes: 0,
            last: VecDeque::new(),
            last_bytes: 0,
            left_out: 0,
            over: false,
        }
    }

    fn push(&mut self, message: LadderMessage) {
        let length = message.bytes.len();
        let begins = self.last.is_empty() && self.left_out == 0;
        if begins && self.first.len() < FIRST_MAX && self.first_bytes + length <= FIRST_BYTES_MAX {
            self.first_bytes += length;
            return self.first.push(message);
        }
        self.last_bytes += length;
        self.last.push_back(message);
        let full =
            |kept: &Kept| kept.last.len() > MESSAGES_MAX - FIRST_MAX || kept.last_bytes > BYTES_MAX - FIRST_BYTES_MAX;
        while full(self) {
            let Some(oldest) = self.last.pop_front() else { return };
            self.last_bytes -= oldest.bytes.len();
            self.left_out += 1;
        }
    }

    /// Where some are missing nobody knows: it is waited for.
    fn is_settled(&self) -> bool {
        self.left_out == 0 && self.last.is_empty() && CallLadder::is_settled(&self.first)
    }

    fn into_ladder(self, call: CallId) -> CallLadder {
        let (gap_at, left_out) = (self.first.len(), self.left_out);
        let mut messages = self.first;
        messages.extend(self.last);
        messages.iter_mut().for_each(|message| mask(&mut message.bytes));
        CallLadder { call, began_at: self.began_at, messages, left_out, gap_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Now {
        let wall = DateTime::UNIX_EPOCH;
        Now { mono: Mono::from_millis(ms), wall }
    }

    fn link() -> Option<Link> {
        let (local, remote) = ("192.0.2.1:5060".parse().ok()?, "192.0.2.7:5062".parse().ok()?);
        Some(Link { transport: "UDP", local, remote })
    }

    fn text(first: &str, call_id: &str, cseq: &str) -> Vec<u8> {
        format!("{first}\r\nCall-ID: {call_id}\r\nCSeq: {cseq}\r\n\r\n").into_bytes()
    }

    fn begun(call_id: &str) -> Ladders {
        let mut ladders = Ladders::default();
        ladders.received(Mono(0), &text("INVITE sip:a:b@h SIP/2.0", call_id, "1 INVITE"), link);
        ladders.join(at(0), CallId(1), call_id);
        ladders
    }

    #[test]
    fn a_call_has_its_messages_and_no_others_and_is_told_when_its_last_request_is_answered() {
        let mut ladders = begun("x");
        ladders.received(Mono(0), &text("INVITE sip:a@h SIP/2.0", "y", "1 INVITE"), link);
        ladders.sent(at(5).mono, &text("SIP/2.0 200 OK", "x", "1 INVITE"), link);
        ladders.received(at(6).mono, &text("ACK sip:a@h SIP/2.0", "x", "1 ACK"), link);
        ladders.sent(at(7).mono, &text("SIP/2.0 200 OK", "y", "1 INVITE"), link);
        ladders.join(at(8), CallId(1), "leg");
        ladders.sent(at(9).mono, &text("INVITE sip:c@h SIP/2.0", "leg", "1 INVITE"), link);
        ladders.end(at(10).mono, CallId(1), false);
        assert_eq!(ladders.poll(at(10).mono), None);
        ladders.received(at(11).mono, &text("SIP/2.0 486 Busy", "leg", "1 INVITE"), link);
        assert_eq!(ladders.poll(at(11).mono), None, "its ACK is to come");
        ladders.sent(at(11).mono, &text("ACK sip:c@h SIP/2.0", "leg", "1 ACK"), link);
        let told = ladders.poll(at(11).mono).expect("it is settled");
        let seen: Vec<_> = told.messages.iter().map(|m| (m.at_ms, m.out, m.leg)).collect();
        assert_eq!(seen, [(0, false, 0), (5, true, 0), (6, false, 0), (9, true, 1), (11, false, 1), (11, true, 1)]);
        assert_eq!(told.messages[0].first_line(), b"INVITE sip:a:*@h SIP/2.0");
        assert!(ladders.is_empty() && ladders.next_wake().is_none());
    }

    #[test]
    fn an_answer_that_never_comes_is_waited_for_only_so_long() {
        let mut ladders = begun("x");
        ladders.end(at(10).mono, CallId(1), false);
        assert_eq!(ladders.next_wake(), Some(at(4_010).mono));
        assert_eq!(ladders.poll(at(4_009).mono), None);
        assert!(ladders.poll(at(4_010).mono).is_some() && ladders.is_empty());
        let mut ladders = begun("x");
        ladders.end(at(10).mono, CallId(1), true);
        assert!(ladders.poll(at(10).mono).is_some() && ladders.is_empty());
    }

    #[test]
    fn too_many_messages_are_left_out_in_the_middle_and_that_is_said() {
        let mut ladders = begun("x");
        for n in 1..1_000 {
            ladders.received(at(n).mono, &text("INFO sip:a@h SIP/2.0", "x", &format!("{n} INFO")), link);
        }
        let big = [text("INFO sip:a@h SIP/2.0", "x", "1 INFO"), vec![b'x'; 200_000]].concat();
        ladders.received(at(1_000).mono, &big, link);
        ladders.end(at(1_000).mono, CallId(1), true);
        let told = ladders.poll(at(1_000).mono).expect("it is told");
        assert_eq!((told.messages.len(), told.gap_at, told.left_out), (256, 64, 745));
        assert_eq!((told.messages[63].at_ms, told.messages[64].at_ms, told.messages[255].at_ms), (63, 808, 999));
    }

    #[test]
    fn all_calls_together_have_a_limit() {
        let mut ladders = Ladders::default();
        for n in 0..2_000 {
            let call_id = format!("call-{n}");
            ladders.received(Mono(0), &text("INVITE sip:a@h SIP/2.0", &call_id, "1 INVITE"), link);
            ladders.join(at(0), CallId(n), &call_id);
            let big = [text("INFO sip:a@h SIP/2.0", &call_id, "2 INFO"), vec![b'x'; 100_000]].concat();
            ladders.received(Mono(0), &big, link);
        }
        assert!(ladders.bytes <= TOTAL_BYTES_MAX);
        (0..2_000).for_each(|n| ladders.end(Mono(0), CallId(n), true));
        let left_out = std::iter::from_fn(|| ladders.poll(Mono(0))).filter(|ladder| ladder.left_out > 0).count();
        assert!(left_out > 0);
        assert!(ladders.is_empty());
    }

    #[test]
    fn turned_off_it_keeps_nothing() {
        let mut ladders = Ladders::default();
        ladders.turn_off();
        ladders.received(Mono(0), &text("INVITE sip:a@h SIP/2.0", "x", "1 INVITE"), link);
        ladders.join(at(0), CallId(1), "x");
        ladders.end(Mono(0), CallId(1), true);
        assert!(ladders.poll(Mono(0)).is_none() && ladders.is_empty());
    }
}
