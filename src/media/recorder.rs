//! One recording: samples in their place in time, and the rules that end it (R6).

use std::collections::VecDeque;

use super::io::{Encoded, MediaToken, RecordLimits, RecordStop, RecordedAudio};
use super::silence::SilenceDetector;
use crate::types::{Digit, Mono};

/// Pieces of recorded audio that wait for the driver (over ten seconds); what comes on top is lost and counted.
pub const RECORDED_MAX: usize = 64;
/// Length of a piece, in milliseconds.
const PIECE_MS: u64 = 160;
/// Held back from the pieces so that the start of a stop key's tone can be cut off again.
const RESERVE_MS: u64 = 60;
/// A recording without a limit of its own ends after this (one hour).
const MAX_MS_DEFAULT: u32 = 3_600_000;
/// So much more than arrival time has passed may timestamps claim: packets that were late before, or a fast clock.
const SLACK_UNITS: u64 = 300 * UNITS_PER_MS;
/// No audio for so long is written as silence without waiting for the packet after the gap.
const ABSENT_UNITS: u64 = 2_000 * UNITS_PER_MS;
/// Less than this behind the clock is jitter, not absence.
const BEHIND_UNITS: u64 = 100 * UNITS_PER_MS;
/// The RTP clock of all our codecs.
const UNITS_PER_MS: u64 = 8;

#[derive(Debug)]
pub struct Recorder {
    token: MediaToken,
    limits: RecordLimits,
    warning: Option<Encoded>,
    begun: Mono,
    track: Option<Track>,
}

/// The audio, from the first packet on.
#[derive(Debug)]
struct Track {
    /// Of the first packet; the recording keeps it when the codec changes.
    rate_hz: u32,
    first_at: Mono,
    /// Length of the first packet: it was spoken before it arrived.
    first_units: u64,
    /// The timestamp that would follow without a gap; none when the sender began anew.
    next_timestamp: Option<u32>,
    /// Length so far in units of 1/8000 s.
    written_units: u64,
    detector: SilenceDetector,
    /// Not yet handed out.
    pending: Vec<i16>,
    handed_samples: u64,
}

/// A packet's decoded audio.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    pub timestamp: u32,
    pub rate_hz: u32,
    pub samples: &'a [i16],
}

impl Recorder {
    pub fn new(now: Mono, token: MediaToken, limits: RecordLimits, warning: Option<Encoded>) -> Self {
        Self { token, limits, warning, begun: now, track: None }
    }

    pub fn is_stop_key(&self, digit: Digit) -> bool {
        self.limits.stop_keys.contains(&digit)
    }

    /// Puts a packet into its place; gaps become silence. Hands out what is ready.
    pub fn hear(&mut self, now: Mono, heard: Heard<'_>, out: &mut Recorded) -> Option<RecordStop> {
        let max_units = self.max_units();
        let token = self.token;
        let track = self.track.get_or_insert_with(|| Track::new(now, &heard));
        track.place(now, heard, max_units);
        let full = track.written_units >= max_units;
        track.hand_out(token, out);
        self.stop_by_silence(now).or_else(|| full.then_some(RecordStop::Limit))
    }

    /// The sender began anew: its next timestamp has nothing to do with the last.
    pub fn sender_restarted(&mut self) {
        if let Some(track) = &mut self.track {
            track.next_timestamp = None;
        }
    }

    /// Lets time pass: without packets too a recording ends by silence and by its limit.
    pub fn tick(&mut self, now: Mono, out: &mut Recorded) -> Option<RecordStop> {
        let (max_units, token) = (self.max_units(), self.token);
        if let Some(track) = &mut self.track {
            let behind = track.behind_units(now);
            if behind > ABSENT_UNITS {
                track.append_silence((behind - ABSENT_UNITS).min(max_units.saturating_sub(track.written_units)));
                track.hand_out(token, out);
            }
        }
        let over = self.absent_units(now).is_some() && self.elapsed_units(now) >= max_units;
        self.stop_by_silence(now).or_else(|| over.then_some(RecordStop::Limit))
    }

    /// The warning tone, once, when it is due.
    pub fn take_warning(&mut self, now: Mono) -> Option<Encoded> {
        let warn_units = u64::from(self.limits.warn_ms) * UNITS_PER_MS;
        let length = self.track.as_ref().map_or(0, |t| t.written_units).max(self.elapsed_units(now));
        let due = warn_units > 0 && warn_units < self.max_units() && length + warn_units >= self.max_units();
        if due { self.warning.take() } else { None }
    }

    /// Cuts off the end, as far as it was not handed out (60 ms always can be).
    pub fn trim(&mut self, ms: u64) {
        if let Some(track) = &mut self.track {
            let samples = (ms as usize * track.rate_hz as usize / 1000).min(track.pending.len());
            track.pending.truncate(track.pending.len() - samples);
        }
    }

    /// Hands out the rest; its token and length in milliseconds.
    pub fn finish(self, out: &mut Recorded) -> (MediaToken, u64) {
        let Some(mut track) = self.track else { return (self.token, 0) };
        let rest = std::mem::take(&mut track.pending);
        let samples = track.handed_samples + rest.len() as u64;
        if !rest.is_empty() {
            out.push(RecordedAudio { token: self.token, rate_hz: track.rate_hz, samples: rest });
        }
        (self.token, samples * 1000 / u64::from(track.rate_hz))
    }

    fn max_units(&self) -> u64 {
        let max_ms = if self.limits.max_ms == 0 { MAX_MS_DEFAULT } else { self.limits.max_ms };
        u64::from(max_ms) * UNITS_PER_MS
    }

    fn elapsed_units(&self, now: Mono) -> u64 {
        self.track.as_ref().map_or_else(|| units(now, self.begun), |t| t.elapsed_units(now))
    }

