//! The only place that asks the DNS: by the servers and hosts file of the system, or by the servers that the settings name.
//! What comes back is kept as long as it says, within bounds, and one question in flight serves all who ask it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{ResolverBuilder, TokioResolver};
use tokio::sync::watch;

use crate::sip::locate::{Answer, Family, Naptr, Question, Srv};
use crate::telemetry::{Line, Throttle};
use crate::types::Mono;

/// Questions under way; one more is answered with nothing at once.
const ASKED_MAX: usize = 256;
/// Answers that are kept.
const KEPT_MAX: u64 = 1024;
/// Records that are read of one answer.
const RECORDS_MAX: usize = 64;
/// So long is an answer kept at least, and at most, whatever it says itself.
const KEPT_FOR: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(3600));
/// The same for "there is none": it may be mended any moment.
const NOTHING_FOR: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// A server that is silent for so long is asked once more.
const ASK_FOR: Duration = Duration::from_millis(1500);

/// A trunk whose names can't be found asks again and again.
static FAULTS: Throttle = Throttle::new(10, Duration::from_secs(60));

/// Comes to hold the answer.
pub(super) type Asked = watch::Receiver<Option<Answer>>;

/// See the module.
pub(super) struct Resolver {
    dns: Option<TokioResolver>,
    asked: RefCell<HashMap<Question, Asked>>,
}

impl Resolver {
    /// The same servers, with what the system says of them now: it reads files, so it is made beside the SIP thread.
    pub async fn renewed(servers: Vec<SocketAddr>) -> Option<Self> {
        tokio::task::spawn_blocking(move || build(&servers))
            .await
            .ok()?
            .inspect_err(|error| tracing::error!(%error, "the DNS servers stay as they were; see /etc/resolv.conf"))
            .ok()
            .map(|dns| Self { dns: Some(dns), asked: RefCell::default() })
    }

    /// Asks these servers, or those of the system where there are none.
    pub fn new(servers: &[SocketAddr]) -> Self {
        let dns = match build(servers) {
            Ok(dns) => Some(dns),
            Err(error) => {
                tracing::error!(%error, "no host name can be looked up; see /etc/resolv.conf, or name servers in [sip] dns");
                None
            }
        };
        Self { dns, asked: RefCell::default() }
    }

    pub fn ask(self: &Rc<Self>, now: Mono, question: Question) -> Asked {
        if let Some(asked) = self.asked.borrow().get(&question) {
            return asked.clone();
        }
        let (answers, asked) = watch::channel(None);
        let Some(dns) = self.dns.clone().filter(|_| self.asked.borrow().len() < ASKED_MAX) else {
            log_fault(now, || {
                tracing::warn!(
                    ?question,
                    limit = ASKED_MAX,
                    "a name is not looked up: too many questions are under way"
                );
            });
            answers.send_replace(Some(Answer::Nothing));
            return asked;
        };
        self.asked.borrow_mut().insert(question.clone(), asked.clone());
        let resolver = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let answer = look_up(&dns, now, &question).await;
            resolver.asked.borrow_mut().remove(&question);
            answers.send_replace(Some(answer));
        });
        asked
    }
}

fn build(servers: &[SocketAddr]) -> Result<TokioResolver, NetError> {
    let mut builder: ResolverBuilder<TokioRuntimeProvider> = if servers.is_empty() {
        TokioResolver::builder_tokio()?
    } else {
        let servers = servers.iter().map(|server| name_server(*server)).collect();
        let config = ResolverConfig::from_name_servers(servers);
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    bound(builder.options_mut());
    builder.build()
}

fn bound(options: &mut ResolverOpts) {
    options.cache_size = KEPT_MAX;
    (options.positive_min_ttl, options.positive_max_ttl) = (Some(KEPT_FOR.0), Some(KEPT_FOR.1));
    (options.negative_min_ttl, options.negative_max_ttl) = (Some(NOTHING_FOR.0), Some(NOTHING_FOR.1));
    options.timeout = ASK_FOR;
    options.attempts = 1;
    options.max_active_requests = ASKED_MAX;
}

fn name_server(address: SocketAddr) -> NameServerConfig {
    let at_port = |mut connection: ConnectionConfig| {
        connection.port = address.port();
        connection
    };
    let connections = vec![at_port(ConnectionConfig::udp()), at_port(ConnectionConfig::tcp())];
    NameServerConfig::new(address.ip(), true, connections)
}

async fn look_up(dns: &TokioResolver, now: Mono, question: &Question) -> Answer {
    let (name, record_type) = match question {
        Question::Naptr(name) => (name, RecordType::NAPTR),
        Question::Srv(name) => (name, RecordType::SRV),
        Question::Addresses(name, Family::V4) => (name, RecordType::A),
        Question::Addresses(name, Family::V6) => (name, RecordType::AAAA),
    };
    // A name with a dot in it is whole; one without may be of the system's own domain.
    let whole = if name.contains('.') { format!("{name}.") } else { name.clone() };
    let Ok(whole) = Name::from_ascii(&whole) else { return Answer::Nothing };
    match dns.lookup(whole, record_type).await {
        Ok(found) => read(question, &found),
        Err(error) if error.is_no_records_found() => Answer::Nothing,
        Err(error) => {
            log_fault(now, || tracing::warn!(name, %record_type, %error, "a look-up in the DNS failed"));
            Answer::Nothing
        }
    }
}

fn log_fault(now: Mono, write: impl FnOnce()) {
    if let Line::Write { left_out } = FAULTS.line(now) {
        if left_out > 0 {
            tracing::warn!(left_out, "more look-ups in the DNS failed since the last such line");
        }
        write();
    }
}

fn read(question: &Question, found: &Lookup) -> Answer {
    let data = || found.answers().iter().map(|record| &record.data);
    match question {
        Question::Naptr(_) => Answer::Naptr(data().filter_map(naptr).take(RECORDS_MAX).collect()),
        Question::Srv(_) => Answer::Srv(data().filter_map(srv).take(RECORDS_MAX).collect()),
        Question::Addresses(..) => Answer::Addresses(data().filter_map(address).take(RECORDS_MAX).collect()),
    }
}

fn naptr(data: &RData) -> Option<Naptr> {
    let RData::NAPTR(naptr) = data else { return None };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    naptr.regexp.is_empty().then(|| Naptr {
        order: naptr.order,
        preference: naptr.preference,
        flags: text(&naptr.flags),
        service: text(&naptr.services),
        replacement: host(&naptr.replacement),
    })
}

fn srv(data: &RData) -> Option<Srv> {
    let RData::SRV(srv) = data else { return None };
    Some(Srv { priority: srv.priority, weight: srv.weight, port: srv.port, target: host(&srv.target) })
}

fn address(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(ip) => Some(ip.0.into()),
        RData::AAAA(ip) => Some(ip.0.into()),
        _ => None,
    }
}

/// In lower case, without the root's dot; of the root itself nothing is left.
fn host(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}
