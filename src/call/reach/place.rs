//! A configured place as somewhere that can be rung.

use crate::call::service::Service;
use crate::desk::people::PlaceTarget;
use crate::desk::trunks::Gateway;
use crate::sip::locate::{Locating, Step, Target};
use crate::sip::trunk::TrunkId;
use crate::sip::user_agent::{Binding, Destination, TrunkWay, UserAgent};
use crate::sip::wire::{Host, NameAddr, Scheme, Uri};

/// Where a leg goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    pub target: Uri,
    pub destination: Destination,
    /// The trunk that it leads over, and our own address there.
    pub over: Option<(TrunkId, Uri)>,
    /// The proxies that a registered telephone is behind (RFC 3327).
    pub routes: Vec<NameAddr>,
}

/// What is known of the way so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Towards {
    Known(Box<Way>),
    /// Its servers have to be found first: nothing here waits for DNS.
    Named {
        target: Uri,
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
    /// The trunk that leads there is down, or there is none of that name.
    TrunkDown,
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

/// The way to one of its servers; none where no listener leads there.
pub(super) fn way_by(ua: &UserAgent, target: &Uri, server: Target, listener: usize) -> Option<Way> {
    let destination = ua.way_to(server.transport, server.address, listener)?;
    Some(Way { target: target.clone(), destination, over: None, routes: Vec::new() })
}

fn to_uri(ua: &UserAgent, target: Uri, listener: usize) -> Result<Towards, Unreachable> {
    if !matches!(target.scheme, Scheme::Sip | Scheme::Sips) || target.host.is_none() {
        return Err(Unreachable::BadAddress);
    }
    match Locating::begin(&target, ua.reachable()).step() {
        Step::Ask(_) => Ok(Towards::Named { target }),
        Step::Found(servers) => {
            let way = servers.into_iter().find_map(|server| way_by(ua, &target, server, listener));
            way.map(|way| Towards::Known(Box::new(way))).ok_or(Unreachable::NoListener)
        }
    }
}

/// A number at the gateway, marked as one (RFC 3261 section 19.1.6).
fn behind_gateway(ua: &UserAgent, service: &Service, number: &str, listener: usize) -> Result<Towards, Unreachable> {
    let number = service.numbers.write(number, service.number_format);
    match service.gateway.as_ref().ok_or(Unreachable::NoGateway)? {
        Gateway::Trunk(name) => over_trunk(ua, service, name, &number),
        Gateway::Address(gateway) => {
            let gateway: Uri = gateway.parse().map_err(|_| Unreachable::BadAddress)?;
            to_uri(ua, gateway.with_user(number).with_param("user", Some("phone")), listener)
        }
    }
}

/// A number at the carrier.
fn over_trunk(ua: &UserAgent, service: &Service, name: &str, number: &str) -> Result<Towards, Unreachable> {
    let TrunkWay { trunk, address, domain, destination } = ua.trunk_way(name).ok_or(Unreachable::TrunkDown)?;
    let format = service.trunk(name).map(|trunk| trunk.number_format).unwrap_or_default();
    let number = service.numbers.write(number, format);
    let target = domain.with_user(number).with_param("user", Some("phone"));
    let way = Way { target, destination, over: Some((trunk, address)), routes: Vec::new() };
    Ok(Towards::Known(Box::new(way)))
}

/// The way back to a customer: a SIP address, or `trunk:name:number`.
pub(super) fn towards_customer(
    ua: &UserAgent,
    service: &Service,
    address: &str,
    listener: usize,
) -> Option<Result<Towards, Unreachable>> {
    if let Some((name, number)) = Gateway::trunk_of(address).and_then(|way| way.split_once(':')) {
        return Some(over_trunk(ua, service, name, number));
    }
    // Of a customer's telephones the one that registered last.
    towards(ua, service, &PlaceTarget::Sip(address.to_owned()), listener).into_iter().next()
}

/// The ways to all telephones of an account that are registered here.
fn registered(ua: &UserAgent, account: &str) -> Vec<Result<Towards, Unreachable>> {
    let way = |binding: Binding| {
        let Binding { contact, destination, path, .. } = binding;
        let way = Way { target: contact, destination, over: None, routes: path };
        Ok(Towards::Known(Box::new(way)))
    };
    let ways: Vec<_> = ua.bindings(account).into_iter().map(way).collect();
    if ways.is_empty() { vec![Err(Unreachable::NotRegistered)] } else { ways }
}
