//! A report as a page: a table for each of its parts.

use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{Letterhead, SheetError, page};
use crate::desk::report::table::{Cell, Part, Table};

/// What stands above the figures.
#[derive(Debug, Clone)]
pub struct ReportHead {
    /// From when to when, in words: `2026-11-01 00:00 – 2026-12-01 00:00`.
    pub period: String,
    /// What the reader must know of the definitions.
    pub note: String,
}

impl ReportHead {
    /// Of a period that may be open at either end.
    pub fn new(since: Option<DateTime<Utc>>, until: Option<DateTime<Utc>>, zone: Tz, note: String) -> Self {
        let time = |at: Option<DateTime<Utc>>| {
            at.map_or("…".to_owned(), |at| at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string())
        };
        Self { period: format!("{} – {}", time(since), time(until)), note }
    }
}

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage {
    lang: &'static str,
    desk: String,
    title: &'static str,
    period: String,
    zone: String,
    sections: Vec<Section>,
    note: String,
    printed: String,
}

struct Section {
    title: &'static str,
    name_label: &'static str,
    headings: Vec<&'static str>,
    rows: Vec<Line>,
}

struct Line {
    name: String,
    cells: Vec<String>,
}

/// The page of a report.
///
/// # Errors
/// Never in practice: the template is part of the program.
pub fn report(table: &Table, about: &ReportHead, head: &Letterhead) -> Result<String, SheetError> {
    let parts = Part::ALL.iter().filter_map(|part| section(table, *part, head));
    page(&ReportPage {
        lang: head.lang(),
        desk: head.desk.clone(),
        title: table.title.of(head.tongue),
        period: about.period.clone(),
        zone: head.time_zone.to_string(),
        sections: parts.collect(),
        note: about.note.clone(),
        printed: format!("{} {}", head.say("打印时间", "Printed"), head.time(head.printed_at)),
    })
}

/// The rows of one part, without the columns that say nothing in any of them.
fn section(table: &Table, part: Part, head: &Letterhead) -> Option<Section> {
    let rows: Vec<_> = table.rows.iter().filter(|row| row.part == part).collect();
    let first = rows.first()?;
    let used: Vec<usize> =
        (0..first.cells.len()).filter(|at| rows.iter().any(|row| row.cells.get(*at) != Some(&Cell::Empty))).collect();
    let line = |row: &&crate::desk::report::table::Row| Line {
        name: row.name.clone(),
        cells: used.iter().filter_map(|at| row.cells.get(*at)).map(|cell| cell.shown()).collect(),
    };
    Some(Section {
        title: part.text().of(head.tongue),
        name_label: if part == Part::Total { "" } else { part.text().of(head.tongue) },
        headings: used.iter().filter_map(|at| table.headings.get(*at)).map(|h| h.text.of(head.tongue)).collect(),
        rows: rows.iter().map(line).collect(),
    })
}
