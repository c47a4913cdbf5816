//! `[sip]`: where calls come in, how many, and the timers of RFC 3261.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::address::{External, Listen, dns_server, external, listen, network};
use super::keys::{Key, SectionKeys};
use super::numbers::format as number_format;
use super::reader::{Fault, Section};
use crate::desk::trunks::Gateway;
use crate::types::NumberFormat;

pub const KEYS: SectionKeys = SectionKeys {
    name: "sip",
    en: "Where calls come in, from whom, and how many.",
    zh: "在何处接听来电、允许谁呼入、最多多少路。",
    keys: &[
        Key {
            name: "listen",
            default: Some("[\"udp:127.0.0.1:5060\", \"tcp:127.0.0.1:5060\"]"),
            example: "[\"udp:127.0.0.1:5060\", \"tcp:127.0.0.1:5060\"]",
            en: "Listeners as `transport:address:port`; transports are `udp`, `tcp`, `tls`, `ws` and `wss` (SIP over WebSocket), \
                 IPv6 addresses stand in brackets, port 0 is any free one. `tls` and `wss` need `[tls] certificates`.",
            zh: "监听地址，格式为 `传输:地址:端口`；传输为 `udp`、`tcp`、`tls`、`ws` 或 `wss`（WebSocket 承载的 SIP），IPv6 地址加方括号，\
                 端口 0 表示任意空闲端口。`tls` 与 `wss` 须设置 `[tls] certificates`。",
        },
        Key {
            name: "external_address",
            default: None,
            example: "\"203.0.113.7\"",
            en: "The address that telephones reach this machine by, when it is behind NAT. `\"stun:stun.example.com\"` asks a STUN \
                 server each 20 s (needs a restart). Left out: the address that the call came in on.",
            zh: "本机位于 NAT 之后时，话机访问本机所用的地址。写 `\"stun:stun.example.com\"` 则每 20 秒询问该 STUN 服务器（更改后需重启）。不填则用来电到达的地址。",
        },
        Key {
            name: "user_agent",
            default: Some("\"frontdesk\""),
            example: "\"frontdesk\"",
            en: "What the Server and User-Agent headers say.",
            zh: "Server 与 User-Agent 头域的内容。",
        },
        Key {
            name: "realm",
            default: Some("\"frontdesk\""),
            example: "\"frontdesk\"",
            en: "What telephones that register are asked a password for; a part of the hashes in `phones.toml`. Needs a \
                 restart.",
            zh: "话机注册认证的域（realm）；`phones.toml` 中的哈希包含它。更改后需重启。",
        },
        Key {
            name: "refer_to",
            default: Some("[]"),
            example: "[\"192.168.1.10/32\"]",
            en: "Networks of PBXs that put two of their own calls together when they are asked to (REFER with Replaces): a \
                 caller and the one who took the call, both there, talk through the PBX from then on. Where it refuses, they \
                 go on talking through the desk. The PBX is told the called place (R16): name none that passes it on to callers.",
            zh: "会按请求（带 Replaces 的 REFER）把自己的两路通话接在一起的电话交换机所在网段（CIDR 写法）：来电与接听双方都在其中时，\
                 此后的通话由交换机直接连接；交换机拒绝时仍由前台转接，通话不断。交换机会得知被叫地址（R16），请勿填写会向来电方透露该地址的交换机。",
        },
        Key {
            name: "gateway",
            default: None,
            example: "\"sip:gw.example.com\"",
            en: "The SIP address that telephone numbers in hunt lists are called through: `tel:13800138000` there becomes a \
                 call to that number at this host. `\"trunk:carrier\"` calls them over the trunk of that name. Left out: no number \
                 is called.",
            zh: "通讯录 `hunt` 中的电话号码经由此 SIP 地址呼出：`tel:13800138000` 即呼叫该主机上的这个号码。写 `\"trunk:carrier\"` 则经由该名称的中继呼出。不填则不呼叫任何号码。",
        },
        Key {
            name: "dns",
            default: Some("[]"),
            example: "[\"192.168.1.53:53\"]",
            en: "DNS servers, with ports, that are asked where places and gateways are reached (NAPTR, SRV, A and AAAA). Empty: \
                 those of the system (`/etc/resolv.conf`, `/etc/hosts`), read again at SIGHUP. Needs a restart.",
            zh: "查询被叫与网关所在服务器（NAPTR、SRV、A、AAAA 记录）的 DNS 服务器，须带端口。空表示使用系统设置\
                 （`/etc/resolv.conf`、`/etc/hosts`，SIGHUP 时重新读取）。更改此项后需重启。",
        },
        Key {
            name: "connections_max",
            default: Some("2000"),
            example: "2000",
            en: "Connections (TCP, TLS, WebSocket) open at the same time, 1 to 100000; more are closed at once.",
            zh: "同时打开的连接（TCP、TLS、WebSocket）上限，1 至 100000；超出者立即关闭。",
        },
        Key {
            name: "connections_per_source_max",
            default: Some("500"),
            example: "50",
            en: "Those of one address, 1 to 100000. A PBX or a NAT brings all its telephones from one address.",
            zh: "每个来源地址的连接上限，1 至 100000。交换机或 NAT 之后的全部话机都来自同一地址。",
        },
        Key {
            name: "keep_alive_s",
            default: Some("30"),
            example: "30",
            en: "Seconds between the pings (RFC 5626) on connections that this machine has made, 5 to 600. One whose peer used \
                 to answer and does not for 10 s is closed.",
            zh: "在本机发起的连接上发送保活（RFC 5626）的间隔秒数，5 至 600。对方曾应答而 10 秒内不再应答的连接会被关闭。",
        },
        Key {
            name: "number_format",
            default: Some("\"as_written\""),
            example: "\"e164\"",
            en: "How `gateway` wants numbers: `as_written` as the hunt list has them, `e164` (`+8613800138000`) or `national` \
                 (`13800138000`).",
            zh: "`gateway` 要求的号码写法：`as_written` 按通讯录中的写法，`e164` 如 `+8613800138000`，`national` 如 `13800138000`。",
        },
        Key {
            name: "trusted_networks",
            default: Some("[]"),
            example: "[\"203.0.113.0/24\"]",
            en: "Networks of carriers and PBXs, in CIDR notation, whose word on who calls counts: the number in \
                 P-Asserted-Identity or Remote-Party-ID. From others these headers are ignored, and the caller is who From says. \
                 A number that is withheld (Privacy) is kept from everybody in either case.",
            zh: "可信的运营商或电话交换机所在网段（CIDR 写法）：来电号码以其 P-Asserted-Identity 或 Remote-Party-ID 为准；\
                 来自其他地址的这两个头域不予理会，以 From 为准。无论来自何处，要求隐藏的号码（Privacy）一律不显示。",
        },
        Key {
            name: "session_expires_s",
            default: Some("1800"),
            example: "1800",
            en: "Session timers (RFC 4028): a call of a peer that knows them is refreshed within this many seconds, or is \
                 hung up; 90 to 86400. 0: only where the peer asks for it.",
            zh: "会话定时器（RFC 4028）：对端支持时，通话须在此秒数内刷新，否则挂断；90 至 86400。0 表示仅在对端要求时使用。",
        },
        Key {
            name: "min_se_s",
            default: Some("90"),
            example: "90",
            en: "The shortest session interval that is agreed to, in seconds, 90 to 86400; what asks for less is answered 422.",
            zh: "可接受的最短会话间隔（秒），90 至 86400；要求更短者以 422 应答。",
        },
        Key {
            name: "reliable_provisional",
            default: Some("\"when_required\""),
            example: "\"always\"",
            en: "Whether 180 asks for an acknowledgement (100rel, RFC 3262): `off` (a call that requires it is answered 420), \
                 `when_required` or `always` where the caller knows of it.",
            zh: "180 是否要求确认（100rel，RFC 3262）：`off`（要求确认的呼叫以 420 应答）、`when_required`（仅对端要求时）或 \
                 `always`（对端支持即用）。",
        },
        Key {
            name: "calls_max",
            default: Some("5000"),
            example: "5000",
            en: "Calls held at the same time, 1 to 100000; one more is answered 503. Each needs two ports of `rtp.ports`.",
            zh: "同时通话的上限，1 至 100000；超出者以 503 应答。每路通话占用 `rtp.ports` 中的两个端口。",
        },
        Key {
            name: "allowed_sources",
            default: Some("[]"),
            example: "[\"192.168.0.0/16\"]",
            en: "Networks that calls are taken from, in CIDR notation; others are answered 403. Empty: all.",
            zh: "允许呼入的网段（CIDR 写法），其他来源以 403 应答。空表示不限。",
        },
        Key {
            name: "invites_per_second_max",
            default: Some("10000"),
            example: "10000",
            en: "New calls a second from everywhere, 1 to 1000000; more are answered 503.",
            zh: "每秒新呼叫总数上限，1 至 1000000；超出者以 503 应答。",
        },
        Key {
            name: "invites_per_second_per_source_max",
            default: Some("5000"),
            example: "50",
            en: "New calls a second from one address, 1 to 1000000; more are answered 503. A trunk brings all its calls \
                 from one address.",
            zh: "每个来源地址每秒新呼叫上限，1 至 1000000；超出者以 503 应答。中继的全部来电都来自同一地址。",
        },
        Key {
            name: "t1_ms",
            default: Some("500"),
            example: "500",
            en: "T1 of RFC 3261 in ms: estimate of the round trip, 50 to 5000.",
            zh: "RFC 3261 的 T1（毫秒）：往返时间估计值，50 至 5000。",
        },
        Key {
            name: "t2_ms",
            default: Some("4000"),
            example: "4000",
            en: "T2 of RFC 3261 in ms: longest interval between retransmissions, not under T1, up to 60000.",
            zh: "RFC 3261 的 T2（毫秒）：最长重传间隔，不小于 T1，最大 60000。",
        },
        Key {
            name: "t4_ms",
            default: Some("5000"),
            example: "5000",
            en: "T4 of RFC 3261 in ms: how long a message stays in the network, 100 to 60000.",
            zh: "RFC 3261 的 T4（毫秒）：消息在网络中的最长存活时间，100 至 60000。",
        },
    ],
};

