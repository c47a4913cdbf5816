//! TLS and WebSocket: what Via and Contact say, sips URIs, ports and ways (RFC 3261 section 26.2, RFC 5630, RFC 7118).

use super::calling::call;
use super::line::*;
use crate::sip::locate::Family;
use crate::sip::user_agent::*;
use crate::sip::wire::{Name, Transport};

const REMOTE: &str = "192.0.2.7:40001";

fn line(channel: Channel) -> Line {
    let mut line = Line::over(channel);
    line.source = REMOTE.parse().unwrap();
    line
}

/// The Contact of our 200 to a call over this channel to this URI.
fn contact(channel: Channel, via: &str, uri: &str) -> String {
    let mut line = line(channel);
    let invite = Phone { uri: uri.to_owned(), to: format!("<{uri}>"), ..Phone::invite().via(via) };
    line.receive(invite.text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
    let answer = line.one();
    assert_eq!(answer.to.channel, channel);
    line.receive(invite.ack(&answer.to_tag()).text());
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    let bye = line.one();
    assert_eq!(bye.to.channel, channel);
    line.receive(reply(bye.request(), 200, "", None, None));
    answer.header(Name::Contact)
}

#[test]
fn a_contact_names_the_way_that_the_call_came_by() {
    let (tls, wss) = ("SIP/2.0/TLS 192.0.2.7:5062;rport", "SIP/2.0/WSS x.invalid;rport");
    assert_eq!(contact(TLS, tls, "sip:desk@192.0.2.1"), "<sip:desk@192.0.2.1:5061;transport=tls>");
    assert_eq!(contact(TLS, tls, "sips:desk@192.0.2.1"), "<sips:desk@192.0.2.1:5061>");
    assert_eq!(contact(WSS, wss, "sip:desk@192.0.2.1"), "<sip:desk@192.0.2.1:443;transport=ws>");
    assert_eq!(contact(WSS, wss, "sips:desk@192.0.2.1"), "<sips:desk@192.0.2.1:443;transport=ws>");
    // A sips URI that a proxy sends on without TLS: nobody could reach us there by one.
    assert_eq!(contact(UDP, "SIP/2.0/UDP 192.0.2.7:5062;rport", "sips:desk@192.0.2.1"), "<sip:desk@192.0.2.1:5060>");
}

#[test]
fn a_call_of_ours_to_a_sips_uri_says_so_in_via_and_contact() {
    let mut line = line(TLS);
    let target: crate::sip::wire::Uri = "sips:201@trunk.example".parse().unwrap();
    let remote = "192.0.2.7:5061".parse().unwrap();
    let destination = line.ua.way_to(Transport::Tls, remote, 0).expect("a listener");
    assert_eq!(destination.channel, Channel { listener: TLS.listener, connection: None });
    let leg = line.tell(|ua, now| ua.invite(now, OutgoingInvite { target, destination, ..call() })).unwrap();
    let invite = line.one();
    assert!(invite.header(Name::Via).starts_with("SIP/2.0/TLS 192.0.2.1:5061;"), "{}", invite.header(Name::Via));
    assert_eq!(invite.header(Name::Contact), "<sips:desk@192.0.2.1:5061>");
    // It fails as one that could not be sent, and is not sent again: the transport is reliable.
    line.advance(ms(5_000));
    assert!(line.take().is_empty());
    line.input(Input::TransportFailed { channel: destination.channel, to: remote });
    assert!(matches!(line.told().as_slice(), [Event::Failed { leg: failed, status: 503, .. }] if *failed == leg));
}

#[test]
fn a_response_whose_connection_is_gone_follows_the_via_to_the_port_of_its_transport() {
    let mut line = line(TLS);
    let invite = Phone::invite().via("SIP/2.0/TLS 192.0.2.7");
    line.receive(invite.text());
    let (leg, _) = line.incoming();
    line.input(Input::ConnectionClosed { connection: TLS.connection.unwrap() });
    line.tell(|ua, now| ua.reject(now, leg, 486, None)).unwrap();
    assert_eq!(line.one().to.remote, "192.0.2.7:5061".parse().unwrap());
    line.receive(invite.ack_refusal("x").text());
}

#[test]
fn what_our_listeners_lead_to_is_known() {
    let line = Line::new();
    let reachable = line.ua.reachable();
    assert!(reachable.has(Transport::Tls, Family::V4) && !reachable.has(Transport::Tls, Family::V6));
    assert!(reachable.has(Transport::Udp, Family::V6));
    assert_eq!(line.ua.way_to(Transport::Tls, "[2001:db8::7]:5061".parse().unwrap(), 0), None);
}
