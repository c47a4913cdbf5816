//! `language`: changes to the next language. Menus offer it only when more than one is configured.

use std::sync::Arc;

use serde::Deserialize;

use super::{Link, Step, Walk};
use crate::flow::definition::Word;
use crate::flow::line::{Exit, Line};
use crate::flow::run::CallerInfo;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Language {
    next: Word,
}

impl Step for Language {
    fn links(&self) -> Vec<Link<'_>> {
        vec![Link::itself("next", &self.next)]
    }

    fn words(&self) -> Vec<&Word> {
        Vec::new()
    }

    fn is_offered(&self, caller: &CallerInfo) -> bool {
        caller.languages.len() > 1
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move {
            if let Some(next) = line.next_lang() {
                line.state().lang = next;
            }
            Ok(Exit::to(&self.next))
        })
    }
}
