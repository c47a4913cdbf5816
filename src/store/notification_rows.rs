//! The outbox: what people and programs are to be told, and how it is with each channel. Each writing function is part of
//! a transaction that its caller makes.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use super::filter::NotificationFilter;
use super::time::{At, from_i64, unreadable, word};
use super::{Editor, Reader, StoreError, alarm_rows};
use crate::desk::alarm::{AlarmKind, AlarmState, AlarmWord};
use crate::desk::notifications::{
    DueNotification, NewNotification, NoticeContent, Notification, NotificationId, NotificationState, NotifyRules,
};
use crate::desk::told::told;

/// The columns that `read` takes, in its order.
const COLUMNS: &str =
    "id, event, channel, recipient, about, state, tries, created_at_ms, next_at_ms, ended_at_ms, error";

/// See `cut`.
const ERROR_CHARS_MAX: usize = 300;
/// Those that are over and kept: the newest.
const KEPT: i64 = 100_000;
/// Rows that one step takes away.
const TRIMMED_AT_ONCE: i64 = 1_000;

/// Puts it into the outbox; once for a happening, a channel and a recipient, however often it is said. None of a
/// happening is a trial.
pub fn add(
    connection: &Connection,
    at: DateTime<Utc>,
    happening: Option<i64>,
    new: &NewNotification,
) -> rusqlite::Result<bool> {
    let added = connection
        .prepare_cached(
            "INSERT INTO notifications (happening, event, channel, recipient, about, content, state, next_at_ms, created_at_ms)
             VALUES (:happening, :event, :channel, :recipient, :about, :content, 'waiting', :next, :at)
             ON CONFLICT DO NOTHING",
        )?
        .execute(named_params! {
            ":happening": happening,
            ":event": new.event,
            ":channel": new.channel.as_str(),
            ":recipient": new.recipient,
            ":about": new.about,
            ":content": json(&new.content)?,
            ":next": At(new.not_before),
            ":at": At(at),
        })?;
    Ok(added > 0)
}

/// Those whose time has come, the longest ago first, but for those of these channels (`email`, `webhook NAME`).
pub fn due(
    connection: &Connection,
    now: DateTime<Utc>,
    limit: u32,
    full: &[&str],
) -> rusqlite::Result<Vec<DueNotification>> {
    connection
        .prepare_cached(
            "SELECT id, event, channel, recipient, about, content, tries, created_at_ms FROM notifications
             WHERE next_at_ms <= ?1 AND CASE channel WHEN 'webhook' THEN 'webhook ' || recipient ELSE channel END
                NOT IN (SELECT value FROM json_each(?3))
             ORDER BY next_at_ms, id LIMIT ?2",
        )?
        .query_map(params![At(now), limit, serde_json::json!(full).to_string()], |row| {
            Ok(DueNotification {
                id: NotificationId(row.get(0)?),
                event: row.get(1)?,
                channel: word(row, 2)?,
                recipient: row.get(3)?,
                about: row.get(4)?,
                content: content(row, 5)?,
                tries: row.get::<_, u32>(6)? + 1,
                created_at: row.get::<_, At>(7)?.0,
            })
        })?
        .collect()
}

/// A try begins.
pub fn begin_try(connection: &Connection, id: NotificationId) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE notifications SET tries = tries + 1, next_at_ms = NULL, state = 'sending' WHERE id = ?1",
        )?
        .execute([id.0])?;
    Ok(())
}

/// Tries that the end of a run cut off: nobody knows whether they arrived. They are made again, under the same id.
pub fn again_after_a_crash(connection: &Connection, at: DateTime<Utc>) -> rusqlite::Result<usize> {
    connection.execute("UPDATE notifications SET state = 'waiting', next_at_ms = ?1 WHERE state = 'sending'", [At(at)])
}

/// It failed, and is tried again then.
pub fn put_off(
    connection: &Connection,
    id: NotificationId,
    again_at: DateTime<Utc>,
    error: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE notifications SET state = 'waiting', next_at_ms = ?2, error = ?3 WHERE id = ?1")?
        .execute(params![id.0, At(again_at), error])?;
    Ok(())
}

