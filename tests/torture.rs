//! Messages that are hard to read (the classes of RFC 4475 and RFC 5118): each file is named in a table with what has
//! to come of it, and nothing that the network could send may cause a panic.

#[path = "torture/answers.rs"]
mod answers;
#[path = "torture/own.rs"]
mod own;
#[path = "torture/rfc4475.rs"]
mod rfc4475;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use frontdesk::sip::user_agent::{
    Account, Channel, Event, Input, Listener, Output, RegistrarConfig, Secret, UaConfig, UserAgent,
};
use frontdesk::sip::wire::{
    Frame, Framer, Host, Limits, Message, Method, Name, ParseErrorKind, Request, Response, Transport, Uri,
    parse_datagram,
};
use frontdesk::types::{Mono, Random, Redacted};
use proptest::prelude::*;

/// What has to come of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// Read as a request of this method; what the user agent makes of it is its own matter.
    Request(&'static str),
    /// Read as a response of this status.
    Response(u16),
    /// Refused, and answered with this status.
    Refused(u16),
    /// Refused without an answer.
    Dropped,
}

/// What the user agent does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It answers with this status by itself.
    Status(u16),
    /// No answer: it is one itself, or has no sender that could be told.
    Nothing,
    /// It begins a call, which the call floor answers.
    Call,
}

pub type Table = &'static [(&'static str, Expect)];

fn outcome(bytes: &[u8]) -> Expect {
    match parse_datagram(bytes, &Limits::default()) {
        Ok(Message::Request(request)) => Expect::Request(String::leak(request.method.to_string())),
        Ok(Message::Response(response)) => Expect::Response(response.status),
        Err(error) => match error.answerable {
            Some(answerable) => Expect::Refused(answerable.to_response().status),
            None => Expect::Dropped,
        },
    }
}

fn files(folder: &Path, extension: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == extension));
    paths.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap())).collect()
}

