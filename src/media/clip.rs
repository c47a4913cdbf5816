//! A piece of mono audio and what can be said about it.

/// Mono audio in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    pub rate_hz: u32,
    pub samples: Vec<i16>,
}

/// The longest clip that is read from a file, in milliseconds: half an hour.
pub const CLIP_MS_MAX: u64 = 30 * 60 * 1000;

/// Sampling rates that clips are read at, in Hz.
pub const CLIP_RATES_HZ: std::ops::RangeInclusive<u32> = 4_000..=192_000;

impl Clip {
    /// Whole milliseconds; zero for a rate of zero.
    pub fn duration_ms(&self) -> u64 {
        (self.samples.len() as u64 * 1000).checked_div(u64::from(self.rate_hz)).unwrap_or(0)
    }

    /// RMS level in dB below a full-scale square wave (a full-scale sine is -3.01); -infinity when empty or silent.
    pub fn level_dbfs(&self) -> f64 {
        level_dbfs(&self.samples)
    }

    /// Highest sample in dB below full scale; -infinity when empty or silent.
    pub fn peak_dbfs(&self) -> f64 {
        let peak = self.samples.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0);
        20.0 * (f64::from(peak) / FULL_SCALE).log10()
    }

    /// Milliseconds before the first sample above `level_dbfs`; the whole length when there is none.
    pub fn leading_silence_ms(&self, level_dbfs: f64) -> u64 {
        let threshold = FULL_SCALE * 10f64.powf(level_dbfs / 20.0);
        let first = self.samples.iter().position(|s| f64::from(s.unsigned_abs()) > threshold);
        let quiet = first.unwrap_or(self.samples.len()) as u64;
        (quiet * 1000).checked_div(u64::from(self.rate_hz)).unwrap_or(0)
    }
}

/// RMS level of samples in dB below a full-scale square wave; -infinity when empty or silent.
pub fn level_dbfs(samples: &[i16]) -> f64 {
    if samples.is_empty() {
        return f64::NEG_INFINITY;
    }
    let energy: f64 = samples.iter().map(|&s| f64::from(s) * f64::from(s)).sum();
    10.0 * (energy / samples.len() as f64 / (FULL_SCALE * FULL_SCALE)).log10()
}

const FULL_SCALE: f64 = 32_768.0;

/// Averages interleaved channels to mono; an incomplete last frame is dropped.
pub(crate) fn to_mono(samples: &[i16], channels: usize) -> Vec<i16> {
    match channels {
        0 => Vec::new(),
        1 => samples.to_vec(),
        _ => samples
            .chunks_exact(channels)
            .map(|frame| (frame.iter().map(|&s| i64::from(s)).sum::<i64>() / channels as i64) as i16)
            .collect(),
    }
}

/// Scales an integer sample of `bits` significant bits (1 to 32) to 16.
pub(crate) fn to_16_bits(sample: i32, bits: u32) -> i16 {
    let scaled = if bits > 16 { sample >> (bits - 16).min(31) } else { sample.saturating_mul(1 << (16 - bits)) };
    scaled.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_told_in_dbfs() {
        let square = Clip { rate_hz: 8_000, samples: vec![16_384; 8_000] };
        assert!((square.level_dbfs() + 6.02).abs() < 0.01);
        assert!((square.peak_dbfs() + 6.02).abs() < 0.01);
        assert_eq!(square.duration_ms(), 1_000);
        assert_eq!(level_dbfs(&[]), f64::NEG_INFINITY);
        assert_eq!(level_dbfs(&[0; 5]), f64::NEG_INFINITY);
    }

    #[test]
    fn leading_silence_ends_at_the_first_loud_sample() {
        let mut samples = vec![10i16; 1_600];
        samples.extend([5_000; 100]);
        assert_eq!(Clip { rate_hz: 8_000, samples }.leading_silence_ms(-40.0), 200);
        assert_eq!(Clip { rate_hz: 8_000, samples: vec![0; 80] }.leading_silence_ms(-40.0), 10);
        assert_eq!(Clip { rate_hz: 0, samples: vec![0; 80] }.leading_silence_ms(-40.0), 0);
    }

    #[test]
    fn bit_depths_scale_to_sixteen() {
        assert_eq!(to_16_bits(127, 8), 32_512);
        assert_eq!(to_16_bits(-128, 8), -32_768);
        assert_eq!(to_16_bits(0x7F_FFFF, 24), i16::MAX);
        assert_eq!(to_16_bits(i32::MIN, 32), i16::MIN);
        assert_eq!(to_mono(&[100, 300, -5], 2), [200]);
    }
}
