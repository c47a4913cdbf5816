//! The desk's work, and every page there is.

use serde_json::Value;

use super::{address, desk, script};
use crate::audio::SPOKEN;
use crate::daemon::Daemon;

/// A desk that was called: a lift that stands still, a complaint, a message for 302.
fn desk_that_was_called() -> Daemon {
    let daemon = desk(&[]);
    let calls: [&[&str]; 3] = [
        &["--keys", "1,1,5", "--hangup-after", "6", "--from", "13900139000"],
        &["--keys", "2,1,2,p,1", "--hangup-after", "6", "--from", "13800138000"],
        &["--keys", "4,p,302#,p,1,p,s,#,p,1", "--say", SPOKEN, "--from", "13700137000"],
    ];
    let callers = calls.map(|args| daemon.dialling(&daemon.uri(), args));
    for caller in callers {
        assert!(caller.wait_with_output().expect("it ends").status.success(), "{}", daemon.log());
    }
    daemon.wait_for("what they left", || {
        let over = daemon.calls().iter().all(|call| !call["ended_at"].is_null());
        (over && daemon.tickets().len() == 2 && daemon.messages().len() == 1).then_some(())
    });
    daemon
}

#[test]
fn every_page_opens_for_every_role_in_both_languages_on_both_screens() {
    let daemon = desk_that_was_called();
    script("everywhere", &address(&daemon), super::no_wish);
}

#[test]
fn the_desk_does_its_work_at_the_console() {
    let daemon = desk_that_was_called();
    let ticket = |is: &dyn Fn(&Value) -> bool| {
        daemon.tickets().into_iter().find(is).unwrap_or_else(|| panic!("no such ticket: {:?}", daemon.tickets()))
    };
    script("work", &address(&daemon), |wish| match wish.split_once(' ') {
        Some(("ticket", kind)) => ticket(&|ticket| ticket["kind"] == kind).to_string(),
        Some(("state", of)) => {
            let number = of.trim_start_matches("of ");
            daemon.json(&["tickets", "show", number, "--json"]).to_string()
        }
        Some(("presence", of)) => {
            let extension = of.trim_start_matches("of ");
            let people = daemon.json(&["people", "--json"]);
            let found = people.as_array().expect("a list").iter().find(|person| person["extension"] == extension);
            found.expect("they are in the directory").to_string()
        }
        _ => panic!("nobody does this: {wish}"),
    });
}
