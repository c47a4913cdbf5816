//! How calls are answered, lost, and led to people (R2, R17, R42).

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::table::Tongue;
use super::{Buckets, ByName, Named, Step, Timed, mean, share};
use crate::desk::answer_time::Cadence;
use crate::desk::call_record::{Direction, Outcome};

/// What the report needs to know of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallFact<'a> {
    pub direction: Direction,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    /// From the INVITE to the answer, in ms; none when it was never answered.
    pub answer_ms: Option<u64>,
    pub outcome: Option<Outcome>,
    /// From the INVITE until somebody was first rung for the caller.
    pub sought_ms: Option<u64>,
    /// From the INVITE until a person first talked with the caller.
    pub person_ms: Option<u64>,
    /// Where the caller's last key at the first menu led.
    pub branch: Option<&'a str>,
    pub trunk: Option<&'a str>,
}

impl CallFact<'_> {
    /// Whether a person lifted the handset while it still rang for the caller, who was answered after so many ms.
    pub fn is_answered_by_person(&self, answer_ms: u64) -> bool {
        self.sought_ms.is_some_and(|sought| sought <= answer_ms)
            && self.person_ms.is_some_and(|person| person.abs_diff(answer_ms) <= TOGETHER_MS)
    }

    /// How long it lasted from the INVITE on; none while it lives.
    pub fn after_ms(&self) -> Option<u64> {
        self.ended_at.map(|end| ms_between(self.started_at, end))
    }
}

/// What the report is made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CallRules {
    pub step: Step,
    pub cadence: Cadence,
    /// The T of both service levels, in ms.
    pub within_ms: u64,
    /// Callers who hang up sooner than this, in ms, have not been lost: a wrong number.
    pub short_ms: u64,
}

impl Default for CallRules {
    fn default() -> Self {
        Self { step: Step::Day, cadence: Cadence::default(), within_ms: 20_000, short_ms: 5_000 }
    }
}

impl CallRules {
    /// What the reader of the report must know of them.
    pub fn note(&self, tongue: Tongue) -> String {
        let (within, short) = (self.within_ms / 1000, self.short_ms / 1000);
        match tongue {
            Tongue::Zh => format!("服务水平以 {within} 秒计；不足 {short} 秒挂断的不计为流失。"),
            Tongue::En => {
                format!("Service levels are within {within} s; hanging up in less than {short} s is no loss.")
            }
        }
    }
}

/// The report. `totals`, `rows`, `branches` and `trunks` are of incoming calls.
#[derive(Debug, PartialEq, Serialize)]
pub struct CallsReport {
    pub rules: CallRules,
    pub totals: CallFigures,
    pub rows: Vec<Timed<CallFigures>>,
    pub branches: Vec<Named<CallFigures>>,
    pub trunks: Vec<Named<CallFigures>>,
    pub outgoing: Outgoing,
}

/// Every incoming call is counted in `offered`, and in exactly one of `live`, `rejected`, `failed`, `abandoned`,
/// `abandoned_after_answer` and `served`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CallFigures {
    pub offered: u64,
    pub answered: u64,
    pub answered_by_machine: u64,
    /// A person lifted the handset while it still rang for the caller.
    pub answered_by_person: u64,
    /// Of those, before the third ring began (R2).
    pub machine_before_third_ring: u64,
    pub person_before_third_ring: u64,
    /// Of the answered ones.
    pub before_third_ring_share: Option<f64>,
    /// Mean and longest time to the answer.
    pub mean_answer_ms: Option<u64>,
    pub longest_answer_ms: Option<u64>,
    /// The caller hung up before the answer.
    pub abandoned: u64,
    /// Of those, sooner than the short limit.
    pub abandoned_short: u64,
    /// (abandoned - short) / (offered - short).
    pub abandoned_share: Option<f64>,
    /// Answered within T / offered.
    pub service_level_of_offered: Option<f64>,
    /// Answered within T / (answered + abandoned after T).
    pub service_level_of_handled: Option<f64>,
    /// The caller hung up after the answer and left nothing.
    pub abandoned_after_answer: u64,
    /// Ended with what the caller wanted: completed, transferred, a message or a ticket.
    pub served: u64,
    pub rejected: u64,
    pub failed: u64,
    /// Not ended yet.
    pub live: u64,
    pub people: PeopleFigures,
}

