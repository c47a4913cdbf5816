//! Masks the secrets of a message that is kept: each of their bytes becomes `*`, so that lengths stay true; of an SRTP key
//! `x`, which a reader of Base64 still takes.
//!
//! What is masked: answers to a password's question (all of an Authorization but its plain facts), passwords in URIs, the
//! keys of SRTP and of checks (`a=crypto`, `a=key-mgmt`, `k=`, `a=ice-pwd`), and the body of an INFO, whatever it says that
//! it is: keys of the telephone may be a PIN, also in a form that the line does not take.

use super::peek;

/// Parameters of credentials that may be read: none of them helps to guess the password without the others.
const PLAIN: [&[u8]; 9] = [b"username", b"realm", b"uri", b"algorithm", b"qop", b"nc", b"opaque", b"nonce", b"stale"];
const CREDENTIALS: [&[u8]; 3] = [b"authorization", b"proxy-authorization", b"authentication-info"];
/// Lines of an SDP that are a key, and what of them stays.
const KEYS: [(&[u8], u8); 4] = [(b"a=crypto:", b' '), (b"a=key-mgmt:", b' '), (b"k=", b':'), (b"a=ice-pwd:", b':')];

/// Masks in place.
pub fn mask(message: &mut [u8]) {
    let before = message.len() - peek::begun(message).len();
    let message = &mut message[before..];
    let is_info = message.starts_with(b"INFO ");
    let (head, body) = message.split_at_mut(head_end(message));
    mask_head(head);
    if is_info {
        mask_keys_pressed(body);
    } else {
        each_line(body, mask_sdp_line);
    }
}

fn mask_head(head: &mut [u8]) {
    let mut in_credentials = false;
    each_line(head, |line| {
        let folded = matches!(line.first(), Some(b' ' | b'\t'));
        if !folded {
            in_credentials = CREDENTIALS.iter().any(|name| is_field(line, name));
        }
        if in_credentials {
            mask_credentials(line, folded);
        }
        mask_uri_passwords(line);
    });
}

/// Behind the first empty line.
fn head_end(message: &[u8]) -> usize {
    let ends = |at: &usize| matches!(&message[*at..], [b'\n', b'\n', ..] | [b'\n', b'\r', b'\n', ..]);
    (0..message.len()).find(ends).map_or(message.len(), |at| at + 1)
}

fn each_line(text: &mut [u8], mut act: impl FnMut(&mut [u8])) {
    text.split_mut(|b| *b == b'\n').for_each(|line| {
        let end = line.len() - usize::from(line.ends_with(b"\r"));
        act(&mut line[..end]);
    });
}

fn is_field(line: &[u8], name: &[u8]) -> bool {
    line.split_at_checked(name.len())
        .is_some_and(|(found, rest)| found.eq_ignore_ascii_case(name) && rest.trim_ascii_start().first() == Some(&b':'))
}

/// `Digest username="a", response="..."`: the value of every parameter that is not known to be plain. Credentials of
/// another scheme are one value.
fn mask_credentials(line: &mut [u8], folded: bool) {
    let start = if folded { 0 } else { line.iter().position(|b| *b == b':').map_or(0, |colon| colon + 1) };
    let value = &mut line[start..];
    let blanks = value.len() - value.trim_ascii_start().len();
    let scheme = value[blanks..].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
    let digest = value[blanks..blanks + scheme].eq_ignore_ascii_case(b"digest");
    let from = match value.get(blanks + scheme) {
        Some(b'=') => blanks,
        _ if digest => blanks + scheme,
        _ if folded => blanks,
        _ => return stars(&mut value[blanks + scheme..]),
    };
    let mut quoted = false;
    value[from..]
        .split_mut(|b| {
            quoted ^= *b == b'"';
            *b == b',' && !quoted
        })
        .for_each(|param| {
            let Some(equals) = param.iter().position(|b| *b == b'=') else { return };
            let name = param[..equals].trim_ascii();
            if !PLAIN.iter().any(|plain| name.eq_ignore_ascii_case(plain)) {
                stars(&mut param[equals + 1..]);
            }
        });
}

