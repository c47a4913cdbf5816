//! The table of the SIP thread's stream connections: found by number or by whom they lead to, bounded in number, altogether
//! and for each source.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::metrics::METRICS;
use crate::sip::user_agent::ConnectionId;
use crate::telemetry::{Line as LogLine, Throttle};
use crate::types::{Mono, host_network};

/// Messages that wait to be written to one connection; a peer that does not read loses the connection.
const QUEUE_MAX: usize = 64;
/// Peers whose proven names, or last faults, are remembered; then all are forgotten.
const REMEMBERED_MAX: usize = 1024;
/// Room that those who connect to us leave for connections of our making: however many they are, the trunks are reached.
const OWN_MAX: usize = 64;

/// Whoever knocks at the door decides how often: the log has ten lines a minute of it.
static KNOCKS: Throttle = Throttle::new(10, Duration::from_secs(60));

/// Writes a line about somebody who wanted a connection and got none, unless there were too many of them.
pub(super) fn log_knock(now: Mono, write: impl FnOnce()) {
    if let LogLine::Write { left_out } = KNOCKS.line(now) {
        if left_out > 0 {
            tracing::info!(left_out, "more connections came to nothing since the last such line");
        }
        write();
    }
}

/// Connections open at once, those whose handshake goes on with them.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    pub total_max: usize,
    pub per_source_max: usize,
}

/// Whom a connection leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Peer {
    pub listener: usize,
    pub remote: SocketAddr,
    /// Over TLS the name that it has proven, or is to prove, where we made the connection. One connection is never used for
    /// two names, though they share an address.
    pub name: Option<String>,
}

struct Connection {
    peer: Peer,
    outbox: mpsc::Sender<Vec<u8>>,
}

/// See the module.
pub(super) struct Connections {
    next: u64,
    open: HashMap<ConnectionId, Connection>,
    by_peer: HashMap<Peer, ConnectionId>,
    slots: Slots,
    /// The names that servers have proven last.
    proven: HashMap<(usize, SocketAddr), String>,
    /// Why connections could not be made, so that each reason is logged once.
    faults: HashMap<SocketAddr, String>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Queued {
    Yes,
    NoConnection,
    /// The peer does not read: its connection is closed.
    Full,
}

impl Connections {
    pub fn new(limits: ConnectionLimits) -> Self {
        Self {
            next: 0,
            open: HashMap::new(),
            by_peer: HashMap::new(),
            slots: Slots { limits, counts: Rc::default() },
            proven: HashMap::new(),
            faults: HashMap::new(),
        }
    }

    pub fn slots(&self) -> Slots {
        self.slots.clone()
    }

    pub fn send(&mut self, connection: ConnectionId, bytes: Vec<u8>) -> Queued {
        let Some(open) = self.open.get(&connection) else { return Queued::NoConnection };
        if open.outbox.try_send(bytes).is_ok() {
            return Queued::Yes;
        }
        // A stream that lost a message can't be spoken over any more.
        self.remove(connection);
        Queued::Full
    }

    pub fn is_open(&self, connection: ConnectionId) -> bool {
        self.open.contains_key(&connection)
    }

    pub fn to(&self, peer: &Peer) -> Option<ConnectionId> {
        self.by_peer.get(peer).copied()
    }

    /// A connection that is there, or is being made: what is sent meanwhile waits for it.
    pub fn add(&mut self, peer: Peer) -> (ConnectionId, mpsc::Receiver<Vec<u8>>) {
        self.next += 1;
        let id = ConnectionId(self.next);
        let (outbox, inbox) = mpsc::channel(QUEUE_MAX);
        self.by_peer.insert(peer.clone(), id);
        self.open.insert(id, Connection { peer, outbox });
        (id, inbox)
    }

    pub fn remove(&mut self, id: ConnectionId) {
        if let Some(Connection { peer, .. }) = self.open.remove(&id)
            && self.by_peer.get(&peer) == Some(&id)
        {
            self.by_peer.remove(&peer);
        }
    }

    /// All that lead there; those who serve them notice, and tell.
    pub fn close_to(&mut self, listener: usize, remote: SocketAddr) {
        let leads_there =
            |(_, open): &(&ConnectionId, &Connection)| open.peer.listener == listener && open.peer.remote == remote;
        let ids: Vec<ConnectionId> = self.open.iter().filter(leads_there).map(|(id, _)| *id).collect();
        ids.into_iter().for_each(|id| self.remove(id));
    }

    /// The name that the server there has proven last.
    pub fn proven(&self, listener: usize, remote: SocketAddr) -> Option<&str> {
        self.proven.get(&(listener, remote)).map(String::as_str)
    }

    pub fn made(&mut self, peer: &Peer) {
        self.faults.remove(&peer.remote);
        if let Some(name) = &peer.name {
            if self.proven.len() >= REMEMBERED_MAX {
                self.proven.clear();
            }
            self.proven.insert((peer.listener, peer.remote), name.clone());
        }
    }

