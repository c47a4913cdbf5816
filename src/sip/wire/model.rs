//! `rsip`'s message model as a builder; its parsers are never called.
//!
//! Refusals of unreadable requests are built here as `rsip::Response` by struct literal and then turned into ours. The hot
//! path does not pass through `rsip`: its model has no room for unknown methods, URI headers or bytes that are not
//! UTF-8, and writing a 200 through it takes four times as long (0.83 us against 0.22 us on a shared 2-core machine,
//! 2026-11; `cargo bench --bench sip_parse` measures both).

use rsip::headers::{UntypedHeader, untyped};

use super::headers::Headers;
use super::message::Response;
use super::name::Name;
use super::text;

/// A response to what could not be read: values go back as they came; those that are absent are left out.
pub(super) fn refusal(status: u16, reason: &str, vias: &[String], others: [(Name, Option<String>); 4]) -> Response {
    let mut headers: Vec<rsip::Header> = vias.iter().map(|via| untyped::Via::new(via.clone()).into()).collect();
    headers.extend(others.into_iter().filter_map(|(name, value)| Some(header(&name, value?))));
    let model = rsip::Response {
        status_code: rsip::StatusCode::from(status),
        version: rsip::Version::V2,
        headers: headers.into(),
        body: Vec::new(),
    };
    Response { reason: text::readable(reason), ..Response::from(model) }
}

fn header(name: &Name, value: String) -> rsip::Header {
    match name {
        Name::Via => untyped::Via::new(value).into(),
        Name::From => untyped::From::new(value).into(),
        Name::To => untyped::To::new(value).into(),
        Name::CallId => untyped::CallId::new(value).into(),
        Name::CSeq => untyped::CSeq::new(value).into(),
        Name::Contact => untyped::Contact::new(value).into(),
        other => rsip::Header::Other(other.to_string(), value),
    }
}

impl From<rsip::Response> for Response {
    fn from(model: rsip::Response) -> Response {
        let mut response = Response::new(model.status_code.code());
        response.headers = headers(model.headers);
        response.body = model.body;
        response
    }
}

fn headers(model: rsip::Headers) -> Headers {
    let mut out = Headers::new();
    for header in model {
        // What has no variant, and what has one but is written as `Name: value` all the same.
        let (name, value) = match header {
            rsip::Header::Other(name, value) => (Name::from_token(&name), value),
            known => {
                let line = known.to_string();
                let (name, value) = line.split_once(": ").unwrap_or((line.as_str(), ""));
                (Name::from_token(name), value.to_owned())
            }
        };
        if name != Name::ContentLength {
            out.push(name, value);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::message::Method;
    use super::*;

    #[test]
    fn every_method_of_the_model_has_a_name_of_ours() {
        for method in rsip::Method::all() {
            assert!(!matches!(Method::from_token(&method.to_string()), Method::Other(_)), "{method}");
        }
    }

    #[test]
    fn headers_of_the_model_keep_name_value_and_order() {
        let model = rsip::Response {
            status_code: rsip::StatusCode::BusyHere,
            version: rsip::Version::V2,
            headers: vec![
                header(&Name::Via, "SIP/2.0/UDP a".to_owned()),
                header(&Name::CallId, "x: y".to_owned()),
                rsip::Header::Other("X-Desk".to_owned(), "1".to_owned()),
            ]
            .into(),
            body: b"hello".to_vec(),
        };
        let response = Response::from(model);
        assert_eq!(
            response.to_bytes(),
            b"SIP/2.0 486 Busy Here\r\nVia: SIP/2.0/UDP a\r\nCall-ID: x: y\r\nX-Desk: 1\r\nContent-Length: 5\r\n\r\nhello"
        );
    }
}
