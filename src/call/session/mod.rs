//! One call: from its ports to its outcome. Every way out leads through `leave` and ends in `finalize`, once.
//!
//! - `walk`: the flow's side.
//! - `sound`: what the caller hears and says.
//! - `reaching`: people who are reached.
//! - `errand`: calls that the desk itself makes.
//! - `after`: what is done for a caller who is gone.
//! - `live`: how far it is, for whoever looks.

mod after;
mod errand;
mod live;
mod reaching;
mod sound;
mod walk;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use self::after::After;
use self::errand::Mission;
use super::disk_words::DiskWords;
use super::events::{CallEvent, What};
use super::io::{LentPorts, Output};
use super::legs::Legs;
use super::pin_locks::Holder;
use super::playback::Playback;
use super::reach::Reach;
use super::reasons::said_as;
use super::recording::Recording;
use super::service::Service;
use super::switchboard::Switchboard;
use crate::desk::call_record::{CallRecord, Direction, Outcome};
use crate::desk::request::{DeskRequest, RequestId};
use crate::desk::ticket::Kind;
use crate::flow::io::{Finish, Input as FlowInput, Say, Token};
use crate::flow::run::FlowRun;
use crate::media::io::{MediaCommand, StreamConfig};
use crate::sdp::{self, LocalMedia};
use crate::sip::user_agent::{IncomingInvite, LegId, UserAgent};
use crate::types::{CallId, KeySeed, Lang, Mono, Now, NumberPlan, Random, StreamId};

/// Steps of the path that one row keeps; a caller who wanders longer than that is still served.
const PATH_MAX: usize = 500;
/// How long flow, recorder and store may take to finish after the caller is gone.
const LEAVE_MAX: Duration = Duration::from_secs(10);

/// What a session may touch while it handles one input.
pub(super) struct Hands<'a> {
    pub now: Now,
    pub ua: &'a mut UserAgent,
    pub out: &'a mut VecDeque<Output>,
    /// Which call each leg belongs to: legs of ours are entered here.
    pub legs: &'a mut Legs,
    pub board: &'a mut Switchboard,
    pub words: &'a mut DiskWords,
    pub random: &'a mut Random,
}

/// The SIP side of the call.
enum Stage {
    /// Waits for ports.
    Arriving {
        offer: Option<Vec<u8>>,
    },
    /// 180 is out; the answer goes out at that time (R2).
    Ringing {
        plan: Plan,
        answer_at: Mono,
    },
    /// The desk itself calls: nobody has lifted yet.
    Calling,
    /// 200 is out, ACK is not here yet. `offered` when the INVITE had no SDP, so that ours is the offer.
    Answered {
        offered: Option<LocalMedia>,
    },
    Talking,
    /// The row is ended; people are rung on, or told what is known. `until` once all that is left are streams that close.
    After {
        until: Option<Mono>,
    },
    /// The caller is gone, or we hung up: flow, recorder and store finish what was begun.
    Leaving {
        until: Mono,
    },
    Over,
}

/// What the 200 will say.
enum Plan {
    Answer { body: Vec<u8>, config: StreamConfig },
    Offer { body: Vec<u8>, local: LocalMedia },
}

/// The media side.
enum Media {
    None,
    Lent,
    Open(StreamConfig),
    Closing,
}

/// For whose messages a PIN was keyed, and by whom.
pub(super) struct PinClaim {
    pub extension: String,
    pub caller: Holder,
    /// Somebody has that extension.
    pub known: bool,
}

/// Why and when the call ended.
struct End {
    at: DateTime<Utc>,
    mono: Mono,
    reason: String,
    /// When the SIP side alone decides it: cancelled, rejected, failed.
    outcome: Option<Outcome>,
}

