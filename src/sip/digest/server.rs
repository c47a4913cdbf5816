//! The side that asks: challenges, and whether what comes back is right (RFC 7616 sections 3.3 to 3.5, 5).

use std::net::IpAddr;

use subtle::ConstantTimeEq;

use super::nonce::{NonceCounts, NonceMaker};
use super::{Algorithm, Question};
use crate::sip::wire::{AuthValue, Headers, Name};
use crate::types::{Mono, Random};

/// What an Authorization header says, as far as it is for our realm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    pub user: String,
    pub algorithm: Algorithm,
    nonce: String,
    uri: String,
    count: String,
    cnonce: String,
    response: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Right,
    /// The nonce is too old, not ours, or was used with that count before: ask again with `stale=true`.
    Stale,
    Wrong,
}

/// One realm. It remembers nothing of those that it asked, and little of those that answered rightly.
#[derive(Debug)]
pub struct DigestServer {
    realm: String,
    nonces: NonceMaker,
    counts: NonceCounts,
}

impl DigestServer {
    pub fn new(realm: &str, random: &mut Random) -> DigestServer {
        DigestServer { realm: realm.to_owned(), nonces: NonceMaker::new(random), counts: NonceCounts::default() }
    }

    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// WWW-Authenticate values for `asked`, one an algorithm, in the order given (RFC 8760 section 2.4).
    pub fn challenges(&mut self, now: Mono, asked: IpAddr, algorithms: &[Algorithm], stale: bool) -> Vec<String> {
        let nonce = self.nonces.make(now, asked);
        let challenge = |algorithm: &Algorithm| {
            let value = AuthValue::new("Digest")
                .quoted("realm", self.realm.as_str())
                .quoted("nonce", nonce.as_str())
                .token("algorithm", algorithm.as_str())
                .quoted("qop", "auth");
            if stale { value.token("stale", "true").to_string() } else { value.to_string() }
        };
        algorithms.iter().map(challenge).collect()
    }

    /// The credentials for our realm: `None` where there are none, an error where they can't be read.
    pub fn credentials(&self, headers: &Headers, name: &Name) -> Option<Result<Credentials, &'static str>> {
        let ours = |value: &AuthValue| {
            value.scheme.eq_ignore_ascii_case("Digest") && value.param("realm") == Some(self.realm.as_str())
        };
        let value = headers.all(name).filter_map(|value| value.parse::<AuthValue>().ok()).find(ours)?;
        Some(read(&value))
    }

    /// `ha1` is the account's for the credentials' algorithm; `None` where there is no such account, which takes as long.
    ///
    /// The credentials' URI may be another than the request's: on the way it may have been rewritten (RFC 3261 section
    /// 22.4). That they are good once is what keeps them from being used elsewhere.
    ///
    /// Of a nonce that another source was asked with nothing is told but that it is stale: the sender may be anybody.
    pub fn verify(
        &mut self,
        now: Mono,
        source: IpAddr,
        method: &str,
        given: &Credentials,
        ha1: Option<&str>,
    ) -> Verdict {
        let Some(nonce) = self.nonces.read(&given.nonce, source) else { return Verdict::Stale };
        let Credentials { algorithm, nonce: nonce_text, uri, count, cnonce, response, .. } = given;
        let question = Question { method, uri, nonce: nonce_text, count, cnonce };
        let expected = question.answer(*algorithm, ha1.unwrap_or_default());
        let is_right: bool = expected.as_bytes().ct_eq(response.to_ascii_lowercase().as_bytes()).into();
        if ha1.is_none() || !is_right {
            return Verdict::Wrong;
        }
        let fresh = nonce.is_fresh(now);
        // `read` has seen that it is hex.
        let count = u32::from_str_radix(count, 16).unwrap_or_default();
        if fresh && self.counts.take(now, nonce, count) { Verdict::Right } else { Verdict::Stale }
    }
}

