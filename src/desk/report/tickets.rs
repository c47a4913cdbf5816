//! What is asked of the desk, and which of its promises are kept (R19, R23, R31, R36, R42).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::{Buckets, ByName, Named, Step, Timed, mean, percentile, share};
use crate::desk::clocks::breached;
use crate::desk::ticket::Kind;

/// What the report needs to know of a ticket that was opened in the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TicketFact<'a> {
    pub about: About<'a>,
    pub opened_at: DateTime<Utc>,
    pub reopened: u32,
    /// A repair under the warranty of another (R31).
    pub rework: bool,
}

/// What a ticket is counted under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About<'a> {
    pub kind: Kind,
    pub category: Option<&'a str>,
    pub owner: &'a str,
}

/// One clock of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockFact<'a> {
    pub name: &'a str,
    pub started_at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
    pub met_at: Option<DateTime<Utc>>,
    pub paused: bool,
    /// It was over once, also where the customer was promised another time since (R36).
    pub breached: bool,
}

/// How inquiries by phone were answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct FirstCall {
    /// Inquiries by phone of the period that are closed and whose caller's number is known.
    pub closed: u64,
    /// Of those, after which the caller did not call about the same again within seven days.
    pub resolved: u64,
    pub share: Option<f64>,
}

impl FirstCall {
    pub fn new(closed: u64, resolved: u64) -> Self {
        Self { closed, resolved, share: share(resolved, closed) }
    }
}

/// The report. Tickets count where they were opened, but `closed`, which counts where they were closed.
#[derive(Debug, PartialEq, Serialize)]
pub struct TicketsReport {
    pub step: Step,
    pub totals: TicketFigures,
    pub rows: Vec<Timed<TicketFigures>>,
    pub categories: Vec<Category>,
    pub clocks: Vec<OfClock>,
    pub owners: Vec<Named<TicketFigures>>,
    pub first_call: FirstCall,
}

/// The figures of one category of a kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Category {
    pub kind: Kind,
    /// A key of the category list; null where none was said.
    pub category: Option<String>,
    #[serde(flatten)]
    pub figures: TicketFigures,
}

/// The figures of one clock of a kind: the reply to a complaint has another length than the one to an inquiry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfClock {
    pub kind: Kind,
    /// As in a ticket's `due`: `on_site`, `repaired`, `reply`.
    pub clock: String,
    #[serde(flatten)]
    pub figures: ClockFigures,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TicketFigures {
    pub opened: u64,
    pub closed: u64,
    /// Opened before the period's end and not closed by then; null for the rows of a part of it.
    pub open_at_end: Option<u64>,
    /// Times that they were begun again.
    pub reopened: u64,
    /// Repairs under the warranty of another (R31), and their part of all repairs.
    pub rework: u64,
    pub rework_share: Option<f64>,
    pub clocks: ClockCounts,
}

/// Clocks of the tickets that were opened: each is kept, breached or still runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct ClockCounts {
    pub kept: u64,
    /// Met too late, or overdue now.
    pub breached: u64,
    pub running: u64,
    /// Of those that run: they stand still.
    pub paused: u64,
    /// kept / (kept + breached).
    pub kept_share: Option<f64>,
}

/// The figures of one clock. Times are from its start until it was met, pauses included.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClockFigures {
    #[serde(flatten)]
    pub counts: ClockCounts,
    pub mean_ms: Option<u64>,
    pub p90_ms: Option<u64>,
    pub longest_ms: Option<u64>,
}

/// Collects tickets for the report, as of `now`.
#[derive(Debug)]
pub struct TicketsTally {
    step: Step,
    now: DateTime<Utc>,
    totals: Sum,
    rows: Buckets<Sum>,
    categories: BTreeMap<Kind, ByName<Sum>>,
    clocks: BTreeMap<Kind, ByName<ClockSum>>,
    owners: ByName<Sum>,
    first_call: FirstCall,
}

impl TicketsTally {
    pub fn new(step: Step, zone: Tz, now: DateTime<Utc>) -> Self {
        Self {
            step,
            now,
            totals: Sum::default(),
            rows: Buckets::new(step, zone),
            categories: BTreeMap::new(),
            clocks: BTreeMap::new(),
            owners: ByName::default(),
            first_call: FirstCall::default(),
        }
    }

