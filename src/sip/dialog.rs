//! One dialog: tags, sequence numbers, route set and remote target (RFC 3261 section 12).

use std::net::SocketAddr;

use super::channel::Destination;
use super::wire::{CSeq, Host, Method, Name, NameAddr, Request, Scheme, Transport, Uri};

#[derive(Debug, Clone)]
pub struct Dialog {
    pub call_id: String,
    /// With our tag.
    pub local: NameAddr,
    /// With the peer's tag, if it sent one (RFC 2543 peers may not).
    pub remote: NameAddr,
    /// The peer's Contact.
    pub target: Uri,
    /// In the order in which requests visit them.
    pub routes: Vec<NameAddr>,
    pub local_seq: u32,
    /// `None` until the peer has sent a request.
    pub remote_seq: Option<u32>,
    /// Where the peer's last request or response came from.
    pub peer: Destination,
    /// The peer's own idea of its address differs from where its messages come from: it is behind NAT.
    pub behind_nat: bool,
}

impl Dialog {
    pub fn local_tag(&self) -> &str {
        self.local.tag().unwrap_or_default()
    }

    pub fn remote_tag(&self) -> &str {
        self.remote.tag().unwrap_or_default()
    }

    /// A request within the dialog, without Via and Contact (RFC 3261 section 12.2.1.1): loose routing, or strict when
    /// the first route does not know `lr`. ACK and CANCEL carry the INVITE's number: `seq`.
    pub fn request(&mut self, method: Method, seq: Option<u32>) -> Request {
        let number = seq.unwrap_or_else(|| {
            self.local_seq += 1;
            self.local_seq
        });
        let mut routes: Vec<&NameAddr> = self.routes.iter().collect();
        let strict = routes.first().is_some_and(|first| !first.uri.is_loose());
        let target = NameAddr::new(self.target.clone());
        let uri = if strict {
            routes.push(&target);
            routes.remove(0).uri.clone()
        } else {
            self.target.clone()
        };
        let mut request = Request::new(method.clone(), uri);
        for route in routes {
            request.headers.push(Name::Route, route.to_string());
        }
        request.headers.push(Name::From, self.local.to_string());
        request.headers.push(Name::To, self.remote.to_string());
        request.headers.push(Name::CallId, self.call_id.clone());
        request.headers.push(Name::CSeq, CSeq::new(number, method).to_string());
        request.headers.push(Name::MaxForwards, "70");
        request
    }

    /// Where requests within the dialog go: the first route or the target when it is an address (names would need DNS,
    /// which nothing here waits for), else where the peer's messages come from.
    pub fn next_hop(&self) -> Destination {
        let hop = self.routes.first().map_or(&self.target, |route| &route.uri);
        let trusted = !self.routes.is_empty() || !self.behind_nat;
        match &hop.host {
            // An address of the other family can't be reached through the socket that the peer is spoken to.
            Some(Host::Ip(ip)) if trusted && ip.is_ipv4() == self.peer.remote.is_ipv4() => {
                let remote = SocketAddr::new(*ip, hop.port.unwrap_or_else(|| default_port(hop)));
                if remote == self.peer.remote || self.peer.channel.connection.is_some() {
                    return self.peer;
                }
                Destination { remote, ..self.peer }
            }
            _ => self.peer,
        }
    }

    /// Whether it was begun with a sips URI, or its peer is to be reached by one alone.
    pub fn is_secure(&self) -> bool {
        [&self.local.uri, &self.remote.uri, &self.target].iter().any(|uri| uri.scheme == Scheme::Sips)
    }

    /// Takes the peer's number if it rises; false for one that is lower or the same (RFC 3261 section 12.2.2).
    pub fn take_remote_seq(&mut self, number: u32) -> bool {
        if self.remote_seq.is_some_and(|last| number <= last) {
            return false;
        }
        self.remote_seq = Some(number);
        true
    }
}

fn default_port(hop: &Uri) -> u16 {
    let secure = hop.scheme == Scheme::Sips;
    hop.transport().unwrap_or(if secure { Transport::Tls } else { Transport::Udp }).default_port()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::channel::Channel;

    fn dialog(routes: &[&str]) -> Dialog {
        let address = |text: &str| text.parse::<NameAddr>().expect("a good address");
        Dialog {
            call_id: "c".to_owned(),
            local: address("<sip:desk@192.0.2.1>;tag=l"),
            remote: address("<sip:a@192.0.2.2>;tag=r"),
            target: "sip:a@192.0.2.3:5070".parse().expect("a good URI"),
            routes: routes.iter().map(|r| address(r)).collect(),
            local_seq: 0,
            remote_seq: Some(1),
            peer: Destination {
                channel: Channel { listener: 0, connection: None },
                remote: "192.0.2.9:4000".parse().expect("an address"),
            },
            behind_nat: false,
        }
    }

    #[test]
    fn loose_routes_leave_the_target_in_the_request_line() {
        let request = dialog(&["<sip:p1@192.0.2.8;lr>", "<sip:p2;lr>"]).request(Method::Bye, None);
        assert_eq!(request.uri.to_string(), "sip:a@192.0.2.3:5070");
        let routes: Vec<&str> = request.headers.all(&Name::Route).collect();
        assert_eq!(routes, ["<sip:p1@192.0.2.8;lr>", "<sip:p2;lr>"]);
        assert_eq!(request.headers.first(&Name::CSeq), Some("1 BYE"));
    }

    #[test]
    fn a_strict_first_route_becomes_the_request_line() {
        let request = dialog(&["<sip:p1@192.0.2.8>", "<sip:p2;lr>"]).request(Method::Bye, None);
        assert_eq!(request.uri.to_string(), "sip:p1@192.0.2.8");
        let routes: Vec<&str> = request.headers.all(&Name::Route).collect();
        assert_eq!(routes, ["<sip:p2;lr>", "<sip:a@192.0.2.3:5070>"]);
    }

    #[test]
    fn the_next_hop_is_route_then_target_then_where_the_peer_speaks_from() {
        assert_eq!(dialog(&["<sip:192.0.2.8;lr>"]).next_hop().remote.to_string(), "192.0.2.8:5060");
        assert_eq!(dialog(&[]).next_hop().remote.to_string(), "192.0.2.3:5070");
        let mut nat = dialog(&[]);
        nat.behind_nat = true;
        assert_eq!(nat.next_hop().remote.to_string(), "192.0.2.9:4000");
        let mut named = dialog(&[]);
        named.target = "sip:a@phone.example".parse().expect("a good URI");
        assert_eq!(named.next_hop().remote.to_string(), "192.0.2.9:4000");
    }

    #[test]
    fn sequence_numbers_rise_and_may_leave_gaps() {
        let mut dialog = dialog(&[]);
        assert!(!dialog.take_remote_seq(1));
        assert!(dialog.take_remote_seq(7));
        assert!(!dialog.take_remote_seq(6));
    }
}