pub(super) struct Session {
    pub leg: LegId,
    stream: StreamId,
    pub record: CallRecord,
    /// When this session's entry in the exchange's timer queue fires.
    pub scheduled: Option<Mono>,
    service: Arc<Service>,
    listener: usize,
    started: Mono,
    /// How long before that the call came in, in an earlier run.
    earlier_ms: u64,
    answered: Option<Mono>,
    /// When the flow came to the node where the caller is.
    node_since: Mono,
    stage: Stage,
    media: Media,
    local: Option<LocalMedia>,
    sdp_ids: SdpIds,
    flow: FlowRun,
    flow_wait: Option<Mono>,
    finish: Option<Finish>,
    playback: Playback,
    /// What plays now, to be played again when a re-INVITE changes the codec.
    playing: Option<(Token, Vec<Say>, Lang)>,
    /// The same of what plays over and over.
    looping: Option<(Vec<Say>, Lang)>,
    recording: Option<Recording>,
    recordings: u32,
    /// Where the INVITE came from.
    source: SocketAddr,
    /// The PIN that is being checked, and for which extension.
    pin: Option<(RequestId, String)>,
    /// Inputs for the flow that its own outputs brought about.
    feedback: VecDeque<FlowInput>,
    end: Option<End>,
    /// The ticket that is being opened.
    opening: Option<(RequestId, Kind)>,
    reach: Reach,
    /// When a PBX was asked to take the talk over.
    pbx_asked: Option<Mono>,
    after: After,
    /// What the caller was last told of their place in the queue.
    told_place: Option<(u32, u32)>,
    /// Where the desk itself calls.
    mission: Option<Box<Mission>>,
}

#[derive(Clone, Copy)]
struct SdpIds {
    session_id: u64,
    version: u64,
}

impl Session {
    pub fn new(
        id: CallId,
        leg: LegId,
        listener: usize,
        invite: IncomingInvite,
        service: Arc<Service>,
        sdp_session_id: u64,
        hands: &mut Hands<'_>,
    ) -> Self {
        let record = new_record(id, &invite, &service.numbers, hands.now.wall);
        let flow = FlowRun::new(service.flow.clone(), service.caller_info(&record));
        let session = Self {
            leg,
            stream: StreamId::caller(id),
            record,
            scheduled: None,
            service,
            listener,
            started: hands.now.mono,
            earlier_ms: 0,
            answered: None,
            node_since: hands.now.mono,
            stage: Stage::Arriving { offer: invite.sdp },
            media: Media::None,
            local: None,
            sdp_ids: SdpIds { session_id: sdp_session_id, version: 1 },
            flow,
            flow_wait: None,
            finish: None,
            playback: Playback::default(),
            playing: None,
            looping: None,
            recording: None,
            recordings: 0,
            source: invite.source,
            pin: None,
            feedback: VecDeque::new(),
            end: None,
            opening: None,
            reach: Reach::new(id),
            pbx_asked: None,
            after: After::default(),
            told_place: None,
            mission: None,
        };
        session.put_call(hands);
        session.tell(hands, What::Incoming { source: invite.source, callee: session.record.callee.clone() });
        if let Some(from) = invite.identity.diverted_from {
            session.tell(hands, What::Diverted { from });
        }
        hands.out.push_back(Output::LendPorts {
            stream: StreamId::caller(id),
            listener: session.listener,
            peer: invite.source,
        });
        session
    }

    fn stream(&self) -> StreamId {
        self.stream
    }

    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// The next moment at which `timeout` has something to do.
    pub fn next_wake(&self) -> Option<Mono> {
        let stage = match &self.stage {
            Stage::Ringing { answer_at, .. } => Some(*answer_at),
            Stage::Leaving { until } => Some(*until),
            Stage::After { until } => *until,
            Stage::Talking => self.answered.map(|at| at + self.service.call_max),
            Stage::Arriving { .. } | Stage::Calling | Stage::Answered { .. } | Stage::Over => None,
        };
        let flow = if self.finish.is_none() { self.flow_wait } else { None };
        [stage, flow, self.reach.next_wake()].into_iter().flatten().min()
    }

    pub fn timeout(&mut self, hands: &mut Hands<'_>) {
        match &self.stage {
            Stage::Ringing { answer_at, .. } if *answer_at <= hands.now.mono => {
                // Nobody of the receptionists was faster: the machine takes the line.
                self.reach.stop(hands);
                self.answer(hands);
            }
            Stage::Leaving { until } if *until <= hands.now.mono => return self.finalize(hands),
            Stage::After { until: Some(until) } if *until <= hands.now.mono => return self.over(hands),
            Stage::Talking if self.answered.is_some_and(|at| at + self.service.call_max <= hands.now.mono) => {
                return self.hang_up(hands, "call_limit", None);
            }
            _ => {}
        }
        self.reach_in_time(hands);
        if self.flow_wait.is_some_and(|at| at <= hands.now.mono) {
            self.flow_wait = None;
            self.drive(hands, FlowInput::Timeout);
        }
    }

