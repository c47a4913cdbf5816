//! Telephones that do other than answer and talk, as SIPp scenarios: the caller is led on from each of them, in order.
//! Within which time that is stands in the transcripts of `tests/calls`.

use std::fs::{self, File};
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::daemon::{Daemon, peer};

/// A telephone that does one scenario for one call.
pub struct Odd {
    child: Child,
    pub sip: SocketAddr,
    errors: PathBuf,
}

impl Odd {
    /// `keys` stand in brackets in the scenario.
    pub fn start(folder: &Path, scenario: &str, keys: &[(&str, &str)]) -> Self {
        let sip = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
        let errors = folder.join(format!("{scenario}-{}", sip.port()));
        let text = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/e2e/sipp/callee_{scenario}.xml"));
        let text = fs::read_to_string(text).expect("the scenario is there");
        let text = keys.iter().fold(text, |text, (name, value)| text.replace(&format!("[{name}]"), value));
        let file = errors.with_extension("xml");
        fs::write(&file, text).expect("written");
        let mut sipp = peer("sipp");
        sipp.arg("-sf").arg(file).args(["-i", "127.0.0.1", "-p", &sip.port().to_string(), "-nostdin", "-m", "1"]);
        sipp.args(["-timeout", "60s", "-timeout_error", "-trace_err", "-error_file"]).arg(&errors);
        let log = File::create(errors.with_extension("log")).expect("a log");
        let child = sipp.stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log).spawn();
        let odd = Self { child: child.expect("SIPp starts"), sip, errors };
        odd.wait_for_socket();
        odd
    }

    /// Until its port is taken.
    fn wait_for_socket(&self) {
        let until = std::time::Instant::now() + crate::daemon::PATIENCE;
        while UdpSocket::bind(self.sip).is_ok() {
            assert!(std::time::Instant::now() < until, "SIPp does not listen");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// It went as the scenario says.
    pub fn went_well(mut self, call: &Value) {
        let status = self.child.wait().expect("it ends");
        let errors = fs::read_to_string(&self.errors).unwrap_or_default();
        assert!(status.success(), "{}: {status}\n{errors}\n{call:#}", self.errors.display());
    }
}

impl Drop for Odd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A desk whose people are at these places, each ringing for so many seconds.
fn desk(people: &[(&str, &str, u32)], settings: &[(&str, &str)]) -> (Daemon, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("people.toml");
    let person = |(extension, uri, ring_s): &(&str, &str, u32)| {
        format!(
            "[[person]]\nextension = \"{extension}\"\nname = \"张伟\"\nhunt = [{{ uri = \"{uri}\", ring_s = {ring_s} }}]\n"
        )
    };
    fs::write(&file, people.iter().map(person).collect::<String>()).expect("written");
    let mut all = vec![("PEOPLE__FILE", file.to_str().expect("text"))];
    all.extend(settings);
    (Daemon::with(&all), folder)
}

/// A call to extension 201 at this telephone, and what came of it.
fn reach(scenario: &str, keys: &[(&str, &str)], ring_s: u32, settings: &[(&str, &str)], hangup_s: &str) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let odd = Odd::start(folder.path(), scenario, keys);
    let (daemon, _people) = desk(&[("201", &format!("sip:201@{}", odd.sip), ring_s)], settings);
    daemon.dial(&daemon.uri(), &["--keys", "4,201#", "--hangup-after", hangup_s]);
    let call = daemon.ended_call();
    odd.went_well(&call);
    call
}

fn nodes(call: &Value) -> Vec<&str> {
    call["path"].as_array().expect("steps").iter().filter_map(|s| s["node"].as_str()).collect()
}

/// The caller heard that the person is absent, and what they can do instead.
fn led_on(call: &Value, end: &str) {
    assert_eq!(call["legs"][0]["end"], end, "{call:#}");
    let nodes = nodes(call);
    let at = |node| nodes.iter().position(|n| *n == node).unwrap_or_else(|| panic!("no {node} in {nodes:?}\n{call:#}"));
    assert!(at("person-ring") < at("absent") && at("absent") < at("absent-choice"), "{nodes:?}");
}

