//! Session timers (RFC 4028): what is agreed on, refreshes of both sides, and the end of calls whose peers have vanished.

use super::calling::CONTACT;
use super::line::*;
use crate::sip::user_agent::*;
use crate::sip::wire::{Name, Request};

fn named(name: &str) -> Name {
    Name::from_token(name)
}

/// An INVITE of a phone that knows session timers.
fn timed(expires: &str) -> Phone {
    Phone::invite().header("Supported: timer").header("Allow: INVITE, ACK, BYE, UPDATE").header(expires)
}

impl Line {
    /// A call that is answered and acknowledged; gives the 200 as well.
    fn up_with(&mut self, invite: &Phone) -> (LegId, String, Sent) {
        self.receive(invite.text());
        let (leg, _) = self.incoming();
        self.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
        let answer = self.one();
        let tag = answer.to_tag();
        self.receive(invite.ack(&tag).text());
        assert_eq!(self.told(), [Event::Acked { leg, sdp: None }]);
        (leg, tag, answer)
    }

    /// Our call to a phone whose 200 says this of the session.
    fn our_call(&mut self, lines: &[(&str, &str)]) -> (LegId, Request) {
        let (leg, invite) = self.call();
        self.receive(with(&reply(&invite, 200, "t1", CONTACT, Some(SDP)), lines));
        assert!(matches!(self.told().as_slice(), [Event::Answered { .. }]));
        assert_eq!(self.names(), ["ACK"]);
        (leg, invite)
    }
}

/// A message with more headers.
fn with(text: &str, lines: &[(&str, &str)]) -> String {
    let lines: String = lines.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    text.replacen("Content-Length:", &format!("{lines}Content-Length:"), 1)
}

const LOST: fn(LegId) -> Event = |leg| Event::Ended { leg, reason: EndReason::Lost };
const EXPIRED: fn(LegId) -> Event = |leg| Event::Ended { leg, reason: EndReason::Expired };

