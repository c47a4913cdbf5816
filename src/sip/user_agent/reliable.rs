//! Provisional responses that are acknowledged with PRACK (RFC 3262), as the one who is called and as the one who calls.

use std::collections::VecDeque;
use std::time::Duration;

use super::UserAgent;
use super::event::{Event, LegId, UaError};
use super::leg::{Leg, LegState, Ringing};
use super::receive::{Incoming, sdp_of};
use super::uac::{EARLY_REQUESTS_MAX, FORKS_MAX, Purpose, dialog_of};
use crate::sip::channel::Destination;
use crate::sip::dialog::Dialog;
use crate::sip::transaction::{Backoff, Key};
use crate::sip::wire::{Headers, Method, Name, Request, Response};
use crate::types::Mono;

/// The option tag.
pub(super) const RELIABLE: &str = "100rel";
/// Provisional responses that wait for the PRACK of an earlier one; of more the last ones count.
const QUEUE_MAX: usize = 4;
/// What was acknowledged is said again this often, so that no proxy gives up (RFC 3261 section 13.3.1.1).
const REPEAT: Duration = Duration::from_secs(150);

/// When our 180 and 183 ask for PRACK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReliableProvisional {
    /// Never: a call that requires it gets 420.
    Off,
    /// Where the caller requires it.
    #[default]
    WhenRequired,
    /// Where the caller knows of it.
    Always,
}

/// The reliable provisional responses to one INVITE.
#[derive(Debug, Default)]
pub(super) struct Reliable {
    /// The last RSeq, 0 before the first.
    rseq: u32,
    waiting: Option<Unacknowledged>,
    queue: VecDeque<(u16, Option<Vec<u8>>)>,
    /// The 200 that waits for the PRACK.
    answer: Option<Vec<u8>>,
    /// One with SDP was acknowledged: offer and answer are exchanged, and either side may offer anew.
    pub agreed: bool,
    /// What was acknowledged last, and when it is said again.
    repeat: Option<(u16, Mono)>,
}

#[derive(Debug)]
struct Unacknowledged {
    rseq: u32,
    status: u16,
    response: Box<[u8]>,
    to: Destination,
    again: Backoff,
    give_up_at: Mono,
    has_sdp: bool,
}

/// One callee who rings: its early dialog, and the last RSeq that we acknowledged in it.
#[derive(Debug)]
pub(super) struct Early {
    pub dialog: Dialog,
    pub rseq: Option<u32>,
    /// The answer came in a reliable response: either side may offer anew.
    pub agreed: bool,
}

/// What time has brought for a reliable response.
enum Overdue {
    Nothing,
    Again(Destination, Vec<u8>),
    GiveUp,
    Repeat(u16),
}

impl Reliable {
    pub fn deadline(&self) -> Option<Mono> {
        let waiting = self.waiting.as_ref().map(|w| w.again.at.min(w.give_up_at));
        let repeat = self.repeat.as_ref().map(|(_, at)| *at);
        waiting.or(repeat)
    }

    fn overdue(&mut self, now: Mono) -> Overdue {
        if let Some(waiting) = &mut self.waiting {
            if waiting.give_up_at <= now {
                return Overdue::GiveUp;
            }
            // RFC 3262 section 3: T1, doubling without a cap.
            return match waiting.again.fire(now, None) {
                true => Overdue::Again(waiting.to, waiting.response.to_vec()),
                false => Overdue::Nothing,
            };
        }
        self.repeat.take_if(|(_, at)| *at <= now).map_or(Overdue::Nothing, |(status, _)| Overdue::Repeat(status))
    }

    /// Where what waits goes from now on.
    pub fn destination(&mut self) -> Option<&mut Destination> {
        self.waiting.as_mut().map(|waiting| &mut waiting.to)
    }
}

fn rseq_name() -> Name {
    Name::Other("RSeq".to_owned())
}

fn rack_name() -> Name {
    Name::Other("RAck".to_owned())
}

/// RSeq, CSeq number and method of a PRACK.
fn rack_of(headers: &Headers) -> Option<(u32, u32, Method)> {
    let name = rack_name();
    let mut words = headers.first(&name)?.split_ascii_whitespace();
    let (rseq, cseq, method) = (words.next()?, words.next()?, words.next()?);
    Some((rseq.parse().ok()?, cseq.parse().ok()?, Method::from_token(method)))
}

/// As the one who is called.
impl UserAgent {
    /// Whether a provisional response to this INVITE is to be acknowledged.
    fn is_to_be_reliable(&self, request: &Request) -> bool {
        let required = || request.headers.has_token(&Name::Require, RELIABLE);
        match self.config.reliable_provisional {
            ReliableProvisional::Off => false,
            ReliableProvisional::WhenRequired => required(),
            ReliableProvisional::Always => required() || request.headers.has_token(&Name::Supported, RELIABLE),
        }
    }

