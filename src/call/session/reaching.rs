//! A call's dealings with the people whom it reaches: searches for the flow, receptionists who are rung before the answer,
//! and what both come to.

use std::net::IpAddr;
use std::time::Duration;

use super::{Hands, Media, Session, Stage};
use crate::call::events::What;
use crate::call::reach::{Caller, Colleague, Consent, News, Plan, Reach, Visit, Whisper};
use crate::desk::request::RequestId;
use crate::flow::io::{Input as FlowInput, Parted, Say, Whom};
use crate::media::io::{DigitSource, MediaCommand};
use crate::sdp;
use crate::sip::locate::Target;
use crate::sip::user_agent::{EndReason, LegId, ReferRequest};
use crate::sip::wire::Uri;
use crate::types::{Digit, Lang, StreamId};

/// The search for receptionists before the answer; the flow's own requests begin at 1.
const BEFORE_ANSWER: RequestId = RequestId(0);
/// A PBX that was asked to take a talk over does so within this time, or says that it does not.
const PBX_TAKES: Duration = Duration::from_secs(32);
/// Why a call ended that a PBX goes on with.
const TAKEN_OVER: &str = "taken_over_by_pbx";
/// How long a key that is carried across by hand sounds.
const PRESS_MS: u32 = 120;

impl Session {
    /// While the line still rings for the caller, the receptionists may be faster than the machine (R2).
    pub(super) fn ring_receptionists_first(&mut self, hands: &mut Hands<'_>) {
        let whisper = Whisper { say: Vec::new(), lang: self.desk_lang(), consent: Consent::Lifted };
        self.reaching(hands, |reach, h, caller| {
            reach.begin(h, caller, BEFORE_ANSWER, Plan::before_answer(), whisper);
        });
    }

    pub(super) fn search(
        &mut self,
        hands: &mut Hands<'_>,
        id: RequestId,
        whom: Whom,
        whisper: Vec<Say>,
        wait_max_s: u32,
    ) {
        let whisper = Whisper { say: whisper, lang: self.desk_lang(), consent: Consent::of(&whom) };
        let plan = Plan::of(whom, Duration::from_secs(wait_max_s.into()));
        self.told_place = None;
        if plan.is_queue() {
            hands.board.wait(hands.now.mono, self.record.id);
        }
        if plan.outlives_the_caller() {
            self.watch_emergency(hands);
        }
        self.reaching(hands, |reach, h, caller| reach.begin(h, caller, id, plan, whisper));
        self.tell_place(hands, id);
    }

    pub(super) fn reach_in_time(&mut self, hands: &mut Hands<'_>) {
        if self.reach.next_wake().is_none_or(|at| at > hands.now.mono) {
            return;
        }
        self.reaching(hands, Reach::timeout);
        if let Some(id) = self.reach.searches() {
            self.tell_place(hands, id);
        }
    }

    /// The addresses of a host that one of our legs goes to.
    pub fn located(&mut self, hands: &mut Hands<'_>, stream: StreamId, targets: &[Target]) {
        self.reaching(hands, |reach, h, caller| reach.located(h, caller, stream, targets));
    }

    pub fn leg_rings(&mut self, leg: LegId, sdp: Option<Vec<u8>>) {
        self.reach.ringing(leg, sdp);
    }

    pub fn leg_answered(&mut self, hands: &mut Hands<'_>, leg: LegId, sdp: Option<Vec<u8>>) {
        self.reaching(hands, |reach, h, caller| reach.answered(h, caller, leg, sdp));
    }

    /// ACK of one of the staff who called in.
    pub fn leg_acked(&mut self, hands: &mut Hands<'_>, leg: LegId) {
        self.reaching(hands, |reach, h, _| reach.acked(h, leg));
    }

    /// Whether this person talks to the caller.
    pub fn is_with(&self, extension: &str) -> bool {
        self.reach.talks_to() == Some(extension)
    }

    pub fn leg_failed(&mut self, hands: &mut Hands<'_>, leg: LegId, status: u16, contacts: &[Uri]) {
        self.reaching(hands, |reach, h, caller| reach.failed(h, caller, leg, status, contacts));
    }

    pub fn leg_ended(&mut self, hands: &mut Hands<'_>, leg: LegId, reason: EndReason) {
        self.reaching(hands, |reach, h, caller| reach.ended(h, caller, leg, reason));
    }

    /// A telephone wants its caller transferred; a caller can't have others called (R16).
    pub fn leg_refers(&mut self, hands: &mut Hands<'_>, leg: LegId, refer: &ReferRequest) {
        if leg == self.leg {
            let _ = hands.ua.refer_progress(hands.now.mono, leg, 603, "Decline");
            return;
        }
        self.reaching(hands, |reach, h, caller| reach.refer(h, caller, leg, refer));
    }

