//! What may stand after the `?`: known names alone, each once, each with a value that means something.

use std::str::FromStr;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::console::problem::ProblemDetails;
use crate::types::did_you_mean;

/// Characters of one value.
const VALUE_MAX: usize = 100;

/// What a parameter's value is.
#[derive(Debug, Clone, Copy)]
pub enum ParamKind {
    /// RFC 3339, with its offset.
    Time,
    /// `true` or `false`.
    Flag,
    /// One of these.
    Word(fn() -> Vec<&'static str>),
    /// Some of these, with commas between.
    Words(fn() -> Vec<&'static str>),
    Text,
    /// Where a page begins, in this form; `page` reads it.
    Cursor(&'static str),
    /// A number from 1 up to this one.
    Count(u32),
}

#[derive(Debug, Clone, Copy)]
pub struct Param {
    pub name: &'static str,
    pub what: &'static str,
    pub kind: ParamKind,
}

impl Param {
    pub const fn new(name: &'static str, what: &'static str, kind: ParamKind) -> Self {
        Self { name, what, kind }
    }

    /// What is wrong with a value, if anything is.
    fn check(&self, value: &str) -> Result<(), String> {
        let one_of = |words: Vec<&'static str>, word: &str| {
            if words.contains(&word) {
                return Ok(());
            }
            let near = did_you_mean(word, words.iter().copied());
            let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            Err(format!("`{word}` is not one of {}{near}", words.join(", ")))
        };
        match self.kind {
            ParamKind::Time => match DateTime::parse_from_rfc3339(value) {
                Ok(_) => Ok(()),
                Err(_) => {
                    Err("write a time with its offset, such as 2026-11-23T21:00:00+08:00 (a + is %2B)".to_owned())
                }
            },
            ParamKind::Flag if value == "true" || value == "false" => Ok(()),
            ParamKind::Flag => Err("write true or false".to_owned()),
            ParamKind::Word(words) => one_of(words(), value),
            ParamKind::Words(words) => value.split(',').try_for_each(|word| one_of(words(), word)),
            ParamKind::Text if value.is_empty() => Err("it is empty: leave it out".to_owned()),
            ParamKind::Text if value.chars().count() > VALUE_MAX => {
                Err(format!("it is longer than {VALUE_MAX} characters"))
            }
            ParamKind::Text if value.contains('\0') => Err("it has a byte of zero".to_owned()),
            ParamKind::Text | ParamKind::Cursor(_) => Ok(()),
            ParamKind::Count(max) => match value.parse::<u32>() {
                Ok(count) if (1..=max).contains(&count) => Ok(()),
                _ => Err(format!("write a number from 1 to {max}")),
            },
        }
    }

    /// As OpenAPI has it.
    pub fn schema(&self) -> Value {
        match self.kind {
            ParamKind::Time => json!({"type": "string", "format": "date-time"}),
            ParamKind::Flag => json!({"type": "boolean"}),
            ParamKind::Word(words) => json!({"type": "string", "enum": words()}),
            ParamKind::Words(words) => {
                json!({"type": "array", "minItems": 1, "items": {"type": "string", "enum": words()}})
            }
            ParamKind::Cursor(form) => json!({"type": "string", "pattern": form}),
            ParamKind::Text => {
                json!({"type": "string", "minLength": 1, "maxLength": VALUE_MAX, "pattern": "^[^\\u0000]+$"})
            }
            ParamKind::Count(max) => json!({"type": "integer", "minimum": 1, "maximum": max}),
        }
    }

    /// Whether several values are one parameter with commas.
    pub fn is_list(&self) -> bool {
        matches!(self.kind, ParamKind::Words(_))
    }
}

/// The parameters of one request: checked, so that reading one again can't fail.
#[derive(Debug, Clone, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// # Errors
    /// 400, with what is wrong.
    pub fn check(known: &[Param], given: Vec<(String, String)>) -> Result<Self, ProblemDetails> {
        let wrong = |what: String| ProblemDetails::new(StatusCode::BAD_REQUEST, what);
        for (at, (name, value)) in given.iter().enumerate() {
            let Some(param) = known.iter().find(|param| param.name == name) else {
                return Err(wrong(unknown(name, known)));
            };
            if given[..at].iter().any(|(other, _)| other == name) {
                return Err(wrong(format!("{name} stands there twice")));
            }
            param.check(value).map_err(|fault| wrong(format!("{name}: {fault}")))?;
        }
        Ok(Self(given))
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    pub fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    pub fn time(&self, name: &str) -> Option<DateTime<Utc>> {
        DateTime::parse_from_rfc3339(self.text(name)?).ok().map(|at| at.to_utc())
    }

    pub fn word<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    pub fn flag(&self, name: &str) -> Option<bool> {
        self.text(name)?.parse().ok()
    }

    /// Everything but the cursor, for the address of the next page.
    pub fn without_cursor(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).filter(|(name, _)| *name != "cursor")
    }
}

fn unknown(name: &str, known: &[Param]) -> String {
    let names = || known.iter().map(|param| param.name);
    let name: String = name.chars().take(50).collect();
    match did_you_mean(&name, names()) {
        Some(near) => format!("there is no parameter `{name}` here, did you mean `{near}`?"),
        None if known.is_empty() => format!("there is no parameter `{name}` here; none is known"),
        None => format!("there is no parameter `{name}` here; known are {}", names().collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Param] = &[
        Param::new("since", "", ParamKind::Time),
        Param::new("open", "", ParamKind::Flag),
        Param::new("kinds", "", ParamKind::Words(|| vec!["call", "ticket"])),
        Param::new("owner", "", ParamKind::Text),
        Param::new("limit", "", ParamKind::Count(500)),
    ];

    fn fault(name: &str, value: &str) -> String {
        let fault = Query::check(KNOWN, vec![(name.to_owned(), value.to_owned())]).expect_err(value);
        format!("{fault:?}")
    }

    #[test]
    fn what_is_not_understood_is_told_with_what_is_meant() {
        assert!(fault("sinse", "x").contains("did you mean `since`?"));
        assert!(fault("x", "x").contains("known are since, open"));
        assert!(fault("kinds", "call,tickets").contains("did you mean `ticket`?"));
        for (name, value) in
            [("since", "today"), ("open", "1"), ("owner", ""), ("owner", "a\0"), ("limit", "0"), ("limit", "501")]
        {
            assert!(fault(name, value).contains(name), "{name} {value}");
        }
        let twice = vec![("open".to_owned(), "true".to_owned()), ("open".to_owned(), "true".to_owned())];
        assert!(Query::check(KNOWN, twice).is_err());
    }

    #[test]
    fn what_is_checked_is_read() {
        let given =
            [("since", "2026-11-23T12:00:00+08:00"), ("open", "true"), ("kinds", "call,ticket"), ("limit", "7")];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let query = Query::check(KNOWN, given).expect("it is right");
        assert_eq!(query.time("since"), "2026-11-23T04:00:00Z".parse().ok());
        assert_eq!((query.flag("open"), query.word::<u32>("limit"), query.text("owner")), (Some(true), Some(7), None));
    }
}
