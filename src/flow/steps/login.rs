//! Who of the staff is it? An extension that nobody has is asked for its PIN, and told that it is wrong, like any other.

use crate::flow::ask::{Entered, Entry};
use crate::flow::definition::{Saying, Word};
use crate::flow::line::{Exit, Gone, Line};
use crate::types::Redacted;

/// Wrong PINs in one call.
const WRONG_MAX: u8 = 3;
const EXTENSION_DIGITS_MAX: usize = 8;
/// As many as `desk::pin` lets a PIN have.
const PIN_DIGITS_MAX: usize = crate::desk::pin::DIGITS_MAX;

pub(super) enum Login {
    /// The extension whose PIN was right.
    Person(String),
    Other(Exit),
}

/// How somebody is asked who they are.
pub(super) struct Who<'a> {
    /// Asks for the extension.
    pub extension: &'a Saying,
    pub pin: &'a Saying,
    /// Apologises and asks for the extension again.
    pub wrong: &'a Saying,
    /// `0`.
    pub human: &'a Word,
    /// After three wrong PINs, too many wrong keys or silences.
    pub failed: &'a Word,
}

impl Who<'_> {
    pub(super) async fn log_in(&self, line: &Line) -> Result<Login, Gone> {
        let mut wrong = 0;
        let mut say = self.extension;
        while wrong < WRONG_MAX {
            let entry = Entry {
                say,
                again: &[],
                with_star: false,
                secret: false,
                digits_max: EXTENSION_DIGITS_MAX,
                parse: &extension,
            };
            let extension = match line.enter(entry).await? {
                Entered::Back => return Ok(Login::Other(Exit::Back)),
                Entered::Failed => return Ok(Login::Other(Exit::to(self.failed))),
                Entered::Value(zero) if zero == "0" => return Ok(Login::Other(Exit::to(self.human))),
                Entered::Value(extension) => extension,
            };
            let entry = Entry {
                say: self.pin,
                again: &[],
                with_star: false,
                secret: true,
                digits_max: PIN_DIGITS_MAX,
                parse: &|keys| Some(Redacted(keys.to_owned())),
            };
            let pin = match line.enter(entry).await? {
                Entered::Back => {
                    say = self.extension;
                    continue;
                }
                Entered::Failed => return Ok(Login::Other(Exit::to(self.failed))),
                Entered::Value(pin) => pin,
            };
            match line.check_pin(&extension, pin).await? {
                Some(true) => return Ok(Login::Person(extension)),
                Some(false) => {
                    line.forget_keys();
                    wrong += 1;
                    say = self.wrong;
                }
                None => break,
            }
        }
        line.forget_keys();
        Ok(Login::Other(Exit::to(self.failed)))
    }
}

fn extension(keys: &str) -> Option<String> {
    let fits = keys.len() <= EXTENSION_DIGITS_MAX && keys.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| keys.to_owned())
}
