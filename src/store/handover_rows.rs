//! Handovers of shifts (R40), and what their page says. Each writing function is part of a transaction.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use super::editor::Editor;
use super::error::StoreError;
use super::reader::Reader;
use super::time::{At, from_i64};
use super::work_rows::Refusing;
use super::{alarm_rows, happening_rows, journal_rows, message_rows, ticket_reads};
use crate::desk::handover::{Handover, Listed, Mark, Page, SignedOff, SignedOn, Standing};
use crate::desk::journal::{JournalEntry, JournalKind};

const COLUMNS: &str =
    "id, off_by, off_at_ms, note, on_by, on_at_ms, without_sign_off, last_journal, last_event, last_happening";

fn read(row: &Row<'_>) -> rusqlite::Result<Handover> {
    let text = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(column)?.unwrap_or_default());
    let count = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.unwrap_or_default());
    let id = row.get(0)?;
    let off = match row.get::<_, Option<At>>(2)? {
        Some(At(at)) => Some(SignedOff { by: text(1)?, at, note: text(3)? }),
        None => None,
    };
    let on = match row.get::<_, Option<At>>(5)? {
        Some(At(at)) => {
            let read = Mark { handover: id, journal: count(7)?, event: count(8)?, happening: count(9)? };
            Some(SignedOn { by: text(4)?, at, read })
        }
        None => None,
    };
    Ok(Handover { id, off, on, without_sign_off: row.get(6)? })
}

