//! Tokens of the HTTP API: what a program may do that shows one, and how its secret is checked.
//!
//! A token reads `fd_ID_SECRET`: the row that it stands in, and 256 bits of chance. Only the secret's SHA-256 is kept.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::privacy::Role;
use super::told::{Told, told};
use super::words::words;

/// Bytes of a token's name.
pub const NAME_MAX: usize = 100;

/// One thing that a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scope {
    #[serde(rename = "calls:read")]
    CallsRead,
    #[serde(rename = "tickets:read")]
    TicketsRead,
    #[serde(rename = "tickets:write")]
    TicketsWrite,
    #[serde(rename = "messages:read")]
    MessagesRead,
    #[serde(rename = "messages:write")]
    MessagesWrite,
    #[serde(rename = "recordings:read")]
    RecordingsRead,
    #[serde(rename = "people:read")]
    PeopleRead,
    #[serde(rename = "people:write")]
    PeopleWrite,
    /// Alarms, the journal and the trunks.
    #[serde(rename = "alarms:read")]
    AlarmsRead,
    #[serde(rename = "alarms:write")]
    AlarmsWrite,
    #[serde(rename = "reports:read")]
    ReportsRead,
    /// What the desk sees to by itself, and the calls that it makes.
    #[serde(rename = "work:read")]
    WorkRead,
    #[serde(rename = "work:write")]
    WorkWrite,
    #[serde(rename = "residents:read")]
    ResidentsRead,
    #[serde(rename = "residents:write")]
    ResidentsWrite,
    /// Handovers and the roster.
    #[serde(rename = "shifts:read")]
    ShiftsRead,
    #[serde(rename = "shifts:write")]
    ShiftsWrite,
    /// The audit log, and what is held back from deletion.
    #[serde(rename = "privacy:read")]
    PrivacyRead,
    #[serde(rename = "privacy:write")]
    PrivacyWrite,
    /// All of them.
    #[serde(rename = "admin")]
    Admin,
}

words!(Scope {
    CallsRead => "calls:read",
    TicketsRead => "tickets:read",
    TicketsWrite => "tickets:write",
    MessagesRead => "messages:read",
    MessagesWrite => "messages:write",
    RecordingsRead => "recordings:read",
    PeopleRead => "people:read",
    PeopleWrite => "people:write",
    AlarmsRead => "alarms:read",
    AlarmsWrite => "alarms:write",
    ReportsRead => "reports:read",
    WorkRead => "work:read",
    WorkWrite => "work:write",
    ResidentsRead => "residents:read",
    ResidentsWrite => "residents:write",
    ShiftsRead => "shifts:read",
    ShiftsWrite => "shifts:write",
    PrivacyRead => "privacy:read",
    PrivacyWrite => "privacy:write",
    Admin => "admin",
});

/// A token as it is kept: never its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    pub id: i64,
    /// Who makes the changes that it is used for, in histories.
    pub name: String,
    pub scopes: Vec<Scope>,
    /// Whose eyes the program's answers are for (R12).
    pub role: Role,
    pub made_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

impl ApiToken {
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.iter().any(|own| *own == scope || *own == Scope::Admin)
    }

    /// Whether it opens anything at that moment.
    pub fn holds(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// A token that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenDraft {
    pub name: String,
    pub scopes: Vec<Scope>,
    pub role: Role,
    pub made_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
}

impl TokenDraft {
    /// What is wrong with it, if anything is.
    pub fn check(&self) -> Result<(), Told> {
        if self.name.trim().is_empty() || self.name.len() > NAME_MAX {
            return Err(told!(
                "令牌名称为 1 至 {NAME_MAX} 字节：它会写入历史记录",
                "a token has a name of 1 to {NAME_MAX} bytes: it stands in histories"
            ));
        }
        if self.scopes.is_empty() {
            return Err(told!(
                "没有权限范围的令牌什么也打不开：请至少选一项",
                "a token without a scope opens nothing: give it one"
            ));
        }
        match self.expires_at {
            Some(end) if end <= self.made_at => Err(told!("到期时间已经过去", "it would be over at once")),
            _ => Ok(()),
        }
    }
}

/// What makes a token one's own: 256 bits of chance.
#[derive(Clone, Copy)]
pub struct TokenSecret([u8; 32]);

impl TokenSecret {
    pub const fn new(chance: [u8; 32]) -> Self {
        Self(chance)
    }

    /// What is kept of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0).into())
    }

    /// The token as it is shown once, and presented ever after.
    pub fn text(&self, id: i64) -> String {
        format!("fd_{id}_{}", self.hex())
    }

    /// Row and secret of a presented token; `None` for what can't be one.
    pub fn read(text: &str) -> Option<(i64, Self)> {
        let (id, hex) = text.strip_prefix("fd_")?.split_once('_')?;
        if id.starts_with(['+', '-']) {
            return None;
        }
        Some((id.parse().ok()?, Self::of_hex(hex)?))
    }

    /// The secret alone: of a one-time link, or of a cookie.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// `None` for what can't be one.
    pub fn of_hex(hex: &str) -> Option<Self> {
        if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut secret = [0; 32];
        for (at, byte) in secret.iter_mut().enumerate() {
            *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self(secret))
    }
}

/// The SHA-256 of a secret.
#[derive(Debug, Clone, Copy)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// Whether it is the same, in a time that does not tell how near it is.
    pub fn is(&self, other: &TokenHash) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// Whether that secret is meant, in a time that does not tell how near it is.
    pub fn is_of(&self, secret: &TokenSecret) -> bool {
        self.0.ct_eq(&secret.hash().0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_opens_by_its_own_secret_alone() {
        let secret = TokenSecret::new([0xa5; 32]);
        let text = secret.text(7);
        let (id, read) = TokenSecret::read(&text).expect("it is one");
        assert_eq!(id, 7);
        assert!(secret.hash().is_of(&read));
        assert!(!secret.hash().is_of(&TokenSecret::new([0xa4; 32])));
        for wrong in ["", "fd_7_", "fd_x_aa", "fd_-7_", &text[..text.len() - 1], &text.replace('a', "é"), "7_a5"] {
            assert!(TokenSecret::read(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_token_allows_its_scopes_until_it_is_over() {
        let made_at = DateTime::UNIX_EPOCH;
        let token = |scopes: &[Scope]| ApiToken {
            id: 1,
            name: "lobby".to_owned(),
            scopes: scopes.to_vec(),
            role: Role::Receptionist,
            made_at,
            expires_at: Some(made_at + chrono::TimeDelta::days(1)),
            last_used_at: None,
            revoked_at: None,
        };
        let reads = token(&[Scope::CallsRead]);
        assert!(reads.allows(Scope::CallsRead) && !reads.allows(Scope::TicketsRead) && !reads.allows(Scope::Admin));
        assert!(Scope::ALL.iter().all(|scope| token(&[Scope::Admin]).allows(*scope)));
        assert!(reads.holds(made_at) && !reads.holds(made_at + chrono::TimeDelta::days(1)));
        assert!(!ApiToken { revoked_at: Some(made_at), ..reads }.holds(made_at));
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_value(scope).expect("a word"), scope.as_str());
        }
    }
}
