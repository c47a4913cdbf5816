//! Whole calls from INVITE to row, as transcripts in `tests/calls/*.call`: `<-` drives the call, the rest is what was seen.
//! `UPDATE_TRANSCRIPTS=1` rewrites them.

mod call_test;

use std::fs;
use std::path::Path;

use call_test::{CallTest, Setup};
use frontdesk::call::admission::Network;
use frontdesk::types::{NumberFormat, SrtpMode};
use proptest::prelude::*;

fn play(script: &str) -> String {
    let mut text = String::new();
    let mut setup = Setup::default();
    let mut call: Option<CallTest> = None;
    for line in script.lines() {
        let Some(command) = line.strip_prefix("<- ") else {
            if call.is_none() && !line.starts_with(|c: char| c.is_ascii_digit()) {
                text += &format!("{line}\n");
            }
            continue;
        };
        text += &format!("{line}\n");
        if let Some(setting) = command.strip_prefix("set ") {
            set(&mut setup, setting);
            continue;
        }
        let call = call.get_or_insert_with(|| CallTest::new(setup.clone()));
        call.command(command);
        text += &call.take_log();
    }
    text
}

fn set(setup: &mut Setup, setting: &str) {
    let (name, value) = setting.split_once(' ').expect("a name and a value");
    match name {
        "after_rings" => setup.after_rings = value.parse().expect("a number"),
        "call_back_denied" => setup.call_back_denied = value.split(',').map(str::to_owned).collect(),
        "outgoing_per_hour_max" => setup.outgoing_per_hour_max = value.parse().expect("a number"),
        "calls_max" => setup.calls_max = value.parse().expect("a number"),
        "ports" => setup.ports = value.parse().expect("a number"),
        "allowed" => setup.allowed.push(network(value)),
        "trusted" => setup.trusted.push(network(value)),
        "refer_to" => setup.refer_to.push(network(value)),
        "people" => setup.people = Some(value.to_owned()),
        "hours" => setup.hours = Some(value.to_owned()),
        "gateway" => setup.gateway = Some(value.to_owned()),
        "call_back_gateway" => setup.call_back_gateway = Some(value.parse().expect("an address")),
        "number_format" => {
            setup.number_format = match value {
                "e164" => NumberFormat::E164,
                "national" => NumberFormat::National,
                other => panic!("no such format: {other}"),
            }
        }
        "duty" => setup.nobody_on_duty = value == "nobody",
        "srtp" => setup.srtp = SrtpMode::from_name(value).expect("off, optional or required"),
        "hour" => setup.hour = value.parse().expect("a number"),
        other => panic!("no such setting: {other}"),
    }
}

fn network(text: &str) -> Network {
    let (address, prefix) = text.split_once('/').expect("a network");
    Network { address: address.parse().expect("an address"), prefix: prefix.parse().expect("a length") }
}

#[test]
fn calls_go_as_their_transcripts_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/calls");
    let update = std::env::var_os("UPDATE_TRANSCRIPTS").is_some();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for entry in fs::read_dir(&folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.extension().is_none_or(|e| e != "call") {
            continue;
        }
        seen += 1;
        let script = fs::read_to_string(&path).expect("it can be read");
        let name = path.file_name().expect("it has one").to_string_lossy().into_owned();
        let Ok(played) = std::panic::catch_unwind(|| play(&script)) else {
            wrong.push(format!("{name}: panicked"));
            continue;
        };
        if played == script {
            continue;
        }
        if update {
            fs::write(&path, played).expect("it can be written");
        } else {
            let (at, line) = first_difference(&script, &played);
            wrong.push(format!("{name}:{at}: {line}"));
        }
    }
    assert!(seen > 20, "the transcripts are gone");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whatever a person's telephone does, the caller is led on within 5 s: the next place rings, or the menu goes on (R17). Who
/// waits for a receptionist (1xx) is in the queue meanwhile, and of duty officers the others still ring.
#[test]
fn no_failure_of_a_telephone_keeps_a_caller_waiting() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/calls");
    let ends = ["busy", "failed", "no_answer", "no_consent", "declined", "message_wanted", "not_called"];
    let mut failures = 0;
    for entry in fs::read_dir(&folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("emergency")) {
            continue;
        }
        let script = fs::read_to_string(&path).expect("it can be read");
        let lines: Vec<(u64, &str)> = script.lines().filter_map(timed).collect();
        for (at, (ms, line)) in lines.iter().enumerate() {
            let failed =
                line.split_once(' ').is_some_and(|(who, end)| who.starts_with(['2', '3']) && ends.contains(&end));
            // The search may go on with others who ring, or be over with the call.
            let mut rest = lines[at + 1..].iter();
            let next =
                rest.find(|(_, line)| ["rings ", "step ", "row ended", "MISSED"].iter().any(|w| line.starts_with(w)));
            let Some((next_ms, _)) = next.filter(|_| failed) else { continue };
            failures += 1;
            assert!(next_ms - ms <= 5_000, "{}: {} ms after `{line}`", path.display(), next_ms - ms);
        }
    }
    assert!(failures > 20, "only {failures} failures found");
}

