//! The caller and the one who took the call: bridged, until either hangs up or the call is handed on.

use std::time::Duration;

use super::Caller;
use super::account::Account;
use super::codes::{Codes, Pressed};
use super::leg::OutLeg;
use crate::call::io::Output;
use crate::call::session::Hands;
use crate::desk::call_record::LegEnd;
use crate::desk::request::RequestId;
use crate::flow::io::{Parted, Say};
use crate::media::io::{DigitSource, MediaCommand, MediaEvent, MediaToken};
use crate::sip::user_agent::{EndReason, LegId};
use crate::types::{Digit, Mono, StreamId};

/// How long a key that is carried across by hand sounds.
const PRESS_MS: u32 = 120;
/// A caller who is on hold for so long is forgotten: whoever holds is rung.
const HOLD_MAX: Duration = Duration::from_secs(120);

/// What came of something that happened in a talk.
#[derive(Debug)]
pub(super) enum Talked {
    GoesOn,
    Music(bool),
    /// Keys for the other side to hear.
    Press(Vec<Digit>),
    /// A code of the one who took the call.
    Code(Pressed),
    /// The caller has been on hold for too long.
    Forgotten,
    Over(Parted),
}

/// See the module.
pub(super) struct Talk {
    id: RequestId,
    /// The caller's stream.
    caller: StreamId,
    pub leg: OutLeg,
    begun: Mono,
    codes: Codes,
    /// The other side has put the line on hold.
    held_since: Option<Mono>,
    /// How often the caller was forgotten on hold.
    pub times_forgotten: u32,
}

impl Talk {
    pub fn begin(h: &mut Hands<'_>, id: RequestId, caller: StreamId, leg: OutLeg, account: &mut Account) -> Self {
        if let Some(record) = account.of(leg.stream.leg) {
            // One who was asked first has talked already.
            if record.talk_ms.is_none() {
                record.ring_ms = leg.ms_so_far(h.now.mono);
            }
            record.talk_ms = Some(0);
        }
        h.board.talks(h.now.mono, &leg.extension, caller.call);
        let mut talk =
            Self { id, caller, leg, begun: h.now.mono, codes: Codes::default(), held_since: None, times_forgotten: 0 };
        talk.look_at_hold(h);
        talk
    }

    /// After a change of the leg that no re-INVITE made.
    pub fn look_at_hold(&mut self, h: &Hands<'_>) {
        let heard = self.leg.config().is_none_or(|config| config.send);
        self.held_since = (!heard).then_some(h.now.mono);
    }

    /// Somebody else's call has taken the place of the leg: the record of the one before ends.
    pub fn goes_on_with(&mut self, h: &Hands<'_>, at_ms: u64, place: &str, account: &mut Account) {
        let leg = self.leg.stream.leg;
        if let Some(record) = account.of(leg) {
            record.talk_ms = Some(h.now.mono.ms_since(self.begun));
            record.end = Some(LegEnd::Talked);
            record.codec = self.leg.codec();
        }
        account.begin(leg, at_ms, &self.leg.extension, place);
        self.begun = h.now.mono;
        if let Some(record) = account.of(leg) {
            record.talk_ms = Some(0);
        }
    }

    pub fn id(&self) -> RequestId {
        self.id
    }

    pub fn extension(&self) -> &str {
        &self.leg.extension
    }

    pub fn is(&self, leg: LegId) -> bool {
        self.leg.leg() == Some(leg)
    }

    /// Lets them hear each other; the caller's stream is open.
    pub fn bridge(&self, h: &mut Hands<'_>) {
        // Keys of the one who took the call may be codes: they are carried across by hand once it is clear that they are none.
        h.out.push_back(Output::Bridge { a: self.caller, b: self.leg.stream, carry_keys: (true, false) });
    }

    /// They hear each other no more, for a while or for good.
    pub fn part(&self, h: &mut Hands<'_>) {
        h.out.push_back(Output::Unbridge { a: self.caller });
    }

    pub fn next_wake(&self) -> Option<Mono> {
        let forgotten = self.held_since.map(|at| at + HOLD_MAX);
        [self.codes.next_wake(), forgotten].into_iter().flatten().min()
    }

    pub fn timeout(&mut self, h: &mut Hands<'_>) -> Talked {
        if self.held_since.is_some_and(|at| at + HOLD_MAX <= h.now.mono) {
            self.held_since = Some(h.now.mono);
            return Talked::Forgotten;
        }
        match self.codes.timeout(h.now.mono) {
            Pressed::Waits => Talked::GoesOn,
            Pressed::Plain(digits) => Talked::Press(digits),
            code => Talked::Code(code),
        }
    }

    pub fn begun(&self) -> Mono {
        self.begun
    }

    pub fn is_held(&self) -> bool {
        self.held_since.is_some()
    }