    /// A ticket that was opened in the period, with its clocks.
    pub fn opened(&mut self, ticket: &TicketFact<'_>, clocks: &[ClockFact<'_>]) {
        let mut one = Sum {
            opened: 1,
            repairs: u64::from(ticket.about.kind == Kind::Repair),
            rework: u64::from(ticket.rework),
            reopened: u64::from(ticket.reopened),
            ..Sum::default()
        };
        for clock in clocks {
            let state = State::of(clock, self.now);
            one.clocks.add(state);
            self.clocks.entry(ticket.about.kind).or_default().of(clock.name).add(clock, state);
        }
        self.rows.at(ticket.opened_at).merge(&one);
        self.add(ticket.about, &one);
    }

    /// A ticket that was closed in the period.
    pub fn closed(&mut self, about: About<'_>, closed_at: DateTime<Utc>) {
        let one = Sum { closed: 1, ..Sum::default() };
        self.rows.at(closed_at).merge(&one);
        self.add(about, &one);
    }

    /// So many that were open at the period's end.
    pub fn open_at_end(&mut self, about: About<'_>, count: u64) {
        self.add(about, &Sum { open_at_end: count, ..Sum::default() });
    }

    pub fn first_call(&mut self, figures: FirstCall) {
        self.first_call = figures;
    }

    fn add(&mut self, about: About<'_>, one: &Sum) {
        self.totals.merge(one);
        self.categories.entry(about.kind).or_default().of(about.category.unwrap_or_default()).merge(one);
        self.owners.of(about.owner).merge(one);
    }

    pub fn report(self) -> TicketsReport {
        let of_kind = |(kind, categories): (Kind, ByName<Sum>)| {
            categories.named(Sum::whole).into_iter().map(move |Named { name, figures }| Category {
                kind,
                category: Some(name).filter(|name| !name.is_empty()),
                figures,
            })
        };
        let of_clock = |(kind, clocks): (Kind, ByName<ClockSum>)| {
            let named = clocks.named(ClockSum::figures).into_iter();
            named.map(move |Named { name, figures }| OfClock { kind, clock: name, figures })
        };
        TicketsReport {
            step: self.step,
            totals: self.totals.whole(),
            rows: self.rows.rows(|sum, more| sum.merge(&more), Sum::part),
            categories: self.categories.into_iter().flat_map(of_kind).collect(),
            clocks: self.clocks.into_iter().flat_map(of_clock).collect(),
            owners: self.owners.named(Sum::whole),
            first_call: self.first_call,
        }
    }
}

/// How it is with a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Kept,
    Breached,
    Running,
    Paused,
}

impl State {
    fn of(clock: &ClockFact<'_>, now: DateTime<Utc>) -> Self {
        match clock.met_at {
            // One that stands still is overdue when it goes on, not before.
            None if clock.paused => State::Paused,
            _ if clock.breached || breached(clock.due_at, clock.met_at, now) => State::Breached,
            Some(_) => State::Kept,
            None => State::Running,
        }
    }
}

impl ClockCounts {
    fn add(&mut self, state: State) {
        match state {
            State::Kept => self.kept += 1,
            State::Breached => self.breached += 1,
            State::Running => self.running += 1,
            State::Paused => {
                self.running += 1;
                self.paused += 1;
            }
        }
    }

    fn merge(&mut self, other: &ClockCounts) {
        self.kept += other.kept;
        self.breached += other.breached;
        self.running += other.running;
        self.paused += other.paused;
    }

    fn with_share(self) -> Self {
        Self { kept_share: share(self.kept, self.kept + self.breached), ..self }
    }
}

#[derive(Debug, Default)]
struct ClockSum {
    counts: ClockCounts,
    took_ms: Vec<u64>,
}

impl ClockSum {
    fn add(&mut self, clock: &ClockFact<'_>, state: State) {
        self.counts.add(state);
        let took = clock.met_at.map(|met| (met - clock.started_at).num_milliseconds());
        self.took_ms.extend(took.map(|ms| u64::try_from(ms).unwrap_or(0)));
    }