/// When our 180 asks for PRACK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReliableProvisional {
    Off,
    #[default]
    WhenRequired,
    Always,
}

/// Sockets are few: each has a task of its own.
const LISTENERS_MAX: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sip {
    /// Never empty, none twice (but several with port 0).
    pub listen: Vec<Listen>,
    pub external_address: Option<External>,
    pub user_agent: String,
    pub realm: String,
    pub gateway: Option<Gateway>,
    pub number_format: NumberFormat,
    /// Empty: those of the system.
    pub dns: Vec<SocketAddr>,
    pub connections_max: u32,
    pub connections_per_source_max: u32,
    pub keep_alive_s: u32,
    /// Whose word on who calls counts.
    pub trusted_networks: Vec<IpNet>,
    /// 0: only where the peer asks.
    pub session_expires_s: u32,
    pub min_se_s: u32,
    pub reliable_provisional: ReliableProvisional,
    pub calls_max: u32,
    /// Empty: all.
    pub allowed_sources: Vec<IpNet>,
    /// PBXs that take over two calls of theirs.
    pub refer_to: Vec<IpNet>,
    pub invites_per_second_max: u32,
    pub invites_per_second_per_source_max: u32,
    pub t1_ms: u32,
    pub t2_ms: u32,
    pub t4_ms: u32,
}

