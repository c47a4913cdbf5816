//! The clocks of a ticket: what must be done by when (R19, R23, R36).
//!
//! A clock starts when the caller's report is complete, or at the call's end when it stays incomplete (R23, R24);
//! an emergency's starts as the ticket is opened (R18).

use chrono::{DateTime, TimeDelta, Utc};

use super::ticket::{Class, Kind, Urgency};

/// One promise of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockRule {
    /// Its name in `due`.
    pub name: &'static str,
    /// Time from the clock's start until it is due.
    pub after: TimeDelta,
}

/// R23: someone is on site within 2 hours of an urgent report.
pub const URGENT_ON_SITE: ClockRule = ClockRule { name: "on_site", after: TimeDelta::hours(2) };
/// R23: an urgent repair is done within 24 hours.
pub const URGENT_REPAIRED: ClockRule = ClockRule { name: "repaired", after: TimeDelta::hours(24) };
/// R23: a general repair is done within 72 hours.
pub const GENERAL_REPAIRED: ClockRule = ClockRule { name: "repaired", after: TimeDelta::hours(72) };
/// R19: an inquiry or a help request that can't be answered at once is answered within 5 minutes.
pub const REPLY: ClockRule = ClockRule { name: "reply", after: TimeDelta::minutes(5) };
/// R34 and R36: who accepts a complaint answers it. The rule book names no time; within a day the customer hears the
/// result, or why not and by when.
pub const COMPLAINT_REPLY: ClockRule = ClockRule { name: "reply", after: TimeDelta::hours(24) };

/// The clocks of a ticket, soonest first. A repair whose urgency is not known is a general one.
pub fn clocks_of(kind: Kind, urgency: Option<Urgency>) -> &'static [ClockRule] {
    match (kind, urgency) {
        (Kind::Repair, Some(Urgency::Urgent)) => &[URGENT_ON_SITE, URGENT_REPAIRED],
        (Kind::Repair, Some(Urgency::General) | None) => &[GENERAL_REPAIRED],
        (Kind::Complaint, _) => &[COMPLAINT_REPLY],
        (Kind::Inquiry | Kind::Help, _) => &[REPLY],
    }
}

/// Whether the clocks don't wait for the caller's report: emergencies are acted on at once (R18: A, E, F).
pub fn start_at_opening(kind: Kind, class: Class) -> bool {
    kind == Kind::Help && matches!(class, Class::A | Class::E | Class::F)
}

/// Name and due time of each clock of a ticket whose clocks start at `start`.
pub fn due_times(
    kind: Kind,
    urgency: Option<Urgency>,
    start: DateTime<Utc>,
) -> impl Iterator<Item = (&'static str, DateTime<Utc>)> {
    clocks_of(kind, urgency).iter().map(move |rule| (rule.name, start.checked_add_signed(rule.after).unwrap_or(start)))
}

/// A clock is breached when it was met too late, or is not met and its time has passed.
pub fn breached(due: DateTime<Utc>, met_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    met_at.unwrap_or(now) > due
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(kind: Kind, urgency: Option<Urgency>) -> Vec<(&'static str, i64)> {
        let start = DateTime::UNIX_EPOCH;
        due_times(kind, urgency, start).map(|(name, at)| (name, (at - start).num_minutes())).collect()
    }

    #[test]
    fn r23_an_urgent_repair_is_on_site_in_2_hours_and_repaired_in_24() {
        assert_eq!(minutes(Kind::Repair, Some(Urgency::Urgent)), [("on_site", 120), ("repaired", 24 * 60)]);
    }

    #[test]
    fn r23_a_general_repair_is_done_in_72_hours() {
        assert_eq!(minutes(Kind::Repair, Some(Urgency::General)), [("repaired", 72 * 60)]);
        assert_eq!(minutes(Kind::Repair, None), [("repaired", 72 * 60)]);
    }

    #[test]
    fn r19_inquiries_and_help_are_answered_in_5_minutes() {
        assert_eq!(minutes(Kind::Inquiry, None), [("reply", 5)]);
        assert_eq!(minutes(Kind::Help, None), [("reply", 5)]);
    }

    #[test]
    fn r36_a_complaint_is_answered_within_a_day() {
        assert_eq!(minutes(Kind::Complaint, None), [("reply", 24 * 60)]);
    }

    #[test]
    fn r18_only_emergencies_start_their_clock_at_opening() {
        let at_once: Vec<_> = Class::ALL.iter().filter(|c| start_at_opening(Kind::Help, **c)).collect();
        assert_eq!(at_once, [&Class::A, &Class::E, &Class::F]);
        assert!(!start_at_opening(Kind::Repair, Class::A));
    }

    #[test]
    fn a_clock_is_breached_from_the_moment_after_its_time_unless_met_before() {
        let due = DateTime::UNIX_EPOCH + TimeDelta::minutes(5);
        let ms = TimeDelta::milliseconds(1);
        assert!(!breached(due, None, due));
        assert!(breached(due, None, due + ms));
        assert!(!breached(due, Some(due), due + TimeDelta::days(9)));
        assert!(breached(due, Some(due + ms), due + TimeDelta::days(9)));
    }
}
