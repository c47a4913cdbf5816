//! What customers say once their ticket is done (R37, R42).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::{Buckets, Step, Timed, share};
use crate::desk::errand::ErrandResult;
use crate::desk::ticket::Kind;
use crate::desk::workflow::Satisfaction;

/// One follow-up call that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowUpFact {
    pub ended_at: DateTime<Utc>,
    pub result: Option<ErrandResult>,
    pub comment: bool,
}

/// The word of a customer on one ticket, by phone or to a person, counted where the ticket was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WordFact {
    pub kind: Kind,
    pub closed_at: DateTime<Utc>,
    /// None: nobody asked, or nobody was reached.
    pub word: Option<Satisfaction>,
}

/// The report.
#[derive(Debug, PartialEq, Serialize)]
pub struct SatisfactionReport {
    pub step: Step,
    pub totals: SatisfactionFigures,
    pub rows: Vec<Timed<SatisfactionFigures>>,
    pub kinds: Vec<OfKind>,
}

/// The words on closed tickets of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfKind {
    pub kind: Kind,
    #[serde(flatten)]
    pub words: Words,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SatisfactionFigures {
    pub calls: FollowUps,
    /// Of tickets closed in the period.
    pub tickets: Words,
}

/// Follow-up calls. Each is counted in `calls` and in exactly one of `satisfied`, `not_satisfied`, `wants_to_speak`,
/// `not_reached` and `failed`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct FollowUps {
    pub calls: u64,
    /// Those who pressed a key.
    pub reached: u64,
    pub satisfied: u64,
    pub not_satisfied: u64,
    pub wants_to_speak: u64,
    pub not_reached: u64,
    /// It could not be tried.
    pub failed: u64,
    /// Comments that were recorded.
    pub comments: u64,
    /// reached / calls.
    pub reached_share: Option<f64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Words {
    pub closed: u64,
    pub satisfied: u64,
    pub not_satisfied: u64,
    pub unknown: u64,
    /// satisfied / (satisfied + not_satisfied).
    pub satisfied_share: Option<f64>,
}

/// Collects follow-up calls and the words of customers.
#[derive(Debug)]
pub struct SatisfactionTally {
    step: Step,
    totals: Sum,
    rows: Buckets<Sum>,
    kinds: BTreeMap<Kind, Words>,
}

impl SatisfactionTally {
    pub fn new(step: Step, zone: Tz) -> Self {
        Self { step, totals: Sum::default(), rows: Buckets::new(step, zone), kinds: BTreeMap::new() }
    }

    pub fn call(&mut self, call: &FollowUpFact) {
        self.totals.calls.add(call);
        self.rows.at(call.ended_at).calls.add(call);
    }

    pub fn word(&mut self, word: &WordFact) {
        self.totals.tickets.add(word.word);
        self.rows.at(word.closed_at).tickets.add(word.word);
        self.kinds.entry(word.kind).or_default().add(word.word);
    }

    pub fn report(self) -> SatisfactionReport {
        let of_kind = |(kind, words): (Kind, Words)| OfKind { kind, words: words.with_share() };
        SatisfactionReport {
            step: self.step,
            totals: self.totals.figures(),
            rows: self.rows.rows(Sum::merge, Sum::figures),
            kinds: self.kinds.into_iter().map(of_kind).collect(),
        }
    }
}

#[derive(Debug, Default)]
struct Sum {
    calls: FollowUps,
    tickets: Words,
}

impl Sum {
    fn merge(&mut self, other: Sum) {
        self.calls.merge(&other.calls);
        self.tickets.merge(&other.tickets);
    }

    fn figures(self) -> SatisfactionFigures {
        let reached_share = share(self.calls.reached, self.calls.calls);
        SatisfactionFigures { calls: FollowUps { reached_share, ..self.calls }, tickets: self.tickets.with_share() }
    }
}

impl FollowUps {
    fn add(&mut self, call: &FollowUpFact) {
        self.calls += 1;
        self.comments += u64::from(call.comment);
        match call.result {
            Some(ErrandResult::Satisfied) => self.satisfied += 1,
            Some(ErrandResult::NotSatisfied) => self.not_satisfied += 1,
            Some(ErrandResult::WantsToSpeak) => self.wants_to_speak += 1,
            Some(ErrandResult::NotReached) => self.not_reached += 1,
            _ => self.failed += 1,
        }
        self.reached = self.satisfied + self.not_satisfied + self.wants_to_speak;
    }

    fn merge(&mut self, other: &FollowUps) {
        self.calls += other.calls;
        self.reached += other.reached;
        self.satisfied += other.satisfied;
        self.not_satisfied += other.not_satisfied;
        self.wants_to_speak += other.wants_to_speak;
        self.not_reached += other.not_reached;
        self.failed += other.failed;
        self.comments += other.comments;
    }
}

impl Words {
    fn add(&mut self, word: Option<Satisfaction>) {
        self.closed += 1;
        match word {
            Some(Satisfaction::Satisfied) => self.satisfied += 1,
            Some(Satisfaction::NotSatisfied) => self.not_satisfied += 1,
            None => self.unknown += 1,
        }
    }

    fn merge(&mut self, other: &Words) {
        self.closed += other.closed;
        self.satisfied += other.satisfied;
        self.not_satisfied += other.not_satisfied;
        self.unknown += other.unknown;
    }

    fn with_share(self) -> Self {
        Self { satisfied_share: share(self.satisfied, self.satisfied + self.not_satisfied), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r37_calls_and_words_counted_by_hand() {
        let at: DateTime<Utc> = "2026-11-23T02:00:00Z".parse().expect("a time");
        let mut tally = SatisfactionTally::new(Step::Month, chrono_tz::Asia::Shanghai);
        let results = [
            Some(ErrandResult::Satisfied),
            Some(ErrandResult::Satisfied),
            Some(ErrandResult::NotSatisfied),
            Some(ErrandResult::WantsToSpeak),
            Some(ErrandResult::NotReached),
            Some(ErrandResult::Failed),
            None,
        ];
        for result in results {
            tally.call(&FollowUpFact { ended_at: at, result, comment: result == Some(ErrandResult::NotSatisfied) });
        }
        for word in [Some(Satisfaction::Satisfied), Some(Satisfaction::NotSatisfied), None] {
            tally.word(&WordFact { kind: Kind::Repair, closed_at: at, word });
        }
        let report = tally.report();
        let calls = report.totals.calls;
        assert_eq!((calls.calls, calls.reached, calls.not_reached, calls.failed, calls.comments), (7, 4, 1, 2, 1));
        assert_eq!(calls.reached_share, share(4, 7));
        let words = Words { closed: 3, satisfied: 1, not_satisfied: 1, unknown: 1, satisfied_share: Some(0.5) };
        assert_eq!(report.totals.tickets, words);
        assert_eq!(report.kinds, [OfKind { kind: Kind::Repair, words }]);
        assert_eq!(report.rows.len(), 1);
        assert_eq!(report.rows[0].start, "2026-11");
    }
}
