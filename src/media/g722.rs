//! ITU-T G.722 at 64 kbit/s (mode 1). The only file that names `audio_codec`.

use audio_codec::Encoder as _;
use audio_codec::g722::{G722Decoder, G722Encoder};

/// The smallest step in both bands: a decoder that gets nothing else comes to rest at zero.
pub const SILENCE: u8 = 0xFD;

/// Decodes bytes to 16 kHz samples; its predictors carry over from packet to packet.
pub struct Decoder(G722Decoder);

impl Decoder {
    pub fn new() -> Self {
        Self(G722Decoder::new())
    }

    /// Appends two samples per byte.
    pub fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) {
        let start = out.len();
        out.resize(start + payload.len() * 2, 0);
        // One byte is one code of two samples, so the room above is exact and the error cannot come.
        let written = self.0.decode_frame_into(payload, &mut out[start..]).unwrap_or(0);
        out.truncate(start + written);
    }
}

/// Encodes 16 kHz samples.
pub struct Encoder(G722Encoder);

impl Encoder {
    pub fn new() -> Self {
        Self(G722Encoder::new())
    }

    /// Appends one byte per two samples; an odd last sample is followed by a zero.
    pub fn encode(&mut self, samples: &[i16], out: &mut Vec<u8>) {
        let (pairs, odd) = samples.split_at(samples.len() & !1);
        self.encode_pairs(pairs, out);
        if let [last] = odd {
            self.encode_pairs(&[*last, 0], out);
        }
    }

    fn encode_pairs(&mut self, samples: &[i16], out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + self.0.max_encode_bytes(samples.len()), 0);
        // The encoder's own bound was reserved, so the error cannot come.
        let written = self.0.encode_into(samples, &mut out[start..]).unwrap_or(0);
        out.truncate(start + written);
    }
}

#[cfg(test)]
mod tests {
    use crate::types::Random;

    use super::*;

    #[test]
    fn any_bytes_decode_to_two_samples_each() {
        let mut random = Random::for_testing(722);
        let mut decoder = Decoder::new();
        for _ in 0..2_000 {
            let payload: Vec<u8> = (0..160).map(|_| random.u32() as u8).collect();
            let mut out = Vec::new();
            decoder.decode(&payload, &mut out);
            assert_eq!(out.len(), 320);
        }
    }

    #[test]
    fn any_samples_encode_to_half_as_many_bytes() {
        let mut random = Random::for_testing(16);
        let mut encoder = Encoder::new();
        for length in [0usize, 1, 2, 7, 320, 961] {
            let samples: Vec<i16> = (0..length).map(|_| random.u32() as i16).collect();
            let mut out = Vec::new();
            encoder.encode(&samples, &mut out);
            assert_eq!(out.len(), length.div_ceil(2));
        }
    }
}
