//! Trunks: what their machines want done, and what came of it.

use std::net::SocketAddr;
use std::time::Duration;

use super::event::{Event, LegId};
use super::leg::{Leg, LegState};
use super::uac::Purpose;
use super::{Owner, UserAgent};
use crate::sip::channel::{Channel, ConnectionId, Destination};
use crate::sip::locate::Target;
use crate::sip::trunk::{Act, Standing, TrunkId, TrunkLine, TrunkSettings, Why, seen_at};
use crate::sip::wire::{CSeq, Method, Name, NameAddr, Request, Response, Uri};
use crate::types::Mono;

/// A trunk's machine, and what its requests go on with.
#[derive(Debug)]
pub(super) struct Trunk {
    pub line: TrunkLine,
    call_id: String,
    seq: u32,
    /// The contact that the REGISTER which is under way has.
    contact: Uri,
    /// Of the binding request that is under way.
    stun: Option<[u8; 12]>,
    /// It waits until an earlier one of its name or address is left: whose last REGISTER would take its binding away.
    waits: bool,
}

/// How often it is looked whether calls still go over a trunk that was left.
const LOOK_AFTER_CALLS: Duration = Duration::from_secs(40);
/// A server of a stream that has not answered a REGISTER by then does not.
const STREAM_ANSWER_MAX: Duration = Duration::from_secs(10);
/// Addresses of ours at servers that are remembered before those of former servers are forgotten.
const EXTERNALS_MAX: usize = 256;

/// What a request of a trunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// With this number: an answer to an earlier one does not count.
    Register(u32),
    /// With its number.
    Options(u32),
}

/// How a call goes out over a trunk that is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkWay {
    pub trunk: TrunkId,
    /// Our own address there.
    pub address: Uri,
    /// `sip:domain`, to which a number is put.
    pub domain: Uri,
    pub destination: Destination,
}

impl UserAgent {
    /// Other trunks from now on. Those whose settings stay go on; the others are left, those that are new begin.
    pub fn set_trunks(&mut self, now: Mono, wanted: Vec<TrunkSettings>) {
        let kept = |trunk: &Trunk| wanted.contains(trunk.line.settings()) && *trunk.line.standing() != Standing::Left;
        // One that is being left already has its time for that.
        let left = |trunk: &Trunk| *trunk.line.standing() == Standing::Left;
        let leaving = self.trunks.iter().filter(|(_, trunk)| !kept(trunk) && !left(trunk));
        let leaving: Vec<TrunkId> = leaving.map(|(id, _)| *id).collect();
        for id in leaving {
            self.with_trunk(now, id, |line, _| line.leave(now));
        }
        for settings in wanted {
            let known = |trunk: &Trunk| *trunk.line.settings() == settings && *trunk.line.standing() != Standing::Left;
            if self.trunks.values().any(known) {
                continue;
            }
            self.last_trunk += 1;
            let id = TrunkId(self.last_trunk);
            let (call_id, contact) = (self.random.token(24), settings.address.clone());
            let line = TrunkLine::new(settings);
            self.trunks.insert(id, Trunk { line, call_id, seq: 0, contact, stun: None, waits: true });
        }
        self.begin_trunks(now);
    }

    /// Those begin that no leaving one is in the way of.
    fn begin_trunks(&mut self, now: Mono) {
        let leaving = |trunk: &&Trunk| *trunk.line.standing() == Standing::Left && !trunk.line.is_gone();
        let may_begin = |trunk: &Trunk| {
            let TrunkSettings { name, address, .. } = trunk.line.settings();
            let same = |other: &TrunkSettings| other.name == *name || other.address == *address;
            trunk.waits && !self.trunks.values().filter(leaving).any(|other| same(other.line.settings()))
        };
        let free: Vec<TrunkId> = self.trunks.iter().filter(|(_, t)| may_begin(t)).map(|(id, _)| *id).collect();
        for id in free {
            if let Some(trunk) = self.trunks.get_mut(&id) {
                trunk.waits = false;
            }
            self.with_trunk(now, id, |line, _| line.begin(now));
        }
    }

