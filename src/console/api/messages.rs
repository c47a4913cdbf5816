//! Messages left for people (R5).

use super::ask::{Ask, unknown};
use super::endpoint::{Endpoint, Method, shape};
use super::page::{self, CURSOR_PARAM, LIMIT_PARAM, SINCE, UNTIL};
use super::query::{Param, ParamKind};
use super::recordings::Sound;
use super::reply::{Leaving, Reply};
use crate::console::problem::ProblemDetails;
use crate::desk::message::{Message, Relay};
use crate::desk::privacy::Kept;
use crate::desk::token::Scope;
use crate::desk::view::MessageView;
use crate::store::{Editor, MessageFilter, Reader};
use crate::types::MessageId;

pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint::read("/messages", Scope::MessagesRead, "Messages, the newest first", list)
        .query(&[
            SINCE,
            UNTIL,
            Param::new("for", "The extension that they are for", ParamKind::Text),
            Param::new("caller", "The number that they are from, or its last four digits or more", ParamKind::Text),
            Param::new("relay", "How far they have been passed on", ParamKind::Word(relays)),
            Param::new("unconfirmed", "true: only those that nobody has confirmed", ParamKind::Flag),
            Param::new("deleted", "true: also those that the person has deleted", ParamKind::Flag),
            LIMIT_PARAM,
            CURSOR_PARAM,
        ])
        .page(shape::<MessageView<'static>>),
    Endpoint::read("/messages/{id}", Scope::MessagesRead, "One message", one).one(shape::<MessageView<'static>>),
    Endpoint::change(
        Method::Post,
        "/messages/{id}/confirm",
        Scope::MessagesWrite,
        "Notes that the person has it; twice is the same as once",
        confirm,
    )
    .one(shape::<MessageView<'static>>),
    Endpoint::sound("/messages/{id}/recording", "What was left", sound),
    Endpoint::peaks("/messages/{id}/recording/peaks", "How loud it is over its time, to be drawn", sound),
];

fn relays() -> Vec<&'static str> {
    Relay::ALL.iter().map(|word| word.as_str()).collect()
}

fn list(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let filter = MessageFilter {
        since: ask.query.time("since"),
        until: ask.query.time("until"),
        for_person: ask.query.owned("for"),
        caller: ask.query.owned("caller"),
        relay: ask.query.word("relay"),
        unconfirmed: ask.query.flag("unconfirmed") == Some(true),
        deleted_too: ask.query.flag("deleted") == Some(true),
        limit: page::to_read(ask),
        ..MessageFilter::default()
    };
    let messages = reader.messages_beyond(&filter, page::place(ask)?)?;
    let key = |message: &Message| page::cursor_of(message.left_at, message.id.0);
    Ok(page::page(ask, messages, key, |message| Leaving::Message(Box::new(message))))
}

fn one(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    Ok(Reply::one(Leaving::Message(Box::new(message(ask, reader)?))))
}

fn confirm(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let id = MessageId(ask.id()?);
    editor.confirm(id, ask.who(), ask.now)?;
    let message = editor.message(id)?.ok_or_else(|| unknown(format!("message {}", id.0)))?;
    Ok(Reply::one(Leaving::Message(Box::new(message))))
}

fn sound(ask: &Ask, reader: &Reader) -> Result<Sound, ProblemDetails> {
    let message = message(ask, reader)?;
    let about = format!("message {}", message.id.0);
    let recording = message.recording.ok_or_else(|| unknown(format!("a recording of {about}")))?;
    Ok(Sound { recording, about, may: ask.token.role.may_have(Kept::Recording) })
}

fn message(ask: &Ask, reader: &Reader) -> Result<Message, ProblemDetails> {
    let id = MessageId(ask.id()?);
    reader.message(id)?.ok_or_else(|| unknown(format!("message {}", id.0)))
}
