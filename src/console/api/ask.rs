//! What was asked, after the checks that are the same for all.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::de::DeserializeOwned;

use super::auth::AskingSession;
use super::body;
use super::query::Query;
use crate::console::access::DeskSettings;
use crate::console::problem::ProblemDetails;
use crate::desk::audit::{AuditEntry, Deed};
use crate::desk::privacy::{Sight, Surface};
use crate::desk::ticket::Ticket;
use crate::desk::token::ApiToken;
use crate::types::TicketNumber;

/// Bytes of an Idempotency-Key.
const KEY_MAX: usize = 200;

/// One request.
pub struct Ask {
    pub token: ApiToken,
    /// Where it is a page of the console that asks.
    pub session: Option<AskingSession>,
    pub address: IpAddr,
    pub now: DateTime<Utc>,
    pub settings: Arc<DeskSettings>,
    /// The path as it was asked, and the names in it.
    pub path: String,
    pub names: Vec<(String, String)>,
    pub query: Query,
    pub body: Vec<u8>,
    pub seen: Option<Seen>,
    pub key: Option<String>,
}

impl Ask {
    pub fn time_zone(&self) -> Tz {
        self.settings.time_zone
    }

    /// Who does it, for histories.
    pub fn who(&self) -> &str {
        &self.token.name
    }

    /// From where, for the audit log.
    pub fn origin(&self) -> String {
        let surface = if self.session.is_some() { "console" } else { "api" };
        format!("{surface} {}", self.address)
    }

    /// What is written down of whoever asks (R12).
    pub fn entry(&self, what: Deed, about: &str) -> AuditEntry {
        let (who, about) = (self.who().to_owned(), about.to_owned());
        AuditEntry { at: self.now, who, what, about, from_where: self.origin() }
    }

    /// How a surface shows callers to whoever the token's answers are for (R12).
    pub fn sight(&self, surface: Surface) -> Sight<'_> {
        let who = self.session.as_ref().map_or(self.token.name.as_str(), |session| session.as_owner.as_str());
        Sight { role: self.token.role, surface, who: Some(who) }
    }

    /// Whether it is for them to change that ticket. A program stands for no person: its scopes say what it may.
    pub fn may_change(&self, ticket: &Ticket) -> bool {
        self.session.is_none() || self.sight(Surface::Record).may_change(ticket)
    }

    /// Whether it is for them to give a ticket another owner.
    pub fn may_hand_over(&self) -> bool {
        self.session.is_none() || self.sight(Surface::Record).may_hand_over()
    }

    pub fn name(&self, name: &str) -> &str {
        self.names.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub fn ticket(&self) -> TicketNumber {
        TicketNumber(self.name("number").to_owned())
    }

    /// # Errors
    /// 400 for what is no number.
    pub fn id(&self) -> Result<i64, ProblemDetails> {
        let id = self.name("id");
        let digits = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        id.parse().ok().filter(|_| digits).ok_or_else(|| {
            let id: String = id.chars().take(50).collect();
            ProblemDetails::new(StatusCode::BAD_REQUEST, format!("`{id}` is no id: ids are whole numbers"))
        })
    }

    /// # Errors
    /// 400 and 422: see `body::read`.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, ProblemDetails> {
        body::read(&self.body)
    }
}

/// 404.
pub fn unknown(what: impl std::fmt::Display) -> ProblemDetails {
    ProblemDetails::new(StatusCode::NOT_FOUND, format!("{what} does not exist"))
}

/// Which versions of a ticket the sender has seen: `If-Match` (RFC 9110 section 13.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Any,
    Versions(Vec<i64>),
}

impl Seen {
    /// # Errors
    /// 428 without one, 400 where it can't be read.
    pub fn read(headers: &HeaderMap) -> Result<Self, ProblemDetails> {
        let Some(header) = headers.get(header::IF_MATCH) else {
            return Err(ProblemDetails::new(
                StatusCode::PRECONDITION_REQUIRED,
                "send If-Match with the ETag of the ticket as you saw it, so that nobody's change is overwritten",
            ));
        };
        let unreadable = || {
            ProblemDetails::new(StatusCode::BAD_REQUEST, "If-Match is to hold the ETag of the ticket, such as \"7\"")
        };
        let text = header.to_str().map_err(|_| unreadable())?.trim();
        if text == "*" {
            return Ok(Seen::Any);
        }
        let mut versions = Vec::new();
        for tag in text.split(',').map(str::trim) {
            // A weak tag never matches (RFC 9110 section 8.8.3.2), nor does one that was never ours.
            let strong = tag.strip_prefix("W/").unwrap_or(tag);
            let quoted = strong.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(unreadable)?;
            versions.extend(quoted.parse::<i64>().ok().filter(|_| strong == tag));
        }
        Ok(Seen::Versions(versions))
    }

    pub fn holds(&self, version: i64) -> bool {
        match self {
            Seen::Any => true,
            Seen::Versions(versions) => versions.contains(&version),
        }
    }
}

/// The Idempotency-Key, where there is one.
///
/// # Errors
/// 400 where it can't be one.
pub fn key(headers: &HeaderMap) -> Result<Option<String>, ProblemDetails> {
    let Some(header) = headers.get("idempotency-key") else { return Ok(None) };
    match header.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= KEY_MAX => Ok(Some(key.to_owned())),
        _ => Err(ProblemDetails::new(
            StatusCode::BAD_REQUEST,
            format!("an Idempotency-Key has 1 to {KEY_MAX} visible characters"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Result<Seen, ProblemDetails> {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, text.parse().expect("a header"));
        Seen::read(&headers)
    }

    #[test]
    fn what_was_seen_is_compared_by_strong_tags_alone() {
        assert!(seen("*").is_ok_and(|seen| seen.holds(9)));
        assert!(seen("\"7\"").is_ok_and(|seen| seen.holds(7) && !seen.holds(8)));
        assert!(seen("\"6\", \"7\"").is_ok_and(|seen| seen.holds(7)));
        assert!(seen("W/\"7\"").is_ok_and(|seen| !seen.holds(7)));
        assert!(seen("\"abc\"").is_ok_and(|seen| !seen.holds(7)));
        assert!(seen("7").is_err());
        let none = Seen::read(&HeaderMap::new()).expect_err("it is needed");
        assert_eq!(none.status(), StatusCode::PRECONDITION_REQUIRED);
    }
}
