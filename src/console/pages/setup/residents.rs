//! Residents: who lives where, and from which numbers they call (R11). A list is looked at before it is taken.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use askama::Template;
use axum::Router;
use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};

use crate::console::gate::Visitor;
use crate::console::pages::fault::PageFault;
use crate::console::pages::form::Form;
use crate::console::pages::frame::Frame;
use crate::console::pages::list::{Asked, ROWS};
use crate::console::pages::upload::{self, Upload};
use crate::console::pages::{Paged, done, page, shown};
use crate::console::problem::{ProblemDetails, wrong};
use crate::console::shared::Shared;
use crate::desk::account::UserId;
use crate::desk::audit::Deed;
use crate::desk::privacy::Surface;
use crate::desk::report::table::Both;
use crate::desk::resident_list::{self, LineFault};
use crate::desk::residents::{ListPreview, Resident, ResidentChange, in_one_form};
use crate::desk::told::{Told, told};
use crate::store::{Editor, Reader, ResidentFilter};

const PATH: &str = "/setup/residents";
/// Bytes of a list.
const LIST_BYTES_MAX: usize = 10_000_000;
/// Changes that a preview tells one by one.
const PREVIEW_ROWS: usize = 300;
/// Lists that wait to be taken; with one more the oldest goes.
const WAITING_MAX: usize = 8;
const WAITS_FOR: Duration = Duration::from_secs(30 * 60);

pub fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/setup/residents", get(list).post(add))
        .route("/setup/residents/new", get(new))
        .route("/setup/residents/import", get(import).post(preview))
        .route("/setup/residents/import/{digest}", post(take))
        .route("/setup/residents/{id}", get(one).post(edit))
        .route("/setup/residents/{id}/remove", post(remove))
        .layer(upload::limit())
}

/// Lists that were looked at and not taken yet. A restart forgets them: they are sent again.
#[derive(Default)]
pub struct WaitingLists(Mutex<Vec<Waiting>>);

#[derive(Clone)]
struct Waiting {
    by: UserId,
    digest: String,
    residents: Arc<Vec<Resident>>,
    replace: bool,
    since: Instant,
}

impl WaitingLists {
    fn put(&self, list: Waiting) {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lists.retain(|other| other.since.elapsed() < WAITS_FOR && (other.by, &other.digest) != (list.by, &list.digest));
        if lists.len() >= WAITING_MAX {
            lists.remove(0);
        }
        lists.push(list);
    }

    fn of(&self, by: UserId, digest: &str) -> Option<Waiting> {
        let lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |list: &&Waiting| list.since.elapsed() < WAITS_FOR && list.by == by && list.digest == digest;
        lists.iter().find(waits).cloned()
    }

    /// It was taken, or is another by now.
    fn forget(&self, by: UserId, digest: &str) {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lists.retain(|list| list.by != by || list.digest != digest);
    }
}

#[derive(Template)]
#[template(path = "setup_residents.html")]
struct ResidentsPage {
    frame: Frame,
    asked: Asked,
    rows: Vec<Resident>,
    next: Option<String>,
}

async fn list(State(shared): State<Arc<Shared>>, visitor: Visitor, asked: Asked) -> Paged {
    let filter = ResidentFilter {
        building: asked.owned("building"),
        room: asked.owned("room"),
        number: asked.some("number").map(|number| in_one_form(number, &visitor.settings.numbers)),
        limit: Some(ROWS as u32 + 1),
        offset: 0,
    };
    let after = asked.some("after").and_then(|id| id.parse().ok());
    let seer = visitor.clone();
    let mut rows = shown(&shared, &visitor, move |reader| {
        let rows = reader.residents_after(&filter, after)?;
        let rows: Vec<Resident> = rows.into_iter().map(|one| seer.sight(Surface::List).resident(one)).collect();
        let about = match (rows.first(), rows.get(ROWS - 1).or(rows.last())) {
            (Some(first), Some(last)) => format!("residents {} to {}", first.id, last.id),
            _ => String::new(),
        };
        let tells = rows.iter().any(Resident::shows);
        Ok((rows, tells.then_some(about)))
    })
    .await?;
    let more = rows.len() > ROWS;
    rows.truncate(ROWS);
    let next = rows.last().filter(|_| more).map(|last| last.id.to_string());
    let frame = Frame::of(&visitor, PATH).saying(asked.some("said"));
    page(&ResidentsPage { frame, asked, rows, next })
}

