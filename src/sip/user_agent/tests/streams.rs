//! Over TCP nothing but the 2xx is repeated, and connections come and go (RFC 3261 section 18.2.2).

use super::line::*;
use crate::sip::user_agent::*;
use crate::sip::wire::Name;

/// A phone that connects from a port of the moment and listens at 5062.
fn line() -> Line {
    let mut line = Line::over(TCP);
    line.source = "192.0.2.7:40001".parse().unwrap();
    line
}

fn invite() -> Phone {
    Phone::invite().via("SIP/2.0/TCP 192.0.2.7:5062;rport")
}

#[test]
fn responses_go_back_through_the_connection_and_could_follow_the_via() {
    let mut line = line();
    line.receive(Phone::new("OPTIONS").via("SIP/2.0/TCP 192.0.2.7:5062;rport").text());
    let answer = line.one();
    assert_eq!(answer.to, Destination { channel: TCP, remote: PHONE.parse().unwrap() });
    assert_eq!(answer.message.headers().via_top().unwrap().param("rport"), Some("40001"));
    assert!(line.ua.is_idle());
}

#[test]
fn refusals_are_not_repeated_and_wait_for_their_ack() {
    let mut line = line();
    line.receive(invite().text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.reject(now, leg, 486, None)).unwrap();
    line.advance(ms(20_000));
    let refusal = line.one();
    line.receive(invite().ack_refusal(&refusal.to_tag()).text());
    assert!(line.ua.is_idle());
}

#[test]
fn our_contact_names_the_transport_and_our_bye_goes_through_the_connection() {
    let mut line = line();
    line.receive(invite().text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
    let answer = line.one();
    assert_eq!(answer.header(Name::Contact), "<sip:desk@192.0.2.1:5060;transport=tcp>");
    line.receive(invite().ack(&answer.to_tag()).text());
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    let bye = line.one();
    assert_eq!(bye.to, Destination { channel: TCP, remote: line.source });
    line.advance(ms(20_000));
    assert!(line.names().is_empty());
    line.receive(reply(bye.request(), 200, "", None, None));
    assert!(line.ua.requests_out.is_empty());
}

#[test]
fn a_closed_connection_is_forgotten_by_calls_and_by_answers() {
    let mut line = line();
    line.receive(invite().text());
    let (ringing, _) = line.incoming();
    line.tell(|ua, now| ua.ring(now, ringing)).unwrap();
    let (up, _) = line.up_after(&invite().call(2));
    line.take();
    line.input(Input::ConnectionClosed { connection: ConnectionId(7) });
    let listening = Destination { channel: Channel { listener: 1, connection: None }, remote: PHONE.parse().unwrap() };
    line.tell(|ua, now| ua.answer(now, ringing, OURS.into())).unwrap();
    assert_eq!(line.one().to, listening);
    line.advance(ms(500));
    assert_eq!(line.one().to, listening);
    line.tell(|ua, now| ua.hang_up(now, up)).unwrap();
    assert_eq!(line.one().to, listening);
    line.input(Input::TransportFailed { channel: listening.channel, to: listening.remote });
    assert!(line.ua.requests_out.is_empty());
}

impl Line {
    /// `up` beside another call whose ringing was not looked at.
    fn up_after(&mut self, invite: &Phone) -> (LegId, String) {
        self.take();
        self.up(invite)
    }
}
