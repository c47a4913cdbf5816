//! One user agent on a test clock, and what a phone says to it.

use std::net::SocketAddr;
use std::time::Duration;

use crate::sip::user_agent::*;
use crate::sip::wire::{Limits, Message, Name, Request, Response, Transport, parse_datagram};
use crate::types::{Mono, Random};

pub const SDP: &str =
    "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n";
pub const OURS: &str =
    "v=0\r\no=- 2 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8\r\n";
pub const PHONE: &str = "192.0.2.7:5062";
pub const UDP: Channel = Channel { listener: 0, connection: None };
pub const TCP: Channel = Channel { listener: 1, connection: Some(ConnectionId(7)) };
pub const UDP6: Channel = Channel { listener: 2, connection: None };
pub const TLS: Channel = Channel { listener: 3, connection: Some(ConnectionId(8)) };
pub const WSS: Channel = Channel { listener: 4, connection: Some(ConnectionId(9)) };

/// Timeouts that may follow each other before the run counts as one that never settles.
const STEPS_MAX: usize = 20_000;

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub fn config() -> UaConfig {
    let listener = |transport, local: &str| Listener { transport, local: local.parse().unwrap(), advertised: None };
    UaConfig {
        listeners: vec![
            listener(Transport::Udp, "192.0.2.1:5060"),
            listener(Transport::Tcp, "192.0.2.1:5060"),
            listener(Transport::Udp, "[2001:db8::1]:5060"),
            listener(Transport::Tls, "192.0.2.1:5061"),
            listener(Transport::Wss, "192.0.2.1:443"),
        ],
        info_types: vec!["application/dtmf-relay".to_owned()],
        ..UaConfig::default()
    }
}

pub fn read(bytes: &[u8]) -> Message {
    let text = String::from_utf8_lossy(bytes).into_owned();
    parse_datagram(bytes, &Limits::default()).unwrap_or_else(|e| panic!("what we sent can't be read: {e}\n{text}"))
}

#[derive(Debug, Clone)]
pub struct Sent {
    pub at: Mono,
    pub to: Destination,
    pub message: Message,
    pub bytes: Vec<u8>,
}

impl Sent {
    pub fn response(&self) -> &Response {
        match &self.message {
            Message::Response(response) => response,
            Message::Request(request) => panic!("a response is expected, not {}", request.method),
        }
    }

    pub fn request(&self) -> &Request {
        match &self.message {
            Message::Request(request) => request,
            Message::Response(response) => panic!("a request is expected, not {}", response.status),
        }
    }

    /// `180 INVITE` or `BYE`.
    pub fn name(&self) -> String {
        match &self.message {
            Message::Request(request) => request.method.to_string(),
            Message::Response(response) => {
                format!("{} {}", response.status, response.headers.cseq().unwrap().method)
            }
        }
    }

    pub fn header(&self, name: Name) -> String {
        self.message.headers().all(&name).collect::<Vec<_>>().join(", ")
    }

    pub fn to_tag(&self) -> String {
        self.message.headers().to().unwrap().tag().unwrap_or_default().to_owned()
    }
}

/// The fixture. What was sent and told waits here until a test takes it.
pub struct Line {
    pub ua: UserAgent,
    pub now: Mono,
    pub sent: Vec<Sent>,
    /// Refusals of what could not be read: their values go back as they came, so that our own reader refuses them too.
    pub raw: Vec<(Destination, Vec<u8>)>,
    /// Binding requests.
    pub stun: Vec<Vec<u8>>,
    /// Empty lines that keep a way open.
    pub pings: usize,
    pub events: Vec<Event>,
    pub channel: Channel,
    pub source: SocketAddr,
    wake: Option<Mono>,
}

impl Line {
    pub fn new() -> Line {
        Line::with(config())
    }

    pub fn with(config: UaConfig) -> Line {
        Line {
            ua: UserAgent::new(config, Random::for_testing(1)),
            now: Mono::from_millis(1_000),
            sent: Vec::new(),
            raw: Vec::new(),
            stun: Vec::new(),
            pings: 0,
            events: Vec::new(),
            channel: UDP,
            source: PHONE.parse().unwrap(),
            wake: None,
        }
    }

