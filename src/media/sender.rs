//! The sending half of a stream: sequence, timestamp and marker (RFC 3550 section 5.1, RFC 3551 section 4.1).

use std::collections::VecDeque;

use super::dtmf::sender::{EVENT_LEN, EventSender};
use super::player::{self, Filled, Player};
use super::rtp::{HEADER_LEN, Header, sequence_ahead};
use crate::types::{Codec, Digit, Mono, Random};

/// Timestamp units per millisecond: the clock of all our codecs is 8000 Hz.
pub const UNITS_PER_MS: u32 = 8;
/// The shortest and longest packet, in milliseconds; a `ptime` beyond is brought within.
const PTIME_MS: std::ops::RangeInclusive<u8> = 10..=60;

/// Keys that wait to be pressed.
const PRESSES_MAX: usize = 32;

/// How frames are made just now.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    pub codec: Codec,
    pub payload_type: u8,
    pub ptime_ms: u8,
    /// Send the codec's silence while nothing plays.
    pub fill_silence: bool,
    /// telephone-event's payload type, when negotiated.
    pub event_type: Option<u8>,
}

#[derive(Debug)]
pub struct Sender {
    ssrc: u32,
    /// Of the next packet.
    sequence: u16,
    timestamp: u32,
    /// When the next frame is due; none before the first tick.
    due: Option<Mono>,
    /// The tick before sent a packet, so that the next one follows without a gap.
    flowing: bool,
    packets: u64,
    octets: u64,
    /// Keys to press, one after the other.
    presses: VecDeque<EventSender>,
    /// Up to here, in timestamp units, another stream's audio was relayed: what we send of our own comes after it.
    relayed_until: Option<u32>,
}

/// What a tick came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Length of the packet in the caller's buffer.
    pub len: Option<usize>,
    pub filled: Filled,
}

const NOTHING: Sent = Sent { len: None, filled: Filled { audio: false, done: None } };

impl Sender {
    /// SSRC, first sequence number and timestamp are random (RFC 3550 sections 5.1 and 8). The number is in the lower half, so
    /// that whoever misses the first packets of an encrypted stream can't miss that the numbers wrapped.
    pub fn new(random: &mut Random) -> Self {
        Self {
            ssrc: random.u32(),
            sequence: random.u32() as u16 >> 1,
            timestamp: random.u32(),
            due: None,
            flowing: false,
            packets: 0,
            octets: 0,
            presses: VecDeque::new(),
            relayed_until: None,
        }
    }

    /// Makes the packet of this tick, if there is one. `may_send` is false on hold: then time passes, the player waits.
    ///
    /// The timestamp follows the clock over ticks that sent nothing, and over ticks that never came. A tick more than two
    /// frames early (a driver that catches up) sends nothing. A buffer too short for the frame sends nothing.
    pub fn tick(&mut self, now: Mono, format: Format, may_send: bool, player: &mut Player, out: &mut [u8]) -> Sent {
        let ptime_ms = format.ptime_ms.clamp(*PTIME_MS.start(), *PTIME_MS.end());
        let Some(timestamp) = self.advance(now, ptime_ms) else { return NOTHING };
        if may_send && let Some(len) = self.press_on(timestamp, ptime_ms, format.event_type, out) {
            return Sent { len: Some(len), ..NOTHING };
        }
        let len = HEADER_LEN + usize::from(ptime_ms) * Codec::BYTES_PER_MS;
        let frame = match out.get_mut(..len) {
            Some(frame) if may_send => frame,
            _ => {
                self.flowing = false;
                return NOTHING;
            }
        };
        let filled = player.fill(format.codec, &mut frame[HEADER_LEN..]);
        if !filled.audio {
            if !format.fill_silence {
                self.flowing = false;
                return Sent { len: None, filled };
            }
            player::copy_silence(format.codec, &mut frame[HEADER_LEN..]);
        }
        let len = self.write_header(format.payload_type, timestamp, frame);
        if len.is_some() && self.relayed_until.take().is_some() {
            let next = timestamp.wrapping_add(u32::from(ptime_ms) * UNITS_PER_MS);
            self.timestamp = later_of(self.timestamp, next);
        }
        Sent { len, filled }
    }

    /// Queues a key press; beyond [`PRESSES_MAX`] it is dropped.
    pub fn press(&mut self, digit: Digit, length_ms: u32) {
        if self.presses.len() < PRESSES_MAX {
            self.presses.push_back(EventSender::new(digit, length_ms));
        }
    }

    /// Whether a key is being pressed: audio waits meanwhile.
    pub fn is_pressing(&self) -> bool {
        !self.presses.is_empty()
    }

