//! How good a call sounds, estimated from loss, delay and jitter: the E-model (ITU-T G.107) with its defaults.

/// Rating of a G.711 or G.722 call with nothing wrong (G.107 default).
const BEST_RATING: f64 = 93.2;
/// How well the codecs bear random loss when nothing conceals it (G.113 table I.2, G.711 without concealment).
const LOSS_ROBUSTNESS: f64 = 4.3;
/// One-way delay in ms from which it is disturbing.
const DELAY_NOTICED_MS: f64 = 177.3;

/// Mean opinion score, 1.0 to 4.5.
///
/// `R = 93.2 - Id - Ie`, with `Id = 0.024 d + 0.11 (d - 177.3)` (the second part only when positive) for the one-way delay `d`,
/// taken as half the round trip (when RTCP told it), a packet of 20 ms and twice the jitter for the listener's buffer;
/// `Ie = 95 p / (p + 4.3)` for a loss of `p` percent; then G.107 annex B's cubic from R to MOS.
pub fn mos(received: u64, lost: u64, jitter_ms: f64, round_trip_ms: Option<f64>) -> f64 {
    let loss_percent = 100.0 * lost as f64 / (received + lost).max(1) as f64;
    let delay_ms = round_trip_ms.unwrap_or(0.0) / 2.0 + 20.0 + 2.0 * jitter_ms;
    let delay_impairment = 0.024 * delay_ms + 0.11 * (delay_ms - DELAY_NOTICED_MS).max(0.0);
    let loss_impairment = 95.0 * loss_percent / (loss_percent + LOSS_ROBUSTNESS);
    let r = (BEST_RATING - delay_impairment - loss_impairment).clamp(0.0, 100.0);
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).clamp(1.0, 4.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_call_scores_best_and_loss_delay_and_jitter_each_cost() {
        let clean = mos(1000, 0, 0.0, None);
        assert!((4.3..=4.5).contains(&clean), "{clean}");
        let lossy = mos(950, 50, 0.0, None);
        assert!((1.5..3.0).contains(&lossy), "{lossy}");
        assert!(mos(1000, 0, 0.0, Some(800.0)) < clean - 0.5);
        assert!(mos(1000, 0, 60.0, None) < clean);
        assert_eq!(mos(1, 1_000_000, 500.0, Some(1e9)), 1.0);
    }
}
