//! What all pages have around them: title, bar, language, and the words that templates need.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::assets;
use super::{AREAS, area_of};
use crate::console::gate::Visitor;
use crate::desk::account::{User, UserId};
use crate::desk::names;
use crate::desk::privacy::Role;
use crate::desk::report::table::{Both, Tongue};
use crate::desk::view::LocalTime;

/// See the module. Templates say `frame.say("中文", "English")`.
pub struct Frame {
    pub title: String,
    /// The desk's name.
    pub desk: String,
    pub tongue: Tongue,
    /// Whoever is signed in.
    pub who: String,
    pub role: Role,
    /// They have a telephone: who calls it is told on every page.
    pub is_rung: bool,
    /// What every change sends with it.
    pub csrf: String,
    /// Whose page it is.
    pub user: UserId,
    pub bar: Vec<BarItem>,
    /// What was just done, for the page to say.
    pub said: Option<&'static str>,
    pub time_zone: Tz,
    pub now: DateTime<Utc>,
}

/// One entry of the bar at the top.
pub struct BarItem {
    pub path: &'static str,
    pub name: &'static str,
}

impl Frame {
    pub fn new(visitor: &Visitor, title: String) -> Self {
        let tongue = visitor.tongue;
        let seen = AREAS.iter().filter(|area| area.in_bar && visitor.may(area.least));
        Self {
            title,
            desk: visitor.settings.desk_name(Some(tongue)).to_owned(),
            tongue,
            who: visitor.user.full_name.clone(),
            role: visitor.user.role,
            is_rung: visitor.user.extension.is_some(),
            csrf: visitor.session.csrf.text(),
            user: visitor.user.id,
            bar: seen.map(|area| BarItem { path: area.path, name: area.name.of(tongue) }).collect(),
            said: None,
            time_zone: visitor.settings.time_zone,
            now: visitor.now,
        }
    }

    /// The frame of an area's first page, which has the area's name.
    pub fn of(visitor: &Visitor, path: &str) -> Self {
        let name = area_of(path).map_or("", |area| area.name.of(visitor.tongue));
        Self::new(visitor, name.to_owned())
    }

    /// The same, saying what the form before it did (`form::said`).
    pub fn saying(self, word: Option<&str>) -> Self {
        Self { said: super::form::said(word).map(|text| text.of(self.tongue)), ..self }
    }

    /// One of two texts, in the page's language.
    pub fn say(&self, zh: &'static str, en: &'static str) -> &'static str {
        Both::new(zh, en).of(self.tongue)
    }

    /// `zh-CN` or `en`, for the page's `lang`.
    pub fn lang(&self) -> &'static str {
        self.say("zh-CN", "en")
    }

    /// The address of a file for the browser.
    pub fn asset(&self, name: &str) -> &'static str {
        assets::url(name)
    }

    /// The desk's own time: `2026-11-23 21:14:05`.
    pub fn time(&self, at: &DateTime<Utc>) -> String {
        LocalTime::new(*at, self.time_zone).short()
    }

    /// Without seconds; without the day where it is today's.
    pub fn near(&self, at: &DateTime<Utc>) -> String {
        let local = at.with_timezone(&self.time_zone);
        let today = self.now.with_timezone(&self.time_zone).date_naive();
        let format = if local.date_naive() == today { "%H:%M" } else { "%Y-%m-%d %H:%M" };
        local.format(format).to_string()
    }

    /// Whether an account is locked just now.
    pub fn is_locked(&self, user: &User) -> bool {
        user.locked(self.now).is_some()
    }

    /// A role's name.
    pub fn role_name(&self, role: &Role) -> &'static str {
        names::role(*role).of(self.tongue)
    }
}
