//! How it is with the trunks. Each writing function is part of a transaction that its caller makes.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, named_params, params};

use super::time::{At, word};
use crate::desk::trunk_state::{TrunkState, TrunkWord};

/// Puts this word in the place of an older one of the same trunk.
pub fn put(connection: &Connection, trunk: &TrunkWord) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO trunks (name, state, since_ms, server, external, note)
             VALUES (:name, :state, :since, :server, :external, :note)
             ON CONFLICT (name) DO UPDATE SET state = :state, since_ms = :since, server = :server, external = :external,
                note = :note",
        )?
        .execute(named_params! {
            ":name": trunk.name,
            ":state": trunk.state.as_str(),
            ":since": At(trunk.since),
            ":server": trunk.server,
            ":external": trunk.external,
            ":note": trunk.note,
        })?;
    Ok(())
}

/// At a start no trunk is up: what an earlier run said last does not hold.
pub fn leave_all(connection: &Connection, now: DateTime<Utc>) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE trunks SET state = ?1, since_ms = ?2, server = NULL, external = NULL, note = '' WHERE state <> ?1",
        params![TrunkState::Left.as_str(), At(now)],
    )?;
    Ok(())
}

/// All that were ever known, by name.
pub fn list(connection: &Connection) -> rusqlite::Result<Vec<TrunkWord>> {
    let sql = "SELECT name, state, since_ms, server, external, note FROM trunks ORDER BY name";
    connection.prepare_cached(sql)?.query_map([], read)?.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<TrunkWord> {
    Ok(TrunkWord {
        name: row.get(0)?,
        state: word(row, 1)?,
        since: row.get::<_, At>(2)?.0,
        server: row.get(3)?,
        external: row.get(4)?,
        note: row.get(5)?,
    })
}
