//! `[call_back]`: how callers who asked for it are called back (R10).

use std::net::SocketAddr;

use super::keys::{Key, SectionKeys};
use super::numbers::format as number_format;
use super::reader::{Fault, Section};
use crate::desk::hours::Span;
use crate::desk::trunks::Gateway;
use crate::types::NumberFormat;

pub const KEYS: SectionKeys = SectionKeys {
    name: "call_back",
    en: "How callers are called back who gave up waiting for a receptionist: the receptionist takes the call-back first. Only \
         the number that a call came from is ever called.",
    zh: "排队时要求回电的客户如何回电：先由接待人员接下回电。只拨打来电本身的号码。",
    keys: &[
        Key {
            name: "gateway",
            default: None,
            example: "\"192.0.2.10:5060\"",
            en: "Address and UDP port of the gateway to the telephone network. Calls that came from its address are called back \
                 through it. `\"trunk:carrier\"` names a trunk instead: calls that came over it are called back over it. Left out: such \
                 numbers are told to the receptionist, who dials.",
            zh: "通往电话网的网关的地址和 UDP 端口。由该地址来的电话经它回电。写 `\"trunk:carrier\"` 则指中继：由该中继来的电话经它回电。不填则把号码告诉接待人员，由其拨打。",
        },
        Key {
            name: "number_format",
            default: Some("\"as_written\""),
            example: "\"e164\"",
            en: "How this gateway wants the number: `as_written` as people here dial it, which is how it is kept; `e164` \
                 (`+8613800138000`); `national` (`13800138000`).",
            zh: "该网关要求的号码写法：`as_written` 按记录中的写法（即本地拨打的写法）；`e164` 如 `+8613800138000`；`national` 如 `13800138000`。",
        },
        Key {
            name: "hours",
            default: Some("\"08:00-21:00\""),
            example: "\"08:00-21:00\"",
            en: "Hours of the day in which the desk dials, in its time zone; at others the receptionist is told the number.",
            zh: "可自动拨出的时段（本地时间）；其他时间只把号码告诉接待人员。",
        },
        Key {
            name: "ring_s",
            default: Some("45"),
            example: "45",
            en: "How long it rings at the customer's, in seconds, 10 to 120. It is tried once; then the receptionist is told the \
                 number.",
            zh: "在客户处振铃多久（秒），10 至 120。只试一次，之后把号码告诉接待人员。",
        },
        Key {
            name: "prefixes_denied",
            default: Some("[\"00\", \"+\", \"160\", \"168\"]"),
            example: "[\"00\", \"+\", \"168\"]",
            en: "Numbers that begin so are not dialled by the desk, as whoever forges a caller's number may earn by such calls: \
                 the receptionist is told the number.",
            zh: "以此开头的号码前台不自动拨打（伪造主叫号码者可能借此牟利），只把号码告诉接待人员。",
        },
        Key {
            name: "prefixes_allowed",
            default: Some("[\"+86\", \"0086\"]"),
            example: "[\"+86\"]",
            en: "Numbers that begin so are dialled all the same.",
            zh: "以此开头的号码仍可拨打。",
        },
    ],
};

/// What numbers are called back through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallBackGateway {
    Address(SocketAddr),
    /// The trunk of that name.
    Trunk(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallBack {
    pub gateway: Option<CallBackGateway>,
    pub number_format: NumberFormat,
    pub hours: Span,
    pub ring_s: u32,
    pub prefixes_denied: Vec<String>,
    /// They hold against those.
    pub prefixes_allowed: Vec<String>,
}

impl Default for CallBack {
    fn default() -> Self {
        Self {
            gateway: None,
            number_format: NumberFormat::default(),
            hours: Span::parse("08:00-21:00").expect("it is a span"),
            ring_s: 45,
            prefixes_denied: ["00", "+", "160", "168"].map(str::to_owned).to_vec(),
            prefixes_allowed: ["+86", "0086"].map(str::to_owned).to_vec(),
        }
    }
}

impl CallBack {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let default = Self::default();
        Self {
            gateway: section.text("gateway", gateway),
            number_format: section.text("number_format", number_format).unwrap_or_default(),
            hours: section.text("hours", hours).unwrap_or(default.hours),
            ring_s: section.number("ring_s", 10..=120).unwrap_or(default.ring_s),
            prefixes_denied: section.list("prefixes_denied", prefix).unwrap_or(default.prefixes_denied),
            prefixes_allowed: section.list("prefixes_allowed", prefix).unwrap_or(default.prefixes_allowed),
        }
    }
}

fn gateway(text: &str) -> Result<CallBackGateway, Fault> {
    if let Some(name) = Gateway::trunk_of(text) {
        return Ok(CallBackGateway::Trunk(name.to_owned()));
    }
    let fault = || {
        let remedy = "write the gateway's address and port, such as \"192.0.2.10:5060\"";
        Fault::new(format!("`{text}` is no address that can be called"), remedy)
    };
    let address: SocketAddr = text.parse().map_err(|_| fault())?;
    if address.port() == 0 || address.ip().is_unspecified() || address.ip().is_multicast() {
        return Err(fault());
    }
    Ok(CallBackGateway::Address(address))
}

fn prefix(text: &str) -> Result<String, Fault> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let right = !text.is_empty() && text.len() <= 20 && digits.bytes().all(|b| b.is_ascii_digit());
    right.then(|| text.to_owned()).ok_or_else(|| {
        Fault::new(
            format!("{text:?} is no beginning of a number"),
            "write digits, with or without a plus: \"00\", \"+\"",
        )
    })
}

fn hours(text: &str) -> Result<Span, Fault> {
    Span::parse(text)
        .ok_or_else(|| Fault::new(format!("`{text}` are no hours of a day"), "write them as \"08:00-21:00\""))
}
