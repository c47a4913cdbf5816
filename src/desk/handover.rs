//! A shift's handover (交接班, R40): who goes signs off with a note, who comes reads the page and signs on by name.
//!
//! The page has a code that is on it alone: whoever signs on says it, and so has had the page before them. It names the
//! handover and the last entries that were on the page; the next page begins behind them, so nothing is between two shifts.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use super::alarm::Alarm;
use super::journal::KeptEntry;
use super::message::Message;
use super::ticket::Ticket;
use super::told::{Told, told};

/// The longest note of a sign-off, in characters.
pub const NOTE_MAX: usize = 4_000;
/// The longest name, in characters.
pub const NAME_MAX: usize = 100;

/// What a page has read: the code at its foot, `H12-57-1203-9001`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// The newest handover; 0 before the first.
    pub handover: i64,
    /// The newest entry of the journal.
    pub journal: i64,
    /// The newest line in a ticket's history.
    pub event: i64,
    /// The newest thing that happened at all.
    pub happening: i64,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "H{}-{}-{}-{}", self.handover, self.journal, self.event, self.happening)
    }
}

/// What was written is no page's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("that is no page's code; it stands at the foot of `frontdesk handover show`, like H12-57-1203-9001")]
pub struct NotAMark;

impl FromStr for Mark {
    type Err = NotAMark;

    fn from_str(text: &str) -> Result<Self, NotAMark> {
        let digits = text.trim().strip_prefix(['H', 'h']).ok_or(NotAMark)?;
        let parts: Vec<i64> = digits
            .split('-')
            .map(|part| part.parse::<u32>().map(i64::from).map_err(|_| NotAMark))
            .collect::<Result<_, _>>()?;
        match parts[..] {
            [handover, journal, event, happening] => Ok(Self { handover, journal, event, happening }),
            _ => Err(NotAMark),
        }
    }
}

/// Who went, and what they said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedOff {
    pub by: String,
    pub at: DateTime<Utc>,
    pub note: String,
}

/// Who came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedOn {
    pub by: String,
    pub at: DateTime<Utc>,
    /// What they had read.
    pub read: Mark,
}

/// One handover as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    pub id: i64,
    /// None where nobody did.
    pub off: Option<SignedOff>,
    /// None while it waits for somebody.
    pub on: Option<SignedOn>,
    /// Why nobody signed off before.
    pub without_sign_off: Option<String>,
}

/// How it stands between two shifts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The newest handover at which somebody signed on: theirs is the shift.
    pub shift: Option<Handover>,
    /// Signed off, and waiting for somebody.
    pub waiting: Option<Handover>,
}

impl Standing {
    /// The newest handover's number; 0 before the first.
    pub fn newest(&self) -> i64 {
        [&self.waiting, &self.shift].into_iter().flatten().map(|handover| handover.id).max().unwrap_or(0)
    }

    /// Where the page begins: behind what the shift had read when it came.
    pub fn read(&self) -> Mark {
        self.shift.as_ref().and_then(|shift| shift.on.as_ref()).map(|on| on.read).unwrap_or_default()
    }

    /// Who has the shift now; none while it waits, and before the first.
    pub fn on_shift(&self) -> Option<&SignedOn> {
        self.shift.as_ref().filter(|_| self.waiting.is_none())?.on.as_ref()
    }

