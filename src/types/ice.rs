//! The passwords of connectivity checks (ICE, RFC 8445), as an offer and its answer exchange them.

use super::Redacted;

/// Who proves itself by a check: a short name and the password to it, for one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceCredentials {
    pub ufrag: String,
    pub pwd: Redacted<String>,
}

/// Both sides' credentials. Either side's new ones are a restart (RFC 8445 section 9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceTerms {
    pub ours: IceCredentials,
    pub theirs: IceCredentials,
}