fn check(files: &BTreeMap<String, Vec<u8>>, table: Table) {
    let named: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
    let unnamed: Vec<&String> = files.keys().filter(|name| !named.contains(&name.as_str())).collect();
    assert!(unnamed.is_empty(), "files without an expectation: {unnamed:?}");
    let mut wrong = Vec::new();
    for (name, expected) in table {
        let bytes = files.get(*name).unwrap_or_else(|| panic!("{name} is in the table, but there is no such file"));
        let found = outcome(bytes);
        if found != *expected {
            let why = parse_datagram(bytes, &Limits::default()).err().map(|e| e.to_string()).unwrap_or_default();
            wrong.push(format!("{name}: expected {expected:?}, found {found:?} {why}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn own_files() -> BTreeMap<String, Vec<u8>> {
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture/messages"), "sip")
}

fn own(name: &str) -> Vec<u8> {
    own_files().remove(name).unwrap_or_else(|| panic!("no message {name}"))
}

fn own_message(name: &str) -> Message {
    parse_datagram(&own(name), &Limits::default()).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn own_request(name: &str) -> Request {
    match own_message(name) {
        Message::Request(request) => request,
        Message::Response(response) => panic!("{name} is a response: {}", response.status),
    }
}

#[test]
fn own_messages_come_out_as_their_table_says() {
    check(&own_files(), own::TABLE);
}

#[test]
fn the_table_of_rfc_4475_has_all_49_messages() {
    let mut names: Vec<_> = rfc4475::TABLE.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 49);
}

#[test]
fn rfc_4475_messages_come_out_as_the_rfc_says_where_they_are_present() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/torture/rfc4475");
    let folder = std::env::var_os("FRONTDESK_TORTURE").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        check(&files(&folder, "dat"), rfc4475::TABLE);
    } else {
        println!("{} is not here: the messages of RFC 4475 themselves were not read", folder.display());
    }
}

/// A user agent with a phone's account, over UDP in both families.
fn user_agent() -> UserAgent {
    let listener = |local: &str| Listener {
        transport: Transport::Udp,
        local: local.parse().expect("an address"),
        advertised: None,
    };
    let secret = Secret::Password(Redacted("secret".to_owned()));
    let account = Account { user: "desk".to_owned(), secret, md5_only: false };
    let config = UaConfig {
        listeners: vec![listener("192.0.2.1:5060"), listener("[2001:db8::1]:5060")],
        registrar: RegistrarConfig { accounts: vec![account], ..RegistrarConfig::default() },
        ..UaConfig::default()
    };
    UserAgent::new(config, Random::for_testing(1))
}

fn answer(bytes: &[u8], listener: usize) -> Answer {
    let mut ua = user_agent();
    let source = ["192.0.2.7:5062", "[2001:db8::7]:5062"][listener].parse().expect("an address");
    let via = Channel { listener, connection: None };
    ua.handle_input(Mono::from_millis(1), Input::Received { via, source, bytes });
    let mut answer = Answer::Nothing;
    loop {
        match ua.poll_output() {
            Output::Send { bytes, .. } => {
                let status = std::str::from_utf8(&bytes[8..11]).expect("it is ours").parse().expect("a status");
                assert_eq!(answer, Answer::Nothing, "one answer");
                answer = Answer::Status(status);
            }
            Output::Event(Event::Incoming { .. }) => answer = Answer::Call,
            Output::Event(_) => {}
            Output::Wait(_) => return answer,
        }
    }
}

#[test]
fn the_user_agent_answers_each_message_of_rfc_4475_as_the_table_says_where_they_are_present() {
    let mut names: Vec<_> = answers::TABLE.iter().map(|(name, _)| *name).collect();
    let mut listed: Vec<_> = rfc4475::TABLE.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    listed.sort_unstable();
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/torture/rfc4475");
    let folder = std::env::var_os("FRONTDESK_TORTURE").map_or(beside, PathBuf::from);
    if !folder.is_dir() {
        println!("{} is not here: the messages of RFC 4475 themselves were not sent", folder.display());
    } else {
        let files = files(&folder, "dat");
        let found: Vec<_> = rfc4475::TABLE.iter().map(|(name, _)| (*name, answer(&files[*name], 0))).collect();
        let wrong: Vec<_> = found.iter().filter(|found| !answers::TABLE.contains(found)).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
    assert_eq!(names, listed, "every message is in both tables, once");
}

/// RFC 5118 in messages of our own: what can be read is answered, over either family, and what can't is refused.
#[test]
fn the_user_agent_answers_ipv6_in_every_dress() {
    let of_ipv6 = own::TABLE.iter().filter(|(name, _)| name.contains("ipv6"));
    let mut count = 0;
    for (name, expected) in of_ipv6 {
        let expected = match expected {
            Expect::Request("INVITE") => Answer::Call,
            Expect::Request(_) => Answer::Status(200),
            Expect::Refused(status) => Answer::Status(*status),
            other => panic!("{name}: {other:?}"),
        };
        for listener in [0, 1] {
            assert_eq!(answer(&own(name), listener), expected, "{name}");
        }
        count += 1;
    }
    assert!(count > 20, "{count}");
}

#[test]
fn folded_fields_mean_what_they_say() {
    let request = own_request("folded_everywhere");
    let vias = request.headers.vias().unwrap();
    let hosts: Vec<String> = vias.iter().map(|via| via.host.to_string()).collect();
    assert_eq!(hosts, ["192.0.2.7", "edge.desk.example", "192.0.2.99"]);
    assert_eq!(vias[2].branch(), Some("z9hG4bKq2"));
    let from = request.headers.from().unwrap();
    assert_eq!(from.display.as_deref(), Some("Li \\\"Na\""));
    assert_eq!(from.tag(), Some("77ab"));
    assert_eq!(request.headers.to().unwrap().param("x-p"), Some("1"));
    assert_eq!(request.headers.max_forwards(), Ok(Some(70)));
    assert_eq!(request.headers.cseq().unwrap().number, 12);
    assert_eq!(request.headers.first(&Name::Subject), Some(""));
    assert_eq!(request.headers.first(&"x-long".parse::<Name>().unwrap()), Some("one two"));
    assert!(request.headers.routes().unwrap()[0].uri.is_loose());
    assert_eq!(request.headers.contact().unwrap().unwrap().param("q"), Some("0.5"));
    assert!(request.body.starts_with(b"v=0\r\n"));
}

#[test]
fn odd_characters_survive() {
    let request = own_request("token_characters");
    assert_eq!(request.uri.password.as_deref(), Some("&pw=1,+$"));
    assert_eq!(request.uri.host, Some(Host::Name("desk.example".to_owned())));
    assert_eq!(request.headers.from().unwrap().display.as_deref(), Some("tok~` tok'+_ %!.-"));
    assert_eq!(request.headers.from().unwrap().param("p''~+*_!.-%"), Some("\"тест"));
    assert_eq!(request.headers.to().unwrap().display.as_deref(), Some("B:\x07 N:\0 D:\x7f"));
}

#[test]
fn escapes_are_undone_in_uris_alone() {
    let request = own_request("escapes");
    assert_eq!(request.uri.user.as_deref(), Some("sip:desk@inner"));
    assert_eq!(request.uri.to_string(), "sip:sip%3Adesk%40inner@desk.example");
    assert_eq!(request.headers.to().unwrap().uri.user.as_deref(), Some("desk"));
    let contact = request.headers.contact().unwrap().unwrap().uri;
    assert!(contact.is_loose());
    assert_eq!(contact.param("key"), Some("val%41"));
    let odd = own_request("percent_is_no_escape_in_names");
    assert_eq!(odd.method, Method::Other("OPT%49ONS".to_owned()));
    assert!(!odd.headers.contains(&Name::Contact));
}

#[test]
fn bytes_that_are_not_utf8_go_back_as_they_came() {
    let request = own_request("gbk_display_name");
    let answer = request.response(200).to_bytes();
    let name = b"From: \"\xd5\xc5\xce\xb0\" <sip:201@pbx.desk.example>;tag=g\r\n";
    assert!(answer.windows(name.len()).any(|window| window == name));
}

#[test]
fn a_binary_body_keeps_its_bytes() {
    let request = own_request("binary_body");
    assert!(request.body.windows(3).any(|w| w == b"\x00\xff\xfe"));
    assert!(request.body.ends_with(b"--b7--\r\n"));
}

#[test]
fn what_follows_the_stated_length_is_not_read() {
    assert_eq!(own_request("second_request_behind_the_first").body, b"");
}

#[test]
fn compact_names_are_the_long_ones() {
    let request = own_request("compact_names");
    assert_eq!(request.headers.tokens(&Name::Supported).collect::<Vec<_>>(), ["timer", "100rel"]);
    assert_eq!(request.headers.content_type().as_deref(), Some("application/sdp"));
    assert_eq!(request.headers.first(&"Session-Expires".parse::<Name>().unwrap()), Some("1800"));
    let written = String::from_utf8(request.to_bytes()).unwrap();
    assert!(written.contains("\r\nContact: <sip:a@h>\r\n") && written.contains("\r\nCall-ID: compact@h\r\n"));
}

#[test]
fn ipv6_ports_are_told_from_addresses() {
    let request = own_request("ipv6_literals");
    assert_eq!(request.uri.host, Some(Host::Ip("2001:db8::10".parse().unwrap())));
    assert_eq!(request.uri.port, Some(5070));
    assert_eq!(request.headers.contact().unwrap().unwrap().uri.port, Some(5062));
    let inside = own_request("ipv6_port_inside_the_brackets_is_part_of_it").uri;
    assert_eq!((inside.host, inside.port), (Some(Host::Ip("2001:db8::10:5070".parse().unwrap())), None));
}

#[test]
fn a_refusal_carries_what_the_sender_needs_to_match_it() {
    let error = parse_datagram(&own("bad_quote_open"), &Limits::default()).unwrap_err();
    let answer = error.answerable.unwrap().to_response();
    assert_eq!(answer.status, 400);
    assert_eq!(answer.reason, "Bad To header field: a quoted string has no end");
    assert_eq!(answer.headers.via_top().unwrap().branch(), Some("z9hG4bK-quote"));
    assert_eq!(answer.headers.call_id(), Ok("quote@pbx.desk.example"));
    assert_eq!(answer.headers.cseq().unwrap().method, Method::Invite);
    assert!(answer.headers.first(&Name::To).unwrap().contains(";tag="));
}

#[test]
fn a_refusal_of_a_retransmission_has_the_same_tag() {
    let answer = || {
        let error = parse_datagram(&own("bad_length_negative"), &Limits::default()).unwrap_err();
        error.answerable.unwrap().to_response().to_bytes()
    };
    assert_eq!(answer(), answer());
}

#[test]
fn limits_are_those_that_were_given() {
    let bytes = own("ipv6_literals");
    let kind = |limits: Limits| parse_datagram(&bytes, &limits).unwrap_err().kind;
    let usual = Limits::default();
    assert_eq!(kind(Limits { body_bytes_max: 10, ..usual }), ParseErrorKind::BodyTooLarge);
    assert_eq!(kind(Limits { message_bytes_max: 100, ..usual }), ParseErrorKind::MessageTooLarge);
    assert_eq!(kind(Limits { headers_max: 3, ..usual }), ParseErrorKind::TooManyHeaders);
    assert_eq!(kind(Limits { header_bytes_max: 30, ..usual }), ParseErrorKind::HeaderTooLong(Name::Via));
}

/// Everything that happens to bytes from the network in this room; it may refuse them, never panic. What it accepts
/// must survive being written and read again.
fn exercise(bytes: &[u8]) {
    match parse_datagram(bytes, &Limits::default()) {
        Ok(message) => {
            let again = parse_datagram(&message.to_bytes(), &Limits::default());
            assert_eq!(again.as_ref(), Ok(&message), "{}", String::from_utf8_lossy(bytes));
            let headers = message.headers();
            let _ = (headers.vias(), headers.contacts(), headers.routes(), headers.record_routes());
            let _ = (headers.content_type(), headers.seconds(&Name::Expires));
            let _ = headers.tokens(&Name::Require).count();
        }
        Err(error) => {
            if let Some(answerable) = error.answerable {
                let response = answerable.to_response().to_bytes();
                assert!(response.starts_with(b"SIP/2.0 "));
            }
        }
    }
    let mut framer = Framer::new(Limits::default());
    for piece in bytes.chunks(97) {
        framer.push(piece);
        while let Ok(Some(frame)) = framer.next() {
            if let Frame::Message(message) = frame {
                let _ = parse_datagram(&message, &Limits::default());
            }
        }
    }
}

#[test]
fn a_cut_at_any_byte_is_survived() {
    for bytes in own_files().values().filter(|bytes| bytes.len() < 2_000) {
        for end in 0..=bytes.len() {
            exercise(&bytes[..end]);
        }
    }
}

#[test]
fn thousands_of_mutations_are_survived() {
    let seeds: Vec<Vec<u8>> = own_files().into_values().filter(|bytes| bytes.len() < 3_000).collect();
    let mut dice = Dice(0x5EED_F00D);
    for round in 0..8_000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..=dice.below(4) {
            mutate(&mut bytes, &seeds, &mut dice);
        }
        exercise(&bytes);
    }
}

/// Fixed-seed xorshift: the same mutations on every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end.max(1)).unwrap()).unwrap()
    }
}

