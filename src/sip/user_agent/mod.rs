//! The user agent: owns all transactions and dialogs of the line, as UAS and UAC (RFC 3261 sections 8, 9, 11 to 15).
//!
//! - `event`, `config`: what goes in and comes out.
//! - `receive`: a message finds its transaction, its dialog, or is a new request.
//! - `uas`: requests outside of a dialog, and the commands that answer a call.
//! - `in_dialog`: requests within a dialog, and hanging up; `reinvite`: changing the session ourselves.
//! - `refer`, `notify`: transfers in both directions; `replaces`: a new call that takes the place of another.
//! - `register`, `subscribe`: phones that register, and how they hear of messages that wait.
//! - `uac`: our own requests and what comes back; `proving`: those that are challenged.
//! - `trunks`: the lines of carriers, which we register with; `outside`: how the network outside sees us.
//! - `reliable`: provisional responses that are acknowledged; `update`: UPDATE, and offers that PRACK brings.
//! - `session_timer`: how long a call lasts without a sign of life; `refresh`: the signs.
//! - `identity`: who calls, as the network says; whether it is withheld.
//! - `responses`: how a response is made and where it goes.
//! - `leg`: one call leg's state; `timeouts`: what happens when time has come.
//!
//! What holds: no request creates state beyond `UaLimits`; every INVITE server transaction gets exactly one final
//! response; a leg that is gone is in no table; nothing here reads a clock or waits.

mod config;
mod event;
mod identity;
mod in_dialog;
mod leg;
mod notify;
mod outside;
mod proving;
mod receive;
mod refer;
mod refresh;
mod register;
mod reinvite;
mod reliable;
mod replaces;
mod responses;
mod session_timer;
mod subscribe;
#[cfg(test)]
mod tests;
mod texts;
mod timeouts;
mod trunks;
mod uac;
mod uas;
mod update;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

pub use self::config::{ALLOW, ALLOW_WITH_PHONES, Listener, UaConfig, UaLimits};
pub use self::event::{Counters, EndReason, Event, Gone, IncomingInvite, Input, LegId, Output, ReferRequest, UaError};
pub use self::identity::{Identity, number_of};
use self::leg::{Leg, LegState};
pub use self::reliable::ReliableProvisional;
pub use self::session_timer::SessionPolicy;
use self::subscribe::{Watcher, WatcherId};
pub use self::texts::{TEXT_BYTES_MAX, TextId};
pub use self::trunks::TrunkWay;
pub use self::uac::OutgoingInvite;
pub use super::channel::{Channel, ConnectionId, Destination};
use super::guard::Guard;
pub use super::registrar::{Account, Binding, RegistrarConfig, Secret};
use super::registrar::{BindingId, Registrar};
use super::transaction::{Deadlines, InviteServer, Key, KeyMaker, KeyMap, RequestServer, Timing};
use super::trunk::TrunkId;
use crate::types::{Mono, Random};

/// See the module.
#[derive(Debug)]
pub struct UserAgent {
    config: UaConfig,
    timing: Timing,
    keys: KeyMaker,
    random: Random,
    legs: HashMap<LegId, Leg>,
    next_leg: u64,
    by_dialog: KeyMap<LegId>,
    ended: replaces::EndedDialogs,
    registrar: Registrar,
    guard: Guard,
    watchers: HashMap<WatcherId, Watcher>,
    next_watcher: u64,
    by_watcher: KeyMap<WatcherId>,
    texts: HashMap<TextId, texts::Text>,
    trunks: BTreeMap<TrunkId, trunks::Trunk>,
    outside: Option<outside::Outside>,
    last_trunk: u32,
    invites_in: KeyMap<InviteIn>,
    requests_in: KeyMap<RequestIn>,
    /// INVITEs outside of a dialog that have a server transaction, for RFC 3261 section 8.2.2.2.
    merges: KeyMap<Key>,
    invites_out: KeyMap<uac::InviteOut>,
    requests_out: KeyMap<uac::RequestOut>,
    deadlines: Deadlines<Owner>,
    out: VecDeque<Output>,
    counters: Counters,
    shed_invites: Remembered,
    /// Our own address towards a peer, for listeners on all addresses.
    locals: HashMap<IpAddr, IpAddr>,
    /// Our own address towards a trunk's server, by listener, as that sees it through NAT.
    externals: HashMap<(usize, SocketAddr), SocketAddr>,
}

/// The last INVITEs that were shed, so that each is told once.
#[derive(Debug, Default)]
struct Remembered {
    keys: KeyMap<()>,
    order: VecDeque<Key>,
}

impl Remembered {
    const MAX: usize = 4_096;

    fn is_new(&mut self, key: Key) -> bool {
        if self.keys.insert(key, ()).is_some() {
            return false;
        }
        self.order.push_back(key);
        if self.order.len() > Self::MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.keys.remove(&oldest);
        }
        true
    }
}

/// An INVITE server transaction.
#[derive(Debug)]
struct InviteIn {
    machine: InviteServer,
    leg: Option<LegId>,
    to: Destination,
    merge: Option<Key>,
    /// `100 Trying`, made when the INVITE came, for when the transaction user is slow; empty once it can't go out any more.
    trying: Box<[u8]>,
    armed: Option<Mono>,
}

