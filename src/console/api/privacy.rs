//! Who heard, saw, exported or deleted what of callers, and what is held back from deletion (R12): for supervisors.

use serde::Deserialize;
use utoipa::ToSchema;

use super::ROOT;
use super::ask::{Ask, unknown};
use super::endpoint::{Endpoint, Method, shape};
use super::page::{self, CURSOR_PARAM, ID_CURSOR, LIMIT_PARAM, SINCE, UNTIL};
use super::query::{Param, ParamKind};
use super::reply::{Leaving, Reply};
use crate::console::problem::{ProblemDetails, wrong};
use crate::desk::audit::KeptAudit;
use crate::desk::privacy::Kept;
use crate::desk::retention::HeldKind;
use crate::desk::token::Scope;
use crate::desk::view::{AuditView, HoldView};
use crate::store::{AuditFilter, Editor, Reader, StoreError};

pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint::read("/audit", Scope::PrivacyRead, "Who heard, saw, exported or deleted what, the newest first", audit)
        .query(&[
            SINCE,
            UNTIL,
            Param::new("who", "Only what this person, extension or token did", ParamKind::Text),
            Param::new("what", "Only this: heard, shown, exported, deleted, held, refused and so on", ParamKind::Text),
            Param::new("about", "Only about this: `message 12`, `ticket 20261123-0007`, `call 42`", ParamKind::Text),
            LIMIT_PARAM,
            CURSOR_PARAM,
        ])
        .page(shape::<AuditView<'static>>)
        .for_those_who_may_have(Kept::Audit),
    Endpoint::read("/holds", Scope::PrivacyRead, "What is held back from deletion by age, the newest first", list)
        .query(&[Param::new("lifted", "true: also those that were lifted", ParamKind::Flag), LIMIT_PARAM, ID_CURSOR])
        .page(shape::<HoldView<'static>>)
        .for_those_who_may_have(Kept::Audit),
    Endpoint::change(Method::Post, "/holds", Scope::PrivacyWrite, "Holds something back from deletion by age", hold)
        .takes(shape::<NewHold>)
        .one(shape::<HoldView<'static>>)
        .created()
        .for_those_who_may_have(Kept::Audit),
    Endpoint::read("/holds/{id}", Scope::PrivacyRead, "One hold", one)
        .one(shape::<HoldView<'static>>)
        .for_those_who_may_have(Kept::Audit),
    Endpoint::change(Method::Post, "/holds/{id}/lift", Scope::PrivacyWrite, "Lets it go by age again", lift)
        .takes(shape::<Lift>)
        .one(shape::<HoldView<'static>>)
        .for_those_who_may_have(Kept::Audit),
];

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewHold {
    what: HeldKind,
    /// Its number, id or path.
    about: String,
    /// What it is held for.
    why: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Lift {
    /// Why it is not needed any more.
    why: String,
}

fn audit(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let filter = AuditFilter {
        since: ask.query.time("since"),
        until: ask.query.time("until"),
        who: ask.query.owned("who"),
        what: ask.query.owned("what"),
        about: ask.query.owned("about"),
        limit: page::to_read(ask),
        offset: 0,
    };
    let entries = reader.audit_beyond(&filter, page::place(ask)?)?;
    let key = |entry: &KeptAudit| page::cursor_of(entry.at, entry.id);
    Ok(page::page(ask, entries, key, |entry| Leaving::Audit(Box::new(entry))))
}

fn list(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let lifted = ask.query.flag("lifted") == Some(true);
    let holds = reader.holds_before(lifted, page::rows_to_read(ask), page::last_id(ask)?)?;
    Ok(page::page(ask, holds, |hold| hold.id.to_string(), |hold| Leaving::Hold(Box::new(hold))))
}

fn one(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let id = ask.id()?;
    let hold = reader.hold(id)?.ok_or_else(|| unknown(format!("hold {id}")))?;
    Ok(Reply::one(Leaving::Hold(Box::new(hold))))
}

fn hold(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let NewHold { what, about, why } = ask.body()?;
    let held = editor.hold(what, &about, (ask.who(), &ask.origin()), ask.now, &why);
    let id = held.map_err(|fault| match fault {
        StoreError::Unknown(what) => wrong(format!("about: {what} does not exist")),
        fault => fault.into(),
    })?;
    Ok(now(editor, id)?.created(format!("{ROOT}/holds/{id}")))
}

fn lift(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let id = ask.id()?;
    let Lift { why } = ask.body()?;
    editor.lift_hold(id, (ask.who(), &ask.origin()), ask.now, &why)?;
    now(editor, id)
}

fn now(editor: &mut Editor, id: i64) -> Result<Reply, ProblemDetails> {
    let hold = editor.hold_of(id)?.ok_or_else(|| unknown(format!("hold {id}")))?;
    Ok(Reply::one(Leaving::Hold(Box::new(hold))))
}
