//! Tells when a caller has stopped speaking (R6: short pauses don't count, line noise is not speech).

/// One measured frame: 10 ms.
const FRAMES_PER_SECOND: u32 = 100;
const FRAME_MS: u64 = 10;
/// Below this nothing is ever speech: line noise of -50 dBFS lies 5 dB under it, quiet speech of -35 dBFS well over.
const ALWAYS_SILENT_DBFS: f32 = -45.0;
/// Sound this far above the noise floor is speech.
const ABOVE_FLOOR_DB: f32 = 8.0;
/// Sound this loud is never taken for noise, however steady it is.
const ALWAYS_SOUND_DBFS: f32 = -18.0;
/// Loud frames in a row before it is speech, not a click.
const SPEECH_FRAMES: u32 = 3;
/// The floor is the lowest level of the last three seconds (in six slots of half a second): speech always pauses
/// within it, a fan or a street doesn't.
const FLOOR_SLOTS: usize = 6;
const FRAMES_PER_SLOT: u32 = 50;

/// Energy with an adaptive floor. Costs one multiplication per sample.
#[derive(Debug, Clone)]
pub struct SilenceDetector {
    frame_len: u32,
    /// The frame being filled: count, sum and sum of squares (the mean is taken off: a line may carry a DC offset).
    count: u32,
    sum: i64,
    squares: u64,
    /// Level of the last frames, smoothed over some 40 ms, so that one lucky quiet frame is not the floor.
    smooth_dbfs: Option<f32>,
    slots: [f32; FLOOR_SLOTS],
    slot: usize,
    frames_in_slot: u32,
    loud_frames: u32,
    silent_frames: u64,
    spoke: bool,
}

impl SilenceDetector {
    /// For mono samples of this rate; rates below 100 Hz are treated as 100 Hz.
    pub fn new(rate_hz: u32) -> Self {
        Self {
            frame_len: (rate_hz / FRAMES_PER_SECOND).max(1),
            count: 0,
            sum: 0,
            squares: 0,
            smooth_dbfs: None,
            // Until three seconds have passed the floor is unknown, and only the fixed threshold counts.
            slots: [f32::NEG_INFINITY; FLOOR_SLOTS],
            slot: 0,
            frames_in_slot: 0,
            loud_frames: 0,
            silent_frames: 0,
            spoke: false,
        }
    }

    /// Takes the next samples, as many as there are. Lost packets belong in here as zeros.
    pub fn push(&mut self, mut samples: &[i16]) {
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min((self.frame_len - self.count) as usize));
            self.sum += now.iter().map(|&s| i64::from(s)).sum::<i64>();
            self.squares += now.iter().map(|&s| (i32::from(s) * i32::from(s)) as u64).sum::<u64>();
            self.count += now.len() as u32;
            samples = later;
            if self.count == self.frame_len {
                self.end_frame();
            }
        }
    }

    /// Milliseconds of silence in a row up to now, in steps of 10; zero while someone speaks.
    pub fn silent_ms(&self) -> u64 {
        self.silent_frames * FRAME_MS
    }

    /// Whether anything but silence was heard since the start.
    pub fn spoke(&self) -> bool {
        self.spoke
    }

    /// The present threshold between silence and speech, in dBFS (RMS).
    pub fn threshold_dbfs(&self) -> f32 {
        let floor = self.slots.iter().copied().fold(f32::INFINITY, f32::min);
        (floor + ABOVE_FLOOR_DB).clamp(ALWAYS_SILENT_DBFS, ALWAYS_SOUND_DBFS)
    }

    fn end_frame(&mut self) {
        let level = self.take_level_dbfs();
        let loud = level > self.threshold_dbfs();
        self.follow_floor(level);
        self.loud_frames = if loud { self.loud_frames + 1 } else { 0 };
        if self.loud_frames >= SPEECH_FRAMES {
            self.silent_frames = 0;
            self.spoke = true;
        } else {
            self.silent_frames += 1;
        }
    }

    fn take_level_dbfs(&mut self) -> f32 {
        let n = f64::from(self.count);
        let mean = self.sum as f64 / n;
        let variance = (self.squares as f64 / n - mean * mean).max(0.0);
        (self.count, self.sum, self.squares) = (0, 0, 0);
        // One step of a 16-bit sample lies at -90 dBFS: the floor of what a level can be.
        (10.0 * ((variance + 1.0) / (32_768.0 * 32_768.0)).log10()) as f32
    }

    fn follow_floor(&mut self, level: f32) {
        let smooth = self.smooth_dbfs.map_or(level, |s| s + (level - s) * 0.25);
        self.smooth_dbfs = Some(smooth);
        if self.frames_in_slot == 0 {
            self.slot = (self.slot + 1) % FLOOR_SLOTS;
            self.slots[self.slot] = smooth;
        }
        self.slots[self.slot] = self.slots[self.slot].min(smooth);
        self.frames_in_slot = (self.frames_in_slot + 1) % FRAMES_PER_SLOT;
    }
}

