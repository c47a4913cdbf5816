//! Prompts: what callers hear. Each can be listened to, replaced by a recording of the desk's own (sent as a file, or said on
//! a telephone that the desk calls), and restored (R3).

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Multipart, Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::content::{change, look, refused, setup_of};
use crate::console::gate::Visitor;
use crate::console::pages::account::Said;
use crate::console::pages::form::Form;
use crate::console::pages::frame::Frame;
use crate::console::pages::list::Asked;
use crate::console::pages::upload::{self, Upload};
use crate::console::pages::{Paged, done, page};
use crate::console::problem::{ProblemDetails, wrong};
use crate::console::shared::Shared;
use crate::desk::audit::Deed;
use crate::desk::errand::{ErrandKind, ErrandRecord, ErrandResult, ErrandState, ErrandTo, NewErrand};
use crate::desk::report::table::{Both, Tongue};
use crate::desk::told::{Told, told};
use crate::setup::Fingerprint;
use crate::setup::prompts::{Prompt, Provenance, UPLOAD_BYTES_MAX, Unusable, Voice, Which};
use crate::store::{Editor, ErrandFilter};
use crate::types::Lang;

const PATH: &str = "/setup/prompts";
/// Calls of late that are looked through for those of one prompt.
const CALLS_MAX: u32 = 100;

pub fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/setup/prompts", get(list).post(add))
        .route("/setup/prompts/{id}", get(one))
        .route("/setup/prompts/{id}/{lang}/now.wav", get(now_wav))
        .route("/setup/prompts/{id}/{lang}/offered.wav", get(offered_wav))
        .route("/setup/prompts/{id}/{lang}/upload", post(send))
        .route("/setup/prompts/{id}/{lang}/accept", post(accept))
        .route("/setup/prompts/{id}/{lang}/restore", post(restore))
        .route("/setup/prompts/{id}/{lang}/drop", post(drop_offer))
        .route("/setup/prompts/{id}/{lang}/call", get(call_part).post(call))
        .layer(upload::limit())
}

/// A language's own name, where it is known.
pub fn lang_name(lang: &str) -> &str {
    match lang {
        "zh" => "中文",
        "en" => "English",
        "yue" => "粤语",
        other => other,
    }
}

/// What a group of the catalogue is about.
fn group_name(group: &str) -> Told {
    let zh = match group {
        "greeting" => "问候",
        "general" => "通用",
        "repair" => "报修",
        "complaint" => "投诉",
        "inquiry" => "问询",
        "person" => "找人",
        "voicemail" => "留言",
        "mailbox" => "语音信箱",
        "emergency" => "紧急情况",
        "human" => "转人工",
        "errand" => "呼出任务",
        "music" => "音乐",
        "numbers" => "数字",
        "desk" => "自建",
        other => other,
    };
    Told::new(zh, group)
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}

#[derive(Template)]
#[template(path = "setup_prompts.html")]
struct PromptsPage {
    frame: Frame,
    asked: Asked,
    prompts: Vec<Prompt>,
    languages: Vec<Lang>,
}

impl PromptsPage {
    fn group(&self, group: &str) -> String {
        group_name(group).of(self.frame.tongue).to_owned()
    }

    fn lang_name<'a>(&self, lang: &'a Lang) -> &'a str {
        lang_name(&lang.0)
    }

    fn seconds(&self, ms: &u64) -> String {
        seconds(*ms)
    }
}

async fn list(State(shared): State<Arc<Shared>>, visitor: Visitor, asked: Asked) -> Paged {
    let wanted = asked.text("q").to_lowercase();
    let own = asked.some("own").is_some();
    let (prompts, languages) = look(&shared, move |setup| {
        let has = |prompt: &Prompt| {
            let found = prompt.id.contains(&wanted)
                || prompt.voices.iter().any(|voice| voice.text.to_lowercase().contains(&wanted));
            let is_own = |voice: &Voice| {
                voice.offered_ms.is_some() || voice.audio.is_none_or(|(_, from)| from == Provenance::Own)
            };
            found && (!own || prompt.voices.iter().any(is_own))
        };
        let prompts = setup.prompts().into_iter().filter(has).collect();
        Ok((prompts, setup.site().prompts.languages().to_vec()))
    })
    .await?;
    let frame = Frame::of(&visitor, PATH).saying(asked.some("said"));
    page(&PromptsPage { frame, asked, prompts, languages })
}