    /// Where the servers are that `Event::TrunkSeeks` asked for, in the order in which they are to be tried.
    pub fn trunk_located(&mut self, now: Mono, id: TrunkId, servers: &[Target]) {
        let ways = servers.iter().filter_map(|server| self.way_to(server.transport, server.address, 0)).collect();
        self.with_trunk(now, id, |line, random| line.located(now, ways, random));
    }

    /// How calls go out over the trunk of that name; none while it is not up.
    pub fn trunk_way(&self, name: &str) -> Option<TrunkWay> {
        let named =
            |(_, trunk): &(&TrunkId, &Trunk)| trunk.line.settings().name == name && trunk.line.server().is_some();
        let (id, trunk) = self.trunks.iter().find(named)?;
        let TrunkSettings { address, domain, .. } = trunk.line.settings();
        Some(TrunkWay {
            trunk: *id,
            address: address.clone(),
            domain: domain.clone(),
            destination: trunk.line.server()?,
        })
    }

    /// The trunk one of whose servers speaks from there.
    pub fn trunk_from(&self, source: SocketAddr) -> Option<TrunkId> {
        self.trunk_called(source, None)
    }

    /// The same; of several lines at one carrier the one whose user is called.
    pub(super) fn trunk_called(&self, source: SocketAddr, user: Option<&str>) -> Option<TrunkId> {
        // One that was left has the calls that it had, and no others where another took its place.
        let there = |gone: bool| {
            let speaks = move |line: &TrunkLine| line.is_gone() == gone && line.speaks_from(source.ip());
            self.trunks.iter().filter(move |(_, trunk)| speaks(&trunk.line))
        };
        let is_called = |trunk: &Trunk| user.is_some() && trunk.line.settings().address.user.as_deref() == user;
        let called = there(false).find(|(_, trunk)| is_called(trunk));
        called.or_else(|| there(false).next()).or_else(|| there(true).next()).map(|(id, _)| *id)
    }

    /// Whether a request for that place reaches a server of the trunk itself: nobody else is shown a proof of ours, nor
    /// may ask for one, whatever Contact and Record-Route say.
    pub(super) fn is_trunks_own(&self, id: TrunkId, to: Destination) -> bool {
        self.trunks.get(&id).is_some_and(|trunk| trunk.line.is_own(to.remote.ip()))
    }

    pub fn trunk_name(&self, id: TrunkId) -> Option<&str> {
        self.trunks.get(&id).map(|trunk| trunk.line.settings().name.as_str())
    }

    /// All trunks and how it is with them, but for those that were left for good.
    pub fn trunks(&self) -> impl Iterator<Item = (&TrunkSettings, &Standing)> {
        self.trunks
            .values()
            .filter(|trunk| !trunk.line.is_gone())
            .map(|trunk| (trunk.line.settings(), trunk.line.standing()))
    }

    /// Our address towards a peer beyond NAT, as a trunk's registrar has told us, a STUN server or the settings: what SDP
    /// names there.
    pub fn external_towards(&self, peer: SocketAddr) -> Option<std::net::IpAddr> {
        let of_trunk = || self.trunks.get(&self.trunk_from(peer)?)?.line.external();
        let external = of_trunk().map(|external| external.ip()).filter(|ip| ip.is_ipv4() == peer.is_ipv4());
        external.or_else(|| self.advertised_towards(peer))
    }

    /// Servers of trunks that are up, for whoever watches over which of our addresses they are reached.
    pub fn trunk_servers(&self) -> Vec<SocketAddr> {
        self.trunks.values().filter_map(|trunk| trunk.line.server()).map(|to| to.remote).collect()
    }

    /// Packets to that peer leave from this address of ours. If that is another than before, its trunks are told where we
    /// are now.
    pub fn local_changed(&mut self, now: Mono, peer: SocketAddr, local: std::net::IpAddr) {
        if self.locals.get(&peer.ip()) == Some(&local) {
            return;
        }
        self.remember_local(peer.ip(), local);
        let there = |trunk: &Trunk| trunk.line.server().is_some_and(|to| to.remote.ip() == peer.ip());
        let moved: Vec<TrunkId> = self.trunks.iter().filter(|(_, t)| there(t)).map(|(id, _)| *id).collect();
        for id in moved {
            self.with_trunk(now, id, |line, _| line.local_changed(now));
        }
    }

