//! Addresses as settings write them: listeners, plain addresses and networks.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::reader::Fault;

/// One place where SIP is listened for: `udp:127.0.0.1:5060`, `tls:[::1]:5061`. Port 0 is any free one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Listen {
    Udp(SocketAddr),
    Tcp(SocketAddr),
    Tls(SocketAddr),
    /// SIP over WebSocket (RFC 7118).
    Ws(SocketAddr),
    Wss(SocketAddr),
}

impl Listen {
    pub fn address(self) -> SocketAddr {
        match self {
            Listen::Udp(address)
            | Listen::Tcp(address)
            | Listen::Tls(address)
            | Listen::Ws(address)
            | Listen::Wss(address) => address,
        }
    }

    /// As it is written.
    pub fn transport(self) -> &'static str {
        match self {
            Listen::Udp(_) => "udp",
            Listen::Tcp(_) => "tcp",
            Listen::Tls(_) => "tls",
            Listen::Ws(_) => "ws",
            Listen::Wss(_) => "wss",
        }
    }

    /// Whether it shows a certificate.
    pub fn is_secure(self) -> bool {
        matches!(self, Listen::Tls(_) | Listen::Wss(_))
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.transport(), self.address())
    }
}

pub(super) fn listen(text: &str) -> Result<Listen, Fault> {
    let example = "write transport, address and port: \"udp:0.0.0.0:5060\", \"tls:[::]:5061\"";
    let (transport, address) =
        text.split_once(':').ok_or_else(|| Fault::new(format!("{text:?} is no listener"), example))?;
    match transport {
        "udp" => Ok(Listen::Udp(socket(address, example)?)),
        "tcp" => Ok(Listen::Tcp(socket(address, example)?)),
        "tls" => Ok(Listen::Tls(socket(address, example)?)),
        "ws" => Ok(Listen::Ws(socket(address, example)?)),
        "wss" => Ok(Listen::Wss(socket(address, example)?)),
        _ => Err(Fault::new(format!("{text:?} names no transport"), example)),
    }
}

/// An address with its port, such as `127.0.0.1:8080`.
pub(super) fn web_address(text: &str) -> Result<SocketAddr, Fault> {
    socket(text, "write address and port: \"127.0.0.1:8080\", \"[::1]:8080\"")
}

/// A DNS server: port 53 where none is said.
pub(super) fn dns_server(text: &str) -> Result<SocketAddr, Fault> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, 53));
    }
    socket(text, "write address and port: \"192.168.1.53:53\", \"[2001:db8::53]:53\"")
}

/// An address without a port.
pub(super) fn address(text: &str) -> Result<IpAddr, Fault> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    bare.parse().map_err(|_| {
        let what = format!("{text:?} is no IP address");
        Fault::new(what, "write numbers without a port: \"203.0.113.7\", \"2001:db8::7\"")
    })
}

/// An address that others can send to.
pub(super) fn external_address(text: &str) -> Result<IpAddr, Fault> {
    match address(text)? {
        ip if ip.is_unspecified() || ip.is_multicast() => Err(Fault::new(
            format!("nobody can send to {ip}"),
            "write the address that telephones reach this machine by",
        )),
        ip => Ok(ip),
    }
}

/// Where others reach this machine, or whom to ask about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum External {
    Fixed(IpAddr),
    /// A STUN server.
    Stun {
        host: String,
        port: u16,
    },
}

/// An address, or `stun:host` with a port where it is not 3478.
pub(super) fn external(text: &str) -> Result<External, Fault> {
    const PORT: u16 = 3478;
    let Some(server) = text.strip_prefix("stun:") else { return external_address(text).map(External::Fixed) };
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
        Some(_) | None => (server, Some(PORT)),
    };
    let bracketed =
        host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).is_some_and(|h| h.parse::<IpAddr>().is_ok());
    let named = host.starts_with(|c: char| c.is_ascii_alphanumeric())
        && host.len() <= 253
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    match port.filter(|port| *port != 0 && (named || bracketed)) {
        Some(port) => Ok(External::Stun { host: host.to_owned(), port }),
        None => {
            let remedy = "write its host and, where it is not 3478, its port: \"stun:stun.example.com:3478\"";
            Err(Fault::new(format!("{text:?} names no STUN server"), remedy))
        }
    }
}