/// Milliseconds and the rest of a line of what was seen.
fn timed(line: &str) -> Option<(u64, &str)> {
    let (time, rest) = line.split_once(' ')?;
    let (minutes, seconds) = time.split_once(':')?;
    let (seconds, ms) = seconds.split_once('.')?;
    let number = |text: &str| text.parse::<u64>().ok();
    Some((number(minutes)? * 60_000 + number(seconds)? * 1_000 + number(ms)?, rest))
}

fn first_difference(expected: &str, got: &str) -> (usize, String) {
    let mut got = got.lines();
    let mut at = 0;
    for line in expected.lines() {
        at += 1;
        let found = got.next().unwrap_or("(the end)");
        if found != line {
            return (at, format!("`{line}` is expected, not `{found}`"));
        }
    }
    (at + 1, format!("more: `{}`", got.next().unwrap_or_default()))
}

/// More of them by `PROPTEST_CASES`.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(48)
}

/// What was kept of a call's messages: those of all its legs, and no key that may be a PIN.
#[test]
fn the_messages_of_all_legs_are_kept_with_the_call() {
    let mut call = CallTest::new(Setup::default());
    let lines =
        ["invite", "ack", "info 0", "wait 2s", "callee 100 answers", "callee 100 key 1", "wait 3s", "bye", "wait 9s"];
    lines.iter().for_each(|line| call.command(line));
    let [ladder] = &call.ladders[..] else { panic!("one call, not {}", call.ladders.len()) };
    let of = |leg: u32| -> Vec<String> {
        let messages = ladder.messages.iter().filter(|m| m.leg == leg);
        messages
            .map(|m| {
                let line = String::from_utf8_lossy(m.first_line()).replace("SIP/2.0 ", "");
                let way = if m.out { ">" } else { "<" };
                format!("{way} {}", line.split(' ').next().unwrap_or_default())
            })
            .collect()
    };
    assert_eq!(of(0), ["< INVITE", "> 180", "> 200", "< ACK", "< INFO", "> 200", "< BYE", "> 200"]);
    assert_eq!(of(1), ["> INVITE", "< 180", "< 200", "> ACK", "> BYE", "< 200"]);
    assert_eq!(of(2)[0], "> INVITE");
    let all: Vec<u8> = ladder.messages.iter().flat_map(|m| m.bytes.clone()).collect();
    let all = String::from_utf8_lossy(&all);
    assert!(all.contains("Signal=*") && !all.contains("Signal=0"), "{all}");
    assert!(ladder.messages.is_sorted_by_key(|m| m.at_ms) && ladder.left_out == 0);
}

/// A hundred emergencies ring on for callers who are gone; one more is an alarm at once, and what still rings when the line
/// ends is one then.
#[test]
fn more_emergencies_than_may_ring_on_are_alarms() {
    let mut call = CallTest::new(Setup { calls_max: 200, ports: 1_000, ..Setup::default() });
    for _ in 0..101 {
        ["invite", "ack", "key 9", "key 1", "wait 50ms", "bye"].iter().for_each(|line| call.command(line));
    }
    let log = call.take_log();
    assert_eq!(log.matches("MISSED").count(), 1, "{log}");
    assert!(log.contains("MISSED: too many emergencies ring at the same time"), "{log}");
    call.command("shutdown 1s");
    call.command("wait 3s");
    let log = call.take_log();
    assert_eq!(log.matches("MISSED: the line was shut down").count(), 100, "{log}");
}

/// A caller, an emergency that rings, and a call-back that waits.
fn beginning() -> impl Strategy<Value = &'static [&'static str]> {
    prop::sample::select(vec![
        &["invite"][..],
        &["invite", "ack", "key 9", "key 2", "wait 3s"],
        &["invite", "ack", "key 0", "wait 2s", "callee 100 refuses 486", "key 2", "wait 14s", "callee 100 answers"],
    ])
}

fn command() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "invite",
        "invite",
        "invite offerless",
        "invite unknown",
        "ack",
        "ack",
        "ack",
        "ack sdp",
        "key 1",
        "key 1",
        "key 3",
        "key #",
        "key 4",
        "key 0",
        "key 9",
        "callee 201 answers",
        "callee 201 key 1",
        "callee 201 bye",
        "callee 301 refuses 486",
        "callee 301 redirects 302 sip:201@127.0.0.1:5080",
        "callee 100 answers",
        "callee 100 key 1",
        "callee 100 bye",
        "callee 101 answers",
        "callee 101 key 1",
        "callee 13800138000 answers",
        "callee 13800138000 refuses 486",
        "callee 13800138000 bye",
        "callee 101 refuses 603",
        "key 2",
        "info 5",
        "wait 3s",
        "wait 10s",
        "wait 40s",
        "speak 4s",
        "bye",
        "cancel",
        "reinvite hold",
        "reinvite resume",
        "reinvite pcmu",
        "lose media",
        "store fails",
        "store overloaded",
        "store writes",
        "disk full",
        "presence 100 out 20s",
        "presence 101 dnd",
        "presence 100 in",
        "call 1",
        "reload rings 1",
    ])
}

