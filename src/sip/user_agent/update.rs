//! UPDATE (RFC 3311), in early and in answered calls, and offers that come with another request than INVITE.

use super::UserAgent;
use super::event::{Event, LegId, UaError};
use super::leg::{Leg, LegState, Pending};
use super::receive::{Incoming, sdp_of};
use crate::sip::wire::{Method, Name};
use crate::types::Mono;

/// What becomes of an offer.
enum Verdict {
    Take,
    Refuse(u16),
}

impl UserAgent {
    pub(super) fn update_received(&mut self, now: Mono, id: LegId, incoming: Incoming) {
        if sdp_of(&incoming.request.headers, &incoming.request.body).is_none() {
            return self.refreshed_by_peer(now, id, &incoming);
        }
        match self.legs.get(&id).map(offer_verdict) {
            Some(Verdict::Take) => {
                self.give_way(id);
                self.take_target(id, &incoming);
                self.offer_received(id, incoming);
            }
            Some(Verdict::Refuse(status)) => self.refuse_offer(now, &incoming, status),
            None => {}
        }
    }

    /// Without an offer it says where the peer is now, and that it lives (RFC 3311 section 5.2, RFC 4028 section 9).
    fn refreshed_by_peer(&mut self, now: Mono, id: LegId, incoming: &Incoming) {
        self.take_target(id, incoming);
        let Ok(mut response) = self.dialog_response(id, &incoming.request, 200) else { return };
        self.add_capabilities(&mut response);
        self.agree_on_session(now, id, &incoming.request, &mut response);
        self.answer_request(now, incoming, &response);
        self.rearm_leg(id);
    }

    fn take_target(&mut self, id: LegId, incoming: &Incoming) {
        if let (Some(leg), Ok(Some(contact))) = (self.legs.get_mut(&id), incoming.request.headers.contact()) {
            leg.dialog.target = contact.uri;
        }
    }

    fn refuse_offer(&mut self, now: Mono, incoming: &Incoming, status: u16) {
        let mut response = self.plain_response(&incoming.request, status);
        if status == 500 {
            response.headers.push(Name::RetryAfter, (self.random.u32() % 10).to_string());
        }
        self.answer_request(now, incoming, &response);
    }

    /// An UPDATE or PRACK whose offer the transaction user answers, as one of a re-INVITE.
    pub(super) fn offer_received(&mut self, id: LegId, incoming: Incoming) {
        self.hold_request(&incoming);
        let sdp = sdp_of(&incoming.request.headers, &incoming.request.body);
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.reinvite = Some(Pending { transaction: incoming.key, request: Box::new(incoming.request) });
        self.tell(Event::Reinvite { leg: id, sdp });
    }

    /// The answer to an offer that came with an UPDATE or PRACK.
    pub(super) fn answer_offer(&mut self, now: Mono, id: LegId, offer: Pending, sdp: Vec<u8>) -> Result<(), UaError> {
        let mut response = self.dialog_response(id, &offer.request, 200)?;
        self.add_capabilities(&mut response);
        if offer.request.method == Method::Update {
            self.agree_on_session(now, id, &offer.request, &mut response);
        }
        if let Some(leg) = self.legs.get_mut(&id) {
            leg.sdp = Some(sdp.clone().into());
        }
        response.set_body("application/sdp", sdp);
        self.answer_held(now, offer.transaction, &response);
        self.rearm_leg(id);
        Ok(())
    }

    /// A request of a callee who only rings: all but UPDATE has to wait for the answer.
    pub(super) fn within_early(&mut self, now: Mono, id: LegId, incoming: Incoming) {
        let sender = incoming.sender();
        let Some(Leg { state: LegState::Calling { early, .. }, reinvite, .. }) = self.legs.get_mut(&id) else { return };
        let early = early.iter_mut().find(|early| early.dialog.remote_tag() == incoming.from_tag);
        let Some(early) = early.filter(|_| incoming.request.method == Method::Update) else {
            return self.refuse_in_dialog(now, &incoming, 481);
        };
        if !early.dialog.take_remote_seq(incoming.cseq.number) {
            return self.refuse_in_dialog(now, &incoming, 500);
        }
        early.dialog.peer = sender;
        if let Ok(Some(contact)) = incoming.request.headers.contact() {
            early.dialog.target = contact.uri;
        }
        let offers = sdp_of(&incoming.request.headers, &incoming.request.body).is_some();
        match (offers, early.agreed, reinvite.is_some()) {
            (false, ..) => {
                let Ok(response) = self.dialog_response(id, &incoming.request, 200) else { return };
                self.answer_request(now, &incoming, &response);
            }
            (true, true, false) => self.offer_received(id, incoming),
            // Its own is not answered yet.
            (true, _, true) => self.refuse_offer(now, &incoming, 500),
            // Ours is not.
            (true, false, false) => self.refuse_offer(now, &incoming, 491),
        }
    }
}

/// RFC 3311 section 5.2: 491 while an offer of ours is open, 500 while one of theirs is, 504 where the session can't be
/// changed because nothing is agreed on yet.
fn offer_verdict(leg: &Leg) -> Verdict {
    let ours = leg.change_is_sent() || leg.unacked.as_ref().is_some_and(|unacked| unacked.offered);
    match &leg.state {
        _ if leg.reinvite.is_some() => Verdict::Refuse(500),
        LegState::Arriving { reliable, .. } if reliable.agreed => Verdict::Take,
        LegState::Arriving { invite, .. } => {
            let offered = sdp_of(&invite.request.headers, &invite.request.body).is_some();
            Verdict::Refuse(if offered { 500 } else { 504 })
        }
        LegState::Up { .. } if !ours => Verdict::Take,
        LegState::Up { .. } | LegState::Calling { .. } => Verdict::Refuse(491),
    }
}
