//! An account of ours at a registrar or gateway, and the challenges that it answers at present. Who was asked once answers
//! at once from then on, with the count raised, until the server names another nonce (RFC 7616 section 3.6).

use super::Challenge;
use crate::sip::wire::{Headers, Name};
use crate::types::Redacted;

/// Why a challenge is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The answer to the server's own nonce was not right.
    WrongPassword,
    /// No challenge that we understand.
    Unknown,
}

/// See the module.
#[derive(Debug)]
pub struct Login {
    user: String,
    password: Redacted<String>,
    /// Of the server itself, and of a proxy before it.
    answering: [Option<Answering>; 2],
}

#[derive(Debug)]
struct Answering {
    challenge: Challenge,
    cnonce: String,
    count: u32,
}

impl Login {
    pub fn new(user: impl Into<String>, password: Redacted<String>) -> Login {
        Login { user: user.into(), password, answering: [None, None] }
    }

    /// What a request carries, one field for each that asks; none before anybody has asked.
    pub fn proofs(&mut self, method: &str, uri: &str) -> Vec<(Name, String)> {
        let (user, password) = (&self.user, &self.password.0);
        let fields = self.answering.iter_mut().zip([Name::Authorization, Name::ProxyAuthorization]);
        let proof = |(answering, name): (&mut Option<Answering>, Name)| {
            let Answering { challenge, cnonce, count } = answering.as_mut()?;
            *count = count.saturating_add(1);
            Some((name, challenge.answer(method, uri, user, password, cnonce, *count).to_string()))
        };
        fields.filter_map(proof).collect()
    }

    /// A 401 or 407 came. `fresh`: the request answered a challenge that came a moment ago, so that its nonce was good.
    ///
    /// # Errors
    /// The request need not be sent again.
    pub fn challenged(&mut self, status: u16, headers: &Headers, fresh: bool, cnonce: String) -> Result<(), Refusal> {
        let (at, name) = if status == 407 { (1, Name::ProxyAuthenticate) } else { (0, Name::WwwAuthenticate) };
        let challenge = Challenge::first_of(headers, &name).ok_or(Refusal::Unknown)?;
        let before = self.answering[at].take();
        let again = before.as_ref().is_some_and(|before| fresh && before.challenge.realm == challenge.realm);
        let same_nonce = before.is_some_and(|before| before.challenge.nonce == challenge.nonce);
        if again && (!challenge.stale || same_nonce) {
            return Err(Refusal::WrongPassword);
        }
        self.answering[at] = Some(Answering { challenge, cnonce, count: 0 });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(nonce: &str, more: &str) -> Headers {
        let mut headers = Headers::new();
        headers.push(Name::WwwAuthenticate, format!("Digest realm=\"r\", nonce=\"{nonce}\", qop=\"auth\"{more}"));
        headers
    }

    fn login() -> Login {
        Login::new("u", Redacted("p".to_owned()))
    }

    #[test]
    fn who_was_asked_answers_with_a_rising_count() {
        let mut login = login();
        assert!(login.proofs("REGISTER", "sip:r").is_empty());
        login.challenged(401, &asks("n1", ""), false, "c".into()).expect("it is answered");
        for count in 1..=3 {
            let proofs = login.proofs("REGISTER", "sip:r");
            assert_eq!(proofs.len(), 1);
            assert!(proofs[0].1.contains(&format!("nc=0000000{count}")), "{proofs:?}");
        }
        login.challenged(401, &asks("n2", ""), false, "c".into()).expect("the server has forgotten the old nonce");
        assert!(login.proofs("REGISTER", "sip:r")[0].1.contains("nc=00000001"));
    }

    #[test]
    fn a_refused_answer_to_a_good_nonce_is_a_wrong_password() {
        let mut login = login();
        login.challenged(401, &asks("n1", ""), false, "c".into()).expect("it is answered");
        let again = login.challenged(401, &asks("n2", ""), true, "c".into());
        assert_eq!(again, Err(Refusal::WrongPassword));
        assert!(login.proofs("REGISTER", "sip:r").is_empty(), "the next try begins anew");
    }

    #[test]
    fn a_stale_nonce_is_answered_anew_but_not_the_same_one() {
        let mut login = login();
        login.challenged(401, &asks("n1", ""), false, "c".into()).expect("it is answered");
        login.challenged(401, &asks("n2", ", stale=true"), true, "c".into()).expect("it is answered again");
        let same = login.challenged(401, &asks("n2", ", stale=true"), true, "c".into());
        assert_eq!(same, Err(Refusal::WrongPassword));
        assert_eq!(login.challenged(401, &Headers::new(), false, "c".into()), Err(Refusal::Unknown));
    }

    #[test]
    fn a_proxy_and_the_registrar_behind_it_are_both_answered() {
        let mut login = login();
        let mut proxy = Headers::new();
        proxy.push(Name::ProxyAuthenticate, "Digest realm=\"edge\", nonce=\"n1\"");
        login.challenged(407, &proxy, false, "c".into()).expect("it is answered");
        login.challenged(401, &asks("n2", ""), true, "c".into()).expect("it is another server's first");
        let names: Vec<Name> = login.proofs("REGISTER", "sip:r").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, [Name::Authorization, Name::ProxyAuthorization]);
    }
}
