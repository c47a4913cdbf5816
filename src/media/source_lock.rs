//! Whose RTP a stream takes: symmetric RTP, locked to one source so that nobody else bleeds in.
//!
//! The address of the SDP is believed at once. Behind a NAT the packets come from elsewhere: such a source must send
//! [`PROBATION_PACKETS`] in a row with one SSRC while the SDP's address is silent. Once locked, all others are foreign,
//! until the SDP names a new address or the locked source was silent for [`RELOCK_SILENCE_MS`].
//!
//! Where the peer proves its addresses by checks (ICE), nobody is on probation: the SDP's address counts until the first
//! check, and from then on those that were checked.

use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::types::Mono;

/// Consecutive packets that a source other than the SDP's must send.
pub const PROBATION_PACKETS: u32 = 4;
/// So long the locked source must be silent before another may take its place.
pub const RELOCK_SILENCE_MS: u64 = 3_000;
/// Sources that can be on probation at the same time; more wait until one of them falls silent.
const CANDIDATES_MAX: usize = 4;
/// A candidate that sent nothing for so long gives up its place.
const CANDIDATE_IDLE_MS: u64 = 500;
/// Checked addresses that are remembered; a further one takes the place of the one checked longest ago.
const CHECKED_MAX: usize = 8;

/// What to do with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is from the locked source.
    Ours,
    /// The same, and the lock was taken with this packet.
    Locked,
    /// Not (yet) ours: drop it.
    Foreign,
}

#[derive(Debug)]
pub struct SourceLock {
    /// Where the SDP says that the peer is.
    announced: Option<SocketAddr>,
    state: State,
    candidates: [Option<Candidate>; CANDIDATES_MAX],
    /// When the peer proves its addresses.
    checked: Option<Box<Checked>>,
}

/// What the peer has proved.
#[derive(Debug, Default)]
struct Checked {
    /// The last checked one last.
    sources: VecDeque<SocketAddr>,
    nominated: Option<Nominated>,
}

/// Where the peer wants its audio.
#[derive(Debug, Clone, Copy)]
struct Nominated {
    source: SocketAddr,
    priority: u32,
    said: Mono,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Open,
    Locked { source: SocketAddr, heard: Mono },
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    source: SocketAddr,
    ssrc: u32,
    sequence: u16,
    in_row: u32,
    heard: Mono,
}

impl SourceLock {
    pub fn new(announced: Option<SocketAddr>) -> Self {
        Self { announced, state: State::Open, candidates: [None; CANDIDATES_MAX], checked: None }
    }

    /// From now on the peer proves its addresses; what it proved before holds until it nominates anew.
    pub fn expect_checks(&mut self) {
        let checked = self.checked.get_or_insert_default();
        if let Some(nominated) = &mut checked.nominated {
            nominated.priority = 0;
        }
    }

    /// The peer proved that it has this address; `nominated`: and wants its audio there. Of several nominated at the same time the
    /// one of the highest priority counts (RFC 8445 section 8.1.1, and the aggressive nomination of RFC 5245).
    pub fn checked(&mut self, now: Mono, from: SocketAddr, nominated: Option<u32>) {
        let checked = self.checked.get_or_insert_default();
        checked.sources.retain(|source| *source != from);
        if checked.sources.len() == CHECKED_MAX {
            checked.sources.pop_front();
        }
        checked.sources.push_back(from);
        let Some(priority) = nominated else { return };
        let gives_way = |old: Nominated| {
            old.source == from || old.priority <= priority || now.ms_since(old.said) >= RELOCK_SILENCE_MS
        };
        if checked.nominated.is_none_or(gives_way) {
            checked.nominated = Some(Nominated { source: from, priority, said: now });
        }
    }

    /// The SDP named an address again: a new one opens the lock, none at all (hold by 0.0.0.0) or the same keeps it.
    pub fn announce(&mut self, remote: Option<SocketAddr>) {
        match &self.checked {
            // What was proved is worth more.
            Some(_) => self.announced = remote,
            None if remote.is_some() && remote != self.announced => *self = Self::new(remote),
            None => {}
        }
    }

    /// Where to send: the locked source, before that the SDP's address.
    pub fn destination(&self) -> Option<SocketAddr> {
        if let Some(checked) = &self.checked {
            let proved = checked.nominated.map(|n| n.source).or_else(|| checked.sources.front().copied());
            return proved.or(self.announced);
        }
        match self.state {
            State::Open => self.announced,
            State::Locked { source, .. } => Some(source),
        }
    }

    /// Whether an RTCP packet from this address may be believed: the host of the peer, on any port.
    pub fn is_peer_host(&self, from: SocketAddr) -> bool {
        let is_checked = |checked: &Checked| checked.sources.iter().any(|source| source.ip() == from.ip());
        self.destination().is_some_and(|peer| peer.ip() == from.ip()) || self.checked.as_deref().is_some_and(is_checked)
    }

