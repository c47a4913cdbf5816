//! What is printed: the work sheet of a repair (维修服务任务单, R29), the report on a complaint (R38), reports (R42).
//! `spreadsheet`: reports and lists as CSV. `call_log`: the call log as one. `pcap`: a call's SIP messages as packets.
//!
//! What is printed is one HTML page that needs nothing else: styles are inside, A4 when printed, everything from outside escaped.
//! The command line writes them to a file, the HTTP API and the console serve them. The only room that names `askama`.

pub mod call_log;
mod complaint;
pub mod pcap;
mod report;
pub mod spreadsheet;
mod work_sheet;

use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::desk::report::table::{Both, Tongue};
use crate::desk::ticket::Ticket;
use crate::desk::view::LocalTime;

pub use report::{ReportHead, report};

/// What every page says of the desk.
#[derive(Debug, Clone)]
pub struct Letterhead {
    /// The desk's name, in the page's language where the settings have one.
    pub desk: String,
    pub tongue: Tongue,
    pub time_zone: Tz,
    pub printed_at: DateTime<Utc>,
}

/// Why there is no such page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    #[error("ticket {0} is {1}: work sheets are for repairs, reports for complaints")]
    NoForm(String, String),
    #[error("the page could not be made: {0}")]
    Page(String),
}

/// A repair's work sheet, or a complaint's report. Names of persons come from `name_of`, by extension.
///
/// # Errors
/// Inquiries and help requests have no form of their own.
pub fn of_ticket(
    ticket: &Ticket,
    head: &Letterhead,
    name_of: impl Fn(&str) -> Option<String>,
) -> Result<String, SheetError> {
    use crate::desk::ticket::Kind;
    match ticket.kind {
        Kind::Repair => page(&work_sheet::WorkSheetPage::new(ticket, head, name_of)),
        Kind::Complaint => page(&complaint::ComplaintPage::new(ticket, head, name_of)),
        Kind::Inquiry | Kind::Help => Err(SheetError::NoForm(ticket.number.0.clone(), with_article(ticket.kind))),
    }
}

fn with_article(kind: crate::desk::ticket::Kind) -> String {
    let article = if kind.as_str().starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {kind}")
}

fn page(template: &impl Template) -> Result<String, SheetError> {
    template.render().map_err(|fault| SheetError::Page(fault.to_string()))
}

impl Letterhead {
    /// One of two texts, in the page's language.
    fn say(&self, zh: &'static str, en: &'static str) -> &'static str {
        Both::new(zh, en).of(self.tongue)
    }

    /// `zh-CN` or `en`, for the page's `lang`.
    fn lang(&self) -> &'static str {
        self.say("zh-CN", "en")
    }

    /// `2026-11-23 21:14`.
    fn time(&self, at: DateTime<Utc>) -> String {
        let mut text = LocalTime::new(at, self.time_zone).short();
        text.truncate("2026-11-23 21:14".len());
        text
    }

    fn time_or_empty(&self, at: Option<DateTime<Utc>>) -> String {
        at.map(|at| self.time(at)).unwrap_or_default()
    }
}

/// A person as the page names them: `张伟 (301)`, or what is known.
fn person(who: &str, name_of: &impl Fn(&str) -> Option<String>) -> String {
    match name_of(who) {
        Some(name) if name != who => format!("{name} ({who})"),
        _ => who.to_owned(),
    }
}

/// Money with two decimals.
fn money(cents: Option<i64>) -> String {
    cents.map(|cents| format!("{}.{:02}", cents / 100, (cents % 100).abs())).unwrap_or_default()
}

/// Building and room as one.
fn place(ticket: &Ticket) -> String {
    [ticket.building.as_deref(), ticket.room.as_deref()].into_iter().flatten().collect::<Vec<_>>().join("-")
}

fn text(value: &Option<String>) -> String {
    value.clone().unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests;
