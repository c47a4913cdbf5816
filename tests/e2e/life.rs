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
    assert!(likeness(&recorded, &read(Path::new(SPOKEN))) > 0.9);
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
