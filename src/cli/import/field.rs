//! What a list may say of a person, and by which names.

use toml_edit::{Array, Value};

use crate::desk::people::Duty;

/// One key of a person, and how a list writes it.
#[derive(Debug)]
pub(super) struct Field {
    /// The key in the people's file.
    pub key: &'static str,
    /// What a column may be called, in small letters; the key itself is one of them.
    pub columns: &'static [&'static str],
    sort: Sort,
}

#[derive(Debug, Clone, Copy)]
enum Sort {
    Text,
    /// With what holds where nothing is written.
    YesNo(bool),
    Places,
    Duties,
}

/// One row per key; `extension` first, which says whose entry it is.
pub(super) const FIELDS: &[Field] = &[
    text("extension", &["extension", "ext", "ext.", "分机", "分机号", "分机号码"]),
    text("name", &["name", "full name", "姓名", "名字"]),
    text("pinyin", &["pinyin", "拼音", "姓名拼音"]),
    text("department", &["department", "dept", "dept.", "部门", "所属部门"]),
    Field {
        key: "hunt", columns: &["hunt", "places", "呼叫顺序", "振铃顺序", "呼叫地址"], sort: Sort::Places
    },
    Field {
        key: "number_may_be_given",
        columns: &["number_may_be_given", "number may be given", "可告知号码", "号码可告知", "公开号码"],
        sort: Sort::YesNo(false),
    },
    Field { key: "duty", columns: &["duty", "duties", "值班", "职责", "值班职责"], sort: Sort::Duties },
    Field { key: "present", columns: &["present", "在岗"], sort: Sort::YesNo(true) },
    text("absent_until", &["absent_until", "absent until", "离岗至"]),
    Field {
        key: "do_not_disturb",
        columns: &["do_not_disturb", "do not disturb", "dnd", "免打扰", "勿扰"],
        sort: Sort::YesNo(false),
    },
    text("email", &["email", "e-mail", "mail", "邮箱", "电子邮箱", "邮件"]),
    text("prompt", &["prompt", "提示音"]),
];

/// What the words of duties are in lists.
const DUTIES: &[(&str, Duty)] = &[
    ("receptionist", Duty::Receptionist),
    ("前台", Duty::Receptionist),
    ("接待", Duty::Receptionist),
    ("emergency", Duty::Emergency),
    ("应急", Duty::Emergency),
    ("紧急", Duty::Emergency),
    ("engineer", Duty::Engineer),
    ("工程", Duty::Engineer),
    ("维修", Duty::Engineer),
    ("supervisor", Duty::Supervisor),
    ("主管", Duty::Supervisor),
    ("领班", Duty::Supervisor),
];

const YES: &[&str] = &["yes", "y", "true", "1", "是", "√", "对"];
const NO: &[&str] = &["no", "n", "false", "0", "否", "×", "不"];

/// One person of a list.
#[derive(Debug)]
pub(super) struct Entry {
    pub extension: String,
    /// In the order of `FIELDS`; only what the list says.
    pub said: Vec<(&'static Field, Value)>,
    /// Whether its places come after those that are known, and not in their place: an address book knows no hunt list.
    pub adds_places: bool,
    /// 1-based line where it begins.
    pub line: usize,
}

impl Field {
    pub fn of_column(name: &str) -> Option<&'static Field> {
        let name = name.trim().to_lowercase();
        FIELDS.iter().find(|field| field.columns.contains(&name.as_str()))
    }

    /// Whether this value says what holds without it.
    pub fn goes_without_saying(&self, value: &Value) -> bool {
        matches!(self.sort, Sort::YesNo(usual) if value.as_bool() == Some(usual))
    }

    /// A cell's text as the file's value; what is wrong with it and what to write instead otherwise.
    pub fn value(&self, text: &str) -> Result<Value, (String, String)> {
        let small = text.to_lowercase();
        match self.sort {
            Sort::Text => Ok(Value::from(text)),
            Sort::YesNo(_) if YES.contains(&small.as_str()) => Ok(Value::from(true)),
            Sort::YesNo(_) if NO.contains(&small.as_str()) => Ok(Value::from(false)),
            Sort::YesNo(_) => Err((format!("`{text}` is neither yes nor no"), "write yes or no (是, 否)".to_owned())),
            // Places that were exported stand one after the other.
            Sort::Places => {
                let text = text.replace(" sip:", "\nsip:").replace(" sips:", "\nsips:").replace(" tel:", "\ntel:");
                Ok(Value::Array(parts(&text).collect::<Array>()))
            }
            Sort::Duties => {
                let mut duties = Array::new();
                for word in parts(&small).flat_map(str::split_whitespace) {
                    let known = DUTIES.iter().find(|(known, _)| *known == word);
                    let Some((_, duty)) = known else {
                        let remedy = "write receptionist, emergency or engineer (前台, 应急, 工程)".to_owned();
                        return Err((format!("`{word}` is no duty"), remedy));
                    };
                    duties.push(duty.as_str());
                }
                Ok(Value::Array(duties))
            }
        }
    }
}

const fn text(key: &'static str, columns: &'static [&'static str]) -> Field {
    Field { key, columns, sort: Sort::Text }
}

/// Several in one cell.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split([';', '；', '、', ',', '，', '|', '\n']).map(str::trim).filter(|part| !part.is_empty())
}
