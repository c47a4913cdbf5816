//! The page of a handover as JSON and as text: one look, a minute to read (R40). `handover_print` has it for paper.

use std::cell::Cell;
use std::fmt::{self, Write};

use chrono_tz::Tz;
use serde::Serialize;
use utoipa::ToSchema;

use super::alarm::Alarm;
use super::handover::{Handover, Listed, Mark, Page, next_due};
use super::journal::{JournalKind, KeptEntry};
use super::message::Message;
use super::on_duty::{Because, Staff};
use super::people::Duty;
use super::privacy::Sight;
use super::roster::{NEEDED, Stretch, now_and_next};
use super::ticket::Ticket;
use super::view::{AlarmView, JournalView, LocalTime, MessageView};

/// The page; its lists have as many as the store was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageView {
    pub desk: String,
    pub at: LocalTime,
    pub since: Option<LocalTime>,
    /// Who has the shift; null while it waits for somebody.
    pub on_shift: Option<String>,
    pub signed_off: Option<SignedOffView>,
    pub duty: Vec<DutyView>,
    #[schema(value_type = ListView<AlarmView<'static>>)]
    pub alarms: ListView<serde_json::Value>,
    #[schema(value_type = ListView<AlarmView<'static>>)]
    pub missed_emergencies: ListView<serde_json::Value>,
    pub tickets: ListView<TicketLine>,
    #[schema(value_type = ListView<MessageView<'static>>)]
    pub messages: ListView<serde_json::Value>,
    #[schema(value_type = ListView<JournalView<'static>>)]
    pub journal: ListView<serde_json::Value>,
    pub calls: u64,
    pub tickets_opened: u64,
    pub tickets_closed: u64,
    /// What whoever signs on says: they have had this page.
    pub read: String,
    /// Whether it tells a caller's number in full, or leads to what was recorded of them.
    #[serde(skip)]
    pub shows: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SignedOffView {
    pub by: String,
    pub at: LocalTime,
    pub note: String,
}

/// A list and how many there are in all.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListView<T> {
    pub total: u64,
    pub list: Vec<T>,
}

/// An open ticket in one line.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketLine {
    pub number: String,
    pub kind: String,
    pub urgency: Option<String>,
    pub category: Option<String>,
    pub place: String,
    pub stage: String,
    pub owner: String,
    /// The clock whose end comes first.
    pub clock: Option<String>,
    pub due: Option<LocalTime>,
    pub overdue: bool,
    pub paused: bool,
}

/// Who is on duty for one group, and who comes next.
#[derive(Debug, Serialize, ToSchema)]
pub struct DutyView {
    pub group: Duty,
    pub people: Vec<String>,
    pub because: Because,
    pub until: Option<LocalTime>,
    pub next: Vec<String>,
    /// Nobody is on the roster, now or next, and somebody is needed.
    pub gap: bool,
}

impl DutyView {
    /// All groups at `at`.
    pub fn all(staff: Staff<'_>, at: chrono::DateTime<chrono::Utc>) -> Vec<DutyView> {
        let names = |s: &Stretch<'_>| s.people.iter().map(|p| format!("{} {}", p.extension, p.name)).collect();
        let view = |duty: &Duty| {
            let (now, next) = now_and_next(staff, *duty, at);
            DutyView {
                group: *duty,
                people: names(&now),
                because: now.because,
                until: now.to.map(|to| LocalTime::new(to, staff.time_zone)),
                next: next.as_ref().map(names).unwrap_or_default(),
                gap: now.is_gap() || next.as_ref().is_some_and(Stretch::is_gap),
            }
        };
        Duty::ALL.iter().map(view).collect()
    }
}

/// One handover of the past.
#[derive(Debug, Serialize, ToSchema)]
pub struct HandoverView<'a> {
    pub id: i64,
    pub signed_off_by: Option<&'a str>,
    pub signed_off_at: Option<LocalTime>,
    pub note: Option<&'a str>,
    pub signed_on_by: Option<&'a str>,
    pub signed_on_at: Option<LocalTime>,
    pub without_sign_off: Option<&'a str>,
    /// The last entries that were read: of the journal, and of tickets' histories.
    pub read_journal: Option<i64>,
    pub read_event: Option<i64>,
}

impl<'a> HandoverView<'a> {
    pub fn new(handover: &'a Handover, time_zone: Tz) -> Self {
        let local = |at| LocalTime::new(at, time_zone);
        let (off, on) = (handover.off.as_ref(), handover.on.as_ref());
        Self {
            id: handover.id,
            signed_off_by: off.map(|off| off.by.as_str()),
            signed_off_at: off.map(|off| local(off.at)),
            note: off.map(|off| off.note.as_str()),
            signed_on_by: on.map(|on| on.by.as_str()),
            signed_on_at: on.map(|on| local(on.at)),
            without_sign_off: handover.without_sign_off.as_deref(),
            read_journal: on.map(|on| on.read.journal),
            read_event: on.map(|on| on.read.event),
        }
    }
}

