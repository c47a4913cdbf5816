//! A stream in virtual time, with a peer that can be made to misbehave.

use std::time::Duration;

use chrono::DateTime;

use super::*;
use crate::media::codec;
use crate::media::io::{Encoded, Inband, MediaToken, RecordLimits};
use crate::media::rtcp::{Block, COMPOUND_LEN_MAX, Compound, Report};
use crate::media::rtp::{Header, SENT_LEN_MAX};
use crate::media::tone_gen;
use crate::types::Digit;

const PEER: &str = "192.0.2.7:4000";
const OTHER: &str = "198.51.100.66:5555";
const EVENT_TYPE: u8 = 101;
const TOKEN: MediaToken = MediaToken(1);

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn config(codec: Codec) -> StreamConfig {
    StreamConfig {
        codec,
        payload_type_out: codec.payload_type(),
        payload_types_in: Codec::ALL.iter().map(|c| (c.payload_type(), *c)).collect(),
        event_type: Some(EVENT_TYPE),
        ptime_ms: 20,
        remote: Some(addr(PEER)),
        remote_rtcp: Some(addr("192.0.2.7:4001")),
        send: true,
        receive: true,
        srtp: None,
        ice: None,
        rtcp_mux: false,
    }
}

fn options() -> StreamOptions {
    StreamOptions { media_timeout_ms: 0, cname: "desk".into(), ..StreamOptions::default() }
}

fn limits() -> RecordLimits {
    RecordLimits { max_ms: 600_000, silence_ms: 0, warn_ms: 0, stop_keys: vec![Digit::HASH] }
}

fn digit(key: char) -> Digit {
    Digit::from_char(key).unwrap()
}

/// A stream, its time, and the sender at the other end.
struct Call {
    stream: MediaStream,
    ms: u64,
    codec: Codec,
    from: SocketAddr,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    events: Vec<MediaEvent>,
    recorded: Vec<i16>,
}

impl Call {
    fn with(config: StreamConfig, options: StreamOptions) -> Self {
        let codec = config.codec;
        let stream = MediaStream::new(Mono(0), config, options, &mut Random::for_testing(1));
        Call {
            stream,
            ms: 0,
            codec,
            from: addr(PEER),
            sequence: 65_530,
            timestamp: 0xFFFF_FF00,
            ssrc: 7,
            events: Vec::new(),
            recorded: Vec::new(),
        }
    }

    fn new() -> Self {
        Self::with(config(Codec::Pcma), options())
    }

    fn now(&self) -> Mono {
        Mono::from_millis(self.ms)
    }

    fn command(&mut self, command: MediaCommand) {
        self.stream.command(self.now(), command);
    }

    fn record(&mut self, limits: RecordLimits) {
        self.command(MediaCommand::Record { token: TOKEN, limits, warning: None });
    }

    /// Fetches what there is, as a driver does.
    fn fetch(&mut self) {
        while let Some(piece) = self.stream.poll_recorded() {
            assert_eq!((piece.token, piece.rate_hz), (TOKEN, self.codec.sample_rate_hz()));
            assert!(piece.samples.len() as u32 <= self.codec.sample_rate_hz() / 4, "no more than 250 ms at once");
            self.recorded.extend(piece.samples);
        }
        self.events.extend(std::iter::from_fn(|| self.stream.poll_event()));
    }

    /// One tick; time has moved on by `ms` after it.
    fn tick(&mut self, ms: u64) -> Option<Vec<u8>> {
        let mut out = [0; SENT_LEN_MAX];
        let sent = self.stream.tick(self.now(), &mut out);
        self.fetch();
        self.ms += ms;
        sent.map(|(len, _)| out[..len].to_vec())
    }

    /// Time passes without a packet; the peer's clock goes on.
    fn run(&mut self, ms: u64) {
        self.timestamp = self.timestamp.wrapping_add(ms as u32 * 8);
        for _ in 0..ms / 20 {
            self.tick(20);
        }
    }

    fn packet(&self, marker: bool, payload_type: u8, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![0; 12];
        let header = Header { marker, payload_type, sequence: self.sequence, timestamp, ssrc: self.ssrc };
        header.write(&mut out).unwrap();
        out.extend(payload);
        out
    }

    fn receive(&mut self, packet: &[u8]) {
        self.stream.rtp_received(self.now(), self.from, packet);
    }

    /// The peer's next packet of 20 ms, not yet on its way.
    fn next_audio(&mut self, payload: &[u8]) -> Vec<u8> {
        let packet = self.packet(false, self.codec.payload_type(), self.timestamp, payload);
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(160);
        packet
    }

