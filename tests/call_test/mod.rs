//! Calls in virtual time: all contact of the call tests with the exchange is here. It plays the caller, the media streams,
//! the ports, the recorder and the store, and writes down what it sees. When it is dropped nothing may be left.

mod callee;
mod doubles;
mod own_phone;
mod phone;
mod registering;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use frontdesk::call::admission::{AdmissionLimits, Network};
use frontdesk::call::answering::Cadence;
use frontdesk::call::events::What;
use frontdesk::call::exchange::Exchange;
use frontdesk::call::info_digits::CONTENT_TYPES;
use frontdesk::call::io::{Input, LentPorts, Output};
use frontdesk::call::service::{CallBackSettings, Service, WayOut};
use frontdesk::desk::answers::Answers;
use frontdesk::desk::call_record::{Direction, RtpStats};
use frontdesk::desk::errand::{Errand, ErrandAbout, ErrandId, ErrandState, ErrandTo};
use frontdesk::desk::hours::{Hours, Span};
use frontdesk::desk::ladder::CallLadder;
use frontdesk::desk::live::{Phase, Steer, SteerOrder};
use frontdesk::desk::people::Directory;
use frontdesk::desk::phones::Phones;
use frontdesk::desk::presence::Notice;
use frontdesk::desk::request::{DeskRequest, Done};
use frontdesk::desk::ticket::{Kind, Urgency};
use frontdesk::desk::trunks::Gateway;
use frontdesk::flow::io::RecordSpec;
use frontdesk::flow::{CompileContext, Flow};
use frontdesk::media::io::{DigitSource, Encoded, MediaCommand, MediaEvent, RecordStop, StreamReport};
use frontdesk::prompts::{Library, LibraryOptions};
use frontdesk::sip::locate::Target;
use frontdesk::sip::user_agent::{self, Channel, Listener, UaConfig, UserAgent};
use frontdesk::sip::wire::{Limits, Message, Method, Name, Request, Response, Transport, Uri, parse_datagram};
use frontdesk::types::{
    CallId, Codec, Digit, Lang, MessageId, Mono, Now, NumberFormat, NumberPlan, Random, RecordingId, SrtpMode,
    SrtpPolicy, StreamId, TicketNumber,
};

use callee::Callee;
use doubles::{Recorder, Store, StoreState, Stream, Take};
use phone::{KEY, OTHER_KEY, Phone, encrypted, sdp};
use registering::Registering;

/// More steps than this for one command is a run that doesn't settle.
const STEPS_MAX: usize = 20_000;
const COMMIT: Duration = Duration::from_millis(10);
const CLIP_MS: u64 = 1_000;

fn library() -> Arc<Library> {
    static LIBRARY: OnceLock<Arc<Library>> = OnceLock::new();
    let load = || {
        let languages = vec![Lang::new("zh"), Lang::new("en")];
        let desk_name = |_: &Lang| "desk".to_owned();
        Arc::new(Library::load(&LibraryOptions { dir: None, languages, desk_name: &desk_name }).0)
    };
    LIBRARY.get_or_init(load).clone()
}

fn flow(text: &str) -> Arc<Flow> {
    let answers = Answers::parse(Answers::default_text(), "answers").expect("the built-in answers are good");
    let hours = Hours::parse(Hours::default_text(), "hours").expect("the built-in hours are good");
    let languages = [Lang::new("zh"), Lang::new("en")];
    let prompts = library();
    let context = CompileContext {
        prompts: &|id| prompts.has(id),
        answers: &answers,
        languages: &languages,
        hours: &hours,
        time_zone: chrono_tz::Asia::Shanghai,
    };
    Arc::new(Flow::compile(text, "flow", &context).unwrap_or_else(|problems| panic!("{problems:#?}")))
}

fn service(setup: &Setup, flow: Arc<Flow>) -> Arc<Service> {
    let text = |name: &Option<String>, built_in: &str| match name {
        Some(name) => {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/calls").join(name);
            fs::read_to_string(path).expect("the file is there")
        }
        None => built_in.to_owned(),
    };
    let people = text(&setup.people, Directory::default_text());
    let without = people.replace("duty = [\"emergency\", ", "duty = [").replace("duty = [\"emergency\"]", "duty = []");
    let people = if setup.nobody_on_duty { without } else { people };
    let hours = text(&setup.hours, Hours::default_text());
    Arc::new(Service {
        flow,
        people: Arc::new(Directory::parse(&people, "people").expect("the people are good")),
        hours: Arc::new(Hours::parse(&hours, "hours").expect("the hours are good")),
        refer_to: setup.refer_to.clone(),
        gateway: setup.gateway.clone().map(Gateway::Address),
        trunks: Vec::new(),
        number_format: setup.number_format,
        trusted: setup.trusted.clone(),
        numbers: NumberPlan::default(),
        phones: Arc::new(Phones::parse(own_phone::PHONES, "phones").expect("they are good")),
        prompts: library(),
        languages: vec![Lang::new("zh"), Lang::new("en")],
        cadence: Cadence::default(),
        after_rings: setup.after_rings,
        time_zone: chrono_tz::Asia::Shanghai,
        codecs: Codec::ALL.to_vec(),
        srtp: SrtpPolicy::new(setup.srtp),
        ice: true,
        dtls: None,
        record: RecordSpec::default(),
        recording_notice: false,
        call_max: Duration::from_secs(3600),
        call_back: CallBackSettings {
            gateway: setup.call_back_gateway.map(WayOut::Address),
            number_format: setup.number_format,
            hours: Span::parse("08:00-21:00"),
            ring: Duration::from_secs(30),
            denied: setup.call_back_denied.clone(),
            allowed: vec!["+86".to_owned()],
        },
        outgoing_per_hour_max: setup.outgoing_per_hour_max,
        errands_at_once: 2,
    })
}

/// A run of the line.
fn exchange(setup: Setup, next_call: i64) -> Exchange {
    let local = "192.0.2.1:5060".parse().expect("an address");
    let config = UaConfig {
        listeners: vec![Listener { transport: Transport::Udp, local, advertised: None }],
        info_types: CONTENT_TYPES.map(str::to_owned).to_vec(),
        ..UaConfig::default()
    };
    let limits = AdmissionLimits { calls_max: setup.calls_max, allowed: setup.allowed.clone(), ..Default::default() };
    static FLOW: OnceLock<Arc<Flow>> = OnceLock::new();
    let flow = FLOW.get_or_init(|| flow(Flow::default_text())).clone();
    let mut ua = UserAgent::new(config, Random::for_testing(1));
    ua.set_accounts(Mono::from_millis(1_000_000), registering::accounts());
    let service = service(&setup, flow);
    Exchange::new(ua, service, limits, next_call, Random::for_testing(2))
}