    /// Whether a packet from this address may come to anything: asked of encrypted ones before they are opened.
    pub fn may_pass(&self, now: Mono, from: SocketAddr) -> bool {
        match self.state {
            _ if self.checked.is_some() => self.is_proved(from),
            State::Open => true,
            State::Locked { source, heard } => source == from || now.ms_since(heard) >= RELOCK_SILENCE_MS,
        }
    }

    /// Judges a well-formed packet of a payload type that was negotiated.
    pub fn judge(&mut self, now: Mono, from: SocketAddr, ssrc: u32, sequence: u16) -> Verdict {
        if self.checked.is_some() {
            return self.judge_proved(now, from);
        }
        if let State::Locked { source, heard } = &mut self.state {
            if *source == from {
                *heard = now;
                return Verdict::Ours;
            }
            if now.ms_since(*heard) < RELOCK_SILENCE_MS {
                return Verdict::Foreign;
            }
        }
        if self.announced == Some(from) || self.passes_probation(now, from, ssrc, sequence) {
            self.state = State::Locked { source: from, heard: now };
            self.candidates = [None; CANDIDATES_MAX];
            return Verdict::Locked;
        }
        Verdict::Foreign
    }

    fn is_proved(&self, from: SocketAddr) -> bool {
        match &self.checked {
            Some(checked) if !checked.sources.is_empty() => {
                checked.sources.contains(&from) || checked.nominated.is_some_and(|n| n.source == from)
            }
            _ => self.announced == Some(from),
        }
    }

    fn judge_proved(&mut self, now: Mono, from: SocketAddr) -> Verdict {
        if !self.is_proved(from) {
            return Verdict::Foreign;
        }
        let before = std::mem::replace(&mut self.state, State::Locked { source: from, heard: now });
        if matches!(before, State::Open) { Verdict::Locked } else { Verdict::Ours }
    }

