//! Accounts of the console, one-time links and sessions. What changes an account is written in the audit log (R12) in the
//! same transaction.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::audit_rows;
use super::editor::Editor;
use super::error::StoreError;
use super::reader::Reader;
use super::time::{At, from_i64, to_i64, unreadable, word};
use super::work_rows::{Refused, Refusing};
use crate::desk::account::session::{CsrfToken, Session, SessionRules};
use crate::desk::account::totp::TotpSecret;
use crate::desk::account::{Secrets, User, UserDraft, UserId, locked_for};
use crate::desk::audit::{AuditEntry, Deed};
use crate::desk::privacy::Role;
use crate::desk::secret_hash::SecretHash;
use crate::desk::token::TokenHash;
use crate::desk::told::{Told, told};

/// Sessions of one account at the same time; with more the one that was seen longest ago ends.
const SESSIONS_MAX: usize = 20;

const COLUMNS: &str = "id, name, full_name, extension, role, lang, password, totp, totp_step, failed, locked_until_ms,
    made_at_ms, signed_in_at_ms, disabled_at_ms";

const SESSION: &str =
    "s.id, s.user, s.began_at_ms, s.renewed_at_ms, s.taken_at_ms, s.csrf, s.seen_at_ms, s.address, s.agent";
const SESSION_COLUMNS: usize = 9;

/// Who makes a change, and from where: for the audit log.
#[derive(Debug, Clone, Copy)]
pub struct Changer<'a> {
    pub who: &'a str,
    pub from_where: &'a str,
    pub at: DateTime<Utc>,
}

/// A one-time link that still opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// None makes the first administrator.
    pub user: Option<User>,
    pub until: DateTime<Utc>,
}

/// A session that begins.
#[derive(Debug, Clone, Copy)]
pub struct NewSession<'a> {
    pub hash: TokenHash,
    pub csrf: CsrfToken,
    pub address: &'a str,
    /// What the browser calls itself.
    pub agent: &'a str,
    /// The session that the browser had: it ends.
    pub instead_of: Option<i64>,
}

/// What an account is given new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountChange<'a> {
    Role(Role),
    FullName(&'a str),
    Extension(Option<&'a str>),
    /// In which they read the console; it is not audited.
    Lang(&'a str),
    /// Disabled ends its sessions; enabled unlocks it too.
    Disabled(bool),
    /// The second factor, and the step of the code that showed that the phone has it; or none.
    Totp(Option<(TotpSecret, u64)>),
}

fn read(row: &Row<'_>) -> rusqlite::Result<(User, Secrets)> {
    read_from(row, 0)
}

fn read_from(row: &Row<'_>, first: usize) -> rusqlite::Result<(User, Secrets)> {
    let at = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<At>>(first + column)?.map(|at| at.0));
    let password = row.get_ref(first + 6)?.as_str_or_null()?.map(SecretHash::parse).transpose();
    let password = password.map_err(|fault| unreadable(first + 6, fault))?;
    let totp = row.get::<_, Option<[u8; crate::desk::account::totp::SECRET_BYTES]>>(first + 7)?.map(TotpSecret);
    let user = User {
        id: UserId(row.get(first)?),
        name: row.get(first + 1)?,
        full_name: row.get(first + 2)?,
        extension: row.get(first + 3)?,
        role: word(row, first + 4)?,
        lang: row.get(first + 5)?,
        has_password: password.is_some(),
        has_totp: totp.is_some(),
        failed: row.get(first + 9)?,
        locked_until: at(10)?,
        made_at: row.get::<_, At>(first + 11)?.0,
        signed_in_at: at(12)?,
        disabled_at: at(13)?,
    };
    let secrets = Secrets { password, totp, totp_step: row.get::<_, Option<i64>>(first + 8)?.map(from_i64) };
    Ok((user, secrets))
}

fn read_session(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        id: row.get(0)?,
        user: UserId(row.get(1)?),
        began_at: row.get::<_, At>(2)?.0,
        renewed_at: row.get::<_, At>(3)?.0,
        taken_at: row.get::<_, Option<At>>(4)?.map(|at| at.0),
        csrf: CsrfToken(row.get(5)?),
        seen_at: row.get::<_, At>(6)?.0,
        address: row.get(7)?,
        agent: row.get(8)?,
    })
}

