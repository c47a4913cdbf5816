//! The desk's own day: the handover of shifts with its signatures (R40), the journal (R41), the roster (R43), and who is in.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};

use super::account::change;
use super::form::Form;
use super::frame::Frame;
use super::list::{Asked, Listed, ROWS, local_time};
use super::{Paged, done, page, shown, words};
use crate::console::gate::Visitor;
use crate::console::problem::{ProblemDetails, wrong};
use crate::console::shared::Shared;
use crate::desk::handover::Mark;
use crate::desk::handover_view::{DutyView, PageView, field};
use crate::desk::journal::{JournalEntry, JournalKind, KeptEntry};
use crate::desk::notes::Notes;
use crate::desk::on_duty::Staff;
use crate::desk::people::Duty;
use crate::desk::presence::{Notice, Presence, Presences, Whereabouts};
use crate::desk::privacy::Surface;
use crate::desk::report::table::{Both, Tongue};
use crate::desk::roster::{StretchView, stretches};
use crate::desk::told::told;
use crate::store::JournalFilter;

const PATH: &str = "/desk";
/// Entries of each list of a handover's page.
const HANDOVER_ROWS: u32 = 50;
/// Days that the roster shows.
const ROSTER_DAYS: u64 = 7;

pub fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route(PATH, get(handover))
        .route("/desk/sign-off", post(sign_off))
        .route("/desk/sign-on", post(sign_on))
        .route("/desk/journal", get(journal).post(write))
        .route("/desk/journal/{id}/correct", post(correct))
        .route("/desk/roster", get(roster))
        .route("/desk/people", get(people))
        .route("/desk/people/{extension}", post(presence))
}

fn staff<'a>(visitor: &'a Visitor, presences: &'a Presences) -> Staff<'a> {
    let settings = &visitor.settings;
    Staff { people: &settings.people, hours: &settings.hours, presences, time_zone: settings.time_zone }
}

#[derive(Template)]
#[template(path = "handover.html")]
struct HandoverPage<'a> {
    frame: Frame,
    view: PageView,
    notes: Notes<'a>,
}

impl HandoverPage<'_> {
    fn duty(&self, duty: &Duty) -> &'static str {
        words::duty(*duty).of(self.frame.tongue)
    }

    fn field(&self, value: &serde_json::Value, key: &str) -> String {
        field(value, key)
    }

    fn person(&self, who: &str) -> String {
        self.notes.person(who)
    }

    fn for_whom(&self, message: &serde_json::Value) -> String {
        self.person(&field(message, "for_person"))
    }

    fn note(&self, value: &serde_json::Value) -> String {
        self.notes.said(&field(value, "note"))
    }

    /// What an entry of the journal is about, and what it says.
    fn about(&self, entry: &serde_json::Value) -> String {
        self.notes.about(&field(entry, "about"))
    }

    fn said(&self, entry: &serde_json::Value) -> String {
        let text = field(entry, "text");
        field(entry, "kind").parse().map_or_else(|_| text.clone(), |kind| self.notes.journal(kind, &text))
    }

    /// What a list leaves out.
    fn more(&self, total: &u64, shown: usize) -> String {
        let more = total.saturating_sub(shown as u64);
        match (more, self.frame.tongue) {
            (0, _) => String::new(),
            (more, Tongue::Zh) => format!("还有 {more} 条"),
            (more, Tongue::En) => format!("and {more} more"),
        }
    }

    /// A time of a record: `11-23 21:14`.
    fn moment(&self, value: &serde_json::Value, key: &str) -> String {
        self.field(value, key).get(5..16).map(|at| at.replace('T', " ")).unwrap_or_default()
    }

    fn stage(&self, line: &crate::desk::handover_view::TicketLine) -> String {
        let kind = line.kind.parse().unwrap_or(crate::desk::ticket::Kind::Inquiry);
        words::stage(kind, &line.stage, self.frame.tongue)
    }

    fn kind(&self, line: &crate::desk::handover_view::TicketLine) -> String {
        line.kind.parse().map_or_else(|_| line.kind.clone(), |kind| words::kind(kind, self.frame.tongue).to_owned())
    }

    fn clock(&self, name: &str) -> String {
        words::clock(name, self.frame.tongue)
    }

    fn alarm(&self, value: &serde_json::Value) -> String {
        let word = self.field(value, "kind");
        word.parse().map_or(word, |kind| words::alarm(kind).of(self.frame.tongue).to_owned())
    }

    fn journal_kind(&self, value: &serde_json::Value) -> String {
        let word = self.field(value, "kind");
        word.parse().map_or(word, |kind| words::journal(kind).of(self.frame.tongue).to_owned())
    }
}

