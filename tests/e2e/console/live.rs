//! What happens now: calls as they come, and a daemon that is gone for a while.

use std::process::Child;

use serde_json::{Value, json};

use super::{address, desk, script};
use crate::daemon::{Daemon, free};
use crate::sipp_calls;

/// The newest call, as soon as there is one that is not among those.
pub fn new_call(daemon: &Daemon, before: &[Value]) -> Value {
    let known = |call: &Value| before.iter().any(|old| old["id"] == call["id"]);
    daemon.wait_for("call", || daemon.calls().into_iter().find(|call| !known(call)))
}

#[test]
fn the_board_shows_calls_as_they_come_and_comes_back_after_a_restart() {
    let console = free().to_string();
    let mut daemon = Some(desk(&[("CONSOLE__LISTEN", &console)]));
    let mut caller: Option<Child> = None;
    let address = address(daemon.as_ref().expect("it runs"));
    script("live", &address, |wish| {
        let running = daemon.as_ref().expect("it runs");
        let before = running.calls();
        match wish {
            "call" => {
                let uri = running.uri();
                caller = Some(running.dialling(&uri, &["--from", "13900139000", "--hangup-after", "6"]));
                new_call(running, &before).to_string()
            }
            "odd name" => {
                caller = Some(sipp_calls::start(running, "odd_name.xml"));
                new_call(running, &before).to_string()
            }
            "call is over" => {
                let over = caller.take().map(Child::wait_with_output).expect("there is a call").expect("it ends");
                assert!(over.status.success(), "{}", String::from_utf8_lossy(&over.stderr));
                "over".to_owned()
            }
            "last ticket" => running.wait_for("ticket", || running.tickets().into_iter().next()).to_string(),
            "restart" => {
                daemon = daemon.take().map(Daemon::kill_and_restart);
                json!({}).to_string()
            }
            _ => panic!("nobody does this: {wish}"),
        }
    });
}
