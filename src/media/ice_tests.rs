//! A stream whose peer proves by checks where it is, in virtual time.

use std::net::SocketAddr;

use chrono::DateTime;

use super::ice::tests::{check_of, is_answer};
use super::io::{MediaCommand, StreamConfig, StreamOptions};
use super::rtcp::COMPOUND_LEN_MAX;
use super::rtp::{Header, SENT_LEN_MAX};
use super::stream::MediaStream;
use crate::types::{Codec, IceCredentials, IceTerms, KeySeed, Mono, Now, Random, Redacted};

const ANNOUNCED: &str = "192.0.2.7:4000";
const BEHIND_NAT: &str = "203.0.113.9:61000";
const ATTACKER: &str = "198.51.100.66:5555";

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn at(ms: u64) -> Mono {
    Mono::from_millis(ms)
}

fn terms(n: u64) -> IceTerms {
    let theirs = IceCredentials { ufrag: format!("them{n}"), pwd: Redacted("abcdefghijklmnopqrstuv".into()) };
    IceTerms { ours: KeySeed::new(&mut Random::for_testing(n)).ice(), theirs }
}

fn config(terms: IceTerms) -> StreamConfig {
    StreamConfig {
        codec: Codec::Pcma,
        payload_type_out: 8,
        payload_types_in: vec![(8, Codec::Pcma)],
        event_type: None,
        ptime_ms: 20,
        remote: Some(addr(ANNOUNCED)),
        remote_rtcp: Some(addr(ANNOUNCED)),
        send: true,
        receive: true,
        srtp: None,
        ice: Some(Box::new(terms)),
        rtcp_mux: true,
    }
}

fn stream() -> MediaStream {
    MediaStream::new(at(0), config(terms(1)), StreamOptions::default(), &mut Random::for_testing(9))
}

fn audio(sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x55; 12 + 160];
    let header = Header { payload_type: 8, sequence, timestamp: u32::from(sequence) * 160, ssrc: 7, marker: false };
    header.write(&mut packet);
    packet
}

/// Where the stream sends to at this time.
fn sends_to(stream: &mut MediaStream, ms: u64) -> Option<SocketAddr> {
    stream.tick(at(ms), &mut [0; SENT_LEN_MAX]).map(|(_, to)| to)
}

/// Checks from there; whether it is answered.
fn checks(stream: &mut MediaStream, ms: u64, from: &str, terms: &IceTerms, nominates: bool) -> bool {
    stream.rtp_received(at(ms), addr(from), &check_of(terms, nominates));
    let answer = stream.poll_answer();
    assert!(answer.as_ref().is_none_or(|(answer, to)| *to == addr(from) && is_answer(answer)));
    answer.is_some()
}

#[test]
fn audio_goes_where_the_peer_nominates_and_comes_from_where_it_checked() {
    let mut stream = stream();
    assert_eq!(sends_to(&mut stream, 0), Some(addr(ANNOUNCED)));
    assert!(checks(&mut stream, 10, BEHIND_NAT, &terms(1), true));
    assert_eq!(sends_to(&mut stream, 20), Some(addr(BEHIND_NAT)));
    for n in 0..10 {
        stream.rtp_received(at(30), addr(BEHIND_NAT), &audio(n));
        stream.rtp_received(at(30), addr(ATTACKER), &audio(n));
    }
    assert_eq!((stream.stats().received, stream.dropped().foreign), (10, 10));
    let now = |ms| Now { mono: at(ms), wall: DateTime::UNIX_EPOCH };
    let mut out = [0; COMPOUND_LEN_MAX];
    assert_eq!(stream.poll_rtcp(now(0), &mut out), None);
    assert_eq!(stream.poll_rtcp(now(10_000), &mut out).map(|(_, to)| to), Some(addr(BEHIND_NAT)));
    assert!(stream.muxes_rtcp());
}

#[test]
fn nobody_moves_the_audio_without_the_password() {
    let mut stream = stream();
    for n in 0..100 {
        assert!(!checks(&mut stream, n, ATTACKER, &terms(2), true));
        stream.rtp_received(at(n), addr(ATTACKER), &audio(n as u16));
    }
    assert_eq!(sends_to(&mut stream, 5_000), Some(addr(ANNOUNCED)));
    assert_eq!((stream.dropped().unproved, stream.dropped().foreign, stream.stats().received), (100, 100, 0));
}

#[test]
fn new_passwords_are_for_new_checks_and_the_audio_goes_on_meanwhile() {
    let mut stream = stream();
    assert!(checks(&mut stream, 10, BEHIND_NAT, &terms(1), true));
    stream.command(at(20), MediaCommand::Reconfigure(config(terms(2))));
    assert_eq!(sends_to(&mut stream, 30), Some(addr(BEHIND_NAT)));
    assert!(!checks(&mut stream, 40, BEHIND_NAT, &terms(1), true));
    assert!(checks(&mut stream, 50, ANNOUNCED, &terms(2), true));
    assert_eq!(sends_to(&mut stream, 60), Some(addr(ANNOUNCED)));
}

#[test]
fn a_peer_that_gives_up_checks_is_where_its_description_says() {
    let mut stream = stream();
    assert!(checks(&mut stream, 10, BEHIND_NAT, &terms(1), true));
    stream.command(at(20), MediaCommand::Reconfigure(StreamConfig { ice: None, ..config(terms(1)) }));
    assert_eq!(sends_to(&mut stream, 30), Some(addr(ANNOUNCED)));
    assert!(!checks(&mut stream, 40, BEHIND_NAT, &terms(1), true));
}

#[test]
fn a_closed_stream_answers_nobody() {
    let mut stream = stream();
    stream.close(at(10));
    assert!(!checks(&mut stream, 20, BEHIND_NAT, &terms(1), true));
}
