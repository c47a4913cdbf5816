//! Bytes <-> SIP messages. The only room that names `rsip`.
//!
//! - `parse`: a datagram or a frame -> `Message`; `framer`: a stream -> frames; `write`: `Message` -> bytes.
//! - `answer`: what goes back to the sender of a request that could not be read.
//! - `uri`, `name_addr`, `via`, `replaces`, `auth`, `headers`: the parts of a message, each with `FromStr` and `Display`.
//! - `scan`, `text`: the grammar that all of them share, and bytes <-> text without loss.

mod answer;
mod auth;
mod error;
mod framer;
mod headers;
mod limits;
mod message;
mod model;
mod name;
mod name_addr;
mod parse;
mod replaces;
mod scan;
mod status;
mod text;
mod uri;
mod via;
mod write;

pub use answer::Answerable;
pub use auth::AuthValue;
pub use error::{FieldError, FrameError, FrameErrorKind, ParseError, ParseErrorKind, Syntax};
pub use framer::{Frame, Framer};
pub use headers::{CSeq, Headers};
pub use limits::Limits;
pub use message::{Message, Method, Request, Response};
pub use name::Name;
pub use name_addr::NameAddr;
pub use parse::parse_datagram;
pub use replaces::Replaces;
pub use status::reason_phrase;
pub use text::{from_wire, readable, to_wire};
pub use uri::{Host, Scheme, Uri};
pub use via::{Transport, Via};
