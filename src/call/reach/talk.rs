//! The caller and the one who took the call: bridged, until either hangs up or the call is handed on.

use super::Caller;
use super::account::Account;
use super::codes::{Codes, Pressed};
use super::leg::OutLeg;
use crate::call::io::Output;
use crate::call::session::Hands;
use crate::desk::call_record::LegEnd;
use crate::desk::request::RequestId;
use crate::flow::io::Parted;
use crate::media::io::{DigitSource, MediaCommand, MediaEvent};
use crate::sip::user_agent::{EndReason, LegId};
use crate::types::{CallId, Digit, Mono, StreamId};

/// How long a key that is carried across by hand sounds.
const PRESS_MS: u32 = 120;

/// What came of something that happened in a talk.
pub(super) enum Talked {
    GoesOn,
    Music(bool),
    /// Keys for the caller to hear.
    Press(Vec<Digit>),
    Over(Parted),
}

/// See the module.
pub(super) struct Talk {
    id: RequestId,
    call: CallId,
    leg: OutLeg,
    begun: Mono,
    codes: Codes,
}

impl Talk {
    pub fn begin(h: &mut Hands<'_>, id: RequestId, call: CallId, leg: OutLeg, account: &mut Account) -> Self {
        if let Some(record) = account.of(leg.stream.leg) {
            record.ring_ms = leg.ms_so_far(h.now.mono);
            record.talk_ms = Some(0);
        }
        h.board.talks(h.now.mono, &leg.extension, call);
        Self { id, call, leg, begun: h.now.mono, codes: Codes::default() }
    }

    pub fn id(&self) -> RequestId {
        self.id
    }

    pub fn extension(&self) -> &str {
        &self.leg.extension
    }

    /// Lets them hear each other; the caller's stream is open.
    pub fn bridge(&self, h: &mut Hands<'_>) {
        // Keys of the one who took the call may be codes: they are carried across by hand once it is clear that they are none.
        h.out.push_back(Output::Bridge {
            a: StreamId::caller(self.call),
            b: self.leg.stream,
            carry_keys: (true, false),
        });
    }

    pub fn next_wake(&self) -> Option<Mono> {
        self.codes.next_wake()
    }

    pub fn timeout(&mut self, h: &mut Hands<'_>) -> Talked {
        match self.codes.timeout(h.now.mono) {
            Pressed::Plain(digits) if !digits.is_empty() => Talked::Press(digits),
            Pressed::Plain(_) | Pressed::Waits | Pressed::HandBack => Talked::GoesOn,
        }
    }

    pub fn ended(&mut self, _h: &mut Hands<'_>, leg: LegId, reason: EndReason) -> Talked {
        if self.leg.leg() != Some(leg) {
            return Talked::GoesOn;
        }
        Talked::Over(match reason {
            EndReason::Bye => Parted::TheyHungUp,
            EndReason::Lost => Parted::Lost,
        })
    }

    pub fn reinvite(&mut self, h: &mut Hands<'_>, leg: LegId, offer: Option<&[u8]>) -> Talked {
        if self.leg.leg() != Some(leg) {
            return Talked::GoesOn;
        }
        let changed = self.leg.reinvite(h, offer);
        held(changed)
    }

    pub fn reinvite_acked(&mut self, h: &mut Hands<'_>, leg: LegId, answer: Option<&[u8]>) -> Talked {
        if self.leg.leg() != Some(leg) {
            return Talked::GoesOn;
        }
        held(self.leg.reinvite_acked(h, answer))
    }

    pub fn info(&self, h: &mut Hands<'_>, leg: LegId, digit: Digit, duration_ms: u32) {
        if self.leg.leg() == Some(leg) {
            self.leg.command(h, MediaCommand::InfoDigit { digit, duration_ms });
        }
    }

    pub fn media_event(&mut self, h: &mut Hands<'_>, stream: StreamId, event: &MediaEvent) -> Talked {
        if stream != self.leg.stream {
            return Talked::GoesOn;
        }
        match event {
            // A tone in the audio was heard across already; as a part of a code it counts all the same.
            MediaEvent::Digit { digit, source } => match self.codes.press(h.now.mono, *digit) {
                Pressed::HandBack => Talked::Over(Parted::HandedBack),
                Pressed::Plain(digits) if *source != DigitSource::Inband => Talked::Press(digits),
                Pressed::Plain(_) | Pressed::Waits => Talked::GoesOn,
            },
            MediaEvent::MediaLost => Talked::Over(Parted::Lost),
            MediaEvent::PlayDone(_)
            | MediaEvent::RecordDone { .. }
            | MediaEvent::MediaBack
            | MediaEvent::Locked { .. } => Talked::GoesOn,
        }
    }

    pub fn media_closed(&mut self, _h: &mut Hands<'_>, stream: StreamId) -> Talked {
        if stream == self.leg.stream { Talked::Over(Parted::Lost) } else { Talked::GoesOn }
    }

    /// The caller put the line on hold, or came back: music for the other side meanwhile.
    pub fn caller_held(&self, h: &mut Hands<'_>, caller: &Caller<'_>, held: bool) {
        let codec = self.leg.config().map(|config| config.codec);
        let music = codec.filter(|_| held).and_then(|codec| caller.service.music(codec));
        self.leg
            .command(h, music.map_or(MediaCommand::StopPlay, |music| MediaCommand::PlayLoop { items: vec![music] }));
    }

    /// A key of the caller, for the one who took the call.
    pub fn press(&self, h: &mut Hands<'_>, digit: Digit) {
        self.leg.command(h, MediaCommand::Press { digit, length_ms: PRESS_MS });
    }

    /// Parts them; the leg is let go.
    pub fn end(self, h: &mut Hands<'_>, account: &mut Account) {
        h.out.push_back(Output::Unbridge { a: StreamId::caller(self.call) });
        h.board.talked(h.now.mono, &self.leg.extension, self.call);
        if let Some(record) = account.of(self.leg.stream.leg) {
            record.talk_ms = Some(h.now.mono.ms_since(self.begun));
        }
        self.leg.end(h, account, LegEnd::Talked);
    }
}

/// Music for the caller while the other side holds (R15).
fn held(may_be_heard: Option<bool>) -> Talked {
    may_be_heard.map_or(Talked::GoesOn, |heard| Talked::Music(!heard))
}
