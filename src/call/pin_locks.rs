//! Lock-outs of those who try PINs: per extension, and per caller. In memory only: a restart forgets them.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::types::Mono;

/// Wrong PINs, over all calls, that lock.
const WRONG_MAX: u8 = 5;
/// The first lock; each further one is twice as long, up to `LOCK_MAX`.
const LOCK_FIRST: Duration = Duration::from_secs(15 * 60);
const LOCK_MAX: Duration = Duration::from_secs(24 * 3600);
/// Wrong PINs and locks are forgotten so long after the last of them.
const FORGET: Duration = Duration::from_secs(24 * 3600);
/// Extensions and callers that are remembered; then the one heard of longest ago that is not locked makes room.
const HOLDERS_MAX: usize = 10_000;

/// Who is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Holder {
    /// As it was keyed, whether somebody has it or not.
    Extension(String),
    /// Where the INVITE came from, and the number it named: one exchange sends the calls of many people.
    Caller { source: IpAddr, number: Option<String> },
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holder::Extension(extension) => write!(f, "extension {extension}"),
            Holder::Caller { source, number } => {
                write!(f, "caller {} at {source}", number.as_deref().unwrap_or("withheld"))
            }
        }
    }
}

/// What is made of a PIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it opens the messages: a right one does not while a lock holds, and nobody is told the difference.
    pub opens: bool,
    /// It came while a lock held.
    pub locked: bool,
    /// Locks that begin with this one, and how long they hold.
    pub locks: Vec<(Holder, Duration)>,
}

#[derive(Debug)]
struct Record {
    wrong: u8,
    locks: u32,
    locked_until: Option<Mono>,
    last: Mono,
}

impl Record {
    fn is_locked(&self, now: Mono) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }

    /// Counted from the end of the last lock, or the last wrong PIN.
    fn is_forgotten(&self, now: Mono) -> bool {
        self.locked_until.unwrap_or(self.last).max(self.last) + FORGET <= now
    }
}

#[derive(Debug, Default)]
pub struct PinLocks(HashMap<Holder, Record>);

impl PinLocks {
    /// Judges a PIN that was checked: `right` as its hash says.
    pub fn judge(&mut self, now: Mono, extension: Holder, caller: Holder, right: bool) -> Verdict {
        let locked = [&extension, &caller].into_iter().any(|h| self.0.get(h).is_some_and(|r| r.is_locked(now)));
        if locked {
            return Verdict { opens: false, locked, locks: Vec::new() };
        }
        if right {
            // The caller's count stays: else somebody with a PIN of their own could try others' for ever.
            self.0.remove(&extension);
            return Verdict { opens: true, locked, locks: Vec::new() };
        }
        let locks = [extension, caller].into_iter().filter_map(|holder| self.count(now, holder));
        Verdict { opens: false, locked, locks: locks.collect() }
    }

    /// Counts a wrong PIN; the lock that begins with it, if one does.
    fn count(&mut self, now: Mono, holder: Holder) -> Option<(Holder, Duration)> {
        if !self.0.contains_key(&holder) {
            self.make_room(now);
        }
        let fresh = || Record { wrong: 0, locks: 0, locked_until: None, last: now };
        let record = self.0.entry(holder.clone()).or_insert_with(fresh);
        if record.is_forgotten(now) {
            *record = fresh();
        }
        record.wrong += 1;
        record.last = now;
        if record.wrong < WRONG_MAX {
            return None;
        }
        let lasts = LOCK_FIRST.saturating_mul(1u32.checked_shl(record.locks).unwrap_or(u32::MAX)).min(LOCK_MAX);
        record.wrong = 0;
        record.locks = record.locks.saturating_add(1);
        record.locked_until = Some(now + lasts);
        Some((holder, lasts))
    }

    fn make_room(&mut self, now: Mono) {
        if self.0.len() < HOLDERS_MAX {
            return;
        }
        self.0.retain(|_, record| !record.is_forgotten(now));
        while self.0.len() >= HOLDERS_MAX {
            let oldest = |(_, record): &(&Holder, &Record)| (record.is_locked(now), record.last);
            let Some(holder) = self.0.iter().min_by_key(oldest).map(|(holder, _)| holder.clone()) else { return };
            self.0.remove(&holder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extension(n: u32) -> Holder {
        Holder::Extension(n.to_string())
    }

    fn caller(n: u32) -> Holder {
        Holder::Caller { source: IpAddr::from([192, 0, 2, 7]), number: Some(n.to_string()) }
    }

    fn minutes(n: u64) -> Mono {
        Mono::from_millis(n * 60_000)
    }

    #[test]
    fn five_wrong_pins_lock_an_extension_whoever_calls() {
        let mut locks = PinLocks::default();
        for n in 1..=4 {
            assert_eq!(locks.judge(minutes(0), extension(201), caller(n), false).locks, []);
        }
        let fifth = locks.judge(minutes(0), extension(201), caller(5), false);
        assert_eq!(fifth.locks, [(extension(201), LOCK_FIRST)]);
        let right = locks.judge(minutes(14), extension(201), caller(6), true);
        assert_eq!(right, Verdict { opens: false, locked: true, locks: Vec::new() });
        assert!(locks.judge(minutes(14), extension(202), caller(6), true).opens, "others are not locked");
        assert!(locks.judge(minutes(15), extension(201), caller(6), true).opens);
    }

    #[test]
    fn five_wrong_pins_lock_a_caller_whatever_the_extension() {
        let mut locks = PinLocks::default();
        for n in 201..=204 {
            assert!(!locks.judge(minutes(0), extension(n), caller(1), false).opens);
            assert!(locks.judge(minutes(0), extension(300), caller(1), true).opens, "one's own PIN resets nothing");
        }
        let fifth = locks.judge(minutes(0), extension(205), caller(1), false);
        assert_eq!(fifth.locks, [(caller(1), LOCK_FIRST)]);
        assert!(locks.judge(minutes(1), extension(300), caller(1), true).locked);
        assert!(locks.judge(minutes(1), extension(300), caller(2), true).opens);
    }

    #[test]
    fn each_lock_is_twice_as_long_up_to_a_day_and_all_is_forgotten_in_the_end() {
        let mut locks = PinLocks::default();
        let mut now = minutes(0);
        let mut lasted = Vec::new();
        for round in 0..9u32 {
            for n in 0..5 {
                for (holder, lasts) in locks.judge(now, extension(201), caller(round * 10 + n), false).locks {
                    assert_eq!(holder, extension(201));
                    lasted.push(lasts.as_secs() / 60);
                }
            }
            now = now + Duration::from_secs(lasted[lasted.len() - 1] * 60);
        }
        assert_eq!(lasted, [15, 30, 60, 120, 240, 480, 960, 1440, 1440]);
        now = now + FORGET;
        let wrong: Vec<_> =
            (0..5).flat_map(|n| locks.judge(now, extension(201), caller(900 + n), false).locks).collect();
        assert_eq!(wrong, [(extension(201), LOCK_FIRST)]);
    }

    #[test]
    fn the_table_is_bounded_and_keeps_its_locks() {
        let mut locks = PinLocks::default();
        for n in 0..5 {
            locks.judge(minutes(0), extension(201), caller(n), false);
        }
        for n in 0..HOLDERS_MAX as u32 {
            locks.judge(minutes(1), extension(1000 + n), caller(100 + n), false);
        }
        assert!(locks.0.len() <= HOLDERS_MAX);
        assert!(locks.judge(minutes(2), extension(201), caller(7), true).locked);
    }
}
