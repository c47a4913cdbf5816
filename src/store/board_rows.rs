//! What a board shows of the day, and what is known of a caller: small reads by index, however long the log is.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rusqlite::{Connection, params};

use super::time::{At, word, word_or_null};
use super::{AlarmFilter, Reader, ReportPeriod, StoreError, ticket_reads};
use crate::desk::board::{ALARMS_MAX, CLOCKS_MAX, COUNTED_MAX, DueNext, Today};
use crate::desk::report::calls::CallRules;
use crate::desk::ticket::Ticket;
use crate::desk::trunk_state::TrunkState;
use crate::types::TicketNumber;

impl Reader {
    /// The day from `midnight` on, and what is open at `now`.
    pub fn today(
        &self,
        midnight: DateTime<Utc>,
        now: DateTime<Utc>,
        rules: CallRules,
        zone: Tz,
    ) -> Result<Today, StoreError> {
        let period = ReportPeriod { since: Some(midnight), until: None };
        let (clocks, running, overdue) =
            self.at_one_moment(|c| Ok((due_next(c)?, running(c, None)?, running(c, Some(now))?)))?;
        let (unheard, unheard_since) = self.at_one_moment(unheard)?;
        Ok(Today {
            calls: self.calls_report(period, rules, zone)?.totals,
            clocks,
            overdue,
            running,
            unheard,
            unheard_since,
            alarms: self.alarms(&AlarmFilter { open: true, limit: Some(ALARMS_MAX), ..AlarmFilter::default() })?,
            open_alarms: self.at_one_moment(open_alarms)?,
            trunks: self.trunks()?.into_iter().filter(|trunk| trunk.state != TrunkState::Left).collect(),
        })
    }

    /// Tickets that are open for a place, the newest first, `limit` at most.
    pub fn open_tickets_of(
        &self,
        (building, room): (&str, &str),
        limit: u32,
        now: DateTime<Utc>,
    ) -> Result<Vec<Ticket>, StoreError> {
        let sql = format!(
            "SELECT {} FROM tickets WHERE building = ?1 AND room = ?2 AND room IS NOT NULL AND status = 'open'
             ORDER BY opened_at_ms DESC, id DESC LIMIT ?3",
            ticket_reads::COLUMNS
        );
        self.at_one_moment(|connection| {
            let found: Vec<_> = connection
                .prepare_cached(&sql)?
                .query_map(params![building, room, limit], ticket_reads::read)?
                .collect::<Result<_, _>>()?;
            let mut tickets = Vec::with_capacity(found.len());
            for (id, mut ticket) in found {
                ticket_reads::fill(connection, id, &mut ticket, now)?;
                tickets.push(ticket);
            }
            Ok(tickets)
        })
    }
}

/// The index holds clocks that are not met, in the order of their ends.
pub(super) const DUE_NEXT: &str = "
    SELECT t.number, t.kind, t.urgency, t.category, t.building, t.room, t.owner, c.name, c.due_at_ms
    FROM ticket_clocks c INDEXED BY ticket_clocks_running JOIN tickets t ON t.id = c.ticket
    WHERE c.met_at_ms IS NULL AND c.paused_at_ms IS NULL AND t.status = 'open'
    ORDER BY c.due_at_ms LIMIT ?1";

fn due_next(connection: &Connection) -> rusqlite::Result<Vec<DueNext>> {
    connection
        .prepare_cached(DUE_NEXT)?
        .query_map([CLOCKS_MAX], |row| {
            Ok(DueNext {
                ticket: TicketNumber(row.get(0)?),
                kind: word(row, 1)?,
                urgency: word_or_null(row, 2)?,
                category: row.get(3)?,
                building: row.get(4)?,
                room: row.get(5)?,
                owner: row.get(6)?,
                clock: row.get(7)?,
                due: row.get::<_, At>(8)?.0,
            })
        })?
        .collect()
}

pub(super) const RUNNING: &str = "
    SELECT count(*) FROM (SELECT 1 FROM ticket_clocks c INDEXED BY ticket_clocks_running
        JOIN tickets t ON t.id = c.ticket
        WHERE c.met_at_ms IS NULL AND c.paused_at_ms IS NULL AND t.status = 'open' AND c.due_at_ms < ?1 LIMIT ?2)";

/// Clocks that run; those that end before a moment, where one is given.
fn running(connection: &Connection, before: Option<DateTime<Utc>>) -> rusqlite::Result<u32> {
    connection
        .prepare_cached(RUNNING)?
        .query_row(params![before.map_or(i64::MAX, |at| at.timestamp_millis()), COUNTED_MAX], |row| row.get(0))
}

pub(super) const UNHEARD: &str = "
    SELECT count(*), min(left_at_ms) FROM (SELECT left_at_ms FROM messages INDEXED BY messages_unconfirmed
        WHERE relay <> 'confirmed' AND relay <> 'heard' AND deleted_at_ms IS NULL LIMIT ?1)";

fn unheard(connection: &Connection) -> rusqlite::Result<(u32, Option<DateTime<Utc>>)> {
    connection
        .prepare_cached(UNHEARD)?
        .query_row([COUNTED_MAX], |row| Ok((row.get(0)?, row.get::<_, Option<At>>(1)?.map(|at| at.0))))
}

pub(super) const OPEN_ALARMS: &str =
    "SELECT count(*) FROM (SELECT 1 FROM alarms INDEXED BY alarms_by_state WHERE state = 'open' LIMIT ?1)";

fn open_alarms(connection: &Connection) -> rusqlite::Result<u32> {
    connection.prepare_cached(OPEN_ALARMS)?.query_row([COUNTED_MAX], |row| row.get(0))
}
