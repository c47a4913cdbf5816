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

/// Rows that are kept: more than anybody who was away for a while has to read.
const KEPT: i64 = 500_000;
/// Rows that one step takes away.
const TRIMMED_AT_ONCE: i64 = 2_000;

/// Takes the oldest away where there are too many; never what a reader with a cursor has not read.
pub fn trim(connection: &Connection) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM happenings WHERE id <= min(
                (SELECT coalesce(max(id), 0) FROM happenings) - ?1,
                (SELECT coalesce(min(id), 0) FROM cursors),
                (SELECT coalesce(min(id), 0) FROM happenings) + ?2)",
        )?
        .execute(params![KEPT, TRIMMED_AT_ONCE])
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
