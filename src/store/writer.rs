//! The writer's thread: a batch, a transaction, a commit, the replies.

use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::ladder_rows::Room;
use super::queue::{Asked, Batch, CallRow, Queue};
use super::ticket_rows::{self, Opening};
use super::work_rows::By;
use super::{
    StoreOptions, alarm_rows, ban_rows, call_back_rows, call_rows, errand_rows, journal_rows, message_rows,
    resident_rows, trunk_rows, work_report_rows,
};
use crate::desk::request::{DeskError, DeskReply, DeskRequest, Done, LISTED_MAX};

pub struct Writer {
    connection: Connection,
    queue: Arc<Queue>,
    reply: Box<dyn Fn(DeskReply) + Send>,
    options: StoreOptions,
    ladders: Room,
    failing: bool,
}

/// How a transaction went for each of its parts.
struct Committed {
    /// One result per request, in their order.
    replies: Vec<DeskReply>,
    /// Rows that were refused by themselves while the rest was written.
    calls_failed: Vec<CallRow>,
}

impl Writer {
    pub fn new(
        connection: Connection,
        queue: Arc<Queue>,
        reply: Box<dyn Fn(DeskReply) + Send>,
        options: StoreOptions,
    ) -> Self {
        let ladders = Room::new(options.ladder_days, options.ladder_bytes_max);
        Self { connection, queue, reply, options, ladders, failing: false }
    }

    /// Works until the queue is closed and empty, then folds the journal into the database.
    pub fn run(mut self) {
        // Whatever ends this thread, nobody may wait for it afterwards.
        let _closes = ClosesQueue(Arc::clone(&self.queue));
        while let Some(batch) = self.queue.take() {
            if let Some(clocks) = self.queue.new_clocks() {
                self.options.clocks = clocks;
            }
            self.carry_out(batch);
        }
        let waiting = self.queue.counters().calls_waiting;
        if waiting > 0 {
            tracing::error!(calls = waiting, "the store closes with call rows that could not be written");
        }
        // A checkpoint that fails costs nothing: the journal stays, and the next start reads it.
        if let Err(fault) = self.connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)") {
            tracing::warn!(%fault, "the journal could not be folded into the database");
        }
    }

    fn carry_out(&mut self, batch: Batch) {
        let Batch { requests, calls, notes } = batch;
        match self.transaction(&requests, calls, &notes) {
            Ok(committed) => {
                self.recovered();
                self.finish(committed);
            }
            Err((fault, calls)) => {
                self.failed(&fault);
                self.queue.count(|c| c.notes_lost += notes.len() as u64);
                self.queue.put_back(calls);
                self.one_by_one(requests);
            }
        }
    }

    /// After a failed batch each request gets a transaction of its own: one that can't be written fails alone.
    fn one_by_one(&mut self, requests: Vec<Asked>) {
        for asked in requests {
            match self.transaction(std::slice::from_ref(&asked), Vec::new(), &[]) {
                Ok(committed) => self.finish(committed),
                Err((fault, _)) => {
                    self.queue.count(|c| c.commits_failed += 1);
                    if let Some(id) = asked.request.id() {
                        let reply =
                            DeskReply { call: asked.call, id, result: Err(DeskError::NotWritten(fault.to_string())) };
                        self.finish(Committed { replies: vec![reply], calls_failed: Vec::new() });
                    }
                }
            }
        }
    }

    /// Writes all of it and commits. An error means that nothing of it was written, and gives the call rows back.
    fn transaction(
        &mut self,
        requests: &[Asked],
        calls: Vec<CallRow>,
        notes: &[Asked],
    ) -> Result<Committed, (rusqlite::Error, Vec<CallRow>)> {
        let mut rows = Rows { written: Vec::with_capacity(calls.len()), refused: Vec::new(), left: calls };
        match write(&mut self.connection, &self.options, requests, &mut rows, (notes, &mut self.ladders)) {
            Ok(replies) => {
                let written = rows.written.len() as u64;
                self.queue.count(|c| {
                    c.commits += 1;
                    c.calls_written += written;
                });
                Ok(Committed { replies, calls_failed: rows.refused })
            }
            Err(fault) => {
                self.ladders.forget();
                Err((fault, rows.all()))
            }
        }
    }

    fn finish(&mut self, committed: Committed) {
        let failed = committed.replies.iter().filter(|reply| reply.result.is_err()).count() as u64;
        let done = committed.replies.len() as u64 - failed;
        self.queue.count(|c| {
            c.requests_done += done;
            c.requests_failed += failed;
        });
        for reply in committed.replies {
            (self.reply)(reply);
        }
        if !committed.calls_failed.is_empty() {
            self.queue.put_back(committed.calls_failed);
        }
    }

    fn failed(&mut self, fault: &rusqlite::Error) {
        // Logged once until it is mended, not once per try.
        if !self.failing {
            tracing::error!(%fault, "the database can't be written; call rows are kept and tried again");
        }
        self.failing = true;
        self.queue.count(|c| {
            c.commits_failed += 1;
            c.failing = true;
        });
    }

    fn recovered(&mut self) {
        if self.failing {
            tracing::info!("the database can be written again");
            self.failing = false;
            self.queue.count(|c| c.failing = false);
        }
    }
}