/// Callers for whom a person was rung. They wait from the first ring of a telephone until somebody talks with them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PeopleFigures {
    pub sought: u64,
    pub reached: u64,
    pub reached_share: Option<f64>,
    /// The caller hung up meanwhile.
    pub gave_up: u64,
    /// ASA: mean wait of those who were reached.
    pub mean_wait_ms: Option<u64>,
    /// Also of those who gave up.
    pub longest_wait_ms: Option<u64>,
    /// Reached within T / sought.
    pub service_level_of_sought: Option<f64>,
    /// Reached within T / (reached + gave up after T).
    pub service_level_of_handled: Option<f64>,
}

/// Calls that the desk itself made (R5, R26, R37).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outgoing {
    pub made: u64,
    pub answered: u64,
    pub live: u64,
}

/// Collects calls for the report; its size does not grow with their number.
#[derive(Debug)]
pub struct CallsTally {
    rules: CallRules,
    totals: Sum,
    rows: Buckets<Sum>,
    branches: ByName<Sum>,
    trunks: ByName<Sum>,
    outgoing: Outgoing,
}

impl CallsTally {
    pub fn new(rules: CallRules, zone: Tz) -> Self {
        Self {
            rules,
            totals: Sum::default(),
            rows: Buckets::new(rules.step, zone),
            branches: ByName::default(),
            trunks: ByName::default(),
            outgoing: Outgoing::default(),
        }
    }

    pub fn add(&mut self, call: &CallFact<'_>) {
        if call.direction == Direction::Out {
            self.outgoing.made += 1;
            self.outgoing.answered += u64::from(call.answer_ms.is_some());
            self.outgoing.live += u64::from(call.ended_at.is_none());
            return;
        }
        let mut one = Sum::default();
        one.add(call, self.rules);
        self.totals.merge(&one);
        self.rows.at(call.started_at).merge(&one);
        self.branches.of(call.branch.unwrap_or("(none)")).merge(&one);
        self.trunks.of(call.trunk.unwrap_or("(none)")).merge(&one);
    }

    pub fn report(self) -> CallsReport {
        CallsReport {
            rules: self.rules,
            totals: self.totals.figures(),
            rows: self.rows.rows(|sum, more| sum.merge(&more), Sum::figures),
            branches: self.branches.named(Sum::figures),
            trunks: self.trunks.named(Sum::figures),
            outgoing: self.outgoing,
        }
    }
}

/// A person's answer comes with the line's own: the desk answers the caller as soon as somebody lifts the handset.
const TOGETHER_MS: u64 = 1_000;

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    offered: u64,
    by_machine: u64,
    by_person: u64,
    machine_third: u64,
    person_third: u64,
    answer_ms: u64,
    longest_answer_ms: u64,
    within: u64,
    abandoned: u64,
    abandoned_short: u64,
    abandoned_late: u64,
    abandoned_after: u64,
    served: u64,
    rejected: u64,
    failed: u64,
    live: u64,
    people: PeopleSum,
}

#[derive(Debug, Clone, Copy, Default)]
struct PeopleSum {
    sought: u64,
    reached: u64,
    within: u64,
    gave_up: u64,
    gave_up_late: u64,
    wait_ms: u64,
    longest_wait_ms: u64,
}

impl Sum {
    fn add(&mut self, call: &CallFact<'_>, rules: CallRules) {
        self.offered += 1;
        if let Some(ms) = call.answer_ms {
            self.answered(call, ms, rules);
        }
        let after_ms = call.after_ms();
        match (after_ms, call.outcome) {
            (None, _) => self.live += 1,
            (_, Some(Outcome::Rejected)) => self.rejected += 1,
            (_, Some(Outcome::Failed) | None) => self.failed += 1,
            (Some(ms), Some(Outcome::Abandoned)) if call.answer_ms.is_none() => {
                self.abandoned += 1;
                self.abandoned_short += u64::from(ms < rules.short_ms);
                self.abandoned_late += u64::from(ms > rules.within_ms);
            }
            (_, Some(Outcome::Abandoned)) => self.abandoned_after += 1,
            (_, Some(Outcome::Completed | Outcome::Transferred | Outcome::Voicemail | Outcome::Ticket)) => {
                self.served += 1;
            }
        }
        if let Some(sought_ms) = call.sought_ms {
            self.people.add(call, sought_ms, after_ms, rules);
        }
    }

