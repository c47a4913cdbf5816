//! A telephone that looks for the way of its audio by checks (ICE), from behind a NAT: in network namespaces, as there are none
//! of loopback.

use std::fs;
use std::net::{SocketAddr, SocketAddrV4};
use std::process::Command;

use serde_json::Value;

use crate::daemon::{Daemon, peer};
use crate::nat::Behind;
use crate::phone::{Phone, command, press};

/// It names one address, and is found at another by its checks; it gives up a call whose checks all fail.
#[test]
fn a_telephone_behind_nat_finds_the_way_by_checks() {
    let behind = Behind::new();
    behind.let_commands_in();
    let folder = tempfile::tempdir().expect("a folder");
    let listen = format!("[\"udp:{}:0\"]", behind.address(1));
    let daemon = Daemon::with(&[("SIP__LISTEN", &listen)]);
    let mut baresip: Command = peer("ip");
    baresip.args(["netns", "exec", &behind.phone(), "/usr/bin/baresip"]);
    let place = |port| SocketAddr::V4(SocketAddrV4::new(behind.address(6), port));
    fs::write(folder.path().join("more"), "module ice.so\nrtcp_mux yes\n").expect("written");
    let account = format!("<sip:13700137000@{}>;regint=0;medianat=ice\n", behind.address(6));
    let phone = Phone::run(baresip, [5060, 4444].map(place), folder.path(), &account, "g711", 8_000);
    let mut control = phone.connect(&daemon);
    command(&mut control, "dial", &format!("sip:desk@{}", daemon.udp));
    daemon.wait_for("answered call", || daemon.calls().into_iter().find(|call| !call["answered_at"].is_null()));
    press(&mut control, "115");
    let ticket = daemon.wait_for("ticket", || daemon.tickets().pop());
    assert_eq!(ticket["category"], "lift");
    phone.is_spoken_to(&daemon, 1);
    command(&mut control, "hangup", "");
    let call = daemon.ended_call();
    assert!(call["rtp"]["received"].as_u64().expect("a count") > 20, "{call:#}");
    let messages = sip_messages(&daemon, &call);
    for line in ["a=ice-lite", "a=rtcp-mux", "typ host"] {
        assert!(messages.contains(line), "{line} in\n{messages}\n{}", phone.log());
    }
    let secret = messages.lines().filter(|line| line.trim_start().starts_with("a=ice-pwd:"));
    assert!(secret.clone().count() >= 2 && secret.clone().all(|line| line.trim_end().ends_with("**")), "{messages}");
    assert!(phone.log().contains("connectivity check is complete"), "{}", phone.log());
}

/// The SIP messages of a call, as they are kept.
pub fn sip_messages(daemon: &Daemon, call: &Value) -> String {
    let output = daemon.cli(&["calls", "show", &call["id"].to_string(), "--messages"]);
    String::from_utf8(output.stdout).expect("text")
}
