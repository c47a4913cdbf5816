//! Trunks (`trunks.toml`): the lines of carriers and PBXs by which the desk is called, and calls numbers (R1).

use std::collections::BTreeMap;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;
use toml::de::DeValue;

use crate::types::{NumberFormat, Problem, Reader, Redacted, SrtpMode};

/// Trunks in one file: each is asked after all the time.
const TRUNKS_MAX: usize = 64;
const NAME_CHARS_MAX: usize = 32;
const USER_CHARS_MAX: usize = 64;
const PASSWORD_CHARS_MAX: usize = 128;
const SOURCES_MAX: usize = 64;
const EXPIRES_S: std::ops::RangeInclusive<u32> = 60..=86_400;
const KEEP_ALIVE_S: std::ops::RangeInclusive<u32> = 5..=3_600;
/// A word before a trunk's name where a place is meant: `gateway = "trunk:carrier"`.
const PREFIX: &str = "trunk:";

/// What telephone numbers are called through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gateway {
    /// `sip:host`, without a user.
    Address(String),
    /// The trunk of that name.
    Trunk(String),
}

impl Gateway {
    /// The name in `trunk:name`.
    pub fn trunk_of(text: &str) -> Option<&str> {
        text.strip_prefix(PREFIX)
    }
}

/// How the desk is known there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrunkKind {
    /// The desk registers with it.
    Registers { registrar: String, expires: Duration },
    /// It knows our address, and we know its.
    Peer { peer: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeepAliveKind {
    Off,
    Options,
    Crlf,
    Stun,
}

/// One trunk, ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trunk {
    pub name: String,
    pub kind: TrunkKind,
    /// Ours there.
    pub user: String,
    /// For challenges; the user's name where none is written.
    pub login: String,
    pub password: Option<Redacted<String>>,
    /// Of our address, where it is not the registrar's host.
    pub domain: Option<String>,
    /// Where all requests are sent instead.
    pub proxy: Option<String>,
    pub keep_alive: KeepAliveKind,
    pub keep_alive_every: Duration,
    /// Networks that its calls come from, beside the addresses of its servers.
    pub sources: Vec<IpNet>,
    /// Whether its calls are encrypted, where that differs from `[rtp] srtp`.
    pub srtp: Option<SrtpMode>,
    pub number_format: NumberFormat,
    /// Whether its P-Asserted-Identity counts.
    pub asserts_identity: bool,
    /// 1-based line.
    pub line: usize,
}

impl Trunk {
    fn server(&self) -> &String {
        match &self.kind {
            TrunkKind::Registers { registrar, .. } => registrar,
            TrunkKind::Peer { peer } => peer,
        }
    }

    /// All SIP addresses that are written for it.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.server()).chain(&self.proxy).map(String::as_str)
    }

    /// Whether it is spoken to over TLS.
    pub fn is_secure(&self) -> bool {
        let uri = self.proxy.as_ref().unwrap_or(self.server()).to_ascii_lowercase();
        uri.starts_with("sips:") || uri.contains(";transport=tls")
    }
}

/// All trunks, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trunks {
    trunks: Vec<Trunk>,
}

impl Trunks {
    /// Every fault at once, by line.
    pub fn parse(text: &str, file: &str) -> Result<Trunks, Vec<Problem>> {
        let mut reader = Reader::new(text, file);
        let document = Spanned::new(0..0, DeValue::Table(reader.document()));
        let trunks = reader.read::<RawTrunks>("trunks", &document).map(|raw| ready(raw, &mut reader));
        reader.finish(trunks)
    }

