//! Whether a record, as it is shown, tells a caller's number in full or leads to what was recorded of them: then who it
//! was shown to is written down (R12): it looks where `privacy` masks. In a list a recording does not count, for whoever
//! hears it is written down for that; what was said, as text, does.

use super::alarm::Alarm;
use super::call_record::{CallRecord, Direction};
use super::errand::ErrandRecord;
use super::journal::KeptEntry;
use super::message::Message;
use super::privacy::{Surface, mask_number, mask_text};
use super::residents::Resident;
use super::ticket::Ticket;

impl CallRecord {
    pub fn shows(&self, surface: Surface) -> bool {
        let customer = match self.direction {
            Direction::In => None,
            Direction::Out => Some(self.callee.as_str()),
        };
        let keyed = self.path.iter().map(|step| step.input.as_deref());
        let numbers = [self.caller.as_deref(), self.diverted_from.as_deref(), customer];
        leads(surface, self.recording.is_some())
            || numbers.into_iter().chain(keyed).any(is_whole)
            || self.caller_name.as_deref().is_some_and(has_number)
            || self.legs.iter().any(|leg| has_number(&leg.place))
    }
}

impl Ticket {
    pub fn shows(&self, surface: Surface) -> bool {
        let sheet = &self.work.sheet;
        let texts = [&self.resident, &self.wanted_time, &self.description, &sheet.work_done, &sheet.materials];
        let notes = self.events.iter().map(|event| &event.note);
        leads(surface, self.recording.is_some() || self.work.feedback.is_some())
            || [&self.caller, &self.callback_number].into_iter().any(|number| is_whole(number.as_deref()))
            || self.transcript.is_some()
            || texts.into_iter().chain(notes).flatten().any(|text| has_number(text))
    }
}

impl Message {
    pub fn shows(&self, surface: Surface) -> bool {
        leads(surface, self.recording.is_some())
            || is_whole(self.from_number.as_deref())
            || self.transcript.is_some()
            || self.from_name.as_deref().is_some_and(has_number)
            || self.attempts.iter().any(|attempt| has_number(&attempt.channel) || has_number(&attempt.result))
    }
}

impl Alarm {
    pub fn shows(&self) -> bool {
        is_whole(self.caller.as_deref()) || has_number(&self.note)
    }
}

impl KeptEntry {
    pub fn shows(&self) -> bool {
        has_number(&self.entry.text)
    }
}

impl Resident {
    pub fn shows(&self) -> bool {
        self.numbers.iter().any(|number| is_whole(Some(number)))
    }
}

impl ErrandRecord {
    pub fn shows(&self, surface: Surface) -> bool {
        leads(surface, self.comment.is_some()) || is_whole(self.number.as_deref())
    }
}

fn leads(surface: Surface, recorded: bool) -> bool {
    recorded && surface != Surface::List
}

/// A number of which nothing is hidden, and that is more than an extension.
fn is_whole(number: Option<&str>) -> bool {
    number.is_some_and(|number| !number.contains('*') && mask_number(number) != number)
}

fn has_number(text: &str) -> bool {
    mask_text(text) != text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_is_told_from_a_masked_one_and_from_an_extension() {
        for (number, whole) in
            [("13800138000", true), ("138****8000", false), ("+86138****8000", false), ("201", false)]
        {
            assert_eq!(is_whole(Some(number)), whole, "{number}");
            assert!(!is_whole(Some(&mask_number(number))), "{number}: what is masked is not whole");
        }
        assert!(!is_whole(None));
        assert!(has_number("called from 13800138000") && !has_number("ticket 20261123-0007 is overdue"));
    }

    #[test]
    fn what_a_sight_hides_is_not_shown() {
        use super::super::privacy::{Role, Sight};
        let resident = Resident {
            id: 1,
            building: "3".to_owned(),
            room: "1201".to_owned(),
            name: "李四".to_owned(),
            numbers: vec!["13800138000".to_owned()],
            note: None,
        };
        let shows = |role, surface| Sight { role, surface, who: None }.resident(resident.clone()).shows();
        assert!(shows(Role::Supervisor, Surface::List) && shows(Role::Receptionist, Surface::Record));
        assert!(!shows(Role::Receptionist, Surface::List) && !shows(Role::Engineer, Surface::Record));
    }
}
