//! What was received and what was lost (RFC 3550 appendices A.1, A.3 and A.8).

use super::rtp::sequence_ahead;
use crate::types::Mono;

/// A jump ahead of more than this is a restart, not a loss (A.1).
const DROPOUT_MAX: u16 = 3_000;
/// A packet that lies further behind than this is a restart, not a late one (A.1).
const MISORDER_MAX: u16 = 100;

/// Counts one stream of packets over restarts of its sender. Its source was judged before.
#[derive(Debug, Default)]
pub struct Reception {
    source: Option<Source>,
    /// A sender that may have taken the place of the present one: SSRC and the sequence number that would prove it.
    next_ssrc: Option<(u32, u16)>,
    /// Of senders before the present one.
    received_before: u64,
    lost_before: u64,
}

#[derive(Debug, Clone, Copy)]
struct Source {
    ssrc: u32,
    first: u16,
    highest: u16,
    /// Times that the sequence number wrapped.
    cycles: u32,
    /// After a jump: the number whose arrival proves that the sender restarted.
    restart_at: Option<u16>,
    received: u64,
    /// Of these, the ones that had come before.
    repeated: u64,
    /// Which of the last 128 numbers came, the highest in the lowest bit.
    seen: u128,
    expected_prior: u64,
    received_prior: u64,
    /// Arrival minus timestamp of the last audio packet, in units of 1/8000 s.
    transit: Option<u32>,
    /// Sixteen times the jitter, in units of 1/8000 s.
    jitter_16: u32,
}

/// What a packet is to the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Part of the stream, in order or not far from it.
    InStream,
    /// The first packet of a new sender, or after its restart: sequence and timestamp begin anew.
    First,
    /// Of another SSRC, or far off: dropped until the next one proves that the sender restarted.
    Stray,
}

/// What a report block says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    pub ssrc: u32,
    /// Share lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Signed, 24 bits (A.3).
    pub lost: i32,
    /// Cycles and highest sequence number.
    pub highest: u32,
    /// In units of 1/8000 s.
    pub jitter: u32,
}

impl Reception {
    /// Counts a packet.
    pub fn receive(&mut self, ssrc: u32, sequence: u16) -> Place {
        let place = match &mut self.source {
            None => Place::First,
            Some(source) if source.ssrc == ssrc => {
                self.next_ssrc = None;
                source.receive(sequence)
            }
            Some(_) if self.next_ssrc == Some((ssrc, sequence)) => Place::First,
            Some(_) => {
                self.next_ssrc = Some((ssrc, sequence.wrapping_add(1)));
                Place::Stray
            }
        };
        if place == Place::First {
            self.fold();
            self.source = Some(Source::new(ssrc, sequence));
        }
        place
    }

    /// Takes an audio packet's timestamp into the jitter (A.8). Events repeat theirs and stay out.
    pub fn time(&mut self, now: Mono, timestamp: u32) {
        let Some(source) = &mut self.source else { return };
        let arrival = (u128::from(now.0) * 8 / 1000) as u32;
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(last) = source.transit {
            // A second of difference is a new timestamp base, not jitter.
            let difference = (transit.wrapping_sub(last) as i32).unsigned_abs().min(8_000);
            source.jitter_16 = (source.jitter_16 + difference).saturating_sub((source.jitter_16 + 8) >> 4);
        }
        source.transit = Some(transit);
    }

    /// Each packet once, however often the network brought it.
    pub fn received(&self) -> u64 {
        self.received_before + self.source.map_or(0, |s| s.received - s.repeated)
    }

    /// Expected minus received, never below zero (a duplicate that came very late would bring it there).
    pub fn lost(&self) -> u64 {
        self.lost_before + self.source.map_or(0, |s| (s.lost() + s.repeated as i64).max(0) as u64)
    }

    pub fn jitter_ms(&self) -> f64 {
        self.source.map_or(0.0, |s| f64::from(s.jitter_16) / 16.0 / 8.0)
    }

    /// The figures of a report block; the interval for the fraction begins anew. `None` before the first packet.
    pub fn report(&mut self) -> Option<Figures> {
        self.source.as_mut().map(Source::report)
    }

    fn fold(&mut self) {
        self.received_before = self.received();
        self.lost_before = self.lost();
        self.source = None;
        self.next_ssrc = None;
    }
}

impl Source {
    fn new(ssrc: u32, sequence: u16) -> Self {
        Source {
            ssrc,
            first: sequence,
            highest: sequence,
            cycles: 0,
            restart_at: None,
            received: 1,
            repeated: 0,
            seen: 1,
            expected_prior: 0,
            received_prior: 0,
            transit: None,
            jitter_16: 0,
        }
    }

