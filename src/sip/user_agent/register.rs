//! REGISTER, and what becomes of the phones that came by it (RFC 3261 section 10). The table itself is `registrar`'s.

use std::net::{IpAddr, SocketAddr};

use super::event::{Event, Gone};
use super::receive::Incoming;
use super::uac::Purpose;
use super::{Owner, UserAgent};
use crate::sip::channel::ConnectionId;
use crate::sip::registrar::{Account, Binding, BindingId, Bound, Change, Proof, Refused};
use crate::sip::wire::{Name, NameAddr, Response};
use crate::types::Mono;

/// The option tag (RFC 3327).
pub(super) const PATH: &str = "path";

impl UserAgent {
    /// Where this account's phones are, as they are to be tried: by `q`, of the same the newest first.
    pub fn bindings(&self, user: &str) -> Vec<Binding> {
        self.registrar.bindings(user)
    }

    /// Every phone that is registered, with its account, in no order.
    pub fn registered(&self) -> impl Iterator<Item = (&str, &Binding)> {
        self.registrar.registered()
    }

    /// Whether a phone of that account is registered and reached there.
    pub fn phone_at(&self, user: &str, source: SocketAddr) -> bool {
        self.registrar.bindings(user).iter().any(|binding| binding.destination.remote == source)
    }

    /// The host of the addresses of phones that register here.
    pub fn realm(&self) -> &str {
        self.registrar.realm()
    }

    /// Other accounts from now on. Phones of accounts that stay, also with another password, stay until they expire.
    pub fn set_accounts(&mut self, now: Mono, accounts: Vec<Account>) {
        let (users, bindings) = self.registrar.set_accounts(accounts);
        for id in bindings {
            self.unregister(id, Gone::AccountGone);
        }
        self.end_watchers_of(now, &users);
    }

    pub(super) fn register_received(&mut self, now: Mono, incoming: &Incoming) {
        let user = incoming.request.headers.to().ok().and_then(|to| to.uri.user).unwrap_or_default();
        if !self.has_proof(now, incoming, &user) {
            return;
        }
        let bindings_max = self.config.limits.bindings_max;
        let from = incoming.sender();
        let changes = self
            .registrar
            .wishes(&incoming.request.headers)
            .and_then(|wishes| self.registrar.register(now, &user, wishes, from, incoming.behind_nat, bindings_max));
        let changes = match changes {
            Ok(changes) => changes,
            Err(refused) => return self.refuse_phone(now, incoming, refused),
        };
        let came = self.carry_out(&changes);
        let mut response = self.plain_response(&incoming.request, 200);
        response.headers.push(Name::Supported, PATH);
        // RFC 3327 section 5.3.
        response.headers.copy(&incoming.request.headers, &Name::Other("Path".to_owned()));
        for (_, bound) in self.registrar.of(&user) {
            response.headers.push(Name::Contact, contact_of(now, bound));
        }
        self.answer_request(now, incoming, &response);
        for id in came {
            self.tell_waiting_to(now, id);
        }
    }

    /// Gives the bindings that are new, or reached elsewhere.
    fn carry_out(&mut self, changes: &[Change]) -> Vec<BindingId> {
        let mut came = Vec::new();
        for change in changes {
            match *change {
                Change::Gone { id, displaced } => {
                    self.unregister(id, if displaced { Gone::Displaced } else { Gone::Asked });
                }
                Change::Stayed(id) => self.rearm_binding(id),
                Change::Came(id) => {
                    self.rearm_binding(id);
                    let Some(bound) = self.registrar.get(id) else { continue };
                    let Binding { contact, destination, .. } = bound.binding.clone();
                    let (user, source) = (bound.user.clone(), destination.remote);
                    self.tell(Event::Registered { user, contact, source });
                    came.push(id);
                }
            }
        }
        came
    }