fn one(connection: &Connection, id: UserId) -> rusqlite::Result<Option<(User, Secrets)>> {
    let sql = format!("SELECT {COLUMNS} FROM users WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id.0], read).optional()
}

fn audited(t: &Connection, by: Changer<'_>, what: Deed, about: String) -> rusqlite::Result<()> {
    let (who, from_where) = (by.who.to_owned(), by.from_where.to_owned());
    audit_rows::add(t, &AuditEntry { at: by.at, who, what, about, from_where })
}

/// An administrator who can sign in, besides this one.
fn other_administrator(t: &Connection, id: UserId) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM users WHERE role = 'administrator' AND password IS NOT NULL AND disabled_at_ms IS NULL
               AND id <> ?1";
    t.prepare_cached(sql)?.exists([id.0])
}

fn add(t: &Connection, by: Changer<'_>, draft: &UserDraft) -> rusqlite::Result<Refused<UserId>> {
    if t.prepare_cached("SELECT 1 FROM users WHERE name = ?1")?.exists([&draft.name])? {
        let name = &draft.name;
        return Ok(Err(Refusing::Because(told!("已有帐号“{name}”", "there is an account `{name}` already"))));
    }
    t.execute(
        "INSERT INTO users (name, full_name, extension, role, made_at_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![draft.name, draft.full_name, draft.extension, draft.role.as_str(), At(by.at)],
    )?;
    let id = UserId(t.last_insert_rowid());
    audited(t, by, Deed::AccountChanged, format!("account {}: made, {}", draft.name, draft.role))?;
    Ok(Ok(id))
}

fn end_sessions(t: &Connection, user: UserId, but: Option<i64>) -> rusqlite::Result<()> {
    t.execute("DELETE FROM sessions WHERE user = ?1 AND id IS NOT ?2", params![user.0, but])?;
    Ok(())
}

impl Reader {
    /// All accounts, by name.
    pub fn users(&self) -> Result<Vec<User>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM users ORDER BY name");
        let rows = || self.connection.prepare_cached(&sql)?.query_map([], |row| Ok(read(row)?.0))?.collect();
        self.told(rows())
    }

    pub fn user(&self, id: UserId) -> Result<Option<(User, Secrets)>, StoreError> {
        self.told(one(&self.connection, id))
    }

    /// Whoever signs in with that name (in small letters).
    pub fn user_named(&self, name: &str) -> Result<Option<(User, Secrets)>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM users WHERE name = ?1");
        let row = || self.connection.prepare_cached(&sql)?.query_row([name], read).optional();
        self.told(row())
    }

    /// The one-time link with that secret.
    pub fn invite(&self, hash: &TokenHash, now: DateTime<Utc>) -> Result<Option<Invite>, StoreError> {
        self.told(invite(&self.connection, hash, now))
    }

    /// The session of a cookie, and whose it is, where it still opens. The secret before the last renewal does for a
    /// moment; `true` then.
    pub fn session(
        &self,
        id: i64,
        hash: &TokenHash,
        rules: SessionRules,
        now: DateTime<Utc>,
    ) -> Result<Option<(Session, User, bool)>, StoreError> {
        let columns = COLUMNS.split(',').map(|column| format!("u.{}", column.trim())).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "SELECT {SESSION}, s.hash, s.hash_before, {columns} FROM sessions s JOIN users u ON u.id = s.user WHERE s.id = ?1"
        );
        let row = || {
            let read = |row: &Row<'_>| {
                let session = read_session(row)?;
                let current = TokenHash(row.get(SESSION_COLUMNS)?);
                let before = row.get::<_, Option<[u8; 32]>>(SESSION_COLUMNS + 1)?.map(TokenHash);
                Ok((session, current, before, read_from(row, SESSION_COLUMNS + 2)?.0))
            };
            self.connection.prepare_cached(&sql)?.query_row([id], read).optional()
        };
        Ok(self.told(row())?.and_then(|(session, current, before, user)| {
            let is_current = current.is(hash);
            let is_before = before.is_some_and(|before| before.is(hash)) && session.crosses(now);
            let holds = session.holds(rules, now) && user.disabled_at.is_none();
            (holds && (is_current || is_before)).then_some((session, user, !is_current))
        }))
    }

    /// Where somebody is signed in, seen last first.
    pub fn sessions_of(&self, user: UserId) -> Result<Vec<Session>, StoreError> {
        let sql = format!("SELECT {SESSION} FROM sessions s WHERE s.user = ?1 ORDER BY s.seen_at_ms DESC, s.id DESC");
        let rows = || self.connection.prepare_cached(&sql)?.query_map([user.0], read_session)?.collect();
        self.told(rows())
    }
}

