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
        sources: Vec::new(),
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
        let asked =
            self.digest.challenges(self.line.now, to.remote.ip(), &[crate::sip::digest::Algorithm::Sha256], stale);
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
fn a_registrar_that_knows_flows_is_told_which_device_we_are_and_says_how_often_it_wants_to_hear_of_us() {
    let instance = "urn:uuid:00000000-0000-4000-8000-000000000001".to_owned();
    let mut line = Line::with(UaConfig { instance: Some(instance), ..config() });
    let settings = TrunkSettings { keep_alive: KeepAlive::Crlf(s(60)), ..settings() };
    line.tell(|ua, now| ua.set_trunks(now, vec![settings]));
    let digest = DigestServer::new("carrier", &mut Random::for_testing(9));
    let mut carrier = Carrier { line, digest };
    carrier.locate(Transport::Udp, &[CARRIER]);
    let (request, to) = carrier.request();
    let contact = "<sip:desk@192.0.2.1:5060>;+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-000000000001>\";\
                   reg-id=1;expires=600";
    assert_eq!(request.headers.first(&Name::Contact), Some(contact));
    assert!(request.headers.has_token(&Name::Supported, "outbound"));
    carrier.answer(&request, to, 200, &[("Expires", "600"), ("Flow-Timer", "25"), ("Require", "outbound")]);
    carrier.is_up();
    carrier.line.advance(s(61));
    assert_eq!(carrier.line.pings, 3, "every 20 s");
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
pub fn binding_answer(transaction: [u8; 12], seen: SocketAddr) -> Vec<u8> {
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
    assert_eq!(carrier.line.ua.trunk_way("another"), None);
    let (leg, first, to) = carrier.calls();
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
    let answer = reply(&second, 200, "t", Some("<sip:138@192.0.2.40>"), Some(SDP));
    carrier.line.input(Input::Received { via: to.channel, source: to.remote, bytes: answer.as_bytes() });
    assert!(matches!(carrier.line.told().as_slice(), [Event::Answered { .. }]));
    let (ack, _) = carrier.request();
    let proof = second.headers.first(&Name::ProxyAuthorization);
    assert_eq!(ack.headers.first(&Name::ProxyAuthorization), proof, "the ACK has its INVITE's credentials");
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
    let asked = |nonce: &str| format!("Digest realm=\"carrier\", nonce=\"{nonce}\", qop=\"auth\"");
    let (_, first, to) = carrier.calls();
    carrier.answer(&first, to, 401, &[("WWW-Authenticate", &asked("n1"))]);
    let sent = carrier.line.take().pop().expect("an INVITE");
    carrier.answer(sent.request(), sent.to, 401, &[("WWW-Authenticate", &asked("n2"))]);
    assert!(matches!(carrier.line.told().as_slice(), [Event::Failed { status: 401, .. }]));
    carrier.leave();
}

#[test]
fn a_call_over_a_trunk_that_is_reached_elsewhere_says_so() {
    let mut carrier = Carrier::new(settings(), Transport::Udp, &[CARRIER]);
    let (request, to) = carrier.request();
    carrier.answer(&request, to, 200, &[("Expires", "600")]);
    carrier.line.told();
    carrier.line.source = at(CARRIER);
    let invite = Phone::invite().header("Allow: INVITE, ACK, BYE, UPDATE");
    carrier.line.up(&invite);
    carrier.line.take();
    carrier.line.tell(|ua, now| ua.local_changed(now, at(CARRIER), at("192.0.2.1:0").ip()));
    let (request, to) = carrier.request();
    let via = request.headers.first(&Name::Via).expect("a Via").replace(";rport", ";rport=31024;received=198.51.100.9");
    let mut response = request.response(200);
    response.headers.set(Name::Via, via);
    carrier.line.input(Input::Received { via: to.channel, source: to.remote, bytes: &response.to_bytes() });
    let (request, to) = carrier.request();
    carrier.answer(&request, to, 200, &[("Expires", "600")]);
    let (update, to) = carrier.request();
    assert_eq!(update.method.as_str(), "UPDATE");
    let contact = update.headers.first(&Name::Contact).expect("a contact");
    assert_eq!(contact, "<sip:desk@198.51.100.9:31024>");
    carrier.answer(&update, to, 200, &[]);
    carrier.line.advance(s(1));
    let bye = invite.next("BYE", 2, update.headers.from().expect("it is ours").tag().expect("a tag"));
    carrier.line.receive(bye.text());
    carrier.line.told();
    carrier.leave();
}

#[test]
fn of_two_lines_at_one_carrier_the_one_that_is_called_has_the_call() {
    let mut carrier = Carrier::new(settings(), Transport::Udp, &[CARRIER]);
    let (request, to) = carrier.request();
    carrier.answer(&request, to, 200, &[("Expires", "600")]);
    carrier.line.told();
    let address = "sip:nights@carrier.example".parse().expect("a URI");
    let second = TrunkSettings { name: "nights".to_owned(), address, ..settings() };
    carrier.line.tell(|ua, now| ua.set_trunks(now, vec![settings(), second]));
    carrier.locate(Transport::Udp, &[CARRIER]);
    let (request, to) = carrier.request();
    carrier.answer(&request, to, 200, &[("Expires", "600")]);
    carrier.line.told();
    carrier.line.source = at(CARRIER);
    for (n, user, trunk) in [(1, "desk", "carrier"), (2, "nights", "nights"), (3, "somebody", "carrier")] {
        let invite = Phone { uri: format!("sip:{user}@192.0.2.1"), ..Phone::invite() }.call(n);
        carrier.line.receive(invite.text());
        let (leg, invited) = carrier.line.incoming();
        assert_eq!(invited.trunk.as_deref(), Some(trunk), "{user}");
        carrier.line.tell(|ua, now| ua.reject(now, leg, 486, None)).expect("it rings");
    }
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

impl Carrier {
    /// A call over the trunk, which is up: its INVITE.
    #[track_caller]
    fn calls(&mut self) -> (LegId, Request, Destination) {
        let way = self.line.ua.trunk_way("carrier").expect("it is up");
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
        self.line.told();
        let leg = self.line.tell(|ua, now| ua.invite(now, call)).expect("it goes out");
        let (invite, to) = self.request();
        (leg, invite, to)
    }

    /// As `calls`, once the carrier knows who calls.
    #[track_caller]
    fn calls_with_proof(&mut self) -> (LegId, Request, Destination) {
        let (leg, invite, to) = self.calls();
        self.answer(&invite, to, 407, &[("Proxy-Authenticate", ASKED)]);
        let again = self.line.take().pop().expect("an INVITE");
        (leg, again.request().clone(), to)
    }

    fn says(&mut self, to: Destination, text: &str) {
        self.line.input(Input::Received { via: to.channel, source: to.remote, bytes: text.as_bytes() });
    }
}

const ASKED: &str = "Digest realm=\"carrier\", nonce=\"n1\", qop=\"auth\"";

#[test]
fn proofs_are_for_the_trunks_own_servers_wherever_a_contact_or_route_leads() {
    for (contact, route) in [("<sip:+1900@203.0.113.66>", None), ("<sip:1@192.0.2.40>", Some("<sip:203.0.113.66;lr>"))]
    {
        let mut carrier = Carrier::new(settings(), Transport::Udp, &[CARRIER]);
        carrier.accept("3000");
        carrier.line.told();
        carrier.line.source = at(CARRIER);
        let invite = Phone { contact: Some(contact.to_owned()), ..Phone::invite() }.via("SIP/2.0/UDP 192.0.2.40:5060");
        let invite = route.iter().fold(invite, |invite, route| invite.header(&format!("Record-Route: {route}")));
        carrier.line.receive(invite.text());
        let (leg, _) = carrier.line.incoming();
        carrier.line.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
        let tag = carrier.line.one().to_tag();
        carrier.line.receive(invite.next("ACK", 1, &tag).text());
        carrier.line.told();
        carrier.line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
        let (bye, to) = carrier.request();
        assert_eq!(to.remote.ip(), at("203.0.113.66:0").ip(), "{contact} {route:?}");
        assert!(!bye.headers.contains(&Name::Authorization), "{bye:?}");
        carrier.answer(&bye, to, 401, &[("WWW-Authenticate", "Digest realm=\"carrier\", nonce=\"theirs\"")]);
        assert!(carrier.line.take().is_empty(), "a stranger's challenge is not answered");
        carrier.leave();
    }
}

#[test]
fn requests_that_cross_a_challenge_do_not_use_a_number_twice() {
    let mut carrier = Carrier::new(settings(), Transport::Udp, &[CARRIER]);
    carrier.accept("3000");
    let (leg, invite, to) = carrier.calls_with_proof();
    carrier.says(to, &reply(&invite, 200, "t", Some("<sip:138@192.0.2.40>"), Some(SDP)));
    carrier.line.take();
    let mut sent = Vec::new();
    for _ in 0..2 {
        let info = |ua: &mut UserAgent, now| ua.info(now, leg, "application/dtmf-relay", b"Signal=1".to_vec());
        carrier.line.tell(info).unwrap();
        sent.extend(carrier.line.take());
    }
    let challenge = [("Proxy-Authenticate", ASKED)];
    let first: Vec<(Request, Destination)> = sent.iter().map(|sent| (sent.request().clone(), sent.to)).collect();
    let mut numbers: Vec<u32> = first.iter().map(|(info, _)| info.headers.cseq().unwrap().number).collect();
    for (n, (info, to)) in first.iter().enumerate() {
        carrier.answer(info, *to, 407, &[("Proxy-Authenticate", &challenge[0].1.replace("n1", &format!("m{n}")))]);
        let (again, to) = carrier.request();
        numbers.push(again.headers.cseq().unwrap().number);
        carrier.answer(&again, to, 200, &[]);
    }
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    carrier.line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    let (bye, to) = carrier.request();
    carrier.answer(&bye, to, 200, &[]);
    carrier.line.told();
    carrier.leave();
}

#[test]
fn a_prack_is_challenged_too_and_answers_are_counted() {
    let mut carrier = Carrier::new(settings(), Transport::Udp, &[CARRIER]);
    carrier.accept("3000");
    let (leg, invite, to) = carrier.calls_with_proof();
    let rings = |rseq: u32| {
        let text = reply(&invite, 183, "t", Some("<sip:138@192.0.2.40>"), None);
        text.replacen("Content-Length:", &format!("Require: 100rel\r\nRSeq: {rseq}\r\nContent-Length:"), 1)
    };
    carrier.says(to, &rings(1));
    let (prack, to) = carrier.request();
    assert_eq!(prack.method.as_str(), "PRACK");
    carrier.answer(&prack, to, 407, &[("Proxy-Authenticate", &ASKED.replace("n1", "n2"))]);
    let (again, to) = carrier.request();
    assert!(again.headers.first(&Name::ProxyAuthorization).expect("a proof").contains("n2"));
    assert_eq!(again.headers.cseq().unwrap().number, prack.headers.cseq().unwrap().number + 1);
    carrier.answer(&again, to, 200, &[]);
    // Somebody who says ever more is not acknowledged for ever.
    let mut acknowledged = 0;
    for rseq in 2..1_000 {
        carrier.says(to, &rings(rseq));
        acknowledged += carrier.line.take().len();
    }
    assert!((100..300).contains(&acknowledged), "{acknowledged}");
    carrier.line.told();
    carrier.line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    carrier.says(to, &reply(&invite, 487, "t", None, None));
    carrier.line.take();
    carrier.line.told();
    carrier.line.advance(s(40));
    carrier.line.take();
    carrier.leave();
}

#[test]
fn an_answer_that_twists_our_own_tag_takes_no_other_calls_place() {
    let mut carrier = Carrier::new(settings(), Transport::Udp, &[CARRIER]);
    carrier.accept("3000");
    let (leg, invite, to) = carrier.calls_with_proof();
    let text = reply(&invite, 200, "t", Some("<sip:138@192.0.2.40>"), Some(SDP));
    let own = invite.headers.call_id().unwrap();
    carrier.says(to, &text.replace(own, "another-call"));
    carrier.line.take();
    carrier.line.told();
    carrier.line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    let (bye, to) = carrier.request();
    assert_eq!(bye.headers.call_id().unwrap(), own);
    carrier.answer(&bye, to, 200, &[]);
    carrier.leave();
}

#[test]
fn a_stream_on_which_nothing_is_said_is_not_waited_for_long_and_late_words_do_not_count() {
    let mut carrier = Carrier::new(settings(), Transport::Tcp, &[CARRIER]);
    let (first, to) = carrier.request();
    carrier.line.advance(s(11));
    carrier.is_down(Why::Silent);
    carrier.line.advance(s(1));
    carrier.locate(Transport::Tcp, &[CARRIER]);
    let (second, _) = carrier.request();
    carrier.answer(&first, to, 403, &[]);
    carrier.is_down(Why::Silent);
    carrier.answer(&second, to, 200, &[("Expires", "600")]);
    carrier.is_up();
    carrier.line.advance(s(40));
    carrier.is_up();
    carrier.leave();
}

#[test]
fn a_server_that_closes_every_connection_is_not_asked_in_a_tight_circle() {
    let mut carrier = Carrier::new(settings(), Transport::Tcp, &[CARRIER]);
    let begun = carrier.line.now;
    let mut registered = 0;
    while carrier.line.now.since(begun) < s(600) {
        if carrier.line.told().iter().any(|event| matches!(event, Event::TrunkSeeks { .. })) {
            let trunk = *carrier.line.ua.trunks.keys().next().expect("there is one");
            let target = Target { transport: Transport::Tcp, address: at(CARRIER) };
            carrier.line.tell(|ua, now| ua.trunk_located(now, trunk, &[target]));
        }
        if let Some(sent) = carrier.line.take().pop() {
            registered += 1;
            let connection = ConnectionId(registered);
            let channel = Channel { connection: Some(connection), ..sent.to.channel };
            carrier.answer(sent.request(), Destination { channel, ..sent.to }, 200, &[("Expires", "600")]);
            carrier.line.input(Input::ConnectionClosed { connection });
        }
        carrier.line.advance(ms(100));
    }
    assert!((80..250).contains(&registered), "{registered} in ten minutes");
    carrier.line.take();
    carrier.leave();
}

#[test]
fn changed_settings_begin_when_the_earlier_registration_is_left_for_good() {
    let mut carrier = Carrier::new(settings(), Transport::Udp, &[CARRIER]);
    let (request, to) = carrier.request();
    carrier.answer(&request, to, 200, &[("Expires", "600")]);
    carrier.line.told();
    let other = TrunkSettings { register_for: Some(s(60)), ..settings() };
    carrier.line.tell(|ua, now| ua.set_trunks(now, vec![other.clone()]));
    assert_eq!(carrier.line.told(), [], "the earlier one has not left yet");
    // The registrar does not answer: after two seconds nothing more is said for the earlier one.
    carrier.line.advance(s(3));
    let told = carrier.line.told();
    assert!(
        matches!(told.as_slice(), [Event::Trunk { standing: Standing::Left, .. }, Event::TrunkSeeks { .. }]),
        "{told:?}"
    );
    carrier.line.take();
    carrier.line.events = told;
    carrier.locate(Transport::Udp, &[CARRIER]);
    let (request, to) = carrier.request();
    carrier.answer(&request, to, 200, &[("Expires", "3000")]);
    carrier.line.advance(s(40));
    assert!(carrier.line.take().is_empty(), "nothing takes the new binding away");
    carrier.is_up();
    // One that had not begun yet is given up without a word to the registrar.
    carrier.line.tell(|ua, now| ua.set_trunks(now, vec![settings()]));
    carrier.line.tell(|ua, now| ua.set_trunks(now, Vec::new()));
    let (request, to) = carrier.request();
    assert_eq!(request.headers.first(&Name::Expires), Some("0"));
    carrier.answer(&request, to, 200, &[]);
    carrier.leave();
}

#[test]
fn another_address_of_ours_is_told_to_all_trunks_of_a_host_and_tables_stay_bounded() {
    let mut config = config();
    config.listeners[0].local = at("0.0.0.0:5060");
    let mut line = Line::with(config);
    let other = TrunkSettings { name: "other".to_owned(), address: "sip:b@x".parse().unwrap(), ..settings() };
    line.tell(|ua, now| ua.set_trunks(now, vec![settings(), other]));
    let seeks = |event: Event| if let Event::TrunkSeeks { trunk, .. } = event { Some(trunk) } else { None };
    let trunks: Vec<_> = line.told().into_iter().filter_map(seeks).collect();
    let mut carrier = Carrier { line, digest: DigestServer::new("r", &mut Random::for_testing(9)) };
    for (trunk, address) in trunks.into_iter().zip(["192.0.2.40:5060", "192.0.2.40:5080"]) {
        let target = Target { transport: Transport::Udp, address: at(address) };
        carrier.line.tell(|ua, now| ua.trunk_located(now, trunk, &[target]));
        let (request, to) = carrier.request();
        carrier.answer(&request, to, 200, &[]);
    }
    carrier.line.tell(|ua, now| ua.local_changed(now, at("192.0.2.40:5060"), at("10.7.0.5:0").ip()));
    let told: Vec<String> = carrier.line.take().iter().map(|sent| sent.header(Name::Contact)).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|contact| contact.contains("10.7.0.5")), "{told:?}");
    for n in 0..30_000u32 {
        let peer = SocketAddr::new(std::net::IpAddr::V4(n.into()), 5060);
        carrier.line.tell(|ua, now| ua.local_changed(now, peer, at("10.7.0.5:0").ip()));
    }
    assert!(carrier.line.ua.locals.len() <= 10_000);
    carrier.line.tell(|ua, now| ua.set_trunks(now, Vec::new()));
    for sent in carrier.line.take() {
        if sent.header(Name::Expires) == "0" {
            carrier.answer(sent.request(), sent.to, 200, &[]);
        }
    }
}

