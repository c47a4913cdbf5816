//! `mailbox`: a person listens to their messages by phone, and says which ones have reached them (R5). Nobody is called
//! from here, and nothing of the PIN is written down.
//!
//! `list` goes from message to message, `message` plays one and does with it what the
//! person keys, `says` are the texts.

mod list;
mod message;
mod says;

use std::sync::Arc;

use serde::Deserialize;

use self::says::Says;
use super::login::{Login, Who};
use super::{Link, Nature, Step, Walk};
use crate::flow::definition::Word;
use crate::flow::line::{Exit, Gone, Line};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mailbox {
    /// What is said in place of the built-in texts.
    #[serde(default)]
    says: Says,
    /// `0`.
    human: Word,
    /// After three wrong PINs, too many wrong keys or silences, and when messages can't be read.
    failed: Word,
    /// When nothing is left to listen to.
    done: Word,
}

impl Step for Mailbox {
    fn links(&self) -> Vec<Link<'_>> {
        vec![Link::key("0", &self.human), Link::itself("failed", &self.failed), Link::itself("done", &self.done)]
    }

    fn words(&self) -> Vec<&Word> {
        self.says.words()
    }

    fn nature(&self) -> Nature {
        Nature::Menu
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move { self.open(&line).await })
    }
}

impl Mailbox {
    async fn open(&self, line: &Line) -> Result<Exit, Gone> {
        let says = &self.says;
        let who = Who {
            extension: &says.extension,
            pin: &says.pin,
            wrong: &says.wrong,
            human: &self.human,
            failed: &self.failed,
        };
        match who.log_in(line).await? {
            Login::Person(extension) => {
                // They are no caller who got nothing, even if they hang up at once.
                line.state().served = true;
                self.go_through_all(line, &extension).await
            }
            Login::Other(exit) => Ok(exit),
        }
    }
}
