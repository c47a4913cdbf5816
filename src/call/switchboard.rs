//! Who of the staff is away, rings, talks or rests, and which callers wait for a receptionist, in order. One for all calls.
//!
//! Limits: people of one directory; callers that are held; `RING_ON_MAX` and `CALL_BACKS_MAX` callers who are gone. What a
//! call leaves behind is taken out when it ends.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use super::outgoing::OutgoingCalls;
use crate::desk::people::Person;
use crate::desk::presence::Presences;
use crate::flow::io::Strategy;
use crate::types::{CallId, Mono};

/// After a talk a receptionist has this much time for what came of it, before the next call rings.
pub const WRAP_UP: Duration = Duration::from_secs(5);
/// One who did not lift is left alone for so long.
const REST: Duration = Duration::from_secs(10);
/// Numbers of the places where callers are parked.
const PARK_SLOTS: RangeInclusive<u16> = 7001..=7020;
/// Emergencies whose caller is gone that ring at the same time; one more is an alarm at once.
pub const RING_ON_MAX: usize = 100;
/// Callers who wait to be called back; one more is asked for a message instead.
pub const CALL_BACKS_MAX: usize = 100;
/// How long a talk is expected to be before any was had.
const TALK_FIRST: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Free { since: Mono },
    Ringing { call: CallId },
    Talking { call: CallId, since: Mono },
}

#[derive(Debug, Clone)]
struct Member {
    state: State,
    /// Other calls that they talk in meanwhile: on hold, while they are asked something. The latest is last.
    beside: Vec<(CallId, Mono)>,
    /// Not rung before: wrap-up, or a rest after ringing in vain.
    rests_until: Mono,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Switchboard {
    /// Who said that they are out, or are not to be called.
    pub presences: Presences,
    /// Calls that went out through a gateway.
    pub outgoing: OutgoingCalls,
    members: HashMap<String, Member>,
    /// Who waits, and since when.
    queue: Vec<(CallId, Mono)>,
    /// Mean length of talks, each new one weighing an eighth.
    talk: Option<Duration>,
    last_rung: Option<String>,
    /// Callers who are parked, by the number of the place.
    parked: BTreeMap<u16, CallId>,
    /// Calls for which somebody was rung.
    with_staff: HashSet<CallId>,
    ringing_on: HashSet<CallId>,
    call_backs: HashSet<CallId>,
}

impl Switchboard {
    /// Begins to wait; one that waits already keeps its place.
    pub fn wait(&mut self, now: Mono, call: CallId) {
        if self.position(call).is_none() {
            self.queue.push((call, now));
        }
    }

    pub fn leave_queue(&mut self, call: CallId) {
        self.queue.retain(|(waiting, _)| *waiting != call);
    }

    /// Whether people may be rung on for a caller who is gone; it counts until the call is forgotten.
    pub fn ring_on(&mut self, call: CallId) -> bool {
        let room = self.ringing_on.len() < RING_ON_MAX || self.ringing_on.contains(&call);
        if room {
            self.ringing_on.insert(call);
        }
        room
    }

    /// Whether one more caller may be called back.
    pub fn has_room_to_call_back(&self) -> bool {
        self.call_backs.len() < CALL_BACKS_MAX
    }

    pub fn call_back(&mut self, call: CallId) {
        self.call_backs.insert(call);
    }

    /// The call is over.
    pub fn forget(&mut self, call: CallId) {
        self.leave_queue(call);
        self.ringing_on.remove(&call);
        self.call_backs.remove(&call);
        if !self.with_staff.remove(&call) {
            return;
        }
        for member in self.members.values_mut() {
            member.beside.retain(|(other, _)| *other != call);
            if matches!(member.state, State::Ringing { call: of } | State::Talking { call: of, .. } if of == call) {
                member.state = match member.beside.pop() {
                    Some((call, since)) => State::Talking { call, since },
                    None => State::Free { since: Mono::default() },
                };
            }
        }
    }

    /// Place in the queue, from 1; `None` when it does not wait.
    pub fn position(&self, call: CallId) -> Option<usize> {
        self.queue.iter().position(|(waiting, _)| *waiting == call).map(|at| at + 1)
    }

    /// Since when it waits.
    pub fn waits_since(&self, call: CallId) -> Option<Mono> {
        self.queue.iter().find(|(waiting, _)| *waiting == call).map(|(_, since)| *since)
    }

    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// How long the caller at this place will wait, with so many receptionists.
    pub fn expected_wait(&self, position: usize, staff: usize) -> Duration {
        let rounds = position.div_ceil(staff.max(1));
        self.talk.unwrap_or(TALK_FIRST) * u32::try_from(rounds).unwrap_or(u32::MAX)
    }

