//! Tasks as they stand between their steps. Each writing function is part of a transaction that its caller makes.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::time::{At, unreadable, word, word_or_null};
use crate::desk::tasks::{MessageFacts, Next, Task, TaskRow, TicketFacts};
use crate::types::{MessageId, TicketNumber};

/// One that is open.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenTask {
    pub id: i64,
    pub subject: String,
    pub task: Task,
}

/// Begins a task, to be stepped at once. Nothing changes where one of its kind is open for the same thing already.
pub fn begin(connection: &Connection, at: DateTime<Utc>, subject: &str, task: &Task) -> rusqlite::Result<bool> {
    let begun = connection
        .prepare_cached(
            "INSERT INTO tasks (kind, subject, state, next_at_ms, begun_at_ms) VALUES (?1, ?2, ?3, ?4, ?4)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![task.kind().as_str(), subject, json(task)?, At(at)])?;
    Ok(begun > 0)
}

/// Keeps what a step has made of it.
pub fn keep(connection: &Connection, at: DateTime<Utc>, id: i64, task: &Task, next: Next) -> rusqlite::Result<()> {
    let (next_at, ended_at) = match next {
        Next::At(next) => (Some(At(next)), None),
        Next::Ended => (None, Some(At(at))),
    };
    connection
        .prepare_cached("UPDATE tasks SET state = ?2, next_at_ms = ?3, ended_at_ms = ?4 WHERE id = ?1")?
        .execute(params![id, json(task)?, next_at, ended_at])?;
    Ok(())
}

/// Those whose time has come, the longest ago first.
pub fn due(connection: &Connection, now: DateTime<Utc>, limit: u32) -> rusqlite::Result<Vec<OpenTask>> {
    connection
        .prepare_cached("SELECT id, subject, state FROM tasks WHERE next_at_ms <= ?1 ORDER BY next_at_ms, id LIMIT ?2")?
        .query_map(params![At(now), limit], read)?
        .collect()
}

/// An open one.
pub fn open(connection: &Connection, id: i64) -> rusqlite::Result<Option<OpenTask>> {
    connection
        .prepare_cached("SELECT id, subject, state FROM tasks WHERE id = ?1 AND next_at_ms IS NOT NULL")?
        .query_row([id], read)
        .optional()
}

/// The next moment at which one is to be stepped.
pub fn next(connection: &Connection) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let next: Option<At> = connection
        .prepare_cached("SELECT min(next_at_ms) FROM tasks WHERE next_at_ms IS NOT NULL")?
        .query_row([], |row| row.get(0))?;
    Ok(next.map(|at| at.0))
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<OpenTask> {
    let task = serde_json::from_str(row.get_ref(2)?.as_str()?).map_err(|fault| unreadable(2, fault))?;
    Ok(OpenTask { id: row.get(0)?, subject: row.get(1)?, task })
}

fn json(task: &Task) -> rusqlite::Result<String> {
    serde_json::to_string(task).map_err(|fault| rusqlite::Error::ToSqlConversionFailure(Box::new(fault)))
}

/// What a task about a ticket knows of it.
pub fn ticket(connection: &Connection, number: &TicketNumber) -> rusqlite::Result<Option<TicketFacts>> {
    connection
        .prepare_cached(
            "SELECT kind, urgency, stage, status = 'closed', owner, coalesce(callback_number, caller),
                room IS NOT NULL OR recording IS NOT NULL OR description IS NOT NULL
             FROM tickets WHERE number = ?1",
        )?
        .query_row([&number.0], |row| {
            Ok(TicketFacts {
                kind: word(row, 0)?,
                urgency: word_or_null(row, 1)?,
                stage: row.get(2)?,
                closed: row.get(3)?,
                owner: row.get(4)?,
                number: row.get(5)?,
                can_be_dispatched: row.get(6)?,
            })
        })
        .optional()
}

/// What a task about a message knows of it.
pub fn message(connection: &Connection, id: MessageId) -> rusqlite::Result<Option<MessageFacts>> {
    connection
        .prepare_cached("SELECT for_person, relay, deleted_at_ms IS NOT NULL, from_number FROM messages WHERE id = ?1")?
        .query_row([id.0], |row| {
            Ok(MessageFacts {
                for_person: row.get(0)?,
                relay: word(row, 1)?,
                deleted: row.get(2)?,
                from_number: row.get(3)?,
            })
        })
        .optional()
}

/// The columns that `read_row` takes, in its order.
pub const ROW: &str = "id, kind, subject, next_at_ms, begun_at_ms, ended_at_ms";

pub fn read_row(row: &Row<'_>) -> rusqlite::Result<TaskRow> {
    Ok(TaskRow {
        id: row.get(0)?,
        kind: word(row, 1)?,
        subject: row.get(2)?,
        next_at: row.get::<_, Option<At>>(3)?.map(|at| at.0),
        begun_at: row.get::<_, At>(4)?.0,
        ended_at: row.get::<_, Option<At>>(5)?.map(|at| at.0),
    })
}

/// How far a reader of happenings has come.
pub fn cursor(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT coalesce((SELECT id FROM cursors WHERE name = ?1), 0)")?
        .query_row([name], |row| row.get(0))
}

pub fn set_cursor(connection: &Connection, name: &str, id: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO cursors VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET id = excluded.id")?
        .execute(params![name, id])?;
    Ok(())
}