    /// Whether somebody may sign off by this name.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn may_sign_off(&self, name: &str, note: &str) -> Result<(), Told> {
        check_name(name)?;
        let length = note.chars().count();
        if length > NOTE_MAX {
            return Err(told!(
                "交班说明有 {length} 个字，最多 {NOTE_MAX} 个",
                "the note has {length} characters; {NOTE_MAX} at most"
            ));
        }
        if let Some(off) = self.waiting.as_ref().and_then(|waiting| waiting.off.as_ref()) {
            let by = &off.by;
            return Err(told!("{by} 已经交班：现在请接班", "{by} has signed off already: now somebody signs on"));
        }
        match self.on_shift() {
            Some(on) if on.by != name.trim() => {
                let by = &on.by;
                Err(told!(
                    "当班的是 {by}，由其交班；未交班而接班的，请写明原因",
                    "{by} has the shift and signs off; whoever takes it over without that says why"
                ))
            }
            _ => Ok(()),
        }
    }

    /// Whether somebody may sign on by this name, having read that page; `why` is the reason given for there being no
    /// sign-off.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn may_sign_on(&self, name: &str, read: Mark, last: Mark, why: Option<&str>) -> Result<(), Told> {
        check_name(name)?;
        if read.handover != self.newest() {
            return Err(told!(
                "这份交班记录已过时：请重新阅读后再接班",
                "that page is older than the last handover: read `frontdesk handover show` again"
            ));
        }
        let before = self.read();
        let pairs = [(read.journal, before.journal, last.journal), (read.event, before.event, last.event)];
        if pairs.into_iter().any(|(read, before, last)| read < before || read > last) {
            return Err(told!("没有这份交班记录", "there is no such page: the code stands at its foot"));
        }
        match (&self.waiting, why) {
            (Some(waiting), Some(_)) => {
                let by = waiting.off.as_ref().map_or("somebody", |off| off.by.as_str());
                Err(told!(
                    "已经交班，不需要填写原因",
                    "{by} has signed off: no reason is needed, leave --without-sign-off out"
                ))
            }
            (None, Some(why)) if why.trim().is_empty() => Err(told!("请填写原因", "the reason is empty")),
            (None, Some(why)) if why.chars().count() > NOTE_MAX => Err(told!("原因太长", "the reason is too long")),
            (None, None) => match self.on_shift() {
                Some(on) => {
                    let by = &on.by;
                    Err(match by == name.trim() {
                        true => told!("{by} 已在当班", "{by} has the shift already"),
                        false => told!(
                            "{by} 还没有交班：请其交班，或写明未交班的原因",
                            "{by} has not signed off: let them do so, or say why it goes without, by --without-sign-off"
                        ),
                    })
                }
                // The first shift of all takes over from nobody.
                None => Ok(()),
            },
            (Some(_), None) | (None, Some(_)) => Ok(()),
        }
    }
}

fn check_name(name: &str) -> Result<(), Told> {
    let name = name.trim();
    if name.is_empty() {
        return Err(told!("姓名是空的：交接班要有人签名", "the name is empty: a shift is signed by somebody"));
    }
    let length = name.chars().count();
    if length > NAME_MAX {
        return Err(told!(
            "姓名有 {length} 个字，最多 {NAME_MAX} 个",
            "the name has {length} characters; {NAME_MAX} at most"
        ));
    }
    Ok(())
}

/// A list of which there may be more than it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    pub list: Vec<T>,
    pub total: u64,
}

impl<T> Listed<T> {
    /// How many more there are than the first `shown`.
    pub fn beyond(&self, shown: usize) -> u64 {
        self.total.saturating_sub(self.list.len().min(shown) as u64)
    }
}

/// What the page says, besides who is on duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub at: DateTime<Utc>,
    pub standing: Standing,
    /// Open ones: what is due first stands first, what is due never stands last.
    pub tickets: Listed<Ticket>,
    /// Not confirmed, the oldest first.
    pub messages: Listed<Message>,
    /// Not acknowledged, the oldest first.
    pub alarms: Listed<Alarm>,
    /// Emergencies that nobody took since then, acknowledged or not.
    pub missed: Listed<Alarm>,
    /// Since then, the oldest first.
    pub journal: Listed<KeptEntry>,
    pub calls: u64,
    pub opened: u64,
    pub closed: u64,
    pub mark: Mark,
}

impl Page {
    /// Since when it tells; none before the first handover.
    pub fn since(&self) -> Option<DateTime<Utc>> {
        self.standing.shift.as_ref()?.on.as_ref().map(|on| on.at)
    }
}

