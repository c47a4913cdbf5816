//! When a stream's RTCP goes out and what it remembers of the peer's (RFC 3550 sections 6.2 to 6.4).

use super::io::PeerReport;
use super::reception::Reception;
use super::rtcp::{self, Block, Compound, Report, SenderInfo};
use crate::types::{Mono, Now, Random};

/// The minimum interval of section 6.2, in microseconds.
const INTERVAL_US: u64 = 5_000_000;
/// `e - 3/2`: what timer reconsideration asks the interval to be divided by (section 6.3.1), times 1000.
const COMPENSATION_1000: u64 = 1_218;
/// A round trip beyond this is a peer's error.
const ROUND_TRIP_MS_MAX: f64 = 60_000.0;

#[derive(Debug)]
pub struct Control {
    ssrc: u32,
    cname: Box<str>,
    /// When the next report is due; none before the first poll, and after BYE.
    phase: Phase,
    /// State of a small generator: intervals need spread, not secrecy.
    chance: u64,
    /// Packets sent up to the last two reports: an SR is due while that still grows (section 6.4).
    sent_before: [u64; 2],
    /// Both clocks at the last report, for round trips.
    clocks: Option<(Mono, u64)>,
    last_sr: Option<(u32, Mono)>,
    peer: Option<PeerReport>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Fresh,
    Due(Mono),
    Leaving,
    Gone,
}

/// What we sent, for a sender report.
#[derive(Debug, Clone, Copy)]
pub struct SentSoFar {
    pub timestamp: u32,
    pub packets: u64,
    pub octets: u64,
}

impl Control {
    pub fn new(ssrc: u32, cname: String, random: &mut Random) -> Self {
        Self {
            ssrc,
            cname: cname.into_boxed_str(),
            phase: Phase::Fresh,
            chance: random.u64(),
            sent_before: [0; 2],
            clocks: None,
            last_sr: None,
            peer: None,
        }
    }

    /// The stream ends: the next poll writes BYE.
    pub fn leave(&mut self) {
        if self.phase != Phase::Gone {
            self.phase = Phase::Leaving;
        }
    }

    /// Whether a report is due. The first comes after half an interval.
    pub fn is_due(&mut self, now: Mono) -> bool {
        match self.phase {
            Phase::Fresh => {
                let first = self.interval_us() / 2;
                self.phase = Phase::Due(Mono(now.0.saturating_add(first)));
                false
            }
            Phase::Due(at) => now >= at,
            Phase::Leaving => true,
            Phase::Gone => false,
        }
    }

    /// Writes the report that is due and sets the time of the next. A BYE for a stream that never sent is left out
    /// (section 6.3.7).
    pub fn write(&mut self, now: Now, sent: SentSoFar, reception: &mut Reception, out: &mut [u8]) -> Option<usize> {
        let bye = self.phase == Phase::Leaving;
        self.phase = if bye { Phase::Gone } else { Phase::Due(Mono(now.mono.0.saturating_add(self.interval_us()))) };
        if bye && sent.packets == 0 && reception.received() == 0 {
            return None;
        }
        let ntp = rtcp::ntp(now.wall);
        self.clocks = Some((now.mono, ntp));
        let sending = sent.packets > self.sent_before[0];
        self.sent_before = [self.sent_before[1], sent.packets];
        let sender = sending.then_some(SenderInfo {
            ntp,
            timestamp: sent.timestamp,
            packets: sent.packets as u32,
            octets: sent.octets as u32,
        });
        let block = reception.report().map(|figures| {
            let (last_sr, at) = self.last_sr.unwrap_or((0, now.mono));
            let delay = (now.mono.since(at).as_micros() * 65_536 / 1_000_000) as u32;
            Block { figures, last_sr, delay }
        });
        Compound { ssrc: self.ssrc, sender, block, cname: &self.cname, bye }.write(out)
    }

    /// Takes what the peer says; `false` for garbage.
    pub fn read(&mut self, now: Mono, bytes: &[u8]) -> bool {
        rtcp::read(bytes, |report| match report {
            Report::Sender { info, .. } => self.last_sr = Some((rtcp::middle(info.ntp), now)),
            Report::About(block) if block.figures.ssrc == self.ssrc => self.peer = Some(self.peer_report(now, block)),
            Report::About(_) | Report::Goodbye { .. } => {}
        })
    }

    pub fn peer(&self) -> Option<PeerReport> {
        self.peer
    }

    fn peer_report(&self, now: Mono, block: Block) -> PeerReport {
        let figures = block.figures;
        PeerReport {
            fraction_lost: f64::from(figures.fraction_lost) / 256.0,
            lost: figures.lost,
            jitter_ms: f64::from(figures.jitter) / 8.0,
            round_trip_ms: self.round_trip_ms(now, block).or(self.peer.and_then(|p| p.round_trip_ms)),
        }
    }

    /// Arrival minus the SR that it answers minus the peer's own delay (section 6.4.1).
    fn round_trip_ms(&self, now: Mono, block: Block) -> Option<f64> {
        let (at, ntp) = self.clocks.filter(|_| block.last_sr != 0)?;
        let passed = (u128::from(now.since(at).as_micros() as u64) * 65_536 / 1_000_000) as u32;
        let arrival = rtcp::middle(ntp).wrapping_add(passed);
        let ms = f64::from(arrival.wrapping_sub(block.last_sr).wrapping_sub(block.delay)) / 65.536;
        (ms <= ROUND_TRIP_MS_MAX).then_some(ms)
    }

