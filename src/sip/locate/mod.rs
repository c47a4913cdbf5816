//! Finding the servers of a URI (RFC 3263 section 4): which questions to ask of the DNS, and what their answers come to.
//! Whoever has the sockets asks; nothing here waits.
//!
//! What holds: at most `TARGETS_MAX` targets, each once and each one that a listener of ours leads to; at most
//! `QUESTIONS_MAX` questions at a time, in at most three turns, whatever the answers say.

mod srv;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};

pub use self::srv::Srv;
use super::wire::{Host, Scheme, Transport, Uri};
use crate::types::Random;

/// Servers that are tried for one request; the others of a long list are not.
pub const TARGETS_MAX: usize = 16;
/// Questions that are asked together.
pub const QUESTIONS_MAX: usize = 16;
/// NAPTR records that are followed: three transports, and one to spare.
const SERVICES_MAX: usize = 4;
/// Addresses taken of one host.
const ADDRESSES_MAX: usize = 8;
/// RFC 1035 section 2.3.4: beyond it no name can be asked for.
const NAME_MAX: usize = 253;
const LABEL_MAX: usize = 63;

/// One server, and how to speak to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Target {
    pub transport: Transport,
    pub address: SocketAddr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    V4,
    V6,
}

impl Family {
    pub fn of(ip: IpAddr) -> Family {
        if ip.is_ipv4() { Family::V4 } else { Family::V6 }
    }
}

/// What our listeners lead to, in their order: of two families the one that comes first is tried first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reachable(pub Vec<(Transport, Family)>);

impl Reachable {
    pub fn has(&self, transport: Transport, family: Family) -> bool {
        self.0.contains(&(transport, family))
    }

    fn speaks(&self, transport: Transport) -> bool {
        self.0.iter().any(|(known, _)| *known == transport)
    }

    fn families(&self, transport: Transport) -> Vec<Family> {
        let mut families = Vec::new();
        for (_, family) in self.0.iter().filter(|(known, _)| *known == transport) {
            if !families.contains(family) {
                families.push(*family);
            }
        }
        families
    }
}

/// What is asked of the DNS. Names are in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Question {
    Naptr(String),
    Srv(String),
    Addresses(String, Family),
}

/// What came back. A question that nobody answered in time is `Nothing`, as is one without such records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Naptr(Vec<Naptr>),
    Srv(Vec<Srv>),
    Addresses(Vec<IpAddr>),
    Nothing,
}

/// One NAPTR record (RFC 3403 section 4.1). Those with a regular expression name no server (RFC 3263 section 4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naptr {
    pub order: u16,
    pub preference: u16,
    pub flags: String,
    pub service: String,
    pub replacement: String,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// All of them together; then tell `answered`, in the same order.
    Ask(Vec<Question>),
    /// In the order in which they are tried; none where nobody can be reached.
    Found(Vec<Target>),
}

/// One look-up on its way. See the module.
#[derive(Debug)]
pub struct Locating {
    can: Reachable,
    host: String,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// NAPTR, and beside it the SRV records of each transport, for where there is none.
    Services {
        secure: bool,
        transports: Vec<Transport>,
    },
    /// The SRV records of these, in order of preference; where there are none, the host itself over `otherwise`.
    Servers {
        transports: Vec<Transport>,
        asked: Vec<String>,
        otherwise: Option<Transport>,
    },
    /// The addresses of these hosts.
    Hosts {
        servers: Vec<Server>,
        asked: Vec<Question>,
    },
    Done(Vec<Target>),
}

/// A host that serves, and on which port.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Server {
    transport: Transport,
    host: String,
    port: u16,
}

