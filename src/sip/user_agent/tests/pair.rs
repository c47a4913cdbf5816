//! Two user agents over a network that loses, doubles, delays and reorders.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::line::{OURS, SDP, UDP, ms};
use crate::sip::user_agent::*;
use crate::sip::wire::Transport;
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
}

impl Pair {
    pub fn new(weather: Weather) -> Pair {
        Pair::with(weather, &UaConfig::default())
    }

    pub fn with(weather: Weather, config: &UaConfig) -> Pair {
        let ua = |side: Side| {
            let listener = Listener { transport: Transport::Udp, local: side.address(), advertised: None };
            let info_types = vec!["application/dtmf-relay".to_owned()];
            let config = UaConfig { listeners: vec![listener], info_types, ..config.clone() };
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
        }
    }

    pub fn call(&mut self) {
        let call = OutgoingInvite {
            trunk: None,
            target: "sip:desk@192.0.2.1".parse().unwrap(),
            destination: Destination { channel: UDP, remote: Side::Desk.address() },
            routes: Vec::new(),
            from: "<sip:201@192.0.2.7>".parse().unwrap(),
            contact_user: "201".to_owned(),
            sdp: Some(SDP.into()),
            replaces: None,
            referred_by: None,
            headers: Vec::new(),
        };
        let leg = self.uas[0].invite(self.now, call).unwrap();
        self.legs[0] = Some(leg);
        self.drain(Side::Caller);
    }

    /// A call that is answered and acknowledged.
    pub fn up(weather: Weather) -> Pair {
        Pair::new(weather).connected()
    }

    pub fn connected(self) -> Pair {
        let weather = self.weather;
        let mut pair = self;
        pair.call();
        assert!(pair.run(40_000, |p| p.legs[1].is_some()), "the call came in: {weather:?}");
        pair.command(Side::Desk, |ua, now, leg| ua.answer(now, leg, OURS.into())).unwrap();
        let up = |p: &Pair| p.told(Side::Desk, |e| matches!(e, Event::Acked { .. }));
        assert!(pair.run(31_000, up), "the call is up: {weather:?}: {:?}", pair.events);
        pair
    }

    /// Nothing arrives any more.
    pub fn cut(&mut self) {
        self.weather.loss_percent = 100;
        self.flying.clear();
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
            let arrival = self.flying.keys().next().map(|(at, _)| *at);
            let next = [arrival, self.wake[0], self.wake[1]].into_iter().flatten().min();
            let Some(at) = next.filter(|at| *at <= end) else {
                self.now = end;
                return done(self);
            };
            self.now = self.now.max(at);
            if arrival == Some(at) {
                let (_, (side, bytes)) = self.flying.pop_first().expect("it was there just now");
                self.deliver(side, &bytes);
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
