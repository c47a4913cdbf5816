//! The fingerprint of a certificate, by which a description vouches for whoever will show it (RFC 8122).

use std::fmt;

/// By SHA-256, the only hash that is taken: all telephones and browsers have it (RFC 8827 section 6.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// `sha-256 AB:CD:...`; `None` for other hashes and other lengths.
    pub fn parse(value: &str) -> Option<Fingerprint> {
        let (hash, digits) = value.trim().split_once(char::is_whitespace)?;
        let mut bytes = [0; 32];
        let mut pairs = digits.trim().split(':');
        for byte in &mut bytes {
            let pair = pairs.next().filter(|pair| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit()))?;
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        (hash.eq_ignore_ascii_case("sha-256") && pairs.next().is_none()).then_some(Fingerprint(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha-256 ")?;
        for (n, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02X}", if n == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written_and_others_are_none() {
        let print = Fingerprint(std::array::from_fn(|n| n as u8 * 7));
        let text = print.to_string();
        assert_eq!(Fingerprint::parse(&text), Some(print));
        assert_eq!(Fingerprint::parse(&text.to_lowercase()), Some(print));
        for other in [&text[..text.len() - 3], &format!("{text}:00"), &text.replace("256", "1"), "sha-256", ""] {
            assert_eq!(Fingerprint::parse(other), None, "{other}");
        }
    }
}
