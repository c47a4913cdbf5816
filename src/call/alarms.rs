//! Alarms on their way to the disk: each is told to the store until the store has it (R41).

use std::collections::VecDeque;
use std::time::Duration;

use crate::desk::alarm::AlarmWord;
use crate::desk::request::{DeskRequest, RequestId};
use crate::types::Mono;

/// How long after a failure the store is asked again.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Alarms that wait for the store at most; beyond it the oldest is left to the log alone.
const WAITING_MAX: usize = 1_000;

#[derive(Debug)]
struct Waiting {
    word: AlarmWord,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Due(Mono),
    Asked(RequestId),
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    waiting: VecDeque<Waiting>,
    last: u32,
}

impl Alarms {
    /// The newest word of a call takes the place of an older one that is not on disk yet.
    pub fn say(&mut self, now: Mono, word: AlarmWord) {
        self.waiting.retain(|other| other.word.call != word.call || other.word.kind != word.kind);
        if self.waiting.len() >= WAITING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Waiting { word, state: State::Due(now) });
    }

    /// What the store is to be asked now.
    pub fn poll(&mut self, now: Mono) -> Option<DeskRequest> {
        let due = self.waiting.iter_mut().find(|waiting| matches!(waiting.state, State::Due(at) if at <= now))?;
        // 0 is that of questions which nobody waits for.
        self.last = self.last.wrapping_add(1).max(1);
        let id = RequestId(self.last);
        due.state = State::Asked(id);
        Some(DeskRequest::PutAlarm { id, word: due.word.clone() })
    }

    /// The store's reply to a request of these.
    pub fn replied(&mut self, now: Mono, id: RequestId, kept: bool) {
        let Some(at) = self.waiting.iter().position(|waiting| waiting.state == State::Asked(id)) else { return };
        if kept {
            self.waiting.remove(at);
        } else {
            self.waiting[at].state = State::Due(now + AGAIN_AFTER);
        }
    }

    pub fn next_wake(&self) -> Option<Mono> {
        let due = |waiting: &Waiting| if let State::Due(at) = waiting.state { Some(at) } else { None };
        self.waiting.iter().filter_map(due).min()
    }

    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::alarm::{AlarmKind, AlarmState};
    use crate::types::CallId;

    fn word(call: i64, state: AlarmState) -> AlarmWord {
        let (kind, note) = (AlarmKind::MissedEmergency, String::new());
        AlarmWord { kind, call: CallId(call), state, caller: None, ticket: None, note }
    }

    fn asked(request: Option<DeskRequest>) -> (RequestId, AlarmState) {
        match request.expect("one is due") {
            DeskRequest::PutAlarm { id, word } => (id, word.state),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_word_is_said_until_it_is_kept_and_a_newer_one_takes_its_place() {
        let mut alarms = Alarms::default();
        alarms.say(Mono(0), word(1, AlarmState::Watched));
        let (first, _) = asked(alarms.poll(Mono(0)));
        assert!(alarms.poll(Mono(0)).is_none(), "it is asked once at a time");
        alarms.replied(Mono(0), first, false);
        assert!(alarms.poll(Mono(0)).is_none());
        assert_eq!(alarms.next_wake(), Some(Mono(0) + AGAIN_AFTER));
        let (again, _) = asked(alarms.poll(Mono(0) + AGAIN_AFTER));
        alarms.say(Mono(0) + AGAIN_AFTER, word(1, AlarmState::Open));
        alarms.replied(Mono(0) + AGAIN_AFTER, again, true);
        let (newer, state) = asked(alarms.poll(Mono(0) + AGAIN_AFTER));
        assert_eq!(state, AlarmState::Open, "the older one's reply does not count for it");
        alarms.replied(Mono(0) + AGAIN_AFTER, newer, true);
        assert!(alarms.is_idle());
    }

    #[test]
    fn what_waits_is_limited() {
        let mut alarms = Alarms::default();
        (0..2_000).for_each(|call| alarms.say(Mono(0), word(call, AlarmState::Open)));
        assert_eq!(alarms.waiting.len(), WAITING_MAX);
        assert_eq!(alarms.waiting[0].word.call, CallId(1_000));
    }
}
