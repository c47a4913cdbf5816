//! Two user agents over a network that loses, doubles, delays and reorders.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::line::{OURS, SDP, UDP, ms, read};
use crate::sip::transaction::{ClientTimeout, InviteClient, InviteOutcome, Timing};
use crate::sip::user_agent::*;
use crate::sip::wire::{Message, Method, Name, Response, Transport};
use crate::types::{Mono, Random};

/// Steps after which a run counts as one that never settles.
const STEPS_MAX: usize = 50_000;

#[derive(Debug, Clone, Copy)]
pub struct Weather {
    pub loss_percent: u32,
    pub delay_ms: u64,
    pub jitter_ms: u64,
    pub seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Caller = 0,
    Desk = 1,
}

impl Side {
    fn other(self) -> Side {
        match self {
            Side::Caller => Side::Desk,
            Side::Desk => Side::Caller,
        }
    }

    fn address(self) -> SocketAddr {
        let text = match self {
            Side::Caller => "192.0.2.7:5060",
            Side::Desk => "192.0.2.1:5060",
        };
        text.parse().unwrap()
    }
}

/// A re-INVITE in the caller's name: the user agent sends none itself.
struct Reinvite {
    branch: String,
    machine: InviteClient,
    ack: Vec<u8>,
    refused_ack: Vec<u8>,
    status: Option<u16>,
}

pub struct Pair {
    pub uas: [UserAgent; 2],
    pub legs: [Option<LegId>; 2],
    pub events: [Vec<Event>; 2],
    pub now: Mono,
    weather: Weather,
    chance: Random,
    flying: BTreeMap<(Mono, u64), (Side, Vec<u8>)>,
    sent: u64,
    wake: [Option<Mono>; 2],
    reinvite: Option<Reinvite>,
}

impl Pair {
    pub fn new(weather: Weather) -> Pair {
        let ua = |side: Side| {
            let listener = Listener { transport: Transport::Udp, local: side.address(), advertised: None };
            let info_types = vec!["application/dtmf-relay".to_owned()];
            let config = UaConfig { listeners: vec![listener], info_types, ..UaConfig::default() };
            UserAgent::new(config, Random::for_testing(weather.seed * 2 + side as u64))
        };
        Pair {
            uas: [ua(Side::Caller), ua(Side::Desk)],
            legs: [None; 2],
            events: [Vec::new(), Vec::new()],
            now: Mono::from_millis(1),
            weather,
            chance: Random::for_testing(weather.seed),
            flying: BTreeMap::new(),
            sent: 0,
            wake: [None; 2],
            reinvite: None,
        }
    }

    pub fn call(&mut self) {
        let call = OutgoingInvite {
            target: "sip:desk@192.0.2.1".parse().unwrap(),
            destination: Destination { channel: UDP, remote: Side::Desk.address() },
            from: "<sip:201@192.0.2.7>".parse().unwrap(),
            contact_user: "201".to_owned(),
            sdp: Some(SDP.into()),
        };
        let leg = self.uas[0].invite(self.now, call).unwrap();
        self.legs[0] = Some(leg);
        self.drain(Side::Caller);
    }

    pub fn command<T>(&mut self, side: Side, command: impl FnOnce(&mut UserAgent, Mono, LegId) -> T) -> T {
        let leg = self.legs[side as usize].expect("this side has a call");
        let result = command(&mut self.uas[side as usize], self.now, leg);
        self.drain(side);
        result
    }

    pub fn told(&self, side: Side, wanted: impl Fn(&Event) -> bool) -> bool {
        self.events[side as usize].iter().any(wanted)
    }

    /// The caller changes the session.
    pub fn reinvite(&mut self) {
        let leg = self.legs[0].expect("the caller has a call");
        let dialog = &mut self.uas[0].legs.get_mut(&leg).expect("the call is up").dialog;
        let mut request = dialog.request(Method::Invite, None);
        let number = request.headers.cseq().unwrap().number;
        let mut ack = dialog.request(Method::Ack, Some(number));
        let branch = format!("z9hG4bK-re-{number}");
        let via = |branch: &str| format!("SIP/2.0/UDP 192.0.2.7:5060;branch={branch}");
        request.headers.push_front(Name::Via, via(&branch));
        request.headers.push(Name::Contact, "<sip:201@192.0.2.7>");
        request.set_body("application/sdp", SDP);
        let mut refused_ack = ack.clone();
        refused_ack.headers.push_front(Name::Via, via(&branch));
        ack.headers.push_front(Name::Via, via(&format!("{branch}-ack")));
        let bytes = request.to_bytes();
        let machine = InviteClient::new(self.now, &bytes, &Timing::default(), false);
        let (ack, refused_ack) = (ack.to_bytes(), refused_ack.to_bytes());
        self.reinvite = Some(Reinvite { branch, machine, ack, refused_ack, status: None });
        self.throw(Side::Caller, bytes);
    }