impl PageView {
    /// The page as somebody may see it. `duty` is empty where the roster can't be read.
    pub fn new(page: Page, (desk, time_zone): (&str, Tz), duty: Vec<DutyView>, sight: Sight<'_>) -> Self {
        let local = |at| LocalTime::new(at, time_zone);
        let off = page.standing.waiting.as_ref().and_then(|waiting| waiting.off.as_ref());
        let since = page.since().map(local);
        let shows = Cell::new(false);
        let alarm = |alarm: Alarm| {
            let alarm = sight.alarm(alarm);
            shows.set(shows.get() || alarm.shows());
            json(&AlarmView::new(&alarm, time_zone))
        };
        let message = |message: Message| {
            let message = sight.message(message);
            shows.set(shows.get() || message.shows(sight.surface));
            json(&MessageView::new(&message, time_zone))
        };
        let entry = |kept: KeptEntry| {
            let kept = sight.entry(kept);
            shows.set(shows.get() || kept.shows());
            json(&JournalView::new(&kept, time_zone))
        };
        let ticket = |ticket: Ticket| TicketLine::new(&ticket, page.at, time_zone);
        Self {
            desk: desk.to_owned(),
            at: local(page.at),
            since,
            on_shift: page.standing.on_shift().map(|on| on.by.clone()),
            signed_off: off.map(|off| SignedOffView { by: off.by.clone(), at: local(off.at), note: off.note.clone() }),
            duty,
            alarms: listed(page.alarms, alarm),
            missed_emergencies: listed(page.missed, alarm),
            tickets: listed(page.tickets, ticket),
            messages: listed(page.messages, message),
            journal: listed(page.journal, entry),
            calls: page.calls,
            tickets_opened: page.opened,
            tickets_closed: page.closed,
            read: Mark::to_string(&page.mark),
            shows: shows.get(),
        }
    }
}

fn listed<T, V>(listed: Listed<T>, view: impl Fn(T) -> V) -> ListView<V> {
    ListView { total: listed.total, list: listed.list.into_iter().map(view).collect() }
}

fn json(view: &impl Serialize) -> serde_json::Value {
    // Views have string keys and finite numbers alone: there is nothing that JSON can't say.
    serde_json::to_value(view).unwrap_or_default()
}

impl TicketLine {
    fn new(ticket: &Ticket, now: chrono::DateTime<chrono::Utc>, time_zone: Tz) -> Self {
        let due = next_due(ticket);
        let place: Vec<&str> =
            [&ticket.building, &ticket.room].into_iter().filter_map(|part| part.as_deref()).collect();
        Self {
            number: ticket.number.to_string(),
            kind: ticket.kind.to_string(),
            urgency: ticket.urgency.map(|urgency| urgency.to_string()),
            category: ticket.category.clone(),
            place: place.join("-"),
            stage: ticket.stage.clone(),
            owner: ticket.owner.clone().unwrap_or_default(),
            clock: due.map(|(name, _)| name.to_owned()),
            due: due.map(|(_, at)| LocalTime::new(at, time_zone)),
            overdue: due.is_some_and(|(_, at)| at < now),
            paused: ticket.due.values().any(|clock| clock.paused.is_some() && clock.met_at.is_none()),
        }
    }
}

/// One part of the page, ready to be written as text.
struct Part {
    title: &'static str,
    zh: &'static str,
    total: u64,
    rows: Vec<Vec<String>>,
}