    fn answered(&mut self, call: &CallFact<'_>, ms: u64, rules: CallRules) {
        let in_time = u64::from(ms < rules.cadence.third_ring_ms());
        if call.is_answered_by_person(ms) {
            self.by_person += 1;
            self.person_third += in_time;
        } else {
            self.by_machine += 1;
            self.machine_third += in_time;
        }
        self.answer_ms += ms;
        self.longest_answer_ms = self.longest_answer_ms.max(ms);
        self.within += u64::from(ms <= rules.within_ms);
    }

    fn merge(&mut self, other: &Sum) {
        self.offered += other.offered;
        self.by_machine += other.by_machine;
        self.by_person += other.by_person;
        self.machine_third += other.machine_third;
        self.person_third += other.person_third;
        self.answer_ms += other.answer_ms;
        self.longest_answer_ms = self.longest_answer_ms.max(other.longest_answer_ms);
        self.within += other.within;
        self.abandoned += other.abandoned;
        self.abandoned_short += other.abandoned_short;
        self.abandoned_late += other.abandoned_late;
        self.abandoned_after += other.abandoned_after;
        self.served += other.served;
        self.rejected += other.rejected;
        self.failed += other.failed;
        self.live += other.live;
        self.people.merge(&other.people);
    }

    fn figures(self) -> CallFigures {
        let answered = self.by_machine + self.by_person;
        CallFigures {
            offered: self.offered,
            answered,
            answered_by_machine: self.by_machine,
            answered_by_person: self.by_person,
            machine_before_third_ring: self.machine_third,
            person_before_third_ring: self.person_third,
            before_third_ring_share: share(self.machine_third + self.person_third, answered),
            mean_answer_ms: mean(self.answer_ms, answered),
            longest_answer_ms: (answered > 0).then_some(self.longest_answer_ms),
            abandoned: self.abandoned,
            abandoned_short: self.abandoned_short,
            abandoned_share: share(self.abandoned - self.abandoned_short, self.offered - self.abandoned_short),
            service_level_of_offered: share(self.within, self.offered),
            service_level_of_handled: share(self.within, answered + self.abandoned_late),
            abandoned_after_answer: self.abandoned_after,
            served: self.served,
            rejected: self.rejected,
            failed: self.failed,
            live: self.live,
            people: self.people.figures(),
        }
    }
}

impl PeopleSum {
    fn add(&mut self, call: &CallFact<'_>, sought_ms: u64, after_ms: Option<u64>, rules: CallRules) {
        self.sought += 1;
        if let Some(person_ms) = call.person_ms {
            let wait = person_ms.saturating_sub(sought_ms);
            self.reached += 1;
            self.within += u64::from(wait <= rules.within_ms);
            self.wait_ms += wait;
            self.longest_wait_ms = self.longest_wait_ms.max(wait);
        } else if call.outcome == Some(Outcome::Abandoned) {
            let wait = after_ms.unwrap_or(0).saturating_sub(sought_ms);
            self.gave_up += 1;
            self.gave_up_late += u64::from(wait > rules.within_ms);
            self.longest_wait_ms = self.longest_wait_ms.max(wait);
        }
    }

    fn merge(&mut self, other: &PeopleSum) {
        self.sought += other.sought;
        self.reached += other.reached;
        self.within += other.within;
        self.gave_up += other.gave_up;
        self.gave_up_late += other.gave_up_late;
        self.wait_ms += other.wait_ms;
        self.longest_wait_ms = self.longest_wait_ms.max(other.longest_wait_ms);
    }