fn invite(connection: &Connection, hash: &TokenHash, now: DateTime<Utc>) -> rusqlite::Result<Option<Invite>> {
    let sql = "SELECT user, until_ms FROM invites WHERE hash = ?1 AND until_ms > ?2";
    let read = |row: &Row<'_>| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, At>(1)?.0));
    let found = connection.prepare_cached(sql)?.query_row(params![hash.0, At(now)], read).optional()?;
    let Some((user, until)) = found else { return Ok(None) };
    match user {
        // The first administrator is made once.
        None if other_administrator(connection, UserId(0))? => Ok(None),
        None => Ok(Some(Invite { user: None, until })),
        Some(id) => {
            let user = one(connection, UserId(id))?.map(|(user, _)| user).filter(|user| user.disabled_at.is_none());
            Ok(user.map(|user| Invite { user: Some(user), until }))
        }
    }
}

impl Editor {
    /// Makes an account, which nobody can sign in to before a password is set.
    pub fn add_user(&mut self, by: Changer<'_>, draft: &UserDraft) -> Result<UserId, StoreError> {
        draft.check().map_err(|fault| StoreError::Refused(Told::new(fault.zh(), fault.to_string())))?;
        self.by(by.who, by.at, |t, _| add(t, by, draft))
    }

    /// Keeps a one-time link; those before of the same account open nothing more.
    pub fn invite(
        &mut self,
        by: Changer<'_>,
        user: Option<UserId>,
        hash: &TokenHash,
        until: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.transaction(|t| {
            t.execute("DELETE FROM invites WHERE user IS ?1 OR until_ms <= ?2", params![user.map(|u| u.0), At(by.at)])?;
            t.execute(
                "INSERT INTO invites (hash, user, until_ms) VALUES (?1, ?2, ?3)",
                params![hash.0, user.map(|user| user.0), At(until)],
            )?;
            if let Some((user, _)) = user.map(|id| one(t, id)).transpose()?.flatten() {
                audited(t, by, Deed::AccountChanged, format!("account {}: one-time link", user.name))?;
            }
            Ok(())
        })
    }

    /// Uses a one-time link: sets the password, makes the first administrator where it is for that (`draft`), and ends
    /// the account's sessions. None where the link opens nothing (any more).
    pub fn accept_invite(
        &mut self,
        hash: &TokenHash,
        (now, from_where): (DateTime<Utc>, &str),
        draft: Option<&UserDraft>,
        password: &SecretHash,
    ) -> Result<Option<UserId>, StoreError> {
        self.by("", now, |t, _| {
            let Some(invite) = invite(t, hash, now)? else { return Ok(Ok(None)) };
            let (id, name) = match (invite.user, draft) {
                (Some(user), _) => (user.id, user.name),
                (None, Some(draft)) => {
                    let by = Changer { who: &draft.name, from_where, at: now };
                    let draft = UserDraft { role: Role::Administrator, ..draft.clone() };
                    match add(t, by, &draft)? {
                        Ok(id) => (id, draft.name),
                        Err(refusing) => return Ok(Err(refusing)),
                    }
                }
                (None, None) => return Ok(Ok(None)),
            };
            t.execute("DELETE FROM invites WHERE hash = ?1", [hash.0])?;
            set_password(t, Changer { who: &name, from_where, at: now }, (id, &name), password, None)?;
            Ok(Ok(Some(id)))
        })
    }

    /// Gives an account another password; its other sessions end.
    pub fn set_password(
        &mut self,
        by: Changer<'_>,
        id: UserId,
        password: &SecretHash,
        keep: Option<i64>,
    ) -> Result<(), StoreError> {
        self.transaction(|t| {
            let Some((user, _)) = one(t, id)? else { return Ok(None) };
            set_password(t, by, (id, &user.name), password, keep).map(Some)
        })?
        .ok_or_else(|| StoreError::Unknown(told!("帐号 {id}", "account {id}")))
    }

    /// Changes an account. The last administrator who can sign in stays one.
    pub fn change_user(&mut self, by: Changer<'_>, id: UserId, change: AccountChange<'_>) -> Result<(), StoreError> {
        self.by(by.who, by.at, |t, _| change_user(t, by, id, change))
    }

    /// Whether an administrator can sign in.
    pub fn has_administrator(&mut self) -> Result<bool, StoreError> {
        self.transaction(|t| other_administrator(t, UserId(0)))
    }

