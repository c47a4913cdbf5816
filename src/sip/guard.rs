//! Who is not served, or not so fast: before a message is read, so that hostile ones cost next to nothing.
//!
//! - Scanners that say who they are get no answer, so that they learn of no line here.
//! - One source has so many requests a second; beyond it 503, and beyond as many of those again, nothing.
//! - A source that guesses passwords is banned for a while: nothing of it is read. What every phone meets each day, a
//!   challenge or a stale nonce, is no guess, and a right password makes up for wrong ones.
//!
//! Every table has an end: IPv6 counts by /64.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use super::peek;
use crate::types::{Bucket, Mono, Network, host_network};

/// Sources whose pace is remembered; when full, the table starts anew.
const PACED_MAX: usize = 10_000;
/// Sources whose guesses are remembered. One more takes the place of that which failed first.
const GUESSING_MAX: usize = 4_096;
/// Bans. One more takes the place of that which would end first.
const BANS_MAX: usize = 4_096;
/// What well-known scanners call themselves, in lower case.
const SCANNERS: [&str; 9] = [
    "friendly-scanner",
    "friendly-request",
    "sipvicious",
    "sundayddr",
    "sip-scan",
    "sipcli",
    "pplsip",
    "iwar",
    "smap ",
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardConfig {
    pub requests_per_second_per_source_max: u32,
    /// Whether scanners are left without an answer.
    pub drops_scanners: bool,
    /// Wrong passwords within the window that ban a source; 0 for never.
    pub ban_after: u32,
    pub ban_window: Duration,
    pub ban: Duration,
    /// Never banned.
    pub allow: Vec<Network>,
}

impl Default for GuardConfig {
    fn default() -> Self {
        Self {
            requests_per_second_per_source_max: 20_000,
            drops_scanners: true,
            ban_after: 10,
            ban_window: Duration::from_secs(600),
            ban: Duration::from_secs(3_600),
            allow: Vec::new(),
        }
    }
}

/// What is to become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Pass,
    /// Not read.
    Drop,
    /// `answered`: with 503; else it is not read.
    TooFast {
        answered: bool,
    },
}

/// A source that has just been banned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Banned {
    pub network: IpAddr,
    pub failures: u32,
    pub until: Mono,
}

/// See the module.
#[derive(Debug)]
pub struct Guard {
    config: GuardConfig,
    paced: HashMap<IpAddr, Pace>,
    guessing: HashMap<IpAddr, Guesses>,
    bans: HashMap<IpAddr, Mono>,
}

#[derive(Debug)]
struct Pace {
    requests: Bucket,
    refusals: Bucket,
}

#[derive(Debug)]
struct Guesses {
    count: u32,
    until: Mono,
}

impl Guard {
    pub fn new(config: GuardConfig) -> Self {
        Self { config, paced: HashMap::new(), guessing: HashMap::new(), bans: HashMap::new() }
    }

    /// A glance at what came.
    pub fn look(&mut self, now: Mono, source: IpAddr, message: &[u8]) -> Look {
        if self.is_banned(now, source) {
            return Look::Drop;
        }
        // Responses are those to our own requests, or strays.
        if peek::is_response(message) {
            return Look::Pass;
        }
        if self.config.drops_scanners && is_scanner(message) {
            return Look::Drop;
        }
        self.pace(now, source, message)
    }

    pub fn is_banned(&self, now: Mono, source: IpAddr) -> bool {
        !self.bans.is_empty() && self.bans.get(&host_network(source)).is_some_and(|until| *until > now)
    }

