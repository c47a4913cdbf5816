//! A message finds its transaction or its dialog, or is a new request (RFC 3261 sections 17.1.3, 17.2.3, 12.2.2).

use std::net::SocketAddr;

use super::event::Event;
use super::responses::{is_behind_nat, mark_source};
use super::{RequestIn, UserAgent};
use crate::sip::channel::{Channel, Destination};
use crate::sip::guard::Look;
use crate::sip::transaction::{Acknowledged, Key, RequestServer};
use crate::sip::wire::{
    CSeq, Headers, Message, Method, Name, ParseError, ParseErrorKind, Request, Response, Via, parse_datagram,
};
use crate::types::Mono;

/// A request with what its transaction needs, read once.
pub(super) struct Incoming {
    pub request: Request,
    pub channel: Channel,
    pub source: SocketAddr,
    /// Where responses go.
    pub to: Destination,
    pub key: Key,
    /// The key of the INVITE that an ACK or CANCEL is about.
    pub invite_key: Key,
    pub cseq: CSeq,
    pub call_id: String,
    pub from_tag: String,
    pub to_tag: Option<String>,
    pub behind_nat: bool,
}

impl Incoming {
    /// Where it came from, for requests of ours in the other direction.
    pub fn sender(&self) -> Destination {
        Destination { channel: self.channel, remote: self.source }
    }
}

impl UserAgent {
    pub(super) fn received(&mut self, now: Mono, channel: Channel, source: SocketAddr, bytes: &[u8]) {
        self.counters.received += 1;
        if channel.listener >= self.config.listeners.len() {
            self.counters.stray += 1;
            return;
        }
        let look = match self.trunk_from(source) {
            // A carrier is neither banned nor told to wait: all its callers are one source.
            Some(_) => Look::Pass,
            None => self.guard.look(now, source.ip(), bytes),
        };
        match look {
            Look::Pass if is_stun(bytes) => return self.stun_received(now, channel, source, bytes),
            Look::Pass => {}
            Look::Drop => {
                self.counters.dropped += 1;
                return;
            }
            Look::TooFast { answered } => {
                self.counters.too_fast += 1;
                return if answered {
                    self.refuse_too_fast(channel, source, bytes)
                };
            }
        }
        match parse_datagram(bytes, &self.config.limits.message) {
            Ok(Message::Request(request)) => self.request(now, request, channel, source),
            Ok(Message::Response(response)) => self.response(now, response, channel, source),
            // A keep-alive, which phones send over UDP too.
            Err(ParseError { kind: ParseErrorKind::Empty, .. }) => {}
            Err(error) => {
                self.counters.malformed += 1;
                let Some(answerable) = error.answerable else { return };
                let mut response = answerable.to_response();
                let to = match answerable.via_top() {
                    Some(mut via) => {
                        let to = mark_source(&mut via, channel, source, self.is_reliable(channel));
                        response.headers.set_first(Name::Via, via.to_string());
                        to
                    }
                    // The fault may be in the Via itself: it goes back as it came, to where it came from.
                    None => Destination { channel, remote: source },
                };
                self.send_stateless(to, &response);
            }
        }
    }

    /// 503 without any state, to what can be read and answered.
    fn refuse_too_fast(&mut self, channel: Channel, source: SocketAddr, bytes: &[u8]) {
        let Ok(Message::Request(request)) = parse_datagram(bytes, &self.config.limits.message) else { return };
        if let Some(incoming) = self.read(request, channel, source) {
            self.shed(&incoming.request, incoming.to);
        }
    }

    fn request(&mut self, now: Mono, request: Request, channel: Channel, source: SocketAddr) {
        let Some(incoming) = self.read(request, channel, source) else {
            self.counters.malformed += 1;
            return;
        };
        match incoming.request.method {
            Method::Ack => self.ack(now, &incoming),
            _ if self.answered_from_memory(&incoming) => self.counters.retransmissions_in += 1,
            Method::Cancel => self.cancel(now, &incoming),
            // A BYE frees more than it takes.
            Method::Bye if incoming.to_tag.is_some() => self.within_dialog(now, incoming),
            _ if self.is_full() => self.refuse_full(&incoming),
            _ if incoming.to_tag.is_some() => self.within_dialog(now, incoming),
            _ => self.outside_dialog(now, incoming),
        }
    }

    /// The parser has checked that what is read here can be read.
    fn read(&self, mut request: Request, channel: Channel, source: SocketAddr) -> Option<Incoming> {
        let mut via = request.headers.via_top().ok()?;
        let cseq = request.headers.cseq().ok()?;
        let call_id = request.headers.call_id().ok()?.to_owned();
        let from_tag = request.headers.from().ok()?.tag().unwrap_or_default().to_owned();
        let to_tag = request.headers.to().ok()?.tag().map(str::to_owned);
        let key = self.server_key(&via, &request.method, &call_id, &from_tag, cseq.number);
        let invite_key = self.server_key(&via, &Method::Invite, &call_id, &from_tag, cseq.number);
        let behind_nat = is_behind_nat(&via, source.ip());
        let to = mark_source(&mut via, channel, source, self.is_reliable(channel));
        request.headers.set_first(Name::Via, via.to_string());
        Some(Incoming { request, channel, source, to, key, invite_key, cseq, call_id, from_tag, to_tag, behind_nat })
    }