/// Call rows on their way through a transaction.
struct Rows {
    written: Vec<CallRow>,
    refused: Vec<CallRow>,
    left: Vec<CallRow>,
}

impl Rows {
    fn all(self) -> Vec<CallRow> {
        let mut all = self.written;
        all.extend(self.refused);
        all.extend(self.left);
        all
    }
}

struct ClosesQueue(Arc<Queue>);

impl Drop for ClosesQueue {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Requests first: the row of a call is the newest state, and knows of what its requests made.
fn write(
    connection: &mut Connection,
    options: &StoreOptions,
    requests: &[Asked],
    rows: &mut Rows,
    (notes, ladders): (&[Asked], &mut Room),
) -> rusqlite::Result<Vec<DeskReply>> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut replies = Vec::with_capacity(requests.len());
    for asked in requests {
        let Some(id) = asked.request.id() else { continue };
        let savepoint = transaction.savepoint()?;
        match request(&savepoint, options, asked) {
            Ok(result) => {
                savepoint.commit()?;
                replies.push(DeskReply { call: asked.call, id, result });
            }
            Err(fault) if is_the_requests_own(&fault) => {
                drop(savepoint);
                tracing::warn!(%fault, call = %asked.call, "a request can't be carried out");
                let result = Err(DeskError::NotWritten(fault.to_string()));
                replies.push(DeskReply { call: asked.call, id, result });
            }
            Err(fault) => return Err(fault),
        }
    }
    {
        let mut put = call_rows::Put::prepare(&transaction, &options.clocks)?;
        // From the back, since order between calls means nothing and the end is cheap to take from.
        while let Some(row) = rows.left.last() {
            let refused = match put.row(row) {
                Ok(()) => false,
                Err(fault) if is_the_requests_own(&fault) => {
                    tracing::warn!(%fault, call = %row.record.id, "a call row can't be written; it is tried again");
                    true
                }
                Err(fault) => return Err(fault),
            };
            let row = rows.left.pop().expect("it was the last one above");
            if refused { rows.refused.push(row) } else { rows.written.push(row) }
        }
    }
    for note in notes {
        let written = match &note.request {
            DeskRequest::PutLadder(ladder) => ladders.put(&transaction, note.at, ladder),
            DeskRequest::PutBan(ban) => ban_rows::put(&transaction, ban),
            _ => Ok(()),
        };
        match written {
            Err(fault) if is_the_requests_own(&fault) => {
                tracing::warn!(%fault, call = %note.call, "SIP messages of a call, or a ban, can't be written");
            }
            written => written?,
        }
    }
    transaction.commit()?;
    Ok(replies)
}