/// An input that is on its way to the exchange.
enum Due {
    Input(Box<dyn FnOnce() -> Input<'static>>),
    Sip(SocketAddr, String),
}

pub struct CallTest {
    exchange: Exchange,
    /// What was kept of calls that are over.
    pub ladders: Vec<CallLadder>,
    setup: Setup,
    now: Now,
    zero: Mono,
    log: String,
    last: String,
    wake: Option<Mono>,
    later: BTreeMap<(Mono, u64), Due>,
    sequence: u64,
    phones: Vec<Phone>,
    /// Phones that the desk rang, in order.
    callees: Vec<Callee>,
    bridges: Vec<(StreamId, StreamId)>,
    phone: usize,
    source: String,
    free_ports: usize,
    lent: BTreeSet<StreamId>,
    streams: BTreeMap<StreamId, Stream>,
    pub store: Store,
    recorder: Recorder,
    /// ACKs, or the answers to our BYE, that get lost.
    lose_ack: bool,
    lose_bye: bool,
    /// The caller says nothing any more.
    vanished: bool,
    /// Header lines for the next request.
    says: Vec<String>,
    /// RSeq and tag of a response that waits for its PRACK.
    asked: Option<(String, String)>,
    /// What a REGISTER was asked.
    challenge: Option<String>,
    invites: usize,
    refused: usize,
    /// Rows may be fewer than INVITEs: a flood.
    pub flood: bool,
    idle_told: usize,
    /// Telephones that register: account, contact, and what they asked so far.
    registering: Vec<Registering>,
    said: BTreeMap<String, Notice>,
}

#[derive(Debug, Clone)]
pub struct Setup {
    pub after_rings: u8,
    pub calls_max: usize,
    pub ports: usize,
    pub allowed: Vec<Network>,
    /// PBXs that take talks over.
    pub refer_to: Vec<Network>,
    /// Networks whose word on the caller counts.
    pub trusted: Vec<Network>,
    /// Files of tests/calls, in place of what is built in.
    pub people: Option<String>,
    pub hours: Option<String>,
    pub gateway: Option<String>,
    pub call_back_gateway: Option<SocketAddr>,
    /// Beginnings of numbers that are not dialled.
    pub call_back_denied: Vec<String>,
    pub outgoing_per_hour_max: u32,
    /// How both gateways want numbers.
    pub number_format: NumberFormat,
    pub nobody_on_duty: bool,
    /// The time of day at the desk.
    pub hour: u32,
    pub srtp: SrtpMode,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            after_rings: 0,
            calls_max: 100,
            ports: 100,
            allowed: Vec::new(),
            refer_to: Vec::new(),
            trusted: Vec::new(),
            people: None,
            hours: None,
            gateway: None,
            call_back_gateway: None,
            call_back_denied: Vec::new(),
            outgoing_per_hour_max: 200,
            number_format: NumberFormat::default(),
            nobody_on_duty: false,
            hour: 10,
            srtp: SrtpMode::Optional,
        }
    }
}

impl CallTest {
    pub fn new(setup: Setup) -> Self {
        let wall: DateTime<Utc> = "2026-11-22T16:00:00Z".parse().expect("it is a time");
        let wall = wall + Duration::from_secs(3600 * u64::from(setup.hour));
        let now = Now { mono: Mono::from_millis(1_000_000), wall };
        Self {
            exchange: exchange(setup.clone(), 1),
            ladders: Vec::new(),
            source: "192.0.2.7".to_owned(),
            free_ports: setup.ports,
            setup,
            now,
            zero: now.mono,
            log: String::new(),
            last: String::new(),
            wake: None,
            later: BTreeMap::new(),
            sequence: 0,
            phones: Vec::new(),
            callees: Vec::new(),
            bridges: Vec::new(),
            phone: 0,
            lent: BTreeSet::new(),
            streams: BTreeMap::new(),
            store: Store::default(),
            recorder: Recorder::default(),
            lose_ack: false,
            lose_bye: false,
            vanished: false,
            says: Vec::new(),
            asked: None,
            challenge: None,
            invites: 0,
            refused: 0,
            flood: false,
            idle_told: 0,
            registering: Vec::new(),
            said: BTreeMap::new(),
        }
    }

    pub fn take_log(&mut self) -> String {
        std::mem::take(&mut self.log)
    }

