//! Pressing a key towards the peer: RFC 4733 event packets in place of audio.

use crate::types::Digit;

/// An event's payload (RFC 4733 section 2.3).
pub const EVENT_LEN: usize = 4;
/// The last packet goes out three times, since its loss would leave the key pressed (RFC 4733 section 2.5.1.4).
const END_PACKETS: u8 = 3;
/// -10 dBm0, as telephones press.
const VOLUME: u8 = 10;

/// One key being pressed.
#[derive(Debug, Clone)]
pub struct EventSender {
    digit: Digit,
    /// Of the press's first packet: all of them carry it.
    timestamp: Option<u32>,
    pressed_ms: u32,
    length_ms: u32,
    ends_left: u8,
}

/// What one packet of it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPacket {
    pub payload: [u8; EVENT_LEN],
    pub timestamp: u32,
    /// The press's first packet: it carries the marker.
    pub first: bool,
}

impl EventSender {
    /// `length_ms` up to 8,000, the most that the duration field counts.
    pub fn new(digit: Digit, length_ms: u32) -> Self {
        Self { digit, timestamp: None, pressed_ms: 0, length_ms: length_ms.clamp(40, 8000), ends_left: END_PACKETS }
    }

    /// The next packet, one each `ptime_ms`; `None` when the press is over.
    pub fn next(&mut self, now: u32, ptime_ms: u32) -> Option<EventPacket> {
        if self.ends_left == 0 {
            return None;
        }
        let first = self.timestamp.is_none();
        let timestamp = *self.timestamp.get_or_insert(now);
        if self.pressed_ms < self.length_ms {
            self.pressed_ms = (self.pressed_ms + ptime_ms).min(self.length_ms);
        }
        let end = self.pressed_ms >= self.length_ms;
        if end {
            self.ends_left -= 1;
        }
        let duration = u16::try_from(self.pressed_ms * 8).unwrap_or(u16::MAX).to_be_bytes();
        let flags = if end { 0x80 | VOLUME } else { VOLUME };
        Some(EventPacket { payload: [self.digit.event(), flags, duration[0], duration[1]], timestamp, first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_press_keeps_its_timestamp_grows_and_ends_three_times() {
        let mut press = EventSender::new(Digit::HASH, 60);
        let packets: Vec<EventPacket> = (0..).map_while(|n| press.next(1000 + n * 160, 20)).collect();
        assert!(packets.iter().all(|p| p.timestamp == 1000));
        assert_eq!(packets.iter().filter(|p| p.first).count(), 1);
        let durations: Vec<u16> = packets.iter().map(|p| u16::from_be_bytes([p.payload[2], p.payload[3]])).collect();
        assert_eq!(durations, [160, 320, 480, 480, 480]);
        let ends: Vec<bool> = packets.iter().map(|p| p.payload[1] & 0x80 != 0).collect();
        assert_eq!(ends, [false, false, true, true, true]);
        assert!(packets.iter().all(|p| p.payload[0] == 11));
    }
}
