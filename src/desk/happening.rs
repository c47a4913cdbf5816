//! What happened at the desk, in the order in which it was kept: for whoever must be told of it, once each.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// Counts up, never given twice.
    pub id: i64,
    pub at: DateTime<Utc>,
    /// `call`, `ticket`, `message`, `alarm`, `journal`.
    pub kind: String,
    /// What became of it: `began`, `opened`, `left`, `raised` and so on; of a ticket, the word in its history.
    pub what: String,
    /// The call's, message's or alarm's id, the ticket's number.
    pub about: String,
    pub who: Option<String>,
}
