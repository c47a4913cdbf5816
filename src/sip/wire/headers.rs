//! The header fields of a message, and the typed view of the usual ones.

use std::fmt;
use std::str::FromStr;

use super::error::{FieldError, Syntax};
use super::message::Method;
use super::name::Name;
use super::name_addr::NameAddr;
use super::scan;
use super::via::Via;

/// Header fields in their order, one entry a field value: comma-separated lists are split by the parser where the
/// grammar says that they are lists (Via, Contact, Route, Record-Route, Allow, Supported, Require and so on).
/// Content-Length is never among them: `body.len()` says it, and the writer writes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headers(Vec<(Name, String)>);

impl Headers {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn with_capacity(fields: usize) -> Self {
        Self(Vec::with_capacity(fields))
    }

    /// The first value of that name.
    pub fn first(&self, name: &Name) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Every value of that name, in order.
    pub fn all<'a>(&'a self, name: &'a Name) -> impl DoubleEndedIterator<Item = &'a str> + 'a {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub fn push(&mut self, name: Name, value: impl Into<String>) {
        self.0.push((name, value.into()));
    }

    /// Before all others: how a sender adds its Via.
    pub fn push_front(&mut self, name: Name, value: impl Into<String>) {
        self.0.insert(0, (name, value.into()));
    }

    /// Puts one value in the place of all others of that name.
    pub fn set(&mut self, name: Name, value: impl Into<String>) {
        self.remove(&name);
        self.push(name, value);
    }

    /// Changes the first value of that name where it stands, such as the top Via; adds it if there is none.
    pub fn set_first(&mut self, name: Name, value: impl Into<String>) {
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some(slot) => slot.1 = value.into(),
            None => self.push(name, value),
        }
    }

    /// Appends every value of that name from `other`.
    pub fn copy(&mut self, other: &Headers, name: &Name) {
        self.0.extend(other.0.iter().filter(|(n, _)| n == name).cloned());
    }

    pub fn remove(&mut self, name: &Name) {
        self.0.retain(|(n, _)| n != name);
    }

    /// Removes and gives the first value of that name, as a proxy or client does with its Via.
    pub fn take_first(&mut self, name: &Name) -> Option<String> {
        let at = self.0.iter().position(|(n, _)| n == name)?;
        Some(self.0.remove(at).1)
    }

    pub fn contains(&self, name: &Name) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Name, &str)> {
        self.0.iter().map(|(n, v)| (n, v.as_str()))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn via_top(&self) -> Result<Via, FieldError> {
        self.one(&Name::Via)
    }

    /// All Vias from the top; at least one.
    pub fn vias(&self) -> Result<Vec<Via>, FieldError> {
        let vias: Vec<Via> = self.every(&Name::Via)?;
        if vias.is_empty() { Err(FieldError::Missing(Name::Via)) } else { Ok(vias) }
    }

    pub fn from(&self) -> Result<NameAddr, FieldError> {
        self.one(&Name::From)
    }

    pub fn to(&self) -> Result<NameAddr, FieldError> {
        self.one(&Name::To)
    }

    /// Compared byte by byte (RFC 3261 section 20.8); never empty and without space.
    pub fn call_id(&self) -> Result<&str, FieldError> {
        let value = self.first(&Name::CallId).ok_or(FieldError::Missing(Name::CallId))?;
        if value.is_empty() || value.bytes().any(|b| b <= b' ') {
            return Err(malformed(&Name::CallId, Syntax("it is empty or has space in it")));
        }
        Ok(value)
    }

    pub fn cseq(&self) -> Result<CSeq, FieldError> {
        self.one(&Name::CSeq)
    }

    /// The first Contact, if any. `Contact: *` of a REGISTER is malformed here: see `contacts_are_star`.
    pub fn contact(&self) -> Result<Option<NameAddr>, FieldError> {
        self.optional(&Name::Contact)
    }

    pub fn contacts(&self) -> Result<Vec<NameAddr>, FieldError> {
        self.every(&Name::Contact)
    }

    pub fn contacts_are_star(&self) -> bool {
        self.first(&Name::Contact) == Some("*")
    }

    /// 0 to 255 (RFC 3261 section 20.22).
    pub fn max_forwards(&self) -> Result<Option<u8>, FieldError> {
        let Some(value) = self.first(&Name::MaxForwards) else { return Ok(None) };
        scan::number(value).map(Some).map_err(|fault| malformed(&Name::MaxForwards, fault))
    }

    /// Seconds of Expires, Retry-After and the like; what is too large counts as the largest (RFC 3261 section 20.19).
    pub fn seconds(&self, name: &Name) -> Option<u32> {
        let value = self.first(name)?;
        let digits = &value[..value.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(value.len())];
        (!digits.is_empty()).then(|| digits.parse().unwrap_or(u32::MAX))
    }

    /// `type/subtype` in lower case, without parameters.
    pub fn content_type(&self) -> Option<String> {
        let value = self.first(&Name::ContentType)?;
        let essence = value.split(';').next().unwrap_or(value);
        Some(essence.chars().filter(|c| !scan::is_blank(*c)).collect::<String>().to_ascii_lowercase())
    }

    pub fn record_routes(&self) -> Result<Vec<NameAddr>, FieldError> {
        self.every(&Name::RecordRoute)
    }

    pub fn routes(&self) -> Result<Vec<NameAddr>, FieldError> {
        self.every(&Name::Route)
    }

    /// The elements of a comma list such as Require, Supported or Allow, in order, without empty ones.
    pub fn tokens<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a str> + 'a {
        self.all(name).flat_map(scan::list).filter(|token| !token.is_empty())
    }

    /// Whether a comma list has that token (option tags are compared without case).
    pub fn has_token(&self, name: &Name, token: &str) -> bool {
        self.tokens(name).any(|t| t.eq_ignore_ascii_case(token))
    }

    fn one<T: FromStr<Err = Syntax>>(&self, name: &Name) -> Result<T, FieldError> {
        self.optional(name)?.ok_or_else(|| FieldError::Missing(name.clone()))
    }

    fn optional<T: FromStr<Err = Syntax>>(&self, name: &Name) -> Result<Option<T>, FieldError> {
        self.first(name).map(|value| value.parse().map_err(|fault| malformed(name, fault))).transpose()
    }

    /// Lists are split here too, so that a value put in by hand may hold several.
    fn every<T: FromStr<Err = Syntax>>(&self, name: &Name) -> Result<Vec<T>, FieldError> {
        self.all(name).flat_map(scan::list).map(|v| v.parse().map_err(|fault| malformed(name, fault))).collect()
    }
}

