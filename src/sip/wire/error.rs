//! What can be wrong with a message, in words that say who did what.

use super::answer::Answerable;
use super::name::Name;

/// A text that is not what its grammar asks for; the text says what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Syntax(pub &'static str);

/// One header field that is absent where it must be present, or can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    #[error("Missing {0} header field")]
    Missing(Name),
    #[error("Bad {name} header field: {fault}")]
    Malformed { name: Name, fault: Syntax },
}

/// Why bytes are not a SIP message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseErrorKind {
    /// Nothing, or nothing but line ends (a keep-alive of RFC 5626 section 3.5.1).
    #[error("Nothing but line ends")]
    Empty,
    #[error("Not a SIP message")]
    NotSip,
    #[error("Bad Request-Line: {0}")]
    RequestLine(Syntax),
    #[error("Bad Status-Line: {0}")]
    StatusLine(Syntax),
    #[error("Version Not Supported")]
    Version,
    #[error("Bad header line: {0}")]
    HeaderLine(Syntax),
    /// The bytes end inside a header line.
    #[error("Header section is cut off")]
    CutOff,
    #[error("Too many header fields")]
    TooManyHeaders,
    #[error("{0} header field is too long")]
    HeaderTooLong(Name),
    #[error("Message Too Large")]
    MessageTooLarge,
    #[error("Request Entity Too Large")]
    BodyTooLarge,
    #[error("{0}")]
    Field(FieldError),
    /// Two values that differ where one is allowed.
    #[error("More than one {0} header field")]
    Repeated(Name),
    #[error("CSeq method is not the request's")]
    CSeqMethod,
    #[error("Content-Length is larger than the message")]
    BodyCutOff { stated: usize, present: usize },
}

impl ParseErrorKind {
    /// The status that a request with this fault is answered with.
    pub fn status(&self) -> u16 {
        match self {
            ParseErrorKind::Version => 505,
            ParseErrorKind::MessageTooLarge | ParseErrorKind::TooManyHeaders | ParseErrorKind::HeaderTooLong(_) => 513,
            ParseErrorKind::BodyTooLarge => 413,
            ParseErrorKind::Empty
            | ParseErrorKind::NotSip
            | ParseErrorKind::RequestLine(_)
            | ParseErrorKind::StatusLine(_)
            | ParseErrorKind::HeaderLine(_)
            | ParseErrorKind::CutOff
            | ParseErrorKind::Field(_)
            | ParseErrorKind::Repeated(_)
            | ParseErrorKind::CSeqMethod
            | ParseErrorKind::BodyCutOff { .. } => 400,
        }
    }
}

impl From<FieldError> for ParseErrorKind {
    fn from(error: FieldError) -> Self {
        ParseErrorKind::Field(error)
    }
}

/// Why bytes were refused, and what to answer, where an answer is due.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct ParseError {
    pub kind: ParseErrorKind,
    /// Present for requests other than ACK whose Via could be found: what a refusal is made from.
    pub answerable: Option<Box<Answerable>>,
}

/// Why a stream can't be cut into messages any more: answer if it is answerable, then close the connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct FrameError {
    pub kind: FrameErrorKind,
    pub answerable: Option<Box<Answerable>>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameErrorKind {
    /// RFC 3261 section 18.3: on a stream it is the only way to find a message's end.
    #[error("Missing Content-Length header field")]
    NoContentLength,
    #[error("Bad Content-Length header field")]
    BadContentLength,
    #[error("Message Too Large")]
    TooLarge,
    #[error("Not SIP")]
    NotSip,
}

impl FrameErrorKind {
    pub fn status(&self) -> u16 {
        match self {
            FrameErrorKind::TooLarge => 513,
            FrameErrorKind::NoContentLength | FrameErrorKind::BadContentLength | FrameErrorKind::NotSip => 400,
        }
    }
}
