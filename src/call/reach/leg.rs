//! One leg that rings somebody: ports, INVITE, answer, stream, end. It knows nothing of why it rings.

use std::collections::VecDeque;
use std::time::Duration;

use super::Caller;
use super::account::Account;
use super::call_back::WayBack;
use super::outgoing;
use super::place::{Towards, Unreachable, Way, way_by};
use super::whom::Candidate;
use crate::call::events::{CallEvent, What};
use crate::call::io::{Asker, LentPorts, Output};
use crate::call::reasons::{ELSEWHERE, NO_ANSWER, said_as};
use crate::call::session::Hands;
use crate::desk::call_record::LegEnd;
use crate::desk::people::PlaceTarget;
use crate::media::io::{MediaCommand, StreamConfig};
use crate::sdp::{self, LocalMedia};
use crate::sip::locate::Target;
use crate::sip::user_agent::{Destination, LegId, OutgoingInvite};
use crate::sip::wire::{Host, NameAddr, Replaces, Uri};
use crate::types::{Codec, KeySeed, Mono, StreamId};

/// Beyond the ringing itself: a phone that never even says 100 is given up after this, if it rings longer.
const SLACK: Duration = Duration::from_millis(100);
/// A server that says nothing at all for so long is left for the next one, where there is one (RFC 3263 section 4.3): the
/// transaction's own time-out is longer than most places ring.
const SILENT_MAX: Duration = Duration::from_secs(4);
/// The user part of our own address.
const DESK: &str = "desk";

enum State {
    /// Waits for the servers of its URI.
    Seeking {
        target: Uri,
    },
    /// Waits for ports.
    Arriving {
        to: Way,
    },
    Ringing {
        leg: LegId,
        target: Uri,
        until: Mono,
        early: Option<Early>,
        /// Nothing was heard of it yet: at this time another server is tried.
        silent_until: Option<Mono>,
    },
    Up {
        leg: LegId,
        config: StreamConfig,
    },
}

/// What the phone has said of its audio before it was lifted.
enum Early {
    /// An answer to our offer: the 200's own counts more, where it has one.
    Answer(Vec<u8>),
    /// An offer of its own since (RFC 3311): the 200 repeats an older word.
    Offer(StreamConfig),
}

/// See the module.
pub(in crate::call) struct OutLeg {
    pub stream: StreamId,
    /// Empty for a customer's.
    pub extension: String,
    /// The call at the place that this one is to take the place of (RFC 3891).
    pub replaces: Option<Replaces>,
    /// The servers that are tried when this one fails.
    others: VecDeque<Target>,
    began: Mono,
    ring: Duration,
    state: State,
    local: Option<LocalMedia>,
    version: u64,
    elsewhere: bool,
}

/// What an answer came to.
pub(super) enum Answered {
    Up,
    /// It can't be heard: the leg is over.
    NoMedia,
    /// It was not this leg's.
    NotOurs,
}

impl OutLeg {
    /// Begins to ring a place. On an error the leg never was, but is recorded.
    pub(super) fn begin(
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        stream: StreamId,
        candidate: &Candidate,
        towards: Result<Towards, Unreachable>,
        account: &mut Account,
    ) -> Option<OutLeg> {
        let at_ms = caller.earlier_ms + h.now.mono.ms_since(caller.started);
        account.begin(stream.leg, at_ms, &candidate.extension, &candidate.target.to_string());
        let state = match towards {
            Ok(Towards::Known(way)) => arriving(h, stream, *way),
            Ok(Towards::Named { target }) => {
                h.out.push_back(Output::Locate { asker: Asker::Leg(stream), uri: target.clone() });
                State::Seeking { target }
            }
            Err(why) => {
                let end = LegEnd::NotCalled;
                account.of(stream.leg).into_iter().for_each(|record| record.end = Some(end));
                let what = What::LegEnded { extension: candidate.extension.clone(), end, why: words(why).to_owned() };
                h.out.push_back(Output::Event(CallEvent { call: Some(stream.call), what }));
                return None;
            }
        };
        if !candidate.extension.is_empty() {
            h.board.rings(&candidate.extension, stream.call);
        }
        Some(OutLeg {
            stream,
            extension: candidate.extension.clone(),
            replaces: None,
            others: VecDeque::new(),
            began: h.now.mono,
            ring: candidate.ring,
            state,
            local: None,
            version: 1,
            elsewhere: false,
        })
    }

