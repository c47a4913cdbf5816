//! Who guesses passwords, looks for accounts, or floods the line (`sip::guard`).

use super::line::*;
use super::registering::{account, desk, phone, register};
use crate::sip::digest::Challenge;
use crate::sip::guard::GuardConfig;
use crate::sip::user_agent::*;
use crate::sip::wire::{Message, Name};

const CONTACT: &str = "<sip:100@192.0.2.7:5062>";

/// REGISTERs with a wrong password, each with a challenge of its own; how many of them were answered 403.
fn guesses(line: &mut Line, from: u32, count: u32) -> u32 {
    let mut refused = 0;
    for n in 0..count {
        line.take();
        line.receive(register(from + 2 * n, CONTACT).text());
        let Some(asked) = line.take().pop() else { continue };
        let Some(challenge) = Challenge::first_of(asked.message.headers(), &Name::WwwAuthenticate) else { continue };
        let answer = challenge.answer("REGISTER", "sip:frontdesk", "100", "guess", "c", 1);
        let again = register(from + 2 * n + 1, CONTACT).branch(&format!("guess-{from}-{n}"));
        line.receive(again.header(&format!("Authorization: {answer}")).text());
        refused += u32::from(line.take().pop().is_some_and(|sent| sent.name() == "403 REGISTER"));
    }
    refused
}

#[test]
fn the_tenth_wrong_password_bans_its_source_and_it_is_told_once() {
    let mut line = desk();
    line.source = "192.0.2.66:5060".parse().unwrap();
    assert_eq!(guesses(&mut line, 1, 10), 10);
    let banned = |event: &&Event| matches!(event, Event::Banned { failures: 10, .. });
    assert_eq!(line.told().iter().filter(banned).count(), 1);
    let now = line.now;
    assert!(line.ua.is_banned(now, line.source.ip()));
    line.receive(Phone::new("OPTIONS").text());
    line.receive(register(900, CONTACT).text());
    assert!(line.take().is_empty() && line.ua.counters().dropped == 2);
    line.source = PHONE.parse().unwrap();
    assert_eq!(line.proven(&register(902, CONTACT).header("Expires: 60"), "secret").name(), "200 REGISTER");
    line.source = "192.0.2.66:5060".parse().unwrap();
    line.advance(ms(3_600_000));
    assert_eq!(guesses(&mut line, 1_000, 1), 1, "an hour later it is read again");
    line.take();
}

#[test]
fn challenges_and_stale_nonces_are_no_guesses() {
    let mut line = desk();
    for n in 0..50 {
        line.receive(register(1 + n, CONTACT).branch(&format!("first-{n}")).text());
        let challenge = Challenge::first_of(line.one().message.headers(), &Name::WwwAuthenticate).unwrap();
        let foreign = Challenge { nonce: "of-another-run".to_owned(), ..challenge };
        let answer = foreign.answer("REGISTER", "sip:frontdesk", "100", "secret", "c", 1);
        let again = register(100 + n, CONTACT).branch(&format!("stale-{n}"));
        line.receive(again.header(&format!("Authorization: {answer}")).text());
        assert_eq!(line.one().name(), "401 REGISTER");
    }
    assert!(!line.ua.is_banned(line.now, line.source.ip()));
}

#[test]
fn where_a_phone_is_registered_its_neighbours_fault_does_not_cut_it_off() {
    let mut line = desk();
    line.proven(&register(1, CONTACT).header("Expires: 120"), "secret");
    line.source = "192.0.2.7:9999".parse().unwrap();
    for n in 0..3 {
        guesses(&mut line, 100 + n * 100, 15);
        line.advance(ms(10_000));
        line.answer_all();
    }
    assert!(!line.ua.is_banned(line.now, line.source.ip()));
    line.take();
}