/// It is over: what was said is not kept a second time (R12), unless it may be sent once more by hand.
pub fn end(
    connection: &Connection,
    at: DateTime<Utc>,
    id: NotificationId,
    state: NotificationState,
    error: Option<&str>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE notifications SET state = ?2, next_at_ms = NULL, ended_at_ms = ?3, error = ?4,
                content = CASE WHEN ?2 = 'failed' THEN content END
             WHERE id = ?1",
        )?
        .execute(params![id.0, state.as_str(), At(at), error])?;
    Ok(())
}

/// One that failed is sent once more. Some(false) when there is nothing left to be sent; none without it.
pub fn retry(connection: &Connection, at: DateTime<Utc>, id: NotificationId) -> rusqlite::Result<Option<bool>> {
    let known: Option<bool> = connection
        .prepare_cached(
            "SELECT state IN ('failed', 'waiting') AND content IS NOT NULL FROM notifications WHERE id = ?1",
        )?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    if known == Some(true) {
        // Its age stays, and with it the id that receivers know it by.
        connection
            .prepare_cached(
                "UPDATE notifications SET state = 'waiting', next_at_ms = ?2, ended_at_ms = NULL, tries = 0 WHERE id = ?1",
            )?
            .execute(params![id.0, At(at)])?;
    }
    Ok(known)
}

/// The next moment at which one is to be sent.
pub fn next(connection: &Connection) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let next: Option<At> = connection
        .prepare_cached("SELECT min(next_at_ms) FROM notifications WHERE next_at_ms IS NOT NULL")?
        .query_row([], |row| row.get(0))?;
    Ok(next.map(|at| at.0))
}

/// The newest first.
pub fn list(connection: &Connection, filter: &NotificationFilter) -> rusqlite::Result<Vec<Notification>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM notifications
         WHERE (:state IS NULL OR state = :state) AND (:channel IS NULL OR channel = :channel)
            AND (:about IS NULL OR about = :about) AND (:before IS NULL OR id < :before)
         ORDER BY id DESC LIMIT :limit"
    );
    connection
        .prepare_cached(&sql)?
        .query_map(
            named_params! {
                ":state": filter.state.map(NotificationState::as_str),
                ":channel": filter.channel.map(|channel| channel.as_str()),
                ":about": filter.about,
                ":before": filter.before,
                ":limit": filter.limit.map_or(-1, i64::from),
            },
            read,
        )?
        .collect()
}

pub fn one(connection: &Connection, id: NotificationId) -> rusqlite::Result<Option<Notification>> {
    let sql = format!("SELECT {COLUMNS} FROM notifications WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id.0], read).optional()
}

/// Takes the oldest away that are over, where there are too many.
pub fn trim(connection: &Connection) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM notifications WHERE state IN ('sent', 'failed') AND id <= min(
                (SELECT coalesce(max(id), 0) FROM notifications) - ?1,
                (SELECT coalesce(min(id), 0) FROM notifications) + ?2)",
        )?
        .execute(params![KEPT, TRIMMED_AT_ONCE])
}

/// How it is with a channel, where it fails.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ChannelWord {
    /// In a row.
    failures: u32,
    alarmed: bool,
}

/// A channel failed once more.
fn channel_failed(
    connection: &Connection,
    at: DateTime<Utc>,
    channel: &str,
    error: &str,
) -> rusqlite::Result<ChannelWord> {
    connection
        .prepare_cached(
            "INSERT INTO channels (name, failures, failing_since_ms, error) VALUES (?1, 1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET failures = failures + 1, error = ?3,
                failing_since_ms = coalesce(failing_since_ms, ?2)
             RETURNING failures, alarmed",
        )?
        .query_row(params![channel, At(at), error], |row| {
            let failures = u32::try_from(from_i64(row.get(0)?)).unwrap_or(u32::MAX);
            Ok(ChannelWord { failures, alarmed: row.get(1)? })
        })
}

