//! How long what was recorded of callers is kept, and what is held back from that (R12; PIPL article 19: no longer than
//! its purpose needs).

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::words;
use crate::types::RecordingId;

/// Sorts of recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingKind {
    /// What a caller said for a ticket: its days begin when the ticket is closed.
    Ticket,
    /// A message left for a person: from when it was left, once it was heard or taken off the list.
    Message,
    /// What belongs to a call alone: from the call's beginning.
    Call,
    /// A customer's comment after the work: from when the ticket is closed.
    Feedback,
}

words!(RecordingKind { Ticket => "ticket", Message => "message", Call => "call", Feedback => "feedback" });

/// Days of each sort; 0 is for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub ticket_days: u32,
    pub message_days: u32,
    pub call_days: u32,
    pub feedback_days: u32,
    /// After which numbers and names are taken out of rows.
    pub numbers_days: u32,
    pub audit_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            ticket_days: 365,
            message_days: 90,
            call_days: 90,
            feedback_days: 365,
            numbers_days: 0,
            audit_days: 1_095,
        }
    }
}

impl Retention {
    /// What is older than this moment goes; none for what is kept for ever.
    pub fn before(days: u32, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let days = Some(days).filter(|days| *days > 0)?;
        now.checked_sub_signed(TimeDelta::days(days.into()))
    }

    pub fn days(&self, kind: RecordingKind) -> u32 {
        match kind {
            RecordingKind::Ticket => self.ticket_days,
            RecordingKind::Message => self.message_days,
            RecordingKind::Call => self.call_days,
            RecordingKind::Feedback => self.feedback_days,
        }
    }
}

/// What can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeldKind {
    Ticket,
    Message,
    Call,
    Recording,
}

words!(HeldKind { Ticket => "ticket", Message => "message", Call => "call", Recording => "recording" });

/// A hold: what it keeps is neither deleted nor made anonymous while it lasts, however old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub id: i64,
    pub what: HeldKind,
    /// Number, id or path.
    pub about: String,
    pub why: String,
    pub by: String,
    pub at: DateTime<Utc>,
    pub lifted: Option<Lifted>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifted {
    pub by: String,
    pub at: DateTime<Utc>,
    pub why: String,
}

/// A recording whose file is to be removed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueRecording {
    pub recording: RecordingId,
    pub kind: RecordingKind,
    pub about: String,
}

/// Tells when the time of day jumped, by comparing it with a clock that never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockWatch {
    /// Wall time minus monotonic time, in ms.
    offset: Option<i64>,
}

/// Smaller ones are what NTP does all day.
const JUMP_MS: i64 = 60_000;

impl ClockWatch {
    /// By how much it jumped since the last look, forward or (negative) back.
    pub fn look(&mut self, mono_ms: u64, wall: DateTime<Utc>) -> Option<TimeDelta> {
        let offset = wall.timestamp_millis().saturating_sub_unsigned(mono_ms);
        let before = self.offset.replace(offset)?;
        let jump = offset.saturating_sub(before);
        (jump.abs() >= JUMP_MS).then(|| TimeDelta::milliseconds(jump))
    }
}

/// After a start nothing is deleted at once: a clock that stands wrong is set right by then.
const FIRST_AFTER_MS: u64 = 10 * 60_000;
/// How often a pass is made.
const EVERY_MS: u64 = 60 * 60_000;
/// A clock that has jumped forward so far makes everything look old.
const FORWARD: TimeDelta = TimeDelta::hours(12);
/// So long nothing is deleted then: somebody may set it right.
const AFTER_JUMP_MS: u64 = 24 * 60 * 60_000;

/// When a pass of deletions is due, by a clock that never jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepClock {
    next_ms: u64,
}

impl Default for SweepClock {
    fn default() -> Self {
        Self { next_ms: FIRST_AFTER_MS }
    }
}

impl SweepClock {
    /// Whether one is to be made now; the next one is then an hour later.
    pub fn is_due(&mut self, mono_ms: u64) -> bool {
        let due = mono_ms >= self.next_ms;
        if due {
            self.next_ms = mono_ms + EVERY_MS;
        }
        due
    }

    /// The time of day jumped.
    pub fn jumped(&mut self, mono_ms: u64, by: TimeDelta) {
        if by >= FORWARD {
            self.next_ms = self.next_ms.max(mono_ms + AFTER_JUMP_MS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_days_is_for_ever_and_days_are_of_24_hours_whatever_clocks_do() {
        let now: DateTime<Utc> = "2026-03-29T12:00:00Z".parse().expect("a time");
        assert_eq!(Retention::before(0, now), None);
        assert_eq!(Retention::before(1, now), Some(now - TimeDelta::hours(24)));
        assert_eq!(Retention::before(u32::MAX, now), None, "older than all time");
    }

    #[test]
    fn a_pass_is_made_each_hour_and_not_for_a_day_after_the_clock_jumped_forward() {
        let mut sweeps = SweepClock::default();
        let minute = |n: u64| n * 60_000;
        assert!(!sweeps.is_due(minute(9)) && sweeps.is_due(minute(10)) && !sweeps.is_due(minute(69)));
        assert!(sweeps.is_due(minute(70)));
        sweeps.jumped(minute(80), TimeDelta::days(-1));
        assert!(sweeps.is_due(minute(130)), "back: everything is younger than it was");
        sweeps.jumped(minute(140), TimeDelta::days(365));
        assert!(!sweeps.is_due(minute(140 + 24 * 60 - 1)) && sweeps.is_due(minute(140 + 24 * 60)));
    }

    #[test]
    fn a_jump_is_told_once_and_small_steps_are_not() {
        let wall = |ms: i64| DateTime::from_timestamp_millis(1_795_000_000_000 + ms).expect("a time");
        let mut watch = ClockWatch::default();
        assert_eq!(watch.look(0, wall(0)), None);
        assert_eq!(watch.look(1_000, wall(1_900)), None, "a step of NTP");
        assert_eq!(watch.look(2_000, wall(2_000 - 86_400_000)), Some(TimeDelta::milliseconds(-86_400_900)));
        assert_eq!(watch.look(3_000, wall(3_000 - 86_400_000)), None);
        assert_eq!(watch.look(4_000, wall(4_000)), Some(TimeDelta::days(1)));
    }
}
