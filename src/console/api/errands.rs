//! Telephone calls that the desk makes about its work (R5, R26, R37).

use serde::Deserialize;
use utoipa::ToSchema;

use super::ROOT;
use super::ask::{Ask, unknown};
use super::endpoint::{Endpoint, Method, shape};
use super::page::{self, ID_CURSOR, LIMIT_PARAM, SINCE, UNTIL};
use super::query::{Param, ParamKind};
use super::reply::{Leaving, Reply};
use crate::console::problem::{ProblemDetails, wrong};
use crate::desk::errand::{ErrandId, ErrandKind, ErrandRecord, ErrandState, ErrandTo, NewErrand};
use crate::desk::token::Scope;
use crate::desk::view::ErrandView;
use crate::store::{Editor, ErrandFilter, Reader};
use crate::types::{MessageId, TicketNumber};

pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint::read("/errands", Scope::WorkRead, "Calls that the desk makes about its work, the newest first", list)
        .query(&[
            SINCE,
            UNTIL,
            Param::new("kind", "What the call is for", ParamKind::Word(kinds)),
            Param::new("state", "How far it is", ParamKind::Word(states)),
            Param::new("ticket", "The number of the ticket that it is about", ParamKind::Text),
            LIMIT_PARAM,
            ID_CURSOR,
        ])
        .page(shape::<ErrandView<'static>>),
    Endpoint::change(Method::Post, "/errands", Scope::WorkWrite, "Asks for a call: the running line makes it", add)
        .takes(shape::<AskedErrand>)
        .one(shape::<ErrandView<'static>>)
        .created(),
    Endpoint::read("/errands/{id}", Scope::WorkRead, "One call, with what came of it", one)
        .one(shape::<ErrandView<'static>>),
    Endpoint::change(
        Method::Post,
        "/errands/{id}/cancel",
        Scope::WorkWrite,
        "Takes back a call that is not begun yet",
        cancel,
    )
    .one(shape::<ErrandView<'static>>),
];

fn kinds() -> Vec<&'static str> {
    ErrandKind::ALL.iter().map(|word| word.as_str()).collect()
}

fn states() -> Vec<&'static str> {
    ErrandState::ALL.iter().map(|word| word.as_str()).collect()
}

/// A call that is asked for: to a person of the directory, or to a customer's number.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AskedErrand {
    kind: ErrandKind,
    /// Extension of whom to call; or `number`.
    person: Option<String>,
    number: Option<String>,
    /// The number of the ticket that it is about.
    ticket: Option<String>,
    /// The message that is passed on: needed where kind is `relay`.
    #[schema(minimum = 0)]
    message: Option<i64>,
    /// Of a notice: the clock that is overdue, such as `on_site`.
    note: Option<String>,
}

impl AskedErrand {
    fn to(&self, ask: &Ask) -> Result<ErrandTo, ProblemDetails> {
        match (&self.person, &self.number) {
            (Some(extension), None) => match ask.settings.people.person(extension) {
                Some(person) => Ok(ErrandTo::Person { extension: person.extension.clone() }),
                None => Err(wrong(format!("person: the directory has no extension {extension}"))),
            },
            (None, Some(number)) if number.bytes().any(|byte| byte.is_ascii_digit()) => {
                Ok(ErrandTo::Customer { number: number.clone() })
            }
            (None, Some(number)) => Err(wrong(format!("number: `{number}` is no telephone number"))),
            (Some(_), Some(_)) | (None, None) => Err(wrong("give either person or number")),
        }
    }
}

fn list(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let filter = ErrandFilter {
        since: ask.query.time("since"),
        until: ask.query.time("until"),
        kind: ask.query.word("kind"),
        state: ask.query.word("state"),
        ticket: ask.query.owned("ticket").map(TicketNumber),
        limit: page::to_read(ask),
        offset: 0,
    };
    let errands = reader.errands_before(&filter, page::last_id(ask)?)?;
    let key = |errand: &ErrandRecord| errand.id.0.to_string();
    Ok(page::page(ask, errands, key, |errand| Leaving::Errand(Box::new(errand))))
}

fn one(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let id = ErrandId(ask.id()?);
    let errand = reader.errand(id)?.ok_or_else(|| no_errand(id))?;
    Ok(Reply::one(Leaving::Errand(Box::new(errand))))
}

fn add(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let asked: AskedErrand = ask.body()?;
    let to = asked.to(ask)?;
    let ticket = asked.ticket.map(TicketNumber);
    if let Some(number) = &ticket
        && editor.ticket(number, ask.now)?.is_none()
    {
        return Err(wrong(format!("there is no ticket {number}")));
    }
    let message = asked.message.map(MessageId);
    match message {
        Some(id) if editor.message(id)?.is_none() => return Err(wrong(format!("there is no message {}", id.0))),
        None if asked.kind == ErrandKind::Relay => return Err(wrong("relay: say which message is passed on")),
        Some(_) | None => {}
    }
    let (kind, note) = (asked.kind, asked.note);
    let id =
        editor.add_errand(ask.now, &NewErrand { kind, to, ticket, message, note, task: None, not_before: ask.now })?;
    Ok(now(editor, id)?.created(format!("{ROOT}/errands/{}", id.0)))
}

fn cancel(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let id = ErrandId(ask.id()?);
    editor.errand(id)?.ok_or_else(|| no_errand(id))?;
    editor.cancel_errand(id, ask.who(), ask.now)?;
    now(editor, id)
}

fn now(editor: &mut Editor, id: ErrandId) -> Result<Reply, ProblemDetails> {
    let errand = editor.errand(id)?.ok_or_else(|| no_errand(id))?;
    Ok(Reply::one(Leaving::Errand(Box::new(errand))))
}

fn no_errand(id: ErrandId) -> ProblemDetails {
    unknown(format!("errand {}", id.0))
}