    /// The sequence number that a packet of our own would have now.
    pub fn next_sequence(&self) -> u16 {
        self.sequence
    }

    /// The timestamp that a packet of our own would have now: never before the end of what was sent.
    pub fn next_timestamp(&self, now: Mono) -> u32 {
        let by_clock = match self.due {
            Some(due) if now < due => self.timestamp,
            _ => self.timestamp_at(now),
        };
        self.relayed_until.map_or(by_clock, |until| later_of(by_clock, until))
    }

    /// What was relayed before has no bearing on what follows.
    pub fn begin_relaying(&mut self) {
        self.relayed_until = None;
    }

    /// Writes a packet of the other stream of a bridge. `units` of time does it last.
    pub fn relay(&mut self, header: Header, payload: &[u8], units: u32, out: &mut [u8]) -> Option<usize> {
        let len = HEADER_LEN + payload.len();
        let packet = out.get_mut(..len)?;
        header.write(&mut packet[..HEADER_LEN])?;
        packet[HEADER_LEN..].copy_from_slice(payload);
        let after = header.sequence.wrapping_add(1);
        if sequence_ahead(after, self.sequence) > 0 {
            self.sequence = after;
        }
        let end = header.timestamp.wrapping_add(units);
        self.relayed_until = Some(self.relayed_until.map_or(end, |until| later_of(until, end)));
        self.flowing = false;
        self.packets += 1;
        self.octets += payload.len() as u64;
        Some(len)
    }

    /// The packet of a key press, while one is under way.
    fn press_on(&mut self, timestamp: u32, ptime_ms: u8, event_type: Option<u8>, out: &mut [u8]) -> Option<usize> {
        let Some(payload_type) = event_type else {
            self.presses.clear();
            return None;
        };
        loop {
            let press = self.presses.front_mut()?;
            let Some(packet) = press.next(timestamp, ptime_ms.into()) else {
                self.presses.pop_front();
                continue;
            };
            let frame = out.get_mut(..HEADER_LEN + EVENT_LEN)?;
            frame[HEADER_LEN..].copy_from_slice(&packet.payload);
            self.flowing = !packet.first;
            return self.write_header(payload_type, packet.timestamp, frame);
        }
    }

    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Packets and payload bytes sent.
    pub fn sent(&self) -> (u64, u64) {
        (self.packets, self.octets)
    }

    /// The RTP clock's reading at `now`, for sender reports.
    pub fn timestamp_at(&self, now: Mono) -> u32 {
        let Some(due) = self.due else { return self.timestamp };
        let units = |micros: u64| (micros * 8 / 1000) as u32;
        self.timestamp.wrapping_add(units(now.0.saturating_sub(due.0))).wrapping_sub(units(due.0.saturating_sub(now.0)))
    }

    /// This tick's timestamp; the clock then stands at the next one. `None` when the tick comes too early.
    fn advance(&mut self, now: Mono, ptime_ms: u8) -> Option<u32> {
        let frame_us = u64::from(ptime_ms) * 1000;
        let frame_units = u32::from(ptime_ms) * UNITS_PER_MS;
        let mut due = self.due.unwrap_or(now).0;
        if due > now.0 + 2 * frame_us {
            return None;
        }
        let late_frames = now.0.saturating_sub(due) / frame_us;
        if late_frames > 2 {
            due += late_frames * frame_us;
            self.timestamp = self.timestamp.wrapping_add((late_frames as u32).wrapping_mul(frame_units));
            self.flowing = false;
        }
        let timestamp = self.relayed_until.map_or(self.timestamp, |until| later_of(self.timestamp, until));
        self.timestamp = self.timestamp.wrapping_add(frame_units);
        self.due = Some(Mono(due + frame_us));
        Some(timestamp)
    }

    fn write_header(&mut self, payload_type: u8, timestamp: u32, frame: &mut [u8]) -> Option<usize> {
        let header =
            Header { marker: !self.flowing, payload_type, sequence: self.sequence, timestamp, ssrc: self.ssrc };
        header.write(&mut frame[..HEADER_LEN])?;
        self.sequence = self.sequence.wrapping_add(1);
        self.flowing = true;
        self.packets += 1;
        self.octets += (frame.len() - HEADER_LEN) as u64;
        Some(frame.len())
    }
}

