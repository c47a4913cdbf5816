//! RTP/RTCP port pairs. A pair stays bound once it was used, cools down after a call, and is emptied before the next.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use crate::types::Mono;

/// Late packets of the last call arrive within this time; they must not reach the next.
const COOL_DOWN: Duration = Duration::from_secs(2);
/// Local addresses that one daemon speaks RTP from at most.
const ADDRESSES_MAX: usize = 16;

/// Where RTP ports are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortRange {
    /// Any free port; RTCP gets one of its own (`a=rtcp`, RFC 3605).
    Any,
    /// Even ports for RTP, the next odd one for RTCP (RFC 3550 section 11).
    Within { first: u16, last: u16 },
}

#[derive(Debug)]
pub struct PortPair {
    pub rtp: UdpSocket,
    pub rtcp: UdpSocket,
    pub rtp_port: u16,
    pub rtcp_port: u16,
    address: IpAddr,
}

#[derive(Debug)]
pub struct Ports {
    range: PortRange,
    pools: HashMap<IpAddr, Pool>,
}

#[derive(Debug, Default)]
struct Pool {
    cooling: VecDeque<(Mono, PortPair)>,
    /// The next port that was never tried.
    next: u32,
}

impl Ports {
    pub fn new(range: PortRange) -> Self {
        Self { range, pools: HashMap::new() }
    }

    /// A pair bound to `address`; `None` when all are in use. A pair that has cooled down is taken before a new one is
    /// bound, and one that has not only when nothing else is left.
    pub fn lend(&mut self, now: Mono, address: IpAddr) -> Option<PortPair> {
        if !self.pools.contains_key(&address) && self.pools.len() >= ADDRESSES_MAX {
            return None;
        }
        let pool = self.pools.entry(address).or_default();
        let cooled = pool.cooling.front().is_some_and(|(freed, _)| *freed + COOL_DOWN <= now);
        if !cooled && let Some(pair) = bind_next(self.range, &mut pool.next, address) {
            return Some(pair);
        }
        let (_, pair) = pool.cooling.pop_front()?;
        drain(&pair.rtp);
        drain(&pair.rtcp);
        Some(pair)
    }

    pub fn give_back(&mut self, now: Mono, pair: PortPair) {
        self.pools.entry(pair.address).or_default().cooling.push_back((now, pair));
    }
}

fn bind_next(range: PortRange, next: &mut u32, address: IpAddr) -> Option<PortPair> {
    let PortRange::Within { first, last } = range else {
        let rtp = bind(address, 0).ok()?;
        let rtcp = bind(address, 0).ok()?;
        return pair(rtp, rtcp, address);
    };
    let first = u32::from(first).next_multiple_of(2);
    loop {
        let port = u16::try_from((*next).max(first)).ok().filter(|p| *p < last)?;
        *next = u32::from(port) + 2;
        if let (Ok(rtp), Ok(rtcp)) = (bind(address, port), bind(address, port + 1)) {
            return pair(rtp, rtcp, address);
        }
    }
}

fn pair(rtp: UdpSocket, rtcp: UdpSocket, address: IpAddr) -> Option<PortPair> {
    let (rtp_port, rtcp_port) = (rtp.local_addr().ok()?.port(), rtcp.local_addr().ok()?.port());
    Some(PortPair { rtp, rtcp, rtp_port, rtcp_port, address })
}

fn bind(address: IpAddr, port: u16) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(SocketAddr::new(address, port))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Reads away what arrived while nobody listened; bounded, since a sender may never stop.
fn drain(socket: &UdpSocket) {
    let mut buffer = [0; 2048];
    for _ in 0..1000 {
        if socket.recv_from(&mut buffer).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> IpAddr {
        IpAddr::from([127, 0, 0, 1])
    }

    /// A range of `pairs` pairs that this machine has free at the moment.
    fn free_range(pairs: u16) -> PortRange {
        let probe = bind(local(), 0).expect("a free port").local_addr().expect("an address").port();
        let first = probe.min(60_000) & !1;
        PortRange::Within { first, last: first + pairs * 2 - 1 }
    }

    #[test]
    fn pairs_are_even_and_next_odd() {
        let mut ports = Ports::new(free_range(50));
        let pair = ports.lend(Mono(0), local()).expect("one of fifty is free");
        assert_eq!(pair.rtp_port % 2, 0);
        assert_eq!(pair.rtcp_port, pair.rtp_port + 1);
    }

    #[test]
    fn a_freed_pair_cools_down_and_is_emptied() {
        let mut ports = Ports::new(PortRange::Any);
        let pair = ports.lend(Mono(0), local()).expect("any port");
        let port = pair.rtp_port;
        ports.give_back(Mono(0), pair);
        let other = ports.lend(Mono::from_millis(100), local()).expect("any port");
        assert_ne!(other.rtp_port, port, "the first one is still warm");
        let sender = bind(local(), 0).expect("a free port");
        sender.send_to(b"stale", (local(), port)).expect("loopback takes it");
        let again = ports.lend(Mono::from_millis(2100), local()).expect("the cooled one");
        assert_eq!(again.rtp_port, port);
        assert!(again.rtp.recv_from(&mut [0; 16]).is_err(), "nothing stale is left");
    }

    #[test]
    fn when_all_are_lent_there_is_none_and_a_warm_one_is_better_than_none() {
        let mut ports = Ports::new(free_range(20));
        let mut lent: Vec<PortPair> = std::iter::from_fn(|| ports.lend(Mono(0), local())).collect();
        assert!(!lent.is_empty() && lent.len() <= 20);
        let warm = lent.pop().expect("not empty");
        let port = warm.rtp_port;
        ports.give_back(Mono(0), warm);
        assert_eq!(ports.lend(Mono(1), local()).map(|p| p.rtp_port), Some(port));
        assert!(ports.lend(Mono(1), local()).is_none());
    }
}
