//! What happened, as one typed event: the source of log line, metric and live view.

use std::net::SocketAddr;

use super::admission::Refusal;
use crate::desk::ban::BannedNetwork;
use crate::desk::call_record::{LegEnd, Outcome};
use crate::desk::errand::{ErrandId, ErrandKind, ErrandResult};
use crate::desk::message::MessagesWaiting;
use crate::desk::ticket::Kind;
use crate::flow::io::Parted;
use crate::media::io::DigitSource;
use crate::sip::trunk::Why;
use crate::types::{CallId, Codec, MessageId, RecordingId, SrtpSuite, StreamConfig, TicketNumber};

#[derive(Debug, Clone, PartialEq)]
pub struct CallEvent {
    /// `None` for what concerns no call that has a row.
    pub call: Option<CallId>,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub enum What {
    Incoming {
        source: SocketAddr,
        callee: String,
    },
    /// The call was meant for somebody else first.
    Diverted {
        from: String,
    },
    /// The peer's Reason for its BYE or CANCEL.
    PeerSaidWhy {
        reason: String,
    },
    Refused {
        source: SocketAddr,
        why: Refusal,
    },
    /// The user agent answered the INVITE with a final error by itself.
    RejectedBySip {
        source: SocketAddr,
        status: u16,
    },
    Rejected {
        status: u16,
        why: String,
    },
    Answered {
        answer_ms: u64,
        rings: u32,
        codec: Option<Codec>,
    },
    /// Audio of the call is encrypted from now on. `sealed`: those who carry its signalling can't read the keys.
    Encrypted {
        suite: SrtpSuite,
        sealed: bool,
    },
    /// Packets of a stream were not encrypted with its key: somebody else's, or a telephone with another.
    Forged {
        packets: u64,
    },
    /// A key; which one stays out of the log (it may be a PIN).
    Key {
        source: DigitSource,
    },
    Node {
        node: String,
    },
    RecordingStarted {
        recording: RecordingId,
    },
    RecordingEnded {
        recording: RecordingId,
        duration_ms: u64,
        written: bool,
    },
    /// Somebody's phone is rung for the caller. The number stays out of the log (R12, R16).
    Ringing {
        extension: String,
    },
    /// They stopped ringing, or talking; `why` where there is more to say than that.
    LegEnded {
        extension: String,
        end: LegEnd,
        why: String,
    },
    /// A server of theirs failed: the next one is tried. 408: it said nothing.
    NextServer {
        extension: String,
        status: u16,
    },
    /// The desk itself calls somebody.
    ErrandBegun {
        errand: ErrandId,
        kind: ErrandKind,
    },
    /// Whoever the desk calls has lifted, or their voicemail. Empty for a customer.
    Lifted {
        extension: String,
    },
    /// What came of the desk's own call.
    ErrandEnded {
        errand: ErrandId,
        result: ErrandResult,
    },
    /// The caller is put through.
    Met {
        extension: String,
    },
    Parted {
        how: Parted,
    },
    /// The caller is on the way from one of the staff to another.
    HandedOn {
        from: String,
        to: String,
    },
    /// The caller was parked at the place of this number.
    Parked {
        extension: String,
        slot: u16,
    },
    /// Whoever had the caller is rung to take them back.
    Recalled {
        extension: String,
    },
    /// What a PBX said of two calls that it was asked to put together: from 300 on they talk through the desk as before.
    PbxTold {
        status: u16,
    },
    /// The caller waits for a receptionist.
    Queued {
        position: u32,
    },
    /// Somebody took the call when the caller was gone, and is told what is known.
    TakenOver {
        extension: String,
    },
    /// Nobody took an emergency (R18): an alarm.
    EmergencyMissed {
        why: String,
    },
    TicketOpened {
        number: TicketNumber,
        kind: Option<Kind>,
    },
    MessageOpened {
        message: MessageId,
    },
    /// A PIN did not open anybody's messages.
    PinRefused {
        /// `None` for one that nobody has: it may be a PIN, keyed at the wrong moment.
        extension: Option<String>,
        /// Right or wrong, a lock held.
        locked: bool,
    },
    /// Too many wrong PINs: none is taken for so long.
    PinsLocked {
        /// The extension, or the caller.
        whom: String,
        minutes: u64,
    },
    /// Another number of messages waits for an extension than before.
    MessagesWaiting(MessagesWaiting),
    StoreFailed {
        error: String,
    },
    PromptMissing {
        prompt: String,
    },
    /// A stream of the call is over, with its packets.
    StreamClosed {
        sent: u64,
        received: u64,
        dropped: u64,
    },
    MediaLost,
    MediaBack,
    Held {
        on: bool,
    },
    Ended {
        outcome: Outcome,
        reason: String,
        duration_ms: u64,
    },
    /// A telephone registered, at a new place.
    PhoneCame {
        user: String,
        source: SocketAddr,
    },
    /// Somebody who says to be a telephone has another password.
    PhoneRefused {
        user: String,
        source: SocketAddr,
    },
    /// A source guessed too many passwords: nothing that it sends is read for a while.
    Banned {
        network: BannedNetwork,
        failures: u32,
        minutes: u64,
    },
    /// A ban was lifted by hand.
    BanLifted {
        network: BannedNetwork,
    },
    /// As many calls went out through a gateway within an hour as may.
    OutgoingLimit {
        per_hour_max: u32,
    },
    /// A telephone can't be called any more.
    PhoneGone {
        user: String,
        why: &'static str,
    },
    /// Calls can come in over a trunk; `external` is our address as it sees it through NAT.
    TrunkUp {
        trunk: String,
        server: SocketAddr,
        external: Option<SocketAddr>,
    },
    TrunkDown {
        trunk: String,
        why: Why,
    },
    /// A STUN server sees us there: it is our external address.
    SeenOutside {
        address: SocketAddr,
    },
    /// The STUN server does not answer.
    OutsideUnknown,
    /// By our own wish.
    TrunkLeft {
        trunk: String,
    },
    /// A bug: the call's own code panicked, the call was ended, the others went on.
    Panicked {
        message: String,
    },
}

impl What {
    /// What there is to tell of a stream's encryption, if it is another than before.
    pub fn encryption(before: Option<&StreamConfig>, config: &StreamConfig, sealed: bool) -> Option<What> {
        let suite_of = |config: &StreamConfig| config.srtp.as_ref().map(|keys| keys.ours.suite());
        let suite = suite_of(config)?;
        (before.and_then(suite_of) != Some(suite)).then_some(What::Encrypted { suite, sealed })
    }
}
