//! The duty roster: who is on duty for what, by weekdays and by dates (R43).

use chrono::{NaiveDate, NaiveDateTime};

use super::calendar::{Calendar, Week, covers};
use super::span::Span;
use crate::desk::people::Duty;

/// Some people's duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shift {
    pub group: Duty,
    /// Extensions, in the order in which they were written.
    pub people: Vec<String>,
    pub when: When,
    /// 1-based line.
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum When {
    /// Week after week.
    Weekly(Week),
    /// On these days alone, and then in place of what is so each week.
    Dates { from: NaiveDate, to: NaiveDate, spans: Vec<Span> },
}

impl Shift {
    pub fn spans(&self) -> Vec<Span> {
        match &self.when {
            When::Weekly(week) => week.spans().collect(),
            When::Dates { spans, .. } => spans.clone(),
        }
    }

    fn covers(&self, local: NaiveDateTime, calendar: &Calendar) -> bool {
        covers(local, |date| match &self.when {
            When::Weekly(week) => week.on(calendar.kind(date)),
            When::Dates { from, to, spans } if (from..=to).contains(&&date) => spans,
            When::Dates { .. } => &[],
        })
    }
}

/// Extensions of those who are on duty at a local time, as the roster says: a shift with dates goes before those of each
/// week while it lasts. `None` when the roster says nothing of that group at all.
pub(super) fn on_duty<'a>(
    shifts: &'a [Shift],
    calendar: &Calendar,
    group: Duty,
    local: NaiveDateTime,
) -> Option<Vec<&'a str>> {
    let mut of_group = shifts.iter().filter(|shift| shift.group == group).peekable();
    of_group.peek()?;
    let now: Vec<&Shift> = of_group.filter(|shift| shift.covers(local, calendar)).collect();
    let dated = |shift: &&Shift| matches!(shift.when, When::Dates { .. });
    let dates_decide = now.iter().any(dated);
    let mut people: Vec<&str> = Vec::new();
    for extension in now.iter().filter(|shift| !dates_decide || dated(shift)).flat_map(|shift| &shift.people) {
        if !people.contains(&extension.as_str()) {
            people.push(extension);
        }
    }
    Some(people)
}
