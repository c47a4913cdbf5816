//! Who may use the console: accounts, what makes a password too easily guessed, and for how long wrong ones lock it.
//!
//! - `session`: how long somebody stays signed in. `totp`: the second factor.

pub mod session;
pub mod totp;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::privacy::Role;
use super::secret_hash::SecretHash;
use super::token::Scope;
use totp::TotpSecret;

/// Characters of a name that somebody signs in with.
pub const NAME_MAX: usize = 40;
/// Characters of a person's full name.
pub const FULL_NAME_MAX: usize = 60;
/// Characters of a password: long ones are better than odd ones (NIST SP 800-63B section 5.1.1.2).
pub const PASSWORD_MIN: usize = 10;
/// Bytes of a password; more would only keep the hash busy.
pub const PASSWORD_MAX: usize = 256;
/// Wrong passwords or codes in a row that are not yet answered with a lock.
pub const TRIES_FREE: u32 = 4;
/// A one-time link opens for so long.
pub const LINK_FOR: TimeDelta = TimeDelta::hours(48);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UserId(pub i64);

impl std::fmt::Display for UserId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Somebody who may use the console. Never their secrets: see `Secrets`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    /// Signs in with it, and stands in histories as whoever made a change.
    pub name: String,
    pub full_name: String,
    /// Their place in the directory of people: the telephone on the desk, and whose tickets are theirs.
    pub extension: Option<String>,
    pub role: Role,
    /// `zh`, `en`; none until they chose.
    pub lang: Option<String>,
    pub has_password: bool,
    pub has_totp: bool,
    /// Wrong passwords and codes since the last right one.
    pub failed: u32,
    pub locked_until: Option<DateTime<Utc>>,
    pub made_at: DateTime<Utc>,
    pub signed_in_at: Option<DateTime<Utc>>,
    pub disabled_at: Option<DateTime<Utc>>,
}

impl User {
    /// Until when no password opens it.
    pub fn locked(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.locked_until.filter(|until| now < *until)
    }

    /// Whose tickets are theirs: the extension, or the name where there is none.
    pub fn as_owner(&self) -> &str {
        self.extension.as_deref().unwrap_or(&self.name)
    }
}

/// What opens an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Secrets {
    pub password: Option<SecretHash>,
    pub totp: Option<TotpSecret>,
    /// The last time step whose code was used: a code opens once (RFC 6238 section 5.2).
    pub totp_step: Option<u64>,
}

/// An account that is to be made, or what an administrator changes of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserDraft {
    pub name: String,
    pub full_name: String,
    pub extension: Option<String>,
    pub role: Role,
}

impl UserDraft {
    /// Without spaces at the ends, the name in small letters, and no empty texts.
    pub fn tidy(mut self) -> Self {
        self.name = self.name.trim().to_lowercase();
        self.full_name = self.full_name.trim().to_owned();
        if self.full_name.is_empty() {
            self.full_name.clone_from(&self.name);
        }
        self.extension = self.extension.map(|e| e.trim().to_owned()).filter(|e| !e.is_empty());
        self
    }

    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), AccountFault> {
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@');
        let length = self.name.chars().count();
        if !(1..=NAME_MAX).contains(&length) || !self.name.chars().all(fits) {
            return Err(AccountFault::Name);
        }
        if self.full_name.chars().count() > FULL_NAME_MAX || self.full_name.chars().any(char::is_control) {
            return Err(AccountFault::FullName);
        }
        let digits = |e: &String| (1..=20).contains(&e.len()) && e.bytes().all(|b| b.is_ascii_digit());
        if self.extension.as_ref().is_some_and(|e| !digits(e)) {
            return Err(AccountFault::Extension);
        }
        Ok(())
    }
}

/// Why an account, or its password, is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccountFault {
    #[error("a name to sign in with has 1 to {NAME_MAX} letters and digits, and . - _ @ between them")]
    Name,
    #[error("a full name has at most {FULL_NAME_MAX} characters")]
    FullName,
    #[error("an extension has 1 to 20 digits")]
    Extension,
    #[error("a password has at least {PASSWORD_MIN} characters: three or four words are easy to remember")]
    Short,
    #[error("a password has at most {PASSWORD_MAX} bytes")]
    Long,
    #[error("this password is among the first that anybody tries: choose another")]
    Common,
}

impl AccountFault {
    /// The same in Chinese.
    pub fn zh(self) -> String {
        match self {
            AccountFault::Name => format!("登录名为 1 至 {NAME_MAX} 个字母或数字，可含 . - _ @"),
            AccountFault::FullName => format!("姓名最多 {FULL_NAME_MAX} 个字"),
            AccountFault::Extension => "分机号为 1 至 20 位数字".to_owned(),
            AccountFault::Short => format!("密码至少 {PASSWORD_MIN} 个字符：三四个词连起来就好记"),
            AccountFault::Long => format!("密码最多 {PASSWORD_MAX} 字节"),
            AccountFault::Common => "这个密码太常见，请换一个".to_owned(),
        }
    }
}

