//! Offers with keys, and what is answered by each policy.

use super::crypto::{Crypto, Profile};
use super::tests::{local, media_of, with_head};
use super::*;
use crate::types::{KeySeed, Random, SrtpMode, SrtpPolicy, SrtpSuite};

const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const OTHER_KEY: &str = "PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";

fn by(mode: SrtpMode) -> LocalMedia {
    LocalMedia { srtp: LocalSrtp { policy: SrtpPolicy::new(mode), ..local().srtp }, ..local() }
}

fn audio(proto: &str, lines: &[&str]) -> String {
    let crypto: String = lines.iter().map(|line| format!("a=crypto:{line}\n")).collect();
    with_head(&format!("m=audio 4000 {proto} 8\n{crypto}"))
}

fn line(tag: u32, suite: &str, key: &str) -> String {
    format!("{tag} {suite} inline:{key}")
}

const AES: &str = "AES_CM_128_HMAC_SHA1_80";

#[test]
fn an_offer_is_answered_by_the_policy_of_the_call() {
    let keyed = [line(3, AES, KEY)];
    let keyed: Vec<&str> = keyed.iter().map(String::as_str).collect();
    let refused = |proto: &str| Err(SdpError::Transport(proto.to_owned()));
    let none: &[&str] = &[];
    let keyed = keyed.as_slice();
    let cases = [
        (SrtpMode::Off, "RTP/AVP", none, Ok(false)),
        (SrtpMode::Off, "RTP/AVP", keyed, Ok(false)),
        (SrtpMode::Off, "RTP/SAVP", keyed, refused("RTP/SAVP")),
        (SrtpMode::Off, "RTP/SAVPF", keyed, refused("RTP/SAVPF")),
        (SrtpMode::Optional, "RTP/AVP", none, Ok(false)),
        (SrtpMode::Optional, "RTP/AVP", keyed, Ok(true)),
        (SrtpMode::Optional, "RTP/SAVP", keyed, Ok(true)),
        (SrtpMode::Optional, "RTP/SAVPF", keyed, Ok(true)),
        (SrtpMode::Optional, "RTP/SAVP", none, Err(SdpError::Keys)),
        (SrtpMode::Optional, "UDP/TLS/RTP/SAVPF", keyed, refused("UDP/TLS/RTP/SAVPF")),
        (SrtpMode::Required, "RTP/AVP", none, Err(SdpError::Plain)),
        (SrtpMode::Required, "RTP/AVP", keyed, Ok(true)),
        (SrtpMode::Required, "RTP/SAVP", keyed, Ok(true)),
        (SrtpMode::Required, "RTP/SAVP", none, Err(SdpError::Keys)),
    ];
    for (mode, proto, lines, expected) in cases {
        let answered = answer(audio(proto, lines).as_bytes(), &by(mode));
        let is_encrypted = answered.as_ref().map(|a| a.stream.srtp.is_some()).map_err(Clone::clone);
        assert_eq!(is_encrypted, expected, "{mode:?} {proto} {lines:?}");
        match answered {
            Ok(answered) => {
                let text = media_of(&answered);
                assert!(text.starts_with(&format!("m=audio 20000 {proto} 8\n")), "{text}");
                assert_eq!(text.contains("a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:"), expected == Ok(true), "{text}");
                assert!(!text.contains(KEY), "our own key is answered");
            }
            Err(error) => assert_eq!(error.status(), 488),
        }
    }
}

#[test]
fn of_several_lines_one_is_answered_by_our_order_with_its_tag() {
    let gcm = "AAECAwQFBgcICQoLDA0ODwABAgMEBQYHCAkKCw==";
    let lines = [line(1, "AES_CM_128_HMAC_SHA1_32", KEY), line(2, "AEAD_AES_128_GCM", gcm), line(7, AES, KEY)];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let offer = audio("RTP/SAVP", &lines);
    let answered = answer(offer.as_bytes(), &by(SrtpMode::Optional)).unwrap();
    assert_eq!(media_of(&answered).matches("a=crypto:").count(), 1);
    assert!(media_of(&answered).contains("a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:"));
    let mut gcm_first = by(SrtpMode::Optional);
    gcm_first.srtp.policy.suites = vec![SrtpSuite::Aead128Gcm, SrtpSuite::Aes128CmSha1_80];
    let answered = answer(offer.as_bytes(), &gcm_first).unwrap();
    assert!(media_of(&answered).contains("a=crypto:2 AEAD_AES_128_GCM inline:"));
    assert_eq!(answered.stream.srtp.unwrap().theirs.master()[..3], [0, 1, 2]);
}

