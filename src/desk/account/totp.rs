//! The second factor: codes that a telephone shows for 30 seconds each (RFC 6238, SHA-1, six digits, as every such
//! app understands).

use totp_rs::{Builder, Secret};

/// Bytes of a shared secret (RFC 4226 section 4, R6).
pub const SECRET_BYTES: usize = 20;
/// Seconds of one code.
const STEP_S: u64 = 30;
/// Codes before and after that are taken: clocks differ, and typing takes its time.
const SKEW: u16 = 1;

/// What a telephone and the desk share.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TotpSecret(pub [u8; SECRET_BYTES]);

/// Logs don't show it.
impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl TotpSecret {
    /// The time step whose code this is, at that moment (seconds since 1970); none where it is no code of now, or one
    /// that opened before (`last`, RFC 6238 section 5.2).
    pub fn opens(&self, code: &str, now: u64, last: Option<u64>) -> Option<u64> {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        if code.len() != 6 || !code.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let totp = Builder::new()
            .with_secret(Secret::from(self.0.to_vec()))
            .with_skew(SKEW)
            .with_step_duration(STEP_S)
            .build();
        let step = totp.ok()?.check(&code, now)?;
        Some(step).filter(|step| last.is_none_or(|last| *step > last))
    }

    /// As somebody types it where no camera is at hand: base 32, in groups of four.
    pub fn words(&self) -> String {
        let text = Secret::from(self.0.to_vec()).to_base32();
        let chars: Vec<char> = text.chars().filter(|c| *c != '=').collect();
        chars.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
    }

    /// The address that a telephone's app reads from a picture (`otpauth:`). Names are percent-encoded.
    pub fn address(&self, desk: &str, name: &str) -> String {
        let secret = self.words().replace(' ', "");
        let (desk, name) = (encoded(desk), encoded(name));
        format!("otpauth://totp/{desk}:{name}?secret={secret}&issuer={desk}&algorithm=SHA1&digits=6&period={STEP_S}")
    }
}

fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238 appendix B, and its codes' last six digits.
    const SECRET: TotpSecret = TotpSecret(*b"12345678901234567890");

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (at, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")]
        {
            assert_eq!(SECRET.opens(code, at, None), Some(at / 30), "{at}");
        }
    }

    #[test]
    fn a_code_opens_in_its_time_and_once() {
        assert_eq!(SECRET.opens("287 082", 59, None), Some(1));
        assert_eq!(SECRET.opens("287082", 89, None), Some(1), "the clock is a little late");
        assert_eq!(SECRET.opens("287082", 29, None), Some(1), "the clock is a little early");
        assert_eq!(SECRET.opens("287082", 120, None), None);
        assert_eq!(SECRET.opens("287082", 59, Some(1)), None, "it opened before");
        for wrong in ["", "28708", "2870822", "28708x", "٢٨٧٠٨٢"] {
            assert_eq!(SECRET.opens(wrong, 59, None), None, "{wrong}");
        }
    }

    #[test]
    fn an_app_reads_the_address() {
        assert_eq!(SECRET.words(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        let address = SECRET.address("前台 1", "wang&fang");
        assert!(address.starts_with("otpauth://totp/%E5%89%8D%E5%8F%B0%201:wang%26fang?secret=GEZDGNBV"), "{address}");
        assert_eq!(format!("{SECRET:?}"), "***");
    }
}
