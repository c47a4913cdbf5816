//! `[guard]`: who is not served for a while, and what a fraud could cost.

use ipnet::IpNet;

use super::address::network;
use super::keys::{Key, SectionKeys};
use super::reader::{Fault, Section};

pub const KEYS: SectionKeys = SectionKeys {
    name: "guard",
    en: "Against floods, scanners, guessed passwords and fraud. All of it but `outgoing_calls_per_hour_max` needs a restart.",
    zh: "防范洪泛、扫描、猜测密码与话费欺诈。除 `outgoing_calls_per_hour_max` 外，更改后需重启。",
    keys: &[
        Key {
            name: "requests_per_second_per_source_max",
            default: Some("20000"),
            example: "500",
            en: "SIP requests of any kind a second from one address (IPv6: one /64), 5 to 1000000, with bursts of two seconds' \
                 worth; more are answered 503 with Retry-After, and twice as many not at all. A trunk brings all its requests \
                 from one address: a call has about four.",
            zh: "每个来源地址（IPv6 按 /64）每秒的 SIP 请求上限，5 至 1000000，可突发两秒的量；超出者以 503 加 Retry-After 应答，超出一倍则不再应答。\
                 中继的全部请求来自同一地址，每路通话约四个请求。",
        },
        Key {
            name: "scanners",
            default: Some("\"drop\""),
            example: "\"answer\"",
            en: "`drop`: requests of programs that call themselves by the name of a well-known scanner (friendly-scanner, \
                 sipvicious, sipcli and so on) get no answer. `answer`: they are answered as everybody is.",
            zh: "`drop`：自称为知名扫描程序（friendly-scanner、sipvicious、sipcli 等）的请求不予应答；`answer`：照常应答。",
        },
        Key {
            name: "ban_after",
            default: Some("10"),
            example: "10",
            en: "So many wrong passwords within `ban_window_s` ban an address (IPv6: its /64), 3 to 1000; 0: never. Challenges \
                 and stale nonces do not count, a right password makes up for wrong ones, and where a telephone is registered \
                 from the same address nobody is banned. `frontdesk bans` shows and lifts bans.",
            zh: "在 `ban_window_s` 内密码错误达此次数即封禁该地址（IPv6 为其 /64），3 至 1000；0 表示不封禁。质询与过期的 nonce 不计，\
                 密码正确则清零，同一地址已有话机注册时不封禁。用 `frontdesk bans` 查看与解除。",
        },
        Key {
            name: "ban_window_s",
            default: Some("600"),
            example: "600",
            en: "The window for `ban_after` in seconds, 10 to 86400.",
            zh: "`ban_after` 的统计时段（秒），10 至 86400。",
        },
        Key {
            name: "ban_s",
            default: Some("3600"),
            example: "3600",
            en: "How long a ban lasts, in seconds, 10 to 2592000. It outlasts a restart.",
            zh: "封禁时长（秒），10 至 2592000。重启后仍有效。",
        },
        Key {
            name: "allow",
            default: Some("[\"127.0.0.0/8\", \"::1/128\"]"),
            example: "[\"127.0.0.0/8\", \"192.168.0.0/16\"]",
            en: "Networks that are never banned, in CIDR notation: this machine, and a proxy that many telephones are behind.",
            zh: "永不封禁的网段（CIDR 写法）：本机，以及众多话机身处其后的代理。",
        },
        Key {
            name: "outgoing_calls_per_hour_max",
            default: Some("200"),
            example: "200",
            en: "Calls through a gateway to the telephone network within an hour, 0 to 100000: one more is not made, and an \
                 alarm is raised. Duty officers are called in an emergency all the same.",
            zh: "一小时内经网关呼往电话网的上限，0 至 100000；超出者不再呼出并产生告警。紧急情况下呼叫值班人员不受此限。",
        },
    ],
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    pub requests_per_second_per_source_max: u32,
    pub drops_scanners: bool,
    /// 0: never.
    pub ban_after: u32,
    pub ban_window_s: u32,
    pub ban_s: u32,
    pub allow: Vec<IpNet>,
    pub outgoing_calls_per_hour_max: u32,
}

impl Default for Guard {
    fn default() -> Self {
        let here = ["127.0.0.0/8", "::1/128"].map(|net| network(net).expect("it is a network"));
        Self {
            requests_per_second_per_source_max: 20_000,
            drops_scanners: true,
            ban_after: 10,
            ban_window_s: 600,
            ban_s: 3_600,
            allow: here.to_vec(),
            outgoing_calls_per_hour_max: 200,
        }
    }
}

impl Guard {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let default = Self::default();
        let pace = "requests_per_second_per_source_max";
        let out = "outgoing_calls_per_hour_max";
        let guard = Self {
            requests_per_second_per_source_max: section
                .number(pace, 5..=1_000_000)
                .unwrap_or(default.requests_per_second_per_source_max),
            drops_scanners: section.text("scanners", scanners).unwrap_or(default.drops_scanners),
            ban_after: section.number("ban_after", 0..=1_000).unwrap_or(default.ban_after),
            ban_window_s: section.number("ban_window_s", 10..=86_400).unwrap_or(default.ban_window_s),
            ban_s: section.number("ban_s", 10..=2_592_000).unwrap_or(default.ban_s),
            allow: section.list("allow", network).unwrap_or(default.allow),
            outgoing_calls_per_hour_max: section
                .number(out, 0..=100_000)
                .unwrap_or(default.outgoing_calls_per_hour_max),
        };
        let place = section.place("ban_after").filter(|_| (1..3).contains(&guard.ban_after));
        if let Some(place) = place {
            let what = format!("ban_after = {} bans whoever mistypes a password", guard.ban_after);
            section.fault(&place, Fault::new(what, "write 3 or more, or 0 for no bans"));
        }
        guard
    }
}

fn scanners(text: &str) -> Result<bool, Fault> {
    match text {
        "drop" => Ok(true),
        "answer" => Ok(false),
        _ => Err(Fault::new(format!("scanners is {text:?}"), "write \"drop\" or \"answer\"")),
    }
}