    /// Another provisional response than 100, with SDP for early media if given. Where it is to be acknowledged it waits for
    /// its turn; without an offer of the caller the first reliable one would have to bring ours (RFC 3262 section 5): the
    /// 200 does that, so that none is sent then.
    pub fn progress(&mut self, now: Mono, leg: LegId, status: u16, sdp: Option<Vec<u8>>) -> Result<(), UaError> {
        let (key, request) = self.arriving(leg)?;
        let status = status.clamp(101, 199);
        let result = match self.is_to_be_reliable(&request) {
            false => self.send_progress(now, leg, key, &request, (status, sdp)),
            true if sdp_of(&request.headers, &request.body).is_none() => Ok(()),
            true => self.send_reliably(now, leg, key, &request, (status, sdp)),
        };
        self.give_back(leg, request);
        self.rearm_leg(leg);
        result
    }

    fn send_progress(
        &mut self,
        now: Mono,
        leg: LegId,
        key: Key,
        request: &Request,
        (status, sdp): (u16, Option<Vec<u8>>),
    ) -> Result<(), UaError> {
        let mut response = self.dialog_response(leg, request, status)?;
        if let Some(sdp) = sdp {
            response.set_body("application/sdp", sdp);
        }
        if !self.respond_invite(now, key, &response) {
            return Err(UaError::WrongState);
        }
        let to = self.invites_in.get(&key).map(|invite| invite.to);
        if let (Some(Leg { state: LegState::Arriving { ringing, .. }, .. }), Some(to)) = (self.legs.get_mut(&leg), to) {
            *ringing = Some(Ringing::again(now, response.to_bytes(), to));
        }
        Ok(())
    }

    /// Only one waits at a time, so that they arrive in order (RFC 3262 section 3).
    fn send_reliably(
        &mut self,
        now: Mono,
        leg: LegId,
        key: Key,
        request: &Request,
        (status, sdp): (u16, Option<Vec<u8>>),
    ) -> Result<(), UaError> {
        // At most 2^31 - 1 to begin with, and never zero.
        let first = (self.random.u32() >> 1).max(1);
        let Some(reliable) = self.reliable_of(leg) else { return Err(UaError::WrongState) };
        if reliable.answer.is_some() {
            return Err(UaError::WrongState);
        }
        if reliable.waiting.is_some() {
            if reliable.queue.len() >= QUEUE_MAX {
                reliable.queue.pop_front();
            }
            reliable.queue.push_back((status, sdp));
            return Ok(());
        }
        let rseq = if reliable.rseq == 0 { first } else { reliable.rseq.wrapping_add(1).max(1) };
        let has_sdp = sdp.is_some();
        let mut response = self.dialog_response(leg, request, status)?;
        response.headers.push(Name::Require, RELIABLE);
        response.headers.push(rseq_name(), rseq.to_string());
        response.headers.push(Name::Allow, self.allow());
        if let Some(sdp) = sdp {
            response.set_body("application/sdp", sdp);
        }
        if !self.respond_invite(now, key, &response) {
            return Err(UaError::WrongState);
        }
        let to = self.invites_in.get(&key).map(|invite| invite.to).ok_or(UaError::WrongState)?;
        let (again, give_up_at) = (Backoff::start(now, self.timing.t1), now + self.timing.timeout());
        let response = response.to_bytes().into();
        if let Some(reliable) = self.reliable_of(leg) {
            reliable.rseq = rseq;
            reliable.repeat = None;
            reliable.waiting = Some(Unacknowledged { rseq, status, response, to, again, give_up_at, has_sdp });
        }
        Ok(())
    }

    fn reliable_of(&mut self, leg: LegId) -> Option<&mut Reliable> {
        match &mut self.legs.get_mut(&leg)?.state {
            LegState::Arriving { reliable, .. } => Some(reliable),
            LegState::Calling { .. } | LegState::Up { .. } => None,
        }
    }

    /// Keeps the 200 back until what was said before is acknowledged; the SDP comes back where nothing waits. RFC 3262
    /// section 3 forbids a 2xx before the PRACK of a response with SDP; others get confused by one before any.
    pub(super) fn answer_after_prack(&mut self, leg: LegId, sdp: Vec<u8>) -> Option<Vec<u8>> {
        let Some(reliable) = self.reliable_of(leg).filter(|reliable| reliable.waiting.is_some()) else {
            return Some(sdp);
        };
        reliable.queue.clear();
        reliable.answer = Some(sdp);
        None
    }

