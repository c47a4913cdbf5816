//! From one sampling rate to another, for whole clips. The only file that names `rubato`.

use rubato::audioadapter_buffers::owned::InterleavedOwned;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};

/// Samples of one FFT block: long, because short blocks lower the filter's edge and lose 15 dB at 3 kHz.
const CHUNK_MIN: usize = 4_096;
/// Longer clips go through in several such blocks, so that memory stays within a few megabytes.
const CHUNK_MAX: usize = 65_536;

/// A clip at another rate: as long in time (to the sample), without delay, clipped to 16 bits.
///
/// Rates of zero give an empty clip. Not for the pacing thread: it plans FFTs and allocates.
pub fn resample(samples: &[i16], from_hz: u32, to_hz: u32) -> Vec<i16> {
    if from_hz == to_hz {
        return samples.to_vec();
    }
    if samples.is_empty() || from_hz == 0 || to_hz == 0 {
        return Vec::new();
    }
    let length = (samples.len() as u64 * u64::from(to_hz)).div_ceil(u64::from(from_hz)) as usize;
    let mut out = resample_in_one_pass(samples, from_hz, to_hz).unwrap_or_default();
    out.resize(length, 0);
    out
}

/// `None` when the crate refuses, which it does only for zero rates, lengths or channels.
fn resample_in_one_pass(samples: &[i16], from_hz: u32, to_hz: u32) -> Option<Vec<i16>> {
    let chunk = samples.len().clamp(CHUNK_MIN, CHUNK_MAX);
    let window = WindowFunction::BlackmanHarris2;
    let mut resampler =
        Fft::<f32>::new_custom(from_hz as usize, to_hz as usize, chunk, 1, 1, window, FixedSync::Input).ok()?;
    let input: Vec<f32> = samples.iter().map(|&s| f32::from(s)).collect();
    let frames = input.len();
    let input = InterleavedOwned::new_from(input, 1, frames).ok()?;
    let output = resampler.process_all(&input, frames, None).ok()?;
    Some(output.take_data().into_iter().map(to_i16).collect())
}

/// Rounds and clips; a NaN becomes zero.
fn to_i16(sample: f32) -> i16 {
    sample.round() as i16
}

#[cfg(test)]
mod tests {
    use crate::media::clip::level_dbfs;
    use crate::media::tone_gen::sine;

    use super::*;

    #[test]
    fn the_voice_band_keeps_its_level_between_any_two_rates() {
        for (from, to) in [(16_000, 8_000), (8_000, 16_000), (44_100, 8_000), (48_000, 16_000), (22_050, 16_000)] {
            for hz in [300.0, 1_000.0, 3_000.0, 3_400.0] {
                let tone = sine(hz, -10.0, 1_000, from);
                let out = resample(&tone, from, to);
                assert_eq!(out.len(), to as usize);
                let middle = &out[to as usize / 10..to as usize * 9 / 10];
                let change = level_dbfs(middle) - level_dbfs(&tone);
                assert!(change.abs() < 0.2, "{from} to {to} at {hz} Hz: {change:.2} dB");
            }
        }
    }

    #[test]
    fn what_lies_above_half_the_new_rate_is_gone() {
        let tone = sine(6_000.0, -10.0, 1_000, 16_000);
        let out = resample(&tone, 16_000, 8_000);
        assert!(level_dbfs(&out[800..7_200]) < -70.0);
    }

    #[test]
    fn a_click_stays_where_it_was() {
        let mut clip = vec![0i16; 16_000];
        clip[8_000] = 20_000;
        let out = resample(&clip, 16_000, 8_000);
        let peak = out.iter().enumerate().max_by_key(|(_, s)| s.unsigned_abs()).map(|(i, _)| i);
        assert_eq!(peak, Some(4_000));
    }

    #[test]
    fn short_odd_and_empty_clips_keep_their_length() {
        assert!(resample(&[], 16_000, 8_000).is_empty());
        assert!(resample(&[1, 2], 0, 8_000).is_empty());
        assert_eq!(resample(&[5], 16_000, 8_000).len(), 1);
        assert_eq!(resample(&[5; 3], 8_000, 16_000).len(), 6);
        assert_eq!(resample(&[i16::MAX; 441], 44_100, 8_000).len(), 80);
        assert_eq!(resample(&[7; 300_001], 16_000, 8_000).len(), 150_001);
    }
}
