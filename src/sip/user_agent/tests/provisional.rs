//! Reliable provisional responses (RFC 3262) and UPDATE in early and answered calls (RFC 3311).

use super::calling::CONTACT;
use super::line::*;
use super::pair::{Pair, Side, Weather};
use crate::sip::user_agent::*;
use crate::sip::wire::{Name, Request};

fn named(name: &str) -> Name {
    Name::from_token(name)
}

fn requires() -> Phone {
    Phone::invite().header("Require: 100rel")
}

impl Line {
    fn rings(&mut self, invite: &Phone) -> (LegId, Sent) {
        self.receive(invite.text());
        let (leg, _) = self.incoming();
        self.tell(|ua, now| ua.ring(now, leg)).unwrap();
        (leg, self.one())
    }

    fn says(&mut self, invite: &Request, status: u16, tag: &str, rseq: u32, sdp: Option<&str>) {
        let text = reply(invite, status, tag, CONTACT, sdp);
        let lines = format!("Require: 100rel\r\nRSeq: {rseq}\r\nContent-Length:");
        self.receive(text.replacen("Content-Length:", &lines, 1));
    }
}

fn prack(invite: &Phone, ringing: &Sent, cseq: u32) -> Phone {
    let rack = format!("RAck: {} 1 INVITE", ringing.header(named("RSeq")));
    invite.next("PRACK", cseq, &ringing.to_tag()).header(&rack)
}

/// The peer's request within a call of ours.
fn of_callee(invite: &Request, method: &str, tag: &str, cseq: u32) -> Phone {
    Phone {
        from: format!("<sip:201@192.0.2.7:5062>;tag={tag}"),
        to: invite.headers.from().unwrap().to_string(),
        call_id: invite.headers.call_id().unwrap().to_owned(),
        cseq,
        branch: format!("z9hG4bK-{method}-{tag}-{cseq}"),
        ..Phone::new(method)
    }
}

#[test]
fn who_asks_for_it_decides_whether_ringing_is_acknowledged() {
    use ReliableProvisional::{Always, Off, WhenRequired};
    for (setting, line_of_invite, reliable) in [
        (WhenRequired, "Require: 100rel", true),
        (WhenRequired, "Supported: 100rel", false),
        (Always, "Supported: 100rel", true),
        (Always, "Supported: replaces", false),
        (Off, "Supported: 100rel", false),
    ] {
        let mut line = Line::with(UaConfig { reliable_provisional: setting, ..config() });
        let invite = Phone::invite().header(line_of_invite);
        let (leg, ringing) = line.rings(&invite);
        assert_eq!(ringing.header(Name::Require) == "100rel", reliable, "{setting:?} {line_of_invite}");
        assert_eq!(ringing.header(named("RSeq")).is_empty(), !reliable);
        line.tell(|ua, now| ua.reject(now, leg, 486, None)).unwrap();
    }
    let mut line = Line::with(UaConfig { reliable_provisional: Off, ..config() });
    line.receive(requires().text());
    let refusal = line.one();
    assert_eq!((refusal.name().as_str(), refusal.header(Name::Unsupported).as_str()), ("420 INVITE", "100rel"));
    line.told();
}

