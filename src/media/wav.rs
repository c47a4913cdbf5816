//! WAV files: clips in, recordings out as they are spoken, and their repair after a crash. The only file that names
//! `hound`.

use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::media::clip::{CLIP_MS_MAX, CLIP_RATES_HZ, Clip, to_16_bits, to_mono};

/// Why a WAV file can't be read, written or mended.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    #[error("not a readable WAV file: {0}")]
    Unreadable(String),
    #[error("{0}; save it as 16-bit PCM")]
    Format(String),
    #[error("{0} Hz is not a usable sampling rate; save it at 16000 Hz")]
    Rate(u32),
    #[error("longer than {} minutes; cut it", CLIP_MS_MAX / 60_000)]
    TooLong,
    #[error("a recording can't grow beyond 4 GiB")]
    Full,
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<hound::Error> for WavError {
    fn from(error: hound::Error) -> Self {
        match error {
            hound::Error::IoError(e) => Self::Io(e),
            hound::Error::Unsupported => Self::Format("the encoding is not one that is understood".to_owned()),
            other => Self::Unreadable(other.to_string()),
        }
    }
}

/// Reads a whole file: 8, 16, 24 or 32 bits or float, its channels averaged to one, any usual rate.
///
/// One that a crash cut off, or that was streamed without a length, is read to its end.
pub fn read(input: impl Read) -> Result<Clip, WavError> {
    let mut bytes = Vec::new();
    if input.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)? as u64 > FILE_BYTES_MAX {
        return Err(WavError::TooLong);
    }
    let file_len = bytes.len() as u64;
    let mut file = io::Cursor::new(bytes);
    if find_data(&mut file, file_len)?.is_some_and(|data| data.is_cut_off(file_len)) {
        repair(&mut file)?;
    }
    file.set_position(0);
    // All bytes are in memory: what can't be read on is the file's fault, not the disk's.
    decode(file).map_err(|e| if let WavError::Io(e) = e { WavError::Unreadable(e.to_string()) } else { e })
}

/// Bytes of a file that is read whole: half an hour in any usual format.
const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;

fn decode(file: impl Read) -> Result<Clip, WavError> {
    let reader = hound::WavReader::new(file)?;
    let spec = reader.spec();
    if !CLIP_RATES_HZ.contains(&spec.sample_rate) {
        return Err(WavError::Rate(spec.sample_rate));
    }
    if spec.channels == 0 || !(1..=32).contains(&spec.bits_per_sample) {
        return Err(WavError::Format(format!("{} channels of {} bits", spec.channels, spec.bits_per_sample)));
    }
    let frames_max = CLIP_MS_MAX * u64::from(spec.sample_rate) / 1000;
    if u64::from(reader.len()) / u64::from(spec.channels) > frames_max {
        return Err(WavError::TooLong);
    }
    let mut interleaved = Vec::new();
    match spec.sample_format {
        hound::SampleFormat::Int => {
            for sample in reader.into_samples::<i32>() {
                interleaved.push(to_16_bits(sample?, u32::from(spec.bits_per_sample)));
            }
        }
        hound::SampleFormat::Float => {
            for sample in reader.into_samples::<f32>() {
                // The cast clips what is too loud and makes a NaN silent.
                interleaved.push((sample? * 32_768.0).round() as i16);
            }
        }
    }
    Ok(Clip { rate_hz: spec.sample_rate, samples: to_mono(&interleaved, usize::from(spec.channels)) })
}

/// Writes a whole clip as 16-bit mono PCM.
pub fn write(output: impl Write + Seek, clip: &Clip) -> Result<(), WavError> {
    let mut writer = RecordingWriter::new(output, clip.rate_hz)?;
    writer.write(&clip.samples)?;
    writer.finish()
}

/// A recording as it grows: 16-bit mono PCM. What was written before a [`checkpoint`](Self::checkpoint) is in a file
/// that plays; getting it from the operating system onto the disk (fsync) is the caller's part.
pub struct RecordingWriter<W: Write + Seek> {
    writer: hound::WavWriter<W>,
}

