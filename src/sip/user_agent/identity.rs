//! Who calls, as the network says (RFC 3325, Remote-Party-ID), whether the caller withholds it (RFC 3323), and whom the call
//! was meant for before it was diverted (RFC 5806, RFC 7044).

use super::event::IncomingInvite;
use crate::sip::wire::{Headers, Host, Name, NameAddr, Scheme, Uri};

/// What an INVITE says of its caller beside From. All of it is the sender's word: `trusted` says whether that counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// P-Asserted-Identity, or Remote-Party-ID of the calling party. Of several the one with a number.
    pub asserted: Option<NameAddr>,
    /// The sender's word counts: what it asserts is the caller's number. Set by whoever knows the networks.
    pub trusted: bool,
    /// The caller does not want to be known. That counts whoever says it.
    pub withheld: bool,
    /// The number or user that was called first, where the call was diverted to us.
    pub diverted_from: Option<String>,
}

/// Entries of one header that are looked at.
const ENTRIES_MAX: usize = 16;

fn named(name: &str) -> Name {
    Name::Other(name.to_owned())
}

impl Identity {
    pub(super) fn of(headers: &Headers) -> Identity {
        let remote_party = remote_party(headers);
        let hides = |party: &NameAddr| party.param("privacy").is_some_and(|p| !p.eq_ignore_ascii_case("off"));
        let withheld = wants_privacy(headers)
            || remote_party.as_ref().is_some_and(hides)
            || headers.from().is_ok_and(|from| is_anonymous(&from.uri));
        Identity {
            asserted: asserted(headers).or(remote_party),
            trusted: false,
            withheld,
            diverted_from: diverted_from(headers),
        }
    }
}

impl IncomingInvite {
    /// The caller's number or user, as it came but for a telephone number's separators; `None` when withheld.
    pub fn caller_number(&self) -> Option<String> {
        let uri = self.trusted().map_or(&self.caller, |party| &party.uri);
        if self.identity.withheld || is_anonymous(uri) {
            return None;
        }
        number_of(uri)
    }

    /// The display name that goes with the number; `None` when withheld.
    pub fn caller_name(&self) -> Option<String> {
        let asserted = self.trusted().and_then(|party| party.display.clone()).filter(|name| !name.is_empty());
        asserted.or_else(|| self.caller_display.clone()).filter(|_| !self.identity.withheld)
    }

    fn trusted(&self) -> Option<&NameAddr> {
        self.identity.asserted.as_ref().filter(|_| self.identity.trusted)
    }
}

/// RFC 3323 section 4.2, RFC 3325 section 9.3: `header` and `session` hide other things than who calls.
fn wants_privacy(headers: &Headers) -> bool {
    let name = named("Privacy");
    let mut values = headers.all(&name).flat_map(|value| value.split([';', ','])).map(str::trim);
    values.any(|value| value.eq_ignore_ascii_case("id") || value.eq_ignore_ascii_case("user"))
}

/// RFC 3323 section 4.1.1.3, and what gateways write.
fn is_anonymous(uri: &Uri) -> bool {
    let hidden_host = matches!(&uri.host, Some(Host::Name(host)) if host.eq_ignore_ascii_case("anonymous.invalid"));
    hidden_host || uri.user.as_deref().is_some_and(|user| user.eq_ignore_ascii_case("anonymous"))
}

/// At most one SIP and one tel URI (RFC 3325 section 9.1): the tel URI is a number for certain.
fn asserted(headers: &Headers) -> Option<NameAddr> {
    let name = named("P-Asserted-Identity");
    let read: Vec<NameAddr> = headers.all(&name).take(ENTRIES_MAX).filter_map(|v| v.parse().ok()).collect();
    let display = read.iter().find_map(|party| party.display.clone().filter(|display| !display.is_empty()));
    let chosen = read.iter().find(|party| party.uri.scheme == Scheme::Tel).or(read.first())?;
    Some(NameAddr { display: chosen.display.clone().or(display), ..chosen.clone() })
}

fn remote_party(headers: &Headers) -> Option<NameAddr> {
    let name = named("Remote-Party-ID");
    let read = headers.all(&name).take(ENTRIES_MAX).filter_map(|v| v.parse::<NameAddr>().ok());
    let mut calling = read.filter(|party| party.param("party").is_none_or(|p| p.eq_ignore_ascii_case("calling")));
    calling.next()
}

/// Of several diversions the last entry is the first that happened (RFC 5806 section 4.2), and of a history the first entry
/// is the first target (RFC 7044 section 10.3); a history of one entry says only that we were called.
fn diverted_from(headers: &Headers) -> Option<String> {
    let (diversion, history) = (named("Diversion"), named("History-Info"));
    let user = |value: &str| value.parse::<NameAddr>().ok().and_then(|address| number_of(&address.uri));
    let diverted = headers.all(&diversion).take(ENTRIES_MAX).last().and_then(user);
    let mut entries = headers.all(&history).take(ENTRIES_MAX);
    diverted.or_else(|| {
        let first = entries.next()?;
        entries.next().and_then(|_| user(first))
    })
}

