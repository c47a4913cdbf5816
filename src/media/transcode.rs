//! From one codec to another, packet by packet, for two callers who agreed on different ones: as long out as in.
//!
//! G.711 to G.711 is exact by the tables. Between 8 and 16 kHz a half-band filter of our own carries its state from packet
//! to packet: `rubato` in blocks of a packet loses 15 dB at 3 kHz, and in long ones adds their length to the delay.

use std::sync::LazyLock;

use super::codec::{Decoder, Encoder};
use crate::types::Codec;

/// Taps of the filter at 16 kHz on either side of the middle one: 31 samples of delay, 1.9 ms.
const REACH: i32 = 31;
/// Every second tap of a half-band filter is zero, but for the middle one of a half: what is left meets every second
/// sample, so that the work is done at 8 kHz.
const TAPS: usize = 32;
/// Samples at 8 kHz from the middle of the filter to its end.
const MIDDLE: usize = 15;

/// The taps at odd distances from the middle: a sinc under a Blackman window, within 1 dB to 3.4 kHz, 6 dB down at 4 kHz.
static HALF_BAND: LazyLock<[f32; TAPS]> = LazyLock::new(|| {
    use std::f64::consts::PI;
    let taps: [f64; TAPS] = std::array::from_fn(|n| {
        let t = f64::from(2 * n as i32 - REACH);
        let x = n as f64 / (TAPS - 1) as f64;
        (PI * t / 2.0).sin() / (PI * t) * (0.42 - 0.5 * (2.0 * PI * x).cos() + 0.08 * (4.0 * PI * x).cos())
    });
    // Both halves are of the same gain, or a tone would come with its image.
    let sum: f64 = taps.iter().sum();
    taps.map(|tap| (tap / sum / 2.0) as f32)
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

/// The last samples of either phase at 8 kHz, oldest first: those that meet the taps, and those that meet the middle.
#[derive(Default)]
struct Line {
    filtered: Vec<f32>,
    middle: Vec<f32>,
}

impl Transcoder {
    pub fn new(from: Codec, to: Codec) -> Self {
        let rate = match (from.sample_rate_hz(), to.sample_rate_hz()) {
            (from, to) if from > to => Rate::Half(Box::new(Line::new())),
            (from, to) if from < to => Rate::Double(Box::new(Line::new())),
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
    fn new() -> Self {
        Self { filtered: vec![0.0; TAPS - 1], middle: vec![0.0; MIDDLE] }
    }

    fn halve(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        out.clear();
        self.middle.extend(samples.chunks_exact(2).map(|pair| f32::from(pair[0])));
        self.filtered.extend(samples.chunks_exact(2).map(|pair| f32::from(pair[1])));
        let taps = &*HALF_BAND;
        let windows = self.filtered.windows(TAPS).zip(&self.middle);
        out.extend(windows.map(|(window, middle)| to_i16(filter(window, taps) + middle / 2.0)));
        self.forget();
    }

    fn double(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        out.clear();
        self.filtered.extend(samples.iter().map(|sample| f32::from(*sample)));
        let taps = &*HALF_BAND;
        for window in self.filtered.windows(TAPS) {
            // A zero between two samples halves the level: twice as loud makes up for it.
            out.push(to_i16(2.0 * filter(window, taps)));
            out.push(to_i16(window[TAPS - 1 - MIDDLE]));
        }
        self.forget();
    }

    /// Keeps what the next packet's first samples will need.
    fn forget(&mut self) {
        self.filtered.drain(..self.filtered.len() - (TAPS - 1));
        self.middle.drain(..self.middle.len() - MIDDLE);
    }
}

fn filter(window: &[f32], taps: &[f32; TAPS]) -> f32 {
    // Eight sums side by side, which the compiler turns into vector instructions.
    let mut sums = [0.0; 8];
    for (samples, taps) in window.chunks_exact(8).zip(taps.chunks_exact(8)) {
        for n in 0..8 {
            sums[n] += samples[n] * taps[n];
        }
    }
    sums.iter().sum()
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
                for hz in [300.0, 1_000.0, 3_000.0, 3_400.0] {
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
        assert!(change < -40.0, "{change:.1} dB of 6 kHz came through as 2 kHz");
    }

    /// A tone's phase in radians, and its power against everything else in dB, at its very frequency.
    fn measure(samples: &[i16], hz: f64, rate_hz: u32) -> (f64, f64) {
        let (mut re, mut im, mut power) = (0.0, 0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            let (s, phase) = (f64::from(*sample), std::f64::consts::TAU * hz * n as f64 / f64::from(rate_hz));
            re += s * phase.cos();
            im -= s * phase.sin();
            power += s * s;
        }
        let tone = 2.0 * (re * re + im * im) / samples.len() as f64;
        (im.atan2(re), 10.0 * (tone / (power - tone)).log10())
    }

    #[test]
    fn a_tone_comes_out_as_it_went_in_and_a_minute_later_still_does() {
        for from in Codec::ALL {
            for to in Codec::ALL {
                let (rate_from, rate) = (from.sample_rate_hz(), to.sample_rate_hz());
                let second = sine(1_000.0, -10.0, 1_000, rate_from);
                let (mut encoder, mut encoded) = (Encoder::new(from), Vec::new());
                let mut transcoder = Transcoder::new(from, to);
                let (mut decoder, mut heard) = (Decoder::new(to), Vec::new());
                let (mut phases, mut out) = (Vec::new(), Vec::new());
                for n in 0..60 {
                    heard.clear();
                    encoded.clear();
                    encoder.encode(&second, &mut encoded);
                    for packet in encoded.chunks(160) {
                        out.clear();
                        transcoder.transcode(packet, &mut out);
                        decoder.decode(&out, &mut heard);
                    }
                    assert_eq!(heard.len() as u32, rate);
                    let (phase, snr_db) = measure(&heard, 1_000.0, rate);
                    // The first second holds the filters' way in.
                    if n > 0 {
                        assert!(snr_db > 30.0, "{from} to {to}: {snr_db:.1} dB");
                        phases.push(phase);
                    }
                }
                let turned = |phase: &f64| {
                    let turn = (phase - phases[0]).abs();
                    turn.min(std::f64::consts::TAU - turn)
                };
                let drift = phases.iter().map(turned).fold(0.0, f64::max);
                let sample = std::f64::consts::TAU * 1_000.0 / f64::from(rate);
                assert!(drift < sample / 100.0, "{from} to {to}: {drift} of {sample} rad a sample");
            }
        }
    }

    #[test]
    fn packets_of_any_length_make_one_stream() {
        for (from, to) in [(Codec::G722, Codec::Pcma), (Codec::Pcmu, Codec::G722), (Codec::Pcma, Codec::Pcmu)] {
            let tone = encode(from, from.sample_rate_hz(), &sine(700.0, -12.0, 300, from.sample_rate_hz())).bytes;
            let (mut whole, mut pieces) = (Vec::new(), Vec::new());
            Transcoder::new(from, to).transcode(&tone, &mut whole);
            let mut transcoder = Transcoder::new(from, to);
            let mut rest = &tone[..];
            for len in [0, 1, 7, 80, 480, 3].into_iter().cycle() {
                let (piece, after) = rest.split_at(rest.len().min(len));
                transcoder.transcode(piece, &mut pieces);
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            assert_eq!(whole, pieces, "{from} to {to}");
        }
    }

    #[test]
    fn between_the_two_g_711_nothing_is_added_but_the_table() {
        for (from, to) in [(Codec::Pcma, Codec::Pcmu), (Codec::Pcmu, Codec::Pcma)] {
            let all: Vec<u8> = (0..=255).collect();
            let (mut out, mut samples, mut expected) = (Vec::new(), Vec::new(), Vec::new());
            Transcoder::new(from, to).transcode(&all, &mut out);
            Decoder::new(from).decode(&all, &mut samples);
            Encoder::new(to).encode(&samples, &mut expected);
            assert_eq!(out, expected);
        }
    }
}