    fn figures(mut self) -> ClockFigures {
        self.took_ms.sort_unstable();
        ClockFigures {
            counts: self.counts.with_share(),
            mean_ms: mean(self.took_ms.iter().sum(), self.took_ms.len() as u64),
            p90_ms: percentile(&self.took_ms, 90),
            longest_ms: self.took_ms.last().copied(),
        }
    }
}

#[derive(Debug, Default)]
struct Sum {
    opened: u64,
    repairs: u64,
    closed: u64,
    open_at_end: u64,
    reopened: u64,
    rework: u64,
    clocks: ClockCounts,
}

impl Sum {
    fn merge(&mut self, other: &Sum) {
        self.opened += other.opened;
        self.repairs += other.repairs;
        self.closed += other.closed;
        self.open_at_end += other.open_at_end;
        self.reopened += other.reopened;
        self.rework += other.rework;
        self.clocks.merge(&other.clocks);
    }

    fn part(self) -> TicketFigures {
        TicketFigures { open_at_end: None, ..self.whole() }
    }

    fn whole(self) -> TicketFigures {
        TicketFigures {
            opened: self.opened,
            closed: self.closed,
            open_at_end: Some(self.open_at_end),
            reopened: self.reopened,
            rework: self.rework,
            rework_share: share(self.rework, self.repairs),
            clocks: self.clocks.with_share(),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        "2026-11-23T00:00:00Z".parse::<DateTime<Utc>>().expect("a time") + TimeDelta::hours(hours)
    }

    fn about(kind: Kind, category: Option<&'static str>, owner: &'static str) -> About<'static> {
        About { kind, category, owner }
    }

    fn clock(name: &'static str, due: i64, met: Option<i64>, paused: bool) -> ClockFact<'static> {
        ClockFact { name, started_at: at(0), due_at: at(due), met_at: met.map(at), paused, breached: false }
    }

    #[test]
    fn a_day_counted_by_hand() {
        let mut tally = TicketsTally::new(Step::Day, chrono_tz::Asia::Shanghai, at(48));
        let lift = about(Kind::Repair, Some("lift"), "201");
        let fact = |about, hours| TicketFact { about, opened_at: at(hours), reopened: 0, rework: false };
        tally.opened(&fact(lift, 0), &[clock("on_site", 2, Some(1), false), clock("repaired", 24, Some(30), false)]);
        tally.opened(
            &TicketFact { rework: true, reopened: 2, ..fact(lift, 20) },
            &[clock("on_site", 2, None, false), clock("repaired", 72, None, false)],
        );
        tally.opened(&fact(about(Kind::Inquiry, None, "desk"), 1), &[clock("reply", 1, None, true)]);
        tally.closed(lift, at(30));
        tally.open_at_end(lift, 1);
        tally.open_at_end(about(Kind::Inquiry, None, "desk"), 1);
        tally.first_call(FirstCall::new(4, 3));
        let report = tally.report();
        let totals = &report.totals;
        assert_eq!((totals.opened, totals.closed, totals.open_at_end), (3, 1, Some(2)));
        assert_eq!((totals.rework, totals.rework_share, totals.reopened), (1, Some(0.5), 2));
        let counts = ClockCounts { kept: 1, breached: 2, running: 2, paused: 1, kept_share: share(1, 3) };
        assert_eq!(totals.clocks, counts);
        let rows: Vec<_> = report.rows.iter().map(|r| (r.start.as_str(), r.figures.opened, r.figures.closed)).collect();
        assert_eq!(rows, [("2026-11-23", 2, 0), ("2026-11-24", 1, 1)], "20:00 UTC is the next day in Shanghai");
        let names: Vec<_> = report.categories.iter().map(|c| (c.kind, c.category.as_deref())).collect();
        assert_eq!(names, [(Kind::Repair, Some("lift")), (Kind::Inquiry, None)]);
        let repaired = report.clocks.iter().find(|c| c.clock == "repaired").expect("it is there");
        assert_eq!((repaired.figures.mean_ms, repaired.figures.counts.breached), (Some(30 * 3_600_000), 1));
        assert_eq!(report.owners.iter().map(|o| o.name.as_str()).collect::<Vec<_>>(), ["201", "desk"]);
        assert_eq!(report.first_call.share, Some(0.75));
    }
}
