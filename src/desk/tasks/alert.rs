//! The supervisor is told: of what could not be answered at once (R19), and of what is overdue (R19, R23, R36). Those on
//! duty are called one after the other until one has confirmed it.

use serde::{Deserialize, Serialize};

use super::{CALL_MAX, Do, Event, Stepped, TicketFacts, World, outcome};
use crate::desk::errand::{ErrandKind, ErrandResult, ErrandTo};
use crate::desk::people::Duty;
use crate::desk::ticket::{Kind, Urgency};

/// Why a supervisor is told of what could not be answered at once.
pub const UNANSWERED: &str = "unanswered";

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Alert {
    /// Why: `overdue` and the clock's name, or `unanswered`. It is said word by word.
    pub why: String,
    told: Vec<String>,
    calling: bool,
}

impl Alert {
    pub fn new(why: &str) -> Self {
        Self { why: why.to_owned(), ..Self::default() }
    }

    /// Where it was answered meanwhile nothing is to be told.
    fn is_over(&self, ticket: &TicketFacts) -> bool {
        ticket.closed || self.why == UNANSWERED && ticket.stage != ticket.kind.first_stage()
    }

    pub(super) fn step(&mut self, world: &World<'_>, event: Event<'_>) -> Stepped {
        let Some(ticket) = world.ticket() else { return Stepped::ended(Vec::new()) };
        let mut todo = Vec::new();
        if let Event::Ended(ended) = event {
            self.calling = false;
            let known = matches!(ended.end.result, ErrandResult::Confirmed | ErrandResult::Heard);
            let what = if known { "supervisor_told" } else { "supervisor_not_reached" };
            todo.push(Do::Note { what, note: format!("{} ({})", outcome(ended), self.why) });
            if known {
                return Stepped::ended(todo);
            }
        }
        if self.is_over(ticket) || !world.rules.alert.calls {
            if self.calling {
                todo.push(Do::CancelCalls);
            }
            return Stepped::ended(todo);
        }
        if std::mem::take(&mut self.calling) {
            todo.push(Do::CancelCalls);
            let note = format!("{}: the call could not be made ({})", self.told.join(", "), self.why);
            todo.push(Do::Note { what: "supervisor_not_reached", note });
        }
        let at_once = ticket.urgency == Some(Urgency::Urgent) || ticket.kind == Kind::Help;
        let begin = world.rules.within(world.rules.alert.hours, world.now);
        if !at_once && begin > world.now {
            return Stepped::until(todo, begin);
        }
        let next = world.on_duty(Duty::Supervisor, &self.told).into_iter().next();
        let Some(supervisor) = next else { return Stepped::ended(todo) };
        self.told.push(supervisor.extension.clone());
        self.calling = true;
        let to = ErrandTo::Person { extension: supervisor.extension.clone() };
        todo.push(Do::Call { kind: ErrandKind::Notice, to, note: Some(self.why.clone()), not_before: world.now });
        Stepped::until(todo, world.now + CALL_MAX)
    }
}
