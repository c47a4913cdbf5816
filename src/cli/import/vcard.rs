//! vCards, 3.0 and 4.0 (RFC 2426, RFC 6350), as far as a directory needs them: a dozen properties of plain text. The crates
//! for it bring a calendar or a jCard with them.

use toml_edit::{Array, Value};

use super::List;
use super::field::{Entry, FIELDS};
use crate::desk::people::PlaceTarget;
use crate::types::Problem;

/// One line of a card, unfolded.
struct Property<'a> {
    /// In capitals, without its group.
    name: String,
    /// What stands between name and value.
    params: &'a str,
    value: &'a str,
    /// 1-based line where it begins.
    line: usize,
}

#[derive(Default)]
struct Card {
    line: usize,
    version: Option<String>,
    extension: Option<String>,
    name: Option<String>,
    department: Option<String>,
    pinyin: Option<String>,
    email: Option<String>,
    places: Vec<String>,
    numbers: Vec<String>,
}

/// Numbers become places only where there is a gateway to call them through.
pub(super) fn read(text: &str, file: &str, has_gateway: bool) -> List {
    let mut problems = Vec::new();
    let mut fault = |line: usize, what: String, remedy: &str| {
        problems.push(Problem { file: file.to_owned(), line: Some(line), what, remedy: remedy.to_owned() });
    };
    let (mut list, mut open, mut numbers_left) = (List::default(), None::<Card>, 0);
    for (line, content) in unfolded(text) {
        let Some(property) = property(&content, line) else {
            fault(line, "it is no line of a vCard".to_owned(), "write NAME:value, or take the line out");
            continue;
        };
        match (property.name.as_str(), &mut open) {
            ("BEGIN", open) if property.value.eq_ignore_ascii_case("VCARD") => {
                if let Some(card) = open.replace(Card { line, ..Card::default() }) {
                    fault(card.line, "the card has no end".to_owned(), "write END:VCARD after its last line");
                }
            }
            ("END", open) if property.value.eq_ignore_ascii_case("VCARD") => {
                let Some(mut card) = open.take() else {
                    fault(line, "a card ends that did not begin".to_owned(), "write BEGIN:VCARD before its first line");
                    continue;
                };
                if !has_gateway {
                    numbers_left += card.numbers.len();
                    card.numbers.clear();
                }
                list.entries.extend(entry(card, &mut fault));
            }
            (_, Some(card)) => card.take(&property),
            (_, None) => fault(line, "it is outside of any card".to_owned(), "write BEGIN:VCARD before it"),
        }
    }
    if let Some(card) = open {
        fault(card.line, "the card has no end".to_owned(), "write END:VCARD after its last line");
    }
    if numbers_left > 0 {
        list.notes.push(format!("{numbers_left} telephone numbers are not used: [sip] gateway is not set"));
    }
    list.problems = problems;
    list
}

impl Card {
    fn take(&mut self, property: &Property<'_>) {
        let text = plain(property.value);
        if text.trim().is_empty() {
            return;
        }
        match property.name.as_str() {
            "VERSION" => self.version = Some(text),
            "FN" => self.name = Some(text.trim().to_owned()),
            "N" if self.name.is_none() => {
                // Family and given name; the Chinese are written without a space.
                let parts: Vec<String> = components(property.value);
                let name = |n: usize| parts.get(n).map(String::as_str).unwrap_or_default();
                let is_latin = parts.iter().all(|part| part.is_ascii());
                let full =
                    if is_latin { format!("{} {}", name(1), name(0)) } else { format!("{}{}", name(0), name(1)) };
                self.name = Some(full.trim().to_owned()).filter(|name| !name.is_empty());
            }
            // The company, then its parts.
            "ORG" if self.department.is_none() => {
                let parts: Vec<String> = components(property.value).into_iter().filter(|p| !p.is_empty()).collect();
                self.department = parts.get(1).or(parts.first()).cloned();
            }
            "X-DEPARTMENT" | "X-DEPT" => self.department = Some(text.trim().to_owned()),
            "EMAIL" if self.email.is_none() => self.email = Some(text.trim().trim_start_matches("mailto:").to_owned()),
            "X-PINYIN" => self.pinyin = Some(text.trim().to_owned()),
            "EXT" | "X-EXT" | "X-EXTENSION" => self.extension = Some(text.trim().to_owned()),
            "X-SIP" | "IMPP" if text.to_ascii_lowercase().starts_with("sip") => self.places.push(text),
            "TEL" => self.take_number(&text, property.params),
            _ => {}
        }
    }

