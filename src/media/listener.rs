//! What is done with the audio and the digits that come in: the recording, the tones, the merging of all ways.

use std::collections::VecDeque;

use super::codec::Decoder;
use super::digits::Digits;
use super::dtmf::tone::{ToneDetector, ToneEvent};
use super::io::{DigitSource, Encoded, Inband, MediaEvent, RecordStop};
use super::jitter::Piece;
use super::recorder::{Heard, Recorded, Recorder};
use crate::types::{Digit, Mono};

/// Digits wait for the driver up to here; what comes on top is lost and counted.
pub const DIGITS_MAX: usize = 64;
/// All events do up to here: those that aren't digits come once per command, so that only a dead driver gets there.
pub const EVENTS_MAX: usize = 128;
/// A tone is told at most this long after its start, before the packet that made it sure.
const TONE_LATENCY_MS: u64 = 40;
/// A gap in the audio up to this long doesn't interrupt a tone: a lost packet is no new press.
const TONE_GAP_UNITS_MAX: u32 = 60 * 8;
/// What a longer gap is to the tone detector: enough silence to end a tone.
const TONE_GAP_SAMPLES: [i16; 1600] = [0; 1600];

#[derive(Debug, Default)]
pub struct Listener {
    ear: Option<Box<Ear>>,
    recorder: Option<Box<Recorder>>,
    recorded: Recorded,
    digits: Digits,
    events: VecDeque<MediaEvent>,
    events_lost: u64,
}

/// Turns packets into samples. It exists only while someone listens.
#[derive(Default)]
struct Ear {
    decoder: Option<Decoder>,
    samples: Vec<i16>,
    tones: Option<Tones>,
}

struct Tones {
    rate_hz: u32,
    detector: ToneDetector,
    next_timestamp: Option<u32>,
    heard: Vec<ToneEvent>,
}

impl Listener {
    /// Whether audio is wanted at all: then it goes through the jitter buffer to `hear`.
    pub fn wants_audio(&self) -> bool {
        self.ear.is_some()
    }

    pub fn is_recording(&self) -> bool {
        self.recorder.is_some()
    }

    /// Starts or stops listening to tones.
    pub fn listen_to_tones(&mut self, wanted: bool) {
        if wanted {
            self.ear.get_or_insert_default().tones.get_or_insert_default();
        } else if let Some(ear) = &mut self.ear {
            ear.tones = None;
            self.drop_idle_ear();
        }
    }

    /// Starts a recording; one that runs already ends as commanded.
    pub fn record(&mut self, recorder: Recorder) {
        self.stop_recording(RecordStop::Commanded);
        self.recorder = Some(Box::new(recorder));
        self.ear.get_or_insert_default();
    }

    /// Ends the recording, if there is one: its rest is handed out, then the event follows.
    pub fn stop_recording(&mut self, stop: RecordStop) {
        let Some(recorder) = self.recorder.take() else { return };
        let (token, duration_ms) = recorder.finish(&mut self.recorded);
        self.tell(MediaEvent::RecordDone { token, duration_ms, stop });
        self.drop_idle_ear();
    }

    /// A packet, in its order.
    pub fn hear(&mut self, now: Mono, piece: Piece<'_>) {
        let Some(codec) = piece.codec else { return };
        let Some(mut ear) = self.ear.take() else { return };
        let rate_hz = codec.sample_rate_hz();
        if ear.decoder.as_ref().is_none_or(|d| d.codec() != codec) {
            ear.decoder = Some(Decoder::new(codec));
        }
        ear.samples.clear();
        if let Some(decoder) = &mut ear.decoder {
            decoder.decode(piece.payload, &mut ear.samples);
        }
        let heard = Heard { timestamp: piece.timestamp, rate_hz, samples: &ear.samples };
        if let Some(tones) = &mut ear.tones {
            tones.push(heard, piece.payload.len());
            for n in 0..tones.heard.len() {
                self.tone(now, tones.heard[n]);
            }
            tones.heard.clear();
        }
        if let Some(recorder) = &mut self.recorder
            && let Some(stop) = recorder.hear(now, heard, &mut self.recorded)
        {
            self.stop_recording(stop);
        }
        // What happened above may have ended the last reason to listen.
        if self.recorder.is_some() || ear.tones.is_some() {
            self.ear = Some(ear);
        }
    }