    fn server_key(&self, via: &Via, method: &Method, call_id: &str, from_tag: &str, seq: u32) -> Key {
        let invite = matches!(method, Method::Invite | Method::Ack);
        match via.branch() {
            Some(branch) if branch.starts_with("z9hG4bK") => {
                self.keys.server(branch, &via.sent_by(), invite, method.as_str())
            }
            _ => self.keys.old_server(&via.sent_by(), call_id, from_tag, seq, invite, method.as_str()),
        }
    }

    /// A request that came before gets the same response again.
    fn answered_from_memory(&mut self, incoming: &Incoming) -> bool {
        let (known, again) = if incoming.request.method == Method::Invite {
            match self.invites_in.get(&incoming.key) {
                // After a 2xx the machine only absorbs (RFC 6026); the core's 2xx goes out again at once all the same,
                // since its loss is why the INVITE came again.
                Some(invite) => (
                    true,
                    invite.machine.retransmitted().map(<[u8]>::to_vec).or_else(|| {
                        let unacked = self.legs.get(&invite.leg?)?.unacked.as_ref()?;
                        (unacked.seq == incoming.cseq.number).then(|| unacked.response.to_vec())
                    }),
                ),
                None => (false, None),
            }
        } else {
            match self.requests_in.get(&incoming.key) {
                Some(request) => (true, request.machine.retransmitted().map(<[u8]>::to_vec)),
                None => (false, None),
            }
        };
        if let Some(bytes) = again {
            self.counters.retransmissions_out += 1;
            self.send(incoming.to, bytes);
        }
        known
    }

    fn refuse_full(&mut self, incoming: &Incoming) {
        self.shed(&incoming.request, incoming.to);
        let is_call = incoming.request.method == Method::Invite && incoming.to_tag.is_none();
        // It is answered without memory, so it comes again: that is no other call.
        if is_call && self.shed_invites.is_new(incoming.key) {
            self.tell_refused(incoming, 503);
        }
    }

    pub(super) fn tell_refused(&mut self, incoming: &Incoming, status: u16) {
        if let Some(invite) = super::uas::describe(incoming) {
            self.tell(Event::Refused { invite, status });
        }
    }

    fn ack(&mut self, now: Mono, incoming: &Incoming) {
        let reliable = self.is_reliable(incoming.channel);
        if let Some(invite) = self.invites_in.get_mut(&incoming.invite_key) {
            match invite.machine.acknowledged(now, &self.timing, reliable) {
                Acknowledged::Absorbed => return self.rearm_invite_in(incoming.invite_key),
                Acknowledged::ForDialog => {}
                Acknowledged::Stray => {
                    self.counters.stray += 1;
                    return;
                }
            }
        }
        self.ack_in_dialog(now, incoming);
    }

    /// Answers a request other than INVITE at once, and remembers the answer for its retransmissions while there is room;
    /// without memory they are answered anew.
    pub(super) fn answer_request(&mut self, now: Mono, incoming: &Incoming, response: &Response) {
        let bytes = response.to_bytes();
        self.count_answer(response.status);
        let machine = RequestServer::completed(now, &bytes, &self.timing, self.is_reliable(incoming.channel));
        if !machine.is_terminated() && !self.is_full() {
            let request = RequestIn { machine, to: incoming.to, armed: None };
            self.requests_in.insert(incoming.key, request);
            self.rearm_request_in(incoming.key);
        }
        self.send(incoming.to, bytes);
    }

    /// The transaction user answers this request other than INVITE, with `answer_held`.
    pub(super) fn hold_request(&mut self, incoming: &Incoming) {
        let request = RequestIn { machine: RequestServer::Trying, to: incoming.to, armed: None };
        self.requests_in.insert(incoming.key, request);
    }

    /// The final response to a request that was held.
    pub(super) fn answer_held(&mut self, now: Mono, key: Key, response: &Response) {
        let Some(to) = self.requests_in.get(&key).map(|request| request.to) else { return };
        let (bytes, reliable) = (response.to_bytes(), self.is_reliable(to.channel));
        self.count_answer(response.status);
        if let Some(request) = self.requests_in.get_mut(&key) {
            request.machine = RequestServer::completed(now, &bytes, &self.timing, reliable);
        }
        self.rearm_request_in(key);
        self.send(to, bytes);
    }

    pub(super) fn answer_plainly(&mut self, now: Mono, incoming: &Incoming, status: u16) {
        let response = self.plain_response(&incoming.request, status);
        self.answer_request(now, incoming, &response);
    }
}

/// STUN shares the socket: its messages begin with two zero bits and no SIP message does (RFC 5626 section 3.5.2).
fn is_stun(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(0..=3))
}

/// The SDP of a message; `None` without a body, or with another one.
pub(super) fn sdp_of(headers: &Headers, body: &[u8]) -> Option<Vec<u8>> {
    let is_sdp = headers.content_type().is_none_or(|t| t == "application/sdp");
    (!body.is_empty() && is_sdp && !is_encoded(headers)).then(|| body.to_vec())
}

fn is_encoded(headers: &Headers) -> bool {
    headers.tokens(&Name::ContentEncoding).any(|e| !e.eq_ignore_ascii_case("identity"))
}

/// Whether a request's body can be taken or ignored; if not, the answer is 415.
pub(super) fn body_is_understood(request: &Request) -> bool {
    if request.body.is_empty() {
        return true;
    }
    let optional = request
        .headers
        .first(&Name::ContentDisposition)
        .is_some_and(|d| d.to_ascii_lowercase().replace(' ', "").contains("handling=optional"));
    let sdp = request.headers.content_type().is_some_and(|t| t == "application/sdp");
    optional || (sdp && !is_encoded(&request.headers))
}
