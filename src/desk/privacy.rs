//! Who may see what of callers (R12): their numbers, whole or masked, and what was recorded of them. Every surface asks
//! here: the command line, the HTTP API, lists and logs.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::alarm::Alarm;
use super::call_record::{CallRecord, Direction};
use super::errand::ErrandRecord;
use super::journal::KeptEntry;
use super::message::Message;
use super::residents::Resident;
use super::ticket::Ticket;
use super::words::words;

/// What somebody is to the desk; those further on see all that the ones before see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Engineer,
    Receptionist,
    Supervisor,
    Administrator,
}

words!(Role {
    Engineer => "engineer",
    Receptionist => "receptionist",
    Supervisor => "supervisor",
    Administrator => "administrator",
});

/// Where it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// Many at once.
    List,
    /// One record that somebody works on.
    Record,
    /// What leaves the desk: lists in files.
    Export,
}

/// What was kept of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// What a caller said for a ticket, or left for a person.
    Recording,
    /// A talk between people.
    Talk,
    /// The SIP messages: numbers and addresses as they went over the wire.
    Signalling,
    /// All of it: a backup.
    Everything,
    /// Who heard and saw what.
    Audit,
}

impl Role {
    /// Whether callers' numbers are whole there. The engineer sees none but that of a ticket of their own; a receptionist
    /// sees the one that they work on, since they call back.
    pub fn sees_numbers(self, surface: Surface) -> bool {
        match self {
            Role::Supervisor | Role::Administrator => true,
            Role::Receptionist => surface == Surface::Record,
            Role::Engineer => false,
        }
    }

    /// Whether it may be given to them.
    pub fn may_have(self, kept: Kept) -> bool {
        let least = match kept {
            Kept::Recording => Role::Receptionist,
            Kept::Talk | Kept::Audit => Role::Supervisor,
            Kept::Signalling | Kept::Everything => Role::Administrator,
        };
        self >= least
    }
}

/// A role in front of a surface: what it makes of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight<'a> {
    pub role: Role,
    pub surface: Surface,
    /// Extension or name of whoever looks: their own tickets show an engineer whom to call.
    pub who: Option<&'a str>,
}

impl Sight<'_> {
    /// Whether they are its owner, or the engineer who was sent.
    fn is_own(self, ticket: &Ticket) -> bool {
        self.who.is_some() && [&ticket.owner, &ticket.work.engineer].iter().any(|one| one.as_deref() == self.who)
    }

    /// Whether they may change a ticket: an engineer their own ones. Else any ticket could be made one's own, and with it
    /// the customer's number and what they said.
    pub fn may_change(self, ticket: &Ticket) -> bool {
        self.role > Role::Engineer || self.is_own(ticket)
    }

    /// Whether they may give a ticket another owner; sending an engineer is a step of its way, and another matter.
    pub fn may_hand_over(self) -> bool {
        self.role > Role::Engineer
    }

    /// A call as it may be seen.
    pub fn call(self, mut call: CallRecord) -> CallRecord {
        if !self.role.sees_numbers(self.surface) {
            mask(&mut call.caller);
            // Where the desk called, that is the customer.
            if call.direction == Direction::Out {
                call.callee = mask_number(&call.callee);
            }
            mask(&mut call.diverted_from);
            mask_in_text(&mut call.caller_name);
            // What was keyed can be a number.
            for step in &mut call.path {
                mask(&mut step.input);
            }
            for leg in &mut call.legs {
                leg.place = mask_text(&leg.place).into_owned();
            }
        }
        if !self.role.may_have(Kept::Recording) {
            call.recording = None;
        }
        call
    }

    /// A ticket as it may be seen.
    pub fn ticket(self, mut ticket: Ticket) -> Ticket {
        let works_on_it = self.is_own(&ticket) && self.surface == Surface::Record;
        if !self.role.sees_numbers(self.surface) {
            mask(&mut ticket.caller);
            mask_in_text(&mut ticket.transcript);
            if !works_on_it {
                mask(&mut ticket.callback_number);
                let sheet = &mut ticket.work.sheet;
                let written = [&mut ticket.resident, &mut ticket.wanted_time, &mut ticket.description];
                let written = written.into_iter().chain([&mut sheet.work_done, &mut sheet.materials]);
                written.for_each(mask_in_text);
            }
            for event in &mut ticket.events {
                mask_in_text(&mut event.note);
            }
        }
        if !self.role.may_have(Kept::Recording) && !works_on_it {
            ticket.recording = None;
            ticket.transcript = None;
            ticket.work.feedback = None;
        }
        ticket
    }

    /// A message as it may be seen.
    pub fn message(self, mut message: Message) -> Message {
        if !self.role.sees_numbers(self.surface) {
            mask_in_text(&mut message.transcript);
            mask(&mut message.from_number);
            mask_in_text(&mut message.from_name);
            // A caller may have been told that their message has arrived.
            for attempt in &mut message.attempts {
                attempt.channel = mask_text(&attempt.channel).into_owned();
                attempt.result = mask_text(&attempt.result).into_owned();
            }
        }
        if !self.role.may_have(Kept::Recording) {
            message.recording = None;
            message.transcript = None;
        }
        message
    }

    /// A resident as they may be seen.
    pub fn resident(self, mut resident: Resident) -> Resident {
        if !self.role.sees_numbers(self.surface) {
            resident.numbers.iter_mut().for_each(|number| *number = mask_number(number));
        }
        resident
    }

    /// A call of the desk's own: a customer's number, never a person's extension.
    pub fn errand(self, mut errand: ErrandRecord) -> ErrandRecord {
        if !self.role.sees_numbers(self.surface) {
            errand.number = errand.number.as_deref().map(mask_number);
        }
        // What the customer had to say.
        if !self.role.may_have(Kept::Recording) {
            errand.comment = None;
        }
        errand
    }

    /// An alarm as it may be seen.
    pub fn alarm(self, mut alarm: Alarm) -> Alarm {
        if !self.role.sees_numbers(self.surface) {
            mask(&mut alarm.caller);
            alarm.note = mask_text(&alarm.note).into_owned();
        }
        alarm
    }

    /// An entry of the journal as it may be seen.
    pub fn entry(self, mut kept: KeptEntry) -> KeptEntry {
        if !self.role.sees_numbers(self.surface) {
            kept.entry.text = mask_text(&kept.entry.text).into_owned();
        }
        kept
    }
}