/// `sip:user:password@host`, also within `<>` and several times in a line.
fn mask_uri_passwords(line: &mut [u8]) {
    let mut at = 0;
    while let Some(found) = next_scheme(&line[at..]) {
        at += found;
        let user = line[at..].iter().position(|b| b" \t<>\",@?".contains(b)).unwrap_or(line.len() - at);
        if line.get(at + user) == Some(&b'@')
            && let Some(colon) = line[at..at + user].iter().position(|b| *b == b':')
        {
            stars(&mut line[at + colon + 1..at + user]);
        }
        at += user;
    }
}

/// Where a `sip:` or `sips:` ends.
fn next_scheme(line: &[u8]) -> Option<usize> {
    let colon = |at: usize| line.get(at) == Some(&b':');
    (0..line.len()).filter(|at| matches!(line[*at], b's' | b'S')).find_map(|at| {
        if !line[at..].get(..3)?.eq_ignore_ascii_case(b"sip") {
            return None;
        }
        let s = usize::from(line.get(at + 3).is_some_and(|b| b.eq_ignore_ascii_case(&b's')));
        colon(at + 3 + s).then_some(at + 4 + s)
    })
}

fn mask_sdp_line(line: &mut [u8]) {
    for (start, stays_to) in KEYS {
        if line.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start)) {
            // `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:key`: tag and suite stay.
            let stays = line.iter().skip(start.len()).position(|b| *b == stays_to).map(|at| start.len() + at + 1);
            match next_inline(line).is_some() {
                true => mask_inline_keys(line),
                false => stars(&mut line[stays.unwrap_or(start.len())..]),
            }
            return;
        }
    }
}

/// `Signal=5` (application/dtmf-relay), or the key alone (application/dtmf).
fn mask_keys_pressed(body: &mut [u8]) {
    each_line(body, |line| match line.iter().position(|b| *b == b'=') {
        Some(equals) if line[..equals].trim_ascii().eq_ignore_ascii_case(b"duration") => {}
        Some(equals) => stars(&mut line[equals + 1..]),
        None => stars(line),
    });
}

/// Every key of a line: there may be several, and one more among the session parameters (RFC 4568 sections 6.1 and 6.3.4).
fn mask_inline_keys(line: &mut [u8]) {
    let mut rest = line;
    while let Some(at) = next_inline(rest) {
        rest = &mut rest[at..];
        rest.iter_mut().take_while(|b| !matches!(b, b'|' | b';' | b' ' | b'\t')).for_each(cross_out);
    }
}

/// Where the next key begins.
fn next_inline(line: &[u8]) -> Option<usize> {
    line.windows(7).position(|window| window.eq_ignore_ascii_case(b"inline:")).map(|at| at + 7)
}

fn cross_out(byte: &mut u8) {
    if !matches!(byte, b' ' | b'=') {
        *byte = b'x';
    }
}

