//! Bytes <-> SIP messages. The only room that names `rsip`.

mod message;

pub use message::{
    CSeq, Headers, Host, Message, Method, Name, NameAddr, Request, Response, Scheme, Transport, Uri, Via,
};
