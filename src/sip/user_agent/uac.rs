//! Our own requests and what comes back (RFC 3261 sections 8.1, 9.1, 13.2).

use std::net::SocketAddr;

use super::UserAgent;
use super::event::{EndReason, Event, LegId, UaError};
use super::leg::{Leg, LegState};
use super::proving::Provable;
use super::receive::sdp_of;
use super::subscribe::WatcherId;
use super::texts::TextId;
use super::trunks::Asked;
use crate::sip::channel::{Channel, ConnectionId, Destination};
use crate::sip::dialog::Dialog;
use crate::sip::transaction::{InviteClient, InviteOutcome, Key, RequestClient};
use crate::sip::trunk::TrunkId;
use crate::sip::wire::{CSeq, Headers, Host, Method, Name, NameAddr, Replaces, Request, Response, Transport, Uri, Via};
use crate::types::Mono;

/// A call that we make. Nothing in it comes from a caller: only configured places are ever called.
#[derive(Debug, Clone)]
pub struct OutgoingInvite {
    pub target: Uri,
    pub destination: Destination,
    /// The proxies that it visits on the way, such as those that a phone registered through (RFC 3327).
    pub routes: Vec<NameAddr>,
    /// Without tag.
    pub from: NameAddr,
    pub contact_user: String,
    /// The trunk that it goes over: its way is taken, and its challenges are answered.
    pub trunk: Option<TrunkId>,
    /// Our offer; without one the answer brings the peer's.
    pub sdp: Option<Vec<u8>>,
    /// The call at the target that this one is to take the place of (RFC 3891).
    pub replaces: Option<Replaces>,
    /// Who asked for this call, as its REFER had it (RFC 3892).
    pub referred_by: Option<String>,
    /// What else is said of it, such as Alert-Info or P-Asserted-Identity. Fields that the user agent writes itself are
    /// left out, and so are those beyond sixteen; line ends in a value become spaces.
    pub headers: Vec<(Name, String)>,
}

/// An INVITE client transaction.
#[derive(Debug)]
pub(super) struct InviteOut {
    pub machine: InviteClient,
    pub leg: Option<LegId>,
    /// It is a re-INVITE.
    pub again: bool,
    pub trunk: Option<TrunkId>,
    /// Challenges that it has answered.
    pub rounds: u8,
    pub to: Destination,
    pub request: Request,
    /// The ACKs that went out to 2xx: one that comes again gets its own again.
    acks: Vec<ForkAck>,
    pub armed: Option<Mono>,
}

/// The ACK to the 2xx of one fork.
#[derive(Debug)]
struct ForkAck {
    remote_tag: String,
    to: Destination,
    bytes: Box<[u8]>,
}

/// A client transaction of another method.
#[derive(Debug)]
pub(super) struct RequestOut {
    pub machine: RequestClient,
    pub to: Destination,
    purpose: Purpose,
    /// To answer a challenge with.
    pub provable: Option<Box<Provable>>,
    pub armed: Option<Mono>,
}

/// What a request of ours is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Bye,
    Cancel,
    Info(LegId),
    Options,
    Refer {
        leg: LegId,
        seq: u32,
    },
    NotifyRefer(LegId),
    /// An UPDATE that refreshes the session.
    Refresh(LegId),
    /// To a callee of that leg who rings.
    Prack(LegId),
    /// A NOTIFY of a subscription to messages waiting.
    Summary(WatcherId),
    /// OPTIONS that keeps a phone's NAT open.
    Ping,
    Trunk(TrunkId, Asked),
    /// A MESSAGE to one telephone.
    Text(TextId),
    /// Nobody waits for what comes of it.
    Untracked,
}

impl Purpose {
    /// The leg whose dialog it is in.
    pub fn leg(self) -> Option<LegId> {
        match self {
            Purpose::Info(leg) | Purpose::Refer { leg, .. } | Purpose::NotifyRefer(leg) => Some(leg),
            Purpose::Refresh(leg) | Purpose::Prack(leg) => Some(leg),
            Purpose::Bye | Purpose::Cancel | Purpose::Options | Purpose::Summary(_) => None,
            Purpose::Ping | Purpose::Trunk(..) | Purpose::Text(_) | Purpose::Untracked => None,
        }
    }
}

