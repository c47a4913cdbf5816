//! Phones register: proof, bindings, expiry, NAT, lock-out (RFC 3261 section 10, RFC 8760).

use super::line::*;
use crate::sip::digest::{Algorithm, Challenge};
use crate::sip::user_agent::*;
use crate::sip::wire::{AuthValue, Name};
use crate::types::Redacted;

const CONTACT: &str = "<sip:100@192.0.2.7:5062>";

pub fn account(user: &str, password: &str) -> Account {
    Account { user: user.to_owned(), secret: Secret::Password(Redacted(password.to_owned())), md5_only: false }
}

/// A line with the accounts 100 and 101; phones may stay for two minutes, so that a test ends with nobody there.
pub fn desk() -> Line {
    desk_with(vec![account("100", "secret"), account("101", "other")])
}

pub fn desk_with(accounts: Vec<Account>) -> Line {
    let registrar = RegistrarConfig { accounts, expires_max_s: 120, ..RegistrarConfig::default() };
    let limits = UaLimits { bindings_max: 12, watchers_max: 12, ..UaLimits::default() };
    Line::with(UaConfig { registrar, limits, ..config() })
}

/// A request of a phone with an account.
pub fn phone(method: &str, user: &str, n: u32) -> Phone {
    Phone {
        uri: "sip:frontdesk".to_owned(),
        from: format!("<sip:{user}@frontdesk>;tag=f{user}"),
        to: format!("<sip:{user}@frontdesk>"),
        call_id: format!("phone-{user}"),
        cseq: n,
        contact: None,
        ..Phone::new(method)
    }
    .branch(&format!("{method}-{user}-{n}"))
}

pub fn register(n: u32, contact: &str) -> Phone {
    Phone { contact: Some(contact.to_owned()), ..phone("REGISTER", "100", n) }
}

impl Line {
    /// Sends it, answers the challenge for it with this password, and gives what then comes back first.
    #[track_caller]
    pub fn proven(&mut self, request: &Phone, password: &str) -> Sent {
        self.take();
        self.receive(request.text());
        let asked = self.one();
        assert_eq!(asked.name(), format!("401 {}", request.method));
        let challenge = Challenge::first_of(asked.message.headers(), &Name::WwwAuthenticate).unwrap();
        self.answered(request, &challenge, password, 1)
    }

    #[track_caller]
    fn answered(&mut self, request: &Phone, challenge: &Challenge, password: &str, count: u32) -> Sent {
        let user = request.from.trim_start_matches("<sip:").split('@').next().unwrap();
        let answer = challenge.answer(&request.method, &request.uri, user, password, "c", count);
        let again = Phone { cseq: request.cseq + 1, ..request.clone() };
        let again = again.branch(&format!("{}-{}", request.branch, count)).header(&format!("Authorization: {answer}"));
        self.receive(again.text());
        self.sent.remove(0)
    }

    /// Answers what we asked the phone since the last look.
    pub fn answer_all(&mut self) {
        for sent in self.take() {
            if let crate::sip::wire::Message::Request(request) = &sent.message {
                self.receive(reply(request, 200, "x", None, None));
            }
        }
    }

    fn contacts(&self, user: &str) -> Vec<String> {
        self.ua.bindings(user).iter().map(|binding| binding.contact.to_string()).collect()
    }
}

#[test]
fn without_accounts_nobody_is_served() {
    let mut line = Line::new();
    line.receive(register(1, CONTACT).text());
    assert_eq!(line.one().name(), "405 REGISTER");
    line.receive(phone("SUBSCRIBE", "100", 1).header("Event: message-summary").text());
    assert_eq!(line.one().name(), "405 SUBSCRIBE");
    let now = line.now;
    line.ua.set_accounts(now, vec![account("100", "secret")]);
    assert_eq!(line.proven(&register(2, CONTACT).header("Expires: 60"), "secret").header(Name::Allow), "");
    line.receive(Phone::new("OPTIONS").text());
    assert_eq!(line.take().pop().unwrap().header(Name::Allow), ALLOW_WITH_PHONES);
}