/// When the next promise of a ticket is due; none when nothing of it runs.
pub fn next_due(ticket: &Ticket) -> Option<(&str, DateTime<Utc>)> {
    let running = ticket.due.iter().filter(|(_, clock)| clock.met_at.is_none() && clock.paused.is_none());
    running.map(|(name, clock)| (name.as_str(), clock.at)).min_by_key(|(_, at)| *at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(id: i64, by: &str, journal: i64) -> Handover {
        let read = Mark { handover: id, journal, event: 3, happening: 9 };
        let on = SignedOn { by: by.to_owned(), at: DateTime::UNIX_EPOCH, read };
        Handover { id, off: None, on: Some(on), without_sign_off: None }
    }

    fn off(id: i64, by: &str) -> Handover {
        let off = SignedOff { by: by.to_owned(), at: DateTime::UNIX_EPOCH, note: String::new() };
        Handover { id, off: Some(off), on: None, without_sign_off: None }
    }

    fn mark(handover: i64, journal: i64) -> Mark {
        Mark { handover, journal, event: 4, happening: 9 }
    }

    const LAST: Mark = Mark { handover: 0, journal: 20, event: 8, happening: 12 };

    #[test]
    fn a_code_is_read_as_it_is_shown_and_nothing_else_is_one() {
        let code = Mark { handover: 12, journal: 57, event: 1_203, happening: 9_001 };
        assert_eq!(code.to_string(), "H12-57-1203-9001");
        assert_eq!(" h12-57-1203-9001 ".parse(), Ok(code));
        for text in ["", "H", "12-57-1203-9001", "H1-2-3", "H1-2-3-4-5", "H-1-2-3-4", "H1-2-3-99999999999", "H1-2-3-x"]
        {
            assert_eq!(text.parse::<Mark>(), Err(NotAMark), "{text}");
        }
    }

    #[test]
    fn the_first_shift_takes_over_from_nobody_and_signs_off_to_the_next() {
        let standing = Standing::default();
        assert_eq!(standing.may_sign_on("王芳", mark(0, 0), LAST, None), Ok(()));
        let standing = Standing { shift: Some(on(1, "王芳", 5)), waiting: None };
        assert!(standing.may_sign_off("李娜", "").unwrap_err().to_string().starts_with("王芳 has the shift"));
        assert_eq!(standing.may_sign_off(" 王芳 ", "钥匙在前台"), Ok(()));
        assert!(standing.may_sign_off(" ", "").is_err());
        let standing = Standing { waiting: Some(off(2, "王芳")), ..standing };
        assert_eq!(
            standing.may_sign_off("王芳", ""),
            Err(Told::new("王芳 已经交班：现在请接班", "王芳 has signed off already: now somebody signs on"))
        );
        assert_eq!(standing.on_shift(), None);
        assert_eq!(standing.may_sign_on("李娜", mark(2, 6), LAST, None), Ok(()));
    }

    #[test]
    fn nobody_signs_on_without_the_page_that_there_is_now() {
        let standing = Standing { shift: Some(on(1, "王芳", 5)), waiting: Some(off(2, "王芳")) };
        for (wrong, why) in
            [(mark(1, 6), "older"), (mark(3, 6), "older"), (mark(2, 4), "no such"), (mark(2, 21), "no such")]
        {
            let told = standing.may_sign_on("李娜", wrong, LAST, None).unwrap_err().to_string();
            assert!(told.contains(why), "{wrong}: {told}");
        }
    }

    #[test]
    fn an_unsigned_shift_is_taken_over_with_a_reason_alone() {
        let standing = Standing { shift: Some(on(1, "王芳", 5)), waiting: None };
        let told = standing.may_sign_on("李娜", mark(1, 6), LAST, None).unwrap_err().to_string();
        assert!(told.starts_with("王芳 has not signed off"), "{told}");
        assert!(standing.may_sign_on("李娜", mark(1, 6), LAST, Some(" ")).is_err());
        assert_eq!(standing.may_sign_on("李娜", mark(1, 6), LAST, Some("生病离岗")), Ok(()));
        let standing = Standing { waiting: Some(off(2, "王芳")), ..standing };
        assert!(
            standing
                .may_sign_on("李娜", mark(2, 6), LAST, Some("x"))
                .unwrap_err()
                .to_string()
                .contains("leave --without")
        );
    }
}
