//! One call leg and the state that it is in.

use std::time::Duration;

use crate::sip::channel::Destination;
use crate::sip::dialog::Dialog;
use crate::sip::transaction::{Backoff, Key};
use crate::sip::wire::Request;
use crate::types::Mono;

/// Ringing is repeated this often, so that no proxy gives up (RFC 3261 section 13.3.1.1).
pub(super) const RING_AGAIN: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Leg {
    pub dialog: Dialog,
    pub state: LegState,
    /// A re-INVITE of the peer that the transaction user has yet to answer.
    pub reinvite: Option<Pending>,
    /// A 2xx of ours that waits for its ACK.
    pub unacked: Option<Unacked>,
    pub armed: Option<Mono>,
}

#[derive(Debug)]
pub(super) enum LegState {
    /// The peer's INVITE is not answered yet.
    Arriving { invite: Pending, ringing: Option<Ringing> },
    /// Our INVITE is not answered yet. `hung_up`: CANCEL as soon as it may go out.
    Calling { invite: Key, hung_up: bool },
    /// Answered. `bye_when_acked`: hung up before the ACK came (RFC 3261 section 15).
    Up { bye_when_acked: bool },
}

/// An INVITE and its server transaction.
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

impl Leg {
    pub fn deadline(&self) -> Option<Mono> {
        let ringing = match &self.state {
            LegState::Arriving { ringing: Some(ringing), .. } => Some(ringing.again_at),
            LegState::Arriving { ringing: None, .. } | LegState::Calling { .. } | LegState::Up { .. } => None,
        };
        let unacked = self.unacked.as_ref().map(|u| u.again.at.min(u.give_up_at));
        [ringing, unacked].into_iter().flatten().min()
    }
}