#[derive(Template)]
#[template(path = "setup_resident.html")]
struct ResidentPage {
    frame: Frame,
    /// None for a new one.
    resident: Option<Resident>,
}

async fn new(visitor: Visitor) -> Paged {
    let title = Both::new("新住户", "New resident").of(visitor.tongue).to_owned();
    page(&ResidentPage { frame: Frame::new(&visitor, title), resident: None })
}

async fn one(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(id): Path<i64>) -> Paged {
    let seer = visitor.clone();
    let resident = shown(&shared, &visitor, move |reader| {
        let resident = reader.resident(id)?.ok_or_else(|| unknown(id))?;
        let resident = seer.sight(Surface::Record).resident(resident);
        let tells = resident.shows().then(|| format!("resident {id}"));
        Ok((resident, tells))
    })
    .await?;
    let title = Both::new("住户", "Resident").of(visitor.tongue);
    let frame = Frame::new(&visitor, format!("{title} {id}"));
    page(&ResidentPage { frame, resident: Some(resident) })
}

fn unknown(id: i64) -> ProblemDetails {
    ProblemDetails::new(StatusCode::NOT_FOUND, told!("没有住户 {id}", "resident {id} does not exist"))
}

fn read(visitor: &Visitor, form: &Form) -> Result<Resident, ProblemDetails> {
    let numbers: Vec<&str> = form.text("numbers").split([',', '，', ';', '；', '/', '、', '\n']).collect();
    let plan = &visitor.settings.numbers;
    let resident = Resident::new(form.text("building"), form.text("room"), form.text("name"), &numbers, plan);
    let resident = resident.map_err(|fault| wrong(fault.told()))?;
    Ok(Resident { note: form.some("note"), ..resident })
}

/// A change of residents, written down in the same transaction where it is made: `work` may say with what it was not.
async fn change<T: Send + 'static, N: Send + 'static>(
    shared: &Arc<Shared>,
    visitor: &Visitor,
    about: String,
    work: impl FnOnce(&mut Editor) -> Result<Result<T, N>, ProblemDetails> + Send + 'static,
) -> Result<Result<T, N>, ProblemDetails> {
    let entry = visitor.entry(Deed::SettingsChanged, &about);
    let edit = move |editor: &mut Editor| {
        editor.at_once(|editor| {
            let done = work(editor)?;
            if done.is_ok() {
                editor.audit(&entry)?;
            }
            Ok::<_, ProblemDetails>(done)
        })
    };
    shared.pool.edit(Arc::clone(&visitor.settings.clocks), edit).await
}

async fn add(State(shared): State<Arc<Shared>>, visitor: Visitor, form: Form) -> Paged {
    let (resident, now) = (read(&visitor, &form)?, visitor.now);
    let about = format!("residents: {} {} {} added", resident.building, resident.room, resident.name);
    let work = move |editor: &mut Editor| Ok(Ok::<_, PageFault>(editor.add_resident(now, &resident)?));
    change(&shared, &visitor, about, work).await??;
    done(PATH, "saved")
}

async fn edit(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(id): Path<i64>, form: Form) -> Paged {
    let (resident, now, seen) = (read(&visitor, &form)?, visitor.now, form.text("seen").to_owned());
    let work = move |editor: &mut Editor| match as_seen(editor, id, &seen)? {
        Ok(()) => Ok(Ok(editor.change_resident(now, id, &resident)?)),
        Err(fault) => Ok(Err(fault)),
    };
    change(&shared, &visitor, format!("residents: {id} changed"), work).await??;
    done(PATH, "saved")
}

