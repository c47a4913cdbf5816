//! What the user agent is told, what it asks for, and what it tells the transaction user.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::identity::Identity;
use super::texts::TextId;
use crate::sip::channel::{Channel, ConnectionId, Destination};
use crate::sip::trunk::{Standing, TrunkId};
use crate::sip::wire::{Replaces, Uri};
use crate::types::Mono;

/// One call leg: the transaction user's name for a dialog, from the INVITE on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LegId(pub u64);

#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// A datagram, or one framed message of a stream.
    Received {
        via: Channel,
        source: SocketAddr,
        bytes: &'a [u8],
    },
    /// What was handed out for `to` could not be sent (RFC 3261 section 8.1.3.1).
    TransportFailed {
        channel: Channel,
        to: SocketAddr,
    },
    /// A peer closed the connection that we had made to it; `ConnectionClosed` comes too.
    PeerClosed {
        channel: Channel,
        remote: SocketAddr,
    },
    /// Requests and responses for it go to the same address over another connection from now on.
    ConnectionClosed {
        connection: ConnectionId,
    },
    Timeout,
}

/// Drain until `Wait`. It is moved once to where it is handled, so that its size does not matter.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)]
pub enum Output {
    Send { to: Destination, bytes: Vec<u8> },
    Event(Event),
    Wait(Option<Mono>),
}

/// What an INVITE says of its call, for the call log and the flow. All of it is the caller's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingInvite {
    pub caller: Uri,
    pub caller_display: Option<String>,
    pub callee_user: Option<String>,
    pub sip_call_id: String,
    pub source: SocketAddr,
    /// Index of the listener that it came in on.
    pub listener: usize,
    /// The trunk one of whose servers it came from.
    pub trunk: Option<String>,
    /// The offer; `None` when our answer is to bring one (RFC 3264 section 4).
    pub sdp: Option<Vec<u8>>,
    /// The leg that this call is to take the place of: answer this one and hang that one up (RFC 3891 section 3).
    pub replaces: Option<LegId>,
    /// What the network says of the caller, and whether it is withheld.
    pub identity: Identity,
}

/// What a peer's REFER asks for: that we call `target`. All of it is the peer's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferRequest {
    /// Without headers: nothing but `replaces` is taken from them.
    pub target: Uri,
    /// The call at the target that ours is to take the place of (an attended transfer).
    pub replaces: Option<Replaces>,
    /// `Referred-By` as it came, for the call that is made (RFC 3892).
    pub referred_by: Option<String>,
}

/// Why a dialog ended without our doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The peer's BYE.
    Bye,
    /// A request within the dialog was not answered, or answered 481.
    Lost,
    /// No refresh of the session came through in time (RFC 4028): BYE is sent.
    Expired,
}

impl EndReason {
    /// For the call log.
    pub fn as_str(self) -> &'static str {
        match self {
            EndReason::Bye => "caller_hung_up",
            EndReason::Lost => "peer_lost",
            EndReason::Expired => "session_expired",
        }
    }
}

/// Why a phone is not registered any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// By its own wish.
    Asked,
    /// It did not register again in time.
    Expired,
    ConnectionClosed,
    /// The account's phones were too many: this one would have expired first.
    Displaced,
    AccountGone,
}

