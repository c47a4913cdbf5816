//! A person listens to their messages by phone.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::audio::SPOKEN;
use crate::daemon::{BIN, Daemon};

/// The built-in people, of whom 302 is given the PIN 83104711.
fn people_with_a_pin(folder: &Path) -> String {
    let file = folder.join("people.toml");
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/people.toml"), &file).expect("it is writable");
    give_pin(&file, "302", "83104711");
    file.to_string_lossy().into_owned()
}

/// Gives somebody of that file a PIN, as an operator does.
pub fn give_pin(people: &Path, extension: &str, pin: &str) {
    let mut child = Command::new(BIN)
        .args(["people", "pin", extension, "--write"])
        .env("FRONTDESK_PEOPLE__FILE", people)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    writeln!(stdin, "{pin}").expect("it reads");
    drop(stdin);
    assert!(child.wait().expect("it ends").success());
}

fn results(message: &Value) -> Vec<&str> {
    message["attempts"].as_array().expect("a list").iter().map(|a| a["result"].as_str().expect("text")).collect()
}

#[test]
fn r5_a_person_hears_their_message_by_phone_and_confirms_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let daemon = Daemon::with(&[("PEOPLE__FILE", &people_with_a_pin(folder.path()))]);
    daemon.dial(&daemon.uri(), &["--keys", "4,p,302#,p,1,p,s,#,p,1", "--say", SPOKEN, "--from", "5"]);
    let message = daemon.wait_for("message", || daemon.messages().into_iter().find(|m| m["incomplete"] == false));
    assert_eq!(message["relay"], "pending");

    let call = |keys: &str, seconds: &str| {
        daemon.dial(&daemon.uri(), &["--keys", keys, "--from", "302", "--hangup-after", seconds]);
    };
    call("7,302#,83101117#", "6");
    assert_eq!(daemon.messages(), [message], "a wrong PIN does nothing");

    // How many there are, when it was left and from where, the message itself, and some of the menu.
    call(&format!("7,302#,83104711#,{}2", "w,".repeat(36)), "46");
    let message = daemon.messages().pop().expect("it is kept");
    assert_eq!(message["relay"], "confirmed", "{message:#}");
    assert_eq!(results(&message), ["heard by 302", "confirmed by 302"]);
    assert_eq!(message["attempts"][0]["channel"], "phone");
    assert_eq!(message["deleted"], json!(null));

    call("7,302#,83104711#,w,3", "9");
    assert_eq!(daemon.messages(), Vec::<Value>::new());
    let audit = daemon.json(&["audit", "--json"]);
    let listened = |e: &Value| (e["who"] == "302" && e["from_where"] == "phone").then(|| e["what"].clone());
    let heard: Vec<Value> = audit.as_array().expect("a list").iter().rev().filter_map(listened).collect();
    assert_eq!(heard, ["heard", "confirmed", "deleted"], "{audit:#}");
    let deleted = daemon.json(&["messages", "--all", "--json"]);
    assert_eq!(deleted[0]["deleted"]["by"], "302");
    assert!(daemon.recording(&deleted[0]["recording"]).exists(), "nothing is ever really deleted");

    let calls = daemon.wait_for("ended calls", || {
        Some(daemon.calls()).filter(|calls| calls.iter().all(|call| !call["ended_at"].is_null()))
    });
    assert_eq!(calls.len(), 4);
    let told = format!("{calls:?}{}", daemon.log());
    assert!(told.contains("****") && told.contains("PIN refused"), "{told}");
    assert!(!told.contains("83104711") && !told.contains("83101117"), "a PIN is told: {told}");
}
