//! Requests within a dialog, and hanging up (RFC 3261 sections 12.2.2, 13.3, 14.2, 15).

use super::UserAgent;
use super::event::{EndReason, Event, LegId, UaError};
use super::leg::{Leg, LegState, Pending};
use super::receive::{Incoming, sdp_of};
use super::uac::Purpose;
use crate::sip::wire::{Method, Name, readable};
use crate::types::Mono;

/// Of a peer's reasons this much is told.
const REASONS_MAX: usize = 4;
const REASON_CHARS_MAX: usize = 200;

impl UserAgent {
    pub(super) fn within_dialog(&mut self, now: Mono, incoming: Incoming) {
        let to_tag = incoming.to_tag.as_deref().unwrap_or_default();
        let key = self.keys.dialog(&incoming.call_id, to_tag, &incoming.from_tag);
        let Some(id) = self.by_dialog.get(&key).copied() else {
            if self.resubscribed(now, key, &incoming) {
                return;
            }
            return self.refuse_in_dialog(now, &incoming, 481);
        };
        if let Some(response) = self.inspect(&incoming) {
            if incoming.request.method == Method::Invite {
                self.start_invite(now, &incoming, None, None);
                self.respond_invite(now, incoming.key, &response);
                return;
            }
            return self.answer_request(now, &incoming, &response);
        }
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if matches!(leg.state, LegState::Calling { .. }) {
            return self.within_early(now, id, incoming);
        }
        if !leg.dialog.take_remote_seq(incoming.cseq.number) {
            return self.refuse_in_dialog(now, &incoming, 500);
        }
        leg.dialog.peer = incoming.sender();
        match incoming.request.method {
            Method::Bye => self.bye_received(now, id, &incoming),
            Method::Invite => self.reinvite_received(now, id, incoming),
            Method::Update => self.update_received(now, id, incoming),
            Method::Prack => self.prack_received(now, id, incoming),
            Method::Info => self.info_received(now, id, incoming),
            Method::Refer => self.refer_received(now, id, &incoming),
            Method::Notify => self.notify_received(now, id, &incoming),
            // A call is neither a phone's registration nor a subscription of its own.
            Method::Register | Method::Subscribe => self.answer_plainly(now, &incoming, 481),
            _ => {
                let mut response = self.plain_response(&incoming.request, 200);
                self.add_capabilities(&mut response);
                self.answer_request(now, &incoming, &response);
            }
        }
    }

    pub(super) fn refuse_in_dialog(&mut self, now: Mono, incoming: &Incoming, status: u16) {
        let response = self.plain_response(&incoming.request, status);
        if incoming.request.method == Method::Invite {
            self.start_invite(now, incoming, None, None);
            self.respond_invite(now, incoming.key, &response);
        } else {
            self.answer_request(now, incoming, &response);
        }
    }

    fn bye_received(&mut self, now: Mono, id: LegId, incoming: &Incoming) {
        self.answer_plainly(now, incoming, 200);
        self.tell_why(id, incoming);
        // What the transaction user has not answered yet ends with 487 (RFC 3261 section 15.1.2).
        if self.reject(now, id, 487, None).is_ok() {
            return self.tell(Event::Cancelled { leg: id });
        }
        self.end_leg(now, id);
        self.tell(Event::Ended { leg: id, reason: EndReason::Bye });
    }

    /// Why the peer ends the call, where it says so (RFC 3326).
    pub(super) fn tell_why(&mut self, leg: LegId, incoming: &Incoming) {
        let reasons: Vec<&str> = incoming.request.headers.all(&Name::Reason).take(REASONS_MAX).collect();
        if !reasons.is_empty() {
            let reason = readable(&reasons.join(", ")).chars().take(REASON_CHARS_MAX).collect();
            self.tell(Event::PeerSaidWhy { leg, reason });
        }
    }

    fn reinvite_received(&mut self, now: Mono, id: LegId, incoming: Incoming) {
        let Some(leg) = self.legs.get(&id) else { return };
        let ours_pending =
            leg.unacked.is_some() || leg.change_is_sent() || matches!(leg.state, LegState::Calling { .. });
        let theirs_pending = leg.reinvite.is_some() || matches!(leg.state, LegState::Arriving { .. });
        if theirs_pending {
            let mut response = self.plain_response(&incoming.request, 500);
            response.headers.push(Name::RetryAfter, (self.random.u32() % 10).to_string());
            self.start_invite(now, &incoming, None, None);
            self.respond_invite(now, incoming.key, &response);
            return;
        }
        if ours_pending {
            return self.refuse_in_dialog(now, &incoming, 491);
        }
        self.give_way(id);
        self.start_invite(now, &incoming, Some(id), None);
        let sdp = sdp_of(&incoming.request.headers, &incoming.request.body);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if let Ok(Some(contact)) = incoming.request.headers.contact() {
            leg.dialog.target = contact.uri;
        }
        leg.reinvite = Some(Pending { transaction: incoming.key, request: Box::new(incoming.request) });
        self.tell(Event::Reinvite { leg: id, sdp });
    }

    /// 200 to the peer's re-INVITE, or to an UPDATE or PRACK with an offer; our offer when it brought none.
    pub fn answer_reinvite(&mut self, now: Mono, leg: LegId, sdp: Vec<u8>) -> Result<(), UaError> {
        let pending = self.take_reinvite(leg)?;
        if pending.request.method != Method::Invite {
            return self.answer_offer(now, leg, pending, sdp);
        }
        let seq = pending.request.headers.cseq().map(|cseq| cseq.number).unwrap_or_default();
        self.accept(now, leg, pending.transaction, &pending.request, sdp, seq, None)?;
        self.rearm_leg(leg);
        Ok(())
    }

