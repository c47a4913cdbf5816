//! The page of a handover to be printed and signed by hand, in the reader's language (R40).

use super::alarm::AlarmKind;
use super::handover_view::{DutyView, PageView, TicketLine, escape, field, short};
use super::journal::JournalKind;
use super::names;
use super::notes::Notes;
use super::report::table::{Both, Tongue};
use super::report::tables::{category_name, clock_name};
use super::roster::NEEDED;
use super::ticket::{Kind, Urgency};
use super::view::LocalTime;

/// One list of the page.
struct Part {
    title: &'static str,
    total: u64,
    rows: Vec<Vec<String>>,
}

/// The page for one reader.
struct Print<'a> {
    view: &'a PageView,
    notes: &'a Notes<'a>,
}

impl PageView {
    /// A page with at most so many lines of each list.
    pub fn html(&self, rows_max: usize, notes: &Notes<'_>) -> String {
        Print { view: self, notes }.html(rows_max)
    }
}

impl Print<'_> {
    fn say(&self, zh: &'static str, en: &'static str) -> &'static str {
        Both::new(zh, en).of(self.notes.tongue)
    }

    fn tongue(&self) -> Tongue {
        self.notes.tongue
    }

    fn html(&self, rows_max: usize) -> String {
        let title = self.say("交接班", "Shift handover");
        let mut html = format!(
            "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><title>{title}</title>\n<style>\
             body{{font:11pt sans-serif;margin:1.5cm;max-width:26cm}}h1{{font-size:16pt;margin:0}}h2{{font-size:12pt;margin:1em 0 .2em}}\
             table{{border-collapse:collapse;width:100%}}td{{border:1px solid #999;padding:.15em .4em;vertical-align:top}}\
             p{{margin:.2em 0}}.sign td{{height:2.2em;width:50%}}@media print{{body{{margin:0}}}}@page{{margin:1.5cm}}\
             </style></head><body>\n<h1>{title}</h1>\n",
            self.say("zh", "en")
        );
        for line in self.headline().iter().chain(&self.duty_lines()) {
            html += &format!("<p>{}</p>\n", escape(line));
        }
        for part in self.parts(rows_max) {
            html += &format!("<h2>{} {}</h2>\n", part.title, part.total);
            if !part.rows.is_empty() {
                html += "<table>\n";
                for row in part.rows.iter().take(rows_max) {
                    let cells: String = row.iter().map(|cell| format!("<td>{}</td>", escape(cell))).collect();
                    html += &format!("<tr>{cells}</tr>\n");
                }
                html += "</table>\n";
            }
            let more = part.total.saturating_sub(part.rows.len().min(rows_max) as u64);
            if more > 0 {
                html += &match self.tongue() {
                    Tongue::Zh => format!("<p>还有 {more} 条</p>\n"),
                    Tongue::En => format!("<p>and {more} more</p>\n"),
                };
            }
        }
        html += &format!(
            "<h2>{}</h2>\n<table class=\"sign\"><tr><td>{}</td><td>{}</td></tr></table>\n<p>{}</p>\n</body></html>\n",
            self.say("签字", "Signatures"),
            self.say("交班：", "Off:"),
            self.say("接班：", "On:"),
            escape(&self.view.read)
        );
        html
    }

    fn headline(&self) -> Vec<String> {
        let view = self.view;
        let mut lines = vec![format!("{}  {}", view.desk, view.at.short())];
        let since = view.since.as_ref().map(LocalTime::short);
        let zh = self.tongue() == Tongue::Zh;
        let shift = match (&view.on_shift, &view.signed_off) {
            (_, Some(off)) if zh => format!("{} 已于 {} 交班", off.by, off.at.short()),
            (_, Some(off)) => format!("{} signed off {}", off.by, off.at.short()),
            (Some(by), None) if zh => format!("{by} 当班，尚未交班"),
            (Some(by), None) => format!("{by} has the shift and has not signed off"),
            (None, None) => self.say("还没有人接班", "nobody has a shift yet").to_owned(),
        };
        lines.push(match (since, zh) {
            (Some(since), true) => format!("自 {since} 起；{shift}"),
            (Some(since), false) => format!("since {since}; {shift}"),
            (None, true) => shift,
            (None, false) => format!("since the beginning; {shift}"),
        });
        let note = view.signed_off.as_ref().map(|off| &off.note).filter(|note| !note.is_empty());
        lines.extend(note.map(|note| format!("{}{note}", self.say("交班说明：", "note: "))));
        let (calls, opened, closed) = (view.calls, view.tickets_opened, view.tickets_closed);
        lines.push(match zh {
            true => format!("来电 {calls}，新工单 {opened}，关闭 {closed}"),
            false => format!("{calls} calls, {opened} tickets opened, {closed} closed"),
        });
        lines
    }

    fn duty_lines(&self) -> Vec<String> {
        let zh = self.tongue() == Tongue::Zh;
        let names = |people: &[String]| match people {
            [] => self.say("无人", "nobody").to_owned(),
            people => people.join(self.say("、", ", ")),
        };
        let line = |duty: &DutyView| {
            let until = duty.until.as_ref().map(|until| (short(&until.rfc3339()), names(&duty.next)));
            let until = match (until, zh) {
                (Some((until, next)), true) => format!("，至 {until}，之后 {next}"),
                (Some((until, next)), false) => format!(" until {until}, then {next}"),
                (None, _) => String::new(),
            };
            let gap = if duty.gap { self.say("  缺岗：无人排班", "  GAP: nobody on the roster") } else { "" };
            let group = names::duty(duty.group).of(self.tongue());
            format!("{group}{}{}{until}{gap}", self.say("：", ": "), names(&duty.people))
        };
        let shown = self.view.duty.iter().filter(|duty| NEEDED.contains(&duty.group) || !duty.people.is_empty());
        shown.map(line).collect()
    }

    fn parts(&self, rows_max: usize) -> Vec<Part> {
        let (view, tongue) = (self.view, self.tongue());
        let alarm = |a: &serde_json::Value| {
            let kind = field(a, "kind");
            let kind = kind.parse::<AlarmKind>().map_or(kind, |kind| names::alarm(kind).of(tongue).to_owned());
            let note = self.notes.said(&field(a, "note"));
            vec![field(a, "id"), short(&field(a, "raised_at")), kind, field(a, "caller"), field(a, "ticket"), note]
        };
        let message = |m: &serde_json::Value| {
            let relay = field(m, "relay");
            let relay = relay.parse().map_or(relay, |relay| names::relay(relay).of(tongue).to_owned());
            let whom = self.notes.person(&field(m, "for_person"));
            let from = [field(m, "from_number"), field(m, "from_name")];
            [vec![field(m, "id"), short(&field(m, "left_at")), whom], from.into(), vec![relay]].concat()
        };
        // What was usual is counted, and leaves its room to what was not.
        let told = view.journal.list.iter().filter(|e| !field(e, "kind").parse().is_ok_and(JournalKind::is_usual));
        let mut entries: Vec<_> = told.map(|entry| self.entry(entry)).collect();
        // Where there are too many, the newest are read.
        entries.drain(..entries.len().saturating_sub(rows_max));
        let part = |zh, en, total, rows| Part { title: self.say(zh, en), total, rows };
        vec![
            part("未确认告警", "Open alarms", view.alarms.total, view.alarms.list.iter().map(alarm).collect()),
            part(
                "漏接紧急电话",
                "Missed emergencies since then",
                view.missed_emergencies.total,
                view.missed_emergencies.list.iter().map(alarm).collect(),
            ),
            part(
                "未结工单（按时限）",
                "Open tickets, what is due first",
                view.tickets.total,
                view.tickets.list.iter().map(|line| self.ticket(line)).collect(),
            ),
            part(
                "未确认留言",
                "Messages not confirmed",
                view.messages.total,
                view.messages.list.iter().map(message).collect(),
            ),
            part("值班记录", "Journal since then", view.journal.total, entries),
        ]
    }

    fn ticket(&self, line: &TicketLine) -> Vec<String> {
        let tongue = self.tongue();
        let kind: Option<Kind> = line.kind.parse().ok();
        let urgent = line.urgency.as_deref() == Some(Urgency::Urgent.as_str());
        let what = [
            kind.map_or_else(|| line.kind.clone(), |kind| names::kind(kind, tongue).to_owned()),
            if urgent { self.say("紧急", "urgent").to_owned() } else { String::new() },
            category_name(line.category.as_deref(), tongue),
        ];
        let what = what.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let stage = kind.map_or_else(|| line.stage.clone(), |kind| names::stage(kind, &line.stage, tongue));
        let state = match (line.overdue, line.paused) {
            (true, _) => self.say("超时", "OVERDUE"),
            (false, true) => self.say("（有时限暂停）", "(one clock stands still)"),
            (false, false) => "",
        };
        let clock = line.clock.as_deref().map(|clock| clock_name(clock, tongue)).unwrap_or_default();
        let due = line.due.as_ref().map(|due| short(&due.rfc3339())).unwrap_or_default();
        let due = [clock.as_str(), due.as_str(), state].into_iter().filter(|word| !word.is_empty());
        let due = due.collect::<Vec<_>>().join(" ");
        vec![line.number.clone(), what, line.place.clone(), stage, self.notes.person(&line.owner), due]
    }

    fn entry(&self, entry: &serde_json::Value) -> Vec<String> {
        let word = field(entry, "kind");
        let kind = word.parse::<JournalKind>().ok();
        let text = field(entry, "text");
        let text = kind.map_or_else(|| text.clone(), |kind| self.notes.journal(kind, &text));
        let said = match (entry["corrects"].as_i64(), self.tongue()) {
            (Some(corrects), Tongue::Zh) => format!("更正 {corrects}：{text}"),
            (Some(corrects), Tongue::En) => format!("corrects {corrects}: {text}"),
            (None, _) if entry["corrected_by"].is_null() => text,
            (None, _) => format!("{text}{}", self.say("（已更正，见下）", " (corrected below)")),
        };
        let kind = kind.map_or(word, |kind| names::journal(kind).of(self.tongue()).to_owned());
        let about = self.notes.about(&field(entry, "about"));
        vec![field(entry, "id"), short(&field(entry, "at")), kind, about, field(entry, "who"), said]
    }
}
