//! The desk on a carrier's line: Kamailio registers it, calls it, is called through, and goes away.

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::audio::voices;
use crate::certificates::{Authority, Valid};
use crate::daemon::Daemon;
use crate::kamailio::{DOMAIN, Kamailio, PASSWORD, USER};
use crate::phone::{Phone, command, press};
use crate::talker::{Talker, talk, was_heard};

/// A carrier, and a desk that has a line of it.
struct Line {
    carrier: Kamailio,
    daemon: Daemon,
    _folder: TempDir,
}

/// How the desk speaks to the carrier.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Udp,
    Tcp,
    Tls,
}

impl Line {
    fn new(by: By, more: &str, settings: &[(&str, &str)]) -> Self {
        Self::with_gateway(by, more, settings, None)
    }

    fn with_gateway(by: By, more: &str, settings: &[(&str, &str)], gateway: Option<SocketAddr>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ca = Authority::new(folder.path(), "ca");
        ca.certifies("carrier", &[DOMAIN], Valid::Now);
        let carrier = Kamailio::start(folder.path(), 120, gateway);
        let registrar = match by {
            By::Udp => format!("sip:{};transport=udp", carrier.sip),
            By::Tcp => format!("sip:{};transport=tcp", carrier.sip),
            By::Tls => format!("sip:{};transport=tls", carrier.tls),
        };
        let password = if more.contains("password") { String::new() } else { format!("password = \"{PASSWORD}\"\n") };
        let trunks = format!(
            "[[trunk]]\nname = \"carrier\"\nregistrar = \"{registrar}\"\ndomain = \"{DOMAIN}\"\nuser = \"{USER}\"\n\
             keep_alive_s = 5\n{password}{more}\n"
        );
        let file = folder.path().join("trunks.toml");
        fs::write(&file, trunks).expect("written");
        let file = file.to_string_lossy().into_owned();
        let trust = ca.file.to_string_lossy().into_owned();
        let own = [("TRUNKS__FILE", file.as_str()), ("TLS__TRUST", trust.as_str())];
        let daemon = Daemon::with(&own.into_iter().chain(settings.iter().copied()).collect::<Vec<_>>());
        Self { carrier, daemon, _folder: folder }
    }

    fn trunk(&self) -> Option<Value> {
        self.daemon.json(&["trunks", "--json"]).as_array().expect("a list").first().cloned()
    }

    fn is(&self, state: &str) -> Value {
        self.daemon.wait_for(&format!("trunk that is {state}"), || self.trunk().filter(|t| t["state"] == state))
    }

    /// The carrier's customer calls the service number.
    fn call(&self, args: &[&str]) -> Value {
        self.daemon.dial(&format!("sip:{USER}@{}", self.carrier.sip), args)
    }

    /// No row is open, and each that is there says the line.
    fn calls_over(&self, number: usize) {
        let calls = self.daemon.wait_for("ended calls", || {
            let calls = self.daemon.calls();
            (calls.len() == number && calls.iter().all(|call| !call["ended_at"].is_null())).then_some(calls)
        });
        assert!(calls.iter().all(|call| call["trunk"] == "carrier" && call["callee"] == USER), "{calls:#?}");
    }
}

fn registers_and_is_called(by: By) {
    let mut line = Line::new(by, "", &[]);
    let up = line.is("up");
    assert!(up["external"].is_null(), "there is no NAT: {up:#}");
    line.call(&["--keys", "1,1,5", "--hangup-after", "3"]);
    line.calls_over(1);
    assert_eq!(line.daemon.tickets()[0]["category"], "lift");
    // Nothing is left of it at the carrier.
    line.daemon.signal(libc::SIGTERM);
    assert!(line.daemon.wait().success());
    assert_eq!(line.trunk(), None, "it is left");
    let all = line.daemon.json(&["trunks", "--all", "--json"]);
    assert_eq!(all[0]["state"], "left", "{all:#}");
}

#[test]
fn a_line_over_udp_is_registered_called_and_left() {
    registers_and_is_called(By::Udp);
}

#[test]
fn a_line_over_tcp_is_registered_called_and_left() {
    registers_and_is_called(By::Tcp);
}

