//! Errors as RFC 9457 has them: `application/problem+json`.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::desk::resident_list::LineFault;
use crate::desk::told::Told;

/// RFC 9457 section 3.1, of the type `about:blank`: the title is the status's own.
#[derive(Debug)]
pub(super) struct ProblemDetails {
    status: StatusCode,
    detail: Box<Told>,
    instance: Option<String>,
    /// The faults of what was sent, each with its line.
    faults: Vec<LineFault>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl ProblemDetails {
    pub fn new(status: StatusCode, detail: impl Into<Told>) -> Self {
        Self { status, detail: Box::new(detail.into()), instance: None, faults: Vec::new(), headers: Vec::new() }
    }

    /// The path that it was asked at.
    pub fn at(self, path: &str) -> Self {
        Self { instance: Some(path.to_owned()), ..self }
    }

    pub fn with_faults(self, faults: Vec<LineFault>) -> Self {
        Self { faults, ..self }
    }

    /// A header beside it, such as when to try again.
    pub fn with(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// When to try again, where that is said.
    pub fn retry_after(&self) -> Option<HeaderValue> {
        self.headers.iter().find(|(name, _)| name == header::RETRY_AFTER).map(|(_, after)| after.clone())
    }

    pub fn detail(&self) -> &Told {
        &self.detail
    }
}

/// 422, with what is wrong.
pub(super) fn wrong(what: impl Into<Told>) -> ProblemDetails {
    ProblemDetails::new(StatusCode::UNPROCESSABLE_ENTITY, what)
}

impl IntoResponse for ProblemDetails {
    fn into_response(self) -> Response {
        let mut body = serde_json::json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail.to_string(),
        });
        if let Some(instance) = self.instance {
            body["instance"] = instance.into();
        }
        if !self.faults.is_empty() {
            body["faults"] = serde_json::json!(self.faults);
        }
        let mut response =
            (self.status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}
