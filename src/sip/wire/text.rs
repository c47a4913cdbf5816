//! Bytes of a header <-> text, without loss.
//!
//! SIP is UTF-8, but callers send Latin-1 and GBK too, and a Via or a Call-ID has to go back as it came. A byte that is
//! not UTF-8 becomes one private character (U+10FF00 plus the byte) on the way in and that byte again on the way out.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

const STAND_IN_BASE: u32 = 0x10_FF00;

/// Text of wire bytes; never fails and loses nothing: `to_wire` gives the same bytes back.
pub fn from_wire(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.contains(&0xF4) => text.to_owned(),
        _ => from_wire_slowly(bytes),
    }
}

/// The bytes that `text` stands for on the wire.
pub fn to_wire(text: &str) -> Cow<'_, [u8]> {
    if !text.as_bytes().contains(&0xF4) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        match stand_in_byte(c) {
            Some(byte) => out.push(byte),
            None => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(out)
}

/// Text for people: bytes that were not UTF-8 and control characters are shown as U+FFFD.
pub fn readable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() || stand_in_byte(c).is_some() { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

/// Appends a header value: a CR or LF inside becomes a space, so that a value can never begin a new header.
pub(super) fn write_value(text: &str, out: &mut Vec<u8>) {
    let from = out.len();
    out.extend_from_slice(&to_wire(text));
    for byte in &mut out[from..] {
        if matches!(*byte, b'\r' | b'\n') {
            *byte = b' ';
        }
    }
}

/// Undoes `%XX` (RFC 3261 section 19.1.2); a `%` without two hex digits stays as it is.
pub(super) fn unescape(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = to_wire(text);
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1).zip(bytes.get(at + 2));
        match (bytes[at], pair.and_then(|(h, l)| Some(hex(*h)? << 4 | hex(*l)?))) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    from_wire(&out)
}

/// Writes `text` with every byte that `plain` refuses as `%XX`.
pub(super) fn escape(f: &mut fmt::Formatter<'_>, text: &str, plain: fn(u8) -> bool) -> fmt::Result {
    for &byte in to_wire(text).iter() {
        if plain(byte) {
            f.write_char(char::from(byte))?;
        } else {
            write!(f, "%{byte:02X}")?;
        }
    }
    Ok(())
}

/// Writes a quoted-string (RFC 3261 section 25.1).
pub(super) fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\r' | '\n' => f.write_char(' ')?,
            '\t' => f.write_char(c)?,
            c if c.is_ascii_control() => write!(f, "\\{c}")?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

fn from_wire_slowly(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            // A stand-in that came in as UTF-8 would go out as one byte: its own bytes are stood in for instead.
            if stand_in_byte(c).is_some() {
                out.extend(c.encode_utf8(&mut [0; 4]).bytes().map(stand_in));
            } else {
                out.push(c);
            }
        }
        out.extend(chunk.invalid().iter().copied().map(stand_in));
    }
    out
}

fn stand_in(byte: u8) -> char {
    char::from_u32(STAND_IN_BASE + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn stand_in_byte(c: char) -> Option<u8> {
    let byte = u8::try_from(u32::from(c).checked_sub(STAND_IN_BASE)?).ok()?;
    (byte >= 0x80).then_some(byte)
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_come_back_as_they_were(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(to_wire(&from_wire(&bytes)).into_owned(), bytes);
        }
    }

    #[test]
    fn a_stand_in_that_came_in_as_utf8_is_not_taken_for_a_byte() {
        let sly = "\u{10FF80}".as_bytes();
        assert_eq!(&*to_wire(&from_wire(sly)), sly);
    }

    #[test]
    fn a_value_cannot_begin_a_new_header() {
        let mut out = Vec::new();
        write_value("a\r\nVia: x\ny", &mut out);
        assert_eq!(out, b"a  Via: x y");
    }

    #[test]
    fn broken_escapes_are_kept_and_whole_ones_undone() {
        assert_eq!(unescape("%Z%45%4"), "%ZE%4");
        assert_eq!(unescape("%00%e4%bd%a0"), "\0\u{4f60}");
    }

    #[test]
    fn people_see_no_control_characters() {
        assert_eq!(readable(&from_wire(b"a\x1b[2J\xff")), "a\u{fffd}[2J\u{fffd}");
    }
}