#[cfg(test)]
mod tests {
    use crate::media::tone_gen::sine;
    use crate::types::Random;

    use super::*;

    /// White noise of an RMS level in dBFS.
    fn noise(random: &mut Random, dbfs: f64, ms: usize, rate: usize) -> Vec<i16> {
        // A uniform distribution of width 2a has an RMS of a / sqrt(3).
        let a = 32_768.0 * 10f64.powf(dbfs / 20.0) * 3f64.sqrt();
        (0..ms * rate / 1000)
            .map(|_| (a * (f64::from(random.u32()) / f64::from(u32::MAX) * 2.0 - 1.0)) as i16)
            .collect()
    }

    /// Syllables of 180 ms with 70 ms between them, the level being that of the syllables.
    fn speech(random: &mut Random, dbfs: f64, ms: usize, rate: usize) -> Vec<i16> {
        let mut out = Vec::new();
        while out.len() < ms * rate / 1000 {
            out.extend(noise(random, dbfs, 180, rate));
            out.extend(noise(random, -70.0, 70, rate));
        }
        out.truncate(ms * rate / 1000);
        out
    }

    #[test]
    fn line_noise_at_50_below_is_silence_from_the_start() {
        for rate in [8_000, 16_000] {
            let mut random = Random::for_testing(1);
            let mut detector = SilenceDetector::new(rate as u32);
            detector.push(&noise(&mut random, -50.0, 6_000, rate));
            assert_eq!(detector.silent_ms(), 6_000);
            assert!(!detector.spoke());
        }
    }

    #[test]
    fn quiet_speech_is_not_silence_however_long_it_goes_on() {
        for rate in [8_000, 16_000] {
            let mut random = Random::for_testing(2);
            let mut detector = SilenceDetector::new(rate as u32);
            for chunk in speech(&mut random, -35.0, 60_000, rate).chunks(rate / 50) {
                detector.push(chunk);
                assert!(detector.silent_ms() <= 250, "{} ms", detector.silent_ms());
            }
            assert!(detector.spoke());
        }
    }

    #[test]
    fn a_short_pause_counts_only_until_speech_goes_on() {
        let mut random = Random::for_testing(3);
        let mut detector = SilenceDetector::new(8_000);
        detector.push(&speech(&mut random, -25.0, 3_000, 8_000));
        detector.push(&noise(&mut random, -55.0, 1_500, 8_000));
        assert!((1_400..=1_600).contains(&detector.silent_ms()), "{}", detector.silent_ms());
        detector.push(&speech(&mut random, -25.0, 180, 8_000));
        assert_eq!(detector.silent_ms(), 0);
        detector.push(&[0; 48_000]);
        assert!((5_900..=6_000).contains(&detector.silent_ms()));
    }

    #[test]
    fn a_click_does_not_reset_silence() {
        let mut detector = SilenceDetector::new(8_000);
        detector.push(&[0; 8_000]);
        detector.push(&[20_000, -20_000, 20_000]);
        detector.push(&[0; 7_997]);
        assert_eq!(detector.silent_ms(), 2_000);
    }

    #[test]
    fn a_steady_street_becomes_the_floor_and_speech_over_it_is_heard() {
        let mut random = Random::for_testing(4);
        let mut detector = SilenceDetector::new(8_000);
        detector.push(&noise(&mut random, -36.0, 10_000, 8_000));
        assert!(detector.silent_ms() >= 6_000, "{}", detector.silent_ms());
        detector.push(&speech(&mut random, -22.0, 180, 8_000));
        assert_eq!(detector.silent_ms(), 0);
    }

    #[test]
    fn a_line_with_an_offset_is_still_silent() {
        let mut detector = SilenceDetector::new(8_000);
        detector.push(&[3_000; 16_000]);
        assert_eq!(detector.silent_ms(), 2_000);
        detector.push(&sine(400.0, -20.0, 100, 8_000));
        assert_eq!(detector.silent_ms(), 0);
    }

    #[test]
    fn frames_need_not_fit_the_packets() {
        let mut whole = SilenceDetector::new(16_000);
        let mut pieces = whole.clone();
        let mut random = Random::for_testing(5);
        let audio = speech(&mut random, -30.0, 2_000, 16_000);
        whole.push(&audio);
        audio.chunks(7).for_each(|piece| pieces.push(piece));
        assert_eq!(whole.silent_ms(), pieces.silent_ms());
    }
}
