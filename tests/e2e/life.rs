//! The daemon's own life: starting, signals, a crash, wrong settings.

use std::process::Command;

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
