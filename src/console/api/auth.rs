//! Who asks: programs with a bearer token (RFC 6750), and the console's own pages with their session's cookie.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use chrono::{DateTime, TimeDelta, Utc};

use crate::console::gate::{self, CSRF_HEADER, Origin};
use crate::console::problem::ProblemDetails;
use crate::console::shared::Shared;
use crate::desk::token::{ApiToken, Scope, TokenSecret};

/// How exactly it is kept when a token was used last.
const USED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Whoever asks.
pub struct Asker {
    pub token: ApiToken,
    /// A browser's session, and whose tickets are its own; none for a program.
    pub session: Option<AskingSession>,
}

/// See `Asker`.
#[derive(Debug, Clone)]
pub struct AskingSession {
    pub id: i64,
    pub headers: HeaderMap,
    pub origin: Origin,
    pub as_owner: String,
}

/// Who shows a token, or a session's cookie.
///
/// # Errors
/// 401 without a token or session that holds, 403 for a change without the session's CSRF token, 429 after too many wrong
/// tokens.
pub async fn authenticate(
    api: &Arc<Shared>,
    method: &Method,
    headers: &HeaderMap,
    origin: Origin,
    now: DateTime<Utc>,
) -> Result<Asker, ProblemDetails> {
    // Another scheme is a proxy's own matter (RFC 9110 section 11.6.2): it must not hide the session behind it.
    if headers.get(header::AUTHORIZATION).is_some_and(is_bearer) {
        let token = token(api, headers, origin.address, now).await?;
        return Ok(Asker { token, session: None });
    }
    let Some(entered) = gate::enter(api, headers, origin, now, false).await? else {
        return Err(unauthorized(
            "send `Authorization: Bearer TOKEN`; `frontdesk tokens add NAME --scope tickets:read` makes a token",
            "Bearer realm=\"frontdesk\"",
        ));
    };
    let visitor = entered.visitor;
    if !method.is_safe() && !gate::has_csrf_token(&visitor.session, headers) {
        let what = format!("a change with a session's cookie is to carry the page's token in `{CSRF_HEADER}`");
        return Err(ProblemDetails::new(StatusCode::FORBIDDEN, what));
    }
    let session = AskingSession {
        id: visitor.session.id,
        headers: headers.get_all(header::COOKIE).iter().map(|line| (header::COOKIE, line.clone())).collect(),
        origin,
        as_owner: visitor.user.as_owner().to_owned(),
    };
    Ok(Asker { token: visitor.as_token(), session: Some(session) })
}

async fn token(
    api: &Arc<Shared>,
    headers: &HeaderMap,
    address: IpAddr,
    now: DateTime<Utc>,
) -> Result<ApiToken, ProblemDetails> {
    let Some(shown) = headers.get(header::AUTHORIZATION) else { return Err(wrong(api, address)) };
    let secret = bearer(shown).and_then(TokenSecret::read);
    let found = match secret {
        Some((id, secret)) => {
            let found = api.pool.read(move |reader| Ok(reader.token(id)?)).await?;
            found.filter(|(_, hash)| hash.is_of(&secret)).map(|(token, _)| token)
        }
        None => None,
    };
    match found {
        Some(token) if token.holds(now) => {
            note_use(api, &token, now).await;
            Ok(token)
        }
        Some(_) => Err(wrong_token("this token has expired or was revoked; `frontdesk tokens list` tells")),
        None => Err(wrong(api, address)),
    }
}

/// What is said to a wrong token. Whoever shows one that holds is let in all the same: behind a proxy all programs come
/// from one address.
fn wrong(api: &Shared, address: IpAddr) -> ProblemDetails {
    let now = Instant::now();
    if let Some(seconds) = api.tries.wait(address, now) {
        return ProblemDetails::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too many wrong tokens came from this address: wait, and look at the token that is sent",
        )
        .with(header::RETRY_AFTER, seconds);
    }
    api.tries.note(address, now);
    tracing::warn!(%address, "a wrong token was shown to the HTTP API");
    wrong_token("this is no token of this desk; `frontdesk tokens add NAME --scope tickets:read` makes one")
}

fn is_bearer(header: &HeaderValue) -> bool {
    let scheme = header.as_bytes().split(|byte| *byte == b' ').next();
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer"))
}

fn bearer(header: &HeaderValue) -> Option<&str> {
    let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether the token may do it.
///
/// # Errors
/// 403, with the scope that it would need.
pub fn allow(token: &ApiToken, scope: Scope) -> Result<(), ProblemDetails> {
    if token.allows(scope) {
        return Ok(());
    }
    let challenge = format!("Bearer realm=\"frontdesk\", error=\"insufficient_scope\", scope=\"{scope}\"");
    let problem = ProblemDetails::new(
        StatusCode::FORBIDDEN,
        format!("this token does not have the scope {scope}; a token's scopes are given as it is made"),
    );
    Err(match HeaderValue::from_str(&challenge) {
        Ok(challenge) => problem.with(header::WWW_AUTHENTICATE, challenge),
        Err(_) => problem,
    })
}

async fn note_use(api: &Arc<Shared>, token: &ApiToken, now: DateTime<Utc>) {
    if token.last_used_at.is_some_and(|last| now - last < USED_EVERY) {
        return;
    }
    let (id, clocks) = (token.id, Arc::clone(&api.access.settings().clocks));
    // A desk that can't write this down can answer all the same; the pool has logged why.
    let _ = api.pool.edit(clocks, move |editor| Ok(editor.token_used(id, now)?)).await;
}

fn unauthorized(detail: &str, challenge: &'static str) -> ProblemDetails {
    ProblemDetails::new(StatusCode::UNAUTHORIZED, detail)
        .with(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

fn wrong_token(detail: &str) -> ProblemDetails {
    unauthorized(detail, "Bearer realm=\"frontdesk\", error=\"invalid_token\"")
}
