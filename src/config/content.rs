//! `[flow]`, `[answers]`, `[people]`, `[phones]`, `[trunks]`, `[hours]`, `[prompts]`: the files that the desk's people write.

use std::path::{Path, PathBuf};

use super::keys::{Key, SectionKeys};
use super::place::Place;

pub const FLOW: SectionKeys = SectionKeys {
    name: "flow",
    en: "What the caller hears and what each key leads to.",
    zh: "来电者听到什么、各按键通向何处。",
    keys: &[Key {
        name: "file",
        default: None,
        example: "\"flow.toml\"",
        en: "The flow. Left out: the built-in one. `frontdesk flow` shows it as a diagram.",
        zh: "流程文件。不填则用内置流程。`frontdesk flow` 可将其显示为图。",
    }],
};

pub const ANSWERS: SectionKeys = SectionKeys {
    name: "answers",
    en: "The answers of the inquiry menu (R14).",
    zh: "问询菜单的答复（R14）。",
    keys: &[Key {
        name: "file",
        default: None,
        example: "\"answers.toml\"",
        en: "The tree of answers. Left out: the built-in one.",
        zh: "答复树文件。不填则用内置答复。",
    }],
};

pub const PEOPLE: SectionKeys = SectionKeys {
    name: "people",
    en: "The directory of people.",
    zh: "人员通讯录。",
    keys: &[Key {
        name: "file",
        default: None,
        example: "\"people.toml\"",
        en: "The directory. Left out: the built-in example people.",
        zh: "通讯录文件。不填则用内置的示例人员。",
    }],
};

pub const PHONES: SectionKeys = SectionKeys {
    name: "phones",
    en: "Telephones that register here (docs/phones.md).",
    zh: "在本机注册的话机（见 docs/phones.zh.md）。",
    keys: &[Key {
        name: "file",
        default: None,
        example: "\"phones.toml\"",
        en: "The accounts. Left out: none, and nobody can register.",
        zh: "话机账号文件。不填则没有账号，任何话机都不能注册。",
    }],
};

pub const TRUNKS: SectionKeys = SectionKeys {
    name: "trunks",
    en: "Lines of carriers and PBXs that the desk is called over (docs/trunks.md).",
    zh: "运营商和交换机的中继线路（见 docs/trunks.zh.md）。",
    keys: &[Key {
        name: "file",
        default: None,
        example: "\"trunks.toml\"",
        en: "The trunks. Left out: none; calls then come from whoever knows the address.",
        zh: "中继文件。不填则没有中继，由知道本机地址者直接呼入。",
    }],
};

pub const HOURS: SectionKeys = SectionKeys {
    name: "hours",
    en: "Opening hours and holidays.",
    zh: "服务时间与节假日。",
    keys: &[Key {
        name: "file",
        default: None,
        example: "\"hours.toml\"",
        en: "The hours. Left out: the built-in ones.",
        zh: "服务时间文件。不填则用内置时间。",
    }],
};

pub const PROMPTS: SectionKeys = SectionKeys {
    name: "prompts",
    en: "What is said.",
    zh: "播放的语音。",
    keys: &[Key {
        name: "dir",
        default: None,
        example: "\"prompts\"",
        en: "A folder with one folder for each language; what it holds takes the place of the built-in prompts.",
        zh: "提示音文件夹，每种语言一个子文件夹；其中的内容取代内置提示音。",
    }],
};

/// Where content comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Source {
    #[default]
    BuiltIn,
    At {
        path: PathBuf,
        /// Where the settings name it, for the problem when it can't be read.
        place: Place,
    },
}

impl Source {
    pub fn path(&self) -> Option<&Path> {
        match self {
            Source::BuiltIn => None,
            Source::At { path, .. } => Some(path),
        }
    }
}
