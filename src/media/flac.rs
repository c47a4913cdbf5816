//! FLAC in, for studio recordings. The only file that names `claxon`.

use std::io::Read;

use crate::media::clip::{CLIP_MS_MAX, CLIP_RATES_HZ, Clip, to_16_bits, to_mono};

/// Why a FLAC file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum FlacError {
    #[error("not a readable FLAC file: {0}")]
    Unreadable(String),
    #[error("{0} Hz is not a usable sampling rate; save it at 16000 Hz")]
    Rate(u32),
    #[error("longer than {} minutes; cut it", CLIP_MS_MAX / 60_000)]
    TooLong,
}

/// Reads a whole file of any bit depth, its channels averaged to one.
pub fn read(input: impl Read) -> Result<Clip, FlacError> {
    let unreadable = |e: claxon::Error| FlacError::Unreadable(e.to_string());
    let mut reader = claxon::FlacReader::new(input).map_err(unreadable)?;
    let info = reader.streaminfo();
    if !CLIP_RATES_HZ.contains(&info.sample_rate) {
        return Err(FlacError::Rate(info.sample_rate));
    }
    let samples_max = CLIP_MS_MAX * u64::from(info.sample_rate) / 1000 * u64::from(info.channels);
    let mut interleaved = Vec::new();
    for sample in reader.samples() {
        interleaved.push(to_16_bits(sample.map_err(unreadable)?, info.bits_per_sample));
        if interleaved.len() as u64 > samples_max {
            return Err(FlacError::TooLong);
        }
    }
    Ok(Clip { rate_hz: info.sample_rate, samples: to_mono(&interleaved, info.channels as usize) })
}

#[cfg(test)]
mod tests {
    use crate::types::Random;

    use super::*;

    /// 100 ms of 1 kHz at -12 dB, stereo, 24 bits, 16 kHz, made by sox.
    const TONE: &[u8] = include_bytes!("../../tests/data/tone-stereo-24.flac");

    #[test]
    fn stereo_of_24_bits_comes_out_as_16_bit_mono() {
        let clip = read(TONE).unwrap();
        assert_eq!((clip.rate_hz, clip.samples.len()), (16_000, 1_600));
        assert!((clip.level_dbfs() + 15.05).abs() < 0.1, "{}", clip.level_dbfs());
    }

    #[test]
    fn cut_and_mutated_files_give_an_error_or_a_clip_but_no_panic() {
        for cut in 0..TONE.len() {
            let _ = read(&TONE[..cut]);
        }
        let mut random = Random::for_testing(66);
        let mut refused = 0;
        for _ in 0..3_000 {
            let mut bytes = TONE.to_vec();
            for _ in 0..=random.u32() % 4 {
                let at = random.u32() as usize % bytes.len();
                bytes[at] = random.u32() as u8;
            }
            refused += u32::from(read(&bytes[..]).is_err());
        }
        assert!(refused > 1_000);
        assert!(matches!(read(&b"RIFF"[..]), Err(FlacError::Unreadable(_))));
    }
}
