//! Signing in and out.

use super::{add_user, address, desk, no_wish, script};
use crate::daemon::Daemon;

#[test]
fn the_first_administrator_comes_in_by_a_link_on_the_machines_console() {
    let daemon = Daemon::start();
    let told = || daemon.log().split_whitespace().find(|word| word.contains("/welcome/")).map(str::to_owned);
    let link = daemon.wait_for("link for the first administrator", told);
    script("first", &address(&daemon), |_| link.clone());
}

#[test]
fn people_sign_in_and_out() {
    let daemon = desk(&[]);
    script("sign_in", &address(&daemon), no_wish);
}

#[test]
fn wrong_passwords_lock_an_account() {
    let daemon = desk(&[]);
    add_user(&daemon, "locked", "engineer");
    script("lock_out", &address(&daemon), no_wish);
}
