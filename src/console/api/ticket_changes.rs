//! What is done with a ticket. Each change names the version that was seen (`If-Match`) and is answered with the ticket as
//! it is then.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;

use super::ask::{Ask, unknown};
use super::endpoint::{Endpoint, Method, Shape, shape};
use super::reply::Reply;
use crate::console::problem::{ProblemDetails, wrong};
use crate::desk::clocks::PauseReason;
use crate::desk::report::table::Both;
use crate::desk::ticket_edit::{Closing, Progress, TicketEdit};
use crate::desk::token::Scope;
use crate::desk::view::TicketView;
use crate::desk::workflow::{Advance, WorkSheet, edges};
use crate::store::Editor;

type Work = fn(&Ask, &mut Editor) -> Result<Reply, ProblemDetails>;

pub const ENDPOINTS: &[Endpoint] = &[
    change(Method::Patch, "/tickets/{number}", "Changes fields; a new owner is a hand-over (R13)", edit)
        .takes(shape::<TicketEdit>),
    change(Method::Post, "/tickets/{number}/notes", "Adds a line to its history", note).takes(shape::<NewNote>),
    change(Method::Put, "/tickets/{number}/owner", "Hands it over to another owner (R13)", hand_over)
        .takes(shape::<NewOwner>),
    change(
        Method::Post,
        "/tickets/{number}/transitions",
        "Makes the next step of its way; 409 tells which there are",
        advance,
    )
    .takes(shape::<Advance>),
    change(Method::Post, "/tickets/{number}/clocks/{clock}/met", "Notes that a clock's promise was kept", meet),
    change(Method::Post, "/tickets/{number}/clocks/{clock}/pause", "Lets a clock stand still", pause)
        .takes(shape::<NewPause>),
    change(Method::Post, "/tickets/{number}/clocks/{clock}/resume", "Lets a clock go on", resume),
    change(Method::Post, "/tickets/{number}/quote", "Asks the engineering supervisor for a price (R27)", quote)
        .takes(shape::<MaybeNote>),
    change(
        Method::Post,
        "/tickets/{number}/progress",
        "Notes that the customer was told why it lasts, and by when they hear (R36)",
        progress,
    )
    .takes(shape::<NewProgress>),
    change(Method::Patch, "/tickets/{number}/sheet", "Writes what the work sheet says (R29)", sheet)
        .takes(shape::<WorkSheet>),
    change(Method::Put, "/tickets/{number}/serious", "Whether a complaint is reported up in writing (R38)", serious)
        .takes(shape::<NewSerious>),
    change(
        Method::Post,
        "/tickets/{number}/close",
        "Closes it, saying what was done or whose matter it is (R20)",
        close,
    )
    .takes(shape::<NewClosing>),
    change(Method::Post, "/tickets/{number}/reopen", "Begins a closed one again", reopen).takes(shape::<NewNote>),
];

