//! Requests outside of a dialog, and the commands that answer a call (RFC 3261 sections 8.2, 9.2, 11.2, 13.3).

use super::config::is_allowed;
use super::event::{Event, IncomingInvite, LegId, UaError};
use super::identity::Identity;
use super::leg::{Leg, LegState, Pending, Unacked};
use super::receive::{Incoming, body_is_understood, sdp_of};
use super::register::PATH;
use super::{InviteIn, UserAgent};
use crate::sip::dialog::Dialog;
use crate::sip::transaction::{Backoff, InviteServer, Key};
use crate::sip::wire::{Method, Name, Request, Response, Scheme};
use crate::types::Mono;

impl UserAgent {
    pub(super) fn outside_dialog(&mut self, now: Mono, incoming: Incoming) {
        if let Some(response) = self.inspect(&incoming) {
            return self.refuse(now, &incoming, response);
        }
        match incoming.request.method {
            Method::Invite => self.invite_received(now, incoming),
            Method::Options => {
                let mut response = self.plain_response(&incoming.request, 200);
                self.add_capabilities(&mut response);
                self.answer_request(now, &incoming, &response);
            }
            Method::Register => self.register_received(now, &incoming),
            Method::Subscribe => self.subscribe_received(now, &incoming),
            // A transfer needs a call whose parties know each other.
            Method::Refer => self.answer_plainly(now, &incoming, 403),
            _ => self.answer_plainly(now, &incoming, 481),
        }
    }

    /// The checks of RFC 3261 section 8.2, in their order; the refusal if one fails.
    pub(super) fn inspect(&self, incoming: &Incoming) -> Option<Response> {
        let request = &incoming.request;
        let refusal = |status| Some(self.plain_response(request, status));
        match &request.method {
            Method::Other(_) => return refusal(501),
            method if !is_allowed(method, self.registrar.has_accounts()) => return refusal(405),
            _ => {}
        }
        if matches!(request.uri.scheme, Scheme::Other(_)) {
            return refusal(416);
        }
        let of_registrar = (request.method == Method::Register).then_some(PATH);
        let is_known =
            |tag: &&str| self.config.supported().chain(of_registrar).any(|known| known.eq_ignore_ascii_case(tag));
        let required: Vec<&str> = request.headers.tokens(&Name::Require).filter(|tag| !is_known(tag)).collect();
        if !required.is_empty() {
            let mut response = self.plain_response(request, 420);
            response.headers.push(Name::Unsupported, required.join(", "));
            return Some(response);
        }
        // RFC 3891 section 3.
        if request.method != Method::Invite && request.headers.contains(&Name::Replaces) {
            return refusal(400);
        }
        let has_sdp_body = matches!(request.method, Method::Invite | Method::Options | Method::Update | Method::Prack);
        if has_sdp_body && !body_is_understood(request) {
            return refusal(415);
        }
        self.session_refusal(incoming)
    }

    fn refuse(&mut self, now: Mono, incoming: &Incoming, response: Response) {
        if incoming.request.method != Method::Invite {
            return self.answer_request(now, incoming, &response);
        }
        self.tell_refused(incoming, response.status);
        self.start_invite(now, incoming, None, None);
        self.respond_invite(now, incoming.key, &response);
    }

    fn invite_received(&mut self, now: Mono, incoming: Incoming) {
        let method = incoming.request.method.as_str();
        let merge = self.keys.merge(&incoming.call_id, &incoming.from_tag, incoming.cseq.number, method);
        if self.merges.contains_key(&merge) {
            let response = self.plain_response(&incoming.request, 482);
            return self.refuse(now, &incoming, response);
        }
        let Some(mut invite) = describe(&incoming) else {
            let response = self.plain_response(&incoming.request, 400);
            return self.refuse(now, &incoming, response);
        };
        let trunk = self.trunk_called(incoming.source, incoming.request.uri.user.as_deref());
        invite.trunk = trunk.and_then(|trunk| self.trunk_name(trunk)).map(str::to_owned);
        invite.replaces = match self.replaced_leg(&incoming.request.headers) {
            Ok(leg) => leg,
            Err(status) => {
                let response = self.plain_response(&incoming.request, status);
                return self.refuse(now, &incoming, response);
            }
        };
        if self.legs.len() >= self.config.limits.dialogs_max {
            self.shed(&incoming.request, incoming.to);
            return self.tell(Event::Refused { invite, status: 503 });
        }
        let Some(dialog) = self.dialog_from(&incoming) else {
            let response = self.plain_response(&incoming.request, 400);
            return self.refuse(now, &incoming, response);
        };
        let leg = self.new_leg_id();
        self.by_dialog.insert(self.dialog_key(&dialog), leg);
        self.start_invite(now, &incoming, Some(leg), Some(merge));
        let invite_tx = Pending { transaction: incoming.key, request: Box::new(incoming.request) };
        let state = LegState::Arriving { invite: invite_tx, ringing: None, reliable: Box::default() };
        self.legs.insert(leg, Leg { trunk, ..Leg::new(dialog, state) });
        self.tell(Event::Incoming { leg, invite });
    }

