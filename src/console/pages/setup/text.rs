//! A file of content as text, for what has no form: schedules and the roster of the hours, the whole of the answers.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};

use super::content::{Origin, change, file_of};
use crate::console::gate::Visitor;
use crate::console::pages::form::Form;
use crate::console::pages::frame::Frame;
use crate::console::pages::{Paged, done, page};
use crate::console::problem::ProblemDetails;
use crate::console::shared::Shared;
use crate::desk::report::table::Both;
use crate::setup::{Content, Fingerprint};

pub fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/setup/hours/text", get(hours).post(write_hours))
        .route("/setup/answers/text", get(answers).post(write_answers))
        .route("/setup/{section}/make-file", post(make_file))
}

#[derive(Template)]
#[template(path = "setup_text.html")]
struct TextPage {
    frame: Frame,
    origin: Origin,
    text: String,
    seen: Fingerprint,
    /// What somebody else wrote meanwhile, where they did: `text` is what was typed here.
    theirs: Option<String>,
}

async fn hours(State(shared): State<Arc<Shared>>, visitor: Visitor) -> Paged {
    show(&shared, &visitor, Content::Hours).await
}

async fn answers(State(shared): State<Arc<Shared>>, visitor: Visitor) -> Paged {
    show(&shared, &visitor, Content::Answers).await
}

fn title(visitor: &Visitor, content: Content) -> String {
    let name = match content {
        Content::People => Both::new("人员（文本）", "People as text"),
        Content::Hours => Both::new("服务时间与排班（文本）", "Hours and roster as text"),
        Content::Answers => Both::new("答复（文本）", "Answers as text"),
    };
    name.of(visitor.tongue).to_owned()
}

async fn show(shared: &Arc<Shared>, visitor: &Visitor, content: Content) -> Paged {
    let (file, origin) = file_of(shared, content).await?;
    let (frame, seen) = (Frame::new(visitor, title(visitor, content)), file.fingerprint());
    page(&TextPage { frame, origin, text: file.text, seen, theirs: None })
}

async fn write_hours(State(shared): State<Arc<Shared>>, visitor: Visitor, form: Form) -> Paged {
    write(&shared, &visitor, Content::Hours, &form).await
}

async fn write_answers(State(shared): State<Arc<Shared>>, visitor: Visitor, form: Form) -> Paged {
    write(&shared, &visitor, Content::Answers, &form).await
}

async fn write(shared: &Arc<Shared>, visitor: &Visitor, content: Content, form: &Form) -> Paged {
    let (seen, text) = (Fingerprint::read(form.text("seen")), form.whole("text").to_owned());
    let (file, origin) = file_of(shared, content).await?;
    if origin.path.is_some() && file.fingerprint() != seen {
        // Both, so that nothing of either is lost: what is saved next replaces what is shown beside it.
        let frame = Frame::new(visitor, title(visitor, content));
        let seen = file.fingerprint();
        let shown = page(&TextPage { frame, origin, text, seen, theirs: Some(file.text) })?;
        return Ok((StatusCode::PRECONDITION_FAILED, shown).into_response());
    }
    let about = format!("{}: as text", content.as_str());
    change(shared, visitor, about, move |setup| setup.write(content, &seen, &text)).await?;
    done(&format!("/setup/{}", content.as_str()), "saved")
}

async fn make_file(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(section): Path<String>) -> Paged {
    let Some(content) = Content::ALL.into_iter().find(|content| content.as_str() == section) else {
        let what = Both::new("这里没有内容", "there is nothing here");
        return Err(ProblemDetails::new(StatusCode::NOT_FOUND, what).into());
    };
    let about = format!("{section}: a file is made");
    change(&shared, &visitor, about, move |setup| setup.make_file(content)).await?;
    done(&format!("/setup/{section}"), "saved")
}
