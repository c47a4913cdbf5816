//! Who heard, saw, exported or deleted what of callers (R12), signed in, or changed accounts and settings: one entry each
//! time.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::words::words;

/// What was done. By phone there are words of the mailbox beside these: `heard`, `played`, `confirmed`, `forwarded to 202`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// A recording was listened to.
    Heard,
    /// A record that leads to a recording, or the SIP messages of a call, were shown.
    Shown,
    /// A copy left the desk: a recording, a list, a backup.
    Exported,
    /// A recording is no more.
    Deleted,
    /// Numbers and names were taken out.
    Anonymised,
    /// Held back from deletion.
    Held,
    /// A hold was lifted.
    Released,
    /// Something was asked for that the role may not have.
    Refused,
    /// Somebody signed in to the console.
    SignedIn,
    /// Somebody signed out of the console, here or wherever else they were.
    SignedOut,
    /// A wrong password or code, or a name that nobody has.
    SignInRefused,
    /// An account was made or changed.
    AccountChanged,
    /// Settings or content of the line were changed.
    SettingsChanged,
}

words!(Deed {
    Heard => "heard",
    Shown => "shown",
    Exported => "exported",
    Deleted => "deleted",
    Anonymised => "anonymised",
    Held => "held",
    Released => "released",
    Refused => "refused",
    SignedIn => "signed_in",
    SignedOut => "signed_out",
    SignInRefused => "sign_in_refused",
    AccountChanged => "account_changed",
    SettingsChanged => "settings_changed",
});

/// One entry, to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    pub at: DateTime<Utc>,
    /// A name or an extension; `system` for what nobody did by hand.
    pub who: String,
    pub what: Deed,
    /// `message 12`, `ticket 20261123-0007`, `call 42`, `recording 2026/11/23/000042-1.wav`.
    pub about: String,
    /// `shell`, `phone`, `console`, `api 192.0.2.7`, `retention`.
    pub from_where: String,
}

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAudit {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub who: String,
    /// A word of `Deed`, or one of the mailbox.
    pub what: String,
    pub about: String,
    pub from_where: String,
}
