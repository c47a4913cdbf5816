//! From settings and content to what each room wants to know.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::sockets::Bound;
use super::trunks;
use crate::call::admission::{AdmissionLimits, Network};
use crate::call::answering::Cadence;
use crate::call::info_digits;
use crate::call::service::{CallBackSettings, Service, WayOut};
use crate::config::{self, CallBackGateway, Config, Console, External, Ports as PortsConfig};
use crate::console::{DeskSettings, GateOptions};
use crate::desk::phones::{Phone, PhoneSecret};
use crate::driver::dtls;
use crate::driver::ports::PortRange;
use crate::flow::diagram;
use crate::flow::io::RecordSpec;
use crate::sip::guard::GuardConfig;
use crate::sip::user_agent::{
    Account, Listener, RegistrarConfig, ReliableProvisional, Secret, SessionPolicy, UaConfig, UaLimits,
};
use crate::site::{self, Site};
use crate::types::{Codec, Digit};

/// The longest call.
const CALL_MAX: Duration = Duration::from_secs(3600);

/// What the HTTP API knows of the settings.
pub(super) fn desk(site: &Site) -> DeskSettings {
    let named = site.config.desk.names.iter().map(|(lang, name)| (lang.0.clone(), name.clone()));
    DeskSettings {
        time_zone: site.config.desk.time_zone,
        cadence: site.config.answer.cadence(),
        clocks: Arc::new(site::clock_book(&site.config, &site.hours)),
        people: Arc::clone(&site.people),
        hours: Arc::clone(&site.hours),
        flow: Arc::new(diagram::chart(&site.flow)),
        numbers: site.config.numbers.clone(),
        owner: "desk".to_owned(),
        desk_names: named.chain([(String::new(), site.config.desk.name.clone())]).collect(),
        retention: site.config.retention,
    }
}

pub(super) fn ua_config(config: &Config, bound: &[Bound]) -> UaConfig {
    let (external, stun_server) = match &config.sip.external_address {
        Some(External::Fixed(ip)) => (Some(*ip), None),
        Some(External::Stun { host, port }) => (None, format!("sip:{host}:{port};transport=udp").parse().ok()),
        None => (None, None),
    };
    let listeners = bound
        .iter()
        .map(|b| Listener {
            transport: b.transport,
            local: b.address,
            // Of the other family it is no address of this socket.
            advertised: external
                .filter(|ip| ip.is_ipv4() == b.address.is_ipv4())
                .map(|ip| SocketAddr::new(ip, b.address.port())),
        })
        .collect();
    let calls_max = config.calls_max() as usize;
    UaConfig {
        stun_server,
        instance: None,
        listeners,
        server: format!("{}/{}", config.sip.user_agent, env!("CARGO_PKG_VERSION")),
        t1_ms: config.sip.t1_ms,
        t2_ms: config.sip.t2_ms,
        t4_ms: config.sip.t4_ms,
        info_types: info_digits::CONTENT_TYPES.map(str::to_owned).to_vec(),
        session: SessionPolicy { expires_s: config.sip.session_expires_s, min_se_s: config.sip.min_se_s },
        reliable_provisional: match config.sip.reliable_provisional {
            config::ReliableProvisional::Off => ReliableProvisional::Off,
            config::ReliableProvisional::WhenRequired => ReliableProvisional::WhenRequired,
            config::ReliableProvisional::Always => ReliableProvisional::Always,
        },
        registrar: RegistrarConfig { realm: config.sip.realm.clone(), ..RegistrarConfig::default() },
        guard: guard(config),
        limits: UaLimits { dialogs_max: calls_max + calls_max / 4 + 100, ..UaLimits::default() },
    }
}

fn guard(config: &Config) -> GuardConfig {
    let guard = &config.guard;
    GuardConfig {
        requests_per_second_per_source_max: guard.requests_per_second_per_source_max,
        drops_scanners: guard.drops_scanners,
        ban_after: guard.ban_after,
        ban_window: Duration::from_secs(guard.ban_window_s.into()),
        ban: Duration::from_secs(guard.ban_s.into()),
        allow: networks(&guard.allow),
    }
}