    pub fn ports_lent(&mut self, hands: &mut Hands<'_>, stream: StreamId, ports: Option<LentPorts>) {
        if stream != self.stream() {
            return self.reaching(hands, |reach, h, caller| reach.ports_lent(h, caller, stream, ports));
        }
        let Stage::Arriving { offer } = &mut self.stage else {
            // Cancelled before the ports came: they go back unused.
            if ports.is_some() {
                hands.out.push_back(Output::ReturnPorts { stream: self.stream() });
            }
            return;
        };
        let offer = offer.take();
        let Some(ports) = ports else { return self.reject(hands, 503, "no_rtp_ports") };
        self.media = Media::Lent;
        let srtp =
            self.service.local_srtp(hands.random, hands.ua.is_sealed(self.listener), self.record.trunk.as_deref());
        let local = self.service.local_media(ports, self.sdp_ids.session_id, self.sdp_ids.version, srtp);
        let plan = match offer {
            Some(offer) => match sdp::answer(&offer, &local) {
                Ok(answered) => Plan::Answer { body: answered.body, config: answered.stream },
                Err(error) => return self.reject(hands, error.status(), "sdp"),
            },
            None => Plan::Offer { body: sdp::offer(&local), local: local.clone() },
        };
        self.local = Some(local);
        // An error means that the caller has just cancelled; the event for that is on its way.
        let _ = hands.ua.ring(hands.now.mono, self.leg);
        let answer_at = self.started + self.service.cadence.answer_delay(self.service.after_rings);
        self.stage = Stage::Ringing { plan, answer_at };
        if answer_at <= hands.now.mono {
            self.answer(hands);
        } else {
            self.ring_receptionists_first(hands);
        }
    }

    fn answer(&mut self, hands: &mut Hands<'_>) {
        let stage = std::mem::replace(&mut self.stage, Stage::Answered { offered: None });
        let Stage::Ringing { plan, .. } = stage else {
            self.stage = stage;
            return;
        };
        let body = match plan {
            Plan::Answer { body, config } => {
                self.open_stream(hands, config);
                body
            }
            Plan::Offer { body, local } => {
                self.stage = Stage::Answered { offered: Some(local) };
                body
            }
        };
        if hands.ua.answer(hands.now.mono, self.leg, body).is_err() {
            return self.leave(hands, "answer_failed", Some(Outcome::Failed));
        }
        let answer_ms = hands.now.mono.ms_since(self.started);
        let rings = self.service.cadence.rings_begun(answer_ms);
        self.answered = Some(hands.now.mono);
        self.record.answered_at = Some(hands.now.wall);
        self.record.answer_ms = Some(answer_ms);
        self.record.answer_rings = Some(rings);
        self.tell(hands, What::Answered { answer_ms, rings, codec: self.record.codec });
        self.put_call(hands);
    }

    fn open_stream(&mut self, hands: &mut Hands<'_>, config: StreamConfig) {
        self.record.codec = Some(config.codec);
        self.tell_encrypted(hands, None, &config);
        hands.out.push_back(Output::OpenStream { stream: self.stream(), config: config.clone() });
        self.media = Media::Open(config);
    }

    /// ACK to our 200: the flow starts.
    pub fn acked(&mut self, hands: &mut Hands<'_>, sdp: Option<&[u8]>) {
        let Stage::Answered { offered } = &self.stage else { return };
        let opens_now = offered.is_some();
        if let Some(offered) = offered {
            let accepted = sdp.map(|body| sdp::accept(body, offered));
            match accepted {
                Some(Ok(config)) => self.open_stream(hands, config),
                Some(Err(_)) | None => return self.hang_up(hands, "no_media_agreed", Some(Outcome::Failed)),
            }
        }
        self.stage = Stage::Talking;
        if self.reach.is_talking() {
            // A receptionist was faster than the machine.
            if opens_now {
                self.reach.connect(hands);
            }
            return;
        }
        self.drive(hands, FlowInput::Start);
    }

    /// A re-INVITE: hold, resume, another codec or address (RFC 3264 section 8).
    pub fn reinvite(&mut self, hands: &mut Hands<'_>, offer: Option<&[u8]>) {
        let Some(local) = self.next_local(hands) else {
            let _ = hands.ua.reject_reinvite(hands.now.mono, self.leg, 491);
            return;
        };
        let Some(offer) = offer else {
            if self.is_by_handshake() {
                // Our offers would take the call's encryption away.
                let _ = hands.ua.reject_reinvite(hands.now.mono, self.leg, 488);
            } else {
                let _ = hands.ua.answer_reinvite(hands.now.mono, self.leg, sdp::offer(&local));
            }
            return;
        };
        match sdp::answer(offer, &local) {
            Ok(answered) => {
                let _ = hands.ua.answer_reinvite(hands.now.mono, self.leg, answered.body);
                self.reconfigure(hands, answered.stream);
            }
            Err(error) => {
                let _ = hands.ua.reject_reinvite(hands.now.mono, self.leg, error.status());
            }
        }
    }

