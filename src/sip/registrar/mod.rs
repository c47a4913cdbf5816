//! Which phones are there: accounts, and where each can be reached (RFC 3261 section 10). Messages are `user_agent`'s.
//!
//! - `account`: who may register; `lockout`: who guesses passwords; here: the bindings.

mod account;
mod lockout;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub use self::account::{Account, Secret};
use self::lockout::LockOuts;
use super::channel::{ConnectionId, Destination};
use super::digest::{Algorithm, Credentials, DigestServer, Verdict};
use super::wire::{Headers, Host, Method, Name, NameAddr, Uri};
use crate::types::{Mono, Random, Redacted};

/// Places where one account's phones are at a time. One more takes the place of that which would expire first.
pub const CONTACTS_MAX: usize = 8;
/// Proxies between a phone and us; a REGISTER that came through more is refused.
const PATH_MAX: usize = 8;
/// How often a phone behind NAT hears from us, so that its router keeps the way to it open.
const PING_EVERY: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrarConfig {
    /// What passwords are asked for; a part of hashes that were made of them.
    pub realm: String,
    /// Without any, REGISTER and SUBSCRIBE are not served.
    pub accounts: Vec<Account>,
    /// Shorter wishes get 423.
    pub expires_min_s: u32,
    /// Longer wishes get this.
    pub expires_max_s: u32,
    /// Where the phone has no wish.
    pub expires_default_s: u32,
}

impl Default for RegistrarConfig {
    fn default() -> Self {
        let (expires_min_s, expires_max_s, expires_default_s) = (60, 3_600, 600);
        Self { realm: "frontdesk".to_owned(), accounts: Vec::new(), expires_min_s, expires_max_s, expires_default_s }
    }
}

/// One place where a phone can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The Request-URI for it.
    pub contact: Uri,
    /// Where its REGISTER came from, which is where it is reached, whatever it believes its address to be.
    pub destination: Destination,
    /// The edge proxies that its REGISTER came through, the nearest to us first: requests to it visit them (RFC 3327).
    pub path: Vec<NameAddr>,
    pub expires_at: Mono,
}

/// Names one binding; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BindingId(u64);

#[derive(Debug)]
pub(super) struct Bound {
    pub user: String,
    pub binding: Binding,
    call_id: String,
    cseq: u32,
    /// As the phone gave it: 0 to 1.
    q: Option<String>,
    /// When its NAT needs the next packet; `None` for one without.
    pub ping_at: Option<Mono>,
    pub armed: Option<Mono>,
}

impl Bound {
    pub fn deadline(&self) -> Mono {
        self.ping_at.map_or(self.binding.expires_at, |ping| ping.min(self.binding.expires_at))
    }

    pub fn pinged(&mut self, now: Mono) {
        self.ping_at = Some(now + PING_EVERY);
    }

    fn q(&self) -> f32 {
        self.q.as_deref().and_then(|q| q.parse().ok()).filter(|q: &f32| q.is_finite()).unwrap_or(1.0)
    }

    /// Its Contact in a 200, without `expires` and `q`.
    pub fn params(&self, now: Mono) -> (u64, Option<&str>) {
        (self.binding.expires_at.ms_since(now).div_ceil(1000), self.q.as_deref())
    }
}

/// One Contact of a REGISTER.
#[derive(Debug)]
struct Wish {
    contact: Uri,
    expires_s: u32,
    q: Option<String>,
}

/// What a REGISTER asks for.
#[derive(Debug)]
pub(super) struct Wishes {
    call_id: String,
    cseq: u32,
    all_away: bool,
    contacts: Vec<Wish>,
    path: Vec<NameAddr>,
}

/// What a REGISTER changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// A new place, or one whose phone is reached elsewhere now.
    Came(BindingId),
    /// Nothing but its time.
    Stayed(BindingId),
    /// By the phone's own wish, or to make room for another of the account's.
    Gone { id: BindingId, displaced: bool },
}

/// Why a REGISTER is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Malformed,
    /// 423 with this Min-Expires.
    TooBrief(u32),
    /// It is older than what is known (RFC 3261 section 10.3, step 7).
    OutOfOrder,
    Full,
}

/// What credentials are worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proof {
    Right,
    /// 401 with these.
    Ask(Vec<String>),
    /// 403; from a source that guesses for so many seconds more.
    Forbidden(Option<u64>),
    Unreadable(&'static str),
}

#[derive(Debug)]
struct Held {
    account: Account,
    bindings: Vec<BindingId>,
    /// New and old messages.
    waiting: (u32, u32),
}

