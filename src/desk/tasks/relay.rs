//! A message is passed on until its person has it (R5): they are called, again and again by a schedule; then a colleague of
//! their department, then the supervisors are told, and it is an alarm. What others do (listening by phone, a
//! word from the shell) counts: each step looks first how far the message is.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{CALL_MAX, Do, Event, MessageFacts, Stepped, World, call, called};
use crate::desk::alarm::AlarmKind;
use crate::desk::errand::{EndedErrand, ErrandKind, ErrandResult, ErrandTo};
use crate::desk::message::Relay;
use crate::desk::people::{Duty, Person};

/// So long it is tried to tell the caller that their message has arrived.
const TELLING_MAX: TimeDelta = TimeDelta::days(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    #[default]
    New,
    Waiting,
    Calling,
    /// The caller is being told that their message has arrived.
    TellingCaller,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RelayTask {
    phase: Phase,
    /// Calls to the person.
    tries: usize,
    /// Others who were called.
    told: Vec<String>,
    escalated: bool,
    /// Since when the caller could be told that their message has arrived.
    #[serde(default)]
    telling_since: Option<DateTime<Utc>>,
}

impl RelayTask {
    pub(super) fn step(&mut self, world: &World<'_>, event: Event<'_>) -> Stepped {
        let Some(message) = world.message() else { return Stepped::ended(Vec::new()) };
        let mut todo = Vec::new();
        let mut relay = message.relay;
        match (self.phase, event) {
            (Phase::TellingCaller, Event::Ended(ended)) => return Stepped::ended(vec![attempt(ended)]),
            (Phase::TellingCaller, Event::Due) => return self.still_telling(world),
            // The call waited for the line in vain.
            (Phase::Calling, Event::Due) => {
                todo.push(Do::CancelCalls);
                let person = message.for_person.as_ref().filter(|_| !self.escalated);
                let called = person.or(self.told.last()).cloned().unwrap_or_default();
                todo.push(Do::Attempt { channel: format!("phone: {called}"), result: "not_called".to_owned() });
            }
            (_, Event::Ended(ended)) => relay = ended_with(message, ended, &mut todo),
            (Phase::New | Phase::Waiting, Event::Due) => {}
        }
        if relay == Relay::Confirmed || message.deleted {
            return self.arrived(world, message, todo);
        }
        let Some(person) = message.for_person.as_deref().filter(|_| world.rules.relay.calls) else {
            return Stepped::ended(todo);
        };
        match self.phase {
            Phase::Waiting => self.go_on(world, person, todo),
            Phase::Calling if self.escalated => self.tell_next(world, person, todo),
            Phase::New | Phase::Calling | Phase::TellingCaller => {
                self.phase = Phase::Waiting;
                let pause = world.rules.relay.after.get(self.tries).copied().unwrap_or_default();
                Stepped::until(todo, world.rules.within(world.rules.relay.hours, world.now + pause))
            }
        }
    }

    /// A pause is over: the next call, or others are told.
    fn go_on(&mut self, world: &World<'_>, person: &str, mut todo: Vec<Do>) -> Stepped {
        if self.escalated {
            return self.tell_next(world, person, todo);
        }
        if self.tries + 1 >= world.rules.relay.after.len() {
            self.escalated = true;
            todo.push(Do::Relay(Relay::Escalated));
            let note = format!("{person} has not confirmed it after {} calls", self.tries);
            todo.push(Do::Alarm { kind: AlarmKind::MessageUnconfirmed, note });
            return self.tell_next(world, person, todo);
        }
        let begin = world.rules.within(world.rules.relay.hours, world.now);
        if begin > world.now {
            return Stepped::until(todo, begin);
        }
        self.tries += 1;
        self.call(world, person, todo)
    }

    fn call(&mut self, world: &World<'_>, extension: &str, mut todo: Vec<Do>) -> Stepped {
        self.phase = Phase::Calling;
        todo.push(call(ErrandKind::Relay, extension, world.now));
        Stepped::until(todo, world.now + CALL_MAX)
    }

    /// A colleague of the same department, then the supervisors on duty, one after the other.
    fn tell_next(&mut self, world: &World<'_>, person: &str, todo: Vec<Do>) -> Stepped {
        let begin = world.rules.within(world.rules.relay.hours, world.now);
        if begin > world.now {
            self.phase = Phase::Waiting;
            return Stepped::until(todo, begin);
        }
        let Some(next) = self.other(world, person) else { return Stepped::ended(todo) };
        self.told.push(next.extension.clone());
        self.call(world, &next.extension, todo)
    }

    fn other<'a>(&self, world: &World<'a>, person: &str) -> Option<&'a Person> {
        let staff = world.staff;
        let is_new = |other: &&Person| other.extension != person && !self.told.contains(&other.extension);
        let is_in = |other: &&Person| staff.presences.of(other, staff.time_zone, world.now).is_in();
        let department = staff.people.person(person).and_then(|person| person.department.as_deref());
        let of_department = |other: &&Person| department.is_some() && other.department.as_deref() == department;
        let mut colleagues = staff.people.people().iter().filter(of_department).filter(is_new).filter(is_in);
        let colleague = colleagues.next().filter(|_| self.told.is_empty());
        colleague.or_else(|| world.on_duty(Duty::Supervisor, &self.told).into_iter().find(is_new))
    }

    /// The person has it: whoever left it may be told.
    fn arrived(&mut self, world: &World<'_>, message: &MessageFacts, mut todo: Vec<Do>) -> Stepped {
        let rules = &world.rules.relay;
        let number = message.from_number.as_ref().filter(|_| rules.tell_caller && !message.deleted);
        let Some(number) = number else { return Stepped::ended(todo) };
        let not_before = world.rules.within(rules.customer_hours, world.now);
        (self.phase, self.telling_since) = (Phase::TellingCaller, Some(not_before));
        let to = ErrandTo::Customer { number: number.clone() };
        todo.push(Do::Call { kind: ErrandKind::Notice, to, note: Some("message_arrived".to_owned()), not_before });
        Stepped::until(todo, not_before + CALL_MAX)
    }

    fn still_telling(&mut self, world: &World<'_>) -> Stepped {
        let since = *self.telling_since.get_or_insert(world.now);
        if world.now - since < TELLING_MAX {
            return Stepped::until(Vec::new(), world.now + CALL_MAX);
        }
        Stepped::ended(vec![Do::CancelCalls])
    }
}

/// What a call came to: how far the message is now.
fn ended_with(message: &MessageFacts, ended: &EndedErrand, todo: &mut Vec<Do>) -> Relay {
    todo.push(attempt(ended));
    let to_person = message.for_person.as_deref() == Some(called(ended));
    let next = match ended.end.result {
        // A colleague or supervisor who confirms sees to it from now on.
        ErrandResult::Confirmed => Relay::Confirmed,
        ErrandResult::Heard if to_person => Relay::Heard,
        _ => return message.relay,
    };
    todo.push(Do::Relay(next));
    next
}

fn attempt(ended: &EndedErrand) -> Do {
    let why = ended.end.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
    Do::Attempt { channel: format!("phone: {}", called(ended)), result: format!("{}{why}", ended.end.result) }
}
