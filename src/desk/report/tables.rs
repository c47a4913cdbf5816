//! The four reports as tables.

use super::calls::{CallFigures, CallsReport};
use super::messages::{MessageFigures, MessagesReport};
use super::satisfaction::{FollowUps, SatisfactionReport, Words};
use super::table::{Both, Cell, Heading, Part, Row, Table, Tongue, heading, ms, wide};
use super::tickets::{ClockCounts, OfClock, TicketFigures, TicketsReport};
use super::{Named, Timed};
use crate::desk::category;
use crate::desk::ticket::Kind;

const CALLS: &[Heading] = &[
    heading("offered", "来电", "Offered"),
    heading("answered", "接听", "Answered"),
    wide("answered_by_machine", "自动应答", "By machine"),
    wide("answered_by_person", "人工接听", "By person"),
    wide("machine_before_third_ring", "自动应答三声内", "Machine before third ring"),
    wide("person_before_third_ring", "人工三声内", "Person before third ring"),
    heading("before_third_ring_share", "三声内接听率", "Before third ring"),
    heading("mean_answer_ms", "平均应答时间", "Mean answer"),
    wide("longest_answer_ms", "最长应答时间", "Longest answer"),
    heading("abandoned", "接听前挂断", "Abandoned"),
    wide("abandoned_short", "其中短时挂断", "Of them short"),
    heading("abandoned_share", "放弃率", "Abandoned share"),
    heading("service_level_of_offered", "服务水平（占来电）", "Service level of offered"),
    heading("service_level_of_handled", "服务水平（占接听与超时放弃）", "Service level of handled"),
    wide("abandoned_after_answer", "接听后挂断", "Abandoned after answer"),
    heading("served", "已办理", "Served"),
    wide("rejected", "拒绝", "Rejected"),
    wide("failed", "失败", "Failed"),
    wide("live", "进行中", "Live"),
    heading("sought", "转人工", "Person sought"),
    heading("reached", "接通人工", "Person reached"),
    wide("reached_share", "人工接通率", "Reached share"),
    wide("gave_up", "等候中挂断", "Gave up waiting"),
    heading("mean_wait_ms", "平均等候（ASA）", "ASA"),
    heading("longest_wait_ms", "最长等候", "Longest wait"),
    wide("service_level_of_sought", "人工服务水平（占转人工）", "People's service level of sought"),
    wide("people_service_level_of_handled", "人工服务水平（占接通与超时放弃）", "People's service level of handled"),
];

const TICKETS: &[Heading] = &[
    heading("opened", "受理", "Opened"),
    heading("closed", "办结", "Closed"),
    heading("open_at_end", "期末未结", "Open at end"),
    heading("reopened", "重新办理", "Reopened"),
    heading("rework", "返修", "Rework"),
    heading("rework_share", "返修率", "Rework share"),
    heading("kept", "按时", "Kept"),
    heading("breached", "超时", "Breached"),
    wide("running", "计时中", "Running"),
    wide("paused", "其中暂停", "Of them paused"),
    heading("kept_share", "按时率", "Kept share"),
    heading("mean_ms", "平均用时", "Mean time"),
    heading("p90_ms", "九成用时", "90th percentile"),
    wide("longest_ms", "最长用时", "Longest time"),
    wide("inquiries_closed", "已答复咨询", "Inquiries closed"),
    wide("first_call_resolved", "首次来电解决", "Resolved at first call"),
    heading("first_call_share", "首次来电解决率", "First-call resolution"),
];

