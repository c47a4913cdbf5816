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
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    fn new(stream: Stream, permit: OwnedSemaphorePermit) -> Self {
        Self { stream, silence: Box::pin(sleep_until(Instant::now() + SILENCE_MAX)), _permit: permit }
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
        let went = self.stream.poll(cx, |stream, cx| stream.poll_read(cx, buf));
        self.watched(cx, went)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let went = self.stream.poll(cx, |stream, cx| stream.poll_write(cx, buf));
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
