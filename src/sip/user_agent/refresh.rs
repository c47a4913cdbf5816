//! Signs of life (RFC 4028): what is agreed on, our refreshes, and the end of a call whose peer gives none.

use super::UserAgent;
use super::event::{EndReason, Event, LegId};
use super::leg::{Leg, LegState};
use super::proving::as_new;
use super::receive::Incoming;
use super::session_timer::{Asked, Due, LEAST_S, Refresher, SessionTimer, expires_of, min_se, session_expires};
use super::uac::Purpose;
use crate::sip::transaction::Key;
use crate::sip::wire::{Headers, Method, Name, Request, Response};
use crate::types::Mono;

/// INVITEs of one call that ask for ever longer intervals.
const INVITES_MAX: u32 = 4;
/// Why a call whose session ran out is hung up (RFC 3326).
const EXPIRED: &str = "SIP;cause=408;text=\"Session expired\"";

/// As the one who is asked.
impl UserAgent {
    /// 422 to a request that wants refreshes too often.
    pub(super) fn session_refusal(&self, incoming: &Incoming) -> Option<Response> {
        let request = &incoming.request;
        let concerned = matches!(request.method, Method::Invite | Method::Update);
        if !concerned || !self.config.session.is_too_small(&Asked::of(&request.headers)) {
            return None;
        }
        let mut response = self.plain_response(request, 422);
        response.headers.push(min_se(), self.config.session.min_se_s().to_string());
        Some(response)
    }

    /// Puts into a 2xx what is agreed on, and starts the timer anew (RFC 4028 section 9). What the peer takes is noted too.
    pub(super) fn agree_on_session(&mut self, now: Mono, id: LegId, request: &Request, response: &mut Response) {
        let policy = self.config.session;
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.note_peer(&request.headers);
        // An UPDATE before the answer agrees on nothing yet.
        if request.method == Method::Update && !matches!(leg.state, LegState::Up { .. }) {
            return;
        }
        let asked = Asked::of(&request.headers);
        let agreed = policy.answer(&asked, leg.session.as_ref().map(SessionTimer::we_refresh));
        leg.session = agreed.map(|expires| {
            response.headers.push(session_expires(), expires.to_string());
            if asked.supported {
                response.headers.push(Name::Require, "timer");
            }
            SessionTimer::start(now, expires.interval_s, expires.refresher == Some(Refresher::Uas))
        });
    }
}

/// As the one who asks.
impl UserAgent {
    /// What a new INVITE of ours asks for.
    pub(super) fn ask_for_session(&self, headers: &mut Headers) {
        let Some(interval_s) = self.config.session.wanted_s() else { return };
        headers.push(session_expires(), interval_s.to_string());
        if self.config.session.min_se_s() > LEAST_S {
            headers.push(min_se(), self.config.session.min_se_s().to_string());
        }
    }

