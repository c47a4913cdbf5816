//! The clocks of tickets. Each writing function is part of a transaction that its caller makes.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::time::{At, word_or_null};
use crate::desk::clocks::{ClockBook, ClockKey, PauseReason, Times, breached};
use crate::desk::ticket::{Clock, Pause};
use crate::types::TicketNumber;

/// Begins a clock that the ticket did not have.
pub fn begin(
    connection: &Connection,
    book: &ClockBook,
    ticket: i64,
    key: ClockKey,
    start: DateTime<Utc>,
) -> rusqlite::Result<()> {
    let Times { due, warn } = book.begun(key, start);
    connection
        .prepare_cached(
            "INSERT INTO ticket_clocks (ticket, name, due_at_ms, started_at_ms, next_at_ms) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![ticket, key.name(), At(due), At(start), At(warn)])?;
    Ok(())
}

/// Begins a clock, also one that the ticket had before.
pub fn begin_anew(
    connection: &Connection,
    book: &ClockBook,
    ticket: i64,
    key: ClockKey,
    start: DateTime<Utc>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM ticket_clocks WHERE ticket = ?1 AND name = ?2")?
        .execute(params![ticket, key.name()])?;
    begin(connection, book, ticket, key, start)
}

/// Takes away a clock that is not met.
pub fn forget_running(connection: &Connection, ticket: i64, key: ClockKey) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM ticket_clocks WHERE ticket = ?1 AND name = ?2 AND met_at_ms IS NULL")?
        .execute(params![ticket, key.name()])?;
    Ok(())
}

/// Its promise was not kept after all: it runs on to the end that it had. One that was alarmed is not alarmed again.
pub fn take_back(connection: &Connection, ticket: i64, name: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE ticket_clocks SET met_at_ms = NULL,
                next_at_ms = CASE WHEN breached_at_ms IS NULL THEN due_at_ms END
             WHERE ticket = ?1 AND name = ?2 AND met_at_ms IS NOT NULL",
        )?
        .execute(params![ticket, name])?;
    Ok(())
}

/// How it is with one clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    None,
    Met,
    Running,
}

pub fn find(connection: &Connection, ticket: i64, name: &str) -> rusqlite::Result<Found> {
    let met: Option<Option<i64>> = connection
        .prepare_cached("SELECT met_at_ms FROM ticket_clocks WHERE ticket = ?1 AND name = ?2")?
        .query_row(params![ticket, name], |row| row.get(0))
        .optional()?;
    Ok(match met {
        None => Found::None,
        Some(Some(_)) => Found::Met,
        Some(None) => Found::Running,
    })
}

/// Its promise is kept.
pub fn meet(connection: &Connection, ticket: i64, name: &str, at: DateTime<Utc>) -> rusqlite::Result<bool> {
    let met = connection
        .prepare_cached(
            "UPDATE ticket_clocks SET met_at_ms = ?3, next_at_ms = NULL, paused_at_ms = NULL, pause_reason = NULL,
                left_ms = NULL
             WHERE ticket = ?1 AND name = ?2 AND met_at_ms IS NULL",
        )?
        .execute(params![ticket, name, At(at)])?;
    Ok(met > 0)
}

/// The ticket is closed: nothing of it is waited for.
pub fn meet_all(connection: &Connection, ticket: i64, at: DateTime<Utc>) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE ticket_clocks SET met_at_ms = ?2, next_at_ms = NULL, paused_at_ms = NULL, pause_reason = NULL,
                left_ms = NULL
             WHERE ticket = ?1 AND met_at_ms IS NULL",
        )?
        .execute(params![ticket, At(at)])?;
    Ok(())
}

/// One that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningClock {
    pub due: DateTime<Utc>,
    pub paused: Option<(DateTime<Utc>, Option<PauseReason>, TimeDelta)>,
    pub breached: bool,
}

pub fn running(connection: &Connection, ticket: i64, name: &str) -> rusqlite::Result<Option<RunningClock>> {
    connection
        .prepare_cached(
            "SELECT due_at_ms, paused_at_ms, pause_reason, left_ms, breached_at_ms IS NOT NULL FROM ticket_clocks
             WHERE ticket = ?1 AND name = ?2 AND met_at_ms IS NULL",
        )?
        .query_row(params![ticket, name], |row| {
            let paused = match row.get::<_, Option<At>>(1)? {
                None => None,
                Some(at) => Some((at.0, word_or_null(row, 2)?, TimeDelta::milliseconds(row.get(3)?))),
            };
            Ok(RunningClock { due: row.get::<_, At>(0)?.0, paused, breached: row.get(4)? })
        })
        .optional()
}

/// Those that stand still for this reason, with what is left of their time.
pub fn paused_for(
    connection: &Connection,
    ticket: i64,
    reason: PauseReason,
) -> rusqlite::Result<Vec<(String, TimeDelta)>> {
    connection
        .prepare_cached(
            "SELECT name, left_ms FROM ticket_clocks
             WHERE ticket = ?1 AND pause_reason = ?2 AND met_at_ms IS NULL AND left_ms IS NOT NULL ORDER BY name",
        )?
        .query_map(params![ticket, reason.as_str()], |row| Ok((row.get(0)?, TimeDelta::milliseconds(row.get(1)?))))?
        .collect()
}

