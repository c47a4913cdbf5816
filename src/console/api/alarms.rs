//! Alarms (R41).

use super::ask::{Ask, unknown};
use super::endpoint::{Endpoint, Method, shape};
use super::page::{self, CURSOR_PARAM, LIMIT_PARAM, SINCE, UNTIL};
use super::query::{Param, ParamKind};
use super::reply::{Leaving, Reply};
use crate::console::problem::ProblemDetails;
use crate::desk::alarm::{Alarm, AlarmId};
use crate::desk::token::Scope;
use crate::desk::view::AlarmView;
use crate::store::{AlarmFilter, Editor, Reader};

pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint::read("/alarms", Scope::AlarmsRead, "Alarms, the newest first", list)
        .query(&[
            SINCE,
            UNTIL,
            Param::new("open", "true: only those that nobody has acknowledged", ParamKind::Flag),
            LIMIT_PARAM,
            CURSOR_PARAM,
        ])
        .page(shape::<AlarmView<'static>>),
    Endpoint::read("/alarms/{id}", Scope::AlarmsRead, "One alarm", one).one(shape::<AlarmView<'static>>),
    Endpoint::change(
        Method::Post,
        "/alarms/{id}/acknowledge",
        Scope::AlarmsWrite,
        "Notes that somebody has seen it: the token's name",
        acknowledge,
    )
    .one(shape::<AlarmView<'static>>),
];

fn list(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let filter = AlarmFilter {
        since: ask.query.time("since"),
        until: ask.query.time("until"),
        open: ask.query.flag("open") == Some(true),
        limit: page::to_read(ask),
        ..AlarmFilter::default()
    };
    let alarms = reader.alarms_beyond(&filter, page::place(ask)?)?;
    let key = |alarm: &Alarm| page::cursor_of(alarm.raised_at, alarm.id.0);
    Ok(page::page(ask, alarms, key, |alarm| Leaving::Alarm(Box::new(alarm))))
}

fn one(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let id = AlarmId(ask.id()?);
    let alarm = reader.alarm(id)?.ok_or_else(|| unknown(format!("alarm {}", id.0)))?;
    Ok(Reply::one(Leaving::Alarm(Box::new(alarm))))
}

fn acknowledge(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let id = AlarmId(ask.id()?);
    editor.acknowledge(id, ask.who(), ask.now)?;
    let alarm = editor.alarm(id)?.ok_or_else(|| unknown(format!("alarm {}", id.0)))?;
    Ok(Reply::one(Leaving::Alarm(Box::new(alarm))))
}
