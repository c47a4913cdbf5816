//! The way into every page: who asks, whether they may, and what every answer says to the browser.

use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::Utc;

use super::fault::{self, PageFault};
use super::{area_of, sign_in};
use crate::console::gate::{self, Visitor};
use crate::console::listener::Peer;
use crate::console::problem::ProblemDetails;
use crate::console::shared::Shared;
use crate::desk::audit::Deed;
use crate::desk::names;

/// Only the daemon's own files; nobody may frame a page, and forms go nowhere else.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; object-src 'none'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Lets in who is signed in and may see the area; everybody else is told what to do. Shows faults in the visitor's language.
pub async fn door(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let origin = shared.gate.origin(peer.0.ip(), request.headers());
    let entered = match gate::enter(&shared, request.headers(), origin, Utc::now(), true).await {
        Ok(entered) => entered,
        Err(problem) => return problem.into_response(),
    };
    let by_script = request.headers().contains_key("hx-request");
    let Some(entered) = entered else {
        return signed_out(&request, by_script);
    };
    let visitor = entered.visitor;
    let changes = !request.method().is_safe();
    let path = request.uri().path().to_owned();
    let is_own = !changes || gate::has_csrf_token(&visitor.session, request.headers());
    let mut response = match may(&shared, &visitor, &path, is_own).await {
        Ok(()) => {
            request.extensions_mut().insert(visitor.clone());
            next.run(request).await
        }
        Err(fault) => fault.into_response(),
    };
    response = fault::show(response, &visitor, changes && by_script);
    if !is_own && by_script {
        // A page from before they signed in again, in another window: it sends the form once more with what holds now.
        let now = [("x-csrf-token", visitor.session.csrf.text()), ("x-csrf-of", visitor.user.id.to_string())];
        for (name, value) in now {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
    }
    if response.status().is_server_error() {
        tracing::warn!(%path, status = response.status().as_u16(), "a page of the console was not given");
    }
    if let Some(cookie) = entered.cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Whether this visitor may ask this. `is_own`: a change comes from a page of theirs.
async fn may(shared: &Arc<Shared>, visitor: &Visitor, path: &str, is_own: bool) -> Result<(), PageFault> {
    if !is_own {
        let what = visitor_says(visitor, "页面已过期：请刷新后重试", "the page is out of date: load it again");
        return Err(ProblemDetails::new(StatusCode::FORBIDDEN, what).into());
    }
    let Some(area) = area_of(path).filter(|area| !visitor.may(area.least)) else { return Ok(()) };
    let (access, entry) = (shared.access.clone(), visitor.entry(Deed::Refused, &format!("page {path}")));
    shared.pool.read(move |_| Ok(access.audit(&entry)?)).await?;
    let least = names::role(area.least).of(visitor.tongue);
    let what = match visitor.tongue {
        crate::desk::report::table::Tongue::Zh => format!("此页供{least}及以上角色使用"),
        crate::desk::report::table::Tongue::En => format!("this page is for the role {least} and above"),
    };
    Err(ProblemDetails::new(StatusCode::FORBIDDEN, what).into())
}

fn visitor_says(visitor: &Visitor, zh: &'static str, en: &'static str) -> &'static str {
    crate::desk::report::table::Both::new(zh, en).of(visitor.tongue)
}

/// Whoever is not signed in: a page leads to signing in and back; a form or a part of a page keeps what was typed, and the
/// browser asks for the password in place (`console.js`).
fn signed_out(request: &Request, by_script: bool) -> Response {
    if request.method() == Method::GET {
        let next = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let path = sign_in::path_to(next);
        if !by_script {
            return Redirect::to(&path).into_response();
        }
        if request.headers().contains_key("hx-boosted") {
            return (StatusCode::OK, [("hx-redirect", path)]).into_response();
        }
    }
    (StatusCode::UNAUTHORIZED, [("hx-reswap", "none")]).into_response()
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Response> {
        // Behind the door there is one.
        parts.extensions.get::<Visitor>().cloned().ok_or_else(|| StatusCode::UNAUTHORIZED.into_response())
    }
}

/// What every page and file says to the browser of itself.
pub async fn guarded(mut response: Response) -> Response {
    const SAYS: [(HeaderName, &str); 3] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in SAYS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
