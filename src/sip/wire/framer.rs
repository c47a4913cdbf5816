//! A byte stream -> messages (RFC 3261 section 18.3), with the keep-alives of RFC 5626.

use super::error::{FrameError, FrameErrorKind};
use super::limits::Limits;
use super::name::Name;
use super::parse;
use super::scan;

/// What a peer may send ahead of the message that is being read.
const READ_AHEAD_BYTES: usize = 65_536;

/// One thing cut out of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A whole message, for `parse_datagram`.
    Message(Vec<u8>),
    /// CRLFCRLF between messages: answer with CRLF (RFC 5626 section 3.5.1).
    Ping,
}

/// Cuts one connection's bytes into messages. Holds at most one message and 64 KiB.
///
/// After each `push` call `next` until it gives `None`. After an error the stream can't be read on: close it.
#[derive(Debug)]
pub struct Framer {
    limits: Limits,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that were given out already; they go at the next `push`.
    taken: usize,
    /// Bytes after `taken` in which no end of the head was found.
    searched: usize,
    /// Length of the message that is coming in, once its head is there.
    awaited: Option<usize>,
    overflow: bool,
}

impl Framer {
    pub fn new(limits: Limits) -> Framer {
        Framer { limits, buffer: Vec::new(), taken: 0, searched: 0, awaited: None, overflow: false }
    }

    /// Takes what was read. Bytes beyond the limit are dropped, and `next` then says `TooLarge` when it comes to them.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.overflow {
            return;
        }
        self.buffer.drain(..self.taken);
        self.taken = 0;
        let room = (self.limits.message_bytes_max + READ_AHEAD_BYTES).saturating_sub(self.buffer.len());
        self.overflow = bytes.len() > room;
        self.buffer.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// The next whole frame; `None` until more bytes come.
    #[expect(clippy::should_implement_trait, reason = "it may fail, and it goes on after None")]
    pub fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        if self.awaited.is_none() {
            if self.searched == 0 && self.take_line_ends() {
                return Ok(Some(Frame::Ping));
            }
            self.awaited = self.message_length()?;
        }
        let held = &self.buffer[self.taken..];
        let Some(message) = self.awaited.and_then(|length| held.get(..length)) else { return Ok(None) };
        let frame = Frame::Message(message.to_vec());
        self.taken += message.len();
        self.searched = 0;
        self.awaited = None;
        Ok(Some(frame))
    }

    /// Bytes held that were not given out.
    pub fn held_bytes(&self) -> usize {
        self.buffer.len() - self.taken
    }

    /// Head and body together, once the head is there.
    fn message_length(&mut self) -> Result<Option<usize>, FrameError> {
        let Some(head_end) = self.head_end() else { return self.check_open_head().map(|()| None) };
        let head = &self.buffer[self.taken..self.taken + head_end];
        let body = content_length(head).map_err(|kind| self.fail(kind, head_end))?;
        let length = head_end.saturating_add(body);
        if body > self.limits.body_bytes_max || length > self.limits.message_bytes_max {
            return Err(self.fail(FrameErrorKind::TooLarge, head_end));
        }
        Ok(Some(length))
    }

    fn check_open_head(&self) -> Result<(), FrameError> {
        let held = &self.buffer[self.taken..];
        if self.overflow || held.len() > self.limits.message_bytes_max {
            return Err(self.fail(FrameErrorKind::TooLarge, held.len()));
        }
        // A peer that speaks another protocol is known by its first line, not after 64 KiB of it.
        match parse::split_line(held) {
            Some((line, _)) if !line.is_empty() && !line.windows(4).any(|w| w.eq_ignore_ascii_case(b"SIP/")) => {
                Err(self.fail(FrameErrorKind::NotSip, 0))
            }
            _ => Ok(()),
        }
    }

    fn fail(&self, kind: FrameErrorKind, head_end: usize) -> FrameError {
        let held = &self.buffer[self.taken..];
        let head = &held[..head_end.min(self.limits.message_bytes_max)];
        let answerable = parse::salvage_head(head, &self.limits, kind.status(), &kind.to_string());
        FrameError { kind, answerable }
    }

    /// Skips line ends before a message; true when there were two of them, which is a ping.
    fn take_line_ends(&mut self) -> bool {
        let held = &self.buffer[self.taken..];
        if held.starts_with(b"\r\n\r\n") {
            self.taken += 4;
            return true;
        }
        // A CRLF may be the first half of a ping that is still under way: it waits for what follows.
        if !matches!(held, b"" | b"\r" | b"\r\n" | b"\r\n\r") {
            self.taken += held.len() - parse::after_line_ends(held).len();
        }
        false
    }

    /// Where the blank line after the headers ends; looks at each byte once.
    fn head_end(&mut self) -> Option<usize> {
        let held = &self.buffer[self.taken..];
        // Line ends alone are no head: they may be half of a ping.
        if parse::after_line_ends(held).is_empty() {
            return None;
        }
        let mut at = self.searched;
        while let Some(found) = held[at..].iter().position(|b| *b == b'\n') {
            let next = at + found + 1;
            match &held[next..] {
                [b'\n', ..] => return Some(next + 1),
                [b'\r', b'\n', ..] => return Some(next + 2),
                // The blank line may be cut in two: look again from here.
                [] | [b'\r'] => {
                    self.searched = next - 1;
                    return None;
                }
                _ => at = next,
            }
        }
        self.searched = held.len();
        None
    }
}

