//! The work sheet of a repair (维修服务任务单, R29): all its fields, and room for what is written by hand.

use askama::Template;

use super::{Letterhead, money, person, place, text};
use crate::desk::report::tables::{category_name, clock_name};
use crate::desk::ticket::{Ticket, Urgency};
use crate::desk::workflow::Satisfaction;

#[derive(Template)]
#[template(path = "work_sheet.html")]
pub struct WorkSheetPage {
    lang: &'static str,
    desk: String,
    title: &'static str,
    label_number: &'static str,
    number: String,
    rows: Vec<Vec<Field>>,
    label_feedback: &'static str,
    feedback: Vec<Choice>,
    label_costs: &'static str,
    costs: Vec<Field>,
    label_signatures: &'static str,
    signatures: Vec<[&'static str; 2]>,
    promises: String,
    printed: String,
}

/// One field of a form.
pub struct Field {
    pub label: &'static str,
    pub value: String,
    /// It has room for several lines.
    pub tall: bool,
}

struct Choice {
    label: &'static str,
    checked: bool,
}

impl Field {
    pub fn new(label: &'static str, value: String) -> Self {
        Self { label, value, tall: false }
    }

    pub fn tall(label: &'static str, value: String) -> Self {
        Self { label, value, tall: true }
    }
}

impl WorkSheetPage {
    pub fn new(ticket: &Ticket, head: &Letterhead, name_of: impl Fn(&str) -> Option<String>) -> Self {
        let (work, sheet) = (&ticket.work, &ticket.work.sheet);
        let say = |zh, en| head.say(zh, en);
        let said = |word| work.satisfaction == Some(word);
        Self {
            lang: head.lang(),
            desk: head.desk.clone(),
            title: say("维修服务任务单", "Work sheet"),
            label_number: say("任务单号", "Number"),
            number: ticket.number.to_string(),
            rows: rows(ticket, head, &name_of),
            label_feedback: say("业主反馈", "Feedback"),
            feedback: vec![
                Choice { label: say("满意", "satisfied"), checked: said(Satisfaction::Satisfied) },
                Choice { label: say("不满意", "not satisfied"), checked: said(Satisfaction::NotSatisfied) },
            ],
            label_costs: say("费用（元）", "Costs"),
            costs: vec![
                Field::new(say("材料费", "Materials"), money(sheet.material_cents)),
                Field::new(say("人工费", "Labour"), money(sheet.labour_cents)),
                Field::new(say("合计", "Total"), money(sheet.total_cents())),
            ],
            label_signatures: say("签字", "Signatures"),
            signatures: vec![
                [say("维修人员", "Engineer"), say("业主", "Owner")],
                [say("财务", "Finance"), say("统计", "Statistics")],
            ],
            promises: promises(ticket, head),
            printed: format!("{} {}", say("打印时间", "Printed"), head.time(head.printed_at)),
        }
    }
}

fn rows(ticket: &Ticket, head: &Letterhead, name_of: &impl Fn(&str) -> Option<String>) -> Vec<Vec<Field>> {
    let (work, sheet) = (&ticket.work, &ticket.work.sheet);
    let say = |zh, en| head.say(zh, en);
    let phone = ticket.callback_number.as_ref().or(ticket.caller.as_ref());
    let urgency = match ticket.urgency {
        Some(Urgency::Urgent) => say("急修", "urgent"),
        Some(Urgency::General) => say("一般", "general"),
        None => "",
    };
    let category = category_name(ticket.category.as_deref(), head.tongue);
    let fault = [category, text(&ticket.description)].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
    let engineer = work.engineer.as_deref().map(|who| person(who, name_of)).unwrap_or_default();
    vec![
        vec![
            Field::new(say("报修人", "Reporter"), text(&ticket.resident)),
            Field::new(say("楼号-房号", "Building-room"), place(ticket)),
        ],
        vec![
            Field::new(say("联系电话", "Phone"), phone.cloned().unwrap_or_default()),
            Field::new(say("紧急程度", "Urgency"), urgency.to_owned()),
        ],
        vec![
            Field::new(say("报修时间", "Reported at"), head.time(ticket.opened_at)),
            Field::new(say("完成时间", "Finished at"), head.time_or_empty(work.repaired_at)),
        ],
        vec![
            Field::new(say("希望时间", "Wanted time"), text(&ticket.wanted_time)),
            Field::new(say("维修人员", "Engineer"), engineer),
        ],
        vec![Field::tall(say("故障情况", "Fault"), fault.join("\n"))],
        vec![Field::tall(say("维修内容", "Work done"), text(&sheet.work_done))],
        vec![Field::tall(say("使用材料", "Materials"), text(&sheet.materials))],
    ]
}

/// By when it was to be done: `on site by 2026-11-23 11:00`.
fn promises(ticket: &Ticket, head: &Letterhead) -> String {
    let one = |(name, clock): (&String, &crate::desk::ticket::Clock)| {
        let name = clock_name(name, head.tongue);
        format!("{name} {} {}", head.say("时限", "by"), head.time(clock.at))
    };
    ticket.due.iter().map(one).collect::<Vec<_>>().join(head.say("；", "; "))
}
