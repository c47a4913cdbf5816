//! From `trunks.toml` to what the user agent wants to know of a trunk.

use std::fs;
use std::path::Path;

use super::settings::networks;
use crate::call::service::TrunkRules;
use crate::desk::trunks::{KeepAliveKind, Trunk, TrunkKind};
use crate::sip::trunk::{Account, KeepAlive, TrunkSettings};
use crate::sip::wire::{Host, Scheme, Transport, Uri};
use crate::site::Site;
use crate::types::Random;

/// The lines that the desk registers with, or knows.
pub(super) fn settings(site: &Site) -> Vec<TrunkSettings> {
    site.trunks.trunks().iter().filter_map(trunk).collect()
}

/// None for one whose addresses can't be read, which `Trunks::parse` has looked at.
fn trunk(trunk: &Trunk) -> Option<TrunkSettings> {
    let (server, register_for) = match &trunk.kind {
        TrunkKind::Registers { registrar, expires } => (registrar, Some(*expires)),
        TrunkKind::Peer { peer } => (peer, None),
    };
    let server: Uri = server.parse().ok()?;
    let proxy: Option<Uri> = trunk.proxy.as_ref().map(|proxy| proxy.parse()).transpose().ok()?;
    let every = trunk.keep_alive_every;
    // Addresses name the domain, without the transport and port that lead to its servers.
    let mut domain = Uri::new(match &trunk.domain {
        Some(domain) => Host::Name(domain.clone()),
        None => server.host.clone()?,
    });
    domain.scheme = server.scheme.clone();
    if trunk.domain.is_none() {
        domain.port = server.port;
    }
    Some(TrunkSettings {
        name: trunk.name.clone(),
        address: Uri { port: None, ..domain.clone().with_user(trunk.user.as_str()) },
        // What is sent through a proxy says so (RFC 3261 section 8.1.2).
        servers: proxy.map(|proxy| proxy.with_param("lr", None)).unwrap_or_else(|| server.clone()),
        domain,
        account: trunk
            .password
            .as_ref()
            .map(|password| Account { user: trunk.login.clone(), password: password.clone() }),
        register_for,
        keep_alive: match trunk.keep_alive {
            KeepAliveKind::Off => KeepAlive::Off,
            KeepAliveKind::Options => KeepAlive::Options(every),
            KeepAliveKind::Crlf => KeepAlive::Crlf(every),
            KeepAliveKind::Stun => KeepAlive::Stun(every),
        },
        sources: networks(&trunk.sources),
    })
}

/// Transports that trunks are to be spoken to with, as far as their addresses say so themselves.
pub(super) fn transports(site: &Site) -> Vec<Transport> {
    settings(site).iter().filter_map(|trunk| transport(&trunk.servers)).collect()
}

fn transport(uri: &Uri) -> Option<Transport> {
    if uri.scheme == Scheme::Sips { Some(Transport::Tls) } else { uri.transport() }
}

/// Says which trunks can't be spoken to yet: what connections are made from is settled when the daemon starts.
pub(super) fn warn_of_unspoken(site: &Site, spoken: &[Transport]) {
    for trunk in settings(site) {
        if let Some(transport) = transport(&trunk.servers).filter(|transport| !spoken.contains(transport)) {
            let (trunk, transport) = (trunk.name, transport.param());
            tracing::warn!(trunk, transport, "a trunk of another transport than before needs a restart");
        }
    }
}

/// What holds for the calls of each.
pub(super) fn rules(site: &Site) -> Vec<TrunkRules> {
    let rules = |trunk: &Trunk| TrunkRules {
        name: trunk.name.clone(),
        sources: networks(&trunk.sources),
        srtp: trunk.srtp,
        number_format: trunk.number_format,
        asserts_identity: trunk.asserts_identity,
    };
    site.trunks.trunks().iter().map(rules).collect()
}

/// Which device we are to registrars (RFC 5626 section 4.1): drawn once for a data folder, and kept in it.
pub(super) fn instance(data: &Path, random: &mut Random) -> Option<String> {
    let path = data.join("instance");
    let kept = fs::read_to_string(&path).ok().map(|text| text.trim().to_owned());
    if let Some(kept) = kept.filter(|text| is_instance(text)) {
        return Some(kept);
    }
    let (high, low) = (random.u64(), random.u64());
    // A UUID of version 4 (RFC 9562 section 5.4).
    let instance = format!(
        "urn:uuid:{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    );
    match fs::write(&path, format!("{instance}\n")) {
        Ok(()) => Some(instance),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the name that registrars know us by can't be kept");
            None
        }
    }
}

fn is_instance(text: &str) -> bool {
    let uuid = text.strip_prefix("urn:uuid:").unwrap_or_default();
    uuid.len() == 36 && uuid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instance_is_drawn_once_for_a_data_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut random = Random::for_testing(1);
        let first = instance(folder.path(), &mut random).expect("it is kept");
        assert!(is_instance(&first), "{first}");
        assert_eq!(instance(folder.path(), &mut random), Some(first.clone()));
        fs::write(folder.path().join("instance"), "\"><sip:evil>").expect("written");
        let again = instance(folder.path(), &mut random).expect("it is kept");
        assert!(is_instance(&again) && again != first, "{again}");
    }
}