/// The length that the head states; a stream needs one, and only one.
fn content_length(head: &[u8]) -> Result<usize, FrameErrorKind> {
    let mut stated: Option<usize> = None;
    let mut rest = head;
    let mut open: Option<Vec<u8>> = None;
    while let Some((line, after)) = parse::split_line(rest) {
        rest = after;
        match (&mut open, line.first()) {
            (Some(value), Some(b' ' | b'\t')) => value.extend_from_slice(line.trim_ascii()),
            (_, Some(b' ' | b'\t')) => {}
            _ => {
                close(open.take(), &mut stated)?;
                open = length_value(line);
            }
        }
    }
    close(open, &mut stated)?;
    stated.ok_or(FrameErrorKind::NoContentLength)
}

fn length_value(line: &[u8]) -> Option<Vec<u8>> {
    let colon = line.iter().position(|b| *b == b':')?;
    let name = std::str::from_utf8(line[..colon].trim_ascii_end()).ok()?;
    (Name::from_token(name) == Name::ContentLength).then(|| line[colon + 1..].trim_ascii().to_vec())
}

fn close(value: Option<Vec<u8>>, stated: &mut Option<usize>) -> Result<(), FrameErrorKind> {
    let Some(value) = value else { return Ok(()) };
    let text = std::str::from_utf8(&value).map_err(|_| FrameErrorKind::BadContentLength)?;
    let length = scan::number::<usize>(text).map_err(|_| FrameErrorKind::BadContentLength)?;
    match stated.replace(length) {
        Some(earlier) if earlier != length => Err(FrameErrorKind::BadContentLength),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &[u8] = b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nl: 4\r\n\r\nbody";

    fn frames(pieces: &[&[u8]]) -> Vec<Frame> {
        let mut framer = Framer::new(Limits::default());
        let mut out = Vec::new();
        for piece in pieces {
            framer.push(piece);
            while let Some(frame) = framer.next().unwrap() {
                out.push(frame);
            }
        }
        assert_eq!(framer.held_bytes(), 0, "bytes are left over");
        out
    }

    fn failure(bytes: &[u8]) -> FrameError {
        let mut framer = Framer::new(Limits::default());
        framer.push(bytes);
        framer.next().unwrap_err()
    }

    #[test]
    fn two_messages_in_one_read_are_two_frames() {
        let both = [OPTIONS, OPTIONS].concat();
        assert_eq!(frames(&[&both]), [Frame::Message(OPTIONS.to_vec()), Frame::Message(OPTIONS.to_vec())]);
    }

    #[test]
    fn a_message_cut_anywhere_is_one_frame() {
        for cut in 0..=OPTIONS.len() {
            let (a, b) = OPTIONS.split_at(cut);
            assert_eq!(frames(&[a, b]), [Frame::Message(OPTIONS.to_vec())], "cut at {cut}");
        }
    }

    #[test]
    fn a_message_in_single_bytes_is_one_frame() {
        let bytes: Vec<&[u8]> = OPTIONS.chunks(1).collect();
        assert_eq!(frames(&bytes), [Frame::Message(OPTIONS.to_vec())]);
    }

    #[test]
    fn two_line_ends_between_messages_are_a_ping_however_they_are_cut() {
        assert_eq!(frames(&[b"\r", b"\n\r", b"\n", OPTIONS]), [Frame::Ping, Frame::Message(OPTIONS.to_vec())]);
        assert_eq!(frames(&[b"\r\n\r\n\r\n\r\n"]), [Frame::Ping, Frame::Ping]);
    }

    #[test]
    fn a_single_line_end_before_a_message_is_skipped() {
        assert_eq!(frames(&[b"\r\n", OPTIONS]), [Frame::Message(OPTIONS.to_vec())]);
    }

    #[test]
    fn a_folded_length_and_bare_line_feeds_are_understood() {
        let bytes = b"OPTIONS sip:a@b SIP/2.0\nContent-Length :\n  2\n\nxy";
        assert_eq!(frames(&[bytes]), [Frame::Message(bytes.to_vec())]);
    }

    #[test]
    fn a_stream_without_a_length_is_refused_with_an_answer() {
        let error = failure(b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n\r\n");
        assert_eq!(error.kind, FrameErrorKind::NoContentLength);
        assert_eq!(error.answerable.unwrap().to_response().status, 400);
    }

    #[test]
    fn lengths_that_differ_or_are_no_numbers_are_refused() {
        for lengths in ["l: 1\r\nContent-Length: 2", "l: -1", "l: 99999999999999999999999", "l:", "l: 1 1"] {
            let message = format!("OPTIONS sip:a@b SIP/2.0\r\n{lengths}\r\n\r\nxx");
            assert_eq!(failure(message.as_bytes()).kind, FrameErrorKind::BadContentLength, "{lengths}");
        }
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_its_body_comes() {
        let error = failure(b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h\r\nl: 4294967295\r\n\r\n");
        assert_eq!(error.kind, FrameErrorKind::TooLarge);
        assert_eq!(error.answerable.unwrap().status, 513);
    }

    #[test]
    fn an_endless_head_is_cut_off_at_the_limit() {
        let mut framer = Framer::new(Limits::default());
        framer.push(b"OPTIONS sip:a@b SIP/2.0\r\n");
        let error = loop {
            framer.push(&b"X-Filler: 0123456789\r\n".repeat(100));
            if let Err(error) = framer.next() {
                break error;
            }
            assert!(framer.held_bytes() < 200_000);
        };
        assert_eq!(error.kind, FrameErrorKind::TooLarge);
    }

    #[test]
    fn one_push_beyond_all_limits_is_not_held() {
        let mut framer = Framer::new(Limits::default());
        framer.push(&vec![b'x'; 10_000_000]);
        assert!(framer.held_bytes() <= 131_071);
        assert_eq!(framer.next().unwrap_err().kind, FrameErrorKind::TooLarge);
    }

    #[test]
    fn another_protocol_is_known_by_its_first_line() {
        assert_eq!(failure(b"GET / HTTP/1.1\r\nHost: a\r\n").kind, FrameErrorKind::NotSip);
    }
}