fn one(connection: &Connection, id: i64) -> rusqlite::Result<Option<Handover>> {
    let sql = format!("SELECT {COLUMNS} FROM handovers WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id], read).optional()
}

fn standing(connection: &Connection) -> rusqlite::Result<Standing> {
    let one = |condition: &str| {
        let sql = format!("SELECT {COLUMNS} FROM handovers WHERE {condition} ORDER BY id DESC LIMIT 1");
        connection.prepare_cached(&sql)?.query_row([], read).optional()
    };
    Ok(Standing { shift: one("on_at_ms IS NOT NULL")?, waiting: one("on_at_ms IS NULL")? })
}

/// What a page that is read now has on it.
fn mark(connection: &Connection, standing: &Standing) -> rusqlite::Result<Mark> {
    let event =
        connection.prepare_cached("SELECT coalesce(max(id), 0) FROM ticket_events")?.query_row([], |row| row.get(0))?;
    Ok(Mark {
        handover: standing.newest(),
        journal: journal_rows::last(connection)?,
        event,
        happening: happening_rows::last(connection)?,
    })
}

fn sign_on(
    connection: &Connection,
    name: &str,
    at: DateTime<Utc>,
    read: Mark,
    why: Option<&str>,
) -> rusqlite::Result<()> {
    let written = named_params! {
        ":by": name, ":at": At(at), ":why": why, ":journal": read.journal, ":event": read.event, ":happening": read.happening,
    };
    let waiting = connection
        .prepare_cached(
            "UPDATE handovers SET on_by = :by, on_at_ms = :at, without_sign_off = :why, last_journal = :journal,
                last_event = :event, last_happening = :happening
             WHERE on_at_ms IS NULL",
        )?
        .execute(written)?;
    if waiting == 0 {
        connection
            .prepare_cached(
                "INSERT INTO handovers (on_by, on_at_ms, without_sign_off, last_journal, last_event, last_happening)
                 VALUES (:by, :at, :why, :journal, :event, :happening)",
            )?
            .execute(written)?;
    }
    Ok(())
}

impl Editor {
    /// The newest handover as it is now, what is being changed included.
    pub fn newest_handover(&mut self) -> Result<Option<Handover>, StoreError> {
        self.transaction(|t| {
            let newest = standing(t)?.newest();
            one(t, newest)
        })
    }

    /// Whoever has the shift goes (R40). Gives the handover's number.
    pub fn sign_off(&mut self, name: &str, at: DateTime<Utc>, note: &str) -> Result<i64, StoreError> {
        let (name, note) = (name.trim(), note.trim());
        self.by(name, at, |t, _| {
            if let Err(why) = standing(t)?.may_sign_off(name, note) {
                return Ok(Err(Refusing::Because(why)));
            }
            t.prepare_cached("INSERT INTO handovers (off_by, off_at_ms, note) VALUES (?1, ?2, ?3)")?
                .execute(params![name, At(at), note])?;
            Ok(Ok(t.last_insert_rowid()))
        })
    }

    /// Somebody takes the shift over, having read a page. `without_sign_off` says why nobody signed off; that is written
    /// in the journal too.
    pub fn sign_on(
        &mut self,
        name: &str,
        at: DateTime<Utc>,
        page: Mark,
        without_sign_off: Option<&str>,
    ) -> Result<(), StoreError> {
        let (name, why) = (name.trim(), without_sign_off.map(str::trim));
        self.by(name, at, |t, _| {
            let now = standing(t)?;
            if let Err(refusal) = now.may_sign_on(name, page, mark(t, &now)?, why) {
                return Ok(Err(Refusing::Because(refusal)));
            }
            sign_on(t, name, at, page, why)?;
            if let Some(why) = why {
                let before = now.on_shift().map_or("nobody", |on| on.by.as_str());
                let text = format!("{name} took the shift over; {before} had not signed off: {why}");
                let entry = JournalEntry::of_system(at, JournalKind::NoSignOff, before, &text);
                journal_rows::add(t, &JournalEntry { who: Some(name.to_owned()), ..entry })?;
            }
            Ok(Ok(()))
        })
    }
}

impl Reader {
    /// Handovers, the newest first.
    pub fn handovers(&self, limit: u32) -> Result<Vec<Handover>, StoreError> {
        self.handovers_before(limit, None)
    }

    /// The same from a handover on: what comes after it in the list.
    pub fn handovers_before(&self, limit: u32, id: Option<i64>) -> Result<Vec<Handover>, StoreError> {
        let run = || {
            let sql = format!("SELECT {COLUMNS} FROM handovers WHERE id < ?2 ORDER BY id DESC LIMIT ?1");
            let before = id.unwrap_or(i64::MAX);
            self.connection.prepare_cached(&sql)?.query_map(params![limit, before], read)?.collect()
        };
        self.told(run())
    }

    pub fn handover(&self, id: i64) -> Result<Option<Handover>, StoreError> {
        self.told(one(&self.connection, id))
    }

    /// What the page of a handover says at `now`, with at most so many of each list, all as of one moment.
    pub fn handover_page(&self, now: DateTime<Utc>, limit: u32) -> Result<Page, StoreError> {
        self.told(self.page(now, limit))
    }

    fn page(&self, now: DateTime<Utc>, limit: u32) -> rusqlite::Result<Page> {
        let t = self.connection.unchecked_transaction()?;
        let standing = standing(&t)?;
        let mark = mark(&t, &standing)?;
        let since = standing.read();
        let list = |table: &str, columns: &str, condition: &str, order: &str| {
            let sql = format!("SELECT {columns} FROM {table} WHERE {condition} ORDER BY {order} LIMIT {limit}");
            let total = format!("SELECT count(*) FROM {table} WHERE {condition}");
            t.query_row(&total, [], |row| row.get(0)).map(|total| (sql, from_i64(total)))
        };
        let shift_began =
            At(standing.shift.as_ref().and_then(|s| s.on.as_ref()).map_or(DateTime::UNIX_EPOCH, |on| on.at));
        let missed = format!(
            "kind = 'missed_emergency' AND state IN ('open', 'acknowledged') AND raised_at_ms >= {}",
            shift_began.0.timestamp_millis()
        );
        let (sql, total) = list("tickets", ticket_reads::COLUMNS, "status = 'open'", BY_DEADLINE)?;
        let mut tickets = Vec::new();
        let rows: Vec<_> = t.prepare_cached(&sql)?.query_map([], ticket_reads::read)?.collect::<Result<_, _>>()?;
        for (id, mut ticket) in rows {
            ticket_reads::fill(&t, id, &mut ticket, now)?;
            tickets.push(ticket);
        }
        let tickets = Listed { list: tickets, total };
        let unconfirmed =
            "relay <> 'confirmed' AND deleted_at_ms IS NULL AND (NOT incomplete OR recording IS NOT NULL)";
        let (sql, total) = list("messages", message_rows::COLUMNS, unconfirmed, "left_at_ms, id")?;
        let messages = t.prepare_cached(&sql)?.query_map([], message_rows::read)?.collect::<Result<_, _>>()?;
        let alarms = |condition: &str| {
            let (sql, total) = list("alarms", alarm_rows::COLUMNS, condition, "raised_at_ms, id")?;
            let list = t.prepare_cached(&sql)?.query_map([], alarm_rows::read)?.collect::<Result<_, _>>()?;
            Ok::<_, rusqlite::Error>(Listed { list, total })
        };
        let count = |sql: &str, after: i64| t.prepare_cached(sql)?.query_row([after], |row| row.get(0)).map(from_i64);
        let events = |what: &str| {
            count(&format!("SELECT count(*) FROM ticket_events WHERE id > ?1 AND what IN ({what})"), since.event)
        };
        Ok(Page {
            at: now,
            tickets,
            messages: Listed { list: messages, total },
            alarms: alarms("state = 'open'")?,
            missed: alarms(&missed)?,
            journal: Listed {
                list: journal_rows::after(&t, since.journal, limit)?,
                total: count("SELECT count(*) FROM journal WHERE id > ?1", since.journal)?,
            },
            calls: count("SELECT count(*) FROM calls WHERE started_at_ms >= ?1", shift_began.0.timestamp_millis())?,
            opened: events("'opened'")?,
            closed: events("'closed', 'closed_referred', 'withdrawn'")?,
            mark,
            standing,
        })
    }
}

/// What is due first; a ticket of which nothing runs comes last.
const BY_DEADLINE: &str = "(SELECT min(c.due_at_ms) FROM ticket_clocks c WHERE c.ticket = tickets.id \
    AND c.met_at_ms IS NULL AND c.paused_at_ms IS NULL) NULLS LAST, id";