fn mutate(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], dice: &mut Dice) {
    const SIGNS: &[u8] = b"\r\n\0 \t:;,<>\"\\@%[]/=?*-09azSV\xff\xe5";
    let at = dice.below(bytes.len());
    match dice.below(6) {
        0 => bytes.insert(at, SIGNS[dice.below(SIGNS.len())]),
        1 if !bytes.is_empty() => bytes[at] = SIGNS[dice.below(SIGNS.len())],
        2 if !bytes.is_empty() => bytes[at] ^= 1 << dice.below(8),
        3 => {
            let end = (at + dice.below(40)).min(bytes.len());
            bytes.drain(at..end);
        }
        4 => {
            let end = (at + dice.below(80)).min(bytes.len());
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        _ => {
            let other = &seeds[dice.below(seeds.len())];
            let from = dice.below(other.len());
            let end = (from + dice.below(60)).min(other.len());
            bytes.splice(at..at, other[from..end].iter().copied());
        }
    }
}

fn header_values() -> impl Strategy<Value = Vec<(Name, String)>> {
    let plain = [Name::Subject, Name::UserAgent, Name::Reason, Name::Supported, Name::from_token("X-Desk")];
    let value = "[!-+\\--~äöü张伟]([ -+\\--~äöü张伟]{0,20}[!-+\\--~äöü张伟])?";
    proptest::collection::vec((proptest::sample::select(plain.to_vec()), value), 0..8)
}

fn with_mandatory(headers: &mut frontdesk::sip::wire::Headers, method: &Method, user: &str) {
    let from = frontdesk::sip::wire::NameAddr::new(Uri::new("10.0.0.1".parse::<Host>().unwrap()).with_user(user));
    headers.push(Name::Via, "SIP/2.0/UDP [2001:db8::1]:5062;branch=z9hG4bK1;rport");
    headers.push(Name::From, from.clone().with_display(user).with_tag("a").to_string());
    headers.push(Name::To, from.to_string());
    headers.push(Name::CallId, "c@h");
    headers.push(Name::CSeq, frontdesk::sip::wire::CSeq::new(1, method.clone()).to_string());
}

proptest! {
    #[test]
    fn a_request_that_is_written_is_read_back_the_same(
        user in "[^\r\n]{1,12}",
        method in "[A-Z]{3,8}",
        others in header_values(),
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let uri = Uri::new("desk.example".parse::<Host>().unwrap()).with_user(user.as_str());
        let mut request = Request::new(Method::from_token(&method), uri);
        with_mandatory(&mut request.headers, &request.method, &user);
        others.into_iter().for_each(|(name, value)| request.headers.push(name, value));
        request.body = body;
        let read = parse_datagram(&request.to_bytes(), &Limits::default());
        prop_assert_eq!(read, Ok(Message::Request(request)));
    }

    #[test]
    fn a_response_that_is_written_is_read_back_the_same(
        status in 100u16..700,
        reason in "[^\r\n]{0,20}",
        others in header_values(),
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut response = Response::new(status);
        response.reason = reason;
        with_mandatory(&mut response.headers, &Method::Invite, "desk");
        others.into_iter().for_each(|(name, value)| response.headers.push(name, value));
        response.body = body;
        let read = parse_datagram(&response.to_bytes(), &Limits::default());
        prop_assert_eq!(read, Ok(Message::Response(response)));
    }

    #[test]
    fn no_value_can_add_a_header(value in "[ -~\r\n]{0,40}", name in "[ -~\r\n]{1,12}") {
        let mut request = Request::new(Method::Other(value.clone()), Uri::new(Host::Name(value.clone())));
        request.headers.push(Name::Other(name), value.clone());
        request.headers.push(Name::Subject, value);
        let bytes = request.to_bytes();
        prop_assert_eq!(bytes.iter().filter(|b| **b == b'\n').count(), 5);
        prop_assert_eq!(bytes.iter().filter(|b| **b == b'\r').count(), 5);
    }

    #[test]
    fn noise_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        exercise(&bytes);
    }
}
