//! Puts packets into their order again. Nothing here plays audio, so it waits only when a packet is missing.

use super::rtp::sequence_ahead;
use crate::types::{Codec, Mono};

/// Packets held back while one before them is missing.
const HELD_MAX: usize = 8;
/// So long a missing packet is waited for.
const WAIT_MS_MAX: u64 = 120;
/// A jump of more packets than this, either way, is a restart.
const JUMP_MAX: i32 = 100;

/// Audio of one packet; no codec when it took a sequence number but brings no audio (digits, comfort noise).
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    pub timestamp: u32,
    pub codec: Option<Codec>,
    pub payload: &'a [u8],
}

#[derive(Debug, Default)]
pub struct JitterBuffer {
    /// The sequence number whose turn it is; none before the first packet.
    next: Option<u16>,
    /// In order, all ahead of `next`.
    held: Vec<Held>,
    dropped: u64,
}

#[derive(Debug)]
struct Held {
    sequence: u16,
    since: Mono,
    timestamp: u32,
    codec: Option<Codec>,
    payload: Vec<u8>,
}

impl JitterBuffer {
    /// Takes a packet and hands out what is in order now: usually at once itself. Late ones and duplicates are dropped.
    pub fn push(&mut self, now: Mono, sequence: u16, piece: Piece<'_>, mut on: impl FnMut(Piece<'_>)) {
        let ahead = self.next.map_or(0, |next| sequence_ahead(sequence, next));
        if ahead == 0 {
            on(piece);
            self.next = Some(sequence.wrapping_add(1));
        } else if ahead.abs() > JUMP_MAX {
            self.flush(&mut on);
            on(piece);
            self.next = Some(sequence.wrapping_add(1));
        } else if ahead < 0 {
            self.dropped += 1;
            return;
        } else {
            self.hold(now, sequence, piece);
            if self.held.len() > HELD_MAX {
                self.give_up_on_missing();
            }
        }
        self.release(&mut on);
        self.expire(now, on);
    }

    /// Gives up on a packet that was missing for too long.
    pub fn expire(&mut self, now: Mono, mut on: impl FnMut(Piece<'_>)) {
        while self.held.iter().any(|h| now.ms_since(h.since) >= WAIT_MS_MAX) {
            self.give_up_on_missing();
            self.release(&mut on);
        }
    }

    /// Hands out all that is held, as the sender has ended or begun anew.
    pub fn flush(&mut self, mut on: impl FnMut(Piece<'_>)) {
        while !self.held.is_empty() {
            self.give_up_on_missing();
            self.release(&mut on);
        }
    }

    /// Forgets where it was: the next packet is the first.
    pub fn restart(&mut self, on: impl FnMut(Piece<'_>)) {
        self.flush(on);
        self.next = None;
    }

    pub fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Late packets and duplicates so far.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    fn hold(&mut self, now: Mono, sequence: u16, piece: Piece<'_>) {
        let place = self.held.iter().position(|h| sequence_ahead(h.sequence, sequence) >= 0);
        if place.is_some_and(|n| self.held[n].sequence == sequence) {
            self.dropped += 1;
            return;
        }
        let held = Held {
            sequence,
            since: now,
            timestamp: piece.timestamp,
            codec: piece.codec,
            payload: piece.payload.to_vec(),
        };
        self.held.insert(place.unwrap_or(self.held.len()), held);
    }

    fn give_up_on_missing(&mut self) {
        if let Some(first) = self.held.first() {
            self.next = Some(first.sequence);
        }
    }

    fn release(&mut self, on: &mut impl FnMut(Piece<'_>)) {
        let in_order = |next: &mut Option<u16>, held: &Held| {
            let turn = *next == Some(held.sequence);
            if turn {
                *next = Some(held.sequence.wrapping_add(1));
            }
            turn
        };
        let mut next = self.next;
        let ready = self.held.iter().take_while(|held| in_order(&mut next, held)).count();
        for held in self.held.drain(..ready) {
            on(Piece { timestamp: held.timestamp, codec: held.codec, payload: &held.payload });
        }
        self.next = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pushes packets at their times and returns the timestamps in the order in which they came out.
    fn run(packets: &[(u64, u16)]) -> (Vec<u32>, JitterBuffer) {
        let mut buffer = JitterBuffer::default();
        let mut out = Vec::new();
        for &(ms, sequence) in packets {
            let piece = Piece { timestamp: u32::from(sequence), codec: Some(Codec::Pcma), payload: &[0] };
            buffer.push(Mono::from_millis(ms), sequence, piece, |p| out.push(p.timestamp));
        }
        (out, buffer)
    }

    #[test]
    fn packets_in_order_pass_at_once_over_the_wrap() {
        let (out, buffer) = run(&[(0, 65_534), (20, 65_535), (40, 0), (60, 1)]);
        assert_eq!(out, [65_534, 65_535, 0, 1]);
        assert!(!buffer.is_holding());
    }

    #[test]
    fn swapped_packets_come_out_in_order() {
        let (out, _) = run(&[(0, 1), (20, 3), (21, 2), (40, 6), (41, 5), (42, 4), (60, 7)]);
        assert_eq!(out, [1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn duplicates_and_late_ones_are_dropped_and_counted() {
        let (out, buffer) = run(&[(0, 1), (1, 1), (20, 3), (21, 3), (22, 2), (23, 2)]);
        assert_eq!(out, [1, 2, 3]);
        assert_eq!(buffer.dropped(), 3);
    }

    #[test]
    fn a_missing_packet_is_waited_for_120_ms() {
        let (mut out, mut buffer) = run(&[(0, 1), (40, 3), (60, 4)]);
        assert_eq!(out, [1]);
        buffer.expire(Mono::from_millis(159), |p| out.push(p.timestamp));
        assert_eq!(out, [1]);
        buffer.expire(Mono::from_millis(160), |p| out.push(p.timestamp));
        assert_eq!(out, [1, 3, 4]);
    }

    #[test]
    fn at_most_eight_packets_are_held() {
        let (out, buffer) = run(&(0..20).filter(|n| *n != 1).map(|n| (0, n)).collect::<Vec<_>>());
        assert_eq!(out.len(), 19);
        assert!(!buffer.is_holding());
    }

    #[test]
    fn a_far_jump_is_a_restart() {
        let (out, _) = run(&[(0, 10), (20, 12), (40, 5_000), (60, 5_001), (80, 9), (100, 10)]);
        assert_eq!(out, [10, 12, 5_000, 5_001, 9, 10]);
    }
}
