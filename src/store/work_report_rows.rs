//! Tickets that the staff report on by phone. Each writing function is part of a transaction that its caller makes.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::time::{At, word, word_or_null};
use super::work_rows::{self, By};
use crate::desk::errand::ErrandAbout;
use crate::desk::ticket_number::{day_of, numbered};
use crate::desk::work_report::{WorkFound, WorkWord};
use crate::types::{RecordingId, TicketNumber};

/// Digits of a day before its tickets' serials.
const DAY_DIGITS: usize = 8;

/// The ticket that is meant by these keys: its whole number without the dash, or the serial alone, of today or of the one open
/// ticket that has it.
pub fn find(
    connection: &Connection,
    at: DateTime<Utc>,
    time_zone: chrono_tz::Tz,
    digits: &str,
) -> rusqlite::Result<Option<WorkFound>> {
    if digits.len() > DAY_DIGITS
        && let Some((day, serial)) = digits.split_at_checked(DAY_DIGITS)
    {
        return read(connection, &TicketNumber(format!("{day}-{serial}")));
    }
    let Ok(serial) = digits.parse::<u32>() else { return Ok(None) };
    let today = numbered(&day_of(at, time_zone), serial);
    if let Some(found) = read(connection, &today)? {
        return Ok(Some(found));
    }
    let open: Vec<String> = connection
        .prepare_cached("SELECT number FROM tickets WHERE status = 'open' AND number LIKE ?1 LIMIT 2")?
        .query_map([format!("________-{serial:04}")], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    match open.as_slice() {
        [number] => read(connection, &TicketNumber(number.clone())),
        _ => Ok(None),
    }
}

/// Makes the step that was reported, where the ticket's way leads there; where it stands now in any case. `None` for no such
/// ticket.
pub fn report(
    connection: &Connection,
    by: By<'_>,
    number: &TicketNumber,
    reported: WorkWord,
) -> rusqlite::Result<Option<WorkFound>> {
    let moved = work_rows::advance(connection, by, number, None, &reported.step(by.who))?.is_ok();
    Ok(read(connection, number)?.map(|found| WorkFound { moved, ..found }))
}

fn read(connection: &Connection, number: &TicketNumber) -> rusqlite::Result<Option<WorkFound>> {
    connection
        .prepare_cached(
            "SELECT stage, kind, urgency, category, building, room, recording, coalesce(callback_number, caller), opened_at_ms
             FROM tickets WHERE number = ?1",
        )?
        .query_row(params![number.0], |row| {
            Ok(WorkFound {
                number: number.clone(),
                stage: row.get(0)?,
                moved: false,
                about: ErrandAbout {
                    kind: Some(word(row, 1)?),
                    urgency: word_or_null(row, 2)?,
                    category: row.get(3)?,
                    building: row.get(4)?,
                    room: row.get(5)?,
                    recording: row.get::<_, Option<String>>(6)?.map(RecordingId),
                    from_number: row.get(7)?,
                    left_at: Some(row.get::<_, At>(8)?.0),
                    ..ErrandAbout::default()
                },
            })
        })
        .optional()
}
