//! A TCP listener that holds a bounded number of connections, plain or over TLS, each for as long as something goes over it.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use std::{future, io};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_rustls::{Accept, TlsAcceptor, server::TlsStream};

use super::access::DeskAccess;

/// A connection over which nothing goes for so long is closed: who is slow with a request, or takes no answer, does not
/// hold its room for ever.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// For the head of a request, from its first byte to the empty line: single bytes don't make it longer. Bodies have limits of
/// their own, where they are read.
const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// Accepts the next connection once there is room for it; until then it waits in the system's own queue.
pub(super) struct Bounded {
    listener: TcpListener,
    room: Arc<Semaphore>,
    /// Who has the certificates of now, where connections are over TLS.
    tls: Option<DeskAccess>,
}

impl Bounded {
    pub fn new(listener: TcpListener, connections_max: usize, tls: Option<DeskAccess>) -> Self {
        Self { listener, room: Arc::new(Semaphore::new(connections_max)), tls }
    }
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let Ok(permit) = Arc::clone(&self.room).acquire_owned().await else {
            // Nobody closes the semaphore; if somebody did, there would be no room ever again.
            return future::pending().await;
        };
        // axum's own accept waits and tries again when the process has no file descriptor left.
        loop {
            let (stream, address) = Listener::accept(&mut self.listener).await;
            let stream = match &self.tls {
                None => Stream::Plain(stream),
                // Hands are shaken as the connection is read: who is slow with it holds up nobody else.
                Some(access) => match access.tls() {
                    Some(tls) => Stream::Shaking(Box::new(TlsAcceptor::from(tls).accept(stream))),
                    None => continue,
                },
            };
            return (Connection::new(stream, permit), address);
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Whom a connection is from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub SocketAddr);

impl Connected<IncomingStream<'_, Bounded>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Bounded>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// A connection that gives its room back when it ends.
pub(super) struct Connection {
    stream: Stream,
    silence: Pin<Box<Sleep>>,
    head: Head,
    head_within: Duration,
    /// When the head that is coming is to be here.
    head_until: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

/// Where the request of a connection is: hyper, as axum sets it up, has no clock for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    /// The next byte begins one.
    Awaited,
    /// Some of it is here. `begun`: more than the empty lines that may stand before it; `empty`: nothing yet in its last line.
    Coming { begun: bool, empty: bool },
    /// All of it is here: what comes now is the body.
    Here,
}

impl Head {
    fn read(self, bytes: &[u8]) -> Self {
        bytes.iter().fold(self, |head, byte| match (head, byte) {
            (Head::Here, _) => Head::Here,
            (Head::Awaited, b'\r' | b'\n') => Head::Coming { begun: false, empty: false },
            (Head::Coming { begun: false, .. }, b'\r' | b'\n') => head,
            (Head::Coming { empty: true, .. }, b'\n') => Head::Here,
            (Head::Coming { begun, .. }, b'\n') => Head::Coming { begun, empty: true },
            (Head::Coming { .. }, b'\r') => head,
            (Head::Awaited | Head::Coming { .. }, _) => Head::Coming { begun: true, empty: false },
        })
    }

    /// After an answer another request comes; 100 (Continue) is none (RFC 9110 section 15.2.1).
    fn written(self, bytes: &[u8]) -> Self {
        if self == Head::Here && !bytes.starts_with(b"HTTP/1.1 100") { Head::Awaited } else { self }
    }
}

impl Connection {
    fn new(stream: Stream, permit: OwnedSemaphorePermit) -> Self {
        let now = Instant::now();
        Self {
            stream,
            silence: Box::pin(sleep_until(now + SILENCE_MAX)),
            head: Head::Awaited,
            head_within: HEAD_WITHIN,
            head_until: Box::pin(sleep_until(now + HEAD_WITHIN)),
            _permit: permit,
        }
    }

    /// Notes what of a head has come, and whether it takes too long.
    fn head_in_time(&mut self, cx: &mut Context<'_>, came: &[u8]) -> io::Result<()> {
        let before = self.head;
        self.head = before.read(came);
        if before == Head::Awaited && self.head != before {
            self.head_until.as_mut().reset(Instant::now() + self.head_within);
        }
        let coming = matches!(self.head, Head::Coming { .. });
        if coming && self.head_until.as_mut().poll(cx).is_ready() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }

