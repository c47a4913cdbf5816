//! From the directory to rounds of places: who is rung, where, in which order (R15, R17, R18, R43).

use std::collections::VecDeque;
use std::time::Duration;

use super::search::Consent;
use crate::call::exchange::Service;
use crate::call::switchboard::Switchboard;
use crate::desk::people::{Duty, Person, Place};
use crate::flow::io::{Strategy, Whom};
use crate::types::{CallId, Now};

/// How long a place rings that does not say so itself.
const RING: Duration = Duration::from_secs(20);
/// How often a waiting caller's place in the queue is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// The pause before duty officers who did not take the call are rung again (R18).
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// For so long are duty officers rung again and again.
const EMERGENCY_MAX: Duration = Duration::from_secs(900);
/// For so long does a caller who is to be called back keep the place in the queue.
const CALL_BACK_MAX: Duration = Duration::from_secs(4 * 3600);
/// So often are receptionists rung in vain for a call-back.
const CALL_BACK_TIMES: u32 = 10;

/// One place of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub extension: String,
    pub address: String,
    pub ring: Duration,
}

/// Rounds of places: those of a round ring at once, the next round when none of them took the call.
pub(crate) type Rounds = VecDeque<Vec<Candidate>>;

/// What a search is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    whom: Whom,
    /// Rung again after a pause, until this much time has passed.
    pub again: Option<Again>,
    /// Whether one person's refusal ends the search: it does where one person is looked for.
    pub one_person: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Again {
    pub after: Duration,
    pub for_at_most: Duration,
    /// Times that somebody is rung at most.
    pub times_max: Option<u32>,
}

impl Plan {
    /// Whom a flow means. Receptionists are waited for in a queue; duty officers are rung until one takes the call.
    pub fn of(whom: Whom, wait_max: Duration) -> Plan {
        let again = match &whom {
            Whom::Person(_) => None,
            Whom::Receptionists(_) => Some(Again { after: LOOK_AGAIN, for_at_most: wait_max, times_max: None }),
            Whom::DutyOfficers => Some(Again { after: AGAIN_AFTER, for_at_most: EMERGENCY_MAX, times_max: None }),
        };
        Plan { one_person: matches!(whom, Whom::Person(_)), again, whom }
    }

    /// The receptionists, all at once, with no second round: while the caller still hears the line ring (R2).
    pub fn before_answer() -> Plan {
        Plan { whom: Whom::Receptionists(Strategy::All), again: None, one_person: false }
    }

    /// The receptionists, for a caller who has hung up and is to be called back; not for ever (R10).
    pub fn call_back(strategy: Strategy) -> Plan {
        let again = Again { after: LOOK_AGAIN, for_at_most: CALL_BACK_MAX, times_max: Some(CALL_BACK_TIMES) };
        Plan { whom: Whom::Receptionists(strategy), again: Some(again), one_person: false }
    }

    /// Whether people are rung on when the caller has hung up.
    pub fn outlives_the_caller(&self) -> bool {
        matches!(self.whom, Whom::DutyOfficers)
    }

    /// Whether callers wait for it in the queue.
    pub fn is_queue(&self) -> bool {
        matches!(self.whom, Whom::Receptionists(_)) && self.again.is_some()
    }

    /// Who is to be rung now.
    pub fn rounds(&self, service: &Service, board: &Switchboard, call: CallId, now: Now) -> Rounds {
        match &self.whom {
            Whom::Person(extension) => {
                let person = service.people.people().iter().find(|p| p.extension == *extension && p.present);
                person.map(|p| rounds_of(service, p, now)).unwrap_or_default()
            }
            Whom::DutyOfficers => all_at_once(service, on_duty(service, Duty::Emergency), now),
            Whom::Receptionists(strategy) => {
                let mut free: Vec<&Person> = on_duty(service, Duty::Receptionist)
                    .into_iter()
                    .filter(|p| board.is_free(&p.extension, call, now.mono))
                    .collect();
                if !board.may_ring(call, *strategy, free.len()) {
                    return Rounds::new();
                }
                board.sort(*strategy, &mut free);
                match strategy {
                    Strategy::All => all_at_once(service, free, now),
                    Strategy::InTurn | Strategy::LongestIdle => {
                        free.into_iter().flat_map(|p| rounds_of(service, p, now)).collect()
                    }
                }
            }
        }
    }

    /// Whether there is anybody who could take the call later, being busy now.
    pub fn has_staff(&self, service: &Service) -> bool {
        self.is_queue() && Plan::staff(service) > 0
    }

    /// How many receptionists there are at all, busy or not.
    pub fn staff(service: &Service) -> usize {
        on_duty(service, Duty::Receptionist).len()
    }
}

impl Consent {
    /// Duty officers and persons must say that it is them, not their voicemail; a receptionist who lifts takes the call.
    pub fn of(whom: &Whom) -> Consent {
        match whom {
            Whom::Person(_) | Whom::DutyOfficers => Consent::Asked,
            Whom::Receptionists(_) => Consent::Lifted,
        }
    }
}

fn on_duty(service: &Service, duty: Duty) -> Vec<&Person> {
    service.people.people().iter().filter(|p| p.duty.contains(&duty) && p.present).collect()
}

/// All of them: first places at once, then second ones, and so on.
fn all_at_once(service: &Service, people: Vec<&Person>, now: Now) -> Rounds {
    let mut rounds = Rounds::new();
    for person in people {
        for (nth, round) in rounds_of(service, person, now).into_iter().enumerate() {
            match rounds.get_mut(nth) {
                Some(together) => together.extend(round),
                None => rounds.push_back(round),
            }
        }
    }
    rounds
}

pub(super) fn rounds_of(service: &Service, person: &Person, now: Now) -> Rounds {
    let time = now.wall.with_timezone(&service.time_zone).time();
    let open = |place: &&Place| place.hours.is_none_or(|span| span.contains(time));
    let mut rounds = Rounds::new();
    for place in person.hunt.iter().filter(open) {
        let candidate = Candidate {
            extension: person.extension.clone(),
            address: place.uri.clone(),
            ring: place.ring_s.map_or(RING, |s| Duration::from_secs(s.into())),
        };
        match rounds.back_mut().filter(|_| place.all_at_once) {
            Some(together) => together.push(candidate),
            None => rounds.push_back(vec![candidate]),
        }
    }
    rounds
}
