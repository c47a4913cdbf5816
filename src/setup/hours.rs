//! The week, holidays and make-up workdays as forms change them (`hours.toml`). Schedules and the roster are changed as text.

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, Value};

use super::toml_file::put;
use super::{Content, Fingerprint, Refusal, Setup, Written};
use crate::desk::told::{Told, told};

/// The keys of a week's days.
pub const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Longer is no field of a form.
const FIELD_BYTES_MAX: usize = 200;

/// Days on which the desk is closed, or open otherwise. Spans as `09:00-12:00, 13:00-17:00`; none is closed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HolidayForm {
    pub name: String,
    /// `2026-10-01`.
    pub from: String,
    pub to: String,
    pub open: String,
}

/// A day that goes like another of the week (调休).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkdayForm {
    pub name: String,
    pub date: String,
    /// One of [`DAYS`].
    pub like: String,
}

/// Which holiday or make-up workday of the file: its place in it, and the day that it began with when it was shown. Where
/// somebody else took one out meanwhile, another stands in its place.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    pub place: usize,
    pub day: &'a str,
}

/// The spans of each day of the week, Monday first; empty where the text can't be read.
pub fn week_of(text: &str) -> [String; 7] {
    let document: DocumentMut = text.parse().unwrap_or_default();
    let week = document.get("week").and_then(Item::as_table_like);
    DAYS.map(|day| spans_text(week.and_then(|week| week.get(day))))
}

/// Holidays and make-up workdays, in the file's order: by their place in it they are changed.
pub fn written_days(text: &str) -> (Vec<HolidayForm>, Vec<WorkdayForm>) {
    let document: DocumentMut = text.parse().unwrap_or_default();
    let tables = |key: &str| document.get(key).and_then(Item::as_array_of_tables).into_iter().flatten();
    let said = |table: &Table, key: &str| table.get(key).and_then(Item::as_str).unwrap_or_default().to_owned();
    let holiday = |table: &Table| HolidayForm {
        name: said(table, "name"),
        from: said(table, "from"),
        to: said(table, "to"),
        open: spans_text(table.get("open")),
    };
    let workday =
        |table: &Table| WorkdayForm { name: said(table, "name"), date: said(table, "date"), like: said(table, "like") };
    (tables("holiday").map(holiday).collect(), tables("workday").map(workday).collect())
}

impl Setup {
    /// The desk's week, spans of each day.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn put_week(&self, seen: &Fingerprint, days: &[String; 7]) -> Result<Written, Refusal> {
        self.change_seen(Content::Hours, seen, |document| {
            let week = document.entry("week").or_insert(Item::Table(Table::new()));
            let week = week.as_table_mut().ok_or_else(|| in_one_line("week"))?;
            for (day, spans) in DAYS.iter().zip(days) {
                if spans_text(week.get(day)) != spans_text(Some(&Item::Value(Value::Array(spans_of(spans))))) {
                    put(week, day, Value::Array(spans_of(spans)));
                }
            }
            Ok(())
        })
    }

    /// A holiday in the place of the one at `at`, or a new one.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn put_holiday(&self, seen: &Fingerprint, at: Option<At<'_>>, form: &HolidayForm) -> Result<Written, Refusal> {
        self.change_seen(Content::Hours, seen, |document| {
            let table = table_at(document, "holiday", at)?;
            let to = if form.to.trim().is_empty() { &form.from } else { &form.to };
            for (key, text) in [("name", &form.name), ("from", &form.from), ("to", to)] {
                put_text(table, key, text)?;
            }
            match spans_of(&form.open) {
                open if open.is_empty() => drop(table.remove("open")),
                open => put(table, "open", Value::Array(open)),
            }
            Ok(())
        })
    }

    /// The same for a make-up workday.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn put_workday(&self, seen: &Fingerprint, at: Option<At<'_>>, form: &WorkdayForm) -> Result<Written, Refusal> {
        self.change_seen(Content::Hours, seen, |document| {
            let table = table_at(document, "workday", at)?;
            for (key, text) in [("name", &form.name), ("date", &form.date), ("like", &form.like)] {
                put_text(table, key, text)?;
            }
            Ok(())
        })
    }

    /// Takes a holiday or a make-up workday out.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn remove_holiday(&self, seen: &Fingerprint, at: At<'_>) -> Result<Written, Refusal> {
        self.change_seen(Content::Hours, seen, |document| take_out(document, "holiday", at))
    }

    /// See [`Setup::remove_holiday`].
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn remove_workday(&self, seen: &Fingerprint, at: At<'_>) -> Result<Written, Refusal> {
        self.change_seen(Content::Hours, seen, |document| take_out(document, "workday", at))
    }
}

