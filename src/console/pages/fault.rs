//! What is shown where something can't be: a page of its own, or, after a form, a line above what was typed.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::frame::Frame;
use crate::console::gate::Visitor;
use crate::console::problem::ProblemDetails;
use crate::desk::report::table::Both;
use crate::desk::told::Told;
use crate::store::StoreError;

/// Why a page is not given. The door shows it (`show`), who knows the visitor's language and whether a form was sent.
#[derive(Debug)]
pub struct PageFault {
    problem: ProblemDetails,
    /// The version that a record has now, which forms send from then on.
    seen: Option<String>,
}

impl PageFault {
    /// Somebody else changed a record meanwhile; `detail` says what they did.
    pub fn changed(version: impl ToString, detail: impl Into<Told>) -> Self {
        let seen = Some(version.to_string());
        Self { problem: ProblemDetails::new(StatusCode::PRECONDITION_FAILED, detail), seen }
    }
}

impl From<ProblemDetails> for PageFault {
    fn from(problem: ProblemDetails) -> Self {
        Self { problem, seen: None }
    }
}

impl From<StoreError> for PageFault {
    fn from(error: StoreError) -> Self {
        ProblemDetails::from(error).into()
    }
}

/// What the door finds in an answer.
#[derive(Debug, Clone)]
struct Found {
    status: StatusCode,
    detail: Told,
    seen: Option<String>,
}

impl IntoResponse for PageFault {
    fn into_response(self) -> Response {
        let problem = self.problem;
        let found = Found { status: problem.status(), detail: problem.detail().clone(), seen: self.seen };
        let mut response = problem.into_response();
        response.extensions_mut().insert(found);
        response
    }
}

#[derive(askama::Template)]
#[template(path = "fault.html")]
struct FaultPage<'a> {
    frame: Frame,
    title: &'static str,
    detail: &'a str,
}

/// A fault, as whoever asked can read it; other answers as they are. After a form the page stays, with all that was typed:
/// the fault is told in `HX-Trigger`.
pub fn show(response: Response, visitor: &Visitor, after_form: bool) -> Response {
    let Some(found) = response.extensions().get::<Found>().cloned() else { return response };
    let detail = found.detail.of(visitor.tongue);
    let title = title(found.status).of(visitor.tongue);
    if after_form {
        let detail = short(detail);
        let mut what = serde_json::json!({ "fault": { "title": title, "detail": detail } });
        if let Some(version) = found.seen {
            what["seen"] = serde_json::json!({ "version": version });
        }
        let what = what.to_string();
        let mut answer = found.status.into_response();
        answer.headers_mut().insert("hx-reswap", HeaderValue::from_static("none"));
        if let Ok(what) = HeaderValue::try_from(ascii(&what)) {
            answer.headers_mut().insert("hx-trigger", what);
        }
        return answer;
    }
    let page = FaultPage { frame: Frame::new(visitor, title.to_owned()), title, detail };
    match askama::Template::render(&page) {
        Ok(text) => {
            let mut page = (found.status, axum::response::Html(text)).into_response();
            if let Some(after) = response.headers().get(header::RETRY_AFTER) {
                page.headers_mut().insert(header::RETRY_AFTER, after.clone());
            }
            page
        }
        Err(_) => response,
    }
}

/// Characters of a fault beside a form: proxies take no longer headers.
const DETAIL_MAX: usize = 400;

fn short(detail: &str) -> String {
    match detail.char_indices().nth(DETAIL_MAX) {
        Some((at, _)) => format!("{}…", &detail[..at]),
        None => detail.to_owned(),
    }
}

/// JSON with everything beyond ASCII as `\u`: a header holds no more.
fn ascii(json: &str) -> String {
    let mut units = [0; 2];
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

fn title(status: StatusCode) -> Both {
    match status {
        StatusCode::NOT_FOUND => Both::new("没有找到", "Not found"),
        StatusCode::FORBIDDEN => Both::new("没有权限", "Not allowed"),
        StatusCode::CONFLICT => Both::new("现在不能这样做", "That can't be done now"),
        StatusCode::PRECONDITION_FAILED => Both::new("别人刚刚改过", "Somebody else changed it meanwhile"),
        StatusCode::PAYLOAD_TOO_LARGE => Both::new("文件过大", "Too large"),
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST => {
            Both::new("请检查输入", "Please look at it again")
        }
        StatusCode::SERVICE_UNAVAILABLE => Both::new("暂时不可用，请稍后再试", "Away for a moment: try again"),
        _ => Both::new("出错了", "Something went wrong"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_beside_a_form_is_short_enough_for_a_proxys_header() {
        assert_eq!(short("错了"), "错了");
        let long = short(&"字".repeat(2_000));
        assert!(long.ends_with('…') && ascii(&long).len() < 3_000, "{}", ascii(&long).len());
    }

    #[test]
    fn a_header_holds_any_text() {
        let text = serde_json::json!({ "detail": "王芳 \"x\" 🙂" }).to_string();
        let kept = ascii(&text);
        assert!(kept.is_ascii() && HeaderValue::try_from(&kept).is_ok());
        let back: serde_json::Value = serde_json::from_str(&kept).expect("it is JSON");
        assert_eq!(back["detail"], "王芳 \"x\" 🙂");
    }
}
