//! The external address, as a STUN server says it.

use std::net::SocketAddr;
use std::time::Duration;

use super::line::*;
use crate::sip::locate::Target;
use crate::sip::user_agent::*;
use crate::sip::wire::{Name, Transport};

const SERVER: &str = "198.51.100.53:3478";

fn at(address: &str) -> SocketAddr {
    address.parse().expect("an address")
}

fn asking() -> Line {
    let stun_server = Some("sip:stun.example.com:3478;transport=udp".parse().expect("a URI"));
    let mut line = Line::with(UaConfig { stun_server, ..config() });
    line.tell(|ua, now| ua.look_outside(now));
    assert!(matches!(line.told().as_slice(), [Event::OutsideSeeks { .. }]));
    located(&mut line);
    line
}

fn located(line: &mut Line) {
    let server = Target { transport: Transport::Udp, address: at(SERVER) };
    line.tell(|ua, now| ua.outside_located(now, &[server]));
}

fn answered(line: &mut Line, source: &str, seen: &str) {
    let request = line.stun.last().expect("it asks").clone();
    let bytes = super::trunks::binding_answer(request[8..20].try_into().expect("twelve bytes"), at(seen));
    line.input(Input::Received { via: UDP, source: at(source), bytes: &bytes });
}

/// The Contact of an answer to a call from the network outside.
fn contact(line: &mut Line, n: usize) -> String {
    line.receive(Phone::invite().call(n).text());
    let (leg, _) = line.incoming();
    line.tell(|ua, now| ua.ring(now, leg)).expect("it rings");
    let contact = line.one().header(Name::Contact);
    line.tell(|ua, now| ua.reject(now, leg, 486, None)).expect("it rang");
    line.take();
    contact
}

#[test]
fn what_the_server_sees_is_what_calls_name() {
    let mut line = asking();
    assert_eq!(line.stun.len(), 1, "one socket of UDP over IPv4");
    assert_eq!(contact(&mut line, 1), "<sip:desk@192.0.2.1:5060>");
    // A stranger can't tell, nor can an answer to nothing.
    answered(&mut line, "203.0.113.66:3478", "203.0.113.66:6666");
    assert_eq!(contact(&mut line, 2), "<sip:desk@192.0.2.1:5060>");
    answered(&mut line, SERVER, "198.51.100.9:31024");
    assert_eq!(line.told(), [Event::Outside { address: at("198.51.100.9:31024") }]);
    assert_eq!(contact(&mut line, 3), "<sip:desk@198.51.100.9:31024>");
    assert_eq!(line.ua.external_towards(at(PHONE)), Some(at("198.51.100.9:0").ip()));
    assert_eq!(line.ua.external_towards(at("127.0.0.1:5060")), None, "who is on this machine is spoken to as before");
    // Asked again, it says another: the NAT has changed.
    line.advance(Duration::from_secs(21));
    assert_eq!(line.stun.len(), 2);
    answered(&mut line, SERVER, "198.51.100.10:1024");
    assert_eq!(line.told(), [Event::Outside { address: at("198.51.100.10:1024") }]);
    line.tell(|ua, _| ua.look_outside_no_more());
}

#[test]
fn a_silent_server_is_told_once_and_looked_for_anew() {
    let mut line = asking();
    line.advance(Duration::from_secs(10));
    assert_eq!(line.stun.len(), 3, "a request may be lost");
    let told = line.told();
    assert!(matches!(told.as_slice(), [Event::OutsideUnknown, Event::OutsideSeeks { .. }]), "{told:?}");
    located(&mut line);
    line.advance(Duration::from_secs(10));
    assert!(matches!(line.told().as_slice(), [Event::OutsideSeeks { .. }]), "it is not told again");
    located(&mut line);
    answered(&mut line, SERVER, "198.51.100.9:31024");
    assert_eq!(line.told(), [Event::Outside { address: at("198.51.100.9:31024") }]);
    line.tell(|ua, _| ua.look_outside_no_more());
}
