//! `menu`: says something and leads on by one key. `*` says it again, `#` goes back one level.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use toml::Spanned;

use super::{Link, Nature, Step, Walk};
use crate::flow::ask::{self, Pick};
use crate::flow::definition::{Saying, Word, place};
use crate::flow::io::Say;
use crate::flow::line::{Exit, Gone, Line};
use crate::types::{Digit, Lang};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Menu {
    #[serde(default)]
    say: Saying,
    /// Said in its place from the second time on.
    #[serde(default)]
    again: Option<Saying>,
    /// Say `language-<code>` of the next language, when more than one is configured.
    #[serde(default)]
    offer_language: bool,
    keys: BTreeMap<Key, To>,
    /// After too many wrong keys, or silences (R7).
    failed: Word,
    /// The first silence leads here; without it silence is asked again.
    silence: Option<Word>,
}

impl Step for Menu {
    fn links(&self) -> Vec<Link<'_>> {
        let keys = self.keys.iter().map(|(key, to)| Link::key(key.0.to_string(), &to.node));
        let silence = self.silence.iter().map(|to| Link::itself("silence", to));
        keys.chain(silence).chain([Link::itself("failed", &self.failed)]).collect()
    }

    fn words(&self) -> Vec<&Word> {
        self.say.iter().chain(self.again.iter().flatten()).collect()
    }

    fn nature(&self) -> Nature {
        Nature::Menu
    }

    fn faults(&self) -> Vec<(Option<usize>, String, String)> {
        if self.keys.is_empty() {
            let remedy = "write keys = { 1 = \"node\" }, or make it a `play`";
            return vec![(place(&self.failed), "the menu has no keys".to_owned(), remedy.to_owned())];
        }
        Vec::new()
    }

    fn walk(self: Arc<Self>, line: Line) -> Walk {
        Box::pin(async move { self.ask(&line).await })
    }
}

impl Menu {
    async fn ask(&self, line: &Line) -> Result<Exit, Gone> {
        let accepts = |key: Digit| self.keys.get(&Key(key)).is_some_and(|to| line.is_offered(to.node.get_ref()));
        let pick = line
            .choose(ask::Menu {
                says: self.sounds(line, &self.say),
                again: self.sounds(line, self.again.as_ref().unwrap_or(&self.say)),
                accepts: &accepts,
                silence_answers: self.silence.is_some(),
            })
            .await?;
        Ok(match pick {
            Pick::Back => Exit::Back,
            Pick::Silence => Exit::to(self.silence.as_ref().unwrap_or(&self.failed)),
            Pick::Failed => Exit::to(&self.failed),
            Pick::Key(key) => match self.keys.get(&Key(key)) {
                Some(to) => {
                    line.state().facts.category = to.category.clone();
                    Exit::to(&to.node)
                }
                None => Exit::to(&self.failed),
            },
        })
    }

    fn sounds(&self, line: &Line, saying: &[Word]) -> (Lang, Vec<Say>) {
        let (lang, mut say) = line.sounds(saying);
        if let Some(next) = line.next_lang().filter(|_| self.offer_language) {
            say.push(Say::Prompt(format!("language-{next}")));
        }
        (lang, say)
    }
}

/// A key of a menu: `*` and `#` have their meaning everywhere and can't be given another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key(Digit);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some('*' | '#'), None) => {
                Err(de::Error::custom(format!("`{text}` repeats or goes back everywhere; write 0 to 9")))
            }
            (Some(c), None) => match Digit::from_char(c) {
                Some(digit) => Ok(Key(digit)),
                None => Err(de::Error::custom(format!("`{text}` is no key of a telephone; write 0 to 9"))),
            },
            _ => Err(de::Error::custom(format!("`{text}` is no key of a telephone; write 0 to 9"))),
        }
    }
}

/// Where a key leads: `"node"`, or `{ to = "node", category = "lift" }`.
#[derive(Debug)]
struct To {
    node: Word,
    category: Option<String>,
}

impl<'de> Deserialize<'de> for To {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let at: Spanned<Target> = Deserialize::deserialize(deserializer)?;
        let span = at.span();
        Ok(match at.into_inner() {
            Target::Node(node) => To { node: Spanned::new(span, node), category: None },
            Target::With(with) => To { node: with.to, category: with.category },
        })
    }
}

enum Target {
    Node(String),
    With(With),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct With {
    to: Word,
    category: Option<String>,
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Target;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a node's name or { to = \"node\", category = \"...\" }")
            }

            fn visit_str<E: de::Error>(self, node: &str) -> Result<Target, E> {
                Ok(Target::Node(node.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Target, A::Error> {
                With::deserialize(de::value::MapAccessDeserializer::new(map)).map(Target::With)
            }
        }

        deserializer.deserialize_any(Either)
    }
}