fn mask(number: &mut Option<String>) {
    if let Some(number) = number {
        *number = mask_number(number);
    }
}

fn mask_in_text(text: &mut Option<String>) {
    if let Some(text) = text {
        *text = mask_text(text).into_owned();
    }
}

/// A number of so many digits or fewer is an extension, and nobody's secret.
const EXTENSION_DIGITS: usize = 4;
/// From so many digits on the beginning and the end of a number are shown.
const LONG_DIGITS: usize = 9;
/// In a text, fewer digits than these are no telephone number.
const NUMBER_DIGITS_MIN: usize = 7;

/// `13800138000` as `138****8000`, `+8613800138000` as `+86138****8000`. Extensions stay; so does what is no number.
pub fn mask_number(number: &str) -> String {
    let mut masked = String::with_capacity(number.len());
    for_runs(number, |run, is_digits| match is_digits {
        true => masked.push_str(&mask_digits(run, EXTENSION_DIGITS)),
        false => masked.push_str(run),
    });
    masked
}

/// The same for the numbers in a text; dates, counts and ticket numbers in it stay. Mobile numbers are also found where
/// they are written in groups, or in full-width digits.
pub fn mask_text(text: &str) -> Cow<'_, str> {
    match joined(text) {
        Some(joined) => Cow::Owned(mask_runs(&joined).into_owned()),
        None => mask_runs(text),
    }
}

/// `138 0013 8000`, `138-0013-8000`, `１３８００１３８０００`: a mobile number's digits as one run. None where there is none.
fn joined(text: &str) -> Option<String> {
    let wide = text.chars().any(|c| ('０'..='９').contains(&c));
    let plain: Vec<char> =
        text.chars().map(|c| char::from_digit((c as u32).wrapping_sub('０' as u32), 10).unwrap_or(c)).collect();
    let mut out = String::with_capacity(text.len());
    let (mut at, mut found) = (0, wide);
    while at < plain.len() {
        let begins = at == 0 || !plain[at - 1].is_ascii_digit();
        match mobile(&plain[at..]).filter(|_| begins) {
            Some((number, length)) => {
                found |= length > number.len();
                out.push_str(&number);
                at += length;
            }
            None => {
                out.push(plain[at]);
                at += 1;
            }
        }
    }
    found.then_some(out)
}

/// Eleven digits from 13 to 19 on, in groups of three and twice four with one space or hyphen between; how many characters
/// they take.
fn mobile(text: &[char]) -> Option<(String, usize)> {
    let (mut number, mut at) = (String::new(), 0);
    for group in [3, 4, 4] {
        if !number.is_empty() && matches!(text.get(at), Some(' ' | '-' | '\u{3000}')) {
            at += 1;
        }
        let digits = text.get(at..at + group)?;
        if !digits.iter().all(char::is_ascii_digit) {
            return None;
        }
        number.extend(digits);
        at += group;
    }
    let is_mobile = number.starts_with('1') && matches!(number.as_bytes()[1], b'3'..=b'9');
    let ends = !text.get(at).is_some_and(char::is_ascii_digit);
    (is_mobile && ends).then_some((number, at))
}

