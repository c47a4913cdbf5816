//! `hours`: leads on by whether the desk is open now, as `hours.toml` says (R43).

use std::sync::Arc;

use serde::Deserialize;

use super::{Link, Step, Walk};
use crate::flow::definition::Word;
use crate::flow::line::{Exit, Line};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpeningHours {
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

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move {
            let at = line.state().now.wall;
            Ok(Exit::to(if line.flow.is_open(at) { &self.open } else { &self.closed }))
        })
    }
}