impl Default for Sip {
    fn default() -> Self {
        let local = std::net::SocketAddr::from(([127, 0, 0, 1], 5060));
        Self {
            listen: vec![Listen::Udp(local), Listen::Tcp(local)],
            external_address: None,
            user_agent: "frontdesk".to_owned(),
            realm: "frontdesk".to_owned(),
            gateway: None,
            dns: Vec::new(),
            connections_max: 2000,
            connections_per_source_max: 500,
            keep_alive_s: 30,
            number_format: NumberFormat::default(),
            trusted_networks: Vec::new(),
            session_expires_s: 1_800,
            min_se_s: 90,
            reliable_provisional: ReliableProvisional::default(),
            calls_max: 5000,
            allowed_sources: Vec::new(),
            refer_to: Vec::new(),
            invites_per_second_max: 10_000,
            invites_per_second_per_source_max: 5_000,
            t1_ms: 500,
            t2_ms: 4000,
            t4_ms: 5000,
        }
    }
}

impl Sip {
    /// Whether a call from this address is let in. IPv4 addresses in IPv6 dress count as IPv4.
    pub fn allows(&self, source: IpAddr) -> bool {
        self.allowed_sources.is_empty() || self.allowed_sources.iter().any(|net| net.contains(&source.to_canonical()))
    }

    pub(super) fn read(mut section: Section<'_>) -> Self {
        let default = Self::default();
        let sip = Self {
            listen: section.list("listen", listen).unwrap_or(default.listen),
            external_address: section.text("external_address", external),
            user_agent: section.text("user_agent", user_agent).unwrap_or(default.user_agent),
            realm: section.text("realm", realm).unwrap_or(default.realm),
            gateway: section.text("gateway", gateway),
            dns: section.list("dns", dns_server).unwrap_or(default.dns),
            connections_max: section.number("connections_max", 1..=100_000).unwrap_or(default.connections_max),
            connections_per_source_max: section
                .number("connections_per_source_max", 1..=100_000)
                .unwrap_or(default.connections_per_source_max),
            keep_alive_s: section.number("keep_alive_s", 5..=600).unwrap_or(default.keep_alive_s),
            number_format: section.text("number_format", number_format).unwrap_or_default(),
            trusted_networks: section.list("trusted_networks", network).unwrap_or_default(),
            session_expires_s: section.number("session_expires_s", 0..=86_400).unwrap_or(default.session_expires_s),
            min_se_s: section.number("min_se_s", 90..=86_400).unwrap_or(default.min_se_s),
            reliable_provisional: section.text("reliable_provisional", reliable_provisional).unwrap_or_default(),
            calls_max: section.number("calls_max", 1..=100_000).unwrap_or(default.calls_max),
            allowed_sources: section.list("allowed_sources", network).unwrap_or(default.allowed_sources),
            refer_to: section.list("refer_to", network).unwrap_or(default.refer_to),
            invites_per_second_max: section
                .number("invites_per_second_max", 1..=1_000_000)
                .unwrap_or(default.invites_per_second_max),
            invites_per_second_per_source_max: section
                .number("invites_per_second_per_source_max", 1..=1_000_000)
                .unwrap_or(default.invites_per_second_per_source_max),
            t1_ms: section.number("t1_ms", 50..=5_000).unwrap_or(default.t1_ms),
            t2_ms: section.number("t2_ms", 50..=60_000).unwrap_or(default.t2_ms),
            t4_ms: section.number("t4_ms", 100..=60_000).unwrap_or(default.t4_ms),
        };
        sip.check(&mut section);
        sip
    }