#[derive(Debug)]
pub(super) struct Registrar {
    expires_min_s: u32,
    expires_max_s: u32,
    expires_default_s: u32,
    digest: DigestServer,
    accounts: BTreeMap<String, Held>,
    bindings: BTreeMap<BindingId, Bound>,
    next_id: u64,
    lockouts: LockOuts,
}

impl Registrar {
    pub fn new(config: RegistrarConfig, random: &mut Random) -> Registrar {
        let mut registrar = Registrar {
            expires_min_s: config.expires_min_s,
            expires_max_s: config.expires_max_s.max(1),
            expires_default_s: config.expires_default_s,
            digest: DigestServer::new(&config.realm, random),
            accounts: BTreeMap::new(),
            bindings: BTreeMap::new(),
            next_id: 1,
            lockouts: LockOuts::default(),
        };
        registrar.set_accounts(config.accounts);
        registrar
    }

    /// Other accounts from now on; gives the users that are gone and the bindings that they had.
    pub fn set_accounts(&mut self, accounts: Vec<Account>) -> (Vec<String>, Vec<BindingId>) {
        let mut before = std::mem::take(&mut self.accounts);
        for account in accounts {
            let user = account.user.clone();
            let held = match before.remove(&user) {
                Some(held) => Held { account, ..held },
                None => Held { account, bindings: Vec::new(), waiting: (0, 0) },
            };
            self.accounts.insert(user, held);
        }
        let bindings = before.values().flat_map(|held| held.bindings.iter().copied()).collect();
        (before.into_keys().collect(), bindings)
    }

    pub fn has_accounts(&self) -> bool {
        !self.accounts.is_empty()
    }

    pub fn knows(&self, user: &str) -> bool {
        self.accounts.contains_key(user)
    }

    pub fn realm(&self) -> &str {
        self.digest.realm()
    }

    /// `sip:user@realm`.
    pub fn address_of(&self, user: &str) -> Uri {
        Uri::new(Host::Name(self.realm().to_owned())).with_user(user)
    }

    /// Whether the sender proves to be `user`. A source that guesses passwords is not even asked for a while, but a phone
    /// that is registered from just there is.
    pub fn proof(&mut self, now: Mono, method: &Method, headers: &Headers, user: &str, source: SocketAddr) -> Proof {
        if let Some(seconds) = self.lockouts.locked_for_s(now, source.ip())
            && !self.is_at(user, source)
        {
            return Proof::Forbidden(Some(seconds));
        }
        let given: Credentials = match self.digest.credentials(headers, &Name::Authorization) {
            None => return self.ask(now, source, user, false),
            Some(Err(fault)) => return Proof::Unreadable(fault),
            Some(Ok(given)) => given,
        };
        let ha1 = self.ha1(&given);
        let ha1 = ha1.as_ref().map(|ha1| ha1.0.as_str());
        match self.digest.verify(now, source.ip(), method.as_str(), &given, ha1) {
            Verdict::Right if given.user == user => {
                self.lockouts.forgive(source.ip());
                Proof::Right
            }
            Verdict::Right => Proof::Forbidden(None),
            Verdict::Stale => self.ask(now, source, user, true),
            Verdict::Wrong => {
                self.lockouts.failed(now, source.ip());
                Proof::Forbidden(None)
            }
        }
    }

    /// Nobody is asked for everything, as most accounts are.
    fn ask(&mut self, now: Mono, source: SocketAddr, user: &str, stale: bool) -> Proof {
        let algorithms = self.accounts.get(user).map_or(Algorithm::ASKED.to_vec(), |held| held.account.algorithms());
        Proof::Ask(self.digest.challenges(now, source.ip(), &algorithms, stale))
    }

    fn ha1(&self, given: &Credentials) -> Option<Redacted<String>> {
        self.accounts.get(&given.user)?.account.secret.ha1(given.algorithm, &given.user, self.realm())
    }

    fn is_at(&self, user: &str, source: SocketAddr) -> bool {
        self.of(user).any(|(_, bound)| bound.binding.destination.remote == source)
    }

    /// Whether any account's phone is registered from that address.
    pub fn is_anybody_at(&self, source: IpAddr) -> bool {
        self.bindings.values().any(|bound| bound.binding.destination.remote.ip() == source)
    }