const SATISFACTION: &[Heading] = &[
    heading("calls", "回访电话", "Follow-up calls"),
    heading("reached", "接通", "Reached"),
    heading("reached_share", "接通率", "Reached share"),
    heading("calls_satisfied", "电话满意", "Satisfied by phone"),
    heading("calls_not_satisfied", "电话不满意", "Not satisfied by phone"),
    wide("wants_to_speak", "要求人工", "Want to speak"),
    wide("not_reached", "未接通", "Not reached"),
    wide("failed", "未能拨打", "Failed"),
    heading("comments", "留言", "Comments"),
    heading("closed", "办结", "Tickets closed"),
    heading("satisfied", "满意", "Satisfied"),
    heading("not_satisfied", "不满意", "Not satisfied"),
    wide("unknown", "未知", "Unknown"),
    heading("satisfied_share", "满意率", "Satisfied share"),
];

const MESSAGES: &[Heading] = &[
    heading("left", "留言", "Left"),
    heading("confirmed", "已确认", "Confirmed"),
    heading("heard", "已听未确认", "Heard only"),
    heading("escalated", "已升级", "Escalated"),
    heading("waiting", "未听", "Waiting"),
    heading("confirmed_share", "确认率", "Confirmed share"),
    heading("median_ms", "确认用时中位数", "Median to confirmation"),
    heading("p90_ms", "确认用时九成", "90th percentile"),
];

impl CallsReport {
    pub fn table(&self) -> Table {
        let mut rows = vec![Row::new(Part::Total, "", calls(&self.totals))];
        rows.extend(timed(&self.rows, calls));
        rows.extend(named(Part::Branch, &self.branches, calls));
        rows.extend(named(Part::Trunk, &self.trunks, calls));
        let mut outgoing = vec![Cell::Empty; CALLS.len()];
        outgoing[0] = self.outgoing.made.into();
        outgoing[1] = self.outgoing.answered.into();
        rows.push(Row::new(Part::Outgoing, "", outgoing));
        Table { title: Both::new("来电统计", "Calls"), headings: CALLS, rows }
    }
}

fn calls(f: &CallFigures) -> Vec<Cell> {
    let people = &f.people;
    vec![
        f.offered.into(),
        f.answered.into(),
        f.answered_by_machine.into(),
        f.answered_by_person.into(),
        f.machine_before_third_ring.into(),
        f.person_before_third_ring.into(),
        f.before_third_ring_share.into(),
        ms(f.mean_answer_ms),
        ms(f.longest_answer_ms),
        f.abandoned.into(),
        f.abandoned_short.into(),
        f.abandoned_share.into(),
        f.service_level_of_offered.into(),
        f.service_level_of_handled.into(),
        f.abandoned_after_answer.into(),
        f.served.into(),
        f.rejected.into(),
        f.failed.into(),
        f.live.into(),
        people.sought.into(),
        people.reached.into(),
        people.reached_share.into(),
        people.gave_up.into(),
        ms(people.mean_wait_ms),
        ms(people.longest_wait_ms),
        people.service_level_of_sought.into(),
        people.service_level_of_handled.into(),
    ]
}

impl TicketsReport {
    pub fn table(&self, tongue: Tongue) -> Table {
        let mut totals = tickets(&self.totals);
        let first = self.first_call;
        totals.extend([Cell::from(first.closed), first.resolved.into(), first.share.into()]);
        let mut rows = vec![Row::new(Part::Total, "", totals)];
        rows.extend(timed(&self.rows, padded_tickets));
        for one in &self.categories {
            let name = format!("{}: {}", kind_name(one.kind, tongue), category_name(one.category.as_deref(), tongue));
            rows.push(Row::new(Part::Category, name, padded_tickets(&one.figures)));
        }
        for OfClock { kind, clock, figures } in &self.clocks {
            let mut cells = vec![Cell::Empty; 6];
            cells.extend(counts(&figures.counts));
            cells.extend([ms(figures.mean_ms), ms(figures.p90_ms), ms(figures.longest_ms)]);
            cells.resize(TICKETS.len(), Cell::Empty);
            let name = format!("{}: {}", kind_name(*kind, tongue), clock_name(clock, tongue));
            rows.push(Row::new(Part::Clock, name, cells));
        }
        rows.extend(named(Part::Owner, &self.owners, padded_tickets));
        Table { title: Both::new("报事统计", "Tickets"), headings: TICKETS, rows }
    }
}

