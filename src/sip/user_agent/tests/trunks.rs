//! Trunks: registering with carriers, and calls that they challenge.

use std::net::SocketAddr;
use std::time::Duration;

use super::line::*;
use crate::sip::digest::DigestServer;
use crate::sip::locate::Target;
use crate::sip::trunk::{Account, KeepAlive, Standing, TrunkSettings, Why};
use crate::sip::user_agent::*;
use crate::sip::wire::{Name, NameAddr, Request, Transport};
use crate::types::{Random, Redacted};

const CARRIER: &str = "192.0.2.40:5060";
const SECOND: &str = "192.0.2.41:5060";

fn s(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn at(address: &str) -> SocketAddr {
    address.parse().expect("an address")
}

fn settings() -> TrunkSettings {
    TrunkSettings {
        name: "carrier".to_owned(),
        address: "sip:desk@carrier.example".parse().expect("a URI"),
        domain: "sip:carrier.example".parse().expect("a URI"),
        servers: "sip:carrier.example".parse().expect("a URI"),
        account: Some(Account { user: "desk".to_owned(), password: Redacted("secret".to_owned()) }),
        register_for: Some(s(600)),
        keep_alive: KeepAlive::Off,
    }
}

/// A line with that trunk, and the registrar's side of the digest.
struct Carrier {
    line: Line,
    digest: DigestServer,
}

impl Carrier {
    fn new(settings: TrunkSettings, transport: Transport, servers: &[&str]) -> Carrier {
        let mut line = Line::new();
        line.tell(|ua, now| ua.set_trunks(now, vec![settings]));
        let digest = DigestServer::new("carrier", &mut Random::for_testing(9));
        let mut carrier = Carrier { line, digest };
        carrier.locate(transport, servers);
        carrier
    }

    #[track_caller]
    fn locate(&mut self, transport: Transport, servers: &[&str]) {
        let told = self.line.told();
        let seeks = told.iter().find_map(|event| match event {
            Event::TrunkSeeks { trunk, .. } => Some(*trunk),
            _ => None,
        });
        let trunk = seeks.unwrap_or_else(|| panic!("it is to ask where its servers are: {told:?}"));
        let servers: Vec<_> = servers.iter().map(|server| Target { transport, address: at(server) }).collect();
        self.line.tell(|ua, now| ua.trunk_located(now, trunk, &servers));
    }

    /// The one request that went out last.
    #[track_caller]
    fn request(&mut self) -> (Request, Destination) {
        let sent = self.line.one();
        (sent.request().clone(), sent.to)
    }

    #[track_caller]
    fn request_within(&mut self, within: Duration) -> (Request, Destination) {
        let end = self.line.now + within;
        while self.line.sent.is_empty() && self.line.now < end {
            self.line.advance(ms(100));
        }
        self.request()
    }

    /// Answers as the registrar.
    fn answer(&mut self, request: &Request, to: Destination, status: u16, fields: &[(&str, &str)]) {
        let mut response = request.response(status);
        for (name, value) in fields {
            response.headers.push(Name::from_token(name), *value);
        }
        self.line.input(Input::Received { via: to.channel, source: to.remote, bytes: &response.to_bytes() });
    }

    fn challenge(&mut self, request: &Request, to: Destination, stale: bool) {
        let asked = self.digest.challenges(self.line.now, &[crate::sip::digest::Algorithm::Sha256], stale);
        self.answer(request, to, 401, &[("WWW-Authenticate", &asked[0])]);
    }

    /// Challenges the first REGISTER and accepts the second.
    #[track_caller]
    fn accept(&mut self, expires: &str) {
        let (request, to) = self.request();
        self.challenge(&request, to, false);
        let (request, to) = self.request();
        let contact = request.headers.first(&Name::Contact).expect("it has one").to_owned();
        self.answer(&request, to, 200, &[("Contact", &with_expires(&contact, expires))]);
    }

    #[track_caller]
    fn is_up(&mut self) -> Standing {
        let standing = self.standing();
        assert!(standing.is_up(), "{standing:?}");
        standing
    }

    #[track_caller]
    fn is_down(&mut self, expected: Why) {
        match self.standing() {
            Standing::Down { why, .. } => assert_eq!(why, expected),
            other => panic!("{other:?}"),
        }
    }

    fn standing(&self) -> Standing {
        self.line.ua.trunks().next().expect("there is one").1.clone()
    }

    /// The line is given up; what goes out then is answered.
    fn leave(mut self) {
        self.line.take();
        self.line.tell(|ua, now| ua.set_trunks(now, Vec::new()));
        for sent in self.line.take() {
            let request = sent.request().clone();
            assert_eq!(request.headers.first(&Name::Expires), Some("0"));
            self.answer(&request, sent.to, 200, &[]);
        }
        assert_eq!(self.line.ua.trunks().count(), 0);
    }
}

fn with_expires(contact: &str, expires: &str) -> String {
    let mut contact: NameAddr = contact.parse().expect("a contact");
    contact.set_param("expires", Some(expires.to_owned()));
    contact.to_string()
}

#[test]
fn it_registers_answers_the_challenge_and_renews_before_the_end() {
    let mut carrier = Carrier::new(settings(), Transport::Udp, &[CARRIER]);
    let (first, to) = carrier.request();
    assert_eq!((first.method.as_str(), first.uri.to_string().as_str()), ("REGISTER", "sip:carrier.example"));
    assert_eq!(to.remote, at(CARRIER));
    assert_eq!(first.headers.first(&Name::Expires), Some("600"));
    assert_eq!(first.headers.first(&Name::Contact), Some("<sip:desk@192.0.2.1:5060>;expires=600"));
    assert!(!first.headers.contains(&Name::Authorization));
    carrier.challenge(&first, to, false);
    let (second, to) = carrier.request();
    let proof = second.headers.first(&Name::Authorization).expect("a proof");
    assert!(proof.contains("nc=00000001") && proof.contains("algorithm=SHA-256"), "{proof}");
    assert_eq!(second.headers.call_id().ok(), first.headers.call_id().ok());
    assert_eq!(second.headers.cseq().expect("a number").number, 2);
    carrier.answer(&second, to, 200, &[("Contact", "<sip:desk@192.0.2.1:5060>;expires=100")]);
    carrier.is_up();
    carrier.line.advance(s(59));
    assert!(carrier.line.take().is_empty(), "it is not renewed so early");
    let (third, to) = carrier.request_within(s(21));
    let proof = third.headers.first(&Name::Authorization).expect("it proves itself unasked");
    assert!(proof.contains("nc=00000002"), "{proof}");
    carrier.challenge(&third, to, true);
    let (fourth, to) = carrier.request();
    assert!(fourth.headers.first(&Name::Authorization).expect("a proof").contains("nc=00000001"));
    carrier.answer(&fourth, to, 200, &[("Expires", "100")]);
    carrier.is_up();
    carrier.leave();
}

#[test]
fn a_wrong_password_is_said_once_and_not_tried_in_a_hurry() {
    let mut carrier = Carrier::new(settings(), Transport::Udp, &[CARRIER]);
    let (request, to) = carrier.request();
    carrier.challenge(&request, to, false);
    let (request, to) = carrier.request();
    carrier.challenge(&request, to, false);
    carrier.is_down(Why::WrongPassword);
    assert_eq!(carrier.line.events.len(), 1);
    let mut tries = 0;
    for _ in 0..24 * 3600 {
        carrier.line.advance(s(1));
        if carrier.line.events.iter().any(|event| matches!(event, Event::TrunkSeeks { .. })) {
            tries += 1;
            carrier.locate(Transport::Udp, &[CARRIER]);
            for _ in 0..2 {
                let (request, to) = carrier.request();
                carrier.challenge(&request, to, false);
            }
            assert_eq!(carrier.line.told(), [], "nothing is new");
        }
    }
    assert!((40..100).contains(&tries), "{tries} tries a day");
    carrier.leave();
}

#[test]
fn a_registrar_that_asks_in_circles_is_left_alone_after_five_rounds() {
    let mut carrier = Carrier::new(settings(), Transport::Udp, &[CARRIER]);
    let mut asked = 0;
    while let Some(sent) = carrier.line.take().pop() {
        asked += 1;
        assert!(asked < 20, "it goes in circles");
        let nonce = format!("Digest realm=\"carrier\", nonce=\"n{asked}\", qop=\"auth\", stale=true");
        carrier.answer(sent.request(), sent.to, 401, &[("WWW-Authenticate", &nonce)]);
    }
    assert_eq!(asked, 6);
    carrier.is_down(Why::OddChallenge);
    carrier.leave();
}

#[test]
fn a_registrar_that_wants_longer_registrations_gets_one() {
    let mut carrier = Carrier::new(settings(), Transport::Udp, &[CARRIER]);
    let (request, to) = carrier.request();
    carrier.answer(&request, to, 423, &[("Min-Expires", "1800")]);
    let (request, to) = carrier.request();
    assert_eq!(request.headers.first(&Name::Expires), Some("1800"));
    carrier.answer(&request, to, 423, &[("Min-Expires", "1800")]);
    carrier.is_down(Why::Refused(423));
    carrier.leave();
}

#[test]
fn the_next_server_is_tried_when_one_is_silent_or_can_not_be_reached() {
    let mut carrier = Carrier::new(settings(), Transport::Udp, &[CARRIER, SECOND]);
    carrier.line.advance(s(9));
    let to: Vec<SocketAddr> = carrier.line.take().iter().map(|sent| sent.to.remote).collect();
    assert_eq!(to.last(), Some(&at(SECOND)), "{to:?}");
    let there = Input::TransportFailed { channel: UDP, to: at(SECOND) };
    carrier.line.input(there);
    carrier.is_down(Why::Unreachable);
    carrier.line.told();
    carrier.line.advance(s(2));
    // The first request is still being sent; nobody waits for its answer.
    carrier.line.take();
    carrier.locate(Transport::Udp, &[CARRIER, SECOND]);
    let (request, to) = carrier.request();
    assert_eq!(to.remote, at(CARRIER));
    carrier.answer(&request, to, 503, &[]);
    let (request, to) = carrier.request();
    assert_eq!(to.remote, at(SECOND));
    carrier.answer(&request, to, 200, &[("Expires", "100")]);
    carrier.is_up();
    // Its renewal goes back to the first choice, and it stays up where it is until that answers.
    carrier.line.told();
    carrier.line.advance(s(80));
    carrier.line.take();
    carrier.locate(Transport::Udp, &[CARRIER, SECOND]);
    let (request, to) = carrier.request();
    assert_eq!(to.remote, at(CARRIER));
    carrier.is_up();
    carrier.answer(&request, to, 200, &[("Expires", "100")]);
    match carrier.is_up() {
        Standing::Up { server, .. } => assert_eq!(server, at(CARRIER)),
        other => panic!("{other:?}"),
    }
    carrier.leave();
}

#[test]
fn a_registrar_that_vanishes_for_an_hour_is_found_within_seconds_of_its_return() {
    let mut carrier = Carrier::new(settings(), Transport::Tcp, &[CARRIER]);
    carrier.accept("60");
    carrier.is_up();
    carrier.line.told();
    let mut tries = 0;
    let begun = carrier.line.now;
    carrier.line.advance(s(48));
    while carrier.line.now.since(begun) < s(3600) {
        if carrier.line.events.iter().any(|event| matches!(event, Event::TrunkSeeks { .. })) {
            carrier.locate(Transport::Tcp, &[CARRIER]);
        }
        for sent in carrier.line.take() {
            tries += 1;
            carrier.line.input(Input::TransportFailed { channel: sent.to.channel, to: sent.to.remote });
        }
        carrier.line.advance(ms(500));
    }
    assert!((400..1200).contains(&tries), "{tries} tries in an hour");
    // It is back: within eight seconds it is asked.
    let back = carrier.line.now;
    let sent = loop {
        if carrier.line.events.iter().any(|event| matches!(event, Event::TrunkSeeks { .. })) {
            carrier.locate(Transport::Tcp, &[CARRIER]);
        }
        if let Some(sent) = carrier.line.take().pop() {
            break sent;
        }
        carrier.line.advance(ms(100));
    };
    assert!(carrier.line.now.since(back) < s(8), "{:?}", carrier.line.now.since(back));
    carrier.answer(sent.request(), sent.to, 200, &[]);
    carrier.is_up();
    carrier.leave();
}

#[test]
fn a_lost_connection_is_made_anew_at_once() {
    let mut carrier = Carrier::new(settings(), Transport::Tcp, &[CARRIER]);
    let (request, to) = carrier.request();
    let connection = Some(ConnectionId(7));
    let to = Destination { channel: Channel { connection, ..to.channel }, ..to };
    carrier.answer(&request, to, 200, &[("Expires", "600")]);
    carrier.is_up();
    carrier.line.input(Input::ConnectionClosed { connection: ConnectionId(8) });
    carrier.is_up();
    carrier.line.told();
    carrier.line.input(Input::ConnectionClosed { connection: ConnectionId(7) });
    carrier.is_down(Why::ConnectionLost);
    carrier.line.advance(ms(400));
    carrier.locate(Transport::Tcp, &[CARRIER]);
    let (request, to) = carrier.request();
    carrier.answer(&request, to, 200, &[("Expires", "600")]);
    carrier.is_up();
    carrier.leave();
}

#[test]
fn behind_nat_it_registers_what_the_registrar_sees() {
    let mut carrier = Carrier::new(settings(), Transport::Udp, &[CARRIER]);
    let (request, to) = carrier.request();
    let via = request.headers.first(&Name::Via).expect("a Via").replace(";rport", ";rport=31024;received=198.51.100.9");
    let mut response = request.response(200);
    response.headers.set(Name::Via, via);
    carrier.line.input(Input::Received { via: to.channel, source: to.remote, bytes: &response.to_bytes() });
    let (request, to) = carrier.request();
    let contacts: Vec<&str> = request.headers.all(&Name::Contact).collect();
    let expected = ["<sip:desk@198.51.100.9:31024>;expires=600", "<sip:desk@192.0.2.1:5060>;expires=0"];
    assert_eq!(contacts, expected);
    carrier.answer(&request, to, 200, &[("Expires", "600")]);
    match carrier.is_up() {
        Standing::Up { external, .. } => assert_eq!(external, Some(at("198.51.100.9:31024"))),
        other => panic!("{other:?}"),
    }
    assert_eq!(carrier.line.ua.external_towards(at(CARRIER)), Some(at("198.51.100.9:31024").ip()));
    assert_eq!(carrier.line.ua.external_towards(at(PHONE)), None);
    carrier.leave();
}

#[test]
fn stun_on_the_sip_socket_notices_that_the_nat_gives_another_address() {
    let settings = TrunkSettings { keep_alive: KeepAlive::Stun(s(20)), ..settings() };
    let mut carrier = Carrier::new(settings, Transport::Udp, &[CARRIER]);
    let (request, to) = carrier.request();
    carrier.answer(&request, to, 200, &[("Expires", "600")]);
    carrier.is_up();
    let asked = carrier.line.stun.len();
    carrier.line.advance(s(21));
    assert_eq!(carrier.line.stun.len(), asked + 1);
    let transaction: [u8; 12] = carrier.line.stun.last().expect("it asks")[8..20].try_into().expect("twelve bytes");
    // Nobody else can tell: another source, another transaction.
    for (source, transaction) in [(SECOND, transaction), (CARRIER, [0; 12])] {
        let bytes = binding_answer(transaction, at("203.0.113.66:6666"));
        carrier.line.input(Input::Received { via: UDP, source: at(source), bytes: &bytes });
    }
    assert!(carrier.line.take().is_empty());
    let bytes = binding_answer(transaction, at("198.51.100.9:31024"));
    carrier.line.input(Input::Received { via: UDP, source: at(CARRIER), bytes: &bytes });
    let (request, to) = carrier.request();
    let contact = request.headers.first(&Name::Contact).expect("a contact");
    assert!(contact.starts_with("<sip:desk@198.51.100.9:31024>"), "{contact}");
    carrier.answer(&request, to, 200, &[("Expires", "600")]);
    carrier.is_up();
    carrier.leave();
}

/// XOR-MAPPED-ADDRESS of RFC 8489 section 14.2, made by hand.
fn binding_answer(transaction: [u8; 12], seen: SocketAddr) -> Vec<u8> {
    let cookie = [0x21, 0x12, 0xa4, 0x42];
    let std::net::IpAddr::V4(ip) = seen.ip() else { panic!("IPv4 is meant") };
    let mut bytes = vec![0x01, 0x01, 0, 12];
    bytes.extend(cookie);
    bytes.extend(transaction);
    bytes.extend([0x00, 0x20, 0, 8, 0, 1]);
    bytes.extend((seen.port() ^ 0x2112).to_be_bytes());
    bytes.extend(ip.octets().iter().zip(cookie).map(|(byte, key)| byte ^ key));
    bytes
}

#[test]
fn a_changed_trunk_registers_when_the_old_registration_is_taken_back() {
    let mut carrier = Carrier::new(settings(), Transport::Udp, &[CARRIER]);
    let (request, to) = carrier.request();
    carrier.answer(&request, to, 200, &[("Expires", "600")]);
    carrier.is_up();
    carrier.line.told();
    let changed = TrunkSettings { keep_alive: KeepAlive::Options(s(20)), ..settings() };
    carrier.line.tell(|ua, now| ua.set_trunks(now, vec![changed]));
    let (request, to) = carrier.request();
    assert_eq!(request.headers.first(&Name::Expires), Some("0"));
    assert!(!carrier.line.told().iter().any(|event| matches!(event, Event::TrunkSeeks { .. })), "one after the other");
    carrier.answer(&request, to, 200, &[]);
    carrier.locate(Transport::Udp, &[CARRIER]);
    let (request, to) = carrier.request();
    assert_eq!(request.headers.first(&Name::Expires), Some("600"));
    carrier.answer(&request, to, 200, &[("Expires", "600")]);
    carrier.is_up();
    carrier.leave();
}

/// The Via of the answer to a ping shows it too (RFC 3581).
#[test]
fn a_ping_notices_that_the_nat_gives_another_address() {
    let settings = TrunkSettings { keep_alive: KeepAlive::Options(s(20)), ..settings() };
    let mut carrier = Carrier::new(settings, Transport::Udp, &[CARRIER]);
    let (request, to) = carrier.request();
    carrier.answer(&request, to, 200, &[("Expires", "600")]);
    carrier.is_up();
    carrier.line.advance(s(20));
    let (ping, to) = carrier.request();
    assert_eq!(ping.method.as_str(), "OPTIONS");
    let via = ping.headers.first(&Name::Via).expect("a Via").replace(";rport", ";rport=31024;received=198.51.100.9");
    let mut response = ping.response(200);
    response.headers.set(Name::Via, via);
    carrier.line.input(Input::Received { via: to.channel, source: to.remote, bytes: &response.to_bytes() });
    let (request, to) = carrier.request();
    let contacts: Vec<&str> = request.headers.all(&Name::Contact).collect();
    let expected = ["<sip:desk@198.51.100.9:31024>;expires=600", "<sip:desk@192.0.2.1:5060>;expires=0"];
    assert_eq!(contacts, expected, "calls would be sent to both");
    carrier.answer(&request, to, 200, &[("Expires", "600")]);
    carrier.is_up();
    carrier.leave();
}

#[test]
fn a_server_that_falls_silent_gives_way_to_the_next_within_seconds_and_is_not_heard_late() {
    let settings = TrunkSettings { keep_alive: KeepAlive::Options(s(20)), ..settings() };
    let mut carrier = Carrier::new(settings, Transport::Udp, &[CARRIER, SECOND]);
    let (request, to) = carrier.request();
    carrier.answer(&request, to, 200, &[("Expires", "600")]);
    carrier.line.advance(s(20));
    let (ping, first) = carrier.request();
    let silent_from = carrier.line.now;
    let mut register = None;
    while register.is_none() {
        carrier.line.advance(ms(500));
        assert!(carrier.line.now < silent_from + s(12), "it takes too long");
        register = carrier.line.take().into_iter().find(|sent| sent.name() == "REGISTER");
    }
    let register = register.expect("just seen");
    assert_eq!(register.to.remote, at(SECOND));
    // What the first says now is about nothing any more.
    carrier.answer(&ping, first, 200, &[]);
    assert!(!carrier.standing().is_up());
    carrier.answer(register.request(), register.to, 200, &[("Expires", "600")]);
    carrier.is_up();
    // Nor are the ends of what it was asked.
    carrier.line.advance(s(19));
    carrier.is_up();
    carrier.leave();
}

#[test]
fn a_connection_that_brings_nothing_is_not_used_again() {
    let settings = TrunkSettings { keep_alive: KeepAlive::Options(s(20)), ..settings() };
    let mut carrier = Carrier::new(settings, Transport::Tcp, &[CARRIER]);
    let (request, to) = carrier.request();
    let to = Destination { channel: Channel { connection: Some(ConnectionId(7)), ..to.channel }, ..to };
    carrier.answer(&request, to, 200, &[("Expires", "600")]);
    carrier.line.told();
    carrier.line.advance(s(31));
    let told = carrier.line.told();
    assert!(told.contains(&Event::Close { to }), "{told:?}");
    carrier.is_down(Why::Silent);
    carrier.line.take();
    carrier.leave();
}

#[test]
fn a_peer_that_takes_no_registrations_is_asked_whether_it_lives() {
    let keep_alive = KeepAlive::Options(s(30));
    let settings = TrunkSettings { register_for: None, keep_alive, ..settings() };
    let mut carrier = Carrier::new(settings, Transport::Udp, &[CARRIER]);
    let (request, to) = carrier.request();
    assert_eq!(request.method.as_str(), "OPTIONS");
    carrier.answer(&request, to, 404, &[]);
    carrier.is_up();
    carrier.line.told();
    for _ in 0..3 {
        carrier.line.advance(s(30));
        let (request, to) = carrier.request();
        carrier.answer(&request, to, 200, &[]);
    }
    carrier.is_up();
    assert!(carrier.line.told().is_empty(), "nothing has changed");
    while carrier.standing().is_up() {
        carrier.line.advance(s(1));
    }
    carrier.is_down(Why::Silent);
    carrier.line.take();
    carrier.line.advance(s(8));
    carrier.locate(Transport::Udp, &[CARRIER]);
    let sent = carrier.line.take().pop().expect("it is asked again");
    carrier.answer(sent.request(), sent.to, 200, &[]);
    carrier.is_up();
    carrier.leave();
}

#[test]
fn our_address_changes_and_the_registrar_is_told() {
    let mut config = config();
    config.listeners[0].local = at("0.0.0.0:5060");
    let mut carrier = Carrier { line: Line::with(config), digest: DigestServer::new("r", &mut Random::for_testing(9)) };
    carrier.line.tell(|ua, now| ua.set_trunks(now, vec![settings()]));
    carrier.line.tell(|ua, _| ua.learn_local(at(CARRIER).ip(), at("10.0.0.5:0").ip()));
    carrier.locate(Transport::Udp, &[CARRIER]);
    let (request, to) = carrier.request();
    carrier.answer(&request, to, 200, &[]);
    carrier.is_up();
    carrier.line.tell(|ua, now| ua.local_changed(now, at(CARRIER), at("10.7.0.5:0").ip()));
    let (request, to) = carrier.request();
    assert!(request.headers.first(&Name::Contact).expect("a contact").contains("10.7.0.5"), "{request:?}");
    carrier.answer(&request, to, 200, &[]);
    carrier.leave();
}

#[test]
fn a_call_over_a_trunk_takes_its_way_and_answers_its_challenges() {
    let mut carrier = Carrier::new(settings(), Transport::Udp, &[CARRIER]);
    let (request, to) = carrier.request();
    carrier.answer(&request, to, 200, &[("Service-Route", "<sip:192.0.2.40;lr>"), ("Expires", "3000")]);
    let way = carrier.line.ua.trunk_way("carrier").expect("it is up");
    assert_eq!(carrier.line.ua.trunk_way("another"), None);
    let call = OutgoingInvite {
        target: way.domain.clone().with_user("13800138000"),
        destination: way.destination,
        from: NameAddr::new(way.address.clone()),
        contact_user: "desk".to_owned(),
        trunk: Some(way.trunk),
        routes: Vec::new(),
        sdp: Some(OURS.into()),
        replaces: None,
        referred_by: None,
        headers: Vec::new(),
    };
    carrier.line.told();
    let leg = carrier.line.tell(|ua, now| ua.invite(now, call)).expect("it goes out");
    let (first, to) = carrier.request();
    assert_eq!(first.headers.first(&Name::Route), Some("<sip:192.0.2.40;lr>"));
    let asked = "Digest realm=\"carrier\", nonce=\"n1\", qop=\"auth\"";
    carrier.answer(&first, to, 407, &[("Proxy-Authenticate", asked)]);
    let sent = carrier.line.take();
    assert_eq!(sent.iter().map(Sent::name).collect::<Vec<_>>(), ["ACK", "INVITE"]);
    let second = sent[1].request().clone();
    assert!(second.headers.contains(&Name::ProxyAuthorization));
    assert_eq!(second.headers.call_id().ok(), first.headers.call_id().ok());
    assert_eq!(second.headers.cseq().expect("a number").number, first.headers.cseq().expect("a number").number + 1);
    assert_eq!(second.headers.all(&Name::Via).count(), 1);
    assert!(carrier.line.told().is_empty(), "the call goes on");
    let answer = reply(&second, 200, "t", Some("<sip:138@192.0.2.50>"), Some(SDP));
    carrier.line.input(Input::Received { via: to.channel, source: to.remote, bytes: answer.as_bytes() });
    assert!(matches!(carrier.line.told().as_slice(), [Event::Answered { .. }]));
    carrier.line.take();
    carrier.line.tell(|ua, now| ua.hang_up(now, leg)).expect("it is up");
    let (bye, to) = carrier.request();
    assert!(bye.headers.first(&Name::ProxyAuthorization).expect("a proof").contains("nc=00000002"));
    carrier.answer(&bye, to, 407, &[("Proxy-Authenticate", &asked.replace("n1", "n2"))]);
    let (again, to) = carrier.request();
    assert_eq!(again.method.as_str(), "BYE");
    assert_eq!(again.headers.cseq().expect("a number").number, bye.headers.cseq().expect("a number").number + 1);
    carrier.answer(&again, to, 200, &[]);
    carrier.leave();
}

#[test]
fn a_call_that_is_refused_for_its_password_fails_as_such() {
    let mut carrier = Carrier::new(settings(), Transport::Udp, &[CARRIER]);
    let (request, to) = carrier.request();
    carrier.answer(&request, to, 200, &[("Expires", "3000")]);
    let way = carrier.line.ua.trunk_way("carrier").expect("it is up");
    let call = OutgoingInvite {
        target: way.domain.clone().with_user("13800138000"),
        destination: way.destination,
        from: NameAddr::new(way.address.clone()),
        contact_user: "desk".to_owned(),
        trunk: Some(way.trunk),
        routes: Vec::new(),
        sdp: Some(OURS.into()),
        replaces: None,
        referred_by: None,
        headers: Vec::new(),
    };
    carrier.line.told();
    carrier.line.tell(|ua, now| ua.invite(now, call)).expect("it goes out");
    for nonce in ["n1", "n2"] {
        let sent = carrier.line.take().pop().expect("an INVITE");
        let asked = format!("Digest realm=\"carrier\", nonce=\"{nonce}\", qop=\"auth\"");
        carrier.answer(sent.request(), sent.to, 401, &[("WWW-Authenticate", &asked)]);
    }
    assert!(matches!(carrier.line.told().as_slice(), [Event::Failed { status: 401, .. }]));
    carrier.leave();
}

#[test]
fn other_settings_make_another_trunk_and_the_same_ones_stay() {
    let mut carrier = Carrier::new(settings(), Transport::Udp, &[CARRIER]);
    let (request, to) = carrier.request();
    carrier.answer(&request, to, 200, &[("Expires", "600")]);
    carrier.line.tell(|ua, now| ua.set_trunks(now, vec![settings()]));
    assert!(carrier.line.take().is_empty());
    carrier.line.told();
    let other = TrunkSettings { register_for: Some(s(60)), ..settings() };
    carrier.line.tell(|ua, now| ua.set_trunks(now, vec![other]));
    let (request, to) = carrier.request();
    assert_eq!(request.headers.first(&Name::Expires), Some("0"));
    carrier.answer(&request, to, 200, &[]);
    carrier.locate(Transport::Udp, &[CARRIER]);
    let (request, to) = carrier.request();
    assert_eq!(request.headers.first(&Name::Expires), Some("60"));
    carrier.answer(&request, to, 200, &[]);
    carrier.leave();
}