    /// A call of theirs that was answered: from here on as one that we made.
    pub fn up(
        now: Mono,
        stream: StreamId,
        extension: String,
        leg: LegId,
        config: StreamConfig,
        local: LocalMedia,
    ) -> OutLeg {
        let (version, local) = (local.version, Some(local));
        let state = State::Up { leg, config };
        OutLeg {
            stream,
            extension,
            replaces: None,
            others: VecDeque::new(),
            began: now,
            ring: Duration::ZERO,
            state,
            local,
            version,
            elsewhere: false,
        }
    }

    /// When it began to ring, or to be here.
    pub fn began(&self) -> Mono {
        self.began
    }

    /// Another call takes the place of this one (RFC 3891): the stream stays, with another peer. The status that refuses it.
    pub fn replaced(&mut self, h: &mut Hands<'_>, by: LegId, offer: Option<&[u8]>) -> Result<(), u16> {
        let (State::Up { leg, config }, Some(local)) = (&mut self.state, self.local.as_mut()) else { return Err(481) };
        self.version += 1;
        local.renew(self.version, KeySeed::new(h.random), config);
        let answered = sdp::answer(offer.ok_or(488u16)?, local).map_err(|error| error.status())?;
        h.ua.answer(h.now.mono, by, answered.body).map_err(|_| 481u16)?;
        let _ = h.ua.hang_up(h.now.mono, *leg);
        h.legs.remove(leg);
        h.legs.insert(by, self.stream.call);
        *leg = by;
        *config = answered.stream;
        let command = MediaCommand::Reconfigure(config.clone());
        h.out.push_back(Output::Media { stream: self.stream, command });
        Ok(())
    }

    /// The servers of its URI, none when there are none; false when the leg can't be made.
    pub fn located(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, targets: &[Target]) -> bool {
        let State::Seeking { target } = &self.state else { return true };
        let target = target.clone();
        self.others = targets.iter().copied().collect();
        self.next_server(h, caller, &target)
    }

    fn next_server(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, target: &Uri) -> bool {
        while let Some(server) = self.others.pop_front() {
            if let Some(way) = way_by(h.ua, target, server, caller.listener) {
                self.state = arriving(h, self.stream, way);
                return true;
            }
        }
        false
    }

    /// After a failure that another server may not have: it is tried, if there is one (RFC 3263 section 4.3).
    pub fn goes_elsewhere(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, status: u16) -> bool {
        let State::Ringing { silent_until, target, .. } = &self.state else { return false };
        let of_this_server = status == 503 || status == 408 && silent_until.is_some();
        if self.others.is_empty() || !of_this_server {
            return false;
        }
        let target = target.clone();
        self.local = None;
        h.out.push_back(Output::ReturnPorts { stream: self.stream });
        let what = What::NextServer { extension: self.extension.clone(), status };
        h.out.push_back(Output::Event(CallEvent { call: Some(self.stream.call), what }));
        // Where none of them can be had, its ports are back already.
        let goes_on = self.next_server(h, caller, &target);
        if !goes_on {
            self.state = State::Seeking { target };
        }
        goes_on
    }

    /// Gives up a server that has said nothing, for the next one.
    pub fn leaves_the_silent(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>) {
        let State::Ringing { leg, silent_until: Some(at), .. } = self.state else { return };
        if at <= h.now.mono && self.goes_elsewhere(h, caller, 408) {
            let _ = h.ua.hang_up(h.now.mono, leg);
            h.legs.remove(&leg);
        }
    }

    /// Begins to ring a customer who is called back.
    pub fn begin_to_customer(
        h: &mut Hands<'_>,
        caller: &Caller<'_>,
        stream: StreamId,
        way: &WayBack,
        account: &mut Account,
    ) -> Option<OutLeg> {
        let target = PlaceTarget::Sip(way.address.clone());
        let towards = outgoing::to_customer(h, caller, stream.call, &target).pop()?;
        let candidate = Candidate { extension: String::new(), target, ring: way.ring };
        OutLeg::begin(h, caller, stream, &candidate, towards, account)
    }

