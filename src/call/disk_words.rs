//! Words on their way to the disk: alarms, how it is with the trunks, the journal. Each is told to the store until the store
//! has it (R41).

use std::collections::VecDeque;
use std::time::Duration;

use crate::desk::alarm::AlarmWord;
use crate::desk::errand::ErrandEnd;
use crate::desk::journal::JournalEntry;
use crate::desk::request::{DeskRequest, RequestId};
use crate::desk::trunk_state::TrunkWord;
use crate::types::Mono;

/// How long after a failure the store is asked again.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Words that wait for the store at most; beyond it the oldest is left to the log alone, an alarm last of all.
const WAITING_MAX: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    Alarm(AlarmWord),
    Trunk(TrunkWord),
    Journal(JournalEntry),
    /// What came of a call that the desk made.
    Errand {
        end: ErrandEnd,
        over: bool,
    },
}

impl Word {
    /// Whether it takes the place of that one.
    fn replaces(&self, older: &Word) -> bool {
        match (self, older) {
            (Word::Alarm(new), Word::Alarm(old)) => {
                new.kind == old.kind && new.call == old.call && new.about == old.about
            }
            (Word::Trunk(new), Word::Trunk(old)) => new.name == old.name,
            (Word::Errand { end: new, .. }, Word::Errand { end: old, .. }) => new.errand == old.errand,
            (Word::Alarm(_) | Word::Trunk(_) | Word::Journal(_) | Word::Errand { .. }, _) => false,
        }
    }

    fn request(&self, id: RequestId) -> DeskRequest {
        match self {
            Word::Alarm(word) => DeskRequest::PutAlarm { id, word: word.clone() },
            Word::Trunk(word) => DeskRequest::PutTrunk { id, word: word.clone() },
            Word::Errand { end, over } => DeskRequest::KeepErrand { id, end: end.clone(), over: *over },
            Word::Journal(entry) => DeskRequest::PutJournal { id, entry: entry.clone() },
        }
    }
}

#[derive(Debug)]
struct Waiting {
    word: Word,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Due(Mono),
    Asked(RequestId),
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct DiskWords {
    waiting: VecDeque<Waiting>,
    last: u32,
}

impl DiskWords {
    /// The newest word takes the place of an older one about the same that is not on disk yet.
    pub fn say(&mut self, now: Mono, word: Word) {
        self.waiting.retain(|other| !word.replaces(&other.word));
        if self.waiting.len() >= WAITING_MAX {
            let is_alarm = |waiting: &Waiting| matches!(waiting.word, Word::Alarm(_));
            let oldest = self.waiting.iter().position(|waiting| !is_alarm(waiting)).unwrap_or(0);
            self.waiting.remove(oldest);
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
        Some(due.word.request(id))
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

    fn word(call: i64, state: AlarmState) -> Word {
        Word::Alarm(AlarmWord::of_call(AlarmKind::MissedEmergency, CallId(call), state))
    }

    fn asked(request: Option<DeskRequest>) -> (RequestId, AlarmState) {
        match request.expect("one is due") {
            DeskRequest::PutAlarm { id, word } => (id, word.state),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_word_is_said_until_it_is_kept_and_a_newer_one_takes_its_place() {
        let mut words = DiskWords::default();
        words.say(Mono(0), word(1, AlarmState::Watched));
        let (first, _) = asked(words.poll(Mono(0)));
        assert!(words.poll(Mono(0)).is_none(), "it is asked once at a time");
        words.replied(Mono(0), first, false);
        assert!(words.poll(Mono(0)).is_none());
        assert_eq!(words.next_wake(), Some(Mono(0) + AGAIN_AFTER));
        let (again, _) = asked(words.poll(Mono(0) + AGAIN_AFTER));
        words.say(Mono(0) + AGAIN_AFTER, word(1, AlarmState::Open));
        words.replied(Mono(0) + AGAIN_AFTER, again, true);
        let (newer, state) = asked(words.poll(Mono(0) + AGAIN_AFTER));
        assert_eq!(state, AlarmState::Open, "the older one's reply does not count for it");
        words.replied(Mono(0) + AGAIN_AFTER, newer, true);
        assert!(words.is_idle());
    }

    #[test]
    fn what_waits_is_limited() {
        let mut words = DiskWords::default();
        (0..2_000).for_each(|call| words.say(Mono(0), word(call, AlarmState::Open)));
        assert_eq!(words.waiting.len(), WAITING_MAX);
        assert_eq!(words.waiting[0].word, word(1_000, AlarmState::Open));
    }

    #[test]
    fn entries_of_the_journal_do_not_take_each_others_place() {
        use crate::desk::journal::JournalKind;
        let mut words = DiskWords::default();
        let (kind, at, text) = (JournalKind::LineDown, chrono::DateTime::UNIX_EPOCH, "no answer".to_owned());
        let entry = JournalEntry::of_system(at, kind, "carrier", &text);
        words.say(Mono(0), word(1, AlarmState::Open));
        words.say(Mono(0), Word::Journal(entry.clone()));
        words.say(Mono(0), Word::Journal(entry.clone()));
        assert_eq!(words.waiting.len(), 3);
        // However often a line comes and goes while the disk is full, an emergency that was missed is not forgotten.
        (0..2_000).for_each(|_| words.say(Mono(0), Word::Journal(entry.clone())));
        assert_eq!((words.waiting.len(), &words.waiting[0].word), (WAITING_MAX, &word(1, AlarmState::Open)));
    }
}
