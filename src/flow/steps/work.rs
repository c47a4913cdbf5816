//! `work`: a person of the staff says by phone how far they are with a ticket (R26): extension and PIN, the ticket's number,
//! then 1 accepted, 2 on site, 3 repaired, 4 hear the ticket. What is said follows what the desk has kept: a step that does
//! not follow is answered with where the ticket stands.

use std::sync::Arc;

use serde::Deserialize;

use super::login::{Login, Who};
use super::says::says;
use super::{Link, Nature, Step, Walk};
use crate::desk::work_report::{WorkFound, WorkWord};
use crate::flow::ask::{Entered, Entry, Menu, Pick};
use crate::flow::definition::{Saying, Word};
use crate::flow::line::{Exit, Gone, Line, Subject, if_known};
use crate::types::Digit;

/// A day and a serial of five digits.
const NUMBER_DIGITS_MAX: usize = 13;
/// Numbers that no ticket has, in one call.
const WRONG_MAX: u8 = 3;

says! {
    /// Asks for the extension.
    extension = ["mailbox-extension"],
    pin = ["mailbox-pin"],
    /// Apologises and asks for the extension again: which of the two was wrong is not told.
    wrong = ["sorry-again", "mailbox-extension"],
    /// Asks for the ticket's number: its digits, or the serial alone.
    number = ["work-number"],
    number_again = ["sorry-again", "work-number"],
    /// 1 accepted, 2 on site, 3 repaired, 4 hear it.
    menu = ["work-menu"],
    /// What key 4 says.
    ticket = ["brief-ticket", "{ticket}", "{urgency}", "{category}", "{place}", "{said}"],
    /// It is kept.
    kept = ["mailbox-done"],
    /// Before the stage that the ticket stands in.
    stage = ["work-stage"],
    unsaved = ["trouble"],
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// What is said in place of the built-in texts.
    #[serde(default)]
    says: Says,
    /// `0`.
    human: Word,
    /// After three wrong PINs or numbers, too many wrong keys or silences, and when tickets can't be read.
    failed: Word,
    /// When nothing more is keyed.
    done: Word,
}

impl Step for Work {
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

/// Which ticket is meant.
enum Meant {
    Ticket(Box<WorkFound>),
    Other(Exit),
}

impl Work {
    async fn open(&self, line: &Line) -> Result<Exit, Gone> {
        let says = &self.says;
        let who = Who {
            extension: &says.extension,
            pin: &says.pin,
            wrong: &says.wrong,
            human: &self.human,
            failed: &self.failed,
        };
        let extension = match who.log_in(line).await? {
            Login::Person(extension) => extension,
            Login::Other(exit) => return Ok(exit),
        };
        line.state().served = true;
        loop {
            let found = match self.ask_for_ticket(line).await? {
                Meant::Ticket(found) => found,
                Meant::Other(exit) => return Ok(exit),
            };
            line.state().subject =
                Some(Subject { ticket: Some(found.number.clone()), note: None, about: found.about.clone() });
            if let Some(exit) = self.report(line, &extension, &found).await? {
                return Ok(exit);
            }
        }
    }

    async fn ask_for_ticket(&self, line: &Line) -> Result<Meant, Gone> {
        let mut say = &self.says.number;
        for _ in 0..WRONG_MAX {
            let entry = Entry {
                say,
                again: &self.says.number_again,
                with_star: false,
                secret: false,
                digits_max: NUMBER_DIGITS_MAX,
                parse: &digits,
            };
            let keyed = match line.enter(entry).await? {
                Entered::Back => return Ok(Meant::Other(Exit::Back)),
                Entered::Failed => break,
                Entered::Value(zero) if zero == "0" => return Ok(Meant::Other(Exit::to(&self.human))),
                Entered::Value(keyed) => keyed,
            };
            match line.find_work(keyed).await? {
                Some(Some(found)) => return Ok(Meant::Ticket(Box::new(found))),
                Some(None) => {
                    line.forget_keys();
                    say = &self.says.number_again;
                }
                None => {
                    line.forget_keys();
                    line.tell(&self.says.unsaved).await?;
                    break;
                }
            }
        }
        line.forget_keys();
        Ok(Meant::Other(Exit::to(&self.failed)))
    }

    /// Until they want another ticket (`None`), or nothing more.
    async fn report(&self, line: &Line, extension: &str, found: &WorkFound) -> Result<Option<Exit>, Gone> {
        loop {
            let accepts = |key: Digit| matches!(key.as_char(), '0'..='4');
            let menu = Menu { silence_answers: true, ..Menu::new(line.sounds(&self.says.menu), &accepts) };
            let key = match line.choose(menu).await? {
                Pick::Key(key) => key.as_char(),
                Pick::Back => return Ok(None),
                Pick::Silence => return Ok(Some(Exit::to(&self.done))),
                Pick::Failed => return Ok(Some(Exit::to(&self.failed))),
            };
            let word = match key {
                '1' => WorkWord::Accepted,
                '2' => WorkWord::OnSite,
                '3' => WorkWord::Repaired,
                '4' => {
                    line.tell(&self.says.ticket).await?;
                    continue;
                }
                _ => return Ok(Some(Exit::to(&self.human))),
            };
            let (number, extension) = (found.number.clone(), extension.to_owned());
            match line.report_work(number, extension, word).await? {
                Some(Some(now)) if now.moved => self.tell_stage(line, &self.says.kept, &now).await?,
                Some(Some(now)) => self.tell_stage(line, &Saying::new(), &now).await?,
                Some(None) | None => line.tell(&self.says.unsaved).await?,
            }
        }
    }

    /// Where the ticket stands now.
    async fn tell_stage(&self, line: &Line, first: &Saying, now: &WorkFound) -> Result<(), Gone> {
        let (lang, mut say) = line.sounds(first);
        say.extend(line.sounds(&self.says.stage).1);
        say.push(if_known("stage", &now.stage));
        line.announce(&[(lang, say)]).await
    }
}

fn digits(keys: &str) -> Option<String> {
    let fits = keys.len() <= NUMBER_DIGITS_MAX && keys.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| keys.to_owned())
}