#[test]
fn a_phone_that_proves_itself_is_found_until_it_expires() {
    let mut line = desk();
    line.receive(register(1, CONTACT).text());
    let asked = line.one();
    let challenges: Vec<&str> = asked.message.headers().all(&Name::WwwAuthenticate).collect();
    assert!(challenges.len() == 2 && challenges[0].contains("SHA-256") && challenges[1].contains("MD5"));
    let answer = line.proven(&register(3, CONTACT).header("Expires: 90"), "secret");
    assert_eq!(
        (answer.name().as_str(), answer.header(Name::Contact)),
        ("200 REGISTER", format!("{CONTACT};expires=90"))
    );
    let contact = "sip:100@192.0.2.7:5062".parse().unwrap();
    let source = PHONE.parse().unwrap();
    assert_eq!(line.told(), [Event::Registered { user: "100".to_owned(), contact, source }]);
    let [binding] = line.ua.bindings("100").try_into().unwrap();
    assert_eq!(binding.destination, Destination { channel: UDP, remote: source });
    assert_eq!(binding.expires_at, line.now + ms(90_000));
    line.advance(ms(89_999));
    assert_eq!(line.contacts("100"), ["sip:100@192.0.2.7:5062"]);
    assert!(line.told().is_empty());
    line.advance(ms(1));
    assert!(line.contacts("100").is_empty());
    assert!(matches!(line.told().as_slice(), [Event::Unregistered { why: Gone::Expired, .. }]));
}

#[test]
fn a_refresh_is_not_told_and_a_wish_for_long_is_cut() {
    let mut line = desk();
    line.proven(&register(1, CONTACT).header("Expires: 60"), "secret");
    line.told();
    line.advance(ms(50_000));
    let answer = line.proven(&register(5, CONTACT).header("Expires: 99999"), "secret");
    assert!(answer.header(Name::Contact).ends_with(";expires=120"));
    assert!(line.told().is_empty());
    line.take();
    line.source = "192.0.2.7:6000".parse().unwrap();
    line.proven(&register(9, CONTACT), "secret");
    assert!(matches!(line.told().as_slice(), [Event::Registered { source, .. }] if *source == line.source));
}

#[test]
fn wrong_passwords_get_403_and_nonces_are_good_once_a_count() {
    let mut line = desk();
    assert_eq!(line.proven(&register(1, CONTACT), "wrong").name(), "403 REGISTER");
    let nobody = Phone { contact: Some(CONTACT.to_owned()), ..phone("REGISTER", "999", 1) };
    assert_eq!(line.proven(&nobody, "secret").name(), "403 REGISTER");
    let other = Phone { to: "<sip:101@frontdesk>".to_owned(), ..register(3, CONTACT) };
    assert_eq!(line.proven(&other, "secret").name(), "403 REGISTER");
    let refused = |user: &str| Event::Unproven { user: user.to_owned(), source: line.source };
    let expected = [refused("100"), refused("999"), refused("101")];
    assert_eq!(line.told(), expected);

    line.receive(register(9, CONTACT).text());
    let challenge = Challenge::first_of(line.one().message.headers(), &Name::WwwAuthenticate).unwrap();
    let mut names = Vec::new();
    for (n, count) in [(10, 1), (11, 1), (12, 2)] {
        let answer = line.answered(&register(n, CONTACT).branch(&format!("n{n}")), &challenge, "secret", count);
        names.push((answer.name(), answer.header(Name::WwwAuthenticate).contains("stale=true")));
        line.take();
    }
    let expected = [("200 REGISTER", false), ("401 REGISTER", true), ("200 REGISTER", false)];
    assert_eq!(names, expected.map(|(name, stale)| (name.to_owned(), stale)));
    line.advance(ms(300_000));
    line.take();
    let late = line.answered(&register(20, CONTACT), &challenge, "secret", 3);
    assert!(late.name() == "401 REGISTER" && late.header(Name::WwwAuthenticate).contains("stale=true"));
}

