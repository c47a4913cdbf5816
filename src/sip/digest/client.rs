//! The side that is asked: the answer to a challenge (RFC 7616 section 3.4).

use super::{Algorithm, Question};
use crate::sip::wire::{AuthValue, Headers, Name};

/// A challenge that can be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    pub realm: String,
    pub nonce: String,
    pub opaque: Option<String>,
    pub algorithm: Algorithm,
    /// The answer before was right but its nonce too old: answer again without asking anybody for the password.
    pub stale: bool,
}

impl Challenge {
    /// `None` for another scheme, an algorithm that is not known, or a server without `qop=auth`.
    pub fn read(value: &str) -> Option<Challenge> {
        let value: AuthValue = value.parse().ok()?;
        let offers_auth = value.param("qop")?.split(',').any(|qop| qop.trim().eq_ignore_ascii_case("auth"));
        if !value.scheme.eq_ignore_ascii_case("Digest") || !offers_auth {
            return None;
        }
        Some(Challenge {
            realm: value.param("realm")?.to_owned(),
            nonce: value.param("nonce")?.to_owned(),
            opaque: value.param("opaque").map(str::to_owned),
            algorithm: value.param("algorithm").map_or(Some(Algorithm::Md5), Algorithm::from_token)?,
            stale: value.param("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }

    /// The topmost that can be answered: servers put first what they like best (RFC 8760 section 2.4).
    pub fn first_of(headers: &Headers, name: &Name) -> Option<Challenge> {
        headers.all(name).find_map(Challenge::read)
    }

    /// `cnonce` is chance, in token characters; `count` says how often this nonce was answered, from 1.
    pub fn answer(&self, method: &str, uri: &str, user: &str, password: &str, cnonce: &str, count: u32) -> AuthValue {
        let count = format!("{count:08x}");
        let ha1 = self.algorithm.ha1(user, &self.realm, password);
        let question = Question { method, uri, nonce: &self.nonce, count: &count, cnonce };
        let value = AuthValue::new("Digest")
            .quoted("username", user)
            .quoted("realm", self.realm.as_str())
            .quoted("nonce", self.nonce.as_str())
            .quoted("uri", uri)
            .quoted("response", question.answer(self.algorithm, &ha1.0))
            .token("algorithm", self.algorithm.as_str())
            .quoted("cnonce", cnonce)
            .token("nc", count)
            .token("qop", "auth");
        match &self.opaque {
            Some(opaque) => value.quoted("opaque", opaque.as_str()),
            None => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_of_rfc_7616_is_read_and_answered() {
        let text = "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, \
                    nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", \
                    opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
        let challenge = Challenge::read(text).unwrap();
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let answer = challenge.answer("GET", "/dir/index.html", "Mufasa", "Circle of Life", cnonce, 1);
        let response = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
        assert_eq!(answer.param("response"), Some(response));
        assert_eq!(answer.param("opaque"), Some("FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"));
    }

    #[test]
    fn the_first_that_is_understood_is_answered() {
        let mut headers = Headers::new();
        headers.push(Name::WwwAuthenticate, "Digest realm=\"r\", nonce=\"a\", qop=\"auth\", algorithm=SHA-512-256");
        headers.push(Name::WwwAuthenticate, "Digest realm=\"r\", nonce=\"b\", qop=\"auth\", algorithm=SHA-256");
        headers.push(Name::WwwAuthenticate, "Digest realm=\"r\", nonce=\"c\", qop=\"auth\", stale=TRUE");
        let first = Challenge::first_of(&headers, &Name::WwwAuthenticate).unwrap();
        assert_eq!((first.algorithm, first.nonce.as_str(), first.stale), (Algorithm::Sha256, "b", false));
        assert_eq!(Challenge::read("Digest realm=\"r\", nonce=\"b\""), None);
    }
}
