//! Who lives where, and from which numbers they call (R11).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ROOT;
use super::ask::{Ask, unknown};
use super::body::IMPORT_MAX;
use super::endpoint::{Endpoint, Method, shape};
use super::page::{self, ID_CURSOR, LIMIT_PARAM};
use super::query::{Param, ParamKind};
use super::reply::{Leaving, Reply};
use crate::console::problem::{ProblemDetails, wrong};
use crate::desk::resident_list;
use crate::desk::residents::{ListChange, Resident, in_one_form};
use crate::desk::token::Scope;
use crate::store::{Editor, Reader, ResidentFilter};

pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint::read("/residents", Scope::ResidentsRead, "Residents, in the order in which they were listed first", list)
        .query(&[
            Param::new("building", "Only those of this building", ParamKind::Text),
            Param::new("room", "Only those of this room", ParamKind::Text),
            Param::new("number", "Who calls from exactly this number, as the line sees it", ParamKind::Text),
            LIMIT_PARAM,
            ID_CURSOR,
        ])
        .page(shape::<Resident>),
    Endpoint::change(Method::Post, "/residents", Scope::ResidentsWrite, "Adds a resident", add)
        .takes(shape::<NewResident>)
        .one(shape::<Resident>)
        .created(),
    Endpoint::change(
        Method::Post,
        "/residents/import",
        Scope::ResidentsWrite,
        "Reads a list with a header line: building, room, name, phone (楼号, 房号, 姓名, 电话); all of it, or nothing",
        import,
    )
    .query(&[
        Param::new("dry_run", "true: only say what would change", ParamKind::Flag),
        Param::new("replace", "true: those whom the list does not mention are taken out", ParamKind::Flag),
    ])
    .takes_csv(IMPORT_MAX)
    .one(shape::<Imported>),
    Endpoint::read("/residents/{id}", Scope::ResidentsRead, "One resident", one).one(shape::<Resident>),
    Endpoint::change(Method::Put, "/residents/{id}", Scope::ResidentsWrite, "Writes all of a resident anew", change)
        .takes(shape::<NewResident>)
        .one(shape::<Resident>),
    Endpoint::change(
        Method::Delete,
        "/residents/{id}",
        Scope::ResidentsWrite,
        "Takes a resident out of the list, with their numbers",
        remove,
    ),
];

/// A resident as they are written.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewResident {
    building: String,
    room: String,
    name: String,
    /// At most eight; kept as `[numbers]` writes them.
    #[serde(default)]
    numbers: Vec<String>,
    note: Option<String>,
}

impl NewResident {
    fn read(ask: &Ask) -> Result<Resident, ProblemDetails> {
        let NewResident { building, room, name, numbers, note } = ask.body()?;
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        let resident = Resident::new(&building, &room, &name, &numbers, &ask.settings.numbers)
            .map_err(|fault| wrong(fault.told()))?;
        Ok(Resident { note, ..resident })
    }
}

/// What a list came to.
#[derive(Serialize, ToSchema)]
struct Imported {
    #[serde(flatten)]
    change: ListChange,
    dry_run: bool,
    /// What of it was not used, and which numbers are several residents'.
    notes: Vec<String>,
}

fn list(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let filter = ResidentFilter {
        building: ask.query.owned("building"),
        room: ask.query.owned("room"),
        number: ask.query.text("number").map(|number| in_one_form(number, &ask.settings.numbers)),
        limit: page::to_read(ask),
        offset: 0,
    };
    let residents = reader.residents_after(&filter, page::last_id(ask)?)?;
    Ok(page::page(ask, residents, |resident| resident.id.to_string(), Leaving::Resident))
}

fn one(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let id = ask.id()?;
    let resident = reader.resident(id)?.ok_or_else(|| no_resident(id))?;
    Ok(Reply::one(Leaving::Resident(resident)))
}

fn add(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let id = editor.add_resident(ask.now, &NewResident::read(ask)?)?;
    Ok(now(editor, id)?.created(format!("{ROOT}/residents/{id}")))
}

fn change(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let id = ask.id()?;
    editor.change_resident(ask.now, id, &NewResident::read(ask)?)?;
    now(editor, id)
}

fn remove(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    editor.remove_resident(ask.id()?)?;
    Ok(Reply::nothing())
}

fn import(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let list = resident_list::read(&ask.body, &ask.settings.numbers).map_err(|faults| {
        let more = if faults.more > 0 { format!(", and {} more", faults.more) } else { String::new() };
        let what = format!("nothing was changed: {} faults{more}, each with its line", faults.told.len());
        wrong(what).with_faults(faults.told)
    })?;
    let flag = |name| ask.query.flag(name) == Some(true);
    let change = editor.put_residents(ask.now, &list.residents, flag("replace"), flag("dry_run"))?;
    Reply::value(&Imported {
        change,
        dry_run: flag("dry_run"),
        notes: list.notes.iter().map(ToString::to_string).collect(),
    })
}

fn now(editor: &mut Editor, id: i64) -> Result<Reply, ProblemDetails> {
    let resident = editor.resident(id)?.ok_or_else(|| no_resident(id))?;
    Ok(Reply::one(Leaving::Resident(resident)))
}

fn no_resident(id: i64) -> ProblemDetails {
    unknown(format!("resident {id}"))
}
