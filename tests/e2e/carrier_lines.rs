//! What carriers insist on, with SIPp as the carrier: 100rel, session timers, UPDATE. In each XML file stands what it expects.

use std::fs;

use crate::daemon::Daemon;
use crate::odd_callees::Odd;
use crate::sipp_calls::once;

#[test]
fn a_caller_who_requires_100rel_and_timers_is_served_and_holds_by_update() {
    let daemon = Daemon::start();
    let call = once(&daemon, "prack.xml");
    assert!(!call["answered_at"].is_null(), "{call:#}");
    assert_eq!((&call["end_reason"], &call["codec"]), (&"caller_hung_up".into(), &"PCMA".into()));
    daemon.logs(&["the peer says why it hangs up", "Q.850;cause=16"], 1);
}

#[test]
fn too_short_a_session_is_refused_and_the_next_call_taken() {
    let daemon = Daemon::start();
    crate::sipp_calls::run(&daemon, "session_too_small.xml", &["-m", "1"]);
    let calls = daemon.wait_for("both rows", || Some(daemon.calls()).filter(|calls| calls.len() == 2));
    let ends: Vec<_> = calls.iter().filter_map(|call| call["end_reason"].as_str()).collect();
    assert!(ends.contains(&"rejected_422"), "{calls:#?}");
}

#[test]
fn the_desk_refreshes_by_update() {
    let daemon = Daemon::with(&[("RTP__MEDIA_TIMEOUT_S", "300")]);
    let call = once(&daemon, "session_refreshed.xml");
    assert_eq!(call["end_reason"], "caller_hung_up", "{call:#}");
}

#[test]
fn a_caller_who_does_not_refresh_is_hung_up() {
    let daemon = Daemon::with(&[("RTP__MEDIA_TIMEOUT_S", "300")]);
    crate::sipp_calls::run(&daemon, "session_vanishes.xml", &["-m", "1", "-timeout", "90s"]);
    let call = daemon.ended_call();
    assert_eq!(call["end_reason"], "session_expired", "{call:#}");
}

/// The trunk behind which a person's number is: it wants longer sessions, and its early media is acknowledged.
#[test]
fn a_trunk_with_422_and_reliable_early_media_reaches_a_person() {
    let folder = tempfile::tempdir().expect("a folder");
    let trunk = Odd::start(folder.path(), "trunk", &[]);
    let people = folder.path().join("people.toml");
    fs::write(&people, "[[person]]\nextension = \"201\"\nname = \"张伟\"\nhunt = [\"tel:13912345678\"]\n")
        .expect("written");
    let daemon = Daemon::with(&[
        ("PEOPLE__FILE", people.to_str().expect("text")),
        ("SIP__GATEWAY", &format!("sip:{}", trunk.sip)),
        ("SIP__NUMBER_FORMAT", "e164"),
    ]);
    daemon.dial(&daemon.uri(), &["--keys", "4,201#", "--hangup-after", "10"]);
    let call = daemon.ended_call();
    assert_eq!(call["legs"][0]["codec"], "PCMA", "{call:#}");
    trunk.went_well(&call);
}