fn mask_runs(text: &str) -> Cow<'_, str> {
    if !has_long_run(text) {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    for_runs(text, |run, is_digits| {
        rest = &rest[run.len()..];
        match is_digits && !is_ticket(run, rest) {
            true => masked.push_str(&mask_digits(run, NUMBER_DIGITS_MIN - 1)),
            false => masked.push_str(run),
        }
    });
    Cow::Owned(masked)
}

/// `20261123-0007`: a day and a count.
fn is_ticket(run: &str, rest: &str) -> bool {
    let count = rest.strip_prefix('-').and_then(|rest| rest.get(..4));
    run.len() == 8 && run.starts_with("20") && count.is_some_and(|count| count.bytes().all(|b| b.is_ascii_digit()))
}

fn has_long_run(text: &str) -> bool {
    let mut long = false;
    for_runs(text, |run, is_digits| long |= is_digits && digits(run) >= NUMBER_DIGITS_MIN);
    long
}

fn digits(run: &str) -> usize {
    run.chars().filter(char::is_ascii_digit).count()
}

/// Hands out the text in pieces, one after the other: runs of digits, and what is between them.
fn for_runs<'a>(text: &'a str, mut each: impl FnMut(&'a str, bool)) {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_digits = first.is_ascii_digit();
        let length = rest.find(|c: char| c.is_ascii_digit() != is_digits).unwrap_or(rest.len());
        let (run, after) = rest.split_at(length);
        each(run, is_digits);
        rest = after;
    }
}

