//! People as a form shows and changes them (`people.toml`). What the form does not have (a PIN, a recording of the name)
//! stays as it is.

use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value};

use super::toml_file::{person_of, put};
use super::{Content, Fingerprint, Refusal, Setup, Written};
use crate::desk::people::Duty;
use crate::desk::told::{Told, told};

/// Longer is no field of a person.
const FIELD_BYTES_MAX: usize = 1_000;

/// What a form says of one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonForm {
    pub extension: String,
    pub name: String,
    pub pinyin: String,
    pub department: String,
    /// One place a line: an address or a number, then `ring=20`, `hours=09:00-18:00`, `together`.
    pub hunt: String,
    pub duty: Vec<Duty>,
    pub present: bool,
    pub do_not_disturb: bool,
    pub number_may_be_given: bool,
    pub email: String,
    pub language: String,
}

/// A person of the file as a form shows them, and what they were then; `None` for nobody.
pub fn person_form(text: &str, extension: &str) -> Option<(PersonForm, Fingerprint)> {
    let mut document: DocumentMut = text.parse().ok()?;
    let person = person_of(&mut document, extension)?;
    let text = |key: &str| person.get(key).and_then(Item::as_str).unwrap_or_default().to_owned();
    let is = |key: &str, usual: bool| person.get(key).and_then(Item::as_bool).unwrap_or(usual);
    let duty = person.get("duty").and_then(Item::as_array);
    let form = PersonForm {
        extension: text("extension"),
        name: text("name"),
        pinyin: text("pinyin"),
        department: text("department"),
        hunt: hunt_lines(person).join("\n"),
        duty: duty.into_iter().flatten().filter_map(|word| word.as_str()?.parse().ok()).collect(),
        present: is("present", true),
        do_not_disturb: is("do_not_disturb", false),
        number_may_be_given: is("number_may_be_given", false),
        email: text("email"),
        language: text("language"),
    };
    Some((form, Fingerprint::of(&person.to_string())))
}

impl Setup {
    /// Puts a new person below the others.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn add_person(&self, form: &PersonForm) -> Result<Written, Refusal> {
        self.change(Content::People, |document| {
            if person_of(document, form.extension.trim()).is_some() {
                return Err(taken(form));
            }
            let people = document.entry("person").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
            let people = people.as_array_of_tables_mut().ok_or_else(one_line)?;
            let mut person = Table::new();
            person.decor_mut().set_prefix(if people.is_empty() { "" } else { "\n" });
            write(&mut person, form)?;
            people.push(person);
            Ok(())
        })
    }

    /// Writes what the form says of a person, where nobody else has changed them since they were seen.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn change_person(&self, extension: &str, seen: &Fingerprint, form: &PersonForm) -> Result<Written, Refusal> {
        self.change(Content::People, |document| {
            if form.extension.trim() != extension && person_of(document, form.extension.trim()).is_some() {
                return Err(taken(form));
            }
            write(seen_person(document, extension, seen)?, form)
        })
    }

    /// Takes a person out of the file.
    ///
    /// # Errors
    /// Why nothing was changed.
    pub fn remove_person(&self, extension: &str, seen: &Fingerprint) -> Result<Written, Refusal> {
        self.change(Content::People, |document| {
            seen_person(document, extension, seen)?;
            let people = document.get_mut("person").and_then(Item::as_array_of_tables_mut).ok_or_else(one_line)?;
            people.retain(|person| person.get("extension").and_then(Item::as_str) != Some(extension));
            Ok(())
        })
    }
}

fn taken(form: &PersonForm) -> Refusal {
    let extension = form.extension.trim();
    let what = told!("分机 {extension} 已有人使用", "somebody has extension {extension} already");
    Refusal::Form { field: "extension", what }
}

fn one_line() -> Refusal {
    let what = Told::new(
        "人员文件把所有人写在一行里，请每人写一个 [[person]]",
        "the people's file has its people in one line; write each as [[person]]",
    );
    Refusal::Form { field: "text", what }
}

fn seen_person<'a>(
    document: &'a mut DocumentMut,
    extension: &str,
    seen: &Fingerprint,
) -> Result<&'a mut Table, Refusal> {
    let gone = || Refusal::Gone(told!("分机 {extension}", "extension {extension}"));
    let person = person_of(document, extension).ok_or_else(gone)?;
    let now = person.to_string();
    if Fingerprint::of(&now) != *seen {
        // One person is short: they are told whole.
        return Err(Refusal::Changed { now, before: Some(String::new()) });
    }
    Ok(person)
}

