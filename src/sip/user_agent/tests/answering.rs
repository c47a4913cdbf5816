//! A call comes in: 100, 180, 200, ACK, CANCEL (RFC 3261 sections 9.2, 13.3, 17.2.1).

use std::time::Duration;

use super::line::*;
use crate::sip::user_agent::*;
use crate::sip::wire::Name;
use crate::types::Mono;

fn sent_ms(sent: &[Sent], name: &str, from: Mono) -> Vec<u64> {
    sent.iter().filter(|s| s.name() == name).map(|s| s.at.ms_since(from)).collect()
}

#[test]
fn trying_goes_out_after_200_ms_when_the_transaction_user_is_slow() {
    let mut line = Line::new();
    line.receive(Phone::invite().header("Timestamp: 54").text());
    let (leg, _) = line.incoming();
    line.advance(ms(199));
    assert_eq!(line.names(), [""; 0]);
    line.advance(ms(1));
    let trying = line.one();
    assert_eq!((trying.name().as_str(), trying.to_tag().as_str()), ("100 INVITE", ""));
    assert_eq!(trying.header(Name::Timestamp), "54");
    line.tell(|ua, now| ua.reject(now, leg, 486, None)).unwrap();
}

#[test]
fn trying_stays_unsaid_when_ringing_came_first() {
    let mut line = Line::new();
    line.receive(Phone::invite().text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.ring(now, leg)).unwrap();
    line.advance(ms(1_000));
    assert_eq!(line.names(), ["180 INVITE"]);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn ringing_and_answer_carry_one_tag_and_a_contact() {
    let mut line = Line::new();
    let invite = Phone::invite();
    line.receive(invite.text());
    let (leg, told) = line.incoming();
    assert_eq!(told.sdp.as_deref(), Some(SDP.as_bytes()));
    assert_eq!(told.caller_number().as_deref(), Some("201"));
    assert_eq!((told.caller_display.as_deref(), told.callee_user.as_deref()), (Some("Zhang Wei"), Some("desk")));
    line.tell(|ua, now| ua.ring(now, leg)).unwrap();
    let ringing = line.one();
    line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
    let answer = line.one();
    assert!(!ringing.to_tag().is_empty());
    assert_eq!(ringing.to_tag(), answer.to_tag());
    assert_eq!(ringing.header(Name::Contact), "<sip:desk@192.0.2.1:5060>");
    assert_eq!(answer.header(Name::Contact), "<sip:desk@192.0.2.1:5060>");
    assert_eq!(answer.header(Name::Allow), ALLOW);
    assert_eq!(answer.response().body, OURS.as_bytes());
    line.receive(invite.ack(&answer.to_tag()).text());
    assert_eq!(line.told(), [Event::Acked { leg, sdp: None }]);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn ringing_is_repeated_each_minute() {
    let mut line = Line::new();
    line.receive(Phone::invite().text());
    let (leg, _) = line.incoming();
    let began = line.now;
    line.tell(|ua, now| ua.ring(now, leg)).unwrap();
    line.advance(Duration::from_secs(125));
    let sent = line.take();
    assert_eq!(sent_ms(&sent, "180 INVITE", began), [0, 60_000, 120_000]);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

fn repeats_until_ack(channel: Channel) {
    let mut line = Line::over(channel);
    let invite = Phone::invite();
    line.receive(invite.text());
    let (leg, _) = line.incoming();
    let began = line.now;
    line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
    line.advance(Duration::from_secs(13));
    let sent = line.take();
    assert_eq!(sent_ms(&sent, "200 INVITE", began), [0, 500, 1_500, 3_500, 7_500, 11_500]);
    assert!(sent.iter().all(|s| s.bytes == sent[0].bytes && s.to == sent[0].to));
    line.receive(invite.ack(&sent[0].to_tag()).text());
    line.advance(Duration::from_secs(40));
    assert_eq!(line.names(), [""; 0]);
    assert_eq!(line.told(), [Event::Acked { leg, sdp: None }]);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn the_200_is_repeated_from_t1_to_t2_until_its_ack() {
    repeats_until_ack(UDP);
}

#[test]
fn the_200_is_repeated_over_streams_too() {
    repeats_until_ack(TCP);
}

#[test]
fn a_call_that_is_never_acknowledged_ends_with_bye() {
    let mut line = Line::new();
    line.receive(Phone::invite().text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
    line.advance(ms(31_999));
    assert!(line.told().is_empty());
    line.take();
    line.advance(ms(1));
    assert_eq!(line.told(), [Event::NoAck { leg }]);
    assert_eq!(line.one().name(), "BYE");
    assert_eq!(line.tell(|ua, now| ua.hang_up(now, leg)), Err(UaError::NoSuchLeg));
}

#[test]
fn an_invite_that_comes_again_is_answered_from_memory() {
    let mut line = Line::new();
    let invite = Phone::invite();
    line.receive(invite.text());
    let (leg, _) = line.incoming();
    line.receive(invite.text());
    assert_eq!(line.names(), [""; 0]);
    line.tell(|ua, now| ua.ring(now, leg)).unwrap();
    let ringing = line.one();
    line.receive(invite.text());
    assert_eq!(line.one().bytes, ringing.bytes);
    line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
    let answer = line.one();
    line.receive(invite.text());
    assert_eq!(line.one().bytes, answer.bytes);
    line.receive(invite.ack(&answer.to_tag()).text());
    line.receive(invite.text());
    assert_eq!(line.names(), [""; 0]);
    assert_eq!(line.told(), [Event::Acked { leg, sdp: None }]);
    assert_eq!(line.ua.counters().retransmissions_in, 4);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn a_refusal_is_repeated_until_its_ack_which_nobody_else_hears_of() {
    let mut line = Line::new();
    let invite = Phone::invite();
    line.receive(invite.text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.reject(now, leg, 486, Some(30))).unwrap();
    let refusal = line.one();
    assert_eq!((refusal.name().as_str(), refusal.header(Name::RetryAfter).as_str()), ("486 INVITE", "30"));
    line.advance(ms(500));
    assert_eq!(line.one().bytes, refusal.bytes);
    line.receive(invite.text());
    assert_eq!(line.one().bytes, refusal.bytes);
    line.receive(invite.ack_refusal(&refusal.to_tag()).text());
    line.receive(invite.ack_refusal(&refusal.to_tag()).text());
    line.advance(ms(4_999));
    line.receive(invite.text());
    assert_eq!(line.names(), [""; 0]);
    assert!(line.told().is_empty());
    assert_eq!(line.ua.counters().stray, 0);
}

#[test]
fn only_one_final_answer_is_taken_from_the_transaction_user() {
    let mut line = Line::new();
    line.receive(Phone::invite().text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
    assert_eq!(line.tell(|ua, now| ua.answer(now, leg, OURS.into())), Err(UaError::WrongState));
    assert_eq!(line.tell(|ua, now| ua.reject(now, leg, 486, None)), Err(UaError::WrongState));
    assert_eq!(line.tell(|ua, now| ua.ring(now, leg)), Err(UaError::WrongState));
    assert_eq!(line.names(), ["200 INVITE"]);
}

#[test]
fn cancel_before_the_answer_gets_200_and_the_invite_487() {
    let mut line = Line::new();
    let invite = Phone::invite();
    line.receive(invite.text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.ring(now, leg)).unwrap();
    let tag = line.one().to_tag();
    line.receive(invite.cancel().text());
    let sent = line.take();
    assert_eq!(sent.iter().map(Sent::name).collect::<Vec<_>>(), ["200 CANCEL", "487 INVITE"]);
    assert!(sent.iter().all(|s| s.to_tag() == tag));
    assert_eq!(line.told(), [Event::Cancelled { leg }]);
    line.receive(invite.cancel().text());
    assert_eq!(line.one().bytes, sent[0].bytes);
    line.receive(invite.ack_refusal(&tag).text());
    assert_eq!(line.tell(|ua, now| ua.answer(now, leg, OURS.into())), Err(UaError::NoSuchLeg));
}

#[test]
fn cancel_after_the_200_changes_nothing() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, _) = line.up(&invite);
    line.receive(invite.cancel().text());
    assert_eq!(line.names(), ["200 CANCEL"]);
    assert!(line.told().is_empty());
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn cancel_of_an_unknown_invite_gets_481() {
    let mut line = Line::new();
    line.receive(Phone::invite().cancel().text());
    assert_eq!(line.one().name(), "481 CANCEL");
    assert!(line.told().is_empty());
}

#[test]
fn cancel_of_an_invite_that_was_refused_gets_200_with_the_refusals_tag() {
    let mut line = Line::new();
    let invite = Phone::invite().header("Require: precondition");
    line.receive(invite.text());
    let refusal = line.one();
    line.receive(invite.cancel().text());
    let answer = line.one();
    assert_eq!((answer.name().as_str(), answer.to_tag()), ("200 CANCEL", refusal.to_tag()));
    assert!(matches!(line.told().as_slice(), [Event::Refused { status: 420, .. }]));
}

#[test]
fn an_offerless_invite_is_answered_with_our_offer_and_the_ack_brings_theirs() {
    let mut line = Line::new();
    let invite = Phone::invite().without_sdp();
    line.receive(invite.text());
    let (leg, told) = line.incoming();
    assert_eq!(told.sdp, None);
    line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
    let tag = line.one().to_tag();
    line.receive(invite.ack(&tag).sdp(SDP).text());
    assert_eq!(line.told(), [Event::Acked { leg, sdp: Some(SDP.into()) }]);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn hanging_up_before_the_answer_says_480() {
    let mut line = Line::new();
    let invite = Phone::invite();
    line.receive(invite.text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    let refusal = line.one();
    assert_eq!(refusal.name(), "480 INVITE");
    line.receive(invite.ack_refusal(&refusal.to_tag()).text());
    assert!(line.told().is_empty());
}

#[test]
fn hanging_up_after_the_200_waits_for_the_ack() {
    let mut line = Line::new();
    let invite = Phone::invite();
    line.receive(invite.text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
    let tag = line.one().to_tag();
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    assert_eq!(line.names(), [""; 0]);
    line.receive(invite.ack(&tag).text());
    assert_eq!(line.names(), ["BYE"]);
    assert!(line.told().is_empty());
}

#[test]
fn an_ack_finds_its_dialog_when_the_transaction_is_over() {
    let mut line = Line::new();
    let invite = Phone::invite();
    line.receive(invite.text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
    let tag = line.one().to_tag();
    line.advance(ms(31_999));
    // The branch of the INVITE, as some phones send it, while the transaction still stands.
    line.receive(invite.ack_refusal(&tag).text());
    assert_eq!(line.told(), [Event::Acked { leg, sdp: None }]);
    line.take();
    line.advance(Duration::from_secs(10));
    line.receive(invite.ack(&tag).text());
    line.receive(invite.ack_refusal(&tag).text());
    assert!(line.told().is_empty() && line.names().is_empty());
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn a_bye_before_the_answer_ends_the_invite_with_487() {
    let mut line = Line::new();
    let invite = Phone::invite();
    line.receive(invite.text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.ring(now, leg)).unwrap();
    let tag = line.one().to_tag();
    line.receive(invite.next("BYE", 2, &tag).text());
    assert_eq!(line.names(), ["200 BYE", "487 INVITE"]);
    assert_eq!(line.told(), [Event::Cancelled { leg }]);
}