/// A field of a record, as text.
pub fn field(value: &serde_json::Value, key: &str) -> String {
    match &value[key] {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// `2026-11-23T21:14:05.123+08:00` as `11-23 21:14`.
pub(super) fn short(at: &str) -> String {
    at.get(5..16).map(|at| at.replace('T', " ")).unwrap_or_default()
}

impl PageView {
    fn parts(&self, rows_max: usize) -> Vec<Part> {
        let alarm = |a: &serde_json::Value| {
            let at = short(&field(a, "raised_at"));
            vec![field(a, "id"), at, field(a, "kind"), field(a, "caller"), field(a, "ticket"), field(a, "note")]
        };
        let ticket = |t: &TicketLine| {
            let due = t.due.as_ref().map(|due| short(&due.rfc3339())).unwrap_or_default();
            let state = match (t.overdue, t.paused) {
                (true, _) => " OVERDUE",
                (false, true) => " (one clock stands still)",
                (false, false) => "",
            };
            let clock = t
                .clock
                .as_deref()
                .map(|clock| format!("{clock} {due}{state}"))
                .unwrap_or_else(|| state.trim().to_owned());
            let kind = [Some(t.kind.as_str()), t.urgency.as_deref(), t.category.as_deref()];
            let kind = kind.into_iter().flatten().collect::<Vec<_>>().join(" ");
            vec![t.number.clone(), kind, t.place.clone(), t.stage.clone(), t.owner.clone(), clock]
        };
        let message = |m: &serde_json::Value| {
            let at = short(&field(m, "left_at"));
            vec![
                field(m, "id"),
                at,
                field(m, "for_person"),
                field(m, "from_number"),
                field(m, "from_name"),
                field(m, "relay"),
            ]
        };
        let entry = |e: &serde_json::Value| {
            let corrected = if e["corrected_by"].is_null() { "" } else { " (corrected below)" };
            let said = match (e["corrects"].as_i64(), field(e, "text")) {
                (Some(corrects), said) => format!("corrects {corrects}: {said}"),
                (None, said) => format!("{said}{corrected}"),
            };
            vec![field(e, "id"), short(&field(e, "at")), field(e, "kind"), field(e, "about"), field(e, "who"), said]
        };
        // What was usual is counted, and leaves its room to what was not.
        let told = self.journal.list.iter().filter(|e| !field(e, "kind").parse().is_ok_and(JournalKind::is_usual));
        let mut entries: Vec<_> = told.map(entry).collect();
        // Where there are too many, the newest are read.
        entries.drain(..entries.len().saturating_sub(rows_max));
        vec![
            Part {
                title: "Open alarms",
                zh: "未确认告警",
                total: self.alarms.total,
                rows: self.alarms.list.iter().map(alarm).collect(),
            },
            Part {
                title: "Missed emergencies since then",
                zh: "漏接紧急电话",
                total: self.missed_emergencies.total,
                rows: self.missed_emergencies.list.iter().map(alarm).collect(),
            },
            Part {
                title: "Open tickets, what is due first",
                zh: "未结工单（按时限）",
                total: self.tickets.total,
                rows: self.tickets.list.iter().map(ticket).collect(),
            },
            Part {
                title: "Messages not confirmed",
                zh: "未确认留言",
                total: self.messages.total,
                rows: self.messages.list.iter().map(message).collect(),
            },
            Part { title: "Journal since then", zh: "值班记录", total: self.journal.total, rows: entries },
        ]
    }

    fn headline(&self) -> Vec<String> {
        let mut lines = vec![format!("{}  {}", self.desk, self.at.short())];
        let since = self.since.as_ref().map(LocalTime::short).unwrap_or_else(|| "the beginning".to_owned());
        let shift = match (&self.on_shift, &self.signed_off) {
            (_, Some(off)) => format!("{} signed off {}", off.by, off.at.short()),
            (Some(by), None) => format!("{by} has the shift and has not signed off"),
            (None, None) => "nobody has a shift yet".to_owned(),
        };
        lines.push(format!("since {since}; {shift}"));
        lines.extend(
            self.signed_off.as_ref().filter(|off| !off.note.is_empty()).map(|off| format!("note: {}", off.note)),
        );
        let (calls, opened, closed) = (self.calls, self.tickets_opened, self.tickets_closed);
        lines.push(format!("{calls} calls, {opened} tickets opened, {closed} closed"));
        lines
    }

    fn duty_lines(&self) -> Vec<String> {
        let names = |people: &[String]| if people.is_empty() { "nobody".to_owned() } else { people.join(", ") };
        let line = |duty: &DutyView| {
            let until = match &duty.until {
                Some(until) => format!(" until {}, then {}", short(&until.rfc3339()), names(&duty.next)),
                None => String::new(),
            };
            let gap = if duty.gap { "  GAP: nobody on the roster" } else { "" };
            format!("{}: {}{until}{gap}", duty.group, names(&duty.people))
        };
        let shown = self.duty.iter().filter(|duty| NEEDED.contains(&duty.group) || !duty.people.is_empty());
        shown.map(line).collect()
    }

    /// Plain text, with at most so many lines of each list. `fit` makes what comes from outside fit for the terminal.
    pub fn write_text(&self, rows_max: usize, fit: &dyn Fn(&str) -> String, out: &mut dyn Write) -> fmt::Result {
        writeln!(
            out,
            "SHIFT HANDOVER 交接班  {}",
            self.headline().iter().map(|l| fit(l)).collect::<Vec<_>>().join("\n  ")
        )?;
        for line in self.duty_lines() {
            writeln!(out, "  {}", fit(&line))?;
        }
        for part in self.parts(rows_max) {
            writeln!(out, "\n{} {}: {}", part.title, part.zh, part.total)?;
            for row in part.rows.iter().take(rows_max) {
                let cells = row.iter().filter(|cell| !cell.is_empty()).map(|cell| fit(cell));
                writeln!(out, "  {}", cells.collect::<Vec<_>>().join("  "))?;
            }
            let shown = part.rows.len().min(rows_max) as u64;
            if part.total > shown {
                writeln!(out, "  and {} more", part.total - shown)?;
            }
        }
        writeln!(out, "\nto take the shift over: frontdesk handover sign-on NAME --read {}", self.read)
    }
}

/// Text that no browser takes for markup.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // What turns the direction of text, and what is no text.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => escaped.push('\u{fffd}'),
            c if c.is_control() && c != '\n' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
