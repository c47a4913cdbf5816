//! Reading beside the writer, for lists, reports and the console.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::filter::{Clause, Place};
use super::time::{At, from_i64, word_or_null};
use super::{
    AlarmFilter, CallFilter, ErrandFilter, JournalFilter, MessageFilter, ResidentFilter, StoreError, TaskFilter,
    TicketFilter,
};
use super::{
    alarm_rows, ban_rows, call_rows, connection, errand_rows, happening_rows, journal_rows, ladder_rows, message_rows,
    presence_rows, resident_rows, task_rows, ticket_reads, token_rows, trunk_rows,
};
use crate::desk::alarm::{Alarm, AlarmId};
use crate::desk::answer_time::CallFacts;
use crate::desk::ban::Ban;
use crate::desk::call_record::CallRecord;
use crate::desk::errand::{Errand, ErrandId, ErrandRecord};
use crate::desk::happening::Happening;
use crate::desk::journal::KeptEntry;
use crate::desk::ladder::CallLadder;
use crate::desk::message::{Message, MessagesWaiting};
use crate::desk::presence::Notice;
use crate::desk::residents::{ListPreview, Resident};
use crate::desk::tasks::TaskRow;
use crate::desk::ticket::{Kind, Ticket};
use crate::desk::token::{ApiToken, TokenHash};
use crate::desk::trunk_state::TrunkWord;
use crate::types::{CallId, MessageId, TicketNumber};

/// A connection that reads. It sees what is committed and never holds up the writer; give each thread its own.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
    path: PathBuf,
}