    /// What a REGISTER asks for (RFC 3261 section 10.3, steps 6 and 7).
    pub fn wishes(&self, headers: &Headers) -> Result<Wishes, Refused> {
        let malformed = |_| Refused::Malformed;
        let call_id = headers.call_id().map_err(malformed)?.to_owned();
        let cseq = headers.cseq().map_err(malformed)?.number;
        let stated = headers.seconds(&Name::Expires);
        if headers.all(&Name::Contact).any(|contact| contact == "*") {
            let alone = headers.all(&Name::Contact).count() == 1 && stated == Some(0);
            let wishes = Wishes { call_id, cseq, all_away: true, contacts: Vec::new(), path: Vec::new() };
            return alone.then_some(wishes).ok_or(Refused::Malformed);
        }
        let mut contacts = Vec::new();
        for contact in headers.contacts().map_err(malformed)? {
            let own = contact.param("expires").map(|seconds| seconds.parse().unwrap_or(self.expires_default_s));
            let expires_s = own.or(stated).unwrap_or(self.expires_default_s);
            if (1..self.expires_min_s).contains(&expires_s) {
                return Err(Refused::TooBrief(self.expires_min_s));
            }
            let q = contact.param("q").filter(|q| q.parse::<f32>().is_ok_and(|q| (0.0..=1.0).contains(&q)));
            let (expires_s, q) = (expires_s.min(self.expires_max_s), q.map(str::to_owned));
            contacts.push(Wish { q, contact: contact.uri, expires_s });
        }
        let callable = |wish: &Wish| wish.contact.host.is_some();
        if contacts.len() > CONTACTS_MAX || !contacts.iter().all(callable) {
            return Err(Refused::Malformed);
        }
        let path = path_of(headers).ok_or(Refused::Malformed)?;
        Ok(Wishes { call_id, cseq, all_away: false, contacts, path })
    }

    /// Seconds that a subscription lasts, with a wish or without.
    pub fn lasts_s(&self, wish: Option<u32>) -> Result<u32, Refused> {
        let wish = wish.unwrap_or(self.expires_max_s);
        if (1..self.expires_min_s).contains(&wish) {
            return Err(Refused::TooBrief(self.expires_min_s));
        }
        Ok(wish.min(self.expires_max_s))
    }

    /// Carries out what a REGISTER asks for, all of it or nothing (RFC 3261 section 10.3, step 7).
    pub fn register(
        &mut self,
        now: Mono,
        user: &str,
        wishes: Wishes,
        from: Destination,
        via_is_elsewhere: bool,
        bindings_max: usize,
    ) -> Result<Vec<Change>, Refused> {
        let touched = |bound: &Bound| wishes.all_away || wishes.contacts.iter().any(|w| bound.is(&w.contact));
        let newer = |bound: &Bound| bound.call_id != wishes.call_id || wishes.cseq > bound.cseq;
        if self.of(user).any(|(_, bound)| touched(bound) && !newer(bound)) {
            return Err(Refused::OutOfOrder);
        }
        let is_new = |wish: &&Wish| wish.expires_s > 0 && !self.of(user).any(|(_, bound)| bound.is(&wish.contact));
        if self.bindings.len() + wishes.contacts.iter().filter(is_new).count() > bindings_max {
            return Err(Refused::Full);
        }
        if wishes.all_away {
            let all = self.of(user).map(|(id, _)| Change::Gone { id, displaced: false });
            return Ok(all.collect());
        }
        let mut changes = Vec::new();
        for wish in wishes.contacts {
            let known = self.of(user).find(|(_, bound)| bound.is(&wish.contact)).map(|(id, _)| id);
            match (known, wish.expires_s) {
                (None, 0) => {}
                (Some(id), 0) => changes.push(Change::Gone { id, displaced: false }),
                (known, _) => {
                    // Behind a proxy that says so it is that proxy which keeps the phone's NAT open.
                    let elsewhere =
                        wishes.path.is_empty() && (via_is_elsewhere || !is_at_ip(&wish.contact, from.remote));
                    let bound = Bound {
                        user: user.to_owned(),
                        binding: Binding {
                            contact: wish.contact,
                            destination: from,
                            path: wishes.path.clone(),
                            expires_at: now + Duration::from_secs(wish.expires_s.into()),
                        },
                        call_id: wishes.call_id.clone(),
                        cseq: wishes.cseq,
                        q: wish.q,
                        ping_at: elsewhere.then_some(now + PING_EVERY),
                        armed: None,
                    };
                    changes.extend(self.bind(known, bound));
                }
            }
        }
        Ok(changes)
    }

