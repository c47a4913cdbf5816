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
    /// The password's hash is made anew for each nonce (`-sess`).
    pub session: bool,
    /// With `qop=auth`; old servers name none (RFC 2069).
    pub qop: bool,
    /// The answer before was right but its nonce too old: answer again without asking anybody for the password.
    pub stale: bool,
}

impl Challenge {
    /// `None` for another scheme, an algorithm that is not known, or a server that wants bodies signed (`auth-int` alone).
    pub fn read(value: &str) -> Option<Challenge> {
        let value: AuthValue = value.parse().ok()?;
        let offered = value.param("qop").filter(|qop| !qop.trim().is_empty());
        let offers_auth = offered.map(|qop| qop.split(',').any(|qop| qop.trim().eq_ignore_ascii_case("auth")));
        if !value.scheme.eq_ignore_ascii_case("Digest") || offers_auth == Some(false) {
            return None;
        }
        let (algorithm, session) = algorithm(value.param("algorithm").unwrap_or("MD5"))?;
        Some(Challenge {
            realm: value.param("realm")?.to_owned(),
            nonce: value.param("nonce")?.to_owned(),
            opaque: value.param("opaque").map(str::to_owned),
            algorithm,
            session,
            qop: offers_auth.is_some(),
            stale: value.param("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }

    /// The topmost that can be answered: servers put first what they like best (RFC 8760 section 2.4).
    pub fn first_of(headers: &Headers, name: &Name) -> Option<Challenge> {
        headers.all(name).find_map(Challenge::read)
    }

    /// `cnonce` is chance, in token characters, the same for all answers to one nonce; `count` says how often this nonce
    /// was answered, from 1.
    pub fn answer(&self, method: &str, uri: &str, user: &str, password: &str, cnonce: &str, count: u32) -> AuthValue {
        let count = format!("{count:08x}");
        let ha1 = self.algorithm.ha1(user, &self.realm, password);
        let ha1 = if self.session { self.algorithm.hash(&[&ha1.0, &self.nonce, cnonce]) } else { ha1.0 };
        let question = Question { method, uri, nonce: &self.nonce, count: &count, cnonce };
        let response = match self.qop {
            true => question.answer(self.algorithm, &ha1),
            false => question.answer_without_qop(self.algorithm, &ha1),
        };
        let name = format!("{}{}", self.algorithm.as_str(), if self.session { "-sess" } else { "" });
        let mut value = AuthValue::new("Digest")
            .quoted("username", user)
            .quoted("realm", self.realm.as_str())
            .quoted("nonce", self.nonce.as_str())
            .quoted("uri", uri)
            .quoted("response", response)
            .token("algorithm", name);
        if self.qop || self.session {
            value = value.quoted("cnonce", cnonce);
        }
        if self.qop {
            value = value.token("nc", count).token("qop", "auth");
        }
        match &self.opaque {
            Some(opaque) => value.quoted("opaque", opaque.as_str()),
            None => value,
        }
    }
}

fn algorithm(token: &str) -> Option<(Algorithm, bool)> {
    let session = token.len() > 5 && token.get(token.len() - 5..).is_some_and(|end| end.eq_ignore_ascii_case("-sess"));
    let name = if session { &token[..token.len() - 5] } else { token };
    Algorithm::from_token(name).map(|algorithm| (algorithm, session))
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

    /// What Python's hashlib makes of the second example of RFC 7616 without `userhash`: the response that the RFC prints is
    /// known to be wrong.
    #[test]
    fn sha_512_256_is_answered() {
        let text = "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, \
                    nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", \
                    opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\"";
        let user = "J\u{e4}s\u{f8}n Doe";
        let cnonce = "NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm";
        let answer = Challenge::read(text).unwrap().answer("GET", "/doe.json", user, "Secret, or not?", cnonce, 1);
        assert_eq!(answer.param("algorithm"), Some("SHA-512-256"));
        let response = "7a4e1192babbba02e91182d2895bfdbf7adafc6e48d4e517ca301974843d840c";
        assert_eq!(answer.param("response"), Some(response));
    }

    #[test]
    fn a_server_of_rfc_2069_is_answered_without_count_and_client_nonce() {
        let challenge = Challenge::read("Digest realm=\"r\", nonce=\"b\"").expect("it can be answered");
        let answer = challenge.answer("REGISTER", "sip:r", "u", "p", "c", 1);
        let ha1 = Algorithm::Md5.hash(&["u", "r", "p"]);
        let ha2 = Algorithm::Md5.hash(&["REGISTER", "sip:r"]);
        assert_eq!(answer.param("response"), Some(Algorithm::Md5.hash(&[&ha1, "b", &ha2]).as_str()));
        assert_eq!((answer.param("nc"), answer.param("cnonce"), answer.param("qop")), (None, None, None));
    }

    #[test]
    fn a_session_hashes_nonce_and_client_nonce_into_the_key() {
        let text = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=md5-Sess";
        let answer = Challenge::read(text).expect("it can be answered").answer("REGISTER", "sip:r", "u", "p", "c", 1);
        let ha1 = Algorithm::Md5.hash(&[&Algorithm::Md5.hash(&["u", "r", "p"]), "n", "c"]);
        let ha2 = Algorithm::Md5.hash(&["REGISTER", "sip:r"]);
        let response = Algorithm::Md5.hash(&[&ha1, "n", "00000001", "c", "auth", &ha2]);
        assert_eq!(answer.param("response"), Some(response.as_str()));
        assert_eq!(answer.param("algorithm"), Some("MD5-sess"));
    }

    #[test]
    fn the_first_that_is_understood_is_answered() {
        let mut headers = Headers::new();
        headers.push(Name::WwwAuthenticate, "Digest realm=\"r\", nonce=\"a\", qop=\"auth\", algorithm=AKAv1-MD5");
        headers.push(Name::WwwAuthenticate, "Digest realm=\"r\", nonce=\"b\", qop=\"auth\", algorithm=SHA-256");
        headers.push(Name::WwwAuthenticate, "Digest realm=\"r\", nonce=\"c\", qop=\"auth\", stale=TRUE");
        let first = Challenge::first_of(&headers, &Name::WwwAuthenticate).unwrap();
        assert_eq!((first.algorithm, first.nonce.as_str(), first.stale), (Algorithm::Sha256, "b", false));
        assert_eq!(Challenge::read("Digest realm=\"r\", nonce=\"b\", qop=\"auth-int\""), None);
        assert_eq!(Challenge::read("Basic realm=\"r\""), None);
    }
}