    pub fn reinvite_acked(&mut self, hands: &mut Hands<'_>, sdp: Option<&[u8]>) {
        let (Some(body), Some(local)) = (sdp, self.local.as_ref()) else { return };
        if let Ok(config) = sdp::accept(body, local) {
            self.reconfigure(hands, config);
        }
    }

    /// The keys of its audio came by a handshake.
    fn is_by_handshake(&self) -> bool {
        matches!(&self.media, Media::Open(config) if config.dtls.is_some())
    }

    fn next_local(&mut self, hands: &mut Hands<'_>) -> Option<LocalMedia> {
        let Media::Open(config) = &self.media else { return None };
        let local = self.local.as_mut()?;
        self.sdp_ids.version += 1;
        local.renew(self.sdp_ids.version, KeySeed::new(hands.random), config);
        Some(local.clone())
    }

    fn reconfigure(&mut self, hands: &mut Hands<'_>, config: StreamConfig) {
        let Media::Open(current) = &self.media else { return };
        if current.send != config.send {
            self.tell(hands, What::Held { on: !config.send });
            let held = !config.send;
            self.reaching(hands, |reach, h, caller| reach.caller_held(h, caller, held));
        }
        let Media::Open(current) = &self.media else { return };
        let codec_changed = current.codec != config.codec;
        self.tell_encrypted(hands, Some(current), &config);
        self.record.codec = Some(config.codec);
        self.command(hands, MediaCommand::Reconfigure(config.clone()));
        self.media = Media::Open(config);
        if codec_changed && let Some((token, say, lang)) = self.playing.take() {
            self.play(hands, token, &say, &lang);
            self.drain_feedback(hands);
        } else if codec_changed && let Some((say, lang)) = self.looping.take() {
            self.play_loop(hands, &say, &lang);
        }
    }

    fn tell_encrypted(&self, hands: &mut Hands<'_>, before: Option<&StreamConfig>, config: &StreamConfig) {
        let sealed = hands.ua.is_sealed(self.listener);
        if let Some(what) = What::encryption(before, config, sealed) {
            self.tell(hands, what);
        }
    }

    pub fn info(&mut self, hands: &mut Hands<'_>, leg: LegId, content_type: &str, body: &[u8]) {
        if let Some((digit, duration_ms)) = super::info_digits::parse(content_type, body) {
            if leg != self.leg {
                return self.reach.info(hands, leg, digit, duration_ms);
            }
            self.command(hands, MediaCommand::InfoDigit { digit, duration_ms });
        }
    }

    /// Rejects a call not yet answered; outcome `failed`.
    fn reject(&mut self, hands: &mut Hands<'_>, status: u16, why: &str) {
        let retry_after_s = (status == 503).then_some(5);
        let _ = hands.ua.reject(hands.now.mono, self.leg, status, retry_after_s);
        self.tell(hands, What::Rejected { status, why: why.to_owned() });
        self.leave(hands, &format!("rejected_{status}"), Some(Outcome::Failed));
    }

    /// Ends the call from our side.
    pub fn hang_up(&mut self, hands: &mut Hands<'_>, reason: &str, outcome: Option<Outcome>) {
        if self.end.is_none() {
            let _ = hands.ua.hang_up_because(hands.now.mono, self.leg, said_as(reason));
            self.leave(hands, reason, outcome);
        }
    }

    /// The other side hung up, or is lost.
    pub fn caller_left(&mut self, hands: &mut Hands<'_>, reason: &str) {
        if !self.tries_next_place(hands) {
            self.leave(hands, reason, None);
        }
    }

