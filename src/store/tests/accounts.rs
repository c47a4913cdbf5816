//! Accounts of the console: one-time links, locks, sessions, in virtual time.

use super::*;
use crate::desk::account::session::{CROSSING, CsrfToken, RENEW_EVERY, SessionRules};
use crate::desk::account::totp::TotpSecret;
use crate::desk::account::{LINK_FOR, UserDraft, UserId};
use crate::desk::privacy::Role;
use crate::desk::secret_hash::SecretHash;
use crate::desk::token::{TokenHash, TokenSecret};
use crate::store::{AccountChange, AuditFilter, Changer, NewSession};
use crate::types::Redacted;

fn minutes(minutes: i64) -> DateTime<Utc> {
    noon() + TimeDelta::minutes(minutes)
}

fn by(at: DateTime<Utc>) -> Changer<'static> {
    Changer { who: "wang", from_where: "console 192.0.2.7", at }
}

fn secret(n: u8) -> TokenHash {
    TokenSecret::new([n; 32]).hash()
}

/// The parameters of the hash don't matter to the store.
fn password() -> SecretHash {
    SecretHash::make(&Redacted("correct horse battery".to_owned()), &[7; 16]).expect("there is memory")
}

fn draft(name: &str, role: Role) -> UserDraft {
    UserDraft { name: name.to_owned(), full_name: name.to_owned(), extension: None, role }
}

fn begun(hash: TokenHash) -> NewSession<'static> {
    NewSession { hash, csrf: CsrfToken([9; 16]), address: "192.0.2.7", agent: "a browser", instead_of: None }
}

/// An account that can sign in.
fn account(editor: &mut Editor, name: &str, role: Role) -> UserId {
    let id = editor.add_user(by(noon()), &draft(name, role)).expect("it is new");
    editor.set_password(by(noon()), id, &password(), None).expect("it is there");
    id
}

#[test]
fn the_first_administrator_is_made_by_a_link_that_opens_once() {
    let desk = Desk::open();
    let (mut editor, reader) = (desk.editor(), desk.reader());
    assert!(!editor.has_administrator().expect("readable"));
    editor.invite(by(noon()), None, &secret(1), noon() + LINK_FOR).expect("kept");
    // The next start makes another, and the first opens nothing more.
    editor.invite(by(noon()), None, &secret(2), noon() + LINK_FOR).expect("kept");
    assert!(reader.invite(&secret(1), noon()).expect("readable").is_none());
    assert!(reader.invite(&secret(2), noon() + LINK_FOR).expect("readable").is_none(), "it is over");
    let accept = |editor: &mut Editor, n| {
        let draft = draft("wang", Role::Engineer);
        editor.accept_invite(&secret(n), (noon(), "console 192.0.2.7"), Some(&draft), &password()).expect("possible")
    };
    assert_eq!(accept(&mut editor, 1), None);
    let id = accept(&mut editor, 2).expect("it opens");
    assert_eq!(accept(&mut editor, 2), None, "once");
    let (user, secrets) = reader.user(id).expect("readable").expect("it is there");
    assert_eq!((user.role, secrets.password.is_some()), (Role::Administrator, true));
    // A link for a first administrator opens nothing where there is one.
    editor.invite(by(noon()), None, &secret(3), noon() + LINK_FOR).expect("kept");
    assert!(reader.invite(&secret(3), noon()).expect("readable").is_none());
}

#[test]
fn wrong_passwords_lock_for_minutes_and_are_written_down() {
    let desk = Desk::open();
    let (mut editor, reader) = (desk.editor(), desk.reader());
    let id = account(&mut editor, "li", Role::Receptionist);
    let locked: Vec<_> = (0..6).map(|_| editor.sign_in_refused(by(noon()), "li").expect("possible")).collect();
    assert_eq!(locked, [None, None, None, None, Some(minutes(1)), Some(minutes(1))], "while it is locked none counts");
    assert_eq!(editor.sign_in_refused(by(minutes(1)), "li").expect("possible"), Some(minutes(3)));
    // Who isn't there, or may not sign in, is written down too.
    assert_eq!(editor.sign_in_refused(by(noon()), "nobody").expect("possible"), None);
    let user = reader.user(id).expect("readable").expect("it is there").0;
    assert!(user.locked(minutes(2)).is_some() && user.locked(minutes(3)).is_none());
    let filter = AuditFilter { what: Some("sign_in_refused".to_owned()), ..AuditFilter::default() };
    let about: Vec<_> = reader.audit(&filter).expect("readable").into_iter().map(|entry| entry.about).collect();
    assert_eq!(about.len(), 8);
    let of_nobody = "account nobody: no account to sign in to".to_owned();
    assert!(about.contains(&of_nobody) && about.contains(&"account li: while it is locked".to_owned()), "{about:?}");
    // The right one ends it.
    assert!(editor.sign_in(by(minutes(3)), id, None, &begun(secret(1))).expect("possible").is_some());
    let user = reader.user(id).expect("readable").expect("it is there").0;
    assert_eq!((user.failed, user.locked_until, user.signed_in_at), (0, None, Some(minutes(3))));
}

