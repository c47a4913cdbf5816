//! Digits as RFC 4733 telephone-events: many packets, one press.
//!
//! A press is told with its first packet, so that a prompt stops at once. Packets belong to one press when they carry the
//! same digit and timestamp, or when the same digit goes on without a pause on the sender's own clock: some telephones
//! give each packet, or each repetition of a press, a timestamp of its own, and presses of over eight seconds come in
//! segments (section 2.5.1.3).

use crate::types::{Digit, Mono};

/// A pause shorter than this between two equal digits makes them one press; in units of 1/8000 s (40 ms, the shortest of Q.24).
const PAUSE_MIN: i32 = 320;
/// The same when no end packet was seen, so that some may be lost (60 ms).
const PAUSE_MIN_UNENDED: i32 = 480;
/// Beyond this (10 s) the sender's timestamps say nothing, and the arrival decides.
const TIMESTAMPS_RELATED: i32 = 80_000;
/// After so long without a packet nothing belongs to the press before, whatever the timestamps say: a sender's clock may
/// stand still between presses, and recorded presses are played again with the timestamps that they had.
const STALE_MS: u64 = 300;
/// Presses that are remembered for their late packets.
const PRESSES_MAX: usize = 4;

/// What a packet says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventReport {
    /// A key went down.
    Press(Digit),
    /// It is still down, or up now (`ended`); repeated packets say so again.
    Going { digit: Digit, ended: bool },
}

#[derive(Debug, Default)]
pub struct EventReceiver {
    /// The last presses, latest first.
    presses: [Option<Press>; PRESSES_MAX],
}

#[derive(Debug, Clone, Copy)]
struct Press {
    digit: Digit,
    timestamp: u32,
    duration: u16,
    ended: bool,
    heard: Mono,
}

impl EventReceiver {
    /// Takes a telephone-event payload (section 2.3); `None` when it is too short or no digit (events above 15).
    pub fn receive(&mut self, now: Mono, timestamp: u32, payload: &[u8]) -> Option<EventReport> {
        let [code, flags, high, low, ..] = *payload else { return None };
        let digit = Digit::from_event(code)?;
        let (ended, duration) = (flags & 0x80 != 0, u16::from_be_bytes([high, low]));
        let packet = Press { digit, timestamp, duration, ended, heard: now };
        if let Some(known) = self.presses.iter_mut().flatten().find(|p| p.is_of(&packet)) {
            known.ended |= ended;
            known.duration = known.duration.max(duration);
            known.heard = now;
            return Some(EventReport::Going { digit, ended: known.ended });
        }
        if let Some(last) = self.presses[0].as_mut().filter(|last| last.goes_on_with(&packet)) {
            *last = packet;
            return Some(EventReport::Going { digit, ended });
        }
        self.presses.rotate_right(1);
        self.presses[0] = Some(packet);
        Some(EventReport::Press(digit))
    }
}

impl Press {
    /// Whether a packet is one of this press by its digit and timestamp.
    fn is_of(&self, packet: &Press) -> bool {
        let restarted = self.ended && packet.heard.ms_since(self.heard) >= STALE_MS && packet.duration < self.duration;
        self.digit == packet.digit && self.timestamp == packet.timestamp && !restarted
    }

