//! `complete`: the caller has told all: ticket and message are marked complete, and that is on disk before anything is
//! promised (R9, R23).

use std::sync::Arc;

use serde::Deserialize;

use super::{Link, Nature, Step, Walk};
use crate::flow::definition::{Saying, Word};
use crate::flow::line::{Exit, Line};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Complete {
    /// Said when it could not be written at first; the flow's `prompts.unsaved` unless it is written.
    #[serde(default)]
    sorry: Saying,
    next: Word,
    /// When it could not be written the second time either: no number is promised.
    unsaved: Word,
}

impl Step for Complete {
    fn links(&self) -> Vec<Link<'_>> {
        vec![Link::itself("next", &self.next), Link::itself("unsaved", &self.unsaved)]
    }

    fn words(&self) -> Vec<&Word> {
        self.sorry.iter().collect()
    }

    fn nature(&self) -> Nature {
        Nature::Landmark
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move {
            let phrase = std::slice::from_ref(&line.flow.phrases().unsaved);
            let sorry = if self.sorry.is_empty() { phrase } else { &self.sorry };
            let kept = line.complete(sorry).await?;
            Ok(Exit::to(if kept.is_ok() { &self.next } else { &self.unsaved }))
        })
    }
}