fn tickets(f: &TicketFigures) -> Vec<Cell> {
    let mut cells: Vec<Cell> = vec![
        f.opened.into(),
        f.closed.into(),
        f.open_at_end.into(),
        f.reopened.into(),
        f.rework.into(),
        f.rework_share.into(),
    ];
    cells.extend(counts(&f.clocks));
    cells.extend([Cell::Empty; 3]);
    cells
}

fn padded_tickets(f: &TicketFigures) -> Vec<Cell> {
    let mut cells = tickets(f);
    cells.resize(TICKETS.len(), Cell::Empty);
    cells
}

fn counts(c: &ClockCounts) -> [Cell; 5] {
    [c.kept.into(), c.breached.into(), c.running.into(), c.paused.into(), c.kept_share.into()]
}

impl SatisfactionReport {
    pub fn table(&self, tongue: Tongue) -> Table {
        let both = |calls: &FollowUps, tickets: &Words| [follow_ups(calls), words(tickets).to_vec()].concat();
        let mut rows = vec![Row::new(Part::Total, "", both(&self.totals.calls, &self.totals.tickets))];
        rows.extend(timed(&self.rows, |f| both(&f.calls, &f.tickets)));
        for one in &self.kinds {
            let cells = [vec![Cell::Empty; 9], words(&one.words).to_vec()].concat();
            rows.push(Row::new(Part::Kind, kind_name(one.kind, tongue), cells));
        }
        Table { title: Both::new("满意度统计", "Satisfaction"), headings: SATISFACTION, rows }
    }
}

fn follow_ups(f: &FollowUps) -> Vec<Cell> {
    vec![
        f.calls.into(),
        f.reached.into(),
        f.reached_share.into(),
        f.satisfied.into(),
        f.not_satisfied.into(),
        f.wants_to_speak.into(),
        f.not_reached.into(),
        f.failed.into(),
        f.comments.into(),
    ]
}

fn words(w: &Words) -> [Cell; 5] {
    [w.closed.into(), w.satisfied.into(), w.not_satisfied.into(), w.unknown.into(), w.satisfied_share.into()]
}

impl MessagesReport {
    pub fn table(&self) -> Table {
        let mut rows = vec![Row::new(Part::Total, "", messages(&self.totals))];
        rows.extend(timed(&self.rows, messages));
        rows.extend(named(Part::Person, &self.people, messages));
        Table { title: Both::new("留言统计", "Messages"), headings: MESSAGES, rows }
    }
}

fn messages(f: &MessageFigures) -> Vec<Cell> {
    vec![
        f.left.into(),
        f.confirmed.into(),
        f.heard.into(),
        f.escalated.into(),
        f.waiting.into(),
        f.confirmed_share.into(),
        ms(f.median_ms),
        ms(f.p90_ms),
    ]
}

fn timed<T>(rows: &[Timed<T>], cells: impl Fn(&T) -> Vec<Cell>) -> Vec<Row> {
    rows.iter().map(|row| Row::new(Part::Time, row.start.clone(), cells(&row.figures))).collect()
}

fn named<T>(part: Part, rows: &[Named<T>], cells: impl Fn(&T) -> Vec<Cell>) -> Vec<Row> {
    rows.iter().map(|row| Row::new(part, row.name.clone(), cells(&row.figures))).collect()
}

/// A kind of ticket as people call it.
pub fn kind_name(kind: Kind, tongue: Tongue) -> &'static str {
    let name = match kind {
        Kind::Repair => Both::new("报修", "Repair"),
        Kind::Complaint => Both::new("投诉", "Complaint"),
        Kind::Inquiry => Both::new("咨询", "Inquiry"),
        Kind::Help => Both::new("求助", "Help"),
    };
    name.of(tongue)
}