    fn check(&self, section: &mut Section<'_>) {
        if let Some(place) = section.place("listen") {
            if self.listen.is_empty() || self.listen.len() > LISTENERS_MAX {
                let what = format!("listen has {} entries", self.listen.len());
                section.fault(&place, Fault::new(what, format!("write 1 to {LISTENERS_MAX}")));
            }
            for (i, one) in self.listen.iter().enumerate() {
                if one.address().port() != 0 && self.listen[..i].contains(one) {
                    section.fault(&place, Fault::new(format!("{one} is there twice"), "keep one of them"));
                }
            }
        }
        if let Some(place) = section.place("session_expires_s").filter(|_| (1..90).contains(&self.session_expires_s)) {
            let what = format!("session_expires_s = {} is too short", self.session_expires_s);
            section.fault(&place, Fault::new(what, "write 90 or more, or 0 for none of our own"));
        }
        let place = section.place("t2_ms").or_else(|| section.place("t1_ms"));
        if let Some(place) = place.filter(|_| self.t2_ms < self.t1_ms) {
            let what = format!("t2_ms = {} is shorter than t1_ms = {}", self.t2_ms, self.t1_ms);
            section.fault(&place, Fault::new(what, format!("write t2_ms = {} or more", self.t1_ms)));
        }
    }
}

fn reliable_provisional(text: &str) -> Result<ReliableProvisional, Fault> {
    match text {
        "off" => Ok(ReliableProvisional::Off),
        "when_required" => Ok(ReliableProvisional::WhenRequired),
        "always" => Ok(ReliableProvisional::Always),
        other => {
            let what = format!("reliable_provisional can't be {other:?}");
            Err(Fault::new(what, "write \"off\", \"when_required\" or \"always\""))
        }
    }
}

fn user_agent(text: &str) -> Result<String, Fault> {
    let right = (1..=64).contains(&text.len()) && text.bytes().all(|b| (b' '..=b'~').contains(&b));
    if right && text.trim() == text {
        Ok(text.to_owned())
    } else {
        Err(Fault::new(
            "user_agent does not fit into a SIP header",
            "write 1 to 64 ASCII characters, such as \"frontdesk\"",
        ))
    }
}

/// It stands in quotes in headers, and is the host of the phones' addresses.
fn realm(text: &str) -> Result<String, Fault> {
    let right = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    right.then(|| text.to_owned()).ok_or_else(|| {
        Fault::new("realm is no host name", "write letters, digits, dots and hyphens, such as \"frontdesk\"")
    })
}

/// It is put together with a number, so it has no user of its own.
fn gateway(text: &str) -> Result<Gateway, Fault> {
    if let Some(name) = Gateway::trunk_of(text) {
        return Ok(Gateway::Trunk(name.to_owned()));
    }
    let host = text.strip_prefix("sip:").or_else(|| text.strip_prefix("sips:")).unwrap_or_default();
    let right = host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        && host.len() <= 255
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:;=[]".contains(&b));
    right.then(|| Gateway::Address(text.to_owned())).ok_or_else(|| {
        let remedy =
            "write its host and, where it needs them, port and transport: \"sip:gw.example.com:5060;transport=tcp\"";
        Fault::new(format!("{text:?} is no address of a gateway"), remedy)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_let_in_by_network() {
        let sip = Sip { allowed_sources: vec![network("192.0.2.0/24").unwrap()], ..Sip::default() };
        assert!(sip.allows("192.0.2.9".parse().unwrap()));
        assert!(sip.allows("::ffff:192.0.2.9".parse().unwrap()));
        assert!(!sip.allows("192.0.3.9".parse().unwrap()));
        assert!(Sip::default().allows("2001:db8::1".parse().unwrap()));
    }
}
