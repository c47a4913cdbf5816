//! From one codec to another, packet by packet, for two callers who agreed on different ones: as long out as in.
//!
//! G.711 to G.711 is exact by the tables. Between 8 and 16 kHz a half-band filter of our own carries its state from packet
//! to packet: `rubato` in blocks of a packet loses 15 dB at 3 kHz, and in long ones adds their length to the delay.

use std::sync::LazyLock;

use super::codec::{Decoder, Encoder};
use crate::types::Codec;

/// Taps on either side of the middle one; odd ones only are not zero. The delay is as many samples at 16 kHz: 1.9 ms.
const REACH: usize = 31;
const TAPS: usize = 2 * REACH + 1;

/// A half-band low-pass: flat to 3.5 kHz, 6 dB down at 4 kHz, sum 1 (a sinc under a Blackman window).
static HALF_BAND: LazyLock<[f32; TAPS]> = LazyLock::new(|| {
    use std::f64::consts::PI;
    let mut taps = [0.0; TAPS];
    for (n, tap) in taps.iter_mut().enumerate() {
        let t = n as f64 - REACH as f64;
        let sinc = if t == 0.0 { 0.5 } else { (PI * t / 2.0).sin() / (PI * t) };
        let x = n as f64 / (TAPS - 1) as f64;
        *tap = sinc * (0.42 - 0.5 * (2.0 * PI * x).cos() + 0.08 * (4.0 * PI * x).cos());
    }
    let sum: f64 = taps.iter().sum();
    taps.map(|tap| (tap / sum) as f32)
});

/// Codec to codec, one direction of one talk.
pub struct Transcoder {
    decoder: Decoder,
    encoder: Encoder,
    rate: Rate,
    to: Codec,
    samples: Vec<i16>,
    resampled: Vec<i16>,
}

enum Rate {
    Same,
    Half(Box<Line>),
    Double(Box<Line>),
}

/// The last samples at 16 kHz, oldest first.
struct Line([f32; TAPS]);

impl Transcoder {
    pub fn new(from: Codec, to: Codec) -> Self {
        let rate = match (from.sample_rate_hz(), to.sample_rate_hz()) {
            (from, to) if from > to => Rate::Half(Box::new(Line([0.0; TAPS]))),
            (from, to) if from < to => Rate::Double(Box::new(Line([0.0; TAPS]))),
            _ => Rate::Same,
        };
        let (samples, resampled) = (Vec::new(), Vec::new());
        Self { decoder: Decoder::new(from), encoder: Encoder::new(to), rate, to, samples, resampled }
    }

    pub fn from(&self) -> Codec {
        self.decoder.codec()
    }

    pub fn to(&self) -> Codec {
        self.to
    }

    /// Appends the payload in the other codec: as many bytes, since all three have eight a millisecond.
    pub fn transcode(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        self.samples.clear();
        self.decoder.decode(payload, &mut self.samples);
        match &mut self.rate {
            Rate::Same => self.encoder.encode(&self.samples, out),
            Rate::Half(line) => {
                line.halve(&self.samples, &mut self.resampled);
                self.encoder.encode(&self.resampled, out);
            }
            Rate::Double(line) => {
                line.double(&self.samples, &mut self.resampled);
                self.encoder.encode(&self.resampled, out);
            }
        }
    }
}

impl Line {
    fn push(&mut self, sample: f32) {
        self.0.copy_within(1.., 0);
        self.0[TAPS - 1] = sample;
    }

    fn filtered(&self) -> f32 {
        self.0.iter().zip(HALF_BAND.iter()).map(|(sample, tap)| sample * tap).sum()
    }

    fn halve(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        out.clear();
        for pair in samples.chunks_exact(2) {
            self.push(pair[0].into());
            self.push(pair[1].into());
            out.push(to_i16(self.filtered()));
        }
    }

    fn double(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        out.clear();
        for sample in samples {
            // A zero between two samples halves the level: twice as loud makes up for it.
            self.push(2.0 * f32::from(*sample));
            out.push(to_i16(self.filtered()));
            self.push(0.0);
            out.push(to_i16(self.filtered()));
        }
    }
}

/// Rounds and clips.
fn to_i16(sample: f32) -> i16 {
    sample.round() as i16
}

impl std::fmt::Debug for Transcoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transcoder").field("from", &self.from()).field("to", &self.to).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use crate::media::clip::level_dbfs;
    use crate::media::codec::encode;
    use crate::media::tone_gen::sine;

    use super::*;

    fn through(from: Codec, to: Codec, hz: f64) -> (Vec<i16>, Vec<i16>) {
        let rate = from.sample_rate_hz();
        let tone = sine(hz, -12.0, 2_000, rate);
        let encoded = encode(from, rate, &tone);
        let mut transcoder = Transcoder::new(from, to);
        let mut out = Vec::new();
        for packet in encoded.bytes.chunks(160) {
            let before = out.len();
            transcoder.transcode(packet, &mut out);
            assert_eq!(out.len() - before, packet.len(), "as long out as in");
        }
        let mut heard = Vec::new();
        Decoder::new(to).decode(&out, &mut heard);
        (tone, heard)
    }

    #[test]
    fn the_voice_band_keeps_its_level_between_any_two_codecs() {
        for from in Codec::ALL {
            for to in Codec::ALL {
                for hz in [300.0, 1_000.0, 3_000.0] {
                    let (tone, heard) = through(from, to, hz);
                    let settled = to.sample_rate_hz() as usize / 5;
                    let change = level_dbfs(&heard[settled..]) - level_dbfs(&tone);
                    assert!(change.abs() < 1.0, "{from} to {to} at {hz} Hz: {change:.2} dB");
                }
            }
        }
    }

    #[test]
    fn what_8_khz_cannot_carry_is_not_folded_back() {
        let (tone, heard) = through(Codec::G722, Codec::Pcma, 6_000.0);
        let change = level_dbfs(&heard[1_600..]) - level_dbfs(&tone);
        assert!(change < -35.0, "{change:.1} dB of 6 kHz came through as 2 kHz");
    }

    #[test]
    fn the_tone_that_comes_out_is_the_one_that_went_in() {
        for (from, to) in [(Codec::G722, Codec::Pcmu), (Codec::Pcma, Codec::G722), (Codec::Pcma, Codec::Pcmu)] {
            let (_, heard) = through(from, to, 1_000.0);
            let rate = f64::from(to.sample_rate_hz());
            let part = &heard[to.sample_rate_hz() as usize / 2..];
            let (mut re, mut im, mut power) = (0.0, 0.0, 0.0);
            for (n, sample) in part.iter().enumerate() {
                let (s, phase) = (f64::from(*sample), std::f64::consts::TAU * 1_000.0 * n as f64 / rate);
                re += s * phase.cos();
                im += s * phase.sin();
                power += s * s;
            }
            let share = 2.0 * (re * re + im * im) / (part.len() as f64 * power);
            assert!(share > 0.99, "{from} to {to}: only {share:.3} of the power is the tone");
        }
    }
}