    /// A number, a SIP address, or an extension behind either.
    fn take_number(&mut self, text: &str, params: &str) {
        if text.to_ascii_lowercase().starts_with("sip:") {
            return self.places.push(text.to_owned());
        }
        let lower = text.to_ascii_lowercase();
        let marks = [";ext=", "ext.", "ext", "转", "x"];
        let split = marks.iter().find_map(|mark| lower.split_once(mark));
        let (number, extension) = split.map_or((lower.as_str(), None), |(number, rest)| (number, Some(rest)));
        let digits: String = extension.unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
        if !digits.is_empty() {
            self.extension.get_or_insert(digits);
        }
        if params.to_ascii_lowercase().contains("fax") {
            return;
        }
        if let Ok(PlaceTarget::Number(number)) = number.trim().parse::<PlaceTarget>() {
            // With an extension it is the company's own number: calling it would come back here.
            if extension.is_none() {
                self.numbers.push(format!("tel:{number}"));
            }
        }
    }
}

fn entry(card: Card, fault: &mut impl FnMut(usize, String, &str)) -> Option<Entry> {
    let line = card.line;
    match card.version.as_deref().map(str::trim) {
        Some("3.0" | "4.0") => {}
        Some(other) => {
            let what = format!("it is a vCard {}", other.chars().take(10).collect::<String>());
            fault(line, what, "export it as vCard 3.0 or 4.0");
            return None;
        }
        None => {
            fault(line, "the card has no VERSION".to_owned(), "write VERSION:3.0 or VERSION:4.0");
            return None;
        }
    }
    let Some(extension) = card.extension else {
        let name = card.name.unwrap_or_else(|| "the card".to_owned());
        fault(line, format!("{name} has no extension"), "write X-EXT:201, or TEL:tel:+86571...;ext=201");
        return None;
    };
    let mut said = Vec::new();
    let mut say =
        |key: &str, value: Value| said.extend(FIELDS.iter().find(|field| field.key == key).map(|f| (f, value)));
    for (key, value) in
        [("name", card.name), ("pinyin", card.pinyin), ("department", card.department), ("email", card.email)]
    {
        if let Some(value) = value {
            say(key, Value::from(value));
        }
    }
    let places: Array = card.places.into_iter().chain(card.numbers).collect();
    if !places.is_empty() {
        say("hunt", Value::Array(places));
    }
    Some(Entry { extension, said, adds_places: true, line })
}

/// Lines with those that continue them (RFC 6350 section 3.2), and where each begins.
fn unfolded(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_end_matches('\r');
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some((_, last))) => last.push_str(rest),
            _ if line.trim().is_empty() => {}
            _ => lines.push((number, line.to_owned())),
        }
    }
    lines
}

/// `group.NAME;PARAMS:value`; a colon in quotes is a parameter's.
fn property(content: &str, line: usize) -> Option<Property<'_>> {
    let mut quoted = false;
    let colon = content.find(|c| {
        quoted ^= c == '"';
        c == ':' && !quoted
    })?;
    let (before, value) = (&content[..colon], &content[colon + 1..]);
    let (name, params) = before.split_once(';').unwrap_or((before, ""));
    let name = name.rsplit('.').next().unwrap_or(name).trim().to_ascii_uppercase();
    let right = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    right.then_some(Property { name, params, value, line }).filter(|property| property.line > 0)
}

/// A value without its escapes (RFC 6350 section 3.4).
fn plain(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => text.push(' '),
                Some(other) => text.push(other),
                None => {}
            },
            other => text.push(other),
        }
    }
    text
}

/// The parts of a value between semicolons that are not escaped.
fn components(value: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in value.chars() {
        match parts.last_mut() {
            Some(_) if c == ';' && !escaped => parts.push(String::new()),
            Some(part) => part.push(c),
            None => {}
        }
        escaped = c == '\\' && !escaped;
    }
    parts.iter().map(|part| plain(part).trim().to_owned()).collect()
}
