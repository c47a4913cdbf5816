//! The desk's journal (R41): every abnormal event is written down, however it was handled.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::words::words;

/// What kind of event it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalKind {
    /// Calls could not come in over a line any more.
    LineDown,
    /// They can again.
    LineUp,
}

words!(JournalKind { LineDown => "line_down", LineUp => "line_up" });

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    pub at: DateTime<Utc>,
    pub kind: JournalKind,
    /// What it concerns: the trunk's name.
    pub about: String,
    pub text: String,
}
