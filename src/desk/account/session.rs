//! How long somebody stays signed in, and when their cookie's secret is renewed.

use chrono::{DateTime, TimeDelta, Utc};
use subtle::ConstantTimeEq;

use super::UserId;

/// A secret is renewed after so long: one that was stolen opens for a while only.
pub const RENEW_EVERY: TimeDelta = TimeDelta::minutes(30);
/// Once the new secret was shown, the one before still opens for so long: requests were under way.
pub const CROSSING: TimeDelta = TimeDelta::minutes(1);
/// How exactly it is kept when somebody was seen last.
pub const SEEN_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Settings of `[console]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionRules {
    /// Signed out after so long without a page that is open.
    pub idle: TimeDelta,
    /// Signed out after so long in any case.
    pub whole: TimeDelta,
}

impl Default for SessionRules {
    fn default() -> Self {
        Self { idle: TimeDelta::hours(1), whole: TimeDelta::hours(12) }
    }
}

/// A page of another site can't know it, and so can't change anything in somebody's name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CsrfToken(pub [u8; 16]);

impl CsrfToken {
    /// As pages send it.
    pub fn text(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether that is it.
    pub fn is(&self, text: &str) -> bool {
        self.text().as_bytes().ct_eq(text.as_bytes()).into()
    }
}

/// Logs don't show it.
impl std::fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// One browser that somebody is signed in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: i64,
    pub user: UserId,
    pub began_at: DateTime<Utc>,
    pub renewed_at: DateTime<Utc>,
    /// When the browser first showed the secret that it got then.
    pub taken_at: Option<DateTime<Utc>>,
    /// What its pages send with every change.
    pub csrf: CsrfToken,
    /// To the minute.
    pub seen_at: DateTime<Utc>,
    pub address: String,
    /// What the browser calls itself.
    pub agent: String,
}

impl Session {
    /// Whether it is still open at that moment.
    pub fn holds(&self, rules: SessionRules, now: DateTime<Utc>) -> bool {
        now < self.seen_at + rules.idle && now < self.began_at + rules.whole
    }

    /// Whether the secret before the last renewal still opens it: until the browser has shown the new one, and for a
    /// moment longer. An answer with the new one may have been lost on its way.
    pub fn crosses(&self, now: DateTime<Utc>) -> bool {
        self.taken_at.is_none_or(|taken| now < taken + CROSSING)
    }

    /// Whether the secret that was shown, the current one or the one `before`, is to be replaced.
    pub fn to_be_renewed(&self, before: bool, now: DateTime<Utc>) -> bool {
        let after = if before { CROSSING } else { RENEW_EVERY };
        now >= self.renewed_at + after && (!before || self.taken_at.is_none())
    }

    pub fn to_be_seen(&self, now: DateTime<Utc>) -> bool {
        now >= self.seen_at + SEEN_EVERY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_when_idle_and_after_its_whole_time() {
        let at = |minutes| DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
        let session = |seen| Session {
            id: 1,
            user: UserId(1),
            began_at: at(0),
            renewed_at: at(0),
            taken_at: Some(at(0)),
            csrf: CsrfToken([7; 16]),
            seen_at: at(seen),
            address: String::new(),
            agent: String::new(),
        };
        let rules = SessionRules { idle: TimeDelta::minutes(60), whole: TimeDelta::minutes(100) };
        assert!(session(0).holds(rules, at(59)) && !session(0).holds(rules, at(60)));
        assert!(session(90).holds(rules, at(99)) && !session(90).holds(rules, at(100)));
        assert!(!session(0).to_be_renewed(false, at(29)) && session(0).to_be_renewed(false, at(30)));
        assert!(session(0).crosses(at(0)) && !session(0).crosses(at(1)));
        assert!(!session(0).to_be_renewed(true, at(30)), "the browser has the new one");
        let lost = Session { taken_at: None, ..session(0) };
        assert!(lost.crosses(at(20)) && !lost.to_be_renewed(true, at(0)) && lost.to_be_renewed(true, at(1)));
        assert!(lost.csrf.is("07070707070707070707070707070707") && !lost.csrf.is("07"));
    }
}
