//! Whose messages have changed, by whichever process: the lamps of their telephones follow (RFC 3842).

use std::collections::BTreeSet;
use std::path::Path;

use super::{Reader, StoreError};
use crate::types::MessageId;

/// What happened that one look reads; the rest follows at the next one.
const AT_ONCE: usize = 1_000;

/// A look costs microseconds where nothing was written.
#[derive(Debug)]
pub struct MessageWatch {
    reader: Reader,
    version: Option<i64>,
    /// How far it has read what happened.
    read: i64,
}

impl MessageWatch {
    /// What happened before is known: a telephone that registers is told what waits.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let reader = Reader::open(path)?;
        let read = reader.last_happening()?;
        Ok(Self { reader, version: None, read })
    }

    /// Extensions of whom a message was left, heard or passed on since the last look.
    pub fn look(&mut self) -> Result<BTreeSet<String>, StoreError> {
        let version = self.reader.version()?;
        if self.version == Some(version) {
            return Ok(BTreeSet::new());
        }
        let happened = self.reader.happenings(self.read, AT_ONCE)?;
        let mut changed = BTreeSet::new();
        for happening in happened.iter().filter(|happening| happening.kind == "message") {
            let Ok(id) = happening.about.parse() else { continue };
            changed.extend(self.reader.message(MessageId(id))?.and_then(|message| message.for_person));
        }
        self.read = happened.last().map_or(self.read, |last| last.id);
        if happened.len() < AT_ONCE {
            self.version = Some(version);
        }
        Ok(changed)
    }
}