/// Whether a password may be given to this account (NIST SP 800-63B: long, not a known one; no rules on its letters).
///
/// # Errors
/// What makes it too easily guessed.
pub fn check_password(password: &str, name: &str) -> Result<(), AccountFault> {
    const COMMON: [&str; 12] = [
        "password",
        "qwertyuiop",
        "qwerty",
        "letmein",
        "welcome",
        "administrator",
        "admin",
        "woaini",
        "iloveyou",
        "asdfghjkl",
        "1qaz2wsx",
        "frontdesk",
    ];
    if password.chars().count() < PASSWORD_MIN {
        return Err(AccountFault::Short);
    }
    if password.len() > PASSWORD_MAX {
        return Err(AccountFault::Long);
    }
    let small = password.to_lowercase();
    // What is left of it without a word that anybody tries, said once or more often.
    let left_without = |word: &str| small.replace(word, "").chars().filter(|c| c.is_alphabetic()).count();
    let mut different: Vec<char> = small.chars().collect();
    different.sort_unstable();
    different.dedup();
    let steps = |by: i32| {
        let chars: Vec<u32> = small.chars().map(u32::from).collect();
        chars.windows(2).filter(|p| i64::from(p[1]) - i64::from(p[0]) == i64::from(by)).count() + 3 >= chars.len()
    };
    let of_word =
        COMMON.iter().chain([&name]).any(|word| !word.is_empty() && small.contains(word) && left_without(word) < 3);
    if different.len() < 4 || steps(1) || steps(-1) || of_word { Err(AccountFault::Common) } else { Ok(()) }
}

/// For how long an account is locked after so many wrong passwords or codes in a row: a minute, twice as long each
/// time, a quarter of an hour at most. Longer would let anybody keep the desk's people out.
pub fn locked_for(failed: u32) -> Option<TimeDelta> {
    let over = failed.checked_sub(TRIES_FREE + 1)?;
    Some(TimeDelta::minutes(1_i64.checked_shl(over.min(4)).unwrap_or(16).min(15)))
}

impl Role {
    /// What the console's own API calls of somebody with this role may ask for.
    pub fn scopes(self) -> Vec<Scope> {
        use Scope::*;
        // Which recordings they may hear is asked of each (`desk::privacy`).
        let mut scopes = vec![TicketsRead, TicketsWrite, PeopleRead, CallsRead, RecordingsRead];
        if self >= Role::Receptionist {
            scopes.extend([MessagesRead, MessagesWrite, AlarmsRead, AlarmsWrite]);
            scopes.extend([PeopleWrite, WorkRead, WorkWrite, ResidentsRead, ShiftsRead, ShiftsWrite]);
        }
        if self >= Role::Supervisor {
            scopes.extend([ReportsRead, ResidentsWrite, PrivacyRead, PrivacyWrite]);
        }
        if self == Role::Administrator {
            scopes.push(Admin);
        }
        scopes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_that_anybody_would_try_are_refused() {
        for (weak, why) in [
            ("short", AccountFault::Short),
            ("aaaaaaaaaaaa", AccountFault::Common),
            ("1234567890", AccountFault::Common),
            ("abcdefghijk", AccountFault::Common),
            ("Password123", AccountFault::Common),
            ("wangfang2026!", AccountFault::Common),
            ("1212121212", AccountFault::Common),
        ] {
            assert_eq!(check_password(weak, "wangfang"), Err(why), "{weak}");
        }
        assert_eq!(check_password(&"x1y2".repeat(70), "wang"), Err(AccountFault::Long));
        for good in ["correct horse battery", "三楼的水管昨天修好了呢", "k7-Vd9_qLw2"] {
            assert_eq!(check_password(good, "wangfang"), Ok(()), "{good}");
        }
    }

    #[test]
    fn wrong_tries_lock_for_longer_each_time_and_never_for_long() {
        let minutes: Vec<_> = (0..12).map(|failed| locked_for(failed).map_or(0, |d| d.num_minutes())).collect();
        assert_eq!(minutes, [0, 0, 0, 0, 0, 1, 2, 4, 8, 15, 15, 15]);
        assert_eq!(locked_for(u32::MAX).map(|d| d.num_minutes()), Some(15));
    }

    #[test]
    fn drafts_are_tidied_and_checked() {
        let draft = |name: &str, extension: &str| {
            UserDraft {
                name: name.to_owned(),
                full_name: String::new(),
                extension: Some(extension.to_owned()),
                role: Role::Receptionist,
            }
            .tidy()
        };
        let tidy = draft(" Wang.Fang ", " ");
        assert_eq!((tidy.name.as_str(), tidy.full_name.as_str(), &tidy.extension), ("wang.fang", "wang.fang", &None));
        assert_eq!(draft("王芳", "201").check(), Ok(()));
        for bad in ["", "a b", "<img>", &"x".repeat(41)] {
            assert_eq!(draft(bad, "201").check(), Err(AccountFault::Name), "{bad}");
        }
        assert_eq!(draft("wang", "20a").check(), Err(AccountFault::Extension));
    }

    #[test]
    fn every_role_may_ask_for_what_the_ones_before_may() {
        let all: Vec<Vec<Scope>> = Role::ALL.iter().map(|role| role.scopes()).collect();
        for pair in all.windows(2) {
            assert!(pair[0].iter().all(|scope| pair[1].contains(scope)), "{pair:?}");
        }
        assert!(!Role::Supervisor.scopes().contains(&Scope::Admin));
    }
}