/// Bytes of samples in one file at most: what the 32-bit sizes of RIFF can say, less a header.
const DATA_BYTES_MAX: u64 = u32::MAX as u64 - 1024;

impl<W: Write + Seek> RecordingWriter<W> {
    /// `output` stands at its start and is empty; a header of a recording without samples is written at once.
    pub fn new(output: W, rate_hz: u32) -> Result<Self, WavError> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: rate_hz,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::new(output, spec)?;
        writer.flush()?;
        Ok(Self { writer })
    }

    /// Appends samples.
    pub fn write(&mut self, samples: &[i16]) -> Result<(), WavError> {
        if (u64::from(self.writer.len()) + samples.len() as u64) * 2 > DATA_BYTES_MAX {
            return Err(WavError::Full);
        }
        for part in samples.chunks(WRITE_SAMPLES_MAX) {
            let mut batch = self.writer.get_i16_writer(part.len() as u32);
            part.iter().for_each(|&sample| batch.write_sample(sample));
            batch.flush()?;
        }
        Ok(())
    }

    /// Makes the header's sizes right for all that was written, and flushes.
    pub fn checkpoint(&mut self) -> Result<(), WavError> {
        Ok(self.writer.flush()?)
    }

    /// Samples written so far.
    pub fn len(&self) -> u64 {
        u64::from(self.writer.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The last checkpoint. Dropping does it too, but tells nobody when it fails.
    pub fn finish(self) -> Result<(), WavError> {
        Ok(self.writer.finalize()?)
    }
}

/// Samples that go to the output in one call.
const WRITE_SAMPLES_MAX: usize = 65_536;

/// What [`repair`] found and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepairOutcome {
    /// The sizes were right.
    Intact { data_bytes: u32 },
    /// The sizes were wrong and are right now.
    Repaired { data_bytes: u32, was: u32 },
    /// The file ends before its first sample: there is nothing to play.
    Empty,
}

/// Mends the RIFF and data sizes of a recording that a crash cut off, so that all that is in the file plays.
///
/// A tail that is no whole sample is left out of the sizes. A file in which other chunks follow the samples is taken
/// for finished. Running it twice does nothing the second time. The file's length is not changed.
pub fn repair<F: Read + Write + Seek>(file: &mut F) -> Result<RepairOutcome, WavError> {
    let file_len = file.seek(SeekFrom::End(0))?;
    let Some(data) = find_data(file, file_len)? else { return Ok(RepairOutcome::Empty) };
    if data.is_finished(file, file_len)? {
        return Ok(RepairOutcome::Intact { data_bytes: data.size });
    }
    let room = (file_len - data.start).min(DATA_BYTES_MAX);
    let data_bytes = u32::try_from(room - room % data.block).unwrap_or(u32::MAX);
    let riff_bytes = u32::try_from(data.start - 8 + u64::from(data_bytes)).unwrap_or(u32::MAX);
    let riff_was = u32::from_le_bytes(read_at(file, 4)?);
    if data_bytes == data.size && riff_bytes == riff_was {
        return Ok(RepairOutcome::Intact { data_bytes });
    }
    write_at(file, 4, riff_bytes)?;
    write_at(file, data.start - 4, data_bytes)?;
    file.flush()?;
    Ok(RepairOutcome::Repaired { data_bytes, was: data.size })
}

/// The data chunk of a WAV file.
struct DataChunk {
    /// Offset of the first sample.
    start: u64,
    /// What its header says, in bytes.
    size: u32,
    /// Bytes of one sample of all channels.
    block: u64,
}

impl DataChunk {
    /// Whether its size is that of a file whose writer came to its end: whole, followed by whole chunks.
    fn is_finished(&self, file: &mut (impl Read + Seek), file_len: u64) -> Result<bool, WavError> {
        let mut at = self.start + u64::from(self.size) + u64::from(self.size & 1);
        if self.size == 0 || at >= file_len {
            return Ok(false);
        }
        for _ in 0..CHUNKS_MAX {
            if at == file_len {
                return Ok(true);
            }
            let Some((id, size)) = chunk_at(file, at, file_len)? else { return Ok(false) };
            if !id.iter().all(|b| b.is_ascii_alphanumeric() || *b == b' ') {
                return Ok(false);
            }
            at += 8 + u64::from(size) + u64::from(size & 1);
        }
        Ok(false)
    }

