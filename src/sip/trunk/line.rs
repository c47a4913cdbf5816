//! The machine of one trunk: it finds its servers, registers or asks whether they live, renews, notices that they have
//! gone, and tries again for as long as it is wanted.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::granted::Granted;
use super::retry::{refresh_after, wait};
use super::watch::{Silence, Watch};
use super::{KeepAlive, Standing, TrunkSettings, Why};
use crate::sip::channel::{ConnectionId, Destination};
use crate::sip::digest::{Login, Refusal};
use crate::sip::wire::{Host, Name, NameAddr, Response, Uri};
use crate::types::{Mono, Random};

/// The driver answers sooner; beyond it the look-up counts as failed.
const SEEKING_MAX: Duration = Duration::from_secs(15);
/// So long a registrar has to answer when it is taken back.
const LEAVING_MAX: Duration = Duration::from_secs(2);
/// Requests for one registration: a challenge, a stale nonce, a longer time, another contact. A registrar that wants more
/// goes in circles.
const ROUNDS_MAX: u8 = 5;
/// A Flow-Timer under this would be a flood.
const KEEP_ALIVE_MIN: Duration = Duration::from_secs(5);
/// So long a server is waited for where there is a next one. A REGISTER over UDP has been sent five times by then.
const NEXT_AFTER: Duration = Duration::from_secs(8);
/// A Min-Expires beyond this is not followed.
const EXPIRES_MAX: Duration = Duration::from_secs(86_400);
/// After a connection was lost: soon. With a server that closes each it becomes later and later.
const RECONNECT_AFTER: Duration = Duration::from_millis(300);
/// A connection that was lost sooner was not a good one.
const STEADY: Duration = Duration::from_secs(60);

/// What the user agent is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Find the addresses of the settings' `servers`; then say `located`.
    Locate,
    /// REGISTER for so long; zero takes it back. `instead_of` is a contact that is to be forgotten.
    Register { to: Destination, lasts: Duration, instead_of: Option<Uri> },
    /// OPTIONS; what comes of it is told with the number.
    Ping { to: Destination, number: u32 },
    /// Empty lines.
    KeepOpen { to: Destination },
    /// A STUN binding request.
    AskAddress { to: Destination },
    /// It is reached at another contact than before: calls that go over it have to say so too.
    Moved,
    /// Connections that lead there are of no use any more.
    Close { to: Destination },
    /// The standing is another one.
    Tell,
}

#[derive(Debug)]
enum Work {
    /// Nothing is under way; at that time the next thing is.
    Rest {
        until: Option<Mono>,
    },
    Seeking {
        give_up_at: Mono,
    },
    /// Server `at` is asked, for the so-manieth time. `fresh`: it is the answer to a challenge of a moment ago. At `until`
    /// the next server has its turn.
    Asking {
        at: usize,
        round: u8,
        fresh: bool,
        until: Option<Mono>,
    },
    Leaving {
        until: Mono,
        fresh: bool,
    },
}

/// See the module.
#[derive(Debug)]
pub struct TrunkLine {
    settings: TrunkSettings,
    login: Option<Login>,
    standing: Standing,
    work: Work,
    servers: Vec<Destination>,
    /// The one of `servers` that serves us, with the connection that leads to it.
    serving: Option<(usize, Destination)>,
    /// What the registrar wants at least.
    lasts: Duration,
    failures: u32,
    /// Connections in a row that were lost soon after they had been made.
    losses: u32,
    /// Over a stream nothing is sent again: a server that says nothing until then is given up.
    answer_by: Option<Mono>,
    /// The contact that is registered.
    contact: Option<Uri>,
    external: Option<SocketAddr>,
    /// The same, where it lies beyond NAT: a connection's own port alone is none.
    nat: Option<SocketAddr>,
    service_route: Vec<NameAddr>,
    /// How long its server leaves a flow without a sign of life (RFC 5626).
    flow_timer: Option<Duration>,
    keep_alive_at: Option<Mono>,
    watch: Watch,
    /// A binding request was not answered yet.
    stun_waits: bool,
    acts: VecDeque<Act>,
    pub armed: Option<Mono>,
}

