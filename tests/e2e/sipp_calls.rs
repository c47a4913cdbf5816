//! What other user agents do that ours does not, as SIPp scenarios. In each XML file stands what SIPp expects.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Output, Stdio};

use serde_json::Value;

use crate::daemon::{Daemon, peer};

/// Starts a scenario for one call and leaves it running; it says what it complains of on its standard error.
pub fn start(daemon: &Daemon, scenario: &str) -> Child {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/sipp").join(scenario);
    let mut sipp = peer("sipp");
    sipp.arg("-sf").arg(file).args(["-i", "127.0.0.1", "-nostdin", "-timeout", "60s", "-timeout_error", "-m", "1"]);
    sipp.arg(daemon.udp.to_string()).current_dir(&daemon.folder);
    sipp.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("SIPp runs")
}

/// Runs a scenario against the daemon with more arguments of SIPp's.
pub fn run(daemon: &Daemon, scenario: &str, more: &[&str]) -> Output {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/sipp").join(scenario);
    let folder = tempfile::tempdir_in(daemon.folder.path()).expect("a folder");
    let output = peer("sipp")
        .arg("-sf")
        .arg(file)
        .args([
            "-i",
            "127.0.0.1",
            "-nostdin",
            "-timeout",
            "60s",
            "-timeout_error",
            "-trace_err",
            "-error_file",
            "errors",
        ])
        .args(more)
        .arg(daemon.udp.to_string())
        .current_dir(&folder)
        .output()
        .expect("SIPp runs");
    let errors = fs::read_to_string(folder.path().join("errors")).unwrap_or_default();
    assert!(output.status.success(), "{scenario}: {}\n{errors}", output.status);
    output
}

pub fn once(daemon: &Daemon, scenario: &str) -> Value {
    run(daemon, scenario, &["-m", "1"]);
    daemon.ended_call()
}

#[test]
fn digits_by_info_open_a_ticket() {
    let daemon = Daemon::start();
    let call = once(&daemon, "info_digits.xml");
    let tickets = daemon.tickets();
    assert_eq!(tickets.len(), 1, "{call:#}");
    assert_eq!(tickets[0]["category"], "lift");
    assert_eq!(call["codec"], "PCMU");
}

#[test]
fn an_invite_without_an_offer_gets_one_in_the_200() {
    let daemon = Daemon::start();
    let call = once(&daemon, "offerless.xml");
    assert_eq!(call["codec"], "PCMA", "{call:#}");
    assert_eq!(call["rtp"]["lost"], 0);
}

#[test]
fn a_call_is_held_and_goes_on() {
    let daemon = Daemon::start();
    let call = once(&daemon, "hold.xml");
    assert!(!call["answered_at"].is_null(), "{call:#}");
}

#[test]
fn without_a_common_codec_it_is_488_and_not_answered() {
    let daemon = Daemon::start();
    run(&daemon, "no_codec.xml", &["-m", "1"]);
    assert!(daemon.calls().iter().all(|call| call["answered_at"].is_null()));
}

#[test]
fn an_unknown_method_is_refused_with_what_is_allowed() {
    run(&Daemon::start(), "unknown_method.xml", &["-m", "1"]);
}

#[test]
fn a_caller_who_gives_up_while_it_rings_has_abandoned_the_call() {
    let daemon = Daemon::with(&[("ANSWER__AFTER_RINGS", "2")]);
    let call = once(&daemon, "cancel.xml");
    assert_eq!(call["outcome"], "abandoned", "{call:#}");
    assert!(call["answered_at"].is_null() && call["answer_ms"].is_null(), "{call:#}");
}

/// A telephone that lifts at once and stays until the desk hangs up. It ends with its last call, or when it is dropped.
struct Callee(Child);

impl Callee {
    fn start(at: SocketAddr) -> Self {
        let port = at.port().to_string();
        let mut sipp = peer("sipp");
        sipp.args(["-sn", "uas", "-i", "127.0.0.1", "-p", &port, "-nostdin", "-m", "1", "-timeout", "90s"]);
        Callee(sipp.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("SIPp runs"))
    }
}

impl Drop for Callee {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_pbx_that_does_it_takes_the_talk_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let people = folder.path().join("people.toml");
    let text = format!(
        "[[person]]\nextension = \"100\"\nname = \"王芳\"\nhunt = [\"sip:100@{at}\"]\nduty = [\"receptionist\"]\n"
    );
    fs::write(&people, text).expect("written");
    let daemon =
        Daemon::with(&[("PEOPLE__FILE", people.to_str().expect("text")), ("SIP__REFER_TO", "[\"127.0.0.0/8\"]")]);
    let mut callee = Callee::start(at);
    let call = once(&daemon, "pbx.xml");
    assert_eq!(call["end_reason"], "taken_over_by_pbx", "{call:#}");
    assert_eq!((&call["outcome"], &call["handled_by"]), (&"transferred".into(), &"100".into()), "{call:#}");
    let lifted = daemon.wait_for("end of the telephone's call", || callee.0.try_wait().expect("it ran"));
    assert!(lifted.success(), "the telephone's call did not end well: {lifted}");
}

#[test]
fn fifty_calls_at_ten_a_second_are_all_answered_and_written() {
    let mut daemon = Daemon::start();
    run(&daemon, "plain.xml", &["-m", "50", "-r", "10", "-l", "50"]);
    let calls = daemon.wait_for("50 ended calls", || {
        let calls = daemon.calls();
        let ended = calls.iter().filter(|call| !call["ended_at"].is_null()).count();
        (ended == 50).then_some(calls)
    });
    assert_eq!(calls.len(), 50);
    assert!(calls.iter().all(|call| !call["answered_at"].is_null() && call["answer_rings"] == 1), "{calls:#?}");
    assert!(daemon.lives());
}
