//! Errors as RFC 9457 has them: `application/problem+json`.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// RFC 9457 section 3.1, of the type `about:blank`: the title is the status's own.
pub(super) struct ProblemDetails {
    status: StatusCode,
    detail: String,
    instance: Option<String>,
}

impl ProblemDetails {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), instance: None }
    }

    /// The path that it was asked at.
    pub fn at(self, path: &str) -> Self {
        Self { instance: Some(path.to_owned()), ..self }
    }
}

impl IntoResponse for ProblemDetails {
    fn into_response(self) -> Response {
        let mut body = serde_json::json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let Some(instance) = self.instance {
            body["instance"] = instance.into();
        }
        (self.status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
    }
}
