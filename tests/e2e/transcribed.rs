//! What callers say is written down by a service that understands speech (PocketSphinx), where the settings name one.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::daemon::{Daemon, peer};
use crate::receivers::Receiver;

const KEY: &str = "k9fjw-2xq7m";

/// English words for its model, as a caller's telephone has them.
fn spoken(folder: &Path) -> String {
    let (said, file) = (folder.join("said.wav"), folder.join("speech.wav"));
    let mut espeak: Command = peer("espeak-ng");
    assert!(
        espeak
            .args(["-v", "en-us", "-s", "130", "-w"])
            .arg(&said)
            .arg("water is coming through the ceiling")
            .status()
            .expect("it runs")
            .success()
    );
    assert!(peer("sox").arg(&said).args(["-r", "8000"]).arg(&file).status().expect("it runs").success());
    file.to_string_lossy().into_owned()
}

#[test]
fn what_a_caller_said_stands_in_the_ticket_and_goes_with_its_recording() {
    let folder = tempfile::tempdir().expect("a folder");
    let service = Receiver::of_speech(&folder.path().join("service"), KEY);
    let url = format!("http://127.0.0.1:{}/v1/audio/transcriptions", service.port);
    let daemon = Daemon::with(&[
        ("TRANSCRIPTION__URL", &url),
        ("TRANSCRIPTION__KEY", KEY),
        ("TRANSCRIPTION__LANGUAGE", "en"),
        ("NOTIFICATIONS__AGAIN_S", r#"["1"]"#),
        ("NOTIFICATIONS__ALARM_AFTER", "2"),
    ]);
    // At first the service is away: it is asked again, and that is an alarm.
    service.say("status", "503");
    let keys = "1,1,3,p,3*1201#,1,1";
    daemon.dial(&daemon.uri(), &["--keys", keys, "--say", &spoken(folder.path()), "--from", "13800138000"]);
    let alarms = || daemon.json(&["alarms", "--json"]).as_array().expect("a list").clone();
    let alarm = daemon.wait_for("alarm", || alarms().into_iter().find(|alarm| alarm["about"] == "transcription"));
    assert!(alarm["note"].as_str().expect("text").contains("it answered 503"), "{alarm}");
    assert!(daemon.tickets()[0]["transcript"].is_null());
    service.take_back("status");
    let ticket = daemon
        .wait_for("ticket in writing", || daemon.tickets().into_iter().find(|ticket| !ticket["transcript"].is_null()));
    let understood = service.taken("text").concat();
    assert_eq!(ticket["transcript"], understood.trim());
    assert!(!understood.trim().is_empty(), "nothing was understood");
    let sent = fs::read(service.folder.join("001.wav")).expect("it is kept");
    assert!(sent == fs::read(daemon.recording(&ticket["recording"])).expect("it is there"), "the recording as it is");
    // R12: it left the desk, which is written down; and an engineer sees no words of others' tickets.
    let audit = daemon.json(&["audit", "--json"]);
    let entry = audit.as_array().expect("a list").iter().find(|entry| entry["from_where"] == "transcription");
    let entry = entry.unwrap_or_else(|| panic!("no entry in {audit}"));
    assert_eq!(entry["what"], "exported", "{entry}");
    let masked = daemon.json(&["tickets", "--json", "--role", "engineer"]);
    assert!(masked[0]["transcript"].is_null(), "{masked}");
}

#[test]
fn without_a_service_nothing_leaves_the_desk() {
    let daemon = Daemon::start();
    daemon.dial(&daemon.uri(), &["--keys", "1,1,3,p,3*1201#,1,1", "--say", crate::audio::SPOKEN]);
    let ticket = daemon.wait_for("ticket with a recording", || {
        daemon.tickets().into_iter().find(|ticket| ticket["incomplete"] == false)
    });
    assert!(ticket["transcript"].is_null() && !ticket["recording"].is_null(), "{ticket}");
    assert_eq!(daemon.json(&["audit", "--json"]), serde_json::json!([]));
}
