//! Signing in over real connections, and what a browser's session may do.

use std::thread;

use frontdesk::desk::ticket_edit::TicketEdit;
use frontdesk::desk::token::TokenSecret;
use frontdesk::store::Changer;
use frontdesk::types::TicketNumber;
use serde_json::{Value, json};

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
        let name = if n.is_multiple_of(2) { "wang" } else { "nobody" };
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
    assert!(
        written.iter().any(|line| line.ends_with("nobody sign_in_refused: account nobody: no account to sign in to"))
    );
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

#[test]
fn what_a_role_may_not_is_written_down_and_another_scheme_hides_no_session() {
    let desk = Desk::start();
    desk.account("zhao", "engineer", Some("301"));
    let session = desk.sign_in("zhao");
    let get = |path: &str, more: &[(&'static str, &'static str)]| {
        desk.visit("GET", path, &[lines(&session), more.to_vec()].concat(), None)
    };
    assert_eq!(get("/api/v1/reports/calls", &[]).status, 403);
    assert_eq!(get("/api/v1/events?kinds=message", &[]).status, 403);
    let written = desk.written_down();
    for about in ["reports/calls", "events"] {
        assert!(written.contains(&format!("console 127.0.0.1 zhao refused: {about}")), "{written:?}");
    }
    // A proxy may have asked for a password of its own.
    assert_eq!(get("/api/v1/tickets", &[("Authorization", "Basic d2FuZzp4")]).status, 200);
    assert_eq!(get("/api/v1/tickets", &[("Authorization", "bearer fd_1_00")]).status, 401);
    let sheet = get(&format!("/api/v1/tickets/{}/sheet", desk.ticket), &[]);
    assert!(sheet.header("content-type").starts_with("text/html"), "{sheet:?}");
    assert!(sheet.header("content-security-policy").contains("frame-ancestors 'none'"), "{sheet:?}");
}

#[test]
fn a_name_that_is_taken_is_told_on_the_page_of_the_link() {
    let desk = Desk::start();
    desk.account("wang", "receptionist", None);
    let secret = TokenSecret::new([7; 32]);
    let at = Changer { who: "test", from_where: "shell", at: chrono::Utc::now() };
    desk.editor().invite(at, None, &secret.hash(), at.at + chrono::TimeDelta::hours(1)).unwrap();
    let form = "name=wang&full_name=Wang&password=correct+horse+battery&again=correct+horse+battery";
    let taken = desk.visit("POST", &format!("/welcome/{}", secret.hex()), &[("Accept-Language", "en")], Some(form));
    let page = String::from_utf8_lossy(&taken.body).into_owned();
    assert!(
        taken.status == 409 && page.contains("there is an account") && page.contains("value=\"Wang\""),
        "{taken:?}"
    );
}

#[test]
fn an_engineer_changes_and_hears_their_own_tickets_alone() {
    let desk = Desk::start();
    desk.keep_what_was_said();
    desk.account("zhao", "engineer", Some("301"));
    let session = desk.sign_in("zhao");
    let api = |method: &str, path: &str, body: &Value| {
        let json = [("Content-Type", "application/json"), ("If-Match", "*")];
        let headers = [lines(&session), json.to_vec()].concat();
        desk.visit(method, &format!("/api/v1/tickets/{}{path}", desk.ticket), &headers, Some(&body.to_string()))
    };
    let page = |what: &str, fields: &str| {
        let seen = desk.editor().version(&TicketNumber(desk.ticket.clone())).unwrap();
        let form = format!("seen={seen}&{fields}");
        desk.visit("POST", &format!("/tickets/{}/{what}", desk.ticket), &lines(&session), Some(&form)).status
    };
    let hears = |what: &str| desk.visit("GET", &format!("/api/v1/{what}/recording"), &lines(&session), None).status;
    let (own, mine) = (format!("tickets/{}", desk.ticket), json!({"owner": "301"}));
    assert_eq!(hears(&own), 403);
    assert_eq!(api("PATCH", "", &mine).status, 403, "nobody takes a ticket");
    assert_eq!(api("PUT", "/owner", &mine).status, 403);
    assert_eq!(api("POST", "/notes", &json!({"text": "mine"})).status, 403);
    assert_eq!([page("edit", "owner=301"), page("note", "note=mine"), page("close", "how=withdrawn&note=x")], [403; 3]);
    let written = desk.written_down();
    for about in ["", ": a change", ": owner", "/owner", "/notes"] {
        let begins = if about.starts_with(':') { "ticket " } else { "tickets/" };
        let line = format!("console 127.0.0.1 zhao refused: {begins}{}{about}", desk.ticket);
        assert!(written.contains(&line), "{line}: {written:?}");
    }
    // Somebody of the desk hands it over.
    let hand_over = TicketEdit { owner: Some("301".to_owned()), ..TicketEdit::default() };
    desk.editor().edit(&TicketNumber(desk.ticket.clone()), "wang", chrono::Utc::now(), &hand_over).unwrap();
    assert_eq!(api("POST", "/notes", &json!({"text": "mine"})).status, 200);
    assert_eq!([page("note", "note=mine"), page("edit", "building=4")], [303; 2]);
    assert_eq!((api("PUT", "/owner", &json!({"owner": "302"})).status, page("edit", "owner=302")), (403, 403));
    assert_eq!([hears(&own), hears("calls/2")], [200, 403], "what was said for the ticket, no more");
    // What a program may change its scopes say.
    let program = desk.token(&["tickets:write"], "engineer");
    let noted = desk.change(&program, "POST", &format!("/{own}/notes"), "*", &json!({"text": "by a program"}));
    assert_eq!(noted.status, 200, "{noted:?}");
}
