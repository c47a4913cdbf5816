//! Which call each leg belongs to, and which legs are new.

use std::collections::HashMap;

use crate::sip::user_agent::LegId;
use crate::types::CallId;

/// See the module.
#[derive(Debug, Default)]
pub struct Legs {
    calls: HashMap<LegId, CallId>,
    /// Entered since `take_fresh`.
    fresh: Vec<LegId>,
}

impl Legs {
    pub fn insert(&mut self, leg: LegId, call: CallId) {
        self.calls.insert(leg, call);
        self.fresh.push(leg);
    }

    pub fn remove(&mut self, leg: &LegId) {
        self.calls.remove(leg);
    }

    pub fn get(&self, leg: &LegId) -> Option<&CallId> {
        self.calls.get(leg)
    }

    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// A leg that was entered, each once.
    pub fn take_fresh(&mut self) -> Option<(LegId, CallId)> {
        while let Some(leg) = self.fresh.pop() {
            if let Some(call) = self.calls.get(&leg) {
                return Some((leg, *call));
            }
        }
        None
    }
}
