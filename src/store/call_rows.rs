//! Rows of the call log.

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, named_params, params};

use super::CallFilter;
use super::filter::{Clause, Place};
use super::queue::CallRow;
use super::ticket_rows;
use super::time::{At, from_i64, to_i64, unreadable, word, word_or_null};
use crate::desk::call_record::{CallRecord, RtpStats};
use crate::desk::clocks::ClockBook;
use crate::types::{CallId, Codec, RecordingId, TicketNumber};

/// The line knows of the tickets that it opened, and only the row of those that people opened meanwhile.
const PUT: &str = "
INSERT INTO calls (id, caller, caller_name, callee, started_at_ms, answered_at_ms, ended_at_ms, answer_ms, answer_rings,
    outcome, path, handled_by, tickets, messages, recording, codec, rtp_sent, rtp_received, rtp_lost, rtp_jitter_ms,
    rtp_mos, end_reason, sip_call_id, legs, trunk, diverted_from, direction, sought_ms,
    person_ms, branch, updated_at_ms)
VALUES (:id, :caller, :caller_name, :callee, :started_at, :answered_at, :ended_at, :answer_ms, :answer_rings,
    :outcome, :path, :handled_by, :tickets, :messages, :recording, :codec, :rtp_sent, :rtp_received, :rtp_lost,
    :rtp_jitter_ms, :rtp_mos, :end_reason, :sip_call_id, :legs, :trunk, :diverted_from, :direction, :sought_ms,
    :person_ms, :branch, :updated_at)
ON CONFLICT (id) DO UPDATE SET caller = excluded.caller, caller_name = excluded.caller_name, callee = excluded.callee,
    started_at_ms = excluded.started_at_ms, answered_at_ms = excluded.answered_at_ms, ended_at_ms = excluded.ended_at_ms,
    answer_ms = excluded.answer_ms, answer_rings = excluded.answer_rings, outcome = excluded.outcome,
    path = excluded.path, handled_by = excluded.handled_by, messages = excluded.messages,
    tickets = CASE calls.tickets WHEN '[]' THEN excluded.tickets ELSE (SELECT json_group_array(value) FROM
        (SELECT value FROM json_each(excluded.tickets) UNION SELECT value FROM json_each(calls.tickets))) END,
    recording = excluded.recording, codec = excluded.codec, rtp_sent = excluded.rtp_sent,
    rtp_received = excluded.rtp_received, rtp_lost = excluded.rtp_lost, rtp_jitter_ms = excluded.rtp_jitter_ms,
    rtp_mos = excluded.rtp_mos, end_reason = excluded.end_reason, sip_call_id = excluded.sip_call_id,
    legs = excluded.legs, trunk = excluded.trunk,
    diverted_from = excluded.diverted_from,
    sought_ms = excluded.sought_ms, person_ms = excluded.person_ms, branch = excluded.branch,
    updated_at_ms = excluded.updated_at_ms";

/// The columns that `read` takes, in its order.
pub const COLUMNS: &str = "id, caller, caller_name, callee, started_at_ms, answered_at_ms, ended_at_ms, answer_ms, \
    answer_rings, outcome, path, handled_by, tickets, messages, recording, codec, rtp_sent, rtp_received, rtp_lost, \
    rtp_jitter_ms, rtp_mos, end_reason, sip_call_id, legs, trunk, diverted_from, direction";

/// Puts rows into the log, within one transaction.
pub struct Put<'c> {
    connection: &'c Connection,
    book: &'c ClockBook,
    statement: CachedStatement<'c>,
}

impl<'c> Put<'c> {
    pub fn prepare(connection: &'c Connection, book: &'c ClockBook) -> rusqlite::Result<Self> {
        Ok(Self { connection, book, statement: connection.prepare_cached(PUT)? })
    }

