//! A day at the console, from the first call to the week's report.

use std::process::Child;

use super::{address, desk, live::new_call, script};
use crate::audio::SPOKEN;

#[test]
fn a_supervisor_needs_no_manual() {
    let daemon = desk(&[]);
    let repair = daemon.dialling(&daemon.uri(), &["--keys", "1,1,5", "--hangup-after", "6", "--from", "13900139000"]);
    assert!(repair.wait_with_output().expect("it ends").status.success(), "{}", daemon.log());
    daemon.wait_for("its ticket", || daemon.tickets().into_iter().next());
    let mut caller: Option<Child> = None;
    script("day", &address(&daemon), |wish| match wish {
        "message" => {
            let before = daemon.calls();
            let keys = ["--keys", "4,p,302#,p,1,p,s,#,p,1", "--say", SPOKEN, "--from", "13700137000"];
            caller = Some(daemon.dialling(&daemon.uri(), &keys));
            new_call(&daemon, &before).to_string()
        }
        "call is over" => {
            let over = caller.take().map(Child::wait_with_output).expect("there is a call").expect("it ends");
            assert!(over.status.success(), "{}", String::from_utf8_lossy(&over.stderr));
            daemon
                .wait_for("the message", || daemon.messages().into_iter().find(|m| m["incomplete"] == false))
                .to_string()
        }
        _ => panic!("nobody does this: {wish}"),
    });
}