    fn is_cut_off(&self, file_len: u64) -> bool {
        self.size == 0 || self.start + u64::from(self.size) > file_len
    }
}

/// Chunks that are looked at in one file.
const CHUNKS_MAX: usize = 64;

/// Walks the chunks up to `data`; `None` when the file ends before it (as one does that a crash cut off early).
fn find_data(file: &mut (impl Read + Seek), file_len: u64) -> Result<Option<DataChunk>, WavError> {
    if file_len < 12 {
        return Ok(None);
    }
    let riff: [u8; 12] = read_at(file, 0)?;
    if !riff.starts_with(b"RIFF") || !riff.ends_with(b"WAVE") {
        return Err(WavError::Unreadable("it does not begin with RIFF and WAVE".to_owned()));
    }
    let (mut at, mut block) = (12, 2);
    for _ in 0..CHUNKS_MAX {
        let Some((id, size)) = chunk_at(file, at, file_len)? else { return Ok(None) };
        match &id {
            b"data" => return Ok(Some(DataChunk { start: at + 8, size, block })),
            b"fmt " if at + 22 <= file_len => block = u64::from(u16::from_le_bytes(read_at(file, at + 20)?)).max(1),
            _ => {}
        }
        at += 8 + u64::from(size) + u64::from(size & 1);
    }
    Ok(None)
}

/// A chunk's name and size; `None` past the end of the file.
fn chunk_at(file: &mut (impl Read + Seek), at: u64, file_len: u64) -> Result<Option<([u8; 4], u32)>, WavError> {
    if at + 8 > file_len {
        return Ok(None);
    }
    Ok(Some((read_at(file, at)?, u32::from_le_bytes(read_at(file, at + 4)?))))
}

