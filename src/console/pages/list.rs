//! Lists in pages: a page of rows begins after the last row of the one before, so that no list is ever counted through.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::fault::PageFault;
use crate::console::problem::ProblemDetails;
use crate::desk::told::told;
use crate::store::Place;

/// Rows of a page.
pub const ROWS: usize = 50;

/// What stands in the address after `?`: filters, and where the page begins. Texts are tidied, empty ones left out.
#[derive(Debug, Clone, Default)]
pub struct Asked(HashMap<String, String>);

impl Asked {
    pub fn some(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn text(&self, name: &str) -> &str {
        self.some(name).unwrap_or_default()
    }

    pub fn owned(&self, name: &str) -> Option<String> {
        self.some(name).map(ToOwned::to_owned)
    }

    /// A word of an enum; one that is none is no filter.
    pub fn word<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.some(name)?.parse().ok()
    }

    /// A day or a minute of the desk's own time, as `<input type=date>` and `<input type=datetime-local>` give them.
    pub fn time(&self, name: &str, tz: Tz) -> Option<DateTime<Utc>> {
        local_time(self.some(name)?, tz)
    }

    /// Where the page begins.
    pub fn place(&self) -> Option<Place> {
        let (ms, id) = self.some("after")?.split_once('~')?;
        Some(Place { at: DateTime::from_timestamp_millis(ms.parse().ok()?)?, id: id.parse().ok()? })
    }

    /// The same filters in an address, from another place on: `?who=wang&after=1~2`.
    pub fn address(&self, after: Option<&str>) -> String {
        let mut pairs: Vec<_> = self.0.iter().filter(|(name, _)| !matches!(name.as_str(), "after" | "said")).collect();
        pairs.sort();
        let mut text: Vec<String> = pairs.iter().map(|(n, v)| format!("{}={}", encoded(n), encoded(v))).collect();
        text.extend(after.map(|after| format!("after={}", encoded(after))));
        if text.is_empty() { String::new() } else { format!("?{}", text.join("&")) }
    }
}

/// A day or a minute of the desk's own time, as browsers write it.
pub fn local_time(text: &str, tz: Tz) -> Option<DateTime<Utc>> {
    let minute = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").ok();
    let minute = minute.or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))?;
    // Years in which there are telephones, far from the ends of the calendar.
    let minute = Some(minute).filter(|minute| (1900..=9999).contains(&minute.year()))?;
    // A minute that a change of the clocks leaves out is the one an hour after it.
    let at = minute.and_local_timezone(tz).earliest();
    let at = at.or_else(|| (minute + TimeDelta::hours(1)).and_local_timezone(tz).earliest())?;
    Some(at.with_timezone(&Utc))
}

/// As it stands in an address.
pub fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Response> {
        let read = Query::<HashMap<String, String>>::try_from_uri(&parts.uri).map_err(|fault| {
            let what = told!("网址无法识别：{fault}", "the address can't be read: {fault}");
            PageFault::from(ProblemDetails::new(StatusCode::BAD_REQUEST, what)).into_response()
        })?;
        let tidy = |(name, value): (String, String)| (name, value.trim().to_owned());
        Ok(Self(read.0.into_iter().map(tidy).filter(|(_, value)| !value.is_empty()).collect()))
    }
}

/// Rows of a page, and where the next one begins. Read one more row than `ROWS`.
pub struct Listed<T> {
    pub rows: Vec<T>,
    pub next: Option<String>,
}

impl<T> Listed<T> {
    pub fn new(mut rows: Vec<T>, place: impl Fn(&T) -> (DateTime<Utc>, String)) -> Self {
        let more = rows.len() > ROWS;
        rows.truncate(ROWS);
        let next = rows.last().filter(|_| more).map(place).map(|(at, id)| format!("{}~{id}", at.timestamp_millis()));
        Self { rows, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> Asked {
        Asked(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn days_and_minutes_are_the_desks_own() {
        let asked =
            asked(&[("day", "2026-11-28"), ("minute", "2026-11-28T09:30"), ("gap", "2026-03-29T02:30"), ("odd", "x")]);
        let time = |name: &str, tz: Tz| asked.time(name, tz).map(|at| at.to_rfc3339());
        assert_eq!(time("day", chrono_tz::Asia::Shanghai).as_deref(), Some("2026-11-27T16:00:00+00:00"));
        assert_eq!(time("minute", chrono_tz::Asia::Shanghai).as_deref(), Some("2026-11-28T01:30:00+00:00"));
        assert_eq!(time("gap", chrono_tz::Europe::Berlin).as_deref(), Some("2026-03-29T01:30:00+00:00"));
        assert_eq!(time("odd", chrono_tz::UTC), None);
        for end in ["+262142-12-31", "-262143-01-02", "+262142-12-31T23:30"] {
            assert_eq!(local_time(end, chrono_tz::America::New_York), None, "{end}");
        }
    }

    #[test]
    fn a_page_begins_where_the_one_before_ended() {
        let at = DateTime::UNIX_EPOCH + TimeDelta::milliseconds(7);
        let listed = Listed::new((0..60).collect(), |n: &i32| (at, n.to_string()));
        assert_eq!((listed.rows.len(), listed.next.as_deref()), (ROWS, Some("7~49")));
        let asked = asked(&[("who", "王 芳"), ("said", "saved"), ("after", "7~49")]);
        assert_eq!(asked.place().map(|place| (place.at, place.id)), Some((at, 49)));
        assert_eq!(asked.address(Some("8~3")), "?who=%E7%8E%8B%20%E8%8A%B3&after=8~3");
        assert!(Listed::new(vec![1], |_| (at, String::new())).next.is_none());
    }
}
