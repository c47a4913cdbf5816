//! Whether a server still answers: the ping that is awaited, and how many were in vain.

use std::time::Duration;

use crate::types::Mono;

/// A ping over UDP has been sent four times by then.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Pings in a row without an answer after which nobody is there.
const MISSED_MAX: u8 = 2;
/// A server that takes longer was not there at first, and may have begun anew.
const PROMPT: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Of the last ping: what comes of an earlier one is told apart by it.
    number: u32,
    sent: Option<Mono>,
    missed: u8,
}

/// What an unanswered ping says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// It is to be asked once more.
    Doubtful,
    Gone,
    /// Nothing: it is none of the pings that are waited for.
    Old,
}

impl Watch {
    /// The number of a ping that is sent now.
    pub fn asks(&mut self, now: Mono) -> u32 {
        self.number = self.number.wrapping_add(1);
        self.sent = Some(now);
        self.number
    }

    pub fn is_waiting(&self) -> bool {
        self.sent.is_some()
    }

    pub fn deadline(&self) -> Option<Mono> {
        self.sent.map(|sent| sent + ANSWER_MAX)
    }

    /// It answers; whether it seems to have been away.
    pub fn answered(&mut self, now: Mono) -> bool {
        let late = self.sent.take().is_some_and(|sent| sent + PROMPT < now);
        std::mem::take(&mut self.missed) > 0 || late
    }

    /// The ping of that number failed.
    pub fn failed(&mut self, number: u32) -> Silence {
        if self.sent.is_none() || number != self.number {
            return Silence::Old;
        }
        self.missed_one()
    }

    /// Its time has come.
    pub fn due(&mut self, now: Mono) -> Silence {
        match self.deadline() {
            Some(at) if at <= now => self.missed_one(),
            Some(_) | None => Silence::Old,
        }
    }

    fn missed_one(&mut self) -> Silence {
        self.sent = None;
        self.missed += 1;
        if self.missed < MISSED_MAX {
            return Silence::Doubtful;
        }
        self.missed = 0;
        Silence::Gone
    }

    /// Nothing is waited for from now on.
    pub fn rest(&mut self) {
        (self.sent, self.missed) = (None, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Mono {
        Mono::from_millis(ms)
    }

    #[test]
    fn two_pings_in_vain_and_it_is_gone() {
        let mut watch = Watch::default();
        watch.asks(at(0));
        assert_eq!((watch.due(at(4_999)), watch.due(at(5_000))), (Silence::Old, Silence::Doubtful));
        assert_eq!(watch.deadline(), None);
        watch.asks(at(5_000));
        assert_eq!(watch.due(at(10_000)), Silence::Gone);
    }

    #[test]
    fn the_end_of_an_old_ping_says_nothing() {
        let mut watch = Watch::default();
        let old = watch.asks(at(0));
        watch.due(at(8_000));
        let number = watch.asks(at(8_000));
        assert_eq!(watch.failed(old), Silence::Old);
        assert!(watch.answered(at(8_100)), "one was missed before");
        assert_eq!(watch.failed(number), Silence::Old, "it was answered");
    }

    #[test]
    fn a_late_answer_says_that_it_was_away() {
        let mut watch = Watch::default();
        watch.asks(at(0));
        assert!(!watch.answered(at(400)));
        watch.asks(at(1_000));
        assert!(watch.answered(at(2_500)));
        assert!(!watch.answered(at(9_000)), "nothing was asked");
    }
}
