//! Which channels there are, and how patient the desk is with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{NotifyChannel, Templates, Webhooks};
use crate::desk::hours::{Span, to_utc};
use crate::types::Lang;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifyRules {
    /// Whether there is a mail server.
    pub mail: bool,
    pub webhooks: Arc<Webhooks>,
    pub templates: Arc<Templates>,
    /// What people read who have no language of their own.
    pub language: Lang,
    /// The desk's name in each language; the first one's under the language above.
    pub desk_names: BTreeMap<Lang, String>,
    pub time_zone: Tz,
    /// When people are told of what is urgent alone (R10); the rest waits for its end.
    pub quiet: Option<Span>,
    /// Pauses after a first, second and further failed try; the last one holds for all after it.
    pub again: Vec<TimeDelta>,
    /// How long after the event it is given up.
    pub give_up: TimeDelta,
    /// So many failures of a channel in a row are an alarm.
    pub alarm_after: u32,
}

impl Default for NotifyRules {
    fn default() -> Self {
        Self {
            mail: false,
            webhooks: Arc::default(),
            templates: Arc::new(Templates::built_in()),
            language: Lang::new("zh"),
            desk_names: BTreeMap::new(),
            time_zone: Tz::Asia__Shanghai,
            quiet: Span::parse("22:00-07:00"),
            again: [10, 60, 300, 900, 3600].map(TimeDelta::seconds).to_vec(),
            give_up: TimeDelta::hours(48),
            alarm_after: 3,
        }
    }
}

impl NotifyRules {
    /// The first moment from then on at which people are told what is not urgent.
    pub fn when_awake(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let Some(quiet) = self.quiet else { return at };
        let local = at.with_timezone(&self.time_zone).naive_local();
        if !quiet.contains(local.time()) {
            return at;
        }
        let end = quiet.end();
        let day = if end > local.time() { Some(local.date()) } else { local.date().succ_opt() };
        day.and_then(|day| to_utc(day.and_time(end), self.time_zone)).unwrap_or(at).max(at)
    }

    /// When a notification is tried again after so many tries; `None` gives it up.
    pub fn next_try(&self, tries: u32, created_at: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let last = self.again.len().checked_sub(1)?;
        let pause = self.again[(tries.max(1) as usize - 1).min(last)];
        // A clock that was set back makes nothing wait for ever.
        let age = (now - created_at).max(TimeDelta::zero());
        (age + pause <= self.give_up).then(|| now + pause)
    }

    /// The language that somebody reads.
    pub fn language_of<'a>(&'a self, own: Option<&'a Lang>) -> &'a Lang {
        own.unwrap_or(&self.language)
    }

    pub fn desk_name(&self, lang: &Lang) -> &str {
        self.desk_names.get(lang).or_else(|| self.desk_names.get(&self.language)).map_or("frontdesk", String::as_str)
    }
}

/// The name of a way of telling, as its state is kept under: `email`, `sip`, `webhook NAME`.
pub fn channel_name(channel: NotifyChannel, recipient: &str) -> String {
    match channel {
        NotifyChannel::Email | NotifyChannel::Sip => channel.to_string(),
        NotifyChannel::Webhook => format!("{channel} {recipient}"),
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDateTime;

    use super::*;

    fn rules() -> NotifyRules {
        NotifyRules::default()
    }

    fn local(text: &str, zone: Tz) -> DateTime<Utc> {
        to_utc(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a time"), zone).expect("it exists")
    }

    #[test]
    fn r10_at_night_people_are_left_alone_until_the_morning() {
        let at = |text| local(text, Tz::Asia__Shanghai);
        for (now, told) in [
            ("2026-11-23 21:59", "2026-11-23 21:59"),
            ("2026-11-23 22:00", "2026-11-24 07:00"),
            ("2026-11-24 03:10", "2026-11-24 07:00"),
            ("2026-11-24 07:00", "2026-11-24 07:00"),
        ] {
            assert_eq!(rules().when_awake(at(now)), at(told), "{now}");
        }
        assert_eq!(NotifyRules { quiet: None, ..rules() }.when_awake(at("2026-11-24 03:10")), at("2026-11-24 03:10"));
    }

    #[test]
    fn quiet_hours_that_end_in_the_hour_which_is_left_out_end_after_it() {
        let zone = Tz::Europe__Berlin;
        let rules = NotifyRules { quiet: Span::parse("22:00-02:30"), time_zone: zone, ..rules() };
        // On 28 March 2027 there is no 02:30.
        assert_eq!(rules.when_awake(local("2027-03-28 01:00", zone)), local("2027-03-28 03:30", zone));
    }

    #[test]
    fn a_failed_one_is_tried_again_ever_later_and_given_up_at_last() {
        let created = local("2026-11-23 12:00", Tz::Asia__Shanghai);
        let rules = rules();
        let mut now = created;
        let mut pauses = Vec::new();
        for tries in 1.. {
            let Some(next) = rules.next_try(tries, created, now) else { break };
            pauses.push((next - now).num_seconds());
            now = next;
        }
        assert_eq!(pauses[..6], [10, 60, 300, 900, 3600, 3600]);
        assert!(now - created <= rules.give_up && now - created > rules.give_up - TimeDelta::hours(1), "{pauses:?}");
        let before = created - TimeDelta::days(1);
        assert_eq!(
            rules.next_try(1, created, before),
            Some(before + TimeDelta::seconds(10)),
            "a clock that was set back"
        );
    }
}
