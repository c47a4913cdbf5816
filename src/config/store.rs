//! `[store]`: the database's queue.

use super::keys::{Key, SectionKeys};
use super::reader::Section;

pub const KEYS: SectionKeys = SectionKeys {
    name: "store",
    en: "The database, `DATA/frontdesk.db`.",
    zh: "数据库 `DATA/frontdesk.db`。",
    keys: &[Key {
        name: "queue_max",
        default: Some("16384"),
        example: "16384",
        en: "Requests that may wait to be written, 100 to 1000000; when it is full, new calls are answered 503 rather \
             than lost.",
        zh: "等待写入的请求上限，100 至 1000000；队列满时新来电以 503 应答，而不丢失记录。",
    }],
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Store {
    pub queue_max: u32,
}

impl Default for Store {
    fn default() -> Self {
        Self { queue_max: 16_384 }
    }
}

impl Store {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        Self { queue_max: section.number("queue_max", 100..=1_000_000).unwrap_or(Self::default().queue_max) }
    }
}
