//! A desk with a few records and its console on a free port, asked over real connections.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use frontdesk::console::{self, ConsoleState, DeskAccess, DeskSettings, GateOptions};
use frontdesk::desk::account::UserDraft;
use frontdesk::desk::alarm::{AlarmKind, AlarmState, AlarmWord};
use frontdesk::desk::answer_time::Cadence;
use frontdesk::desk::audit::KeptAudit;
use frontdesk::desk::call_record::{CallRecord, Direction, Outcome, PathStep, RtpStats};
use frontdesk::desk::hours::Hours;
use frontdesk::desk::ladder::{CallLadder, LadderMessage};
use frontdesk::desk::message::{MessageChange, MessageDraft};
use frontdesk::desk::people::Directory;
use frontdesk::desk::request::{DeskRequest, Done, RequestId};
use frontdesk::desk::secret_hash::SecretHash;
use frontdesk::desk::ticket::{Class, Kind, TicketChange, TicketDraft, Urgency};
use frontdesk::desk::token::{TokenDraft, TokenSecret};
use frontdesk::store::{AuditFilter, Changer, Clerk, Desk as Knows, Editor, Reader, Store, StoreOptions};
use frontdesk::types::{CallId, MessageId, NumberPlan, RecordingId, Redacted, TicketNumber};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

/// Of every account.
pub const PASSWORD: &str = "correct horse battery";

pub struct Desk {
    folder: TempDir,
    pub address: SocketAddr,
    /// Of the repair that call 2 left.
    pub ticket: String,
    /// The bytes of call 2's recording.
    pub audio: Vec<u8>,
    server: Mutex<Option<(oneshot::Sender<()>, std::thread::JoinHandle<()>)>>,
}

fn noon() -> DateTime<Utc> {
    "2026-11-23T04:00:00Z".parse().unwrap()
}