    fn is_staff(&self) -> bool {
        !self.extension.is_empty()
    }

    /// Sends the INVITE; false when the leg can't be made.
    pub fn ports_lent(&mut self, h: &mut Hands<'_>, caller: &Caller<'_>, ports: LentPorts) -> bool {
        let State::Arriving { to } = &self.state else { return false };
        let target = to.target.clone();
        let trunk = to.over.as_ref().and_then(|(trunk, _)| h.ua.trunk_name(*trunk));
        let sealed = h.ua.is_sealed(to.destination.channel.listener);
        let srtp = caller.service.local_srtp(h.random, sealed, trunk);
        let mut local = caller.service.local_media(ports, h.random.u64() >> 2, self.version, srtp);
        prefer(&mut local.codecs, caller.config.map(|config| config.codec));
        let invite = OutgoingInvite {
            target: to.target.clone(),
            destination: to.destination,
            routes: to.routes.clone(),
            from: match &to.over {
                // A carrier takes calls under its own number alone.
                Some((_, address)) => NameAddr::new(address.clone()),
                None if self.is_staff() && !caller.is_desk => who_calls(h, caller, to.destination),
                None => the_desk(h, to.destination),
            },
            contact_user: to.over.as_ref().and_then(|(_, at)| at.user.clone()).unwrap_or_else(|| DESK.to_owned()),
            trunk: to.over.as_ref().map(|(trunk, _)| *trunk),
            sdp: Some(sdp::offer(&local)),
            replaces: self.replaces.clone(),
            referred_by: None,
            headers: Vec::new(),
        };
        self.local = Some(local);
        let Ok(leg) = h.ua.invite(h.now.mono, invite) else { return false };
        h.legs.insert(leg, self.stream.call);
        let silent_until = (!self.others.is_empty()).then(|| h.now.mono + SILENT_MAX);
        self.state = State::Ringing { leg, target, until: h.now.mono + self.ring + SLACK, early: None, silent_until };
        let what = What::Ringing { extension: self.extension.clone() };
        h.out.push_back(Output::Event(CallEvent { call: Some(self.stream.call), what }));
        true
    }

    pub fn leg(&self) -> Option<LegId> {
        match &self.state {
            State::Seeking { .. } | State::Arriving { .. } => None,
            State::Ringing { leg, .. } | State::Up { leg, .. } => Some(*leg),
        }
    }

    /// When it has rung long enough.
    pub fn rings_until(&self) -> Option<Mono> {
        match &self.state {
            State::Ringing { until, silent_until, .. } => Some(silent_until.map_or(*until, |at| at.min(*until))),
            State::Seeking { .. } | State::Arriving { .. } | State::Up { .. } => None,
        }
    }

    pub fn config(&self) -> Option<&StreamConfig> {
        match &self.state {
            State::Up { config, .. } => Some(config),
            State::Seeking { .. } | State::Arriving { .. } | State::Ringing { .. } => None,
        }
    }

    /// Its dialog is that one now: another call took its place (RFC 3891).
    pub fn goes_on_as(&mut self, by: LegId) {
        if let State::Up { leg, .. } = &mut self.state {
            *leg = by;
        }
    }

    /// As our own side described it last, and the number of that description: to go on with it elsewhere.
    pub fn local(&self) -> Option<(&LocalMedia, u64)> {
        self.local.as_ref().map(|local| (local, self.version))
    }

    pub fn codec(&self) -> Option<Codec> {
        self.config().map(|config| config.codec)
    }

    /// A provisional response; its SDP stands in for a 200 without one.
    pub fn ringing(&mut self, of: LegId, sdp: Option<Vec<u8>>) {
        if let State::Ringing { leg, early, silent_until, .. } = &mut self.state
            && *leg == of
        {
            *silent_until = None;
            if let Some(sdp) = sdp
                && !matches!(early, Some(Early::Offer(_)))
            {
                *early = Some(Early::Answer(sdp));
            }
        }
    }

