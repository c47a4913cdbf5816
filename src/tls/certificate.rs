//! What stands in a certificate: whose it is, and from when until when.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use x509_parser::extensions::GeneralName;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// DNS names, in lower case; `*.example.com` stands for one label more.
    pub names: Vec<String>,
    /// `sip:` URIs without a user: the domains that it speaks for (RFC 5922 section 7.1).
    pub domains: Vec<String>,
    pub addresses: Vec<IpAddr>,
    pub not_before: DateTime<Utc>,
    pub not_after: DateTime<Utc>,
}

impl CertificateFacts {
    /// Whether it speaks for this host.
    pub fn is_for(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        if let Ok(ip) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return self.addresses.contains(&ip);
        }
        let below = host.split_once('.').map(|(_, rest)| rest);
        let fits = |name: &String| *name == host || below.is_some_and(|rest| name.strip_prefix("*.") == Some(rest));
        self.domains.contains(&host) || self.names.iter().any(fits)
    }

    /// For people: all that it speaks for.
    pub fn whom(&self) -> String {
        let addresses = self.addresses.iter().map(ToString::to_string);
        let mut whom: Vec<String> = self.names.iter().chain(&self.domains).cloned().chain(addresses).collect();
        whom.dedup();
        if whom.is_empty() { "nobody".to_owned() } else { whom.join(", ") }
    }
}

/// Reads a certificate (DER); `None` when it is none.
pub fn facts(der: &[u8]) -> Option<CertificateFacts> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    let time = |at: &x509_parser::time::ASN1Time| DateTime::from_timestamp(at.timestamp(), 0);
    let validity = certificate.validity();
    let mut facts = CertificateFacts {
        names: Vec::new(),
        domains: Vec::new(),
        addresses: Vec::new(),
        not_before: time(&validity.not_before)?,
        not_after: time(&validity.not_after)?,
    };
    let alternative = certificate.subject_alternative_name().ok().flatten();
    for name in alternative.iter().flat_map(|extension| &extension.value.general_names) {
        match name {
            GeneralName::DNSName(name) => facts.names.push(name.trim_end_matches('.').to_ascii_lowercase()),
            GeneralName::URI(uri) => facts.domains.extend(domain_of(uri)),
            GeneralName::IPAddress(bytes) => facts.addresses.extend(address_of(bytes)),
            _ => {}
        }
    }
    Some(facts)
}

/// The host of a `sip:` URI; one with a user speaks for a person, not for a domain (RFC 5922 section 7.1).
fn domain_of(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once(':')?;
    let named = (scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips")) && !rest.contains('@');
    let host = rest.split([';', '?']).next().unwrap_or_default();
    (named && !host.is_empty()).then(|| host.to_ascii_lowercase())
}

fn address_of(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(v4.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(names: &[&str]) -> CertificateFacts {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(names).expect("names");
        let uri = "sip:Example.com".try_into().expect("text");
        params.subject_alt_names.push(rcgen::SanType::URI(uri));
        let person = "sip:alice@person.example".try_into().expect("text");
        params.subject_alt_names.push(rcgen::SanType::URI(person));
        facts(params.self_signed(&key).expect("a certificate").der()).expect("it is one")
    }

    #[test]
    fn a_certificate_speaks_for_its_names_domains_and_addresses() {
        let facts = made(&["Desk.example.com", "*.trunk.example", "192.0.2.1", "2001:db8::1"]);
        for host in
            ["desk.example.com", "DESK.example.com.", "a.trunk.example", "example.com", "192.0.2.1", "[2001:db8::1]"]
        {
            assert!(facts.is_for(host), "{host}: {facts:?}");
        }
        for host in ["trunk.example", "a.b.trunk.example", "person.example", "192.0.2.2", "com", ""] {
            assert!(!facts.is_for(host), "{host}: {facts:?}");
        }
        assert!(facts.not_before < facts.not_after);
    }

    #[test]
    fn what_is_no_certificate_says_nothing() {
        assert_eq!(facts(b""), None);
        assert_eq!(facts(b"0\x82\xff\xff"), None);
    }
}
