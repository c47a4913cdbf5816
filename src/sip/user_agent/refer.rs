//! Call transfer: REFER in both directions (RFC 3515, RFC 3892, RFC 4488). What is told of it: `notify`.

use std::net::SocketAddr;

use super::UserAgent;
use super::event::{EndReason, Event, LegId, ReferRequest, UaError};
use super::leg::{LegState, Ours, Theirs, Transfer};
use super::receive::Incoming;
use super::uac::Purpose;
use crate::sip::wire::{Headers, Method, Name, NameAddr, Replaces, Request, Scheme, Uri};
use crate::types::Mono;

impl UserAgent {
    /// 202 at once and the first NOTIFY; whether we call is the transaction user's to decide.
    pub(super) fn refer_received(&mut self, now: Mono, id: LegId, incoming: &Incoming) {
        let Some(refer) = refer_request(&incoming.request.headers) else {
            return self.answer_plainly(now, incoming, 400);
        };
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let up = matches!(leg.state, LegState::Up { bye_when_acked: false });
        let transfer = leg.transfer.get_or_insert_default();
        if !up || transfer.theirs.is_some() {
            return self.answer_plainly(now, incoming, 491);
        }
        let silent = wants_silence(&incoming.request);
        let number = std::mem::replace(&mut transfer.had_one, true).then_some(incoming.cseq.number);
        transfer.theirs = Some(Theirs { id: number, silent });
        let mut response = self.plain_response(&incoming.request, 202);
        let contact = self.contact(incoming.channel, incoming.source, None);
        response.headers.push(Name::Contact, contact.to_string());
        if silent {
            response.headers.push(Name::ReferSub, "false");
        }
        self.answer_request(now, incoming, &response);
        self.notify_refer(now, id, 100, "Trying");
        self.tell(Event::Refer { leg: id, refer });
    }

    /// Tells the peer that sent the REFER what became of it so far; from 200 on it is the last word.
    pub fn refer_progress(&mut self, now: Mono, leg: LegId, status: u16, reason: &str) -> Result<(), UaError> {
        let transfer = self.legs.get(&leg).ok_or(UaError::NoSuchLeg)?.transfer.as_deref();
        if transfer.is_none_or(|transfer| transfer.theirs.is_none()) {
            return Err(UaError::WrongState);
        }
        self.notify_refer(now, leg, status.clamp(100, 699), reason);
        Ok(())
    }

    /// Asks the peer to call `target`, in the place of our leg `replaces` where one is given (an attended transfer): that
    /// leg's peer is then the target. One REFER at a time.
    pub fn refer(&mut self, now: Mono, leg: LegId, target: &Uri, replaces: Option<LegId>) -> Result<(), UaError> {
        let replaced = replaces.map(|other| self.as_peers_replaces(other)).transpose()?;
        let full = self.is_full();
        let state = self.legs.get_mut(&leg).ok_or(UaError::NoSuchLeg)?;
        let transfer = state.transfer.get_or_insert_default();
        if !matches!(state.state, LegState::Up { bye_when_acked: false }) || transfer.ours.is_some() {
            return Err(UaError::WrongState);
        }
        if full {
            return Err(UaError::Full);
        }
        let mut request = state.dialog.request(Method::Refer, None);
        let (to, trunk) = (state.dialog.next_hop(), state.trunk);
        let seq = state.dialog.local_seq;
        transfer.ours = Some(Ours { seq, accepted: false });
        let referrer = NameAddr::new(state.dialog.local.uri.clone());
        let user = state.dialog.local.uri.user.clone();
        let mut target = target.clone();
        if let Some(replaced) = replaced {
            target.headers.push(("Replaces".to_owned(), replaced.to_string()));
        }
        let Some(state) = self.legs.get(&leg) else { return Err(UaError::NoSuchLeg) };
        let contact = self.contact_in(&state.dialog, to, user.as_deref());
        request.headers.push(Name::Contact, contact.to_string());
        request.headers.push(Name::ReferTo, NameAddr::new(target).to_string());
        request.headers.push(Name::ReferredBy, referrer.to_string());
        self.send_within(now, trunk, request, to, Purpose::Refer { leg, seq });
        Ok(())
    }

