//! `[mail]`: the server that e-mails go through (docs/notifications.md).

use std::time::Duration;

use super::keys::{Key, SectionKeys};
use super::reader::{Fault, Section};
use crate::types::Redacted;

pub const KEYS: SectionKeys = SectionKeys {
    name: "mail",
    en: "The server that e-mails to the desk's people go through (docs/notifications.md). Without one none are sent.",
    zh: "发送邮件给工作人员所用的邮件服务器（见 docs/notifications.zh.md）。不填则不发邮件。",
    keys: &[
        Key {
            name: "server",
            default: None,
            example: "\"smtp.example.com:587\"",
            en: "Host and port. Left out: no e-mails. Without a port: 587, 465 with `tls`, 25 with `none`.",
            zh: "主机与端口。不填则不发邮件。不写端口时为 587，`tls` 为 465，`none` 为 25。",
        },
        Key {
            name: "security",
            default: Some("\"starttls\""),
            example: "\"tls\"",
            en: "`starttls`: encrypted after STARTTLS, or nothing is sent; `tls`: from the beginning; `none`: in the clear, for a server on \
                 this machine. [tls] trust says which certificates are good.",
            zh: "`starttls`：STARTTLS 之后加密，否则不发送；`tls`：从一开始加密；`none`：明文，仅用于本机服务器。证书信任见 [tls] trust。",
        },
        Key {
            name: "user",
            default: None,
            example: "\"frontdesk\"",
            en: "Who logs in there. Left out: nobody does.",
            zh: "登录用户名。不填则不登录。",
        },
        Key {
            name: "password",
            default: None,
            example: "\"secret\"",
            en: "Their password; better in the environment, as FRONTDESK_MAIL__PASSWORD.",
            zh: "密码；建议写在环境变量 FRONTDESK_MAIL__PASSWORD 中。",
        },
        Key {
            name: "from",
            default: None,
            example: "\"frontdesk@example.com\"",
            en: "The sender's address. Left out: frontdesk at the server's host.",
            zh: "发件人地址。不填则为 frontdesk@服务器主机名。",
        },
        Key {
            name: "recordings",
            default: Some("\"attach\""),
            example: "\"off\"",
            en: "`attach`: what was said goes with the e-mail (R5); `off`: it stays here.",
            zh: "`attach`：录音随邮件发送（R5）；`off`：录音不外发。",
        },
        Key {
            name: "timeout_s",
            default: Some("30"),
            example: "60",
            en: "Seconds that the server may take for one e-mail, 5 to 300.",
            zh: "一封邮件的最长用时（秒），5 至 300。",
        },
    ],
};

/// How the connection is kept from others' eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MailSecurity {
    #[default]
    StartTls,
    Tls,
    None,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Host, and port where one is written.
    pub server: Option<(String, Option<u16>)>,
    pub security: MailSecurity,
    pub user: Option<String>,
    pub password: Option<Redacted<String>>,
    pub from: Option<String>,
    pub attach_recordings: bool,
    pub timeout: Duration,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            server: None,
            security: MailSecurity::StartTls,
            user: None,
            password: None,
            from: None,
            attach_recordings: true,
            timeout: Duration::from_secs(30),
        }
    }
}

impl Mail {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let default = Self::default();
        Self {
            server: section.text("server", server),
            security: section.text("security", security).unwrap_or_default(),
            user: section.text("user", plain),
            password: section.text("password", plain).map(Redacted),
            from: section.text("from", address),
            attach_recordings: section.text("recordings", recordings).unwrap_or(default.attach_recordings),
            timeout: section
                .number("timeout_s", 5..=300_u32)
                .map_or(default.timeout, |seconds| Duration::from_secs(seconds.into())),
        }
    }

    /// The sender: the one that is written, or a name of ours at the server's host.
    pub fn sender(&self) -> String {
        let host = self.server.as_ref().map_or("localhost", |(host, _)| host);
        self.from.clone().unwrap_or_else(|| format!("frontdesk@{host}"))
    }

    /// The port that is written, or the usual one.
    pub fn port(&self) -> u16 {
        let usual = match self.security {
            MailSecurity::StartTls => 587,
            MailSecurity::Tls => 465,
            MailSecurity::None => 25,
        };
        self.server.as_ref().and_then(|(_, port)| *port).unwrap_or(usual)
    }
}

fn server(text: &str) -> Result<(String, Option<u16>), Fault> {
    let fault = || Fault::new(format!("{text:?} is no mail server"), "write host and port: \"smtp.example.com:587\"");
    let (host, port) = match text.rsplit_once(':') {
        // An IPv6 address in brackets has colons of its own.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse::<u16>().map_err(|_| fault())?)),
        _ => (text, None),
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let right = !bare.is_empty()
        && bare.len() <= 253
        && bare.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b))
        && (bare.len() < host.len() || !bare.contains(':'));
    if right && port != Some(0) { Ok((bare.to_ascii_lowercase(), port)) } else { Err(fault()) }
}

fn security(text: &str) -> Result<MailSecurity, Fault> {
    match text {
        "starttls" => Ok(MailSecurity::StartTls),
        "tls" => Ok(MailSecurity::Tls),
        "none" => Ok(MailSecurity::None),
        _ => {
            let what = format!("security = {text:?} is unknown");
            Err(Fault::new(what, "write \"starttls\", \"tls\" or \"none\""))
        }
    }
}

fn recordings(text: &str) -> Result<bool, Fault> {
    match text {
        "attach" => Ok(true),
        "off" => Ok(false),
        _ => Err(Fault::new(format!("recordings = {text:?} is unknown"), "write \"attach\" or \"off\"")),
    }
}

fn plain(text: &str) -> Result<String, Fault> {
    // It may be a password: what it is is not shown.
    let right = !text.is_empty() && !text.chars().any(char::is_control);
    right.then(|| text.to_owned()).ok_or_else(|| Fault::new("it is empty, or has control characters", "write it anew"))
}

fn address(text: &str) -> Result<String, Fault> {
    let right = text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
        && text.bytes().filter(|b| *b == b'@').count() == 1
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>,;".contains(c));
    right.then(|| text.to_owned()).ok_or_else(|| {
        Fault::new(format!("{text:?} is no address"), "write the address alone: \"frontdesk@example.com\"")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_host_and_perhaps_a_port() {
        assert_eq!(server("smtp.example.com"), Ok(("smtp.example.com".to_owned(), None)));
        assert_eq!(server("SMTP.example.com:25"), Ok(("smtp.example.com".to_owned(), Some(25))));
        assert_eq!(server("[2001:db8::1]:25"), Ok(("2001:db8::1".to_owned(), Some(25))));
        assert_eq!(server("[2001:db8::1]"), Ok(("2001:db8::1".to_owned(), None)));
        for bad in ["", ":25", "smtp:", "smtp:0", "smtp:99999", "2001:db8::1", "a b", "smtp://a", "[::1", "a/b"] {
            assert!(server(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_sender_is_an_address_alone() {
        assert!(address("frontdesk@example.com").is_ok());
        for bad in ["", "@", "a@", "@b", "a@b@c", "Desk <a@b>", "a@b,c@d", "a@b\r\nBcc: x"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
