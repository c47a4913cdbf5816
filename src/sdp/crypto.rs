//! Keys of encrypted audio in a description (SDES, RFC 4568), and what is agreed on with them.

use base64ct::{Base64, Base64Unpadded, Encoding};

use crate::types::{KeySeed, SrtpKey, SrtpKeys, SrtpMode, SrtpPolicy, SrtpSuite};

use super::description::Stream;
use super::error::{SdpError, quoted};

/// `a=crypto` lines of a stream that are read; peers write one for each suite.
pub const CRYPTO_LINES_MAX: usize = 32;
/// Packets that a key must last for at least, as a power of two: five hours of 20 ms, which no call of ours lasts.
const LIFETIME_MIN: u32 = 20;
/// No key lasts for more than all indices.
const LIFETIME_MAX: u32 = 48;

/// An `a=crypto` line that we can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crypto {
    pub tag: u32,
    pub key: SrtpKey,
}

/// What the desk brings of encryption to a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalSrtp {
    pub policy: SrtpPolicy,
    /// Nobody on the way can read the description, so that keys offered in it are worth something.
    pub sealed_signalling: bool,
    /// What keys of ours are made from: a new one for every description.
    pub seed: KeySeed,
    /// What the stream is encrypted with so far.
    pub current: Option<Box<SrtpKeys>>,
}

/// How audio goes, by an `m=` line's profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// `RTP/AVP`, or AVPF: without any rtcp-fb line that is AVP with freer timing of RTCP (RFC 4585 section 3.1).
    Avp,
    /// `RTP/SAVP`, or SAVPF.
    Savp,
    /// `UDP/TLS/RTP/SAVP`, or SAVPF: the keys come by DTLS.
    Dtls,
}

impl Profile {
    pub fn of(proto: &str) -> Result<Profile, SdpError> {
        let is = |names: [&str; 2]| names.iter().any(|name| proto.eq_ignore_ascii_case(name));
        match proto {
            _ if is(["RTP/AVP", "RTP/AVPF"]) => Ok(Profile::Avp),
            _ if is(["RTP/SAVP", "RTP/SAVPF"]) => Ok(Profile::Savp),
            _ if is(["UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"]) => Ok(Profile::Dtls),
            _ => Err(SdpError::Transport(quoted(proto))),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Profile::Avp => "RTP/AVP",
            Profile::Savp => "RTP/SAVP",
            Profile::Dtls => "UDP/TLS/RTP/SAVP",
        }
    }
}

impl Crypto {
    /// `<tag> <suite> inline:<key and salt>[|<lifetime>] [<session parameters>]`; `None` for what we can't do: other suites, a
    /// key with an MKI or several of them, lifetimes that a call may exceed, and parameters that change how it is encrypted.
    pub fn parse(value: &str) -> Option<Crypto> {
        let mut words = value.split_whitespace();
        let tag = words.next().filter(|tag| tag.len() <= 9)?.parse().ok()?;
        let suite = SrtpSuite::from_name(words.next()?)?;
        let (method, key) = words.next()?.split_once(':')?;
        if !method.eq_ignore_ascii_case("inline") || !words.all(may_be_ignored) {
            return None;
        }
        let mut parts = key.split('|');
        let master = Base64Unpadded::decode_vec(parts.next()?.trim_end_matches('=')).ok()?;
        let lasts = match (parts.next(), parts.next()) {
            (None, None) => true,
            (Some(lifetime), None) => lasts_for_a_call(lifetime),
            _ => false,
        };
        SrtpKey::new(suite, master).filter(|_| lasts).map(|key| Crypto { tag, key })
    }

    /// The line's value.
    pub fn text(&self) -> String {
        format!("{} {} inline:{}", self.tag, self.key.suite(), Base64::encode_string(self.key.master()))
    }
}

/// The size of the replay window is the receiver's own matter (RFC 4568 section 6.3.6); so is what a `-` marks as optional.
fn may_be_ignored(parameter: &str) -> bool {
    parameter.starts_with("WSH=") || parameter.starts_with('-')
}