    /// The peer speaks; time passes.
    fn hear(&mut self, samples: &[i16]) {
        for payload in codec::encode(self.codec, self.codec.sample_rate_hz(), samples).bytes.chunks(160) {
            let packet = self.next_audio(payload);
            self.receive(&packet);
            self.tick(20);
        }
    }

    fn speech(&self, ms: u32) -> Vec<i16> {
        tone_gen::sine(440.0, -15.0, ms, self.codec.sample_rate_hz())
    }

    fn silence(&self, ms: u32) -> Vec<i16> {
        vec![0; (ms * self.codec.sample_rate_hz() / 1000) as usize]
    }

    fn key_tone(&mut self, key: char, ms: u32) {
        let tone = tone_gen::dtmf(digit(key), ms, self.codec.sample_rate_hz());
        self.hear(&tone);
    }

    /// A press by RFC 4733 with three end packets; those whose number is in `lost` never arrive.
    fn key_event(&mut self, key: char, ms: u32, lost: &[u32]) {
        let start = self.timestamp;
        let frames = ms / 20;
        for n in 0..frames + 3 {
            let duration = ((n + 1).min(frames) * 160) as u16;
            let flags = if n >= frames { 0x8A } else { 0x0A };
            let [high, low] = duration.to_be_bytes();
            let packet = self.packet(n == 0, EVENT_TYPE, start, &[digit(key).event(), flags, high, low]);
            self.sequence = self.sequence.wrapping_add(1);
            if !lost.contains(&n) {
                self.receive(&packet);
            }
            if n < frames {
                self.timestamp = self.timestamp.wrapping_add(160);
                self.tick(20);
            }
        }
        self.fetch();
    }

    fn key_info(&mut self, key: char) {
        self.command(MediaCommand::InfoDigit { digit: digit(key), duration_ms: 160 });
        self.fetch();
    }

    fn digits(&self) -> String {
        let keys = self.events.iter().filter_map(|e| match e {
            MediaEvent::Digit { digit, .. } => Some(digit.as_char()),
            _ => None,
        });
        keys.collect()
    }

    fn record_done(&self) -> Option<(u64, RecordStop)> {
        self.events.iter().find_map(|e| match e {
            MediaEvent::RecordDone { token: TOKEN, duration_ms, stop } => Some((*duration_ms, *stop)),
            _ => None,
        })
    }

    fn recorded_ms(&self) -> u64 {
        self.recorded.len() as u64 * 1000 / u64::from(self.codec.sample_rate_hz())
    }
}

fn clip(codec: Codec, byte: u8, ms: usize) -> Encoded {
    Encoded { codec, bytes: vec![byte; ms * 8].into() }
}

fn play(codec: Codec, ms: usize) -> MediaCommand {
    MediaCommand::Play { token: TOKEN, items: vec![clip(codec, 0x11, ms)] }
}

fn parse(bytes: &[u8]) -> Packet<'_> {
    Packet::parse(bytes).unwrap()
}

// Sending.

#[test]
fn the_first_packets_are_exactly_these() {
    let mut call = Call::new();
    call.command(play(Codec::Pcma, 30));
    let packets: Vec<Vec<u8>> = (0..3).map(|_| call.tick(20).unwrap()).collect();
    let first = parse(&packets[0]);
    let (ssrc, sequence, timestamp) = (first.ssrc, first.sequence, first.timestamp);
    for (n, (packet, kind)) in packets.iter().zip([0x88, 0x08, 0x08]).enumerate() {
        let mut expected = vec![0x80, kind];
        expected.extend(sequence.wrapping_add(n as u16).to_be_bytes());
        expected.extend(timestamp.wrapping_add(n as u32 * 160).to_be_bytes());
        expected.extend(ssrc.to_be_bytes());
        let audio = [160, 80, 0][n];
        expected.extend(std::iter::repeat_n(0x11, audio).chain(std::iter::repeat_n(0xD5, 160 - audio)));
        assert_eq!(*packet, expected, "packet {n}");
    }
    assert_eq!(call.events, [MediaEvent::PlayDone(TOKEN)]);
    assert_eq!(call.stream.stats().sent, 3);
}

