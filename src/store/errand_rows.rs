//! Telephone calls that the desk itself makes, and the watch for those that are due. Each writing function is part of a
//! transaction that its caller makes.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use super::time::{At, word, word_or_null};
use super::{Reader, StoreError};
use crate::desk::errand::{
    EndedErrand, Errand, ErrandAbout, ErrandEnd, ErrandId, ErrandKind, ErrandRecord, ErrandResult, ErrandState,
    ErrandTo, NewErrand, Standing,
};
use crate::types::{CallId, Lang, MessageId, RecordingId, TicketNumber};

/// An errand that was cut off so often by the end of a run is not begun again.
const TRIES_MAX: u32 = 3;
/// Due ones in one look: many more than are called at the same time.
const DUE_MAX: usize = 64;
/// How long after the last look those that are still due are told again.
const AGAIN_AFTER: TimeDelta = TimeDelta::seconds(5);

/// The columns that `read` takes, in its order.
pub const COLUMNS: &str = "id, kind, to_extension, to_number, ticket, message, note, state, result, why, comment, call, \
    created_at_ms, not_before_ms, started_at_ms, ended_at_ms";

/// Asks for a call; it is begun once its time has come, by whichever run of the daemon.
pub fn add(connection: &Connection, at: DateTime<Utc>, errand: &NewErrand) -> rusqlite::Result<ErrandId> {
    let (extension, number) = match &errand.to {
        ErrandTo::Person { extension } => (Some(extension), None),
        ErrandTo::Customer { number } => (None, Some(number)),
    };
    connection
        .prepare_cached(
            "INSERT INTO errands (kind, to_extension, to_number, ticket, message, note, task, not_before_ms, state,
                created_at_ms)
             VALUES (:kind, :extension, :number, :ticket, :message, :note, :task, :not_before, 'waiting', :at)",
        )?
        .execute(named_params! {
            ":kind": errand.kind.as_str(),
            ":extension": extension,
            ":number": number,
            ":ticket": errand.ticket.as_ref().map(|number| &number.0),
            ":message": errand.message.map(|message| message.0),
            ":note": errand.note,
            ":task": errand.task,
            ":not_before": At(errand.not_before),
            ":at": At(at),
        })?;
    Ok(ErrandId(connection.last_insert_rowid()))
}

/// Those whose time has come and that nobody has begun, with what their calls say: engineers who are sent first, customers last,
/// as they may have to wait for the day; of each the longest due first.
pub fn due(connection: &Connection, now: DateTime<Utc>) -> rusqlite::Result<Vec<Errand>> {
    let sql = "
        SELECT e.id, e.kind, e.to_extension, e.to_number, e.ticket, e.message, e.note, e.not_before_ms,
            t.kind, t.urgency, t.category, t.building, t.room, coalesce(m.recording, t.recording),
            coalesce(m.from_number, t.callback_number, t.caller), coalesce(m.left_at_ms, t.opened_at_ms),
            coalesce(t.caller, c.caller), c.trunk,
            CASE WHEN t.id IS NOT NULL AND t.call IS NULL THEN t.owner ELSE
                (SELECT h.who FROM ticket_events h WHERE h.ticket = t.id AND h.what = 'changed'
                    AND h.note LIKE '%callback_number%' ORDER BY h.id DESC LIMIT 1) END,
            nullif(m.for_person, e.to_extension),
            e.task IS NOT NULL, t.stage, coalesce(t.status = 'closed', 0),
            coalesce(m.relay = 'confirmed' OR m.deleted_at_ms IS NOT NULL, 0),
            CASE WHEN e.to_number IS NOT NULL THEN coalesce(m.language, t.language) END
        FROM errands e
            LEFT JOIN tickets t ON t.number = e.ticket
            LEFT JOIN messages m ON m.id = e.message
            LEFT JOIN calls c ON c.id = coalesce(t.call, m.call)
        WHERE e.state = 'waiting' AND e.not_before_ms <= ?1
        ORDER BY e.to_extension IS NULL, e.kind <> 'dispatch', e.not_before_ms, e.id LIMIT ?2";
    connection.prepare_cached(sql)?.query_map(params![At(now), DUE_MAX as i64], read_due)?.collect()
}

