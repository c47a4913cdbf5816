//! Stream connections of the SIP thread: accepted or made, framed, and bounded in time and in what they queue. TLS is the
//! same, once its handshake is done.

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::connections::{Peer, Slot, log_knock};
use super::line::{Line, Shared};
use super::{tls, websocket};
use crate::call::io::Input;
use crate::sip::user_agent::{self, Channel, ConnectionId};
use crate::sip::wire::{Frame, Framer, Limits, Transport};

pub(super) const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A handshake, of TLS or WebSocket, takes no longer.
pub(super) const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// Whoever connects says something whole in this time.
pub(super) const FIRST_MAX: Duration = Duration::from_secs(30);
/// A message that has begun is complete in this time, however slowly it trickles.
const MESSAGE_MAX: Duration = Duration::from_secs(10);
/// A connection on which nothing came for so long is closed.
pub(super) const IDLE_MAX: Duration = Duration::from_secs(900);
/// A peer that takes nothing for so long has gone.
pub(super) const WRITE_MAX: Duration = Duration::from_secs(10);
/// What is left to be written when a connection ends has so long.
const FLUSH_MAX: Duration = Duration::from_secs(1);
/// RFC 5626 section 4.4.1: a peer that answers pings answers this one in time.
const PONG_MAX: Duration = Duration::from_secs(10);
const PING: &[u8] = b"\r\n\r\n";
/// RFC 5626 section 3.5.1: the answer to a double CRLF.
const PONG: &[u8] = b"\r\n";
/// Line ends that may be half a ping are no message that has begun.
const HALF_PING: usize = 3;

