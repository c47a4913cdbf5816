//! Takes numbers and names out of old rows (R12). The rows stay: they are counted by reports.

use std::fmt;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::time::At;
use crate::desk::call_record::{LegRecord, PathStep};
use crate::desk::privacy::mask_text;

/// Stands where a number or a name was: somebody called, nobody knows who.
const NOBODY: &str = "*";
/// Keys that were pressed in a row: as many may be a telephone number.
const KEYS_MAX: usize = 5;

/// How many rows it were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Anonymised {
    pub calls: usize,
    pub tickets: usize,
    pub messages: usize,
    pub alarms: usize,
    /// Calls that the desk made to customers.
    pub errands: usize,
    /// Notifications that never went through.
    pub notifications: usize,
}

impl Anonymised {
    pub fn all(&self) -> usize {
        self.calls + self.tickets + self.messages + self.alarms + self.errands + self.notifications
    }
}

impl fmt::Display for Anonymised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Anonymised { calls, tickets, messages, alarms, errands, notifications } = self;
        write!(
            f,
            "{calls} calls, {tickets} tickets, {messages} messages, {alarms} alarms, {errands} errands, \
             {notifications} notifications"
        )
    }
}

/// A part of the transaction of its caller: at most `limit` rows of each table.
pub fn rows(t: &Connection, before: DateTime<Utc>, limit: u32) -> rusqlite::Result<Anonymised> {
    Ok(Anonymised {
        calls: calls(t, before, limit)?,
        tickets: tickets(t, before, limit)?,
        messages: messages(t, before, limit)?,
        alarms: alarms(t, before, limit)?,
        errands: errands(t, before, limit)?,
        notifications: notifications(t, before, limit)?,
    })
}

fn calls(t: &Connection, before: DateTime<Utc>, limit: u32) -> rusqlite::Result<usize> {
    let old: Vec<(i64, String, String)> = t
        .prepare_cached(
            "SELECT id, path, legs FROM calls WHERE NOT anonymised AND started_at_ms < ?1 AND ended_at_ms IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.lifted_at_ms IS NULL AND (
                    (h.what = 'call' AND h.about = CAST(calls.id AS TEXT))
                    OR (h.what = 'ticket' AND h.about IN (SELECT number FROM tickets WHERE call = calls.id))
                    OR (h.what = 'message' AND h.about IN (SELECT CAST(id AS TEXT) FROM messages WHERE call = calls.id))))
             ORDER BY started_at_ms LIMIT ?2",
        )?
        .query_map(params![At(before), limit], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (id, path, legs) in &old {
        t.prepare_cached(
            "UPDATE calls SET anonymised = 1, callee = CASE WHEN direction = 'in' OR length(callee) < 7 THEN callee ELSE ?2 END,
                caller = CASE WHEN caller IS NULL THEN NULL ELSE ?2 END,
                caller_name = CASE WHEN caller_name IS NULL THEN NULL ELSE ?2 END,
                diverted_from = CASE WHEN diverted_from IS NULL THEN NULL ELSE ?2 END, path = ?3, legs = ?4
             WHERE id = ?1",
        )?
        .execute(params![id, NOBODY, path_without_numbers(path), legs_without_numbers(legs)])?;
        t.prepare_cached("DELETE FROM call_ladders WHERE call = ?1")?.execute([id])?;
    }
    Ok(old.len())
}

/// What can't be read is emptied: it may say anything.
fn path_without_numbers(path: &str) -> String {
    let mut steps: Vec<PathStep> = serde_json::from_str(path).unwrap_or_default();
    for step in &mut steps {
        step.input = step.input.take().map(|keys| if keys.len() >= KEYS_MAX { NOBODY.to_owned() } else { keys });
    }
    serde_json::to_string(&steps).unwrap_or_else(|_| "[]".to_owned())
}

/// The place of a leg without an extension is the customer's own number.
fn legs_without_numbers(legs: &str) -> String {
    let mut legs: Vec<LegRecord> = serde_json::from_str(legs).unwrap_or_default();
    for leg in legs.iter_mut().filter(|leg| leg.extension.is_empty()) {
        leg.place = NOBODY.to_owned();
    }
    serde_json::to_string(&legs).unwrap_or_else(|_| "[]".to_owned())
}

