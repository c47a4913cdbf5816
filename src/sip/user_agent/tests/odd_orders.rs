//! Valid messages in any order, commands at any time: no panic, nothing left, one final answer for each INVITE.

use std::collections::{HashMap, HashSet};

use super::calling::call;
use super::line::*;
use crate::sip::user_agent::*;
use crate::sip::wire::{Message, Method, Name, Request};
use crate::types::Random;

const METHODS: [&str; 11] =
    ["INVITE", "INVITE", "INVITE", "ACK", "ACK", "CANCEL", "BYE", "INFO", "OPTIONS", "REFER", "NOTIFY"];

/// A run of chance: what came, what went out, and the legs that are known.
struct Run {
    line: Line,
    chance: Random,
    legs: Vec<LegId>,
    tags: Vec<String>,
    requests: Vec<Phone>,
    ours: Vec<Request>,
    finals: HashMap<String, HashSet<Vec<u8>>>,
    invites: HashSet<String>,
}

impl Run {
    fn new(seed: u64) -> Run {
        let limits = UaLimits { transactions_max: 40, dialogs_max: 6, ..UaLimits::default() };
        let mut line = Line::with(UaConfig { limits, ..config() });
        if seed.is_multiple_of(3) {
            line.channel = TCP;
        }
        Run {
            line,
            chance: Random::for_testing(seed),
            legs: Vec::new(),
            tags: Vec::new(),
            requests: Vec::new(),
            ours: Vec::new(),
            finals: HashMap::new(),
            invites: HashSet::new(),
        }
    }

    fn below(&mut self, n: usize) -> usize {
        (self.chance.u32() as usize) % n
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        if from.is_empty() { None } else { Some(from[self.below(from.len())].clone()) }
    }

    /// A request: new, within a dialog, or one of before in another role.
    fn request(&mut self) -> Phone {
        let method = METHODS[self.below(METHODS.len())];
        let earlier = self.requests.clone();
        match (self.below(4), self.pick(&earlier)) {
            // Over streams an INVITE does not come again: it would be a new one once the first is over.
            (0, Some(again)) if self.line.channel == UDP || again.method != "INVITE" => again,
            (1, Some(of)) if method == "CANCEL" => of.cancel(),
            (1, Some(of)) if method == "ACK" => {
                let tags = self.tags.clone();
                let tag = self.pick(&tags).unwrap_or_default();
                of.ack_refusal(&tag)
            }
            (2 | 3, Some(of)) => {
                let tags = self.tags.clone();
                let tag = self.pick(&tags).unwrap_or_else(|| "none".to_owned());
                let cseq = if method == "ACK" { of.cseq } else { of.cseq + self.below(4) as u32 };
                let n = self.below(1_000_000);
                let next = of.next(method, cseq, &tag).branch(&format!("{method}-{n}"));
                match (method, self.below(3)) {
                    ("INVITE" | "ACK", 0 | 1) => next.sdp(SDP),
                    ("REFER", 0 | 1) => next.header("Refer-To: <sip:202@h>"),
                    ("NOTIFY", 0) => next.header("Event: refer").body("message/sipfrag", "SIP/2.0 200 OK"),
                    ("NOTIFY", 1) => next.header("Event: refer").header("Subscription-State: terminated"),
                    ("INFO", 0) => next.body("application/dtmf-relay", "Signal=1"),
                    _ => next,
                }
            }
            _ => {
                let n = self.below(1_000_000);
                let fresh = Phone::new(method).call(n % 12).branch(&format!("{method}-new-{n}"));
                if method == "INVITE" && !n.is_multiple_of(3) { fresh.sdp(SDP) } else { fresh }
            }
        }
    }

    fn receive_request(&mut self) {
        let request = self.request();
        if request.method == "INVITE" {
            self.invites.insert(request.branch.clone());
        }
        self.requests.push(request.clone());
        self.line.receive(request.text());
    }

    fn receive_response(&mut self) {
        let ours = self.ours.clone();
        let Some(request) = self.pick(&ours) else { return };
        let status = [100, 180, 183, 200, 200, 202, 302, 404, 481, 487, 491, 503, 603][self.below(13)];
        let tag = ["", "f1", "f2"][self.below(3)];
        let contact = [None, Some("<sip:201@192.0.2.7:5062>"), Some("junk")][self.below(3)];
        self.line.receive(reply(&request, status, tag, contact, None));
    }