    /// Inserts the call's row or puts this one in its place. The clocks of an ended call's tickets run from its end
    /// (R24), if nothing started them before.
    pub fn row(&mut self, row: &CallRow) -> rusqlite::Result<()> {
        let CallRow { at, record } = row;
        self.statement.execute(named_params! {
            ":id": record.id.0,
            ":caller": record.caller,
            ":caller_name": record.caller_name,
            ":callee": record.callee,
            ":started_at": At(record.started_at),
            ":answered_at": record.answered_at.map(At),
            ":ended_at": record.ended_at.map(At),
            ":answer_ms": record.answer_ms.map(to_i64),
            ":answer_rings": record.answer_rings,
            ":outcome": record.outcome.map(|o| o.as_str()),
            ":path": json(&record.path)?,
            ":handled_by": record.handled_by,
            ":tickets": json(&record.tickets)?,
            ":messages": json(&record.messages)?,
            ":recording": record.recording.as_ref().map(|r| &r.0),
            ":codec": record.codec.map(|c| c.encoding_name()),
            ":rtp_sent": to_i64(record.rtp.sent),
            ":rtp_received": to_i64(record.rtp.received),
            ":rtp_lost": to_i64(record.rtp.lost),
            // SQLite keeps a NaN as null, which the column refuses: one bad figure must not cost the row.
            ":rtp_jitter_ms": if record.rtp.jitter_ms.is_nan() { 0.0 } else { record.rtp.jitter_ms },
            ":rtp_mos": record.rtp.mos,
            ":end_reason": record.end_reason,
            ":sip_call_id": record.sip_call_id,
            ":legs": json(&record.legs)?,
            ":trunk": record.trunk,
            ":diverted_from": record.diverted_from,
            ":direction": record.direction.as_str(),
            ":sought_ms": record.sought_ms().map(to_i64),
            ":person_ms": record.person_ms().map(to_i64),
            ":branch": record.branch(),
            ":updated_at": At(*at),
        })?;
        match record.ended_at {
            Some(end) if !record.tickets.is_empty() => {
                ticket_rows::start_clocks_of_call(self.connection, self.book, record.id, end)
            }
            _ => Ok(()),
        }
    }
}

/// Ties a ticket to a call in which somebody opened it.
pub fn add_ticket(connection: &Connection, call: CallId, ticket: &TicketNumber) -> rusqlite::Result<()> {
    let sql = "UPDATE calls SET tickets = json_insert(tickets, '$[#]', ?2) WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![call.0, ticket.0])?;
    Ok(())
}

/// The SQL of a list from a place on, with its values.
pub fn query(filter: &CallFilter, place: Option<Place>) -> (String, Clause) {
    let mut clause = filter.clause();
    let [table, began, id] = filter.table();
    clause.beyond_by(began, id, place);
    let sql = clause.sql(&format!("{began} DESC, {id} DESC"), filter.limit, filter.offset);
    (format!("SELECT {COLUMNS} FROM {table} {sql}"), clause)
}

/// One by its id.
pub fn one(connection: &Connection, id: CallId) -> rusqlite::Result<Option<CallRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM calls WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id.0], read).optional()
}

/// A row as a record.
pub fn read(row: &Row<'_>) -> rusqlite::Result<CallRecord> {
    Ok(CallRecord {
        id: CallId(row.get(0)?),
        caller: row.get(1)?,
        caller_name: row.get(2)?,
        callee: row.get(3)?,
        started_at: row.get::<_, At>(4)?.0,
        answered_at: row.get::<_, Option<At>>(5)?.map(|at| at.0),
        ended_at: row.get::<_, Option<At>>(6)?.map(|at| at.0),
        answer_ms: row.get::<_, Option<i64>>(7)?.map(from_i64),
        answer_rings: row.get(8)?,
        outcome: word_or_null(row, 9)?,
        path: from_json(row, 10)?,
        handled_by: row.get(11)?,
        tickets: from_json(row, 12)?,
        messages: from_json(row, 13)?,
        recording: row.get::<_, Option<String>>(14)?.map(RecordingId),
        codec: codec(row.get_ref(15)?.as_str_or_null()?),
        rtp: RtpStats {
            sent: from_i64(row.get(16)?),
            received: from_i64(row.get(17)?),
            lost: from_i64(row.get(18)?),
            jitter_ms: row.get(19)?,
            mos: row.get(20)?,
        },
        end_reason: row.get(21)?,
        sip_call_id: row.get(22)?,
        legs: from_json(row, 23)?,
        trunk: row.get(24)?,
        diverted_from: row.get(25)?,
        direction: word(row, 26)?,
    })
}

fn codec(name: Option<&str>) -> Option<Codec> {
    Codec::ALL.into_iter().find(|codec| Some(codec.encoding_name()) == name)
}

/// Most lists are empty: those cost nothing.
fn json<T: serde::Serialize>(list: &[T]) -> rusqlite::Result<std::borrow::Cow<'static, str>> {
    if list.is_empty() {
        return Ok("[]".into());
    }
    serde_json::to_string(list)
        .map(Into::into)
        .map_err(|fault| rusqlite::Error::ToSqlConversionFailure(Box::new(fault)))
}

fn from_json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<T>> {
    let text = row.get_ref(column)?.as_str()?;
    if text == "[]" {
        return Ok(Vec::new());
    }
    serde_json::from_str(text).map_err(|fault| unreadable(column, fault))
}
