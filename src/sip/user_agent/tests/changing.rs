//! We change the session: our own re-INVITE (RFC 3261 section 14.1).

use super::calling::CONTACT;
use super::line::*;
use crate::sip::user_agent::*;
use crate::sip::wire::Name;

impl Line {
    /// Our re-INVITE in this call.
    fn change(&mut self, leg: LegId) -> Sent {
        self.tell(|ua, now| ua.reinvite(now, leg, OURS.into())).unwrap();
        let invite = self.one();
        assert_eq!(invite.name(), "INVITE");
        invite
    }
}

#[test]
fn the_answer_is_acknowledged_and_told_once() {
    let mut line = Line::new();
    let (leg, tag) = line.up(&Phone::invite());
    let invite = line.change(leg);
    assert_eq!(invite.request().headers.from().unwrap().tag(), Some(tag.as_str()));
    assert!(!invite.header(Name::Contact).is_empty());
    line.receive(reply(invite.request(), 200, "", Some("<sip:201@192.0.2.7:5099>"), Some(SDP)));
    assert_eq!(line.told(), [Event::ReinviteAnswered { leg, sdp: Some(SDP.into()) }]);
    let ack = line.one();
    assert_eq!((ack.name().as_str(), ack.request().uri.to_string().as_str()), ("ACK", "sip:201@192.0.2.7:5099"));
    let number = |sent: &Sent| sent.request().headers.cseq().unwrap().number;
    assert_eq!(number(&ack), number(&invite));
    line.receive(reply(invite.request(), 200, "", Some("<sip:201@192.0.2.7:5099>"), Some(SDP)));
    assert_eq!(line.one().bytes, ack.bytes);
    assert!(line.told().is_empty());
    line.change(leg);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn a_refusal_leaves_the_call_and_481_ends_it() {
    let mut line = Line::new();
    let (leg, _) = line.up(&Phone::invite());
    let invite = line.change(leg);
    line.receive(reply(invite.request(), 488, "", None, None));
    assert_eq!(line.names(), ["ACK"]);
    assert_eq!(line.told(), [Event::ReinviteFailed { leg, status: 488 }]);
    let invite = line.change(leg);
    line.receive(reply(invite.request(), 481, "", None, None));
    assert_eq!(line.names(), ["ACK"]);
    let ended = Event::Ended { leg, reason: EndReason::Lost };
    assert_eq!(line.told(), [Event::ReinviteFailed { leg, status: 481 }, ended]);
}

#[test]
fn silence_ends_the_call_with_a_bye_also_after_a_100() {
    for provisional in [false, true] {
        let mut line = Line::new();
        let (leg, _) = line.up(&Phone::invite());
        let invite = line.change(leg);
        if provisional {
            line.receive(reply(invite.request(), 100, "", None, None));
        }
        line.advance(ms(33_000));
        assert_eq!(line.names().iter().filter(|name| *name == "BYE").count(), 2);
        let ended = Event::Ended { leg, reason: EndReason::Lost };
        assert_eq!(line.told(), [Event::ReinviteFailed { leg, status: 408 }, ended]);
    }
}

#[test]
fn one_change_at_a_time() {
    let mut line = Line::new();
    let invite = Phone::invite();
    line.receive(invite.text());
    let (leg, _) = line.incoming();
    let change = |ua: &mut UserAgent, now| ua.reinvite(now, leg, OURS.into());
    assert_eq!(line.tell(change), Err(UaError::WrongState));
    line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
    let tag = line.one().to_tag();
    assert_eq!(line.tell(change), Err(UaError::WrongState));
    line.receive(invite.ack(&tag).text());
    line.told();
    line.receive(invite.next("INVITE", 2, &tag).sdp(SDP).text());
    assert_eq!(line.tell(change), Err(UaError::WrongState));
    line.tell(|ua, now| ua.reject_reinvite(now, leg, 488)).unwrap();
    line.take();
    line.told();
    assert_eq!(line.tell(change), Ok(()));
    assert_eq!(line.tell(change), Err(UaError::WrongState));
    assert_eq!(line.one().name(), "INVITE");
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn a_glare_waits_as_long_as_the_rfc_says() {
    let mut line = Line::new();
    let (theirs, _) = line.up(&Phone::invite());
    let (ours, invite) = line.call();
    line.reply(&invite, 200, "t1");
    line.take();
    line.told();
    for (leg, at_least, at_most) in [(theirs, 0, 2_000), (ours, 2_100, 4_000)] {
        let first = line.change(leg);
        line.receive(reply(first.request(), 491, "", None, None));
        assert_eq!(line.names(), ["ACK"]);
        let began = line.now;
        line.advance(ms(4_100));
        let sent = line.take();
        assert_eq!(sent[0].name(), "INVITE");
        let waited = sent[0].at.ms_since(began);
        assert!((at_least..=at_most).contains(&waited), "{waited} ms");
        line.receive(reply(sent[0].request(), 200, "", CONTACT, Some(SDP)));
        assert_eq!(line.told(), [Event::ReinviteAnswered { leg, sdp: Some(SDP.into()) }]);
        line.take();
    }
    for leg in [theirs, ours] {
        line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    }
}

#[test]
fn a_glare_without_end_is_given_up() {
    let mut line = Line::new();
    let (leg, _) = line.up(&Phone::invite());
    let mut invite = line.change(leg);
    for _ in 0..4 {
        line.receive(reply(invite.request(), 491, "", None, None));
        line.take();
        line.advance(ms(2_000));
        invite = line.take().remove(0);
    }
    line.receive(reply(invite.request(), 491, "", None, None));
    assert_eq!(line.told(), [Event::ReinviteFailed { leg, status: 491 }]);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn the_peers_offer_during_ours_gets_491_and_in_the_pause_wins() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    let ours = line.change(leg);
    line.receive(invite.next("INVITE", 2, &tag).sdp(SDP).text());
    assert_eq!(line.one().name(), "491 INVITE");
    line.receive(reply(ours.request(), 491, "", None, None));
    line.take();
    line.receive(invite.next("INVITE", 3, &tag).sdp(SDP).text());
    let given_up = Event::ReinviteFailed { leg, status: 491 };
    assert_eq!(line.told(), [given_up, Event::Reinvite { leg, sdp: Some(SDP.into()) }]);
    line.tell(|ua, now| ua.reject_reinvite(now, leg, 488)).unwrap();
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn an_answer_after_the_end_of_the_call_is_acknowledged() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    let ours = line.change(leg);
    line.receive(invite.next("BYE", 2, &tag).text());
    assert_eq!(line.told(), [Event::Ended { leg, reason: EndReason::Bye }]);
    line.take();
    line.receive(reply(ours.request(), 200, "", CONTACT, Some(SDP)));
    assert_eq!(line.names(), ["ACK"]);
    assert!(line.told().is_empty());
}
