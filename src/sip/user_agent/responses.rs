//! How a response is made and where it goes (RFC 3261 sections 8.2.6, 18.2; RFC 3581).

use std::net::{IpAddr, SocketAddr};

use super::UserAgent;
use super::config::{ALLOW, ALLOW_WITH_PHONES, Listener};
use super::event::{LegId, UaError};
use crate::sip::channel::{Channel, Destination};
use crate::sip::dialog::Dialog;
use crate::sip::locate::{Family, Reachable};
use crate::sip::wire::{Host, Name, NameAddr, Request, Response, Scheme, Transport, Uri, Via};

/// What bodies are understood.
pub(super) const ACCEPT: &str = "application/sdp";

impl UserAgent {
    /// A response with our tag and headers; a 2xx or a provisional with tag also says where we can be reached.
    pub(super) fn make_response(&self, request: &Request, status: u16, tag: &str) -> Response {
        let mut response = request.response(status);
        if status > 100
            && let Ok(mut to) = request.headers.to()
            && to.tag().is_none()
        {
            to.set_tag(tag);
            response.headers.set(Name::To, to.to_string());
        }
        response.headers.push(Name::Server, self.config.server.clone());
        response
    }

    /// The response to a request that leaves no dialog: the tag is made from the request itself.
    pub(super) fn plain_response(&self, request: &Request, status: u16) -> Response {
        let headers = &request.headers;
        let from_tag = headers.from().ok().and_then(|from| from.tag().map(str::to_owned)).unwrap_or_default();
        let seq = headers.cseq().map(|cseq| cseq.number).unwrap_or_default();
        let via = headers.first(&Name::Via).unwrap_or_default();
        let tag = self.keys.stateless_tag(headers.call_id().unwrap_or_default(), &from_tag, seq, via);
        let mut response = self.make_response(request, status, &tag);
        match status {
            405 => response.headers.push(Name::Allow, self.allow()),
            415 => {
                response.headers.push(Name::Accept, ACCEPT);
                response.headers.push(Name::AcceptEncoding, "identity");
            }
            _ => {}
        }
        response
    }

    /// `Allow`, `Accept` and `Supported`, for 2xx to INVITE and OPTIONS (RFC 3261 sections 11.2, 13.3.1.4).
    pub(super) fn add_capabilities(&self, response: &mut Response) {
        response.headers.push(Name::Allow, self.allow());
        response.headers.push(Name::Accept, ACCEPT);
        response.headers.push(Name::AcceptEncoding, "identity");
        response.headers.push(Name::AcceptLanguage, "zh, en");
        response.headers.push(Name::Supported, self.config.supported_text());
    }

