//! What happened. Triggers write it with the change itself; here it is read and trimmed.

use rusqlite::{Connection, Row, params};

use super::time::At;
use crate::desk::happening::Happening;

/// The first `limit` of those after that one.
pub fn after(connection: &Connection, id: i64, limit: usize) -> rusqlite::Result<Vec<Happening>> {
    connection
        .prepare_cached("SELECT id, at_ms, kind, what, about, who FROM happenings WHERE id > ?1 ORDER BY id LIMIT ?2")?
        .query_map(params![id, i64::try_from(limit).unwrap_or(i64::MAX)], read)?
        .collect()
}

/// The id of the last one; 0 when nothing happened yet.
pub fn last(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'happenings'), 0)")?
        .query_row([], |row| row.get(0))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Happening> {
    Ok(Happening {
        id: row.get(0)?,
        at: row.get::<_, At>(1)?.0,
        kind: row.get(2)?,
        what: row.get(3)?,
        about: row.get(4)?,
        who: row.get(5)?,
    })
}
