//! How messages find their transaction and dialog (RFC 3261 sections 17.1.3, 17.2.3, 12.2.2, 8.2.2.2).

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher, Hasher};

use crate::types::Random;

/// 128 bits of a keyed hash over the fields that identify a thing: small, and nobody outside can make two collide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(u64, u64);

impl std::hash::Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// A map by `Key`: its bits are already a hash.
pub type KeyMap<V> = HashMap<Key, V, BuildHasherDefault<AlreadyHashed>>;

/// Hands a `Key`'s own bits to the map.
#[derive(Debug, Default, Clone, Copy)]
pub struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_ne_bytes(word);
        }
    }

    fn write_u64(&mut self, bits: u64) {
        self.0 = bits;
    }
}

/// Makes keys with a secret of its own.
#[derive(Debug)]
pub struct KeyMaker {
    secret: [u64; 2],
}

/// What a key is about: the same text in two roles gives two keys.
#[derive(Debug, Clone, Copy)]
enum Role {
    Server = 1,
    OldServer,
    Client,
    Dialog,
    Merge,
    Tag,
}

impl KeyMaker {
    pub fn new(random: &mut Random) -> Self {
        Self { secret: [random.u64(), random.u64()] }
    }

    /// A server transaction by RFC 3261's branch: the sent-by makes foreign branches distinct; ACK and CANCEL go by `INVITE`.
    pub fn server(&self, branch: &str, sent_by: &str, invite: bool, method: &str) -> Key {
        let method = if invite { "INVITE" } else { method };
        self.make(Role::Server, &[branch, sent_by, method])
    }

    /// A server transaction of a peer from before RFC 3261, whose branch means nothing (section 17.2.3).
    pub fn old_server(&self, via: &str, call_id: &str, from_tag: &str, cseq: u32, invite: bool, method: &str) -> Key {
        let method = if invite { "INVITE" } else { method };
        self.make(Role::OldServer, &[via, call_id, from_tag, &cseq.to_string(), method])
    }

    /// A client transaction by our branch and the method of the CSeq header.
    pub fn client(&self, branch: &str, method: &str) -> Key {
        self.make(Role::Client, &[branch, method])
    }

    pub fn dialog(&self, call_id: &str, local_tag: &str, remote_tag: &str) -> Key {
        self.make(Role::Dialog, &[call_id, local_tag, remote_tag])
    }

    /// One request that reached us over several paths (RFC 3261 section 8.2.2.2).
    pub fn merge(&self, call_id: &str, from_tag: &str, cseq: u32, method: &str) -> Key {
        self.make(Role::Merge, &[call_id, from_tag, &cseq.to_string(), method])
    }

    /// The To-tag of a response that leaves no state: the same request always gets the same one (RFC 3261 section 8.2.7).
    pub fn stateless_tag(&self, call_id: &str, from_tag: &str, cseq: u32, via: &str) -> String {
        let Key(bits, _) = self.make(Role::Tag, &[call_id, from_tag, &cseq.to_string(), via]);
        format!("{bits:016x}")
    }

    fn make(&self, role: Role, parts: &[&str]) -> Key {
        let half = |secret: u64| {
            let mut hasher = DefaultHasher::new();
            hasher.write_u64(secret);
            hasher.write_u8(role as u8);
            for part in parts {
                hasher.write(part.as_bytes());
                hasher.write_u8(0xff);
            }
            hasher.finish()
        };
        Key(half(self.secret[0]), half(self.secret[1]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maker() -> KeyMaker {
        KeyMaker::new(&mut Random::for_testing(1))
    }

    #[test]
    fn the_ack_to_a_refusal_finds_the_invite_and_a_bye_does_not() {
        let maker = maker();
        let invite = maker.server("z9hG4bK1", "a:5060", true, "INVITE");
        assert_eq!(maker.server("z9hG4bK1", "a:5060", true, "ACK"), invite);
        assert_ne!(maker.server("z9hG4bK1", "a:5060", false, "BYE"), invite);
        assert_ne!(maker.server("z9hG4bK1", "b:5060", true, "INVITE"), invite);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let maker = maker();
        assert_ne!(maker.dialog("ab", "c", "d"), maker.dialog("a", "bc", "d"));
        assert_ne!(maker.dialog("a", "", "b"), maker.dialog("a", "b", ""));
    }

    #[test]
    fn another_secret_gives_other_keys() {
        let other = KeyMaker::new(&mut Random::for_testing(2));
        assert_ne!(maker().client("z9hG4bK1", "BYE"), other.client("z9hG4bK1", "BYE"));
    }
}
