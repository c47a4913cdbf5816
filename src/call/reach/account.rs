//! The account of a call's legs: whom the desk rang, and what came of each (R17).

use crate::desk::call_record::{LegEnd, LegRecord, RtpStats};

/// Legs that are written down; the last ones are left out.
const RECORDED_MAX: usize = 100;

#[derive(Debug, Default)]
pub(crate) struct Account {
    records: Vec<LegRecord>,
    /// Streams that were told to close and whose figures have not come yet.
    pub closing: u32,
}

impl Account {
    /// With the legs of an earlier run, none of which goes on.
    pub fn of_earlier(mut records: Vec<LegRecord>) -> Self {
        for record in &mut records {
            record.end.get_or_insert(LegEnd::Cancelled);
        }
        Self { records, closing: 0 }
    }

    pub fn records(&self) -> &[LegRecord] {
        &self.records
    }

    pub fn begin(&mut self, leg: u32, at_ms: u64, extension: &str, place: &str) {
        if self.records.len() < RECORDED_MAX {
            self.records.push(LegRecord {
                leg,
                extension: extension.to_owned(),
                place: place.to_owned(),
                at_ms,
                ring_ms: 0,
                talk_ms: None,
                end: None,
                status: None,
                codec: None,
                rtp: RtpStats::default(),
            });
        }
    }

    /// The latest of that number: a leg whose place another call took has two. `None` for one that was left out.
    pub fn of(&mut self, leg: u32) -> Option<&mut LegRecord> {
        self.records.iter_mut().rev().find(|record| record.leg == leg)
    }

    /// A stream is closed, with its figures.
    pub fn closed(&mut self, leg: u32, rtp: RtpStats) {
        self.closing = self.closing.saturating_sub(1);
        if let Some(record) = self.of(leg) {
            record.rtp = rtp;
        }
    }
}
