//! Both ends of an encrypted stream, and whoever meddles between them.

use proptest::prelude::*;

use super::*;
use crate::media::rtp::{Header, Packet};
use crate::types::{KeySeed, Random, SrtpSuite};

fn key(suite: SrtpSuite, n: u64) -> SrtpKey {
    KeySeed::new(&mut Random::for_testing(n)).key(suite)
}

/// Two ends that know each other's keys.
fn ends(suite: SrtpSuite) -> (Srtp, Srtp) {
    let (a, b) = (key(suite, 1), key(suite, 2));
    let keys = |ours: &SrtpKey, theirs: &SrtpKey| SrtpKeys { ours: ours.clone(), theirs: theirs.clone(), savp: true };
    (Srtp::new(&keys(&a, &b)), Srtp::new(&keys(&b, &a)))
}

fn plain(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x55; 172];
    Header { marker: false, payload_type: 8, sequence, timestamp: 160, ssrc }.write(&mut packet).unwrap();
    packet
}

fn sealed(by: &mut Srtp, ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut out = plain(ssrc, sequence);
    let len = out.len();
    out.resize(len + TRAILER_MAX, 0);
    let len = by.seal(&mut out, len).unwrap();
    out.truncate(len);
    out
}

/// A receiver report.
fn sealed_rtcp(by: &mut Srtp, ssrc: u32) -> Vec<u8> {
    let mut out = vec![0x80, 201, 0, 1, 0, 0, 0, 0, 0xAA, 0xBB, 0xCC, 0xDD];
    out[4..8].copy_from_slice(&ssrc.to_be_bytes());
    let len = out.len();
    out.resize(len + TRAILER_MAX, 0);
    let len = by.seal_rtcp(&mut out, len).unwrap();
    out.truncate(len);
    out
}

#[test]
fn what_one_end_seals_the_other_opens_and_nobody_reads_between() {
    for suite in SrtpSuite::ALL {
        let (mut a, mut b) = ends(suite);
        for sequence in 1..=3 {
            let sealed = sealed(&mut a, 7, sequence);
            assert!(!sealed[12..].windows(4).any(|w| w == [0x55; 4]), "{suite}");
            assert_eq!(b.open(&sealed), Ok(&plain(7, sequence)[..]), "{suite}");
            let report = sealed_rtcp(&mut a, 7);
            assert!(b.open_rtcp(&report).unwrap().ends_with(&[0xAA, 0xBB, 0xCC, 0xDD]), "{suite}");
            assert_eq!(b.open_rtcp(&report), Err(Fault::Replayed), "{suite}");
        }
    }
}

#[test]
fn a_packet_is_opened_once_and_a_late_one_still() {
    let (mut a, mut b) = ends(SrtpSuite::Aes128CmSha1_80);
    let packets: Vec<_> = (1..=200).map(|n| sealed(&mut a, 7, n)).collect();
    assert!(b.open(&packets[0]).is_ok());
    assert!(b.open(&packets[5]).is_ok());
    assert!(b.open(&packets[3]).is_ok());
    assert_eq!(b.open(&packets[3]), Err(Fault::Replayed));
    assert!(b.open(&packets[199]).is_ok());
    assert_eq!(b.open(&packets[10]), Err(Fault::Replayed), "too late to tell whether it came");
}

#[test]
fn the_numbers_may_wrap_and_packets_be_lost_and_changed_in_order_around_it() {
    for suite in SrtpSuite::ALL {
        let (mut a, mut b) = ends(suite);
        let numbers = (0..70_000u32).map(|n| 60_000 + n).filter(|n| n % 7 != 0 || *n == 65_536);
        for n in numbers {
            let packet = sealed(&mut a, 7, n as u16);
            assert!(b.open(&packet).is_ok(), "{suite} {n}");
        }
        let late = sealed(&mut a, 7, (130_000_u32 - 65_536 + 4) as u16);
        assert!(sealed(&mut a, 7, (130_000_u32 - 65_536 + 5) as u16).len() > 172 && b.open(&late).is_ok());
    }
}

#[test]
fn who_misses_the_first_packets_over_a_wrap_still_hears() {
    let (mut a, mut b) = ends(SrtpSuite::Aes128CmSha1_80);
    sealed(&mut a, 7, 65_535);
    let packet = sealed(&mut a, 7, 0);
    assert!(b.open(&packet).is_ok());
}

#[test]
fn no_number_is_sealed_twice_with_one_key() {
    let (mut a, _) = ends(SrtpSuite::Aead128Gcm);
    sealed(&mut a, 7, 10);
    let mut out = plain(7, 10);
    out.resize(200, 0);
    assert_eq!(a.seal(&mut out, 172), None);
    assert_eq!(a.seal(&mut [0x80; 100], 100), None, "no room for the tag");
}

