//! A real telephone calls, presses keys, hears the line and hangs up.

use std::{fs, thread};

use crate::daemon::Daemon;
use crate::phone::{PRESS_EVERY, Phone, command};

fn report_a_lift(module: &str, codec: &str, rate_hz: u32) {
    let daemon = Daemon::start();
    let folder = daemon.path("phone");
    fs::create_dir(&folder).expect("a folder");
    let phone = Phone::start(&folder, &["13700137000"], module, rate_hz);
    let mut control = phone.connect(&daemon);
    command(&mut control, "dial", &daemon.uri());
    daemon.wait_for("answered call", || daemon.calls().into_iter().find(|call| !call["answered_at"].is_null()));
    for key in ["1", "1", "5"] {
        thread::sleep(PRESS_EVERY);
        command(&mut control, "sndcode", key);
    }
    let ticket = daemon.wait_for("ticket", || daemon.tickets().pop());
    assert_eq!(ticket["category"], "lift");
    command(&mut control, "hangup", "");
    let call = daemon.ended_call();
    assert_eq!(call["codec"], codec, "{call:#}");
    assert_eq!(call["end_reason"], "caller_hung_up");
    assert_eq!(call["caller"], "13700137000");
    assert!(call["rtp"]["received"].as_u64().expect("a count") > 20, "{call:#}");
    daemon.wait_for("sound in what the phone heard", || phone.heard().filter(|clip| clip.peak_dbfs() > -30.0));
}

#[test]
fn a_telephone_reports_a_lift_in_g722() {
    report_a_lift("g722", "G722", 16_000);
}

#[test]
fn a_telephone_reports_a_lift_in_g711() {
    report_a_lift("g711", "PCMA", 8_000);
}
