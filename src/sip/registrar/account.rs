//! Who may register, and what is known of their passwords.

use crate::sip::digest::Algorithm;
use crate::types::Redacted;

/// One phone's account. Several phones may share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user part of its address, and its name in credentials.
    pub user: String,
    pub secret: Secret,
    /// Its phone stumbles over any other challenge than MD5, as some old ones do.
    pub md5_only: bool,
}

impl Account {
    /// What it is asked for, the strongest first.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        let asked =
            |algorithm: &Algorithm| self.secret.has(*algorithm) && (!self.md5_only || *algorithm == Algorithm::Md5);
        Algorithm::ASKED.into_iter().filter(asked).collect()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    Password(Redacted<String>),
    /// Hashes of user, realm and password, in hex (RFC 7616 section 3.4.2); at least one of them.
    Ha1 {
        md5: Option<Redacted<String>>,
        sha256: Option<Redacted<String>>,
    },
}

impl Secret {
    fn has(&self, algorithm: Algorithm) -> bool {
        match self {
            Secret::Password(_) => true,
            Secret::Ha1 { md5, sha256 } => match algorithm {
                Algorithm::Sha512_256 => false,
                Algorithm::Md5 => md5.is_some(),
                Algorithm::Sha256 => sha256.is_some(),
            },
        }
    }

    pub(super) fn ha1(&self, algorithm: Algorithm, user: &str, realm: &str) -> Option<Redacted<String>> {
        match self {
            Secret::Password(password) => Some(algorithm.ha1(user, realm, &password.0)),
            Secret::Ha1 { md5, sha256 } => {
                let hash = match algorithm {
                    Algorithm::Sha512_256 => return None,
                    Algorithm::Md5 => md5,
                    Algorithm::Sha256 => sha256,
                };
                hash.as_ref().map(|hash| Redacted(hash.0.to_ascii_lowercase()))
            }
        }
    }
}
