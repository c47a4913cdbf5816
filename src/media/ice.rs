//! The answering side of connectivity checks (ICE-lite, RFC 8445 section 2.5): a peer asks from each of its addresses, with
//! the password of the description; whoever knows it is answered where it was seen, and may say where it wants its audio.
//!
//! Who does not know the password gets no answer: there is nothing to be learnt here, and nobody to be flooded.

use std::net::SocketAddr;

use stun_types::attribute::{Attribute, AttributeType, ErrorCode, UnknownAttributes, Username, XorMappedAddress};
use stun_types::message::{
    BINDING, IntegrityAlgorithm, Message, MessageClass, MessageIntegrityCredentials, MessageWrite, MessageWriteExt,
    MessageWriteVec, ShortTermCredentials,
};

use crate::types::IceTerms;

/// No check is longer than what fits into one packet on any path (RFC 8489 section 6.1).
const BYTES_MAX: usize = 1_280;
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
/// Attributes of RFC 8445 section 16.1.
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const ICE_CONTROLLED: u16 = 0x8029;
/// Those that an answerer has to understand: USERNAME, MESSAGE-INTEGRITY, its SHA-256 and two of the above.
const KNOWN: [u16; 5] = [0x0006, 0x0008, 0x001c, PRIORITY, USE_CANDIDATE];

/// Whether a datagram on a port of audio is a check: neither RTP, RTCP nor DTLS begins so (RFC 7983).
pub fn is_stun(packet: &[u8]) -> bool {
    packet.first().is_some_and(|b| *b < 4) && packet.get(4..8) == Some(&COOKIE[..])
}

/// Answers the checks of one stream.
#[derive(Debug)]
pub struct Answerer {
    terms: IceTerms,
    /// What a check calls us and itself (RFC 8445 section 7.2.2).
    username: String,
    password: MessageIntegrityCredentials,
}

/// A check of somebody who knows the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub answer: Vec<u8>,
    pub standing: Standing,
}

/// What a check proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing, by a fault of its own: the answer says which.
    Refused,
    Proved,
    /// And audio is wanted there, with this priority.
    Nominated {
        priority: u32,
    },
}

/// No check, or not with our password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Malformed,
    Forged,
}

impl Answerer {
    pub fn new(terms: &IceTerms) -> Answerer {
        Answerer {
            terms: terms.clone(),
            username: format!("{}:{}", terms.ours.ufrag, terms.theirs.ufrag),
            password: ShortTermCredentials::new(terms.ours.pwd.0.clone()).into(),
        }
    }

    pub fn terms(&self) -> &IceTerms {
        &self.terms
    }

    /// Judges a check that came from there.
    pub fn check(&self, from: SocketAddr, packet: &[u8]) -> Result<Check, Fault> {
        let request = read(packet).ok_or(Fault::Malformed)?;
        let username = request.attribute::<Username>().map_err(|_| Fault::Forged)?;
        if username.username() != self.username {
            return Err(Fault::Forged);
        }
        let algorithm = request.validate_integrity(&self.password).map_err(|_| Fault::Forged)?;
        let unknown: Vec<AttributeType> = request
            .iter_attributes()
            .map(|(_, attribute)| attribute.get_type())
            .filter(|kind| kind.comprehension_required() && !KNOWN.contains(&kind.value()))
            .collect();
        if !unknown.is_empty() {
            return self.refusal(&request, algorithm, 420, &unknown);
        }
        // Who only answers checks can't lead them: the other side has to (RFC 8445 section 7.3.1.1).
        if request.has_attribute(AttributeType::new(ICE_CONTROLLED)) {
            return self.refusal(&request, algorithm, 487, &[]);
        }
        let mut answer = Message::builder_success(&request, MessageWriteVec::new());
        let seen = XorMappedAddress::new(from, request.transaction_id());
        answer.add_attribute(&seen).map_err(|_| Fault::Malformed)?;
        let standing = match request.raw_attribute(AttributeType::new(USE_CANDIDATE)) {
            Some(_) => Standing::Nominated { priority: priority(&request) },
            None => Standing::Proved,
        };
        Ok(Check { answer: self.sealed(answer, algorithm)?, standing })
    }

