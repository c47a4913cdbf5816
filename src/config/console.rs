//! `[console]`: where the desk's people and monitors reach the daemon by HTTP.

use std::net::SocketAddr;

use super::address::web_address;
use super::keys::{Key, SectionKeys};
use super::reader::Section;

pub const KEYS: SectionKeys = SectionKeys {
    name: "console",
    en: "The web console, health and metrics.",
    zh: "网页控制台、健康检查与指标。",
    keys: &[Key {
        name: "listen",
        default: Some("\"127.0.0.1:8080\""),
        example: "\"127.0.0.1:8080\"",
        en: "Address and port of `/healthz`, `/readyz`, `/metrics` and the API (`/api/v1`, docs/api.md); port 0 is any free one. It speaks plain HTTP.",
        zh: "`/healthz`、`/readyz`、`/metrics` 与接口（`/api/v1`，docs/api.zh.md）的地址和端口；端口 0 表示任意空闲端口。使用明文 HTTP。",
    }],
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Console {
    pub listen: SocketAddr,
}

impl Default for Console {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8080)) }
    }
}

impl Console {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        Self { listen: section.text("listen", web_address).unwrap_or(Self::default().listen) }
    }
}