impl Gone {
    /// For the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Gone::Asked => "asked",
            Gone::Expired => "expired",
            Gone::ConnectionClosed => "connection_closed",
            Gone::Displaced => "displaced",
            Gone::AccountGone => "account_gone",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A new call: ring, answer or reject it.
    Incoming {
        leg: LegId,
        invite: IncomingInvite,
    },
    /// An INVITE that was answered here with this final error, for the call log (R4).
    Refused {
        invite: IncomingInvite,
        status: u16,
    },
    /// The caller gave up before the answer; 487 is sent.
    Cancelled {
        leg: LegId,
    },
    Acked {
        leg: LegId,
        sdp: Option<Vec<u8>>,
    },
    /// No ACK came for 64*T1 after the 200, and BYE is sent (RFC 3261 section 13.3.1.4); or no PRACK after a reliable 180,
    /// and 504 is (RFC 3262 section 3).
    NoAck {
        leg: LegId,
    },
    /// Answer or reject it; `None` asks for our offer. An offer in an UPDATE or PRACK is told so as well.
    Reinvite {
        leg: LegId,
        sdp: Option<Vec<u8>>,
    },
    /// The ACK to a 200 that brought our offer.
    ReinviteAcked {
        leg: LegId,
        sdp: Option<Vec<u8>>,
    },
    /// Connections that lead there bring nothing any more.
    Close {
        to: Destination,
    },
    /// Where are the servers of this URI (RFC 3263)? Say `trunk_located`.
    TrunkSeeks {
        trunk: TrunkId,
        uri: Uri,
    },
    /// Where is the STUN server of this URI? Say `outside_located`.
    OutsideSeeks {
        uri: Uri,
    },
    /// The STUN server sees us there: it is our external address from now on.
    Outside {
        address: SocketAddr,
    },
    /// The STUN server does not answer.
    OutsideUnknown,
    /// It is otherwise with a trunk than before.
    Trunk {
        name: String,
        standing: Standing,
    },
    /// Already answered 200.
    Info {
        leg: LegId,
        content_type: String,
        body: Vec<u8>,
    },
    /// Told before `Ended` or `Cancelled`: the peer's Reason header (RFC 3326), readable and cut. It is the peer's word.
    PeerSaidWhy {
        leg: LegId,
        reason: String,
    },
    Ended {
        leg: LegId,
        reason: EndReason,
    },
    /// To our own INVITE: a provisional response.
    Ringing {
        leg: LegId,
        status: u16,
        sdp: Option<Vec<u8>>,
    },
    /// To our own INVITE: 2xx; ACK is sent.
    Answered {
        leg: LegId,
        status: u16,
        sdp: Option<Vec<u8>>,
    },
    /// To our own INVITE: no call came of it. 408 also when nothing came back, 503 when it could not be sent.
    Failed {
        leg: LegId,
        status: u16,
        reason: String,
        /// Where a 3xx says that the callee is, the likeliest first, at most eight. They are never called by themselves.
        contacts: Vec<Uri>,
    },
    /// The peer asks us to call somebody in its place (RFC 3515); it is answered 202 and told `100 Trying`. Tell it what
    /// came of it with `refer_progress`.
    Refer {
        leg: LegId,
        refer: ReferRequest,
    },
    /// To our own REFER: the peer will try.
    ReferAccepted {
        leg: LegId,
    },
    /// To our own REFER: what the peer says of the call that it makes. From 200 on it is the last.
    ReferProgress {
        leg: LegId,
        status: u16,
    },
    /// To our own REFER: nothing comes of it. 408 also when nothing came back, or when the peer stopped telling before
    /// it had said how it ended.
    ReferFailed {
        leg: LegId,
        status: u16,
    },
    /// To our own re-INVITE: 2xx; ACK is sent.
    ReinviteAnswered {
        leg: LegId,
        sdp: Option<Vec<u8>>,
    },
    /// To our own re-INVITE: the session stays as it was. 491 when the peer's changes kept crossing ours: make a new
    /// offer. After 408 and 481 the call is `Ended` too.
    ReinviteFailed {
        leg: LegId,
        status: u16,
    },
    /// A phone can be called at a new place, or is reached elsewhere than before.
    Registered {
        user: String,
        contact: Uri,
        source: SocketAddr,
    },
    /// Somebody did not prove to be that account: a wrong password, another's, or too many wrong ones before.
    Unproven {
        user: String,
        source: SocketAddr,
    },
    /// A source guessed passwords too often: nothing that it sends is served until then.
    Banned {
        /// As `types::host_network` gives it.
        network: IpAddr,
        failures: u32,
        until: Mono,
    },
    /// A phone can't be called at that place any more.
    Unregistered {
        user: String,
        contact: Uri,
        why: Gone,
    },
    /// To our own OPTIONS; 408 when nothing came back.
    /// A text reached a telephone (2xx), or none (the best answer, 408 for silence, 480 where none is registered).
    TextEnded {
        id: TextId,
        status: u16,
    },
    OptionsAnswered {
        to: Destination,
        status: u16,
    },
}

/// Why a command of the transaction user was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UaError {
    #[error("the call leg is gone")]
    NoSuchLeg,
    #[error("the call leg is in another state")]
    WrongState,
    #[error("no listener has that index")]
    NoSuchListener,
    #[error("too many calls or transactions")]
    Full,
    #[error("no phone's account has that name")]
    NoSuchAccount,
}

/// What the user agent has seen, since its start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    pub received: u64,
    pub malformed: u64,
    pub retransmissions_in: u64,
    pub retransmissions_out: u64,
    /// Responses without a transaction, ACKs without a dialog.
    pub stray: u64,
    /// Requests answered 503 because a table was full.
    pub shed: u64,
    /// Messages of banned sources, and of scanners, that were not even read.
    pub dropped: u64,
    /// Requests that came faster than one source may: refused, or not even read.
    pub too_fast: u64,
    /// Final responses sent, by class: 2xx to 6xx.
    pub answered: [u64; 5],
}

impl fmt::Display for LegId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
