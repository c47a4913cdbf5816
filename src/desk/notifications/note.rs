//! What a person reads: the words of `templates` filled in with what they may see (R12).

use chrono::{DateTime, Utc};

use super::plan::About;
use super::{Facts, Note, NoticeKind, NotifyRules};
use crate::desk::alarm::{Alarm, AlarmKind};
use crate::desk::happening::Happening;
use crate::desk::message::Message;
use crate::desk::on_duty::Staff;
use crate::desk::people::{Duty, Person};
use crate::desk::privacy::{Role, Sight, Surface};
use crate::desk::report::table::Tongue;
use crate::desk::report::tables::{category_name, clock_name, kind_name};
use crate::desk::ticket::{Ticket, Urgency};
use crate::desk::view::LocalTime;

/// What that person reads of it.
pub(super) fn note(
    (kind, at_once): (NoticeKind, bool),
    happening: &Happening,
    about: &About,
    person: &Person,
    staff: Staff<'_>,
    rules: &NotifyRules,
) -> Note {
    let lang = rules.language_of(person.language.as_ref());
    let tongue = Tongue::of(lang);
    let local = |at| LocalTime::new(at, rules.time_zone).short();
    let mut facts = Facts::from([("desk", rules.desk_name(lang).to_owned()), ("person", person.name.clone())]);
    facts.insert("time", local(happening.at));
    let (mut recording, mut message) = (None, None);
    match about {
        About::Ticket(ticket) => {
            let sight = Sight { role: role_of(person), surface: Surface::Record, who: Some(&person.extension) };
            let ticket = sight.ticket((**ticket).clone());
            ticket_facts(&mut facts, happening, &ticket, tongue, &local);
            // The engineer hears what the caller said, as in the call that sends them (R26).
            recording = ticket.recording.filter(|_| kind != NoticeKind::TicketLate);
        }
        About::Message(left) => {
            message_facts(&mut facts, left, staff, &local);
            // It is for them, as it would be by telephone (R5).
            recording = left.recording.clone();
            message = (kind == NoticeKind::MessageLeft).then_some(left.id);
        }
        About::Alarm(alarm) => {
            let sight = Sight { role: role_of(person), surface: Surface::Record, who: Some(&person.extension) };
            alarm_facts(&mut facts, &sight.alarm((**alarm).clone()), tongue, &local);
        }
        About::Call(_) | About::Entry(_) => {}
    }
    let rendered = rules.templates.render(kind, lang, &facts);
    Note { subject: rendered.subject, text: rendered.text, recording, message, at_once }
}

/// Words that a trial is made of.
pub fn trial(person: &Person, rules: &NotifyRules, now: DateTime<Utc>) -> Note {
    let lang = rules.language_of(person.language.as_ref());
    let time = LocalTime::new(now, rules.time_zone).short();
    let desk = rules.desk_name(lang).to_owned();
    let facts = Facts::from([("desk", desk), ("person", person.name.clone()), ("time", time)]);
    let rendered = rules.templates.render(NoticeKind::Trial, lang, &facts);
    Note { subject: rendered.subject, text: rendered.text, recording: None, message: None, at_once: true }
}

/// What somebody may see by what they do at the desk (R12).
fn role_of(person: &Person) -> Role {
    let has = |duty| person.duty.contains(&duty);
    if has(Duty::Supervisor) {
        Role::Supervisor
    } else if has(Duty::Receptionist) || has(Duty::Emergency) {
        Role::Receptionist
    } else {
        Role::Engineer
    }
}

fn put(facts: &mut Facts, word: &'static str, fact: Option<impl Into<String>>) {
    if let Some(fact) = fact {
        facts.insert(word, fact.into());
    }
}

