//! What goes from one stream to the other while two are bridged: packets with new headers, at once, without a queue.
//!
//! Sequence numbers and timestamps are mapped by an offset that is fixed when a run of relayed packets begins, so that
//! losses, gaps and order arrive as they came. What the stream sends of its own (music, silence) ends a run.

use super::codec::encode;
use super::player::Player;
use super::rtp::sequence_ahead;
use super::sender::Sender;
use super::tone_gen;
use super::transcode::Transcoder;
use crate::types::{Codec, Digit, Mono, StreamConfig};

/// Without a relayed packet for so long the stream is filled with silence again.
const QUIET_MS: u64 = 60;
/// How long a key sounds where the other side knows no telephone-events.
const TONE_MS: u32 = 120;

/// A packet on its way to the other stream. Its buffer goes back with [`Bridge::give_back`].
#[derive(Debug)]
pub struct Relayed {
    pub kind: Kind,
    pub sequence: u16,
    pub timestamp: u32,
    pub marker: bool,
    /// Its sender began anew: numbers have no bearing on those before.
    pub first: bool,
    pub payload: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Audio(Codec),
    /// RFC 4733.
    Event,
}

/// One stream's half of a bridge.
#[derive(Debug)]
pub struct Bridge {
    /// Whether this stream's keys are carried across as events.
    carry_keys: bool,
    /// What came in and is to be fetched for the other.
    outbox: Option<Relayed>,
    spare: Vec<u8>,
    run: Option<Run>,
    last_at: Option<Mono>,
    transcoder: Option<Transcoder>,
    transcoded: Vec<u8>,
    /// Timestamp of the press that was turned into a tone.
    tone_of: Option<u32>,
}

/// Offsets of a run of relayed packets.
#[derive(Debug, Clone, Copy)]
struct Run {
    first_sequence: u16,
    sequence: u16,
    timestamp: u32,
    /// The sender's count of packets when the last one was relayed: more are its own.
    sent: u64,
}

impl Bridge {
    pub fn new(carry_keys: bool) -> Self {
        Self {
            carry_keys,
            outbox: None,
            spare: Vec::new(),
            run: None,
            last_at: None,
            transcoder: None,
            transcoded: Vec::new(),
            tone_of: None,
        }
    }

    /// Puts a packet of this stream's peer out for the other stream.
    pub fn put(&mut self, kind: Kind, sequence: u16, timestamp: u32, marker: bool, first: bool, payload: &[u8]) {
        if kind == Kind::Event && !self.carry_keys {
            return;
        }
        let mut buffer = std::mem::take(&mut self.spare);
        buffer.clear();
        buffer.extend_from_slice(payload);
        self.outbox = Some(Relayed { kind, sequence, timestamp, marker, first, payload: buffer });
    }

    pub fn take(&mut self) -> Option<Relayed> {
        self.outbox.take()
    }

    pub fn give_back(&mut self, relayed: Relayed) {
        self.spare = relayed.payload;
    }

    /// Whether the other side's voice fills the stream just now.
    pub fn is_flowing(&self, now: Mono) -> bool {
        self.last_at.is_some_and(|at| now.ms_since(at) < QUIET_MS)
    }

    /// Writes the other side's packet for our peer; `None` when it is not to be sent.
    pub fn send(
        &mut self,
        now: Mono,
        relayed: &Relayed,
        config: &StreamConfig,
        sender: &mut Sender,
        player: &mut Player,
        out: &mut [u8],
    ) -> Option<usize> {
        let payload_type = match relayed.kind {
            Kind::Audio(_) => config.payload_type_out,
            Kind::Event => match config.event_type {
                Some(payload_type) => payload_type,
                None => {
                    self.sound(relayed, config.codec, player);
                    return None;
                }
            },
        };
        if player.is_playing() || sender.is_pressing() {
            return None;
        }
        let (sequence, timestamp, begins) = self.place(now, relayed, sender)?;
        let marker = begins || relayed.marker;
        let payload = match relayed.kind {
            Kind::Audio(codec) if codec != config.codec => {
                let fits = |t: &Transcoder| t.from() == codec && t.to() == config.codec;
                if !self.transcoder.as_ref().is_some_and(fits) {
                    self.transcoder = Some(Transcoder::new(codec, config.codec));
                }
                self.transcoded.clear();
                self.transcoder.as_mut()?.transcode(&relayed.payload, &mut self.transcoded);
                &self.transcoded
            }
            Kind::Audio(_) | Kind::Event => &relayed.payload,
        };
        let units = if relayed.kind == Kind::Event { 0 } else { payload.len() as u32 };
        let len = sender.relay(payload_type, sequence, timestamp, marker, payload, units, out)?;
        self.last_at = Some(now);
        if let Some(run) = &mut self.run {
            run.sent = sender.sent().0;
        }
        Some(len)
    }

    /// The packet's own numbers, and whether a run begins with it; `None` for one of before the run.
    fn place(&mut self, now: Mono, relayed: &Relayed, sender: &Sender) -> Option<(u16, u32, bool)> {
        let goes_on = |run: &Run| !relayed.first && run.sent == sender.sent().0;
        let begins = !self.run.as_ref().is_some_and(goes_on);
        if begins {
            self.run = Some(Run {
                first_sequence: relayed.sequence,
                sequence: sender.next_sequence().wrapping_sub(relayed.sequence),
                timestamp: sender.next_timestamp(now).wrapping_sub(relayed.timestamp),
                sent: sender.sent().0,
            });
        }
        let run = self.run.as_ref()?;
        if sequence_ahead(relayed.sequence, run.first_sequence) < 0 {
            return None;
        }
        let sequence = relayed.sequence.wrapping_add(run.sequence);
        Some((sequence, relayed.timestamp.wrapping_add(run.timestamp), begins))
    }

    /// A key for a peer that knows no telephone-events: once a press, as a tone.
    fn sound(&mut self, relayed: &Relayed, codec: Codec, player: &mut Player) {
        let Some(digit) = relayed.payload.first().and_then(|code| Digit::from_event(*code)) else { return };
        if self.tone_of.replace(relayed.timestamp) != Some(relayed.timestamp) {
            player.insert(tone(digit, TONE_MS, codec));
        }
    }
}

/// A key as it sounds in the audio.
pub fn tone(digit: Digit, ms: u32, codec: Codec) -> super::io::Encoded {
    let rate_hz = codec.sample_rate_hz();
    encode(codec, rate_hz, &tone_gen::dtmf(digit, ms, rate_hz))
}