impl Desk {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let audio = audio(folder.path());
        let ticket = fill(folder.path());
        let (address, stop, thread) = serve(folder.path());
        Self { folder, address, ticket, audio, server: Mutex::new(Some((stop, thread))) }
    }

    pub fn stop(&self) {
        if let Some((stop, thread)) = self.server.lock().unwrap().take() {
            let _ = stop.send(());
            thread.join().unwrap();
        }
    }

    /// Puts another file in the place of call 2's recording.
    pub fn record(&self, bytes: &[u8]) {
        std::fs::write(self.folder.path().join("recordings/2026/11/23/000002-1.wav"), bytes).unwrap();
    }

    /// What the caller of call 2 said for the repair is kept with it.
    pub fn keep_what_was_said(&self) {
        let database = rusqlite::Connection::open(self.folder.path().join("frontdesk.db")).unwrap();
        let sql = "UPDATE tickets SET recording = '2026/11/23/000002-1.wav' WHERE number = ?1";
        assert_eq!(database.execute(sql, [&self.ticket]).unwrap(), 1);
    }

    pub fn editor(&self) -> Editor {
        Editor::open(&self.folder.path().join("frontdesk.db")).unwrap()
    }

    pub fn audit(&self) -> Vec<KeptAudit> {
        Reader::open(&self.folder.path().join("frontdesk.db")).unwrap().audit(&AuditFilter::default()).unwrap()
    }

    /// Who was told what, the oldest first: `shown call 2`.
    pub fn written_down(&self) -> Vec<String> {
        let entries = self.audit().into_iter().rev();
        entries.map(|entry| format!("{} {} {}: {}", entry.from_where, entry.who, entry.what, entry.about)).collect()
    }

    /// The clerk begins what the desk sees to by itself.
    pub fn look_after_work(&self) {
        let hours = Arc::new(Hours::parse(Hours::default_text(), "built-in hours").unwrap());
        let people = Arc::new(Directory::parse(Directory::default_text(), "built-in people").unwrap());
        let knows = Knows {
            people,
            hours,
            rules: Arc::default(),
            clocks: Arc::default(),
            notify: Arc::default(),
            transcribes: false,
        };
        let mut clerk = Clerk::open(&self.folder.path().join("frontdesk.db")).unwrap();
        while clerk.look(noon() + TimeDelta::minutes(1), &knows).unwrap().more {}
    }

    pub fn admin(&self) -> String {
        self.token(&["admin"], "administrator")
    }

    pub fn token(&self, scopes: &[&str], role: &str) -> String {
        self.token_until(scopes, role, Utc::now() + TimeDelta::days(1))
    }

    pub fn token_until(&self, scopes: &[&str], role: &str, until: DateTime<Utc>) -> String {
        let draft = TokenDraft {
            name: "test".to_owned(),
            scopes: scopes.iter().map(|scope| scope.parse().unwrap()).collect(),
            role: role.parse().unwrap(),
            made_at: until - TimeDelta::days(1),
            expires_at: Some(until),
        };
        let mut chance = [0; 32];
        rand::Rng::fill_bytes(&mut rand::rng(), &mut chance);
        let secret = TokenSecret::new(chance);
        secret.text(self.editor().add_token(&draft, &secret.hash()).unwrap())
    }

    pub fn get(&self, token: &str, path: &str) -> Answer {
        self.send(token, "GET", path, &[], None)
    }

    pub fn post(&self, token: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let headers = [headers, &[("Content-Type", "application/json")]].concat();
        self.send(token, "POST", path, &headers, Some(&body.to_string()))
    }

    pub fn change(&self, token: &str, method: &str, path: &str, tag: &str, body: &Value) -> Answer {
        let headers = [("Content-Type", "application/json"), ("If-Match", tag)];
        self.send(token, method, path, &headers, Some(&body.to_string()))
    }

    pub fn send(&self, token: &str, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
        let mut stream = self.ask(token, method, path, &[headers, &[("Connection", "close")]].concat(), body);
        Answer::read(&mut stream)
    }

    pub fn listen(&self, token: &str, path: &str, headers: &[(&str, &str)]) -> EventStream {
        let mut stream = BufReader::new(self.ask(token, "GET", path, headers, None));
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(stream.read_line(&mut head).unwrap() > 0, "{head}");
        }
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/event-stream"), "{head}");
        EventStream(stream)
    }

    /// Asks as a browser does, outside the API.
    pub fn visit(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
        let headers = [headers, &[("Connection", "close")]].concat();
        Answer::read(&mut self.ask_at("", method, path, &headers, body))
    }

    /// Makes an account; its password is `PASSWORD`.
    pub fn account(&self, name: &str, role: &str, extension: Option<&str>) {
        let at = Changer { who: "test", from_where: "shell", at: Utc::now() };
        let draft = UserDraft {
            name: name.to_owned(),
            full_name: name.to_owned(),
            extension: extension.map(ToOwned::to_owned),
            role: role.parse().unwrap(),
        };
        let hash = SecretHash::make(&Redacted(PASSWORD.to_owned()), &[7; 16]).unwrap();
        let mut editor = self.editor();
        let id = editor.add_user(at, &draft).unwrap();
        editor.set_password(at, id, &hash, None).unwrap();
    }

    /// The headers of somebody's browser once they have signed in: their cookie, and what changes carry.
    pub fn sign_in(&self, name: &str) -> [(&'static str, String); 2] {
        let form = format!("name={name}&password={}", PASSWORD.replace(' ', "+"));
        let answer = self.visit("POST", "/sign-in", &[("X-In-Place", "1")], Some(&form));
        assert_eq!(answer.status, 200, "{answer:?}");
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        [("Cookie", cookie), ("X-CSRF-Token", String::from_utf8(answer.body).unwrap())]
    }

    fn ask(&self, token: &str, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> TcpStream {
        self.ask_at(token, method, &format!("/api/v1{path}"), headers, body)
    }

    fn ask_at(&self, token: &str, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: desk\r\n");
        if !token.is_empty() {
            request.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = body {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        request.push_str(body.unwrap_or_default());
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop();
        }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

impl Answer {
    fn read(stream: &mut TcpStream) -> Self {
        let mut all = Vec::new();
        // A server that refuses a long body may close before all of it was sent.
        if let Err(error) = stream.read_to_end(&mut all) {
            assert!(!all.is_empty(), "{error}");
        }
        let end = all.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(all[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head, body: all[end + 4..].to_vec() }
    }

    pub fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|fault| panic!("{fault}: {self:?}"))
    }

    pub fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap().to_owned()
    }
}

/// A stream of events that goes on.
pub struct EventStream(BufReader<TcpStream>);

impl EventStream {
    /// Id, kind and data of the next one.
    pub fn event(&mut self) -> (i64, String, Value) {
        let (mut id, mut kind, mut data) = (None, None, None);
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream ended");
            let line = line.trim_end();
            if let Some(value) = line.strip_prefix("id: ") {
                id = value.parse().ok();
            } else if let Some(value) = line.strip_prefix("event: ") {
                kind = Some(value.to_owned());
            } else if let Some(value) = line.strip_prefix("data: ") {
                data = serde_json::from_str(value).ok();
            } else if line.is_empty()
                && let (Some(id), Some(kind), Some(data)) = (id.take(), kind.take(), data.take())
            {
                return (id, kind, data);
            }
        }
    }

    pub fn ends(mut self) -> bool {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).is_ok()
    }
}

