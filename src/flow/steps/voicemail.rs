//! `voicemail`: takes down a message to the person who was looked up, or to the desk (R5, R16).

use std::sync::Arc;

use serde::Deserialize;

use super::{Link, Nature, Step, Walk};
use crate::desk::message::MessageChange;
use crate::flow::definition::{Limits, Saying, Word};
use crate::flow::line::{Exit, Line, Recorded};
use crate::flow::take::Dictation;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voicemail {
    say: Saying,
    too_short: Saying,
    /// Asks for 1 keep, 2 again, 3 listen; not asked unless it is written.
    #[serde(default)]
    review: Saying,
    #[serde(default)]
    limits: Limits,
    next: Word,
    /// When nothing was said.
    nothing: Word,
}

impl Step for Voicemail {
    fn links(&self) -> Vec<Link<'_>> {
        vec![Link::itself("next", &self.next), Link::itself("nothing", &self.nothing)]
    }

    fn words(&self) -> Vec<&Word> {
        self.say.iter().chain(&self.too_short).chain(&self.review).collect()
    }

    fn nature(&self) -> Nature {
        Nature::Refuge
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move {
            line.begin_message();
            let keep = |recorded: &Recorded, enough: bool| attach(&line, recorded, enough);
            let dictation = Dictation {
                say: &self.say,
                too_short: &self.too_short,
                review: &self.review,
                spec: self.limits.over(&line.state().caller.record),
                keep: &keep,
            };
            let said = line.take_down(&dictation).await?;
            Ok(Exit::to(if said { &self.next } else { &self.nothing }))
        })
    }
}

fn attach(line: &Line, recorded: &Recorded, enough: bool) {
    if let Some(message) = line.state().papers.messages.open() {
        message.described |= enough;
    }
    line.change_message(MessageChange {
        recording: Some(recorded.recording.clone()),
        duration_ms: Some(recorded.duration_ms),
        ..MessageChange::default()
    });
}