    /// The built-in trunks (`config/trunks.toml`): none.
    pub fn default_text() -> &'static str {
        include_str!("../../config/trunks.toml")
    }

    pub fn trunks(&self) -> &[Trunk] {
        &self.trunks
    }

    pub fn of(&self, name: &str) -> Option<&Trunk> {
        self.trunks.iter().find(|trunk| trunk.name == name)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTrunks {
    #[serde(default)]
    trunk: Vec<Spanned<RawTrunk>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTrunk {
    name: Spanned<String>,
    registrar: Option<Spanned<String>>,
    peer: Option<Spanned<String>>,
    user: Option<Spanned<String>>,
    login: Option<Spanned<String>>,
    password: Option<Spanned<String>>,
    domain: Option<Spanned<String>>,
    proxy: Option<Spanned<String>>,
    expires_s: Option<Spanned<u32>>,
    keep_alive: Option<KeepAliveKind>,
    keep_alive_s: Option<Spanned<u32>>,
    srtp: Option<Spanned<String>>,
    number_format: Option<Spanned<String>>,
    asserts_identity: Option<bool>,
    #[serde(default)]
    sources: Vec<Spanned<String>>,
}

fn ready(raw: RawTrunks, reader: &mut Reader<'_>) -> Trunks {
    if raw.trunk.len() > TRUNKS_MAX {
        reader.problem(None, format!("there are {} trunks", raw.trunk.len()), format!("write at most {TRUNKS_MAX}"));
        return Trunks::default();
    }
    let mut trunks: BTreeMap<String, Trunk> = BTreeMap::new();
    for trunk in raw.trunk {
        let at = trunk.get_ref().name.span().start;
        let Some(trunk) = ready_trunk(trunk.into_inner(), reader) else { continue };
        let name = trunk.name.clone();
        if let Some(first) = trunks.insert(name.clone(), trunk) {
            let what = format!("trunk {name} stands twice, first in line {}", first.line);
            reader.problem(Some(at), what, "give one of them another name");
        }
    }
    Trunks { trunks: trunks.into_values().collect() }
}

fn ready_trunk(raw: RawTrunk, reader: &mut Reader<'_>) -> Option<Trunk> {
    let at = raw.name.span().start;
    let line = reader.line(at);
    let name = raw.name.into_inner();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > NAME_CHARS_MAX || !name.chars().all(plain) {
        let remedy = format!("write 1 to {NAME_CHARS_MAX} small letters, digits or hyphens");
        reader.problem(Some(at), format!("`{name}` can't be a trunk's name"), remedy);
    }
    let expires_s = within(raw.expires_s, "expires_s", 600, EXPIRES_S, reader);
    let keep_alive_s = within(raw.keep_alive_s, "keep_alive_s", 30, KEEP_ALIVE_S, reader);
    let user = raw.user.map(|user| token(user, "user", reader));
    let kind = match (raw.registrar, raw.peer) {
        (Some(registrar), None) => {
            if user.is_none() {
                reader.problem(Some(at), format!("trunk {name} registers without a user"), "write user = \"...\"");
            }
            let registrar = host_uri(registrar, "registrar", reader);
            Some(TrunkKind::Registers { registrar, expires: Duration::from_secs(expires_s.into()) })
        }
        (None, Some(peer)) => Some(TrunkKind::Peer { peer: host_uri(peer, "peer", reader) }),
        (Some(_), Some(peer)) => {
            let what = format!("trunk {name} has both a registrar and a peer");
            reader.problem(Some(peer.span().start), what, "keep the one that your carrier's or PBX's papers name");
            None
        }
        (None, None) => {
            let remedy = "write registrar = \"sip:host\" with user and password, or peer = \"sip:host\"";
            reader.problem(Some(at), format!("trunk {name} leads nowhere"), remedy);
            None
        }
    };
    let user = user.unwrap_or_else(|| "desk".to_owned());
    let login = raw.login.map_or_else(|| user.clone(), |login| token(login, "login", reader));
    let password = raw.password.map(|password| password_of(password, reader));
    let domain = raw.domain.map(|domain| domain_of(domain, reader));
    let proxy = raw.proxy.map(|proxy| host_uri(proxy, "proxy", reader));
    let keep_alive = raw.keep_alive.unwrap_or(KeepAliveKind::Options);
    let keep_alive_every = Duration::from_secs(keep_alive_s.into());
    if raw.sources.len() > SOURCES_MAX {
        reader.problem(Some(at), format!("trunk {name} has too many sources"), format!("write at most {SOURCES_MAX}"));
    }
    let sources = raw.sources.into_iter().filter_map(|source| network(source, reader)).collect();
    let srtp = raw.srtp.and_then(|mode| srtp_of(mode, reader));
    let number_format = raw.number_format.map(|format| number_format_of(format, reader)).unwrap_or_default();
    let asserts_identity = raw.asserts_identity.unwrap_or(true);
    let kind = kind?;
    Some(Trunk {
        name,
        kind,
        user,
        login,
        password,
        domain,
        proxy,
        keep_alive,
        keep_alive_every,
        sources,
        srtp,
        number_format,
        asserts_identity,
        line,
    })
}

fn within(
    number: Option<Spanned<u32>>,
    key: &str,
    default: u32,
    range: std::ops::RangeInclusive<u32>,
    reader: &mut Reader<'_>,
) -> u32 {
    let Some(number) = number else { return default };
    let (at, number) = (number.span().start, number.into_inner());
    if !range.contains(&number) {
        let remedy = format!("write {} to {}", range.start(), range.end());
        reader.problem(Some(at), format!("{key} = {number} is out of bounds"), remedy);
    }
    number
}

/// A user or login: it stands in addresses and in quotes.
fn token(text: Spanned<String>, key: &str, reader: &mut Reader<'_>) -> String {
    let (at, text) = (text.span().start, text.into_inner());
    let clean = |c: char| c.is_ascii_graphic() && !"<>\"\\".contains(c);
    if text.is_empty() || text.len() > USER_CHARS_MAX || !text.chars().all(clean) {
        let remedy = format!("write the 1 to {USER_CHARS_MAX} characters that the carrier gave, without `<>\"\\`");
        reader.problem(Some(at), format!("`{text}` can't be a {key}"), remedy);
    }
    text
}

/// The password itself is not told.
fn password_of(password: Spanned<String>, reader: &mut Reader<'_>) -> Redacted<String> {
    let (at, password) = (password.span().start, password.into_inner());
    if password.is_empty() || password.chars().count() > PASSWORD_CHARS_MAX {
        reader.problem(
            Some(at),
            "the password is empty or too long",
            format!("write 1 to {PASSWORD_CHARS_MAX} characters"),
        );
    }
    Redacted(password)
}

/// `sip:` or `sips:` with a host, and port and parameters where they are needed; the SIP room reads it more closely.
fn host_uri(uri: Spanned<String>, key: &str, reader: &mut Reader<'_>) -> String {
    let (at, uri) = (uri.span().start, uri.into_inner());
    let host = uri.strip_prefix("sip:").or_else(|| uri.strip_prefix("sips:")).unwrap_or_default();
    let right = host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        && host.len() <= 255
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:;=[]".contains(&b));
    if !right {
        let remedy = format!(
            "write a host and, where it needs them, port and transport: {key} = \"sip:sip.example.com:5060;transport=tls\""
        );
        reader.problem(Some(at), format!("`{uri}` is no address of a {key}"), remedy);
    }
    uri
}

fn domain_of(domain: Spanned<String>, reader: &mut Reader<'_>) -> String {
    let (at, domain) = (domain.span().start, domain.into_inner());
    let right = domain.starts_with(|c: char| c.is_ascii_alphanumeric())
        && domain.len() <= 253
        && domain.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    if !right {
        reader.problem(Some(at), format!("`{domain}` is no domain"), "write a host name alone: \"ims.example.com\"");
    }
    domain
}

fn srtp_of(mode: Spanned<String>, reader: &mut Reader<'_>) -> Option<SrtpMode> {
    let (at, mode) = (mode.span().start, mode.into_inner());
    let read = SrtpMode::from_name(&mode);
    if read.is_none() {
        let remedy = "write \"off\", \"optional\" or \"required\"";
        reader.problem(Some(at), format!("srtp = `{mode}` is unknown"), remedy);
    }
    read
}

fn number_format_of(format: Spanned<String>, reader: &mut Reader<'_>) -> NumberFormat {
    let (at, format) = (format.span().start, format.into_inner());
    NumberFormat::from_name(&format).unwrap_or_else(|| {
        let remedy = "write \"as_written\", \"e164\" (+8613800138000) or \"national\" (13800138000)";
        reader.problem(Some(at), format!("there is no number format `{format}`"), remedy);
        NumberFormat::default()
    })
}

fn network(source: Spanned<String>, reader: &mut Reader<'_>) -> Option<IpNet> {
    let (at, source) = (source.span().start, source.into_inner());
    let read = source.parse::<IpNet>().map(|net| net.trunc());
    let read = read.or_else(|_| source.parse::<std::net::IpAddr>().map(IpNet::from));
    if read.is_err() {
        let remedy = "write \"192.168.0.0/16\", \"2001:db8::/32\" or one address";
        reader.problem(Some(at), format!("`{source}` is no network"), remedy);
    }
    read.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        Trunks::parse(text, "trunks.toml").expect_err("it has faults").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn none_is_built_in_and_the_examples_in_it_are_good() {
        assert_eq!(Trunks::parse(Trunks::default_text(), "built-in trunks"), Ok(Trunks::default()));
        let lines = Trunks::default_text().lines().skip(2);
        let example: Vec<&str> = lines.filter_map(|l| l.strip_prefix("# ").or(l.strip_prefix('#'))).collect();
        let trunks = Trunks::parse(&example.join("\n"), "trunks.toml").expect("the examples are good");
        let carrier = trunks.of("carrier").expect("the first");
        assert_eq!((carrier.login.as_str(), carrier.keep_alive), ("057188880000", KeepAliveKind::Options));
        let expires = Duration::from_secs(600);
        assert_eq!(carrier.kind, TrunkKind::Registers { registrar: "sip:ims.example.com".into(), expires });
        let pbx = trunks.of("pbx").expect("the second");
        assert_eq!(pbx.kind, TrunkKind::Peer { peer: "sip:192.168.1.10".into() });
        assert_eq!(pbx.sources, ["192.168.1.10/32".parse::<IpNet>().expect("a network")]);
        assert!(!format!("{trunks:?}").contains("..."), "a password is not shown");
    }

    #[test]
    fn all_faults_are_told_with_their_lines() {
        let text = "\
[[trunk]]
name = \"Big Carrier\"
registrar = \"ims.example.com\"
[[trunk]]
name = \"a\"
[[trunk]]
name = \"b\"
registrar = \"sip:h\"
peer = \"sip:h\"
user = \"a<b\"
password = \"\"
[[trunk]]
name = \"c\"
peer = \"sip:u@h\"
expires_s = 5
keep_alive_s = 1
domain = \"-x\"
sources = [\"10.0.0.0/33\"]
srtp = \"yes\"
number_format = \"us\"
[[trunk]]
name = \"c\"
peer = \"sip:h\"
";
        assert_eq!(faults(text), EXPECTED);
        let unknown = faults("[[trunk]]\nname = \"a\"\nregistar = \"sip:h\"\n");
        assert_eq!(unknown, ["trunks.toml:3: trunks: unknown word `registar`; did you mean `registrar`?"]);
    }

    const EXPECTED: [&str; 15] = [
        "trunks.toml:2: `Big Carrier` can't be a trunk's name; write 1 to 32 small letters, digits or hyphens",
        "trunks.toml:2: trunk Big Carrier registers without a user; write user = \"...\"",
        "trunks.toml:3: `ims.example.com` is no address of a registrar; write a host and, where it needs them, port and transport: registrar = \"sip:sip.example.com:5060;transport=tls\"",
        "trunks.toml:5: trunk a leads nowhere; write registrar = \"sip:host\" with user and password, or peer = \"sip:host\"",
        "trunks.toml:9: trunk b has both a registrar and a peer; keep the one that your carrier's or PBX's papers name",
        "trunks.toml:10: `a<b` can't be a user; write the 1 to 64 characters that the carrier gave, without `<>\"\\`",
        "trunks.toml:11: the password is empty or too long; write 1 to 128 characters",
        "trunks.toml:14: `sip:u@h` is no address of a peer; write a host and, where it needs them, port and transport: peer = \"sip:sip.example.com:5060;transport=tls\"",
        "trunks.toml:15: expires_s = 5 is out of bounds; write 60 to 86400",
        "trunks.toml:16: keep_alive_s = 1 is out of bounds; write 5 to 3600",
        "trunks.toml:17: `-x` is no domain; write a host name alone: \"ims.example.com\"",
        "trunks.toml:18: `10.0.0.0/33` is no network; write \"192.168.0.0/16\", \"2001:db8::/32\" or one address",
        "trunks.toml:19: srtp = `yes` is unknown; write \"off\", \"optional\" or \"required\"",
        "trunks.toml:20: there is no number format `us`; write \"as_written\", \"e164\" (+8613800138000) or \"national\" (13800138000)",
        "trunks.toml:22: trunk c stands twice, first in line 13; give one of them another name",
    ];
}