fn write(person: &mut Table, form: &PersonForm) -> Result<(), Refusal> {
    let texts = [
        ("extension", &form.extension),
        ("name", &form.name),
        ("pinyin", &form.pinyin),
        ("department", &form.department),
        ("email", &form.email),
        ("language", &form.language),
    ];
    for (key, text) in texts {
        let text = text.trim();
        if text.len() > FIELD_BYTES_MAX || text.contains(char::is_control) {
            let what = told!(
                "最多 {FIELD_BYTES_MAX} 字节，不能换行",
                "write at most {FIELD_BYTES_MAX} bytes, without line breaks"
            );
            return Err(Refusal::Form { field: key, what });
        }
        match person.get(key).and_then(Item::as_str) {
            Some(old) if old == text => {}
            // These two can't be left out: the check says what is missing.
            _ if text.is_empty() && !matches!(key, "extension" | "name") => drop(person.remove(key)),
            _ => put(person, key, Value::from(text)),
        }
    }
    let hunt: Vec<&str> = form.hunt.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if hunt_lines(person) != hunt {
        let mut places = Array::new();
        for line in hunt {
            places.push(place(line).map_err(|what| Refusal::Form { field: "hunt", what })?);
        }
        put(person, "hunt", Value::Array(places));
    }
    let written = person.get("duty").and_then(Item::as_array);
    let same = |array: &Array| {
        let words: Vec<&str> = array.iter().filter_map(Value::as_str).collect();
        words.len() == form.duty.len() && form.duty.iter().all(|duty| words.contains(&duty.as_str()))
    };
    if !written.map_or(form.duty.is_empty(), same) {
        put(person, "duty", Value::Array(form.duty.iter().map(|duty| duty.as_str()).collect()));
    }
    let flags = [
        ("present", form.present, true),
        ("do_not_disturb", form.do_not_disturb, false),
        ("number_may_be_given", form.number_may_be_given, false),
    ];
    for (key, wanted, usual) in flags {
        if person.get(key).and_then(Item::as_bool).unwrap_or(usual) != wanted {
            put(person, key, Value::from(wanted));
        }
    }
    Ok(())
}

fn hunt_lines(person: &Table) -> Vec<String> {
    let places = person.get("hunt").and_then(Item::as_array);
    places.into_iter().flatten().map(line_of).collect()
}

/// A place as a line of the form.
fn line_of(place: &Value) -> String {
    let Some(table) = place.as_inline_table() else { return place.as_str().unwrap_or_default().to_owned() };
    let mut line = table.get("uri").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(ring) = table.get("ring_s").and_then(Value::as_integer) {
        line.push_str(&format!(" ring={ring}"));
    }
    if let Some(hours) = table.get("hours").and_then(Value::as_str) {
        line.push_str(&format!(" hours={hours}"));
    }
    if table.get("all_at_once").and_then(Value::as_bool) == Some(true) {
        line.push_str(" together");
    }
    line
}

/// A line of the form as a place of the file.
fn place(line: &str) -> Result<Value, Told> {
    let mut words = line.split_whitespace();
    let uri = words.next().unwrap_or_default();
    let mut table = InlineTable::new();
    table.insert("uri", Value::from(uri));
    for word in words {
        match word.split_once('=') {
            Some(("ring", seconds)) => {
                let unread =
                    |_| told!("`{word}`：请写整数秒，例如 ring=20", "`{word}`: write whole seconds, such as ring=20");
                let seconds: u16 = seconds.parse().map_err(unread)?;
                table.insert("ring_s", Value::from(i64::from(seconds)));
            }
            Some(("hours", span)) => drop(table.insert("hours", Value::from(span))),
            None if word == "together" => drop(table.insert("all_at_once", Value::from(true))),
            _ => {
                return Err(told!(
                    "看不懂 `{word}`：可以写 ring=20、hours=09:00-18:00 或 together",
                    "`{word}` says nothing of a place; write ring=20, hours=09:00-18:00 or together"
                ));
            }
        }
    }
    Ok(if table.len() == 1 { Value::from(uri) } else { Value::InlineTable(table) })
}
