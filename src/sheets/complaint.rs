//! The report on a complaint: its eight stages with who, when and what came of them (R33), reported up in writing where it
//! is serious (R38).

use askama::Template;

use super::work_sheet::Field;
use super::{Letterhead, person, place, text};
use crate::desk::names;
use crate::desk::notes::Notes;
use crate::desk::report::tables::{category_name, clock_name};
use crate::desk::ticket::{Ticket, TicketEvent};
use crate::desk::workflow::{Nature, Satisfaction};

#[derive(Template)]
#[template(path = "complaint.html")]
pub struct ComplaintPage {
    lang: &'static str,
    desk: String,
    title: &'static str,
    label_number: &'static str,
    number: String,
    serious: bool,
    label_serious: &'static str,
    rows: Vec<Vec<Field>>,
    label_stages: &'static str,
    label_stage: &'static str,
    label_when: &'static str,
    label_who: &'static str,
    label_what: &'static str,
    label_note: &'static str,
    stages: Vec<Line>,
    label_history: &'static str,
    history: Vec<Line>,
    label_signatures: &'static str,
    signatures: Vec<[&'static str; 2]>,
    printed: String,
}

/// One stage, or one entry of the history.
struct Line {
    name: String,
    when: String,
    who: String,
    note: String,
}

/// Each stage and the event with which it was done; its note says what came of it.
const STAGES: [(&str, &str); 8] = [
    ("receive", "judging"),
    ("judge", "judged"),
    ("analyse", "analysed"),
    ("assign", "assigned"),
    ("handle", "handled"),
    ("follow_up", "followed_up"),
    ("sum_up", "archived"),
    ("archive", "archived"),
];

/// The stage that a complaint is begun again with.
const AGAIN_FROM: usize = 4;

impl ComplaintPage {
    pub fn new(ticket: &Ticket, head: &Letterhead, name_of: impl Fn(&str) -> Option<String>) -> Self {
        let say = |zh, en| head.say(zh, en);
        let history = |event: &TicketEvent| Line {
            name: names::event(&event.what, head.tongue),
            when: head.time(event.at),
            who: person(&event.who, &name_of),
            note: note(event, head, &name_of),
        };
        Self {
            lang: head.lang(),
            desk: head.desk.clone(),
            title: say("投诉处理报告", "Complaint report"),
            label_number: say("投诉编号", "Number"),
            number: ticket.number.to_string(),
            serious: ticket.work.serious,
            label_serious: say("重大投诉", "SERIOUS"),
            rows: rows(ticket, head, &name_of),
            label_stages: say("处理过程", "Stages"),
            label_stage: say("环节", "Stage"),
            label_when: say("时间", "When"),
            label_who: say("经办人", "Who"),
            label_what: say("事项", "What"),
            label_note: say("情况", "Note"),
            stages: stages(ticket, head, &name_of),
            label_history: say("全部记录", "History"),
            history: ticket.events.iter().map(history).collect(),
            label_signatures: say("签字", "Signatures"),
            signatures: vec![
                [say("经办人", "Handled by"), say("客服主管", "Supervisor")],
                [say("项目经理", "Manager"), say("日期", "Date")],
            ],
            printed: format!("{} {}", say("打印时间", "Printed"), head.time(head.printed_at)),
        }
    }
}

fn stages(ticket: &Ticket, head: &Letterhead, name_of: &impl Fn(&str) -> Option<String>) -> Vec<Line> {
    // What was done before it was begun again counts no more, but for what is not done twice.
    let again = ticket.events.iter().rposition(|event| event.what.starts_with("reopened"));
    let line = |(at, (stage, event)): (usize, &(&str, &str))| {
        let from = if at >= AGAIN_FROM { again.unwrap_or(0) } else { 0 };
        let done = ticket.events.iter().skip(from).rfind(|e| e.what == *event);
        Line {
            name: clock_name(stage, head.tongue),
            when: done.map(|e| head.time(e.at)).unwrap_or_default(),
            who: done.map(|e| person(&e.who, name_of)).unwrap_or_default(),
            // The last note sums up; that it is filed says itself.
            note: done.filter(|_| *stage != "archive").map(|e| note(e, head, name_of)).unwrap_or_default(),
        }
    };
    STAGES.iter().enumerate().map(line).collect()
}

/// What was noted, in the page's language.
fn note(event: &TicketEvent, head: &Letterhead, name_of: &impl Fn(&str) -> Option<String>) -> String {
    Notes { people: name_of, time_zone: head.time_zone, tongue: head.tongue }.history(event)
}

fn rows(ticket: &Ticket, head: &Letterhead, name_of: &impl Fn(&str) -> Option<String>) -> Vec<Vec<Field>> {
    let work = &ticket.work;
    let say = |zh, en| head.say(zh, en);
    let nature = match work.nature {
        Some(Nature::Valid) => say("有效投诉", "valid"),
        Some(Nature::Communicative) => say("沟通性投诉", "communicative"),
        None => "",
    };
    let satisfied = match work.satisfaction {
        Some(Satisfaction::Satisfied) => say("满意", "satisfied"),
        Some(Satisfaction::NotSatisfied) => say("不满意", "not satisfied"),
        None => "",
    };
    let phone = ticket.callback_number.as_ref().or(ticket.caller.as_ref());
    let owner = ticket.owner.as_deref().map(|who| person(who, name_of)).unwrap_or_default();
    let responsible = work.responsible.as_deref().map(|who| person(who, name_of)).unwrap_or_default();
    vec![
        vec![
            Field::new(say("投诉人", "Complainant"), text(&ticket.resident)),
            Field::new(say("楼号-房号", "Building-room"), place(ticket)),
        ],
        vec![
            Field::new(say("联系电话", "Phone"), phone.cloned().unwrap_or_default()),
            Field::new(say("投诉类别", "Category"), category_name(ticket.category.as_deref(), head.tongue)),
        ],
        vec![
            Field::new(say("投诉时间", "Received at"), head.time(ticket.opened_at)),
            Field::new(say("结案时间", "Closed at"), head.time_or_empty(work.closed_at)),
        ],
        vec![Field::new(say("受理人", "Owner"), owner), Field::new(say("责任人", "Responsible"), responsible)],
        vec![
            Field::new(say("投诉性质", "Nature"), nature.to_owned()),
            Field::new(say("回访结果", "Follow-up"), satisfied.to_owned()),
        ],
        vec![Field::tall(say("投诉内容", "Complaint"), text(&ticket.description))],
    ]
}
