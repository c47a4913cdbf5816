//! What a start does with calls that were alive when the last run ended without saying goodbye.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::queue::CallRow;
use super::ticket_rows;
use super::time::At;
use super::{Opened, alarm_rows, call_back_rows, call_rows, errand_rows, trunk_rows};
use crate::desk::call_record::{CallRecord, Outcome};
use crate::desk::clocks::ClockBook;
use crate::types::{CallId, MessageId, TicketNumber};

/// The reason given for calls that a crash or a power cut ended.
const REASON: &str = "interrupted";
/// What is noted of emergencies that still rang then.
const MISSED: &str = "the line was cut off while duty officers rang";

/// Ends every open call at the last moment that anything is known of it, and starts the clocks of tickets that waited for
/// their call's end (R24). Tickets and messages that were not finished stay incomplete.
pub fn end_calls_of_earlier_runs(
    connection: &mut Connection,
    book: &ClockBook,
    now: DateTime<Utc>,
) -> rusqlite::Result<Opened> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let interrupted = end_open_calls(&transaction, book)?;
    start_waiting_clocks(&transaction, book)?;
    let missed = alarm_rows::raise_watched(&transaction, MISSED)?;
    trunk_rows::leave_all(&transaction, now)?;
    let call_backs = call_back_rows::take_up(&transaction, now)?;
    let errands_again = errand_rows::take_up(&transaction, now)?;
    let next_call_id = next_call_id(&transaction)?;
    transaction.commit()?;
    Ok(Opened { next_call_id, interrupted, missed_emergencies: missed, errands_again, call_backs })
}

fn end_open_calls(transaction: &Transaction<'_>, book: &ClockBook) -> rusqlite::Result<Vec<CallRecord>> {
    let sql = format!("SELECT {}, updated_at_ms FROM calls WHERE ended_at_ms IS NULL ORDER BY id", call_rows::COLUMNS);
    let open: Vec<(CallRecord, At)> = transaction
        .prepare(&sql)?
        .query_map([], |row| Ok((call_rows::read(row)?, row.get("updated_at_ms")?)))?
        .collect::<Result<_, _>>()?;
    let mut put = call_rows::Put::prepare(transaction, book)?;
    let mut ended = Vec::with_capacity(open.len());
    for (mut record, At(updated_at)) in open {
        let end = last_known(transaction, record.id)?.map_or(updated_at, |at| at.max(updated_at));
        record.tickets = tickets_of(transaction, record.id)?;
        record.messages = messages_of(transaction, record.id)?;
        record.ended_at = Some(end.max(record.started_at));
        record.end_reason = Some(REASON.to_owned());
        record.outcome = Some(outcome(&record));
        let row = CallRow { at: updated_at, record: Box::new(record) };
        put.row(&row)?;
        pass_on_messages(transaction, &row)?;
        ended.push(*row.record);
    }
    Ok(ended)
}

/// What was spoken is for its person (R5), though its caller could not say that they were done.
fn pass_on_messages(transaction: &Transaction<'_>, row: &CallRow) -> rusqlite::Result<()> {
    let sql = "INSERT INTO happenings (at_ms, kind, what, about)
        SELECT ?2, 'message', 'left', id FROM messages WHERE id = ?1 AND incomplete AND recording IS NOT NULL";
    for message in &row.record.messages {
        transaction.prepare_cached(sql)?.execute(params![message.0, row.record.ended_at.map(At)])?;
    }
    Ok(())
}

/// What is known of the call's result. One that had nothing yet was cut off by us: it failed.
fn outcome(record: &CallRecord) -> Outcome {
    match record.outcome {
        Some(outcome) => outcome,
        None if !record.tickets.is_empty() => Outcome::Ticket,
        None if !record.messages.is_empty() => Outcome::Voicemail,
        None => Outcome::Failed,
    }
}

/// The last change to anything that the call made.
fn last_known(transaction: &Transaction<'_>, call: CallId) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let at: Option<At> = transaction
        .prepare_cached(
            "SELECT max(at) FROM (SELECT max(updated_at_ms) AS at FROM tickets WHERE call = ?1
             UNION ALL SELECT max(updated_at_ms) FROM messages WHERE call = ?1)",
        )?
        .query_row([call.0], |row| row.get(0))?;
    Ok(at.map(|at| at.0))
}

/// Also those that the row doesn't know of: they were committed just before the end.
fn tickets_of(transaction: &Transaction<'_>, call: CallId) -> rusqlite::Result<Vec<TicketNumber>> {
    transaction
        .prepare_cached("SELECT number FROM tickets WHERE call = ?1 ORDER BY id")?
        .query_map([call.0], |row| row.get(0).map(TicketNumber))?
        .collect()
}

fn messages_of(transaction: &Transaction<'_>, call: CallId) -> rusqlite::Result<Vec<MessageId>> {
    transaction
        .prepare_cached("SELECT id FROM messages WHERE call = ?1 ORDER BY id")?
        .query_map([call.0], |row| row.get(0).map(MessageId))?
        .collect()
}

/// At a start no call lives, so every clock that has not started is overdue to: from its call's end, or from the ticket's
/// last change where the call's row is missing.
fn start_waiting_clocks(transaction: &Transaction<'_>, book: &ClockBook) -> rusqlite::Result<()> {
    let waiting: Vec<(i64, At, Option<At>)> = transaction
        .prepare(
            "SELECT t.id, t.updated_at_ms, c.ended_at_ms FROM tickets t LEFT JOIN calls c ON c.id = t.call
             WHERE t.clocks_started_at_ms IS NULL AND t.status = 'open'",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (ticket, At(updated_at), ended_at) in waiting {
        ticket_rows::start_clocks_of_ticket(transaction, book, ticket, ended_at.map_or(updated_at, |at| at.0))?;
    }
    // Those that started with their call's end above, too: the history says why nothing more came.
    let cut_off: Vec<(i64, At)> = transaction
        .prepare(
            "SELECT t.id, c.ended_at_ms FROM tickets t JOIN calls c ON c.id = t.call
             WHERE t.incomplete AND c.end_reason = ?1 AND NOT EXISTS
                (SELECT 1 FROM ticket_events e WHERE e.ticket = t.id AND e.what = 'call_interrupted')",
        )?
        .query_map([REASON], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (ticket, At(at)) in cut_off {
        ticket_rows::event(transaction, ticket, at, "system", "call_interrupted", None)?;
    }
    Ok(())
}

/// Above every id that any table knows: a row that was never written may have left a ticket or message behind.
fn next_call_id(transaction: &Transaction<'_>) -> rusqlite::Result<i64> {
    let last: Option<i64> = transaction
        .query_row(
            "SELECT max(id) FROM (SELECT max(id) AS id FROM calls UNION ALL SELECT max(call) FROM tickets
             UNION ALL SELECT max(call) FROM messages UNION ALL SELECT max(call) FROM errands)",
            params![],
            |row| row.get(0),
        )
        .optional()?
        .flatten();
    Ok(last.unwrap_or(0).max(0).saturating_add(1))
}
