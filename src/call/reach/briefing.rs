//! Telling somebody who took a call whose caller is gone what is known of it: who called, what they said, the ticket.

use std::time::Duration;

use super::Caller;
use super::account::Account;
use super::leg::OutLeg;
use crate::call::io::Output;
use crate::call::playback::{Need, Playback};
use crate::call::session::Hands;
use crate::desk::call_record::LegEnd;
use crate::flow::io::{Say, Token};
use crate::media::io::{Encoded, MediaCommand, MediaEvent, MediaToken};
use crate::sip::user_agent::LegId;
use crate::types::{CallId, Codec, Digit, Lang, Mono, RecordingId, StreamId};

/// Said so often by itself.
const TIMES: u32 = 2;
/// Said so often, with the times that a key asks for it.
const TIMES_MAX: u32 = 20;
/// Between one time and the next, and before we hang up.
const PAUSE: Duration = Duration::from_secs(3);

/// It ends then, also for one who put us on hold.
const LASTS_MAX: Duration = Duration::from_secs(600);

/// See the module.
pub(super) struct Briefing {
    leg: OutLeg,
    begun: Mono,
    /// `None` while the caller's last words are being written.
    say: Option<Vec<Say>>,
    lang: Lang,
    playback: Playback,
    times: u32,
    /// Times that it is said.
    wanted: u32,
    waits_until: Option<Mono>,
}

/// Notes that somebody took the call.
pub(super) fn took(h: &mut Hands<'_>, call: CallId, leg: &OutLeg, account: &mut Account) {
    if let Some(record) = account.of(leg.stream.leg) {
        record.ring_ms = leg.ms_so_far(h.now.mono);
        record.talk_ms = Some(0);
    }
    h.board.talks(h.now.mono, &leg.extension, call);
}

impl Briefing {
    pub fn begin(
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        call: CallId,
        leg: OutLeg,
        (say, lang): (Option<Vec<Say>>, Lang),
        account: &mut Account,
    ) -> Self {
        took(h, call, &leg, account);
        let begun = h.now.mono;
        Self::of(h, caller, (leg, begun), (say, lang))
    }

    /// With one who has taken the call at that time already.
    pub fn of(
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        (leg, begun): (OutLeg, Mono),
        (say, lang): (Option<Vec<Say>>, Lang),
    ) -> Self {
        let playback = Playback::default();
        let mut briefing = Self { leg, begun, say, lang, playback, times: 0, wanted: TIMES, waits_until: None };
        briefing.say_it(h, caller);
        briefing
    }

    pub fn extension(&self) -> &str {
        &self.leg.extension
    }

    pub fn begun(&self) -> Mono {
        self.begun
    }

    pub fn has_stream(&self, stream: StreamId) -> bool {
        self.leg.stream == stream
    }

    pub fn is_leg(&self, leg: LegId) -> bool {
        self.leg.leg() == Some(leg)
    }

    /// What there is to tell is known.
    pub fn know(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, say: Vec<Say>) {
        if self.say.is_none() {
            self.say = Some(say);
            self.say_it(h, caller);
        }
    }

    pub fn next_wake(&self) -> Option<Mono> {
        let until = self.begun + LASTS_MAX;
        Some(self.waits_until.map_or(until, |at| at.min(until)))
    }

    /// Whether it is over.
    pub fn timeout(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>) -> bool {
        if self.begun + LASTS_MAX <= h.now.mono {
            return true;
        }
        if self.waits_until.take_if(|at| *at <= h.now.mono).is_some() {
            if self.times >= self.wanted {
                return true;
            }
            self.say_it(h, caller);
        }
        false
    }

    pub fn reinvite(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, offer: Option<&[u8]>) {
        let before = self.leg.codec();
        self.leg.reinvite(h, offer);
        self.say_in_another(h, caller, before);
    }

    pub fn reinvite_acked(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, answer: Option<&[u8]>) {
        let before = self.leg.codec();
        self.leg.reinvite_acked(h, answer);
        self.say_in_another(h, caller, before);
    }

    /// What was begun in one codec is said again in the other.
    fn say_in_another(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, before: Option<Codec>) {
        if self.leg.codec() != before && self.waits_until.is_none() && self.times < TIMES_MAX {
            self.wanted = self.wanted.max(self.times + 1);
            self.say_it(h, caller);
        }
    }

    pub fn info(&self, h: &mut Hands<'_>, digit: Digit, duration_ms: u32) {
        self.leg.command(h, MediaCommand::InfoDigit { digit, duration_ms });
    }

    /// Whether it is over.
    pub fn media_event(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, event: &MediaEvent) -> bool {
        match event {
            // Any key says it again from the beginning.
            MediaEvent::Digit { .. } if self.times < TIMES_MAX => {
                self.wanted = self.wanted.max(self.times + 1);
                self.say_it(h, caller);
            }
            MediaEvent::PlayDone(MediaToken(times)) if *times == self.times => {
                self.waits_until = Some(h.now.mono + PAUSE);
            }
            MediaEvent::MediaLost => return true,
            MediaEvent::Digit { .. }
            | MediaEvent::PlayDone(_)
            | MediaEvent::RecordDone { .. }
            | MediaEvent::MediaBack
            | MediaEvent::Keyed { .. }
            | MediaEvent::Locked { .. } => {}
        }
        false
    }

    pub fn recording_loaded(&mut self, h: &mut Hands<'_>, id: &RecordingId, audio: Option<&Encoded>) {
        let fits = audio.filter(|audio| self.leg.config().is_some_and(|config| config.codec == audio.codec));
        if let Some((Token(times), items)) = self.playback.loaded(id, fits.cloned()) {
            self.play(h, times, items);
        }
    }

    /// The leg is let go.
    pub fn end(self, h: &mut Hands<'_>, call: CallId, account: &mut Account) {
        h.board.talked(h.now.mono, &self.leg.extension, call);
        if let Some(record) = account.of(self.leg.stream.leg) {
            record.talk_ms = Some(h.now.mono.ms_since(self.begun));
        }
        self.leg.end(h, account, LegEnd::Talked);
    }

    fn say_it(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>) {
        let (Some(say), Some(config)) = (&self.say, self.leg.config()) else { return };
        let (call, codec) = (self.leg.stream.call, config.codec);
        self.times += 1;
        self.waits_until = None;
        let prompts = &caller.service.prompts;
        let ready = self.playback.prepare(prompts, Token(self.times), say, &self.lang, codec, |need| {
            if let Need::Recording(recording) = need {
                h.out.push_back(Output::LoadRecording { call, recording, codec });
            }
        });
        if let Some((Token(times), items)) = ready {
            self.play(h, times, items);
        }
    }

    fn play(&mut self, h: &mut Hands<'_>, times: u32, items: Vec<Encoded>) {
        if items.is_empty() {
            self.waits_until = Some(h.now.mono + PAUSE);
        } else {
            self.leg.command(h, MediaCommand::Play { token: MediaToken(times), items });
        }
    }
}
