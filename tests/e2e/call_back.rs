//! A caller who gave up waiting is called back, also when the line was cut off meanwhile (R9, R10).

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;

use crate::daemon::Daemon;
use crate::odd_callees::Odd;

const CALLER: &str = "13800138000";

fn receptionist_at(people: &Path, place: SocketAddr) {
    let text = format!(
        "[[person]]\nextension = \"100\"\nname = \"王芳\"\nhunt = [\"sip:100@{place}\"]\nduty = [\"receptionist\"]\n"
    );
    fs::write(people, text).expect("written");
}

#[test]
fn a_caller_is_called_back_by_the_receptionist_after_a_power_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    let people = folder.path().join("people.toml");
    // Nobody lifts there.
    let nobody = UdpSocket::bind("127.0.0.1:0").expect("a port");
    receptionist_at(&people, nobody.local_addr().expect("an address"));
    let customer = Odd::start(folder.path(), "talks", &[]);
    let gateway = format!("\"{}\"", customer.sip);
    let daemon = Daemon::with(&[
        ("PEOPLE__FILE", people.to_str().expect("text")),
        ("CALL_BACK__GATEWAY", &gateway),
        ("CALL_BACK__HOURS", "00:00-24:00"),
    ]);
    daemon.dial(&daemon.uri(), &["--keys", "0,www,2", "--from", CALLER, "--hangup-after", "15"]);
    let call = daemon.ended_call();
    let ticket = &daemon.tickets()[0];
    assert_eq!((&ticket["kind"], &ticket["category"]), (&"inquiry".into(), &"call_back".into()), "{ticket:#}");
    assert_eq!(ticket["callback_number"], CALLER);
    assert_eq!(ticket["incomplete"], false);
    assert_eq!(call["outcome"], "ticket");

    let receptionist = Odd::start(folder.path(), "takes_it", &[]);
    receptionist_at(&people, receptionist.sip);
    let daemon = daemon.kill_and_restart();
    let called_back = daemon.wait_for("call-back", || {
        let call = daemon.calls().remove(0);
        let legs = call["legs"].as_array().expect("legs");
        let customer = legs.iter().find(|leg| leg["extension"] == "").cloned();
        customer.filter(|leg| !leg["end"].is_null()).map(|leg| (leg, call))
    });
    let (leg, call) = called_back;
    receptionist.went_well(&call);
    customer.went_well(&call);
    assert_eq!(leg["end"], "talked", "{call:#}");
    assert_eq!(call["handled_by"], "100");
    assert_eq!(call["outcome"], "ticket");
    let history = daemon.tickets()[0]["events"].to_string();
    assert!(history.contains("100 takes the call-back") && history.contains("called back"), "{history}");
}
