//! The handover of shifts (交接班, R40), and who is on duty when (R43).

use serde::Deserialize;
use utoipa::ToSchema;

use super::ROOT;
use super::ask::{Ask, unknown};
use super::endpoint::{Endpoint, HTML, Method, shape};
use super::page::{self, ID_CURSOR, LIMIT_PARAM};
use super::query::{Param, ParamKind};
use super::reply::{Leaving, Reply};
use crate::console::problem::{ProblemDetails, wrong};
use crate::desk::handover::{Handover, Mark};
use crate::desk::handover_view::{DutyView, HandoverView, PageView};
use crate::desk::notes::Notes;
use crate::desk::on_duty::Staff;
use crate::desk::people::Duty;
use crate::desk::presence::Presences;
use crate::desk::privacy::Surface;
use crate::desk::report::table::Tongue;
use crate::desk::roster::{StretchView, stretches};
use crate::desk::token::Scope;
use crate::store::{Editor, Reader};

/// Entries of each list of the page: as JSON, and as a page to print.
const ROWS: u32 = 100;
const ROWS_PRINTED: u32 = 15;
/// Days of the roster, unless `days` says otherwise.
const DAYS: u64 = 7;

pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint::read("/handover", Scope::ShiftsRead, "What whoever takes the shift over must know", page)
        .query(&[
            Param::new(
                "rows",
                "Entries of each list: 100, or 15 as HTML, unless said otherwise",
                ParamKind::Count(1_000),
            ),
            Param::new("format", "json, or html: a page to be printed and signed by hand", ParamKind::Word(formats)),
            Param::new(
                "lang",
                "The language of the page to be printed: zh unless said otherwise",
                ParamKind::Word(tongues),
            ),
        ])
        .one(shape::<PageView>)
        .also(&[HTML]),
    Endpoint::change(Method::Post, "/handover/sign-off", Scope::ShiftsWrite, "Whoever has the shift goes", sign_off)
        .takes(shape::<SignOff>)
        .one(shape::<HandoverView<'static>>)
        .created(),
    Endpoint::change(
        Method::Post,
        "/handover/sign-on",
        Scope::ShiftsWrite,
        "Somebody takes the shift over, having read the page",
        sign_on,
    )
    .takes(shape::<SignOn>)
    .one(shape::<HandoverView<'static>>),
    Endpoint::read("/handovers", Scope::ShiftsRead, "Handovers of the past, the newest first", list)
        .query(&[LIMIT_PARAM, ID_CURSOR])
        .page(shape::<HandoverView<'static>>),
    Endpoint::read("/handovers/{id}", Scope::ShiftsRead, "One of them", one).one(shape::<HandoverView<'static>>),
    Endpoint::read("/roster", Scope::ShiftsRead, "Who is on duty from when to when, and where nobody is (R43)", roster)
        .query(&[
            Param::new("at", "From this moment on, not from now", ParamKind::Time),
            Param::new("days", "So many days: 7 unless said otherwise", ParamKind::Count(366)),
            Param::new("group", "Only this group", ParamKind::Word(groups)),
        ])
        .page(shape::<StretchView>),
];

fn tongues() -> Vec<&'static str> {
    Tongue::ALL.iter().map(|word| word.as_str()).collect()
}

fn formats() -> Vec<&'static str> {
    vec!["json", "html"]
}

fn groups() -> Vec<&'static str> {
    Duty::ALL.iter().map(|word| word.as_str()).collect()
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignOff {
    /// Who goes.
    name: String,
    /// What whoever comes should know.
    #[serde(default)]
    note: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignOn {
    /// Who comes.
    name: String,
    /// `read` of the page, such as `H12-57-1203-9001`: they have read it.
    read: String,
    /// Why nobody signed off; it is written in the journal.
    without_sign_off: Option<String>,
}

fn page(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let html = ask.query.text("format") == Some("html");
    let rows: u32 = ask.query.word("rows").unwrap_or(if html { ROWS_PRINTED } else { ROWS });
    let presences = Presences::new(reader.presences()?);
    let duty = DutyView::all(staff(ask, &presences), ask.now);
    let page = reader.handover_page(ask.now, rows)?;
    let tongue = ask.query.word("lang").unwrap_or(Tongue::Zh);
    let about = (ask.settings.desk_name(html.then_some(tongue)), ask.time_zone());
    let view = PageView::new(page, about, duty, ask.sight(Surface::Record));
    let shown = view.shows.then(|| "handover page".to_owned());
    if html {
        let notes = Notes { people: ask.settings.people.as_ref(), time_zone: ask.time_zone(), tongue };
        return Ok(Reply::text(HTML, view.html(rows as usize, &notes)).shows(shown));
    }
    Ok(Reply::value(&view)?.shows(shown))
}

fn sign_off(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let SignOff { name, note } = ask.body()?;
    let id = editor.sign_off(&name, ask.now, &note)?;
    Ok(newest(editor)?.created(format!("{ROOT}/handovers/{id}")))
}

fn sign_on(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let SignOn { name, read, without_sign_off } = ask.body()?;
    let read: Mark = read.parse().map_err(|fault| wrong(format!("read: {fault}")))?;
    editor.sign_on(&name, ask.now, read, without_sign_off.as_deref())?;
    newest(editor)
}

fn newest(editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let handover = editor.newest_handover()?.ok_or_else(|| unknown("a handover"))?;
    Ok(Reply::one(Leaving::Handover(Box::new(handover))))
}

fn list(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let handovers = reader.handovers_before(page::rows_to_read(ask), page::last_id(ask)?)?;
    let key = |handover: &Handover| handover.id.to_string();
    Ok(page::page(ask, handovers, key, |handover| Leaving::Handover(Box::new(handover))))
}

fn one(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let id = ask.id()?;
    let handover = reader.handover(id)?.ok_or_else(|| unknown(format!("handover {id}")))?;
    Ok(Reply::one(Leaving::Handover(Box::new(handover))))
}

fn roster(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let presences = Presences::new(reader.presences()?);
    let staff = staff(ask, &presences);
    let from = ask.query.time("at").unwrap_or(ask.now);
    let days: u64 = ask.query.word("days").unwrap_or(DAYS);
    let group: Option<Duty> = ask.query.word("group");
    let groups = Duty::ALL.iter().filter(|duty| group.is_none_or(|group| group == **duty));
    let stretches = groups.flat_map(|duty| stretches(staff, *duty, from, days));
    let views = stretches.map(|stretch| Leaving::Stretch(Box::new(StretchView::new(&stretch, ask.time_zone()))));
    Ok(Reply::page(views.collect(), None))
}

fn staff<'a>(ask: &'a Ask, presences: &'a Presences) -> Staff<'a> {
    let settings = &ask.settings;
    Staff { people: &settings.people, hours: &settings.hours, presences, time_zone: settings.time_zone }
}
