//! What goes from one stream to the other while two are bridged: packets with new headers, at once, without a queue.
//!
//! Sequence numbers and timestamps are mapped by an offset that is fixed when a run of relayed packets begins, so that
//! losses, gaps and order arrive as they came. What the stream sends of its own (music, silence) ends a run, as do a hold
//! and a sender that begins anew: the next run follows on the stream's own clock.

use super::player::Player;
use super::rtp::{Header, sequence_ahead};
use super::sender::{Sender, UNITS_PER_MS};
use super::transcode::Transcoder;
use crate::types::{Codec, Digit, Mono, StreamConfig};

/// Without a relayed packet for so long the stream is filled with silence again.
const QUIET_MS: u64 = 60;
/// The same after the end of a packet's own length: packets of 60 ms that jitter leave no room for silence.
const QUIET_AFTER_END_MS: u64 = 40;
/// The same while a key is down: its packets come every 50 ms, some are lost, and one press must not become two.
const QUIET_IN_PRESS_MS: u64 = 200;
/// How long a key sounds, or is pressed, that can't be carried packet by packet.
const KEY_MS: u32 = 120;
/// A timestamp that is so far off from what its arrival lets expect is a new base, not jitter (2 s).
const JUMP_UNITS: i32 = 16_000;
/// A run that has come so far from the stream's own clock begins anew (10 s).
const ASTRAY_UNITS: u32 = 80_000;
/// Packets that lie this far behind the time that silence has filled already may be late ones (40 ms): if they come in a
/// burst, most of them are left out, since all of them would put the rest of the talk behind.
const LATE_UNITS: i32 = 320;
/// A burst comes within so long. A sender that is still behind afterwards only stopped its clock meanwhile.
const CATCH_UP_MS: u64 = 100;
/// Numbers from before a run's first packet are looked out for over so many packets.
const REORDER_MAX: i32 = 1_000;
/// A telephone-event of RFC 4733; longer ones are no keys.
const EVENT_LEN: std::ops::RangeInclusive<usize> = 4..=64;

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
    /// RFC 4733, and the key that this packet is the first to tell of.
    Event(Option<Digit>),
    /// A key whose packets have no place among the others, as gateways send them under an SSRC of their own.
    Key(Digit),
    /// The sender falls silent. The other side may not know comfort noise: it gets the codec's silence at once.
    ComfortNoise,
    /// A packet that is not for the other side, so that its number leaves no hole there.
    Withheld,
}

/// One stream's half of a bridge.
#[derive(Debug)]
pub struct Bridge {
    /// Whether this stream's keys are carried across as events.
    carry_keys: bool,
    /// A key went down since the bridge began: packets of an earlier one were not for the other side.
    pressed: bool,
    /// What came in and is to be fetched for the other.
    outbox: Option<Relayed>,
    spare: Vec<u8>,
    /// Timestamp of the press that was handed over as a [`Kind::Key`].
    handed_over: Option<u32>,
    run: Option<Run>,
    /// Up to here the other side's voice takes the place of silence.
    flows_until: Option<Mono>,
    /// A press's timestamp at its sender's and at ours, the same in all its packets.
    press: Option<(u32, u32)>,
    transcoder: Option<Transcoder>,
    transcoded: Vec<u8>,
}

/// Offsets of a run of relayed packets, and where it stands.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// Nothing else was sent since, and nothing kept back.
    open: bool,
    /// The number that the run began with, while older ones may still come.
    first_sequence: Option<u16>,
    sequence: u16,
    timestamp: u32,
    /// The highest number so far.
    last_sequence: u16,
    /// The last audio packet by its sender's clock, its end, and when it came.
    last_timestamp: u32,
    last_end: u32,
    last_at: Mono,
    /// The sender's count of packets when the last one was relayed: more are its own.
    sent: u64,
    begun: Mono,
    /// How much of what the run began with was late already.
    late_units: i32,
}

/// Where a packet belongs on our side.
#[derive(Debug, Clone, Copy)]
struct Place {
    sequence: u16,
    timestamp: u32,
    marker: bool,
}

