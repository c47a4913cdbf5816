//! The console over HTTP: health, readiness, metrics, the API for programs (`api`) and pages for people (`pages`); whatever
//! else is asked gets an RFC 9457 problem.
//!
//! - `access`, `pool`, `shared`: what requests share: settings, connections to the database.
//! - `board`: what happens at the desk now, looked at once for all who watch.
//! - `daemon_ask`: what is asked of the daemon and its line.
//! - `gate`: who a browser is. `tries`: who shows too many wrong secrets. `listener`: connections, plain or over TLS.
//!
//! The only room that names `axum`.

mod access;
mod api;
mod board;
mod daemon_ask;
mod exports;
mod gate;
mod listener;
mod pages;
mod pool;
mod problem;
mod shared;
mod tries;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::{mpsc, oneshot};

pub use self::access::{DeskAccess, DeskSettings};
pub use self::daemon_ask::{ASKS_MAX, DaemonAsk};
pub use self::gate::GateOptions;

use self::api::Events;
use self::daemon_ask::Daemon;
use self::listener::{Bounded, Peer};
use self::problem::ProblemDetails;
use self::shared::Shared;
use crate::metrics::METRICS;

/// Connections at the same time; more wait to be accepted. A browser keeps several, one of them for what happens.
const CONNECTIONS_MAX: usize = 1_024;

/// Whether the line takes calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    Starting,
    Ready,
    Stopping,
}

/// What the console knows of the daemon. Clones share it.
#[derive(Debug, Clone)]
pub struct ConsoleState {
    readiness: Arc<AtomicU8>,
}

impl Default for ConsoleState {
    fn default() -> Self {
        Self::new()
    }
}

impl ConsoleState {
    /// Begins as `Starting`.
    pub fn new() -> Self {
        Self { readiness: Arc::new(AtomicU8::new(Readiness::Starting as u8)) }
    }

    pub fn set_readiness(&self, readiness: Readiness) {
        self.readiness.store(readiness as u8, Ordering::Release);
    }

    pub fn readiness(&self) -> Readiness {
        match self.readiness.load(Ordering::Acquire) {
            n if n == Readiness::Starting as u8 => Readiness::Starting,
            n if n == Readiness::Ready as u8 => Readiness::Ready,
            _ => Readiness::Stopping,
        }
    }
}

/// Answers that are still under way when it is to stop have so long.
const END_WITHIN: Duration = Duration::from_secs(3);

/// Serves until `shutdown` comes, asking `daemon` what it must know of the line, then lets open requests end, for 3 s at most.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    listener: tokio::net::TcpListener,
    state: ConsoleState,
    (access, gate): (DeskAccess, GateOptions),
    daemon: mpsc::Sender<DaemonAsk>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let events = Events::default();
    let looking = tokio::spawn(events.clone().run(access.database.clone()));
    let tls = gate.tls.then(|| access.clone());
    let shared = Shared::new(access, events.clone(), gate, Daemon::new(daemon));
    let watching = tokio::spawn(Arc::clone(&shared.board).run());
    let service = router(state, shared).into_make_service_with_connect_info::<Peer>();
    let (late, is_late) = oneshot::channel::<()>();
    let stop = async move {
        shutdown.await;
        events.stop();
        tokio::spawn(async move {
            tokio::time::sleep(END_WITHIN).await;
            let _ = late.send(());
        });
    };
    let served = axum::serve(Bounded::new(listener, CONNECTIONS_MAX, tls), service).with_graceful_shutdown(stop);
    let ended = tokio::select! {
        ended = served => ended,
        Ok(()) = is_late => Ok(()),
    };
    looking.abort();
    watching.abort();
    ended
}

fn router(state: ConsoleState, shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .merge(api::router(Arc::clone(&shared)))
        .merge(pages::router(Arc::clone(&shared)))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(shared, for_nobody_else))
        .with_state(state)
}

/// What answers that are no pages may do in a browser: a sheet or a report is read and printed. Nothing in it is to run or to
/// be fetched, whatever it quotes.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";
/// Browsers that came over HTTPS come by it again for a year; other names of the domain are not ours to speak for.
const HTTPS_ONLY: &str = "max-age=31536000";

/// Nothing of the desk is to be kept by proxies and browsers, framed, or taken for something else than it says.
async fn for_nobody_else(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let origin = shared.gate.origin(peer.0.ip(), request.headers());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // Pages have their own.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    headers.entry(header::X_FRAME_OPTIONS).or_insert(HeaderValue::from_static("DENY"));
    if origin.secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HTTPS_ONLY));
    }
    // Files of the console itself are nobody's secret, and say so themselves.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The process runs.
