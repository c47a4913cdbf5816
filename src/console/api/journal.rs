//! The journal (R41): read, written and corrected.

use serde::Deserialize;
use utoipa::ToSchema;

use super::ROOT;
use super::ask::{Ask, unknown};
use super::endpoint::{Endpoint, Method, shape};
use super::page::{self, CURSOR_PARAM, LIMIT_PARAM, SINCE, UNTIL};
use super::reply::{Leaving, Reply};
use crate::console::problem::{ProblemDetails, wrong};
use crate::desk::journal::{JournalEntry, JournalKind, KeptEntry};
use crate::desk::token::Scope;
use crate::desk::view::JournalView;
use crate::store::{Editor, JournalFilter, Reader};

pub const ENDPOINTS: &[Endpoint] = &[
    Endpoint::read("/journal", Scope::AlarmsRead, "The journal, the newest entry first", list)
        .query(&[SINCE, UNTIL, LIMIT_PARAM, CURSOR_PARAM])
        .page(shape::<JournalView<'static>>),
    Endpoint::change(Method::Post, "/journal", Scope::AlarmsWrite, "Writes an entry", add)
        .takes(shape::<NewEntry>)
        .one(shape::<JournalView<'static>>)
        .created(),
    Endpoint::read("/journal/{id}", Scope::AlarmsRead, "One entry", one).one(shape::<JournalView<'static>>),
    Endpoint::change(
        Method::Post,
        "/journal/{id}/corrections",
        Scope::AlarmsWrite,
        "Writes what is to be read in the place of an entry; that one stays as it is",
        correct,
    )
    .takes(shape::<Correction>)
    .one(shape::<JournalView<'static>>)
    .created(),
];

/// What people write.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ByHand {
    #[default]
    Note,
    Incident,
    Equipment,
    Visitor,
}

impl From<ByHand> for JournalKind {
    fn from(kind: ByHand) -> Self {
        match kind {
            ByHand::Note => JournalKind::Note,
            ByHand::Incident => JournalKind::Incident,
            ByHand::Equipment => JournalKind::Equipment,
            ByHand::Visitor => JournalKind::Visitor,
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewEntry {
    /// What happened, and what was done.
    text: String,
    #[serde(default)]
    kind: ByHand,
    /// What it concerns: a ticket's number, a place, a piece of equipment.
    #[serde(default)]
    about: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Correction {
    text: String,
}

fn list(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let filter = JournalFilter {
        since: ask.query.time("since"),
        until: ask.query.time("until"),
        limit: page::to_read(ask),
        ..JournalFilter::default()
    };
    let entries = reader.journal_beyond(&filter, page::place(ask)?)?;
    let key = |kept: &KeptEntry| page::cursor_of(kept.entry.at, kept.id);
    Ok(page::page(ask, entries, key, |kept| Leaving::Entry(Box::new(kept))))
}

fn one(ask: &Ask, reader: &Reader) -> Result<Reply, ProblemDetails> {
    let id = ask.id()?;
    let kept = reader.journal_entry(id)?.ok_or_else(|| unknown(format!("journal entry {id}")))?;
    Ok(Reply::one(Leaving::Entry(Box::new(kept))))
}

fn add(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let NewEntry { text, kind, about } = ask.body()?;
    let entry = JournalEntry::by_hand(ask.now, kind.into(), (&about, &text), ask.who()).map_err(wrong)?;
    write(editor, &entry)
}

fn correct(ask: &Ask, editor: &mut Editor) -> Result<Reply, ProblemDetails> {
    let Correction { text } = ask.body()?;
    let entry = JournalEntry::correction(ask.now, ask.id()?, &text, ask.who()).map_err(wrong)?;
    write(editor, &entry)
}

fn write(editor: &mut Editor, entry: &JournalEntry) -> Result<Reply, ProblemDetails> {
    let id = editor.add_to_journal(entry)?;
    let kept = editor.journal_entry(id)?.ok_or_else(|| unknown(format!("journal entry {id}")))?;
    Ok(Reply::one(Leaving::Entry(Box::new(kept))).created(format!("{ROOT}/journal/{id}")))
}
