//! TLS handshakes of the SIP thread, and whom an outgoing connection is to lead to (RFC 5922).

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use super::connections::{Peer, log_knock};
use super::line::Shared;
use super::tcp::HANDSHAKE_MAX;
use crate::metrics::METRICS;
use crate::sip::wire::{Limits, Message, parse_datagram};
use crate::tls::{server_name, why};

pub(super) type ClientStream = client::TlsStream<TcpStream>;
pub(super) type ServerStream = server::TlsStream<TcpStream>;

/// The other side begins. Scanners knock at every open port: a failure is no warning.
pub(super) async fn accept(line: &Shared, stream: TcpStream, remote: SocketAddr) -> Option<ServerStream> {
    let server = line.borrow().tls.as_ref().map(|tls| Arc::clone(&tls.server))?;
    let failure = match timeout(HANDSHAKE_MAX, TlsAcceptor::from(server).accept(stream)).await {
        Ok(Ok(stream)) => {
            METRICS.tls_handshakes.add(1);
            return Some(stream);
        }
        Ok(Err(error)) => why(&error),
        Err(_) => "it did not finish in time".to_owned(),
    };
    METRICS.tls_handshakes_failed.add(1);
    let now = line.borrow().clock.mono();
    log_knock(now, || tracing::info!(%remote, why = failure, "a TLS handshake failed"));
    None
}

/// We begin: the server has to prove the name that it is called by.
///
/// # Errors
/// Why there is no connection, in words.
pub(super) async fn connect(line: &Shared, stream: TcpStream, peer: &Peer) -> Result<ClientStream, String> {
    let client = line.borrow().tls.as_ref().map(|tls| Arc::clone(&tls.client));
    let client = client.ok_or("there is no TLS listener")?;
    let host = peer.name.clone().unwrap_or_else(|| peer.remote.ip().to_string());
    let name = server_name(&host).ok_or_else(|| format!("{host} is no name that a certificate can have"))?;
    match timeout(HANDSHAKE_MAX, TlsConnector::from(client).connect(name, stream)).await {
        Ok(Ok(stream)) => {
            METRICS.tls_handshakes.add(1);
            Ok(stream)
        }
        Ok(Err(error)) => {
            METRICS.tls_handshakes_failed.add(1);
            Err(why(&error))
        }
        Err(_) => Err("its TLS handshake did not finish in time".to_owned()),
    }
}

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Addressee {
    /// The host of its next hop (RFC 5922 section 7.3): first route, or Request-URI; of a response that of its Via.
    pub host: String,
    /// It belongs to a dialog: whoever began that one has proven who they are, and their Contact may be a bare address.
    pub in_dialog: bool,
}

pub(super) fn addressee(bytes: &[u8]) -> Option<Addressee> {
    match parse_datagram(bytes, &Limits::default()).ok()? {
        Message::Request(request) => {
            let routes = request.headers.routes().unwrap_or_default();
            let hop = routes.into_iter().next().map_or(request.uri, |route| route.uri);
            let host = hop.host?.to_string();
            let in_dialog = request.headers.to().is_ok_and(|to| to.tag().is_some());
            Some(Addressee { host: host.to_ascii_lowercase(), in_dialog })
        }
        Message::Response(response) => {
            let host = response.headers.via_top().ok()?.host.to_string().to_ascii_lowercase();
            Some(Addressee { host, in_dialog: true })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(extra: &str, to_tag: &str) -> Option<Addressee> {
        let text = format!(
            "INVITE sip:201@Trunk.example;transport=tls SIP/2.0\r\nVia: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bKa\r\n\
             From: <sip:a@192.0.2.1>;tag=x\r\nTo: <sip:201@trunk.example>{to_tag}\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\
             Max-Forwards: 70\r\n{extra}Content-Length: 0\r\n\r\n"
        );
        addressee(text.as_bytes())
    }

    #[test]
    fn the_next_hop_says_whom_the_connection_is_to_lead_to() {
        let to = |host: &str, in_dialog| Some(Addressee { host: host.to_owned(), in_dialog });
        assert_eq!(request("", ""), to("trunk.example", false));
        assert_eq!(request("", ";tag=y"), to("trunk.example", true));
        assert_eq!(request("Route: <sip:Edge.example;lr>\r\n", ""), to("edge.example", false));
        assert_eq!(addressee(b"\r\n"), None);
    }
}