async fn handover(State(shared): State<Arc<Shared>>, visitor: Visitor, asked: Asked) -> Paged {
    let by = visitor.clone();
    let view = shown(&shared, &visitor, move |reader| {
        let presences = Presences::new(reader.presences()?);
        let duty = DutyView::all(staff(&by, &presences), by.now);
        let handover = reader.handover_page(by.now, HANDOVER_ROWS)?;
        let about = (by.settings.desk_name(Some(by.tongue)), by.settings.time_zone);
        let view = PageView::new(handover, about, duty, by.sight(Surface::Record));
        let shows = view.shows.then(|| "handover page".to_owned());
        Ok((view, shows))
    })
    .await?;
    let frame = Frame::of(&visitor, PATH).saying(asked.some("said"));
    page(&HandoverPage { frame, view, notes: words::notes(&visitor) })
}

async fn sign_off(State(shared): State<Arc<Shared>>, visitor: Visitor, form: Form) -> Paged {
    let (name, note) = (visitor.user.full_name.clone(), form.text("note").to_owned());
    change(&shared, &visitor, move |editor, by| editor.sign_off(&name, by.at, &note).map(drop)).await?;
    done(PATH, "signed")
}

async fn sign_on(State(shared): State<Arc<Shared>>, visitor: Visitor, form: Form) -> Paged {
    let read: Mark =
        form.text("read").parse().map_err(|fault| wrong(told!("页面已过期：请刷新后再接班", "{fault}")))?;
    let (name, why) = (visitor.user.full_name.clone(), form.some("without_sign_off"));
    change(&shared, &visitor, move |editor, by| editor.sign_on(&name, by.at, read, why.as_deref()).map(drop)).await?;
    done(PATH, "signed")
}

/// What people write.
const BY_HAND: [JournalKind; 4] =
    [JournalKind::Note, JournalKind::Incident, JournalKind::Equipment, JournalKind::Visitor];

#[derive(Template)]
#[template(path = "journal.html")]
struct JournalPage<'a> {
    frame: Frame,
    asked: Asked,
    listed: Listed<KeptEntry>,
    notes: Notes<'a>,
}

impl JournalPage<'_> {
    fn about(&self, kept: &KeptEntry) -> String {
        self.notes.about(&kept.entry.about)
    }

    fn said(&self, kept: &KeptEntry) -> String {
        self.notes.journal(kept.entry.kind, &kept.entry.text)
    }

    fn kind(&self, kind: &JournalKind) -> &'static str {
        words::journal(*kind).of(self.frame.tongue)
    }

    fn by_hand(&self) -> Vec<(JournalKind, &'static str)> {
        BY_HAND.iter().map(|kind| (*kind, self.kind(kind))).collect()
    }
}

async fn journal(State(shared): State<Arc<Shared>>, visitor: Visitor, asked: Asked) -> Paged {
    let tz = visitor.settings.time_zone;
    let filter = JournalFilter {
        since: asked.time("since", tz),
        until: asked.time("until", tz),
        limit: Some(ROWS as u32 + 1),
        ..JournalFilter::default()
    };
    let (by, place) = (visitor.clone(), asked.place());
    let entries = shown(&shared, &visitor, move |reader| {
        let found = reader.journal_beyond(&filter, place)?;
        let seen: Vec<KeptEntry> = found.into_iter().map(|kept| by.sight(Surface::Record).entry(kept)).collect();
        let shows = seen.iter().any(KeptEntry::shows);
        Ok((seen, shows.then(|| "journal".to_owned())))
    })
    .await?;
    let listed = Listed::new(entries, |kept| (kept.entry.at, kept.id.to_string()));
    let title = Both::new("值班记录", "Journal").of(visitor.tongue).to_owned();
    let frame = Frame::new(&visitor, title).saying(asked.some("said"));
    page(&JournalPage { frame, asked, listed, notes: words::notes(&visitor) })
}

