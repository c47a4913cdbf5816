//! Where messages come from and go to, without a socket in sight.

use std::net::SocketAddr;

/// One accepted or opened stream. The driver never uses a number twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// Which socket: an index into `UaConfig::listeners`, and the stream when the transport has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Channel {
    pub listener: usize,
    pub connection: Option<ConnectionId>,
}

/// Where a message goes. For a stream without a connection, or with one that has gone, the driver reuses a connection to
/// `remote` or opens one, and reports `Input::TransportFailed` when it can't (RFC 3261 section 18.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Destination {
    pub channel: Channel,
    pub remote: SocketAddr,
}
