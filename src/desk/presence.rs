//! Whether a person can be rung now: what `people.toml` says, and what was said since by `frontdesk people set` (R15, R16).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hours::to_utc;
use super::people::Person;
use super::words::words;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Whereabouts {
    In,
    /// Not there: callers hear so at once.
    Out,
    /// There, but not to be called; on emergency duty all the same.
    Dnd,
}

words!(Whereabouts { In => "in", Out => "out", Dnd => "dnd" });

/// How it is with a person at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Presence {
    pub state: Whereabouts,
    /// When that ends by itself.
    pub until: Option<DateTime<Utc>>,
}

impl Presence {
    pub const IN: Presence = Presence { state: Whereabouts::In, until: None };

    pub fn is_in(self) -> bool {
        self.state == Whereabouts::In
    }
}

/// What was said of one person; it goes before what `people.toml` says, until it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    pub extension: String,
    pub state: Whereabouts,
    pub until: Option<DateTime<Utc>>,
    pub set_at: DateTime<Utc>,
    /// Who said so.
    pub set_by: String,
}

/// What was said of everybody.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Presences(BTreeMap<String, Notice>);

impl Presences {
    /// The newest word of each person.
    pub fn new(notices: impl IntoIterator<Item = Notice>) -> Self {
        Self(notices.into_iter().map(|notice| (notice.extension.clone(), notice)).collect())
    }

    /// How it is with this person.
    pub fn of(&self, person: &Person, time_zone: Tz, at: DateTime<Utc>) -> Presence {
        let notice = self.0.get(&person.extension).filter(|notice| notice.until.is_none_or(|until| until > at));
        if let Some(notice) = notice {
            return Presence { state: notice.state, until: notice.until };
        }
        let absent_until = person.absent_until.and_then(|local| to_utc(local, time_zone)).filter(|until| *until > at);
        if !person.present {
            Presence { state: Whereabouts::Out, until: None }
        } else if absent_until.is_some() {
            Presence { state: Whereabouts::Out, until: absent_until }
        } else if person.do_not_disturb {
            Presence { state: Whereabouts::Dnd, until: None }
        } else {
            Presence::IN
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use chrono_tz::Asia::Shanghai;

    use super::*;
    use crate::desk::people::Directory;

    fn at(hours: i64) -> DateTime<Utc> {
        // 10:00 in Shanghai, and so many hours later.
        "2026-11-23T02:00:00Z".parse::<DateTime<Utc>>().expect("a time") + TimeDelta::hours(hours)
    }

    fn notice(state: Whereabouts, until: Option<DateTime<Utc>>) -> Notice {
        Notice { extension: "1".to_owned(), state, until, set_at: at(0), set_by: "test".to_owned() }
    }

    fn seen(more: &str, notice: Option<Notice>, hours: i64) -> (Whereabouts, Option<DateTime<Utc>>) {
        let text = format!("[[person]]\nextension = \"1\"\nname = \"张伟\"\n{more}\n");
        let people = Directory::parse(&text, "p.toml").expect("it is good");
        let presence = Presences::new(notice).of(&people.people()[0], Shanghai, at(hours));
        (presence.state, presence.until)
    }

    #[test]
    fn the_file_holds_where_nothing_else_was_said() {
        use Whereabouts::{Dnd, In, Out};
        assert_eq!(seen("", None, 0), (In, None));
        assert_eq!(seen("present = false", None, 0), (Out, None));
        assert_eq!(seen("do_not_disturb = true", None, 0), (Dnd, None));
        assert_eq!(seen("absent_until = \"2026-11-23 18:00\"", None, 7), (Out, Some(at(8))));
        assert_eq!(seen("absent_until = \"2026-11-23 18:00\"", None, 8), (In, None), "it ends by itself");
    }

    #[test]
    fn what_was_said_goes_before_the_file_until_it_ends() {
        use Whereabouts::{Dnd, In, Out};
        assert_eq!(seen("present = false", Some(notice(In, None)), 100), (In, None));
        assert_eq!(seen("", Some(notice(Out, Some(at(2)))), 1), (Out, Some(at(2))));
        assert_eq!(seen("", Some(notice(Out, Some(at(2)))), 2), (In, None));
        assert_eq!(seen("do_not_disturb = true", Some(notice(Out, Some(at(2)))), 2), (Dnd, None));
    }
}
