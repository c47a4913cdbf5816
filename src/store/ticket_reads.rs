//! Tickets as they are read, with their clocks as of a given moment.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row};

use super::clock_rows;
use super::time::{At, word, word_or_null};
use crate::desk::ticket::{Ticket, TicketEvent, Work};
use crate::desk::workflow::WorkSheet;
use crate::types::{CallId, RecordingId, TicketNumber};

/// The columns that `read` takes, in its order.
pub const COLUMNS: &str = "id, number, kind, class, urgency, category, channel, status, stage, owner, caller, \
    callback_number, building, room, resident, wanted_time, key_left, description, recording, opened_at_ms, incomplete, \
    call, version, nature, serious, responsible, engineer, rework_of, quote, quote_cents, work_done, materials, \
    material_cents, labour_cents, awaiting, satisfaction, feedback, reopened, repaired_at_ms, closed_at_ms";

/// A row as a ticket without clocks and history, and its row id to fetch them with.
pub fn read(row: &Row<'_>) -> rusqlite::Result<(i64, Ticket)> {
    let ticket = Ticket {
        number: TicketNumber(row.get(1)?),
        kind: word(row, 2)?,
        class: word(row, 3)?,
        urgency: word_or_null(row, 4)?,
        category: row.get(5)?,
        channel: word(row, 6)?,
        status: row.get(7)?,
        stage: row.get(8)?,
        owner: Some(row.get(9)?),
        caller: row.get(10)?,
        callback_number: row.get(11)?,
        building: row.get(12)?,
        room: row.get(13)?,
        resident: row.get(14)?,
        wanted_time: row.get(15)?,
        key_left: row.get(16)?,
        description: row.get(17)?,
        recording: row.get::<_, Option<String>>(18)?.map(RecordingId),
        opened_at: row.get::<_, At>(19)?.0,
        due: BTreeMap::new(),
        events: Vec::new(),
        incomplete: row.get(20)?,
        call: row.get::<_, Option<i64>>(21)?.map(CallId),
        version: row.get(22)?,
        work: work(row)?,
    };
    Ok((row.get(0)?, ticket))
}

fn work(row: &Row<'_>) -> rusqlite::Result<Work> {
    Ok(Work {
        nature: word_or_null(row, 23)?,
        serious: row.get(24)?,
        responsible: row.get(25)?,
        engineer: row.get(26)?,
        rework_of: row.get::<_, Option<String>>(27)?.map(TicketNumber),
        quote: word_or_null(row, 28)?,
        quote_cents: row.get(29)?,
        sheet: WorkSheet {
            work_done: row.get(30)?,
            materials: row.get(31)?,
            material_cents: row.get(32)?,
            labour_cents: row.get(33)?,
        },
        awaiting: row.get(34)?,
        satisfaction: word_or_null(row, 35)?,
        feedback: row.get::<_, Option<String>>(36)?.map(RecordingId),
        reopened: row.get(37)?,
        repaired_at: row.get::<_, Option<At>>(38)?.map(|at| at.0),
        closed_at: row.get::<_, Option<At>>(39)?.map(|at| at.0),
    })
}

/// A whole one by its number. Everything of it is of one moment where a transaction is open.
pub fn one(connection: &Connection, number: &str, now: DateTime<Utc>) -> rusqlite::Result<Option<Ticket>> {
    let sql = format!("SELECT {COLUMNS} FROM tickets WHERE number = ?1");
    let Some((id, mut ticket)) = connection.prepare_cached(&sql)?.query_row([number], read).optional()? else {
        return Ok(None);
    };
    fill(connection, id, &mut ticket, now)?;
    Ok(Some(ticket))
}

/// Adds clocks, judged at `now`, and history.
pub fn fill(connection: &Connection, id: i64, ticket: &mut Ticket, now: DateTime<Utc>) -> rusqlite::Result<()> {
    ticket.due = clock_rows::of_ticket(connection, id, now)?.into_iter().collect();
    ticket.events = connection
        .prepare_cached("SELECT at_ms, who, what, note FROM ticket_events WHERE ticket = ?1 ORDER BY id")?
        .query_map([id], |row| {
            Ok(TicketEvent { at: row.get::<_, At>(0)?.0, who: row.get(1)?, what: row.get(2)?, note: row.get(3)? })
        })?
        .collect::<Result<_, _>>()?;
    Ok(())
}
