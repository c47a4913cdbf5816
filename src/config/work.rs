//! `[dispatch]`, `[relay]`, `[follow_up]`, `[alert]`: whom the desk calls by itself, when and how often (R5, R10, R19, R26,
//! R37).

use chrono::TimeDelta;

use super::keys::{Key, SectionKeys};
use super::reader::{Fault, Section};
use crate::desk::hours::Span;
use crate::desk::tasks::{AlertRules, DispatchRules, FollowUpRules, RelayRules, WorkRules};

pub const DISPATCH: SectionKeys = SectionKeys {
    name: "dispatch",
    en: "How engineers are sent to repairs (R26): those on duty are called one after the other, then the supervisors.",
    zh: "维修派工（R26）：依次呼叫当班工程人员，再呼叫主管。",
    keys: &[
        Key {
            name: "calls",
            default: Some("\"on\""),
            example: "\"off\"",
            en: "`on`: engineers are called; `off`: they are sent by hand.",
            zh: "`on`：自动呼叫工程人员；`off`：由人工派工。",
        },
        Key {
            name: "general_hours",
            default: Some("\"08:00-20:00\""),
            example: "\"08:00-20:00\"",
            en: "When they are called for what is not urgent. Urgent repairs are called out at any time.",
            zh: "一般项目的呼叫时段；急修随时呼叫。",
        },
        Key {
            name: "again_min",
            default: Some("5"),
            example: "10",
            en: "Minutes after which all are called again when nobody took it, 1 to 1440.",
            zh: "无人接单时，多少分钟后重新呼叫一轮，1 至 1440。",
        },
        Key {
            name: "rounds_max",
            default: Some("4"),
            example: "4",
            en: "How often all are called, 1 to 100; each time that nobody took it is an alarm.",
            zh: "最多呼叫多少轮，1 至 100；每轮无人接单均产生告警。",
        },
    ],
};

pub const RELAY: SectionKeys = SectionKeys {
    name: "relay",
    en: "How messages are passed on (R5): their person is called by a schedule until they confirm, then others are.",
    zh: "留言转告（R5）：按时间表呼叫当事人直至确认，之后呼叫他人。",
    keys: &[
        Key {
            name: "calls",
            default: Some("\"on\""),
            example: "\"off\"",
            en: "`on`: people are called for their messages; `off`: they are not.",
            zh: "`on`：为留言呼叫当事人；`off`：不呼叫。",
        },
        Key {
            name: "hours",
            default: Some("\"08:00-21:00\""),
            example: "\"08:00-21:00\"",
            en: "When they are called.",
            zh: "呼叫时段。",
        },
        Key {
            name: "after_min",
            default: Some("[\"10\", \"30\", \"120\", \"240\"]"),
            example: "[\"5\", \"60\"]",
            en: "Minutes after the message, then after each call, until the next call, each 0 (at once) to 10080; after the last pause a colleague of the department and the supervisors are called. One to ten.",
            zh: "留言之后、每次呼叫之后到下一次呼叫的分钟数，各为 0（立即）至 10080；最后一次间隔之后呼叫同部门同事与主管。一至十项。",
        },
        Key {
            name: "tell_caller",
            default: Some("\"off\""),
            example: "\"on\"",
            en: "`on`: the caller who left the message is called when its person has it.",
            zh: "`on`：当事人收到后回电告知留言人。",
        },
        Key {
            name: "customer_hours",
            default: Some("\"09:00-20:00\""),
            example: "\"09:00-20:00\"",
            en: "When customers are called for that (R10).",
            zh: "为此致电客户的时段（R10）。",
        },
    ],
};

pub const FOLLOW_UP: SectionKeys = SectionKeys {
    name: "follow_up",
    en: "How customers are asked whether they are satisfied (R37). They are called through `[call_back] gateway`.",
    zh: "满意度回访（R37），经 `[call_back] gateway` 呼出。",
    keys: &[
        Key {
            name: "calls",
            default: Some("\"on\""),
            example: "\"off\"",
            en: "`on`: customers are called; `off`: they are asked by hand.",
            zh: "`on`：自动回访；`off`：由人工回访。",
        },
        Key {
            name: "after_h",
            default: Some("20"),
            example: "24",
            en: "Hours after a repair is accepted, 0 to 720.",
            zh: "维修验收后多少小时，0 至 720。",
        },
        Key {
            name: "after_complaint_h",
            default: Some("1"),
            example: "2",
            en: "Hours after a complaint is handled, 0 to 720.",
            zh: "投诉处理后多少小时，0 至 720。",
        },
        Key {
            name: "hours",
            default: Some("\"09:00-20:00\""),
            example: "\"09:00-20:00\"",
            en: "When they are called (R10).",
            zh: "回访时段（R10）。",
        },
        Key {
            name: "tries_max",
            default: Some("3"),
            example: "2",
            en: "How often, at most, 1 to 10 (R10).",
            zh: "最多呼叫次数，1 至 10（R10）。",
        },
        Key {
            name: "again_h",
            default: Some("4"),
            example: "24",
            en: "Hours between two tries, 1 to 168.",
            zh: "两次呼叫的间隔小时数，1 至 168。",
        },
    ],
};

