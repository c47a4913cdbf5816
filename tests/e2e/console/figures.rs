//! The call log, answer times and the flow.

use super::{address, desk, no_wish, script};

#[test]
fn calls_and_their_figures_are_looked_at() {
    let daemon = desk(&[]);
    let say = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/fault.wav");
    let heard = daemon.dial(&daemon.uri(), &["--keys", "1,1,3,p,3*1201#,1,1", "--say", say]);
    assert!(heard.is_object(), "{heard}");
    script("figures", &address(&daemon), no_wish);
}
