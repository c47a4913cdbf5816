//! A configured SIP address as somewhere that can be rung.

use std::net::SocketAddr;

use crate::sip::user_agent::{Destination, UserAgent};
use crate::sip::wire::{Host, Scheme, Transport, Uri};

/// Where a leg goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    pub target: Uri,
    pub destination: Destination,
}

/// Why a place can't be rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreachable {
    /// It can't be read as a SIP address.
    BadAddress,
    /// Its host is a name: only addresses are called, as nothing here waits for DNS.
    Name,
    /// It is one of the desk's own phones, and none is registered.
    NotRegistered,
    /// No listener of that transport and address family.
    NoListener,
}

/// The way to a configured address, from the listener that the caller came in on where that fits.
pub(super) fn way_to(ua: &UserAgent, address: &str, listener: usize) -> Result<Way, Unreachable> {
    let target: Uri = address.parse().map_err(|_| Unreachable::BadAddress)?;
    if target.scheme != Scheme::Sip {
        return Err(Unreachable::BadAddress);
    }
    let ip = match &target.host {
        Some(Host::Ip(ip)) => *ip,
        Some(Host::Name(name)) if name.eq_ignore_ascii_case("localhost") => [127, 0, 0, 1].into(),
        Some(Host::Name(name)) if name.eq_ignore_ascii_case(ua.realm()) => {
            return registered(ua, target.user.as_deref().unwrap_or_default());
        }
        Some(Host::Name(_)) => return Err(Unreachable::Name),
        None => return Err(Unreachable::BadAddress),
    };
    let remote = SocketAddr::new(ip, target.port.unwrap_or(5060));
    let transport = target.transport().unwrap_or(Transport::Udp);
    let destination = ua.way_to(transport, remote, listener).ok_or(Unreachable::NoListener)?;
    Ok(Way { target, destination })
}

/// The way to a phone that is registered here; of several of one account to that which it likes best, or which came last.
fn registered(ua: &UserAgent, user: &str) -> Result<Way, Unreachable> {
    let binding = ua.bindings(user).into_iter().next().ok_or(Unreachable::NotRegistered)?;
    Ok(Way { target: binding.contact, destination: binding.destination })
}