    /// Five seconds times 0.5 to 1.5, compensated.
    fn interval_us(&mut self) -> u64 {
        // SplitMix64 (Steele, Lea and Flood, 2014).
        self.chance = self.chance.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.chance;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let spread_us = (z ^ (z >> 31)) % INTERVAL_US;
        (INTERVAL_US / 2 + spread_us) * 1000 / COMPENSATION_1000
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::DateTime;

    use super::*;
    use crate::media::reception::Figures;
    use crate::media::rtcp::COMPOUND_LEN_MAX;

    const SENT: SentSoFar = SentSoFar { timestamp: 8000, packets: 50, octets: 8000 };

    fn now(ms: u64) -> Now {
        let wall = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        Now { mono: Mono(0), wall }.after(Duration::from_millis(ms))
    }

    fn said(bytes: &[u8]) -> Vec<Report> {
        let mut out = Vec::new();
        assert!(rtcp::read(bytes, |report| out.push(report)));
        out
    }

    #[test]
    fn reports_come_every_two_to_six_seconds_and_never_in_step() {
        let mut control = Control::new(1, "c".into(), &mut Random::for_testing(1));
        let mut times = Vec::new();
        for ms in (0..600_000).step_by(20) {
            if control.is_due(now(ms).mono) {
                control.write(now(ms), SENT, &mut Reception::default(), &mut [0; COMPOUND_LEN_MAX]).unwrap();
                times.push(ms);
            }
        }
        assert!((1_020..=3_100).contains(&times[0]));
        let gaps: Vec<u64> = times.windows(2).map(|w| w[1] - w[0]).collect();
        assert!(gaps.iter().all(|g| (2_040..=6_180).contains(g)), "{gaps:?}");
        assert!(gaps.iter().max().unwrap() - gaps.iter().min().unwrap() > 2_000, "{gaps:?}");
    }

    #[test]
    fn a_round_trip_is_arrival_minus_report_minus_the_delay_at_the_peer() {
        let mut control = Control::new(7, "c".into(), &mut Random::for_testing(2));
        let mut out = [0; COMPOUND_LEN_MAX];
        let len = control.write(now(1000), SENT, &mut Reception::default(), &mut out).unwrap();
        let Report::Sender { info, .. } = said(&out[..len])[0] else { panic!("an SR is expected") };
        let figures = Figures { ssrc: 7, fraction_lost: 64, lost: 12, highest: 0, jitter: 80 };
        let block = Block { figures, last_sr: rtcp::middle(info.ntp), delay: 65_536 * 2 };
        let answer = Compound { ssrc: 8, sender: None, block: Some(block), cname: "p", bye: false };
        let len = answer.write(&mut out).unwrap();
        assert!(control.read(now(3_150).mono, &out[..len]));
        let peer = control.peer().unwrap();
        assert_eq!((peer.fraction_lost, peer.lost, peer.jitter_ms), (0.25, 12, 10.0));
        assert!((peer.round_trip_ms.unwrap() - 150.0).abs() < 1.0, "{peer:?}");
    }

    #[test]
    fn the_delay_since_the_peers_report_is_told() {
        let mut control = Control::new(7, "c".into(), &mut Random::for_testing(3));
        let mut out = [0; COMPOUND_LEN_MAX];
        let info = SenderInfo { ntp: 0x0001_0002_0003_0004, timestamp: 0, packets: 1, octets: 1 };
        let report = Compound { ssrc: 8, sender: Some(info), block: None, cname: "p", bye: false };
        let len = report.write(&mut out).unwrap();
        control.read(now(1_000).mono, &out[..len]);
        let mut reception = Reception::default();
        reception.receive(8, 1);
        let len = control.write(now(1_500), SENT, &mut reception, &mut out).unwrap();
        let Report::About(block) = said(&out[..len])[1] else { panic!("a block is expected") };
        assert_eq!((block.last_sr, block.delay), (0x0002_0003, 32_768));
    }

    #[test]
    fn who_stopped_sending_writes_receiver_reports_after_two_intervals() {
        let mut control = Control::new(7, "c".into(), &mut Random::for_testing(4));
        let mut out = [0; COMPOUND_LEN_MAX];
        let mut is_sender = |n: u64, packets: u64| {
            control.write(now(n * 5000), SentSoFar { packets, ..SENT }, &mut Reception::default(), &mut out).unwrap();
            out[1] == 200
        };
        assert!(!is_sender(0, 0));
        assert!(is_sender(1, 10));
        assert!(is_sender(2, 10));
        assert!(!is_sender(3, 10));
    }

    #[test]
    fn bye_is_said_once_and_not_by_who_was_never_heard() {
        let mut control = Control::new(7, "c".into(), &mut Random::for_testing(5));
        let mut out = [0; COMPOUND_LEN_MAX];
        control.leave();
        assert!(control.is_due(now(0).mono));
        let len = control.write(now(0), SENT, &mut Reception::default(), &mut out).unwrap();
        assert_eq!(said(&out[..len]).last(), Some(&Report::Goodbye { ssrc: 7 }));
        control.leave();
        assert!(!control.is_due(now(10_000).mono));
        let mut silent = Control::new(7, "c".into(), &mut Random::for_testing(6));
        silent.leave();
        let nothing = SentSoFar { packets: 0, ..SENT };
        assert_eq!(silent.write(now(0), nothing, &mut Reception::default(), &mut out), None);
    }
}
