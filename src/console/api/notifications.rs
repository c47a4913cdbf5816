//! What people and programs are told (R5, R26, R41).

use super::ask::{Ask, unknown};
use super::endpoint::{Endpoint, Method, shape};
use super::page::{self, CURSOR_PARAM, LIMIT_PARAM};
use super::query::{Param, ParamKind};
use super::reply::{Leaving, Reply};
use crate::console::problem::ProblemDetails;
use crate::desk::notifications::{Notification, NotificationId, NotificationState, NotifyChannel};
use crate::desk::token::Scope;
use crate::desk::view::NotificationView;
use crate::store::{Editor, NotificationFilter, Reader};

pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint::read("/notifications", Scope::AlarmsRead, "What people and programs are told, the newest first", list)
        .query(&[
            Param::new("state", "How far it is", ParamKind::Word(states)),
            Param::new("channel", "By which way", ParamKind::Word(channels)),
            Param::new("about", "A ticket's number, a call's, message's or alarm's id", ParamKind::Text),
            LIMIT_PARAM,
            CURSOR_PARAM,
        ])
        .page(shape::<NotificationView<'static>>),
    Endpoint::read("/notifications/{id}", Scope::AlarmsRead, "One notification", one)
        .one(shape::<NotificationView<'static>>),
    Endpoint::change(
        Method::Post,
        "/notifications/{id}/retry",
        Scope::AlarmsWrite,
        "Sends one that failed, or waits, now",
        retry,
    )
    .one(shape::<NotificationView<'static>>),
];

fn states() -> Vec<&'static str> {
    NotificationState::ALL.iter().map(|word| word.as_str()).collect()
}

fn channels() -> Vec<&'static str> {
    NotifyChannel::ALL.iter().map(|word| word.as_str()).collect()
}

fn list(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let filter = NotificationFilter {
        state: ask.query.word("state"),
        channel: ask.query.word("channel"),
        about: ask.query.owned("about"),
        before: page::place(ask)?.map(|place| place.id),
        limit: page::to_read(ask),
    };
    let found = reader.notifications(&filter)?;
    let key = |one: &Notification| page::cursor_of(one.created_at, one.id.0);
    Ok(page::page(ask, found, key, |one| Leaving::Notification(Box::new(one))))
}

fn one(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let id = NotificationId(ask.id()?);
    let found = reader.notification(id)?.ok_or_else(|| unknown(format!("notification {}", id.0)))?;
    Ok(Reply::one(Leaving::Notification(Box::new(found))))
}

fn retry(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let id = NotificationId(ask.id()?);
    editor.retry_notification(id, ask.now)?;
    let found = editor.notification(id)?.ok_or_else(|| unknown(format!("notification {}", id.0)))?;
    Ok(Reply::one(Leaving::Notification(Box::new(found))))
}