    /// Logs why a connection could not be made, unless that is known.
    pub fn failed(&mut self, peer: &Peer, why: &str) {
        METRICS.connections_failed.add(1);
        if self.faults.get(&peer.remote).is_some_and(|known| known == why) {
            return;
        }
        if self.faults.len() >= REMEMBERED_MAX {
            self.faults.clear();
        }
        self.faults.insert(peer.remote, why.to_owned());
        let (remote, name) = (peer.remote, peer.name.as_deref().unwrap_or_default());
        tracing::warn!(%remote, name, why, "a connection could not be made");
    }
}

/// Room for connections, from the first packet on.
#[derive(Clone)]
pub(super) struct Slots {
    limits: ConnectionLimits,
    counts: Rc<RefCell<Counts>>,
}

#[derive(Default)]
struct Counts {
    total: usize,
    /// By `host_network`.
    by_source: HashMap<IpAddr, usize>,
}

impl Slots {
    /// Room for one more connection, until it is dropped; `None` where there is none.
    pub fn take(&self, source: IpAddr) -> Option<Slot> {
        self.take_within(source, self.limits.total_max, self.limits.per_source_max)
    }

    /// The same for one that we make.
    pub fn take_own(&self, source: IpAddr) -> Option<Slot> {
        self.take_within(source, self.limits.total_max.saturating_add(OWN_MAX), usize::MAX)
    }

    fn take_within(&self, source: IpAddr, total_max: usize, per_source_max: usize) -> Option<Slot> {
        let source = host_network(source);
        let mut counts = self.counts.borrow_mut();
        let of_source = counts.by_source.get(&source).copied().unwrap_or(0);
        if counts.total >= total_max || of_source >= per_source_max {
            METRICS.connections_refused.add(1);
            return None;
        }
        counts.total += 1;
        counts.by_source.insert(source, of_source + 1);
        METRICS.connections_live.add(1);
        Some(Slot { source, counts: Rc::clone(&self.counts) })
    }
}

pub(super) struct Slot {
    source: IpAddr,
    counts: Rc<RefCell<Counts>>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        METRICS.connections_live.add(-1);
        let mut counts = self.counts.borrow_mut();
        counts.total -= 1;
        if let Some(of_source) = counts.by_source.get_mut(&self.source) {
            *of_source -= 1;
            if *of_source == 0 {
                counts.by_source.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Connections {
        Connections::new(ConnectionLimits { total_max: 3, per_source_max: 2 })
    }

    fn peer(name: Option<&str>) -> Peer {
        let remote = "192.0.2.1:5061".parse().expect("an address");
        Peer { listener: 0, remote, name: name.map(str::to_owned) }
    }

    #[test]
    fn one_connection_is_not_used_for_two_names() {
        let mut table = table();
        let (a, _inbox) = table.add(peer(Some("a.example")));
        assert_eq!(table.to(&peer(Some("a.example"))), Some(a));
        assert_eq!(table.to(&peer(Some("b.example"))), None);
        assert_eq!(table.to(&peer(None)), None);
        table.remove(a);
        assert_eq!(table.to(&peer(Some("a.example"))), None);
    }

    #[test]
    fn a_peer_that_does_not_read_loses_its_connection() {
        let mut table = table();
        let (id, inbox) = table.add(peer(None));
        for _ in 0..QUEUE_MAX {
            assert_eq!(table.send(id, Vec::new()), Queued::Yes);
        }
        assert_eq!(table.send(id, Vec::new()), Queued::Full);
        assert_eq!(table.send(id, Vec::new()), Queued::NoConnection);
        drop(inbox);
    }

    #[test]
    fn there_is_room_for_so_many_in_all_and_for_so_many_of_one_source() {
        let slots = table().slots();
        let ip = |n: u8| IpAddr::from([192, 0, 2, n]);
        let first = slots.take(ip(1)).expect("room");
        let _second = slots.take(ip(1)).expect("room");
        assert!(slots.take(ip(1)).is_none());
        let _third = slots.take(ip(2)).expect("room");
        assert!(slots.take(ip(3)).is_none());
        drop(first);
        assert!(slots.take(ip(3)).is_some());
        drop((_second, _third));
        assert!(slots.counts.borrow().by_source.is_empty());
    }

    #[test]
    fn a_host_has_one_share_whichever_of_its_addresses_it_takes_and_leaves_room_for_our_own() {
        let slots = table().slots();
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let mut taken: Vec<_> = ["2001:db8::1", "2001:db8::2"].map(|from| slots.take(ip(from)).expect("room")).into();
        assert!(slots.take(ip("2001:db8::3")).is_none());
        taken.extend(slots.take(ip("192.0.2.1")));
        assert!(slots.take(ip("192.0.2.2")).is_none(), "all are taken");
        taken.extend((0..OWN_MAX + 9).filter_map(|_| slots.take_own(ip("2001:db8::4"))));
        assert_eq!(taken.len(), 3 + OWN_MAX);
    }

    #[test]
    fn what_is_remembered_has_a_limit() {
        let mut table = table();
        for n in 0..REMEMBERED_MAX as u16 * 2 {
            let peer = Peer { remote: SocketAddr::from(([192, 0, 2, 1], n)), ..peer(Some("a")) };
            table.made(&peer);
            table.failed(&peer, "x");
        }
        assert!(table.proven.len() <= REMEMBERED_MAX && table.faults.len() <= REMEMBERED_MAX);
    }
}
