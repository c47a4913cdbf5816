//! What happens when time has come, and how transactions end. Each owner has one deadline or none.

use super::event::{Event, LegId};
use super::leg::{LegState, RING_AGAIN};
use super::uac::{InviteOut, RequestOut};
use super::{Owner, UserAgent};
use crate::sip::transaction::{ClientTimeout, Key, ServerTimeout};
use crate::types::Mono;

impl UserAgent {
    pub(super) fn timeout(&mut self, now: Mono) {
        while let Some((at, owner)) = self.deadlines.peek() {
            if at > now {
                return;
            }
            self.deadlines.pop();
            match owner {
                Owner::InviteIn(key) => self.invite_in_due(now, at, key),
                Owner::RequestIn(key) => self.request_in_due(now, at, key),
                Owner::InviteOut(key) => self.invite_out_due(now, at, key),
                Owner::RequestOut(key) => self.request_out_due(now, at, key),
                Owner::Leg(leg) => self.leg_due(now, at, leg),
                Owner::Binding(id) => self.binding_due(now, at, id),
                Owner::Watcher(id) => self.watcher_due(now, at, id),
                Owner::Trunk(id) => self.trunk_due(now, at, id),
                Owner::Outside => self.outside_due(now, at),
            }
        }
    }

    fn invite_in_due(&mut self, now: Mono, at: Mono, key: Key) {
        let Some(invite) = self.invites_in.get_mut(&key).filter(|i| i.armed == Some(at)) else { return };
        invite.armed = None;
        let to = invite.to;
        match invite.machine.timeout(now, &self.timing) {
            ServerTimeout::Nothing | ServerTimeout::Unacknowledged => {}
            ServerTimeout::Resend(bytes) => {
                let bytes = bytes.to_vec();
                self.counters.retransmissions_out += 1;
                self.send(to, bytes);
            }
            ServerTimeout::SendTrying => {
                let trying = std::mem::take(&mut invite.trying);
                invite.machine.respond(now, 100, &trying, &self.timing, false);
                self.send(to, trying.into());
            }
        }
        self.rearm_invite_in(key);
    }

    fn request_in_due(&mut self, now: Mono, at: Mono, key: Key) {
        if let Some(request) = self.requests_in.get_mut(&key).filter(|r| r.armed == Some(at)) {
            request.armed = None;
            request.machine.timeout(now);
            self.rearm_request_in(key);
        }
    }

    fn invite_out_due(&mut self, now: Mono, at: Mono, key: Key) {
        let Some(invite) = self.invites_out.get_mut(&key).filter(|i| i.armed == Some(at)) else { return };
        invite.armed = None;
        let to = invite.to;
        match invite.machine.timeout(now) {
            ClientTimeout::Nothing => {}
            ClientTimeout::Resend(bytes) => {
                let bytes = bytes.to_vec();
                self.counters.retransmissions_out += 1;
                self.send(to, bytes);
            }
            ClientTimeout::GaveUp => self.invite_failed(now, key, 408, "no answer", Vec::new(), None),
        }
        self.rearm_invite_out(key);
    }

    fn request_out_due(&mut self, now: Mono, at: Mono, key: Key) {
        let Some(request) = self.requests_out.get_mut(&key).filter(|r| r.armed == Some(at)) else { return };
        request.armed = None;
        let to = request.to;
        match request.machine.timeout(now, &self.timing) {
            ClientTimeout::Nothing => {}
            ClientTimeout::Resend(bytes) => {
                let bytes = bytes.to_vec();
                self.counters.retransmissions_out += 1;
                self.send(to, bytes);
            }
            ClientTimeout::GaveUp => return self.request_failed(now, key, 408),
        }
        self.rearm_request_out(key);
    }

    fn leg_due(&mut self, now: Mono, at: Mono, id: LegId) {
        let Some(leg) = self.legs.get_mut(&id).filter(|leg| leg.armed == Some(at)) else { return };
        leg.armed = None;
        let mut again = None;
        if let LegState::Arriving { ringing: Some(ringing), .. } = &mut leg.state
            && ringing.again_at <= now
        {
            ringing.again_at = now + RING_AGAIN;
            again = Some((ringing.to, ringing.response.to_vec()));
        }
        let mut gave_up = false;
        if let Some(unacked) = &mut leg.unacked {
            if unacked.give_up_at <= now {
                gave_up = true;
            } else if unacked.again.fire(now, Some(self.timing.t2)) {
                again = Some((unacked.to, unacked.response.to_vec()));
            }
        }
        if let Some((to, bytes)) = again {
            self.counters.retransmissions_out += 1;
            self.send(to, bytes);
        }
        if gave_up {
            // The dialog is confirmed all the same, but the session is to be ended (RFC 3261 section 13.3.1.4).
            self.send_bye(now, id);
            return self.tell(Event::NoAck { leg: id });
        }
        if self.reliable_due(now, id) || self.session_due(now, id) {
            return;
        }
        self.change_due(now, id);
        self.rearm_leg(id);
    }

    pub(super) fn rearm_invite_in(&mut self, key: Key) {
        let Some(invite) = self.invites_in.get_mut(&key) else { return };
        if invite.machine.is_terminated() {
            self.deadlines.arm(Owner::InviteIn(key), &mut invite.armed, None);
            if let Some(merge) = invite.merge {
                self.merges.remove(&merge);
            }
            self.invites_in.remove(&key);
            return;
        }
        self.deadlines.arm(Owner::InviteIn(key), &mut invite.armed, invite.machine.deadline());
    }

    pub(super) fn rearm_request_in(&mut self, key: Key) {
        let Some(request) = self.requests_in.get_mut(&key) else { return };
        if request.machine.is_terminated() {
            self.deadlines.arm(Owner::RequestIn(key), &mut request.armed, None);
            self.requests_in.remove(&key);
            return;
        }
        self.deadlines.arm(Owner::RequestIn(key), &mut request.armed, request.machine.deadline());
    }

    pub(super) fn rearm_invite_out(&mut self, key: Key) {
        let Some(invite) = self.invites_out.get_mut(&key) else { return };
        if invite.machine.is_terminated() {
            self.remove_invite_out(key);
            return;
        }
        self.deadlines.arm(Owner::InviteOut(key), &mut invite.armed, invite.machine.deadline());
    }

    pub(super) fn rearm_request_out(&mut self, key: Key) {
        let Some(request) = self.requests_out.get_mut(&key) else { return };
        if request.machine.is_terminated() {
            self.remove_request_out(key);
            return;
        }
        self.deadlines.arm(Owner::RequestOut(key), &mut request.armed, request.machine.deadline());
    }

    pub(super) fn rearm_leg(&mut self, id: LegId) {
        if let Some(leg) = self.legs.get_mut(&id) {
            let deadline = leg.deadline();
            self.deadlines.arm(Owner::Leg(id), &mut leg.armed, deadline);
        }
    }

    pub(super) fn remove_invite_out(&mut self, key: Key) -> Option<InviteOut> {
        let mut invite = self.invites_out.remove(&key)?;
        self.deadlines.arm(Owner::InviteOut(key), &mut invite.armed, None);
        Some(invite)
    }

    pub(super) fn remove_request_out(&mut self, key: Key) -> Option<RequestOut> {
        let mut request = self.requests_out.remove(&key)?;
        self.deadlines.arm(Owner::RequestOut(key), &mut request.armed, None);
        Some(request)
    }
}