/// How it is with one that was told as due.
enum Told {
    /// It may be told again.
    Waits,
    /// Somebody is called; whether nobody needs to be any more, though no answer was given yet.
    Calls {
        overtaken: bool,
    },
    Ended,
}

fn told(connection: &Connection, errand: ErrandId) -> rusqlite::Result<Told> {
    let sql = "
        SELECT e.kind, e.state, e.result IS NULL AND e.task IS NOT NULL, t.stage, coalesce(t.status = 'closed', 0),
            coalesce(m.relay = 'confirmed' OR m.deleted_at_ms IS NOT NULL, 0)
        FROM errands e
            LEFT JOIN tickets t ON t.number = e.ticket
            LEFT JOIN messages m ON m.id = e.message
        WHERE e.id = ?1";
    connection.prepare_cached(sql)?.query_row([errand.0], |row| {
        Ok(match word(row, 1)? {
            ErrandState::Waiting => Told::Waits,
            ErrandState::Calling => Told::Calls { overtaken: is_overtaken(row, word(row, 0)?, 2)? },
            ErrandState::Ended => Told::Ended,
        })
    })
}

/// From four columns: whether it may be taken back at all, and where that stands which it is about. What was asked for by
/// hand is nobody's to take back.
fn is_overtaken(row: &Row<'_>, kind: ErrandKind, first: usize) -> rusqlite::Result<bool> {
    let standing = Standing { stage: row.get(first + 1)?, closed: row.get(first + 2)?, passed_on: row.get(first + 3)? };
    Ok(row.get(first)? && kind.is_overtaken(&standing))
}

/// When the next one that waits is due.
pub fn next_due(connection: &Connection) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let at: Option<At> = connection
        .prepare_cached("SELECT min(not_before_ms) FROM errands WHERE state = 'waiting'")?
        .query_row([], |row| row.get(0))?;
    Ok(at.map(|at| at.0))
}

/// Claims one that waits for a call; false when it waits no more.
pub fn begin(connection: &Connection, at: DateTime<Utc>, errand: ErrandId, call: CallId) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached(
            "UPDATE errands SET state = 'calling', call = ?2, started_at_ms = ?3, tries = tries + 1
             WHERE id = ?1 AND state = 'waiting'",
        )?
        .execute(params![errand.0, call.0, At(at)])?;
    Ok(changed > 0)
}

/// Keeps what came of it. Said again it changes nothing; false when there is no such errand.
pub fn keep(connection: &Connection, end: &ErrandEnd, over: bool) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached(
            "UPDATE errands SET result = coalesce(result, :result), why = coalesce(why, :why),
                comment = coalesce(:comment, comment),
                ended_at_ms = CASE WHEN :over THEN coalesce(ended_at_ms, :at) ELSE ended_at_ms END,
                state = CASE WHEN :over THEN 'ended' ELSE state END
             WHERE id = :id",
        )?
        .execute(named_params! {
            ":id": end.errand.0,
            ":result": end.result.as_str(),
            ":why": end.why,
            ":comment": end.comment.as_ref().map(|comment| &comment.0),
            ":over": over,
            ":at": At(end.at),
        })?;
    Ok(changed > 0)
}

/// Takes back one that waits; false when it does not.
pub fn cancel(connection: &Connection, at: DateTime<Utc>, errand: ErrandId, who: &str) -> rusqlite::Result<bool> {
    let changed = connection.execute(
        "UPDATE errands SET state = 'ended', result = ?2, why = ?3, ended_at_ms = ?4 WHERE id = ?1 AND state = 'waiting'",
        params![errand.0, ErrandResult::Failed.as_str(), format!("cancelled by {who}"), At(at)],
    )?;
    Ok(changed > 0)
}