#[test]
fn every_packet_time_from_10_to_60_ms_in_every_codec_plays_all_of_a_clip() {
    for ptime_ms in [10, 20, 30, 40, 50, 60] {
        for codec in Codec::ALL {
            let mut call = Call::with(StreamConfig { ptime_ms, ..config(codec) }, options());
            call.command(play(codec, 300));
            let mut audio: Vec<u8> = Vec::new();
            let mut last = None;
            while call.events.is_empty() {
                let bytes = call.tick(u64::from(ptime_ms)).unwrap();
                let packet = parse(&bytes);
                assert_eq!(
                    (packet.payload_type, packet.payload.len()),
                    (codec.payload_type(), usize::from(ptime_ms) * 8)
                );
                if let Some((sequence, timestamp)) = last {
                    assert_eq!(packet.sequence.wrapping_sub(sequence), 1);
                    assert_eq!(packet.timestamp.wrapping_sub(timestamp), u32::from(ptime_ms) * 8);
                }
                last = Some((packet.sequence, packet.timestamp));
                audio.extend(packet.payload);
            }
            assert_eq!(audio.len(), 300usize.div_ceil(usize::from(ptime_ms)) * usize::from(ptime_ms) * 8);
            assert_eq!(audio[..2400], [0x11; 2400]);
            let padding = &audio[2400..];
            assert_eq!(padding, &codec::silence(codec)[..padding.len()]);
        }
    }
}

#[test]
fn without_silence_between_prompts_nothing_is_sent_and_the_marker_tells_of_the_gap() {
    let mut call = Call::with(config(Codec::Pcmu), StreamOptions { send_silence: false, ..options() });
    assert_eq!(call.tick(20), None);
    call.command(play(Codec::Pcmu, 40));
    let packets: Vec<_> = (0..4).map(|_| call.tick(20)).collect();
    let marks: Vec<_> = packets.iter().map(|p| p.as_ref().map(|p| parse(p).marker)).collect();
    assert_eq!(marks, [Some(true), Some(false), None, None]);
    call.command(play(Codec::Pcmu, 40));
    let (before, after) = (packets[1].clone().unwrap(), call.tick(20).unwrap());
    let (before, after) = (parse(&before), parse(&after));
    assert!(after.marker);
    assert_eq!(after.sequence.wrapping_sub(before.sequence), 1);
    assert_eq!(after.timestamp.wrapping_sub(before.timestamp), 3 * 160);
}

#[test]
fn a_new_play_takes_the_place_of_the_old_and_the_next_follows_without_a_gap() {
    let mut call = Call::new();
    call.command(play(Codec::Pcma, 1000));
    call.tick(20);
    call.command(MediaCommand::Play { token: MediaToken(2), items: vec![clip(Codec::Pcma, 0x22, 20)] });
    assert_eq!(parse(&call.tick(20).unwrap()).payload, [0x22; 160]);
    assert_eq!(call.events, [MediaEvent::PlayDone(MediaToken(2))]);
    call.command(play(Codec::Pcma, 40));
    assert_eq!(parse(&call.tick(20).unwrap()).payload, [0x11; 160]);
    call.command(MediaCommand::StopPlay);
    assert_eq!(parse(&call.tick(20).unwrap()).payload, [0xD5; 160]);
    assert_eq!(call.events.len(), 1, "what was stopped is not done");
}

#[test]
fn on_hold_nothing_is_sent_and_the_prompt_goes_on_where_it_stopped() {
    for held in
        [StreamConfig { send: false, ..config(Codec::Pcma) }, StreamConfig { remote: None, ..config(Codec::Pcma) }]
    {
        let mut call = Call::new();
        call.command(play(Codec::Pcma, 60));
        let before = call.tick(20).unwrap();
        call.command(MediaCommand::Reconfigure(held));
        for _ in 0..50 {
            assert_eq!(call.tick(20), None);
        }
        assert!(call.events.is_empty());
        call.command(MediaCommand::Reconfigure(config(Codec::Pcma)));
        let after = call.tick(20).unwrap();
        let (before, after) = (parse(&before), parse(&after));
        assert_eq!((after.ssrc, after.sequence), (before.ssrc, before.sequence.wrapping_add(1)));
        assert_eq!(after.timestamp.wrapping_sub(before.timestamp), 51 * 160);
        assert!(after.marker);
        call.tick(20);
        assert_eq!(call.events, [MediaEvent::PlayDone(TOKEN)]);
    }
}

#[test]
fn a_new_codec_address_and_packet_time_keep_ssrc_and_sequence() {
    let mut call = Call::new();
    let before = call.tick(20).unwrap();
    let new = addr("192.0.2.99:7000");
    call.command(MediaCommand::Reconfigure(StreamConfig {
        remote: Some(new),
        ptime_ms: 40,
        payload_type_out: 109,
        ..config(Codec::G722)
    }));
    call.command(play(Codec::G722, 400));
    let mut out = [0; SENT_LEN_MAX];
    let (len, to) = call.stream.tick(call.now(), &mut out).unwrap();
    let (before, after) = (parse(&before), parse(&out[..len]));
    assert_eq!(to, new);
    assert_eq!((after.ssrc, after.sequence), (before.ssrc, before.sequence.wrapping_add(1)));
    assert_eq!((after.payload_type, after.payload.len()), (109, 320));
    assert!(!after.marker);
}