/// Fields of other people's making in one INVITE of ours.
const EXTRA_HEADERS_MAX: usize = 16;
/// Places that one 3xx may name: the others are not told.
const CONTACTS_MAX: usize = 8;

/// Answers of forks that one INVITE can have: more are not acknowledged.
pub(super) const FORKS_MAX: usize = 16;
/// Requests that we may have sent to a callee who rang, and whose numbers a fork's BYE must not repeat.
pub(super) const EARLY_REQUESTS_MAX: u32 = 256;

impl UserAgent {
    /// Calls a configured place.
    pub fn invite(&mut self, now: Mono, call: OutgoingInvite) -> Result<LegId, UaError> {
        self.listener_exists(call.destination.channel)?;
        if self.is_full() || self.legs.len() >= self.config.limits.dialogs_max {
            return Err(UaError::Full);
        }
        let local = call.from.clone().with_tag(self.random.token(10));
        let mut dialog = Dialog {
            call_id: self.random.token(24),
            local,
            remote: NameAddr::new(call.target.clone()),
            target: call.target.clone(),
            routes: if call.routes.is_empty() { self.service_route(call.trunk) } else { call.routes },
            local_seq: 0,
            remote_seq: None,
            peer: call.destination,
            behind_nat: false,
        };
        let mut request = dialog.request(Method::Invite, None);
        let contact = self.contact_in(&dialog, call.destination, Some(&call.contact_user));
        request.headers.push(Name::Contact, contact.to_string());
        request.headers.push(Name::Allow, self.allow());
        request.headers.push(Name::Supported, self.config.supported_text());
        request.headers.push(Name::UserAgent, self.config.server.clone());
        self.ask_for_session(&mut request.headers);
        if let Some(replaces) = call.replaces {
            request.headers.push(Name::Require, "replaces");
            request.headers.push(Name::Replaces, replaces.to_string());
        }
        if let Some(referred_by) = call.referred_by {
            request.headers.push(Name::ReferredBy, referred_by);
        }
        for (name, value) in call.headers.into_iter().filter(|(name, _)| !is_our_own(name)).take(EXTRA_HEADERS_MAX) {
            request.headers.push(name, value);
        }
        if let Some(sdp) = call.sdp {
            request.set_body("application/sdp", sdp);
        }
        let leg = self.new_leg_id();
        let key = self.start_invite_out(now, request, call.destination, leg, false, call.trunk);
        let state = LegState::Calling { invite: key, hung_up: false, early: Vec::new() };
        self.legs.insert(leg, Leg { trunk: call.trunk, ..Leg::new(dialog, state) });
        Ok(leg)
    }

    /// Sends an INVITE of ours in a transaction of its own.
    pub(super) fn start_invite_out(
        &mut self,
        now: Mono,
        mut request: Request,
        to: Destination,
        leg: LegId,
        again: bool,
        trunk: Option<TrunkId>,
    ) -> Key {
        self.add_proofs(trunk, &mut request, to);
        let key = self.add_via(&mut request, to);
        let bytes = request.to_bytes();
        let machine = InviteClient::new(now, &bytes, &self.timing, self.is_reliable(to.channel));
        let (leg, rounds, acks) = (Some(leg), 0, Vec::new());
        let invite = InviteOut { machine, leg, again, trunk, rounds, to, request, acks, armed: None };
        self.invites_out.insert(key, invite);
        self.send(to, bytes);
        self.rearm_invite_out(key);
        key
    }

    fn service_route(&self, trunk: Option<TrunkId>) -> Vec<NameAddr> {
        let Some(trunk) = trunk.and_then(|trunk| self.trunks.get(&trunk)) else { return Vec::new() };
        let proxy = &trunk.line.settings().servers;
        match trunk.line.service_route() {
            [] if proxy.is_loose() => vec![NameAddr::new(proxy.clone())],
            route => route.to_vec(),
        }
    }

    /// OPTIONS outside of a dialog, to see whether a peer lives.
    pub fn options(&mut self, now: Mono, destination: Destination, target: Uri) -> Result<(), UaError> {
        self.listener_exists(destination.channel)?;
        if self.is_full() {
            return Err(UaError::Full);
        }
        self.send_options(now, destination, target, Purpose::Options);
        Ok(())
    }

