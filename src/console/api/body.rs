//! What may be sent: one JSON object.

use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::console::problem::{ProblemDetails, wrong};

/// Bytes of a request's body.
pub const BODY_MAX: usize = 64 * 1024;
/// Bytes of a list that is imported: some 100,000 residents.
pub const IMPORT_MAX: usize = 8 * 1024 * 1024;
/// Characters of one text in it.
pub const TEXT_MAX: usize = 1_000;

/// # Errors
/// 400 for what is no JSON, 422 for what does not mean anything here.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ProblemDetails> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|fault| ProblemDetails::new(StatusCode::BAD_REQUEST, format!("the body is no JSON: {fault}")))?;
    if !value.is_object() {
        return Err(wrong("the body is to be one JSON object"));
    }
    texts(&value).map_err(wrong)?;
    serde_json::from_value(value).map_err(|fault| wrong(fault.to_string()))
}

fn texts(value: &Value) -> Result<(), String> {
    match value {
        Value::String(text) if text.chars().count() > TEXT_MAX => {
            Err(format!("a text is longer than {TEXT_MAX} characters"))
        }
        Value::String(text) if text.contains('\0') => Err("a text has a character of zero (U+0000)".to_owned()),
        Value::Array(items) => items.iter().try_for_each(texts),
        Value::Object(fields) => fields.values().try_for_each(texts),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}
