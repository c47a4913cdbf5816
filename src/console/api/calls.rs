//! The call log.

use serde::Serialize;
use utoipa::ToSchema;

use super::ask::{Ask, unknown};
use super::endpoint::{CSV, Endpoint, shape};
use super::page::{self, CURSOR_PARAM, LIMIT_PARAM, SINCE, UNTIL};
use super::query::{Param, ParamKind};
use super::recordings::Sound;
use super::reply::{Leaving, Reply};
use super::reports::LANG;
use crate::console::exports::exported_calls;
use crate::console::problem::ProblemDetails;
use crate::desk::call_record::{CallRecord, Direction, Outcome};
use crate::desk::ladder_view::LadderView;
use crate::desk::privacy::{Kept, Surface};
use crate::desk::report::table::Tongue;
use crate::desk::timeline::{self, Moment};
use crate::desk::token::Scope;
use crate::desk::view::CallView;
use crate::store::{CallFilter, CallState, Reader};
use crate::types::CallId;

pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint::read("/calls", Scope::CallsRead, "Calls, the newest first", list)
        .query(LISTED)
        .page(shape::<CallView<'static>>),
    Endpoint::read("/calls/{id}", Scope::CallsRead, "One call", one).one(shape::<CallView<'static>>),
    Endpoint::read("/calls/export", Scope::CallsRead, "Calls as a table for spreadsheets, the newest first", export)
        .query(EXPORTED)
        .table(),
    Endpoint::read("/calls/{id}/timeline", Scope::CallsRead, "What happened in a call, in the order of time", timeline)
        .one(shape::<Timeline>),
    Endpoint::read("/calls/{id}/ladder", Scope::CallsRead, "The SIP messages of a call that is over", ladder)
        .for_those_who_may_have(Kept::Signalling)
        .one(shape::<LadderView>),
    Endpoint::sound("/calls/{id}/recording", "What was recorded of a call", sound),
    Endpoint::peaks("/calls/{id}/recording/peaks", "How loud the recording is over its time, to be drawn", sound),
];

const CALLER: Param = Param::new("caller", "The caller's number, or its last four digits or more", ParamKind::Text);
const OUTCOME: Param = Param::new("outcome", "What came of the call", ParamKind::Word(outcomes));
const DIRECTION: Param = Param::new("direction", "Who made the call", ParamKind::Word(directions));
const STATE: Param = Param::new("state", "Whether it still lives", ParamKind::Word(states));
const HANDLER: Param = Param::new("handler", "Extension of the last person who talked to the caller", ParamKind::Text);
const THROUGH: Param =
    Param::new("through", "A node of the flow that the call went through; it is over", ParamKind::Text);

const LISTED: &[Param] =
    &[SINCE, UNTIL, CALLER, OUTCOME, DIRECTION, STATE, HANDLER, THROUGH, LIMIT_PARAM, CURSOR_PARAM];
const EXPORTED: &[Param] = &[SINCE, UNTIL, CALLER, OUTCOME, DIRECTION, STATE, HANDLER, THROUGH, LANG];

/// What happened in a call.
#[derive(Serialize, ToSchema)]
struct Timeline {
    moments: Vec<Moment>,
}

fn outcomes() -> Vec<&'static str> {
    Outcome::ALL.iter().map(|word| word.as_str()).collect()
}

fn directions() -> Vec<&'static str> {
    Direction::ALL.iter().map(|word| word.as_str()).collect()
}

fn states() -> Vec<&'static str> {
    CallState::ALL.iter().map(|word| word.as_str()).collect()
}

fn filter(ask: &Ask) -> CallFilter {
    CallFilter {
        since: ask.query.time("since"),
        until: ask.query.time("until"),
        caller: ask.query.owned("caller"),
        outcome: ask.query.word("outcome"),
        direction: ask.query.word("direction"),
        state: ask.query.word("state"),
        handler: ask.query.owned("handler"),
        through: ask.query.owned("through"),
        ..CallFilter::default()
    }
}

fn list(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let filter = CallFilter { limit: page::to_read(ask), ..filter(ask) };
    let calls = reader.calls_beyond(&filter, page::place(ask)?)?;
    let key = |call: &CallRecord| page::cursor_of(call.started_at, call.id);
    Ok(page::page(ask, calls, key, |call| Leaving::Call(Box::new(call))))
}

fn export(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let tongue: Option<Tongue> = ask.query.word("lang");
    let (csv, rows) = exported_calls(reader, filter(ask), ask.sight(Surface::Export), tongue, ask.time_zone())?;
    Ok(Reply::text(CSV, csv).exports(format!("calls as CSV, {rows} rows")))
}

fn timeline(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let call = ask.sight(Surface::Record).call(call(ask, reader)?);
    let shows = call.shows(Surface::Record).then(|| format!("call {}", call.id));
    Ok(Reply::value(&Timeline { moments: timeline::of(&call) })?.shows(shows))
}

fn ladder(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let id = call(ask, reader)?.id;
    let kept =
        reader.ladder(id)?.ok_or_else(|| unknown(format!("what call {id} said in SIP, as far as it is kept,")))?;
    let shows = Some(format!("SIP messages of call {id}"));
    Ok(Reply::value(&LadderView::new(&kept, ask.time_zone()))?.shows(shows))
}

fn one(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    Ok(Reply::one(Leaving::Call(Box::new(call(ask, reader)?))))
}

fn sound(ask: &Ask, reader: &Reader) -> Result<Sound, ProblemDetails> {
    let call = call(ask, reader)?;
    let about = format!("call {}", call.id);
    let recording = call.recording.ok_or_else(|| unknown(format!("a recording of {about}")))?;
    Ok(Sound { recording, about, may: ask.token.role.may_have(Kept::Recording) })
}

fn call(ask: &Ask, reader: &Reader) -> Result<CallRecord, ProblemDetails> {
    let id = CallId(ask.id()?);
    reader.call(id)?.ok_or_else(|| unknown(format!("call {id}")))
}