    pub(super) fn send_options(&mut self, now: Mono, to: Destination, target: Uri, purpose: Purpose) {
        let from = NameAddr::new(self.contact(to.channel, to.remote, None).uri);
        let callee = NameAddr::new(target.clone());
        let mut request = self.outside_request(Method::Options, target, from, callee, to);
        request.headers.push(Name::Accept, super::responses::ACCEPT);
        self.send_request(now, request, to, purpose);
    }

    /// A request outside of a dialog, without Via; `from` is without tag.
    pub(super) fn outside_request(
        &mut self,
        method: Method,
        target: Uri,
        from: NameAddr,
        to: NameAddr,
        destination: Destination,
    ) -> Request {
        let mut request = Request::new(method.clone(), target);
        request.headers.push(Name::From, from.with_tag(self.random.token(10)).to_string());
        request.headers.push(Name::To, to.to_string());
        request.headers.push(Name::CallId, self.random.token(24));
        request.headers.push(Name::CSeq, CSeq::new(1, method).to_string());
        request.headers.push(Name::MaxForwards, "70");
        let contact = self.contact(destination.channel, destination.remote, None);
        request.headers.push(Name::Contact, contact.to_string());
        request
    }

    pub(super) fn send_request(&mut self, now: Mono, mut request: Request, to: Destination, purpose: Purpose) -> Key {
        request.headers.push(Name::UserAgent, self.config.server.clone());
        let key = self.add_via(&mut request, to);
        self.start_request(now, key, &request, to, purpose);
        key
    }

    fn start_request(&mut self, now: Mono, key: Key, request: &Request, to: Destination, purpose: Purpose) {
        let bytes = request.to_bytes();
        let machine = RequestClient::new(now, &bytes, &self.timing, self.is_reliable(to.channel));
        self.requests_out.insert(key, RequestOut { machine, to, purpose, provable: None, armed: None });
        self.send(to, bytes);
        self.rearm_request_out(key);
    }

    /// Puts our Via on top, with a fresh branch; gives the key of the transaction.
    fn add_via(&mut self, request: &mut Request, to: Destination) -> Key {
        let branch = format!("z9hG4bK{}", self.random.token(16));
        let key = self.keys.client(&branch, request.method.as_str());
        self.push_via(request, to, &branch);
        key
    }

    fn push_via(&self, request: &mut Request, to: Destination, branch: &str) {
        let address = self.our_address(to.channel, to.remote);
        let transport = self.config.listeners.get(to.channel.listener).map_or(Transport::Udp, |l| l.transport);
        let mut via = Via::new(transport, address.ip(), Some(address.port()), branch);
        via.set_param("rport", None);
        request.headers.push_front(Name::Via, via.to_string());
    }

    /// CANCEL now, or as soon as a provisional response allows it (RFC 3261 section 9.1).
    pub(super) fn cancel_ours(&mut self, now: Mono, leg: LegId) -> Result<(), UaError> {
        let state = self.legs.get_mut(&leg).ok_or(UaError::NoSuchLeg)?;
        let LegState::Calling { invite, hung_up, .. } = &mut state.state else { return Err(UaError::WrongState) };
        let key = *invite;
        if std::mem::replace(hung_up, true) {
            return Ok(());
        }
        if self.invites_out.get(&key).is_some_and(|invite| invite.machine.is_proceeding()) {
            self.send_cancel(now, key);
        }
        Ok(())
    }

    fn send_cancel(&mut self, now: Mono, key: Key) {
        let Some(invite) = self.invites_out.get_mut(&key) else { return };
        invite.machine.cancelled(now, &self.timing);
        let to = invite.to;
        let Ok(via) = invite.request.headers.via_top() else { return };
        let mut cancel = Request::new(Method::Cancel, invite.request.uri.clone());
        cancel.headers.push(Name::Via, via.to_string());
        for name in [Name::Route, Name::From, Name::To, Name::CallId, Name::MaxForwards] {
            cancel.headers.copy(&invite.request.headers, &name);
        }
        let seq = invite.request.headers.cseq().map(|cseq| cseq.number).unwrap_or(1);
        cancel.headers.push(Name::CSeq, CSeq::new(seq, Method::Cancel).to_string());
        if let Some(why) = invite.leg.and_then(|leg| self.legs.get(&leg)?.why.clone()) {
            cancel.headers.push(Name::Reason, why);
        }
        let cancel_key = self.keys.client(via.branch().unwrap_or_default(), "CANCEL");
        self.rearm_invite_out(key);
        self.start_request(now, cancel_key, &cancel, to, Purpose::Cancel);
    }