/// `2^31`, or a number of packets; what holds a colon is an MKI.
fn lasts_for_a_call(lifetime: &str) -> bool {
    match lifetime.strip_prefix("2^") {
        Some(power) => power.parse().is_ok_and(|power: u32| (LIFETIME_MIN..=LIFETIME_MAX).contains(&power)),
        None => lifetime.parse().is_ok_and(|packets: u64| (1 << LIFETIME_MIN..=1 << LIFETIME_MAX).contains(&packets)),
    }
}

impl LocalSrtp {
    /// Without any encryption.
    pub fn off(seed: KeySeed) -> LocalSrtp {
        LocalSrtp { policy: SrtpPolicy::new(SrtpMode::Off), sealed_signalling: false, seed, current: None }
    }

    /// For another description of the same dialog.
    pub fn renew(&mut self, seed: KeySeed, current: Option<&SrtpKeys>) {
        self.seed = seed;
        self.current = current.cloned().map(Box::new);
    }

    /// The profile and the keys that we offer. All keys are new: an offer for nobody in particular may reach another telephone
    /// than so far (RFC 3725), which knows nothing of how far the old ones were used.
    pub(super) fn offered(&self) -> (Profile, Vec<Crypto>) {
        let profile = match (self.policy.mode, &self.current) {
            (SrtpMode::Off, _) => return (Profile::Avp, Vec::new()),
            (SrtpMode::Required, _) => Profile::Savp,
            (SrtpMode::Optional, Some(current)) if current.savp => Profile::Savp,
            (SrtpMode::Optional, Some(_)) => Profile::Avp,
            (SrtpMode::Optional, None) if self.sealed_signalling => Profile::Avp,
            (SrtpMode::Optional, None) => return (Profile::Avp, Vec::new()),
        };
        let line = |(n, suite): (usize, &SrtpSuite)| Crypto { tag: n as u32 + 1, key: self.seed.key(*suite) };
        (profile, self.policy.suites.iter().enumerate().map(line).collect())
    }

    /// What an offered stream comes to: our keys with theirs and the tag of the answer (RFC 4568 section 5.1.2), or plain audio.
    pub(super) fn answered(&self, stream: &Stream) -> Result<Option<(u32, SrtpKeys)>, SdpError> {
        let profile = Profile::of(&stream.proto)?;
        if profile == Profile::Dtls {
            return Err(SdpError::Transport(quoted(&stream.proto)));
        }
        if self.policy.mode == SrtpMode::Off {
            return match profile {
                Profile::Avp => Ok(None),
                Profile::Savp | Profile::Dtls => Err(SdpError::Transport(quoted(&stream.proto))),
            };
        }
        let with = |suite: &SrtpSuite| stream.crypto.iter().find(|line| line.key.suite() == *suite);
        match (self.policy.suites.iter().find_map(with), profile) {
            (Some(line), _) => {
                let savp = profile == Profile::Savp;
                Ok(Some((line.tag, SrtpKeys { ours: self.key_towards(line), theirs: line.key.clone(), savp })))
            }
            (None, Profile::Savp | Profile::Dtls) => Err(SdpError::Keys),
            (None, Profile::Avp) if self.policy.mode == SrtpMode::Required => Err(SdpError::Plain),
            (None, Profile::Avp) => Ok(None),
        }
    }

    /// What the answer to our offer comes to: the peer took one of our lines by its tag (RFC 4568 section 5.1.3).
    pub(super) fn accepted(&self, stream: &Stream) -> Result<Option<SrtpKeys>, SdpError> {
        let (offered, lines) = self.offered();
        if Profile::of(&stream.proto)? != offered {
            return Err(SdpError::Transport(quoted(&stream.proto)));
        }
        let taken =
            |line: &Crypto| stream.crypto.iter().find(|c| c.tag == line.tag && c.key.suite() == line.key.suite());
        let keys = lines.into_iter().find_map(|line| {
            let theirs = taken(&line)?.key.clone();
            Some(SrtpKeys { ours: line.key, theirs, savp: offered == Profile::Savp })
        });
        match keys {
            None if offered == Profile::Savp => Err(SdpError::Keys),
            keys => Ok(keys),
        }
    }

    /// Who goes on with their key goes on with ours. With a new key it may be another telephone: it gets a new one of ours.
    fn key_towards(&self, line: &Crypto) -> SrtpKey {
        match &self.current {
            Some(current) if current.theirs == line.key => current.ours.clone(),
            _ => self.seed.key(line.key.suite()),
        }
    }
}