    /// One line of a script.
    pub fn command(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["invite", rest @ ..] => self.invite(rest),
            ["ack"] => self.ack(None),
            ["ack", "sdp"] => self.ack(Some(8)),
            ["ack", "sdp", "unknown"] => self.ack(Some(3)),
            ["key" | "keys", keys] => keys.chars().for_each(|key| self.key(key)),
            ["info", key] => {
                let body = format!("Signal={key}\r\nDuration=160\r\n");
                self.in_dialog("INFO", Some(("application/dtmf-relay", &body)));
            }
            // The peer wants us to call somebody.
            ["refer"] => self.in_dialog("REFER", Some(("message/x\r\nRefer-To: <sip:202@192.0.2.9>", ""))),
            // What a PBX says of the two calls that it was asked to put together.
            ["notify", status] => {
                let kind = "message/sipfrag\r\nEvent: refer\r\nSubscription-State: terminated;reason=noresource";
                self.in_dialog("NOTIFY", Some((kind, &format!("SIP/2.0 {status} x\r\n"))));
            }
            ["wait", time] => self.advance(duration(time)),
            ["speak", time] => self.speak(duration(time)),
            ["bye"] => self.in_dialog("BYE", None),
            ["bye", "because", ..] => {
                let reason = line.strip_prefix("bye because ").expect("it begins so");
                self.in_dialog("BYE", Some((&format!("message/x\r\nReason: {reason}"), "")));
            }
            // More header lines for the next request.
            ["says", ..] => self.says.push(line.strip_prefix("says ").expect("it begins so").to_owned()),
            ["prack"] => self.prack(),
            ["update"] => self.in_dialog("UPDATE", None),
            ["update", direction] => {
                let body = sdp(&self.source, 8, direction, 2);
                self.in_dialog("UPDATE", Some(("application/sdp", &body)));
            }
            ["vanish"] => self.vanished = true,
            ["cancel"] => {
                let phone = &self.phones[self.phone];
                let text = phone.request("CANCEL", 1, "invite", None);
                self.sip(&text);
            }
            ["reinvite", "encrypted", what] => {
                let (key, direction) = match *what {
                    "hold" => (KEY, "sendonly"),
                    "resume" => (KEY, "sendrecv"),
                    "elsewhere" => (OTHER_KEY, "sendrecv"),
                    other => panic!("`{other}` is no re-INVITE"),
                };
                let body = encrypted(&self.source, "RTP/SAVP", key, direction, 2);
                self.in_dialog("INVITE", Some(("application/sdp", &body)));
            }
            ["reinvite", what] => {
                let (payload_type, direction) = match *what {
                    "hold" => (8, "sendonly"),
                    "resume" => (8, "sendrecv"),
                    "pcmu" => (0, "sendrecv"),
                    "unknown" => (3, "sendrecv"),
                    other => panic!("`{other}` is no re-INVITE"),
                };
                let body = sdp(&self.source, payload_type, direction, 2);
                self.in_dialog("INVITE", Some(("application/sdp", &body)));
            }
            ["callee", user, what @ ..] => self.callee(user, what),
            ["register", account, contact] => self.register(account, contact),
            ["presence", extension, state, lasts @ ..] => {
                let until = lasts.first().map(|lasts| self.now.wall + duration(lasts));
                self.presence(extension, state, until);
            }
            ["errand", number, kind, to, rest @ ..] => {
                let due = self.now.wall;
                let errand = errand(number.parse().expect("a number"), kind, to, rest, due);
                self.store.errands.insert(errand.id.0, (errand, ErrandState::Waiting));
                self.look_for_errands();
            }
            // Its matter is settled meanwhile.
            ["overtaken", number] => {
                self.input(Input::Overtaken(vec![ErrandId(number.parse().expect("a number"))]));
            }
            // Somebody looks at the board.
            ["live"] => self.look_at_live_calls(),
            // Somebody asks for it at a screen; `any`: whoever has the caller.
            ["steer", by, what @ ..] => self.steer(by, what),
            // The watch tells again what waits.
            ["look"] => self.look_for_errands(),
            ["lose", "ack"] => self.lose_ack = true,
            ["lose", "bye"] => self.lose_bye = true,
            // Its worker could not open it, or lost its socket.
            ["lose", "stream"] => {
                if let Some(id) = self.call().map(StreamId::caller).filter(|id| self.streams.remove(id).is_some()) {
                    self.give_back(id);
                    let report = StreamReport::of_lost(RtpStats::default());
                    self.input(Input::MediaClosed { stream: id, report });
                }
            }
            ["lose", "media"] => self.media(MediaEvent::MediaLost),
            ["store", "overloaded"] => self.store.state = StoreState::Overloaded,
            ["store", "fails"] => self.store.state = StoreState::DiskFull,
            ["store", "writes"] => self.store.state = StoreState::Writes,
            ["left", recording] => self.store.leave(recording, self.now.wall),
            ["lose", "file", recording] => self.store.lost.push(RecordingId((*recording).to_owned())),
            ["disk", "full"] => {
                self.recorder.fails = true;
                self.recorder.open.values_mut().for_each(|written| *written = false);
            }
            ["from", source] => (*source).clone_into(&mut self.source),
            ["call", number] => {
                let at = number.parse::<usize>().expect("a number") - 1;
                if at < self.phones.len() {
                    self.phone = at;
                }
            }
            ["reload", "rings", rings] => {
                let rings = rings.parse().expect("a number");
                let flow = flow(&Flow::default_text().replacen("say = [\"greeting\"]", "say = [\"goodbye\"]", 1));
                let service = service(&Setup { after_rings: rings, ..Setup::default() }, flow);
                self.input(Input::Reload(service));
            }
            // The caller's telephone registers here first.
            ["register"] => {
                let mut accounts = registering::accounts();
                accounts.push(own_phone::account());
                self.input(Input::Accounts(accounts));
                self.register_own(None);
                let challenge = self.challenge.take().expect("it is asked for its password");
                self.register_own(Some(&challenge));
            }
            // Another run on the same store.
            ["restart"] => {
                assert!(self.lent.is_empty() && self.streams.is_empty(), "the line has not ended");
                let next_call = self.store.rows.keys().max().map_or(1, |last| last + 1);
                self.exchange = exchange(self.setup.clone(), next_call);
                (self.wake, self.idle_told) = (None, 0);
                self.callees.clear();
                let waiting = self.store.waiting_call_backs();
                self.input(Input::CallBacks(waiting));
                self.store.take_up_errands();
                self.look_for_errands();
            }
            ["shutdown", time] => {
                let until = self.now.mono + duration(time);
                self.input(Input::Shutdown { until });
            }
            ["flood", number] => {
                self.flood = true;
                for _ in 0..number.parse::<usize>().expect("a number") {
                    self.invite(&[]);
                }
                let rows = self.store.rows.len();
                self.note(format!("rows {rows}"));
            }
            other => panic!("no such command: {other:?}"),
        }
    }

    fn look_for_errands(&mut self) {
        let waiting = self.store.waiting_errands();
        if !waiting.is_empty() {
            self.input(Input::Errands(waiting));
        }
    }

    fn register_own(&mut self, challenge: Option<&str>) {
        let source = format!("{}:5062", self.source).parse().expect("an address");
        let text = own_phone::request(&self.source, challenge);
        self.receive(source, &text);
        self.settle();
    }

    fn invite(&mut self, what: &[&str]) {
        let replaced = self.phones.get(self.phone).map(|of| {
            format!(
                "Replaces: {};to-tag={};from-tag=p{}\r\n",
                of.call_id(),
                of.tag.as_deref().unwrap_or("x"),
                of.number
            )
        });
        let mut phone = Phone::new(self.phones.len() + 1, &self.source);
        let body = match what {
            [] | ["pcma"] | ["replacing"] => Some(sdp(&self.source, 8, "sendrecv", 1)),
            ["pcmu"] => Some(sdp(&self.source, 0, "sendrecv", 1)),
            ["unknown"] => Some(sdp(&self.source, 3, "sendrecv", 1)),
            ["savp"] => Some(encrypted(&self.source, "RTP/SAVP", KEY, "sendrecv", 1)),
            ["keys"] => Some(encrypted(&self.source, "RTP/AVP", KEY, "sendrecv", 1)),
            ["offerless"] => None,
            other => panic!("no such INVITE: {other:?}"),
        };
        phone.invite_sdp.clone_from(&body);
        let text = phone.request("INVITE", 1, "invite", body.as_deref().map(|b| ("application/sdp", b)));
        let text = match (what, replaced) {
            // The call takes the place of the one before.
            (["replacing"], Some(line)) => text.replacen("Content-Length:", &format!("{line}Content-Length:"), 1),
            _ => text,
        };
        let lines: String = std::mem::take(&mut self.says).iter().map(|line| format!("{line}\r\n")).collect();
        let text = text.replacen("Content-Length:", &format!("{lines}Content-Length:"), 1);
        // The last From counts.
        let text = match text.find("\r\nFrom: ").zip(text.rfind("\r\nFrom: ")) {
            Some((first, last)) if first < last => {
                let end = first + 2 + text[first + 2..].find("\r\n").expect("a line ends");
                format!("{}{}", &text[..first], &text[end..])
            }
            Some(_) | None => text,
        };
        self.phones.push(phone);
        self.phone = self.phones.len() - 1;
        self.invites += 1;
        self.sip(&text);
    }

    fn ack(&mut self, payload_type: Option<u8>) {
        let phone = &self.phones[self.phone];
        let body = payload_type.map(|pt| sdp(&phone.host, pt, "sendrecv", 1));
        let text = phone.request("ACK", phone.cseq, "ack", body.as_deref().map(|b| ("application/sdp", b)));
        self.sip(&text);
    }

    /// The acknowledgement of the 180 that asked for one.
    fn prack(&mut self) {
        let (rseq, tag) = self.asked.take().expect("a provisional response asks for it");
        let phone = &mut self.phones[self.phone];
        phone.tag = Some(tag);
        let kind = format!("message/x\r\nRAck: {rseq} 1 INVITE");
        self.in_dialog("PRACK", Some((&kind, "")));
    }

    fn in_dialog(&mut self, method: &str, content: Option<(&str, &str)>) {
        let phone = &mut self.phones[self.phone];
        if phone.tag.is_none() {
            // Outside of a dialog it would be another call's beginning.
            return;
        }
        phone.cseq += 1;
        let branch = format!("{method}-{}", phone.cseq);
        let lines: String = std::mem::take(&mut self.says).iter().map(|line| format!("{line}\r\n")).collect();
        let text = phone.request(method, phone.cseq, &branch, content);
        let text = text.replacen("Content-Length:", &format!("{lines}Content-Length:"), 1);
        self.sip(&text);
    }

    fn sip(&mut self, text: &str) {
        let phone = &self.phones[self.phone];
        let source = format!("{}:{}", phone.host, phone.port).parse().expect("an address");
        self.receive(source, text);
        self.settle();
    }

    fn receive(&mut self, source: SocketAddr, text: &str) {
        let via = Channel { listener: 0, connection: None };
        let bytes = text.as_bytes();
        let now = self.now;
        self.exchange.handle_input(now, Input::Sip(user_agent::Input::Received { via, source, bytes }));
        self.drain();
    }

    /// The id of the call at hand, once it has a row.
    fn call(&self) -> Option<CallId> {
        let sip_call_id = self.phones.get(self.phone)?.call_id();
        self.store.rows.values().find(|row| row.sip_call_id == sip_call_id).map(|row| row.id)
    }

    fn media(&mut self, event: MediaEvent) {
        if let Some(call) = self.call().filter(|call| self.streams.contains_key(&StreamId::caller(*call))) {
            self.input(Input::Media { stream: StreamId::caller(call), event });
        }
    }

    fn key(&mut self, key: char) {
        let digit = Digit::from_char(key).unwrap_or_else(|| panic!("`{key}` is no key"));
        if let Some(call) = self.call() {
            self.press(StreamId::caller(call), digit, DigitSource::Rfc4733);
            self.settle();
        }
    }

    fn press(&mut self, id: StreamId, digit: Digit, source: DigitSource) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        match stream.recording.take_if(|take| take.limits.stop_keys.contains(&digit)) {
            Some(take) => self.stop(id, &take, RecordStop::Key(digit)),
            None => self.soon(move || Input::Media { stream: id, event: MediaEvent::Digit { digit, source } }),
        }
    }

    fn stop(&mut self, id: StreamId, take: &Take, stop: RecordStop) {
        let (token, duration_ms) = (take.token, self.now.mono.ms_since(take.started));
        self.soon(move || Input::Media { stream: id, event: MediaEvent::RecordDone { token, duration_ms, stop } });
    }

    fn speak(&mut self, time: Duration) {
        if let Some(id) = self.call().map(StreamId::caller) {
            self.speak_into(id, time);
        }
    }

    fn speak_into(&mut self, id: StreamId, time: Duration) {
        for _ in 0..600 {
            if self.streams.get(&id).is_none_or(|s| s.recording.is_some()) {
                break;
            }
            self.advance(Duration::from_millis(100));
        }
        let end = self.now.mono + time;
        match self.streams.get_mut(&id).and_then(|stream| stream.recording.as_mut()) {
            Some(take) => take.heard = end,
            None => self.note("nobody listens"),
        }
        self.advance(time);
    }

    fn input(&mut self, input: Input<'_>) {
        let now = self.now;
        self.exchange.handle_input(now, input);
        self.drain();
        self.settle();
    }

    fn soon(&mut self, input: impl FnOnce() -> Input<'static> + 'static) {
        self.after(Duration::ZERO, Due::Input(Box::new(input)));
    }

    fn after(&mut self, delay: Duration, due: Due) {
        self.sequence += 1;
        self.later.insert((self.now.mono + delay, self.sequence), due);
    }

    fn settle(&mut self) {
        self.advance(Duration::ZERO);
    }

    pub fn advance(&mut self, by: Duration) {
        let end = self.now.mono + by;
        for _ in 0..STEPS_MAX {
            let plays =
                self.streams.values().filter(|s| s.held_at.is_none()).filter_map(|s| s.playing.map(|(_, at)| at)).min();
            let takes = self.streams.values().filter_map(|s| s.recording.as_ref().map(Take::end)).min();
            let later = self.later.first_key_value().map(|((at, _), _)| *at);
            let Some(next) = [self.wake, later, plays, takes].into_iter().flatten().min().filter(|at| *at <= end)
            else {
                self.now = self.now.after(end.since(self.now.mono));
                return;
            };
            self.now = self.now.after(next.since(self.now.mono));
            self.step(later, plays, takes);
        }
        panic!("it does not settle\n{}", self.log);
    }

    fn step(&mut self, later: Option<Mono>, plays: Option<Mono>, takes: Option<Mono>) {
        let at = self.now.mono;
        let due = |time: Option<Mono>| time.is_some_and(|t| t <= at);
        if due(later) {
            let (_, due) = self.later.pop_first().expect("one is due");
            match due {
                Due::Input(make) => {
                    let now = self.now;
                    self.exchange.handle_input(now, make());
                    self.drain();
                }
                Due::Sip(source, text) => self.receive(source, &text),
            }
        } else if due(plays) {
            let done =
                self.streams.iter_mut().filter(|(_, stream)| stream.held_at.is_none()).find_map(|(id, stream)| {
                    stream.playing.take_if(|(_, end)| *end <= at).map(|(token, _)| (*id, token))
                });
            let (id, token) = done.expect("one has ended");
            self.soon(move || Input::Media { stream: id, event: MediaEvent::PlayDone(token) });
        } else if due(takes) {
            let done = self
                .streams
                .iter_mut()
                .find_map(|(id, stream)| stream.recording.take_if(|take| take.end() <= at).map(|take| (*id, take)));
            let (id, take) = done.expect("one has ended");
            let limit = take.started + Duration::from_millis(take.limits.max_ms.into());
            let stop = if limit <= at { RecordStop::Limit } else { RecordStop::Silence };
            self.stop(id, &take, stop);
        } else {
            let now = self.now;
            self.exchange.handle_input(now, Input::Timeout);
            self.drain();
        }
    }

    fn drain(&mut self) {
        for _ in 0..STEPS_MAX {
            match self.exchange.poll_output() {
                Output::Wait(wake) => {
                    self.wake = wake;
                    return;
                }
                output => self.see(output),
            }
        }
        panic!("it does not settle\n{}", self.log);
    }

    fn see(&mut self, output: Output) {
        match output {
            Output::Send { to, bytes } => self.sent(to.remote, &bytes),
            // There are no connections here.
            Output::Close { .. } => {}
            Output::LendPorts { stream, .. } => {
                let lent = self.free_ports > 0;
                if lent {
                    self.free_ports -= 1;
                    assert!(self.lent.insert(stream), "{stream} has ports already");
                }
                let rtp_port = 6000 + 2 * u16::try_from(stream.leg).expect("few legs");
                let address = "192.0.2.1".parse().expect("an address");
                let ports = lent.then_some(LentPorts {
                    address,
                    rtp_port,
                    rtcp_port: rtp_port + 1,
                    local: address,
                    peer: address,
                });
                self.soon(move || Input::PortsLent { stream, ports });
            }
            Output::ReturnPorts { stream } => self.give_back(stream),
            Output::Locate { asker, uri } => {
                let targets = targets_of(&uri);
                let host = uri.host.as_ref().map(ToString::to_string).unwrap_or_default();
                self.note(format!("looks up {}", host.to_lowercase()));
                self.after(COMMIT, Due::Input(Box::new(move || Input::Located { asker, targets })));
            }
            Output::OpenStream { stream: id, config } => {
                assert!(self.lent.contains(&id), "a stream without ports");
                self.note(format!("{}stream {}", leg_of(id), config.codec));
                let stream = Stream { config, playing: None, music: false, recording: None, held_at: None };
                assert!(self.streams.insert(id, stream).is_none(), "{id} has a stream already");
            }
            Output::Media { stream, command } => self.media_command(stream, command),
            Output::OpenRecording { recording, .. } => {
                let written = !self.recorder.fails;
                assert!(self.recorder.open.insert(recording, written).is_none(), "it is open already");
            }
            Output::CloseRecording { stream, recording } => {
                let call = stream.call;
                // One that failed is closed already.
                let Some(written) = self.recorder.open.remove(&recording) else { return };
                self.after(COMMIT, Due::Input(Box::new(move || Input::Recorded { call, recording, written })));
            }
            Output::Bridge { a, b, .. } => {
                assert!(self.streams.contains_key(&a) && self.streams.contains_key(&b), "a bridge needs both");
                self.note(format!("bridge {a} {b}"));
                self.bridges.push((a, b));
            }
            Output::Unbridge { a } => {
                let before = self.bridges.len();
                self.bridges.retain(|(one, other)| *one != a && *other != a);
                if self.bridges.len() < before {
                    self.note("unbridged");
                }
            }
            Output::CloseStream { stream } => self.close_stream(stream),
            Output::LoadRecording { call, recording, codec } => {
                self.note(format!("loads {}", recording.0));
                let readable = Encoded { codec, bytes: Arc::from(&[0x55u8; 800][..]) };
                let audio = (!self.store.lost.contains(&recording)).then_some(readable);
                self.soon(move || Input::RecordingLoaded { call, recording, audio });
            }
            Output::CheckPin { call, id, hash: _, pin } => {
                // Nobody in the built-in directory has a PIN; here everybody has this one.
                let right = Some(pin.0 == "4711");
                self.note(format!("checks {pin}"));
                self.after(COMMIT, Due::Input(Box::new(move || Input::PinChecked { call, id, right })));
            }
            Output::Desk { call, request } => self.desk(call, request),
            Output::Event(event) => self.told(event.what),
            // No transcript sends one: `sip::user_agent` has their tests.
            Output::Steered { done: Ok(()), .. } => {}
            Output::Steered { done: Err(fault), .. } => self.note(format!("not done: {fault}")),
            Output::TextEnded { id, status } => self.note(format!("text {}: {status}", id.0)),
            Output::Idle => {
                self.idle_told += 1;
                assert_eq!(self.idle_told, 1, "idle is told once");
                self.note("idle");
            }
            Output::Wait(_) => unreachable!("`drain` takes it"),
        }
    }

    fn give_back(&mut self, id: StreamId) {
        assert!(self.lent.remove(&id), "{id} gives back what it does not have");
        self.free_ports += 1;
    }

    fn close_stream(&mut self, id: StreamId) {
        let stream = self.streams.remove(&id).expect("only an open stream is closed");
        if let Some(take) = &stream.recording {
            self.stop(id, take, RecordStop::Commanded);
        }
        self.bridges.retain(|(a, b)| *a != id && *b != id);
        self.give_back(id);
        let report = StreamReport::of_lost(RtpStats::default());
        self.soon(move || Input::MediaClosed { stream: id, report });
    }

    fn media_command(&mut self, id: StreamId, command: MediaCommand) {
        let at = self.now.mono;
        let call = id.call;
        let stream = self.streams.get_mut(&id).expect("only an open stream is commanded");
        match command {
            MediaCommand::Play { token, items } => {
                let ms = CLIP_MS * items.len() as u64;
                stream.music = false;
                stream.playing = Some((token, at + Duration::from_millis(ms)));
                let codec = stream.config.codec;
                assert!(items.iter().all(|item| item.codec == codec), "it plays what the stream can't");
                let names: Vec<&str> = items.iter().map(name_of).collect();
                self.assert_promise_kept(call, &names);
                self.note(format!("{}plays {}", leg_of(id), names.join(" ")));
            }
            MediaCommand::StopPlay => {
                stream.playing = None;
                if std::mem::take(&mut stream.music) {
                    self.note(format!("{}music ends", leg_of(id)));
                }
            }
            MediaCommand::PlayLoop { items } => {
                stream.playing = None;
                stream.music = true;
                let names: Vec<&str> = items.iter().map(name_of).collect();
                self.note(format!("{}loops {}", leg_of(id), names.join(" ")));
            }
            MediaCommand::Record { token, limits, .. } => {
                assert!(stream.recording.is_none(), "one recording at a time");
                stream.recording = Some(Take { token, limits, started: at, heard: at });
                if let Some((recording, _)) = self.recorder.open.last_key_value().filter(|_| self.recorder.fails) {
                    let recording = recording.clone();
                    // The recorder closes by itself what it can't write.
                    self.recorder.open.remove(&recording);
                    self.soon(move || Input::Recorded { call, recording, written: false });
                }
            }
            MediaCommand::StopRecord => {
                if let Some(take) = stream.recording.take() {
                    self.stop(id, &take, RecordStop::Commanded);
                }
            }
            MediaCommand::Reconfigure(config) => {
                let direction = match (config.send, config.receive) {
                    (true, true) => "both ways",
                    (true, false) => "speaks only",
                    (false, true) => "listens only",
                    (false, false) => "neither way",
                };
                let keys = match (&stream.config.srtp, &config.srtp) {
                    (None, None) => "",
                    (Some(before), Some(now)) if before == now => ", same keys",
                    (Some(before), Some(now)) if before.ours == now.ours => ", new key of theirs",
                    (_, Some(_)) => ", new keys",
                    (Some(_), None) => ", in the clear",
                };
                let told = format!("stream {} {direction}{keys}", config.codec);
                // What plays stands still while nobody listens.
                match (config.send, stream.held_at) {
                    (false, None) => stream.held_at = Some(at),
                    (true, Some(since)) => {
                        stream.held_at = None;
                        stream.playing = stream.playing.map(|(token, end)| (token, end + at.since(since)));
                    }
                    (false, Some(_)) | (true, None) => {}
                }
                stream.config = config;
                self.note(told);
            }
            MediaCommand::InfoDigit { digit, .. } => self.press(id, digit, DigitSource::Info),
            MediaCommand::Press { digit, .. } => self.note(format!("{}hears key {digit}", leg_of(id))),
        }
    }

    /// R9: a ticket's number is said only once the whole of it is on disk.
    fn assert_promise_kept(&self, call: CallId, names: &[&str]) {
        if names.contains(&"ticket-number-is") {
            let row = &self.store.rows[&call.0];
            let complete = self.store.tickets.values().filter(|complete| **complete).count();
            assert!(complete > 0, "a number is said before its ticket is on disk: {row:?}");
        }
    }

    fn desk(&mut self, call: CallId, request: DeskRequest) {
        if let DeskRequest::PutLadder(ladder) = request {
            self.ladders.push(*ladder);
            return;
        }
        if let DeskRequest::PutBan(ban) = request {
            self.note(format!("ban {} kept", ban.network));
            return;
        }
        if let DeskRequest::PutCall(row) = request {
            if let Some(row) = self.store.put(*row) {
                let tickets: Vec<String> = row.tickets.iter().map(ToString::to_string).collect();
                let tickets = if tickets.is_empty() { String::new() } else { format!(" {}", tickets.join(" ")) };
                let (outcome, reason) = (row.outcome.expect("it has ended"), row.end_reason.unwrap_or_default());
                let caller = match row.caller.as_deref() {
                    _ if row.direction == Direction::Out => format!(" out to {}", row.callee),
                    Some("13800138000") => String::new(),
                    Some(caller) if caller.len() <= 3 => String::new(),
                    Some(caller) => format!(" from {caller}"),
                    None => " from nobody known".to_owned(),
                };
                self.note(format!("row ended {outcome} {reason}{tickets}{caller}"));
            }
            return;
        }
        let at_once = self.store.state == StoreState::Overloaded;
        let (reply, told) = self.store.serve(call, request);
        // That nothing is known of a caller is so in most calls.
        let known_of = !matches!(&reply.result, Ok(Done::Homes(homes)) if homes.is_empty())
            && !matches!(&reply.result, Ok(Done::OpenRepair(None)));
        if known_of {
            self.note(told);
        }
        let delay = if at_once { Duration::ZERO } else { COMMIT };
        self.after(delay, Due::Input(Box::new(move || Input::Desk(reply))));
    }

    fn told(&mut self, what: What) {
        match what {
            What::Node { node } => self.note(format!("step {node}")),
            What::Encrypted { suite, sealed: false } => self.note(format!("encrypted {suite}")),
            What::Key { source } => self.note(format!("key by {source:?}")),
            What::Answered { answer_ms, rings, .. } => {
                assert!(answer_ms < 10_000, "R2: the third ring has started");
                self.note(format!("answered after {answer_ms} ms, ring {rings}"));
            }
            What::Ringing { extension } => self.note(format!("rings {extension}")),
            What::NextServer { extension, status } => {
                self.note(format!("{extension} at its next server, after {status}"))
            }
            What::LegEnded { extension, end, .. } => self.note(format!("{extension} {end}")),
            What::ErrandBegun { errand, kind } => {
                // Its row is in the log like an INVITE's.
                self.invites += 1;
                self.note(format!("errand {} {kind}", errand.0));
            }
            What::Lifted { extension } => self.note(format!("{extension} lifts")),
            What::ErrandEnded { errand, result } => self.note(format!("errand {} ended {result}", errand.0)),
            What::Met { extension } => self.note(format!("put through to {extension}")),
            What::Parted { how } => self.note(format!("parted {how:?}")),
            What::PbxTold { status } => self.note(format!("the PBX says {status}")),
            What::HandedOn { from, to } => self.note(format!("handed on from {from} to {to}")),
            What::Parked { extension, slot } => self.note(format!("{extension} parks at {slot}")),
            What::Recalled { extension } => self.note(format!("{extension} is called back")),
            What::TakenOver { extension } => self.note(format!("{extension} takes it over")),
            What::EmergencyMissed { why } => self.note(format!("MISSED: {why}")),
            What::Queued { position } => self.note(format!("queue place {position}")),
            What::RecordingStarted { recording } => self.note(format!("records {}", recording.0)),
            What::RecordingEnded { duration_ms, written, .. } => {
                self.note(format!("recorded {duration_ms} ms{}", if written { "" } else { ", not written" }));
            }
            What::OutgoingLimit { per_hour_max } => self.note(format!("ALARM: {per_hour_max} calls out")),
            What::Held { on } => self.note(if on { "held" } else { "resumed" }),
            What::Diverted { from } => self.note(format!("{from} was called first")),
            What::PeerSaidWhy { reason } => self.note(format!("it says why: {reason}")),
            What::MediaLost => self.note("no media"),
            What::Refused { why, .. } => {
                self.refused += 1;
                self.note(format!("refused {}", why.reason()));
            }
            What::PinRefused { extension, locked } => {
                let whose = extension.as_deref().unwrap_or("nobody");
                self.note(format!("PIN of {whose} refused{}", if locked { ", locked" } else { "" }));
            }
            What::PinsLocked { whom, minutes } => self.note(format!("no PIN for {minutes} min from {whom}")),
            What::MessagesWaiting(w) => self.note(format!("{} has {} new, {} old", w.extension, w.new, w.old)),
            What::Panicked { .. } => self.note("a bug in this call"),
            What::PromptMissing { prompt } => self.note(format!("no prompt {prompt}")),
            _ => {}
        }
    }

    /// A message of ours: written down, and answered as a phone would.
    fn sent(&mut self, to: SocketAddr, bytes: &[u8]) {
        let message = parse_datagram(bytes, &Limits::default()).expect("we send what can be read");
        let call_id = message.headers().call_id().expect("it has one").to_owned();
        if let Message::Request(request) = &message
            && matches!(request.method, Method::Options | Method::Notify)
            && !self.callees.iter().any(|callee| callee.call_id() == call_id)
            && to != "127.0.0.1:5080".parse().expect("an address")
        {
            // The way to a registered telephone is kept open, and it is told of messages.
            let answer = String::from_utf8(request.response(200).to_bytes()).expect("it is text");
            return self.after(Duration::ZERO, Due::Sip(to, answer));
        }
        if let Message::Response(response) = &message
            && call_id == own_phone::CALL_ID
        {
            self.challenge = response.headers.first(&Name::WwwAuthenticate).map(str::to_owned);
            return self.note(format!("-> {} REGISTER", response.status));
        }
        if let Message::Request(request) = &message
            && self.sent_to_callee(to, request)
        {
            return;
        }
        if let Message::Response(response) = &message
            && self.answer_sent_to_callee(&call_id, response)
        {
            return;
        }
        if self.sent_to_registered(to, &call_id, &message) {
            return;
        }
        let index = self.phones.iter().position(|phone| phone.call_id() == call_id).expect("it is one of our calls");
        let tag = message.headers().to().ok().and_then(|to| to.tag().map(str::to_owned));
        match message {
            Message::Request(request) => {
                let to_whom = request.headers.first(&Name::ReferTo).map(|to| format!(" to {to}")).unwrap_or_default();
                let why = why(&request);
                self.note_once(format!("-> {}{to_whom}{why}", request.method));
                if !self.lose_bye && !self.vanished {
                    let status = if request.method == Method::Refer { 202 } else { 200 };
                    let answer = String::from_utf8(request.response(status).to_bytes()).expect("it is text");
                    self.after(Duration::ZERO, Due::Sip(to, answer));
                }
            }
            Message::Response(response) => {
                let cseq = response.headers.cseq().expect("it has one");
                let what = if cseq.method == Method::Invite { String::new() } else { format!(" {}", cseq.method) };
                let rseq = response.headers.first(&Name::from_token("RSeq")).map(str::to_owned);
                let reliable = if rseq.is_some() { " reliable" } else { "" };
                let timer = response.headers.first(&Name::from_token("Session-Expires"));
                let timer = timer.map(|timer| format!(" session {timer}")).unwrap_or_default();
                self.note_once(format!("-> {}{what}{reliable}{timer}", response.status));
                self.asked = rseq.zip(tag.clone()).or(self.asked.take());
                if cseq.method != Method::Invite || response.is_provisional() {
                    return;
                }
                let mut acked = self.phones[index].clone();
                acked.tag.clone_from(&tag);
                let initial = cseq.number == 1;
                if self.vanished {
                    return;
                }
                if response.is_success() {
                    self.phones[index].tag = tag;
                }
                let by_script = !self.phones[index].is_staffs && initial && response.is_success();
                if self.lose_ack || by_script {
                    return;
                }
                let branch = if initial { "invite".to_owned() } else { format!("INVITE-{}", cseq.number) };
                let branch = if response.is_success() { format!("ack-{branch}") } else { branch };
                let ack = acked.request("ACK", cseq.number, &branch, None);
                self.after(Duration::ZERO, Due::Sip(to, ack));
            }
        }
    }

    /// A phone that was rung does something: the newest call to it that is not over.
    fn callee(&mut self, user: &str, what: &[&str]) {
        if let ["calls", wanted] = what {
            return self.staff_calls(user, wanted, None);
        }
        if let ["replaces", other] = what {
            let Some(of) = self.callees.iter().rev().find(|c| c.user == *other && c.answered) else { return };
            let replaces = of.as_replaces();
            return self.staff_calls(user, "desk", Some(replaces));
        }
        let second = |number: &str| {
            let Some(of) = self.phones.get(number.parse::<usize>().expect("a number") - 1) else {
                return String::new();
            };
            format!("{};to-tag={};from-tag=p{}", of.call_id(), of.tag.as_deref().unwrap_or("x"), of.number)
        };
        let target = match what {
            ["refers", to] => format!("sip:{to}@192.0.2.1"),
            // To somebody whom it calls through the desk, by the call of this number.
            ["refers", to, "with", call] => {
                let replaces = second(call).replace(';', "%3B").replace('=', "%3D");
                format!("sip:{to}@192.0.2.1?Replaces={replaces}")
            }
            // To somebody whom it calls past the desk.
            ["refers", to, "elsewhere"] => format!("sip:{to}@127.0.0.1:5080?Replaces=x%3Bto-tag%3Da%3Bfrom-tag%3Db"),
            _ => String::new(),
        };
        // What a phone does in a call it does in the one that it has answered.
        let rings = matches!(what, ["answers" | "progress" | "refuses" | "redirects", ..]);
        let found = self.callees.iter_mut().rev().find(|c| c.user == user && if rings { !c.done } else { c.answered });
        let Some(callee) = found else { return self.note(format!("{user} is not rung")) };
        let text = match what {
            ["answers"] => callee.response(200, Some(8)),
            ["answers", "pcmu"] => callee.response(200, Some(0)),
            ["answers", "g722"] => callee.response(200, Some(9)),
            ["answers", "unknown"] => callee.response(200, Some(3)),
            ["answers", "without", "sdp"] => callee.response(200, None),
            ["progress"] => callee.response(183, Some(8)),
            ["refuses", status] => callee.response(status.parse().expect("a status"), None),
            ["redirects", status, to @ ..] => callee.redirect(status.parse().expect("a status"), to),
            ["bye"] => {
                callee.answered = false;
                callee.request(&Method::Bye, None)
            }
            ["refers", ..] => callee.refer(&target),
            ["hold"] => callee.request(&Method::Invite, Some("sendonly")),
            ["changes", "pcmu"] => {
                callee.request(&Method::Invite, Some("sendrecv")).replace("RTP/AVP 8 ", "RTP/AVP 0 ")
            }
            ["resume"] => callee.request(&Method::Invite, Some("sendrecv")),
            ["loses", "media"] => {
                let Some(id) = self.stream_of(user) else { return };
                return self.input(Input::Media { stream: id, event: MediaEvent::MediaLost });
            }
            ["key", keys] => {
                let keys: Vec<char> = keys.chars().collect();
                if self.stream_of(user).is_none() {
                    return self.note(format!("{user} has not answered"));
                }
                for key in keys {
                    let Some(id) = self.stream_of(user) else { return };
                    let digit = Digit::from_char(key).expect("it is a key");
                    self.press(id, digit, DigitSource::Rfc4733);
                    self.settle();
                }
                return;
            }
            // Whom the desk has called says something into a recording.
            ["speaks", time] => {
                let Some(id) = self.stream_of(user) else { return };
                return self.speak_into(id, duration(time));
            }
            other => panic!("no phone does that: {other:?}"),
        };
        self.receive("127.0.0.1:5080".parse().expect("an address"), &text);
        self.settle();
    }

    /// A phone of the staff calls the desk.
    fn staff_calls(&mut self, user: &str, wanted: &str, replaces: Option<String>) {
        let mut phone = Phone::of_staff(self.phones.len() + 1, user, wanted);
        let body = sdp("127.0.0.1", 8, "sendrecv", 1);
        phone.invite_sdp = Some(body.clone());
        let text = phone.request("INVITE", 1, "invite", Some(("application/sdp", &body)));
        let text = match replaces {
            Some(r) => text.replacen("Content-Length:", &format!("Replaces: {r}\r\nContent-Length:"), 1),
            None => text,
        };
        self.phones.push(phone);
        self.invites += 1;
        self.receive("127.0.0.1:5080".parse().expect("an address"), &text);
        self.settle();
    }

    /// The stream of the call that it has answered, while that is open.
    fn stream_of(&self, user: &str) -> Option<StreamId> {
        let callee = self.callees.iter().rev().find(|c| c.user == user && c.answered)?;
        self.streams.keys().rev().find(|id| id.leg == callee.leg).copied()
    }

    /// A request of ours to a phone that is rung; whether it was one.
    fn sent_to_callee(&mut self, to: SocketAddr, request: &Request) -> bool {
        let call_id = request.headers.call_id().expect("it has one");
        let known = self.callees.iter().position(|c| c.call_id() == call_id);
        let reply = |status| String::from_utf8(request.response(status).to_bytes()).expect("it is text");
        match (&request.method, known) {
            (Method::Invite, None) => {
                let from = request.headers.from().expect("it has one");
                let replaces =
                    request.headers.first(&Name::Replaces).map(|r| format!(" replacing {r}")).unwrap_or_default();
                self.note(format!("-> INVITE {} from {}{replaces}", request.uri, from.uri));
                let mut callee = Callee::new(request);
                let ringing = callee.response(180, None);
                self.callees.push(callee);
                // A server that is down says nothing by itself.
                if to.ip().to_string() != DOWN {
                    self.after(Duration::ZERO, Due::Sip(to, ringing));
                }
                true
            }
            (Method::Cancel, Some(at)) => {
                let why = why(request);
                self.note(format!("-> CANCEL {}{why}", self.callees[at].user));
                let over = self.callees[at].response(487, None);
                self.after(Duration::ZERO, Due::Sip(to, reply(200)));
                self.after(Duration::ZERO, Due::Sip(to, over));
                true
            }
            (Method::Bye, Some(at)) => {
                self.note(format!("-> BYE {}", self.callees[at].user));
                self.callees[at].answered = false;
                self.after(Duration::ZERO, Due::Sip(to, reply(200)));
                true
            }
            (Method::Notify, Some(at)) => {
                let what = String::from_utf8_lossy(&request.body).trim().replace("SIP/2.0 ", "");
                self.note(format!("-> NOTIFY {} {what}", self.callees[at].user));
                self.after(Duration::ZERO, Due::Sip(to, reply(200)));
                true
            }
            (_, Some(_)) => true,
            (_, None) => false,
        }
    }

    /// A response of ours to a phone that was rung; whether it was one.
    fn answer_sent_to_callee(&mut self, call_id: &str, response: &Response) -> bool {
        let Some(callee) = self.callees.iter_mut().find(|c| c.call_id() == call_id) else { return false };
        let cseq = response.headers.cseq().expect("it has one");
        if cseq.method == Method::Invite && response.is_success() {
            let ack = callee.ack(cseq.number);
            self.after(Duration::ZERO, Due::Sip("127.0.0.1:5080".parse().expect("an address"), ack));
        }
        true
    }

    fn look_at_live_calls(&mut self) {
        let zero = self.now.wall - Duration::from_micros(self.now.mono.0 - self.zero.0);
        for call in self.exchange.live(self.now) {
            let since = (call.since - zero).num_milliseconds();
            let rung = if call.rung.is_empty() { String::new() } else { format!(", rings {}", call.rung.join(" ")) };
            let caller = call.caller.as_deref().unwrap_or("-");
            let phase = match &call.phase {
                Phase::Menu { node } => format!("in the menu at {}", node.name),
                Phase::Recording { node } => format!("recorded at {}", node.name),
                other => format!("{other:?}"),
            };
            self.note(format!("live {} {caller} ring {} {phase} since {since} ms{rung}", call.id, call.rings));
        }
    }

    fn steer(&mut self, by: &str, what: &[&str]) {
        let steer = match what {
            ["transfer", to] => Steer::Transfer { to: (*to).to_owned() },
            ["park"] => Steer::Park,
            ["pick-up", extension] => Steer::PickUp { extension: (*extension).to_owned() },
            ["back"] => Steer::HandBack,
            other => panic!("no such wish: {other:?}"),
        };
        let call = self.call().unwrap_or(CallId(i64::MAX));
        let order = SteerOrder { call, steer, by: Some(by.to_owned()).filter(|by| by != "any") };
        self.input(Input::Steer { id: 1, order });
    }

    fn note(&mut self, text: impl AsRef<str>) {
        let ms = self.now.mono.ms_since(self.zero);
        let (minutes, seconds, ms) = (ms / 60_000, ms / 1000 % 60, ms % 1000);
        text.as_ref().clone_into(&mut self.last);
        writeln!(self.log, "{minutes:02}:{seconds:02}.{ms:03} {}", text.as_ref()).expect("a string takes all");
    }

    /// Without the copies of what is sent again.
    fn note_once(&mut self, text: String) {
        if self.last != text {
            self.note(text);
        }
    }
}

