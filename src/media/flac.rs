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
    #[error("longer than {} s; cut it", ms_max / 1000)]
    TooLong { ms_max: u64 },
    #[error("{0} channels; save it as mono")]
    Channels(u32),
}

/// Reads a whole file of any bit depth, its channels averaged to one.
pub fn read(input: impl Read) -> Result<Clip, FlacError> {
    read_at_most(input, CLIP_MS_MAX, u32::MAX)
}

/// The same of a file that nobody has looked at yet: of few bytes hours can be unpacked, so it is read no longer than it may be.
pub fn read_at_most(input: impl Read, ms_max: u64, channels_max: u32) -> Result<Clip, FlacError> {
    let unreadable = |e: claxon::Error| FlacError::Unreadable(e.to_string());
    let mut reader = claxon::FlacReader::new(input).map_err(unreadable)?;
    let info = reader.streaminfo();
    if !CLIP_RATES_HZ.contains(&info.sample_rate) {
        return Err(FlacError::Rate(info.sample_rate));
    }
    if info.channels > channels_max {
        return Err(FlacError::Channels(info.channels));
    }
    let samples_max = ms_max * u64::from(info.sample_rate) / 1000;
    let mut samples = Vec::new();
    let mut frame = Vec::new();
    for sample in reader.samples() {
        frame.push(to_16_bits(sample.map_err(unreadable)?, info.bits_per_sample));
        if frame.len() < info.channels as usize {
            continue;
        }
        if samples.len() as u64 >= samples_max {
            return Err(FlacError::TooLong { ms_max });
        }
        samples.extend(to_mono(&frame, frame.len()));
        frame.clear();
    }
    Ok(Clip { rate_hz: info.sample_rate, samples })
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

    /// Blocks of 65535 samples that are all the same: 8 bytes and 2 for each channel.
    fn constant(channels: u8, blocks: usize) -> Vec<u8> {
        let crc = |bytes: &[u8], width: u32, poly: u32| {
            bytes.iter().fold(0_u32, |crc, byte| {
                (0..8).fold(crc ^ (u32::from(*byte) << (width - 8)), |crc, _| {
                    let next = crc << 1;
                    (if crc >> (width - 1) & 1 == 1 { next ^ poly } else { next }) & ((1 << width) - 1)
                })
            })
        };
        let rate_and_shape = (16_000_u64 << 44) | (u64::from(channels - 1) << 41) | (15 << 36);
        let mut file = b"fLaC\x80\x00\x00\x22\xff\xff\xff\xff\0\0\0\0\0\0".to_vec();
        file.extend(rate_and_shape.to_be_bytes());
        file.extend([0; 16]);
        for _ in 0..blocks {
            let mut block = vec![0xff, 0xf8, 0x70, ((channels - 1) << 4) | 0x08, 0, 0xff, 0xfe];
            block.push(crc(&block, 8, 0x07) as u8);
            for _ in 0..channels {
                block.extend([0, 0x10, 0x00]);
            }
            block.extend((crc(&block, 16, 0x8005) as u16).to_be_bytes());
            file.extend(block);
        }
        file
    }

    #[test]
    fn a_small_file_of_many_hours_is_read_no_longer_than_it_may_be() {
        let two = read_at_most(&constant(2, 2)[..], 10_000, 2).expect("8 s");
        assert_eq!((two.samples.len(), two.samples[0]), (2 * 65_535, 0x1000));
        let file = constant(1, 20_000);
        let mut rest = &file[..];
        assert!(matches!(read_at_most(&mut rest, 120_000, 2), Err(FlacError::TooLong { ms_max: 120_000 })));
        assert!(rest.len() > file.len() / 2, "{} of {} bytes are left", rest.len(), file.len());
        assert!(matches!(read_at_most(&constant(3, 1)[..], 120_000, 2), Err(FlacError::Channels(3))));
        assert_eq!(read(&constant(3, 1)[..]).expect("4 s").samples.len(), 65_535);
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