impl TrunkLine {
    pub fn new(settings: TrunkSettings) -> TrunkLine {
        let login = settings.account.as_ref().map(|a| Login::new(a.user.clone(), a.password.clone()));
        let lasts = settings.register_for.unwrap_or_default();
        TrunkLine {
            settings,
            login,
            standing: Standing::Starting,
            work: Work::Rest { until: None },
            servers: Vec::new(),
            serving: None,
            lasts,
            failures: 0,
            losses: 0,
            answer_by: None,
            contact: None,
            external: None,
            nat: None,
            service_route: Vec::new(),
            flow_timer: None,
            keep_alive_at: None,
            watch: Watch::default(),
            stun_waits: false,
            acts: VecDeque::new(),
            armed: None,
        }
    }

    pub fn settings(&self) -> &TrunkSettings {
        &self.settings
    }

    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    pub fn login(&mut self) -> Option<&mut Login> {
        self.login.as_mut()
    }

    /// The way that requests of ours take after the first hop.
    pub fn service_route(&self) -> &[NameAddr] {
        &self.service_route
    }

    /// Where calls over it go; none while it is not up.
    pub fn server(&self) -> Option<Destination> {
        self.serving.filter(|_| self.standing.is_up()).map(|(_, to)| to)
    }

    /// Whether a server of its own speaks from that address, and is spoken to there.
    pub fn is_own(&self, ip: IpAddr) -> bool {
        let serving = self.serving.iter().map(|(_, to)| to);
        self.servers.iter().chain(serving).any(|server| server.remote.ip() == ip)
    }

    /// Our address as the registrar sees it, where it is another than we thought.
    pub fn external(&self) -> Option<SocketAddr> {
        self.external
    }

    /// Whether what comes from that address is the trunk's: its servers', or of a network that is written for it.
    pub fn speaks_from(&self, ip: IpAddr) -> bool {
        self.is_own(ip) || self.settings.sources.iter().any(|network| network.contains(ip))
    }

    pub fn poll(&mut self) -> Option<Act> {
        self.acts.pop_front()
    }

    pub fn deadline(&self) -> Option<Mono> {
        let work = match self.work {
            Work::Rest { until } => until,
            Work::Seeking { give_up_at } => Some(give_up_at),
            Work::Leaving { until, .. } => Some(until),
            // Without one the transaction's own end counts.
            Work::Asking { until, .. } => [until, self.answer_by].into_iter().flatten().min(),
        };
        let ends = match self.standing {
            Standing::Up { until, .. } => until,
            Standing::Starting | Standing::Down { .. } | Standing::Left => None,
        };
        [work, ends, self.keep_alive_at, self.watch.deadline()].into_iter().flatten().min()
    }

    pub fn begin(&mut self, now: Mono) {
        self.work = Work::Seeking { give_up_at: now + SEEKING_MAX };
        self.acts.push_back(Act::Locate);
    }

    /// The addresses of its servers, in the order in which they are to be tried.
    pub fn located(&mut self, now: Mono, servers: Vec<Destination>, random: &mut Random) {
        if !matches!(self.work, Work::Seeking { .. }) {
            return;
        }
        if servers.is_empty() {
            return self.failed(now, Why::NoAddress, None, random);
        }
        self.servers = servers;
        self.ask(now, 0);
    }

    /// What has just been asked goes over a stream, and is to be answered by then.
    pub fn expects_answer(&mut self, by: Mono) {
        self.answer_by = Some(by);
    }

    fn ask(&mut self, now: Mono, at: usize) {
        let Some(to) = self.servers.get(at).copied() else { return self.begin(now) };
        let until = (at + 1 < self.servers.len()).then(|| now + NEXT_AFTER);
        self.work = Work::Asking { at, round: 0, fresh: false, until };
        self.answer_by = None;
        match (self.settings.register_for, self.settings.keep_alive) {
            (Some(_), _) => self.register(to),
            (None, KeepAlive::Options(_)) => {
                let number = self.watch.asks(now);
                self.acts.push_back(Act::Ping { to, number });
                // What comes of it, or the next server's turn, ends the asking.
                self.watch.rest();
            }
            // Nobody is asked: it is taken to be there.
            (None, KeepAlive::Off | KeepAlive::Crlf(_) | KeepAlive::Stun(_)) => self.is_up(now, at, to, None),
        }
    }

