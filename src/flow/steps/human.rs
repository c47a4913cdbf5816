//! `human`: asks for a human. Nobody is rung yet, so it leads to `nobody` at once.

use std::sync::Arc;

use serde::Deserialize;

use super::{Link, Nature, Step, Walk};
use crate::flow::definition::{Saying, Word};
use crate::flow::line::{Exit, Line};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Human {
    /// Said first.
    #[serde(default)]
    say: Saying,
    /// When nobody takes the call.
    nobody: Word,
}

impl Step for Human {
    fn links(&self) -> Vec<Link<'_>> {
        vec![Link::itself("nobody", &self.nobody)]
    }

    fn words(&self) -> Vec<&Word> {
        self.say.iter().collect()
    }

    fn nature(&self) -> Nature {
        Nature::Refuge
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move {
            line.tell(&self.say).await?;
            Ok(Exit::to(&self.nobody))
        })
    }
}
