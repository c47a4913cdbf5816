//! What the desk's people change in a ticket by hand, and what the rule book asks of it (R13, R20).

use super::ticket::Urgency;

/// Fields to change; `None` leaves one as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TicketEdit {
    pub owner: Option<String>,
    pub urgency: Option<Urgency>,
    pub category: Option<String>,
    pub callback_number: Option<String>,
    pub building: Option<String>,
    pub room: Option<String>,
    pub resident: Option<String>,
    pub wanted_time: Option<String>,
    pub key_left: Option<bool>,
    pub description: Option<String>,
}

impl TicketEdit {
    /// What is wrong with it, if anything is.
    pub fn check(&self) -> Result<(), String> {
        if *self == Self::default() {
            return Err("nothing to change was given".to_owned());
        }
        match &self.owner {
            Some(owner) if owner.trim().is_empty() => {
                Err("a ticket always has an owner (R13): name the person or department that takes it".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// How a ticket is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closing {
    /// It is dealt with; the note says how.
    Done { note: String },
    /// It is another's matter: the customer was told whose, and how to reach them (R20).
    Referred { department: String, contact: String, note: String },
}

impl Closing {
    /// What is wrong with it, if anything is (R20).
    pub fn check(&self) -> Result<(), String> {
        match self {
            Closing::Done { note } if note.trim().is_empty() => {
                Err("a ticket is closed with a note that says what was done (R20)".to_owned())
            }
            Closing::Referred { department, contact, .. }
                if department.trim().is_empty() || contact.trim().is_empty() =>
            {
                Err("a matter of others needs the department and the contact that the customer was given (R20)"
                    .to_owned())
            }
            Closing::Done { .. } | Closing::Referred { .. } => Ok(()),
        }
    }

    /// Word and note of its line in the ticket's history.
    pub fn event(&self) -> (&'static str, String) {
        match self {
            Closing::Done { note } => ("closed", note.trim().to_owned()),
            Closing::Referred { department, contact, note } => {
                let mut line = format!("{}, {}", department.trim(), contact.trim());
                if !note.trim().is_empty() {
                    line.push_str(": ");
                    line.push_str(note.trim());
                }
                ("closed_referred", line)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r20_no_ticket_is_closed_without_saying_how_or_whose_it_is() {
        assert!(Closing::Done { note: "  ".into() }.check().is_err());
        assert!(Closing::Done { note: "washer replaced".into() }.check().is_ok());
        let to = |department: &str, contact: &str| Closing::Referred {
            department: department.into(),
            contact: contact.into(),
            note: String::new(),
        };
        assert!(to("街道办", "").check().is_err());
        assert!(to("", "62001234").check().is_err());
        assert!(to("街道办", "62001234").check().is_ok());
        assert_eq!(to("街道办", "62001234").event(), ("closed_referred", "街道办, 62001234".to_owned()));
    }

    #[test]
    fn r13_an_owner_can_be_changed_but_not_taken_away() {
        let edit = |owner: &str| TicketEdit { owner: Some(owner.into()), ..TicketEdit::default() };
        assert!(edit(" ").check().is_err());
        assert!(edit("张伟").check().is_ok());
        assert!(TicketEdit::default().check().is_err());
    }
}