async fn add(State(shared): State<Arc<Shared>>, visitor: Visitor, form: Form) -> Paged {
    let id = form.text("id").to_owned();
    let languages = setup_of(&shared)?.site().prompts.languages().to_vec();
    let text = |lang: &Lang| (lang.clone(), form.text(&format!("text-{lang}")).to_owned());
    let texts: Vec<(Lang, String)> = languages.iter().map(text).collect();
    let path = format!("{PATH}/{id}");
    let about = format!("prompts: {id} added");
    change(&shared, &visitor, about, move |setup| setup.add_prompt(&id, &texts)).await?;
    done(&path, "saved")
}

#[derive(Template)]
#[template(path = "setup_prompt.html")]
struct PromptPage {
    frame: Frame,
    prompt: Prompt,
    /// Whom the desk can call, with the visitor first.
    people: Vec<(String, String)>,
    can_record: bool,
    /// How it is with the last call for each language.
    calls: Vec<Option<CallPart>>,
}

impl PromptPage {
    fn lang_name<'a>(&self, lang: &'a Lang) -> &'a str {
        lang_name(&lang.0)
    }

    fn seconds(&self, ms: &u64) -> String {
        seconds(*ms)
    }

    /// Which recording of a voice waits.
    fn offer<'a>(&self, voice: &'a Voice) -> &'a str {
        voice.offered.as_ref().map_or("", Fingerprint::as_str)
    }

    /// How it is with the last call for the voice at a place.
    fn call(&self, at: &usize) -> Option<&CallPart> {
        self.calls.get(*at)?.as_ref()
    }
}

async fn one(
    State(shared): State<Arc<Shared>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(Said { said }): Query<Said>,
) -> Paged {
    let languages = setup_of(&shared)?.site().prompts.languages().to_vec();
    let mut calls = Vec::new();
    for lang in &languages {
        calls.push(last_call(&shared, &visitor, &id, lang).await?);
    }
    // After the calls: what was said on them is offered by now.
    let asked = id.clone();
    let (prompt, can_record) = look(&shared, move |setup| {
        let prompt = setup.prompt(&asked).ok_or_else(unknown)?;
        Ok((prompt, setup.can_record()))
    })
    .await?;
    let own = visitor.user.extension.clone();
    let mut people: Vec<(String, String)> = visitor
        .settings
        .people
        .people()
        .iter()
        .filter(|person| !person.hunt.is_empty())
        .map(|person| (person.extension.clone(), person.name.clone()))
        .collect();
    people.sort_by_key(|(extension, _)| Some(extension) != own.as_ref());
    let frame = Frame::new(&visitor, id).saying(said.as_deref());
    page(&PromptPage { frame, prompt, people, can_record, calls })
}

fn unknown() -> ProblemDetails {
    ProblemDetails::new(StatusCode::NOT_FOUND, Both::new("没有这条提示音", "there is no such prompt"))
}

async fn now_wav(State(shared): State<Arc<Shared>>, path: Path<(String, String)>) -> Paged {
    wav(&shared, path, Which::Now).await
}

async fn offered_wav(State(shared): State<Arc<Shared>>, path: Path<(String, String)>) -> Paged {
    wav(&shared, path, Which::Offered).await
}

async fn wav(shared: &Arc<Shared>, Path((id, lang)): Path<(String, String)>, which: Which) -> Paged {
    let bytes = look(shared, move |setup| setup.prompt_wav(&Lang::new(&lang), &id, which).ok_or_else(unknown)).await?;
    Ok(([(header::CONTENT_TYPE, "audio/wav")], bytes).into_response())
}

/// What is wrong with a recording.
fn unusable(fault: Unusable) -> ProblemDetails {
    wrong(match fault {
        Unusable::Refused(refusal) => return refused(refusal),
        Unusable::TooBig => Told::new("文件超过 10 MB", "it is larger than 10 MB"),
        Unusable::NoAudio(why) => {
            let zh = why.of(Tongue::Zh);
            told!("这不是可用的 WAV 或 FLAC 录音：{zh}", "it is no WAV or FLAC that can be used: {why}")
        }
        Unusable::TooLong => Told::new("录音超过 120 秒，请剪短", "it is longer than 120 s: cut it"),
        Unusable::TooShort { ms } => told!("录音只有 {ms} 毫秒", "it lasts only {ms} ms"),
        Unusable::Silent => {
            Told::new("录音里没有声音，请重新录制", "there is nothing to be heard in it: record it again")
        }
        Unusable::TooQuiet { dbfs } => told!(
            "声音太小（{dbfs:.0} dBFS），放大后会有噪声：请靠近话筒重新录制",
            "it is too quiet ({dbfs:.0} dBFS) and would hiss: record it again, nearer to the microphone"
        ),
        Unusable::TooLoud { percent } => told!(
            "声音太大，{percent}% 已失真：请调低音量重新录制",
            "it is too loud: {percent}% of it is distorted; record it again at a lower level"
        ),
    })
}

