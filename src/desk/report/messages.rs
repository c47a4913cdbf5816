//! How messages for people are passed on (R5, R42).

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::{Buckets, ByName, Named, Step, Timed, percentile, share};
use crate::desk::message::Relay;

/// What the report needs to know of one message that its caller kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageFact<'a> {
    /// An extension; none for the desk itself.
    pub for_person: Option<&'a str>,
    pub left_at: DateTime<Utc>,
    pub relay: Relay,
    /// When the person said that they have it.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// A colleague or supervisor had to be told.
    pub escalated: bool,
}

/// The report. Messages count where they were left.
#[derive(Debug, PartialEq, Serialize)]
pub struct MessagesReport {
    pub step: Step,
    pub totals: MessageFigures,
    pub rows: Vec<Timed<MessageFigures>>,
    pub people: Vec<Named<MessageFigures>>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MessageFigures {
    pub left: u64,
    pub confirmed: u64,
    /// Heard to the end, and nothing said of it.
    pub heard: u64,
    pub escalated: u64,
    /// Neither confirmed nor heard yet.
    pub waiting: u64,
    /// confirmed / left.
    pub confirmed_share: Option<f64>,
    /// From the message to the person's word.
    pub median_ms: Option<u64>,
    pub p90_ms: Option<u64>,
}

/// Collects messages for the report: eight bytes for each that is confirmed.
#[derive(Debug)]
pub struct MessagesTally {
    step: Step,
    totals: Sum,
    rows: Buckets<Sum>,
    people: ByName<Sum>,
}

impl MessagesTally {
    pub fn new(step: Step, zone: Tz) -> Self {
        Self { step, totals: Sum::default(), rows: Buckets::new(step, zone), people: ByName::default() }
    }

    pub fn add(&mut self, message: &MessageFact<'_>) {
        self.totals.add(message);
        self.rows.at(message.left_at).add(message);
        self.people.of(message.for_person.unwrap_or("(desk)")).add(message);
    }

    pub fn report(self) -> MessagesReport {
        MessagesReport {
            step: self.step,
            totals: self.totals.figures(),
            rows: self.rows.rows(Sum::merge, Sum::figures),
            people: self.people.named(Sum::figures),
        }
    }
}

#[derive(Debug, Default)]
struct Sum {
    left: u64,
    confirmed: u64,
    heard: u64,
    escalated: u64,
    took_ms: Vec<u64>,
}

impl Sum {
    fn add(&mut self, message: &MessageFact<'_>) {
        self.left += 1;
        self.confirmed += u64::from(message.relay == Relay::Confirmed);
        self.heard += u64::from(message.relay == Relay::Heard);
        self.escalated += u64::from(message.escalated || message.relay == Relay::Escalated);
        let took = message.confirmed_at.map(|at| (at - message.left_at).num_milliseconds());
        self.took_ms.extend(took.map(|ms| u64::try_from(ms).unwrap_or(0)));
    }

    fn merge(&mut self, other: Sum) {
        self.left += other.left;
        self.confirmed += other.confirmed;
        self.heard += other.heard;
        self.escalated += other.escalated;
        self.took_ms.extend(other.took_ms);
    }

    fn figures(mut self) -> MessageFigures {
        self.took_ms.sort_unstable();
        MessageFigures {
            left: self.left,
            confirmed: self.confirmed,
            heard: self.heard,
            escalated: self.escalated,
            waiting: self.left - self.confirmed - self.heard,
            confirmed_share: share(self.confirmed, self.left),
            median_ms: percentile(&self.took_ms, 50),
            p90_ms: percentile(&self.took_ms, 90),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn r5_messages_counted_by_hand() {
        let left_at: DateTime<Utc> = "2026-11-23T02:00:00Z".parse().expect("a time");
        let message = |for_person, relay, minutes: Option<i64>, escalated| MessageFact {
            for_person,
            left_at,
            relay,
            confirmed_at: minutes.map(|m| left_at + TimeDelta::minutes(m)),
            escalated,
        };
        let mut tally = MessagesTally::new(Step::Week, chrono_tz::Asia::Shanghai);
        tally.add(&message(Some("201"), Relay::Confirmed, Some(5), false));
        tally.add(&message(Some("201"), Relay::Confirmed, Some(60), true));
        tally.add(&message(Some("201"), Relay::Confirmed, Some(7), false));
        tally.add(&message(Some("202"), Relay::Heard, None, false));
        tally.add(&message(None, Relay::Escalated, None, false));
        let report = tally.report();
        let t = &report.totals;
        assert_eq!((t.left, t.confirmed, t.heard, t.escalated, t.waiting), (5, 3, 1, 2, 1));
        assert_eq!((t.median_ms, t.p90_ms, t.confirmed_share), (Some(7 * 60_000), Some(60 * 60_000), Some(0.6)));
        let people: Vec<_> = report.people.iter().map(|p| (p.name.as_str(), p.figures.left)).collect();
        assert_eq!(people, [("(desk)", 1), ("201", 3), ("202", 1)]);
        assert_eq!(report.rows[0].start, "2026-W48");
    }
}
