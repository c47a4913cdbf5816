//! What the HTTP API answered to requests with a key, so that one that is sent twice is done once.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::time::At;

/// How long an answer is kept.
const KEPT: TimeDelta = TimeDelta::hours(24);

/// Which request an answer belongs to.
#[derive(Debug, Clone, Copy)]
pub struct RequestKey<'a> {
    pub token: i64,
    pub key: &'a str,
}

/// An answer as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// SHA-256 of what was asked.
    pub request: [u8; 32],
    pub status: u16,
    /// Names and values, as JSON.
    pub headers: String,
    pub body: Vec<u8>,
}

/// The answer of before, if there was one within a day.
pub fn find(connection: &Connection, of: RequestKey<'_>, now: DateTime<Utc>) -> rusqlite::Result<Option<KeptAnswer>> {
    connection
        .prepare_cached(
            "SELECT request, status, headers, body FROM api_answers WHERE token = ?1 AND key = ?2 AND at_ms > ?3",
        )?
        .query_row(params![of.token, of.key, At(now - KEPT)], |row| {
            Ok(KeptAnswer { request: row.get(0)?, status: row.get(1)?, headers: row.get(2)?, body: row.get(3)? })
        })
        .optional()
}

/// Keeps an answer, and forgets those that are too old.
pub fn keep(
    connection: &Connection,
    of: RequestKey<'_>,
    now: DateTime<Utc>,
    answer: &KeptAnswer,
) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM api_answers WHERE at_ms <= ?1", [At(now - KEPT)])?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO api_answers (token, key, request, status, headers, body, at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            of.token,
            of.key,
            answer.request.as_slice(),
            answer.status,
            answer.headers,
            answer.body,
            At(now)
        ])?;
    Ok(())
}