#[test]
fn a_code_opens_one_session_alone() {
    let desk = Desk::open();
    let mut editor = desk.editor();
    let id = account(&mut editor, "li", Role::Receptionist);
    editor.change_user(by(noon()), id, AccountChange::Totp(Some((TotpSecret([1; 20]), 6)))).expect("possible");
    assert_eq!(editor.sign_in(by(noon()), id, Some(6), &begun(secret(1))).expect("possible"), None, "it turned it on");
    assert!(editor.sign_in(by(noon()), id, Some(7), &begun(secret(1))).expect("possible").is_some());
    assert_eq!(editor.sign_in(by(noon()), id, Some(7), &begun(secret(2))).expect("possible"), None);
    assert!(editor.sign_in(by(noon()), id, Some(8), &begun(secret(3))).expect("possible").is_some());
}

#[test]
fn signing_in_again_ends_the_session_that_the_browser_had() {
    let desk = Desk::open();
    let (mut editor, reader) = (desk.editor(), desk.reader());
    let id = account(&mut editor, "li", Role::Receptionist);
    let first = editor.sign_in(by(noon()), id, None, &begun(secret(1))).expect("possible").expect("it begins");
    let again = NewSession { instead_of: Some(first), ..begun(secret(2)) };
    let second = editor.sign_in(by(noon()), id, None, &again).expect("possible").expect("it begins");
    let open: Vec<_> = reader.sessions_of(id).expect("readable").into_iter().map(|session| session.id).collect();
    assert_eq!(open, [second]);
    editor.end_session(by(noon()), second).expect("possible");
    let filter = AuditFilter { what: Some("signed_out".to_owned()), ..AuditFilter::default() };
    assert_eq!(reader.audit(&filter).expect("readable").len(), 1);
}

#[test]
fn a_sessions_secret_is_renewed_and_the_one_before_crosses_for_a_moment() {
    let desk = Desk::open();
    let (mut editor, reader) = (desk.editor(), desk.reader());
    let rules = SessionRules::default();
    let id = account(&mut editor, "li", Role::Receptionist);
    let session = editor.sign_in(by(noon()), id, None, &begun(secret(1))).expect("possible").expect("it begins");
    let opens = |n, at| reader.session(session, &secret(n), rules, at).expect("readable").map(|(_, _, before)| before);
    assert_eq!((opens(1, noon()), opens(2, noon())), (Some(false), None));
    let renewed_at = noon() + RENEW_EVERY;
    assert!(editor.renew_session(session, (&secret(1), &secret(2)), noon(), renewed_at).expect("possible"));
    // Another request that came at the same time saw the session before: what the first was sent stays.
    assert!(!editor.renew_session(session, (&secret(1), &secret(4)), noon(), renewed_at).expect("possible"));
    assert_eq!((opens(2, renewed_at), opens(4, renewed_at)), (Some(false), None));
    let stranger = editor.renew_session(session, (&secret(5), &secret(3)), renewed_at, renewed_at);
    assert!(!stranger.expect("possible"), "a stranger's");
    // Until the browser has shown the new one, its answer may have been lost.
    assert_eq!((opens(2, renewed_at), opens(1, renewed_at + CROSSING * 2)), (Some(false), Some(true)));
    editor.session_seen(session, true, rules, renewed_at).expect("possible");
    assert_eq!((opens(1, renewed_at), opens(1, renewed_at + CROSSING)), (Some(true), None));
    // Over: idle, or whoever it is was closed out.
    assert_eq!(opens(2, renewed_at + rules.idle), None);
    editor.change_user(by(noon()), id, AccountChange::Disabled(true)).expect("possible");
    assert_eq!(opens(2, renewed_at), None);
    assert!(reader.sessions_of(id).expect("readable").is_empty());
}

#[test]
fn a_new_password_ends_the_other_sessions() {
    let desk = Desk::open();
    let (mut editor, reader) = (desk.editor(), desk.reader());
    let id = account(&mut editor, "li", Role::Receptionist);
    let first = editor.sign_in(by(noon()), id, None, &begun(secret(1))).expect("possible").expect("it begins");
    editor.sign_in(by(noon()), id, None, &begun(secret(2))).expect("possible").expect("it begins");
    editor.set_password(by(noon()), id, &password(), Some(first)).expect("possible");
    let left: Vec<i64> = reader.sessions_of(id).expect("readable").iter().map(|session| session.id).collect();
    assert_eq!(left, [first]);
}

#[test]
fn the_last_administrator_stays_one() {
    let desk = Desk::open();
    let mut editor = desk.editor();
    let first = account(&mut editor, "wang", Role::Administrator);
    // One without a password can't sign in, and is none yet.
    let second = editor.add_user(by(noon()), &draft("li", Role::Administrator)).expect("it is new");
    for change in [AccountChange::Role(Role::Supervisor), AccountChange::Disabled(true)] {
        assert!(matches!(editor.change_user(by(noon()), first, change), Err(StoreError::Refused(_))), "{change:?}");
    }
    editor.set_password(by(noon()), second, &password(), None).expect("possible");
    editor.change_user(by(noon()), first, AccountChange::Role(Role::Supervisor)).expect("there is another");
    let same = editor.add_user(by(noon()), &draft("li", Role::Engineer));
    assert!(matches!(same, Err(StoreError::Refused(_))), "the name is taken");
}
