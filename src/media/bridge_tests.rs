//! Two streams of one call, bridged, in virtual time: what one peer says arrives at the other.

use std::net::SocketAddr;

use crate::media::codec::{self, Decoder};
use crate::media::io::{MediaCommand, StreamConfig, StreamOptions};
use crate::media::rtp::{Header, Packet};
use crate::media::stream::MediaStream;
use crate::media::tone_gen;
use crate::types::{Codec, Digit, Mono, Random};

const EVENT_TYPE: u8 = 101;

/// What a peer heard: when, marker, payload type, sequence, timestamp, payload.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Heard {
    ms: u64,
    marker: bool,
    payload_type: u8,
    sequence: u16,
    timestamp: u32,
    payload: Vec<u8>,
}

struct Side {
    stream: MediaStream,
    peer: SocketAddr,
    codec: Codec,
    sequence: u16,
    timestamp: u32,
    heard: Vec<Heard>,
}

impl Side {
    fn new(n: u16, codec: Codec, events: bool) -> Self {
        let peer = SocketAddr::from(([192, 0, 2, 7], 4000 + 2 * n));
        let config = StreamConfig {
            codec,
            payload_type_out: codec.payload_type(),
            payload_types_in: vec![(codec.payload_type(), codec)],
            event_type: events.then_some(EVENT_TYPE + n as u8),
            ptime_ms: 20,
            remote: Some(peer),
            remote_rtcp: None,
            send: true,
            receive: true,
        };
        let stream = MediaStream::new(Mono(0), config, StreamOptions::default(), &mut Random::for_testing(n.into()));
        Self { stream, peer, codec, sequence: 65_533, timestamp: u32::MAX - 400, heard: Vec::new() }
    }

    fn take(&mut self, ms: u64, bytes: &[u8]) {
        let Packet { marker, payload_type, sequence, timestamp, payload, .. } = Packet::parse(bytes).unwrap();
        self.heard.push(Heard { ms, marker, payload_type, sequence, timestamp, payload: payload.to_vec() });
    }
}

struct Talk {
    sides: [Side; 2],
    ms: u64,
}

impl Talk {
    fn new(a: Codec, b: Codec, events: bool) -> Self {
        let mut talk = Self { sides: [Side::new(0, a, true), Side::new(1, b, events)], ms: 0 };
        // Both sources are locked before the bridge.
        for _ in 0..5 {
            talk.say(0, &[0xD5; 160]);
            talk.say(1, &[0xD5; 160]);
            talk.pass(20);
        }
        talk.sides.iter_mut().for_each(|side| {
            side.stream.bridge(true);
            side.heard.clear();
        });
        talk
    }

    fn send(&mut self, from: usize, header: Header, payload: &[u8]) {
        let mut packet = [0; 400];
        let length = header.write(&mut packet).unwrap();
        packet[length..length + payload.len()].copy_from_slice(payload);
        let (now, peer) = (Mono::from_millis(self.ms), self.sides[from].peer);
        self.sides[from].stream.rtp_received(now, peer, &packet[..length + payload.len()]);
        let Some(relayed) = self.sides[from].stream.poll_relayed() else { return };
        let mut out = [0; 400];
        let other = &mut self.sides[1 - from];
        if let Some((length, _)) = other.stream.relay(now, &relayed, &mut out) {
            other.take(self.ms, &out[..length]);
        }
        self.sides[from].stream.give_back(relayed);
    }

    fn say(&mut self, from: usize, payload: &[u8]) {
        let side = &mut self.sides[from];
        let (sequence, timestamp) = (side.sequence, side.timestamp);
        side.sequence = sequence.wrapping_add(1);
        side.timestamp = timestamp.wrapping_add(payload.len() as u32);
        let payload_type = side.codec.payload_type();
        self.send(from, Header { marker: false, payload_type, sequence, timestamp, ssrc: from as u32 + 7 }, payload);
    }

    /// Time passes, with the streams' own ticks.
    fn pass(&mut self, ms: u64) {
        for _ in 0..ms / 20 {
            for side in &mut self.sides {
                let mut out = [0; 500];
                if let Some((length, _)) = side.stream.tick(Mono::from_millis(self.ms), &mut out) {
                    side.take(self.ms, &out[..length]);
                }
            }
            self.ms += 20;
        }
    }