fn serve(folder: &std::path::Path) -> (SocketAddr, oneshot::Sender<()>, std::thread::JoinHandle<()>) {
    let settings = DeskSettings {
        time_zone: chrono_tz::Asia::Shanghai,
        cadence: Cadence::default(),
        clocks: Arc::default(),
        people: Arc::new(Directory::parse(Directory::default_text(), "built-in people").unwrap()),
        hours: Arc::new(Hours::parse(Hours::default_text(), "built-in hours").unwrap()),
        flow: Arc::default(),
        numbers: NumberPlan::default(),
        owner: "desk".to_owned(),
        desk_names: [("".to_owned(), "光明物业".to_owned()), ("en".to_owned(), "Guangming".to_owned())].into(),
        retention: frontdesk::desk::retention::Retention::default(),
    };
    let access = DeskAccess::new(folder.join("frontdesk.db"), folder.join("recordings"), settings);
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let stopped = async { stopped.await.unwrap_or(()) };
            // No line: what is asked of it is not answered.
            let (nobody, _) = tokio::sync::mpsc::channel(1);
            console::serve(listener, ConsoleState::new(), (access, GateOptions::default()), nobody, stopped)
                .await
                .unwrap();
        });
    });
    (address, stop, thread)
}

fn audio(folder: &std::path::Path) -> Vec<u8> {
    let audio: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    std::fs::create_dir_all(folder.join("recordings/2026/11/23")).unwrap();
    std::fs::write(folder.join("recordings/2026/11/23/000002-1.wav"), &audio).unwrap();
    std::fs::write(folder.join("secret.wav"), "not for anybody").unwrap();
    audio
}