    /// What came of it: a 2xx to our INVITE, re-INVITE or UPDATE. Without the header the session has no end.
    pub(super) fn session_agreed(&mut self, now: Mono, id: LegId, headers: &Headers) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        leg.note_peer(headers);
        leg.session = expires_of(headers)
            .map(|expires| SessionTimer::start(now, expires.interval_s, expires.refresher != Some(Refresher::Uas)));
        self.rearm_leg(id);
    }

    /// 422 to our first INVITE: once more, with the interval that the peer or a proxy wants (RFC 4028 section 7.4). False
    /// when it is not to be tried again.
    pub(super) fn ask_for_longer(&mut self, now: Mono, key: Key, response: &Response) -> bool {
        let Some(invite) = self.invites_out.get(&key).filter(|invite| !invite.again) else { return false };
        let asked_s = expires_of(&invite.request.headers).map_or(0, |expires| expires.interval_s);
        let seq = invite.request.headers.cseq().map(|cseq| cseq.number).unwrap_or(INVITES_MAX);
        let least_s = response.headers.seconds(&min_se()).unwrap_or_default();
        let (Some(id), true) = (invite.leg, least_s > asked_s && seq < INVITES_MAX) else { return false };
        let (mut request, to, trunk) = (invite.request.clone(), invite.to, invite.trunk);
        let Some(Leg { state: LegState::Calling { hung_up: false, .. }, dialog, .. }) = self.legs.get_mut(&id) else {
            return false;
        };
        dialog.local_seq = as_new(&mut request, dialog.local_seq);
        request.headers.set(session_expires(), least_s.to_string());
        request.headers.set(min_se(), least_s.to_string());
        if let Some(invite) = self.invites_out.get_mut(&key) {
            invite.leg = None;
        }
        let _ = self.reject_reinvite(now, id, 487);
        let again = self.start_invite_out(now, request, to, id, false, trunk);
        if let Some(Leg { state: LegState::Calling { invite, early, .. }, .. }) = self.legs.get_mut(&id) {
            *invite = again;
            let early = std::mem::take(early);
            self.forget_early(early);
        }
        true
    }

    /// What our requests within a call say of its session.
    pub(super) fn say_session(leg: &Leg, headers: &mut Headers) {
        let Some(session) = &leg.session else { return };
        headers.push(session_expires(), session.to_say().to_string());
        if let Some(least_s) = session.min_se_s() {
            headers.push(min_se(), least_s.to_string());
        }
    }

    /// The session timer's time has come. True when the leg is gone.
    pub(super) fn session_due(&mut self, now: Mono, id: LegId) -> bool {
        let Some(leg) = self.legs.get_mut(&id) else { return true };
        match leg.session.as_mut().map_or(Due::Nothing, |session| session.due(now)) {
            Due::Nothing => false,
            Due::Refresh => {
                self.refresh(now, id);
                false
            }
            Due::Expired => {
                leg.why.get_or_insert_with(|| EXPIRED.to_owned());
                self.send_bye(now, id);
                self.tell(Event::Ended { leg: id, reason: EndReason::Expired });
                true
            }
        }
    }

    /// By UPDATE where the peer takes it, else by a re-INVITE that says again what we said last (RFC 4028 section 7.4).
    pub(super) fn refresh(&mut self, now: Mono, id: LegId) {
        let full = self.is_full();
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let busy = leg.reinvite.is_some() || leg.unacked.is_some() || leg.change.is_some();
        let sdp = leg.sdp.clone().filter(|_| !leg.allows_update);
        if full || busy || sdp.is_none() && !leg.allows_update {
            leg.session.as_mut().into_iter().for_each(|session| session.try_again(now));
            return;
        }
        if let Some(sdp) = sdp {
            return self.send_reinvite(now, id, sdp.into(), 1, true);
        }
        let mut request = leg.dialog.request(Method::Update, None);
        let (to, user, trunk) = (leg.dialog.next_hop(), leg.dialog.local.uri.user.clone(), leg.trunk);
        Self::say_session(leg, &mut request.headers);
        let Some(leg) = self.legs.get(&id) else { return };
        let contact = self.contact_in(&leg.dialog, to, user.as_deref());
        request.headers.push(Name::Contact, contact.to_string());
        request.headers.push(Name::Allow, self.allow());
        request.headers.push(Name::Supported, self.config.supported_text());
        self.send_within(now, trunk, request, to, Purpose::Refresh(id));
    }

    /// What came of our UPDATE; `None` when nothing came back. 408 and 481 end the call (RFC 4028 section 10).
    pub(super) fn refresh_answered(&mut self, now: Mono, id: LegId, status: u16, headers: Option<&Headers>) {
        if let (200..300, Some(headers)) = (status, headers) {
            return self.session_agreed(now, id, headers);
        }
        if matches!(status, 408 | 481) {
            let Some(leg) = self.legs.get_mut(&id) else { return };
            leg.why.get_or_insert_with(|| EXPIRED.to_owned());
            match status {
                408 => self.send_bye(now, id),
                _ => drop(self.end_leg(now, id)),
            }
            return self.tell(Event::Ended { leg: id, reason: EndReason::Lost });
        }
        self.refresh_refused(now, id, status, headers);
    }

    /// A refresh that did not go through: longer after 422, otherwise than by UPDATE where the peer does not take it, or later.
    pub(super) fn refresh_refused(&mut self, now: Mono, id: LegId, status: u16, headers: Option<&Headers>) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let Some(session) = &mut leg.session else { return };
        let least_s = headers.and_then(|headers| headers.seconds(&min_se()));
        match (status, least_s) {
            (422, Some(least_s)) => session.raise(now, least_s),
            (405 | 501, _) if leg.allows_update => {
                leg.allows_update = false;
                session.try_at_once(now);
            }
            _ => session.try_again(now),
        }
        self.rearm_leg(id);
    }
}

impl Leg {
    /// What a peer's INVITE, UPDATE or 2xx says that it takes.
    fn note_peer(&mut self, headers: &Headers) {
        if headers.contains(&Name::Allow) {
            self.allows_update = headers.has_token(&Name::Allow, "UPDATE");
        }
    }
}
