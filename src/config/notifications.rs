//! `[notifications]` and `[webhooks]`: how people and programs are told what happens (docs/notifications.md).

use std::time::Duration;

use chrono::TimeDelta;

use super::Source;
use super::keys::{Key, SectionKeys};
use super::reader::{Fault, Section};
use crate::desk::hours::Span;
use crate::desk::notifications::NotifyRules;
use crate::types::Lang;

pub const KEYS: SectionKeys = SectionKeys {
    name: "notifications",
    en: "How people are told by e-mail and text what concerns them, and how patient the desk is with a channel that fails \
         (docs/notifications.md).",
    zh: "如何以邮件、短消息通知工作人员，以及渠道故障时如何重试（见 docs/notifications.zh.md）。",
    keys: &[
        Key {
            name: "language",
            default: None,
            example: "\"en\"",
            en: "What people read who have no `language` of their own in people.toml. Left out: the desk's first language.",
            zh: "people.toml 中未写 `language` 的人员所用语言。不填则为前台的第一语言。",
        },
        Key {
            name: "quiet",
            default: Some("\"22:00-07:00\""),
            example: "\"off\"",
            en: "When people are told of alarms, urgent repairs and calls for help alone; all else waits for the end of it. `off`: never.",
            zh: "免打扰时段：仅通知告警、急修与求助，其余等到时段结束。`off`：不设。",
        },
        Key {
            name: "again_s",
            default: Some("[\"10\", \"60\", \"300\", \"900\", \"3600\"]"),
            example: "[\"30\", \"600\"]",
            en: "Seconds after a failed try until the next one, one to ten of them; the last one holds from then on.",
            zh: "失败后到下一次重试的秒数，一至十项；最后一项此后一直适用。",
        },
        Key {
            name: "give_up_h",
            default: Some("48"),
            example: "24",
            en: "Hours after which a notification is given up, 1 to 720.",
            zh: "多少小时后放弃一条通知，1 至 720。",
        },
        Key {
            name: "alarm_after",
            default: Some("3"),
            example: "5",
            en: "So many failures of a channel in a row are an alarm, 1 to 100; it is told by the other channels.",
            zh: "同一渠道连续失败多少次产生告警，1 至 100；告警经其他渠道通知。",
        },
        Key {
            name: "templates",
            default: None,
            example: "\"notices.toml\"",
            en: "Words of your own. Left out, and where the file has none: the built-in ones.",
            zh: "自定义通知文字。不填或文件中没有的，用内置文字。",
        },
    ],
};

pub const WEBHOOKS: SectionKeys = SectionKeys {
    name: "webhooks",
    en: "Programs that are told what happens (docs/notifications.md).",
    zh: "接收事件的程序（见 docs/notifications.zh.md）。",
    keys: &[
        Key {
            name: "file",
            default: None,
            example: "\"webhooks.toml\"",
            en: "The programs. Left out: none.",
            zh: "程序清单文件。不填则没有。",
        },
        Key {
            name: "timeout_s",
            default: Some("10"),
            example: "5",
            en: "Seconds that an answer may take, 1 to 60.",
            zh: "等待应答的秒数，1 至 60。",
        },
    ],
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notifications {
    pub language: Option<Lang>,
    pub quiet: Option<Span>,
    pub again: Vec<TimeDelta>,
    pub give_up: TimeDelta,
    pub alarm_after: u32,
    pub templates: Source,
}

impl Default for Notifications {
    fn default() -> Self {
        let rules = NotifyRules::default();
        Self {
            language: None,
            quiet: rules.quiet,
            again: rules.again,
            give_up: rules.give_up,
            alarm_after: rules.alarm_after,
            templates: Source::BuiltIn,
        }
    }
}

impl Notifications {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let default = Self::default();
        let place = section.place("again_s");
        let again: Option<Vec<TimeDelta>> = section.list("again_s", pause);
        if let (Some(place), Some(again)) = (place, &again)
            && !(1..=10).contains(&again.len())
        {
            section.fault(&place, Fault::new(format!("again_s has {} pauses", again.len()), "write one to ten"));
        }
        Self {
            language: section.text("language", language),
            quiet: section.text("quiet", quiet).unwrap_or(default.quiet),
            again: again.unwrap_or(default.again),
            give_up: section.number("give_up_h", 1..=720_i64).map_or(default.give_up, TimeDelta::hours),
            alarm_after: section.number("alarm_after", 1..=100).unwrap_or(default.alarm_after),
            templates: section.file("templates").unwrap_or_default(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhooks {
    pub file: Source,
    pub timeout: Duration,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self { file: Source::BuiltIn, timeout: Duration::from_secs(10) }
    }
}

impl Webhooks {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let default = Self::default();
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        Self {
            file: section.file("file").unwrap_or_default(),
            timeout: section.number("timeout_s", 1..=60_u32).map_or(default.timeout, seconds),
        }
    }
}

fn quiet(text: &str) -> Result<Option<Span>, Fault> {
    if text == "off" {
        return Ok(None);
    }
    let fault = || Fault::new(format!("`{text}` are no hours of a day"), "write them as \"22:00-07:00\", or \"off\"");
    Span::parse(text).map(Some).ok_or_else(fault)
}

fn language(text: &str) -> Result<Lang, Fault> {
    let right = (1..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    right
        .then(|| Lang::new(text))
        .ok_or_else(|| Fault::new(format!("{text:?} is no language"), "write \"zh\" or \"en\""))
}

fn pause(text: &str) -> Result<TimeDelta, Fault> {
    let number = text.parse::<u32>().ok().filter(|seconds| (1..=86_400).contains(seconds));
    number
        .map(|seconds| TimeDelta::seconds(seconds.into()))
        .ok_or_else(|| Fault::new(format!("`{text}` is no pause"), "write seconds from 1 to 86400, as \"60\""))
}
