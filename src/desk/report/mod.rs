//! The line's work summed up, to see what recurs (R42). Pure: facts go in one after the other, figures come out.
//!
//! - `answer_times`: how answer times spread, and over the hours of the week (R2).
//! - `bucket`: hours, days, weeks and months of the desk's zone.
//! - `calls`: how calls are answered, lost, and led to people (R2, R17).
//! - `tickets`: what is opened and closed, and which promises are kept (R19, R23).
//! - `satisfaction`: what customers say afterwards (R37).
//! - `messages`: how messages are passed on (R5).
//! - `ways`: which ways callers take through the flow.
//! - `table`, `tables`: those on calls, tickets, satisfaction and messages as tables with headings in both languages.
//!
//! What each figure means is in `docs/reports.md`. Field names are a promise. Shares are from 0 to 1 with four decimals.

pub mod answer_times;
pub mod bucket;
pub mod calls;
pub mod messages;
pub mod satisfaction;
pub mod table;
pub mod tables;
pub mod tickets;
pub mod ways;

use std::collections::BTreeMap;

use serde::Serialize;

pub use bucket::{Buckets, Span, Step};

/// A part of a whole, rounded to four decimals; `None` of nothing.
pub fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0)
}

/// Mean in whole units; `None` of nothing.
pub fn mean(sum: u64, count: u64) -> Option<u64> {
    sum.checked_div(count)
}

/// The value at a percentile by nearest rank; `None` of nothing. The values are in order.
pub fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// Figures of something with a name: a branch of the menu, a trunk, an owner.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Named<T> {
    pub name: String,
    #[serde(flatten)]
    pub figures: T,
}

/// Figures of an hour, day, week or month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timed<T> {
    /// `2026-11-23T21:00+08:00`, `2026-11-23`, `2026-W48`, `2026-11`.
    pub start: String,
    #[serde(flatten)]
    pub figures: T,
}

/// Most names that a report lists one by one; the rest is summed up under [`OTHERS`].
const NAMES_MAX: usize = 500;
const OTHERS: &str = "(others)";

/// Sums by name. A name costs memory once, however often it comes.
#[derive(Debug)]
struct ByName<T> {
    sums: BTreeMap<String, T>,
}

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self { sums: BTreeMap::new() }
    }
}

impl<T: Default> ByName<T> {
    fn of(&mut self, name: &str) -> &mut T {
        let name = if self.sums.len() < NAMES_MAX || self.sums.contains_key(name) { name } else { OTHERS };
        if !self.sums.contains_key(name) {
            self.sums.insert(name.to_owned(), T::default());
        }
        self.sums.get_mut(name).expect("it was put in above")
    }

    fn named<U>(self, figures: impl Fn(T) -> U) -> Vec<Named<U>> {
        self.sums.into_iter().map(|(name, sum)| Named { name, figures: figures(sum) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_means_and_percentiles_of_nothing_are_none() {
        assert_eq!((share(0, 0), mean(0, 0), percentile(&[], 90)), (None, None, None));
        assert_eq!(share(2, 3), Some(0.6667));
        assert_eq!(mean(7, 2), Some(3));
        let ten: Vec<u64> = (1..=10).collect();
        assert_eq!((percentile(&ten, 50), percentile(&ten, 90), percentile(&ten, 100)), (Some(5), Some(9), Some(10)));
        assert_eq!(percentile(&[4], 90), Some(4));
    }

    #[test]
    fn names_without_end_are_summed_up() {
        let mut by_name = ByName::<u64>::default();
        for n in 0..2 * NAMES_MAX {
            *by_name.of(&n.to_string()) += 1;
        }
        *by_name.of("7") += 1;
        let named = by_name.named(|n| n);
        assert_eq!(named.len(), NAMES_MAX + 1);
        assert_eq!(named.iter().map(|n| n.figures).sum::<u64>(), 2 * NAMES_MAX as u64 + 1);
        assert_eq!(named.iter().find(|n| n.name == OTHERS).map(|n| n.figures), Some(NAMES_MAX as u64));
    }
}
