//! We call: 180, 200, ACK, forks, CANCEL, failures (RFC 3261 sections 8.1, 9.1, 13.2, 17.1.1).

use super::line::*;
use crate::sip::user_agent::*;
use crate::sip::wire::{Method, Name, Request};

pub const THERE: Destination = Destination {
    channel: UDP,
    remote: std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7)), 5062),
};
pub const CONTACT: Option<&str> = Some("<sip:201@192.0.2.7:5062>");

pub fn call() -> OutgoingInvite {
    OutgoingInvite {
        trunk: None,
        target: "sip:201@192.0.2.7:5062".parse().unwrap(),
        destination: THERE,
        routes: Vec::new(),
        from: "<sip:desk@192.0.2.1>".parse().unwrap(),
        contact_user: "desk".to_owned(),
        sdp: Some(OURS.into()),
        replaces: None,
        referred_by: None,
        headers: Vec::new(),
    }
}

impl Line {
    pub fn call(&mut self) -> (LegId, Request) {
        let leg = self.tell(|ua, now| ua.invite(now, call())).unwrap();
        let invite = self.one();
        assert_eq!((invite.name().as_str(), invite.to), ("INVITE", THERE));
        (leg, invite.request().clone())
    }

    pub fn reply(&mut self, request: &Request, status: u16, tag: &str) {
        let sdp = (request.method == Method::Invite && (200..300).contains(&status)).then_some(SDP);
        self.receive(reply(request, status, tag, CONTACT, sdp));
    }
}

#[test]
fn a_call_rings_is_answered_and_acknowledged() {
    let mut line = Line::new();
    let (leg, invite) = line.call();
    assert_eq!(invite.headers.first(&Name::Contact), Some("<sip:desk@192.0.2.1:5060>"));
    line.reply(&invite, 180, "t1");
    assert_eq!(line.told(), [Event::Ringing { leg, status: 180, sdp: None }]);
    line.reply(&invite, 200, "t1");
    assert_eq!(line.told(), [Event::Answered { leg, status: 200, sdp: Some(SDP.into()) }]);
    let ack = line.one();
    assert_eq!((ack.name().as_str(), ack.to_tag().as_str()), ("ACK", "t1"));
    assert_eq!(ack.request().headers.cseq().unwrap().number, invite.headers.cseq().unwrap().number);
    assert_ne!(ack.header(Name::Via), invite.headers.first(&Name::Via).unwrap());
    line.reply(&invite, 200, "t1");
    assert_eq!(line.one().bytes, ack.bytes);
    assert!(line.told().is_empty());
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    let bye = line.one();
    assert_eq!((bye.name().as_str(), bye.to_tag().as_str()), ("BYE", "t1"));
    line.reply(bye.request(), 200, "");
}

#[test]
fn the_peers_requests_find_the_call_that_we_made() {
    let mut line = Line::new();
    let (leg, invite) = line.call();
    line.reply(&invite, 200, "t1");
    line.told();
    line.take();
    let from = invite.headers.from().unwrap();
    let bye = Phone {
        from: "<sip:201@192.0.2.7:5062>;tag=t1".to_owned(),
        to: from.to_string(),
        call_id: invite.headers.call_id().unwrap().to_owned(),
        ..Phone::new("BYE")
    };
    line.receive(bye.text());
    assert_eq!(line.one().name(), "200 BYE");
    assert_eq!(line.told(), [Event::Ended { leg, reason: EndReason::Bye }]);
}