    /// Whom an answered leg leads to, and where its requests go.
    pub fn peer_of(&self, leg: LegId) -> Option<(Uri, SocketAddr)> {
        let leg = self.legs.get(&leg).filter(|leg| matches!(leg.state, LegState::Up { .. }))?;
        Some((leg.dialog.remote.uri.clone(), leg.dialog.next_hop().remote))
    }

    /// A leg of ours as its peer knows it.
    fn as_peers_replaces(&self, leg: LegId) -> Result<Replaces, UaError> {
        let leg = self.legs.get(&leg).ok_or(UaError::NoSuchLeg)?;
        if !matches!(leg.state, LegState::Up { .. }) {
            return Err(UaError::WrongState);
        }
        Ok(Replaces {
            call_id: leg.dialog.call_id.clone(),
            to_tag: leg.dialog.remote_tag().to_owned(),
            from_tag: leg.dialog.local_tag().to_owned(),
            early_only: false,
        })
    }

    /// The final response to our REFER. Its 481 ends the call as any does; its silence does not: a peer that speaks on
    /// may only be ignorant of REFER.
    pub(super) fn refer_answered(&mut self, now: Mono, id: LegId, seq: u32, status: u16) {
        if (200..300).contains(&status) {
            if let Some(ours) = self.our_refer(id, seq).filter(|ours| !ours.accepted) {
                ours.accepted = true;
                self.tell(Event::ReferAccepted { leg: id });
            }
            return;
        }
        if self.our_refer(id, seq).is_some() {
            self.forget_our_refer(id);
            self.tell(Event::ReferFailed { leg: id, status });
        }
        if status == 481 && self.end_leg(now, id).is_some() {
            self.tell(Event::Ended { leg: id, reason: EndReason::Lost });
        }
    }

    fn our_refer(&mut self, id: LegId, seq: u32) -> Option<&mut Ours> {
        self.legs.get_mut(&id)?.transfer.as_deref_mut()?.ours.as_mut().filter(|ours| ours.seq == seq)
    }

    pub(super) fn forget_our_refer(&mut self, id: LegId) {
        if let Some(transfer) = self.legs.get_mut(&id).and_then(|leg| leg.transfer.as_deref_mut()) {
            transfer.ours = None;
        }
    }
}

/// `None` when there is not exactly one Refer-To that names somebody to call.
fn refer_request(headers: &Headers) -> Option<ReferRequest> {
    let mut values = headers.all(&Name::ReferTo);
    let mut target = values.next()?.parse::<NameAddr>().ok()?.uri;
    if values.next().is_some() || !matches!(target.scheme, Scheme::Sip | Scheme::Sips | Scheme::Tel) {
        return None;
    }
    // Anything but a call is not ours to make for others.
    if target.param("method").is_some_and(|method| method != "INVITE") {
        return None;
    }
    target.params.retain(|(name, _)| !name.eq_ignore_ascii_case("method"));
    let mut replaces = None;
    for (name, value) in std::mem::take(&mut target.headers) {
        if name.eq_ignore_ascii_case("Replaces") && replaces.replace(value.parse::<Replaces>().ok()?).is_some() {
            return None;
        }
    }
    let referred_by = headers.first(&Name::ReferredBy).map(str::to_owned);
    Some(ReferRequest { target, replaces, referred_by })
}

/// `Refer-Sub: false` (RFC 4488 section 4), or the option tag required, as some phones say the same.
fn wants_silence(request: &Request) -> bool {
    let value = request.headers.first(&Name::ReferSub).map(|v| v.split(';').next().unwrap_or(v).trim());
    value.is_some_and(|v| v.eq_ignore_ascii_case("false")) || request.headers.has_token(&Name::Require, "norefersub")
}

impl Transfer {
    /// Whether a NOTIFY with this `id` is about our REFER; without one it is about the only one there is.
    pub(super) fn is_about_ours(&self, id: Option<u32>) -> bool {
        self.ours.as_ref().is_some_and(|ours| id.is_none_or(|id| id == ours.seq))
    }
}
