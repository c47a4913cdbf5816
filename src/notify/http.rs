//! One request over one connection: no redirects, no cookies, no proxies, and a limit for everything.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::tls::{ClientConfig, server_name, why};

const AGENT: &str = concat!("frontdesk/", env!("CARGO_PKG_VERSION"));

/// Sends requests, each over a connection of its own.
#[derive(Clone)]
pub struct Http {
    tls: Arc<ClientConfig>,
}

/// A POST.
#[derive(Debug)]
pub struct Request<'a> {
    pub url: &'a str,
    pub media_type: &'a str,
    /// Besides Host, User-Agent and Content-Type: names in lower case.
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// For all of it.
    pub timeout: Duration,
    /// A longer answer is an error.
    pub answer_bytes_max: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// Seconds that the server asks to wait.
    pub retry_after_s: Option<u64>,
    pub body: Vec<u8>,
}

impl Http {
    /// `tls`: whom `https` trusts.
    pub fn new(tls: Arc<ClientConfig>) -> Self {
        Self { tls }
    }

    /// # Errors
    /// Why there is no answer, in words.
    pub async fn post(&self, request: Request<'_>) -> Result<Response, String> {
        let timeout = request.timeout;
        match tokio::time::timeout(timeout, self.exchange(request)).await {
            Ok(answered) => answered,
            Err(_) => Err(format!("no answer within {} s", timeout.as_secs())),
        }
    }

    async fn exchange(&self, request: Request<'_>) -> Result<Response, String> {
        let uri: Uri = request.url.parse().map_err(|error| format!("the address: {error}"))?;
        let host = uri.host().ok_or("the address has no host")?;
        let is_secure = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let stream = connect(bare, port).await?;
        if !is_secure {
            return talk(stream, &uri, request).await;
        }
        let name = server_name(bare).ok_or_else(|| format!("{bare} is no name that a certificate can have"))?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await;
        talk(stream.map_err(|error| why(&error))?, &uri, request).await
    }
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    let addresses = tokio::net::lookup_host((host, port)).await.map_err(|error| format!("{host}: {error}"))?;
    let mut last = format!("{host} has no address");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = format!("{address}: {error}"),
        }
    }
    Err(last)
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    uri: &Uri,
    request: Request<'_>,
) -> Result<Response, String> {
    let words = |error: hyper::Error| error.to_string();
    let built = build(uri, &request)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(words)?;
    let exchange = async move {
        let answer = sender.send_request(built).await.map_err(words)?;
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let limited = Limited::new(answer.into_body(), request.answer_bytes_max);
        let body = limited.collect().await.map_err(|error| format!("the answer: {error}"))?.to_bytes();
        Ok(Response { status, retry_after_s: retry_after, body: body.to_vec() })
    };
    tokio::pin!(exchange);
    tokio::pin!(connection);
    tokio::select! {
        answered = &mut exchange => answered,
        // The server may close after its answer: what has come of it is still read.
        ended = &mut connection => match ended {
            Ok(()) => exchange.await,
            Err(error) => Err(words(error)),
        },
    }
}

fn build(uri: &Uri, request: &Request<'_>) -> Result<hyper::Request<Full<Bytes>>, String> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
    let mut builder = hyper::Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(HOST, authority)
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, request.media_type);
    for (name, value) in &request.headers {
        let value = HeaderValue::from_str(value).map_err(|_| format!("{name} can't be sent"))?;
        builder = builder.header(HeaderName::from_static(name), value);
    }
    builder.body(Full::new(Bytes::from(request.body.clone()))).map_err(|error| error.to_string())
}
