//! What reports are made of: facts, read one after the other from indexes that hold all of them (R42).

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};

use super::time::{At, from_i64, word, word_or_null};
use super::{Reader, StoreError};
use crate::desk::call_record::{Direction, PathStep};
use crate::desk::message::Relay;
use crate::desk::report::Step;
use crate::desk::report::answer_times::{AnswerTimesReport, AnswerTimesTally};
use crate::desk::report::calls::{CallFact, CallRules, CallsReport, CallsTally};
use crate::desk::report::messages::{MessageFact, MessagesReport, MessagesTally};
use crate::desk::report::satisfaction::{FollowUpFact, SatisfactionReport, SatisfactionTally, WordFact};
use crate::desk::report::tickets::{About, ClockFact, FirstCall, TicketFact, TicketsReport, TicketsTally};
use crate::desk::report::ways::{WayFact, WaysReport, WaysTally};
use crate::desk::ticket::Kind;

/// From (inclusive) and to (exclusive), as far as they are given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReportPeriod {
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
}

impl ReportPeriod {
    /// In the database's milliseconds; without an end everything is in it.
    fn bounds(self) -> (i64, i64) {
        let ms = |at: DateTime<Utc>| at.timestamp_millis();
        (self.since.map_or(i64::MIN, ms), self.until.map_or(i64::MAX, ms))
    }
}

impl Reader {
    /// The report on the calls of a period.
    pub fn calls_report(&self, period: ReportPeriod, rules: CallRules, zone: Tz) -> Result<CallsReport, StoreError> {
        let mut tally = CallsTally::new(rules, zone);
        self.at_one_moment(|connection| calls(connection, period, |call| tally.add(call)))?;
        Ok(tally.report())
    }

    /// The same with how answer times spread.
    pub fn answer_times_report(
        &self,
        period: ReportPeriod,
        rules: CallRules,
        zone: Tz,
    ) -> Result<AnswerTimesReport, StoreError> {
        let mut tally = AnswerTimesTally::new(rules, zone);
        self.at_one_moment(|connection| calls(connection, period, |call| tally.add(call)))?;
        Ok(tally.report())
    }

    /// Which ways callers took through the flow, those of the newest calls of a period: at most so many.
    pub fn ways_report(&self, period: ReportPeriod, calls_max: u32) -> Result<WaysReport, StoreError> {
        let mut tally = WaysTally::default();
        self.at_one_moment(|connection| ways(connection, period, calls_max, &mut tally))?;
        Ok(tally.report())
    }

    /// The report on the tickets of a period, with their clocks judged at `now`.
    pub fn tickets_report(
        &self,
        period: ReportPeriod,
        step: Step,
        zone: Tz,
        now: DateTime<Utc>,
    ) -> Result<TicketsReport, StoreError> {
        let mut tally = TicketsTally::new(step, zone, now);
        self.at_one_moment(|connection| {
            opened(connection, period, |ticket, clocks| tally.opened(ticket, clocks))?;
            closed(connection, period, |about, word| tally.closed(about, word.closed_at))?;
            open_at_end(connection, period, |about, count| tally.open_at_end(about, count))?;
            tally.first_call(first_call(connection, period)?);
            Ok(())
        })?;
        Ok(tally.report())
    }

    /// The report on what customers said in a period.
    pub fn satisfaction_report(
        &self,
        period: ReportPeriod,
        step: Step,
        zone: Tz,
    ) -> Result<SatisfactionReport, StoreError> {
        let mut tally = SatisfactionTally::new(step, zone);
        self.at_one_moment(|connection| {
            follow_ups(connection, period, |call| tally.call(call))?;
            closed(connection, period, |_, word| tally.word(word))
        })?;
        Ok(tally.report())
    }

    /// The report on the messages of a period.
    pub fn messages_report(&self, period: ReportPeriod, step: Step, zone: Tz) -> Result<MessagesReport, StoreError> {
        let mut tally = MessagesTally::new(step, zone);
        self.at_one_moment(|connection| messages(connection, period, |message| tally.add(message)))?;
        Ok(tally.report())
    }
}

/// After a closed inquiry, no call about it for so long: it was answered at the first.
const ABOUT_IT_AGAIN: TimeDelta = TimeDelta::days(7);