#[test]
fn who_guesses_is_locked_out_but_not_a_phone_that_is_there() {
    let mut line = desk();
    line.proven(&register(1, CONTACT).header("Expires: 120"), "secret");
    line.take();
    let there = line.source;
    line.source = "192.0.2.7:9999".parse().unwrap();
    for n in 0..10 {
        assert_eq!(line.proven(&register(100 + 2 * n, CONTACT), "guess").name(), "403 REGISTER");
    }
    line.receive(register(200, CONTACT).text());
    let locked = line.one();
    assert_eq!((locked.name().as_str(), locked.header(Name::RetryAfter).as_str()), ("403 REGISTER", "60"));
    line.source = there;
    assert_eq!(line.proven(&register(300, CONTACT), "secret").name(), "200 REGISTER");
    line.source = "192.0.2.7:9999".parse().unwrap();
    assert_eq!(line.proven(&register(400, CONTACT), "secret").name(), "200 REGISTER");
    line.take();
}

#[test]
fn several_phones_are_listed_and_leave_one_by_one_or_together() {
    let mut line = desk();
    line.proven(&register(1, "<sip:100@192.0.2.7:1>;q=0.3, <sip:100@192.0.2.7:2>"), "secret");
    line.take();
    let answer = line.proven(&register(3, "<sip:100@192.0.2.7:3>;expires=60"), "secret");
    line.take();
    let listed = "<sip:100@192.0.2.7:1>;q=0.3;expires=120, <sip:100@192.0.2.7:2>;expires=120, \
                  <sip:100@192.0.2.7:3>;expires=60";
    assert_eq!(answer.header(Name::Contact), listed);
    let called = ["sip:100@192.0.2.7:3", "sip:100@192.0.2.7:2", "sip:100@192.0.2.7:1"];
    assert_eq!(line.contacts("100"), called);
    assert_eq!(line.proven(&phone("REGISTER", "100", 5), "secret").header(Name::Contact), listed);
    line.told();
    line.proven(&register(7, "<sip:100@192.0.2.7:2>;expires=0"), "secret");
    assert_eq!(line.contacts("100").len(), 2);
    assert!(matches!(line.told().as_slice(), [Event::Unregistered { why: Gone::Asked, .. }]));
    for bad in ["Expires: 60", "Allow: BYE"] {
        line.proven_raw(&register(9, "*").header(bad), "secret");
    }
    let answer = line.proven(&register(11, "*").header("Expires: 0"), "secret");
    assert_eq!((answer.name().as_str(), answer.header(Name::Contact).as_str()), ("200 REGISTER", ""));
    assert!(line.contacts("100").is_empty());
    assert_eq!(line.told().len(), 2);
}

impl Line {
    /// As `proven`, for what is answered 400.
    #[track_caller]
    fn proven_raw(&mut self, request: &Phone, password: &str) {
        self.take();
        self.receive(request.text());
        let asked = self.one();
        let challenge = Challenge::first_of(asked.message.headers(), &Name::WwwAuthenticate).unwrap();
        let answer = challenge.answer(&request.method, &request.uri, "100", password, "c", 1);
        let branch = format!("{}-again-{}", request.branch, self.raw.len());
        self.receive(request.clone().branch(&branch).header(&format!("Authorization: {answer}")).text());
        assert!(self.sent.is_empty());
        assert_eq!(self.raw.len(), 1);
        self.raw.clear();
    }
}

#[test]
fn too_brief_too_late_and_too_much_are_refused() {
    let mut line = desk();
    let brief = line.proven(&register(1, CONTACT).header("Expires: 30"), "secret");
    assert_eq!((brief.name().as_str(), brief.header(Name::MinExpires).as_str()), ("423 REGISTER", "60"));
    line.proven(&register(20, CONTACT), "secret");
    line.take();
    assert_eq!(line.proven(&register(10, CONTACT), "secret").name(), "500 REGISTER");
    let many: Vec<String> = (1..=9).map(|n| format!("<sip:100@192.0.2.7:{n}>")).collect();
    line.proven_raw(&register(30, &many.join(", ")), "secret");
    line.proven_raw(&register(40, "<tel:100>"), "secret");
    line.advance(ms(130_000));
    line.take();
    line.proven(&register(50, &many[..8].join(", ")), "secret");
    line.take();
    line.told();
    line.proven(&register(60, &many[8]), "secret");
    line.take();
    assert!(matches!(
        line.told().as_slice(),
        [Event::Unregistered { why: Gone::Displaced, .. }, Event::Registered { .. }]
    ));
    assert_eq!(line.contacts("100").len(), 8);
    let of_101 = Phone { contact: Some(many[..5].join(", ")), ..phone("REGISTER", "101", 1) };
    let full = line.proven(&of_101, "other");
    assert_eq!(full.name(), "503 REGISTER");
    assert!(line.contacts("101").is_empty());
}

