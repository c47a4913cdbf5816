//! `human`: the receptionists (R1, R15). They are rung as they become free; the caller waits in the queue with music, and
//! is told the place and the expected wait.

use std::sync::Arc;

use serde::Deserialize;

use super::{Link, Nature, Step, Walk};
use crate::flow::definition::{Saying, Word};
use crate::flow::io::{Parted, Strategy, Whom};
use crate::flow::line::{Exit, Gone, Line};
use crate::flow::reach::{Errand, Reached};
use crate::types::Digit;

/// The longest that a caller waits where the flow says nothing else.
const WAIT_MAX_S: u32 = 300;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Human {
    /// Said first, while they are rung.
    #[serde(default)]
    say: Saying,
    #[serde(default)]
    music: Saying,
    /// Said from time to time to one who waits.
    #[serde(default)]
    queue: Saying,
    /// For the receptionist who lifts, before the call is put through.
    #[serde(default)]
    whisper: Saying,
    /// In which order they are rung.
    #[serde(default)]
    strategy: Strategy,
    #[serde(default = "wait_max_s")]
    wait_max_s: u32,
    /// When nobody takes the call, or the caller keys `1` while waiting: a message, a call back.
    nobody: Word,
    /// After a talk that the receptionist ended.
    #[serde(default)]
    over: Option<Word>,
    /// Where the receptionist hands the caller back to, or where they come to when the line to them fails.
    #[serde(default)]
    back: Option<Word>,
}

fn wait_max_s() -> u32 {
    WAIT_MAX_S
}

impl Step for Human {
    fn links(&self) -> Vec<Link<'_>> {
        let over = self.over.iter().map(|to| Link::person("over", to));
        let back = self.back.iter().map(|to| Link::person("back", to));
        [Link::itself("nobody", &self.nobody)].into_iter().chain(over).chain(back).collect()
    }

    fn words(&self) -> Vec<&Word> {
        [&self.say, &self.music, &self.queue, &self.whisper].into_iter().flatten().collect()
    }

    fn nature(&self) -> Nature {
        Nature::Refuge
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move { self.reach(&line).await })
    }
}

impl Human {
    async fn reach(&self, line: &Line) -> Result<Exit, Gone> {
        let errand = Errand {
            whom: Whom::Receptionists(self.strategy),
            whisper: &self.whisper,
            say: &self.say,
            music: &self.music,
            queue: &self.queue,
            wait_max_s: self.wait_max_s,
            keys: &|key: Digit| matches!(key.as_char(), '1' | '#'),
        };
        Ok(match line.reach(&errand).await? {
            Reached::Parted(Parted::TheyHungUp) => self.over.as_ref().map_or(Exit::End, Exit::to),
            Reached::Parted(Parted::HandedBack | Parted::Lost) => self.back.as_ref().map_or(Exit::Back, Exit::to),
            Reached::Key(Digit::HASH) => Exit::Back,
            Reached::Key(_) | Reached::Ended(_) => Exit::to(&self.nobody),
        })
    }
}