    fn figures(self) -> PeopleFigures {
        PeopleFigures {
            sought: self.sought,
            reached: self.reached,
            reached_share: share(self.reached, self.sought),
            gave_up: self.gave_up,
            mean_wait_ms: mean(self.wait_ms, self.reached),
            longest_wait_ms: (self.reached + self.gave_up > 0).then_some(self.longest_wait_ms),
            service_level_of_sought: share(self.within, self.sought),
            service_level_of_handled: share(self.within, self.reached + self.gave_up_late),
        }
    }
}

fn ms_between(from: DateTime<Utc>, to: DateTime<Utc>) -> u64 {
    u64::try_from((to - from).max(TimeDelta::zero()).num_milliseconds()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NINE: i64 = 1_795_309_200_000; // 2026-11-22 01:00 UTC

    fn call(at_s: i64, answer_ms: Option<u64>, lasts_s: i64, outcome: Outcome) -> CallFact<'static> {
        let started_at = DateTime::from_timestamp_millis(NINE + at_s * 1000).expect("a time");
        CallFact {
            direction: Direction::In,
            started_at,
            ended_at: Some(started_at + TimeDelta::seconds(lasts_s)),
            answer_ms,
            outcome: Some(outcome),
            sought_ms: None,
            person_ms: None,
            branch: None,
            trunk: None,
        }
    }

    fn report(calls: &[CallFact<'_>]) -> CallsReport {
        let mut tally = CallsTally::new(CallRules::default(), chrono_tz::Asia::Shanghai);
        calls.iter().for_each(|call| tally.add(call));
        tally.report()
    }

    #[test]
    fn r2_answers_before_the_third_ring_are_counted_by_machine_and_by_person_apart() {
        let rung =
            CallFact { sought_ms: Some(0), person_ms: Some(3_000), ..call(0, Some(3_000), 60, Outcome::Completed) };
        let late =
            CallFact { sought_ms: Some(0), person_ms: Some(10_020), ..call(1, Some(10_000), 60, Outcome::Completed) };
        // The machine answered, and led the caller to a person afterwards.
        let led =
            CallFact { sought_ms: Some(9_000), person_ms: Some(15_000), ..call(2, Some(0), 60, Outcome::Transferred) };
        let totals = report(&[rung, late, led, call(3, Some(9_999), 60, Outcome::Ticket)]).totals;
        assert_eq!((totals.answered, totals.answered_by_person, totals.answered_by_machine), (4, 2, 2));
        assert_eq!((totals.person_before_third_ring, totals.machine_before_third_ring), (1, 2));
        assert_eq!(totals.before_third_ring_share, Some(0.75));
        assert_eq!((totals.mean_answer_ms, totals.longest_answer_ms), (Some(5_749), Some(10_000)));
        let people = totals.people;
        assert_eq!((people.sought, people.reached, people.mean_wait_ms), (3, 3, Some((3_000 + 10_020 + 6_000) / 3)));
    }

    #[test]
    fn both_service_levels_by_hand() {
        let calls = [
            call(0, Some(0), 30, Outcome::Completed),
            call(1, Some(20_000), 30, Outcome::Completed),
            call(2, Some(20_001), 30, Outcome::Completed),
            call(3, None, 4, Outcome::Abandoned),
            call(4, None, 19, Outcome::Abandoned),
            call(5, None, 21, Outcome::Abandoned),
            call(6, None, 0, Outcome::Rejected),
            call(7, Some(0), 9, Outcome::Abandoned),
        ];
        let totals = report(&calls).totals;
        assert_eq!(totals.service_level_of_offered, share(3, 8));
        assert_eq!(totals.service_level_of_handled, share(3, 4 + 1), "one gave up after T");
        assert_eq!((totals.abandoned, totals.abandoned_short, totals.abandoned_after_answer), (3, 1, 1));
        assert_eq!(totals.abandoned_share, share(2, 7), "one was no loss");
    }

    #[test]
    fn who_waits_for_a_person_is_counted_from_the_first_ring_to_the_talk() {
        let sought = |call: CallFact<'static>, person_ms| CallFact { sought_ms: Some(10_000), person_ms, ..call };
        let calls = [
            sought(call(0, Some(0), 90, Outcome::Transferred), Some(30_000)),
            sought(call(1, Some(0), 90, Outcome::Transferred), Some(40_000)),
            sought(call(2, Some(0), 45, Outcome::Abandoned), None),
            sought(call(3, Some(0), 15, Outcome::Abandoned), None),
            sought(call(4, Some(0), 70, Outcome::Voicemail), None),
        ];
        let people = report(&calls).totals.people;
        assert_eq!((people.sought, people.reached, people.gave_up), (5, 2, 2));
        assert_eq!((people.mean_wait_ms, people.longest_wait_ms), (Some(25_000), Some(35_000)));
        assert_eq!((people.service_level_of_sought, people.service_level_of_handled), (share(1, 5), share(1, 3)));
    }

    #[test]
    fn rows_branches_trunks_and_outgoing_calls_stand_apart() {
        let day = 24 * 3600;
        let calls = [
            CallFact { branch: Some("repair"), trunk: Some("carrier"), ..call(0, Some(0), 30, Outcome::Ticket) },
            CallFact { branch: Some("repair"), ..call(day, Some(0), 30, Outcome::Ticket) },
            CallFact { direction: Direction::Out, ..call(day, Some(4_000), 30, Outcome::Completed) },
            CallFact { direction: Direction::Out, ended_at: None, ..call(day, None, 30, Outcome::Completed) },
            CallFact { ended_at: None, outcome: None, ..call(day, None, 30, Outcome::Completed) },
        ];
        let report = report(&calls);
        let names = |rows: &[Named<CallFigures>]| -> Vec<(String, u64)> {
            rows.iter().map(|row| (row.name.clone(), row.figures.offered)).collect()
        };
        assert_eq!(report.totals.offered, 3);
        assert_eq!(report.totals.live, 1);
        let days: Vec<_> = report.rows.iter().map(|row| (row.start.as_str(), row.figures.offered)).collect();
        assert_eq!(days, [("2026-11-22", 1), ("2026-11-23", 2)]);
        assert_eq!(names(&report.branches), [("(none)".to_owned(), 1), ("repair".to_owned(), 2)]);
        assert_eq!(names(&report.trunks), [("(none)".to_owned(), 2), ("carrier".to_owned(), 1)]);
        assert_eq!(report.outgoing, Outgoing { made: 2, answered: 1, live: 1 });
    }

    /// Whatever calls there are: each is in exactly one of the ends, and the rows add up to the whole.
    #[test]
    fn parts_add_up_to_the_whole() {
        let mut random = crate::types::Random::for_testing(42);
        let calls: Vec<CallFact<'_>> = (0..5_000)
            .map(|n| {
                let outcome = Outcome::ALL[random.u32() as usize % Outcome::ALL.len()];
                let answer_ms = (!random.u32().is_multiple_of(3)).then_some(u64::from(random.u32() % 30_000));
                CallFact {
                    ended_at: if random.u32().is_multiple_of(9) { None } else { call(n, None, 50, outcome).ended_at },
                    sought_ms: (!random.u32().is_multiple_of(2)).then_some(u64::from(random.u32() % 9_000)),
                    person_ms: (!random.u32().is_multiple_of(2)).then_some(u64::from(random.u32() % 40_000)),
                    branch: ["a", "b"].get(random.u32() as usize % 3).copied(),
                    ..call(n * 977, answer_ms, 50, outcome)
                }
            })
            .collect();
        let report = report(&calls);
        let t = &report.totals;
        assert_eq!(t.offered, t.live + t.rejected + t.failed + t.abandoned + t.abandoned_after_answer + t.served);
        assert_eq!(t.answered, t.answered_by_machine + t.answered_by_person);
        assert_eq!(report.rows.iter().map(|row| row.figures.offered).sum::<u64>(), t.offered);
        assert_eq!(report.branches.iter().map(|row| row.figures.people.reached).sum::<u64>(), t.people.reached);
        assert!(t.people.reached + t.people.gave_up <= t.people.sought);
    }
}
