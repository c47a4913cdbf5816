//! Tickets: their list, one of them, and new ones by hand. `ticket_changes` has what is done with them.

use axum::http::StatusCode;

use super::ROOT;
use super::ask::{Ask, unknown};
use super::endpoint::{Endpoint, HTML, Method, shape};
use super::page::{self, LIMIT_PARAM, SINCE, UNTIL};
use super::query::{Param, ParamKind};
use super::recordings::Sound;
use super::reply::{Leaving, Reply};
use super::reports::{LANG, letterhead};
use crate::console::problem::{ProblemDetails, wrong};
use crate::desk::privacy::Surface;
use crate::desk::ticket::{Kind, Status, Ticket};
use crate::desk::ticket_edit::HandTicket;
use crate::desk::token::Scope;
use crate::desk::view::TicketView;
use crate::sheets::{self, SheetError};
use crate::store::{Editor, Reader, TicketFilter};
use crate::types::{RecordingId, TicketNumber};

pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint::read("/tickets", Scope::TicketsRead, "Tickets, the newest first", list)
        .query(&[
            SINCE,
            UNTIL,
            Param::new("kind", "What it is about", ParamKind::Word(kinds)),
            Param::new("status", "Whether it is still somebody's task", ParamKind::Word(statuses)),
            Param::new("overdue", "true: only open ones with a clock that is over", ParamKind::Flag),
            Param::new("incomplete", "Whether the caller did not finish", ParamKind::Flag),
            Param::new("caller", "The caller's number, or its last four digits or more", ParamKind::Text),
            Param::new("owner", "Whose it is", ParamKind::Text),
            LIMIT_PARAM,
            page::cursor_param("^[0-9]{1,14}~[0-9]{8}-[0-9]{4,8}$"),
        ])
        .page(shape::<TicketView<'static>>),
    Endpoint::change(
        Method::Post,
        "/tickets",
        Scope::TicketsWrite,
        "Opens a ticket for somebody who came, wrote or was called (R39)",
        open,
    )
    .takes(shape::<HandTicket>)
    .one(shape::<TicketView<'static>>)
    .created(),
    Endpoint::read("/tickets/{number}", Scope::TicketsRead, "One ticket; its ETag is for If-Match", one)
        .one(shape::<TicketView<'static>>),
    Endpoint::read(
        "/tickets/{number}/sheet",
        Scope::TicketsRead,
        "A repair's work sheet (R29) or a complaint's report (R38) as a page to print and sign",
        sheet,
    )
    .query(&[LANG])
    .page_of_html(),
    Endpoint::sound("/tickets/{number}/recording", "What the caller said", sound),
    Endpoint::peaks("/tickets/{number}/recording/peaks", "How loud it is over its time, to be drawn", sound),
    Endpoint::sound("/tickets/{number}/feedback", "What the customer said of the result (R37)", feedback),
    Endpoint::peaks("/tickets/{number}/feedback/peaks", "How loud it is over its time, to be drawn", feedback),
];

fn kinds() -> Vec<&'static str> {
    Kind::ALL.iter().map(|word| word.as_str()).collect()
}

fn statuses() -> Vec<&'static str> {
    Status::ALL.iter().map(|word| word.as_str()).collect()
}

fn list(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let filter = TicketFilter {
        since: ask.query.time("since"),
        until: ask.query.time("until"),
        caller: ask.query.owned("caller"),
        kind: ask.query.word("kind"),
        status: ask.query.word("status"),
        overdue: ask.query.flag("overdue") == Some(true),
        incomplete: ask.query.flag("incomplete"),
        owner: ask.query.owned("owner"),
        limit: page::to_read(ask),
        ..TicketFilter::default()
    };
    let last = page::cursor(ask)?.map(|(at, number)| (at, TicketNumber(number.to_owned())));
    if last.as_ref().is_some_and(|(_, number)| !is_number(&number.0)) {
        return Err(page::no_cursor());
    }
    let tickets = reader.tickets_beyond(&filter, ask.now, last.as_ref().map(|(at, number)| (*at, number)))?;
    let key = |ticket: &Ticket| page::cursor_of(ticket.opened_at, &ticket.number);
    Ok(page::page(ask, tickets, key, |ticket| Leaving::Ticket(Box::new(ticket))))
}

/// Whether it has the form of a ticket's number.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('-')
        .is_some_and(|(day, nth)| day.len() == 8 && (4..=8).contains(&nth.len()) && digits(day) && digits(nth))
}

fn one(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    Ok(Reply::ticket(ticket(ask, reader)?))
}

fn open(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let draft: HandTicket = ask.body()?;
    draft.check().map_err(wrong)?;
    let desk = (ask.time_zone(), ask.settings.owner.as_str());
    let number = editor.open_by_hand(ask.who(), ask.now, desk, &draft)?;
    let ticket = editor.ticket(&number, ask.now)?.ok_or_else(|| unknown(format!("ticket {number}")))?;
    Ok(Reply::ticket(ticket).created(format!("{ROOT}/tickets/{number}")))
}

fn sheet(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let ticket = ask.sight(Surface::Record).ticket(ticket(ask, reader)?);
    let name_of = |who: &str| ask.settings.people.person(who).map(|person| person.name.clone());
    let page = sheets::of_ticket(&ticket, &letterhead(ask), name_of).map_err(|fault| match fault {
        SheetError::NoForm(..) => ProblemDetails::new(StatusCode::NOT_FOUND, fault.to_string()),
        SheetError::Page(_) => ProblemDetails::new(StatusCode::INTERNAL_SERVER_ERROR, fault.to_string()),
    })?;
    let shows = ticket.shows(Surface::Record).then(|| format!("ticket {}", ticket.number));
    Ok(Reply::text(HTML, page).shows(shows))
}

fn sound(ask: &Ask, reader: &Reader) -> Result<Sound, ProblemDetails> {
    let ticket = ticket(ask, reader)?;
    let about = format!("ticket {}", ticket.number);
    heard(ask, ticket, about, |ticket| ticket.recording.take())
}

fn feedback(ask: &Ask, reader: &Reader) -> Result<Sound, ProblemDetails> {
    let ticket = ticket(ask, reader)?;
    let about = format!("the feedback on ticket {}", ticket.number);
    heard(ask, ticket, about, |ticket| ticket.work.feedback.take())
}

/// Who sees a recording in the ticket hears it: an engineer that of their own (R12).
fn heard(
    ask: &Ask,
    mut ticket: Ticket,
    about: String,
    of: fn(&mut Ticket) -> Option<RecordingId>,
) -> Result<Sound, ProblemDetails> {
    let may = of(&mut ask.sight(Surface::Record).ticket(ticket.clone())).is_some();
    let recording = of(&mut ticket).ok_or_else(|| unknown(format!("a recording of {about}")))?;
    Ok(Sound { recording, about, may })
}

fn ticket(ask: &Ask, reader: &Reader) -> Result<Ticket, ProblemDetails> {
    let number = ask.ticket();
    reader.ticket(&number, ask.now)?.ok_or_else(|| unknown(format!("ticket {number}")))
}