impl Drop for CallTest {
    /// Nothing is left of any call once all has had its time.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.lose_bye = false;
        self.vanished = false;
        // An alarm is told to the store until it is kept.
        self.store.state = StoreState::Writes;
        // A call may last an hour, and a call-back wait for four.
        (0..5).for_each(|_| self.advance(Duration::from_secs(4000)));
        let log = &self.log;
        assert!(self.exchange.is_idle(), "something is left\n{log}");
        assert!(self.lent.is_empty(), "ports are left: {:?}\n{log}", self.lent);
        assert!(self.streams.is_empty(), "streams are left\n{log}");
        assert!(self.recorder.open.is_empty(), "files are left open: {:?}\n{log}", self.recorder.open);
        assert!(self.bridges.is_empty(), "bridges are left\n{log}");
        assert!(self.later.is_empty(), "something is still on its way\n{log}");
        assert_eq!(self.store.ended.len(), self.store.rows.len(), "R4: every row is ended\n{log}");
        if !self.flood {
            assert_eq!(self.store.rows.len(), self.invites, "R4: each INVITE has its row\n{log}");
        }
    }
}

/// What a script asks the desk to call for.
fn errand(id: i64, kind: &str, to: &str, rest: &[&str], due: DateTime<Utc>) -> Errand {
    let number = to.len() > 4;
    let of_message = kind == "relay";
    let about = ErrandAbout {
        kind: (!of_message).then_some(Kind::Repair),
        urgency: (!of_message).then_some(Urgency::Urgent),
        category: (!of_message).then(|| "power".to_owned()),
        building: (!of_message).then(|| "3".to_owned()),
        room: (!of_message).then(|| "1201".to_owned()),
        recording: Some(RecordingId("2026/11/22/000007-1.wav".to_owned())),
        from_number: Some("13900139000".to_owned()),
        left_at: Some(due - Duration::from_secs(600)),
        for_person: None,
        called_from: (!rest.contains(&"keyed")).then(|| "13900139000".to_owned()),
        trunk: None,
        number_by: None,
        language: None,
    };
    Errand {
        id: ErrandId(id),
        kind: kind.parse().expect("a kind"),
        to: match number {
            true => ErrandTo::Customer { number: to.to_owned() },
            false => ErrandTo::Person { extension: to.to_owned() },
        },
        ticket: (!of_message).then(|| TicketNumber("20261122-0003".to_owned())),
        message: of_message.then_some(MessageId(5)),
        note: (kind == "notice").then(|| "on_site".to_owned()),
        due,
        overtaken: rest.contains(&"overtaken"),
        about,
    }
}