/// Three calls, two tickets, a message and an alarm; gives the number of the repair.
fn fill(folder: &std::path::Path) -> String {
    let (tell, replies) = channel();
    let options = StoreOptions::new(folder.join("frontdesk.db"), chrono_tz::Asia::Shanghai);
    let (store, _) = Store::open(options, Box::new(move |reply| drop(tell.send(reply)))).unwrap();
    let draft = |kind, class| TicketDraft {
        kind,
        class,
        urgency: (kind == Kind::Repair).then_some(Urgency::Urgent),
        category: None,
        caller: Some("+8613800138000".to_owned()),
        call: CallId(2),
        language: None,
    };
    let number = TicketNumber("20261123-0001".to_owned());
    let change = TicketChange {
        building: Some("3".into()),
        room: Some("1201".into()),
        complete: Some(true),
        ..TicketChange::default()
    };
    let message = MessageDraft {
        for_person: Some("201".into()),
        from_number: Some("13900139000".into()),
        from_name: None,
        call: CallId(2),
        language: None,
    };
    let kept = MessageChange { complete: Some(true), duration_ms: Some(4_000), ..MessageChange::default() };
    let alarm = AlarmWord {
        note: "nobody took it".into(),
        ..AlarmWord::of_call(AlarmKind::MissedEmergency, CallId(2), AlarmState::Open)
    };
    let id = RequestId(0);
    let requests = vec![
        DeskRequest::OpenTicket { id, draft: draft(Kind::Repair, Class::B) },
        DeskRequest::ChangeTicket { id, number: number.clone(), change },
        DeskRequest::OpenTicket { id, draft: draft(Kind::Inquiry, Class::D) },
        DeskRequest::OpenMessage { id, draft: message },
        DeskRequest::ChangeMessage { id, message: MessageId(1), change: kept },
        DeskRequest::PutAlarm { id, word: alarm },
    ];
    let asked = requests.len();
    for request in requests {
        store.submit(CallId(2), noon(), request).unwrap();
    }
    for call in [call(1, None), call(2, Some("2026/11/23/000002-1.wav")), call(3, Some("../secret.wav"))] {
        store.submit(call.id, noon(), DeskRequest::PutCall(Box::new(call))).unwrap();
    }
    store.submit(CallId(2), noon(), DeskRequest::PutLadder(Box::new(ladder()))).unwrap();
    assert_eq!(store.shutdown(), 0);
    let replies: Vec<_> = replies.into_iter().collect();
    assert_eq!(replies.iter().filter(|reply| reply.result.is_ok()).count(), asked, "{replies:?}");
    let opened = replies.iter().find_map(|reply| match &reply.result {
        Ok(Done::TicketOpened(number)) => Some(number.clone()),
        _ => None,
    });
    assert_eq!(opened, Some(number.clone()));
    number.0
}

/// Of the call that left the repair.
fn way() -> Vec<PathStep> {
    let step = |at_ms, node: &str, input: Option<&str>| PathStep {
        at_ms,
        node: node.to_owned(),
        input: input.map(str::to_owned),
    };
    vec![
        step(0, "welcome", None),
        step(3_000, "main", None),
        step(5_000, "main", Some("1")),
        step(5_000, "repair", None),
    ]
}

/// What that call said in SIP, as far as it matters.
fn ladder() -> CallLadder {
    let message = LadderMessage {
        at_ms: 0,
        out: false,
        leg: 0,
        transport: "UDP".to_owned(),
        local: "192.0.2.1:5060".parse().unwrap(),
        remote: "192.0.2.7:5062".parse().unwrap(),
        bytes: b"INVITE sip:desk@192.0.2.1 SIP/2.0\r\nFrom: <sip:+8613800138000@192.0.2.7>\r\n\r\n".to_vec(),
    };
    CallLadder { call: CallId(2), began_at: noon(), messages: vec![message], left_out: 0, gap_at: 0 }
}

fn call(id: i64, recording: Option<&str>) -> CallRecord {
    let started_at = noon() + TimeDelta::minutes(id - 1);
    CallRecord {
        id: CallId(id),
        direction: Direction::default(),
        caller: Some("+8613800138000".into()),
        caller_name: None,
        callee: "desk".into(),
        started_at,
        answered_at: Some(started_at),
        ended_at: Some(started_at + TimeDelta::seconds(50)),
        answer_ms: Some(9),
        answer_rings: Some(1),
        outcome: Some(Outcome::Ticket),
        path: if id == 2 { way() } else { Vec::new() },
        handled_by: None,
        tickets: Vec::new(),
        messages: Vec::new(),
        recording: recording.map(|recording| RecordingId(recording.to_owned())),
        codec: None,
        rtp: RtpStats::default(),
        end_reason: None,
        sip_call_id: format!("{id}@test"),
        legs: Vec::new(),
        trunk: None,
        diverted_from: None,
    }
}