    pub fn ended(&mut self, leg: LegId, reason: EndReason) -> Talked {
        if !self.is(leg) {
            return Talked::GoesOn;
        }
        Talked::Over(match reason {
            EndReason::Bye => Parted::TheyHungUp,
            EndReason::Lost | EndReason::Expired => Parted::Lost,
        })
    }

    pub fn reinvite(&mut self, h: &mut Hands<'_>, leg: LegId, offer: Option<&[u8]>) -> Talked {
        if !self.is(leg) {
            return Talked::GoesOn;
        }
        let changed = self.leg.reinvite(h, offer);
        self.held(h, changed)
    }

    pub fn reinvite_acked(&mut self, h: &mut Hands<'_>, leg: LegId, answer: Option<&[u8]>) -> Talked {
        if !self.is(leg) {
            return Talked::GoesOn;
        }
        let changed = self.leg.reinvite_acked(h, answer);
        self.held(h, changed)
    }

    /// Music for the caller while the other side holds (R15).
    fn held(&mut self, h: &Hands<'_>, may_be_heard: Option<bool>) -> Talked {
        let Some(heard) = may_be_heard else { return Talked::GoesOn };
        self.held_since = (!heard).then_some(h.now.mono);
        Talked::Music(!heard)
    }

    pub fn info(&self, h: &mut Hands<'_>, leg: LegId, digit: Digit, duration_ms: u32) {
        if self.is(leg) {
            self.leg.command(h, MediaCommand::InfoDigit { digit, duration_ms });
        }
    }

    /// `asking`: somebody else is asked meanwhile.
    pub fn media_event(&mut self, h: &mut Hands<'_>, stream: StreamId, event: &MediaEvent, asking: bool) -> Talked {
        if stream != self.leg.stream {
            return Talked::GoesOn;
        }
        match event {
            // A tone in the audio was heard across already; as a part of a code it counts all the same.
            MediaEvent::Digit { digit, source } => {
                let heard = *source == DigitSource::Inband;
                match self.codes.press(h.now.mono, *digit, heard, asking) {
                    Pressed::Plain(digits) => Talked::Press(digits),
                    Pressed::Waits => Talked::GoesOn,
                    code => Talked::Code(code),
                }
            }
            MediaEvent::MediaLost => Talked::Over(Parted::Lost),
            MediaEvent::PlayDone(_)
            | MediaEvent::RecordDone { .. }
            | MediaEvent::MediaBack
            | MediaEvent::Keyed { .. }
            | MediaEvent::Locked { .. } => Talked::GoesOn,
        }
    }

    pub fn media_closed(&mut self, stream: StreamId) -> Talked {
        if stream == self.leg.stream { Talked::Over(Parted::Lost) } else { Talked::GoesOn }
    }

    /// The caller put the line on hold, or came back: music for the other side meanwhile.
    pub fn caller_held(&self, h: &mut Hands<'_>, caller: &Caller<'_>, held: bool) {
        self.music(h, caller, held);
    }

    /// Music for the one who took the call, or no more of it.
    pub fn music(&self, h: &mut Hands<'_>, caller: &Caller<'_>, on: bool) {
        let codec = self.leg.config().map(|config| config.codec);
        let music = codec.filter(|_| on).and_then(|codec| caller.service.music(codec));
        self.leg
            .command(h, music.map_or(MediaCommand::StopPlay, |music| MediaCommand::PlayLoop { items: vec![music] }));
    }

    /// Says something to the one who took the call; whether there is anything to be heard.
    pub fn say(&self, h: &mut Hands<'_>, caller: &Caller<'_>, say: &[Say]) -> bool {
        let Some(codec) = self.leg.config().map(|config| config.codec) else { return false };
        let items = caller.service.loop_items(say, &caller.desk_lang(), codec);
        let heard = !items.is_empty();
        if heard {
            self.leg.command(h, MediaCommand::Play { token: MediaToken(0), items });
        }
        heard
    }

    /// One beep: back with the caller. Two: that can't be done.
    pub fn beep(&self, h: &mut Hands<'_>, caller: &Caller<'_>, times: usize) {
        self.say(h, caller, &vec![Say::Beep; times]);
    }

    /// A key of the caller, for the one who took the call.
    pub fn press(&self, h: &mut Hands<'_>, digit: Digit) {
        press(h, &self.leg, digit);
    }

    /// Parts them; the leg is let go.
    pub fn end(self, h: &mut Hands<'_>, account: &mut Account) {
        self.part(h);
        h.board.talked(h.now.mono, &self.leg.extension, self.caller.call);
        if let Some(record) = account.of(self.leg.stream.leg) {
            record.talk_ms = Some(h.now.mono.ms_since(self.begun));
        }
        self.leg.end(h, account, LegEnd::Talked);
    }
}

/// Presses a key towards a leg.
pub(super) fn press(h: &mut Hands<'_>, leg: &OutLeg, digit: Digit) {
    leg.command(h, MediaCommand::Press { digit, length_ms: PRESS_MS });
}
