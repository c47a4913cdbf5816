//! A glance at a message before, or without, reading it: which dialog it is of, and who sent it.

/// What is seen at a glance; values as they stand on their first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Glance<'a> {
    pub call_id: Option<&'a [u8]>,
    pub user_agent: Option<&'a [u8]>,
}

/// The message itself: line ends may stand before it (RFC 3261 section 7.5).
pub fn begun(message: &[u8]) -> &[u8] {
    let ends = message.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    &message[ends..]
}

/// Looks through a message's head. What it says is worth no more than the sender's word.
pub fn glance(message: &[u8]) -> Glance<'_> {
    let mut seen = Glance::default();
    let mut rest = after_line(begun(message));
    while let Some(first) = rest.first() {
        match first {
            b'\r' | b'\n' => break,
            b'C' | b'c' | b'I' | b'i' if seen.call_id.is_none() => {
                seen.call_id = value_of(rest, b"call-id").or_else(|| value_of(rest, b"i"));
            }
            b'U' | b'u' if seen.user_agent.is_none() => seen.user_agent = value_of(rest, b"user-agent"),
            _ => {}
        }
        rest = after_line(rest);
    }
    seen
}

/// Whether it begins a call or is a part of one that is forked: an INVITE.
pub fn is_invite(message: &[u8]) -> bool {
    begun(message).starts_with(b"INVITE ")
}

/// Requests alone have a method at their beginning.
pub fn is_response(message: &[u8]) -> bool {
    begun(message).get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/"))
}

fn after_line(text: &[u8]) -> &[u8] {
    text.iter().position(|b| *b == b'\n').map_or(&[], |end| &text[end + 1..])
}

fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (found, rest) = line.split_at_checked(name.len())?;
    if !found.eq_ignore_ascii_case(name) {
        return None;
    }
    let blanks = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let rest = rest[blanks..].strip_prefix(b":")?;
    let end = rest.iter().position(|b| matches!(b, b'\r' | b'\n')).unwrap_or(rest.len());
    Some(rest[..end].trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_seen_in_every_dress_and_only_in_the_head() {
        let long = glance(b"BYE sip:a SIP/2.0\r\nContact: <sip:x>\r\ncall-id \t:  1@h \r\nUser-Agent: P 1\r\n\r\n");
        assert_eq!(long, Glance { call_id: Some(b"1@h"), user_agent: Some(b"P 1") });
        assert_eq!(glance(b"SIP/2.0 200 OK\ni:2@h\n\n").call_id, Some(&b"2@h"[..]));
        assert_eq!(glance(b"BYE sip:a SIP/2.0\r\n\r\nCall-ID: 1@h\r\n"), Glance::default());
        assert_eq!(glance(b"BYE sip:a SIP/2.0\r\nIdentity: x\r\nCall-ID"), Glance::default());
        assert_eq!(glance(b""), Glance::default());
        let late = b"\r\n\r\nINVITE sip:a SIP/2.0\r\ni: 1@h\r\n\r\n";
        assert!(glance(late).call_id == Some(b"1@h") && is_invite(late) && is_response(b"\r\nSIP/2.0 200 OK\r\n"));
    }
}
