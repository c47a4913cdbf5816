//! The sockets that SIP and the console are heard on, bound before any thread runs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

use super::DaemonError;
use crate::config::{Config, Listen};
use crate::driver::line::Listening;
use crate::sip::wire::Transport;

/// A socket, and what it is bound to.
pub(super) struct Bound {
    pub transport: Transport,
    pub address: SocketAddr,
    pub socket: Listening,
}

pub(super) fn bind_sip(config: &Config, wanted: &[Transport]) -> Result<Vec<Bound>, DaemonError> {
    let mut bound: Vec<Bound> = Vec::new();
    for listen in &config.sip.listen {
        bound.push(match (*listen, transport_of(*listen)) {
            (Listen::Udp(address), transport) => {
                let fault = |source| DaemonError::Bind { what: "SIP", address, key: "[sip] listen", source };
                let socket = UdpSocket::bind(address).map_err(fault)?;
                socket.set_nonblocking(true).map_err(fault)?;
                widen(&socket);
                let address = socket.local_addr().map_err(fault)?;
                Bound { transport, address, socket: Listening::Udp(socket) }
            }
            (stream, transport) => {
                let address = stream.address();
                let socket = bind_tcp("SIP", address, "[sip] listen")?;
                let fault = |source| DaemonError::Bind { what: "SIP", address, key: "[sip] listen", source };
                let address = socket.local_addr().map_err(fault)?;
                Bound { transport, address, socket: Listening::Stream(transport, socket) }
            }
        });
    }
    bound.extend(wanted.iter().flat_map(|transport| nowhere(*transport, &config.sip.listen)));
    Ok(bound)
}

/// What a trunk's connections are made from where nobody connects to us over that transport: one for each family of
/// addresses that we listen on.
fn nowhere(transport: Transport, listen: &[Listen]) -> Vec<Bound> {
    let port = match transport {
        Transport::Tcp => 5060,
        Transport::Tls => 5061,
        Transport::Udp | Transport::Ws | Transport::Wss => return Vec::new(),
    };
    let families: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    let of_family = |any: IpAddr| listen.iter().filter(move |listen| listen.address().is_ipv4() == any.is_ipv4());
    let is_wanted = |any: &IpAddr| {
        let mut there = of_family(*any).peekable();
        there.peek().is_some() && there.all(|listen| transport_of(*listen) != transport)
    };
    let bound = |any: IpAddr| {
        let address = SocketAddr::new(any, port);
        Bound { transport, address, socket: Listening::Nowhere(transport, address) }
    };
    families.into_iter().filter(is_wanted).map(bound).collect()
}

fn transport_of(listen: Listen) -> Transport {
    match listen {
        Listen::Udp(_) => Transport::Udp,
        Listen::Tcp(_) => Transport::Tcp,
        Listen::Tls(_) => Transport::Tls,
        Listen::Ws(_) => Transport::Ws,
        Listen::Wss(_) => Transport::Wss,
    }
}

pub(super) fn bind_tcp(what: &'static str, address: SocketAddr, key: &'static str) -> Result<TcpListener, DaemonError> {
    let fault = |source| DaemonError::Bind { what, address, key, source };
    let socket = TcpListener::bind(address).map_err(fault)?;
    socket.set_nonblocking(true).map_err(fault)?;
    Ok(socket)
}

/// A burst of INVITEs must not be lost in the kernel while one is answered.
fn widen(socket: &UdpSocket) {
    const BUFFER_BYTES: usize = 4 << 20;
    let socket = socket2::SockRef::from(socket);
    let _ = socket.set_recv_buffer_size(BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(BUFFER_BYTES);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trunk_is_reached_over_both_families_where_nobody_listens() {
        let listen = |text: &str| -> Listen {
            let (transport, address) = text.split_once(' ').expect("two words");
            let address = address.parse().expect("an address");
            if transport == "udp" { Listen::Udp(address) } else { Listen::Tls(address) }
        };
        for (listeners, expected) in [
            (&["udp 0.0.0.0:5060"][..], &["0.0.0.0:5061"][..]),
            (&["udp [::]:5060"], &["[::]:5061"]),
            (&["udp 0.0.0.0:5060", "udp [::]:5060"], &["0.0.0.0:5061", "[::]:5061"]),
            (&["udp 0.0.0.0:5060", "udp [::]:5060", "tls 0.0.0.0:5061"], &["[::]:5061"]),
            (&["tls 0.0.0.0:5061"], &[]),
        ] {
            let listeners: Vec<Listen> = listeners.iter().map(|text| listen(text)).collect();
            let bound = nowhere(Transport::Tls, &listeners);
            let addresses: Vec<String> = bound.iter().map(|bound| bound.address.to_string()).collect();
            assert_eq!(addresses, expected, "{listeners:?}");
        }
    }
}