fn table_at<'a>(
    document: &'a mut DocumentMut,
    key: &'static str,
    at: Option<At<'_>>,
) -> Result<&'a mut Table, Refusal> {
    let tables = document.entry(key).or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let tables = tables.as_array_of_tables_mut().ok_or_else(|| in_one_line(key))?;
    let place = match at {
        Some(at) => is_there(tables, key, at)?,
        None => {
            let mut table = Table::new();
            table.decor_mut().set_prefix("\n");
            tables.push(table);
            tables.len() - 1
        }
    };
    tables.get_mut(place).ok_or_else(|| gone(key))
}

fn take_out(document: &mut DocumentMut, key: &'static str, at: At<'_>) -> Result<(), Refusal> {
    let tables = document.get_mut(key).and_then(Item::as_array_of_tables_mut).ok_or_else(|| gone(key))?;
    tables.remove(is_there(tables, key, at)?);
    if tables.is_empty() {
        document.remove(key);
    }
    Ok(())
}

fn is_there(tables: &ArrayOfTables, key: &'static str, at: At<'_>) -> Result<usize, Refusal> {
    let begins = if key == "holiday" { "from" } else { "date" };
    let day = tables.get(at.place).map(|table| table.get(begins).and_then(Item::as_str).unwrap_or_default());
    if day == Some(at.day) { Ok(at.place) } else { Err(gone(key)) }
}

fn in_one_line(key: &'static str) -> Refusal {
    let what =
        told!("文件把 `{key}` 写在一行里，请以文本编辑整个文件", "the file has `{key}` in one line; change it as text");
    Refusal::Form { field: key, what }
}

fn gone(key: &str) -> Refusal {
    Refusal::Gone(match key {
        "holiday" => Told::new("这个节假日", "this holiday"),
        _ => Told::new("这个调休上班日", "this make-up workday"),
    })
}

/// A field's text where it says another than the file; empty takes the key out.
pub(super) fn put_text(table: &mut Table, key: &'static str, text: &str) -> Result<(), Refusal> {
    let text = text.trim();
    if text.len() > FIELD_BYTES_MAX || text.contains(char::is_control) {
        let what = told!(
            "最多 {FIELD_BYTES_MAX} 字节，不能换行",
            "write at most {FIELD_BYTES_MAX} bytes, without line breaks"
        );
        return Err(Refusal::Form { field: key, what });
    }
    match table.get(key).and_then(Item::as_str) {
        Some(old) if old == text => {}
        _ if text.is_empty() => drop(table.remove(key)),
        _ => put(table, key, Value::from(text)),
    }
    Ok(())
}

fn spans_text(item: Option<&Item>) -> String {
    let spans = item.and_then(Item::as_array).into_iter().flatten();
    spans.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

/// Spans apart from each other by commas or blanks, also those of Chinese keyboards.
fn spans_of(text: &str) -> Array {
    let text = text.replace('：', ":").replace(['–', '—', '－', '至'], "-").replace(" - ", "-");
    let spans = text.split([',', '，', '、', ';', '；']).flat_map(str::split_whitespace);
    spans.map(str::to_owned).collect()
}
