//! What somebody of the staff reports by phone of a ticket that they work on (R26).

use super::errand::ErrandAbout;
use super::words::words;
use super::workflow::Advance;
use crate::types::TicketNumber;

/// How far they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkWord {
    Accepted,
    OnSite,
    Repaired,
}

words!(WorkWord { Accepted => "accepted", OnSite => "on_site", Repaired => "repaired" });

impl WorkWord {
    /// The step of the ticket's workflow that it asks for.
    pub fn step(self, extension: &str) -> Advance {
        let step = Advance::to(self.as_str()).with_note("reported by phone");
        if self == WorkWord::Accepted { step.by_engineer(extension) } else { step }
    }
}

/// A ticket that somebody reports on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkFound {
    pub number: TicketNumber,
    /// Where it stands now.
    pub stage: String,
    /// Whether it got there by what was reported just now.
    pub moved: bool,
    pub about: ErrandAbout,
}
