//! What each date is like: a weekday, a holiday, or a make-up workday (调休); and weeks of spans that follow it.

use chrono::{Datelike, NaiveDate, NaiveDateTime, Weekday};

use super::span::Span;

/// Days on which the desk is closed, or open otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holiday {
    /// Empty where the file gives none.
    pub name: String,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub open: Vec<Span>,
}

/// A day that goes like another weekday (调休).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Workday {
    pub name: String,
    pub date: NaiveDate,
    pub like: Weekday,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Calendar {
    pub holidays: Vec<Holiday>,
    pub workdays: Vec<Workday>,
}

/// How a date goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    Weekday(Weekday),
    Holiday(&'a Holiday),
}

/// A date that is no day of the week like others. Names are empty where the file gives none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special<'a> {
    Holiday {
        name: &'a str,
    },
    /// A make-up workday goes like this day of the week.
    Workday {
        name: &'a str,
        like: Weekday,
    },
}

impl Calendar {
    /// A make-up workday goes before a holiday, and that before the week.
    pub fn kind(&self, date: NaiveDate) -> Kind<'_> {
        if let Some(workday) = self.workdays.iter().find(|w| w.date == date) {
            return Kind::Weekday(workday.like);
        }
        let holiday = self.holidays.iter().find(|h| (h.from..=h.to).contains(&date));
        holiday.map_or(Kind::Weekday(date.weekday()), Kind::Holiday)
    }

    /// What is special about a date, for people.
    pub fn special(&self, date: NaiveDate) -> Option<Special<'_>> {
        if let Some(workday) = self.workdays.iter().find(|w| w.date == date) {
            return Some(Special::Workday { name: &workday.name, like: workday.like });
        }
        match self.kind(date) {
            Kind::Holiday(holiday) => Some(Special::Holiday { name: &holiday.name }),
            Kind::Weekday(_) => None,
        }
    }
}

/// Spans of each weekday, Monday first, and of holidays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Week {
    pub days: [Vec<Span>; 7],
    pub holiday: Vec<Span>,
}

impl Week {
    pub fn on(&self, kind: Kind<'_>) -> &[Span] {
        match kind {
            Kind::Weekday(day) => &self.days[day.num_days_from_monday() as usize],
            Kind::Holiday(_) => &self.holiday,
        }
    }

    pub fn spans(&self) -> impl Iterator<Item = Span> {
        self.days.iter().flatten().chain(&self.holiday).copied()
    }
}

/// Whether a local time lies in a span of its day, or in one of the day before that runs over midnight.
pub(super) fn covers<'a>(local: NaiveDateTime, spans_of: impl Fn(NaiveDate) -> &'a [Span]) -> bool {
    let (date, time) = (local.date(), local.time());
    let before = date.pred_opt().map(&spans_of).unwrap_or_default();
    spans_of(date).iter().any(|span| span.has_begun(time)) || before.iter().any(|span| span.goes_on(time))
}