    pub fn over(channel: Channel) -> Line {
        let mut line = Line::new();
        line.channel = channel;
        line
    }

    pub fn input(&mut self, input: Input<'_>) {
        self.ua.handle_input(self.now, input);
        self.drain();
    }

    pub fn receive(&mut self, text: impl AsRef<str>) {
        let (via, source) = (self.channel, self.source);
        self.input(Input::Received { via, source, bytes: text.as_ref().as_bytes() });
    }

    /// A command of the transaction user.
    pub fn tell<T>(&mut self, command: impl FnOnce(&mut UserAgent, Mono) -> T) -> T {
        let result = command(&mut self.ua, self.now);
        self.drain();
        result
    }

    fn drain(&mut self) {
        loop {
            match self.ua.poll_output() {
                Output::Send { to, bytes } if bytes.starts_with(b"SIP/2.0 400") => self.raw.push((to, bytes)),
                Output::Send { bytes, .. } if bytes.first() == Some(&0) => self.stun.push(bytes),
                Output::Send { bytes, .. } if bytes == b"\r\n\r\n" => self.pings += 1,
                Output::Send { to, bytes } => {
                    self.sent.push(Sent { at: self.now, to, message: read(&bytes), bytes });
                }
                Output::Event(event) => self.events.push(event),
                Output::Wait(wake) => {
                    self.wake = wake;
                    return;
                }
            }
        }
    }