    /// With a contact at another address than before, the one that is known there is taken back: calls would be sent to both.
    fn register(&mut self, to: Destination) {
        let instead_of = self.contact.clone();
        self.acts.push_back(Act::Register { to, lasts: self.lasts, instead_of });
    }

    /// A final response to a REGISTER with that contact.
    pub fn registered(
        &mut self,
        now: Mono,
        from: Destination,
        contact: &Uri,
        response: &Response,
        random: &mut Random,
    ) {
        match self.work {
            // A server whose turn is over may answer yet.
            Work::Asking { at, round, fresh, .. } if self.is_server(at, from) => {
                self.answered(now, (at, round, fresh), from, contact, response, random)
            }
            Work::Leaving { until, fresh } => self.leaving(now, until, fresh, response, random),
            Work::Asking { .. } | Work::Rest { .. } | Work::Seeking { .. } => {}
        }
    }

    fn is_server(&self, at: usize, from: Destination) -> bool {
        self.servers.get(at).is_some_and(|server| server.remote == from.remote)
    }

    fn answered(
        &mut self,
        now: Mono,
        (at, round, fresh): (usize, u8, bool),
        from: Destination,
        contact: &Uri,
        response: &Response,
        random: &mut Random,
    ) {
        let again = |line: &mut TrunkLine, fresh: bool| {
            line.work = Work::Asking { at, round: round + 1, fresh, until: None };
            if let Some(to) = line.servers.get(at).copied() {
                line.register(to);
            }
        };
        match response.status {
            200..=299 => self.granted(now, (at, round), from, contact, response, random),
            401 | 407 if round >= ROUNDS_MAX => self.failed(now, Why::OddChallenge, None, random),
            401 | 407 => match self.challenged(response, fresh, random) {
                Ok(()) => again(self, true),
                Err(why) => self.failed(now, why, None, random),
            },
            423 if round < ROUNDS_MAX => {
                let least = response.headers.seconds(&Name::MinExpires).unwrap_or(0);
                let least = Duration::from_secs(least.into());
                if least <= self.lasts || least > EXPIRES_MAX {
                    return self.failed(now, Why::Refused(423), None, random);
                }
                self.lasts = least;
                again(self, fresh);
            }
            status @ 500..=599 if at + 1 < self.servers.len() => {
                let _ = status;
                self.ask(now, at + 1);
            }
            status => {
                let retry_after_s = response.headers.seconds(&Name::RetryAfter);
                self.failed(now, Why::Refused(status), retry_after_s, random);
            }
        }
    }

    fn challenged(&mut self, response: &Response, fresh: bool, random: &mut Random) -> Result<(), Why> {
        let login = self.login.as_mut().ok_or(Why::WrongPassword)?;
        login.challenged(response.status, &response.headers, fresh, random.token(16)).map_err(|refusal| match refusal {
            Refusal::WrongPassword => Why::WrongPassword,
            Refusal::Unknown => Why::OddChallenge,
        })
    }

    fn granted(
        &mut self,
        now: Mono,
        (at, round): (usize, u8),
        from: Destination,
        contact: &Uri,
        response: &Response,
        random: &mut Random,
    ) {
        let granted = Granted::read(response, contact, self.lasts);
        self.service_route = granted.service_route;
        self.flow_timer = granted.flow_timer;
        let seen = granted.seen_at.filter(|seen| !names(contact, *seen));
        if let Some(seen) = seen.filter(|_| round < ROUNDS_MAX) {
            // What it registered leads nowhere: once more, with the address that it sees.
            self.external = Some(seen);
            self.nat = Some(seen).filter(|seen| !is_host(contact, seen.ip()));
            self.work = Work::Asking { at, round: round + 1, fresh: false, until: None };
            let instead_of = Some(contact.clone());
            if let Some(to) = self.servers.get(at).copied() {
                self.acts.push_back(Act::Register { to, lasts: self.lasts, instead_of });
            }
            return;
        }
        let before = self.contact.replace(contact.clone());
        if before.is_some_and(|before| before != *contact) {
            self.acts.push_back(Act::Moved);
        }
        self.is_up(now, at, from, Some(granted.lasts));
        self.work = Work::Rest { until: Some(now + refresh_after(granted.lasts, random)) };
    }

