//! SIP, SIPS and tel URIs (RFC 3261 section 19.1, RFC 3966).

use std::fmt::{self, Write as _};
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use super::error::Syntax;
use super::scan::{self, Params};
use super::text;
use super::via::Transport;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scheme {
    Sip,
    Sips,
    Tel,
    /// Any other: answered 416 as a Request-URI (RFC 3261 section 8.2.2.1).
    Other(String),
}

impl Scheme {
    pub fn as_str(&self) -> &str {
        match self {
            Scheme::Sip => "sip",
            Scheme::Sips => "sips",
            Scheme::Tel => "tel",
            Scheme::Other(name) => name,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    Ip(IpAddr),
    Name(String),
}

/// A SIP, SIPS or tel URI (RFC 3261 section 19.1, RFC 3966); for other schemes `user` holds all that follows the colon.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Uri {
    pub scheme: Scheme,
    /// Unescaped. For `tel:` the number as written, with its `+`.
    pub user: Option<String>,
    pub password: Option<String>,
    pub host: Option<Host>,
    pub port: Option<u16>,
    /// `;name=value`, in order, unescaped.
    pub params: Params,
    /// `?name=value`, in order, unescaped.
    pub headers: Vec<(String, String)>,
}

impl Uri {
    /// `sip:host`; add to it with the `with_` methods.
    pub fn new(host: impl Into<Host>) -> Uri {
        Uri { host: Some(host.into()), ..Uri::bare(Scheme::Sip) }
    }

    /// `tel:number` (RFC 3966), such as `+8613800138000`.
    pub fn tel(number: impl Into<String>) -> Uri {
        Uri { user: Some(number.into()), ..Uri::bare(Scheme::Tel) }
    }

    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Uri {
        self.user = Some(user.into());
        self
    }

    #[must_use]
    pub fn with_port(mut self, port: u16) -> Uri {
        self.port = Some(port);
        self
    }

    /// Sets a parameter such as `("transport", Some("tcp"))` or `("lr", None)`.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: Option<&str>) -> Uri {
        scan::set(&mut self.params, name, value.map(str::to_owned));
        self
    }

    /// A URI parameter's value by its name without case; `Some("")` where it has none.
    pub fn param(&self, name: &str) -> Option<&str> {
        scan::find(&self.params, name)
    }

    /// A loose router (RFC 3261 section 16.12).
    pub fn is_loose(&self) -> bool {
        self.param("lr").is_some()
    }

    /// The `transport` parameter, where it names one that is known.
    pub fn transport(&self) -> Option<Transport> {
        self.param("transport")?.parse().ok()
    }

    /// Whether both name the same resource by the rules of RFC 3261 section 19.1.4 (for `tel`: RFC 3966 section 4).
    pub fn equivalent(&self, other: &Uri) -> bool {
        match (&self.scheme, &other.scheme) {
            (Scheme::Sip, Scheme::Sip) | (Scheme::Sips, Scheme::Sips) => self.equivalent_sip(other),
            (Scheme::Tel, Scheme::Tel) => {
                let number =
                    |u: &Uri| u.user.as_deref().map(|n| n.replace(['-', '.', '(', ')'], "").to_ascii_lowercase());
                number(self) == number(other)
                    && all_params_match(&self.params, &other.params)
                    && all_params_match(&other.params, &self.params)
            }
            (Scheme::Other(a), Scheme::Other(b)) => a.eq_ignore_ascii_case(b) && self.user == other.user,
            _ => false,
        }
    }

    fn equivalent_sip(&self, other: &Uri) -> bool {
        let host = match (&self.host, &other.host) {
            (Some(Host::Name(a)), Some(Host::Name(b))) => a.eq_ignore_ascii_case(b),
            (a, b) => a == b,
        };
        host && self.port == other.port
            && self.user == other.user
            && self.password == other.password
            && sip_params_match(&self.params, &other.params)
            && sip_params_match(&other.params, &self.params)
            && same_headers(&self.headers, &other.headers)
    }

    fn bare(scheme: Scheme) -> Uri {
        Uri { scheme, user: None, password: None, host: None, port: None, params: Vec::new(), headers: Vec::new() }
    }
}

/// These count even when only one side has them (RFC 3261 section 19.1.4).
const WEIGHTY: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

fn sip_params_match(these: &[(String, Option<String>)], those: &[(String, Option<String>)]) -> bool {
    these.iter().all(|(name, value)| match scan::find(those, name) {
        Some(other) => value.as_deref().unwrap_or("").eq_ignore_ascii_case(other),
        None => !WEIGHTY.iter().any(|w| w.eq_ignore_ascii_case(name)),
    })
}

