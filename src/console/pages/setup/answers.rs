//! Answers: the tree of what callers can ask, and what is said (R14).

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};

use super::content::{Origin, change, file_of, look};
use crate::console::gate::Visitor;
use crate::console::pages::account::Said;
use crate::console::pages::form::Form;
use crate::console::pages::frame::Frame;
use crate::console::pages::{Paged, done, page};
use crate::console::problem::ProblemDetails;
use crate::console::shared::Shared;
use crate::desk::report::table::Both;
use crate::setup::prompts::{Prompt, Voice};
use crate::setup::{Content, Fingerprint, TopicForm, TopicWay, topics_of};

const PATH: &str = "/setup/answers";

pub fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/setup/answers", get(list).post(add))
        .route("/setup/answers/topic/{way}", get(one).post(edit))
        .route("/setup/answers/topic/{way}/remove", post(remove))
}

/// What is said for one id.
struct Saying {
    id: String,
    /// None for an id that no prompt has.
    voices: Option<Vec<Voice>>,
}

struct Row {
    way: TopicWay,
    form: TopicForm,
    says: Vec<Saying>,
}

#[derive(Template)]
#[template(path = "setup_answers.html")]
struct AnswersPage {
    frame: Frame,
    origin: Origin,
    seen: Fingerprint,
    rows: Vec<Row>,
    /// What can be said: ids of prompts, those for answers first.
    ids: Vec<String>,
}

fn sayings(form: &TopicForm, prompts: &HashMap<String, Vec<Voice>>) -> Vec<Saying> {
    form.say.iter().map(|id| Saying { id: id.clone(), voices: prompts.get(id).cloned() }).collect()
}

async fn prompts_of(shared: &Arc<Shared>) -> Result<Vec<Prompt>, ProblemDetails> {
    look(shared, |setup| Ok(setup.prompts())).await
}

/// Those of answers and of the desk's own before the others.
fn ids_of(prompts: &[Prompt]) -> Vec<String> {
    let mut ids: Vec<String> = prompts.iter().map(|prompt| prompt.id.clone()).collect();
    ids.sort_by_key(|id| (!id.starts_with("answer-"), id.clone()));
    ids
}

async fn list(State(shared): State<Arc<Shared>>, visitor: Visitor, Query(Said { said }): Query<Said>) -> Paged {
    let (file, origin) = file_of(&shared, Content::Answers).await?;
    let prompts = prompts_of(&shared).await?;
    let ids = ids_of(&prompts);
    let prompts = prompts.into_iter().map(|prompt| (prompt.id, prompt.voices)).collect();
    let row = |(way, form): (TopicWay, TopicForm)| Row { says: sayings(&form, &prompts), way, form };
    let rows = topics_of(&file.text).into_iter().map(row).collect();
    let (frame, seen) = (Frame::of(&visitor, PATH).saying(said.as_deref()), file.fingerprint());
    page(&AnswersPage { frame, origin, seen, rows, ids })
}

#[derive(Template)]
#[template(path = "setup_topic.html")]
struct TopicPage {
    frame: Frame,
    seen: Fingerprint,
    way: TopicWay,
    form: TopicForm,
    says: Vec<Saying>,
    ids: Vec<String>,
    /// Topics below it.
    below: usize,
}

async fn one(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(way): Path<String>) -> Paged {
    let (file, _) = file_of(&shared, Content::Answers).await?;
    let (way, topics) = (TopicWay::read(&way), topics_of(&file.text));
    let Some(form) = topics.iter().find(|(known, _)| *known == way).map(|(_, form)| form.clone()) else {
        let what = Both::new("没有这条答复", "there is no such answer").of(visitor.tongue);
        return Err(ProblemDetails::new(StatusCode::NOT_FOUND, what).into());
    };
    let below = topics.iter().filter(|(known, _)| known.0.len() > way.0.len() && known.0.starts_with(&way.0)).count();
    let prompts = prompts_of(&shared).await?;
    let ids = ids_of(&prompts);
    let prompts = prompts.into_iter().map(|prompt| (prompt.id, prompt.voices)).collect();
    let title = Both::new("答复", "Answer").of(visitor.tongue);
    let frame = Frame::new(&visitor, format!("{title} {way}"));
    let says = sayings(&form, &prompts);
    page(&TopicPage { frame, seen: file.fingerprint(), way, form, says, ids, below })
}

fn read(form: &Form) -> (Fingerprint, TopicForm) {
    let say = form.text("say").split([',', '，', ' ', '\n']).map(str::trim).filter(|id| !id.is_empty());
    let topic = TopicForm {
        key: form.text("key").to_owned(),
        name: form.text("name").to_owned(),
        say: say.map(str::to_owned).collect(),
    };
    (Fingerprint::read(form.text("seen")), topic)
}

async fn add(State(shared): State<Arc<Shared>>, visitor: Visitor, form: Form) -> Paged {
    let ((seen, topic), above) = (read(&form), TopicWay::read(form.text("above")));
    let about = format!("answers: {} added", topic.name);
    change(&shared, &visitor, about, move |setup| setup.add_topic(&seen, &above, &topic)).await?;
    done(PATH, "saved")
}

async fn edit(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(way): Path<String>, form: Form) -> Paged {
    let ((seen, topic), way) = (read(&form), TopicWay::read(&way));
    let about = format!("answers: {way} changed");
    change(&shared, &visitor, about, move |setup| setup.change_topic(&seen, &way, &topic)).await?;
    done(PATH, "saved")
}

async fn remove(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(way): Path<String>, form: Form) -> Paged {
    let (seen, way) = (Fingerprint::read(form.text("seen")), TopicWay::read(&way));
    let about = format!("answers: {way} removed");
    change(&shared, &visitor, about, move |setup| setup.remove_topic(&seen, &way)).await?;
    done(PATH, "removed")
}
