//! From `trunks.toml` to what the user agent wants to know of a trunk.

use crate::call::service::TrunkRules;
use crate::desk::trunks::{KeepAliveKind, Trunk, TrunkKind};
use crate::sip::trunk::{Account, KeepAlive, TrunkSettings};
use crate::sip::wire::{Host, Scheme, Transport, Uri};
use crate::site::Site;

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
        sources: super::networks(&trunk.sources),
        srtp: trunk.srtp,
    };
    site.trunks.trunks().iter().map(rules).collect()
}
