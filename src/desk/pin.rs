//! PINs that open a person's messages by phone: which ones are too easily guessed. `secret_hash` tells how they are kept.

pub const DIGITS_MIN: usize = 4;
pub const DIGITS_MAX: usize = 12;

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