async fn healthz() -> &'static str {
    "ok\n"
}

/// The line takes calls.
async fn readyz(State(state): State<ConsoleState>) -> Response {
    let why = match state.readiness() {
        Readiness::Ready => return "ready\n".into_response(),
        Readiness::Starting => "the line is starting",
        Readiness::Stopping => "the line is stopping: live calls end, new ones are not taken",
    };
    ProblemDetails::new(StatusCode::SERVICE_UNAVAILABLE, why).into_response()
}

async fn metrics() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], METRICS.text())
}

async fn not_found(uri: Uri) -> ProblemDetails {
    ProblemDetails::new(StatusCode::NOT_FOUND, "there is nothing here").at(uri.path())
}

async fn method_not_allowed(method: Method, uri: Uri) -> ProblemDetails {
    ProblemDetails::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not understood here")).at(uri.path())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    /// The console on a free port, asked over a real connection.
    struct ConsoleTest {
        address: SocketAddr,
        state: ConsoleState,
        stop: oneshot::Sender<()>,
        served: tokio::task::JoinHandle<io::Result<()>>,
    }

    /// A desk without people.
    pub fn settings() -> DeskSettings {
        DeskSettings {
            time_zone: chrono_tz::UTC,
            cadence: crate::desk::answer_time::Cadence::default(),
            clocks: Arc::default(),
            people: Arc::new(crate::desk::people::Directory::parse("", "people.toml").unwrap()),
            flow: Arc::default(),
            hours: Arc::new(
                crate::desk::hours::Hours::parse(crate::desk::hours::Hours::default_text(), "hours.toml").unwrap(),
            ),
            numbers: crate::types::NumberPlan::default(),
            owner: "desk".to_owned(),
            desk_names: std::collections::BTreeMap::new(),
            retention: crate::desk::retention::Retention::default(),
        }
    }

    impl ConsoleTest {
        async fn start() -> Self {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let address = listener.local_addr().unwrap();
            let state = ConsoleState::new();
            let (stop, stopped) = oneshot::channel();
            let (daemon, _) = mpsc::channel(1);
            let shutdown = async { stopped.await.unwrap_or(()) };
            let folder = tempfile::tempdir().unwrap();
            let settings = settings();
            let access = DeskAccess::new(folder.path().join("frontdesk.db"), folder.path().to_owned(), settings);
            let served =
                tokio::spawn(serve(listener, state.clone(), (access, GateOptions::default()), daemon, shutdown));
            Self { address, state, stop, served }
        }

        async fn ask(&self, request_line: &str) -> String {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            let request = format!("{request_line} HTTP/1.1\r\nHost: desk\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        }

        async fn stop(self) {
            self.stop.send(()).unwrap();
            self.served.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn health_readiness_and_metrics() {
        let console = ConsoleTest::start().await;
        assert!(console.ask("GET /healthz").await.starts_with("HTTP/1.1 200"));
        let starting = console.ask("GET /readyz").await;
        assert!(starting.starts_with("HTTP/1.1 503") && starting.contains("application/problem+json"), "{starting}");
        console.state.set_readiness(Readiness::Ready);
        assert!(console.ask("GET /readyz").await.starts_with("HTTP/1.1 200"));
        console.state.set_readiness(Readiness::Stopping);
        assert!(console.ask("GET /readyz").await.starts_with("HTTP/1.1 503"));
        let metrics = console.ask("GET /metrics").await;
        assert!(metrics.contains("text/plain; version=0.0.4") && metrics.contains("frontdesk_calls_live"), "{metrics}");
        assert!(metrics.contains("default-src 'none'") && metrics.contains("frame-ancestors 'none'"), "{metrics}");
        assert!(!metrics.contains("strict-transport-security"), "it came over plain HTTP: {metrics}");
        console.stop().await;
    }

    #[tokio::test]
    async fn what_is_not_there_is_a_problem_of_rfc_9457() {
        let console = ConsoleTest::start().await;
        let answer = console.ask("GET /%22pages%22").await;
        assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("application/problem+json"), "{answer}");
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["status"], 404);
        assert_eq!(problem["title"], "Not Found");
        assert_eq!(problem["instance"], "/%22pages%22");
        assert!(console.ask("POST /healthz").await.starts_with("HTTP/1.1 405"));
        console.stop().await;
    }
}