async fn send(
    State(shared): State<Arc<Shared>>,
    visitor: Visitor,
    Path((id, lang)): Path<(String, String)>,
    form: Multipart,
) -> Paged {
    let bytes = Upload::read(&visitor, form, UPLOAD_BYTES_MAX).await?.chosen(&visitor)?;
    let path = format!("{PATH}/{id}");
    let entry = visitor.entry(Deed::SettingsChanged, &format!("prompts: a recording of {lang}/{id} sent"));
    let access = shared.access.clone();
    look(&shared, move |setup| {
        setup.offer_prompt(&Lang::new(&lang), &id, &bytes).map_err(unusable)?;
        Ok(access.audit(&entry)?)
    })
    .await?;
    done(&path, "offered")
}

/// Which recording somebody heard before they decide.
fn heard(form: &Form) -> Fingerprint {
    Fingerprint::read(form.text("offer"))
}

async fn accept(
    State(shared): State<Arc<Shared>>,
    visitor: Visitor,
    Path((id, lang)): Path<(String, String)>,
    form: Form,
) -> Paged {
    let (path, about) = (format!("{PATH}/{id}"), format!("prompts: an own recording of {lang}/{id}"));
    let heard = heard(&form);
    change(&shared, &visitor, about, move |setup| setup.accept_prompt(&Lang::new(&lang), &id, &heard)).await?;
    done(&path, "accepted")
}

async fn restore(
    State(shared): State<Arc<Shared>>,
    visitor: Visitor,
    Path((id, lang)): Path<(String, String)>,
) -> Paged {
    let (of, about) = (id.clone(), format!("prompts: {lang}/{id} without its own recording"));
    let voice = Lang::new(&lang);
    change(&shared, &visitor, about, move |setup| setup.restore_prompt(&voice, &of)).await?;
    let of = id.clone();
    let left = look(&shared, move |setup| {
        let voices = setup.prompt(&of).map(|prompt| prompt.voices);
        Ok(voices.map(|voices| voices.iter().any(|voice| voice.lang.0 == lang && voice.audio.is_some())))
    });
    match left.await? {
        Some(true) => done(&format!("{PATH}/{id}"), "restored"),
        Some(false) => done(&format!("{PATH}/{id}"), "removed"),
        // It was nothing but this recording.
        None => done(PATH, "removed"),
    }
}

async fn drop_offer(
    State(shared): State<Arc<Shared>>,
    visitor: Visitor,
    Path((id, lang)): Path<(String, String)>,
    form: Form,
) -> Paged {
    let (path, heard, access) = (format!("{PATH}/{id}"), heard(&form), shared.access.clone());
    let entry = visitor.entry(Deed::SettingsChanged, &format!("prompts: a recording of {lang}/{id} dropped"));
    look(&shared, move |setup| {
        setup.drop_offer(&Lang::new(&lang), &id, &heard).map_err(refused)?;
        Ok(access.audit(&entry)?)
    })
    .await?;
    done(&path, "removed")
}

/// How it is with a call for which somebody says a prompt.
#[derive(Template)]
#[template(path = "setup_prompt_call.html")]
struct CallPart {
    frame: Frame,
    id: String,
    lang: String,
    call: ErrandRecord,
    /// What was wrong with what was said.
    fault: Option<String>,
}

impl CallPart {
    fn is_over(&self) -> bool {
        self.call.state == ErrandState::Ended
    }

    fn said(&self) -> bool {
        self.call.result == Some(ErrandResult::Confirmed) && self.call.comment.is_some()
    }

    /// Why nothing came of it.
    fn why(&self) -> String {
        let text = match self.call.why.as_deref().unwrap_or_default() {
            "out" => Both::new("此人现在不在岗", "they are out"),
            "busy" => Both::new("占线", "busy"),
            "no_answer" | "timeout" => Both::new("无人接听", "no answer"),
            "no_consent" | "nobody_lifted" => Both::new("接听后没有按键", "nobody pressed a key"),
            "nowhere_to_call" => Both::new("没有可呼叫的地址", "there is nowhere to call"),
            "unreachable" | "not_called" | "rejected" => Both::new("话机联系不上", "the telephone can't be reached"),
            "unknown_extension" => Both::new("没有这个分机", "nobody has this extension"),
            "caller_hung_up" | "flow_ended" => Both::new("没有录到声音", "nothing was said"),
            "interrupted" => Both::new("服务中途停止", "the desk stopped meanwhile"),
            "not_saved" => Both::new("录音没有存下来", "the recording could not be kept"),
            // The line says so in words of its own.
            other if other.contains("[errand]") => {
                Both::new("呼叫流程里没有 [errand] prompt", "the flow has no [errand] prompt")
            }
            "declined" => Both::new("话机拒接", "they declined"),
            "failed" => Both::new("呼叫失败", "the call failed"),
            "cancelled" => Both::new("呼叫已取消", "the call was cancelled"),
            "overtaken" => Both::new("已不需要", "it is not needed any more"),
            "" => Both::new("没有成功", "nothing came of it"),
            // Who took it back, or a word of the line.
            other => return other.to_owned(),
        };
        text.of(self.frame.tongue).to_owned()
    }
}

