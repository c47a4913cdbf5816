//! From, To, Contact, Route and Record-Route values (RFC 3261 section 20.10).

use std::fmt;
use std::str::FromStr;

use super::error::Syntax;
use super::scan::{self, Params};
use super::text;
use super::uri::Uri;

/// A From, To, Contact, Route or Record-Route value (RFC 3261 section 20.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAddr {
    /// Unquoted and unescaped.
    pub display: Option<String>,
    pub uri: Uri,
    /// Header parameters such as `tag`, in order.
    pub params: Params,
}

impl NameAddr {
    pub fn new(uri: Uri) -> NameAddr {
        NameAddr { display: None, uri, params: Vec::new() }
    }

    #[must_use]
    pub fn with_display(mut self, display: impl Into<String>) -> NameAddr {
        self.display = Some(display.into());
        self
    }

    #[must_use]
    pub fn with_tag(mut self, tag: impl Into<String>) -> NameAddr {
        self.set_tag(tag);
        self
    }

    pub fn set_tag(&mut self, tag: impl Into<String>) {
        self.set_param("tag", Some(tag.into()));
    }

    pub fn set_param(&mut self, name: &str, value: Option<String>) {
        scan::set(&mut self.params, name, value);
    }

    /// A parameter's value by its name without case; `Some("")` where it has none.
    pub fn param(&self, name: &str) -> Option<&str> {
        scan::find(&self.params, name)
    }

    pub fn tag(&self) -> Option<&str> {
        self.param("tag")
    }
}

impl FromStr for NameAddr {
    type Err = Syntax;

    fn from_str(text: &str) -> Result<NameAddr, Syntax> {
        let text = text.trim_matches(scan::is_blank);
        if text.starts_with('"') {
            let (display, rest) = scan::quoted(text)?;
            let rest = rest.trim_start_matches(scan::is_blank);
            let inner = rest.strip_prefix('<').ok_or(Syntax("no '<' after a display name"))?;
            return bracketed(Some(display), inner);
        }
        match text.split_once('<') {
            Some((display, inner)) => bracketed(plain_display(display)?, inner),
            None => bare(text),
        }
    }
}

/// Words without quotes. Other characters than a token's are taken as they are, as many phones send them (`Room (3)`,
/// `张伟`), but not a comma: with that it may be two values, so it is refused (RFC 4475 section 3.1.2.15).
fn plain_display(text: &str) -> Result<Option<String>, Syntax> {
    let text = text.trim_matches(scan::is_blank);
    if text.bytes().any(|b| b",;\"\\>".contains(&b) || (b.is_ascii_control() && b != b'\t')) {
        return Err(Syntax("a display name needs quotes"));
    }
    Ok(Some(text.to_owned()).filter(|t| !t.is_empty()))
}

fn bracketed(display: Option<String>, inner: &str) -> Result<NameAddr, Syntax> {
    let (uri, params) = inner.split_once('>').ok_or(Syntax("no '>' after a URI"))?;
    Ok(NameAddr { display, uri: uri.parse()?, params: scan::params(params)? })
}

/// Without brackets all parameters are the header's, and a URI with headers is refused (RFC 3261 section 20).
fn bare(text: &str) -> Result<NameAddr, Syntax> {
    let (uri, params) = text.split_at(text.find(';').unwrap_or(text.len()));
    if uri.contains(['?', ',']) {
        return Err(Syntax("a URI with '?' or ',' needs brackets"));
    }
    let uri = uri.trim_end_matches(scan::is_blank).parse()?;
    Ok(NameAddr { display: None, uri, params: scan::params(params)? })
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            text::quote(f, display)?;
            f.write_str(" ")?;
        }
        write!(f, "<{}>", self.uri)?;
        scan::write_params(f, &self.params)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> NameAddr {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn quoted_displays_lose_their_quotes_and_get_them_again() {
        let bell = read(r#""Bell, \"A\" \\" <sip:a@b>;tag=9"#);
        assert_eq!(bell.display.as_deref(), Some(r#"Bell, "A" \"#));
        assert_eq!(bell.tag(), Some("9"));
        assert_eq!(bell.to_string(), r#""Bell, \"A\" \\" <sip:a@b>;tag=9"#);
    }

    #[test]
    fn displays_without_quotes_may_be_chinese_or_have_other_signs_but_no_comma() {
        assert_eq!(read("张伟 <sip:a@b>").display.as_deref(), Some("张伟"));
        assert_eq!(read("Room (3) 2@pbx<sip:a@b>").display.as_deref(), Some("Room (3) 2@pbx"));
        assert!("Bell, Alexander <sip:a@b>".parse::<NameAddr>().is_err());
    }

    #[test]
    fn without_brackets_the_parameters_are_the_headers() {
        let to = read("sip:+1650@h;user=phone ; tag = x");
        assert!(to.uri.params.is_empty());
        assert_eq!((to.param("USER"), to.tag()), (Some("phone"), Some("x")));
        let inside = read("<sip:+1650@h;user=phone>;tag=x");
        assert_eq!(inside.uri.param("user"), Some("phone"));
    }

    #[test]
    fn a_tel_uri_keeps_its_plus() {
        assert_eq!(read("<tel:+1555>").uri.user.as_deref(), Some("+1555"));
    }

    #[test]
    fn faults_are_refused() {
        let bad = [
            "",
            "\"J <sip:a@b>",
            "< sip:a@b >",
            "<sip:a@b",
            "sip:a@b?Route=x",
            "<sip:a@b>;;",
            "\"x\" sip:a@b",
            "a@b",
            "<sip:a@b>x",
            "<sip:a@b>;tag=\"x",
        ];
        for text in bad {
            assert!(text.parse::<NameAddr>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_tag_is_set_once() {
        let mut addr = NameAddr::new(Uri::tel("110")).with_tag("a");
        addr.set_tag("b");
        assert_eq!(addr.to_string(), "<tel:110>;tag=b");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            display in proptest::option::of("[^\r\n]{0,12}"),
            params in proptest::collection::vec(("[a-zA-Z0-9.~-]{1,6}", proptest::option::of("[^\r\n]{0,8}")), 0..4),
        ) {
            let built = NameAddr { display, uri: Uri::tel("+1"), params };
            prop_assert_eq!(built.to_string().parse::<NameAddr>(), Ok(built));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\x00-\\x7f\u{80}-\u{fff}]{0,40}") {
            let _ = text.parse::<NameAddr>().map(|u| u.to_string());
        }
    }
}
