//! `hours`: leads on by whether the desk is open now, as `hours.toml` says, or by another schedule of it, or by whether
//! somebody of a group is on its duty roster (R43).

use std::sync::Arc;

use serde::Deserialize;

use super::{Link, Step, Walk};
use crate::flow::definition::Word;
use crate::flow::line::{Exit, Line};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpeningHours {
    /// A schedule, or a group of the roster; the desk itself when it is left out.
    group: Option<Word>,
    open: Word,
    closed: Word,
}

impl Step for OpeningHours {
    fn links(&self) -> Vec<Link<'_>> {
        vec![Link::itself("open", &self.open), Link::itself("closed", &self.closed)]
    }

    fn words(&self) -> Vec<&Word> {
        Vec::new()
    }

    fn group(&self) -> Option<&Word> {
        self.group.as_ref()
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move {
            let at = line.state().now.wall;
            let group = self.group.as_ref().map(|group| group.get_ref().as_str());
            Ok(Exit::to(if line.flow.is_open(group, at) { &self.open } else { &self.closed }))
        })
    }
}
