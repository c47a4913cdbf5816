//! `[privacy]`: who sees callers' numbers (R12).

use super::keys::{Key, SectionKeys};
use super::reader::{Fault, Section};
use crate::desk::privacy::Role;

pub const KEYS: SectionKeys = SectionKeys {
    name: "privacy",
    en: "Who sees callers' numbers and hears recordings (R12); `docs/privacy.md` has the roles.",
    zh: "谁能看到来电号码、听到录音（R12）；角色见 `docs/privacy.zh.md`。",
    keys: &[
        Key {
            name: "cli_role",
            default: Some("\"administrator\""),
            example: "\"receptionist\"",
            en: "What the command line shows: `engineer`, `receptionist`, `supervisor` or `administrator`. `--role` may choose one \
                 that sees less. Whoever may read the data folder reads all of it: give others this command by sudo.",
            zh: "命令行可见的范围：`engineer`、`receptionist`、`supervisor`、`administrator`。`--role` 只能选可见更少的角色。能读数据目录者即可读全部内容：\
                 其他人应通过 sudo 使用本命令。",
        },
        Key {
            name: "log_numbers",
            default: Some("\"masked\""),
            example: "\"full\"",
            en: "How the log shows telephone numbers: `masked` (138****8000) or `full`. Needs a restart.",
            zh: "日志中电话号码的显示方式：`masked`（138****8000）或 `full`（完整）。更改后需重启。",
        },
    ],
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Privacy {
    pub cli_role: Role,
    /// Whether the log shows numbers whole.
    pub log_numbers: bool,
}

impl Default for Privacy {
    fn default() -> Self {
        Self { cli_role: Role::Administrator, log_numbers: false }
    }
}

impl Privacy {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let default = Self::default();
        Self {
            cli_role: section.text("cli_role", role).unwrap_or(default.cli_role),
            log_numbers: section.text("log_numbers", log_numbers).unwrap_or(default.log_numbers),
        }
    }
}

fn role(text: &str) -> Result<Role, Fault> {
    text.parse().map_err(|error| Fault::new(format!("cli_role: {error}"), "write \"receptionist\""))
}

fn log_numbers(text: &str) -> Result<bool, Fault> {
    match text {
        "masked" => Ok(false),
        "full" => Ok(true),
        _ => Err(Fault::new(format!("log_numbers is {text:?}"), "write \"masked\" or \"full\"")),
    }
}