/// The number of a tel URI with the prefix that its context says (RFC 3966 section 5.1.5), or the user of a SIP URI.
pub fn number_of(uri: &Uri) -> Option<String> {
    if matches!(uri.scheme, Scheme::Other(_)) {
        return None;
    }
    let mut parts = uri.user.as_deref()?.split(';');
    let user = parts.next().filter(|user| !user.is_empty())?;
    // Gateways put a tel URI's parameters into a SIP URI's user (RFC 3261 section 19.1.6).
    let in_user = parts.find_map(|part| part.strip_prefix("phone-context="));
    let is_phone = uri.scheme == Scheme::Tel || uri.param("user").is_some_and(|u| u.eq_ignore_ascii_case("phone"));
    let looks_like = user.bytes().all(|b| b.is_ascii_digit() || b"+-.()*#".contains(&b));
    if !looks_like || !(is_phone || user.starts_with('+')) {
        return Some(user.to_owned());
    }
    let plain: String = user.chars().filter(|c| !"-.()".contains(*c)).collect();
    let context = uri.param("phone-context").or(in_user).filter(|context| context.starts_with('+'));
    match context {
        Some(prefix) if !plain.starts_with('+') => {
            Some(prefix.chars().filter(|c| !"-.()".contains(*c)).chain(plain.chars()).collect())
        }
        Some(_) | None => Some(plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(lines: &[(&str, &str)]) -> Identity {
        let mut headers = Headers::new();
        if lines.iter().all(|(name, _)| *name != "From") {
            headers.push(Name::From, "<sip:02@pbx.example>;tag=1");
        }
        for (name, value) in lines {
            headers.push(Name::from_token(name), *value);
        }
        Identity::of(&headers)
    }

    fn number(identity: &Identity) -> Option<String> {
        number_of(&identity.asserted.as_ref()?.uri)
    }

    #[test]
    fn the_asserted_number_is_the_tel_uri_else_the_first() {
        let both = [
            ("P-Asserted-Identity", "\"Zhang\" <sip:zhang@op.example>"),
            ("P-Asserted-Identity", "<tel:+86-138-0013-8000>"),
            ("Remote-Party-ID", "<sip:9@op.example>;party=calling"),
        ];
        let read = identity(&both);
        assert_eq!(number(&read).as_deref(), Some("+8613800138000"));
        assert_eq!(read.asserted.unwrap().display.as_deref(), Some("Zhang"));
        let older = identity(&[("Remote-Party-ID", "<sip:9@op.example>;party=calling;privacy=off;screen=yes")]);
        assert_eq!((number(&older).as_deref(), older.withheld), (Some("9"), false));
        assert_eq!(number(&identity(&[("Remote-Party-ID", "<sip:9@op.example>;party=called")])), None);
        assert_eq!(number(&identity(&[("P-Asserted-Identity", "nonsense <")])), None);
    }

    #[test]
    fn withheld_is_what_privacy_or_from_or_the_older_header_says() {
        for line in [
            ("Privacy", "id"),
            ("Privacy", "header; user;critical"),
            ("Privacy", "ID"),
            ("Remote-Party-ID", "<sip:9@op.example>;privacy=full"),
            ("From", "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=2"),
            ("From", "<sip:Anonymous@op.example>;tag=2"),
        ] {
            assert!(identity(&[line]).withheld, "{line:?}");
        }
        for line in [("Privacy", "none"), ("Privacy", "header"), ("Remote-Party-ID", "<sip:9@op.example>;privacy=off")]
        {
            assert!(!identity(&[line]).withheld, "{line:?}");
        }
    }

    #[test]
    fn the_first_called_is_told_of_diversions_and_histories() {
        let read = |lines: &[(&str, &str)]| identity(lines).diverted_from;
        let diversions = [
            ("Diversion", "<sip:8002@op.example>;reason=no-answer"),
            ("Diversion", "<sip:8001@op.example>;reason=user-busy"),
        ];
        assert_eq!(read(&diversions).as_deref(), Some("8001"));
        let history =
            [("History-Info", "<sip:8001@op.example>;index=1"), ("History-Info", "<sip:desk@op.example>;index=1.1")];
        assert_eq!(read(&history).as_deref(), Some("8001"));
        assert_eq!(read(&history[..1]), None);
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn numbers_lose_their_separators_and_gain_their_context() {
        for (uri, wanted) in [
            ("tel:+86-138-0013-8000", "+8613800138000"),
            ("tel:138.0013.8000;phone-context=+86", "+8613800138000"),
            ("tel:1380;phone-context=op.example", "1380"),
            ("sip:138-0013-8000@op.example;user=phone", "13800138000"),
            ("sip:13800138000;phone-context=+86@op.example;user=phone", "+8613800138000"),
            ("sip:+86(10)12345678@op.example", "+861012345678"),
            ("sip:201@op.example", "201"),
            ("sip:first.last@op.example", "first.last"),
            ("sip:zhang-wei@op.example;user=phone", "zhang-wei"),
        ] {
            assert_eq!(number_of(&uri.parse().unwrap()).as_deref(), Some(wanted), "{uri}");
        }
        assert_eq!(number_of(&"sip:op.example".parse().unwrap()), None);
    }
}
