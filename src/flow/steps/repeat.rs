//! `repeat`: whether the same repair is open at that place already (催单): its state is told, and one key hurries it up in place
//! of a second ticket.

use std::sync::Arc;

use serde::Deserialize;

use super::{Link, Nature, Step, Walk};
use crate::desk::ticket::TicketChange;
use crate::flow::ask::{Menu, Pick};
use crate::flow::definition::{Saying, Word};
use crate::flow::line::{Exit, Gone, Line};
use crate::types::Digit;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// `{repeat}` is how far it is; asks for 1 to hurry it up, 2 for another matter.
    say: Saying,
    /// Where it was hurried up, and that is on disk.
    urged: Word,
    /// Another matter, or nothing is open there.
    next: Word,
}

impl Step for Repeat {
    fn links(&self) -> Vec<Link<'_>> {
        vec![Link::key("1", &self.urged), Link::itself("next", &self.next)]
    }

    fn words(&self) -> Vec<&Word> {
        self.say.iter().collect()
    }

    fn nature(&self) -> Nature {
        Nature::Level
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move { self.look(&line).await })
    }
}

impl Repeat {
    async fn look(&self, line: &Line) -> Result<Exit, Gone> {
        let Some(open) = line.open_repair().await?.filter(|_| line.state().papers.tickets.is_open()) else {
            return Ok(Exit::to(&self.next));
        };
        let number = open.number.clone();
        line.state().facts.open_repair = Some(open);
        let accepts = |key: Digit| matches!(key.as_char(), '1' | '2');
        match line.choose(Menu::new(line.sounds(&self.say), &accepts)).await? {
            Pick::Key(key) if key.as_char() == '1' => {
                line.change_ticket(TicketChange { same_as: Some(number), ..TicketChange::default() });
                let unsaved = std::slice::from_ref(&line.flow.phrases().unsaved);
                let kept = line.complete(unsaved).await?;
                Ok(if kept.is_ok() { Exit::to(&self.urged) } else { Exit::to(&self.next) })
            }
            Pick::Back => Ok(Exit::Back),
            Pick::Key(_) | Pick::Silence | Pick::Failed => Ok(Exit::to(&self.next)),
        }
    }
}