impl Locating {
    /// By scheme, `transport` parameter, port and host of the URI (RFC 3263 sections 4.1 and 4.2).
    pub fn begin(uri: &Uri, can: Reachable) -> Locating {
        let (host, stage) = match (&uri.host, transports(uri, &can)) {
            (None, _) => (String::new(), Stage::Done(Vec::new())),
            (Some(Host::Ip(ip)), transports) => (String::new(), Stage::Done(at_address(uri, *ip, &transports, &can))),
            (Some(Host::Name(name)), transports) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                let stage =
                    if is_name(&name) { by_name(uri, &name, transports, &can) } else { Stage::Done(Vec::new()) };
                (name, stage)
            }
        };
        Locating { can, host, stage }
    }

    pub fn step(&self) -> Step {
        match &self.stage {
            Stage::Services { transports, .. } => {
                let srv = transports.iter().map(|transport| Question::Srv(service_name(*transport, &self.host)));
                Step::Ask(std::iter::once(Question::Naptr(self.host.clone())).chain(srv).collect())
            }
            Stage::Servers { asked, .. } => Step::Ask(asked.iter().cloned().map(Question::Srv).collect()),
            Stage::Hosts { asked, .. } => Step::Ask(asked.clone()),
            Stage::Done(targets) => Step::Found(targets.clone()),
        }
    }

    /// The answers to the questions of `step`; one that is missing counts as `Nothing`.
    pub fn answered(&mut self, answers: Vec<Answer>, random: &mut Random) {
        let stage = std::mem::replace(&mut self.stage, Stage::Done(Vec::new()));
        self.stage = match stage {
            Stage::Services { secure, transports } => self.services(secure, transports, answers, random),
            Stage::Servers { transports, otherwise, .. } => self.servers(&transports, &answers, otherwise, random),
            Stage::Hosts { servers, asked } => Stage::Done(self.targets(&servers, &asked, &answers)),
            Stage::Done(targets) => Stage::Done(targets),
        };
    }

    /// RFC 3263 section 4.1: the NAPTR records say which transports the domain wants; without any, its SRV records do.
    fn services(
        &self,
        secure: bool,
        transports: Vec<Transport>,
        mut answers: Vec<Answer>,
        random: &mut Random,
    ) -> Stage {
        let of_transports = answers.split_off(answers.len().min(1));
        let otherwise = transports.first().copied();
        let Some(Answer::Naptr(mut records)) = answers.pop() else {
            return self.servers(&transports, &of_transports, otherwise, random);
        };
        records.retain(|record| service_of(record).is_some());
        let named_any = !records.is_empty();
        records.sort_by_key(|record| (record.order, record.preference));
        let usable = records.into_iter().filter_map(|record| Some((service_of(&record)?, record.replacement)));
        let usable = usable.filter(|(transport, name)| {
            self.can.speaks(*transport) && (*transport == Transport::Tls || !secure) && is_name(name)
        });
        let (transports_wanted, asked): (Vec<_>, Vec<_>) = usable.take(SERVICES_MAX).unzip();
        if transports_wanted.is_empty() {
            // A domain that names only what we do not speak is not tried by guessing.
            return self.servers(&transports, &of_transports, otherwise.filter(|_| !named_any), random);
        }
        Stage::Servers { transports: transports_wanted, asked, otherwise }
    }

    fn servers(
        &self,
        transports: &[Transport],
        answers: &[Answer],
        otherwise: Option<Transport>,
        random: &mut Random,
    ) -> Stage {
        let mut servers = Vec::new();
        let mut refused = false;
        for (transport, answer) in transports.iter().zip(answers) {
            let Answer::Srv(records) = answer else { continue };
            // RFC 2782: the root as the only target says that the service is decidedly not there.
            refused |= records.iter().any(|record| record.target.trim_end_matches('.').is_empty());
            let usable = records.iter().filter(|record| record.port != 0 && is_name(&record.target)).cloned();
            for record in srv::in_order(usable.collect(), random) {
                servers.push(Server { transport: *transport, host: record.target, port: record.port });
            }
        }
        servers.truncate(TARGETS_MAX);
        match otherwise.filter(|_| servers.is_empty() && !refused) {
            Some(transport) => {
                self.hosts(vec![Server { transport, host: self.host.clone(), port: transport.default_port() }])
            }
            None => self.hosts(servers),
        }
    }

    fn hosts(&self, servers: Vec<Server>) -> Stage {
        ask_hosts(servers, &self.can)
    }

    fn targets(&self, servers: &[Server], asked: &[Question], answers: &[Answer]) -> Vec<Target> {
        let addresses = |host: &str, family: Family| {
            let at = asked.iter().position(|q| matches!(q, Question::Addresses(h, f) if h == host && *f == family));
            match at.and_then(|at| answers.get(at)) {
                Some(Answer::Addresses(addresses)) => addresses.as_slice(),
                _ => &[],
            }
        };
        let mut targets = Vec::new();
        for server in servers {
            let families = self.can.families(server.transport);
            let lists: Vec<&[IpAddr]> = families.iter().map(|family| addresses(&server.host, *family)).collect();
            let own = server.host.parse::<IpAddr>().ok().filter(|ip| families.contains(&Family::of(*ip)));
            for ip in own.into_iter().chain(taking_turns(&lists)) {
                let target = Target { transport: server.transport, address: SocketAddr::new(ip, server.port) };
                if can_be_sent_to(ip) && !targets.contains(&target) && targets.len() < TARGETS_MAX {
                    targets.push(target);
                }
            }
        }
        targets
    }
}