/// What an account-seeker sees of a REGISTER, but for what is random.
fn seen(line: &mut Line, user: &str, password: Option<&str>, n: u32) -> String {
    let request = phone("REGISTER", user, n).branch(&format!("seek-{n}"));
    let answer = match password {
        Some(password) => line.proven(&request, password),
        None => {
            line.receive(request.text());
            line.one()
        }
    };
    let Message::Response(response) = &answer.message else { panic!("a response") };
    let mut seen = format!("{} {}\n", response.status, response.reason);
    for name in [Name::WwwAuthenticate, Name::Server, Name::RetryAfter, Name::Contact, Name::Allow] {
        for value in response.headers.all(&name) {
            let plain = value.split(',').filter(|part| !part.contains("nonce="));
            seen += &format!("{name}: {}\n", plain.collect::<Vec<_>>().join(","));
        }
    }
    seen
}

#[test]
fn an_account_that_nobody_has_looks_like_one_with_another_password() {
    let mut line = desk();
    assert_eq!(seen(&mut line, "100", None, 1), seen(&mut line, "nobody", None, 2));
    let wrong = seen(&mut line, "100", Some("guess"), 3);
    assert!(wrong.starts_with("403"));
    assert_eq!(wrong, seen(&mut line, "nobody", Some("guess"), 5));
}

