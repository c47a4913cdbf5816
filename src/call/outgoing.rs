//! How many calls the desk makes through a gateway: telephone fraud shows itself, and ends, at a limit for each hour.

use std::collections::VecDeque;
use std::time::Duration;

use crate::types::Mono;

const WINDOW: Duration = Duration::from_secs(3_600);

/// Whether one more may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    Yes,
    /// `first`: the first one that is refused in this hour, which is worth an alarm.
    No {
        first: bool,
    },
}

/// The calls of the last hour; never more than the limit.
#[derive(Debug, Default)]
pub struct OutgoingCalls {
    made: VecDeque<Mono>,
    told: Option<Mono>,
}

impl OutgoingCalls {
    /// An urgent one is never refused: it leads to a duty officer of the directory.
    pub fn ask(&mut self, now: Mono, max: u32, urgent: bool) -> Allowed {
        while self.made.pop_front_if(|at| now.since(*at) >= WINDOW).is_some() {}
        if self.made.len() < max as usize {
            self.made.push_back(now);
            return Allowed::Yes;
        }
        if urgent {
            return Allowed::Yes;
        }
        let first = self.told.is_none_or(|at| now.since(at) >= WINDOW);
        if first {
            self.told = Some(now);
        }
        Allowed::No { first }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_limit_of_an_hour_only_urgent_ones_are_made_and_it_is_told_once() {
        let mut calls = OutgoingCalls::default();
        let at = |minutes: u64| Mono::from_millis(minutes * 60_000);
        for minute in 0..3 {
            assert_eq!(calls.ask(at(minute), 3, false), Allowed::Yes);
        }
        assert_eq!(calls.ask(at(3), 3, false), Allowed::No { first: true });
        assert_eq!(calls.ask(at(4), 3, false), Allowed::No { first: false });
        assert_eq!(calls.ask(at(5), 3, true), Allowed::Yes);
        assert_eq!(calls.ask(at(60), 3, false), Allowed::Yes, "the first is an hour old");
        assert_eq!(calls.ask(at(60), 3, false), Allowed::No { first: false });
        assert_eq!(calls.ask(at(600), 0, false), Allowed::No { first: true });
    }
}