/// Whether a resident is as somebody saw them; else how they are now.
fn as_seen(editor: &mut Editor, id: i64, seen: &str) -> Result<Result<(), PageFault>, ProblemDetails> {
    let current = editor.resident(id)?.ok_or_else(|| unknown(id))?;
    if seen_as(&current) == seen {
        return Ok(Ok(()));
    }
    let Resident { building, room, name, .. } = &current;
    let (note, numbers) = (current.note.as_deref().unwrap_or_default(), current.numbers.join(", "));
    let now = format!("{building} {room} {name}\n{numbers}\n{note}");
    let what = told!(
        "没有保存。您的输入还在，核对后可再次提交；现在的内容是：\n{now}",
        "Nothing was saved. What you typed is still there, to be looked at and sent again; this is how it is now:\n{now}"
    );
    Ok(Err(PageFault::changed(seen_as(&current), what)))
}

/// What a resident was when a form was given.
fn seen_as(resident: &Resident) -> String {
    crate::setup::Fingerprint::of(&format!("{resident:?}")).as_str().to_owned()
}

impl ResidentPage {
    fn seen(&self) -> String {
        self.resident.as_ref().map(seen_as).unwrap_or_default()
    }
}

async fn remove(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(id): Path<i64>, form: Form) -> Paged {
    let seen = form.text("seen").to_owned();
    let work = move |editor: &mut Editor| match as_seen(editor, id, &seen)? {
        Ok(()) => Ok(Ok(editor.remove_resident(id)?)),
        Err(fault) => Ok(Err(fault)),
    };
    change(&shared, &visitor, format!("residents: {id} removed"), work).await??;
    done(PATH, "removed")
}

#[derive(Template)]
#[template(path = "setup_import.html")]
struct ImportPage {
    frame: Frame,
    faults: Vec<LineFault>,
    more_faults: usize,
    preview: Option<ListPreview>,
    notes: Vec<Told>,
    replace: bool,
    /// Somebody changed residents since it was looked at.
    changed: bool,
}

impl ImportPage {
    fn new(visitor: &Visitor) -> Self {
        let title = Both::new("导入住户", "Import residents").of(visitor.tongue).to_owned();
        let frame = Frame::new(visitor, title);
        Self { frame, faults: vec![], more_faults: 0, preview: None, notes: vec![], replace: false, changed: false }
    }

    fn told<'a>(&self, what: &'a Told) -> &'a str {
        what.of(self.frame.tongue)
    }

    /// How many change and are not told one by one.
    fn untold(&self, preview: &ListPreview) -> usize {
        let change = preview.change;
        (change.added + change.changed + change.removed).saturating_sub(preview.rows.len())
    }
}

async fn import(visitor: Visitor) -> Paged {
    page(&ImportPage::new(&visitor))
}

async fn preview(State(shared): State<Arc<Shared>>, visitor: Visitor, form: Multipart) -> Paged {
    let mut upload = Upload::read(&visitor, form, LIST_BYTES_MAX).await?;
    let (bytes, replace) = (upload.chosen(&visitor)?, upload.ticked("replace"));
    let plan = visitor.settings.numbers.clone();
    let read = tokio::task::spawn_blocking(move || resident_list::read(&bytes, &plan)).await;
    let broken = |_| {
        ProblemDetails::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            Told::new("名单没有读成，原因见服务日志", "the list could not be read; the daemon's log says why"),
        )
    };
    match read.map_err(broken)? {
        Err(faults) => {
            let told =
                ImportPage { faults: faults.told, more_faults: faults.more, replace, ..ImportPage::new(&visitor) };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&told)?).into_response())
        }
        Ok(list) => {
            let residents = Arc::new(list.residents);
            let preview = looked_at(&shared, &visitor, &residents, replace).await?;
            page(&ImportPage { preview: Some(preview), notes: list.notes, replace, ..ImportPage::new(&visitor) })
        }
    }
}