fn read(value: &AuthValue) -> Result<Credentials, &'static str> {
    let param = |name: &str| value.param(name).map(str::to_owned);
    let algorithm = match value.param("algorithm") {
        None => Algorithm::Md5,
        Some(name) => Algorithm::from_token(name)
            .filter(|algorithm| Algorithm::ASKED.contains(algorithm))
            .ok_or("Algorithm Not Offered")?,
    };
    if value.param("qop") != Some("auth") {
        return Err("Credentials Without qop=auth");
    }
    let count = param("nc").filter(|nc| nc.len() == 8 && nc.bytes().all(|b| b.is_ascii_hexdigit()));
    Ok(Credentials {
        user: param("username").ok_or("Credentials Without User")?,
        algorithm,
        nonce: param("nonce").ok_or("Credentials Without Nonce")?,
        uri: param("uri").ok_or("Credentials Without URI")?,
        count: count.ok_or("Credentials Without Nonce Count")?,
        cnonce: param("cnonce").ok_or("Credentials Without Client Nonce")?,
        response: param("response").ok_or("Credentials Without Response")?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Challenge;
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
    const URI: &str = "sip:frontdesk";

    struct Desk {
        server: DigestServer,
        now: Mono,
    }

    impl Desk {
        fn new() -> Desk {
            let server = DigestServer::new("frontdesk", &mut Random::for_testing(1));
            Desk { server, now: Mono::from_millis(1_000) }
        }

        fn challenge(&mut self, algorithm: Algorithm) -> Challenge {
            let all = self.server.challenges(self.now, HERE, &[algorithm], false);
            Challenge::read(&all[0]).unwrap()
        }

        fn verdict(&mut self, answer: &AuthValue, password: &str) -> Verdict {
            let mut headers = Headers::new();
            headers.push(Name::Authorization, "Basic abc");
            headers.push(Name::Authorization, answer.to_string());
            let given = self.server.credentials(&headers, &Name::Authorization).unwrap().unwrap();
            let ha1 = given.algorithm.ha1(&given.user, "frontdesk", password);
            self.server.verify(self.now, HERE, "REGISTER", &given, Some(&ha1.0))
        }
    }

    #[test]
    fn right_answers_are_taken_once_each() {
        for algorithm in Algorithm::ASKED {
            let mut desk = Desk::new();
            let challenge = desk.challenge(algorithm);
            let answer = |count| challenge.answer("REGISTER", URI, "100", "secret", "c", count);
            assert_eq!(desk.verdict(&answer(1), "secret"), Verdict::Right);
            assert_eq!(desk.verdict(&answer(1), "secret"), Verdict::Stale);
            assert_eq!(desk.verdict(&answer(2), "secret"), Verdict::Right);
            assert_eq!(desk.verdict(&answer(3), "other"), Verdict::Wrong);
        }
    }

    #[test]
    fn an_old_nonce_is_stale_only_with_the_right_password() {
        let mut desk = Desk::new();
        let challenge = desk.challenge(Algorithm::Sha256);
        let answer = challenge.answer("REGISTER", URI, "100", "secret", "c", 1);
        desk.now = Mono::from_millis(301_000);
        assert_eq!(desk.verdict(&answer, "secret"), Verdict::Stale);
        assert_eq!(desk.verdict(&answer, "other"), Verdict::Wrong);
    }

    #[test]
    fn another_method_is_wrong_another_uri_is_not_and_a_foreign_nonce_is_stale() {
        let mut desk = Desk::new();
        let challenge = desk.challenge(Algorithm::Md5);
        let invite = challenge.answer("INVITE", URI, "100", "secret", "c", 1);
        assert_eq!(desk.verdict(&invite, "secret"), Verdict::Wrong);
        let elsewhere = challenge.answer("REGISTER", "sip:elsewhere", "100", "secret", "c", 1);
        assert_eq!(desk.verdict(&elsewhere, "secret"), Verdict::Right);
        let foreign =
            Challenge { nonce: "abc".to_owned(), ..challenge }.answer("REGISTER", URI, "100", "secret", "c", 1);
        assert_eq!(desk.verdict(&foreign, "secret"), Verdict::Stale);
    }

    #[test]
    fn nobody_is_as_wrong_as_a_wrong_password() {
        let mut desk = Desk::new();
        let answer = desk.challenge(Algorithm::Md5).answer("REGISTER", URI, "100", "", "c", 1);
        let mut headers = Headers::new();
        headers.push(Name::Authorization, answer.to_string());
        let given = desk.server.credentials(&headers, &Name::Authorization).unwrap().unwrap();
        assert_eq!(desk.server.verify(desk.now, HERE, "REGISTER", &given, None), Verdict::Wrong);
    }

    #[test]
    fn credentials_for_others_are_none_and_half_ones_are_faults() {
        let desk = Desk::new();
        let read = |value: &str| {
            let mut headers = Headers::new();
            headers.push(Name::Authorization, value);
            desk.server.credentials(&headers, &Name::Authorization)
        };
        for none in ["Digest realm=\"other\"", "Basic x", "Digest realm", ""] {
            assert_eq!(read(none), None, "{none}");
        }
        let whole = "Digest realm=\"frontdesk\", username=\"1\", nonce=\"n\", uri=\"u\", response=\"r\", cnonce=\"c\", \
                     nc=00000001, qop=auth";
        assert!(matches!(read(whole), Some(Ok(_))));
        let part =
            ["username=\"1\", ", "nonce=\"n\", ", "uri=\"u\", ", "response=\"r\", ", "cnonce=\"c\", ", ", qop=auth"];
        for missing in part {
            assert!(matches!(read(&whole.replace(missing, "")), Some(Err(_))), "{missing}");
        }
        for changed in [("nc=00000001", "nc=1"), ("qop=auth", "qop=auth-int"), ("qop", "algorithm=MD5-sess, qop")] {
            assert!(matches!(read(&whole.replace(changed.0, changed.1)), Some(Err(_))), "{changed:?}");
        }
    }

    #[test]
    fn both_algorithms_are_asked_for_in_their_order() {
        let mut desk = Desk::new();
        let all = desk.server.challenges(desk.now, HERE, &Algorithm::ASKED, true);
        assert!(all[0].contains("algorithm=SHA-256") && all[1].contains("algorithm=MD5"), "{all:?}");
        assert!(all.iter().all(|value| value.contains("stale=true") && value.contains("qop=\"auth\"")), "{all:?}");
    }
}