// Receiving.

/// Each packet is a steady level of its own, so that its place in the recording can be checked.
fn levels(n: u16) -> Vec<i16> {
    vec![1000 + (n as i16 % 20) * 1000; 160]
}

#[test]
fn whatever_is_lost_swapped_or_doubled_a_recording_keeps_its_length_and_everything_its_place() {
    for (seed, loss_percent, swap_percent, double_percent) in
        [(1, 0, 0, 0), (2, 1, 0, 0), (3, 10, 0, 0), (4, 0, 20, 0), (5, 0, 0, 30), (6, 10, 20, 10), (7, 40, 30, 30)]
    {
        let mut random = Random::for_testing(seed);
        let mut chance = |percent: u32| random.u32() % 100 < percent;
        let mut call = Call::new();
        call.record(limits());
        let total = 500u16;
        let mut lost = Vec::new();
        let mut delayed: Option<Vec<u8>> = None;
        for n in 0..total {
            let payload = codec::encode(Codec::Pcma, 8000, &levels(n)).bytes;
            let packet = call.next_audio(&payload);
            // The first and last are kept, as nothing could tell of their loss.
            let ends = n == 0 || n + 1 == total;
            if !ends && chance(loss_percent) {
                lost.push(n);
            } else if !ends && delayed.is_none() && chance(swap_percent) {
                delayed = Some(packet);
                call.tick(20);
                continue;
            } else {
                call.receive(&packet);
                if chance(double_percent) {
                    call.receive(&packet);
                }
            }
            if let Some(late) = delayed.take() {
                call.receive(&late);
            }
            call.tick(20);
        }
        call.command(MediaCommand::StopRecord);
        call.fetch();
        let (duration_ms, stop) = call.record_done().unwrap();
        assert_eq!(stop, RecordStop::Commanded);
        assert_eq!(duration_ms, call.recorded_ms());
        assert_eq!(duration_ms, u64::from(total) * 20, "seed {seed}");
        for n in 0..total {
            let heard = call.recorded[usize::from(n) * 160 + 80];
            let spoken = levels(n)[0];
            let close = if lost.contains(&n) { heard == 0 } else { (heard - spoken).abs() < spoken / 16 };
            assert!(close, "seed {seed}, packet {n}: {spoken} became {heard}");
        }
    }
}

#[test]
fn a_lost_packet_at_the_end_costs_no_more_than_itself() {
    let mut call = Call::new();
    call.record(limits());
    call.hear(&call.speech(1000));
    call.next_audio(&[0xD5; 160]);
    call.tick(20);
    call.key_event('#', 100, &[]);
    assert_eq!(call.record_done(), Some((1000, RecordStop::Key(Digit::HASH))));
}

#[test]
fn g722_and_a_change_of_codec_are_recorded_at_one_rate() {
    let mut call = Call::with(config(Codec::G722), options());
    call.record(limits());
    call.hear(&call.speech(500));
    for _ in 0..25 {
        let mut packet = call.next_audio(&[0x55; 160]);
        packet[1] = Codec::Pcma.payload_type();
        call.receive(&packet);
        call.tick(20);
    }
    call.stream.close(call.now());
    call.fetch();
    assert_eq!(call.record_done(), Some((1000, RecordStop::Commanded)));
    assert_eq!(call.recorded.len(), 16_000);
}

#[test]
fn silence_that_the_peer_does_not_send_is_filled_in() {
    let mut call = Call::new();
    call.record(limits());
    call.hear(&call.speech(400));
    call.run(3_000);
    call.hear(&call.speech(400));
    call.command(MediaCommand::StopRecord);
    call.fetch();
    assert_eq!(call.record_done(), Some((3_800, RecordStop::Commanded)));
    assert!(call.recorded[8 * 500..8 * 3_300].iter().all(|s| *s == 0));
}

#[test]
fn a_hostile_jump_of_timestamps_makes_no_more_silence_than_time_has_passed() {
    for jump in [0x7FFF_0000u32, 80_000, 0x8000_0001, 0xFFFF_0000, 0xFFFF_FF60] {
        let mut call = Call::new();
        call.record(limits());
        for _ in 0..50 {
            call.hear(&call.speech(20));
            call.timestamp = call.timestamp.wrapping_add(jump);
        }
        call.command(MediaCommand::StopRecord);
        call.fetch();
        let (duration_ms, _) = call.record_done().unwrap();
        assert!((1_000..=1_300).contains(&duration_ms), "{jump:#x}: {duration_ms}");
    }
}

