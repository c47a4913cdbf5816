//! One press counts once, whichever way or ways it comes in: RFC 4733, SIP INFO, tones in the audio.

use super::io::DigitSource;
use crate::types::{Digit, Mono};

/// So long after a press was last heard of, another way may still bring it (INFO takes the long way round).
pub const MERGE_MS: u64 = 500;
/// A key that was held longer than this without a word is taken for released.
const HELD_MS_MAX: u64 = 10_000;
/// Presses that wait for their other ways; the oldest gives way.
const PRESSES_MAX: usize = 8;

/// Merges the ways. A digit that comes again by the same way is a new press.
#[derive(Debug, Default)]
pub struct Digits {
    /// Oldest first.
    presses: Vec<Press>,
}

#[derive(Debug, Clone, Copy)]
struct Press {
    digit: Digit,
    /// One bit for each way that told of it.
    told: u8,
    /// One bit for each way that says that the key is still down.
    down: u8,
    heard: Mono,
}

impl Digits {
    /// A way tells of a press; true when it is a new one. `held` when that way will tell of its end.
    pub fn press(&mut self, now: Mono, digit: Digit, way: DigitSource, held: bool) -> bool {
        self.presses.retain(|p| p.is_open(now));
        let bit = bit(way);
        let down = if held { bit } else { 0 };
        if let Some(press) = self.presses.iter_mut().find(|p| p.digit == digit && p.told & bit == 0) {
            press.told |= bit;
            press.down |= down;
            press.heard = now;
            return false;
        }
        if self.presses.len() == PRESSES_MAX {
            self.presses.remove(0);
        }
        self.presses.push(Press { digit, told: bit, down, heard: now });
        true
    }

    /// A way tells that the key it told of is still down, or up now.
    pub fn goes_on(&mut self, now: Mono, digit: Digit, way: DigitSource, ended: bool) {
        let bit = bit(way);
        if let Some(press) = self.presses.iter_mut().rev().find(|p| p.digit == digit && p.told & bit != 0) {
            let was_down = press.down & bit != 0;
            // Repeated end packets and late ones don't keep a press open.
            if was_down {
                press.heard = now;
                press.down &= if ended { !bit } else { !0 };
            }
        }
    }
}

impl Press {
    fn is_open(&self, now: Mono) -> bool {
        now.ms_since(self.heard) <= if self.down == 0 { MERGE_MS } else { HELD_MS_MAX }
    }
}

fn bit(way: DigitSource) -> u8 {
    match way {
        DigitSource::Rfc4733 => 1,
        DigitSource::Info => 2,
        DigitSource::Inband => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::DigitSource::{Inband, Info, Rfc4733};
    use super::*;

    /// Presses at their times; returns which of them counted.
    fn count(presses: &[(u64, char, DigitSource)]) -> String {
        let mut digits = Digits::default();
        presses
            .iter()
            .map(|&(ms, key, way)| {
                let digit = Digit::from_char(key).unwrap();
                if digits.press(Mono::from_millis(ms), digit, way, false) { key } else { '.' }
            })
            .collect()
    }

    #[test]
    fn one_press_by_all_three_ways_counts_once_in_any_order() {
        for ways in [[Rfc4733, Inband, Info], [Info, Rfc4733, Inband], [Inband, Info, Rfc4733]] {
            assert_eq!(count(&[(0, '5', ways[0]), (40, '5', ways[1]), (300, '5', ways[2])]), "5..");
        }
    }

    #[test]
    fn the_same_key_twice_by_the_same_way_is_two_presses_each_with_its_other_way() {
        assert_eq!(count(&[(0, '1', Rfc4733), (150, '1', Rfc4733), (200, '1', Info), (350, '1', Info)]), "11..");
        assert_eq!(count(&[(0, '1', Info), (120, '1', Info)]), "11");
    }

    #[test]
    fn after_the_window_another_way_is_another_press() {
        assert_eq!(count(&[(0, '1', Rfc4733), (500, '1', Info)]), "1.");
        assert_eq!(count(&[(0, '1', Rfc4733), (501, '1', Info)]), "11");
    }

    #[test]
    fn different_keys_never_merge() {
        assert_eq!(count(&[(0, '1', Rfc4733), (10, '2', Info), (20, '1', Info), (30, '2', Rfc4733)]), "12..");
    }

    #[test]
    fn info_after_a_long_press_still_belongs_to_it() {
        let (mut digits, key) = (Digits::default(), Digit::HASH);
        assert!(digits.press(Mono(0), key, Rfc4733, true));
        digits.goes_on(Mono::from_millis(3_000), key, Rfc4733, true);
        digits.goes_on(Mono::from_millis(3_020), key, Rfc4733, true);
        assert!(!digits.press(Mono::from_millis(3_500), key, Info, false));
        assert!(digits.press(Mono::from_millis(4_100), key, Rfc4733, true));
    }

    #[test]
    fn a_key_whose_end_was_lost_is_not_held_for_ever() {
        let mut digits = Digits::default();
        assert!(digits.press(Mono(0), Digit::STAR, Rfc4733, true));
        assert!(digits.press(Mono::from_millis(10_001), Digit::STAR, Info, false));
    }
}
