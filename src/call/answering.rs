//! When to answer, and how many rings that is (R2).

use std::time::Duration;

/// The network's ringing cadence. China: 1 s on, 4 s off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cadence {
    pub on_ms: u32,
    pub off_ms: u32,
}

impl Default for Cadence {
    fn default() -> Self {
        Self { on_ms: 1000, off_ms: 4000 }
    }
}

impl Cadence {
    pub fn period_ms(self) -> u32 {
        self.on_ms.saturating_add(self.off_ms)
    }

    /// How long after the INVITE to answer when the phones may ring `after_rings` times first (0 to 2): at once, or at
    /// the end of the last ring that is let ring. The pause before the next one is the margin.
    pub fn answer_delay(self, after_rings: u8) -> Duration {
        let rings = u32::from(after_rings.min(2));
        let pauses = self.off_ms.saturating_mul(rings.saturating_sub(1));
        Duration::from_millis(u64::from(self.on_ms.saturating_mul(rings).saturating_add(pauses)))
    }

    /// When the third ring starts, in ms after the first one began: the answer must come before.
    pub fn third_ring_ms(self) -> u64 {
        2 * u64::from(self.period_ms())
    }

    /// Rings that had begun when the call was answered `answer_ms` after its INVITE: 1 for an answer at once.
    pub fn rings_begun(self, answer_ms: u64) -> u32 {
        let period = u64::from(self.period_ms().max(1));
        u32::try_from(answer_ms / period).unwrap_or(u32::MAX).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r2_every_setting_answers_before_the_third_ring_starts() {
        let china = Cadence::default();
        for after_rings in 0..=9 {
            let ms = china.answer_delay(after_rings).as_millis() as u64;
            assert!(ms < 10_000, "{after_rings} rings would answer after {ms} ms");
            assert!(china.rings_begun(ms) <= 2);
        }
        assert_eq!(china.answer_delay(0), Duration::ZERO);
        assert_eq!(china.answer_delay(2), Duration::from_secs(6), "two rings and the pause between them");
        assert_eq!(china.third_ring_ms(), 10_000);
    }

    #[test]
    fn r2_rings_are_counted_when_they_begin() {
        let china = Cadence::default();
        assert_eq!(china.rings_begun(0), 1);
        assert_eq!(china.rings_begun(4_999), 1);
        assert_eq!(china.rings_begun(5_000), 2);
        assert_eq!(china.rings_begun(10_000), 3);
        assert_eq!(Cadence { on_ms: 0, off_ms: 0 }.rings_begun(7), 8);
    }
}
