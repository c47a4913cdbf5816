//! The daemon's own life: starting, signals, a crash, wrong settings.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::audio::{SPOKEN, likeness, read};
use crate::daemon::{BIN, Daemon};

#[test]
fn the_ready_line_names_every_place() {
    let daemon = Daemon::start();
    let tcp = daemon.tcp.expect("TCP is listened on");
    let expected = format!("ready sip=udp:{} sip=tcp:{tcp} console=http://{}\n", daemon.udp, daemon.console);
    assert_eq!(daemon.ready, expected);
    assert!(daemon.udp.port() != 0 && tcp.port() != 0 && daemon.console.port() != 0);
}

/// What a peer that resets its connection brings about (over TLS data is written with writev(2), which raises it).
#[test]
fn a_broken_pipe_is_not_the_end() {
    let mut daemon = Daemon::start();
    daemon.signal(libc::SIGPIPE);
    daemon.dial(&daemon.uri(), &["--keys", "1,1,5", "--hangup-after", "1"]);
    assert!(daemon.lives());
}

#[test]
fn a_kill_in_the_middle_of_a_recording_loses_at_most_a_second() {
    let daemon = Daemon::start();
    let mut caller = daemon.dialling(&daemon.uri(), &["--keys", "1,1,3,p,3*1201#,1,1,p,s", "--say", SPOKEN]);
    // Four seconds of the seven are on disk when the lights go out.
    let before = daemon.wait_for("recording of 4 s", || {
        let bytes = longest_file(&daemon.data().join("recordings"));
        (bytes > 4 * 32_000).then_some(bytes)
    });
    let daemon = daemon.kill_and_restart();
    caller.kill().expect("a caller");
    caller.wait().expect("it ends");

    let call = daemon.ended_call();
    assert_eq!(call["end_reason"], "interrupted", "{call:#}");
    let tickets = daemon.tickets();
    assert_eq!(tickets.len(), 1);
    let ticket = &tickets[0];
    assert_eq!(ticket["incomplete"], true);
    assert_eq!(ticket["building"], "3", "{ticket:#}");
    assert!(ticket["due"]["on_site"]["at"].is_string(), "{ticket:#}");
    assert_eq!(call["tickets"][0], ticket["number"]);
    let id = [&ticket["recording"], &call["recording"]].into_iter().find(|id| id.is_string());
    let id = id.unwrap_or_else(|| panic!("nobody knows of the recording: {ticket:#} {call:#}"));
    let recorded = read(&daemon.recording(id));
    assert!(recorded.duration_ms() + 1000 >= before * 1000 / 32_000, "{} ms of {before} bytes", recorded.duration_ms());
    let alike = likeness(&recorded, &read(Path::new(SPOKEN)));
    assert!(alike > 0.9, "{alike:.3}, {} ms", recorded.duration_ms());
}

/// The bytes of the longest file in a folder and those in it.
fn longest_file(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).expect("a folder").filter_map(Result::ok);
    let bytes = |path: &Path| if path.is_dir() { longest_file(path) } else { path.metadata().map_or(0, |m| m.len()) };
    entries.map(|entry| bytes(&entry.path())).max().unwrap_or(0)
}

#[test]
fn on_sigterm_a_live_call_ends_within_the_grace_and_the_exit_is_0() {
    let mut daemon = Daemon::with(&[("DAEMON__SHUTDOWN_GRACE_S", "1")]);
    let caller = daemon.dialling(&daemon.uri(), &["--keys", "1,1,3", "--hangup-after", "60"]);
    daemon.wait_for("live call with a ticket", || daemon.tickets().pop());
    daemon.signal(libc::SIGTERM);
    assert_eq!(daemon.wait().code(), Some(0), "{}", daemon.log());
    assert!(caller.wait_with_output().expect("it ends").status.success(), "the caller was told");
    let call = daemon.ended_call();
    assert!(!call["end_reason"].is_null() && call["end_reason"] != "interrupted", "{call:#}");
    assert_eq!(daemon.tickets()[0]["incomplete"], true);
}

#[test]
fn on_sighup_a_broken_flow_is_told_and_the_old_one_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let flow = folder.path().join("flow.toml");
    let good = include_str!("../../config/flow.toml");
    fs::write(&flow, good).expect("written");
    let daemon = Daemon::with(&[("FLOW__FILE", flow.to_str().expect("text"))]);
    fs::write(&flow, good.replace("next = \"main\"", "next = \"mian\"")).expect("written");
    daemon.signal(libc::SIGHUP);
    daemon.wait_for("word of the fault", || daemon.log().contains("not reloaded").then_some(()));
    assert!(daemon.log().contains("mian"), "{}", daemon.log());
    daemon.dial(&daemon.uri(), &["--keys", "1,1,3", "--hangup-after", "2"]);
    assert_eq!(daemon.ended_call()["tickets"].as_array().map(Vec::len), Some(1), "the old flow still takes repairs");
}

#[test]
fn a_second_daemon_on_the_same_data_ends_with_1_and_says_why() {
    let daemon = Daemon::start();
    let second = Command::new(BIN)
        .args(["serve", "--data"])
        .arg(daemon.data())
        .env("FRONTDESK_SIP__LISTEN", r#"["udp:127.0.0.1:0"]"#)
        .env("FRONTDESK_CONSOLE__LISTEN", "127.0.0.1:0")
        .output()
        .expect("it ends");
    assert_eq!(second.status.code(), Some(1));
    assert!(second.stdout.is_empty(), "it says that it is ready");
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(told.contains("in use") || told.contains("another"), "{told}");
}

#[test]
fn check_tells_every_fault_at_once_with_1_and_wrong_usage_is_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("frontdesk.toml");
    let check = |text: &str| {
        fs::write(&config, text).expect("written");
        Command::new(BIN).args(["check", "--config"]).arg(&config).current_dir(&folder).output().expect("it runs")
    };
    assert_eq!(check("[answer]\nafter_rings = 1\n").status.code(), Some(0));
    let wrong = check("[answer]\nafter_rings = 3\n[answr]\nlisten = []\n[rtp]\nports = \"9-1\"\n");
    assert_eq!(wrong.status.code(), Some(1));
    let told = String::from_utf8_lossy(&wrong.stdout).into_owned();
    for part in [":2: ", ":3: ", ":6: ", "after_rings = 3", "did you mean [answer]"] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
    let usage = Command::new(BIN).args(["check", "--no-such"]).output().expect("it runs");
    assert_eq!(usage.status.code(), Some(2));
}
