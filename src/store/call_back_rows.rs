//! Call-backs that keep a place in the queue. Each writing function is part of a transaction that its caller makes.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, named_params, params};

use super::call_rows;
use super::time::At;
use crate::desk::call_back::{CallBackState, CallBackWord, WaitingCallBack};

/// One that has waited for longer is not taken up again: its ticket remains.
const AGE_MAX: TimeDelta = TimeDelta::hours(4);
/// So many are taken up again, those that have waited longest.
const TAKEN_UP_MAX: u32 = 500;

pub fn put(connection: &Connection, at: DateTime<Utc>, word: &CallBackWord) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO call_backs (call, state, since_ms, say) VALUES (:call, :state, :at, :say)
             ON CONFLICT (call) DO UPDATE SET state = :state",
        )?
        .execute(named_params! {
            ":call": word.call.0,
            ":state": word.state.as_str(),
            ":at": At(at),
            ":say": word.say,
        })?;
    Ok(())
}

/// Those that wait, in the order of their places; those that have waited too long are over, and whose ticket is closed has
/// been spoken to.
pub fn take_up(connection: &Connection, now: DateTime<Utc>) -> rusqlite::Result<Vec<WaitingCallBack>> {
    let (waiting, over) = (CallBackState::Waiting.as_str(), CallBackState::Over.as_str());
    connection.execute(
        "UPDATE call_backs SET state = ?1 WHERE state = ?2 AND since_ms < ?3",
        params![over, waiting, At(now - AGE_MAX)],
    )?;
    let columns = call_rows::COLUMNS;
    let sql = format!(
        "SELECT {columns}, since_ms, say FROM call_backs JOIN calls ON calls.id = call_backs.call
         WHERE state = ?1 AND ended_at_ms IS NOT NULL
            AND EXISTS (SELECT 1 FROM tickets WHERE tickets.call = calls.id AND status = 'open')
         ORDER BY since_ms, call LIMIT ?2"
    );
    connection
        .prepare(&sql)?
        .query_map(params![waiting, TAKEN_UP_MAX], |row| {
            let since = row.get::<_, At>("since_ms")?.0;
            Ok(WaitingCallBack { record: call_rows::read(row)?, since, say: row.get("say")? })
        })?
        .collect()
}
