//! PINs that open a person's messages by phone: which ones are too easily guessed, and how they are kept.
//!
//! Only hashes are written down: Argon2id with the crate's parameters (19 MiB, two passes: tens of milliseconds), which
//! is why a PIN is never checked where calls are served.

use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params};

use crate::types::Redacted;

pub const DIGITS_MIN: usize = 4;
pub const DIGITS_MAX: usize = 12;
/// Bytes of a salt.
pub const SALT_BYTES: usize = 16;
/// A hash that costs more than this would hold up everyone else's: KiB, passes, lanes.
const MEMORY_KIB_MAX: u32 = 64 * 1024;
const PASSES_MAX: u32 = 8;
const LANES_MAX: u32 = 4;

/// Why a PIN is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPin {
    #[error("a PIN has {DIGITS_MIN} to {DIGITS_MAX} digits and nothing else")]
    Form,
    #[error("a PIN of one digit alone is the first that anybody tries: mix them")]
    Same,
    #[error("a PIN that counts up or down is the first that anybody tries: mix the digits")]
    Sequence,
    #[error("the extension is the first that anybody tries: choose another PIN")]
    Extension,
}

/// Whether a PIN may be given to this extension.
///
/// # Errors
/// What makes it too easily guessed.
pub fn check_strength(pin: &str, extension: &str) -> Result<(), WeakPin> {
    let digits = pin.as_bytes();
    if !(DIGITS_MIN..=DIGITS_MAX).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(WeakPin::Form);
    }
    // 0 follows 9, as on the keypad.
    let step_is = |step: u8| digits.windows(2).all(|pair| (pair[0] - b'0' + step) % 10 == pair[1] - b'0');
    if step_is(0) {
        return Err(WeakPin::Same);
    }
    if step_is(1) || step_is(9) {
        return Err(WeakPin::Sequence);
    }
    let repeated = pin.strip_prefix(extension).is_some_and(|rest| rest.is_empty() || rest == extension);
    if repeated { Err(WeakPin::Extension) } else { Ok(()) }
}

/// The text is no hash of a PIN that this program makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no hash of a PIN (`$argon2id$...`)")]
pub struct NoPinHash;

/// A PIN as it is kept (PHC string format).
#[derive(Clone, PartialEq, Eq)]
pub struct PinHash(PasswordHash);

impl PinHash {
    /// Reads what stands in `people.toml`.
    ///
    /// # Errors
    /// When it is none, or one that would take too long to check.
    pub fn parse(text: &str) -> Result<Self, NoPinHash> {
        let hash = PasswordHash::new(text).map_err(|_| NoPinHash)?;
        let params = Params::try_from(&hash).map_err(|_| NoPinHash)?;
        let affordable =
            params.m_cost() <= MEMORY_KIB_MAX && params.t_cost() <= PASSES_MAX && params.p_cost() <= LANES_MAX;
        let whole = hash.algorithm.as_str() == "argon2id" && hash.salt.is_some() && hash.hash.is_some();
        if affordable && whole { Ok(Self(hash)) } else { Err(NoPinHash) }
    }

    /// Tens of milliseconds. `None` when there is no memory for it.
    pub fn make(pin: &Redacted<String>, salt: &[u8; SALT_BYTES]) -> Option<Self> {
        Argon2::default().hash_password_with_salt(pin.0.as_bytes(), salt).ok().map(Self)
    }

    /// Whether the PIN is the one of this hash: tens of milliseconds. Without a hash (nobody has that extension, or no PIN
    /// was given to it) it takes as long, and the PIN is wrong, so that nobody learns which extensions there are.
    pub fn verify(hash: Option<&PinHash>, pin: &Redacted<String>) -> bool {
        match hash {
            Some(hash) => Argon2::default().verify_password(pin.0.as_bytes(), &hash.0).is_ok(),
            None => {
                let spent = PinHash::make(pin, &[0; SALT_BYTES]);
                std::hint::black_box(spent);
                false
            }
        }
    }

    /// As it stands in `people.toml`.
    pub fn text(&self) -> String {
        self.0.to_string()
    }
}

/// A short PIN can be found from its hash: logs don't show it.
impl fmt::Debug for PinHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(digits: &str) -> Redacted<String> {
        Redacted(digits.to_owned())
    }

    #[test]
    fn pins_that_anybody_would_try_are_refused() {
        for (weak, why) in [
            ("", WeakPin::Form),
            ("471", WeakPin::Form),
            ("47a1", WeakPin::Form),
            ("４７１１", WeakPin::Form),
            ("4711471147114", WeakPin::Form),
            ("0000", WeakPin::Same),
            ("7777777", WeakPin::Same),
            ("1234", WeakPin::Sequence),
            ("45678", WeakPin::Sequence),
            ("7890", WeakPin::Sequence),
            ("4321", WeakPin::Sequence),
            ("2109", WeakPin::Sequence),
            ("8021", WeakPin::Extension),
            ("80218021", WeakPin::Extension),
        ] {
            assert_eq!(check_strength(weak, "8021"), Err(why), "{weak}");
        }
        for good in ["4711", "1235", "80210", "471147114711"] {
            assert_eq!(check_strength(good, "8021"), Ok(()), "{good}");
        }
        assert_eq!(check_strength("201201", "201"), Err(WeakPin::Extension));
    }

    #[test]
    fn a_hash_is_read_back_and_tells_its_pin_from_others() {
        let made = PinHash::make(&pin("4711"), &[7; SALT_BYTES]).expect("there is memory");
        assert!(made.text().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", made.text());
        let read = PinHash::parse(&made.text()).expect("it was made here");
        assert_eq!(read, made);
        assert!(PinHash::verify(Some(&read), &pin("4711")));
        assert!(!PinHash::verify(Some(&read), &pin("4712")));
        assert!(!PinHash::verify(None, &pin("4711")));
        assert_eq!(format!("{read:?} {:?}", pin("4711")), "*** ***");
    }

    #[test]
    fn what_is_no_such_hash_is_refused() {
        let good = PinHash::make(&pin("4711"), &[7; SALT_BYTES]).expect("there is memory").text();
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
            assert_eq!(PinHash::parse(bad), Err(NoPinHash), "{bad}");
        }
    }
}
