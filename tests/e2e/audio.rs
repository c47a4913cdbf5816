//! What was spoken against what was recorded.

use std::fs::File;
use std::path::Path;

use frontdesk::media::clip::Clip;
use frontdesk::media::wav;

pub const SPOKEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/fault.wav");
const WINDOW_MS: usize = 20;

pub fn read(path: &Path) -> Clip {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    wav::read(file).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// At a rate that the clip's is a multiple of.
pub fn at_rate(clip: &Clip, rate_hz: u32) -> Clip {
    let step = (clip.rate_hz / rate_hz) as usize;
    Clip { rate_hz, samples: clip.samples.iter().copied().step_by(step).collect() }
}

/// What three who talk say over and over, each something else: the caller, and two of the staff.
pub fn voices() -> [Clip; 3] {
    let Clip { rate_hz, samples } = read(Path::new(SPOKEN));
    let thirds = samples.len() / 3;
    [0, 1, 2].map(|n| Clip { rate_hz, samples: samples[n * thirds..][..thirds].to_vec() })
}

/// How alike the loudness of `part` and of a stretch of `whole` runs, from -1 to 1, where they fit best. The part may begin
/// before the whole by half its own length.
pub fn likeness(part: &Clip, whole: &Clip) -> f64 {
    let (part, whole) = (envelope(part), envelope(whole));
    let earliest = -(part.len() as isize) / 2;
    (earliest..whole.len() as isize).map(|shift| correlation(&part, &whole, shift)).fold(-1.0, f64::max)
}

/// RMS of each window.
fn envelope(clip: &Clip) -> Vec<f64> {
    let rms = |w: &[i16]| (w.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / w.len() as f64).sqrt();
    clip.samples.chunks(clip.rate_hz as usize * WINDOW_MS / 1000).map(rms).collect()
}

/// Of all of `a` with `b` moved; where `b` has nothing it is silent.
fn correlation(a: &[f64], b: &[f64], shift: isize) -> f64 {
    let moved = |i: usize| i.checked_add_signed(shift).and_then(|i| b.get(i)).copied().unwrap_or(0.0);
    let b: Vec<f64> = (0..a.len()).map(moved).collect();
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (ma, mb) = (mean(a), mean(&b));
    let product: f64 = a.iter().zip(&b).map(|(x, y)| (x - ma) * (y - mb)).sum();
    let power = |v: &[f64], m: f64| v.iter().map(|x| (x - m).powi(2)).sum::<f64>();
    product / (power(a, ma) * power(&b, mb)).sqrt().max(f64::MIN_POSITIVE)
}

#[test]
fn likeness_tells_the_same_speech_from_other() {
    let spoken = read(Path::new(SPOKEN));
    let late = Clip { rate_hz: spoken.rate_hz, samples: [vec![0; 8000], spoken.samples.clone()].concat() };
    assert!(likeness(&spoken, &late) > 0.99);
    let backwards = Clip { rate_hz: spoken.rate_hz, samples: spoken.samples.iter().rev().copied().collect() };
    assert!(likeness(&spoken, &backwards) < 0.8);
}

#[test]
fn voices_are_told_from_one_another() {
    let said = voices();
    let for_long = said.each_ref().map(|voice| Clip { rate_hz: voice.rate_hz, samples: voice.samples.repeat(4) });
    for (i, voice) in said.iter().enumerate() {
        for (j, whole) in for_long.iter().enumerate() {
            let alike = likeness(voice, whole);
            assert_eq!(alike > 0.8, i == j, "voice {i} in {j}: {alike:.3}");
        }
    }
}