    pub fn advance(&mut self, by: Duration) {
        let end = self.now + by;
        for _ in 0..STEPS_MAX {
            match self.wake {
                Some(at) if at <= end => {
                    self.now = self.now.max(at);
                    self.input(Input::Timeout);
                }
                _ => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!("the user agent does not settle");
    }

    pub fn take(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    /// What went out since the last look, by name.
    pub fn names(&mut self) -> Vec<String> {
        self.take().iter().map(Sent::name).collect()
    }

    /// The one message that went out since the last look.
    #[track_caller]
    pub fn one(&mut self) -> Sent {
        let mut sent = self.take();
        assert_eq!(sent.len(), 1, "one message is expected: {:?}", sent.iter().map(Sent::name).collect::<Vec<_>>());
        sent.remove(0)
    }

    pub fn told(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The call that came in.
    #[track_caller]
    pub fn incoming(&mut self) -> (LegId, IncomingInvite) {
        match self.told().as_slice() {
            [Event::Incoming { leg, invite }] => (*leg, invite.clone()),
            other => panic!("one incoming call is expected: {other:?}"),
        }
    }

    /// A call that is answered and acknowledged; gives the leg and our tag.
    pub fn up(&mut self, invite: &Phone) -> (LegId, String) {
        self.receive(invite.text());
        let (leg, _) = self.incoming();
        self.tell(|ua, now| ua.answer(now, leg, OURS.into())).unwrap();
        let tag = self.one().to_tag();
        self.receive(invite.ack(&tag).text());
        assert_eq!(self.told(), [Event::Acked { leg, sdp: None }]);
        (leg, tag)
    }
}

impl Drop for Line {
    /// Nothing is left in any table once everything has had its time.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.advance(Duration::from_secs(300));
            assert!(self.ua.is_idle(), "something is left: {:#?}", self.ua);
        }
    }
}

/// A phone's request: change what matters to a test, then take its `text`.
#[derive(Debug, Clone)]
pub struct Phone {
    pub method: String,
    pub uri: String,
    pub via: String,
    pub branch: String,
    pub from: String,
    pub to: String,
    pub call_id: String,
    pub cseq: u32,
    pub contact: Option<String>,
    pub headers: Vec<String>,
    pub body: String,
}

impl Phone {
    pub fn new(method: &str) -> Phone {
        Phone {
            method: method.to_owned(),
            uri: "sip:desk@192.0.2.1".to_owned(),
            via: "SIP/2.0/UDP 192.0.2.7:5062;rport".to_owned(),
            branch: format!("z9hG4bK-{}-1", method.to_lowercase()),
            from: "\"Zhang Wei\" <sip:201@pbx.example>;tag=p1".to_owned(),
            to: "<sip:desk@192.0.2.1>".to_owned(),
            call_id: "call-1".to_owned(),
            cseq: 1,
            contact: Some("<sip:201@192.0.2.7:5062>".to_owned()),
            headers: Vec::new(),
            body: String::new(),
        }
    }

    pub fn invite() -> Phone {
        Phone::new("INVITE").sdp(SDP)
    }

    pub fn header(mut self, line: &str) -> Phone {
        self.headers.push(line.to_owned());
        self
    }

    pub fn body(mut self, content_type: &str, body: &str) -> Phone {
        self.headers.retain(|h| !h.starts_with("Content-Type"));
        self.body = body.to_owned();
        self.header(&format!("Content-Type: {content_type}"))
    }

    pub fn sdp(self, sdp: &str) -> Phone {
        self.body("application/sdp", sdp)
    }

    pub fn without_sdp(mut self) -> Phone {
        self.headers.retain(|h| !h.starts_with("Content-Type"));
        self.body.clear();
        self
    }

    pub fn branch(mut self, branch: &str) -> Phone {
        self.branch = format!("z9hG4bK-{branch}");
        self
    }

    pub fn via(mut self, via: &str) -> Phone {
        self.via = via.to_owned();
        self
    }

    pub fn call(mut self, n: usize) -> Phone {
        self.call_id = format!("call-{n}");
        self.branch = format!("{}-c{n}", self.branch);
        self
    }

    /// A request within the call that this INVITE began.
    pub fn next(&self, method: &str, cseq: u32, tag: &str) -> Phone {
        Phone {
            branch: format!("z9hG4bK-{method}-{cseq}-{}", self.call_id),
            to: format!("<sip:desk@192.0.2.1>;tag={tag}"),
            cseq,
            from: self.from.clone(),
            call_id: self.call_id.clone(),
            via: self.via.clone(),
            ..Phone::new(method)
        }
    }

    /// The ACK to a 2xx: a transaction of its own.
    pub fn ack(&self, tag: &str) -> Phone {
        Phone { contact: None, ..self.next("ACK", self.cseq, tag) }
    }

    /// The ACK to a refusal, in the INVITE's transaction.
    pub fn ack_refusal(&self, tag: &str) -> Phone {
        Phone { branch: self.branch.clone(), ..self.ack(tag) }
    }

    pub fn cancel(&self) -> Phone {
        let (method, body, headers) = ("CANCEL".to_owned(), String::new(), Vec::new());
        Phone { method, body, headers, contact: None, ..self.clone() }
    }

    pub fn text(&self) -> String {
        let Phone { method, uri, via, branch, from, to, call_id, cseq, contact, headers, body } = self;
        let contact = contact.iter().map(|c| format!("Contact: {c}\r\n")).collect::<String>();
        let headers = headers.iter().map(|h| format!("{h}\r\n")).collect::<String>();
        format!(
            "{method} {uri} SIP/2.0\r\nVia: {via};branch={branch}\r\nMax-Forwards: 70\r\nFrom: {from}\r\nTo: {to}\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n{contact}{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

/// What a peer answers to a request of ours.
pub fn reply(request: &Request, status: u16, tag: &str, contact: Option<&str>, sdp: Option<&str>) -> String {
    let mut response = request.response(status);
    if !tag.is_empty() {
        let mut to = request.headers.to().unwrap();
        to.set_tag(tag);
        response.headers.set(Name::To, to.to_string());
    }
    if let Some(contact) = contact {
        response.headers.push(Name::Contact, contact);
    }
    if let Some(sdp) = sdp {
        response.set_body("application/sdp", sdp);
    }
    String::from_utf8(response.to_bytes()).unwrap()
}
