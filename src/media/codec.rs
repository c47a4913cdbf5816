//! The three codecs behind one face: streams of packets, and whole clips encoded ahead of the calls that play them.

use crate::media::io::Encoded;
use crate::media::resample::resample;
use crate::media::{g711, g722};
use crate::types::Codec;

/// Decodes one stream. G.722 carries state from packet to packet; a new one begins after a codec change.
pub struct Decoder(DecoderKind);

enum DecoderKind {
    Alaw,
    Ulaw,
    G722(Box<g722::Decoder>),
}

impl Decoder {
    pub fn new(codec: Codec) -> Self {
        Self(match codec {
            Codec::Pcma => DecoderKind::Alaw,
            Codec::Pcmu => DecoderKind::Ulaw,
            Codec::G722 => DecoderKind::G722(Box::new(g722::Decoder::new())),
        })
    }

    pub fn codec(&self) -> Codec {
        match self.0 {
            DecoderKind::Alaw => Codec::Pcma,
            DecoderKind::Ulaw => Codec::Pcmu,
            DecoderKind::G722(_) => Codec::G722,
        }
    }

    /// Appends a payload's samples at [`Codec::sample_rate_hz`]: one per byte for G.711, two for G.722.
    pub fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) {
        match &mut self.0 {
            DecoderKind::Alaw => g711::decode_alaw_into(payload, out),
            DecoderKind::Ulaw => g711::decode_ulaw_into(payload, out),
            DecoderKind::G722(decoder) => decoder.decode(payload, out),
        }
    }
}

/// Encodes one stream.
pub struct Encoder(EncoderKind);

enum EncoderKind {
    Alaw,
    Ulaw,
    G722(Box<g722::Encoder>),
}

impl Encoder {
    pub fn new(codec: Codec) -> Self {
        Self(match codec {
            Codec::Pcma => EncoderKind::Alaw,
            Codec::Pcmu => EncoderKind::Ulaw,
            Codec::G722 => EncoderKind::G722(Box::new(g722::Encoder::new())),
        })
    }

    /// Appends the bytes of samples at [`Codec::sample_rate_hz`]; give G.722 an even number of them.
    pub fn encode(&mut self, samples: &[i16], out: &mut Vec<u8>) {
        match &mut self.0 {
            EncoderKind::Alaw => g711::encode_alaw_into(samples, out),
            EncoderKind::Ulaw => g711::encode_ulaw_into(samples, out),
            EncoderKind::G722(encoder) => encoder.encode(samples, out),
        }
    }
}

/// Encodes a whole clip of any rate, resampled as the codec needs it. Not for the pacing thread: FFTs and allocations.
pub fn encode(codec: Codec, rate_hz: u32, samples: &[i16]) -> Encoded {
    let samples = resample(samples, rate_hz, codec.sample_rate_hz());
    let mut bytes = Vec::with_capacity(samples.len());
    Encoder::new(codec).encode(&samples, &mut bytes);
    Encoded { codec, bytes: bytes.into() }
}

/// Milliseconds that encoded audio lasts, the last begun one not counted.
pub fn duration_ms(encoded: &Encoded) -> u64 {
    (encoded.bytes.len() / Codec::BYTES_PER_MS) as u64
}

/// The byte that, repeated, is silence.
///
/// For G.722 it is not what an encoder makes of zeros (that wanders at -43 dBFS), but the code whose decoder comes to
/// rest at exactly zero, wherever it was before.
pub const fn silence_byte(codec: Codec) -> u8 {
    match codec {
        Codec::Pcma => g711::ALAW_SILENCE,
        Codec::Pcmu => g711::ULAW_SILENCE,
        Codec::G722 => g722::SILENCE,
    }
}

/// The longest packet's worth of silence, [`SILENCE_MS_MAX`] ms: slice what a frame needs.
pub const fn silence(codec: Codec) -> &'static [u8] {
    const BYTES: usize = SILENCE_MS_MAX * Codec::BYTES_PER_MS;
    match codec {
        Codec::Pcma => const { &[silence_byte(Codec::Pcma); BYTES] },
        Codec::Pcmu => const { &[silence_byte(Codec::Pcmu); BYTES] },
        Codec::G722 => const { &[silence_byte(Codec::G722); BYTES] },
    }
}