/// The later of two timestamps; one that lies more than ten seconds ahead has lost its bearing on the other.
fn later_of(clock: u32, other: u32) -> u32 {
    const RELATED_UNITS: i32 = 80_000;
    let ahead = other.wrapping_sub(clock) as i32;
    if (1..RELATED_UNITS).contains(&ahead) { other } else { clock }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::io::{Encoded, MediaToken};
    use crate::media::rtp::{Packet, SENT_LEN_MAX};

    const FORMAT: Format =
        Format { codec: Codec::Pcma, payload_type: 8, ptime_ms: 20, fill_silence: false, event_type: None };

    fn player_with(bytes: usize) -> Player {
        let mut player = Player::default();
        player.play(MediaToken(1), vec![Encoded { codec: Codec::Pcma, bytes: vec![1; bytes].into() }]);
        player
    }

    /// Marker, sequence and timestamp, the last two from the first packet on.
    struct Seen(Option<(u16, u32)>);

    impl Seen {
        fn tick(
            &mut self,
            sender: &mut Sender,
            ms: u64,
            may_send: bool,
            player: &mut Player,
        ) -> Option<(bool, u16, u32)> {
            let mut out = [0; SENT_LEN_MAX];
            let len = sender.tick(Mono::from_millis(ms), FORMAT, may_send, player, &mut out).len?;
            let packet = Packet::parse(&out[..len]).unwrap();
            let (sequence, timestamp) = *self.0.get_or_insert((packet.sequence, packet.timestamp));
            Some((packet.marker, packet.sequence.wrapping_sub(sequence), packet.timestamp.wrapping_sub(timestamp)))
        }
    }

    #[test]
    fn the_timestamp_follows_the_clock_over_silence_and_the_marker_tells_of_it() {
        let (mut sender, mut seen) = (Sender::new(&mut Random::for_testing(1)), Seen(None));
        let mut player = player_with(320);
        assert_eq!(seen.tick(&mut sender, 0, true, &mut player), Some((true, 0, 0)));
        assert_eq!(seen.tick(&mut sender, 20, true, &mut player), Some((false, 1, 160)));
        for ms in (40..=80).step_by(20) {
            assert_eq!(seen.tick(&mut sender, ms, true, &mut player), None);
        }
        player = player_with(320);
        assert_eq!(seen.tick(&mut sender, 100, true, &mut player), Some((true, 2, 800)));
        assert_eq!(seen.tick(&mut sender, 120, true, &mut player), Some((false, 3, 960)));
    }

    #[test]
    fn a_stalled_driver_makes_a_gap_in_time_and_ticks_that_jitter_do_not() {
        let (mut sender, mut seen) = (Sender::new(&mut Random::for_testing(2)), Seen(None));
        let mut player = player_with(160 * 20);
        for (n, ms) in [0, 23, 38, 64, 81].into_iter().enumerate() {
            let expected = Some((n == 0, n as u16, n as u32 * 160));
            assert_eq!(seen.tick(&mut sender, ms, true, &mut player), expected);
        }
        assert_eq!(seen.tick(&mut sender, 500, true, &mut player), Some((true, 5, 500 * 8)));
        assert_eq!(seen.tick(&mut sender, 500, true, &mut player), Some((false, 6, 520 * 8)));
        assert_eq!(seen.tick(&mut sender, 500, true, &mut player), Some((false, 7, 540 * 8)));
        assert_eq!(seen.tick(&mut sender, 500, true, &mut player), None, "more than two frames early");
    }

    #[test]
    fn on_hold_the_player_waits_and_time_goes_on() {
        let (mut sender, mut seen) = (Sender::new(&mut Random::for_testing(3)), Seen(None));
        let mut player = player_with(480);
        seen.tick(&mut sender, 0, true, &mut player);
        assert_eq!(seen.tick(&mut sender, 20, false, &mut player), None);
        assert_eq!(seen.tick(&mut sender, 40, true, &mut player), Some((true, 1, 320)));
        assert_eq!(seen.tick(&mut sender, 60, true, &mut player), Some((false, 2, 480)));
        assert_eq!(seen.tick(&mut sender, 80, true, &mut player), None, "all of it was heard");
    }

    #[test]
    fn the_clock_of_reports_runs_between_frames() {
        let mut sender = Sender::new(&mut Random::for_testing(4));
        let base = sender.timestamp_at(Mono(0));
        sender.tick(Mono(0), FORMAT, true, &mut Player::default(), &mut [0; 200]);
        assert_eq!(sender.timestamp_at(Mono::from_millis(7)).wrapping_sub(base), 56);
        assert_eq!(sender.timestamp_at(Mono::from_millis(1007)).wrapping_sub(base), 8056);
    }

    #[test]
    fn too_short_a_buffer_sends_nothing() {
        let mut sender = Sender::new(&mut Random::for_testing(5));
        assert_eq!(sender.tick(Mono(0), FORMAT, true, &mut player_with(160), &mut [0; 171]), NOTHING);
    }
}
