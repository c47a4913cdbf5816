//! Nonces that the server need not remember, and how often each was used (RFC 7616 sections 3.3, 3.4, 5.4).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::hex;
use crate::types::{Mono, Random, Redacted, host_network};

/// How long a nonce is good. Phones register every few minutes: each is challenged about once a registration.
pub(super) const NONCE_LIFE: Duration = Duration::from_secs(300);
/// Nonces whose counts are kept. Only a right answer enters one; beyond this many the oldest count as stale.
const COUNTS_MAX: usize = 4_096;

/// When a nonce was made, and which of that moment's it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NonceId {
    at: Mono,
    number: u32,
}

impl NonceId {
    pub fn is_fresh(self, now: Mono) -> bool {
        now.since(self.at) < NONCE_LIFE
    }
}

/// Makes nonces that prove by themselves that they are ours, and for whom: who answers one has received it, so that nobody
/// is blamed for guesses that others send in their name.
#[derive(Debug)]
pub(super) struct NonceMaker {
    key: Redacted<Vec<u8>>,
    made: u32,
}

impl NonceMaker {
    pub fn new(random: &mut Random) -> NonceMaker {
        let key = (0..4).flat_map(|_| random.u64().to_ne_bytes()).collect();
        NonceMaker { key: Redacted(key), made: 0 }
    }

    pub fn make(&mut self, now: Mono, asked: IpAddr) -> String {
        self.made = self.made.wrapping_add(1);
        let head = format!("{:016x}{:08x}", now.0, self.made);
        let seal = self.seal(&head, asked);
        head + &seal
    }

    /// `None` for a nonce that was not made here since the start, or for another source.
    pub fn read(&self, nonce: &str, source: IpAddr) -> Option<NonceId> {
        // Bytes from the network: only text that is ASCII can be cut anywhere.
        let (head, seal) = nonce.split_at_checked(24).filter(|_| nonce.is_ascii())?;
        let right: bool = self.seal(head, source).as_bytes().ct_eq(seal.as_bytes()).into();
        let at = Mono(u64::from_str_radix(&head[..16], 16).ok()?);
        let number = u32::from_str_radix(&head[16..], 16).ok()?;
        right.then_some(NonceId { at, number })
    }

    /// Half of the HMAC is enough: nobody guesses 128 bits within five minutes.
    fn seal(&self, head: &str, source: IpAddr) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key.0).expect("HMAC takes keys of any length");
        mac.update(head.as_bytes());
        match host_network(source) {
            IpAddr::V4(ip) => mac.update(&ip.octets()),
            IpAddr::V6(ip) => mac.update(&ip.octets()),
        }
        hex(&mac.finalize().into_bytes()[..16])
    }
}

/// The highest count of each nonce that was answered rightly.
#[derive(Debug, Default)]
pub(super) struct NonceCounts {
    highest: BTreeMap<NonceId, u32>,
    /// Counts up to this nonce were dropped for want of room.
    dropped: Option<NonceId>,
}

impl NonceCounts {
    /// Takes a count that is higher than those before; false for one that may have been used.
    pub fn take(&mut self, now: Mono, id: NonceId, count: u32) -> bool {
        if let Some(highest) = self.highest.get_mut(&id) {
            let rises = count > *highest;
            *highest = count.max(*highest);
            return rises;
        }
        if count == 0 || self.dropped.is_some_and(|dropped| id <= dropped) {
            return false;
        }
        while let Some((oldest, _)) = self.highest.first_key_value()
            && !oldest.is_fresh(now)
        {
            self.highest.pop_first();
        }
        self.highest.insert(id, count);
        if self.highest.len() > COUNTS_MAX {
            self.dropped = self.highest.pop_first().map(|(oldest, _)| oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    #[test]
    fn a_nonce_is_known_again_and_a_changed_one_is_not() {
        let mut maker = NonceMaker::new(&mut Random::for_testing(1));
        let nonce = maker.make(Mono::from_millis(5), HERE);
        let id = maker.read(&nonce, HERE).unwrap();
        assert!(id.is_fresh(Mono::from_millis(300_000)) && !id.is_fresh(Mono::from_millis(300_005)));
        assert_ne!(maker.make(Mono::from_millis(5), HERE), nonce);
        assert_eq!(maker.read(&nonce, "192.0.2.8".parse().unwrap()), None, "it was made for somebody else");
        assert_eq!(maker.read(&nonce, "::ffff:192.0.2.7".parse().unwrap()), Some(id));
        let other = NonceMaker::new(&mut Random::for_testing(2));
        assert_eq!(other.read(&nonce, HERE), None);
        for at in 0..nonce.len() {
            let mut changed = nonce.clone().into_bytes();
            changed[at] ^= 1;
            assert_eq!(maker.read(&String::from_utf8(changed).unwrap(), HERE), None);
            assert_eq!(maker.read(&nonce[..at], HERE), None);
        }
        assert_eq!(maker.read("\u{4f60}\u{4f60}\u{4f60}\u{4f60}\u{4f60}\u{4f60}\u{4f60}\u{4f60}\u{4f60}", HERE), None);
    }

    #[test]
    fn counts_rise_and_the_table_has_an_end() {
        let mut counts = NonceCounts::default();
        let id = |n: u64| NonceId { at: Mono(n), number: 1 };
        let now = Mono(10_000);
        assert!(counts.take(now, id(0), 1) && counts.take(now, id(0), 3));
        assert!(!counts.take(now, id(0), 3) && !counts.take(now, id(0), 2) && !counts.take(now, id(1), 0));
        for n in 1..=COUNTS_MAX as u64 {
            assert!(counts.take(now, id(n), 1));
        }
        assert_eq!(counts.highest.len(), COUNTS_MAX);
        assert!(!counts.take(now, id(0), 9), "its counts are forgotten, so that none of them is good");
        counts.take(now + NONCE_LIFE, NonceId { at: now + NONCE_LIFE, number: 2 }, 1);
        assert!(counts.highest.len() < 3);
    }
}