    /// Whether the sender proves to be that account; if not, it has its answer.
    pub(super) fn has_proof(&mut self, now: Mono, incoming: &Incoming, user: &str) -> bool {
        let request = &incoming.request;
        let proof = self.registrar.proof(now, &request.method, &request.headers, user, incoming.source);
        let response = match proof {
            Proof::Right => {
                self.guard.proven(incoming.source.ip());
                return true;
            }
            Proof::Ask(challenges) => {
                let mut response = self.plain_response(request, 401);
                challenges.into_iter().for_each(|c| response.headers.push(Name::WwwAuthenticate, c));
                response
            }
            Proof::Forbidden(locked_for_s) => {
                self.tell(Event::Unproven { user: user.to_owned(), source: incoming.source });
                if locked_for_s.is_none() {
                    self.guessed(now, incoming.source.ip());
                }
                let mut response = self.plain_response(request, 403);
                if let Some(seconds) = locked_for_s {
                    response.headers.push(Name::RetryAfter, seconds.to_string());
                }
                response
            }
            Proof::Unreadable(fault) => Response { reason: fault.to_owned(), ..self.plain_response(request, 400) },
        };
        self.answer_request(now, incoming, &response);
        false
    }

    /// A wrong password. A carrier's or PBX's address is no phone's, and is never cut off. Where a phone that has proven itself is registered from the same address, its neighbours are not
    /// cut off for the fault of one: guesses from there are slowed by the lock-out alone.
    fn guessed(&mut self, now: Mono, source: IpAddr) {
        if self.registrar.is_anybody_at(source) || self.trunk_from(SocketAddr::new(source, 0)).is_some() {
            return;
        }
        if let Some(ban) = self.guard.failed(now, source) {
            self.tell(Event::Banned { network: ban.network, failures: ban.failures, until: ban.until });
        }
    }

    pub(super) fn refuse_phone(&mut self, now: Mono, incoming: &Incoming, refused: Refused) {
        let request = &incoming.request;
        let response = match refused {
            Refused::Malformed => self.plain_response(request, 400),
            Refused::OutOfOrder => self.plain_response(request, 500),
            Refused::Full => return self.shed(request, incoming.to),
            Refused::TooBrief(min_s) => {
                let mut response = self.plain_response(request, 423);
                response.headers.push(Name::MinExpires, min_s.to_string());
                response
            }
        };
        self.answer_request(now, incoming, &response);
    }

    fn unregister(&mut self, id: BindingId, why: Gone) {
        let Some(mut bound) = self.registrar.remove(id) else { return };
        self.deadlines.arm(Owner::Binding(id), &mut bound.armed, None);
        self.tell(Event::Unregistered { user: bound.user, contact: bound.binding.contact, why });
    }

    fn rearm_binding(&mut self, id: BindingId) {
        if let Some(bound) = self.registrar.get_mut(id) {
            let deadline = bound.deadline();
            self.deadlines.arm(Owner::Binding(id), &mut bound.armed, Some(deadline));
        }
    }

    pub(super) fn binding_due(&mut self, now: Mono, at: Mono, id: BindingId) {
        let full = self.is_full();
        let Some(bound) = self.registrar.get_mut(id).filter(|bound| bound.armed == Some(at)) else { return };
        bound.armed = None;
        if bound.binding.expires_at <= now {
            return self.unregister(id, Gone::Expired);
        }
        bound.pinged(now);
        let (target, to) = (bound.binding.contact.clone(), bound.binding.destination);
        self.rearm_binding(id);
        if !full {
            // Whether it is answered does not matter: that it was sent keeps the way open.
            self.send_options(now, to, target, Purpose::Ping);
        }
    }

    /// A phone behind a connection that has gone can't be reached: it connects and registers anew.
    pub(super) fn connection_of_phones_closed(&mut self, connection: ConnectionId) {
        for id in self.registrar.over(connection) {
            self.unregister(id, Gone::ConnectionClosed);
        }
    }
}

/// A binding as the 200 lists it (RFC 3261 section 10.3, step 8).
fn contact_of(now: Mono, bound: &Bound) -> String {
    let (expires_s, q) = bound.params(now);
    let mut contact = NameAddr::new(bound.binding.contact.clone());
    if let Some(q) = q {
        contact.set_param("q", Some(q.to_owned()));
    }
    contact.set_param("expires", Some(expires_s.to_string()));
    contact.to_string()
}
