//! From message to message: those not heard yet first.

use super::Mailbox;
use super::message::Next;
use crate::desk::message::{Message, MessagesWaiting};
use crate::flow::ask::{Menu, Pick};
use crate::flow::io::Say;
use crate::flow::line::{Exit, Gone, Line};
use crate::types::Digit;

impl Mailbox {
    /// Until the person has had enough. Each round reads the list anew: messages come in meanwhile.
    pub(super) async fn go_through_all(&self, line: &Line, extension: &str) -> Result<Exit, Gone> {
        loop {
            let Some((list, waiting)) = line.messages_of(extension).await? else {
                line.forget_keys();
                line.tell(&self.says.unread).await?;
                return Ok(Exit::to(&self.failed));
            };
            if list.is_empty() {
                line.tell(&self.says.empty).await?;
                return Ok(Exit::to(&self.done));
            }
            self.say_how_many(line, &waiting).await?;
            if let Some(exit) = self.go_through(line, extension, list).await? {
                return Ok(exit);
            }
            if let Some(exit) = self.at_the_end(line).await? {
                return Ok(exit);
            }
        }
    }

    async fn say_how_many(&self, line: &Line, waiting: &MessagesWaiting) -> Result<(), Gone> {
        let (lang, mut say) = line.sounds(&self.says.new);
        say.push(Say::Number(waiting.new));
        say.extend(line.sounds(&self.says.in_all).1);
        say.push(Say::Number(waiting.new.saturating_add(waiting.old)));
        line.announce(&[(lang, say)]).await
    }

    /// To the end of the list (`None`), or out of it.
    async fn go_through(&self, line: &Line, extension: &str, mut list: Vec<Message>) -> Result<Option<Exit>, Gone> {
        let (mut at, mut plays) = (0, true);
        while let Some(message) = list.get_mut(at) {
            if plays {
                self.play(line, extension, message).await?;
            }
            plays = true;
            match self.ask(line, extension, message).await? {
                Next::Again => {}
                Next::Stay => plays = false,
                Next::Following => at += 1,
                // From the first one there is no way back: it plays again.
                Next::Previous => at = at.saturating_sub(1),
                Next::Gone => drop(list.remove(at)),
                Next::Out(exit) => return Ok(Some(exit)),
            }
        }
        Ok(None)
    }

    /// After the last one: 1 begins anew, saying nothing ends it.
    async fn at_the_end(&self, line: &Line) -> Result<Option<Exit>, Gone> {
        let accepts = |key: Digit| matches!(key.as_char(), '0' | '1');
        let menu = Menu { silence_answers: true, ..Menu::new(line.sounds(&self.says.last), &accepts) };
        Ok(match line.choose(menu).await? {
            Pick::Key(key) if key.as_char() == '1' => None,
            Pick::Key(_) => Some(Exit::to(&self.human)),
            Pick::Back => Some(Exit::Back),
            Pick::Silence => Some(Exit::to(&self.done)),
            Pick::Failed => Some(Exit::to(&self.failed)),
        })
    }
}
