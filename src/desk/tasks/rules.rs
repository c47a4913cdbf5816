//! When the desk may call whom, and how often (R5, R10, R26, R37).

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::desk::hours::{Span, to_utc};

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkRules {
    pub dispatch: DispatchRules,
    pub relay: RelayRules,
    pub follow_up: FollowUpRules,
    pub alert: AlertRules,
    pub time_zone: Tz,
}

/// How engineers are sent (R26).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DispatchRules {
    pub calls: bool,
    /// When engineers are called for what is not urgent.
    pub general_hours: Span,
    /// How long after nobody took it they are called again.
    pub again: TimeDelta,
    /// How often everybody is called.
    pub rounds_max: u32,
}

/// How messages are passed on (R5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayRules {
    pub calls: bool,
    /// When the person is called.
    pub hours: Span,
    /// How long after the message, then after each try, the next one is made; the last one is the pause before it escalates.
    pub after: Vec<TimeDelta>,
    /// Whether the caller who left it is called when the person has it.
    pub tell_caller: bool,
    /// When customers are called (R10).
    pub customer_hours: Span,
}

/// How customers are asked whether they are satisfied (R37).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUpRules {
    pub calls: bool,
    /// How long after the work of a repair is accepted.
    pub after: TimeDelta,
    /// How long after a complaint is handled: the customer waits for the result.
    pub after_complaint: TimeDelta,
    /// When customers are called (R10).
    pub hours: Span,
    pub tries_max: u32,
    pub again: TimeDelta,
}

/// How supervisors are told what is late (R19).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRules {
    pub calls: bool,
    /// When they are called for what is neither urgent nor a request for help.
    pub hours: Span,
}

impl Default for WorkRules {
    fn default() -> Self {
        let span = |text| Span::parse(text).expect("it is a span");
        let minutes = |minutes: &[i64]| minutes.iter().map(|m| TimeDelta::minutes(*m)).collect();
        Self {
            dispatch: DispatchRules {
                calls: true,
                general_hours: span("08:00-20:00"),
                again: TimeDelta::minutes(5),
                rounds_max: 4,
            },
            relay: RelayRules {
                calls: true,
                hours: span("08:00-21:00"),
                after: minutes(&[10, 30, 120, 240]),
                tell_caller: false,
                customer_hours: span("09:00-20:00"),
            },
            follow_up: FollowUpRules {
                calls: true,
                after: TimeDelta::hours(20),
                after_complaint: TimeDelta::hours(1),
                hours: span("09:00-20:00"),
                tries_max: 3,
                again: TimeDelta::hours(4),
            },
            alert: AlertRules { calls: true, hours: span("08:00-21:00") },
            time_zone: Tz::UTC,
        }
    }
}

impl WorkRules {
    /// The first moment, from `at` on, that lies in these hours of the desk's day.
    pub fn within(&self, hours: Span, at: DateTime<Utc>) -> DateTime<Utc> {
        let local = at.with_timezone(&self.time_zone).naive_local();
        if hours.contains(local.time()) {
            return at;
        }
        let begin = |date: chrono::NaiveDate| NaiveDateTime::new(date, hours.begin());
        let today = to_utc(begin(local.date()), self.time_zone).filter(|begin| *begin > at);
        let tomorrow = || local.date().succ_opt().and_then(|date| to_utc(begin(date), self.time_zone));
        today.or_else(tomorrow).unwrap_or(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_wait_for_the_hours_in_which_they_are_allowed_also_over_midnight_and_when_clocks_change() {
        let rules = |time_zone| WorkRules { time_zone, ..WorkRules::default() };
        let at = |zone: Tz, text: &str| {
            to_utc(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a time"), zone).expect("it exists")
        };
        let within = |zone: Tz, hours: &str, text: &str| {
            let moment = rules(zone).within(Span::parse(hours).expect("hours"), at(zone, text));
            moment.with_timezone(&zone).format("%m-%d %H:%M").to_string()
        };
        let shanghai = chrono_tz::Asia::Shanghai;
        assert_eq!(within(shanghai, "09:00-20:00", "2026-11-28 12:34"), "11-28 12:34");
        assert_eq!(within(shanghai, "09:00-20:00", "2026-11-28 05:00"), "11-28 09:00");
        assert_eq!(within(shanghai, "09:00-20:00", "2026-11-28 20:00"), "11-29 09:00");
        assert_eq!(within(shanghai, "22:00-06:00", "2026-11-28 03:00"), "11-28 03:00");
        assert_eq!(within(shanghai, "22:00-06:00", "2026-11-28 12:00"), "11-28 22:00");
        let new_york = chrono_tz::America::New_York;
        assert_eq!(
            within(new_york, "02:30-04:00", "2026-03-08 01:00"),
            "03-08 03:30",
            "02:30 does not exist that night"
        );
    }
}
