//! Messages left for absent persons. Each writing function is part of a transaction that its caller makes.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use super::time::{At, from_i64, to_i64, word};
use crate::desk::message::{Attempt, Deletion, Message, MessageChange, MessageDraft, MessagesWaiting, Relay};
use crate::types::{CallId, MessageId, RecordingId};

/// The columns that `read` takes, in its order.
pub const COLUMNS: &str = "id, for_person, from_number, from_name, recording, duration_ms, left_at_ms, relay, incomplete, call, \
    deleted_at_ms, deleted_by, (SELECT text FROM transcripts WHERE transcripts.recording = messages.recording)";

/// Begins a message: incomplete until the caller keeps it.
pub fn open(connection: &Connection, at: DateTime<Utc>, draft: &MessageDraft) -> rusqlite::Result<MessageId> {
    connection
        .prepare_cached(
            "INSERT INTO messages (for_person, from_number, from_name, duration_ms, left_at_ms, relay, incomplete, call,
                language, updated_at_ms)
             VALUES (:for_person, :from_number, :from_name, 0, :at, :relay, 1, :call, :language, :at)",
        )?
        .execute(named_params! {
            ":for_person": draft.for_person,
            ":from_number": draft.from_number,
            ":from_name": draft.from_name,
            ":at": At(at),
            ":relay": Relay::Pending.as_str(),
            ":call": draft.call.0,
            ":language": draft.language.as_ref().map(|language| &language.0),
        })?;
    Ok(MessageId(connection.last_insert_rowid()))
}

/// Adds to a message: how many wait now, for each extension where that changed. None when there is no such message.
pub fn change(
    connection: &Connection,
    at: DateTime<Utc>,
    message: MessageId,
    change: &MessageChange,
) -> rusqlite::Result<Option<Vec<MessagesWaiting>>> {
    let before: Option<(Option<String>, Relay)> = connection
        .prepare_cached("SELECT for_person, relay FROM messages WHERE id = ?1")?
        .query_row([message.0], |row| Ok((row.get(0)?, word(row, 1)?)))
        .optional()?;
    let Some((for_person, relay)) = before else { return Ok(None) };
    let concerned: Vec<&String> =
        for_person.iter().chain(change.for_person.iter().filter(|p| for_person.as_ref() != Some(p))).collect();
    let count = || concerned.iter().map(|p| waiting(connection, p)).collect::<rusqlite::Result<Vec<_>>>();
    let waited = count()?;
    update(connection, at, message, change, relay.after(change))?;
    for attempt in &change.attempts {
        connection
            .prepare_cached("INSERT INTO message_attempts (message, at_ms, channel, result) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![message.0, At(attempt.at), attempt.channel, attempt.result])?;
    }
    Ok(Some(count()?.into_iter().filter(|now| !waited.contains(now)).collect()))
}

fn update(
    connection: &Connection,
    at: DateTime<Utc>,
    message: MessageId,
    change: &MessageChange,
    relay: Relay,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE messages SET recording = coalesce(:recording, recording),
                duration_ms = coalesce(:duration_ms, duration_ms), from_number = coalesce(:from_number, from_number),
                incomplete = CASE WHEN :complete THEN 0 ELSE incomplete END, relay = :relay,
                for_person = coalesce(:for_person, for_person),
                deleted_at_ms = CASE WHEN :deleted_by IS NULL THEN deleted_at_ms ELSE coalesce(deleted_at_ms, :at) END,
                deleted_by = coalesce(deleted_by, :deleted_by), updated_at_ms = :at
             WHERE id = :id",
        )?
        .execute(named_params! {
            ":id": message.0,
            ":recording": change.recording.as_ref().map(|r| &r.0),
            ":duration_ms": change.duration_ms.map(to_i64),
            ":from_number": change.from_number,
            ":complete": change.complete == Some(true),
            ":relay": relay.as_str(),
            ":for_person": change.for_person,
            ":deleted_by": change.deleted_by,
            ":at": At(at),
        })?;
    Ok(())
}