    fn passes_probation(&mut self, now: Mono, from: SocketAddr, ssrc: u32, sequence: u16) -> bool {
        let fresh = Candidate { source: from, ssrc, sequence, in_row: 1, heard: now };
        if let Some(candidate) = self.candidates.iter_mut().flatten().find(|c| c.source == from) {
            let next = candidate.ssrc == ssrc && sequence == candidate.sequence.wrapping_add(1);
            let in_row = if next { candidate.in_row + 1 } else { 1 };
            *candidate = Candidate { in_row, ..fresh };
            return in_row >= PROBATION_PACKETS;
        }
        let idle = |c: &Option<Candidate>| c.is_none_or(|c| now.ms_since(c.heard) >= CANDIDATE_IDLE_MS);
        if let Some(place) = self.candidates.iter_mut().find(|c| idle(c)) {
            *place = Some(fresh);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Mono {
        Mono::from_millis(ms)
    }

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    const SDP: &str = "192.168.1.5:4000";
    const NAT: &str = "203.0.113.9:61000";
    const ATTACKER: &str = "198.51.100.66:5555";

    #[test]
    fn the_address_of_the_sdp_is_believed_at_once() {
        let mut lock = SourceLock::new(Some(addr(SDP)));
        assert_eq!(lock.judge(at(0), addr(SDP), 1, 1), Verdict::Locked);
        assert_eq!(lock.judge(at(20), addr(SDP), 1, 2), Verdict::Ours);
        assert_eq!(lock.destination(), Some(addr(SDP)));
    }

    #[test]
    fn a_caller_behind_a_nat_is_locked_after_four_packets_in_a_row() {
        let mut lock = SourceLock::new(Some(addr(SDP)));
        for sequence in 65_533..=65_535 {
            assert_eq!(lock.judge(at(0), addr(NAT), 7, sequence), Verdict::Foreign);
            assert_eq!(lock.destination(), Some(addr(SDP)));
        }
        assert_eq!(lock.judge(at(60), addr(NAT), 7, 0), Verdict::Locked);
        assert_eq!(lock.destination(), Some(addr(NAT)));
    }

    #[test]
    fn a_gap_or_another_ssrc_starts_probation_anew() {
        let mut lock = SourceLock::new(None);
        for (ssrc, sequence) in [(7, 1), (7, 2), (7, 4), (7, 5), (7, 6), (8, 7), (8, 8), (8, 9)] {
            assert_eq!(lock.judge(at(0), addr(NAT), ssrc, sequence), Verdict::Foreign);
        }
        assert_eq!(lock.judge(at(0), addr(NAT), 8, 10), Verdict::Locked);
    }

    #[test]
    fn an_attacker_gets_nowhere_once_the_source_is_locked() {
        let mut lock = SourceLock::new(Some(addr(SDP)));
        lock.judge(at(0), addr(SDP), 1, 1);
        for n in 0..1000u16 {
            assert_eq!(lock.judge(at(u64::from(n)), addr(ATTACKER), 9, n), Verdict::Foreign);
            assert_eq!(lock.judge(at(u64::from(n)), addr(SDP), 1, 2 + n), Verdict::Ours);
        }
        assert_eq!(lock.destination(), Some(addr(SDP)));
    }

    #[test]
    fn guessers_that_flood_with_single_packets_do_not_push_a_caller_out_of_probation() {
        let mut lock = SourceLock::new(Some(addr(SDP)));
        assert_eq!(lock.judge(at(0), addr(NAT), 7, 0), Verdict::Foreign);
        for n in 1..=3u16 {
            for port in 1000..1500 {
                let from = SocketAddr::new(addr(ATTACKER).ip(), port);
                assert_eq!(lock.judge(at(u64::from(n) * 20), from, 9, n), Verdict::Foreign);
            }
            let expected = if n == 3 { Verdict::Locked } else { Verdict::Foreign };
            assert_eq!(lock.judge(at(u64::from(n) * 20), addr(NAT), 7, n), expected);
        }
    }

    #[test]
    fn a_source_that_fell_silent_may_be_replaced_after_probation() {
        let mut lock = SourceLock::new(Some(addr(SDP)));
        lock.judge(at(0), addr(SDP), 1, 1);
        for n in 0..10 {
            assert_eq!(lock.judge(at(2_800 + n * 20), addr(NAT), 7, n as u16), Verdict::Foreign, "{n}");
        }
        assert_eq!(lock.judge(at(3_000), addr(NAT), 7, 10), Verdict::Foreign);
        assert_eq!(lock.judge(at(3_020), addr(NAT), 7, 11), Verdict::Foreign);
        assert_eq!(lock.judge(at(3_040), addr(NAT), 7, 12), Verdict::Foreign);
        assert_eq!(lock.judge(at(3_060), addr(NAT), 7, 13), Verdict::Locked);
    }

    #[test]
    fn checks_alone_move_a_peer_that_makes_them() {
        let mut lock = SourceLock::new(Some(addr(SDP)));
        lock.expect_checks();
        assert_eq!(lock.judge(at(0), addr(SDP), 1, 1), Verdict::Locked);
        for n in 0..200u16 {
            assert_eq!(lock.judge(at(4_000 + u64::from(n)), addr(ATTACKER), 9, n), Verdict::Foreign);
        }
        assert_eq!(lock.destination(), Some(addr(SDP)));
        lock.checked(at(5_000), addr(NAT), None);
        assert_eq!(lock.destination(), Some(addr(NAT)));
        assert_eq!(lock.judge(at(5_000), addr(SDP), 1, 2), Verdict::Foreign, "it was not checked");
        assert_eq!(lock.judge(at(5_000), addr(NAT), 1, 2), Verdict::Ours);
        assert!(lock.is_peer_host(addr(NAT)) && !lock.may_pass(at(5_000), addr(ATTACKER)));
        lock.announce(Some(addr(ATTACKER)));
        assert_eq!(lock.destination(), Some(addr(NAT)));
    }

    #[test]
    fn of_addresses_nominated_at_the_same_time_the_best_counts_and_later_the_last() {
        let mut lock = SourceLock::new(None);
        lock.expect_checks();
        lock.checked(at(0), addr(NAT), Some(5));
        lock.checked(at(10), addr(SDP), Some(9));
        lock.checked(at(20), addr(NAT), Some(5));
        assert_eq!(lock.destination(), Some(addr(SDP)));
        lock.checked(at(3_010), addr(NAT), Some(5));
        assert_eq!(lock.destination(), Some(addr(NAT)));
        // A restart: what was proved holds until the next nomination, of whatever priority.
        lock.expect_checks();
        assert_eq!(lock.destination(), Some(addr(NAT)));
        lock.checked(at(3_020), addr(SDP), Some(1));
        assert_eq!(lock.destination(), Some(addr(SDP)));
        for port in 1..100 {
            lock.checked(at(3_030), SocketAddr::new(addr(ATTACKER).ip(), port), None);
        }
        assert_eq!(lock.judge(at(3_040), addr(SDP), 1, 1), Verdict::Locked, "what is nominated is not forgotten");
    }

    #[test]
    fn a_new_address_in_the_sdp_opens_the_lock_and_hold_keeps_it() {
        let mut lock = SourceLock::new(Some(addr(SDP)));
        lock.judge(at(0), addr(SDP), 1, 1);
        lock.announce(None);
        lock.announce(Some(addr(SDP)));
        assert_eq!(lock.judge(at(20), addr(SDP), 1, 2), Verdict::Ours);
        lock.announce(Some(addr(NAT)));
        assert_eq!(lock.destination(), Some(addr(NAT)));
        assert_eq!(lock.judge(at(40), addr(SDP), 1, 3), Verdict::Foreign);
        assert_eq!(lock.judge(at(40), addr(NAT), 2, 3), Verdict::Locked);
    }
}