    /// The dialog that an INVITE would make (RFC 3261 section 12.1.1); `None` without a usable Contact.
    pub(super) fn dialog_from(&mut self, incoming: &Incoming) -> Option<Dialog> {
        let headers = &incoming.request.headers;
        let remote = headers.from().ok()?;
        let target = headers.contact().ok()?.map_or_else(|| remote.uri.clone(), |contact| contact.uri);
        let mut local = headers.to().ok()?;
        local.set_tag(self.random.token(10));
        Some(Dialog {
            call_id: incoming.call_id.clone(),
            local,
            remote,
            target,
            routes: headers.record_routes().ok()?,
            local_seq: self.random.u32() & 0xffff,
            remote_seq: Some(incoming.cseq.number),
            peer: incoming.sender(),
            behind_nat: incoming.behind_nat,
        })
    }

    pub(super) fn start_invite(&mut self, now: Mono, incoming: &Incoming, leg: Option<LegId>, merge: Option<Key>) {
        let trying = self.make_response(&incoming.request, 100, "").to_bytes().into();
        let invite = InviteIn { machine: InviteServer::new(now), leg, to: incoming.to, merge, trying, armed: None };
        self.invites_in.insert(incoming.key, invite);
        if let Some(merge) = merge {
            self.merges.insert(merge, incoming.key);
        }
        self.rearm_invite_in(incoming.key);
    }

    /// Sends a response to an INVITE through its transaction; false when a final one went out before.
    pub(super) fn respond_invite(&mut self, now: Mono, key: Key, response: &Response) -> bool {
        let bytes = response.to_bytes();
        let Some(to) = self.invites_in.get(&key).map(|invite| invite.to) else { return false };
        let reliable = self.is_reliable(to.channel);
        let Some(invite) = self.invites_in.get_mut(&key) else { return false };
        if !invite.machine.respond(now, response.status, &bytes, &self.timing, reliable) {
            return false;
        }
        invite.trying = Box::default();
        self.count_answer(response.status);
        self.send(to, bytes);
        self.rearm_invite_in(key);
        true
    }

    /// 180 Ringing; repeated each minute until the answer.
    pub fn ring(&mut self, now: Mono, leg: LegId) -> Result<(), UaError> {
        self.progress(now, leg, 180, None)
    }

    /// 200 with our answer, or with our offer when the INVITE had none; repeated until the ACK. It waits for the PRACK of a
    /// reliable 180: where none comes, `NoAck` is told.
    pub fn answer(&mut self, now: Mono, leg: LegId, sdp: Vec<u8>) -> Result<(), UaError> {
        let Some(sdp) = self.answer_after_prack(leg, sdp) else { return Ok(()) };
        let (key, request) = self.arriving(leg)?;
        let offered = sdp_of(&request.headers, &request.body).is_none();
        let seq = request.headers.cseq().map(|cseq| cseq.number).unwrap_or_default();
        let sent = self.accept(now, leg, key, &request, sdp, seq, Some(offered));
        if sent.is_err() {
            self.give_back(leg, request);
            return sent;
        }
        if let Some(leg) = self.legs.get_mut(&leg) {
            leg.state = LegState::Up { bye_when_acked: false };
        }
        self.rearm_leg(leg);
        Ok(())
    }

