//! What the desk's people open, change and close by hand, and what the rule book asks of it (R13, R20, R36, R39).

use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;

use super::category;
use super::report::table::{Both, Tongue};
use super::report::tables::kind_name;
use super::ticket::{Channel, Class, Kind, Urgency};
use super::told::{Told, told};
use crate::types::CallId;

/// The texts that an edit and a ticket by hand have both, each with what it is called.
macro_rules! texts {
    ($of:expr) => {
        [
            (&Both::new("类别", "category"), &$of.category),
            (&Both::new("受理人", "owner"), &$of.owner),
            (&Both::new("回电号码", "callback_number"), &$of.callback_number),
            (&Both::new("楼栋", "building"), &$of.building),
            (&Both::new("房号", "room"), &$of.room),
            (&Both::new("住户", "resident"), &$of.resident),
            (&Both::new("期望时间", "wanted_time"), &$of.wanted_time),
            (&Both::new("内容", "description"), &$of.description),
        ]
        .into_iter()
    };
}

const CALLER: Both = Both::new("来电号码", "caller");

/// Fields to change; `None` leaves one as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
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
    pub fn check(&self) -> Result<(), Told> {
        if *self == Self::default() {
            return Err(told!("没有填写任何要修改的内容", "nothing to change was given"));
        }
        if let Some(told) = too_long(texts!(self)) {
            return Err(told);
        }
        match &self.owner {
            Some(owner) if owner.trim().is_empty() => Err(told!(
                "工单必须有受理人（R13）：请填写接手的人或部门",
                "a ticket always has an owner (R13): name the person or department that takes it"
            )),
            _ => Ok(()),
        }
    }
}

/// How a ticket is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closing {
    /// It is dealt with; the note says how.
    Done { note: String },
    /// The customer takes it back, or it was a mistake or said twice; the note says which.
    Withdrawn { note: String },
    /// It is another's matter: the customer was told whose, and how to reach them (R20).
    Referred { department: String, contact: String, note: String },
}

impl Closing {
    /// What is wrong with it, if anything is (R20).
    pub fn check(&self) -> Result<(), Told> {
        match self {
            Closing::Done { note } | Closing::Withdrawn { note } if note.trim().is_empty() => Err(told!(
                "关闭工单要写明怎样办结，或为什么不办（R20）",
                "a ticket is closed with a note that says what was done, or why not (R20)"
            )),
            Closing::Referred { department, contact, .. }
                if department.trim().is_empty() || contact.trim().is_empty() =>
            {
                Err(told!(
                    "转由他方办理的，要写明告知客户的部门和联系方式（R20）",
                    "a matter of others needs the department and the contact that the customer was given (R20)"
                ))
            }
            Closing::Done { .. } | Closing::Withdrawn { .. } | Closing::Referred { .. } => Ok(()),
        }
    }

    /// Word and note of its line in the ticket's history.
    pub fn event(&self) -> (&'static str, String) {
        match self {
            Closing::Done { note } => ("closed", note.trim().to_owned()),
            Closing::Withdrawn { note } => ("withdrawn", note.trim().to_owned()),
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

/// What somebody who came, wrote or was called wants (R39); a repair's caller may also be written down by hand.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandTicket {
    pub kind: Kind,
    pub channel: Channel,
    /// Of a request for help; others have the one of their kind (R18).
    #[serde(default)]
    pub class: Option<Class>,
    #[serde(default)]
    pub urgency: Option<Urgency>,
    #[serde(default)]
    pub category: Option<String>,
    /// The desk, where nobody is named.
    #[serde(default)]
    pub owner: Option<String>,
    /// The number that it came from, where there is one.
    #[serde(default)]
    pub caller: Option<String>,
    #[serde(default)]
    pub callback_number: Option<String>,
    #[serde(default)]
    pub building: Option<String>,
    #[serde(default)]
    pub room: Option<String>,
    #[serde(default)]
    pub resident: Option<String>,
    #[serde(default)]
    pub wanted_time: Option<String>,
    #[serde(default)]
    pub key_left: Option<bool>,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub serious: bool,
    /// The call in which somebody was told of it.
    #[serde(default)]
    pub call: Option<CallId>,
}

/// Characters of one field.
const FIELD_MAX: usize = 4_000;

/// What is told of the first field that is too long.
fn too_long<'t>(mut fields: impl Iterator<Item = (&'t Both, &'t Option<String>)>) -> Option<Told> {
    let is_long = |text: &Option<String>| text.as_ref().is_some_and(|text| text.chars().count() > FIELD_MAX);
    let (Both { zh, en }, _) = fields.find(|(_, text)| is_long(text))?;
    Some(told!("“{zh}”太长：最多 {FIELD_MAX} 个字", "{en} is longer than {FIELD_MAX} characters"))
}

impl HandTicket {
    pub fn new(kind: Kind, channel: Channel) -> Self {
        Self {
            kind,
            channel,
            class: None,
            urgency: None,
            category: None,
            owner: None,
            caller: None,
            callback_number: None,
            building: None,
            room: None,
            resident: None,
            wanted_time: None,
            key_left: None,
            description: None,
            serious: false,
            call: None,
        }
    }

