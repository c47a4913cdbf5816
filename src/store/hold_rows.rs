//! What is held back from deletion (R12). Each writing function is part of a transaction that its caller makes.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::audit_rows;
use super::editor::Editor;
use super::error::StoreError;
use super::reader::Reader;
use super::time::{At, word};
use super::work_rows::{Refused, Refusing};
use crate::desk::audit::{AuditEntry, Deed};
use crate::desk::retention::{HeldKind, Hold, Lifted};
use crate::desk::told::{Told, told};

/// Longest reason, in characters.
const WHY_MAX: usize = 1_000;

const COLUMNS: &str = "id, what, about, why, set_by, set_at_ms, lifted_by, lifted_at_ms, lifted_why";

fn read(row: &Row<'_>) -> rusqlite::Result<Hold> {
    let text = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(column)?.unwrap_or_default());
    Ok(Hold {
        id: row.get(0)?,
        what: word(row, 1)?,
        about: row.get(2)?,
        why: row.get(3)?,
        by: row.get(4)?,
        at: row.get::<_, At>(5)?.0,
        lifted: match row.get::<_, Option<At>>(7)? {
            Some(At(at)) => Some(Lifted { by: text(6)?, at, why: text(8)? }),
            None => None,
        },
    })
}

fn exists(connection: &Connection, what: HeldKind, about: &str) -> rusqlite::Result<bool> {
    let sql = match what {
        HeldKind::Ticket => "SELECT 1 FROM tickets WHERE number = ?1",
        HeldKind::Message => "SELECT 1 FROM messages WHERE id = CAST(?1 AS INTEGER)",
        HeldKind::Call => "SELECT 1 FROM calls WHERE id = CAST(?1 AS INTEGER)",
        HeldKind::Recording => {
            "SELECT 1 FROM tickets WHERE recording = ?1 OR feedback = ?1 UNION ALL
             SELECT 1 FROM messages WHERE recording = ?1 UNION ALL SELECT 1 FROM calls WHERE recording = ?1"
        }
    };
    connection.prepare_cached(sql)?.exists([about])
}

fn check(by: &str, why: &str) -> Result<(), Told> {
    if by.trim().is_empty() {
        return Err(told!("姓名是空的：保留要有经办人", "the name is empty: a hold is somebody's"));
    }
    match why.trim().chars().count() {
        0 => Err(told!("请写明保留的原因", "the reason is empty: say what it is held for")),
        length if length > WHY_MAX => Err(told!(
            "原因有 {length} 个字，最多 {WHY_MAX} 个",
            "the reason has {length} characters; {WHY_MAX} at most"
        )),
        _ => Ok(()),
    }
}

fn audited(
    connection: &Connection,
    at: DateTime<Utc>,
    (by, from_where): (&str, &str),
    what: Deed,
    about: String,
) -> rusqlite::Result<()> {
    let (who, from_where) = (by.to_owned(), from_where.to_owned());
    audit_rows::add(connection, &AuditEntry { at, who, what, about, from_where })
}

fn one(connection: &Connection, id: i64) -> rusqlite::Result<Option<Hold>> {
    let sql = format!("SELECT {COLUMNS} FROM holds WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id], read).optional()
}

fn set(
    t: &Connection,
    (what, about): (HeldKind, &str),
    (by, from_where): (&str, &str),
    at: DateTime<Utc>,
    why: &str,
) -> rusqlite::Result<Refused<i64>> {
    if let Err(why) = check(by, why) {
        return Ok(Err(Refusing::Because(why)));
    }
    if !exists(t, what, about)? {
        return Ok(Err(Refusing::Unknown(told!("要保留的记录 {about}", "{what} {about}"))));
    }
    let held = t
        .prepare_cached("SELECT set_by FROM holds WHERE what = ?1 AND about = ?2 AND lifted_at_ms IS NULL")?
        .query_row(params![what.as_str(), about], |row| row.get::<_, String>(0))
        .optional()?;
    if let Some(before) = held {
        return Ok(Err(Refusing::Because(told!(
            "{about} 已由 {before} 保留",
            "{what} {about} is held already, by {before}"
        ))));
    }
    t.prepare_cached("INSERT INTO holds (what, about, why, set_by, set_at_ms) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![what.as_str(), about, why.trim(), by.trim(), At(at)])?;
    let id = t.last_insert_rowid();
    audited(t, at, (by, from_where), Deed::Held, format!("{what} {about}"))?;
    Ok(Ok(id))
}

impl Editor {
    /// Holds something back from deletion by age. `by`: who does, and from where, for the audit log. Gives the hold's
    /// number.
    pub fn hold(
        &mut self,
        what: HeldKind,
        about: &str,
        by: (&str, &str),
        at: DateTime<Utc>,
        why: &str,
    ) -> Result<i64, StoreError> {
        self.by(by.0, at, |t, _| set(t, (what, about.trim()), by, at, why))
    }

    /// A hold as it is now, what is being changed included.
    pub fn hold_of(&mut self, id: i64) -> Result<Option<Hold>, StoreError> {
        self.transaction(|t| one(t, id))
    }

    /// What was held goes by age again.
    pub fn lift_hold(
        &mut self,
        id: i64,
        (by, from_where): (&str, &str),
        at: DateTime<Utc>,
        why: &str,
    ) -> Result<(), StoreError> {
        self.by(by, at, |t, _| {
            if let Err(why) = check(by, why) {
                return Ok(Err(Refusing::Because(why)));
            }
            let Some(hold) = one(t, id)? else {
                return Ok(Err(Refusing::Unknown(told!("保留 {id}", "hold {id}"))));
            };
            if let Some(lifted) = &hold.lifted {
                let by = &lifted.by;
                return Ok(Err(Refusing::Because(told!(
                    "保留 {id} 已由 {by} 解除",
                    "hold {id} was lifted before, by {by}"
                ))));
            }
            t.prepare_cached("UPDATE holds SET lifted_by = ?2, lifted_at_ms = ?3, lifted_why = ?4 WHERE id = ?1")?
                .execute(params![id, by.trim(), At(at), why.trim()])?;
            audited(t, at, (by, from_where), Deed::Released, format!("{} {}", hold.what, hold.about))?;
            Ok(Ok(()))
        })
    }
}

impl Reader {
    /// Holds, the newest first; those that were lifted only where asked for.
    pub fn holds(&self, lifted_too: bool) -> Result<Vec<Hold>, StoreError> {
        self.holds_before(lifted_too, 10_000, None)
    }

    /// The same, at most so many, from a hold on: what comes after it in the list.
    pub fn holds_before(&self, lifted_too: bool, limit: u32, id: Option<i64>) -> Result<Vec<Hold>, StoreError> {
        let condition = if lifted_too { "true" } else { "lifted_at_ms IS NULL" };
        let sql = format!("SELECT {COLUMNS} FROM holds WHERE {condition} AND id < ?2 ORDER BY id DESC LIMIT ?1");
        let before = id.unwrap_or(i64::MAX);
        let run = || self.connection.prepare_cached(&sql)?.query_map(params![limit, before], read)?.collect();
        self.told(run())
    }

    pub fn hold(&self, id: i64) -> Result<Option<Hold>, StoreError> {
        self.told(one(&self.connection, id))
    }
}