    /// The account with that name (in small letters).
    pub fn user_id(&mut self, name: &str) -> Result<Option<UserId>, StoreError> {
        self.transaction(|t| {
            let sql = "SELECT id FROM users WHERE name = ?1";
            t.prepare_cached(sql)?.query_row([name], |row| row.get(0).map(UserId)).optional()
        })
    }

    /// A wrong password or code for that name (in small letters), whether there is such an account or not; gives until when
    /// it is locked now. While it is locked nothing is counted.
    pub fn sign_in_refused(&mut self, by: Changer<'_>, name: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.transaction(|t| {
            let sql = format!("SELECT {COLUMNS} FROM users WHERE name = ?1");
            let found = t.prepare_cached(&sql)?.query_row([name], read).optional()?;
            let Some((user, _)) = found.filter(|(user, _)| user.disabled_at.is_none()) else {
                audited(t, by, Deed::SignInRefused, format!("account {name}: no account to sign in to"))?;
                return Ok(None);
            };
            if let Some(until) = user.locked(by.at) {
                audited(t, by, Deed::SignInRefused, format!("account {name}: while it is locked"))?;
                return Ok(Some(until));
            }
            let (id, failed) = (user.id, user.failed.saturating_add(1));
            let until = locked_for(failed).map(|lock| by.at + lock);
            t.execute(
                "UPDATE users SET failed = ?2, locked_until_ms = ?3 WHERE id = ?1",
                params![id.0, failed, until.map(At)],
            )?;
            let locked = if until.is_some() { ", locked" } else { "" };
            audited(t, by, Deed::SignInRefused, format!("account {}: {failed} in a row{locked}", user.name))?;
            Ok(until)
        })
    }

    /// Somebody showed all that opens their account: a session begins; gives its id. `step` is that of the code used.
    /// None where that code was used meanwhile.
    pub fn sign_in(
        &mut self,
        by: Changer<'_>,
        id: UserId,
        step: Option<u64>,
        begun: &NewSession<'_>,
    ) -> Result<Option<i64>, StoreError> {
        self.transaction(|t| {
            let taken = t.execute(
                "UPDATE users SET failed = 0, locked_until_ms = NULL, signed_in_at_ms = ?2,
                    totp_step = coalesce(?3, totp_step)
                 WHERE id = ?1 AND disabled_at_ms IS NULL AND (?3 IS NULL OR totp_step IS NULL OR totp_step < ?3)",
                params![id.0, At(by.at), step.map(to_i64)],
            )?;
            if taken == 0 {
                return Ok(None);
            }
            t.execute("DELETE FROM sessions WHERE id = ?1", [begun.instead_of])?;
            t.execute(
                "INSERT INTO sessions (user, hash, csrf, renewed_at_ms, began_at_ms, seen_at_ms, address, agent)
                 VALUES (?1, ?2, ?3, ?4, ?4, ?4, ?5, ?6)",
                params![id.0, begun.hash.0, begun.csrf.0, At(by.at), begun.address, begun.agent],
            )?;
            let session = t.last_insert_rowid();
            t.execute(
                "DELETE FROM sessions WHERE user = ?1 AND id NOT IN
                    (SELECT id FROM sessions WHERE user = ?1 ORDER BY seen_at_ms DESC, id DESC LIMIT ?2)",
                params![id.0, SESSIONS_MAX as i64],
            )?;
            audited(t, by, Deed::SignedIn, format!("account {}", by.who))?;
            Ok(Some(session))
        })
    }

    /// Gives a session another secret, where it still has the one that was seen, or had it before, and was not renewed since
    /// `last`: of requests that come at once the first one renews, and the browser keeps what it was sent.
    pub fn renew_session(
        &mut self,
        id: i64,
        (seen, new): (&TokenHash, &TokenHash),
        last: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        self.transaction(|t| {
            let renewed = t.execute(
                "UPDATE sessions SET hash = ?3, hash_before = ?2, renewed_at_ms = ?4, taken_at_ms = NULL, seen_at_ms = ?4
                 WHERE id = ?1 AND (hash = ?2 OR hash_before = ?2) AND renewed_at_ms = ?5",
                params![id, seen.0, new.0, At(at), At(last)],
            )?;
            Ok(renewed > 0)
        })
    }

    /// Notes that a session is in use, and that the browser has `taken` its new secret; takes away those that are over.
    pub fn session_seen(
        &mut self,
        id: i64,
        taken: bool,
        rules: SessionRules,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.transaction(|t| {
            t.execute(
                "UPDATE sessions SET seen_at_ms = max(seen_at_ms, ?2),
                    taken_at_ms = CASE WHEN ?3 THEN coalesce(taken_at_ms, ?2) ELSE taken_at_ms END
                 WHERE id = ?1",
                params![id, At(at), taken],
            )?;
            t.execute(
                "DELETE FROM sessions WHERE seen_at_ms <= ?1 OR began_at_ms <= ?2",
                params![At(at - rules.idle), At(at - rules.whole)],
            )?;
            Ok(())
        })
    }

    /// Somebody signs out.
    pub fn end_session(&mut self, by: Changer<'_>, id: i64) -> Result<(), StoreError> {
        self.transaction(|t| {
            t.execute("DELETE FROM sessions WHERE id = ?1", [id])?;
            audited(t, by, Deed::SignedOut, format!("account {}", by.who))
        })
    }

    /// Somebody signs out wherever else they are.
    pub fn end_other_sessions(&mut self, by: Changer<'_>, user: UserId, but: i64) -> Result<(), StoreError> {
        self.transaction(|t| {
            end_sessions(t, user, Some(but))?;
            audited(t, by, Deed::SignedOut, format!("account {}: other sessions", by.who))
        })
    }
}

