//! Somebody is sent to a repair: the engineers on duty are called one after the other until one takes it, then the
//! supervisors; when nobody did, that is an alarm, and all are called again (R26).

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Do, Event, Stepped, World, call, called, outcome};
use crate::desk::alarm::AlarmKind;
use crate::desk::errand::{EndedErrand, ErrandKind, ErrandResult};
use crate::desk::people::Duty;
use crate::desk::ticket::Urgency;
use crate::desk::workflow::Advance;

/// How often it is looked, while somebody is called, whether somebody else has taken it.
const LOOK_EVERY: TimeDelta = TimeDelta::seconds(15);
/// So long is waited for a call to one of them, which may have to wait for the line: then the next one is called.
const CALL_MAX: TimeDelta = TimeDelta::minutes(10);

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Dispatch {
    /// Extensions that were called in this round.
    tried: Vec<String>,
    rounds: u32,
    calling: bool,
    /// When that call was asked for.
    #[serde(default)]
    called_at: Option<DateTime<Utc>>,
}

impl Dispatch {
    pub(super) fn step(&mut self, world: &World<'_>, event: Event<'_>) -> Stepped {
        let Some(ticket) = world.ticket() else { return Stepped::ended(Vec::new()) };
        let mut todo = Vec::new();
        if let Event::Ended(ended) = event {
            self.calling = false;
            if let Some(done) = ended_with(ended, &mut todo) {
                return done;
            }
        }
        // Somebody has it already, or it is over.
        if ticket.closed || !matches!(ticket.stage.as_str(), "reported" | "dispatched") {
            if self.calling {
                todo.push(Do::CancelCalls);
            }
            return Stepped::ended(todo);
        }
        if !world.rules.dispatch.calls {
            return Stepped::ended(todo);
        }
        if self.calling {
            let called_at = *self.called_at.get_or_insert(world.now);
            // Also where the time of day was set back.
            if (world.now - called_at).abs() < CALL_MAX {
                return Stepped::until(todo, world.now + LOOK_EVERY);
            }
            self.calling = false;
            todo.push(Do::CancelCalls);
            let last = self.tried.last().cloned().unwrap_or_default();
            todo.push(Do::Note { what: "not_reached", note: format!("{last}: the call could not be made") });
        }
        let urgent = ticket.urgency == Some(Urgency::Urgent);
        let begin = world.rules.within(world.rules.dispatch.general_hours, world.now);
        if !urgent && begin > world.now {
            return Stepped::until(todo, begin);
        }
        self.next(world, todo)
    }

    /// The next one is called.
    fn next(&mut self, world: &World<'_>, mut todo: Vec<Do>) -> Stepped {
        let rules = &world.rules.dispatch;
        let engineer = world.on_duty(Duty::Engineer, &self.tried).into_iter().next();
        let next = engineer.or_else(|| world.on_duty(Duty::Supervisor, &self.tried).into_iter().next());
        if let Some(person) = next {
            self.tried.push(person.extension.clone());
            todo.push(Do::Advance(Advance::to("dispatched").by_engineer(&person.extension)));
            todo.push(call(ErrandKind::Dispatch, &person.extension, world.now));
            (self.calling, self.called_at) = (true, Some(world.now));
            return Stepped::until(todo, world.now + LOOK_EVERY);
        }
        if self.tried.is_empty() && !world.anybody(Duty::Engineer) && !world.anybody(Duty::Supervisor) {
            let note = "people.toml names no engineer and no supervisor: send somebody by hand".to_owned();
            todo.push(Do::Note { what: "not_dispatched", note });
            return Stepped::ended(todo);
        }
        self.rounds += 1;
        self.tried.clear();
        let note = format!("nobody took it, round {} of {}", self.rounds, rules.rounds_max);
        todo.push(Do::Note { what: "not_dispatched", note: note.clone() });
        todo.push(Do::Alarm { kind: AlarmKind::NotDispatched, note });
        if self.rounds >= rules.rounds_max {
            return Stepped::ended(todo);
        }
        Stepped::until(todo, world.now + rules.again)
    }
}

/// What a call came to; the end of the task when the engineer takes it.
fn ended_with(ended: &EndedErrand, todo: &mut Vec<Do>) -> Option<Stepped> {
    match ended.end.result {
        ErrandResult::Accepted => {
            todo.push(Do::Advance(Advance::to("accepted").by_engineer(called(ended))));
            return Some(Stepped::ended(std::mem::take(todo)));
        }
        ErrandResult::Declined => todo.push(Do::Note { what: "declined", note: called(ended).to_owned() }),
        _ => todo.push(Do::Note { what: "not_reached", note: outcome(ended) }),
    }
    None
}
