//! Bytes -> messages (RFC 3261 section 7 and 25.1), forgiving where RFC 4475 says that a message is valid and where no
//! reading but one exists; refusing where a guess could be wrong.
//!
//! `rsip` has a parser, but it loses data in silence (dots in users, IPv6, folding, second Vias), so bytes from the
//! network are read here alone.

use super::answer;
use super::error::{FieldError, ParseError, ParseErrorKind, Syntax};
use super::headers::Headers;
use super::limits::Limits;
use super::message::{Message, Method, Request, Response};
use super::name::Name;
use super::name_addr::NameAddr;
use super::scan;
use super::text;
use super::uri::Uri;

/// Reads one datagram, or one frame of a stream. The body is as long as Content-Length says (more bytes are ignored,
/// less is an error), without one it is the whole rest (RFC 3261 section 18.3).
pub fn parse_datagram(bytes: &[u8], limits: &Limits) -> Result<Message, ParseError> {
    let bytes = after_line_ends(bytes);
    let (line, rest) = match first_line(bytes) {
        Ok(found) => found,
        Err(kind) => return Err(ParseError { kind, answerable: None }),
    };
    let section = read_section(rest, limits);
    let read = if bytes.len() > limits.message_bytes_max {
        Err(ParseErrorKind::MessageTooLarge)
    } else {
        StartLine::read(line).and_then(|start| assemble(start, &section, limits))
    };
    match read {
        Ok(Start::Request(method, uri, body)) => {
            Ok(Message::Request(Request { method, uri, headers: section.headers, body }))
        }
        Ok(Start::Response(status, reason, body)) => {
            Ok(Message::Response(Response { status, reason, headers: section.headers, body }))
        }
        Err(kind) => {
            let answerable = answer::salvage(line, &section.headers, kind.status(), &kind.to_string());
            Err(ParseError { kind, answerable })
        }
    }
}

/// What the bytes of a head say, for a refusal of a whole stream.
pub(super) fn salvage_head(
    bytes: &[u8],
    limits: &Limits,
    status: u16,
    reason: &str,
) -> Option<Box<answer::Answerable>> {
    let (line, rest) = first_line(after_line_ends(bytes)).ok()?;
    answer::salvage(line, &read_section(rest, limits).headers, status, reason)
}

/// Line ends before a message are skipped (RFC 3261 section 7.5).
pub(super) fn after_line_ends(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|b| !b"\r\n".contains(b)).unwrap_or(bytes.len());
    &bytes[start..]
}

/// One line without its end, and what follows; the end may be CRLF or LF. `None` when there is no end.
pub(super) fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|b| *b == b'\n')?;
    let line = &bytes[..at];
    Some((line.strip_suffix(b"\r").unwrap_or(line), &bytes[at + 1..]))
}

fn first_line(bytes: &[u8]) -> Result<(&[u8], &[u8]), ParseErrorKind> {
    if bytes.is_empty() {
        return Err(ParseErrorKind::Empty);
    }
    match split_line(bytes) {
        Some((line, rest)) if line.windows(4).any(|w| w.eq_ignore_ascii_case(b"SIP/")) => Ok((line, rest)),
        _ => Err(ParseErrorKind::NotSip),
    }
}

enum StartLine {
    Request(Method, Uri),
    Response(u16, String),
}

enum Start {
    Request(Method, Uri, Vec<u8>),
    Response(u16, String, Vec<u8>),
}

impl StartLine {
    fn read(line: &[u8]) -> Result<StartLine, ParseErrorKind> {
        match line.get(..4) {
            Some(start) if start.eq_ignore_ascii_case(b"SIP/") => StartLine::status_line(line),
            _ => StartLine::request_line(line),
        }
    }

