//! `ticket`: begins a ticket as soon as kind and category are known, so that a hang-up leaves it (R24, R25).
//!
//! It does not wait for the store: what the caller adds meanwhile is kept until the number is there.

use std::sync::Arc;

use serde::Deserialize;

use super::{Link, Step, Walk};
use crate::desk::ticket::{Class, Kind, TicketChange, Urgency};
use crate::flow::definition::Word;
use crate::flow::line::{Exit, Line};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    kind: Kind,
    class: Class,
    urgency: Option<Urgency>,
    /// The menu key's category, unless it is written here.
    category: Option<String>,
    /// Go on with a ticket that is being written, of whatever kind.
    #[serde(default)]
    join: bool,
    next: Word,
}

impl Step for Ticket {
    fn links(&self) -> Vec<Link<'_>> {
        vec![Link::itself("next", &self.next)]
    }

    fn leads_the_gone(&self) -> Option<&Word> {
        Some(&self.next)
    }

    fn words(&self) -> Vec<&Word> {
        Vec::new()
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move {
            self.begin(&line);
            Ok(Exit::to(&self.next))
        })
    }
}

impl Ticket {
    /// A ticket of the same kind that is being written is changed: the caller went back to choose again.
    fn begin(&self, line: &Line) {
        let state = &mut *line.state();
        let category = self.category.clone().or(state.facts.category.take());
        let open = state.papers.tickets.open().map(|t| t.draft.kind);
        let change = match open {
            Some(kind) if kind == self.kind => {
                state.facts.reported = category.clone().or(state.facts.reported.take());
                TicketChange { class: Some(self.class), urgency: self.urgency, category, ..TicketChange::default() }
            }
            Some(_) if self.join => {
                TicketChange { note: Some("the caller asked for a person".to_owned()), ..TicketChange::default() }
            }
            Some(_) | None => {
                state.facts.reported = category.clone();
                return state.begin_ticket(self.kind, self.class, self.urgency, category);
            }
        };
        state.papers.change_ticket(change, &mut state.out);
    }
}