    /// One of the staff calls for this caller. The status that refuses it.
    pub fn visited(&mut self, hands: &mut Hands<'_>, leg: LegId, visit: Visit) -> Result<(), u16> {
        let mut visited = Ok(());
        self.reaching(hands, |reach, h, caller| visited = reach.visit(h, caller, leg, visit));
        visited
    }

    /// Another call takes the place of one of this call's legs (RFC 3891). The status that refuses it.
    pub fn leg_replaced(
        &mut self,
        hands: &mut Hands<'_>,
        old: LegId,
        by: LegId,
        offer: Option<&[u8]>,
        colleague: Option<&Colleague>,
    ) -> Result<(), u16> {
        if old != self.leg {
            let mut replaced = Ok(());
            self.reaching(hands, |reach, h, caller| replaced = reach.replaced(h, caller, old, by, offer, colleague));
            return replaced;
        }
        if !matches!(self.stage, Stage::Talking) {
            return Err(481);
        }
        let (offer, local) = (offer.ok_or(488u16)?, self.next_local(hands).ok_or(481u16)?);
        let answered = sdp::answer(offer, &local).map_err(|error| error.status())?;
        hands.ua.answer(hands.now.mono, by, answered.body).map_err(|_| 481u16)?;
        let _ = hands.ua.hang_up(hands.now.mono, old);
        hands.legs.remove(&old);
        hands.legs.insert(by, self.record.id);
        self.leg = by;
        self.reconfigure(hands, answered.stream);
        Ok(())
    }

    pub fn leg_reinvites(&mut self, hands: &mut Hands<'_>, leg: LegId, offer: Option<&[u8]>) {
        self.reaching(hands, |reach, h, caller| reach.reinvite(h, caller, leg, offer));
    }

    pub fn leg_reinvite_acked(&mut self, hands: &mut Hands<'_>, leg: LegId, sdp: Option<&[u8]>) {
        self.reaching(hands, |reach, h, caller| reach.reinvite_acked(h, caller, leg, sdp));
    }

    /// A key of the caller while they talk to somebody: RFC 4733 and tones go across with the audio.
    pub(super) fn press_across(&mut self, hands: &mut Hands<'_>, digit: Digit, source: DigitSource) {
        if source == DigitSource::Info {
            self.reach.caller_pressed(hands, digit);
        }
    }

    pub(super) fn play_loop(&mut self, hands: &mut Hands<'_>, say: &[Say], lang: &Lang) {
        let Media::Open(config) = &self.media else { return };
        let codec = config.codec;
        self.playback.clear();
        self.playing = None;
        let items = self.service.loop_items(say, lang, codec);
        self.looping = (!items.is_empty()).then(|| (say.to_vec(), lang.clone()));
        let command = if items.is_empty() { MediaCommand::StopPlay } else { MediaCommand::PlayLoop { items } };
        self.command(hands, command);
    }

    /// Lets the reach act, then deals with what it has to tell.
    pub(super) fn reaching(
        &mut self,
        hands: &mut Hands<'_>,
        act: impl FnOnce(&mut Reach, &mut Hands<'_>, &Caller<'_>),
    ) {
        let config = if let Media::Open(config) = &self.media { Some(config) } else { None };
        let mission = self.mission.as_deref();
        let caller = Caller {
            service: &self.service,
            number: self.record.caller.as_deref().or(mission.and_then(|mission| mission.number())),
            is_desk: mission.is_some_and(|mission| mission.rings()),
            name: self.record.caller_name.as_deref(),
            callee: &self.record.callee,
            flow: &self.flow,
            listener: self.listener,
            config,
            started: self.started,
            earlier_ms: self.earlier_ms,
        };
        act(&mut self.reach, hands, &caller);
        while let Some(news) = self.reach.poll() {
            self.hear(hands, news);
        }
        self.end_when_over(hands);
    }

    fn hear(&mut self, hands: &mut Hands<'_>, news: News) {
        match news {
            News::Met { id } => self.met(hands, id),
            News::Lifted { leg } => self.lifted(hands, leg),
            News::Ended { end, .. } if matches!(self.stage, Stage::Calling) => self.nobody_lifted(hands, end),
            News::Ended { id, end } => {
                hands.board.leave_queue(self.record.id);
                self.nobody_took_it(hands);
                if id != BEFORE_ANSWER {
                    self.drive(hands, FlowInput::SearchEnded { id, end });
                }
            }
            News::CalledBack => self.called_back(hands, true),
            News::NotCalledBack => self.called_back(hands, false),
            News::TakenOver { extension } => self.taken_over(hands, extension),
            News::Parted { id, how } => self.parted(hands, id, how),
            News::Music { on } => {
                let (say, lang) = ([Say::Prompt(super::super::service::MUSIC.to_owned())], self.desk_lang());
                self.play_loop(hands, if on { &say } else { &[] }, &lang);
            }
            News::HandedOn { from, to } => self.tell(hands, What::HandedOn { from, to }),
            News::Parked { extension, slot } => self.tell(hands, What::Parked { extension, slot }),
            News::Recalled { extension } => self.tell(hands, What::Recalled { extension }),
            News::Reached { extension } => {
                self.record.handled_by = Some(extension.clone());
                self.tell(hands, What::Met { extension });
                if matches!(self.media, Media::Open(_)) {
                    self.reach.connect(hands);
                }
                self.put_call(hands);
                self.offer_to_pbx(hands);
            }
            News::Press { digit } => self.command(hands, MediaCommand::Press { digit, length_ms: PRESS_MS }),
        }
    }