impl Bridge {
    pub fn new(carry_keys: bool) -> Self {
        Self {
            carry_keys,
            pressed: false,
            outbox: None,
            spare: Vec::new(),
            handed_over: None,
            run: None,
            flows_until: None,
            press: None,
            transcoder: None,
            transcoded: Vec::new(),
        }
    }

    /// Puts a packet of this stream's peer out for the other stream.
    pub fn put(&mut self, kind: Kind, sequence: u16, timestamp: u32, marker: bool, first: bool, payload: &[u8]) {
        self.pressed |= matches!(kind, Kind::Event(Some(_)));
        let carried = self.carry_keys && self.pressed && self.handed_over != Some(timestamp);
        let kind = match kind {
            Kind::Event(_) if !carried || !EVENT_LEN.contains(&payload.len()) => Kind::Withheld,
            kind => kind,
        };
        let mut buffer = std::mem::take(&mut self.spare);
        buffer.clear();
        if matches!(kind, Kind::Audio(_) | Kind::Event(_)) {
            buffer.extend_from_slice(payload);
        }
        self.outbox = Some(Relayed { kind, sequence, timestamp, marker, first, payload: buffer });
    }

    /// Puts a key out whose packets are strays.
    pub fn put_key(&mut self, digit: Digit, timestamp: u32) {
        if self.carry_keys {
            self.handed_over = Some(timestamp);
            let payload = std::mem::take(&mut self.spare);
            let kind = Kind::Key(digit);
            self.outbox = Some(Relayed { kind, sequence: 0, timestamp, marker: false, first: false, payload });
        }
    }

    pub fn take(&mut self) -> Option<Relayed> {
        self.outbox.take()
    }

    pub fn give_back(&mut self, relayed: Relayed) {
        self.spare = relayed.payload;
    }

    /// Whether the other side's voice fills the stream just now.
    pub fn is_flowing(&self, now: Mono) -> bool {
        self.flows_until.is_some_and(|until| now < until)
    }

    /// The packet is not sent, as nothing may be or something else is heard: the next run begins on our own clock.
    pub fn pass_over(&mut self, relayed: &Relayed) {
        if relayed.first {
            self.run = None;
        } else if let Some(run) = &mut self.run {
            run.open = false;
        }
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
        if player.plays_clip() {
            self.pass_over(relayed);
            return None;
        }
        if let Some(digit) = self.key_to_press(relayed, config) {
            if config.event_type.is_some() {
                sender.press(digit, KEY_MS);
            } else {
                player.sound(digit, KEY_MS, config.codec);
            }
        }
        if player.is_playing() || sender.is_pressing() {
            self.pass_over(relayed);
            return None;
        }
        match (relayed.kind, config.event_type) {
            (Kind::Audio(codec), _) => self.send_audio(now, relayed, codec, config, sender, out),
            (Kind::Event(_), Some(payload_type)) => self.send_event(now, relayed, payload_type, sender, out),
            (Kind::Key(_), _) => None,
            (Kind::Event(_) | Kind::ComfortNoise | Kind::Withheld, _) => {
                self.skip(relayed, sender);
                None
            }
        }
    }

    /// A key that can't go across as it came.
    fn key_to_press(&self, relayed: &Relayed, config: &StreamConfig) -> Option<Digit> {
        match relayed.kind {
            Kind::Key(digit) => Some(digit),
            Kind::Event(pressed) if config.event_type.is_none() => pressed,
            Kind::Event(_) | Kind::Audio(_) | Kind::ComfortNoise | Kind::Withheld => None,
        }
    }

