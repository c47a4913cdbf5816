//! Chance as a value: pure rooms are handed a `Random`, seeded outside.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// A cryptographic generator (tags, branches and SSRCs must not be guessable: RFC 3261 section 19.3, RFC 3550 section 8).
#[derive(Debug)]
pub struct Random(StdRng);

impl Random {
    /// The driver seeds from the operating system, tests with a constant.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(StdRng::from_seed(seed))
    }

    /// The same stream in every run: for tests.
    pub fn for_testing(n: u64) -> Self {
        Self(StdRng::seed_from_u64(n))
    }

    pub fn u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    pub fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// So many bytes of chance, fit for keys.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// `n` characters of `[a-z2-7]`, five bits of chance each.
    pub fn token(&mut self, n: usize) -> String {
        let mut out = String::with_capacity(n);
        while out.len() < n {
            let mut bits = self.u64();
            for _ in 0..12.min(n - out.len()) {
                out.push(char::from(b"abcdefghijklmnopqrstuvwxyz234567"[(bits & 31) as usize]));
                bits >>= 5;
            }
        }
        out
    }

    /// A generator of its own for a part of the program, seeded from this one.
    pub fn fork(&mut self) -> Random {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        Random::from_seed(seed)
    }
}
