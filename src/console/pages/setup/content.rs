//! What the pages of set-up share: a change of content, checked and read again by the daemon, and why one was refused.

use std::sync::Arc;

use axum::http::StatusCode;

use crate::console::gate::Visitor;
use crate::console::problem::ProblemDetails;
use crate::console::shared::Shared;
use crate::desk::audit::Deed;
use crate::desk::report::table::{Both, Tongue};
use crate::setup::{Content, ContentFile, Place, Refusal, Setup};
use crate::types::Problem;

/// Lines of what somebody else wrote that are told.
const LINES_MAX: usize = 24;
/// Faults that are told one by one.
const FAULTS_MAX: usize = 12;

/// The way to change content.
///
/// # Errors
/// 503 where there is none.
pub fn setup_of(shared: &Shared, visitor: &Visitor) -> Result<Setup, ProblemDetails> {
    shared.access.setup().cloned().ok_or_else(|| {
        let what = Both::new("本进程不能更改设置", "settings can't be changed by this process").of(visitor.tongue);
        ProblemDetails::new(StatusCode::SERVICE_UNAVAILABLE, what)
    })
}

/// Reads what is set up, on a thread that may wait for the disk.
///
/// # Errors
/// What the work says.
pub async fn look<T: Send + 'static>(
    shared: &Arc<Shared>,
    visitor: &Visitor,
    work: impl FnOnce(&Setup) -> Result<T, ProblemDetails> + Send + 'static,
) -> Result<T, ProblemDetails> {
    let setup = setup_of(shared, visitor)?;
    tokio::task::spawn_blocking(move || work(&setup)).await.unwrap_or_else(|_| Err(broken()))
}

/// Changes content: `work` writes it, then it is written down who did (`about`), and the daemon reads everything again.
///
/// # Errors
/// Why nothing was changed; or that it was, and what did not come of it.
pub async fn change<T: Send + 'static>(
    shared: &Arc<Shared>,
    visitor: &Visitor,
    about: String,
    work: impl FnOnce(&Setup) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, ProblemDetails> {
    let (setup, access) = (setup_of(shared, visitor)?, shared.access.clone());
    let (asker, entry) = (visitor.clone(), visitor.entry(Deed::SettingsChanged, &about));
    let changed = tokio::task::spawn_blocking(move || {
        let done = work(&setup).map_err(|refusal| refused(&asker, refusal))?;
        access.audit(&entry)?;
        Ok(done)
    });
    let done = changed.await.unwrap_or_else(|_| Err(broken()))?;
    read_again(shared, visitor).await?;
    Ok(done)
}

/// Has the daemon read everything again.
///
/// # Errors
/// Where it does not.
pub async fn read_again(shared: &Arc<Shared>, visitor: &Visitor) -> Result<(), ProblemDetails> {
    match shared.daemon.reload().await {
        Some(Ok(_)) => Ok(()),
        Some(Err(problems)) => {
            let head = Both::new(
                "已写入文件，但前台服务没有采用：请先改正这些问题",
                "It is written, but the desk has not taken it: mend these first",
            );
            Err(told(visitor, StatusCode::CONFLICT, head, &problems))
        }
        None => {
            let what = Both::new(
                "已写入文件，但前台服务尚未读取：请稍后向进程发送 SIGHUP",
                "It is written, but the desk has not read it yet: send it SIGHUP",
            );
            Err(ProblemDetails::new(StatusCode::SERVICE_UNAVAILABLE, what.of(visitor.tongue)))
        }
    }
}

fn broken() -> ProblemDetails {
    ProblemDetails::new(StatusCode::INTERNAL_SERVER_ERROR, "it failed; the daemon's log says why")
}

/// Faults of files, each in a line of its own. They are in English, as at the shell.
fn told(visitor: &Visitor, status: StatusCode, head: Both, problems: &[Problem]) -> ProblemDetails {
    let mut lines = vec![head.of(visitor.tongue).to_owned()];
    lines.extend(problems.iter().take(FAULTS_MAX).map(Problem::to_string));
    let more = problems.len().saturating_sub(FAULTS_MAX);
    if more > 0 {
        lines.push(match visitor.tongue {
            Tongue::Zh => format!("还有 {more} 处"),
            Tongue::En => format!("and {more} more"),
        });
    }
    ProblemDetails::new(status, lines.join("\n"))
}

