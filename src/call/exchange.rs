//! All calls of the line and the user agent, behind one `handle_input` / `poll_output`.

mod errands;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use self::errands::Errands;
use super::admission::{Admission, AdmissionLimits, Refusal};
use super::disk_words::DiskWords;
use super::events::{CallEvent, What};
use super::io::{Asker, Input, Output};
use super::ladders::{Ladders, Link};
use super::legs::Legs;
use super::lines::Lines;
use super::pin_locks::{Holder, PinLocks};
use super::reach::{Colleague, Visit};
use super::service::Service;
use super::session::{Hands, PinClaim, Session, new_record};
use super::switchboard::Switchboard;
use crate::desk::ban::{Ban, BannedNetwork};
use crate::desk::call_back::WaitingCallBack;
use crate::desk::call_record::{CallRecord, Outcome};
use crate::desk::live::{LiveCall, SteerFault, SteerOrder};
use crate::desk::message::MessagesWaiting;
use crate::desk::phones::RegisteredPhone;
use crate::desk::request::{DeskReply, DeskRequest, Done, RequestId};
use crate::sip::registrar::Binding;
use crate::sip::trunk::Standing;
use crate::sip::user_agent::{self, Destination, EndReason, Event, IncomingInvite, LegId, UserAgent};
use crate::types::{CallId, Mono, Now, Random};

/// After the grace of a shutdown so long is waited for registrars to let go and for the disk: a disk that is full, or a
/// registrar that has gone, keeps nobody.
const LAST_WORDS_MAX: Duration = Duration::from_secs(3);

/// In place of an extension that nobody has.
const NOBODYS: &str = "an extension that nobody has";

/// For what is asked of the store for no call.
const NO_CALL: CallId = CallId(0);

/// See the module.
pub struct Exchange {
    ua: UserAgent,
    service: Arc<Service>,
    admission: Admission,
    pin_locks: PinLocks,
    random: Random,
    /// In boxes, as the table has room for twice as many.
    calls: HashMap<CallId, Box<Session>>,
    by_leg: Legs,
    ladders: Ladders,
    board: Switchboard,
    words: DiskWords,
    lines: Lines,
    errands: Errands,
    timers: BTreeSet<(Mono, CallId)>,
    ua_wait: Option<Mono>,
    next_call: i64,
    shutdown: Option<Mono>,
    /// When only calls are waited for any more.
    gives_up_at: Option<Mono>,
    idle_told: bool,
    out: VecDeque<Output>,
}

impl Exchange {
    /// `next_call` is above every id that the store knows.
    pub fn new(ua: UserAgent, service: Arc<Service>, limits: AdmissionLimits, next_call: i64, random: Random) -> Self {
        Self {
            ua,
            service,
            admission: Admission::new(limits),
            pin_locks: PinLocks::default(),
            random,
            calls: HashMap::new(),
            by_leg: Legs::default(),
            ladders: Ladders::default(),
            board: Switchboard::default(),
            words: DiskWords::default(),
            lines: Lines::default(),
            errands: Errands::default(),
            timers: BTreeSet::new(),
            ua_wait: None,
            next_call,
            shutdown: None,
            gives_up_at: None,
            idle_told: false,
            out: VecDeque::new(),
        }
    }

