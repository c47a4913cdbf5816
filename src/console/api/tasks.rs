//! What the desk sees to by itself (R5, R19, R26, R37).

use super::ask::{Ask, unknown};
use super::endpoint::{Endpoint, shape};
use super::page::{self, ID_CURSOR, LIMIT_PARAM};
use super::query::{Param, ParamKind};
use super::reply::{Leaving, Reply};
use crate::console::problem::ProblemDetails;
use crate::desk::tasks::TaskKind;
use crate::desk::token::Scope;
use crate::desk::view::TaskView;
use crate::store::{Reader, TaskFilter};

pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint::read("/tasks", Scope::WorkRead, "What the desk sees to by itself, the newest first", list)
        .query(&[
            Param::new("open", "true: only those that go on", ParamKind::Flag),
            Param::new("kind", "What it is", ParamKind::Word(kinds)),
            LIMIT_PARAM,
            ID_CURSOR,
        ])
        .page(shape::<TaskView<'static>>),
    Endpoint::read("/tasks/{id}", Scope::WorkRead, "One of them", one).one(shape::<TaskView<'static>>),
];

fn kinds() -> Vec<&'static str> {
    TaskKind::ALL.iter().map(|word| word.as_str()).collect()
}

fn list(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let filter = TaskFilter {
        open: ask.query.flag("open") == Some(true),
        kind: ask.query.word("kind"),
        limit: page::to_read(ask),
    };
    let tasks = reader.tasks_before(&filter, page::last_id(ask)?)?;
    Ok(page::page(ask, tasks, |task| task.id.to_string(), Leaving::Task))
}

fn one(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let id = ask.id()?;
    let task = reader.task(id)?.ok_or_else(|| unknown(format!("task {id}")))?;
    Ok(Reply::one(Leaving::Task(task)))
}