#[test]
fn lines_that_ask_for_what_we_do_not_do_are_passed_over() {
    let good = [
        line(1, AES, KEY),
        line(999_999_999, "aes_cm_128_hmac_sha1_80", KEY),
        format!("{}|2^31", line(1, AES, KEY)),
        format!("{}|2^20", line(1, AES, KEY)),
        format!("{}|1073741824", line(1, AES, KEY)),
        format!("{} WSH=128", line(1, AES, KEY)),
        format!("{} -NEW_THING=1", line(1, AES, KEY)),
    ];
    for line in &good {
        assert!(Crypto::parse(line).is_some(), "{line}");
    }
    let key = line(1, AES, KEY);
    let bad = [
        String::new(),
        "1".to_owned(),
        "x AES_CM_128_HMAC_SHA1_80 inline:y".to_owned(),
        line(1, "F8_128_HMAC_SHA1_80", KEY),
        line(1, AES, &KEY[1..]),
        line(1, AES, "!!!!"),
        line(1, "AEAD_AES_256_GCM", KEY),
        format!("{AES} inline:{KEY}"),
        format!("1 {AES} outline:{KEY}"),
        format!("1234567890 {AES} inline:{KEY}"),
        format!("{key}|2^31|1:4"),
        format!("{key}|1:4"),
        format!("{key}|2^10"),
        format!("{key}|2^99"),
        format!("{key}|many"),
        format!("{key};inline:{OTHER_KEY}"),
        format!("{key} KDR=1"),
        format!("{key} UNENCRYPTED_SRTP"),
        format!("{key} UNENCRYPTED_SRTCP"),
        format!("{key} UNAUTHENTICATED_SRTP"),
        format!("{key} FEC_ORDER=SRTP_FEC"),
        format!("{key} NEW_THING"),
    ];
    for line in &bad {
        assert_eq!(Crypto::parse(line), None, "{line}");
    }
}

#[test]
fn a_stream_that_is_encrypted_goes_before_a_plain_one() {
    let offer = with_head(&format!("m=audio 4000 RTP/AVP 8\nm=audio 4002 RTP/SAVP 8\na=crypto:1 {AES} inline:{KEY}\n"));
    let answered = answer(offer.as_bytes(), &by(SrtpMode::Optional)).unwrap();
    assert!(
        media_of(&answered).starts_with("m=audio 0 RTP/AVP 8\nm=audio 20000 RTP/SAVP 8\n"),
        "{}",
        media_of(&answered)
    );
    assert_eq!(answered.stream.remote.unwrap().port(), 4002);
}

#[test]
fn a_key_that_stays_is_answered_with_ours_that_stays_and_a_new_one_with_a_new_one() {
    let mut local = by(SrtpMode::Optional);
    let offer = |key| audio("RTP/SAVP", &[&line(1, AES, key)]);
    let first = answer(offer(KEY).as_bytes(), &local).unwrap().stream.srtp.unwrap();
    let mut again = |key, current: &crate::types::SrtpKeys, n| {
        local.srtp.renew(KeySeed::new(&mut Random::for_testing(n)), Some(current));
        answer(offer(key).as_bytes(), &local).unwrap().stream.srtp.unwrap()
    };
    let held = again(KEY, &first, 2);
    assert_eq!(held, first);
    let moved = again(OTHER_KEY, &held, 3);
    assert!(moved.theirs != first.theirs && moved.ours != first.ours);
    let back = again(KEY, &moved, 4);
    assert!(back.theirs == first.theirs && back.ours != first.ours && back.ours != moved.ours, "no key is used again");
}