    pub fn handle_input(&mut self, now: Now, input: Input<'_>) {
        match input {
            Input::Sip(input) => {
                if let user_agent::Input::Received { via, source, bytes } = input {
                    let to = Destination { channel: via, remote: source };
                    self.ladders.received(now.mono, bytes, || link(&self.ua, to));
                }
                self.ua.handle_input(now.mono, input);
            }
            Input::PortsLent { stream, mut ports } => {
                if let Some(ports) = &mut ports {
                    self.ua.learn_local(ports.peer, ports.local);
                    // Where nobody has said what the SDP is to name, a trunk's registrar may know it better than we do.
                    if ports.address == ports.local
                        && let Some(external) = self.ua.external_towards(SocketAddr::new(ports.peer, 0))
                    {
                        ports.address = external;
                    }
                }
                if self.calls.contains_key(&stream.call) {
                    self.with(now, stream.call, |s, h| s.ports_lent(h, stream, ports));
                } else if ports.is_some() {
                    self.out.push_back(Output::ReturnPorts { stream });
                }
            }
            Input::Located { asker: Asker::Leg(stream), targets } => {
                self.with(now, stream.call, |s, h| s.located(h, stream, &targets));
            }
            Input::Located { asker: Asker::Trunk(trunk), targets } => self.ua.trunk_located(now.mono, trunk, &targets),
            Input::Located { asker: Asker::Outside, targets } => self.ua.outside_located(now.mono, &targets),
            Input::Trunks(trunks) => {
                self.ua.look_outside(now.mono);
                self.ua.set_trunks(now.mono, trunks);
            }
            Input::LocalChanged { peer, local } => self.ua.local_changed(now.mono, peer, local),
            Input::Media { stream, event } => self.with(now, stream.call, |s, h| s.media_event(h, stream, event)),
            Input::MediaClosed { stream, report } => {
                self.with(now, stream.call, |s, h| s.media_closed(h, stream, report))
            }
            Input::Recorded { call, recording, written } => {
                self.with(now, call, |s, h| s.recorded(h, &recording, written));
            }
            Input::RecordingLoaded { call, recording, audio } => {
                self.with(now, call, |s, h| s.recording_loaded(h, &recording, audio));
            }
            Input::Desk(reply) => {
                if reply.call == NO_CALL {
                    self.words.replied(now.mono, reply.id, reply.result.is_ok());
                }
                self.tell_waiting(now, &reply);
                self.errand_claimed(now, &reply);
                self.with(now, reply.call, |s, h| s.desk_reply(h, reply));
            }
            Input::PinChecked { call, id, right } => self.pin_checked(now, call, id, right),
            Input::CallBacks(waiting) => waiting.into_iter().for_each(|one| self.take_up(now, one)),
            Input::Errands(errands) => self.errands_due(now, errands),
            Input::Text { id, extension, text } => {
                let users: Vec<String> = self.service.phones.of(&extension).map(|phone| phone.user.clone()).collect();
                self.ua.send_text(now.mono, id, &users, &text);
            }
            Input::Steer { id, order } => self.steer(now, id, &order),
            Input::MessagesChanged(extensions) => extensions.into_iter().for_each(|one| self.ask_what_waits(one)),
            Input::Overtaken(errands) => self.errands_overtaken(now, &errands),
            Input::Reload(service) => self.service = service,
            Input::Presences(presences) => self.board.presences = presences,
            Input::Accounts(accounts) => self.ua.set_accounts(now.mono, accounts),
            Input::Banned { network, until } => self.ua.ban(network.address(), until),
            Input::BanLifted(network) => {
                self.ua.lift_ban(network.address());
                self.tell_of_phones(What::BanLifted { network });
            }
            Input::Shutdown { until } => {
                self.shutdown = Some(until);
                self.gives_up_at = Some(until + LAST_WORDS_MAX);
                self.ua.look_outside_no_more();
                self.ua.set_trunks(now.mono, Vec::new());
                self.ladders.close_all();
                self.with_all(now, |s, h| s.shutting_down(h));
            }
            Input::Timeout => self.timeout(now),
        }
        self.drain_ua(now);
        self.write_ladders(now.mono);
        while let Some(request) = self.words.poll(now.mono) {
            self.out.push_back(Output::Desk { call: NO_CALL, request });
        }
        self.tell_idle(now.mono);
    }

    /// Drain until `Wait`.
    pub fn poll_output(&mut self) -> Output {
        if let Some(output) = self.out.pop_front() {
            return output;
        }
        let call = self.timers.first().map(|(at, _)| *at);
        let shutdown = if self.calls.is_empty() { self.gives_up_at.filter(|_| !self.idle_told) } else { self.shutdown };
        Output::Wait(
            [self.ua_wait, call, shutdown, self.words.next_wake(), self.lines.next_wake(), self.ladders.next_wake()]
                .into_iter()
                .flatten()
                .min(),
        )
    }

    /// Whether nothing that comes from there is served.
    pub fn is_banned(&self, now: Mono, source: IpAddr) -> bool {
        self.ua.is_banned(now, source)
    }

    /// The SIP messages of calls are not kept.
    pub fn keep_no_ladders(&mut self) {
        self.ladders.turn_off();
    }

    pub fn live_calls(&self) -> usize {
        self.calls.len()
    }

    /// The telephones that are registered, by account.
    pub fn phones(&self, now: Mono) -> Vec<RegisteredPhone> {
        let phone = |(user, binding): (&str, &Binding)| RegisteredPhone {
            user: user.to_owned(),
            contact: binding.contact.to_string(),
            reached_at: binding.destination.remote.to_string(),
            expires_in_s: binding.expires_at.since(now).as_secs(),
        };
        self.ua.registered().map(phone).collect()
    }

