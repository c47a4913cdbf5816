//! `[numbers]`: how telephone numbers are written where the desk is.

use super::keys::{Key, SectionKeys};
use super::reader::{Fault, Section};
use crate::types::{NumberFormat, NumberPlan};

pub const KEYS: SectionKeys = SectionKeys {
    name: "numbers",
    en: "How telephone numbers are written where the desk is: the number of one caller is one number, whether the line brings \
         it as `+8613800138000`, `013800138000` or `13800138000`. People see and hear it as they dial it. Extensions, short \
         numbers and names are never changed.",
    zh: "本地电话号码的写法：同一来电号码无论线路送来的是 `+8613800138000`、`013800138000` 还是 `13800138000`，都视为同一号码；\
         显示和播报时使用本地拨打的写法。分机号、短号码和名称不作改动。",
    keys: &[
        Key {
            name: "country_code",
            default: Some("\"86\""),
            example: "\"86\"",
            en: "The country's code, without `+`.",
            zh: "国家代码，不带 `+`。",
        },
        Key {
            name: "area_code",
            default: None,
            example: "\"10\"",
            en: "The area's code, without the national prefix: local numbers of seven or eight digits belong to it. Left out: \
                 they stay as they are.",
            zh: "本地区号，不带国内长途字冠：七位或八位的本地号码属于该区。不填则本地号码不作改动。",
        },
        Key {
            name: "international_prefix",
            default: Some("\"00\""),
            example: "\"00\"",
            en: "What is dialled before the code of another country.",
            zh: "国际长途字冠。",
        },
        Key {
            name: "national_prefix",
            default: Some("\"0\""),
            example: "\"0\"",
            en: "What is dialled before an area's code; empty where there is none.",
            zh: "国内长途字冠；没有则为空。",
        },
    ],
};

pub(super) fn read(mut section: Section<'_>) -> NumberPlan {
    let default = NumberPlan::default();
    NumberPlan {
        country_code: section.text("country_code", code).unwrap_or(default.country_code),
        area_code: section.text("area_code", code),
        international_prefix: section.text("international_prefix", prefix).unwrap_or(default.international_prefix),
        national_prefix: section.text("national_prefix", prefix).unwrap_or(default.national_prefix),
    }
}

/// How a gateway wants numbers.
pub(super) fn format(text: &str) -> Result<NumberFormat, Fault> {
    NumberFormat::from_name(text).ok_or_else(|| {
        let remedy = "write \"as_written\", \"e164\" (+8613800138000) or \"national\" (13800138000)";
        Fault::new(format!("there is no number format {text:?}"), remedy)
    })
}

fn code(text: &str) -> Result<String, Fault> {
    let right = (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    right.then(|| text.to_owned()).ok_or_else(|| {
        Fault::new(format!("{text:?} is no code"), "write digits without + and leading 0, such as \"86\"")
    })
}

fn prefix(text: &str) -> Result<String, Fault> {
    let right = text.len() <= 5 && text.bytes().all(|b| b.is_ascii_digit());
    right
        .then(|| text.to_owned())
        .ok_or_else(|| Fault::new(format!("{text:?} is no prefix"), "write digits, such as \"00\", or \"\" for none"))
}
