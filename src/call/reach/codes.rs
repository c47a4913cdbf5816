//! What the one who took a call can do by keys, with one free hand.
//!
//! | keys | what comes of it |
//! |---|---|
//! | `*0` | the caller goes back to the menu |
//! | `*2` extension `#` | the caller goes to that person; who pressed it is free at once |
//! | `*3` extension `#` | asks that person first, while the caller hears music; hanging up puts the two together |
//! | `*3` or `*0` while asking | back to the caller |
//! | `*4` | parks the caller; the number of the place is said |
//!
//! A `*` is held back until it is clear whether a code follows; other keys are the caller's to hear.

use std::time::Duration;

use crate::types::{Digit, Mono};

/// After `*` the next key of a code is waited for so long.
const NEXT_KEY: Duration = Duration::from_secs(2);
/// So long for the next digit of an extension; what was keyed by then is the extension.
const NEXT_DIGIT: Duration = Duration::from_secs(4);
/// Digits of an extension at most.
const DIGITS_MAX: usize = 12;

/// What a key came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pressed {
    /// No code: for the other side to hear, but for those that it has heard already.
    Plain(Vec<Digit>),
    /// It may become one, or became none.
    Waits,
    HandBack,
    Transfer(String),
    Consult(String),
    /// Back from one who was asked to the caller.
    Return,
    Park,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Transfer,
    Consult,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Open,
    /// `*` was pressed. `heard`: by the other side too, as a tone in the audio.
    Star { at: Mono, heard: bool },
    /// An extension is keyed.
    Number { what: What, digits: String, at: Mono },
}

#[derive(Debug, Default)]
pub(super) struct Codes {
    state: State,
}

impl Codes {
    /// `heard`: by the other side too. `asking`: somebody else is asked meanwhile.
    pub fn press(&mut self, now: Mono, digit: Digit, heard: bool, asking: bool) -> Pressed {
        match (std::mem::take(&mut self.state), digit.as_char()) {
            (State::Open, '*') => self.wait(State::Star { at: now, heard }),
            (State::Open, _) => plain(&[(digit, heard)]),
            (State::Star { .. }, '0' | '3') if asking => Pressed::Return,
            (State::Star { .. }, '0') => Pressed::HandBack,
            (State::Star { .. }, '4') if !asking => Pressed::Park,
            (State::Star { .. }, key @ ('2' | '3')) if !asking => {
                let what = if key == '2' { What::Transfer } else { What::Consult };
                self.wait(State::Number { what, digits: String::new(), at: now })
            }
            (State::Star { heard: star, .. }, _) => plain(&[(Digit::STAR, star), (digit, heard)]),
            (State::Number { what, digits, .. }, '#') => done(what, digits),
            // Thought better of it.
            (State::Number { .. }, '*') => Pressed::Waits,
            (State::Number { what, mut digits, .. }, key) => {
                if digits.len() < DIGITS_MAX {
                    digits.push(key);
                }
                self.wait(State::Number { what, digits, at: now })
            }
        }
    }

    pub fn next_wake(&self) -> Option<Mono> {
        match &self.state {
            State::Open => None,
            State::Star { at, .. } => Some(*at + NEXT_KEY),
            State::Number { at, .. } => Some(*at + NEXT_DIGIT),
        }
    }

    /// No further key came.
    pub fn timeout(&mut self, now: Mono) -> Pressed {
        if self.next_wake().is_none_or(|at| at > now) {
            return Pressed::Waits;
        }
        match std::mem::take(&mut self.state) {
            State::Open => Pressed::Waits,
            State::Star { heard, .. } => plain(&[(Digit::STAR, heard)]),
            State::Number { what, digits, .. } => done(what, digits),
        }
    }

    fn wait(&mut self, state: State) -> Pressed {
        self.state = state;
        Pressed::Waits
    }
}

fn plain(digits: &[(Digit, bool)]) -> Pressed {
    Pressed::Plain(digits.iter().filter(|(_, heard)| !heard).map(|(digit, _)| *digit).collect())
}

fn done(what: What, digits: String) -> Pressed {
    match what {
        _ if digits.is_empty() => Pressed::Waits,
        What::Transfer => Pressed::Transfer(digits),
        What::Consult => Pressed::Consult(digits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digit(c: char) -> Digit {
        Digit::from_char(c).expect("it is on the keypad")
    }

    fn press(codes: &mut Codes, keys: &str, asking: bool) -> Pressed {
        let pressed = keys.chars().map(|key| codes.press(Mono(0), digit(key), false, asking));
        pressed.last().expect("there are keys")
    }

    #[test]
    fn a_star_waits_for_its_code_and_is_heard_when_none_comes() {
        let mut codes = Codes::default();
        assert_eq!(press(&mut codes, "5", false), Pressed::Plain(vec![digit('5')]));
        assert_eq!(press(&mut codes, "*", false), Pressed::Waits);
        assert_eq!(press(&mut codes, "0", false), Pressed::HandBack);
        assert_eq!(press(&mut codes, "*9", false), Pressed::Plain(vec![Digit::STAR, digit('9')]));
        codes.press(Mono(0), digit('*'), false, false);
        assert_eq!(codes.timeout(Mono::from_millis(1_999)), Pressed::Waits);
        assert_eq!(codes.timeout(Mono::from_millis(2_000)), Pressed::Plain(vec![Digit::STAR]));
        assert_eq!(codes.next_wake(), None);
    }

    #[test]
    fn an_extension_ends_with_a_hash_or_with_time_and_a_star_takes_it_back() {
        let mut codes = Codes::default();
        assert_eq!(press(&mut codes, "*2202", false), Pressed::Waits);
        assert_eq!(press(&mut codes, "#", false), Pressed::Transfer("202".to_owned()));
        assert_eq!(press(&mut codes, "*3202", false), Pressed::Waits);
        assert_eq!(codes.timeout(Mono::from_millis(4_000)), Pressed::Consult("202".to_owned()));
        assert_eq!(press(&mut codes, "*220*", false), Pressed::Waits);
        assert_eq!(press(&mut codes, "2", false), Pressed::Plain(vec![digit('2')]));
        assert_eq!(press(&mut codes, "*2#", false), Pressed::Waits);
        assert_eq!(press(&mut codes, "*4", false), Pressed::Park);
    }

    #[test]
    fn what_was_heard_in_the_audio_is_not_pressed_again() {
        let mut codes = Codes::default();
        codes.press(Mono(0), digit('*'), true, false);
        assert_eq!(codes.timeout(Mono::from_millis(2_000)), Pressed::Plain(vec![]));
        codes.press(Mono(0), digit('*'), false, false);
        assert_eq!(codes.press(Mono(0), digit('9'), true, false), Pressed::Plain(vec![Digit::STAR]));
        assert_eq!(codes.press(Mono(0), digit('5'), true, false), Pressed::Plain(vec![]));
    }

    #[test]
    fn while_somebody_is_asked_the_codes_lead_back() {
        let mut codes = Codes::default();
        assert_eq!(press(&mut codes, "*3", true), Pressed::Return);
        assert_eq!(press(&mut codes, "*0", true), Pressed::Return);
        assert_eq!(press(&mut codes, "*4", true), Pressed::Plain(vec![Digit::STAR, digit('4')]));
    }
}
