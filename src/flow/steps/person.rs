//! `person`: looks a person up by extension, or by the letters of the name or the department on the keypad (R14, R17).
//! Several are read out to choose from, eight at a time; their numbers are never said (R16).

use std::sync::Arc;

use serde::Deserialize;

use super::{Link, Nature, Step, Walk};
use crate::flow::ask::{Entered, Entry, Menu, Pick};
use crate::flow::definition::{Saying, Word};
use crate::flow::io::{PersonMatch, Say};
use crate::flow::line::{Exit, Gone, Line, name_of};
use crate::types::Digit;

/// Keys of an entry: the longest full pinyin of a name has about 24 letters.
const DIGITS_MAX: usize = 24;
/// People read out at a time to choose from: the keys 1 to 8.
const READ_OUT_MAX: usize = 8;
/// The key for those who were not read out yet.
const NEXT_KEY: usize = 9;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    say: Saying,
    /// Said when nobody was found, and asks again.
    none: Saying,
    /// Said before several are read out.
    several: Saying,
    /// Said before each name, and between it and its key.
    before_name: Saying,
    before_key: Saying,
    /// Said after them where there are more: 9 for the next ones. Without it the first eight are all.
    #[serde(default)]
    next: Saying,
    /// Said after them: 0 for someone else.
    more: Saying,
    /// Where the person who was found is rung.
    found: Word,
    /// `0` and `#`.
    human: Word,
    failed: Word,
}

impl Step for Person {
    fn links(&self) -> Vec<Link<'_>> {
        vec![Link::key("found", &self.found), Link::key("0", &self.human), Link::itself("failed", &self.failed)]
    }

    fn words(&self) -> Vec<&Word> {
        let parts = [&self.say, &self.none, &self.several, &self.before_name, &self.before_key, &self.next, &self.more];
        parts.into_iter().flatten().collect()
    }

    fn nature(&self) -> Nature {
        Nature::Menu
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move { self.look_up(&line).await })
    }
}

impl Person {
    async fn look_up(&self, line: &Line) -> Result<Exit, Gone> {
        let mut say = &self.say;
        let mut in_vain = 0;
        loop {
            let entry = Entry {
                say,
                again: &self.none,
                with_star: false,
                secret: false,
                digits_max: DIGITS_MAX,
                parse: &digits,
            };
            let keys = match line.enter(entry).await? {
                Entered::Back => return Ok(Exit::Back),
                Entered::Failed => return Ok(Exit::to(&self.failed)),
                Entered::Value(keys) => keys,
            };
            if keys == "0" {
                return Ok(Exit::to(&self.human));
            }
            let mut matches = line.find(keys).await?;
            if self.next.is_empty() {
                matches.truncate(READ_OUT_MAX);
            }
            let person = match matches.len() {
                0 => {
                    in_vain += 1;
                    if in_vain >= line.flow.keys().tries_wrong {
                        return Ok(Exit::to(&self.failed));
                    }
                    line.forget_keys();
                    say = &self.none;
                    continue;
                }
                1 => matches.pop(),
                _ => match self.choose(line, &matches).await? {
                    Chosen::Person(person) => Some(person),
                    Chosen::Other => None,
                    Chosen::Failed => return Ok(Exit::to(&self.failed)),
                },
            };
            say = &self.say;
            if let Some(person) = person {
                line.state().facts.person = Some(person);
                return Ok(Exit::to(&self.found));
            }
        }
    }

    /// Reads them out, eight at a time and round again, until one is chosen.
    async fn choose(&self, line: &Line, matches: &[PersonMatch]) -> Result<Chosen, Gone> {
        let more = matches.len() > READ_OUT_MAX;
        for page in matches.chunks(READ_OUT_MAX).cycle() {
            let (lang, mut say) = line.sounds(&self.several);
            for (person, number) in page.iter().zip(1..) {
                say.extend(line.sounds(&self.before_name).1);
                say.extend(name_of(person, line.flow.phrases()));
                say.extend(line.sounds(&self.before_key).1);
                say.push(Say::Number(number));
            }
            if more {
                say.extend(line.sounds(&self.next).1);
            }
            say.extend(line.sounds(&self.more).1);
            let nth = |key: Digit| key.as_char().to_digit(10).map(|n| n as usize);
            let accepts = |key: Digit| nth(key).is_some_and(|n| n <= page.len() || more && n == NEXT_KEY);
            match line.choose(Menu::new((lang, say), &accepts)).await? {
                Pick::Key(key) => match nth(key) {
                    Some(NEXT_KEY) => {}
                    Some(n) if n > 0 => return Ok(page.get(n - 1).cloned().map_or(Chosen::Other, Chosen::Person)),
                    Some(_) | None => return Ok(Chosen::Other),
                },
                Pick::Back => return Ok(Chosen::Other),
                Pick::Silence | Pick::Failed => return Ok(Chosen::Failed),
            }
        }
        Ok(Chosen::Other)
    }
}

enum Chosen {
    Person(PersonMatch),
    Other,
    Failed,
}

fn digits(keys: &str) -> Option<String> {
    (keys.len() <= DIGITS_MAX && keys.bytes().all(|b| b.is_ascii_digit())).then(|| keys.to_owned())
}