impl Reader {
    /// Opens the database for reading: it must exist and have this version's form.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { connection: connection::for_reading(path)?, path: path.to_owned() })
    }

    /// Calls, the newest first.
    pub fn calls(&self, filter: &CallFilter) -> Result<Vec<CallRecord>, StoreError> {
        self.calls_beyond(filter, None)
    }

    /// The same from a place in the list on: what comes after it.
    pub fn calls_beyond(&self, filter: &CallFilter, place: Option<Place>) -> Result<Vec<CallRecord>, StoreError> {
        let (sql, clause) = call_rows::query(filter, place);
        self.told(self.list(&sql, clause, call_rows::read))
    }

    /// The same calls, one after the other: for lists that are too long to be held.
    pub fn each_call(&self, filter: &CallFilter, mut each: impl FnMut(CallRecord)) -> Result<(), StoreError> {
        let (sql, clause) = call_rows::query(filter, None);
        let mut read = || {
            let mut statement = self.connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params_from_iter(&clause.values))?;
            while let Some(row) = rows.next()? {
                each(call_rows::read(row)?);
            }
            Ok(())
        };
        self.told(read())
    }

    /// The names of all nodes that calls went through, also those of earlier flows.
    pub fn nodes_walked(&self) -> Result<Vec<String>, StoreError> {
        let read = || {
            let mut statement = self.connection.prepare_cached("SELECT name FROM flow_nodes ORDER BY name")?;
            statement.query_map([], |row| row.get(0))?.collect()
        };
        self.told(read())
    }

    pub fn call(&self, id: CallId) -> Result<Option<CallRecord>, StoreError> {
        self.told(call_rows::one(&self.connection, id))
    }

    /// The SIP messages of a call that is over, where they are still kept.
    pub fn ladder(&self, id: CallId) -> Result<Option<CallLadder>, StoreError> {
        self.told(ladder_rows::of(&self.connection, id))
    }

    /// Who is banned at `now`, the newest first.
    pub fn bans(&self, now: DateTime<Utc>) -> Result<Vec<Ban>, StoreError> {
        self.told(ban_rows::list(&self.connection, now))
    }

    /// Tickets, the newest first, with their clocks judged at `now`.
    pub fn tickets(&self, filter: &TicketFilter, now: DateTime<Utc>) -> Result<Vec<Ticket>, StoreError> {
        self.tickets_beyond(filter, now, None)
    }

    /// The same from a ticket on: what comes after it in the list.
    pub fn tickets_beyond(
        &self,
        filter: &TicketFilter,
        now: DateTime<Utc>,
        last: Option<(DateTime<Utc>, &TicketNumber)>,
    ) -> Result<Vec<Ticket>, StoreError> {
        let mut clause = filter.clause(now);
        clause.beyond_ticket(last);
        let sql = clause.sql("opened_at_ms DESC, id DESC", filter.limit, filter.offset);
        let sql = format!("SELECT {} FROM tickets {sql}", ticket_reads::COLUMNS);
        self.told(self.tickets_of(&sql, clause, now))
    }

    /// Open tickets, the one whose next clock is over first at the top; those without a running clock come last. `whose`:
    /// only those of this owner or engineer.
    pub fn open_tickets_by_deadline(
        &self,
        kind: Option<Kind>,
        whose: Option<&str>,
        limit: u32,
        now: DateTime<Utc>,
    ) -> Result<Vec<Ticket>, StoreError> {
        let mut clause = Clause::default();
        clause.plain("status = 'open'");
        clause.equal("kind", kind.map(|kind| kind.as_str()));
        if let Some(whose) = whose {
            clause.with("? IN (owner, engineer)", Value::Text(whose.to_owned()));
        }
        let due = "(SELECT min(due_at_ms) FROM ticket_clocks WHERE ticket = tickets.id AND met_at_ms IS NULL
                    AND paused_at_ms IS NULL)";
        let sql = clause.sql(&format!("{due} IS NULL, {due}, id"), Some(limit), 0);
        let sql = format!("SELECT {} FROM tickets {sql}", ticket_reads::COLUMNS);
        self.told(self.tickets_of(&sql, clause, now))
    }

    pub fn ticket(&self, number: &TicketNumber, now: DateTime<Utc>) -> Result<Option<Ticket>, StoreError> {
        self.told(self.ticket_of(number, now))
    }

    /// Messages, the newest first.
    pub fn messages(&self, filter: &MessageFilter) -> Result<Vec<Message>, StoreError> {
        self.messages_beyond(filter, None)
    }

    /// The same from a place in the list on: what comes after it.
    pub fn messages_beyond(&self, filter: &MessageFilter, place: Option<Place>) -> Result<Vec<Message>, StoreError> {
        let mut clause = filter.clause();
        clause.beyond("left_at_ms", place);
        let order = if filter.oldest_first { "left_at_ms, id" } else { "left_at_ms DESC, id DESC" };
        let sql = clause.sql(order, filter.limit, filter.offset);
        let sql = format!("SELECT {} FROM messages {sql}", message_rows::COLUMNS);
        self.told(self.messages_of(&sql, clause))
    }

    pub fn message(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        self.told(self.message_of(id))
    }

    /// Alarms, the newest first.
    pub fn alarms(&self, filter: &AlarmFilter) -> Result<Vec<Alarm>, StoreError> {
        self.alarms_beyond(filter, None)
    }

    /// The same from a place in the list on: what comes after it.
    pub fn alarms_beyond(&self, filter: &AlarmFilter, place: Option<Place>) -> Result<Vec<Alarm>, StoreError> {
        let mut clause = filter.clause();
        clause.beyond("raised_at_ms", place);
        let sql = clause.sql("raised_at_ms DESC, id DESC", filter.limit, filter.offset);
        let sql = format!("SELECT {} FROM alarms {sql}", alarm_rows::COLUMNS);
        self.told(self.list(&sql, clause, alarm_rows::read))
    }

    /// How it is with the trunks, by name; those of earlier settings are among them.
    pub fn trunks(&self) -> Result<Vec<TrunkWord>, StoreError> {
        self.told(trunk_rows::list(&self.connection))
    }

    /// The journal, the newest first.
    pub fn journal(&self, filter: &JournalFilter) -> Result<Vec<KeptEntry>, StoreError> {
        self.journal_beyond(filter, None)
    }

    /// The same from a place in the list on: what comes after it.
    pub fn journal_beyond(&self, filter: &JournalFilter, place: Option<Place>) -> Result<Vec<KeptEntry>, StoreError> {
        let mut clause = filter.clause();
        clause.beyond("at_ms", place);
        let sql = clause.sql("at_ms DESC, id DESC", filter.limit, filter.offset);
        let sql = format!("SELECT {} FROM journal {sql}", journal_rows::COLUMNS);
        self.told(self.list(&sql, clause, journal_rows::read))
    }

    pub fn journal_entry(&self, id: i64) -> Result<Option<KeptEntry>, StoreError> {
        self.told(journal_rows::one(&self.connection, id))
    }

    /// Calls that the desk made or is to make, the newest first.
    pub fn errands(&self, filter: &ErrandFilter) -> Result<Vec<ErrandRecord>, StoreError> {
        self.errands_before(filter, None)
    }

    /// The same from an errand on: what comes after it in the list.
    pub fn errands_before(&self, filter: &ErrandFilter, id: Option<i64>) -> Result<Vec<ErrandRecord>, StoreError> {
        let mut clause = filter.clause();
        clause.before_id(id);
        let sql = clause.sql("id DESC", filter.limit, filter.offset);
        let sql = format!("SELECT {} FROM errands {sql}", errand_rows::COLUMNS);
        self.told(self.list(&sql, clause, errand_rows::read))
    }

    pub fn errand(&self, id: ErrandId) -> Result<Option<ErrandRecord>, StoreError> {
        self.told(errand_rows::one(&self.connection, id))
    }

    /// Those that are due, with what their calls say.
    pub(super) fn due_errands(&self, now: DateTime<Utc>) -> Result<Vec<Errand>, StoreError> {
        self.told(errand_rows::due(&self.connection, now))
    }

    pub(super) fn of_errands<T>(&self, look: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        self.told(look(&self.connection))
    }

    pub(super) fn next_errand(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.told(errand_rows::next_due(&self.connection))
    }

    /// Residents by building, room and name; of one building, room or number alone where that is given.
    pub fn residents(&self, filter: &ResidentFilter) -> Result<Vec<Resident>, StoreError> {
        let mut clause = filter.clause();
        let sql = clause.sql("r.building, r.room, r.name", filter.limit, filter.offset);
        let sql = format!("SELECT {} FROM residents r {sql}", resident_rows::COLUMNS);
        self.told(self.list(&sql, clause, resident_rows::read))
    }

    /// Residents in the order in which they came into the list, from behind the one of that id on.
    pub fn residents_after(&self, filter: &ResidentFilter, id: Option<i64>) -> Result<Vec<Resident>, StoreError> {
        let mut clause = filter.clause();
        clause.with("r.id > ?", Value::Integer(id.unwrap_or(0)));
        let sql = clause.sql("r.id", filter.limit, filter.offset);
        let sql = format!("SELECT {} FROM residents r {sql}", resident_rows::COLUMNS);
        self.told(self.list(&sql, clause, resident_rows::read))
    }

    pub fn resident(&self, id: i64) -> Result<Option<Resident>, StoreError> {
        self.told(resident_rows::one(&self.connection, id))
    }

    /// What a list of residents would do, with at most so many of them one by one.
    pub fn preview_residents(
        &self,
        residents: &[Resident],
        replace: bool,
        rows: usize,
    ) -> Result<ListPreview, StoreError> {
        super::editor::names_somebody(residents, replace)?;
        self.at_one_moment(|connection| resident_rows::preview(connection, residents, replace, rows))
    }

    /// What the desk sees to by itself, the newest first.
    pub fn tasks(&self, filter: &TaskFilter) -> Result<Vec<TaskRow>, StoreError> {
        self.tasks_before(filter, None)
    }

    /// The same from a task on: what comes after it in the list.
    pub fn tasks_before(&self, filter: &TaskFilter, id: Option<i64>) -> Result<Vec<TaskRow>, StoreError> {
        let mut clause = filter.clause();
        clause.before_id(id);
        let sql = clause.sql("id DESC", filter.limit, 0);
        let sql = format!("SELECT {} FROM tasks {sql}", task_rows::ROW);
        self.told(self.list(&sql, clause, task_rows::read_row))
    }

    pub fn task(&self, id: i64) -> Result<Option<TaskRow>, StoreError> {
        let sql = format!("SELECT {} FROM tasks WHERE id = ?1", task_rows::ROW);
        self.told(self.connection.query_row(&sql, [id], task_rows::read_row).optional())
    }

    /// What happened after that one, at most so much of it, the oldest first.
    pub fn happenings(&self, after: i64, limit: usize) -> Result<Vec<Happening>, StoreError> {
        self.told(happening_rows::after(&self.connection, after, limit))
    }

    /// The id of what happened last; 0 when nothing did yet.
    pub fn last_happening(&self) -> Result<i64, StoreError> {
        self.told(happening_rows::last(&self.connection))
    }

    /// How many messages wait for an extension.
    pub fn messages_waiting(&self, extension: &str) -> Result<MessagesWaiting, StoreError> {
        self.told(message_rows::waiting(&self.connection, extension))
    }

    /// What was said of people's whereabouts, by extension; what has ended is among it.
    pub fn presences(&self) -> Result<Vec<Notice>, StoreError> {
        self.told(presence_rows::list(&self.connection))
    }

    /// An alarm; none where it never came to one.
    pub fn alarm(&self, id: AlarmId) -> Result<Option<Alarm>, StoreError> {
        self.told(alarm_rows::one(&self.connection, id))
    }

    /// The tokens of the HTTP API, the oldest first.
    pub fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        self.told(token_rows::list(&self.connection))
    }

    /// A token with the hash of its secret.
    pub fn token(&self, id: i64) -> Result<Option<(ApiToken, TokenHash)>, StoreError> {
        self.told(token_rows::find(&self.connection, id))
    }

    /// Another number whenever another connection, of any process, has written.
    pub fn version(&self) -> Result<i64, StoreError> {
        self.told(self.connection.pragma_query_value(None, "data_version", |row| row.get(0)))
    }

    /// What the report on answer times needs of every call that began in the period, one after the other.
    pub fn answer_facts(
        &self,
        since: Option<DateTime<Utc>>,
        until: Option<DateTime<Utc>>,
        mut each: impl FnMut(&CallFacts),
    ) -> Result<(), StoreError> {
        let mut clause = Clause::default();
        clause.period("started_at_ms", since, until);
        clause.plain("direction = 'in'");
        let sql = clause.sql("started_at_ms", None, 0);
        let sql = format!("SELECT started_at_ms, answered_at_ms, answer_ms, ended_at_ms, outcome FROM calls {sql}");
        let mut read = || {
            let mut statement = self.connection.prepare(&sql)?;
            let mut rows = statement.query(params_from_iter(&clause.values))?;
            while let Some(row) = rows.next()? {
                each(&facts(row)?);
            }
            Ok(())
        };
        self.told(read())
    }

    /// A consistent copy of the database into a new file, while the writer works.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let Some(name) = to.to_str() else {
            return Err(StoreError::Refused(format!("{} is not a name in UTF-8", to.display()).into()));
        };
        if to.exists() {
            return Err(StoreError::Refused(
                format!("{} exists already; a backup is never written over", to.display()).into(),
            ));
        }
        // `VACUUM INTO` counts as a change although the database stays as it is, so a connection that may is used.
        let connection = connection::for_editing(&self.path)?;
        self.told(connection.execute("VACUUM INTO ?1", [name]).map(|_| ()))
    }

    /// Everything that is read here is of the same moment.
    pub(super) fn at_one_moment<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let moment = || {
            let transaction = self.connection.unchecked_transaction()?;
            read(&transaction)
        };
        self.told(moment())
    }

    fn list<T>(
        &self,
        sql: &str,
        clause: Clause,
        read: fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        self.connection.prepare_cached(sql)?.query_map(params_from_iter(clause.values), read)?.collect()
    }

    /// In one transaction, so that tickets, clocks and histories are of the same moment.
    fn tickets_of(&self, sql: &str, clause: Clause, now: DateTime<Utc>) -> rusqlite::Result<Vec<Ticket>> {
        let moment = self.connection.unchecked_transaction()?;
        let mut tickets = Vec::new();
        for (id, mut ticket) in self.list(sql, clause, ticket_reads::read)? {
            ticket_reads::fill(&moment, id, &mut ticket, now)?;
            tickets.push(ticket);
        }
        Ok(tickets)
    }

    fn ticket_of(&self, number: &TicketNumber, now: DateTime<Utc>) -> rusqlite::Result<Option<Ticket>> {
        let moment = self.connection.unchecked_transaction()?;
        ticket_reads::one(&moment, &number.0, now)
    }

    fn messages_of(&self, sql: &str, clause: Clause) -> rusqlite::Result<Vec<Message>> {
        let moment = self.connection.unchecked_transaction()?;
        let mut messages = self.list(sql, clause, message_rows::read)?;
        for message in &mut messages {
            message_rows::fill(&moment, message)?;
        }
        Ok(messages)
    }

    fn message_of(&self, id: MessageId) -> rusqlite::Result<Option<Message>> {
        let moment = self.connection.unchecked_transaction()?;
        message_rows::one(&moment, id)
    }

    pub(super) fn told<T>(&self, result: rusqlite::Result<T>) -> Result<T, StoreError> {
        result.map_err(|source| StoreError::sqlite(&self.path, source))
    }
}

fn facts(row: &rusqlite::Row<'_>) -> rusqlite::Result<CallFacts> {
    let started_at = row.get::<_, At>(0)?.0;
    let answered_at = row.get::<_, Option<At>>(1)?.map(|at| at.0);
    let answer_ms = row.get::<_, Option<i64>>(2)?.map(from_i64);
    Ok(CallFacts {
        started_at,
        answer_ms: answered_at.map(|at| answer_ms.unwrap_or_else(|| from_i64((at - started_at).num_milliseconds()))),
        ended: row.get::<_, Option<At>>(3)?.is_some(),
        outcome: word_or_null(row, 4)?,
    })
}