    fn with_trunk(&mut self, now: Mono, id: TrunkId, act: impl FnOnce(&mut TrunkLine, &mut crate::types::Random)) {
        let Some(trunk) = self.trunks.get_mut(&id) else { return };
        act(&mut trunk.line, &mut self.random);
        while let Some(wanted) = self.trunks.get_mut(&id).and_then(|trunk| trunk.line.poll()) {
            self.carry_out_for(now, id, wanted);
        }
        let Some(trunk) = self.trunks.get_mut(&id) else { return };
        let deadline = trunk.line.deadline();
        self.deadlines.arm(Owner::Trunk(id), &mut trunk.line.armed, deadline);
        if trunk.line.is_gone() {
            self.forget_requests_of(id);
            self.bury(now, id);
            self.begin_trunks(now);
        }
    }

    /// Nothing is left to be done for it, but calls that go over it may be challenged still: so long its proofs are kept.
    fn bury(&mut self, now: Mono, id: TrunkId) {
        let has_calls = self.legs.values().any(|leg| leg.trunk == Some(id));
        let Some(trunk) = self.trunks.get_mut(&id) else { return };
        let again = has_calls.then(|| now + LOOK_AFTER_CALLS);
        self.deadlines.arm(Owner::Trunk(id), &mut trunk.line.armed, again);
        if !has_calls {
            self.trunks.remove(&id);
        }
    }

    fn carry_out_for(&mut self, now: Mono, id: TrunkId, act: Act) {
        // The driver keeps the streams that it made open by itself.
        if matches!(&act, Act::KeepOpen { to } if self.is_reliable(to.channel)) {
            return;
        }
        if let Act::Close { to } = act {
            if self.is_reliable(to.channel) {
                self.tell(Event::Close { to });
            }
            return;
        }
        let Some(trunk) = self.trunks.get_mut(&id) else { return };
        match act {
            Act::Locate => {
                let uri = trunk.line.settings().servers.clone();
                self.tell(Event::TrunkSeeks { trunk: id, uri });
            }
            Act::Register { to, lasts, instead_of } => {
                let Some(request) = self.register_request(id, to, lasts.as_secs(), instead_of) else { return };
                let is_stream = self.is_reliable(to.channel);
                let Some(trunk) = self.trunks.get_mut(&id) else { return };
                if is_stream {
                    trunk.line.expects_answer(now + STREAM_ANSWER_MAX);
                }
                let asked = Asked::Register(trunk.seq);
                self.send_request(now, request, to, Purpose::Trunk(id, asked));
            }
            Act::Ping { to, number } => {
                let target = trunk.line.settings().domain.clone();
                self.send_options(now, to, target, Purpose::Trunk(id, Asked::Options(number)));
            }
            Act::KeepOpen { to } => self.send(to, b"\r\n\r\n".to_vec()),
            Act::Moved => self.say_where_we_are(now, id),
            Act::AskAddress { to } => self.ask_address(id, to),
            Act::Close { .. } => {}
            Act::Tell => {
                let (name, standing) = (trunk.line.settings().name.clone(), trunk.line.standing().clone());
                self.tell(Event::Trunk { name, standing });
            }
        }
    }

