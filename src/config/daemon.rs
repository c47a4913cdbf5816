//! `[daemon]`: how the process ends.

use super::keys::{Key, SectionKeys};
use super::reader::Section;

pub const KEYS: SectionKeys = SectionKeys {
    name: "daemon",
    en: "The process.",
    zh: "进程。",
    keys: &[Key {
        name: "shutdown_grace_s",
        default: Some("30"),
        example: "30",
        en: "After SIGTERM or SIGINT no new call is taken, and live ones may go on for so many seconds, 0 to 3600.",
        zh: "收到 SIGTERM 或 SIGINT 后不再接新来电，进行中的通话最多再持续的秒数，0 至 3600。",
    }],
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Daemon {
    pub shutdown_grace_ms: u32,
}

impl Default for Daemon {
    fn default() -> Self {
        Self { shutdown_grace_ms: 30_000 }
    }
}

impl Daemon {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let seconds = section.number("shutdown_grace_s", 0..=3600_u32);
        Self { shutdown_grace_ms: seconds.map_or(Self::default().shutdown_grace_ms, |s| s * 1000) }
    }
}
