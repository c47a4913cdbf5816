//! `[answer]`: when a call is answered (R2).

use super::keys::{Key, SectionKeys};
use super::reader::Section;
use crate::desk::answer_time::Cadence;

pub const KEYS: SectionKeys = SectionKeys {
    name: "answer",
    en: "When a call is answered: always before the third ring begins (R2).",
    zh: "何时接听：总在第三声振铃开始之前（R2）。",
    keys: &[
        Key {
            name: "after_rings",
            default: Some("0"),
            example: "0",
            en: "Rings that the caller hears out before the answer, 0 (at once) to 2.",
            zh: "接听前让来电者听完的振铃声数，0（立即）至 2。",
        },
        Key {
            name: "ring_on_ms",
            default: Some("1000"),
            example: "1000",
            en: "How long one ring sounds, in ms, 200 to 5000 (China: 1 s).",
            zh: "一声振铃的时长（毫秒），200 至 5000（中国为 1 秒）。",
        },
        Key {
            name: "ring_off_ms",
            default: Some("4000"),
            example: "4000",
            en: "The pause after a ring, in ms, 200 to 10000 (China: 4 s).",
            zh: "两声振铃的间隔（毫秒），200 至 10000（中国为 4 秒）。",
        },
    ],
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// 0 to 2.
    pub after_rings: u32,
    pub ring_on_ms: u32,
    pub ring_off_ms: u32,
}

impl Default for Answer {
    fn default() -> Self {
        Self { after_rings: 0, ring_on_ms: 1000, ring_off_ms: 4000 }
    }
}

impl Answer {
    /// Milliseconds from the INVITE to the 200: 0, or the end of the last ring that is let ring.
    pub fn delay_ms(&self) -> u64 {
        match u64::from(self.after_rings) {
            0 => 0,
            rings => rings * u64::from(self.ring_on_ms) + (rings - 1) * u64::from(self.ring_off_ms),
        }
    }

    /// The rhythm in which the caller hears it ring.
    pub fn cadence(&self) -> Cadence {
        Cadence { ring_on_ms: self.ring_on_ms, ring_off_ms: self.ring_off_ms }
    }

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let default = Self::default();
        Self {
            after_rings: section.number("after_rings", 0..=2).unwrap_or(default.after_rings),
            ring_on_ms: section.number("ring_on_ms", 200..=5_000).unwrap_or(default.ring_on_ms),
            ring_off_ms: section.number("ring_off_ms", 200..=10_000).unwrap_or(default.ring_off_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r2_every_setting_answers_before_the_third_ring() {
        for after_rings in 0..=2 {
            for (ring_on_ms, ring_off_ms) in [(1000, 4000), (200, 200), (5000, 200), (200, 10_000)] {
                let answer = Answer { after_rings, ring_on_ms, ring_off_ms };
                assert!(answer.delay_ms() < answer.cadence().third_ring_ms(), "{answer:?}");
                assert!(answer.cadence().rings_begun(answer.delay_ms()) <= 2, "{answer:?}");
            }
        }
    }

    #[test]
    fn the_last_ring_is_heard_out() {
        let delays_ms = [0, 1, 2].map(|after_rings| Answer { after_rings, ..Answer::default() }.delay_ms());
        assert_eq!(delays_ms, [0, 1000, 6000]);
    }
}
