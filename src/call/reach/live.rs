//! How far it is with the people who are reached, for whoever looks.

use super::Reach;
use crate::desk::live::Phase;
use crate::types::Mono;

/// What the reach says of its call: nothing, where nobody is rung or talks.
pub(in crate::call) enum Standing {
    Nothing,
    /// Somebody is rung for the caller, since then.
    Rings(Mono),
    /// The caller is with one of the staff, or on the way from one to another.
    With(Phase, Mono),
    /// The caller is gone, and this person has taken the call.
    Taken(String, Mono),
}

impl Reach {
    /// Where the caller is. `slot`: the place where they are parked.
    pub fn standing(&self, slot: Option<u16>) -> Standing {
        let begun = self.search.as_ref().map(|search| search.begun());
        if let Some(handover) = &self.handover {
            let since = handover.since().or(begun).unwrap_or_default();
            return Standing::With(handover.phase(slot), since);
        }
        if let Some(talk) = &self.talk {
            let phase = Phase::Talking { with: talk.extension().to_owned(), held: talk.is_held() };
            return Standing::With(phase, talk.begun());
        }
        if let Some(call_back) = &self.call_back {
            return Standing::Taken(call_back.desk.extension.clone(), call_back.begun);
        }
        if let Some(briefing) = &self.briefing {
            return Standing::Taken(briefing.extension().to_owned(), briefing.begun());
        }
        begun.map_or(Standing::Nothing, Standing::Rings)
    }

    /// Extensions that ring now, each once, in order.
    pub fn rung(&self) -> Vec<String> {
        let mut rung: Vec<String> = self.search.iter().flat_map(|search| search.rung()).map(str::to_owned).collect();
        rung.sort();
        rung.dedup();
        rung
    }
}
