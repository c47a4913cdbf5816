//! Who heard and saw what (R12). Each writing function is part of a transaction that its caller makes.

use chrono::{DateTime, Utc};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::editor::Editor;
use super::error::StoreError;
use super::filter::{Clause, Place};
use super::reader::Reader;
use super::time::At;
use crate::desk::audit::{AuditEntry, KeptAudit};

const COLUMNS: &str = "id, at_ms, who, what, about, from_where";

pub fn add(connection: &Connection, entry: &AuditEntry) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO audit (at_ms, who, what, about, from_where) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![At(entry.at), entry.who, entry.what.as_str(), entry.about, entry.from_where])?;
    Ok(())
}

/// Takes away entries from before that moment, at most so many; gives how many.
pub fn trim(connection: &Connection, before: DateTime<Utc>, limit: u32) -> rusqlite::Result<usize> {
    connection
        .prepare_cached("UPDATE audit_floor SET before_ms = max(before_ms, ?1)")?
        .execute([before.timestamp_millis()])?;
    connection
        .prepare_cached(
            "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at_ms < ?1 ORDER BY at_ms LIMIT ?2)",
        )?
        .execute(params![At(before), limit])
}

fn read(row: &Row<'_>) -> rusqlite::Result<KeptAudit> {
    Ok(KeptAudit {
        id: row.get(0)?,
        at: row.get::<_, At>(1)?.0,
        who: row.get(2)?,
        what: row.get(3)?,
        about: row.get(4)?,
        from_where: row.get(5)?,
    })
}

/// Which entries of the audit log.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    pub who: Option<String>,
    /// A word: heard, shown, exported, deleted and so on.
    pub what: Option<String>,
    /// `message 12` and the like, whole.
    pub about: Option<String>,
    pub limit: Option<u32>,
    pub offset: u32,
}

impl Reader {
    /// The audit log, the newest first.
    pub fn audit(&self, filter: &AuditFilter) -> Result<Vec<KeptAudit>, StoreError> {
        self.audit_beyond(filter, None)
    }

    /// The same from a place in the list on: what comes after it.
    pub fn audit_beyond(&self, filter: &AuditFilter, place: Option<Place>) -> Result<Vec<KeptAudit>, StoreError> {
        let mut clause = Clause::default();
        clause.beyond("at_ms", place);
        clause.period("at_ms", filter.since, filter.until);
        for (column, wanted) in [("who", &filter.who), ("what", &filter.what), ("about", &filter.about)] {
            if let Some(wanted) = wanted {
                clause.with(&format!("{column} = ?"), Value::Text(wanted.clone()));
            }
        }
        let sql = clause.sql("at_ms DESC, id DESC", filter.limit, filter.offset);
        let sql = format!("SELECT {COLUMNS} FROM audit {sql}");
        let run = || self.connection.prepare_cached(&sql)?.query_map(params_from_iter(clause.values), read)?.collect();
        self.told(run())
    }
}

impl Editor {
    /// Writes down that somebody heard, saw or took something, before it is given to them.
    pub fn audit(&mut self, entry: &AuditEntry) -> Result<(), StoreError> {
        self.transaction(|t| add(t, entry))
    }
}
