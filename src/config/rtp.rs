//! `[rtp]`: the ports and addresses of the audio.

use std::fmt;
use std::net::IpAddr;

use super::address::{address, external_address};
use super::keys::{Key, SectionKeys};
use super::reader::{Fault, Section};
use crate::types::{SrtpMode, SrtpPolicy, SrtpSuite};

/// All of [`SrtpSuite::ALL`], as they are written.
const SUITES: &str = "[\"AES_CM_128_HMAC_SHA1_80\", \"AEAD_AES_256_GCM\", \"AEAD_AES_128_GCM\", \
     \"AES_256_CM_HMAC_SHA1_80\", \"AES_CM_128_HMAC_SHA1_32\", \"AES_256_CM_HMAC_SHA1_32\"]";

pub const KEYS: SectionKeys = SectionKeys {
    name: "rtp",
    en: "Ports and addresses of the audio.",
    zh: "语音流的端口与地址。",
    keys: &[
        Key {
            name: "ports",
            default: Some("\"20000-29999\""),
            example: "\"20000-29999\"",
            en: "First and last port; each call takes an even one for RTP and the next for RTCP. `\"0\"`: any free ones.",
            zh: "起止端口；每路通话用一个偶数端口收发 RTP，下一个端口收发 RTCP。`\"0\"` 表示任意空闲端口。",
        },
        Key {
            name: "address",
            default: None,
            example: "\"0.0.0.0\"",
            en: "The local address that audio is sent from and received on. Left out: the one that the call came in on.",
            zh: "收发语音的本机地址。不填则用来电到达的地址。",
        },
        Key {
            name: "external_address",
            default: None,
            example: "\"203.0.113.7\"",
            en: "The address that the SDP tells telephones to send audio to. Left out: `sip.external_address`, else the \
                 local one.",
            zh: "SDP 中告知话机的语音接收地址。不填则用 `sip.external_address`，再不然用本机地址。",
        },
        Key {
            name: "media_timeout_s",
            default: Some("60"),
            example: "60",
            en: "A call that sends no audio for so many seconds after the answer is ended, 5 to 3600; a call on hold is not, \
                 nor a muted telephone in a talk that still sends RTCP.",
            zh: "接通后多少秒收不到语音即结束通话，5 至 3600；保持中的通话不计，通话中静音但仍发送 RTCP 的话机也不计。",
        },
        Key {
            name: "inband_dtmf",
            default: Some("\"auto\""),
            example: "\"auto\"",
            en: "Listens for key tones in the audio: `auto` when the telephone has not offered telephone-event, `always`, \
                 or `off`.",
            zh: "是否在语音中识别按键音：`auto` 仅当话机未提供 telephone-event 时，`always` 总是，`off` 关闭。",
        },
        Key {
            name: "idle",
            default: Some("\"silence\""),
            example: "\"silence\"",
            en: "What is sent while nothing is played: `silence`, which keeps NATs open and PBX watchdogs calm, or `nothing`.",
            zh: "不放音时发送什么：`silence` 发送静音，可保持 NAT 映射、避免交换机误判断线；`nothing` 不发送。",
        },
        Key {
            name: "srtp",
            default: Some("\"optional\""),
            example: "\"optional\"",
            en: "Encrypted audio (SRTP, with keys in the SDP): `off` refuses it, `optional` encrypts with whoever wants to, \
                 `required` refuses whoever doesn't.",
            zh: "语音加密（SRTP，密钥随 SDP 交换）：`off` 拒绝加密，`optional` 对方要求时加密，`required` 拒绝不加密的通话。",
        },
        Key {
            name: "srtp_suites",
            default: Some(SUITES),
            example: SUITES,
            en: "Which ways of encrypting are used, the most wanted first.",
            zh: "允许的加密套件，越靠前越优先。",
        },
        Key {
            name: "ice",
            default: Some("\"auto\""),
            example: "\"auto\"",
            en: "Checks by which a telephone finds a way for the audio (ICE): `auto` answers them where a telephone offers them, \
                 `off` never.",
            zh: "话机用来探测语音通路的连通性检查（ICE）：`auto` 话机提出时应答，`off` 从不。",
        },
    ],
};

/// Which ports audio may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ports {
    /// Any that the system has free.
    Any,
    /// From an even one to an odd one.
    Range { first: u16, last: u16 },
}

impl Ports {
    /// Calls that can have a pair of ports at the same time; `None` when the system's ports alone are the limit.
    pub fn pairs(self) -> Option<u32> {
        match self {
            Ports::Any => None,
            Ports::Range { first, last } => Some((u32::from(last) + 1 - u32::from(first)) / 2),
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ports::Any => f.write_str("any free"),
            Ports::Range { first, last } => write!(f, "{first}-{last}"),
        }
    }
}

