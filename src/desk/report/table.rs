//! Reports as tables, for spreadsheets and paper: headings and names in Chinese and English.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::desk::words::words;
use crate::types::Lang;

/// The language of headings and names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tongue {
    Zh,
    En,
}

words!(Tongue { Zh => "zh", En => "en" });

impl Tongue {
    /// The one for whoever reads that language: English for those whom neither is meant for.
    pub fn of(lang: &Lang) -> Tongue {
        lang.0.parse().unwrap_or(Tongue::En)
    }
}

/// One text in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Both {
    pub zh: &'static str,
    pub en: &'static str,
}

impl Both {
    pub const fn new(zh: &'static str, en: &'static str) -> Self {
        Self { zh, en }
    }

    pub const fn of(self, tongue: Tongue) -> &'static str {
        match tongue {
            Tongue::Zh => self.zh,
            Tongue::En => self.en,
        }
    }
}

/// A column: its name for programs, its heading for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heading {
    pub key: &'static str,
    pub text: Both,
    /// Whether a terminal has room for it.
    pub narrow: bool,
}

/// A heading that a terminal has room for.
pub const fn heading(key: &'static str, zh: &'static str, en: &'static str) -> Heading {
    Heading { key, text: Both::new(zh, en), narrow: true }
}

/// One that is for wide tables alone.
pub const fn wide(key: &'static str, zh: &'static str, en: &'static str) -> Heading {
    Heading { key, text: Both::new(zh, en), narrow: false }
}

/// What stands in a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell {
    /// It does not apply, or there is nothing to divide by.
    Empty,
    Count(u64),
    /// From 0 to 1.
    Share(f64),
    /// Milliseconds.
    Ms(u64),
}

impl From<u64> for Cell {
    fn from(count: u64) -> Self {
        Cell::Count(count)
    }
}

impl From<Option<u64>> for Cell {
    fn from(count: Option<u64>) -> Self {
        count.map_or(Cell::Empty, Cell::Count)
    }
}

impl From<Option<f64>> for Cell {
    fn from(share: Option<f64>) -> Self {
        share.map_or(Cell::Empty, Cell::Share)
    }
}

/// A time in ms, where there is one.
pub fn ms(value: Option<u64>) -> Cell {
    value.map_or(Cell::Empty, Cell::Ms)
}

impl Cell {
    /// For spreadsheets: numbers that can be reckoned with.
    pub fn plain(self) -> String {
        match self {
            Cell::Empty => String::new(),
            Cell::Count(count) => count.to_string(),
            Cell::Share(share) => format!("{share:.4}"),
            Cell::Ms(ms) => ms.to_string(),
        }
    }

    /// For people: `97.50%`, `4.2 s`, `1:05:00`.
    pub fn shown(self) -> String {
        match self {
            Cell::Empty => String::new(),
            Cell::Count(count) => count.to_string(),
            Cell::Share(share) => format!("{:.2}%", share * 100.0),
            Cell::Ms(ms) if ms < 60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
            Cell::Ms(ms) => format!("{}:{:02}:{:02}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60),
        }
    }
}

/// What a row sums up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Total,
    Time,
    Branch,
    Trunk,
    Outgoing,
    Category,
    Clock,
    Owner,
    Kind,
    Person,
}

words!(Part {
    Total => "total",
    Time => "time",
    Branch => "branch",
    Trunk => "trunk",
    Outgoing => "outgoing",
    Category => "category",
    Clock => "clock",
    Owner => "owner",
    Kind => "kind",
    Person => "person",
});

impl Part {
    pub const fn text(self) -> Both {
        match self {
            Part::Total => Both::new("合计", "Total"),
            Part::Time => Both::new("时段", "Time"),
            Part::Branch => Both::new("菜单分支", "Menu branch"),
            Part::Trunk => Both::new("中继", "Trunk"),
            Part::Outgoing => Both::new("呼出", "Outgoing calls"),
            Part::Category => Both::new("类别", "Category"),
            Part::Clock => Both::new("时限", "Promise of time"),
            Part::Owner => Both::new("受理人", "Owner"),
            Part::Kind => Both::new("报事类型", "Kind"),
            Part::Person => Both::new("收信人", "For"),
        }
    }
}

/// One row: as many cells as the table has headings.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub part: Part,
    /// The hour or day, the branch, trunk, owner and so on; empty for the whole.
    pub name: String,
    pub cells: Vec<Cell>,
}

impl Row {
    pub fn new(part: Part, name: impl Into<String>, cells: Vec<Cell>) -> Self {
        Self { part, name: name.into(), cells }
    }
}

/// A report as one table. Rows of one part stand together.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub title: Both,
    pub headings: &'static [Heading],
    pub rows: Vec<Row>,
}

impl Table {
    /// The names of a row's part, of the row, and of the columns that are wanted: in a language, or as programs know them.
    pub fn header(&self, tongue: Option<Tongue>, wanted: impl Fn(&&Heading) -> bool) -> Vec<&'static str> {
        let words = |key: &'static str, text: Both| tongue.map_or(key, |tongue| text.of(tongue));
        let first = [words("part", Both::new("项目", "Part")), words("name", Both::new("名称", "Name"))];
        let rest = self.headings.iter().filter(wanted).map(|heading| words(heading.key, heading.text));
        first.into_iter().chain(rest).collect()
    }

    /// The cells of a row under that header.
    pub fn cells(
        &self,
        row: &Row,
        tongue: Option<Tongue>,
        wanted: impl Fn(&&Heading) -> bool,
        written: impl Fn(Cell) -> String,
    ) -> Vec<String> {
        let part = tongue.map_or(row.part.as_str(), |tongue| row.part.text().of(tongue)).to_owned();
        let figures = self.headings.iter().zip(&row.cells).filter(|(heading, _)| wanted(heading));
        [part, row.name.clone()].into_iter().chain(figures.map(|(_, cell)| written(*cell))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_numbers_for_programs_and_read_well_for_people() {
        let cells = [Cell::Empty, Cell::Count(7), Cell::Share(0.975), Cell::Ms(4_250), Cell::Ms(3_900_000)];
        assert_eq!(cells.map(Cell::plain), ["", "7", "0.9750", "4250", "3900000"]);
        assert_eq!(cells.map(Cell::shown), ["", "7", "97.50%", "4.2 s", "1:05:00"]);
    }
}
