//! What a supervisor looks at all day: how the line is answered today, who waits, what is due (R2, R19, R23). Pure: figures in,
//! how good they are out.

use chrono::{DateTime, TimeDelta, Utc};

use super::alarm::Alarm;
use super::report::calls::CallFigures;
use super::ticket::{Kind, Urgency};
use super::trunk_state::TrunkWord;
use crate::types::TicketNumber;

/// Figures of the day so far, and what is open now.
#[derive(Debug, Clone, PartialEq)]
pub struct Today {
    /// Incoming calls that began today, in the desk's time.
    pub calls: CallFigures,
    /// The clocks that run out next, or have; the soonest first, `CLOCKS_MAX` at most.
    pub clocks: Vec<DueNext>,
    /// Clocks that have run out, counted up to `COUNTED_MAX`.
    pub overdue: u32,
    /// The same of those that run.
    pub running: u32,
    /// Messages that nobody has heard, counted up to `COUNTED_MAX`.
    pub unheard: u32,
    /// Since when the oldest of them waits.
    pub unheard_since: Option<DateTime<Utc>>,
    /// Alarms that nobody has acknowledged, the newest first, `ALARMS_MAX` at most.
    pub alarms: Vec<Alarm>,
    pub open_alarms: u32,
    /// How it is with the lines that the desk is called over, by name; without those that were left.
    pub trunks: Vec<TrunkWord>,
}

/// Clocks and alarms that a board lists.
pub const CLOCKS_MAX: u32 = 12;
pub const ALARMS_MAX: u32 = 3;
/// Further than this nothing is counted: a desk with more has another trouble than the figure.
pub const COUNTED_MAX: u32 = 1_000;

/// A promise of time that is not kept yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueNext {
    pub ticket: TicketNumber,
    pub kind: Kind,
    pub urgency: Option<Urgency>,
    pub category: Option<String>,
    pub building: Option<String>,
    pub room: Option<String>,
    pub owner: Option<String>,
    /// Its name in the ticket's `due`.
    pub clock: String,
    pub due: DateTime<Utc>,
}

/// How good a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// There is nothing to judge yet.
    None,
    Good,
    /// Somebody should look.
    Watch,
    Bad,
}

impl Level {
    /// Of a share that should be high.
    pub fn of_share(share: Option<f64>, good: f64, watch: f64) -> Self {
        match share {
            None => Level::None,
            Some(share) if share >= good => Level::Good,
            Some(share) if share >= watch => Level::Watch,
            Some(_) => Level::Bad,
        }
    }

    /// Of a number that should be low.
    pub fn of_count<T: PartialOrd>(count: T, good_max: T, watch_max: T) -> Self {
        match count {
            count if count <= good_max => Level::Good,
            count if count <= watch_max => Level::Watch,
            _ => Level::Bad,
        }
    }
}

/// Answered before the third ring (R2): all but single calls.
pub fn answered_in_time(figures: &CallFigures) -> Level {
    Level::of_share(figures.before_third_ring_share, 0.95, 0.85)
}

/// Hung up before the answer.
pub fn abandoned(figures: &CallFigures) -> Level {
    match figures.abandoned_share {
        None => Level::None,
        Some(share) => Level::of_count(share, 0.03, 0.08),
    }
}

/// How long the one waits who has waited longest: by then a caller thinks of hanging up.
pub fn waiting(longest: Option<TimeDelta>) -> Level {
    longest.map_or(Level::Good, |time| Level::of_count(time, TimeDelta::seconds(20), TimeDelta::seconds(60)))
}

/// A clock that has run out is a broken promise; one that runs out within the half hour wants somebody.
pub fn due(due: DateTime<Utc>, now: DateTime<Utc>) -> Level {
    match due - now {
        left if left < TimeDelta::zero() => Level::Bad,
        left if left < TimeDelta::minutes(30) => Level::Watch,
        _ => Level::Good,
    }
}

/// Messages that wait to be heard (R5): passed on promptly.
pub fn unheard(oldest: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Level {
    oldest.map_or(Level::Good, |since| Level::of_count(now - since, TimeDelta::minutes(5), TimeDelta::minutes(30)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_good_up_to_its_limit_and_bad_beyond_the_next() {
        assert_eq!(Level::of_share(None, 0.95, 0.85), Level::None);
        let of = |share| Level::of_share(Some(share), 0.95, 0.85);
        assert_eq!([of(0.95), of(0.9499), of(0.85), of(0.8499)], [Level::Good, Level::Watch, Level::Watch, Level::Bad]);
        let waits = |s| waiting(Some(TimeDelta::seconds(s)));
        assert_eq!([waits(20), waits(21), waits(61)], [Level::Good, Level::Watch, Level::Bad]);
        assert_eq!(waiting(None), Level::Good);
        let now: DateTime<Utc> = "2026-11-28T08:00:00Z".parse().expect("a time");
        let in_min = |m| due(now + TimeDelta::minutes(m), now);
        assert_eq!([in_min(-1), in_min(0), in_min(30)], [Level::Bad, Level::Watch, Level::Good]);
        assert_eq!(unheard(Some(now - TimeDelta::minutes(31)), now), Level::Bad);
    }
}