    /// The peer acknowledges a provisional response of ours.
    pub(super) fn prack_received(&mut self, now: Mono, id: LegId, incoming: Incoming) {
        let invite_seq = match self.legs.get(&id).map(|leg| &leg.state) {
            Some(LegState::Arriving { invite, .. }) => invite.request.headers.cseq().ok().map(|cseq| cseq.number),
            Some(LegState::Calling { .. } | LegState::Up { .. }) | None => None,
        };
        let rack = rack_of(&incoming.request.headers);
        let acknowledged = self.reliable_of(id).and_then(|reliable| {
            let means = |waiting: &mut Unacknowledged| {
                rack == Some((waiting.rseq, invite_seq.unwrap_or_default(), Method::Invite))
            };
            let waiting = reliable.waiting.take_if(means)?;
            reliable.agreed |= waiting.has_sdp;
            reliable.repeat = Some((waiting.status, now + REPEAT));
            Some(reliable.agreed)
        });
        let Some(agreed) = acknowledged else {
            return self.answer_plainly(now, &incoming, 481);
        };
        let offers = sdp_of(&incoming.request.headers, &incoming.request.body).is_some();
        if offers && agreed {
            self.offer_received(id, incoming);
        } else {
            self.answer_plainly(now, &incoming, 200);
        }
        self.say_next(now, id);
    }

    /// What waited for the PRACK goes out.
    fn say_next(&mut self, now: Mono, id: LegId) {
        let Some(reliable) = self.reliable_of(id) else { return };
        let (answer, next) = (reliable.answer.take(), reliable.queue.pop_front());
        // The transaction user was told already that it goes out; one that can't is cancelled, which it is told as well.
        let _ = match (answer, next) {
            (Some(sdp), _) => self.answer(now, id, sdp),
            (None, Some((status, sdp))) => self.progress(now, id, status, sdp),
            (None, None) => Ok(()),
        };
        self.rearm_leg(id);
    }

    /// A reliable response again, or the end of a call whose peer never acknowledges (RFC 3262 section 3). True when the leg
    /// is gone.
    pub(super) fn reliable_due(&mut self, now: Mono, id: LegId) -> bool {
        let overdue = self.reliable_of(id).map_or(Overdue::Nothing, |reliable| reliable.overdue(now));
        match overdue {
            Overdue::Nothing => {}
            Overdue::Again(to, bytes) => {
                self.counters.retransmissions_out += 1;
                self.send(to, bytes);
            }
            Overdue::Repeat(status) => drop(self.progress(now, id, status, None)),
            Overdue::GiveUp => {
                let _ = self.reject(now, id, 504, None);
                self.tell(Event::NoAck { leg: id });
                return true;
            }
        }
        false
    }
}

/// As the one who calls.
impl UserAgent {
    /// Takes a callee's early dialog in, and acknowledges what asks for it. False for a response that is to be dropped: one
    /// that came before, or before its turn (RFC 3262 section 4).
    pub(super) fn early_response(&mut self, now: Mono, key: Key, response: &Response, from: Destination) -> bool {
        let Some(invite) = self.invites_out.get(&key) else { return false };
        let offered = !invite.request.body.is_empty();
        let invite_seq = invite.request.headers.cseq().map(|cseq| cseq.number).unwrap_or_default();
        let (Some(id), Some(dialog)) = (invite.leg, dialog_of(invite, response, from)) else { return true };
        if response.status == 100 || dialog.remote.tag().is_none() {
            return true;
        }
        let (dialog_key, tag) = (self.dialog_key(&dialog), dialog.remote_tag().to_owned());
        let full = self.is_full();
        let Some(Leg { state: LegState::Calling { early, .. }, trunk, .. }) = self.legs.get_mut(&id) else { return true };
        let trunk = *trunk;
        let at = match early.iter().position(|early| early.dialog.remote_tag() == tag) {
            Some(at) => at,
            None if early.len() >= FORKS_MAX => return true,
            None => {
                early.push(Early { dialog, rseq: None, agreed: false });
                self.by_dialog.insert(dialog_key, id);
                early.len() - 1
            }
        };
        let Some(rseq) = reliable_number(response) else { return true };
        let Some(early) = early.get_mut(at) else { return true };
        if early.rseq.is_some_and(|last| rseq != last.wrapping_add(1)) {
            return false;
        }
        // A callee who says ever more is not acknowledged for ever.
        if full || early.dialog.local_seq >= invite_seq.saturating_add(EARLY_REQUESTS_MAX) {
            return false;
        }
        early.rseq = Some(rseq);
        early.agreed |= offered && sdp_of(&response.headers, &response.body).is_some();
        let mut prack = early.dialog.request(Method::Prack, None);
        let to = early.dialog.next_hop();
        prack.headers.push(rack_name(), format!("{rseq} {invite_seq} INVITE"));
        self.send_within(now, trunk, prack, to, Purpose::Prack(id));
        true
    }

    /// The early dialogs of a call that is over, or was answered: what still comes in them belongs to nobody.
    pub(super) fn forget_early(&mut self, early: Vec<Early>) {
        for Early { dialog, .. } in early {
            let key = self.dialog_key(&dialog);
            self.by_dialog.remove(&key);
        }
    }
}

/// The RSeq of a response that asks for a PRACK.
fn reliable_number(response: &Response) -> Option<u32> {
    let asks = response.status > 100 && response.headers.has_token(&Name::Require, RELIABLE);
    asks.then(|| response.headers.first(&rseq_name())?.trim().parse().ok()).flatten()
}
