//! How lists are written: aligned for people, JSON for programs, CSV for spreadsheets.

use std::borrow::Cow;
use std::io::Write;

use serde::Serialize;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::context::CliError;
use crate::sheets::spreadsheet;

/// The widest cell of a table, in columns of the terminal; longer ones are cut with an ellipsis.
const CELL_COLUMNS_MAX: usize = 40;

/// `--json` and `--csv`, the same for every list.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct FormatArgs {
    /// Write JSON, for programs
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,
    /// Write CSV, for spreadsheets
    #[arg(long)]
    pub csv: bool,
}

/// One column of a list: its heading, how a record fills it, and whether the table for people has room for it.
pub struct Column<T> {
    pub name: &'static str,
    pub in_table: bool,
    pub cell: fn(&T, chrono_tz::Tz) -> String,
}

/// Writes a list as table or CSV. The CSV has every column, the table those that people look for.
pub fn list<T>(
    out: &mut dyn Write,
    format: FormatArgs,
    columns: &[Column<T>],
    records: &[T],
    time_zone: chrono_tz::Tz,
) -> Result<(), CliError> {
    let chosen: Vec<_> = columns.iter().filter(|c| format.csv || c.in_table).collect();
    let header: Vec<&str> = chosen.iter().map(|c| c.name).collect();
    let rows = records.iter().map(|r| chosen.iter().map(|c| (c.cell)(r, time_zone)).collect());
    if format.csv { csv(out, &header, rows) } else { table(out, &header, &rows.collect::<Vec<_>>()) }
}

/// Writes a value as JSON with line breaks.
pub fn json(out: &mut dyn Write, value: &impl Serialize) -> Result<(), CliError> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)?;
    Ok(())
}

/// Writes CSV as Excel reads it.
pub fn csv(out: &mut dyn Write, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Result<(), CliError> {
    Ok(spreadsheet::write(out, header, rows)?)
}

/// Writes an aligned table; Chinese characters take two columns.
pub fn table(out: &mut dyn Write, header: &[&str], rows: &[Vec<String>]) -> Result<(), CliError> {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| shown(cell)).collect()).collect();
    let mut widths: Vec<usize> = header.iter().map(|h| h.width()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let header: Vec<String> = header.iter().map(|h| (*h).to_owned()).collect();
    for row in std::iter::once(&header).chain(&rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width + 2 - cell.width()));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Writes `name: value` lines, aligned, leaving out what is empty.
pub fn details(out: &mut dyn Write, lines: &[(&str, String)]) -> Result<(), CliError> {
    let width = lines.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
    for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(out, "{name}{}  {}", " ".repeat(width - name.width()), printable(value))?;
    }
    Ok(())
}

/// Text from outside without its control characters: a display name must not steer the terminal.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_unprintable) {
        Cow::Owned(text.chars().map(|c| if is_unprintable(c) { '\u{fffd}' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// What drives a terminal, or turns the direction of the text behind it: a caller's name would show another line than
/// there is.
fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// An optional cell: nothing is an empty one.
pub fn or_empty(value: &Option<impl ToString>) -> String {
    value.as_ref().map(ToString::to_string).unwrap_or_default()
}

/// A cell as the table shows it: printable, and not wider than there is room for.
fn shown(cell: &str) -> String {
    fitting(cell, CELL_COLUMNS_MAX)
}

/// Columns of the terminal that a text takes.
pub fn columns(text: &str) -> usize {
    text.width()
}

/// A text that is printable and not wider than so many columns; what is cut off is an ellipsis.
pub fn fitting(text: &str, columns_max: usize) -> String {
    let cell = printable(text);
    if cell.width() <= columns_max {
        return cell.into_owned();
    }
    let mut width = 0;
    let mut cut: String = cell
        .chars()
        .take_while(|c| {
            width += c.width().unwrap_or(0);
            width < columns_max
        })
        .collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn nothing_from_outside_steers_a_terminal_or_turns_its_text() {
        assert_eq!(printable("\u{1b}[2J\u{9b}a"), "\u{fffd}[2J\u{fffd}a");
        assert_eq!(printable("\u{202e}gnp.exe\u{2066}\u{200f}"), "\u{fffd}gnp.exe\u{fffd}\u{fffd}");
        assert_eq!(printable("张伟 José"), "张伟 José");
    }

    #[test]
    fn chinese_names_keep_the_columns_straight() {
        let rows = vec![vec!["张伟".to_owned(), "1".to_owned()], vec!["Li".to_owned(), "22".to_owned()]];
        let table = text(|out| table(out, &["name", "n"], &rows).unwrap());
        assert_eq!(table, "name  n\n张伟  1\nLi    22\n");
    }

    #[test]
    fn csv_opens_in_a_spreadsheet_and_runs_nothing() {
        let cells = ["=1+1", "+8613800138000", "-1", "@x", "\tx", "\rx", "张伟, 工程部", "a=b", ""];
        let csv = text(|out| csv(out, &["a"], cells.map(|c| vec![c.to_owned()])).unwrap());
        let expected = "\u{feff}a\r\n'=1+1\r\n'+8613800138000\r\n'-1\r\n'@x\r\n'\tx\r\n\"'\rx\"\r\n\
                        \"张伟, 工程部\"\r\na=b\r\n\"\"\r\n";
        assert_eq!(csv, expected);
    }

    #[test]
    fn a_display_name_does_not_steer_the_terminal() {
        let rows = vec![vec!["\u{1b}[2Jevil\u{7}".to_owned()]];
        let table = text(|out| table(out, &["name"], &rows).unwrap());
        assert_eq!(table, "name\n\u{fffd}[2Jevil\u{fffd}\n");
    }

    #[test]
    fn a_long_cell_is_cut_by_its_width() {
        let cell = shown(&"物".repeat(50));
        assert_eq!(cell, format!("{}…", "物".repeat(19)));
        assert!(cell.width() <= CELL_COLUMNS_MAX);
        assert_eq!(shown(&"x".repeat(40)), "x".repeat(40));
    }
}