/// Those that have ended since and that whoever asked for them has not seen, the oldest first.
pub fn ended_unseen(connection: &Connection, limit: u32) -> rusqlite::Result<Vec<EndedErrand>> {
    let sql = "
        SELECT id, kind, to_extension, to_number, ticket, message, note, task, call, result, why, comment, ended_at_ms
        FROM errands WHERE state = 'ended' AND NOT seen ORDER BY id LIMIT ?1";
    connection.prepare_cached(sql)?.query_map([limit], read_ended)?.collect()
}

/// Whether there are any.
pub fn any_unseen(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM errands WHERE state = 'ended' AND NOT seen)")?
        .query_row([], |row| row.get(0))
}

/// Takes back those of a task that nobody has begun.
pub fn cancel_of_task(connection: &Connection, at: DateTime<Utc>, task: i64, who: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE errands SET state = 'ended', result = ?2, why = ?3, ended_at_ms = ?4, seen = 1
             WHERE task = ?1 AND state = 'waiting'",
        )?
        .execute(params![task, ErrandResult::Failed.as_str(), format!("cancelled by {who}"), At(at)])?;
    Ok(())
}

/// They are seen: in the transaction that does what follows from it.
pub fn seen(connection: &Connection, errand: ErrandId) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE errands SET seen = 1 WHERE id = ?1")?.execute([errand.0])?;
    Ok(())
}

/// At a start nobody is called: whose call was cut off is called again, unless the answer is known already or it was cut off
/// too often. How many wait again.
pub fn take_up(connection: &Connection, now: DateTime<Utc>) -> rusqlite::Result<usize> {
    connection.execute(
        "UPDATE errands SET state = 'ended', ended_at_ms = ?1 WHERE state = 'calling' AND result IS NOT NULL",
        [At(now)],
    )?;
    connection.execute(
        "UPDATE errands SET state = 'ended', ended_at_ms = ?1, result = ?2, why = 'interrupted'
         WHERE state = 'calling' AND tries >= ?3",
        params![At(now), ErrandResult::NotReached.as_str(), TRIES_MAX],
    )?;
    connection.execute("UPDATE errands SET state = 'waiting' WHERE state = 'calling'", [])
}

pub fn one(connection: &Connection, id: ErrandId) -> rusqlite::Result<Option<ErrandRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM errands WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id.0], read).optional()
}

pub fn read(row: &Row<'_>) -> rusqlite::Result<ErrandRecord> {
    Ok(ErrandRecord {
        id: ErrandId(row.get(0)?),
        kind: word(row, 1)?,
        extension: row.get(2)?,
        number: row.get(3)?,
        ticket: row.get::<_, Option<String>>(4)?.map(TicketNumber),
        message: row.get::<_, Option<i64>>(5)?.map(MessageId),
        note: row.get(6)?,
        state: word::<ErrandState>(row, 7)?,
        result: word_or_null(row, 8)?,
        why: row.get(9)?,
        comment: row.get::<_, Option<String>>(10)?.map(RecordingId),
        call: row.get::<_, Option<i64>>(11)?.map(CallId),
        created_at: row.get::<_, At>(12)?.0,
        not_before: row.get::<_, At>(13)?.0,
        started_at: row.get::<_, Option<At>>(14)?.map(|at| at.0),
        ended_at: row.get::<_, Option<At>>(15)?.map(|at| at.0),
    })
}

fn read_due(row: &Row<'_>) -> rusqlite::Result<Errand> {
    let kind = word(row, 1)?;
    Ok(Errand {
        id: ErrandId(row.get(0)?),
        kind,
        to: to(row.get(2)?, row.get(3)?),
        ticket: row.get::<_, Option<String>>(4)?.map(TicketNumber),
        message: row.get::<_, Option<i64>>(5)?.map(MessageId),
        note: row.get(6)?,
        due: row.get::<_, At>(7)?.0,
        overtaken: is_overtaken(row, kind, 20)?,
        about: ErrandAbout {
            kind: word_or_null(row, 8)?,
            urgency: word_or_null(row, 9)?,
            category: row.get(10)?,
            building: row.get(11)?,
            room: row.get(12)?,
            recording: row.get::<_, Option<String>>(13)?.map(RecordingId),
            from_number: row.get(14)?,
            left_at: row.get::<_, Option<At>>(15)?.map(|at| at.0),
            called_from: row.get(16)?,
            trunk: row.get(17)?,
            number_by: row.get(18)?,
            for_person: row.get(19)?,
            language: row.get::<_, Option<String>>(24)?.map(Lang),
        },
    })
}

