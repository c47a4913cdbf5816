//! Changing the session ourselves: our re-INVITE and what comes of it (RFC 3261 section 14.1).

use std::time::Duration;

use super::UserAgent;
use super::event::{EndReason, Event, LegId, UaError};
use super::leg::{Change, Leg, LegState};
use super::receive::sdp_of;
use crate::sip::channel::Destination;
use crate::sip::transaction::Key;
use crate::sip::wire::{Headers, Method, Name, Response};
use crate::types::Mono;

/// How often a re-INVITE goes out again that crossed the peer's. After that the transaction user makes a new one.
const TRIES_MAX: u8 = 5;

impl UserAgent {
    /// Offers another session to the peer of an answered call. `WrongState` while another offer of either side is under
    /// way. One that crosses the peer's goes out again by itself.
    pub fn reinvite(&mut self, now: Mono, leg: LegId, sdp: Vec<u8>) -> Result<(), UaError> {
        let state = self.legs.get(&leg).ok_or(UaError::NoSuchLeg)?;
        let up = matches!(state.state, LegState::Up { bye_when_acked: false });
        if !up || state.reinvite.is_some() || state.unacked.is_some() || state.change.is_some() {
            return Err(UaError::WrongState);
        }
        if self.is_full() {
            return Err(UaError::Full);
        }
        self.send_reinvite(now, leg, sdp, 1, false);
        Ok(())
    }

    pub(super) fn send_reinvite(&mut self, now: Mono, id: LegId, sdp: Vec<u8>, tries: u8, refresh: bool) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let mut request = leg.dialog.request(Method::Invite, None);
        let (to, trunk) = (leg.dialog.next_hop(), leg.trunk);
        let user = leg.dialog.local.uri.user.clone();
        leg.change = Some(Change::Sent { sdp: sdp.clone(), tries, refresh });
        Self::say_session(leg, &mut request.headers);
        let Some(leg) = self.legs.get(&id) else { return };
        let contact = self.contact_in(&leg.dialog, to, user.as_deref());
        request.headers.push(Name::Contact, contact.to_string());
        request.headers.push(Name::Allow, self.allow());
        request.headers.push(Name::Supported, self.config.supported_text());
        request.headers.push(Name::UserAgent, self.config.server.clone());
        request.set_body("application/sdp", sdp);
        self.start_invite_out(now, request, to, id, true, trunk);
    }

    /// A 2xx to our re-INVITE: it is acknowledged, also when the call has ended meanwhile.
    pub(super) fn reinvite_accepted(&mut self, now: Mono, key: Key, response: &Response, from: Destination) {
        let Some(invite) = self.invites_out.get(&key) else { return };
        let Some(id) = invite.leg else { return };
        let tag = response.headers.to().ok().and_then(|to| to.tag().map(str::to_owned)).unwrap_or_default();
        let Some(leg) = self.legs.get_mut(&id) else {
            if let Some(mut dialog) = super::uac::dialog_of(invite, response, from) {
                dialog.routes = invite.request.headers.routes().unwrap_or_default();
                self.acknowledge(key, tag, &mut dialog);
            }
            return;
        };
        if let Ok(Some(contact)) = response.headers.contact() {
            leg.dialog.target = contact.uri;
        }
        let change = leg.change.take();
        let mut dialog = leg.dialog.clone();
        self.acknowledge(key, tag, &mut dialog);
        self.session_agreed(now, id, &response.headers);
        let answer = sdp_of(&response.headers, &response.body);
        if let Some(Change::Sent { refresh: true, .. }) = change {
            // The transaction user has offered nothing, but the peer may answer otherwise than before.
            return self.tell(Event::ReinviteAcked { leg: id, sdp: answer });
        }
        if let (Some(Change::Sent { sdp, .. }), Some(leg)) = (change, self.legs.get_mut(&id)) {
            leg.sdp = Some(sdp.into());
        }
        self.tell(Event::ReinviteAnswered { leg: id, sdp: answer });
    }

    /// Our re-INVITE was refused: once more later after a glare, else the session stays as it was. 408 and 481 end the
    /// call (RFC 3261 section 14.1).
    pub(super) fn reinvite_refused(&mut self, now: Mono, id: LegId, status: u16, headers: Option<&Headers>) {
        let chance = self.random.u32();
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(Change::Sent { sdp, tries, refresh }) = leg.change.take_if(|c| matches!(c, Change::Sent { .. }))
        else {
            return;
        };
        if refresh && !matches!(status, 408 | 481) {
            return self.refresh_refused(now, id, status, headers);
        }
        if status == 491 && tries < TRIES_MAX {
            let again_at = now + glare_delay(leg, chance);
            leg.change = Some(Change::Waiting { sdp, tries, again_at });
            return self.rearm_leg(id);
        }
        if !refresh {
            self.tell(Event::ReinviteFailed { leg: id, status });
        }
        match status {
            408 => self.send_bye(now, id),
            481 => drop(self.end_leg(now, id)),
            _ => return,
        }
        self.tell(Event::Ended { leg: id, reason: EndReason::Lost });
    }

    /// The peer's offer came while ours waited for its turn: ours is out of date.
    pub(super) fn give_way(&mut self, id: LegId) {
        let waiting = |change: &mut Change| matches!(change, Change::Waiting { .. });
        if self.legs.get_mut(&id).and_then(|leg| leg.change.take_if(waiting)).is_some() {
            self.rearm_leg(id);
            self.tell(Event::ReinviteFailed { leg: id, status: 491 });
        }
    }

    /// Sends a re-INVITE again whose time has come.
    pub(super) fn change_due(&mut self, now: Mono, id: LegId) {
        let due = |change: &mut Change| matches!(change, Change::Waiting { again_at, .. } if *again_at <= now);
        if let Some(Change::Waiting { sdp, tries, .. }) = self.legs.get_mut(&id).and_then(|leg| leg.change.take_if(due))
        {
            self.send_reinvite(now, id, sdp, tries + 1, false);
        }
    }
}

/// RFC 3261 section 14.1: whoever began the call waits longer, so that the two do not cross again.
fn glare_delay(leg: &Leg, chance: u32) -> Duration {
    let ms = if leg.is_ours { 2_100 + 10 * (chance % 191) } else { 10 * (chance % 201) };
    Duration::from_millis(ms.into())
}