    /// A wrong password. Gives the ban that it led to.
    pub fn failed(&mut self, now: Mono, source: IpAddr) -> Option<Banned> {
        if self.config.ban_after == 0 || self.config.allow.iter().any(|network| network.contains(source)) {
            return None;
        }
        let network = host_network(source);
        if self.guessing.len() >= GUESSING_MAX && !self.guessing.contains_key(&network) {
            self.guessing.retain(|_, guesses| guesses.until > now);
            if self.guessing.len() >= GUESSING_MAX {
                take_first(&mut self.guessing, |guesses| guesses.until);
            }
        }
        let window = self.config.ban_window;
        let guesses = self.guessing.entry(network).or_insert(Guesses { count: 0, until: now + window });
        if guesses.until <= now {
            *guesses = Guesses { count: 0, until: now + window };
        }
        guesses.count += 1;
        let failures = guesses.count;
        if failures < self.config.ban_after {
            return None;
        }
        let until = now + self.config.ban;
        self.guessing.remove(&network);
        self.bans.retain(|_, until| *until > now);
        self.ban(network, until);
        Some(Banned { network, failures, until })
    }

    /// A right password.
    pub fn proven(&mut self, source: IpAddr) {
        if !self.guessing.is_empty() {
            self.guessing.remove(&host_network(source));
        }
    }

    pub fn ban(&mut self, network: IpAddr, until: Mono) {
        if self.bans.len() >= BANS_MAX && !self.bans.contains_key(&network) {
            take_first(&mut self.bans, |until| *until);
        }
        self.bans.insert(network, until);
    }

    pub fn lift(&mut self, network: IpAddr) {
        self.bans.remove(&network);
        self.guessing.remove(&network);
    }

    /// ACK, BYE and CANCEL end things and are let through as long as refusals are.
    fn pace(&mut self, now: Mono, source: IpAddr, message: &[u8]) -> Look {
        let rate = self.config.requests_per_second_per_source_max;
        let network = host_network(source);
        if self.paced.len() >= PACED_MAX && !self.paced.contains_key(&network) {
            self.paced.clear();
        }
        let pace = self
            .paced
            .entry(network)
            .or_insert_with(|| Pace { requests: Bucket::full(rate), refusals: Bucket::full(rate) });
        if pace.requests.take(now, rate) {
            return Look::Pass;
        }
        let message = peek::begun(message);
        let ends = [&b"ACK "[..], b"BYE ", b"CANCEL "].iter().any(|method| message.starts_with(method));
        match pace.refusals.take(now, rate) {
            true if ends => Look::Pass,
            answered => Look::TooFast { answered },
        }
    }
}

fn is_scanner(message: &[u8]) -> bool {
    let Some(agent) = peek::glance(message).user_agent else { return false };
    let named = |name: &&str| agent.windows(name.len()).any(|window| window.eq_ignore_ascii_case(name.as_bytes()));
    SCANNERS.iter().any(named)
}

