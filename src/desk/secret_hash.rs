//! Secrets of people, PINs and passwords, as they are kept.
//!
//! Only hashes are written down: Argon2id with the crate's parameters (19 MiB, two passes: tens of milliseconds), which
//! is why none is ever checked where calls are served.

use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params};

use crate::types::Redacted;

/// Bytes of a salt.
pub const SALT_BYTES: usize = 16;
/// A hash that costs more than this would hold up everyone else's: KiB, passes, lanes.
const MEMORY_KIB_MAX: u32 = 64 * 1024;
const PASSES_MAX: u32 = 8;
const LANES_MAX: u32 = 4;

/// The text is no hash of a secret that this program makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no hash of a secret (`$argon2id$...`)")]
pub struct NoSecretHash;

/// A PIN or password as it is kept (PHC string format).
#[derive(Clone, PartialEq, Eq)]
pub struct SecretHash(PasswordHash);

impl SecretHash {
    /// Reads what was kept.
    ///
    /// # Errors
    /// When it is none, or one that would take too long to check.
    pub fn parse(text: &str) -> Result<Self, NoSecretHash> {
        let hash = PasswordHash::new(text).map_err(|_| NoSecretHash)?;
        let params = Params::try_from(&hash).map_err(|_| NoSecretHash)?;
        let affordable =
            params.m_cost() <= MEMORY_KIB_MAX && params.t_cost() <= PASSES_MAX && params.p_cost() <= LANES_MAX;
        let whole = hash.algorithm.as_str() == "argon2id" && hash.salt.is_some() && hash.hash.is_some();
        if affordable && whole { Ok(Self(hash)) } else { Err(NoSecretHash) }
    }

    /// Tens of milliseconds. `None` when there is no memory for it.
    pub fn make(secret: &Redacted<String>, salt: &[u8; SALT_BYTES]) -> Option<Self> {
        Argon2::default().hash_password_with_salt(secret.0.as_bytes(), salt).ok().map(Self)
    }

    /// Whether the secret is the one of this hash: tens of milliseconds. Without a hash (nobody has that extension or name,
    /// or no secret was given to it) it takes as long, and the secret is wrong, so that nobody learns whom there is.
    pub fn verify(hash: Option<&SecretHash>, secret: &Redacted<String>) -> bool {
        match hash {
            Some(hash) => Argon2::default().verify_password(secret.0.as_bytes(), &hash.0).is_ok(),
            None => {
                let spent = SecretHash::make(secret, &[0; SALT_BYTES]);
                std::hint::black_box(spent);
                false
            }
        }
    }

    /// As it is kept.
    pub fn text(&self) -> String {
        self.0.to_string()
    }
}

/// A short PIN can be found from its hash: logs don't show it.
impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Redacted<String> {
        Redacted(text.to_owned())
    }

    #[test]
    fn a_hash_is_read_back_and_tells_its_secret_from_others() {
        let made = SecretHash::make(&secret("4711"), &[7; SALT_BYTES]).expect("there is memory");
        assert!(made.text().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", made.text());
        let read = SecretHash::parse(&made.text()).expect("it was made here");
        assert_eq!(read, made);
        assert!(SecretHash::verify(Some(&read), &secret("4711")));
        assert!(!SecretHash::verify(Some(&read), &secret("4712")));
        assert!(!SecretHash::verify(None, &secret("4711")));
        assert_eq!(format!("{read:?} {:?}", secret("4711")), "*** ***");
    }

    #[test]
    fn what_is_no_such_hash_is_refused() {
        let good = SecretHash::make(&secret("4711"), &[7; SALT_BYTES]).expect("there is memory").text();
        let cut = &good[..good.rfind('$').expect("it has parts")];
        for bad in [
            "",
            "4711",
            "$argon2id$",
            cut,
            &good.replace("argon2id", "argon2d"),
            &good.replace("argon2id", "scrypt"),
            &good.replace("m=19456", "m=4194304"),
            &good.replace("t=2", "t=1000000"),
            &good.replace("p=1", "p=64"),
        ] {
            assert_eq!(SecretHash::parse(bad), Err(NoSecretHash), "{bad}");
        }
    }
}
