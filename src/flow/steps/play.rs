//! `play`: says something and goes on.

use std::sync::Arc;

use serde::Deserialize;

use super::{Link, Step, Walk};
use crate::flow::definition::{Saying, Word};
use crate::flow::line::{Exit, Line};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Play {
    say: Saying,
    next: Word,
    /// Said even when keys were typed ahead; a key pressed while it is said still ends it.
    #[serde(default)]
    always: bool,
}

impl Step for Play {
    fn links(&self) -> Vec<Link<'_>> {
        vec![Link::itself("next", &self.next)]
    }

    fn leads_the_gone(&self) -> Option<&Word> {
        Some(&self.next)
    }

    fn words(&self) -> Vec<&Word> {
        self.say.iter().collect()
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move {
            if self.always {
                line.insist(&[line.sounds(&self.say)], true).await?;
            } else {
                line.tell(&self.say).await?;
            }
            Ok(Exit::to(&self.next))
        })
    }
}