#[test]
fn sources_change_and_their_number_has_a_limit_that_forgers_do_not_touch() {
    let (mut a, mut b) = ends(SrtpSuite::Aes128CmSha1_80);
    let first = sealed(&mut a, 1, 100);
    assert!(b.open(&first).is_ok());
    for ssrc in 1_000..2_000 {
        let mut forged = first.clone();
        forged[8..12].copy_from_slice(&u32::to_be_bytes(ssrc));
        assert_eq!(b.open(&forged), Err(Fault::Forged));
    }
    assert_eq!(b.opener.rtp_sources.known.len(), 1);
    assert_eq!(b.open(&first), Err(Fault::Replayed));
    for ssrc in 2..20 {
        // Each end that changes its SSRC counts on its numbers.
        let packet = sealed(&mut a, ssrc, 100 + ssrc as u16);
        assert!(b.open(&packet).is_ok());
        assert!(b.opener.rtp_sources.known.len() <= SOURCES_MAX);
    }
}

#[test]
fn forged_packets_do_not_say_which_source_is_forgotten() {
    let (_, mut b) = ends(SrtpSuite::Aes128CmSha1_80);
    let from = |ssrc: u32| sealed(&mut ends(SrtpSuite::Aes128CmSha1_80).0, ssrc, 100);
    let packets: Vec<Vec<u8>> = (1..=5).map(from).collect();
    for packet in &packets[..4] {
        assert!(b.open(packet).is_ok());
    }
    let mut forged = packets[0].clone();
    forged[3] += 1;
    assert_eq!(b.open(&forged), Err(Fault::Forged));
    assert!(b.open(&packets[4]).is_ok());
    for heard in &packets[1..] {
        assert_eq!(b.open(heard), Err(Fault::Replayed));
    }
}

#[test]
fn a_new_key_begins_anew_and_the_same_key_goes_on() {
    let suite = SrtpSuite::Aes128CmSha1_80;
    let (mut a, mut b) = ends(suite);
    let old = sealed(&mut a, 7, 500);
    assert!(b.open(&old).is_ok());
    let same = SrtpKeys { ours: key(suite, 2), theirs: key(suite, 1), savp: false };
    b.rekey(&same);
    assert_eq!(b.open(&old), Err(Fault::Replayed));
    b.rekey(&SrtpKeys { theirs: key(suite, 3), ..same });
    assert_eq!(b.open(&old), Err(Fault::Forged));
    a.rekey(&SrtpKeys { ours: key(suite, 3), theirs: key(suite, 2), savp: false });
    let new = sealed(&mut a, 7, 501);
    assert!(b.open(&new).is_ok());
}

#[test]
fn a_sender_that_goes_on_counting_its_wraps_under_a_new_key_is_understood() {
    let (mut a, mut b) = ends(SrtpSuite::Aes128CmSha1_80);
    for n in (0..=200_000u32).step_by(9_000) {
        let packet = sealed(&mut a, 7, n as u16);
        assert!(b.open(&packet).is_ok());
    }
    let sent = a.sealer.sent.clone();
    let keys = SrtpKeys { ours: key(SrtpSuite::Aes128CmSha1_80, 3), theirs: a.theirs.clone(), savp: true };
    a.rekey(&keys);
    a.sealer.sent = sent;
    b.rekey(&SrtpKeys { theirs: keys.ours, ours: keys.theirs, savp: true });
    let packet = sealed(&mut a, 7, 200_001_u32 as u16);
    assert!(b.open(&packet).is_ok());
}

#[test]
fn reports_without_encryption_are_taken_only_when_they_are_authentic() {
    for suite in SrtpSuite::ALL {
        let (mut a, mut b) = ends(suite);
        let mut bare = vec![0x80, 201, 0, 1, 0, 0, 0, 7];
        match suite {
            SrtpSuite::Aead128Gcm | SrtpSuite::Aead256Gcm => bare.extend([0; 20]),
            _ => bare.extend([0; 14]),
        }
        assert_eq!(b.open_rtcp(&bare), Err(Fault::Forged), "{suite}");
        let sealed = sealed_rtcp(&mut a, 7);
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(b.open_rtcp(&changed).is_err(), "{suite} {bit}");
        }
        assert!(b.open_rtcp(&sealed).is_ok());
    }
}

proptest! {
    #[test]
    fn any_change_is_found_out_and_nothing_panics(
        n in 0usize..6, bit in 0usize..172 * 8, cut in 0usize..190, noise in proptest::collection::vec(any::<u8>(), 0..1600),
    ) {
        let (mut a, mut b) = ends(SrtpSuite::ALL[n]);
        let packet = sealed(&mut a, 7, 9);
        let mut changed = packet.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(b.open(&changed).is_err());
        prop_assert!(cut >= packet.len() || b.open(&packet[..cut]).is_err());
        prop_assert!(b.open(&noise).is_err());
        prop_assert!(b.open_rtcp(&noise).is_err());
        prop_assert!(b.open_rtcp(&packet[..cut.min(packet.len())]).is_err());
        prop_assert!(b.open(&packet).is_ok_and(|plain| Packet::parse(plain).is_ok()));
    }
}
