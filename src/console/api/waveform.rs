//! How loud a recording is over its time, to be drawn: the lowest and highest sample of each of so many equal stretches.
//! A file is read in pieces, and of long stretches their beginning alone: the longest recording costs what a short one does.

use std::io::{self, Read, Seek, SeekFrom};

use serde::Serialize;
use utoipa::ToSchema;

/// Stretches of a recording; a shorter one has fewer.
pub const STRETCHES_MAX: u64 = 800;
/// Bytes that are looked at of one stretch: two seconds at 16,000 Hz.
const STRETCH_BYTES_MAX: u64 = 64 * 1024;
/// Chunks before the samples.
const CHUNKS_MAX: usize = 64;

/// A recording as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Waveform {
    pub duration_ms: u64,
    pub rate_hz: u32,
    /// Lowest and highest sample of each stretch, from -128 to 127.
    pub peaks: Vec<[i8; 2]>,
}

/// Reads a WAV file of 16-bit samples; one whose header a crash or a writer at work left behind, to its end.
///
/// # Errors
/// What the disk says; `InvalidData` for what is no such file.
pub fn read(file: &mut (impl Read + Seek)) -> io::Result<Waveform> {
    let length = file.seek(SeekFrom::End(0))?;
    let head = Head::read(file, length)?;
    let frames = head.data_bytes / head.frame_bytes;
    let duration_ms = frames * 1_000 / u64::from(head.rate_hz);
    let stretches = frames.min(STRETCHES_MAX);
    let mut peaks = Vec::with_capacity(stretches as usize);
    let mut bytes = Vec::new();
    for stretch in 0..stretches {
        let (from, to) = (frames * stretch / stretches, frames * (stretch + 1) / stretches);
        let wanted = ((to - from) * head.frame_bytes).min(STRETCH_BYTES_MAX / head.frame_bytes * head.frame_bytes);
        file.seek(SeekFrom::Start(head.data_at + from * head.frame_bytes))?;
        bytes.clear();
        file.take(wanted).read_to_end(&mut bytes)?;
        peaks.push(peak(&bytes));
    }
    Ok(Waveform { duration_ms, rate_hz: head.rate_hz, peaks })
}

fn peak(bytes: &[u8]) -> [i8; 2] {
    let (mut low, mut high) = (0_i16, 0_i16);
    for pair in bytes.chunks_exact(2) {
        let sample = i16::from_le_bytes([pair[0], pair[1]]);
        (low, high) = (low.min(sample), high.max(sample));
    }
    // The upper byte of each.
    [(low >> 8) as i8, (high >> 8) as i8]
}

/// What comes before the samples.
struct Head {
    rate_hz: u32,
    /// One sample of all channels.
    frame_bytes: u64,
    data_at: u64,
    data_bytes: u64,
}

impl Head {
    fn read(file: &mut (impl Read + Seek), length: u64) -> io::Result<Head> {
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let riff: [u8; 12] = at(file, 0)?;
        if !riff.starts_with(b"RIFF") || !riff.ends_with(b"WAVE") {
            return Err(wrong("it is no WAV file"));
        }
        let mut format = None;
        let mut place = 12;
        for _ in 0..CHUNKS_MAX {
            let [a, b, c, d, size @ ..]: [u8; 8] = at(file, place)?;
            let size = u64::from(u32::from_le_bytes(size));
            match &[a, b, c, d] {
                b"fmt " => format = Some(at::<16>(file, place + 8)?),
                b"data" => {
                    let format = format.ok_or_else(|| wrong("it does not say what its samples are"))?;
                    let [_, _, channels, _, r0, r1, r2, r3, _, _, _, _, _, _, bits, _] = format;
                    let rate_hz = u32::from_le_bytes([r0, r1, r2, r3]);
                    if bits != 16 || !(1..=8).contains(&channels) || rate_hz == 0 {
                        return Err(wrong("it has no samples of 16 bits"));
                    }
                    let data_at = place + 8;
                    let room = length.saturating_sub(data_at);
                    let finished = size > 0 && is_followed_by_chunks(file, data_at + size + (size & 1), length)?;
                    let data_bytes = if finished { size } else { room };
                    return Ok(Head { rate_hz, frame_bytes: 2 * u64::from(channels), data_at, data_bytes });
                }
                _ => {}
            }
            place += 8 + size + (size & 1);
        }
        Err(wrong("it has no samples"))
    }
}

