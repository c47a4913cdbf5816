//! Messages -> bytes. Content-Length is counted here, and no value can break out of its line.

use std::io::Write as _;

use super::headers::Headers;
use super::message::{Message, Request, Response};
use super::name::Name;
use super::text;

/// Room for a usual message without growing.
const USUAL_BYTES: usize = 1_500;

impl Request {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(USUAL_BYTES);
        self.write_to(&mut out);
        out
    }

    /// Appends the request as it goes on the wire.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        // Method and URI write only characters that their grammars allow, so that the line has two spaces and one end.
        append(out, format_args!("{} {} SIP/2.0\r\n", self.method, self.uri));
        write_rest(&self.headers, &self.body, out);
    }
}

impl Response {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(USUAL_BYTES);
        self.write_to(&mut out);
        out
    }

    /// Appends the response as it goes on the wire.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        append(out, format_args!("SIP/2.0 {:03} ", self.status));
        text::write_value(&self.reason, out);
        out.extend_from_slice(b"\r\n");
        write_rest(&self.headers, &self.body, out);
    }
}

impl Message {
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Message::Request(request) => request.to_bytes(),
            Message::Response(response) => response.to_bytes(),
        }
    }

    /// Appends the message as it goes on the wire.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        match self {
            Message::Request(request) => request.write_to(out),
            Message::Response(response) => response.write_to(out),
        }
    }
}

fn write_rest(headers: &Headers, body: &[u8], out: &mut Vec<u8>) {
    for (name, value) in headers.iter() {
        match name {
            Name::ContentLength => continue,
            Name::Other(_) => append(out, format_args!("{name}")),
            known => out.extend_from_slice(known.as_str().as_bytes()),
        }
        out.extend_from_slice(b": ");
        text::write_value(value, out);
        out.extend_from_slice(b"\r\n");
    }
    append(out, format_args!("Content-Length: {}\r\n\r\n", body.len()));
    out.extend_from_slice(body);
}

fn append(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a Vec does not fail");
}
