//! The journal (R41).

use super::ask::Ask;
use super::endpoint::{Endpoint, shape};
use super::page::{self, CURSOR_PARAM, LIMIT_PARAM, SINCE, UNTIL};
use super::reply::{Leaving, Reply};
use crate::console::problem::ProblemDetails;
use crate::desk::journal::KeptEntry;
use crate::desk::token::Scope;
use crate::desk::view::JournalView;
use crate::store::{JournalFilter, Reader};

pub const ENDPOINTS: &[Endpoint] =
    &[Endpoint::read("/journal", Scope::AlarmsRead, "The journal, the newest entry first", list)
        .query(&[SINCE, UNTIL, LIMIT_PARAM, CURSOR_PARAM])
        .page(shape::<JournalView<'static>>)];

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
