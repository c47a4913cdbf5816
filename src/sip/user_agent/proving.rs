//! Requests of ours that are challenged go out again with the trunk's answer (RFC 3261 section 22): calls over it, and
//! what is sent within them.

use super::UserAgent;
use super::event::LegId;
use super::leg::{Leg, LegState};
use super::uac::{InviteOut, Purpose};
use crate::sip::channel::Destination;
use crate::sip::transaction::Key;
use crate::sip::trunk::TrunkId;
use crate::sip::wire::{CSeq, Headers, Name, Request, Response};
use crate::types::Mono;

/// How often one request answers a challenge: a proxy's, the server's, a stale nonce. More is a circle.
const ROUNDS_MAX: u8 = 3;

/// What it takes to answer a challenge to a request.
#[derive(Debug)]
pub(super) struct Provable {
    trunk: TrunkId,
    rounds: u8,
    /// Without Via and proofs.
    request: Request,
}

impl Provable {
    pub fn new(trunk: TrunkId, request: Request) -> Provable {
        Provable { trunk, rounds: 0, request }
    }
}

impl UserAgent {
    /// Adds what the trunk's server or proxy has asked for before.
    pub(super) fn add_proofs(&mut self, trunk: Option<TrunkId>, request: &mut Request, to: Destination) {
        let trunk = trunk.filter(|trunk| self.is_trunks_own(*trunk, to));
        let Some(login) = trunk.and_then(|trunk| self.trunks.get_mut(&trunk)?.line.login()) else { return };
        for (name, value) in login.proofs(request.method.as_str(), &request.uri.to_string()) {
            request.headers.push(name, value);
        }
    }

    fn is_answerable(&mut self, (trunk, to): (TrunkId, Destination), rounds: u8, status: u16, headers: &Headers) -> bool {
        if !matches!(status, 401 | 407) || rounds >= ROUNDS_MAX || !self.is_trunks_own(trunk, to) {
            return false;
        }
        let cnonce = self.random.token(16);
        let Some(login) = self.trunks.get_mut(&trunk).and_then(|trunk| trunk.line.login()) else { return false };
        login.challenged(status, headers, rounds > 0, cnonce).is_ok()
    }

    /// The same INVITE once more, with proof; false when it is not to be. It has been acknowledged.
    pub(super) fn invite_again(&mut self, now: Mono, key: Key, response: &Response) -> bool {
        let Some(InviteOut { leg: Some(leg), trunk: Some(trunk), rounds, to, .. }) = self.invites_out.get(&key) else {
            return false;
        };
        let (leg, trunk, rounds, to) = (*leg, *trunk, *rounds, *to);
        if !self.wants_more(leg) || !self.is_answerable((trunk, to), rounds, response.status, &response.headers) {
            return false;
        }
        let Some(invite) = self.invites_out.get_mut(&key) else { return false };
        invite.leg = None;
        let (again, mut request) = (invite.again, invite.request.clone());
        let number = as_new(&mut request, self.legs.get(&leg).map_or(0, |leg| leg.dialog.local_seq));
        let next = self.start_invite_out(now, request, to, leg, again, Some(trunk));
        if let Some(invite) = self.invites_out.get_mut(&next) {
            invite.rounds = rounds + 1;
        }
        if let Some(Leg { state, dialog, .. }) = self.legs.get_mut(&leg) {
            dialog.local_seq = dialog.local_seq.max(number);
            if let LegState::Calling { invite, early, .. } = state {
                *invite = next;
                let early = std::mem::take(early);
                self.forget_early(early);
            }
        }
        true
    }

    /// Whether an INVITE of that leg still has a purpose.
    fn wants_more(&self, leg: LegId) -> bool {
        match self.legs.get(&leg).map(|leg| &leg.state) {
            Some(LegState::Calling { hung_up, .. }) => !hung_up,
            Some(LegState::Up { .. }) => true,
            Some(LegState::Arriving { .. }) | None => false,
        }
    }

    /// The same for a request of another method, from what was kept of it.
    pub(super) fn request_again(
        &mut self,
        now: Mono,
        provable: Option<Box<Provable>>,
        response: &Response,
        to: Destination,
        purpose: Purpose,
    ) -> bool {
        let Some(mut provable) = provable else { return false };
        if !self.is_answerable((provable.trunk, to), provable.rounds, response.status, &response.headers) {
            return false;
        }
        match self.last_number(purpose, &provable.request) {
            Some(last) => *last = as_new(&mut provable.request, *last),
            None => drop(as_new(&mut provable.request, 0)),
        }
        provable.rounds += 1;
        self.send_provable(now, *provable, to, purpose);
        true
    }

    /// The number of our last request in the dialog that this one is of.
    fn last_number(&mut self, purpose: Purpose, request: &Request) -> Option<&mut u32> {
        let Leg { dialog, state, .. } = self.legs.get_mut(&purpose.leg()?)?;
        let LegState::Calling { early, .. } = state else { return Some(&mut dialog.local_seq) };
        let to = request.headers.to().ok()?;
        let early = early.iter_mut().find(|early| Some(early.dialog.remote_tag()) == to.tag())?;
        Some(&mut early.dialog.local_seq)
    }

    pub(super) fn send_provable(&mut self, now: Mono, provable: Provable, to: Destination, purpose: Purpose) {
        let mut request = provable.request.clone();
        self.add_proofs(Some(provable.trunk), &mut request, to);
        let key = self.send_request(now, request, to, purpose);
        if let Some(sent) = self.requests_out.get_mut(&key) {
            sent.provable = Some(Box::new(provable));
        }
    }

    /// A request within a dialog; one over a trunk can be asked for proof.
    pub(super) fn send_within(
        &mut self,
        now: Mono,
        trunk: Option<TrunkId>,
        request: Request,
        to: Destination,
        purpose: Purpose,
    ) {
        match trunk {
            Some(trunk) => self.send_provable(now, Provable::new(trunk, request), to, purpose),
            None => {
                self.send_request(now, request, to, purpose);
            }
        }
    }
}

/// Makes a new request of one that was sent: no Via, no proofs, and the next number, which is above the `last` of its
/// dialog: others may have gone out meanwhile. Gives the number.
pub(super) fn as_new(request: &mut Request, last: u32) -> u32 {
    request.headers.remove(&Name::Via);
    request.headers.remove(&Name::Authorization);
    request.headers.remove(&Name::ProxyAuthorization);
    let number = request.headers.cseq().map_or(1, |cseq| cseq.number).max(last) + 1;
    request.headers.set(Name::CSeq, CSeq::new(number, request.method.clone()).to_string());
    number
}
