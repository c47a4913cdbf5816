//! How fast something may go on.

use super::Mono;

/// A token bucket that holds two seconds' worth.
#[derive(Debug)]
pub struct Bucket {
    tokens: f64,
    at: Mono,
}

const BURST_SECONDS: f64 = 2.0;

impl Bucket {
    pub fn full(rate: u32) -> Self {
        Self { tokens: f64::from(rate) * BURST_SECONDS, at: Mono::default() }
    }

    /// Takes one token, of which `rate` come each second; false when there is none.
    pub fn take(&mut self, now: Mono, rate: u32) -> bool {
        let elapsed = now.since(self.at);
        self.at = now;
        self.tokens = (self.tokens + elapsed.as_secs_f64() * f64::from(rate)).min(f64::from(rate) * BURST_SECONDS);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}