    fn bind(&mut self, known: Option<BindingId>, bound: Bound) -> Vec<Change> {
        if let Some((id, slot)) = known.and_then(|id| Some((id, self.bindings.get_mut(&id)?))) {
            let (before, after) = (&slot.binding, &bound.binding);
            let moved = before.destination != after.destination || before.path != after.path;
            let armed = slot.armed;
            *slot = Bound { armed, ..bound };
            return vec![if moved { Change::Came(id) } else { Change::Stayed(id) }];
        }
        let Some(held) = self.accounts.get_mut(&bound.user) else { return Vec::new() };
        let mut changes = Vec::new();
        if held.bindings.len() >= CONTACTS_MAX {
            let expires_at = |id: &&BindingId| self.bindings.get(id).map(|bound| bound.binding.expires_at);
            if let Some(id) = held.bindings.iter().min_by_key(expires_at).copied() {
                held.bindings.retain(|other| *other != id);
                changes.push(Change::Gone { id, displaced: true });
            }
        }
        let id = BindingId(self.next_id);
        self.next_id += 1;
        held.bindings.push(id);
        self.bindings.insert(id, bound);
        changes.push(Change::Came(id));
        changes
    }

    pub fn remove(&mut self, id: BindingId) -> Option<Bound> {
        let bound = self.bindings.remove(&id)?;
        if let Some(held) = self.accounts.get_mut(&bound.user) {
            held.bindings.retain(|other| *other != id);
        }
        Some(bound)
    }

    pub fn get(&self, id: BindingId) -> Option<&Bound> {
        self.bindings.get(&id)
    }

    pub fn get_mut(&mut self, id: BindingId) -> Option<&mut Bound> {
        self.bindings.get_mut(&id)
    }

    /// The account's bindings, oldest first.
    pub fn of(&self, user: &str) -> impl Iterator<Item = (BindingId, &Bound)> {
        let ids = self.accounts.get(user).map(|held| held.bindings.as_slice()).unwrap_or_default();
        ids.iter().filter_map(|id| Some((*id, self.bindings.get(id)?)))
    }

    /// The account's bindings as they are to be called: by `q`, of the same the newest first.
    pub fn bindings(&self, user: &str) -> Vec<Binding> {
        let mut all: Vec<&Bound> = self.of(user).map(|(_, bound)| bound).collect();
        all.reverse();
        all.sort_by(|a, b| b.q().total_cmp(&a.q()));
        all.into_iter().map(|bound| bound.binding.clone()).collect()
    }

    /// The phones behind a connection that has closed. Those behind a proxy stay: it is connected to anew.
    pub fn over(&mut self, closed: ConnectionId) -> Vec<BindingId> {
        let mut gone = Vec::new();
        for (id, bound) in &mut self.bindings {
            let connection = &mut bound.binding.destination.channel.connection;
            match *connection == Some(closed) {
                true if bound.binding.path.is_empty() => gone.push(*id),
                true => *connection = None,
                false => {}
            }
        }
        gone
    }

    /// All bindings of all accounts, in no order.
    pub fn registered(&self) -> impl Iterator<Item = (&str, &Binding)> {
        self.bindings.values().map(|bound| (bound.user.as_str(), &bound.binding))
    }

    pub fn is_empty(&self) -> bool {
        self.bindings.is_empty()
    }

    /// New and old messages of an account; `None` for nobody.
    pub fn waiting(&self, user: &str) -> Option<(u32, u32)> {
        self.accounts.get(user).map(|held| held.waiting)
    }

    /// Whether the account is there and its messages were others before.
    pub fn set_waiting(&mut self, user: &str, waiting: (u32, u32)) -> bool {
        self.accounts.get_mut(user).is_some_and(|held| std::mem::replace(&mut held.waiting, waiting) != waiting)
    }
}

impl Bound {
    fn is(&self, contact: &Uri) -> bool {
        self.binding.contact.equivalent(contact)
    }
}

/// The Path of a REGISTER; `None` when it can't be read, or is longer than any that is meant.
fn path_of(headers: &Headers) -> Option<Vec<NameAddr>> {
    let name = Name::Other("Path".to_owned());
    let path: Vec<NameAddr> = headers.all(&name).map(|hop| hop.parse().ok()).collect::<Option<_>>()?;
    (path.len() <= PATH_MAX).then_some(path)
}

fn is_at_ip(contact: &Uri, source: SocketAddr) -> bool {
    matches!(&contact.host, Some(Host::Ip(ip)) if *ip == source.ip())
}