fn malformed(name: &Name, fault: Syntax) -> FieldError {
    FieldError::Malformed { name: name.clone(), fault }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CSeq {
    /// Below 2^31 (RFC 3261 section 8.1.1.5).
    pub number: u32,
    pub method: Method,
}

impl CSeq {
    pub fn new(number: u32, method: Method) -> CSeq {
        CSeq { number, method }
    }
}

impl FromStr for CSeq {
    type Err = Syntax;

    fn from_str(text: &str) -> Result<CSeq, Syntax> {
        let (number, method) = text.split_once(scan::is_blank).ok_or(Syntax("a number and a method are expected"))?;
        let method = method.trim_matches(scan::is_blank);
        if !scan::is_token(method) {
            return Err(Syntax("the method is not a token"));
        }
        match scan::number(number)? {
            number if number < 1 << 31 => Ok(CSeq { number, method: Method::from_token(method) }),
            _ => Err(Syntax("a number is too large")),
        }
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cseq_numbers_end_at_2_to_the_31() {
        assert_eq!("0009   INVITE".parse(), Ok(CSeq::new(9, Method::Invite)));
        assert!("2147483647 BYE".parse::<CSeq>().is_ok());
        for bad in ["2147483648 BYE", "36893488147419103232 BYE", "-1 BYE", "1", "BYE 1", "1 B YE", ""] {
            assert!(bad.parse::<CSeq>().is_err(), "{bad}");
        }
    }

    #[test]
    fn token_lists_are_one_whether_in_one_line_or_in_several() {
        let mut headers = Headers::new();
        headers.push(Name::Require, "100rel, ,Timer");
        headers.push(Name::Require, "replaces");
        assert_eq!(headers.tokens(&Name::Require).collect::<Vec<_>>(), ["100rel", "Timer", "replaces"]);
        assert!(headers.has_token(&Name::Require, "timer"));
    }

    #[test]
    fn a_content_type_is_compared_by_its_essence() {
        let mut headers = Headers::new();
        headers.push(Name::ContentType, "Application / SDP ; charset=utf-8");
        assert_eq!(headers.content_type().as_deref(), Some("application/sdp"));
    }

    #[test]
    fn seconds_that_do_not_fit_are_the_most_there_are() {
        let mut headers = Headers::new();
        headers.push(Name::RetryAfter, "949302838503028349304023988 (busy)");
        assert_eq!(headers.seconds(&Name::RetryAfter), Some(u32::MAX));
        headers.set(Name::RetryAfter, "18000;duration=3600");
        assert_eq!(headers.seconds(&Name::RetryAfter), Some(18000));
        headers.set(Name::RetryAfter, "soon");
        assert_eq!(headers.seconds(&Name::RetryAfter), None);
    }

    #[test]
    fn the_first_value_is_changed_where_it_stands() {
        let mut headers = Headers::new();
        headers.push(Name::Via, "a");
        headers.push(Name::To, "t");
        headers.push(Name::Via, "b");
        headers.set_first(Name::Via, "c");
        assert_eq!(headers.iter().map(|(_, v)| v).collect::<Vec<_>>(), ["c", "t", "b"]);
        assert_eq!(headers.take_first(&Name::Via).as_deref(), Some("c"));
        assert_eq!(headers.first(&Name::Via), Some("b"));
    }

    #[test]
    fn absence_is_told_apart_from_a_fault() {
        let mut headers = Headers::new();
        assert_eq!(headers.contact(), Ok(None));
        assert_eq!(headers.from(), Err(FieldError::Missing(Name::From)));
        assert_eq!(headers.max_forwards(), Ok(None));
        headers.push(Name::MaxForwards, "256");
        assert!(matches!(headers.max_forwards(), Err(FieldError::Malformed { .. })));
    }
}
