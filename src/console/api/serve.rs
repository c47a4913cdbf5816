//! The way of one request: who asks, what is asked, the work, the answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::RequestExt;
use axum::body::to_bytes;
use axum::extract::{Query as RawQuery, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use sha2::{Digest, Sha256};

use super::ask::{self, Ask, Seen};
use super::auth::{Asker, allow, authenticate};
use super::body::BODY_MAX;
use super::endpoint::{CSV, Endpoint, Run, Takes};
use super::query::Query;
use super::reply::{Finished, Reply};
use super::{ROOT, events, recordings};
use crate::console::problem::{ProblemDetails, wrong};
use crate::console::shared::Shared;
use crate::desk::audit::{AuditEntry, Deed};
use crate::desk::told::told;
use crate::store::{Editor, Reader, RequestKey};

/// From a request's head to the head of its answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// For the body to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);

pub async fn serve(api: Arc<Shared>, endpoint: &'static Endpoint, address: IpAddr, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let answered = tokio::time::timeout(ANSWER_WITHIN, answer(&api, endpoint, address, request)).await;
    let answer = answered.unwrap_or_else(|_| {
        Err(ProblemDetails::new(StatusCode::SERVICE_UNAVAILABLE, "it took too long: try again")
            .with(header::RETRY_AFTER, 5_u16))
    });
    answer.unwrap_or_else(|problem| problem.at(&path).into_response())
}

async fn answer(
    api: &Arc<Shared>,
    endpoint: &'static Endpoint,
    address: IpAddr,
    request: Request,
) -> Result<Response, ProblemDetails> {
    let now = Utc::now();
    let origin = api.gate.origin(address, request.headers());
    let Asker { token, session } = authenticate(api, request.method(), request.headers(), origin, now).await?;
    if let Some(problem) = endpoint.scope.and_then(|scope| allow(&token, scope).err()) {
        // Somebody at the desk tried what their role may not; a program that asks in vain would fill the log.
        if session.is_some() {
            let (who, about) = (token.name, about(request.uri().path()));
            let from_where = format!("console {}", origin.address);
            write_refused(api, AuditEntry { at: now, who, what: Deed::Refused, about, from_where }).await?;
        }
        return Err(problem);
    }
    let (parts, names, body) = read(endpoint, request).await?;
    let given = RawQuery::<Vec<(String, String)>>::try_from_uri(&parts.uri)
        .map_err(|fault| ProblemDetails::new(StatusCode::BAD_REQUEST, format!("the query can't be read: {fault}")))?;
    let ask = Ask {
        query: Query::check(endpoint.query, given.0)?,
        seen: if endpoint.versioned { Some(Seen::read(&parts.headers)?) } else { None },
        key: if endpoint.takes_key() { ask::key(&parts.headers)? } else { None },
        settings: api.access.settings(),
        path: parts.uri.path().to_owned(),
        token,
        session,
        address: origin.address,
        now,
        names,
        body,
    };
    if let Some(kept) = endpoint.kept
        && !ask.token.role.may_have(kept)
    {
        return Err(refuse(api, ask).await?);
    }
    match endpoint.run {
        Run::Read(work) => {
            let access = api.access.clone();
            let read = move |reader: &Reader| {
                let finished = work(&ask, reader)?.finish(&ask);
                if let Some(about) = finished.shows() {
                    access.audit(&ask.entry(finished.deed(), about))?;
                }
                Ok(finished)
            };
            Ok(api.pool.read(read).await?.into_response())
        }
        Run::Change(work) => {
            let clocks = Arc::clone(&ask.settings.clocks);
            let finished = api.pool.edit(clocks, move |editor| change(&ask, endpoint, work, editor)).await?;
            Ok(finished.into_response())
        }
        Run::Sound(work) => {
            let access = api.access.clone();
            let whole = parts.headers.contains_key(header::IF_RANGE);
            let range = parts.headers.get(header::RANGE).filter(|_| !whole && parts.method == Method::GET).cloned();
            let opened = api.pool.read(move |reader| recordings::open(&access, work(&ask, reader)?, &ask)).await?;
            recordings::answer(opened, range.as_ref())
        }
        Run::Peaks(work) => {
            let access = api.access.clone();
            let read = move |reader: &Reader| {
                let wave = recordings::drawn(recordings::open(&access, work(&ask, reader)?, &ask)?)?;
                Ok(Reply::value(&wave)?.finish(&ask))
            };
            Ok(api.pool.read(read).await?.into_response())
        }
        Run::Events => {
            let entry = ask.session.is_some().then(|| ask.entry(Deed::Refused, &about(&ask.path)));
            let answered = events::answer(api, ask, &parts.headers).await;
            let refused = answered.as_ref().is_err_and(|problem| problem.status() == StatusCode::FORBIDDEN);
            if let Some(entry) = entry.filter(|_| refused) {
                write_refused(api, entry).await?;
            }
            answered
        }
    }
}

/// Writes down that a role asked for what it may not have (R12); gives what it is told.
async fn refuse(api: &Arc<Shared>, ask: Ask) -> Result<ProblemDetails, ProblemDetails> {
    let role = ask.token.role;
    write_refused(api, ask.entry(Deed::Refused, &about(&ask.path))).await?;
    let what = format!("a token of the role {role} may not have this: it is for those above it");
    Ok(ProblemDetails::new(StatusCode::FORBIDDEN, what))
}

async fn write_refused(api: &Arc<Shared>, entry: AuditEntry) -> Result<(), ProblemDetails> {
    let access = api.access.clone();
    api.pool.read(move |_| Ok(access.audit(&entry)?)).await
}

/// One transaction: what is answered to a request with a key is kept with what it did, or neither is.
fn change(
    ask: &Ask,
    endpoint: &Endpoint,
    work: fn(&Ask, &mut Editor) -> Result<Reply, ProblemDetails>,
    editor: &mut Editor,
) -> Result<Finished, ProblemDetails> {
    let request = fingerprint(endpoint, ask);
    let done = editor.at_once(|editor| {
        let of = ask.key.as_ref().map(|key| RequestKey { token: ask.token.id, key });
        if let Some(of) = of
            && let Some(kept) = editor.kept_answer(of, ask.now)?
        {
            if kept.request != request {
                return Err(wrong("this Idempotency-Key was sent with another request before: use a new one for each"));
            }
            return write_down(ask, editor, Finished::of_kept(kept));
        }
        if endpoint.versioned
            && let Some(ticket) = editor.ticket(&ask.ticket(), ask.now)?
            && !ask.may_change(&ticket)
        {
            let number = ticket.number;
            let what = told!(
                "工程师只能更改自己负责的工单；{number} 不是",
                "an engineer changes their own tickets alone; {number} is none of them"
            );
            return Err(ProblemDetails::new(StatusCode::FORBIDDEN, what));
        }
        if let Some(seen) = &ask.seen {
            let version = editor.version(&ask.ticket())?;
            if !seen.holds(version) {
                return Err(ProblemDetails::new(
                    StatusCode::PRECONDITION_FAILED,
                    format!(
                        "somebody else changed the ticket meanwhile (it is at \"{version}\" now): look at it again"
                    ),
                ));
            }
        }
        let answered = work(ask, editor)?.finish(ask);
        let finished = write_down(ask, editor, answered)?;
        if let Some(of) = of {
            editor.keep_answer(of, ask.now, &finished.to_keep(request))?;
        }
        Ok(finished)
    });
    // Nothing was done, but that it was tried is written down (R12).
    if done.as_ref().is_err_and(|problem| problem.status() == StatusCode::FORBIDDEN) {
        editor.audit(&ask.entry(Deed::Refused, &about(&ask.path)))?;
    }
    done
}

/// A path as the audit log has it: `tickets/20261123-0001/owner`.
fn about(path: &str) -> String {
    path.strip_prefix(ROOT).unwrap_or(path).trim_matches('/').to_owned()
}

/// What an answer shows of callers is written down with the change that it is of, and again when it is sent again.
fn write_down(ask: &Ask, editor: &mut Editor, finished: Finished) -> Result<Finished, ProblemDetails> {
    if let Some(about) = finished.shows() {
        editor.audit(&ask.entry(Deed::Shown, about))?;
    }
    Ok(finished)
}

/// What makes two requests the same.
fn fingerprint(endpoint: &Endpoint, ask: &Ask) -> [u8; 32] {
    let mut hash = Sha256::new();
    let query: String = ask.query.without_cursor().map(|(name, value)| format!("{name}={value}&")).collect();
    for part in [endpoint.method.word().as_bytes(), ask.path.as_bytes(), query.as_bytes(), &ask.body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

type Read = (Parts, Vec<(String, String)>, Vec<u8>);

/// Head, names in the path, and body of a request.
async fn read(endpoint: &Endpoint, mut request: Request) -> Result<Read, ProblemDetails> {
    let names = request
        .extract_parts::<RawPathParams>()
        .await
        .map_err(|_| ProblemDetails::new(StatusCode::BAD_REQUEST, "the path is no UTF-8 behind its percent signs"))?;
    let names: Vec<_> = names.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    if names.iter().any(|(_, value)| value.contains('\0')) {
        return Err(ProblemDetails::new(StatusCode::BAD_REQUEST, "the path has a byte of zero"));
    }
    let (parts, body) = request.into_parts();
    let (kind, bytes_max) = match endpoint.body {
        Takes::Nothing => return Ok((parts, names, Vec::new())),
        Takes::Json(_) => ("application/json", BODY_MAX),
        Takes::Csv(bytes_max) => (CSV, bytes_max),
    };
    if !is_of(kind, &parts.headers) {
        return Err(ProblemDetails::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, format!("send `Content-Type: {kind}`"))
            .with(header::ACCEPT, HeaderValue::from_static(kind)));
    }
    let body = tokio::time::timeout(BODY_WITHIN, to_bytes(body, bytes_max)).await;
    let too_late = || ProblemDetails::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time");
    let too_long = || {
        ProblemDetails::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is cut off or longer than {bytes_max} bytes"),
        )
    };
    let body = body.map_err(|_| too_late())?.map_err(|_| too_long())?;
    Ok((parts, names, body.to_vec()))
}

fn is_of(wanted: &str, headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(wanted))
}
