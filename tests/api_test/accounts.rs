//! Signing in over real connections, and what a browser's session may do.

use std::thread;

use super::api_test::Desk;

/// Headers as the tests' connections take them.
fn lines<'h>(headers: &'h [(&'static str, String)]) -> Vec<(&'static str, &'h str)> {
    headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[test]
fn guesses_that_come_at_once_do_not_outrun_the_lock() {
    let desk = Desk::start();
    desk.account("wang", "receptionist", None);
    let guess = |n: usize| {
        let name = if n % 2 == 0 { "wang" } else { "nobody" };
        let form = format!("name={name}&password=wrong+guess+{n}");
        desk.visit("POST", "/sign-in", &[], Some(&form)).status
    };
    let told: Vec<u16> = thread::scope(|scope| {
        let guesses: Vec<_> = (0..40).map(|n| scope.spawn(move || guess(n))).collect();
        guesses.into_iter().map(|guess| guess.join().unwrap()).collect()
    });
    let checked = told.iter().filter(|status| **status == 422).count();
    assert!((10..=11).contains(&checked), "two are checked at a time: {told:?}");
    assert!(told.iter().all(|status| [422, 429, 503].contains(status)), "{told:?}");
    let written = desk.written_down();
    assert_eq!(written.iter().filter(|line| line.contains("sign_in_refused")).count(), checked, "{written:?}");
    assert!(written.iter().any(|line| line.ends_with("nobody sign_in_refused: account nobody: no account to sign in to")));
    let right = desk.visit("POST", "/sign-in", &[], Some("name=wang&password=correct+horse+battery"));
    assert_eq!((right.status, right.header("retry-after").is_empty()), (429, false), "{right:?}");
}

#[test]
fn one_account_is_guessed_at_a_few_times_however_many_ask() {
    let desk = Desk::start();
    desk.account("wang", "receptionist", None);
    let guess = || desk.visit("POST", "/sign-in", &[], Some("name=wang&password=wrong+guess")).status;
    thread::scope(|scope| (0..10).for_each(|_| drop(scope.spawn(guess))));
    let counted = |line: &&String| line.contains("in a row");
    let written = desk.written_down();
    assert!((5..=6).contains(&written.iter().filter(counted).count()), "{written:?}");
}

#[test]
fn signing_out_is_written_down_and_signing_in_again_ends_the_session_before() {
    let desk = Desk::start();
    desk.account("wang", "receptionist", None);
    let first = desk.sign_in("wang");
    let asks = |session: &[(&'static str, String)]| desk.visit("GET", "/api/v1/tickets", &lines(session), None).status;
    assert_eq!(asks(&first), 200);
    let form = "name=wang&password=correct+horse+battery";
    let again = desk.visit("POST", "/sign-in", &[("Cookie", &first[0].1)], Some(form));
    assert_eq!((again.status, asks(&first)), (303, 401), "{again:?}");
    let second = desk.sign_in("wang");
    desk.visit("POST", "/sign-out", &lines(&second), None);
    assert_eq!(asks(&second), 401);
    let written = desk.written_down();
    assert!(written.contains(&"console 127.0.0.1 wang signed_out: account wang".to_owned()), "{written:?}");
}