fn read_at<const N: usize>(file: &mut (impl Read + Seek), at: u64) -> Result<[u8; N], WavError> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn write_at(file: &mut (impl Write + Seek), at: u64, value: u32) -> Result<(), WavError> {
    file.seek(SeekFrom::Start(at))?;
    Ok(file.write_all(&value.to_le_bytes())?)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use crate::types::Random;

    use super::*;

    fn recording(samples: &[i16]) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        write(&mut bytes, &Clip { rate_hz: 8_000, samples: samples.to_vec() }).unwrap();
        bytes.into_inner()
    }

    fn hound_file(spec: hound::WavSpec, write: impl FnOnce(&mut hound::WavWriter<&mut Cursor<Vec<u8>>>)) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        write(&mut writer);
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let samples: Vec<i16> = (-3_000..3_000).map(|n| n * 10).collect();
        let bytes = recording(&samples);
        assert_eq!(bytes.len(), 44 + samples.len() * 2);
        assert_eq!(read(&bytes[..]).unwrap(), Clip { rate_hz: 8_000, samples });
    }

    #[test]
    fn every_bit_depth_and_stereo_come_out_as_16_bit_mono() {
        for bits in [8u16, 16, 24, 32] {
            let spec = hound::WavSpec {
                channels: 2,
                sample_rate: 44_100,
                bits_per_sample: bits,
                sample_format: hound::SampleFormat::Int,
            };
            let half = 1i32 << (bits - 2);
            let bytes = hound_file(spec, |w| {
                for _ in 0..10 {
                    w.write_sample(half).unwrap();
                    w.write_sample(0).unwrap();
                }
            });
            let clip = read(&bytes[..]).unwrap();
            assert_eq!(clip, Clip { rate_hz: 44_100, samples: vec![8_192; 10] }, "{bits} bits");
        }
    }

    #[test]
    fn float_is_clipped_not_wrapped() {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 48_000,
            bits_per_sample: 32,
            sample_format: hound::SampleFormat::Float,
        };
        let bytes = hound_file(spec, |w| {
            for sample in [0.5f32, 1.5, -2.0, f32::NAN] {
                w.write_sample(sample).unwrap();
            }
        });
        assert_eq!(read(&bytes[..]).unwrap().samples, [16_384, i16::MAX, i16::MIN, 0]);
    }

    #[test]
    fn other_things_are_refused_with_a_reason() {
        assert!(matches!(read(&b""[..]), Err(WavError::Unreadable(_))));
        assert!(matches!(read(&b"OggS and so on, long enough"[..]), Err(WavError::Unreadable(_))));
        let mut slow = recording(&[1; 100]);
        slow[24..28].copy_from_slice(&100u32.to_le_bytes());
        slow[28..32].copy_from_slice(&200u32.to_le_bytes());
        assert!(matches!(read(&slow[..]), Err(WavError::Rate(100))));
    }

    #[test]
    fn a_checkpoint_makes_a_file_that_plays() {
        let mut file = tempfile::tempfile().unwrap();
        let mut writer = RecordingWriter::new(file.try_clone().unwrap(), 8_000).unwrap();
        assert!(writer.is_empty());
        writer.write(&[7; 8_000]).unwrap();
        writer.checkpoint().unwrap();
        writer.write(&[9; 400]).unwrap();
        assert_eq!(writer.len(), 8_400);
        let written = {
            file.seek(SeekFrom::Start(0)).unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            bytes
        };
        assert_eq!(u32::from_le_bytes(written[40..44].try_into().unwrap()), 16_000);
        // A crash now: the header says a second, the file holds 50 ms more.
        let mut crashed = Cursor::new(written);
        let outcome = repair(&mut crashed).unwrap();
        assert_eq!(outcome, RepairOutcome::Repaired { data_bytes: 16_800, was: 16_000 });
        assert_eq!(read(&crashed.into_inner()[..]).unwrap().samples.len(), 8_400);
    }

    #[test]
    fn a_recording_cut_anywhere_plays_after_repair() {
        let whole = recording(&(0..500).collect::<Vec<i16>>());
        for sizes in ["right", "zero"] {
            for cut in 0..=whole.len() {
                let mut bytes = whole[..cut].to_vec();
                if sizes == "zero" && cut >= 44 {
                    bytes[4..8].fill(0);
                    bytes[40..44].fill(0);
                }
                let mut file = Cursor::new(bytes);
                let outcome = repair(&mut file).unwrap();
                if cut < 44 {
                    assert_eq!(outcome, RepairOutcome::Empty, "cut at {cut}");
                    continue;
                }
                let samples = (cut - 44) / 2;
                let again = repair(&mut file).unwrap();
                assert_eq!(again, RepairOutcome::Intact { data_bytes: samples as u32 * 2 });
                let bytes = file.into_inner();
                let clip = read(&bytes[..]).unwrap();
                assert_eq!(clip.samples, (0..samples as i16).collect::<Vec<_>>());
                assert_eq!(u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize, 36 + samples * 2);
            }
        }
    }

    #[test]
    fn a_finished_file_with_chunks_after_the_samples_is_left_alone() {
        let mut bytes = recording(&[3; 100]);
        bytes.extend(b"LIST\x04\0\0\0INFO");
        let length = bytes.len() as u32 - 8;
        bytes[4..8].copy_from_slice(&length.to_le_bytes());
        let mut file = Cursor::new(bytes.clone());
        assert_eq!(repair(&mut file).unwrap(), RepairOutcome::Intact { data_bytes: 200 });
        assert_eq!(file.into_inner(), bytes);
        assert_eq!(read(&bytes[..]).unwrap().samples, [3; 100]);
    }

    #[test]
    fn a_streamed_file_of_unknown_length_is_read_to_its_end() {
        let mut bytes = recording(&[5; 64]);
        bytes[4..8].fill(0xFF);
        bytes[40..44].fill(0xFF);
        assert_eq!(read(&bytes[..]).unwrap().samples, [5; 64]);
    }

    #[test]
    fn mutated_files_never_panic() {
        let whole = recording(&(0..200).collect::<Vec<i16>>());
        let mut random = Random::for_testing(44);
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..=random.u32() % 4 {
                let at = random.u32() as usize % 60;
                bytes[at] = random.u32() as u8;
            }
            let _ = read(&bytes[..]);
            let _ = repair(&mut Cursor::new(bytes));
        }
    }
}
