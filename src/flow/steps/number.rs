//! `number`: where to call back: 1 this number, 2 another one and `#` (R8, R25).

use std::sync::Arc;

use serde::Deserialize;

use super::{Link, Nature, Step, Walk};
use crate::desk::message::MessageChange;
use crate::desk::ticket::TicketChange;
use crate::flow::ask::{Entered, Entry, Menu, Pick};
use crate::flow::definition::{Saying, Word};
use crate::flow::line::{Exit, Gone, Line};
use crate::types::Digit;

/// Digits of a number that can be called: an extension at least, at most what ITU-T E.164 allows with a 00 before it.
const DIGITS_MIN: usize = 3;
const DIGITS_MAX: usize = 17;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Number {
    /// Asks for 1 this number, 2 another.
    say: Saying,
    /// Asks for a number and `#`.
    key: Saying,
    /// Said after an entry that can't be taken.
    again: Saying,
    /// Reads a keyed number back.
    #[serde(default)]
    read_back: Saying,
    /// Asks for 1 right, 2 again after that; not asked unless it is written.
    #[serde(default)]
    confirm: Saying,
    /// Take the caller's number without asking, where it is known.
    #[serde(default)]
    unless_known: bool,
    /// Whose it is.
    #[serde(default)]
    keep_in: KeepIn,
    next: Word,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeepIn {
    #[default]
    Ticket,
    Message,
}

impl Step for Number {
    fn links(&self) -> Vec<Link<'_>> {
        vec![Link::itself("next", &self.next)]
    }

    fn words(&self) -> Vec<&Word> {
        self.say.iter().chain(&self.key).chain(&self.again).chain(&self.read_back).chain(&self.confirm).collect()
    }

    fn nature(&self) -> Nature {
        Nature::Level
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move {
            if self.keep_in == KeepIn::Message {
                line.begin_message();
            }
            let number = match self.ask(&line).await? {
                Answer::Back => return Ok(Exit::Back),
                Answer::Number(number) => Some(number),
                Answer::None => None,
            };
            if let Some(number) = number {
                self.keep(&line, number);
            }
            Ok(Exit::to(&self.next))
        })
    }
}

enum Answer {
    Number(String),
    None,
    Back,
}

impl Number {
    async fn ask(&self, line: &Line) -> Result<Answer, Gone> {
        let Some(known) = line.state().caller.callable_number() else {
            return self.key_another(line).await;
        };
        if self.unless_known {
            return Ok(Answer::Number(known));
        }
        loop {
            let accepts = |key: Digit| matches!(key.as_char(), '1' | '2');
            match line.choose(Menu::new(line.sounds(&self.say), &accepts)).await? {
                Pick::Key(key) if key.as_char() == '2' => match self.key_another(line).await? {
                    Answer::Back => {}
                    Answer::Number(number) => return Ok(Answer::Number(number)),
                    Answer::None => return Ok(Answer::Number(known)),
                },
                Pick::Back => return Ok(Answer::Back),
                Pick::Key(_) | Pick::Silence | Pick::Failed => return Ok(Answer::Number(known)),
            }
        }
    }

    async fn key_another(&self, line: &Line) -> Result<Answer, Gone> {
        loop {
            let entry = Entry {
                say: &self.key,
                again: &self.again,
                with_star: false,
                secret: false,
                digits_max: DIGITS_MAX,
                parse: &callable,
            };
            let number = match line.enter(entry).await? {
                Entered::Value(number) => number,
                Entered::Back => return Ok(Answer::Back),
                Entered::Failed => return Ok(Answer::None),
            };
            line.state().facts.callback = Some(number.clone());
            line.tell(&self.read_back).await?;
            if self.confirm.is_empty() || self.is_right(line).await? {
                return Ok(Answer::Number(number));
            }
        }
    }

    async fn is_right(&self, line: &Line) -> Result<bool, Gone> {
        let accepts = |key: Digit| matches!(key.as_char(), '1' | '2');
        let pick = line.choose(Menu::new(line.sounds(&self.confirm), &accepts)).await?;
        Ok(match pick {
            Pick::Key(key) => key.as_char() == '1',
            Pick::Back => false,
            Pick::Silence | Pick::Failed => true,
        })
    }

    fn keep(&self, line: &Line, number: String) {
        line.state().facts.callback = Some(number.clone());
        match self.keep_in {
            KeepIn::Ticket => {
                line.change_ticket(TicketChange { callback_number: Some(number), ..TicketChange::default() });
            }
            KeepIn::Message => {
                if let Some(message) = line.state().papers.messages.open() {
                    message.described = true;
                }
                line.change_message(MessageChange { from_number: Some(number), ..MessageChange::default() });
            }
        }
    }
}

fn callable(keys: &str) -> Option<String> {
    let fits = (DIGITS_MIN..=DIGITS_MAX).contains(&keys.len()) && keys.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| keys.to_owned())
}