    /// The final status of the re-INVITE.
    pub fn reinvited(&self) -> Option<u16> {
        self.reinvite.as_ref().and_then(|r| r.status)
    }

    fn reinvite_answered(&mut self, response: &Response) {
        let timing = Timing::default();
        let Some(reinvite) = &mut self.reinvite else { return };
        let bytes = match reinvite.machine.response(self.now, response.status, &timing) {
            InviteOutcome::Success => reinvite.ack.clone(),
            InviteOutcome::Failure => {
                reinvite.machine.acknowledge(self.now, &reinvite.refused_ack, &timing, false);
                reinvite.refused_ack.clone()
            }
            InviteOutcome::AckAgain(ack) => ack.to_vec(),
            InviteOutcome::Ignored | InviteOutcome::Provisional => return,
        };
        reinvite.status = Some(response.status);
        self.throw(Side::Caller, bytes);
    }

    fn reinvite_due(&mut self) {
        let Some(reinvite) = &mut self.reinvite else { return };
        if let ClientTimeout::Resend(bytes) = reinvite.machine.timeout(self.now) {
            let bytes = bytes.to_vec();
            self.throw(Side::Caller, bytes);
        }
    }

    fn throw(&mut self, from: Side, bytes: Vec<u8>) {
        let Weather { loss_percent, delay_ms, jitter_ms, .. } = self.weather;
        let copies = if loss_percent > 0 && self.chance.u32() % 100 < 5 { 2 } else { 1 };
        for _ in 0..copies {
            if self.chance.u32() % 100 < loss_percent {
                continue;
            }
            let delay = delay_ms + self.chance.u64() % (jitter_ms + 1);
            self.sent += 1;
            self.flying.insert((self.now + ms(delay), self.sent), (from.other(), bytes.clone()));
        }
    }

    fn drain(&mut self, side: Side) {
        loop {
            match self.uas[side as usize].poll_output() {
                Output::Send { to, bytes } => {
                    assert_eq!(to.remote, side.other().address());
                    self.throw(side, bytes);
                }
                Output::Event(event) => {
                    self.react(side, &event);
                    self.events[side as usize].push(event);
                }
                Output::Wait(wake) => {
                    self.wake[side as usize] = wake;
                    return;
                }
            }
        }
    }

    /// The desk rings at once and answers what it is asked; when it answers a call is up to the test.
    fn react(&mut self, side: Side, event: &Event) {
        let ua = &mut self.uas[side as usize];
        match event {
            Event::Incoming { leg, .. } => {
                assert!(self.legs[side as usize].replace(*leg).is_none(), "the call came in twice");
                ua.ring(self.now, *leg).unwrap();
            }
            Event::Reinvite { leg, .. } => ua.answer_reinvite(self.now, *leg, OURS.into()).unwrap(),
            _ => {}
        }
    }

    fn deliver(&mut self, side: Side, bytes: &[u8]) {
        if side == Side::Caller
            && let Message::Response(response) = read(bytes)
            && let Some(branch) = self.reinvite.as_ref().map(|r| r.branch.clone())
            && response.headers.via_top().unwrap().branch() == Some(&branch)
        {
            return self.reinvite_answered(&response);
        }
        let source = side.other().address();
        self.uas[side as usize].handle_input(self.now, Input::Received { via: UDP, source, bytes });
        self.drain(side);
    }

    /// Goes on until the condition holds or the time is over; says whether it holds.
    pub fn run(&mut self, for_ms: u64, done: impl Fn(&Pair) -> bool) -> bool {
        let end = self.now + ms(for_ms);
        for _ in 0..STEPS_MAX {
            if done(self) {
                return true;
            }
            let reinvite = self.reinvite.as_ref().and_then(|r| r.machine.deadline());
            let arrival = self.flying.keys().next().map(|(at, _)| *at);
            let next = [arrival, reinvite, self.wake[0], self.wake[1]].into_iter().flatten().min();
            let Some(at) = next.filter(|at| *at <= end) else {
                self.now = end;
                return done(self);
            };
            self.now = self.now.max(at);
            if arrival == Some(at) {
                let (_, (side, bytes)) = self.flying.pop_first().expect("it was there just now");
                self.deliver(side, &bytes);
            } else if reinvite == Some(at) {
                self.reinvite_due();
            } else {
                for side in [Side::Caller, Side::Desk] {
                    self.uas[side as usize].handle_input(self.now, Input::Timeout);
                    self.drain(side);
                }
            }
        }
        panic!("the pair does not settle: {:?}", self.weather);
    }
}
