//! Phones that come, go, subscribe and lose their connections in any order: the tables keep their limits, and nothing is
//! left in the end.

use super::line::*;
use super::registering::{account, desk, phone};
use crate::sip::user_agent::*;
use crate::types::Random;

fn step(line: &mut Line, chance: &mut Random, n: u32) {
    let mut below = |n: u32| chance.u32() % n;
    let (user, password) = [("100", "secret"), ("101", "other"), ("102", "gone")][below(3) as usize];
    let contact = format!("<sip:{user}@{}:{}>", ["192.0.2.7", "10.0.0.5"][below(2) as usize], 5_000 + below(12));
    let cseq = 2 * n + 1;
    line.channel = [UDP, TCP][below(2) as usize];
    line.source = format!("192.0.2.7:{}", 6_000 + below(3)).parse().unwrap();
    // Bans are no part of this.
    line.ua.lift_ban(line.source.ip());
    let expires = format!("Expires: {}", [0, 60, 90, 120][below(4) as usize]);
    let wrong = below(12) == 0;
    let ask = |line: &mut Line, request: Phone| {
        line.take();
        line.receive(request.text());
        if line.sent.iter().any(|sent| sent.name().starts_with("401")) {
            line.proven(
                &Phone { cseq: cseq + 1, ..request.branch(&format!("again-{n}")) },
                if wrong { "x" } else { password },
            );
        }
    };
    match below(12) {
        0..=3 => ask(line, Phone { contact: Some(contact), ..phone("REGISTER", user, cseq) }.header(&expires)),
        4 => ask(line, Phone { contact: Some("*".to_owned()), ..phone("REGISTER", user, cseq) }.header("Expires: 0")),
        5 | 6 => {
            let mut request = Phone { contact: Some(contact), ..phone("SUBSCRIBE", user, cseq) };
            request.uri = format!("sip:{user}@frontdesk");
            request.call_id = format!("watch-{n}");
            ask(line, request.header(&expires).header("Event: message-summary"));
        }
        7 => line.input(Input::ConnectionClosed { connection: ConnectionId(7) }),
        8 => {
            let accounts = [account("100", "secret"), account("101", "other")];
            let some = accounts[below(2) as usize..].to_vec();
            line.tell(|ua, now| ua.set_accounts(now, some));
        }
        9 => drop(line.tell(|ua, now| ua.set_messages_waiting(now, user, n, 1))),
        10 => line.answer_all(),
        _ => line.input(Input::TransportFailed { channel: line.channel, to: line.source }),
    }
    line.raw.clear();
    line.advance(ms(u64::from(below(20_000))));
}

#[test]
fn phones_come_and_go_in_any_order() {
    for seed in 0..60 {
        let mut line = desk();
        let mut chance = Random::for_testing(seed);
        for n in 0..80 {
            step(&mut line, &mut chance, n);
            let bound: usize = ["100", "101", "102"].iter().map(|user| line.ua.bindings(user).len()).sum();
            assert!(bound <= 12 && line.ua.watchers.len() <= 12, "seed {seed}");
            assert!(["100", "101"].iter().all(|user| line.ua.bindings(user).len() <= 8), "seed {seed}");
        }
        // Each that came went once: what is there now is what came and did not go.
        let told = line.told();
        let came = told.iter().filter(|event| matches!(event, Event::Registered { .. })).count();
        let gone = told.iter().filter(|event| matches!(event, Event::Unregistered { .. })).count();
        assert!(came >= gone && came > 0, "seed {seed}: {came} came, {gone} went");
    }
}