    /// For how long no audio came, when it is more than jitter.
    fn absent_units(&self, now: Mono) -> Option<u64> {
        let absent = self.track.as_ref().map_or_else(|| units(now, self.begun), |t| t.behind_units(now));
        (absent > BEHIND_UNITS).then_some(absent)
    }

    fn stop_by_silence(&self, now: Mono) -> Option<RecordStop> {
        let silent_ms = self.track.as_ref().map_or(0, |t| t.detector.silent_ms())
            + self.absent_units(now).map_or(0, |u| u / UNITS_PER_MS);
        (self.limits.silence_ms > 0 && silent_ms >= u64::from(self.limits.silence_ms)).then_some(RecordStop::Silence)
    }
}

impl Track {
    fn new(now: Mono, first: &Heard<'_>) -> Self {
        Self {
            rate_hz: first.rate_hz,
            first_at: now,
            first_units: first.units(),
            next_timestamp: Some(first.timestamp),
            written_units: 0,
            detector: SilenceDetector::new(first.rate_hz),
            pending: Vec::new(),
            handed_samples: 0,
        }
    }

    /// Length that the recording should have by the clock.
    fn elapsed_units(&self, now: Mono) -> u64 {
        self.first_units + units(now, self.first_at)
    }

    fn behind_units(&self, now: Mono) -> u64 {
        self.elapsed_units(now).saturating_sub(self.written_units)
    }

    fn place(&mut self, now: Mono, heard: Heard<'_>, max_units: u64) {
        let (gap, skip) = self.gap_and_overlap(now, &heard);
        self.append_silence(gap.min(max_units.saturating_sub(self.written_units)));
        self.next_timestamp = Some(heard.timestamp.wrapping_add(heard.units() as u32));
        let room = max_units.saturating_sub(self.written_units);
        let per_unit = (heard.rate_hz / 8000).max(1) as usize;
        let from = (skip as usize * per_unit).min(heard.samples.len());
        let to = (from + room as usize * per_unit).min(heard.samples.len());
        self.append(&heard.samples[from..to], heard.rate_hz);
        self.written_units += ((to - from) / per_unit) as u64;
    }

    /// Units of silence before a packet, and units of it that were there already.
    ///
    /// A gap is what the timestamps say, as far as the clock agrees: a jump beyond the time that has passed is a new clock of
    /// the sender's, and the gap what has passed. So no sender can make silence faster than time makes it.
    fn gap_and_overlap(&self, now: Mono, heard: &Heard<'_>) -> (u64, u64) {
        let by_clock = self.elapsed_units(now).saturating_sub(self.written_units + heard.units());
        let Some(next) = self.next_timestamp else { return (by_clock, 0) };
        let ahead = i64::from(heard.timestamp.wrapping_sub(next) as i32);
        match u64::try_from(ahead) {
            Ok(gap) if gap <= by_clock + SLACK_UNITS => (gap, 0),
            Ok(_) => (by_clock, 0),
            // Wholly behind though it came in order: the sender's clock stepped back. Its audio counts all the same.
            Err(_) if ahead.unsigned_abs() >= heard.units() => (0, 0),
            Err(_) => (0, ahead.unsigned_abs()),
        }
    }

    fn append_silence(&mut self, units: u64) {
        let samples = (units * u64::from(self.rate_hz) / 8000) as usize;
        let start = self.pending.len();
        self.pending.resize(start + samples, 0);
        self.detector.push(&self.pending[start..]);
        self.written_units += units;
        self.next_timestamp = self.next_timestamp.map(|next| next.wrapping_add(units as u32));
    }

    fn append(&mut self, samples: &[i16], rate_hz: u32) {
        let start = self.pending.len();
        match rate_hz.cmp(&self.rate_hz) {
            std::cmp::Ordering::Equal => self.pending.extend_from_slice(samples),
            // The codec changed in the middle: rare enough for the simplest conversions between 8 and 16 kHz.
            std::cmp::Ordering::Less => self.pending.extend(samples.iter().flat_map(|s| [*s, *s])),
            std::cmp::Ordering::Greater => self
                .pending
                .extend(samples.chunks_exact(2).map(|pair| ((i32::from(pair[0]) + i32::from(pair[1])) / 2) as i16)),
        }
        self.detector.push(&self.pending[start..]);
    }

    fn hand_out(&mut self, token: MediaToken, out: &mut Recorded) {
        let len = |ms: u64| (ms * u64::from(self.rate_hz) / 1000) as usize;
        let (piece, reserve) = (len(PIECE_MS), len(RESERVE_MS));
        while self.pending.len() >= piece + reserve {
            let samples = self.pending.drain(..piece).collect();
            self.handed_samples += piece as u64;
            out.push(RecordedAudio { token, rate_hz: self.rate_hz, samples });
        }
    }
}

impl Heard<'_> {
    fn units(&self) -> u64 {
        self.samples.len() as u64 * 8000 / u64::from(self.rate_hz.max(1))
    }
}

fn units(now: Mono, since: Mono) -> u64 {
    now.0.saturating_sub(since.0) * UNITS_PER_MS / 1000
}

/// Recorded pieces on their way to the driver.
#[derive(Debug, Default)]
pub struct Recorded {
    queue: VecDeque<RecordedAudio>,
    lost: u64,
}

impl Recorded {
    pub fn pop(&mut self) -> Option<RecordedAudio> {
        self.queue.pop_front()
    }

    /// Pieces lost because nobody fetched them.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    fn push(&mut self, piece: RecordedAudio) {
        if self.queue.len() < RECORDED_MAX {
            self.queue.push_back(piece);
        } else {
            self.lost += 1;
        }
    }
}