#[test]
fn refusals_of_every_class_lead_on() {
    for (status, end) in [("404", "failed"), ("486", "busy"), ("480", "no_answer"), ("500", "failed"), ("600", "busy")]
    {
        let call = reach("refuses", &[("status", status)], 20, &[], "6");
        led_on(&call, end);
        assert_eq!(call["legs"][0]["status"].to_string(), status);
    }
}

#[test]
fn who_declines_by_603_has_declined() {
    let call = reach("refuses", &[("status", "603")], 20, &[], "6");
    assert_eq!(call["legs"][0]["end"], "declined", "{call:#}");
    assert!(nodes(&call).contains(&"declined"), "{call:#}");
}

#[test]
fn a_telephone_that_is_never_answered_is_cancelled() {
    led_on(&reach("rings", &[], 2, &[], "8"), "no_answer");
}

/// Not even 100 Trying comes from there.
#[test]
fn a_telephone_that_is_silent_is_given_up() {
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let uri = format!("sip:201@{}", silent.local_addr().expect("an address"));
    let (daemon, _people) = desk(&[("201", &uri, 2)], &[]);
    daemon.dial(&daemon.uri(), &["--keys", "4,201#", "--hangup-after", "8"]);
    led_on(&daemon.ended_call(), "no_answer");
}

#[test]
fn a_codec_that_was_not_offered_is_no_answer() {
    led_on(&reach("unknown_codec", &[], 20, &[], "6"), "failed");
}

#[test]
fn a_telephone_that_hangs_up_while_it_is_told_who_calls_is_nobody() {
    led_on(&reach("hangs_up", &[], 20, &[], "8"), "no_consent");
}

#[test]
fn a_telephone_that_answers_and_dies_is_given_up() {
    led_on(&reach("dies", &[], 20, &[("RTP__MEDIA_TIMEOUT_S", "5")], "12"), "failed");
}

#[test]
fn a_telephone_may_change_the_session_at_any_time() {
    let call = reach("reinvites", &[], 20, &[], "20");
    assert_eq!(call["legs"][0]["end"], "talked", "{call:#}");
    assert_eq!(call["handled_by"], "201");
}

#[test]
fn a_redirection_to_a_place_of_the_directory_is_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let colleague = Odd::start(folder.path(), "takes_it", &[]);
    let elsewhere = format!("sip:202@{}", colleague.sip);
    let odd = Odd::start(folder.path(), "redirects", &[("elsewhere", &elsewhere)]);
    let own = format!("sip:201@{}", odd.sip);
    let (daemon, _people) = desk(&[("201", &own, 20), ("202", &elsewhere, 20)], &[]);
    daemon.dial(&daemon.uri(), &["--keys", "4,201#", "--hangup-after", "20"]);
    let call = daemon.ended_call();
    odd.went_well(&call);
    colleague.went_well(&call);
    let ends: Vec<_> = call["legs"].as_array().expect("legs").iter().map(|leg| &leg["end"]).collect();
    assert_eq!(ends, ["failed", "talked"], "{call:#}");
    assert_eq!(call["legs"][0]["status"], 302);
    assert_eq!(call["handled_by"], "202");
}

/// R16: no telephone makes the desk call where it was not told to.
#[test]
fn a_redirection_to_anywhere_else_is_a_refusal() {
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a port");
    stranger.set_nonblocking(true).expect("a socket");
    let elsewhere = format!("sip:premium@{}", stranger.local_addr().expect("an address"));
    let call = reach("redirects", &[("elsewhere", &elsewhere)], 20, &[], "6");
    led_on(&call, "failed");
    assert_eq!(call["legs"].as_array().map(Vec::len), Some(1), "{call:#}");
    assert!(stranger.recv(&mut [0; 2048]).is_err(), "the stranger was called");
}
