//! `hangup`: says goodbye and ends the call.

use std::sync::Arc;

use serde::Deserialize;

use super::{Link, Nature, Step, Walk};
use crate::flow::definition::{Saying, Word};
use crate::flow::line::{Exit, Line};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hangup {
    say: Saying,
}

impl Step for Hangup {
    fn links(&self) -> Vec<Link<'_>> {
        Vec::new()
    }

    fn words(&self) -> Vec<&Word> {
        self.say.iter().collect()
    }

    fn nature(&self) -> Nature {
        Nature::End
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move {
            line.insist(&[line.sounds(&self.say)], true).await?;
            Ok(Exit::End)
        })
    }
}
