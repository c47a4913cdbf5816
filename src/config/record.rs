//! `[record]`: limits of recordings (R6) and of the disk that they fill.

use super::keys::{Key, SectionKeys};
use super::reader::{Fault, Section};

pub const KEYS: SectionKeys = SectionKeys {
    name: "record",
    en: "Limits of recordings (R6), where the flow sets none of its own.",
    zh: "录音的限制（R6），流程未另行规定时适用。",
    keys: &[
        Key {
            name: "max_s",
            default: Some("180"),
            example: "180",
            en: "Longest recording in seconds, 10 to 3600.",
            zh: "最长录音秒数，10 至 3600。",
        },
        Key {
            name: "silence_s",
            default: Some("6"),
            example: "6",
            en: "So many seconds of silence in a row end a recording, 2 to 60: a short pause never does.",
            zh: "连续静音多少秒后结束录音，2 至 60：短暂停顿不会结束。",
        },
        Key {
            name: "min_s",
            default: Some("1"),
            example: "1",
            en: "Shorter recordings count as nothing said, in seconds, 0 to 10.",
            zh: "短于此秒数的录音视为未说话，0 至 10。",
        },
        Key {
            name: "warn_s",
            default: Some("10"),
            example: "10",
            en: "A tone warns so many seconds before the longest recording ends, 0 (none) to 60.",
            zh: "到达最长录音前多少秒以提示音提醒，0（不提醒）至 60。",
        },
        Key {
            name: "disk_free_min_mb",
            default: Some("500"),
            example: "500",
            en: "With less free disk in MB, recordings stop growing and an alarm is logged; calls and tickets go on. 0 to \
                 1000000.",
            zh: "磁盘剩余空间低于此值（MB）时停止录音并记录告警，通话与工单照常。0 至 1000000。",
        },
        Key {
            name: "notice",
            default: Some("\"off\""),
            example: "\"once\"",
            en: "`once`: callers hear once, before the first recording of a call, that calls are recorded (PIPL article 17): the prompt \
                 `recording-notice`. Emergencies are not kept waiting for it. `off`: the caller is asked to speak after the tone, and \
                 knows by that.",
            zh: "`once`：在每路通话首次录音前告知来电者将被录音（《个人信息保护法》第十七条）：提示音 `recording-notice`。紧急来电不因此等待。`off`：来电者听到「请在提示音后说」即知。",
        },
        Key {
            name: "ladder_days",
            default: Some("30"),
            example: "30",
            en: "How many days the SIP messages of each call are kept (`frontdesk calls show ID --ladder`), 0 (none) to 3650. \
                 Needs a restart.",
            zh: "每路通话的 SIP 消息保留多少天（`frontdesk calls show ID --ladder`），0（不保留）至 3650。更改后需重启。",
        },
        Key {
            name: "ladder_mb_max",
            default: Some("1000"),
            example: "1000",
            en: "In how many MB of the database they are kept, 1 to 1000000; beyond it the oldest go. A call has about 10 kB. \
                 Needs a restart.",
            zh: "这些消息在数据库中最多占多少 MB，1 至 1000000；超出时先删除最旧的。每路通话约 10 kB。更改后需重启。",
        },
    ],
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    pub max_ms: u32,
    pub silence_ms: u32,
    pub min_ms: u32,
    pub warn_ms: u32,
    pub disk_free_min_bytes: u64,
    /// Callers are told before the first recording.
    pub notice: bool,
    /// 0: SIP messages of calls are not kept.
    pub ladder_days: u32,
    pub ladder_bytes_max: u64,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            max_ms: 180_000,
            silence_ms: 6_000,
            min_ms: 1_000,
            warn_ms: 10_000,
            disk_free_min_bytes: 500 * 1_000_000,
            notice: false,
            ladder_days: 30,
            ladder_bytes_max: 1_000 * 1_000_000,
        }
    }
}

impl Record {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let default = Self::default();
        let ms = |seconds: Option<u32>, default_ms| seconds.map_or(default_ms, |s| s * 1000);
        let record = Self {
            max_ms: ms(section.number("max_s", 10..=3600), default.max_ms),
            silence_ms: ms(section.number("silence_s", 2..=60), default.silence_ms),
            min_ms: ms(section.number("min_s", 0..=10), default.min_ms),
            warn_ms: ms(section.number("warn_s", 0..=60), default.warn_ms),
            disk_free_min_bytes: section
                .number("disk_free_min_mb", 0..=1_000_000_u64)
                .map_or(default.disk_free_min_bytes, |mb| mb * 1_000_000),
            notice: section.text("notice", notice).unwrap_or(default.notice),
            ladder_days: section.number("ladder_days", 0..=3_650).unwrap_or(default.ladder_days),
            ladder_bytes_max: section
                .number("ladder_mb_max", 1..=1_000_000_u64)
                .map_or(default.ladder_bytes_max, |mb| mb * 1_000_000),
        };
        record.check(&mut section);
        record
    }

    fn check(&self, section: &mut Section<'_>) {
        for (key, ms) in [("warn_s", self.warn_ms), ("silence_s", self.silence_ms), ("min_s", self.min_ms)] {
            let place = section.place(key).or_else(|| section.place("max_s"));
            if let Some(place) = place.filter(|_| ms >= self.max_ms) {
                let what = format!("{key} = {} is not shorter than max_s = {}", ms / 1000, self.max_ms / 1000);
                section.fault(&place, Fault::new(what, format!("make {key} shorter or max_s longer")));
            }
        }
    }
}

fn notice(text: &str) -> Result<bool, Fault> {
    match text {
        "once" => Ok(true),
        "off" => Ok(false),
        _ => Err(Fault::new(format!("notice = {text:?} is unknown"), "write \"once\" or \"off\"")),
    }
}
