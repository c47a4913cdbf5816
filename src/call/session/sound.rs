//! What a caller hears and says: plays, recordings, keys, and the end of the stream.

use super::{Hands, Media, Session, Stage};
use crate::call::events::{CallEvent, What};
use crate::call::io::Output;
use crate::call::playback::Need;
use crate::call::recording::Recording;
use crate::flow::io::{Input as FlowInput, RecordSpec, Say, Token};
use crate::media::io::{Encoded, MediaCommand, MediaEvent, MediaToken, RecordLimits, StreamReport};
use crate::types::{Lang, RecordingId, StreamId};

impl Session {
    pub fn media_event(&mut self, hands: &mut Hands<'_>, stream: StreamId, event: MediaEvent) {
        if let MediaEvent::Keyed { suite } = event {
            // Its keys never were in the signalling.
            return self.tell(hands, What::Encrypted { suite, sealed: true });
        }
        if stream != self.stream() {
            return self.reaching(hands, |reach, h, caller| reach.media_event(h, caller, stream, &event));
        }
        match event {
            MediaEvent::Digit { digit, source } if self.reach.is_talking() => self.press_across(hands, digit, source),
            MediaEvent::Digit { digit, source } => {
                self.tell(hands, What::Key { source });
                if let Some(mission) = &mut self.mission {
                    mission.key_pressed();
                }
                self.drive(hands, FlowInput::Digit(digit));
            }
            MediaEvent::PlayDone(MediaToken(token)) => {
                self.playing.take_if(|(playing, _, _)| playing.0 == token);
                self.drive(hands, FlowInput::PlayDone(Token(token)));
            }
            MediaEvent::RecordDone { token, duration_ms, stop } => {
                let Some(recording) = &mut self.recording else { return };
                if recording.stopped(token, duration_ms, stop) {
                    let recording = recording.id.clone();
                    hands.out.push_back(Output::CloseRecording { stream: self.stream(), recording });
                }
                self.deliver_recording(hands);
            }
            MediaEvent::MediaLost => {
                self.tell(hands, What::MediaLost);
                if !self.tries_next_place(hands) {
                    self.hang_up(hands, "media_silence", None);
                }
            }
            MediaEvent::MediaBack => self.tell(hands, What::MediaBack),
            MediaEvent::Locked { .. } | MediaEvent::Keyed { .. } => {}
        }
    }

    pub fn media_closed(&mut self, hands: &mut Hands<'_>, stream: StreamId, report: StreamReport) {
        let (stats, dropped) = (report.stats, report.dropped);
        self.tell(hands, What::StreamClosed { sent: stats.sent, received: stats.received, dropped });
        if report.dropped_by.forged > 0 {
            self.tell(hands, What::Forged { packets: report.dropped_by.forged });
        }
        if stream != self.stream() {
            self.reaching(hands, |reach, h, caller| reach.media_closed(h, caller, stream, &report));
            self.end_when_over(hands);
            return self.finalize_when_done(hands);
        }
        self.media = Media::None;
        self.record.rtp = report.stats;
        self.reach.figures(stream, report.stats);
        if let Some(recording) = &mut self.recording
            && recording.stream_gone()
        {
            let recording = recording.id.clone();
            hands.out.push_back(Output::CloseRecording { stream: self.stream(), recording });
        }
        // A stream that ended by itself leaves a mute line: no reason to keep the caller on it.
        self.hang_up(hands, "media_failed", None);
        self.finalize_when_done(hands);
    }

    pub fn recorded(&mut self, hands: &mut Hands<'_>, id: &RecordingId, written: bool) {
        let Some(recording) = self.recording.as_mut().filter(|r| r.id == *id) else { return };
        recording.closed(written);
        if !written {
            self.command(hands, MediaCommand::StopRecord);
        }
        self.deliver_recording(hands);
    }

    /// Tells the flow once both ends agree: no more audio comes, and the file is on disk.
    pub(super) fn deliver_recording(&mut self, hands: &mut Hands<'_>) {
        let gone = !matches!(self.stage, Stage::Talking);
        let Some(done) = self.recording.as_ref().and_then(|r| r.done(gone)) else { return };
        self.recording = None;
        self.record.recording = Some(done.recording.clone());
        let written = done.written;
        self.tell(
            hands,
            What::RecordingEnded { recording: done.recording.clone(), duration_ms: done.duration_ms, written },
        );
        self.drive(hands, done.into_flow_input());
        self.finalize_when_done(hands);
    }

    pub fn recording_loaded(&mut self, hands: &mut Hands<'_>, id: &RecordingId, audio: Option<Encoded>) {
        self.reach.recording_loaded(hands, id, audio.as_ref());
        if audio.is_none() {
            self.feedback.push_back(FlowInput::Unreadable(id.clone()));
        }
        if let Some((token, items)) = self.playback.loaded(id, audio) {
            self.start_play(hands, token, items);
        }
        self.drain_feedback(hands);
    }

    pub(super) fn play(&mut self, hands: &mut Hands<'_>, token: Token, say: &[Say], lang: &Lang) {
        let Media::Open(config) = &self.media else { return };
        let codec = config.codec;
        let call = self.record.id;
        self.playing = Some((token, say.to_vec(), lang.clone()));
        self.looping = None;
        let ready = self.playback.prepare(&self.service.prompts, token, say, lang, codec, |need| {
            hands.out.push_back(match need {
                Need::Recording(recording) => Output::LoadRecording { call, recording, codec },
                Need::Prompt(prompt) => {
                    Output::Event(CallEvent { call: Some(call), what: What::PromptMissing { prompt } })
                }
            });
        });
        if let Some((token, items)) = ready {
            self.start_play(hands, token, items);
        }
    }

    pub(super) fn start_play(&mut self, hands: &mut Hands<'_>, token: Token, items: Vec<Encoded>) {
        if items.is_empty() {
            // Nothing to be heard (every clip missing): the flow must go on all the same.
            self.feedback.push_back(FlowInput::PlayDone(token));
        } else {
            self.command(hands, MediaCommand::Play { token: MediaToken(token.0), items });
        }
    }

    pub(super) fn start_recording(&mut self, hands: &mut Hands<'_>, token: Token, spec: RecordSpec) {
        self.recordings += 1;
        let id = self.service.recording_id(self.record.id, self.recordings, hands.now.wall);
        let Media::Open(config) = &self.media else {
            self.feedback.push_back(Recording::never_started(token, id));
            return;
        };
        let warning = Some(self.service.warning_tone(config.codec));
        let limits = RecordLimits {
            max_ms: spec.max_ms,
            silence_ms: spec.silence_ms,
            warn_ms: spec.warn_ms,
            stop_keys: spec.stop_keys,
        };
        hands.out.push_back(Output::OpenRecording { stream: self.stream(), recording: id.clone() });
        self.command(hands, MediaCommand::Record { token: MediaToken(token.0), limits, warning });
        self.tell(hands, What::RecordingStarted { recording: id.clone() });
        // On the row at once, so that a recording cut short by power loss is found again.
        self.record.recording = Some(id.clone());
        self.recording = Some(Recording::new(token, id, hands.now.mono));
        self.put_call(hands);
    }

    pub(super) fn command(&self, hands: &mut Hands<'_>, command: MediaCommand) {
        if matches!(self.media, Media::Open(_)) {
            hands.out.push_back(Output::Media { stream: self.stream(), command });
        }
    }
}
