//! What the grammars of all headers share: tokens, quoted strings, lists, parameters (RFC 3261 section 25.1).

use std::fmt::{self, Write as _};

use super::error::Syntax;
use super::text;

/// `;name=value` parameters in their order; a value without quotes and escapes.
pub(super) type Params = Vec<(String, Option<String>)>;

pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// LWS after unfolding.
pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// The elements of a comma-separated list, trimmed; commas in quoted strings and in `<>` do not separate.
pub(super) fn list(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = list_element_end(text);
        rest = text.get(end + 1..);
        Some(text[..end].trim_matches(is_blank))
    })
}

fn list_element_end(text: &str) -> usize {
    let (mut quoted, mut escaped, mut bracketed) = (false, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if !bracketed => quoted = !quoted,
            _ if quoted => {}
            b'<' => bracketed = true,
            b'>' => bracketed = false,
            b',' if !bracketed => return at,
            _ => {}
        }
    }
    text.len()
}

/// Reads a quoted string at the start of `text`: its meaning, and what follows the closing quote.
pub(super) fn quoted(text: &str) -> Result<(String, &str), Syntax> {
    let inner = text.strip_prefix('"').ok_or(Syntax("a quoted string is missing"))?;
    let mut out = String::new();
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((out, &inner[at + 1..])),
            '\\' => match chars.next() {
                Some((_, escaped)) => out.push(escaped),
                None => break,
            },
            c => out.push(c),
        }
    }
    Err(Syntax("a quoted string has no end"))
}

/// Reads `;name=value;...` to the end of `text`. One `;` at the very end is tolerated, an empty parameter is not.
pub(super) fn params(text: &str) -> Result<Params, Syntax> {
    let mut out = Vec::new();
    let mut rest = text.trim_matches(is_blank);
    while !rest.is_empty() {
        rest = rest.strip_prefix(';').ok_or(Syntax("text where a parameter is expected"))?.trim_start_matches(is_blank);
        if rest.is_empty() && !out.is_empty() {
            break;
        }
        let (param, after) = param(rest)?;
        out.push(param);
        rest = after;
    }
    Ok(out)
}

fn param(text: &str) -> Result<((String, Option<String>), &str), Syntax> {
    let name_end = text.bytes().position(|b| !is_token_byte(b)).unwrap_or(text.len());
    if name_end == 0 {
        return Err(Syntax("a parameter without a name"));
    }
    let name = text[..name_end].to_owned();
    let rest = text[name_end..].trim_start_matches(is_blank);
    let Some(rest) = rest.strip_prefix('=') else { return Ok(((name, None), rest)) };
    let rest = rest.trim_start_matches(is_blank);
    if rest.starts_with('"') {
        let (value, after) = quoted(rest)?;
        return Ok(((name, Some(value)), after.trim_start_matches(is_blank)));
    }
    let value_end = rest.bytes().position(|b| b == b';').unwrap_or(rest.len());
    let value = rest[..value_end].trim_end_matches(is_blank);
    if !value.bytes().all(is_value_byte) {
        return Err(Syntax("a parameter's value has characters that need quotes"));
    }
    Ok(((name, Some(value.to_owned())), &rest[value_end..]))
}

/// Wider than a token: hosts, IPv6 literals with and without brackets, and what phones send without quotes.
fn is_value_byte(byte: u8) -> bool {
    byte > b' ' && byte != 0x7F && !b"\",;<>\\".contains(&byte)
}

pub(super) fn write_params(f: &mut fmt::Formatter<'_>, params: &[(String, Option<String>)]) -> fmt::Result {
    for (name, value) in params {
        f.write_char(';')?;
        write_token(f, name)?;
        let Some(value) = value else { continue };
        f.write_char('=')?;
        // What is read without quotes is written without them, though some of it is no token: peers compare tags and
        // branches byte by byte.
        if !value.is_empty() && value.bytes().all(|b| b.is_ascii() && is_value_byte(b)) {
            f.write_str(value)?;
        } else {
            text::quote(f, value)?;
        }
    }
    Ok(())
}

/// Writes a token; whatever is none in it is written as `_`, so that it cannot end the field.
pub(super) fn write_token(f: &mut fmt::Formatter<'_>, token: &str) -> fmt::Result {
    if is_token(token) {
        return f.write_str(token);
    }
    if token.is_empty() {
        return f.write_char('_');
    }
    token.bytes().try_for_each(|b| f.write_char(if is_token_byte(b) { char::from(b) } else { '_' }))
}

pub(super) fn find<'a>(params: &'a [(String, Option<String>)], name: &str) -> Option<&'a str> {
    params.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_deref().unwrap_or(""))
}

pub(super) fn set(params: &mut Params, name: &str, value: Option<String>) {
    match params.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(name)) {
        Some(slot) => slot.1 = value,
        None => params.push((name.to_owned(), value)),
    }
}

/// Digits only, no sign, no wrapping.
pub(super) fn number<T: std::str::FromStr>(text: &str) -> Result<T, Syntax> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Syntax("a number is expected"));
    }
    text.parse().map_err(|_| Syntax("a number is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_quotes_and_brackets_do_not_separate() {
        let all: Vec<_> = list(r#""a, \", b" <sip:x,y@h>;p="1,2", <sip:z@h> ,q"#).collect();
        assert_eq!(all, [r#""a, \", b" <sip:x,y@h>;p="1,2""#, "<sip:z@h>", "q"]);
    }

    #[test]
    fn parameters_may_have_space_around_their_signs() {
        let read = params(r#" ; tag    = 19 ; lr; q = "a;\"b" ;"#).unwrap();
        let expected = [("tag", Some("19")), ("lr", None), ("q", Some("a;\"b"))];
        assert_eq!(read, expected.map(|(n, v)| (n.to_owned(), v.map(str::to_owned))));
    }

    #[test]
    fn empty_parameters_are_refused() {
        for bad in [";;", ";a;;b", ";", "; ;", ";=x", "x", ";a=b c", ";a=\"b"] {
            assert!(params(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_are_digits_that_fit() {
        assert_eq!(number::<u16>("0068"), Ok(68));
        for bad in ["", "+1", "-1", "65536", "1 "] {
            assert!(number::<u16>(bad).is_err(), "{bad}");
        }
    }
}
