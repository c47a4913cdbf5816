//! Emergencies at real telephones: the report reaches the officer also when the caller is gone, and what nobody takes is an
//! alarm that survives (R18, R41).

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use serde_json::Value;

use crate::audio::{SPOKEN, likeness, read};
use crate::daemon::Daemon;
use crate::phone::{command, press};
use crate::reached::Desk;

fn alarms(daemon: &Daemon) -> Vec<Value> {
    daemon.json(&["alarms", "--json"]).as_array().expect("a list").clone()
}

#[test]
fn the_officer_who_takes_the_call_when_the_caller_is_gone_hears_what_they_said() {
    let desk = Desk::new("g711", 8_000);
    let heard = desk.daemon.path("heard.wav");
    desk.phone.says_times(&read(Path::new(SPOKEN)), 5);
    let caller = desk.calling("9,1,p,s", &heard, &["--hangup-after", "32"]);
    let mut control = desk.phone.connect(&desk.daemon);
    desk.wait_for_ring();
    // The caller says what has happened, and hangs up.
    let call = desk.daemon.ended_call();
    drop(caller.wait_with_output());
    assert_eq!(call["outcome"], "ticket", "{call:#}");
    let spoken = read(Path::new(SPOKEN));
    let ticket = &desk.daemon.tickets()[0];
    let recorded = read(&desk.daemon.recording(&ticket["recording"]));
    assert!(likeness(&spoken, &recorded) > 0.9, "{ticket:#}");

    command(&mut control, "accept", "");
    desk.phone.is_spoken_to(&desk.daemon, 1);
    press(&mut control, "1");
    let call = desk.daemon.wait_for("officer who was told", || {
        let call = desk.daemon.calls().remove(0);
        let last = call["legs"].as_array().and_then(|legs| legs.last()).expect("a leg").clone();
        (last["end"] == "talked").then_some(call)
    });
    assert_eq!(call["handled_by"], "201", "{call:#}");
    assert_eq!(call["outcome"], "ticket", "the caller talked to nobody: {call:#}");
    let at_phone = desk.daemon.wait_for("sound at the telephone", || desk.phone.heard());
    let told = likeness(&spoken, &at_phone);
    assert!(told > 0.8, "the officer did not hear the caller's words: {told:.3}");
    assert!(alarms(&desk.daemon).is_empty());
}

/// A desk with nobody on duty for emergencies.
#[test]
fn an_emergency_without_anybody_on_duty_is_an_alarm_until_somebody_has_seen_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let people = folder.path().join("people.toml");
    fs::write(&people, "[[person]]\nextension = \"201\"\nname = \"张伟\"\nhunt = [\"sip:201@127.0.0.1:9\"]\n")
        .expect("written");
    let daemon = Daemon::with(&[("PEOPLE__FILE", people.to_str().expect("text"))]);
    daemon.dial(&daemon.uri(), &["--keys", "9,2", "--hangup-after", "2"]);
    let call = daemon.ended_call();
    let alarm = daemon.wait_for("alarm", || alarms(&daemon).pop());
    assert_eq!(alarm["kind"], "missed_emergency");
    assert_eq!(alarm["state"], "open");
    assert_eq!(alarm["call"], call["id"]);
    assert_eq!(alarm["ticket"], call["tickets"][0]);
    assert!(daemon.log().contains("ERROR") && daemon.log().contains("MISSED EMERGENCY"), "{}", daemon.log());
    let mut stream = TcpStream::connect(daemon.console).expect("a console");
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: desk\r\nConnection: close\r\n\r\n").expect("sent");
    let mut metrics = String::new();
    stream.read_to_string(&mut metrics).expect("text");
    assert!(metrics.contains("\nfrontdesk_emergencies_missed_total 1\n"), "{metrics}");
    let id = alarm["id"].to_string();
    assert!(daemon.cli(&["alarms", "ack", &id, "王芳"]).status.success());
    assert!(!daemon.cli(&["alarms", "ack", &id, "李娜"]).status.success());
    assert_eq!(alarms(&daemon)[0]["acknowledged_by"], "王芳");
    assert_eq!(daemon.json(&["alarms", "--open", "--json"]), Value::Array(Vec::new()));
}

#[test]
fn an_emergency_that_rang_when_the_power_went_is_an_alarm_at_the_next_start() {
    let desk = Desk::new("g711", 8_000);
    let heard = desk.daemon.path("heard.wav");
    let caller = desk.calling("9,3", &heard, &["--hangup-after", "1"]);
    desk.wait_for_ring();
    let call = desk.daemon.ended_call();
    drop(caller.wait_with_output());
    assert!(alarms(&desk.daemon).is_empty());
    let daemon = desk.daemon.kill_and_restart();
    let alarm = alarms(&daemon).pop().expect("an alarm");
    assert_eq!(alarm["state"], "open", "{alarm:#}");
    assert_eq!(alarm["ticket"], call["tickets"][0]);
    assert!(daemon.log().contains("MISSED EMERGENCY"), "{}", daemon.log());
}