/// The same, and an alarm where it is too often: true when it is one from now on.
pub fn fail_channel(
    connection: &Connection,
    at: DateTime<Utc>,
    rules: &NotifyRules,
    channel: &str,
    error: &str,
) -> rusqlite::Result<bool> {
    let word = channel_failed(connection, at, channel, error)?;
    if word.failures < rules.alarm_after || word.alarmed {
        return Ok(false);
    }
    alarm(connection, at, channel, format!("{} failures in a row; the last: {error}", word.failures))?;
    channel_alarmed(connection, channel)?;
    Ok(true)
}

/// What a server or service says of a failure: on one line, and not endless, since it comes from outside.
pub fn cut(error: &str) -> String {
    error.chars().map(|c| if c.is_control() { ' ' } else { c }).take(ERROR_CHARS_MAX).collect()
}

/// Somebody must see it.
pub fn alarm(connection: &Connection, at: DateTime<Utc>, about: &str, note: String) -> rusqlite::Result<()> {
    let word = AlarmWord { note, ..AlarmWord::about(AlarmKind::ChannelFailing, about, AlarmState::Open) };
    alarm_rows::put(connection, at, &word)
}

fn channel_alarmed(connection: &Connection, channel: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE channels SET alarmed = 1 WHERE name = ?1")?.execute([channel])?;
    Ok(())
}

/// It works. Whether it had failed before.
pub fn channel_works(connection: &Connection, channel: &str) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached(
            "UPDATE channels SET failures = 0, failing_since_ms = NULL, error = NULL, alarmed = 0
             WHERE name = ?1 AND failures > 0",
        )?
        .execute([channel])?;
    Ok(changed > 0)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Notification> {
    let at = |column| row.get::<_, Option<At>>(column).map(|at| at.map(|at| at.0));
    Ok(Notification {
        id: NotificationId(row.get(0)?),
        event: row.get(1)?,
        channel: word(row, 2)?,
        recipient: row.get(3)?,
        about: row.get(4)?,
        state: word(row, 5)?,
        tries: row.get(6)?,
        created_at: row.get::<_, At>(7)?.0,
        next_at: at(8)?,
        ended_at: at(9)?,
        error: row.get(10)?,
    })
}

fn content(row: &Row<'_>, column: usize) -> rusqlite::Result<NoticeContent> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|fault| unreadable(column, fault))
}

fn json(content: &NoticeContent) -> rusqlite::Result<String> {
    serde_json::to_string(content).map_err(|fault| rusqlite::Error::ToSqlConversionFailure(Box::new(fault)))
}

impl Reader {
    /// Notifications, the newest first.
    pub fn notifications(&self, filter: &NotificationFilter) -> Result<Vec<Notification>, StoreError> {
        self.at_one_moment(|connection| list(connection, filter))
    }

    pub fn notification(&self, id: NotificationId) -> Result<Option<Notification>, StoreError> {
        self.at_one_moment(|connection| one(connection, id))
    }
}

impl Editor {
    /// Puts a trial into the outbox: the running daemon sends it.
    pub fn add_notification(&mut self, at: DateTime<Utc>, new: &NewNotification) -> Result<NotificationId, StoreError> {
        self.transaction(|t| {
            add(t, at, None, new)?;
            Ok(NotificationId(t.last_insert_rowid()))
        })
    }

    pub fn notification(&mut self, id: NotificationId) -> Result<Option<Notification>, StoreError> {
        self.transaction(|t| one(t, id))
    }

    /// One that failed, or waits, is sent now.
    pub fn retry_notification(&mut self, id: NotificationId, at: DateTime<Utc>) -> Result<(), StoreError> {
        let NotificationId(number) = id;
        match self.transaction(|t| retry(t, at, id))? {
            Some(true) => Ok(()),
            Some(false) => Err(StoreError::Refused(told!(
                "通知 {number} 已发出或正在发送",
                "notification {number} was sent, or is being sent"
            ))),
            None => Err(StoreError::Unknown(told!("通知 {number}", "notification {number}"))),
        }
    }
}
