//! Transfers: REFER, its NOTIFYs, Refer-Sub (RFC 3515, RFC 3891, RFC 3892, RFC 4488).

use super::line::*;
use crate::sip::user_agent::*;
use crate::sip::wire::Name;

fn refer(invite: &Phone, cseq: u32, tag: &str, target: &str) -> Phone {
    invite.next("REFER", cseq, tag).header(&format!("Refer-To: {target}"))
}

impl Line {
    /// Answers our NOTIFY and gives its Event, Subscription-State and body.
    #[track_caller]
    fn notified(&mut self) -> [String; 3] {
        let notify = self.one();
        assert_eq!(notify.name(), "NOTIFY");
        self.receive(reply(notify.request(), 200, "", None, None));
        let body = String::from_utf8(notify.message.body().to_vec()).unwrap();
        [notify.header(Name::Event), notify.header(Name::SubscriptionState), body]
    }

    fn our_refer(&mut self, leg: LegId) -> Sent {
        let target = "sip:202@192.0.2.9".parse().unwrap();
        self.tell(|ua, now| ua.refer(now, leg, &target, None)).unwrap();
        self.one()
    }
}

fn notify(invite: &Phone, cseq: u32, tag: &str, state: &str, body: &str) -> Phone {
    let notify = invite.next("NOTIFY", cseq, tag).body("message/sipfrag;version=2.0", body);
    notify.header("Event: refer").header(&format!("Subscription-State: {state}"))
}

#[test]
fn a_refer_is_accepted_and_told_to_its_end() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    let wish = refer(&invite, 2, &tag, "<sip:202@h;method=INVITE?Replaces=c%3Bto-tag%3Da%3Bfrom-tag%3Db&Subject=x>");
    line.receive(wish.header("Referred-By: <sip:201@h>").text());
    let answer = line.sent.remove(0);
    assert_eq!(answer.name(), "202 REFER");
    assert!(!answer.header(Name::Contact).is_empty());
    let told = line.told();
    let [Event::Refer { leg: of, refer: asked }] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((*of, asked.target.to_string().as_str()), (leg, "sip:202@h"));
    assert_eq!(asked.replaces.as_ref().unwrap().call_id, "c");
    assert_eq!(asked.referred_by.as_deref(), Some("<sip:201@h>"));
    assert_eq!(line.notified(), ["refer", "active;expires=3600", "SIP/2.0 100 Trying\r\n"]);
    line.tell(|ua, now| ua.refer_progress(now, leg, 180, "Ringing\r\nX: y")).unwrap();
    assert_eq!(line.notified()[2], "SIP/2.0 180 Ringing\u{fffd}\u{fffd}X: y\r\n");
    line.tell(|ua, now| ua.refer_progress(now, leg, 200, "OK")).unwrap();
    assert_eq!(line.notified(), ["refer", "terminated;reason=noresource", "SIP/2.0 200 OK\r\n"]);
    assert_eq!(line.tell(|ua, now| ua.refer_progress(now, leg, 200, "OK")), Err(UaError::WrongState));

    line.receive(refer(&invite, 3, &tag, "sip:203@h").text());
    assert_eq!(line.sent.remove(0).name(), "202 REFER");
    assert_eq!(line.notified()[0], "refer;id=3");
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn refers_that_name_nobody_to_call_get_400() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    let bad = ["<http://h/x>", "<sip:a@h>, <sip:b@h>", "<sip:a@h;method=BYE>", "<sip:a@h?Replaces=c>", ""];
    for (cseq, target) in (2..).zip(bad) {
        line.receive(refer(&invite, cseq, &tag, target).text());
    }
    line.receive(invite.next("REFER", 20, &tag).text());
    line.receive(refer(&invite, 21, &tag, "<sip:a@h>").header("Refer-To: <sip:b@h>").text());
    assert_eq!((line.raw.len(), line.sent.len()), (bad.len() + 2, 0));
    assert!(line.told().is_empty());
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn one_refer_at_a_time() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    line.receive(refer(&invite, 2, &tag, "sip:202@h").text());
    line.take();
    line.told();
    line.receive(refer(&invite, 3, &tag, "sip:203@h").text());
    assert_eq!(line.names(), ["491 REFER"]);
    assert!(line.told().is_empty());
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn who_does_not_want_to_be_told_is_not() {
    for header in ["Refer-Sub: false", "Require: norefersub"] {
        let mut line = Line::new();
        let invite = Phone::invite();
        let (leg, tag) = line.up(&invite);
        line.receive(refer(&invite, 2, &tag, "tel:+8610").header(header).text());
        let answer = line.one();
        assert_eq!((answer.name().as_str(), answer.header(Name::ReferSub).as_str()), ("202 REFER", "false"));
        assert_eq!(line.told().len(), 1);
        line.tell(|ua, now| ua.refer_progress(now, leg, 200, "OK")).unwrap();
        assert!(line.names().is_empty());
        line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    }
}