#[test]
fn a_sender_that_begins_anew_goes_on_in_the_same_recording() {
    let mut call = Call::new();
    call.record(limits());
    call.hear(&call.speech(500));
    (call.ssrc, call.sequence, call.timestamp) = (99, 5, 12_345);
    call.hear(&call.speech(500));
    call.command(MediaCommand::StopRecord);
    call.fetch();
    assert_eq!(call.record_done(), Some((1_000, RecordStop::Commanded)), "the first of the new ones became silence");
    assert_eq!(call.stream.dropped().stray, 1);
}

#[test]
fn a_second_recording_loses_nothing_after_the_sequence_went_round_unheard() {
    let mut call = Call::with(config(Codec::Pcma), StreamOptions { inband: Inband::Off, ..options() });
    call.record(limits());
    call.hear(&call.speech(200));
    call.command(MediaCommand::StopRecord);
    for _ in 0..65_500 {
        let packet = call.next_audio(&[0x55; 160]);
        call.receive(&packet);
        call.ms += 20;
    }
    call.fetch();
    call.events.clear();
    call.recorded.clear();
    call.record(limits());
    call.hear(&call.speech(1_000));
    call.command(MediaCommand::StopRecord);
    call.fetch();
    assert_eq!(call.record_done(), Some((1_000, RecordStop::Commanded)));
}

#[test]
fn a_recording_ends_after_silence_in_a_row_but_not_at_a_pause() {
    let mut call = Call::new();
    call.record(RecordLimits { silence_ms: 2_000, ..limits() });
    call.hear(&call.speech(1_000));
    call.hear(&call.silence(1_500));
    call.hear(&call.speech(1_000));
    assert_eq!(call.record_done(), None);
    call.hear(&call.silence(2_500));
    let (duration_ms, stop) = call.record_done().unwrap();
    assert_eq!(stop, RecordStop::Silence);
    assert!((5_400..=5_600).contains(&duration_ms), "{duration_ms}");
}

#[test]
fn no_packets_at_all_are_silence_too() {
    let mut call = Call::new();
    call.record(RecordLimits { silence_ms: 2_000, ..limits() });
    call.run(1_980);
    assert_eq!(call.record_done(), None);
    call.run(60);
    assert_eq!(call.record_done(), Some((0, RecordStop::Silence)));

    let mut call = Call::new();
    call.record(RecordLimits { silence_ms: 2_000, ..limits() });
    call.hear(&call.speech(1_000));
    call.run(2_100);
    assert_eq!(call.record_done().unwrap().1, RecordStop::Silence);
}

#[test]
fn a_recording_ends_at_its_limit_to_the_millisecond_with_a_warning_before() {
    let mut call = Call::new();
    let limits = RecordLimits { max_ms: 2_010, warn_ms: 1_000, ..limits() };
    let warning = Some(clip(Codec::Pcma, 0x77, 20));
    call.command(MediaCommand::Record { token: TOKEN, limits, warning });
    let mut warned_at = Vec::new();
    for _ in 0..150 {
        let packet = call.next_audio(&[0x55; 160]);
        call.receive(&packet);
        let at = call.ms;
        if parse(&call.tick(20).unwrap()).payload[0] == 0x77 {
            warned_at.push(at);
        }
    }
    assert_eq!(warned_at.len(), 1);
    assert!((980..=1_020).contains(&warned_at[0]), "{warned_at:?}");
    assert_eq!(call.record_done(), Some((2_010, RecordStop::Limit)));
    assert_eq!(call.recorded_ms(), 2_010);
}

#[test]
fn the_limit_holds_when_no_packets_come() {
    let mut call = Call::new();
    call.record(RecordLimits { max_ms: 5_000, ..limits() });
    call.run(5_100);
    assert_eq!(call.record_done(), Some((0, RecordStop::Limit)));
}

#[test]
fn a_stop_key_ends_the_recording_and_is_no_digit_while_others_are() {
    let mut call = Call::new();
    call.record(limits());
    call.hear(&call.speech(500));
    call.key_event('3', 100, &[]);
    call.hear(&call.speech(500));
    call.key_event('#', 100, &[]);
    assert_eq!(call.digits(), "3");
    assert_eq!(call.record_done(), Some((1_100, RecordStop::Key(Digit::HASH))));
    call.key_info('#');
    assert_eq!(call.digits(), "3", "the INFO of the same press");
    call.run(1_000);
    call.key_event('#', 100, &[]);
    assert_eq!(call.digits(), "3#", "nothing records any more");
}

