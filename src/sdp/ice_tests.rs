//! Offers with checks of addresses, and answers to them.

use crate::types::{KeySeed, Random};

use super::tests::{local, media_of, with_head};
use super::*;

/// A telephone's own checks, as baresip and Linphone write them.
const PHONE: &str = "\
a=ice-ufrag:7sFv
a=ice-pwd:asd88fgpdd777uzjYhagZg
m=audio 45664 RTP/AVP 8
a=candidate:1 1 UDP 2130706431 198.51.100.7 45664 typ host
a=candidate:1 2 UDP 2130706430 198.51.100.7 45665 typ host
a=candidate:2 1 UDP 1694498815 203.0.113.141 45664 typ srflx raddr 198.51.100.7 rport 45664
a=candidate:3 1 TCP 1694498815 203.0.113.141 9 typ host tcptype active
";

fn with_checks() -> LocalMedia {
    LocalMedia { ice: LocalIce { on: true, current: None }, ..local() }
}

fn answered(offer: &str, local: &LocalMedia) -> Answered {
    answer(with_head(offer).replace('\n', "\r\n").as_bytes(), local).unwrap_or_else(|e| panic!("{e} for\n{offer}"))
}

fn head_of(answered: &Answered) -> String {
    let text = String::from_utf8(answered.body.clone()).unwrap();
    text[..text.find("m=").unwrap()].to_owned()
}

#[test]
fn an_offer_of_checks_is_answered_with_our_only_candidate() {
    let answered = answered(PHONE, &with_checks());
    let terms = answered.stream.ice.clone().expect("checks are agreed on");
    assert_eq!((terms.theirs.ufrag.as_str(), terms.theirs.pwd.0.as_str()), ("7sFv", "asd88fgpdd777uzjYhagZg"));
    assert!(head_of(&answered).contains("\r\na=ice-lite\r\n"), "{}", head_of(&answered));
    assert_eq!(
        media_of(&answered),
        format!(
            "m=audio 20000 RTP/AVP 8\na=rtpmap:8 PCMA/8000\na=ptime:20\na=sendrecv\na=ice-ufrag:{}\na=ice-pwd:{}\n\
             a=candidate:1 1 UDP 2130706431 192.0.2.1 20000 typ host\n\
             a=candidate:1 2 UDP 2130706430 192.0.2.1 20001 typ host\n",
            terms.ours.ufrag, terms.ours.pwd.0
        )
    );
    assert_eq!((terms.ours.ufrag.len(), terms.ours.pwd.0.len()), (8, 26));
    assert!(answered.stream.send && !answered.held);
}

#[test]
fn where_rtcp_goes_the_way_of_rtp_there_is_one_candidate() {
    let answered = answered(&format!("{PHONE}a=rtcp-mux\n"), &with_checks());
    assert!(answered.stream.rtcp_mux);
    assert_eq!(answered.stream.remote_rtcp, answered.stream.remote);
    let media = media_of(&answered);
    assert!(media.contains("a=rtcp-mux\n") && !media.contains("a=candidate:1 2"), "{media}");
}

#[test]
fn nothing_is_said_of_checks_where_none_are_offered_or_wanted() {
    let plain = "m=audio 45664 RTP/AVP 8\n";
    let of_lite = format!("a=ice-lite\n{PHONE}");
    let short = PHONE.replace("asd88fgpdd777uzjYhagZg", "short");
    let strange = PHONE.replace("7sFv", "7s v<>");
    for (offer, local) in [
        (plain, with_checks()),
        (PHONE, local()),
        (of_lite.as_str(), with_checks()),
        (short.as_str(), with_checks()),
        (strange.as_str(), with_checks()),
    ] {
        let answered = answered(offer, &local);
        assert_eq!(answered.stream.ice, None, "{offer}");
        assert!(!String::from_utf8(answered.body).unwrap().contains("a=ice"), "{offer}");
    }
    assert!(!String::from_utf8(offer(&with_checks())).unwrap().contains("a=ice"), "nor in offers of ours");
}

#[test]
fn an_address_that_somebody_on_the_way_put_in_stands_alone() {
    let answered = answered(&PHONE.replace("m=audio 45664", "m=audio 45000"), &with_checks());
    assert_eq!(answered.stream.ice, None);
    assert_eq!(answered.stream.remote, Some("198.51.100.7:45000".parse().unwrap()));
    assert!(media_of(&answered).contains("a=ice-mismatch\n"));
}

#[test]
fn who_has_no_address_yet_is_not_on_hold() {
    for (line, way) in [("c=IN IP4 0.0.0.0\n", "45664"), ("", "9"), ("c=IN IP4 phone.local\n", "45664")] {
        let offer = format!("{}{line}", PHONE.replace("m=audio 45664", &format!("m=audio {way}")));
        let answered = answered(&offer, &with_checks());
        let stream = &answered.stream;
        assert_eq!((stream.remote, stream.send, stream.receive, answered.held), (None, true, true, false), "{offer}");
        assert!(stream.ice.is_some() && stream.has_way());
    }
}

#[test]
fn passwords_are_kept_until_the_peer_has_new_ones() {
    let mut local = with_checks();
    let first = answered(PHONE, &local).stream;
    local.renew(2, KeySeed::new(&mut Random::for_testing(2)), &first);
    let second = answered(PHONE, &local).stream;
    assert_eq!(second.ice, first.ice);
    local.renew(3, KeySeed::new(&mut Random::for_testing(3)), &second);
    let restarted = answered(&PHONE.replace("7sFv", "8sFv"), &local).stream;
    let (before, after) = (second.ice.unwrap(), restarted.ice.unwrap());
    assert_ne!(before.ours.ufrag, after.ours.ufrag);
    assert_ne!(before.ours.pwd, after.ours.pwd);
}
