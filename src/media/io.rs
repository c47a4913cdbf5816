//! What a media stream is told and what it tells.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::desk::call_record::RtpStats;
use crate::types::{Codec, Digit, Mono};

/// What an answered SDP fixed about a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamConfig {
    pub codec: Codec,
    /// Payload type that the peer wants to get this codec with.
    pub payload_type_out: u8,
    /// Payload types that mean audio when they come in, each with its codec.
    pub payload_types_in: Vec<(u8, Codec)>,
    /// telephone-event's payload type, when negotiated; 8000 Hz clock.
    pub event_type: Option<u8>,
    /// Milliseconds of audio per packet that we send: 10, 20, 30, 40, 50 or 60.
    pub ptime_ms: u8,
    /// Where the SDP says that the peer listens; `None` while on hold by 0.0.0.0.
    pub remote: Option<SocketAddr>,
    pub remote_rtcp: Option<SocketAddr>,
    /// Whether we may send (peer is sendrecv or recvonly) and whether we expect to hear (peer is sendrecv or sendonly).
    pub send: bool,
    pub receive: bool,
}

/// Audio encoded beforehand in one codec: 8 bytes a millisecond. Shared by all calls that play it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    pub codec: Codec,
    pub bytes: Arc<[u8]>,
}

/// Ties `PlayDone` and recording events to their command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MediaToken(pub u32);

/// Limits of one recording, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordLimits {
    pub max_ms: u32,
    pub silence_ms: u32,
    pub warn_ms: u32,
    pub stop_keys: Vec<Digit>,
}

#[derive(Debug, Clone)]
pub enum MediaCommand {
    /// Plays one after the other in place of what is playing.
    Play {
        token: MediaToken,
        items: Vec<Encoded>,
    },
    StopPlay,
    /// Records what the caller says from the next packet on.
    Record {
        token: MediaToken,
        limits: RecordLimits,
        warning: Option<Encoded>,
    },
    StopRecord,
    /// After a re-INVITE: new codec, address or direction; what plays goes on (from its start when the codec changed).
    Reconfigure(StreamConfig),
    /// SIP INFO brought a digit: merged with those from RTP so that one press counts once.
    InfoDigit {
        digit: Digit,
        duration_ms: u32,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DigitSource {
    Rfc4733,
    Info,
    Inband,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordStop {
    Key(Digit),
    Silence,
    Limit,
    /// `StopRecord` or the end of the stream.
    Commanded,
}

#[derive(Debug, Clone, PartialEq)]
pub enum MediaEvent {
    Digit {
        digit: Digit,
        source: DigitSource,
    },
    PlayDone(MediaToken),
    RecordDone {
        token: MediaToken,
        duration_ms: u64,
        stop: RecordStop,
    },
    /// No RTP came for `silence_timeout` while it was expected (never while on hold or before the answer).
    MediaLost,
    /// RTP came again after `MediaLost`.
    MediaBack,
    /// Source and time of the first valid packet after probation.
    Locked {
        remote: SocketAddr,
        at: Mono,
    },
}

/// The last figures of a stream, once it is closed.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamReport {
    pub stats: RtpStats,
    /// Packets dropped: malformed, wrong source, wrong payload type, late.
    pub dropped: u64,
}
