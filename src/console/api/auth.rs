//! Who asks: bearer tokens (RFC 6750), and how often an address may show wrong ones.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use chrono::{DateTime, TimeDelta, Utc};

use super::Api;
use crate::console::problem::ProblemDetails;
use crate::desk::token::{ApiToken, Scope, TokenSecret};
use crate::types::host_network;

/// Wrong tokens that an address may show within `WINDOW`; more are not told what is wrong, or logged.
const WRONG_MAX: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that are remembered; with more the oldest are forgotten.
const ADDRESSES_MAX: usize = 1_024;
/// How exactly it is kept when a token was used last.
const USED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Wrong tokens of late, by address; of IPv6 by /64.
#[derive(Default)]
pub struct Tries(Mutex<HashMap<IpAddr, Wrong>>);

#[derive(Clone, Copy)]
struct Wrong {
    since: Instant,
    count: u32,
}

impl Tries {
    /// Seconds until the address may try again; `None` where it may now.
    fn wait(&self, address: IpAddr, now: Instant) -> Option<u16> {
        let tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wrong = tries.get(&host_network(address)).filter(|wrong| wrong.count >= WRONG_MAX)?;
        let left = (wrong.since + WINDOW).checked_duration_since(now)?;
        u16::try_from(left.as_secs() + 1).ok()
    }

    fn note(&self, address: IpAddr, now: Instant) {
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let address = host_network(address);
        if tries.len() >= ADDRESSES_MAX && !tries.contains_key(&address) {
            tries.retain(|_, wrong| now.duration_since(wrong.since) < WINDOW);
            let oldest = tries.iter().min_by_key(|(_, wrong)| wrong.since).map(|(address, _)| *address);
            if let Some(oldest) = oldest.filter(|_| tries.len() >= ADDRESSES_MAX) {
                tries.remove(&oldest);
            }
        }
        let wrong = tries.entry(address).or_insert(Wrong { since: now, count: 0 });
        if now.duration_since(wrong.since) >= WINDOW {
            *wrong = Wrong { since: now, count: 0 };
        }
        wrong.count += 1;
    }
}

/// The token that the request shows.
///
/// # Errors
/// 401 without a token that holds, 429 after too many wrong ones.
pub async fn authenticate(
    api: &Arc<Api>,
    headers: &HeaderMap,
    address: IpAddr,
    now: DateTime<Utc>,
) -> Result<ApiToken, ProblemDetails> {
    let Some(shown) = headers.get(header::AUTHORIZATION) else {
        return Err(unauthorized(
            "send `Authorization: Bearer TOKEN`; `frontdesk tokens add NAME --scope tickets:read` makes a token",
            "Bearer realm=\"frontdesk\"",
        ));
    };
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
fn wrong(api: &Api, address: IpAddr) -> ProblemDetails {
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

async fn note_use(api: &Arc<Api>, token: &ApiToken, now: DateTime<Utc>) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_tokens_are_counted_by_address_for_a_minute_in_bounded_room() {
        let (tries, now) = (Tries::default(), Instant::now());
        let address: IpAddr = "192.0.2.7".parse().expect("an address");
        for _ in 0..WRONG_MAX {
            assert_eq!(tries.wait(address, now), None);
            tries.note(address, now);
        }
        assert_eq!(tries.wait(address, now), Some(61));
        assert_eq!(tries.wait("192.0.2.8".parse().expect("an address"), now), None);
        assert_eq!(tries.wait(address, now + WINDOW + Duration::from_secs(1)), None);
        for n in 0..2 * ADDRESSES_MAX {
            tries.note(IpAddr::from([10, 0, (n >> 8) as u8, n as u8]), now);
        }
        assert_eq!(tries.0.lock().expect("nobody panicked").len(), ADDRESSES_MAX);
    }
}
