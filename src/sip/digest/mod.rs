//! Digest authentication (RFC 7616, RFC 8760): what both sides calculate. We ask with MD5 and SHA-256 and `qop=auth`; we
//! answer whatever a registrar asks with, down to RFC 2069.
//!
//! - `server`: challenges, and whether an answer is right; `nonce`: nonces that need no memory.
//! - `client`: the answer to a challenge; `login`: an account of ours, and the challenge that it answers at present.
//!
//! The only room that names the hash functions. `digest_auth` was looked at: it can be given a password but not the hash
//! that an account is kept as, it draws client nonces from the system's chance, and leaves nonces and replays to others.

mod client;
mod login;
mod nonce;
mod server;

use std::fmt;

use md5::Md5;
use sha2::{Digest as _, Sha256, Sha512_256};

pub use self::client::Challenge;
pub use self::login::{Login, Refusal};
pub use self::server::{Credentials, DigestServer, Verdict};
use super::wire::to_wire;
use crate::types::Redacted;

/// By strength: the stronger is offered first (RFC 8760 section 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    Sha512_256,
    Sha256,
    Md5,
}

impl Algorithm {
    pub const ALL: [Algorithm; 3] = [Algorithm::Sha512_256, Algorithm::Sha256, Algorithm::Md5];
    /// What we ask with ourselves: no phone is known that knows SHA-512-256 alone.
    pub const ASKED: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Md5];

    /// As in the `algorithm` parameter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Algorithm::Sha512_256 => "SHA-512-256",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Md5 => "MD5",
        }
    }

    pub fn from_token(token: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(token))
    }

    /// Characters of a hash in hex.
    pub const fn hex_len(self) -> usize {
        match self {
            Algorithm::Sha512_256 | Algorithm::Sha256 => 64,
            Algorithm::Md5 => 32,
        }
    }

    /// The hash of the parts with colons between them, in hex.
    fn hash(self, parts: &[&str]) -> String {
        let text = parts.join(":");
        let bytes = to_wire(&text);
        match self {
            Algorithm::Sha512_256 => hex(&Sha512_256::digest(&bytes)),
            Algorithm::Sha256 => hex(&Sha256::digest(&bytes)),
            Algorithm::Md5 => hex(&Md5::digest(&bytes)),
        }
    }

    /// What a server needs to keep of a password (RFC 7616 section 3.4.2).
    pub fn ha1(self, user: &str, realm: &str, password: &str) -> Redacted<String> {
        Redacted(self.hash(&[user, realm, password]))
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an answer is made of, beside the account.
struct Question<'a> {
    method: &'a str,
    uri: &'a str,
    nonce: &'a str,
    /// Eight hex digits, as on the wire.
    count: &'a str,
    cnonce: &'a str,
}

impl Question<'_> {
    /// `response` of RFC 7616 section 3.4.1 for `qop=auth`.
    fn answer(&self, algorithm: Algorithm, ha1: &str) -> String {
        let ha2 = algorithm.hash(&[self.method, self.uri]);
        algorithm.hash(&[ha1, self.nonce, self.count, self.cnonce, "auth", &ha2])
    }

    /// The same for a server that names no `qop` (RFC 2069).
    fn answer_without_qop(&self, algorithm: Algorithm, ha1: &str) -> String {
        let ha2 = algorithm.hash(&[self.method, self.uri]);
        algorithm.hash(&[ha1, self.nonce, &ha2])
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_7616_come_out() {
        let question = Question {
            method: "GET",
            uri: "/dir/index.html",
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            count: "00000001",
            cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        };
        let answer = |algorithm: Algorithm| {
            let ha1 = algorithm.ha1("Mufasa", "http-auth@example.org", "Circle of Life");
            question.answer(algorithm, &ha1.0)
        };
        assert_eq!(answer(Algorithm::Md5), "8ca523f5e9506fed4657c9700eebdbec");
        let sha256 = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
        assert_eq!(answer(Algorithm::Sha256), sha256);
    }

    #[test]
    fn the_example_of_rfc_2617_comes_out() {
        let question = Question {
            method: "GET",
            uri: "/dir/index.html",
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            count: "00000001",
            cnonce: "0a4f113b",
        };
        let ha1 = Algorithm::Md5.ha1("Mufasa", "testrealm@host.com", "Circle Of Life");
        assert_eq!(ha1.0, "939e7578ed9e3c518a452acee763bce9");
        assert_eq!(question.answer(Algorithm::Md5, &ha1.0), "6629fae49393a05397450978507c4ef1");
    }

    #[test]
    fn algorithms_are_found_in_any_case_and_others_are_not() {
        assert_eq!(Algorithm::from_token("sha-256"), Some(Algorithm::Sha256));
        assert_eq!(Algorithm::from_token("md5"), Some(Algorithm::Md5));
        for other in ["MD5-sess", "SHA-256-sess", "SHA-1", ""] {
            assert_eq!(Algorithm::from_token(other), None);
        }
    }
}
