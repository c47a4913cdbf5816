//! Timer values of RFC 3261 table 4, and the queue of deadlines.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::types::Mono;

/// The three values that all timers of RFC 3261 are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Round-trip estimate, 500 ms.
    pub t1: Duration,
    /// Longest interval between retransmissions, 4 s.
    pub t2: Duration,
    /// How long a message can stay in the network, 5 s.
    pub t4: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) }
    }
}

impl Timing {
    /// 64*T1: Timers B, F, H, J, L, M.
    pub fn timeout(&self) -> Duration {
        self.t1.saturating_mul(64)
    }

    /// Timer D: at least 32 s over UDP.
    pub fn timer_d(&self) -> Duration {
        self.timeout().max(Duration::from_secs(32))
    }
}

/// A retransmission that doubles its interval, up to a cap when there is one (Timers A, E, G and the core's 2xx).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    pub at: Mono,
    interval: Duration,
}

impl Backoff {
    pub fn start(now: Mono, first: Duration) -> Self {
        Self { at: now + first, interval: first }
    }

    /// Steady from now on at `interval`.
    pub fn restart(&mut self, now: Mono, interval: Duration) {
        *self = Self::start(now, interval);
    }

    /// Moves on when due, and says whether it was.
    pub fn fire(&mut self, now: Mono, cap: Option<Duration>) -> bool {
        if now < self.at {
            return false;
        }
        let doubled = self.interval.saturating_mul(2);
        self.interval = cap.map_or(doubled, |c| doubled.min(c));
        self.at = now + self.interval;
        true
    }
}

/// Deadlines by time, one an owner: each owner remembers the one that it waits for, and takes it back when it waits for
/// another or for none. So there are never more deadlines than owners, however often they change.
#[derive(Debug)]
pub struct Deadlines<K> {
    queue: BTreeSet<(Mono, K)>,
}

impl<K: Ord + Copy> Default for Deadlines<K> {
    fn default() -> Self {
        Self { queue: BTreeSet::new() }
    }
}

impl<K: Ord + Copy> Deadlines<K> {
    /// The owner waits for `at` from now on, and no more for what it was `armed` with.
    pub fn arm(&mut self, owner: K, armed: &mut Option<Mono>, at: Option<Mono>) {
        if *armed == at {
            return;
        }
        if let Some(earlier) = armed.take() {
            self.queue.remove(&(earlier, owner));
        }
        if let Some(at) = at {
            self.queue.insert((at, owner));
            *armed = Some(at);
        }
    }

    pub fn peek(&self) -> Option<(Mono, K)> {
        self.queue.first().copied()
    }

    /// The earliest; its owner is no more armed.
    pub fn pop(&mut self) -> Option<(Mono, K)> {
        self.queue.pop_first()
    }

    pub fn len(&self) -> usize {
        self.queue.len()
    }

    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capped_backoff_doubles_up_to_its_cap() {
        let timing = Timing::default();
        let mut backoff = Backoff::start(Mono(0), timing.t1);
        let mut sent_at = Vec::new();
        for ms in (0..=20_000).step_by(500) {
            if backoff.fire(Mono::from_millis(ms), Some(timing.t2)) {
                sent_at.push(ms);
            }
        }
        assert_eq!(sent_at, [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500]);
    }

    #[test]
    fn deadlines_come_out_in_order_of_time() {
        let mut deadlines = Deadlines::default();
        for (at, owner) in [(30, 'c'), (10, 'a'), (20, 'b')] {
            deadlines.arm(owner, &mut None, Some(Mono(at)));
        }
        let order: Vec<_> = std::iter::from_fn(|| deadlines.pop()).map(|(_, owner)| owner).collect();
        assert_eq!(order, ['a', 'b', 'c']);
    }

    #[test]
    fn an_owner_that_waits_for_another_time_leaves_nothing_behind() {
        let (mut deadlines, mut armed) = (Deadlines::default(), None);
        for at in [60, 5, 60, 7, 9] {
            deadlines.arm('a', &mut armed, Some(Mono(at)));
            assert_eq!((deadlines.len(), deadlines.peek()), (1, Some((Mono(at), 'a'))));
        }
        deadlines.arm('a', &mut armed, None);
        assert!(deadlines.is_empty() && armed.is_none());
    }
}
