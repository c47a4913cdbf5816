//! Where a person is rung: a SIP address, the telephones of an account that registers here, or a number behind a gateway.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use toml::Spanned;

use crate::desk::hours::Span;
use crate::types::Reader;

/// The host that means the desk's own telephones (`phones.toml`).
const OWN_HOST: &str = "frontdesk";
/// Digits of a number: 15 of E.164, and what an exchange wants before them.
const NUMBER_DIGITS_MAX: usize = 20;

/// What is rung.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PlaceTarget {
    /// `sip:` or `sips:` with user and host, as it was written.
    Sip(String),
    /// The telephones that are registered with this account: `sip:100@frontdesk`.
    Phones(String),
    /// A telephone number, digits with or without `+`: it is called through the gateway of the settings (RFC 3966).
    Number(String),
}

/// A text that is none of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no SIP address, account or number")]
pub struct NoPlace;

impl FromStr for PlaceTarget {
    type Err = NoPlace;

    /// From `sip:user@host`, `sip:account@frontdesk`, `tel:number` or a bare number.
    fn from_str(text: &str) -> Result<Self, NoPlace> {
        if is_sip_uri(text) {
            let own = text.split_once(':').and_then(|(_, rest)| rest.split_once('@'));
            return Ok(match own.filter(|(_, host)| host.eq_ignore_ascii_case(OWN_HOST)) {
                Some((account, _)) => PlaceTarget::Phones(account.to_owned()),
                None => PlaceTarget::Sip(text.to_owned()),
            });
        }
        let number = match text.get(..4) {
            Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => &text[4..],
            Some(_) | None => text,
        };
        number_of(number).map(PlaceTarget::Number).ok_or(NoPlace)
    }
}

impl fmt::Display for PlaceTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlaceTarget::Sip(uri) => f.write_str(uri),
            PlaceTarget::Phones(account) => write!(f, "sip:{account}@{OWN_HOST}"),
            PlaceTarget::Number(number) => write!(f, "tel:{number}"),
        }
    }
}

/// The number without what is there for the eye (RFC 3966 section 3, and spaces).
fn number_of(text: &str) -> Option<String> {
    let number: String = text.chars().filter(|c| !"-.() ".contains(*c)).collect();
    let digits = number.strip_prefix('+').unwrap_or(&number);
    let right = (1..=NUMBER_DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    right.then_some(number)
}

/// One place to try. In JSON as in the file: a string, or an object when there is more to it than the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub target: PlaceTarget,
    /// Seconds that it rings; the desk's own when null.
    pub ring_s: Option<u16>,
    /// Only then, in the desk's time zone.
    pub hours: Option<Span>,
    /// Together with the places before it, not after them.
    pub all_at_once: bool,
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.ring_s.is_none() && self.hours.is_none() && !self.all_at_once {
            return serializer.collect_str(&self.target);
        }
        let mut place = serializer.serialize_struct("Place", 4)?;
        place.serialize_field("uri", &self.target.to_string())?;
        place.serialize_field("ring_s", &self.ring_s)?;
        place.serialize_field("hours", &self.hours.map(|span| span.to_string()))?;
        place.serialize_field("all_at_once", &self.all_at_once)?;
        place.end()
    }
}

/// `"sip:..."`, or a table.
pub(super) struct RawPlace(PlaceTable);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceTable {
    uri: String,
    ring_s: Option<u16>,
    hours: Option<Span>,
    #[serde(default)]
    all_at_once: bool,
}

impl<'de> Deserialize<'de> for RawPlace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = RawPlace;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"sip:user@host\" or { uri = \"sip:user@host\", ring_s = 20 }")
            }

            fn visit_str<E: de::Error>(self, uri: &str) -> Result<RawPlace, E> {
                Ok(RawPlace(PlaceTable { uri: uri.to_owned(), ring_s: None, hours: None, all_at_once: false }))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawPlace, A::Error> {
                PlaceTable::deserialize(de::value::MapAccessDeserializer::new(map)).map(RawPlace)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

pub(super) fn ready_place(raw: Spanned<RawPlace>, reader: &mut Reader<'_>) -> Place {
    let at = Some(raw.span().start);
    let PlaceTable { uri, ring_s, hours, all_at_once } = raw.into_inner().0;
    let target = uri.parse().unwrap_or_else(|NoPlace| {
        let remedy = "write it like \"sip:201@192.0.2.5:5060\", \"sip:100@frontdesk\" or \"tel:13800138000\"";
        reader.problem(at, format!("`{uri}` is no place that can be rung"), remedy);
        PlaceTarget::Sip(uri.clone())
    });
    if ring_s.is_some_and(|s| !(1..=300).contains(&s)) {
        reader.problem(at, format!("`{uri}` can't ring so long"), "write ring_s between 1 and 300");
    }
    Place { target, ring_s, hours, all_at_once }
}

/// `sip:` or `sips:`, a user and a host, no spaces: what the SIP room will read more closely.
fn is_sip_uri(uri: &str) -> bool {
    let lower = uri.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix("sip:").or_else(|| lower.strip_prefix("sips:")) else { return false };
    let Some((user, host)) = rest.split_once('@') else { return false };
    let clean = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && !"<>\"@".contains(c));
    clean(user) && clean(host) && host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_accounts_and_numbers_are_told_apart() {
        let place = |text: &str| text.parse::<PlaceTarget>();
        assert_eq!(place("sip:201@192.0.2.5"), Ok(PlaceTarget::Sip("sip:201@192.0.2.5".to_owned())));
        assert_eq!(place("sip:desk-1@FrontDesk"), Ok(PlaceTarget::Phones("desk-1".to_owned())));
        assert_eq!(place("sip:201@frontdesk.example"), Ok(PlaceTarget::Sip("sip:201@frontdesk.example".to_owned())));
        assert_eq!(place("tel:+86-138-0013-8000"), Ok(PlaceTarget::Number("+8613800138000".to_owned())));
        assert_eq!(place("TEL:(0571) 8888 0000"), Ok(PlaceTarget::Number("057188880000".to_owned())));
        assert_eq!(place("13800138000"), Ok(PlaceTarget::Number("13800138000".to_owned())));
        for text in
            ["", "tel:", "tel:+", "tel:1;ext=2", "201@host", "sip:201", "+86+1", "1234567890123456789012", "张伟"]
        {
            assert_eq!(place(text), Err(NoPlace), "{text}");
        }
    }

    #[test]
    fn a_place_is_written_as_it_is_read() {
        for text in ["sip:201@192.0.2.5", "sip:desk-1@frontdesk", "tel:+8613800138000"] {
            assert_eq!(text.parse::<PlaceTarget>().expect("a place").to_string(), text);
        }
    }
}
