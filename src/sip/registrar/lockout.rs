//! Sources that guess passwords are not served for a while. Challenges and stale nonces do not count: every phone meets
//! them each day.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::types::{Mono, host_network};

/// Wrong passwords within the window that lock a source out.
const FAILURES_MAX: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
const LOCKED: Duration = Duration::from_secs(60);
/// Sources that are remembered. One more takes the place of that which failed first.
const SOURCES_MAX: usize = 4_096;

#[derive(Debug, Default)]
pub(super) struct LockOuts {
    sources: HashMap<IpAddr, Failures>,
}

#[derive(Debug)]
struct Failures {
    count: u32,
    until: Mono,
}

impl LockOuts {
    /// Seconds that the source is locked out for still.
    pub fn locked_for_s(&self, now: Mono, source: IpAddr) -> Option<u64> {
        let failures = self.sources.get(&host_network(source))?;
        let locked = failures.count >= FAILURES_MAX && failures.until > now;
        locked.then(|| failures.until.ms_since(now).div_ceil(1000))
    }

    pub fn failed(&mut self, now: Mono, source: IpAddr) {
        let source = host_network(source);
        if self.sources.len() >= SOURCES_MAX && !self.sources.contains_key(&source) {
            self.sources.retain(|_, failures| failures.until > now);
            if self.sources.len() >= SOURCES_MAX
                && let Some(first) = self.sources.iter().min_by_key(|(_, f)| f.until).map(|(source, _)| *source)
            {
                self.sources.remove(&first);
            }
        }
        let failures = self.sources.entry(source).or_insert(Failures { count: 0, until: now });
        if failures.until <= now {
            *failures = Failures { count: 0, until: now + WINDOW };
        }
        failures.count += 1;
        if failures.count == FAILURES_MAX {
            failures.until = now + LOCKED;
        }
    }

    pub fn forgive(&mut self, source: IpAddr) {
        self.sources.remove(&host_network(source));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(n: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(n).into()
    }

    #[test]
    fn ten_failures_in_a_minute_lock_out_for_one() {
        let mut lockouts = LockOuts::default();
        for n in 0..10 {
            assert_eq!(lockouts.locked_for_s(Mono::from_millis(n), ip(1)), None);
            lockouts.failed(Mono::from_millis(n), ip(1));
        }
        assert_eq!(lockouts.locked_for_s(Mono::from_millis(9), ip(1)), Some(60));
        assert_eq!(lockouts.locked_for_s(Mono::from_millis(9), ip(2)), None);
        assert_eq!(lockouts.locked_for_s(Mono::from_millis(60_009), ip(1)), None);
    }

    #[test]
    fn slow_failures_and_forgiven_ones_do_not_add_up() {
        let mut lockouts = LockOuts::default();
        for n in 0..30 {
            lockouts.failed(Mono::from_millis(n * 7_000), ip(1));
        }
        assert_eq!(lockouts.locked_for_s(Mono::from_millis(29 * 7_000), ip(1)), None);
        for _ in 0..9 {
            lockouts.failed(Mono(0), ip(2));
        }
        lockouts.forgive(ip(2));
        lockouts.failed(Mono(0), ip(2));
        assert_eq!(lockouts.locked_for_s(Mono(0), ip(2)), None);
    }

    #[test]
    fn the_table_has_an_end_and_a_network_counts_as_one() {
        let mut lockouts = LockOuts::default();
        for n in 0..5_000 {
            lockouts.failed(Mono(1), ip(n));
        }
        assert_eq!(lockouts.sources.len(), SOURCES_MAX);
        let mut lockouts = LockOuts::default();
        for n in 0..10 {
            lockouts.failed(Mono(0), format!("2001:db8::{n}").parse().unwrap());
        }
        assert!(lockouts.locked_for_s(Mono(0), "2001:db8::ffff".parse().unwrap()).is_some());
    }
}