fn stars(text: &mut [u8]) {
    text.iter_mut().filter(|b| !matches!(b, b' ' | b'\t' | b'"')).for_each(|b| *b = b'*');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        mask(&mut bytes);
        assert_eq!(bytes.len(), text.len());
        String::from_utf8(bytes).expect("it was text")
    }

    #[test]
    fn what_proves_a_password_is_masked_and_who_it_is_stays() {
        let text = "REGISTER sip:h SIP/2.0\r\nAuthorization: Digest username=\"a,b\", realm=\"r\", nonce=\"n\", uri=\"sip:h\",\r\n \
                    response=\"0123\",cnonce=\"c\", nc=00000001, x=y\r\nProxy-Authorization: Basic YTpi\r\n\
                    authentication-info : rspauth=\"99\"\r\nSubject: response=1\r\n\r\n";
        assert_eq!(
            masked(text),
            "REGISTER sip:h SIP/2.0\r\nAuthorization: Digest username=\"a,b\", realm=\"r\", nonce=\"n\", uri=\"sip:h\",\r\n \
             response=\"****\",cnonce=\"*\", nc=00000001, x=*\r\nProxy-Authorization: Basic ****\r\n\
             authentication-info : rspauth=\"**\"\r\nSubject: response=1\r\n\r\n"
        );
    }

    #[test]
    fn passwords_in_addresses_are_masked() {
        assert_eq!(
            masked(
                "INVITE sip:a:pw@h:5060 SIP/2.0\r\nContact: \"x\" <sips:b:s3@h>, <sip:c@h:5060>\r\nTo: <sip:h:5060>\r\n\r\n"
            ),
            "INVITE sip:a:**@h:5060 SIP/2.0\r\nContact: \"x\" <sips:b:**@h>, <sip:c@h:5060>\r\nTo: <sip:h:5060>\r\n\r\n"
        );
    }

    #[test]
    fn keys_of_audio_and_of_the_telephone_are_masked() {
        let sdp = "SIP/2.0 200 OK\r\nContent-Type: application/sdp\r\n\r\nv=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 \
                   inline:QUJD|2^20\r\nk=base64:QUJD\r\na=key-mgmt:mikey QUJD\r\na=ice-pwd:QUJD\r\na=rtpmap:8 PCMA/8000\r\n";
        assert_eq!(
            masked(sdp),
            "SIP/2.0 200 OK\r\nContent-Type: application/sdp\r\n\r\nv=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 \
             inline:xxxx|2^20\r\nk=base64:****\r\na=key-mgmt:mikey ****\r\na=ice-pwd:****\r\na=rtpmap:8 PCMA/8000\r\n"
        );
        let info = "INFO sip:h SIP/2.0\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal= 5\r\nDuration=160\r\n";
        assert!(masked(info).ends_with("\r\n\r\nSignal= *\r\nDuration=160\r\n"));
        for head in ["c: application/dtmf", "Content-Type:\r\n application/dtmf", "c: application/vnd.x.digits", "x: y"]
        {
            let info = masked(&format!("INFO sip:h SIP/2.0\r\n{head}\r\n\r\n5"));
            assert!(info.ends_with("\r\n\r\n*"), "{info}");
        }
    }

    #[test]
    fn every_key_of_a_line_is_masked() {
        let line = |keys: &str| format!("SIP/2.0 200 OK\r\n\r\na=crypto:1 S {keys}\r\n");
        let keys = "inline:QUJD|2^20|1:4;inline:REVG|2^20|2:4 FEC_KEY=inline:R0hJ;x";
        assert_eq!(masked(&line(keys)), line("inline:xxxx|2^20|1:4;inline:xxxx|2^20|2:4 FEC_KEY=inline:xxxx;x"));
        assert_eq!(masked(&line("INLINE:QU==")), line("INLINE:xx=="));
        assert_eq!(masked(&line("inline:")), line("inline:"));
    }

    #[test]
    fn line_ends_before_a_message_hide_nothing_of_it() {
        let text = "\r\n\r\nINFO sip:a:b@h SIP/2.0\r\nAuthorization: Digest response=\"abc\"\r\n\r\nSignal=5\r\n";
        let expected = "\r\n\r\nINFO sip:a:*@h SIP/2.0\r\nAuthorization: Digest response=\"***\"\r\n\r\nSignal=*\r\n";
        assert_eq!(masked(text), expected);
    }

    #[test]
    fn nothing_makes_it_panic() {
        let text = b"INFO sip:a:b@ SIP/2.0\r\nAuthorization:\r\n Digest\r\nAuthorization\r\n\r\nk=\r\n=\r\na=crypto:";
        for start in 0..text.len() {
            for end in start..text.len() {
                mask(&mut text[start..end].to_vec());
            }
        }
    }
}