    /// A 2xx to an INVITE or re-INVITE; `initial` says for the first INVITE whether the body is our offer.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn accept(
        &mut self,
        now: Mono,
        leg: LegId,
        key: Key,
        request: &Request,
        sdp: Vec<u8>,
        seq: u32,
        initial: Option<bool>,
    ) -> Result<(), UaError> {
        let offered = initial.unwrap_or_else(|| sdp_of(&request.headers, &request.body).is_none());
        let mut response = self.dialog_response(leg, request, 200)?;
        self.add_capabilities(&mut response);
        self.agree_on_session(now, leg, request, &mut response);
        if let Some(leg) = self.legs.get_mut(&leg) {
            leg.sdp = Some(sdp.clone().into());
        }
        response.set_body("application/sdp", sdp);
        if !self.respond_invite(now, key, &response) {
            return Err(UaError::WrongState);
        }
        let to = self.invites_in.get(&key).map(|invite| invite.to).ok_or(UaError::WrongState)?;
        let leg = self.legs.get_mut(&leg).ok_or(UaError::NoSuchLeg)?;
        leg.unacked = Some(Unacked {
            seq,
            response: response.to_bytes().into(),
            to,
            again: Backoff::start(now, self.timing.t1),
            give_up_at: now + self.timing.timeout(),
            initial: initial.is_some(),
            offered,
        });
        Ok(())
    }

    /// Any final response from 300 on; the leg is gone then.
    pub fn reject(&mut self, now: Mono, leg: LegId, status: u16, retry_after_s: Option<u32>) -> Result<(), UaError> {
        let (key, request) = self.arriving(leg)?;
        // An offer that came meanwhile is not answered any more.
        let _ = self.reject_reinvite(now, leg, 487);
        let tag = self.legs.get(&leg).map(|leg| leg.dialog.local_tag().to_owned()).unwrap_or_default();
        let mut response = self.make_response(&request, status.clamp(300, 699), &tag);
        if let Some(seconds) = retry_after_s {
            response.headers.push(Name::RetryAfter, seconds.to_string());
        }
        if status == 415 {
            response.headers.push(Name::Accept, super::responses::ACCEPT);
        }
        self.respond_invite(now, key, &response);
        self.remove_leg(leg);
        Ok(())
    }

    /// The peer gives up before the answer: 200 to the CANCEL, 487 to the INVITE (RFC 3261 section 9.2).
    pub(super) fn cancel(&mut self, now: Mono, incoming: &Incoming) {
        let Some(invite) = self.invites_in.get(&incoming.invite_key) else {
            return self.answer_plainly(now, incoming, 481);
        };
        let (leg, proceeding) = (invite.leg, invite.machine.is_proceeding());
        let tag = leg.and_then(|leg| self.legs.get(&leg)).map(|leg| leg.dialog.local_tag().to_owned());
        let response = match tag {
            Some(tag) => self.make_response(&incoming.request, 200, &tag),
            None => self.plain_response(&incoming.request, 200),
        };
        self.answer_request(now, incoming, &response);
        let Some(leg) = leg.filter(|_| proceeding) else { return };
        self.tell_why(leg, incoming);
        if self.reject(now, leg, 487, None).is_ok() {
            self.tell(Event::Cancelled { leg });
        } else {
            // A re-INVITE that the transaction user has not answered: the dialog lives on.
            let _ = self.reject_reinvite(now, leg, 487);
        }
    }

    /// A response that makes or keeps the dialog: with Contact and the request's Record-Route (RFC 3261 section 12.1.1).
    pub(super) fn dialog_response(&self, leg: LegId, request: &Request, status: u16) -> Result<Response, UaError> {
        let dialog = &self.legs.get(&leg).ok_or(UaError::NoSuchLeg)?.dialog;
        let mut response = self.make_response(request, status, dialog.local_tag());
        response.headers.copy(&request.headers, &Name::RecordRoute);
        let user = dialog.local.uri.user.as_deref();
        let contact = self.contact_in(dialog, dialog.peer, user);
        response.headers.push(Name::Contact, contact.to_string());
        Ok(response)
    }

    /// Takes the INVITE of a leg that is not answered yet; give it back when it stays so.
    pub(super) fn arriving(&mut self, leg: LegId) -> Result<(Key, Box<Request>), UaError> {
        match &mut self.legs.get_mut(&leg).ok_or(UaError::NoSuchLeg)?.state {
            LegState::Arriving { invite, .. } => {
                let uri = invite.request.uri.clone();
                let taken = std::mem::replace(&mut invite.request, Box::new(Request::new(Method::Invite, uri)));
                Ok((invite.transaction, taken))
            }
            LegState::Calling { .. } | LegState::Up { .. } => Err(UaError::WrongState),
        }
    }

    pub(super) fn give_back(&mut self, leg: LegId, request: Box<Request>) {
        if let Some(Leg { state: LegState::Arriving { invite, .. }, .. }) = self.legs.get_mut(&leg) {
            invite.request = request;
        }
    }
}

/// What an INVITE says of its call.
pub(super) fn describe(incoming: &Incoming) -> Option<IncomingInvite> {
    let headers = &incoming.request.headers;
    let from = headers.from().ok()?;
    Some(IncomingInvite {
        caller: from.uri,
        caller_display: from.display.filter(|name| !name.is_empty()),
        callee_user: incoming.request.uri.user.clone(),
        sip_call_id: incoming.call_id.clone(),
        source: incoming.source,
        listener: incoming.channel.listener,
        trunk: None,
        sdp: sdp_of(headers, &incoming.request.body),
        replaces: None,
        identity: Identity::of(headers),
    })
}
