//! What a list is narrowed to, and the SQL of it.

use chrono::{DateTime, Utc};
use rusqlite::types::Value;

use crate::desk::call_record::{Direction, Outcome};
use crate::desk::errand::{ErrandKind, ErrandState};
use crate::desk::message::Relay;
use crate::desk::notifications::{NotificationState, NotifyChannel};
use crate::desk::tasks::TaskKind;
use crate::desk::ticket::{Kind, Status};
use crate::types::TicketNumber;

/// Whether a call still lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallState {
    Live,
    Ended,
}

crate::desk::words::words!(CallState { Live => "live", Ended => "ended" });

/// Calls, the newest first. The default takes all of them.
#[derive(Debug, Clone, Default)]
pub struct CallFilter {
    /// That began at this moment or later.
    pub since: Option<DateTime<Utc>>,
    /// That began before this moment.
    pub until: Option<DateTime<Utc>>,
    /// The caller's whole number, or its last four digits or more.
    pub caller: Option<String>,
    pub outcome: Option<Outcome>,
    /// Who made the call.
    pub direction: Option<Direction>,
    pub state: Option<CallState>,
    /// Extension of the last person who talked to the caller.
    pub handler: Option<String>,
    /// That went through this node of the flow and are over.
    pub through: Option<String>,
    pub limit: Option<u32>,
    pub offset: u32,
}

/// Tickets, the newest first. The default takes all of them.
#[derive(Debug, Clone, Default)]
pub struct TicketFilter {
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    pub caller: Option<String>,
    pub kind: Option<Kind>,
    pub status: Option<Status>,
    /// Open, with a clock whose time has passed and that is not met.
    pub overdue: bool,
    pub incomplete: Option<bool>,
    pub owner: Option<String>,
    pub limit: Option<u32>,
    pub offset: u32,
}

/// Messages, the newest first. The default takes all of them.
#[derive(Debug, Clone, Default)]
pub struct MessageFilter {
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    /// The extension they are for.
    pub for_person: Option<String>,
    /// The number they are from.
    pub caller: Option<String>,
    pub relay: Option<Relay>,
    pub unconfirmed: bool,
    /// Whoever waits longest first.
    pub oldest_first: bool,
    /// Also those that the person has deleted.
    pub deleted_too: bool,
    pub limit: Option<u32>,
    pub offset: u32,
}

/// Errands, the newest first. The default takes all of them.
#[derive(Debug, Clone, Default)]
pub struct ErrandFilter {
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    pub kind: Option<ErrandKind>,
    pub state: Option<ErrandState>,
    /// The ticket that it is about.
    pub ticket: Option<TicketNumber>,
    pub limit: Option<u32>,
    pub offset: u32,
}

impl ErrandFilter {
    pub(super) fn clause(&self) -> Clause {
        let mut clause = Clause::default();
        clause.period("created_at_ms", self.since, self.until);
        clause.equal("kind", self.kind.map(|kind| kind.as_str()));
        clause.equal("state", self.state.map(|state| state.as_str()));
        clause.equal("ticket", self.ticket.as_ref().map(|number| number.0.as_str()));
        clause
    }
}

/// Notifications, the newest first. The default takes all of them.
#[derive(Debug, Clone, Default)]
pub struct NotificationFilter {
    pub state: Option<NotificationState>,
    pub channel: Option<NotifyChannel>,
    /// A ticket's number, a call's, message's or alarm's id.
    pub about: Option<String>,
    /// Only those before this id.
    pub before: Option<i64>,
    pub limit: Option<u32>,
}

/// What the desk sees to by itself, the newest first. The default takes all of it.
#[derive(Debug, Clone, Default)]
pub struct TaskFilter {
    /// Only what goes on.
    pub open: bool,
    pub kind: Option<TaskKind>,
    pub limit: Option<u32>,
}

impl TaskFilter {
    pub(super) fn clause(&self) -> Clause {
        let mut clause = Clause::default();
        if self.open {
            clause.plain("next_at_ms IS NOT NULL");
        }
        clause.equal("kind", self.kind.map(|kind| kind.as_str()));
        clause
    }
}

/// Residents. The default takes all of them.
#[derive(Debug, Clone, Default)]
pub struct ResidentFilter {
    pub building: Option<String>,
    pub room: Option<String>,
    /// By exactly this number, as `[numbers]` writes it.
    pub number: Option<String>,
    pub limit: Option<u32>,
    pub offset: u32,
}