#[derive(Debug)]
struct RequestIn {
    machine: RequestServer,
    to: Destination,
    armed: Option<Mono>,
}

/// Whose deadline it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    InviteIn(Key),
    RequestIn(Key),
    InviteOut(Key),
    RequestOut(Key),
    Leg(LegId),
    Binding(BindingId),
    Watcher(WatcherId),
    Trunk(TrunkId),
    Outside,
}

impl UserAgent {
    pub fn new(config: UaConfig, mut random: Random) -> Self {
        let (timing, keys) = (config.timing(), KeyMaker::new(&mut random));
        let registrar = Registrar::new(config.registrar.clone(), &mut random);
        let guard = Guard::new(config.guard.clone());
        Self {
            config,
            timing,
            keys,
            random,
            legs: HashMap::new(),
            next_leg: 1,
            by_dialog: KeyMap::default(),
            ended: replaces::EndedDialogs::default(),
            registrar,
            guard,
            watchers: HashMap::new(),
            next_watcher: 1,
            by_watcher: KeyMap::default(),
            texts: HashMap::new(),
            trunks: BTreeMap::new(),
            outside: None,
            last_trunk: 0,
            invites_in: KeyMap::default(),
            requests_in: KeyMap::default(),
            merges: KeyMap::default(),
            invites_out: KeyMap::default(),
            requests_out: KeyMap::default(),
            deadlines: Deadlines::default(),
            out: VecDeque::new(),
            counters: Counters::default(),
            shed_invites: Remembered::default(),
            locals: HashMap::new(),
            externals: HashMap::new(),
        }
    }

    pub fn handle_input(&mut self, now: Mono, input: Input<'_>) {
        match input {
            Input::Received { via, source, bytes } => self.received(now, via, source, bytes),
            Input::TransportFailed { channel, to } => self.transport_failed(now, channel, to),
            Input::PeerClosed { channel, remote } => self.trunks_server_closed(now, channel, remote),
            Input::ConnectionClosed { connection } => self.connection_closed(now, connection),
            Input::Timeout => self.timeout(now),
        }
    }

    /// Drain until `Wait`.
    pub fn poll_output(&mut self) -> Output {
        self.out.pop_front().unwrap_or_else(|| Output::Wait(self.deadlines.peek().map(|(at, _)| at)))
    }

    /// Whether nothing that comes from there is served: its streams are better closed.
    pub fn is_banned(&self, now: Mono, source: IpAddr) -> bool {
        self.guard.is_banned(now, source) && self.trunk_from(SocketAddr::new(source, 0)).is_none()
    }

    /// A ban of an earlier run holds on.
    pub fn ban(&mut self, network: IpAddr, until: Mono) {
        self.guard.ban(network, until);
    }

    /// The source is served again, as if nothing had been.
    pub fn lift_ban(&mut self, network: IpAddr) {
        self.guard.lift(network);
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Whether no transaction, dialog or deadline is left: for tests.
    pub fn is_idle(&self) -> bool {
        self.legs.is_empty()
            && self.by_dialog.is_empty()
            && self.registrar.is_empty()
            && self.watchers.is_empty()
            && self.by_watcher.is_empty()
            && self.trunks.is_empty()
            && self.transactions() == 0
            && self.merges.is_empty()
            && self.deadlines.is_empty()
            && self.out.is_empty()
    }

    fn transactions(&self) -> usize {
        self.invites_in.len() + self.requests_in.len() + self.invites_out.len() + self.requests_out.len()
    }

    fn is_full(&self) -> bool {
        self.transactions() >= self.config.limits.transactions_max
    }

    fn is_reliable(&self, channel: Channel) -> bool {
        use super::wire::Transport;
        self.config.listeners.get(channel.listener).is_some_and(|l| l.transport != Transport::Udp)
    }

    fn send(&mut self, to: Destination, bytes: Vec<u8>) {
        self.out.push_back(Output::Send { to, bytes });
    }

    fn tell(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }

    fn new_leg_id(&mut self) -> LegId {
        let id = LegId(self.next_leg);
        self.next_leg += 1;
        id
    }

    fn dialog_key(&self, dialog: &super::dialog::Dialog) -> Key {
        self.keys.dialog(&dialog.call_id, dialog.local_tag(), dialog.remote_tag())
    }

    /// Takes a leg out of every table. An INVITE or re-INVITE that it has not answered must have been answered before.
    fn remove_leg(&mut self, id: LegId) -> Option<Leg> {
        let mut leg = self.legs.remove(&id)?;
        self.deadlines.arm(Owner::Leg(id), &mut leg.armed, None);
        if let LegState::Calling { early, .. } = &mut leg.state {
            let early = std::mem::take(early);
            self.forget_early(early);
        }
        let key = self.dialog_key(&leg.dialog);
        if self.by_dialog.get(&key) == Some(&id) {
            self.by_dialog.remove(&key);
            self.ended.add(key);
        }
        Some(leg)
    }
}
