//! Stream connections of the SIP thread: accepted or made, framed, bounded in number, in time and in what they queue.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::line::{Line, Shared};
use crate::call::io::Input;
use crate::sip::user_agent::{self, Channel, ConnectionId};
use crate::sip::wire::{Frame, Framer, Limits};

/// Connections open at once.
const CONNECTIONS_MAX: usize = 1000;
/// Messages that wait to be written to one connection; a peer that does not read loses it.
const QUEUE_MAX: usize = 64;
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A connection on which nothing came for so long is closed.
const IDLE_MAX: Duration = Duration::from_secs(900);
/// RFC 5626 section 3.5.1: the answer to a double CRLF.
const PONG: &[u8] = b"\r\n";

#[derive(Default)]
pub(super) struct Connections {
    next: u64,
    open: HashMap<ConnectionId, Connection>,
    by_remote: HashMap<(usize, SocketAddr), ConnectionId>,
}

struct Connection {
    listener: usize,
    remote: SocketAddr,
    outbox: mpsc::Sender<Vec<u8>>,
}

impl Connections {
    /// Queues a message; false when there is no such connection or it takes nothing more.
    pub fn send(&self, connection: ConnectionId, bytes: Vec<u8>) -> bool {
        self.open.get(&connection).is_some_and(|c| c.outbox.try_send(bytes).is_ok())
    }

    pub fn is_open(&self, connection: ConnectionId) -> bool {
        self.open.contains_key(&connection)
    }

    pub fn to(&self, listener: usize, remote: SocketAddr) -> Option<ConnectionId> {
        self.by_remote.get(&(listener, remote)).copied()
    }

    fn add(&mut self, listener: usize, remote: SocketAddr) -> Option<(ConnectionId, mpsc::Receiver<Vec<u8>>)> {
        if self.open.len() >= CONNECTIONS_MAX {
            return None;
        }
        self.next += 1;
        let id = ConnectionId(self.next);
        let (outbox, inbox) = mpsc::channel(QUEUE_MAX);
        self.open.insert(id, Connection { listener, remote, outbox });
        self.by_remote.insert((listener, remote), id);
        Some((id, inbox))
    }

    fn remove(&mut self, id: ConnectionId) {
        if let Some(connection) = self.open.remove(&id) {
            let key = (connection.listener, connection.remote);
            if self.by_remote.get(&key) == Some(&id) {
                self.by_remote.remove(&key);
            }
        }
    }
}

/// Accepts until the line ends.
pub(super) async fn accept(line: Shared, listener: usize, socket: TcpListener) {
    loop {
        match socket.accept().await {
            // Closed at once, without a word.
            Ok((_, remote)) if line.borrow().is_banned(remote.ip()) => {}
            Ok((stream, remote)) => {
                let line = line.clone();
                tokio::task::spawn_local(serve(line, listener, stream, remote, None));
            }
            Err(error) => {
                tracing::warn!(%error, "a TCP connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Connects, sends the first message, and serves the connection from then on.
pub(super) async fn connect(line: Shared, listener: usize, remote: SocketAddr, first: Vec<u8>) {
    match timeout(CONNECT_MAX, TcpStream::connect(remote)).await {
        Ok(Ok(stream)) => serve(line, listener, stream, remote, Some(first)).await,
        Ok(Err(_)) | Err(_) => {
            let channel = Channel { listener, connection: None };
            Line::input(&line, Input::Sip(user_agent::Input::TransportFailed { channel, to: remote }));
        }
    }
}

async fn serve(line: Shared, listener: usize, stream: TcpStream, remote: SocketAddr, first: Option<Vec<u8>>) {
    let Some((id, inbox)) = line.borrow_mut().connections.add(listener, remote) else {
        tracing::warn!(%remote, limit = CONNECTIONS_MAX, "a TCP connection was refused: too many are open");
        return;
    };
    let _ = stream.set_nodelay(true);
    if let Some(first) = first {
        line.borrow().connections.send(id, first);
    }
    let (reader, writer) = stream.into_split();
    let writing = tokio::task::spawn_local(write(writer, inbox));
    read(&line, Channel { listener, connection: Some(id) }, id, reader, remote).await;
    writing.abort();
    line.borrow_mut().connections.remove(id);
    Line::input(&line, Input::Sip(user_agent::Input::ConnectionClosed { connection: id }));
}

async fn write(mut writer: tokio::net::tcp::OwnedWriteHalf, mut inbox: mpsc::Receiver<Vec<u8>>) {
    while let Some(bytes) = inbox.recv().await {
        if writer.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

async fn read(
    line: &Shared,
    via: Channel,
    id: ConnectionId,
    mut reader: tokio::net::tcp::OwnedReadHalf,
    source: SocketAddr,
) {
    let mut framer = Framer::new(Limits::default());
    let mut buffer = vec![0; 8192];
    loop {
        let Ok(Ok(length)) = timeout(IDLE_MAX, reader.read(&mut buffer)).await else { return };
        if length == 0 {
            return;
        }
        framer.push(&buffer[..length]);
        loop {
            match framer.next() {
                Ok(Some(Frame::Message(bytes))) => {
                    let received = user_agent::Input::Received { via, source, bytes: &bytes };
                    Line::input(&Rc::clone(line), Input::Sip(received));
                    if line.borrow().is_banned(source.ip()) {
                        // The last answer gets its turn.
                        tokio::task::yield_now().await;
                        return;
                    }
                }
                Ok(Some(Frame::Ping)) => {
                    line.borrow().connections.send(id, PONG.to_vec());
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::debug!(%source, %error, "a TCP connection was closed: its framing is lost");
                    return;
                }
            }
        }
    }
}
