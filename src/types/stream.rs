//! What an offer and its answer come to: the word that `sdp` says and `media` hears.

use std::net::SocketAddr;

use super::{Codec, IceTerms, SrtpKeys};

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
    /// The keys when the audio is encrypted.
    pub srtp: Option<Box<SrtpKeys>>,
    /// When the peer proves by checks (ICE) where it is to be reached.
    pub ice: Option<Box<IceTerms>>,
    /// RTCP goes the way of RTP (RFC 5761).
    pub rtcp_mux: bool,
}

impl StreamConfig {
    /// Whether the peer has said, or will prove, where it listens; it does neither on hold by 0.0.0.0.
    pub fn has_way(&self) -> bool {
        self.remote.is_some() || self.ice.is_some()
    }
}
