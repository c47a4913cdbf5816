//! What a registrar's 200 says (RFC 3261 section 10.2.4, RFC 3608, RFC 3581).

use std::net::SocketAddr;
use std::time::Duration;

use crate::sip::wire::{Host, Name, NameAddr, Response, Uri};

/// Bounds of what a registrar may grant: under the first, renewing would be a flood; over the second, a lie would last.
const SHORTEST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(86_400);
/// Routes that a registrar may put before its calls.
const ROUTES_MAX: usize = 8;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    pub lasts: Duration,
    /// The way that our own requests are to take.
    pub service_route: Vec<NameAddr>,
    /// Where our request came from, as the server saw it.
    pub seen_at: Option<SocketAddr>,
    /// How long the server leaves a flow without a sign of life (RFC 5626 section 4.4).
    pub flow_timer: Option<Duration>,
}

impl Granted {
    /// `contact` is the one that we registered; `asked` counts where the registrar names no time.
    pub fn read(response: &Response, contact: &Uri, asked: Duration) -> Granted {
        let headers = &response.headers;
        let contacts: Vec<NameAddr> = headers.all(&Name::Contact).filter_map(|c| c.parse().ok()).collect();
        let is_ours =
            |c: &&NameAddr| c.uri.user == contact.user && c.uri.host == contact.host && c.uri.port == contact.port;
        // A registrar that changes contacts as they pass leaves ours as the only one.
        let ours = contacts.iter().find(is_ours).or(contacts.first().filter(|_| contacts.len() == 1));
        let said = ours.and_then(|c| c.param("expires")?.parse::<u64>().ok());
        let seconds = said.or_else(|| headers.seconds(&Name::Expires).map(u64::from));
        let name = Name::from_token("Service-Route");
        let service_route = headers.all(&name).filter_map(|r| r.parse().ok());
        Granted {
            lasts: seconds.map_or(asked, Duration::from_secs).clamp(SHORTEST, LONGEST),
            service_route: service_route.take(ROUTES_MAX).collect(),
            seen_at: seen_at(response),
            flow_timer: headers.seconds(&Name::from_token("Flow-Timer")).map(|s| Duration::from_secs(s.into())),
        }
    }
}

/// `received` and `rport` of our Via.
pub(in crate::sip) fn seen_at(response: &Response) -> Option<SocketAddr> {
    let via = response.headers.via_top().ok()?;
    let written = match &via.host {
        Host::Ip(ip) => Some(*ip),
        Host::Name(_) => None,
    };
    let ip = via.param("received").and_then(|ip| ip.trim_matches(['[', ']']).parse().ok()).or(written)?;
    let port = via.param("rport").and_then(|port| port.parse().ok()).or(via.port).unwrap_or(5060);
    // What leads nowhere is not believed.
    Some(SocketAddr::new(ip, port)).filter(|at| !at.ip().is_unspecified() && !at.ip().is_multicast() && port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(fields: &[(&str, &str)]) -> Response {
        let mut response = Response::new(200);
        for (name, value) in fields {
            response.headers.push(Name::from_token(name), *value);
        }
        response
    }

    fn read(fields: &[(&str, &str)]) -> Granted {
        let contact = "sip:desk@192.0.2.1:5060".parse().expect("a good URI");
        Granted::read(&response(fields), &contact, Duration::from_secs(600))
    }

    #[test]
    fn the_time_is_that_of_our_own_contact_else_of_expires_else_what_we_asked() {
        let others = ("Contact", "<sip:desk@192.0.2.9:5060>;expires=20");
        let ours = ("Contact", "<sip:desk@192.0.2.1:5060>;expires=300");
        assert_eq!(read(&[others, ours]).lasts.as_secs(), 300);
        assert_eq!(read(&[("Contact", "<sip:desk@198.51.100.1:1024>;expires=90")]).lasts.as_secs(), 90);
        assert_eq!(read(&[("Expires", "1800")]).lasts.as_secs(), 1800);
        assert_eq!(read(&[]).lasts.as_secs(), 600);
        assert_eq!(read(&[("Expires", "0")]).lasts, SHORTEST);
        assert_eq!(read(&[("Expires", "4294967295")]).lasts, LONGEST);
    }

    #[test]
    fn the_servers_view_of_us_and_its_way_are_read() {
        let granted = read(&[
            ("Via", "SIP/2.0/UDP 192.168.1.5:5060;rport=31024;received=198.51.100.1;branch=z9hG4bK1"),
            ("Service-Route", "<sip:edge.example.com;lr>"),
            ("Service-Route", "<sip:home.example.com;lr>"),
        ]);
        assert_eq!(granted.seen_at, Some("198.51.100.1:31024".parse().expect("an address")));
        for odd in ["rport=0;received=198.51.100.1", "rport=31024;received=0.0.0.0", "rport=1;received=224.0.0.1"] {
            let via = format!("SIP/2.0/UDP 192.168.1.5:5060;{odd};branch=z9hG4bK1");
            assert_eq!(read(&[("Via", &via)]).seen_at, None, "{odd}");
        }
        let route: Vec<String> = granted.service_route.iter().map(NameAddr::to_string).collect();
        assert_eq!(route, ["<sip:edge.example.com;lr>", "<sip:home.example.com;lr>"]);
        assert_eq!(granted.flow_timer, None);
        assert_eq!(read(&[("Flow-Timer", "45")]).flow_timer, Some(Duration::from_secs(45)));
    }
}