    /// `METHOD SP URI SP SIP/2.0`, with exactly these two spaces (RFC 4475 sections 3.1.2.8 to 3.1.2.10).
    fn request_line(line: &[u8]) -> Result<StartLine, ParseErrorKind> {
        let bad = |why| ParseErrorKind::RequestLine(Syntax(why));
        let line = text::from_wire(line);
        let mut parts = line.split(' ');
        let (Some(method), Some(uri), Some(version)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad("a method, a URI and a version are expected"));
        };
        if parts.next().is_some() {
            return Err(bad("it has more than two spaces"));
        }
        if !scan::is_token(method) {
            return Err(bad("the method is not a token"));
        }
        check_version(version).map_err(|fault| fault.unwrap_or(bad("the version is malformed")))?;
        let uri: Uri = uri.parse().map_err(ParseErrorKind::RequestLine)?;
        if !uri.headers.is_empty() {
            return Err(bad("headers are not allowed in a Request-URI"));
        }
        Ok(StartLine::Request(Method::from_token(method), uri))
    }

    /// `SIP/2.0 SP status SP reason`; the reason may be anything, or nothing and its space too.
    fn status_line(line: &[u8]) -> Result<StartLine, ParseErrorKind> {
        let bad = |why| ParseErrorKind::StatusLine(Syntax(why));
        let line = text::from_wire(line);
        let (version, rest) = line.split_once(' ').ok_or(bad("no status"))?;
        check_version(version).map_err(|fault| fault.unwrap_or(bad("the version is malformed")))?;
        if rest.contains('\r') {
            return Err(bad("it has a CR inside"));
        }
        let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        match scan::number::<u16>(status) {
            Ok(number @ 100..=699) if status.len() == 3 => Ok(StartLine::Response(number, reason.to_owned())),
            _ => Err(bad("the status is not 100 to 699")),
        }
    }
}

/// `Err(Some)` for another version of SIP, `Err(None)` for what is no version at all.
fn check_version(text: &str) -> Result<(), Option<ParseErrorKind>> {
    if text.eq_ignore_ascii_case("SIP/2.0") {
        return Ok(());
    }
    let numbers = text.get(..4).filter(|p| p.eq_ignore_ascii_case("SIP/")).and_then(|_| text[4..].split_once('.'));
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    match numbers {
        Some((major, minor)) if digits(major) && digits(minor) => Err(Some(ParseErrorKind::Version)),
        _ => Err(None),
    }
}

/// The header section as far as it could be read, and the first fault that was met.
struct Section<'a> {
    headers: Headers,
    content_length: Option<usize>,
    body: &'a [u8],
    fault: Option<ParseErrorKind>,
}

impl Section<'_> {
    fn blame(&mut self, kind: ParseErrorKind) {
        self.fault.get_or_insert(kind);
    }
}

/// Reads on after a fault, so that a refusal can be addressed to whoever sent it.
fn read_section<'a>(bytes: &'a [u8], limits: &Limits) -> Section<'a> {
    let mut section = Section { headers: Headers::with_capacity(16), content_length: None, body: &[], fault: None };
    let mut rest = bytes;
    loop {
        // A datagram that ends with the last header's line end lacks only the blank line: nothing is lost by reading it.
        if rest.is_empty() || rest == b"\r" {
            return section;
        }
        let Some((line, after)) = split_line(rest) else {
            section.blame(ParseErrorKind::CutOff);
            return section;
        };
        if line.is_empty() {
            section.body = after;
            return section;
        }
        let (value_end, after) = continuation(rest, line, after);
        let field = &rest[..value_end];
        rest = after;
        if section.headers.len() >= limits.headers_max {
            section.blame(ParseErrorKind::TooManyHeaders);
            return section;
        }
        read_field(field, limits, &mut section);
    }
}

/// Finds the end of a field that goes on in lines which begin with space, and what follows it.
fn continuation<'a>(from: &'a [u8], line: &'a [u8], after: &'a [u8]) -> (usize, &'a [u8]) {
    let (mut end, mut after) = (line.len(), after);
    while let Some(b' ' | b'\t') = after.first() {
        // Without a line end this is where the bytes are cut off: the caller meets it as its next line.
        let Some((more, next)) = split_line(after) else { break };
        end = from.len() - after.len() + more.len();
        after = next;
    }
    (end, after)
}

