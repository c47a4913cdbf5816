//! What a media stream is told and what it tells.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::desk::call_record::RtpStats;
pub use crate::types::StreamConfig;
use crate::types::{Codec, Digit, Mono};

/// Audio encoded beforehand in one codec: 8 bytes a millisecond. Shared by all calls that play it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    pub codec: Codec,
    pub bytes: Arc<[u8]>,
}

/// Ties `PlayDone` and recording events to their command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MediaToken(pub u32);

/// Limits of one recording, in milliseconds; `silence_ms` 0 for no end by silence, `max_ms` 0 for one hour, `warn_ms` 0 for
/// no warning. Silence counts from the start: a caller who says nothing at all is waited for as long as one who stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordLimits {
    pub max_ms: u32,
    pub silence_ms: u32,
    pub warn_ms: u32,
    pub stop_keys: Vec<Digit>,
}

#[derive(Debug, Clone)]
pub enum MediaCommand {
    /// Plays one after the other in place of what is playing, from the next tick on. `PlayDone` comes with the last frame,
    /// so that a next `Play` follows without a gap; none comes for what was stopped or replaced.
    Play {
        token: MediaToken,
        items: Vec<Encoded>,
    },
    /// Plays them over and over, in place of what is playing, until `StopPlay` or another `Play`; no `PlayDone` comes.
    PlayLoop {
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
    /// After a re-INVITE: new codec, address or direction; what plays goes on. Its clips are encoded: when the codec changed
    /// the rest of them is silence of the same length, unless another `Play` brings them in the new codec.
    Reconfigure(StreamConfig),
    /// Presses a key towards the peer by RFC 4733, in place of what plays meanwhile; as a tone when none was negotiated.
    Press {
        digit: Digit,
        length_ms: u32,
    },
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
    /// A key went down: told at its first packet or as soon as its tone is sure, for the sake of barge-in; an INFO when it
    /// comes. `source` is the way that told of it first. A key that ended a recording is not told.
    Digit {
        digit: Digit,
        source: DigitSource,
    },
    PlayDone(MediaToken),
    /// All of it has been made available to `poll_recorded`. `duration_ms` is the length of the audio.
    RecordDone {
        token: MediaToken,
        duration_ms: u64,
        stop: RecordStop,
    },
    /// No RTP came for `media_timeout_ms` while it was expected (never while on hold or before the answer); from a peer
    /// that is bridged no RTCP either.
    MediaLost,
    /// RTP came again after `MediaLost`.
    MediaBack,
    /// Source and time of the first valid packet after probation.
    Locked {
        remote: SocketAddr,
        at: Mono,
    },
}

/// Decoded audio of a running recording, in order, gaps filled: pieces of about 160 ms, the last one shorter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedAudio {
    pub token: MediaToken,
    /// 8000 or 16000; the same in all pieces of one recording.
    pub rate_hz: u32,
    pub samples: Vec<i16>,
}

/// When tones in the audio are listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Inband {
    /// When no telephone-event was negotiated, or none was seen yet on this call.
    #[default]
    Auto,
    Always,
    Off,
}

/// What a site or a caller of `MediaStream::new` may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamOptions {
    /// `MediaLost` after so long without RTP, counted from the stream's creation; 0 for never.
    pub media_timeout_ms: u32,
    pub inband: Inband,
    /// RTCP's canonical name of this end (RFC 7022: short-lived, random); cut to 255 bytes.
    pub cname: String,
    /// Send the codec's silence while nothing plays. A steady stream keeps NATs open, PBX watchdogs calm, and recordings
    /// at the far end in step; without it nothing at all is sent between prompts.
    pub send_silence: bool,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self { media_timeout_ms: 60_000, inband: Inband::Auto, cname: "frontdesk".to_owned(), send_silence: true }
    }
}

/// What the peer's RTCP last said of our packets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PeerReport {
    /// Share lost in its last interval, 0.0 to 1.0.
    pub fraction_lost: f64,
    /// Lost since its start; negative when duplicates came.
    pub lost: i32,
    pub jitter_ms: f64,
    pub round_trip_ms: Option<f64>,
}

/// Packets that were dropped, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped {
    /// No RTP, no RTCP, or cut short.
    pub malformed: u64,
    /// Not from the source that the stream is locked to, or still on probation.
    pub foreign: u64,
    /// Of a payload type that was not negotiated.
    pub payload_type: u64,
    /// Of another SSRC or a far-off sequence number, before it proved itself.
    pub stray: u64,
    /// Duplicates, and those that came after their place in a recording had passed.
    pub late: u64,
    /// Encrypted with another key than agreed on, or not at all.
    pub forged: u64,
    /// Encrypted ones that came before, or too long after their time.
    pub replayed: u64,
    /// Checks (ICE) of somebody who doesn't know the password.
    pub unproved: u64,
}

impl Dropped {
    pub fn total(&self) -> u64 {
        let audio = self.malformed + self.foreign + self.payload_type + self.stray + self.late;
        audio + self.forged + self.replayed + self.unproved
    }
}

/// The last figures of a stream, once it is closed.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamReport {
    /// What we sent and received; `lost` and `jitter_ms` are of what we received.
    pub stats: RtpStats,
    /// Packets dropped: the total of `dropped_by`.
    pub dropped: u64,
    pub dropped_by: Dropped,
    /// Events and recorded pieces that nobody fetched in time (the queues are bounded).
    pub unfetched: u64,
    /// What the peer received of ours, when it said so.
    pub peer: Option<PeerReport>,
}

impl StreamReport {
    /// Of a stream that could not be closed in order: its figures so far.
    pub fn of_lost(stats: RtpStats) -> Self {
        Self { stats, dropped: 0, dropped_by: Dropped::default(), unfetched: 0, peer: None }
    }
}
