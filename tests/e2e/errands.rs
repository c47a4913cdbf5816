//! The desk itself telephones (R26): an engineer at a real telephone hears what a caller said, and takes the repair.

use std::path::Path;

use serde_json::Value;

use crate::audio::{SPOKEN, likeness, read};
use crate::phone::{command, press};
use crate::reached::Desk;

#[test]
fn an_engineer_is_called_hears_the_callers_own_words_and_accepts() {
    let desk = Desk::new("g711", 8_000);
    let spoken = read(Path::new(SPOKEN));
    // It hangs up once it has said all.
    desk.phone.says_times(&spoken, 10);
    let heard = desk.daemon.path("heard.wav");
    // Urgent, power, building 3 room 1201, this number, and what has happened.
    let caller = desk.calling("1,1,2,3*1201#,1,1,p,s", &heard, &["--hangup-after", "28"]);
    let call = desk.daemon.ended_call();
    drop(caller.wait_with_output());
    let number = call["tickets"][0].as_str().expect("a ticket").to_owned();

    let asked = desk.daemon.cli(&["errands", "add", "dispatch", "--person", "201", "--ticket", &number]);
    assert!(asked.status.success(), "{asked:?}");
    let mut control = desk.phone.connect(&desk.daemon);
    desk.wait_for_ring();
    command(&mut control, "accept", "");
    desk.daemon.wait_for("engineer who hears the caller's words", || {
        desk.phone.heard().filter(|heard| likeness(&spoken, heard) > 0.8)
    });
    press(&mut control, "1");
    let errand = desk.daemon.wait_for("errand that is over", || {
        let errands = desk.daemon.json(&["errands", "--json"]);
        Some(errands[0].clone()).filter(|errand| errand["state"] == "ended")
    });
    assert_eq!((&errand["result"], &errand["ticket"]), (&"accepted".into(), &number.into()), "{errand:#}");
    let out = desk.daemon.wait_for("row of the desk's call", || {
        let calls = desk.daemon.json(&["calls", "--direction", "out", "--json"]);
        Some(calls[0].clone()).filter(|call| !call["ended_at"].is_null())
    });
    assert_eq!((&out["callee"], &out["outcome"]), (&"201".into(), &"completed".into()), "{out:#}");
    assert_eq!((&out["legs"][0]["end"], &out["id"]), (&"talked".into(), &errand["call"]), "{out:#}");
    assert!(out["rtp"]["received"].as_u64().expect("a count") > 100, "{out:#}");
    let came_in = desk.daemon.json(&["calls", "--direction", "in", "--json"]);
    assert_eq!(came_in.as_array().map(Vec::len), Some(1));
    let ladder = desk.daemon.wait_for("messages of the desk's call", || {
        let shown = desk.daemon.cli(&["calls", "show", &out["id"].to_string(), "--ladder"]);
        shown.status.success().then(|| String::from_utf8_lossy(&shown.stdout).into_owned())
    });
    assert!(ladder.contains("INVITE") && ladder.contains("BYE"), "{ladder}");
    assert!(desk.daemon.json(&["alarms", "--open", "--json"]).as_array().is_some_and(Vec::is_empty));
    assert_ne!(errand["started_at"], Value::Null);
}