fn all_params_match(these: &[(String, Option<String>)], those: &[(String, Option<String>)]) -> bool {
    these.iter().all(|(name, value)| {
        scan::find(those, name).is_some_and(|other| value.as_deref().unwrap_or("").eq_ignore_ascii_case(other))
    })
}

fn same_headers(these: &[(String, String)], those: &[(String, String)]) -> bool {
    let has = |all: &[(String, String)], one: &(String, String)| {
        all.iter().any(|(n, v)| n.eq_ignore_ascii_case(&one.0) && *v == one.1)
    };
    these.len() == those.len() && these.iter().all(|h| has(those, h)) && those.iter().all(|h| has(these, h))
}

impl FromStr for Uri {
    type Err = Syntax;

    fn from_str(text: &str) -> Result<Uri, Syntax> {
        if text.bytes().any(|b| b <= b' ' || b == 0x7F || b"<>\"".contains(&b)) {
            return Err(Syntax("a URI has space, brackets or control characters in it"));
        }
        let (scheme, rest) = text.split_once(':').ok_or(Syntax("a URI has no scheme"))?;
        match scheme_of(scheme)? {
            scheme @ (Scheme::Sip | Scheme::Sips) => sip_uri(scheme, rest),
            Scheme::Tel => tel_uri(rest),
            _ if !rest.is_ascii() => Err(Syntax("a URI of that scheme has other characters than ASCII")),
            other => Ok(Uri { user: Some(rest.to_owned()), ..Uri::bare(other) }),
        }
    }
}

fn scheme_of(text: &str) -> Result<Scheme, Syntax> {
    let starts_well = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    if !starts_well || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
        return Err(Syntax("a URI's scheme is malformed"));
    }
    Ok(match text {
        t if t.eq_ignore_ascii_case("sip") => Scheme::Sip,
        t if t.eq_ignore_ascii_case("sips") => Scheme::Sips,
        t if t.eq_ignore_ascii_case("tel") => Scheme::Tel,
        t => Scheme::Other(t.to_owned()),
    })
}

fn sip_uri(scheme: Scheme, text: &str) -> Result<Uri, Syntax> {
    let mut uri = Uri::bare(scheme);
    // A user part may hold `;`, `?` and `/` unescaped, but never `@`: so that one is looked for first.
    let rest = match text.split_once('@') {
        Some((userinfo, rest)) => {
            let (user, password) = match userinfo.split_once(':') {
                Some((user, password)) => (user, Some(password)),
                None => (userinfo, None),
            };
            uri.user = Some(text::unescape(user)).filter(|u| !u.is_empty());
            uri.password = password.map(text::unescape).filter(|_| uri.user.is_some());
            rest
        }
        None => text,
    };
    let host_end = rest.find([';', '?']).unwrap_or(rest.len());
    let (host, port) = host_port(&rest[..host_end])?;
    (uri.host, uri.port) = (Some(host), port);
    let (params, headers) = match rest[host_end..].split_once('?') {
        Some((params, headers)) => (params, Some(headers)),
        None => (&rest[host_end..], None),
    };
    uri.params = uri_params(params)?;
    for header in headers.into_iter().flat_map(|h| h.split('&')) {
        let (name, value) = header.split_once('=').ok_or(Syntax("a URI's header has no value"))?;
        uri.headers.push((text::unescape(name), text::unescape(value)));
    }
    Ok(uri)
}

fn tel_uri(text: &str) -> Result<Uri, Syntax> {
    let (number, params) = text.split_at(text.find(';').unwrap_or(text.len()));
    let number = text::unescape(number);
    if !number.bytes().any(|b| b.is_ascii_hexdigit() || b"*#".contains(&b)) {
        return Err(Syntax("a tel URI has no number"));
    }
    Ok(Uri { user: Some(number), params: uri_params(params)?, ..Uri::bare(Scheme::Tel) })
}

