//! SIP over WebSocket (RFC 7118), for telephones in browsers: each frame is one message. They come by themselves; nobody
//! is called where no connection is.

use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, timeout};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

use super::connections::{Peer, Slot, log_knock};
use super::line::{Line, Shared};
use super::tcp::{FIRST_MAX, HANDSHAKE_MAX, WRITE_MAX};
use crate::call::io::Input;
use crate::sip::user_agent::{self, Channel};
use crate::sip::wire::Limits;

/// The subprotocol (RFC 7118 section 4.1).
const SIP: &str = "sip";
/// What is read at a time.
const READ_BYTES: usize = 8_192;
/// RFC 5626 section 3.5.1, which some telephones send in frames.
const PING: &[u8] = b"\r\n\r\n";
const PONG: &[u8] = b"\r\n";
/// A browser that has not answered pings for so many intervals is gone.
const UNANSWERED_MAX: u32 = 3;

/// Shakes hands over a connection and serves it to its end.
pub(super) async fn serve(line: Shared, stream: impl AsyncRead + AsyncWrite + Unpin + 'static, peer: Peer, slot: Slot) {
    let remote = peer.remote;
    let limit = Limits::default().message_bytes_max;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit))
        .write_buffer_size(0);
    let shaking = accept_hdr_async_with_config(stream, speaks_sip, Some(config));
    let Ok(Ok(socket)) = timeout(HANDSHAKE_MAX, shaking).await else {
        let now = line.borrow().clock.mono();
        log_knock(now, || {
            tracing::info!(%remote, "a WebSocket handshake failed: no browser's telephone, or not in time");
        });
        return;
    };
    let every = line.borrow().keep_alive;
    let (id, inbox) = line.borrow_mut().connections.add(peer.clone());
    let (sink, frames) = socket.split();
    let (pongs, to_write) = mpsc::channel(8);
    let writing = tokio::task::spawn_local(write(sink, inbox, to_write, every));
    let via = Channel { listener: peer.listener, connection: Some(id) };
    read(&line, via, &peer, frames, pongs, every).await;
    line.borrow_mut().connections.remove(id);
    writing.abort();
    Line::input(&line, Input::Sip(user_agent::Input::ConnectionClosed { connection: id }));
    drop(slot);
}

/// Only who asks for SIP is spoken to.
#[expect(clippy::result_large_err, reason = "the shape is the crate's")]
fn speaks_sip(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let offered = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let mut names = offered.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    if names.any(|name| name.trim().eq_ignore_ascii_case(SIP)) {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SIP));
        return Ok(response);
    }
    let mut refused = ErrorResponse::new(Some("ask for the subprotocol sip (RFC 7118)".to_owned()));
    *refused.status_mut() = StatusCode::BAD_REQUEST;
    Err(refused)
}

type Sink<S> = SplitSink<WebSocketStream<S>, Message>;

async fn write<S: AsyncRead + AsyncWrite + Unpin>(
    mut sink: Sink<S>,
    mut inbox: mpsc::Receiver<Vec<u8>>,
    mut pongs: mpsc::Receiver<Message>,
    every: Duration,
) {
    let mut ping = interval_at(Instant::now() + every, every);
    loop {
        let message = tokio::select! {
            bytes = inbox.recv() => match bytes {
                Some(bytes) => frame(bytes),
                None => break,
            },
            Some(pong) = pongs.recv() => pong,
            _ = ping.tick() => Message::Ping(Bytes::new()),
        };
        if !matches!(timeout(WRITE_MAX, sink.send(message)).await, Ok(Ok(()))) {
            return;
        }
    }
    let _ = timeout(WRITE_MAX, sink.close()).await;
}

/// Text where it is text: some telephones read nothing else.
fn frame(bytes: Vec<u8>) -> Message {
    match String::from_utf8(bytes) {
        Ok(text) => Message::text(text),
        Err(other) => Message::binary(other.into_bytes()),
    }
}

async fn read<S: AsyncRead + AsyncWrite + Unpin>(
    line: &Shared,
    via: Channel,
    peer: &Peer,
    mut frames: SplitStream<WebSocketStream<S>>,
    pongs: mpsc::Sender<Message>,
    every: Duration,
) {
    let first = Instant::now() + FIRST_MAX;
    let mut has_spoken = false;
    loop {
        let silent_max = Instant::now() + every * UNANSWERED_MAX;
        let until = if has_spoken { silent_max } else { first };
        let Ok(Some(Ok(message))) = tokio::time::timeout_at(until, frames.next()).await else { return };
        let bytes = match &message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
            Message::Close(_) => return,
        };
        if bytes == PING {
            let _ = pongs.try_send(frame(PONG.to_vec()));
            continue;
        }
        has_spoken = true;
        let received = user_agent::Input::Received { via, source: peer.remote, bytes };
        Line::input(line, Input::Sip(received));
        if line.borrow().is_banned(peer.remote.ip()) {
            return;
        }
    }
}
