//! The week, holidays and make-up workdays as forms change them (`hours.toml`). Schedules and the roster are changed as text.

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, Value};

use super::toml_file::put;
use super::{Content, Fingerprint, Refusal, Setup, Written};

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
    pub fn put_holiday(&self, seen: &Fingerprint, at: Option<usize>, form: &HolidayForm) -> Result<Written, Refusal> {
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
    pub fn put_workday(&self, seen: &Fingerprint, at: Option<usize>, form: &WorkdayForm) -> Result<Written, Refusal> {
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
    pub fn remove_holiday(&self, seen: &Fingerprint, at: usize) -> Result<Written, Refusal> {
        self.change_seen(Content::Hours, seen, |document| take_out(document, "holiday", at))
    }

    /// See [`Setup::remove_holiday`].
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn remove_workday(&self, seen: &Fingerprint, at: usize) -> Result<Written, Refusal> {
        self.change_seen(Content::Hours, seen, |document| take_out(document, "workday", at))
    }

    /// A change of a file whose whole text is as it was seen.
    pub(super) fn change_seen(
        &self,
        content: Content,
        seen: &Fingerprint,
        edit: impl FnOnce(&mut DocumentMut) -> Result<(), Refusal>,
    ) -> Result<Written, Refusal> {
        self.change(content, |document| {
            let now = document.to_string();
            if Fingerprint::of(&now) != *seen {
                return Err(Refusal::Changed(now));
            }
            edit(document)
        })
    }
}

fn table_at<'a>(document: &'a mut DocumentMut, key: &'static str, at: Option<usize>) -> Result<&'a mut Table, Refusal> {
    let tables = document.entry(key).or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let tables = tables.as_array_of_tables_mut().ok_or_else(|| in_one_line(key))?;
    let at = at.unwrap_or_else(|| {
        let mut table = Table::new();
        table.decor_mut().set_prefix("\n");
        tables.push(table);
        tables.len() - 1
    });
    tables.get_mut(at).ok_or_else(|| Refusal::Gone(format!("{key} {at}")))
}

fn take_out(document: &mut DocumentMut, key: &'static str, at: usize) -> Result<(), Refusal> {
    let tables = document.get_mut(key).and_then(Item::as_array_of_tables_mut);
    let tables = tables.filter(|tables| at < tables.len()).ok_or_else(|| Refusal::Gone(format!("{key} {at}")))?;
    tables.remove(at);
    if tables.is_empty() {
        document.remove(key);
    }
    Ok(())
}

fn in_one_line(key: &'static str) -> Refusal {
    Refusal::Form { field: key, what: format!("the file has `{key}` in one line; change it as text") }
}

/// A field's text where it says another than the file; empty takes the key out.
pub(super) fn put_text(table: &mut Table, key: &'static str, text: &str) -> Result<(), Refusal> {
    let text = text.trim();
    if text.len() > FIELD_BYTES_MAX || text.contains(char::is_control) {
        let what = format!("write at most {FIELD_BYTES_MAX} bytes, without line breaks");
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
