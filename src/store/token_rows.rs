//! Tokens of the HTTP API. Each writing function is part of a transaction that its caller makes.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use super::time::{At, unreadable, word};
use crate::desk::token::{ApiToken, Scope, TokenDraft, TokenHash};

const COLUMNS: &str = "id, name, scopes, role, made_at_ms, expires_at_ms, last_used_at_ms, revoked_at_ms, hash";

/// Keeps a new one; gives its id.
pub fn add(connection: &Connection, draft: &TokenDraft, hash: &TokenHash) -> rusqlite::Result<i64> {
    let scopes: Vec<&str> = draft.scopes.iter().map(|scope| scope.as_str()).collect();
    connection.execute(
        "INSERT INTO api_tokens (name, hash, scopes, role, made_at_ms, expires_at_ms)
         VALUES (:name, :hash, :scopes, :role, :made_at, :expires_at)",
        named_params! {
            ":name": draft.name.trim(),
            ":hash": hash.0.as_slice(),
            ":scopes": scopes.join(" "),
            ":role": draft.role.as_str(),
            ":made_at": At(draft.made_at),
            ":expires_at": draft.expires_at.map(At),
        },
    )?;
    Ok(connection.last_insert_rowid())
}

/// All there ever were, the oldest first.
pub fn list(connection: &Connection) -> rusqlite::Result<Vec<ApiToken>> {
    let sql = format!("SELECT {COLUMNS} FROM api_tokens ORDER BY id");
    connection.prepare_cached(&sql)?.query_map([], |row| read(row).map(|(token, _)| token))?.collect()
}

/// One with the hash of its secret.
pub fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<(ApiToken, TokenHash)>> {
    let sql = format!("SELECT {COLUMNS} FROM api_tokens WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id], read).optional()
}

/// Takes it back. Some(false) when that was so before; none without the token.
pub fn revoke(connection: &Connection, id: i64, at: DateTime<Utc>) -> rusqlite::Result<Option<bool>> {
    let Some((token, _)) = find(connection, id)? else { return Ok(None) };
    let sql = "UPDATE api_tokens SET revoked_at_ms = coalesce(revoked_at_ms, ?2) WHERE id = ?1";
    connection.execute(sql, params![id, At(at)])?;
    Ok(Some(token.revoked_at.is_none()))
}

/// Notes that it was used.
pub fn used(connection: &Connection, id: i64, at: DateTime<Utc>) -> rusqlite::Result<()> {
    connection.execute("UPDATE api_tokens SET last_used_at_ms = ?2 WHERE id = ?1", params![id, At(at)])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<(ApiToken, TokenHash)> {
    let scopes: Result<Vec<Scope>, _> = row.get_ref(2)?.as_str()?.split_whitespace().map(str::parse).collect();
    let at = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<At>>(column)?.map(|at| at.0));
    let token = ApiToken {
        id: row.get(0)?,
        name: row.get(1)?,
        scopes: scopes.map_err(|fault| unreadable(2, fault))?,
        role: word(row, 3)?,
        made_at: row.get::<_, At>(4)?.0,
        expires_at: at(5)?,
        last_used_at: at(6)?,
        revoked_at: at(7)?,
    };
    Ok((token, TokenHash(row.get(8)?)))
}