#[test]
fn a_phone_behind_nat_is_reached_where_it_came_from_and_pinged() {
    let mut line = desk();
    line.source = "203.0.113.9:31000".parse().unwrap();
    line.proven(&register(1, "<sip:100@10.0.0.5:5060>").header("Expires: 120"), "secret");
    line.answer_all();
    let [binding] = line.ua.bindings("100").try_into().unwrap();
    assert_eq!(binding.destination.remote, line.source);
    line.advance(ms(29_999));
    assert!(line.names().is_empty());
    line.advance(ms(1));
    let ping = line.one();
    assert_eq!((ping.name().as_str(), ping.to.remote), ("OPTIONS", line.source));
    assert_eq!(ping.request().uri.to_string(), "sip:100@10.0.0.5:5060");
    line.receive(reply(ping.request(), 200, "x", None, None));
    line.advance(ms(30_000));
    assert_eq!(line.names(), ["OPTIONS"]);
    assert!(line.told().iter().all(|event| matches!(event, Event::Registered { .. })));
    line.receive("\r\n\r\n");
    assert_eq!(line.ua.counters().malformed, 0);
    line.proven(&register(5, "*").header("Expires: 0"), "secret");
}

#[test]
fn a_phone_whose_connection_closes_is_gone() {
    let mut line = desk();
    line.channel = TCP;
    let via = "SIP/2.0/TCP 192.0.2.7:5062;rport";
    line.proven(&register(1, "<sip:100@192.0.2.7:5062;transport=tcp>").via(via), "secret");
    let other = Phone { contact: Some(CONTACT.to_owned()), ..phone("REGISTER", "101", 1) };
    line.take();
    line.channel = UDP;
    line.proven(&other, "other");
    line.told();
    let [binding] = line.ua.bindings("100").try_into().unwrap();
    assert_eq!(binding.destination.channel, TCP);
    line.input(Input::ConnectionClosed { connection: ConnectionId(7) });
    assert!(matches!(line.told().as_slice(), [Event::Unregistered { why: Gone::ConnectionClosed, .. }]));
    assert_eq!((line.contacts("100").len(), line.contacts("101").len()), (0, 1));
}

#[test]
fn accounts_that_stay_keep_their_phones_and_others_lose_them() {
    let mut line = desk();
    line.proven(&register(1, CONTACT), "secret");
    line.take();
    line.proven(&Phone { contact: Some(CONTACT.to_owned()), ..phone("REGISTER", "101", 1) }, "other");
    line.take();
    line.told();
    line.tell(|ua, now| ua.set_accounts(now, vec![account("100", "changed"), account("102", "x")]));
    assert_eq!((line.contacts("100").len(), line.contacts("101").len()), (1, 0));
    assert!(matches!(
        line.told().as_slice(),
        [Event::Unregistered { user, why: Gone::AccountGone, .. }] if user == "101"
    ));
    assert_eq!(line.proven(&register(9, CONTACT), "secret").name(), "403 REGISTER");
    assert_eq!(line.proven(&register(19, CONTACT), "changed").name(), "200 REGISTER");
}

