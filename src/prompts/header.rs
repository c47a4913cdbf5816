//! What the first bytes of a WAV or FLAC file say of it, without decoding any audio: cheap enough for every start.

/// The format of an audio file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioInfo {
    pub format: Format,
    pub rate_hz: u32,
    pub channels: u16,
    pub bits: u16,
    /// Samples of one channel; 0 when the file doesn't tell.
    pub samples: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Wav,
    Flac,
}

/// Why a file is no usable audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    #[error("it is empty")]
    Empty,
    #[error("it is neither WAV nor FLAC")]
    Unknown,
    #[error("its header is cut off or damaged")]
    Damaged,
    #[error("it holds no audio")]
    NoAudio,
}

impl AudioInfo {
    /// Reads the header of a whole file's bytes.
    pub fn read(bytes: &[u8]) -> Result<AudioInfo, HeaderError> {
        let info = match bytes {
            [] => return Err(HeaderError::Empty),
            [b'f', b'L', b'a', b'C', ..] => flac(bytes).ok_or(HeaderError::Damaged)?,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => {
                wav(bytes).ok_or(HeaderError::Damaged)?
            }
            _ => return Err(HeaderError::Unknown),
        };
        match info {
            AudioInfo { rate_hz: 0, .. } | AudioInfo { channels: 0, .. } | AudioInfo { bits: 0, .. } => {
                Err(HeaderError::Damaged)
            }
            AudioInfo { format: Format::Wav, samples: 0, .. } => Err(HeaderError::NoAudio),
            info => Ok(info),
        }
    }

    pub fn duration_ms(&self) -> u64 {
        (self.samples.saturating_mul(1000)).checked_div(u64::from(self.rate_hz)).unwrap_or(0)
    }
}

/// STREAMINFO is always the first block (RFC 9639 section 8.2): 20 bits rate, 3 channels, 5 depth, 36 samples.
fn flac(bytes: &[u8]) -> Option<AudioInfo> {
    let (kind, packed) = (bytes.get(4)? & 0x7f, bytes.get(18..26)?);
    if kind != 0 {
        return None;
    }
    let packed = u64::from_be_bytes(packed.try_into().ok()?);
    Some(AudioInfo {
        format: Format::Flac,
        rate_hz: u32::try_from(packed >> 44).ok()?,
        channels: ((packed >> 41) & 7) as u16 + 1,
        bits: ((packed >> 36) & 31) as u16 + 1,
        samples: packed & 0xf_ffff_ffff,
    })
}

/// Walks the RIFF chunks to `fmt ` and `data`; a size beyond the file's end means "to its end".
fn wav(bytes: &[u8]) -> Option<AudioInfo> {
    let (mut at, mut format) = (12_usize, None);
    loop {
        let header = bytes.get(at..at.checked_add(8)?)?;
        let size = u32::from_le_bytes(header.get(4..)?.try_into().ok()?) as usize;
        at += 8;
        match header.get(..4)? {
            b"fmt " => {
                let fmt = bytes.get(at..at.checked_add(16)?)?;
                format = Some((le16(fmt, 2)?, u32::from_le_bytes(fmt.get(4..8)?.try_into().ok()?), le16(fmt, 14)?));
            }
            b"data" => {
                let (channels, rate_hz, bits) = format?;
                let frame = u64::from(channels) * u64::from(bits.div_ceil(8));
                let samples = (size.min(bytes.len() - at) as u64).checked_div(frame)?;
                return Some(AudioInfo { format: Format::Wav, rate_hz, channels, bits, samples });
            }
            _ => {}
        }
        at = at.checked_add(size)?.checked_add(size & 1)?;
    }
}

fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::media::clip::Clip;
    use crate::media::{flac, tone_gen, wav};

    fn a_wav() -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let clip = Clip { rate_hz: 16_000, samples: tone_gen::sine(440.0, -12.0, 250, 16_000) };
        wav::write(&mut file, &clip).expect("memory takes it");
        file.into_inner()
    }

    #[test]
    fn a_wav_tells_its_format_and_length() {
        let info = AudioInfo::read(&a_wav()).expect("a good file");
        assert_eq!((info.format, info.rate_hz, info.channels, info.bits), (Format::Wav, 16_000, 1, 16));
        assert_eq!(info.duration_ms(), 250);
    }

    #[test]
    fn a_flac_tells_the_same_as_its_decoder() {
        let bytes = include_bytes!("../../prompts/zh/greeting.flac");
        let info = AudioInfo::read(bytes).expect("a good file");
        let clip = flac::read(&bytes[..]).expect("a good file");
        assert_eq!((info.format, info.rate_hz, info.channels, info.bits), (Format::Flac, clip.rate_hz, 1, 16));
        assert_eq!(info.samples, clip.samples.len() as u64);
    }

    #[test]
    fn what_is_no_audio_is_told_apart() {
        assert_eq!(AudioInfo::read(b""), Err(HeaderError::Empty));
        assert_eq!(AudioInfo::read(b"ID3\x04 an mp3"), Err(HeaderError::Unknown));
        assert_eq!(AudioInfo::read(b"fLaC"), Err(HeaderError::Damaged));
        let mut silent = a_wav();
        silent.truncate(44);
        assert_eq!(AudioInfo::read(&silent), Err(HeaderError::NoAudio));
    }

    #[test]
    fn hostile_sizes_and_cuts_never_panic() {
        let good = a_wav();
        for end in 0..64 {
            let _ = AudioInfo::read(&good[..end]);
        }
        for at in 0..44 {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bad = good.clone();
                bad[at..at + 4].fill(value);
                let _ = AudioInfo::read(&bad);
            }
        }
        let flac = include_bytes!("../../prompts/zh/greeting.flac");
        for end in 0..64 {
            let _ = AudioInfo::read(&flac[..end]);
        }
    }
}
