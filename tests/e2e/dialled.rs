//! Whole calls by the built-in caller: what was keyed and said is what the desk holds.

use serde_json::json;

use crate::daemon::Daemon;

const CALLER: &str = "13800138000";

#[test]
fn a_caller_who_hangs_up_half_way_leaves_an_incomplete_ticket() {
    let daemon = Daemon::start();
    daemon.dial(&daemon.uri(), &["--keys", "1,1,3", "--hangup-after", "2", "--from", CALLER]);
    let call = daemon.ended_call();
    let tickets = daemon.tickets();
    assert_eq!(tickets.len(), 1, "{call:#}");
    assert_eq!(tickets[0]["incomplete"], true);
    assert_eq!(tickets[0]["category"], "burst_pipe");
    assert_eq!(call["tickets"], json!([tickets[0]["number"]]));
}

/// R2: answered after so many rings, and before the third.
fn answered_after(rings: u64) {
    let (on, off) = (1000, 4000);
    let daemon = Daemon::with(&[("ANSWER__AFTER_RINGS", &rings.to_string())]);
    let report = daemon.dial(&daemon.uri(), &["--hangup-after", "0.5"]);
    let call = daemon.ended_call();
    let least = rings * on + (rings - 1) * off;
    for answer_ms in [&call["answer_ms"], &report["answer_ms"]] {
        let answer_ms = answer_ms.as_u64().expect("answered");
        assert!((least..least + 1500).contains(&answer_ms), "{answer_ms} ms after {rings} rings");
    }
    assert_eq!(call["answer_rings"], rings);
    assert_eq!(report["before_third_ring"], true);
}

#[test]
fn r2_one_ring_is_let_ring() {
    answered_after(1);
}

#[test]
fn r2_two_rings_are_let_ring_and_no_third() {
    answered_after(2);
}
