//! When what the hours say is next another thing, and when the roster has nobody.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::Hours;
use crate::desk::people::Duty;

/// So far ahead is a change looked for: every date of a year has come then.
const DAYS_AHEAD: u64 = 400;

impl Hours {
    /// The first moment after `at` at which `what` is another thing than it is then; `None` when that never is within a
    /// year.
    pub fn next_change<T: PartialEq>(
        &self,
        at: DateTime<Utc>,
        time_zone: Tz,
        what: impl Fn(DateTime<Utc>) -> T,
    ) -> Option<DateTime<Utc>> {
        let now = what(at);
        self.moments(at, time_zone, DAYS_AHEAD).find(|moment| what(*moment) != now)
    }

    /// From when to when the roster has nobody for a group that it knows, within so many days: `None` as an end is beyond
    /// them.
    pub fn gaps(
        &self,
        group: Duty,
        from: DateTime<Utc>,
        time_zone: Tz,
        days: u64,
    ) -> Vec<(DateTime<Utc>, Option<DateTime<Utc>>)> {
        let nobody = |at| self.on_roster(group, at, time_zone).is_some_and(|people| people.is_empty());
        let mut gaps: Vec<(DateTime<Utc>, Option<DateTime<Utc>>)> = Vec::new();
        for moment in std::iter::once(from).chain(self.moments(from, time_zone, days)) {
            let is_open = gaps.last().is_some_and(|(_, end)| end.is_none());
            match (nobody(moment), is_open) {
                (true, false) => gaps.push((moment, None)),
                (false, true) => gaps.last_mut().into_iter().for_each(|(_, end)| *end = Some(moment)),
                (true, true) | (false, false) => {}
            }
        }
        gaps
    }

    /// Every moment after `at` at which anything may change.
    fn moments(&self, at: DateTime<Utc>, time_zone: Tz, days: u64) -> impl Iterator<Item = DateTime<Utc>> {
        let mut edges: BTreeSet<u16> = self.spans().into_iter().flat_map(super::Span::edges).collect();
        // A day of another kind begins, or a shift with dates.
        edges.insert(0);
        let first = at.with_timezone(&time_zone).date_naive();
        let dates = (0..=days).filter_map(move |n| first.checked_add_days(Days::new(n)));
        let local = dates.flat_map(move |date| {
            let midnight = date.and_time(chrono::NaiveTime::MIN);
            edges.clone().into_iter().map(move |edge| midnight + TimeDelta::minutes(edge.into()))
        });
        local.filter_map(move |local| to_utc(local, time_zone)).filter(move |moment| *moment > at)
    }
}

/// The earlier one of two when clocks are set back; the first moment after the gap when they are set forward.
pub fn to_utc(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    let after_gap = || zone.from_local_datetime(&(local + TimeDelta::hours(1))).earliest();
    zone.from_local_datetime(&local).earliest().or_else(after_gap).map(|at| at.to_utc())
}
