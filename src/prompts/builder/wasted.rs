//! FLAC whose samples have their lowest bits zero ("wasted bits", RFC 9639 section 9.2.2): files of 16 bits, which every
//! program plays, in the size of 12 bits. `flacenc` writes none, so its frames of 12 bits are rewritten here.

use flacenc::bitsink::ByteSink;
use flacenc::component::{BitRepr, Frame, Stream, StreamInfo};
use flacenc::error::Verify;
use flacenc::source::{Context, Fill, MemSource};

use super::SynthesisError;
use super::finish::BITS;
use crate::media::clip::Clip;

/// Bits of a sample that are zero.
const WASTED: u32 = 16 - BITS;
/// The fourth byte of a frame's header: its three bits of sample size, and their code for 16 bits.
const SIZE_MASK: u8 = 0b1110;
const SIZE_16: u8 = 0b1000;

/// Encodes a clip whose samples have their lowest [`WASTED`] bits zero; others are lost.
pub fn encode(clip: &Clip) -> Result<Vec<u8>, SynthesisError> {
    let stream = encode_short(clip)?;
    let mut frames = Vec::with_capacity(stream.frame_count());
    for n in 0..stream.frame_count() {
        frames.push(rewritten(stream.frame(n).ok_or_else(|| fault("a frame is missing"))?)?);
    }
    let mut out = written(&Stream::with_stream_info(info(clip, stream.stream_info(), &frames)?))?;
    frames.iter().for_each(|frame| out.extend(frame));
    Ok(out)
}

fn encode_short(clip: &Clip) -> Result<Stream, SynthesisError> {
    let config = flacenc::config::Encoder::default().into_verified().map_err(|(_, e)| fault(e))?;
    let samples: Vec<i32> = clip.samples.iter().map(|s| i32::from(*s) >> WASTED).collect();
    let source = MemSource::from_samples(&samples, 1, BITS as usize, clip.rate_hz as usize);
    flacenc::encode_with_fixed_block_size(&config, source, config.block_size).map_err(fault)
}

/// What the file says of itself: 16 bits, and the hash of samples of 16 bits.
fn info(clip: &Clip, short: &StreamInfo, frames: &[Vec<u8>]) -> Result<StreamInfo, SynthesisError> {
    let samples: Vec<i32> = clip.samples.iter().map(|s| i32::from(*s)).collect();
    let mut hash = Context::new(16, 1);
    hash.fill_interleaved(&samples).map_err(fault)?;
    let mut info = StreamInfo::new(clip.rate_hz as usize, 1, 16).map_err(fault)?;
    info.set_total_samples(samples.len());
    info.set_md5_digest(&hash.md5_digest());
    info.set_block_sizes(short.min_block_size(), short.max_block_size()).map_err(fault)?;
    let sizes = || frames.iter().map(Vec::len);
    info.set_frame_sizes(sizes().min().unwrap_or(0), sizes().max().unwrap_or(0)).map_err(fault)?;
    Ok(info)
}

/// A frame of one channel of [`BITS`] bits as one of 16: another code of the size in the header, and in its subframe the
/// flag and the number of wasted bits, as so many bits in unary after the first byte.
fn rewritten(frame: &Frame) -> Result<Vec<u8>, SynthesisError> {
    let bytes = written(frame)?;
    let subframe = frame.subframe(0).ok_or_else(|| fault("a frame has no subframe"))?;
    let (Some((header, body)), bits) = (bytes.split_at_checked(frame.header().count_bits() / 8), subframe.count_bits())
    else {
        return Err(fault("a frame is cut off"));
    };
    let mut out = header.to_vec();
    if let Some(size) = out.get_mut(3) {
        *size = (*size & !SIZE_MASK) | SIZE_16;
    }
    out.pop();
    out.push(crc8(&out));
    out.push(body.first().copied().unwrap_or(0) | 1);
    let mut sink = ByteSink::new();
    put(&mut sink, 1, WASTED as usize);
    // The rest of the subframe, bit for bit; the sink fills its last byte with zeros.
    for (at, byte) in body.iter().enumerate().take(bits.div_ceil(8)).skip(1) {
        put(&mut sink, u16::from(byte >> (8 - (bits - 8 * at).min(8))), (bits - 8 * at).min(8));
    }
    out.extend(sink.as_slice());
    let check = crc16(&out);
    out.extend(check.to_be_bytes());
    Ok(out)
}

fn put(sink: &mut ByteSink, value: u16, bits: usize) {
    use flacenc::bitsink::BitSink;
    // Memory takes everything.
    let _ = sink.write_lsbs(value, bits);
}

fn written(part: &impl BitRepr) -> Result<Vec<u8>, SynthesisError> {
    let mut sink = ByteSink::new();
    part.write(&mut sink).map_err(fault)?;
    Ok(sink.as_slice().to_vec())
}

/// RFC 9639 section 9.1.8: x^8 + x^2 + x + 1.
fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { (crc << 1) ^ 0x07 })
    })
}

/// RFC 9639 section 9.3: x^16 + x^15 + x^2 + 1.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        let crc = crc ^ (u16::from(*byte) << 8);
        (0..8).fold(crc, |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x8005 })
    })
}

fn fault(what: impl std::fmt::Display) -> SynthesisError {
    SynthesisError::Flac(what.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{flac, tone_gen};
    use crate::types::Random;

    fn round_trip(samples: Vec<i16>) {
        let clip = Clip { rate_hz: 16_000, samples };
        let bytes = encode(&clip).expect("it fits");
        // The decoder checks both sums of every frame.
        assert_eq!(flac::read(&bytes[..]).expect("it is FLAC"), clip);
        let info = crate::prompts::header::AudioInfo::read(&bytes).expect("it is FLAC");
        assert_eq!((info.bits, info.samples), (16, clip.samples.len() as u64));
    }

    #[test]
    fn every_sample_comes_back_whatever_kind_of_frame_holds_it() {
        let mut random = Random::for_testing(12);
        round_trip(vec![0; 10_000]);
        round_trip(vec![-160; 5_000]);
        round_trip((0..20_000).map(|_| (random.u32() as i16) & !15).collect());
        round_trip(tone_gen::sine(440.0, -12.0, 2_000, 16_000).iter().map(|s| s & !15).collect());
        round_trip((0..4_200).map(|n| (n * 16) as i16 & !15).collect());
        for length in 16..64 {
            round_trip((0..length).map(|_| (random.u32() as i16 >> 3) & !15).collect());
        }
    }
}