/// The name of the ticket's clock that was over last, where that is still waited for.
pub fn last_over(connection: &Connection, number: &TicketNumber) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached(
            "SELECT c.name FROM ticket_clocks c JOIN tickets t ON t.id = c.ticket
             WHERE t.number = ?1 AND c.breached_at_ms IS NOT NULL AND c.met_at_ms IS NULL
             ORDER BY c.breached_at_ms DESC, c.name LIMIT 1",
        )?
        .query_row([&number.0], |row| row.get(0))
        .optional()
}

/// It stands still with so much of its time left.
pub fn pause(
    connection: &Connection,
    ticket: i64,
    name: &str,
    at: DateTime<Utc>,
    reason: PauseReason,
    left: TimeDelta,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE ticket_clocks SET paused_at_ms = ?3, pause_reason = ?4, left_ms = ?5, next_at_ms = NULL
             WHERE ticket = ?1 AND name = ?2 AND met_at_ms IS NULL",
        )?
        .execute(params![ticket, name, At(at), reason.as_str(), left.num_milliseconds()])?;
    Ok(())
}

/// It goes on, or ends at another time than before. One that was warned of already is not warned of again for it.
pub fn set_times(connection: &Connection, ticket: i64, name: &str, times: Times) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE ticket_clocks SET due_at_ms = ?3, paused_at_ms = NULL, pause_reason = NULL, left_ms = NULL,
                next_at_ms = CASE WHEN warned_at_ms IS NULL THEN ?4 ELSE ?3 END
             WHERE ticket = ?1 AND name = ?2 AND met_at_ms IS NULL",
        )?
        .execute(params![ticket, name, At(times.due), At(times.warn)])?;
    Ok(())
}

/// One whose warning or end has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueClock {
    pub ticket: i64,
    pub number: TicketNumber,
    pub name: String,
    pub owner: String,
    pub due: DateTime<Utc>,
}

/// Those whose warning or end has come at `now`, the longest ago first.
pub fn to_look_at(connection: &Connection, now: DateTime<Utc>, limit: u32) -> rusqlite::Result<Vec<DueClock>> {
    connection
        .prepare_cached(
            "SELECT t.id, t.number, c.name, t.owner, c.due_at_ms FROM ticket_clocks c JOIN tickets t ON t.id = c.ticket
             WHERE c.next_at_ms <= ?1 ORDER BY c.next_at_ms LIMIT ?2",
        )?
        .query_map(params![At(now), limit], |row| {
            Ok(DueClock {
                ticket: row.get(0)?,
                number: TicketNumber(row.get(1)?),
                name: row.get(2)?,
                owner: row.get(3)?,
                due: row.get::<_, At>(4)?.0,
            })
        })?
        .collect()
}

/// The next moment at which one is to be looked at.
pub fn next(connection: &Connection) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let next: Option<At> = connection
        .prepare_cached("SELECT min(next_at_ms) FROM ticket_clocks WHERE next_at_ms IS NOT NULL")?
        .query_row([], |row| row.get(0))?;
    Ok(next.map(|at| at.0))
}

/// It was warned of; its end comes next.
pub fn warned(connection: &Connection, ticket: i64, name: &str, at: DateTime<Utc>) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE ticket_clocks SET warned_at_ms = ?3, next_at_ms = due_at_ms + 1 WHERE ticket = ?1 AND name = ?2",
        )?
        .execute(params![ticket, name, At(at)])?;
    Ok(())
}

/// It is over, which is told once.
pub fn over(connection: &Connection, ticket: i64, name: &str, at: DateTime<Utc>) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE ticket_clocks SET breached_at_ms = coalesce(breached_at_ms, ?3), warned_at_ms = coalesce(warned_at_ms, ?3),
                next_at_ms = NULL
             WHERE ticket = ?1 AND name = ?2",
        )?
        .execute(params![ticket, name, At(at)])?;
    Ok(())
}

/// All clocks of a ticket, judged at `now`. One that stands still is judged as of then.
pub fn of_ticket(connection: &Connection, ticket: i64, now: DateTime<Utc>) -> rusqlite::Result<Vec<(String, Clock)>> {
    connection
        .prepare_cached(
            "SELECT name, due_at_ms, met_at_ms, warned_at_ms, breached_at_ms, paused_at_ms, pause_reason FROM ticket_clocks
             WHERE ticket = ?1",
        )?
        .query_map([ticket], |row| read(row, now))?
        .collect()
}

fn read(row: &Row<'_>, now: DateTime<Utc>) -> rusqlite::Result<(String, Clock)> {
    let moment = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<At>>(column)?.map(|at| at.0));
    let (at, met_at) = (row.get::<_, At>(1)?.0, moment(2)?);
    let paused_at = moment(5)?;
    let paused = match (paused_at, word_or_null(row, 6)?) {
        (Some(at), Some(reason)) => Some(Pause { at, reason }),
        _ => None,
    };
    let judged_at = paused_at.map_or(now, |paused| paused.min(now));
    let clock = Clock {
        at,
        met_at,
        breached: moment(4)?.is_some() || breached(at, met_at, judged_at),
        warned_at: moment(3)?,
        paused,
    };
    Ok((row.get(0)?, clock))
}
