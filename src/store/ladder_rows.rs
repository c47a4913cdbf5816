//! The SIP messages of calls that are over: kept for so many days, in so many bytes; the oldest go first.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, named_params};

use super::time::At;
use crate::desk::ladder::CallLadder;
use crate::types::CallId;

/// How often those that are too old are looked for.
const LOOK_EVERY: TimeDelta = TimeDelta::minutes(10);
/// Rows that are taken away at once, when there are too many.
const TAKEN_AT_ONCE: u32 = 64;

/// What is known of the table, so that it is not counted for each row.
#[derive(Debug)]
pub struct Room {
    days: u32,
    bytes_max: u64,
    /// `None` where it has to be counted.
    bytes: Option<u64>,
    looked_at: Option<DateTime<Utc>>,
}

impl Room {
    pub fn new(days: u32, bytes_max: u64) -> Self {
        Self { days, bytes_max, bytes: None, looked_at: None }
    }

    /// A transaction was taken back.
    pub fn forget(&mut self) {
        self.bytes = None;
    }

    /// Keeps what came of one call.
    pub fn put(&mut self, connection: &Connection, now: DateTime<Utc>, ladder: &CallLadder) -> rusqlite::Result<()> {
        let kept = ladder.encode();
        let length = kept.len() as u64;
        if self.days == 0 || length > self.bytes_max {
            return Ok(());
        }
        connection
            .prepare_cached(
                "INSERT INTO call_ladders (call, began_at_ms, bytes, messages) VALUES (:call, :began_at, :bytes, :messages)
                 ON CONFLICT (call) DO NOTHING",
            )?
            .execute(named_params! {
                ":call": ladder.call.0,
                ":began_at": At(ladder.began_at),
                ":bytes": length as i64,
                ":messages": kept,
            })?;
        let bytes = match self.bytes {
            Some(bytes) => bytes + length,
            None => count(connection)?,
        };
        let bytes = self.take_old(connection, now, bytes)?;
        self.bytes = Some(self.take_beyond(connection, bytes)?);
        Ok(())
    }

    fn take_old(&mut self, connection: &Connection, now: DateTime<Utc>, bytes: u64) -> rusqlite::Result<u64> {
        if self.looked_at.is_some_and(|at| now - at < LOOK_EVERY) {
            return Ok(bytes);
        }
        self.looked_at = Some(now);
        let oldest = now - TimeDelta::days(self.days.into());
        match connection.execute("DELETE FROM call_ladders WHERE began_at_ms < ?1", [At(oldest)])? {
            0 => Ok(bytes),
            _ => count(connection),
        }
    }

    fn take_beyond(&self, connection: &Connection, mut bytes: u64) -> rusqlite::Result<u64> {
        const TAKE: &str = "DELETE FROM call_ladders WHERE call IN
            (SELECT call FROM call_ladders ORDER BY began_at_ms LIMIT ?1)";
        while bytes > self.bytes_max && connection.prepare_cached(TAKE)?.execute([TAKEN_AT_ONCE])? > 0 {
            bytes = count(connection)?;
        }
        Ok(bytes)
    }
}

fn count(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT coalesce(sum(bytes), 0) FROM call_ladders";
    connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
}

/// What was kept of a call; `None` also where it can't be understood.
pub fn of(connection: &Connection, call: CallId) -> rusqlite::Result<Option<CallLadder>> {
    let sql = "SELECT began_at_ms, messages FROM call_ladders WHERE call = ?1";
    let row = connection
        .prepare_cached(sql)?
        .query_row([call.0], |row| Ok((row.get::<_, At>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .optional()?;
    Ok(row.and_then(|(At(began_at), kept)| CallLadder::decode(call, began_at, &kept)))
}
