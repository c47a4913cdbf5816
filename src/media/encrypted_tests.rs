//! A stream whose audio is encrypted, in virtual time, with a peer who has the key and others who have not.

use std::net::SocketAddr;

use chrono::DateTime;

use super::io::{DigitSource, MediaCommand, MediaEvent, MediaToken, RecordLimits, StreamConfig, StreamOptions};
use super::rtcp::{self, COMPOUND_LEN_MAX};
use super::rtp::{Header, Packet, SENT_LEN_MAX};
use super::srtp::{Srtp, TRAILER_MAX};
use super::stream::MediaStream;
use crate::types::{Codec, Digit, KeySeed, Mono, Now, Random, SrtpKey, SrtpKeys, SrtpSuite};

const EVENT_TYPE: u8 = 101;

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn peer() -> SocketAddr {
    addr("192.0.2.7:4000")
}

fn key(n: u64) -> SrtpKey {
    KeySeed::new(&mut Random::for_testing(n)).key(SrtpSuite::Aes128CmSha1_80)
}

fn config(keys: Option<SrtpKeys>) -> StreamConfig {
    StreamConfig {
        codec: Codec::Pcma,
        payload_type_out: 8,
        payload_types_in: vec![(8, Codec::Pcma)],
        event_type: Some(EVENT_TYPE),
        ptime_ms: 20,
        remote: Some(peer()),
        remote_rtcp: Some(addr("192.0.2.7:4001")),
        send: true,
        receive: true,
        srtp: keys.map(Box::new),
        ice: None,
        rtcp_mux: false,
    }
}

fn stream(keys: Option<SrtpKeys>) -> MediaStream {
    let options = StreamOptions { media_timeout_ms: 5_000, ..StreamOptions::default() };
    MediaStream::new(Mono(0), config(keys), options, &mut Random::for_testing(9))
}

fn keys(ours: u64, theirs: u64) -> SrtpKeys {
    SrtpKeys { ours: key(ours), theirs: key(theirs), savp: true }
}

/// The desk's stream with keys 1 and 2, and its peer.
fn ends() -> (MediaStream, Srtp) {
    (stream(Some(keys(1, 2))), Srtp::new(&keys(2, 1)))
}

fn plain(payload_type: u8, sequence: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; 12 + payload.len()];
    Header { marker: false, payload_type, sequence, timestamp, ssrc: 7 }.write(&mut packet).unwrap();
    packet[12..].copy_from_slice(payload);
    packet
}

fn sealed(by: &mut Srtp, plain: &[u8]) -> Vec<u8> {
    let mut out = plain.to_vec();
    out.resize(plain.len() + TRAILER_MAX, 0);
    let len = by.seal(&mut out, plain.len()).unwrap();
    out.truncate(len);
    out
}

fn audio(by: &mut Srtp, n: u16) -> Vec<u8> {
    sealed(by, &plain(8, n, u32::from(n) * 160, &[0x2A; 160]))
}

fn events(stream: &mut MediaStream) -> Vec<MediaEvent> {
    std::iter::from_fn(|| stream.poll_event()).collect()
}

#[test]
fn what_is_sent_is_encrypted_and_what_comes_is_heard() {
    let (mut stream, mut there) = ends();
    let limits = RecordLimits { max_ms: 600_000, silence_ms: 0, warn_ms: 0, stop_keys: vec![] };
    stream.command(Mono(0), MediaCommand::Record { token: MediaToken(1), limits, warning: None });
    for n in 0..100u16 {
        let now = Mono::from_millis(u64::from(n) * 20);
        stream.rtp_received(now, peer(), &audio(&mut there, n));
        let mut out = [0; SENT_LEN_MAX];
        let (len, to) = stream.tick(now, &mut out).unwrap();
        assert_eq!((len, to), (172 + 10, peer()));
        let heard = Packet::parse(there.open(&out[..len]).unwrap()).unwrap().payload.to_vec();
        assert_eq!(heard, [0xD5; 160], "silence");
        assert_ne!(out[12..172], [0xD5; 160]);
    }
    let press = plain(EVENT_TYPE, 100, 16_000, &[5, 10, 0, 160]);
    stream.rtp_received(Mono::from_millis(2_000), peer(), &sealed(&mut there, &press));
    let pressed = MediaEvent::Digit { digit: Digit::from_char('5').unwrap(), source: DigitSource::Rfc4733 };
    assert!(events(&mut stream).contains(&pressed));
    let report = stream.close(Mono::from_millis(2_000));
    assert_eq!((report.stats.received, report.dropped), (101, 0));
    let recorded: usize = std::iter::from_fn(|| stream.poll_recorded()).map(|piece| piece.samples.len()).sum();
    assert!(recorded >= 8_000 * 2, "{recorded}");
}

