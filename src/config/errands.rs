//! `[errands]`: telephone calls that the desk itself makes about its work (R5, R26, R37).

use super::keys::{Key, SectionKeys};
use super::reader::Section;

pub const KEYS: SectionKeys = SectionKeys {
    name: "errands",
    en: "Telephone calls that the desk itself makes: engineers are sent, messages passed on, customers asked whether they are \
         satisfied. Customers are called by the rules of `[call_back]`.",
    zh: "前台自行拨打的电话：派工、转告留言、回访客户。拨打客户时适用 `[call_back]` 的规则。",
    keys: &[Key {
        name: "at_once",
        default: Some("4"),
        example: "4",
        en: "So many of them at the same time, 0 (none) to 100; and only while less than half of the line is in use.",
        zh: "同时最多拨打多少路，0（不拨打）至 100；且线路占用须不到一半。",
    }],
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errands {
    pub at_once: u32,
}

impl Default for Errands {
    fn default() -> Self {
        Self { at_once: 4 }
    }
}

impl Errands {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        Self { at_once: section.number("at_once", 0..=100).unwrap_or(Self::default().at_once) }
    }
}
