//! Within a call: BYE, re-INVITE, INFO, routes, sequence numbers (RFC 3261 sections 12.2, 14.2, 15; RFC 6086).

use super::line::*;
use crate::sip::user_agent::*;
use crate::sip::wire::Name;

#[test]
fn bye_gets_200_and_ends_the_call_and_a_second_one_481() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    let bye = invite.next("BYE", 2, &tag);
    line.receive(bye.text());
    let answer = line.one();
    assert_eq!(answer.name(), "200 BYE");
    assert_eq!(line.told(), [Event::Ended { leg, reason: EndReason::Bye }]);
    line.receive(bye.text());
    assert_eq!(line.one().bytes, answer.bytes);
    line.receive(invite.next("BYE", 3, &tag).text());
    assert_eq!(line.one().name(), "481 BYE");
    assert!(line.told().is_empty());
}

#[test]
fn a_bye_between_200_and_ack_ends_the_call() {
    let mut line = Line::new();
    let invite = Phone::invite();
    line.receive(invite.text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
    let tag = line.one().to_tag();
    line.receive(invite.next("BYE", 2, &tag).text());
    assert_eq!(line.told(), [Event::Ended { leg, reason: EndReason::Bye }]);
    line.advance(ms(20_000));
    assert_eq!(line.names(), ["200 BYE"]);
}

#[test]
fn our_bye_counts_on_and_is_repeated_until_its_answer() {
    let mut line = Line::new();
    let (leg, tag) = line.up(&Phone::invite());
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    let bye = line.one();
    assert_eq!(bye.request().uri.to_string(), "sip:201@192.0.2.7:5062");
    assert_eq!(bye.request().headers.from().unwrap().tag(), Some(tag.as_str()));
    assert_eq!(bye.to_tag(), "p1");
    line.advance(ms(500));
    assert_eq!(line.one().bytes, bye.bytes);
    line.receive(reply(bye.request(), 200, "", None, None));
    line.advance(ms(40_000));
    assert!(line.names().is_empty() && line.told().is_empty());
}

#[test]
fn lower_sequence_numbers_get_500_and_gaps_are_accepted() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    line.receive(invite.next("OPTIONS", 9, &tag).text());
    assert_eq!(line.one().name(), "200 OPTIONS");
    line.receive(invite.next("INFO", 8, &tag).text());
    assert_eq!(line.one().name(), "500 INFO");
    line.receive(invite.next("INVITE", 7, &tag).sdp(SDP).text());
    assert_eq!(line.one().name(), "500 INVITE");
    assert!(line.told().is_empty());
    line.receive(invite.next("BYE", 10, &tag).text());
    assert_eq!(line.told(), [Event::Ended { leg, reason: EndReason::Bye }]);
}

#[test]
fn options_within_a_call_tell_what_we_can_do() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    line.receive(invite.next("OPTIONS", 2, &tag).text());
    let answer = line.one();
    assert_eq!((answer.name().as_str(), answer.header(Name::Allow).as_str()), ("200 OPTIONS", ALLOW));
    assert_eq!(answer.to_tag(), tag);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn methods_that_are_not_served_leave_the_call_alone() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    line.receive(invite.next("SUBSCRIBE", 2, &tag).text());
    line.receive(invite.next("MESSAGE", 3, &tag).text());
    line.receive(invite.next("NEWMETHOD", 4, &tag).text());
    assert_eq!(line.names(), ["405 SUBSCRIBE", "405 MESSAGE", "501 NEWMETHOD"]);
    assert!(line.told().is_empty());
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn a_reinvite_is_answered_and_acknowledged() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    let again = invite.next("INVITE", 2, &tag).sdp(SDP);
    line.receive(again.text());
    assert_eq!(line.told(), [Event::Reinvite { leg, sdp: Some(SDP.into()) }]);
    line.tell(|ua, now| ua.answer_reinvite(now, leg, OURS.into())).unwrap();
    let answer = line.one();
    assert_eq!((answer.name().as_str(), answer.to_tag()), ("200 INVITE", tag.clone()));
    assert!(!answer.header(Name::Contact).is_empty());
    line.advance(ms(500));
    assert_eq!(line.one().bytes, answer.bytes);
    line.receive(again.ack(&tag).text());
    line.advance(ms(40_000));
    assert!(line.names().is_empty() && line.told().is_empty());
    assert_eq!(line.tell(|ua, now| ua.answer_reinvite(now, leg, OURS.into())), Err(UaError::WrongState));
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn an_offerless_reinvite_asks_for_our_offer_and_the_ack_brings_theirs() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    let again = invite.next("INVITE", 2, &tag);
    line.receive(again.text());
    assert_eq!(line.told(), [Event::Reinvite { leg, sdp: None }]);
    line.tell(|ua, now| ua.answer_reinvite(now, leg, OURS.into())).unwrap();
    line.receive(again.ack(&tag).sdp(SDP).text());
    assert_eq!(line.told(), [Event::ReinviteAcked { leg, sdp: Some(SDP.into()) }]);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn a_rejected_reinvite_leaves_the_call_up() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    let again = invite.next("INVITE", 2, &tag).sdp(SDP);
    line.receive(again.text());
    line.tell(|ua, now| ua.reject_reinvite(now, leg, 488)).unwrap();
    assert_eq!(line.one().name(), "488 INVITE");
    line.receive(again.ack_refusal(&tag).text());
    line.told();
    line.receive(invite.next("BYE", 3, &tag).text());
    assert_eq!(line.told(), [Event::Ended { leg, reason: EndReason::Bye }]);
}