fn take_first<T>(table: &mut HashMap<IpAddr, T>, until: impl Fn(&T) -> Mono) {
    if let Some(first) = table.iter().min_by_key(|(_, entry)| until(entry)).map(|(network, _)| *network) {
        table.remove(&first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &[u8] = b"OPTIONS sip:a@b SIP/2.0\r\n\r\n";

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn guard(change: impl FnOnce(&mut GuardConfig)) -> Guard {
        let mut config = GuardConfig::default();
        change(&mut config);
        Guard::new(config)
    }

    #[test]
    fn ten_wrong_passwords_in_ten_minutes_ban_a_source_for_an_hour() {
        let mut guard = guard(|_| {});
        let source = ip("192.0.2.66");
        for n in 0..9 {
            assert_eq!(guard.failed(Mono::from_millis(n), source), None);
        }
        let until = Mono::from_millis(9 + 3_600_000);
        let banned = guard.failed(Mono::from_millis(9), source);
        assert_eq!(banned, Some(Banned { network: source, failures: 10, until }));
        assert_eq!(guard.look(Mono::from_millis(10), source, OPTIONS), Look::Drop);
        assert_eq!(guard.look(Mono::from_millis(10), source, b"SIP/2.0 200 OK\r\n\r\n"), Look::Drop);
        assert_eq!(guard.look(Mono::from_millis(10), ip("::ffff:192.0.2.66"), OPTIONS), Look::Drop);
        assert_eq!(guard.look(Mono::from_millis(10), ip("192.0.2.67"), OPTIONS), Look::Pass);
        assert_eq!(guard.look(until, source, OPTIONS), Look::Pass);
    }

    #[test]
    fn slow_wrong_ones_and_those_that_a_right_one_made_up_for_do_not_add_up() {
        let mut guard = guard(|_| {});
        for n in 0..60 {
            assert_eq!(guard.failed(Mono::from_millis(n * 70_000), ip("192.0.2.1")), None);
        }
        for n in 0..60 {
            assert_eq!(guard.failed(Mono::from_millis(n), ip("192.0.2.2")), None);
            if n % 9 == 8 {
                guard.proven(ip("192.0.2.2"));
            }
        }
    }

    #[test]
    fn who_is_allowed_is_never_banned_and_a_lifted_ban_is_gone() {
        let mut guard = guard(|config| {
            config.allow = vec![Network { address: ip("192.168.0.0"), prefix: 16 }];
            config.ban_after = 2;
        });
        assert!((0..9).all(|_| guard.failed(Mono(0), ip("192.168.7.7")).is_none()));
        guard.failed(Mono(0), ip("2001:db8::1"));
        let banned = guard.failed(Mono(0), ip("2001:db8::2")).expect("one network");
        assert_eq!(banned.network, ip("2001:db8::"));
        assert!(guard.is_banned(Mono(0), ip("2001:db8::3")) && !guard.is_banned(Mono(0), ip("2001:db8:0:1::3")));
        guard.lift(banned.network);
        assert!(!guard.is_banned(Mono(0), ip("2001:db8::1")));
        guard.config.ban_after = 0;
        assert!((0..99).all(|_| guard.failed(Mono(0), ip("192.0.2.1")).is_none()));
    }

    #[test]
    fn a_fast_source_is_refused_then_ignored_and_others_are_not() {
        let mut guard = guard(|config| config.requests_per_second_per_source_max = 5);
        let (source, bye) = (ip("192.0.2.1"), b"BYE sip:a@b SIP/2.0\r\n\r\n");
        let seen: Vec<Look> = (0..30).map(|_| guard.look(Mono(0), source, OPTIONS)).collect();
        assert_eq!(seen.iter().filter(|look| **look == Look::Pass).count(), 10, "two seconds' worth");
        assert_eq!(seen.iter().filter(|look| **look == Look::TooFast { answered: true }).count(), 10);
        assert_eq!(seen[20..], [Look::TooFast { answered: false }; 10]);
        assert_eq!(guard.look(Mono(0), ip("192.0.2.2"), OPTIONS), Look::Pass);
        let later = Mono::from_millis(1_000);
        assert_eq!((0..7).filter(|_| guard.look(later, source, OPTIONS) == Look::Pass).count(), 5);
        assert_eq!(guard.look(later, source, bye), Look::Pass, "it ends a call");
    }

    #[test]
    fn scanners_are_known_by_their_own_word() {
        let scan = b"OPTIONS sip:100@b SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nuser-agent: Friendly-Scanner\r\n\r\n";
        let phone = b"OPTIONS sip:100@b SIP/2.0\r\nUser-Agent: Yealink SIP-T46S\r\n\r\nUser-Agent: sipvicious";
        assert_eq!(guard(|_| {}).look(Mono(0), ip("192.0.2.1"), scan), Look::Drop);
        assert_eq!(guard(|_| {}).look(Mono(0), ip("192.0.2.1"), phone), Look::Pass);
        let mut open = guard(|config| config.drops_scanners = false);
        assert_eq!(open.look(Mono(0), ip("192.0.2.1"), scan), Look::Pass);
    }

    #[test]
    fn every_table_has_an_end() {
        let mut guard = guard(|config| config.ban_after = 1);
        for n in 0..20_000_u32 {
            let source = IpAddr::V4(n.into());
            guard.look(Mono(0), source, OPTIONS);
            guard.failed(Mono(0), source);
        }
        assert!(guard.paced.len() <= PACED_MAX && guard.bans.len() == BANS_MAX);
        guard.config.ban_after = 2;
        for n in 0..20_000_u32 {
            assert_eq!(guard.failed(Mono(0), IpAddr::V4(n.into())), None);
        }
        assert_eq!(guard.guessing.len(), GUESSING_MAX);
    }
}
