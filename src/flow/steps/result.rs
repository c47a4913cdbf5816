//! `result`: keeps what came of a call that the desk made, and says so only once it is on disk (R9).

use std::sync::Arc;

use serde::Deserialize;

use super::{Link, Nature, Step, Walk};
use crate::desk::errand::ErrandResult;
use crate::flow::definition::{Saying, Word};
use crate::flow::line::{Exit, Line};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keep {
    result: ErrandResult,
    /// Said once it is on disk.
    #[serde(default)]
    say: Saying,
    /// Said when it could not be written yet.
    sorry: Saying,
    next: Word,
}

impl Step for Keep {
    fn links(&self) -> Vec<Link<'_>> {
        vec![Link::itself("next", &self.next)]
    }

    fn words(&self) -> Vec<&Word> {
        self.say.iter().chain(&self.sorry).collect()
    }

    fn nature(&self) -> Nature {
        Nature::Errand
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move {
            let kept = line.keep_result(self.result).await?;
            line.tell(if kept { &self.say } else { &self.sorry }).await?;
            Ok(Exit::to(&self.next))
        })
    }
}
