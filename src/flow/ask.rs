//! Asking the caller for keys: one key of a menu, or an entry ended by `#`. Wrong keys and silences are counted apart (R7).

use std::time::Duration;

use super::definition::Word;
use super::io::Say;
use super::line::{Gone, Line};
use crate::types::{Digit, Lang};

/// A question that one key answers.
pub struct Menu<'a> {
    pub says: (Lang, Vec<Say>),
    /// Said in its place from the second time on.
    pub again: (Lang, Vec<Say>),
    pub accepts: &'a (dyn Fn(Digit) -> bool + Sync),
    /// The first silence is an answer too.
    pub silence_answers: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    Key(Digit),
    /// `#` alone.
    Back,
    /// No key, where silence is an answer.
    Silence,
    /// Too many wrong keys, or silences.
    Failed,
}

/// What the path shows of a secret entry, however long it was.
const HIDDEN: &str = "****";

/// What an entry is taken as.
type Parse<'a, T> = &'a (dyn Fn(&str) -> Option<T> + Sync);

/// A question that several keys answer, up to `#` or a pause.
pub struct Entry<'a, T> {
    pub say: &'a [Word],
    /// Said after an entry that can't be taken, in place of the apology and `say`.
    pub again: &'a [Word],
    /// `*` is part of the entry; else it asks again from the start.
    pub with_star: bool,
    /// A PIN: the call's path shows `****` in its place.
    pub secret: bool,
    pub digits_max: usize,
    pub parse: Parse<'a, T>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entered<T> {
    Value(T),
    Back,
    Failed,
}

/// How often was asked in vain.
#[derive(Default)]
struct Tries {
    wrong: u8,
    none: u8,
}

impl<'a> Menu<'a> {
    /// A menu that says the same each time, and asks again at silence.
    pub fn new(says: (Lang, Vec<Say>), accepts: &'a (dyn Fn(Digit) -> bool + Sync)) -> Self {
        Self { again: says.clone(), says, accepts, silence_answers: false }
    }
}

impl Line {
    /// Asks until a key of the menu is pressed. `*` says it again.
    pub async fn choose(&self, menu: Menu<'_>) -> Result<Pick, Gone> {
        let mut tries = Tries::default();
        let mut says = &menu.says;
        self.state().asked = true;
        loop {
            self.announce(std::slice::from_ref(says)).await?;
            says = &menu.again;
            let Some(key) = self.first_key().await? else {
                if menu.silence_answers {
                    return Ok(Pick::Silence);
                }
                if !self.apologise_none(&mut tries).await? {
                    return Ok(Pick::Failed);
                }
                continue;
            };
            self.note_keys(key.to_string());
            match key {
                key if (menu.accepts)(key) => return Ok(Pick::Key(key)),
                Digit::HASH => return Ok(Pick::Back),
                Digit::STAR => {}
                _ => {
                    if !self.apologise_wrong(&mut tries).await? {
                        return Ok(Pick::Failed);
                    }
                }
            }
        }
    }

    /// Asks until an entry can be taken as a `T`. `#` alone goes back.
    pub async fn enter<T>(&self, entry: Entry<'_, T>) -> Result<Entered<T>, Gone> {
        let mut tries = Tries::default();
        let mut say = entry.say;
        self.state().asked = true;
        loop {
            self.tell(say).await?;
            say = entry.say;
            let Some(first) = self.first_key().await? else {
                if !self.apologise_none(&mut tries).await? {
                    return Ok(Entered::Failed);
                }
                continue;
            };
            if first == Digit::HASH {
                self.note_keys("#");
                return Ok(Entered::Back);
            }
            let Some(keys) = self.rest_of_entry(first, &entry).await? else {
                continue;
            };
            if let Some(value) = (entry.parse)(&keys) {
                return Ok(Entered::Value(value));
            }
            if entry.again.is_empty() {
                if !self.apologise_wrong(&mut tries).await? {
                    return Ok(Entered::Failed);
                }
            } else {
                self.forget_keys();
                tries.wrong += 1;
                if tries.wrong >= self.flow.keys().tries_wrong {
                    return Ok(Entered::Failed);
                }
                say = entry.again;
            }
        }
    }

    /// The keys of an entry that began with this one; `None` when `*` asks to begin anew.
    async fn rest_of_entry<T>(&self, first: Digit, entry: &Entry<'_, T>) -> Result<Option<String>, Gone> {
        let mut keys = String::new();
        let mut next = Some(first);
        // One more than allowed is taken, so that the entry is seen to be too long.
        while let Some(key) = next.filter(|k| *k != Digit::HASH && keys.len() <= entry.digits_max) {
            keys.push(key.as_char());
            if key == Digit::STAR && !entry.with_star {
                self.note_keys(if entry.secret { HIDDEN.to_owned() } else { keys });
                return Ok(None);
            }
            next = self.key(Duration::from_secs(self.flow.keys().next_s.into())).await?;
        }
        let ended = if next == Some(Digit::HASH) { "#" } else { "" };
        self.note_keys(if entry.secret { HIDDEN.to_owned() } else { format!("{keys}{ended}") });
        Ok(Some(keys))
    }

    async fn first_key(&self) -> Result<Option<Digit>, Gone> {
        self.key(Duration::from_secs(self.flow.keys().first_s.into())).await
    }

    /// Whether to ask again after a wrong key. Keys typed ahead were meant for something else and are dropped.
    async fn apologise_wrong(&self, tries: &mut Tries) -> Result<bool, Gone> {
        self.forget_keys();
        tries.wrong += 1;
        let again = tries.wrong < self.flow.keys().tries_wrong;
        if again {
            self.tell(std::slice::from_ref(&self.flow.phrases().wrong_key)).await?;
        }
        Ok(again)
    }

    async fn apologise_none(&self, tries: &mut Tries) -> Result<bool, Gone> {
        tries.none += 1;
        let again = tries.none < self.flow.keys().tries_none;
        if again {
            self.tell(std::slice::from_ref(&self.flow.phrases().no_key)).await?;
        }
        Ok(again)
    }
}