pub const ALERT: SectionKeys = SectionKeys {
    name: "alert",
    en: "How supervisors are told what was not answered at once, and what is overdue (R19).",
    zh: "将未即时答复与超时事项告知主管（R19）。",
    keys: &[
        Key {
            name: "calls",
            default: Some("\"on\""),
            example: "\"off\"",
            en: "`on`: they are called; `off`: they are not. Alarms are raised all the same.",
            zh: "`on`：呼叫主管；`off`：不呼叫。告警照常产生。",
        },
        Key {
            name: "hours",
            default: Some("\"08:00-21:00\""),
            example: "\"08:00-21:00\"",
            en: "When they are called for what is neither urgent nor a request for help.",
            zh: "非急修、非求助事项的呼叫时段。",
        },
    ],
};

pub(super) fn dispatch(mut section: Section<'_>) -> DispatchRules {
    let default = WorkRules::default().dispatch;
    DispatchRules {
        calls: section.text("calls", on_off).unwrap_or(default.calls),
        general_hours: section.text("general_hours", hours).unwrap_or(default.general_hours),
        again: section.number("again_min", 1..=1_440_u32).map_or(default.again, minutes),
        rounds_max: section.number("rounds_max", 1..=100).unwrap_or(default.rounds_max),
    }
}

pub(super) fn relay(mut section: Section<'_>) -> RelayRules {
    let default = WorkRules::default().relay;
    let place = section.place("after_min");
    let after: Option<Vec<TimeDelta>> = section.list("after_min", pause);
    if let (Some(place), Some(after)) = (place, &after)
        && !(1..=10).contains(&after.len())
    {
        section.fault(&place, Fault::new(format!("after_min has {} pauses", after.len()), "write one to ten"));
    }
    RelayRules {
        calls: section.text("calls", on_off).unwrap_or(default.calls),
        hours: section.text("hours", hours).unwrap_or(default.hours),
        after: after.unwrap_or(default.after),
        tell_caller: section.text("tell_caller", on_off).unwrap_or(default.tell_caller),
        customer_hours: section.text("customer_hours", hours).unwrap_or(default.customer_hours),
    }
}

pub(super) fn follow_up(mut section: Section<'_>) -> FollowUpRules {
    let default = WorkRules::default().follow_up;
    let in_hours = |hours: u32| TimeDelta::hours(hours.into());
    FollowUpRules {
        calls: section.text("calls", on_off).unwrap_or(default.calls),
        after: section.number("after_h", 0..=720_u32).map_or(default.after, in_hours),
        after_complaint: section.number("after_complaint_h", 0..=720_u32).map_or(default.after_complaint, in_hours),
        hours: section.text("hours", hours).unwrap_or(default.hours),
        tries_max: section.number("tries_max", 1..=10).unwrap_or(default.tries_max),
        again: section.number("again_h", 1..=168_u32).map_or(default.again, in_hours),
    }
}

pub(super) fn alert(mut section: Section<'_>) -> AlertRules {
    let default = WorkRules::default().alert;
    AlertRules {
        calls: section.text("calls", on_off).unwrap_or(default.calls),
        hours: section.text("hours", hours).unwrap_or(default.hours),
    }
}

fn on_off(text: &str) -> Result<bool, Fault> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Fault::new(format!("`{text}` is neither on nor off"), "write \"on\" or \"off\"")),
    }
}

fn minutes(minutes: u32) -> TimeDelta {
    TimeDelta::minutes(minutes.into())
}

fn pause(text: &str) -> Result<TimeDelta, Fault> {
    let number = text.parse::<u32>().ok().filter(|minutes| *minutes <= 10_080);
    number.map(minutes).ok_or_else(|| {
        Fault::new(format!("`{text}` is no pause"), "write minutes from 0 (at once) to 10080, as \"10\"")
    })
}

fn hours(text: &str) -> Result<Span, Fault> {
    Span::parse(text)
        .ok_or_else(|| Fault::new(format!("`{text}` are no hours of a day"), "write them as \"08:00-21:00\""))
}
