//! `record`: takes down what the caller says, for the ticket (R25). Too short ones are asked for again; without one the
//! report goes on all the same (R24).

use std::sync::Arc;

use serde::Deserialize;

use super::{Link, Nature, Step, Walk};
use crate::desk::ticket::{Class, Kind, TicketChange};
use crate::flow::definition::{Limits, Saying, Word};
use crate::flow::io::RecordEnd;
use crate::flow::line::{Exit, Line, Recorded};
use crate::flow::take::Dictation;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    say: Saying,
    too_short: Saying,
    /// Asks for 1 keep, 2 again, 3 listen; not asked unless it is written.
    #[serde(default)]
    review: Saying,
    #[serde(default)]
    limits: Limits,
    next: Word,
    /// When nothing was said; `next` unless it is written.
    nothing: Option<Word>,
}

impl Step for Record {
    fn links(&self) -> Vec<Link<'_>> {
        let nothing = self.nothing.iter().map(|to| Link::itself("nothing", to));
        [Link::itself("next", &self.next)].into_iter().chain(nothing).collect()
    }

    fn words(&self) -> Vec<&Word> {
        self.say.iter().chain(&self.too_short).chain(&self.review).collect()
    }

    fn nature(&self) -> Nature {
        Nature::Refuge
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move {
            begin_unless_begun(&line);
            let keep = |recorded: &Recorded, enough: bool| attach(&line, recorded, enough);
            let dictation = Dictation {
                say: &self.say,
                too_short: &self.too_short,
                review: &self.review,
                spec: self.limits.over(&line.state().caller.record),
                keep: &keep,
            };
            let said = line.take_down(&dictation).await?;
            Ok(Exit::to(if said { &self.next } else { self.nothing.as_ref().unwrap_or(&self.next) }))
        })
    }
}

/// A recording without a ticket would be heard by nobody: it begins an inquiry.
fn begin_unless_begun(line: &Line) {
    let mut state = line.state();
    if !state.papers.tickets.is_open() {
        state.begin_ticket(Kind::Inquiry, Class::D, None, None);
    }
}

fn attach(line: &Line, recorded: &Recorded, enough: bool) {
    if let Some(ticket) = line.state().papers.tickets.open() {
        ticket.described |= enough;
    }
    let note =
        (recorded.end == RecordEnd::Failed).then(|| "the recording broke off: it could not be written".to_owned());
    line.change_ticket(TicketChange { recording: Some(recorded.recording.clone()), note, ..TicketChange::default() });
}