/// Milliseconds of audio in the longest packet that we send.
pub const SILENCE_MS_MAX: usize = 60;

#[cfg(test)]
mod tests {
    use crate::media::clip::level_dbfs;
    use crate::media::tone_gen::sine;
    use crate::types::Random;

    use super::*;

    /// Signal to noise in dB between a clip and its copy, at the delay (in samples) where they fit best.
    fn snr_db(original: &[i16], copy: &[i16], delay_max: usize) -> f64 {
        (0..=delay_max)
            .map(|delay| {
                let (mut signal, mut noise) = (0.0, 1e-9);
                for (a, b) in original.iter().zip(&copy[delay.min(copy.len())..]).skip(800) {
                    signal += f64::from(*a).powi(2);
                    noise += (f64::from(*a) - f64::from(*b)).powi(2);
                }
                10.0 * f64::log10(signal / noise)
            })
            .fold(f64::MIN, f64::max)
    }

    #[test]
    fn a_tone_survives_every_codec() {
        for (codec, snr_min) in [(Codec::Pcma, 35.0), (Codec::Pcmu, 35.0), (Codec::G722, 30.0)] {
            let rate = codec.sample_rate_hz();
            let tone = sine(440.0, -12.0, 500, rate);
            let encoded = encode(codec, rate, &tone);
            assert_eq!(duration_ms(&encoded), 500, "{codec}");
            let mut decoder = Decoder::new(codec);
            assert_eq!(decoder.codec(), codec);
            let mut decoded = Vec::new();
            for packet in encoded.bytes.chunks(160) {
                decoder.decode(packet, &mut decoded);
            }
            assert_eq!(decoded.len(), tone.len());
            let snr = snr_db(&tone, &decoded, 30);
            assert!(snr > snr_min, "{codec}: {snr:.1} dB");
        }
    }

    #[test]
    fn encoded_in_pieces_is_the_same_as_at_once() {
        for codec in Codec::ALL {
            let rate = codec.sample_rate_hz();
            let tone = sine(1000.0, -10.0, 100, rate);
            let mut encoder = Encoder::new(codec);
            let mut bytes = Vec::new();
            for piece in tone.chunks(rate as usize / 50) {
                encoder.encode(piece, &mut bytes);
            }
            assert_eq!(encode(codec, rate, &tone).bytes[..], bytes[..], "{codec}");
        }
    }

    #[test]
    fn a_clip_keeps_its_length_from_any_rate_to_any_codec() {
        for rate in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000] {
            let clip = sine(500.0, -10.0, 1_000, rate);
            for codec in Codec::ALL {
                let ms = duration_ms(&encode(codec, rate, &clip));
                assert!((999..=1001).contains(&ms), "{rate} to {codec}: {ms} ms");
            }
        }
    }

    #[test]
    fn silence_is_silent_in_every_codec_and_soon_after_noise() {
        let mut random = Random::for_testing(9);
        for codec in Codec::ALL {
            let frame = &silence(codec)[..160];
            assert_eq!(silence(codec).len(), 480);
            let mut decoder = Decoder::new(codec);
            let mut out = Vec::new();
            decoder.decode(frame, &mut out);
            assert!(level_dbfs(&out) < -70.0, "{codec}: {}", level_dbfs(&out));
            let noise: Vec<i16> = (0..16_000).map(|_| random.u32() as i16 / 4).collect();
            decoder.decode(&encode(codec, codec.sample_rate_hz(), &noise).bytes, &mut out);
            (0..15).for_each(|_| decoder.decode(frame, &mut out));
            out.clear();
            decoder.decode(frame, &mut out);
            assert!(level_dbfs(&out) < -60.0, "{codec}: {}", level_dbfs(&out));
        }
    }
}