fn request(
    connection: &Connection,
    options: &StoreOptions,
    asked: &Asked,
) -> rusqlite::Result<Result<Done, DeskError>> {
    let done = match &asked.request {
        // Rows and notes have their own place in the transaction.
        DeskRequest::PutCall(_) | DeskRequest::PutLadder(_) | DeskRequest::PutBan(_) => Ok(Done::Changed),
        DeskRequest::OpenTicket { draft, .. } => {
            let opening =
                Opening { at: asked.at, time_zone: options.time_zone, owner: &options.owner, book: &options.clocks };
            Ok(Done::TicketOpened(ticket_rows::open(connection, &opening, draft)?))
        }
        DeskRequest::ChangeTicket { number, change, .. } => {
            match ticket_rows::change(connection, &options.clocks, asked.at, number, change)? {
                true => Ok(Done::Changed),
                false => Err(DeskError::Unknown(format!("ticket {number}"))),
            }
        }
        DeskRequest::OpenMessage { draft, .. } => {
            Ok(Done::MessageOpened(message_rows::open(connection, asked.at, draft)?))
        }
        DeskRequest::ChangeMessage { message, change, .. } => {
            match message_rows::change(connection, asked.at, *message, change)? {
                Some(waiting) => Ok(Done::MessageChanged(waiting)),
                None => Err(DeskError::Unknown(format!("message {}", message.0))),
            }
        }
        DeskRequest::ListMessages { for_person, .. } => Ok(Done::Messages {
            list: message_rows::list(connection, for_person, LISTED_MAX)?,
            waiting: message_rows::waiting(connection, for_person)?,
        }),
        DeskRequest::PutAlarm { word, .. } => {
            alarm_rows::put(connection, asked.at, word)?;
            Ok(Done::Changed)
        }
        DeskRequest::PutTrunk { word, .. } => {
            trunk_rows::put(connection, word)?;
            Ok(Done::Changed)
        }
        DeskRequest::PutJournal { entry, .. } => {
            journal_rows::add(connection, entry)?;
            Ok(Done::Changed)
        }
        DeskRequest::PutCallBack { word, .. } => {
            call_back_rows::put(connection, asked.at, word)?;
            Ok(Done::Changed)
        }
        DeskRequest::FindWork { digits, .. } => {
            let found = work_report_rows::find(connection, asked.at, options.time_zone, digits)?;
            Ok(Done::Work(found.map(Box::new)))
        }
        DeskRequest::ReportWork { number, extension, word, .. } => {
            let by = By { who: extension, at: asked.at, book: &options.clocks };
            Ok(Done::Work(work_report_rows::report(connection, by, number, *word)?.map(Box::new)))
        }
        DeskRequest::BeginErrand { errand, .. } => {
            match errand_rows::begin(connection, asked.at, *errand, asked.call)? {
                true => Ok(Done::Changed),
                false => Err(DeskError::Unknown(format!("errand {} that waits", errand.0))),
            }
        }
        DeskRequest::KeepErrand { end, over, .. } => match errand_rows::keep(connection, end, *over)? {
            true => Ok(Done::Changed),
            false => Err(DeskError::Unknown(format!("errand {}", end.errand.0))),
        },
        DeskRequest::FindHomes { number, .. } => Ok(Done::Homes(resident_rows::homes(connection, number)?)),
        DeskRequest::FindOpenRepair { building, room, category, .. } => {
            let place = (building.as_str(), room.as_str());
            Ok(Done::OpenRepair(resident_rows::open_repair(connection, asked.call, place, category.as_deref())?))
        }
        DeskRequest::CountMessages { for_person, .. } => {
            Ok(Done::Waiting(message_rows::waiting(connection, for_person)?))
        }
    };
    Ok(done)
}

/// Whether the fault lies in what was to be written, so that the rest of the transaction can go on without it.
fn is_the_requests_own(fault: &rusqlite::Error) -> bool {
    match fault {
        rusqlite::Error::SqliteFailure(failure, _) => matches!(
            failure.code,
            ErrorCode::ConstraintViolation
                | ErrorCode::TooBig
                | ErrorCode::TypeMismatch
                | ErrorCode::ParameterOutOfRange
        ),
        rusqlite::Error::ToSqlConversionFailure(_)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..) => true,
        _ => false,
    }
}
