//! Two streams of one call, bridged, in virtual time: what one peer says arrives at the other.

use std::net::SocketAddr;
use std::time::Duration;

use chrono::DateTime;

use crate::media::codec::{self, Decoder};
use crate::media::dtmf::tone::{ToneDetector, ToneEvent};
use crate::media::io::{MediaCommand, MediaEvent, MediaToken, RecordLimits, StreamConfig, StreamOptions};
use crate::media::rtcp::{self, COMPOUND_LEN_MAX, Compound, Report};
use crate::media::rtp::{Header, Packet};
use crate::media::stream::MediaStream;
use crate::media::tone_gen;
use crate::types::{Codec, Digit, Mono, Now, Random};

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
    config: StreamConfig,
    peer: SocketAddr,
    codec: Codec,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    heard: Vec<Heard>,
}

impl Side {
    fn new(n: u16, codec: Codec, events: bool, options: StreamOptions) -> Self {
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
            srtp: None,
            ice: None,
            rtcp_mux: false,
        };
        let stream = MediaStream::new(Mono(0), config.clone(), options, &mut Random::for_testing(n.into()));
        let (ssrc, sequence, timestamp, heard) = (u32::from(n) + 7, 65_533, u32::MAX - 400, Vec::new());
        Self { stream, config, peer, codec, ssrc, sequence, timestamp, heard }
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
        Self::with(a, b, events, StreamOptions::default())
    }

    fn with(a: Codec, b: Codec, events: bool, options: StreamOptions) -> Self {
        let sides = [Side::new(0, a, true, options.clone()), Side::new(1, b, events, options)];
        let mut talk = Self { sides, ms: 0 };
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
        let mut packet = [0; 700];
        let length = header.write(&mut packet).unwrap();
        packet[length..length + payload.len()].copy_from_slice(payload);
        let (now, peer) = (Mono::from_millis(self.ms), self.sides[from].peer);
        self.sides[from].stream.rtp_received(now, peer, &packet[..length + payload.len()]);
        let Some(relayed) = self.sides[from].stream.poll_relayed() else { return };
        let mut out = [0; 700];
        let other = &mut self.sides[1 - from];
        if let Some((length, _)) = other.stream.relay(now, &relayed, &mut out) {
            other.take(self.ms, &out[..length]);
        }
        self.sides[from].stream.give_back(relayed);
    }

    fn say(&mut self, from: usize, payload: &[u8]) {
        let header = self.next(from, payload.len() as u32);
        self.send(from, header, payload);
    }

    /// The header of a side's next packet, not yet on its way.
    fn next(&mut self, from: usize, units: u32) -> Header {
        let side = &mut self.sides[from];
        let (sequence, timestamp, ssrc) = (side.sequence, side.timestamp, side.ssrc);
        side.sequence = sequence.wrapping_add(1);
        side.timestamp = timestamp.wrapping_add(units);
        Header { marker: false, payload_type: side.codec.payload_type(), sequence, timestamp, ssrc }
    }

    /// Talks for so long in packets of 20 ms.
    fn talk(&mut self, from: usize, ms: u64, byte: u8) {
        for _ in 0..ms / 20 {
            self.say(from, &[byte; 160]);
            self.pass(20);
        }
    }

    /// A key of the first side's, its packets so many milliseconds after each other; three of them end it.
    fn press(&mut self, digit: u8, gaps_ms: &[u64]) {
        let timestamp = self.sides[0].timestamp;
        let mut duration = 0;
        for (n, gap_ms) in gaps_ms.iter().enumerate() {
            let header = Header { marker: n == 0, payload_type: EVENT_TYPE, timestamp, ..self.next(0, 0) };
            let end = n + 3 >= gaps_ms.len();
            duration += if n + 3 > gaps_ms.len() { 0 } else { 160 };
            let [high, low] = u16::to_be_bytes(duration);
            self.send(0, header, &[digit, if end { 0x8A } else { 0x0A }, high, low]);
            self.pass(*gap_ms);
        }
        let passed: u64 = gaps_ms.iter().sum();
        self.sides[0].timestamp = timestamp.wrapping_add(passed as u32 * 8);
    }

    fn command(&mut self, side: usize, command: MediaCommand) {
        self.sides[side].stream.command(Mono::from_millis(self.ms), command);
    }

    fn hold(&mut self, side: usize, held: bool) {
        let config = StreamConfig { send: !held, ..self.sides[side].config.clone() };
        self.command(side, MediaCommand::Reconfigure(config));
    }

    fn events(&mut self, side: usize) -> Vec<MediaEvent> {
        std::iter::from_fn(|| self.sides[side].stream.poll_event()).collect()
    }

    fn keys(&mut self, side: usize) -> String {
        let keys = self.events(side).into_iter().filter_map(|event| match event {
            MediaEvent::Digit { digit, .. } => Some(digit.as_char()),
            _ => None,
        });
        keys.collect()
    }

    /// Time passes, with the streams' own ticks.
    fn pass(&mut self, ms: u64) {
        let until = self.ms + ms;
        while self.ms < until {
            let now = Mono::from_millis(self.ms);
            for side in self.sides.iter_mut().filter(|_| self.ms.is_multiple_of(20)) {
                let mut out = [0; 500];
                if let Some((length, _)) = side.stream.tick(now, &mut out) {
                    side.take(self.ms, &out[..length]);
                }
            }
            self.ms += 1;
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

/// The keys that a peer hears as tones.
fn tones(codec: Codec, heard: &[Heard]) -> String {
    let (mut samples, mut decoder) = (Vec::new(), Decoder::new(codec));
    heard.iter().for_each(|h| decoder.decode(&h.payload, &mut samples));
    let mut keys = String::new();
    ToneDetector::new(codec.sample_rate_hz()).push(&samples, |event| {
        if let ToneEvent::Start(digit) = event {
            keys.push(digit.as_char());
        }
    });
    keys
}

/// How much later than its place in time a peer hears a packet, against the first one.
fn delays_ms(heard: &[Heard]) -> Vec<i64> {
    let first = &heard[0];
    let units = |h: &Heard| i64::from(h.timestamp.wrapping_sub(first.timestamp) as i32);
    heard.iter().map(|h| units(h) / 8 - (h.ms - first.ms) as i64).collect()
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
    let press = |talk: &mut Talk| talk.press(5, &[20; 5]);
    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
    press(&mut talk);
    let events: Vec<Heard> = talk.heard(1).into_iter().filter(|h| h.payload_type == EVENT_TYPE + 1).collect();
    assert_eq!(events.len(), 5, "all packets of the press, under the other side's payload type");
    assert!(events.iter().all(|e| e.timestamp == events[0].timestamp) && events[0].marker);
    assert_eq!(events[4].payload, [5, 0x80 | 10, 1, 0xE0]);

    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, false);
    press(&mut talk);
    talk.pass(200);
    assert_eq!(tones(Codec::Pcma, &talk.heard(1)), "5", "one press is one tone");

    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
    talk.sides[0].stream.bridge(false);
    press(&mut talk);
    assert!(talk.heard(1).iter().all(|h| h.payload_type == 8), "keys that are not to be carried are not");
}

/// The key that asks for the receptionist is still down when she lifts: it was for the machine.
#[test]
fn a_key_that_went_down_before_the_bridge_does_not_go_across() {
    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
    talk.sides.iter_mut().for_each(|side| side.stream.unbridge());
    let timestamp = talk.sides[0].timestamp;
    for n in 1..=6u8 {
        if n == 3 {
            talk.sides.iter_mut().for_each(|side| side.stream.bridge(true));
        }
        let header = Header { marker: n == 1, payload_type: EVENT_TYPE, timestamp, ..talk.next(0, 0) };
        let [high, low] = (u16::from(n.min(4)) * 160).to_be_bytes();
        talk.send(0, header, &[0, if n > 3 { 0x8A } else { 0x0A }, high, low]);
        talk.pass(20);
    }
    talk.sides[0].timestamp = timestamp.wrapping_add(120 * 8);
    talk.talk(0, 200, 1);
    let heard = talk.heard(1);
    assert!(heard.iter().all(|h| h.payload_type == 8), "the other side hears a key that was not for it");
    assert_continuous(&heard);
    talk.press(5, &[20; 5]);
    let events = talk.heard(1).into_iter().filter(|h| h.payload_type == EVENT_TYPE + 1).count();
    assert_eq!(events, 5, "the next key is for the other side");
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
    talk.talk(0, 400, 1);
    talk.hold(1, true);
    talk.talk(0, 100, 2);
    talk.hold(1, false);
    talk.talk(0, 400, 3);
    let heard = talk.heard(1);
    assert_eq!(heard.iter().filter(|h| h.payload == [2; 160]).count(), 0);
    assert_eq!(heard.len(), 40);
    assert_continuous(&heard);
    assert!(heard[20].marker && heard[20].payload == [3; 160]);
    assert_eq!(heard[20].timestamp.wrapping_sub(heard[0].timestamp), 500 * 8, "the hold's time has passed");
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

#[test]
fn a_long_talk_has_no_hole_where_numbers_wrap() {
    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
    talk.talk(0, 15 * 60_000, 1);
    let heard = talk.heard(1);
    assert_eq!(heard.len(), 45_000);
    assert!(heard.iter().all(|h| h.payload == [1; 160]));
    assert_continuous(&heard);
}

#[test]
fn packets_of_any_length_and_shaken_by_the_network_leave_no_room_for_silence() {
    for (a, b) in [(Codec::Pcma, Codec::Pcma), (Codec::G722, Codec::Pcmu)] {
        for length_ms in [10, 20, 30, 40, 60] {
            let mut talk = Talk::new(a, b, true);
            for jitter_ms in [0i64, 15, -15, 10, -10, 15].into_iter().cycle().take(60) {
                talk.say(0, &vec![0x55; length_ms * 8]);
                talk.pass((length_ms as i64 + jitter_ms).max(0) as u64);
            }
            let heard = talk.heard(1);
            assert_eq!(heard.len(), 60, "{length_ms}");
            assert!(heard.iter().all(|h| h.payload.len() == length_ms * 8));
            assert_continuous(&heard);
        }
    }
}

#[test]
fn a_burst_after_a_standstill_does_not_put_the_rest_of_the_talk_behind() {
    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
    talk.talk(0, 400, 1);
    let delayed: Vec<Header> = (0..15).map(|_| talk.next(0, 160)).collect();
    talk.pass(300);
    delayed.into_iter().for_each(|header| talk.send(0, header, &[2; 160]));
    talk.talk(0, 1_000, 3);
    let heard = talk.heard(1);
    assert_continuous(&heard);
    let delays = delays_ms(&heard);
    assert!(delays.iter().all(|delay| delay.abs() <= 40), "{delays:?}");
    assert!(heard.iter().filter(|h| h.payload == [2; 160]).count() <= 3, "their time was filled with silence");
    assert!(heard.iter().filter(|h| h.payload == [3; 160]).count() >= 49, "the first of them came with the burst");
}

#[test]
fn a_sender_whose_clock_stood_still_or_jumped_is_heard_on_one_clock() {
    // What happens to the sender, and how many packets it may cost.
    type Change = fn(&mut Side);
    let changes: [(Change, usize); 5] = [
        (|_| (), 0),
        (|side| side.timestamp = side.timestamp.wrapping_add(1 << 31), 0),
        (|side| side.timestamp = side.timestamp.wrapping_sub(50_000), 0),
        (|side| side.timestamp = side.timestamp.wrapping_add(50_000), 0),
        // Two packets in a row prove a new sender; the first of them is a stray.
        (|side| (side.ssrc, side.sequence, side.timestamp) = (99, 1, 2), 1),
    ];
    for (n, (change, cost)) in changes.into_iter().enumerate() {
        for pause_ms in [0, 500] {
            let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
            talk.talk(0, 400, 1);
            talk.pass(pause_ms);
            change(&mut talk.sides[0]);
            talk.talk(0, 400, 2);
            let heard = talk.heard(1);
            assert_continuous(&heard);
            let delays = delays_ms(&heard);
            assert!(delays.iter().all(|delay| delay.abs() <= 40), "{n}: {delays:?}");
            let after = heard.iter().filter(|h| h.payload == [2; 160]).count();
            assert!(after + cost >= 20, "{n}, {pause_ms} ms: {after} of 20");
        }
    }
}

#[test]
fn a_clock_that_runs_fast_or_slow_is_followed_and_given_up_without_overlap() {
    for every_ms in [19, 21] {
        let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
        let music = codec::encode(Codec::Pcma, 8_000, &tone_gen::sine(440.0, -20.0, 200, 8_000));
        for _ in 0..2 {
            for _ in 0..150 {
                talk.say(0, &[1; 160]);
                talk.pass(every_ms);
            }
            talk.command(1, MediaCommand::PlayLoop { items: vec![music.clone()] });
            talk.pass(3_000);
            talk.command(1, MediaCommand::StopPlay);
            talk.sides[0].timestamp = talk.sides[0].timestamp.wrapping_add(24_000);
        }
        assert_continuous(&talk.heard(1));
    }
}

#[test]
fn a_slow_press_is_one_press_with_nothing_between_its_packets() {
    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
    talk.talk(0, 100, 1);
    talk.press(7, &[50, 65, 90, 130, 20, 20, 20]);
    talk.talk(0, 100, 2);
    let heard = talk.heard(1);
    let events: Vec<&Heard> = heard.iter().filter(|h| h.payload_type == EVENT_TYPE + 1).collect();
    assert_eq!(events.len(), 7);
    assert!(events.iter().all(|e| e.timestamp == events[0].timestamp));
    assert_eq!(events.iter().map(|e| e.marker).collect::<Vec<_>>()[..2], [true, false]);
    assert_eq!(heard.len(), 5 + 7 + 5, "and no silence");
    let numbers: Vec<u16> = heard.iter().map(|h| h.sequence.wrapping_sub(heard[0].sequence)).collect();
    assert_eq!(numbers, (0..17).collect::<Vec<u16>>());
    assert_eq!(heard[12].timestamp.wrapping_sub(heard[5].timestamp), 395 * 8, "the voice goes on in its time");
    assert_eq!(talk.keys(0), "7", "told all the same");
}

#[test]
fn the_same_timestamp_for_two_presses_is_two_presses_on_the_other_side() {
    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
    talk.press(7, &[20; 6]);
    talk.sides[0].timestamp = talk.sides[0].timestamp.wrapping_sub(120 * 8);
    talk.pass(400);
    talk.press(7, &[20; 6]);
    let heard = talk.heard(1);
    let mut presses: Vec<u32> =
        heard.iter().filter(|h| h.payload_type == EVENT_TYPE + 1).map(|h| h.timestamp).collect();
    assert_eq!(presses.len(), 12);
    presses.dedup();
    assert_eq!(presses.len(), 2);
    assert_eq!(talk.keys(0), "77");
}

#[test]
fn keys_that_are_kept_back_leave_no_hole_in_the_numbers() {
    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
    talk.sides[0].stream.bridge(false);
    talk.talk(0, 100, 1);
    for duration in [160u16, 320, 480] {
        // Some telephones go on sending audio under the press.
        let [high, low] = duration.to_be_bytes();
        let header = Header { payload_type: EVENT_TYPE, timestamp: 5, ..talk.next(0, 0) };
        talk.send(0, header, &[3, 0x0A, high, low]);
        talk.talk(0, 20, 1);
    }
    let heard = talk.heard(1);
    assert_eq!(heard.len(), 8);
    assert_continuous(&heard);
    assert!(heard.iter().all(|h| h.payload == [1; 160]));
    assert_eq!(talk.keys(0), "3");
}

#[test]
fn a_gateway_that_sends_keys_under_an_ssrc_of_their_own_presses_them_once() {
    for (audio_between, events) in [(true, true), (false, true), (true, false)] {
        let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, events);
        talk.talk(0, 100, 1);
        let start = talk.sides[0].timestamp;
        for n in 0..12u16 {
            let [high, low] = (160 * n.min(10)).to_be_bytes();
            let flags = if n >= 9 { 0x8A } else { 0x0A };
            let header =
                Header { marker: n == 0, payload_type: EVENT_TYPE, sequence: 500 + n, timestamp: start, ssrc: 77 };
            talk.send(0, header, &[4, flags, high, low]);
            if audio_between {
                talk.say(0, &[1; 160]);
            }
            talk.pass(20);
        }
        talk.pass(200);
        let heard = talk.heard(1);
        if events {
            let mut presses: Vec<u32> =
                heard.iter().filter(|h| h.payload_type == EVENT_TYPE + 1).map(|h| h.timestamp).collect();
            assert!(!presses.is_empty());
            presses.dedup();
            assert_eq!(presses.len(), 1);
        } else {
            assert_eq!(tones(Codec::Pcma, &heard), "4");
        }
    }
}

#[test]
fn keys_pressed_by_command_are_tones_where_no_events_are_known() {
    for codec in Codec::ALL {
        let mut talk = Talk::new(Codec::Pcma, codec, false);
        for key in "15#".chars() {
            let digit = Digit::from_char(key).unwrap();
            talk.command(1, MediaCommand::Press { digit, length_ms: 100 });
        }
        talk.talk(0, 800, 0xD5);
        let heard = talk.heard(1);
        assert_eq!(tones(codec, &heard), "15#", "{codec}");
        assert_continuous(&heard);
    }
}

#[test]
fn tones_in_the_voice_travel_as_voice_and_are_told() {
    let mut talk = Talk::new(Codec::Pcma, Codec::G722, true);
    let tone = tone_gen::dtmf(Digit::from_char('9').unwrap(), 200, 8_000);
    for payload in codec::encode(Codec::Pcma, 8_000, &tone).bytes.chunks(160) {
        talk.say(0, payload);
        talk.pass(20);
    }
    talk.talk(0, 100, 0xD5);
    assert_eq!(tones(Codec::G722, &talk.heard(1)), "9");
    assert_eq!(talk.keys(0), "9");
}

#[test]
fn comfort_noise_becomes_silence_at_once_or_a_gap_that_is_no_loss() {
    for send_silence in [true, false] {
        let options = StreamOptions { send_silence, ..StreamOptions::default() };
        let mut talk = Talk::with(Codec::Pcma, Codec::Pcma, true, options);
        talk.talk(0, 100, 1);
        for _ in 0..5 {
            let header = Header { payload_type: 13, ..talk.next(0, 800) };
            talk.send(0, header, &[60]);
            talk.pass(100);
        }
        talk.talk(0, 100, 2);
        let heard = talk.heard(1);
        assert!(heard.iter().all(|h| h.payload_type == 8));
        let silent = heard.iter().filter(|h| h.payload == [0xD5; 160]).count();
        assert_eq!(silent, if send_silence { 25 } else { 0 });
        let marks: Vec<usize> = (0..heard.len()).filter(|n| heard[*n].marker).collect();
        assert!(marks.contains(&(heard.len() - 5)), "the voice comes back with a marker: {marks:?}");
        for pair in heard.windows(2) {
            assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        }
        assert!(delays_ms(&heard).iter().all(|delay| delay.abs() <= 40));
    }
}

#[test]
fn figures_are_right_for_either_leg_and_duplicates_count_once() {
    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
    let [a, b] = [0, 1].map(|side| talk.sides[side].stream.stats());
    for n in 0..100 {
        let header = talk.next(0, 160);
        if n % 10 != 5 {
            talk.send(0, header, &[1; 160]);
            talk.send(0, header, &[1; 160]);
        }
        talk.say(1, &[2; 160]);
        talk.pass(20);
    }
    let [after_a, after_b] = [0, 1].map(|side| talk.sides[side].stream.stats());
    assert_eq!((after_a.received - a.received, after_a.lost - a.lost), (90, 10));
    assert_eq!((after_b.received - b.received, after_b.lost - b.lost), (100, 0));
    assert_eq!(after_a.sent - a.sent, talk.heard(0).len() as u64);
    assert_eq!(after_b.sent - b.sent, talk.heard(1).len() as u64);
    assert!((100..=103).contains(&(after_a.sent - a.sent)));
}

fn wall(ms: u64) -> Now {
    let wall = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    Now { mono: Mono(0), wall }.after(Duration::from_millis(ms))
}

#[test]
fn reports_go_on_for_either_leg() {
    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
    let mut out = [0; COMPOUND_LEN_MAX];
    let mut seen = [0; 2];
    for _ in 0..40 {
        talk.talk(0, 500, 1);
        let last = talk.heard(1).last().unwrap().clone();
        for (side, reports) in seen.iter_mut().enumerate() {
            let Some((len, _)) = talk.sides[side].stream.poll_rtcp(wall(talk.ms), &mut out) else { continue };
            let mut said = Vec::new();
            assert!(rtcp::read(&out[..len], |report| said.push(report)));
            let [Report::Sender { info, .. }, Report::About(block)] = said[..] else { panic!("{said:?}") };
            assert_eq!(block.figures.fraction_lost, 0);
            let ahead_ms = info.timestamp.wrapping_sub(last.timestamp) as i32 / 8;
            assert!(side == 0 || (0..=40).contains(&ahead_ms), "the report's clock is that of the packets: {ahead_ms}");
            assert_eq!(u64::from(info.packets), talk.sides[side].stream.stats().sent);
            *reports += 1;
        }
    }
    assert!(seen.iter().all(|reports| *reports >= 3), "{seen:?}");
}

#[test]
fn nobody_is_missed_who_is_held_or_muted_but_still_there() {
    let options = StreamOptions { media_timeout_ms: 5_000, ..StreamOptions::default() };
    let report = |talk: &mut Talk| {
        let mut out = [0; COMPOUND_LEN_MAX];
        let compound = Compound { ssrc: 7, sender: None, block: None, cname: "a", bye: false };
        let len = compound.write(&mut out).unwrap();
        let peer = talk.sides[0].peer;
        talk.sides[0].stream.rtcp_received(Mono::from_millis(talk.ms), peer, &out[..len]);
    };
    let lost = |talk: &mut Talk, side| talk.events(side).contains(&MediaEvent::MediaLost);

    let mut talk = Talk::with(Codec::Pcma, Codec::Pcma, true, options.clone());
    for _ in 0..10 {
        report(&mut talk);
        talk.talk(1, 3_000, 1);
    }
    assert!(!lost(&mut talk, 0), "a muted telephone still reports");
    talk.talk(1, 6_000, 1);
    assert!(lost(&mut talk, 0), "neither packets nor reports");

    let mut talk = Talk::with(Codec::Pcma, Codec::Pcma, true, options);
    talk.hold(0, true);
    talk.talk(1, 20_000, 1);
    talk.hold(0, false);
    talk.talk(1, 4_000, 1);
    assert!(!lost(&mut talk, 0), "held");
    assert!(!lost(&mut talk, 1), "the one who talks to somebody held");
}

#[test]
fn a_recording_goes_on_while_its_stream_is_bridged() {
    let mut talk = Talk::new(Codec::Pcma, Codec::G722, true);
    let limits = RecordLimits { max_ms: 600_000, silence_ms: 0, warn_ms: 0, stop_keys: vec![] };
    talk.command(0, MediaCommand::Record { token: MediaToken(3), limits, warning: None });
    let mut recorded = Vec::new();
    let tone = codec::encode(Codec::Pcma, 8_000, &tone_gen::sine(500.0, -10.0, 1_000, 8_000));
    for payload in tone.bytes.chunks(160) {
        talk.say(0, payload);
        talk.pass(20);
        recorded.extend(std::iter::from_fn(|| talk.sides[0].stream.poll_recorded()).flat_map(|piece| piece.samples));
    }
    talk.sides[0].stream.unbridge();
    talk.command(0, MediaCommand::StopRecord);
    recorded.extend(std::iter::from_fn(|| talk.sides[0].stream.poll_recorded()).flat_map(|piece| piece.samples));
    let mut expected = Vec::new();
    Decoder::new(Codec::Pcma).decode(&tone.bytes, &mut expected);
    assert_eq!(recorded, expected);
    assert!(talk.heard(1).len() >= 50);
}

#[test]
fn an_announcement_to_one_side_is_heard_whole_and_told() {
    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
    talk.talk(0, 200, 1);
    let beep = codec::encode(Codec::Pcma, 8_000, &tone_gen::beep(8_000));
    talk.command(1, MediaCommand::Play { token: MediaToken(9), items: vec![beep.clone()] });
    talk.talk(0, 600, 1);
    talk.talk(1, 100, 2);
    let heard = talk.heard(1);
    assert_continuous(&heard);
    let played: Vec<u8> =
        heard.iter().filter(|h| h.payload[0] != 1 || h.payload[9] != 1).flat_map(|h| h.payload.clone()).collect();
    assert!(played.windows(beep.bytes.len()).any(|part| part == &beep.bytes[..]));
    assert!(talk.events(1).contains(&MediaEvent::PlayDone(MediaToken(9))));
    assert_eq!(talk.heard(0).iter().filter(|h| h.payload == [2; 160]).count(), 5, "the other way nothing changes");
}

#[test]
fn one_buffer_serves_all_packets() {
    let mut talk = Talk::new(Codec::Pcma, Codec::Pcma, true);
    let mut buffers = Vec::new();
    for _ in 0..10 {
        let header = talk.next(0, 160);
        let mut packet = [1; 172];
        header.write(&mut packet).unwrap();
        let peer = talk.sides[0].peer;
        talk.sides[0].stream.rtp_received(Mono::from_millis(talk.ms), peer, &packet);
        let relayed = talk.sides[0].stream.poll_relayed().unwrap();
        buffers.push(relayed.payload.as_ptr());
        talk.sides[1].stream.relay(Mono::from_millis(talk.ms), &relayed, &mut [0; 400]).unwrap();
        talk.sides[0].stream.give_back(relayed);
        talk.pass(20);
    }
    buffers.dedup();
    assert_eq!(buffers.len(), 1);
}

#[test]
fn whatever_comes_in_nothing_panics_and_nothing_grows() {
    let mut random = Random::for_testing(12);
    for (a, b, events) in [(Codec::Pcma, Codec::Pcma, true), (Codec::G722, Codec::Pcmu, false)] {
        let mut talk = Talk::new(a, b, events);
        for _ in 0..20_000 {
            let mut header = talk.next(0, 160);
            match random.u32() % 8 {
                0 => header.sequence = random.u32() as u16,
                1 => header.timestamp = random.u32(),
                2 => header.payload_type = EVENT_TYPE,
                3 => header.payload_type = 13,
                4 => header.ssrc = random.u32() % 3,
                5 => talk.pass(u64::from(random.u32() % 100)),
                _ => (),
            }
            let payload: Vec<u8> = (0..random.u32() % 500).map(|_| random.u32() as u8).collect();
            talk.send(0, header, &payload);
            talk.events(0);
            assert!(talk.heard(1).iter().all(|h| h.payload.len() <= 500));
        }
    }
}