fn mask_digits(run: &str, whole_max: usize) -> Cow<'_, str> {
    let length = run.len();
    if length <= whole_max {
        return Cow::Borrowed(run);
    }
    let (head, tail) = match length {
        0..LONG_DIGITS => (length.min(2) - usize::from(length <= EXTENSION_DIGITS + 2), 2),
        // With its country's code before it.
        13.. => (length - 8, 4),
        _ => (3, 4),
    };
    Cow::Owned(format!("{}{}{}", &run[..head], "*".repeat(length - head - tail), &run[length - tail..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_its_ends_and_an_extension_all_of_itself() {
        for (number, masked) in [
            ("13800138000", "138****8000"),
            ("+8613800138000", "+86138****8000"),
            ("8613800138000", "86138****8000"),
            ("057188886666", "057*****6666"),
            ("88886666", "88****66"),
            ("12345", "1**45"),
            ("201", "201"),
            ("", ""),
            ("anonymous", "anonymous"),
            ("sip:13800138000@10.0.0.5", "sip:138****8000@10.0.0.5"),
        ] {
            assert_eq!(mask_number(number), masked);
        }
    }

    #[test]
    fn in_a_text_numbers_are_masked_and_dates_counts_and_tickets_stay() {
        let text = "20261123-0007: 张伟 13800138000 asked at 2026-11-23 12:00 (123456 ms), then 0571-88886666";
        assert_eq!(
            mask_text(text),
            "20261123-0007: 张伟 138****8000 asked at 2026-11-23 12:00 (123456 ms), then 0571-88****66"
        );
        assert!(matches!(mask_text("nothing of that kind, 2026"), Cow::Borrowed(_)));
        for (text, masked) in [
            ("call 138 0013 8000, or 139-0013-9000", "call 138****8000, or 139****9000"),
            ("电话１３８００１３８０００。", "电话138****8000。"),
            ("138 0013-80001 is no mobile number", "138 0013-80001 is no mobile number"),
            ("from 2026-11-23 12:00 to 13:30, 100 2000 3000", "from 2026-11-23 12:00 to 13:30, 100 2000 3000"),
        ] {
            assert_eq!(mask_text(text), masked);
        }
    }

    #[test]
    fn what_was_written_by_hand_and_who_was_rung_is_masked_too() {
        let at: chrono::DateTime<chrono::Utc> = "2026-11-23T04:00:00Z".parse().expect("a time");
        let attempt = crate::desk::message::Attempt {
            at,
            channel: "phone: 13800138000".into(),
            result: "not_reached (13800138000 is switched off)".into(),
        };
        let message = Message {
            id: crate::types::MessageId(1),
            for_person: Some("201".into()),
            from_number: Some("13800138000".into()),
            from_name: None,
            recording: None,
            transcript: None,
            duration_ms: 0,
            left_at: at,
            relay: crate::desk::message::Relay::Confirmed,
            attempts: vec![attempt],
            incomplete: false,
            call: None,
            deleted: None,
        };
        let sight = Sight { role: Role::Receptionist, surface: Surface::List, who: Some("王芳") };
        let shown = format!("{:?}", sight.message(message.clone()));
        assert!(!shown.contains("13800138000") && shown.contains("138****8000"), "{shown}");
        let whole = Sight { role: Role::Supervisor, ..sight }.message(message.clone());
        assert_eq!(whole, message);

        let said = Some("ring 13800138000 before".to_owned());
        let sheet =
            crate::desk::workflow::WorkSheet { work_done: said.clone(), materials: said.clone(), ..Default::default() };
        let work = crate::desk::ticket::Work { engineer: Some("301".into()), sheet, ..Default::default() };
        let ticket =
            Ticket { description: said.clone(), wanted_time: said.clone(), resident: said, work, ..ticket(at) };
        let shown = format!("{:?}", sight.ticket(ticket.clone()));
        assert!(!shown.contains("13800138000"), "{shown}");
        let own = Sight { role: Role::Engineer, surface: Surface::Record, who: Some("301") }.ticket(ticket.clone());
        assert_eq!(
            (own.description, own.wanted_time),
            (ticket.description, ticket.wanted_time),
            "whom they are to ring"
        );
    }

    #[test]
    fn an_engineer_changes_their_own_tickets_alone() {
        let at: chrono::DateTime<chrono::Utc> = "2026-11-23T04:00:00Z".parse().expect("a time");
        let owned = Ticket { owner: Some("201".into()), ..ticket(at) };
        let work = crate::desk::ticket::Work { engineer: Some("301".into()), ..Default::default() };
        let sent = Ticket { work, ..owned.clone() };
        let sight = |role, who| Sight { role, surface: Surface::Record, who };
        assert!(sight(Role::Engineer, Some("201")).may_change(&owned));
        assert!(sight(Role::Engineer, Some("301")).may_change(&sent));
        for (who, ticket) in [(Some("301"), &owned), (None, &owned), (None, &Ticket { owner: None, ..owned.clone() })] {
            assert!(!sight(Role::Engineer, who).may_change(ticket), "{who:?}");
            assert!(sight(Role::Receptionist, who).may_change(ticket), "{who:?}");
        }
        assert!(!sight(Role::Engineer, Some("201")).may_hand_over() && sight(Role::Receptionist, None).may_hand_over());
    }

    fn ticket(opened_at: chrono::DateTime<chrono::Utc>) -> Ticket {
        Ticket {
            number: crate::types::TicketNumber("20261123-0001".into()),
            kind: crate::desk::ticket::Kind::Repair,
            class: crate::desk::ticket::Class::B,
            urgency: None,
            category: None,
            channel: crate::desk::ticket::Channel::Phone,
            status: "open".into(),
            stage: "reported".into(),
            owner: None,
            caller: None,
            callback_number: None,
            building: None,
            room: None,
            resident: None,
            wanted_time: None,
            key_left: None,
            description: None,
            recording: None,
            transcript: None,
            opened_at,
            due: Default::default(),
            events: Vec::new(),
            incomplete: false,
            call: None,
            version: 1,
            work: Default::default(),
        }
    }

    #[test]
    fn each_role_sees_what_its_work_needs() {
        use Surface::{Export, List, Record};
        let sees = |role: Role| [List, Record, Export].map(|surface| role.sees_numbers(surface));
        assert_eq!(sees(Role::Engineer), [false, false, false]);
        assert_eq!(sees(Role::Receptionist), [false, true, false]);
        assert_eq!(sees(Role::Supervisor), [true; 3]);
        let has = |role: Role| {
            [Kept::Recording, Kept::Talk, Kept::Signalling, Kept::Everything, Kept::Audit]
                .map(|kept| role.may_have(kept))
        };
        assert_eq!(has(Role::Engineer), [false; 5]);
        assert_eq!(has(Role::Receptionist), [true, false, false, false, false]);
        assert_eq!(has(Role::Supervisor), [true, true, false, false, true]);
        assert_eq!(has(Role::Administrator), [true; 5]);
    }

    #[test]
    fn nothing_of_any_text_makes_it_panic_and_no_long_number_gets_through() {
        for text in ["张1234567890伟", "１２３４５６７８９０", "+", "1234567-", "20261123-", "20261123-00070000000"]
        {
            for_runs(&mask_text(text), |run, is_digits| {
                assert!(!is_digits || run.len() < NUMBER_DIGITS_MIN || text.contains(&format!("{run}-0007")), "{text}");
            });
        }
    }
}
