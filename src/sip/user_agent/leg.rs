//! One call leg and the state that it is in.

use std::time::Duration;

use super::reliable::{Early, Reliable};
use super::session_timer::SessionTimer;
use crate::sip::channel::Destination;
use crate::sip::dialog::Dialog;
use crate::sip::transaction::{Backoff, Key};
use crate::sip::trunk::TrunkId;
use crate::sip::wire::Request;
use crate::types::Mono;

/// Ringing is repeated this often, so that no proxy gives up (RFC 3261 section 13.3.1.1).
pub(super) const RING_AGAIN: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Leg {
    pub dialog: Dialog,
    pub state: LegState,
    /// The trunk that it goes over, which may ask for proof.
    pub trunk: Option<TrunkId>,
    /// We made the call, and its Call-ID.
    pub is_ours: bool,
    /// A re-INVITE of the peer that the transaction user has yet to answer.
    pub reinvite: Option<Pending>,
    /// A 2xx of ours that waits for its ACK.
    pub unacked: Option<Unacked>,
    /// Our own re-INVITE.
    pub change: Option<Change>,
    /// The peer takes UPDATE (RFC 3311 section 5.1).
    pub allows_update: bool,
    /// Our last word on the session, which a re-INVITE that only refreshes says again.
    pub sdp: Option<Box<[u8]>>,
    pub session: Option<SessionTimer>,
    /// Why we end it, for BYE and CANCEL (RFC 3326).
    pub why: Option<String>,
    /// Transfers, from the first REFER on.
    pub transfer: Option<Box<Transfer>>,
    pub armed: Option<Mono>,
}

#[derive(Debug)]
pub(super) enum LegState {
    /// The peer's INVITE is not answered yet.
    Arriving { invite: Pending, ringing: Option<Ringing>, reliable: Box<Reliable> },
    /// Our INVITE is not answered yet. `hung_up`: CANCEL as soon as it may go out. `early`: those that ring.
    Calling { invite: Key, hung_up: bool, early: Vec<Early> },
    /// Answered. `bye_when_acked`: hung up before the ACK came (RFC 3261 section 15).
    Up { bye_when_acked: bool },
}

/// A request that the transaction user answers, and its server transaction: an INVITE, or an UPDATE or PRACK with an offer.
#[derive(Debug)]
pub(super) struct Pending {
    pub transaction: Key,
    pub request: Box<Request>,
}

#[derive(Debug)]
pub(super) struct Ringing {
    pub response: Box<[u8]>,
    pub to: Destination,
    pub again_at: Mono,
}

impl Ringing {
    pub fn again(now: Mono, response: Vec<u8>, to: Destination) -> Ringing {
        Ringing { response: response.into(), to, again_at: now + RING_AGAIN }
    }
}

/// The core retransmits a 2xx until its ACK, over every transport (RFC 3261 section 13.3.1.4).
#[derive(Debug)]
pub(super) struct Unacked {
    pub seq: u32,
    pub response: Box<[u8]>,
    pub to: Destination,
    pub again: Backoff,
    pub give_up_at: Mono,
    /// The 200 to the first INVITE, not to a re-INVITE.
    pub initial: bool,
    /// It brought our offer, so that the ACK brings the answer.
    pub offered: bool,
}

/// Our own re-INVITE, until its end. `refresh`: it changes nothing, and the transaction user does not know of it.
#[derive(Debug)]
pub(super) enum Change {
    Sent {
        sdp: Vec<u8>,
        tries: u8,
        refresh: bool,
    },
    /// It crossed the peer's and goes out again (RFC 3261 section 14.1).
    Waiting {
        sdp: Vec<u8>,
        tries: u8,
        again_at: Mono,
    },
}

/// What REFERs of either side are under way: one each way at most.
#[derive(Debug, Default)]
pub(super) struct Transfer {
    /// The peer's REFER that we report on.
    pub theirs: Option<Theirs>,
    /// Whether the peer has sent a REFER before: from the second on, NOTIFYs say which one they are about.
    pub had_one: bool,
    pub ours: Option<Ours>,
}

#[derive(Debug)]
pub(super) struct Theirs {
    /// `id` of the Event header, the REFER's number (RFC 3515 section 2.4.6).
    pub id: Option<u32>,
    /// The peer does not want to be told (RFC 4488).
    pub silent: bool,
}

#[derive(Debug)]
pub(super) struct Ours {
    pub seq: u32,
    pub accepted: bool,
}

impl Leg {
    pub fn new(dialog: Dialog, state: LegState) -> Leg {
        let is_ours = matches!(state, LegState::Calling { .. });
        Leg {
            dialog,
            state,
            trunk: None,
            is_ours,
            reinvite: None,
            unacked: None,
            change: None,
            allows_update: false,
            sdp: None,
            session: None,
            why: None,
            transfer: None,
            armed: None,
        }
    }

    /// Our re-INVITE went out and is not answered.
    pub fn change_is_sent(&self) -> bool {
        matches!(self.change, Some(Change::Sent { .. }))
    }

    pub fn deadline(&self) -> Option<Mono> {
        let (ringing, reliable) = match &self.state {
            LegState::Arriving { ringing, reliable, .. } => {
                (ringing.as_ref().map(|ringing| ringing.again_at), reliable.deadline())
            }
            LegState::Calling { .. } | LegState::Up { .. } => (None, None),
        };
        let session = self.session.as_ref().map(SessionTimer::deadline);
        let unacked = self.unacked.as_ref().map(|u| u.again.at.min(u.give_up_at));
        let change = match &self.change {
            Some(Change::Waiting { again_at, .. }) => Some(*again_at),
            Some(Change::Sent { .. }) | None => None,
        };
        [ringing, reliable, unacked, change, session].into_iter().flatten().min()
    }
}