#[test]
fn too_many_requests_get_503_without_memory_and_then_nothing() {
    let guard = GuardConfig { requests_per_second_per_source_max: 5, ..GuardConfig::default() };
    let mut line = Line::with(UaConfig { guard, ..config() });
    let options = |n: u32| Phone::new("OPTIONS").branch(&format!("o{n}")).text();
    let names: Vec<String> = (0..30)
        .flat_map(|n| {
            line.receive(options(n));
            line.take()
                .iter()
                .map(|sent| format!("{} {}", sent.name(), sent.header(Name::RetryAfter)))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(names.len(), 20, "{names:?}");
    assert!(names[..10].iter().all(|name| name.trim() == "200 OPTIONS"));
    let waits: Vec<u32> =
        names[10..].iter().map(|name| name.trim_start_matches("503 OPTIONS ").parse().unwrap()).collect();
    assert!(waits.iter().all(|s| (5..=10).contains(s)) && waits.iter().any(|s| *s != waits[0]), "{waits:?}");
    assert_eq!(line.ua.counters().too_fast, 20);
    line.source = "192.0.2.8:5060".parse().unwrap();
    line.receive(options(99));
    assert_eq!(line.one().name(), "200 OPTIONS");
}

#[test]
fn scanners_learn_nothing_unless_the_settings_say_so() {
    let scan = Phone::new("OPTIONS").header("User-Agent: friendly-scanner").text();
    let mut line = Line::new();
    line.receive(&scan);
    assert!(line.take().is_empty() && line.ua.counters().dropped == 1);
    let guard = GuardConfig { drops_scanners: false, ..GuardConfig::default() };
    let mut line = Line::with(UaConfig { guard, ..config() });
    line.receive(&scan);
    assert_eq!(line.one().name(), "200 OPTIONS");
}

#[test]
fn a_ban_of_an_earlier_run_holds_until_it_is_lifted() {
    let mut line = Line::with(UaConfig {
        registrar: RegistrarConfig { accounts: vec![account("100", "secret")], ..RegistrarConfig::default() },
        ..config()
    });
    let (source, until) = (line.source.ip(), line.now + ms(60_000));
    line.ua.ban(source, until);
    line.receive(Phone::new("OPTIONS").text());
    assert!(line.take().is_empty());
    line.ua.lift_ban(source);
    line.receive(Phone::new("OPTIONS").branch("again").text());
    assert_eq!(line.one().name(), "200 OPTIONS");
}

#[test]
fn nobody_is_banned_for_guesses_that_others_send_in_their_name() {
    let mut line = desk();
    let (forger, victim) = ("192.0.2.66:5060".parse().unwrap(), "192.0.2.99:5060".parse().unwrap());
    for n in 0..30 {
        line.source = forger;
        line.receive(register(1 + n, CONTACT).branch(&format!("asked-{n}")).text());
        let challenge = Challenge::first_of(line.one().message.headers(), &Name::WwwAuthenticate).unwrap();
        let answer = challenge.answer("REGISTER", "sip:frontdesk", "100", "guess", "c", 1);
        line.source = victim;
        let again = register(100 + n, CONTACT).branch(&format!("forged-{n}"));
        line.receive(again.header(&format!("Authorization: {answer}")).text());
        assert_eq!(line.one().name(), "401 REGISTER");
    }
    assert!(line.told().is_empty() && !line.ua.is_banned(line.now, victim.ip()));
}

#[test]
fn a_carrier_is_not_banned_for_what_somebody_sends_through_it() {
    use crate::sip::locate::Target;
    use crate::sip::trunk::{KeepAlive, TrunkSettings};
    let mut line = desk();
    line.source = "192.0.2.66:5060".parse().unwrap();
    guesses(&mut line, 1, 10);
    assert!(line.ua.is_banned(line.now, line.source.ip()), "as long as it is nobody's");
    let uri = |text: &str| text.parse().expect("a URI");
    let trunk = TrunkSettings {
        name: "pbx".to_owned(),
        address: uri("sip:desk@pbx.example"),
        domain: uri("sip:pbx.example"),
        servers: uri("sip:pbx.example"),
        account: None,
        register_for: None,
        keep_alive: KeepAlive::Off,
        sources: Vec::new(),
    };
    line.told();
    line.tell(|ua, now| ua.set_trunks(now, vec![trunk]));
    let Some(Event::TrunkSeeks { trunk, .. }) = line.told().pop() else { panic!("it seeks its servers") };
    let target = Target { transport: crate::sip::wire::Transport::Udp, address: line.source };
    line.tell(|ua, now| ua.trunk_located(now, trunk, &[target]));
    assert!(!line.ua.is_banned(line.now, line.source.ip()));
    line.told();
    for n in 0..3 {
        line.advance(ms(61_000));
        assert!(guesses(&mut line, 1_000 * (n + 1), 25) > 0, "they are refused, and heard");
    }
    assert!(!line.told().iter().any(|event| matches!(event, Event::Banned { .. })));
    line.tell(|ua, now| ua.set_trunks(now, Vec::new()));
    line.take();
}

#[test]
fn what_comes_from_a_trunks_own_networks_is_neither_slowed_down_nor_banned() {
    use crate::sip::trunk::{KeepAlive, TrunkSettings};
    use crate::types::Network;
    let guard = GuardConfig { requests_per_second_per_source_max: 5, ..GuardConfig::default() };
    let mut line = Line::with(UaConfig { guard, ..config() });
    let uri = |text: &str| text.parse().expect("a URI");
    let trunk = TrunkSettings {
        name: "pbx".to_owned(),
        address: uri("sip:desk@pbx.example"),
        domain: uri("sip:pbx.example"),
        servers: uri("sip:pbx.example"),
        account: None,
        register_for: None,
        keep_alive: KeepAlive::Off,
        sources: vec![Network { address: "192.0.2.64".parse().unwrap(), prefix: 28 }],
    };
    line.tell(|ua, now| ua.set_trunks(now, vec![trunk]));
    let mut answered = |source: &str| {
        line.source = source.parse().unwrap();
        for n in 0..30 {
            line.receive(Phone::new("OPTIONS").branch(&format!("{source}-{n}")).text());
        }
        line.take().iter().filter(|sent| sent.name() == "200 OPTIONS").count()
    };
    assert_eq!((answered("192.0.2.66:5060"), answered("192.0.2.80:5060")), (30, 10));
    line.told();
    line.tell(|ua, now| ua.set_trunks(now, Vec::new()));
    line.told();
}