    pub(super) fn answered(&mut self, h: &mut Hands<'_>, of: LegId, answer: Option<Vec<u8>>) -> Answered {
        let State::Ringing { leg, early, .. } = &mut self.state else { return Answered::NotOurs };
        if *leg != of {
            return Answered::NotOurs;
        }
        let leg = *leg;
        let accepted = |body: Vec<u8>| sdp::accept(&body, self.local.as_ref()?).ok();
        let config = match (answer, early.take()) {
            (_, Some(Early::Offer(config))) => Some(config),
            (Some(answer), _) | (None, Some(Early::Answer(answer))) => accepted(answer),
            (None, None) => None,
        };
        let Some(config) = config else { return Answered::NoMedia };
        let sealed = self.local.as_ref().is_some_and(|local| local.srtp.sealed_signalling);
        let encrypted = What::encryption(None, &config, sealed);
        h.out.extend(encrypted.map(|what| Output::Event(CallEvent { call: Some(self.stream.call), what })));
        h.out.push_back(Output::OpenStream { stream: self.stream, config: config.clone() });
        self.state = State::Up { leg, config };
        Answered::Up
    }

    /// A re-INVITE of the other side: hold, resume, another codec or address. Whether we may be heard now, if it changed.
    pub fn reinvite(&mut self, h: &mut Hands<'_>, offer: Option<&[u8]>) -> Option<bool> {
        let (leg, config) = match &mut self.state {
            State::Up { leg, config } => (leg, config),
            State::Ringing { .. } => {
                self.early_offer(h, offer);
                return None;
            }
            State::Seeking { .. } | State::Arriving { .. } => return None,
        };
        let local = self.local.as_mut()?;
        self.version += 1;
        local.renew(self.version, KeySeed::new(h.random), config);
        let Some(offer) = offer else {
            // Our offers would take the encryption away where its keys came by a handshake.
            let _ = match config.dtls {
                Some(_) => h.ua.reject_reinvite(h.now.mono, *leg, 488),
                None => h.ua.answer_reinvite(h.now.mono, *leg, sdp::offer(local)),
            };
            return None;
        };
        match sdp::answer(offer, local) {
            Ok(answered) => {
                let _ = h.ua.answer_reinvite(h.now.mono, *leg, answered.body);
                let changed = config.send != answered.stream.send;
                *config = answered.stream;
                let command = MediaCommand::Reconfigure(config.clone());
                h.out.push_back(Output::Media { stream: self.stream, command });
                changed.then_some(config.send)
            }
            Err(error) => {
                let _ = h.ua.reject_reinvite(h.now.mono, *leg, error.status());
                None
            }
        }
    }

    /// An UPDATE of a phone that only rings.
    fn early_offer(&mut self, h: &mut Hands<'_>, offer: Option<&[u8]>) {
        let (State::Ringing { leg, early, .. }, Some(local)) = (&mut self.state, self.local.as_mut()) else { return };
        self.version += 1;
        local.version = self.version;
        match offer.map(|offer| sdp::answer(offer, local)) {
            Some(Ok(answered)) => {
                let _ = h.ua.answer_reinvite(h.now.mono, *leg, answered.body);
                *early = Some(Early::Offer(answered.stream));
            }
            Some(Err(error)) => drop(h.ua.reject_reinvite(h.now.mono, *leg, error.status())),
            None => drop(h.ua.reject_reinvite(h.now.mono, *leg, 488)),
        }
    }

    pub fn reinvite_acked(&mut self, h: &mut Hands<'_>, answer: Option<&[u8]>) -> Option<bool> {
        let State::Up { config, .. } = &mut self.state else { return None };
        let accepted = sdp::accept(answer?, self.local.as_ref()?).ok()?;
        let changed = config.send != accepted.send;
        *config = accepted;
        let command = MediaCommand::Reconfigure(config.clone());
        h.out.push_back(Output::Media { stream: self.stream, command });
        changed.then_some(config.send)
    }

    pub fn command(&self, h: &mut Hands<'_>, command: MediaCommand) {
        if matches!(self.state, State::Up { .. }) {
            h.out.push_back(Output::Media { stream: self.stream, command });
        }
    }

    /// Somebody else has taken the call: the phone hears so when it is let go, and shows no missed call (RFC 3326).
    pub fn taken_elsewhere(&mut self) {
        self.elsewhere = true;
    }