    /// Some command at some leg; that it is out of place is an error and nothing else.
    fn command(&mut self) {
        let legs = self.legs.clone();
        let leg = self.pick(&legs).unwrap_or(LegId(99));
        let what = self.below(14);
        let _ = self.line.tell(|ua, now| match what {
            0 => ua.ring(now, leg),
            1 => ua.progress(now, leg, 183, Some(OURS.into())),
            2 | 3 => ua.answer(now, leg, OURS.into()),
            4 => ua.reject(now, leg, 486, None),
            5 => ua.answer_reinvite(now, leg, OURS.into()),
            6 => ua.reject_reinvite(now, leg, 488),
            7 => ua.hang_up(now, leg),
            8 => ua.info(now, leg, "application/dtmf-relay", b"Signal=1".to_vec()),
            9 => ua.invite(now, OutgoingInvite { sdp: None, ..call() }).map(|_| ()),
            10 => ua.reinvite(now, leg, OURS.into()),
            11 => ua.refer(now, leg, &call().target, Some(leg)),
            12 => ua.refer_progress(now, leg, 180, "Ringing"),
            _ => ua.refer_progress(now, leg, 200, "OK"),
        });
    }

    fn network(&mut self) {
        let connection = ConnectionId(7);
        let input = match self.below(2) {
            0 => Input::ConnectionClosed { connection },
            _ => Input::TransportFailed { channel: self.line.channel, to: PHONE.parse().unwrap() },
        };
        self.line.input(input);
    }

    /// Looks at what went out.
    fn look(&mut self) {
        for sent in self.line.take() {
            match sent.message {
                Message::Request(request) => self.ours.push(request),
                Message::Response(ref response) => {
                    self.tags.extend(response.headers.to().unwrap().tag().map(str::to_owned));
                    // A 503 for want of room has no transaction: the INVITE may be served when it comes again.
                    let shed = response.headers.contains(&Name::RetryAfter) && response.status == 503;
                    if response.status >= 200 && response.headers.cseq().unwrap().method == Method::Invite {
                        let branch = response.headers.via_top().unwrap().branch().unwrap().to_owned();
                        let finals = self.finals.entry(branch).or_default();
                        if !shed {
                            finals.insert(sent.bytes);
                        }
                    }
                }
            }
        }
        self.legs.extend(self.line.ua.legs.keys().copied());
        self.legs.sort();
        self.legs.dedup();
        self.line.told();
    }

    fn step(&mut self, pause_ms_max: usize) {
        match self.below(12) {
            0..=5 => self.receive_request(),
            6 | 7 => self.receive_response(),
            8..=10 => self.command(),
            _ => self.network(),
        }
        self.look();
        let pause = self.below(pause_ms_max);
        self.line.advance(ms(pause as u64));
        self.look();
        let transactions = self.line.ua.transactions();
        assert!(self.line.ua.legs.len() <= 6 && self.line.ua.deadlines.len() <= transactions + 6);
    }

    fn end(&mut self) {
        for leg in self.line.ua.legs.keys().copied().collect::<Vec<_>>() {
            self.line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
        }
        self.look();
        // Our own INVITEs that ring get their CANCEL; calls that were never acknowledged their BYE.
        self.line.advance(ms(120_000));
        self.look();
        for leg in self.line.ua.legs.keys().copied().collect::<Vec<_>>() {
            let _ = self.line.tell(|ua, now| ua.hang_up(now, leg));
        }
    }
}

#[test]
fn each_invite_gets_exactly_one_final_answer_in_any_order_of_things() {
    for seed in 0..400 {
        let mut run = Run::new(seed);
        // Short of the 5 s after which a transaction may be forgotten and the same branch is a new one.
        for _ in 0..80 {
            run.step(50);
        }
        run.end();
        for branch in &run.invites {
            let finals = run.finals.get(branch).unwrap_or_else(|| panic!("seed {seed}: {branch} got no final answer"));
            assert!(finals.len() <= 1, "seed {seed}: {branch} got {} final answers", finals.len());
        }
    }
}

#[test]
fn nothing_is_left_after_long_runs_of_chance() {
    for seed in 1_000..1_200 {
        let mut run = Run::new(seed);
        for _ in 0..150 {
            run.step(4_000);
        }
        run.end();
    }
}
