//! Whoever the desk itself calls on an errand: the leg of one who lifted is the call's own from then on, as a caller's is.

use super::leg::OutLeg;
use super::{Caller, Reach};
use crate::call::session::Hands;
use crate::desk::call_record::{LegEnd, RtpStats};
use crate::types::StreamId;

impl Reach {
    /// Notes that this one lifted. People are rung for them from now on, if they ask for somebody.
    pub fn lifted(&mut self, h: &Hands<'_>, leg: &OutLeg) {
        self.caller = leg.stream;
        if let Some(record) = self.account.of(leg.stream.leg) {
            record.ring_ms = leg.ms_so_far(h.now.mono);
            record.talk_ms = Some(0);
        }
    }

    /// Nobody there said that it is them (R15): they are let go, and the next place is rung.
    pub fn next_place(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, leg: OutLeg) {
        self.talked(h, &leg);
        self.caller = StreamId::caller(self.call);
        leg.end(h, &mut self.account, LegEnd::NoConsent);
        self.search = self.paused.take();
        self.go_on(h, caller);
    }

    /// The one who lifted is gone, and the call with them.
    pub fn heard_out(&mut self, h: &mut Hands<'_>, leg: &OutLeg, end: LegEnd) {
        self.paused = None;
        self.talked(h, leg);
        leg.note_end(h, &mut self.account, end);
    }

    /// Figures of the stream of one who lifted.
    pub fn figures(&mut self, stream: StreamId, rtp: RtpStats) {
        if let Some(record) = self.account.of(stream.leg) {
            record.rtp = rtp;
        }
    }

    /// How the last place that was called ended.
    pub fn last_end(&self) -> Option<LegEnd> {
        self.account.records().last().and_then(|record| record.end)
    }

    fn talked(&mut self, h: &Hands<'_>, leg: &OutLeg) {
        if let Some(record) = self.account.of(leg.stream.leg) {
            record.talk_ms = Some(leg.ms_so_far(h.now.mono).saturating_sub(record.ring_ms));
        }
    }
}
