//! The directory, and who is in.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;

use super::ask::{Ask, unknown};
use super::endpoint::{Endpoint, Method, shape};
use super::reply::{Leaving, Reply};
use crate::console::problem::{ProblemDetails, wrong};
use crate::desk::people::Person;
use crate::desk::presence::{Notice, Presence, Presences, Whereabouts};
use crate::desk::token::Scope;
use crate::desk::view::PersonView;
use crate::store::{Editor, Reader};

pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint::read("/people", Scope::PeopleRead, "Everybody in the directory, in its order: all of them", list)
        .page(shape::<PersonView>),
    Endpoint::read("/people/{extension}", Scope::PeopleRead, "One person", one).one(shape::<PersonView>),
    Endpoint::change(
        Method::Put,
        "/people/{extension}/presence",
        Scope::PeopleWrite,
        "Says that a person is in, out, or not to be disturbed; the running line knows it at once",
        set,
    )
    .takes(shape::<NewPresence>)
    .one(shape::<PersonView>),
    Endpoint::change(
        Method::Delete,
        "/people/{extension}/presence",
        Scope::PeopleWrite,
        "Takes that back: what people.toml says holds again",
        clear,
    ),
];

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPresence {
    state: Whereabouts,
    /// When it ends by itself.
    #[schema(value_type = Option<crate::desk::view::LocalTime>)]
    until: Option<DateTime<Utc>>,
}

fn list(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let presences = Presences::new(reader.presences()?);
    let people = ask.settings.people.people().iter();
    let rows = people.map(|person| view(ask, person, presences.of(person, ask.time_zone(), ask.now)));
    Ok(Reply::page(rows.map(|person| Leaving::Person(Box::new(person))).collect(), None))
}

fn one(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let person = person(ask)?;
    let presence = Presences::new(reader.presences()?).of(person, ask.time_zone(), ask.now);
    Ok(Reply::one(Leaving::Person(Box::new(view(ask, person, presence)))))
}

fn set(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let NewPresence { state, until } = ask.body()?;
    let person = person(ask)?;
    if until.is_some_and(|until| until <= ask.now) {
        return Err(wrong("until is to lie ahead"));
    }
    let (extension, set_by) = (person.extension.clone(), ask.who().to_owned());
    editor.set_presence(&Notice { extension, state, until, set_at: ask.now, set_by })?;
    Ok(Reply::one(Leaving::Person(Box::new(view(ask, person, Presence { state, until })))))
}

fn clear(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    editor.clear_presence(&person(ask)?.extension)?;
    Ok(Reply::nothing())
}

fn person(ask: &Ask) -> Result<&Person, ProblemDetails> {
    let extension = ask.name("extension");
    ask.settings.people.person(extension).ok_or_else(|| unknown(format!("extension {extension}")))
}

fn view(ask: &Ask, person: &Person, presence: Presence) -> PersonView {
    PersonView::new(person, presence, ask.time_zone())
}
