//! The watch over the trunks (R1, R41): what is told of each, what goes into the journal, and when it becomes an alarm.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::disk_words::Word;
use super::events::What;
use crate::desk::alarm::{AlarmKind, AlarmState, AlarmWord};
use crate::desk::journal::{JournalEntry, JournalKind};
use crate::desk::trunk_state::{TrunkState, TrunkWord};
use crate::sip::trunk::Standing;
use crate::types::{Mono, Now};

/// A line that is down for so long is an alarm; what only people can mend is one at once.
const ALARM_AFTER: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Line {
    word: TrunkWord,
    /// Down, and to be an alarm at that time unless it comes back.
    alarm_at: Option<Mono>,
    /// How urgent the alarm was that was raised since it went down.
    raised: Option<Urgency>,
    urgency: Urgency,
}

/// Whether a line may come back by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    MayComeBack,
    NeedsPeople,
}

impl Urgency {
    fn of(standing: &Standing) -> Urgency {
        match standing {
            Standing::Down { why, .. } if why.needs_people() => Urgency::NeedsPeople,
            _ => Urgency::MayComeBack,
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Lines {
    lines: BTreeMap<String, Line>,
}

/// What is to be kept, and what is to be told.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    pub words: Vec<Word>,
    pub what: Option<What>,
}

impl Lines {
    /// It is otherwise with a trunk than before.
    pub fn said(&mut self, now: Now, name: &str, standing: &Standing) -> Told {
        let before = self.lines.get(name).map(|line| line.word.clone());
        let word = word_of(now, name, standing, before.as_ref());
        let mut told = Told { words: vec![Word::Trunk(word.clone())], what: what_of(name, standing) };
        let was = before.as_ref().map_or(TrunkState::Starting, |word| word.state);
        let urgency = Urgency::of(standing);
        let down = self.lines.get(name).filter(|line| line.word.state == TrunkState::Down);
        let raised = down.and_then(|line| line.raised).filter(|_| matches!(standing, Standing::Down { .. }));
        let alarm_at = match standing {
            Standing::Down { .. } => {
                if was != TrunkState::Down {
                    told.words.push(entry(now.wall, JournalKind::LineDown, name, &word.note));
                }
                let asked = down.and_then(|line| line.alarm_at);
                match (raised, urgency) {
                    // One alarm for one failure: another reason does not open it again, unless it is a worse one.
                    (Some(raised), urgency) if raised >= urgency => None,
                    (_, Urgency::NeedsPeople) => Some(now.mono),
                    (_, Urgency::MayComeBack) => Some(asked.unwrap_or(now.mono + ALARM_AFTER)),
                }
            }
            Standing::Up { .. } if was == TrunkState::Down => {
                let down_for = before.as_ref().map(|word| now.wall - word.since).unwrap_or_default();
                let text = format!("back after {} s", down_for.num_seconds().max(0));
                told.words.push(entry(now.wall, JournalKind::LineUp, name, &text));
                None
            }
            Standing::Up { .. } | Standing::Starting | Standing::Left => None,
        };
        match standing {
            Standing::Left => drop(self.lines.remove(name)),
            Standing::Up { .. } | Standing::Down { .. } | Standing::Starting => {
                self.lines.insert(name.to_owned(), Line { word, alarm_at, raised, urgency });
            }
        }
        told.words.extend(self.due(now.mono));
        told
    }

    /// Alarms whose time has come.
    pub fn due(&mut self, now: Mono) -> Vec<Word> {
        let due = self.lines.iter_mut().filter(|(_, line)| line.alarm_at.is_some_and(|at| at <= now));
        due.map(|(name, line)| {
            line.alarm_at = None;
            line.raised = line.raised.max(Some(line.urgency));
            Word::Alarm(AlarmWord {
                note: line.word.note.clone(),
                ..AlarmWord::about(AlarmKind::LineDown, name, AlarmState::Open)
            })
        })
        .collect()
    }

    pub fn next_wake(&self) -> Option<Mono> {
        self.lines.values().filter_map(|line| line.alarm_at).min()
    }
}

fn word_of(now: Now, name: &str, standing: &Standing, before: Option<&TrunkWord>) -> TrunkWord {
    let (state, server, external, note) = match standing {
        Standing::Starting => (TrunkState::Starting, None, None, String::new()),
        Standing::Up { server, external, .. } => {
            (TrunkState::Up, Some(server.to_string()), external.map(|at| at.to_string()), String::new())
        }
        Standing::Down { why, .. } => (TrunkState::Down, None, None, why.to_string()),
        Standing::Left => (TrunkState::Left, None, None, String::new()),
    };
    let since = before.filter(|before| before.state == state).map_or(now.wall, |before| before.since);
    TrunkWord { name: name.to_owned(), state, since, server, external, note }
}

fn what_of(name: &str, standing: &Standing) -> Option<What> {
    let trunk = name.to_owned();
    match standing {
        Standing::Up { server, external, .. } => Some(What::TrunkUp { trunk, server: *server, external: *external }),
        Standing::Down { why, .. } => Some(What::TrunkDown { trunk, why: why.clone() }),
        Standing::Left => Some(What::TrunkLeft { trunk }),
        Standing::Starting => None,
    }
}

fn entry(at: DateTime<Utc>, kind: JournalKind, about: &str, text: &str) -> Word {
    Word::Journal(JournalEntry::of_system(at, kind, about, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::trunk::Why;

    fn at(s: u64) -> Now {
        let wall = DateTime::from_timestamp(1_795_000_000 + s as i64, 0).expect("a time");
        Now { mono: Mono::from_millis(s * 1000), wall }
    }

    fn down(why: Why) -> Standing {
        Standing::Down { since: Mono(0), why }
    }

    fn up() -> Standing {
        let server = "192.0.2.40:5060".parse().expect("an address");
        Standing::Up { since: Mono(0), server, until: None, external: None }
    }

    fn kinds(words: &[Word]) -> Vec<String> {
        let kind = |word: &Word| match word {
            Word::Trunk(word) => word.state.to_string(),
            Word::Journal(entry) => format!("journal {}", entry.text),
            Word::Alarm(word) => format!("alarm {} {}", word.about, word.note),
            Word::Errand { end, .. } => format!("errand {}", end.result),
        };
        words.iter().map(kind).collect()
    }

    #[test]
    fn a_line_that_drops_out_for_a_moment_is_in_the_journal_and_no_alarm() {
        let mut lines = Lines::default();
        assert_eq!(kinds(&lines.said(at(0), "carrier", &up()).words), ["up"]);
        let told = lines.said(at(100), "carrier", &down(Why::ConnectionLost));
        assert_eq!(kinds(&told.words), ["down", "journal its server closed the connection"]);
        let told = lines.said(at(101), "carrier", &down(Why::Unreachable));
        assert_eq!(kinds(&told.words), ["down"], "another reason is no other event");
        assert_eq!(kinds(&lines.said(at(112), "carrier", &up()).words), ["up", "journal back after 12 s"]);
        assert_eq!(lines.next_wake(), None);
    }

    #[test]
    fn a_line_that_stays_down_is_an_alarm_once() {
        let mut lines = Lines::default();
        lines.said(at(0), "carrier", &down(Why::Silent));
        lines.said(at(30), "carrier", &down(Why::Unreachable));
        assert_eq!(lines.next_wake(), Some(at(60).mono));
        assert_eq!(lines.due(at(59).mono), []);
        assert_eq!(lines.due(at(60).mono).len(), 1);
        assert_eq!((lines.due(at(61).mono).len(), lines.next_wake()), (0, None));
        // Whoever has acknowledged it is not called again for each attempt.
        for (n, why) in [Why::Silent, Why::Unreachable, Why::NoAddress].into_iter().cycle().take(30).enumerate() {
            let told = kinds(&lines.said(at(62 + 6 * n as u64), "carrier", &down(why)).words);
            assert_eq!(told, ["down"]);
        }
        for (why, alarms) in [(Why::WrongPassword, 1), (Why::Refused(503), 0), (Why::WrongPassword, 0)] {
            let told = kinds(&lines.said(at(300), "carrier", &down(why)).words);
            assert_eq!(told.iter().filter(|word| word.starts_with("alarm")).count(), alarms, "{told:?}");
        }
        lines.said(at(400), "carrier", &up());
        lines.said(at(500), "carrier", &down(Why::Silent));
        assert_eq!(lines.due(at(560).mono).len(), 1, "another failure is another alarm");
    }

    #[test]
    fn what_only_people_can_mend_is_an_alarm_at_once() {
        let mut lines = Lines::default();
        let told = kinds(&lines.said(at(0), "carrier", &down(Why::WrongPassword)).words);
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[2].starts_with("alarm carrier it refuses our user or password"), "{told:?}");
    }
}