/// The phones that may register.
pub(super) fn accounts(site: &Site) -> Vec<Account> {
    let account = |phone: &Phone| Account {
        user: phone.user.clone(),
        md5_only: phone.md5_only,
        secret: match &phone.secret {
            PhoneSecret::Password(password) => Secret::Password(password.clone()),
            PhoneSecret::Ha1 { md5, sha256 } => Secret::Ha1 { md5: md5.clone(), sha256: sha256.clone() },
        },
    };
    site.phones.phones().iter().map(account).collect()
}

pub(super) fn admission(config: &Config) -> AdmissionLimits {
    AdmissionLimits {
        calls_max: config.calls_max() as usize,
        source_rate_max: config.sip.invites_per_second_per_source_max,
        total_rate_max: config.sip.invites_per_second_max,
        allowed: networks(&config.sip.allowed_sources),
    }
}

pub(super) fn networks(networks: &[crate::config::IpNet]) -> Vec<Network> {
    networks.iter().map(|net| Network { address: net.addr(), prefix: net.prefix_len() }).collect()
}

pub(super) fn port_range(config: &Config) -> PortRange {
    match config.rtp.ports {
        PortsConfig::Any => PortRange::Any,
        PortsConfig::Range { first, last } => PortRange::Within { first, last },
    }
}

/// What calls are served with, from settings and content.
pub(super) fn service(site: &Site) -> Arc<Service> {
    let answer = &site.config.answer;
    Arc::new(Service {
        flow: site.flow.clone(),
        people: site.people.clone(),
        hours: site.hours.clone(),
        gateway: site.config.sip.gateway.clone(),
        trunks: trunks::rules(site),
        number_format: site.config.sip.number_format,
        trusted: networks(&site.config.sip.trusted_networks),
        numbers: site.config.numbers.clone(),
        refer_to: networks(&site.config.sip.refer_to),
        phones: site.phones.clone(),
        prompts: site.prompts.clone(),
        languages: site.config.desk.languages.clone(),
        cadence: Cadence { on_ms: answer.ring_on_ms, off_ms: answer.ring_off_ms },
        after_rings: u8::try_from(answer.after_rings).unwrap_or(2),
        time_zone: site.config.desk.time_zone,
        codecs: Codec::ALL.to_vec(),
        srtp: site.config.rtp.srtp.clone(),
        ice: site.config.rtp.ice,
        dtls: dtls::fingerprint(),
        call_max: CALL_MAX,
        call_back: CallBackSettings {
            gateway: site.config.call_back.gateway.clone().map(|gateway| match gateway {
                CallBackGateway::Address(address) => WayOut::Address(address),
                CallBackGateway::Trunk(name) => WayOut::Trunk(name),
            }),
            number_format: site.config.call_back.number_format,
            hours: Some(site.config.call_back.hours),
            ring: Duration::from_secs(site.config.call_back.ring_s.into()),
            denied: site.config.call_back.prefixes_denied.clone(),
            allowed: site.config.call_back.prefixes_allowed.clone(),
        },
        errands_at_once: site.config.errands.at_once,
        outgoing_per_hour_max: site.config.guard.outgoing_calls_per_hour_max,
        recording_notice: site.config.record.notice,
        record: RecordSpec {
            max_ms: site.config.record.max_ms,
            silence_ms: site.config.record.silence_ms,
            min_ms: site.config.record.min_ms,
            warn_ms: site.config.record.warn_ms,
            stop_keys: vec![Digit::HASH],
        },
    })
}

/// Whom the console's pages believe, and for how long.
pub(super) fn gate(config: &Config) -> GateOptions {
    let Console { sessions, trusted_proxies, tls, .. } = config.console.clone();
    GateOptions { sessions, trusted_proxies, tls }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::line::Listening;
    use crate::sip::wire::Transport;

    #[test]
    fn an_external_address_is_told_by_sockets_of_its_family_alone() {
        let mut config = Config::default();
        config.sip.external_address = Some(External::Fixed("198.51.100.1".parse().expect("an address")));
        let bound = ["192.0.2.1:5060", "[2001:db8::1]:5060"].map(|address| {
            let address = address.parse().expect("an address");
            Bound { transport: Transport::Tcp, address, socket: Listening::Nowhere(Transport::Tcp, address) }
        });
        let listeners = ua_config(&config, &bound).listeners;
        let advertised: Vec<_> = listeners.iter().map(|listener| listener.advertised).collect();
        assert_eq!(advertised, [Some("198.51.100.1:5060".parse().expect("an address")), None]);
    }
}