#[test]
fn the_tone_of_a_stop_key_is_cut_off() {
    for codec in Codec::ALL {
        let mut call = Call::with(config(codec), options());
        call.record(limits());
        call.hear(&call.silence(1_000));
        call.key_tone('#', 200);
        let (duration_ms, stop) = call.record_done().unwrap();
        assert_eq!(stop, RecordStop::Key(Digit::HASH));
        assert!((940..=1_010).contains(&duration_ms), "{codec}: {duration_ms}");
        let loud = call.recorded.iter().filter(|s| s.abs() > 500).count();
        assert!(loud <= call.codec.sample_rate_hz() as usize / 100, "{codec}: {loud} samples of tone are left");
        assert_eq!(call.digits(), "");
    }
}

#[test]
fn the_last_samples_can_be_fetched_before_the_event_that_ends_the_recording() {
    let mut call = Call::new();
    call.record(limits());
    call.hear(&call.speech(330));
    call.events.clear();
    call.stream.command(call.now(), MediaCommand::StopRecord);
    assert!(matches!(call.stream.poll_event(), Some(MediaEvent::RecordDone { duration_ms: 330, .. })));
    call.fetch();
    assert_eq!(call.recorded_ms(), 330);
}

#[test]
fn nobody_fetching_costs_audio_and_digits_but_no_memory() {
    let mut call = Call::new();
    call.record(limits());
    let mut out = [0; SENT_LEN_MAX];
    for n in 0..2_000u64 {
        let packet = call.next_audio(&[0x55; 160]);
        call.stream.rtp_received(call.now(), call.from, &packet);
        call.stream.command(call.now(), MediaCommand::InfoDigit { digit: digit('1'), duration_ms: n as u32 });
        call.stream.tick(call.now(), &mut out);
        call.ms += 20;
    }
    let report = call.stream.close(call.now());
    let pieces = std::iter::from_fn(|| call.stream.poll_recorded()).count();
    let events = std::iter::from_fn(|| call.stream.poll_event()).count();
    assert_eq!((pieces, events), (super::super::recorder::RECORDED_MAX, listener::DIGITS_MAX + 1));
    assert!(report.unfetched > 1_900, "{}", report.unfetched);
}

// Digits.

#[test]
fn digits_by_events_alone_survive_loss() {
    for lost in [&[][..], &[0, 1, 2], &[5, 6, 7], &[4, 5, 6], &[0, 2, 4, 6], &[0, 1, 2, 3, 4, 5, 6]] {
        let mut call = Call::new();
        for key in "1*#0".chars() {
            call.key_event(key, 100, lost);
            call.hear(&call.silence(100));
        }
        assert_eq!(call.digits(), "1*#0", "lost {lost:?}");
    }
}

#[test]
fn digits_by_info_alone() {
    let mut call = Call::new();
    for key in "12#".chars() {
        call.key_info(key);
        call.run(300);
    }
    assert_eq!(call.digits(), "12#");
}

#[test]
fn digits_by_tones_alone_in_every_codec() {
    for codec in Codec::ALL {
        for event_type in [None, Some(EVENT_TYPE)] {
            let mut call = Call::with(StreamConfig { event_type, ..config(codec) }, options());
            for key in "159D*0#".chars() {
                call.key_tone(key, 80);
                call.hear(&call.silence(80));
            }
            assert_eq!(call.digits(), "159D*0#", "{codec}");
        }
    }
}

#[test]
fn a_packet_lost_within_a_tone_makes_no_second_press() {
    let mut call = Call::new();
    let tone = codec::encode(Codec::Pcma, 8000, &tone_gen::dtmf(digit('8'), 300, 8000)).bytes;
    for (n, payload) in tone.chunks(160).enumerate() {
        let packet = call.next_audio(payload);
        if n != 6 {
            call.receive(&packet);
        }
        call.tick(20);
    }
    call.hear(&call.silence(300));
    assert_eq!(call.digits(), "8");
}

#[test]
fn all_three_ways_at_once_are_one_press_each() {
    let mut call = Call::with(config(Codec::Pcma), StreamOptions { inband: Inband::Always, ..options() });
    for key in "1122#".chars() {
        // The tone is heard too, before and while the events come.
        call.key_tone(key, 100);
        call.key_event(key, 100, &[]);
        call.hear(&call.silence(60));
        call.key_info(key);
        call.hear(&call.silence(100));
    }
    assert_eq!(call.digits(), "1122#");
}

#[test]
fn a_long_press_is_one_digit_and_two_quick_ones_are_two() {
    let mut call = Call::new();
    call.key_event('5', 4_000, &[]);
    call.key_info('5');
    call.run(1_000);
    assert_eq!(call.digits(), "5");
    call.key_event('6', 60, &[]);
    call.hear(&call.silence(60));
    call.key_event('6', 60, &[]);
    assert_eq!(call.digits(), "566");
}