    pub(super) fn response(&mut self, now: Mono, response: Response, channel: Channel, source: SocketAddr) {
        let from = Destination { channel, remote: source };
        // What has other Vias beside ours was not meant for us (RFC 3261 section 8.1.3.3).
        if response.headers.all(&Name::Via).count() != 1 {
            self.counters.stray += 1;
            return;
        }
        let (Ok(via), Ok(cseq)) = (response.headers.via_top(), response.headers.cseq()) else {
            self.counters.malformed += 1;
            return;
        };
        let key = self.keys.client(via.branch().unwrap_or_default(), cseq.method.as_str());
        let reliable = self.is_reliable(channel);
        if self.invites_out.contains_key(&key) {
            self.invite_response(now, key, &response, from);
        } else if let Some(request) = self.requests_out.get_mut(&key) {
            let (purpose, to) = (request.purpose, request.to);
            let is_final = request.machine.response(now, response.status, &self.timing, reliable);
            let provable = if is_final { request.provable.take() } else { None };
            self.rearm_request_out(key);
            match purpose {
                _ if !is_final => {}
                Purpose::Trunk(trunk, asked) => self.trunk_answered(now, trunk, asked, from, &response),
                _ if self.request_again(now, provable, &response, to, purpose) => {}
                _ => self.request_answered(now, purpose, response.status, to, Some(&response.headers)),
            }
        } else {
            self.counters.stray += 1;
        }
    }

    /// 481 and silence end the dialog that the request was in (RFC 3261 section 12.2.1.2). A peer that was silent may
    /// still hear the BYE.
    fn request_answered(
        &mut self,
        now: Mono,
        purpose: Purpose,
        status: u16,
        to: Destination,
        headers: Option<&Headers>,
    ) {
        match purpose {
            Purpose::Info(leg) if matches!(status, 408 | 481) && self.legs.contains_key(&leg) => {
                if status == 408 {
                    self.send_bye(now, leg);
                } else {
                    self.end_leg(now, leg);
                }
                self.tell(Event::Ended { leg, reason: EndReason::Lost });
            }
            Purpose::Options => self.tell(Event::OptionsAnswered { to, status }),
            Purpose::Refer { leg, seq } => self.refer_answered(now, leg, seq, status),
            Purpose::Refresh(leg) => self.refresh_answered(now, leg, status, headers),
            Purpose::NotifyRefer(leg) => self.notify_answered(leg, status),
            Purpose::Summary(watcher) => self.summary_answered(watcher, status),
            Purpose::Text(text) => self.text_answered(text, status),
            Purpose::Trunk(trunk, asked) => self.trunk_unanswered(now, trunk, asked, to, status),
            Purpose::Bye
            | Purpose::Cancel
            | Purpose::Info(_)
            | Purpose::Prack(_)
            | Purpose::Ping
            | Purpose::Untracked => {}
        }
    }

    fn invite_response(&mut self, now: Mono, key: Key, response: &Response, from: Destination) {
        let Some(invite) = self.invites_out.get_mut(&key) else { return };
        match invite.machine.response(now, response.status, &self.timing) {
            InviteOutcome::Ignored => {}
            InviteOutcome::AckAgain(ack) => {
                let (to, ack) = (invite.to, ack.to_vec());
                self.send(to, ack);
            }
            InviteOutcome::Provisional => self.provisional(now, key, response, from),
            InviteOutcome::Success => self.success(now, key, response, from),
            InviteOutcome::Failure => self.failure(now, key, response),
        }
        self.rearm_invite_out(key);
    }