#[test]
fn too_short_an_interval_gets_422_with_the_least() {
    let config = UaConfig { session: SessionPolicy { expires_s: 1_800, min_se_s: 120 }, ..config() };
    let mut line = Line::with(config);
    line.receive(timed("Session-Expires: 100").text());
    let refusal = line.one();
    assert_eq!((refusal.name().as_str(), refusal.header(named("Min-SE")).as_str()), ("422 INVITE", "120"));
    assert!(matches!(line.told().as_slice(), [Event::Refused { status: 422, .. }]));
    line.receive(timed("Session-Expires: 100").branch("ack").ack_refusal(&refusal.to_tag()).text());
    // Not where the peer could not understand it: the header is a proxy's.
    let proxied = Phone::invite().header("Session-Expires: 100").call(2);
    let (leg, _, answer) = line.up_with(&proxied);
    assert_eq!(answer.header(named("Session-Expires")), "100;refresher=uas");
    assert!(!answer.header(Name::Require).contains("timer"));
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn what_is_agreed_on_is_in_the_200() {
    for (asked, agreed) in [
        ("Session-Expires: 600;refresher=uac", "600;refresher=uac"),
        ("x: 600;refresher=uas", "600;refresher=uas"),
        ("Session-Expires: 7200", "1800;refresher=uas"),
        ("Subject: none", "1800;refresher=uas"),
    ] {
        let mut line = Line::new();
        let (leg, _, answer) = line.up_with(&timed(asked));
        assert_eq!(answer.header(named("Session-Expires")), agreed, "{asked}");
        assert!(answer.header(Name::Require).contains("timer"));
        line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    }
}

#[test]
fn a_phone_without_session_timers_has_none() {
    let mut line = Line::new();
    let (leg, _, answer) = line.up_with(&Phone::invite());
    assert!(answer.header(named("Session-Expires")).is_empty());
    line.advance(ms(10_000_000));
    assert!(line.take().is_empty() && line.told().is_empty());
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn we_refresh_by_update_at_half_time_and_the_answer_starts_anew() {
    let mut line = Line::new();
    let (leg, _, _) = line.up_with(&timed("Session-Expires: 600;refresher=uas"));
    for _ in 0..3 {
        line.advance(ms(299_999));
        assert!(line.take().is_empty());
        line.advance(ms(1));
        let update = line.one();
        assert_eq!(
            (update.name().as_str(), update.header(named("Session-Expires")).as_str()),
            ("UPDATE", "600;refresher=uac")
        );
        assert!(update.request().body.is_empty() && !update.header(Name::Contact).is_empty());
        line.receive(with(
            &reply(update.request(), 200, "", CONTACT, None),
            &[("Session-Expires", "600;refresher=uac")],
        ));
        assert!(line.told().is_empty());
    }
    // Once the answer says that the peer refreshes, we don't.
    line.advance(ms(300_000));
    let update = line.one();
    line.receive(with(&reply(update.request(), 200, "", CONTACT, None), &[("Session-Expires", "90;refresher=uas")]));
    line.advance(ms(60_000));
    assert_eq!(line.take()[0].name(), "BYE");
    assert_eq!(line.told(), [EXPIRED(leg)]);
}

#[test]
fn a_vanished_peer_is_hung_up_when_our_refresh_gets_no_answer() {
    let mut line = Line::new();
    let (leg, _, _) = line.up_with(&timed("Session-Expires: 600;refresher=uas"));
    line.advance(ms(300_000 + 33_000));
    let sent = line.take();
    let bye = sent.iter().find(|sent| sent.name() == "BYE").expect("a BYE goes out");
    assert!(bye.header(Name::Reason).contains("cause=408"));
    assert_eq!(line.told(), [LOST(leg)]);
}

#[test]
fn a_peer_that_does_not_refresh_is_hung_up_before_the_end() {
    for (expires, after_ms) in [("90", 60_000), ("600", 568_000)] {
        let mut line = Line::new();
        let (leg, _, _) = line.up_with(&timed(&format!("Session-Expires: {expires};refresher=uac")));
        line.advance(ms(after_ms - 1));
        assert!(line.take().is_empty() && line.told().is_empty());
        line.advance(ms(1));
        assert_eq!(line.names(), ["BYE"]);
        assert_eq!(line.told(), [EXPIRED(leg)]);
    }
}

#[test]
fn the_peers_refreshes_keep_the_call_by_update_and_by_reinvite() {
    let mut line = Line::new();
    let expires = "Session-Expires: 90;refresher=uac";
    let invite = timed(expires);
    let (leg, tag, _) = line.up_with(&invite);
    line.advance(ms(50_000));
    let update = invite.next("UPDATE", 2, &tag).header("Supported: timer").header(expires);
    line.receive(update.text());
    let answer = line.one();
    assert_eq!(
        (answer.name().as_str(), answer.header(named("Session-Expires")).as_str()),
        ("200 UPDATE", "90;refresher=uac")
    );
    line.advance(ms(50_000));
    let again = invite.next("INVITE", 3, &tag).sdp(SDP).header("Supported: timer").header(expires);
    line.receive(again.text());
    line.tell(|ua, now| ua.answer_reinvite(now, leg, OURS.into())).unwrap();
    assert_eq!(line.one().header(named("Session-Expires")), "90;refresher=uac");
    line.receive(again.ack(&tag).text());
    line.advance(ms(50_000));
    line.told();
    assert!(line.take().is_empty());
    line.receive(invite.next("UPDATE", 4, &tag).header("Supported: timer").header("Session-Expires: 30").text());
    assert_eq!(line.one().name(), "422 UPDATE");
    line.advance(ms(10_000));
    assert_eq!(line.take()[0].name(), "BYE");
    assert_eq!(line.told(), [EXPIRED(leg)]);
}

#[test]
fn a_peer_without_update_is_refreshed_by_a_reinvite_that_says_the_same() {
    let mut line = Line::new();
    let invite = Phone::invite().header("Supported: timer").header("Session-Expires: 600;refresher=uas");
    let (leg, _, _) = line.up_with(&invite);
    line.advance(ms(300_000));
    let again = line.one();
    assert_eq!((again.name().as_str(), again.request().body.as_slice()), ("INVITE", OURS.as_bytes()));
    assert_eq!(again.header(named("Session-Expires")), "600;refresher=uac");
    line.receive(with(
        &reply(again.request(), 200, "", CONTACT, Some(SDP)),
        &[("Session-Expires", "600;refresher=uac")],
    ));
    assert_eq!(line.names(), ["ACK"]);
    assert_eq!(line.told(), [Event::ReinviteAcked { leg, sdp: Some(SDP.into()) }]);
    line.advance(ms(300_000));
    let again = line.one();
    // What a peer says of it for the moment is no end of the call.
    line.receive(reply(again.request(), 491, "", None, None));
    assert_eq!(line.names(), ["ACK"]);
    line.advance(ms(10_000));
    assert_eq!(line.names(), ["INVITE"]);
    assert!(line.told().is_empty());
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn an_update_that_is_not_known_is_followed_by_a_reinvite() {
    let mut line = Line::new();
    let (leg, _, _) = line.up_with(&timed("Session-Expires: 600;refresher=uas"));
    line.advance(ms(300_000));
    let update = line.one();
    line.receive(reply(update.request(), 501, "", None, None));
    line.advance(ms(1));
    assert_eq!(line.names(), ["INVITE"]);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn a_refresh_that_gets_422_goes_out_again_with_more_and_481_ends_the_call() {
    let mut line = Line::new();
    let (leg, _, _) = line.up_with(&timed("Session-Expires: 600;refresher=uas"));
    line.advance(ms(300_000));
    let update = line.one();
    line.receive(with(&reply(update.request(), 422, "", None, None), &[("Min-SE", "900")]));
    line.advance(ms(1));
    let update = line.one();
    assert_eq!(update.header(named("Session-Expires")), "900;refresher=uac");
    assert_eq!(update.header(named("Min-SE")), "900");
    line.receive(reply(update.request(), 481, "", None, None));
    assert!(line.take().is_empty());
    assert_eq!(line.told(), [LOST(leg)]);
}

#[test]
fn our_invite_asks_and_a_422_is_asked_again_with_more() {
    let mut line = Line::new();
    let (leg, invite) = line.call();
    assert_eq!(invite.headers.first(&named("Session-Expires")), Some("1800"));
    assert!(invite.headers.has_token(&Name::Supported, "timer"));
    line.receive(with(&reply(&invite, 422, "t0", None, None), &[("Min-SE", "3600")]));
    let sent = line.take();
    assert_eq!(sent.iter().map(Sent::name).collect::<Vec<_>>(), ["ACK", "INVITE"]);
    assert!(line.told().is_empty());
    let again = sent[1].request().clone();
    assert_eq!(again.headers.call_id().unwrap(), invite.headers.call_id().unwrap());
    assert_eq!(again.headers.cseq().unwrap().number, invite.headers.cseq().unwrap().number + 1);
    assert_eq!(again.headers.from().unwrap().tag(), invite.headers.from().unwrap().tag());
    assert_eq!(again.headers.to().unwrap().tag(), None);
    assert_eq!(again.headers.first(&named("Session-Expires")), Some("3600"));
    assert_eq!(again.headers.first(&named("Min-SE")), Some("3600"));
    line.receive(with(&reply(&again, 200, "t1", CONTACT, Some(SDP)), &[("Session-Expires", "3600;refresher=uac")]));
    assert_eq!(line.told(), [Event::Answered { leg, status: 200, sdp: Some(SDP.into()) }]);
    line.take();
    line.advance(ms(1_800_000));
    // It has never said that it takes UPDATE.
    assert_eq!(line.names(), ["INVITE"]);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn a_peer_that_wants_ever_more_is_given_up() {
    let mut line = Line::new();
    let (leg, mut invite) = line.call();
    for least in ["2000", "3000", "4000"] {
        line.receive(with(&reply(&invite, 422, "t0", None, None), &[("Min-SE", least)]));
        invite = line.take()[1].request().clone();
    }
    line.receive(with(&reply(&invite, 422, "t0", None, None), &[("Min-SE", "5000")]));
    assert!(matches!(line.told().as_slice(), [Event::Failed { leg: l, status: 422, .. }] if *l == leg));
    line.take();
    // And one that wants less than it was offered makes no sense.
    let (leg, invite) = line.call();
    line.receive(with(&reply(&invite, 422, "t0", None, None), &[("Min-SE", "90")]));
    assert!(matches!(line.told().as_slice(), [Event::Failed { leg: l, status: 422, .. }] if *l == leg));
}

#[test]
fn the_callee_may_refresh_or_know_nothing_of_it() {
    let mut line = Line::new();
    let (leg, _) = line.our_call(&[("Session-Expires", "90;refresher=uas"), ("Require", "timer")]);
    line.advance(ms(60_000));
    assert_eq!(line.take()[0].name(), "BYE");
    assert_eq!(line.told(), [EXPIRED(leg)]);
    let (leg, _) = line.our_call(&[]);
    line.advance(ms(10_000_000));
    assert!(line.take().iter().all(|sent| sent.name() == "BYE") && line.told().is_empty());
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn off_means_only_where_the_peer_asks() {
    let config = UaConfig { session: SessionPolicy { expires_s: 0, min_se_s: 90 }, ..config() };
    let mut line = Line::with(config);
    let (leg, invite) = line.call();
    assert_eq!(invite.headers.first(&named("Session-Expires")), None);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    line.reply(&invite, 487, "t1");
    line.take();
    line.told();
    let (leg, _, answer) = line.up_with(&timed("Session-Expires: 7200;refresher=uac"));
    assert_eq!(answer.header(named("Session-Expires")), "7200;refresher=uac");
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn why_the_call_ends_is_said_and_told() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    line.receive(invite.next("BYE", 2, &tag).header("Reason: Q.850;cause=16;text=\"Bye\"").text());
    let why = Event::PeerSaidWhy { leg, reason: "Q.850;cause=16;text=\"Bye\"".to_owned() };
    assert_eq!(line.told(), [why, Event::Ended { leg, reason: EndReason::Bye }]);
    line.take();
    let (leg, invite) = line.call();
    line.reply(&invite, 180, "t1");
    line.told();
    line.tell(|ua, now| ua.hang_up_because(now, leg, "SIP;cause=200;text=\"Elsewhere\"")).unwrap();
    let cancel = line.one();
    assert_eq!(
        (cancel.name().as_str(), cancel.header(Name::Reason).as_str()),
        ("CANCEL", "SIP;cause=200;text=\"Elsewhere\"")
    );
    line.reply(&invite, 487, "t1");
    let theirs = Phone::invite().call(2);
    line.receive(theirs.text());
    line.told();
    line.receive(theirs.cancel().header("Reason: SIP;cause=200").text());
    assert!(matches!(line.told().as_slice(), [Event::PeerSaidWhy { .. }, Event::Cancelled { .. }]));
}
