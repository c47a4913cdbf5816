//! CSV lists: a header that names the columns, in English or Chinese, then a person in each line.

use csv::{ReaderBuilder, StringRecord};

use super::List;
use super::field::{Entry, FIELDS, Field};
use crate::types::{Problem, did_you_mean};

pub(super) fn read(text: &str, file: &str) -> List {
    let mut problems = Vec::new();
    let mut fault = |line: usize, what: String, remedy: String| {
        problems.push(Problem { file: file.to_owned(), line: Some(line), what, remedy });
    };
    let header = text.lines().next().unwrap_or_default();
    let often = |c: char| header.matches(c).count();
    let delimiter = [',', ';', '\t'].into_iter().max_by_key(|c| (often(*c), *c == ',')).unwrap_or(',');
    let mut reader = ReaderBuilder::new()
        .delimiter(u8::try_from(delimiter).unwrap_or(b','))
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut list = List::default();
    let names = reader.headers().cloned().unwrap_or_default();
    let mut columns: Vec<Option<&'static Field>> = names.iter().map(Field::of_column).collect();
    if names.iter().any(|name| name == "presence") {
        // An export of ours: who was there at that moment is nobody's setting.
        columns
            .iter_mut()
            .filter(|column| column.is_some_and(|f| f.key == "present"))
            .for_each(|column| *column = None);
    }
    let known_anyway = ["keys", "department_keys", "presence", "present"];
    for (name, _) in names
        .iter()
        .zip(&columns)
        .filter(|(name, _)| !known_anyway.contains(name))
        .filter(|(name, column)| column.is_none() && !name.is_empty())
    {
        let known = FIELDS.iter().flat_map(|field| field.columns).copied();
        let near = did_you_mean(&name.to_lowercase(), known).map(|near| format!(": did you mean `{near}`?"));
        list.notes.push(format!("the column `{name}` is not used{}", near.unwrap_or_default()));
    }
    for (nth, column) in columns.iter().enumerate() {
        if let Some(field) = column.filter(|field| columns[..nth].iter().flatten().any(|f| f.key == field.key)) {
            let what = format!("the column `{}` stands twice", field.key);
            fault(1, what, "keep one of them".to_owned());
        }
    }
    if !columns.iter().flatten().any(|field| field.key == "extension") {
        let remedy = "write the columns' names into the first line: extension,name,department (分机,姓名,部门)";
        fault(1, "there is no column `extension` or `分机`".to_owned(), remedy.to_owned());
        list.problems = problems;
        return list;
    }
    for row in reader.records() {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                let line = error.position().map_or(1, |at| usize::try_from(at.line()).unwrap_or(1));
                fault(line, format!("it can't be read as CSV: {error}"), "write it as CSV".to_owned());
                break;
            }
        };
        let line = row.position().map_or(1, |at| usize::try_from(at.line()).unwrap_or(1));
        if row.len() > columns.len() && row.iter().skip(columns.len()).any(|cell| !cell.is_empty()) {
            let what = format!("{} cells, but {} columns", row.len(), columns.len());
            fault(line, what, "put a cell with a comma into double quotes".to_owned());
        } else if row.iter().any(|cell| !cell.is_empty()) {
            list.entries.extend(entry(&row, &columns, line, &mut fault));
        }
    }
    list.problems = problems;
    list
}

/// An empty cell says nothing: what is known stays.
fn entry(
    row: &StringRecord,
    columns: &[Option<&'static Field>],
    line: usize,
    fault: &mut impl FnMut(usize, String, String),
) -> Option<Entry> {
    let mut entry = Entry { extension: String::new(), said: Vec::new(), adds_places: false, line };
    for (cell, field) in row.iter().zip(columns).filter_map(|(cell, column)| Some((plain(cell), (*column)?))) {
        if field.key == "extension" {
            cell.clone_into(&mut entry.extension);
        } else if !cell.is_empty() {
            match field.value(cell) {
                Ok(value) => entry.said.push((field, value)),
                Err((what, remedy)) => fault(line, what, remedy),
            }
        }
    }
    if entry.extension.is_empty() {
        fault(line, "there is no extension".to_owned(), "write 1 to 8 digits, or take the line out".to_owned());
        return None;
    }
    Some(entry)
}

/// Without the mark that keeps a spreadsheet from running a cell.
fn plain(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@'])).unwrap_or(cell)
}