#[test]
fn record_routes_of_the_answer_are_followed_in_reverse() {
    let mut line = Line::new();
    let (leg, invite) = line.call();
    let answer = reply(&invite, 200, "t1", CONTACT, Some(SDP));
    let routes = "Record-Route: <sip:192.0.2.9;lr>\r\nRecord-Route: <sip:192.0.2.8;lr>\r\nContact:";
    line.receive(answer.replace("Contact:", routes));
    let ack = line.one();
    assert_eq!(ack.header(Name::Route), "<sip:192.0.2.8;lr>, <sip:192.0.2.9;lr>");
    assert_eq!(ack.to.remote.to_string(), "192.0.2.8:5060");
    // The 200 that comes again, from wherever, gets the same ACK to the same place.
    line.receive(answer);
    assert_eq!(line.one().to, ack.to);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn an_answer_whose_contact_can_not_be_read_is_a_call_all_the_same() {
    let mut line = Line::new();
    let (leg, invite) = line.call();
    line.receive(reply(&invite, 200, "t1", Some("<sip:"), None));
    assert_eq!(line.one().name(), "ACK");
    assert_eq!(line.told(), [Event::Answered { leg, status: 200, sdp: None }]);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    assert_eq!(line.one().to, THERE);
}

#[test]
fn a_forks_second_answer_is_acknowledged_and_ended() {
    let mut line = Line::new();
    let (leg, invite) = line.call();
    line.reply(&invite, 200, "t1");
    line.told();
    line.take();
    line.reply(&invite, 200, "t2");
    let sent = line.take();
    assert_eq!(sent.iter().map(Sent::name).collect::<Vec<_>>(), ["ACK", "BYE"]);
    assert!(sent.iter().all(|s| s.to_tag() == "t2"));
    assert!(line.told().is_empty());
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    assert_eq!(line.one().to_tag(), "t1");
}

#[test]
fn a_refusal_is_acknowledged_in_its_transaction() {
    let mut line = Line::new();
    let (leg, invite) = line.call();
    line.reply(&invite, 486, "t1");
    let ack = line.one();
    assert_eq!((ack.name().as_str(), ack.to_tag().as_str()), ("ACK", "t1"));
    assert_eq!(ack.header(Name::Via), invite.headers.first(&Name::Via).unwrap());
    assert_eq!(line.told(), [Event::Failed { leg, status: 486, reason: "Busy Here".to_owned(), contacts: Vec::new() }]);
    line.reply(&invite, 486, "t1");
    assert_eq!(line.one().bytes, ack.bytes);
    assert!(line.told().is_empty());
}

#[test]
fn silence_is_408_after_seven_tries() {
    let mut line = Line::new();
    let (leg, _) = line.call();
    line.advance(ms(31_999));
    assert_eq!(line.names(), ["INVITE"; 6]);
    line.advance(ms(1));
    assert!(matches!(line.told().as_slice(), [Event::Failed { leg: of, status: 408, .. }] if *of == leg));
}

#[test]
fn a_callee_may_ring_for_long() {
    let mut line = Line::new();
    let (leg, invite) = line.call();
    line.reply(&invite, 180, "t1");
    line.told();
    line.advance(ms(170_000));
    assert!(line.names().is_empty() && line.told().is_empty());
    line.reply(&invite, 200, "t1");
    assert_eq!(line.told().len(), 1);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn a_place_that_can_not_be_reached_is_503() {
    let mut line = Line::new();
    let (leg, _) = line.call();
    line.input(Input::TransportFailed { channel: UDP, to: "192.0.2.7:9".parse().unwrap() });
    assert!(line.told().is_empty());
    line.input(Input::TransportFailed { channel: UDP, to: THERE.remote });
    assert!(matches!(line.told().as_slice(), [Event::Failed { leg: of, status: 503, .. }] if *of == leg));
    assert!(line.ua.is_idle());
}

#[test]
fn cancel_waits_for_a_provisional_response() {
    let mut line = Line::new();
    let (leg, invite) = line.call();
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    assert!(line.names().is_empty());
    line.reply(&invite, 100, "");
    let cancel = line.one();
    assert_eq!(cancel.name(), "CANCEL");
    assert_eq!(cancel.header(Name::Via), invite.headers.first(&Name::Via).unwrap());
    assert_eq!(cancel.request().headers.cseq().unwrap().number, invite.headers.cseq().unwrap().number);
    line.reply(&invite, 180, "t1");
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    assert!(line.names().is_empty() && line.told().is_empty());
    line.reply(cancel.request(), 200, "t1");
    line.reply(&invite, 487, "t1");
    assert_eq!(line.one().name(), "ACK");
    assert!(matches!(line.told().as_slice(), [Event::Failed { leg: of, status: 487, .. }] if *of == leg));
}

#[test]
fn each_call_has_a_cancel_of_its_own() {
    let mut line = Line::new();
    let (first, invite_first) = line.call();
    let (second, invite_second) = line.call();
    line.tell(|ua, now| ua.hang_up(now, first)).unwrap();
    line.tell(|ua, now| ua.hang_up(now, second)).unwrap();
    line.reply(&invite_first, 180, "t1");
    line.reply(&invite_second, 180, "t2");
    assert_eq!(line.names(), ["CANCEL", "CANCEL"]);
}

#[test]
fn a_callee_that_ignores_cancel_is_given_up() {
    let mut line = Line::new();
    let (leg, invite) = line.call();
    line.reply(&invite, 180, "t1");
    line.told();
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    let cancel = line.one();
    line.reply(cancel.request(), 200, "t1");
    line.reply(&invite, 180, "t1");
    line.advance(ms(32_000));
    assert!(matches!(line.told().as_slice(), [Event::Failed { status: 408, .. }]));
}

#[test]
fn a_200_that_crosses_the_cancel_is_acknowledged_and_ended() {
    let mut line = Line::new();
    let (leg, invite) = line.call();
    line.reply(&invite, 180, "t1");
    line.told();
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    line.take();
    line.reply(&invite, 200, "t1");
    assert_eq!(line.names(), ["ACK", "BYE"]);
    assert!(matches!(line.told().as_slice(), [Event::Failed { leg: of, status: 487, .. }] if *of == leg));
    line.reply(&invite, 200, "t1");
    assert_eq!(line.names(), ["ACK"]);
    assert!(line.told().is_empty());
}

#[test]
fn responses_with_more_than_one_via_are_dropped() {
    let mut line = Line::new();
    let (_, invite) = line.call();
    let answer = reply(&invite, 200, "t1", CONTACT, None);
    line.receive(answer.replace("From:", "Via: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKx\r\nFrom:"));
    assert!(line.names().is_empty() && line.told().is_empty());
    assert_eq!(line.ua.counters().stray, 1);
    line.reply(&invite, 486, "t1");
    assert_eq!(line.told().len(), 1);
}

#[test]
fn options_tell_whether_a_peer_lives() {
    let mut line = Line::new();
    let target: crate::sip::wire::Uri = "sip:192.0.2.7:5062".parse().unwrap();
    line.tell(|ua, now| ua.options(now, THERE, target.clone())).unwrap();
    let options = line.one();
    line.reply(options.request(), 200, "x");
    assert_eq!(line.told(), [Event::OptionsAnswered { to: THERE, status: 200 }]);
    line.tell(|ua, now| ua.options(now, THERE, target)).unwrap();
    line.advance(ms(32_000));
    assert_eq!(line.told(), [Event::OptionsAnswered { to: THERE, status: 408 }]);
}

#[test]
fn calls_beyond_the_limits_are_not_made() {
    let mut line = Line::with(UaConfig { limits: UaLimits { dialogs_max: 1, ..UaLimits::default() }, ..config() });
    let (leg, invite) = line.call();
    assert_eq!(line.tell(|ua, now| ua.invite(now, call())), Err(UaError::Full));
    let nowhere = Destination { channel: Channel { listener: 9, connection: None }, ..THERE };
    let away = OutgoingInvite { destination: nowhere, ..call() };
    assert_eq!(line.tell(|ua, now| ua.invite(now, away)), Err(UaError::NoSuchListener));
    line.reply(&invite, 603, "t1");
    assert!(matches!(line.told().as_slice(), [Event::Failed { leg: of, status: 603, .. }] if *of == leg));
}

#[test]
fn a_redirection_names_its_places_and_is_not_followed() {
    let mut line = Line::new();
    let (leg, invite) = line.call();
    let contacts = "<sip:a@192.0.2.8>;q=0.2, \"Li, Na\" <sip:b@192.0.2.8>, <tel:+8610>;q=0.5, <bad";
    let many = (0..9).map(|n| format!(", <sip:{n}@h>;q=0.1")).collect::<String>();
    let contacts = format!("{contacts}{many}");
    line.receive(reply(&invite, 302, "t1", Some(&contacts), None));
    assert_eq!(line.names(), ["ACK"]);
    let told = line.told();
    let [Event::Failed { leg: of, status: 302, contacts, .. }] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((*of, contacts.len()), (leg, 8));
    let first: Vec<String> = contacts.iter().take(3).map(ToString::to_string).collect();
    assert_eq!(first, ["sip:b@192.0.2.8", "tel:+8610", "sip:a@192.0.2.8"]);
}

#[test]
fn extra_fields_are_said_and_break_nothing() {
    let mut line = Line::new();
    let extra = |name: &str, value: &str| (Name::from_token(name), value.to_owned());
    let headers = vec![
        extra("Alert-Info", "<http://example.com>;info=urgent\r\nVia: SIP/2.0/UDP evil"),
        extra("P-Asserted-Identity", "<tel:+8610>"),
        (Name::Other("X\r\nRoute: <sip:evil>".to_owned()), "x".to_owned()),
        extra("Via", "SIP/2.0/UDP evil"),
        extra("l", "99999"),
    ];
    let leg = line.tell(|ua, now| ua.invite(now, OutgoingInvite { headers, ..call() })).unwrap();
    let invite = line.one();
    assert_eq!(invite.header(Name::Via).matches("SIP/2.0").count(), 1);
    assert!(!invite.message.headers().contains(&Name::Route));
    assert!(invite.header(Name::from_token("Alert-Info")).contains("info=urgent  Via: SIP/2.0/UDP evil"));
    assert_eq!(invite.header(Name::from_token("P-Asserted-Identity")), "<tel:+8610>");
    line.reply(invite.request(), 486, "t1");
    assert!(matches!(line.told().as_slice(), [Event::Failed { leg: of, .. }] if *of == leg));
}

#[test]
fn one_leg_that_fails_leaves_the_others_alone() {
    let mut line = Line::new();
    let (up, up_tag) = line.up(&Phone::invite());
    let (first, invite_first) = line.call();
    let (second, invite_second) = line.call();
    line.reply(&invite_first, 180, "t1");
    line.reply(&invite_second, 180, "t2");
    line.told();
    line.reply(&invite_first, 486, "t1");
    assert!(matches!(line.told().as_slice(), [Event::Failed { leg, status: 486, .. }] if *leg == first));
    line.reply(&invite_second, 200, "t2");
    assert!(matches!(line.told().as_slice(), [Event::Answered { leg, .. }] if *leg == second));
    line.take();
    line.reply(&invite_second, 200, "stray");
    assert_eq!(line.names(), ["ACK", "BYE"]);
    line.receive(Phone::invite().next("INFO", 2, &up_tag).text());
    assert_eq!(line.names(), ["200 INFO"]);
    assert!(line.told().is_empty());
    line.tell(|ua, now| ua.hang_up(now, second)).unwrap();
    line.tell(|ua, now| ua.hang_up(now, up)).unwrap();
}

#[test]
fn a_phone_behind_nat_is_spoken_to_where_it_was_called() {
    let mut line = Line::new();
    let away = "sip:201@10.0.0.5:5062".parse().unwrap();
    let leg = line.tell(|ua, now| ua.invite(now, OutgoingInvite { target: away, ..call() })).unwrap();
    let invite = line.one();
    line.receive(reply(invite.request(), 200, "t1", Some("<sip:201@10.0.0.5:5062>"), Some(SDP)));
    assert_eq!(line.one().to, THERE);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    let bye = line.one();
    assert_eq!((bye.to, bye.request().uri.to_string().as_str()), (THERE, "sip:201@10.0.0.5:5062"));
    line.told();
}