const CALLS: &str = "
    SELECT direction, started_at_ms, ended_at_ms, answered_at_ms, answer_ms, outcome, sought_ms, person_ms, branch, trunk
    FROM calls INDEXED BY calls_for_reports WHERE started_at_ms >= ?1 AND started_at_ms < ?2 ORDER BY started_at_ms";

/// Calls that began in the period, in the order of time.
fn calls(connection: &Connection, period: ReportPeriod, mut each: impl FnMut(&CallFact<'_>)) -> rusqlite::Result<()> {
    let (since, until) = period.bounds();
    let mut statement = connection.prepare_cached(CALLS)?;
    let mut rows = statement.query([since, until])?;
    while let Some(row) = rows.next()? {
        let direction = row.get_ref(0)?.as_str()?;
        let started_at = row.get::<_, At>(1)?.0;
        let answered_at = row.get::<_, Option<At>>(3)?.map(|at| at.0);
        let answer_ms = row.get::<_, Option<i64>>(4)?.map(from_i64);
        each(&CallFact {
            direction: if direction == Direction::Out.as_str() { Direction::Out } else { Direction::In },
            started_at,
            ended_at: row.get::<_, Option<At>>(2)?.map(|at| at.0),
            answer_ms: answered_at
                .map(|at| answer_ms.unwrap_or_else(|| from_i64((at - started_at).num_milliseconds()))),
            outcome: word_or_null(row, 5)?,
            sought_ms: row.get::<_, Option<i64>>(6)?.map(from_i64),
            person_ms: row.get::<_, Option<i64>>(7)?.map(from_i64),
            branch: text(row, 8)?,
            trunk: text(row, 9)?,
        });
    }
    Ok(())
}

const WAYS: &str = "
    SELECT path, outcome FROM calls WHERE started_at_ms >= ?1 AND started_at_ms < ?2 AND direction = 'in' ORDER BY started_at_ms DESC LIMIT ?3";

/// The ways of calls that came in, of those that began in the period, the newest first. A way that can't be read is none.
fn ways(connection: &Connection, period: ReportPeriod, calls_max: u32, tally: &mut WaysTally) -> rusqlite::Result<()> {
    let (since, until) = period.bounds();
    let mut statement = connection.prepare_cached(WAYS)?;
    let mut rows = statement.query([since, until, i64::from(calls_max) + 1])?;
    let mut added = 0;
    while let Some(row) = rows.next()? {
        if added == calls_max {
            tally.cut();
            break;
        }
        added += 1;
        let path: Vec<PathStep> = serde_json::from_str(row.get_ref(0)?.as_str()?).unwrap_or_default();
        tally.add(&WayFact { path: &path, outcome: word_or_null(row, 1)? });
    }
    Ok(())
}

const OPENED: &str = "
    SELECT t.id, t.kind, t.category, t.owner, t.opened_at_ms, t.reopened, t.rework_of IS NOT NULL,
        c.name, coalesce(c.started_at_ms, t.clocks_started_at_ms, t.opened_at_ms), c.due_at_ms, c.met_at_ms,
        c.paused_at_ms IS NOT NULL, c.breached_at_ms IS NOT NULL
    FROM tickets t INDEXED BY tickets_by_opening LEFT JOIN ticket_clocks c ON c.ticket = t.id
    WHERE t.opened_at_ms >= ?1 AND t.opened_at_ms < ?2 ORDER BY t.opened_at_ms, t.id";

/// Tickets that were opened in the period with their clocks, in the order of time.
fn opened(
    connection: &Connection,
    period: ReportPeriod,
    mut each: impl FnMut(&TicketFact<'_>, &[ClockFact<'_>]),
) -> rusqlite::Result<()> {
    let (since, until) = period.bounds();
    let mut statement = connection.prepare_cached(OPENED)?;
    let mut rows = statement.query([since, until])?;
    let mut one: Option<Opened> = None;
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        if one.as_ref().is_none_or(|one| one.id != id) {
            if let Some(done) = one.take() {
                done.tell(&mut each);
            }
            one = Some(Opened::read(id, row)?);
        }
        if let (Some(one), Some(name)) = (&mut one, text(row, 7)?) {
            one.clocks.push(OwnedClock::read(name, row)?);
        }
    }
    if let Some(done) = one {
        done.tell(&mut each);
    }
    Ok(())
}

