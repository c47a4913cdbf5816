//! The desk's journal (R41): every abnormal event is written down, however it was handled.
//!
//! Entries are added, by hand and by the system, and never changed: a correction is an entry that names the one it corrects.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::told::{Told, told};
use super::words::words;

/// The longest text that one entry has, in characters.
pub const TEXT_MAX: usize = 4_000;
/// The longest name of what it concerns, and of whoever writes it.
pub const NAME_MAX: usize = 100;

/// What kind of event it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JournalKind {
    /// Calls could not come in over a line any more.
    LineDown,
    /// They can again.
    LineUp,
    /// There was too little room for recordings.
    DiskLow,
    /// There is room again.
    DiskBack,
    /// Nobody took an emergency (R18).
    MissedEmergency,
    /// As many calls went out through a gateway within an hour as may.
    OutgoingCalls,
    /// A clock of a ticket was over (R19, R23, R36).
    Overdue,
    /// Another alarm.
    Alarm,
    /// The daemon began to answer.
    Started,
    /// It ended in good order.
    Stopped,
    /// It had ended without saying so: a crash, or a power cut.
    CutOff,
    /// The data were taken from a backup.
    Restored,
    /// A list was imported.
    Imported,
    /// The time of day jumped.
    ClockSet,
    /// Somebody took a shift over that nobody had signed off (R40).
    NoSignOff,
    /// By hand: a note to those who come after.
    Note,
    /// By hand: something happened on the premises.
    Incident,
    /// By hand: equipment failed, or works again.
    Equipment,
    /// By hand: somebody came, or wrote.
    Visitor,
    /// By hand: what another entry says is wrong.
    Correction,
}

words!(JournalKind {
    LineDown => "line_down",
    LineUp => "line_up",
    DiskLow => "disk_low",
    DiskBack => "disk_back",
    MissedEmergency => "missed_emergency",
    OutgoingCalls => "outgoing_calls",
    Overdue => "overdue",
    Alarm => "alarm",
    Started => "started",
    Stopped => "stopped",
    CutOff => "cut_off",
    Restored => "restored",
    Imported => "imported",
    ClockSet => "clock_set",
    NoSignOff => "no_sign_off",
    Note => "note",
    Incident => "incident",
    Equipment => "equipment",
    Visitor => "visitor",
    Correction => "correction",
});

impl JournalKind {
    /// Those that people write.
    pub const BY_HAND: &'static [JournalKind] =
        &[JournalKind::Note, JournalKind::Incident, JournalKind::Equipment, JournalKind::Visitor];

    /// Whether nothing was wrong: what a handover may leave out when it is short of room.
    pub fn is_usual(self) -> bool {
        matches!(self, JournalKind::Started | JournalKind::Stopped | JournalKind::Imported)
    }
}

/// One entry, to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    pub at: DateTime<Utc>,
    pub kind: JournalKind,
    /// What it concerns: the trunk's name, a ticket's number, a place.
    pub about: String,
    pub text: String,
    /// Who wrote it; none for the system.
    pub who: Option<String>,
    /// The entry that this one corrects.
    pub corrects: Option<i64>,
}

impl JournalEntry {
    /// What the system says.
    pub fn of_system(at: DateTime<Utc>, kind: JournalKind, about: &str, text: &str) -> Self {
        Self { at, kind, about: about.to_owned(), text: text.to_owned(), who: None, corrects: None }
    }

    /// What a person says.
    ///
    /// # Errors
    /// Why it can't be kept: an empty or too long text or name, or a kind that is the system's.
    pub fn by_hand(at: DateTime<Utc>, kind: JournalKind, (about, text): (&str, &str), who: &str) -> Result<Self, Told> {
        let (about, text, who) = (about.trim(), text.trim(), who.trim());
        if !JournalKind::BY_HAND.contains(&kind) {
            let known: Vec<&str> = JournalKind::BY_HAND.iter().map(|kind| kind.as_str()).collect();
            let known = known.join(", ");
            return Err(told!("请从列出的种类中选择", "`{kind}` is the system's own; write one of {known}"));
        }
        check(about, text, who)?;
        Ok(Self { who: Some(who.to_owned()), ..Self::of_system(at, kind, about, text) })
    }

    /// What is to be read in the place of another entry.
    ///
    /// # Errors
    /// An empty or too long text or name.
    pub fn correction(at: DateTime<Utc>, corrects: i64, text: &str, who: &str) -> Result<Self, Told> {
        let (text, who) = (text.trim(), who.trim());
        check("", text, who)?;
        Ok(Self {
            who: Some(who.to_owned()),
            corrects: Some(corrects),
            ..Self::of_system(at, JournalKind::Correction, "", text)
        })
    }
}

fn check(about: &str, text: &str, who: &str) -> Result<(), Told> {
    if text.is_empty() {
        return Err(told!("请写明发生了什么、怎样处理", "the text is empty: write what happened, and what was done"));
    }
    if who.is_empty() {
        return Err(told!("请写明记录人", "the name is empty: an entry is somebody's"));
    }
    let limits =
        [("正文", "text", text, TEXT_MAX), ("姓名", "name", who, NAME_MAX), ("“关于”", "subject", about, NAME_MAX)];
    for (zh, what, value, max) in limits {
        let length = value.chars().count();
        if length > max {
            return Err(told!(
                "{zh}有 {length} 个字，最多 {max} 个",
                "the {what} has {length} characters; {max} at most"
            ));
        }
    }
    Ok(())
}

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptEntry {
    pub id: i64,
    pub entry: JournalEntry,
    /// The newest entry that corrects it.
    pub corrected_by: Option<i64>,
}
