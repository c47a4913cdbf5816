//! Pages of lists. A page begins after the row that the one before ended with (its time and id): rows that come or go
//! meanwhile neither repeat nor skip others.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};

use super::ask::Ask;
use super::query::{Param, ParamKind};
use super::reply::{Leaving, Reply};
use crate::console::problem::ProblemDetails;
use crate::store::Place;

/// Rows of a page, unless `limit` says otherwise.
const LIMIT: u32 = 50;
const LIMIT_MAX: u32 = 500;

pub const LIMIT_PARAM: Param =
    Param::new("limit", "Rows of a page: 50 unless said otherwise", ParamKind::Count(LIMIT_MAX));
pub const CURSOR_PARAM: Param = cursor_param("^[0-9]{1,14}~[0-9]{1,18}$");
/// The same in lists that go by ids alone.
pub const ID_CURSOR: Param = cursor_param("^[0-9]{1,18}$");
pub const SINCE: Param = Param::new("since", "At this moment or later", ParamKind::Time);
pub const UNTIL: Param = Param::new("until", "Before this moment", ParamKind::Time);

/// Where a page begins, in a list whose cursors have this form.
pub const fn cursor_param(form: &'static str) -> Param {
    Param::new("cursor", "Where the page begins: the `next_cursor` of the one before", ParamKind::Cursor(form))
}

fn limit(ask: &Ask) -> u32 {
    ask.query.word("limit").unwrap_or(LIMIT)
}

/// So many rows are to be read: one more than the page has, which tells whether more follow.
pub fn to_read(ask: &Ask) -> Option<u32> {
    Some(rows_to_read(ask))
}

/// The same number.
pub fn rows_to_read(ask: &Ask) -> u32 {
    limit(ask) + 1
}

/// The id that the page before ended with, in lists that go by ids alone.
///
/// # Errors
/// 400 for what was never one.
pub fn last_id(ask: &Ask) -> Result<Option<i64>, ProblemDetails> {
    let Some(text) = ask.query.text("cursor") else { return Ok(None) };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).map(Some).ok_or_else(no_cursor)
}

/// A cursor's time and key.
///
/// # Errors
/// 400 for what was never one.
pub fn cursor(ask: &Ask) -> Result<Option<(DateTime<Utc>, &str)>, ProblemDetails> {
    let Some(text) = ask.query.text("cursor") else { return Ok(None) };
    let read = || {
        let (ms, key) = text.split_once('~')?;
        Some((DateTime::from_timestamp_millis(ms.parse().ok()?)?, key))
    };
    read().map(Some).ok_or_else(no_cursor)
}

/// The same where the key is a row's id.
///
/// # Errors
/// 400 for what was never one.
pub fn place(ask: &Ask) -> Result<Option<Place>, ProblemDetails> {
    let Some((at, key)) = cursor(ask)? else { return Ok(None) };
    let id = key.parse().map_err(|_| no_cursor())?;
    Ok(Some(Place { at, id }))
}

pub fn no_cursor() -> ProblemDetails {
    ProblemDetails::new(
        StatusCode::BAD_REQUEST,
        "cursor: it is none of ours; take the `next_cursor` of a page as it is",
    )
}

pub fn cursor_of(at: DateTime<Utc>, key: impl std::fmt::Display) -> String {
    format!("{}~{key}", at.timestamp_millis())
}

/// The page of these rows; `key` gives a row's cursor.
pub fn page<T>(ask: &Ask, mut rows: Vec<T>, key: impl Fn(&T) -> String, leaving: impl Fn(T) -> Leaving) -> Reply {
    let limit = limit(ask) as usize;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(key);
    Reply::page(rows.into_iter().map(leaving).collect(), next)
}
