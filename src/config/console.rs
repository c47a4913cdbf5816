//! `[console]`: where the desk's people and monitors reach the daemon by HTTP, and how long they stay signed in.

use std::net::SocketAddr;

use chrono::TimeDelta;
use ipnet::IpNet;

use super::address::{network, web_address};
use super::keys::{Key, SectionKeys};
use super::reader::{Fault, Section};
use crate::desk::account::session::SessionRules;

pub const KEYS: SectionKeys = SectionKeys {
    name: "console",
    en: "The web console, health and metrics.",
    zh: "网页控制台、健康检查与指标。",
    keys: &[
        Key {
            name: "listen",
            default: Some("\"127.0.0.1:8080\""),
            example: "\"127.0.0.1:8080\"",
            en: "Address and port of the console's pages, of the API (`/api/v1`, docs/api.md) and of `/healthz`, `/readyz`, `/metrics`; port 0 is any free one.",
            zh: "控制台网页、接口（`/api/v1`，docs/api.zh.md）以及 `/healthz`、`/readyz`、`/metrics` 的地址和端口；端口 0 表示任意空闲端口。",
        },
        Key {
            name: "tls",
            default: Some("\"off\""),
            example: "\"off\"",
            en: "`on`: HTTPS with the certificates of `[tls]`. `off`: plain HTTP, for this machine alone or behind a proxy that speaks HTTPS: passwords and recordings go over it.",
            zh: "`on`：用 `[tls]` 的证书提供 HTTPS。`off`：明文 HTTP，只应在本机使用，或放在提供 HTTPS 的代理之后：密码与录音都经过它。",
        },
        Key {
            name: "trusted_proxies",
            default: Some("[]"),
            example: "[\"127.0.0.1/32\"]",
            en: "Networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed; nobody else's are.",
            zh: "可信代理所在的网段：只有它们的 `X-Forwarded-For` 与 `X-Forwarded-Proto` 会被采信。",
        },
        Key {
            name: "url",
            default: None,
            example: "\"https://desk.example.com\"",
            en: "How browsers reach the console, for links in one-time invitations. Left out: the address that it listens on.",
            zh: "浏览器访问控制台的网址，用于一次性邀请链接。不写则用监听地址。",
        },
        Key {
            name: "session_idle_min",
            default: Some("60"),
            example: "60",
            en: "Somebody is signed out after so many minutes without an open page: 5 to 1440.",
            zh: "没有打开的页面超过这么多分钟即自动退出：5 至 1440。",
        },
        Key {
            name: "session_max_h",
            default: Some("12"),
            example: "12",
            en: "Somebody is signed out after so many hours in any case: 1 to 720. A wall board may need longer than a shift.",
            zh: "无论如何，登录这么多小时后退出：1 至 720。大屏可能需要比一个班次更长。",
        },
    ],
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Console {
    pub listen: SocketAddr,
    pub tls: bool,
    pub trusted_proxies: Vec<IpNet>,
    /// Without a slash at its end.
    pub url: Option<String>,
    pub sessions: SessionRules,
}

impl Default for Console {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            tls: false,
            trusted_proxies: Vec::new(),
            url: None,
            sessions: SessionRules::default(),
        }
    }
}

impl Console {
    /// How browsers reach it: `url`, else where it listens.
    pub fn address_for_browsers(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        self.url.clone().unwrap_or_else(|| format!("{scheme}://{}", self.listen))
    }

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let default = Self::default();
        let idle = section.number("session_idle_min", 5..=1_440_u32);
        let whole = section.number("session_max_h", 1..=720_u32);
        Self {
            listen: section.text("listen", web_address).unwrap_or(default.listen),
            tls: section.text("tls", on_or_off).unwrap_or(default.tls),
            trusted_proxies: section.list("trusted_proxies", network).unwrap_or_default(),
            url: section.text("url", url),
            sessions: SessionRules {
                idle: idle.map_or(default.sessions.idle, |minutes| TimeDelta::minutes(minutes.into())),
                whole: whole.map_or(default.sessions.whole, |hours| TimeDelta::hours(hours.into())),
            },
        }
    }
}

fn on_or_off(text: &str) -> Result<bool, Fault> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Fault::new(format!("`{text}` is neither on nor off"), "write tls = \"on\" or \"off\"")),
    }
}

fn url(text: &str) -> Result<String, Fault> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let good = |rest: &str| !rest.is_empty() && !rest.contains(|c: char| c.is_whitespace() || "?#\"<>".contains(c));
    match rest {
        Some(rest) if good(rest) => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err(Fault::new(format!("`{text}` is no web address"), "write url = \"https://desk.example.com\"")),
    }
}
