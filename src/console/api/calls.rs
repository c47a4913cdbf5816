//! The call log.

use super::ask::{Ask, unknown};
use super::endpoint::{Endpoint, shape};
use super::page::{self, CURSOR_PARAM, LIMIT_PARAM, SINCE, UNTIL};
use super::query::{Param, ParamKind};
use super::recordings::Sound;
use super::reply::{Leaving, Reply};
use crate::console::problem::ProblemDetails;
use crate::desk::call_record::{CallRecord, Direction, Outcome};
use crate::desk::privacy::Kept;
use crate::desk::token::Scope;
use crate::desk::view::CallView;
use crate::store::{CallFilter, CallState, Reader};
use crate::types::CallId;

pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint::read("/calls", Scope::CallsRead, "Calls, the newest first", list)
        .query(&[
            SINCE,
            UNTIL,
            Param::new("caller", "The caller's number, or its last four digits or more", ParamKind::Text),
            Param::new("outcome", "What came of the call", ParamKind::Word(outcomes)),
            Param::new("direction", "Who made the call", ParamKind::Word(directions)),
            Param::new("state", "Whether it still lives", ParamKind::Word(states)),
            Param::new("handler", "Extension of the last person who talked to the caller", ParamKind::Text),
            Param::new("through", "A node of the flow that the call went through; it is over", ParamKind::Text),
            LIMIT_PARAM,
            CURSOR_PARAM,
        ])
        .page(shape::<CallView<'static>>),
    Endpoint::read("/calls/{id}", Scope::CallsRead, "One call", one).one(shape::<CallView<'static>>),
    Endpoint::sound("/calls/{id}/recording", "What was recorded of a call", sound),
];

fn outcomes() -> Vec<&'static str> {
    Outcome::ALL.iter().map(|word| word.as_str()).collect()
}

fn directions() -> Vec<&'static str> {
    Direction::ALL.iter().map(|word| word.as_str()).collect()
}

fn states() -> Vec<&'static str> {
    CallState::ALL.iter().map(|word| word.as_str()).collect()
}

fn list(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let filter = CallFilter {
        since: ask.query.time("since"),
        until: ask.query.time("until"),
        caller: ask.query.owned("caller"),
        outcome: ask.query.word("outcome"),
        direction: ask.query.word("direction"),
        state: ask.query.word("state"),
        handler: ask.query.owned("handler"),
        through: ask.query.owned("through"),
        limit: page::to_read(ask),
        ..CallFilter::default()
    };
    let calls = reader.calls_beyond(&filter, page::place(ask)?)?;
    let key = |call: &CallRecord| page::cursor_of(call.started_at, call.id);
    Ok(page::page(ask, calls, key, |call| Leaving::Call(Box::new(call))))
}

fn one(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    Ok(Reply::one(Leaving::Call(Box::new(call(ask, reader)?))))
}

fn sound(ask: &Ask, reader: &Reader) -> Result<Sound, ProblemDetails> {
    let call = call(ask, reader)?;
    let about = format!("call {}", call.id);
    let recording = call.recording.ok_or_else(|| unknown(format!("a recording of {about}")))?;
    Ok(Sound { recording, about, kept: Kept::Recording })
}

fn call(ask: &Ask, reader: &Reader) -> Result<CallRecord, ProblemDetails> {
    let id = CallId(ask.id()?);
    reader.call(id)?.ok_or_else(|| unknown(format!("call {id}")))
}