    /// A server serves us, for that long if it is a registrar.
    fn is_up(&mut self, now: Mono, at: usize, from: Destination, lasts: Option<Duration>) {
        let since = match self.standing {
            Standing::Up { since, .. } => since,
            Standing::Starting | Standing::Down { .. } | Standing::Left => now,
        };
        let external = self.nat;
        let standing = Standing::Up { since, server: from.remote, until: lasts.map(|lasts| now + lasts), external };
        let told = match (&self.standing, &standing) {
            (Standing::Up { server, external, .. }, Standing::Up { server: other, external: seen, .. }) => {
                server == other && external == seen
            }
            _ => false,
        };
        self.standing = standing;
        self.serving = Some((at, from));
        self.failures = 0;
        self.work = Work::Rest { until: None };
        self.watch.rest();
        self.stun_waits = false;
        self.keep_alive_at = self.keep_alive_every().map(|every| now + every);
        if !told {
            self.acts.push_back(Act::Tell);
        }
    }

    /// No answer came to a REGISTER or an OPTIONS, or it could not be sent.
    pub fn unanswered(&mut self, now: Mono, to: Destination, why: Why, random: &mut Random) {
        match self.work {
            Work::Asking { at, .. } if self.is_server(at, to) => self.next(now, at, why, random),
            Work::Leaving { .. } => self.left(),
            Work::Asking { .. } | Work::Rest { .. } | Work::Seeking { .. } => {}
        }
    }

    /// A server closed the connection over which it may have been asked.
    pub fn unanswered_as_closed(&mut self, now: Mono, to: Destination, random: &mut Random) {
        let serves = self.serving.is_some_and(|(_, serving)| serving.channel.connection == to.channel.connection);
        match self.work {
            // Of the one that serves us `connection_closed` tells.
            Work::Asking { .. } if serves && self.standing.is_up() => {}
            Work::Asking { at, .. } if self.is_server(at, to) => self.next(now, at, Why::ConnectionLost, random),
            Work::Leaving { .. } if serves => self.left(),
            Work::Asking { .. } | Work::Leaving { .. } | Work::Rest { .. } | Work::Seeking { .. } => {}
        }
    }

    /// Nothing comes from server `at`.
    fn next(&mut self, now: Mono, at: usize, why: Why, random: &mut Random) {
        // A connection that brings no answer is perhaps none any more.
        if why == Why::Silent
            && let Some(to) = self.servers.get(at).copied()
        {
            self.acts.push_back(Act::Close { to });
        }
        match at + 1 < self.servers.len() {
            true => self.ask(now, at + 1),
            false => self.failed(now, why, None, random),
        }
    }

    /// OPTIONS was answered, whatever with: somebody is there, and sees us at that address.
    pub fn pinged(&mut self, now: Mono, from: Destination, seen: Option<SocketAddr>) {
        match self.work {
            Work::Asking { at, .. } if self.settings.register_for.is_none() => {
                if self.is_server(at, from) {
                    self.is_up(now, at, from, None);
                }
            }
            _ if !self.standing.is_up() => {}
            _ => {
                let was_away = self.watch.answered(now);
                if let Some(seen) = seen.filter(|seen| self.contact.as_ref().is_some_and(|c| !names(c, *seen))) {
                    self.address_changed(now, Some(seen));
                } else if was_away {
                    // It may have begun anew and know nothing of us.
                    self.renew_soon(now);
                }
            }
        }
    }

    /// Nothing came of the OPTIONS of that number.
    pub fn ping_failed(&mut self, now: Mono, (number, to): (u32, Destination), why: Why, random: &mut Random) {
        match self.work {
            Work::Asking { .. } if self.settings.register_for.is_none() => self.unanswered(now, to, why, random),
            _ => {
                let silence = self.watch.failed(number);
                self.silent(now, silence, why, random);
            }
        }
    }