    /// The SIP side is over: close the stream, let the flow keep what was said (R24), wait for disk and store.
    pub fn leave(&mut self, hands: &mut Hands<'_>, reason: &str, outcome: Option<Outcome>) {
        if self.end.is_some() {
            return;
        }
        self.end = Some(End { at: hands.now.wall, mono: hands.now.mono, reason: reason.to_owned(), outcome });
        let talked = matches!(self.stage, Stage::Talking);
        self.stage = Stage::Leaving { until: hands.now.mono + LEAVE_MAX };
        match self.media {
            Media::Open(_) => {
                hands.out.push_back(Output::CloseStream { stream: self.stream() });
                self.media = Media::Closing;
            }
            Media::Lent => {
                hands.out.push_back(Output::ReturnPorts { stream: self.stream() });
                self.media = Media::None;
            }
            Media::None | Media::Closing => {}
        }
        self.playback.clear();
        self.heard_out(hands);
        self.reach.leave(hands);
        if !self.after.calls_back() {
            hands.board.leave_queue(self.record.id);
        }
        if talked && self.finish.is_none() {
            self.drive(hands, FlowInput::HungUp);
        }
        self.finalize_when_done(hands);
    }

    /// After a panic in this call: end it with what the row already knows.
    pub fn abort(&mut self, hands: &mut Hands<'_>) {
        self.finish.get_or_insert(Finish::Completed);
        if let Some(recording) = self.recording.take() {
            hands.out.push_back(Output::CloseRecording { stream: self.stream(), recording: recording.id });
        }
        self.hang_up(hands, "internal_error", None);
        if !matches!(self.stage, Stage::After { .. } | Stage::Over) {
            self.finalize(hands);
        }
        self.cut_off(hands, "a bug ended the call while duty officers rang");
    }

    fn finalize_when_done(&mut self, hands: &mut Hands<'_>) {
        let flow_idle = self.finish.is_some() || self.answered.is_none() || !self.flow_started();
        let settled = self.reach.is_settled() || self.reach.goes_on();
        let media_idle = matches!(self.media, Media::None) && settled;
        if matches!(self.stage, Stage::Leaving { .. }) && flow_idle && media_idle && self.recording.is_none() {
            self.finalize(hands);
        }
    }

    fn finalize(&mut self, hands: &mut Hands<'_>) {
        let outcome = self.outcome();
        let Some(end) = &self.end else { return };
        self.record.ended_at = Some(end.at);
        self.record.end_reason = Some(end.reason.clone());
        self.record.outcome = Some(outcome);
        let (reason, duration_ms) = (end.reason.clone(), end.mono.ms_since(self.started));
        self.stage = Stage::After { until: None };
        self.end_errand(hands);
        self.put_call(hands);
        self.tell(hands, What::Ended { outcome, reason, duration_ms });
        self.begin_call_back(hands);
        self.end_when_over(hands);
    }

    fn outcome(&self) -> Outcome {
        if let Some(outcome) = self.end.as_ref().and_then(|end| end.outcome) {
            return outcome;
        }
        if self.record.handled_by.is_some() && !self.after.is_taken_over() {
            return Outcome::Transferred;
        }
        match self.finish {
            Some(Finish::NotSaved) => Outcome::Failed,
            Some(Finish::Transferred) => Outcome::Transferred,
            Some(Finish::Ticket) => Outcome::Ticket,
            Some(Finish::Voicemail) => Outcome::Voicemail,
            _ if !self.record.tickets.is_empty() => Outcome::Ticket,
            _ if !self.record.messages.is_empty() => Outcome::Voicemail,
            Some(Finish::Completed) => Outcome::Completed,
            Some(Finish::Abandoned) | None => Outcome::Abandoned,
        }
    }

    fn put_call(&self, hands: &mut Hands<'_>) {
        let record = CallRecord { legs: self.reach.records().to_vec(), ..self.record.clone() };
        let request = DeskRequest::PutCall(Box::new(record));
        hands.out.push_back(Output::Desk { call: self.record.id, request });
    }

    pub(super) fn tell(&self, hands: &mut Hands<'_>, what: What) {
        hands.out.push_back(Output::Event(CallEvent { call: Some(self.record.id), what }));
    }
}

/// A row for an INVITE that has just come in (R4).
pub(super) fn new_record(id: CallId, invite: &IncomingInvite, numbers: &NumberPlan, at: DateTime<Utc>) -> CallRecord {
    CallRecord {
        // One form for one number: people hear and dial it so, and calls of one caller are known as such.
        caller: invite.caller_number().map(|number| numbers.dialled(&number)),
        caller_name: invite.caller_name(),
        callee: invite.callee_user.clone().unwrap_or_default(),
        trunk: invite.trunk.clone(),
        diverted_from: invite.identity.diverted_from.clone(),
        sip_call_id: invite.sip_call_id.clone(),
        ..CallRecord::begun(id, Direction::In, at)
    }
}
