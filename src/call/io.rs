//! What the exchange is told and what it asks of the driver.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::events::CallEvent;
use super::service::Service;
use crate::desk::ban::BannedNetwork;
use crate::desk::call_back::WaitingCallBack;
use crate::desk::errand::{Errand, ErrandId};
use crate::desk::live::{SteerFault, SteerOrder};
use crate::desk::presence::Presences;
use crate::desk::request::{DeskReply, DeskRequest, RequestId};
use crate::desk::secret_hash::SecretHash;
use crate::media::io::{Encoded, MediaCommand, MediaEvent, StreamConfig, StreamReport};
use crate::sip::locate::Target;
use crate::sip::trunk::{TrunkId, TrunkSettings};
use crate::sip::user_agent::{self, TextId};
use crate::sip::wire::Uri;
use crate::types::{CallId, Codec, Mono, RecordingId, Redacted, StreamId};

/// A pair of local UDP ports lent to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LentPorts {
    /// What the SDP names.
    pub address: IpAddr,
    pub rtp_port: u16,
    pub rtcp_port: u16,
    /// Our own address, as packets to `peer` leave it: what Contact names where a listener has none.
    pub local: IpAddr,
    pub peer: IpAddr,
}

/// Who wants to know where a URI leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Asker {
    /// The leg that has this stream.
    Leg(StreamId),
    Trunk(TrunkId),
    /// The STUN server that is asked how the network outside sees us.
    Outside,
}

pub enum Input<'a> {
    Sip(user_agent::Input<'a>),
    /// The reply to `Output::LendPorts`; `None` when every port is in use.
    PortsLent {
        stream: StreamId,
        ports: Option<LentPorts>,
    },
    /// The reply to `Output::Locate`: in the order in which they are to be tried, at most `locate::TARGETS_MAX`; none when
    /// the URI leads nowhere that a listener of ours reaches, or its servers were not found in time.
    Located {
        asker: Asker,
        targets: Vec<Target>,
    },
    Media {
        stream: StreamId,
        event: MediaEvent,
    },
    /// The stream is closed; its ports are cooling down.
    MediaClosed {
        stream: StreamId,
        report: StreamReport,
    },
    /// A recording's file is closed and on disk, or could not be written further (what is there is kept).
    Recorded {
        call: CallId,
        recording: RecordingId,
        written: bool,
    },
    /// The reply to `Output::LoadRecording`; `None` when it can't be read.
    RecordingLoaded {
        call: CallId,
        recording: RecordingId,
        audio: Option<Encoded>,
    },
    Desk(DeskReply),
    /// The reply to `Output::CheckPin`; `None` when it could not be checked.
    PinChecked {
        call: CallId,
        id: RequestId,
        right: Option<bool>,
    },
    /// Callers whom an earlier run promised to call back, in the order of their places.
    CallBacks(Vec<WaitingCallBack>),
    /// Calls that the desk is to make, and that nobody has begun: told again and again until they are.
    Errands(Vec<Errand>),
    /// A text for somebody's telephones; `Output::TextEnded` says what came of it.
    Text {
        id: TextId,
        extension: String,
        text: String,
    },
    /// What somebody at a screen wants done with their caller; `Output::Steered` says what came of it.
    Steer {
        id: u64,
        order: SteerOrder,
    },
    /// Nobody needs to be called for these any more, though they are under way: told again and again until they are over.
    Overtaken(Vec<ErrandId>),
    /// Extensions whose messages have changed, by whichever process: the lamps of their telephones follow.
    MessagesChanged(Vec<String>),
    /// New flow, people and prompts for the calls that begin from now on (SIGHUP).
    Reload(Arc<Service>),
    /// Who is out, or not to be called, from now on: also for live calls.
    Presences(Presences),
    /// Other trunks from now on.
    Trunks(Vec<TrunkSettings>),
    /// Packets to that server of a trunk leave from another of our addresses than before.
    LocalChanged {
        peer: SocketAddr,
        local: IpAddr,
    },
    /// Other telephones may register from now on.
    Accounts(Vec<user_agent::Account>),
    /// A ban of an earlier run holds on.
    Banned {
        network: BannedNetwork,
        until: Mono,
    },
    /// A ban was lifted by hand.
    BanLifted(BannedNetwork),
    /// Take no new calls; calls that still live at `until` are ended. `Output::Idle` follows when none is left.
    Shutdown {
        until: Mono,
    },
    Timeout,
}

#[derive(Debug)]
pub enum Output {
    Send {
        to: user_agent::Destination,
        bytes: Vec<u8>,
    },
    /// Connections that lead there are closed; what is sent to it from now on makes another.
    Close {
        to: user_agent::Destination,
    },
    /// Ports for a call whose INVITE came from `peer` over the listener of that index.
    LendPorts {
        stream: StreamId,
        listener: usize,
        peer: SocketAddr,
    },
    /// The servers of a URI (RFC 3263).
    Locate {
        asker: Asker,
        uri: Uri,
    },
    /// The ports of a call that never opened a stream.
    ReturnPorts {
        stream: StreamId,
    },
    OpenStream {
        stream: StreamId,
        config: StreamConfig,
    },
    Media {
        stream: StreamId,
        command: MediaCommand,
    },
    /// Starts a file; the stream's recorded audio goes there from now on.
    OpenRecording {
        stream: StreamId,
        recording: RecordingId,
    },
    /// From now on what each of the two says is heard by the other, until `Unbridge` or either is closed. What is played
    /// to one of them takes the place of the other's voice meanwhile. `carry_keys`: whether the keys of `a`, and of `b`,
    /// are carried across by themselves.
    Bridge {
        a: StreamId,
        b: StreamId,
        carry_keys: (bool, bool),
    },
    /// Parts the stream from the one that it is bridged with.
    Unbridge {
        a: StreamId,
    },
    /// No more audio will come for it: close it and say `Recorded`.
    CloseRecording {
        stream: StreamId,
        recording: RecordingId,
    },
    CloseStream {
        stream: StreamId,
    },
    LoadRecording {
        call: CallId,
        recording: RecordingId,
        codec: Codec,
    },
    Desk {
        call: CallId,
        request: DeskRequest,
    },
    /// Whether the PIN is the one of this hash: it takes long, so another thread does it. Also without a hash.
    CheckPin {
        call: CallId,
        id: RequestId,
        hash: Option<SecretHash>,
        pin: Redacted<String>,
    },
    Event(CallEvent),
    /// 2xx where a telephone took it; 480 where none is registered.
    TextEnded {
        id: TextId,
        status: u16,
    },
    Steered {
        id: u64,
        done: Result<(), SteerFault>,
    },
    /// After `Shutdown`: no call is left.
    Idle,
    /// Nothing more to do until then.
    Wait(Option<Mono>),
}
