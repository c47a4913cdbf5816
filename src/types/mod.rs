//! Words that every room speaks: time, digits, codecs, ids, languages. Nothing here does I/O or reads a clock.

mod bucket;
mod digit;
mod fingerprint;
mod ice;
mod network;
mod phone_number;
mod problem;
mod random;
mod redacted;
mod srtp;
mod stream;
mod time;
mod written;

pub use bucket::Bucket;
pub use digit::Digit;
pub use fingerprint::Fingerprint;
pub use ice::{IceCredentials, IceTerms};
pub use network::{Network, host_network};
pub use phone_number::{NumberFormat, NumberPlan};
pub use problem::{Problem, did_you_mean, line_of};
pub use random::Random;
pub use redacted::Redacted;
pub use srtp::{KeySeed, SrtpKey, SrtpKeys, SrtpMode, SrtpPolicy, SrtpSuite};
pub use stream::StreamConfig;
pub use time::{Mono, Now, seconds_text};
pub use written::{Reader, remedy_for_unknown};

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Number of a call in the log: unique within one data directory, rising with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct CallId(pub i64);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One audio stream of a call: leg 0 is the caller's, the others are those of people whom the desk rang for this call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId {
    pub call: CallId,
    pub leg: u32,
}

impl StreamId {
    /// The stream of the caller.
    pub const fn caller(call: CallId) -> Self {
        Self { call, leg: 0 }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.call, self.leg)
    }
}

/// Number of a message left for a person: unique within one data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct MessageId(pub i64);

/// A ticket's number as it is read to the caller: `YYYYMMDD-NNNN`, the date in the desk's time zone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct TicketNumber(pub String);

impl fmt::Display for TicketNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A language that prompts exist in, by its folder's name: `zh`, `en`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lang(pub String);

impl Lang {
    pub fn new(code: &str) -> Self {
        Self(code.to_owned())
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A recording's path relative to `DATA/recordings/`, such as `2026/11/23/000042-1.wav`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct RecordingId(pub String);

/// An audio codec the desk speaks, in its order of preference (RFC 3551 static payload types).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Codec {
    /// ITU-T G.722 at 64 kbit/s: 16 kHz audio, but an RTP clock of 8000 (RFC 3551 section 4.5.2).
    G722,
    /// ITU-T G.711 A-law.
    #[serde(rename = "PCMA")]
    Pcma,
    /// ITU-T G.711 mu-law.
    #[serde(rename = "PCMU")]
    Pcmu,
}

impl Codec {
    pub const ALL: [Codec; 3] = [Codec::G722, Codec::Pcma, Codec::Pcmu];

    /// Static RTP payload type (RFC 3551 table 4).
    pub const fn payload_type(self) -> u8 {
        match self {
            Codec::G722 => 9,
            Codec::Pcma => 8,
            Codec::Pcmu => 0,
        }
    }

    /// The name in `a=rtpmap`; every one of them has the clock rate 8000.
    pub const fn encoding_name(self) -> &'static str {
        match self {
            Codec::G722 => "G722",
            Codec::Pcma => "PCMA",
            Codec::Pcmu => "PCMU",
        }
    }

    /// Audio sampling rate in Hz (not the RTP clock, which is 8000 for all three).
    pub const fn sample_rate_hz(self) -> u32 {
        match self {
            Codec::G722 => 16_000,
            Codec::Pcma | Codec::Pcmu => 8_000,
        }
    }

    /// Encoded bytes per millisecond: 8 for all three (64 kbit/s).
    pub const BYTES_PER_MS: usize = 8;
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encoding_name())
    }
}
