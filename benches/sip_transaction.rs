//! What the user agent takes for a call that comes in, and what a held call weighs: `cargo bench --bench sip_transaction`.

use std::time::Duration;

use chrono::DateTime;
use criterion::{Criterion, criterion_group, criterion_main};
use frontdesk::call::ladders::{Ladders, Link};
use frontdesk::sip::user_agent::{Channel, Event, Input, LegId, Listener, Output, UaConfig, UaLimits, UserAgent};
use frontdesk::sip::wire::{Limits, Message, Transport, parse_datagram};
use frontdesk::types::{CallId, Mono, Now, Random};

const SDP: &str = "v=0\r\no=- 3902 3902 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n\
    m=audio 40000 RTP/AVP 9 8 0 101\r\na=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n";
const HELD: u64 = 10_000;
/// 5,000 calls a second: what a call leaves behind for 32 s is there in the numbers it would have then.
const BETWEEN_CALLS: Duration = Duration::from_micros(200);

struct Line {
    ua: UserAgent,
    /// What is kept of each call's messages.
    ladders: Option<Ladders>,
    now: Mono,
    calls: u64,
    leg: Option<LegId>,
    last: Vec<u8>,
}

impl Line {
    fn new() -> Line {
        let local = "192.0.2.1:5060".parse().expect("an address");
        let listeners = vec![Listener { transport: Transport::Udp, local, advertised: None }];
        let limits = UaLimits { dialogs_max: 100_000, transactions_max: 4_000_000, ..UaLimits::default() };
        let ua = UserAgent::new(UaConfig { listeners, limits, ..UaConfig::default() }, Random::for_testing(1));
        Line { ladders: None, ua, now: Mono::from_millis(1), calls: 0, leg: None, last: Vec::new() }
    }

    fn drain(&mut self) {
        loop {
            match self.ua.poll_output() {
                Output::Send { bytes, .. } => {
                    if let Some(ladders) = &mut self.ladders {
                        ladders.sent(self.now, &bytes, link);
                    }
                    self.last = bytes;
                }
                Output::Event(Event::Incoming { leg, .. }) => self.leg = Some(leg),
                Output::Event(_) => {}
                Output::Wait(_) => return,
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.ua.handle_input(self.now, Input::Timeout);
        self.drain();
    }

    fn receive(&mut self, method: &str, seq: u32, tag: &str, body: &str) {
        let n = self.calls;
        let to = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
        let text = format!(
            "{method} sip:desk@192.0.2.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7:5062;rport;branch=z9hG4bK-{method}-{n}\r\n\
             Max-Forwards: 70\r\nFrom: \"Zhang Wei\" <sip:+8613800138000@pbx.desk.example>;tag=p{n}\r\n\
             To: <sip:desk@192.0.2.1>{to}\r\nCall-ID: 5d3a1f0e7b6c4d2a9f8e7d6c-{n}@192.0.2.7\r\nCSeq: {seq} {method}\r\n\
             Contact: <sip:+8613800138000@192.0.2.7:5062>\r\nUser-Agent: Phone 3.2\r\nSupported: replaces, timer\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let source = "192.0.2.7:5062".parse().expect("an address");
        let via = Channel { listener: 0, connection: None };
        if let Some(ladders) = &mut self.ladders {
            ladders.received(self.now, text.as_bytes(), link);
            if seq == 1 && method == "INVITE" {
                let now = Now { mono: self.now, wall: DateTime::UNIX_EPOCH };
                ladders.join(now, CallId(n as i64), &format!("5d3a1f0e7b6c4d2a9f8e7d6c-{n}@192.0.2.7"));
            }
        }
        self.ua.handle_input(self.now, Input::Received { via, source, bytes: text.as_bytes() });
        self.drain();
    }

    /// INVITE, 180, 200, ACK; gives our tag.
    fn set_up(&mut self) -> String {
        self.calls += 1;
        self.pass(BETWEEN_CALLS);
        self.receive("INVITE", 1, "", SDP);
        let leg = self.leg.take().expect("the call came in");
        self.ua.ring(self.now, leg).expect("it rings");
        self.drain();
        self.ua.answer(self.now, leg, SDP.into()).expect("it is answered");
        self.drain();
        let tag = match parse_datagram(&self.last, &Limits::default()) {
            Ok(Message::Response(answer)) if answer.status == 200 => {
                answer.headers.to().expect("a To").tag().map(str::to_owned)
            }
            other => panic!("a 200 is expected: {other:?}"),
        };
        let tag = tag.expect("a tag");
        self.receive("ACK", 1, &tag, "");
        tag
    }

    fn call(&mut self) {
        let tag = self.set_up();
        self.receive("BYE", 2, &tag, "");
        if let Some(ladders) = &mut self.ladders {
            ladders.end(self.now, CallId(self.calls as i64), false);
            assert!(ladders.poll(self.now).is_some_and(|ladder| ladder.messages.len() == 6));
        }
    }

    fn hold(&mut self, calls: u64) {
        for _ in 0..calls {
            self.set_up();
        }
        self.pass(Duration::from_secs(120));
    }
}

/// Resident memory in bytes.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or_default() * 4096
}

fn link() -> Option<Link> {
    let (local, remote) = (([192, 0, 2, 1], 5060).into(), ([192, 0, 2, 7], 5062).into());
    Some(Link { transport: "UDP", local, remote })
}

fn calls(c: &mut Criterion) {
    for held in [0, HELD] {
        let mut line = Line::new();
        let before = resident();
        line.hold(held);
        #[allow(clippy::manual_checked_ops)]
        if held > 0 {
            // With what the transactions took before they ended: the allocator keeps it, the next calls use it again.
            eprintln!("sip/uas_call: {} bytes resident per held call", (resident() - before) / held);
        }
        c.bench_function(&format!("sip/uas_call_beside_{held}"), |b| b.iter(|| line.call()));
    }
    let mut line = Line::new();
    line.ladders = Some(Ladders::default());
    c.bench_function("sip/uas_call_with_its_ladder", |b| b.iter(|| line.call()));
}

criterion_group!(benches, calls);
criterion_main!(benches);
