//! Via values and transports (RFC 3261 section 20.42, RFC 3581).

use std::fmt;
use std::str::FromStr;

use super::error::Syntax;
use super::scan::{self, Params};
use super::uri::{Host, host_port};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    Udp,
    Tcp,
    Tls,
    Ws,
    Wss,
}

impl Transport {
    pub const ALL: [Transport; 5] = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

    /// As in a Via: `UDP`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
            Transport::Ws => "WS",
            Transport::Wss => "WSS",
        }
    }

    /// As in a URI's `transport` parameter: `udp`.
    pub const fn param(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Ws => "ws",
            Transport::Wss => "wss",
        }
    }

    /// Whether messages may be lost and are retransmitted by the transaction (RFC 3261 section 17).
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Transport::Udp)
    }

    /// The port where none is given (RFC 3261 section 19.1.2, RFC 7118 section 5).
    pub const fn default_port(self) -> u16 {
        match self {
            Transport::Udp | Transport::Tcp => 5060,
            Transport::Tls => 5061,
            Transport::Ws => 80,
            Transport::Wss => 443,
        }
    }
}

impl FromStr for Transport {
    type Err = Syntax;

    fn from_str(text: &str) -> Result<Transport, Syntax> {
        Transport::ALL
            .into_iter()
            .find(|t| t.as_str().eq_ignore_ascii_case(text))
            .ok_or(Syntax("the transport is not one of UDP, TCP, TLS, WS, WSS"))
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One Via value (RFC 3261 section 20.42, RFC 3581).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    pub transport: String,
    pub host: Host,
    pub port: Option<u16>,
    pub params: Params,
}

impl Via {
    pub fn new(transport: Transport, host: impl Into<Host>, port: Option<u16>, branch: impl Into<String>) -> Via {
        let params = vec![("branch".to_owned(), Some(branch.into()))];
        Via { transport: transport.as_str().to_owned(), host: host.into(), port, params }
    }

    /// `host` or `host:port` as written, in lower case: what tells transactions apart (RFC 3261 section 17.2.3).
    pub fn sent_by(&self) -> String {
        let mut out = self.host.to_string().to_ascii_lowercase();
        if let Some(port) = self.port {
            out.push_str(&format!(":{port}"));
        }
        out
    }

    pub fn param(&self, name: &str) -> Option<&str> {
        scan::find(&self.params, name)
    }

    pub fn set_param(&mut self, name: &str, value: Option<String>) {
        scan::set(&mut self.params, name, value);
    }

    pub fn branch(&self) -> Option<&str> {
        self.param("branch")
    }
}

impl FromStr for Via {
    type Err = Syntax;

    /// Space is legal around every sign of it (RFC 4475 section 3.1.1.1).
    fn from_str(text: &str) -> Result<Via, Syntax> {
        let mut parts = text.splitn(3, '/').map(|p| p.trim_matches(scan::is_blank));
        let (protocol, version, rest) = (parts.next(), parts.next(), parts.next());
        let rest = rest.ok_or(Syntax("a protocol such as SIP/2.0/UDP is expected"))?;
        if !protocol.is_some_and(|p| p.eq_ignore_ascii_case("SIP")) || version != Some("2.0") {
            return Err(Syntax("its protocol is not SIP/2.0"));
        }
        let (transport, rest) = rest.split_once(scan::is_blank).ok_or(Syntax("no host after the transport"))?;
        if !scan::is_token(transport) {
            return Err(Syntax("the transport is not a token"));
        }
        let (sent_by, params) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
        let (host, port) = host_port(sent_by.trim_matches(scan::is_blank))?;
        Ok(Via { transport: transport.to_owned(), host, port, params: scan::params(params)? })
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SIP/2.0/")?;
        scan::write_token(f, &self.transport)?;
        write!(f, " {}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        scan::write_params(f, &self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Via {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn space_is_legal_around_every_sign() {
        let via = read("SIP  / 2.0  / TCP     spindle.example.com   ;  branch  =   z9hG4bK9ikj8");
        assert_eq!(via.to_string(), "SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8");
        assert_eq!(read("SIP/2.0/UDP h : 5061 ; rport").port, Some(5061));
    }

    #[test]
    fn ipv6_is_read_with_brackets_and_received_with_and_without() {
        let via = read("SIP/2.0/UDP [2001:db8::9:1]:5070;received=2001:db8::9:255;branch=z9hG4bKas3");
        assert_eq!(via.sent_by(), "[2001:db8::9:1]:5070");
        assert_eq!(via.param("received"), Some("2001:db8::9:255"));
        assert_eq!(read("SIP/2.0/UDP [::1];received=[2001:db8::1]").param("received"), Some("[2001:db8::1]"));
        assert!("SIP/2.0/UDP 2001:db8::1".parse::<Via>().is_err());
    }

    #[test]
    fn an_odd_branch_is_written_as_it_was_read() {
        let mut via = read("SIP/2.0/UDP h;rport;branch=z9hG4bK/a=b@c?");
        via.set_param("rport", Some("5062".to_owned()));
        assert_eq!(via.to_string(), "SIP/2.0/UDP h;rport=5062;branch=z9hG4bK/a=b@c?");
    }

    #[test]
    fn sent_by_is_compared_in_lower_case() {
        assert_eq!(Via::new(Transport::Udp, Host::Name("PBX.Example".to_owned()), None, "b").sent_by(), "pbx.example");
    }

    #[test]
    fn faults_are_refused() {
        for bad in ["", "SIP/2.0", "SIP/2.0/UDP", "SIP/3.0/UDP h", "HTTP/2.0/UDP h", "SIP/2.0/UDP 192.0.2.15;;,;,,"] {
            assert!(bad.parse::<Via>().is_err(), "{bad}");
        }
    }

    #[test]
    fn transports_are_read_in_any_case() {
        for transport in Transport::ALL {
            assert_eq!(transport.param().parse(), Ok(transport));
            assert_eq!(transport.to_string().parse(), Ok(transport));
        }
        assert!("SCTP".parse::<Transport>().is_err());
    }
}
