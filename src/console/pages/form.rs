//! What forms send, and what pages say of what was done.

use std::collections::HashMap;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::fault::PageFault;
use crate::console::problem::ProblemDetails;
use crate::desk::report::table::Both;
use crate::desk::told::told;

/// Bytes of a form, in which a Chinese letter has nine; files go another way.
const FORM_MAX: usize = 1024 * 1024;
/// For all of it to arrive.
const FORM_WITHIN: Duration = Duration::from_secs(30);

/// What was said in a form (`application/x-www-form-urlencoded`), by the names of its fields.
#[derive(Debug, Default)]
pub struct Form(HashMap<String, Vec<String>>);

impl Form {
    /// What stands in a field, without spaces at its ends; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(|values| values.first()).map_or("", |value| value.trim())
    }

    /// What stands in a field, to the letter: for passwords.
    pub fn whole(&self, name: &str) -> &str {
        self.0.get(name).and_then(|values| values.first()).map_or("", String::as_str)
    }

    /// What stands in a field, or none where nothing does.
    pub fn some(&self, name: &str) -> Option<String> {
        Some(self.text(name).to_owned()).filter(|text| !text.is_empty())
    }

    /// Everything that was chosen of a field's choices.
    pub fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether the form has that field at all.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// What stands in a field where it is other than the form showed it (`was_NAME`); may be empty.
    pub fn changed(&self, name: &str) -> Option<String> {
        let (now, was) = (self.text(name), self.text(&format!("was_{name}")));
        (self.has(name) && without_returns(now) != without_returns(was)).then(|| now.to_owned())
    }

    /// Whether a box was ticked.
    pub fn ticked(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A word of an enum.
    ///
    /// # Errors
    /// 422, with the words there are; a page lets nobody write another.
    pub fn word<T>(&self, name: &str) -> Result<T, ProblemDetails>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let wrong = |fault: T::Err| {
            let what = told!("请从列出的选项中选择", "{name}: {fault}");
            ProblemDetails::new(StatusCode::UNPROCESSABLE_ENTITY, what)
        };
        self.text(name).parse().map_err(wrong)
    }

    pub(super) fn read(body: &str) -> Self {
        let mut fields: HashMap<String, Vec<String>> = HashMap::new();
        for (name, value) in pairs(body) {
            fields.entry(name).or_default().push(value);
        }
        Self(fields)
    }
}

/// Browsers send the ends of a text's lines in a form of their own.
fn without_returns(text: &str) -> String {
    text.replace('\r', "")
}

/// Names and values of a form's body or a query.
fn pairs(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// A form's body: 408 where it does not arrive in time, 413 where it is too long.
async fn whole(body: Body, within: Duration) -> Result<Bytes, ProblemDetails> {
    let Ok(read) = tokio::time::timeout(within, to_bytes(body, FORM_MAX)).await else {
        let what = Both::new("表单没有及时送达：请再试一次", "the form did not arrive in time: send it again");
        return Err(ProblemDetails::new(StatusCode::REQUEST_TIMEOUT, what));
    };
    read.map_err(|_| {
        let what = told!("表单不完整，或超过 {FORM_MAX} 字节", "the form is cut off or longer than {FORM_MAX} bytes");
        ProblemDetails::new(StatusCode::PAYLOAD_TOO_LARGE, what)
    })
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Response> {
        let body = whole(request.into_body(), FORM_WITHIN).await;
        let body = body.map_err(|problem| PageFault::from(problem).into_response())?;
        Ok(Self::read(&String::from_utf8_lossy(&body)))
    }
}

/// What a page says of the form before it, by the word in its address: nothing else can be put into a page by a link.
const SAID: &[(&str, Both)] = &[
    ("saved", Both::new("已保存", "Saved")),
    ("unchanged", Both::new("没有改动", "Nothing was changed")),
    ("opened", Both::new("工单已建立", "The ticket is opened")),
    ("confirmed", Both::new("已确认", "Confirmed")),
    ("forwarded", Both::new("已转发", "Forwarded")),
    ("revoked", Both::new("已收回", "Taken back")),
    ("signed", Both::new("已签名", "Signed")),
    ("written", Both::new("已记录", "Written down")),
    ("password", Both::new("密码已更改；其他登录已退出", "Password changed; other sessions have ended")),
    ("factor-on", Both::new("两步验证已启用", "Two-step sign-in is on")),
    ("factor-off", Both::new("两步验证已关闭", "Two-step sign-in is off")),
    ("handed-on", Both::new("正在转接", "On the way")),
    ("handed-back", Both::new("已交还菜单", "Back in the menu")),
    ("parked", Both::new("已驻留", "Parked")),
    ("picked-up", Both::new("您的电话正在振铃", "Your telephone rings")),
    ("removed", Both::new("已删除", "Taken out")),
    (
        "offered",
        Both::new(
            "已收到，并转换为提示音的格式和音量。请试听，满意后采用",
            "It is here, in the format and at the level of prompts. Listen to it, then accept it",
        ),
    ),
    ("accepted", Both::new("已采用：此后的来电听到它", "Accepted: calls hear it from now on")),
    ("restored", Both::new("已恢复原来的提示音", "The prompt of before is heard again")),
    ("calling", Both::new("即将呼叫您的话机", "The telephone will ring in a moment")),
    ("ended", Both::new("其他登录已退出", "Other sessions have ended")),
    ("disabled", Both::new("帐号已停用", "The account is disabled")),
    ("enabled", Both::new("帐号已启用", "The account is enabled")),
];

/// The text of a word.
pub fn said(word: Option<&str>) -> Option<Both> {
    SAID.iter().find(|(known, _)| Some(*known) == word).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_by_its_fields() {
        let form = Form::read("name=%E7%8E%8B%E8%8A%B3+&tick=on&of=a&of=b&empty=&password=+x+");
        assert_eq!(form.text("name"), "王芳");
        assert!(form.ticked("tick") && !form.ticked("untold"));
        assert_eq!((form.text("of"), form.all("of").len()), ("a", 2), "the first one, of two");
        assert_eq!((form.some("empty"), form.text("untold")), (None, ""));
        assert_eq!(form.whole("password"), " x ");
        assert!(Form::read("%ff&&=&a").text("b").is_empty());
        let long = "字".repeat(100_000);
        assert_eq!(Form::read(&format!("text={}&seen=7", "%E5%AD%97".repeat(100_000))).whole("text"), long);
    }

    #[tokio::test]
    async fn a_form_that_does_not_arrive_is_given_up() {
        let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        let late = whole(never, Duration::from_millis(1)).await.expect_err("it never ends");
        assert_eq!(late.status(), StatusCode::REQUEST_TIMEOUT);
        let long = whole(Body::from(vec![b'a'; FORM_MAX + 1]), FORM_WITHIN).await.expect_err("it is too long");
        assert_eq!(long.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[test]
    fn only_known_words_are_said() {
        assert!(said(Some("saved")).is_some());
        assert!(said(Some("<script>")).is_none() && said(None).is_none());
    }
}