#[test]
fn a_reinvite_that_nobody_acknowledges_ends_the_call() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    line.receive(invite.next("INVITE", 2, &tag).sdp(SDP).text());
    line.tell(|ua, now| ua.answer_reinvite(now, leg, OURS.into())).unwrap();
    line.told();
    line.advance(ms(32_000));
    assert_eq!(line.told(), [Event::NoAck { leg }]);
    assert!(line.names().contains(&"BYE".to_owned()));
}

#[test]
fn a_second_reinvite_before_the_first_is_answered_gets_500_with_retry_after() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    line.receive(invite.next("INVITE", 2, &tag).sdp(SDP).text());
    line.told();
    line.receive(invite.next("INVITE", 3, &tag).sdp(SDP).text());
    let answer = line.one();
    assert_eq!(answer.name(), "500 INVITE");
    assert!(answer.header(Name::RetryAfter).parse::<u32>().unwrap() <= 10);
    assert!(line.told().is_empty());
    line.tell(|ua, now| ua.answer_reinvite(now, leg, OURS.into())).unwrap();
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn a_reinvite_before_the_ack_gets_491() {
    let mut line = Line::new();
    let invite = Phone::invite();
    line.receive(invite.text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
    let tag = line.one().to_tag();
    line.receive(invite.next("INVITE", 2, &tag).sdp(SDP).text());
    assert_eq!(line.one().name(), "491 INVITE");
    line.receive(invite.ack(&tag).text());
    assert_eq!(line.told(), [Event::Acked { leg, sdp: None }]);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn a_cancelled_reinvite_gets_487_and_the_call_stays_up() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    let again = invite.next("INVITE", 2, &tag).sdp(SDP);
    line.receive(again.text());
    line.told();
    line.receive(again.cancel().text());
    assert_eq!(line.names(), ["200 CANCEL", "487 INVITE"]);
    assert!(line.told().is_empty());
    assert_eq!(line.tell(|ua, now| ua.answer_reinvite(now, leg, OURS.into())), Err(UaError::WrongState));
    line.receive(invite.next("INVITE", 3, &tag).sdp(SDP).text());
    assert_eq!(line.told(), [Event::Reinvite { leg, sdp: Some(SDP.into()) }]);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    assert_eq!(line.names(), ["487 INVITE", "BYE"]);
}

#[test]
fn a_bye_answers_the_reinvite_that_waits_with_487() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    line.receive(invite.next("INVITE", 2, &tag).sdp(SDP).text());
    line.told();
    line.receive(invite.next("BYE", 3, &tag).text());
    assert_eq!(line.names(), ["200 BYE", "487 INVITE"]);
    assert_eq!(line.told(), [Event::Ended { leg, reason: EndReason::Bye }]);
}

#[test]
fn a_reinvites_contact_is_the_new_target() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    let mut again = invite.next("INVITE", 2, &tag).sdp(SDP);
    again.contact = Some("<sip:201@192.0.2.99:5070>".to_owned());
    line.receive(again.text());
    line.tell(|ua, now| ua.answer_reinvite(now, leg, OURS.into())).unwrap();
    line.receive(again.ack(&tag).text());
    line.take();
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    let bye = line.one();
    assert_eq!(bye.request().uri.to_string(), "sip:201@192.0.2.99:5070");
    assert_eq!(bye.to.remote.to_string(), "192.0.2.99:5070");
}

