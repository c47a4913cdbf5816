//! Keys of encrypted audio (SRTP), and whether a call's audio is to be encrypted.

use std::fmt;

use super::{IceCredentials, Random, Redacted};

/// A crypto suite, by its name in `a=crypto` (RFC 4568 section 6.2, RFC 6188 section 4, RFC 7714 section 14.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SrtpSuite {
    Aead256Gcm,
    Aead128Gcm,
    Aes256CmSha1_80,
    Aes128CmSha1_80,
    Aes256CmSha1_32,
    Aes128CmSha1_32,
}

impl SrtpSuite {
    /// In the order that we prefer without other orders: AES-128 with a long tag first, which every telephone has, then by
    /// strength.
    pub const ALL: [SrtpSuite; 6] = [
        SrtpSuite::Aes128CmSha1_80,
        SrtpSuite::Aead256Gcm,
        SrtpSuite::Aead128Gcm,
        SrtpSuite::Aes256CmSha1_80,
        SrtpSuite::Aes128CmSha1_32,
        SrtpSuite::Aes256CmSha1_32,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            SrtpSuite::Aead256Gcm => "AEAD_AES_256_GCM",
            SrtpSuite::Aead128Gcm => "AEAD_AES_128_GCM",
            SrtpSuite::Aes256CmSha1_80 => "AES_256_CM_HMAC_SHA1_80",
            SrtpSuite::Aes128CmSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            SrtpSuite::Aes256CmSha1_32 => "AES_256_CM_HMAC_SHA1_32",
            SrtpSuite::Aes128CmSha1_32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }

    /// Without case.
    pub fn from_name(name: &str) -> Option<SrtpSuite> {
        SrtpSuite::ALL.into_iter().find(|suite| suite.name().eq_ignore_ascii_case(name))
    }

    /// Bytes of the master key.
    pub const fn key_len(self) -> usize {
        match self {
            SrtpSuite::Aead128Gcm | SrtpSuite::Aes128CmSha1_80 | SrtpSuite::Aes128CmSha1_32 => 16,
            SrtpSuite::Aead256Gcm | SrtpSuite::Aes256CmSha1_80 | SrtpSuite::Aes256CmSha1_32 => 32,
        }
    }

    /// Bytes of the master salt.
    pub const fn salt_len(self) -> usize {
        match self {
            SrtpSuite::Aead128Gcm | SrtpSuite::Aead256Gcm => 12,
            SrtpSuite::Aes128CmSha1_80
            | SrtpSuite::Aes128CmSha1_32
            | SrtpSuite::Aes256CmSha1_80
            | SrtpSuite::Aes256CmSha1_32 => 14,
        }
    }
}

impl fmt::Display for SrtpSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The key of one direction of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SrtpKey {
    suite: SrtpSuite,
    /// Master key, then master salt.
    master: Redacted<Vec<u8>>,
}

impl SrtpKey {
    /// `None` when the length is not the suite's.
    pub fn new(suite: SrtpSuite, master: Vec<u8>) -> Option<SrtpKey> {
        (master.len() == suite.key_len() + suite.salt_len()).then_some(SrtpKey { suite, master: Redacted(master) })
    }

    pub fn suite(&self) -> SrtpSuite {
        self.suite
    }

    pub fn master_key(&self) -> &[u8] {
        &self.master.0[..self.suite.key_len()]
    }

    pub fn master_salt(&self) -> &[u8] {
        &self.master.0[self.suite.key_len()..]
    }

    /// Both, as they are written into an `a=crypto` line.
    pub fn master(&self) -> &[u8] {
        &self.master.0
    }
}

/// What keys of ours are made from: 32 bytes that nobody can guess.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySeed(Redacted<[u8; 32]>);

impl KeySeed {
    /// The generator is seeded from the operating system and fit for keys.
    pub fn new(random: &mut Random) -> KeySeed {
        KeySeed(Redacted(random.bytes()))
    }

