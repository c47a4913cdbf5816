//! Session descriptions: what a peer offers, what the desk answers (RFC 3264 over RFC 8866 and its elder RFC 4566).
//!
//! One audio stream, G.722, PCMA or PCMU by the desk's preference, telephone-event beside it; all else that is offered is
//! answered with port 0. Audio is plain, or encrypted with keys that the descriptions carry (`crypto`, RFC 4568). Where a peer
//! offers checks of its addresses (`ice`, RFC 8839), we answer that we answer them. `sdp_types` reads and writes the text.

mod answer;
mod compose;
mod crypto;
#[cfg(test)]
mod crypto_tests;
mod description;
mod error;
mod formats;
mod ice;
#[cfg(test)]
mod ice_tests;
mod negotiate;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use crate::types::{Codec, KeySeed, StreamConfig};

pub use answer::{Answered, accept, answer};
pub use compose::offer;
pub use crypto::LocalSrtp;
pub use error::SdpError;
pub use ice::LocalIce;

/// What the desk brings to a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalMedia {
    /// Where the peer is to send: the address that it can reach.
    pub address: IpAddr,
    /// Where the peer's signalling comes from: stands in for an address of the family that we have none of, as phones on
    /// networks of both kinds name the one while they call over the other.
    pub peer: Option<IpAddr>,
    pub rtp_port: u16,
    /// Told by `a=rtcp` (RFC 3605) when it is not `rtp_port + 1`.
    pub rtcp_port: u16,
    /// In order of preference; each at most once.
    pub codecs: Vec<Codec>,
    /// Of the `o=` line: the same for all descriptions of a dialog.
    pub session_id: u64,
    /// Of the `o=` line: one more for every description of a dialog that differs from the one before.
    pub version: u64,
    /// Milliseconds per packet when the peer has no wish: 10 to 60.
    pub ptime_ms: u8,
    pub srtp: LocalSrtp,
    pub ice: LocalIce,
}

impl LocalMedia {
    /// For another description of the same dialog, whose stream is so far as in `config`.
    pub fn renew(&mut self, version: u64, seed: KeySeed, config: &StreamConfig) {
        self.version = version;
        self.srtp.renew(seed, config.srtp.as_deref());
        self.ice.current = config.ice.clone();
    }
}

/// Payload type that the desk offers telephone-event at; an answer uses the offerer's.
pub const EVENT_PAYLOAD_TYPE: u8 = 101;