/// A ticket while the rows of its clocks come in.
struct Opened {
    id: i64,
    kind: Kind,
    category: Option<String>,
    owner: String,
    opened_at: DateTime<Utc>,
    reopened: u32,
    rework: bool,
    clocks: Vec<OwnedClock>,
}

struct OwnedClock {
    name: String,
    started_at: DateTime<Utc>,
    due_at: DateTime<Utc>,
    met_at: Option<DateTime<Utc>>,
    paused: bool,
    breached: bool,
}

impl Opened {
    fn read(id: i64, row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id,
            kind: word(row, 1)?,
            category: row.get(2)?,
            owner: row.get(3)?,
            opened_at: row.get::<_, At>(4)?.0,
            reopened: row.get(5)?,
            rework: row.get(6)?,
            clocks: Vec::new(),
        })
    }

    fn tell(&self, each: &mut impl FnMut(&TicketFact<'_>, &[ClockFact<'_>])) {
        let about = About { kind: self.kind, category: self.category.as_deref(), owner: &self.owner };
        let ticket = TicketFact { about, opened_at: self.opened_at, reopened: self.reopened, rework: self.rework };
        each(&ticket, &self.clocks.iter().map(OwnedClock::fact).collect::<Vec<_>>());
    }
}

impl OwnedClock {
    fn fact(&self) -> ClockFact<'_> {
        ClockFact {
            name: &self.name,
            started_at: self.started_at,
            due_at: self.due_at,
            met_at: self.met_at,
            paused: self.paused,
            breached: self.breached,
        }
    }

    fn read(name: &str, row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            started_at: row.get::<_, At>(8)?.0,
            due_at: row.get::<_, At>(9)?.0,
            met_at: row.get::<_, Option<At>>(10)?.map(|at| at.0),
            paused: row.get(11)?,
            breached: row.get(12)?,
        })
    }
}

const CLOSED: &str = "
    SELECT kind, category, owner, closed_at_ms, satisfaction FROM tickets INDEXED BY tickets_by_closing
    WHERE closed_at_ms >= ?1 AND closed_at_ms < ?2 ORDER BY closed_at_ms";