/// Why nothing was changed, in the visitor's language.
pub fn refused(visitor: &Visitor, refusal: Refusal) -> ProblemDetails {
    let zh = visitor.tongue == Tongue::Zh;
    let (status, what) = match refusal {
        Refusal::BuiltIn(_) => {
            let what = Both::new(
                "这部分内容还在程序内部：请先建立文件",
                "this content is still inside the program: make a file of it first",
            );
            (StatusCode::CONFLICT, what.of(visitor.tongue).to_owned())
        }
        Refusal::Changed(now) => {
            let head = Both::new(
                "没有保存。您的输入还在；现在的内容是：",
                "Nothing was saved. What you typed is still there; this is how it is now:",
            );
            (StatusCode::PRECONDITION_FAILED, format!("{}\n{}", head.of(visitor.tongue), without_secrets(&now)))
        }
        Refusal::Form { field, what } => {
            (StatusCode::UNPROCESSABLE_ENTITY, format!("{}{}{what}", field_name(field).of(visitor.tongue), colon(zh)))
        }
        Refusal::Gone(what) => {
            let gone = Both::new("已经不存在", "does not exist any more").of(visitor.tongue);
            (StatusCode::NOT_FOUND, format!("{what} {gone}"))
        }
        Refusal::Faults(problems) => {
            let head = Both::new(
                "没有保存：这样写，服务台的设置会有问题",
                "Nothing was saved: written so, the desk's settings would be at fault",
            );
            return told(visitor, StatusCode::UNPROCESSABLE_ENTITY, head, &problems);
        }
        Refusal::Disk { path, what } => {
            let head = Both::new("没有保存：", "Nothing was saved: ").of(visitor.tongue);
            (StatusCode::CONFLICT, format!("{head}{}: {what}", path.display()))
        }
    };
    ProblemDetails::new(status, what)
}

fn colon(zh: bool) -> &'static str {
    if zh { "：" } else { ": " }
}

/// Hashes of PINs are nobody's to see, and comments are left out: the first lines of the rest.
fn without_secrets(text: &str) -> String {
    let told = |line: &&str| !line.is_empty() && !line.starts_with('#') && !line.starts_with("pin");
    let lines: Vec<&str> = text.lines().map(str::trim).filter(told).collect();
    let more = if lines.len() > LINES_MAX { "\n…" } else { "" };
    lines[..lines.len().min(LINES_MAX)].join("\n") + more
}

fn field_name(field: &str) -> Both {
    match field {
        "extension" => Both::new("分机", "Extension"),
        "name" => Both::new("名称", "Name"),
        "pinyin" => Both::new("拼音", "Pinyin"),
        "department" => Both::new("部门", "Department"),
        "email" => Both::new("邮箱", "E-mail"),
        "language" => Both::new("语言", "Language"),
        "hunt" => Both::new("振铃地址", "Places to ring"),
        "id" => Both::new("编号", "Id"),
        "from" | "to" | "date" => Both::new("日期", "Date"),
        "key" => Both::new("按键", "Key"),
        _ => Both::new("内容", "Text"),
    }
}

/// Where the content of a page comes from, for its head.
pub struct Origin {
    /// `people`, as the settings name it.
    pub section: &'static str,
    pub file_name: &'static str,
    /// The file; none where it is built in.
    pub path: Option<String>,
    /// Built in, and a file can be made at a word.
    pub can_make: bool,
}

impl Origin {
    pub fn of(content: Content, file: &ContentFile) -> Self {
        let path = match &file.at {
            Place::File(path) => Some(path.display().to_string()),
            Place::BuiltIn { .. } | Place::NoSettings => None,
        };
        let can_make = matches!(file.at, Place::BuiltIn { .. });
        Self { section: content.as_str(), file_name: content.file_name(), path, can_make }
    }
}

/// A file of content with where it comes from.
pub async fn file_of(
    shared: &Arc<Shared>,
    visitor: &Visitor,
    content: Content,
) -> Result<(ContentFile, Origin), ProblemDetails> {
    let asker = visitor.clone();
    look(shared, visitor, move |setup| {
        let file = setup.file(content).map_err(|refusal| refused(&asker, refusal))?;
        let origin = Origin::of(content, &file);
        Ok((file, origin))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_pins_are_not_shown() {
        let text = "# ours\nextension = \"100\"\npin = \"$argon2id$\" # lost\n\nname = \"王芳\"\n";
        assert_eq!(without_secrets(text), "extension = \"100\"\nname = \"王芳\"");
    }
}