/// What staff, and the caller, may do in any order once a receptionist has taken a call.
fn handing_over() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "callee 100 refers 202",
        "callee 100 refers 301",
        "callee 100 refers park",
        "callee 100 refers 202 with 2",
        "callee 100 refers 202 with 3",
        "callee 100 refers 301 elsewhere",
        "callee 100 key *2202#",
        "callee 100 key *2301#",
        "callee 100 key *3202#",
        "callee 100 key *3301#",
        "callee 100 key *3",
        "callee 100 key *4",
        "callee 100 key *0",
        "callee 100 key 1",
        "callee 100 hold",
        "callee 100 resume",
        "callee 100 bye",
        "callee 100 answers",
        "callee 100 loses media",
        "callee 100 calls 202",
        "callee 100 calls 301",
        "callee 201 calls 7001",
        "callee 202 answers",
        "callee 202 answers",
        "callee 202 answers unknown",
        "callee 202 key 1",
        "callee 202 key 2",
        "callee 202 hold",
        "callee 202 bye",
        "callee 202 loses media",
        "callee 202 refuses 486",
        "callee 202 refers 301",
        "callee 202 replaces 100",
        "callee 301 answers",
        "callee 301 key 1",
        "callee 301 replaces 202",
        "callee 301 bye",
        "wait 1s",
        "wait 5s",
        "wait 25s",
        "wait 130s",
        "call 1",
        "call 2",
        "cancel",
        "key 1",
        "reinvite hold",
        "reinvite resume",
        "bye",
        "shutdown 5s",
    ])
}

/// What those may do whom the desk calls, and the line meanwhile.
fn on_errands() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "errand 1 dispatch 202",
        "errand 2 relay 201",
        "errand 3 follow_up 13900139000",
        "errand 4 notice 100",
        "errand 5 dispatch 302",
        "overtaken 1",
        "overtaken 2",
        "look",
        "look",
        "callee 201 answers",
        "callee 201 answers unknown",
        "callee 201 key 1",
        "callee 201 key 2",
        "callee 201 key 3",
        "callee 201 bye",
        "callee 201 hold",
        "callee 201 resume",
        "callee 201 changes pcmu",
        "callee 201 loses media",
        "callee 201 refuses 486",
        "callee 201 redirects 302 sip:301@127.0.0.1:5080",
        "callee 202 answers",
        "callee 202 key 1",
        "callee 202 bye",
        "callee 202 replaces 201",
        "callee 301 answers",
        "callee 13900139000 answers",
        "callee 13900139000 key 1",
        "callee 13900139000 key 2",
        "callee 13900139000 key 3",
        "callee 13900139000 bye",
        "callee 13900139000 refuses 603",
        "callee 100 answers",
        "callee 100 key 1",
        "callee 100 refers 202",
        "callee 100 bye",
        "wait 1s",
        "wait 5s",
        "wait 15s",
        "wait 40s",
        "store fails",
        "store overloaded",
        "store writes",
        "disk full",
        "reload rings 1",
        "shutdown 5s",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// As below, for calls that the desk itself makes: whatever those do who lift.
    #[test]
    fn no_order_of_errands_leaves_anything_behind(commands in prop::collection::vec(on_errands(), 0..40)) {
        let gateway = Some("192.0.2.10:5060".parse().expect("an address"));
        let mut call = CallTest::new(Setup { call_back_gateway: gateway, ..Setup::default() });
        for text in ["errand 2 relay 201", "errand 3 follow_up 13900139000", "wait 1s"] {
            call.command(text);
        }
        let mut down = false;
        for text in commands.iter().filter(|text| !(text.starts_with("shutdown") && std::mem::replace(&mut down, true))) {
            call.command(text);
        }
    }

    /// As below, for callers who are handed over.
    #[test]
    fn no_order_of_transfers_leaves_anything_behind(commands in prop::collection::vec(handing_over(), 0..30)) {
        let mut call = CallTest::new(Setup::default());
        for text in ["invite", "ack", "key 0", "wait 3s", "callee 100 answers"] {
            call.command(text);
        }
        for text in commands {
            call.command(text);
        }
        call.command("call 1");
        call.command("bye");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// The fixture's drop asserts that nothing is left and that each INVITE has one ended row.
    #[test]
    fn no_order_of_events_leaves_anything_behind(
        after_rings in 0u8..3,
        ports in 0usize..6,
        commands in prop::collection::vec(command(), 0..40),
        shutdown in any::<bool>(),
        gateway in any::<bool>(),
        begin in beginning(),
    ) {
        let gateway = gateway.then(|| "192.0.2.7:5060".parse().expect("an address"));
        let mut call = CallTest::new(Setup { after_rings, ports, calls_max: 2, gateway, ..Setup::default() });
        begin.iter().for_each(|text| call.command(text));
        for text in commands {
            call.command(text);
        }
        if shutdown {
            call.command("shutdown 5s");
            call.command("wait 30s");
        }
    }
}