#[test]
fn a_digit_is_told_with_its_first_packet() {
    let mut call = Call::new();
    let packet = call.packet(true, EVENT_TYPE, 0, &[5, 0x0A, 0, 160]);
    call.receive(&packet);
    call.fetch();
    assert_eq!(call.digits(), "5");
}

#[test]
fn tones_are_not_listened_to_once_events_came_or_when_switched_off() {
    let mut call = Call::new();
    call.key_event('1', 100, &[]);
    call.run(1_000);
    call.key_tone('2', 100);
    assert_eq!(call.digits(), "1");
    let mut call = Call::with(config(Codec::Pcma), StreamOptions { inband: Inband::Off, ..options() });
    call.key_tone('2', 100);
    assert_eq!(call.digits(), "");
}

// Who may speak.

#[test]
fn an_attacker_is_neither_recorded_nor_obeyed_nor_sent_to() {
    let mut call = Call::new();
    call.record(limits());
    let mut attacker = Call::new();
    attacker.ssrc = 666;
    for n in 0..100 {
        let audio = attacker.next_audio(&[0x2A; 160]);
        let press = attacker.packet(true, EVENT_TYPE, n * 8_000, &[9, 0x8A, 3, 0x20]);
        for packet in [audio, press] {
            call.stream.rtp_received(call.now(), addr(OTHER), &packet);
        }
        let speech = call.speech(20);
        call.hear(&speech);
        let mut out = [0; SENT_LEN_MAX];
        call.ms += 20;
        assert_eq!(call.stream.tick(call.now(), &mut out).unwrap().1, addr(PEER));
        call.timestamp = call.timestamp.wrapping_add(160);
    }
    call.command(MediaCommand::StopRecord);
    call.fetch();
    assert_eq!(call.digits(), "");
    assert_eq!(call.stream.dropped().foreign, 200);
    assert_eq!(call.stream.stats().received, 100);
    assert!(call.recorded.iter().all(|s| s.abs() < 8_000), "the attacker's packets are louder");
}

#[test]
fn a_caller_behind_a_nat_is_sent_to_where_they_are() {
    let mut call = Call::new();
    call.from = addr(OTHER);
    call.hear(&call.speech(60));
    assert_eq!(call.stream.dropped().foreign, 3);
    call.hear(&call.speech(20));
    assert_eq!(call.events, [MediaEvent::Locked { remote: addr(OTHER), at: Mono::from_millis(60) }]);
    let mut out = [0; SENT_LEN_MAX];
    assert_eq!(call.stream.tick(call.now(), &mut out).unwrap().1, addr(OTHER));
}

#[test]
fn payload_types_that_were_not_negotiated_are_dropped_and_lock_nothing() {
    let mut call = Call::new();
    for _ in 0..10 {
        let mut packet = call.next_audio(&[0; 160]);
        packet[1] = 96;
        call.receive(&packet);
    }
    call.fetch();
    assert_eq!(call.stream.dropped().payload_type, 10);
    assert!(call.events.is_empty());
}

#[test]
fn media_is_lost_after_its_time_from_the_answer_on_and_comes_back() {
    let mut call = Call::with(config(Codec::Pcma), StreamOptions { media_timeout_ms: 5_000, ..options() });
    call.run(5_000);
    assert_eq!(call.events, []);
    call.run(5_000);
    assert_eq!(call.events, [MediaEvent::MediaLost]);
    call.hear(&call.speech(20));
    assert_eq!(
        call.events[1..],
        [MediaEvent::Locked { remote: addr(PEER), at: Mono::from_millis(10_000) }, MediaEvent::MediaBack]
    );
}

#[test]
fn nobody_is_missed_on_hold() {
    let mut call = Call::with(config(Codec::Pcma), StreamOptions { media_timeout_ms: 5_000, ..options() });
    call.run(4_000);
    call.command(MediaCommand::Reconfigure(StreamConfig { send: false, ..config(Codec::Pcma) }));
    call.run(60_000);
    call.command(MediaCommand::Reconfigure(config(Codec::Pcma)));
    call.run(4_900);
    assert_eq!(call.events, []);
    call.run(200);
    assert_eq!(call.events, [MediaEvent::MediaLost]);
}

