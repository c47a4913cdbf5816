//! Messages waiting: phones subscribe to their account's, or are told unasked (RFC 3842, RFC 6665).

use std::time::Duration;

use super::event::UaError;
use super::notify::event_of;
use super::receive::Incoming;
use super::uac::Purpose;
use super::{Owner, UserAgent};
use crate::sip::channel::ConnectionId;
use crate::sip::dialog::Dialog;
use crate::sip::registrar::{Binding, BindingId, CONTACTS_MAX};
use crate::sip::transaction::Key;
use crate::sip::wire::{Method, Name, NameAddr, Request};
use crate::types::Mono;

/// The only package that phones can subscribe to.
const PACKAGE: &str = "message-summary";

/// Names one subscription; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct WatcherId(u64);

/// One phone's subscription.
#[derive(Debug)]
pub(super) struct Watcher {
    dialog: Dialog,
    user: String,
    /// The Event header of its SUBSCRIBE, which its NOTIFYs repeat.
    event: String,
    expires_at: Mono,
    armed: Option<Mono>,
}

/// Why a subscription's NOTIFY is its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// Its time is over, or was zero.
    Timeout,
    /// The account is gone.
    NoResource,
}

impl UserAgent {
    /// How many new and old messages wait for an account's owner: its phones are told. `NoSuchAccount` for nobody.
    pub fn set_messages_waiting(&mut self, now: Mono, user: &str, new: u32, old: u32) -> Result<(), UaError> {
        if !self.registrar.knows(user) {
            return Err(UaError::NoSuchAccount);
        }
        if !self.registrar.set_waiting(user, (new, old)) {
            return Ok(());
        }
        for id in self.watchers_of(user) {
            self.notify_watcher(now, id);
        }
        let bindings: Vec<BindingId> = self.registrar.of(user).map(|(id, _)| id).collect();
        for id in bindings {
            self.tell_waiting_to(now, id);
        }
        Ok(())
    }

    /// A SUBSCRIBE outside of a dialog.
    pub(super) fn subscribe_received(&mut self, now: Mono, incoming: &Incoming) {
        let headers = &incoming.request.headers;
        let (package, id) = event_of(headers.first(&Name::Event).unwrap_or_default());
        if !package.eq_ignore_ascii_case(PACKAGE) {
            let mut response = self.plain_response(&incoming.request, 489);
            response.headers.push(Name::AllowEvents, PACKAGE);
            return self.answer_request(now, incoming, &response);
        }
        let event = id.map_or_else(|| PACKAGE.to_owned(), |id| format!("{PACKAGE};id={id}"));
        let user = incoming.request.uri.user.clone().or_else(|| headers.to().ok()?.uri.user).unwrap_or_default();
        if !self.has_proof(now, incoming, &user) {
            return;
        }
        let lasts_s = match self.registrar.lasts_s(incoming.request.headers.seconds(&Name::Expires)) {
            Ok(seconds) => seconds,
            Err(refused) => return self.refuse_phone(now, incoming, refused),
        };
        if self.watchers.len() >= self.config.limits.watchers_max {
            return self.shed(&incoming.request, incoming.to);
        }
        let Some(dialog) = self.dialog_from(incoming) else { return self.answer_plainly(now, incoming, 400) };
        let expires_at = now + Duration::from_secs(lasts_s.into());
        self.make_room_for_watcher(&user);
        let id = WatcherId(self.next_watcher);
        self.next_watcher += 1;
        self.by_watcher.insert(self.dialog_key(&dialog), id);
        self.watchers.insert(id, Watcher { dialog, user, event, expires_at, armed: None });
        self.accept_subscription(now, incoming, id, lasts_s);
    }

    /// A SUBSCRIBE within a subscription: it goes on, or ends. False when there is none.
    pub(super) fn resubscribed(&mut self, now: Mono, key: Key, incoming: &Incoming) -> bool {
        let Some(id) = self.by_watcher.get(&key).copied() else { return false };
        if incoming.request.method != Method::Subscribe {
            return false;
        }
        if let Some(response) = self.inspect(incoming) {
            self.answer_request(now, incoming, &response);
            return true;
        }
        let Some(watcher) = self.watchers.get_mut(&id) else { return false };
        if !watcher.dialog.take_remote_seq(incoming.cseq.number) {
            self.answer_plainly(now, incoming, 500);
            return true;
        }
        // Only who subscribed knows the tags of the subscription; but it may have been overheard.
        let user = watcher.user.clone();
        if !self.has_proof(now, incoming, &user) {
            return true;
        }
        match self.registrar.lasts_s(incoming.request.headers.seconds(&Name::Expires)) {
            Err(refused) => self.refuse_phone(now, incoming, refused),
            Ok(lasts_s) => {
                if let Some(watcher) = self.watchers.get_mut(&id) {
                    watcher.dialog.peer = incoming.sender();
                    watcher.expires_at = now + Duration::from_secs(lasts_s.into());
                }
                self.accept_subscription(now, incoming, id, lasts_s);
            }
        }
        true
    }

    /// 200 and the NOTIFY that is due after each SUBSCRIBE (RFC 6665 section 4.2.1.2).
    fn accept_subscription(&mut self, now: Mono, incoming: &Incoming, id: WatcherId, lasts_s: u32) {
        let Some(watcher) = self.watchers.get(&id) else { return };
        let mut response = self.make_response(&incoming.request, 200, watcher.dialog.local_tag());
        let contact = self.contact(incoming.channel, incoming.source, Some(&watcher.user));
        response.headers.copy(&incoming.request.headers, &Name::RecordRoute);
        response.headers.push(Name::Contact, contact.to_string());
        response.headers.push(Name::Expires, lasts_s.to_string());
        self.answer_request(now, incoming, &response);
        if lasts_s == 0 {
            return self.end_watcher(now, id, Over::Timeout);
        }
        self.rearm_watcher(id);
        self.notify_watcher(now, id);
    }

