//! Calls that the desk itself makes: which of those that are due begin now. Each is claimed in the store first, so that it is
//! made once, by whichever run.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Exchange, Session};
use crate::call::disk_words::Word;
use crate::call::io::Output;
use crate::desk::errand::{Errand, ErrandEnd, ErrandId, ErrandResult, ErrandTo};
use crate::desk::request::{DeskReply, DeskRequest, RequestId};
use crate::types::{CallId, Now};

/// So long is waited for somebody who talks or is rung; then they count as busy.
const BUSY_MAX: Duration = Duration::from_secs(60);
/// Of claims.
const CLAIM: RequestId = RequestId(0);

/// Those that are under way.
#[derive(Debug, Default)]
pub(super) struct Errands {
    /// Asked of the store.
    claimed: BTreeMap<CallId, Errand>,
    /// Calls that are made.
    live: BTreeMap<CallId, (ErrandId, ErrandTo)>,
}

impl Errands {
    pub fn is_idle(&self) -> bool {
        self.claimed.is_empty() && self.live.is_empty()
    }

    pub fn forget(&mut self, call: CallId) {
        self.live.remove(&call);
    }

    fn count(&self) -> usize {
        self.claimed.len() + self.live.len()
    }

    fn has(&self, errand: ErrandId) -> bool {
        self.claimed.values().any(|other| other.id == errand) || self.live.values().any(|(other, _)| *other == errand)
    }

    /// Whether the desk calls them already.
    fn calls(&self, to: &ErrandTo) -> bool {
        self.claimed.values().any(|other| other.to == *to) || self.live.values().any(|(_, other)| other == to)
    }
}

impl Exchange {
    /// Those that are due: they are told again and again until they are begun, so that one that can't begin now is left.
    pub(super) fn errands_due(&mut self, now: Now, errands: Vec<Errand>) {
        for errand in errands {
            if self.may_begin(now, &errand) {
                let (call, id) = (self.take_call_id(), errand.id);
                self.errands.claimed.insert(call, errand);
                let request = DeskRequest::BeginErrand { id: CLAIM, errand: id };
                self.out.push_back(Output::Desk { call, request });
            }
        }
    }

    fn may_begin(&self, now: Now, errand: &Errand) -> bool {
        let room = self.errands.count() < self.service.errands_at_once as usize;
        // Callers come first: half of the line stays theirs.
        let free = !self.admission.is_half_full(self.calls.len());
        if self.shutdown.is_some() || !room || !free || self.errands.has(errand.id) || self.errands.calls(&errand.to) {
            return false;
        }
        match &errand.to {
            ErrandTo::Person { extension } => {
                let waited = (now.wall - errand.due).to_std().unwrap_or_default();
                !self.board.is_engaged(extension) || waited >= BUSY_MAX
            }
            // R10: customers are disturbed by day.
            ErrandTo::Customer { .. } => {
                let time = now.wall.with_timezone(&self.service.time_zone).time();
                self.service.call_back.hours.is_none_or(|hours| hours.contains(time))
            }
        }
    }

    /// Whoever is still rung for them is left alone. Those that are only claimed are told again once they ring.
    pub(super) fn errands_overtaken(&mut self, now: Now, errands: &[ErrandId]) {
        let live = self.errands.live.iter();
        let calls: Vec<CallId> = live.filter(|(_, (id, _))| errands.contains(id)).map(|(call, _)| *call).collect();
        for call in calls {
            self.with(now, call, Session::overtaken);
        }
    }

    /// The store's word on a claim.
    pub(super) fn errand_claimed(&mut self, now: Now, reply: &DeskReply) {
        if reply.id != CLAIM {
            return;
        }
        let Some(errand) = self.errands.claimed.remove(&reply.call) else { return };
        // Where it could not be claimed somebody else has it, or it is told again. Claimed as the line ends it waits for the
        // next start.
        if reply.result.is_err() || self.shutdown.is_some() {
            return;
        }
        let (call, service, sdp_session_id) = (reply.call, self.service.clone(), self.random.u64() >> 2);
        let (id, to) = (errand.id, errand.to.clone());
        match Session::on_errand(call, errand, service, sdp_session_id, now) {
            Some(session) => {
                self.errands.live.insert(call, (id, to));
                self.calls.insert(call, Box::new(session));
                self.with(now, call, Session::begin_errand);
            }
            None => {
                let why = Some("flow.toml has no [errand] of this kind".to_owned());
                let end = ErrandEnd { errand: id, at: now.wall, result: ErrandResult::Failed, why, comment: None };
                self.words.say(now.mono, Word::Errand { end, over: true });
            }
        }
    }
}
