//! Header names: canonical spelling, compact forms, which are lists.

use std::convert::Infallible;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use super::scan;

/// A header's name; compact forms are the same name (RFC 3261 section 7.3.3), unknown ones are kept as written.
/// Make one from text with `Name::from_token` or `parse`, so that a known name never lands in `Other`.
#[derive(Debug, Clone)]
pub enum Name {
    Via,
    From,
    To,
    CallId,
    CSeq,
    Contact,
    MaxForwards,
    Route,
    RecordRoute,
    ContentType,
    ContentLength,
    ContentEncoding,
    ContentDisposition,
    Accept,
    AcceptEncoding,
    AcceptLanguage,
    Allow,
    Supported,
    Unsupported,
    Require,
    ProxyRequire,
    Server,
    UserAgent,
    Reason,
    RetryAfter,
    Warning,
    Timestamp,
    Date,
    Subject,
    Expires,
    Authorization,
    ProxyAuthorization,
    WwwAuthenticate,
    ProxyAuthenticate,
    Event,
    ReferTo,
    ReferredBy,
    ReferSub,
    Replaces,
    SubscriptionState,
    AllowEvents,
    MinExpires,
    /// Any other name; compared without case.
    Other(String),
}

/// Name, canonical spelling, compact form, whether commas separate its values.
const TABLE: [(Name, &str, Option<u8>, bool); 42] = [
    (Name::Via, "Via", Some(b'v'), true),
    (Name::From, "From", Some(b'f'), false),
    (Name::To, "To", Some(b't'), false),
    (Name::CallId, "Call-ID", Some(b'i'), false),
    (Name::CSeq, "CSeq", None, false),
    (Name::Contact, "Contact", Some(b'm'), true),
    (Name::MaxForwards, "Max-Forwards", None, false),
    (Name::Route, "Route", None, true),
    (Name::RecordRoute, "Record-Route", None, true),
    (Name::ContentType, "Content-Type", Some(b'c'), false),
    (Name::ContentLength, "Content-Length", Some(b'l'), false),
    (Name::ContentEncoding, "Content-Encoding", Some(b'e'), true),
    (Name::ContentDisposition, "Content-Disposition", None, false),
    (Name::Accept, "Accept", None, true),
    (Name::AcceptEncoding, "Accept-Encoding", None, true),
    (Name::AcceptLanguage, "Accept-Language", None, true),
    (Name::Allow, "Allow", None, true),
    (Name::Supported, "Supported", Some(b'k'), true),
    (Name::Unsupported, "Unsupported", None, true),
    (Name::Require, "Require", None, true),
    (Name::ProxyRequire, "Proxy-Require", None, true),
    (Name::Server, "Server", None, false),
    (Name::UserAgent, "User-Agent", None, false),
    (Name::Reason, "Reason", None, true),
    (Name::RetryAfter, "Retry-After", None, false),
    (Name::Warning, "Warning", None, true),
    (Name::Timestamp, "Timestamp", None, false),
    (Name::Date, "Date", None, false),
    (Name::Subject, "Subject", Some(b's'), false),
    (Name::Expires, "Expires", None, false),
    (Name::Authorization, "Authorization", None, false),
    (Name::ProxyAuthorization, "Proxy-Authorization", None, false),
    (Name::WwwAuthenticate, "WWW-Authenticate", None, false),
    (Name::ProxyAuthenticate, "Proxy-Authenticate", None, false),
    (Name::Event, "Event", Some(b'o'), false),
    (Name::ReferTo, "Refer-To", Some(b'r'), false),
    (Name::ReferredBy, "Referred-By", Some(b'b'), false),
    (Name::ReferSub, "Refer-Sub", None, false),
    (Name::Replaces, "Replaces", None, false),
    (Name::SubscriptionState, "Subscription-State", None, false),
    (Name::AllowEvents, "Allow-Events", Some(b'u'), true),
    (Name::MinExpires, "Min-Expires", None, false),
];

/// Compact forms of names that have no variant (the IANA registry of SIP header fields), and whether they are lists.
const OTHERS: [(&str, Option<u8>, bool); 16] = [
    ("Accept-Contact", Some(b'a'), true),
    ("Request-Disposition", Some(b'd'), true),
    ("Reject-Contact", Some(b'j'), true),
    ("Identity-Info", Some(b'n'), false),
    ("Session-Expires", Some(b'x'), false),
    ("Identity", Some(b'y'), false),
    ("Path", None, true),
    ("Service-Route", None, true),
    ("P-Asserted-Identity", None, true),
    ("P-Preferred-Identity", None, true),
    ("Remote-Party-ID", None, true),
    ("Diversion", None, true),
    ("History-Info", None, true),
    ("Alert-Info", None, true),
    ("Call-Info", None, true),
    ("Error-Info", None, true),
];