/// What stands in a person's list: not deleted, and something was left, if only a number to call back.
const LISTED: &str = "for_person = ?1 AND deleted_at_ms IS NULL AND (NOT incomplete OR recording IS NOT NULL)";
/// `Relay::is_unheard`.
const UNHEARD: &str = "relay IN ('pending', 'notified', 'escalated')";

/// A person's messages: those not heard yet first, then the oldest first.
pub fn list(connection: &Connection, for_person: &str, max: usize) -> rusqlite::Result<Vec<Message>> {
    let sql = format!("SELECT {COLUMNS} FROM messages WHERE {LISTED} ORDER BY {UNHEARD} DESC, left_at_ms, id LIMIT ?2");
    connection.prepare_cached(&sql)?.query_map(params![for_person, to_i64(max as u64)], read)?.collect()
}

/// How many messages wait for an extension.
pub fn waiting(connection: &Connection, extension: &str) -> rusqlite::Result<MessagesWaiting> {
    let sql = format!("SELECT count(*) FILTER (WHERE {UNHEARD}), count(*) FROM messages WHERE {LISTED}");
    connection.prepare_cached(&sql)?.query_row([extension], |row| {
        let (new, all) = (from_i64(row.get(0)?), from_i64(row.get(1)?));
        Ok(MessagesWaiting { extension: extension.to_owned(), new, old: all - new.min(all) })
    })
}

/// Notes that the person has confirmed the message (R5). Some(false) when that was so before; none without the message.
pub fn confirm(
    connection: &Connection,
    at: DateTime<Utc>,
    message: MessageId,
    who: &str,
) -> rusqlite::Result<Option<bool>> {
    let relay: Option<String> =
        connection.query_row("SELECT relay FROM messages WHERE id = ?1", [message.0], |row| row.get(0)).optional()?;
    let Some(relay) = relay else { return Ok(None) };
    if relay == Relay::Confirmed.as_str() {
        return Ok(Some(false));
    }
    connection.execute(
        "UPDATE messages SET relay = ?2, updated_at_ms = ?3 WHERE id = ?1",
        params![message.0, Relay::Confirmed.as_str(), At(at)],
    )?;
    connection.execute(
        "INSERT INTO message_attempts (message, at_ms, channel, result) VALUES (?1, ?2, ?3, 'confirmed')",
        params![message.0, At(at), format!("by hand: {who}")],
    )?;
    Ok(Some(true))
}

/// A whole one.
pub fn one(connection: &Connection, id: MessageId) -> rusqlite::Result<Option<Message>> {
    let sql = format!("SELECT {COLUMNS} FROM messages WHERE id = ?1");
    let Some(mut message) = connection.prepare_cached(&sql)?.query_row([id.0], read).optional()? else {
        return Ok(None);
    };
    fill(connection, &mut message)?;
    Ok(Some(message))
}

/// A row as a message without its attempts.
pub fn read(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        id: MessageId(row.get(0)?),
        for_person: row.get(1)?,
        from_number: row.get(2)?,
        from_name: row.get(3)?,
        recording: row.get::<_, Option<String>>(4)?.map(RecordingId),
        transcript: row.get(12)?,
        duration_ms: from_i64(row.get(5)?),
        left_at: row.get::<_, At>(6)?.0,
        relay: word(row, 7)?,
        attempts: Vec::new(),
        incomplete: row.get(8)?,
        call: row.get::<_, Option<i64>>(9)?.map(CallId),
        deleted: match row.get::<_, Option<At>>(10)? {
            Some(at) => Some(Deletion { at: at.0, by: row.get::<_, Option<String>>(11)?.unwrap_or_default() }),
            None => None,
        },
    })
}

/// Adds the tries to pass it on.
pub fn fill(connection: &Connection, message: &mut Message) -> rusqlite::Result<()> {
    message.attempts = connection
        .prepare_cached("SELECT at_ms, channel, result FROM message_attempts WHERE message = ?1 ORDER BY id")?
        .query_map([message.id.0], |row| {
            Ok(Attempt { at: row.get::<_, At>(0)?.0, channel: row.get(1)?, result: row.get(2)? })
        })?
        .collect::<Result<_, _>>()?;
    Ok(())
}
