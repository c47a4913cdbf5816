//! Tickets as they are read, with their clocks as of a given moment.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row};

use super::time::{At, word, word_or_null};
use crate::desk::clocks::breached;
use crate::desk::ticket::{Clock, Ticket, TicketEvent};
use crate::types::{CallId, RecordingId, TicketNumber};

/// The columns that `read` takes, in its order.
pub const COLUMNS: &str = "id, number, kind, class, urgency, category, channel, status, stage, owner, caller, \
    callback_number, building, room, resident, wanted_time, key_left, description, recording, opened_at_ms, incomplete, \
    call";

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
    };
    Ok((row.get(0)?, ticket))
}

/// Adds clocks, judged at `now`, and history.
pub fn fill(connection: &Connection, id: i64, ticket: &mut Ticket, now: DateTime<Utc>) -> rusqlite::Result<()> {
    ticket.due = connection
        .prepare_cached("SELECT name, due_at_ms, met_at_ms FROM ticket_clocks WHERE ticket = ?1")?
        .query_map([id], |row| {
            let at = row.get::<_, At>(1)?.0;
            let met_at = row.get::<_, Option<At>>(2)?.map(|at| at.0);
            Ok((row.get(0)?, Clock { at, met_at, breached: breached(at, met_at, now) }))
        })?
        .collect::<Result<_, _>>()?;
    ticket.events = connection
        .prepare_cached("SELECT at_ms, who, what, note FROM ticket_events WHERE ticket = ?1 ORDER BY id")?
        .query_map([id], |row| {
            Ok(TicketEvent { at: row.get::<_, At>(0)?.0, who: row.get(1)?, what: row.get(2)?, note: row.get(3)? })
        })?
        .collect::<Result<_, _>>()?;
    Ok(())
}
