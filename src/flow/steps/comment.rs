//! `comment`: takes down what a customer has to say whom the desk called (R37). Nothing said is an answer too.

use std::sync::Arc;

use serde::Deserialize;

use super::{Link, Nature, Step, Walk};
use crate::flow::definition::{Limits, Saying, Word};
use crate::flow::io::Output;
use crate::flow::line::{Exit, Line};
use crate::flow::take::Taken;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comment {
    say: Saying,
    #[serde(default)]
    limits: Limits,
    next: Word,
}

impl Step for Comment {
    fn links(&self) -> Vec<Link<'_>> {
        vec![Link::itself("next", &self.next)]
    }

    fn words(&self) -> Vec<&Word> {
        self.say.iter().collect()
    }

    fn nature(&self) -> Nature {
        Nature::Errand
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move {
            let spec = self.limits.over(&line.state().caller.record);
            if let Taken::Said(recorded) = line.take(&self.say, &spec).await? {
                line.state().out.push_back(Output::Comment(recorded.recording));
            }
            Ok(Exit::to(&self.next))
        })
    }
}
