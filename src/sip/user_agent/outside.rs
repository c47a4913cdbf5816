//! How the network outside sees us: asked of a STUN server from each UDP socket (RFC 8489), where the settings name one. What
//! it says takes the place of a fixed external address; the sockets of streams share its IP address.

use std::net::SocketAddr;
use std::time::Duration;

use super::event::Event;
use super::{Owner, UserAgent};
use crate::sip::channel::{Channel, Destination};
use crate::sip::locate::Target;
use crate::sip::stun;
use crate::sip::wire::Transport;
use crate::types::Mono;

/// Shorter than NATs forget a UDP binding (30 s and more), so that asking keeps it too.
const EVERY: Duration = Duration::from_secs(20);
/// A request may be lost.
const AGAIN_AFTER: Duration = Duration::from_secs(3);
/// Requests in a row without an answer after which the server is looked for anew, and its silence told.
const UNANSWERED_MAX: u8 = 3;

#[derive(Debug)]
pub(super) struct Outside {
    servers: Vec<SocketAddr>,
    /// By listener, what is not answered yet.
    asked: Vec<(usize, [u8; 12])>,
    unanswered: u8,
    /// Its silence was told.
    told: bool,
    next_at: Mono,
    armed: Option<Mono>,
}

impl UserAgent {
    /// Begins to ask, if there is whom to ask and it has not begun yet.
    pub fn look_outside(&mut self, now: Mono) {
        if self.config.stun_server.is_none() || self.outside.is_some() {
            return;
        }
        let (servers, asked) = (Vec::new(), Vec::new());
        self.outside = Some(Outside { servers, asked, unanswered: 0, told: false, next_at: now, armed: None });
        self.seek_outside(now);
    }

    /// At the end.
    pub fn look_outside_no_more(&mut self) {
        if let Some(mut outside) = self.outside.take() {
            self.deadlines.arm(Owner::Outside, &mut outside.armed, None);
        }
    }

    /// Where the STUN server is that `Event::OutsideSeeks` asked for.
    pub fn outside_located(&mut self, now: Mono, servers: &[Target]) {
        let Some(outside) = &mut self.outside else { return };
        outside.servers = servers.iter().map(|server| server.address).collect();
        self.ask_outside(now);
    }

    fn seek_outside(&mut self, now: Mono) {
        let Some(uri) = self.config.stun_server.clone() else { return };
        self.tell(Event::OutsideSeeks { uri });
        self.ask_outside_at(now + EVERY);
    }

    fn ask_outside(&mut self, now: Mono) {
        let Some(outside) = &self.outside else { return };
        let there = |listener: &super::Listener| {
            let fits = |server: &&SocketAddr| server.is_ipv4() == listener.local.is_ipv4();
            outside.servers.iter().find(fits).copied().filter(|_| listener.transport == Transport::Udp)
        };
        let ways: Vec<(usize, SocketAddr)> =
            self.config.listeners.iter().enumerate().filter_map(|(at, l)| Some((at, there(l)?))).collect();
        let mut asked = Vec::with_capacity(ways.len());
        for (listener, remote) in ways {
            let mut transaction = [0; 12];
            transaction[..8].copy_from_slice(&self.random.u64().to_be_bytes());
            transaction[8..].copy_from_slice(&self.random.u32().to_be_bytes());
            asked.push((listener, transaction));
            let to = Destination { channel: Channel { listener, connection: None }, remote };
            self.send(to, stun::request(transaction));
        }
        let wait = if asked.is_empty() { EVERY } else { AGAIN_AFTER };
        if let Some(outside) = &mut self.outside {
            outside.asked = asked;
        }
        self.ask_outside_at(now + wait);
    }

    fn ask_outside_at(&mut self, at: Mono) {
        let Some(outside) = &mut self.outside else { return };
        outside.next_at = at;
        self.deadlines.arm(Owner::Outside, &mut outside.armed, Some(at));
    }

    pub(super) fn outside_due(&mut self, now: Mono, at: Mono) {
        let Some(outside) = self.outside.as_mut().filter(|outside| outside.armed == Some(at)) else { return };
        outside.armed = None;
        if outside.asked.is_empty() && !outside.servers.is_empty() {
            return self.ask_outside(now);
        }
        outside.unanswered = outside.unanswered.saturating_add(1);
        if outside.unanswered < UNANSWERED_MAX && !outside.servers.is_empty() {
            return self.ask_outside(now);
        }
        outside.unanswered = 0;
        if !std::mem::replace(&mut outside.told, true) {
            self.tell(Event::OutsideUnknown);
        }
        self.seek_outside(now);
    }

    /// Whether it was an answer to ours.
    pub(super) fn outside_answered(
        &mut self,
        now: Mono,
        channel: Channel,
        source: SocketAddr,
        (transaction, seen): ([u8; 12], SocketAddr),
    ) -> bool {
        let Some(outside) = self.outside.as_mut().filter(|outside| outside.servers.contains(&source)) else {
            return false;
        };
        let Some(at) = outside.asked.iter().position(|asked| *asked == (channel.listener, transaction)) else {
            return false;
        };
        outside.asked.remove(at);
        (outside.unanswered, outside.told) = (0, false);
        if outside.asked.is_empty() {
            self.ask_outside_at(now + EVERY);
        }
        self.is_seen_at(channel.listener, seen);
        true
    }

    fn is_seen_at(&mut self, listener: usize, seen: SocketAddr) {
        let Some(asking) = self.config.listeners.get(listener) else { return };
        // Without NAT between there is nothing to say; a server that lies about the family is not believed.
        if asking.local.is_ipv4() != seen.is_ipv4() || asking.advertised == Some(seen) {
            return;
        }
        for (at, other) in self.config.listeners.iter_mut().enumerate() {
            match other.transport {
                _ if at == listener => other.advertised = Some(seen),
                Transport::Udp => {}
                _ if other.local.is_ipv4() == seen.is_ipv4() => {
                    other.advertised = Some(SocketAddr::new(seen.ip(), other.local.port()));
                }
                _ => {}
            }
        }
        self.tell(Event::Outside { address: seen });
    }

    /// What SDP names towards a peer that is not on this machine, where it is another address than the socket's own.
    pub(super) fn advertised_towards(&self, peer: SocketAddr) -> Option<std::net::IpAddr> {
        let of_family = |listener: &&super::Listener| listener.local.is_ipv4() == peer.is_ipv4();
        let advertised = self.config.listeners.iter().filter(of_family).find_map(|listener| listener.advertised);
        advertised.map(|address| address.ip()).filter(|_| !peer.ip().is_loopback())
    }
}