    fn provisional(&mut self, now: Mono, key: Key, response: &Response, from: Destination) {
        let Some(invite) = self.invites_out.get_mut(&key) else { return };
        if invite.again {
            return invite.machine.expect_soon(now, &self.timing);
        }
        let (Some(leg), cancelled) = (invite.leg, invite.machine.is_cancelled()) else { return };
        if let Some(Leg { state: LegState::Calling { hung_up: true, .. }, .. }) = self.legs.get(&leg) {
            if !cancelled {
                self.send_cancel(now, key);
            }
            return;
        }
        if !self.early_response(now, key, response, from) {
            return;
        }
        let sdp = sdp_of(&response.headers, &response.body);
        self.tell(Event::Ringing { leg, status: response.status, sdp });
    }

    /// A 2xx: the first one makes the call, others are forks that are acknowledged and ended (RFC 3261 section 13.2.2.4).
    fn success(&mut self, now: Mono, key: Key, response: &Response, from: Destination) {
        let tag = response.headers.to().ok().and_then(|to| to.tag().map(str::to_owned)).unwrap_or_default();
        let Some(invite) = self.invites_out.get(&key) else { return };
        if let Some(ack) = invite.acks.iter().find(|ack| ack.remote_tag == tag) {
            let (to, bytes) = (ack.to, ack.bytes.to_vec());
            return self.send(to, bytes);
        }
        if invite.acks.len() >= FORKS_MAX {
            return;
        }
        if invite.again {
            return self.reinvite_accepted(now, key, response, from);
        }
        let Some(mut dialog) = dialog_of(invite, response, from) else {
            return self.invite_failed(now, key, 500, "the answer can't be read", Vec::new(), None);
        };
        self.acknowledge(key, tag, &mut dialog);
        let invite = self.invites_out.get(&key);
        let offer = invite.map(|invite| invite.request.body.clone()).filter(|body| !body.is_empty());
        let leg = invite.and_then(|invite| invite.leg);
        let Some((id, leg)) = leg.and_then(|id| Some((id, self.legs.get_mut(&id)?))) else {
            return self.end_fork(now, dialog);
        };
        match &mut leg.state {
            LegState::Calling { hung_up: false, early, .. } => {
                let early = std::mem::take(early);
                if let Some(early) = early.iter().find(|early| early.dialog.remote_tag() == dialog.remote_tag()) {
                    dialog.local_seq = dialog.local_seq.max(early.dialog.local_seq);
                    dialog.remote_seq = early.dialog.remote_seq;
                }
                let dialog_key = self.keys.dialog(&dialog.call_id, dialog.local_tag(), dialog.remote_tag());
                leg.dialog = dialog;
                leg.state = LegState::Up { bye_when_acked: false };
                leg.sdp = offer.map(Into::into);
                self.forget_early(early);
                self.by_dialog.insert(dialog_key, id);
                self.session_agreed(now, id, &response.headers);
                let sdp = sdp_of(&response.headers, &response.body);
                self.tell(Event::Answered { leg: id, status: response.status, sdp });
            }
            LegState::Calling { hung_up: true, .. } => {
                self.invite_failed(now, key, 487, "hung up before the answer", Vec::new(), None);
                self.end_fork(now, dialog);
            }
            LegState::Arriving { .. } | LegState::Up { .. } => self.end_fork(now, dialog),
        }
    }

    fn end_fork(&mut self, now: Mono, mut dialog: Dialog) {
        dialog.local_seq = dialog.local_seq.saturating_add(EARLY_REQUESTS_MAX);
        let bye = dialog.request(Method::Bye, None);
        self.send_request(now, bye, dialog.next_hop(), Purpose::Bye);
    }