    pub(super) fn allow(&self) -> &'static str {
        if self.registrar.has_accounts() { ALLOW_WITH_PHONES } else { ALLOW }
    }

    /// Where we can be reached by `peer`, for Contact.
    pub(super) fn contact(&self, channel: Channel, peer: SocketAddr, user: Option<&str>) -> NameAddr {
        let address = self.our_address(channel, peer);
        let mut uri = Uri::new(address.ip()).with_port(address.port());
        if let Some(user) = user {
            uri = uri.with_user(user);
        }
        let transport =
            self.config.listeners.get(channel.listener).map_or(Transport::Udp, |listener| listener.transport);
        match transport {
            Transport::Udp => {}
            Transport::Tcp | Transport::Tls => uri = uri.with_param("transport", Some(transport.param())),
            // RFC 7118 section 5.2 knows one value for both.
            Transport::Ws | Transport::Wss => uri = uri.with_param("transport", Some(Transport::Ws.param())),
        }
        NameAddr::new(uri)
    }

    /// The same within a dialog: a sips URI where the dialog was begun with one (RFC 3261 section 12.1.1, RFC 5630).
    pub(super) fn contact_in(&self, dialog: &Dialog, to: Destination, user: Option<&str>) -> NameAddr {
        let mut contact = self.contact(to.channel, to.remote, user);
        let listener = self.config.listeners.get(to.channel.listener);
        if dialog.is_secure() && listener.is_some_and(|l| matches!(l.transport, Transport::Tls | Transport::Wss)) {
            contact.uri.scheme = Scheme::Sips;
            // `transport=tls` is what sips says by itself (RFC 5630 section 3.1.3).
            contact.uri.params.retain(|(_, value)| value.as_deref() != Some(Transport::Tls.param()));
        }
        contact
    }

    /// The socket that leads to `remote`: of that transport and address family, the listener `prefer` where it is one.
    pub fn way_to(&self, transport: Transport, remote: SocketAddr, prefer: usize) -> Option<Destination> {
        let fits =
            |listener: &&Listener| listener.transport == transport && listener.local.is_ipv4() == remote.is_ipv4();
        let listeners = &self.config.listeners;
        let preferred = listeners.get(prefer).filter(fits).map(|_| prefer);
        let listener = preferred.or_else(|| listeners.iter().position(|listener| fits(&listener)))?;
        Some(Destination { channel: Channel { listener, connection: None }, remote })
    }

    /// What our listeners lead to, for finding servers.
    pub fn reachable(&self) -> Reachable {
        let of = |listener: &Listener| (listener.transport, Family::of(listener.local.ip()));
        Reachable(self.config.listeners.iter().map(of).collect())
    }

    /// From which of our addresses packets to `peer` leave, as the driver found out: it is what a listener on all addresses
    /// calls itself then. When too many peers are known, the table starts anew.
    pub fn learn_local(&mut self, peer: IpAddr, local: IpAddr) {
        if self.config.listeners.iter().all(|listener| !listener.local.ip().is_unspecified()) {
            return;
        }
        self.remember_local(peer, local);
    }

    pub(super) fn remember_local(&mut self, peer: IpAddr, local: IpAddr) {
        const LOCALS_MAX: usize = 10_000;
        if self.locals.len() >= LOCALS_MAX && !self.locals.contains_key(&peer) {
            self.locals.clear();
        }
        self.locals.insert(peer, local);
    }

    /// Our host as that peer knows it.
    pub fn local_ip(&self, destination: Destination) -> IpAddr {
        self.our_address(destination.channel, destination.remote).ip()
    }

    /// Whether nobody on the way to whoever is reached through a listener can read what is said.
    pub fn is_sealed(&self, listener: usize) -> bool {
        let transport = self.config.listeners.get(listener).map(|listener| listener.transport);
        matches!(transport, Some(Transport::Tls | Transport::Wss))
    }

    /// Transport and our own end of a way.
    pub fn near_end(&self, to: Destination) -> Option<(Transport, SocketAddr)> {
        let listener = self.config.listeners.get(to.channel.listener)?;
        Some((listener.transport, self.our_address(to.channel, to.remote)))
    }

    /// The Call-ID of a leg's dialogs.
    pub fn call_id(&self, leg: LegId) -> Option<&str> {
        self.legs.get(&leg).map(|leg| leg.dialog.call_id.as_str())
    }

    /// Whether peers that name this address mean us.
    pub fn is_listener(&self, ip: IpAddr, port: u16) -> bool {
        let wildcard_is = |local: IpAddr| local.is_unspecified() && self.locals.values().any(|known| *known == ip);
        self.config.listeners.iter().any(|listener| {
            let local = listener.local;
            let here = local.ip() == ip || local.ip().is_unspecified() && ip.is_loopback() || wildcard_is(local.ip());
            local.port() == port && here || listener.advertised == Some(SocketAddr::new(ip, port))
        })
    }

    /// The address that we tell `peer`. A wildcard listener on this machine is reached by loopback peers at theirs; other
    /// peers need `advertised`, which the daemon sets for wildcard listeners.
    pub(super) fn our_address(&self, channel: Channel, peer: SocketAddr) -> SocketAddr {
        let Some(listener) = self.config.listeners.get(channel.listener) else { return peer };
        if let Some(external) = self.externals.get(&(channel.listener, peer)) {
            return *external;
        }
        if let Some(advertised) = listener.advertised
            && !peer.ip().is_loopback()
        {
            return advertised;
        }
        if listener.local.ip().is_unspecified() && peer.ip().is_loopback() {
            return SocketAddr::new(peer.ip(), listener.local.port());
        }
        if listener.local.ip().is_unspecified()
            && let Some(local) = self.locals.get(&peer.ip())
        {
            return SocketAddr::new(*local, listener.local.port());
        }
        listener.local
    }

    /// Sends a response that leaves no state.
    pub(super) fn send_stateless(&mut self, to: Destination, response: &Response) {
        self.count_answer(response.status);
        self.send(to, response.to_bytes());
    }

    pub(super) fn count_answer(&mut self, status: u16) {
        if let Some(class) = self.counters.answered.get_mut(usize::from(status / 100).wrapping_sub(2)) {
            *class += 1;
        }
    }

    /// 503 with Retry-After, without any state (RFC 3261 section 21.5.4). They are not all asked back at the same moment.
    pub(super) fn shed(&mut self, request: &Request, to: Destination) {
        self.counters.shed += 1;
        let mut response = self.plain_response(request, 503);
        let retry_after_s = 5 + self.random.u32() % 6;
        response.headers.push(Name::RetryAfter, retry_after_s.to_string());
        self.send_stateless(to, &response);
    }

    pub(super) fn listener_exists(&self, channel: Channel) -> Result<(), UaError> {
        let known = channel.listener < self.config.listeners.len();
        known.then_some(()).ok_or(UaError::NoSuchListener)
    }
}