/// What the issue wants to be shown: through TLS, with SRTP, Kamailio restarted in between.
#[test]
fn a_line_over_tls_with_encrypted_audio_is_back_soon_after_its_carrier() {
    let mut line = Line::new(By::Tls, "srtp = \"required\"\n", &[]);
    line.is("up");
    let report = line.call(&["--srtp", "required", "--keys", "1,1,5", "--hangup-after", "3"]);
    assert!(report["srtp"].is_string(), "{report:#}");
    line.carrier.end();
    line.is("down");
    line.carrier.begin();
    let back = Instant::now();
    line.is("up");
    assert!(back.elapsed() < Duration::from_secs(10), "back after {:?}", back.elapsed());
    let report = line.call(&["--srtp", "required", "--keys", "1,1,5", "--hangup-after", "3"]);
    assert!(report["srtp"].is_string(), "{report:#}");
    line.calls_over(2);
    let journal = line.daemon.json(&["journal", "--json"]);
    let kinds: Vec<&str> = journal.as_array().expect("a list").iter().filter_map(|e| e["kind"].as_str()).collect();
    assert_eq!(kinds, ["line_up", "line_down", "started"], "{journal:#}");
    // An outage of seconds is no alarm.
    assert_eq!(line.daemon.json(&["alarms", "--json"]), serde_json::json!([]));
}

#[test]
fn a_call_goes_on_while_its_carrier_is_away_and_leaves_no_row_open() {
    let mut line = Line::new(By::Tls, "", &[]);
    line.is("up");
    let uri = format!("sip:{USER}@{}", line.carrier.sip);
    let call = line.daemon.dialling(&uri, &["--keys", "1,1,5", "--hangup-after", "8"]);
    line.daemon.wait_for("ticket", || line.daemon.tickets().pop());
    line.carrier.end();
    line.is("down");
    line.carrier.begin();
    line.is("up");
    let _ = call.wait_with_output();
    // The caller's BYE finds the desk at the connection that it has now.
    line.daemon.wait_for("ended call", || line.daemon.calls().into_iter().find(|call| !call["ended_at"].is_null()));
}

#[test]
fn a_wrong_password_is_an_alarm_at_once_and_not_tried_in_a_hurry() {
    let line = Line::new(By::Udp, "password = \"wrong\"\n", &[]);
    let down = line.is("down");
    assert!(down["note"].as_str().expect("a note").contains("password"), "{down:#}");
    let alarm = line.daemon.wait_for("alarm", || line.daemon.json(&["alarms", "--json"]).as_array()?.first().cloned());
    assert_eq!((&alarm["kind"], &alarm["about"]), (&"line_down".into(), &"carrier".into()), "{alarm:#}");
    assert_eq!(alarm["call"], Value::Null);
    line.daemon.logs(&["LINE DOWN", "wrong_password"], 1);
}

#[test]
fn a_server_that_proves_another_name_is_not_registered_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let ca = Authority::new(folder.path(), "ca");
    ca.certifies("carrier", &["another.test"], Valid::Now);
    let carrier = Kamailio::start(folder.path(), 120, None);
    let trunks = format!(
        "[[trunk]]\nname = \"carrier\"\nregistrar = \"sip:{};transport=tls\"\ndomain = \"{DOMAIN}\"\nuser = \"{USER}\"\n\
         password = \"{PASSWORD}\"\n",
        carrier.tls
    );
    let file = folder.path().join("trunks.toml");
    fs::write(&file, trunks).expect("written");
    let (file, trust) = (file.to_string_lossy().into_owned(), ca.file.to_string_lossy().into_owned());
    let daemon = Daemon::with(&[("TRUNKS__FILE", &file), ("TLS__TRUST", &trust)]);
    daemon.logs(&["a connection could not be made", "its certificate is for another name"], 1);
    daemon.logs(&["LINE DOWN", "unreachable"], 1);
}

#[test]
fn numbers_of_the_directory_are_called_over_the_line_and_it_proves_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().join("phone");
    fs::create_dir(&at).expect("a folder");
    let phone = Phone::start(&at, &["13800138000"], "g711", 8_000);
    let people = "[[person]]\nextension = \"201\"\nname = \"张伟\"\nhunt = [\"tel:13800138000\"]\n";
    let file = folder.path().join("people.toml");
    fs::write(&file, people).expect("written");
    let file = file.to_string_lossy().into_owned();
    let settings = [("PEOPLE__FILE", file.as_str()), ("SIP__GATEWAY", "trunk:carrier")];
    let line = Line::with_gateway(By::Udp, "", &settings, Some(phone.sip));
    line.is("up");
    let [callers_voice, persons_voice, _] = voices();
    phone.says(&persons_voice);
    let mut control = phone.connect(&line.daemon);
    let caller = Talker::calls(&line.daemon, "4,201#", &callers_voice, &[]);
    phone.rings(&line.daemon, 1);
    command(&mut control, "accept", "");
    phone.is_spoken_to(&line.daemon, 1);
    press(&mut control, "1");
    line.daemon.logs(&["put through", "extension=\"201\""], 1);
    talk(&line.daemon, "the caller", &callers_voice, || phone.heard());
    command(&mut control, "hangup", "");
    let (call, heard) = caller.over();
    assert_eq!(call["legs"][0]["place"], "tel:13800138000", "{call:#}");
    was_heard("the person", &persons_voice, &heard);
}
