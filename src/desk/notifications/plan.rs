//! Who is told of a happening, by which channel, with which words.

use chrono::{DateTime, Utc};

use super::note::note;
use super::payload::payload;
use super::{NewNotification, NoticeContent, NoticeKind, NotifyChannel, NotifyRules};
use crate::desk::alarm::{Alarm, AlarmKind};
use crate::desk::call_record::CallRecord;
use crate::desk::happening::Happening;
use crate::desk::journal::KeptEntry;
use crate::desk::message::{Message, Relay};
use crate::desk::on_duty::Staff;
use crate::desk::people::{Duty, Person};
use crate::desk::ticket::{Kind, Ticket, Urgency};

/// The record that something happened to, as it stands now.
#[derive(Debug, Clone, PartialEq)]
pub enum About {
    Call(Box<CallRecord>),
    Ticket(Box<Ticket>),
    Message(Box<Message>),
    Alarm(Box<Alarm>),
    Entry(Box<KeptEntry>),
}

/// Everybody who is told of it. A channel is never told of its own failing.
pub fn plan(
    happening: &Happening,
    about: &About,
    staff: Staff<'_>,
    rules: &NotifyRules,
    now: DateTime<Utc>,
) -> Vec<NewNotification> {
    let event = format!("{}.{}", happening.kind, happening.what);
    let new = |channel, recipient: &str, content, not_before| NewNotification {
        event: event.clone(),
        channel,
        recipient: recipient.to_owned(),
        about: happening.about.clone(),
        content,
        not_before,
    };
    let mut planned = Vec::new();
    for webhook in rules.webhooks.told_of(&event).filter(|webhook| !fails(about, "webhook", &webhook.name)) {
        let payload = NoticeContent::Payload(payload(happening, about, &event, webhook, rules));
        planned.push(new(NotifyChannel::Webhook, &webhook.name, payload, now));
    }
    let Some(told) = told(happening, about, staff, now) else { return planned };
    let not_before = if told.at_once { now } else { rules.when_awake(now) };
    for person in told.people {
        let content = || NoticeContent::Note(note((told.kind, told.at_once), happening, about, person, staff, rules));
        for channel in channels(person, rules).filter(|channel| !fails(about, channel.as_str(), &person.extension)) {
            planned.push(new(channel, &person.extension, content(), not_before));
        }
    }
    planned
}

/// By which ways somebody can be told.
fn channels<'a>(person: &'a Person, rules: &NotifyRules) -> impl Iterator<Item = NotifyChannel> + use<'a> {
    let mail = rules.mail && person.email.is_some();
    person.notify.iter().copied().filter(move |channel| match channel {
        NotifyChannel::Email => mail,
        NotifyChannel::Sip => true,
        NotifyChannel::Webhook => false,
    })
}

/// Whether it is the alarm that this very way of telling fails.
fn fails(about: &About, channel: &str, recipient: &str) -> bool {
    let About::Alarm(alarm) = about else { return false };
    let failing = alarm.about.as_deref().unwrap_or_default();
    let is_this = failing == channel || failing.split_once(' ') == Some((channel, recipient));
    alarm.kind == AlarmKind::ChannelFailing && is_this
}

struct Told<'a> {
    kind: NoticeKind,
    people: Vec<&'a Person>,
    /// Also at night.
    at_once: bool,
}

