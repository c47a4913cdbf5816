//! `person`: looks a person up by extension, or by the letters of the name on the keypad (R14, R17). Several are read out
//! to choose from; their numbers are never said (R16).

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
/// People read out to choose from: the keys 1 to 8.
const MATCHES_MAX: usize = 8;

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
        let parts = [&self.say, &self.none, &self.several, &self.before_name, &self.before_key, &self.more];
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
            matches.truncate(MATCHES_MAX);
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
                _ => match self.choose(line, matches).await? {
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

    async fn choose(&self, line: &Line, mut matches: Vec<PersonMatch>) -> Result<Chosen, Gone> {
        let (lang, mut say) = line.sounds(&self.several);
        for (person, number) in matches.iter().zip(1..) {
            say.extend(line.sounds(&self.before_name).1);
            say.extend(name_of(person, line.flow.phrases()));
            say.extend(line.sounds(&self.before_key).1);
            say.push(Say::Number(number));
        }
        say.extend(line.sounds(&self.more).1);
        let count = matches.len();
        let nth = |key: Digit| key.as_char().to_digit(10).map(|n| n as usize);
        let accepts = |key: Digit| nth(key).is_some_and(|n| n <= count);
        Ok(match line.choose(Menu::new((lang, say), &accepts)).await? {
            Pick::Key(key) => match nth(key).filter(|n| (1..=count).contains(n)) {
                Some(n) => Chosen::Person(matches.swap_remove(n - 1)),
                None => Chosen::Other,
            },
            Pick::Back => Chosen::Other,
            Pick::Silence | Pick::Failed => Chosen::Failed,
        })
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