/// What a list would do; it waits to be taken.
async fn looked_at(
    shared: &Arc<Shared>,
    visitor: &Visitor,
    residents: &Arc<Vec<Resident>>,
    replace: bool,
) -> Result<ListPreview, ProblemDetails> {
    let list = Arc::clone(residents);
    let look = move |reader: &Reader| Ok(reader.preview_residents(&list, replace, PREVIEW_ROWS)?);
    let mut preview = shared.pool.read(look).await?;
    let sight = visitor.sight(Surface::List);
    for row in &mut preview.rows {
        *row = match row.clone() {
            ResidentChange::Added(one) => ResidentChange::Added(one),
            ResidentChange::Changed { before, after } => {
                ResidentChange::Changed { before: sight.resident(before), after }
            }
            ResidentChange::Removed(one) => ResidentChange::Removed(sight.resident(one)),
        };
    }
    shared.waiting_lists.put(Waiting {
        by: visitor.user.id,
        digest: preview.digest.clone(),
        residents: Arc::clone(residents),
        replace,
        since: Instant::now(),
    });
    Ok(preview)
}

async fn take(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(digest): Path<String>) -> Paged {
    let Some(waiting) = shared.waiting_lists.of(visitor.user.id, &digest) else {
        let what = Both::new(
            "这份名单已经不在了（超过半小时，或服务重新启动过）：请重新上传",
            "the list is no longer here (after half an hour, or a restart): send it again",
        );
        return Err(ProblemDetails::new(StatusCode::CONFLICT, what).into());
    };
    let (list, replace, now) = (Arc::clone(&waiting.residents), waiting.replace, visitor.now);
    let about = format!("residents: a list of {}{}", list.len(), if replace { ", in place of all" } else { "" });
    let seen = digest.clone();
    let work = move |editor: &mut Editor| Ok(editor.put_residents_as_seen(now, &list, replace, &seen)?.ok_or(()));
    let taken = change(&shared, &visitor, about, work).await?;
    shared.waiting_lists.forget(visitor.user.id, &digest);
    if taken.is_ok() {
        return done(PATH, "saved");
    }
    let preview = looked_at(&shared, &visitor, &waiting.residents, replace).await?;
    let again = ImportPage { preview: Some(preview), replace, changed: true, ..ImportPage::new(&visitor) };
    Ok((StatusCode::PRECONDITION_FAILED, page(&again)?).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(by: i64, digest: &str) -> Waiting {
        let (by, digest) = (UserId(by), digest.to_owned());
        Waiting { by, digest, residents: Arc::default(), replace: false, since: Instant::now() }
    }

    #[test]
    fn lists_wait_for_who_looked_at_them_in_bounded_room() {
        let lists = WaitingLists::default();
        lists.put(waiting(1, "a"));
        assert!(lists.of(UserId(1), "a").is_some());
        assert!(lists.of(UserId(2), "a").is_none() && lists.of(UserId(1), "b").is_none());
        for n in 0..WAITING_MAX {
            lists.put(waiting(2, &n.to_string()));
            lists.put(waiting(2, &n.to_string()));
        }
        assert_eq!(lists.0.lock().expect("nobody panicked").len(), WAITING_MAX);
        assert!(lists.of(UserId(1), "a").is_none() && lists.of(UserId(2), "0").is_some());
        lists.forget(UserId(2), "0");
        assert!(lists.of(UserId(2), "0").is_none());
        // One that nobody took in time is no more, also where no other came.
        if let Some(since) = Instant::now().checked_sub(WAITS_FOR) {
            lists.put(Waiting { since, ..waiting(3, "late") });
            assert!(lists.of(UserId(3), "late").is_none());
        }
    }
}