    /// Whether this person may be rung for a call out of the queue.
    pub fn is_free(&self, extension: &str, call: CallId, now: Mono) -> bool {
        self.members.get(extension).is_none_or(|member| match member.state {
            State::Free { .. } => member.rests_until <= now,
            State::Ringing { call: other } => other == call,
            State::Talking { .. } => false,
        })
    }

    /// First come, first served: with `free` people one caller for each may ring them, only the first where all ring.
    pub fn may_ring(&self, call: CallId, strategy: Strategy, free: usize) -> bool {
        match (self.position(call), strategy) {
            (None | Some(1), _) => true,
            (Some(_), Strategy::All) => false,
            (Some(position), Strategy::InTurn | Strategy::LongestIdle) => position <= free,
        }
    }

    /// In which order they are rung.
    pub fn sort(&self, strategy: Strategy, people: &mut [&Person]) {
        match strategy {
            Strategy::All => {}
            Strategy::InTurn => {
                let after = |p: &Person| self.last_rung.as_deref().is_none_or(|last| p.extension.as_str() > last);
                people.sort_by_key(|p| !after(p));
            }
            Strategy::LongestIdle => people.sort_by_key(|p| match self.members.get(&p.extension).map(|m| m.state) {
                Some(State::Free { since }) => since,
                Some(State::Ringing { .. } | State::Talking { .. }) | None => Mono::default(),
            }),
        }
    }

    pub fn rings(&mut self, extension: &str, call: CallId) {
        self.with_staff.insert(call);
        self.last_rung = Some(extension.to_owned());
        let member = self.member(extension);
        if matches!(member.state, State::Free { .. }) {
            member.state = State::Ringing { call };
        }
    }

    /// Stopped ringing for this call; `in_vain` when nobody lifted.
    pub fn rang(&mut self, now: Mono, extension: &str, call: CallId, in_vain: bool) {
        let member = self.member(extension);
        if member.state == (State::Ringing { call }) {
            member.state = State::Free { since: Mono::default() };
            if in_vain {
                member.rests_until = now + REST;
            }
        }
    }

    pub fn talks(&mut self, now: Mono, extension: &str, call: CallId) {
        self.leave_queue(call);
        self.with_staff.insert(call);
        let member = self.member(extension);
        if let State::Talking { call: other, since } = member.state
            && other != call
        {
            member.beside.push((other, since));
        }
        member.state = State::Talking { call, since: now };
    }

    pub fn talked(&mut self, now: Mono, extension: &str, call: CallId) {
        let member = self.member(extension);
        let State::Talking { call: with, since } = member.state else { return };
        if with != call {
            member.beside.retain(|(other, _)| *other != call);
            return;
        }
        member.state = match member.beside.pop() {
            Some((call, since)) => State::Talking { call, since },
            None => {
                member.rests_until = now + WRAP_UP;
                State::Free { since: now }
            }
        };
        let length = now.since(since);
        self.talk = Some(self.talk.map_or(length, |mean| (mean * 7 + length) / 8));
    }

    /// Whether this person talks, or is rung.
    pub fn is_engaged(&self, extension: &str) -> bool {
        self.members.get(extension).is_some_and(|member| !matches!(member.state, State::Free { .. }))
    }

    /// The caller whom this person talks to.
    pub fn talks_to(&self, extension: &str) -> Option<CallId> {
        match self.members.get(extension)?.state {
            State::Talking { call, .. } => Some(call),
            State::Free { .. } | State::Ringing { .. } => None,
        }
    }

    /// A place for a caller who is parked; `None` when all are taken.
    pub fn park(&mut self, call: CallId) -> Option<u16> {
        let slot = PARK_SLOTS.into_iter().find(|slot| !self.parked.contains_key(slot))?;
        self.parked.insert(slot, call);
        Some(slot)
    }

    /// The number of the place where a caller is parked.
    pub fn slot_of(&self, call: CallId) -> Option<u16> {
        self.parked.iter().find(|(_, parked)| **parked == call).map(|(slot, _)| *slot)
    }

    pub fn unpark(&mut self, call: CallId) {
        self.parked.retain(|_, parked| *parked != call);
    }

    /// The caller who is parked at the place of this number, as it is dialled.
    pub fn parked_at(&self, dialled: &str) -> Option<CallId> {
        self.parked.get(&dialled.parse().ok()?).copied()
    }

