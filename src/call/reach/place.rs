//! A configured place as somewhere that can be rung.

use std::net::{IpAddr, SocketAddr};

use crate::call::service::Service;
use crate::desk::people::PlaceTarget;
use crate::sip::user_agent::{Destination, UserAgent};
use crate::sip::wire::{Host, Scheme, Transport, Uri};

/// Where a leg goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    pub target: Uri,
    pub destination: Destination,
}

/// What is known of the way so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Towards {
    Known(Way),
    /// The address of this host has to be found first: nothing here waits for DNS.
    Named {
        target: Uri,
        name: String,
    },
}

/// Why a place can't be rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreachable {
    /// It can't be read as a SIP address.
    BadAddress,
    /// It is a number, and the settings name no gateway.
    NoGateway,
    /// It is an account of the desk's own phones, and none is registered.
    NotRegistered,
    /// No listener of that transport and address family.
    NoListener,
    /// Too many calls went out through the gateway within an hour.
    TooManyOut,
}

/// The ways to a place, never none: one, but for an account with several telephones, which all ring (RFC 3261 section
/// 16.6). They begin at the listener that the caller came in on where that fits.
pub(super) fn towards(
    ua: &UserAgent,
    service: &Service,
    place: &PlaceTarget,
    listener: usize,
) -> Vec<Result<Towards, Unreachable>> {
    match place {
        PlaceTarget::Phones(account) => registered(ua, account),
        PlaceTarget::Number(number) => vec![behind_gateway(ua, service, number, listener)],
        PlaceTarget::Sip(address) => {
            let Ok(target) = address.parse::<Uri>() else { return vec![Err(Unreachable::BadAddress)] };
            match &target.host {
                Some(Host::Name(name)) if name.eq_ignore_ascii_case(ua.realm()) => {
                    registered(ua, target.user.as_deref().unwrap_or_default())
                }
                Some(_) | None => vec![to_uri(ua, target, listener)],
            }
        }
    }
}

/// The way to a host whose addresses were found: by the first of them that a listener leads to.
pub(super) fn way_by(ua: &UserAgent, target: Uri, addresses: &[IpAddr], listener: usize) -> Option<Way> {
    let transport = target.transport().unwrap_or(Transport::Udp);
    let port = target.port.unwrap_or(5060);
    let destination = addresses.iter().find_map(|ip| ua.way_to(transport, SocketAddr::new(*ip, port), listener))?;
    Some(Way { target, destination })
}

fn to_uri(ua: &UserAgent, target: Uri, listener: usize) -> Result<Towards, Unreachable> {
    if target.scheme != Scheme::Sip {
        return Err(Unreachable::BadAddress);
    }
    let ip = match &target.host {
        Some(Host::Ip(ip)) => *ip,
        Some(Host::Name(name)) => {
            let name = name.to_ascii_lowercase();
            return Ok(Towards::Named { target, name });
        }
        None => return Err(Unreachable::BadAddress),
    };
    way_by(ua, target, &[ip], listener).map(Towards::Known).ok_or(Unreachable::NoListener)
}

/// A number at the gateway, marked as one (RFC 3261 section 19.1.6).
fn behind_gateway(ua: &UserAgent, service: &Service, number: &str, listener: usize) -> Result<Towards, Unreachable> {
    let gateway = service.gateway.as_deref().ok_or(Unreachable::NoGateway)?;
    let gateway: Uri = gateway.parse().map_err(|_| Unreachable::BadAddress)?;
    to_uri(ua, gateway.with_user(number).with_param("user", Some("phone")), listener)
}

/// The ways to all telephones of an account that are registered here.
fn registered(ua: &UserAgent, account: &str) -> Vec<Result<Towards, Unreachable>> {
    let way = |binding: crate::sip::user_agent::Binding| {
        Ok(Towards::Known(Way { target: binding.contact, destination: binding.destination }))
    };
    let ways: Vec<_> = ua.bindings(account).into_iter().map(way).collect();
    if ways.is_empty() { vec![Err(Unreachable::NotRegistered)] } else { ways }
}
