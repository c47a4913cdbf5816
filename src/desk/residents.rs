//! Who lives where, and from which numbers they call (R11). A caller is found by exactly their number, or not at all.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::report::table::{Both, Tongue};
use super::told::{Told, told};
use crate::types::{NumberPlan, TicketNumber};

/// Characters of one field.
const FIELD_MAX: usize = 64;
/// Numbers of one resident.
const NUMBERS_MAX: usize = 8;

/// Somebody who lives here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Resident {
    /// 0 until it is kept.
    pub id: i64,
    pub building: String,
    pub room: String,
    pub name: String,
    /// As `[numbers]` writes them.
    pub numbers: Vec<String>,
    pub note: Option<String>,
}

/// What is wrong with a field, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub what: Told,
    pub remedy: Both,
}

impl Fault {
    fn new(what: Told, zh: &'static str, en: &'static str) -> Self {
        Self { what, remedy: Both::new(zh, en) }
    }

    /// Both in one line.
    pub fn told(&self) -> Told {
        let (zh, Both { zh: remedy, en }) = (self.what.of(Tongue::Zh), self.remedy);
        let what = &self.what;
        told!("{zh}；{remedy}", "{what}; {en}")
    }
}

impl Resident {
    /// The numbers in one cell of a spreadsheet, as a list of residents is read again: a space stands inside of a number.
    pub fn numbers_cell(&self) -> String {
        self.numbers.join("/")
    }

    /// From what was written, with its numbers in the form in which callers are looked up.
    pub fn new(building: &str, room: &str, name: &str, numbers: &[&str], plan: &NumberPlan) -> Result<Self, Fault> {
        let field = |zh: &str, en: &str, text: &str| {
            let text = text.trim();
            if text.is_empty() {
                let what = told!("没有{zh}", "there is no {en}");
                return Err(Fault::new(what, "请写楼号、房号和姓名", "write building, room and name"));
            }
            if text.chars().count() > FIELD_MAX || text.chars().any(char::is_control) {
                let what = told!(
                    "{zh}超过 {FIELD_MAX} 个字，或含有控制字符",
                    "the {en} is longer than {FIELD_MAX} characters, or has control characters"
                );
                return Err(Fault::new(what, "请缩短", "shorten it"));
            }
            Ok(text.to_owned())
        };
        let mut kept: Vec<String> = Vec::new();
        for number in numbers.iter().map(|number| number.trim()).filter(|number| !number.is_empty()) {
            let digits = number.chars().filter(char::is_ascii_digit).count();
            let plain = |c: char| c.is_ascii_digit() || "+-() .".contains(c);
            if !(3..=20).contains(&digits) || !number.chars().all(plain) {
                return Err(Fault::new(
                    told!("`{number}` 不是电话号码", "`{number}` is no telephone number"),
                    "请写作 13800138000、010-62001234 或 +86 138 0013 8000",
                    "write it as 13800138000, 010-62001234 or +86 138 0013 8000",
                ));
            }
            let number = in_one_form(number, plan);
            if !kept.contains(&number) {
                kept.push(number);
            }
        }
        if kept.len() > NUMBERS_MAX {
            let count = kept.len();
            let what = told!("一位住户有 {count} 个号码", "{count} numbers of one resident");
            return Err(Fault::new(what, "最多八个", "write at most eight"));
        }
        let building = field("楼号", "building", building)?;
        let (room, name) = (field("房号", "room", room)?, field("姓名", "name", name)?);
        Ok(Self { id: 0, building, room, name, numbers: kept, note: None })
    }
}

/// A number as callers are written in the log.
pub fn in_one_form(number: &str, plan: &NumberPlan) -> String {
    let bare: String = number.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
    plan.dialled(&bare)
}

/// What a new list makes of the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct ListChange {
    pub added: usize,
    pub changed: usize,
    /// As they were.
    pub left: usize,
    pub removed: usize,
}

/// What a new list would do to one resident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResidentChange {
    Added(Resident),
    Changed { before: Resident, after: Resident },
    Removed(Resident),
}

/// What a new list would make of the old one, before it does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListPreview {
    pub change: ListChange,
    /// The first of them, as many as were asked for.
    pub rows: Vec<ResidentChange>,
    /// Another one for every other change, also where it is not among the rows.
    pub digest: String,
}

/// A place that a caller's number belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    pub building: String,
    pub room: String,
    /// Where it is one resident's alone: who of several calls is not guessed.
    pub resident: Option<String>,
    /// Tickets that are open for it.
    pub open: u32,
}

/// A repair that is under way already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRepair {
    pub number: TicketNumber,
    pub stage: String,
    pub category: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_becomes_a_resident_with_numbers_as_callers_have_them() {
        let plan = NumberPlan::default();
        let numbers = ["138 0013-8000", "+86 138 0013 8000", ""];
        let resident = Resident::new(" 3 ", "1201", "李四", &numbers, &plan).expect("it is right");
        assert_eq!((resident.building.as_str(), resident.numbers.len()), ("3", 1), "{resident:?}");
        assert_eq!(resident.numbers[0], "13800138000");
        for (building, room, name, number) in [
            ("", "1", "x", "13800138000"),
            ("1", "1", " ", ""),
            ("1", "1", "x", "12"),
            ("1", "1", "x", "=1+1 13800138000"),
        ] {
            assert!(
                Resident::new(building, room, name, &[number], &plan).is_err(),
                "{building} {room} {name} {number}"
            );
        }
    }
}
