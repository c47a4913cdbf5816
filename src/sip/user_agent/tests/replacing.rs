//! A new call that takes the place of another (RFC 3891 section 3).

use super::line::*;
use crate::sip::user_agent::*;
use crate::sip::wire::Name;

/// A second call with this Replaces value.
fn second(value: &str) -> Phone {
    Phone::invite().call(2).header(&format!("Replaces: {value}")).header("Require: replaces")
}

#[track_caller]
fn refused(line: &mut Line, phone: &Phone) -> String {
    line.receive(phone.text());
    let told = line.told();
    assert!(matches!(told.as_slice(), [Event::Refused { .. }]), "{told:?}");
    line.one().name()
}

#[test]
fn an_answered_call_is_found_by_its_tags() {
    let mut line = Line::new();
    let (leg, tag) = line.up(&Phone::invite());
    line.receive(second(&format!("call-1;to-tag={tag};from-tag=p1")).text());
    let (new, invite) = line.incoming();
    assert_eq!(invite.replaces, Some(leg));
    for leg in [leg, new] {
        line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    }
}

#[test]
fn tags_of_no_call_get_481_and_of_an_ended_one_603() {
    let mut line = Line::new();
    let (leg, tag) = line.up(&Phone::invite());
    assert_eq!(refused(&mut line, &second(&format!("call-1;to-tag=p1;from-tag={tag}"))), "481 INVITE");
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
    line.take();
    let late = second(&format!("call-1;to-tag={tag};from-tag=p1")).call(3);
    assert_eq!(refused(&mut line, &late), "603 INVITE");
}

#[test]
fn early_only_spares_an_answered_call() {
    let mut line = Line::new();
    let (leg, tag) = line.up(&Phone::invite());
    let early = second(&format!("call-1;to-tag={tag};from-tag=p1;early-only"));
    assert_eq!(refused(&mut line, &early), "486 INVITE");
    line.tell(|ua, now| ua.hang_up(now, leg)).unwrap();
}

#[test]
fn a_ringing_call_of_ours_can_be_picked_up_and_one_to_us_can_not() {
    let mut line = Line::new();
    let (leg, invite) = line.call();
    line.reply(&invite, 180, "t1");
    line.told();
    let (call_id, from) = (invite.headers.call_id().unwrap().to_owned(), invite.headers.from().unwrap());
    let value = format!("{call_id};to-tag={};from-tag=t1;early-only", from.tag().unwrap());
    line.receive(second(&value).text());
    let (new, told) = line.incoming();
    assert_eq!(told.replaces, Some(leg));
    line.tell(|ua, now| ua.hang_up(now, new)).unwrap();
    line.reply(&invite, 486, "t1");
    line.told();

    line.receive(Phone::invite().text());
    let (ringing, _) = line.incoming();
    line.tell(|ua, now| ua.ring(now, ringing)).unwrap();
    let tag = line.take().last().unwrap().to_tag();
    assert_eq!(refused(&mut line, &second(&format!("call-1;to-tag={tag};from-tag=p1")).call(3)), "481 INVITE");
    line.tell(|ua, now| ua.hang_up(now, ringing)).unwrap();
}

#[test]
fn what_can_not_be_read_or_comes_twice_gets_400() {
    let mut line = Line::new();
    assert_eq!(read_refusal(&mut line, &second("call-1;to-tag=a")), "SIP/2.0 400");
    let twice = second("c;to-tag=a;from-tag=b").header("Replaces: d;to-tag=a;from-tag=b").call(3);
    assert_eq!(read_refusal(&mut line, &twice), "SIP/2.0 400");
    line.receive(Phone::new("OPTIONS").header("Replaces: c;to-tag=a;from-tag=b").text());
    assert_eq!(line.raw.pop().map(|(_, bytes)| bytes[..11].to_vec()), Some(b"SIP/2.0 400".to_vec()));
}

fn read_refusal(line: &mut Line, phone: &Phone) -> String {
    line.receive(phone.text());
    line.told();
    line.raw.pop().map(|(_, bytes)| String::from_utf8_lossy(&bytes[..11]).into_owned()).unwrap_or_default()
}

#[test]
fn our_own_call_says_what_it_replaces_and_who_asked() {
    let mut line = Line::new();
    let replaces = Some("c9@h;to-tag=a;from-tag=b".parse().unwrap());
    let referred_by = Some("<sip:201@h>\r\nX: y".to_owned());
    let call = OutgoingInvite { replaces, referred_by, ..super::calling::call() };
    let leg = line.tell(|ua, now| ua.invite(now, call)).unwrap();
    let invite = line.one();
    assert_eq!(invite.header(Name::Replaces), "c9@h;to-tag=a;from-tag=b");
    assert_eq!(invite.header(Name::Require), "replaces");
    assert_eq!(invite.header(Name::ReferredBy), "<sip:201@h>  X: y");
    line.reply(invite.request(), 486, "t1");
    assert!(matches!(line.told().as_slice(), [Event::Failed { leg: of, .. }] if *of == leg));
}
