//! Tones that the desk makes itself: the beep before a recording, keys in the band, test signals.

use std::f64::consts::TAU;

use crate::types::Digit;

/// Peak amplitude of a sine of 0 dBm0: G.711's full-scale sine lies at +3.14 dBm0 (ITU-T G.711 table 5, A-law).
const PEAK_0_DBM0: f64 = 22_826.0;

/// Rows and columns of the keypad in Hz (ITU-T Q.23).
pub const ROWS_HZ: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
pub const COLUMNS_HZ: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];

/// The keys by row and column.
pub const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// A sine of `level_dbm0`, starting at phase zero.
pub fn sine(hz: f64, level_dbm0: f64, ms: u32, rate_hz: u32) -> Vec<i16> {
    to_samples(ms, rate_hz, |t| amplitude(level_dbm0) * (TAU * hz * t).sin())
}

/// The tone before a recording: 400 ms of 1000 Hz at -14 dBm0 with soft edges.
pub fn beep(rate_hz: u32) -> Vec<i16> {
    soft_edges(sine(1_000.0, -14.0, 400, rate_hz), rate_hz)
}

/// The tone before a limit cuts a recording off: two short beeps of 800 Hz, quiet enough to talk on (R6).
pub fn warning_beep(rate_hz: u32) -> Vec<i16> {
    let pip = soft_edges(sine(800.0, -20.0, 120, rate_hz), rate_hz);
    let gap = vec![0; samples_of(80, rate_hz)];
    [pip.as_slice(), &gap, &pip].concat()
}

/// A key in the band at -9 dBm0 (low) and -7 dBm0 (high), the usual 2 dB of pre-emphasis (ETSI ES 201 235-2).
pub fn dtmf(digit: Digit, ms: u32, rate_hz: u32) -> Vec<i16> {
    let (low, high) = frequencies(digit);
    dual(low, -9.0, high, -7.0, ms, rate_hz)
}

/// The row's and the column's frequency of a key, in Hz.
pub fn frequencies(digit: Digit) -> (f64, f64) {
    let is_it = |&(row, column): &(usize, usize)| KEYS[row][column] == digit.as_char();
    let places = (0..4).flat_map(|row| (0..4).map(move |column| (row, column)));
    let (row, column) = places.into_iter().find(is_it).expect("the keypad holds all sixteen digits");
    (ROWS_HZ[row], COLUMNS_HZ[column])
}

/// Two sines with a level each, in dBm0.
pub fn dual(low_hz: f64, low_dbm0: f64, high_hz: f64, high_dbm0: f64, ms: u32, rate_hz: u32) -> Vec<i16> {
    to_samples(ms, rate_hz, |t| {
        amplitude(low_dbm0) * (TAU * low_hz * t).sin() + amplitude(high_dbm0) * (TAU * high_hz * t).sin()
    })
}

/// Peak amplitude of a sine in 16-bit steps.
pub fn amplitude(level_dbm0: f64) -> f64 {
    PEAK_0_DBM0 * 10f64.powf(level_dbm0 / 20.0)
}

fn samples_of(ms: u32, rate_hz: u32) -> usize {
    (u64::from(ms) * u64::from(rate_hz) / 1000) as usize
}

fn to_samples(ms: u32, rate_hz: u32, at: impl Fn(f64) -> f64) -> Vec<i16> {
    (0..samples_of(ms, rate_hz)).map(|n| at(n as f64 / f64::from(rate_hz)).round() as i16).collect()
}

/// Raises and lowers the first and last 5 ms, so that no click is heard.
fn soft_edges(mut samples: Vec<i16>, rate_hz: u32) -> Vec<i16> {
    let edge = samples_of(5, rate_hz).min(samples.len() / 2);
    let last = samples.len().saturating_sub(1);
    for n in 0..edge {
        let gain = n as f64 / edge as f64;
        samples[n] = (f64::from(samples[n]) * gain) as i16;
        samples[last - n] = (f64::from(samples[last - n]) * gain) as i16;
    }
    samples
}

#[cfg(test)]
mod tests {
    use crate::media::clip::level_dbfs;

    use super::*;

    #[test]
    fn levels_are_dbm0() {
        // A sine of +3.14 dBm0 is a full-scale one, which has -3.01 dBFS (RMS).
        assert!((level_dbfs(&sine(1_000.0, 3.0, 100, 8_000)) + 3.01 + 0.14).abs() < 0.05);
        assert!((level_dbfs(&sine(1_000.0, -10.0, 100, 16_000)) + 16.15).abs() < 0.05);
    }

    #[test]
    fn beeps_begin_and_end_softly() {
        for rate in [8_000, 16_000] {
            for tone in [beep(rate), warning_beep(rate)] {
                assert!(tone[0] == 0 && tone[tone.len() - 1] == 0);
                assert!(level_dbfs(&tone) > -40.0);
            }
            assert_eq!(beep(rate).len(), rate as usize * 400 / 1000);
        }
    }

    #[test]
    fn every_digit_has_its_pair() {
        for code in 0..16 {
            let digit = Digit::from_event(code).expect("codes 0 to 15 are digits");
            let (low, high) = frequencies(digit);
            assert!(ROWS_HZ.contains(&low) && COLUMNS_HZ.contains(&high));
        }
        assert_eq!(frequencies(Digit::HASH), (941.0, 1477.0));
        assert_eq!(dtmf(Digit::STAR, 40, 8_000).len(), 320);
    }
}