#[test]
fn reports_are_encrypted_both_ways() {
    let (mut stream, mut there) = ends();
    stream.rtp_received(Mono(0), peer(), &audio(&mut there, 1));
    let wall = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let mut out = [0; COMPOUND_LEN_MAX];
    let at = |ms| Now { mono: Mono::from_millis(ms), wall };
    let sent = (0..400).find_map(|n| {
        stream.tick(at(n * 20).mono, &mut [0; SENT_LEN_MAX]);
        stream.poll_rtcp(at(n * 20), &mut out)
    });
    let (len, to) = sent.expect("a report");
    assert_eq!(to, addr("192.0.2.7:4001"));
    assert!(!rtcp::read(&out[8..len], |_| ()));
    let opened = there.open_rtcp(&out[..len]).unwrap().to_vec();
    assert!(rtcp::read(&opened, |_| ()));
    // In the clear it is not believed, nor twice.
    let mut back = opened.clone();
    stream.rtcp_received(at(8_000).mono, to, &back);
    assert_eq!(stream.dropped().forged, 1);
    back.resize(opened.len() + TRAILER_MAX, 0);
    let len = there.seal_rtcp(&mut back, opened.len()).unwrap();
    stream.rtcp_received(at(8_000).mono, to, &back[..len]);
    stream.rtcp_received(at(8_000).mono, to, &back[..len]);
    assert_eq!((stream.dropped().total(), stream.dropped().replayed), (2, 1));
}

#[test]
fn forged_and_replayed_packets_move_nothing_and_the_watchdog_hears_silence() {
    let (mut stream, mut there) = ends();
    let real = audio(&mut there, 1);
    let mut forger = Srtp::new(&keys(3, 1));
    for n in 0..200u16 {
        let now = Mono::from_millis(u64::from(n) * 20);
        for from in [peer(), addr("198.51.100.66:5555")] {
            stream.rtp_received(now, from, &audio(&mut forger, 2 * n + u16::from(from == peer())));
            stream.rtp_received(now, from, &plain(8, n, 0, &[0x55; 160]));
            stream.rtp_received(now, from, &real[..usize::from(n) % real.len()]);
        }
        let (_, to) = stream.tick(now, &mut [0; SENT_LEN_MAX]).unwrap();
        assert_eq!(to, peer());
    }
    assert_eq!(events(&mut stream), []);
    let dropped = stream.dropped();
    assert!(dropped.forged >= 800 && dropped.foreign == 0 && dropped.total() == 1_200, "{dropped:?}");
    stream.tick(Mono::from_millis(5_000), &mut [0; SENT_LEN_MAX]);
    assert_eq!(events(&mut stream), [MediaEvent::MediaLost]);
    let now = Mono::from_millis(5_020);
    stream.rtp_received(now, peer(), &real);
    assert_eq!(events(&mut stream), [MediaEvent::Locked { remote: peer(), at: now }, MediaEvent::MediaBack]);
    // Replayed from elsewhere, when the peer fell silent.
    for n in 0..300 {
        stream.rtp_received(Mono::from_millis(9_000 + n * 20), addr("198.51.100.66:5555"), &real);
    }
    assert_eq!(stream.dropped().replayed, 300);
    let (_, to) = stream.tick(Mono::from_millis(15_000), &mut [0; SENT_LEN_MAX]).unwrap();
    assert_eq!(to, peer());
}

#[test]
fn others_are_turned_away_unopened_while_the_peer_is_heard() {
    let (mut stream, mut there) = ends();
    stream.rtp_received(Mono(0), peer(), &audio(&mut there, 1));
    for n in 2..50 {
        stream.rtp_received(Mono::from_millis(100), addr("198.51.100.66:5555"), &audio(&mut there, n));
    }
    assert_eq!((stream.dropped().foreign, stream.dropped().total()), (48, 48));
}

#[test]
fn a_new_key_from_another_offer_is_used_and_the_audio_goes_on() {
    let (mut stream, mut there) = ends();
    let now = Mono(0);
    stream.rtp_received(now, peer(), &audio(&mut there, 1));
    let old = audio(&mut there, 2);
    stream.command(now, MediaCommand::Reconfigure(config(Some(keys(4, 5)))));
    stream.rtp_received(now, peer(), &old);
    assert_eq!(stream.dropped().forged, 1);
    let mut there = Srtp::new(&keys(5, 4));
    stream.rtp_received(now, peer(), &audio(&mut there, 3));
    let mut out = [0; SENT_LEN_MAX];
    let (len, _) = stream.tick(now, &mut out).unwrap();
    assert!(there.open(&out[..len]).is_ok());
    assert_eq!(stream.stats().received, 2);
    stream.command(now, MediaCommand::Reconfigure(config(None)));
    stream.rtp_received(now, peer(), &plain(8, 4, 640, &[0x2A; 160]));
    let (len, _) = stream.tick(Mono::from_millis(20), &mut out).unwrap();
    assert_eq!((len, stream.stats().received), (172, 3));
}

#[test]
fn of_two_bridged_each_hears_in_the_way_that_it_agreed_on() {
    let (mut one, mut there) = ends();
    let mut other = stream(None);
    one.bridge(true);
    other.bridge(true);
    let (now, mut out) = (Mono(0), [0; 1500]);
    for n in 1..50 {
        one.rtp_received(now, peer(), &audio(&mut there, n));
        let relayed = one.poll_relayed().unwrap();
        let (len, _) = other.relay(now, &relayed, &mut out).unwrap();
        assert_eq!(Packet::parse(&out[..len]).unwrap().payload, [0x2A; 160]);
        one.give_back(relayed);
        other.rtp_received(now, peer(), &plain(8, n, u32::from(n) * 160, &[0x33; 160]));
        let relayed = other.poll_relayed().unwrap();
        let (len, _) = one.relay(now, &relayed, &mut out).unwrap();
        assert_eq!(Packet::parse(there.open(&out[..len]).unwrap()).unwrap().payload, [0x33; 160]);
        other.give_back(relayed);
    }
}