    fn silent(&mut self, now: Mono, silence: Silence, why: Why, random: &mut Random) {
        let Some((at, to)) = self.serving.filter(|_| self.standing.is_up()) else { return };
        match silence {
            Silence::Old => {}
            Silence::Doubtful => self.ping(now, to),
            Silence::Gone => {
                self.acts.push_back(Act::Close { to });
                self.failed(now, why, None, random);
                // It has had its time; the others have not.
                if at + 1 < self.servers.len() {
                    self.ask(now, at + 1);
                }
            }
        }
    }

    fn renew_soon(&mut self, now: Mono) {
        if self.standing.is_up() && matches!(self.work, Work::Rest { .. }) {
            self.renew(now);
        }
    }

    /// Where the server sees us (STUN).
    pub fn seen_at(&mut self, now: Mono, seen: SocketAddr, is_other: bool) {
        self.stun_waits = false;
        if is_other {
            self.address_changed(now, Some(seen));
        }
    }

    /// Packets to its servers leave from another address of ours: what came before is no way to us any more.
    pub fn local_changed(&mut self, now: Mono) {
        match self.serving {
            Some((_, to)) if to.channel.connection.is_some() => self.acts.push_back(Act::Close { to }),
            Some(_) | None => self.address_changed(now, None),
        }
    }

    /// Our own address on the way to its servers has changed, or the server sees us elsewhere.
    fn address_changed(&mut self, now: Mono, external: Option<SocketAddr>) {
        if external == self.external && external.is_some() {
            return;
        }
        (self.external, self.nat) = (external, external);
        self.renew_soon(now);
    }

    /// A connection has gone; its calls are the user agent's matter.
    pub fn connection_closed(&mut self, now: Mono, connection: ConnectionId, random: &mut Random) {
        let ours = self.serving.is_some_and(|(_, to)| to.channel.connection == Some(connection));
        if !ours || !self.standing.is_up() {
            return;
        }
        // What the registrar saw of us was this connection.
        (self.external, self.nat) = (None, None);
        if self.settings.register_for.is_none() && self.settings.keep_alive.every().is_none() {
            return;
        }
        let brief = matches!(self.standing, Standing::Up { since, .. } if now.since(since) < STEADY);
        self.losses = if brief { self.losses.saturating_add(1) } else { 0 };
        let after = match self.losses {
            0 => RECONNECT_AFTER,
            losses => wait(&Why::ConnectionLost, losses - 1, None, random),
        };
        self.failed(now, Why::ConnectionLost, None, random);
        self.failures = 0;
        self.work = Work::Rest { until: Some(now + after) };
    }

    /// The time that `deadline` said has come.
    pub fn due(&mut self, now: Mono, random: &mut Random) {
        match self.work {
            Work::Seeking { give_up_at } if give_up_at <= now => self.failed(now, Why::NoAddress, None, random),
            Work::Leaving { until, .. } if until <= now => self.left(),
            Work::Rest { until: Some(until) } if until <= now => self.renew(now),
            Work::Asking { at, until, .. } if [until, self.answer_by].into_iter().flatten().any(|by| by <= now) => {
                self.next(now, at, Why::Silent, random);
            }
            _ => {}
        }
        let silence = self.watch.due(now);
        self.silent(now, silence, Why::Silent, random);
        if let Standing::Up { until: Some(until), .. } = self.standing
            && until <= now
        {
            let work = std::mem::replace(&mut self.work, Work::Rest { until: None });
            self.failed(now, Why::Expired, None, random);
            // A renewal that is under way goes on.
            if matches!(work, Work::Asking { .. } | Work::Seeking { .. }) {
                self.work = work;
            }
        }
        if self.keep_alive_at.is_some_and(|at| at <= now) {
            self.keep_open(now);
        }
    }

    /// The registration is renewed where it is; one at a server that was not the first choice is brought back to that.
    fn renew(&mut self, now: Mono) {
        match self.serving {
            Some((0, _)) if self.standing.is_up() => self.ask(now, 0),
            Some(_) | None => self.begin(now),
        }
    }