fn uri_params(text: &str) -> Result<Params, Syntax> {
    let mut out = Vec::new();
    let text = text.strip_suffix(';').unwrap_or(text);
    for param in text.split(';').skip(1) {
        let (name, value) = match param.split_once('=') {
            Some((name, value)) => (name, Some(text::unescape(value))),
            None => (param, None),
        };
        if name.is_empty() {
            return Err(Syntax("a URI's parameter has no name"));
        }
        out.push((text::unescape(name), value));
    }
    Ok(out)
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`; space around the colon is allowed, as in a Via.
pub(super) fn host_port(text: &str) -> Result<(Host, Option<u16>), Syntax> {
    let split = match text.find(']') {
        Some(end) => end + 1,
        None => text.find(':').unwrap_or(text.len()),
    };
    let (host, port) = text.split_at(split);
    let port = match port.trim_matches(scan::is_blank) {
        "" => None,
        port => {
            let digits = port.strip_prefix(':').ok_or(Syntax("text after a host"))?;
            Some(scan::number(digits.trim_start_matches(scan::is_blank))?)
        }
    };
    Ok((host.trim_end_matches(scan::is_blank).parse()?, port))
}

impl FromStr for Host {
    type Err = Syntax;

    /// An IPv6 address has to stand in brackets (RFC 3261 section 25.1).
    fn from_str(text: &str) -> Result<Host, Syntax> {
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(Syntax("an IPv6 address has no closing bracket"))?;
            let address = inner.parse::<Ipv6Addr>().map_err(|_| Syntax("an IPv6 address is malformed"))?;
            return Ok(Host::Ip(address.into()));
        }
        if text.bytes().next().is_some_and(|b| b.is_ascii_digit())
            && let Ok(address) = text.parse::<std::net::Ipv4Addr>()
        {
            return Ok(Host::Ip(address.into()));
        }
        if text.is_empty() || !text.bytes().all(is_host_byte) {
            return Err(Syntax("a host name is malformed"));
        }
        Ok(Host::Name(text.to_owned()))
    }
}

/// Underscores are not in the grammar but in many inner networks.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._".contains(&byte)
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Host {
        Host::Ip(address)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Ip(IpAddr::V4(address)) => write!(f, "{address}"),
            Host::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Host::Name(name) => {
                name.bytes().try_for_each(|b| f.write_char(if is_host_byte(b) { b.into() } else { '_' }))
            }
        }
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::escape(f, self.scheme.as_str(), |b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))?;
        f.write_char(':')?;
        let user = self.user.as_deref().unwrap_or("");
        match self.scheme {
            Scheme::Other(_) => return text::escape(f, user, |b| b > b' ' && b < 0x7F && !b"<>\"".contains(&b)),
            Scheme::Tel => text::escape(f, user, |b| b.is_ascii_alphanumeric() || b"+-.()*".contains(&b))?,
            Scheme::Sip | Scheme::Sips => {
                if !user.is_empty() {
                    text::escape(f, user, |b| is_unreserved(b) || b"&=+$,;?/".contains(&b))?;
                    if let Some(password) = &self.password {
                        f.write_char(':')?;
                        text::escape(f, password, |b| is_unreserved(b) || b"&=+$,".contains(&b))?;
                    }
                    f.write_char('@')?;
                }
                if let Some(host) = &self.host {
                    write!(f, "{host}")?;
                }
                if let Some(port) = self.port {
                    write!(f, ":{port}")?;
                }
            }
        }
        let plain: fn(u8) -> bool = |b| is_unreserved(b) || b"[]/:&+$".contains(&b);
        for (name, value) in &self.params {
            f.write_char(';')?;
            text::escape(f, name, plain)?;
            if let Some(value) = value {
                f.write_char('=')?;
                text::escape(f, value, plain)?;
            }
        }
        let plain: fn(u8) -> bool = |b| is_unreserved(b) || b"[]/?:+$".contains(&b);
        for (at, (name, value)) in self.headers.iter().enumerate() {
            f.write_char(if at == 0 { '?' } else { '&' })?;
            text::escape(f, name, plain)?;
            f.write_char('=')?;
            text::escape(f, value, plain)?;
        }
        Ok(())
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn all_parts_are_read_and_written_back() {
        let read = uri("sips:alice.b:secret@example.com:5071;transport=tcp;lr?Subject=hi%20you&a=b");
        assert_eq!(read.scheme, Scheme::Sips);
        assert_eq!(read.user.as_deref(), Some("alice.b"));
        assert_eq!(read.password.as_deref(), Some("secret"));
        assert_eq!(read.host, Some(Host::Name("example.com".to_owned())));
        assert_eq!(read.port, Some(5071));
        assert_eq!(read.transport(), Some(Transport::Tcp));
        assert!(read.is_loose());
        assert_eq!(read.headers[0], ("Subject".to_owned(), "hi you".to_owned()));
        assert_eq!(read.to_string(), "sips:alice.b:secret@example.com:5071;transport=tcp;lr?Subject=hi%20you&a=b");
    }

    #[test]
    fn users_keep_dots_signs_and_nulls() {
        assert_eq!(uri("sip:first.last@h").user.as_deref(), Some("first.last"));
        assert_eq!(uri("sip:null-%00-null@h").user.as_deref(), Some("null-\0-null"));
        assert_eq!(uri("sip:null-%00-null@h").to_string(), "sip:null-%00-null@h");
        let odd = "sip:user;par=u%40example.net@example.com";
        assert_eq!(uri(odd).user.as_deref(), Some("user;par=u@example.net"));
        assert_eq!(uri(odd).to_string(), odd);
        assert_eq!(uri("sip:%ff@h").to_string(), "sip:%FF@h");
    }

    #[test]
    fn tel_keeps_its_plus_and_parameters() {
        let read = uri("tel:+1-555-0100;phone-context=example.com");
        assert_eq!(read.user.as_deref(), Some("+1-555-0100"));
        assert_eq!(read.param("Phone-Context"), Some("example.com"));
        assert_eq!(read.to_string(), "tel:+1-555-0100;phone-context=example.com");
        assert_eq!(Uri::tel("+86*#").to_string(), "tel:+86*%23");
    }

    #[test]
    fn unknown_schemes_are_kept_whole() {
        let read = uri("soap.beep://192.0.2.103:3002");
        assert_eq!(read.scheme, Scheme::Other("soap.beep".to_owned()));
        assert_eq!(read.to_string(), "soap.beep://192.0.2.103:3002");
    }

    #[test]
    fn ipv6_needs_brackets_and_gets_them() {
        let read = uri("sip:[2001:db8::10]:5070;lr");
        assert_eq!(read.host, Some(Host::Ip("2001:db8::10".parse().unwrap())));
        assert_eq!(read.port, Some(5070));
        assert_eq!(read.to_string(), "sip:[2001:db8::10]:5070;lr");
        assert_eq!(uri("sip:a@[::ffff:192.0.2.1]").to_string(), "sip:a@[::ffff:192.0.2.1]");
    }

    #[test]
    fn what_cannot_be_read_one_way_only_is_refused() {
        let bad = [
            "",
            "sip",
            "sip:",
            ":a@b",
            "sip:a@",
            "sip:a@b c",
            "sip:a@b:",
            "sip:a@b:99999",
            "sip:a@b:-1",
            "sip:a@b:5060x",
            "sip:[2001:db8::1",
            "sip:2001:db8::1",
            "sip:[2001:db8:::192.0.2.1]",
            "sip:[1.2.3.4]",
            "<sip:a@b>",
            "sip:a@b@c",
            "sip:a@b;;x",
            "sip:a@b;=x",
            "sip:a@b?x",
            "1sip:a@b",
            "tel:",
            "tel:;a=b",
            "sip:a@b\0",
            "sip:a@exa mple",
            "name:\u{e9}",
        ];
        for text in bad {
            let read = text.parse::<Uri>();
            assert!(read.is_err(), "{text} gave {read:?}");
        }
    }

    #[test]
    fn equivalence_follows_the_examples_of_rfc_3261_19_1_4() {
        let same = [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
            ("sip:b.com;method=REGISTER;transport=tcp?to=a%40b", "sip:b.com;transport=tcp;method=REGISTER?to=a%40b"),
            ("sip:alice@a.com?subject=x&priority=y", "sip:alice@a.com?priority=y&subject=x"),
            ("tel:+1-555-0100", "tel:+15550100"),
        ];
        for (a, b) in same {
            assert!(uri(a).equivalent(&uri(b)) && uri(b).equivalent(&uri(a)), "{a} and {b}");
        }
        let different = [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:carol@c.com;security=on", "sip:carol@c.com;security=off"),
            ("sip:a@b", "sips:a@b"),
            ("tel:+1555", "tel:1555"),
        ];
        for (a, b) in different {
            assert!(!uri(a).equivalent(&uri(b)) && !uri(b).equivalent(&uri(a)), "{a} and {b}");
        }
    }

    #[test]
    fn nothing_in_a_uri_can_end_its_line_or_bracket() {
        let evil = "a\r\nVia: x>@\" <";
        let built = Uri::new(Host::Name(evil.to_owned())).with_user(evil).with_param(evil, Some(evil)).to_string();
        assert!(!built.contains(['\r', '\n', ' ', '<', '>', '"']), "{built}");
        let other = Uri { scheme: Scheme::Other("x y\r\n".to_owned()), ..Uri::tel(evil) }.to_string();
        assert!(!other.contains(['\r', '\n', ' ', '<', '>', '"']), "{other}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            user in ".{1,12}",
            password in proptest::option::of(".{0,6}"),
            port in proptest::option::of(any::<u16>()),
            params in proptest::collection::vec((".{1,6}", proptest::option::of(".{0,6}")), 0..4),
            headers in proptest::collection::vec((".{1,6}", ".{0,6}"), 0..3),
            host in any::<std::net::IpAddr>(),
        ) {
            let built = Uri { password, port, params, headers, ..Uri::new(host).with_user(user) };
            prop_assert_eq!(built.to_string().parse::<Uri>(), Ok(built));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(sip:|tel:|)[\\x00-\\x7f\u{80}-\u{fff}]{0,40}") {
            let _ = text.parse::<Uri>().map(|u| u.to_string());
        }
    }
}