/// Which people are told.
fn told<'a>(happening: &Happening, about: &About, staff: Staff<'a>, now: DateTime<Utc>) -> Option<Told<'a>> {
    let on_duty = |duty| staff.on_duty(duty, now).people;
    let supervisors = || on_duty(Duty::Supervisor);
    let of = |word: Option<&str>| word.and_then(|word| find(word, staff)).into_iter().collect::<Vec<_>>();
    let tell = |kind, people, at_once| Some(Told { kind, people, at_once });
    match about {
        About::Message(message) => match happening.what.as_str() {
            "left" | "forwarded" if message.relay != Relay::Confirmed && message.deleted.is_none() => {
                let people = match message.for_person.as_deref() {
                    Some(extension) => of(Some(extension)),
                    None => on_duty(Duty::Receptionist),
                };
                tell(NoticeKind::MessageLeft, people, false)
            }
            "escalated" => tell(NoticeKind::MessageUnconfirmed, supervisors(), false),
            _ => None,
        },
        About::Ticket(ticket) => {
            let at_once = ticket.urgency == Some(Urgency::Urgent) || ticket.kind == Kind::Help;
            let others = |mut people: Vec<&'a Person>| {
                people.retain(|person| happening.who.as_deref() != Some(person.extension.as_str()));
                people
            };
            match happening.what.as_str() {
                "report_complete" | "call_ended_early" if ticket.status != "closed" => {
                    let people = match ticket.kind {
                        Kind::Repair => on_duty(Duty::Engineer),
                        Kind::Complaint => supervisors(),
                        Kind::Inquiry | Kind::Help => on_duty(Duty::Receptionist),
                    };
                    tell(NoticeKind::TicketNew, others(people), at_once)
                }
                // Whoever took it by phone has the details in writing.
                "accepted" => tell(NoticeKind::TicketYours, of(ticket.work.engineer.as_deref()), true),
                // The desk itself calls whom it sends.
                "dispatched" if happening.who.as_deref() != Some("system") => {
                    tell(NoticeKind::TicketYours, others(of(ticket.work.engineer.as_deref())), true)
                }
                "handed_over" => tell(NoticeKind::TicketYours, others(of(ticket.owner.as_deref())), at_once),
                "reopened" | "reopened_not_satisfied" => {
                    tell(NoticeKind::TicketReopened, others(owner_or(ticket, &of, supervisors)), at_once)
                }
                "clock_warned" => tell(NoticeKind::TicketLate, owner_or(ticket, &of, supervisors), at_once),
                _ => None,
            }
        }
        About::Alarm(_) if happening.what == "raised" => tell(NoticeKind::Alarm, supervisors(), true),
        About::Alarm(_) | About::Call(_) | About::Entry(_) => None,
    }
}

/// Whose ticket it is; of a department's, or nobody's, the supervisors see to it (R13).
fn owner_or<'a>(
    ticket: &Ticket,
    of: &impl Fn(Option<&str>) -> Vec<&'a Person>,
    supervisors: impl Fn() -> Vec<&'a Person>,
) -> Vec<&'a Person> {
    let mut people = of(ticket.owner.as_deref());
    people.extend(of(ticket.work.engineer.as_deref()));
    people.dedup_by_key(|person| &person.extension);
    if people.is_empty() { supervisors() } else { people }
}

/// By extension, else by a name that one person has.
fn find<'a>(word: &str, staff: Staff<'a>) -> Option<&'a Person> {
    staff.people.person(word).or_else(|| {
        let mut named = staff.people.people().iter().filter(|person| person.name == word);
        named.next().filter(|_| named.next().is_none())
    })
}

/// Whether anybody may be told of happenings of this kind: what nobody is told of is not read.
pub fn concerns(happening: &Happening, rules: &NotifyRules) -> bool {
    let people = match (happening.kind.as_str(), happening.what.as_str()) {
        ("message", what) => matches!(what, "left" | "forwarded" | "escalated"),
        ("ticket", what) => matches!(
            what,
            "report_complete"
                | "call_ended_early"
                | "accepted"
                | "dispatched"
                | "handed_over"
                | "reopened"
                | "reopened_not_satisfied"
                | "clock_warned"
        ),
        ("alarm", what) => what == "raised",
        _ => false,
    };
    people || rules.webhooks.told_of(&format!("{}.{}", happening.kind, happening.what)).next().is_some()
}

/// By which ways a person can be told, or by that one.
///
/// # Errors
/// In words: why they can't be.
pub fn ways(person: &Person, rules: &NotifyRules, only: Option<NotifyChannel>) -> Result<Vec<NotifyChannel>, String> {
    let found: Vec<_> = channels(person, rules).filter(|channel| only.is_none_or(|only| only == *channel)).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let who = format!("extension {} ({})", person.extension, person.name);
    Err(match person.email {
        Some(_) if !rules.mail => format!("{who} has an e-mail address, but [mail] names no server"),
        _ => format!("{who} can't be told so: write email, and notify = [\"email\", \"sip\"], into people.toml"),
    })
}
