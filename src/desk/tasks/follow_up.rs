//! A customer is called after the work is done and asked whether they are satisfied (R37): within allowed hours, a few times
//! at most (R10). "Not" begins the work again, which its owner sees; whoever can't be reached is left to the owner.

use serde::{Deserialize, Serialize};

use super::{CALL_MAX, Do, Event, Stepped, TicketFacts, World, outcome};
use crate::desk::errand::{EndedErrand, ErrandKind, ErrandResult, ErrandTo};
use crate::desk::ticket::Kind;
use crate::desk::workflow::{Advance, Satisfaction};

/// So many calls that were never made, as the line was full or made none, are enough.
const NOT_MADE_MAX: u32 = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    #[default]
    New,
    Waiting,
    Calling,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FollowUp {
    phase: Phase,
    tries: u32,
    #[serde(default)]
    not_made: u32,
}

impl FollowUp {
    pub(super) fn step(&mut self, world: &World<'_>, event: Event<'_>) -> Stepped {
        let Some(ticket) = world.ticket() else { return Stepped::ended(Vec::new()) };
        let mut todo = Vec::new();
        let rules = &world.rules.follow_up;
        if !asks_at(ticket) {
            match event {
                Event::Ended(ended) => too_late(ticket, ended, &mut todo),
                Event::Due if self.phase == Phase::Calling => todo.push(Do::CancelCalls),
                Event::Due => {}
            }
            return Stepped::ended(todo);
        }
        match event {
            Event::Ended(ended) => {
                if let Some(over) = answered(ticket, ended, &mut todo) {
                    return over;
                }
                if self.tries >= rules.tries_max {
                    let note = format!("not reached in {} calls: ask the customer by hand", self.tries);
                    todo.push(Do::Note { what: "follow_up_not_reached", note });
                    return Stepped::ended(todo);
                }
                self.phase = Phase::Waiting;
                Stepped::until(todo, world.rules.within(rules.hours, world.now + rules.again))
            }
            Event::Due if self.phase == Phase::Calling => self.was_not_called(world, todo),
            Event::Due if !rules.calls => Stepped::ended(todo),
            Event::Due if self.phase == Phase::New => {
                self.phase = Phase::Waiting;
                let after = if ticket.kind == Kind::Complaint { rules.after_complaint } else { rules.after };
                Stepped::until(todo, world.rules.within(rules.hours, world.now + after))
            }
            Event::Due => self.call(world, ticket, todo),
        }
    }

    /// The call waited for the line in vain: the customer was not disturbed by it, so it was no try.
    fn was_not_called(&mut self, world: &World<'_>, mut todo: Vec<Do>) -> Stepped {
        todo.push(Do::CancelCalls);
        self.tries = self.tries.saturating_sub(1);
        self.not_made += 1;
        if self.not_made >= NOT_MADE_MAX {
            let note = "the line makes no calls: ask the customer by hand".to_owned();
            todo.push(Do::Note { what: "follow_up_not_reached", note });
            return Stepped::ended(todo);
        }
        self.phase = Phase::Waiting;
        let rules = &world.rules.follow_up;
        Stepped::until(todo, world.rules.within(rules.hours, world.now + rules.again))
    }

    fn call(&mut self, world: &World<'_>, ticket: &TicketFacts, mut todo: Vec<Do>) -> Stepped {
        let begin = world.rules.within(world.rules.follow_up.hours, world.now);
        if begin > world.now {
            return Stepped::until(todo, begin);
        }
        let Some(number) = ticket.number.clone() else {
            let note = "no number is known: ask the customer by hand".to_owned();
            todo.push(Do::Note { what: "follow_up_not_reached", note });
            return Stepped::ended(todo);
        };
        self.tries += 1;
        self.phase = Phase::Calling;
        let to = ErrandTo::Customer { number };
        todo.push(Do::Call { kind: ErrandKind::FollowUp, to, note: None, not_before: world.now });
        Stepped::until(todo, world.now + CALL_MAX)
    }
}

/// Whether it stands where the customer is asked.
fn asks_at(ticket: &TicketFacts) -> bool {
    let stage = match ticket.kind {
        Kind::Repair => "accepted_by_customer",
        Kind::Complaint => "follow_up",
        Kind::Inquiry | Kind::Help => return false,
    };
    !ticket.closed && ticket.stage == stage
}

/// The ticket went on while the customer was asked: what they said is kept all the same, and "not" opens it again.
fn too_late(ticket: &TicketFacts, ended: &EndedErrand, todo: &mut Vec<Do>) {
    todo.extend(ended.end.comment.clone().map(Do::Feedback));
    todo.push(Do::Note { what: "follow_up_tried", note: format!("{}, after it went on", outcome(ended)) });
    if ticket.closed && ended.end.result == ErrandResult::NotSatisfied {
        let again = if ticket.kind == Kind::Repair { "reported" } else { "handle" };
        todo.push(Do::Advance(Advance::to(again).with_note("asked by phone: not satisfied")));
    }
}

/// What the customer said; none where they were not reached.
fn answered(ticket: &TicketFacts, ended: &EndedErrand, todo: &mut Vec<Do>) -> Option<Stepped> {
    todo.extend(ended.end.comment.clone().map(Do::Feedback));
    let satisfaction = match ended.end.result {
        ErrandResult::Satisfied => Satisfaction::Satisfied,
        ErrandResult::NotSatisfied => Satisfaction::NotSatisfied,
        ErrandResult::WantsToSpeak => {
            let note = "the customer wants to speak to somebody".to_owned();
            todo.push(Do::Note { what: "follow_up_wants_to_speak", note });
            return Some(Stepped::ended(std::mem::take(todo)));
        }
        _ => {
            todo.push(Do::Note { what: "follow_up_tried", note: outcome(ended) });
            return None;
        }
    };
    let to = if ticket.kind == Kind::Repair { "followed_up" } else { "sum_up" };
    let step = Advance { satisfaction: Some(satisfaction), ..Advance::to(to) }.with_note("asked by phone");
    todo.push(Do::Advance(step));
    if ticket.kind == Kind::Repair && satisfaction == Satisfaction::Satisfied {
        todo.push(Do::Advance(Advance::to("closed")));
    }
    Some(Stepped::ended(std::mem::take(todo)))
}
