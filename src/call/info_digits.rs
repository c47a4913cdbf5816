//! Keys in the body of a SIP INFO: `application/dtmf-relay` (`Signal=5`, `Duration=160`) and `application/dtmf` (`5`).

use crate::types::Digit;

pub const CONTENT_TYPES: [&str; 2] = ["application/dtmf-relay", "application/dtmf"];

/// The length that a body without one stands for.
const DEFAULT_DURATION_MS: u32 = 160;
/// A body can name no longer press than this.
const DURATION_MS_MAX: u32 = 10_000;

/// The key and its length in ms; `None` when the body names no key.
pub fn parse(content_type: &str, body: &[u8]) -> Option<(Digit, u32)> {
    let text = std::str::from_utf8(body).ok()?;
    match content_type {
        "application/dtmf-relay" => relay(text),
        "application/dtmf" => Some((signal(text)?, DEFAULT_DURATION_MS)),
        _ => None,
    }
}

fn relay(text: &str) -> Option<(Digit, u32)> {
    let mut digit = None;
    let mut duration_ms = DEFAULT_DURATION_MS;
    for line in text.lines() {
        let Some((name, value)) = line.split_once('=') else { continue };
        if name.trim().eq_ignore_ascii_case("signal") {
            digit = signal(value);
        } else if name.trim().eq_ignore_ascii_case("duration") {
            duration_ms = value.trim().parse().unwrap_or(DEFAULT_DURATION_MS).min(DURATION_MS_MAX);
        }
    }
    Some((digit?, duration_ms))
}

/// A key by its character, or by its event number as some phones send `*` (10) and `#` (11).
fn signal(text: &str) -> Option<Digit> {
    let text = text.trim();
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Digit::from_char(c),
        _ => Digit::from_event(text.parse().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_bodies_name_their_key() {
        let key = |c| Digit::from_char(c).expect("a key");
        assert_eq!(parse("application/dtmf-relay", b"Signal=5\r\nDuration=250\r\n"), Some((key('5'), 250)));
        assert_eq!(parse("application/dtmf-relay", b"signal = #\n"), Some((key('#'), 160)));
        assert_eq!(parse("application/dtmf-relay", b"Duration=99999999999\r\nSignal= 10"), Some((key('*'), 160)));
        assert_eq!(parse("application/dtmf", b"*"), Some((key('*'), 160)));
        assert_eq!(parse("application/dtmf", b" 11\r\n"), Some((key('#'), 160)));
    }

    #[test]
    fn bodies_without_a_key_are_no_key() {
        for body in [&b""[..], b"Signal=", b"Signal=x", b"Duration=100", b"\xff\xfe", b"16", b"Signal=55555"] {
            for content_type in CONTENT_TYPES {
                assert_eq!(parse(content_type, body), None, "{content_type} {body:?}");
            }
        }
    }
}
