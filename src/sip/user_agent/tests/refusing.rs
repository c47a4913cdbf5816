//! What is refused, with which answer, and where answers go (RFC 3261 sections 8.2, 18.2).

use super::line::*;
use crate::sip::user_agent::*;
use crate::sip::wire::Name;

#[track_caller]
fn answer_to(request: &Phone) -> Sent {
    let mut line = Line::new();
    line.receive(request.text());
    line.one()
}

#[test]
fn options_tell_what_we_can_do() {
    let answer = answer_to(&Phone::new("OPTIONS"));
    assert_eq!(answer.name(), "200 OPTIONS");
    assert_eq!(answer.header(Name::Allow), ALLOW);
    assert_eq!(answer.header(Name::Accept), "application/sdp");
    assert_eq!(answer.header(Name::Supported), "replaces, norefersub, timer, 100rel");
    assert!(!answer.to_tag().is_empty());
}

#[test]
fn methods_that_we_know_but_do_not_serve_get_405_with_allow() {
    for method in ["REGISTER", "SUBSCRIBE", "MESSAGE", "PUBLISH"] {
        let answer = answer_to(&Phone::new(method));
        assert_eq!(answer.name(), format!("405 {method}"));
        assert_eq!(answer.header(Name::Allow), ALLOW, "{method}");
    }
}

#[test]
fn methods_that_nobody_knows_get_501() {
    assert_eq!(answer_to(&Phone::new("NEWMETHOD")).name(), "501 NEWMETHOD");
    assert_eq!(answer_to(&Phone::new("invite")).name(), "501 invite");
}

#[test]
fn bodies_that_are_not_understood_get_415_with_accept() {
    let multipart = Phone::invite().body("multipart/mixed;boundary=x", "--x--");
    let encoded = Phone::invite().header("Content-Encoding: gzip");
    let unnamed = Phone { headers: Vec::new(), ..Phone::invite() };
    for invite in [multipart, encoded, unnamed] {
        let answer = answer_to(&invite);
        assert_eq!(answer.name(), "415 INVITE");
        assert_eq!(answer.header(Name::Accept), "application/sdp");
        assert_eq!(answer.header(Name::AcceptEncoding), "identity");
    }
}

