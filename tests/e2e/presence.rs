//! People who come into the directory and say that they are out, while the line runs.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::daemon::Daemon;

const PEOPLE: &str = "\
# Ours.
[[person]]
extension = \"201\"
name = \"张伟\"
hunt = [{ uri = \"sip:201@127.0.0.1:9\", ring_s = 1 }]
";

/// A daemon with people of its own, and their file.
fn desk() -> (Daemon, PathBuf, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let people = folder.path().join("people.toml");
    fs::write(&people, PEOPLE).expect("written");
    let daemon = Daemon::with(&[("PEOPLE__FILE", people.to_str().expect("text"))]);
    (daemon, people, folder)
}

/// Asks for a person, and gives the call's record: the last one.
fn ask_for(daemon: &Daemon, extension: &str, calls_before: usize) -> Value {
    let mut caller = daemon.dialling(&daemon.uri(), &["--keys", &format!("4,{extension}#,ww"), "--hangup-after", "6"]);
    caller.wait().expect("it ends");
    daemon.wait_for("the call's record", || {
        let calls: Vec<Value> = daemon.calls().into_iter().filter(|call| !call["ended_at"].is_null()).collect();
        (calls.len() > calls_before).then(|| calls.into_iter().max_by_key(|call| call["id"].as_i64()).expect("one"))
    })
}

fn went_to(call: &Value, node: &str) -> bool {
    call["path"].as_array().expect("steps").iter().any(|step| step["node"] == node)
}

fn set(daemon: &Daemon, people: &str, args: &[&str]) -> String {
    let told = daemon.log().matches("presence was set").count();
    let command = [&["people", "set"], args].concat();
    let output = daemon.cli_with(&command, &[("FRONTDESK_PEOPLE__FILE", people)]);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    daemon.wait_for("the line's notice of it", || {
        (daemon.log().matches("presence was set").count() > told).then_some(())
    });
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_running_line_knows_at_the_next_lookup_who_is_out_and_after_a_power_cut_too() {
    let (daemon, people, _folder) = desk();
    let people = people.to_str().expect("text");
    let told = set(&daemon, people, &["201", "out", "--until", "2h"]);
    assert!(told.starts_with("201 张伟: out until "), "{told}");
    let call = ask_for(&daemon, "201", 0);
    assert!(went_to(&call, "absent") && call["legs"] == json!([]), "{call:#}");
    set(&daemon, people, &["201", "in"]);
    let call = ask_for(&daemon, "201", 1);
    assert_eq!(call["legs"][0]["extension"], "201", "{call:#}");
    set(&daemon, people, &["201", "dnd"]);
    let daemon = daemon.kill_and_restart();
    let call = ask_for(&daemon, "201", 2);
    assert!(went_to(&call, "absent") && call["legs"] == json!([]), "{call:#}");
    let output = daemon.cli_with(&["people", "--json"], &[("FRONTDESK_PEOPLE__FILE", people)]);
    let shown: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&shown[0]["presence"], &shown[0]["present"]), (&json!("dnd"), &json!(false)), "{shown:#}");
    let told = set(&daemon, people, &["201", "usual"]);
    assert_eq!(told, "201 张伟: as people.toml says\n");
    let call = ask_for(&daemon, "201", 3);
    assert_eq!(call["legs"][0]["extension"], "201", "{call:#}");
}

#[test]
fn imported_people_are_found_after_sighup() {
    let (daemon, people, folder) = desk();
    let list = folder.path().join("list.csv");
    fs::write(&list, "分机,姓名,部门,hunt\n203,陈晨,客服部,sip:203@127.0.0.1:9\n").expect("written");
    let (people, list) = (people.to_str().expect("text"), list.to_str().expect("text"));
    let output = daemon.cli_with(&["people", "import", list], &[("FRONTDESK_PEOPLE__FILE", people)]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(fs::read_to_string(people).expect("it is there").starts_with("# Ours.\n"));
    daemon.signal(libc::SIGHUP);
    daemon.wait_for("reload", || daemon.log().contains("read again").then_some(()));
    let call = ask_for(&daemon, "533", 0);
    assert_eq!(call["legs"][0]["extension"], "203", "the department's initials, kfb: {call:#}");
}