#[test]
fn info_of_a_known_type_is_told_once() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    let info = invite.next("INFO", 2, &tag).body("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n");
    line.receive(info.text());
    let answer = line.one();
    line.receive(info.text());
    assert_eq!((answer.name().as_str(), line.one().bytes), ("200 INFO", answer.bytes.clone()));
    let told = line.told();
    let [Event::Info { leg: of, content_type, body }] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((*of, content_type.as_str()), (leg, "application/dtmf-relay"));
    assert_eq!(body, b"Signal=5\r\nDuration=160\r\n");
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn info_of_an_unknown_type_gets_415_and_an_empty_one_200() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    line.receive(invite.next("INFO", 2, &tag).body("text/plain", "x").text());
    let answer = line.one();
    assert_eq!((answer.name().as_str(), answer.header(Name::Accept).as_str()), ("415 INFO", "application/dtmf-relay"));
    line.receive(invite.next("INFO", 3, &tag).text());
    assert_eq!(line.one().name(), "200 INFO");
    assert!(line.told().is_empty());
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn record_routes_are_copied_into_180_and_200_and_followed_in_order() {
    let mut line = Line::new();
    let routes = "<sip:192.0.2.8:5080;lr>, <sip:192.0.2.9;lr>";
    let invite = Phone::invite().header(&format!("Record-Route: {routes}"));
    line.receive(invite.text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.ring(now, leg)).unwrap();
    line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
    let sent = line.take();
    assert!(sent.iter().all(|s| s.header(Name::RecordRoute) == routes), "{sent:?}");
    line.receive(invite.ack(&sent[1].to_tag()).text());
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    let bye = line.one();
    assert_eq!(bye.header(Name::Route), routes);
    assert_eq!(bye.request().uri.to_string(), "sip:201@192.0.2.7:5062");
    assert_eq!(bye.to.remote.to_string(), "192.0.2.8:5080");
}

#[test]
fn a_strict_router_gets_its_own_uri_and_the_target_goes_last() {
    let mut line = Line::new();
    let invite = Phone::invite().header("Record-Route: <sip:192.0.2.8>, <sip:192.0.2.9;lr>");
    let (leg, _) = line.up(&invite);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    let bye = line.one();
    assert_eq!(bye.request().uri.to_string(), "sip:192.0.2.8");
    assert_eq!(bye.header(Name::Route), "<sip:192.0.2.9;lr>, <sip:201@192.0.2.7:5062>");
    assert_eq!(bye.to.remote.to_string(), "192.0.2.8:5060");
}

#[test]
fn a_phone_behind_nat_is_spoken_to_where_it_speaks_from() {
    let mut line = Line::new();
    let mut invite = Phone::invite().via("SIP/2.0/UDP 10.0.0.9:5060;rport");
    invite.contact = Some("<sip:201@10.0.0.9:5060>".to_owned());
    let (leg, _) = line.up(&invite);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    let bye = line.one();
    assert_eq!(
        (bye.to.remote.to_string().as_str(), bye.request().uri.to_string().as_str()),
        (PHONE, "sip:201@10.0.0.9:5060")
    );
}

#[test]
fn our_info_that_is_answered_481_or_never_ends_the_call() {
    for silent in [false, true] {
        let mut line = Line::new();
        let invite = Phone::invite();
        let (leg, tag) = line.up(&invite);
        // A re-INVITE that waits must not be forgotten either.
        line.receive(invite.next("INVITE", 2, &tag).sdp(SDP).text());
        line.told();
        line.tell(|ua, now| ua.info(now, leg, "application/dtmf-relay", b"Signal=1".to_vec())).unwrap();
        let info = line.one();
        if silent {
            line.advance(ms(32_000));
            assert_eq!(line.names().last().map(String::as_str), Some("BYE"));
        } else {
            line.receive(reply(info.request(), 481, "", None, None));
            assert_eq!(line.names(), ["487 INVITE"]);
        }
        assert_eq!(line.told(), [Event::Ended { leg, reason: EndReason::Lost }]);
    }
}

#[test]
fn many_changes_of_one_call_hold_one_deadline() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    line.advance(ms(40_000));
    assert!(line.ua.deadlines.is_empty());
    for cseq in 2..200 {
        let again = invite.next("INVITE", cseq, &tag).sdp(SDP);
        line.receive(again.text());
        line.tell(|ua, now| ua.answer_reinvite(now, leg, OURS.into())).unwrap();
        line.receive(again.ack(&tag).text());
        line.advance(ms(100));
    }
    assert_eq!(line.ua.deadlines.len(), line.ua.transactions());
    line.advance(ms(40_000));
    assert!(line.ua.deadlines.is_empty());
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}
