//! From what a synthesiser gives to what is played: 16 kHz, trimmed, silence before it, evened out, FLAC.
//!
//! The level is the RMS of the blocks of 50 ms that hold speech (those within 10 dB of the mean of all that are above
//! -50 dBFS), brought to -20 dBFS. That is EBU R128's gating without its K-weighting, which for speech on the telephone
//! band moves the result by less than 1 dB.
//!
//! Samples are rounded to 12 bits. Their noise is 77 dB below full scale, 57 dB below the speech: as fine as the finest
//! steps of A-law (G.711), and far below its noise under speech (38 dB). FLAC makes a third less bytes of them.

use super::{SynthesisError, wasted};
use crate::media::clip::{self, Clip};
use crate::media::resample::resample;

/// Sampling rate of prompts in Hz.
pub const RATE_HZ: u32 = 16_000;
/// Level of speech in dBFS.
pub const LEVEL_DBFS: f64 = -20.0;
/// Highest peak in dBFS.
pub const PEAK_DBFS: f64 = -3.0;

/// What is quieter than this at either end is no speech.
const SILENCE_DBFS: f64 = -48.0;
/// Significant bits of a sample.
pub const BITS: u32 = 12;

/// Silence after a prompt that begins with some, and after a clip of a number.
const TAIL_MS: (u32, u32) = (80, 50);
/// A lead below this marks a clip that others follow at once.
const SHORT_LEAD_MS: u32 = 100;
const BLOCK_MS: u32 = 50;
/// Prompts are whole frames of this length. That also spares FLAC a last block of under 16 samples, which `claxon` refuses.
const WHOLE_MS: u32 = 20;
const FADE_MS: u32 = 4;

/// Makes raw speech a prompt. Fails when there is nothing to be heard in it.
pub fn finish(raw: &Clip, lead_ms: u32) -> Result<Clip, SynthesisError> {
    let samples = resample(&raw.samples, raw.rate_hz, RATE_HZ);
    let mut speech = trimmed(&samples).ok_or(SynthesisError::Silent)?.to_vec();
    even_out(&mut speech);
    soften_edges(&mut speech);
    speech.iter_mut().for_each(|sample| *sample = rounded(*sample));
    let tail_ms = if lead_ms < SHORT_LEAD_MS { TAIL_MS.1 } else { TAIL_MS.0 };
    let silence = |ms: u32| std::iter::repeat_n(0_i16, count(ms));
    let mut samples: Vec<i16> = silence(lead_ms).chain(speech).chain(silence(tail_ms)).collect();
    samples.resize(samples.len().next_multiple_of(count(WHOLE_MS)), 0);
    Ok(Clip { rate_hz: RATE_HZ, samples })
}

/// RMS level of speech in dBFS, pauses left out; -infinity for silence.
pub fn speech_level_dbfs(samples: &[i16], rate_hz: u32) -> f64 {
    let block = (rate_hz * BLOCK_MS / 1000).max(1) as usize;
    let powers: Vec<f64> = samples.chunks(block).map(power).filter(|p| db(*p) > -50.0).collect();
    let gate = db(mean(&powers)) - 10.0;
    let loud: Vec<f64> = powers.into_iter().filter(|p| db(*p) > gate).collect();
    db(mean(&loud))
}

/// Encodes a finished prompt as FLAC; the same samples give the same bytes on every machine.
pub fn to_flac(clip: &Clip) -> Result<Vec<u8>, SynthesisError> {
    wasted::encode(clip)
}

fn count(ms: u32) -> usize {
    (RATE_HZ / 1000 * ms) as usize
}

/// Mean square of samples, full scale being 1.
fn power(samples: &[i16]) -> f64 {
    mean(&samples.iter().map(|s| (f64::from(*s) / 32_768.0).powi(2)).collect::<Vec<_>>())
}

fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

fn db(power: f64) -> f64 {
    10.0 * power.log10()
}

fn amplitude(dbfs: f64) -> f64 {
    32_768.0 * 10_f64.powf(dbfs / 20.0)
}

/// From the first to the last sample that is speech, with a little air; `None` when there is none.
fn trimmed(samples: &[i16]) -> Option<&[i16]> {
    let threshold = amplitude(SILENCE_DBFS);
    let is_speech = |s: &i16| f64::from(s.unsigned_abs()) > threshold;
    let first = samples.iter().position(is_speech)?.saturating_sub(count(FADE_MS));
    let last = samples.iter().rposition(is_speech)?.saturating_add(count(FADE_MS)).min(samples.len() - 1);
    samples.get(first..=last)
}