    /// The sender began anew: its timestamps too.
    pub fn sender_restarted(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.sender_restarted();
        }
        if let Some(tones) = self.ear.as_mut().and_then(|ear| ear.tones.as_mut()) {
            tones.next_timestamp = None;
        }
    }

    /// A way tells of a press (`held`: it will tell of its end). A stop key ends the recording and is told no further.
    pub fn press(&mut self, now: Mono, digit: Digit, source: DigitSource, held: bool) {
        if !self.digits.press(now, digit, source, held) {
            return;
        }
        if let Some(recorder) = self.recorder.as_mut().filter(|r| r.is_stop_key(digit)) {
            if source == DigitSource::Inband {
                recorder.trim(TONE_LATENCY_MS);
            }
            self.stop_recording(RecordStop::Key(digit));
        } else if self.events.len() < DIGITS_MAX {
            self.tell(MediaEvent::Digit { digit, source });
        } else {
            self.events_lost += 1;
        }
    }

    /// A way tells that its key is still down, or up.
    pub fn press_goes_on(&mut self, now: Mono, digit: Digit, source: DigitSource, ended: bool) {
        self.digits.goes_on(now, digit, source, ended);
    }

    /// Lets time pass for the recording; a warning tone that is due.
    pub fn tick(&mut self, now: Mono) -> Option<Encoded> {
        let recorder = self.recorder.as_mut()?;
        if let Some(stop) = recorder.tick(now, &mut self.recorded) {
            self.stop_recording(stop);
            return None;
        }
        recorder.take_warning(now)
    }

    pub fn tell(&mut self, event: MediaEvent) {
        if self.events.len() < EVENTS_MAX {
            self.events.push_back(event);
        } else {
            self.events_lost += 1;
        }
    }

    pub fn poll_event(&mut self) -> Option<MediaEvent> {
        self.events.pop_front()
    }

    pub fn recorded(&mut self) -> &mut Recorded {
        &mut self.recorded
    }

    /// Events and recorded pieces that were lost because nobody fetched them.
    pub fn unfetched(&self) -> u64 {
        self.events_lost + self.recorded.lost()
    }

    fn tone(&mut self, now: Mono, event: ToneEvent) {
        match event {
            ToneEvent::Start(digit) => self.press(now, digit, DigitSource::Inband, true),
            ToneEvent::End(digit, _) => self.press_goes_on(now, digit, DigitSource::Inband, true),
        }
    }

    fn drop_idle_ear(&mut self) {
        self.ear.take_if(|ear| ear.tones.is_none() && self.recorder.is_none());
    }
}

/// Whether tones are to be listened to.
pub fn tones_wanted(inband: Inband, event_negotiated: bool, event_seen: bool) -> bool {
    match inband {
        Inband::Always => true,
        Inband::Off => false,
        Inband::Auto => !(event_negotiated && event_seen),
    }
}

impl Tones {
    fn push(&mut self, heard: Heard<'_>, units: usize) {
        if self.rate_hz != heard.rate_hz {
            *self = Tones { rate_hz: heard.rate_hz, detector: ToneDetector::new(heard.rate_hz), ..Tones::default() };
        }
        let found = &mut self.heard;
        let gap = self.next_timestamp.map_or(0, |next| heard.timestamp.wrapping_sub(next));
        if gap > TONE_GAP_UNITS_MAX {
            self.detector.push(&TONE_GAP_SAMPLES, |event| found.push(event));
        }
        self.detector.push(heard.samples, |event| found.push(event));
        self.next_timestamp = Some(heard.timestamp.wrapping_add(units as u32));
    }
}

impl Default for Tones {
    fn default() -> Self {
        Self { rate_hz: 8000, detector: ToneDetector::new(8000), next_timestamp: None, heard: Vec::new() }
    }
}

impl std::fmt::Debug for Ear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ear").field("tones", &self.tones.is_some()).finish_non_exhaustive()
    }
}
