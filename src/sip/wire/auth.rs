//! Challenges and credentials: a scheme and its parameters (RFC 3261 section 25.1, RFC 9110 section 11).

use std::fmt;
use std::str::FromStr;

use super::error::Syntax;
use super::scan;
use super::text;

/// Parameters of one value: a peer has no use for more.
const PARAMS_MAX: usize = 32;

/// One WWW-Authenticate, Authorization, Proxy-Authenticate or Proxy-Authorization value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthValue {
    /// Such as `Digest`.
    pub scheme: String,
    params: Vec<AuthParam>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct AuthParam {
    name: String,
    /// Without quotes and escapes.
    value: String,
    quoted: bool,
}

impl AuthValue {
    pub fn new(scheme: &str) -> AuthValue {
        AuthValue { scheme: scheme.to_owned(), params: Vec::new() }
    }

    /// A value that is written in quotes.
    #[must_use]
    pub fn quoted(mut self, name: &str, value: impl Into<String>) -> AuthValue {
        self.params.push(AuthParam { name: name.to_owned(), value: value.into(), quoted: true });
        self
    }

    /// A value that is written as a token.
    #[must_use]
    pub fn token(mut self, name: &str, value: impl Into<String>) -> AuthValue {
        self.params.push(AuthParam { name: name.to_owned(), value: value.into(), quoted: false });
        self
    }

    /// The value of the parameter with that name, in any case.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|param| param.name.eq_ignore_ascii_case(name)).map(|param| param.value.as_str())
    }
}

impl FromStr for AuthValue {
    type Err = Syntax;

    fn from_str(text: &str) -> Result<AuthValue, Syntax> {
        let text = text.trim_matches(scan::is_blank);
        let (scheme, rest) = text.split_once(scan::is_blank).unwrap_or((text, ""));
        if !scan::is_token(scheme) {
            return Err(Syntax("the scheme is not a token"));
        }
        let mut value = AuthValue::new(scheme);
        for element in scan::list(rest).filter(|element| !element.is_empty()) {
            let (name, word) = element.split_once('=').ok_or(Syntax("a parameter without a value"))?;
            let (name, word) = (name.trim_end_matches(scan::is_blank), word.trim_start_matches(scan::is_blank));
            if !scan::is_token(name) || value.param(name).is_some() || value.params.len() >= PARAMS_MAX {
                return Err(Syntax("a parameter's name is not a token, or comes twice"));
            }
            value = if word.starts_with('"') {
                match scan::quoted(word)? {
                    (inner, "") => value.quoted(name, inner),
                    _ => return Err(Syntax("text after a quoted string")),
                }
            } else {
                value.token(name, word)
            };
        }
        Ok(value)
    }
}

impl fmt::Display for AuthValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        scan::write_token(f, &self.scheme)?;
        for (at, param) in self.params.iter().enumerate() {
            f.write_str(if at == 0 { " " } else { ", " })?;
            scan::write_token(f, &param.name)?;
            f.write_str("=")?;
            if param.quoted {
                text::quote(f, &param.value)?;
            } else {
                scan::write_token(f, &param.value)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_with_space_and_quotes_and_written_again() {
        let read: AuthValue = r#"Digest  username = "Zhang \"W\", 1" ,nc=00000001,, URI="sip:a,b@h""#.parse().unwrap();
        assert_eq!((read.scheme.as_str(), read.param("UserName")), ("Digest", Some("Zhang \"W\", 1")));
        assert_eq!(
            (read.param("nc"), read.param("uri"), read.param("qop")),
            (Some("00000001"), Some("sip:a,b@h"), None)
        );
        assert_eq!(read.to_string(), r#"Digest username="Zhang \"W\", 1", nc=00000001, URI="sip:a,b@h""#);
    }

    #[test]
    fn what_says_a_thing_twice_or_not_at_all_is_refused() {
        for bad in ["", "Digest a", "Digest a=\"b", "Digest a=\"b\"c", "Digest a=1, A=2", "Digest =1", "Di,gest a=1"] {
            assert!(bad.parse::<AuthValue>().is_err(), "{bad}");
        }
    }

    #[test]
    fn no_value_ends_its_line() {
        let built = AuthValue::new("Digest").quoted("realm", "a\r\nVia: x").token("algorithm", "b\r\nc").to_string();
        assert!(!built.contains(['\r', '\n']), "{built}");
    }
}