    /// The ACK to a 2xx is a request of its own, outside of any transaction (RFC 3261 section 13.2.2.4).
    pub(super) fn acknowledge(&mut self, key: Key, tag: String, dialog: &mut Dialog) {
        let number = self.invites_out.get(&key).and_then(|invite| Some(invite.request.headers.cseq().ok()?.number));
        let seq = number.unwrap_or(dialog.local_seq);
        let mut ack = dialog.request(Method::Ack, Some(seq));
        let to = dialog.next_hop();
        // It proves what its INVITE has proven (RFC 3261 section 22.1).
        let proven = self.invites_out.get(&key).filter(|i| i.trunk.is_some_and(|trunk| self.is_trunks_own(trunk, to)));
        for name in proven.iter().flat_map(|_| [Name::Authorization, Name::ProxyAuthorization]) {
            proven.iter().for_each(|invite| ack.headers.copy(&invite.request.headers, &name));
        }
        let branch = format!("z9hG4bK{}", self.random.token(16));
        self.push_via(&mut ack, to, &branch);
        let bytes = ack.to_bytes();
        if let Some(invite) = self.invites_out.get_mut(&key) {
            invite.acks.push(ForkAck { remote_tag: tag, to, bytes: bytes.clone().into() });
        }
        self.send(to, bytes);
    }

    /// A 3xx to 6xx: its ACK belongs to the transaction (RFC 3261 section 17.1.1.3).
    fn failure(&mut self, now: Mono, key: Key, response: &Response) {
        let Some(to) = self.invites_out.get(&key).map(|invite| invite.to) else { return };
        let reliable = self.is_reliable(to.channel);
        let Some(invite) = self.invites_out.get_mut(&key) else { return };
        let mut ack = Request::new(Method::Ack, invite.request.uri.clone());
        if let Ok(via) = invite.request.headers.via_top() {
            ack.headers.push(Name::Via, via.to_string());
        }
        for name in [Name::Route, Name::From, Name::CallId, Name::MaxForwards] {
            ack.headers.copy(&invite.request.headers, &name);
        }
        ack.headers.copy(&response.headers, &Name::To);
        let seq = invite.request.headers.cseq().map(|cseq| cseq.number).unwrap_or(1);
        ack.headers.push(Name::CSeq, CSeq::new(seq, Method::Ack).to_string());
        let bytes = ack.to_bytes();
        invite.machine.acknowledge(now, &bytes, &self.timing, reliable);
        self.send(to, bytes);
        if self.invite_again(now, key, response) || response.status == 422 && self.ask_for_longer(now, key, response) {
            return;
        }
        let contacts = contacts_of(response);
        self.invite_failed(now, key, response.status, &response.reason, contacts, Some(&response.headers));
    }

    pub(super) fn invite_failed(
        &mut self,
        now: Mono,
        key: Key,
        status: u16,
        reason: &str,
        contacts: Vec<Uri>,
        headers: Option<&Headers>,
    ) {
        let Some(invite) = self.invites_out.get_mut(&key) else { return };
        let Some(leg) = invite.leg.take() else { return };
        if invite.again {
            return self.reinvite_refused(now, leg, status, headers);
        }
        if let Some(Leg { state: LegState::Calling { .. }, .. }) = self.legs.get(&leg) {
            let _ = self.reject_reinvite(now, leg, 487);
            self.remove_leg(leg);
            self.tell(Event::Failed { leg, status, reason: reason.to_owned(), contacts });
        }
    }

    /// A send failed: our requests to that place end as if 503 had come back (RFC 3261 section 8.1.3.1).
    pub(super) fn transport_failed(&mut self, now: Mono, channel: Channel, to: SocketAddr) {
        let there = |d: &Destination| d.remote == to && d.channel.listener == channel.listener;
        let invites: Vec<Key> =
            self.invites_out.iter().filter(|(_, i)| there(&i.to) && i.machine.is_pending()).map(|(k, _)| *k).collect();
        for key in invites {
            self.invite_failed(now, key, 503, "the peer can't be reached", Vec::new(), None);
            self.remove_invite_out(key);
        }
        let requests: Vec<Key> =
            self.requests_out.iter().filter(|(_, r)| there(&r.to) && r.machine.is_pending()).map(|(k, _)| *k).collect();
        for key in requests {
            self.request_failed(now, key, 503);
        }
    }