/// The Reason of a BYE or CANCEL that says more than that nobody talks any more.
fn why(request: &Request) -> String {
    let said = request.headers.first(&Name::Reason);
    let usual = |why: &&str| why.starts_with("Q.850;cause=16;") || why.starts_with("Q.850;cause=19;");
    said.filter(|why| !usual(why)).map(|why| format!(" {why}")).unwrap_or_default()
}

/// Whose stream it is, where it is not the caller's.
fn leg_of(id: StreamId) -> String {
    if id.leg == 0 { String::new() } else { format!("leg {} ", id.leg) }
}

/// The prompt's id; by its audio, of which the library has one copy.
fn name_of(item: &Encoded) -> &'static str {
    static NAMES: OnceLock<BTreeMap<usize, String>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let library = library();
        let mut names = BTreeMap::new();
        // Encoding all of them takes long: those that the flow says, and digits.
        let said = |id: &&str| {
            [
                "brief", "category", "digit", "language", "note", "place", "stage", "urgency", "work", "answer",
                "mailbox", "date", "time", "num",
            ]
            .iter()
            .any(|group| id.starts_with(group))
                || Flow::default_text().contains(*id)
        };
        for id in library.ids().into_iter().filter(said) {
            for lang in library.languages() {
                if let Some(audio) = library.encoded(lang, id, Codec::Pcma) {
                    names.insert(audio.bytes.as_ptr() as usize, id.to_owned());
                }
            }
        }
        names
    });
    names.get(&(item.bytes.as_ptr() as usize)).map_or("tone", String::as_str)
}

fn duration(text: &str) -> Duration {
    let number = |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("`{text}` is no time"));
    match text.strip_suffix("ms") {
        Some(ms) => Duration::from_millis(number(ms)),
        None => Duration::from_secs(number(text.strip_suffix('s').expect("a time ends with s"))),
    }
}

const DOWN: &str = "127.0.0.9";

/// One name leads to the phones, one to a server that is down and then to them, any other to nobody.
fn targets_of(uri: &Uri) -> Vec<Target> {
    let port = uri.port.unwrap_or(5060);
    let at = |address: &str| Target {
        transport: Transport::Udp,
        address: format!("{address}:{port}").parse().expect("an address"),
    };
    match uri.host.as_ref().map(|host| host.to_string().to_lowercase()).as_deref() {
        Some("phones.example") => vec![at("127.0.0.1")],
        Some("twins.example") => vec![at(DOWN), at("127.0.0.1")],
        _ => vec![],
    }
}