fn read_field(field: &[u8], limits: &Limits, section: &mut Section<'_>) {
    let Some(colon) = field.iter().position(|b| *b == b':') else {
        return section.blame(ParseErrorKind::HeaderLine(Syntax("it has no colon")));
    };
    let name = field[..colon].trim_ascii_end();
    let name = match std::str::from_utf8(name) {
        Ok(name) if scan::is_token(name) => Name::from_token(name),
        _ => return section.blame(ParseErrorKind::HeaderLine(Syntax("its name is not a token"))),
    };
    if field.len() > limits.header_bytes_max {
        return section.blame(ParseErrorKind::HeaderTooLong(name));
    }
    let Some(value) = unfold(&field[colon + 1..]) else {
        return section.blame(ParseErrorKind::HeaderLine(Syntax("it has a CR inside")));
    };
    if name == Name::ContentLength {
        return read_content_length(&value, section);
    }
    if !name.is_list() || !value.contains(',') {
        return add_field(name, value, section);
    }
    for element in scan::list(&value) {
        if section.headers.len() >= limits.headers_max {
            return section.blame(ParseErrorKind::TooManyHeaders);
        }
        // An empty element between commas means nothing in a list of tokens; in one of addresses it is a fault.
        let addresses = matches!(name, Name::Via | Name::Contact | Name::Route | Name::RecordRoute);
        if !element.is_empty() || addresses {
            add_field(name.clone(), element.to_owned(), section);
        }
    }
}

/// The value as text in one line: a line end with the space after it is one space (RFC 3261 section 7.3.1).
fn unfold(raw: &[u8]) -> Option<String> {
    let raw = raw.trim_ascii();
    if !raw.contains(&b'\r') && !raw.contains(&b'\n') {
        return Some(text::from_wire(raw));
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((line, after)) = split_line(rest) {
        out.extend_from_slice(line.trim_ascii_end());
        out.push(b' ');
        rest = after.trim_ascii_start();
    }
    out.extend_from_slice(rest);
    (!out.contains(&b'\r')).then(|| text::from_wire(&out))
}

fn add_field(name: Name, value: String, section: &mut Section<'_>) {
    let single = matches!(name, Name::CSeq | Name::CallId | Name::From | Name::To | Name::MaxForwards);
    if single && let Some(earlier) = section.headers.first(&name) {
        if earlier != value {
            section.blame(ParseErrorKind::Repeated(name));
        }
        return;
    }
    section.headers.push(name, value);
}

fn read_content_length(value: &str, section: &mut Section<'_>) {
    match scan::number::<usize>(value) {
        Ok(length) if section.content_length.is_some_and(|earlier| earlier != length) => {
            section.blame(ParseErrorKind::Repeated(Name::ContentLength));
        }
        Ok(length) => section.content_length = Some(length),
        Err(fault) => section.blame(FieldError::Malformed { name: Name::ContentLength, fault }.into()),
    }
}

fn assemble(start: StartLine, section: &Section<'_>, limits: &Limits) -> Result<Start, ParseErrorKind> {
    if let Some(fault) = &section.fault {
        return Err(fault.clone());
    }
    let headers = &section.headers;
    headers.via_top()?;
    headers.from()?;
    headers.to()?;
    headers.call_id()?;
    let cseq = headers.cseq()?;
    if let StartLine::Request(method, _) = &start {
        if *method != cseq.method {
            return Err(ParseErrorKind::CSeqMethod);
        }
        headers.max_forwards()?;
        check_addresses(headers)?;
    }
    let body = body(section, limits)?.to_vec();
    Ok(match start {
        StartLine::Request(method, uri) => Start::Request(method, uri, body),
        StartLine::Response(status, reason) => Start::Response(status, reason, body),
    })
}

/// A request whose Contact or route set can't be read could not be answered later on: it is refused now.
fn check_addresses(headers: &Headers) -> Result<(), FieldError> {
    for (name, value) in headers.iter() {
        let star = *name == Name::Contact && value == "*";
        if matches!(name, Name::Contact | Name::RecordRoute | Name::Route)
            && !star
            && let Err(fault) = value.parse::<NameAddr>()
        {
            return Err(FieldError::Malformed { name: name.clone(), fault });
        }
    }
    Ok(())
}

fn body<'a>(section: &Section<'a>, limits: &Limits) -> Result<&'a [u8], ParseErrorKind> {
    let stated = section.content_length.unwrap_or(section.body.len());
    if stated > section.body.len() {
        return Err(ParseErrorKind::BodyCutOff { stated, present: section.body.len() });
    }
    if stated > limits.body_bytes_max {
        return Err(ParseErrorKind::BodyTooLarge);
    }
    Ok(&section.body[..stated])
}
