//! What the one who took a call can do by keys, with one free hand: `*0` hands the caller back to the menu.
//!
//! A `*` is held back until it is clear whether a code follows; other keys are the caller's to hear.

use std::time::Duration;

use crate::types::{Digit, Mono};

/// After `*` the next key of a code is waited for so long.
const NEXT_KEY: Duration = Duration::from_secs(2);

/// What a key came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pressed {
    /// No code: for the caller to hear.
    Plain(Vec<Digit>),
    /// It may become one.
    Waits,
    HandBack,
}

#[derive(Debug, Default)]
pub(super) struct Codes {
    star_at: Option<Mono>,
}

impl Codes {
    pub fn press(&mut self, now: Mono, digit: Digit) -> Pressed {
        let after_star = self.star_at.take().is_some();
        match (after_star, digit.as_char()) {
            (false, '*') => {
                self.star_at = Some(now);
                Pressed::Waits
            }
            (false, _) => Pressed::Plain(vec![digit]),
            (true, '0') => Pressed::HandBack,
            (true, _) => Pressed::Plain(vec![Digit::STAR, digit]),
        }
    }

    pub fn next_wake(&self) -> Option<Mono> {
        self.star_at.map(|at| at + NEXT_KEY)
    }

    /// No code came of it.
    pub fn timeout(&mut self, now: Mono) -> Pressed {
        match self.star_at.take_if(|at| *at + NEXT_KEY <= now) {
            Some(_) => Pressed::Plain(vec![Digit::STAR]),
            None => Pressed::Plain(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digit(c: char) -> Digit {
        Digit::from_char(c).expect("it is on the keypad")
    }

    #[test]
    fn a_star_waits_for_its_code_and_is_heard_when_none_comes() {
        let mut codes = Codes::default();
        assert_eq!(codes.press(Mono(0), digit('5')), Pressed::Plain(vec![digit('5')]));
        assert_eq!(codes.press(Mono(0), digit('*')), Pressed::Waits);
        assert_eq!(codes.press(Mono(1), digit('0')), Pressed::HandBack);
        codes.press(Mono(0), digit('*'));
        assert_eq!(codes.press(Mono(1), digit('9')), Pressed::Plain(vec![Digit::STAR, digit('9')]));
        codes.press(Mono(0), digit('*'));
        assert_eq!(codes.timeout(Mono::from_millis(1_999)), Pressed::Plain(vec![]));
        assert_eq!(codes.timeout(Mono::from_millis(2_000)), Pressed::Plain(vec![Digit::STAR]));
        assert_eq!(codes.next_wake(), None);
    }
}
