//! From the directory to rounds of places: who is rung, where, in which order (R15, R17, R18, R43).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use super::call_back::WayBack;
use super::search::Consent;
use crate::call::service::Service;
use crate::call::switchboard::Switchboard;
use crate::desk::on_duty::Staff;
use crate::desk::people::{Duty, Person, Place, PlaceTarget};
use crate::flow::io::{Strategy, Whom};
use crate::sip::user_agent::{IncomingInvite, UserAgent};
use crate::sip::wire::{Host, Replaces, Uri};
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
    pub target: PlaceTarget,
    pub ring: Duration,
}

/// Rounds of places: those of a round ring at once, the next round when none of them took the call.
pub(crate) type Rounds = VecDeque<Vec<Candidate>>;

/// Whom a search looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Aim {
    /// For a caller, or for one of the staff who hands a caller on.
    Caller(Whom),
    /// These places, one after the other: whoever lifts there is told what the desk calls for.
    Errand(Rounds),
}

/// What a search is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    whom: Aim,
    /// Rung again after a pause, until this much time has passed.
    pub again: Option<Again>,
    /// Whether one person's refusal ends the search: it does where one person is looked for.
    pub one_person: bool,
    /// The call that ours takes the place of, at whichever place of the person it is (RFC 3891).
    pub replaces: Option<Replaces>,
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
        Plan { one_person: matches!(whom, Whom::Person(_)), again, whom: Aim::Caller(whom), replaces: None }
    }

    /// The receptionists, all at once, with no second round: while the caller still hears the line ring (R2).
    pub fn before_answer() -> Plan {
        let whom = Aim::Caller(Whom::Receptionists(Strategy::All));
        Plan { whom, again: None, one_person: false, replaces: None }
    }

    /// Somebody to whom the caller is handed on.
    pub fn person(extension: String, replaces: Option<Replaces>) -> Plan {
        Plan { whom: Aim::Caller(Whom::Person(extension)), again: None, one_person: true, replaces }
    }

    /// The receptionists, for a caller who has hung up and is to be called back; not for ever (R10).
    pub fn call_back(strategy: Strategy) -> Plan {
        let again = Again { after: LOOK_AGAIN, for_at_most: CALL_BACK_MAX, times_max: Some(CALL_BACK_TIMES) };
        let whom = Aim::Caller(Whom::Receptionists(strategy));
        Plan { whom, again: Some(again), one_person: false, replaces: None }
    }

    /// A person whom the desk calls: one place at a time, so that a mobile's voicemail takes the call from nobody (R15).
    pub fn errand(service: &Service, person: &Person, now: Now) -> Plan {
        let places = rounds_of(service, person, now).into_iter().flatten().map(|place| vec![place]);
        Plan { whom: Aim::Errand(places.collect()), again: None, one_person: true, replaces: None }
    }

    /// A customer whom the desk calls there.
    pub fn customer(way: WayBack) -> Plan {
        let place = Candidate { extension: String::new(), target: PlaceTarget::Sip(way.address), ring: way.ring };
        Plan { whom: Aim::Errand(Rounds::from([vec![place]])), again: None, one_person: true, replaces: None }
    }

    /// Whether people are rung on when the caller has hung up.
    pub fn outlives_the_caller(&self) -> bool {
        matches!(self.whom, Aim::Caller(Whom::DutyOfficers))
    }

    /// Whether the desk itself calls: no caller waits.
    pub fn is_errand(&self) -> bool {
        matches!(self.whom, Aim::Errand(_))
    }

    /// Whether callers wait for it in the queue.
    pub fn is_queue(&self) -> bool {
        matches!(self.whom, Aim::Caller(Whom::Receptionists(_))) && self.again.is_some()
    }

    /// Who is to be rung now.
    pub fn rounds(&self, service: &Service, board: &Switchboard, call: CallId, now: Now) -> Rounds {
        let whom = match &self.whom {
            Aim::Caller(whom) => whom,
            Aim::Errand(places) => return places.clone(),
        };
        match whom {
            Whom::Person(extension) => {
                // One who has just talked to whoever transfers the caller is there.
                let is_in =
                    |p: &&Person| self.replaces.is_some() || board.presences.of(p, service.time_zone, now.wall).is_in();
                let person = service.people.person(extension).filter(is_in);
                person.map(|p| rounds_of(service, p, now)).unwrap_or_default()
            }
            Whom::DutyOfficers => all_at_once(service, on_duty(service, board, Duty::Emergency, now), now),
            Whom::Receptionists(strategy) => {
                let mut free: Vec<&Person> = on_duty(service, board, Duty::Receptionist, now)
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

    /// Whether a place of a later round is still to be rung: not when its person has gone out meanwhile. Duty officers are:
    /// each round of them begins anew soon enough.
    pub fn still_wants(&self, candidate: &Candidate, service: &Service, board: &Switchboard, now: Now) -> bool {
        match self.whom {
            Aim::Caller(Whom::DutyOfficers) => true,
            // A customer.
            Aim::Errand(_) if candidate.extension.is_empty() => true,
            Aim::Errand(_) | Aim::Caller(Whom::Person(_) | Whom::Receptionists(_)) => {
                let is_in = |p: &Person| board.presences.of(p, service.time_zone, now.wall).is_in();
                self.replaces.is_some() || service.people.person(&candidate.extension).is_some_and(is_in)
            }
        }
    }

    /// Whether there is anybody who could take the call later, being busy now.
    pub fn has_staff(&self, service: &Service, board: &Switchboard, now: Now) -> bool {
        self.is_queue() && Plan::staff(service, board, now) > 0
    }

    /// How many receptionists are on duty, busy or not.
    pub fn staff(service: &Service, board: &Switchboard, now: Now) -> usize {
        on_duty(service, board, Duty::Receptionist, now).len()
    }
}

/// One of the staff, known by the phone that they call with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Colleague {
    pub extension: String,
}

impl Colleague {
    /// Whose phone this INVITE comes from: one that is registered here with the account that it names, or one that is called
    /// at a configured address.
    pub fn of(service: &Service, ua: &UserAgent, invite: &IncomingInvite) -> Option<Colleague> {
        let user = invite.caller.user.as_deref()?;
        let account = service.phones.phones().iter().find(|phone| phone.user == user);
        let registered = account.filter(|phone| ua.phone_at(&phone.user, invite.source));
        let extension = registered.and_then(|phone| phone.extension.clone());
        let named = |uri: &Uri| uri.user.as_deref() == Some(user);
        let extension = extension.or_else(|| at_place(service, invite.source, named).first().map(extension_of))?;
        Some(Colleague { extension })
    }
}

/// The person whom a telephone means by this address: by the extension, wherever it says that it is, or by one of the places
/// where the person is called.
pub(super) fn meant(service: &Service, ua: &UserAgent, target: &Uri) -> Option<String> {
    let user = target.user.as_deref().unwrap_or_default();
    if let Some(person) = service.person(user) {
        return Some(person.extension.clone());
    }
    let Some(Host::Ip(ip)) = target.host else { return None };
    let address = SocketAddr::new(ip, target.port.unwrap_or(5060));
    let named = at_place(service, address, |uri| uri.user.as_deref() == Some(user)).first().map(extension_of);
    let of_phone = || {
        let mut phones = service.phones.phones().iter().filter(|phone| ua.phone_at(&phone.user, address));
        phones.find_map(|phone| phone.extension.clone())
    };
    // A telephone may call itself by any name; where several people are called it says nothing.
    let alone = || match at_place(service, address, |_| true).as_slice() {
        [person] => Some(extension_of(person)),
        _ => None,
    };
    named.or_else(of_phone).or_else(alone)
}

fn extension_of(person: &&Person) -> String {
    person.extension.clone()
}

/// Who is called at this address, by a name of that kind.
fn at_place(service: &Service, address: SocketAddr, named: impl Fn(&Uri) -> bool) -> Vec<&Person> {
    let is_there = |place: &Place| {
        let PlaceTarget::Sip(uri) = &place.target else { return false };
        let Ok(uri) = uri.parse::<Uri>() else { return false };
        let at = matches!(uri.host, Some(Host::Ip(ip)) if SocketAddr::new(ip, uri.port.unwrap_or(5060)) == address);
        at && named(&uri)
    };
    service.people.people().iter().filter(|person| person.hunt.iter().any(is_there)).collect()
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

fn on_duty<'a>(service: &'a Service, board: &'a Switchboard, duty: Duty, now: Now) -> Vec<&'a Person> {
    let staff = Staff {
        people: &service.people,
        hours: &service.hours,
        presences: &board.presences,
        time_zone: service.time_zone,
    };
    staff.on_duty(duty, now.wall).people
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
            target: place.target.clone(),
            ring: place.ring_s.map_or(RING, |s| Duration::from_secs(s.into())),
        };
        match rounds.back_mut().filter(|_| place.all_at_once) {
            Some(together) => together.push(candidate),
            None => rounds.push_back(vec![candidate]),
        }
    }
    rounds
}