#[test]
fn an_account_kept_as_hashes_is_asked_for_what_it_has() {
    let md5 = Some(Algorithm::Md5.ha1("100", "frontdesk", "secret"));
    let secret = Secret::Ha1 { md5, sha256: None };
    let hashed = Account { user: "100".to_owned(), secret, md5_only: false };
    let old = Account { md5_only: true, ..account("101", "other") };
    let mut line = desk_with(vec![hashed, old]);
    line.receive(phone("REGISTER", "101", 1).text());
    assert!(line.one().header(Name::WwwAuthenticate).matches("Digest ").count() == 1);
    line.receive(register(1, CONTACT).text());
    let asked = line.one();
    let all: Vec<&str> = asked.message.headers().all(&Name::WwwAuthenticate).collect();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].parse::<AuthValue>().unwrap().param("algorithm"), Some("MD5"));
    assert_eq!(line.proven(&register(3, CONTACT), "secret").name(), "200 REGISTER");
}

#[test]
fn a_registered_phone_can_be_called() {
    let mut line = desk();
    line.source = "203.0.113.9:31000".parse().unwrap();
    line.proven(&register(1, "<sip:100@10.0.0.5:5060>").header("Expires: 60"), "secret");
    line.take();
    let [binding] = line.ua.bindings("100").try_into().unwrap();
    let call = OutgoingInvite { target: binding.contact, destination: binding.destination, ..super::calling::call() };
    let leg = line.tell(|ua, now| ua.invite(now, call)).unwrap();
    let invite = line.one();
    assert_eq!(invite.to.remote, line.source);
    line.receive(reply(invite.request(), 200, "t", Some("<sip:100@10.0.0.5:5060>"), Some(SDP)));
    assert_eq!(line.one().to.remote, line.source);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn a_phone_behind_an_edge_proxy_is_called_through_it() {
    let mut line = desk();
    line.source = "203.0.113.9:5060".parse().unwrap();
    let through = register(1, "<sip:100@10.0.0.5:5060>").header("Require: path").header("Expires: 60");
    let through = through.header("Path: <sip:edge.example;lr;ob=1>, <sip:203.0.113.8;lr>");
    let answer = line.proven(&through, "secret");
    assert_eq!(answer.name(), "200 REGISTER");
    assert_eq!(answer.header(Name::from_token("Path")), "<sip:edge.example;lr;ob=1>, <sip:203.0.113.8;lr>");
    assert_eq!(answer.header(Name::Supported), "path");
    let told = line.take();
    assert_eq!(told[0].header(Name::Route), "<sip:edge.example;lr;ob=1>, <sip:203.0.113.8;lr>", "the lamp too");
    line.advance(ms(40_000));
    assert!(line.names().iter().all(|name| name != "OPTIONS"), "its NAT is the proxy's to keep open");
    let [binding] = line.ua.bindings("100").try_into().unwrap();
    let Binding { contact: target, destination, path: routes, .. } = binding;
    let call = OutgoingInvite { target, destination, routes, ..super::calling::call() };
    let leg = line.tell(|ua, now| ua.invite(now, call)).unwrap();
    let invite = line.one();
    assert_eq!((invite.to.remote, invite.request().uri.to_string().as_str()), (line.source, "sip:100@10.0.0.5:5060"));
    assert_eq!(invite.header(Name::Route), "<sip:edge.example;lr;ob=1>, <sip:203.0.113.8;lr>");
    line.reply(invite.request(), 180, "t");
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    assert_eq!(line.one().header(Name::Route), invite.header(Name::Route));
    line.reply(invite.request(), 487, "t");
}

#[test]
fn a_path_without_end_or_sense_is_refused() {
    for path in ["<nonsense", &["<sip:192.0.2.9;lr>"; 9].join(", ")] {
        let mut line = desk();
        let request = register(1, CONTACT).header(&format!("Path: {path}"));
        line.receive(request.text());
        let challenge = Challenge::first_of(line.one().message.headers(), &Name::WwwAuthenticate).unwrap();
        let answer = challenge.answer(&request.method, &request.uri, "100", "secret", "c", 1);
        let again = Phone { cseq: 2, ..request }.branch("again").header(&format!("Authorization: {answer}"));
        line.receive(again.text());
        assert!(line.sent.is_empty() && line.raw.len() == 1, "a 400");
        assert!(line.ua.bindings("100").is_empty());
    }
}