/// Brings speech to its level, then bends what would be higher than the peak allows smoothly under it.
fn even_out(samples: &mut [i16]) {
    let level = speech_level_dbfs(samples, RATE_HZ);
    if !level.is_finite() {
        return;
    }
    let gain = 10_f64.powf((LEVEL_DBFS - level) / 20.0);
    let (peak, knee) = (amplitude(PEAK_DBFS), amplitude(PEAK_DBFS - 5.0));
    let room = peak - knee;
    for sample in samples {
        let wanted = f64::from(*sample) * gain;
        let over = wanted.abs() - knee;
        let bent = if over > 0.0 { knee + room * (over / room).tanh() } else { wanted.abs() };
        // Below the peak, so it fits.
        *sample = (bent * wanted.signum()) as i16;
    }
}

fn soften_edges(samples: &mut [i16]) {
    let fade = count(FADE_MS).min(samples.len() / 2);
    let len = samples.len();
    for i in 0..fade {
        let share = i as f64 / fade as f64;
        for at in [i, len - 1 - i] {
            samples[at] = (f64::from(samples[at]) * share) as i16;
        }
    }
}

/// The nearest sample that needs [`BITS`] bits.
fn rounded(sample: i16) -> i16 {
    let step = 1 << (16 - BITS);
    let steps = (i32::from(sample) + step / 2).div_euclid(step);
    // Speech is at least 3 dB below full scale, so that it fits; anything else is cut.
    (steps * step).min(i32::from(i16::MAX) - (step - 1)) as i16
}

/// Milliseconds of silence that a finished prompt begins with.
pub fn lead_ms(clip: &Clip) -> u64 {
    clip.leading_silence_ms(SILENCE_DBFS)
}

/// Highest sample in dBFS.
pub fn peak_dbfs(clip: &clip::Clip) -> f64 {
    clip.peak_dbfs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{flac, tone_gen};

    /// Syllables of a tone with pauses, at a level.
    fn speech(level_dbm0: f64, rate_hz: u32) -> Clip {
        let tone = tone_gen::sine(300.0, level_dbm0, 300, rate_hz);
        let pause = vec![0; (rate_hz / 5) as usize];
        Clip { rate_hz, samples: [&pause[..], &tone, &pause, &tone, &pause].concat() }
    }

    #[test]
    fn quiet_and_loud_speech_come_out_at_one_level_with_200_ms_before_them() {
        for level in [-40.0, -20.0, -6.0] {
            let prompt = finish(&speech(level, 22_050), 200).expect("it is to be heard");
            let out = speech_level_dbfs(&prompt.samples, prompt.rate_hz);
            assert!((out - LEVEL_DBFS).abs() < 1.0, "{level} came out at {out}");
            assert_eq!(prompt.rate_hz, RATE_HZ);
            assert!((200..210).contains(&lead_ms(&prompt)), "{}", lead_ms(&prompt));
            assert!((1080..1110).contains(&prompt.duration_ms()), "{}", prompt.duration_ms());
        }
    }

    #[test]
    fn a_spike_is_bent_under_the_peak() {
        let mut clip = speech(-20.0, RATE_HZ);
        for at in (4000..8000).step_by(97) {
            clip.samples[at] = i16::MAX;
        }
        let prompt = finish(&clip, 20).expect("it is to be heard");
        assert!(peak_dbfs(&prompt) <= PEAK_DBFS, "{}", peak_dbfs(&prompt));
    }

    #[test]
    fn silence_is_no_prompt() {
        let silent = Clip { rate_hz: 16_000, samples: vec![3; 16_000] };
        assert!(matches!(finish(&silent, 200), Err(SynthesisError::Silent)));
        assert!(matches!(finish(&Clip { rate_hz: 16_000, samples: vec![] }, 200), Err(SynthesisError::Silent)));
    }

    #[test]
    fn rounding_to_12_bits_stays_56_db_below_speech_and_leaves_silence_alone() {
        let fine: Vec<i16> = tone_gen::sine(440.0, -13.86, 1000, RATE_HZ);
        let noise: Vec<i16> = fine.iter().map(|s| s - rounded(*s)).collect();
        let (signal, noise) = (db(power(&fine)), db(power(&noise)));
        assert!(signal - noise > 56.0, "{signal} and {noise} dBFS");
        assert_eq!([0, 7, -8, 8, -9, 32_767, -32_768].map(rounded), [0, 0, 0, 16, -16, 32_752, -32_768]);
        let prompt = finish(&speech(-12.0, 22_050), 200).expect("it is to be heard");
        assert!(prompt.samples.iter().all(|s| s % 16 == 0));
        assert!(prompt.samples[..3_000].iter().all(|s| *s == 0), "silence is digital silence");
    }

    #[test]
    fn flac_keeps_every_sample() {
        let prompt = finish(&speech(-12.0, 22_050), 200).expect("it is to be heard");
        let bytes = to_flac(&prompt).expect("it fits");
        let back = flac::read(&bytes[..]).expect("it is FLAC");
        assert_eq!((back.rate_hz, back.samples), (prompt.rate_hz, prompt.samples.clone()));
        assert_eq!(bytes, to_flac(&prompt).expect("it fits"), "the same samples give the same bytes");
        assert!(bytes.len() < prompt.samples.len(), "compressed to less than half");
    }
}