    /// As the settings say, or more often where the server wants it: four fifths of its time (RFC 5626 section 4.4.1).
    fn keep_alive_every(&self) -> Option<Duration> {
        let wanted = self.flow_timer.map(|timer| timer.mul_f64(0.8).max(KEEP_ALIVE_MIN));
        self.settings.keep_alive.every().map(|every| wanted.map_or(every, |wanted| wanted.min(every)))
    }

    fn keep_open(&mut self, now: Mono) {
        self.keep_alive_at = None;
        let (Some(every), Some((_, to))) = (self.keep_alive_every(), self.serving) else { return };
        if !self.standing.is_up() {
            return;
        }
        self.keep_alive_at = Some(now + every);
        match self.settings.keep_alive {
            KeepAlive::Stun(_) => {
                // One that does not speak STUN is asked in the way that all answer.
                if std::mem::replace(&mut self.stun_waits, true) {
                    self.ping(now, to);
                }
                self.acts.push_back(Act::AskAddress { to });
            }
            KeepAlive::Crlf(_) => self.acts.push_back(Act::KeepOpen { to }),
            KeepAlive::Options(_) | KeepAlive::Off => self.ping(now, to),
        }
    }

    fn ping(&mut self, now: Mono, to: Destination) {
        // One that is waited for is still being sent.
        if !self.watch.is_waiting() {
            let number = self.watch.asks(now);
            self.acts.push_back(Act::Ping { to, number });
        }
    }

    fn failed(&mut self, now: Mono, why: Why, retry_after_s: Option<u32>, random: &mut Random) {
        let again_at = now + wait(&why, self.failures, retry_after_s, random);
        self.failures = self.failures.saturating_add(1);
        self.work = Work::Rest { until: Some(again_at) };
        self.keep_alive_at = None;
        self.watch.rest();
        let since = match &self.standing {
            Standing::Down { since, .. } => *since,
            Standing::Starting | Standing::Up { .. } | Standing::Left => now,
        };
        let standing = Standing::Down { since, why };
        if self.standing != standing {
            self.standing = standing;
            self.acts.push_back(Act::Tell);
        }
    }

    /// It is not wanted any more: the registrar is told, where there is one. `is_gone` says when that is over.
    pub fn leave(&mut self, now: Mono) {
        self.keep_alive_at = None;
        self.watch.rest();
        match (self.settings.register_for, self.serving) {
            (Some(_), Some((_, to))) if self.standing.is_up() => {
                self.work = Work::Leaving { until: now + LEAVING_MAX, fresh: false };
                self.acts.push_back(Act::Register { to, lasts: Duration::ZERO, instead_of: None });
                // Nobody is to call over it from now on, and it does not run out any more.
                self.standing = Standing::Left;
            }
            _ => self.left(),
        }
    }

    fn leaving(&mut self, now: Mono, until: Mono, fresh: bool, response: &Response, random: &mut Random) {
        let asked_again = matches!(response.status, 401 | 407) && !fresh;
        if asked_again
            && now < until
            && self.challenged(response, fresh, random).is_ok()
            && let Some((_, to)) = self.serving
        {
            self.work = Work::Leaving { until, fresh: true };
            self.acts.push_back(Act::Register { to, lasts: Duration::ZERO, instead_of: None });
            return;
        }
        self.left();
    }

    fn left(&mut self) {
        self.work = Work::Rest { until: None };
        self.standing = Standing::Left;
        self.acts.push_back(Act::Tell);
    }

    /// Nothing of it is left to be done.
    pub fn is_gone(&self) -> bool {
        self.standing == Standing::Left && matches!(self.work, Work::Rest { .. })
    }
}

/// Whether a contact leads to that address.
fn names(contact: &Uri, address: SocketAddr) -> bool {
    is_host(contact, address.ip()) && contact.port.unwrap_or(5060) == address.port()
}

fn is_host(contact: &Uri, ip: IpAddr) -> bool {
    contact.host == Some(Host::Ip(ip))
}
