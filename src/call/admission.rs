//! Who may call, how fast, and how many at once. A refused caller costs no memory beyond a bounded table.

use std::collections::HashMap;
use std::net::IpAddr;

pub use crate::types::Network;
use crate::types::{Bucket, Mono};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmissionLimits {
    pub calls_max: usize,
    /// INVITEs a second from one address; bursts of two seconds' worth are let through.
    pub source_rate_max: u32,
    /// INVITEs a second in all.
    pub total_rate_max: u32,
    /// Empty: everyone.
    pub allowed: Vec<Network>,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self { calls_max: 5000, source_rate_max: 10_000, total_rate_max: 10_000, allowed: Vec::new() }
    }
}

/// Why a call is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The source is not among the allowed networks: 403.
    NotAllowed,
    /// One source calls too fast: 503.
    SourceTooFast,
    /// All sources together call too fast: 503.
    TooFast,
    /// All lines are busy: 503.
    Full,
    /// The daemon is shutting down: 503.
    ShuttingDown,
}

impl Refusal {
    pub fn status(self) -> u16 {
        match self {
            Refusal::NotAllowed => 403,
            Refusal::SourceTooFast | Refusal::TooFast | Refusal::Full | Refusal::ShuttingDown => 503,
        }
    }

    /// `end_reason` of the call row.
    pub fn reason(self) -> &'static str {
        match self {
            Refusal::NotAllowed => "source_not_allowed",
            Refusal::SourceTooFast => "source_rate",
            Refusal::TooFast => "total_rate",
            Refusal::Full => "calls_max",
            Refusal::ShuttingDown => "shutting_down",
        }
    }
}

/// Sources that are remembered at most; when full, the table starts anew.
const SOURCES_MAX: usize = 10_000;
/// Rows a second that refused calls may add to the call log, so that a flood does not fill the disk.
const REFUSED_ROWS_PER_SECOND: u32 = 5;

#[derive(Debug)]
pub struct Admission {
    limits: AdmissionLimits,
    total: Bucket,
    sources: HashMap<IpAddr, Bucket>,
    refused_rows: Bucket,
}

impl Admission {
    pub fn new(limits: AdmissionLimits) -> Self {
        let total = Bucket::full(limits.total_rate_max);
        Self { limits, total, sources: HashMap::new(), refused_rows: Bucket::full(REFUSED_ROWS_PER_SECOND) }
    }

    /// `trusted`: a trunk's, which is let in wherever it comes from.
    pub fn admit(&mut self, now: Mono, source: IpAddr, trusted: bool, calls: usize) -> Result<(), Refusal> {
        let limits = &self.limits;
        if !trusted && !limits.allowed.is_empty() && !limits.allowed.iter().any(|n| n.contains(source)) {
            return Err(Refusal::NotAllowed);
        }
        if self.sources.len() >= SOURCES_MAX {
            self.sources.clear();
        }
        let bucket = self.sources.entry(source).or_insert_with(|| Bucket::full(limits.source_rate_max));
        if !bucket.take(now, limits.source_rate_max) {
            return Err(Refusal::SourceTooFast);
        }
        if !self.total.take(now, limits.total_rate_max) {
            return Err(Refusal::TooFast);
        }
        if calls >= limits.calls_max {
            return Err(Refusal::Full);
        }
        Ok(())
    }

    /// Whether so many calls leave less than half of the line free.
    pub fn is_half_full(&self, calls: usize) -> bool {
        calls * 2 > self.limits.calls_max
    }

    /// Whether a refused call may still have a row of its own; beyond that only the counters tell.
    pub fn log_refusal(&mut self, now: Mono) -> bool {
        self.refused_rows.take(now, REFUSED_ROWS_PER_SECOND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(s: &str) -> IpAddr {
        s.parse().expect("an address")
    }

    #[test]
    fn only_allowed_networks_get_in() {
        let allowed =
            vec![Network { address: ip("10.1.0.0"), prefix: 16 }, Network { address: ip("fd00::"), prefix: 8 }];
        let mut admission = Admission::new(AdmissionLimits { allowed, ..Default::default() });
        assert_eq!(admission.admit(Mono(0), ip("203.0.113.9"), true, 0), Ok(()), "a trunk's");
        let mut admit = |s| admission.admit(Mono(0), ip(s), false, 0);
        assert_eq!(admit("10.1.255.3"), Ok(()));
        assert_eq!(admit("::ffff:10.1.2.3"), Ok(()));
        assert_eq!(admit("fd12::1"), Ok(()));
        assert_eq!(admit("10.2.0.1"), Err(Refusal::NotAllowed));
        assert_eq!(admit("fe80::1"), Err(Refusal::NotAllowed));
    }

    #[test]
    fn one_fast_source_does_not_shut_out_the_others() {
        let mut admission = Admission::new(AdmissionLimits { source_rate_max: 5, ..Default::default() });
        let first = (0..20).filter(|_| admission.admit(Mono(0), ip("192.0.2.1"), false, 0).is_ok()).count();
        assert_eq!(first, 10, "two seconds' worth");
        assert_eq!(admission.admit(Mono(0), ip("192.0.2.2"), false, 0), Ok(()));
        let later = Mono::from_millis(1000);
        assert_eq!((0..20).filter(|_| admission.admit(later, ip("192.0.2.1"), false, 0).is_ok()).count(), 5);
    }

    #[test]
    fn r1_full_means_full_and_no_earlier() {
        let mut admission = Admission::new(AdmissionLimits { calls_max: 3, ..Default::default() });
        assert_eq!(admission.admit(Mono(0), ip("192.0.2.1"), false, 2), Ok(()));
        assert_eq!(admission.admit(Mono(0), ip("192.0.2.1"), false, 3), Err(Refusal::Full));
    }

    #[test]
    fn the_table_of_sources_stays_bounded() {
        let limits = AdmissionLimits { total_rate_max: 1_000_000, ..Default::default() };
        let mut admission = Admission::new(limits);
        for n in 0..30_000u32 {
            let _ = admission.admit(Mono(0), IpAddr::V4(n.into()), false, 0);
        }
        assert!(admission.sources.len() <= SOURCES_MAX);
    }

    #[test]
    fn a_flood_of_refusals_adds_few_rows() {
        let mut admission = Admission::new(AdmissionLimits::default());
        assert_eq!((0..10_000).filter(|_| admission.log_refusal(Mono(0))).count(), 10);
    }
}