    fn send_audio(
        &mut self,
        now: Mono,
        relayed: &Relayed,
        codec: Codec,
        config: &StreamConfig,
        sender: &mut Sender,
        out: &mut [u8],
    ) -> Option<usize> {
        let Place { sequence, timestamp, marker } = self.place_audio(now, relayed, sender)?;
        let payload_type = config.payload_type_out;
        let header = Header { marker, payload_type, sequence, timestamp, ssrc: sender.ssrc() };
        let payload = if codec == config.codec {
            &relayed.payload
        } else {
            let fits = |t: &Transcoder| t.from() == codec && t.to() == config.codec;
            if !self.transcoder.as_ref().is_some_and(fits) {
                self.transcoder = Some(Transcoder::new(codec, config.codec));
            }
            self.transcoded.clear();
            self.transcoder.as_mut()?.transcode(&relayed.payload, &mut self.transcoded);
            &self.transcoded
        };
        let len = sender.relay(header, payload, payload.len() as u32, out)?;
        let length_ms = (payload.len() / Codec::BYTES_PER_MS) as u64;
        self.relayed(now, sender, QUIET_MS.max(length_ms + QUIET_AFTER_END_MS));
        Some(len)
    }

    fn send_event(
        &mut self,
        now: Mono,
        relayed: &Relayed,
        payload_type: u8,
        sender: &mut Sender,
        out: &mut [u8],
    ) -> Option<usize> {
        let Place { sequence, timestamp, marker } = self.place_event(now, relayed, sender)?;
        let header = Header { marker, payload_type, sequence, timestamp, ssrc: sender.ssrc() };
        let len = sender.relay(header, &relayed.payload, 0, out)?;
        let ended = relayed.payload.get(1).is_some_and(|flags| flags & 0x80 != 0);
        self.relayed(now, sender, if ended { QUIET_MS } else { QUIET_IN_PRESS_MS });
        Some(len)
    }

    fn relayed(&mut self, now: Mono, sender: &Sender, quiet_ms: u64) {
        self.flows_until = Some(Mono(now.0 + quiet_ms * 1000));
        if let Some(run) = &mut self.run {
            run.sent = sender.sent().0;
        }
    }

    /// A packet's number is passed over, so that the other side misses none.
    fn skip(&mut self, relayed: &Relayed, sender: &Sender) {
        if relayed.kind == Kind::ComfortNoise {
            self.flows_until = None;
        }
        if relayed.first {
            self.run = None;
        }
        if let Some(run) = &mut self.run
            && run.goes_on(sender)
            && sequence_ahead(relayed.sequence, run.last_sequence) > 0
        {
            run.sequence = run.sequence.wrapping_sub(1);
            run.last_sequence = relayed.sequence;
        }
    }

    /// `None` for what comes too late to be heard.
    fn place_audio(&mut self, now: Mono, relayed: &Relayed, sender: &mut Sender) -> Option<Place> {
        let (timestamp, units) = (relayed.timestamp, relayed.payload.len() as u32);
        let known = self.run.filter(|run| !relayed.first && run.may_hold(now, timestamp, sender));
        let goes_on = known.is_some_and(|run| run.goes_on(sender));
        let meant_for = known.map(|run| run.timestamp.wrapping_add(timestamp));
        let late_units = meant_for.map_or(0, |meant| sender.next_timestamp(now).wrapping_sub(meant) as i32);
        let run = self.run_for(now, relayed, sender, goes_on);
        if !goes_on && late_units > LATE_UNITS {
            run.late_units = late_units;
        }
        if run.comes_before(relayed.sequence) {
            return None;
        }
        let gap = run.is_next(relayed.sequence) && timestamp.wrapping_sub(run.last_end) as i32 > 0;
        if !goes_on || sequence_ahead(relayed.sequence, run.last_sequence) > 0 {
            run.last_sequence = relayed.sequence;
            (run.last_timestamp, run.last_end, run.last_at) = (timestamp, timestamp.wrapping_add(units), now);
        }
        if run.is_one_of_a_burst(now, timestamp, units, sender) {
            run.late_units -= units as i32;
            run.timestamp = run.timestamp.wrapping_sub(units);
            run.sequence = run.sequence.wrapping_sub(1);
            return None;
        }
        Some(Place {
            sequence: relayed.sequence.wrapping_add(run.sequence),
            timestamp: timestamp.wrapping_add(run.timestamp),
            marker: !goes_on || gap || relayed.marker,
        })
    }