    /// Whether a packet with another timestamp follows too closely to be a press of its own.
    fn goes_on_with(&self, packet: &Press) -> bool {
        if self.digit != packet.digit
            || self.timestamp == packet.timestamp
            || packet.heard.ms_since(self.heard) >= STALE_MS
        {
            return false;
        }
        let pause_min = if self.ended { PAUSE_MIN } else { PAUSE_MIN_UNENDED };
        let pause = packet.timestamp.wrapping_sub(self.timestamp.wrapping_add(u32::from(self.duration))) as i32;
        if pause.unsigned_abs() <= TIMESTAMPS_RELATED.unsigned_abs() {
            pause < pause_min
        } else {
            packet.heard.ms_since(self.heard) < u64::from(pause_min.unsigned_abs()) / 8
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (arrival ms, timestamp, digit, end, duration in units)
    type Line = (u64, u32, char, bool, u16);

    fn presses(lines: &[Line]) -> String {
        let mut receiver = EventReceiver::default();
        let mut out = String::new();
        for &(ms, timestamp, key, end, duration) in lines {
            let digit = Digit::from_char(key).unwrap();
            let [high, low] = duration.to_be_bytes();
            let payload = [digit.event(), if end { 0x8A } else { 0x0A }, high, low];
            if let Some(EventReport::Press(d)) = receiver.receive(Mono::from_millis(ms), timestamp, &payload) {
                out.push(d.as_char());
            }
        }
        out
    }

    /// A press as RFC 4733 has it: a packet each 20 ms, three end packets.
    fn press(key: char, start_ms: u64, length_ms: u64) -> Vec<Line> {
        let timestamp = (start_ms * 8) as u32;
        let mut lines: Vec<Line> =
            (1..=length_ms / 20).map(|n| (start_ms + n * 20, timestamp, key, false, (n * 160) as u16)).collect();
        lines.extend([0, 1, 2].map(|n| (start_ms + length_ms + n * 20, timestamp, key, true, (length_ms * 8) as u16)));
        lines
    }

    #[test]
    fn one_press_is_one_digit_whatever_its_packets_suffer() {
        let whole = press('5', 1000, 100);
        assert_eq!(presses(&whole), "5");
        for n in 0..whole.len() {
            assert_eq!(presses(&whole[n..]), "5", "start lost");
            assert_eq!(presses(&whole[..=n]), "5", "end lost");
        }
        let doubled: Vec<_> = whole.iter().flat_map(|l| [*l, *l]).collect();
        assert_eq!(presses(&doubled), "5");
        let mut swapped = whole.clone();
        swapped.swap(3, 6);
        swapped.swap(0, 2);
        assert_eq!(presses(&swapped), "5");
    }

    #[test]
    fn two_quick_presses_of_a_key_are_two() {
        let mut lines = press('1', 1000, 100);
        lines.extend(press('1', 1140, 100));
        assert_eq!(presses(&lines), "11");
        // All end packets of the first are lost.
        let mut lines = press('1', 1000, 100)[..5].to_vec();
        lines.extend(press('1', 1160, 100));
        assert_eq!(presses(&lines), "11");
    }

    #[test]
    fn a_press_that_comes_three_times_with_new_timestamps_is_one() {
        let mut lines = Vec::new();
        for n in 0..3 {
            lines.extend(press('7', 1000 + n * 120, 100));
        }
        assert_eq!(presses(&lines), "7");
        // Every packet has its own timestamp and a growing duration.
        let each: Vec<Line> = (0..10u32).map(|n| (u64::from(n) * 20, n * 160, '7', n > 7, 160 * n as u16)).collect();
        assert_eq!(presses(&each), "7");
        // Timestamps that have nothing to do with each other, 20 ms apart.
        let wild: Vec<Line> = (0..10u32).map(|n| (u64::from(n) * 20, n * 0x1234_5678, '7', n > 7, 160)).collect();
        assert_eq!(presses(&wild), "7");
    }

    #[test]
    fn a_press_longer_than_eight_seconds_goes_on_in_segments() {
        let lines: Vec<Line> = (0..1000u32)
            .map(|n| {
                let (units, segment) = (n * 160, n * 160 / 0xFFFF);
                (u64::from(n) * 20, segment * 0xFFFF, '0', n == 999, (units - segment * 0xFFFF) as u16)
            })
            .collect();
        assert_eq!(presses(&lines), "0");
    }

    #[test]
    fn late_packets_of_the_digit_before_do_not_count_again() {
        let mut lines = press('1', 1000, 60);
        let late = lines.pop().unwrap();
        lines.extend(press('2', 1100, 60));
        lines.insert(lines.len() - 2, late);
        assert_eq!(presses(&lines), "12");
    }

    #[test]
    fn a_sender_whose_clock_stands_still_still_presses_twice() {
        let mut lines = press('4', 0, 100);
        lines.extend(press('4', 1000, 100).into_iter().map(|l| (l.0, 0, l.2, l.3, l.4)));
        assert_eq!(presses(&lines), "44");
    }

    #[test]
    fn a_sender_whose_clock_goes_on_only_while_it_sends_still_presses_twice() {
        let mut lines = press('4', 0, 100);
        lines.extend(press('4', 1000, 100).into_iter().map(|l| (l.0, l.1 - 7000, l.2, l.3, l.4)));
        assert_eq!(presses(&lines), "44");
    }

    #[test]
    fn flash_fax_and_short_payloads_are_no_digits() {
        let mut receiver = EventReceiver::default();
        assert_eq!(receiver.receive(Mono(0), 0, &[16, 0, 0, 160]), None);
        assert_eq!(receiver.receive(Mono(0), 0, &[1, 0, 0]), None);
        assert_eq!(receiver.receive(Mono(0), 0, &[]), None);
    }
}