    /// Every call as it is now, the oldest first.
    pub fn live(&self, now: Now) -> Vec<LiveCall> {
        let mut live: Vec<LiveCall> = self.calls.values().map(|session| session.live(&self.board, now)).collect();
        live.sort_by_key(|call| call.id);
        live
    }

    pub fn sip_counters(&self) -> &crate::sip::user_agent::Counters {
        self.ua.counters()
    }

    /// Whether nothing of any call is left: for tests.
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty()
            && self.by_leg.is_empty()
            && self.ladders.is_empty()
            && self.timers.is_empty()
            && self.board.is_idle()
            && self.words.is_idle()
            && self.errands.is_idle()
            && self.ua.is_idle()
    }

    /// Servers of trunks that are up: the driver watches over which of our addresses they are reached.
    pub fn trunk_servers(&self) -> Vec<SocketAddr> {
        self.ua.trunk_servers()
    }

    fn trunk_said(&mut self, now: Now, name: &str, standing: &Standing) {
        let told = self.lines.said(now, name, standing);
        told.words.into_iter().for_each(|word| self.words.say(now.mono, word));
        if let Some(what) = told.what {
            self.out.push_back(Output::Event(CallEvent { call: None, what }));
        }
    }

    fn timeout(&mut self, now: Now) {
        for word in self.lines.due(now.mono) {
            self.words.say(now.mono, word);
        }
        if self.ua_wait.is_some_and(|at| at <= now.mono) {
            self.ua.handle_input(now.mono, user_agent::Input::Timeout);
        }
        while let Some((at, call)) = self.timers.first().copied() {
            if at > now.mono {
                break;
            }
            self.timers.pop_first();
            if let Some(session) = self.calls.get_mut(&call) {
                session.scheduled = None;
            }
            self.with(now, call, |s, h| s.timeout(h));
        }
        if self.shutdown.is_some_and(|until| until <= now.mono) {
            self.shutdown = Some(now.mono + Duration::from_secs(1));
            self.with_all(now, |s, h| s.shut_down(h));
        }
    }

    fn drain_ua(&mut self, now: Now) {
        loop {
            match self.ua.poll_output() {
                user_agent::Output::Send { to, bytes } => {
                    self.join_fresh_legs(now);
                    self.ladders.sent(now.mono, &bytes, || link(&self.ua, to));
                    self.out.push_back(Output::Send { to, bytes });
                }
                user_agent::Output::Event(event) => self.sip_event(now, event),
                user_agent::Output::Wait(at) => {
                    self.join_fresh_legs(now);
                    self.ua_wait = at;
                    return;
                }
            }
        }
    }

    fn sip_event(&mut self, now: Now, event: Event) {
        match event {
            Event::Incoming { leg, invite } => {
                let invite = self.with_trust(invite);
                self.incoming(now, leg, invite);
            }
            Event::Refused { invite, status } => {
                let invite = self.with_trust(invite);
                self.refused_by_sip(now, &invite, status);
            }
            Event::Cancelled { leg } => self.with_leg(now, leg, |s, h| match s.leg == leg {
                true => s.leave(h, "cancelled", Some(Outcome::Abandoned)),
                false => s.leg_ended(h, leg, EndReason::Bye),
            }),
            Event::Acked { leg, sdp } => self.with_leg(now, leg, |s, h| match s.leg == leg {
                true => s.acked(h, sdp.as_deref()),
                false => s.leg_acked(h, leg),
            }),
            Event::NoAck { leg } => self.with_leg(now, leg, |s, h| match s.leg == leg {
                true => s.leave(h, "no_ack", Some(Outcome::Failed)),
                false => s.leg_ended(h, leg, EndReason::Lost),
            }),
            Event::Reinvite { leg, sdp } => self.with_leg(now, leg, |s, h| match s.leg == leg {
                true => s.reinvite(h, sdp.as_deref()),
                false => s.leg_reinvites(h, leg, sdp.as_deref()),
            }),
            Event::ReinviteAcked { leg, sdp } => self.with_leg(now, leg, |s, h| match s.leg == leg {
                true => s.reinvite_acked(h, sdp.as_deref()),
                false => s.leg_reinvite_acked(h, leg, sdp.as_deref()),
            }),
            Event::Info { leg, content_type, body } => {
                self.with_leg(now, leg, |s, h| s.info(h, leg, &content_type, &body))
            }
            Event::PeerSaidWhy { leg, reason } => {
                self.with_leg(now, leg, |s, h| s.tell(h, What::PeerSaidWhy { reason }));
            }
            Event::Ended { leg, reason } => {
                self.with_leg(now, leg, |s, h| match s.leg == leg {
                    true => s.caller_left(h, reason.as_str()),
                    false => s.leg_ended(h, leg, reason),
                });
            }
            Event::Ringing { leg, sdp, .. } => self.with_leg(now, leg, |s, _| s.leg_rings(leg, sdp)),
            Event::Answered { leg, sdp, .. } => self.with_leg(now, leg, |s, h| s.leg_answered(h, leg, sdp)),
            Event::Failed { leg, status, contacts, .. } => {
                self.with_leg(now, leg, |s, h| s.leg_failed(h, leg, status, &contacts));
            }
            Event::Refer { leg, refer } => self.with_leg(now, leg, |s, h| s.leg_refers(h, leg, &refer)),
            Event::Registered { user, source, .. } => {
                self.phone_came(&user);
                self.tell_of_phones(What::PhoneCame { user, source });
            }
            Event::Unproven { user, source } => self.tell_of_phones(What::PhoneRefused { user, source }),
            Event::Banned { network, failures, until } => self.banned(now, network, failures, until),
            Event::Unregistered { user, why, .. } => self.tell_of_phones(What::PhoneGone { user, why: why.as_str() }),
            Event::ReferProgress { leg, status } => self.with_leg(now, leg, |s, h| s.pbx_tells(h, leg, status)),
            Event::ReferFailed { leg, status } => self.with_leg(now, leg, |s, h| s.pbx_tells(h, leg, status.max(300))),
            Event::TrunkSeeks { trunk, uri } => {
                self.out.push_back(Output::Locate { asker: Asker::Trunk(trunk), uri });
            }
            Event::Close { to } => self.out.push_back(Output::Close { to }),
            Event::OutsideSeeks { uri } => self.out.push_back(Output::Locate { asker: Asker::Outside, uri }),
            Event::Outside { address } => self.tell_of_phones(What::SeenOutside { address }),
            Event::TextEnded { id, status } => self.out.push_back(Output::TextEnded { id, status }),
            Event::OutsideUnknown => self.tell_of_phones(What::OutsideUnknown),
            Event::Trunk { name, standing } => self.trunk_said(now, &name, &standing),
            // Nobody asks for options or changes a session yet.
            Event::ReferAccepted { .. }
            | Event::ReinviteAnswered { .. }
            | Event::ReinviteFailed { .. }
            | Event::OptionsAnswered { .. } => {}
        }
    }

    fn tell_of_phones(&mut self, what: What) {
        self.out.push_back(Output::Event(CallEvent { call: None, what }));
    }

    /// What a carrier or PBX asserts of the caller counts where the settings trust it (RFC 3325).
    fn with_trust(&self, mut invite: IncomingInvite) -> IncomingInvite {
        let source = invite.source.ip();
        invite.trunk = invite.trunk.or_else(|| self.service.trunk_of_network(source).map(str::to_owned));
        let of_trunk = invite.trunk.as_ref().and_then(|name| self.service.trunk(name));
        invite.identity.trusted = self.service.trusted.iter().any(|network| network.contains(source))
            || of_trunk.is_some_and(|trunk| trunk.asserts_identity);
        invite
    }

    fn banned(&mut self, now: Now, network: IpAddr, failures: u32, until: Mono) {
        let (network, lasts) = (BannedNetwork::of(network), until.since(now.mono));
        let ban = Ban { network, since: now.wall, until: now.wall + lasts, failures };
        self.out.push_back(Output::Desk { call: NO_CALL, request: DeskRequest::PutBan(ban) });
        self.tell_of_phones(What::Banned { network, failures, minutes: lasts.as_secs() / 60 });
    }

    fn incoming(&mut self, now: Now, leg: LegId, invite: IncomingInvite) {
        let source = invite.source.ip();
        if self.is_for_a_caller_here(now, leg, &invite) {
            return;
        }
        let admitted = if self.shutdown.is_some() {
            Err(Refusal::ShuttingDown)
        } else {
            self.admission.admit(now.mono, source, invite.trunk.is_some(), self.calls.len())
        };
        if let Err(why) = admitted {
            return self.refuse(now, leg, &invite, why);
        }
        let call = self.take_call_id();
        let sdp_session_id = self.random.u64() >> 2;
        let listener = invite.listener;
        let service = self.service.clone();
        let mut hands = Hands {
            now,
            ua: &mut self.ua,
            out: &mut self.out,
            legs: &mut self.by_leg,
            board: &mut self.board,
            words: &mut self.words,
            random: &mut self.random,
        };
        let row = new_record(call, &invite, &service.numbers, now.wall);
        self.ladders.join(now, call, &invite.sip_call_id);
        let begin = || Session::new(call, leg, listener, invite, service, sdp_session_id, &mut hands);
        match catch_unwind(AssertUnwindSafe(begin)) {
            Ok(session) => {
                self.by_leg.insert(leg, call);
                self.calls.insert(call, Box::new(session));
            }
            Err(panic) => self.never_began(now, leg, row, &*panic),
        }
    }

    /// Whether it is no new caller: it takes the place of a leg that is here, or one of the staff calls for a caller whom they
    /// have, or who is parked.
    fn is_for_a_caller_here(&mut self, now: Now, leg: LegId, invite: &IncomingInvite) -> bool {
        let colleague = Colleague::of(&self.service, &self.ua, invite);
        if let Some(old) = invite.replaces {
            let call = self.by_leg.get(&old).copied();
            let taken =
                self.have(now, call, |s, h| s.leg_replaced(h, old, leg, invite.sdp.as_deref(), colleague.as_ref()));
            self.joined(now, leg, invite, call, taken);
            return true;
        }
        let Some(colleague) = colleague else { return false };
        let wanted = invite.callee_user.clone().unwrap_or_default();
        let parked = self.board.parked_at(&wanted);
        let own = || {
            let call = self.board.talks_to(&colleague.extension).filter(|_| self.service.person(&wanted).is_some())?;
            self.calls.get(&call).filter(|session| session.is_with(&colleague.extension)).map(|_| call)
        };
        let Some(call) = parked.or_else(own) else { return false };
        let (offer, listener, source) = (invite.sdp.clone(), invite.listener, invite.source);
        let row = new_record(self.take_call_id(), invite, &self.service.numbers, now.wall);
        self.put_row(row.clone());
        let visit = Visit { colleague, wanted, offer, listener, source, row: Box::new(row.clone()) };
        if let Err(status) = self.have(now, Some(call), |s, h| s.visited(h, leg, visit)) {
            let _ = self.ua.reject(now.mono, leg, status, None);
            self.end_row(now, row, Outcome::Rejected, &format!("rejected_{status}"));
        }
        true
    }

    fn steer(&mut self, now: Now, id: u64, order: &SteerOrder) {
        let mut done = Err(SteerFault::NoCall);
        self.with(now, order.call, |s, h| done = s.steered(h, &order.steer, order.by.as_deref()));
        self.out.push_back(Output::Steered { id, done });
    }

    fn have(
        &mut self,
        now: Now,
        call: Option<CallId>,
        act: impl FnOnce(&mut Session, &mut Hands<'_>) -> Result<(), u16>,
    ) -> Result<(), u16> {
        let mut taken = Err(481);
        if let Some(call) = call {
            self.with(now, call, |s, h| taken = act(s, h));
        }
        taken
    }

    /// The row of an INVITE that became a part of another call (R4), or was refused.
    fn joined(&mut self, now: Now, leg: LegId, invite: &IncomingInvite, call: Option<CallId>, taken: Result<(), u16>) {
        match (taken, call) {
            (Ok(()), Some(call)) => {
                self.log_ended(now, invite, Outcome::Transferred, &format!("joined_call_{}", call.0));
            }
            (Ok(()), None) => {}
            (Err(status), _) => {
                let _ = self.ua.reject(now.mono, leg, status, None);
                self.refused_by_sip(now, invite, status);
            }
        }
    }

    /// A call-back of an earlier run waits on.
    fn take_up(&mut self, now: Now, waiting: WaitingCallBack) {
        let (call, service) = (waiting.record.id, self.service.clone());
        if self.calls.contains_key(&call) {
            return;
        }
        if let Some(session) = Session::taken_up(waiting, service, now) {
            self.calls.insert(call, Box::new(session));
            self.with(now, call, Session::begin_call_back);
        }
    }

    /// A panic before the call was one: it is refused, its row ended, and the others go on.
    fn never_began(&mut self, now: Now, leg: LegId, mut row: CallRecord, panic: &(dyn std::any::Any + Send)) {
        let _ = self.ua.reject(now.mono, leg, 500, None);
        let call = row.id;
        self.ladders.end(now.mono, call, true);
        row.ended_at = Some(now.wall);
        row.outcome = Some(Outcome::Failed);
        row.end_reason = Some("internal_error".to_owned());
        self.out.push_back(Output::Desk { call, request: DeskRequest::PutCall(Box::new(row)) });
        let what = What::Panicked { message: panic_message(panic) };
        self.out.push_back(Output::Event(CallEvent { call: Some(call), what }));
    }

    fn refuse(&mut self, now: Now, leg: LegId, invite: &IncomingInvite, why: Refusal) {
        let retry_after_s = (why.status() == 503).then_some(5);
        let _ = self.ua.reject(now.mono, leg, why.status(), retry_after_s);
        let call = self.log_unanswered(now, invite, Outcome::Rejected, why.reason());
        self.out.push_back(Output::Event(CallEvent { call, what: What::Refused { source: invite.source, why } }));
    }

    fn refused_by_sip(&mut self, now: Now, invite: &IncomingInvite, status: u16) {
        let call = self.log_unanswered(now, invite, Outcome::Rejected, &format!("rejected_{status}"));
        let what = What::RejectedBySip { source: invite.source, status };
        self.out.push_back(Output::Event(CallEvent { call, what }));
    }

    /// A row for an INVITE that never became a call (R4); `None` when a flood of them would fill the disk.
    fn log_unanswered(&mut self, now: Now, invite: &IncomingInvite, outcome: Outcome, reason: &str) -> Option<CallId> {
        if !self.admission.log_refusal(now.mono) {
            return None;
        }
        Some(self.log_ended(now, invite, outcome, reason))
    }

    fn log_ended(&mut self, now: Now, invite: &IncomingInvite, outcome: Outcome, reason: &str) -> CallId {
        let record = new_record(self.take_call_id(), invite, &self.service.numbers, now.wall);
        self.end_row(now, record, outcome, reason)
    }

    fn end_row(&mut self, now: Now, mut record: CallRecord, outcome: Outcome, reason: &str) -> CallId {
        let call = record.id;
        record.ended_at = Some(now.wall);
        (record.outcome, record.end_reason) = (Some(outcome), Some(reason.to_owned()));
        self.put_row(record);
        call
    }

    fn put_row(&mut self, record: CallRecord) {
        let (call, request) = (record.id, DeskRequest::PutCall(Box::new(record)));
        self.out.push_back(Output::Desk { call, request });
    }

    /// Their dialogs' messages belong to their calls.
    fn join_fresh_legs(&mut self, now: Now) {
        while let Some((leg, call)) = self.by_leg.take_fresh() {
            if let Some(call_id) = self.ua.call_id(leg) {
                self.ladders.join(now, call, call_id);
            }
        }
    }

    /// What was kept of calls that are over.
    fn write_ladders(&mut self, now: Mono) {
        while let Some(ladder) = self.ladders.poll(now) {
            let (call, request) = (ladder.call, DeskRequest::PutLadder(Box::new(ladder)));
            self.out.push_back(Output::Desk { call, request });
        }
    }

    fn take_call_id(&mut self) -> CallId {
        let id = CallId(self.next_call);
        self.next_call += 1;
        id
    }

    fn with_leg(&mut self, now: Now, leg: LegId, act: impl FnOnce(&mut Session, &mut Hands<'_>)) {
        if let Some(call) = self.by_leg.get(&leg).copied() {
            self.with(now, call, act);
        }
    }

    fn with_all(&mut self, now: Now, act: impl Fn(&mut Session, &mut Hands<'_>)) {
        let calls: Vec<CallId> = self.calls.keys().copied().collect();
        for call in calls {
            self.with(now, call, &act);
        }
    }

    /// Lets one session act; a panic in it ends that call alone.
    fn with(&mut self, now: Now, call: CallId, act: impl FnOnce(&mut Session, &mut Hands<'_>)) {
        let Some(session) = self.calls.get_mut(&call) else { return };
        let mut hands = Hands {
            now,
            ua: &mut self.ua,
            out: &mut self.out,
            legs: &mut self.by_leg,
            board: &mut self.board,
            words: &mut self.words,
            random: &mut self.random,
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| act(session, &mut hands))) {
            let what = What::Panicked { message: panic_message(&*panic) };
            hands.out.push_back(Output::Event(CallEvent { call: Some(call), what }));
            session.abort(&mut hands);
        }
        if self.shutdown.is_some() {
            session.shutting_down(&mut hands);
        }
        if session.is_over() {
            if let Some(at) = session.scheduled {
                self.timers.remove(&(at, call));
            }
            self.by_leg.remove(&session.leg);
            self.calls.remove(&call);
            self.board.forget(call);
            self.errands.forget(call);
            self.ladders.end(now.mono, call, self.shutdown.is_some());
            return;
        }
        let wake = session.next_wake();
        if wake != session.scheduled {
            if let Some(at) = session.scheduled {
                self.timers.remove(&(at, call));
            }
            if let Some(at) = wake {
                self.timers.insert((at, call));
            }
            session.scheduled = wake;
        }
    }

    /// The lock-outs have their say before the flow hears of it. Whose call is over has learnt nothing.
    fn pin_checked(&mut self, now: Now, call: CallId, id: RequestId, right: Option<bool>) {
        let Some(claim) = self.calls.get_mut(&call).and_then(|session| session.pin_claim(id)) else { return };
        let PinClaim { extension, caller, known } = claim;
        let opens = right.map(|right| {
            let keyed = Holder::Extension(extension.clone());
            let verdict = self.pin_locks.judge(now.mono, keyed.clone(), caller, right);
            let mut tell = |what| self.out.push_back(Output::Event(CallEvent { call: Some(call), what }));
            if !verdict.opens {
                tell(What::PinRefused { extension: known.then_some(extension), locked: verdict.locked });
            }
            for (holder, lasts) in verdict.locks {
                let whom = if holder == keyed && !known { NOBODYS.to_owned() } else { holder.to_string() };
                tell(What::PinsLocked { whom, minutes: lasts.as_secs() / 60 });
            }
            verdict.opens
        });
        self.with(now, call, |s, h| s.pin_checked(h, id, opens));
    }

    /// Told whether the call still lives or not: its last change may be kept after its end.
    fn tell_waiting(&mut self, now: Now, reply: &DeskReply) {
        if let Ok(Done::Waiting(waiting)) = &reply.result {
            self.light_lamps(now, waiting);
        }
        let changed = reply.result.as_ref().map(Done::waiting_changed).unwrap_or_default();
        for waiting in changed {
            self.light_lamps(now, waiting);
            let what = What::MessagesWaiting(waiting.clone());
            self.out.push_back(Output::Event(CallEvent { call: Some(reply.call), what }));
        }
    }

    /// The lamps of a person's own telephones (RFC 3842).
    fn light_lamps(&mut self, now: Now, waiting: &MessagesWaiting) {
        let service = self.service.clone();
        let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        for phone in service.phones.of(&waiting.extension) {
            // An account that is not known yet asks again when it registers.
            let _ = self.ua.set_messages_waiting(now.mono, &phone.user, count(waiting.new), count(waiting.old));
        }
    }

    /// A telephone came: what waits for its person is in the store.
    fn phone_came(&mut self, user: &str) {
        let phones = self.service.phones.phones();
        if let Some(extension) = phones.iter().find(|phone| phone.user == user).and_then(|p| p.extension.clone()) {
            self.ask_what_waits(extension);
        }
    }

    /// Only for those who have a telephone here.
    fn ask_what_waits(&mut self, extension: String) {
        if self.service.phones.of(&extension).next().is_some() {
            let request = DeskRequest::CountMessages { id: RequestId(0), for_person: extension };
            self.out.push_back(Output::Desk { call: NO_CALL, request });
        }
    }

    fn tell_idle(&mut self, now: Mono) {
        let left = self.ua.trunks().next().is_none() && self.words.is_idle();
        let left = left || self.gives_up_at.is_some_and(|at| at <= now);
        if self.shutdown.is_some() && self.calls.is_empty() && left && !self.idle_told {
            self.idle_told = true;
            self.out.push_back(Output::Idle);
        }
    }
}

/// Between which addresses a message goes, for a call's ladder.
fn link(ua: &UserAgent, to: Destination) -> Option<Link> {
    let (transport, local) = ua.near_end(to)?;
    Some(Link { transport: transport.as_str(), local, remote: to.remote })
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