#[test]
fn packets_cut_at_every_byte_and_seeded_mutations_never_panic() {
    let mut random = Random::for_testing(9);
    let mut call = Call::with(config(Codec::G722), StreamOptions { inband: Inband::Always, ..options() });
    call.record(limits());
    let audio = call.next_audio(&[0x55; 160]);
    let event = call.packet(true, EVENT_TYPE, 7, &[5, 0x0A, 0, 160]);
    let mut extended =
        vec![0xB2, 9, 0, 7, 0, 0, 0, 160, 0, 0, 0, 9, 1, 1, 1, 1, 2, 2, 2, 2, 0xBE, 0xDE, 0, 1, 5, 5, 5, 5];
    extended.extend([0xD5, 0xD4, 0, 0, 3]);
    let mut report = [0; COMPOUND_LEN_MAX];
    let written = Compound { ssrc: 7, sender: None, block: None, cname: "x", bye: true }.write(&mut report).unwrap();
    for packet in [&audio[..], &event, &extended, &report[..written]] {
        for len in 0..=packet.len() {
            call.receive(&packet[..len]);
            call.stream.rtcp_received(call.now(), call.from, &packet[..len]);
        }
        for _ in 0..10_000 {
            let mut bytes = packet.to_vec();
            for _ in 0..1 + random.u32() % 6 {
                let at = random.u32() as usize % bytes.len().min(40);
                bytes[at] = random.u32() as u8;
            }
            bytes.truncate(1 + random.u32() as usize % bytes.len());
            call.receive(&bytes);
            call.stream.rtcp_received(call.now(), call.from, &bytes);
            if random.u32().is_multiple_of(8) {
                call.tick(u64::from(random.u32() % 40));
            }
        }
    }
    let elapsed_ms = call.ms;
    let report = call.stream.close(call.now());
    call.fetch();
    assert!(report.dropped > 1_000);
    assert!(call.recorded_ms() <= elapsed_ms + 40_000 * 200, "bounded by what came in");
}

// RTCP and the end.

fn wall(ms: u64) -> Now {
    let wall = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    Now { mono: Mono(0), wall }.after(Duration::from_millis(ms))
}

#[test]
fn reports_go_out_and_what_the_peer_reports_is_kept() {
    let mut call = Call::new();
    let mut reports = Vec::new();
    let mut out = [0; COMPOUND_LEN_MAX];
    for n in 0..1_000u32 {
        let packet = call.next_audio(&[0x55; 160]);
        if n % 10 != 5 {
            call.receive(&packet);
        }
        call.tick(20);
        if let Some((len, to)) = call.stream.poll_rtcp(wall(call.ms), &mut out) {
            assert_eq!(to, addr("192.0.2.7:4001"));
            let mut said = Vec::new();
            assert!(super::super::rtcp::read(&out[..len], |r| said.push(r)));
            reports.push((call.ms, said));
        }
    }
    assert!((3..=10).contains(&reports.len()), "{}", reports.len());
    let (at, said) = reports.last().unwrap();
    let [Report::Sender { ssrc, info }, Report::About(block)] = said[..] else { panic!("{said:?}") };
    assert_eq!(u64::from(info.packets), at / 20);
    assert_eq!(info.octets, info.packets * 160);
    assert_eq!(block.figures.ssrc, 7);
    let expected = block.figures.highest - 65_530 + 1;
    assert_eq!(block.figures.lost as u32, (expected + 4) / 10, "each tenth, from the sixth on");

    let about_us = Block { figures: super::super::reception::Figures { ssrc, lost: 3, ..block.figures }, ..block };
    let answer = Compound { ssrc: 7, sender: None, block: Some(about_us), cname: "p", bye: false };
    let len = answer.write(&mut out).unwrap();
    call.stream.rtcp_received(call.now(), addr(OTHER), &out[..len]);
    assert_eq!(call.stream.control.peer(), None, "a stranger says so");
    call.stream.rtcp_received(call.now(), addr("192.0.2.7:9999"), &out[..len]);

    let report = call.stream.close(call.now());
    assert_eq!((report.stats.sent, report.stats.received, report.stats.lost), (1_000, 900, 100));
    assert_eq!(report.stats.jitter_ms, 0.0);
    assert!((1.0..3.0).contains(&report.stats.mos.unwrap()), "{report:?}");
    assert_eq!(report.peer.unwrap().lost, 3);
    let (len, to) = call.stream.poll_rtcp(wall(call.ms), &mut out).unwrap();
    assert_eq!(to, addr("192.0.2.7:9999"), "where the peer's came from");
    assert_eq!(out[len - 8..len - 6], [0x81, 203]);
    assert_eq!(call.stream.poll_rtcp(wall(call.ms + 60_000), &mut out), None);
    assert_eq!(call.tick(20), None);
}

#[test]
fn a_stream_that_heard_nothing_has_no_score() {
    let mut call = Call::new();
    call.run(100);
    let report = call.stream.close(call.now());
    assert_eq!((report.stats.mos, report.stats.sent, report.dropped), (None, 5, 0));
}