#[test]
fn a_body_that_may_be_ignored_is_ignored() {
    let mut line = Line::new();
    let invite =
        Phone::invite().header("Content-Encoding: gzip").header("Content-Disposition: session; handling = optional");
    line.receive(invite.text());
    let (leg, told) = line.incoming();
    assert_eq!(told.sdp, None);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn unknown_schemes_get_416() {
    let request = Phone { uri: "nobodyKnowsThisScheme:totallyopaquecontent".to_owned(), ..Phone::invite() };
    assert_eq!(answer_to(&request).name(), "416 INVITE");
}

#[test]
fn required_extensions_get_420_with_unsupported() {
    let answer = answer_to(&Phone::invite().header("Require: precondition, Replaces, timer, outbound"));
    assert_eq!(
        (answer.name().as_str(), answer.header(Name::Unsupported).as_str()),
        ("420 INVITE", "precondition, outbound")
    );
}

#[test]
fn requests_for_dialogs_that_do_not_exist_get_481() {
    for method in ["BYE", "INFO", "INVITE", "OPTIONS", "UPDATE", "PRACK"] {
        let mut line = Line::new();
        line.receive(Phone::invite().next(method, 5, "gone").text());
        assert_eq!(line.one().name(), format!("481 {method}"));
        assert!(line.told().is_empty());
    }
    assert_eq!(answer_to(&Phone::new("BYE")).name(), "481 BYE");
    assert_eq!(answer_to(&Phone::new("INFO")).name(), "481 INFO");
    assert_eq!(answer_to(&Phone::new("NOTIFY")).name(), "481 NOTIFY");
    assert_eq!(answer_to(&Phone::new("REFER").header("Refer-To: <sip:a@b>")).name(), "403 REFER");
}

#[test]
fn an_invite_that_came_by_two_paths_gets_482_on_the_second() {
    let mut line = Line::new();
    line.receive(Phone::invite().text());
    let (leg, _) = line.incoming();
    let second = Phone::invite().branch("other-path");
    line.receive(second.text());
    assert_eq!(line.one().name(), "482 INVITE");
    assert!(matches!(line.told().as_slice(), [Event::Refused { status: 482, .. }]));
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn refusals_of_invites_are_told_for_the_call_log() {
    let mut line = Line::new();
    line.receive(Phone::invite().header("Require: precondition").text());
    let told = line.told();
    let [Event::Refused { invite, status: 420 }] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(invite.sip_call_id, "call-1");
}

#[test]
fn full_of_dialogs_means_503_and_no_state() {
    let mut line = Line::with(UaConfig { limits: UaLimits { dialogs_max: 1, ..UaLimits::default() }, ..config() });
    let (leg, _) = line.up(&Phone::invite());
    let state = line.ua.transactions();
    line.receive(Phone::invite().call(2).text());
    let answer = line.one();
    assert_eq!(answer.name(), "503 INVITE");
    assert!(!answer.header(Name::RetryAfter).is_empty());
    assert!(matches!(line.told().as_slice(), [Event::Refused { status: 503, .. }]));
    assert_eq!((line.ua.transactions(), line.ua.legs.len(), line.ua.merges.len()), (state, 1, 1));
    line.receive(Phone::invite().call(2).ack_refusal(&answer.to_tag()).text());
    assert!(line.names().is_empty());
    assert_eq!(line.ua.counters().shed, 1);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn full_of_transactions_means_503_and_no_state() {
    let mut line = Line::with(UaConfig { limits: UaLimits { transactions_max: 3, ..UaLimits::default() }, ..config() });
    for n in 0..5 {
        line.receive(Phone::new("OPTIONS").call(n).text());
    }
    line.receive(Phone::invite().call(9).text());
    let expected = ["200 OPTIONS", "200 OPTIONS", "200 OPTIONS", "503 OPTIONS", "503 OPTIONS", "503 INVITE"];
    assert_eq!(line.names(), expected);
    assert!(matches!(line.told().as_slice(), [Event::Refused { status: 503, .. }]));
    assert_eq!(line.ua.transactions(), 3);
    for n in 0..50 {
        line.receive(Phone::invite().call(n).cancel().text());
        line.receive(Phone::invite().call(n).next("BYE", 2, "gone").text());
    }
    assert_eq!(line.ua.transactions(), 3);
    assert!(line.names().iter().all(|name| name.starts_with("481")));
}

#[test]
fn a_bye_is_obeyed_when_all_is_full() {
    let mut line = Line::with(UaConfig { limits: UaLimits { transactions_max: 1, ..UaLimits::default() }, ..config() });
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    line.receive(invite.next("INFO", 2, &tag).text());
    assert_eq!(line.one().name(), "503 INFO");
    assert_eq!(line.tell(|ua, now| ua.info(now, leg, "a/b", b"x".to_vec())), Err(UaError::Full));
    line.receive(invite.next("BYE", 3, &tag).text());
    assert_eq!(line.one().name(), "200 BYE");
    assert_eq!(line.told(), [Event::Ended { leg, reason: EndReason::Bye }]);
}

#[test]
fn responses_go_to_the_source_port_with_rport() {
    let answer = answer_to(&Phone::new("OPTIONS").via("SIP/2.0/UDP 10.0.0.9:5060;rport"));
    assert_eq!(answer.to.remote.to_string(), PHONE);
    let via = answer.message.headers().via_top().unwrap();
    assert_eq!((via.param("received"), via.param("rport")), (Some("192.0.2.7"), Some("5062")));
}

#[test]
fn responses_go_to_the_vias_port_without_rport() {
    let answer = answer_to(&Phone::new("OPTIONS").via("SIP/2.0/UDP phone.example:5099"));
    assert_eq!(answer.to.remote.to_string(), "192.0.2.7:5099");
    assert_eq!(answer.message.headers().via_top().unwrap().param("received"), Some("192.0.2.7"));
    let answer = answer_to(&Phone::new("OPTIONS").via("SIP/2.0/UDP 192.0.2.7"));
    assert_eq!(answer.to.remote.to_string(), "192.0.2.7:5060");
    assert_eq!(answer.message.headers().via_top().unwrap().param("received"), None);
}

#[test]
fn a_maddr_aims_no_response() {
    let answer = answer_to(&Phone::new("OPTIONS").via("SIP/2.0/UDP 192.0.2.7:5062;maddr=198.51.100.1"));
    assert_eq!(answer.to.remote.to_string(), PHONE);
}

#[test]
fn all_vias_come_back_in_their_order() {
    let answer = answer_to(
        &Phone::new("OPTIONS")
            .header("Via: SIP/2.0/UDP a.example;branch=z9hG4bKa, SIP/2.0/TCP b.example;branch=z9hG4bKb"),
    );
    let vias = answer.message.headers().vias().unwrap();
    let hosts: Vec<String> = vias.iter().map(|via| via.host.to_string()).collect();
    assert_eq!(hosts, ["192.0.2.7", "a.example", "b.example"]);
}

#[test]
fn ipv6_in_via_and_contact() {
    let mut line = Line::over(UDP6);
    line.source = "[2001:db8::7]:5062".parse().unwrap();
    let mut invite = Phone::invite().via("SIP/2.0/UDP [2001:db8::7]:5062");
    invite.contact = Some("<sip:201@[2001:db8::7]:5070>".to_owned());
    line.receive(invite.text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
    let answer = line.one();
    assert_eq!(answer.to.remote.to_string(), "[2001:db8::7]:5062");
    assert_eq!(answer.header(Name::Contact), "<sip:desk@[2001:db8::1]:5060>");
    line.receive(invite.ack(&answer.to_tag()).text());
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    let bye = line.one();
    assert_eq!(bye.to.remote.to_string(), "[2001:db8::7]:5070");
    assert!(bye.header(Name::Via).starts_with("SIP/2.0/UDP [2001:db8::1]:5060;"));
}

#[test]
fn a_contact_of_the_other_address_family_is_not_spoken_to_through_this_socket() {
    let mut line = Line::new();
    let mut invite = Phone::invite();
    invite.contact = Some("<sip:201@[2001:db8::7]:5070>".to_owned());
    let (leg, _) = line.up(&invite);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    let bye = line.one();
    assert_eq!(
        (bye.to.remote.to_string().as_str(), bye.request().uri.to_string().as_str()),
        (PHONE, "sip:201@[2001:db8::7]:5070")
    );
}

#[test]
fn malformed_requests_get_400_and_leave_nothing() {
    let mut line = Line::new();
    let text = Phone::invite().via("SIP/2.0/UDP 10.0.0.9;rport").text().replace("CSeq: 1 INVITE", "CSeq: one INVITE");
    line.receive(text);
    let (_, bytes) = line.raw.pop().expect("an answer");
    let answer = String::from_utf8(bytes).unwrap();
    assert!(answer.starts_with("SIP/2.0 400 "), "{answer}");
    assert!(answer.contains("rport=5062") && answer.contains("received=192.0.2.7"), "{answer}");
    assert!(line.ua.is_idle());
    assert_eq!(line.ua.counters().malformed, 1);
}

#[test]
fn malformed_acks_and_responses_are_never_answered() {
    let mut line = Line::new();
    line.receive(Phone::new("ACK").text().replace("CSeq: 1 ACK", "CSeq: one ACK"));
    line.receive("SIP/2.0 2xx OK\r\nVia: SIP/2.0/UDP a\r\n\r\n");
    // A keep-alive is not even a fault.
    line.receive("\r\n\r\n");
    line.receive("hello");
    line.receive(Phone::new("ACK").text());
    line.receive(reply(&request_of(&Phone::new("BYE")), 200, "x", None, None));
    assert!(line.names().is_empty() && line.raw.is_empty());
    assert_eq!((line.ua.counters().malformed, line.ua.counters().stray), (3, 2));
}

fn request_of(phone: &Phone) -> crate::sip::wire::Request {
    match read(phone.text().as_bytes()) {
        crate::sip::wire::Message::Request(request) => request,
        crate::sip::wire::Message::Response(_) => unreachable!("a request was written"),
    }
}

#[test]
fn requests_of_before_rfc_3261_are_told_apart_without_a_branch() {
    let mut line = Line::new();
    let invite = Phone { branch: "1".to_owned(), ..Phone::invite() };
    line.receive(invite.text());
    let (leg, _) = line.incoming();
    line.receive(invite.text());
    line.receive(invite.cancel().text());
    assert_eq!(line.names(), ["200 CANCEL", "487 INVITE"]);
    assert_eq!(line.told(), [Event::Cancelled { leg }]);
    let other = Phone { cseq: 2, ..invite };
    line.receive(other.text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn a_listener_that_does_not_exist_hears_nothing() {
    let mut line = Line::over(Channel { listener: 9, connection: None });
    line.receive(Phone::invite().text());
    assert!(line.names().is_empty() && line.told().is_empty());
}