#[test]
fn a_peer_that_forgot_its_refer_is_told_no_more_and_keeps_its_call() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    line.receive(refer(&invite, 2, &tag, "sip:202@h").text());
    line.told();
    let trying = line.take().remove(1);
    line.receive(reply(trying.request(), 481, "", None, None));
    line.tell(|ua, now| ua.refer_progress(now, leg, 486, "Busy Here")).unwrap();
    assert!(line.names().is_empty() && line.told().is_empty());
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    assert_eq!(line.one().name(), "BYE");
}

#[test]
fn our_refer_is_told_from_acceptance_to_its_end() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    let asked = line.our_refer(leg);
    assert_eq!((asked.name().as_str(), asked.header(Name::ReferTo).as_str()), ("REFER", "<sip:202@192.0.2.9>"));
    assert_eq!(asked.header(Name::ReferredBy), "<sip:desk@192.0.2.1>");
    let target = "sip:x@h".parse().unwrap();
    assert_eq!(line.tell(|ua, now| ua.refer(now, leg, &target, None)), Err(UaError::WrongState));
    line.receive(reply(asked.request(), 202, "", None, None));
    assert_eq!(line.told(), [Event::ReferAccepted { leg }]);
    line.receive(notify(&invite, 2, &tag, "active;expires=60", "SIP/2.0 180 Ringing\r\n").text());
    line.receive(notify(&invite, 3, &tag, "terminated;reason=noresource", "SIP/2.0 200 OK").text());
    assert_eq!(line.names(), ["200 NOTIFY", "200 NOTIFY"]);
    let progress = |status| Event::ReferProgress { leg, status };
    assert_eq!(line.told(), [progress(180), progress(200)]);
    line.receive(notify(&invite, 4, &tag, "terminated", "SIP/2.0 200 OK").text());
    assert_eq!(line.names(), ["481 NOTIFY"]);
    line.our_refer(leg);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn a_notify_may_overtake_the_202_and_reports_may_end_early() {
    let mut line = Line::new();
    let invite = Phone::invite();
    let (leg, tag) = line.up(&invite);
    let asked = line.our_refer(leg);
    line.receive(notify(&invite, 2, &tag, "active", "SIP/2.0 100 Trying").text());
    line.receive(reply(asked.request(), 202, "", None, None));
    assert_eq!(line.told(), [Event::ReferAccepted { leg }, Event::ReferProgress { leg, status: 100 }]);
    line.receive(notify(&invite, 3, &tag, "terminated;reason=giveup", "nonsense").text());
    assert_eq!(line.told(), [Event::ReferFailed { leg, status: 408 }]);
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn a_refused_refer_leaves_the_call() {
    let mut line = Line::new();
    let (leg, _) = line.up(&Phone::invite());
    for status in [405, 603] {
        let asked = line.our_refer(leg);
        line.receive(reply(asked.request(), status, "", None, None));
        assert_eq!(line.told(), [Event::ReferFailed { leg, status }]);
    }
    line.our_refer(leg);
    line.advance(ms(32_000));
    assert_eq!(line.told(), [Event::ReferFailed { leg, status: 408 }]);
    line.take();
    let asked = line.our_refer(leg);
    line.receive(reply(asked.request(), 481, "", None, None));
    let ended = Event::Ended { leg, reason: EndReason::Lost };
    assert_eq!(line.told(), [Event::ReferFailed { leg, status: 481 }, ended]);
}

#[test]
fn an_attended_transfer_names_the_other_call_as_its_peer_knows_it() {
    let mut line = Line::new();
    let (caller, _) = line.up(&Phone::invite());
    let (other, invite) = line.call();
    line.reply(&invite, 200, "t1");
    line.take();
    line.told();
    let target = "sip:201@192.0.2.7:5062".parse().unwrap();
    line.tell(|ua, now| ua.refer(now, caller, &target, Some(other))).unwrap();
    let to = line.one().header(Name::ReferTo).parse::<crate::sip::wire::NameAddr>().unwrap();
    let replaces: crate::sip::wire::Replaces = to.uri.headers[0].1.parse().unwrap();
    assert_eq!(replaces.call_id, invite.headers.call_id().unwrap());
    assert_eq!(replaces.to_tag, "t1");
    assert_eq!(Some(replaces.from_tag.as_str()), invite.headers.from().unwrap().tag());
    for leg in [caller, other] {
        line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    }
}
