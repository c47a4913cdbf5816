//! Who is rung for a duty at one moment: the roster, as far as its people are there; else everybody with that duty, so
//! that there always is somebody (R43).

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hours::Hours;
use super::people::{Directory, Duty, Person};
use super::presence::{Presences, Whereabouts};
use super::words::words;

/// Why it is these people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The roster says so.
    Rostered,
    /// There is no roster of that group: everybody with the duty.
    NoRoster,
    /// The roster has nobody now: everybody with the duty.
    RosterEmpty,
    /// The people of the roster are away: everybody with the duty.
    RosterAway,
    /// All are away, and it is an emergency: they are rung all the same (R18).
    AllAway,
}

words!(Because {
    Rostered => "rostered",
    NoRoster => "no_roster",
    RosterEmpty => "roster_empty",
    RosterAway => "roster_away",
    AllAway => "all_away",
});

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnDuty<'a> {
    pub people: Vec<&'a Person>,
    pub because: Because,
}

/// What is known of the staff.
#[derive(Debug, Clone, Copy)]
pub struct Staff<'a> {
    pub people: &'a Directory,
    pub hours: &'a Hours,
    pub presences: &'a Presences,
    pub time_zone: Tz,
}

impl<'a> Staff<'a> {
    pub fn on_duty(&self, duty: Duty, at: DateTime<Utc>) -> OnDuty<'a> {
        let available = |person: &&Person| self.can_be_rung(person, duty, at);
        let rostered = self.hours.on_roster(duty, at, self.time_zone);
        let because = match &rostered {
            None => Because::NoRoster,
            Some(extensions) if extensions.is_empty() => Because::RosterEmpty,
            Some(extensions) => {
                let of_roster = extensions.iter().filter_map(|extension| self.people.person(extension));
                let people: Vec<&Person> = of_roster.filter(available).collect();
                if !people.is_empty() {
                    return OnDuty { people, because: Because::Rostered };
                }
                Because::RosterAway
            }
        };
        let all = || self.people.people().iter().filter(|person| person.duty.contains(&duty));
        let people: Vec<&Person> = all().filter(available).collect();
        if people.is_empty() && duty == Duty::Emergency {
            return OnDuty { people: all().collect(), because: Because::AllAway };
        }
        OnDuty { people, because }
    }

    fn can_be_rung(&self, person: &Person, duty: Duty, at: DateTime<Utc>) -> bool {
        match self.presences.of(person, self.time_zone, at).state {
            Whereabouts::In => true,
            Whereabouts::Out => false,
            Whereabouts::Dnd => duty == Duty::Emergency,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Asia::Shanghai;

    use super::*;
    use crate::desk::hours::to_utc;
    use crate::desk::presence::Notice;

    const NIGHTS: &str = "[[duty]]\ngroup = \"emergency\"\npeople = [\"301\"]\nhours = [\"20:00-08:00\"]\n";

    fn seen(duty: Duty, roster: &str, local: &str, away: &[(&str, Whereabouts)]) -> (Vec<String>, Because) {
        let people = Directory::parse(Directory::default_text(), "built-in people").expect("they are good");
        let hours = format!("{}\n{roster}", Hours::default_text());
        let hours = Hours::parse(&hours, "hours.toml").expect("they are good");
        let local = chrono::NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M").expect("a time");
        let at = to_utc(local, Shanghai).expect("it exists");
        let notice = |(extension, state): &(&str, Whereabouts)| Notice {
            extension: (*extension).to_owned(),
            state: *state,
            until: None,
            set_at: at,
            set_by: "test".to_owned(),
        };
        let presences = Presences::new(away.iter().map(notice));
        let staff = Staff { people: &people, hours: &hours, presences: &presences, time_zone: Shanghai };
        let OnDuty { people, because } = staff.on_duty(duty, at);
        (people.into_iter().map(|p| p.extension.clone()).collect(), because)
    }

    fn all(people: &[&str]) -> Vec<String> {
        people.iter().map(|p| (*p).to_owned()).collect()
    }

    #[test]
    fn the_roster_decides_and_without_one_all_are_rung() {
        use Duty::{Emergency, Receptionist};
        assert_eq!(seen(Emergency, NIGHTS, "2026-11-23 21:00", &[]), (all(&["301"]), Because::Rostered));
        assert_eq!(seen(Emergency, NIGHTS, "2026-11-23 12:00", &[]), (all(&["201", "301"]), Because::RosterEmpty));
        assert_eq!(seen(Receptionist, NIGHTS, "2026-11-23 12:00", &[]), (all(&["100", "101"]), Because::NoRoster));
    }

    #[test]
    fn who_is_away_is_not_rung_unless_nobody_else_is_there_in_an_emergency() {
        use Duty::{Emergency, Receptionist};
        use Whereabouts::{Dnd, Out};
        let night = "2026-11-23 21:00";
        assert_eq!(seen(Emergency, NIGHTS, night, &[("301", Out)]), (all(&["201"]), Because::RosterAway));
        let both_out = [("301", Out), ("201", Out)];
        assert_eq!(seen(Emergency, NIGHTS, night, &both_out), (all(&["201", "301"]), Because::AllAway));
        assert_eq!(seen(Emergency, NIGHTS, night, &[("301", Dnd)]), (all(&["301"]), Because::Rostered));
        assert_eq!(seen(Receptionist, NIGHTS, night, &[("100", Dnd)]), (all(&["101"]), Because::NoRoster));
        assert_eq!(seen(Receptionist, NIGHTS, night, &[("100", Dnd), ("101", Out)]), (all(&[]), Because::NoRoster));
    }
}