    fn refusal(
        &self,
        request: &Message<'_>,
        algorithm: IntegrityAlgorithm,
        status: u16,
        unknown: &[AttributeType],
    ) -> Result<Check, Fault> {
        let mut answer = Message::builder_error(request, MessageWriteVec::new());
        let code = ErrorCode::builder(status).build().map_err(|_| Fault::Malformed)?;
        answer.add_attribute(&code).map_err(|_| Fault::Malformed)?;
        let unknown = UnknownAttributes::new(unknown);
        if status == 420 {
            answer.add_attribute(&unknown).map_err(|_| Fault::Malformed)?;
        }
        Ok(Check { answer: self.sealed(answer, algorithm)?, standing: Standing::Refused })
    }

    /// With our password and a checksum that tells it from audio.
    fn sealed(&self, mut answer: MessageWriteVec, algorithm: IntegrityAlgorithm) -> Result<Vec<u8>, Fault> {
        answer.add_message_integrity(&self.password, algorithm).map_err(|_| Fault::Malformed)?;
        answer.add_fingerprint().map_err(|_| Fault::Malformed)?;
        Ok(answer.finish())
    }
}

/// A binding request that fills the packet.
fn read(packet: &[u8]) -> Option<Message<'_>> {
    let length = usize::from(u16::from_be_bytes([*packet.get(2)?, *packet.get(3)?]));
    if packet.len() > BYTES_MAX || length + 20 != packet.len() || !length.is_multiple_of(4) {
        return None;
    }
    let request = Message::from_bytes(packet).ok()?;
    (request.class() == MessageClass::Request && request.method() == BINDING).then_some(request)
}