#[test]
fn two_lines_of_one_address_are_two_flows_to_the_registrar() {
    let mut line = Line::with(UaConfig { instance: Some("urn:uuid:0".to_owned()), ..config() });
    let second = TrunkSettings { name: "backup".to_owned(), servers: "sip:b.example".parse().unwrap(), ..settings() };
    line.tell(|ua, now| ua.set_trunks(now, vec![settings(), second]));
    let seeks = |event: Event| if let Event::TrunkSeeks { trunk, .. } = event { Some(trunk) } else { None };
    let trunks: Vec<_> = line.told().into_iter().filter_map(seeks).collect();
    let mut flows = Vec::new();
    for (trunk, address) in trunks.into_iter().zip([CARRIER, SECOND]) {
        let target = Target { transport: Transport::Udp, address: at(address) };
        line.tell(|ua, now| ua.trunk_located(now, trunk, &[target]));
        let contact: NameAddr = line.one().header(Name::Contact).parse().expect("a contact");
        flows.push(contact.param("reg-id").map(str::to_owned));
    }
    assert_eq!(flows, [Some("2".to_owned()), Some("1".to_owned())]);
    line.tell(|ua, now| ua.set_trunks(now, Vec::new()));
    line.take();
}

#[test]
fn a_call_over_a_trunk_that_was_left_still_answers_challenges_and_two_changes_in_a_row_leave_in_peace() {
    let mut carrier = Carrier::new(settings(), Transport::Udp, &[CARRIER]);
    carrier.accept("3000");
    let (leg, invite, to) = carrier.calls_with_proof();
    carrier.says(to, &reply(&invite, 200, "t", Some("<sip:138@192.0.2.40>"), Some(SDP)));
    carrier.line.take();
    carrier.line.told();
    carrier.line.tell(|ua, now| ua.set_trunks(now, Vec::new()));
    let (request, to) = carrier.request();
    assert_eq!(request.headers.first(&Name::Expires), Some("0"));
    carrier.line.tell(|ua, now| ua.set_trunks(now, Vec::new()));
    assert_eq!(carrier.line.told(), [], "it has its time");
    carrier.challenge(&request, to, false);
    let (request, to) = carrier.request();
    carrier.answer(&request, to, 200, &[]);
    assert_eq!((carrier.line.told().len(), carrier.line.ua.trunks().count()), (1, 0));
    carrier.line.advance(s(90));
    carrier.line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    let (bye, to) = carrier.request();
    carrier.answer(&bye, to, 407, &[("Proxy-Authenticate", &ASKED.replace("n1", "n2"))]);
    let (again, to) = carrier.request();
    assert!(again.headers.first(&Name::ProxyAuthorization).expect("a proof").contains("n2"));
    carrier.answer(&again, to, 200, &[]);
    carrier.line.advance(s(60));
    assert!(carrier.line.ua.trunks.is_empty());
}