/// While a file is written, and after a crash, the size of its samples is 0 or too small: more samples follow. Behind
/// finished ones stand whole chunks up to the end, or nothing.
fn is_followed_by_chunks(file: &mut (impl Read + Seek), mut place: u64, length: u64) -> io::Result<bool> {
    for _ in 0..CHUNKS_MAX {
        if place + 8 > length {
            break;
        }
        let [_, _, _, _, size @ ..]: [u8; 8] = at(file, place)?;
        let size = u64::from(u32::from_le_bytes(size));
        place += 8 + size + (size & 1);
    }
    Ok(place == length)
}

fn at<const N: usize>(file: &mut (impl Read + Seek), place: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(place))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Mono, 8,000 Hz; `size` is what the header says.
    fn wav(samples: &[i16], size: u32, after: &[u8]) -> Cursor<Vec<u8>> {
        let mut bytes = b"RIFF\0\0\0\0WAVELIST\x03\0\0\0abc\0fmt \x10\0\0\0\x01\0\x01\0".to_vec();
        bytes.extend(8_000_u32.to_le_bytes());
        bytes.extend(16_000_u32.to_le_bytes());
        bytes.extend([2, 0, 16, 0]);
        bytes.extend(b"data");
        bytes.extend(size.to_le_bytes());
        samples.iter().for_each(|sample| bytes.extend(sample.to_le_bytes()));
        bytes.extend(after);
        Cursor::new(bytes)
    }

    fn loud_in_the_middle() -> Vec<i16> {
        (0..16_000)
            .map(|n| if (8_000..8_020).contains(&n) { if n % 2 == 0 { 32_767 } else { -32_768 } } else { 256 })
            .collect()
    }

    #[test]
    fn the_loud_stretch_stands_where_it_was_spoken() {
        let samples = loud_in_the_middle();
        let wave = read(&mut wav(&samples, 32_000, &[])).expect("it is read");
        assert_eq!((wave.duration_ms, wave.rate_hz, wave.peaks.len()), (2_000, 8_000, 800));
        for (at, peak) in wave.peaks.iter().enumerate() {
            assert_eq!(*peak, if at == 400 { [-128, 127] } else { [0, 1] }, "{at}");
        }
    }

    #[test]
    fn a_file_that_is_still_written_or_was_cut_off_is_drawn_to_its_end() {
        let samples = loud_in_the_middle();
        let whole = read(&mut wav(&samples, 32_000, &[])).expect("it is read");
        for size in [0, 16_000, u32::MAX] {
            // With half a sample at its end.
            assert!(read(&mut wav(&samples, size, &[7])).expect("it is read") == whole, "{size}");
        }
        // What follows finished samples is no sound.
        let tagged = read(&mut wav(&samples[..8_000], 16_000, b"LIST\x04\0\0\0\xff\x7f\xff\x7f")).expect("it is read");
        assert_eq!((tagged.duration_ms, tagged.peaks.iter().all(|peak| *peak == [0, 1])), (1_000, true));
        let short = read(&mut wav(&[1, 2, 3], 6, &[])).expect("it is read");
        assert_eq!(short.peaks.len(), 3);
        assert_eq!(read(&mut wav(&[], 0, &[])).expect("it is read").peaks, [[0_i8; 2]; 0]);
    }

    #[test]
    fn an_hour_costs_no_more_than_its_stretches() {
        struct Counted(u64, u64);
        impl Read for Counted {
            fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
                let head = wav(&[], 0, &[]).into_inner();
                let from = head.get(self.0 as usize..).unwrap_or_default();
                let length = if from.is_empty() { to.len() } else { to.len().min(from.len()) };
                to[..length].fill(0);
                to[..length.min(from.len())].copy_from_slice(&from[..length.min(from.len())]);
                (self.0, self.1) = (self.0 + length as u64, self.1 + length as u64);
                Ok(length)
            }
        }
        impl Seek for Counted {
            fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
                self.0 = match to {
                    SeekFrom::Start(at) => at,
                    // Ten hours.
                    SeekFrom::End(_) => 576_000_000,
                    SeekFrom::Current(_) => self.0,
                };
                Ok(self.0)
            }
        }
        let mut file = Counted(0, 0);
        let wave = read(&mut file).expect("it is read");
        assert_eq!((wave.duration_ms / 3_600_000, wave.peaks.len()), (9, 800));
        assert!(file.1 < 60_000_000, "{}", file.1);
    }

    #[test]
    fn what_is_no_such_file_is_told() {
        let mut good = wav(&[1; 100], 200, &[]).into_inner();
        for end in 0..56 {
            assert!(read(&mut Cursor::new(&good[..end])).is_err(), "{end}");
        }
        let bits = good.windows(4).position(|four| four == b"data").expect("it is there") - 2;
        good[bits] = 8;
        assert!(read(&mut Cursor::new(&good)).is_err());
        assert!(read(&mut Cursor::new(b"<html>".repeat(20))).is_err());
    }
}