impl ResidentFilter {
    pub(super) fn clause(&self) -> Clause {
        let mut clause = Clause::default();
        clause.equal("building", self.building.as_deref());
        clause.equal("room", self.room.as_deref());
        if let Some(number) = &self.number {
            let of_number = "r.id IN (SELECT resident FROM resident_numbers WHERE number = ?)";
            clause.with(of_number, Value::Text(number.clone()));
        }
        clause
    }
}

/// A `WHERE ... LIMIT ... OFFSET` with its values: text of ours only, what people typed is bound.
#[derive(Debug, Default)]
pub(super) struct Clause {
    conditions: Vec<String>,
    pub values: Vec<Value>,
}

/// A node's id by its name; of no node where the name was never walked through.
const NODE: &str = "(SELECT flow_nodes.id FROM flow_nodes WHERE name = ?)";

impl CallFilter {
    /// Whether the rows of a node lead to the calls: unless a number or a person does, of which there are fewer.
    fn goes_by_node(&self) -> bool {
        self.through.is_some() && self.caller.is_none() && self.handler.is_none()
    }

    /// What is read, and its columns of the calls' beginnings and ids, by which it is in order.
    pub(super) fn table(&self) -> [&'static str; 3] {
        if self.goes_by_node() {
            // CROSS: SQLite keeps to this order.
            ["call_nodes CROSS JOIN calls ON calls.id = call_nodes.call", "began_at_ms", "call"]
        } else {
            ["calls", "started_at_ms", "id"]
        }
    }

    pub(super) fn clause(&self) -> Clause {
        let mut clause = Clause::default();
        match &self.through {
            Some(node) if self.goes_by_node() => clause.with(&format!("node = {NODE}"), Value::Text(node.clone())),
            Some(node) => {
                let there = "EXISTS (SELECT 1 FROM call_nodes WHERE call = calls.id AND began_at_ms = started_at_ms";
                clause.with(&format!("{there} AND node = {NODE})"), Value::Text(node.clone()));
            }
            None => {}
        }
        clause.period(self.table()[1], self.since, self.until);
        clause.number("caller", self.caller.as_deref());
        // Rows of nodes tell it too.
        let outcome = if self.goes_by_node() { "ended_as" } else { "outcome" };
        clause.equal(outcome, self.outcome.map(|o| o.as_str()));
        clause.equal("handled_by", self.handler.as_deref());
        // In words of ours, so that an index of outgoing calls alone serves.
        match self.direction {
            Some(Direction::In) => clause.plain("direction = 'in'"),
            Some(Direction::Out) => clause.plain("direction = 'out'"),
            None => {}
        }
        match self.state {
            Some(CallState::Live) => clause.plain("ended_at_ms IS NULL"),
            Some(CallState::Ended) => clause.plain("ended_at_ms IS NOT NULL"),
            None => {}
        }
        clause
    }
}

impl TicketFilter {
    pub(super) fn clause(&self, now: DateTime<Utc>) -> Clause {
        let mut clause = Clause::default();
        clause.period("opened_at_ms", self.since, self.until);
        clause.number("caller", self.caller.as_deref());
        clause.equal("kind", self.kind.map(|k| k.as_str()));
        match self.status {
            Some(Status::Open) => clause.plain("status = 'open'"),
            Some(Status::Closed) => clause.plain("status = 'closed'"),
            None => {}
        }
        clause.equal("owner", self.owner.as_deref());
        if let Some(incomplete) = self.incomplete {
            clause.plain(if incomplete { "incomplete" } else { "NOT incomplete" });
        }
        if self.overdue {
            clause.with(
                "status = 'open' AND id IN (SELECT ticket FROM ticket_clocks WHERE met_at_ms IS NULL AND paused_at_ms IS NULL AND due_at_ms < ?)",
                Value::Integer(now.timestamp_millis()),
            );
        }
        clause
    }
}

/// Which alarms; those that never came to one are in no list.
#[derive(Debug, Clone, Default)]
pub struct AlarmFilter {
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    /// Only those that nobody has acknowledged.
    pub open: bool,
    pub limit: Option<u32>,
    pub offset: u32,
}

impl AlarmFilter {
    pub(super) fn clause(&self) -> Clause {
        let mut clause = Clause::default();
        clause.period("raised_at_ms", self.since, self.until);
        clause.plain(if self.open { "state = 'open'" } else { "state IN ('open', 'acknowledged')" });
        clause
    }
}

