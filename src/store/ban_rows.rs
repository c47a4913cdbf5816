//! Who is banned, and the watch for bans that were lifted.

use std::path::Path;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, named_params};

use super::time::{At, unreadable};
use super::{Reader, StoreError};
use crate::desk::ban::{Ban, BannedNetwork};

/// Bans that are kept: those of ended ones go when a new one comes.
pub fn put(connection: &Connection, ban: &Ban) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM bans WHERE until_ms <= ?1")?.execute([At(ban.since)])?;
    connection
        .prepare_cached(
            "INSERT INTO bans (network, since_ms, until_ms, failures) VALUES (:network, :since, :until, :failures)
             ON CONFLICT (network) DO UPDATE SET since_ms = :since, until_ms = :until, failures = :failures",
        )?
        .execute(named_params! {
            ":network": ban.network.to_string(),
            ":since": At(ban.since),
            ":until": At(ban.until),
            ":failures": ban.failures,
        })?;
    Ok(())
}

/// Lifts a ban; whether there was one.
pub fn lift(connection: &Connection, network: BannedNetwork) -> rusqlite::Result<bool> {
    Ok(connection.execute("DELETE FROM bans WHERE network = ?1", [network.to_string()])? > 0)
}

/// Those that hold, the newest first.
pub fn list(connection: &Connection, now: DateTime<Utc>) -> rusqlite::Result<Vec<Ban>> {
    let sql =
        "SELECT network, since_ms, until_ms, failures FROM bans WHERE until_ms > ?1 ORDER BY since_ms DESC, network";
    connection.prepare_cached(sql)?.query_map([At(now)], read)?.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Ban> {
    let network = row.get_ref(0)?.as_str()?.parse().map_err(|fault| unreadable(0, fault))?;
    let (At(since), At(until)) = (row.get(1)?, row.get(2)?);
    Ok(Ban { network, since, until, failures: row.get(3)? })
}

/// Looks whether a ban was lifted, by whichever process. A look costs microseconds where nothing was written at all.
#[derive(Debug)]
pub struct BanWatch {
    reader: Reader,
    version: Option<i64>,
    seen: Vec<Ban>,
}

impl BanWatch {
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { reader: Reader::open(path)?, version: None, seen: Vec::new() })
    }

    /// Those that hold now; what goes from them is told by `lifted`.
    pub fn held(&mut self, now: DateTime<Utc>) -> Result<Vec<Ban>, StoreError> {
        self.seen = self.reader.bans(now)?;
        Ok(self.seen.clone())
    }

    /// Networks whose ban was taken away before its end since the look before.
    pub fn lifted(&mut self, now: DateTime<Utc>) -> Result<Vec<BannedNetwork>, StoreError> {
        let version = self.reader.version()?;
        if self.version == Some(version) {
            return Ok(Vec::new());
        }
        let held = self.reader.bans(now)?;
        self.version = Some(version);
        let is_gone = |ban: &&Ban| ban.until > now && !held.iter().any(|other| other.network == ban.network);
        let lifted = self.seen.iter().filter(is_gone).map(|ban| ban.network).collect();
        self.seen = held;
        Ok(lifted)
    }
}
