//! What the store counts of itself.

/// A reading of the counters: all but the last four only rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct StoreCounters {
    /// Transactions that reached the disk.
    pub commits: u64,
    /// Transactions that did not.
    pub commits_failed: u64,
    /// Call rows written.
    pub calls_written: u64,
    /// Call rows replaced by a newer one of the same call while they waited.
    pub calls_coalesced: u64,
    /// Call rows refused because too many waited.
    pub calls_refused: u64,
    /// Call rows put back after a failed write, to be tried again.
    pub calls_put_back: u64,
    /// SIP messages of calls, and bans, that were not kept: too many waited, or the disk failed.
    pub notes_lost: u64,
    /// Requests carried out.
    pub requests_done: u64,
    /// Requests replied to with an error.
    pub requests_failed: u64,
    /// Requests refused because the queue was full.
    pub requests_refused: u64,
    /// Requests in the queue now.
    pub requests_waiting: usize,
    /// Call rows waiting now.
    pub calls_waiting: usize,
    /// The most call rows that ever waited.
    pub calls_waiting_max: usize,
    /// Whether the last write failed: the disk is full or broken.
    pub failing: bool,
}