    fn why(&self, end: LegEnd) -> &'static str {
        match end {
            LegEnd::Cancelled if self.elsewhere => ELSEWHERE,
            LegEnd::NoAnswer => NO_ANSWER,
            _ => said_as(""),
        }
    }

    /// Lets it go in whatever state it is; its stream and ports go back. `end` is for the record.
    pub fn end(self, h: &mut Hands<'_>, account: &mut Account, end: LegEnd) {
        if let Some(leg) = self.leg() {
            // One that has gone by itself is gone.
            let _ = h.ua.hang_up_because(h.now.mono, leg, self.why(end));
            h.legs.remove(&leg);
        }
        match &self.state {
            // Nobody waits for the address any more.
            State::Seeking { .. } => {}
            State::Arriving { .. } if self.local.is_none() => {
                // Whoever lends the ports is told when they come.
            }
            State::Arriving { .. } | State::Ringing { .. } => {
                h.out.push_back(Output::ReturnPorts { stream: self.stream });
            }
            State::Up { .. } => {
                account.closing += 1;
                h.out.push_back(Output::CloseStream { stream: self.stream });
            }
        }
        self.note_end(h, account, end);
    }

    /// Its dialog and stream were ended by whoever had them: what is left is to write down.
    pub fn note_end(&self, h: &mut Hands<'_>, account: &mut Account, end: LegEnd) {
        let in_vain =
            matches!(end, LegEnd::NoAnswer | LegEnd::NoConsent | LegEnd::Declined | LegEnd::Busy | LegEnd::Failed);
        if self.is_staff() {
            h.board.rang(h.now.mono, &self.extension, self.stream.call, in_vain);
        }
        if let Some(record) = account.of(self.stream.leg) {
            record.end.get_or_insert(end);
            if record.talk_ms.is_none() {
                record.ring_ms = h.now.mono.ms_since(self.began);
            }
            record.codec = self.config().map(|config| config.codec);
        }
        let what = What::LegEnded { extension: self.extension.clone(), end, why: String::new() };
        h.out.push_back(Output::Event(CallEvent { call: Some(self.stream.call), what }));
    }

    /// How long it has rung or lasted so far.
    pub fn ms_so_far(&self, now: Mono) -> u64 {
        now.ms_since(self.began)
    }
}

fn arriving(h: &mut Hands<'_>, stream: StreamId, to: Way) -> State {
    let Destination { channel, remote } = to.destination;
    h.out.push_back(Output::LendPorts { stream, listener: channel.listener, peer: remote });
    State::Arriving { to }
}

/// What a final response other than 2xx says.
pub(super) fn end_of(status: u16) -> LegEnd {
    match status {
        486 | 600 => LegEnd::Busy,
        603 => LegEnd::Declined,
        408 | 480 | 487 => LegEnd::NoAnswer,
        _ => LegEnd::Failed,
    }
}

/// The caller's own codec first: then nothing need be transcoded.
fn prefer(codecs: &mut [Codec], first: Option<Codec>) {
    if let Some(at) = codecs.iter().position(|codec| Some(*codec) == first) {
        codecs[..=at].rotate_right(1);
    }
}

/// What the phone shows: who calls the desk. The address is ours, so that calling back comes to the desk (R16).
fn who_calls(h: &Hands<'_>, caller: &Caller<'_>, to: Destination) -> NameAddr {
    let host = Host::Ip(h.ua.local_ip(to));
    let uri = Uri::new(host).with_user(caller.number.unwrap_or("anonymous"));
    match caller.name {
        Some(name) => NameAddr::new(uri).with_display(name),
        None => NameAddr::new(uri),
    }
}

/// What a customer's telephone shows who is called back.
fn the_desk(h: &Hands<'_>, to: Destination) -> NameAddr {
    NameAddr::new(Uri::new(Host::Ip(h.ua.local_ip(to))).with_user(DESK))
}

fn words(why: Unreachable) -> &'static str {
    match why {
        Unreachable::BadAddress => "its address is no SIP address that can be called",
        Unreachable::TrunkDown => "the trunk that its number is called over is down",
        Unreachable::NoGateway => "it is a number, and [sip] gateway is not set",
        Unreachable::NotRegistered => "no phone is registered with that account",
        Unreachable::TooManyOut => "too many calls went out within an hour: see [guard] outgoing_calls_per_hour_max",
        Unreachable::NoListener => "no listener of that transport and address family",
    }
}