    /// Notes that something went over it, or that it has been silent for too long.
    fn watched<T>(&mut self, cx: &mut Context<'_>, went: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if went.is_ready() {
            self.silence.as_mut().reset(Instant::now() + SILENCE_MAX);
            return went;
        }
        match self.silence.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// What a connection goes over.
enum Stream {
    Plain(TcpStream),
    Shaking(Box<Accept<TcpStream>>),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Goes on with the handshake, where there is one; what comes of it is ready.
    fn poll_shaken(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Stream::Shaking(accept) = self {
            let stream = std::task::ready!(Pin::new(accept.as_mut()).poll(cx))?;
            *self = Stream::Tls(Box::new(stream));
        }
        Poll::Ready(Ok(()))
    }

    fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        work: impl FnOnce(Pin<&mut dyn Both>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        std::task::ready!(self.poll_shaken(cx))?;
        match self {
            Stream::Plain(stream) => work(Pin::new(stream), cx),
            Stream::Tls(stream) => work(Pin::new(stream.as_mut()), cx),
            Stream::Shaking(_) => Poll::Pending,
        }
    }
}

trait Both: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Both for T {}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let went = self.stream.poll(cx, |stream, cx| stream.poll_read(cx, buf));
        self.head_in_time(cx, buf.filled().get(before..).unwrap_or_default())?;
        self.watched(cx, went)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let went = self.stream.poll(cx, |stream, cx| stream.poll_write(cx, buf));
        if matches!(went, Poll::Ready(Ok(written)) if written > 0) {
            self.head = self.head.written(buf);
        }
        self.watched(cx, went)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let went = self.stream.poll(cx, |stream, cx| stream.poll_flush(cx));
        self.watched(cx, went)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.poll(cx, |stream, cx| stream.poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn a_head_ends_with_its_empty_line_and_the_next_begins_after_the_answer() {
        let whole = Head::Awaited.read(b"\r\n\r\nGET / HTTP/1.1\r\nHost: desk\r\n\r\n");
        assert_eq!(whole, Head::Here);
        assert!(matches!(Head::Awaited.read(b"\r\n\r\n\r\n"), Head::Coming { begun: false, .. }), "nothing began");
        assert!(matches!(Head::Awaited.read(b"GET / HTTP/1.1\r\nHost: desk\r\n\r"), Head::Coming { .. }));
        let bytes = b"GET / HTTP/1.1\nHost: desk\n\n".chunks(1);
        assert_eq!(bytes.fold(Head::Awaited, Head::read), Head::Here);
        assert_eq!(whole.written(b"HTTP/1.1 100 Continue\r\n\r\n"), Head::Here);
        assert_eq!(whole.written(b"HTTP/1.1 200 OK\r\n"), Head::Awaited);
    }

    /// A connection whose heads are to come within so long, and its other end.
    async fn connected(head_within: Duration) -> (Connection, TcpStream) {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let (accepted, other) = tokio::join!(listener.accept(), TcpStream::connect(address));
        let room = Arc::new(Semaphore::new(1)).acquire_owned().await.expect("it is open");
        let connection = Connection::new(Stream::Plain(accepted.expect("it comes").0), room);
        (Connection { head_within, ..connection }, other.expect("it is there"))
    }

    /// Writes the same byte again and again, for as long as somebody reads.
    async fn trickle(mut stream: TcpStream, byte: u8) {
        let mut beat = tokio::time::interval(Duration::from_millis(5));
        loop {
            beat.tick().await;
            if stream.write_all(&[byte]).await.is_err() {
                return future::pending().await;
            }
        }
    }

    #[tokio::test]
    async fn single_bytes_do_not_make_the_time_for_a_head_longer() {
        for byte in [b'a', b'\n'] {
            let (mut connection, other) = connected(Duration::from_millis(100)).await;
            let read = async {
                loop {
                    if let Err(error) = connection.read_u8().await {
                        return error.kind();
                    }
                }
            };
            tokio::select! {
                kind = read => assert_eq!(kind, io::ErrorKind::TimedOut),
                () = trickle(other, byte) => {}
            }
        }
    }

    #[tokio::test]
    async fn a_body_may_take_longer_than_a_head() {
        let (mut connection, mut other) = connected(Duration::from_millis(20)).await;
        other.write_all(b"POST / HTTP/1.1\r\n\r\n").await.expect("it is read");
        let read = async {
            for _ in 0..40 {
                connection.read_u8().await.expect("nothing ends it");
            }
        };
        tokio::select! {
            () = read => {}
            () = trickle(other, b'a') => {}
        }
    }
}