fn priority(request: &Message<'_>) -> u32 {
    let value = request.raw_attribute(AttributeType::new(PRIORITY));
    value.and_then(|attribute| <[u8; 4]>::try_from(&*attribute.value).ok()).map_or(0, u32::from_be_bytes)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use stun_types::attribute::RawAttribute;

    use crate::types::{IceCredentials, KeySeed, Random, Redacted};

    use super::*;

    const FROM: &str = "198.51.100.7:4000";

    fn terms() -> IceTerms {
        let theirs = IceCredentials { ufrag: "them".into(), pwd: Redacted("abcdefghijklmnopqrstuv".into()) };
        IceTerms { ours: KeySeed::new(&mut Random::for_testing(1)).ice(), theirs }
    }

    /// A check as a browser makes it.
    fn request(username: &str, password: &str, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut request = Message::builder_request(BINDING, MessageWriteVec::new());
        request.add_attribute(&Username::new(username).unwrap()).unwrap();
        for (kind, value) in attributes {
            request.add_attribute(&RawAttribute::new(AttributeType::new(*kind), value)).unwrap();
        }
        let password = ShortTermCredentials::new(password.to_owned()).into();
        request.add_message_integrity(&password, IntegrityAlgorithm::Sha1).unwrap();
        request.add_fingerprint().unwrap();
        request.finish()
    }

    /// For the tests of a whole stream.
    pub fn check_of(terms: &IceTerms, nominates: bool) -> Vec<u8> {
        let username = format!("{}:{}", terms.ours.ufrag, terms.theirs.ufrag);
        let nomination: (u16, &[u8]) = (USE_CANDIDATE, &[]);
        let all = [(PRIORITY, &[0, 0, 1, 0][..]), nomination];
        request(&username, &terms.ours.pwd.0, &all[..1 + usize::from(nominates)])
    }

    pub fn is_answer(packet: &[u8]) -> bool {
        Message::from_bytes(packet).is_ok_and(|message| message.class() == MessageClass::Success)
    }

    fn ours(attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let terms = terms();
        request(&format!("{}:them", terms.ours.ufrag), &terms.ours.pwd.0, attributes)
    }

    fn check(packet: &[u8]) -> Result<Check, Fault> {
        Answerer::new(&terms()).check(FROM.parse().unwrap(), packet)
    }

    fn error_of(check: &Check) -> u16 {
        Message::from_bytes(&check.answer).unwrap().attribute::<ErrorCode>().unwrap().code()
    }

    #[test]
    fn who_knows_the_password_is_told_where_it_was_seen() {
        let request = ours(&[(PRIORITY, &[1, 2, 3, 4]), (0xc057, &[0, 1, 0, 2])]);
        assert!(is_stun(&request));
        let found = check(&request).unwrap();
        assert_eq!(found.standing, Standing::Proved);
        let answer = Message::from_bytes(&found.answer).unwrap();
        assert_eq!((answer.class(), &found.answer[8..20]), (MessageClass::Success, &request[8..20]));
        let seen = answer.attribute::<XorMappedAddress>().unwrap().addr(answer.transaction_id());
        assert_eq!(seen.to_string(), FROM);
        answer.validate_integrity(&ShortTermCredentials::new(terms().ours.pwd.0).into()).unwrap();
        assert_eq!(found.answer[found.answer.len() - 8..][..4], [0x80, 0x28, 0, 4], "a fingerprint is the last");
    }

    #[test]
    fn who_wants_its_audio_there_says_so_with_a_priority() {
        let nominating = ours(&[(PRIORITY, &[1, 2, 3, 4]), (USE_CANDIDATE, &[])]);
        assert_eq!(check(&nominating).unwrap().standing, Standing::Nominated { priority: 0x0102_0304 });
    }

    #[test]
    fn a_wrong_name_or_password_gets_no_answer() {
        let terms = terms();
        let name = format!("{}:them", terms.ours.ufrag);
        for (name, password) in [
            (name.as_str(), "abcdefghijklmnopqrstuv"),
            (&format!("{}:us", terms.ours.ufrag), &terms.ours.pwd.0),
            ("them", &terms.ours.pwd.0),
        ] {
            assert_eq!(check(&request(name, password, &[])), Err(Fault::Forged), "{name}");
        }
        let mut bare = Message::builder_request(BINDING, MessageWriteVec::new());
        bare.add_attribute(&Username::new(&name).unwrap()).unwrap();
        assert_eq!(check(&bare.finish()), Err(Fault::Forged));
    }

    #[test]
    fn what_is_written_behind_the_proof_does_not_count() {
        let mut request = ours(&[(PRIORITY, &[1, 2, 3, 4])]);
        // The fingerprint, which knows no secret, gives way to a nomination.
        request.truncate(request.len() - 8);
        request.extend([0, 0x25, 0, 0]);
        let length = (request.len() - 20) as u16;
        request[2..4].copy_from_slice(&length.to_be_bytes());
        assert!(check(&request).is_ok_and(|check| check.standing == Standing::Proved));
    }

    #[test]
    fn demands_that_can_not_be_met_are_refused_by_name() {
        let unknown = check(&ours(&[(0x7777, &[])])).unwrap();
        assert_eq!((unknown.standing, error_of(&unknown)), (Standing::Refused, 420));
        let led = check(&ours(&[(ICE_CONTROLLED, &[0; 8])])).unwrap();
        assert_eq!((led.standing, error_of(&led)), (Standing::Refused, 487));
    }

    #[test]
    fn cut_or_changed_ones_are_nothing() {
        let whole = ours(&[(PRIORITY, &[1, 2, 3, 4]), (USE_CANDIDATE, &[])]);
        (0..whole.len()).for_each(|length| assert!(check(&whole[..length]).is_err(), "{length}"));
        // Behind the proof stands the fingerprint alone, which proves nothing.
        for at in 0..whole.len() - 8 {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert!(check(&changed).is_err(), "{at}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), head in any::<bool>()) {
            if head && bytes.len() >= 20 {
                bytes.truncate(bytes.len() / 4 * 4);
                let length = (bytes.len() - 20) as u16;
                bytes[..2].copy_from_slice(&[0, 1]);
                bytes[2..4].copy_from_slice(&length.to_be_bytes());
                bytes[4..8].copy_from_slice(&COOKIE);
            }
            let _ = check(&bytes);
        }
    }
}