/// Which entries of the journal.
#[derive(Debug, Clone, Default)]
pub struct JournalFilter {
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    pub limit: Option<u32>,
    pub offset: u32,
}

impl JournalFilter {
    pub(super) fn clause(&self) -> Clause {
        let mut clause = Clause::default();
        clause.period("at_ms", self.since, self.until);
        clause
    }
}

impl MessageFilter {
    pub(super) fn clause(&self) -> Clause {
        let mut clause = Clause::default();
        clause.period("left_at_ms", self.since, self.until);
        clause.number("from_number", self.caller.as_deref());
        clause.equal("for_person", self.for_person.as_deref());
        clause.equal("relay", self.relay.map(|r| r.as_str()));
        if self.unconfirmed {
            clause.plain("relay <> 'confirmed'");
        }
        if !self.deleted_too {
            clause.plain("deleted_at_ms IS NULL");
        }
        clause
    }
}

/// A row that a list went up to: its time and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub at: DateTime<Utc>,
    pub id: i64,
}

impl Clause {
    /// Only what comes after a place in a list that has the newest first.
    pub fn beyond(&mut self, column: &str, place: Option<Place>) {
        self.beyond_by(column, "id", place);
    }

    /// The same where the id has another name.
    pub fn beyond_by(&mut self, column: &str, id_column: &str, place: Option<Place>) {
        let Some(Place { at, id }) = place else { return };
        self.with(&format!("({column}, {id_column}) < (?, ?)"), Value::Integer(at.timestamp_millis()));
        self.values.push(Value::Integer(id));
    }

    /// Only what comes after that row in a list that has the newest first, by ids alone.
    pub fn before_id(&mut self, id: Option<i64>) {
        if let Some(id) = id {
            self.with("id < ?", Value::Integer(id));
        }
    }

    /// Only what comes after a ticket in a list that has the newest first; where it is gone, what was opened before it.
    pub fn beyond_ticket(&mut self, last: Option<(DateTime<Utc>, &TicketNumber)>) {
        let Some((at, number)) = last else { return };
        let id = "coalesce((SELECT id FROM tickets WHERE number = ?), 0)";
        self.with(&format!("(opened_at_ms, id) < (?, {id})"), Value::Integer(at.timestamp_millis()));
        self.values.push(Value::Text(number.0.clone()));
    }

    /// The SQL from `WHERE` on; the values of limit and offset are added to those that are bound.
    pub fn sql(&mut self, order: &str, limit: Option<u32>, offset: u32) -> String {
        self.values.push(Value::Integer(limit.map_or(-1, i64::from)));
        self.values.push(Value::Integer(i64::from(offset)));
        let conditions = if self.conditions.is_empty() { "true".to_owned() } else { self.conditions.join(" AND ") };
        format!("WHERE {conditions} ORDER BY {order} LIMIT ? OFFSET ?")
    }

    pub fn period(&mut self, column: &str, since: Option<DateTime<Utc>>, until: Option<DateTime<Utc>>) {
        if let Some(since) = since {
            self.with(&format!("{column} >= ?"), Value::Integer(since.timestamp_millis()));
        }
        if let Some(until) = until {
            self.with(&format!("{column} < ?"), Value::Integer(until.timestamp_millis()));
        }
    }

    pub(super) fn plain(&mut self, condition: &str) {
        self.conditions.push(condition.to_owned());
    }

    pub fn with(&mut self, condition: &str, value: Value) {
        self.conditions.push(condition.to_owned());
        self.values.push(value);
    }

    pub(super) fn equal(&mut self, column: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.with(&format!("{column} = ?"), Value::Text(text.to_owned()));
        }
    }

    /// A number is given in full, or by its end: country and area codes come and go. Its last four digits are looked for
    /// in an index.
    fn number(&mut self, column: &str, number: Option<&str>) {
        let Some(number) = number else { return };
        let digits = number.chars().count();
        if digits < 4 {
            return self.equal(column, Some(number));
        }
        let last: String = number.chars().skip(digits - 4).collect();
        // The index holds no rows without a number, which SQLite must be told.
        self.with(&format!("{column} IS NOT NULL AND substr({column}, -4) = ?"), Value::Text(last));
        if digits > 4 {
            self.with(&format!("substr({column}, -{digits}) = ?"), Value::Text(number.to_owned()));
        }
    }
}