impl Name {
    /// The name that `token` spells, in any case, long or compact.
    pub fn from_token(token: &str) -> Name {
        if let &[compact] = token.as_bytes() {
            let compact = compact.to_ascii_lowercase();
            if let Some((name, ..)) = TABLE.iter().find(|row| row.2 == Some(compact)) {
                return name.clone();
            }
            if let Some((name, ..)) = OTHERS.iter().find(|row| row.1 == Some(compact)) {
                return Name::Other((*name).to_owned());
            }
        }
        match TABLE.iter().find(|row| row.1.len() == token.len() && row.1.eq_ignore_ascii_case(token)) {
            Some((name, ..)) => name.clone(),
            None => Name::Other(token.to_owned()),
        }
    }

    /// Canonical spelling; an unknown name as it was written.
    pub fn as_str(&self) -> &str {
        match self {
            Name::Other(name) => name,
            // The table is in the order of the variants: a test holds it to that.
            known => TABLE.get(known.index()).map_or("", |row| row.1),
        }
    }

    /// Whether commas separate the values of this name, which then are entries of their own in `Headers`.
    pub fn is_list(&self) -> bool {
        match self {
            Name::Other(name) => OTHERS.iter().any(|row| row.2 && row.0.eq_ignore_ascii_case(name)),
            known => TABLE.get(known.index()).is_some_and(|row| row.3),
        }
    }

    fn index(&self) -> usize {
        match self {
            Name::Via => 0,
            Name::From => 1,
            Name::To => 2,
            Name::CallId => 3,
            Name::CSeq => 4,
            Name::Contact => 5,
            Name::MaxForwards => 6,
            Name::Route => 7,
            Name::RecordRoute => 8,
            Name::ContentType => 9,
            Name::ContentLength => 10,
            Name::ContentEncoding => 11,
            Name::ContentDisposition => 12,
            Name::Accept => 13,
            Name::AcceptEncoding => 14,
            Name::AcceptLanguage => 15,
            Name::Allow => 16,
            Name::Supported => 17,
            Name::Unsupported => 18,
            Name::Require => 19,
            Name::ProxyRequire => 20,
            Name::Server => 21,
            Name::UserAgent => 22,
            Name::Reason => 23,
            Name::RetryAfter => 24,
            Name::Warning => 25,
            Name::Timestamp => 26,
            Name::Date => 27,
            Name::Subject => 28,
            Name::Expires => 29,
            Name::Authorization => 30,
            Name::ProxyAuthorization => 31,
            Name::WwwAuthenticate => 32,
            Name::ProxyAuthenticate => 33,
            Name::Event => 34,
            Name::ReferTo => 35,
            Name::ReferredBy => 36,
            Name::ReferSub => 37,
            Name::Replaces => 38,
            Name::SubscriptionState => 39,
            Name::AllowEvents => 40,
            Name::MinExpires => 41,
            Name::Other(_) => 42,
        }
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        match (self, other) {
            (Name::Other(a), Name::Other(b)) => a.eq_ignore_ascii_case(b),
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        }
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.index().hash(state);
        if let Name::Other(name) = self {
            name.bytes().for_each(|b| b.to_ascii_lowercase().hash(state));
        }
    }
}

impl FromStr for Name {
    type Err = Infallible;

    fn from_str(token: &str) -> Result<Name, Infallible> {
        Ok(Name::from_token(token))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        scan::write_token(f, self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_by_its_spelling_and_its_compact_form() {
        for (at, (name, spelling, compact, _)) in TABLE.iter().enumerate() {
            assert_eq!(name.index(), at, "{spelling}");
            assert_eq!(name.as_str(), *spelling);
            assert_eq!(&Name::from_token(&spelling.to_ascii_uppercase()), name);
            assert_eq!(&Name::from_token(&spelling.to_ascii_lowercase()), name);
            if let Some(c) = compact {
                assert_eq!(&Name::from_token(&char::from(*c).to_string()), name);
                assert_eq!(&Name::from_token(&char::from(*c).to_ascii_uppercase().to_string()), name);
            }
        }
        for (spelling, compact, _) in OTHERS.iter().filter(|row| row.1.is_some()) {
            let compact = char::from(compact.unwrap()).to_string();
            assert_eq!(Name::from_token(&compact), Name::Other((*spelling).to_owned()));
        }
    }

    #[test]
    fn compact_forms_are_each_used_once() {
        let mut all: Vec<u8> = TABLE.iter().filter_map(|r| r.2).chain(OTHERS.iter().filter_map(|r| r.1)).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn unknown_names_are_compared_without_case_and_kept_as_written() {
        let name = Name::from_token("x-Desk");
        assert_eq!(name, Name::from_token("X-DESK"));
        assert_eq!(name.to_string(), "x-Desk");
        assert_ne!(name, Name::Via);
    }

    #[test]
    fn a_name_cannot_smuggle_a_line() {
        assert_eq!(Name::Other("a: b\r\nc".to_owned()).to_string(), "a__b__c");
    }
}
