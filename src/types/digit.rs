//! One key of a telephone.

use std::fmt;

/// A DTMF digit: `0`-`9`, `*`, `#`, `A`-`D` (RFC 4733 section 3.2 events 0 to 15).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digit(u8);

impl Digit {
    pub const STAR: Digit = Digit(b'*');
    pub const HASH: Digit = Digit(b'#');

    /// From its character (`a`-`d` too); `None` for any other.
    pub fn from_char(c: char) -> Option<Digit> {
        match c {
            '0'..='9' | '*' | '#' | 'A'..='D' => Some(Digit(c as u8)),
            'a'..='d' => Some(Digit(c.to_ascii_uppercase() as u8)),
            _ => None,
        }
    }

    /// From an RFC 4733 event code 0 to 15; `None` for others (flash, fax tones and so on).
    pub fn from_event(code: u8) -> Option<Digit> {
        b"0123456789*#ABCD".get(usize::from(code)).copied().map(Digit)
    }

    /// RFC 4733 event code, 0 to 15.
    pub fn event(self) -> u8 {
        match self.0 {
            b'0'..=b'9' => self.0 - b'0',
            b'*' => 10,
            b'#' => 11,
            other => other - b'A' + 12,
        }
    }

    pub fn as_char(self) -> char {
        char::from(self.0)
    }
}

impl fmt::Display for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_char())
    }
}

impl fmt::Debug for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_char())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_code_and_character_agree() {
        for code in 0..16 {
            let digit = Digit::from_event(code).expect("codes 0 to 15 are digits");
            assert_eq!(digit.event(), code);
            assert_eq!(Digit::from_char(digit.as_char()), Some(digit));
        }
        assert_eq!(Digit::from_event(16), None);
        assert_eq!(Digit::from_char('e'), None);
    }
}
