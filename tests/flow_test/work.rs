//! The ticket that the staff report on.

use frontdesk::desk::errand::ErrandAbout;
use frontdesk::desk::ticket::Urgency;
use frontdesk::desk::work_report::{WorkFound, WorkWord};
use frontdesk::types::{RecordingId, TicketNumber};

pub const NUMBER: &str = "20261123-0007";

#[derive(Debug)]
pub struct WorkBook {
    stage: &'static str,
}

impl Default for WorkBook {
    fn default() -> Self {
        Self { stage: "dispatched" }
    }
}

impl WorkBook {
    /// By its whole number or its serial.
    pub fn find(&self, digits: &str) -> Option<WorkFound> {
        matches!(digits, "7" | "0007" | "202611230007").then(|| self.found(false))
    }

    /// Only the step that follows is made.
    pub fn report(&mut self, word: WorkWord) -> WorkFound {
        let next = match self.stage {
            "dispatched" => "accepted",
            "accepted" => "on_site",
            _ => "repaired",
        };
        let moved = word.as_str() == next && self.stage != "repaired";
        if moved {
            self.stage = next;
        }
        self.found(moved)
    }

    fn found(&self, moved: bool) -> WorkFound {
        let about = ErrandAbout {
            urgency: Some(Urgency::Urgent),
            category: Some("lift".to_owned()),
            building: Some("3".to_owned()),
            recording: Some(RecordingId("said.wav".to_owned())),
            ..ErrandAbout::default()
        };
        WorkFound { number: TicketNumber(NUMBER.to_owned()), stage: self.stage.to_owned(), moved, about }
    }
}