    /// The packets of a press carry its timestamp, whatever happens to the run meanwhile.
    fn place_event(&mut self, now: Mono, relayed: &Relayed, sender: &mut Sender) -> Option<Place> {
        let goes_on = !relayed.first && self.run.is_some_and(|run| run.goes_on(sender));
        let fits = goes_on && self.run.is_some_and(|run| run.may_hold(now, relayed.timestamp, sender));
        let pressed = matches!(relayed.kind, Kind::Event(Some(_)));
        let known = self.press.filter(|(theirs, _)| *theirs == relayed.timestamp);
        let own = sender.next_timestamp(now);
        let run = self.run_for(now, relayed, sender, goes_on);
        if run.comes_before(relayed.sequence) {
            return None;
        }
        if sequence_ahead(relayed.sequence, run.last_sequence) > 0 {
            run.last_sequence = relayed.sequence;
        }
        let sequence = relayed.sequence.wrapping_add(run.sequence);
        let timestamp = match known {
            Some((_, ours)) if !pressed => ours,
            // Some replay a press with the timestamp that it had: here it gets one of its own.
            None if fits => relayed.timestamp.wrapping_add(run.timestamp),
            Some(_) | None => own,
        };
        self.press = Some((relayed.timestamp, timestamp));
        Some(Place { sequence, timestamp, marker: pressed || relayed.marker })
    }

    /// The run that goes on, or a new one on our own clock.
    fn run_for(&mut self, now: Mono, relayed: &Relayed, sender: &mut Sender, goes_on: bool) -> &mut Run {
        if !goes_on {
            self.run = None;
        }
        self.run.get_or_insert_with(|| {
            let (sequence, timestamp) = (sender.next_sequence(), sender.next_timestamp(now));
            sender.begin_relaying();
            Run {
                open: true,
                first_sequence: Some(relayed.sequence),
                sequence: sequence.wrapping_sub(relayed.sequence),
                timestamp: timestamp.wrapping_sub(relayed.timestamp),
                last_sequence: relayed.sequence,
                last_timestamp: relayed.timestamp,
                last_end: relayed.timestamp,
                last_at: now,
                sent: sender.sent().0,
                begun: now,
                late_units: 0,
            }
        })
    }
}

impl Run {
    fn goes_on(&self, sender: &Sender) -> bool {
        self.open && self.sent == sender.sent().0
    }

    /// Whether a timestamp belongs to the clock that the run follows.
    fn may_hold(&self, now: Mono, timestamp: u32, sender: &Sender) -> bool {
        let passed = (now.ms_since(self.last_at) as u32).wrapping_mul(UNITS_PER_MS);
        let step = timestamp.wrapping_sub(self.last_timestamp) as i32;
        let ahead = step.wrapping_sub(passed as i32);
        let astray = timestamp.wrapping_add(self.timestamp).wrapping_sub(sender.timestamp_at(now)) as i32;
        step > -JUMP_UNITS && ahead < JUMP_UNITS && astray.unsigned_abs() < ASTRAY_UNITS
    }

    /// Whether the time that a packet was meant for has been filled, and its like come faster than they are heard.
    fn is_one_of_a_burst(&self, now: Mono, timestamp: u32, units: u32, sender: &Sender) -> bool {
        let ahead = timestamp.wrapping_add(self.timestamp).wrapping_sub(sender.timestamp_at(now)) as i32;
        self.late_units >= units as i32 && now.ms_since(self.begun) < CATCH_UP_MS && ahead >= LATE_UNITS
    }

    fn is_next(&self, sequence: u16) -> bool {
        sequence == self.last_sequence.wrapping_add(1)
    }

    /// Whether a packet is one of before the run. Told for its first packets only: numbers wrap.
    fn comes_before(&mut self, sequence: u16) -> bool {
        let ahead = self.first_sequence.map(|first| sequence_ahead(sequence, first));
        if ahead.is_some_and(|ahead| ahead > REORDER_MAX) {
            self.first_sequence = None;
        }
        ahead.is_some_and(|ahead| ahead < 0)
    }
}