#[test]
fn ringing_is_repeated_with_doubling_pauses_until_its_prack() {
    let mut line = Line::new();
    let invite = requires();
    let (leg, ringing) = line.rings(&invite);
    let began = line.now;
    line.advance(ms(8_000));
    let again: Vec<u64> = line.take().iter().map(|sent| sent.at.ms_since(began)).collect();
    assert_eq!(again, [500, 1_500, 3_500, 7_500]);
    line.receive(prack(&invite, &ringing, 2).text());
    assert_eq!(line.names(), ["200 PRACK"]);
    line.advance(ms(60_000));
    assert!(line.take().is_empty());
    // So that no proxy gives up, it is said again after a while, with a number of its own.
    line.advance(ms(90_000));
    let next = line.take().remove(0);
    let number = |sent: &Sent| sent.header(named("RSeq")).parse::<u32>().unwrap();
    assert_eq!(number(&next), number(&ringing) + 1);
    line.receive(prack(&invite, &next, 3).text());
    line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
    line.receive(invite.ack(&ringing.to_tag()).text());
    line.told();
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn without_a_prack_the_call_is_refused_after_64_t1() {
    let mut line = Line::new();
    let (leg, _) = line.rings(&requires());
    line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
    line.advance(ms(31_999));
    assert!(line.take().iter().all(|sent| sent.name() == "180 INVITE"));
    line.advance(ms(1));
    assert_eq!(line.names(), ["504 INVITE"]);
    assert_eq!(line.told(), [Event::NoAck { leg }]);
}

#[test]
fn the_answer_and_further_words_wait_for_the_prack_in_order() {
    let mut line = Line::new();
    let invite = requires();
    let (leg, ringing) = line.rings(&invite);
    line.tell(|ua, now| ua.progress(now, leg, 183, Some(OURS.into()))).unwrap();
    assert!(line.take().is_empty());
    line.receive(prack(&invite, &ringing, 2).text());
    let sent = line.take();
    assert_eq!(sent.iter().map(Sent::name).collect::<Vec<_>>(), ["200 PRACK", "183 INVITE"]);
    let early = sent[1].clone();
    line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
    assert!(line.take().is_empty());
    line.receive(prack(&invite, &ringing, 3).text());
    assert_eq!(line.names(), ["481 PRACK"]);
    line.receive(prack(&invite, &early, 4).text());
    assert_eq!(line.names(), ["200 PRACK", "200 INVITE"]);
    line.receive(invite.ack(&early.to_tag()).text());
    assert_eq!(line.told(), [Event::Acked { leg, sdp: None }]);
    line.receive(prack(&invite, &early, 5).text());
    assert_eq!(line.names(), ["481 PRACK"]);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn an_offer_in_a_prack_is_answered_and_one_in_an_early_update_too() {
    let mut line = Line::new();
    let invite = requires();
    line.receive(invite.text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.progress(now, leg, 183, Some(OURS.into()))).unwrap();
    let early = line.one();
    // Before the PRACK nothing is agreed on.
    line.receive(invite.next("UPDATE", 2, &early.to_tag()).sdp(SDP).text());
    let refusal = line.one();
    assert_eq!(refusal.name(), "500 UPDATE");
    assert!(!refusal.header(Name::RetryAfter).is_empty());
    line.receive(prack(&invite, &early, 3).sdp(SDP).text());
    assert_eq!(line.told(), [Event::Reinvite { leg, sdp: Some(SDP.into()) }]);
    line.tell(|ua, now| ua.answer_reinvite(now, leg, OURS.into())).unwrap();
    let answer = line.one();
    assert_eq!((answer.name().as_str(), answer.response().body.as_slice()), ("200 PRACK", OURS.as_bytes()));
    line.receive(prack(&invite, &early, 3).sdp(SDP).text());
    assert_eq!(line.one().bytes, answer.bytes);
    line.receive(invite.next("UPDATE", 4, &early.to_tag()).sdp(SDP).text());
    assert_eq!(line.told(), [Event::Reinvite { leg, sdp: Some(SDP.into()) }]);
    line.tell(|ua, now| ua.reject_reinvite(now, leg, 488)).unwrap();
    assert_eq!(line.names(), ["488 UPDATE"]);
    line.tell(|ua, now| ua.reject(now, leg, 480, None)).unwrap();
}

#[test]
fn without_an_offer_the_200_is_the_first_word() {
    let mut line = Line::new();
    let invite = requires().without_sdp();
    line.receive(invite.text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.ring(now, leg)).unwrap();
    assert!(line.take().is_empty());
    line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
    let answer = line.one();
    assert_eq!(answer.name(), "200 INVITE");
    line.receive(invite.ack(&answer.to_tag()).sdp(SDP).text());
    line.told();
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn a_hang_up_while_the_answer_waits_refuses_the_call() {
    let mut line = Line::new();
    let (leg, _) = line.rings(&requires());
    line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    assert_eq!(line.names(), ["480 INVITE"]);
}

#[test]
fn we_acknowledge_what_asks_for_it_once_and_in_order() {
    let mut line = Line::new();
    let (leg, invite) = line.call();
    assert!(invite.headers.has_token(&Name::Supported, "100rel"));
    line.says(&invite, 183, "t1", 7, Some(SDP));
    let prack = line.one();
    assert_eq!((prack.name().as_str(), prack.to_tag().as_str()), ("PRACK", "t1"));
    assert_eq!(prack.header(named("RAck")), format!("7 {} INVITE", invite.headers.cseq().unwrap().number));
    assert_eq!(line.told(), [Event::Ringing { leg, status: 183, sdp: Some(SDP.into()) }]);
    line.says(&invite, 183, "t1", 7, Some(SDP));
    line.says(&invite, 180, "t1", 9, None);
    assert!(line.take().is_empty() && line.told().is_empty(), "it came before, and it came too early");
    line.reply(prack.request(), 200, "");
    line.says(&invite, 180, "t1", 8, None);
    line.says(&invite, 180, "t2", 100, None);
    let sent = line.take();
    assert_eq!(sent.iter().map(Sent::to_tag).collect::<Vec<_>>(), ["t1", "t2"]);
    let number = |sent: &Sent| sent.request().headers.cseq().unwrap().number;
    assert_eq!((number(&sent[0]), number(&sent[1])), (3, 2));
    line.told();
    line.reply(&invite, 200, "t1");
    assert_eq!(line.names(), ["ACK"]);
    line.told();
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    assert_eq!(number(&line.one()), 4, "numbers go on after the PRACKs");
}

#[test]
fn a_callee_who_rings_may_update() {
    let mut line = Line::new();
    let (leg, invite) = line.call();
    line.reply(&invite, 180, "t1");
    line.told();
    let update = |cseq, tag: &str| of_callee(&invite, "UPDATE", tag, cseq);
    line.receive(update(1, "t1").text());
    line.receive(update(2, "t1").sdp(SDP).text());
    line.receive(update(2, "t1").branch("late").text());
    line.receive(update(1, "t9").text());
    line.receive(of_callee(&invite, "BYE", "t1", 3).text());
    assert_eq!(line.names(), ["200 UPDATE", "491 UPDATE", "500 UPDATE", "481 UPDATE", "481 BYE"]);
    line.says(&invite, 183, "t1", 1, Some(SDP));
    line.told();
    line.take();
    line.receive(update(4, "t1").sdp(SDP).text());
    line.receive(update(5, "t1").sdp(SDP).text());
    assert_eq!(line.names(), ["500 UPDATE"], "one at a time");
    assert_eq!(line.told(), [Event::Reinvite { leg, sdp: Some(SDP.into()) }]);
    line.tell(|ua, now| ua.answer_reinvite(now, leg, OURS.into())).unwrap();
    assert_eq!(line.names(), ["200 UPDATE"]);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    line.reply(&invite, 487, "t1");
    line.receive(update(6, "t1").text());
    assert_eq!(line.names(), ["CANCEL", "ACK", "481 UPDATE"]);
}

#[test]
fn an_offer_that_nobody_has_answered_ends_with_the_call() {
    let mut line = Line::new();
    let (_, invite) = line.call();
    line.says(&invite, 183, "t1", 1, Some(SDP));
    line.receive(of_callee(&invite, "UPDATE", "t1", 1).sdp(SDP).text());
    line.take();
    line.reply(&invite, 486, "t1");
    assert_eq!(line.names(), ["ACK", "487 UPDATE"]);
    let invite = requires();
    line.told();
    line.receive(invite.text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.progress(now, leg, 183, Some(OURS.into()))).unwrap();
    let early = line.one();
    line.receive(prack(&invite, &early, 2).sdp(SDP).text());
    line.tell(|ua, now| ua.reject(now, leg, 480, None)).unwrap();
    assert_eq!(line.names(), ["487 PRACK", "480 INVITE"]);
}

/// Whatever the network loses, doubles and reorders.
#[test]
fn acknowledged_ringing_leads_to_a_call_in_any_weather() {
    let config = UaConfig { reliable_provisional: ReliableProvisional::Always, ..UaConfig::default() };
    for loss_percent in [0, 10, 25] {
        for seed in 1..=12 {
            let weather = Weather { loss_percent, delay_ms: 40, jitter_ms: 60, seed };
            let mut pair = Pair::with(weather, &config).connected();
            let rang = |event: &Event| matches!(event, Event::Ringing { status: 180, .. });
            assert!(pair.told(Side::Caller, rang), "the 180 came: {weather:?}");
            pair.command(Side::Caller, |ua, now, leg| ua.hang_up(now, leg)).unwrap();
            assert!(pair.run(400_000, |pair| pair.uas.iter().all(UserAgent::is_idle)), "{weather:?}");
        }
    }
}

/// Both sides know session timers: whoever refreshes, the call lives until somebody is cut off.
#[test]
fn a_call_is_refreshed_for_hours_in_any_weather_and_ends_when_a_peer_is_gone() {
    let session = SessionPolicy { expires_s: 600, min_se_s: 90 };
    let config = UaConfig { session, ..UaConfig::default() };
    for (loss_percent, seed) in [(0, 1), (10, 2), (25, 3), (25, 4)] {
        let weather = Weather { loss_percent, delay_ms: 40, jitter_ms: 60, seed };
        let mut pair = Pair::with(weather, &config).connected();
        let ended = |pair: &Pair, side| pair.told(side, |event| matches!(event, Event::Ended { .. }));
        let over = |pair: &Pair| ended(pair, Side::Caller) || ended(pair, Side::Desk);
        assert!(!pair.run(7_200_000, over), "{weather:?}");
        pair.cut();
        assert!(pair.run(600_000, |pair| ended(pair, Side::Caller) && ended(pair, Side::Desk)), "{weather:?}");
        assert!(pair.run(400_000, |pair| pair.uas.iter().all(UserAgent::is_idle)), "{weather:?}");
    }
}

#[test]
fn an_update_changes_the_session_as_a_reinvite_does() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    let update = invite.next("UPDATE", 2, &tag).sdp(SDP);
    line.receive(update.text());
    line.receive(update.text());
    assert!(line.take().is_empty(), "its answer is being made");
    assert_eq!(line.told(), [Event::Reinvite { leg, sdp: Some(SDP.into()) }]);
    line.tell(|ua, now| ua.answer_reinvite(now, leg, OURS.into())).unwrap();
    let answer = line.one();
    assert_eq!(answer.name(), "200 UPDATE");
    assert!(!answer.header(Name::Contact).is_empty());
    // Nothing waits for an ACK: we may change it at once, and theirs then crosses ours.
    line.tell(|ua, now| ua.reinvite(now, leg, OURS.into())).unwrap();
    line.receive(invite.next("UPDATE", 3, &tag).sdp(SDP).text());
    assert_eq!(line.names(), ["INVITE", "491 UPDATE"]);
    // Without an offer it crosses nothing, and tells where the peer is.
    let moved = Phone { contact: Some("<sip:201@192.0.2.7:5099>".to_owned()), ..invite.next("UPDATE", 4, &tag) };
    line.receive(moved.text());
    assert_eq!(line.names(), ["200 UPDATE"]);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    assert_eq!(line.one().request().uri.to_string(), "sip:201@192.0.2.7:5099");
}

#[test]
fn a_hang_up_leaves_no_update_without_an_answer() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    line.receive(invite.next("UPDATE", 2, &tag).sdp(SDP).text());
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    assert_eq!(line.names(), ["487 UPDATE", "BYE"]);
    line.told();
}

#[test]
fn early_media_of_a_callee_confuses_nothing() {
    let mut line = Line::new();
    let (leg, invite) = line.call();
    for (status, tag) in [(183, "t1"), (180, "t1"), (183, "t2")] {
        line.receive(reply(&invite, status, tag, CONTACT, (status == 183).then_some(SDP)));
    }
    assert_eq!(line.told().len(), 3);
    line.reply(&invite, 200, "t2");
    assert_eq!(line.told(), [Event::Answered { leg, status: 200, sdp: Some(SDP.into()) }]);
    assert_eq!(line.names(), ["ACK"]);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    assert_eq!(line.one().to_tag(), "t2");
}
