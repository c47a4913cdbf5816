//! One message: when it was left, by which number, what was said; and what its person does with it.

use super::Mailbox;
use crate::desk::message::{Attempt, Message, MessageChange, Relay};
use crate::flow::ask::{Entered, Entry, Menu, Pick};
use crate::flow::definition::Saying;
use crate::flow::house::Heard;
use crate::flow::io::{PersonMatch, Say};
use crate::flow::line::{Exit, Gone, Line, name_of};
use crate::types::Digit;

const EXTENSION_DIGITS_MAX: usize = 8;

/// Where a key leads.
pub(super) enum Next {
    /// The same, from its beginning.
    Again,
    /// The same, which need not be played again.
    Stay,
    Following,
    Previous,
    /// It has left the list.
    Gone,
    Out(Exit),
}

impl Mailbox {
    /// Plays it. Heard to its end, it counts as heard.
    pub(super) async fn play(&self, line: &Line, extension: &str, message: &mut Message) -> Result<(), Gone> {
        line.announce(&[(line.lang(), self.heading(line, message))]).await?;
        let began = line.state().now.mono;
        let heard = match &message.recording {
            Some(recording) => line.listen(recording).await?,
            None => {
                let pressed = line.state().pressed;
                line.tell(&self.says.number_only).await?;
                let state = line.state();
                if state.keys.is_empty() && state.pressed == pressed { Heard::ToItsEnd } else { Heard::Cut }
            }
        };
        match heard {
            Heard::ToItsEnd if message.relay.is_unheard() => {
                message.relay = Relay::Heard;
                let relay = Some(Relay::Heard);
                let change = MessageChange { relay, attempts: noted(line, "heard", extension), ..Default::default() };
                line.note_on_message(message.id, change);
                Ok(())
            }
            // Nothing of it was heard: the keys were there before.
            Heard::Cut if line.state().now.mono == began => Ok(()),
            // Who listened again, or in part, is noted too (R12).
            Heard::ToItsEnd | Heard::Cut => {
                let change = MessageChange { attempts: noted(line, "played", extension), ..Default::default() };
                line.note_on_message(message.id, change);
                Ok(())
            }
            Heard::Unreadable => line.tell(&self.says.unreadable).await,
        }
    }

    /// The number is said to the person whom it was left for: R16 is for callers.
    fn heading(&self, line: &Line, message: &Message) -> Vec<Say> {
        let left = line.flow.local(message.left_at);
        let mut say = vec![Say::Date(left.date()), Say::Time(left.time())];
        match &message.from_number {
            Some(number) => {
                say.extend(line.sounds(&self.says.from).1);
                say.push(Say::Digits(number.clone()));
            }
            None => say.extend(line.sounds(&self.says.withheld).1),
        }
        say
    }

    pub(super) async fn ask(&self, line: &Line, extension: &str, message: &mut Message) -> Result<Next, Gone> {
        let accepts = |key: Digit| matches!(key.as_char(), '0'..='6');
        let key = match line.choose(Menu::new(line.sounds(&self.says.menu), &accepts)).await? {
            Pick::Key(key) => key.as_char(),
            Pick::Back => return Ok(Next::Out(Exit::Back)),
            Pick::Silence | Pick::Failed => return Ok(Next::Out(Exit::to(&self.failed))),
        };
        match key {
            '1' => Ok(Next::Again),
            '2' => self.confirm(line, extension, message).await,
            '3' => self.delete(line, extension, message).await,
            '4' => self.forward(line, extension, message).await,
            '5' => Ok(Next::Following),
            '6' => Ok(Next::Previous),
            _ => Ok(Next::Out(Exit::to(&self.human))),
        }
    }

    /// R5: it has reached its person.
    async fn confirm(&self, line: &Line, extension: &str, message: &mut Message) -> Result<Next, Gone> {
        let relay = Some(Relay::Confirmed);
        let change = MessageChange { relay, attempts: noted(line, "confirmed", extension), ..Default::default() };
        let again = message.relay == Relay::Confirmed;
        if !again && line.change_message_of(message.id, change).await?.is_err() {
            return self.unsaved(line).await;
        }
        message.relay = Relay::Confirmed;
        line.tell(&self.says.confirmed).await?;
        Ok(Next::Following)
    }

    async fn delete(&self, line: &Line, extension: &str, message: &Message) -> Result<Next, Gone> {
        let deleted_by = Some(extension.to_owned());
        let change = MessageChange { deleted_by, attempts: noted(line, "deleted", extension), ..Default::default() };
        self.take_off(line, message, change, &self.says.deleted).await
    }

    async fn forward(&self, line: &Line, extension: &str, message: &Message) -> Result<Next, Gone> {
        let Some(to) = self.ask_for_colleague(line, extension).await? else { return Ok(Next::Stay) };
        let what = format!("forwarded to {}", to.extension);
        let change = MessageChange {
            for_person: Some(to.extension),
            attempts: noted(line, &what, extension),
            ..Default::default()
        };
        self.take_off(line, message, change, &self.says.forwarded).await
    }

    async fn take_off(
        &self,
        line: &Line,
        message: &Message,
        change: MessageChange,
        say: &Saying,
    ) -> Result<Next, Gone> {
        if line.change_message_of(message.id, change).await?.is_err() {
            return self.unsaved(line).await;
        }
        line.tell(say).await?;
        Ok(Next::Gone)
    }

    async fn unsaved(&self, line: &Line) -> Result<Next, Gone> {
        line.forget_keys();
        line.tell(&self.says.unsaved).await?;
        Ok(Next::Stay)
    }

    /// Another extension, its name confirmed with 1; `None` when that came to nothing.
    async fn ask_for_colleague(&self, line: &Line, extension: &str) -> Result<Option<PersonMatch>, Gone> {
        let mut say = &self.says.forward;
        let mut in_vain = 0;
        while in_vain < line.flow.keys().tries_wrong {
            let parse = |keys: &str| (!keys.is_empty()).then(|| keys.to_owned());
            let entry = Entry {
                say,
                again: &self.says.forward_again,
                with_star: false,
                secret: false,
                digits_max: EXTENSION_DIGITS_MAX,
                parse: &parse,
            };
            let Entered::Value(keys) = line.enter(entry).await? else { return Ok(None) };
            let found = line.find(keys.clone()).await?;
            // Only by extension: a name's keys may mean several people.
            let Some(person) = found.into_iter().find(|p| p.extension == keys && p.extension != extension) else {
                in_vain += 1;
                line.forget_keys();
                say = &self.says.forward_again;
                continue;
            };
            let (lang, mut question) = line.sounds(&self.says.forward_to);
            question.extend(name_of(&person, line.flow.phrases()));
            question.extend(line.sounds(&self.says.forward_confirm).1);
            let accepts = |key: Digit| matches!(key.as_char(), '1' | '2');
            match line.choose(Menu::new((lang, question), &accepts)).await? {
                Pick::Key(key) if key.as_char() == '1' => return Ok(Some(person)),
                Pick::Key(_) => say = &self.says.forward,
                Pick::Back | Pick::Silence | Pick::Failed => return Ok(None),
            }
        }
        Ok(None)
    }
}

fn noted(line: &Line, what: &str, extension: &str) -> Vec<Attempt> {
    let at = line.state().now.wall;
    vec![Attempt { at, channel: "phone".to_owned(), result: format!("{what} by {extension}") }]
}
