//! Messages left for people (R5): those that nobody has heard first; listened to, confirmed and forwarded.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use chrono::{DateTime, Utc};

use super::form::Form;
use super::frame::Frame;
use super::list::{Asked, Listed, ROWS};
use super::{Paged, done, page, shown, words};
use crate::console::gate::Visitor;
use crate::console::problem::wrong;
use crate::console::shared::Shared;
use crate::desk::message::{Message, Relay};
use crate::desk::people::Person;
use crate::desk::privacy::{Kept, Surface};
use crate::store::MessageFilter;
use crate::types::MessageId;

const PATH: &str = "/messages";
/// Messages that nobody has confirmed, at once.
const WAITING_MAX: u32 = 200;

pub fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route(PATH, get(list))
        .route("/messages/{id}/confirm", post(confirm))
        .route("/messages/{id}/forward", post(forward))
}

struct Row {
    id: i64,
    for_person: String,
    from: String,
    left_at: DateTime<Utc>,
    seconds: u64,
    relay: &'static str,
    unheard: bool,
    escalated: bool,
    confirmed: bool,
    heard_here: bool,
    incomplete: bool,
    deleted: bool,
    transcript: String,
    attempts: Vec<(DateTime<Utc>, String)>,
}

impl Row {
    fn new(message: Message, visitor: &Visitor) -> Self {
        let from = [message.from_name.as_deref(), message.from_number.as_deref()];
        let notes = words::notes(visitor);
        let line = |attempt: crate::desk::message::Attempt| (attempt.at, notes.attempt(&attempt));
        Self {
            id: message.id.0,
            for_person: message.for_person.as_deref().map(|who| words::person(visitor, who)).unwrap_or_default(),
            from: from.into_iter().flatten().collect::<Vec<_>>().join(" "),
            left_at: message.left_at,
            seconds: message.duration_ms.div_ceil(1_000),
            relay: words::relay(message.relay).of(visitor.tongue),
            unheard: message.relay.is_unheard(),
            escalated: message.relay == Relay::Escalated,
            confirmed: message.relay == Relay::Confirmed,
            heard_here: message.recording.is_some() && visitor.user.role.may_have(Kept::Recording),
            incomplete: message.incomplete,
            deleted: message.deleted.is_some(),
            transcript: message.transcript.unwrap_or_default(),
            attempts: message.attempts.into_iter().map(line).collect(),
        }
    }
}

#[derive(Template)]
#[template(path = "messages.html")]
struct MessagesPage<'a> {
    frame: Frame,
    asked: Asked,
    listed: Listed<Row>,
    people: &'a [Person],
    all: bool,
    /// More wait than are shown.
    is_cut: bool,
    relays: &'static [Relay],
}

impl MessagesPage<'_> {
    fn relay(&self, relay: &Relay) -> &'static str {
        words::relay(*relay).of(self.frame.tongue)
    }
}

async fn list(State(shared): State<Arc<Shared>>, visitor: Visitor, asked: Asked) -> Paged {
    let all = asked.text("view") == "all";
    let tz = visitor.settings.time_zone;
    let filter = MessageFilter {
        since: asked.time("since", tz),
        until: asked.time("until", tz),
        for_person: asked.owned("for"),
        caller: asked.owned("caller"),
        relay: asked.word("relay"),
        unconfirmed: !all,
        oldest_first: !all,
        deleted_too: all,
        limit: Some(if all { ROWS as u32 + 1 } else { WAITING_MAX + 1 }),
        ..MessageFilter::default()
    };
    let (by, place) = (visitor.clone(), asked.place().filter(|_| all));
    let messages = shown(&shared, &visitor, move |reader| {
        let found = reader.messages_beyond(&filter, place)?;
        let seen: Vec<Message> = found.into_iter().map(|message| by.sight(Surface::List).message(message)).collect();
        let shows = seen.iter().any(|message| message.shows(Surface::List));
        Ok((seen, shows.then(|| "list of messages".to_owned())))
    })
    .await?;
    let mut is_cut = false;
    let listed = if all {
        let Listed { rows, next } = Listed::new(messages, |message| (message.left_at, message.id.0.to_string()));
        Listed { rows: rows.into_iter().map(|message| Row::new(message, &visitor)).collect(), next }
    } else {
        let mut rows: Vec<Row> = messages.into_iter().map(|message| Row::new(message, &visitor)).collect();
        is_cut = rows.len() > WAITING_MAX as usize;
        rows.truncate(WAITING_MAX as usize);
        rows.sort_by_key(|row| (!row.escalated, !row.unheard));
        Listed { rows, next: None }
    };
    let frame = Frame::of(&visitor, PATH).saying(asked.some("said"));
    page(&MessagesPage {
        frame,
        asked,
        listed,
        people: visitor.settings.people.people(),
        all,
        is_cut,
        relays: Relay::ALL,
    })
}

/// The list that was looked at, at the place where it was.
fn back_to(asked: &Asked) -> String {
    format!("{PATH}{}", asked.address(asked.some("after")))
}

async fn confirm(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(id): Path<i64>, asked: Asked) -> Paged {
    let by = visitor.clone();
    let confirm = move |editor: &mut crate::store::Editor| Ok(editor.confirm(MessageId(id), by.who(), by.now)?);
    shared.pool.edit(Arc::clone(&visitor.settings.clocks), confirm).await?;
    done(&back_to(&asked), "confirmed")
}

async fn forward(
    State(shared): State<Arc<Shared>>,
    visitor: Visitor,
    Path(id): Path<i64>,
    asked: Asked,
    form: Form,
) -> Paged {
    let to = visitor.settings.people.meant(form.text("to")).map_err(wrong)?.extension.clone();
    let by = visitor.clone();
    let forward = move |editor: &mut crate::store::Editor| Ok(editor.forward(MessageId(id), &to, by.who(), by.now)?);
    shared.pool.edit(Arc::clone(&visitor.settings.clocks), forward).await?;
    done(&back_to(&asked), "forwarded")
}