    /// Whether nobody waits, rings or talks: for tests.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
            && self.parked.is_empty()
            && self.with_staff.is_empty()
            && self.ringing_on.is_empty()
            && self.call_backs.is_empty()
            && self.members.values().all(|member| matches!(member.state, State::Free { .. }))
    }

    fn member(&mut self, extension: &str) -> &mut Member {
        if !self.members.contains_key(extension) {
            let free = State::Free { since: Mono::default() };
            self.members
                .insert(extension.to_owned(), Member { state: free, beside: Vec::new(), rests_until: Mono::default() });
        }
        self.members.get_mut(extension).expect("it was just put in")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: CallId = CallId(1);
    const SECOND: CallId = CallId(2);

    fn at(s: u64) -> Mono {
        Mono::from_millis(s * 1000)
    }

    #[test]
    fn callers_are_served_in_the_order_they_came() {
        let mut board = Switchboard::default();
        board.wait(at(0), FIRST);
        board.wait(at(1), SECOND);
        board.wait(at(2), FIRST);
        assert_eq!((board.waits_since(FIRST), board.waits_since(SECOND)), (Some(at(0)), Some(at(1))));
        assert_eq!((board.position(FIRST), board.position(SECOND)), (Some(1), Some(2)));
        assert!(board.may_ring(FIRST, Strategy::All, 1) && !board.may_ring(SECOND, Strategy::All, 5));
        assert!(!board.may_ring(SECOND, Strategy::LongestIdle, 1) && board.may_ring(SECOND, Strategy::LongestIdle, 2));
        board.talks(at(3), "100", FIRST);
        assert_eq!(board.position(SECOND), Some(1));
    }

    #[test]
    fn who_rings_or_talks_is_not_rung_for_another_and_rests_after() {
        let mut board = Switchboard::default();
        board.rings("100", FIRST);
        assert!(board.is_free("100", FIRST, at(0)) && !board.is_free("100", SECOND, at(0)));
        board.talks(at(1), "100", FIRST);
        assert!(!board.is_free("100", FIRST, at(1)));
        board.talked(at(61), "100", FIRST);
        assert!(!board.is_free("100", SECOND, at(61)) && board.is_free("100", SECOND, at(66)));
        board.rings("100", SECOND);
        board.rang(at(90), "100", SECOND, true);
        assert!(!board.is_free("100", FIRST, at(99)) && board.is_free("100", FIRST, at(100)));
        [FIRST, SECOND].into_iter().for_each(|call| board.forget(call));
        assert!(board.is_idle());
    }

    #[test]
    fn who_is_gone_takes_up_limited_room_until_forgotten() {
        let mut board = Switchboard::default();
        for call in 0..RING_ON_MAX as i64 {
            assert!(board.ring_on(CallId(call)));
            board.call_back(CallId(call));
        }
        assert!(!board.ring_on(CallId(-1)) && !board.has_room_to_call_back());
        assert!(board.ring_on(CallId(7)), "one that rings on already");
        board.forget(CallId(7));
        assert!(board.ring_on(CallId(-1)) && board.has_room_to_call_back());
        (-1..RING_ON_MAX as i64).for_each(|call| board.forget(CallId(call)));
        assert!(board.is_idle());
    }

    #[test]
    fn who_is_asked_during_a_talk_goes_back_to_it() {
        let mut board = Switchboard::default();
        board.talks(at(0), "100", FIRST);
        board.talks(at(5), "100", SECOND);
        assert_eq!(board.talks_to("100"), Some(SECOND));
        board.talked(at(9), "100", SECOND);
        assert_eq!(board.talks_to("100"), Some(FIRST));
        board.talks(at(10), "100", SECOND);
        board.talked(at(11), "100", FIRST);
        board.forget(FIRST);
        assert_eq!(board.talks_to("100"), Some(SECOND));
        board.forget(SECOND);
        assert!(board.talks_to("100").is_none() && board.is_idle());
    }

    #[test]
    fn the_expected_wait_follows_the_talks_that_were_had() {
        let mut board = Switchboard::default();
        assert_eq!(board.expected_wait(1, 2), TALK_FIRST);
        assert_eq!(board.expected_wait(3, 2), TALK_FIRST * 2);
        board.talks(at(0), "100", FIRST);
        board.talked(at(60), "100", FIRST);
        assert_eq!(board.expected_wait(1, 0), Duration::from_secs(60));
    }
}