fn read_ended(row: &Row<'_>) -> rusqlite::Result<EndedErrand> {
    Ok(EndedErrand {
        kind: word(row, 1)?,
        to: to(row.get(2)?, row.get(3)?),
        ticket: row.get::<_, Option<String>>(4)?.map(TicketNumber),
        message: row.get::<_, Option<i64>>(5)?.map(MessageId),
        note: row.get(6)?,
        task: row.get(7)?,
        call: row.get::<_, Option<i64>>(8)?.map(CallId),
        end: ErrandEnd {
            errand: ErrandId(row.get(0)?),
            result: word(row, 9)?,
            why: row.get(10)?,
            comment: row.get::<_, Option<String>>(11)?.map(RecordingId),
            at: row.get::<_, At>(12)?.0,
        },
    })
}

/// The table sees to it that it is one of them.
fn to(extension: Option<String>, number: Option<String>) -> ErrandTo {
    match (extension, number) {
        (Some(extension), _) => ErrandTo::Person { extension },
        (None, number) => ErrandTo::Customer { number: number.unwrap_or_default() },
    }
}

/// What a look came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrandLook {
    /// Those that are due, each of them again and again until it is begun.
    pub due: Vec<Errand>,
    /// Those under way for which nobody needs to be called any more, again and again until they are over.
    pub overtaken: Vec<ErrandId>,
}

impl ErrandLook {
    pub fn is_empty(&self) -> bool {
        self.due.is_empty() && self.overtaken.is_empty()
    }
}

/// Looks for errands that are due, by whichever process they were asked for, and for those that came too late. A look costs
/// microseconds where nothing was written and none is due.
#[derive(Debug)]
pub struct ErrandWatch {
    reader: Reader,
    version: Option<i64>,
    /// When to look though nothing was written.
    look_at: Option<DateTime<Utc>>,
    /// Those that were told as due and are not over: each leaves with its end, so that there are few.
    told: BTreeSet<ErrandId>,
}

impl ErrandWatch {
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { reader: Reader::open(path)?, version: None, look_at: None, told: BTreeSet::new() })
    }

    pub fn look(&mut self, now: DateTime<Utc>) -> Result<ErrandLook, StoreError> {
        let version = self.reader.version()?;
        // A clock that was set back must not put them off.
        let is_time = self.look_at.is_some_and(|at| at <= now);
        if self.version == Some(version) && !is_time {
            return Ok(ErrandLook::default());
        }
        let overtaken = self.overtaken()?;
        let due = self.reader.due_errands(now)?;
        let next = self.reader.next_errand()?;
        self.told.extend(due.iter().map(|errand| errand.id));
        self.version = Some(version);
        let look = ErrandLook { due, overtaken };
        self.look_at = if look.is_empty() { next } else { Some(now + AGAIN_AFTER) };
        Ok(look)
    }

    fn overtaken(&mut self) -> Result<Vec<ErrandId>, StoreError> {
        let mut overtaken = Vec::new();
        let mut ended = Vec::new();
        for errand in &self.told {
            match self.reader.of_errands(|connection| told(connection, *errand))? {
                Told::Calls { overtaken: true } => overtaken.push(*errand),
                Told::Waits | Told::Calls { overtaken: false } => {}
                Told::Ended => ended.push(*errand),
            }
        }
        self.told.retain(|errand| !ended.contains(errand));
        Ok(overtaken)
    }
}