/// A network in CIDR notation; an address alone is the network of itself.
pub(super) fn network(text: &str) -> Result<IpNet, Fault> {
    if let Ok(net) = text.parse::<IpNet>() {
        return Ok(net.trunc());
    }
    text.parse::<IpAddr>().map(IpNet::from).map_err(|_| {
        Fault::new(format!("{text:?} is no network"), "write \"192.168.0.0/16\", \"2001:db8::/32\" or one address")
    })
}

fn socket(text: &str, example: &str) -> Result<SocketAddr, Fault> {
    text.parse().map_err(|_| {
        let (what, remedy) = match text.rsplit_once(':') {
            Some((host, port)) if port.parse::<u16>().is_err() => {
                (format!("{port:?} is no port of {host}"), "write a port from 0 (any free one) to 65535".to_owned())
            }
            Some((host, port)) if host.contains(':') && host.parse::<IpAddr>().is_ok() => {
                (format!("{text:?} is an IPv6 address without brackets"), format!("write [{host}]:{port}"))
            }
            Some((host, port)) if host == "localhost" => {
                ("names are not looked up here".to_owned(), format!("write 127.0.0.1:{port} in place of {host}:{port}"))
            }
            _ => (format!("{text:?} is no address with a port"), example.to_owned()),
        };
        Fault::new(what, remedy)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_reads_as_it_is_shown() {
        for text in ["udp:127.0.0.1:5060", "tcp:[::1]:0", "udp:[2001:db8::7]:5070", "tls:0.0.0.0:5061", "wss:[::]:443"]
        {
            assert_eq!(listen(text).map(|l| l.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_wrong_listener_is_told_its_remedy() {
        let remedy = |text| listen(text).expect_err("it is wrong").remedy;
        assert!(remedy("sctp:0.0.0.0:5060").starts_with("write transport, address and port"));
        assert_eq!(remedy("udp:::1:5060"), "write [::1]:5060");
        assert_eq!(remedy("udp:localhost:5060"), "write 127.0.0.1:5060 in place of localhost:5060");
        assert_eq!(remedy("udp:127.0.0.1:70000"), "write a port from 0 (any free one) to 65535");
        assert!(remedy("5060").starts_with("write transport, address and port"));
    }

    #[test]
    fn an_external_address_is_fixed_or_asked_of_a_stun_server() {
        let stun = |host: &str, port| Ok(External::Stun { host: host.to_owned(), port });
        assert_eq!(external("203.0.113.7"), Ok(External::Fixed("203.0.113.7".parse().expect("an address"))));
        assert_eq!(external("stun:stun.example.com"), stun("stun.example.com", 3478));
        assert_eq!(external("stun:192.0.2.9:5349"), stun("192.0.2.9", 5349));
        assert_eq!(external("stun:[2001:db8::9]:3479"), stun("[2001:db8::9]", 3479));
        assert_eq!(external("stun:[2001:db8::9]"), stun("[2001:db8::9]", 3478));
        for wrong in ["stun:", "stun:a b", "stun:h:0", "stun:h:x", "stun:2001:db8::9", "turn:h", "stun:u@h"] {
            assert!(external(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_alone_is_a_network_of_one() {
        assert_eq!(network("192.0.2.1").map(|n| n.prefix_len()), Ok(32));
        assert_eq!(network("192.0.2.77/24").map(|n| n.to_string()), Ok("192.0.2.0/24".to_owned()));
        assert!(network("192.0.2.0/33").is_err());
    }
}