    fn register_request(
        &mut self,
        id: TrunkId,
        to: Destination,
        lasts_s: u64,
        instead_of: Option<Uri>,
    ) -> Option<Request> {
        let trunk = self.trunks.get(&id)?;
        let external = trunk.line.external();
        match external {
            Some(external) => self.externals.insert((to.channel.listener, to.remote), external),
            None => self.externals.remove(&(to.channel.listener, to.remote)),
        };
        if self.externals.len() > EXTERNALS_MAX {
            self.forget_externals();
        }
        let trunk = self.trunks.get(&id)?;
        let settings = trunk.line.settings();
        let contact = self.contact(to.channel, to.remote, settings.address.user.as_deref());
        let from = NameAddr::new(settings.address.clone()).with_tag(self.random.token(10));
        let trunk = self.trunks.get_mut(&id)?;
        trunk.seq += 1;
        trunk.contact = contact.uri.clone();
        let settings = trunk.line.settings();
        let mut request = Request::new(Method::Register, settings.domain.clone());
        if settings.servers.is_loose() {
            request.headers.push(Name::Route, NameAddr::new(settings.servers.clone()).to_string());
        }
        request.headers.push(Name::From, from.to_string());
        request.headers.push(Name::To, NameAddr::new(settings.address.clone()).to_string());
        request.headers.push(Name::CallId, trunk.call_id.clone());
        request.headers.push(Name::CSeq, CSeq::new(trunk.seq, Method::Register).to_string());
        request.headers.push(Name::MaxForwards, "70");
        let old = instead_of.filter(|old| *old != contact.uri && lasts_s > 0);
        let mut contact = contact;
        if let Some(instance) = &self.config.instance {
            // Where the registrar knows flows, calls come over the one that we keep open (RFC 5626 section 4.2).
            contact.set_param("+sip.instance", Some(format!("<{instance}>")));
            contact.set_param("reg-id", Some(self.flow_of(id).to_string()));
        }
        contact.set_param("expires", Some(lasts_s.to_string()));
        request.headers.push(Name::Contact, contact.to_string());
        // Behind the new one: some registrars read the first alone.
        if let Some(old) = old {
            let mut old = NameAddr::new(old);
            old.set_param("expires", Some("0".to_owned()));
            request.headers.push(Name::Contact, old.to_string());
        }
        request.headers.push(Name::Expires, lasts_s.to_string());
        request.headers.push(Name::Supported, if self.config.instance.is_some() { "path, outbound" } else { "path" });
        request.headers.push(Name::Allow, self.allow());
        self.add_proofs(Some(id), &mut request, to);
        Some(request)
    }

    /// Which of our flows to one address it is (RFC 5626 section 4.2): with the same number a second line would take the
    /// first one's binding away. The same after a restart, by the names.
    fn flow_of(&self, id: TrunkId) -> usize {
        let Some(own) = self.trunks.get(&id).map(|trunk| trunk.line.settings()) else { return 1 };
        let others = self.trunks.values().map(|trunk| trunk.line.settings());
        1 + others.filter(|other| other.address == own.address && other.name < own.name).count()
    }

    /// What servers saw of us that are no trunk's any more.
    fn forget_externals(&mut self) {
        let trunks = &self.trunks;
        self.externals.retain(|(_, at), _| trunks.values().any(|trunk| trunk.line.is_own(at.ip())));
    }

    /// Whether it is the last REGISTER of the trunk.
    fn is_last(&self, id: TrunkId, number: u32) -> bool {
        self.trunks.get(&id).is_some_and(|trunk| trunk.seq == number)
    }

    /// A final response to a request of a trunk.
    pub(super) fn trunk_answered(
        &mut self,
        now: Mono,
        id: TrunkId,
        asked: Asked,
        from: Destination,
        response: &Response,
    ) {
        match asked {
            Asked::Register(number) if !self.is_last(id, number) => {}
            Asked::Register(_) => {
                let Some(contact) = self.trunks.get(&id).map(|trunk| trunk.contact.clone()) else { return };
                self.with_trunk(now, id, |line, random| line.registered(now, from, &contact, response, random));
            }
            // Whatever it says, it is there; but what says that nobody serves here now is no line.
            Asked::Options(number) if matches!(response.status, 408 | 503) => {
                self.with_trunk(now, id, |line, random| line.ping_failed(now, (number, from), Why::Silent, random));
            }
            Asked::Options(_) => {
                // A connection's own port alone is no news, and it can't change.
                let seen = seen_at(response).filter(|_| !self.is_reliable(from.channel));
                self.with_trunk(now, id, |line, _| line.pinged(now, from, seen));
            }
        }
    }