    fn heard(&mut self, side: usize) -> Vec<Heard> {
        std::mem::take(&mut self.sides[side].heard)
    }
}

/// One peer's clock as it sees what comes: numbers rise by one, time never goes back and never stands still.
fn assert_continuous(heard: &[Heard]) {
    for pair in heard.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1), "{pair:?}");
        let units = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        assert!(units >= pair[0].payload.len() as u32, "time overlaps: {pair:?}");
        assert!(units <= 160 * 10, "time jumps: {pair:?}");
    }
}

#[test]
fn what_one_says_is_heard_at_once_and_as_it_came() {
    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
    for n in 0..50u8 {
        talk.say(0, &[n; 160]);
        talk.pass(20);
    }
    let heard = talk.heard(1);
    assert_eq!(heard.len(), 50, "no silence between, nothing lost");
    assert!(heard.iter().enumerate().all(|(n, h)| h.payload == [n as u8; 160] && h.payload_type == 8));
    assert!(heard[0].marker && heard[1..].iter().all(|h| !h.marker), "one run of packets");
    assert_continuous(&heard);
    assert!(talk.heard(0).len() >= 47, "the other one, who says nothing, is filled with silence");
}

#[test]
fn losses_gaps_and_order_arrive_as_they_came() {
    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
    let base = talk.sides[0].sequence;
    let at = |n: u16| (base.wrapping_add(n), (u32::MAX - 400).wrapping_add(u32::from(n) * 160 + 800));
    for n in [0, 1, 2, 4, 3, 5, 8, 8] {
        let (sequence, timestamp) = at(n);
        let header = Header { marker: false, payload_type: 8, sequence, timestamp, ssrc: 7 };
        talk.send(0, header, &[n as u8; 160]);
    }
    let heard = talk.heard(1);
    let first = heard[0].clone();
    let order: Vec<(u16, u32)> = heard
        .iter()
        .map(|h| (h.sequence.wrapping_sub(first.sequence), h.timestamp.wrapping_sub(first.timestamp) / 160))
        .collect();
    assert_eq!(order, [(0, 0), (1, 1), (2, 2), (4, 4), (3, 3), (5, 5), (8, 8), (8, 8)]);
}

#[test]
fn music_and_silence_and_voice_follow_each_other_on_one_clock() {
    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
    let music = codec::encode(Codec::Pcma, 8_000, &tone_gen::sine(440.0, -20.0, 200, 8_000));
    for round in 0..4 {
        for _ in 0..25 {
            talk.say(0, &[1; 160]);
            talk.pass(20);
        }
        match round {
            0 => talk.sides[1]
                .stream
                .command(Mono::from_millis(talk.ms), MediaCommand::PlayLoop { items: vec![music.clone()] }),
            1 => talk.sides[1].stream.command(Mono::from_millis(talk.ms), MediaCommand::StopPlay),
            // Nobody says anything: silence fills the stream.
            _ => talk.pass(400),
        }
    }
    let heard = talk.heard(1);
    assert_continuous(&heard);
    let voice = |h: &&Heard| h.payload == [1; 160];
    assert_eq!(heard.iter().filter(voice).count(), 75, "while music plays the voice is not heard");
    let length_ms = heard.last().unwrap().timestamp.wrapping_sub(heard[0].timestamp) / 8;
    let wall_ms = heard.last().unwrap().ms - heard[0].ms;
    assert!(u64::from(length_ms).abs_diff(wall_ms) <= 40, "{length_ms} ms of audio in {wall_ms} ms");
}

