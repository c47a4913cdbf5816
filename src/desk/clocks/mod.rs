//! The clocks of a ticket: what must be done by when (R19, R23, R27, R33, R36).
//!
//! A clock starts when the caller's report is complete, or at the call's end when it stays incomplete (R23, R24);
//! an emergency's starts as the ticket is opened (R18); a quote's and a complaint's stage's as they begin. Each counts in a
//! calendar of its own, is warned of when a share of its time is over, alarmed when all of it is, and stands still only for
//! a listed reason.
//!
//! - `book`: how long each is, in which calendar.
//! - `pause`: why one may stand still.

mod book;
mod pause;

pub use book::{Calendar, ClockBook, Times};
pub use pause::PauseReason;

use chrono::{DateTime, Utc};

use super::ticket::{Class, Kind, Urgency};
use super::words::words;

/// A promise of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ClockKey {
    /// R23: someone is on site within 2 hours of an urgent report.
    UrgentOnSite,
    /// R23: an urgent repair is done within 24 hours.
    UrgentRepaired,
    /// R23: a general repair is done within 72 hours.
    GeneralRepaired,
    /// R27: what is not in the price list is judged, and its cost told, within 15 minutes.
    Quote,
    /// R19: an inquiry or a help request that can't be answered at once is answered within 5 minutes.
    Reply,
    /// R34, R36: who accepts a complaint answers it. The rule book names no time; within a day the customer hears the
    /// result, or why not and by when.
    ComplaintReply,
    /// The stages of a complaint (R33): how long each may last. The rule book names no times.
    Receive,
    Judge,
    Analyse,
    Assign,
    Handle,
    FollowUp,
    SumUp,
}

words!(ClockKey {
    UrgentOnSite => "urgent_on_site",
    UrgentRepaired => "urgent_repaired",
    GeneralRepaired => "general_repaired",
    Quote => "quote",
    Reply => "reply",
    ComplaintReply => "complaint_reply",
    Receive => "complaint_receive",
    Judge => "complaint_judge",
    Analyse => "complaint_analyse",
    Assign => "complaint_assign",
    Handle => "complaint_handle",
    FollowUp => "complaint_follow_up",
    SumUp => "complaint_sum_up",
});

impl ClockKey {
    /// Its name in a ticket's `due`.
    pub const fn name(self) -> &'static str {
        match self {
            ClockKey::UrgentOnSite => "on_site",
            ClockKey::UrgentRepaired | ClockKey::GeneralRepaired => "repaired",
            ClockKey::Quote => "quote",
            ClockKey::Reply | ClockKey::ComplaintReply => "reply",
            ClockKey::Receive => "receive",
            ClockKey::Judge => "judge",
            ClockKey::Analyse => "analyse",
            ClockKey::Assign => "assign",
            ClockKey::Handle => "handle",
            ClockKey::FollowUp => "follow_up",
            ClockKey::SumUp => "sum_up",
        }
    }

    /// Whether work may wait for others while it runs: an answer and a price may not.
    pub const fn can_pause(self) -> bool {
        !matches!(self, ClockKey::Quote | ClockKey::Reply)
    }

    /// The clock of that name that a ticket may have.
    pub fn of(kind: Kind, urgency: Option<Urgency>, name: &str) -> Option<ClockKey> {
        let key = match (kind, name) {
            (Kind::Repair, "on_site") => ClockKey::UrgentOnSite,
            (Kind::Repair, "repaired") if urgency == Some(Urgency::Urgent) => ClockKey::UrgentRepaired,
            (Kind::Repair, "repaired") => ClockKey::GeneralRepaired,
            (Kind::Repair, "quote") => ClockKey::Quote,
            (Kind::Inquiry | Kind::Help, "reply") => ClockKey::Reply,
            (Kind::Complaint, "reply") => ClockKey::ComplaintReply,
            (Kind::Complaint, name) => return Self::of_stage(name),
            _ => return None,
        };
        Some(key)
    }

    /// The clock of a complaint's stage.
    pub fn of_stage(stage: &str) -> Option<ClockKey> {
        use ClockKey::{Analyse, Assign, FollowUp, Handle, Judge, Receive, SumUp};
        [Receive, Judge, Analyse, Assign, Handle, FollowUp, SumUp].into_iter().find(|key| key.name() == stage)
    }
}

/// The clocks that run from a ticket's beginning, soonest first. A repair whose urgency is not known is a general one.
pub fn clocks_of(kind: Kind, urgency: Option<Urgency>) -> &'static [ClockKey] {
    match (kind, urgency) {
        (Kind::Repair, Some(Urgency::Urgent)) => &[ClockKey::UrgentOnSite, ClockKey::UrgentRepaired],
        (Kind::Repair, Some(Urgency::General) | None) => &[ClockKey::GeneralRepaired],
        (Kind::Complaint, _) => &[ClockKey::Receive, ClockKey::ComplaintReply],
        (Kind::Inquiry | Kind::Help, _) => &[ClockKey::Reply],
    }
}

/// Whether the clocks don't wait for the caller's report: emergencies are acted on at once (R18: A, E, F).
pub fn start_at_opening(kind: Kind, class: Class) -> bool {
    kind == Kind::Help && matches!(class, Class::A | Class::E | Class::F)
}

/// A clock is breached when it was met too late, or is not met and its time has passed.
pub fn breached(due: DateTime<Utc>, met_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    met_at.unwrap_or(now) > due
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn minutes(kind: Kind, urgency: Option<Urgency>) -> Vec<(&'static str, i64)> {
        let (start, book) = (DateTime::UNIX_EPOCH, ClockBook::default());
        let due = |key: &ClockKey| (key.name(), (book.begun(*key, start).due - start).num_minutes());
        clocks_of(kind, urgency).iter().map(due).collect()
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
        assert_eq!(minutes(Kind::Complaint, None), [("receive", 60), ("reply", 24 * 60)]);
    }

    #[test]
    fn r27_a_price_is_told_within_15_minutes() {
        let book = ClockBook::default();
        assert_eq!(
            book.begun(ClockKey::Quote, DateTime::UNIX_EPOCH).due - DateTime::UNIX_EPOCH,
            TimeDelta::minutes(15)
        );
    }

    #[test]
    fn every_clock_is_found_by_its_name_in_its_ticket() {
        for key in ClockKey::ALL {
            let tickets = Kind::ALL.iter().flat_map(|kind| Urgency::ALL.iter().map(|urgency| (*kind, Some(*urgency))));
            let found = tickets.filter_map(|(kind, urgency)| ClockKey::of(kind, urgency, key.name()));
            assert!(found.into_iter().any(|of| of == *key), "{key}");
        }
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