/// The last call for a prompt; what was said on it is offered as soon as it is over.
async fn last_call(
    shared: &Arc<Shared>,
    visitor: &Visitor,
    id: &str,
    lang: &Lang,
) -> Result<Option<CallPart>, ProblemDetails> {
    let note = format!("{lang}/{id}");
    let filter = ErrandFilter { kind: Some(ErrandKind::Prompt), limit: Some(CALLS_MAX), ..ErrandFilter::default() };
    let found = shared.pool.read(move |reader| {
        let calls = reader.errands_before(&filter, None)?;
        Ok(calls.into_iter().find(|call| call.note.as_deref() == Some(note.as_str())))
    });
    let Some(call) = found.await? else { return Ok(None) };
    let mut part = CallPart {
        frame: Frame::new(visitor, String::new()),
        id: id.to_owned(),
        lang: lang.0.clone(),
        call,
        fault: None,
    };
    let recording = part.call.comment.clone().filter(|_| part.is_over() && part.said());
    if let Some(recording) = recording {
        let (lang, id, errand) = (lang.clone(), id.to_owned(), part.call.id);
        let taken = look(shared, move |setup| setup.offer_recording(&lang, &id, errand, &recording).map_err(unusable));
        part.fault = taken.await.err().map(|problem| problem.detail().of(visitor.tongue).to_owned());
    }
    Ok(Some(part))
}

async fn call_part(
    State(shared): State<Arc<Shared>>,
    visitor: Visitor,
    Path((id, lang)): Path<(String, String)>,
) -> Paged {
    let part = last_call(&shared, &visitor, &id, &Lang::new(&lang)).await?.ok_or_else(unknown)?;
    let mut shown: Response = page(&part)?;
    if part.is_over() && part.fault.is_none() {
        // The whole page, with what is offered now. What was no use is told here.
        if let Ok(path) = HeaderValue::try_from(format!("{PATH}/{id}")) {
            shown.headers_mut().insert("hx-redirect", path);
        }
    }
    Ok(shown)
}

async fn call(
    State(shared): State<Arc<Shared>>,
    visitor: Visitor,
    Path((id, lang)): Path<(String, String)>,
    form: Form,
) -> Paged {
    let extension = form.text("extension").to_owned();
    let (asked, of) = (id.clone(), Lang::new(&lang));
    look(&shared, move |setup| {
        let prompt = setup.prompt(&asked).filter(|prompt| prompt.voices.iter().any(|voice| voice.lang == of));
        prompt.ok_or_else(unknown)?;
        if setup.can_record() {
            return Ok(());
        }
        let what = Both::new(
            "呼叫流程里没有 [errand] prompt：请从内置流程复制这三个节点",
            "the flow has no [errand] prompt: copy its three nodes from the built-in one",
        );
        Err(ProblemDetails::new(StatusCode::CONFLICT, what))
    })
    .await?;
    if visitor.settings.people.person(&extension).is_none() {
        return Err(wrong(Both::new("通讯录里没有这个分机", "nobody has this extension")).into());
    }
    let errand = NewErrand {
        kind: ErrandKind::Prompt,
        to: ErrandTo::Person { extension },
        ticket: None,
        message: None,
        note: Some(format!("{lang}/{id}")),
        task: None,
        not_before: visitor.now,
    };
    let entry = visitor.entry(Deed::SettingsChanged, &format!("prompts: a call to record {lang}/{id}"));
    let now = visitor.now;
    let edit = move |editor: &mut Editor| {
        editor.at_once(|editor| {
            editor.add_errand(now, &errand)?;
            editor.audit(&entry)?;
            Ok::<_, ProblemDetails>(())
        })
    };
    shared.pool.edit(Arc::clone(&visitor.settings.clocks), edit).await?;
    done(&format!("{PATH}/{id}"), "calling")
}