fn set_password(
    t: &Connection,
    by: Changer<'_>,
    (id, name): (UserId, &str),
    password: &SecretHash,
    keep: Option<i64>,
) -> rusqlite::Result<()> {
    t.execute(
        "UPDATE users SET password = ?2, failed = 0, locked_until_ms = NULL WHERE id = ?1",
        params![id.0, password.text()],
    )?;
    end_sessions(t, id, keep)?;
    audited(t, by, Deed::AccountChanged, format!("account {name}: password"))
}

fn change_user(
    t: &Connection,
    by: Changer<'_>,
    id: UserId,
    change: AccountChange<'_>,
) -> rusqlite::Result<Refused<()>> {
    let Some((user, _)) = one(t, id)? else { return Ok(Err(Refusing::Unknown(told!("帐号 {id}", "account {id}")))) };
    let loses = match change {
        AccountChange::Role(role) => role != Role::Administrator,
        AccountChange::Disabled(disabled) => disabled,
        _ => false,
    };
    if loses && user.role == Role::Administrator && !other_administrator(t, id)? {
        return Ok(Err(Refusing::Because(told!(
            "这是唯一能登录的管理员：请先另设一位",
            "this is the only administrator who can sign in: make another first"
        ))));
    }
    let set = |sql: &str, value: &dyn rusqlite::ToSql| t.execute(sql, params![id.0, value]);
    let what = match change {
        AccountChange::Role(role) => {
            set("UPDATE users SET role = ?2 WHERE id = ?1", &role.as_str())?;
            format!("role {role}")
        }
        AccountChange::FullName(name) => {
            set("UPDATE users SET full_name = ?2 WHERE id = ?1", &name)?;
            "full name".to_owned()
        }
        AccountChange::Extension(extension) => {
            set("UPDATE users SET extension = ?2 WHERE id = ?1", &extension)?;
            format!("extension {}", extension.unwrap_or("none"))
        }
        AccountChange::Lang(lang) => {
            set("UPDATE users SET lang = ?2 WHERE id = ?1", &lang)?;
            return Ok(Ok(()));
        }
        AccountChange::Disabled(true) => {
            let sql = "UPDATE users SET disabled_at_ms = coalesce(disabled_at_ms, ?2) WHERE id = ?1";
            set(sql, &At(by.at))?;
            t.execute("DELETE FROM invites WHERE user = ?1", [id.0])?;
            end_sessions(t, id, None)?;
            "disabled".to_owned()
        }
        AccountChange::Disabled(false) => {
            t.execute(
                "UPDATE users SET disabled_at_ms = NULL, failed = 0, locked_until_ms = NULL WHERE id = ?1",
                [id.0],
            )?;
            "enabled".to_owned()
        }
        AccountChange::Totp(totp) => {
            // A code opens once (RFC 6238 section 5.2): the one that turned it on has opened.
            let (secret, step) = (totp.map(|(secret, _)| secret.0), totp.map(|(_, step)| to_i64(step)));
            t.execute("UPDATE users SET totp = ?2, totp_step = ?3 WHERE id = ?1", params![id.0, secret, step])?;
            if totp.is_some() { "second factor set".to_owned() } else { "second factor taken away".to_owned() }
        }
    };
    audited(t, by, Deed::AccountChanged, format!("account {}: {what}", user.name))?;
    Ok(Ok(()))
}
