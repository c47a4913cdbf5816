//! What the pages of set-up share: a change of content, checked and read again by the daemon, and why one was refused.

use std::collections::HashSet;
use std::sync::Arc;

use axum::http::StatusCode;

use crate::console::gate::Visitor;
use crate::console::pages::fault::PageFault;
use crate::console::problem::ProblemDetails;
use crate::console::shared::Shared;
use crate::desk::audit::Deed;
use crate::desk::report::table::{Both, Tongue};
use crate::desk::told::{Told, told};
use crate::setup::{Content, ContentFile, Fingerprint, Place, Refusal, Setup};
use crate::types::Problem;

/// Characters of what somebody else wrote that are told.
const NEWS_MAX: usize = 300;
/// Faults that are told one by one.
const FAULTS_MAX: usize = 12;

/// The way to change content.
///
/// # Errors
/// 503 where there is none.
pub fn setup_of(shared: &Shared) -> Result<Setup, ProblemDetails> {
    shared.access.setup().cloned().ok_or_else(|| {
        let what = Both::new("本进程不能更改设置", "settings can't be changed by this process");
        ProblemDetails::new(StatusCode::SERVICE_UNAVAILABLE, what)
    })
}

/// Reads what is set up, on a thread that may wait for the disk.
///
/// # Errors
/// What the work says.
pub async fn look<T: Send + 'static>(
    shared: &Arc<Shared>,
    work: impl FnOnce(&Setup) -> Result<T, ProblemDetails> + Send + 'static,
) -> Result<T, ProblemDetails> {
    let setup = setup_of(shared)?;
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
) -> Result<T, PageFault> {
    let (setup, shared) = (setup_of(shared)?, Arc::clone(shared));
    let entry = visitor.entry(Deed::SettingsChanged, &about);
    // A task of its own: a browser that leaves meanwhile does not stop it halfway.
    let changed = tokio::spawn(async move {
        let access = shared.access.clone();
        let written = tokio::task::spawn_blocking(move || {
            let done = work(&setup).map_err(refused_form)?;
            Ok::<_, PageFault>((done, access.audit(&entry)))
        });
        let (done, audited) = written.await.unwrap_or_else(|_| Err(broken().into()))?;
        // What is written is read, also where the database could not note it.
        read_again(&shared).await?;
        audited?;
        Ok(done)
    });
    changed.await.unwrap_or_else(|_| Err(broken().into()))
}

/// Has the daemon read everything again.
///
/// # Errors
/// Where it does not.
async fn read_again(shared: &Arc<Shared>) -> Result<(), ProblemDetails> {
    match shared.daemon.reload().await {
        Some(Ok(_)) => Ok(()),
        Some(Err(problems)) => {
            let head = Both::new(
                "已写入文件，但前台服务没有采用：请先改正这些问题",
                "It is written, but the desk has not taken it: mend these first",
            );
            Err(ProblemDetails::new(StatusCode::CONFLICT, told_of(head, &problems)))
        }
        None => {
            let what = Both::new(
                "已写入文件，但前台服务尚未读取：请稍后向进程发送 SIGHUP",
                "It is written, but the desk has not read it yet: send it SIGHUP",
            );
            Err(ProblemDetails::new(StatusCode::SERVICE_UNAVAILABLE, what))
        }
    }
}

fn broken() -> ProblemDetails {
    let what = Both::new("没有成功，原因见服务日志", "it failed; the daemon's log says why");
    ProblemDetails::new(StatusCode::INTERNAL_SERVER_ERROR, what)
}

/// Faults of files, each in a line of its own. They are in English, as at the shell.
fn told_of(head: Both, problems: &[Problem]) -> Told {
    let more = problems.len().saturating_sub(FAULTS_MAX);
    let lines = |head: &str, rest: String| {
        let mut lines = vec![head.to_owned()];
        lines.extend(problems.iter().take(FAULTS_MAX).map(Problem::to_string));
        lines.extend(Some(rest).filter(|_| more > 0));
        lines.join("\n")
    };
    Told::new(lines(head.zh, format!("还有 {more} 处")), lines(head.en, format!("and {more} more")))
}

/// Why a form changed nothing. Where somebody else was faster, it is sent once more as having seen what they wrote.
fn refused_form(refusal: Refusal) -> PageFault {
    match refusal {
        Refusal::Changed { now, before } => {
            PageFault::changed(Fingerprint::of(&now).as_str(), overtaken(&now, before.as_deref()))
        }
        other => refused(other).into(),
    }
}