/// Accepts until the line ends.
pub(super) async fn accept(line: Shared, listener: usize, transport: Transport, socket: TcpListener) {
    let slots = line.borrow().connections.slots();
    loop {
        match socket.accept().await {
            // Closed at once, without a word.
            Ok((_, remote)) if line.borrow().is_banned(remote.ip()) => {}
            Ok((stream, remote)) => {
                let Some(slot) = slots.take(remote.ip()) else {
                    let now = line.borrow().clock.mono();
                    log_knock(now, || {
                        tracing::warn!(%remote, "a connection was refused: too many are open; see [sip] connections_max");
                    });
                    continue;
                };
                let _ = stream.set_nodelay(true);
                tokio::task::spawn_local(welcome(line.clone(), listener, transport, stream, remote, slot));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn welcome(
    line: Shared,
    listener: usize,
    transport: Transport,
    stream: TcpStream,
    remote: SocketAddr,
    slot: Slot,
) {
    let peer = Peer { listener, remote, name: None };
    match transport {
        Transport::Tls => {
            let Some(stream) = tls::accept(&line, stream, remote).await else { return };
            serve_accepted(line, stream, peer, slot).await;
        }
        Transport::Wss => {
            let Some(stream) = tls::accept(&line, stream, remote).await else { return };
            websocket::serve(line, stream, peer, slot).await;
        }
        Transport::Ws => websocket::serve(line, stream, peer, slot).await,
        Transport::Udp | Transport::Tcp => serve_accepted(line, stream, peer, slot).await,
    }
}

async fn serve_accepted(line: Shared, stream: impl AsyncRead + AsyncWrite + 'static, peer: Peer, slot: Slot) {
    let remote = peer.remote;
    let via = peer.listener;
    let (id, inbox) = line.borrow_mut().connections.add(peer);
    let kept = Kept { id, via: Channel { listener: via, connection: Some(id) }, remote, ping_every: None };
    serve(line, stream, inbox, kept).await;
    drop(slot);
}

/// Makes the connection whose messages wait in `inbox`, and serves it from then on.
pub(super) async fn connect(line: Shared, id: ConnectionId, peer: Peer, inbox: mpsc::Receiver<Vec<u8>>) {
    let slot = line.borrow().connections.slots().take_own(peer.remote.ip());
    let made = match &slot {
        Some(_) => made(&line, &peer).await,
        None => Err("too many connections are open; see [sip] connections_max".to_owned()),
    };
    let channel = Channel { listener: peer.listener, connection: None };
    let remote = peer.remote;
    match made {
        Err(why) => {
            {
                let mut guard = line.borrow_mut();
                guard.connections.remove(id);
                guard.connections.failed(&peer, &why);
            }
            Line::input(&line, Input::Sip(user_agent::Input::TransportFailed { channel, to: remote }));
        }
        Ok(stream) => {
            let ping_every = {
                let mut guard = line.borrow_mut();
                guard.connections.made(&peer);
                Some(guard.keep_alive)
            };
            let via = Channel { connection: Some(id), ..channel };
            let kept = Kept { id, via, remote, ping_every };
            match stream {
                Made::Plain(stream) => serve(line, stream, inbox, kept).await,
                Made::Tls(stream) => serve(line, *stream, inbox, kept).await,
            }
        }
    }
}

enum Made {
    Plain(TcpStream),
    Tls(Box<tls::ClientStream>),
}

async fn made(line: &Shared, peer: &Peer) -> Result<Made, String> {
    let stream = match timeout(CONNECT_MAX, TcpStream::connect(peer.remote)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_) => return Err("it did not answer in time".to_owned()),
    };
    let _ = stream.set_nodelay(true);
    let transport = line.borrow().transport(peer.listener);
    match transport {
        Transport::Tls => tls::connect(line, stream, peer).await.map(|stream| Made::Tls(Box::new(stream))),
        Transport::Udp | Transport::Tcp => Ok(Made::Plain(stream)),
        Transport::Ws | Transport::Wss => Err("telephones in browsers come by themselves (RFC 7118)".to_owned()),
    }
}

/// A connection that is served.
struct Kept {
    id: ConnectionId,
    via: Channel,
    remote: SocketAddr,
    /// We made it, so it is ours to keep alive.
    ping_every: Option<Duration>,
}

async fn serve(
    line: Shared,
    stream: impl AsyncRead + AsyncWrite + 'static,
    inbox: mpsc::Receiver<Vec<u8>>,
    kept: Kept,
) {
    let (reader, writer) = split(stream);
    let mut writing = tokio::task::spawn_local(write(writer, inbox));
    let end = read(&line, &kept, reader, &mut writing).await;
    line.borrow_mut().connections.remove(kept.id);
    match end {
        End::Unwritten => {
            let failed = user_agent::Input::TransportFailed { channel: kept.via, to: kept.remote };
            Line::input(&line, Input::Sip(failed));
        }
        End::Read => {
            if kept.ping_every.is_some() {
                let closed = user_agent::Input::PeerClosed { channel: kept.via, remote: kept.remote };
                Line::input(&line, Input::Sip(closed));
            }
            if timeout(FLUSH_MAX, &mut writing).await.is_err() {
                writing.abort();
            }
        }
        End::Closed => {}
    }
    Line::input(&line, Input::Sip(user_agent::Input::ConnectionClosed { connection: kept.id }));
}

/// Writes what is queued until the queue is closed; an error is a message that did not go out.
async fn write(mut writer: impl AsyncWrite + Unpin, mut inbox: mpsc::Receiver<Vec<u8>>) -> Result<(), ()> {
    while let Some(bytes) = inbox.recv().await {
        let write = async {
            writer.write_all(&bytes).await?;
            writer.flush().await
        };
        match timeout(WRITE_MAX, write).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return Err(()),
        }
    }
    let _ = timeout(FLUSH_MAX, writer.shutdown()).await;
    Ok(())
}

/// Until when something has to happen on a connection, and when it is pinged.
struct Clocks {
    idle: Instant,
    /// The first message, or the one that has begun.
    message: Option<Instant>,
    ping: Option<Instant>,
    pong: Option<Instant>,
    /// The peer answers pings: only then does silence say that it is gone.
    answers: bool,
}

impl Clocks {
    fn start(kept: &Kept) -> Self {
        let now = Instant::now();
        Self {
            idle: now + IDLE_MAX,
            message: kept.ping_every.is_none().then(|| now + FIRST_MAX),
            ping: kept.ping_every.map(|every| now + every),
            pong: None,
            answers: false,
        }
    }

    /// When the connection is given up.
    fn end(&self) -> Instant {
        [self.message, self.pong].into_iter().flatten().fold(self.idle, Instant::min)
    }
}

/// How a connection ended.
enum End {
    /// The peer closed it, or said nothing for too long; what is queued still goes out.
    Read,
    /// We closed it, and what was queued has gone out.
    Closed,
    /// What was queued could not be sent.
    Unwritten,
}

/// Reads until the connection is over.
async fn read(
    line: &Shared,
    kept: &Kept,
    mut reader: impl AsyncRead + Unpin,
    writing: &mut JoinHandle<Result<(), ()>>,
) -> End {
    let mut framer = Framer::new(Limits::default());
    let mut buffer = vec![0; 8192];
    let mut clocks = Clocks::start(kept);
    loop {
        let ping = async {
            match clocks.ping {
                Some(at) => tokio::time::sleep_until(at).await,
                None => pending().await,
            }
        };
        tokio::select! {
            read = timeout_at(clocks.end(), reader.read(&mut buffer)) => {
                let Ok(Ok(length)) = read else { return End::Read };
                if length == 0 || !take(line, kept, &mut framer, &buffer[..length], &mut clocks) {
                    return End::Read;
                }
            }
            written = &mut *writing => {
                return if matches!(written, Ok(Ok(()))) { End::Closed } else { End::Unwritten };
            }
            () = ping => {
                clocks.ping = kept.ping_every.map(|every| Instant::now() + every);
                // One that is awaited already is not put off by the next ping.
                clocks.pong = clocks.pong.or(clocks.answers.then(|| Instant::now() + PONG_MAX));
                line.borrow_mut().connections.send(kept.id, PING.to_vec());
            }
        }
    }
}

/// Hands on what came; false when the stream can't be read on.
fn take(line: &Shared, kept: &Kept, framer: &mut Framer, mut bytes: &[u8], clocks: &mut Clocks) -> bool {
    let now = Instant::now();
    clocks.idle = now + IDLE_MAX;
    clocks.pong = None;
    // To one who pings a single line end is the answer, not the first half of a ping.
    if kept.ping_every.is_some() && bytes.starts_with(PONG) && !bytes.starts_with(PING) && framer.held_bytes() == 0 {
        clocks.answers = true;
        bytes = &bytes[PONG.len()..];
    }
    framer.push(bytes);
    loop {
        match framer.next() {
            Ok(Some(Frame::Message(bytes))) => {
                clocks.message = None;
                let received = user_agent::Input::Received { via: kept.via, source: kept.remote, bytes: &bytes };
                Line::input(line, Input::Sip(received));
                // What was answered last still goes out.
                if line.borrow().is_banned(kept.remote.ip()) {
                    return false;
                }
            }
            Ok(Some(Frame::Ping)) => {
                line.borrow_mut().connections.send(kept.id, PONG.to_vec());
            }
            Ok(None) => break,
            Err(error) => {
                tracing::debug!(remote = %kept.remote, %error, "a connection was closed: its framing is lost");
                return false;
            }
        }
    }
    if framer.held_bytes() > HALF_PING {
        clocks.message.get_or_insert(now + MESSAGE_MAX);
    }
    true
}
