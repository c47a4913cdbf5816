//! Whole calls by the built-in caller: what was keyed and said is what the desk holds.

use std::path::Path;
use std::thread;

use serde_json::{Value, json};

use frontdesk::media::clip::{Clip, level_dbfs};

use crate::audio::{SPOKEN, likeness, read};
use crate::daemon::Daemon;

const CALLER: &str = "13800138000";

/// One way to report a burst pipe: by whom, how keys are sent, and in which codec.
struct Way {
    caller: &'static str,
    uri: String,
    more: &'static [&'static str],
    codec: &'static str,
}

/// The calls are long, as calls are, so they are made at the same time.
#[test]
fn a_repair_is_reported_with_keys_and_words_every_way_that_telephones_have() {
    let daemon = Daemon::with(&[("SIP__LISTEN", r#"["udp:127.0.0.1:0", "tcp:127.0.0.1:0", "udp:[::1]:0"]"#)]);
    let udp = daemon.uri();
    let tcp = format!("sip:desk@{};transport=tcp", daemon.tcp.expect("TCP is listened on"));
    let v6 = daemon.ready.split_whitespace().find_map(|word| word.strip_prefix("sip=udp:[::1]:")).expect("IPv6");
    let way = |caller, uri: &str, more, codec| Way { caller, uri: uri.to_owned(), more, codec };
    let ways = [
        way(CALLER, &udp, &[][..], "G722"),
        way("13800138001", &udp, &["--dtmf", "info", "--codec", "pcmu"], "PCMU"),
        way("13800138002", &udp, &["--dtmf", "inband", "--codec", "pcma"], "PCMA"),
        way("13800138003", &tcp, &[], "G722"),
        way("13800138004", &format!("sip:desk@[::1]:{v6}"), &["--dtmf", "inband"], "G722"),
    ];
    thread::scope(|scope| {
        for way in &ways {
            scope.spawn(|| report_burst_pipe(&daemon, way));
        }
    });
    assert_eq!(daemon.calls().len(), ways.len());
}

/// Reports a burst pipe in words, as a caller does, and checks all that came of it.
fn report_burst_pipe(daemon: &Daemon, way: &Way) {
    let heard = daemon.path(&format!("{}.wav", way.caller));
    // Each from a room of their own: a second report of the same place is a repeat call (催单).
    let room = &way.caller[7..];
    let keys = format!("1,1,3,p,3*{room}#,1,1");
    let mut args = vec!["--keys", &keys, "--say", SPOKEN, "--from", way.caller, "--record"];
    args.push(heard.to_str().expect("text"));
    args.extend(way.more);
    let report = daemon.dial(&way.uri, &args);
    assert_eq!(report["before_third_ring"], true);

    let by_caller = |rows: Vec<Value>| rows.into_iter().filter(|row| row["caller"] == way.caller).collect::<Vec<_>>();
    let call = daemon.wait_for("ended call", || by_caller(daemon.calls()).pop().filter(|c| !c["ended_at"].is_null()));
    let tickets = by_caller(daemon.tickets());
    assert_eq!(tickets.len(), 1, "{tickets:?}");
    let ticket = &tickets[0];
    for (field, value) in [
        ("kind", json!("repair")),
        ("class", json!("B")),
        ("urgency", json!("urgent")),
        ("category", json!("burst_pipe")),
        ("channel", json!("phone")),
        ("status", json!("open")),
        ("building", json!("3")),
        ("room", json!(room)),
        ("callback_number", json!(way.caller)),
        ("incomplete", json!(false)),
    ] {
        assert_eq!(ticket[field], value, "{field} of {ticket:#}");
    }
    for clock in ["on_site", "repaired"] {
        assert!(ticket["due"][clock]["at"].is_string(), "{clock} of {ticket:#}");
        assert_eq!(ticket["due"][clock]["breached"], false);
    }
    assert_eq!(call["outcome"], "ticket", "{call:#}");
    assert_eq!(call["tickets"], json!([ticket["number"]]));
    assert_eq!(call["codec"], way.codec);
    assert_eq!(call["answer_rings"], 1);
    assert!(call["rtp"]["received"].as_u64().expect("a count") > 500, "{call:#}");
    assert_eq!(call["rtp"]["lost"], 0);

    let (spoken, recorded) = (read(Path::new(SPOKEN)), read(&daemon.recording(&ticket["recording"])));
    let alike = likeness(&spoken, &recorded);
    assert!(alike > 0.9, "the recording is not what was said: {alike:.3}, {} ms", recorded.duration_ms());
    number_was_read_out(&read(&heard), &call);
}

/// From where the number is told to the end, there is speech for two times twelve digits.
fn number_was_read_out(heard: &Clip, call: &Value) {
    let path = call["path"].as_array().expect("steps");
    let told = path.iter().find(|step| step["node"] == "number-read-out").unwrap_or_else(|| panic!("{call:#}"));
    let from = told["at_ms"].as_u64().expect("a time") as usize * heard.rate_hz as usize / 1000;
    let window = heard.rate_hz as usize / 50;
    let loud = heard.samples.get(from..).expect("it was heard to its end").chunks(window);
    let spoken_ms = loud.filter(|w| level_dbfs(w) > -45.0).count() * 20;
    assert!(spoken_ms > 5000, "{spoken_ms} ms of speech after the report");
}

#[test]
fn a_message_for_an_absent_person_is_kept() {
    let daemon = Daemon::start();
    daemon.dial(&daemon.uri(), &["--keys", "4,p,302#,p,1,p,s,#", "--say", SPOKEN, "--from", CALLER]);
    let call = daemon.ended_call();
    let messages = daemon.messages();
    assert_eq!(messages.len(), 1, "{messages:?}\n{call:#}");
    let message = &messages[0];
    assert_eq!(message["for_person"], "302");
    assert_eq!(message["from_number"], CALLER);
    assert_eq!(message["relay"], "pending");
    assert_eq!(call["outcome"], "voicemail");
    assert_eq!(call["messages"], json!([message["id"]]));
    let recorded = read(&daemon.recording(&message["recording"]));
    assert!(likeness(&read(Path::new(SPOKEN)), &recorded) > 0.9);
    assert!(message["duration_ms"].as_u64().expect("a length").abs_diff(recorded.duration_ms()) <= 20, "{message:#}");
}

#[test]
fn a_caller_who_hangs_up_half_way_leaves_an_incomplete_ticket() {
    let daemon = Daemon::start();
    daemon.dial(&daemon.uri(), &["--keys", "1,1,3", "--hangup-after", "2", "--from", CALLER]);
    let call = daemon.ended_call();
    let tickets = daemon.tickets();
    assert_eq!(tickets.len(), 1, "{call:#}");
    assert_eq!(tickets[0]["incomplete"], true);
    assert_eq!(tickets[0]["category"], "burst_pipe");
    assert_eq!(call["tickets"], json!([tickets[0]["number"]]));
}

/// R2: answered after so many rings, and before the third.
fn answered_after(rings: u64) {
    let (on, off) = (1000, 4000);
    let daemon = Daemon::with(&[("ANSWER__AFTER_RINGS", &rings.to_string())]);
    let report = daemon.dial(&daemon.uri(), &["--hangup-after", "0.5"]);
    let call = daemon.ended_call();
    let least = rings * on + (rings - 1) * off;
    for answer_ms in [&call["answer_ms"], &report["answer_ms"]] {
        let answer_ms = answer_ms.as_u64().expect("answered");
        assert!((least..least + 1500).contains(&answer_ms), "{answer_ms} ms after {rings} rings");
    }
    assert_eq!(call["answer_rings"], rings);
    assert_eq!(report["before_third_ring"], true);
}

#[test]
fn r2_one_ring_is_let_ring() {
    answered_after(1);
}

#[test]
fn r2_two_rings_are_let_ring_and_no_third() {
    answered_after(2);
}