#[test]
fn keys_go_across_as_events_or_as_tones_or_not_at_all() {
    let press = |talk: &mut Talk| {
        let (sequence, timestamp) = (talk.sides[0].sequence, talk.sides[0].timestamp);
        for (n, (duration, end)) in
            [(160u16, 0), (320, 0), (480, 0x80), (480, 0x80), (480, 0x80)].into_iter().enumerate()
        {
            let sequence = sequence.wrapping_add(n as u16);
            let header = Header { marker: n == 0, payload_type: EVENT_TYPE, sequence, timestamp, ssrc: 7 };
            let [high, low] = duration.to_be_bytes();
            talk.send(0, header, &[5, end | 10, high, low]);
            talk.pass(20);
        }
        talk.sides[0].sequence = sequence.wrapping_add(5);
        talk.sides[0].timestamp = timestamp.wrapping_add(800);
    };
    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
    press(&mut talk);
    let events: Vec<Heard> = talk.heard(1).into_iter().filter(|h| h.payload_type == EVENT_TYPE + 1).collect();
    assert_eq!(events.len(), 5, "all packets of the press, under the other side's payload type");
    assert!(events.iter().all(|e| e.timestamp == events[0].timestamp) && events[0].marker);
    assert_eq!(events[4].payload, [5, 0x80 | 10, 1, 0xE0]);

    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, false);
    press(&mut talk);
    talk.pass(200);
    let mut samples = Vec::new();
    let mut decoder = Decoder::new(Codec::Pcma);
    talk.heard(1).iter().for_each(|h| decoder.decode(&h.payload, &mut samples));
    let mut keys = Vec::new();
    crate::media::dtmf::tone::ToneDetector::new(8_000).push(&samples, |event| {
        if let crate::media::dtmf::tone::ToneEvent::Start(digit) = event {
            keys.push(digit);
        }
    });
    assert_eq!(keys, [Digit::from_char('5').unwrap()], "one press is one tone");

    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
    talk.sides[0].stream.bridge(false);
    press(&mut talk);
    assert!(talk.heard(1).iter().all(|h| h.payload_type == 8), "keys that are not to be carried are not");
}

#[test]
fn different_codecs_are_heard_in_their_own() {
    for (a, b) in [(Codec::G722, Codec::Pcma), (Codec::Pcmu, Codec::G722), (Codec::Pcma, Codec::Pcmu)] {
        let mut talk = Talk::new(a, b, true);
        let tone = codec::encode(a, a.sample_rate_hz(), &tone_gen::sine(1_000.0, -10.0, 1_000, a.sample_rate_hz()));
        for payload in tone.bytes.chunks(160) {
            talk.say(0, payload);
            talk.pass(20);
        }
        let heard = talk.heard(1);
        assert_continuous(&heard);
        assert!(heard.iter().all(|h| h.payload_type == b.payload_type() && h.payload.len() == 160));
        let mut samples = Vec::new();
        let mut decoder = Decoder::new(b);
        heard.iter().for_each(|h| decoder.decode(&h.payload, &mut samples));
        let level = crate::media::clip::level_dbfs(&samples[samples.len() / 4..]);
        let sent = crate::media::clip::level_dbfs(&tone_gen::sine(1_000.0, -10.0, 1_000, 8_000));
        assert!((level - sent).abs() < 1.0, "{a} to {b}: {level:.1} dBFS of {sent:.1}");
    }
}

#[test]
fn on_hold_nothing_goes_out_and_afterwards_it_goes_on() {
    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
    let hold = |talk: &mut Talk, send| {
        let config = StreamConfig {
            codec: Codec::Pcma,
            payload_type_out: 8,
            payload_types_in: vec![(8, Codec::Pcma)],
            event_type: Some(EVENT_TYPE + 1),
            ptime_ms: 20,
            remote: Some(talk.sides[1].peer),
            remote_rtcp: None,
            send,
            receive: true,
        };
        talk.sides[1].stream.command(Mono::from_millis(talk.ms), MediaCommand::Reconfigure(config));
    };
    hold(&mut talk, false);
    for _ in 0..20 {
        talk.say(0, &[1; 160]);
        talk.pass(20);
    }
    assert_eq!(talk.heard(1), []);
    hold(&mut talk, true);
    for _ in 0..20 {
        talk.say(0, &[2; 160]);
        talk.pass(20);
    }
    let heard = talk.heard(1);
    assert_eq!(heard.len(), 20);
    assert_continuous(&heard);
}

#[test]
fn parted_streams_go_their_own_ways_again() {
    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
    talk.say(0, &[1; 160]);
    talk.pass(20);
    talk.sides.iter_mut().for_each(|side| side.stream.unbridge());
    for _ in 0..10 {
        talk.say(0, &[1; 160]);
        talk.pass(20);
    }
    let heard = talk.heard(1);
    assert_eq!(heard.iter().filter(|h| h.payload == [1; 160]).count(), 1);
    assert_continuous(&heard);
}
