//! `human`: the receptionists (R1, R15). They are rung as they become free; the caller waits in the queue with music, and
//! is told the place and the expected wait, and may hang up and be called back when the place comes up.

use std::sync::Arc;

use serde::Deserialize;

use super::{Link, Nature, Step, Walk};
use crate::desk::ticket::{Class, Kind, TicketChange};
use crate::flow::definition::{Saying, Word};
use crate::flow::io::{Parted, Strategy, Whom};
use crate::flow::line::{Exit, Gone, Line};
use crate::flow::reach::{Errand, Reached};
use crate::types::Digit;

/// The longest that a caller waits where the flow says nothing else.
const WAIT_MAX_S: u32 = 300;
/// The key by which a caller asks to be called back.
const CALL_BACK_KEY: char = '2';
/// The category of a ticket that such a caller leaves.
pub const CALL_BACK: &str = "call_back";

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
    /// Said to a caller who keyed `2` while waiting, once it is on disk that they are called back; not offered unless it is
    /// written, nor to a caller whose number is withheld.
    #[serde(default)]
    call_back: Saying,
    /// For the receptionist who lifts when that caller's place has come up: 1 takes the call-back, 2 leaves it to others.
    #[serde(default)]
    call_back_whisper: Saying,
    /// For the one who has taken it: the number, the ticket.
    #[serde(default)]
    call_back_brief: Saying,
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
        let waiting = [&self.say, &self.music, &self.queue, &self.whisper];
        let call_back = [&self.call_back, &self.call_back_whisper, &self.call_back_brief];
        waiting.into_iter().chain(call_back).flatten().collect()
    }

    fn faults(&self) -> Vec<(Option<usize>, String, String)> {
        let offered = self.call_back.first().filter(|_| self.call_back_whisper.is_empty());
        let what = "`call_back` needs a `call_back_whisper`: the receptionist would not know why it rings";
        let remedy = "write call_back_whisper = [\"callback-whisper\", \"{caller}\"]";
        offered.map(|word| (Some(word.span().start), what.to_owned(), remedy.to_owned())).into_iter().collect()
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
        let call_back = Digit::from_char(CALL_BACK_KEY)
            .filter(|_| !self.call_back.is_empty() && line.state().caller.callable_number().is_some());
        let errand = Errand {
            whom: Whom::Receptionists(self.strategy),
            whisper: &self.whisper,
            say: &self.say,
            music: &self.music,
            queue: &self.queue,
            wait_max_s: self.wait_max_s,
            keys: &|key: Digit| matches!(key.as_char(), '1' | '#'),
            call_back,
            report: None,
            gone: None,
        };
        Ok(match line.reach(&errand).await? {
            Reached::Parted(Parted::TheyHungUp) => self.over.as_ref().map_or(Exit::End, Exit::to),
            Reached::Parted(Parted::HandedBack | Parted::Lost) => self.back.as_ref().map_or(Exit::Back, Exit::to),
            Reached::Key(Digit::HASH) => Exit::Back,
            Reached::Key(key) if Some(key) == call_back && may_call_back(line) => {
                return self.promise_call_back(line).await;
            }
            Reached::Key(_) | Reached::Ended(_) => Exit::to(&self.nobody),
        })
    }

    /// Keeps the number and the place on disk, and then promises (R9).
    async fn promise_call_back(&self, line: &Line) -> Result<Exit, Gone> {
        {
            let mut state = line.state();
            if !state.papers.tickets.is_open() {
                state.begin_ticket(Kind::Inquiry, Class::D, None, Some(CALL_BACK.to_owned()));
            }
            if let Some(ticket) = state.papers.tickets.open() {
                ticket.described = true;
            }
        }
        let (callback_number, place) = {
            let state = line.state();
            (state.caller.callable_number(), state.queue.map_or(1, |place| place.position))
        };
        let note = Some(format!("asks to be called back, at place {place} of the queue"));
        line.change_ticket(TicketChange { callback_number, note, ..TicketChange::default() });
        let kept = line.complete(std::slice::from_ref(&line.flow.phrases().unsaved)).await;
        if let Ok(Err(_)) = kept {
            line.leave_queue();
            return Ok(Exit::to(&self.nobody));
        }
        // One who hung up meanwhile has asked all the same.
        line.call_back(self.strategy, &self.call_back_whisper, &self.call_back_brief);
        let _ = kept?;
        line.insist(&[line.sounds(&self.call_back)], false).await?;
        Ok(Exit::End)
    }
}

/// Whether there is room for one more; else the caller leaves a message.
fn may_call_back(line: &Line) -> bool {
    line.state().queue.is_some_and(|place| place.may_call_back)
}
