//! Time as a value: pure rooms are handed `Now`, they never ask for it.

use std::ops::{Add, Sub};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// Monotonic time in microseconds since some fixed start (the process's, or a test's zero).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Mono(pub u64);

impl Mono {
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms * 1000)
    }

    /// Whole milliseconds since the start.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1000
    }

    /// Time since `earlier`, zero if that lies ahead.
    pub fn since(self, earlier: Mono) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Milliseconds since `earlier`, zero if that lies ahead.
    pub fn ms_since(self, earlier: Mono) -> u64 {
        self.0.saturating_sub(earlier.0) / 1000
    }
}

impl Add<Duration> for Mono {
    type Output = Mono;

    fn add(self, d: Duration) -> Mono {
        Mono(self.0.saturating_add(u64::try_from(d.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Mono> for Mono {
    type Output = Duration;

    fn sub(self, earlier: Mono) -> Duration {
        self.since(earlier)
    }
}

/// `   1.234 s`, as ladders show the time since their beginning.
pub fn seconds_text(ms: u64) -> String {
    format!("{:>4}.{:03} s", ms / 1000, ms % 1000)
}

/// One reading of both clocks: `mono` for timers, `wall` for what people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    pub mono: Mono,
    pub wall: DateTime<Utc>,
}

impl Now {
    /// `Now` a while later on both clocks: for tests in virtual time.
    pub fn after(self, d: Duration) -> Now {
        let wall = chrono::Duration::from_std(d).unwrap_or(chrono::Duration::MAX);
        Now { mono: self.mono + d, wall: self.wall.checked_add_signed(wall).unwrap_or(self.wall) }
    }
}