/// Why nothing was changed.
pub fn refused(refusal: Refusal) -> ProblemDetails {
    let (status, what) = match refusal {
        Refusal::BuiltIn(_) => {
            let what = Told::new(
                "这部分内容还在程序内部：请先建立文件",
                "this content is still inside the program: make a file of it first",
            );
            (StatusCode::CONFLICT, what)
        }
        Refusal::Changed { now, before } => (StatusCode::PRECONDITION_FAILED, overtaken(&now, before.as_deref())),
        Refusal::OtherOffer => {
            let what = Told::new(
                "待采用的已是另一条录音：请刷新页面，先听这一条",
                "another recording waits by now: load the page, and listen to that one first",
            );
            (StatusCode::PRECONDITION_FAILED, what)
        }
        Refusal::Form { field, what } => {
            let (Both { zh, en }, what_zh) = (field_name(field), what.of(Tongue::Zh));
            (StatusCode::UNPROCESSABLE_ENTITY, told!("{zh}：{what_zh}", "{en}: {what}"))
        }
        Refusal::Gone(what) => {
            let zh = what.of(Tongue::Zh);
            (StatusCode::NOT_FOUND, told!("{zh}已经不存在", "{what} does not exist any more"))
        }
        Refusal::Faults(problems) => {
            let head = Both::new(
                "没有保存：这样写，服务台的设置会有问题",
                "Nothing was saved: written so, the desk's settings would be at fault",
            );
            (StatusCode::UNPROCESSABLE_ENTITY, told_of(head, &problems))
        }
        Refusal::Disk { path, what } => {
            let (path, zh) = (path.display(), what.of(Tongue::Zh));
            (StatusCode::CONFLICT, told!("没有保存：{path}：{zh}", "Nothing was saved: {path}: {what}"))
        }
    };
    ProblemDetails::new(status, what)
}

/// That somebody else was faster, and what they wrote, where that is known.
fn overtaken(now: &str, before: Option<&str>) -> Told {
    let news = before.map(|before| news(now, before)).unwrap_or_default();
    if news.is_empty() {
        return Told::new(
            "没有保存：别人刚刚改过这个文件。您的输入还在；请另开一页查看现在的内容，再决定是否再次提交。",
            "Nothing was saved: somebody else has just changed this file. What you typed is still there; look at the file in \
             another window before you send it again.",
        );
    }
    told!(
        "没有保存。您的输入还在，核对后可再次提交；别人写入的是：\n{news}",
        "Nothing was saved. What you typed is still there, to be looked at and sent again; this is what they wrote:\n{news}"
    )
}

/// Lines that a text did not have before, as many as one header of an answer takes. Hashes of PINs are nobody's to see, and
/// comments are left out.
fn news(now: &str, before: &str) -> String {
    let old: HashSet<&str> = before.lines().map(str::trim).collect();
    let is_told = |line: &&str| !line.is_empty() && !line.starts_with(['#', '\u{feff}']) && !line.starts_with("pin");
    let mut news = String::new();
    for line in now.lines().map(str::trim).filter(is_told).filter(|line| !old.contains(line)) {
        if news.chars().count() + line.chars().count() > NEWS_MAX {
            news.push('…');
            break;
        }
        news.push_str(line);
        news.push('\n');
    }
    news.trim_end().to_owned()
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
pub async fn file_of(shared: &Arc<Shared>, content: Content) -> Result<(ContentFile, Origin), ProblemDetails> {
    look(shared, move |setup| {
        let file = setup.file(content).map_err(refused)?;
        let origin = Origin::of(content, &file);
        Ok((file, origin))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_wrote_is_told_without_hashes_of_pins_and_fits_a_header() {
        let text = "# ours\nextension = \"100\"\npin = \"$argon2id$\" # lost\n\nname = \"王芳\"\n";
        assert_eq!(news(text, ""), "extension = \"100\"\nname = \"王芳\"");
        assert_eq!(news(text, "extension = \"100\"\r\nname = \"王\"\r\n"), "name = \"王芳\"");
        let long: String = (0..500).map(|n| format!("name = \"王芳 {n}\"\n")).collect();
        assert!(news(&long, "").chars().count() <= NEWS_MAX + 40, "{}", news(&long, ""));
        assert!(overtaken("a = 1", Some("a = 1\nb = 2")).of(Tongue::Zh).contains("另开一页"));
        assert!(!overtaken("a = 1", None).to_string().contains("a = 1"));
    }
}