async fn write(State(shared): State<Arc<Shared>>, visitor: Visitor, form: Form) -> Paged {
    let kind: JournalKind = form.word("kind")?;
    if !BY_HAND.contains(&kind) {
        return Err(
            wrong(told!("请从列出的种类中选择", "people write notes, incidents, equipment and visitors")).into()
        );
    }
    let entry =
        JournalEntry::by_hand(visitor.now, kind, (form.text("about"), form.text("text")), &visitor.user.full_name);
    let entry = entry.map_err(wrong)?;
    change(&shared, &visitor, move |editor, _| editor.add_to_journal(&entry).map(drop)).await?;
    done("/desk/journal", "written")
}

async fn correct(State(shared): State<Arc<Shared>>, visitor: Visitor, Path(id): Path<i64>, form: Form) -> Paged {
    let entry = JournalEntry::correction(visitor.now, id, form.text("text"), &visitor.user.full_name).map_err(wrong)?;
    change(&shared, &visitor, move |editor, _| editor.add_to_journal(&entry).map(drop)).await?;
    done("/desk/journal", "written")
}

#[derive(Template)]
#[template(path = "roster.html")]
struct RosterPage {
    frame: Frame,
    duties: Vec<(&'static str, Vec<StretchView>)>,
}

async fn roster(State(shared): State<Arc<Shared>>, visitor: Visitor) -> Paged {
    let by = visitor.clone();
    let duties = shared
        .pool
        .read(move |reader| {
            let presences = Presences::new(reader.presences()?);
            let staff = staff(&by, &presences);
            let of = |duty: &Duty| {
                let found = stretches(staff, *duty, by.now, ROSTER_DAYS);
                let views = found.iter().map(|stretch| StretchView::new(stretch, by.settings.time_zone)).collect();
                (words::duty(*duty).of(by.tongue), views)
            };
            Ok(Duty::ALL.iter().map(of).collect::<Vec<(_, Vec<StretchView>)>>())
        })
        .await?;
    let title = Both::new("值班表", "Roster").of(visitor.tongue).to_owned();
    page(&RosterPage { frame: Frame::new(&visitor, title), duties })
}

struct InOrOut {
    extension: String,
    name: String,
    department: String,
    presence: Presence,
}

#[derive(Template)]
#[template(path = "presence.html")]
struct PeoplePage {
    frame: Frame,
    people: Vec<InOrOut>,
}

impl PeoplePage {
    fn state(&self, state: &Whereabouts) -> &'static str {
        words::whereabouts(*state).of(self.frame.tongue)
    }

    fn states(&self) -> Vec<(Whereabouts, &'static str)> {
        Whereabouts::ALL.iter().map(|state| (*state, self.state(state))).collect()
    }
}

async fn people(State(shared): State<Arc<Shared>>, visitor: Visitor, asked: Asked) -> Paged {
    let presences = Presences::new(shared.pool.read(|reader| Ok(reader.presences()?)).await?);
    let tz = visitor.settings.time_zone;
    let row = |person: &crate::desk::people::Person| InOrOut {
        extension: person.extension.clone(),
        name: person.name.clone(),
        department: person.department.clone().unwrap_or_default(),
        presence: presences.of(person, tz, visitor.now),
    };
    let people = visitor.settings.people.people().iter().map(row).collect();
    let title = Both::new("人员去向", "Who is in").of(visitor.tongue).to_owned();
    page(&PeoplePage { frame: Frame::new(&visitor, title).saying(asked.some("said")), people })
}

async fn presence(
    State(shared): State<Arc<Shared>>,
    visitor: Visitor,
    Path(extension): Path<String>,
    form: Form,
) -> Paged {
    if visitor.settings.people.person(&extension).is_none() {
        return Err(ProblemDetails::new(
            StatusCode::NOT_FOUND,
            told!("没有分机 {extension}", "extension {extension} does not exist"),
        )
        .into());
    }
    if form.text("state") == "file" {
        change(&shared, &visitor, move |editor, _| editor.clear_presence(&extension).map(drop)).await?;
        return done("/desk/people", "saved");
    }
    let state: Whereabouts = form.word("state")?;
    let until: Option<DateTime<Utc>> =
        form.some("until").and_then(|text| local_time(&text, visitor.settings.time_zone));
    if until.is_some_and(|until| until <= visitor.now) {
        return Err(wrong(told!("截止时间要在以后", "until is to lie ahead")).into());
    }
    let notice = Notice { extension, state, until, set_at: visitor.now, set_by: visitor.who().to_owned() };
    change(&shared, &visitor, move |editor, _| editor.set_presence(&notice)).await?;
    done("/desk/people", "saved")
}
