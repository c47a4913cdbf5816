//! `[tls]`: certificates for listeners with `tls` and `wss`, and whom outgoing connections trust.

use std::path::PathBuf;

use super::content::Source;
use super::keys::{Key, SectionKeys};
use super::reader::{Fault, Section};

pub const KEYS: SectionKeys = SectionKeys {
    name: "tls",
    en: "Certificates for `tls` and `wss` listeners, and whom outgoing connections trust (docs/operations.md). SIGHUP reads them \
         again.",
    zh: "`tls` 与 `wss` 监听所用的证书，以及呼出连接信任的机构（见 docs/operations.zh.md）。SIGHUP 时重新读取。",
    keys: &[
        Key {
            name: "certificates",
            default: Some("[]"),
            example: "[\"desk.pem\"]",
            en: "PEM files, each a certificate with the chain to its authority. Of several the one for the name that is asked for \
                 is shown, else the first; the first is also shown to servers that ask for ours.",
            zh: "PEM 文件，各含一张证书及其证书链。有多张时按对方请求的名称（SNI）选用，否则用第一张；对方服务器要求时也出示第一张。",
        },
        Key {
            name: "keys",
            default: Some("[]"),
            example: "[\"desk.key\"]",
            en: "PEM files with the keys of `certificates`, in the same order.",
            zh: "`certificates` 中各证书的私钥（PEM 文件），顺序相同。",
        },
        Key {
            name: "names",
            default: Some("[]"),
            example: "[\"desk.example.com\"]",
            en: "Names or addresses that telephones and trunks reach this machine by; `check` warns when no certificate has one.",
            zh: "话机与中继访问本机所用的名称或地址；没有证书包含其中之一时，`check` 会告警。",
        },
        Key {
            name: "client_auth",
            default: Some("\"off\""),
            example: "\"required\"",
            en: "Whether those who connect show a certificate of `client_ca`: `off`, `optional` or `required`.",
            zh: "连接方是否须出示由 `client_ca` 签发的证书：`off` 不要求，`optional` 可选，`required` 必须。",
        },
        Key {
            name: "client_ca",
            default: None,
            example: "\"phones-ca.pem\"",
            en: "The authorities whose certificates those who connect may show.",
            zh: "签发连接方证书的机构（PEM 文件）。",
        },
        Key {
            name: "trust",
            default: None,
            example: "\"carrier-ca.pem\"",
            en: "The authorities that certificates of servers are believed by. Left out: those of the system.",
            zh: "呼出时信任的证书机构（PEM 文件）。不填则使用系统信任的机构。",
        },
    ],
};

/// Names are few.
const NAME_BYTES_MAX: usize = 253;

/// Whether those who connect have to show a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuth {
    #[default]
    Off,
    Optional,
    Required,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    pub certificates: Vec<PathBuf>,
    /// As many, where there is a listener that needs them.
    pub keys: Vec<PathBuf>,
    pub names: Vec<String>,
    pub client_auth: ClientAuth,
    pub client_ca: Option<PathBuf>,
    pub trust: Option<PathBuf>,
}

impl Tls {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let path = |source: Source| source.path().map(ToOwned::to_owned);
        Self {
            certificates: section.files("certificates").unwrap_or_default(),
            keys: section.files("keys").unwrap_or_default(),
            names: section.list("names", name).unwrap_or_default(),
            client_auth: section.text("client_auth", client_auth).unwrap_or_default(),
            client_ca: section.file("client_ca").and_then(path),
            trust: section.file("trust").and_then(path),
        }
    }

    /// What a listener with TLS lacks.
    pub(super) fn lacks(&self) -> Option<Fault> {
        if let Some(fault) = self.lacks_certificate("a listener with tls or wss") {
            return Some(fault);
        }
        let unknown = self.client_auth != ClientAuth::Off && self.client_ca.is_none();
        unknown.then(|| {
            let remedy = "name the authority of those who connect in [tls] client_ca";
            Fault::new("[tls] client_auth has nobody to ask about certificates", remedy)
        })
    }

    /// What it takes to show a certificate; `what` needs one.
    pub(super) fn lacks_certificate(&self, what: &str) -> Option<Fault> {
        if self.certificates.is_empty() {
            let remedy = "name it and its key in [tls] certificates and keys";
            return Some(Fault::new(format!("{what} needs a certificate"), remedy));
        }
        if self.certificates.len() != self.keys.len() {
            let what = format!("[tls] has {} certificates and {} keys", self.certificates.len(), self.keys.len());
            return Some(Fault::new(what, "name one key for each certificate, in the same order"));
        }
        None
    }
}

fn client_auth(text: &str) -> Result<ClientAuth, Fault> {
    match text {
        "off" => Ok(ClientAuth::Off),
        "optional" => Ok(ClientAuth::Optional),
        "required" => Ok(ClientAuth::Required),
        _ => {
            let what = format!("client_auth = {text:?} is unknown");
            Err(Fault::new(what, "write \"off\", \"optional\" or \"required\""))
        }
    }
}

fn name(text: &str) -> Result<String, Fault> {
    let right = (1..=NAME_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
    right.then(|| text.to_ascii_lowercase()).ok_or_else(|| {
        Fault::new(format!("{text:?} is no host name"), "write \"desk.example.com\", or an address without port")
    })
}