const fn change(method: Method, path: &'static str, summary: &'static str, work: Work) -> Endpoint {
    const TICKET: fn() -> Shape = shape::<TicketView<'static>>;
    Endpoint::change(method, path, Scope::TicketsWrite, summary, work).one(TICKET).versioned()
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewNote {
    text: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MaybeNote {
    note: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOwner {
    owner: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPause {
    reason: PauseReason,
    note: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewProgress {
    /// Why it lasts, as the customer was told.
    note: String,
    /// By when they will hear.
    #[schema(value_type = Option<crate::desk::view::LocalTime>)]
    until: Option<DateTime<Utc>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSerious {
    serious: bool,
}

/// How a ticket is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum How {
    /// It is dealt with; the note says how.
    Done,
    /// The customer takes it back, or it was a mistake or said twice; the note says which.
    Withdrawn,
    /// It is another's matter: the customer was told whose, and how to reach them.
    Referred,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewClosing {
    how: How,
    note: Option<String>,
    /// Of what is referred.
    department: Option<String>,
    contact: Option<String>,
}

fn edit(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let edit: TicketEdit = ask.body()?;
    edit.check().map_err(wrong)?;
    write(ask, editor, &edit)
}

/// A new owner is not for engineers to name.
fn write(ask: &Ask, editor: &mut Editor, edit: &TicketEdit) -> Result<Reply, ProblemDetails> {
    if edit.owner.is_some() && !ask.may_hand_over() {
        let what = Both::new("工程师不能更换责任人", "an engineer gives no ticket another owner");
        return Err(ProblemDetails::new(StatusCode::FORBIDDEN, what));
    }
    editor.edit(&ask.ticket(), ask.who(), ask.now, edit)?;
    as_it_is_now(ask, editor)
}

fn note(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let note: NewNote = ask.body()?;
    editor.note(&ask.ticket(), ask.who(), ask.now, said(&note.text, "text")?)?;
    as_it_is_now(ask, editor)
}

fn hand_over(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let NewOwner { owner } = ask.body()?;
    let edit = TicketEdit { owner: Some(owner), ..TicketEdit::default() };
    edit.check().map_err(wrong)?;
    write(ask, editor, &edit)
}

fn advance(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let step: Advance = ask.body()?;
    step.sheet.check().map_err(wrong)?;
    editor.advance(&ask.ticket(), ask.who(), ask.now, None, &step)?;
    as_it_is_now(ask, editor)
}

fn meet(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    editor.meet_clock(&ask.ticket(), ask.who(), ask.now, ask.name("clock"))?;
    as_it_is_now(ask, editor)
}

fn pause(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let NewPause { reason, note } = ask.body()?;
    editor.pause_clock(&ask.ticket(), ask.who(), ask.now, ask.name("clock"), (reason, note.as_deref()))?;
    as_it_is_now(ask, editor)
}

fn resume(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    editor.resume_clock(&ask.ticket(), ask.who(), ask.now, ask.name("clock"))?;
    as_it_is_now(ask, editor)
}

fn quote(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let MaybeNote { note } = ask.body()?;
    editor.request_quote(&ask.ticket(), ask.who(), ask.now, note.as_deref())?;
    as_it_is_now(ask, editor)
}

fn progress(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let NewProgress { note, until } = ask.body()?;
    let told = Progress { note, until };
    told.check(ask.now).map_err(wrong)?;
    editor.progress(&ask.ticket(), ask.who(), ask.now, &told)?;
    as_it_is_now(ask, editor)
}

fn sheet(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let sheet: WorkSheet = ask.body()?;
    sheet.check().map_err(wrong)?;
    if sheet == WorkSheet::default() {
        return Err(wrong("nothing to write was given"));
    }
    editor.write_sheet(&ask.ticket(), ask.who(), ask.now, &sheet)?;
    as_it_is_now(ask, editor)
}

fn serious(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let NewSerious { serious } = ask.body()?;
    editor.set_serious(&ask.ticket(), ask.who(), ask.now, serious)?;
    as_it_is_now(ask, editor)
}

fn close(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let NewClosing { how, note, department, contact } = ask.body()?;
    if how != How::Referred && (department.is_some() || contact.is_some()) {
        return Err(wrong("department and contact are for how = \"referred\""));
    }
    let note = note.unwrap_or_default();
    let closing = match how {
        How::Done => Closing::Done { note },
        How::Withdrawn => Closing::Withdrawn { note },
        How::Referred => {
            Closing::Referred { department: department.unwrap_or_default(), contact: contact.unwrap_or_default(), note }
        }
    };
    closing.check().map_err(wrong)?;
    editor.close(&ask.ticket(), ask.who(), ask.now, &closing)?;
    as_it_is_now(ask, editor)
}

fn reopen(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let note: NewNote = ask.body()?;
    let text = said(&note.text, "text")?;
    let number = ask.ticket();
    let ticket = editor.ticket(&number, ask.now)?.ok_or_else(|| unknown(format!("ticket {number}")))?;
    let again = edges(ticket.kind).find(|edge| edge.reopens && edge.from == ticket.stage);
    // What is not closed has no such step: the workflow says so, and which there are.
    let step = Advance::to(again.map_or(ticket.kind.first_stage(), |edge| edge.to)).with_note(text);
    editor.advance(&number, ask.who(), ask.now, None, &step)?;
    as_it_is_now(ask, editor)
}

fn said<'t>(text: &'t str, name: &str) -> Result<&'t str, ProblemDetails> {
    let said = text.trim();
    if said.is_empty() { Err(wrong(format!("{name} is empty"))) } else { Ok(said) }
}

fn as_it_is_now(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let number = ask.ticket();
    let ticket = editor.ticket(&number, ask.now)?.ok_or_else(|| unknown(format!("ticket {number}")))?;
    Ok(Reply::ticket(ticket))
}