    fn receive(&mut self, sequence: u16) -> Place {
        let ahead = sequence.wrapping_sub(self.highest);
        if ahead < DROPOUT_MAX {
            if sequence < self.highest {
                self.cycles = self.cycles.wrapping_add(1);
            }
            self.highest = sequence;
            self.repeated += u64::from(ahead == 0);
            self.seen = self.seen.checked_shl(ahead.into()).unwrap_or(0) | 1;
        } else if sequence_ahead(sequence, self.highest) < -i32::from(MISORDER_MAX) || ahead < 1 << 15 {
            if self.restart_at == Some(sequence) {
                return Place::First;
            }
            self.restart_at = Some(sequence.wrapping_add(1));
            return Place::Stray;
        } else {
            // Behind, by `MISORDER_MAX` at most.
            let bit = 1u128.checked_shl(self.highest.wrapping_sub(sequence).into()).unwrap_or(0);
            self.repeated += u64::from(self.seen & bit != 0);
            self.seen |= bit;
        }
        self.restart_at = None;
        self.received += 1;
        Place::InStream
    }

    fn extended_highest(&self) -> u64 {
        u64::from(self.cycles) << 16 | u64::from(self.highest)
    }

    fn expected(&self) -> u64 {
        (self.extended_highest() + 1).saturating_sub(u64::from(self.first))
    }

    fn lost(&self) -> i64 {
        self.expected() as i64 - self.received as i64
    }

    fn report(&mut self) -> Figures {
        let expected = self.expected() - self.expected_prior.min(self.expected());
        let received = self.received - self.received_prior;
        (self.expected_prior, self.received_prior) = (self.expected(), self.received);
        let lost = expected.saturating_sub(received);
        Figures {
            ssrc: self.ssrc,
            fraction_lost: (lost * 256).checked_div(expected).unwrap_or(0).min(255) as u8,
            lost: self.lost().clamp(-0x80_0000, 0x7F_FFFF) as i32,
            highest: self.extended_highest() as u32,
            jitter: self.jitter_16 >> 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive_all(reception: &mut Reception, numbers: impl IntoIterator<Item = u16>) -> Vec<Place> {
        numbers.into_iter().map(|n| reception.receive(1, n)).collect()
    }

    #[test]
    fn loss_is_expected_minus_received_over_a_wrap() {
        let mut reception = Reception::default();
        receive_all(&mut reception, (65_500..=65_535).chain(0..64).filter(|n| n % 10 != 0));
        assert_eq!(reception.received() + reception.lost(), 99, "65500 itself was lost and is not expected");
        assert_eq!(reception.lost(), 10);
        let figures = reception.report().unwrap();
        assert_eq!(figures.highest, 0x1_003F);
        assert_eq!(figures.lost, 10);
        assert_eq!(figures.fraction_lost, (10 * 256 / 99) as u8);
        assert_eq!(reception.report().unwrap().fraction_lost, 0, "nothing new since the last report");
    }

    #[test]
    fn duplicates_count_once_and_hide_no_loss() {
        let mut reception = Reception::default();
        receive_all(&mut reception, [1, 2, 2, 2, 3, 1]);
        assert_eq!((reception.received(), reception.lost()), (3, 0));
        assert_eq!(reception.report().unwrap().lost, -3, "reports count them (RFC 3550, A.3)");
        receive_all(&mut reception, [5, 5, 4, 4, 7, 300, 299, 299]);
        assert_eq!((reception.received(), reception.lost()), (8, 292));
    }

    #[test]
    fn a_far_jump_is_dropped_until_the_next_packet_proves_a_restart() {
        let mut reception = Reception::default();
        assert_eq!(
            receive_all(&mut reception, [10, 11, 40_000, 12]),
            [Place::First, Place::InStream, Place::Stray, Place::InStream]
        );
        assert_eq!(receive_all(&mut reception, [5_000, 5_001, 5_002]), [Place::Stray, Place::First, Place::InStream]);
        assert_eq!((reception.received(), reception.lost()), (5, 0));
    }

    #[test]
    fn another_ssrc_takes_over_only_by_two_packets_in_a_row() {
        let mut reception = Reception::default();
        reception.receive(1, 100);
        assert_eq!(reception.receive(2, 7), Place::Stray);
        assert_eq!(reception.receive(1, 101), Place::InStream);
        assert_eq!(reception.receive(2, 8), Place::Stray, "the first one still sends");
        assert_eq!(reception.receive(2, 9), Place::First);
        assert_eq!(reception.report().unwrap().ssrc, 2);
    }

    #[test]
    fn jitter_follows_rfc_3550_a_8() {
        let mut reception = Reception::default();
        reception.receive(1, 0);
        reception.time(Mono::from_millis(0), 0);
        reception.time(Mono::from_millis(20), 160);
        assert_eq!(reception.jitter_ms(), 0.0);
        // 16 ms late: J = 16 / 16.
        reception.time(Mono::from_millis(56), 320);
        assert!((reception.jitter_ms() - 1.0).abs() < 0.01, "{}", reception.jitter_ms());
    }
}