    /// A final error to the peer's re-INVITE; the session stays as it was (RFC 3261 section 14.2).
    pub fn reject_reinvite(&mut self, now: Mono, leg: LegId, status: u16) -> Result<(), UaError> {
        let pending = self.take_reinvite(leg)?;
        let response = self.make_response(&pending.request, status.clamp(300, 699), "");
        match pending.request.method {
            Method::Invite => drop(self.respond_invite(now, pending.transaction, &response)),
            _ => self.answer_held(now, pending.transaction, &response),
        }
        Ok(())
    }

    fn take_reinvite(&mut self, leg: LegId) -> Result<Pending, UaError> {
        self.legs.get_mut(&leg).ok_or(UaError::NoSuchLeg)?.reinvite.take().ok_or(UaError::WrongState)
    }

    fn info_received(&mut self, now: Mono, id: LegId, incoming: Incoming) {
        let content_type = incoming.request.headers.content_type().unwrap_or_default();
        let known = self.config.info_types.contains(&content_type);
        if incoming.request.body.is_empty() {
            return self.answer_plainly(now, &incoming, 200);
        }
        if !known {
            let mut response = self.plain_response(&incoming.request, 415);
            response.headers.set(Name::Accept, self.config.info_types.join(", "));
            return self.answer_request(now, &incoming, &response);
        }
        self.answer_plainly(now, &incoming, 200);
        self.tell(Event::Info { leg: id, content_type, body: incoming.request.body });
    }

    pub(super) fn ack_in_dialog(&mut self, now: Mono, incoming: &Incoming) {
        let to_tag = incoming.to_tag.as_deref().unwrap_or_default();
        let key = self.keys.dialog(&incoming.call_id, to_tag, &incoming.from_tag);
        let leg_id = self.by_dialog.get(&key).copied();
        let Some((id, leg)) = leg_id.and_then(|id| Some((id, self.legs.get_mut(&id)?))) else {
            self.counters.stray += 1;
            return;
        };
        let Some(unacked) = leg.unacked.take_if(|u| u.seq == incoming.cseq.number) else {
            // The ACK came again, or acknowledges nothing that waits.
            return;
        };
        let sdp = sdp_of(&incoming.request.headers, &incoming.request.body);
        if matches!(leg.state, LegState::Up { bye_when_acked: true }) {
            return self.send_bye(now, id);
        }
        if unacked.initial {
            self.tell(Event::Acked { leg: id, sdp });
        } else if unacked.offered {
            self.tell(Event::ReinviteAcked { leg: id, sdp });
        }
        self.rearm_leg(id);
    }

    /// Takes an answered leg out; a re-INVITE that waits for its answer gets 487.
    pub(super) fn end_leg(&mut self, now: Mono, id: LegId) -> Option<Leg> {
        // There may be none.
        let _ = self.reject_reinvite(now, id, 487);
        self.remove_leg(id)
    }

    /// Ends a leg in whatever state it is: 480 to an unanswered INVITE, CANCEL to ours, else BYE; before the ACK the BYE
    /// waits for it (RFC 3261 section 15). A leg that waits so may still tell `NoAck`, `Ended` or `Info`; one of ours
    /// that was not answered yet tells `Failed` when its INVITE is over: 487 mostly, also when a 200 crossed our CANCEL.
    pub fn hang_up(&mut self, now: Mono, leg: LegId) -> Result<(), UaError> {
        let state = self.legs.get_mut(&leg).ok_or(UaError::NoSuchLeg)?;
        match &mut state.state {
            LegState::Arriving { .. } => self.reject(now, leg, 480, None),
            LegState::Calling { .. } => self.cancel_ours(now, leg),
            LegState::Up { bye_when_acked } => {
                if state.unacked.as_ref().is_some_and(|u| u.initial) {
                    *bye_when_acked = true;
                } else {
                    self.send_bye(now, leg);
                }
                Ok(())
            }
        }
    }

    /// As `hang_up`; BYE and CANCEL say why (RFC 3326).
    pub fn hang_up_because(&mut self, now: Mono, leg: LegId, why: &str) -> Result<(), UaError> {
        self.legs.get_mut(&leg).ok_or(UaError::NoSuchLeg)?.why = Some(why.to_owned());
        self.hang_up(now, leg)
    }

    /// BYE, after which the leg is gone; the BYE's own transaction goes on.
    pub(super) fn send_bye(&mut self, now: Mono, id: LegId) {
        let Some(mut leg) = self.end_leg(now, id) else { return };
        let mut request = leg.dialog.request(Method::Bye, None);
        if let Some(why) = leg.why {
            request.headers.push(Name::Reason, why);
        }
        self.send_within(now, leg.trunk, request, leg.dialog.next_hop(), Purpose::Bye);
    }

    /// INFO within the dialog.
    pub fn info(&mut self, now: Mono, leg: LegId, content_type: &str, body: Vec<u8>) -> Result<(), UaError> {
        let full = self.is_full();
        let state = self.legs.get_mut(&leg).ok_or(UaError::NoSuchLeg)?;
        if !matches!(state.state, LegState::Up { .. }) {
            return Err(UaError::WrongState);
        }
        if full {
            return Err(UaError::Full);
        }
        let mut request = state.dialog.request(Method::Info, None);
        let (to, trunk) = (state.dialog.next_hop(), state.trunk);
        request.set_body(content_type, body);
        self.send_within(now, trunk, request, to, Purpose::Info(leg));
        Ok(())
    }
}
