//! Places that can't be reached at all.

use std::fs;

use crate::daemon::Daemon;

/// Port 0 is nobody's: the kernel refuses to send there, and the caller is led on at once, not after the ringing.
#[test]
fn a_place_that_nothing_can_be_sent_to_is_given_up_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let people = folder.path().join("people.toml");
    let text =
        "[[person]]\nextension = \"201\"\nname = \"张伟\"\nhunt = [{ uri = \"sip:201@127.0.0.1:0\", ring_s = 300 }]\n";
    fs::write(&people, text).expect("written");
    let daemon = Daemon::with(&[("PEOPLE__FILE", people.to_str().expect("text"))]);
    daemon.dial(&daemon.uri(), &["--keys", "4,201#", "--hangup-after", "6"]);
    let call = daemon.ended_call();
    assert_eq!(call["legs"][0]["end"], "failed", "{call:#}");
    assert_eq!(call["legs"][0]["status"], 503);
    let nodes: Vec<&str> = call["path"].as_array().expect("steps").iter().filter_map(|s| s["node"].as_str()).collect();
    assert!(nodes.contains(&"absent"), "{nodes:?}");
}

/// What was counted while it happened is what a monitor reads.
#[test]
fn metrics_tell_of_tickets_audio_and_legs() {
    use std::io::{Read, Write};
    let daemon = Daemon::start();
    daemon.dial(&daemon.uri(), &["--keys", "1,1,3", "--hangup-after", "2"]);
    daemon.ended_call();
    let read = || {
        let mut stream = std::net::TcpStream::connect(daemon.console).expect("a console");
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: desk\r\nConnection: close\r\n\r\n").expect("sent");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("text");
        text
    };
    let value = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
        line.unwrap_or_else(|| panic!("{name} is missing:\n{text}")).parse::<f64>().expect("a number")
    };
    let text = daemon.wait_for("closed stream in the metrics", || {
        Some(read()).filter(|text| value(text, "frontdesk_rtp_sent_total") > 0.0)
    });
    assert_eq!(value(&text, "frontdesk_tickets_opened_total{kind=\"repair\"}"), 1.0);
    assert!(value(&text, "frontdesk_rtp_received_total") > 10.0);
    assert_eq!(value(&text, "frontdesk_disk_low"), 0.0);
    assert!(value(&text, "frontdesk_pacing_late_seconds_count") > 50.0);
}