/// The transports that the URI allows and our listeners speak, the likeliest first; none where that is none.
fn transports(uri: &Uri, can: &Reachable) -> Vec<Transport> {
    let named = uri.param("transport").map(|name| name.parse::<Transport>().ok());
    let wanted: &[Transport] = match (&uri.scheme, named) {
        // RFC 3261 section 26.2.2: `transport=tcp` of a sips URI is TLS over it.
        (Scheme::Sips, None | Some(Some(Transport::Tcp | Transport::Tls))) => &[Transport::Tls],
        (Scheme::Sip, None) => &[Transport::Udp, Transport::Tcp],
        (Scheme::Sip, Some(Some(Transport::Udp))) => &[Transport::Udp],
        (Scheme::Sip, Some(Some(Transport::Tcp))) => &[Transport::Tcp],
        (Scheme::Sip, Some(Some(Transport::Tls))) => &[Transport::Tls],
        // Whoever speaks WebSocket to us has come by themselves (RFC 7118): nobody is found that way.
        (Scheme::Sip | Scheme::Sips, Some(_)) | (Scheme::Tel | Scheme::Other(_), _) => &[],
    };
    wanted.iter().copied().filter(|transport| can.speaks(*transport)).collect()
}

fn at_address(uri: &Uri, ip: IpAddr, transports: &[Transport], can: &Reachable) -> Vec<Target> {
    let fits = |transport: &&Transport| can.has(**transport, Family::of(ip)) && can_be_sent_to(ip);
    let target = |transport: &Transport| Target {
        transport: *transport,
        address: SocketAddr::new(ip, uri.port.unwrap_or(transport.default_port())),
    };
    transports.iter().find(fits).map(target).into_iter().collect()
}

fn by_name(uri: &Uri, name: &str, transports: Vec<Transport>, can: &Reachable) -> Stage {
    let secure = uri.scheme == Scheme::Sips;
    match (transports.first().copied(), uri.port) {
        (None, _) if uri.param("transport").is_none() && uri.port.is_none() && can.speaks(Transport::Tls) => {
            // The domain may say by NAPTR that it is to be reached by TLS.
            Stage::Services { secure, transports }
        }
        (None, _) => Stage::Done(Vec::new()),
        (Some(transport), Some(port)) => ask_hosts(vec![Server { transport, host: name.to_owned(), port }], can),
        (Some(transport), None) if uri.param("transport").is_some() => {
            let asked = vec![service_name(transport, name)];
            Stage::Servers { transports, asked, otherwise: Some(transport) }
        }
        (Some(_), None) => Stage::Services { secure, transports },
    }
}

fn ask_hosts(servers: Vec<Server>, can: &Reachable) -> Stage {
    let mut asked = Vec::new();
    for server in servers.iter().filter(|server| server.host.parse::<IpAddr>().is_err()) {
        for family in can.families(server.transport) {
            let question = Question::Addresses(server.host.clone(), family);
            if !asked.contains(&question) && asked.len() < QUESTIONS_MAX {
                asked.push(question);
            }
        }
    }
    Stage::Hosts { servers, asked }
}

/// `_sip._udp.name` (RFC 3263 section 4.2); of TLS `_sips._tcp`.
fn service_name(transport: Transport, host: &str) -> String {
    let service = match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
        Transport::Ws => "_sip._ws",
        Transport::Wss => "_sips._ws",
    };
    format!("{service}.{host}")
}

fn service_of(record: &Naptr) -> Option<Transport> {
    if !record.flags.eq_ignore_ascii_case("s") {
        return None;
    }
    match record.service.to_ascii_uppercase().as_str() {
        "SIP+D2U" => Some(Transport::Udp),
        "SIP+D2T" => Some(Transport::Tcp),
        "SIPS+D2T" => Some(Transport::Tls),
        _ => None,
    }
}

fn is_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    !name.is_empty() && name.len() <= NAME_MAX && name.split('.').all(|l| (1..=LABEL_MAX).contains(&l.len()))
}

fn can_be_sent_to(ip: IpAddr) -> bool {
    let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    !ip.is_unspecified() && !ip.is_multicast() && !broadcast
}

/// The first of each, then the second of each: whichever family does not lead there costs one attempt.
fn taking_turns<'a>(lists: &'a [&'a [IpAddr]]) -> impl Iterator<Item = IpAddr> + 'a {
    (0..ADDRESSES_MAX).flat_map(move |at| lists.iter().filter_map(move |list| list.get(at).copied()))
}