/// Marks in a request's top Via where it really came from (`received`, `rport`), and says where its responses go: back
/// to there over UDP; over a stream back through it, or when it has gone, to the address of the Via (RFC 3261 section
/// 18.2.2, RFC 3581 section 4). `maddr` is not followed: it would let anybody aim our responses.
pub(super) fn mark_source(via: &mut Via, channel: Channel, source: SocketAddr, reliable: bool) -> Destination {
    let wants_rport = via.param("rport").is_some();
    if !matches!(&via.host, Host::Ip(ip) if *ip == source.ip()) || wants_rport {
        via.set_param("received", Some(source.ip().to_string()));
    }
    if wants_rport {
        via.set_param("rport", Some(source.port().to_string()));
    }
    let port =
        if wants_rport && !reliable { source.port() } else { via.port.unwrap_or_else(|| default_port(&via.transport)) };
    Destination { channel, remote: SocketAddr::new(source.ip(), port) }
}

fn default_port(transport: &str) -> u16 {
    transport.parse().map_or(5060, |transport: Transport| transport.default_port())
}

/// Whether the peer's idea of its own address differs from where its packets come from.
pub(super) fn is_behind_nat(via: &Via, source: IpAddr) -> bool {
    matches!(&via.host, Host::Ip(ip) if *ip != source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::user_agent::UaConfig;
    use crate::types::Random;

    #[test]
    fn a_listener_on_all_addresses_names_the_one_that_leads_to_the_peer() {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let listener = Listener { transport: Transport::Udp, local: address("0.0.0.0:5060"), advertised: None };
        let config = UaConfig { listeners: vec![listener], ..UaConfig::default() };
        let mut ua = UserAgent::new(config, Random::for_testing(1));
        let channel = Channel { listener: 0, connection: None };
        ua.learn_local("192.0.2.7".parse().expect("an address"), "192.0.2.1".parse().expect("an address"));
        assert_eq!(ua.our_address(channel, address("192.0.2.7:5062")), address("192.0.2.1:5060"));
        assert_eq!(ua.our_address(channel, address("127.0.0.1:5062")), address("127.0.0.1:5060"));
        assert_eq!(ua.contact(channel, address("192.0.2.7:5062"), None).uri.to_string(), "sip:192.0.2.1:5060");
        for n in 0..30_000u32 {
            ua.learn_local(IpAddr::V4(n.into()), "192.0.2.1".parse().expect("an address"));
        }
        assert!(ua.locals.len() <= 10_000);
    }
}