    /// The key for a suite: always the same of one seed, and of each suite another.
    pub fn key(&self, suite: SrtpSuite) -> SrtpKey {
        let mut random = Random::from_seed(self.0.0);
        let mut master: [u8; 46] = random.bytes();
        for other in SrtpSuite::ALL {
            if other == suite {
                break;
            }
            master = random.bytes();
        }
        SrtpKey { suite, master: Redacted(master[..suite.key_len() + suite.salt_len()].to_vec()) }
    }

    /// The credentials of connectivity checks: always the same of one seed, and nothing of its keys. Of 40 and of 130 bits,
    /// where 24 and 128 are asked for (RFC 8445 section 5.3).
    pub fn ice(&self) -> IceCredentials {
        let mut random = Random::from_seed(self.0.0);
        for _key in SrtpSuite::ALL {
            random.bytes::<46>();
        }
        IceCredentials { ufrag: random.token(8), pwd: Redacted(random.token(26)) }
    }
}

/// The keys that an offer and its answer agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SrtpKeys {
    /// For what we send.
    pub ours: SrtpKey,
    /// For what the peer sends; of the same suite.
    pub theirs: SrtpKey,
    /// Agreed as `RTP/SAVP`; else as plain `RTP/AVP` with keys beside it (RFC 8643).
    pub savp: bool,
}

/// Whether a call's audio is to be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SrtpMode {
    /// Encrypted audio is refused, keys beside plain audio are ignored.
    Off,
    /// Encrypted when the peer wants it.
    #[default]
    Optional,
    /// Plain audio is refused.
    Required,
}

impl SrtpMode {
    pub const ALL: [SrtpMode; 3] = [SrtpMode::Off, SrtpMode::Optional, SrtpMode::Required];

    pub const fn as_str(self) -> &'static str {
        match self {
            SrtpMode::Off => "off",
            SrtpMode::Optional => "optional",
            SrtpMode::Required => "required",
        }
    }

    pub fn from_name(name: &str) -> Option<SrtpMode> {
        SrtpMode::ALL.into_iter().find(|mode| mode.as_str() == name)
    }
}

/// What a call, or a trunk, wants of encrypted audio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SrtpPolicy {
    pub mode: SrtpMode,
    /// In order of preference; none is used that is not here.
    pub suites: Vec<SrtpSuite>,
}

impl SrtpPolicy {
    /// With all suites, in the usual order.
    pub fn new(mode: SrtpMode) -> SrtpPolicy {
        SrtpPolicy { mode, suites: SrtpSuite::ALL.to_vec() }
    }
}

impl Default for SrtpPolicy {
    fn default() -> Self {
        SrtpPolicy::new(SrtpMode::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_one_seed_differ_by_suite_and_show_in_no_log() {
        let seed = KeySeed::new(&mut Random::for_testing(1));
        let keys = SrtpSuite::ALL.map(|suite| seed.key(suite));
        for (n, key) in keys.iter().enumerate() {
            assert_eq!(*key, seed.key(key.suite()));
            assert!(keys[..n].iter().all(|other| other.master()[..16] != key.master()[..16]));
            assert_eq!(SrtpKey::new(key.suite(), key.master().to_vec()).as_ref(), Some(key));
            assert_eq!(SrtpKey::new(key.suite(), key.master()[1..].to_vec()), None);
        }
        assert_eq!(seed.ice(), seed.ice());
        assert_ne!(seed.ice(), KeySeed::new(&mut Random::for_testing(2)).ice());
        let shown = format!("{seed:?} {keys:?}");
        assert!(!shown.contains('[') || !shown.contains(", 1"), "{shown}");
        assert_eq!(shown.matches("***").count(), 1 + keys.len());
    }

    #[test]
    fn names_are_those_of_the_rfcs() {
        for suite in SrtpSuite::ALL {
            assert_eq!(SrtpSuite::from_name(&suite.name().to_lowercase()), Some(suite));
        }
        assert_eq!(SrtpSuite::from_name("F8_128_HMAC_SHA1_80"), None);
    }
}