    /// No response came, or it could not be sent at all (503).
    pub(super) fn trunk_unanswered(&mut self, now: Mono, id: TrunkId, asked: Asked, to: Destination, status: u16) {
        if matches!(asked, Asked::Register(number) if !self.is_last(id, number)) {
            return;
        }
        let why = if status == 503 { Why::Unreachable } else { Why::Silent };
        let is_last = |seq| self.trunks.get(&id).is_some_and(|trunk| trunk.seq == seq);
        if matches!(asked, Asked::Register(seq) if !is_last(seq)) {
            return;
        }
        self.with_trunk(now, id, |line, random| match asked {
            Asked::Register(_) => line.unanswered(now, to, why, random),
            Asked::Options(number) => line.ping_failed(now, (number, to), why, random),
        });
    }

    pub(super) fn trunk_due(&mut self, now: Mono, at: Mono, id: TrunkId) {
        let Some(trunk) = self.trunks.get_mut(&id).filter(|trunk| trunk.line.armed == Some(at)) else { return };
        trunk.line.armed = None;
        self.with_trunk(now, id, |line, random| line.due(now, random));
    }

    pub(super) fn trunks_server_closed(&mut self, now: Mono, channel: Channel, remote: SocketAddr) {
        let to = Destination { channel, remote };
        let ids: Vec<TrunkId> = self.trunks.keys().copied().collect();
        for id in ids {
            self.with_trunk(now, id, |line, random| line.unanswered_as_closed(now, to, random));
        }
    }

    pub(super) fn connection_of_trunks_closed(&mut self, now: Mono, connection: ConnectionId) {
        let ids: Vec<TrunkId> = self.trunks.keys().copied().collect();
        for id in ids {
            self.with_trunk(now, id, |line, random| line.connection_closed(now, connection, random));
        }
    }

    /// A STUN message on the SIP socket (RFC 5626 section 4.4.2): the answer to ours says how the server's side sees us.
    pub(super) fn stun_received(&mut self, now: Mono, channel: Channel, source: SocketAddr, bytes: &[u8]) {
        let Some((transaction, seen)) = crate::sip::stun::read_answer(bytes) else { return };
        if self.outside_answered(now, channel, source, (transaction, seen)) {
            return;
        }
        let asked = |trunk: &Trunk| {
            trunk.stun == Some(transaction)
                && trunk.line.server().is_some_and(|to| to.remote == source && to.channel.listener == channel.listener)
        };
        let Some(id) = self.trunks.iter().find(|(_, trunk)| asked(trunk)).map(|(id, _)| *id) else { return };
        if let Some(trunk) = self.trunks.get_mut(&id) {
            trunk.stun = None;
        }
        let local = self.config.listeners.get(channel.listener).map(|_| self.our_address(channel, source));
        self.with_trunk(now, id, |line, _| line.seen_at(now, seen, local != Some(seen)));
    }

    /// Calls over a trunk that is reached elsewhere now: their peers learn it by a refresh of the target (RFC 3261 section
    /// 12.2, RFC 3311), or their BYE would go to where we were.
    fn say_where_we_are(&mut self, now: Mono, id: TrunkId) {
        let is_up = |leg: &Leg| leg.trunk == Some(id) && matches!(leg.state, LegState::Up { .. });
        let legs: Vec<LegId> = self.legs.iter().filter(|(_, leg)| is_up(leg)).map(|(id, _)| *id).collect();
        legs.into_iter().for_each(|leg| self.refresh(now, leg));
    }

    fn ask_address(&mut self, id: TrunkId, to: Destination) {
        let (high, low) = (self.random.u64().to_be_bytes(), self.random.u32().to_be_bytes());
        let mut transaction = [0; 12];
        transaction[..8].copy_from_slice(&high);
        transaction[8..].copy_from_slice(&low);
        if let Some(trunk) = self.trunks.get_mut(&id) {
            trunk.stun = Some(transaction);
        }
        self.send(to, crate::sip::stun::request(transaction));
    }
}