/// What our offer looks like, and what two of us come to.
fn offered(local: &LocalMedia) -> (String, usize) {
    let text = String::from_utf8(offer(local)).unwrap();
    let proto = text.split("m=audio 20000 ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    (proto, text.matches("a=crypto:").count())
}

#[test]
fn our_offers_follow_the_policy_and_keys_go_where_nobody_reads_them() {
    let all = SrtpSuite::ALL.len();
    let sealed = |mode| {
        let mut local = by(mode);
        local.srtp.sealed_signalling = true;
        local
    };
    assert_eq!(offered(&by(SrtpMode::Off)), ("RTP/AVP".to_owned(), 0));
    assert_eq!(offered(&sealed(SrtpMode::Off)), ("RTP/AVP".to_owned(), 0));
    assert_eq!(offered(&by(SrtpMode::Optional)), ("RTP/AVP".to_owned(), 0));
    assert_eq!(offered(&sealed(SrtpMode::Optional)), ("RTP/AVP".to_owned(), all));
    assert_eq!(offered(&by(SrtpMode::Required)), ("RTP/SAVP".to_owned(), all));
    let mut current = by(SrtpMode::Optional);
    let key = |n| KeySeed::new(&mut Random::for_testing(n)).key(SrtpSuite::Aead128Gcm);
    for (savp, proto) in [(true, "RTP/SAVP"), (false, "RTP/AVP")] {
        let keys = crate::types::SrtpKeys { ours: key(1), theirs: key(2), savp };
        current.srtp.renew(KeySeed::new(&mut Random::for_testing(3)), Some(&keys));
        assert_eq!(offered(&current), (proto.to_owned(), all), "an encrypted talk stays encrypted");
    }
}

#[test]
fn both_sides_come_to_the_same_keys() {
    for (mode, theirs) in [(SrtpMode::Required, SrtpMode::Optional), (SrtpMode::Optional, SrtpMode::Required)] {
        let mut ours = by(mode);
        ours.srtp.sealed_signalling = true;
        for suite in SrtpSuite::ALL {
            let mut peer = LocalMedia { address: "198.51.100.7".parse().unwrap(), ..by(theirs) };
            peer.srtp.seed = KeySeed::new(&mut Random::for_testing(2));
            peer.srtp.policy.suites = vec![suite];
            let answered = answer(&offer(&ours), &peer).unwrap();
            let (a, b) = (accept(&answered.body, &ours).unwrap().srtp.unwrap(), answered.stream.srtp.unwrap());
            assert_eq!((&a.ours, &a.theirs, a.ours.suite()), (&b.theirs, &b.ours, suite));
        }
    }
}

#[test]
fn answers_that_do_not_fit_our_offer_are_refused() {
    let required = by(SrtpMode::Required);
    let first = SrtpSuite::ALL[0].name();
    let cases = [
        ("RTP/AVP", String::new(), SdpError::Transport("RTP/AVP".to_owned())),
        ("RTP/AVP", line(1, first, KEY), SdpError::Transport("RTP/AVP".to_owned())),
        ("RTP/SAVP", String::new(), SdpError::Keys),
        ("RTP/SAVP", line(2, first, KEY), SdpError::Keys),
        ("RTP/SAVP", line(9, first, KEY), SdpError::Keys),
    ];
    for (proto, crypto, why) in cases {
        let lines: Vec<&str> = Some(crypto.as_str()).filter(|line| !line.is_empty()).into_iter().collect();
        assert_eq!(accept(audio(proto, &lines).as_bytes(), &required), Err(why), "{proto} {crypto}");
    }
    let mut optional = by(SrtpMode::Optional);
    optional.srtp.sealed_signalling = true;
    assert_eq!(accept(audio("RTP/AVP", &[]).as_bytes(), &optional).unwrap().srtp, None);
    assert!(accept(audio("RTP/SAVP", &[&line(1, first, KEY)]).as_bytes(), &optional).is_err());
    // Keys that nobody asked for mean nothing.
    assert_eq!(
        accept(audio("RTP/AVP", &[&line(1, first, KEY)]).as_bytes(), &by(SrtpMode::Optional)).unwrap().srtp,
        None
    );
}

#[test]
fn keys_are_not_shown() {
    let offer = audio("RTP/SAVP", &[&format!("{}|2^31", line(1, AES, KEY)), &line(2, AES, OTHER_KEY)]);
    let shown = format!("{:?}", answer(offer.as_bytes(), &by(SrtpMode::Optional)).unwrap().stream);
    assert!(shown.contains("***") && !shown.contains("89, 83"), "{shown}");
}

#[test]
fn profiles_are_read_without_case() {
    assert_eq!(Profile::of("rtp/savpf"), Ok(Profile::Savp));
    assert_eq!(Profile::of("RTP/avp"), Ok(Profile::Avp));
}
