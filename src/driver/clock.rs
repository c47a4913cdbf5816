//! The one reading of time.

use std::time::{Duration, Instant};

use chrono::Utc;

use crate::types::{Mono, Now};

/// Both clocks, the monotonic one counted from the process's start.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    pub fn mono(&self) -> Mono {
        Mono(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    pub fn now(&self) -> Now {
        Now { mono: self.mono(), wall: Utc::now() }
    }

    /// The instant that a monotonic time stands for.
    pub fn instant(&self, at: Mono) -> Instant {
        self.start + Duration::from_micros(at.0)
    }
}