fn ticket_facts(
    facts: &mut Facts,
    happening: &Happening,
    ticket: &Ticket,
    tongue: Tongue,
    local: &impl Fn(DateTime<Utc>) -> String,
) {
    facts.insert("number", ticket.number.to_string());
    facts.insert("kind", kind_name(ticket.kind, tongue).to_owned());
    facts.insert("category", category_name(ticket.category.as_deref(), tongue));
    put(facts, "urgency", ticket.urgency.map(|urgency| urgency_name(urgency, tongue)));
    put(facts, "place", place(ticket, tongue));
    put(facts, "resident", ticket.resident.clone());
    put(facts, "callback", ticket.callback_number.clone().or_else(|| ticket.caller.clone()));
    put(facts, "wanted", ticket.wanted_time.clone());
    put(facts, "description", ticket.description.clone());
    put(facts, "owner", ticket.owner.clone());
    facts.insert("stage", ticket.stage.clone());
    let running = ticket.due.iter().filter(|(_, clock)| clock.met_at.is_none() && clock.paused.is_none());
    let next = running.min_by_key(|(_, clock)| clock.at);
    put(facts, "due", next.map(|(name, clock)| format!("{} {}", clock_name(name, tongue), local(clock.at))));
    let line = ticket.events.iter().rev().find(|event| event.what == happening.what);
    put(facts, "note", line.and_then(|event| event.note.clone()));
}

fn message_facts(facts: &mut Facts, left: &Message, staff: Staff<'_>, local: &impl Fn(DateTime<Utc>) -> String) {
    let person = left.for_person.as_deref();
    let name = person.map(|extension| staff.people.person(extension).map_or(extension, |person| person.name.as_str()));
    put(facts, "person", name);
    facts.insert("id", left.id.0.to_string());
    put(facts, "from", left.from_number.clone());
    put(facts, "from_name", left.from_name.clone());
    facts.insert("time", local(left.left_at));
    let seconds = left.duration_ms / 1000;
    facts.insert("duration", format!("{}:{:02}", seconds / 60, seconds % 60));
}

fn alarm_facts(facts: &mut Facts, alarm: &Alarm, tongue: Tongue, local: &impl Fn(DateTime<Utc>) -> String) {
    facts.insert("id", alarm.id.0.to_string());
    facts.insert("kind", alarm_name(alarm.kind, tongue).to_owned());
    put(facts, "about", alarm.about.clone());
    facts.insert("time", local(alarm.raised_at));
    put(facts, "number", alarm.ticket.as_ref().map(ToString::to_string));
    put(facts, "from", alarm.caller.clone());
    facts.insert("note", alarm.note.clone());
}

fn place(ticket: &Ticket, tongue: Tongue) -> Option<String> {
    let building = ticket.building.as_deref();
    let room = ticket.room.as_deref();
    let (before_building, after_building, before_room) = match tongue {
        Tongue::Zh => ("", "栋", ""),
        Tongue::En => ("building ", ", ", "room "),
    };
    match (building, room) {
        (Some(building), Some(room)) => Some(format!("{before_building}{building}{after_building}{before_room}{room}")),
        (Some(building), None) => Some(format!("{before_building}{building}")),
        (None, Some(room)) => Some(format!("{before_room}{room}")),
        (None, None) => None,
    }
}

fn urgency_name(urgency: Urgency, tongue: Tongue) -> &'static str {
    match (urgency, tongue) {
        (Urgency::Urgent, Tongue::Zh) => "急",
        (Urgency::Urgent, Tongue::En) => "URGENT",
        (Urgency::General, Tongue::Zh) => "一般",
        (Urgency::General, Tongue::En) => "general",
    }
}

/// An alarm as people call it.
fn alarm_name(kind: AlarmKind, tongue: Tongue) -> &'static str {
    let (zh, en) = match kind {
        AlarmKind::MissedEmergency => ("紧急求助无人接听", "missed emergency"),
        AlarmKind::LineDown => ("线路中断", "line down"),
        AlarmKind::OutgoingCalls => ("呼出电话过多", "too many outgoing calls"),
        AlarmKind::Overdue => ("超时", "overdue"),
        AlarmKind::DiskLow => ("磁盘空间不足", "disk low"),
        AlarmKind::NotDispatched => ("无人接单", "nobody took it"),
        AlarmKind::MessageUnconfirmed => ("留言未确认", "message unconfirmed"),
        AlarmKind::ChannelFailing => ("通知渠道故障", "notifications fail"),
    };
    match tongue {
        Tongue::Zh => zh,
        Tongue::En => en,
    }
}