/// Tickets that were closed in the period, in the order of time.
fn closed(
    connection: &Connection,
    period: ReportPeriod,
    mut each: impl FnMut(About<'_>, &WordFact),
) -> rusqlite::Result<()> {
    let (since, until) = period.bounds();
    let mut statement = connection.prepare_cached(CLOSED)?;
    let mut rows = statement.query([since, until])?;
    while let Some(row) = rows.next()? {
        let kind = word(row, 0)?;
        let about = About { kind, category: text(row, 1)?, owner: row.get_ref(2)?.as_str()? };
        let closed_at = row.get::<_, At>(3)?.0;
        each(about, &WordFact { kind, closed_at, word: word_or_null(row, 4)? });
    }
    Ok(())
}

const OPEN_AT_END: &str = "
    SELECT kind, category, owner, count(*) FROM (
        SELECT kind, category, owner FROM tickets INDEXED BY tickets_by_closing
            WHERE closed_at_ms IS NULL AND opened_at_ms < ?1
        UNION ALL
        SELECT kind, category, owner FROM tickets INDEXED BY tickets_by_closing
            WHERE closed_at_ms >= ?1 AND opened_at_ms < ?1)
    GROUP BY kind, category, owner";

/// How many tickets were open at the period's end.
fn open_at_end(
    connection: &Connection,
    period: ReportPeriod,
    mut each: impl FnMut(About<'_>, u64),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(OPEN_AT_END)?;
    let mut rows = statement.query([period.bounds().1])?;
    while let Some(row) = rows.next()? {
        let about = About { kind: word(row, 0)?, category: text(row, 1)?, owner: row.get_ref(2)?.as_str()? };
        each(about, from_i64(row.get(3)?));
    }
    Ok(())
}

const FIRST_CALL: &str = "
    SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (
        SELECT 1 FROM calls c WHERE c.caller = t.caller AND c.started_at_ms > t.opened_at_ms
            AND c.started_at_ms <= t.opened_at_ms + ?3 AND c.direction = 'in' AND c.id IS NOT t.call
            AND (c.branch = (SELECT branch FROM calls WHERE id = t.call)
                OR EXISTS (SELECT 1 FROM tickets o WHERE o.call = c.id AND o.kind IN ('inquiry', 'complaint')))))
    FROM tickets t INDEXED BY tickets_by_kind
    WHERE t.kind = 'inquiry' AND t.opened_at_ms >= ?1 AND t.opened_at_ms < ?2 AND t.status = 'closed'
        AND t.channel = 'phone' AND t.caller IS NOT NULL";

/// How inquiries of the period were answered.
fn first_call(connection: &Connection, period: ReportPeriod) -> rusqlite::Result<FirstCall> {
    let (since, until) = period.bounds();
    let mut statement = connection.prepare_cached(FIRST_CALL)?;
    statement.query_row(params![since, until, ABOUT_IT_AGAIN.num_milliseconds()], |row| {
        Ok(FirstCall::new(from_i64(row.get(0)?), from_i64(row.get(1)?)))
    })
}

const FOLLOW_UPS: &str = "
    SELECT ended_at_ms, result, comment IS NOT NULL FROM errands INDEXED BY errands_by_end
    WHERE kind = 'follow_up' AND ended_at_ms >= ?1 AND ended_at_ms < ?2 ORDER BY ended_at_ms";

/// Follow-up calls that were over in the period, in the order of time.
fn follow_ups(
    connection: &Connection,
    period: ReportPeriod,
    mut each: impl FnMut(&FollowUpFact),
) -> rusqlite::Result<()> {
    let (since, until) = period.bounds();
    let mut statement = connection.prepare_cached(FOLLOW_UPS)?;
    let mut rows = statement.query([since, until])?;
    while let Some(row) = rows.next()? {
        each(&FollowUpFact { ended_at: row.get::<_, At>(0)?.0, result: word_or_null(row, 1)?, comment: row.get(2)? });
    }
    Ok(())
}

const MESSAGES: &str = "
    SELECT m.for_person, m.left_at_ms, m.relay,
        (SELECT min(a.at_ms) FROM message_attempts a WHERE a.message = m.id AND a.result LIKE 'confirmed%'),
        EXISTS (SELECT 1 FROM errands e WHERE e.message = m.id AND e.kind = 'relay' AND e.to_extension IS NOT m.for_person),
        m.updated_at_ms
    FROM messages m INDEXED BY messages_by_time
    WHERE m.left_at_ms >= ?1 AND m.left_at_ms < ?2 AND NOT m.incomplete ORDER BY m.left_at_ms";

/// Messages that were left in the period, in the order of time.
fn messages(
    connection: &Connection,
    period: ReportPeriod,
    mut each: impl FnMut(&MessageFact<'_>),
) -> rusqlite::Result<()> {
    let (since, until) = period.bounds();
    let mut statement = connection.prepare_cached(MESSAGES)?;
    let mut rows = statement.query([since, until])?;
    while let Some(row) = rows.next()? {
        let relay = word(row, 2)?;
        let said = row.get::<_, Option<At>>(3)?.map(|at| at.0);
        let changed = row.get::<_, At>(5)?.0;
        each(&MessageFact {
            for_person: text(row, 0)?,
            left_at: row.get::<_, At>(1)?.0,
            relay,
            confirmed_at: (relay == Relay::Confirmed).then(|| said.unwrap_or(changed)),
            escalated: row.get(4)?,
        });
    }
    Ok(())
}

/// Every query of this room, for the test of their plans.
#[cfg(test)]
pub const QUERIES: [(&str, &str); 8] = [
    ("calls", CALLS),
    ("ways", WAYS),
    ("opened", OPENED),
    ("closed", CLOSED),
    ("open at the end", OPEN_AT_END),
    ("first call", FIRST_CALL),
    ("follow-ups", FOLLOW_UPS),
    ("messages", MESSAGES),
];

fn text<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<Option<&'r str>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        value => Ok(Some(value.as_str()?)),
    }
}