fn tickets(t: &Connection, before: DateTime<Utc>, limit: u32) -> rusqlite::Result<usize> {
    let old: Vec<(i64, Option<String>)> = t
        .prepare_cached(
            "SELECT id, description FROM tickets WHERE NOT anonymised AND opened_at_ms < ?1 AND status <> 'open'
                AND coalesce(closed_at_ms, updated_at_ms) < ?1
                AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.lifted_at_ms IS NULL AND (
                    (h.what = 'ticket' AND h.about = tickets.number)
                    OR (h.what = 'call' AND h.about = CAST(tickets.call AS TEXT))))
             ORDER BY opened_at_ms LIMIT ?2",
        )?
        .query_map(params![At(before), limit], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (id, description) in &old {
        let description = description.as_deref().map(mask_text);
        t.prepare_cached(
            "UPDATE tickets SET anonymised = 1, caller = CASE WHEN caller IS NULL THEN NULL ELSE ?2 END,
                callback_number = CASE WHEN callback_number IS NULL THEN NULL ELSE ?2 END,
                resident = CASE WHEN resident IS NULL THEN NULL ELSE ?2 END, description = ?3
             WHERE id = ?1",
        )?
        .execute(params![id, NOBODY, description.as_deref()])?;
        notes(t, *id)?;
    }
    Ok(old.len())
}

/// Numbers in the notes of a ticket's history.
fn notes(t: &Connection, ticket: i64) -> rusqlite::Result<()> {
    let notes: Vec<(i64, String)> = t
        .prepare_cached("SELECT id, note FROM ticket_events WHERE ticket = ?1 AND note IS NOT NULL")?
        .query_map([ticket], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (id, note) in notes {
        if let std::borrow::Cow::Owned(masked) = mask_text(&note) {
            t.prepare_cached("UPDATE ticket_events SET note = ?2 WHERE id = ?1")?.execute(params![id, masked])?;
        }
    }
    Ok(())
}

fn messages(t: &Connection, before: DateTime<Utc>, limit: u32) -> rusqlite::Result<usize> {
    let old: Vec<i64> = t
        .prepare_cached(
            "SELECT id FROM messages m WHERE NOT anonymised AND left_at_ms < ?1
                AND (relay IN ('heard', 'confirmed') OR deleted_at_ms IS NOT NULL)
                AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.lifted_at_ms IS NULL AND (
                    (h.what = 'message' AND h.about = CAST(m.id AS TEXT))
                    OR (h.what = 'call' AND h.about = CAST(m.call AS TEXT))))
             ORDER BY left_at_ms LIMIT ?2",
        )?
        .query_map(params![At(before), limit], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in &old {
        t.prepare_cached(
            "UPDATE messages SET anonymised = 1, from_number = CASE WHEN from_number IS NULL THEN NULL ELSE ?2 END,
                from_name = CASE WHEN from_name IS NULL THEN NULL ELSE ?2 END
             WHERE id = ?1",
        )?
        .execute(params![id, NOBODY])?;
        attempts(t, *id)?;
    }
    Ok(old.len())
}

/// A caller who was told that their message has arrived stands in its history by their number.
fn attempts(t: &Connection, message: i64) -> rusqlite::Result<()> {
    let attempts: Vec<(i64, String, String)> = t
        .prepare_cached("SELECT id, channel, result FROM message_attempts WHERE message = ?1")?
        .query_map([message], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (id, channel, result) in attempts {
        t.prepare_cached("UPDATE message_attempts SET channel = ?2, result = ?3 WHERE id = ?1")?.execute(params![
            id,
            mask_text(&channel),
            mask_text(&result)
        ])?;
    }
    Ok(())
}

fn alarms(t: &Connection, before: DateTime<Utc>, limit: u32) -> rusqlite::Result<usize> {
    t.prepare_cached(
        "UPDATE alarms SET caller = ?3 WHERE id IN (SELECT id FROM alarms a WHERE caller IS NOT NULL AND caller <> ?3
            AND raised_at_ms < ?1 AND state <> 'open'
            AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.lifted_at_ms IS NULL AND (
                (h.what = 'call' AND h.about = CAST(a.call AS TEXT)) OR (h.what = 'ticket' AND h.about = a.ticket)))
            LIMIT ?2)",
    )?
    .execute(params![At(before), limit, NOBODY])
}

fn errands(t: &Connection, before: DateTime<Utc>, limit: u32) -> rusqlite::Result<usize> {
    t.prepare_cached(
        "UPDATE errands SET to_number = ?3 WHERE id IN (SELECT id FROM errands e WHERE to_number IS NOT NULL AND to_number <> ?3
            AND created_at_ms < ?1 AND state = 'ended'
            AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.lifted_at_ms IS NULL AND (
                (h.what = 'call' AND h.about = CAST(e.call AS TEXT)) OR (h.what = 'ticket' AND h.about = e.ticket)))
            ORDER BY created_at_ms LIMIT ?2)",
    )?
    .execute(params![At(before), limit, NOBODY])
}

/// What is over keeps its words only where it failed.
fn notifications(t: &Connection, before: DateTime<Utc>, limit: u32) -> rusqlite::Result<usize> {
    t.prepare_cached(
        "UPDATE notifications SET content = NULL WHERE id IN (SELECT id FROM notifications
            WHERE state = 'failed' AND content IS NOT NULL AND created_at_ms < ?1 ORDER BY id LIMIT ?2)",
    )?
    .execute(params![At(before), limit])
}
