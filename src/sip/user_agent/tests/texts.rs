//! Texts to telephones that are registered (RFC 3428).

use super::line::*;
use super::registering::{account, desk, desk_with, phone, register};
use crate::sip::user_agent::*;
use crate::sip::wire::Name;

const CONTACT: &str = "<sip:100@192.0.2.7:5062>";

/// A line where 100 has a telephone, and nothing is left to be read.
fn with_phone() -> Line {
    let mut line = desk();
    line.proven(&register(1, CONTACT), "secret");
    let told = line.one();
    line.receive(reply(told.request(), 200, "", None, None));
    line.told();
    line
}

fn send(line: &mut Line, id: u64, users: &[&str], text: &str) {
    let users: Vec<String> = users.iter().map(|user| (*user).to_owned()).collect();
    line.tell(|ua, now| ua.send_text(now, TextId(id), &users, text));
}

#[test]
fn a_text_reaches_a_registered_telephone() {
    let mut line = with_phone();
    send(&mut line, 7, &["100"], "有您的留言");
    let sent = line.one();
    assert_eq!(
        (sent.name().as_str(), sent.request().uri.to_string()),
        ("MESSAGE", "sip:100@192.0.2.7:5062".to_owned())
    );
    assert_eq!(sent.header(Name::ContentType), "text/plain;charset=UTF-8");
    assert_eq!(sent.message.body(), "有您的留言".as_bytes());
    assert!(sent.request().headers.first(&Name::Contact).is_none(), "a MESSAGE has no Contact");
    assert!(line.told().is_empty(), "nothing is known yet");
    line.receive(reply(sent.request(), 202, "", None, None));
    assert_eq!(line.told(), [Event::TextEnded { id: TextId(7), status: 202 }]);
}

#[test]
fn without_a_telephone_it_is_told_at_once() {
    let mut line = desk();
    send(&mut line, 1, &["100"], "x");
    assert_eq!(line.told(), [Event::TextEnded { id: TextId(1), status: 480 }]);
    send(&mut line, 2, &[], "x");
    assert_eq!(line.told(), [Event::TextEnded { id: TextId(2), status: 480 }]);
}

#[test]
fn one_telephone_that_takes_it_is_enough_and_the_best_refusal_is_told() {
    let mut line = desk_with(vec![account("100", "secret"), account("101", "other")]);
    for (user, password) in [("100", "secret"), ("101", "other")] {
        let request = Phone { contact: Some(format!("<sip:{user}@192.0.2.7:5062>")), ..phone("REGISTER", user, 1) };
        line.proven(&request, password);
        line.take();
    }
    line.told();
    send(&mut line, 1, &["100", "101"], "x");
    let sent = line.take();
    assert_eq!(sent.iter().map(Sent::name).collect::<Vec<_>>(), ["MESSAGE", "MESSAGE"]);
    line.receive(reply(sent[0].request(), 486, "", None, None));
    assert!(line.told().is_empty(), "the other may take it");
    line.receive(reply(sent[1].request(), 200, "", None, None));
    assert_eq!(line.told(), [Event::TextEnded { id: TextId(1), status: 200 }]);
    send(&mut line, 2, &["100", "101"], "x");
    let sent = line.take();
    line.receive(reply(sent[0].request(), 415, "", None, None));
    line.receive(reply(sent[1].request(), 405, "", None, None));
    assert_eq!(line.told(), [Event::TextEnded { id: TextId(2), status: 405 }]);
}

#[test]
fn a_silent_telephone_is_given_up_and_a_long_text_is_cut_between_characters() {
    let mut line = with_phone();
    send(&mut line, 1, &["100"], &"字".repeat(1000));
    let sent = line.one();
    let text = std::str::from_utf8(sent.message.body()).expect("no character is halved");
    assert!(text.len() <= TEXT_BYTES_MAX && text.len() > TEXT_BYTES_MAX - 3, "{}", text.len());
    line.advance(ms(33_000));
    assert_eq!(line.told(), [Event::TextEnded { id: TextId(1), status: 408 }]);
}
