//! `[clocks]`: how long the clocks of tickets are, and in which calendar they count (R19, R23, R27, R33, R36).

use chrono::TimeDelta;

use super::keys::{Key, SectionKeys};
use super::reader::{Fault, Section};
use crate::desk::clocks::{Calendar, ClockBook, ClockKey};
use crate::types::did_you_mean;

pub const KEYS: SectionKeys = SectionKeys {
    name: "clocks",
    en: "How long the clocks of tickets are, in minutes from 1 to 1000000. A change holds for clocks that begin after it.",
    zh: "工单各时限的分钟数，1 至 1000000。更改只对其后开始的时限生效。",
    keys: &[
        Key {
            name: "warn_percent",
            default: Some("75"),
            example: "75",
            en: "The owner is warned when so much of a clock's time is over, in percent, 1 to 100 (R23).",
            zh: "时限过去百分之多少时提醒负责人，1 至 100（R23）。",
        },
        Key {
            name: "warranty_days",
            default: Some("90"),
            example: "90",
            en: "A new report for the same room and category within so many days of the repair is a rework at no cost, 0 to 3650 \
                 (R31).",
            zh: "修复后多少天内同一房间同类报修视为返修、免费，0 至 3650（R31）。",
        },
        Key {
            name: "calendars",
            default: Some("[]"),
            example: "[\"complaint_handle = open\", \"general_repaired = day\"]",
            en: "Clocks that do not run day and night: the clock's name, and `open` (while the desk is open) or a schedule of \
                 `hours.toml`.",
            zh: "不按昼夜连续计时的时限：写时限名与 `open`（营业时间内计时）或 `hours.toml` 中的班次名。",
        },
        Key {
            name: "urgent_on_site_min",
            default: Some("120"),
            example: "120",
            en: "On site at an urgent repair (R23).",
            zh: "急修到场（R23）。",
        },
        Key {
            name: "urgent_repaired_min",
            default: Some("1440"),
            example: "1440",
            en: "An urgent repair done (R23).",
            zh: "急修完成（R23）。",
        },
        Key {
            name: "general_repaired_min",
            default: Some("4320"),
            example: "4320",
            en: "A general repair done (R23).",
            zh: "一般项目修复（R23）。",
        },
        Key {
            name: "quote_min",
            default: Some("15"),
            example: "15",
            en: "A price that is not in the list told to the customer (R27).",
            zh: "价目表外项目报价（R27）。",
        },
        Key {
            name: "reply_min",
            default: Some("5"),
            example: "5",
            en: "An inquiry or a request for help answered (R19).",
            zh: "问询、求助答复（R19）。",
        },
        Key {
            name: "complaint_reply_min",
            default: Some("1440"),
            example: "1440",
            en: "The customer hears the result of a complaint (R36).",
            zh: "投诉答复客户（R36）。",
        },
        Key {
            name: "complaint_receive_min",
            default: Some("60"),
            example: "60",
            en: "The stage 接诉 of a complaint (R33).",
            zh: "投诉「接诉」阶段（R33）。",
        },
        Key {
            name: "complaint_judge_min",
            default: Some("240"),
            example: "240",
            en: "The stage 辩诉.",
            zh: "「辩诉」阶段。",
        },
        Key {
            name: "complaint_analyse_min",
            default: Some("720"),
            example: "720",
            en: "The stage 析诉.",
            zh: "「析诉」阶段。",
        },
        Key {
            name: "complaint_assign_min",
            default: Some("1440"),
            example: "1440",
            en: "The stage 定责.",
            zh: "「定责」阶段。",
        },
        Key {
            name: "complaint_handle_min",
            default: Some("4320"),
            example: "4320",
            en: "The stage 处理.",
            zh: "「处理」阶段。",
        },
        Key {
            name: "complaint_follow_up_min",
            default: Some("2880"),
            example: "2880",
            en: "The stage 回访.",
            zh: "「回访」阶段。",
        },
        Key {
            name: "complaint_sum_up_min",
            default: Some("10080"),
            example: "10080",
            en: "The stage 总结.",
            zh: "「总结」阶段。",
        },
    ],
};

/// In the order of `ClockKey::ALL`.
const LENGTHS: [&str; ClockKey::ALL.len()] = [
    "urgent_on_site_min",
    "urgent_repaired_min",
    "general_repaired_min",
    "quote_min",
    "reply_min",
    "complaint_reply_min",
    "complaint_receive_min",
    "complaint_judge_min",
    "complaint_analyse_min",
    "complaint_assign_min",
    "complaint_handle_min",
    "complaint_follow_up_min",
    "complaint_sum_up_min",
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clocks {
    pub warn_percent: u8,
    pub warranty_days: u32,
    /// Minutes, in the order of `ClockKey::ALL`.
    pub lengths: Vec<u32>,
    /// Those that do not run day and night.
    pub calendars: Vec<(ClockKey, Calendar)>,
}

impl Default for Clocks {
    fn default() -> Self {
        let minutes = |key: &ClockKey| u32::try_from(ClockBook::usual(*key).num_minutes()).unwrap_or(u32::MAX);
        Self {
            warn_percent: 75,
            warranty_days: 90,
            lengths: ClockKey::ALL.iter().map(minutes).collect(),
            calendars: Vec::new(),
        }
    }
}

impl Clocks {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let default = Self::default();
        let mut length = |(name, usual): (&&'static str, &u32)| section.number(name, 1..=1_000_000).unwrap_or(*usual);
        let lengths = LENGTHS.iter().zip(&default.lengths).map(&mut length).collect();
        Self {
            warn_percent: section.number("warn_percent", 1..=100).unwrap_or(default.warn_percent),
            warranty_days: section.number("warranty_days", 0..=3_650).unwrap_or(default.warranty_days),
            lengths,
            calendars: section.list("calendars", calendar).unwrap_or_default(),
        }
    }

    /// The clocks as tickets have them.
    pub fn fill(&self, book: &mut ClockBook) {
        book.set_warranty(TimeDelta::days(self.warranty_days.into()));
        for (key, minutes) in ClockKey::ALL.iter().zip(&self.lengths) {
            let of_key = self.calendars.iter().find(|(of, _)| of == key).map(|(_, calendar)| calendar.clone());
            book.set(*key, TimeDelta::minutes((*minutes).into()), of_key.unwrap_or_default());
        }
    }
}

fn calendar(text: &str) -> Result<(ClockKey, Calendar), Fault> {
    let remedy = "write it as \"complaint_handle = open\"";
    let Some((name, calendar)) = text.split_once('=').map(|(name, calendar)| (name.trim(), calendar.trim())) else {
        return Err(Fault::new(format!("`{text}` names no clock and calendar"), remedy));
    };
    let Ok(key) = name.parse::<ClockKey>() else {
        let near = did_you_mean(name, ClockKey::ALL.iter().map(|key| key.as_str()));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return Err(Fault::new(format!("there is no clock `{name}`{near}"), remedy));
    };
    match calendar {
        "" => Err(Fault::new(format!("`{text}` names no calendar"), remedy)),
        "always" => Ok((key, Calendar::Always)),
        "open" => Ok((key, Calendar::Open)),
        schedule => Ok((key, Calendar::Schedule(schedule.to_owned()))),
    }
}