    fn watchers_of(&self, user: &str) -> Vec<WatcherId> {
        let mut all: Vec<_> = self.watchers.iter().filter(|(_, w)| w.user == user).map(|(id, _)| *id).collect();
        all.sort();
        all
    }

    /// A phone that starts anew leaves its subscription behind: the one that would end first makes room.
    fn make_room_for_watcher(&mut self, user: &str) {
        let all = self.watchers_of(user);
        let expires_at = |id: &&WatcherId| self.watchers.get(id).map(|w| w.expires_at);
        if all.len() >= CONTACTS_MAX
            && let Some(first) = all.iter().min_by_key(expires_at).copied()
        {
            self.remove_watcher(first);
        }
    }

    fn notify_watcher(&mut self, now: Mono, id: WatcherId) {
        let Some(watcher) = self.watchers.get(&id) else { return };
        let left_s = watcher.expires_at.ms_since(now).div_ceil(1000);
        self.send_summary(now, id, &format!("active;expires={left_s}"));
    }

    fn end_watcher(&mut self, now: Mono, id: WatcherId, over: Over) {
        let state = match over {
            Over::Timeout => "terminated;reason=timeout",
            Over::NoResource => "terminated;reason=noresource",
        };
        self.send_summary(now, id, state);
        self.remove_watcher(id);
    }

    pub(super) fn end_watchers_of(&mut self, now: Mono, users: &[String]) {
        for id in users.iter().flat_map(|user| self.watchers_of(user)).collect::<Vec<_>>() {
            self.end_watcher(now, id, Over::NoResource);
        }
    }

    fn send_summary(&mut self, now: Mono, id: WatcherId, state: &str) {
        if self.is_full() {
            return;
        }
        let Some(watcher) = self.watchers.get_mut(&id) else { return };
        let mut request = watcher.dialog.request(Method::Notify, None);
        let to = watcher.dialog.next_hop();
        let (user, event) = (watcher.user.clone(), watcher.event.clone());
        let contact = self.contact(to.channel, to.remote, Some(&user));
        request.headers.push(Name::Contact, contact.to_string());
        self.fill_summary(&mut request, &user, &event, state);
        self.send_request(now, request, to, Purpose::Summary(id));
    }

    /// The peer does not know of its subscription, or is gone (RFC 6665 section 4.2.2).
    pub(super) fn summary_answered(&mut self, id: WatcherId, status: u16) {
        if matches!(status, 404 | 405 | 408 | 410 | 480..=485 | 489 | 501 | 503 | 604) {
            self.remove_watcher(id);
        }
    }

    /// Tells a registered phone how many messages wait, without having been asked, unless it is told by a subscription.
    pub(super) fn tell_waiting_to(&mut self, now: Mono, id: BindingId) {
        let Some(bound) = self.registrar.get(id) else { return };
        let user = bound.user.clone();
        let Binding { contact: target, destination: to, path, .. } = bound.binding.clone();
        let subscribed = |w: &super::subscribe::Watcher| w.user == user && w.dialog.peer.remote == to.remote;
        if self.is_full() || self.watchers.values().any(subscribed) {
            return;
        }
        let address = NameAddr::new(self.registrar.address_of(&user));
        let mut request = self.outside_request(Method::Notify, target, address.clone(), address, to);
        path.iter().for_each(|hop| request.headers.push(Name::Route, hop.to_string()));
        self.fill_summary(&mut request, &user, PACKAGE, "terminated;reason=noresource");
        self.send_request(now, request, to, Purpose::Untracked);
    }

    fn fill_summary(&self, request: &mut Request, user: &str, event: &str, state: &str) {
        let (new, old) = self.registrar.waiting(user).unwrap_or_default();
        let waiting = if new > 0 { "yes" } else { "no" };
        let account = self.registrar.address_of(user);
        request.headers.push(Name::Event, event);
        request.headers.push(Name::SubscriptionState, state);
        let body = format!(
            "Messages-Waiting: {waiting}\r\nMessage-Account: {account}\r\nVoice-Message: {new}/{old} (0/0)\r\n"
        );
        request.set_body("application/simple-message-summary", body);
    }

    fn rearm_watcher(&mut self, id: WatcherId) {
        if let Some(watcher) = self.watchers.get_mut(&id) {
            let deadline = Some(watcher.expires_at);
            self.deadlines.arm(Owner::Watcher(id), &mut watcher.armed, deadline);
        }
    }

    pub(super) fn watcher_due(&mut self, now: Mono, at: Mono, id: WatcherId) {
        if let Some(watcher) = self.watchers.get_mut(&id).filter(|watcher| watcher.armed == Some(at)) {
            watcher.armed = None;
            self.end_watcher(now, id, Over::Timeout);
        }
    }

    fn remove_watcher(&mut self, id: WatcherId) {
        let Some(mut watcher) = self.watchers.remove(&id) else { return };
        self.deadlines.arm(Owner::Watcher(id), &mut watcher.armed, None);
        self.by_watcher.remove(&self.dialog_key(&watcher.dialog));
    }

    /// As with registrations: the phone subscribes anew over its next connection.
    pub(super) fn connection_of_watchers_closed(&mut self, connection: ConnectionId) {
        let over = |watcher: &Watcher| watcher.dialog.peer.channel.connection == Some(connection);
        let gone: Vec<_> = self.watchers.iter().filter(|(_, w)| over(w)).map(|(id, _)| *id).collect();
        for id in gone {
            self.remove_watcher(id);
        }
    }
}