    /// Calls and unanswered INVITEs keep their peer's address: the driver finds or makes another connection to it.
    pub(super) fn connection_closed(&mut self, now: Mono, connection: ConnectionId) {
        let forget = |to: &mut Destination| {
            to.channel.connection = to.channel.connection.filter(|known| *known != connection);
        };
        for leg in self.legs.values_mut() {
            forget(&mut leg.dialog.peer);
            if let Some(unacked) = &mut leg.unacked {
                forget(&mut unacked.to);
            }
            let arriving = match &mut leg.state {
                LegState::Arriving { invite, ringing, reliable } => {
                    if let Some(ringing) = ringing {
                        forget(&mut ringing.to);
                    }
                    reliable.destination().into_iter().for_each(forget);
                    Some(&*invite)
                }
                LegState::Calling { .. } | LegState::Up { .. } => leg.reinvite.as_ref(),
            };
            if let Some(invite) = arriving.and_then(|pending| self.invites_in.get_mut(&pending.transaction)) {
                forget(&mut invite.to);
            }
        }
        self.connection_of_phones_closed(connection);
        self.connection_of_watchers_closed(connection);
        self.connection_of_trunks_closed(now, connection);
    }

    /// Nobody waits for their answers any more, and they are not sent again.
    pub(super) fn forget_requests_of(&mut self, trunk: TrunkId) {
        let its = |out: &RequestOut| matches!(out.purpose, Purpose::Trunk(id, _) if id == trunk);
        let keys: Vec<Key> = self.requests_out.iter().filter(|(_, out)| its(out)).map(|(key, _)| *key).collect();
        keys.into_iter().for_each(|key| drop(self.remove_request_out(key)));
    }

    /// A request of ours ends without a response: as if `status` had come back.
    pub(super) fn request_failed(&mut self, now: Mono, key: Key, status: u16) {
        if let Some(request) = self.remove_request_out(key) {
            self.request_answered(now, request.purpose, status, request.to, None);
        }
    }
}

/// Fields that the user agent writes itself: another value would break its transactions or dialogs.
fn is_our_own(name: &Name) -> bool {
    use Name::{Allow, CSeq, CallId, Contact, From, MaxForwards, RecordRoute, Replaces, Require, Route, To, Via};
    let of_body = matches!(name, Name::ContentType | Name::ContentLength | Name::ContentEncoding);
    let of_call = matches!(name, Via | From | To | CallId | CSeq | Contact | Route | RecordRoute | MaxForwards);
    of_body || of_call || matches!(name, Allow | Name::Supported | Require | Replaces | Name::UserAgent)
}

/// Where a 3xx points to, by `q`; Contacts that can't be read are left out.
fn contacts_of(response: &Response) -> Vec<Uri> {
    if !(300..400).contains(&response.status) {
        return Vec::new();
    }
    let mut found: Vec<NameAddr> = response.headers.all(&Name::Contact).filter_map(|c| c.parse().ok()).collect();
    let q = |c: &NameAddr| c.param("q").and_then(|q| q.parse::<f32>().ok()).filter(|q| q.is_finite()).unwrap_or(1.0);
    found.sort_by(|a, b| q(b).total_cmp(&q(a)));
    found.into_iter().map(|contact| contact.uri).take(CONTACTS_MAX).collect()
}

/// The dialog that a 2xx makes (RFC 3261 section 12.1.2).
pub(super) fn dialog_of(invite: &InviteOut, response: &Response, from: Destination) -> Option<Dialog> {
    let headers = &response.headers;
    // A 2xx is a call, even one whose route set or Contact can't be read: it is then spoken to at where it was called.
    let mut routes = headers.record_routes().unwrap_or_default();
    routes.reverse();
    let contact = headers.contact().ok().flatten();
    let target = contact.map_or_else(|| invite.request.uri.clone(), |contact| contact.uri);
    // A phone that was called at another address than its own names that one again, which nobody can reach from here.
    let elsewhere = |uri: &Uri| matches!(&uri.host, Some(Host::Ip(ip)) if *ip != from.remote.ip());
    let behind_nat = elsewhere(&invite.request.uri) && elsewhere(&target);
    // What is ours is taken from our own word: an answer that twists it leads into no other call's dialog.
    let own = &invite.request.headers;
    Some(Dialog {
        call_id: own.call_id().ok()?.to_owned(),
        local: own.from().ok()?,
        remote: headers.to().ok()?,
        target,
        routes,
        local_seq: own.cseq().ok()?.number,
        remote_seq: None,
        peer: from,
        behind_nat,
    })
}
