//! Messages waiting: subscriptions and NOTIFYs without one (RFC 3842, RFC 6665).

use super::line::*;
use super::registering::{account, desk, phone, register};
use crate::sip::user_agent::*;
use crate::sip::wire::Name;

const CONTACT: &str = "<sip:100@192.0.2.7:5062>";

fn subscribe(n: u32) -> Phone {
    let request = Phone { contact: Some(CONTACT.to_owned()), ..phone("SUBSCRIBE", "100", n) };
    Phone { uri: "sip:100@frontdesk".to_owned(), ..request }.header("Event: message-summary;id=7")
}

/// Subscription-State and body of a NOTIFY.
#[track_caller]
fn summary(sent: &Sent) -> (String, String) {
    assert_eq!(sent.name(), "NOTIFY");
    assert_eq!(sent.header(Name::ContentType), "application/simple-message-summary");
    (sent.header(Name::SubscriptionState), String::from_utf8(sent.message.body().to_vec()).unwrap())
}

fn body(waiting: &str, counts: &str) -> String {
    format!("Messages-Waiting: {waiting}\r\nMessage-Account: sip:100@frontdesk\r\nVoice-Message: {counts} (0/0)\r\n")
}

#[test]
fn a_registered_phone_is_told_at_once_and_at_each_change() {
    let mut line = desk();
    line.proven(&register(1, CONTACT), "secret");
    let told = line.one();
    assert_eq!(summary(&told), ("terminated;reason=noresource".to_owned(), body("no", "0/0")));
    assert_eq!((told.to.remote, told.request().uri.to_string()), (line.source, "sip:100@192.0.2.7:5062".to_owned()));
    assert_eq!(told.header(Name::Event), "message-summary");
    line.receive(reply(told.request(), 489, "", None, None));
    line.tell(|ua, now| ua.set_messages_waiting(now, "100", 2, 8)).unwrap();
    assert_eq!(summary(&line.one()).1, body("yes", "2/8"));
    line.tell(|ua, now| ua.set_messages_waiting(now, "100", 2, 8)).unwrap();
    assert!(line.names().is_empty());
    let nobody = line.tell(|ua, now| ua.set_messages_waiting(now, "999", 1, 0));
    assert_eq!(nobody, Err(UaError::NoSuchAccount));
    line.proven(&register(9, CONTACT), "secret");
    assert!(line.names().is_empty(), "a refresh is no news");
}

#[test]
fn a_subscription_lives_by_refreshes_and_ends_when_asked() {
    let mut line = desk();
    line.tell(|ua, now| ua.set_messages_waiting(now, "100", 0, 3)).unwrap();
    let answer = line.proven(&subscribe(1).header("Expires: 100"), "secret");
    assert_eq!((answer.name().as_str(), answer.header(Name::Expires).as_str()), ("200 SUBSCRIBE", "100"));
    let first = line.one();
    assert_eq!(summary(&first), ("active;expires=100".to_owned(), body("no", "0/3")));
    assert_eq!(first.header(Name::Event), "message-summary;id=7");
    assert_eq!(
        (first.to_tag().as_str(), first.request().headers.from().unwrap().tag()),
        ("f100", Some(answer.to_tag().as_str()))
    );
    line.receive(reply(first.request(), 200, "", None, None));
    line.advance(ms(10_000));
    line.tell(|ua, now| ua.set_messages_waiting(now, "100", 1, 3)).unwrap();
    assert_eq!(summary(&line.one()), ("active;expires=90".to_owned(), body("yes", "1/3")));

    let within = |n: u32| Phone { to: format!("<sip:100@frontdesk>;tag={}", answer.to_tag()), ..subscribe(n) };
    line.proven(&within(5).header("Expires: 120"), "secret");
    assert_eq!(summary(&line.one()).0, "active;expires=120");
    line.receive(within(4).text());
    assert_eq!(line.one().name(), "500 SUBSCRIBE");
    let end = line.proven(&within(9).header("Expires: 0"), "secret");
    assert_eq!(end.header(Name::Expires), "0");
    assert_eq!(summary(&line.one()).0, "terminated;reason=timeout");
    line.receive(within(20).text());
    assert_eq!(line.one().name(), "481 SUBSCRIBE");
}

#[test]
fn a_subscription_ends_with_its_time_its_phone_and_its_account() {
    let mut line = desk();
    let start = |line: &mut Line, n: u32| {
        line.proven(&subscribe(n).header("Expires: 60"), "secret");
        line.sent[0].clone()
    };
    start(&mut line, 1);
    line.answer_all();
    line.advance(ms(59_999));
    assert!(line.names().is_empty());
    line.advance(ms(1));
    assert_eq!(summary(&line.one()).0, "terminated;reason=timeout");

    let first = start(&mut line, 5);
    line.receive(reply(first.request(), 481, "", None, None));
    line.take();
    line.tell(|ua, now| ua.set_messages_waiting(now, "100", 9, 9)).unwrap();
    assert!(line.names().is_empty());

    start(&mut line, 9);
    line.answer_all();
    line.tell(|ua, now| ua.set_accounts(now, vec![account("101", "other")]));
    assert_eq!(summary(&line.one()).0, "terminated;reason=noresource");
}

#[test]
fn only_ones_own_messages_and_nothing_else_can_be_subscribed_to() {
    let mut line = desk();
    let presence = Phone { headers: vec!["Event: presence".to_owned()], ..subscribe(1) };
    line.receive(presence.text());
    let refused = line.one();
    assert_eq!(
        (refused.name().as_str(), refused.header(Name::AllowEvents).as_str()),
        ("489 SUBSCRIBE", "message-summary")
    );
    let others = Phone { uri: "sip:101@frontdesk".to_owned(), ..subscribe(3) };
    assert_eq!(line.proven(&others, "secret").name(), "403 SUBSCRIBE");
    let brief = line.proven(&subscribe(5).header("Expires: 5"), "secret");
    assert_eq!((brief.name().as_str(), brief.header(Name::MinExpires).as_str()), ("423 SUBSCRIBE", "60"));
    let once = line.proven(&subscribe(7).header("Expires: 0"), "secret");
    assert_eq!(once.name(), "200 SUBSCRIBE");
    assert_eq!(summary(&line.one()).0, "terminated;reason=timeout");
}

#[test]
fn a_phone_with_a_subscription_is_told_once() {
    let mut line = desk();
    line.proven(&register(1, CONTACT), "secret");
    line.take();
    line.proven(&subscribe(11), "secret");
    line.take();
    line.tell(|ua, now| ua.set_messages_waiting(now, "100", 1, 0)).unwrap();
    assert_eq!(summary(&line.one()).0, "active;expires=120");
}

#[test]
fn an_account_has_so_many_subscriptions_and_all_together_have_an_end() {
    let mut line = desk();
    for n in 0..30 {
        let mut request = subscribe(1 + 2 * n);
        request.call_id = format!("watch-{n}");
        line.proven(&request, "secret");
        line.take();
    }
    assert_eq!(line.ua.watchers.len(), 8);
    for n in 0..5 {
        let request = Phone {
            call_id: format!("watch-b{n}"),
            from: "<sip:101@frontdesk>;tag=b".to_owned(),
            ..subscribe(200 + 2 * n)
        };
        let request = Phone { uri: "sip:101@frontdesk".to_owned(), ..request };
        let expected = if n < 4 { "200 SUBSCRIBE" } else { "503 SUBSCRIBE" };
        assert_eq!(line.proven(&request, "other").name(), expected);
        line.take();
    }
}