/// When key tones are listened for in the audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InbandDtmf {
    /// When the peer has not negotiated telephone-event.
    Auto,
    Always,
    Off,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rtp {
    pub ports: Ports,
    pub address: Option<IpAddr>,
    pub external_address: Option<IpAddr>,
    pub media_timeout_ms: u32,
    pub inband_dtmf: InbandDtmf,
    /// Send silence while nothing is played.
    pub send_silence: bool,
    pub srtp: SrtpPolicy,
    /// Answer the checks of whoever offers them.
    pub ice: bool,
}

impl Default for Rtp {
    fn default() -> Self {
        Self {
            ports: Ports::Range { first: 20_000, last: 29_999 },
            address: None,
            external_address: None,
            media_timeout_ms: 60_000,
            inband_dtmf: InbandDtmf::Auto,
            send_silence: true,
            srtp: SrtpPolicy::default(),
            ice: true,
        }
    }
}

impl Rtp {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let default = Self::default();
        Self {
            ports: section.text("ports", ports).unwrap_or(default.ports),
            address: section.text("address", address),
            external_address: section.text("external_address", external_address),
            media_timeout_ms: section
                .number("media_timeout_s", 5..=3600_u32)
                .map_or(default.media_timeout_ms, |seconds| seconds * 1000),
            inband_dtmf: section.text("inband_dtmf", inband_dtmf).unwrap_or(default.inband_dtmf),
            send_silence: section.text("idle", idle).unwrap_or(default.send_silence),
            srtp: SrtpPolicy {
                mode: section.text("srtp", srtp).unwrap_or(default.srtp.mode),
                suites: section.list("srtp_suites", suite).filter(|all| !all.is_empty()).unwrap_or(default.srtp.suites),
            },
            ice: section.text("ice", ice).unwrap_or(default.ice),
        }
    }
}

/// `first-last`, trimmed to begin on an even and end on an odd port.
fn ports(text: &str) -> Result<Ports, Fault> {
    if text == "0" {
        return Ok(Ports::Any);
    }
    let bounds = text.split_once('-').and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
    let remedy = "write the first and the last one: ports = \"20000-29999\"";
    let Some((first, last)) = bounds else {
        return Err(Fault::new(format!("{text:?} is no range of ports"), remedy));
    };
    if first < 1024 {
        return Err(Fault::new(format!("ports below 1024 belong to the system ({text})"), remedy));
    }
    // Saturating: no pair begins at 65535, and none ends at 0, so those ends fall to the order check below.
    let first: u16 = u16::saturating_add(first, first & 1);
    let last = if last & 1 == 0 { u16::saturating_sub(last, 1) } else { last };
    if first >= last {
        return Err(Fault::new(format!("{text} holds no even port with the odd one after it"), remedy));
    }
    Ok(Ports::Range { first, last })
}

/// Whether silence is sent.
fn idle(text: &str) -> Result<bool, Fault> {
    match text {
        "silence" => Ok(true),
        "nothing" => Ok(false),
        _ => Err(Fault::new(format!("idle = {text:?} is unknown"), "write \"silence\" or \"nothing\"")),
    }
}

fn srtp(text: &str) -> Result<SrtpMode, Fault> {
    let remedy = "write \"off\", \"optional\" or \"required\"";
    SrtpMode::from_name(text).ok_or_else(|| Fault::new(format!("srtp = {text:?} is unknown"), remedy))
}

/// Whether checks are answered.
fn ice(text: &str) -> Result<bool, Fault> {
    match text {
        "auto" => Ok(true),
        "off" => Ok(false),
        _ => Err(Fault::new(format!("ice = {text:?} is unknown"), "write \"auto\" or \"off\"")),
    }
}

fn suite(text: &str) -> Result<SrtpSuite, Fault> {
    SrtpSuite::from_name(text).ok_or_else(|| {
        let known = SrtpSuite::ALL.map(SrtpSuite::name).join(", ");
        Fault::new(format!("{text:?} is no suite that is known"), format!("write some of {known}"))
    })
}

fn inband_dtmf(text: &str) -> Result<InbandDtmf, Fault> {
    match text {
        "auto" => Ok(InbandDtmf::Auto),
        "always" => Ok(InbandDtmf::Always),
        "off" => Ok(InbandDtmf::Off),
        _ => Err(Fault::new(format!("inband_dtmf = {text:?} is unknown"), "write \"auto\", \"always\" or \"off\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_trimmed_to_whole_pairs() {
        assert_eq!(ports("20000-29999"), Ok(Ports::Range { first: 20_000, last: 29_999 }));
        assert_eq!(ports("20001-20006"), Ok(Ports::Range { first: 20_002, last: 20_005 }));
        assert_eq!(ports("20001-20006").map(Ports::pairs), Ok(Some(2)));
        assert_eq!(ports("0").map(Ports::pairs), Ok(None));
    }

    #[test]
    fn a_range_without_a_pair_is_refused_at_every_end() {
        for text in
            ["20001-20002", "65535-65535", "65535-1", "2000-1000", "1024-1024", "1-2000", "x", "1-", "70000-80000"]
        {
            assert!(ports(text).is_err(), "{text}");
        }
        assert_eq!(ports("65534-65535").map(Ports::pairs), Ok(Some(1)));
    }
}