    /// Its class: that of its kind, or of its category (R18).
    pub fn class(&self) -> Class {
        let of_category = || self.category.as_deref().and_then(category::find).map(|found| found.class);
        match self.kind {
            Kind::Repair => Class::B,
            Kind::Complaint => Class::C,
            Kind::Inquiry => Class::D,
            Kind::Help => self.class.or_else(of_category).unwrap_or(Class::G),
        }
    }

    /// The urgency that its category has, where none is given (R21, R22).
    #[must_use]
    pub fn with_urgency_of_category(mut self) -> Self {
        let of_category = self.category.as_deref().and_then(category::find).filter(|found| found.kind == self.kind);
        self.urgency = self.urgency.or_else(|| of_category.and_then(|found| found.urgency));
        self
    }

    /// What is wrong with it, if anything is.
    pub fn check(&self) -> Result<(), Told> {
        if let Some(told) = too_long(texts!(self).chain([(&CALLER, &self.caller)])) {
            return Err(told);
        }
        let of_other = |key: &str| category::find(key).filter(|found| found.kind != self.kind);
        if let Some(found) = self.category.as_deref().and_then(of_other) {
            let (category, theirs, own) = (found.key, found.kind, self.kind);
            let (name, zh) = (found.zh, kind_name(own, Tongue::Zh));
            return Err(told!(
                "类别“{name}”不属于{zh}：请重选类别或类型",
                "the category `{category}` is one of a {theirs}, not of a {own}"
            ));
        }
        if self.serious && self.kind != Kind::Complaint {
            return Err(told!("只有投诉可列为重大上报（R38）", "only complaints are reported up as serious (R38)"));
        }
        Ok(())
    }
}

/// What a customer was told of a matter that lasts (R36).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Why it lasts.
    pub note: String,
    /// By when they will hear.
    pub until: Option<DateTime<Utc>>,
}

impl Progress {
    /// What is wrong with it, if anything is.
    pub fn check(&self, now: DateTime<Utc>) -> Result<(), Told> {
        if self.note.trim().is_empty() {
            return Err(told!(
                "请写明拖延的原因，即告知客户的内容（R36）",
                "say why it lasts: the customer was told so (R36)"
            ));
        }
        match self.until {
            Some(until) if until <= now => {
                Err(told!("答复客户的期限已经过去", "the time by which the customer will hear is over already"))
            }
            _ => Ok(()),
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
    fn a_text_is_long_in_characters_and_named_in_the_readers_language() {
        let edit = |text: String| TicketEdit { description: Some(text), ..TicketEdit::default() };
        assert_eq!(edit("字".repeat(FIELD_MAX)).check(), Ok(()));
        let told = edit("字".repeat(FIELD_MAX + 1)).check().expect_err("it is too long");
        assert_eq!(told.of(Tongue::Zh), "“内容”太长：最多 4000 个字");
        let mut ticket = HandTicket::new(Kind::Repair, Channel::Phone);
        ticket.caller = Some("1".repeat(FIELD_MAX + 1));
        let told = ticket.check().expect_err("it is too long");
        assert_eq!(told.to_string(), "caller is longer than 4000 characters");
    }

    #[test]
    fn r13_an_owner_can_be_changed_but_not_taken_away() {
        let edit = |owner: &str| TicketEdit { owner: Some(owner.into()), ..TicketEdit::default() };
        assert!(edit(" ").check().is_err());
        assert!(edit("张伟").check().is_ok());
        assert!(TicketEdit::default().check().is_err());
    }
}