/// A category as people call it: the rule book's name, or the site's own key.
pub fn category_name(key: Option<&str>, tongue: Tongue) -> String {
    match key.map(|key| (key, category::find(key))) {
        None => Both::new("未分类", "not sorted").of(tongue).to_owned(),
        Some((key, None)) => key.to_owned(),
        Some((_, Some(found))) => Both::new(found.zh, found.en).of(tongue).to_owned(),
    }
}

/// A clock as people call it.
pub fn clock_name(name: &str, tongue: Tongue) -> String {
    let both = match name {
        "on_site" => Both::new("到场", "on site"),
        "repaired" => Both::new("修复", "repaired"),
        "quote" => Both::new("核价", "quote"),
        "reply" => Both::new("答复", "reply"),
        "receive" => Both::new("接诉", "receive"),
        "judge" => Both::new("辩诉", "judge"),
        "analyse" => Both::new("析诉", "analyse"),
        "assign" => Both::new("定责", "assign"),
        "handle" => Both::new("处理", "handle"),
        "follow_up" => Both::new("回访", "follow up"),
        "sum_up" => Both::new("总结", "sum up"),
        "archive" => Both::new("归档", "archive"),
        _ => return name.to_owned(),
    };
    both.of(tongue).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::report::Step;
    use crate::desk::report::calls::{CallRules, CallsTally};
    use crate::desk::report::messages::MessagesTally;
    use crate::desk::report::satisfaction::SatisfactionTally;
    use crate::desk::report::tickets::TicketsTally;

    #[test]
    fn every_row_fills_every_column_and_no_heading_stands_twice() {
        let zone = chrono_tz::Asia::Shanghai;
        let mut tickets = TicketsTally::new(Step::Day, zone, chrono::DateTime::UNIX_EPOCH);
        let about = crate::desk::report::tickets::About { kind: Kind::Repair, category: Some("lift"), owner: "201" };
        tickets.opened(
            &crate::desk::report::tickets::TicketFact {
                about,
                opened_at: chrono::DateTime::UNIX_EPOCH,
                reopened: 0,
                rework: false,
            },
            &[crate::desk::report::tickets::ClockFact {
                name: "on_site",
                started_at: chrono::DateTime::UNIX_EPOCH,
                due_at: chrono::DateTime::UNIX_EPOCH,
                met_at: None,
                paused: false,
                breached: false,
            }],
        );
        let mut satisfaction = SatisfactionTally::new(Step::Day, zone);
        satisfaction.word(&crate::desk::report::satisfaction::WordFact {
            kind: Kind::Help,
            closed_at: chrono::DateTime::UNIX_EPOCH,
            word: None,
        });
        let tables = [
            CallsTally::new(CallRules::default(), zone).report().table(),
            tickets.report().table(Tongue::Zh),
            satisfaction.report().table(Tongue::En),
            MessagesTally::new(Step::Day, zone).report().table(),
        ];
        for table in tables {
            assert!(!table.rows.is_empty());
            for row in &table.rows {
                assert_eq!(row.cells.len(), table.headings.len(), "{} {:?}", table.title.en, row.part);
            }
            for (i, one) in table.headings.iter().enumerate() {
                let same = |other: &Heading| other.key == one.key || other.text.zh == one.text.zh;
                assert!(!table.headings[..i].iter().any(same), "{} stands twice", one.key);
            }
        }
    }

    #[test]
    fn names_are_the_rule_books() {
        assert_eq!(category_name(Some("lift"), Tongue::Zh), "电梯故障");
        assert_eq!(category_name(Some("swimming_pool"), Tongue::En), "swimming_pool");
        assert_eq!(category_name(None, Tongue::Zh), "未分类");
        assert_eq!(clock_name("repaired", Tongue::Zh), "修复");
        assert_eq!(clock_name("odd", Tongue::Zh), "odd");
    }
}