    fn met(&mut self, hands: &mut Hands<'_>, id: RequestId) {
        let extension = self.reach.talks_to().unwrap_or_default().to_owned();
        self.record.handled_by = Some(extension.clone());
        self.settle_emergency(hands, &extension);
        self.tell(hands, What::Met { extension });
        if matches!(self.stage, Stage::Ringing { .. }) {
            self.answer(hands);
        }
        if id != BEFORE_ANSWER {
            self.drive(hands, FlowInput::Met { id });
        }
        if matches!(self.media, Media::Open(_)) {
            self.reach.connect(hands);
        }
        self.put_call(hands);
        self.offer_to_pbx(hands);
    }

    /// Where both sides of a talk are calls of one PBX that does it, that PBX is asked to put them together itself (RFC 5589
    /// section 7); until it says that it has, they talk through the desk.
    fn offer_to_pbx(&mut self, hands: &mut Hands<'_>) {
        let at_pbx = |ip: IpAddr| self.service.refer_to.iter().any(|network| network.contains(ip));
        let Some(other) = self.reach.talks_on() else { return };
        let Some((target, remote)) = hands.ua.peer_of(other) else { return };
        let caller = hands.ua.peer_of(self.leg).map(|(_, remote)| remote);
        let both = caller.is_some_and(|caller| at_pbx(caller.ip())) && at_pbx(remote.ip());
        if !matches!(self.stage, Stage::Talking) || !both {
            return;
        }
        // Where that can't be asked now the desk goes on bridging them.
        let asked = hands.ua.refer(hands.now.mono, self.leg, &target, Some(other));
        self.pbx_asked = asked.is_ok().then_some(hands.now.mono);
    }

    /// What a PBX says of the two calls that it was asked to put together.
    pub fn pbx_tells(&mut self, hands: &mut Hands<'_>, leg: LegId, status: u16) {
        if leg != self.leg || status < 200 || self.pbx_asked.take().is_none() {
            return;
        }
        self.tell(hands, What::PbxTold { status });
        if status < 300 {
            self.hang_up(hands, TAKEN_OVER, None);
        }
    }

    fn parted(&mut self, hands: &mut Hands<'_>, id: RequestId, how: Parted) {
        let taking = self.pbx_asked.is_some_and(|at| hands.now.mono.since(at) < PBX_TAKES);
        if taking && how == Parted::TheyHungUp {
            // The call that the PBX has taken over ends before it says so.
            return self.hang_up(hands, TAKEN_OVER, None);
        }
        self.tell(hands, What::Parted { how });
        self.put_call(hands);
        if id != BEFORE_ANSWER {
            return self.drive(hands, FlowInput::Parted { id, how });
        }
        match how {
            Parted::TheyHungUp => self.hang_up(hands, "callee_hung_up", None),
            // The machine takes over; before the ACK it does so once that is here.
            Parted::HandedBack | Parted::Lost if matches!(self.stage, Stage::Talking) => {
                self.drive(hands, FlowInput::Start);
            }
            Parted::HandedBack | Parted::Lost => {}
        }
    }

    /// Tells the flow where the caller stands in the queue, when that has changed.
    fn tell_place(&mut self, hands: &mut Hands<'_>, id: RequestId) {
        let Some(position) = hands.board.position(self.record.id) else { return };
        let wait = hands.board.expected_wait(position, Plan::staff(&self.service, hands.board, hands.now));
        let whole = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let place = (whole(position as u64), whole(wait.as_secs()));
        if self.told_place.replace(place) == Some(place) {
            return;
        }
        let (position, wait_s) = place;
        let may_call_back = hands.board.has_room_to_call_back();
        self.tell(hands, What::Queued { position });
        self.drive(hands, FlowInput::Queue { id, position, wait_s, may_call_back });
    }

    /// The staff hears the desk's own language.
    pub(super) fn desk_lang(&self) -> Lang {
        self.service.languages.first().cloned().unwrap_or_else(|| Lang::new("zh"))
    }
}
