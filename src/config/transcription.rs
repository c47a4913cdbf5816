//! `[transcription]`: what callers say is written down by a service (docs/transcription.md).

use std::time::Duration;

use super::keys::{Key, SectionKeys};
use super::reader::{Fault, Section};
use crate::types::Redacted;

pub const KEYS: SectionKeys = SectionKeys {
    name: "transcription",
    en: "What callers say for tickets and messages is written down by a service of the usual `/v1/audio/transcriptions` shape \
         (docs/transcription.md). Recordings leave the desk for it: tell callers so (R12).",
    zh: "由形如 `/v1/audio/transcriptions` 的服务将来电人为工单与留言所述转为文字（见 docs/transcription.zh.md）。录音会因此外发，须告知来电人（R12）。",
    keys: &[
        Key {
            name: "url",
            default: None,
            example: "\"http://127.0.0.1:8000/v1/audio/transcriptions\"",
            en: "The service. Left out: nothing is written down, and nothing leaves the desk.",
            zh: "服务地址。不填则不转写，录音不外发。",
        },
        Key {
            name: "key",
            default: None,
            example: "\"secret\"",
            en: "Its key, sent as a bearer token; better in the environment, as FRONTDESK_TRANSCRIPTION__KEY.",
            zh: "密钥，以 bearer 令牌发送；建议写在环境变量 FRONTDESK_TRANSCRIPTION__KEY 中。",
        },
        Key {
            name: "model",
            default: Some("\"whisper-1\""),
            example: "\"whisper-1\"",
            en: "The model that the service is asked for.",
            zh: "所用模型。",
        },
        Key {
            name: "language",
            default: None,
            example: "\"zh\"",
            en: "The language that is spoken. Left out: the service guesses.",
            zh: "所说语言。不填则由服务判断。",
        },
        Key {
            name: "timeout_s",
            default: Some("120"),
            example: "60",
            en: "Seconds that one recording may take, 5 to 600.",
            zh: "一段录音的最长用时（秒），5 至 600。",
        },
    ],
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcription {
    /// None: it is off.
    pub url: Option<String>,
    pub key: Option<Redacted<String>>,
    pub model: String,
    pub language: Option<String>,
    pub timeout: Duration,
}

impl Default for Transcription {
    fn default() -> Self {
        Self { url: None, key: None, model: "whisper-1".to_owned(), language: None, timeout: Duration::from_secs(120) }
    }
}

impl Transcription {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let default = Self::default();
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        Self {
            url: section.text("url", url),
            key: section.text("key", key).map(Redacted),
            model: section.text("model", word).unwrap_or(default.model),
            language: section.text("language", word),
            timeout: section.number("timeout_s", 5..=600_u32).map_or(default.timeout, seconds),
        }
    }
}

fn url(text: &str) -> Result<String, Fault> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = host.and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let right = !host.is_empty() && !host.contains('@') && text.bytes().all(|b| b.is_ascii_graphic());
    right.then(|| text.to_owned()).ok_or_else(|| {
        let remedy = "write it like \"https://speech.example.com/v1/audio/transcriptions\"";
        Fault::new(format!("{text:?} is no address that requests can go to"), remedy)
    })
}

fn key(text: &str) -> Result<String, Fault> {
    // What it is is not shown.
    let right = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    right.then(|| text.to_owned()).ok_or_else(|| Fault::new("the key has spaces or other characters", "write it anew"))
}

fn word(text: &str) -> Result<String, Fault> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._:/-".contains(&b);
    let right = !text.is_empty() && text.len() <= 100 && text.bytes().all(plain);
    right.then(|| text.to_owned()).ok_or_else(|| Fault::new(format!("{text:?} is no such word"), "write \"whisper-1\""))
}
